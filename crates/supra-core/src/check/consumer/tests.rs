//! Verdicts on contracts of layouts, a case for each finding.

use rstest::rstest;
use serde_json::json;

use super::super::{Facts, Policy, Severity, Status, evaluate};
use super::*;
use crate::state::State;
use crate::view_report::Views;

const NOW_S: i64 = 1_000_000;

fn pending(fields: Value) -> Value {
    let mut request = json!({"request": "spin", "key": "7", "outcome": "pending"});
    if let (Value::Object(all), Value::Object(more)) = (&mut request, fields) {
        all.extend(more);
    }
    json!({"layout": "wheel", "requests": [request]})
}

fn watched(fields: Value) -> Value {
    let mut watch = json!({"code": "HUB_LOST", "severity": "critical", "holds": true, "name": "pending_id", "value": ["5"], "element": "3"});
    if let (Value::Object(all), Value::Object(more)) = (&mut watch, fields) {
        all.extend(more);
    }
    json!({"layout": "core", "watches": [watch]})
}

/// The findings about a contract: code, severity, sentence.
fn findings(consumer: Value) -> (Status, Vec<(&'static str, Severity, String)>) {
    let mut state = State { consumer: Some(serde_json::from_value(consumer).unwrap()), ..State::default() };
    state.deposit.balance = Some(crate::amount::Quants(900));
    state.deposit.min_balance = Some(crate::amount::Quants(100));
    state.deposit.supra_min_balance = Some(crate::amount::Quants(100));
    state.deposit.client_whitelisted = Some(true);
    state.deposit.modules = Some(Vec::new());
    state.deposit.contracts = Some(vec!["0x1".parse().unwrap()]);
    let facts = Facts {
        state: &state,
        views: &Views::new(),
        error: None,
        calculation: None,
        requests: None,
        pending_since: None,
        history: &[],
        now: Timestamp::from_second(NOW_S).unwrap(),
    };
    let checks = evaluate(facts, &Policy { max_lag_s: None, ..Policy::default() });
    let found =
        checks.findings.into_iter().map(|finding| (finding.code.name(), finding.severity, finding.message));
    (checks.status, found.collect())
}

const NOTHING: &str = "no cause was found";

#[rstest]
#[case::nothing_waits(json!({"layout": "wheel"}), None)]
#[case::answered(pending(json!({"outcome": "answered", "ok": true})), None)]
#[case::withdrawn(pending(json!({"outcome": "withdrawn"})), None)]
#[case::young(pending(json!({"age_seconds": 60})), Some(("REQUEST_PENDING", Severity::Info, "request spin 7 waits for its answer".to_owned())))]
#[case::old(pending(json!({"age_seconds": 300})), Some(("REQUEST_STUCK", Severity::Warning, format!("request spin 7 has waited for 5 min: {NOTHING}"))))]
#[case::very_old(pending(json!({"age_seconds": 10_800})), Some(("REQUEST_STUCK", Severity::Critical, format!("request spin 7 has waited for 3 h: {NOTHING}"))))]
#[case::limits_of_the_layout(pending(json!({"age_seconds": 60, "warn_seconds": 30, "critical_seconds": 90})), Some(("REQUEST_STUCK", Severity::Warning, format!("request spin 7 has waited for 1 min: {NOTHING}"))))]
#[case::seen_before(pending(json!({"first_seen": "1970-01-12T13:36:40Z"})), Some(("REQUEST_STUCK", Severity::Warning, format!("request spin 7 has waited for at least 10 min: {NOTHING}"))))]
#[case::age_not_known(pending(json!({})), Some(("REQUEST_PENDING", Severity::Unknown, "request spin 7 waits, and how long it has waited is not known".to_owned())))]
#[case::an_account_answers(pending(json!({"age_seconds": 400, "by": "account", "answerer": "0xa6", "element": "3"})), Some(("REQUEST_STUCK", Severity::Warning, "request spin 3 7 has waited for 6 min 40 s: dVRF does not answer it, the account 0xa6 does".to_owned())))]
#[case::refused(pending(json!({"outcome": "answered", "ok": false})), Some(("REQUEST_FAILED", Severity::Info, "request spin 7 was answered without success".to_owned())))]
#[case::not_confirmed(pending(json!({"outcome": "not_confirmed"})), Some(("REQUEST_NOT_CONFIRMED", Severity::Unknown, "what became of request spin 7 is not known".to_owned())))]
#[case::not_initialised(json!({"layout": "wheel", "ready": false}), Some(("CONSUMER_NOT_READY", Severity::Unknown, "the contract is not initialised: it lacks what the layout wheel requires".to_owned())))]
#[case::marker_is_missing(json!({"layout": "wheel", "markers": ["0xc0::wheel::W"]}), Some(("MODULE_MISSING", Severity::Critical, "the consumer module 0xc0::wheel::W is not registered".to_owned())))]
#[case::watch(watched(json!({})), Some(("HUB_LOST", Severity::Critical, "a lottery waits for a lost request (3): pending_id = 5".to_owned())))]
#[case::watch_is_unknown(watched(json!({"holds": null})), Some(("VALUE_UNKNOWN", Severity::Unknown, "whether HUB_LOST 3 holds is not known: pending_id or what it is compared with was not read".to_owned())))]
#[case::own_code(watched(json!({"code": "POOL_DRY", "title": "the pool is dry", "severity": "warning", "value": "0"})), Some(("CONSUMER_WATCH", Severity::Warning, "the pool is dry (3): pending_id = 0".to_owned())))]
#[case::a_code_of_ours(watched(json!({"code": "DEPOSIT_PAUSED", "severity": "info"})), Some(("CONSUMER_WATCH", Severity::Info, "a condition of the layout holds (3): pending_id = 5".to_owned())))]
#[case::not_for_long_enough(watched(json!({"for_seconds": 3600, "first_seen": "1970-01-12T13:36:40Z"})), Some(("HUB_LOST", Severity::Info, "a lottery waits for a lost request (3): pending_id = 5".to_owned())))]
#[case::for_long_enough(watched(json!({"for_seconds": 600, "first_seen": "1970-01-12T13:36:40Z"})), Some(("HUB_LOST", Severity::Critical, "a lottery waits for a lost request (3): pending_id = 5".to_owned())))]
fn contracts(#[case] consumer: Value, #[case] expected: Option<(&'static str, Severity, String)>) {
    let (status, found) = findings(consumer);
    let worst = expected.as_ref().map_or(Severity::Info, |(_, severity, _)| *severity);
    let expected_status = match worst {
        Severity::Info => Status::Ok,
        Severity::Unknown => Status::Unknown,
        Severity::Warning | Severity::Critical => Status::Alert,
    };
    assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    assert_eq!(status, expected_status);
}

#[rstest]
#[case::as_written("0xc0::wheel::W", "0xc0::wheel::W", true)]
#[case::long_address("0x00c0::wheel::W", "@0xc0::wheel::W", true)]
#[case::another_account("0xc1::wheel::W", "0xc0::wheel::W", false)]
#[case::another_type("0xc0::wheel::V", "0xc0::wheel::W", false)]
#[case::no_addresses("wheel", "W", false)]
fn types_of_modules(#[case] a: &str, #[case] b: &str, #[case] same: bool) {
    assert_eq!((same_type(a, b), same_type(b, a)), (same, same));
}
