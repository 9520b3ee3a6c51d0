//! The target of a run: that of the settings, or the one record that stdin holds.

use std::path::PathBuf;

use clap::Args;
use dvrf_cli::Session;
use dvrf_cli::input::InputArgs;
use dvrf_cli::target::take;
use supra_core::draw::DrawError;

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
    /// Puts the piped target, if there is one, over the settings, and returns its name. The old programs read no stdin.
    ///
    /// # Errors
    /// As [`take`].
    pub(crate) fn fill(&self, session: &mut Session) -> Result<Option<String>, DrawError> {
        let input = InputArgs { input: self.input.clone(), live: self.live, unordered: false };
        if session.old_script.is_some() {
            return Ok(None);
        }
        Ok(take(&input, &["lottery_addr"], session)?)
    }
}
