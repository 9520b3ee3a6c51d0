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
    let mut probes = subscriptions(session)?;
    supra_cli::probe(&session.settings, &mut probes);
    receivers::probe(&args.channels, session, &mut probes);
    state_dir::probe(&session.settings, &mut probes);
    match args.format {
        Format::Text if args.verbose => print_text(&probes, session)?,
        Format::Text => {
            let lang = lang(&session.settings)?;
            for (name, probes) in by_subscription(&probes) {
                let heading = name.map(|name| format!("{}\n", plain(&name))).unwrap_or_default();
                session.out.text(&format!("{heading}{}", text::summary(&probes, lang)))?;
            }
        }
        Format::Json => {
            let mut record = Record::new();
            record.set("doctor", &probes.0)?;
            session.out.record(&record, false)?;
        }
    }
    Ok(if probes.found_problem() { Exit::No } else { Exit::Done })
}

/// Probes the chain for every subscription that the run is about.
fn subscriptions(session: &mut Session) -> Result<Probes, CliError> {
    let mut all = Probes::default();
    let whole = session.settings.clone();
    for subscription in whole.targets() {
        let mut probes = Probes::default();
        session.settings = whole.of_subscription(subscription);
        chain::probe(session, &mut probes)?;
        probes.0.iter_mut().for_each(|probe| probe.subscription = Some(subscription.name.clone()));
        all.0.append(&mut probes.0);
    }
    session.settings = whole;
    if all.0.is_empty() {
        chain::probe(session, &mut all)?;
    }
    Ok(all)
}

/// The probes of each subscription, and those that all of them share last.
fn by_subscription(probes: &Probes) -> Vec<(Option<String>, Probes)> {
    let mut names: Vec<Option<String>> = probes.0.iter().map(|probe| probe.subscription.clone()).collect();
    names.dedup();
    let of = |name: &Option<String>| {
        Probes(probes.0.iter().filter(|probe| probe.subscription == *name).cloned().collect())
    };
    names.into_iter().map(|name| (name.clone(), of(&name))).collect()
}

fn print_text(probes: &Probes, session: &mut Session) -> Result<(), CliError> {
    for probe in &probes.0 {
        let word = match probe.health {
            Health::Ok => "ok     ",
            Health::Warning => "warning",
            Health::Wrong => "WRONG  ",
        };
        let of = probe.subscription.as_ref().map(|name| format!("{} ", plain(name))).unwrap_or_default();
        session.out.text(&format!("{word}  {of}{}: {}\n", probe.name, plain(&probe.found)))?;
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
