//! Messages in both languages, and their truncation.

use rstest::rstest;
use serde_json::json;

use super::*;
use supra_core::check::code::Code;

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
    let template = MessageTemplate {
        title: "Supra dVRF".to_owned(),
        lang,
        runbook_base: "https://wiki.example/dvrf/".to_owned(),
        network: None,
    };
    let checks = checks();
    let policy = Policy { lang, ..Policy::default() };
    let mut message = template.message(
        "night lottery",
        &checks,
        checks.findings.iter().map(|f| template.item(f)).collect(),
    );
    message.numbers = numbers(&checks, None, Some(7), &policy);
    message.event = EventKind::Reminder;
    message.since_s = Some(1_764_000_000);
    message.at_s = 1_764_000_000 + 2 * 86_400 + 3 * 3600;
    message
}

#[test]
fn english() {
    assert_eq!(
        message(Lang::En).text(),
        "⚠️ Supra dVRF · night lottery: still warning, for 2 d 3 h\n\n\
         • the deposit is low\n  → Deposit soon.\n\n\
         Deposit: 236.25 SUPRA (23 625 000 000 quants)\n\
         Minimum: 157.5 SUPRA (15 750 000 000 quants)\n\
         Deposit / minimum: 1.50\n\
         To reach 300 %: 236.25 SUPRA (23 625 000 000 quants)\n\
         Requests left: 15\n\
         Hours left at the recent rate: 7\n\
         Since: 2025-11-24T16:00:00Z\n\
         What to do: https://wiki.example/dvrf/docs/checks.md#deposit_below_warn_tier\n"
    );
}

#[test]
fn russian() {
    assert_eq!(
        message(Lang::Ru).text(),
        "⚠️ Supra dVRF · night lottery: всё ещё предупреждение, уже 2 д 3 ч\n\n\
         • the deposit is low\n  → Пополните депозит в ближайшее время.\n\n\
         Депозит: 236.25 SUPRA (23 625 000 000 quants)\n\
         Минимум: 157.5 SUPRA (15 750 000 000 quants)\n\
         Депозит / минимум: 1.50\n\
         До 300 % не хватает: 236.25 SUPRA (23 625 000 000 quants)\n\
         Осталось запросов: 15\n\
         Осталось часов при нынешнем темпе: 7\n\
         С: 2025-11-24T16:00:00Z\n\
         Что делать: https://wiki.example/dvrf/docs/checks.md#deposit_below_warn_tier\n"
    );
}

#[test]
fn a_resolved_message_has_the_old_findings_and_the_duration() {
    let message = Message { event: EventKind::Resolved, status: Status::Ok, ..message(Lang::En) };
    let text = message.text();
    assert!(
        text.starts_with(
            "✅ Supra dVRF · night lottery: resolved after 2 d 3 h\n\n• was: the deposit is low\n\n"
        ),
        "{text}"
    );
    assert!(!text.contains("What to do"), "{text}");
    let unknown = Message { is_unknown: true, ..message };
    assert_eq!(unknown.status_text(), "can be judged again after 2 d 3 h");
}

/// What each change of a level says, in both languages.
#[rstest]
#[case::worse(
    EventKind::Worse,
    Severity::Critical,
    Severity::Warning,
    "worse: CRITICAL",
    "стало хуже: КРИТИЧНО"
)]
#[case::better(
    EventKind::Better,
    Severity::Warning,
    Severity::Critical,
    "better: only a warning now, was CRITICAL",
    "стало лучше: теперь предупреждение, было КРИТИЧНО"
)]
#[case::planning(
    EventKind::Better,
    Severity::Info,
    Severity::Warning,
    "better: only a notice now, was warning",
    "стало лучше: теперь внимание, было предупреждение"
)]
#[case::not_refused_any_more(
    EventKind::Better,
    Severity::Critical,
    Severity::Critical,
    "better: still CRITICAL",
    "стало лучше: всё ещё КРИТИЧНО"
)]
fn changes_of_a_level(
    #[case] event: EventKind,
    #[case] severity: Severity,
    #[case] was: Severity,
    #[case] en: &str,
    #[case] ru: &str,
) {
    for (lang, expected) in [(Lang::En, en), (Lang::Ru, ru)] {
        let message = Message { event, severity: Some(severity), was: Some(was), ..message(lang) };
        assert_eq!(message.status_text(), expected);
    }
}

#[test]
fn unknown_values_are_left_out() {
    let bare = Checks { available_quants: None, ratio: None, requests_left: None, ..checks() };
    let labels: Vec<_> =
        numbers(&bare, None, None, &Policy::default()).into_iter().map(|(label, _)| label).collect();
    assert_eq!(labels, ["Minimum"]);
}

#[test]
fn findings_are_cut_before_facts() {
    let mut message = message(Lang::En);
    let item = message.items[0].clone();
    message.items =
        (0..30).map(|n| Item { sentence: format!("finding {n} & more"), ..item.clone() }).collect();
    let whole = message.body(100_000, escape::verbatim);
    assert!(whole.contains("\n… and 18 more\n"), "{whole}");
    for limit in [600, 1000, 4000] {
        let body = message.body(limit, escape::html);
        assert!(utf16_len(&body) <= limit, "{limit}: {body}");
        assert!(
            body.contains("finding 0 &amp; more") && body.contains("Deposit: 236.25 SUPRA"),
            "{limit}: {body}"
        );
        assert!(body.ends_with("deposit_below_warn_tier"), "{limit}: {body}");
    }
    assert!(utf16_len(&message.body(50, escape::verbatim)) <= 50);
}

#[test]
fn chain_text_becomes_one_plain_line() {
    let template =
        MessageTemplate { title: "t".into(), lang: Lang::En, runbook_base: String::new(), network: None };
    let hostile = finding(Code::ModuleDisabled, "a\nb\u{202e}\u{1b}[31m");
    let message = template.message("name\n@everyone", &checks(), vec![template.item(&hostile)]);
    assert_eq!(message.subscription, "name @everyone");
    assert_eq!(message.items[0].sentence, "a b\\u{202e}\\u{1b}[31m");
    assert_eq!(message.link.as_deref(), Some("docs/checks.md#module_disabled"));
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
    assert_eq!(keys, ["code", "severity", "sentence", "advice", "link"]);
    assert_eq!(serde_json::from_value::<Message>(value).unwrap(), message);
}
