//! The target of a run: that of the settings, or the one record that stdin holds.

use std::io;
use std::path::PathBuf;

use clap::Args;
use dvrf_cli::input::{InputArgs, Source, is_silent};
use dvrf_cli::settings::variables;
use dvrf_cli::target::resolve;
use dvrf_cli::{CliError, Session};
use supra_core::draw::{DrawError, DrawErrorCode};
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::record::Record;

use crate::runner::cli_error;

/// The input flags of `run` and `auto`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct TargetArgs {
    /// Draw for the one target in this file, or on stdin with `-`
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    input: Option<PathBuf>,
    /// Draw for the target of the settings; without --input and --live, a target that is piped in is taken, and the
    /// settings hold where stdin is empty
    #[arg(long)]
    live: bool,
}

impl TargetArgs {
    /// Puts the piped target, if there is one, over the settings. The old programs read no stdin.
    ///
    /// # Errors
    /// When stdin holds something other than one target, or stays silent: a draw must not go to another lottery than the
    /// one that is still to come.
    pub(crate) fn fill(&self, session: &mut Session) -> Result<(), DrawError> {
        let input = InputArgs { input: self.input.clone(), live: self.live, unordered: false };
        if session.old_script.is_some() || !input.holds_records() {
            return Ok(());
        }
        let failed = |message: &str, hint: &str| {
            let error = Error::new(FailureKind::Input, message).with_hint(hint);
            DrawError::of(DrawErrorCode::Failure(FailureKind::Input), &error)
        };
        if self.input.is_none() && is_silent(&io::stdin()) {
            return Err(failed(
                "stdin is open, and no target comes",
                "use --live to draw for the target of the settings",
            ));
        }
        let Source::Records(mut records) = input.open(session).map_err(cli_error)? else { return Ok(()) };
        let record = match records.next_record() {
            // Cron gives its jobs an empty pipe.
            Some(Err(CliError::Core(_))) | None if self.input.is_none() => return Ok(()),
            Some(record) => record.map_err(cli_error)?,
            None => return Ok(()),
        };
        if !records.may_wait() && records.next_record().is_some() {
            return Err(failed("stdin holds several targets", "start one run for each lottery"));
        }
        apply(&record, session).map_err(|error| DrawError::from(&error))
    }
}

/// Sets what the record names; the client of a named lottery is the lottery itself unless the record names another.
fn apply(record: &Record, session: &mut Session) -> Result<(), Error> {
    let keys = [
        ("profile", &variables::PROFILE),
        ("lottery_addr", &variables::LOTTERY_ADDR),
        ("deposit_addr", &variables::DEPOSIT_ADDR),
        ("client_addr", &variables::CLIENT_ADDR),
    ];
    if !record.has("lottery_addr") {
        let message = "the record on stdin names no lottery_addr";
        return Err(Error::new(FailureKind::Input, message)
            .with_hint("use --live to draw for the target of the settings"));
    }
    resolve(&session.settings, Some(record))?;
    let text = |key: &str| record.get::<String>(key).ok().flatten();
    let client = text("client_addr").or_else(|| text("lottery_addr"));
    for (key, variable) in keys {
        let value = if key == "client_addr" { client.clone() } else { text(key) };
        session.settings.set_flag(variable, value.as_deref());
    }
    Ok(())
}
