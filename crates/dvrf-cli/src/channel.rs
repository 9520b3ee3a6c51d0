//! Notification channels: their kinds, their alert levels, and the secrets of their addresses.

pub mod args;
pub mod mention;
pub mod parse;

use std::fmt;

use supra_core::check::{Severity, Status};
use supra_core::failure::quote;
use supra_core::http::Endpoint;
use supra_core::secret::{Redactor, Secret};

/// How an option for a secret ends: the secret itself, a file, a credential or a variable that holds it.
const SECRET_ENDINGS: [&str; 4] = ["", "-file", "-credential", "-env"];

/// The kind of a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// A Slack incoming webhook.
    Slack,
    /// A Microsoft Teams workflow webhook.
    Teams,
    /// A Discord webhook.
    Discord,
    /// A Telegram bot.
    Telegram,
    /// PagerDuty's Events API v2.
    Pagerduty,
    /// Opsgenie's Alert API.
    Opsgenie,
    /// A Mattermost incoming webhook.
    Mattermost,
    /// A Rocket.Chat incoming webhook.
    Rocketchat,
    /// A room of a Matrix homeserver.
    Matrix,
    /// A topic of an ntfy server.
    Ntfy,
    /// E-mail by a mail server.
    Email,
    /// Prometheus Alertmanager's API v2.
    Alertmanager,
    /// Any receiver of `{message, data, status}`; signed where a signing secret is given.
    Generic,
    /// A dead man's switch such as healthchecks.io.
    Ping,
}

impl ChannelKind {
    /// Every kind and its name in the configuration.
    pub const ALL: [(&'static str, Self); 14] = [
        ("slack", Self::Slack),
        ("teams", Self::Teams),
        ("discord", Self::Discord),
        ("telegram", Self::Telegram),
        ("pagerduty", Self::Pagerduty),
        ("opsgenie", Self::Opsgenie),
        ("mattermost", Self::Mattermost),
        ("rocketchat", Self::Rocketchat),
        ("matrix", Self::Matrix),
        ("ntfy", Self::Ntfy),
        ("email", Self::Email),
        ("alertmanager", Self::Alertmanager),
        ("generic", Self::Generic),
        ("ping", Self::Ping),
    ];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// The kind of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind)
    }

    /// The options that hold secrets, and whether they are required.
    fn secrets(self) -> &'static [(&'static str, bool)] {
        match self {
            Self::Slack
            | Self::Teams
            | Self::Discord
            | Self::Mattermost
            | Self::Rocketchat
            | Self::Ping
            | Self::Alertmanager => &[("url", true)],
            Self::Telegram => &[("token", true), ("url", false)],
            Self::Pagerduty | Self::Opsgenie => &[("key", true), ("url", false)],
            Self::Matrix => &[("url", true), ("token", true)],
            Self::Ntfy => &[("url", true), ("token", false)],
            Self::Email => &[("password", false)],
            Self::Generic => &[("url", true), ("secret", false)],
        }
    }

    /// The options that a channel of this kind cannot do without.
    pub fn required_options(self) -> impl Iterator<Item = &'static str> {
        let secrets = self.secrets().iter().filter(|(_, is_required)| *is_required).map(|(name, _)| *name);
        let plain: &[_] = match self {
            Self::Telegram => &["chat"],
            Self::Matrix => &["room"],
            Self::Email => &["server", "from", "to"],
            _ => &[],
        };
        secrets.chain(plain.iter().copied())
    }

    /// Whether an option of this kind holds a secret.
    pub fn is_secret(self, option: &str) -> bool {
        let is_known = self.secrets().iter().any(|(name, _)| *name == option);
        is_known && (option != "url" || self.address_is_secret())
    }

    /// The options of this kind alone that hold no secret.
    fn plain_options(self) -> &'static [&'static str] {
        match self {
            Self::Telegram => &["chat", "topic"],
            Self::Matrix => &["room"],
            Self::Email => &["server", "tls", "user", "from", "to"],
            Self::Alertmanager => &["every"],
            _ => &[],
        }
    }

    /// The address of the service where the configuration gives none.
    fn base_url(self) -> Option<&'static str> {
        match self {
            Self::Telegram => Some("https://api.telegram.org"),
            Self::Pagerduty => Some("https://events.pagerduty.com"),
            Self::Opsgenie => Some("https://api.opsgenie.com"),
            _ => None,
        }
    }

    /// Whether an address alone makes a channel of this kind, as the old script had it.
    pub fn is_single_webhook(self) -> bool {
        self.required_options().eq(["url"])
    }

    /// The names of all kinds.
    pub fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|(name, _)| *name).collect()
    }

    /// Every option of this kind: those of all kinds, its own, and its secrets in all four spellings.
    pub fn options(self) -> Vec<String> {
        let mention: &[_] = if self.mentionable().is_some() { &["mention", "mention-min"] } else { &[] };
        let plain = ["name", "min", "resolved", "after"]
            .iter()
            .chain(self.plain_options())
            .chain(mention)
            .map(|key| (*key).to_owned());
        let secret = self.secrets().iter();
        plain
            .chain(secret.flat_map(|(key, _)| SECRET_ENDINGS.map(|ending| format!("{key}{ending}"))))
            .collect()
    }

    /// Whether anybody who knows the address can post to it.
    pub fn address_is_secret(self) -> bool {
        !matches!(self, Self::Alertmanager | Self::Matrix)
    }

    /// Whether it pages people: it gets one event per incident, and keeps the incident open until it is resolved.
    pub fn is_pager(self) -> bool {
        matches!(self, Self::Pagerduty | Self::Opsgenie)
    }

    /// Whether it recognises a message that it gets a second time.
    pub fn joins_duplicates(self) -> bool {
        self.is_pager() || matches!(self, Self::Alertmanager | Self::Matrix)
    }

    /// Whether people read its messages as text, so that several can be one.
    pub fn is_chat(self) -> bool {
        match self {
            Self::Slack
            | Self::Teams
            | Self::Discord
            | Self::Telegram
            | Self::Mattermost
            | Self::Rocketchat
            | Self::Matrix
            | Self::Ntfy
            | Self::Email => true,
            Self::Pagerduty | Self::Opsgenie | Self::Alertmanager | Self::Generic | Self::Ping => false,
        }
    }
}

/// The alert level of a verdict, and the lowest level that a channel is notified of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// No problem was found. A channel with this level receives everything.
    Ok,
    /// A problem of this severity.
    From(Severity),
}

impl Level {
    /// Every level and its name in the configuration.
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

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, level)| *level == self).map_or("", |(name, _)| name)
    }
}

/// A key that signs webhooks.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

impl SigningKey {
    /// The bytes of the key.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How a connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// After the greeting, by STARTTLS; a server without it is an error.
    Starttls,
    /// From the first byte.
    Implicit,
    /// Not at all.
    None,
}

impl MailTls {
    /// Every way and its name in the configuration.
    pub const ALL: [(&'static str, Self); 3] =
        [("starttls", Self::Starttls), ("implicit", Self::Implicit), ("none", Self::None)];
}

/// A mail server, and the addresses of its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The host name of the server.
    pub host: String,
    /// The port of the server.
    pub port: u16,
    /// The encryption.
    pub tls: MailTls,
    /// The user who logs in; nobody does without one.
    pub user: Option<String>,
    /// The address of the sender.
    pub from: String,
    /// The addresses of the recipients; at least one.
    pub to: Vec<String>,
}

impl fmt::Display for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}:{}", self.to.join(", "), self.host, self.port)
    }
}

/// Where a channel sends to.
#[derive(Debug, Clone)]
pub enum Receiver {
    /// An address that is called over HTTP.
    Http(Endpoint),
    /// A mail server.
    Mail(Mail),
}

/// A configured channel.
#[derive(Debug, Clone)]
pub struct Channel {
    /// The name; unique in a run.
    pub name: String,
    /// The kind of receiver.
    pub kind: ChannelKind,
    /// The lowest level that is sent to it.
    pub min: Level,
    /// Whether it receives resolved messages.
    pub resolved: bool,
    /// Whom its messages about problems mention, in the words of the service.
    pub mention: Vec<String>,
    /// The lowest level of a problem at which somebody is mentioned.
    pub mention_min: Level,
    /// The address, or the service's base address, without user and password.
    pub receiver: Receiver,
    /// The address exactly as configured, with user and password.
    pub full_url: Secret,
    /// The token or key that the address does not contain, such as Telegram's bot token or PagerDuty's routing key.
    pub token: Option<Secret>,
    /// The id of the Telegram chat or the Matrix room; empty for other kinds.
    pub chat: String,
    /// The id of a topic in a Telegram group.
    pub topic: Option<i64>,
    /// The keys that sign each webhook, one signature per key.
    pub signing_keys: Vec<SigningKey>,
    /// How long a problem lasts before the channel is notified, in seconds.
    pub after_s: i64,
    /// The expected seconds between runs: an alert sent to Alertmanager ends unless it is repeated within three runs.
    pub every_s: i64,
}

impl Channel {
    /// Makes a receiver's text safe to print: echoed secrets are redacted, and the result is one line of bounded length.
    pub fn sanitize(&self, text: &str) -> String {
        let token = self.token.as_ref().map_or("", Secret::reveal);
        quote(&Redactor::new([self.full_url.reveal(), token]).redact(text))
    }

    /// A hash of the address and token, by which a state file recognises a changed address.
    pub fn address_hash(&self) -> String {
        let token = self.token.as_ref().map_or("", Secret::reveal);
        supra_core::stable_id::stable_id(&["address", self.full_url.reveal(), token])
    }

    /// Scheme and host of the address, or recipients and mail server; everything else is redacted.
    pub fn redacted_url(&self) -> String {
        match &self.receiver {
            Receiver::Http(endpoint) => endpoint.to_string(),
            Receiver::Mail(mail) => mail.to_string(),
        }
    }

    /// The URL that is called, without user and password; empty for a mail server.
    pub fn url(&self) -> &str {
        match &self.receiver {
            Receiver::Http(endpoint) => endpoint.url.reveal(),
            Receiver::Mail(_) => "",
        }
    }

    /// The headers that log in at the URL.
    pub fn headers(&self) -> &[(String, Secret)] {
        match &self.receiver {
            Receiver::Http(endpoint) => &endpoint.headers,
            Receiver::Mail(_) => &[],
        }
    }
}
