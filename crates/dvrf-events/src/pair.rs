//! `dvrf-events pair`: pairs requests with their answers and summarises how long the answers took.

use clap::Args;
use dvrf_cli::args::{LiveArgs, lang};
use dvrf_cli::exit::Exit;
use dvrf_cli::input::{InputArgs, Records, Source};
use dvrf_cli::text::Style;
use dvrf_cli::{CliError, Session, chain};
use supra_core::events::Event;
use supra_core::failure::FailureKind;
use supra_core::record::{Record, RecordError};
use supra_core::requests;

use crate::print_error;
use crate::selection::{RangeArgs, TypeArgs, read};
use crate::text::{self, FormatArgs};

#[derive(Args)]
pub(crate) struct PairArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    range: RangeArgs,
    /// Print the summary alone
    #[arg(long, help_heading = "Output")]
    summary: bool,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    live: LiveArgs,
}

pub(crate) fn pair(args: &PairArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    let (events, mut exit) = match args.input.open(session)? {
        Source::Live => match read(&TypeArgs::default(), &args.range, session) {
            Ok(scan) => (scan.events, Exit::Done),
            Err(error) => return print_error(&error, session),
        },
        Source::Records(records) => read_records(records, session),
    };
    let pairs = requests::pair(&events, u64::try_from(session.now.as_microsecond()).unwrap_or(0));
    if args.format.is_text(session) {
        let lang = lang(&session.settings)?;
        if !args.summary {
            let style = Style { colour: session.colour() };
            session.out.text(&text::pairs(&pairs, lang, style))?;
        }
        session.out.text(&text::summary(&requests::summary(&pairs), lang))?;
        return Ok(exit);
    }
    if !args.summary {
        for pair in &pairs {
            session.out.text(&(serde_json::json!(pair).to_string() + "\n"))?;
        }
    }
    let text = serde_json::json!({"summary": requests::summary(&pairs)}).to_string();
    session.out.text(&(text + "\n"))?;
    if session.out.closed() {
        exit = exit.and(Exit::Done);
    }
    Ok(exit)
}

/// Reads events from stdin or a file. An empty input means no events: a `list` that fails prints a line with `error`.
fn read_records(mut records: Records, session: &Session) -> (Vec<Event>, Exit) {
    let (mut events, mut exit, mut number) = (Vec::new(), Exit::Done, 0_u64);
    while let Some(next) = records.next_record() {
        number += 1;
        let record = match next {
            Ok(record) => record,
            Err(CliError::Core(error)) if number == 1 && error.kind() == FailureKind::Input => break,
            Err(error) => {
                session.log("error", &chain(&error));
                exit = exit.and(Exit::CannotAnswer);
                if Records::is_final(&error) {
                    break;
                }
                continue;
            }
        };
        if record.has("error") {
            session.log("error", "the command before could not read all events");
            exit = exit.and(Exit::CannotAnswer);
            continue;
        }
        match event(&record, number) {
            Ok(event) => events.push(event),
            Err(error) => {
                session.log("error", &format!("line {number} is not an event: {}", chain(&error)));
                exit = exit.and(Exit::CannotAnswer);
            }
        }
    }
    (events, exit)
}

fn event(record: &Record, number: u64) -> Result<Event, RecordError> {
    serde_json::from_value(record.to_value()?)
        .map_err(|source| RecordError::Shape { key: format!("line {number}"), source })
}
