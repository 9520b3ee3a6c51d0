//! The requests of a contract: what its state, its events and the probes say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Answer, REQUESTS_MAX, Reader, field_is};
use crate::address::Address;
use crate::client::events::{aborted_callbacks, callback_fee};
use crate::error::Error;
use crate::events::Event;
use crate::events::scan::block_point::BlockPoint;
use crate::events::scan::{EventQuery, Scanner};
use crate::failure::{Failure, quote};
use crate::layout::file::{EventRule, KeyKind, OkRule, Ref, RequestRule, Unit, YesNo};
use crate::layout::judge::{Evidence, Happened, Probed, Waiting, judge, open_keys};
use crate::layout::path::Found;
use crate::layout::readings::{Reading, Readings, is_among, key_text, ok_of};
use crate::requests::CallbackFailure;
use crate::state::consumer::{By, ConsumerRequest, RequestOutcome};
use crate::target::Target;

/// How far back requests are looked for.
const WINDOW_US: u64 = 24 * 3600 * 1_000_000;
/// How many requests that ended are kept of each kind.
const ENDED_KEPT: usize = 20;
/// The age in seconds from which an aborted answer is looked for, where the layout has no age of a warning.
const ABORTS_AFTER_S: u64 = 300;
/// For how many requests an aborted answer is looked for; each takes the blocks of a minute.
const ABORTS_MAX: usize = 3;
/// The key of the events among the views.
const EVENTS: &str = "consumer.events";

/// The events of each type, each with its fields.
type Rows = BTreeMap<Ref, Vec<(Happened, Value)>>;

impl<'a> Reader<'a> {
    /// Reads the events that the rules need and judges every request.
    pub(super) fn requests(&mut self, readings: &Readings<'a>, now_us: u64) -> Vec<ConsumerRequest> {
        let file = self.file();
        let mut parts: Vec<(&RequestRule, Option<String>, Waiting)> = Vec::new();
        for rule in &file.request {
            let elements: Vec<Option<String>> = match &rule.each {
                None => vec![None],
                Some(list) => readings.elements(list).map(|element| Some(element.to_owned())).collect(),
            };
            for element in elements {
                let waiting = self.waiting(rule, element.as_deref());
                if waiting != Waiting::Off {
                    parts.push((rule, element, waiting));
                }
            }
        }
        // Where the state shows what waits, events only date it.
        let needs = |waiting: &Waiting| match waiting {
            Waiting::Known(keys) => !keys.is_empty(),
            Waiting::NotKept | Waiting::Unknown => true,
            Waiting::Off => false,
        };
        let of_parts = parts.iter().filter(|(_, _, waiting)| needs(waiting));
        let rules: Vec<&RequestRule> = of_parts.map(|(rule, ..)| *rule).collect();
        let depends = parts.iter().any(|(_, _, waiting)| *waiting == Waiting::NotKept);
        let mut happened = BTreeMap::new();
        match self.events(&rules, now_us) {
            Ok(found) => happened = found,
            Err(failure) if depends => self.report(EVENTS, failure),
            Err(_) => {}
        }
        let mut all: Vec<(&RequestRule, Evidence)> = Vec::new();
        for (rule, element, waiting) in parts {
            let rows = |events: &[EventRule]| -> Vec<Happened> {
                let rows = events.iter().flat_map(|event| {
                    let rows: &[(Happened, Value)] = happened.get(&event.event).map_or(&[], Vec::as_slice);
                    rows.iter().filter_map(|(row, data)| self.happened(event, row, data))
                });
                rows.filter(|row| is_of_element(row, rule, element.as_deref())).collect()
            };
            let (asked, answered) = (rows(rule.asked.as_slice()), rows(&rule.answered));
            let withdrawn = rows(&rule.withdrawn);
            all.push((
                rule,
                Evidence { element, waiting, asked, answered, withdrawn, probed: BTreeMap::new() },
            ));
        }
        let mut wanted: BTreeSet<(&'a str, String)> = BTreeSet::new();
        for (rule, evidence) in &all {
            let probes = rule.pending.iter().filter_map(|pending| pending.probe.as_deref());
            for probe in probes.chain(rule.settled.iter().map(|settled| settled.probe.as_str())) {
                wanted.extend(open_keys(evidence, rule).into_iter().map(|key| (probe, key)));
            }
        }
        self.ask(wanted.into_iter().take(REQUESTS_MAX).collect());
        let mut judged = Vec::new();
        for (rule, mut evidence) in all {
            let open = open_keys(&evidence, rule);
            evidence.probed = open.into_iter().map(|key| (key.clone(), self.probed(rule, &key))).collect();
            let mut found = judge(rule, &evidence, now_us);
            let answerer =
                rule.answerer.as_ref().map(|name| readings.value(name, evidence.element.as_deref()));
            if let Some(Reading::Known(Value::String(account))) = answerer {
                for request in &mut found {
                    request.answerer = Some(account.clone());
                }
            }
            self.find_aborts(rule, &evidence.asked, &mut found);
            judged.extend(found);
        }
        kept(judged)
    }

    /// The keys that wait according to the state: a flag says whether one does, `one` or `list` say which.
    fn waiting(&self, rule: &RequestRule, element: Option<&str>) -> Waiting {
        let Some(pending) = rule.pending.as_ref().filter(|pending| pending.probe.is_none()) else {
            return Waiting::NotKept;
        };
        let part = element.unwrap_or_default();
        let flag = pending.flag.as_ref().map(|path| self.find(path, part));
        let is_on = match &flag {
            Some(Reading::Known(value)) if pending.is.is_empty() => Some(*value == json!(true)),
            Some(Reading::Known(value)) => Some(is_among(value, &pending.is)),
            Some(Reading::Unset) => Some(false),
            Some(Reading::Off) => return Waiting::Off,
            Some(Reading::Unknown) | None => None,
        };
        if is_on == Some(false) {
            return Waiting::Known(BTreeSet::new());
        }
        let key = |value: &Value| key_text(value).filter(|_| !is_among(value, &pending.unless));
        let by_key = pending.one.as_ref().or(pending.list.as_ref()).map(|path| self.find(path, part));
        let keys: BTreeSet<Option<String>> = match by_key {
            Some(Reading::Known(Value::Array(items))) => items.iter().filter_map(key).map(Some).collect(),
            Some(Reading::Known(value)) => key(&value).map(Some).into_iter().collect(),
            Some(Reading::Off) => return Waiting::Off,
            Some(Reading::Unknown) | None if is_on.is_none() => return Waiting::Unknown,
            Some(Reading::Unset | Reading::Unknown) | None => BTreeSet::new(),
        };
        if is_on == Some(true) && keys.is_empty() {
            let epoch = pending.epoch.as_ref().map(|path| self.find(path, part));
            let epoch = match epoch {
                Some(Reading::Known(epoch)) if rule.key == KeyKind::None => key_text(&epoch),
                _ => None,
            };
            return Waiting::Known(BTreeSet::from([epoch]));
        }
        Waiting::Known(keys)
    }

    /// Reads the events of these rules, by type.
    fn events(&mut self, rules: &[&'a RequestRule], now_us: u64) -> Result<Rows, Failure> {
        let refs: BTreeSet<&Ref> =
            rules.iter().flat_map(|rule| rule.events().map(|event| &event.event)).collect();
        if refs.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut types: BTreeMap<String, &Ref> = BTreeMap::new();
        for of in refs {
            for tag in self.event_types(of)? {
                types.insert(tag, of);
            }
        }
        let scanner = Scanner::new(self.transport, self.deadline.remaining()).brief(self.deadline);
        let failed = |error: Error| Failure::from(&error);
        let tip = scanner.tip().map_err(failed)?;
        self.tip = Some(tip.height);
        let since = BlockPoint::Micros(now_us.saturating_sub(WINDOW_US));
        let from = scanner.height_of(since, &tip).map_err(failed)?;
        let tags: Vec<String> = types.keys().cloned().collect();
        let query = EventQuery { types: &tags, from, to: tip.next_height(), limit: None, times: true };
        let mut found = Rows::new();
        for event in scanner.read(&query).map_err(failed)?.events {
            if let Some(of) = types.get(&event.type_tag) {
                found.entry((*of).clone()).or_default().push((row_of(&event), event.data));
            }
        }
        Ok(found)
    }

    /// Looks for an aborted answer to each request that has waited too long, and for the fee that was taken for it. A node that
    /// does not show them costs only the cause.
    fn find_aborts(&self, rule: &RequestRule, asked: &[Happened], found: &mut [ConsumerRequest]) {
        let limit = rule.warn.map_or(ABORTS_AFTER_S, |span| span.0.as_secs());
        let Some(tip) = self.tip.filter(|_| rule.by == By::Dvrf) else { return };
        let callbacks = rule.callback.iter().filter_map(|of| {
            let (account, module) = self.names.module(&of.alias).ok()?;
            Some((account, format!("{module}::{}", of.name)))
        });
        let callbacks: Vec<_> = callbacks.collect();
        let old = found.iter_mut().filter(|request| {
            request.outcome == RequestOutcome::Pending && request.age_seconds.is_some_and(|age| age >= limit)
        });
        for request in old.take(ABORTS_MAX) {
            let Some(event) = asked.iter().rfind(|event| event.key == request.key) else { continue };
            let scanner = Scanner::new(self.transport, self.deadline.remaining()).brief(self.deadline);
            let aborts = aborted_callbacks(&scanner, &callbacks, event.height, tip).unwrap_or_default();
            let is_its = |abort: &CallbackFailure| abort.nonce.map(|nonce| nonce.to_string()) == request.key;
            request.aborted = aborts.into_iter().rfind(is_its).map(|abort| self.named(abort));
            if rule.key == KeyKind::Nonce {
                let client = self.names.target.client;
                let fee = fee_tag(self.names.target);
                let charged = request.key.as_ref().and_then(|nonce| Some((nonce.parse().ok()?, client)));
                request.charged_quants = charged
                    .and_then(|whose| callback_fee(&scanner, &fee, whose, event.height, tip).ok().flatten());
            }
        }
    }

    /// An abort with the name that the layout gives its code.
    fn named(&self, mut failure: CallbackFailure) -> CallbackFailure {
        let Some(abort) = &mut failure.abort else { return failure };
        let location = abort.location.as_deref().and_then(|text| text.rsplit_once("::"));
        let place = location.and_then(|(account, module)| Some((account.parse().ok()?, module.to_owned())));
        let names = self.file().errors.iter().find(|(alias, _)| self.names.module(alias).ok() == place);
        if let Some(name) = names.and_then(|(_, names)| names.get(&abort.code)).filter(|_| place.is_some()) {
            abort.name = Some(name.clone());
        }
        failure
    }

    /// The full types of an event: of every name that its module may have, where nothing of it was read.
    fn event_types(&self, of: &Ref) -> Result<Vec<String>, Failure> {
        let is_decided = self.confirmed.contains(of.alias.as_str());
        match self.file().module.get(&of.alias) {
            Some(rule) if !is_decided => {
                let account = self.names.address(rule.at())?.short();
                Ok(rule.names().iter().map(|name| format!("{account}::{name}::{}", of.name)).collect())
            }
            _ => Ok(vec![self.names.type_tag(of)?]),
        }
    }

    /// An event as a rule reads it; `None` if it is another consumer's.
    fn happened(&self, rule: &EventRule, row: &Happened, data: &Value) -> Option<Happened> {
        for (field, name) in &rule.matches {
            let wanted = self.names.address(name).ok()?;
            let found = data.get(field)?.as_str()?.parse::<Address>().ok()?;
            if found != wanted {
                return None;
            }
        }
        let key = rule.key.as_ref().map(|field| data.get(field).and_then(key_text));
        if key == Some(None) {
            return None;
        }
        let label = |(list, field): (&String, &String)| Some((list.clone(), key_text(data.get(field)?)?));
        let ok = rule.ok.as_ref().and_then(|rule| match rule {
            OkRule::Fixed(yes) => Some(*yes == YesNo::Yes),
            OkRule::Field(field) => ok_of(field, data),
        });
        Some(Happened {
            key: key.flatten(),
            labels: rule.label.iter().filter_map(label).collect(),
            who: rule.who.as_ref().and_then(|field| Some(quote(data.get(field)?.as_str()?))),
            ok,
            ..row.clone()
        })
    }

    /// What the probes of a key say.
    fn probed(&self, rule: &RequestRule, key: &str) -> Probed {
        let mut probed = Probed::default();
        if let Some(pending) = &rule.pending
            && let Some(name) = &pending.probe
        {
            let answer = self.answers.get(&(name.as_str(), key.to_owned()));
            probed.pending = field_is(answer, pending.field.as_ref(), &pending.is);
            if let (Some(since), Some(Answer::Value(value))) = (&pending.since, answer)
                && let Found::Value(time) = since.field.follow(value)
            {
                let time = key_text(time).and_then(|text| text.parse::<u64>().ok());
                let scale = match since.unit {
                    Unit::S => 1_000_000,
                    Unit::Ms => 1000,
                    Unit::Us => 1,
                };
                probed.since_us = time.and_then(|time| time.checked_mul(scale));
            }
        }
        if let Some(settled) = &rule.settled {
            let answer = self.answers.get(&(settled.probe.as_str(), key.to_owned()));
            probed.settled = field_is(answer, settled.field.as_ref(), &settled.is);
            if let (Some(ok), Some(Answer::Value(value))) = (&settled.ok, answer) {
                probed.ok = ok_of(ok, value);
            }
        }
        probed
    }
}

/// Whether an event belongs to an element: events without its label belong to each.
fn is_of_element(row: &Happened, rule: &RequestRule, element: Option<&str>) -> bool {
    let label = rule.each.as_ref().and_then(|list| row.labels.get(list));
    label.is_none() || label.map(String::as_str) == element
}

/// The event of a fee that dVRF took from a client.
fn fee_tag(target: &Target) -> String {
    format!("{}::{}::SupraCollected", target.deposit.short(), target.deposit_module)
}

fn row_of(event: &Event) -> Happened {
    Happened {
        height: event.height,
        at_us: event.micros(),
        at: event.time.clone(),
        hash: event.transaction_hash.clone(),
        ..Happened::default()
    }
}

/// Everything that is open, and the last requests of each kind that ended.
fn kept(all: Vec<ConsumerRequest>) -> Vec<ConsumerRequest> {
    let is_open = |request: &ConsumerRequest| {
        matches!(request.outcome, RequestOutcome::Pending | RequestOutcome::NotConfirmed)
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut ended: Vec<ConsumerRequest> = Vec::new();
    let (mut open, mut others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_open);
    open.sort_by_key(|request| std::cmp::Reverse(request.age_seconds));
    others.sort_by(|a, b| b.requested_at.cmp(&a.requested_at));
    for request in others {
        let count = counts.entry(request.request.clone()).or_default();
        *count += 1;
        if *count <= ENDED_KEPT {
            ended.push(request);
        }
    }
    open.into_iter().chain(ended).collect()
}
