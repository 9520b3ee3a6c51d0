//! One channel of a run: what it is, from when on it is told, and its secrets.

pub mod args;
pub mod parse;

use std::fmt;

use supra_core::check::{Severity, Status};
use supra_core::failure::quote;
use supra_core::http::Endpoint;
use supra_core::secret::{Secret, redact, redact_url};

/// Where messages can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An incoming webhook of Slack.
    Slack,
    /// A workflow webhook of Microsoft Teams.
    Teams,
    /// A webhook of Discord.
    Discord,
    /// A bot of Telegram.
    Telegram,
    /// Events API v2 of PagerDuty.
    Pagerduty,
    /// API v2 of Prometheus Alertmanager.
    Alertmanager,
    /// `{message, data, status}`, signed or not.
    Generic,
    /// A dead man's switch such as healthchecks.
    Ping,
}

impl Kind {
    /// Every kind, by its word.
    pub const ALL: [(&'static str, Self); 8] = [
        ("slack", Self::Slack),
        ("teams", Self::Teams),
        ("discord", Self::Discord),
        ("telegram", Self::Telegram),
        ("pagerduty", Self::Pagerduty),
        ("alertmanager", Self::Alertmanager),
        ("generic", Self::Generic),
        ("ping", Self::Ping),
    ];

    /// The word.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind)
    }

    /// The options that hold secrets, and whether they are needed.
    fn secrets(self) -> &'static [(&'static str, bool)] {
        match self {
            Self::Slack | Self::Teams | Self::Discord | Self::Ping | Self::Alertmanager => &[("url", true)],
            Self::Telegram => &[("token", true), ("url", false)],
            Self::Pagerduty => &[("key", true), ("url", false)],
            Self::Generic => &[("url", true), ("secret", false)],
        }
    }

    fn plain_options(self) -> &'static [&'static str] {
        match self {
            Self::Telegram => &["chat"],
            Self::Alertmanager => &["every"],
            _ => &[],
        }
    }

    fn base_url(self) -> Option<&'static str> {
        match self {
            Self::Telegram => Some("https://api.telegram.org"),
            Self::Pagerduty => Some("https://events.pagerduty.com"),
            _ => None,
        }
    }

    /// Whether knowing the address is enough to post.
    pub fn address_is_secret(self) -> bool {
        self != Self::Alertmanager
    }
}

/// From which gravity on a channel is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything, also that all is well.
    Ok,
    /// From this severity on.
    From(Severity),
}

impl Level {
    /// The words.
    pub const ALL: [(&'static str, Self); 5] = [
        ("ok", Self::Ok),
        ("info", Self::From(Severity::Info)),
        ("unknown", Self::From(Severity::Unknown)),
        ("warning", Self::From(Severity::Warning)),
        ("critical", Self::From(Severity::Critical)),
    ];

    /// The level of a verdict.
    pub fn of(status: Status, severity: Option<Severity>) -> Self {
        match status {
            Status::Ok => Self::Ok,
            Status::Unknown => Self::From(Severity::Unknown),
            Status::Alert => Self::From(severity.unwrap_or(Severity::Warning)),
        }
    }

    /// The word.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, level)| *level == self).map_or("", |(name, _)| name)
    }
}

/// A key that signs webhooks.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

impl SigningKey {
    /// The key itself.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A configured channel.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Unique in a run.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// From which gravity on it is told.
    pub min: Level,
    /// Whether it is told of the end.
    pub resolved: bool,
    /// The address, or the service's base address.
    pub endpoint: Endpoint,
    /// The same as it was given, with user and password.
    pub given: Secret,
    /// Telegram's bot token or PagerDuty's routing key.
    pub token: Option<Secret>,
    /// Telegram's chat.
    pub chat: String,
    /// Signing keys, for one signature each.
    pub signing: Vec<SigningKey>,
    /// Seconds between runs: an Alertmanager drops what is not repeated within three of them.
    pub every_s: i64,
}

impl Channel {
    /// Foreign text, such as a receiver's answer, without our secrets, on one line and bounded.
    pub fn safe(&self, text: &str) -> String {
        let token = self.token.as_ref().map_or("", Secret::reveal);
        quote(&redact(text, &[self.given.reveal(), token]))
    }

    /// A hash of the address: state files know a changed one by it.
    pub fn address_hash(&self) -> String {
        let token = self.token.as_ref().map_or("", Secret::reveal);
        supra_core::stable_id::stable_id(&["address", self.given.reveal(), token])
    }

    /// Scheme and host.
    pub fn shown(&self) -> String {
        redact_url(self.given.reveal())
    }
}
