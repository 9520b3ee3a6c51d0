//! The queue of messages that are still to be delivered: in order per channel, each message once. Pure.
//!
//! A message that was not delivered is replaced by a newer one about the same incident, except that its first and its
//! last message are both kept. Nothing expires that was not tried in the same run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::message::Message;
use crate::notification::EventKind;
use dvrf_cli::channel::ChannelKind;

/// How many messages wait for one channel before old ones are dropped that newer ones have replaced.
pub const ENTRIES_SOFT_MAX: usize = 200;
/// The most messages that wait for one channel.
pub const ENTRIES_MAX: usize = 1000;

/// A message on its way to one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// The channel's name.
    pub channel: String,
    /// The message.
    pub message: Message,
    /// When it was added, in seconds since 1970.
    pub queued_at_s: i64,
    /// The earliest time to send it, if the receiver asked to wait.
    #[serde(default)]
    pub not_before_s: Option<i64>,
}

/// The messages of one subscription that wait for their delivery.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Outbox {
    entries: Vec<OutboxEntry>,
}

impl Outbox {
    /// Adds a message; returns those that were dropped because too many wait for the channel.
    pub fn push(&mut self, entry: OutboxEntry, kind: ChannelKind) -> Vec<OutboxEntry> {
        let (channel, new) = (entry.channel.clone(), &entry.message);
        let is_of_channel = |queued: &OutboxEntry| queued.channel == channel;
        if self.entries.iter().any(|queued| is_of_channel(queued) && queued.message.id == new.id) {
            return Vec::new();
        }
        // Alertmanager is sent the current state, so that a new message replaces an older one.
        let is_replaced = |queued: &OutboxEntry| {
            let old = &queued.message;
            kind == ChannelKind::Alertmanager
                || old.problem == new.problem
                    && !old.problem.is_empty()
                    && old.since_s == new.since_s
                    && matches!(old.event, EventKind::Worse | EventKind::Better | EventKind::Reminder)
        };
        self.entries.retain(|queued| !is_of_channel(queued) || !is_replaced(queued));
        self.entries.push(entry);
        let mut dropped = Vec::new();
        while self.entries.iter().filter(|queued| is_of_channel(queued)).count() > ENTRIES_SOFT_MAX {
            let Some(index) = self.oldest_surplus(&channel) else { break };
            dropped.push(self.entries.remove(index));
        }
        dropped
    }

    /// The oldest message of a channel that a newer one about the same problem follows; if there are far too many, the
    /// oldest.
    fn oldest_surplus(&self, channel: &str) -> Option<usize> {
        let queue: Vec<(usize, &str)> = (0..)
            .zip(&self.entries)
            .filter(|(_, queued)| queued.channel == channel)
            .map(|(index, queued)| (index, queued.message.problem.as_str()))
            .collect();
        let newest: BTreeMap<&str, usize> = queue.iter().map(|(index, problem)| (*problem, *index)).collect();
        let replaced = queue.iter().find(|(index, problem)| newest.get(problem) != Some(index));
        replaced.or_else(|| queue.first().filter(|_| queue.len() > ENTRIES_MAX)).map(|(index, _)| *index)
    }

    /// Moves times in the future back to now: the clock was set back.
    pub fn limit_times(&mut self, now_s: i64) {
        for entry in self.entries.iter_mut().filter(|entry| entry.queued_at_s > now_s) {
            entry.queued_at_s = now_s;
            // The remaining wait is unknown, and the message is sent.
            entry.not_before_s = None;
        }
    }

    /// All messages, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &OutboxEntry> {
        self.entries.iter()
    }

    /// Removes a message and returns it.
    pub fn remove(&mut self, channel: &str, id: &str) -> Option<OutboxEntry> {
        let found =
            self.entries.iter().position(|entry| entry.channel == channel && entry.message.id == id)?;
        Some(self.entries.remove(found))
    }

    /// Removes a message that was tried in vain if it has waited for too long; whether it did.
    pub fn expire(&mut self, channel: &str, id: &str, now_s: i64, expire_after_s: i64) -> bool {
        let is_old = |entry: &OutboxEntry| {
            let is_it = entry.channel == channel && entry.message.id == id;
            is_it && now_s.saturating_sub(entry.queued_at_s) > expire_after_s
        };
        let count = self.entries.len();
        self.entries.retain(|entry| !is_old(entry));
        self.entries.len() < count
    }

    /// Removes the resolved message of an incident that a channel has never been notified of.
    pub fn drop_resolved(&mut self, channel: &str, message: &Message) {
        let is_first = |entry: &OutboxEntry| {
            entry.channel == channel
                && entry.message.problem == message.problem
                && entry.message.since_s == message.since_s
        };
        let is_pending = self.entries.iter().any(|entry| is_first(entry) && entry.message.event.is_alert());
        self.entries.retain(|entry| is_pending || !is_first(entry) || entry.message.event.is_alert());
    }

    /// Whether a message about a problem waits for a channel.
    pub fn is_waiting(&self, channel: &str, problem: &str) -> bool {
        self.entries.iter().any(|entry| entry.channel == channel && entry.message.problem == problem)
    }

    /// Delays all messages of a channel.
    pub fn hold(&mut self, channel: &str, until_s: i64) {
        for entry in self.entries.iter_mut().filter(|entry| entry.channel == channel) {
            entry.not_before_s = Some(until_s);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(channel: &str, id: &str, problem: &str, event: EventKind) -> OutboxEntry {
        let (id, problem) = (id.to_owned(), problem.to_owned());
        let message = Message { id, problem, event, since_s: Some(1), ..Message::default() };
        OutboxEntry { channel: channel.to_owned(), message, queued_at_s: 10, not_before_s: None }
    }

    fn ids(outbox: &Outbox, channel: &str) -> Vec<String> {
        outbox.iter().filter(|entry| entry.channel == channel).map(|entry| entry.message.id.clone()).collect()
    }

    #[test]
    fn messages_keep_their_order_and_only_the_tried_expire() {
        let mut outbox = Outbox::default();
        for id in ["1", "2", "2", "3"] {
            outbox.push(entry("slack", id, id, EventKind::Firing), ChannelKind::Slack);
        }
        outbox.push(entry("teams", "1", "1", EventKind::Firing), ChannelKind::Teams);
        assert_eq!(ids(&outbox, "slack"), ["1", "2", "3"]);
        assert!(!outbox.expire("slack", "1", 25, 15));
        assert!(outbox.expire("slack", "1", 26, 15));
        assert_eq!((ids(&outbox, "slack"), ids(&outbox, "teams").len()), (vec!["2".into(), "3".into()], 1));
        outbox.hold("slack", 99);
        outbox.limit_times(20);
        assert_eq!(outbox.iter().map(|e| e.not_before_s).collect::<Vec<_>>(), [Some(99), Some(99), None]);
        outbox.limit_times(5);
        assert!(outbox.iter().all(|e| e.not_before_s.is_none() && e.queued_at_s == 5));
        assert!(outbox.remove("slack", "2").is_some() && outbox.remove("slack", "2").is_none());
    }

    #[test]
    fn alertmanager_gets_only_the_latest_state() {
        let mut outbox = Outbox::default();
        outbox.push(entry("am", "1", "", EventKind::Reminder), ChannelKind::Alertmanager);
        outbox.push(entry("am", "2", "", EventKind::Reminder), ChannelKind::Alertmanager);
        assert_eq!(ids(&outbox, "am"), ["2"]);
    }

    #[test]
    fn the_first_and_the_last_message_of_an_incident_are_kept() {
        let mut outbox = Outbox::default();
        for (id, event) in [
            ("1", EventKind::Firing),
            ("2", EventKind::Reminder),
            ("3", EventKind::Worse),
            ("4", EventKind::Better),
            ("5", EventKind::Resolved),
        ] {
            outbox.push(entry("slack", id, "deposit", event), ChannelKind::Slack);
        }
        assert_eq!(ids(&outbox, "slack"), ["1", "5"]);
        // The first is refused: the channel needs no "resolved".
        let refused = outbox.remove("slack", "1").unwrap();
        outbox.drop_resolved("slack", &refused.message);
        assert_eq!(ids(&outbox, "slack"), Vec::<String>::new());
    }

    #[test]
    fn an_overflow_keeps_the_newest_state_of_each_problem() {
        let mut outbox = Outbox::default();
        outbox.push(entry("slack", "quiet", "module", EventKind::Firing), ChannelKind::Slack);
        let mut dropped = Vec::new();
        for id in 0..ENTRIES_SOFT_MAX + 5 {
            let mut flapping = entry("slack", &id.to_string(), "deposit", EventKind::Firing);
            flapping.message.since_s = i64::try_from(id).ok();
            dropped.extend(outbox.push(flapping, ChannelKind::Slack));
        }
        let kept = ids(&outbox, "slack");
        assert_eq!((kept.len(), kept[0].as_str(), kept[1].as_str()), (ENTRIES_SOFT_MAX, "quiet", "6"));
        assert_eq!(dropped.len(), 6);
        // Two hundred different problems are all kept, up to a bound.
        for id in 0..2 * ENTRIES_MAX {
            let id = format!("p{id}");
            outbox.push(entry("slack", &id, &id, EventKind::Firing), ChannelKind::Slack);
        }
        assert_eq!(ids(&outbox, "slack").len(), ENTRIES_MAX);
    }
}
