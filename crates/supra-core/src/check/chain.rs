//! Whether what was read may be judged at all: the right chain, and a fresh one.

use serde_json::json;

use super::code::Code;
use super::{Facts, Findings, Policy};
use crate::failure::{FailureKind, quote};

/// Adds a finding and says no where the answers are another chain's or too old.
pub(super) fn trusted(facts: &Facts, policy: &Policy, findings: &mut Findings) -> bool {
    let expected = policy.chain_id.zip(facts.state.chain.id).filter(|(expected, found)| expected != found);
    if let Some((expected, found)) = expected {
        let message = findings.lang.pick(
            format!("the node serves chain {found}, expected is {expected}"),
            format!("узел обслуживает сеть {found}, ожидается {expected}"),
        );
        findings.add(Code::WrongChain, message, json!({"chain_id": found, "expected": expected}));
        return false;
    }
    if policy.chain_id.is_some() && findings.failed("chain_id") {
        findings.unknown("chain_id", "the chain id", "идентификатор сети");
    }
    let wrong = facts.views.values().filter_map(|report| report.error.as_ref());
    if let Some(failure) = wrong.into_iter().find(|failure| failure.kind == FailureKind::WrongChain) {
        let why = quote(&failure.message);
        let message = findings.lang.pick(why.clone(), format!("не та сеть: {why}"));
        findings.add(Code::WrongChain, message, json!({"chain_id": facts.state.chain.id}));
        return false;
    }
    let (Some(most), Some(time)) = (policy.max_lag_s, facts.state.chain.time_us) else { return true };
    let now_us = u128::try_from(facts.now.as_microsecond()).unwrap_or(0);
    let lag_s = now_us.saturating_sub(time.get()) / 1_000_000;
    if lag_s <= most.into() {
        return true;
    }
    let message = findings.lang.pick(
        format!("the chain's clock is {lag_s} s behind; the node may be stuck or pruned"),
        format!("часы сети отстают на {lag_s} с; возможно, узел завис"),
    );
    findings.add(
        Code::ChainStale,
        message,
        json!({"lag_seconds": lag_s.to_string(), "max_lag_seconds": most}),
    );
    false
}
