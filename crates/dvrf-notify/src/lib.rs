//! `dvrf-notify`: sends one alert per incident, reminders, and a resolved message.
//!
//! The findings of a verdict become problems (`problem`), their changes become alert events (`alert_state`), the events
//! become messages for channels (`planner`, `message`), and a message becomes an HTTP request (`payload`) that is delivered
//! with retries (`delivery`, `response`). Messages of one cause are sent as one (`merge`). A message that could not be
//! delivered waits in the `outbox` for the next run. `notifier` connects these steps.

pub mod alert_state;
mod args;
mod config;
mod delivery;
pub mod draw;
mod escape;
mod fund;
mod heartbeat;
mod merge;
pub mod message;
mod mute;
pub mod notification;
mod notifier;
pub mod outbox;
pub mod payload;
pub mod planner;
pub mod problem;
mod response;
mod send;
mod smtp;
mod test_message;
mod truncate;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::args::{NotifyArgs, OutputFormat};
use crate::mute::MuteArgs;
use dvrf_cli::args::LiveArgs;
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::legacy::{OldScript, refuse_incomplete};
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::settings::Settings;
use dvrf_cli::{CliError, Session};
use supra_core::check::silence::SilenceKind;
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};

/// Tells people what is wrong: one alert per incident, reminders, and a "resolved"
#[derive(Parser)]
#[command(name = "dvrf-notify")]
struct Args {
    /// What to do
    #[arg(value_enum, default_value_t = Action::Send)]
    action: Action,
    #[command(flatten)]
    mute: MuteArgs,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    notify: NotifyArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    live: LiveArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Action {
    /// Read records and notify the channels
    Send,
    /// Send a test message to every channel; the alert state does not change
    Test,
    /// Print the configuration without secrets, and every mistake with its fix
    Config,
    /// Send nothing about a subscription or a problem for a while
    Mute,
    /// End a mute or an acknowledgement
    Unmute,
    /// Acknowledge a problem: no more reminders and no escalation until it ends
    Ack,
    /// List what is muted, acknowledged or under maintenance
    Mutes,
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.notify.fill(&mut session.settings);
    if let Some(exit) = refuse_incomplete(session) {
        return Ok(exit);
    }
    let is_text = session.is_terminal() || args.notify.output.format == OutputFormat::Text;
    if !matches!(args.action, Action::Mute | Action::Unmute | Action::Ack)
        && let Some(word) = args.mute.about.first()
    {
        let message = format!("{:?} is not expected here", quote(word));
        let hint = "only mute, unmute and ack take a name or a code";
        return Err(Error::new(FailureKind::Config, message).with_hint(hint).into());
    }
    match args.action {
        Action::Mute => mute::add(SilenceKind::Mute, &args.mute, is_text, session),
        Action::Ack => mute::add(SilenceKind::Ack, &args.mute, is_text, session),
        Action::Unmute => mute::remove(&args.mute, is_text, session),
        Action::Mutes => mute::list(is_text, session),
        Action::Send => send::send(&args.notify, &args.input, &args.policy, session),
        Action::Test => test_message::send_test(&args.notify, &args.policy, session),
        Action::Config => config::print_config(&args.notify, session),
    }
}

/// The mistakes in the settings of alerts, which a run would find when it uses them.
pub fn mistakes(settings: &Settings) -> Vec<Error> {
    args::mistakes(settings)
}

/// Runs the tool with the arguments of this process.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the tool with these arguments; the first one is the program's name.
pub fn run(arguments: &[OsString]) -> ExitCode {
    dvrf_cli::run(arguments, act)
}

/// Runs the tool as the old `testnet_monitor_slack.py`.
pub fn run_old(arguments: &[OsString]) -> ExitCode {
    dvrf_cli::run_old(arguments, OldScript::Report, act)
}
