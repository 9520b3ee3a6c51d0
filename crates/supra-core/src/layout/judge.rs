//! Judges requests: what the events, the state and the probes say together about each key.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{Gone, RequestRule};
use crate::state::consumer::{ConsumerRequest, RequestOutcome};

/// An event of a request or of its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Happened {
    pub(super) key: Option<String>,
    /// The elements of lists that the event names, by list.
    pub(super) labels: BTreeMap<String, String>,
    pub(super) height: u64,
    pub(super) at_us: Option<u64>,
    pub(super) at: Option<String>,
    pub(super) hash: Option<String>,
    pub(super) who: Option<String>,
    pub(super) ok: Option<bool>,
}

/// The keys that wait according to the contract's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Waiting {
    /// The layout has no such state.
    NotKept,
    /// The state could not be read.
    Unknown,
    /// The contract does not have this kind of request.
    Off,
    /// These keys wait, and no others; `None` is a request whose key is not known.
    Known(BTreeSet<Option<String>>),
}

/// What a probe says of one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Probed {
    /// Whether it waits; `None` is not known.
    pub(super) pending: Option<bool>,
    /// When it was asked, in microseconds since 1970.
    pub(super) since_us: Option<u64>,
    /// Whether it is settled; `None` is not known.
    pub(super) settled: Option<bool>,
    /// Whether it was a success.
    pub(super) ok: Option<bool>,
}

/// What is known of the requests of one rule, for one element where it has a list.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) element: Option<String>,
    pub(super) waiting: Waiting,
    pub(super) asked: Vec<Happened>,
    pub(super) answered: Vec<Happened>,
    pub(super) withdrawn: Vec<Happened>,
    pub(super) probed: BTreeMap<String, Probed>,
}

/// The keys that probes must be read for: asked, and neither answered nor withdrawn.
pub(super) fn open_keys(evidence: &Evidence, rule: &RequestRule) -> BTreeSet<String> {
    let open = evidence.asked.iter().filter(|asked| ended(asked, evidence, rule).is_none());
    let mut keys: BTreeSet<String> = open.filter_map(|asked| asked.key.clone()).collect();
    if let Waiting::Known(waiting) = &evidence.waiting {
        keys.extend(waiting.iter().flatten().cloned());
    }
    keys
}

/// The event that ended a request, and whether it answered it.
fn ended<'a>(asked: &Happened, evidence: &'a Evidence, rule: &RequestRule) -> Option<(&'a Happened, bool)> {
    let later = |end: &&Happened| end.height >= asked.height;
    let same_key = |end: &&Happened| end.key.is_some() && end.key == asked.key;
    if let Some(answer) = evidence.answered.iter().filter(later).find(same_key) {
        return Some((answer, true));
    }
    let same_label = |(list, element): (&String, &String)| {
        let of_rule = evidence.element.as_ref().filter(|_| rule.each.as_ref() == Some(list));
        asked.labels.get(list).or(of_rule) == Some(element)
    };
    let withdraws = |end: &&Happened| match &end.key {
        Some(_) => end.key == asked.key,
        None => !end.labels.is_empty() && end.labels.iter().all(same_label),
    };
    evidence.withdrawn.iter().filter(later).find(withdraws).map(|event| (event, false))
}

/// Judges every key that the events or the state name. `now_us` dates what waits.
pub(super) fn judge(rule: &RequestRule, evidence: &Evidence, now_us: u64) -> Vec<ConsumerRequest> {
    let mut found = Vec::new();
    let mut waiting = match &evidence.waiting {
        Waiting::Known(keys) => keys.clone(),
        _ => BTreeSet::new(),
    };
    // The same key may be asked again, as after an upgrade; the last one counts.
    let mut asked: BTreeMap<&Option<String>, &Happened> = BTreeMap::new();
    for event in &evidence.asked {
        asked.insert(&event.key, event);
    }
    for (key, event) in asked {
        let blank = blank(rule, evidence, key.clone());
        let request = ConsumerRequest {
            requested_at: event.at.clone(),
            requester: event.who.clone(),
            transaction_hash: event.hash.clone(),
            ..blank
        };
        let waits = waiting.remove(key);
        found.push(match ended(event, evidence, rule) {
            Some((end, true)) => ConsumerRequest {
                outcome: RequestOutcome::Answered,
                ok: end.ok,
                ended_at: end.at.clone(),
                ..request
            },
            Some((end, false)) => {
                ConsumerRequest { outcome: RequestOutcome::Withdrawn, ended_at: end.at.clone(), ..request }
            }
            None => open(rule, evidence, request, waits, event.at_us, now_us),
        });
    }
    for key in waiting {
        let request = blank(rule, evidence, key);
        found.push(open(rule, evidence, request, true, None, now_us));
    }
    found
}

fn blank(rule: &RequestRule, evidence: &Evidence, key: Option<String>) -> ConsumerRequest {
    ConsumerRequest {
        request: rule.name.0.clone(),
        key,
        element: evidence.element.clone(),
        by: rule.by,
        warn_seconds: rule.warn.map(|span| span.0.as_secs()),
        critical_seconds: rule.critical.map(|span| span.0.as_secs()),
        ..ConsumerRequest::default()
    }
}

/// Judges a request without an event that ended it.
fn open(
    rule: &RequestRule,
    evidence: &Evidence,
    request: ConsumerRequest,
    waits: bool,
    asked_us: Option<u64>,
    now_us: u64,
) -> ConsumerRequest {
    let probed = request.key.as_ref().and_then(|key| evidence.probed.get(key)).copied().unwrap_or_default();
    if waits || probed.pending == Some(true) {
        let since = asked_us.or(probed.since_us);
        let age_seconds = since.map(|us| now_us.saturating_sub(us) / 1_000_000);
        return ConsumerRequest { outcome: RequestOutcome::Pending, age_seconds, ..request };
    }
    if probed.settled == Some(true) {
        return ConsumerRequest { outcome: RequestOutcome::Answered, ok: probed.ok, ..request };
    }
    let is_gone = matches!(evidence.waiting, Waiting::Known(_)) || probed.pending == Some(false);
    // Where only events tell, a request waits until the event of its answer.
    if evidence.waiting == Waiting::NotKept && is_told_by_events(rule) {
        let age_seconds = asked_us.map(|us| now_us.saturating_sub(us) / 1_000_000);
        return ConsumerRequest { outcome: RequestOutcome::Pending, age_seconds, ..request };
    }
    let outcome = match rule.gone {
        Gone::Answered if is_gone => RequestOutcome::Answered,
        Gone::Withdrawn if is_gone => RequestOutcome::Withdrawn,
        _ => RequestOutcome::NotConfirmed,
    };
    ConsumerRequest { outcome, ..request }
}

fn is_told_by_events(rule: &RequestRule) -> bool {
    rule.pending.is_none() && rule.settled.is_none() && !rule.answered.is_empty()
}
