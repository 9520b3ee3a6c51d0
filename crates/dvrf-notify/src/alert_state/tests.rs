//! Sequences of verdicts and the alert events that they cause.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::message::MessageTemplate;
use crate::problem::{DEPOSIT, DRAW_BUSY, UNKNOWN, problems};
use supra_core::amount::Quants;
use supra_core::check::Finding;
use supra_core::check::code::Code;

fn finding(code: Code, threshold: Option<&str>) -> Finding {
    let evidence = threshold.map_or(json!({}), |t| json!({"threshold": t.parse::<Decimal>().unwrap()}));
    let evidence = evidence.as_object().cloned().unwrap_or_default();
    Finding::new(code, code.severity(), "m".to_owned(), evidence, supra_core::lang::Lang::En)
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
    let unread = checks(Status::Unknown, 0, vec![finding(Code::ValueUnknown, None)]);
    Checks { available_quants: None, ..unread }
}

fn step(state: &mut AlertState, checks: &Checks, now_s: i64, rules: &AlertRules) -> Vec<AlertEvent> {
    let problems = problems(checks, Severity::Warning, &MessageTemplate::default());
    state.step(&problems, checks, now_s, rules)
}

/// The events of runs that are ten minutes apart: run, event, and problem.
fn all_events(runs: &[Checks], rules: &AlertRules) -> Vec<(usize, &'static str, String)> {
    let mut state = AlertState::new("s");
    let mut events = Vec::new();
    for (run, checks) in runs.iter().enumerate() {
        let now = 1_000_000 + 600 * i64::try_from(run).unwrap();
        for event in step(&mut state, checks, now, rules) {
            events.push((run, event.kind.name(), event.key));
        }
        // Between two runs of the tool, the state is a file.
        state = AlertState::parse(&serde_json::to_vec(&state).unwrap(), "s").unwrap();
    }
    events
}

/// The same, with whether an event is about an unknown status.
fn events(runs: &[Checks], rules: &AlertRules) -> Vec<(usize, &'static str, bool)> {
    all_events(runs, rules).into_iter().map(|(run, name, key)| (run, name, key == UNKNOWN)).collect()
}

/// The same, of runs about a deposit that fell and recovered.
fn of_deposit(runs: &[Checks], rules: &AlertRules) -> Vec<(usize, &'static str)> {
    let events = all_events(runs, rules).into_iter().filter(|(.., key)| key == DEPOSIT);
    events.map(|(run, name, _)| (run, name)).collect()
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
fn what_ended_is_forgotten_after_a_quarter_of_an_hour() {
    let rules = AlertRules { resolve_after: 1, ..AlertRules::default() };
    let mut state = AlertState::new("s");
    let mut known = |balance, now_s| {
        step(&mut state, &with_balance(balance), now_s, &rules);
        state.incidents.contains_key(DEPOSIT)
    };
    assert_eq!(
        [(150, 0), (500, 600), (500, 1500), (500, 1501)].map(|(balance, now_s)| known(balance, now_s)),
        [true, true, true, false]
    );
}

/// A run that another one keeps out has seen nothing: what was unknown is not known by it.
#[test]
fn a_run_that_is_kept_out_ends_nothing() {
    let rules = AlertRules { unknown_after: 1, ..AlertRules::default() };
    let busy = problems(&with_balance(150), Severity::Warning, &MessageTemplate::default()).remove(0);
    let busy = Problem { key: DRAW_BUSY.to_owned(), ..busy };
    let mut state = AlertState::new("s");
    let is_resolved = |events: &[AlertEvent]| events.iter().any(|event| event.kind == EventKind::Resolved);
    step(&mut state, &unknown(), 0, &rules);
    assert!(!is_resolved(&state.step(&[busy], &unknown(), 600, &rules)));
    assert!(is_resolved(&state.step(&[], &unknown(), 1200, &rules)));
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
fn the_level_of_the_deposit_moves_both_ways() {
    let runs = [90, 150, 109, 111, 90, 150, 500, 500].map(with_balance);
    assert_eq!(
        of_deposit(&runs, &AlertRules::default()),
        // 109 is above the minimum of 100, but not clear of it by a tenth: a reminder would say so, no message does.
        [(0, "firing"), (1, "better"), (4, "worse"), (5, "better"), (7, "resolved")]
    );
    let within = [90, 109, 108, 109].map(with_balance);
    assert_eq!(of_deposit(&within, &AlertRules::default()), [(0, "firing")]);
}

/// A top-up that ends the refusals but leaves the deposit low; the sentence is that of the run.
#[test]
fn a_top_up_is_better_and_describes_now() {
    let mut state = AlertState::new("s");
    let rules = AlertRules::default();
    step(&mut state, &with_balance(90), 0, &rules);
    let better = step(&mut state, &with_balance(150), 600, &rules);
    let event =
        AlertEvent { kind: EventKind::Better, key: DEPOSIT.to_owned(), was: Some(Severity::Critical) };
    assert_eq!(better, [event]);
    let incident = &state.incidents[DEPOSIT];
    assert_eq!(incident.gravity, Severity::Warning.into());
    let codes: Vec<_> = incident.items.iter().map(|item| item.code.as_str()).collect();
    assert_eq!(codes, ["DEPOSIT_BELOW_WARN_TIER"]);
    assert_eq!(incident.earlier[0].item.code, "DEPOSIT_AT_OR_BELOW_MIN_BALANCE");
    // The reminder describes what is true then.
    let reminder = step(&mut state, &with_balance(140), 600 + 4 * 3600, &rules);
    assert_eq!(reminder[0].kind, EventKind::Reminder);
}

fn with(checks: &Checks, added: Vec<Finding>) -> Checks {
    let findings: Vec<Finding> = checks.findings.iter().cloned().chain(added).collect();
    let severity = findings.iter().map(|finding| finding.severity).max();
    Checks { status: Status::Alert, severity, findings, ..checks.clone() }
}

fn module(name: &str) -> Finding {
    let mut finding = finding(Code::ModuleDisabled, None);
    finding.evidence.insert("module".to_owned(), json!(name));
    finding
}

#[test]
fn each_module_and_each_request_is_an_incident_of_its_own() {
    let stuck = |nonce: &str| {
        let mut finding = finding(Code::RequestStuck, None);
        finding.evidence.insert("nonce".to_owned(), json!(nonce));
        finding
    };
    let (good, low) = (with_balance(500), with_balance(150));
    let runs = [
        with(&good, vec![module("a")]),
        with(&low, vec![module("a"), module("b")]),
        with(&low, vec![module("b"), stuck("5")]),
        with(&good, vec![module("b"), stuck("6")]),
        with(&good, vec![stuck("6")]),
    ];
    let rules = AlertRules { resolve_after: 1, ..AlertRules::default() };
    let found: Vec<_> =
        all_events(&runs, &rules).into_iter().map(|(run, name, key)| format!("{run} {name} {key}")).collect();
    assert_eq!(
        found,
        [
            "0 firing MODULE_DISABLED a",
            "1 firing MODULE_DISABLED b",
            "1 firing deposit",
            "2 resolved MODULE_DISABLED a",
            "2 firing request 5",
            "3 resolved deposit",
            "3 resolved request 5",
            "3 firing request 6",
            "4 resolved MODULE_DISABLED b",
        ]
    );
}

/// What could not be read neither ends a problem nor hides that another one ended.
#[test]
fn an_unread_value_ends_only_what_it_does_not_decide() {
    let unread = |value: &str| {
        let mut finding = finding(Code::ValueUnknown, None);
        finding.evidence.insert("value".to_owned(), json!(value));
        finding
    };
    let rules = AlertRules { resolve_after: 1, unknown_after: 9, ..AlertRules::default() };
    let good = with_balance(500);
    let after = |value: &str| {
        let first = with(&with_balance(150), vec![module("a")]);
        let mut second = with(&good, vec![unread(value)]);
        second.status = Status::Unknown;
        let runs = [first, second];
        let names = all_events(&runs, &rules).into_iter().filter(|(run, ..)| *run == 1);
        names.map(|(_, name, key)| format!("{name} {key}")).collect::<Vec<_>>()
    };
    assert_eq!(after("modules"), ["resolved deposit"]);
    assert_eq!(after("paused"), ["resolved MODULE_DISABLED a", "resolved deposit"]);
    let many = json!({"values": ["paused", "modules"]});
    let mut several = finding(Code::NodeUnreachable, None);
    several.evidence = many.as_object().cloned().unwrap();
    assert!(!is_judged("MODULE_DISABLED a", &with(&good, vec![several])));
    assert!(!is_judged("MODULE_DISABLED a", &with(&good, vec![finding(Code::WrongChain, None)])));
    let blind = Checks { available_quants: None, ..good.clone() };
    let mut second = with(&blind, vec![unread("balance")]);
    second.status = Status::Unknown;
    assert_eq!(of_deposit(&[with_balance(150), second], &rules), [(0, "firing")]);
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
        [(0, "firing", false), (4, "firing", true), (6, "resolved", false), (6, "resolved", true)]
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
        let events = step(&mut state, checks, now, &AlertRules::default());
        let since_s = state.incidents[DEPOSIT].since_s;
        events.into_iter().map(|event| (event.kind.name(), now - since_s)).collect::<Vec<_>>()
    };
    assert_eq!(events(&with_balance(150), 1_000_000), [("firing", 0)]);
    assert_eq!(events(&with_balance(150), 500_000), []);
    assert_eq!(events(&with_balance(150), 500_000 + 4 * 3600), [("reminder", 4 * 3600)]);
    assert_eq!(events(&with_balance(500), 400_000), []);
    assert_eq!(events(&with_balance(500), 400_600), [("resolved", 600)]);
}

#[rstest]
#[case::torn("{\"schema\":", "EOF")]
#[case::no_schema("{}", "its schema is \"\", this version writes dvrf.notify/2")]
#[case::other_version(
    r#"{"schema":"dvrf.notify/3"}"#,
    "its schema is \"dvrf.notify/3\", this version writes dvrf.notify/2"
)]
#[case::other_subscription(
    r#"{"schema":"dvrf.notify/1","subscription":"x"}"#,
    "it belongs to another subscription"
)]
fn unusable_files(#[case] text: &str, #[case] error: &str) {
    let found = AlertState::parse(text.as_bytes(), "s").unwrap_err();
    assert!(found.contains(error), "{found}");
}

#[test]
fn the_file_format_is_stable() {
    let mut state = AlertState::new("s");
    step(&mut state, &with_balance(90), 0, &AlertRules::default());
    step(&mut state, &with_balance(150), 600, &AlertRules::default());
    state.closed.insert("slack".to_owned(), "h".to_owned());
    let mut file = serde_json::to_value(&state).unwrap();
    for pointer in
        ["/incidents/deposit/items", "/incidents/deposit/alert", "/incidents/deposit/earlier/0/item"]
    {
        *file.pointer_mut(pointer).unwrap() = json!("…");
    }
    assert_eq!(
        file,
        json!({
            "schema": "dvrf.notify/2", "subscription": "s", "sequence": 0,
            "incidents": {"deposit": {
                "id": incident_id("s", "deposit"), "is_open": true, "since_s": 0, "last_sent_s": 600,
                "ended_s": null, "gravity": {"severity": "warning", "is_blocked": false}, "items": "…", "alert": "…",
                "channels": [], "refused": [], "earlier": [{"item": "…", "ended_s": 600}],
                "clear_ratio": 2, "clear_expected": false,
                "level_limits": {"clear_ratio": 2, "clear_expected": false},
                "bad_runs": 2, "good_runs": 0, "worse_runs": 0, "better_runs": 0,
            }},
            "is_lost": false, "good_runs": 0,
            "outbox": [], "closed": {"slack": "h"},
        })
    );
}

/// A file of the first format: its incident becomes one per problem, which channels know already.
#[test]
fn old_files_are_read() {
    let old = json!({
        "schema": "dvrf.notify/1", "subscription": "s", "sequence": 7,
        "incident": {
            "since_s": 1000, "last_told_s": 1600, "channels": ["slack"], "severity": "critical",
            "findings": [finding(Code::DepositAtOrBelowMinBalance, None), module("a")],
            "worse_runs": 0, "clear_ratio": 1, "clear_expected": false,
        },
        "blind": {"since_s": 1800, "last_told_s": 1800, "channels": ["slack"]},
        "ended": null, "bad_runs": 1, "good_runs": 0, "unknown_runs": 3, "usage": [],
        "outbox": [{
            "channel": "slack", "queued_at_s": 5, "not_before_s": null,
            "message": {"id": "m", "incident": "i", "event": "firing", "blind": true},
        }],
        "broken": {"slack": {"since_s": 1, "address": "h", "gone": true},
                   "teams": {"since_s": 1, "address": "h", "gone": false}},
    });
    let mut state = AlertState::parse(old.to_string().as_bytes(), "s").unwrap();
    assert_eq!((state.sequence, state.outbox.iter().count()), (7, 1));
    assert_eq!(state.closed, BTreeMap::from([("slack".to_owned(), "h".to_owned())]));
    let keys: Vec<&String> = state.incidents.keys().collect();
    assert_eq!(keys, ["MODULE_DISABLED a", "deposit", "unknown"]);
    // The pager knows the first problem under the old id.
    assert_eq!(state.incidents["deposit"].id, stable_id(&["s", "incident", "1000"]));
    assert_eq!(state.incidents["unknown"].id, stable_id(&["s", "blind", "1800"]));
    let low = with(&with_balance(90), vec![module("a")]);
    let rules = AlertRules { resolve_after: 1, ..AlertRules::default() };
    let names = |events: Vec<AlertEvent>| {
        events.into_iter().map(|event| format!("{} {}", event.kind.name(), event.key)).collect::<Vec<_>>()
    };
    assert_eq!(names(step(&mut state, &low, 2000, &rules)), ["resolved unknown"]);
    let good = with(&with_balance(500), vec![module("a")]);
    assert_eq!(names(step(&mut state, &good, 2600, &rules)), ["resolved deposit"]);
}

/// After a damaged file nobody knows which alerts receivers have: the first time without a problem is reported.
#[test]
fn a_lost_state_ends_with_an_all_clear() {
    let mut state = AlertState::lost("s");
    let rules = AlertRules::default();
    let mut kinds = |checks: &Checks, now| {
        let events = step(&mut state, checks, now, &rules).into_iter();
        events.map(|event| (event.kind.name(), event.key)).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&with_balance(500), 0), []);
    assert_eq!(kinds(&unknown(), 600), []);
    assert_eq!(kinds(&with_balance(500), 1200), []);
    // A value that is not known is a problem, although the rest is well.
    assert_eq!(kinds(&with(&with_balance(500), vec![finding(Code::ValueUnknown, None)]), 1500), []);
    assert_eq!(kinds(&with_balance(500), 1800), []);
    assert_eq!(kinds(&with_balance(500), 2400), [("resolved", String::new())]);
    assert_eq!(kinds(&with_balance(500), 3000), []);
}

/// A warning below the level of the channels is no problem to them, and still not the end of a lost alert.
#[test]
fn only_ok_ends_a_lost_alert() {
    let mut state = AlertState::lost("s");
    let rules = AlertRules { resolve_after: 1, ..AlertRules::default() };
    assert!(state.step(&[], &with_balance(150), 0, &rules).is_empty());
    assert_eq!(state.step(&[], &with_balance(500), 600, &rules).len(), 1);
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
