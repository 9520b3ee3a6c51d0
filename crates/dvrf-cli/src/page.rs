//! The page of all subscriptions: one HTML file without scripts, images or links to elsewhere; a card for each
//! subscription, the worst first.

mod chart;

use supra_core::check::Checks;
use supra_core::history::Point;
use supra_core::lang::Lang;
use supra_core::report::Report;
use supra_core::time::format_span;

use crate::card::{Glyph, Layout, Summary};
use crate::text::{minute, plain};

/// The most cards of a page: the worst subscriptions of a fleet; the others are counted.
pub const CARDS_MAX: usize = 200;

const STYLE: &str = include_str!("page/style.css");

/// Text as HTML, without hidden characters.
fn escaped(text: &str) -> String {
    plain(text).chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            c => shown.push(c),
        }
        shown
    })
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
        for line_of_requests in requests(report, &self.layout) {
            line("quiet", &line_of_requests);
        }
        line("do", &format!("→ {}", summary.action));
        if let Some(command) = &summary.command {
            let label = lang.pick("Command", "Команда");
            text.push_str(&format!(
                "<details><summary>{label}</summary><pre><code>{}</code></pre></details>\n",
                escaped(command)
            ));
        }
        text.push_str("</div>\n");
        text.push_str(&chart::chart(number, &summary.name, checks, history, &self.layout));
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

#[cfg(test)]
mod tests;
