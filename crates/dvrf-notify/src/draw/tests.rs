//! What each kind of line says.

use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn line(status: &str, added: &Value) -> Record {
    let mut line = json!({
        "timestamp": "2026-03-01T12:00:00Z", "execute": true, "commands": {"readiness": ["dvrf-draw"]},
        "readiness": null, "manual_draw": null, "status": status, "stderr": null, "readiness_exit_code": null,
        "exit_code": 0, "schema": "dvrf.draw/1", "run_id": "r", "level": "info", "event": "auto_draw.x",
    });
    for (key, value) in added.as_object().unwrap() {
        line[key] = value.clone();
    }
    serde_json::from_value(line).unwrap()
}

fn reasons(codes: &[&str]) -> Value {
    let reasons: Vec<Value> =
        codes.iter().map(|code| json!({"code": code, "message": "m", "known": true})).collect();
    json!({"readiness": {"ready": false, "reasons": reasons, "ticket_count": null, "min_tickets_required": 1,
        "draw_scheduled": null, "pending_request": null, "min_balance_reached": null, "aggregators": null, "round": null}})
}

/// Status, what is added, level, code, first words of the sentence, and whether the last draw is decided.
#[rstest]
#[case::executed("executed", json!({"manual_draw": {"nonce": "7", "round": "5"}}), "info", "DRAW_EXECUTED", "the draw was requested", true)]
#[case::answered(
    "executed",
    json!({"manual_draw": {"handled": {"handled": true, "waited_ms": 6120}}}),
    "info",
    "DRAW_EXECUTED",
    "the draw was requested and answered in 6.1 s",
    true
)]
#[case::not_answered(
    "executed",
    json!({"manual_draw": {"handled": {"handled": false, "waited_ms": 60_000}}}),
    "warning",
    "DRAW_NOT_HANDLED",
    "the draw was requested, and its answer did not come within 60.0 s",
    true
)]
#[case::failed(
    "manual_draw_failed",
    json!({"manual_draw": {"error": {"code": "NOT_SENT", "message": "no gas", "hint": "Fund it."}}}),
    "critical",
    "MANUAL_DRAW_FAILED",
    "the draw failed: no gas",
    true
)]
#[case::in_doubt(
    "manual_draw_failed",
    json!({"manual_draw": {"error": {"code": "NOT_CONFIRMED", "message": "timeout"}}}),
    "critical",
    "MANUAL_DRAW_FAILED",
    "whether the draw was requested is not known: timeout",
    true
)]
#[case::exhausted("not_ready", reasons(&["ATTEMPTS_EXHAUSTED"]), "critical", "ATTEMPTS_EXHAUSTED", "m", true)]
#[case::exhausted_error("error", reasons(&["ATTEMPTS_EXHAUSTED"]), "critical", "ATTEMPTS_EXHAUSTED", "m", true)]
#[case::redeployed("error", reasons(&["LOTTERY_REDEPLOYED"]), "critical", "LOTTERY_REDEPLOYED", "m", true)]
#[case::busy("busy", json!({}), "warning", "DRAW_BUSY", "another run holds the lock", false)]
#[case::error(
    "error",
    json!({"error": {"code": "UNKNOWN", "message": "no answer"}}),
    "unknown",
    "DRAW_UNDECIDED",
    "it could not be decided whether to draw: no answer",
    false
)]
#[case::reconciled("reconciled", json!({}), "info", "DRAW_RECONCILED", "the draw of an earlier run", true)]
#[case::not_due("not_ready", reasons(&["DRAW_NOT_SCHEDULED"]), "ok", "", "", true)]
#[case::cooling("not_ready", reasons(&["COOLING_DOWN"]), "ok", "", "", false)]
#[case::dry("ready_dry_run", json!({}), "ok", "", "", false)]
#[case::submitting("submitting", json!({}), "ok", "", "", false)]
#[case::of_a_later_version("invented", json!({}), "unknown", "DRAW_UNDECIDED", "it could not be decided", false)]
fn lines(
    #[case] status: &str,
    #[case] added: Value,
    #[case] level: &str,
    #[case] code: &str,
    #[case] sentence: &str,
    #[case] decided: bool,
) {
    let outcome = DrawOutcome::of(&line(status, &added), Lang::En).unwrap();
    assert_eq!(outcome.level().name(), level);
    let found = outcome.news.as_ref().or_else(|| outcome.problems.first()?.items.first());
    assert_eq!(found.map_or("", |item| item.code.as_str()), code);
    assert!(found.is_none_or(|item| item.sentence.starts_with(sentence)), "{found:?}");
    assert_eq!(outcome.checks.status != Status::Unknown, decided);
    let russian = DrawOutcome::of(&line(status, &added), Lang::Ru).unwrap();
    let found = russian.news.as_ref().or_else(|| russian.problems.first()?.items.first());
    assert!(found.is_none_or(|item| sentence == "m" || !item.sentence.is_ascii()), "{found:?}");
}

#[test]
fn other_records_are_no_lines() {
    for text in ["{}", r#"{"schema":"dvrf.record/1","state":{}}"#, r#"{"schema":7}"#] {
        let record: Record = serde_json::from_str(text).unwrap();
        assert!(DrawOutcome::of(&record, Lang::En).is_none(), "{text}");
    }
}

#[test]
fn numbers_are_those_of_the_draw() {
    let added = json!({"manual_draw": {"nonce": "7", "round": "5", "tx_hash": "0xab"}});
    let outcome = DrawOutcome::of(&line("executed", &added), Lang::En).unwrap();
    let expected = [("Round", "5"), ("Nonce", "7"), ("Transaction", "0xab")];
    assert_eq!(outcome.numbers, expected.map(|(label, value)| (label.to_owned(), value.to_owned())));
}
