//! `list`: the events of a range of blocks; and the flags that its siblings share.

use clap::Args;

use dvrf_cli::args::LiveArgs;
use dvrf_cli::exit::Exit;
use dvrf_cli::{CliError, Session};
use supra_core::client::events::{line, places};
use supra_core::events::scan::block_point::BlockPoint;
use supra_core::events::scan::{Scan, Wanted};
use supra_core::failure::Failure;

/// Which events are meant.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Events")]
pub(crate) struct TypeArgs {
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
    pub(crate) fn words(&self) -> Vec<String> {
        if self.types.is_empty() {
            return vec!["draw-requested".to_owned(), "draw-handled".to_owned()];
        }
        self.types.iter().map(|word| word.trim().to_owned()).collect()
    }
}

/// Which blocks are read.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Events")]
pub(crate) struct RangeArgs {
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

/// `dvrf-events list`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    types: TypeArgs,
    #[command(flatten)]
    range: RangeArgs,
    #[command(flatten)]
    live: LiveArgs,
}

/// A failure is one line with `error`, so that a reader never sees silence, and one on stderr.
pub(crate) fn refused(failure: &Failure, session: &mut Session) -> Result<Exit, CliError> {
    session.say_failure(failure);
    let text = serde_json::json!({"schema": supra_core::events::SCHEMA, "error": failure}).to_string();
    session.out.text(&(text + "\n"))?;
    Ok(Exit::CannotAnswer)
}

pub(crate) fn read(types: &TypeArgs, range: &RangeArgs, session: &Session) -> Result<Scan, Failure> {
    let point = |flag, text: &Option<String>| {
        text.as_deref().map(|text| BlockPoint::parse(flag, text, session.now)).transpose()
    };
    let (since, until) = (point("--since", &range.since)?, point("--until", &range.until)?);
    let (target, _) = dvrf_cli::target::resolve(&session.settings, None)?;
    let live = dvrf_cli::connect::open(&session.settings)?;
    let scanner = live.scanner();
    let types_found = scanner.types(&types.words(), &places(&target))?;
    let tip = scanner.tip()?;
    let from = since.map_or(Ok(0), |when| scanner.height_of(when, &tip))?;
    let to =
        until.map_or(Ok(tip.next_height()), |when| scanner.height_of(when, &tip))?.min(tip.next_height());
    let wanted = Wanted { types: &types_found, from, to, limit: range.limit, times: !types.no_time };
    match range.last {
        Some(count) => scanner.last(&wanted, count),
        None => scanner.read(&wanted),
    }
}

/// Prints events of a range of blocks.
pub(crate) fn list(args: &ListArgs, session: &mut Session) -> Result<Exit, CliError> {
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
