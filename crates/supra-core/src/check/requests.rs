//! Checks pending requests and finds the likely cause: the first one that the record supports.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::code::Code;
use super::{ExpectedEvent, Facts, Finding, Findings, Policy, Severity};
use crate::failure::quote;
use crate::lang::Lang;
use crate::requests::{CallbackFailure, Change, Requests};
use crate::time::format_span;

/// Why a request is not answered; the most specific cause comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The lottery's callback aborted the answer.
    CallbackAborts,
    /// Supra paused the deposit module.
    Paused,
    /// The deposit module does not know the client.
    ClientNotWhitelisted,
    /// The consumer module is disabled.
    ModuleDisabled,
    /// The deposit is at or below the minimum.
    DepositLow,
    /// The callback fee limit is below what callbacks cost.
    CallbackFeeTooLow,
    /// The lottery accepts no callback sender.
    AggregatorNotSet,
    /// No consumer is whitelisted, or not the requester.
    ConsumerMissing,
    /// The node is behind: the request may have been answered already.
    NodeLagging,
    /// Nothing in the record explains it.
    Unknown,
}

/// A chain clock that is further behind, in seconds, explains a missing answer.
const LAG_S: i64 = 60;
/// By how many seconds the search for an expected event may be too short: it begins a little before the reading.
const SEARCH_SLACK_S: u64 = 60;

impl Cause {
    /// Every cause, in the order in which [`diagnose`] tries them.
    pub const ALL: &'static [Cause] = &[
        Cause::CallbackAborts,
        Cause::Paused,
        Cause::ClientNotWhitelisted,
        Cause::ModuleDisabled,
        Cause::DepositLow,
        Cause::CallbackFeeTooLow,
        Cause::AggregatorNotSet,
        Cause::ConsumerMissing,
        Cause::NodeLagging,
        Cause::Unknown,
    ];

    /// The stable name, as in `evidence.diagnosis` and `docs/fix.md`.
    pub fn name(self) -> &'static str {
        match self {
            Self::CallbackAborts => "callback_aborts",
            Self::Paused => "paused",
            Self::ClientNotWhitelisted => "client_not_whitelisted",
            Self::ModuleDisabled => "module_disabled",
            Self::DepositLow => "deposit_low",
            Self::CallbackFeeTooLow => "callback_fee_too_low",
            Self::AggregatorNotSet => "aggregator_not_set",
            Self::ConsumerMissing => "consumer_missing",
            Self::NodeLagging => "node_lagging",
            Self::Unknown => "unknown",
        }
    }

    /// What the cause means and what to do, in English and Russian.
    pub fn sentence(self) -> (&'static str, &'static str) {
        match self {
            Self::CallbackAborts => {
                ("the lottery's callback aborts the answer", "обратный вызов лотереи прерывает ответ")
            }
            Self::Paused => ("Supra paused the deposit module", "модуль депозита приостановлен"),
            Self::ClientNotWhitelisted => ("the client is not whitelisted", "клиент не в белом списке"),
            Self::ModuleDisabled => ("the consumer module is disabled", "модуль потребителя отключён"),
            Self::DepositLow => ("the deposit is at or below the minimum", "депозит не выше минимума"),
            Self::CallbackFeeTooLow => (
                "the callback fee limit is below what callbacks cost",
                "предел комиссии обратного вызова ниже его стоимости",
            ),
            Self::AggregatorNotSet => (
                "the lottery accepts no callback sender",
                "в белом списке лотереи нет отправителя обратных вызовов",
            ),
            Self::ConsumerMissing => ("the consumer is not whitelisted", "потребитель не в белом списке"),
            Self::NodeLagging => (
                "the node is behind; the answer may be there already",
                "узел отстаёт; ответ, возможно, уже есть",
            ),
            Self::Unknown => ("no cause was found", "причина не найдена"),
        }
    }

    /// The cause that a finding about a stuck request names.
    pub fn of(finding: &Finding) -> Option<Self> {
        let name = finding.evidence.get("diagnosis")?.as_str()?;
        Self::ALL.iter().copied().find(|cause| cause.name() == name)
    }

    /// What the cause means, or what was looked at in vain.
    pub fn in_words(self, lang: Lang) -> String {
        let (en, ru) = match self {
            Self::Unknown => (
                "none found: deposit, whitelist, module, callback and node look fine",
                "не найдена: депозит, белый список, модуль, обратный вызов и узел в порядке",
            ),
            known => known.sentence(),
        };
        lang.pick(en, ru)
    }

    /// The section of the documentation that says what to do.
    pub fn help(self) -> String {
        format!("docs/fix.md#stuck_{}", self.name())
    }
}

/// Finds the most specific cause that the report supports.
pub fn diagnose(facts: &Facts) -> Cause {
    Cause::ALL.iter().copied().find(|cause| fits(*cause, facts)).unwrap_or(Cause::Unknown)
}

fn fits(cause: Cause, facts: &Facts) -> bool {
    let (deposit, lottery) = (&facts.state.deposit, &facts.state.lottery);
    let modules = deposit.modules.as_deref().unwrap_or_default();
    match cause {
        Cause::CallbackAborts => {
            facts.requests.is_some_and(|requests| !requests.callback_failures.is_empty())
        }
        Cause::Paused => deposit.paused == Some(true),
        Cause::ClientNotWhitelisted => deposit.client_whitelisted == Some(false),
        Cause::ModuleDisabled => !modules.is_empty() && modules.iter().all(|module| !module.enabled),
        Cause::DepositLow => {
            deposit.at_or_below_minimum == Some(true) || deposit.is_at_minimum() == Some(true)
        }
        Cause::CallbackFeeTooLow => {
            let fee = facts.requests.and_then(|requests| requests.callback_fee_quants);
            let limits =
                modules.iter().filter(|module| module.enabled).map(|module| module.max_callback_txn_fee);
            let limit = limits.max().or(deposit.max_txn_fee);
            fee.zip(limit).is_some_and(|(fee, limit)| limit < fee)
        }
        Cause::AggregatorNotSet => lottery.aggregator.as_ref().is_some_and(Vec::is_empty),
        Cause::ConsumerMissing => {
            let nobody = lottery.consumers.as_ref().is_some_and(Vec::is_empty);
            let none = deposit.modules.as_ref().is_some_and(Vec::is_empty)
                && deposit.contracts.as_ref().is_none_or(Vec::is_empty);
            let requester = facts.requests.and_then(|requests| requests.pending.first()?.requester.clone());
            let requester = requester.and_then(|requester| requester.parse().ok());
            let missing = lottery
                .consumers
                .as_ref()
                .zip(requester)
                .is_some_and(|(all, requester)| !all.contains(&requester));
            nobody || none || missing
        }
        Cause::NodeLagging => facts.lag_s().is_some_and(|lag_s| lag_s > LAG_S),
        Cause::Unknown => true,
    }
}

/// How far behind a node is, in words, if the request had not waited for `least_s` yet in the state that it shows.
pub(super) fn too_early(age_s: u64, least_s: u64, facts: &Facts, lang: Lang) -> Option<String> {
    let lag_s = facts.lag_s().filter(|lag_s| *lag_s > LAG_S)?.unsigned_abs();
    (age_s >= least_s && age_s.saturating_sub(lag_s) < least_s).then(|| format_span(lag_s, lang))
}

/// The name of the abort that a callback ended in, else its code, else what the node says.
pub(super) fn abort_name(failure: &CallbackFailure) -> String {
    let abort = failure.abort.as_ref();
    let name = abort.map(|abort| abort.name.clone().unwrap_or_else(|| format!("code {}", abort.code)));
    quote(&name.unwrap_or_else(|| failure.status.clone()))
}

pub(super) fn check(facts: &Facts, policy: &Policy, findings: &mut Findings) {
    check_pending(facts, policy, findings);
    check_counters(facts, findings);
    check_expected_events(facts, policy, findings);
    let changes = facts.requests.map(|requests| requests.whitelist_changes.as_slice()).unwrap_or_default();
    if let Some(last) = changes.last() {
        let names: Vec<&str> = changes.iter().map(|change: &Change| change.name.as_str()).collect();
        let (count, name) = (changes.len(), quote(&last.name));
        let message = findings.lang.pick(
            format!("a whitelist was changed {count} times, last by {name}"),
            format!("белый список изменён, событий: {count}, последнее {name}"),
        );
        let evidence =
            json!({"events": names, "last_at": last.at, "transaction_hash": last.transaction_hash});
        findings.add(Code::WhitelistChanged, message, evidence);
    }
    let error = facts.requests.and_then(|requests| requests.error.as_ref());
    if let Some(failure) = error {
        let why = quote(&failure.message);
        let message = findings
            .lang
            .pick(format!("events could not be read: {why}"), format!("события не прочитаны: {why}"));
        findings.add(Code::ValueUnknown, message, json!({"value": "requests", "error": failure.kind.name()}));
    }
}

/// How long a request has waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    /// Since its event, in seconds.
    Exact(u64),
    /// At least this long, in seconds: it is older than the events that were read, or than the first run that saw it.
    AtLeast(u64),
    Unknown,
}

impl Age {
    fn seconds(self) -> Option<u64> {
        match self {
            Self::Exact(seconds) | Self::AtLeast(seconds) => Some(seconds),
            Self::Unknown => None,
        }
    }
}

/// The age of the oldest request that waits, and what is known of it.
fn oldest_pending(facts: &Facts) -> Option<(Age, Value)> {
    let read = facts.requests.filter(|requests| requests.error.is_none());
    if let Some(first) = read.and_then(|requests| requests.pending.first()) {
        let age = first.age_seconds.map_or(Age::Unknown, Age::Exact);
        let hash = first.transaction_hash.as_deref().map(quote);
        let evidence =
            json!({"nonce": first.nonce, "requested_at": first.requested_at, "transaction_hash": hash});
        return Some((age, evidence));
    }
    let lottery = &facts.state.lottery;
    if lottery.pending_request != Some(true) {
        return None;
    }
    let nonce = lottery.pending_nonce.as_ref().and_then(|nonce| nonce.0);
    // A lottery has one request at a time: one without an event in a range that was read whole is older than the range.
    let is_older =
        |requests: &&Requests| requests.requested == 0 && requests.orphans == 0 && requests.notes.is_empty();
    let since = read.filter(is_older).and_then(searched_since);
    let least = since.into_iter().chain(facts.pending_since).map(|since| facts.seconds_since(since)).max();
    Some((least.map_or(Age::Unknown, Age::AtLeast), json!({"nonce": nonce})))
}

/// The time from which on the events were read.
fn searched_since(requests: &Requests) -> Option<Timestamp> {
    requests.since.as_ref()?.parse().ok()
}

fn check_pending(facts: &Facts, policy: &Policy, findings: &mut Findings) {
    let Some((age, mut evidence)) = oldest_pending(facts) else { return };
    let cause = diagnose(facts);
    if let Value::Object(fields) = &mut evidence {
        fields.insert("age_seconds".to_owned(), json!(age.seconds()));
        fields.insert("diagnosis".to_owned(), json!(cause.name()));
        fields.insert("diagnosis_help".to_owned(), json!(cause.help()));
    }
    let (en, ru) = cause.sentence();
    let mut why = findings.lang.pick(en.to_owned(), ru.to_owned());
    let failure = facts.requests.and_then(|requests| requests.callback_failures.last());
    if let (Cause::CallbackAborts, Some(failure)) = (cause, failure) {
        let name = abort_name(failure);
        why.push_str(&format!(": {name}"));
        if let Value::Object(fields) = &mut evidence {
            fields.insert("abort".to_owned(), json!(name));
            if let Some(help) = &failure.help {
                fields.insert("abort_help".to_owned(), json!(help));
            }
        }
    }
    let early = age.seconds().filter(|_| cause != Cause::CallbackAborts);
    if let Some(behind) = early.and_then(|age| too_early(age, policy.pending_warn_s, facts, findings.lang)) {
        let message = findings.lang.pick(
            format!("a randomness request is pending on a node that is {behind} behind; it may be answered already"),
            format!("запрос случайных чисел ожидает ответа на узле, который отстаёт на {behind}; ответ, возможно, уже есть"),
        );
        findings.add_as(Code::RequestPending, Severity::Unknown, message, evidence);
        return;
    }
    let severity_of = |age: u64| match age {
        age if age >= policy.pending_critical_s => Some(Severity::Critical),
        age if age >= policy.pending_warn_s => Some(Severity::Warning),
        _ => None,
    };
    if let Some((seconds, severity)) = age.seconds().and_then(|age| Some((age, severity_of(age)?))) {
        let (least, least_ru) = match age {
            Age::AtLeast(_) => ("at least ", "не менее "),
            _ => ("", ""),
        };
        let waited = format_span(seconds, findings.lang);
        let message = findings.lang.pick(
            format!("a randomness request has waited for {least}{waited}: {why}"),
            format!("запрос случайных чисел ждёт ответа {least_ru}{waited}: {why}"),
        );
        findings.add_as(Code::RequestStuck, severity, message, evidence);
        return;
    }
    if age == Age::Unknown {
        let message = findings.lang.pick(
            "a randomness request is pending, and how long it has waited is not known",
            "запрос случайных чисел ожидает ответа; как давно, неизвестно",
        );
        findings.add_as(Code::RequestPending, Severity::Unknown, message, evidence);
        return;
    }
    let message =
        findings.lang.pick("a randomness request is pending", "запрос случайных чисел ожидает ответа");
    findings.add(Code::RequestPending, message, evidence);
}

/// Returns whether the events show that every request was answered, even if the counters differ.
fn all_answered(requests: &Requests, gap: u128) -> bool {
    requests.error.is_none() && requests.pending.is_empty() && u128::from(requests.handled) >= gap
}

fn check_counters(facts: &Facts, findings: &mut Findings) {
    let lottery = &facts.state.lottery;
    let (Some(asked), Some(answered)) = (lottery.rng_request_count, lottery.rng_response_count) else {
        return;
    };
    let pending = u128::from(lottery.pending_request != Some(false));
    let gap = asked.get().saturating_sub(answered.get());
    if gap <= pending || facts.requests.is_some_and(|requests| all_answered(requests, gap)) {
        return;
    }
    let message = findings.lang.pick(
        format!("{gap} of {asked} requests were never answered"),
        format!("без ответа остались {gap} из {asked} запросов"),
    );
    findings.add(Code::RequestsUnanswered, message, json!({"requested": asked, "handled": answered}));
}

/// Checks that each expected event was emitted within its time.
fn check_expected_events(facts: &Facts, policy: &Policy, findings: &mut Findings) {
    let searched_s = facts.requests.and_then(searched_since).map(|since| facts.seconds_since(since));
    for wanted in &policy.expected_events {
        let seen = facts.requests.filter(|requests| requests.error.is_none()).and_then(|requests| {
            requests.seen.iter().find(|seen| {
                seen.type_tag == wanted.kind || seen.type_tag.rsplit("::").next() == Some(wanted.name())
            })
        });
        let Some(seen) = seen else {
            let name = &wanted.kind;
            findings.add_unknown(
                "requests",
                &format!("whether {name} came, as its events were not read,"),
                &format!("было ли {name}: события не прочитаны"),
            );
            continue;
        };
        let at = seen.last_at.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
        if at.is_some_and(|at| facts.seconds_since(at) <= wanted.within_s) {
            continue;
        }
        if searched_s.is_some_and(|searched_s| searched_s.saturating_add(SEARCH_SLACK_S) < wanted.within_s) {
            let ExpectedEvent { kind: name, within_s } = wanted;
            findings.add_unknown(
                "requests",
                &format!("whether {name} came, as the events that were read do not reach back {within_s} s,"),
                &format!("было ли {name}: прочитанные события не охватывают {within_s} с"),
            );
            continue;
        }
        let message = findings.lang.pick(
            format!("no {} within {} s", wanted.kind, wanted.within_s),
            format!("нет {} за {} с", wanted.kind, wanted.within_s),
        );
        let evidence =
            json!({"event": wanted.kind, "within_seconds": wanted.within_s, "last_at": seen.last_at});
        findings.add(Code::EventMissing, message, evidence);
    }
}

#[cfg(test)]
mod tests {
    use super::Cause;

    #[test]
    fn the_page_explains_every_cause() {
        let page = include_str!("../../../../docs/fix.md");
        let titles: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### stuck_")).collect();
        let names: Vec<&str> = Cause::ALL.iter().map(|cause| cause.name()).collect();
        assert_eq!(titles, names);
        assert_eq!(Cause::Paused.help(), "docs/fix.md#stuck_paused");
    }
}
