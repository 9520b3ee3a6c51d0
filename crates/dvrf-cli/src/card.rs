//! What people see of a verdict: a card for one subscription, a table for several.

mod lines;
pub(crate) mod silences;
mod table;
pub mod trend;
mod wrap;

use jiff::Timestamp;
use supra_core::check::Remedy;
use supra_core::check::{Checks, Finding, Severity, Status};
use supra_core::history::Point;
use supra_core::lang::Lang;
use supra_core::network::Network;
use supra_core::report::{Report, SubscriptionId};

use crate::Session;
use crate::settings::variables;
use crate::text::{Style, minute, plain};
pub use table::Row;
pub use wrap::{abbreviated, line, wrapped};

/// How a card is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Whether the first glyph is coloured.
    pub style: Style,
    /// The width of the terminal in columns.
    pub width: usize,
    /// Whether addresses are shown whole, and every finding with its sentence.
    pub verbose: bool,
    /// The language.
    pub lang: Lang,
    /// The time now: times of another day are shown with their date.
    pub now: Timestamp,
}

/// The narrowest and the widest card.
const WIDTHS: (usize, usize) = (60, 120);

impl Layout {
    /// The layout for this run's stdout.
    pub fn of(session: &Session, lang: Lang, verbose: bool) -> Self {
        let layout =
            Self { style: Style { colour: session.colour() }, width: 0, verbose, lang, now: session.now };
        layout.of_width(session.columns())
    }

    /// The same layout on a terminal with this number of columns.
    #[must_use]
    pub fn of_width(self, columns: usize) -> Self {
        Self { width: columns.clamp(WIDTHS.0, WIDTHS.1), ..self }
    }

    /// Chain text without hidden characters; long addresses are abbreviated unless the layout is verbose.
    fn shown(&self, text: &str) -> String {
        let text = plain(text);
        if self.verbose { text } else { abbreviated(&text) }
    }

    /// A time of this day as `08:54 UTC`, of another day with its date.
    pub(crate) fn time(&self, at: Timestamp) -> String {
        let (at, now) = (minute(at), minute(self.now));
        match (at.split_once(' '), now.split_once(' ')) {
            (Some((day, time)), Some((today, _))) if day == today => time.to_owned(),
            _ => at,
        }
    }
}

/// The state of a subscription as its glyph shows it, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Glyph {
    Fine,
    Unknown,
    Warning,
    Bad,
}

impl Glyph {
    fn of(checks: &Checks) -> Self {
        match checks.status {
            Status::Ok => Self::Fine,
            Status::Unknown => Self::Unknown,
            Status::Alert if checks.severity == Some(Severity::Critical) => Self::Bad,
            // Every draw aborts, although each finding is only a warning.
            Status::Alert if missing_setup(checks).count() > 1 => Self::Bad,
            Status::Alert => Self::Warning,
        }
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Fine => "✔",
            Self::Unknown => "?",
            Self::Warning => "▲",
            Self::Bad => "✖",
        }
    }

    fn painted(self, style: Style) -> String {
        match self {
            Self::Fine => style.status(Status::Ok, self.text()),
            Self::Unknown => style.status(Status::Unknown, self.text()),
            Self::Warning => style.severity(Severity::Warning, self.text()),
            Self::Bad => style.severity(Severity::Critical, self.text()),
        }
    }
}

/// The findings that a draw would abort because the lottery is not set up.
fn missing_setup(checks: &Checks) -> impl Iterator<Item = &Finding> {
    checks.findings.iter().filter(|finding| finding.code.is_setup())
}

/// The finding that the card is about: the worst known one of an alert, the first unknown one otherwise.
fn main_finding(checks: &Checks) -> Option<&Finding> {
    let wanted = |finding: &&Finding| match checks.status {
        Status::Ok => false,
        Status::Alert => finding.severity != Severity::Unknown,
        Status::Unknown => finding.severity == Severity::Unknown,
    };
    checks.findings.iter().find(wanted)
}

/// The problem in a few words; empty where there is none.
fn problem(checks: &Checks, lang: Lang) -> String {
    let Some(finding) = main_finding(checks) else {
        return match checks.status {
            Status::Unknown => lang.pick("status unknown", "состояние неизвестно"),
            Status::Ok | Status::Alert => String::new(),
        };
    };
    // A record of an earlier version has no titles.
    let title = if finding.title.is_empty() { finding.code.name() } else { finding.title.as_str() };
    let missing = missing_setup(checks).count();
    match checks.status {
        Status::Unknown => lang.pick(format!("cannot tell: {title}"), format!("неизвестно: {title}")),
        Status::Alert if missing > 1 && finding.severity < Severity::Critical => lang.pick(
            format!("not set up: a draw would abort ({missing} things missing)"),
            format!("не настроено: розыгрыш будет прерван (не хватает: {missing})"),
        ),
        _ => title.to_owned(),
    }
}

/// The subscription's name; an address is abbreviated.
fn name_of(report: &Report) -> String {
    abbreviated(&plain(report.id.label()))
}

/// The network's name by the chain id that answered, else by the address of dVRF's package.
pub fn network_of(report: &Report) -> Option<String> {
    if let Some(id) = report.state.as_ref().and_then(|state| state.chain.id) {
        let network = Network::of_chain(id);
        return Some(network.map_or_else(|| format!("chain {id}"), |network| network.name().to_owned()));
    }
    let deposit = report.id.deposit.as_deref()?.parse().ok()?;
    Network::of_deposit(deposit).map(|network| network.name().to_owned())
}

/// The card of one subscription.
pub fn card(report: &Report, checks: &Checks, history: &[Point], layout: &Layout) -> String {
    Card::new(report, checks, layout, lines::lines(report, checks, history, layout)).text(layout.width)
}

/// The steps of a remedy as a card shows them.
pub fn remedy_steps(remedy: &Remedy, layout: &Layout) -> String {
    lines::remedy_steps(&remedy.text, remedy.command.as_deref(), layout)
}

/// A card with lines of the caller's own: labels and texts below the headline and the deposit.
pub fn card_of(report: &Report, checks: &Checks, layout: &Layout, lines: &[(String, String)]) -> String {
    let deposit =
        lines::deposit(checks, layout.lang).map(|text| (layout.lang.pick("deposit", "депозит"), text));
    let lines = deposit.into_iter().chain(lines.iter().cloned()).collect();
    Card::new(report, checks, layout, lines).text(layout.width)
}

/// A card whose lines are not broken yet, so that it can be shown at any width.
struct Card {
    glyph: String,
    /// Name and network.
    head: String,
    /// Empty where there is none.
    problem: String,
    at: String,
    /// Labels and texts.
    lines: Vec<(String, String)>,
}

impl Card {
    fn new(report: &Report, checks: &Checks, layout: &Layout, lines: Vec<(String, String)>) -> Self {
        let network = network_of(report).unwrap_or_default();
        Self {
            glyph: Glyph::of(checks).painted(layout.style),
            head: format!("{}  {network}", name_of(report)).trim_end().to_owned(),
            problem: plain(&problem(checks, layout.lang)),
            at: minute(report.read_at.unwrap_or(layout.now)),
            lines,
        }
    }

    /// The first line ends in the problem or, at the right edge, in the time.
    fn text(&self, width: usize) -> String {
        let Self { glyph, head, problem, at, lines } = self;
        let used = head.chars().count() + 2 + at.chars().count();
        let first = if problem.is_empty() {
            format!("{glyph} {head}{}{at}\n", " ".repeat(width.saturating_sub(used).max(2)))
        } else {
            format!("{glyph} {head}   {problem}\n")
        };
        lines.iter().fold(first, |card, (label, text)| card + &line(label, text, width))
    }
}

/// A card's content without its layout.
pub(crate) struct Summary {
    pub(crate) glyph: Glyph,
    pub(crate) name: String,
    pub(crate) network: Option<String>,
    /// What is wrong, or that nothing is.
    pub(crate) sentence: String,
    /// The deposit, and how long it lasts; what was last seen where nothing can be read.
    pub(crate) numbers: Vec<String>,
    /// What to do first.
    pub(crate) action: String,
    /// Its command.
    pub(crate) command: Option<String>,
}

impl Summary {
    pub(crate) fn of(report: &Report, checks: &Checks, history: &[Point], layout: &Layout) -> Self {
        let lang = layout.lang;
        let problem = problem(checks, lang);
        let fine = || lines::draws(report, layout).unwrap_or_else(|| lang.pick("no problem", "проблем нет"));
        let main = main_finding(checks);
        let why =
            main.filter(|_| checks.status == Status::Unknown).map(|finding| lines::why(report, finding));
        let sentence = match why {
            Some(why) if !problem.is_empty() => layout.shown(&format!("{problem}: {why}")),
            _ if problem.is_empty() => fine(),
            _ => problem,
        };
        let nothing = || lang.pick("nothing to do", "ничего делать не нужно");
        // A card pads the amount.
        let spaced = |text: String| {
            let parts: Vec<&str> = text.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect();
            parts.join(" · ")
        };
        let is_spent = checks.requests_left.is_some_and(|left| left.get() == 0);
        let seen = trend::last_seen(history, checks, layout);
        let numbers = [
            lines::deposit(checks, lang).map(spaced),
            lines::lasts(report, checks, lang).filter(|_| !is_spent),
            seen.map(|seen| lang.pick(format!("last seen {seen}"), format!("последние данные: {seen}"))),
        ];
        Self {
            glyph: Glyph::of(checks),
            name: name_of(report),
            network: network_of(report),
            sentence,
            numbers: numbers.into_iter().flatten().collect(),
            action: main.map_or_else(nothing, |finding| lines::first_step(finding, layout)),
            command: main.and_then(|finding| finding.remedy.command.clone()),
        }
    }
}

/// What is missing when no subscription is named, and what to type. `tool` is the tool's own name.
pub fn nothing_to_watch(session: &Session, tool: &str, lang: Lang) -> String {
    let network =
        session.settings.is_given(&variables::NETWORK) || session.settings.is_given(&variables::DEPOSIT_ADDR);
    let needed = if network {
        lang.pick("LOTTERY_ADDR or CLIENT_ADDR is not set.", "Не задано: LOTTERY_ADDR или CLIENT_ADDR.")
    } else {
        lang.pick(
            "DVRF_NETWORK (testnet or mainnet) and LOTTERY_ADDR or CLIENT_ADDR are not set.",
            "Не заданы: DVRF_NETWORK (testnet или mainnet) и LOTTERY_ADDR или CLIENT_ADDR.",
        )
    };
    let (nothing, try_this) =
        (lang.pick("nothing to watch yet", "пока не за чем следить"), lang.pick("Try: ", "Например: "));
    let line = format!("DVRF_NETWORK=testnet LOTTERY_ADDR=0x… {tool}");
    format!("{tool}: {nothing}.\n  {needed}\n  {try_this} {line}\n")
}

/// Prints the subscriptions of a run: one as a card, several as a table with the worst first.
pub struct CardPrinter {
    layout: Layout,
    first: Option<String>,
    rows: Vec<Row>,
}

impl CardPrinter {
    /// A printer for one run.
    pub fn new(layout: Layout) -> Self {
        Self { layout, first: None, rows: Vec::new() }
    }

    /// The layout.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Takes a subscription, with text that follows its card.
    pub fn add(&mut self, report: &Report, checks: &Checks, history: &[Point], after: &str) {
        if self.rows.is_empty() {
            self.first = Some(card(report, checks, history, &self.layout) + after);
        }
        self.rows.push(Row::of(report, checks, history, &self.layout));
    }

    /// The text of the run.
    pub fn finish(self) -> String {
        match (self.rows.len(), self.first) {
            (1, Some(card)) => card,
            (0, _) => String::new(),
            _ => table::table(self.rows.iter().collect(), &self.layout),
        }
    }
}

/// The subscriptions of one reading, each with its row and its card.
#[derive(Default)]
pub struct Board {
    subscriptions: Vec<(SubscriptionId, Row, Card)>,
}

impl Board {
    /// Adds a subscription.
    pub fn add(&mut self, report: &Report, checks: &Checks, history: &[Point], layout: &Layout) {
        let card = Card::new(report, checks, layout, lines::lines(report, checks, history, layout));
        self.subscriptions.push((report.id.clone(), Row::of(report, checks, history, layout), card));
    }

    /// Puts the worst first, as the table does.
    pub fn sort(&mut self) {
        self.subscriptions.sort_by_key(|(_, row, _)| row.place());
    }

    /// The number of subscriptions.
    pub fn len(&self) -> usize {
        self.subscriptions.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.subscriptions.is_empty()
    }

    /// Where the subscription is now that another board has at `index`: the one with the same addresses, else with the
    /// same name.
    pub fn position_of(&self, other: &Self, index: usize) -> Option<usize> {
        let (wanted, ..) = other.subscriptions.get(index)?;
        let position = |is_it: &dyn Fn(&SubscriptionId) -> bool| {
            self.subscriptions.iter().position(|(id, ..)| is_it(id))
        };
        position(&|id| id == wanted).or_else(|| position(&|id| id.label() == wanted.label()))
    }

    /// The card of a subscription.
    pub fn card(&self, index: usize, layout: &Layout) -> Option<String> {
        self.subscriptions.get(index).map(|(.., card)| card.text(layout.width))
    }

    /// The table: two lines of headings, a line for each subscription, and the sum. Empty without subscriptions.
    pub fn text(&self, layout: &Layout) -> String {
        if self.subscriptions.is_empty() {
            return String::new();
        }
        table::table(self.subscriptions.iter().map(|(_, row, _)| row).collect(), layout)
    }
}

#[cfg(test)]
mod tests;
