//! Turns a message into the HTTP request that each kind of channel expects. Pure; the time is an argument.

mod alertmanager;
mod chat;
mod generic;
mod matrix;
mod mention;
mod ntfy;
mod opsgenie;
mod pagerduty;
pub mod ping;

use jiff::Timestamp;
use serde_json::Value;

use super::message::Message;
use crate::notification::EventKind;
use dvrf_cli::channel::{Channel, ChannelKind};
use supra_core::http::Method;
use supra_core::secret::Secret;

/// An HTTP request that is ready to send.
#[derive(Debug, Clone)]
pub struct WebhookRequest {
    /// The method.
    pub method: Method,
    /// The address.
    pub url: Secret,
    /// The headers beside the content type.
    pub headers: Vec<(String, Secret)>,
    /// The body.
    pub body: Vec<u8>,
    /// The media type of the body.
    pub content_type: &'static str,
}

impl WebhookRequest {
    fn json(url: &str, body: &Value) -> Self {
        Self {
            method: Method::Post,
            url: Secret::new(url),
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
            content_type: "application/json; charset=utf-8",
        }
    }

    fn authorized(mut self, scheme: &str, token: &str) -> Self {
        self.headers.push(("Authorization".to_owned(), Secret::new(&format!("{scheme} {token}"))));
        self
    }
}

/// The form in which a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With the markup of the channel.
    Rich,
    /// As plain text, for a receiver that refused the markup.
    Plain,
}

/// The request that sends a message to a channel.
pub fn request(channel: &Channel, message: &Message, form: Form, now: Timestamp) -> WebhookRequest {
    let url = channel.url();
    let token = channel.token.as_ref().map_or("", Secret::reveal);
    let chat = |url: &str, mut body: Value| {
        mention::add(&mut body, channel, message);
        WebhookRequest::json(url, &body)
    };
    match (channel.kind, form) {
        (ChannelKind::Slack, Form::Rich) => chat(url, chat::slack(message)),
        (ChannelKind::Slack, Form::Plain) => chat(url, chat::slack_plain(message)),
        (ChannelKind::Teams, _) => chat(url, chat::teams(message)),
        (ChannelKind::Discord, Form::Rich) => chat(url, chat::discord(message)),
        (ChannelKind::Discord, Form::Plain) => chat(url, chat::discord_plain(message)),
        (ChannelKind::Telegram, form) => {
            let method = format!("{}/bot{token}/sendMessage", url.trim_end_matches('/'));
            chat(&method, chat::telegram(message, channel, form))
        }
        (ChannelKind::Pagerduty, _) => {
            let url = format!("{}/v2/enqueue", url.trim_end_matches('/'));
            WebhookRequest::json(&url, &pagerduty::event(message, token))
        }
        (ChannelKind::Opsgenie, _) => opsgenie::alert(message, url, token),
        (ChannelKind::Mattermost | ChannelKind::Rocketchat, Form::Rich) => {
            chat(url, chat::attachment(message))
        }
        (ChannelKind::Mattermost | ChannelKind::Rocketchat, Form::Plain) => {
            chat(url, chat::attachment_plain(message))
        }
        (ChannelKind::Matrix, _) => matrix::event(message, channel),
        (ChannelKind::Ntfy, _) => ntfy::publication(message, url, token),
        (ChannelKind::Alertmanager, _) => {
            // The address of the API, or of a page of the browser, is taken as well.
            let base = url.split('#').next().unwrap_or(url).trim_end_matches('/');
            let base = base.trim_end_matches("/alerts").trim_end_matches("/api/v2");
            let url = format!("{}/api/v2/alerts", base.trim_end_matches('/'));
            WebhookRequest::json(&url, &alertmanager::alerts(message, channel.every_s, now))
        }
        // A mail server gets no request.
        (ChannelKind::Generic | ChannelKind::Email, _) => generic::webhook(message, channel, now),
        (ChannelKind::Ping, _) => {
            ping::ping_request(channel, ping::Signal::of(message), &message.id, &message.text())
        }
    }
}

/// A second request that completes the first: Opsgenie does not raise the priority of an alert that it has.
pub fn follow_up(channel: &Channel, message: &Message) -> Option<WebhookRequest> {
    let is_raised = channel.kind == ChannelKind::Opsgenie && message.event == EventKind::Worse;
    let token = channel.token.as_ref().map_or("", Secret::reveal);
    is_raised.then(|| opsgenie::priority_of_alert(message, channel.url(), token))
}

/// Whether a message whose markup was refused can be sent as plain text.
pub fn has_plain_form(kind: ChannelKind) -> bool {
    use ChannelKind::{Discord, Mattermost, Rocketchat, Slack, Telegram};
    matches!(kind, Slack | Discord | Telegram | Mattermost | Rocketchat)
}

#[cfg(test)]
mod tests;
