//! Messages to chats and pagers, terminal output and plugin lines with arbitrary text from the chain and the operator:
//! the result is valid JSON within the services' limits, without hidden characters and without live markup.

#![no_main]

use std::sync::LazyLock;

use dvrf_check::nagios::{self, Host, PluginState};
use dvrf_cli::card::{Layout, card};
use dvrf_cli::channel::{Channel, parse};
use dvrf_cli::text::{Style, plain};
use dvrf_notify::message::{Message, MessageTemplate, numbers};
use dvrf_notify::notification::EventKind;
use dvrf_notify::payload::{Form, request};
use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use oracle::{number, one_plain_line, plain_lines, text};
use serde_json::{Map, Value};
use supra_core::amount::Quants;
use supra_core::check::code::Code;
use supra_core::check::{Checks, Finding, Policy, Severity, Status};
use supra_core::failure::quote;
use supra_core::lang::Lang;
use supra_core::report::{Report, SubscriptionId};

static CHANNELS: LazyLock<Vec<(&str, Channel)>> = LazyLock::new(|| {
    [
        ("slack", "slack,url=https://h.example/T/B/x"),
        ("teams", "teams,url=https://h.example/x"),
        ("discord", "discord,url=https://h.example/api/webhooks/1/x"),
        ("telegram", "telegram,token=1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,chat=-100"),
        ("pagerduty", "pagerduty,key=0123456789abcdef0123456789abcdef"),
        ("alertmanager", "alertmanager,url=http://h.example"),
        ("generic", "generic,url=https://h.example/x"),
    ]
    .into_iter()
    .map(|(kind, given)| (kind, parse::parse(given, &|_| Ok(None)).unwrap_or_else(|p| panic!("{p}"))))
    .collect()
});

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn message(u: &mut Unstructured) -> Message {
    let lang = if u.arbitrary().unwrap_or(false) { Lang::Ru } else { Lang::En };
    let status = *u.choose(&[Status::Ok, Status::Alert, Status::Unknown]).unwrap_or(&Status::Alert);
    let findings: Vec<Finding> = (0..u.int_in_range(0..=14).unwrap_or(0))
        .map(|_| {
            let row = u.choose(Code::ALL).unwrap_or(&Code::ALL[0]);
            Finding::new(row.0, row.2, text(u), Map::new(), lang)
        })
        .collect();
    let checks = Checks {
        status,
        severity: findings.iter().map(|finding| finding.severity).max(),
        findings: findings.clone(),
        available_quants: oracle::maybe(u, |u| Quants(number(u))),
        min_balance_onchain: oracle::maybe(u, |u| Quants(number(u))),
        ratio: None,
        ..Checks::default()
    };
    let template = MessageTemplate {
        title: text(u),
        lang,
        runbook_base: String::new(),
        network: None,
        host: String::new(),
    };
    let mut message =
        template.message(&text(u), &checks, findings.iter().map(|finding| template.item(finding)).collect());
    message.numbers = numbers(&checks, None, &Policy { lang, ..Policy::default() });
    message.event = *u
        .choose(&[
            EventKind::Report,
            EventKind::Firing,
            EventKind::Worse,
            EventKind::Better,
            EventKind::Reminder,
            EventKind::Resolved,
        ])
        .unwrap_or(&EventKind::Firing);
    message.id = "0123456789abcdef01234567".to_owned();
    message.incident = message.id.clone();
    message.at_s = 1_800_000_000;
    message.was = *u.choose(&[None, Some(Severity::Warning), Some(Severity::Critical)]).unwrap_or(&None);
    message.since_s = oracle::maybe(u, |u| u.arbitrary().unwrap_or(0));
    if u.arbitrary().unwrap_or(false) {
        message.record = Some(serde_json::json!({"profile": text(u), "deposit": {"balance": text(u)}}));
    }
    message
}

/// Slack's three special characters occur only as entities.
fn assert_slack(text: &str) {
    assert!(!text.contains(['<', '>']), "{text:?}");
    for (at, _) in text.match_indices('&') {
        let entity = ["&amp;", "&lt;", "&gt;"].iter().any(|entity| text[at..].starts_with(entity));
        assert!(entity, "{text:?}");
    }
}

/// Every special character of Markdown is escaped.
fn assert_markdown(text: &str) {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => assert!(chars.next().is_some(), "{text:?}"),
            c => assert!(!"`*_[]<>#|~".contains(c), "{c:?} in {text:?}"),
        }
    }
}

/// Telegram's HTML has one `<b>` pair, on the first line, and entities.
fn assert_html(text: &str) {
    let inside = text.strip_prefix("<b>").and_then(|rest| rest.split_once("</b>\n")).expect("a headline");
    for part in [inside.0, inside.1] {
        assert!(!part.contains(['<', '>', '"']), "{part:?}");
        for (at, _) in part.match_indices('&') {
            let entity =
                ["&amp;", "&lt;", "&gt;", "&quot;"].iter().any(|entity| part[at..].starts_with(entity));
            assert!(entity, "{part:?}");
        }
    }
}

fn at<'a>(body: &'a Value, pointer: &str) -> &'a str {
    body.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} of {body}"))
}

/// The text objects of a block: its own, its fields, its elements, and the labels of buttons.
fn slack_texts(block: &Value) -> Vec<&Value> {
    let many = |key: &str| block[key].as_array().into_iter().flatten();
    let elements =
        many("elements").map(|element| if element["type"] == "button" { &element["text"] } else { element });
    block.get("text").into_iter().chain(many("fields")).chain(elements).collect()
}

fn check(kind: &str, form: Form, body: &Value, bytes: usize) {
    match (kind, form) {
        ("slack", form) => {
            assert_slack(at(body, "/text"));
            assert!(units(at(body, "/text")) <= 4000 + 1201);
            assert_eq!(body.get("blocks").is_some(), form == Form::Rich);
            for block in body["blocks"].as_array().into_iter().flatten() {
                let texts = slack_texts(block);
                assert!(!texts.is_empty(), "{block}");
                for found in texts {
                    let words = at(found, "/text");
                    let most = if block["type"] == "header" { 150 } else { 3000 };
                    assert!(units(words) <= most, "{} units", units(words));
                    if found["type"] == "mrkdwn" {
                        assert_eq!(found["verbatim"], true);
                        assert_slack(words);
                        // An attached report is one fence from its beginning to its end.
                        if block["type"] == "section" && words.starts_with("```") {
                            assert!(words.ends_with("```") && words.matches("```").count() == 2, "{words:?}");
                        }
                    }
                }
            }
        }
        ("discord", Form::Rich) => {
            assert_markdown(at(body, "/embeds/0/title"));
            assert_markdown(at(body, "/embeds/0/description"));
            assert!(units(at(body, "/embeds/0/title")) <= 256);
            assert!(units(at(body, "/embeds/0/description")) <= 4096);
            assert_eq!(body["allowed_mentions"], serde_json::json!({"parse": []}));
        }
        ("discord", Form::Plain) => {
            assert_markdown(at(body, "/content"));
            assert!(units(at(body, "/content")) <= 2000);
            assert_eq!(body["allowed_mentions"], serde_json::json!({"parse": []}));
        }
        ("telegram", form) => {
            assert!(units(at(body, "/text")) <= 4096, "{}", units(at(body, "/text")));
            assert_eq!(body.get("parse_mode").is_some(), form == Form::Rich);
            if form == Form::Rich {
                assert_html(at(body, "/text"));
            }
        }
        ("teams", _) => {
            assert!(bytes <= 28_000, "{bytes} bytes");
            let card = &body["attachments"][0]["content"]["body"];
            for block in card.as_array().expect("blocks") {
                for words in [block.get("text")]
                    .into_iter()
                    .flatten()
                    .chain(block["facts"].as_array().into_iter().flatten().map(|fact| &fact["value"]))
                {
                    assert_markdown(words.as_str().expect("text"));
                }
            }
        }
        ("pagerduty", _) => {
            if let Some(summary) = body.pointer("/payload/summary").and_then(Value::as_str) {
                assert!(units(summary) <= 1024);
            }
            assert!(bytes < 512 * 1024);
        }
        _ => {}
    }
}

fuzz_target!(|data: &[u8]| {
    let mut u = Unstructured::new(data);
    let message = message(&mut u);
    one_plain_line(&message.headline(), 2000);
    plain_lines(&message.text());
    let now = jiff::Timestamp::from_second(1_800_000_100).expect("a time");
    if let Ok((kind, channel)) = u.choose(&CHANNELS) {
        for form in [Form::Rich, Form::Plain] {
            let request = request(channel, &message, form, now);
            let body: Value = serde_json::from_slice(&request.body).expect("JSON");
            let mut all = Vec::new();
            // An attached record is data: its strings may have any character.
            let carried = message.record.is_some();
            oracle::texts(&body, &mut all);
            if !carried {
                all.iter().for_each(|words| plain_lines(words));
            }
            check(kind, form, &body, request.body.len());
        }
    }

    // The same text on a terminal and in a plugin's line.
    let hostile = text(&mut u);
    one_plain_line(&plain(&hostile), hostile.len() * 10);
    one_plain_line(&quote(&hostile), 320);
    let mut checks =
        Checks { status: Status::Alert, severity: Some(Severity::Critical), ..Checks::default() };
    let row = &Code::ALL[0];
    checks.findings.push(Finding::new(row.0, row.2, hostile.clone(), Map::new(), Lang::En));
    let policy = Policy::default();
    let hosts: Vec<Host> = (0..u.int_in_range(1..=3).unwrap_or(1))
        .map(|_| Host::new(&text(&mut u), &checks, PluginState::Critical, &policy))
        .collect();
    let mut out = Vec::new();
    nagios::write(&hosts, &mut out).expect("memory");
    let said = String::from_utf8(out).expect("UTF-8");
    plain_lines(&said);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), if hosts.len() == 1 { 1 } else { hosts.len() + 1 });
    let bars = said.matches('|').count();
    assert_eq!(bars, 1, "performance data begins once: {said:?}");
    let (_, perfdata) = lines[0].split_once(" | ").expect("performance data");
    assert_eq!(perfdata.matches('\'').count(), hosts.len() * 6, "{perfdata:?}");
    let id = SubscriptionId { name: Some(hostile.clone()), ..SubscriptionId::default() };
    let report = Report { id, ..Report::default() };
    let now = jiff::Timestamp::UNIX_EPOCH;
    for verbose in [false, true] {
        let layout = Layout { style: Style::default(), width: 80, verbose, lang: Lang::En, now };
        let said = card(&report, &checks, &[], &layout);
        plain_lines(&said);
        assert!(said.starts_with("✖ "), "{said:?}");
    }
});
