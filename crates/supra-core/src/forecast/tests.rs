//! Forecasts of simulated histories whose truth is known, and their errors as the page shows them.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

const HOUR_S: i64 = 3600;
/// A Monday, 00:00 UTC.
const START_S: i64 = 1_764_547_200;
const MINIMUM: u128 = 1000 * FEE;
const FEE: u128 = 1_000_000;

/// A small generator, so that the figures on the page are the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn happens(&mut self, thousandths: u64) -> bool {
        self.below(1000) < thousandths
    }
}

/// How a lottery spends: the draws of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Series {
    Steady,
    Bursty,
    TopUps,
    WeeklySeason,
    IdleWeeks,
    OneOutlier,
    ClockJumps,
    Gaps,
    Growing,
}

const SERIES: [(Series, &str); 9] = [
    (Series::Steady, "steady: 2 draws an hour"),
    (Series::Bursty, "bursty: 60 draws in one hour, about every second day"),
    (Series::TopUps, "steady, and a top-up about every fifth day"),
    (Series::WeeklySeason, "4 draws an hour on weekdays, 1 in three hours at weekends"),
    (Series::IdleWeeks, "every second week without draws"),
    (Series::OneOutlier, "steady, and once ten days' spending in one hour"),
    (Series::ClockJumps, "steady, and a clock that is wrong in 1 run of 50"),
    (Series::Gaps, "steady, and half of all runs read nothing"),
    (Series::Growing, "growing by a tenth a week"),
];

impl Series {
    fn draws(self, hour: i64, random: &mut Random) -> u64 {
        let day = hour.div_euclid(24);
        let usual = 1 + random.below(3);
        match self {
            Self::Bursty => 60 * u64::from(random.happens(21)),
            Self::WeeklySeason if day.rem_euclid(7) >= 5 => u64::from(random.happens(333)),
            Self::WeeklySeason => 2 * usual,
            Self::IdleWeeks if day.div_euclid(7).rem_euclid(2) == 0 => 0,
            Self::Growing => {
                let week = hour.unsigned_abs() / 168;
                let share = (0..week).fold(2000, |share, _| share + share / 10);
                (share + share / 10 * (hour.unsigned_abs() % 168) / 168 + random.below(1000)) / 1000
            }
            _ => usual,
        }
    }
}

/// A history of some days until `START_S + hours`, with a balance that lasts for a while, and how long it really lasted.
fn simulated(series: Series, seed: u64, days: i64, left: u128) -> (Vec<Point>, Holdings, Timestamp, u64) {
    let mut random = Random(seed.wrapping_mul(77).wrapping_add(11));
    let hours = days * 24 + i64::try_from(random.below(7 * 24)).unwrap();
    let first = hours - days * 24;
    let mut points = Vec::new();
    // The balance counts down from the end, so that it is known there.
    let spent: Vec<u64> = (first..hours).map(|hour| series.draws(hour, &mut random)).collect();
    let total: u128 = spent.iter().map(|draws| u128::from(*draws) * FEE).sum();
    let mut balance = MINIMUM + left + total;
    let outlier = usize::try_from(random.below(24 * days.unsigned_abs())).unwrap();
    let mut requests = 0;
    for (index, (hour, draws)) in (first..hours).zip(&spent).enumerate() {
        balance -= u128::from(*draws) * FEE;
        requests += draws;
        if series == Series::TopUps && random.happens(8) {
            balance += 200 * FEE;
        }
        if series == Series::OneOutlier && index == outlier {
            balance -= left.min(480 * FEE) / 2;
        }
        let at_s = START_S + (hour + 1) * HOUR_S;
        let is_wrong = series == Series::ClockJumps && random.happens(20);
        let jump = if random.happens(500) { 900 * DAY_S } else { -40 * HOUR_S };
        let is_read = !(series == Series::Gaps && random.happens(500));
        points.push(Point {
            at_s: if is_wrong { at_s + jump } else { at_s },
            balance: is_read.then_some(Quants(balance)),
            min_balance: is_read.then_some(Quants(MINIMUM)),
            requests: is_read.then_some(Count(requests.into())),
            ..Point::default()
        });
    }
    let now = Timestamp::from_second(START_S + hours * HOUR_S).unwrap();
    let mut hour = hours;
    let mut remaining = balance - MINIMUM;
    while remaining > 0 && hour < hours + 24 * 400 {
        remaining = remaining.saturating_sub(u128::from(series.draws(hour, &mut random)) * FEE);
        hour += 1;
    }
    let truth = u64::try_from((hour - hours) * HOUR_S).unwrap();
    let holdings = Holdings {
        balance: Some(Quants(balance)),
        minimum: Some(Quants(MINIMUM)),
        grant: None,
        draws: Some(Count((balance - MINIMUM) / FEE)),
    };
    (crate::history::ordered(points), holdings, now, truth)
}

/// Forecast over truth in percent, of many series, sorted.
fn errors(series: Series, days: i64, left: u128) -> Vec<u64> {
    let mut errors: Vec<u64> = (0..100)
        .filter_map(|seed| {
            let (points, holdings, now, truth) = simulated(series, seed, days, left);
            let found = runway(&points, holdings, now)?;
            Some(found.seconds * 100 / truth)
        })
        .collect();
    errors.sort_unstable();
    errors
}

/// The table of the page: how far forecasts are from what happened.
fn table() -> String {
    let mut text = String::from(
        "| what is spent | median | 5 % below | 5 % above | longest |\n| --- | --- | --- | --- | --- |\n",
    );
    for (series, meaning) in SERIES {
        let found = errors(series, 28, 700 * FEE);
        let at = |share: usize| found[(found.len() - 1) * share / 100];
        assert_eq!(found.len(), 100, "{series:?}");
        text.push_str(&format!(
            "| {meaning} | {} % | {} % | {} % | {} % |\n",
            at(50),
            at(5),
            at(95),
            at(100)
        ));
    }
    text
}

#[test]
fn the_page_has_the_errors() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/history.md");
    let page = std::fs::read_to_string(path).unwrap();
    let begin = page.find("| what is spent |").unwrap();
    let end = begin + page[begin..].find("\n\n").unwrap() + 1;
    if option_env!("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, format!("{}{}{}", &page[..begin], table(), &page[end..])).unwrap();
        return;
    }
    assert_eq!(page[begin..end], table());
}

/// A forecast that says two weeks where the deposit lasts less than one is a wrong "fine".
#[test]
fn never_a_wrong_fine() {
    for (series, _) in SERIES {
        for days in [3, 5, 8, 14, 28] {
            for seed in 0..60 {
                let (points, holdings, now, truth) = simulated(series, seed, days, 250 * FEE);
                let Some(found) = runway(&points, holdings, now) else { continue };
                // Without a week of data the season of a week is not known: there is no date then.
                let is_fine = found.seconds >= 14 * 86_400 && found.at.is_some();
                assert!(!(is_fine && truth < 7 * 86_400), "{series:?} {days} {seed}: {found:?}, {truth} s");
            }
        }
    }
}

fn hourly(balances: &[u128]) -> (Vec<Point>, Timestamp) {
    let point = |(hour, balance): (i64, &u128)| Point {
        at_s: START_S + hour * HOUR_S,
        balance: Some(Quants(*balance)),
        ..Point::default()
    };
    let last = i64::try_from(balances.len()).unwrap() - 1;
    ((0..).zip(balances).map(point).collect(), Timestamp::from_second(START_S + last * HOUR_S).unwrap())
}

fn falling(hours: u128) -> (Vec<Point>, Timestamp) {
    hourly(&(0..=hours).map(|hour| 10_000 - hour).collect::<Vec<_>>())
}

/// A balance above a minimum of 1000, and a grant.
fn held(balance: u128) -> Holdings {
    Holdings {
        balance: Some(Quants(balance)),
        minimum: Some(Quants(1000)),
        grant: Some(Quants(48)),
        draws: Some(Count(7)),
    }
}

#[rstest]
#[case::two_days(2, None)]
#[case::three_days(3, Some(Confidence::Low))]
#[case::six_days(6, Some(Confidence::Low))]
#[case::a_week(7, Some(Confidence::Medium))]
#[case::two_weeks(14, Some(Confidence::High))]
fn what_a_forecast_needs(#[case] days: u128, #[case] expected: Option<Confidence>) {
    let (points, now) = falling(days * 24);
    let found = runway(&points, held(9000), now);
    assert_eq!(found.as_ref().map(|found| found.confidence), expected);
    assert!(found.is_none_or(|found| found.per_day == Some(Quants(24))));
}

#[test]
fn a_runway_and_its_date() {
    let (points, now) = falling(14 * 24);
    let found = runway(&points, held(1240), now).unwrap();
    assert_eq!((found.seconds, found.at.as_deref()), (10 * 86_400, Some("2025-12-25T00:00:00Z")));
    assert_eq!((found.draws, found.per_day, found.basis), (Some(Count(7)), Some(Quants(24)), Basis::Balance));
    assert_eq!(runway(&points, held(1000), now).unwrap().seconds, 0);
    assert_eq!(runway(&points, Holdings::default(), now), None);
    // Beyond 400 days there is no date.
    assert_eq!(runway(&points, held(100_000), now).unwrap().at, None);
}

#[test]
fn a_grant_beside_the_balance_is_spent_first() {
    let (mut points, now) = falling(14 * 24);
    for (hour, point) in (0..).zip(&mut points) {
        (point.balance, point.grant) = (Some(Quants(5000)), Some(Quants(10_000 - hour * 2)));
    }
    let held = Holdings {
        balance: Some(Quants(5000)),
        minimum: Some(Quants(5000 - 480)),
        grant: Some(Quants(960)),
        draws: None,
    };
    let found = runway(&points, held, now).unwrap();
    assert_eq!(
        (found.per_day, found.seconds, found.grant),
        (Some(Quants(48)), 30 * 86_400, Some(Quants(960)))
    );
    // A run that could not read the grant hides nothing.
    for point in points.iter_mut().skip(1).step_by(2) {
        point.grant = None;
    }
    assert_eq!(runway(&points, held, now).as_ref(), Some(&found));
    // Where the balance falls with the grant, it includes it.
    for (hour, point) in (0..).zip(&mut points) {
        (point.balance, point.grant) = (Some(Quants(10_000 - hour * 2)), Some(Quants(10_000 - hour * 2)));
    }
    let found = runway(&points, held, now).unwrap();
    assert_eq!((found.seconds, found.grant), (10 * 86_400, None));
}

/// What is read between two balances, or in the second of one, must not hide what was spent between them.
#[rstest]
#[case::requests_alone(|point: &Point| Point { at_s: point.at_s + 1800, balance: None, requests: Some(Count(5)), ..point.clone() })]
#[case::nothing(|point: &Point| Point { at_s: point.at_s + 1800, ..Point::default() })]
#[case::another_balance_of_the_second(|point: &Point| Point { balance: point.balance.map(|balance| Quants(balance.get() - 1)), ..point.clone() })]
fn other_points_hide_no_spending(#[case] other: fn(&Point) -> Point) {
    let (points, now) = falling(14 * 24);
    let expected = runway(&points, held(1240), now).unwrap();
    let mixed: Vec<Point> = points.iter().flat_map(|point| [point.clone(), other(point)]).collect();
    assert_eq!(runway(&mixed, held(1240), now), Some(expected));
}

#[test]
fn balances_alone_hide_no_requests() {
    let (mut points, now) = falling(8 * 24);
    for (hour, point) in (0..).zip(&mut points) {
        (point.balance, point.requests) =
            (Some(Quants(5000)), Some(Count(hour / 12)).filter(|_| hour % 2 == 0));
    }
    let held = Holdings { draws: Some(Count(20)), ..Holdings::default() };
    assert_eq!(runway(&points, held, now).unwrap().seconds, 10 * 86_400);
}

#[test]
fn requests_count_where_the_balance_stands_still() {
    let (mut points, now) = falling(8 * 24);
    for (hour, point) in (0..).zip(&mut points) {
        (point.balance, point.requests) = (Some(Quants(5000)), Some(Count(hour / 12)));
    }
    let held = Holdings { draws: Some(Count(20)), ..Holdings::default() };
    let found = runway(&points, held, now).unwrap();
    assert_eq!((found.basis, found.per_day, found.seconds), (Basis::Requests, None, 10 * 86_400));
}

proptest! {
    #[test]
    fn any_history_is_survived(values in prop::collection::vec((any::<i32>(), any::<Option<u128>>(), any::<Option<u64>>()), 0..200), now in any::<i32>()) {
        let points: Vec<Point> = values.into_iter().map(|(at, balance, requests)| Point {
            at_s: at.into(),
            balance: balance.map(Quants),
            grant: balance.map(|balance| Quants(balance / 2)),
            requests: requests.map(Count::from),
            ..Point::default()
        }).collect();
        let points = crate::history::ordered(points);
        let held = Holdings { balance: Some(Quants(u128::MAX)), minimum: Some(Quants(0)), grant: Some(Quants(u128::MAX)), draws: Some(Count(u128::MAX)) };
        runway(&points, held, Timestamp::from_second(now.into()).unwrap());
    }
}
