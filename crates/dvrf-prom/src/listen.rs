//! `--listen`: a report for every scrape, made by one thread, until SIGTERM.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::gather::Memory;
use crate::exposition;
use crate::metrics::Exposition;
use crate::output::{Format, Plan, PromArgs};
use crate::sinks::exporter::{Exporter, Scrape, Serving};
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::parse::bad;
use dvrf_cli::settings::variables;
use dvrf_cli::signals;
use dvrf_cli::stdio::Output;
use dvrf_cli::{CliError, Session, chain, now};
use supra_core::failure::{Failure, FailureKind};

/// Two scrapers at the usual 15 s ask the chain once.
const MIN_INTERVAL_S: u32 = 5;
/// What a scrape waits beyond the time that one report may take.
const AFTERWARDS: Duration = Duration::from_secs(5);

/// Serving instead of one run.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Metrics")]
pub(super) struct ListenArgs {
    /// Serve /metrics and /-/healthy here until SIGTERM, with one report for every scrape
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with_all = ["textfile", "push_url", "delete", "dry_run"])]
    listen: Option<String>,
    /// Serve a report again to scrapes that come sooner than this many seconds after it [default 5]
    #[arg(long, value_name = "SECONDS", requires = "listen")]
    min_interval: Option<u32>,
}

impl ListenArgs {
    /// The address to serve at.
    pub(super) fn address(&self) -> Option<&str> {
        self.listen.as_deref()
    }
}

/// Serves until a signal.
pub(super) fn listen(
    args: &PromArgs,
    address: &str,
    input: &InputArgs,
    plan: Plan,
    session: &mut Session,
) -> Result<Exit, CliError> {
    let socket: SocketAddr = address.parse().map_err(|_| {
        bad("--listen", address, "an IP address and a port such as 127.0.0.1:9877 are needed")
    })?;
    let content_type = match args.format {
        Format::Text => "text/plain; version=0.0.4; charset=utf-8",
        Format::Openmetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        Format::Json => return Err(bad("--format", "json", "a scraper reads text or openmetrics").into()),
    };
    let input = again(input)?;
    let failed = |error: std::io::Error| {
        Failure::new(FailureKind::Output, format!("cannot listen on {address}: {error}"))
            .with_hint("is another program listening there? choose another port")
    };
    let exporter = Exporter::bind(socket).map_err(failed)?;
    let url = format!("http://{}/metrics", exporter.address().map_err(failed)?);
    signals::leave_ending_to_caller();
    session.say("info", &format!("serving {url}"));
    let patience = session.settings.needed_seconds(&variables::TIMEOUT)?.saturating_add(AFTERWARDS);
    let min_interval = Duration::from_secs(args.listen.min_interval.unwrap_or(MIN_INTERVAL_S).into());
    let serving = Serving { content_type, min_interval, patience };
    let openmetrics = args.format == Format::Openmetrics;
    let mut memory = Memory::default();
    // The thread that collects has a session of its own: its clock moves from scrape to scrape.
    let mut own = Session {
        name: session.name.clone(),
        settings: session.settings.clone(),
        out: Output::nowhere(),
        now: session.now,
    };
    let collect = move || collect(&plan, &input, &mut memory, openmetrics, &mut own);
    exporter.serve(serving, collect).map_err(failed)?;
    session.say("info", "stopped");
    Ok(Exit::Done)
}

/// What can be read for every scrape: the chain, or a file that is opened anew.
fn again(input: &InputArgs) -> Result<InputArgs, Failure> {
    match &input.input {
        Some(path) if path.as_os_str() == "-" => {
            Err(bad("--input", "-", "stdin can be read only once; name a file, or use --live"))
        }
        Some(path) => Ok(InputArgs { input: Some(path.clone()), live: false, unordered: false }),
        None => Ok(InputArgs { input: None, live: true, unordered: false }),
    }
}

fn collect(
    plan: &Plan,
    input: &InputArgs,
    memory: &mut Memory,
    openmetrics: bool,
    session: &mut Session,
) -> Scrape {
    session.now = now();
    let text = |exposition: &Exposition| {
        let mut body = Vec::new();
        let render = if openmetrics { exposition::openmetrics } else { exposition::text };
        render(exposition, &mut body).map(|()| body).map_err(|error| error.to_string())
    };
    let gathered = plan.gather(input, session).map_err(|error| {
        let why = chain(&error);
        session.say("error", &why);
        why
    });
    let (seen, _) = gathered?;
    memory.merge(Memory::load(session));
    let points = plan.points(seen, memory);
    memory.save(session);
    text(&plan.exposition(points, session)).map(Arc::new)
}
