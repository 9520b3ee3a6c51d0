//! Fills the remedies of a verdict in with the amounts, addresses and commands of the report that was checked.

mod stuck;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::code::Code;
use super::remediation::remedy;
use super::{Checks, Finding, Policy};
use crate::address::Address;
use crate::amount::{Decimal, QUANTS_PER_SUPRA, Quants};
use crate::lang::Lang;
use crate::network::Network;
use crate::report::Report;
use crate::state::consumer::OwnDeposit;
use crate::time::format_span;
use crate::view::{Argument, FunctionId, is_identifier};

/// What to do about a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remedy {
    /// What to do, one step per line, with amounts in SUPRA and quants and full addresses.
    pub text: String,
    /// The exact command for the first step, where one is known to be right for this chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

impl Remedy {
    /// The remedy that holds for every report.
    pub(super) fn general(code: Code, lang: Lang) -> Self {
        Self { text: remedy(code, lang), command: None }
    }
}

/// Replaces the general remedies by those of this report where it says enough.
pub(super) fn fill(checks: &mut Checks, report: &Report, policy: &Policy) {
    let context = Context::new(checks, report, policy);
    for finding in &mut checks.findings {
        if let Some(remedy) = context.remedy(finding) {
            finding.remedy = remedy;
        }
    }
}

/// What of a report and a verdict the remedies need.
struct Context<'a> {
    lang: Lang,
    policy: &'a Policy,
    report: &'a Report,
    client: Option<Address>,
    top_up: Option<Shortage>,
    /// The amount that lets the deposit last for some time.
    for_a_month: Option<Shortage>,
}

const DAY_S: u64 = 86_400;
const MONTH_S: u64 = 30 * DAY_S;

/// What a deposit is to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// A multiple of the minimum.
    Ratio(Decimal),
    /// An amount.
    Amount(Quants),
    /// How long it is to last at the recent rate, in seconds.
    Span(u64),
}

/// An amount to deposit, and what it reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// What is missing.
    pub amount: Quants,
    /// The deposit that it reaches.
    pub target: Quants,
    /// The same in words.
    pub goal: String,
}

/// The remedy for a shortage of the report's client, in the words of the deposit's findings.
pub fn deposit_remedy(
    checks: &Checks,
    report: &Report,
    policy: &Policy,
    shortage: &Shortage,
) -> Option<Remedy> {
    let context = Context { top_up: Some(shortage.clone()), ..Context::new(checks, report, policy) };
    let code = checks.findings.iter().map(|finding| finding.code).find(|code| code.is_deposit_level());
    context.deposit(code.unwrap_or(Code::DepositBelowWarnTier))
}

/// The function of dVRF by which anybody can deposit for the report's client. In dVRF 2 only the client itself can: `None`.
fn deposit_function(report: &Report) -> Option<FunctionId> {
    let deposit = &report.state.as_ref()?.deposit;
    let is_third = deposit.modules.is_some() || deposit.max_txn_fee.is_some();
    let module = module_of(report, "balance", report.id.deposit.as_deref()).filter(|_| is_third)?;
    format!("{module}::deposit_fund_v2").parse().ok()
}

/// The contract's own function that deposits for the report's client, where its layout names one.
pub fn own_deposit(report: &Report) -> Option<&OwnDeposit> {
    report.state.as_ref()?.consumer.as_ref()?.fund.as_ref()
}

/// The call that deposits an amount of quants for the report's client; `None` where no function is known that can.
pub fn deposit_call(report: &Report, amount: u64) -> Option<(FunctionId, Vec<Argument>)> {
    if let Some(own) = own_deposit(report) {
        return own.call(amount);
    }
    let client = report.id.payer()?.parse().ok()?;
    Some((deposit_function(report)?, vec![Argument::Address(client), Argument::U64(amount)]))
}

/// What the deposit lacks to reach the goal, or, without one, to lift it above everything that is expected of it. `None`
/// when nothing is missing, or when that is not known.
pub fn shortage(checks: &Checks, policy: &Policy, goal: Option<Goal>) -> Option<Shortage> {
    let minimum = checks.min_balance_onchain?;
    let (target, goal) = match goal {
        None => return top_up(checks, policy),
        Some(Goal::Ratio(ratio)) => {
            let percent = ratio.as_percent();
            let words =
                policy.lang.pick(format!("{percent} % of the minimum"), format!("{percent} % минимума"));
            (Quants(ratio.of(minimum.get()).ok()?), words)
        }
        Some(Goal::Amount(amount)) => (amount, format!("{} SUPRA", amount.supra())),
        Some(Goal::Span(seconds)) => return lasting(checks, policy.lang, seconds),
    };
    let missing = target.get().checked_sub(checks.available_quants?.get()).filter(|amount| *amount > 0)?;
    Some(Shortage { amount: Quants(missing), target, goal })
}

impl<'a> Context<'a> {
    fn new(checks: &Checks, report: &'a Report, policy: &'a Policy) -> Self {
        let client = report.id.payer().and_then(|payer| payer.parse().ok());
        Self {
            lang: policy.lang,
            policy,
            report,
            client,
            top_up: top_up(checks, policy),
            for_a_month: lasting(checks, policy.lang, MONTH_S),
        }
    }

    fn remedy(&self, finding: &Finding) -> Option<Remedy> {
        match finding.code {
            code if code.is_deposit_level() => self.deposit(code),
            Code::AggregatorNotSet | Code::AggregatorUnexpected => {
                // Somebody set another one: whether that was right is for people to find out.
                finding.evidence.get("found").is_none().then(|| self.callback_sender())
            }
            Code::ConsumersEmpty | Code::ConsumerMissing => Some(self.consumer(finding)),
            Code::GasNotConfigured => {
                let function = "configure_vrf_gas";
                let function = self.of_lottery(function).unwrap_or_else(|| function.to_owned());
                let text = self.lang.pick(
                    format!("Set the lottery's gas settings with {function}."),
                    format!("Задайте настройки газа лотереи: {function}."),
                );
                Some(Remedy { text, command: None })
            }
            Code::RequestStuck => Some(self.stuck(finding)),
            Code::WrongChain => self.wrong_chain(finding),
            _ => None,
        }
    }

    fn deposit(&self, code: Code) -> Option<Remedy> {
        let for_a_month = self.for_a_month.as_ref().filter(|_| code == Code::DepositRunsOutSoon);
        let (client, top_up) = (self.client?, for_a_month.or(self.top_up.as_ref())?);
        let (supra, quants, goal) = (top_up.amount.supra(), top_up.amount, &top_up.goal);
        let mut text = self.lang.pick(
            format!("Deposit {supra} SUPRA ({quants} quants) for client {client} to reach {goal}."),
            format!("Пополните депозит клиента {client} на {supra} SUPRA ({quants} квантов) – до {goal}."),
        );
        match code {
            Code::DepositAtOrBelowMinBalance if self.report.id.lottery.is_none() => {
                text.push_str(&self.lang.pick(
                    "\nRepeat the refused request; it is not repeated by itself.",
                    "\nПовторите отклонённый запрос: сам он не повторится.",
                ));
            }
            Code::DepositAtOrBelowMinBalance => text.push_str(&self.lang.pick(
                "\nRequest the refused draw again with dvrf draw run; it is not repeated by itself.",
                "\nЗапросите отклонённый розыгрыш заново (dvrf draw run): сам он не повторится.",
            )),
            Code::AvailableBelowExpectedMinBalance => text.push_str(&self.lang.pick(
                "\nIf the limit is wrong, correct MIN_BALANCE_LIMIT instead.",
                "\nЕсли неверен сам предел, исправьте MIN_BALANCE_LIMIT.",
            )),
            Code::AvailableBelowCalculatedMinBalance | Code::AvailableBelowRecommendedDeposit => {
                text.push_str(&self.lang.pick(
                    "\nIf the calculation is wrong, correct the gas settings instead.",
                    "\nЕсли неверен расчёт, исправьте настройки газа.",
                ));
            }
            _ => {}
        }
        Some(Remedy { text, command: self.deposit_command(top_up.amount) })
    }

    /// The command that deposits. dVRF 3 lets anybody pay for a client; in dVRF 2 only the client itself can.
    fn deposit_command(&self, amount: Quants) -> Option<String> {
        let (function, arguments) = deposit_call(self.report, u64::try_from(amount.get()).ok()?)?;
        let arguments: Vec<String> = arguments.iter().map(Argument::to_cli).collect();
        Some(self.command(&function.to_string(), &arguments.join(" ")))
    }

    fn callback_sender(&self) -> Remedy {
        let names = ("callback sender", "отправителя обратных вызовов");
        self.whitelist("whitelist_callback_sender", names, self.policy.aggregators.first().copied())
    }

    fn consumer(&self, finding: &Finding) -> Remedy {
        let wanted = finding.evidence.get("consumer").and_then(Value::as_str);
        // The lottery itself requests its draws.
        let wanted = wanted.or(self.report.id.lottery.as_deref()).and_then(|text| text.parse().ok());
        self.whitelist("whitelist_consumer", ("consumer", "потребителя"), wanted)
    }

    /// The call of the lottery that whitelists an account, with the account where it is known.
    fn whitelist(&self, function: &str, (en, ru): (&str, &str), account: Option<Address>) -> Remedy {
        let named = account.map(|account| format!(" {account}")).unwrap_or_default();
        let full = self.of_lottery(function);
        let shown = full.as_deref().unwrap_or(function);
        let text = self.lang.pick(
            format!("Whitelist the {en}{named} in the lottery with {shown}."),
            format!("Внесите {ru}{named} в белый список лотереи: {shown}."),
        );
        let command = full.zip(account);
        let command = command.map(|(full, account)| self.command(&full, &format!("address:{account}")));
        Remedy { text, command }
    }

    /// A function of the lottery in full; `None` where its account or module is not known.
    fn of_lottery(&self, function: &str) -> Option<String> {
        let module = self.module_of("lottery_status", self.report.id.lottery.as_deref())?;
        Some(format!("{module}::{function}"))
    }

    fn wrong_chain(&self, finding: &Finding) -> Option<Remedy> {
        let chain = |key: &str| finding.evidence.get(key).and_then(Value::as_u64);
        let named = |id: u64| {
            let network = u8::try_from(id).ok().and_then(Network::of_chain);
            network.map_or_else(|| id.to_string(), |network| format!("{id} ({})", network.name()))
        };
        let (found, expected) = (named(chain("chain_id")?), named(chain("expected")?));
        let text = self.lang.pick(
            format!("The node serves chain {found}, and {expected} is expected: correct SUPRA_RPC_URL, or DVRF_NETWORK and DVRF_CHAIN_ID."),
            format!("Узел обслуживает сеть {found}, а ожидается {expected}: исправьте SUPRA_RPC_URL или DVRF_NETWORK и DVRF_CHAIN_ID."),
        );
        Some(Remedy { text, command: None })
    }

    fn module_of(&self, key: &str, account: Option<&str>) -> Option<String> {
        module_of(self.report, key, account)
    }

    /// A command line of the Supra CLI. Every word of it is safe to paste into a shell.
    fn command(&self, function: &str, arguments: &str) -> String {
        let is_plain = |text: &&str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            !text.is_empty() && !text.starts_with('-') && text.chars().all(plain)
        };
        let profile = self.report.id.profile.as_deref().filter(is_plain);
        let profile = profile.map(|name| format!(" --profile {name}")).unwrap_or_default();
        format!("supra move tool run{profile} --function-id {function} --args {arguments}")
    }
}

/// The module, as `ADDRESS::NAME`, whose function answered for this value; `None` where that is another account than the
/// report's own: money and signatures do not go to wherever an answer came from.
fn module_of(report: &Report, key: &str, account: Option<&str>) -> Option<String> {
    let function = report.views.get(key)?.function.as_deref()?;
    let mut parts = function.split("::");
    let (address, module) = (parts.next()?.parse::<Address>().ok()?, parts.next()?);
    let is_own = account.is_none_or(|account| account.parse() == Ok(address));
    (is_own && address != Address::FRAMEWORK && is_identifier(module)).then(|| format!("{address}::{module}"))
}

/// The amount with which the deposit lasts for a span at the recent rate. A grant beside the balance is spent too.
fn lasting(checks: &Checks, lang: Lang, seconds: u64) -> Option<Shortage> {
    let (runway, minimum) = (checks.runway.as_ref()?, checks.min_balance_onchain?.get());
    let spent = runway.per_day?.get().checked_mul(seconds.into())?.div_ceil(DAY_S.into());
    let of_balance = spent.saturating_sub(runway.grant.unwrap_or_default().get());
    // Whatever the grant, requests are refused at the minimum.
    let goal = minimum.checked_add(of_balance.max(1))?;
    let amount = goal.checked_sub(checks.available_quants?.get()).filter(|amount| *amount > 0)?;
    // The rate is an estimate: whole SUPRA are exact enough.
    let amount = amount.checked_next_multiple_of(QUANTS_PER_SUPRA)?;
    Some(Shortage {
        amount: Quants(amount),
        target: Quants(goal),
        goal: match seconds / DAY_S {
            days if days > 1 && seconds.is_multiple_of(DAY_S) => {
                lang.pick(format!("{days} days at the recent rate"), format!("{days} дн. при нынешнем темпе"))
            }
            _ => {
                let span = format_span(seconds, lang);
                lang.pick(format!("{span} at the recent rate"), format!("{span} при нынешнем темпе"))
            }
        },
    })
}

/// The amount that lifts the deposit above everything that is expected of it.
fn top_up(checks: &Checks, policy: &Policy) -> Option<Shortage> {
    let (goal, text) = goal(checks, policy)?;
    let amount = goal.checked_sub(checks.available_quants?.get()).filter(|amount| *amount > 0)?;
    Some(Shortage { amount: Quants(amount), target: Quants(goal), goal: text })
}

/// What is missing to the planning level or, where that is higher, to the recommended deposit or your own limit; 0 when
/// nothing is. `None` when the balance or the chain's minimum is unknown.
pub fn deposit_needed(checks: &Checks, policy: &Policy) -> Option<Quants> {
    let balance = checks.available_quants?.get();
    // A minimum that could not be read may be any.
    checks.min_balance_onchain?;
    goal(checks, policy).map(|(goal, _)| Quants(goal.saturating_sub(balance)))
}

/// The balance to reach, in quants, and its description.
fn goal(checks: &Checks, policy: &Policy) -> Option<(u128, String)> {
    let minimum = checks.min_balance_onchain.map_or(0, Quants::get);
    let percent = policy.plan.as_percent();
    let planned = policy.plan.of(minimum).ok().filter(|planned| *planned > minimum);
    let others = [
        checks.recommended_deposit.map(Quants::get),
        checks.min_balance_expected.and_then(|limit| limit.get().checked_add(1)),
        minimum.checked_add(1),
    ];
    let other = others.into_iter().flatten().max()?;
    Some(match planned {
        Some(planned) if planned >= other => (
            planned,
            policy.lang.pick(format!("{percent} % of the minimum"), format!("{percent} % минимума")),
        ),
        _ => (other, format!("{} SUPRA", Quants(other).supra())),
    })
}

#[cfg(test)]
mod tests;
