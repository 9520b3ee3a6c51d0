//! Messages in both languages, and what is kept when room is short.

use serde_json::json;

use super::*;
use supra_core::check::code::Code;

fn finding(code: Code, message: &str) -> Finding {
    Finding {
        code,
        severity: code.severity(),
        message: message.to_owned(),
        evidence: json!({}).as_object().cloned().unwrap_or_default(),
        help: code.help(),
    }
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
    let voice = Voice {
        title: "Supra dVRF".to_owned(),
        lang,
        runbook_base: "https://wiki.example/dvrf/".to_owned(),
        network: None,
    };
    let checks = checks();
    let policy = Policy { lang, ..Policy::default() };
    let mut message = voice.message("night lottery", &checks, &checks.findings);
    message.numbers = numbers(&checks, None, Some(7), &policy);
    message.event = Event::Reminder;
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
fn the_end_says_what_was_and_how_long() {
    let message = Message { event: Event::Resolved, status: Status::Ok, ..message(Lang::En) };
    let text = message.text();
    assert!(
        text.starts_with(
            "✅ Supra dVRF · night lottery: resolved after 2 d 3 h\n\n• was: the deposit is low\n\n"
        ),
        "{text}"
    );
    assert!(!text.contains("What to do"), "{text}");
    let blind = Message { blind: true, ..message };
    assert_eq!(blind.verdict(), "can be judged again after 2 d 3 h");
}

#[test]
fn what_is_not_known_is_not_a_number() {
    let bare = Checks { available_quants: None, ratio: None, requests_left: None, ..checks() };
    let labels: Vec<_> =
        numbers(&bare, None, None, &Policy::default()).into_iter().map(|(label, _)| label).collect();
    assert_eq!(labels, ["Minimum"]);
}

#[test]
fn facts_survive_where_findings_do_not() {
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
fn chain_text_is_one_plain_line() {
    let voice = Voice { title: "t".into(), lang: Lang::En, runbook_base: String::new(), network: None };
    let hostile = finding(Code::ModuleDisabled, "a\nb\u{202e}\u{1b}[31m");
    let message = voice.message("name\n@everyone", &checks(), &[hostile]);
    assert_eq!(message.subscription, "name @everyone");
    assert_eq!(message.items[0].sentence, "a b\\u{202e}\\u{1b}[31m");
    assert_eq!(message.link.as_deref(), Some("docs/checks.md#module_disabled"));
}

#[test]
fn spans() {
    for (seconds, text) in [
        (-5, "0 s"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3725, "1 h 2 min"),
        (86_400, "1 d"),
        (90_061, "1 d 1 h"),
    ] {
        assert_eq!(span(seconds, Lang::En), text);
    }
}

/// A memory that anybody could have written holds any time.
#[test]
fn no_time_is_too_far_away() {
    for since_s in [i64::MIN, i64::MAX] {
        let message = Message {
            event: Event::Reminder,
            since_s: Some(since_s),
            at_s: 1_800_000_000,
            ..Message::default()
        };
        assert!(message.headline().contains("for "), "{}", message.headline());
    }
}
