//! Checks that the values come from the expected chain and are recent; otherwise no other rule applies.

use jiff::Timestamp;
use serde_json::{Map, json};

use super::code::Code;
use super::{Facts, Finding, Findings, Policy};
use crate::failure::{FailureKind, quote};
use crate::time::format_span;

/// How far the clocks of two machines may differ, in seconds.
const CLOCK_SKEW_S: i64 = 300;

/// Returns whether the values can be checked. If they are of another chain or too old, adds a finding that says so.
pub(super) fn is_trustworthy(facts: &Facts, policy: &Policy, findings: &mut Findings) -> bool {
    let expected = policy.chain_id.zip(facts.state.chain.id).filter(|(expected, found)| expected != found);
    if let Some((expected, found)) = expected {
        let message = findings.lang.pick(
            format!("the node serves chain {found}, expected is {expected}"),
            format!("узел обслуживает сеть {found}, ожидается {expected}"),
        );
        findings.add(Code::WrongChain, message, json!({"chain_id": found, "expected": expected}));
        return false;
    }
    if policy.chain_id.is_some() && findings.has_failed("chain_id") {
        findings.add_unknown("chain_id", "the chain id", "идентификатор сети");
    }
    let wrong = facts.views.values().filter_map(|report| report.error.as_ref());
    if let Some(failure) = wrong.into_iter().find(|failure| failure.kind == FailureKind::WrongChain) {
        let why = quote(&failure.message);
        let message = findings.lang.pick(why.clone(), format!("не та сеть: {why}"));
        findings.add(Code::WrongChain, message, json!({"chain_id": facts.state.chain.id}));
        return false;
    }
    let (Some(most), Some(lag_s)) = (policy.max_lag_s, facts.lag_s()) else { return true };
    if lag_s.unsigned_abs() <= most.into() {
        return true;
    }
    let lag = format_span(lag_s.unsigned_abs(), findings.lang);
    let evidence = json!({"lag_seconds": lag_s.to_string(), "max_lag_seconds": most});
    if lag_s < 0 {
        let message = findings.lang.pick(
            format!("the chain's clock is {lag} ahead of this machine's; one of the two is wrong"),
            format!("часы сети спешат на {lag} относительно этого узла; одни из часов неверны"),
        );
        findings.add(Code::ChainStale, message, evidence);
        return false;
    }
    let message = findings.lang.pick(
        format!("the chain's clock is {lag} behind; the node may be stuck or pruned"),
        format!("часы сети отстают на {lag}; возможно, узел завис"),
    );
    findings.add(Code::ChainStale, message, evidence);
    false
}

/// Adds a finding for modules whose bytecode has changed.
pub(super) fn check_upgrade(facts: &Facts, findings: &mut Findings) {
    let modules = &facts.state.chain.upgraded_modules;
    if modules.is_empty() {
        return;
    }
    let names = modules.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ");
    let message = findings.lang.pick(
        format!("the bytecode of {names} has changed within the last day"),
        format!("за последние сутки изменился байт-код {names}"),
    );
    findings.add(Code::ContractUpgraded, message, json!({"modules": modules}));
}

/// Returns the finding about a report that was made too long before `now`, or after it.
pub(super) fn report_age(read_at: Timestamp, now: Timestamp, policy: &Policy) -> Option<Finding> {
    let most = i64::try_from(policy.max_age_s?).unwrap_or(i64::MAX);
    let age_s = now.as_second().saturating_sub(read_at.as_second());
    let age = format_span(age_s.unsigned_abs(), policy.lang);
    let (en, ru) = if age_s > most {
        (format!("the report is {age} old"), format!("отчёту {age}"))
    } else if age_s < -CLOCK_SKEW_S {
        (
            format!("the report is dated {age} in the future"),
            format!("отчёт датирован временем на {age} позже текущего"),
        )
    } else {
        return None;
    };
    let message = policy.lang.pick(en, ru);
    let code = Code::ReportStale;
    let evidence = Map::from_iter([
        ("age_seconds".to_owned(), json!(age_s)),
        ("max_age_seconds".to_owned(), json!(most)),
    ]);
    Some(Finding::new(code, code.severity(), message, evidence, policy.lang))
}
