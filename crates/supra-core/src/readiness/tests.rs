//! Every assert of the contract, every policy, and every way of not knowing.

use std::sync::Arc;

use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::amount::{GasPrice, GasUnits, Quants};
use crate::check::{Facts, Finding, Policy, evaluate};
use crate::failure::{Failure, FailureKind};
use crate::layout::Layout;
use crate::state::consumer::{Consumer, ConsumerRequest};
use crate::state::{Maybe, VrfRequestConfig};
use crate::target::Target;
use crate::view_report::{ViewReport, Views};

fn owner() -> Address {
    "0x9".parse().unwrap()
}

fn good() -> State {
    let mut state = State::default();
    state.deposit.balance = Some(Quants(1000));
    state.deposit.min_balance = Some(Quants(100));
    state.deposit.at_or_below_minimum = Some(false);
    state.deposit.client_whitelisted = Some(true);
    let lottery = &mut state.lottery;
    lottery.ticket_count = Some(Count(5));
    lottery.draw_scheduled = Some(true);
    lottery.pending_request = Some(false);
    lottery.rng_request_count = Some(Count(4));
    lottery.rng_response_count = Some(Count(4));
    lottery.aggregator = Some(vec!["0xa6".parse().unwrap()]);
    lottery.consumers = Some(vec![owner()]);
    lottery.gas.max_gas_price = Some(GasPrice(1000));
    lottery.gas.max_gas_limit = Some(GasUnits(500_000));
    lottery.gas.verification_gas_value = Some(GasUnits(25_000));
    lottery.vrf_request_config = Some(Maybe(Some(VrfRequestConfig { rng_count: 1, client_seed: Count(1) })));
    state
}

fn policy() -> DrawPolicy {
    DrawPolicy {
        min_tickets: 5,
        skip_draw_scheduled: false,
        allow_pending: false,
        skip_min_balance: false,
        sender: None,
        signer: Some(owner()),
        layout: None,
        expected_aggregators: Vec::new(),
        lang: Lang::En,
    }
}

fn judge(state: &State, policy: &DrawPolicy) -> Readiness {
    let mut views = Views::new();
    for key in ["lottery_status", "vrf_gas_config"] {
        views.insert(key.to_owned(), ViewReport::default());
    }
    let facts = Facts {
        requests: None,
        pending_since: None,
        history: &[],
        state,
        views: &views,
        error: None,
        calculation: None,
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    readiness(Some(state), &views, &evaluate(facts, &Policy::default()), policy)
}

fn codes(change: impl Fn(&mut State), policy: &DrawPolicy) -> Vec<String> {
    let mut state = good();
    change(&mut state);
    judge(&state, policy).reasons.into_iter().map(|reason| reason.code).collect()
}

fn by_layout() -> DrawPolicy {
    let file = include_str!("../../../../tests/fixtures/layouts/lottery.toml");
    let layout = Arc::new(Layout::parse(file, &|_| None).unwrap());
    let target = Target {
        lottery: None,
        consumer: Some(owner()),
        ..Target::of_lottery(owner(), "0xd".parse().unwrap())
    };
    DrawPolicy { layout: LayoutDraw::of(&layout, &target), ..policy() }
}

/// A contract of which every condition holds.
fn contract(name: &str, outcome: RequestOutcome) -> Consumer {
    let values = json!({
        "draw_scheduled": true, "ticket_count": "5", "pending": false, "asked_ever": "4", "answered_ever": "4",
        "callback_sender": ["0xa6"], "requesters": [owner()], "max_gas_price": "1000", "max_gas_limit": "500000",
    });
    let request = ConsumerRequest { request: "draw".to_owned(), outcome, ..ConsumerRequest::default() };
    Consumer {
        layout: name.to_owned(),
        values: serde_json::from_value(values).unwrap(),
        requests: vec![request],
        ..Consumer::default()
    }
}

/// A record that another layout filled says nothing about the conditions of this one.
#[rstest]
#[case::the_same("lottery", true)]
#[case::another("core", false)]
fn conditions_are_judged_by_their_own_layout(#[case] name: &str, #[case] is_judged: bool) {
    let consumer = Some(contract(name, RequestOutcome::Answered));
    let found = judge(&State { consumer, ..good() }, &by_layout());
    assert_eq!((found.conditions.is_empty(), found.ready), (!is_judged, is_judged), "{found:?}");
    let unknown = "what the contract of the layout holds is not known";
    assert_eq!(found.reasons.iter().any(|reason| reason.message == unknown), !is_judged, "{found:?}");
}

#[rstest]
#[case::answered(|_: &mut Consumer| {}, RequestOutcome::Answered, &[], Some(false))]
#[case::withdrawn(|_: &mut Consumer| {}, RequestOutcome::Withdrawn, &[], Some(false))]
#[case::pending(|_: &mut Consumer| {}, RequestOutcome::Pending, &["REQUEST_PENDING"], Some(true))]
#[case::not_confirmed(|_: &mut Consumer| {}, RequestOutcome::NotConfirmed, &["VALUE_UNKNOWN"], None)]
#[case::of_another_kind(|c: &mut Consumer| c.requests[0].request = "roll".to_owned(), RequestOutcome::Pending, &[], Some(false))]
#[case::too_few(|c: &mut Consumer| drop(c.values.insert("ticket_count".to_owned(), json!("4"))), RequestOutcome::Answered, &["CONDITION_NOT_MET"], Some(false))]
#[case::unread(|c: &mut Consumer| drop(c.values.remove("ticket_count")), RequestOutcome::Answered, &["VALUE_UNKNOWN"], Some(false))]
#[case::not_initialised(|c: &mut Consumer| c.ready = Some(false), RequestOutcome::Pending, &["CONSUMER_NOT_READY"], None)]
#[case::initialised(|c: &mut Consumer| c.ready = Some(true), RequestOutcome::Answered, &[], Some(false))]
fn a_contract_of_a_layout(
    #[case] change: fn(&mut Consumer),
    #[case] outcome: RequestOutcome,
    #[case] expected: &[&str],
    #[case] pending: Option<bool>,
) {
    let mut consumer = contract("lottery", outcome);
    change(&mut consumer);
    let found = judge(&State { consumer: Some(consumer), ..good() }, &by_layout());
    let codes: Vec<&str> = found.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!((codes.as_slice(), found.pending_request, found.round), (expected, pending, Some(Count(4))));
}

/// A request may be among what was not read.
#[rstest]
#[case::nothing_waits(RequestOutcome::Answered, None)]
#[case::one_waits(RequestOutcome::Pending, Some(true))]
fn a_contract_that_was_not_read_as_a_whole(#[case] outcome: RequestOutcome, #[case] pending: Option<bool>) {
    let state = State { consumer: Some(contract("lottery", outcome)), ..good() };
    let error = Some(Failure::new(FailureKind::Unreachable, "no answer"));
    let views = Views::from([("consumer.data".to_owned(), ViewReport { error, ..ViewReport::default() })]);
    let found = readiness(Some(&state), &views, &Checks::default(), &by_layout());
    assert_eq!((found.ready, found.pending_request), (false, pending), "{found:?}");
}

#[test]
fn ready() {
    let found = judge(&good(), &policy());
    assert_eq!((found.ready, found.reasons), (true, vec![]));
    assert_eq!((found.ticket_count, found.min_tickets_required, found.round), (Some(5), 5, Some(Count(4))));
    assert_eq!((found.min_balance_reached, found.draw_scheduled), (Some(false), Some(true)));
    assert_eq!(found.pending_request, Some(false));
    assert_eq!(found.aggregators.unwrap().len(), 1);
}

#[test]
fn every_assert_of_the_contract() {
    let sender = DrawPolicy { sender: Some("0x7".parse().unwrap()), ..policy() };
    assert_eq!(codes(|_| {}, &sender), ["NOT_OWNER"]);
    assert_eq!(codes(|_| {}, &DrawPolicy { sender: Some(owner()), ..policy() }), Vec::<String>::new());
    let of = |change: fn(&mut State)| codes(change, &policy());
    assert_eq!(of(|s| s.lottery.draw_scheduled = Some(false)), ["DRAW_NOT_SCHEDULED"]);
    assert_eq!(of(|s| s.lottery.ticket_count = Some(Count(0))), ["TOO_FEW_TICKETS"]);
    assert_eq!(of(|s| s.lottery.pending_request = Some(true)), ["REQUEST_PENDING"]);
    assert_eq!(of(|s| s.lottery.gas.max_gas_price = Some(GasPrice(0))), ["GAS_NOT_CONFIGURED"]);
    assert_eq!(of(|s| s.lottery.gas.verification_gas_value = Some(GasUnits(0))), ["GAS_NOT_CONFIGURED"]);
    assert_eq!(of(|s| s.lottery.aggregator = Some(Vec::new())), ["AGGREGATOR_NOT_SET"]);
    assert_eq!(
        of(|s| s.lottery.consumers = Some(vec!["0x7".parse().unwrap()])),
        ["CONSUMER_NOT_WHITELISTED"]
    );
    assert_eq!(of(|s| s.lottery.consumers = Some(vec![])), ["CONSUMERS_EMPTY"]);
    assert_eq!(of(|s| s.lottery.next_client_seed = Some(Count(u64::MAX.into()))), ["CLIENT_SEED_EXHAUSTED"]);
    assert_eq!(
        of(|s| s.lottery.rng_request_count = Some(Count(u64::MAX.into())))[0],
        "REQUEST_COUNTER_EXHAUSTED"
    );
    assert_eq!(of(|s| s.deposit.client_whitelisted = Some(false)), ["CLIENT_NOT_WHITELISTED"]);
    assert_eq!(of(|s| s.deposit.paused = Some(true)), ["DEPOSIT_PAUSED"]);
}

/// Equal to the minimum is low, and the chain's `true` is bad: the old readiness had it the other way round.
#[test]
fn at_or_below_the_minimum_blocks() {
    let low = ["DEPOSIT_AT_OR_BELOW_MIN_BALANCE"];
    assert_eq!(codes(|s| s.deposit.balance = Some(Quants(100)), &policy())[0], low[0]);
    assert_eq!(codes(|s| s.deposit.at_or_below_minimum = Some(true), &policy())[0], low[0]);
    let skip = DrawPolicy { skip_min_balance: true, ..policy() };
    assert_eq!(codes(|s| s.deposit.balance = Some(Quants(100)), &skip), Vec::<String>::new());
}

#[test]
fn the_operators_demands() {
    let few = |s: &mut State| s.lottery.ticket_count = Some(Count(3));
    assert_eq!(codes(few, &DrawPolicy { min_tickets: 3, ..policy() }), Vec::<String>::new());
    assert_eq!(codes(few, &policy()), ["TOO_FEW_TICKETS"]);
    // The contract needs one whatever is demanded.
    let none = |s: &mut State| s.lottery.ticket_count = Some(Count(0));
    assert_eq!(codes(none, &DrawPolicy { min_tickets: 0, ..policy() }), ["TOO_FEW_TICKETS"]);
    let skip = DrawPolicy { skip_draw_scheduled: true, allow_pending: true, ..policy() };
    let both = |s: &mut State| {
        s.lottery.draw_scheduled = Some(false);
        s.lottery.pending_request = Some(true);
        s.lottery.rng_request_count = Some(Count(5));
    };
    assert_eq!(codes(both, &skip), Vec::<String>::new());
}

#[test]
fn missing_data_is_not_ready_and_not_a_no() {
    let nothing = readiness(None, &Views::new(), &judge_of_nothing(), &policy());
    assert!(!nothing.ready && nothing.is_unknown(), "{nothing:?}");
    for forget in [
        |s: &mut State| s.lottery.ticket_count = None,
        |s: &mut State| s.lottery.draw_scheduled = None,
        |s: &mut State| s.lottery.pending_request = None,
        |s: &mut State| s.lottery.aggregator = None,
        |s: &mut State| s.lottery.gas.max_gas_limit = None,
        |s: &mut State| {
            s.deposit.min_balance = None;
            s.deposit.at_or_below_minimum = None;
        },
    ] {
        let mut state = good();
        forget(&mut state);
        let found = judge(&state, &policy());
        assert!(!found.ready && found.is_unknown(), "{found:?}");
        // A known obstacle beside it is a no.
        state.lottery.draw_scheduled = Some(false);
        assert!(!judge(&state, &policy()).is_unknown());
    }
}

/// Readiness of the good state with these findings, as `(code, known)`.
fn with_findings(findings: Vec<Finding>, state: &State, policy: &DrawPolicy) -> Vec<(String, bool)> {
    let checks = Checks { findings, ..Checks::default() };
    let found = readiness(Some(state), &Views::new(), &checks, policy);
    found.reasons.into_iter().map(|reason| (reason.code, reason.known)).collect()
}

fn finding(code: Code, severity: Severity, message: &str, values: &[&str]) -> Finding {
    let evidence = serde_json::json!({"values": values}).as_object().cloned().unwrap_or_default();
    Finding::new(code, severity, message.to_owned(), evidence, Lang::En)
}

fn unread(values: &[&str]) -> Finding {
    finding(Code::NodeUnreachable, Severity::Unknown, "no answer", values)
}

const UNKNOWN_NODE: (&str, bool) = ("NODE_UNREACHABLE", false);
const UNKNOWN_VALUE: (&str, bool) = ("VALUE_UNKNOWN", false);

#[rstest::rstest]
#[case::an_expected_module(vec![finding(Code::ModuleDisabled, Severity::Critical, "m", &[])], &[("MODULE_DISABLED", true)])]
#[case::another_module(vec![finding(Code::ModuleDisabled, Severity::Info, "m", &[])], &[])]
#[case::two_modules(
    vec![finding(Code::ModuleDisabled, Severity::Critical, "a", &[]), finding(Code::ModuleDisabled, Severity::Critical, "b", &[])],
    &[("MODULE_DISABLED", true), ("MODULE_DISABLED", true)],
)]
#[case::the_same_twice(vec![unread(&["paused"]), unread(&["paused"])], &[UNKNOWN_NODE])]
#[case::the_same_words_twice(
    vec![finding(Code::DepositPaused, Severity::Critical, "m", &[]), finding(Code::ModuleDisabled, Severity::Critical, "m", &[])],
    &[("DEPOSIT_PAUSED", true), ("MODULE_DISABLED", true)],
)]
#[case::stale(vec![finding(Code::ChainStale, Severity::Unknown, "m", &[])], &[("CHAIN_STALE", false)])]
#[case::no_contract(vec![finding(Code::NoContract, Severity::Unknown, "m", &["lottery_status"])], &[("NO_CONTRACT", false)])]
#[case::no_node(vec![unread(&["balance", "paused"])], &[UNKNOWN_NODE])]
#[case::only_info(vec![finding(Code::ViewFailed, Severity::Info, "m", &["whitelist_status"])], &[])]
fn findings_that_block(#[case] findings: Vec<Finding>, #[case] expected: &[(&str, bool)]) {
    let found = with_findings(findings, &good(), &policy());
    assert_eq!(found.iter().map(|(code, known)| (code.as_str(), *known)).collect::<Vec<_>>(), expected);
}

#[rstest::rstest]
#[case::named(unread(&["whitelist_status"]), &[UNKNOWN_NODE])]
#[case::another_value(unread(&["paused"]), &[UNKNOWN_VALUE, UNKNOWN_NODE])]
#[case::info_names_nothing(finding(Code::ViewFailed, Severity::Info, "m", &["whitelist_status"]), &[UNKNOWN_VALUE])]
fn an_unknown_whitelist_is_said_once(#[case] finding: Finding, #[case] expected: &[(&str, bool)]) {
    let mut state = good();
    state.lottery.aggregator = None;
    let found = with_findings(vec![finding], &state, &policy());
    assert_eq!(found.iter().map(|(code, known)| (code.as_str(), *known)).collect::<Vec<_>>(), expected);
}

#[test]
fn an_unknown_deposit_blocks_unless_it_is_skipped() {
    let skip = DrawPolicy { skip_min_balance: true, ..policy() };
    let mut state = good();
    state.deposit.min_balance = None;
    state.deposit.at_or_below_minimum = None;
    assert_eq!(judge(&state, &policy()).min_balance_reached, None);
    assert_eq!(with_findings(vec![], &state, &policy()), [("VALUE_UNKNOWN".to_owned(), false)]);
    assert_eq!(with_findings(vec![], &state, &skip), []);
    let money = || vec![unread(&["balance", "supra_min_balance"])];
    assert_eq!(with_findings(money(), &state, &skip), []);
    assert_eq!(with_findings(money(), &state, &policy()).len(), 2);
    let more = vec![unread(&["balance", "paused"])];
    assert_eq!(with_findings(more, &state, &skip), [("NODE_UNREACHABLE".to_owned(), false)]);
    // A client that is not whitelisted has no deposit.
    state.deposit.client_whitelisted = Some(false);
    assert_eq!(with_findings(vec![], &state, &policy()), []);
}

#[rstest::rstest]
#[case::both_say_no(Some(false), 1000, Some(false))]
#[case::the_chain_says_yes(Some(true), 1000, Some(true))]
#[case::the_numbers_say_yes(Some(false), 100, Some(true))]
#[case::only_low_numbers(None, 100, Some(true))]
#[case::supras_minimum_is_not_known(None, 1000, None)]
fn whether_the_minimum_is_reached(
    #[case] flag: Option<bool>,
    #[case] balance: u128,
    #[case] expected: Option<bool>,
) {
    let mut state = good();
    state.deposit.at_or_below_minimum = flag;
    state.deposit.balance = Some(Quants(balance));
    assert_eq!(judge(&state, &policy()).min_balance_reached, expected);
}

fn judge_of_nothing() -> Checks {
    crate::check::evaluate_failure(&crate::report::ReportError::default(), &Policy::default())
}

#[test]
fn reasons_of_the_caller() {
    let mut found = judge(&good(), &policy());
    found.object("COOLING_DOWN", "wait".to_owned());
    assert!(!found.ready && !found.is_unknown());
}

proptest! {
    /// Never ready at or below the minimum, with a pending request, without tickets, or without a due draw.
    #[test]
    fn never_ready_when_the_contract_would_refuse(
        balance in 0u128..300, minimum in 0u128..300, floor in proptest::option::of(0u128..300), tickets in 0u128..9,
        scheduled in proptest::option::of(any::<bool>()), pending in proptest::option::of(any::<bool>()),
    ) {
        let mut state = good();
        state.deposit.balance = Some(Quants(balance));
        state.deposit.min_balance = Some(Quants(minimum));
        state.deposit.supra_min_balance = floor.map(Quants);
        state.deposit.at_or_below_minimum = None;
        state.lottery.ticket_count = Some(Count(tickets));
        state.lottery.draw_scheduled = scheduled;
        state.lottery.pending_request = pending;
        let found = judge(&state, &DrawPolicy { min_tickets: 1, ..policy() });
        let accepts = floor.is_some_and(|floor| balance > minimum.max(floor)) && tickets > 0 && scheduled == Some(true) && pending == Some(false);
        prop_assert_eq!(found.ready, accepts);
    }
}
