//! Forecasts how long a deposit lasts, from its [`history`](crate::history). Pure.
//!
//! Spending is the sum of the falls of the balance; rises are top-ups and are left out. Where the grant was seen to fall
//! and the balance was not, the grant's falls are spending too, and what is left of it is counted. Spending is divided into
//! days of 24 hours before now. A single day with more than three times the spending of any other day counts as much as
//! that other day. The rate is the mean of the last week or the median of the weeks with spending among the last four,
//! whichever is higher: an idle week does not lengthen the forecast, and a busy one shortens it at once. Weeks are whole,
//! so that a day of the week with more draws does not matter.
//!
//! A forecast needs three days that were watched for half of their time, and three falls. A date needs seven such days, and
//! spending on five of them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::amount::{Count, Quants};
use crate::history::Point;

const DAY_S: i64 = 86_400;
const DAY: u128 = 86_400;
/// How many days before now are looked at.
pub const DAYS: usize = 28;
/// The same in seconds.
const WINDOW_S: i64 = 28 * DAY_S;
/// The fewest watched days of a forecast.
pub const DAYS_MIN: usize = 3;
/// The fewest watched days of a forecast with a date.
pub const DAYS_OF_DATE: usize = 7;
/// The fewest days with spending of a forecast with a date.
pub const BUSY_DAYS_OF_DATE: usize = 5;
/// The fewest falls of the balance, or rises of the request count.
const CHANGES_MIN: usize = 3;
/// Thousandths of a request.
const MILLI: u128 = 1000;
/// The longest time between two points whose difference counts, in seconds.
const GAP_S: i64 = 3 * DAY_S;
/// A forecast that is further away has no date.
const DATE_S_MAX: u64 = 400 * 86_400;

/// What a forecast is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The falls of the balance, and of a grant beside it.
    Balance,
    /// The contract's count of requests, each at the highest fee.
    Requests,
}

/// How far a forecast can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Less than a week was watched, few days had spending, or a few busy days would spend what is left: a direction, without a
    /// date.
    Low,
    /// A week or more, or two whose spending differs by more than the double.
    Medium,
    /// Two weeks or more of even spending.
    High,
}

/// How long the deposit lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Runway {
    /// The number of requests at the highest fee, without the grant.
    pub draws: Option<Count>,
    /// The seconds until the balance is at the minimum, at the recent rate.
    pub seconds: u64,
    /// When that is, RFC 3339; `null` at a low confidence, and beyond 400 days.
    pub at: Option<String>,
    /// The spending of a day in quants; `null` where requests were counted.
    pub per_day: Option<Quants>,
    /// The grant that is counted beside the balance, in quants; `null` where the balance was not seen to exclude it.
    #[serde(default)]
    pub grant: Option<Quants>,
    /// What the forecast is made of.
    pub basis: Basis,
    /// How far it can be trusted.
    pub confidence: Confidence,
}

/// What a deposit holds now.
#[derive(Debug, Clone, Copy, Default)]
pub struct Holdings {
    /// The balance.
    pub balance: Option<Quants>,
    /// The balance at which requests are refused.
    pub minimum: Option<Quants>,
    /// The remaining grant.
    pub grant: Option<Quants>,
    /// The requests that the part above the minimum pays for.
    pub draws: Option<Count>,
}

/// How long the deposit lasts from `now` on; `None` where the history does not say. The history includes the present point.
pub fn runway(history: &[Point], holdings: Holdings, now: Timestamp) -> Option<Runway> {
    let points = before(history, now);
    let is_grant_separate = is_grant_separate(&points);
    if let Some(rate) = rate(&spending(&points, is_grant_separate), now) {
        let (balance, minimum) = holdings.balance.zip(holdings.minimum)?;
        let grant = holdings.grant.filter(|_| is_grant_separate);
        // At the minimum requests are refused, whatever the grant.
        let above = balance.get().checked_sub(minimum.get()).filter(|above| *above > 0);
        let left = above.map_or(0, |above| above.saturating_add(grant.unwrap_or_default().get()));
        let per_day = Some(Quants(rate.per_day));
        let runway = rate.runway(left, Basis::Balance, now)?;
        return Some(Runway { draws: holdings.draws, per_day, grant, ..runway });
    }
    let rate = rate(&requests(&points), now)?;
    let left = holdings.draws?.get().checked_mul(MILLI)?;
    let runway = rate.runway(left, Basis::Requests, now)?;
    Some(Runway { draws: holdings.draws, ..runway })
}

/// The points that a clock after `now` has not dated.
fn before(history: &[Point], now: Timestamp) -> Vec<&Point> {
    let now_s = now.as_second();
    history.iter().filter(|point| point.at_s <= now_s).collect()
}

/// Whether the grant was seen to fall while the balance did not: the balance then does not include it. dVRF does not say.
fn is_grant_separate(points: &[&Point]) -> bool {
    let known: Vec<(u128, u128)> =
        points.iter().filter_map(|point| Some((point.balance?.get(), point.grant?.get()))).collect();
    let (mut separate, mut included) = (0_u32, 0_u32);
    for (earlier, later) in known.iter().zip(known.iter().skip(1)) {
        let grant = earlier.1.saturating_sub(later.1);
        // After a top-up nothing can be said.
        let Some(balance) = earlier.0.checked_sub(later.0).filter(|_| grant > 0) else { continue };
        *(if balance < grant { &mut separate } else { &mut included }) += 1;
    }
    separate > included
}

/// What was spent between readings of the balance; nothing is known of a span with a top-up.
fn spending(points: &[&Point], is_grant_separate: bool) -> Vec<Span> {
    // A run that could not read the grant must not hide what was taken from it before and after.
    let mut grant = None;
    let held = |point: &Point| {
        grant = point.grant.or(grant);
        Some((point.balance?.get(), grant.filter(|_| is_grant_separate)))
    };
    spans(points, held, |(balance, grant), (later_balance, later_grant)| {
        let of_grant = grant.zip(later_grant).map_or(0, |(e, l)| e.get().saturating_sub(l.get()));
        balance.checked_sub(later_balance)?.checked_add(of_grant)
    })
}

/// The requests between readings of their count, in thousandths, so that one in some days is not 0 a day.
fn requests(points: &[&Point]) -> Vec<Span> {
    spans(
        points,
        |point| point.requests,
        |earlier, later| later.get().checked_sub(earlier.get())?.checked_mul(MILLI),
    )
}

/// The time between two readings of a value, and how much it changed in it.
struct Span {
    from_s: i64,
    to_s: i64,
    change: u128,
}

/// The spans between neighbouring readings of a value whose change is known, without long gaps. A run that could not read
/// the value does not count: its neighbours are compared.
fn spans<T: Copy>(
    points: &[&Point],
    mut value: impl FnMut(&Point) -> Option<T>,
    change: impl Fn(T, T) -> Option<u128>,
) -> Vec<Span> {
    let mut known: Vec<(i64, T)> = Vec::new();
    for point in points {
        let Some(value) = value(point) else { continue };
        match known.last_mut() {
            // Of the readings of one second the last one counts: nothing can be said of the time between them.
            Some(last) if last.0 == point.at_s => last.1 = value,
            _ => known.push((point.at_s, value)),
        }
    }
    let span = |(earlier, later): (&(i64, T), &(i64, T))| {
        let is_near = (1..=GAP_S).contains(&later.0.saturating_sub(earlier.0));
        let change = change(earlier.1, later.1).filter(|_| is_near)?;
        Some(Span { from_s: earlier.0, to_s: later.0, change })
    };
    known.iter().zip(known.iter().skip(1)).filter_map(span).collect()
}

struct Rate {
    per_day: u128,
    busiest_day: u128,
    confidence: Confidence,
}

impl Rate {
    /// How long what is left lasts; `None` where it cannot be calculated.
    fn runway(&self, left: u128, basis: Basis, now: Timestamp) -> Option<Runway> {
        let confidence = self.confidence_of(left);
        let seconds = left.checked_mul(DAY)?.checked_div(self.per_day)?;
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        let at = (confidence > Confidence::Low && seconds <= DATE_S_MAX)
            .then(|| now.as_second().checked_add_unsigned(seconds))
            .flatten()
            .and_then(|at| Timestamp::from_second(at).ok());
        let at = at.map(|at| at.to_string());
        Some(Runway { draws: None, seconds, at, per_day: None, grant: None, basis, confidence })
    }

    /// How far a forecast of what is left can be trusted: where a week of the busiest days would spend it and such a day is
    /// unusual, chance decides when it is spent.
    fn confidence_of(&self, left: u128) -> Confidence {
        let is_uneven = self.busiest_day / 2 > self.per_day;
        let is_little = left < self.busiest_day.saturating_mul(7);
        if is_uneven && is_little { Confidence::Low } else { self.confidence }
    }
}

/// The change of a usual day, as the module's page says.
fn rate(spans: &[Span], now: Timestamp) -> Option<Rate> {
    let now_s = now.as_second();
    let is_recent = |span: &&Span| span.change > 0 && now_s.saturating_sub(span.to_s) < WINDOW_S;
    if spans.iter().filter(is_recent).count() < CHANGES_MIN {
        return None;
    }
    let days = without_outlier(days(spans, now_s));
    let watched = days.iter().flatten().count();
    let busy_days = days.iter().flatten().filter(|change| **change > 0).count();
    let mut weeks = days.chunks(7);
    let last = weeks.next().and_then(|week| week_mean(week, DAYS_MIN));
    let earlier = weeks.filter_map(|week| week_mean(week, DAYS_OF_DATE - 1));
    let mut busy: Vec<u128> = last.into_iter().chain(earlier).filter(|mean| *mean > 0).collect();
    busy.sort_unstable();
    let usual = busy.get(busy.len() / 2).copied();
    let per_day = last.into_iter().chain(usual).max().filter(|rate| *rate > 0)?;
    let is_even = busy.first().zip(busy.last()).is_some_and(|(least, most)| *most / 2 <= *least);
    let confidence = match watched {
        0..DAYS_MIN => return None,
        DAYS_MIN..DAYS_OF_DATE => Confidence::Low,
        // Few draws: chance decides how many of them a week has.
        _ if busy_days < BUSY_DAYS_OF_DATE => Confidence::Low,
        DAYS_OF_DATE.. if watched >= 2 * DAYS_OF_DATE && is_even && busy.len() > 1 => Confidence::High,
        _ => Confidence::Medium,
    };
    let busiest_day = days.iter().flatten().copied().max()?;
    Some(Rate { per_day, busiest_day, confidence })
}

/// The change of each of the last days, the latest first: `None` for a day that was watched for less than half of it.
fn days(spans: &[Span], now_s: i64) -> Vec<Option<u128>> {
    let mut days = vec![(0_u128, 0_u128); DAYS];
    for span in spans {
        let length = u128::from(span.to_s.abs_diff(span.from_s));
        let first = usize::try_from(now_s.saturating_sub(span.to_s) / DAY_S).unwrap_or(DAYS);
        for (back, (change, watched)) in (0..).zip(&mut days).skip(first) {
            let end = now_s.saturating_sub(back * DAY_S);
            if end <= span.from_s {
                break;
            }
            let (from, to) = (span.from_s.max(end.saturating_sub(DAY_S)), span.to_s.min(end));
            if from >= to {
                continue;
            }
            let part = u128::from(to.abs_diff(from));
            // Saturates: no amount on this chain is that large.
            *change = change.saturating_add(span.change.saturating_mul(part) / length);
            *watched += part;
        }
    }
    let day = |(change, watched): (u128, u128)| {
        (watched * 2 >= DAY).then(|| change.saturating_mul(DAY) / watched.max(1))
    };
    days.into_iter().map(day).collect()
}

/// Replaces the largest day by the second largest where it is over three times as large: a withdrawal, or a mistake.
fn without_outlier(mut days: Vec<Option<u128>>) -> Vec<Option<u128>> {
    let mut busy: Vec<u128> = days.iter().flatten().copied().filter(|change| *change > 0).collect();
    busy.sort_unstable();
    if let [_, .., second, largest] = busy.as_slice()
        && *second < *largest / 3
        && let Some(day) = days.iter_mut().find(|day| **day == Some(*largest))
    {
        *day = Some(*second);
    }
    days
}

/// The mean of the watched days of a week, if there are enough of them.
fn week_mean(week: &[Option<u128>], least: usize) -> Option<u128> {
    let watched: Vec<u128> = week.iter().flatten().copied().collect();
    let sum = watched.iter().try_fold(0_u128, |sum, day| sum.checked_add(*day))?;
    (watched.len() >= least).then(|| sum / watched.len() as u128)
}

#[cfg(test)]
mod tests;
