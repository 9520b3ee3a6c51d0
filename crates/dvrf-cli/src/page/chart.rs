//! The chart of a card: the balance of 14 days, the multiples of the minimum, and the forecast of the next week.

use std::fmt::Write;

use supra_core::amount::Quants;
use supra_core::check::Checks;
use supra_core::history::{DETAIL_S, Point, last_known};
use supra_core::lang::Lang;

use super::escaped;
use crate::card::Layout;
use crate::card::trend::lasts_until;

/// The plot: its left edge, where now is, its right edge, its top and its bottom.
const LEFT: u128 = 64;
const NOW: u128 = 432;
const RIGHT: u128 = 624;
const TOP: u128 = 8;
const BOTTOM: u128 = 128;
/// The height of a label on a phone.
const LABEL_HEIGHT: u128 = 22;
/// How much of the future is shown, in seconds.
const AHEAD_S: u128 = 7 * 86_400;
/// A longer time without a point is a gap in the line, in seconds.
const GAP_S: i64 = 86_400;

/// A place in the chart.
struct Scale {
    now_s: i64,
    highest: u128,
}

impl Scale {
    fn y(&self, quants: u128) -> u128 {
        let share = quants.saturating_mul(BOTTOM - TOP).checked_div(self.highest).unwrap_or(0);
        BOTTOM.saturating_sub(share).max(TOP)
    }

    fn x(&self, at_s: i64) -> Option<u128> {
        let ago = u128::try_from(self.now_s.saturating_sub(at_s)).ok()?;
        let window = u128::try_from(DETAIL_S).ok().filter(|window| ago <= *window)?;
        Some(NOW - ago * (NOW - LEFT) / window)
    }
}

/// The chart as a figure; empty where no balance is known.
pub(super) fn chart(name: &str, checks: &Checks, history: &[Point], layout: &Layout) -> String {
    let lang = layout.lang;
    let last = || last_known(history, layout.now).and_then(|point| point.balance);
    let Some(balance) = checks.available_quants.or_else(last).map(Quants::get) else { return String::new() };
    let read = || history.iter().rev().find_map(|point| point.min_balance);
    let minimum = checks.min_balance_onchain.or_else(read).map(Quants::get);
    let most = history.iter().filter_map(|point| point.balance).map(Quants::get).max();
    let three = minimum.map(|minimum| minimum.saturating_mul(3));
    let highest = [most, three, Some(balance), Some(1)].into_iter().flatten().max().unwrap_or(1);
    let scale = Scale { now_s: layout.now.as_second(), highest: highest.saturating_add(highest / 10) };
    let title = lang.pick(format!("Balance of {name}"), format!("Баланс {name}"));
    let label = format!("{title}. {}", described(checks, balance, lang));
    let mut svg =
        format!("<figure>\n<svg viewBox=\"0 0 640 152\" role=\"img\" aria-label=\"{}\">\n", escaped(&label));
    if let Some(minimum) = minimum.filter(|minimum| *minimum > 0) {
        limits(&mut svg, &scale, minimum);
    }
    for line in lines(history, &scale) {
        let _ = writeln!(svg, "<polyline class=\"balance\" points=\"{line}\"/>");
    }
    let _ = writeln!(svg, "<line class=\"now\" x1=\"{NOW}\" y1=\"{TOP}\" x2=\"{NOW}\" y2=\"{BOTTOM}\"/>");
    if let Some(line) = forecast(checks, &scale) {
        let _ = writeln!(svg, "<polyline class=\"balance forecast\" points=\"{line}\"/>");
    }
    let (past, now, future) =
        (lang.pick("−14 d", "−14 д"), lang.pick("now", "сейчас"), lang.pick("+7 d", "+7 д"));
    for (x, anchor, text) in [(LEFT, "start", past), (NOW, "middle", now), (RIGHT, "end", future)] {
        let _ = writeln!(svg, "<text x=\"{x}\" y=\"146\" text-anchor=\"{anchor}\">{text}</text>");
    }
    svg.push_str("</svg>\n</figure>\n");
    svg
}

/// What the chart shows, for those who do not see it.
fn described(checks: &Checks, balance: u128, lang: Lang) -> String {
    let balance = Quants(balance).supra();
    let now = lang.pick(
        format!("14 days of the balance; last known: {balance} SUPRA."),
        format!("Баланс за 14 дней; последнее известное значение: {balance} SUPRA."),
    );
    let runway = checks.runway.as_ref().map(|runway| lasts_until(runway, lang));
    let runway = runway.map(|text| lang.pick(format!(" Lasts {text}."), format!(" Хватит на: {text}.")));
    now + &runway.unwrap_or_default()
}

/// The bands below 100 % and 200 % of the minimum, and the lines at 100, 200 and 300 %.
fn limits(svg: &mut String, scale: &Scale, minimum: u128) {
    let (one, two) = (scale.y(minimum), scale.y(minimum.saturating_mul(2)));
    let width = RIGHT - LEFT;
    for (class, top, bottom) in [("band-bad", one, BOTTOM), ("band-warning", two, one)] {
        let height = bottom.saturating_sub(top);
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>"
        );
    }
    // Labels of lines that are close together would cover each other, on a phone first: their text is larger there.
    let mut lowest = BOTTOM + LABEL_HEIGHT;
    for times in 1..=3_u128 {
        let (y, percent) = (scale.y(minimum.saturating_mul(times)), times * 100);
        let _ = writeln!(
            svg,
            "<line class=\"limit at-{percent}\" x1=\"{LEFT}\" y1=\"{y}\" x2=\"{RIGHT}\" y2=\"{y}\"/>"
        );
        if lowest.saturating_sub(y) >= LABEL_HEIGHT {
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{percent}%</text>",
                LEFT - 6,
                y + 4
            );
            lowest = y;
        }
    }
}

/// The lines of the known balances, interrupted where a run or a day knew none; one place for each column of the chart.
fn lines(history: &[Point], scale: &Scale) -> Vec<String> {
    let mut lines: Vec<Vec<(u128, u128)>> = vec![Vec::new()];
    let mut before_s = None;
    for point in history {
        let Some(x) = scale.x(point.at_s) else { continue };
        let is_gap = before_s.is_some_and(|before: i64| point.at_s.saturating_sub(before) > GAP_S);
        before_s = Some(point.at_s);
        if (is_gap || point.balance.is_none()) && lines.last().is_some_and(|line| !line.is_empty()) {
            lines.push(Vec::new());
        }
        let (Some(balance), Some(line)) = (point.balance, lines.last_mut()) else { continue };
        let place = (x, scale.y(balance.get()));
        match line.last_mut() {
            Some(last) if last.0 == place.0 => *last = place,
            _ => line.push(place),
        }
    }
    let drawn = |line: &Vec<(u128, u128)>| {
        // A single point is a short stroke.
        let end = line.last().filter(|_| line.len() == 1).map(|(x, y)| (x + 2, *y));
        let places: Vec<String> = line.iter().copied().chain(end).map(|(x, y)| format!("{x},{y}")).collect();
        places.join(" ")
    };
    lines.iter().filter(|line| !line.is_empty()).map(drawn).collect()
}

/// The line from now to the minimum, cut off at the right edge.
fn forecast(checks: &Checks, scale: &Scale) -> Option<String> {
    let seconds = u128::from(checks.runway.as_ref()?.seconds);
    let (balance, minimum) = (checks.available_quants?.get(), checks.min_balance_onchain?.get());
    let spent = balance.checked_sub(minimum)?;
    let (until, left) = if seconds >= AHEAD_S {
        (AHEAD_S, balance - spent.saturating_mul(AHEAD_S).checked_div(seconds)?)
    } else {
        (seconds, minimum)
    };
    let x = NOW + until * (RIGHT - NOW) / AHEAD_S;
    Some(format!("{NOW},{} {x},{}", scale.y(balance), scale.y(left)))
}
