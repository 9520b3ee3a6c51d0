//! The request of every kind of channel: shape, limits, escapes, addresses.

use rstest::rstest;
use serde_json::json;

use super::ping::{Signal, ping_request};
use super::*;
use crate::message::{Alert, Item};
use crate::notification::EventKind;
use crate::truncate::utf16_len;
use dvrf_cli::channel::parse::parse;
use supra_core::check::{Severity, Status};

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn channel(spec: &str) -> Channel {
    parse(spec, &|_| Ok(None)).unwrap_or_else(|problem| panic!("{problem}"))
}

fn message() -> Message {
    Message {
        id: "0123456789abcdef01234567".into(),
        incident: "feedfeedfeedfeedfeedfeed".into(),
        event: EventKind::Firing,
        status: Status::Alert,
        severity: Some(Severity::Critical),
        title: "Supra dVRF".into(),
        subscription: "<!channel> & co".into(),
        at_s: 1_799_999_990,
        since_s: Some(1_799_999_000),
        items: vec![Item {
            code: "DEPOSIT_AT_OR_BELOW_MIN_BALANCE".into(),
            severity: Severity::Critical,
            sentence: "the deposit [is](http://evil) <low>".into(),
            title: String::new(),
            cause: "because".into(),
            remedy: "Deposit now.\nDraw again.".into(),
            command: Some("supra `run` <1>".into()),
            link: "https://wiki.example/docs/fix.md#x".into(),
        }],
        numbers: vec![("Deposit".into(), "1 SUPRA (100 000 000 quants)".into())],
        link: Some("https://wiki.example/docs/fix.md#x".into()),
        ..Message::default()
    }
}

/// The largest message that the other modules can create, of characters that get longer when escaped.
fn huge() -> Message {
    let item = Item { sentence: "<&>_*".repeat(100), remedy: "&".repeat(300), ..message().items[0].clone() };
    Message {
        items: vec![item; 12],
        subscription: "_".repeat(80),
        title: "\u{1F6A8}".repeat(40),
        ..message()
    }
}

fn body(spec: &str, message: &Message, form: Form) -> Value {
    serde_json::from_slice(&request(&channel(spec), message, form, now()).body).unwrap()
}

const SLACK: &str = "slack,url=https://hooks.example/T/B/x";

#[test]
fn slack_blocks_and_fallback() {
    let sent = body(SLACK, &message(), Form::Rich);
    assert_eq!(
        sent["blocks"][0],
        json!({"type": "header", "text": {"type": "plain_text", "emoji": true,
               "text": "🚨 <!channel> & co: the deposit [is](http://evil) <low>"}})
    );
    assert_eq!(
        sent["blocks"][1]["text"]["text"],
        "Cause: because\nDo: 1. Deposit now.\n`supra 'run' &lt;1&gt;`\n2. Draw again."
    );
    let fields = &sent["blocks"][2]["fields"];
    assert_eq!(fields[0]["text"], "*Deposit*\n1 SUPRA (100 000 000 quants)");
    assert_eq!(fields[1]["text"], "*Since*\n2027-01-15 07:43 UTC");
    let button = &sent["blocks"][3]["elements"][0];
    assert_eq!(button["url"], "https://wiki.example/docs/fix.md#x");
    assert_eq!(sent["blocks"].as_array().unwrap().len(), 5);
    let text = sent["text"].as_str().unwrap();
    assert!(
        text.starts_with(
            "🚨 &lt;!channel&gt; &amp; co: the deposit [is](http://evil) &lt;low&gt;\nCause: because\n"
        ),
        "{text}"
    );
    assert_eq!(body(SLACK, &message(), Form::Plain), json!({"text": text}));
}

#[test]
fn slack_limits_and_the_attached_record() {
    let large = Message { record: Some(json!({"a": "<".repeat(9000)})), ..message() };
    for (message, count) in [(huge(), 5), (large, 6)] {
        let sent = body(SLACK, &message, Form::Rich);
        let blocks = sent["blocks"].as_array().unwrap();
        assert_eq!(blocks.len(), count);
        for block in &blocks[5..] {
            assert_eq!(block["text"]["text"], "```the report is too long for this message```");
        }
        assert!(utf16_len(blocks[0]["text"]["text"].as_str().unwrap()) <= 150);
        assert!(utf16_len(blocks[1]["text"]["text"].as_str().unwrap()) <= 3000);
        assert!(sent["text"].as_str().unwrap().len() < 40_000);
        assert!(sent.to_string().len() < 13_000 * 2);
    }
    let small = Message { record: Some(json!({"a": "```<"})), ..message() };
    let sent = body(SLACK, &small, Form::Rich);
    let report = "```{\n  \"a\": \"'''&lt;\"\n}```";
    assert_eq!(sent["blocks"][5]["text"]["text"], report);
    assert!(sent["text"].as_str().unwrap().ends_with(report), "for servers that know no blocks");
}

/// A record that is too long is attached by the keys of the old report, in pieces that the receiver takes.
#[test]
fn a_long_record_is_attached_by_its_old_keys() {
    let record = json!({"profile": "p", "lottery": {"status": vec!["0x1"; 300]}, "views": "x".repeat(9000)});
    let message = Message { record: Some(record), ..message() };
    let slack = body(SLACK, &message, Form::Rich);
    let pieces: Vec<&str> = slack["blocks"].as_array().unwrap()[5..]
        .iter()
        .map(|block| block["text"]["text"].as_str().unwrap())
        .collect();
    assert!(pieces.iter().all(|piece| utf16_len(piece) <= 3000), "{pieces:?}");
    let whole: String = pieces.iter().map(|piece| piece.trim_matches('`')).collect();
    let attached: Value = serde_json::from_str(&whole).unwrap();
    assert_eq!((&attached["profile"], &attached["views"]), (&json!("p"), &Value::Null));
    let teams = body("teams,url=https://h/x", &message, Form::Rich);
    let blocks = teams["attachments"][0]["content"]["body"].as_array().unwrap();
    assert!(blocks.iter().any(|block| block["fontType"] == "Monospace"), "{teams}");
}

#[test]
fn teams_card() {
    let sent = body("teams,url=https://h/x", &message(), Form::Rich);
    let card = &sent["attachments"][0];
    assert_eq!(sent["type"], "message");
    assert_eq!(card["contentType"], "application/vnd.microsoft.card.adaptive");
    assert_eq!((card["contentUrl"].clone(), &card["content"]["version"]), (Value::Null, &json!("1.2")));
    assert_eq!(
        card["content"]["body"][0]["text"],
        "🚨 \\<!channel\\> & co: the deposit \\[is\\](http://evil) \\<low\\>"
    );
    assert_eq!(card["content"]["body"][0]["color"], "Attention");
    assert_eq!(card["content"]["body"][1]["text"], "Cause: because");
    assert_eq!(card["content"]["body"][3]["text"], "supra \\`run\\` \\<1\\>");
    let open =
        json!([{"type": "Action.OpenUrl", "title": "Runbook", "url": "https://wiki.example/docs/fix.md#x"}]);
    assert_eq!(card["content"]["actions"], open);
    assert_eq!(
        card["content"]["body"][5],
        json!({"type": "FactSet", "facts": [{"title": "Deposit", "value": "1 SUPRA (100 000 000 quants)"}]})
    );
    assert!(request(&channel("teams,url=https://h/x"), &huge(), Form::Rich, now()).body.len() < 28_000);
}

#[test]
fn discord_embed() {
    let sent = body("discord,url=https://h/x", &message(), Form::Rich);
    assert_eq!(sent["allowed_mentions"], json!({"parse": []}));
    let embed = &sent["embeds"][0];
    assert_eq!(embed["color"], 0x00cc_2936);
    assert_eq!(embed["url"], "https://wiki.example/docs/fix.md#x");
    assert_eq!(embed["timestamp"], "2027-01-15T07:59:50Z");
    assert_eq!(
        embed["fields"],
        json!([{"name": "Deposit", "value": "1 SUPRA (100 000 000 quants)", "inline": true}])
    );
    assert!(embed["description"].as_str().unwrap().contains("`supra 'run' <1>`"), "{embed}");
    let sent = body("discord,url=https://h/x", &huge(), Form::Rich);
    assert!(utf16_len(sent["embeds"][0]["title"].as_str().unwrap()) <= 256);
    assert!(utf16_len(sent["embeds"][0]["description"].as_str().unwrap()) <= 4096);
    let plain = body("discord,url=https://h/x", &huge(), Form::Plain);
    assert!(utf16_len(plain["content"].as_str().unwrap()) <= 2000);
}

#[test]
fn telegram_html() {
    let spec = "telegram,token=12:ab,chat=-100,url=https://h/";
    assert_eq!(
        request(&channel(spec), &message(), Form::Rich, now()).url.reveal(),
        "https://h/bot12:ab/sendMessage"
    );
    let sent = body(spec, &message(), Form::Rich);
    assert_eq!((&sent["chat_id"], &sent["parse_mode"]), (&json!("-100"), &json!("HTML")));
    let text = sent["text"].as_str().unwrap();
    assert!(
        text.starts_with(
            "<b>🚨 &lt;!channel&gt; &amp; co: the deposit [is](http://evil) &lt;low&gt;</b>\nCause: because\n"
        ),
        "{text}"
    );
    for form in [Form::Rich, Form::Plain] {
        let sent = body(spec, &huge(), form);
        assert!(utf16_len(sent["text"].as_str().unwrap()) <= 4096);
        assert_eq!(sent.get("parse_mode").is_some(), form == Form::Rich);
    }
}

#[test]
fn pagerduty_trigger_and_resolve() {
    let spec = "pagerduty,key=R0UT1NG";
    assert_eq!(
        request(&channel(spec), &message(), Form::Rich, now()).url.reveal(),
        "https://events.pagerduty.com/v2/enqueue"
    );
    let sent = body(spec, &message(), Form::Rich);
    assert_eq!(
        sent,
        json!({
            "routing_key": "R0UT1NG", "event_action": "trigger", "dedup_key": "dvrf-feedfeedfeedfeedfeedfeed",
            "payload": {
                "summary": "🚨 <!channel> & co: the deposit [is](http://evil) <low>: because",
                "source": "<!channel> & co", "severity": "critical", "timestamp": "2027-01-15T07:59:50Z",
                "component": "supra-dvrf", "group": null, "class": "DEPOSIT_AT_OR_BELOW_MIN_BALANCE",
                "custom_details": {"Deposit": "1 SUPRA (100 000 000 quants)",
                    "DEPOSIT_AT_OR_BELOW_MIN_BALANCE": "the deposit [is](http://evil) <low>\n1. Deposit now.\nsupra `run` <1>\n2. Draw again."},
            },
            "links": [{"href": "https://wiki.example/docs/fix.md#x", "text": "runbook"}],
        })
    );
    let resolved = json!({"routing_key": "R0UT1NG", "event_action": "resolve", "dedup_key": "dvrf-feedfeedfeedfeedfeedfeed"});
    for (event, status) in [(EventKind::Resolved, Status::Ok), (EventKind::Report, Status::Ok)] {
        assert_eq!(body(spec, &Message { event, status, ..message() }, Form::Rich), resolved);
    }
    let unknown = body(spec, &Message { status: Status::Unknown, ..message() }, Form::Rich);
    assert_eq!(unknown["payload"]["severity"], "warning");
    assert!(utf16_len(body(spec, &huge(), Form::Rich)["payload"]["summary"].as_str().unwrap()) <= 1024);
}

#[test]
fn alertmanager_alerts() {
    let spec = "alertmanager,url=http://h:9093,every=5m";
    for pasted in ["", "/", "/api/v2/alerts", "/api/v2/alerts/", "/api/v2", "/#/alerts", "/#/silences"] {
        let spec = &format!("alertmanager,url=http://h:9093{pasted},every=5m");
        let request = request(&channel(spec), &message(), Form::Rich, now());
        assert_eq!(request.url.reveal(), "http://h:9093/api/v2/alerts", "{spec}");
    }
    assert_eq!(
        request(&channel(spec), &message(), Form::Rich, now()).url.reveal(),
        "http://h:9093/api/v2/alerts"
    );
    let alert = |ended_s| Alert {
        problem: "deposit".to_owned(),
        item: message().items[0].clone(),
        since_s: 1_799_999_000,
        ended_s,
    };
    let sent = body(spec, &Message { alerts: vec![alert(None)], ..message() }, Form::Rich);
    assert_eq!(
        sent,
        json!([{
            "labels": {"alertname": "SupraDvrf", "code": "DEPOSIT_AT_OR_BELOW_MIN_BALANCE",
                       "problem": "deposit", "severity": "critical", "subscription": "<!channel> & co"},
            "annotations": {"summary": "🚨 <!channel> & co: the deposit [is](http://evil) <low>",
                "description": "the deposit [is](http://evil) <low>\n1. Deposit now.\nsupra `run` <1>\n2. Draw again.",
                "runbook_url": "https://wiki.example/docs/fix.md#x"},
            "startsAt": "2027-01-15T07:43:20Z", "endsAt": "2027-01-15T08:15:00Z",
            "generatorURL": "https://wiki.example/docs/fix.md#x",
        }])
    );
    // Each alert is about its own problem, whatever the message begins with.
    let other = Item {
        title: "gas settings are zero".into(),
        severity: Severity::Warning,
        ..message().items[0].clone()
    };
    let two = vec![alert(None), Alert { item: other, ..alert(None) }];
    let sent = body(spec, &Message { alerts: two, ..message() }, Form::Rich);
    assert_eq!(sent[1]["annotations"]["summary"], "⚠️ <!channel> & co: gas settings are zero");
    let ended = alert(Some(1_799_999_990));
    let resolved = body(spec, &Message { alerts: vec![ended.clone()], ..message() }, Form::Rich);
    assert_eq!(resolved[0]["endsAt"], "2027-01-15T07:59:50Z");
    // An alert that ends within the second in which it began: its end must stay in the past to be accepted.
    let sudden = Alert { since_s: 1_799_999_990, ..ended };
    let sudden = body(spec, &Message { alerts: vec![sudden], ..message() }, Form::Rich);
    assert_eq!(
        (&sudden[0]["startsAt"], &sudden[0]["endsAt"]),
        (&json!("2027-01-15T07:59:49Z"), &json!("2027-01-15T07:59:50Z"))
    );
    // Usual routes know no severity "unknown".
    let item = Item { severity: Severity::Unknown, ..message().items[0].clone() };
    let unread = Alert { item, ..alert(None) };
    let unread = body(spec, &Message { alerts: vec![unread], ..message() }, Form::Rich);
    assert_eq!(
        (&unread[0]["labels"]["severity"], &unread[0]["labels"]["status"]),
        (&json!("warning"), &json!("unknown"))
    );
    // A host without a clock: Alertmanager uses its own.
    let born = Timestamp::from_second(600).unwrap();
    let sent = Message { alerts: vec![alert(None)], ..message() };
    let sent = request(&channel(spec), &sent, Form::Rich, born).body;
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    assert!(sent[0].get("startsAt").is_none() && sent[0].get("endsAt").is_none(), "{sent}");
}

#[test]
fn generic_keeps_the_old_shape_and_signs() {
    let key = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";
    let spec = format!("generic,url=https://h/x,secret={key} {key}");
    let with_record = Message { record: Some(json!({"lottery_addr": "0x1"})), ..message() };
    let sent = body(&spec, &with_record, Form::Rich);
    let keys: Vec<&String> = sent.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "message",
            "data",
            "status",
            "id",
            "event",
            "verdict",
            "severity",
            "subscription",
            "incident",
            "problem"
        ]
    );
    assert_eq!((&sent["data"], &sent["status"]), (&json!({"lottery_addr": "0x1"}), &json!(1)));
    assert_eq!(sent["message"], message().text());
    let headers = |spec: &str, now: Timestamp| -> Vec<(String, String)> {
        let request = super::request(&channel(spec), &message(), Form::Rich, now);
        request.headers.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned())).collect()
    };
    let signed = headers(&spec, now());
    assert_eq!(signed[0], ("webhook-id".to_owned(), message().id));
    assert_eq!(signed[1], ("idempotency-key".to_owned(), message().id));
    assert_eq!(signed[2], ("webhook-timestamp".to_owned(), "1800000000".to_owned()));
    let signatures: Vec<&str> = signed[3].1.split(' ').collect();
    assert!(signatures.len() == 2 && signatures[0] == signatures[1] && signatures[0].starts_with("v1,"));
    // A later attempt has the same id and a new signature.
    let later = headers(&spec, Timestamp::from_second(1_800_000_007).unwrap());
    assert!(later[..2] == signed[..2] && later[2] != signed[2] && later[3] != signed[3]);
    assert_eq!(headers("generic,url=https://h/x", now()).len(), 3);
    let large = Message { record: Some(json!("x".repeat(30_000))), ..message() };
    let request = super::request(&channel(&spec), &large, Form::Rich, now());
    assert!(request.body.len() < 20_000);
    let sent: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!((&sent["data"], &sent["data_left_out"]), (&Value::Null, &json!(true)));
    let resolved = Message { event: EventKind::Resolved, status: Status::Ok, ..message() };
    assert_eq!(body(&spec, &resolved, Form::Rich)["status"], 0);
}

#[rstest]
#[case::start("ping,url=https://hc.example/uuid", Signal::Start, "https://hc.example/uuid/start?")]
#[case::ok("ping,url=https://hc.example/uuid/", Signal::Ok, "https://hc.example/uuid?")]
#[case::fail_with_query(
    "ping,url=https://hc.example/uuid?a=1",
    Signal::Fail,
    "https://hc.example/uuid/fail?a=1&"
)]
fn ping_addresses(#[case] spec: &str, #[case] signal: Signal, #[case] address: &str) {
    let request = ping_request(&channel(spec), signal, "0123456789abcdef01234567", "last lines");
    let rid = "rid=01234567-89ab-cdef-0123-456700000000";
    assert_eq!(request.url.reveal(), format!("{address}{rid}"));
}

/// Chats have no field by which they drop a duplicate: people see the id.
#[test]
fn chats_show_the_id() {
    for spec in [SLACK, "teams,url=https://h/x", "discord,url=https://h/x", "telegram,token=1:A,chat=-100"] {
        let sent = body(spec, &message(), Form::Rich).to_string();
        assert!(sent.contains("dvrf-notify · 0123456789abcdef01234567"), "{spec}: {sent}");
    }
}

/// What all requests but the chats' have in common, with a body of JSON.
fn sent(spec: &str, message: &Message) -> (Method, String, Option<String>, Value) {
    let request = request(&channel(spec), message, Form::Rich, now());
    let authorization = request.headers.iter().find(|(name, _)| name == "Authorization");
    let body = serde_json::from_slice(&request.body).unwrap();
    let authorization = authorization.map(|(_, value)| value.reveal().to_owned());
    (request.method, request.url.reveal().to_owned(), authorization, body)
}

#[test]
fn opsgenie_creates_raises_and_closes() {
    let spec = "opsgenie,key=K3Y,url=https://api.eu.opsgenie.com/";
    let (method, url, authorization, body) = sent(spec, &message());
    assert_eq!((method, url.as_str()), (Method::Post, "https://api.eu.opsgenie.com/v2/alerts"));
    assert_eq!(authorization.as_deref(), Some("GenieKey K3Y"));
    assert_eq!(
        body,
        json!({
            "message": "🚨 <!channel> & co: the deposit [is](http://evil) <low>",
            "alias": "dvrf-feedfeedfeedfeedfeedfeed",
            "description": "Cause: because\nDo: 1. Deposit now.\n   supra `run` <1>\n2. Draw again.\n\nDeposit: 1 SUPRA (100 000 000 quants)\nSince: 2027-01-15 07:43 UTC\nRunbook: https://wiki.example/docs/fix.md#x",
            "entity": "<!channel> & co", "source": "dvrf-notify", "priority": "P1",
            "tags": ["DEPOSIT_AT_OR_BELOW_MIN_BALANCE"],
            "details": {"Deposit": "1 SUPRA (100 000 000 quants)"},
        })
    );
    assert!(utf16_len(sent(spec, &huge()).3["message"].as_str().unwrap()) <= 130);
    assert!(utf16_len(sent(spec, &huge()).3["description"].as_str().unwrap()) <= 15_000);
    let alert = "https://api.opsgenie.com/v2/alerts/dvrf-feedfeedfeedfeedfeedfeed";
    let worse = Message { event: EventKind::Worse, ..message() };
    let raised = follow_up(&channel("opsgenie,key=K3Y"), &worse).unwrap();
    assert_eq!(
        (raised.method, raised.url.reveal()),
        (Method::Put, &*format!("{alert}/priority?identifierType=alias"))
    );
    assert_eq!(raised.body, b"{\"priority\":\"P1\"}");
    assert!(follow_up(&channel("opsgenie,key=K3Y"), &message()).is_none());
    assert!(follow_up(&channel("pagerduty,key=K3Y"), &worse).is_none());
    let over = Message { event: EventKind::Resolved, status: Status::Ok, ..message() };
    let (_, url, _, body) = sent("opsgenie,key=K3Y", &over);
    assert_eq!(url, format!("{alert}/close?identifierType=alias"));
    assert_eq!(body["source"], "dvrf-notify");
}

#[test]
fn matrix_events_carry_their_id() {
    let spec = "matrix,url=https://m.example/,token=T0K,room=!a/b:m.example";
    let (method, url, authorization, body) = sent(spec, &message());
    assert_eq!(method, Method::Put);
    assert_eq!(
        url,
        "https://m.example/_matrix/client/v3/rooms/%21a%2Fb%3Am%2Eexample/send/m.room.message/0123456789abcdef01234567"
    );
    assert_eq!(authorization.as_deref(), Some("Bearer T0K"));
    assert_eq!((&body["msgtype"], &body["m.mentions"]), (&json!("m.text"), &json!({})));
    let formatted = body["formatted_body"].as_str().unwrap();
    let begin = "<strong>🚨 &lt;!channel&gt; &amp; co: the deposit [is](http://evil) &lt;low&gt;</strong><br>Cause: because<br>Do: 1. Deposit now.<br><code>supra `run` &lt;1&gt;</code><br>";
    assert!(formatted.starts_with(begin), "{formatted}");
    assert!(
        body["body"]
            .as_str()
            .unwrap()
            .starts_with("🚨 <!channel> & co: the deposit [is](http://evil) <low>\n")
    );
    assert!(request(&channel(spec), &huge(), Form::Rich, now()).body.len() < 65_000);
}

#[test]
fn ntfy_publishes_to_the_topic_of_the_url() {
    let (method, url, authorization, body) =
        sent("ntfy,url=https://ntfy.example/dvrf_1,token=tk_1", &message());
    assert_eq!((method, url.as_str()), (Method::Post, "https://ntfy.example/"));
    assert_eq!(authorization.as_deref(), Some("Bearer tk_1"));
    assert_eq!(
        body,
        json!({
            "topic": "dvrf_1", "priority": 5, "click": "https://wiki.example/docs/fix.md#x",
            "title": "🚨 <!channel> & co: the deposit [is](http://evil) <low>",
            "message": "Cause: because\nDo: 1. Deposit now.\n   supra `run` <1>\n2. Draw again.\n\nDeposit: 1 SUPRA (100 000 000 quants)\nSince: 2027-01-15 07:43 UTC\nRunbook: https://wiki.example/docs/fix.md#x\n\nSupra dVRF · dvrf-notify · 0123456789abcdef01234567",
        })
    );
    assert_eq!(sent("ntfy,url=https://ntfy.sh/t", &message()).2, None);
    let cyrillic = Item { remedy: "я".repeat(300), ..message().items[0].clone() };
    let cyrillic = Message { items: vec![cyrillic; 12], ..message() };
    for message in [huge(), cyrillic] {
        let body = sent("ntfy,url=https://ntfy.sh/t", &message).3;
        assert!(body["message"].as_str().unwrap().len() <= 4096);
        assert!(body["message"].as_str().unwrap().ends_with("0123456789abcdef01234567"), "the id is kept");
    }
}

#[rstest]
#[case::critical(EventKind::Firing, Status::Alert, Some(Severity::Critical), 5)]
#[case::warning(EventKind::Reminder, Status::Alert, Some(Severity::Warning), 4)]
#[case::unknown(EventKind::Firing, Status::Unknown, Some(Severity::Unknown), 4)]
#[case::info(EventKind::Firing, Status::Alert, Some(Severity::Info), 3)]
#[case::resolved(EventKind::Resolved, Status::Ok, Some(Severity::Critical), 3)]
#[case::test(EventKind::Test, Status::Ok, None, 3)]
fn ntfy_priorities(
    #[case] event: EventKind,
    #[case] status: Status,
    #[case] severity: Option<Severity>,
    #[case] priority: u8,
) {
    let message = Message { event, status, severity, ..message() };
    assert_eq!(sent("ntfy,url=https://ntfy.sh/t", &message).3["priority"], priority);
}

#[rstest]
fn mattermost_and_rocketchat_attachments(#[values("mattermost", "rocketchat")] kind: &str) {
    let spec = format!("{kind},url=https://chat.example/hooks/x");
    let mentioning = Message { subscription: "@all".into(), ..message() };
    let (_, url, _, body) = sent(&spec, &mentioning);
    assert_eq!(url, "https://chat.example/hooks/x");
    let headline = "🚨 @\u{200b}all: the deposit \\[is\\](http://evil) \\<low\\>";
    assert_eq!(
        body,
        json!({
            "text": headline,
            "attachments": [{
                "fallback": headline, "color": "#cc2936",
                "text": "Cause: because\nDo: 1. Deposit now.\n`supra 'run' <1>`\n2. Draw again.\n\nSince: 2027-01-15 07:43 UTC\nRunbook: https://wiki.example/docs/fix.md\\#x",
                "fields": [{"title": "Deposit", "value": "1 SUPRA (100 000 000 quants)", "short": true}],
                "footer": "Supra dVRF · dvrf-notify · 0123456789abcdef01234567",
            }],
        })
    );
    let plain = self::body(&spec, &huge(), Form::Plain);
    assert!(utf16_len(plain["text"].as_str().unwrap()) <= 4500 && plain.get("attachments").is_none());
}

#[test]
fn telegram_topics() {
    let sent = body("telegram,token=12:ab,chat=-100,topic=7", &message(), Form::Rich);
    assert_eq!((&sent["chat_id"], &sent["message_thread_id"]), (&json!("-100"), &json!(7)));
    assert!(
        body("telegram,token=12:ab,chat=-100", &message(), Form::Plain).get("message_thread_id").is_none()
    );
}
