//! `dvrf-notify`: tells people what a report says.

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use supra_core::cli::args::LiveArgs;
use supra_core::cli::input::InputArgs;
use supra_core::cli::policy::PolicyArgs;
use supra_core::cli::tell::{TellArgs, config, send, test};
use supra_core::cli::{CliError, Session, run};
use supra_core::exit::Exit;

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

fn main() -> ExitCode {
    run(act)
}
