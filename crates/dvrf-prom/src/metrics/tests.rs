//! A known value keeps every digit, an unknown one has no sample, and both formats are valid.

use serde_json::json;

use super::catalogue::{ALL, OLD};
use super::observe::Observation;
use super::*;
use crate::exposition;
use supra_core::check::{Checks, Facts, Policy, evaluate, evaluate_failure};
use supra_core::min_balance::Calculation;
use supra_core::report::ReportError;
use supra_core::report::SubscriptionId;
use supra_core::state::State;
use supra_core::view_report::Views;

fn at() -> jiff::Timestamp {
    "2025-10-05T15:00:00.5Z".parse().unwrap()
}

fn state(deposit: &serde_json::Value) -> State {
    serde_json::from_value(json!({
        "chain": {"id": 6, "time_us": "1759676399500000"},
        "deposit": deposit,
        "lottery": {"ticket_count": "3", "draw_scheduled": false, "pending_request": true,
            "rng_request_count": "5", "rng_response_count": "4", "aggregator": [], "consumers": ["0x1"],
            "vrf_request_config": [{"rng_count": 2, "client_seed": "1"}],
            "gas": {"max_gas_price": "1000", "verification_gas_value": "25000"}}
    }))
    .unwrap()
}

fn healthy() -> State {
    state(&json!({"balance": "31499999999", "min_balance": "15750000000", "at_or_below_minimum": false,
        "effective_balance": "15749999999", "max_txn_fee": "525000000", "client_whitelisted": true,
        "modules": [{"module_type": "0x1::a\u{1b}::M", "max_callback_txn_fee": "1", "min_balance_limit": "1",
            "enabled": false}]}))
}

fn views() -> Views {
    serde_json::from_value(json!({
        "lottery_status": {"duration_ms": 1234},
        "grant_total": {"duration_ms": 7, "error": {"kind": "timeout", "message": "no answer"}},
        "contracts": {"error": {"kind": "unsupported", "message": "no such function"}}}))
    .unwrap()
}

fn checks(state: &State, views: &Views, calculation: Option<&Calculation>) -> Checks {
    evaluate(
        Facts {
            requests: None,
            pending_since: Some(at()),
            history: &[],
            state,
            views,
            error: None,
            calculation,
            now: at(),
        },
        &Policy::default(),
    )
}

fn identity() -> SubscriptionId {
    let text = |text: &str| Some(text.to_owned());
    SubscriptionId {
        profile: text("p\n\"x\\"),
        client: text("0x2"),
        lottery: text("0x1"),
        ..SubscriptionId::default()
    }
}

fn with<T>(
    state: Option<&State>,
    checks: &Checks,
    error: Option<&ReportError>,
    use_it: impl FnOnce(&Observation) -> T,
) -> T {
    let margin = "0.15".parse().unwrap();
    let gas = (
        supra_core::amount::GasPrice(1000),
        supra_core::amount::GasUnits(500_000),
        supra_core::amount::GasUnits(25_000),
    );
    let calculation = Calculation::from_gas(gas.0, gas.1, gas.2, margin, 30).unwrap();
    let views = if state.is_some() { views() } else { Views::new() };
    use_it(&Observation {
        identity: &identity(),
        state,
        views: &views,
        checks,
        error,
        calculation: Some(&calculation),
        requests: None,
        policy: &Policy::default(),
        read_at: Some(at()),
    })
}

fn everything(observation: &Observation) -> Vec<Sample> {
    observation.samples()
}

fn of(samples: &[Sample], order: &'static [&'static Family]) -> Exposition {
    Exposition::of(vec![(Labels::new(), Packed::of(samples, order))], order, "d")
}

fn lines(samples: &[Sample], order: &'static [&'static Family]) -> Vec<String> {
    let mut out = Vec::new();
    exposition::text(&of(samples, order), &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

fn sample_lines(samples: &[Sample], order: &'static [&'static Family]) -> Vec<String> {
    lines(samples, order).into_iter().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn a_healthy_record_in_full() {
    let state = healthy();
    let checks = checks(&state, &views(), None);
    let found = sample_lines(&with(Some(&state), &checks, None, everything), ALL);
    for line in [
        "d_up 1",
        "d_last_run_timestamp_seconds 1759676400",
        "d_probe_duration_seconds 1.234",
        "d_probe_errors{reason=\"timeout\"} 1",
        "d_probe_errors{reason=\"unreachable\"} 0",
        "d_subscription_info{chain_id=\"6\",client_addr=\"0x2\",lottery_addr=\"0x1\",profile=\"p\\n\\\"x\\\\\"} 1",
        "d_chain_timestamp_seconds 1759676399",
        "d_state{state=\"ok\"} 0",
        "d_state{state=\"alert\"} 1",
        "d_state{state=\"unknown\"} 0",
        "d_finding{code=\"DEPOSIT_BELOW_WARN_TIER\",severity=\"warning\"} 1",
        "d_threshold_ratio{severity=\"warning\"} 2",
        "d_deposit_balance_quants 31499999999",
        "d_min_balance_quants 15750000000",
        "d_deposit_to_min_balance_ratio 1.999999",
        "d_deposit_at_or_below_minimum 0",
        "d_requests_left 29",
        "d_calculated_min_balance_quants 15750000000",
        "d_recommended_deposit_quants 18112500000",
        "d_module_enabled{module=\"0x1::a\\\\u{1b}::M\"} 0",
        "d_whitelist_entries{kind=\"aggregator\"} 0",
        "d_whitelist_missing{kind=\"aggregator\"} 1",
        "d_whitelist_missing{kind=\"consumer\"} 0",
        "d_pending_request 1",
        "d_draw_requests_total 5",
        "d_draws_handled_total 4",
        "d_random_words_per_request 2",
        "d_max_gas_price_quants{source=\"contract\"} 1000",
    ] {
        assert!(found.iter().any(|known| known == line), "{line} is missing:\n{}", found.join("\n"));
    }
    for absent in [
        "d_grant_remaining_quants",
        "d_deposit_paused",
        "d_whitelist_entries{kind=\"contract\"}",
        "d_max_gas_limit",
    ] {
        assert!(!found.iter().any(|line| line.starts_with(absent)), "{absent} is there");
    }
}

#[test]
fn a_failed_report_has_no_amounts() {
    let error =
        ReportError { kind: "unreachable".to_owned(), message: "down".to_owned(), view: None, hint: None };
    let checks = evaluate_failure(&error, &Policy::default());
    let found = sample_lines(&with(None, &checks, Some(&error), everything), ALL);
    let names = ["d_up 0", "d_state{state=\"unknown\"} 1", "d_probe_errors{reason=\"unreachable\"} 1"];
    assert!(names.iter().all(|line| found.contains(&(*line).to_owned())), "{}", found.join("\n"));
    let amounts = ["d_deposit_balance", "d_min_balance_quants", "d_pending", "d_tickets", "d_deposit_to_min"];
    assert!(
        !found.iter().any(|line| amounts.iter().any(|name| line.starts_with(name))),
        "{}",
        found.join("\n")
    );
}

#[test]
fn the_wrong_chain_and_a_stale_one_give_no_values() {
    let stale = State {
        chain: supra_core::state::Chain { id: Some(6), time_us: Some(1.into()), ..healthy().chain },
        ..healthy()
    };
    let checks = checks(&stale, &views(), None);
    let found = sample_lines(&with(Some(&stale), &checks, None, everything), ALL);
    assert!(
        found.contains(&"d_up 0".to_owned()) && found.contains(&"d_chain_timestamp_seconds 0".to_owned())
    );
    assert!(!found.iter().any(|line| line.starts_with("d_deposit_balance") || line.starts_with("d_pending")));
    let old = with(Some(&stale), &checks, None, |observation| compat::samples(observation, 2, at()));
    assert!(!sample_lines(&old, OLD).iter().any(|line| line.starts_with("d_deposit_balance")));
}

#[test]
fn an_unknown_client_has_no_money() {
    let state = state(&json!({"balance": "0", "min_balance": "0", "client_whitelisted": false}));
    let checks = checks(&state, &views(), None);
    let found = sample_lines(&with(Some(&state), &checks, None, everything), ALL);
    assert!(found.contains(&"d_client_whitelisted 0".to_owned()) && found.contains(&"d_up 1".to_owned()));
    assert!(
        !found
            .iter()
            .any(|line| line.starts_with("d_deposit_balance") || line.starts_with("d_min_balance_q"))
    );
}

#[test]
fn old_names_labels_and_order() {
    let state = healthy();
    let checks = checks(&state, &views(), None);
    let found = with(Some(&state), &checks, None, |observation| compat::samples(observation, 0, at()));
    let labels = "client_addr=\"0x2\",lottery_addr=\"0x1\",profile=\"p\\n\\\"x\\\\\"";
    let expected = [
        ("deposit_balance_quants", "31499999999"),
        ("min_balance_quants", "15750000000"),
        ("recommended_deposit_quants", "18112500000"),
        ("per_request_fee_quants", "525000000"),
        ("request_window_requests", "30"),
        ("balance_ratio", "1.999999"),
        ("min_balance_reached", "0"),
        ("draw_scheduled", "0"),
        ("pending_request", "1"),
        ("ticket_count", "3"),
        ("rng_count", "2"),
        ("monitor_exit_code", "0"),
    ]
    .map(|(name, value)| format!("d_{name}{{{labels}}} {value}"));
    assert_eq!(sample_lines(&found, OLD), expected);
}

#[test]
fn the_last_sample_of_a_series_is_kept() {
    let sample =
        |value: u128| Sample { family: &catalogue::TICKETS, labels: Labels::new(), value: value.into() };
    assert_eq!(of(&[sample(1), sample(2), sample(3)], ALL).repeated, 2);
    assert_eq!(sample_lines(&[sample(1), sample(3)], ALL), ["d_tickets 3"]);
}

#[test]
fn both_formats() {
    let samples = || {
        vec![
            Sample { family: &catalogue::REQUESTS, labels: Labels::new(), value: u128::MAX.into() },
            Sample {
                family: &catalogue::BALANCE,
                labels: vec![("a".into(), "x\"\\\n".into())],
                value: 1.into(),
            },
            observe::build(),
        ]
    };
    let text = lines(&samples(), ALL);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        text,
        [
            "# HELP d_build_info Version of dvrf-prom; always 1.",
            "# TYPE d_build_info gauge",
            &format!("d_build_info{{version=\"{version}\"}} 1"),
            "# HELP d_deposit_balance_quants The client's fund in the deposit module.",
            "# TYPE d_deposit_balance_quants gauge",
            "d_deposit_balance_quants{a=\"x\\\"\\\\\\n\"} 1",
            "# HELP d_draw_requests_total Randomness requests ever made, as the contract counts them.",
            "# TYPE d_draw_requests_total counter",
            "d_draw_requests_total 340282366920938463463374607431768211455",
        ]
    );
    let mut out = Vec::new();
    exposition::openmetrics(&of(&samples(), ALL), &mut out).unwrap();
    let open = String::from_utf8(out).unwrap();
    assert!(open.starts_with("# TYPE d_build info\n# HELP d_build Version"), "{open}");
    assert!(
        open.contains(
            "# TYPE d_deposit_balance_quants gauge\n# UNIT d_deposit_balance_quants quants\n# HELP"
        )
    );
    assert!(open.contains("# TYPE d_draw_requests counter\n# HELP d_draw_requests Random"), "{open}");
    assert!(
        open.ends_with("d_draw_requests_total 340282366920938463463374607431768211455\n# EOF\n"),
        "{open}"
    );
}

#[test]
fn the_table_follows_the_naming_rules() {
    for family in ALL.iter().chain(OLD) {
        assert!(label::is_name(family.name) && family.name.to_ascii_lowercase() == family.name);
        assert!(family.help.ends_with('.') && !family.help.contains('\n'), "{}", family.name);
        assert!(family.labels.is_sorted(), "{}", family.name);
        if !family.unit.is_empty() {
            assert!(family.name.ends_with(&format!("_{}", family.unit)), "{}", family.name);
        }
        assert_eq!(family.name.ends_with("_total"), family.kind == Kind::Counter, "{}", family.name);
        assert_eq!(family.name.ends_with("_info"), family.kind == Kind::Info, "{}", family.name);
        assert!(
            family.kind == Kind::Untyped
                || !["_count", "_sum", "_bucket"].iter().any(|end| family.name.ends_with(end))
        );
    }
}
