//! `--events`: reads the contract's events and adds the draw requests and their answers to a record.

use clap::Args;
use dvrf_cli::args::Words;
use dvrf_cli::exit::Exit;
use dvrf_cli::{CliError, Session, connect, target};
use supra_core::error::Error;
use supra_core::events::WORDS;
use supra_core::events::scan::block_point::BlockPoint;
use supra_core::record::Record;

#[derive(Args)]
#[command(next_help_heading = "Events")]
pub(crate) struct EventArgs {
    /// Read events from here on and list in `requests` which draws are answered: a span back, a time or a height
    #[arg(long, value_name = "2h|TIME|HEIGHT")]
    events: Option<String>,
    /// Further event types to read, for dvrf-check --expect-event (repeatable)
    #[arg(long, value_name = "TYPE", requires = "events", value_parser = Words(WORDS.to_vec()), hide_possible_values = true)]
    event_type: Vec<String>,
}

impl EventArgs {
    /// Checks `--events` before any record is read.
    pub(crate) fn check(&self, session: &Session) -> Result<(), Error> {
        self.events
            .as_ref()
            .map_or(Ok(()), |since| BlockPoint::parse("--events", since, session.now).map(drop))
    }

    /// Reads the events and sets the record's `requests`. Does nothing without `--events`.
    pub(crate) fn add(&self, record: &mut Record, session: &Session) -> Result<Exit, CliError> {
        let Some(since) = &self.events else { return Ok(Exit::Done) };
        let (target, _) = match target::resolve(&session.settings, Some(record)) {
            Ok(found) => found,
            Err(_) if record.has("error") => return Ok(Exit::CannotAnswer),
            Err(failure) => return Err(failure.into()),
        };
        let live = connect::open_for(record, &session.settings)?;
        let requests = live.requests(&target, since, &self.event_type, session.now);
        record.set("requests", &requests)?;
        for note in &requests.notes {
            session.log("warning", note);
        }
        let Some(failure) = &requests.error else { return Ok(Exit::Done) };
        session.log_failure(failure);
        Ok(Exit::CannotAnswer)
    }
}
