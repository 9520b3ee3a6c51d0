//! Rules by table, the fold by every pair, and the promises by property.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::failure::{Failure, FailureKind};
use crate::view_report::ViewReport;

mod deposit;
mod pending;
mod times;
mod verdict;

fn healthy() -> State {
    serde_json::from_value(json!({
        "chain": {"id": 6, "time_us": "1759676400000000"},
        "deposit": {"balance": "20000000000", "min_balance": "30000000", "supra_min_balance": "1", "at_or_below_minimum": false,
            "effective_balance": "19970000000", "max_txn_fee": "1000000", "client_whitelisted": true, "paused": false,
            "modules": [{"module_type": "0xbc95::game::Marker", "max_callback_txn_fee": "1000000",
                "min_balance_limit": "30000000", "enabled": true}]},
        "lottery": {"ticket_count": "3", "draw_scheduled": false, "pending_request": false, "pending_nonce": [],
            "rng_request_count": "2", "rng_response_count": "2", "aggregator": ["0x7"], "consumers": ["0x1"],
            "vrf_request_config": [{"rng_count": 1, "client_seed": "1"}],
            "gas": {"max_gas_price": "1000", "max_gas_limit": "500000", "callback_gas_price": "100",
                "callback_gas_limit": "150000", "verification_gas_value": "25000"}}
    }))
    .unwrap()
}

fn gas_calculation() -> Calculation {
    let margin = "0.15".parse().unwrap();
    Calculation::from_gas(GasPrice(1000), GasUnits(500_000), GasUnits(25_000), margin, 30).unwrap()
}

fn views() -> Views {
    [("lottery_status".to_owned(), ViewReport::default())].into()
}

/// The instant of the healthy state.
fn now() -> Timestamp {
    Timestamp::from_second(1_759_676_400).unwrap()
}

fn facts<'a>(state: &'a State, views: &'a Views) -> Facts<'a> {
    Facts {
        requests: None,
        pending_since: None,
        history: &[],
        state,
        views,
        calculation: None,
        error: None,
        now: now(),
    }
}

fn evaluate_state(state: &State, policy: &Policy) -> Checks {
    evaluate(facts(state, &views()), policy)
}

/// What a change of the healthy state brings about.
fn check(change: impl FnOnce(&mut State), status: Status, codes: &[&str]) {
    let mut state = healthy();
    change(&mut state);
    let checks = evaluate_state(&state, &Policy::default());
    let found: Vec<&str> = checks.findings.iter().map(|finding| finding.code.name()).collect();
    assert_eq!((checks.status, found), (status, codes.to_vec()));
}

#[test]
fn healthy_is_ok() {
    check(|_| {}, Status::Ok, &[]);
    let checks = evaluate_state(&healthy(), &Policy::default());
    assert_eq!((checks.ratio.as_deref(), checks.requests_left), (Some("666.66"), Some(Count(19_970))));
}

#[test]
fn values_that_another_interface_lacks_are_no_findings() {
    check(
        |state| {
            state.deposit = crate::state::Deposit {
                balance: Some(Quants(100)),
                min_balance: Some(Quants(10)),
                at_or_below_minimum: Some(false),
                contracts: Some(vec![Address::FRAMEWORK]),
                ..Default::default()
            };
        },
        Status::Ok,
        &[],
    );
}

#[test]
fn the_deposit_against_its_minimum() {
    let with = |balance: u128, flag: Option<bool>| {
        move |state: &mut State| {
            state.deposit.balance = Some(Quants(balance));
            state.deposit.at_or_below_minimum = flag;
        }
    };
    check(with(29_999_999, Some(true)), Status::Alert, &["DEPOSIT_AT_OR_BELOW_MIN_BALANCE"]);
    check(with(30_000_000, Some(true)), Status::Alert, &["DEPOSIT_AT_OR_BELOW_MIN_BALANCE"]);
    check(with(30_000_000, None), Status::Alert, &["DEPOSIT_AT_OR_BELOW_MIN_BALANCE"]);
    check(with(30_000_001, Some(false)), Status::Alert, &["DEPOSIT_BELOW_WARN_TIER"]);
    check(with(60_000_000, Some(false)), Status::Ok, &["DEPOSIT_BELOW_PLAN_TIER"]);
    check(with(90_000_000, Some(false)), Status::Ok, &[]);
    check(
        with(90_000_000, Some(true)),
        Status::Alert,
        &["DEPOSIT_AT_OR_BELOW_MIN_BALANCE", "DEPOSIT_VIEWS_DISAGREE"],
    );
    check(
        with(10, Some(false)),
        Status::Alert,
        &["DEPOSIT_AT_OR_BELOW_MIN_BALANCE", "DEPOSIT_VIEWS_DISAGREE"],
    );
}

/// A mistyped address is neither a lottery that is wrong nor a client that is refused.
#[test]
fn an_address_without_a_contract_is_unknown() {
    let absent = || ViewReport {
        error: Some(Failure::new(FailureKind::Unsupported, "module not found")),
        ..ViewReport::default()
    };
    let keys = ["lottery_status", "whitelist_status", "vrf_gas_config"];
    let views: Views = keys.map(|key| (key.to_owned(), absent())).into();
    let mut state = healthy();
    state.lottery = crate::state::Lottery::default();
    state.deposit = crate::state::Deposit { client_whitelisted: Some(false), ..Default::default() };
    let checks = evaluate(facts(&state, &views), &Policy::default());
    let codes: Vec<&str> = checks.findings.iter().map(|finding| finding.code.name()).collect();
    assert_eq!((checks.status, codes), (Status::Unknown, vec!["NO_CONTRACT"]));
    assert_eq!(
        checks.findings[0].message,
        "no lottery contract answers at that address: is it the right one?"
    );
}

/// The client's minimum is 0.3 SUPRA; Supra's own is 1 SUPRA.
#[rstest]
#[case::refused_by_the_floor(90_000_000, Some(100_000_000), None, Status::Alert, &["DEPOSIT_AT_OR_BELOW_MIN_BALANCE"])]
#[case::at_the_floor(100_000_000, Some(100_000_000), None, Status::Alert, &["DEPOSIT_AT_OR_BELOW_MIN_BALANCE"])]
#[case::near_the_floor(150_000_000, Some(100_000_000), None, Status::Alert, &["DEPOSIT_BELOW_WARN_TIER"])]
#[case::floor_and_flag_unknown(90_000_000, None, None, Status::Unknown, &["VALUE_UNKNOWN"])]
#[case::low_without_the_floor(30_000_000, None, None, Status::Alert, &["DEPOSIT_AT_OR_BELOW_MIN_BALANCE"])]
#[case::flag_says_no(90_000_000, None, Some(false), Status::Ok, &[])]
#[case::flag_says_yes(90_000_000, None, Some(true), Status::Alert, &["DEPOSIT_AT_OR_BELOW_MIN_BALANCE"])]
fn the_larger_minimum_refuses(
    #[case] balance: u128,
    #[case] floor: Option<u128>,
    #[case] flag: Option<bool>,
    #[case] status: Status,
    #[case] codes: &[&str],
) {
    check(
        |state| {
            state.deposit.balance = Some(Quants(balance));
            state.deposit.supra_min_balance = floor.map(Quants);
            state.deposit.at_or_below_minimum = flag;
        },
        status,
        codes,
    );
}

#[rstest]
#[case::fresh(3600, Some(3600), Status::Ok)]
#[case::old(3601, Some(3600), Status::Unknown)]
#[case::clock_skew(-300, Some(3600), Status::Ok)]
#[case::from_the_future(-301, Some(3600), Status::Unknown)]
#[case::off(1_000_000, None, Status::Ok)]
fn the_age_of_a_report(#[case] age_s: i64, #[case] max_age_s: Option<u64>, #[case] status: Status) {
    let report = Report { read_at: Some(now()), state: Some(healthy()), views: views(), ..Report::default() };
    let checker = Checker { policy: Policy { max_age_s, ..Policy::default() }, calculation: None };
    let later = now().checked_add(jiff::SignedDuration::from_secs(age_s)).unwrap();
    let checks = checker.check(&report, None, later);
    assert_eq!(checks.status, status);
    assert_eq!(
        checks.findings.iter().any(|finding| finding.code == Code::ReportStale),
        status == Status::Unknown
    );
}

#[rstest]
#[case::behind(-301, Status::Unknown)]
#[case::in_step(-300, Status::Ok)]
#[case::a_little_ahead(300, Status::Ok)]
#[case::ahead(301, Status::Unknown)]
fn the_clock_of_the_chain(#[case] ahead_s: i64, #[case] status: Status) {
    let mut state = healthy();
    let time = now().checked_add(jiff::SignedDuration::from_secs(ahead_s)).unwrap().as_microsecond();
    state.chain.time_us = Some(Count(time.try_into().unwrap()));
    assert_eq!(evaluate_state(&state, &Policy::default()).status, status);
}

/// The value that is missing is the one that is named.
#[rstest]
#[case::client_minimum(None, Some(100), "min_balance")]
#[case::supra_minimum(Some(100), None, "supra_min_balance")]
#[case::both(None, None, "min_balance")]
fn the_minimum_that_is_not_known_is_named(
    #[case] client: Option<u128>,
    #[case] supra: Option<u128>,
    #[case] key: &str,
) {
    let mut state = healthy();
    state.deposit.min_balance = client.map(Quants);
    state.deposit.supra_min_balance = supra.map(Quants);
    state.deposit.at_or_below_minimum = None;
    let checks = evaluate_state(&state, &Policy::default());
    assert_eq!(checks.findings.len(), 1, "{checks:?}");
    assert_eq!(checks.findings[0].evidence["value"], key, "{checks:?}");
}

#[test]
fn unknown_is_neither_ok_nor_low() {
    check(|state| state.deposit.balance = None, Status::Unknown, &["VALUE_UNKNOWN"]);
    check(
        |state| {
            state.deposit.min_balance = None;
            state.deposit.at_or_below_minimum = None;
        },
        Status::Unknown,
        &["VALUE_UNKNOWN"],
    );
    check(|state| state.lottery = Lottery::default(), Status::Unknown, &["VALUE_UNKNOWN"]);
    // Either of the two ways to know the minimum is enough.
    check(|state| state.deposit.min_balance = None, Status::Ok, &[]);
    check(|state| state.deposit.at_or_below_minimum = None, Status::Ok, &[]);
    // What is known to be bad is said although the balance is not known.
    check(
        |state| {
            state.deposit.balance = None;
            state.deposit.at_or_below_minimum = Some(true);
        },
        Status::Alert,
        &["DEPOSIT_AT_OR_BELOW_MIN_BALANCE", "VALUE_UNKNOWN"],
    );
}

use crate::state::Lottery;

#[test]
fn an_unknown_client_has_no_balance() {
    check(
        |state| {
            state.deposit.client_whitelisted = Some(false);
            state.deposit.balance = Some(Quants(0));
        },
        Status::Alert,
        &["CLIENT_NOT_WHITELISTED"],
    );
}

#[test]
fn the_client_and_its_modules() {
    check(|state| state.deposit.paused = Some(true), Status::Alert, &["DEPOSIT_PAUSED"]);
    check(
        |state| state.deposit.modules.as_mut().unwrap()[0].enabled = false,
        Status::Alert,
        &["MODULE_DISABLED"],
    );
    check(|state| state.deposit.max_txn_fee = Some(Quants(5)), Status::Alert, &["MODULE_FEE_ABOVE_LIMIT"]);
    check(|state| state.deposit.modules = Some(vec![]), Status::Alert, &["NO_CONSUMER"]);
}

#[test]
fn the_lottery() {
    use crate::state::{ClientSnapshot, Maybe};
    check(|state| state.lottery.aggregator = Some(Vec::new()), Status::Alert, &["AGGREGATOR_NOT_SET"]);
    check(|state| state.lottery.consumers = Some(vec![]), Status::Alert, &["CONSUMERS_EMPTY"]);
    check(
        |state| state.lottery.gas.max_gas_price = Some(GasPrice(0)),
        Status::Alert,
        &["GAS_NOT_CONFIGURED"],
    );
    check(
        |state| {
            state.lottery.vrf_request_config = Some(Maybe(None));
            state.lottery.rng_request_count = Some(Count(0));
            state.lottery.rng_response_count = Some(Count(0));
        },
        Status::Ok,
        &["REQUEST_CONFIG_NOT_SET"],
    );
    check(|state| state.lottery.vrf_request_config = Some(Maybe(None)), Status::Ok, &[]);
    check(
        |state| {
            let (max_gas_price, max_gas_limit) = (GasPrice(1000), GasUnits(400_000));
            let snapshot = ClientSnapshot { max_gas_price, max_gas_limit, min_balance_limit: Quants(1) };
            state.lottery.client_snapshot = Some(Maybe(Some(snapshot)));
        },
        Status::Alert,
        &["GAS_LIMITS_DRIFTED"],
    );
    check(
        |state| {
            state.lottery.pending_request = Some(true);
            state.lottery.rng_request_count = Some(Count(3));
        },
        Status::Unknown,
        &["REQUEST_PENDING"],
    );
    check(|state| state.lottery.rng_request_count = Some(Count(4)), Status::Alert, &["REQUESTS_UNANSWERED"]);
}

#[test]
fn expectations() {
    let six: Address = "0x6".parse().unwrap();
    let found = |policy: Policy, state: &State| -> Vec<&str> {
        evaluate_state(state, &policy).findings.iter().map(|finding| finding.code.name()).collect()
    };
    let aggregator = || Policy { aggregators: vec![six], ..Policy::default() };
    let consumer = || Policy { consumers: vec![six], ..Policy::default() };
    let module = |name: &str| Policy { modules: vec![name.parse().unwrap()], ..Policy::default() };
    let price = || Policy { max_gas_price: Some(GasPrice(7)), ..Policy::default() };
    assert_eq!(found(aggregator(), &healthy()), ["AGGREGATOR_UNEXPECTED"]);
    assert_eq!(found(consumer(), &healthy()), ["CONSUMER_MISSING"]);
    assert_eq!(found(module("0x1::a::B"), &healthy()), ["MODULE_MISSING"]);
    assert!(found(module("0x0bc95::game::Marker"), &healthy()).is_empty());
    assert_eq!(found(price(), &healthy()), ["GAS_LIMITS_DRIFTED"]);
    let mut silent = healthy();
    silent.lottery.aggregator = None;
    silent.lottery.consumers = None;
    silent.lottery.gas.max_gas_price = None;
    silent.deposit.modules = None;
    for policy in [aggregator(), consumer(), module("0x1::a::B"), price()] {
        assert_eq!(evaluate_state(&silent, &policy).status, Status::Unknown, "{policy:?}");
    }
}

#[test]
fn your_own_minimum_goes_before_the_formula() {
    let state = healthy();
    let calculation = gas_calculation();
    let codes = |limit: Option<u128>, balance: u128| -> Vec<&str> {
        let mut state = state.clone();
        state.deposit.balance = Some(Quants(balance));
        let policy = Policy { min_balance_limit: limit.map(Quants), ..Policy::default() };
        let calculation = Some(&calculation);
        evaluate(Facts { calculation, ..facts(&state, &views()) }, &policy)
            .findings
            .iter()
            .map(|finding| finding.code.name())
            .collect()
    };
    assert!(codes(None, 20_000_000_000).is_empty());
    assert_eq!(codes(None, 18_112_499_999), ["available_below_recommended_deposit"]);
    // The deposit is one problem: its lower level is in the evidence.
    assert_eq!(codes(None, 15_750_000_000), ["AVAILABLE_BELOW_CALCULATED_MIN_BALANCE"]);
    assert_eq!(codes(Some(21_000_000_000), 20_000_000_000), ["AVAILABLE_BELOW_EXPECTED_MIN_BALANCE"]);
}

#[test]
fn another_chain_and_a_frozen_one_are_not_judged() {
    let mut state = healthy();
    state.deposit.balance = Some(Quants(0));
    let wrong =
        ViewReport { error: Some(Failure::new(FailureKind::WrongChain, "chain 8")), ..ViewReport::default() };
    let wrong_views: Views = [("chain_id".to_owned(), wrong)].into();
    let now = now();
    let late = Timestamp::from_second(1_759_676_400 + 301).unwrap();
    let policy = Policy::default();
    for (views, now, code) in [(&wrong_views, now, "WRONG_CHAIN"), (&views(), late, "CHAIN_STALE")] {
        let checks = evaluate(Facts { now, ..facts(&state, views) }, &policy);
        let found: Vec<&str> = checks.findings.iter().map(|finding| finding.code.name()).collect();
        assert_eq!((checks.status, found), (Status::Unknown, vec![code]));
        assert_eq!(checks.available_quants, None);
    }
    let off = Policy { max_lag_s: None, ..Policy::default() };
    let checks = evaluate(Facts { now: late, ..facts(&state, &views()) }, &off);
    assert_eq!(checks.status, Status::Alert);
}

#[test]
fn the_fold_of_every_pair() {
    use Severity::{Critical, Info, Unknown, Warning};
    for (a, b, status) in [
        (Info, Info, Status::Ok),
        (Info, Unknown, Status::Unknown),
        (Info, Warning, Status::Alert),
        (Info, Critical, Status::Alert),
        (Unknown, Unknown, Status::Unknown),
        (Unknown, Warning, Status::Alert),
        (Unknown, Critical, Status::Alert),
        (Warning, Warning, Status::Alert),
        (Warning, Critical, Status::Alert),
        (Critical, Critical, Status::Alert),
    ] {
        assert_eq!(fold([a, b].into_iter(), Warning), status, "{a:?} {b:?}");
        assert_eq!(fold([b, a].into_iter(), Warning), status, "{b:?} {a:?}");
    }
    assert_eq!(fold([Warning].into_iter(), Critical), Status::Ok);
    assert_eq!(fold([Info].into_iter(), Info), Status::Alert);
    assert_eq!(fold([Unknown].into_iter(), Info), Status::Unknown);
}

#[test]
fn messages_speak_russian() {
    let mut state = healthy();
    state.deposit.balance = Some(Quants(30_000_000));
    let policy = Policy { lang: Lang::Ru, ..Policy::default() };
    let message = &evaluate_state(&state, &policy).findings[0].message;
    assert_eq!(message, "депозит не выше минимума (0.3 SUPRA из 0.3 SUPRA); запросы отклоняются");
}

#[test]
fn ratios_are_cut_not_rounded() {
    assert_eq!(quotient(299, 100, 2).as_deref(), Some("2.99"));
    assert_eq!(quotient(2999, 1000, 2).as_deref(), Some("2.99"));
    assert_eq!(quotient(1, 0, 2), None);
    assert_eq!(quotient(u128::MAX, 1, 2), Some(format!("{}.00", u128::MAX)));
    assert_eq!(quotient(u128::MAX - 1, u128::MAX, 2).as_deref(), Some("0.99"));
}

#[test]
fn a_rule_that_cannot_be_decided_is_not_ok() {
    let failed = |key: &str, kind| {
        let report = ViewReport { error: Some(Failure::new(kind, "late")), ..ViewReport::default() };
        let mut views = views();
        views.insert(key.to_owned(), report);
        views
    };
    let mut state = healthy();
    state.deposit.paused = None;
    state.deposit.client_whitelisted = None;
    state.deposit.min_balance = None;
    state.deposit.modules = None;
    state.chain.id = None;
    let policy = Policy { chain_id: Some(6), ..Policy::default() };
    for key in ["paused", "client_whitelisted", "min_balance", "modules", "chain_id"] {
        let status = |kind| {
            let views = failed(key, kind);
            evaluate(facts(&state, &views), &policy).status
        };
        assert_eq!(status(FailureKind::Timeout), Status::Unknown, "{key}");
        assert_eq!(status(FailureKind::Unsupported), Status::Ok, "{key}");
    }
}

#[test]
fn values_that_decide_nothing_are_only_named() {
    let state = healthy();
    for key in ["grant_total", "grant_remaining", "effective_balance", "contracts", "subscription_info"] {
        let mut views = views();
        let error = Some(Failure::new(FailureKind::Timeout, "late"));
        views.insert(key.to_owned(), ViewReport { error, ..ViewReport::default() });
        let checks = evaluate(facts(&state, &views), &Policy::default());
        let codes: Vec<_> = checks.findings.iter().map(|finding| finding.code.name()).collect();
        assert_eq!((checks.status, codes), (Status::Ok, vec!["VIEW_FAILED"]), "{key}");
    }
}

#[test]
fn expectations_of_a_lottery_that_was_not_asked_are_unknown() {
    let consumers = vec![Address::FRAMEWORK];
    for (policy, status) in [
        (Policy::default(), Status::Ok),
        (Policy { consumers, ..Policy::default() }, Status::Unknown),
        (Policy { max_gas_price: Some(GasPrice(1000)), ..Policy::default() }, Status::Unknown),
    ] {
        assert_eq!(evaluate(facts(&healthy(), &Views::new()), &policy).status, status);
    }
}

#[test]
fn a_report_that_calls_itself_incomplete_is_not_ok() {
    let judged = |state: &State, kind: &str, view: Option<&str>| {
        let error = ReportError {
            kind: kind.into(),
            message: "late".into(),
            view: view.map(str::to_owned),
            hint: None,
        };
        let error = Some(&error);
        let checks = evaluate(Facts { error, ..facts(state, &views()) }, &Policy::default());
        (checks.status, checks.findings.iter().map(|finding| finding.message.clone()).collect::<Vec<_>>())
    };
    let incomplete = || vec!["the report is incomplete: late".to_owned()];
    assert_eq!(judged(&healthy(), "undecodable", Some("lottery_status")), (Status::Unknown, incomplete()));
    // A missing value that has its own finding is not said twice.
    let mut state = healthy();
    state.deposit.balance = None;
    let once = vec!["the balance is not known".to_owned()];
    assert_eq!(judged(&state, "timeout", Some("balance")), (Status::Unknown, once));
    state.deposit.client_whitelisted = Some(false);
    let refused = judged(&state, "not_whitelisted", Some("balance"));
    assert_eq!((refused.0, refused.1.len()), (Status::Alert, 1));
}

#[test]
fn what_the_chain_demands_against_what_is_assumed() {
    use crate::state::Maybe;
    let snapshot = |minimum: u128| {
        move |state: &mut State| state.lottery.min_balance_snapshot = Some(Maybe(Some(Quants(minimum))))
    };
    check(snapshot(29_999_999), Status::Alert, &["MIN_BALANCE_DRIFTED"]);
    // Another formula may well demand more than the chain does.
    check(snapshot(15_750_000_000), Status::Ok, &[]);
    check(
        |state| {
            state.deposit.min_balance = Some(Quants(0));
            state.deposit.supra_min_balance = Some(Quants(0));
        },
        Status::Alert,
        &["MIN_BALANCE_ZERO"],
    );
}

#[test]
fn a_module_nobody_expects_may_be_off() {
    let mut state = healthy();
    let modules = state.deposit.modules.as_mut().unwrap();
    modules.push(crate::state::Module {
        enabled: false,
        module_type: "0x9::old::M".into(),
        ..modules[0].clone()
    });
    let judged = |modules: &[&str]| {
        let modules = modules.iter().map(|name| name.parse().unwrap()).collect();
        let checks = evaluate_state(&state, &Policy { modules, ..Policy::default() });
        (checks.status, checks.severity)
    };
    assert_eq!(judged(&[]), (Status::Alert, Some(Severity::Critical)));
    assert_eq!(judged(&["0xbc95::game"]), (Status::Ok, Some(Severity::Info)));
    assert_eq!(judged(&["0xbc95", "0x09::old::M"]), (Status::Alert, Some(Severity::Critical)));
}

#[test]
fn other_values_that_failed_are_named_once() {
    let fail = |kind| ViewReport { error: Some(Failure::new(kind, "x")), ..ViewReport::default() };
    let mut views = views();
    for (key, kind) in [
        ("balance", FailureKind::Timeout),
        ("grant_total", FailureKind::Unreachable),
        ("max_gas_price", FailureKind::Unsupported),
    ] {
        views.insert(key.to_owned(), fail(kind));
    }
    let mut state = healthy();
    state.deposit.balance = None;
    let findings = evaluate(facts(&state, &views), &Policy::default()).findings;
    let codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::ValueUnknown, Code::ViewFailed]);
    assert_eq!(findings[1].evidence["values"], json!(["grant_total"]));
}

#[test]
fn the_chain_that_is_expected() {
    let codes = |chain_id| {
        let policy = Policy { chain_id, ..Policy::default() };
        evaluate_state(&healthy(), &policy).findings.iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(Some(6)), []);
    assert_eq!(codes(Some(8)), [Code::WrongChain]);
}

proptest! {
    #[test]
    fn never_ok_at_or_below_the_minimum(minimum in 0u64.., below in 0u64.., flag in any::<Option<bool>>()) {
        let mut state = healthy();
        state.deposit.min_balance = Some(Quants(minimum.into()));
        state.deposit.balance = Some(Quants(u128::from(minimum) - u128::from(below.min(minimum))));
        state.deposit.at_or_below_minimum = flag;
        prop_assert_eq!(evaluate_state(&state, &Policy::default()).status, Status::Alert);
    }

    #[test]
    fn never_ok_or_low_without_a_balance(minimum in any::<Option<u64>>(), flag in prop_oneof![Just(None), Just(Some(false))]) {
        let mut state = healthy();
        state.deposit.balance = None;
        state.deposit.min_balance = minimum.map(|minimum| Quants(minimum.into()));
        state.deposit.at_or_below_minimum = flag;
        let checks = evaluate_state(&state, &Policy::default());
        prop_assert_eq!(checks.status, Status::Unknown);
        prop_assert!(checks.violations.is_empty());
    }

    #[test]
    fn more_balance_is_never_graver(minimum in 1u64.., balance in any::<u64>(), more in any::<u64>()) {
        let severity = |balance: u128| {
            let mut state = healthy();
            state.deposit.min_balance = Some(Quants(minimum.into()));
            state.deposit.at_or_below_minimum = None;
            state.deposit.balance = Some(Quants(balance));
            evaluate_state(&state, &Policy::default()).severity
        };
        prop_assert!(severity(u128::from(balance) + u128::from(more)) <= severity(balance.into()));
    }
}

/// A report of which these values could not be read, for these reasons; `true` adds one that was read.
fn unread(causes: &[(&str, FailureKind, &str)], something_was_read: bool) -> Vec<Finding> {
    let failed = |(key, kind, why): &(&str, FailureKind, &str)| {
        let error = Some(Failure::new(*kind, *why));
        ((*key).to_owned(), ViewReport { error, ..ViewReport::default() })
    };
    let mut views: Views = causes.iter().map(failed).collect();
    if something_was_read {
        views.insert("chain_id".to_owned(), ViewReport::default());
    }
    let state = State::default();
    evaluate(facts(&state, &views), &Policy::default()).findings
}

const REFUSED: (FailureKind, &str) = (FailureKind::Unreachable, "http://n: connection refused");

#[rstest]
#[case::unreachable(REFUSED.0, Code::NodeUnreachable, "the node does not answer: why")]
#[case::late(FailureKind::Timeout, Code::NodeUnreachable, "the node does not answer: why")]
#[case::throttled(FailureKind::Throttled, Code::NodeThrottled, "the node refuses more requests: why")]
#[case::of_two_nodes(FailureKind::NodesDisagree, Code::NodesDisagree, "the nodes disagree: why")]
#[case::a_web_page(FailureKind::Undecodable, Code::NotANode, "what answers is not a Supra node: why")]
#[case::no_profile(FailureKind::Config, Code::CliFailed, "the Supra CLI is not set up: why")]
fn one_cause_of_everything_is_one_finding(
    #[case] kind: FailureKind,
    #[case] code: Code,
    #[case] message: &str,
) {
    let keys = ["balance", "min_balance", "min_balance_reached", "lottery_status", "grant_total", "paused"];
    let findings = unread(&keys.map(|key| (key, kind, "why")), false);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].code, findings[0].message.as_str()), (code, message));
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    assert_eq!(findings[0].unread_values(), sorted);
}

#[test]
fn a_node_that_is_down_is_one_finding_however_it_fails() {
    let (refused, why) = REFUSED;
    let causes = [
        ("balance", refused, why),
        ("paused", refused, "no answer"),
        ("min_balance", FailureKind::Timeout, "late"),
    ];
    let findings = unread(&causes, false);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((findings[0].code, findings[0].unread_values().len()), (Code::NodeUnreachable, 3));
}

#[test]
fn one_cause_of_several_values_is_one_finding() {
    let (kind, why) = REFUSED;
    let findings = unread(
        &[
            ("balance", kind, why),
            ("min_balance", kind, why),
            ("lottery_status", FailureKind::Timeout, "late"),
        ],
        true,
    );
    let shown: Vec<_> = findings.iter().map(|finding| (finding.code, finding.unread_values())).collect();
    assert_eq!(
        shown,
        [(Code::ValueUnknown, vec!["lottery_status"]), (Code::ValueUnknown, vec!["balance", "min_balance"])]
    );
    assert_eq!(findings[1].message, format!("values are not known (balance, min_balance): {why}"));
}
