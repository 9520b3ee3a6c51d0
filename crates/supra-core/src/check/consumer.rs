//! Checks a contract of a layout: its requests, and the conditions that the layout names.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::code::Code;
use super::requests::{Cause, abort_name, diagnose, too_early};
use super::{Facts, Findings, Policy, Severity};
use crate::address::Address;
use crate::amount::Quants;
use crate::failure::quote;
use crate::lang::Lang;
use crate::state::consumer::{By, Consumer, ConsumerRequest, RequestOutcome, Watch};
use crate::time::format_span;
use crate::view_report::failed_reads;

pub(super) fn check(facts: &Facts, policy: &Policy, findings: &mut Findings) {
    let Some(consumer) = &facts.state.consumer else { return };
    let layout = quote(&consumer.layout);
    if consumer.ready == Some(false) {
        let message = findings.lang.pick(
            format!("the contract is not initialised: it lacks what the layout {layout} requires"),
            format!("контракт не инициализирован: нет того, что требует раскладка {layout}"),
        );
        findings.add(Code::ConsumerNotReady, message, json!({"layout": layout}));
        return;
    }
    check_reads(facts, findings);
    check_markers(facts, consumer, findings);
    for request in &consumer.requests {
        check_request(request, facts, policy, findings);
    }
    for watch in &consumer.watches {
        check_watch(watch, facts, findings);
    }
}

/// Adds a finding for each read of the layout that failed.
fn check_reads(facts: &Facts, findings: &mut Findings) {
    for key in failed_reads(facts.views) {
        let name = quote(key.trim_start_matches("consumer."));
        findings.add_unknown(key, &format!("{name} of the contract"), &format!("{name} контракта"));
    }
}

fn check_markers(facts: &Facts, consumer: &Consumer, findings: &mut Findings) {
    let Some(modules) = &facts.state.deposit.modules else { return };
    for marker in &consumer.markers {
        let is_registered = modules.iter().any(|module| same_type(&module.module_type, marker));
        if !is_registered {
            let marker = quote(marker);
            let message = findings.lang.pick(
                format!("the consumer module {marker} is not registered"),
                format!("модуль-потребитель {marker} не зарегистрирован"),
            );
            findings.add(Code::ModuleMissing, message, json!({"module": marker}));
        }
    }
}

/// Whether two types are the same, however their addresses are written.
fn same_type(a: &str, b: &str) -> bool {
    let split = |text: &str| {
        let (address, rest) = text.trim_start_matches('@').split_once("::")?;
        Some((address.parse::<Address>().ok()?, rest.to_owned()))
    };
    a == b || split(a).is_some_and(|a| Some(a) == split(b))
}

fn seconds_since(since: Option<&String>, facts: &Facts) -> Option<u64> {
    let since = since?.parse::<Timestamp>().ok()?;
    u64::try_from(facts.now.as_second().saturating_sub(since.as_second())).ok()
}

fn check_request(request: &ConsumerRequest, facts: &Facts, policy: &Policy, findings: &mut Findings) {
    let label = quote(&request.label());
    let lang = findings.lang;
    let evidence = json!({
        "request": label,
        "nonce": request.key,
        "requested_at": request.requested_at,
        "transaction_hash": request.transaction_hash.as_deref().map(quote),
    });
    match request.outcome {
        RequestOutcome::Answered if request.ok == Some(false) => {
            let message = lang.pick(
                format!("request {label} was answered without success"),
                format!("на запрос {label} ответили отказом"),
            );
            findings.add(Code::RequestFailed, message, evidence);
        }
        RequestOutcome::NotConfirmed => {
            let message = lang.pick(
                format!("what became of request {label} is not known"),
                format!("неизвестно, что стало с запросом {label}"),
            );
            findings.add(Code::RequestNotConfirmed, message, evidence);
        }
        RequestOutcome::Pending => check_pending(request, &label, evidence, facts, policy, findings),
        RequestOutcome::Answered | RequestOutcome::Withdrawn => {}
    }
}

fn check_pending(
    request: &ConsumerRequest,
    label: &str,
    mut evidence: Value,
    facts: &Facts,
    policy: &Policy,
    findings: &mut Findings,
) {
    let lang = findings.lang;
    let first_seen = seconds_since(request.first_seen.as_ref(), facts);
    let age = request.age_seconds.or(first_seen);
    let (why, fields) = match request.by {
        By::Dvrf => {
            let aborted = request.aborted.as_ref();
            let cause = if aborted.is_some() { Cause::CallbackAborts } else { diagnose(facts) };
            let (en, ru) = cause.sentence();
            let name = aborted.map(abort_name);
            let suffix = name.as_ref().map(|name| format!(": {name}")).unwrap_or_default();
            let fee = request.charged_quants;
            let paid = fee.map(|fee| charged(fee, lang)).unwrap_or_default();
            let fields = json!({
                "diagnosis": cause.name(), "diagnosis_help": cause.help(), "abort": name, "charged_quants": fee,
            });
            (lang.pick(format!("{en}{suffix}{paid}"), format!("{ru}{suffix}{paid}")), fields)
        }
        By::Account => {
            let who = request.answerer.as_ref().map(|account| quote(account));
            let (en, ru) = match &who {
                Some(who) => (
                    format!("dVRF does not answer it, the account {who} does"),
                    format!("на него отвечает не dVRF, а счёт {who}"),
                ),
                None => (
                    "dVRF does not answer it, an account does".to_owned(),
                    "на него отвечает не dVRF, а счёт".to_owned(),
                ),
            };
            (lang.pick(en, ru), json!({"answerer": who}))
        }
    };
    if let (Value::Object(all), Value::Object(more)) = (&mut evidence, fields) {
        all.insert("age_seconds".to_owned(), json!(age));
        all.extend(more);
    }
    let critical = request.critical_seconds.unwrap_or(policy.pending_critical_s);
    let warn = request.warn_seconds.unwrap_or(policy.pending_warn_s);
    let early = age.filter(|_| request.aborted.is_none());
    if let Some(behind) = early.and_then(|age| too_early(age, warn, facts, lang)) {
        let message = lang.pick(
            format!("request {label} waits on a node that is {behind} behind; it may be answered already"),
            format!(
                "запрос {label} ждёт ответа на узле, который отстаёт на {behind}; ответ, возможно, уже есть"
            ),
        );
        findings.add_as(Code::RequestPending, Severity::Unknown, message, evidence);
        return;
    }
    let severity = match age {
        Some(age) if age >= critical => Some(Severity::Critical),
        Some(age) if age >= warn => Some(Severity::Warning),
        _ => None,
    };
    if let (Some(age), Some(severity)) = (age, severity) {
        let waited = format_span(age, lang);
        let (least, least_ru) =
            if request.age_seconds.is_none() { ("at least ", "не менее ") } else { ("", "") };
        let message = lang.pick(
            format!("request {label} has waited for {least}{waited}: {why}"),
            format!("запрос {label} ждёт ответа {least_ru}{waited}: {why}"),
        );
        findings.add_as(Code::RequestStuck, severity, message, evidence);
    } else if age.is_none() {
        let message = lang.pick(
            format!("request {label} waits, and how long it has waited is not known"),
            format!("запрос {label} ждёт ответа; как давно, неизвестно"),
        );
        findings.add_as(Code::RequestPending, Severity::Unknown, message, evidence);
    } else {
        let message =
            lang.pick(format!("request {label} waits for its answer"), format!("запрос {label} ждёт ответа"));
        findings.add(Code::RequestPending, message, evidence);
    }
}

/// That the deposit has paid for an answer that did not arrive.
fn charged(fee: Quants, lang: Lang) -> String {
    let supra = fee.supra();
    lang.pick(
        format!("; {supra} SUPRA were taken for an answer that was not delivered"),
        format!("; за недоставленный ответ списано {supra} SUPRA"),
    )
}

fn check_watch(watch: &Watch, facts: &Facts, findings: &mut Findings) {
    let label = quote(&watch.label());
    let name = quote(&watch.name);
    let lang = findings.lang;
    let evidence = json!({
        "watch": label,
        "value": format!("consumer.{name}"),
        "is": watch.value,
        "title": watch.title.as_deref().map(quote),
    });
    if watch.holds.is_none() {
        // A read that failed is said once, by its own finding.
        if failed_reads(facts.views).next().is_some() {
            return;
        }
        let message = lang.pick(
            format!("whether {label} holds is not known: {name} or what it is compared with was not read"),
            format!(
                "неизвестно, выполнено ли {label}: не прочитано значение {name} или то, с чем его сравнивают"
            ),
        );
        findings.add(Code::ValueUnknown, message, evidence);
        return;
    }
    // A condition that must last is not one before it has: without a memory it is only noted.
    let lasted = seconds_since(watch.first_seen.as_ref(), facts);
    let is_due = watch.for_seconds.is_none_or(|needed| lasted.is_some_and(|lasted| lasted >= needed));
    let severity = if is_due { watch.severity } else { Severity::Info };
    let code = Code::of_watch(&watch.code);
    let title = match (&watch.title, code) {
        (Some(title), Code::ConsumerWatch) if super::title::is_plain(title) => title.clone(),
        _ => super::title::title(code, &serde_json::Map::new(), lang),
    };
    let value = quote(&in_words(&watch.value, lang));
    let element =
        watch.element.as_deref().map(|element| format!(" ({})", quote(element))).unwrap_or_default();
    let message = format!("{title}{element}: {name} = {value}");
    findings.add_as(code, severity, message, evidence);
}

/// A value of a contract as people read it.
pub(crate) fn in_words(value: &Value, lang: Lang) -> String {
    match value {
        Value::Array(items) if items.is_empty() => lang.pick("none", "нет"),
        Value::Array(items) => items.iter().map(|item| in_words(item, lang)).collect::<Vec<_>>().join(", "),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
