//! `dvrf doctor`: probes everything that a run needs and suggests a fix for each problem.

mod chain;
mod probe;
mod receivers;
mod state_dir;
mod supra_cli;
mod text;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use dvrf_cli::args::{LiveArgs, StateArgs, lang};
use dvrf_cli::channel::args::ChannelArgs;
use dvrf_cli::exit::Exit;
use dvrf_cli::text::plain;
use dvrf_cli::{CliError, Session};
use supra_core::record::Record;

use crate::probe::{Health, Probes};

/// Is everything there that a run needs? Probes settings, chain, CLI and receivers, and suggests fixes
#[derive(Parser)]
#[command(name = "dvrf-doctor")]
struct Args {
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    channels: ChannelArgs,
    #[command(flatten)]
    state: StateArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "Output")]
    format: Format,
    /// Show every probe
    #[arg(short, long, help_heading = "Output")]
    verbose: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Text for people
    Text,
    /// One JSON document
    Json,
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.channels.fill(&mut session.settings);
    args.state.fill(&mut session.settings);
    let mut probes = Probes::default();
    chain::probe(session, &mut probes)?;
    supra_cli::probe(&session.settings, &mut probes);
    receivers::probe(&args.channels, session, &mut probes);
    state_dir::probe(&session.settings, &mut probes);
    match args.format {
        Format::Text if args.verbose => print_text(&probes, session)?,
        Format::Text => {
            let lang = lang(&session.settings)?;
            session.out.text(&text::summary(&probes, lang))?;
        }
        Format::Json => {
            let mut record = Record::new();
            record.set("doctor", &probes.0)?;
            session.out.record(&record, false)?;
        }
    }
    Ok(if probes.found_problem() { Exit::No } else { Exit::Done })
}

fn print_text(probes: &Probes, session: &mut Session) -> Result<(), CliError> {
    for probe in &probes.0 {
        let word = match probe.health {
            Health::Ok => "ok     ",
            Health::Warning => "warning",
            Health::Wrong => "WRONG  ",
        };
        session.out.text(&format!("{word}  {}: {}\n", probe.name, plain(&probe.found)))?;
        if let Some(fix) = &probe.fix {
            session.out.text(&format!("         → {}\n", plain(fix)))?;
        }
    }
    Ok(())
}

/// Runs the tool on the process's command line.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the tool on the words of a command line, of which the first is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}
