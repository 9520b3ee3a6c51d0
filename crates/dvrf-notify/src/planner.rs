//! Plans the messages of a run: which channels are notified of a verdict, given the alert state. Pure.

mod all_clear;
mod mutes;
mod recipients;

use std::collections::BTreeSet;

use serde_json::Value;

pub(crate) use self::mutes::names;
use self::recipients::{alerts, has_not_taken, is_due, is_notified, is_told};
use super::alert_state::{AlertEvent, AlertRules, AlertState, Incident, incident_id};
use super::draw::DrawOutcome;
use super::message::{Alert, Message, MessageTemplate, numbers};
use super::outbox::OutboxEntry;
use crate::notification::EventKind;
use crate::problem::{Problem, UNKNOWN, problems};
use dvrf_cli::channel::{Channel, ChannelKind, Level};
use dvrf_cli::silence::Silences;
use supra_core::check::{Checks, Policy, Severity, Status};
use supra_core::stable_id::stable_id;
use supra_core::state::State;

/// A verdict on a subscription.
#[derive(Debug, Clone, Copy)]
pub struct Verdict<'a> {
    /// The identity of the subscription, the same in every run.
    pub key: &'a str,
    /// The name of the subscription.
    pub name: &'a str,
    /// The verdict's status and findings.
    pub checks: &'a Checks,
    /// The typed state, if it was read.
    pub state: Option<&'a State>,
    /// The outcome of a draw, if the record is a line of `dvrf-draw auto`.
    pub draw: Option<&'a DrawOutcome>,
    /// The record, if a channel attaches it.
    pub record: Option<&'a Value>,
    /// The time of the verdict, in seconds since 1970.
    pub now_s: i64,
}

impl Verdict<'_> {
    /// The level that channels and dead man's switches compare with theirs.
    pub fn level(&self) -> Level {
        let of_checks = || Level::of(self.checks.status, self.checks.severity);
        self.draw.map_or_else(of_checks, DrawOutcome::level)
    }
}

/// Plans messages for the channels of a run.
#[derive(Debug, Clone, Copy)]
pub struct Planner<'a> {
    /// The channels.
    pub channels: &'a [Channel],
    /// The title, language and links of messages.
    pub template: &'a MessageTemplate,
    /// The policy, from which some of the messages' numbers come.
    pub policy: &'a Policy,
    /// When alerts are sent.
    pub rules: &'a AlertRules,
    /// What is muted or acknowledged.
    pub silences: &'a Silences,
    /// Whether messages to Slack and Teams contain the record.
    pub include_json: bool,
}

/// What a run plans.
#[derive(Debug, Default)]
pub struct Plan {
    /// The new messages.
    pub messages: Vec<Message>,
    /// The old messages that were dropped because too many wait for their channel.
    pub dropped: Vec<OutboxEntry>,
    /// The problems that have ended.
    pub resolved: Vec<(String, Incident)>,
}

impl Planner<'_> {
    fn problems(&self, verdict: &Verdict) -> Vec<Problem> {
        match verdict.draw {
            Some(draw) => draw.problems.clone(),
            None => problems(verdict.checks, self.policy.fail_on, self.template),
        }
    }

    fn numbers(&self, verdict: &Verdict) -> Vec<(String, String)> {
        match verdict.draw {
            Some(draw) => draw.numbers.clone(),
            None => numbers(verdict.checks, verdict.state, self.policy),
        }
    }

    /// Plans a run without alert state: the verdict is sent to every channel whose level it reaches.
    pub fn report(&self, verdict: &Verdict, run: &str) -> (Message, Vec<OutboxEntry>) {
        let (found, level) = self.unmuted(verdict);
        let message = self.report_message(verdict, run, &found);
        if level == Level::Ok && verdict.level() != Level::Ok {
            return (message, Vec::new());
        }
        let is_notified = |channel: &&Channel| match channel.kind {
            ChannelKind::Ping => false,
            // A draw that was not due is not reported.
            _ if verdict.draw.is_some_and(DrawOutcome::is_silent) => false,
            // A pager resolves the incident that an earlier run may have opened.
            kind if kind.is_pager() && level == Level::Ok => true,
            ChannelKind::Alertmanager => !message.alerts.is_empty() && level >= channel.min,
            _ => level >= channel.min,
        };
        let channels = self.channels.iter().filter(is_notified);
        let entries = channels.map(|channel| self.entry(channel, &message, verdict)).collect();
        (message, entries)
    }

    /// Plans a run whose alert state cannot be used: problems are sent to every channel whose level they reach. Pagers get
    /// one event per problem, under the ids that a run with alert state uses.
    pub fn fallback(&self, verdict: &Verdict, run: &str) -> (Message, Vec<OutboxEntry>) {
        let (message, mut entries) = self.report(verdict, run);
        let is_pager = |entry: &OutboxEntry| self.is_pager(&entry.channel);
        entries.retain(|entry| verdict.checks.status != Status::Ok && !is_pager(entry));
        for channel in self.channels.iter().filter(|channel| channel.kind.is_pager()) {
            let (found, _) = self.unmuted(verdict);
            for problem in found.iter().filter(|problem| Level::From(problem.gravity.severity) >= channel.min)
            {
                let mut alone = self.report_message(verdict, run, std::slice::from_ref(problem));
                alone.id = stable_id(&[&message.id, &problem.key]);
                alone.incident = incident_id(verdict.key, &problem.key);
                alone.severity = Some(problem.gravity.severity);
                entries.push(self.entry(channel, &alone, verdict));
            }
            if verdict.checks.status == Status::Ok {
                entries.extend(self.resolve_all(channel, &message, verdict));
            }
        }
        (message, entries)
    }

    fn is_pager(&self, name: &str) -> bool {
        self.channels.iter().any(|channel| channel.name == name && channel.kind.is_pager())
    }

    fn report_message(&self, verdict: &Verdict, run: &str, found: &[Problem]) -> Message {
        let news = verdict.draw.and_then(|draw| draw.news.clone());
        let items = news.into_iter().chain(found.iter().flat_map(|problem| problem.items.clone())).collect();
        let mut message = self.template.message(verdict.name, verdict.checks, items);
        message.event = EventKind::Report;
        message.id = stable_id(&[verdict.key, "report", run]);
        message.incident = stable_id(&[verdict.key, "incident"]);
        message.at_s = verdict.now_s;
        message.numbers = self.numbers(verdict);
        let alert = |problem: &Problem| {
            let item = problem.items.first()?.clone();
            Some(Alert { problem: problem.key.clone(), item, since_s: verdict.now_s, ended_s: None })
        };
        message.alerts = found.iter().filter_map(alert).collect();
        message
    }

    /// Plans a run with alert state: applies the verdict, and adds the messages of its events to the outbox.
    pub fn update(&self, state: &mut AlertState, verdict: &Verdict) -> Plan {
        let found = self.problems(verdict);
        let events = state.step(&found, verdict.checks, verdict.now_s, self.rules);
        let numbers = self.numbers(verdict);
        let mut plan = Plan::default();
        for event in events {
            let Some(incident) = state.incidents.get(&event.key).cloned() else {
                self.all_clear(state, verdict, &mut plan);
                continue;
            };
            if event.kind == EventKind::Resolved {
                plan.resolved.push((event.key.clone(), incident.clone()));
            }
            let is_muted = self.is_muted(verdict.name, &event.key, &incident.items);
            if is_muted && event.kind != EventKind::Resolved {
                // What changes meanwhile is said when the mute ends.
                if let Some(incident) = state.incidents.get_mut(&event.key) {
                    incident.is_withheld |= !incident.channels.is_empty();
                }
                continue;
            }
            let ack = self.silences.ack(verdict.name, &names(&event.key, &incident.items), incident.since_s);
            if event.kind == EventKind::Reminder && ack.is_some() {
                continue;
            }
            let is_due = |channel: &Channel| {
                event.kind == EventKind::Resolved || is_due(channel, &incident, ack.is_some(), verdict.now_s)
            };
            let is_notified =
                |channel: &Channel| is_due(channel) && is_notified(channel, &event, &incident, state);
            let channels: Vec<&Channel> = self.channels.iter().filter(|c| is_notified(c)).collect();
            let mut message = self.incident_message(state, verdict, &event, &incident);
            message.numbers.clone_from(&numbers);
            if let Some(ack) = ack {
                let label = self.policy.lang.pick("Acknowledged", "В работе");
                message.numbers.insert(0, (label, ack.by.clone()));
            }
            self.push(state, &channels, &message, verdict, &mut plan);
            plan.messages.push(message);
        }
        self.say_withheld(state, verdict, &numbers, &mut plan);
        self.news(state, verdict, &mut plan);
        self.catch_up(state, verdict, &numbers, &mut plan);
        self.refresh_alertmanagers(state, verdict, &numbers, &mut plan);
        plan
    }

    /// A draw that was requested is reported once.
    fn news(&self, state: &mut AlertState, verdict: &Verdict, plan: &mut Plan) {
        if verdict.draw.is_none_or(|draw| draw.news.is_none()) || self.is_muted(verdict.name, "draw", &[]) {
            return;
        }
        state.sequence = state.sequence.saturating_add(1);
        let mut message = self.report_message(verdict, &state.sequence.to_string(), &[]);
        message.severity = Some(Severity::Info);
        let reaches = |channel: &&Channel| {
            is_told(channel) && !channel.kind.is_pager() && Level::From(Severity::Info) >= channel.min
        };
        let channels: Vec<&Channel> = self.channels.iter().filter(reaches).collect();
        self.push(state, &channels, &message, verdict, plan);
        plan.messages.push(message);
    }

    fn push(
        &self,
        state: &mut AlertState,
        channels: &[&Channel],
        message: &Message,
        verdict: &Verdict,
        plan: &mut Plan,
    ) {
        for channel in channels {
            plan.dropped.extend(state.outbox.push(self.entry(channel, message, verdict), channel.kind));
        }
    }

    /// An open incident also reaches a channel that was added, repaired or lowered after it began.
    fn catch_up(
        &self,
        state: &mut AlertState,
        verdict: &Verdict,
        numbers: &[(String, String)],
        plan: &mut Plan,
    ) {
        let open: Vec<(String, Incident)> =
            state.open().into_iter().map(|(key, incident)| (key.clone(), incident.clone())).collect();
        for (key, incident) in open {
            if self.is_muted(verdict.name, &key, &incident.items) {
                continue;
            }
            let ack = self.silences.ack(verdict.name, &names(&key, &incident.items), incident.since_s);
            let is_behind = |channel: &&Channel| {
                is_told(channel)
                    && is_due(channel, &incident, ack.is_some(), verdict.now_s)
                    && has_not_taken(channel, &incident)
                    && !incident.refused.contains(&channel.name)
                    && !state.outbox.is_waiting(&channel.name, &key)
            };
            let channels: Vec<&Channel> = self.channels.iter().filter(is_behind).collect();
            if channels.is_empty() {
                continue;
            }
            let event = AlertEvent { kind: EventKind::Firing, key, was: None };
            let mut message = self.incident_message(state, verdict, &event, &incident);
            message.numbers = numbers.to_vec();
            self.push(state, &channels, &message, verdict, plan);
        }
    }

    fn incident_message(
        &self,
        state: &mut AlertState,
        verdict: &Verdict,
        event: &AlertEvent,
        incident: &Incident,
    ) -> Message {
        let mut message = self.template.message(verdict.name, verdict.checks, incident.items.clone());
        state.sequence = state.sequence.saturating_add(1);
        let (since, sequence) = (incident.since_s.to_string(), state.sequence.to_string());
        message.id = stable_id(&[verdict.key, event.kind.name(), &event.key, &since, &sequence]);
        message.incident.clone_from(&incident.id);
        message.problem.clone_from(&event.key);
        message.event = event.kind;
        message.is_unknown = event.key == UNKNOWN;
        message.severity = Some(incident.gravity.severity);
        message.was = event.was;
        message.status = match event.kind {
            EventKind::Resolved => Status::Ok,
            _ if message.is_unknown => Status::Unknown,
            _ => Status::Alert,
        };
        message.at_s = verdict.now_s;
        message.since_s = Some(incident.since_s);
        let every = self.rules.repeat_every_s.filter(|_| event.kind != EventKind::Resolved);
        message.reminder_in_s = every.and_then(|every| u64::try_from(every).ok()).filter(|every| *every > 0);
        message
    }

    /// Sends the current alerts to Alertmanager in every run: it drops an alert that is not repeated. Alerts that ended are
    /// repeated for a while.
    fn refresh_alertmanagers(
        &self,
        state: &mut AlertState,
        verdict: &Verdict,
        numbers: &[(String, String)],
        plan: &mut Plan,
    ) {
        for channel in self.channels.iter().filter(|channel| channel.kind == ChannelKind::Alertmanager) {
            let mut alerts = alerts(state, channel.min);
            alerts.retain(|alert| {
                let item = std::slice::from_ref(&alert.item);
                alert.ended_s.is_some() || !self.is_muted(verdict.name, &alert.problem, item)
            });
            if alerts.is_empty() {
                continue;
            }
            let active = || alerts.iter().filter(|alert| alert.ended_s.is_none());
            let items = active().map(|alert| alert.item.clone()).collect();
            let mut message = self.template.message(verdict.name, verdict.checks, items);
            state.sequence = state.sequence.saturating_add(1);
            message.id = stable_id(&[verdict.key, "alerts", &state.sequence.to_string()]);
            message.severity = active().map(|alert| alert.item.severity).max();
            (message.event, message.status) = match message.severity {
                None => (EventKind::Resolved, Status::Ok),
                Some(Severity::Unknown) => (EventKind::Reminder, Status::Unknown),
                Some(_) => (EventKind::Reminder, Status::Alert),
            };
            message.numbers = numbers.to_vec();
            message.at_s = verdict.now_s;
            message.alerts = alerts;
            self.push(state, &[channel], &message, verdict, plan);
        }
    }

    /// The channels that should have taken an open incident of a subscription by this time, and have not.
    pub fn not_taken(&self, state: &AlertState, name: &str, now_s: i64) -> BTreeSet<String> {
        let behind = |key: &str, incident: &Incident| {
            let is_muted = self.is_muted(name, key, &incident.items);
            let ack = self.silences.ack(name, &names(key, &incident.items), incident.since_s);
            let is_due = |channel: &&Channel| !is_muted && is_due(channel, incident, ack.is_some(), now_s);
            let channels = self.channels.iter().filter(|channel| is_told(channel)).filter(is_due);
            let channels = channels.filter(|channel| has_not_taken(channel, incident));
            channels.map(|channel| channel.name.clone()).collect::<Vec<_>>()
        };
        state.open().into_iter().flat_map(|(key, incident)| behind(key, incident)).collect()
    }

    /// Whether any channel attaches the record.
    pub fn needs_record(&self) -> bool {
        self.channels.iter().any(|channel| self.attaches_record(channel))
    }

    fn attaches_record(&self, channel: &Channel) -> bool {
        match channel.kind {
            ChannelKind::Generic => true,
            ChannelKind::Slack | ChannelKind::Teams => self.include_json,
            _ => false,
        }
    }

    fn entry(&self, channel: &Channel, message: &Message, verdict: &Verdict) -> OutboxEntry {
        let record = verdict.record.filter(|_| self.attaches_record(channel)).cloned();
        OutboxEntry {
            channel: channel.name.clone(),
            message: Message { record, ..message.clone() },
            queued_at_s: verdict.now_s,
            not_before_s: None,
        }
    }
}

#[cfg(test)]
mod tests;
