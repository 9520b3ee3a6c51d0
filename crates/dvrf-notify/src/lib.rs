//! `dvrf-notify`: tells people what a report says.

pub mod alert_state;
mod delivery;
mod escape;
pub mod message;
pub mod notification;
pub mod outbox;
pub mod payload;
pub mod planner;
mod response;
mod tell;
mod teller;
mod truncate;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::tell::{TellArgs, config, send, test};
use clap::{Parser, ValueEnum};
use dvrf_cli::args::LiveArgs;
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::{CliError, Session};

/// Tells people what a report says: chats, pagers, Alertmanager, webhooks, dead man's switches
#[derive(Parser)]
#[command(name = "dvrf-notify")]
struct Args {
    /// What to do
    #[arg(value_enum, default_value_t = Action::Send)]
    action: Action,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    tell: TellArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    live: LiveArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Action {
    /// Read records and tell
    Send,
    /// Send a marked test message to every channel; the memory is not touched
    Test,
    /// Show the configuration in force without its secrets, and every mistake with its fix
    Config,
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.tell.fill(&mut session.settings);
    match args.action {
        Action::Send => send(&args.tell, &args.input, &args.policy, session),
        Action::Test => test(&args.tell, &args.policy, session),
        Action::Config => config(&args.tell, session),
    }
}

/// Runs the tool on the process's command line.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the tool on the words of a command line, of which the first is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}
