//! How long a pending request has waited: by its event, by the events that were read, or since it was first seen.

use super::*;
use crate::check::requests::{Cause, diagnose};
use crate::failure::Abort;
use crate::requests::CallbackFailure;

/// Requests as they were read since 2 h ago, with a pending one of this age.
fn read_requests(change: impl FnOnce(&mut Requests), pending_age_s: Option<u64>) -> Requests {
    let since = now().checked_sub(jiff::SignedDuration::from_hours(2)).unwrap();
    let pending = pending_age_s.map(|age| crate::requests::Pending {
        nonce: Count(3),
        height: 7,
        transaction_hash: None,
        requested_at: None,
        age_seconds: Some(age),
        requester: None,
    });
    let mut requests = Requests {
        since: Some(since.to_string()),
        pending: pending.into_iter().collect(),
        ..Requests::default()
    };
    change(&mut requests);
    requests
}

/// The clock of a node that is behind by as many seconds.
fn clock(lag_s: i64) -> Count {
    let time = now().checked_sub(jiff::SignedDuration::from_secs(lag_s)).unwrap();
    Count(time.as_microsecond().unsigned_abs().into())
}

/// An answer that ended in the abort, or ran out of gas.
fn callback_failure(abort: Option<Abort>) -> CallbackFailure {
    CallbackFailure {
        height: 8,
        transaction_hash: None,
        nonce: None,
        status: "Out of gas".to_owned(),
        abort,
        help: Some("runbook".to_owned()),
    }
}

#[rstest]
#[case::not_long(299, Code::RequestPending, Severity::Info)]
#[case::long(300, Code::RequestStuck, Severity::Warning)]
#[case::not_too_long(1799, Code::RequestStuck, Severity::Warning)]
#[case::too_long(1800, Code::RequestStuck, Severity::Critical)]
fn the_longer_the_graver(#[case] age_s: u64, #[case] code: Code, #[case] severity: Severity) {
    let mut state = healthy();
    state.lottery.pending_request = Some(true);
    state.lottery.rng_request_count = Some(Count(3));
    let (views, requests) = (views(), read_requests(|_| {}, Some(age_s)));
    let checks = evaluate(Facts { requests: Some(&requests), ..facts(&state, &views) }, &Policy::default());
    let found: Vec<_> = checks.findings.iter().map(|finding| (finding.code, finding.severity)).collect();
    assert_eq!(found, [(code, severity)]);
}

/// In the state of a node that is behind, the request had waited less: it may be answered since.
#[rstest]
#[case::in_step(300, 60, Code::RequestStuck, Severity::Warning)]
#[case::behind(300, 61, Code::RequestPending, Severity::Unknown)]
#[case::almost_long_enough(499, 200, Code::RequestPending, Severity::Unknown)]
#[case::long_enough(500, 200, Code::RequestStuck, Severity::Warning)]
#[case::too_long(1800, 200, Code::RequestStuck, Severity::Critical)]
#[case::young(299, 200, Code::RequestPending, Severity::Info)]
fn a_node_that_is_behind_may_not_have_the_answer_yet(
    #[case] age_s: u64,
    #[case] lag_s: i64,
    #[case] code: Code,
    #[case] severity: Severity,
) {
    let mut state = healthy();
    state.lottery.pending_request = Some(true);
    state.lottery.rng_request_count = Some(Count(3));
    state.chain.time_us = Some(clock(lag_s));
    let (views, mut requests) = (views(), read_requests(|_| {}, Some(age_s)));
    let found = |requests: &Requests| {
        let checks =
            evaluate(Facts { requests: Some(requests), ..facts(&state, &views) }, &Policy::default());
        checks.findings.iter().map(|finding| (finding.code, finding.severity)).collect::<Vec<_>>()
    };
    assert_eq!(found(&requests), [(code, severity)]);
    // An answer that the callback aborted does not come again.
    requests.callback_failures.push(callback_failure(None));
    let stuck = if age_s < 300 { Code::RequestPending } else { Code::RequestStuck };
    assert_eq!(found(&requests)[0].0, stuck);
}

/// The name of the abort if the contract has one, else its code, else the status.
#[rstest]
#[case::named(Some((6, Some("ERANDOM_NUMBER"))), "ERANDOM_NUMBER")]
#[case::of_a_number(Some((6, None)), "code 6")]
#[case::no_abort(None, "Out of gas")]
fn an_aborted_callback_is_named(#[case] abort: Option<(u64, Option<&str>)>, #[case] name: &str) {
    let abort = abort.map(|(code, name)| Abort {
        location: None,
        code: code.to_string(),
        name: name.map(str::to_owned),
    });
    let mut state = healthy();
    state.lottery.pending_request = Some(true);
    state.lottery.rng_request_count = Some(Count(3));
    let (views, mut requests) = (views(), read_requests(|_| {}, Some(300)));
    requests.callback_failures.push(callback_failure(abort));
    let checks = evaluate(Facts { requests: Some(&requests), ..facts(&state, &views) }, &Policy::default());
    let [stuck] = checks.findings.as_slice() else { panic!("{checks:?}") };
    let said =
        format!("a randomness request has waited for 5 min: {}: {name}", Cause::CallbackAborts.sentence().0);
    assert_eq!(stuck.message, said);
    assert_eq!((&stuck.evidence["abort"], &stuck.evidence["abort_help"]), (&json!(name), &json!("runbook")));
}

/// The counters of `healthy` differ by three, and no request is pending.
#[rstest]
#[case::all_answered(3, None, false, true)]
#[case::more_than_all(4, None, false, true)]
#[case::not_all(2, None, false, false)]
#[case::one_waits(3, Some(6), false, false)]
#[case::not_read(3, None, true, false)]
fn events_may_show_that_every_request_was_answered(
    #[case] handled: u64,
    #[case] pending_age_s: Option<u64>,
    #[case] fails: bool,
    #[case] answered: bool,
) {
    let mut state = healthy();
    state.lottery.rng_response_count = Some(Count(4));
    state.lottery.rng_request_count = Some(Count(7));
    let error = fails.then(|| crate::failure::Failure::new(FailureKind::Timeout, "why"));
    let requests = read_requests(|r| (r.requested, r.handled, r.error) = (3, handled, error), pending_age_s);
    let views = views();
    let checks = evaluate(Facts { requests: Some(&requests), ..facts(&state, &views) }, &Policy::default());
    let is_told = checks.findings.iter().any(|finding| finding.code == Code::RequestsUnanswered);
    assert_eq!(is_told, !answered, "{checks:?}");
}

const WAITED: &str = "a randomness request has waited for";

#[rstest]
#[case::fresh_by_its_event(Some(read_requests(|_| {}, Some(6))), None, Status::Ok, "a randomness request is pending")]
#[case::old_by_its_event(Some(read_requests(|_| {}, Some(1800))), None, Status::Alert, &format!("{WAITED} 30 min"))]
#[case::older_than_the_events(Some(read_requests(|_| {}, None)), None, Status::Alert, &format!("{WAITED} at least 2 h"))]
#[case::answered_meanwhile(Some(read_requests(|r| r.requested = 1, None)), None, Status::Unknown, "how long it has waited")]
#[case::events_with_gaps(Some(read_requests(|r| r.notes.push("pruned".into()), None)), None, Status::Unknown, "how long")]
#[case::seen_for_a_while(None, Some(301), Status::Alert, &format!("{WAITED} at least 5 min 1 s"))]
#[case::just_seen(None, Some(0), Status::Ok, "a randomness request is pending")]
#[case::never_seen(None, None, Status::Unknown, "how long it has waited is not known")]
fn a_pending_request_is_dated(
    #[case] requests: Option<Requests>,
    #[case] seen_for_s: Option<i64>,
    #[case] status: Status,
    #[case] message: &str,
) {
    let mut state = healthy();
    state.lottery.pending_request = Some(true);
    state.lottery.rng_request_count = Some(Count(3));
    let pending_since =
        seen_for_s.map(|age| now().checked_sub(jiff::SignedDuration::from_secs(age)).unwrap());
    let views = views();
    let facts = Facts { requests: requests.as_ref(), pending_since, ..facts(&state, &views) };
    let checks = evaluate(facts, &Policy::default());
    assert_eq!(checks.status, status, "{checks:?}");
    assert!(checks.findings.iter().any(|finding| finding.message.contains(message)), "{checks:?}");
}

#[rstest]
#[case::nothing_is_wrong(|_: &mut State| {}, Cause::Unknown)]
#[case::the_chain_says_that_it_is_low(|state: &mut State| state.deposit.at_or_below_minimum = Some(true), Cause::DepositLow)]
#[case::it_is_low_by_the_numbers(
    |state: &mut State| (state.deposit.at_or_below_minimum, state.deposit.balance) = (None, Some(Quants(1))),
    Cause::DepositLow
)]
#[case::no_consumer_at_all(|state: &mut State| state.lottery.consumers = Some(vec![]), Cause::ConsumerMissing)]
#[case::no_module_and_contracts_not_known(|state: &mut State| state.deposit.modules = Some(vec![]), Cause::ConsumerMissing)]
#[case::no_module_but_a_contract(
    |state: &mut State| {
        (state.deposit.modules, state.deposit.contracts) = (Some(vec![]), Some(vec![Address::FRAMEWORK]));
    },
    Cause::Unknown
)]
#[case::another_consumer(|state: &mut State| state.lottery.consumers = Some(vec!["0x9".parse().unwrap()]), Cause::ConsumerMissing)]
#[case::a_node_a_minute_behind(|state: &mut State| state.chain.time_us = Some(clock(60)), Cause::Unknown)]
#[case::a_node_further_behind(|state: &mut State| state.chain.time_us = Some(clock(61)), Cause::NodeLagging)]
#[case::a_node_without_a_clock(|state: &mut State| state.chain.time_us = None, Cause::Unknown)]
#[case::no_module_is_known(|state: &mut State| state.deposit.modules = None, Cause::Unknown)]
#[case::its_module_is_off(|state: &mut State| state.deposit.modules.as_mut().unwrap()[0].enabled = false, Cause::ModuleDisabled)]
#[case::fees_are_below_the_limit(|state: &mut State| state.deposit.max_txn_fee = Some(Quants(1)), Cause::Unknown)]
#[case::fees_are_at_the_limit(
    |state: &mut State| state.deposit.modules.as_mut().unwrap()[0].max_callback_txn_fee = Quants(1000),
    Cause::Unknown
)]
#[case::fees_are_above_the_limit(
    |state: &mut State| state.deposit.modules.as_mut().unwrap()[0].max_callback_txn_fee = Quants(999),
    Cause::CallbackFeeTooLow
)]
#[case::fees_are_above_the_clients_limit(
    |state: &mut State| (state.deposit.modules, state.deposit.max_txn_fee) = (None, Some(Quants(999))),
    Cause::CallbackFeeTooLow
)]
fn why_a_request_waits(#[case] change: fn(&mut State), #[case] expected: Cause) {
    let mut state = healthy();
    change(&mut state);
    let mut requests = read_requests(|_| {}, Some(1800));
    // The healthy lottery's only consumer.
    requests.pending[0].requester = Some("0x1".to_owned());
    requests.callback_fee_quants = Some(Quants(1000));
    let views = views();
    assert_eq!(diagnose(&Facts { requests: Some(&requests), ..facts(&state, &views) }), expected);
}

#[test]
fn a_finding_says_its_cause() {
    for cause in Cause::ALL.iter().copied() {
        let evidence = json!({"diagnosis": cause.name()}).as_object().cloned().unwrap();
        let finding = Finding::new(Code::RequestStuck, Severity::Warning, "m".to_owned(), evidence, Lang::En);
        assert_eq!(Cause::of(&finding), Some(cause));
        // Where none was found, more is said: what was looked at.
        let (en, ru) = match cause {
            Cause::Unknown => ("none found: ", "не найдена: "),
            known => known.sentence(),
        };
        assert!(cause.in_words(Lang::En).starts_with(en) && cause.in_words(Lang::Ru).starts_with(ru));
    }
    let other =
        Finding::new(Code::RequestStuck, Severity::Warning, "m".to_owned(), serde_json::Map::new(), Lang::En);
    assert_eq!(Cause::of(&other), None);
}
