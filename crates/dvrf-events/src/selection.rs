//! Which events are read: the flags for their types and their range of blocks, and the reading itself.

use clap::Args;
use dvrf_cli::args::Words;
use dvrf_cli::{Session, connect, target};
use supra_core::client::events::places;
use supra_core::error::Error;
use supra_core::events::WORDS;
use supra_core::events::scan::block_point::BlockPoint;
use supra_core::events::scan::{EventQuery, Scan};

/// Which types of events are read.
#[derive(Clone, Default, Args)]
#[command(next_help_heading = "Events")]
pub(crate) struct TypeArgs {
    /// Event types: draw-requested, draw-handled, whitelist, deposit, vrf, lottery, all, a name such as `TicketBought`, or
    /// a full type (repeatable, or separated by commas) [default draw-requested,draw-handled]
    #[arg(
        long = "type",
        value_name = "TYPE",
        value_delimiter = ',',
        value_parser = Words(WORDS.to_vec()),
        hide_possible_values = true
    )]
    types: Vec<String>,
    /// Leave out the times of blocks, which take a request each
    #[arg(long)]
    pub(crate) no_time: bool,
}

impl TypeArgs {
    /// The types as typed, or the two that pairing needs.
    pub(crate) fn words(&self) -> Vec<String> {
        if self.types.is_empty() {
            return vec!["draw-requested".to_owned(), "draw-handled".to_owned()];
        }
        self.types.iter().map(|word| word.trim().to_owned()).collect()
    }
}

/// Which blocks are read.
#[derive(Clone, Args)]
#[command(next_help_heading = "Events")]
pub(crate) struct RangeArgs {
    /// First block: a span back such as 2h, a time, a date or a height [default: the oldest]
    #[arg(long, value_name = "2h|TIME|HEIGHT")]
    since: Option<String>,
    /// First block that is not read: a span back, a time, a date or a height [default: after the tip]
    #[arg(long, value_name = "2h|TIME|HEIGHT")]
    until: Option<String>,
    /// Print at most this many events, the oldest
    #[arg(long, value_name = "N", conflicts_with = "last")]
    limit: Option<usize>,
    /// Print this many of the newest events, found in windows back from the end
    #[arg(long, value_name = "N")]
    last: Option<usize>,
}

/// Reads the events of these types in these blocks.
pub(crate) fn read(types: &TypeArgs, range: &RangeArgs, session: &Session) -> Result<Scan, Error> {
    let point = |flag, text: &Option<String>| {
        text.as_deref().map(|text| BlockPoint::parse(flag, text, session.now)).transpose()
    };
    let (since, until) = (point("--since", &range.since)?, point("--until", &range.until)?);
    let (target, _) = target::resolve(&session.settings, None)?;
    let client = connect::open(&session.settings)?;
    let scanner = client.scanner();
    let full_types = scanner.types(&types.words(), &places(&target))?;
    let tip = scanner.tip()?;
    let end = tip.next_height();
    let from = since.map_or(Ok(0), |since| scanner.height_of(since, &tip))?;
    let to = until.map_or(Ok(end), |until| scanner.height_of(until, &tip))?.min(end);
    let wanted = EventQuery { types: &full_types, from, to, limit: range.limit, times: !types.no_time };
    match range.last {
        Some(count) => scanner.last(&wanted, count),
        None => scanner.read(&wanted),
    }
}
