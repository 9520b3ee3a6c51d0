//! Chats: Slack, Mattermost, Rocket.Chat, Teams, Discord and Telegram, each within its documented limits.

use serde_json::{Map, Value, json};

use super::Form;
use crate::escape::{self, Escape};
use crate::message::{Line, Message};
use crate::notification::EventKind;
use crate::truncate::{truncate, utf16_len};
use dvrf_cli::channel::Channel;
use dvrf_cli::channel::mention::MENTION_BYTES_MAX;
use supra_core::check::{Severity, Status};

/// Slack refuses a header block above 150 characters, a section above 3000, and a message above about 13 000.
const SLACK_HEADER: usize = 150;
const SLACK_SECTION: usize = 3000;
/// A section has at most ten fields, and a button an address of at most 3000 characters.
const SLACK_FIELDS: usize = 10;
const SLACK_URL: usize = 3000;
/// The longest fallback text for Slack, which itself truncates at 40 000.
const SLACK_TEXT: usize = 4000;
const DISCORD_TITLE: usize = 256;
const DISCORD_DESCRIPTION: usize = 4096;
/// Discord takes 2000 characters of content and Telegram 4096 of text; the rest is for mentions with their markup.
const DISCORD_CONTENT: usize = 2000 - 3 * MENTION_BYTES_MAX;
const TELEGRAM_TEXT: usize = 4096 - MENTION_BYTES_MAX - "\n".len();
/// Mattermost takes 16 383 characters, Rocket.Chat 5000 unless it is configured otherwise.
const ATTACHMENT_TEXT: usize = 4500;
/// The longest report in a message: it is in Slack's blocks and in the text beside them.
const REPORT: usize = 4000;
/// The keys of the old report.
const OLD_KEYS: [&str; 8] = [
    "timestamp",
    "profile",
    "lottery_addr",
    "deposit_addr",
    "client_addr",
    "calculation",
    "lottery",
    "deposit",
];
/// Teams accepts 28 KB per message; escaped as JSON, a UTF-16 unit has up to about six bytes.
const TEAMS_BLOCK: usize = 1500;

pub(super) fn slack(message: &Message) -> Value {
    let section =
        |text: String| json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}});
    let mut blocks = vec![json!({
        "type": "header",
        "text": {"type": "plain_text", "emoji": true, "text": truncate(&message.headline(), SLACK_HEADER, escape::verbatim)},
    })];
    let steps = message.steps(SLACK_SECTION - 2, escape::slack, slack_command);
    if !steps.is_empty() {
        blocks.push(section(steps));
    }
    let field = |label: &str, value: &str| {
        let text =
            format!("*{}*\n{}", truncate(label, 100, escape::slack), truncate(value, 500, escape::slack));
        json!({"type": "mrkdwn", "text": text, "verbatim": true})
    };
    let mut fields: Vec<Value> =
        message.numbers.iter().take(SLACK_FIELDS - 1).map(|(label, value)| field(label, value)).collect();
    if let (Some(since), true) = (message.since_text(), message.event != EventKind::Report) {
        fields.push(field(&message.lang.pick("Since", "С"), &since));
    }
    if !fields.is_empty() {
        blocks.push(json!({"type": "section", "fields": fields}));
    }
    if let Some(url) = message.runbook().filter(|url| url.len() <= SLACK_URL) {
        let label = message.lang.pick("Runbook", "Инструкция");
        let button = json!({"type": "button", "text": {"type": "plain_text", "text": label}, "url": url});
        blocks.push(json!({"type": "actions", "elements": [button]}));
    }
    // A link says more than the command.
    let explained = message.explained().filter(|_| message.runbook().is_none());
    let context: Vec<String> = explained.into_iter().chain([message.footer()]).collect();
    let context = truncate(&context.join("\n"), SLACK_SECTION, escape::slack);
    blocks.push(
        json!({"type": "context", "elements": [{"type": "mrkdwn", "text": context, "verbatim": true}]}),
    );
    for piece in report(message, escape::slack, SLACK_SECTION - 8) {
        blocks.push(section(format!("```{piece}```")));
    }
    json!({"text": slack_text(message), "blocks": blocks})
}

/// A command as Slack's code.
fn slack_command(command: &str) -> String {
    format!("`{}`", truncate(command, usize::MAX, escape::slack))
}

/// A command as Discord's code.
fn discord_command(command: &str) -> String {
    format!("`{}`", command.replace('`', "'"))
}

/// A command as code in HTML.
pub(super) fn html_command(command: &str) -> String {
    format!("<code>{}</code>", truncate(command, usize::MAX, escape::html))
}

pub(super) fn slack_plain(message: &Message) -> Value {
    json!({"text": slack_text(message)})
}

fn slack_text(message: &Message) -> String {
    let headline = truncate(&message.headline(), SLACK_HEADER * 2, escape::slack);
    let text = format!("{headline}\n{}", message.body(SLACK_TEXT, escape::slack, slack_command));
    // Servers that are compatible with Slack show this text alone.
    match report(message, escape::slack, usize::MAX).first() {
        Some(report) => format!("{text}\n```{report}```"),
        None => text,
    }
}

/// The attached record in pieces of at most `piece` units. A truncated document would be useless: where the whole does not
/// fit, these are the keys of the old report, else a sentence in its place. Empty if no record is attached.
fn report(message: &Message, escape: Escape, piece: usize) -> Vec<String> {
    let Some(record) = &message.record else { return Vec::new() };
    let old: Map<String, Value> =
        OLD_KEYS.iter().filter_map(|key| Some(((*key).to_owned(), record.get(*key)?.clone()))).collect();
    let old = (!old.is_empty()).then_some(old);
    let texts = [
        serde_json::to_string_pretty(record).ok(),
        old.as_ref().and_then(|old| serde_json::to_string_pretty(old).ok()),
        old.as_ref().and_then(|old| serde_json::to_string(old).ok()),
    ];
    let escaped = |text: String| truncate(&text, usize::MAX, escape);
    let whole = texts.into_iter().flatten().map(escaped).find(|text| utf16_len(text) <= REPORT);
    let whole = whole.unwrap_or_else(|| "the report is too long for this message".to_owned());
    let mut pieces = vec![String::new()];
    for line in whole.split_inclusive('\n').flat_map(|line| line.split_inclusive(',')) {
        match pieces.last_mut() {
            Some(last) if utf16_len(last) + utf16_len(line) <= piece => last.push_str(line),
            _ => pieces.push(truncate(line, piece, escape::verbatim)),
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
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
    body.extend(message.findings().iter().map(|line| match line {
        Line::Text(text) | Line::Command(text) => block(text),
    }));
    let facts: Vec<Value> = message
        .numbers
        .iter()
        .map(|(title, value)| json!({"title": title, "value": truncate(value, 200, escape::markdown)}))
        .collect();
    if !facts.is_empty() {
        body.push(json!({"type": "FactSet", "facts": facts}));
    }
    let runbook = message.runbook();
    // The button has the address already.
    let is_shown = |line: &&String| runbook.is_none_or(|url| !line.ends_with(url));
    body.extend(message.closing().iter().filter(is_shown).map(|line| block(line)));
    let label = message.lang.pick("Runbook", "Инструкция");
    let actions: Vec<Value> =
        runbook.iter().map(|url| json!({"type": "Action.OpenUrl", "title": label, "url": url})).collect();
    for piece in report(message, escape::markdown, TEAMS_BLOCK) {
        body.push(json!({"type": "TextBlock", "fontType": "Monospace", "wrap": true, "text": piece}));
    }
    let id = truncate(&message.footer(), TEAMS_BLOCK, escape::markdown);
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
                "actions": actions,
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
    let field = |(label, value): &(String, String)| {
        let (name, value) = (truncate(label, 200, escape::markdown), truncate(value, 500, escape::markdown));
        json!({"name": name, "value": value, "inline": true})
    };
    let closing: Vec<String> =
        message.closing().iter().map(|line| truncate(line, 1000, escape::markdown)).collect();
    let closing = closing.join("\n");
    let room = DISCORD_DESCRIPTION - 2 - utf16_len(&closing).min(DISCORD_DESCRIPTION - 100);
    let steps = message.steps(room - 2, escape::markdown, discord_command);
    let description =
        [steps, closing].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
    let at = jiff::Timestamp::from_second(message.at_s).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let mut embed = json!({
        "title": truncate(&message.headline(), DISCORD_TITLE, escape::markdown),
        "description": truncate(&description, DISCORD_DESCRIPTION, escape::verbatim),
        "color": rgb(message),
        "fields": message.numbers.iter().map(field).collect::<Vec<Value>>(),
        "timestamp": at.to_string(),
        "footer": {"text": message.footer()},
    });
    if let Some(url) = message.runbook() {
        embed["url"] = json!(url);
    }
    json!({
        "content": "",
        "embeds": [embed],
        // Text from the chain must not mention anybody.
        "allowed_mentions": {"parse": []},
    })
}

pub(super) fn discord_plain(message: &Message) -> Value {
    let text = truncate(&message.text(), DISCORD_CONTENT, escape::markdown);
    json!({"content": text, "allowed_mentions": {"parse": []}})
}

/// The colour of an attachment or an embed, as `RRGGBB`.
fn rgb(message: &Message) -> u32 {
    match colour(message) {
        Colour::Good => 0x2e_b8_86,
        Colour::Unknown => 0x95_a5_a6,
        Colour::Warning => 0xda_a0_38,
        Colour::Critical => 0xcc_29_36,
    }
}

/// The attachment of Slack's older webhooks, which Mattermost and Rocket.Chat take.
pub(super) fn attachment(message: &Message) -> Value {
    let field = |(label, value): &(String, String)| {
        let (title, value) = (truncate(label, 200, escape::mentions), truncate(value, 500, escape::mentions));
        json!({"title": title, "value": value, "short": true})
    };
    let closing: Vec<String> =
        message.closing().iter().map(|line| truncate(line, 1000, escape::mentions)).collect();
    let steps = message.steps(ATTACHMENT_TEXT, escape::mentions, discord_command);
    let parts = [steps, closing.join("\n")];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let headline = truncate(&message.headline(), 300, escape::mentions);
    json!({
        "text": headline,
        "attachments": [{
            "fallback": headline,
            "color": format!("#{:06x}", rgb(message)),
            "text": parts.join("\n\n"),
            "fields": message.numbers.iter().map(field).collect::<Vec<Value>>(),
            "footer": message.footer(),
        }],
    })
}

pub(super) fn attachment_plain(message: &Message) -> Value {
    json!({"text": truncate(&message.text(), ATTACHMENT_TEXT, escape::mentions)})
}

pub(super) fn telegram(message: &Message, channel: &Channel, form: Form) -> Value {
    let mut body = telegram_text(message, form);
    body["chat_id"] = json!(channel.chat);
    body["link_preview_options"] = json!({"is_disabled": true});
    if let Some(topic) = channel.topic {
        body["message_thread_id"] = json!(topic);
    }
    body
}

fn telegram_text(message: &Message, form: Form) -> Value {
    if form == Form::Plain {
        return json!({"text": truncate(&message.text(), TELEGRAM_TEXT, escape::verbatim)});
    }
    let headline = truncate(&message.headline(), 300, escape::html);
    let id = truncate(&message.footer(), 300, escape::html);
    let room = TELEGRAM_TEXT - utf16_len(&headline) - "<b></b>\n\n".len() - utf16_len(&id);
    let text = format!("<b>{headline}</b>\n{}\n{id}", message.body(room, escape::html, html_command));
    json!({"text": text, "parse_mode": "HTML"})
}
