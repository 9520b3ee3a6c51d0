//! What a report says of readings that agree, differ or change.

use std::cell::RefCell;

use rstest::rstest;

use super::*;
use crate::amount::{Count, Quants};
use crate::state::Maybe;
use crate::state::consumer::{Consumer, ConsumerRequest};
use crate::view_report::{ViewReport, Views};

const MINIMUM: u128 = 100;

/// A reading: the seconds of its two clocks, and the balance.
type Seen = (u128, u128, u128);

fn reading((first, last, balance): Seen) -> Collected {
    let mut collected = Collected::default();
    collected.state.chain.time_us = (first > 0).then_some(Count(first * 1_000_000));
    collected.last_clock_us = (last > 0).then_some(Count(last * 1_000_000));
    collected.state.deposit.balance = (balance > 0).then_some(Quants(balance));
    collected.state.deposit.min_balance = Some(Quants(MINIMUM));
    collected.views = Views::from([("balance".to_owned(), ViewReport::default())]);
    collected
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// What a report says when its readings are these, and how many of them were made. After the last one they repeat it.
fn report(nodes: &Nodes, now: Timestamp, seen: &[Seen]) -> (Option<u128>, usize) {
    let rest = RefCell::new((seen[1..].iter(), 1));
    let read = || {
        let (rest, count) = &mut *rest.borrow_mut();
        *count += 1;
        reading(*rest.next().unwrap_or(seen.last().unwrap()))
    };
    let deadline = Deadline::after(std::time::Duration::from_secs(60));
    let found = nodes.agree(reading(seen[0]), Instant::now(), now, deadline, read);
    let failed = found.views["balance"].error.as_ref().map(|failure| failure.kind);
    assert_eq!(failed.is_some(), found.state.deposit.balance.is_none() && found.state == State::default());
    assert!(failed.is_none_or(|kind| kind == FailureKind::NodesDisagree));
    (found.state.deposit.balance.map(Quants::get), rest.borrow().1)
}

const OK: u128 = 200;
const LOW: u128 = 199;

#[rstest]
#[case::good_news_of_one_height(&[(1000, 1000, OK)], Some(OK), 1)]
#[case::half_a_minute_is_no_difference(&[(1000, 1030, OK)], Some(OK), 1)]
#[case::without_a_second_clock(&[(1000, 0, OK)], Some(OK), 1)]
#[case::bad_news_is_read_four_times(&[(1000, 1000, LOW)], Some(LOW), 4)]
#[case::bad_news_of_one_reading(&[(1000, 1000, LOW), (1000, 1000, OK)], Some(OK), 5)]
#[case::bad_news_of_a_busy_contract(&[(1000, 1000, 99), (1001, 1001, 98), (1002, 1002, 97), (1003, 1003, 96)], Some(99), 4)]
#[case::ever_changing(&[(1000, 1000, LOW), (1000, 1000, OK), (1001, 1001, LOW), (1001, 1001, OK), (1002, 1002, LOW), (1002, 1002, OK), (1003, 1003, LOW), (1003, 1003, OK), (1004, 1004, LOW)], None, 9)]
#[case::bad_news_over_a_minute(&[(1000, 1000, LOW), (1025, 1025, LOW), (1050, 1050, LOW), (1075, 1075, LOW)], Some(LOW), 4)]
#[case::bad_news_without_a_clock(&[(0, 0, LOW)], Some(LOW), 1)]
#[case::a_node_behind_answered_once(&[(1000, 1031, OK), (1031, 1031, OK)], Some(OK), 6)]
#[case::the_last_clock_counts_too(&[(1031, 1000, OK), (1031, 1031, OK)], Some(OK), 6)]
#[case::mixed_for_ever(&[(1000, 1031, OK)], None, 9)]
#[case::mixed_values_within_five(&[(1000, 1031, OK), (1031, 1031, OK), (1031, 1031, OK), (1031, 1031, OK), (1031, 1031, OK), (1031, 1031, LOW)], None, 9)]
#[case::the_first_node_was_behind(&[(1000, 1000, LOW), (1031, 1031, OK)], Some(OK), 6)]
#[case::undated_readings_prove_nothing(&[(1000, 1031, OK), (0, 0, OK)], None, 9)]
#[case::a_node_behind_that_agrees_proves_nothing(&[(1031, 1031, LOW), (1000, 1000, LOW), (1031, 1031, LOW)], Some(LOW), 7)]
#[case::a_value_that_fails_contradicts_nothing(&[(1000, 1000, LOW), (1000, 1000, 0), (1000, 1000, LOW)], Some(LOW), 4)]
fn readings_agree(#[case] seen: &[Seen], #[case] balance: Option<u128>, #[case] count: usize) {
    assert_eq!(report(&Nodes::new("n", None), at(5000), seen), (balance, count));
}

#[test]
fn the_failure_says_how_the_nodes_differ() {
    assert!(failure(31_000_000).message.ends_with("of which one is 31 s behind another"));
    assert!(failure(0).message.contains("change from one reading to the next"));
}

#[test]
fn a_later_target_is_compared_with_what_an_earlier_one_saw() {
    let nodes = Nodes::new("n", None);
    assert_eq!(report(&nodes, at(5000), &[(1031, 1031, OK)]), (Some(OK), 1));
    assert_eq!(report(&nodes, at(5000), &[(1000, 1000, OK)]), (None, 9));
}

#[test]
fn nodes_that_keep_in_step_are_believed_for_a_minute() {
    let nodes = Nodes::new("n", None);
    let low = |now, clock| report(&nodes, at(now), &[(clock, clock, LOW)]);
    let counts: Vec<usize> = (0..4).map(|_| low(5000, 1000).1).collect();
    assert_eq!(counts, [4, 4, 4, 1]);
    assert_eq!(low(4990, 1000).1, 1, "a target whose run began earlier");
    assert_eq!((low(5059, 1000).1, low(5060, 1000).1), (1, 4));
    assert_eq!(low(5061, 1000), (Some(LOW), 4));
    assert_eq!(low(5061, 1000), (Some(LOW), 4));
    assert_eq!(low(5061, 1000), (Some(LOW), 1));
    assert_eq!(low(5062, 1031), (Some(LOW), 1));
    assert_eq!(low(5062, 1000), (None, 9), "a node that is behind ends that");
    assert_eq!(low(5062, 1031), (Some(LOW), 5));
}

#[test]
fn eight_steps_in_a_row_are_proof() {
    let nodes = Nodes::new("n", None);
    let steps = |count: u64| (0..count).for_each(|_| nodes.count_step(true, at(5000)));
    steps(IN_STEP - 1);
    nodes.count_step(false, at(5000));
    steps(IN_STEP - 1);
    assert!(!nodes.is_proven(at(5000)));
    steps(1);
    assert!(nodes.is_proven(at(5000)));
}

#[test]
fn nodes_that_differed_are_remembered_for_an_hour() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Nodes::new("rpc http://n", Some(folder.path()));
    assert_eq!(report(&open(), at(5000), &[(1000, 1031, OK)]), (None, 9));
    assert_eq!(report(&open(), at(5001), &[(2000, 2000, OK)]), (Some(OK), 5), "agreeing is not enough");
    assert_eq!(report(&open(), at(8599), &[(2000, 2000, OK)]), (Some(OK), 5));
    assert_eq!(report(&open(), at(8600), &[(2000, 2000, OK)]), (Some(OK), 1));
    assert_eq!(report(&open(), at(4999), &[(2000, 2000, OK)]), (Some(OK), 1), "a clock that was wrong");
    let changing = [OK, OK + 1, OK, OK + 1, OK, OK + 1, OK, OK + 1, OK].map(|balance| (2000, 2000, balance));
    assert_eq!(report(&open(), at(5001), &changing), (None, 9));
    let other = Nodes::new("rpc http://other", Some(folder.path()));
    assert_eq!(report(&other, at(5001), &[(2000, 2000, OK)]), (Some(OK), 1));
    assert_eq!(report(&open(), at(5001), &[(0, 0, OK), (2000, 2000, OK)]), (Some(OK), 6), "undated");
}

/// The nodes of one URL, and how long ago each reading was begun.
#[rstest]
#[case::no_time(0, 1000, 1031, true)]
#[case::as_long_as_the_chain_moved_on(1, 1000, 1031, false)]
#[case::longer(10, 1000, 1039, false)]
#[case::not_long_enough(10, 1000, 1045, true)]
fn a_slow_reading_may_span_more(
    #[case] seconds: u64,
    #[case] first: u128,
    #[case] last: u128,
    #[case] behind: bool,
) {
    let nodes = Nodes::new("n", None);
    let started = Instant::now().checked_sub(std::time::Duration::from_secs(seconds)).unwrap();
    let found = nodes.behind_us(&Reading { collected: reading((first, last, OK)), started });
    assert_eq!(found.map(|behind_us| behind_us > 0), Some(behind));
}

#[test]
fn one_target_at_a_time_reads_its_bad_news_again() {
    let (nodes, again) = (Nodes::new("n", None), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let read = || {
                    again.fetch_add(1, Ordering::Relaxed);
                    reading((1000, 1000, LOW))
                };
                let deadline = Deadline::after(std::time::Duration::from_secs(60));
                let found = nodes.agree(reading((1000, 1000, LOW)), Instant::now(), at(5000), deadline, read);
                assert_eq!(found.state.deposit.balance, Some(Quants(LOW)));
            });
        }
    });
    assert_eq!(again.into_inner(), 9, "three more readings of each of three targets");
}

#[test]
fn no_time_is_no_second_look() {
    let read = || panic!("the time is over");
    let found = |seen| {
        let deadline = Deadline::after(std::time::Duration::ZERO);
        Nodes::new("n", None)
            .agree(reading(seen), Instant::now(), at(5000), deadline, read)
            .state
            .deposit
            .balance
    };
    assert_eq!(found((1000, 1000, LOW)), Some(Quants(LOW)));
    assert_eq!(found((1000, 1031, OK)), None);
}

fn waiting(age_seconds: u64) -> Consumer {
    let outcome = RequestOutcome::Pending;
    let request = ConsumerRequest { outcome, age_seconds: Some(age_seconds), ..ConsumerRequest::default() };
    Consumer { requests: vec![request], ..Consumer::default() }
}

fn watched(holds: Option<bool>) -> Consumer {
    let watch =
        json!({"code": "HUB_LOST", "severity": "critical", "holds": holds, "name": "lost", "value": 1});
    Consumer { watches: vec![serde_json::from_value(watch).unwrap()], ..Consumer::default() }
}

#[rstest]
#[case::flag(|state: &mut State| state.deposit.at_or_below_minimum = Some(true), true)]
#[case::unknown_client(|state: &mut State| state.deposit.client_whitelisted = Some(false), true)]
#[case::paused(|state: &mut State| state.deposit.paused = Some(true), true)]
#[case::waiting(|state: &mut State| state.lottery.pending_request = Some(true), true)]
#[case::of_supras_minimum(|state: &mut State| state.deposit.supra_min_balance = Some(Quants(MINIMUM + 1)), true)]
#[case::overdue(|state: &mut State| state.consumer = Some(waiting(300)), true)]
#[case::young(|state: &mut State| state.consumer = Some(waiting(299)), false)]
#[case::watch(|state: &mut State| state.consumer = Some(watched(Some(true))), true)]
#[case::no_watch(|state: &mut State| state.consumer = Some(watched(Some(false))), false)]
#[case::unknown_watch(|state: &mut State| state.consumer = Some(watched(None)), false)]
fn bad_news(#[case] change: fn(&mut State), #[case] is_bad: bool) {
    let mut state = reading((1, 1, OK)).state;
    assert!(!looks_bad(&state));
    change(&mut state);
    assert_eq!(looks_bad(&state), is_bad);
}

#[rstest]
#[case::another_request(|state: &mut State| state.lottery.pending_nonce = Some(Maybe(Some(Count(8)))), true)]
#[case::answered(|state: &mut State| state.lottery.pending_request = Some(false), true)]
#[case::unknown(|state: &mut State| state.lottery.pending_request = None, false)]
#[case::unknown_nonce(|state: &mut State| state.lottery.pending_nonce = None, false)]
#[case::another_balance(|state: &mut State| state.deposit.balance = Some(Quants(LOW - 1)), false)]
#[case::another_counter(|state: &mut State| state.lottery.rng_request_count = Some(Count(9)), false)]
#[case::request_not_listed(|state: &mut State| state.consumer = None, false)]
#[case::request_answered(|state: &mut State| state.consumer.as_mut().unwrap().requests[0].outcome = RequestOutcome::Answered, true)]
#[case::request_older(|state: &mut State| state.consumer = Some(waiting(400)), false)]
fn news_contradict_each_other(#[case] change: fn(&mut State), #[case] expected: bool) {
    let mut one = reading((1, 1, LOW)).state;
    one.lottery.pending_request = Some(true);
    one.lottery.pending_nonce = Some(Maybe(Some(Count(7))));
    one.consumer = Some(waiting(300));
    let mut other = one.clone();
    change(&mut other);
    assert_eq!((contradict(&one, &other, false), contradict(&other, &one, false)), (expected, expected));
}

#[test]
fn values_contradict_each_other() {
    let (a, mut b) = (reading((1, 1, OK)).state, reading((9, 9, OK)).state);
    assert!(!contradict(&a, &b, true), "clocks move on");
    b.lottery.consumers = Some(vec![]);
    assert!(!contradict(&a, &b, true), "a value of one side only");
    let mut a = a;
    a.lottery.consumers = Some(vec!["0x1".parse().unwrap()]);
    assert!(contradict(&a, &b, true), "a longer list");
    b.lottery.consumers = Some(vec!["0x2".parse().unwrap()]);
    assert!(contradict(&a, &b, true), "another element");
    b.lottery.consumers.clone_from(&a.lottery.consumers);
    assert!(!contradict(&a, &b, true));
    b.deposit.paused = Some(true);
    a.deposit.paused = Some(false);
    assert!(contradict(&a, &b, true));
}
