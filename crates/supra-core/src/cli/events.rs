//! The flags of `dvrf-events`, and its `list` and `pair`.

pub mod tail;

use clap::Args;

use super::args::LiveArgs;
use super::input::{InputArgs, Records, Source};
use super::{CliError, Session};
use crate::events::Event;
use crate::exit::Exit;
use crate::failure::{Failure, FailureKind};
use crate::live::Live;
use crate::live::events::{line, places};
use crate::record::Record;
use crate::requests::{pair as paired, summary};
use crate::scan::height::When;
use crate::scan::{Scan, Wanted};
use crate::target::Target;

/// Which events are meant.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Events")]
pub struct TypeArgs {
    /// Event types: draw-requested, draw-handled, whitelist, deposit, vrf, lottery, all, a name such as `TicketBought`, or
    /// a full type (repeatable, or separated by commas) [default draw-requested,draw-handled]
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub types: Vec<String>,
    /// Do not ask for the times of blocks: fewer questions
    #[arg(long)]
    pub no_time: bool,
}

impl TypeArgs {
    /// The words, or the two that pairing needs.
    fn words(&self) -> Vec<String> {
        if self.types.is_empty() {
            return vec!["draw-requested".to_owned(), "draw-handled".to_owned()];
        }
        self.types.iter().map(|word| word.trim().to_owned()).collect()
    }
}

/// Which blocks are read.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Events")]
pub struct RangeArgs {
    /// First block: a span back such as 2h, a time, a date or a height [default: the oldest]
    #[arg(long, value_name = "2h|TIME|HEIGHT")]
    pub since: Option<String>,
    /// End, not itself read: a span back, a time, a date or a height [default: the tip]
    #[arg(long, value_name = "2h|TIME|HEIGHT")]
    pub until: Option<String>,
    /// At most so many events, the oldest
    #[arg(long, value_name = "N", conflicts_with = "last")]
    pub limit: Option<usize>,
    /// The newest events, found in windows back from the end
    #[arg(long, value_name = "N")]
    pub last: Option<usize>,
}

/// Events for a record.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Events")]
pub struct EventArgs {
    /// Read events from here on and say in `requests` which draws are answered: a span back, a time or a height
    #[arg(long, value_name = "2h|TIME|HEIGHT")]
    events: Option<String>,
    /// Further event types to read, for dvrf-check --expect-event (repeatable)
    #[arg(long, value_name = "TYPE", requires = "events")]
    event_type: Vec<String>,
}

impl EventArgs {
    /// Refuses a wrong --events before any record is read.
    pub fn check(&self, session: &Session) -> Result<(), Failure> {
        self.events.as_ref().map_or(Ok(()), |since| When::parse("--events", since, session.now).map(drop))
    }

    /// Reads the events and sets the record's `requests`; without --events it does nothing.
    pub fn add(&self, record: &mut Record, session: &Session) -> Result<Exit, CliError> {
        let Some(since) = &self.events else { return Ok(Exit::Done) };
        let (target, _) = match Target::resolve(&session.settings, Some(record)) {
            Ok(found) => found,
            Err(_) if record.has("error") => return Ok(Exit::CannotAnswer),
            Err(failure) => return Err(failure.into()),
        };
        let live = Live::open(&session.settings)?;
        let requests = live.requests(&target, since, &self.event_type, session.now);
        record.set("requests", &requests)?;
        for note in &requests.notes {
            session.say("warning", note);
        }
        let Some(failure) = &requests.error else { return Ok(Exit::Done) };
        session.say_failure(failure);
        Ok(Exit::CannotAnswer)
    }
}

/// `dvrf-events list`.
#[derive(Debug, Clone, Default, Args)]
pub struct ListArgs {
    #[command(flatten)]
    types: TypeArgs,
    #[command(flatten)]
    range: RangeArgs,
    #[command(flatten)]
    live: LiveArgs,
}

/// `dvrf-events pair`.
#[derive(Debug, Clone, Args)]
pub struct PairArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    range: RangeArgs,
    /// Print the summary alone
    #[arg(long, help_heading = "Output")]
    summary: bool,
    #[command(flatten)]
    live: LiveArgs,
}

/// A failure is one line with `error`, so that a reader never sees silence, and one on stderr.
fn refused(failure: &Failure, session: &mut Session) -> Result<Exit, CliError> {
    session.say_failure(failure);
    let text = serde_json::json!({"schema": crate::events::SCHEMA, "error": failure}).to_string();
    session.out.text(&(text + "\n"))?;
    Ok(Exit::CannotAnswer)
}

fn read(types: &TypeArgs, range: &RangeArgs, session: &Session) -> Result<Scan, Failure> {
    let point = |flag, text: &Option<String>| {
        text.as_deref().map(|text| When::parse(flag, text, session.now)).transpose()
    };
    let (since, until) = (point("--since", &range.since)?, point("--until", &range.until)?);
    let (target, _) = Target::resolve(&session.settings, None)?;
    let live = Live::open(&session.settings)?;
    let scanner = live.scanner();
    let types_found = scanner.types(&types.words(), &places(&target))?;
    let tip = scanner.tip()?;
    let from = since.map_or(Ok(0), |when| scanner.height_of(when, &tip))?;
    let to = until.map_or(Ok(tip.height + 1), |when| scanner.height_of(when, &tip))?.min(tip.height + 1);
    let wanted = Wanted { types: &types_found, from, to, limit: range.limit, times: !types.no_time };
    match range.last {
        Some(count) => scanner.last(&wanted, count),
        None => scanner.read(&wanted),
    }
}

/// Prints events of a range of blocks.
pub fn list(args: &ListArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    let scan = match read(&args.types, &args.range, session) {
        Ok(scan) => scan,
        Err(failure) => return refused(&failure, session),
    };
    for note in &scan.notes {
        session.say("warning", note);
    }
    for event in &scan.events {
        session.out.text(&line(event)?)?;
    }
    Ok(Exit::Done)
}

/// Pairs requests with answers.
pub fn pair(args: &PairArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    let (events, mut exit) = match args.input.open(session)? {
        Source::Live => match read(&TypeArgs::default(), &args.range, session) {
            Ok(scan) => (scan.events, Exit::Done),
            Err(failure) => return refused(&failure, session),
        },
        Source::Records(records) => piped(records, session),
    };
    let pairs = paired(&events, u64::try_from(session.now.as_microsecond()).unwrap_or(0));
    if !args.summary {
        for pair in &pairs {
            session.out.text(&(serde_json::json!(pair).to_string() + "\n"))?;
        }
    }
    let text = serde_json::json!({"summary": summary(&pairs)}).to_string();
    session.out.text(&(text + "\n"))?;
    if session.out.closed() {
        exit = exit.and(Exit::Done);
    }
    Ok(exit)
}

/// Events from a pipe. No line is no event: `list` says a failure in a line of its own.
fn piped(mut records: Records, session: &Session) -> (Vec<Event>, Exit) {
    let (mut events, mut exit, mut number) = (Vec::new(), Exit::Done, 0_u64);
    while let Some(next) = records.next_record() {
        number += 1;
        let record = match next {
            Ok(record) => record,
            Err(CliError::Failure(failure)) if number == 1 && failure.kind == FailureKind::Input => break,
            Err(error) => {
                session.say("error", &super::chain(&error));
                exit = exit.and(Exit::CannotAnswer);
                if Records::is_final(&error) {
                    break;
                }
                continue;
            }
        };
        if record.has("error") {
            session.say("error", "the command before could not read all events");
            exit = exit.and(Exit::CannotAnswer);
            continue;
        }
        match record.to_value().and_then(|value| {
            serde_json::from_value::<Event>(value)
                .map_err(|source| crate::record::RecordError::Shape { key: format!("line {number}"), source })
        }) {
            Ok(event) => events.push(event),
            Err(error) => {
                session.say("error", &format!("line {number} is no event: {}", super::chain(&error)));
                exit = exit.and(Exit::CannotAnswer);
            }
        }
    }
    (events, exit)
}
