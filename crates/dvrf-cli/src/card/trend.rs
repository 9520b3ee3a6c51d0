//! What the history adds to a card: the balance of 14 days as a line of bars, when the deposit runs out, and what was last
//! seen of it.

use jiff::Timestamp;
use supra_core::amount::quotient;
use supra_core::check::{Checks, Status};
use supra_core::forecast::{Confidence, Runway};
use supra_core::history::{DETAIL_S, Point, last_known};
use supra_core::lang::Lang;
use supra_core::time::format_span;

use super::Layout;

/// The bars from the minimum up to the highest balance.
const BARS: [char; 7] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇'];
/// How many bars 14 days have.
const WIDTH: usize = 10;
/// How long a bar is, in seconds.
const BAR_S: i64 = DETAIL_S / 10;
/// What stands for a time without a known balance.
const GAP: char = '·';

/// The balance of the 14 days before `now`, a bar for the last one known in each tenth of them; `None` with fewer than two
/// bars. A minimum that could not be read is taken to be the one before it, or the first one that was read; `None` where
/// there is none.
pub fn sparkline(history: &[Point], now: Timestamp) -> Option<String> {
    let start = now.as_second().checked_sub(DETAIL_S)?;
    let mut known: [Option<(u128, u128)>; WIDTH] = [None; WIDTH];
    let mut minimum = history.iter().find_map(|point| point.min_balance)?;
    for point in history {
        minimum = point.min_balance.unwrap_or(minimum);
        let Some(balance) = point.balance else { continue };
        // The point of this very second belongs to the last bar.
        let offset = point.at_s.saturating_sub(start).saturating_sub(1).max(0);
        let index = usize::try_from(offset / BAR_S).unwrap_or(WIDTH);
        if point.at_s >= start
            && let Some(bar) = known.get_mut(index)
        {
            *bar = Some((balance.get(), minimum.get()));
        }
    }
    let values = || known.iter().flatten();
    if values().count() < 2 {
        return None;
    }
    let above = |(balance, minimum): &(u128, u128)| balance.saturating_sub(*minimum);
    let most = values().map(above).max().unwrap_or(0);
    let bar = |value: &Option<(u128, u128)>| {
        let Some(value) = value else { return GAP };
        let steps = (BARS.len() - 1) as u128;
        let level = above(value).saturating_mul(steps).checked_div(most).unwrap_or(0);
        BARS.get(usize::try_from(level).unwrap_or(0)).copied().unwrap_or(GAP)
    };
    Some(known.iter().map(bar).collect())
}

/// How long the deposit lasts and when it runs out: `≈ 3 d 18 h → Sun 29 Nov 02:00 UTC`.
pub fn lasts_until(runway: &Runway, lang: Lang) -> String {
    const YEAR_S: u64 = 365 * 86_400;
    if runway.seconds > YEAR_S {
        return lang.pick("more than a year", "больше года");
    }
    let span = rounded(runway.seconds, lang);
    if runway.confidence == Confidence::Low {
        return lang.pick(format!("roughly {span}"), format!("ориентировочно {span}"));
    }
    let at = runway.at.as_deref().and_then(|at| at.parse().ok());
    let at = at.map(|at| format!(" → {}", day(at, runway.seconds, lang)));
    format!("≈ {span}{}", at.unwrap_or_default())
}

/// A span without an accuracy that it does not have: whole days from ten days on.
pub fn rounded(seconds: u64, lang: Lang) -> String {
    const DAY_S: u64 = 86_400;
    format_span(if seconds >= 10 * DAY_S { seconds / DAY_S * DAY_S } else { seconds / 3600 * 3600 }, lang)
}

/// A day with its time where it is near.
fn day(at: Timestamp, seconds: u64, lang: Lang) -> String {
    const NEAR_S: u64 = 10 * 86_400;
    let format = match (seconds < NEAR_S, lang) {
        (true, Lang::En) => "%a %-d %b %H:%M UTC",
        (true, Lang::Ru) => "%d.%m %H:%M UTC",
        (false, Lang::En) => "%-d %b %Y",
        (false, Lang::Ru) => "%d.%m.%Y",
    };
    at.strftime(format).to_string()
}

/// What the latest run that knew the balance read: `08:44 UTC (10 min ago): 787.5 SUPRA, 5.0 × minimum, ok`.
pub(super) fn last_seen(history: &[Point], checks: &Checks, layout: &Layout) -> Option<String> {
    if checks.available_quants.is_some() {
        return None;
    }
    let now_s = layout.now.as_second();
    let point = last_known(history, layout.now)?;
    let at = layout.time(Timestamp::from_second(point.at_s).ok()?);
    let lang = layout.lang;
    let ago = format_span(now_s.abs_diff(point.at_s), lang);
    let balance = format!("{} SUPRA", point.balance?.supra());
    let ratio = point.min_balance.and_then(|minimum| quotient(point.balance?.get(), minimum.get(), 1));
    let ratio = ratio.map(|ratio| lang.pick(format!("{ratio} × minimum"), format!("{ratio} × минимум")));
    let verdict = point.verdict.map(|verdict| match verdict {
        Status::Ok => lang.pick("ok", "в порядке"),
        Status::Alert => lang.pick("problem found", "проблема"),
        Status::Unknown => lang.pick("status unknown", "состояние неизвестно"),
    });
    let parts: Vec<String> = [Some(balance), ratio, verdict].into_iter().flatten().collect();
    Some(lang.pick(
        format!("{at} ({ago} ago): {}", parts.join(", ")),
        format!("{at} ({ago} назад): {}", parts.join(", ")),
    ))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use supra_core::amount::{Count, Quants};
    use supra_core::forecast::Basis;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-25T08:00:00Z".parse().unwrap()
    }

    fn point(days_ago: i64, balance: Option<u128>) -> Point {
        Point {
            at_s: now().as_second() - days_ago * 86_400,
            balance: balance.map(Quants),
            min_balance: Some(Quants(100)),
            ..Point::default()
        }
    }

    #[rstest]
    #[case::falling(&[(13, Some(700)), (12, Some(600)), (8, Some(500)), (5, Some(400)), (2, Some(300)), (0, Some(100))], Some("▇▆··▅·▄·▃▁"))]
    #[case::steady(&[(10, Some(700)), (0, Some(700))], Some("··▇······▇"))]
    #[case::at_the_minimum(&[(10, Some(100)), (0, Some(90))], Some("··▁······▁"))]
    #[case::one(&[(0, Some(700))], None)]
    #[case::too_old(&[(15, Some(700)), (0, Some(700))], None)]
    #[case::unknown(&[(3, None), (0, Some(700))], None)]
    #[case::too_new(&[(3, Some(700)), (-3, Some(900))], None)]
    fn bars(#[case] points: &[(i64, Option<u128>)], #[case] expected: Option<&str>) {
        let points: Vec<Point> = points.iter().map(|(days, balance)| point(*days, *balance)).collect();
        assert_eq!(sparkline(&points, now()).as_deref(), expected);
    }

    /// A minimum that was not read is not 0: the bars are those of the minimum that is known.
    #[rstest]
    #[case::before(&[Some(100), None, None], Some("▇·····▄··▁"))]
    #[case::afterwards(&[None, None, Some(100)], Some("▇·····▄··▁"))]
    #[case::never(&[None, None, None], None)]
    fn bars_above_an_unread_minimum(#[case] minimums: &[Option<u128>], #[case] expected: Option<&str>) {
        let points: Vec<Point> = [(13, 700), (5, 400), (0, 100)]
            .iter()
            .zip(minimums)
            .map(|((days, balance), minimum)| Point {
                min_balance: minimum.map(Quants),
                ..point(*days, Some(*balance))
            })
            .collect();
        assert_eq!(sparkline(&points, now()).as_deref(), expected);
    }

    #[rstest]
    #[case::soon(3 * 86_400 + 64_900, Confidence::Medium, "≈ 3 d 18 h → Sun 29 Nov 02:00 UTC", "≈ 3 д 18 ч → 29.11 02:00 UTC")]
    #[case::rough(3 * 86_400, Confidence::Low, "roughly 3 d", "ориентировочно 3 д")]
    #[case::later(30 * 86_400 + 7200, Confidence::High, "≈ 30 d → 29 Nov 2026", "≈ 30 д → 29.11.2026")]
    #[case::long(400 * 86_400, Confidence::High, "more than a year", "больше года")]
    fn runways(#[case] seconds: u64, #[case] confidence: Confidence, #[case] en: &str, #[case] ru: &str) {
        let at = (confidence > Confidence::Low).then(|| "2026-11-29T02:00:00Z".to_owned());
        let (draws, basis) = (Some(Count(15)), Basis::Balance);
        let runway = Runway { draws, seconds, at, per_day: None, grant: None, basis, confidence };
        assert_eq!(lasts_until(&runway, Lang::En), en);
        assert_eq!(lasts_until(&runway, Lang::Ru), ru);
    }
}
