//! `dvrf-notify config`: prints the configuration without secrets, and every mistake with its fix.

use serde::Serialize;

use crate::args::{NO_CHANNEL, NO_CHANNEL_FIX, NotifyArgs, notify_timeout};
use dvrf_cli::channel::args::ChannelSummary;
use dvrf_cli::channel::parse::Problem;
use dvrf_cli::exit::Exit;
use dvrf_cli::settings::variables;
use dvrf_cli::{CliError, Session};
use supra_core::error::Error;
use supra_core::record::Record;

/// The effective configuration, without secrets.
#[derive(Debug, Serialize)]
struct Configuration {
    channels: Vec<ChannelSummary>,
    problems: Vec<Problem>,
    warnings: Vec<String>,
    title: String,
    state_dir: Option<String>,
    repeat_every_seconds: Option<i64>,
    fire_after: u32,
    resolve_after: u32,
    unknown_after: u32,
    clear_margin: String,
    expire_after_seconds: i64,
    timeout_seconds: u64,
}

pub(crate) fn print_config(args: &NotifyArgs, session: &mut Session) -> Result<Exit, CliError> {
    let configuration = configuration(args, session)?;
    let mut record = Record::new();
    record.set("notify", &configuration)?;
    session.out.record(&record, args.output.pretty)?;
    for problem in &configuration.problems {
        session.log_error(&problem.into());
    }
    Ok(if configuration.problems.is_empty() { Exit::Done } else { Exit::CannotAnswer })
}

fn configuration(args: &NotifyArgs, session: &Session) -> Result<Configuration, Error> {
    let channels = args.channels.resolve(session);
    let settings = &session.settings;
    let rules = args.rules(settings)?;
    let mut problems = channels.problems;
    if channels.list.is_empty() && problems.is_empty() {
        problems.push(Problem {
            channel: "none".to_owned(),
            problem: NO_CHANNEL.to_owned(),
            fix: NO_CHANNEL_FIX.to_owned(),
        });
    }
    Ok(Configuration {
        channels: channels.list.iter().map(ChannelSummary::of).collect(),
        problems,
        warnings: channels.warnings,
        title: settings.text(&variables::TITLE).unwrap_or_default().to_owned(),
        state_dir: settings.text(&variables::STATE_DIR).map(str::to_owned),
        repeat_every_seconds: rules.repeat_every_s,
        fire_after: rules.fire_after,
        resolve_after: rules.resolve_after,
        unknown_after: rules.unknown_after,
        clear_margin: rules.clear_margin.to_string(),
        expire_after_seconds: args.expire_after_s(settings)?,
        timeout_seconds: notify_timeout(settings)?.as_secs(),
    })
}
