//! Sequences of verdicts and the alert events that they cause.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;
use supra_core::amount::Count;

fn finding(code: Code, threshold: Option<&str>) -> Finding {
    let evidence = threshold.map_or(json!({}), |t| json!({"threshold": t.parse::<Decimal>().unwrap()}));
    Finding {
        code,
        severity: code.severity(),
        message: "m".to_owned(),
        evidence: evidence.as_object().cloned().unwrap_or_default(),
        help: code.help(),
    }
}

fn checks(status: Status, balance: u128, findings: Vec<Finding>) -> Checks {
    Checks {
        status,
        severity: findings.iter().map(|finding| finding.severity).max(),
        findings,
        available_quants: Some(Quants(balance)),
        min_balance_onchain: Some(Quants(100)),
        ..Checks::default()
    }
}

/// The checks of a balance against a minimum of 100 and a warning tier of 2.
fn with_balance(balance: u128) -> Checks {
    match balance {
        0..=100 => checks(Status::Alert, balance, vec![finding(Code::DepositAtOrBelowMinBalance, None)]),
        101..200 => checks(Status::Alert, balance, vec![finding(Code::DepositBelowWarnTier, Some("2"))]),
        _ => checks(Status::Ok, balance, Vec::new()),
    }
}

fn unknown() -> Checks {
    checks(Status::Unknown, 0, vec![finding(Code::ValueUnknown, None)])
}

/// The events of runs that are ten minutes apart: run, event, and whether it is about an unknown status.
fn events(runs: &[Checks], rules: &AlertRules) -> Vec<(usize, &'static str, bool)> {
    let mut state = AlertState::new("s");
    let mut events = Vec::new();
    for (run, checks) in runs.iter().enumerate() {
        let now = 1_000_000 + 600 * i64::try_from(run).unwrap();
        for event in state.step(checks, now, rules) {
            events.push((run, event.kind.name(), event.is_unknown));
        }
        // Between two runs of the tool, the state is a file.
        state = AlertState::parse(&serde_json::to_vec(&state).unwrap(), "s").unwrap();
    }
    events
}

#[test]
fn one_alert_then_reminders_then_resolved() {
    let mut runs = vec![with_balance(500)];
    runs.extend(vec![with_balance(150); 50]);
    runs.extend(vec![with_balance(500); 5]);
    assert_eq!(
        events(&runs, &AlertRules::default()),
        [(1, "firing", false), (25, "reminder", false), (49, "reminder", false), (52, "resolved", false)]
    );
    let never = AlertRules { repeat_every_s: None, ..AlertRules::default() };
    assert_eq!(events(&runs, &never), [(1, "firing", false), (52, "resolved", false)]);
}

#[test]
fn a_deposit_near_the_limit_is_not_recovered() {
    // 205 is not low, but it is not clear of 200 plus a tenth either.
    let runs = [150, 205, 150, 219, 219, 219, 220, 219, 220, 220].map(with_balance);
    assert_eq!(events(&runs, &AlertRules::default()), [(0, "firing", false), (9, "resolved", false)]);
    let bare = AlertRules { clear_margin: Decimal::percent(0), resolve_after: 1, ..AlertRules::default() };
    let found = events(&runs[..4], &bare);
    let names: Vec<_> = found.iter().map(|(_, name, _)| *name).collect();
    assert_eq!(names, ["firing", "resolved", "firing", "resolved"]);
}

#[test]
fn the_limit_may_move_while_an_incident_is_open() {
    // The client lowered the chain's minimum instead of depositing: 150 is now far above it.
    let lowered = Checks { min_balance_onchain: Some(Quants(10)), ..with_balance(500) };
    let lowered = Checks { available_quants: Some(Quants(150)), ..lowered };
    let runs = [with_balance(150), lowered.clone(), lowered];
    assert_eq!(events(&runs, &AlertRules::default()), [(0, "firing", false), (2, "resolved", false)]);
}

#[test]
fn an_incident_gets_worse_once_and_better_only_when_resolved() {
    let module = |checks: Checks| {
        let mut findings = checks.findings.clone();
        findings.push(finding(Code::AggregatorNotSet, None));
        Checks { findings, ..checks }
    };
    let runs = [
        with_balance(150),
        with_balance(90),
        with_balance(150),
        with_balance(90),
        module(with_balance(150)),
        with_balance(150),
        module(with_balance(90)),
        with_balance(500),
        with_balance(500),
    ];
    assert_eq!(
        events(&runs, &AlertRules::default()),
        [(0, "firing", false), (1, "worse", false), (4, "worse", false), (8, "resolved", false)]
    );
}

#[test]
fn fire_after_counts_runs_in_a_row() {
    let rules = AlertRules { fire_after: 3, ..AlertRules::default() };
    let runs = [150, 150, 500, 150, 150, 150, 90, 150, 90, 90, 90].map(with_balance);
    assert_eq!(events(&runs, &rules), [(5, "firing", false), (10, "worse", false)]);
}

#[test]
fn an_unknown_status_keeps_the_incident_and_is_alerted_itself() {
    let runs = [
        with_balance(150),
        with_balance(500),
        unknown(),
        unknown(),
        unknown(),
        unknown(),
        with_balance(500),
        with_balance(500),
    ];
    assert_eq!(
        events(&runs, &AlertRules::default()),
        // The good run before the unknown ones and the good run after them count as two in a row.
        [(0, "firing", false), (4, "firing", true), (6, "resolved", true), (6, "resolved", false)]
    );
    assert_eq!(
        events(&[unknown(), unknown(), with_balance(500), unknown(), unknown()], &AlertRules::default()),
        []
    );
}

#[test]
fn a_clock_that_jumps_back_neither_suppresses_nor_repeats_alerts() {
    let mut state = AlertState::new("s");
    let mut events = |checks: &Checks, now| {
        let events = state.step(checks, now, &AlertRules::default()).into_iter();
        events.map(|event| (event.kind.name(), now - event.since_s)).collect::<Vec<_>>()
    };
    assert_eq!(events(&with_balance(150), 1_000_000), [("firing", 0)]);
    assert_eq!(events(&with_balance(150), 500_000), []);
    assert_eq!(events(&with_balance(150), 500_000 + 4 * 3600), [("reminder", 4 * 3600)]);
    assert_eq!(events(&with_balance(500), 400_000), []);
    assert_eq!(events(&with_balance(500), 400_600), [("resolved", 600)]);
}

#[rstest]
#[case::torn("{\"schema\":", "EOF")]
#[case::no_schema("{}", "its schema is \"\", this version writes dvrf.notify/1")]
#[case::other_version(
    r#"{"schema":"dvrf.notify/2"}"#,
    "its schema is \"dvrf.notify/2\", this version writes dvrf.notify/1"
)]
#[case::other_subscription(
    r#"{"schema":"dvrf.notify/1","subscription":"x"}"#,
    "it belongs to another subscription"
)]
fn unusable_files(#[case] text: &str, #[case] error: &str) {
    let found = AlertState::parse(text.as_bytes(), "s").unwrap_err();
    assert!(found.contains(error), "{found}");
}

/// The keys of the file are older than the names in the code.
#[test]
fn the_file_format_is_stable() {
    let mut state = AlertState::new("s");
    state.step(&with_balance(150), 0, &AlertRules::default());
    for run in 1..4 {
        state.step(&unknown(), 600 * run, &AlertRules::default());
    }
    state.request_history.hours_left(Some(Count(1)), None, 600);
    let refused = RefusedAddress { since_s: 1, address_hash: "h".to_owned(), gone: true };
    state.refused_addresses.insert("slack".to_owned(), refused);
    let mut file = serde_json::to_value(&state).unwrap();
    file["incident"]["findings"] = json!([]);
    assert_eq!(
        file,
        json!({
            "schema": "dvrf.notify/1", "subscription": "s", "sequence": 0,
            "incident": {
                "since_s": 0, "last_told_s": 0, "channels": [], "severity": "warning", "findings": [],
                "worse_runs": 0, "clear_ratio": 2, "clear_expected": false,
            },
            "blind": {"since_s": 1800, "last_told_s": 1800, "channels": []},
            "ended": null, "bad_runs": 1, "good_runs": 0, "unknown_runs": 3,
            "usage": [{"at_s": 600, "requests": "1"}], "outbox": [],
            "broken": {"slack": {"since_s": 1, "address": "h", "gone": true}},
        })
    );
}

proptest! {
    /// For any sequence of runs, an incident begins before it is resolved, is resolved once, and never by an unknown run.
    #[test]
    fn events_alternate(balances in proptest::collection::vec(prop_oneof![Just(None), (50u128..300).prop_map(Some)], 0..60)) {
        let runs: Vec<_> = balances.iter().map(|balance| balance.map_or_else(unknown, with_balance)).collect();
        for is_unknown in [false, true] {
            let mut open = false;
            let events = events(&runs, &AlertRules::default());
            for (run, name, _) in events.into_iter().filter(|(.., about_unknown)| *about_unknown == is_unknown) {
                match name {
                    "firing" => { prop_assert!(!open); open = true; }
                    "resolved" => {
                        prop_assert!(open);
                        open = false;
                        prop_assert!(balances[run].is_some());
                    }
                    _ => prop_assert!(open),
                }
            }
        }
    }
}
