//! What could not be read: what that leaves undecided, and what is only worth knowing.

use serde_json::Value;

use super::code::Code;
use super::{Facts, Finding, Findings};
use crate::failure::{FailureKind, quote};

pub(super) fn judge(facts: &Facts, findings: &mut Findings) {
    incomplete(facts, findings);
    undecided(facts, findings);
    others(facts, findings);
}

/// A report that says itself that it is incomplete is not ok, whatever its values look like.
fn incomplete(facts: &Facts, findings: &mut Findings) {
    let Some(error) = facts.error else { return };
    let said = findings.list.iter().any(|finding| match finding.code {
        Code::ValueUnknown => finding.evidence.get("value").and_then(Value::as_str) == error.view.as_deref(),
        Code::ClientNotWhitelisted => error.kind == FailureKind::NotWhitelisted.name(),
        _ => false,
    });
    let config = error.kind == FailureKind::Config.name() && findings.says_config();
    if !said && !config {
        // Text of a record is foreign: whoever wrote it may not have quoted it.
        let why = quote(&error.message);
        let message =
            findings.lang.pick(format!("the report is incomplete: {why}"), format!("отчёт неполон: {why}"));
        let evidence = serde_json::json!({"value": error.view, "error": error.kind});
        findings.add(Code::ValueUnknown, message, evidence);
    }
}

/// Values by which a rule of the grade warning or above decides, and that no rule above has named: what a chain that
/// has them would have said is not known. What it does not have decides nothing.
fn undecided(facts: &Facts, findings: &mut Findings) {
    let deposit = &facts.state.deposit;
    let modules = deposit.modules.as_deref();
    let decides = [
        ("chain_time", true, "the chain's clock", "часы сети"),
        // The period and the contracts are dVRF 2's; a client with modules has neither.
        ("contracts", modules.is_none_or(<[_]>::is_empty), "the list of contracts", "список контрактов"),
        ("subscription_info", modules.is_none(), "the subscription's end", "конец подписки"),
        ("max_txn_fee", modules.is_some_and(|list| !list.is_empty()), "the fee limit", "предел комиссии"),
        ("max_gas_price", true, "the client's gas price", "цена газа клиента"),
        ("max_gas_limit", true, "the client's gas limit", "лимит газа клиента"),
        ("lottery_status", true, "a part of the lottery's status", "часть состояния лотереи"),
        ("whitelist_status", true, "the lottery's whitelist", "белый список лотереи"),
        ("vrf_gas_config", true, "the lottery's gas settings", "параметры газа лотереи"),
        ("callback_gas_config", true, "the callback's gas settings", "параметры газа обратного вызова"),
        ("verification_gas_value", true, "the gas of verification", "газ проверки"),
        ("client_snapshot", true, "the client's snapshot", "снимок клиента"),
        ("consumer_snapshot", true, "the consumer's snapshot", "снимок потребителя"),
        ("min_balance_snapshot", true, "the recorded minimum", "записанный минимум"),
    ];
    for (key, matters, en, ru) in decides {
        if matters && findings.failed(key) && !named(key, facts, findings) {
            findings.unknown(key, en, ru);
        }
    }
}

/// Whether a finding speaks of the value already.
fn named(key: &str, facts: &Facts, findings: &Findings) -> bool {
    let error = facts.error.and_then(|error| error.view.as_deref());
    let by_finding = |finding: &Finding| finding.evidence.get("value").is_some_and(|value| value == key);
    error == Some(key) || findings.list.iter().any(by_finding)
}

/// Values that were asked for in vain and that nothing above has named: worth knowing, no verdict hangs on them.
fn others(facts: &Facts, findings: &mut Findings) {
    if findings.says_config() {
        return;
    }
    let failed = facts.views.keys().filter(|key| findings.failed(key) && !named(key, facts, findings));
    let failed: Vec<&str> = failed.map(String::as_str).collect();
    if !failed.is_empty() {
        let listed = quote(&failed.join(", "));
        let message = findings.lang.pick(
            format!("values that no verdict needs could not be read: {listed}"),
            format!("не прочитаны значения, не нужные для вердикта: {listed}"),
        );
        findings.add(Code::ViewFailed, message, serde_json::json!({"values": failed}));
    }
}
