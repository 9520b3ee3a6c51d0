//! Times by two clocks, intents, attempts, purchases, and the file.

use std::time::Duration;

use rstest::rstest;

use super::*;
use crate::state_dir::StateDir;

const fn at(wall_s: i64, chain_s: Option<i64>) -> Moment {
    Moment { wall_s, chain_s }
}

fn open(left_s: i64, round_drawn: bool) -> IntentStatus {
    IntentStatus::Open { left_s, round_drawn }
}

const MONTH: i64 = 30 * 86_400;

#[rstest]
#[case::both(at(1000, Some(990)), at(1070, Some(1060)), Some(70))]
#[case::wall_jumps(at(1000, Some(990)), at(1000 + MONTH, Some(1000)), Some(10))]
#[case::wall_was_ahead(at(1000 + MONTH, Some(990)), at(1070, Some(1060)), Some(70))]
#[case::node_is_behind(at(1000, Some(990)), at(1070, Some(500)), Some(0))]
#[case::no_chain(at(1000, None), at(1070, None), Some(70))]
#[case::no_chain_and_set_back(at(1000 + MONTH, None), at(1070, None), None)]
#[case::no_time(at(1000, None), at(1000, None), Some(0))]
#[case::set_back_by_a_second(at(1000, Some(990)), at(999, Some(1000)), Some(10))]
#[case::set_back_with_the_same_block(at(1000, Some(990)), at(999, Some(990)), Some(0))]
#[case::set_back_and_node_behind(at(1000, Some(990)), at(999, Some(989)), None)]
#[case::chain_only_then(at(1000, Some(990)), at(1070, None), None)]
#[case::chain_only_now(at(1000, None), at(1070, Some(1050)), Some(50))]
fn elapsed(#[case] then: Moment, #[case] now: Moment, #[case] passed: Option<i64>) {
    assert_eq!(now.since(then), passed);
}

#[rstest]
#[case::ours(8, Some(Fate::Succeeded), at(1001, None), IntentStatus::Requested)]
#[case::failed(8, Some(Fate::Failed("x".into())), at(1001, None), IntentStatus::Failed("x".into()))]
#[case::somebody_elses(8, Some(Fate::Absent), at(1001, Some(1001)), open(109, true))]
#[case::whose_is_unknown(8, None, at(1001, Some(1001)), open(109, true))]
#[case::waiting_without_the_chains_clock(7, None, at(1050, None), open(60, false))]
#[case::nothing_shows_that_it_is_over(7, None, at(5000, None), open(1, false))]
#[case::lost_to_another(8, Some(Fate::Absent), at(1110, Some(1110)), IntentStatus::Lost)]
#[case::pending(7, Some(Fate::Pending), at(1110, Some(1110)), open(0, false))]
#[case::node_behind(7, None, at(5000, Some(1109)), open(1, false))]
#[case::wall_behind(7, None, at(1109, Some(5000)), open(1, false))]
#[case::lost_by_both(7, None, at(1110, Some(1110)), IntentStatus::Lost)]
// A counter that fell is another lottery's: wait, then give the intent up.
#[case::fell(0, None, at(1001, None), open(109, false))]
fn the_chain_decides_about_an_intent(
    #[case] round: u128,
    #[case] fate: Option<Fate>,
    #[case] now: Moment,
    #[case] expected: IntentStatus,
) {
    let mut intent = Intent::new("r", at(1000, Some(1000)), Some(60), 20, Count(7));
    assert_eq!(intent.expires_s, 1110);
    assert_eq!(intent.status(Count(round), fate.as_ref(), now), expected);
}

#[test]
fn a_clock_a_month_ahead_blocks_for_the_expiry() {
    let mut intent = Intent::new("r", at(1000 + MONTH, None), None, 0, Count(7));
    assert_eq!(intent.status(Count(7), None, at(1000, None)), open(630, false));
    assert_eq!(intent.status(Count(7), None, at(1629, None)), open(1, false));
    assert_eq!(intent.status(Count(7), None, at(1630, None)), IntentStatus::Lost);
    let mut intent = Intent::new("r", at(1000 + MONTH, Some(1000)), None, 0, Count(7));
    assert_eq!(intent.status(Count(7), None, at(1630, Some(1630))), IntentStatus::Lost);
}

/// A host whose clock is a month behind for some runs, and a chain whose clock some of them cannot read.
#[rstest]
#[case::sent_a_month_behind(&[at(1000 - MONTH, Some(1000)), at(1070, None), at(1075, Some(1075))], open(35, false))]
#[case::read_a_month_behind(&[at(1000, Some(1000)), at(1010 - MONTH, None), at(1020, Some(1020))], open(90, false))]
#[case::then_over(&[at(1000, Some(1000)), at(1010 - MONTH, None), at(1110, Some(1110))], IntentStatus::Lost)]
#[case::read_from_a_node_that_is_behind(&[at(1000, Some(1000)), at(1010 - MONTH, Some(400)), at(1060, Some(1060))], open(50, false))]
#[case::unread_again(&[at(1000, Some(1000)), at(1010 - MONTH, None), at(1050, None)], open(1, false))]
fn a_clock_that_comes_back_ends_no_wait(#[case] moments: &[Moment], #[case] expected: IntentStatus) {
    let [sent, between @ .., last] = moments else { panic!("two moments at least") };
    let mut intent = Intent::new("r", *sent, Some(60), 20, Count(7));
    for moment in between {
        let status = intent.status(Count(7), None, *moment);
        assert!(matches!(status, IntentStatus::Open { .. }), "{status:?}");
    }
    assert_eq!(intent.status(Count(7), None, *last), expected);
}

#[test]
fn attempts_are_counted_per_round_and_come_back() {
    let mut journal = Journal::default();
    let rest = |journal: &mut Journal, round, now_s| journal.rest(Count(round), 60, 2, at(now_s, None));
    assert_eq!(rest(&mut journal, 7, 1000), (0, None));
    journal.open(Intent::new("a", at(1000, None), None, 0, Count(7)));
    journal.close();
    assert_eq!(rest(&mut journal, 7, 1010), (1, Some(50)));
    assert_eq!(rest(&mut journal, 7, 1060), (1, None));
    assert_eq!(
        rest(&mut journal, 7, 10),
        (1, Some(60)),
        "set back: one cool-down, not until it has caught up"
    );
    assert_eq!(rest(&mut journal, 7, 70), (1, None));
    journal.open(Intent::new("b", at(1060, None), None, 0, Count(7)));
    assert_eq!(rest(&mut journal, 7, 2060), (2, Some(2600)));
    assert_eq!(rest(&mut journal, 7, 4660), (2, None));
    journal.open(Intent::new("c", at(4660, None), None, 0, Count(7)));
    assert_eq!(rest(&mut journal, 7, 4661), (3, Some(7199)));
    assert_eq!(rest(&mut journal, 8, 1061), (0, None));
    journal.close_drawn(Count(7), Some(5000));
    assert_eq!([6, 7, 8].map(|round| journal.is_drawn(Count(round))), [true, true, false]);
    assert_eq!(journal.intent, None);
    let another = |round, chain_s| journal.is_another_lottery(Count(round), chain_s);
    assert_eq!(
        [another(7, Some(5030)), another(7, Some(5031)), another(8, Some(5031)), another(0, None)],
        [false, true, false, false]
    );
}

#[test]
fn a_rest_is_doubled_up_to_a_day_and_is_no_shorter_than_the_cool_down() {
    let rest = |attempts, cool_down_s, max| {
        let tried = Some(Tried { round: Count(7), attempts, last_s: 1000, chain_s: None });
        let mut journal = Journal { tried, ..Journal::default() };
        journal.rest(Count(7), cool_down_s, max, at(1000, Some(5000)))
    };
    let hours = |attempts| rest(attempts, 60, 2).1.unwrap() / 3600;
    assert_eq!([2, 3, 4, 5, 6, 7, 50].map(hours), [1, 2, 4, 8, 16, 24, 24]);
    assert_eq!(rest(1, 60, 2), (1, Some(60)));
    assert_eq!(rest(2, 7200, 2), (2, Some(7200)), "longer than an hour");
    assert_eq!(rest(7, 90_000, 2), (7, Some(90_000)), "longer than a day");
}

#[test]
fn a_rest_ends_by_the_faster_clock() {
    let rest = |now| {
        let tried = Some(Tried { round: Count(7), attempts: 1, last_s: 1000, chain_s: Some(990) });
        let mut journal = Journal { tried, ..Journal::default() };
        let left = journal.rest(Count(7), 60, 3, now).1;
        (left, journal.tried.unwrap().last_s)
    };
    assert_eq!(rest(at(1010, Some(1020))), (Some(30), 1000));
    assert_eq!(rest(at(1030, Some(1000))), (Some(30), 1000));
    assert_eq!(rest(at(1000, None)), (Some(60), 1000));
    assert_eq!(rest(at(999, Some(990))), (Some(60), 1000), "the chain's clock stands still");
    assert_eq!(rest(at(999, Some(989))), (Some(60), 999), "both were set back: it begins again");
}

#[test]
fn a_round_is_drawn_once_and_forgotten_with_its_lottery() {
    let mut journal = Journal::new("0x9", 6);
    let seen = |journal: &Journal| (journal.drawn, journal.drawn_chain_s);
    journal.set_drawn(Count(7), Some(5000));
    journal.set_drawn(Count(7), Some(6000));
    journal.set_drawn(Count(6), Some(7000));
    assert_eq!(seen(&journal), (Some(Count(7)), Some(5000)), "the first sight of the highest round");
    journal.open(Intent::new("a", at(1000, None), None, 0, Count(8)));
    journal.forget_rounds();
    assert_eq!((seen(&journal), journal.tried), ((None, None), None));
    assert!(journal.intent.is_some(), "an open intent stays");
    journal.set_drawn(Count(1), None);
    assert_eq!(seen(&journal), (Some(Count(1)), None));
    assert!(!journal.is_another_lottery(Count(1), Some(9000)), "when it was drawn is not known");
}

#[test]
fn an_intent_may_end_when_it_begins() {
    let journal = |expires_s: i64| {
        let text = format!(
            r#"{{"schema":"x","lottery":"0x9","intent":{{"run_id":"r","at_s":10,"expires_s":{expires_s},"round":"7"}}}}"#
        );
        Journal::parse(text.as_bytes()).map(|_| ())
    };
    assert_eq!((journal(10), journal(9)), (Ok(()), Err(EXPIRES_EARLY.to_owned())));
}

#[test]
fn purchases_that_were_not_sent_are_given_back() {
    let mut journal = Journal::default();
    journal.give_back(5);
    assert_eq!(journal.spent, None);
    journal.spend(10, at(1000, Some(900)));
    journal.spend(7, at(1100, Some(1000)));
    let spent = |amount| Some(Spent { amount: Count(amount), since_s: 1000, chain_s: Some(900) });
    assert_eq!(journal.spent, spent(17));
    journal.give_back(7);
    assert_eq!(journal.spent, spent(10));
    journal.give_back(11);
    assert_eq!(journal.spent, spent(0));
    journal.spend(3, at(2000, None));
    assert_eq!(journal.spent, Some(Spent { amount: Count(3), since_s: 2000, chain_s: None }));
}

#[test]
fn purchases_count_together_for_a_day() {
    let mut journal = Journal::default();
    let spent = |journal: &Journal, now_s| journal.spent(at(now_s, None));
    journal.spend(10, at(1000, None));
    journal.spend(5, at(2000, None));
    assert_eq!([spent(&journal, 2000), spent(&journal, 87_399), spent(&journal, 87_400)], [15, 15, 0]);
    journal.spend(1, at(87_400, None));
    assert_eq!(spent(&journal, 87_401), 1);
}

#[test]
fn a_damaged_journal_is_an_error_and_an_old_one_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let held = StateDir::open(folder.path()).unwrap().lock("draw", Duration::ZERO).unwrap();
    assert_eq!(Journal::read(&held, "0x9", Some(6)).unwrap(), None);
    let mut journal = Journal::new("0x9", 6);
    journal.open(Intent::new("a", at(1000, Some(990)), None, 0, Count(7)));
    journal.write(&held).unwrap();
    assert_eq!(Journal::read(&held, "0x9", Some(6)).unwrap(), Some(journal));
    for (lottery, chain_id) in [("0x8", Some(6)), ("0x9", Some(8)), ("0x9", None)] {
        let error = Journal::read(&held, lottery, chain_id).unwrap_err().to_string();
        assert!(error.contains("another lottery or chain"), "{error}");
    }
    held.replace("json", b"{\"schema\":").unwrap();
    let error = Journal::read(&held, "0x9", Some(6)).unwrap_err().to_string();
    assert!(error.starts_with("the journal ") && error.contains("cannot be read: EOF"), "{error}");
    let reversed = r#"{"schema":"dvrf.draw-journal/1","lottery":"0x9","intent":{"run_id":"r","at_s":7238,"expires_s":1630,"round":"7"}}"#;
    held.replace("json", reversed.as_bytes()).unwrap();
    let error = Journal::read(&held, "0x9", None).unwrap_err().to_string();
    assert!(error.ends_with("its transaction expires before it begins"), "{error}");
    let old = r#"{"schema":"dvrf.draw-journal/1","lottery":"0x9","intent":{"run_id":"r","at_s":1,"expires_s":631,"round":"7"},"tried":{"round":"7","attempts":1,"last_s":1},"drawn":"6"}"#;
    held.replace("json", old.as_bytes()).unwrap();
    let journal = Journal::read(&held, "0x9", None).unwrap().unwrap();
    assert_eq!(journal.intent, Some(Intent::new("r", at(1, None), None, 0, Count(7))));
    assert_eq!((journal.drawn, journal.chain_id), (Some(Count(6)), None));
}
