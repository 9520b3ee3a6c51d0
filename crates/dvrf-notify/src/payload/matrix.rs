//! Matrix: an event of the client-server API. The transaction id is the message's, so that repeating it adds no event.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::chat::html_command;
use super::{WebhookRequest, mention};
use crate::escape::html;
use crate::message::Message;
use crate::truncate::truncate;
use dvrf_cli::channel::Channel;
use supra_core::http::Method;
use supra_core::secret::Secret;

/// The longest text; an event has at most 65 536 bytes, and holds the text twice.
const TEXT: usize = 6000;

pub(super) fn event(message: &Message, channel: &Channel) -> WebhookRequest {
    let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let url = format!(
        "{}/_matrix/client/v3/rooms/{}/send/m.room.message/{}",
        channel.url().trim_end_matches('/'),
        part(&channel.chat),
        part(&message.id)
    );
    let headline = truncate(&message.headline(), 300, html);
    let footer = truncate(&message.footer(), 300, html);
    let formatted = format!(
        "<strong>{headline}</strong>\n{}\n\n<small>{footer}</small>",
        message.body(TEXT, html, html_command)
    );
    let mut body = json!({
        "msgtype": "m.text",
        "body": truncate(&format!("{}\n{}", message.text(), message.footer()), TEXT, crate::escape::verbatim),
        "format": "org.matrix.custom.html",
        "formatted_body": formatted.replace('\n', "<br>"),
        // Text from the chain must not mention anybody.
        "m.mentions": {},
    });
    mention::add(&mut body, channel, message);
    let token = channel.token.as_ref().map_or("", Secret::reveal);
    WebhookRequest { method: Method::Put, ..WebhookRequest::json(&url, &body) }.authorized("Bearer", token)
}
