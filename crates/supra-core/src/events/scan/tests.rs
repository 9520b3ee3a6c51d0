//! From times to heights, on chains that proptest makes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::block_point::BlockPoint;
use super::*;
use crate::transport::FakeTransport;

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

fn block(height: u64, time_us: u64) -> Value {
    serde_json::to_value(Block { height, time_us, chain_id: None, transactions: Vec::new() }).unwrap()
}

proptest::proptest! {
    #[test]
    fn the_first_block_at_a_time(gaps in proptest::collection::vec(0_u64..5000, 1..3000), at in 0_u64..8_000_000, floor in 0_u64..50) {
        let times: Vec<u64> = gaps.iter().scan(1_000_000, |time, gap| { *time += gap; Some(*time) }).collect();
        let floor = floor.min(times.len() as u64 - 1);
        let tip = Block { height: times.len() as u64 - 1, time_us: *times.last().unwrap(), chain_id: None, transactions: Vec::new() };
        let expected = times.iter().position(|time| *time >= at).map_or(times.len() as u64, |h| (h as u64).max(floor));
        let requests = AtomicUsize::new(0);
        let chain = FakeTransport(|request: &Request| {
            requests.fetch_add(1, Ordering::Relaxed);
            let Request::Block { height: Some(height), .. } = request else { panic!("{request:?}") };
            if *height < floor {
                return Ok(serde_json::to_value(Absent::Pruned(Some(floor))).unwrap());
            }
            Ok(block(*height, times[usize::try_from(*height).unwrap()]))
        });
        let found = Scanner::new(&chain, Duration::from_secs(1)).first_at(at, &tip).unwrap();
        let is_pruned = floor > 0 && expected == floor;
        let since = if is_pruned { times[usize::try_from(floor).unwrap()] } else { at };
        proptest::prop_assert_eq!(found, (expected, since));
        proptest::prop_assert!(requests.into_inner() <= 45);
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

impl Paged {
    fn page(&self, request: &Request) -> Value {
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
        serde_json::to_value(page).unwrap()
    }

    fn read(&self) -> Result<Vec<Value>, Error> {
        let query =
            EventQuery { types: &["0x1::m::E".to_owned()], from: 0, to: 1000, limit: None, times: false };
        let node = FakeTransport(|request: &Request| Ok(self.page(request)));
        let rows = Scanner::new(&node, Duration::from_secs(1)).read_pages(&query)?;
        Ok(rows.found.into_iter().map(|row| row.data).collect())
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
        let read = Paged { heights, cap, cursor, follows }.read();
        match read {
            Ok(read) => assert_eq!(read, (0..count).map(Value::from).collect::<Vec<_>>(), "{count}"),
            Err(failure) => {
                assert!(!follows && failure.message().contains("repeats a page"), "{count}: {failure}");
            }
        }
    }
}

#[test]
fn a_node_that_ignores_heights_and_cursors_doubles_nothing() {
    let event =
        |height: u64| crate::transport::EventRow { height: Some(height), hash: None, data: height.into() };
    let page =
        crate::transport::EventPage { rows: vec![event(900), event(950)], cursor: Some("00".to_owned()) };
    let node = FakeTransport(|_: &Request| Ok(serde_json::to_value(&page).unwrap()));
    let query = EventQuery { types: &["0x1::m::E".to_owned()], from: 0, to: 1000, limit: None, times: false };
    let rows = Scanner::new(&node, Duration::from_secs(1)).read_pages(&query).unwrap();
    assert_eq!(rows.found.iter().map(|row| row.height).collect::<Vec<_>>(), [900, 950]);
}

#[test]
fn a_list_that_may_be_cut_is_an_error() {
    // One block with more events than a page, and no cursor.
    let node = Paged { heights: vec![5; 50], cap: 20, cursor: |_| None, follows: true };
    let failure = node.read().unwrap_err();
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
        let tip = Block { height: if top { u64::MAX } else { height }, time_us, chain_id: None, transactions: Vec::new() };
        let blocks = Mutex::new(blocks.into_iter());
        // Every reply is the next block, whichever was requested.
        let node = FakeTransport(|_: &Request| {
            let (height, time_us) = blocks.lock().unwrap().next().unwrap_or((u64::MAX, u64::MAX));
            Ok(block(height, time_us))
        });
        let found = Scanner::new(&node, Duration::from_secs(1)).height_of(BlockPoint::Micros(at), &tip);
        proptest::prop_assert!(found.is_ok_and(|found| found <= tip.next_height()));
    }
}
