//! `--watch`: the table of all subscriptions, read again at an interval. On a terminal it is redrawn in place and a card can
//! be opened; elsewhere it is printed again.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use dvrf_cli::card::{Board, Layout};
use dvrf_cli::checker::RecordChecker;
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::parse::bad;
use dvrf_cli::pipeline::each;
use dvrf_cli::screen::{Key, Screen};
use dvrf_cli::stdio::Output;
use dvrf_cli::{CliError, Session, chain, now};
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::history::{self, Point};
use supra_core::lang::Lang;
use supra_core::time::{format_span, parse_span};

/// The shortest and the longest interval.
const INTERVALS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(86_400));
/// How often the age on the screen is redrawn.
const TICK: Duration = Duration::from_secs(1);
/// How many points of a subscription are kept where no state directory keeps them.
const POINTS_MAX: usize = 2000;

/// The interval that the user gave.
pub(crate) fn interval(text: &str) -> Result<Duration, Error> {
    let span = parse_span(text).filter(|span| (INTERVALS.0..=INTERVALS.1).contains(span));
    span.ok_or_else(|| bad("--watch", text, "a span from 1s to 1d such as 30s is needed"))
}

/// Reads all subscriptions, again and again.
struct Collector {
    input: InputArgs,
    checker: RecordChecker,
    /// What this run has read, where there is no history of earlier runs.
    seen: BTreeMap<String, Vec<Point>>,
}

impl Collector {
    fn collect(&mut self, layout: &Layout, session: &mut Session) -> Result<Board, CliError> {
        session.now = now();
        let layout = Layout { now: session.now, ..*layout };
        let mut board = Board::default();
        let Self { input, checker, seen } = self;
        each(input, session, |item, session| {
            let mut checked = checker.checks(item, session)?;
            if checked.history.is_empty() {
                let points = seen.entry(history::subscription(&checked.report.id)).or_default();
                points.push(Point::of(&checked.report, &checked.checks, session.now));
                let surplus = points.len().saturating_sub(POINTS_MAX);
                points.drain(..surplus);
                checked.history.clone_from(points);
            }
            board.add(&checked.report, &checked.checks, &checked.history, &layout);
            Ok(Exit::Done)
        })?;
        board.sort();
        Ok(board)
    }
}

/// Runs until the user quits, a signal arrives, or the reader of stdout is gone.
pub(crate) fn watch(input: &InputArgs, every: Duration, session: &mut Session) -> Result<Exit, CliError> {
    let checker = RecordChecker::to_show(session)?;
    let layout = Layout::of(session, checker.checker.policy.lang, false);
    let collector = Collector { input: input.repeatable()?, checker, seen: BTreeMap::new() };
    if session.is_terminal() && std::io::stdin().is_terminal() {
        return redraw(collector, &layout, every, session);
    }
    print(collector, &layout, every, session)
}

/// Prints the table at each interval.
fn print(
    mut collector: Collector,
    layout: &Layout,
    every: Duration,
    session: &mut Session,
) -> Result<Exit, CliError> {
    loop {
        let start = Instant::now();
        match collector.collect(layout, session) {
            Ok(board) => {
                let layout = Layout { now: session.now, ..*layout }.of_width(session.columns());
                session.out.text(&format!("{}\n", board.text(&layout)))?;
            }
            Err(error) => session.log("error", &chain(&error)),
        }
        session.out.flush()?;
        if session.out.closed() {
            return Ok(Exit::Done);
        }
        std::thread::sleep(every.saturating_sub(start.elapsed()));
    }
}

/// What the thread that reads the chain returns.
type Collected = Result<Board, String>;

/// Redraws the screen at each key, collection and second.
fn redraw(
    collector: Collector,
    layout: &Layout,
    every: Duration,
    session: &Session,
) -> Result<Exit, CliError> {
    let failed = |source| CliError::Write { to: "the terminal".to_owned(), source };
    let (orders, boards) = start(collector, layout, session)?;
    let screen = Screen::open().map_err(failed)?;
    let mut view = View {
        layout: *layout,
        every,
        board: Board::default(),
        read: None,
        error: None,
        chosen: 0,
        card: false,
    };
    let mut started = Instant::now();
    let mut is_running = orders.send(()).is_ok();
    loop {
        match boards.try_recv() {
            Ok(collected) => {
                is_running = false;
                view.take(collected);
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return Ok(Exit::CannotAnswer),
        }
        if !is_running && started.elapsed() >= every {
            started = Instant::now();
            is_running = orders.send(()).is_ok();
        }
        screen.draw(&view.lines(screen.size())).map_err(failed)?;
        // A collection that is awaited shows as soon as it is there.
        let wait = if view.read.is_none() { TICK / 10 } else { TICK };
        if screen.keys(wait).into_iter().any(|key| view.is_left(key)) {
            return Ok(Exit::Done);
        }
    }
}

/// Starts the thread that reads the chain once for each order.
fn start(
    mut collector: Collector,
    layout: &Layout,
    session: &Session,
) -> Result<(Sender<()>, Receiver<Collected>), Error> {
    let (orders, ordered) = channel::<()>();
    let (boards, collected) = channel();
    let layout = *layout;
    let mut session = Session {
        name: session.name.clone(),
        settings: session.settings.clone(),
        out: Output::nowhere(),
        now: session.now,
        old_script: None,
    };
    let work = move || {
        while ordered.recv().is_ok() {
            let board = collector.collect(&layout, &mut session).map_err(|error| chain(&error));
            if boards.send(board).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .spawn(work)
        .map_err(|error| Error::new(FailureKind::Config, "no thread can be started").with_source(error))?;
    Ok((orders, collected))
}

/// What is on the screen.
struct View {
    layout: Layout,
    every: Duration,
    board: Board,
    /// When the board was read.
    read: Option<Instant>,
    /// Why the last collection failed as a whole.
    error: Option<String>,
    /// The row that Enter opens; it follows its subscription when the order changes.
    chosen: usize,
    card: bool,
}

impl View {
    fn take(&mut self, collected: Collected) {
        match collected {
            Ok(board) => {
                let last = board.len().saturating_sub(1);
                self.chosen = board.position_of(&self.board, self.chosen).unwrap_or(self.chosen.min(last));
                (self.board, self.error, self.read) = (board, None, Some(Instant::now()));
                self.layout.now = now();
            }
            Err(error) => self.error = Some(error),
        }
    }

    /// Applies a key; whether it ends the run.
    fn is_left(&mut self, key: Key) -> bool {
        match key {
            Key::Quit => return true,
            Key::Back => self.card = false,
            Key::Enter => self.card = !self.card && !self.board.is_empty(),
            Key::Up => self.chosen = self.chosen.saturating_sub(1),
            Key::Down => self.chosen = (self.chosen + 1).min(self.board.len().saturating_sub(1)),
            Key::Other => {}
        }
        false
    }

    /// The lines for a screen of this height and width: the heading, as many rows as fit around the chosen one, the sum, the
    /// keys.
    fn lines(&self, (height, width): (usize, usize)) -> Vec<String> {
        let lang = self.layout.lang;
        let status = self.status(lang);
        // Some terminals, such as tmux, draw the first glyph two columns wide.
        let width = width.saturating_sub(1);
        if self.card
            && let Some(card) = self.board.card(self.chosen, &self.layout.of_width(width))
        {
            let keys = lang.pick("Esc back · ↑ ↓ choose · q quit", "Esc назад · ↑ ↓ выбор · q выход");
            let card = card.lines().map(str::to_owned);
            return [status].into_iter().chain(card).chain([String::new(), keys]).collect();
        }
        let keys = lang.pick("↑ ↓ choose · Enter card · q quit", "↑ ↓ выбор · Enter карточка · q выход");
        // The mark of the chosen row takes two columns.
        let text = self.board.text(&self.layout.of_width(width.saturating_sub(2)));
        let table: Vec<&str> = text.lines().collect();
        let rows = self.board.len();
        let mut lines: Vec<String> = table.iter().take(2).map(|line| (*line).to_owned()).collect();
        if let Some(first) = lines.first_mut() {
            first.push_str(" · ");
            first.push_str(&status);
        } else {
            lines.push(status);
        }
        // The sum, and what is muted, on the lower half at most: the rows come first.
        let after = table.get(rows + 2..).unwrap_or_default();
        let after = &after[..after.len().min(height.saturating_sub(4)).min(height / 2)];
        let room = height.saturating_sub(3 + after.len()).max(1);
        let first = self.chosen.saturating_sub(room.saturating_sub(1));
        for (index, line) in table.iter().skip(2).take(rows).enumerate().skip(first).take(room) {
            let mark = if index == self.chosen { "› " } else { "  " };
            lines.push(format!("{mark}{line}"));
        }
        if let Some(heads) = lines.get_mut(1).filter(|_| rows > 0) {
            heads.insert_str(0, "  ");
        }
        lines.extend(after.iter().map(|line| (*line).to_owned()));
        lines.push(keys);
        lines
    }

    /// The interval, and the age of what is shown.
    fn status(&self, lang: Lang) -> String {
        let every = format_span(self.every.as_secs(), lang);
        let every = lang.pick(format!("every {every}"), format!("каждые {every}"));
        let age = self.read.map(|read| format_span(read.elapsed().as_secs(), lang));
        let age = age.map_or_else(
            || lang.pick("reading …", "чтение …"),
            |age| lang.pick(format!("read {age} ago"), format!("прочитано {age} назад")),
        );
        let error = self.error.as_ref().map(|error| format!(" · {}", dvrf_cli::text::plain(error)));
        format!("{every} · {age}{}", error.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use supra_core::check::silence::{Silence, SilenceKind};
    use supra_core::check::{Checks, Status};
    use supra_core::report::{Report, SubscriptionId};

    use super::*;

    /// A board of subscriptions, each healthy or not.
    fn board(states: &[(&str, Status)], layout: &Layout) -> Board {
        let mut board = Board::default();
        for (name, status) in states {
            let id = SubscriptionId { name: Some((*name).to_owned()), ..SubscriptionId::default() };
            let report = Report { id, ..Report::default() };
            board.add(&report, &Checks { status: *status, ..Checks::default() }, &[], layout);
        }
        board.sort();
        board
    }

    fn view() -> View {
        let now = "2026-11-25T08:54:31Z".parse().unwrap();
        let style = dvrf_cli::text::Style::default();
        View {
            layout: Layout { style, width: 80, verbose: false, lang: Lang::En, now },
            every: Duration::from_secs(30),
            board: Board::default(),
            read: None,
            error: None,
            chosen: 0,
            card: false,
        }
    }

    /// The name in the marked row.
    fn chosen(view: &View) -> String {
        let lines = view.lines((24, 80));
        let marked: Vec<&String> = lines.iter().filter(|line| line.starts_with('›')).collect();
        assert_eq!(marked.len(), 1, "{lines:?}");
        marked[0].split_whitespace().nth(1).unwrap_or_default().to_owned()
    }

    #[test]
    fn the_chosen_row_follows_its_subscription() {
        let mut view = view();
        let take = |view: &mut View, states: &[(&str, Status)]| {
            let board = board(states, &view.layout);
            view.take(Ok(board));
        };
        let (fine, bad) = (Status::Ok, Status::Alert);
        take(&mut view, &[("a", fine), ("b", fine), ("c", fine)]);
        view.is_left(Key::Down);
        assert_eq!(chosen(&view), "b");
        take(&mut view, &[("a", fine), ("b", fine), ("c", bad)]);
        assert_eq!(chosen(&view), "b");
        // The card of the chosen one stays open.
        view.is_left(Key::Enter);
        take(&mut view, &[("a", fine), ("b", bad), ("c", fine)]);
        assert!(view.lines((24, 80))[1].contains(" b "), "{:?}", view.lines((24, 80)));
        view.is_left(Key::Back);
        // One that is gone leaves its place to another one.
        take(&mut view, &[("a", fine), ("c", fine)]);
        assert_eq!(chosen(&view), "a");
        take(&mut view, &[("c", fine)]);
        assert_eq!(chosen(&view), "c");
    }

    /// However much is muted, the heading, the chosen row and the keys stay on the screen.
    #[rstest]
    #[case::tiny(4, 1)]
    #[case::small(8, 1)]
    #[case::middle(12, 3)]
    #[case::large(40, 5)]
    fn what_is_muted_leaves_room_for_the_rows(#[case] height: usize, #[case] rows: usize) {
        let mut view = view();
        for number in 0..5 {
            let silence = |part| Silence {
                kind: SilenceKind::Mute,
                subscription: None,
                problem: None,
                since_s: 0,
                until_s: i64::MAX,
                by: format!("{number} {part}"),
                reason: String::new(),
            };
            let id = SubscriptionId { name: Some(format!("s{number}")), ..SubscriptionId::default() };
            let checks = Checks { silences: (0..4).map(silence).collect(), ..Checks::default() };
            view.board.add(&Report { id, ..Report::default() }, &checks, &[], &view.layout);
        }
        let lines = view.lines((height, 80));
        assert!(lines.len() <= height, "{lines:#?}");
        assert_eq!(chosen(&view), "s0");
        assert!(lines[0].starts_with("dvrf · ") && lines[lines.len() - 1].starts_with("↑ ↓"), "{lines:#?}");
        let is_row = |line: &&String| line.trim_start_matches(['›', ' ']).starts_with('s');
        assert_eq!(lines.iter().filter(is_row).count(), rows, "{lines:#?}");
    }

    #[test]
    fn the_size_of_the_screen_decides() {
        let mut view = view();
        let names: Vec<String> = (0..200).map(|number| format!("s{number}")).collect();
        let states: Vec<(&str, Status)> = names.iter().map(|name| (name.as_str(), Status::Ok)).collect();
        let board = board(&states, &view.layout);
        view.take(Ok(board));
        for (height, chosen_row) in [(24, 0), (10, 150), (60, 199)] {
            view.chosen = chosen_row;
            let lines = view.lines((height, 80));
            assert_eq!(lines.len(), height);
            assert_eq!(chosen(&view), format!("s{chosen_row}"));
            assert!(lines[height - 2].starts_with("200 subscriptions: 200 ✔"), "{lines:?}");
        }
        view.is_left(Key::Enter);
        assert_eq!([61, 101].map(|width| view.lines((24, width))[1].chars().count()), [60, 100]);
    }
}
