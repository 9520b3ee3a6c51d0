//! Sequences of runs, and the events they make.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const RULES: fn() -> Rules = Rules::default;

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

fn verdict(status: Status, balance: u128, findings: Vec<Finding>) -> Checks {
    Checks {
        status,
        severity: findings.iter().map(|finding| finding.severity).max(),
        findings,
        available_quants: Some(Quants(balance)),
        min_balance_onchain: Some(Quants(100)),
        ..Checks::default()
    }
}

/// The verdict on a balance against a minimum of 100 and a warning tier of 2.
fn on(balance: u128) -> Checks {
    match balance {
        0..=100 => verdict(Status::Alert, balance, vec![finding(Code::DepositAtOrBelowMinBalance, None)]),
        101..200 => verdict(Status::Alert, balance, vec![finding(Code::DepositBelowWarnTier, Some("2"))]),
        _ => verdict(Status::Ok, balance, Vec::new()),
    }
}

fn unknown() -> Checks {
    verdict(Status::Unknown, 0, vec![finding(Code::ValueUnknown, None)])
}

/// The events of runs ten minutes apart.
fn events(runs: &[Checks], rules: &Rules) -> Vec<(usize, &'static str, bool)> {
    let mut memory = Memory::new("s");
    let mut told = Vec::new();
    for (run, checks) in runs.iter().enumerate() {
        let now = 1_000_000 + 600 * i64::try_from(run).unwrap();
        for occasion in memory.step(checks, now, rules) {
            told.push((run, occasion.event.name(), occasion.blind));
        }
        // As between two runs of the tool.
        memory = Memory::parse(&serde_json::to_vec(&memory).unwrap(), "s").unwrap();
    }
    told
}

#[test]
fn once_then_reminders_then_the_end() {
    let mut runs = vec![on(500)];
    runs.extend(vec![on(150); 50]);
    runs.extend(vec![on(500); 5]);
    assert_eq!(
        events(&runs, &RULES()),
        [(1, "firing", false), (25, "reminder", false), (49, "reminder", false), (52, "resolved", false)]
    );
    let never = Rules { repeat_every_s: None, ..RULES() };
    assert_eq!(events(&runs, &never), [(1, "firing", false), (52, "resolved", false)]);
}

#[test]
fn near_the_limit_is_not_recovered() {
    // 200 is not low, and not clear of 200 plus a tenth either.
    let runs = [150, 205, 150, 219, 219, 219, 220, 219, 220, 220].map(on);
    assert_eq!(events(&runs, &RULES()), [(0, "firing", false), (9, "resolved", false)]);
    let bare = Rules { clear_margin: Decimal::percent(0), resolve_after: 1, ..RULES() };
    let told = events(&runs[..4], &bare);
    let names: Vec<_> = told.iter().map(|(_, name, _)| *name).collect();
    assert_eq!(names, ["firing", "resolved", "firing", "resolved"]);
}

#[test]
fn the_limit_may_move_while_an_incident_is_open() {
    // The client lowered the chain's minimum instead of paying: 150 is now far above it.
    let lowered = Checks { min_balance_onchain: Some(Quants(10)), ..on(500) };
    let lowered = Checks { available_quants: Some(Quants(150)), ..lowered };
    let runs = [on(150), lowered.clone(), lowered];
    assert_eq!(events(&runs, &RULES()), [(0, "firing", false), (2, "resolved", false)]);
}

#[test]
fn it_gets_worse_once_and_never_better_by_halves() {
    let module = |checks: Checks| {
        let mut findings = checks.findings.clone();
        findings.push(finding(Code::AggregatorNotSet, None));
        Checks { findings, ..checks }
    };
    let runs = [on(150), on(90), on(150), on(90), module(on(150)), on(150), module(on(90)), on(500), on(500)];
    assert_eq!(
        events(&runs, &RULES()),
        [(0, "firing", false), (1, "worse", false), (4, "worse", false), (8, "resolved", false)]
    );
}

#[test]
fn some_runs_in_a_row() {
    let rules = Rules { fire_after: 3, ..RULES() };
    let runs = [150, 150, 500, 150, 150, 150, 90, 150, 90, 90, 90].map(on);
    assert_eq!(events(&runs, &rules), [(5, "firing", false), (10, "worse", false)]);
}

#[test]
fn not_knowing_changes_nothing_and_is_told_itself() {
    let runs = [on(150), on(500), unknown(), unknown(), unknown(), unknown(), on(500), on(500)];
    assert_eq!(
        events(&runs, &RULES()),
        // The one good run before blindness and the one after it are two in a row.
        [(0, "firing", false), (4, "firing", true), (6, "resolved", true), (6, "resolved", false)]
    );
    assert_eq!(events(&[unknown(), unknown(), on(500), unknown(), unknown()], &RULES()), []);
}

#[test]
fn a_clock_that_jumps_back_neither_silences_nor_floods() {
    let mut memory = Memory::new("s");
    let mut told = |checks: &Checks, now| {
        memory
            .step(checks, now, &RULES())
            .into_iter()
            .map(|o| (o.event.name(), now - o.since_s))
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&on(150), 1_000_000), [("firing", 0)]);
    assert_eq!(told(&on(150), 500_000), []);
    assert_eq!(told(&on(150), 500_000 + 4 * 3600), [("reminder", 4 * 3600)]);
    assert_eq!(told(&on(500), 400_000), []);
    assert_eq!(told(&on(500), 400_600), [("resolved", 600)]);
}

#[test]
fn files_of_others_are_not_read() {
    let of = |text: &str| Memory::parse(text.as_bytes(), "s").map(|_| ()).unwrap_err();
    assert!(of("{\"schema\":").contains("EOF"));
    assert_eq!(of("{}"), "its schema is \"\", this version writes dvrf.notify/1");
    assert_eq!(
        of(r#"{"schema":"dvrf.notify/2"}"#),
        "its schema is \"dvrf.notify/2\", this version writes dvrf.notify/1"
    );
    assert_eq!(of(r#"{"schema":"dvrf.notify/1","subscription":"x"}"#), "it belongs to another subscription");
}

#[test]
fn the_runway_needs_an_hour_and_a_request() {
    let mut memory = Memory::new("s");
    let mut hours = |requests, now| memory.hours_left(Some(Count(requests)), Some(Count(90)), now);
    assert_eq!(hours(10, 0), None);
    assert_eq!(hours(12, 1800), None);
    assert_eq!(hours(13, 3600), Some(30));
    assert_eq!(hours(16, 7200), Some(30));
    // A count that fell is another contract's.
    assert_eq!(hours(1, 10_000), None);
    assert_eq!(hours(1, 20_000), None);
    assert_eq!(memory.hours_left(None, Some(Count(90)), 30_000), None);
    for hour in 0..400 {
        memory.hours_left(Some(Count(10)), None, 100_000 + hour * 3600);
    }
    assert_eq!(memory.usage.len(), 168);
}

proptest! {
    /// Whatever the runs: an incident begins before it ends, ends once, and blindness never ends it.
    #[test]
    fn events_alternate(balances in proptest::collection::vec(prop_oneof![Just(None), (50u128..300).prop_map(Some)], 0..60)) {
        let runs: Vec<_> = balances.iter().map(|balance| balance.map_or_else(unknown, on)).collect();
        for blind in [false, true] {
            let mut open = false;
            for (run, name, _) in events(&runs, &RULES()).into_iter().filter(|(.., about)| *about == blind) {
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
