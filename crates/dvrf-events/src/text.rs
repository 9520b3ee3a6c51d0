//! Events and pairs for people: a line each, times in UTC, short hashes, spans in words.

use clap::{Args, ValueEnum};
use dvrf_cli::Session;
use dvrf_cli::card::abbreviated;
use dvrf_cli::text::{Style, plain};
use supra_core::check::{Severity, Status};
use supra_core::events::Event;
use supra_core::lang::Lang;
use supra_core::requests::{Outcome, Pair, Summary};
use supra_core::time::format_span;

/// How events are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// JSON lines
    Json,
    /// A table for people
    Text,
}

/// The flag of the output format.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct FormatArgs {
    /// Output format; unset: text on a terminal, json otherwise
    #[arg(long, value_enum)]
    format: Option<Format>,
}

impl FormatArgs {
    /// Whether people read the output.
    pub(crate) fn is_text(&self, session: &Session) -> bool {
        self.format.map_or_else(|| session.is_terminal(), |format| format == Format::Text)
    }
}

/// `2026-11-25 08:54:31 UTC` of an RFC 3339 time.
fn time(text: Option<&str>) -> String {
    let shown = text.and_then(|text| Some((text.get(..10)?, text.get(11..19)?)));
    shown.map_or_else(|| "–".to_owned(), |(day, time)| format!("{} {} UTC", plain(day), plain(time)))
}

/// A table of events, and how many they are.
pub(crate) fn events(list: &[Event], lang: Lang) -> String {
    let head = match lang {
        Lang::En => ["TIME", "EVENT", "NONCE", "BLOCK", "TRANSACTION"],
        Lang::Ru => ["ВРЕМЯ", "СОБЫТИЕ", "NONCE", "БЛОК", "ТРАНЗАКЦИЯ"],
    };
    let row = |event: &Event| {
        [
            time(event.time.as_deref()),
            plain(&event.name),
            event.number("nonce").map_or_else(|| "–".to_owned(), |nonce| nonce.to_string()),
            event.height.to_string(),
            event
                .transaction_hash
                .as_deref()
                .map_or_else(|| "–".to_owned(), |hash| abbreviated(&plain(hash))),
        ]
    };
    let rows: Vec<[String; 5]> =
        std::iter::once(head.map(str::to_owned)).chain(list.iter().map(row)).collect();
    let widths: [usize; 5] = std::array::from_fn(|column| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let count = list.len();
    let sum = lang.pick(format!("events: {count}\n"), format!("событий: {count}\n"));
    rows.iter().fold(String::new(), |text, row| text + &line(row)) + &sum
}

/// A line for each request: answered after how long, or waiting since when.
pub(crate) fn pairs(list: &[Pair], lang: Lang, style: Style) -> String {
    list.iter().fold(String::new(), |text, pair| {
        let (glyph, end) = match pair.outcome {
            Outcome::Answered => (style.status(Status::Ok, "✔"), answered(pair, lang)),
            Outcome::Pending => (style.severity(Severity::Warning, "▲"), waiting(pair, lang)),
            Outcome::Orphan => {
                let end = lang.pick(
                    "answered; the request is older than the blocks that were read",
                    "ответ есть, запрос старше прочитанных блоков",
                );
                (style.status(Status::Unknown, "?"), end)
            }
        };
        let at = time(pair.requested_at.as_deref().or(pair.handled_at.as_deref()));
        text + &format!("{glyph} nonce {:<6} {at}  {end}\n", pair.nonce)
    })
}

fn answered(pair: &Pair, lang: Lang) -> String {
    match pair.latency_ms {
        Some(ms) => {
            let seconds = format!("{}.{}", ms / 1000, ms % 1000 / 100);
            lang.pick(format!("answered after {seconds} s"), format!("ответ через {seconds} с"))
        }
        None => lang.pick("answered", "ответ есть"),
    }
}

fn waiting(pair: &Pair, lang: Lang) -> String {
    let age = pair.age_seconds.map(|age| format_span(age, lang));
    let hash = pair
        .request_hash
        .as_deref()
        .map(|hash| format!(" · tx {}", abbreviated(&plain(hash))))
        .unwrap_or_default();
    match age {
        Some(age) => lang.pick(format!("waiting for {age}{hash}"), format!("ждёт ответа {age}{hash}")),
        None => lang.pick(format!("waiting{hash}"), format!("ждёт ответа{hash}")),
    }
}

/// The last line: how many requests were answered.
pub(crate) fn summary(of: &Summary, lang: Lang) -> String {
    let (answered, requested, pending, orphans) = (of.answered, of.requested, of.pending, of.orphans);
    let mut text = lang.pick(
        format!("{answered} of {requested} answered · {pending} waiting"),
        format!("отвечено {answered} из {requested} · ждут {pending}"),
    );
    if orphans > 0 {
        text += &lang.pick(
            format!(" · {orphans} to older requests"),
            format!(" · на более старые запросы: {orphans}"),
        );
    }
    text + "\n"
}
