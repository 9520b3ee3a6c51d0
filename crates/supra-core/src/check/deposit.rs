//! Checks the subscription: the balance against each minimum, whitelisting, modules, the period of dVRF 2.

use serde_json::{Value, json};

use super::code::Code;
use super::{Facts, Finding, Findings, Policy, Severity};
use crate::amount::{Decimal, Quants};
use crate::forecast::Runway;
use crate::min_balance::Calculation;
use crate::state::State;
use crate::time::format_span;

/// How long before the end of a dVRF 2 subscription a warning is given, in seconds.
const SECONDS_BEFORE_END: u64 = 14 * 24 * 3600;

pub(super) fn check(facts: &Facts, policy: &Policy, runway: Option<&Runway>, findings: &mut Findings) {
    let deposit = &facts.state.deposit;
    // A client at a mistyped address is not known to the module either.
    let is_refused = deposit.client_whitelisted == Some(false) && !findings.has(Code::NoContract);
    if is_refused {
        let message = findings.lang.pick(
            "the client is not whitelisted in the deposit module; its requests are refused",
            "клиент не внесён в белый список модуля депозита; запросы отклоняются",
        );
        findings.add(Code::ClientNotWhitelisted, message, json!({}));
    } else if deposit.client_whitelisted != Some(false) {
        // If the call failed, the module may be refusing every request.
        if deposit.client_whitelisted.is_none() && findings.has_failed("client_whitelisted") {
            findings.add_unknown(
                "client_whitelisted",
                "whether the client is whitelisted",
                "внесён ли клиент в белый список",
            );
        }
        check_balance(facts, policy, findings);
        check_runway(runway, policy, findings);
    }
    if deposit.paused.is_none() && findings.has_failed("paused") {
        findings.add_unknown(
            "paused",
            "whether the deposit module is paused",
            "приостановлен ли модуль депозита",
        );
    }
    if deposit.paused == Some(true) {
        let message =
            findings.lang.pick("Supra paused the deposit module", "Supra приостановила модуль депозита");
        findings.add(Code::DepositPaused, message, json!({}));
    }
    check_modules(facts, policy, findings);
    check_subscription_end(facts, findings);
}

/// Keeps the worst level of the deposit, which is the first in this order, and lists the codes of the others as its
/// `also`: the deposit is one problem.
pub(super) fn one_level(findings: Vec<Finding>) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        let worst = kept.iter_mut().find(|worst| worst.code.is_deposit_level());
        let Some(worst) = worst.filter(|_| finding.code.is_deposit_level()) else {
            kept.push(finding);
            continue;
        };
        if let Value::Array(also) = worst.evidence.entry("also").or_insert_with(|| json!([])) {
            also.push(json!(finding.code));
        }
        for (key, value) in finding.evidence {
            worst.evidence.entry(key).or_insert(value);
        }
    }
    kept
}

/// Returns whether the deposit is at or below a known minimum; `None` if no minimum can be compared.
pub fn is_low(state: &State, calculation: Option<&Calculation>, limit: Option<Quants>) -> Option<bool> {
    let deposit = &state.deposit;
    let minimums = [calculation.map(|calculation| calculation.min_balance), limit];
    let by_numbers =
        minimums.into_iter().flatten().map(|minimum| deposit.balance.map(|balance| balance <= minimum));
    let by_chain = [deposit.at_or_below_minimum, deposit.is_at_minimum()];
    let comparisons: Vec<Option<bool>> = by_chain.into_iter().chain(by_numbers).collect();
    if deposit.client_whitelisted == Some(false) || comparisons.contains(&Some(true)) {
        return Some(true);
    }
    if deposit.balance.is_none() { None } else { comparisons.contains(&Some(false)).then_some(false) }
}

fn check_balance(facts: &Facts, policy: &Policy, findings: &mut Findings) {
    let deposit = &facts.state.deposit;
    let Some(balance) = deposit.balance else {
        if deposit.at_or_below_minimum == Some(true) {
            add_at_minimum(None, deposit.refusal_minimum(), findings);
        }
        findings.add_unknown("balance", "the balance", "баланс");
        if deposit.min_balance.is_none() && deposit.at_or_below_minimum.is_none() {
            findings.add_unknown("min_balance", "the minimum balance", "минимальный баланс");
        }
        return;
    };
    let minimum = deposit.refusal_minimum();
    let below = deposit.is_at_minimum();
    match (deposit.at_or_below_minimum, below) {
        (Some(true), _) | (_, Some(true)) => add_at_minimum(Some(balance), minimum, findings),
        (None, None) if minimum.is_some() => {
            findings.add_unknown("supra_min_balance", "Supra's minimum balance", "минимальный баланс Supra");
        }
        (None, None) => findings.add_unknown("min_balance", "the minimum balance", "минимальный баланс"),
        // The deposit is above the minimum, but the tiers need to know how far.
        (_, None) if minimum.is_none() && findings.has_failed("min_balance") => {
            findings.add_unknown("min_balance", "the minimum balance", "минимальный баланс");
        }
        _ => {}
    }
    if let (Some(flag), Some(below)) = (deposit.at_or_below_minimum, below)
        && flag != below
    {
        let message = findings.lang.pick(
            "the chain's own verdict on the minimum and its numbers contradict each other",
            "вердикт сети о минимуме противоречит её же числам",
        );
        let evidence = json!({"at_or_below_minimum": flag, "balance": balance, "min_balance": minimum});
        findings.add(Code::DepositViewsDisagree, message, evidence);
    }
    if let Some(minimum) = minimum {
        check_chain_minimum(minimum, facts, findings);
    }
    if let Some(minimum) = minimum.filter(|minimum| balance > *minimum) {
        check_tiers(balance, minimum, policy, findings);
    }
    check_expected_minimum(balance, facts, policy, findings);
}

/// Checks that neither the lottery's snapshot nor our formula assumes a lower minimum than the chain requires.
fn check_chain_minimum(minimum: Quants, facts: &Facts, findings: &mut Findings) {
    if minimum == Quants(0) {
        let message = findings.lang.pick(
            "the chain's minimum is 0; the client's fee limit may never have been set",
            "минимум в сети равен 0; возможно, предел комиссии клиента не задан",
        );
        findings.add(Code::MinBalanceZero, message, json!({}));
    }
    let snapshot = facts.state.lottery.min_balance_snapshot.as_ref().and_then(|snapshot| snapshot.0);
    let calculated = facts.calculation.map(|calculation| calculation.min_balance);
    let least = snapshot.into_iter().chain(calculated).min();
    if let Some(assumed) = least.filter(|assumed| *assumed < minimum) {
        let (onchain, held) = (minimum.supra(), assumed.supra());
        let message = findings.lang.pick(
            format!("the chain demands a minimum of {onchain} SUPRA, more than the {held} SUPRA assumed"),
            format!("сеть требует минимум {onchain} SUPRA, больше принятых {held} SUPRA"),
        );
        let evidence = json!({"min_balance": minimum, "snapshot": snapshot, "calculated": calculated});
        findings.add(Code::MinBalanceDrifted, message, evidence);
    }
}

fn add_at_minimum(balance: Option<Quants>, minimum: Option<Quants>, findings: &mut Findings) {
    let amount = |quants: Option<Quants>| {
        quants.map_or_else(|| "?".to_owned(), |quants| format!("{} SUPRA", quants.supra()))
    };
    let (held, least) = (amount(balance), amount(minimum));
    let message = findings.lang.pick(
        format!("the deposit is at or below the minimum ({held} of {least}); requests are refused"),
        format!("депозит не выше минимума ({held} из {least}); запросы отклоняются"),
    );
    findings.add(
        Code::DepositAtOrBelowMinBalance,
        message,
        json!({"balance": balance, "min_balance": minimum}),
    );
}

fn check_tiers(balance: Quants, minimum: Quants, policy: &Policy, findings: &mut Findings) {
    let tiers = [
        (Code::DepositBelowCriticalTier, policy.critical),
        (Code::DepositBelowWarnTier, policy.warn),
        (Code::DepositBelowPlanTier, policy.plan),
    ];
    let under = |tier: Decimal| tier.exceeds_ratio(balance.get(), minimum.get());
    let Some((code, tier)) = tiers.into_iter().find(|(_, tier)| under(*tier)) else { return };
    let (held, least, percent) = (balance.supra(), minimum.supra(), tier.as_percent());
    let message = findings.lang.pick(
        format!("the deposit of {held} SUPRA is below {percent} % of the minimum of {least} SUPRA"),
        format!("депозит {held} SUPRA ниже {percent} % от минимума {least} SUPRA"),
    );
    findings.add(code, message, json!({"balance": balance, "min_balance": minimum, "threshold": tier}));
}

/// Checks how long the deposit lasts. One at the minimum has its own finding.
fn check_runway(runway: Option<&Runway>, policy: &Policy, findings: &mut Findings) {
    let short = runway.zip(policy.runway_warn_s).filter(|(runway, warn)| runway.seconds < *warn);
    let Some((runway, warn)) = short.filter(|_| !findings.has(Code::DepositAtOrBelowMinBalance)) else {
        return;
    };
    let (span, limit) = (format_span(runway.seconds, findings.lang), format_span(warn, findings.lang));
    let message = findings.lang.pick(
        format!("at the recent rate the deposit lasts about {span}, less than {limit}"),
        format!("при нынешнем темпе депозита хватит примерно на {span}, это меньше {limit}"),
    );
    let evidence = json!({
        "runway_seconds": runway.seconds,
        "runs_out_at": runway.at,
        "per_day": runway.per_day,
        "confidence": runway.confidence,
        "runway_warn_seconds": warn,
    });
    findings.add(Code::DepositRunsOutSoon, message, evidence);
}

/// Checks the balance against the user's limit, or else the calculated minimum, and then against the recommended deposit.
fn check_expected_minimum(balance: Quants, facts: &Facts, policy: &Policy, findings: &mut Findings) {
    let calculated = facts.calculation.map(|calculation| calculation.min_balance);
    let (code, least) = match (policy.min_balance_limit, calculated) {
        (Some(limit), _) => (Code::AvailableBelowExpectedMinBalance, limit),
        (None, Some(minimum)) => (Code::AvailableBelowCalculatedMinBalance, minimum),
        (None, None) => return,
    };
    if balance <= least {
        let message = findings.lang.pick(
            format!(
                "the deposit of {} SUPRA is at or below the expected minimum of {} SUPRA",
                balance.supra(),
                least.supra()
            ),
            format!("депозит {} SUPRA не выше ожидаемого минимума {} SUPRA", balance.supra(), least.supra()),
        );
        findings.add(code, message, json!({"balance": balance, "min_balance_expected": least}));
    }
    if let Some(wanted) = facts.calculation.map(|c| c.recommended_deposit).filter(|wanted| balance < *wanted)
    {
        let message = findings.lang.pick(
            format!(
                "the deposit of {} SUPRA is below the recommended {} SUPRA",
                balance.supra(),
                wanted.supra()
            ),
            format!("депозит {} SUPRA ниже рекомендуемых {} SUPRA", balance.supra(), wanted.supra()),
        );
        let evidence = json!({"balance": balance, "recommended_deposit": wanted});
        findings.add(Code::AvailableBelowRecommendedDeposit, message, evidence);
    }
}

fn check_modules(facts: &Facts, policy: &Policy, findings: &mut Findings) {
    let deposit = &facts.state.deposit;
    // A list that could not be read may contain a disabled module.
    if deposit.modules.is_none() && (!policy.modules.is_empty() || findings.has_failed("modules")) {
        findings.add_unknown("modules", "the list of consumer modules", "список модулей-потребителей");
    }
    let modules = deposit.modules.as_deref().unwrap_or_default();
    for wanted in &policy.modules {
        if deposit.modules.is_some() && !modules.iter().any(|module| wanted.matches(&module.module_type)) {
            let message = findings.lang.pick(
                format!("the module {wanted} is not registered"),
                format!("модуль {wanted} не зарегистрирован"),
            );
            findings.add(Code::ModuleMissing, message, json!({"module": wanted.to_string()}));
        }
    }
    for module in modules {
        let name = crate::failure::quote(&module.module_type);
        if !module.enabled {
            let message = findings
                .lang
                .pick(format!("the module {name} is disabled"), format!("модуль {name} отключён"));
            // If modules are expected, another one may be disabled on purpose.
            let is_expected = policy.modules.is_empty()
                || policy.modules.iter().any(|wanted| wanted.matches(&module.module_type));
            let severity = if is_expected { Code::ModuleDisabled.severity() } else { Severity::Info };
            findings.add_as(Code::ModuleDisabled, severity, message, json!({"module": name}));
        }
        if let Some(limit) = deposit.max_txn_fee.filter(|limit| module.max_callback_txn_fee > *limit) {
            let message = findings.lang.pick(
                format!("the callback fee of {name} is above the client's limit"),
                format!("плата за обратный вызов {name} выше лимита клиента"),
            );
            let evidence = json!({"module": name, "max_callback_txn_fee": module.max_callback_txn_fee, "max_txn_fee": limit});
            findings.add(Code::ModuleFeeAboveLimit, message, evidence);
        }
    }
    let none = |count: Option<usize>| count == Some(0);
    let (of_modules, of_contracts) =
        (deposit.modules.as_ref().map(Vec::len), deposit.contracts.as_ref().map(Vec::len));
    let empty =
        (none(of_modules) && of_contracts.unwrap_or(0) == 0) || (of_modules.is_none() && none(of_contracts));
    if empty && deposit.client_whitelisted != Some(false) {
        let message = findings.lang.pick(
            "the client has neither a consumer module nor a whitelisted contract",
            "у клиента нет ни модуля-потребителя, ни контракта в белом списке",
        );
        findings.add(Code::NoConsumer, message, json!({}));
    }
}

fn check_subscription_end(facts: &Facts, findings: &mut Findings) {
    // dVRF 3 has no period, but a chain upgraded from dVRF 2 still serves the old view for its old clients.
    if facts.state.deposit.modules.is_some() {
        return;
    }
    let Some(end) = facts.state.deposit.subscription_ends_at_s else {
        if facts.state.deposit.subscription_active == Some(false) {
            let message = findings.lang.pick("the subscription has ended", "подписка закончилась");
            findings.add(Code::SubscriptionEnded, message, json!({"active": false}));
        }
        return;
    };
    let now = u128::try_from(facts.now.as_second()).unwrap_or(0);
    let left_s = u64::try_from(end.get().saturating_sub(now)).unwrap_or(u64::MAX);
    let evidence = json!({"ends_at": end});
    if left_s == 0 {
        let message = findings.lang.pick("the subscription has ended", "подписка закончилась");
        findings.add(Code::SubscriptionEnded, message, evidence);
    } else if left_s <= SECONDS_BEFORE_END {
        let left = format_span(left_s, findings.lang);
        let message = findings
            .lang
            .pick(format!("the subscription ends in {left}"), format!("подписка закончится через {left}"));
        findings.add(Code::SubscriptionEndsSoon, message, evidence);
    }
}
