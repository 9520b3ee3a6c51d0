//! Checks a report against a policy and returns findings and one status. Pure: no I/O, no environment, no clock.

mod chain;
pub mod code;
pub(crate) mod consumer;
mod deposit;
mod finding;
mod legacy;
mod lottery;
pub mod module;
pub mod problem;
pub mod remediation;
pub mod remedy;
pub mod requests;
pub mod silence;
pub(crate) mod title;
mod unread;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::amount::{Count, Decimal, GasPrice, GasUnits, Quants, quotient};
use crate::failure::quote;
use crate::forecast::{Holdings, Runway, runway};
use crate::history::Point;
use crate::lang::Lang;
use crate::min_balance::Calculation;
use crate::report::{Report, ReportError};
use crate::requests::Requests;
use crate::state::State;
use crate::view_report::Views;
use code::Code;
pub use deposit::is_low;
use finding::Findings;
pub use finding::{Finding, Severity};
use module::ModuleName;
pub use remedy::Remedy;
use silence::Silence;

/// The result of all checks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Everything was checked and nothing is wrong.
    Ok,
    /// Something is wrong.
    Alert,
    /// Nothing is known to be wrong, but a required value is missing.
    #[default]
    Unknown,
}

/// The verdict on one record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checks {
    /// The result of all checks.
    pub status: Status,
    /// The highest severity of the findings.
    pub severity: Option<Severity>,
    /// The findings, most severe first.
    pub findings: Vec<Finding>,
    /// Codes of the critical findings, as the old check listed them.
    pub violations: Vec<Code>,
    /// Codes of the other findings.
    pub warnings: Vec<Code>,
    /// The balance in quants.
    pub available_quants: Option<Quants>,
    /// The chain's minimum in quants: the larger of the client's and Supra's.
    pub min_balance_onchain: Option<Quants>,
    /// The user's limit, else the calculated minimum, in quants.
    pub min_balance_expected: Option<Quants>,
    /// The calculated minimum plus the margin, in quants.
    pub recommended_deposit: Option<Quants>,
    /// The balance divided by the minimum, truncated to two decimal places: `3.21`.
    pub ratio: Option<String>,
    /// The remaining grant in quants; fees use it before the deposit.
    pub grant_remaining: Option<Quants>,
    /// The number of requests that the deposit above the minimum pays for, without the grant.
    pub requests_left: Option<Count>,
    /// How long the deposit lasts at the recent rate; `null` without a history that says so.
    #[serde(default)]
    pub runway: Option<Runway>,
    /// The mutes, maintenance windows and acknowledgements that concern the subscription now. Nothing else depends on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silences: Vec<Silence>,
}

/// What a check requires.
#[derive(Debug, Clone)]
pub struct Policy {
    /// A deposit below this multiple of the minimum should be planned for; Supra recommends 3.
    pub plan: Decimal,
    /// A deposit below this multiple of the minimum is a warning; the default is 2.
    pub warn: Decimal,
    /// A deposit below this multiple of the minimum is critical; the default is 1.
    pub critical: Decimal,
    /// A deposit that lasts less long than this is a warning, in seconds; `None` disables the rule.
    pub runway_warn_s: Option<u64>,
    /// The user's own lower limit of the balance.
    pub min_balance_limit: Option<Quants>,
    /// Callback senders of which one must be set.
    pub aggregators: Vec<Address>,
    /// Whether all of them must be set, as the old scripts demanded.
    pub all_aggregators: bool,
    /// Consumers that must be whitelisted.
    pub consumers: Vec<Address>,
    /// Consumer modules that must be registered and enabled.
    pub modules: Vec<ModuleName>,
    /// The gas price that the contract must have.
    pub max_gas_price: Option<GasPrice>,
    /// The gas limit that the contract must have.
    pub max_gas_limit: Option<GasUnits>,
    /// The chain id that must have answered.
    pub chain_id: Option<u8>,
    /// How far the chain's clock may be behind, in seconds; `None` disables the rule.
    pub max_lag_s: Option<u32>,
    /// The age in seconds from which a report is too old to be checked; `None` disables the rule.
    pub max_age_s: Option<u64>,
    /// The lowest severity that makes an alert.
    pub fail_on: Severity,
    /// The age in seconds from which a pending request is a warning.
    pub pending_warn_s: u64,
    /// The age in seconds from which a pending request is critical.
    pub pending_critical_s: u64,
    /// Events that must have been emitted recently.
    pub expected_events: Vec<ExpectedEvent>,
    /// The language of messages.
    pub lang: Lang,
}

/// An event that must have been emitted recently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedEvent {
    /// Its short word, its name or its full type.
    pub kind: String,
    /// The largest age in seconds.
    pub within_s: u64,
}

impl ExpectedEvent {
    /// Returns the name of the event struct.
    fn name(&self) -> &str {
        match self.kind.as_str() {
            "draw-requested" => "DrawRequestedEvent",
            "draw-handled" => "DrawHandledEvent",
            other => other,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            plan: Decimal::percent(300),
            warn: Decimal::percent(200),
            critical: Decimal::percent(100),
            runway_warn_s: Some(7 * 86_400),
            min_balance_limit: None,
            aggregators: Vec::new(),
            all_aggregators: false,
            consumers: Vec::new(),
            modules: Vec::new(),
            max_gas_price: None,
            max_gas_limit: None,
            chain_id: None,
            max_lag_s: Some(300),
            max_age_s: Some(3600),
            fail_on: Severity::Warning,
            pending_warn_s: 300,
            pending_critical_s: 1800,
            expected_events: Vec::new(),
            lang: Lang::En,
        }
    }
}

/// The input of a check.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The typed state.
    pub state: &'a State,
    /// Where the values of the state came from.
    pub views: &'a Views,
    /// Why the report is incomplete, as its `error` says.
    pub error: Option<&'a ReportError>,
    /// The result of the formula, if gas settings were given.
    pub calculation: Option<&'a Calculation>,
    /// The requests according to the events, if they were read.
    pub requests: Option<&'a Requests>,
    /// When an earlier run first saw the pending request.
    pub pending_since: Option<Timestamp>,
    /// What earlier runs read, in the order of time.
    pub history: &'a [Point],
    /// When the chain was read.
    pub now: Timestamp,
}

impl Facts<'_> {
    /// How far the node's clock is behind, in seconds; negative where it is ahead.
    fn lag_s(&self) -> Option<i64> {
        let time_us = i64::try_from(self.state.chain.time_us?.get()).unwrap_or(i64::MAX);
        Some(self.now.as_microsecond().saturating_sub(time_us) / 1_000_000)
    }

    /// The whole seconds from then to the reading; 0 for a time after it.
    fn seconds_since(&self, then: Timestamp) -> u64 {
        u64::try_from(self.now.as_second().saturating_sub(then.as_second())).unwrap_or(0)
    }
}

/// Checks reports against one policy.
#[derive(Debug, Clone)]
pub struct Checker {
    /// What is required.
    pub policy: Policy,
    /// The minimum by the gas settings of this run; it takes precedence over the one in a report.
    pub calculation: Option<Calculation>,
}

impl Checker {
    /// Checks a report. `pending_since` is when the pending request was first seen; `now` is used for a report without a
    /// time of reading.
    pub fn check(&self, report: &Report, pending_since: Option<Timestamp>, now: Timestamp) -> Checks {
        self.check_with_history(report, pending_since, &[], now)
    }

    /// Checks a report, and forecasts how long the deposit lasts from what earlier runs read.
    pub fn check_with_history(
        &self,
        report: &Report,
        pending_since: Option<Timestamp>,
        history: &[Point],
        now: Timestamp,
    ) -> Checks {
        let mut checks = self.check_values(report, pending_since, history, now);
        remedy::fill(&mut checks, report, &self.policy);
        checks
    }

    fn check_values(
        &self,
        report: &Report,
        pending_since: Option<Timestamp>,
        history: &[Point],
        now: Timestamp,
    ) -> Checks {
        let Some(state) = &report.state else {
            let none = ReportError::default();
            return evaluate_failure(report.error.as_ref().unwrap_or(&none), &self.policy);
        };
        if let Some(stale) = report.read_at.and_then(|at| chain::report_age(at, now, &self.policy)) {
            return verdict(vec![stale], &self.policy);
        }
        let facts = Facts {
            state,
            views: &report.views,
            error: report.error.as_ref(),
            calculation: self.calculation(report),
            requests: report.requests.as_ref(),
            pending_since,
            history,
            // A report that is checked later does not make the chain stale.
            now: report.read_at.unwrap_or(now),
        };
        evaluate(facts, &self.policy)
    }

    /// The result of the formula that a report is checked against: that of this run, else that of the report.
    pub fn calculation<'a>(&'a self, report: &'a Report) -> Option<&'a Calculation> {
        self.calculation.as_ref().or(report.calculation.as_ref())
    }

    /// Returns whether a report was made too long before `now`, or after it.
    pub fn is_stale(&self, report: &Report, now: Timestamp) -> bool {
        report.read_at.and_then(|at| chain::report_age(at, now, &self.policy)).is_some()
    }

    /// Returns whether the deposit is at or below a known minimum; `None` if no minimum can be compared.
    pub fn is_low(&self, report: &Report) -> Option<bool> {
        let state = report.state.as_ref()?;
        is_low(state, self.calculation(report), self.policy.min_balance_limit)
    }
}

/// Checks one report.
pub fn evaluate(facts: Facts, policy: &Policy) -> Checks {
    let mut findings = Findings { list: Vec::new(), lang: policy.lang, views: facts.views };
    // Values of another chain or of a stale node say nothing about this subscription.
    if !chain::is_trustworthy(&facts, policy, &mut findings) {
        return verdict(findings.list, policy);
    }
    chain::check_upgrade(&facts, &mut findings);
    lottery::check_presence(&facts, &mut findings);
    let (holdings, runway) = forecast(&facts);
    deposit::check(&facts, policy, runway.as_ref(), &mut findings);
    lottery::check(&facts, policy, &mut findings);
    requests::check(&facts, policy, &mut findings);
    consumer::check(&facts, policy, &mut findings);
    unread::check(&facts, &mut findings);
    unread::merge(&facts, &mut findings);
    let calculated = facts.calculation.map(|calculation| calculation.min_balance);
    Checks {
        available_quants: holdings.balance,
        min_balance_onchain: holdings.minimum,
        min_balance_expected: policy.min_balance_limit.or(calculated),
        recommended_deposit: facts.calculation.map(|calculation| calculation.recommended_deposit),
        ratio: holdings
            .balance
            .zip(holdings.minimum)
            .and_then(|(balance, minimum)| quotient(balance.get(), minimum.get(), 2)),
        grant_remaining: holdings.grant,
        requests_left: holdings.draws,
        runway,
        ..verdict(findings.list, policy)
    }
}

/// What the deposit holds, and how long it lasts. The zeros of a client that the module does not know are not amounts.
fn forecast(facts: &Facts) -> (Holdings, Option<Runway>) {
    let deposit = &facts.state.deposit;
    let known = deposit.client_whitelisted != Some(false);
    let fee = deposit.max_txn_fee.or(facts.calculation.map(|calculation| calculation.per_request_fee));
    let draws = deposit.effective_balance.filter(|_| known).zip(fee);
    let holdings = Holdings {
        balance: deposit.balance.filter(|_| known),
        minimum: deposit.refusal_minimum(),
        grant: deposit.grant_remaining,
        draws: draws.and_then(|(effective, fee)| effective.get().checked_div(fee.get()).map(Count)),
    };
    let runway = (known && !facts.history.is_empty()).then(|| {
        // This run's own point is not in the history yet.
        let mut history = facts.history.to_vec();
        history.push(Point {
            at_s: facts.now.as_second(),
            balance: holdings.balance,
            grant: holdings.grant,
            requests: facts.state.lottery.rng_request_count,
            ..Point::default()
        });
        runway(&history, holdings, facts.now)
    });
    (holdings, runway.flatten())
}

/// The result for a report that contains an error in place of a state.
pub fn evaluate_failure(error: &ReportError, policy: &Policy) -> Checks {
    let message = if error.message.is_empty() { "no state".to_owned() } else { quote(&error.message) };
    let sentence = policy.lang.pick(
        format!("nothing could be judged: {message}"),
        format!("оценка невозможна; ошибка: «{message}»"),
    );
    let mut findings = Findings { list: Vec::new(), lang: policy.lang, views: &Views::new() };
    findings.add(Code::ValueUnknown, sentence, serde_json::json!({"value": error.view, "error": error.kind}));
    if let (Some(finding), Some(hint)) = (findings.list.last_mut(), &error.hint) {
        finding.remedy.text = quote(hint);
    }
    verdict(findings.list, policy)
}

/// Sorts the findings and derives the status from them.
fn verdict(mut findings: Vec<Finding>, policy: &Policy) -> Checks {
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.code.cmp(&b.code)));
    let status = fold(findings.iter().map(|finding| finding.severity), policy.fail_on);
    let codes = |critical: bool| {
        findings
            .iter()
            .filter(|finding| {
                finding.severity != Severity::Unknown && (finding.severity == Severity::Critical) == critical
            })
            .map(|finding| finding.code)
            .collect()
    };
    Checks {
        status,
        severity: findings.iter().map(|finding| finding.severity).max(),
        violations: codes(true),
        warnings: codes(false),
        findings: deposit::one_level(findings),
        ..Checks::default()
    }
}

/// Combines severities: an alert outweighs an unknown, which outweighs ok.
fn fold(severities: impl Iterator<Item = Severity>, fail_on: Severity) -> Status {
    severities.fold(Status::Ok, |status, severity| match (status, severity) {
        (Status::Alert, _) => Status::Alert,
        (_, Severity::Unknown) => Status::Unknown,
        (_, severity) if severity >= fail_on && severity != Severity::Unknown => Status::Alert,
        (status, _) => status,
    })
}

#[cfg(test)]
mod tests;
