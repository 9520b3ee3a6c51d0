//! Messages in both languages, and their truncation.

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::truncate::utf16_len;
use supra_core::check::code::Code;
use supra_core::forecast::{Basis, Confidence, Runway};

fn finding(code: Code, message: &str) -> Finding {
    Finding::new(code, code.severity(), message.to_owned(), serde_json::Map::new(), Lang::En)
}

fn checks() -> Checks {
    Checks {
        status: Status::Alert,
        severity: Some(Severity::Warning),
        findings: vec![finding(Code::DepositBelowWarnTier, "the deposit is low")],
        available_quants: Some(Quants(23_625_000_000)),
        min_balance_onchain: Some(Quants(15_750_000_000)),
        ratio: Some("1.50".to_owned()),
        requests_left: Some(supra_core::amount::Count(15)),
        ..Checks::default()
    }
}

fn message(lang: Lang) -> Message {
    let finding = |code: Code, text: &str| {
        Finding::new(code, code.severity(), text.to_owned(), serde_json::Map::new(), lang)
    };
    let template = MessageTemplate {
        title: "Supra dVRF".to_owned(),
        lang,
        runbook_base: "https://wiki.example/dvrf/".to_owned(),
        network: None,
        host: String::new(),
    };
    let findings = vec![finding(Code::DepositBelowWarnTier, "the deposit is low")];
    let runway = Runway {
        draws: None,
        seconds: 7 * 3600,
        at: None,
        per_day: None,
        grant: None,
        basis: Basis::Balance,
        confidence: Confidence::Medium,
    };
    let checks = Checks { findings, runway: Some(runway), ..checks() };
    let policy = Policy { lang, ..Policy::default() };
    let mut message = template.message(
        "night lottery",
        &checks,
        checks.findings.iter().map(|f| template.item(f)).collect(),
    );
    message.numbers = numbers(&checks, None, &policy);
    message.event = EventKind::Reminder;
    message.since_s = Some(1_764_000_000);
    message.at_s = 1_764_000_000 + 2 * 86_400 + 3 * 3600;
    message
}

#[test]
fn english() {
    assert_eq!(
        message(Lang::En).text(),
        "⚠️ night lottery: still, for 2 d 3 h: deposit is getting low\n\n\
         Do: Deposit soon.\n\n\
         Deposit: 236.25 SUPRA = 1.50 × minimum\n\
         Lasts at the recent rate: ≈ 7 h\n\
         Minimum: 157.5 SUPRA\n\
         Requests left: 15\n\
         Since: 2025-11-24 16:00 UTC\n\
         Runbook: https://wiki.example/dvrf/docs/fix.md#deposit_below_warn_tier\n"
    );
}

#[test]
fn russian() {
    assert_eq!(
        message(Lang::Ru).text(),
        "⚠️ night lottery: по-прежнему, уже 2 д 3 ч: депозит заканчивается\n\n\
         Что делать: Пополните депозит в ближайшее время.\n\n\
         Депозит: 236.25 SUPRA = 1.50 × минимум\n\
         Хватит при нынешнем темпе: ≈ 7 ч\n\
         Минимум: 157.5 SUPRA\n\
         Хватит на запросов: 15\n\
         С: 2025-11-24 16:00 UTC\n\
         Инструкция: https://wiki.example/dvrf/docs/fix.md#deposit_below_warn_tier\n"
    );
}

#[test]
fn a_resolved_message_has_the_old_findings_and_the_duration() {
    let message = Message { event: EventKind::Resolved, status: Status::Ok, ..message(Lang::En) };
    let text = message.text();
    assert!(
        text.starts_with(
            "✅ night lottery: resolved after 2 d 3 h: deposit is getting low\n\nWas: the deposit is low\n\n"
        ),
        "{text}"
    );
    assert!(!text.contains("Runbook") && !text.contains("dvrf explain"), "{text}");
    let unknown = Message { is_unknown: true, ..message };
    assert_eq!(unknown.status_text(), "status known again after 2 d 3 h");
}

/// What each change of a level says, in both languages.
#[rstest]
#[case::worse(EventKind::Worse, "worse: deposit is getting low", "стало хуже: депозит заканчивается")]
#[case::better(EventKind::Better, "better: deposit is getting low", "стало лучше: депозит заканчивается")]
fn changes_of_a_level(#[case] event: EventKind, #[case] en: &str, #[case] ru: &str) {
    for (lang, expected) in [(Lang::En, en), (Lang::Ru, ru)] {
        let message = Message { event, was: Some(Severity::Critical), ..message(lang) };
        assert_eq!(message.status_text(), expected);
        let since = message.since_text().unwrap();
        assert!(since.ends_with(&lang.pick("(was critical)", "(было критично)")), "{since}");
    }
}

/// Without a base URL there is no link, but the command that explains the code.
#[test]
fn a_link_needs_a_base_url() {
    let link = Some("docs/fix.md#deposit_below_warn_tier".to_owned());
    let text = Message { link, ..message(Lang::En) }.text();
    assert!(text.ends_with("More: dvrf explain DEPOSIT_BELOW_WARN_TIER\n"), "{text}");
}

#[test]
fn the_footer_says_where_it_comes_from() {
    let message =
        Message { host: "mon-1".into(), reminder_in_s: Some(14_400), id: "abc".into(), ..message(Lang::En) };
    assert_eq!(message.footer(), "Supra dVRF · from mon-1 · reminder in 4 h · dvrf-notify · abc");
}

#[test]
fn unknown_values_are_left_out() {
    let bare = Checks { available_quants: None, ratio: None, requests_left: None, ..checks() };
    let labels: Vec<_> =
        numbers(&bare, None, &Policy::default()).into_iter().map(|(label, _)| label).collect();
    assert_eq!(labels, ["Minimum"]);
}

#[test]
fn findings_are_cut_before_facts() {
    let mut message = message(Lang::En);
    let item = message.items[0].clone();
    message.items = (0..30).map(|n| Item { title: format!("finding {n} & more"), ..item.clone() }).collect();
    let whole = message.body(100_000, escape::verbatim, plain_command);
    assert!(whole.contains("\n… and 18 more\n"), "{whole}");
    for limit in [600, 1000, 4000] {
        let body = message.body(limit, escape::html, plain_command);
        assert!(utf16_len(&body) <= limit, "{limit}: {body}");
        assert!(
            body.contains("finding 1 &amp; more") && body.contains("Deposit: 236.25 SUPRA"),
            "{limit}: {body}"
        );
        assert!(body.ends_with("deposit_below_warn_tier"), "{limit}: {body}");
    }
    assert!(utf16_len(&message.body(50, escape::verbatim, plain_command)) <= 50);
}

#[test]
fn chain_text_becomes_one_plain_line() {
    let template = MessageTemplate {
        title: "t".into(),
        lang: Lang::En,
        runbook_base: String::new(),
        network: None,
        host: String::new(),
    };
    let hostile = finding(Code::ModuleDisabled, "a\nb\u{202e}\u{1b}[31m");
    let message = template.message("name\n@everyone", &checks(), vec![template.item(&hostile)]);
    assert_eq!(message.subscription, "name @everyone");
    assert_eq!(message.items[0].sentence, "a b\\u{202e}\\u{1b}[31m");
    assert_eq!(message.link.as_deref(), Some("docs/fix.md#module_disabled"));
}

/// State files may contain any time.
#[rstest]
fn extreme_times_do_not_overflow(#[values(i64::MIN, i64::MAX)] since_s: i64) {
    let message = Message {
        event: EventKind::Reminder,
        since_s: Some(since_s),
        at_s: 1_800_000_000,
        ..Message::default()
    };
    assert!(message.headline().contains("for "), "{}", message.headline());
}

/// The keys of an outbox file are older than some names in the code.
#[test]
fn the_outbox_format_is_stable() {
    let message = Message { record: Some(json!({})), numbers: Vec::new(), ..message(Lang::En) };
    let value = serde_json::to_value(&message).unwrap();
    let keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "id",
            "incident",
            "problem",
            "event",
            "status",
            "severity",
            "lang",
            "title",
            "subscription",
            "network",
            "blind",
            "at_s",
            "since_s",
            "items",
            "numbers",
            "link",
            "report"
        ]
    );
    let keys: Vec<_> = value["items"][0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["code", "severity", "sentence", "title", "advice", "link"]);
    assert_eq!(serde_json::from_value::<Message>(value).unwrap(), message);
}
