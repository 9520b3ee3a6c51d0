//! Reports values that could not be read: those that a rule needs, and the others.

use std::collections::BTreeMap;

use serde_json::json;

use super::code::Code;
use super::{Facts, Finding, Findings};
use crate::failure::{Failure, FailureKind, quote};

pub(super) fn check(facts: &Facts, findings: &mut Findings) {
    check_error(facts, findings);
    check_deciding_values(facts, findings);
    check_other_values(facts, findings);
}

/// Adds a finding for the report's own `error`, unless another finding names it: such a report is never ok.
fn check_error(facts: &Facts, findings: &mut Findings) {
    let Some(error) = facts.error else { return };
    let is_named = findings.list.iter().any(|finding| match finding.code {
        Code::ValueUnknown | Code::NoContract => {
            finding.unread_values().first().copied() == error.view.as_deref()
        }
        Code::ClientNotWhitelisted => error.kind == FailureKind::NotWhitelisted.name(),
        _ => false,
    });
    let config = error.kind == FailureKind::Config.name() && findings.has_config_error();
    if !is_named && !config {
        // A record may come from another program, which may not have escaped its text.
        let why = quote(&error.message);
        let message =
            findings.lang.pick(format!("the report is incomplete: {why}"), format!("отчёт неполон: {why}"));
        let evidence = json!({"value": error.view, "error": error.kind});
        findings.add(Code::ValueUnknown, message, evidence);
    }
}

/// Adds a finding for each unread value that a rule of severity warning or higher needs, unless another finding names
/// it. A value that the chain does not have is not needed.
fn check_deciding_values(facts: &Facts, findings: &mut Findings) {
    let deposit = &facts.state.deposit;
    let modules = deposit.modules.as_deref();
    let decides = [
        ("chain_time", true, "the chain's clock", "часы сети"),
        // Only dVRF 2 has a period and contracts; a client with modules has neither.
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
        if matters && findings.has_failed(key) && !is_named(key, facts, findings) {
            findings.add_unknown(key, en, ru);
        }
    }
}

/// Returns whether a finding or the report's error names the value.
fn is_named(key: &str, facts: &Facts, findings: &Findings) -> bool {
    let error = facts.error.and_then(|error| error.view.as_deref());
    let by_finding = |finding: &Finding| finding.unread_values().contains(&key);
    error == Some(key) || findings.list.iter().any(by_finding)
}

/// Adds one finding for all other unread values, which no rule needs.
fn check_other_values(facts: &Facts, findings: &mut Findings) {
    if findings.has_config_error() {
        return;
    }
    let failed = facts.views.keys().filter(|key| findings.has_failed(key) && !is_named(key, facts, findings));
    let failed: Vec<&str> = failed.map(String::as_str).collect();
    if !failed.is_empty() {
        let listed = quote(&failed.join(", "));
        let message = findings.lang.pick(
            format!("values that no verdict needs could not be read: {listed}"),
            format!("не прочитаны значения, не нужные для вердикта: {listed}"),
        );
        findings.add(Code::ViewFailed, message, json!({"values": failed}));
    }
}

/// Replaces the findings about values that could not be read for one reason by one finding.
pub(super) fn merge(facts: &Facts, findings: &mut Findings) {
    let failure_of = |key: &str| match key {
        "requests" => facts.requests.and_then(|requests| requests.error.as_ref()),
        key => facts.views.get(key).and_then(|report| report.error.as_ref()),
    };
    let nothing_was_read = facts.views.values().all(|report| report.error.is_some());
    // One cause hid everything, however each request met it; else the message tells causes apart.
    let cause_of = |failure: &Failure| match code_of(failure.kind).filter(|_| nothing_was_read) {
        Some(code) => (code.name(), String::new()),
        None => (failure.kind.name(), failure.message.clone()),
    };
    let mut causes: BTreeMap<(&str, String), (&Failure, Vec<String>)> = BTreeMap::new();
    for finding in findings.list.iter().filter(|finding| finding.code == Code::ValueUnknown) {
        for key in finding.unread_values() {
            if let Some(failure) = failure_of(key) {
                let (_, keys) = causes.entry(cause_of(failure)).or_insert((failure, Vec::new()));
                keys.push(key.to_owned());
            }
        }
    }
    for (failure, mut keys) in causes.into_values() {
        let code = code_of(failure.kind).filter(|_| nothing_was_read);
        if code.is_none() && keys.len() < 2 {
            continue;
        }
        if code.is_some() {
            // What no verdict needs was not read either, for the same reason.
            let same =
                |key: &&String| failure_of(key).is_some_and(|other| cause_of(other) == cause_of(failure));
            let others = facts.views.keys().filter(same).filter(|key| !keys.contains(key));
            keys = others.cloned().chain(keys.clone()).collect();
            keys.sort_unstable();
        }
        let is_said = |finding: &Finding| {
            let values = finding.unread_values();
            let listed = !values.is_empty() && values.iter().all(|value| keys.iter().any(|key| key == value));
            listed && matches!(finding.code, Code::ValueUnknown | Code::ViewFailed)
        };
        findings.list.retain(|finding| !is_said(finding));
        let message = sentence(code, failure, &keys, findings);
        let evidence = json!({"values": keys, "error": failure.kind.name()});
        findings.add(code.unwrap_or(Code::ValueUnknown), message, evidence);
    }
}

/// The code for a cause that hid everything.
fn code_of(kind: FailureKind) -> Option<Code> {
    match kind {
        FailureKind::Unreachable | FailureKind::Timeout => Some(Code::NodeUnreachable),
        FailureKind::Throttled => Some(Code::NodeThrottled),
        FailureKind::NodesDisagree => Some(Code::NodesDisagree),
        FailureKind::Undecodable | FailureKind::Unsupported => Some(Code::NotANode),
        FailureKind::Config => Some(Code::CliFailed),
        _ => None,
    }
}

fn sentence(code: Option<Code>, failure: &Failure, keys: &[String], findings: &Findings) -> String {
    let why = quote(&failure.message);
    let (en, ru) = match code {
        Some(Code::NodeUnreachable) => ("the node does not answer", "узел не отвечает"),
        Some(Code::NodeThrottled) => ("the node refuses more requests", "узел ограничивает число запросов"),
        Some(Code::NodesDisagree) => ("the nodes disagree", "узлы расходятся"),
        Some(Code::NotANode) => ("what answers is not a Supra node", "отвечает не узел Supra"),
        Some(Code::CliFailed) => ("the Supra CLI is not set up", "Supra CLI не настроен"),
        _ => {
            let listed = quote(&keys.join(", "));
            let en = format!("values are not known ({listed}): {why}");
            return findings.lang.pick(en, format!("неизвестны значения ({listed}): {why}"));
        }
    };
    findings.lang.pick(format!("{en}: {why}"), format!("{ru}: {why}"))
}
