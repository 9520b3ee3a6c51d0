//! The flags of `dvrf-check`.

use clap::{Parser, ValueEnum};
use supra_core::cli::args::{LiveArgs, SpeechArgs};
use supra_core::cli::input::InputArgs;
use supra_core::cli::policy::PolicyArgs;

/// Judges a report: ok, alert or unknown, with coded findings
#[derive(Parser)]
#[command(name = "dvrf-check")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    #[command(flatten)]
    pub(crate) live: LiveArgs,
    #[command(flatten)]
    pub(crate) speech: SpeechArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Json, help_heading = "Output")]
    pub(crate) format: Format,
    /// Indent the JSON
    #[arg(long, help_heading = "Output")]
    pub(crate) pretty: bool,
    /// One plugin line, exit 0 ok, 1 warning, 2 critical, 3 unknown
    #[arg(long, help_heading = "Output")]
    pub(crate) nagios: bool,
    /// What an unanswered check counts as with --nagios
    #[arg(long, value_enum, default_value_t = Unanswered::Unknown, help_heading = "Output")]
    pub(crate) timeout_state: Unanswered,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Records with `checks`
    Json,
    /// The verdict for people
    Text,
    /// The old check's document
    Legacy,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Unanswered {
    Unknown,
    Critical,
}
