//! The table of several subscriptions, worst first.

use supra_core::amount::{Quants, quotient};
use supra_core::check::Checks;
use supra_core::check::silence::{Silence, SilenceKind};
use supra_core::history::{Point, last_known};
use supra_core::report::Report;

use super::trend::{rounded, sparkline};
use super::{Glyph, Layout, main_finding, name_of, network_of, problem, silences};
use crate::text::{minute, plain};

/// The columns before the problem.
const COLUMNS: usize = 8;
/// The widest name.
const NAME_MAX: usize = 24;

/// A row of the table.
#[derive(Debug, Clone)]
pub struct Row {
    glyph: Glyph,
    name: String,
    network: Option<String>,
    deposit: String,
    ratio: String,
    trend: String,
    lasts: String,
    left: String,
    waiting: String,
    problem: String,
    silences: Vec<Silence>,
}

impl Row {
    /// The row of a subscription.
    pub fn of(report: &Report, checks: &Checks, history: &[Point], layout: &Layout) -> Self {
        let none = || "–".to_owned();
        // What cannot be read now is shown as it was last seen.
        let last = last_known(history, layout.now);
        let last_balance = last.and_then(|point| Some(format!("({})", point.balance?.supra())));
        let last_ratio = last.and_then(|point| quotient(point.balance?.get(), point.min_balance?.get(), 2));
        let last_ratio = last_ratio.map(|ratio| format!("({ratio})"));
        let pending = report.state.as_ref().and_then(|state| state.lottery.pending_request);
        let silences: Vec<Silence> = silences::present(checks, layout).cloned().collect();
        // A mute of another problem does not count.
        let covers_row = |silence: &Silence| {
            silence.kind != SilenceKind::Ack
                && silence.covers_finding(report.id.label(), main_finding(checks))
        };
        let muted = silences.iter().any(covers_row).then(|| layout.lang.pick("muted", "без уведомлений"));
        let problem = Some(plain(&problem(checks, layout.lang))).filter(|problem| !problem.is_empty());
        let problem = muted.into_iter().chain(problem).collect::<Vec<_>>().join(" · ");
        Self {
            glyph: Glyph::of(checks),
            name: truncated(&name_of(report), NAME_MAX),
            network: network_of(report),
            deposit: checks.available_quants.map(Quants::supra).or(last_balance).unwrap_or_else(none),
            ratio: checks.ratio.clone().or(last_ratio).unwrap_or_else(none),
            trend: sparkline(history, layout.now).unwrap_or_default(),
            lasts: checks.runway.as_ref().map(|left| rounded(left.seconds, layout.lang)).unwrap_or_default(),
            left: checks.requests_left.map_or_else(none, |left| left.to_string()),
            waiting: pending.map_or_else(none, |waits| if waits { "1".to_owned() } else { none() }),
            problem,
            silences,
        }
    }
}

impl Row {
    /// Its place in the table: the worst comes first.
    pub(super) fn place(&self) -> std::cmp::Reverse<Glyph> {
        std::cmp::Reverse(self.glyph)
    }
}

fn truncated(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The table: a heading, the rows with the worst first, and the sum.
pub(super) fn table(mut rows: Vec<&Row>, layout: &Layout) -> String {
    rows.sort_by_key(|row| row.place());
    let lang = layout.lang;
    let heads: [String; COLUMNS] = [
        lang.pick("NAME", "ИМЯ"),
        String::new(),
        lang.pick("DEPOSIT", "ДЕПОЗИТ"),
        lang.pick("×MIN", "×МИН"),
        lang.pick("14 DAYS", "14 ДНЕЙ"),
        lang.pick("LASTS", "ХВАТИТ НА"),
        lang.pick("LEFT", "ОСТАЛОСЬ"),
        lang.pick("WAITING", "ЖДУТ"),
    ];
    let cells = |row: &Row| {
        [
            row.name.clone(),
            row.glyph.text().to_owned(),
            row.deposit.clone(),
            row.ratio.clone(),
            row.trend.clone(),
            row.lasts.clone(),
            row.left.clone(),
            row.waiting.clone(),
        ]
    };
    let width = |column: usize| {
        let of_row = |row: &&Row| cells(row).get(column).map_or(0, |cell| cell.chars().count());
        let head = heads.get(column).map_or(0, |head| head.chars().count());
        let widest = rows.iter().map(of_row).max().unwrap_or(0);
        // Without a history the columns of the forecast are left out.
        if widest == 0 && head > 0 { 0 } else { widest.max(head) }
    };
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    let before: usize = widths.iter().filter(|width| **width > 0).map(|width| width + 2).sum();
    let room = layout.width.saturating_sub(before).max(12);
    let line = |cells: &[String; COLUMNS], problem: &str| {
        let padded = cells.iter().zip(&widths).filter(|(_, width)| **width > 0).map(|(cell, width)| {
            format!("{cell}{}  ", " ".repeat(width.saturating_sub(cell.chars().count())))
        });
        let text: String = padded.collect();
        format!("{text}{}", truncated(problem, room)).trim_end().to_owned()
    };
    let mut networks: Vec<&str> = rows.iter().filter_map(|row| row.network.as_deref()).collect();
    networks.sort_unstable();
    networks.dedup();
    let at = minute(layout.now);
    let mut text = format!("dvrf · {} · {at}\n", networks.join(", "));
    text.push_str(&line(&heads, &lang.pick("PROBLEM", "ПРОБЛЕМА")));
    text.push('\n');
    for row in &rows {
        // The glyph is painted after the padding, which counts characters.
        let plain = line(&cells(row), &row.problem);
        text.push_str(&plain.replacen(row.glyph.text(), &row.glyph.painted(layout.style), 1));
        text.push('\n');
    }
    text.push_str(&sum(&rows, layout));
    text.push_str(&silences::list(rows.iter().flat_map(|row| &row.silences), layout));
    text
}

/// How many subscriptions are in each state.
fn sum(rows: &[&Row], layout: &Layout) -> String {
    let count = |glyph: Glyph| rows.iter().filter(|row| row.glyph == glyph).count();
    let states = [Glyph::Bad, Glyph::Warning, Glyph::Unknown, Glyph::Fine];
    let counts: Vec<String> = states
        .into_iter()
        .filter(|glyph| count(*glyph) > 0)
        .map(|glyph| format!("{} {}", count(glyph), glyph.text()))
        .collect();
    let (all, counts) = (rows.len(), counts.join("  "));
    let subscriptions = if all == 1 { "subscription" } else { "subscriptions" };
    layout.lang.pick(format!("{all} {subscriptions}: {counts}\n"), format!("подписок: {all} – {counts}\n"))
}
