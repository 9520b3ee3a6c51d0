//! Who is told what in this run: from a verdict, and what is remembered, to messages for channels. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use super::alert_state::{AlertEvent, AlertRules, AlertState, alerting};
use super::message::{Message, Voice, numbers};
use super::outbox::Entry;
use crate::notification::Event;
use dvrf_cli::channel::{Channel, ChannelKind, Level};
use supra_core::check::{Checks, Finding, Policy, Severity, Status};
use supra_core::stable_id::stable_id;
use supra_core::state::State;

/// Alertmanager is told of an end for this long: a single message may meet one of its replicas only.
const ENDED_REPEAT_S: i64 = 15 * 60;

/// One verdict, and what it is about.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The subscription's identity: the same in every run.
    pub key: &'a str,
    /// The subscription's name.
    pub name: &'a str,
    /// The verdict.
    pub checks: &'a Checks,
    /// The typed picture, where there is one.
    pub state: Option<&'a State>,
    /// The record, if there are channels that carry it.
    pub report: Option<&'a Value>,
    /// The time.
    pub now_s: i64,
}

/// What holds for all cases of a run.
#[derive(Debug, Clone, Copy)]
pub struct Telling<'a> {
    /// The channels.
    pub channels: &'a [Channel],
    /// Title, language, links.
    pub voice: &'a Voice,
    /// What is demanded, for the numbers.
    pub policy: &'a Policy,
    /// When to tell.
    pub rules: &'a AlertRules,
    /// Whether chats carry the record too.
    pub include_json: bool,
}

/// What could not be judged, for a verdict of unknown; else what makes the alert.
fn reasons(checks: &Checks) -> Vec<Finding> {
    match checks.status {
        Status::Ok => Vec::new(),
        Status::Alert => alerting(checks),
        Status::Unknown => {
            checks.findings.iter().filter(|finding| finding.severity == Severity::Unknown).cloned().collect()
        }
    }
}

impl Telling<'_> {
    /// Without a memory: this run's verdict, to every channel whose level it reaches.
    pub fn report(&self, case: &Case, run: &str) -> (Message, Vec<Entry>) {
        let mut message = self.voice.message(case.name, case.checks, &reasons(case.checks));
        message.event = Event::Report;
        message.id = stable_id(&[case.key, "report", run]);
        message.incident = stable_id(&[case.key, "incident"]);
        message.at_s = case.now_s;
        message.numbers = numbers(case.checks, case.state, None, self.policy);
        let level = Level::of(case.checks.status, case.checks.severity);
        let wanted = |channel: &&Channel| match channel.kind {
            ChannelKind::Ping => false,
            // An end is a state to these, not news.
            ChannelKind::Pagerduty if level == Level::Ok => true,
            ChannelKind::Alertmanager => !message.items.is_empty() && level >= channel.min,
            _ => level >= channel.min,
        };
        let entries = self.channels.iter().filter(wanted).map(|c| self.entry(c, &message, case)).collect();
        (message, entries)
    }

    /// With a memory: the occasions of this run, put into the outbox. Says what was told.
    pub fn remember(&self, memory: &mut AlertState, case: &Case) -> Vec<Message> {
        let occasions = memory.step(case.checks, case.now_s, self.rules);
        let requests = case.state.and_then(|state| state.lottery.rng_request_count);
        let hours_left = memory.hours_left(requests, case.checks.requests_left, case.now_s);
        let numbers = numbers(case.checks, case.state, hours_left, self.policy);
        let mut told = Vec::new();
        for occasion in &occasions {
            let mut message = self.occasion(memory, case, occasion);
            message.numbers.clone_from(&numbers);
            for channel in self.channels.iter().filter(|channel| hears(channel, occasion)) {
                memory.add_channel(occasion, &channel.name);
                memory.outbox.push(self.entry(channel, &message, case), channel.kind);
            }
            told.push(message);
        }
        self.repeat(memory, case, &numbers);
        told
    }

    fn occasion(&self, memory: &mut AlertState, case: &Case, occasion: &AlertEvent) -> Message {
        let findings = match (occasion.event, occasion.is_unknown, &memory.incident) {
            (Event::Resolved, ..) => occasion.findings.clone(),
            // Everything this incident is about, not only what this run saw.
            (_, false, Some(incident)) => incident.findings.clone(),
            _ => reasons(case.checks),
        };
        let mut message = self.voice.message(case.name, case.checks, &findings);
        memory.sequence += 1;
        let (since, sequence) = (occasion.since_s.to_string(), memory.sequence.to_string());
        let about = if occasion.is_unknown { "blind" } else { "incident" };
        message.id = stable_id(&[case.key, occasion.event.name(), &since, &sequence]);
        message.incident = stable_id(&[case.key, about, &since]);
        message.event = occasion.event;
        message.blind = occasion.is_unknown;
        message.severity = Some(occasion.severity);
        message.status = match occasion.event {
            Event::Resolved => Status::Ok,
            _ if occasion.is_unknown => Status::Unknown,
            _ => Status::Alert,
        };
        message.at_s = case.now_s;
        message.since_s = Some(occasion.since_s);
        message
    }

    /// An Alertmanager forgets what is not repeated, so that every run tells it what is so.
    fn repeat(&self, memory: &mut AlertState, case: &Case, numbers: &[(String, String)]) {
        let mut channels =
            self.channels.iter().filter(|channel| channel.kind == ChannelKind::Alertmanager).peekable();
        if channels.peek().is_none() {
            return;
        }
        let again = |event, severity, since_s, blind, findings: &[Finding]| AlertEvent {
            event,
            is_unknown: blind,
            severity,
            since_s,
            channels: None,
            findings: findings.to_vec(),
        };
        let mut occasions = Vec::new();
        if let Some(incident) = &memory.incident {
            let since = incident.alert.since_s;
            occasions.push(again(Event::Reminder, incident.severity, since, false, &incident.findings));
        }
        if let Some(told) = &memory.unknown {
            occasions.push(again(
                Event::Reminder,
                Severity::Unknown,
                told.since_s,
                true,
                &reasons(case.checks),
            ));
        }
        if let (None, Some(ended)) = (&memory.incident, &memory.resolved) {
            let incident = &ended.incident;
            if case.now_s.saturating_sub(ended.at_s) <= ENDED_REPEAT_S {
                let since = incident.alert.since_s;
                occasions.push(again(Event::Resolved, incident.severity, since, false, &incident.findings));
            } else {
                memory.resolved = None;
            }
        }
        // Blindness and an incident can be at once: one request carries both.
        let mut merged: Option<Message> = None;
        for occasion in &occasions {
            let mut message = self.occasion(memory, case, occasion);
            message.numbers = numbers.to_vec();
            if let (Event::Resolved, Some(ended)) = (occasion.event, &memory.resolved) {
                message.at_s = ended.at_s;
            }
            match &mut merged {
                Some(first) => first.items.extend(message.items),
                None => merged = Some(message),
            }
        }
        let Some(message) = merged else { return };
        let level = Level::of(message.status, message.severity);
        for channel in channels.filter(|channel| message.event == Event::Resolved || level >= channel.min) {
            memory.outbox.push(self.entry(channel, &message, case), channel.kind);
        }
    }

    /// Whether any channel carries the record.
    pub fn carries(&self) -> bool {
        self.channels.iter().any(|channel| self.carried_by(channel))
    }

    fn carried_by(&self, channel: &Channel) -> bool {
        channel.kind == ChannelKind::Generic || (self.include_json && channel.kind == ChannelKind::Slack)
    }

    fn entry(&self, channel: &Channel, message: &Message, case: &Case) -> Entry {
        let report = case.report.filter(|_| self.carried_by(channel)).cloned();
        Entry {
            channel: channel.name.clone(),
            message: Message { report, ..message.clone() },
            queued_at_s: case.now_s,
            not_before_s: None,
        }
    }
}

/// Whether a channel is told of an occasion; of an end those who were told of the beginning.
fn hears(channel: &Channel, occasion: &AlertEvent) -> bool {
    let told = |channels: &BTreeSet<String>| channels.contains(&channel.name);
    match (channel.kind, &occasion.channels) {
        // The one hears every run how it ended, the other what is so.
        (ChannelKind::Ping | ChannelKind::Alertmanager, _) => false,
        (_, Some(channels)) => channel.resolved && told(channels),
        (_, None) => Level::From(occasion.severity) >= channel.min,
    }
}

#[cfg(test)]
mod tests;
