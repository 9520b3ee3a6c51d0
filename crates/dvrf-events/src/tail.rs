//! `dvrf-events tail`: follows the chain; every event once, over kills and nodes that fail.
//!
//! With `--output` the file is the memory: what it holds was told, a torn last line was not. With stdout nobody can know
//! what the reader took: after a kill the events since the last checkpoint come again, and none is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::Args;
use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGINT, SIGTERM};

use supra_core::client::events::places;

use crate::list::{TypeArgs, refused};
use dvrf_cli::args::{LiveArgs, StateArgs};
use dvrf_cli::exit::Exit;
use dvrf_cli::{CliError, Session};
use supra_core::client::events::line;
use supra_core::events::Event;
use supra_core::events::scan::block_point::BlockPoint;
use supra_core::events::scan::{Scan, Scanner, Wanted};
use supra_core::failure::{Failure, FailureKind, quote};
use supra_core::state_dir::LockedState;
use supra_core::time::parse_span;

/// The most blocks that one step reads, so that catching up is written down on the way.
const STEP: u64 = 20_000;
/// What the state file is called.
const KIND: &str = "tail.json";

/// `dvrf-events tail`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TailArgs {
    #[command(flatten)]
    types: TypeArgs,
    /// Where to begin when nothing is remembered: a span back, a time or a height [default: the tip]
    #[arg(long, value_name = "2h|TIME|HEIGHT", help_heading = "Events")]
    since: Option<String>,
    /// Append to this file instead of stdout: then no event comes twice, whatever kills this program
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Read the last blocks again each time: nodes index late
    #[arg(long, value_name = "BLOCKS", default_value_t = 20, help_heading = "Events")]
    rescan: u64,
    /// Wait so long between readings
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600), help_heading = "Events")]
    poll: u64,
    /// End after this time, such as 90s or 2h [default: at SIGTERM or SIGINT]
    #[arg(long = "for", value_name = "SPAN", help_heading = "Events")]
    lasting: Option<String>,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    live: LiveArgs,
}

/// What survives: the next block, and the events at and after `next - rescan` that were told.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Checkpoint {
    /// The first block that was asked for; `None` before the first reading.
    start: Option<u64>,
    next: u64,
    told: BTreeMap<String, u64>,
}

/// Follows the chain until a signal or the end of `--for`.
pub(crate) fn tail(args: &TailArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.state.fill(&mut session.settings);
    match follow(args, session) {
        Err(CliError::Failure(failure)) => refused(&failure, session),
        other => other,
    }
}

fn follow(args: &TailArgs, session: &mut Session) -> Result<Exit, CliError> {
    let ends = match args.lasting.as_deref() {
        None => None,
        Some(text) => {
            let bad = || {
                let message = format!("--for is {:?}: a span such as 90s, 5m or 2h is needed", quote(text));
                Failure::new(FailureKind::Config, message)
            };
            let span = parse_span(text).ok_or_else(bad)?;
            Some(Instant::now().checked_add(span).ok_or_else(bad)?)
        }
    };
    let stop = stop_signal()?;
    let (target, _) = dvrf_cli::target::resolve(&session.settings, None)?;
    let live = dvrf_cli::connect::open(&session.settings)?;
    let scanner = live.scanner();
    let types = scanner.types(&args.types.words(), &places(&target))?;
    let held = match StateArgs::open(&session.settings)? {
        Some(directory) => {
            Some(directory.lock(&name_of(&types), Duration::from_secs(5)).map_err(Failure::from)?)
        }
        None => None,
    };
    let mut file = args.output.as_deref().map(Told::open).transpose()?;
    let mut checkpoint = remembered(held.as_ref(), session)?;
    if let Some(file) = &mut file {
        file.read(&mut checkpoint, args.rescan)?;
    }
    loop {
        let reading = step(args, session, &scanner, &types, &mut checkpoint);
        let (behind, exit) = match reading {
            Ok((scan, behind)) => {
                tell(&scan, args.rescan, &mut checkpoint, file.as_mut(), session)?;
                if let Some(held) = &held {
                    let bytes = serde_json::to_vec(&checkpoint).unwrap_or_default();
                    held.replace(KIND, &bytes).map_err(Failure::from)?;
                }
                (behind, Exit::Done)
            }
            // A wrong setting does not heal; a chain that does not answer may.
            Err(failure) if failure.kind == FailureKind::Config => return Err(failure.into()),
            Err(failure) => {
                session.say_failure(&failure);
                (false, Exit::CannotAnswer)
            }
        };
        if session.out.closed() {
            return Ok(exit);
        }
        let poll = if behind { Duration::ZERO } else { Duration::from_secs(args.poll) };
        let wait = ends.map_or(poll, |ends| poll.min(ends.saturating_duration_since(Instant::now())));
        let over = ends.is_some_and(|ends| Instant::now() >= ends);
        if over || stop.recv_timeout(wait) != Err(mpsc::RecvTimeoutError::Timeout) {
            return Ok(exit);
        }
    }
}

/// One reading: from a little before the next block to the tip, and whether more is left.
fn step(
    args: &TailArgs,
    session: &Session,
    scanner: &Scanner,
    types: &[String],
    checkpoint: &mut Checkpoint,
) -> Result<(Scan, bool), Failure> {
    let tip = scanner.tip()?;
    if checkpoint.start.is_none() {
        let when =
            args.since.as_deref().map(|text| BlockPoint::parse("--since", text, session.now)).transpose()?;
        let first = when.map_or(Ok(tip.height + 1), |when| scanner.height_of(when, &tip))?;
        (checkpoint.next, checkpoint.start) = (first, Some(first));
    }
    // Blocks before the first one asked for are not ours, however often the last ones are read again.
    let from = checkpoint.next.saturating_sub(args.rescan).max(checkpoint.start.unwrap_or(0));
    let to = (tip.height + 1).min(checkpoint.next.saturating_add(STEP));
    let wanted = Wanted { types, from, to, limit: None, times: !args.types.no_time };
    let scan = scanner.read(&wanted)?;
    let behind = scan.to == to && to < tip.height + 1;
    Ok((scan, behind))
}

/// Prints what was not told before, and remembers it.
fn tell(
    scan: &Scan,
    rescan: u64,
    checkpoint: &mut Checkpoint,
    file: Option<&mut Told>,
    session: &mut Session,
) -> Result<(), CliError> {
    let fresh: Vec<&Event> =
        scan.events.iter().filter(|event| !checkpoint.told.contains_key(&event.id())).collect();
    let mut text = String::new();
    for event in &fresh {
        text.push_str(&line(event)?);
    }
    if let Some(file) = file {
        file.append(&text)?;
    } else {
        session.out.text(&text)?;
        session.out.flush()?;
    }
    let told: Vec<(String, u64)> = fresh.iter().map(|event| (event.id(), event.height)).collect();
    checkpoint.told.extend(told);
    checkpoint.next = checkpoint.next.max(scan.to);
    let floor = checkpoint.next.saturating_sub(rescan);
    checkpoint.told.retain(|_, height| *height >= floor);
    Ok(())
}

/// One stream of types is one memory: another set of types begins anew.
fn name_of(types: &[String]) -> String {
    format!("events-{}", supra_core::stable_id::stable_id(&[&types.join("\n")]))
}

fn remembered(held: Option<&LockedState>, session: &Session) -> Result<Checkpoint, Failure> {
    let Some(held) = held else { return Ok(Checkpoint::default()) };
    let Some(bytes) = held.read(KIND)? else { return Ok(Checkpoint::default()) };
    if let Ok(checkpoint) = serde_json::from_slice(&bytes) {
        return Ok(checkpoint);
    }
    let aside = held.quarantine(KIND)?;
    session.say("warning", &format!("the checkpoint cannot be read and is now {}", aside.display()));
    Ok(Checkpoint::default())
}

/// A stream that ends with the first SIGTERM or SIGINT.
fn stop_signal() -> Result<mpsc::Receiver<i32>, Failure> {
    let (sender, receiver) = mpsc::channel();
    let failed = |error| Failure::new(FailureKind::Output, format!("cannot wait for signals: {error}"));
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT]).map_err(failed)?;
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            // Nobody waits any more when we are ending anyway.
            let _ = sender.send(signal);
        }
    };
    std::thread::Builder::new().spawn(wait).map_err(failed)?;
    Ok(receiver)
}

/// The file of told events.
struct Told {
    file: File,
    path: String,
}

impl Told {
    fn failed(&self, error: &std::io::Error) -> Failure {
        Failure::new(FailureKind::Output, format!("cannot write {}: {error}", self.path))
    }

    fn open(path: &Path) -> Result<Self, Failure> {
        let shown = path.display().to_string();
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
        let file =
            file.map_err(|error| Failure::new(FailureKind::Output, format!("cannot open {shown}: {error}")))?;
        Ok(Self { file, path: shown })
    }

    /// Cuts a torn last line off, and remembers what the file holds of the blocks that are read again.
    fn read(&mut self, checkpoint: &mut Checkpoint, rescan: u64) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(FailureKind::Output, format!("cannot read {}: {error}", self.path))
        };
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut reader = BufReader::new(&self.file);
        let (mut whole, mut lowest, mut highest) = (0_u64, None, 0_u64);
        let mut told: BTreeSet<(String, u64)> = BTreeSet::new();
        loop {
            let mut text = Vec::new();
            let length = reader.by_ref().take(1 << 24).read_until(b'\n', &mut text).map_err(failed)?;
            if length == 0 || !text.ends_with(b"\n") {
                break;
            }
            whole += length as u64;
            if let Ok(event) = serde_json::from_slice::<Event>(&text) {
                highest = highest.max(event.height);
                lowest.get_or_insert(event.height);
                if event.height >= checkpoint.next.saturating_sub(rescan) {
                    told.insert((event.id(), event.height));
                }
            }
        }
        checkpoint.told.extend(told);
        // A file without a checkpoint says where it ended; its last block may not be complete.
        if checkpoint.start.is_none() && lowest.is_some() {
            (checkpoint.start, checkpoint.next) = (lowest, highest);
        }
        self.file.set_len(whole).map_err(failed)?;
        self.file.seek(SeekFrom::Start(whole)).map_err(failed)?;
        Ok(())
    }

    fn append(&mut self, text: &str) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| self.failed(&error))
    }
}
