//! The file of a history: its lines, its bounds, damage, clocks that jump, imports.

use std::fs;
use std::time::Duration;

use rstest::rstest;

use super::*;

const WAIT: Duration = Duration::from_secs(5);
const START: i64 = 1_764_000_000;

fn id() -> SubscriptionId {
    let text = |text: &str| Some(text.to_owned());
    SubscriptionId {
        name: text("eu-1"),
        profile: None,
        lottery: text("0xa1"),
        deposit: text("0xd"),
        client: text("0xc"),
    }
}

fn point(at_s: i64, balance: u128) -> Point {
    Point { at_s, balance: Some(Quants(balance)), verdict: Some(Status::Ok), ..Point::default() }
}

fn opened() -> (tempfile::TempDir, StateDir) {
    let folder = tempfile::tempdir().unwrap();
    let directory = StateDir::open(folder.path()).unwrap();
    (folder, directory)
}

fn append(directory: &StateDir, point: Point) {
    LockedHistory::open(directory, &id(), WAIT).unwrap().append(point).unwrap();
}

fn path(folder: &tempfile::TempDir) -> std::path::PathBuf {
    folder.path().join(format!("{}.ndjson", file_name(&id())))
}

fn times(points: &[Point]) -> Vec<i64> {
    points.iter().map(|point| point.at_s - START).collect()
}

#[test]
fn a_line_a_run() {
    let (folder, directory) = opened();
    append(&directory, point(START, 5));
    // Within a minute only a change counts.
    append(&directory, point(START + 30, 5));
    append(&directory, point(START + 31, 4));
    append(&directory, Point { at_s: START + 100, ..Point::default() });
    let text = fs::read_to_string(path(&folder)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with(r#"{"schema":"dvrf.history/1","subscription":"0x"#), "{}", lines[0]);
    assert_eq!(
        lines[1],
        r#"{"at":"2025-11-24T16:00:00Z","balance":"5","min_balance":null,"grant":null,"requests":null,"answered":null,"verdict":"ok"}"#
    );
    assert_eq!(times(&read(&directory, &id()).unwrap()), [0, 31, 100]);
    assert_eq!(read(&directory, &id()).unwrap()[2].balance, None);
    assert_eq!(read(&directory, &SubscriptionId::default()).unwrap(), []);
}

#[rstest]
#[case::name("eu-1", 1)]
#[case::client("0x0c", 1)]
#[case::lottery("0xa1", 1)]
#[case::package("0xd", 0)]
#[case::another("eu", 0)]
#[case::empty("", 0)]
fn found_by_its_name_or_address(#[case] name: &str, #[case] count: usize) {
    let (_folder, directory) = opened();
    append(&directory, point(START, 5));
    assert_eq!(find(&directory, name).unwrap().len(), count);
    assert_eq!(names(&directory).unwrap(), ["eu-1"]);
}

#[test]
fn a_torn_line_costs_one_point() {
    let (folder, directory) = opened();
    append(&directory, point(START, 5));
    append(&directory, point(START + 100, 4));
    let mut text = fs::read(path(&folder)).unwrap();
    text.truncate(text.len() - 20);
    fs::write(path(&folder), text).unwrap();
    append(&directory, point(START + 200, 3));
    assert_eq!(times(&read(&directory, &id()).unwrap()), [0, 200]);
}

/// As a power failure leaves a new file.
#[test]
fn an_empty_file_is_begun() {
    let (folder, directory) = opened();
    fs::write(path(&folder), "").unwrap();
    append(&directory, point(START, 5));
    append(&directory, point(START + 100, 4));
    assert_eq!(times(&read(&directory, &id()).unwrap()), [0, 100]);
    assert!(!path(&folder).with_extension("ndjson.corrupt").exists());
}

#[rstest]
#[case::not_ours("something else\n")]
#[case::a_later_version(r#"{"schema":"dvrf.history/9","subscription":"","name":""}"#)]
#[case::another_subscription(r#"{"schema":"dvrf.history/1","subscription":"0x1 0x2 0x3","name":"eu-1"}"#)]
fn what_is_no_history_is_moved_away(#[case] text: &str) {
    let (folder, directory) = opened();
    fs::write(path(&folder), text).unwrap();
    assert_eq!(read(&directory, &id()).unwrap(), []);
    append(&directory, point(START, 5));
    assert_eq!(times(&read(&directory, &id()).unwrap()), [0]);
    assert_eq!(fs::read_to_string(path(&folder).with_extension("ndjson.corrupt")).unwrap(), text);
}

#[test]
fn the_file_is_bounded() {
    let (folder, directory) = opened();
    // A point a minute for 400 days, and what is left of it.
    let old = (0..400 * 96).map(|quarter| point(START + quarter * 900, 5)).collect();
    let now = START + 400 * DAY_S;
    let added = LockedHistory::open(&directory, &id(), WAIT).unwrap().import(old, now).unwrap();
    // What is thinned out at once was not added.
    assert_eq!(added, 1717);
    let kept = read(&directory, &id()).unwrap();
    let recent = kept.iter().filter(|point| now - point.at_s <= DETAIL_S).count();
    assert_eq!((recent, kept.len() - recent), (1344, 373));
    let minute = |minute: i64| point(now + minute * 60, u128::from(minute.unsigned_abs()));
    LockedHistory::open(&directory, &id(), WAIT)
        .unwrap()
        .import((0..1250).map(minute).collect(), now)
        .unwrap();
    for number in 1250..1350 {
        append(&directory, minute(number));
    }
    assert!(fs::metadata(path(&folder)).unwrap().len() < 600_000);
    let kept = read(&directory, &id()).unwrap();
    assert!(kept.len() < LINES_MAX - 1000, "{}", kept.len());
    assert_eq!(kept.last().unwrap().balance, Some(Quants(1349)));
}

#[rstest]
#[case::steady(&[0, 1, 2, 3], &[0, 1, 2, 3])]
#[case::ahead_for_a_run(&[0, 1, 900, 2, 3], &[0, 1, 2, 3])]
#[case::at_1970_for_two_runs(&[0, 1, 2, -900, -899, 3], &[0, 1, 2, 3])]
#[case::one_second(&[5, 5, 5], &[5, 5, 5])]
#[case::empty(&[], &[])]
fn a_clock_that_jumped(#[case] written: &[i64], #[case] kept: &[i64]) {
    let points = written.iter().map(|at| point(START + at, 1)).collect();
    assert_eq!(times(&order::in_order(points)), kept);
}

#[test]
fn old_points_are_imported_once() {
    let (_folder, directory) = opened();
    append(&directory, point(START, 5));
    let import = |times: &[i64]| {
        let points = times.iter().map(|at| point(START + at, 9)).collect();
        LockedHistory::open(&directory, &id(), WAIT).unwrap().import(points, START).unwrap()
    };
    assert_eq!(import(&[-100, -200, -100]), 2);
    assert_eq!(import(&[-100, -200, 0]), 1);
    assert_eq!(import(&[-100, 0, -200]), 0);
    let points = read(&directory, &id()).unwrap();
    let balances: Vec<u128> = points.iter().map(|point| point.balance.unwrap().get()).collect();
    assert_eq!((times(&points), balances), (vec![-200, -100, 0, 0], vec![9, 9, 5, 9]));
}

/// Two tools of one pipe, or two balances of one second, are two points.
#[test]
fn points_of_one_second_all_stay() {
    let (_folder, directory) = opened();
    append(&directory, Point { verdict: None, ..point(START, 5) });
    append(&directory, point(START, 5));
    append(&directory, point(START, 4));
    let before = read(&directory, &id()).unwrap();
    let more = vec![point(START + 7, 3), point(START, 4), point(START, 2), point(START + 7, 2)];
    let added = LockedHistory::open(&directory, &id(), WAIT).unwrap().import(more, START).unwrap();
    let after = read(&directory, &id()).unwrap();
    assert_eq!((added, before.len(), after.len()), (3, 3, 6));
    assert!(after.starts_with(&before), "{after:?}");
    let balances: Vec<u128> = after.iter().map(|point| point.balance.unwrap().get()).collect();
    assert_eq!(balances, [5, 5, 4, 2, 3, 2]);
}

#[rstest]
#[case::the_latest(&[(0, Some(5)), (10, Some(4)), (20, None)], Some(10))]
#[case::not_of_the_future(&[(0, Some(5)), (900, Some(4))], Some(0))]
#[case::none(&[(0, None)], None)]
fn what_was_last_known(#[case] points: &[(i64, Option<u128>)], #[case] expected: Option<i64>) {
    let points: Vec<Point> = points
        .iter()
        .map(|(at, balance)| Point { balance: balance.map(Quants), ..point(START + at, 0) })
        .collect();
    let found = last_known(&points, Timestamp::from_second(START + 100).unwrap());
    assert_eq!(found.map(|point| point.at_s - START), expected);
}
