//! What comes too soon or too late: the end of a subscription, the end of the deposit, an expected event.

use super::*;
use crate::history::Point;
use crate::requests::Seen;

const DAY_S: u64 = 86_400;

/// The first finding's code and message for a change of the healthy state without modules.
fn first_of(change: impl FnOnce(&mut State)) -> Option<(Code, String)> {
    let mut state = healthy();
    state.deposit.modules = None;
    change(&mut state);
    let findings = evaluate_state(&state, &Policy::default()).findings;
    findings.into_iter().next().map(|finding| (finding.code, finding.message))
}

#[rstest]
#[case::over(0, Some((Code::SubscriptionEnded, "the subscription has ended")))]
#[case::one_second(1, Some((Code::SubscriptionEndsSoon, "the subscription ends in 1 s")))]
#[case::days(2 * DAY_S + 7_200, Some((Code::SubscriptionEndsSoon, "the subscription ends in 2 d 2 h")))]
#[case::two_weeks(14 * DAY_S, Some((Code::SubscriptionEndsSoon, "the subscription ends in 14 d")))]
#[case::later(14 * DAY_S + 1, None)]
fn the_end_of_a_subscription(#[case] left_s: u64, #[case] expected: Option<(Code, &str)>) {
    let end = u64::try_from(now().as_second()).unwrap() + left_s;
    let found = first_of(|state| state.deposit.subscription_ends_at_s = Some(end.into()));
    assert_eq!(found, expected.map(|(code, text)| (code, text.to_owned())));
}

#[rstest]
#[case::ended(Some(false), Some(Code::SubscriptionEnded))]
#[case::active(Some(true), None)]
#[case::not_known(None, None)]
fn a_subscription_without_an_end(#[case] active: Option<bool>, #[case] expected: Option<Code>) {
    let found = first_of(|state| state.deposit.subscription_active = active);
    assert_eq!(found.map(|(code, _)| code), expected);
}

/// Nothing is reported while a deposit lasts as long as it must.
#[test]
fn the_deposit_lasts_too_short_a_time() {
    let now_s = now().as_second();
    let points: Vec<Point> = (0u32..9)
        .map(|day| Point {
            at_s: now_s - i64::from(8 - day) * 86_400,
            balance: Some(Quants(20_000_000_000 + u128::from(8 - day) * 2_000_000_000)),
            ..Point::default()
        })
        .collect();
    let (mut state, views) = (healthy(), views());
    let judged = |state: &State, warn_s: u64| {
        let policy = Policy { runway_warn_s: Some(warn_s), ..Policy::default() };
        evaluate(Facts { history: &points, ..facts(state, &views) }, &policy)
    };
    let codes = |checks: Checks| checks.findings.iter().map(|finding| finding.code).collect::<Vec<_>>();
    let lasts_s = judged(&state, 1).runway.unwrap().seconds;
    assert!(lasts_s.abs_diff(10 * DAY_S) < DAY_S, "{lasts_s}");
    assert_eq!(codes(judged(&state, lasts_s)), []);
    assert_eq!(codes(judged(&state, lasts_s + 1)), [Code::DepositRunsOutSoon]);
    state.deposit.balance = state.deposit.min_balance;
    state.deposit.at_or_below_minimum = Some(true);
    let low = judged(&state, DAY_S);
    assert_eq!(low.runway.as_ref().map(|runway| runway.seconds), Some(0));
    assert_eq!(codes(low), [Code::DepositAtOrBelowMinBalance], "one problem, one finding");
}

/// The same was spent every day, and twice as much on the last, which only this run has seen.
#[rstest]
#[case::of_the_balance(
    |point: &mut Point, day: u128| point.balance = Some(Quants(22_000_000_000 + day * 2_000_000_000)),
    (Some(2_285_714_285), 754_866)
)]
#[case::of_a_grant_beside_it(
    |point: &mut Point, day: u128| {
        (point.balance, point.grant) = (Some(Quants(20_000_000_000)), Some(Quants(2_000_000_000 + day * 2_000_000_000)));
    },
    (Some(2_285_714_285), 754_866)
)]
#[case::of_requests(|point: &mut Point, day: u128| point.requests = Some(Count(98 - 2 * day)), (None, 755_101_969))]
fn what_this_run_read_counts(#[case] set: fn(&mut Point, u128), #[case] expected: (Option<u128>, u64)) {
    let point = |day: u32| {
        let at_s = now().as_second() - i64::from(day) * 86_400;
        let mut point = Point { at_s, ..Point::default() };
        set(&mut point, day.into());
        point
    };
    let history: Vec<Point> = (1..9).rev().map(point).collect();
    let (mut state, views) = (healthy(), views());
    state.deposit.grant_remaining = Some(Quants(0));
    state.lottery.rng_request_count = Some(Count(100));
    let checks = evaluate(Facts { history: &history, ..facts(&state, &views) }, &Policy::default());
    let runway = checks.runway.unwrap();
    assert_eq!((runway.per_day.map(Quants::get), runway.seconds), expected);
}

#[rstest]
#[case::behind_within_the_limit(300, None)]
#[case::behind(301, Some("the chain's clock is 5 min 1 s behind; the node may be stuck or pruned"))]
#[case::ahead_within_the_limit(-300, None)]
#[case::ahead(-301, Some("the chain's clock is 5 min 1 s ahead of this machine's; one of the two is wrong"))]
fn the_clock_of_the_chain(#[case] behind_s: i64, #[case] expected: Option<&str>) {
    let now = now().checked_add(jiff::SignedDuration::from_secs(behind_s)).unwrap();
    let checks = evaluate(Facts { now, ..facts(&healthy(), &views()) }, &Policy::default());
    let found = checks.findings.iter().find(|finding| finding.code == Code::ChainStale);
    assert_eq!(found.map(|finding| finding.message.as_str()), expected);
}

#[rstest]
#[case::in_time(vec![("0x9::main_v2::DrawHandledEvent", Some(3600))], "DrawHandledEvent", None)]
#[case::by_its_short_word(vec![("0x9::main_v2::DrawHandledEvent", Some(3600))], "draw-handled", None)]
#[case::by_its_type(vec![("0x9::dice::Rolled", Some(0))], "0x9::dice::Rolled", None)]
#[case::ahead_of_our_clock(vec![("0x9::dice::Rolled", Some(-5))], "Rolled", None)]
#[case::late(vec![("0x9::dice::Rolled", Some(3601))], "Rolled", Some(Code::EventMissing))]
#[case::never(vec![("0x9::dice::Rolled", None)], "Rolled", Some(Code::EventMissing))]
#[case::another_was_read(vec![("0x9::dice::Asked", Some(0))], "Rolled", Some(Code::ValueUnknown))]
#[case::the_right_one_of_two(
    vec![("0x9::dice::Asked", Some(9999)), ("0x9::dice::Rolled", Some(0))],
    "Rolled",
    None
)]
#[case::nothing_was_read(vec![], "Rolled", Some(Code::ValueUnknown))]
fn an_event_is_expected(
    #[case] seen: Vec<(&str, Option<i64>)>,
    #[case] kind: &str,
    #[case] expected: Option<Code>,
) {
    let seen = seen.into_iter().map(|(type_tag, age_s)| Seen {
        type_tag: type_tag.to_owned(),
        count: 1,
        last_at: age_s
            .map(|age| now().checked_sub(jiff::SignedDuration::from_secs(age)).unwrap().to_string()),
    });
    let requests = Requests { seen: seen.collect(), ..Requests::default() };
    let wanted = ExpectedEvent { kind: kind.to_owned(), within_s: 3600 };
    let policy = Policy { expected_events: vec![wanted], ..Policy::default() };
    let (state, views) = (healthy(), views());
    let checks = evaluate(Facts { requests: Some(&requests), ..facts(&state, &views) }, &policy);
    let found: Vec<_> = checks.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(found, Vec::from_iter(expected));
}

/// An event that did not come within what was searched may have come before it.
#[rstest]
#[case::all_of_it(3600, Code::EventMissing)]
#[case::begun_a_little_later(3540, Code::EventMissing)]
#[case::what_a_pruned_node_has(3539, Code::ValueUnknown)]
fn an_expected_event_is_missing_only_where_it_was_searched(#[case] searched_s: i64, #[case] expected: Code) {
    let since = now().checked_sub(jiff::SignedDuration::from_secs(searched_s)).unwrap();
    let seen = Seen { type_tag: "0x9::dice::Rolled".to_owned(), count: 0, last_at: None };
    let requests = Requests { since: Some(since.to_string()), seen: vec![seen], ..Requests::default() };
    let wanted = ExpectedEvent { kind: "Rolled".to_owned(), within_s: 3600 };
    let policy = Policy { expected_events: vec![wanted], ..Policy::default() };
    let (state, views) = (healthy(), views());
    let checks = evaluate(Facts { requests: Some(&requests), ..facts(&state, &views) }, &policy);
    let found: Vec<_> = checks.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(found, [expected]);
}
