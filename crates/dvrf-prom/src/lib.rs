//! `dvrf-prom`: converts records to Prometheus metrics, and prints, writes, pushes or serves them.

pub mod exposition;
mod gather;
mod last_success;
pub mod metrics;
mod serve;
mod sinks;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, Parser, ValueEnum};
use dvrf_cli::args::{LiveArgs, StateArgs};
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::legacy::{OldScript, refuse_incomplete};
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::settings::Settings;
use dvrf_cli::{CliError, Session, setting_flags};
use supra_core::error::Error;

use crate::gather::Gatherer;
use crate::last_success::LastSuccess;
use crate::serve::ServeArgs;
use crate::sinks::{SinkArgs, Sinks};

/// Prometheus metrics of dVRF subscriptions: printed, in a textfile, pushed, or served
#[derive(Parser)]
#[command(name = "dvrf-prom")]
struct PromArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    metrics: MetricsArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    live: LiveArgs,
}

#[derive(Args)]
#[command(next_help_heading = "Metrics")]
struct MetricsArgs {
    #[command(flatten)]
    settings: MetricsSettings,
    /// Output format: Prometheus text 0.0.4, OpenMetrics 1.0, or the records with `metrics`
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Names, labels and order of the old script
    #[arg(long)]
    compat: bool,
    /// Add a label to every series (repeatable)
    #[arg(long, value_name = "NAME=VALUE")]
    label: Vec<String>,
    /// Exit with 1 when the deposit is at or below a minimum
    #[arg(long)]
    fail_on_low: bool,
    /// Indent the JSON
    #[arg(long)]
    pretty: bool,
    #[command(flatten)]
    sinks: SinkArgs,
    #[command(flatten)]
    serve: ServeArgs,
    #[command(flatten)]
    state: StateArgs,
}

setting_flags! {
    /// The prefix of the names, and where the metrics are pushed to.
    MetricsSettings, "Metrics", {
        metric_prefix = METRIC_PREFIX "PREFIX"
        push_url = PUSH_URL "URL"
        push_url_file = PUSH_URL_FILE "FILE"
        push_method = PUSH_METHOD "METHOD"
        push_timeout = PUSH_TIMEOUT "SECONDS"
        push_job = PUSH_JOB "JOB"
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Prometheus text 0.0.4
    Text,
    /// OpenMetrics 1.0
    Openmetrics,
    /// Records with `metrics`
    Json,
}

fn act(args: &PromArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.live.fill(&mut session.settings);
    args.metrics.settings.fill(&mut session.settings);
    args.metrics.state.fill(&mut session.settings);
    if let Some(exit) = refuse_incomplete(session) {
        return Ok(exit);
    }
    if let Some(address) = args.metrics.serve.listen {
        return serve::serve(args, address, session);
    }
    let sinks = Sinks::new(&args.metrics, session)?;
    if args.metrics.sinks.delete {
        return sinks.delete_group(session);
    }
    export(args, &sinks, session)
}

/// Prints the metrics of one run and delivers them to the sinks.
fn export(args: &PromArgs, sinks: &Sinks, session: &mut Session) -> Result<Exit, CliError> {
    let MetricsArgs { format, pretty, .. } = args.metrics;
    let gatherer = Gatherer::new(args, session)?;
    let (records, exit) = gatherer.gather(&args.input, session, None)?;
    let mut last_success = LastSuccess::load(session);
    let mut records = gatherer.label(records, &mut last_success);
    last_success.save(session);
    if format == Format::Json {
        for (record, shared, samples) in &mut records {
            record.set("metrics", &metrics::json(shared, samples, gatherer.order(), gatherer.prefix()))?;
            session.out.record(record, pretty)?;
        }
    }
    let exposition = gatherer.exposition(records, session);
    if sinks.prints() {
        match format {
            Format::Text => session.out.with(|out| exposition::text(&exposition, out))?,
            Format::Openmetrics => session.out.with(|out| exposition::openmetrics(&exposition, out))?,
            Format::Json => {}
        }
    }
    // A push that fails or waits must not hold the printed metrics back.
    session.out.flush()?;
    if sinks.is_empty() {
        return Ok(exit);
    }
    let mut body = Vec::new();
    exposition::text(&exposition, &mut body)
        .map_err(|source| CliError::Write { to: "memory".to_owned(), source })?;
    Ok(exit.and(sinks.deliver(&body, session)))
}

/// The mistakes in the settings of metrics, which a run would find when it uses them.
pub fn mistakes(settings: &Settings) -> Vec<Error> {
    let found = [gather::prefix(settings, false).map(drop), sinks::target(settings, &[]).map(drop)];
    found.into_iter().filter_map(Result::err).collect()
}

/// Runs the tool on the process's command line.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the tool on the words of a command line, of which the first is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}

/// Runs the tool as the old `testnet_monitor_prometheus.py`.
pub fn run_old(words: &[OsString]) -> ExitCode {
    dvrf_cli::run_old(words, OldScript::Report, act)
}
