//! `dvrf-events list`: prints the events of a range of blocks.

use clap::Args;
use dvrf_cli::args::{LiveArgs, lang};
use dvrf_cli::exit::Exit;
use dvrf_cli::{CliError, Session};
use supra_core::client::events::line;

use crate::print_error;
use crate::selection::{RangeArgs, TypeArgs, read};
use crate::text::{self, FormatArgs};

#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    types: TypeArgs,
    #[command(flatten)]
    range: RangeArgs,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    live: LiveArgs,
}

pub(crate) fn list(args: &ListArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    let scan = match read(&args.types, &args.range, session) {
        Ok(scan) => scan,
        Err(failure) => return print_error(&failure, session),
    };
    for note in &scan.notes {
        session.log("warning", note);
    }
    if args.format.is_text(session) {
        let text = text::events(&scan.events, lang(&session.settings)?);
        session.out.text(&text)?;
        return Ok(Exit::Done);
    }
    for event in &scan.events {
        session.out.text(&line(event)?)?;
    }
    Ok(Exit::Done)
}
