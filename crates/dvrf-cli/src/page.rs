//! The page of all subscriptions: one HTML file without scripts, images or links to elsewhere; a card for each
//! subscription, the worst first.

mod chart;

use supra_core::check::Checks;
use supra_core::history::Point;
use supra_core::lang::Lang;
use supra_core::report::Report;
use supra_core::requests::Answer;
use supra_core::time::format_span;

use crate::card::{Glyph, Layout, Summary, silences};
use crate::text::{html, minute, plain};

/// The most cards of a page: the worst subscriptions of a fleet; the others are counted.
pub const CARDS_MAX: usize = 200;

const STYLE: &str = include_str!("page/style.css");

/// Text as HTML, without hidden characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    plain(text).chars().for_each(|c| html(c, &mut escaped));
    escaped
}

/// A page under construction.
pub struct Page {
    layout: Layout,
    /// The cards with what decides about their place.
    cards: Vec<(Glyph, String)>,
    /// How many subscriptions are in each state.
    counts: [usize; 4],
    networks: Vec<String>,
}

/// The states in the order of the page.
const STATES: [(Glyph, &str); 4] =
    [(Glyph::Bad, "bad"), (Glyph::Warning, "warning"), (Glyph::Unknown, "unknown"), (Glyph::Fine, "fine")];

/// The word for a state.
fn word(glyph: Glyph, lang: Lang) -> String {
    match glyph {
        Glyph::Bad => lang.pick("problem", "проблема"),
        Glyph::Warning => lang.pick("soon", "скоро"),
        Glyph::Unknown => lang.pick("unknown", "неизвестно"),
        Glyph::Fine => lang.pick("ok", "в порядке"),
    }
}

impl Page {
    /// A page without cards. Commands on it are shown whole, addresses in sentences abbreviated.
    pub fn new(layout: Layout) -> Self {
        Self { layout, cards: Vec::new(), counts: [0; 4], networks: Vec::new() }
    }

    /// Adds the card of a subscription.
    pub fn add(&mut self, report: &Report, checks: &Checks, history: &[Point]) {
        let summary = Summary::of(report, checks, history, &self.layout);
        if let Some(count) = STATES.iter().position(|(glyph, _)| *glyph == summary.glyph)
            && let Some(count) = self.counts.get_mut(count)
        {
            *count += 1;
        }
        if let Some(network) = summary.network.as_ref().filter(|network| !self.networks.contains(network)) {
            self.networks.push(network.clone());
        }
        let number = self.counts.iter().sum();
        let card = self.card(number, &summary, report, checks, history);
        self.cards.push((summary.glyph, card));
        // The cards of a large fleet would fill the memory.
        if self.cards.len() >= 2 * CARDS_MAX {
            self.keep_worst();
        }
    }

    fn keep_worst(&mut self) {
        self.cards.sort_by_key(|(glyph, _)| std::cmp::Reverse(*glyph));
        self.cards.truncate(CARDS_MAX);
    }

    fn card(
        &self,
        number: usize,
        summary: &Summary,
        report: &Report,
        checks: &Checks,
        history: &[Point],
    ) -> String {
        let lang = self.layout.lang;
        let class = STATES.iter().find(|(glyph, _)| *glyph == summary.glyph).map_or("", |(_, class)| class);
        let (name, state) = (escaped(&summary.name), word(summary.glyph, lang));
        let mut text = format!(
            "<article class=\"card {class}\" aria-labelledby=\"s{number}\">\n<div>\n\
             <h2 id=\"s{number}\">{name} <span class=\"state\">{} {state}</span></h2>\n",
            summary.glyph.text()
        );
        let mut line = |class: &str, content: &str| {
            text.push_str(&format!("<p class=\"{class}\">{}</p>\n", escaped(content)));
        };
        line("what", &summary.sentence);
        for number in &summary.numbers {
            line("numbers", number);
        }
        for sentence in requests(report, &self.layout) {
            line("quiet", &sentence);
        }
        for silence in silences::present(checks, &self.layout) {
            line("quiet", &silences::sentence(silence, &self.layout));
        }
        line("do", &format!("→ {}", summary.action));
        text.push_str(&last_answers(report, &self.layout));
        if let Some(command) = &summary.command {
            let label = lang.pick("Command", "Команда");
            text.push_str(&format!(
                "<details><summary>{label}</summary><pre><code>{}</code></pre></details>\n",
                escaped(command)
            ));
        }
        text.push_str("</div>\n");
        text.push_str(&chart::chart(&summary.name, checks, history, &self.layout));
        text.push_str("</article>\n");
        text
    }

    /// The page.
    pub fn finish(mut self) -> String {
        let lang = self.layout.lang;
        let all: usize = self.counts.iter().sum();
        self.keep_worst();
        self.networks.sort();
        let title =
            ["Supra dVRF".to_owned()].into_iter().chain(self.networks).collect::<Vec<_>>().join(" · ");
        let title = escaped(&title);
        let counts: Vec<String> = STATES
            .iter()
            .zip(self.counts)
            .filter(|(_, count)| *count > 0)
            .map(|((glyph, _), count)| format!("{count} {} {}", glyph.text(), word(*glyph, lang)))
            .collect();
        let counts = if all == 0 {
            lang.pick("no subscriptions", "нет подписок")
        } else {
            counts.join(" · ")
        };
        let (code, at) = (lang.pick("en", "ru"), minute(self.layout.now));
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <header>\n<h1>{title}</h1>\n<p>{counts} | {at}</p>\n</header>\n<main>\n"
        );
        self.cards.iter().for_each(|(_, card)| page.push_str(card));
        let rest = all.saturating_sub(self.cards.len());
        if rest > 0 {
            let sentence = lang.pick(
                format!("{rest} further subscriptions are not shown."),
                format!("Не показано подписок: {rest}."),
            );
            page.push_str(&format!("<p class=\"quiet\">{sentence}</p>\n"));
        }
        page.push_str("</main>\n</body>\n</html>\n");
        page
    }
}

/// The open requests, and how long answers took.
fn requests(report: &Report, layout: &Layout) -> Vec<String> {
    const OPEN_MAX: usize = 5;
    let lang = layout.lang;
    let Some(requests) = report.requests.as_ref().filter(|requests| requests.error.is_none()) else {
        return Vec::new();
    };
    let open = requests.pending.iter().take(OPEN_MAX).map(|pending| {
        let age = pending.age_seconds.map(|age| format_span(age, lang));
        let age =
            age.map(|age| lang.pick(format!(", for {age}"), format!(", уже {age}"))).unwrap_or_default();
        lang.pick(
            format!("open request: nonce {}{age}", pending.nonce),
            format!("запрос без ответа: nonce {}{age}", pending.nonce),
        )
    });
    let seconds = |ms: u64| format_span(ms.div_ceil(1000), lang);
    let latency = requests.latency.as_ref().map(|latency| {
        let (count, usual, slow) = (latency.count, seconds(latency.p50_ms), seconds(latency.p90_ms));
        lang.pick(
            format!("answers: {count}, usually after {usual}, 90 % within {slow}"),
            format!("ответов: {count}, обычно через {usual}, 90 % за {slow}"),
        )
    });
    open.chain(latency).collect()
}

/// The last draws with their latencies.
fn last_answers(report: &Report, layout: &Layout) -> String {
    let lang = layout.lang;
    let answers = report.requests.iter().flat_map(|requests| &requests.last_answers);
    let row = |answer: &Answer| {
        let at = answer.handled_at.as_deref().and_then(|at| at.parse().ok()).map(|at| layout.time(at));
        let latency = answer.latency_ms.map(|ms| format_span(ms.div_ceil(1000), lang));
        let latency = latency.map(|span| lang.pick(format!("after {span}"), format!("через {span}")));
        let parts = [Some(format!("nonce {}", answer.nonce)), at, latency];
        let text = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
        format!("<li>{}</li>\n", escaped(&text))
    };
    let rows: String = answers.map(row).collect();
    if rows.is_empty() {
        return rows;
    }
    let title = lang.pick("Last draws", "Последние розыгрыши");
    format!("<details><summary>{title}</summary>\n<ul class=\"quiet\">\n{rows}</ul></details>\n")
}

#[cfg(test)]
mod tests;
