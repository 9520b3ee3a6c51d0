//! `dvrf-events tail`: follows the chain and prints every event once, across restarts and failures of nodes.
//!
//! With `--output`, the file itself shows what has been printed, so no event is repeated after a kill. On stdout it is
//! unknown what the reader received: after a kill, the events since the last checkpoint are printed again and none is
//! left out.

mod checkpoint;
mod output_file;

use std::io;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::Args;
use dvrf_cli::args::{LiveArgs, StateArgs};
use dvrf_cli::exit::Exit;
use dvrf_cli::{CliError, Session, connect, target};
use signal_hook::consts::{SIGINT, SIGTERM};
use supra_core::client::events::{line, places};
use supra_core::error::Error;
use supra_core::events::Event;
use supra_core::events::scan::block_point::BlockPoint;
use supra_core::events::scan::{EventQuery, Scan, Scanner};
use supra_core::failure::FailureKind;
use supra_core::time::parse_span;

use crate::print_error;
use crate::selection::TypeArgs;
use crate::tail::checkpoint::{Checkpoint, CheckpointFile};
use crate::tail::output_file::OutputFile;

/// The most blocks that one step reads, so that a checkpoint is saved while catching up.
const STEP_BLOCKS: u64 = 20_000;

#[derive(Args)]
pub(crate) struct TailArgs {
    #[command(flatten)]
    types: TypeArgs,
    /// Where to begin without a checkpoint: a span back, a time or a height [default: the tip]
    #[arg(long, value_name = "2h|TIME|HEIGHT", help_heading = "Events")]
    since: Option<String>,
    /// Append to this file instead of stdout: no event is repeated after a kill
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Read the last blocks again each time: nodes index late
    #[arg(long, value_name = "BLOCKS", default_value_t = 20, help_heading = "Events")]
    rescan: u64,
    /// Wait this long between readings
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600), help_heading = "Events")]
    poll: u64,
    /// End after this time, such as 90s or 2h [default: at SIGTERM or SIGINT]
    #[arg(long = "for", value_name = "SPAN", value_parser = duration, help_heading = "Events")]
    duration: Option<Duration>,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    live: LiveArgs,
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    parse_span(text).ok_or("a span such as 90s, 5m or 2h is needed")
}

/// Follows the chain until a signal arrives or `--for` has passed.
pub(crate) fn tail(args: &TailArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.state.fill(&mut session.settings);
    match follow(args, session) {
        Err(CliError::Core(error)) => print_error(&error, session),
        other => other,
    }
}

fn follow(args: &TailArgs, session: &mut Session) -> Result<Exit, CliError> {
    // A duration beyond the clock's range is as good as none.
    let end = args.duration.and_then(|duration| Instant::now().checked_add(duration));
    let stop = stop_signal()?;
    let (target, _) = target::resolve(&session.settings, None)?;
    let client = connect::open(&session.settings)?;
    let scanner = client.scanner();
    let types = scanner.types(&args.types.words(), &places(&target))?;
    let checkpoint_file = CheckpointFile::open(&types, &session.settings)?;
    let mut output = args.output.as_deref().map(OutputFile::open).transpose()?;
    let mut checkpoint = match &checkpoint_file {
        Some(file) => file.load(session)?,
        None => Checkpoint::default(),
    };
    if let Some(output) = &mut output {
        output.recover(&mut checkpoint, args.rescan)?;
    }
    loop {
        let (is_behind, exit) = match step(args, session, &scanner, &types, &mut checkpoint) {
            Ok((scan, is_behind)) => {
                print_new(&scan, args.rescan, &mut checkpoint, output.as_mut(), session)?;
                if let Some(file) = &checkpoint_file {
                    file.save(&checkpoint)?;
                }
                (is_behind, Exit::Done)
            }
            // A wrong setting stays wrong. A node that does not answer may answer later.
            Err(failure) if failure.kind() == FailureKind::Config => return Err(failure.into()),
            Err(failure) => {
                session.log_error(&failure);
                (false, Exit::CannotAnswer)
            }
        };
        if session.out.closed() {
            return Ok(exit);
        }
        let poll = if is_behind { Duration::ZERO } else { Duration::from_secs(args.poll) };
        let wait = end.map_or(poll, |end| poll.min(end.saturating_duration_since(Instant::now())));
        let is_over = end.is_some_and(|end| Instant::now() >= end);
        if is_over || stop.recv_timeout(wait) != Err(mpsc::RecvTimeoutError::Timeout) {
            return Ok(exit);
        }
    }
}

/// Reads from a little before the next block to the tip, and returns whether more blocks are left.
fn step(
    args: &TailArgs,
    session: &Session,
    scanner: &Scanner,
    types: &[String],
    checkpoint: &mut Checkpoint,
) -> Result<(Scan, bool), Error> {
    let tip = scanner.tip()?;
    let end = tip.next_height();
    if checkpoint.start.is_none() {
        let since =
            args.since.as_deref().map(|text| BlockPoint::parse("--since", text, session.now)).transpose()?;
        let first = since.map_or(Ok(end), |since| scanner.height_of(since, &tip))?;
        (checkpoint.next, checkpoint.start) = (first, Some(first));
    }
    // Reading the last blocks again must not reach back before the first block that was asked for.
    let from = checkpoint.next.saturating_sub(args.rescan).max(checkpoint.start.unwrap_or(0));
    let to = end.min(checkpoint.next.saturating_add(STEP_BLOCKS));
    let wanted = EventQuery { types, from, to, limit: None, times: !args.types.no_time };
    let scan = scanner.read(&wanted)?;
    let is_behind = scan.to == to && to < end;
    Ok((scan, is_behind))
}

/// Prints the events that have not been printed yet, and adds them to the checkpoint.
fn print_new(
    scan: &Scan,
    rescan: u64,
    checkpoint: &mut Checkpoint,
    output: Option<&mut OutputFile>,
    session: &mut Session,
) -> Result<(), CliError> {
    let new: Vec<&Event> =
        scan.events.iter().filter(|event| !checkpoint.printed.contains_key(&event.id())).collect();
    let mut text = String::new();
    for event in &new {
        text.push_str(&line(event)?);
    }
    if let Some(output) = output {
        output.append(&text)?;
    } else {
        session.out.text(&text)?;
        session.out.flush()?;
    }
    checkpoint.printed.extend(new.iter().map(|event| (event.id(), event.height)));
    checkpoint.advance(scan.to, rescan);
    Ok(())
}

/// Returns a channel that receives the first SIGTERM or SIGINT.
fn stop_signal() -> Result<mpsc::Receiver<i32>, Error> {
    let (sender, receiver) = mpsc::channel();
    let failed =
        |error: io::Error| Error::new(FailureKind::Output, "cannot wait for signals").with_source(error);
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT]).map_err(failed)?;
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            // The receiver is gone when the run has ended already.
            let _ = sender.send(signal);
        }
    };
    std::thread::Builder::new().spawn(wait).map_err(failed)?;
    Ok(receiver)
}
