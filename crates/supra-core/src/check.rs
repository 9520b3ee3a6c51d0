//! Judging: state and policy in, findings and one status out. Pure: no I/O, no environment, no clock.

mod chain;
pub mod code;
mod deposit;
mod lottery;
pub mod module;
pub mod remediation;
pub mod requests;
mod unread;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::address::Address;
use crate::amount::{Count, Decimal, GasPrice, GasUnits, Quants, quotient};
use crate::failure::{FailureKind, quote};
use crate::lang::Lang;
use crate::min_balance::Calculation;
use crate::report::{Report, ReportError};
use crate::requests::Requests;
use crate::state::State;
use crate::view_report::Views;
use code::Code;
pub use deposit::is_low;
use module::ModuleName;

/// How grave a finding is. `Unknown` says that something could not be judged, not that it is grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Could not be judged.
    Unknown,
    /// Act soon.
    Warning,
    /// Act now.
    Critical,
}

impl Severity {
    /// The stable name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// The three-state answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Judged, and nothing is wrong.
    Ok,
    /// Judged, and something is wrong.
    Alert,
    /// Not judged: a needed value is missing.
    #[default]
    Unknown,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What it is about; stable.
    pub code: Code,
    /// How grave.
    pub severity: Severity,
    /// A sentence for people.
    pub message: String,
    /// The values it rests on.
    pub evidence: Map<String, Value>,
    /// Where the documents say what to do.
    pub help: String,
}

impl Finding {
    /// The keys of the values that could not be read, if the finding is about such values.
    pub fn unread_values(&self) -> Vec<&str> {
        let one = self.evidence.get("value").and_then(Value::as_str);
        let many = self.evidence.get("values").and_then(Value::as_array).map(Vec::as_slice);
        one.into_iter().chain(many.unwrap_or_default().iter().filter_map(Value::as_str)).collect()
    }
}

/// The verdict on one record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checks {
    /// The three-state answer.
    pub status: Status,
    /// The gravest finding.
    pub severity: Option<Severity>,
    /// Everything found, gravest first.
    pub findings: Vec<Finding>,
    /// Codes of the critical findings, as the old check listed them.
    pub violations: Vec<Code>,
    /// Codes of the other findings.
    pub warnings: Vec<Code>,
    /// The balance in quants.
    pub available_quants: Option<Quants>,
    /// The chain's minimum in quants: the larger of the client's and Supra's.
    pub min_balance_onchain: Option<Quants>,
    /// Your own limit, else the calculated minimum, in quants.
    pub min_balance_expected: Option<Quants>,
    /// The calculated minimum plus the margin, in quants.
    pub recommended_deposit: Option<Quants>,
    /// Balance over minimum as a decimal, cut after two places: `3.21`.
    pub ratio: Option<String>,
    /// The grant left, in quants; fees take it before the deposit.
    pub grant_remaining: Option<Quants>,
    /// How many requests the part above the minimum pays for, the grant not counted.
    pub requests_left: Option<Count>,
}

/// What is demanded.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Below this multiple of the minimum a deposit should be planned (Supra's advice: 3).
    pub plan: Decimal,
    /// Below this multiple a deposit is due (2).
    pub warn: Decimal,
    /// Below this multiple it is urgent (1).
    pub critical: Decimal,
    /// Your own lower limit of the balance.
    pub min_balance_limit: Option<Quants>,
    /// Callback senders of which one must be set.
    pub aggregators: Vec<Address>,
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
    /// How far the chain's clock may be behind, in seconds; `None` switches the rule off.
    pub max_lag_s: Option<u32>,
    /// The age from which a report is not judged any more, in seconds; `None` switches the rule off.
    pub max_age_s: Option<u64>,
    /// The lowest severity that makes an alert.
    pub fail_on: Severity,
    /// A request that waits so long is a warning, in seconds.
    pub pending_warn_s: u64,
    /// A request that waits so long is critical, in seconds.
    pub pending_critical_s: u64,
    /// Events that must have come lately.
    pub expected_events: Vec<ExpectedEvent>,
    /// The language of messages.
    pub lang: Lang,
}

/// An event that must have come lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedEvent {
    /// Its word, name or full type.
    pub kind: String,
    /// How lately, in seconds.
    pub within_s: u64,
}

impl ExpectedEvent {
    /// The name of the event struct, where the kind is a word for one.
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
            min_balance_limit: None,
            aggregators: Vec::new(),
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

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The typed picture.
    pub state: &'a State,
    /// Where its values came from.
    pub views: &'a Views,
    /// Why the report is incomplete, as its `error` says.
    pub error: Option<&'a ReportError>,
    /// The formula's result, where gas settings were given.
    pub calculation: Option<&'a Calculation>,
    /// What the events say, where they were read.
    pub requests: Option<&'a Requests>,
    /// Since when the pending request has been seen by earlier runs.
    pub pending_since: Option<Timestamp>,
    /// The record's clock when it was read.
    pub now: Timestamp,
}

/// Collects findings.
struct Findings<'a> {
    list: Vec<Finding>,
    lang: Lang,
    views: &'a Views,
}

impl Findings<'_> {
    fn add(&mut self, code: Code, message: String, evidence: Value) {
        self.add_as(code, code.severity(), message, evidence);
    }

    fn add_as(&mut self, code: Code, severity: Severity, message: String, evidence: Value) {
        let evidence = if let Value::Object(fields) = evidence { fields } else { Map::new() };
        self.list.push(Finding { code, severity, message, evidence, help: code.help() });
    }

    /// Whether a value was asked for in vain, which is not the same as a chain that does not have it.
    fn failed(&self, key: &str) -> bool {
        let absent = [FailureKind::Unsupported, FailureKind::NotWhitelisted];
        let failure = self.views.get(key).and_then(|report| report.error.as_ref());
        failure.is_some_and(|failure| !absent.contains(&failure.kind))
    }

    /// Whether a finding says that the settings are wrong.
    fn says_config(&self) -> bool {
        let config = Some(FailureKind::Config.name());
        self.list.iter().any(|finding| finding.evidence.get("error").and_then(Value::as_str) == config)
    }

    /// A value that the verdict needs is not known; says why, as far as the views do.
    fn unknown(&mut self, key: &str, en: &str, ru: &str) {
        let failure = self.views.get(key).and_then(|report| report.error.as_ref());
        // One wrong setting leaves every value unknown: it is said once.
        if failure.is_some_and(|failure| failure.kind == FailureKind::Config) && self.says_config() {
            return;
        }
        let why = failure.map(|failure| format!(": {}", quote(&failure.message))).unwrap_or_default();
        let message = self.lang.pick(format!("{en} is not known{why}"), format!("неизвестно: {ru}{why}"));
        let kind = failure.map(|failure| failure.kind.name());
        self.add(Code::ValueUnknown, message, serde_json::json!({"value": key, "error": kind}));
    }
}

/// Checks reports against one policy.
#[derive(Debug, Clone)]
pub struct Checker {
    /// What is demanded.
    pub policy: Policy,
    /// The minimum by this run's gas settings, which goes before the one a report was made with.
    pub calculation: Option<Calculation>,
}

impl Checker {
    /// The verdict on a report. `pending_since` is when the pending request was first seen; `now` stands for the time
    /// of a report that does not say when it was made.
    pub fn check(&self, report: &Report, pending_since: Option<Timestamp>, now: Timestamp) -> Checks {
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
            // A report that is checked later is not a stale chain.
            now: report.read_at.unwrap_or(now),
        };
        evaluate(facts, &self.policy)
    }

    /// The formula's result that a report is checked by: this run's, else the one that the report was made with.
    pub fn calculation<'a>(&'a self, report: &'a Report) -> Option<&'a Calculation> {
        self.calculation.as_ref().or(report.calculation.as_ref())
    }

    /// Whether the deposit is at or below any minimum that is known; `None` when none can be compared.
    pub fn is_low(&self, report: &Report) -> Option<bool> {
        let state = report.state.as_ref()?;
        is_low(state, self.calculation(report), self.policy.min_balance_limit)
    }
}

/// Judges one record.
pub fn evaluate(facts: Facts, policy: &Policy) -> Checks {
    let mut findings = Findings { list: Vec::new(), lang: policy.lang, views: facts.views };
    // What another chain or a frozen node says is neither good nor bad news about this subscription.
    if !chain::trusted(&facts, policy, &mut findings) {
        return Checks { min_balance_expected: None, ..verdict(findings.list, policy) };
    }
    deposit::judge(&facts, policy, &mut findings);
    lottery::judge(&facts, policy, &mut findings);
    requests::judge(&facts, policy, &mut findings);
    unread::judge(&facts, &mut findings);
    unread::merge(&facts, &mut findings);
    let deposit = &facts.state.deposit;
    let calculated = facts.calculation.map(|calculation| calculation.min_balance);
    let fee = deposit.max_txn_fee.or(facts.calculation.map(|calculation| calculation.per_request_fee));
    let requests = |(effective, fee): (Quants, Quants)| effective.get().checked_div(fee.get()).map(Count);
    // A client that the module does not know has zeros, not amounts.
    let known = deposit.client_whitelisted != Some(false);
    Checks {
        available_quants: deposit.balance.filter(|_| known),
        min_balance_onchain: deposit.refusal_minimum(),
        min_balance_expected: policy.min_balance_limit.or(calculated),
        recommended_deposit: facts.calculation.map(|calculation| calculation.recommended_deposit),
        ratio: deposit
            .balance
            .filter(|_| known)
            .zip(deposit.refusal_minimum())
            .and_then(|(b, m)| quotient(b.get(), m.get(), 2)),
        grant_remaining: deposit.grant_remaining,
        requests_left: deposit.effective_balance.filter(|_| known).zip(fee).and_then(requests),
        ..verdict(findings.list, policy)
    }
}

/// The verdict on a record that says itself that it is no answer.
pub fn evaluate_failure(error: &ReportError, policy: &Policy) -> Checks {
    let message = if error.message.is_empty() { "no state".to_owned() } else { quote(&error.message) };
    let sentence = policy
        .lang
        .pick(format!("nothing could be judged: {message}"), format!("оценка невозможна: {message}"));
    let mut findings = Findings { list: Vec::new(), lang: policy.lang, views: &Views::new() };
    findings.add(Code::ValueUnknown, sentence, serde_json::json!({"value": error.view, "error": error.kind}));
    verdict(findings.list, policy)
}

/// A known alert is never hidden by something unknown, and nothing unknown passes for ok.
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
        findings,
        ..Checks::default()
    }
}

/// The one order of statuses: alert over unknown over ok.
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
