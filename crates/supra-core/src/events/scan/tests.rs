//! From times to heights, on chains that proptest makes.

use super::block_point::BlockPoint;
use super::*;

fn micros(text: &str) -> u64 {
    u64::try_from(text.parse::<Timestamp>().unwrap().as_microsecond()).unwrap()
}

#[test]
fn points_in_time() {
    let now: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
    let when = |text: &str| BlockPoint::parse("--since", text, now).map_err(|failure| failure.message());
    assert_eq!(when("123"), Ok(BlockPoint::Height(123)));
    assert_eq!(when("2h"), Ok(BlockPoint::Micros(micros("2026-01-01T22:00:00Z"))));
    assert_eq!(when("2026-01-01"), Ok(BlockPoint::Micros(micros("2026-01-01T00:00:00Z"))));
    assert_eq!(when("2026-01-01T00:00:00+01:00"), Ok(BlockPoint::Micros(micros("2025-12-31T23:00:00Z"))));
    for bad in
        ["", "0.5", "2 fortnights", "-5m", "h", "99999999999999999999", "9999999999999999w", "1960-01-01"]
    {
        assert!(when(bad).is_err(), "{bad}");
    }
}

/// A chain of blocks at an uneven pace.
struct Blocks(Vec<u64>, u64, std::sync::atomic::AtomicU64);

impl Transport for Blocks {
    fn ask(&self, requests: &[Request], _: Deadline) -> Vec<crate::transport::Reply> {
        let answer = |request: &Request| {
            self.2.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Request::Block { height: Some(height), .. } = request else { panic!("{request:?}") };
            let value = if *height < self.1 {
                serde_json::to_value(Absent::Pruned(Some(self.1)))
            } else {
                let time_us = self.0[usize::try_from(*height).unwrap()];
                serde_json::to_value(Block { height: *height, time_us, transactions: Vec::new() })
            };
            crate::transport::Reply { result: Ok(value.unwrap()), elapsed: Duration::ZERO, attempts: 1 }
        };
        requests.iter().map(answer).collect()
    }
    fn name(&self) -> &'static str {
        "blocks"
    }
    fn identity(&self) -> String {
        String::new()
    }
    fn offers_abi(&self) -> bool {
        false
    }
}

proptest::proptest! {
    #[test]
    fn the_first_block_at_a_time(gaps in proptest::collection::vec(0_u64..5000, 1..3000), at in 0_u64..8_000_000, floor in 0_u64..50) {
        let times: Vec<u64> = gaps.iter().scan(1_000_000, |time, gap| { *time += gap; Some(*time) }).collect();
        let floor = floor.min(times.len() as u64 - 1);
        let tip = Block { height: times.len() as u64 - 1, time_us: *times.last().unwrap(), transactions: Vec::new() };
        let expected = times.iter().position(|time| *time >= at).map_or(times.len() as u64, |h| (h as u64).max(floor));
        let chain = Blocks(times, floor, std::sync::atomic::AtomicU64::new(0));
        let found = Scanner::new(&chain, Duration::from_secs(1)).height_of(BlockPoint::Micros(at), &tip).unwrap();
        proptest::prop_assert_eq!(found, expected);
        proptest::prop_assert!(chain.2.into_inner() <= 45);
    }
}

/// Answers every question with the next of some blocks that have nothing to do with the question.
struct Liar(std::sync::Mutex<std::vec::IntoIter<(u64, u64)>>);

impl Transport for Liar {
    fn ask(&self, requests: &[Request], _: Deadline) -> Vec<crate::transport::Reply> {
        let answer = |_| {
            let (height, time_us) = self.0.lock().unwrap().next().unwrap_or((u64::MAX, u64::MAX));
            let value = serde_json::to_value(Block { height, time_us, transactions: Vec::new() }).unwrap();
            crate::transport::Reply { result: Ok(value), elapsed: Duration::ZERO, attempts: 1 }
        };
        requests.iter().map(answer).collect()
    }
    fn name(&self) -> &'static str {
        "liar"
    }
    fn identity(&self) -> String {
        String::new()
    }
    fn offers_abi(&self) -> bool {
        false
    }
}

/// A node of one event type that caps pages, with a way of its own to name the next page.
struct Paged {
    /// The blocks of the events.
    heights: Vec<u64>,
    cap: usize,
    cursor: fn(usize) -> Option<String>,
    /// Whether it understands its own cursors.
    follows: bool,
}

impl Transport for Paged {
    fn ask(&self, requests: &[Request], _: Deadline) -> Vec<crate::transport::Reply> {
        let answer = |request: &Request| {
            let Request::Events { from, to, cursor, .. } = request else { panic!("{request:?}") };
            let after = cursor.as_ref().filter(|_| self.follows).and_then(|text| text.parse::<usize>().ok());
            let within = |(index, height): &(usize, &u64)| {
                (*from..*to).contains(*height) && after.is_none_or(|after| *index > after)
            };
            let rows: Vec<(usize, &u64)> =
                self.heights.iter().enumerate().filter(within).take(self.cap).collect();
            let cursor = rows.last().map_or(Some(String::new()), |(index, _)| (self.cursor)(*index));
            let event = |(index, height): &(usize, &u64)| crate::transport::EventRow {
                height: Some(**height),
                hash: None,
                data: (*index).into(),
            };
            let page = crate::transport::EventPage { rows: rows.iter().map(event).collect(), cursor };
            let value = serde_json::to_value(page).unwrap();
            crate::transport::Reply { result: Ok(value), elapsed: Duration::ZERO, attempts: 1 }
        };
        requests.iter().map(answer).collect()
    }
    fn name(&self) -> &'static str {
        "paged"
    }
    fn identity(&self) -> String {
        String::new()
    }
    fn offers_abi(&self) -> bool {
        false
    }
}

#[rstest::rstest]
#[case::as_documented(20, |index: usize| Some(index.to_string()), true)]
#[case::whole_pages(100, |index: usize| Some(index.to_string()), true)]
#[case::no_cursor(20, |_: usize| None, true)]
#[case::one_cursor_for_all_pages(20, |_: usize| Some("00".to_owned()), false)]
#[case::cursors_that_it_ignores(20, |index: usize| Some(index.to_string()), false)]
fn every_event_once_or_an_error(
    #[case] cap: usize,
    #[case] cursor: fn(usize) -> Option<String>,
    #[case] follows: bool,
) {
    for count in [0, 1, 19, 20, 21, 60, 100, 250] {
        let heights: Vec<u64> = (0..count).map(|index| 10 + index / 2).collect();
        let node = Paged { heights, cap, cursor, follows };
        let wanted =
            Wanted { types: &["0x1::m::E".to_owned()], from: 0, to: 1000, limit: None, times: false };
        let scanner = Scanner::new(&node, Duration::from_secs(1));
        let read = scanner
            .pages(&wanted)
            .map(|rows| rows.found.iter().map(|row| row.data.clone()).collect::<Vec<_>>());
        match read {
            Ok(read) => assert_eq!(read, (0..count).map(Value::from).collect::<Vec<_>>(), "{count}"),
            Err(failure) => {
                assert!(!follows && failure.message().contains("repeats a page"), "{count}: {failure}");
            }
        }
    }
}

#[test]
fn a_list_that_may_be_cut_is_an_error() {
    // One block with more events than a page, and no cursor.
    let node = Paged { heights: vec![5; 50], cap: 20, cursor: |_| None, follows: true };
    let wanted = Wanted { types: &["0x1::m::E".to_owned()], from: 0, to: 1000, limit: None, times: false };
    let failure = Scanner::new(&node, Duration::from_secs(1)).pages(&wanted).err().unwrap();
    assert!(failure.message().starts_with("the list may be cut"), "{failure}");
}

proptest::proptest! {
    /// Tests are built with overflow checks.
    #[test]
    fn heights_and_times_of_a_lying_node_do_not_overflow(
        blocks in proptest::collection::vec(proptest::prelude::any::<(u64, u64)>(), 0..50),
        (height, time_us, at) in proptest::prelude::any::<(u64, u64, u64)>(),
        top in proptest::bool::ANY,
    ) {
        let tip = Block { height: if top { u64::MAX } else { height }, time_us, transactions: Vec::new() };
        let node = Liar(std::sync::Mutex::new(blocks.into_iter()));
        let found = Scanner::new(&node, Duration::from_secs(1)).height_of(BlockPoint::Micros(at), &tip);
        proptest::prop_assert!(found.is_ok_and(|found| found <= tip.next_height()));
    }
}
