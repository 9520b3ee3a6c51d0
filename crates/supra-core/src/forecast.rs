//! Forecasts how long a deposit lasts, from its [`history`](crate::history). Pure.
//!
//! What is spent is the sum of the falls of the balance; rises are top-ups and are left out. Where fees are seen to take a
//! grant that the balance does not include, its falls count too, and it is money that is left. The spending is put into
//! days of 24 hours before now. A single day that spends over three times as much as any other counts as that other one. The
//! rate is the higher one of the last week's mean and the median of the weeks with spending of the last four: an idle
//! week does not lengthen the forecast, and a busy one shortens it at once. Weeks are whole, so that a day of the week with
//! more draws does not matter.
//!
//! Nothing is forecast from less than three days that were watched for half of their time and three falls, and no date is
//! given for less than seven such days, or for less than five with spending.

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
/// How much longer than this between two points nothing is known of the days in between, in seconds.
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

/// How fast money is spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Burn {
    /// Quants a day; above 0.
    pub per_day: Quants,
    /// Whether fees take a grant that the balance does not include.
    pub is_grant_separate: bool,
    /// The quants of the busiest day, an outlier excepted.
    pub busiest_day: Quants,
    /// How far it can be trusted.
    pub confidence: Confidence,
}

impl Burn {
    /// The quants that a span needs at this rate, rounded up; `None` beyond 2^128.
    pub fn needed_for(&self, seconds: u64) -> Option<Quants> {
        self.per_day.get().checked_mul(seconds.into()).map(|product| Quants(product.div_ceil(DAY)))
    }
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

/// How fast the deposit was spent before `now`; `None` where the history does not say.
pub fn burn(history: &[Point], now: Timestamp) -> Option<Burn> {
    let points = before(history, now);
    let is_grant_separate = is_grant_separate(&points);
    let spans = spans(&points, |earlier, later| spending(earlier, later, is_grant_separate));
    let rate = rate(&spans, now.as_second())?;
    let Rate { per_day, busiest_day, confidence } = rate;
    Some(Burn { per_day: Quants(per_day), is_grant_separate, busiest_day: Quants(busiest_day), confidence })
}

/// How long the deposit lasts from `now` on; `None` where the history does not say. The history includes the present point.
pub fn runway(history: &[Point], holdings: Holdings, now: Timestamp) -> Option<Runway> {
    let of = |left: u128, rate: Rate, basis, quants| {
        let Rate { per_day, .. } = rate;
        let confidence = rate.confidence_of(left);
        let seconds = left.checked_mul(DAY)?.checked_div(per_day)?;
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        let at = (confidence > Confidence::Low && seconds <= DATE_S_MAX)
            .then(|| now.as_second().checked_add_unsigned(seconds))
            .flatten()
            .and_then(|at| Timestamp::from_second(at).ok());
        let at = at.map(|at| at.to_string());
        Some(Runway { draws: holdings.draws, seconds, at, per_day: quants, basis, confidence })
    };
    if let Some(burn) = burn(history, now) {
        let (balance, minimum) = holdings.balance.zip(holdings.minimum)?;
        let grant = holdings.grant.filter(|_| burn.is_grant_separate).unwrap_or_default();
        // At the minimum requests are refused, whatever the grant.
        let above = balance.get().checked_sub(minimum.get()).filter(|above| *above > 0);
        let left = above.map_or(0, |above| above.saturating_add(grant.get()));
        let (per_day, busiest_day) = (burn.per_day.get(), burn.busiest_day.get());
        let rate = Rate { per_day, busiest_day, confidence: burn.confidence };
        return of(left, rate, Basis::Balance, Some(burn.per_day));
    }
    let points = before(history, now);
    let made = |earlier: &Point, later: &Point| {
        later.requests.zip(earlier.requests).and_then(|(l, e)| l.get().checked_sub(e.get()))
    };
    // In thousandths, so that one draw in some days is not 0 a day.
    let spans = spans(&points, |earlier, later| made(earlier, later)?.checked_mul(1000));
    let rate = rate(&spans, now.as_second())?;
    let left = holdings.draws?.get().checked_mul(1000)?;
    of(left, rate, Basis::Requests, None)
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

/// What was spent between two points; `None` after a top-up.
fn spending(earlier: &Point, later: &Point, is_grant_separate: bool) -> Option<u128> {
    let of_balance = earlier.balance?.get().checked_sub(later.balance?.get())?;
    if !is_grant_separate {
        return Some(of_balance);
    }
    let of_grant = earlier.grant.zip(later.grant).map(|(e, l)| e.get().saturating_sub(l.get()));
    of_balance.checked_add(of_grant.unwrap_or(0))
}

/// The time between two points, and how much something changed in it.
struct Span {
    from_s: i64,
    to_s: i64,
    change: u128,
}

/// The spans between neighbouring points whose change is known, without long gaps.
fn spans(points: &[&Point], change: impl Fn(&Point, &Point) -> Option<u128>) -> Vec<Span> {
    // A run that read nothing stands for no value: its neighbours are compared.
    let known: Vec<&Point> =
        points.iter().filter(|point| point.balance.is_some() || point.requests.is_some()).copied().collect();
    let span = |(earlier, later): (&&Point, &&Point)| {
        let is_near = (1..=GAP_S).contains(&later.at_s.saturating_sub(earlier.at_s));
        let change = change(earlier, later).filter(|_| is_near)?;
        Some(Span { from_s: earlier.at_s, to_s: later.at_s, change })
    };
    known.iter().zip(known.iter().skip(1)).filter_map(span).collect()
}

struct Rate {
    per_day: u128,
    busiest_day: u128,
    confidence: Confidence,
}

impl Rate {
    /// How far a forecast of what is left can be trusted: where a week of the busiest days would spend it and such a day is
    /// unusual, chance decides when it is spent.
    fn confidence_of(&self, left: u128) -> Confidence {
        let is_uneven = self.busiest_day / 2 > self.per_day;
        let is_little = left < self.busiest_day.saturating_mul(7);
        if is_uneven && is_little { Confidence::Low } else { self.confidence }
    }
}

/// The change of a usual day, as the module's page says.
fn rate(spans: &[Span], now_s: i64) -> Option<Rate> {
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
            // A change that does not fit is no amount of this chain.
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
