//! The queue of messages that are still to be delivered: in order per channel, each message once, until it expires. Pure.

use serde::{Deserialize, Serialize};

use super::message::Message;
use dvrf_cli::channel::ChannelKind;

/// The most messages that wait for one subscription; older ones are dropped.
pub const ENTRIES_MAX: usize = 200;

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
    /// Adds a message. Alertmanager is sent the current state, so that a new message replaces an older one.
    pub fn push(&mut self, entry: OutboxEntry, kind: ChannelKind) {
        if self
            .entries
            .iter()
            .any(|queued| queued.channel == entry.channel && queued.message.id == entry.message.id)
        {
            return;
        }
        if kind == ChannelKind::Alertmanager {
            self.entries.retain(|queued| queued.channel != entry.channel);
        }
        self.entries.push(entry);
        let surplus = self.entries.len().saturating_sub(ENTRIES_MAX);
        self.entries.drain(..surplus);
    }

    /// Removes and returns the messages that have waited for longer than `expire_after_s`. If the clock was set back, none
    /// expires.
    pub fn expire(&mut self, now_s: i64, expire_after_s: i64) -> Vec<OutboxEntry> {
        let is_expired = |entry: &mut OutboxEntry| now_s.saturating_sub(entry.queued_at_s) > expire_after_s;
        self.entries.extract_if(.., is_expired).collect()
    }

    /// All messages, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &OutboxEntry> {
        self.entries.iter()
    }

    /// Removes a message that was delivered or rejected.
    pub fn remove(&mut self, channel: &str, id: &str) {
        self.entries.retain(|entry| entry.channel != channel || entry.message.id != id);
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

    fn entry(channel: &str, id: &str, queued_at_s: i64) -> OutboxEntry {
        let message = Message { id: id.to_owned(), ..Message::default() };
        OutboxEntry { channel: channel.to_owned(), message, queued_at_s, not_before_s: None }
    }

    fn ids(outbox: &Outbox, channel: &str) -> Vec<String> {
        outbox.iter().filter(|entry| entry.channel == channel).map(|entry| entry.message.id.clone()).collect()
    }

    #[test]
    fn messages_keep_their_order_and_expire() {
        let mut outbox = Outbox::default();
        for (id, at) in [("1", 10), ("2", 20), ("2", 21), ("3", 30)] {
            outbox.push(entry("slack", id, at), ChannelKind::Slack);
        }
        outbox.push(entry("teams", "1", 10), ChannelKind::Teams);
        assert_eq!(ids(&outbox, "slack"), ["1", "2", "3"]);
        assert_eq!(outbox.expire(5, 1), []);
        let expired = outbox.expire(31, 15);
        assert_eq!(
            expired.iter().map(|e| (&*e.channel, &*e.message.id)).collect::<Vec<_>>(),
            [("slack", "1"), ("teams", "1")]
        );
        outbox.remove("slack", "2");
        outbox.hold("slack", 99);
        assert_eq!(outbox.iter().map(|e| e.not_before_s).collect::<Vec<_>>(), [Some(99)]);
        outbox.remove("slack", "3");
        assert_eq!(outbox.iter().count(), 0);
    }

    #[test]
    fn alertmanager_gets_only_the_latest_state() {
        let mut outbox = Outbox::default();
        outbox.push(entry("am", "1", 10), ChannelKind::Alertmanager);
        outbox.push(entry("am", "2", 20), ChannelKind::Alertmanager);
        assert_eq!(ids(&outbox, "am"), ["2"]);
    }

    #[test]
    fn the_oldest_messages_are_dropped() {
        let mut outbox = Outbox::default();
        for id in 0..ENTRIES_MAX + 5 {
            outbox.push(entry("slack", &id.to_string(), 0), ChannelKind::Slack);
        }
        assert_eq!(ids(&outbox, "slack").first().map(String::as_str), Some("5"));
        assert_eq!(ids(&outbox, "slack").len(), ENTRIES_MAX);
    }
}
