//! `dvrf-status`: prints every value of the lottery and the deposit module, or why it could not be read.

mod text;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use dvrf_cli::args::{LiveArgs, lang};
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::pipeline::each;
use dvrf_cli::text::Style;
use dvrf_cli::{CliError, Session, chain};
use supra_core::report::Report;
use supra_core::state::State;
use supra_core::view_report::Views;

/// Every value of the lottery and the deposit module, or why it could not be read
#[derive(Parser)]
#[command(name = "dvrf-status")]
struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    live: LiveArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Json, help_heading = "Output")]
    format: Format,
    /// Indent the JSON
    #[arg(long, help_heading = "Output")]
    pretty: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Records
    Json,
    /// Text for people
    Text,
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    each(&args.input, session, |item, session| {
        match args.format {
            Format::Json => session.out.record(&item.record, args.pretty)?,
            Format::Text => match item.report() {
                // A record that holds only an error has been logged already.
                Ok(Report { state: None, .. }) => {}
                Ok(Report { state: Some(state), views, .. }) => text(&state, &views, session)?,
                Err(error) => {
                    session.log("error", &chain(&error));
                    return Ok(Exit::CannotAnswer);
                }
            },
        }
        Ok(Exit::Done)
    })
}

fn text(state: &State, views: &Views, session: &mut Session) -> Result<(), CliError> {
    let (lang, style) = (lang(&session.settings)?, Style { colour: session.colour() });
    session.out.with(|out| text::text(state, views, lang, style, out))
}

/// Runs the tool on the process's command line.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the tool on the words of a command line, of which the first is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}
