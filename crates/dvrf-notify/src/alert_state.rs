//! The alert state of a subscription between runs, and the alert events that a new verdict causes. Pure.
//!
//! An incident is one problem of one subscription. It opens after `fire_after` runs in a row with the problem and closes
//! after `resolve_after` runs in a row without it, with the deposit clear of the limits that it fell below. While it is
//! open, its level moves both ways, and its sentences are those of the last run that saw it. A run that could not judge a
//! problem changes nothing about it. An unknown status is a problem of its own, after `unknown_after` runs in a row.

mod legacy;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::outbox::Outbox;
use crate::message::Item;
use crate::notification::EventKind;
use crate::problem::{Gravity, Limits, Problem, ends_at_once, is_busy, is_judged, is_patient};
use supra_core::amount::Decimal;
use supra_core::check::{Checks, Severity, Status};
use supra_core::stable_id::stable_id;

/// The value of `schema` in the state file.
pub const SCHEMA: &str = "dvrf.notify/2";

/// How long an alert that ended is repeated to Alertmanager: a single message may reach only one of its replicas.
const ENDED_REPEAT_S: i64 = 15 * 60;

/// When alerts are sent.
#[derive(Debug, Clone)]
pub struct AlertRules {
    /// Seconds between reminders; `None` disables them.
    pub repeat_every_s: Option<i64>,
    /// Bad runs in a row that open an incident, or change the level of an open one.
    pub fire_after: u32,
    /// Good runs in a row that close an incident.
    pub resolve_after: u32,
    /// Runs in a row with an unknown status that are alerted.
    pub unknown_after: u32,
    /// How far the deposit must be above a limit to count as clear of it, as a share of the limit.
    pub clear_margin: Decimal,
}

impl Default for AlertRules {
    fn default() -> Self {
        Self {
            repeat_every_s: Some(4 * 3600),
            fire_after: 1,
            resolve_after: 2,
            unknown_after: 3,
            clear_margin: Decimal::percent(10),
        }
    }
}

/// The alert state of one subscription.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertState {
    /// The version of the file's format.
    pub schema: String,
    /// The subscription's full identity; the file's name is only its hash.
    pub subscription: String,
    /// The number of messages so far, from which each new one gets an id of its own.
    pub sequence: u64,
    /// The incidents by the keys of their problems, open or about to open, or ended a short time ago.
    pub incidents: BTreeMap<String, Incident>,
    /// Whether an earlier file was damaged: receivers may have alerts that this state does not know.
    pub is_lost: bool,
    /// Good runs in a row since then.
    good_runs: u32,
    /// The messages that are still to be delivered.
    pub outbox: Outbox,
    /// The channels whose receiver asked never to be called again (410), with a hash of the address, so that a changed
    /// address is tried at once.
    pub closed: BTreeMap<String, String>,
}

/// A problem that runs have seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// The id that all its messages share; the same for each incident of a problem, so that an alert whose state was lost
    /// can still be resolved.
    pub id: String,
    /// Whether it has been alerted and has not ended.
    pub is_open: bool,
    /// When it began, in seconds since 1970.
    pub since_s: i64,
    /// When it was last sent, in seconds since 1970.
    pub last_sent_s: i64,
    /// When it ended, in seconds since 1970.
    pub ended_s: Option<i64>,
    /// How grave it was when it was last sent.
    pub gravity: Gravity,
    /// The findings of the last run that saw it.
    pub items: Vec<Item>,
    /// Its alert in Alertmanager: the code and severity of the level that was last sent, with the words of the last run.
    pub alert: Option<Item>,
    /// The channels that accepted a message about it: they also receive the resolved message.
    pub channels: BTreeSet<String>,
    /// The channels that refused the content of its messages.
    pub refused: BTreeSet<String>,
    /// Its earlier alerts in Alertmanager, whose labels were others.
    #[serde(default)]
    pub earlier: Vec<EarlierAlert>,
    /// Whether it changed while it was muted, and the channels that know of it have not been told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_withheld: bool,
    /// The limits that the deposit fell below since it began.
    #[serde(flatten)]
    pub limits: Limits,
    /// The limits of the level that was last sent.
    level_limits: Limits,
    bad_runs: u32,
    good_runs: u32,
    worse_runs: u32,
    better_runs: u32,
}

/// An alert in Alertmanager that an alert with other labels has replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierAlert {
    /// The finding whose code and severity were its labels.
    pub item: Item,
    /// When it was replaced, in seconds since 1970.
    pub ended_s: i64,
}

/// A change of the alert state that is sent to channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertEvent {
    /// What happened.
    pub kind: EventKind,
    /// The problem.
    pub key: String,
    /// How grave it was before, if its level changed.
    pub was: Option<Severity>,
}

impl Incident {
    fn new(subscription: &str, problem: &Problem, now_s: i64) -> Self {
        Self {
            id: incident_id(subscription, &problem.key),
            is_open: false,
            since_s: now_s,
            last_sent_s: now_s,
            ended_s: None,
            gravity: problem.gravity,
            items: problem.items.clone(),
            alert: problem.items.first().cloned(),
            channels: BTreeSet::new(),
            refused: BTreeSet::new(),
            earlier: Vec::new(),
            is_withheld: false,
            limits: problem.limits,
            level_limits: problem.limits,
            bad_runs: 0,
            good_runs: 0,
            worse_runs: 0,
            better_runs: 0,
        }
    }

    /// Applies a run with the problem; returns the event that it causes.
    fn on_bad(
        &mut self,
        problem: &Problem,
        checks: &Checks,
        now_s: i64,
        rules: &AlertRules,
    ) -> Option<(EventKind, Option<Severity>)> {
        self.good_runs = 0;
        self.bad_runs = self.bad_runs.saturating_add(1);
        self.limits = self.limits.and(problem.limits);
        problem.items.clone_into(&mut self.items);
        if let (Some(alert), Some(item)) = (&mut self.alert, self.items.first()) {
            *alert = Item { code: alert.code.clone(), severity: alert.severity, ..item.clone() };
        }
        if !self.is_open {
            let needed = if is_patient(&problem.key) { rules.unknown_after } else { rules.fire_after };
            self.gravity = problem.gravity;
            self.level_limits = problem.limits;
            if self.bad_runs < needed {
                return None;
            }
            (self.is_open, self.since_s, self.last_sent_s) = (true, now_s, now_s);
            self.alert = self.items.first().cloned();
            return Some((EventKind::Firing, None));
        }
        let is_worse = problem.gravity > self.gravity;
        // A deposit that fluctuates around a limit does not get better.
        let is_better =
            problem.gravity < self.gravity && self.level_limits.is_clear(checks, rules.clear_margin);
        self.worse_runs = if is_worse { self.worse_runs.saturating_add(1) } else { 0 };
        self.better_runs = if is_better { self.better_runs.saturating_add(1) } else { 0 };
        let kind = if self.worse_runs >= rules.fire_after {
            EventKind::Worse
        } else if self.better_runs >= rules.fire_after {
            EventKind::Better
        } else if self.is_reminder_due(now_s, rules) {
            EventKind::Reminder
        } else {
            return None;
        };
        let was = Some(self.gravity.severity).filter(|_| problem.gravity != self.gravity);
        (self.worse_runs, self.better_runs, self.last_sent_s) = (0, 0, now_s);
        (self.gravity, self.level_limits) = (problem.gravity, problem.limits);
        self.replace_alert(now_s);
        // New content: a channel that refused the old one may accept it.
        self.refused.clear();
        Some((kind, was))
    }

    /// Replaces the alert by the one of the level that is sent now. Alertmanager identifies an alert by its labels: those of
    /// the earlier level end.
    fn replace_alert(&mut self, now_s: i64) {
        let labels = |item: &Item| (item.code.clone(), item.severity);
        let new = self.items.first().cloned();
        if new.as_ref().map(labels) == self.alert.as_ref().map(labels) {
            return;
        }
        let old = std::mem::replace(&mut self.alert, new.clone());
        self.earlier.extend(old.map(|item| EarlierAlert { item, ended_s: now_s }));
        // Labels that are active again have not ended.
        self.earlier.retain(|alert| new.as_ref().map(labels) != Some(labels(&alert.item)));
    }

    /// Applies a run without the problem; whether it ends it.
    fn on_good(&mut self, key: &str, checks: &Checks, rules: &AlertRules) -> bool {
        (self.bad_runs, self.worse_runs, self.better_runs) = (0, 0, 0);
        let is_clear = self.limits.is_clear(checks, rules.clear_margin);
        self.good_runs = if is_clear { self.good_runs.saturating_add(1) } else { 0 };
        self.is_open && (ends_at_once(key) || self.good_runs >= rules.resolve_after)
    }

    fn is_reminder_due(&self, now_s: i64, rules: &AlertRules) -> bool {
        rules.repeat_every_s.is_some_and(|every| now_s.saturating_sub(self.last_sent_s) >= every)
    }

    /// Moves times in the future back to now, and forgets what ended long ago.
    fn limit_times(&mut self, now_s: i64) {
        self.last_sent_s = self.last_sent_s.min(now_s);
        self.since_s = self.since_s.min(now_s);
        self.ended_s = self.ended_s.map(|ended| ended.min(now_s));
        for alert in &mut self.earlier {
            alert.ended_s = alert.ended_s.min(now_s);
        }
        self.earlier.retain(|alert| now_s.saturating_sub(alert.ended_s) <= ENDED_REPEAT_S);
    }
}

/// The id of all incidents of a problem.
pub(crate) fn incident_id(subscription: &str, key: &str) -> String {
    stable_id(&[subscription, "problem", key])
}

impl AlertState {
    /// The state of a subscription without alerts.
    pub fn new(subscription: &str) -> Self {
        Self { schema: SCHEMA.to_owned(), subscription: subscription.to_owned(), ..Self::default() }
    }

    /// The state that replaces a damaged one.
    pub fn lost(subscription: &str) -> Self {
        Self { is_lost: true, ..Self::new(subscription) }
    }

    /// Parses a state file. The error is a sentence that explains why the file cannot be used.
    pub fn parse(bytes: &[u8], subscription: &str) -> Result<Self, String> {
        let schema: Schema = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let state: Self = match schema.schema.as_str() {
            SCHEMA => serde_json::from_slice(bytes).map_err(|error| error.to_string())?,
            legacy::SCHEMA => legacy::parse(bytes).map_err(|error| error.to_string())?,
            other => return Err(format!("its schema is {other:?}, this version writes {SCHEMA}")),
        };
        if state.subscription != subscription {
            return Err("it belongs to another subscription".to_owned());
        }
        Ok(state)
    }

    /// Applies the verdict of a run and returns the alert events that it causes, worst first.
    pub fn step(
        &mut self,
        problems: &[Problem],
        checks: &Checks,
        now_s: i64,
        rules: &AlertRules,
    ) -> Vec<AlertEvent> {
        // A clock that was set back must not suppress reminders until it catches up.
        self.incidents.values_mut().for_each(|incident| incident.limit_times(now_s));
        self.outbox.limit_times(now_s);
        self.forget(now_s);
        let mut events = self.absent(problems, checks, now_s, rules);
        for problem in problems {
            let known = self.incidents.remove(&problem.key).filter(|incident| incident.ended_s.is_none());
            let mut incident = known.unwrap_or_else(|| Incident::new(&self.subscription, problem, now_s));
            if let Some((kind, was)) = incident.on_bad(problem, checks, now_s, rules) {
                events.push(AlertEvent { kind, key: problem.key.clone(), was });
            }
            self.incidents.insert(problem.key.clone(), incident);
        }
        self.recover(problems, checks, rules, &mut events);
        events
    }

    /// Applies the verdict to the problems that it does not list.
    fn absent(
        &mut self,
        problems: &[Problem],
        checks: &Checks,
        now_s: i64,
        rules: &AlertRules,
    ) -> Vec<AlertEvent> {
        let mut events = Vec::new();
        let is_listed = |key: &str| problems.iter().any(|problem| problem.key == key);
        // Another run that holds a lock says nothing about what is known.
        let is_locked_out = problems.iter().any(|problem| is_busy(&problem.key));
        self.incidents.retain(|key, incident| {
            let is_over = is_patient(key) && !is_locked_out || is_judged(key, checks);
            if incident.ended_s.is_some() || is_listed(key) || !is_over {
                return true;
            }
            if incident.on_good(key, checks, rules) {
                (incident.is_open, incident.ended_s) = (false, Some(now_s));
                events.push(AlertEvent { kind: EventKind::Resolved, key: key.clone(), was: None });
            }
            incident.is_open || incident.ended_s.is_some()
        });
        events
    }

    /// After a damaged file, the first time without any problem is reported: an alert from before may still be open.
    fn recover(
        &mut self,
        problems: &[Problem],
        checks: &Checks,
        rules: &AlertRules,
        events: &mut Vec<AlertEvent>,
    ) {
        let is_good = problems.is_empty() && checks.status == Status::Ok;
        self.good_runs = if self.is_lost && is_good { self.good_runs.saturating_add(1) } else { 0 };
        if self.good_runs >= rules.resolve_after {
            (self.is_lost, self.good_runs) = (false, 0);
            events.push(AlertEvent { kind: EventKind::Resolved, key: String::new(), was: None });
        }
    }

    /// Forgets incidents that ended some time ago, once their last messages are delivered.
    fn forget(&mut self, now_s: i64) {
        let outbox = &self.outbox;
        self.incidents.retain(|key, incident| {
            let is_old = |ended| now_s.saturating_sub(ended) > ENDED_REPEAT_S;
            !incident.ended_s.is_some_and(is_old) || outbox.iter().any(|entry| entry.message.problem == *key)
        });
    }

    /// The open incidents, worst first.
    pub fn open(&self) -> Vec<(&String, &Incident)> {
        let mut open: Vec<_> = self.incidents.iter().filter(|(_, incident)| incident.is_open).collect();
        open.sort_by_key(|(_, incident)| Reverse(incident.gravity));
        open
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Schema {
    schema: String,
}

#[cfg(test)]
mod tests;
