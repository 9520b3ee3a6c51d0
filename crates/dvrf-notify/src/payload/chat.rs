//! Chats: Slack, Teams, Discord and Telegram, each within its documented limits.

use serde_json::{Value, json};

use super::Form;
use crate::escape;
use crate::message::Message;
use crate::notification::EventKind;
use crate::truncate::{truncate, utf16_len};
use supra_core::check::{Severity, Status};

/// Slack refuses a header block above 150 characters, a section above 3000, and a message above about 13 000.
const SLACK_HEADER: usize = 150;
const SLACK_SECTION: usize = 3000;
/// The longest fallback text for Slack, which itself truncates at 40 000.
const SLACK_TEXT: usize = 4000;
const DISCORD_TITLE: usize = 256;
const DISCORD_DESCRIPTION: usize = 4096;
const DISCORD_CONTENT: usize = 2000;
const TELEGRAM_TEXT: usize = 4096;
/// Teams accepts 28 KB per message; escaped as JSON, a UTF-16 unit has up to about six bytes.
const TEAMS_BLOCK: usize = 1500;

pub(super) fn slack(message: &Message) -> Value {
    let (findings, facts) = (message.findings().join("\n"), message.facts().join("\n"));
    let mut blocks = vec![json!({
        "type": "header",
        "text": {"type": "plain_text", "emoji": true, "text": truncate(&message.headline(), SLACK_HEADER, escape::verbatim)},
    })];
    for text in [findings, facts].iter().filter(|text| !text.is_empty()) {
        let text = truncate(text, SLACK_SECTION, escape::slack);
        blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}}));
    }
    let context = truncate(&id_line(message), SLACK_SECTION, escape::slack);
    blocks.push(
        json!({"type": "context", "elements": [{"type": "mrkdwn", "text": context, "verbatim": true}]}),
    );
    if let Some(report) = attachment(message, SLACK_SECTION - 8) {
        let text = format!("```{report}```");
        blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}}));
    }
    json!({"text": slack_text(message), "blocks": blocks})
}

pub(super) fn slack_plain(message: &Message) -> Value {
    json!({"text": slack_text(message)})
}

/// The line by which a duplicate is recognised: chats have no field for it.
fn id_line(message: &Message) -> String {
    format!("dvrf-notify · {}", message.id)
}

fn slack_text(message: &Message) -> String {
    let headline = truncate(&message.headline(), SLACK_HEADER * 2, escape::slack);
    format!("{headline}\n{}", message.body(SLACK_TEXT, escape::slack))
}

/// The record, if all of it fits: a truncated document would be useless.
fn attachment(message: &Message, limit: usize) -> Option<String> {
    let report = serde_json::to_string_pretty(message.record.as_ref()?).ok()?;
    let escaped = truncate(&report, usize::MAX, escape::slack).replace("```", "'''");
    (utf16_len(&escaped) <= limit).then_some(escaped)
}

pub(super) fn teams(message: &Message) -> Value {
    let block = |text: &str| json!({"type": "TextBlock", "wrap": true, "text": truncate(text, TEAMS_BLOCK, escape::markdown)});
    let mut body = vec![json!({
        "type": "TextBlock",
        "size": "Large",
        "weight": "Bolder",
        "wrap": true,
        "color": match colour(message) {
            Colour::Good => "Good",
            Colour::Unknown => "Default",
            Colour::Warning => "Warning",
            Colour::Critical => "Attention",
        },
        "text": truncate(&message.headline(), 300, escape::markdown),
    })];
    body.extend(message.findings().iter().map(|line| block(line)));
    let facts: Vec<Value> = message
        .numbers
        .iter()
        .map(|(title, value)| json!({"title": title, "value": truncate(value, 200, escape::markdown)}))
        .collect();
    if !facts.is_empty() {
        body.push(json!({"type": "FactSet", "facts": facts}));
    }
    let rest = message.facts().split_off(message.numbers.len());
    body.extend(rest.iter().map(|line| block(line)));
    let id = truncate(&id_line(message), TEAMS_BLOCK, escape::markdown);
    body.push(json!({"type": "TextBlock", "size": "Small", "isSubtle": true, "wrap": true, "text": id}));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.2",
                "body": body,
                "msteams": {"width": "Full"},
            },
        }],
    })
}

enum Colour {
    Good,
    Unknown,
    Warning,
    Critical,
}

fn colour(message: &Message) -> Colour {
    match (message.event, message.status, message.severity) {
        (EventKind::Resolved | EventKind::Test, ..) | (_, Status::Ok, _) => Colour::Good,
        (_, Status::Unknown, _) => Colour::Unknown,
        (_, Status::Alert, Some(Severity::Critical)) => Colour::Critical,
        (_, Status::Alert, _) => Colour::Warning,
    }
}

pub(super) fn discord(message: &Message) -> Value {
    let colour = match colour(message) {
        Colour::Good => 0x2e_b8_86,
        Colour::Unknown => 0x95_a5_a6,
        Colour::Warning => 0xda_a0_38,
        Colour::Critical => 0xcc_29_36,
    };
    json!({
        "content": "",
        "embeds": [{
            "title": truncate(&message.headline(), DISCORD_TITLE, escape::markdown),
            "description": message.body(DISCORD_DESCRIPTION, escape::markdown),
            "color": colour,
            "footer": {"text": id_line(message)},
        }],
        // Text from the chain must not mention anybody.
        "allowed_mentions": {"parse": []},
    })
}

pub(super) fn discord_plain(message: &Message) -> Value {
    let text = truncate(&message.text(), DISCORD_CONTENT, escape::markdown);
    json!({"content": text, "allowed_mentions": {"parse": []}})
}

pub(super) fn telegram(message: &Message, chat: &str, form: Form) -> Value {
    let preview = json!({"is_disabled": true});
    if form == Form::Plain {
        let text = truncate(&message.text(), TELEGRAM_TEXT, escape::verbatim);
        return json!({"chat_id": chat, "text": text, "link_preview_options": preview});
    }
    let headline = truncate(&message.headline(), 300, escape::html);
    let id = truncate(&id_line(message), 100, escape::html);
    let room = TELEGRAM_TEXT - utf16_len(&headline) - "<b></b>\n\n".len() - utf16_len(&id);
    let text = format!("<b>{headline}</b>\n{}\n{id}", message.body(room, escape::html));
    json!({"chat_id": chat, "text": text, "parse_mode": "HTML", "link_preview_options": preview})
}
