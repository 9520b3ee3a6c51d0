//! What each kind of line says.

use rstest::rstest;
use serde_json::{Value, json};
use supra_core::check::Status;

use super::*;

/// A line of a run that found a low deposit, or of one that did not get that far.
fn line(status: &str, code: Option<&str>, low: Option<bool>) -> Record {
    let remedy = json!({"text": "Deposit 236.25 SUPRA.", "command": "supra move tool run", "amount": "1"});
    let mut line = json!({
        "timestamp": "2026-03-01T12:00:00Z", "status": status, "funding": low.map(|low| json!({"low": low, "remedy": remedy})),
        "top_up": null, "spent_day": null, "spent_month": null, "exit_code": 0, "schema": "dvrf.fund/1", "run_id": "r",
        "level": "info", "event": "fund.x",
    });
    if let Some(code) = code {
        line["error"] = json!({"code": code, "message": "why", "hint": "the hint"});
    }
    if code == Some("NOT_CONFIRMED") || status == "topped_up" {
        line["top_up"] = json!({"amount": "23625000000", "balance_before": "1"});
    }
    serde_json::from_value(line).unwrap()
}

/// Status, error and whether the deposit is low; the level, the code and the sentence, and whether the top-up is decided.
#[rstest]
#[case::enough("enough", None, Some(false), "ok", "", "", true)]
#[case::topped_up("topped_up", None, Some(true), "info", "TOPPED_UP", "topped up 236.25 SUPRA", true)]
#[case::reconciled(
    "reconciled",
    None,
    Some(true),
    "info",
    "TOP_UP_RECONCILED",
    "an earlier top-up is settled; nothing was sent",
    true
)]
#[case::waiting("waiting", Some("COOLING_DOWN"), Some(true), "ok", "", "", false)]
#[case::submitting("submitting", None, Some(true), "ok", "", "", false)]
#[case::busy(
    "busy",
    Some("BUSY"),
    None,
    "warning",
    "FUND_BUSY",
    "another run holds the lock of the top-up",
    false
)]
#[case::limit(
    "refused",
    Some("MAX_AMOUNT"),
    Some(true),
    "critical",
    "MAX_AMOUNT",
    "the deposit is low and was not topped up: why",
    true
)]
#[case::before_reading(
    "refused",
    Some("LIMIT_MISSING"),
    None,
    "critical",
    "LIMIT_MISSING",
    "the deposit was not topped up: why",
    true
)]
#[case::not_low(
    "refused",
    Some("TARGET_TOO_LOW"),
    Some(false),
    "critical",
    "TARGET_TOO_LOW",
    "the deposit was not topped up: why",
    true
)]
#[case::not_sent(
    "failed",
    Some("NOT_SENT"),
    Some(true),
    "critical",
    "NOT_SENT",
    "the deposit is low and was not topped up: why",
    true
)]
#[case::in_doubt(
    "failed",
    Some("NOT_CONFIRMED"),
    Some(true),
    "critical",
    "NOT_CONFIRMED",
    "whether the top-up of 236.25 SUPRA arrived is not known: why",
    true
)]
#[case::open(
    "error",
    Some("INTENT_OPEN"),
    None,
    "unknown",
    "TOP_UP_UNDECIDED",
    "it could not be decided whether to top up: why",
    false
)]
#[case::unknown(
    "error",
    Some("UNKNOWN"),
    None,
    "unknown",
    "TOP_UP_UNDECIDED",
    "it could not be decided whether to top up: why",
    false
)]
fn lines(
    #[case] status: &str,
    #[case] code: Option<&str>,
    #[case] low: Option<bool>,
    #[case] level: &str,
    #[case] found: &str,
    #[case] sentence: &str,
    #[case] decided: bool,
) {
    let outcome = outcome(&line(status, code, low), Lang::En);
    let item = outcome.news.as_ref().or_else(|| outcome.problems.first()?.items.first());
    assert_eq!(
        (outcome.level().name(), item.map_or(("", ""), |item| (item.code.as_str(), item.sentence.as_str()))),
        (level, (found, sentence))
    );
    assert_eq!(outcome.checks.status != Status::Unknown, decided);
    let russian = super::outcome(&line(status, code, low), Lang::Ru);
    let item = russian.news.as_ref().or_else(|| russian.problems.first()?.items.first());
    assert!(item.is_none_or(|item| !item.sentence.is_ascii()), "{item:?}");
}

/// The command to deposit by hand is given only where nothing was deposited: a second deposit would cost the amount again.
#[rstest]
#[case::limit("refused", "MAX_AMOUNT", true)]
#[case::not_sent("failed", "NOT_SENT", true)]
#[case::transaction("failed", "TRANSACTION_FAILED", true)]
#[case::in_doubt("failed", "NOT_CONFIRMED", false)]
#[case::open("error", "INTENT_OPEN", false)]
#[case::busy("busy", "BUSY", false)]
fn the_command_by_hand(#[case] status: &str, #[case] code: &str, #[case] given: bool) {
    for lang in [Lang::En, Lang::Ru] {
        let outcome = outcome(&line(status, Some(code), Some(true)), lang);
        let item = &outcome.problems[0].items[0];
        assert_eq!(
            (item.command.is_some(), item.remedy.contains("Deposit 236.25")),
            (given, given),
            "{item:?}"
        );
    }
}

#[test]
fn a_line_that_cannot_be_read_is_reported() {
    let record: Record =
        serde_json::from_value::<Record>(json!({"schema": "dvrf.fund/1", "status": "invented"})).unwrap();
    let outcome = DrawOutcome::of(&record, Lang::En).unwrap();
    let sentence = &outcome.problems[0].items[0].sentence;
    assert!(
        sentence.starts_with("it could not be decided whether to top up: the line cannot be read"),
        "{sentence}"
    );
    let _: Value = record.to_value().unwrap();
}
