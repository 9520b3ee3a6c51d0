//! What each channel is sent: message in, one HTTP request out. Pure, except that a signature needs the time.

mod alertmanager;
mod chat;
mod generic;
mod pagerduty;
pub mod ping;

use jiff::Timestamp;
use serde_json::Value;

use super::message::Message;
use dvrf_cli::channel::{Channel, ChannelKind};
use supra_core::secret::Secret;

/// One request, ready to send.
#[derive(Debug)]
pub struct Parcel {
    /// Where to.
    pub url: Secret,
    /// Headers.
    pub headers: Vec<(String, Secret)>,
    /// The body.
    pub body: Vec<u8>,
    /// Its media type.
    pub content_type: &'static str,
}

impl Parcel {
    fn json(url: &str, body: &Value) -> Self {
        Self {
            url: Secret::new(url),
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
            content_type: "application/json; charset=utf-8",
        }
    }
}

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With the channel's markup.
    Rich,
    /// As plain text, after a receiver refused the markup.
    Plain,
}

/// The request that tells this channel.
pub fn parcel(channel: &Channel, message: &Message, form: Form, now: Timestamp) -> Parcel {
    let url = channel.endpoint.url.reveal();
    match (channel.kind, form) {
        (ChannelKind::Slack, Form::Rich) => Parcel::json(url, &chat::slack(message)),
        (ChannelKind::Slack, Form::Plain) => Parcel::json(url, &chat::slack_plain(message)),
        (ChannelKind::Teams, _) => Parcel::json(url, &chat::teams(message)),
        (ChannelKind::Discord, Form::Rich) => Parcel::json(url, &chat::discord(message)),
        (ChannelKind::Discord, Form::Plain) => Parcel::json(url, &chat::discord_plain(message)),
        (ChannelKind::Telegram, form) => {
            let token = channel.token.as_ref().map_or("", Secret::reveal);
            let method = format!("{}/bot{token}/sendMessage", url.trim_end_matches('/'));
            Parcel::json(&method, &chat::telegram(message, &channel.chat, form))
        }
        (ChannelKind::Pagerduty, _) => {
            let key = channel.token.as_ref().map_or("", Secret::reveal);
            let url = format!("{}/v2/enqueue", url.trim_end_matches('/'));
            Parcel::json(&url, &pagerduty::event(message, key))
        }
        (ChannelKind::Alertmanager, _) => {
            let url = format!("{}/api/v2/alerts", url.trim_end_matches('/'));
            Parcel::json(&url, &alertmanager::alerts(message, channel.every_s, now))
        }
        (ChannelKind::Generic, _) => generic::webhook(message, channel, now),
        (ChannelKind::Ping, _) => {
            ping::signal(channel, ping::Signal::of(message), &message.id, &message.text())
        }
    }
}

/// Whether a refused form may be tried once more as plain text.
pub fn has_plain_form(kind: ChannelKind) -> bool {
    matches!(kind, ChannelKind::Slack | ChannelKind::Discord | ChannelKind::Telegram)
}

#[cfg(test)]
mod tests;
