//! Mentions: the words that notify people by name, added to the body of a chat message. They come from the configuration alone.

use serde_json::{Value, json};

use crate::message::Message;
use crate::notification::EventKind;
use dvrf_cli::channel::{Channel, ChannelKind, Level};

/// Whom the message mentions: nobody unless it is about a problem that is there and grave enough. A test does it too.
fn mentioned<'a>(channel: &'a Channel, message: &Message) -> &'a [String] {
    let is_wanted = match message.event {
        EventKind::Test => true,
        EventKind::Report | EventKind::Firing | EventKind::Worse | EventKind::Reminder => {
            Level::of(message.status, message.severity) >= channel.mention_min
        }
        EventKind::Better | EventKind::Resolved => false,
    };
    if is_wanted { &channel.mention } else { &[] }
}

/// Adds the mentions of a channel to the body of a message.
pub(super) fn add(body: &mut Value, channel: &Channel, message: &Message) {
    let words = mentioned(channel, message);
    if words.is_empty() {
        return;
    }
    let markup: Vec<String> = words.iter().map(|word| markup(channel.kind, word)).collect();
    let text = markup.join(" ");
    match channel.kind {
        ChannelKind::Slack => {
            prefix(&mut body["text"], &text, "\n");
            if let Some(blocks) = body["blocks"].as_array_mut() {
                let section =
                    json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}});
                blocks.insert(1.min(blocks.len()), section);
            }
        }
        ChannelKind::Discord => {
            prefix(&mut body["content"], &text, "\n");
            let is_id = |word: &&String| word.starts_with(|c: char| c.is_ascii_digit());
            let users: Vec<&String> = words.iter().filter(is_id).collect();
            let roles: Vec<&str> = words.iter().filter_map(|word| word.strip_prefix('&')).collect();
            // Discord knows @everyone and @here by one word.
            let is_all = words.iter().any(|word| word == "everyone" || word == "here");
            let parse = if is_all { json!(["everyone"]) } else { json!([]) };
            body["allowed_mentions"] = json!({"parse": parse, "users": users, "roles": roles});
        }
        ChannelKind::Teams => {
            let entity = |(markup, address): (&String, &String)| json!({"type": "mention", "text": markup, "mentioned": {"id": address, "name": address}});
            let entities: Vec<Value> = markup.iter().zip(words).map(entity).collect();
            let card = &mut body["attachments"][0]["content"];
            card["msteams"]["entities"] = json!(entities);
            if let Some(blocks) = card["body"].as_array_mut() {
                blocks.insert(1.min(blocks.len()), json!({"type": "TextBlock", "wrap": true, "text": text}));
            }
        }
        ChannelKind::Matrix => {
            prefix(&mut body["body"], &words.join(" "), "\n");
            prefix(&mut body["formatted_body"], &text, "<br>");
            let users: Vec<&String> = words.iter().filter(|word| *word != "room").collect();
            body["m.mentions"] = json!({"user_ids": users, "room": words.len() > users.len()});
        }
        _ => prefix(&mut body["text"], &text, "\n"),
    }
}

/// A word as the service wants it in a text.
fn markup(kind: ChannelKind, word: &str) -> String {
    match kind {
        ChannelKind::Slack if word.starts_with('S') => format!("<!subteam^{word}>"),
        ChannelKind::Slack if word.starts_with(['U', 'W']) => format!("<@{word}>"),
        ChannelKind::Slack => format!("<!{word}>"),
        ChannelKind::Discord if word == "everyone" || word == "here" => format!("@{word}"),
        ChannelKind::Discord => format!("<@{word}>"),
        ChannelKind::Teams => format!("<at>{word}</at>"),
        ChannelKind::Matrix if word == "room" => "@room".to_owned(),
        ChannelKind::Matrix => format!("<a href=\"https://matrix.to/#/{word}\">{word}</a>"),
        _ => word.to_owned(),
    }
}

fn prefix(text: &mut Value, before: &str, between: &str) {
    let rest = text.as_str().filter(|rest| !rest.is_empty());
    *text = json!(rest.map_or_else(|| before.to_owned(), |rest| format!("{before}{between}{rest}")));
}

#[cfg(test)]
mod tests {
    use dvrf_cli::channel::mention::MENTION_BYTES_MAX;
    use dvrf_cli::channel::parse::parse;
    use rstest::rstest;
    use supra_core::check::{Severity, Status};

    use super::super::{Form, request};
    use super::*;

    fn sent(spec: &str, message: &Message, form: Form) -> Value {
        let channel = parse(spec, &|_| Ok(None)).unwrap_or_else(|problem| panic!("{problem}"));
        let now = jiff::Timestamp::from_second(1_800_000_000).unwrap();
        serde_json::from_slice(&request(&channel, message, form, now).body).unwrap()
    }

    fn critical() -> Message {
        Message {
            event: EventKind::Firing,
            status: Status::Alert,
            severity: Some(Severity::Critical),
            subscription: "@everyone <!channel>".into(),
            ..Message::default()
        }
    }

    #[rstest]
    #[case::slack(
        "slack,mention=here U01AB S01AB",
        "/blocks/1/text/text",
        "<!here> <@U01AB> <!subteam^S01AB>"
    )]
    #[case::slack_users("slack,mention=W01AB", "/blocks/1/text/text", "<@W01AB>")]
    #[case::discord("discord,mention=17 &18", "/content", "<@17> <@&18>")]
    #[case::teams("teams,mention=a@b.test", "/attachments/0/content/body/1/text", "<at>a@b.test</at>")]
    fn are_where_the_service_looks(#[case] spec: &str, #[case] place: &str, #[case] expected: &str) {
        let body = sent(&format!("{spec},url=https://h/x"), &critical(), Form::Rich);
        assert_eq!(body.pointer(place).and_then(Value::as_str), Some(expected), "{body}");
    }

    #[rstest]
    #[case::slack("slack,url=https://h/x,mention=here", "text", Form::Rich, "<!here>\n")]
    #[case::slack_plain("slack,url=https://h/x,mention=here", "text", Form::Plain, "<!here>\n")]
    #[case::discord_plain("discord,url=https://h/x,mention=here", "content", Form::Plain, "@here\n")]
    #[case::telegram("telegram,token=1:a,chat=1,mention=@a @b", "text", Form::Rich, "@a @b\n<b>")]
    #[case::telegram_plain("telegram,token=1:a,chat=1,mention=@a", "text", Form::Plain, "@a\n")]
    #[case::mattermost("mattermost,url=https://h/x,mention=@all", "text", Form::Rich, "@all\n")]
    #[case::matrix(
        "matrix,url=https://h,token=t,room=!r:h,mention=room @a:h",
        "formatted_body",
        Form::Rich,
        "@room <a href=\"https://matrix.to/#/@a:h\">@a:h</a><br><strong>"
    )]
    fn begin_the_text(#[case] spec: &str, #[case] key: &str, #[case] form: Form, #[case] start: &str) {
        let body = sent(spec, &critical(), form);
        assert!(body[key].as_str().unwrap().starts_with(start), "{body}");
    }

    #[test]
    fn nobody_else_is_mentioned() {
        let discord = |words: &str| {
            let spec = format!("discord,url=https://h/x,mention={words}");
            sent(&spec, &critical(), Form::Rich)["allowed_mentions"].clone()
        };
        assert_eq!(discord("17 &18"), json!({"parse": [], "users": ["17"], "roles": ["18"]}));
        assert_eq!(discord("here"), json!({"parse": ["everyone"], "users": [], "roles": []}));
        let teams = sent("teams,url=https://h/x,mention=a@b.test", &critical(), Form::Rich);
        assert_eq!(
            teams["attachments"][0]["content"]["msteams"]["entities"],
            json!([{"type": "mention", "text": "<at>a@b.test</at>", "mentioned": {"id": "a@b.test", "name": "a@b.test"}}])
        );
        let matrix = sent("matrix,url=https://h,token=t,room=!r:h,mention=@a:h", &critical(), Form::Rich);
        assert_eq!(matrix["m.mentions"], json!({"user_ids": ["@a:h"], "room": false}));
    }

    #[rstest]
    #[case::begins(EventKind::Firing, Severity::Warning, "", true)]
    #[case::below(EventKind::Firing, Severity::Warning, ",mention-min=critical", false)]
    #[case::at(EventKind::Worse, Severity::Critical, ",mention-min=critical", true)]
    #[case::info(EventKind::Firing, Severity::Info, "", false)]
    #[case::unknown(EventKind::Firing, Severity::Unknown, ",mention-min=unknown", true)]
    #[case::reminder(EventKind::Reminder, Severity::Warning, "", true)]
    #[case::without_memory(EventKind::Report, Severity::Warning, "", true)]
    #[case::better(EventKind::Better, Severity::Warning, "", false)]
    #[case::resolved(EventKind::Resolved, Severity::Critical, "", false)]
    #[case::test(EventKind::Test, Severity::Info, "", true)]
    fn only_for_what_is_there_and_grave(
        #[case] event: EventKind,
        #[case] severity: Severity,
        #[case] more: &str,
        #[case] expected: bool,
    ) {
        let message = Message { event, severity: Some(severity), ..critical() };
        let body = sent(&format!("slack,url=https://h/x,mention=here{more}"), &message, Form::Rich);
        assert_eq!(body["text"].as_str().unwrap().starts_with("<!here>"), expected, "{body}");
        let without = sent("slack,url=https://h/x", &message, Form::Rich);
        assert_eq!(body == without, !expected);
    }

    /// The longest message with the longest mention is within the limits of the services.
    #[rstest]
    #[case::telegram("telegram,token=1:a,chat=1,mention=@", "text", 4096)]
    #[case::discord("discord,url=https://h/x,mention=1", "content", 2000)]
    fn leave_room(
        #[case] spec: &str,
        #[case] key: &str,
        #[case] most: usize,
        #[values(Form::Rich, Form::Plain)] form: Form,
    ) {
        let item = crate::message::Item {
            code: "C".into(),
            severity: Severity::Critical,
            sentence: "<&>_*".repeat(100),
            title: String::new(),
            cause: String::new(),
            remedy: "&".repeat(300),
            command: None,
            link: "https://h/x".into(),
        };
        let huge = Message { items: vec![item; 12], ..critical() };
        let longest = MENTION_BYTES_MAX - spec.rsplit('=').next().unwrap().len();
        let body = sent(&format!("{spec}{}", "1".repeat(longest)), &huge, form);
        let length = crate::truncate::utf16_len(body[key].as_str().unwrap());
        assert!(length <= most && length > MENTION_BYTES_MAX, "{length}");
    }
}
