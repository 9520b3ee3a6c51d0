//! `--listen`: serves a new report for every scrape until SIGTERM or SIGINT.

mod exporter;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use dvrf_cli::card::Layout;
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::page::Page;
use dvrf_cli::parse::bad;
use dvrf_cli::settings::variables;
use dvrf_cli::stdio::Output;
use dvrf_cli::{CliError, Session, chain, now, signals};
use supra_core::error::Error;
use supra_core::failure::FailureKind;

use crate::gather::Gatherer;
use crate::last_success::LastSuccess;
use crate::serve::exporter::{Exporter, ExporterConfig, Scrape, Served};
use crate::{Format, PromArgs, exposition};

/// Two Prometheus servers with the usual interval of 15 s share a report.
const MIN_INTERVAL_S: u32 = 5;
/// How long a scrape waits beyond the timeout of a report.
const SCRAPE_TIMEOUT_MARGIN: Duration = Duration::from_secs(5);

#[derive(Args)]
#[command(next_help_heading = "Metrics")]
pub(crate) struct ServeArgs {
    /// Serve /metrics, a page of the subscriptions at / and /-/healthy here until SIGTERM, with one report for every scrape
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address, conflicts_with_all = ["textfile", "push_url", "delete", "dry_run"])]
    pub(crate) listen: Option<SocketAddr>,
    /// Serve a report again to scrapes that come sooner than this many seconds after it [default 5]
    #[arg(long, value_name = "SECONDS", requires = "listen")]
    min_interval: Option<u32>,
}

fn listen_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "an IP address and a port such as 127.0.0.1:9877 are needed")
}

/// Serves until a signal arrives.
pub(crate) fn serve(args: &PromArgs, address: SocketAddr, session: &mut Session) -> Result<Exit, CliError> {
    let gatherer = Gatherer::new(args, session)?;
    let (content_type, is_openmetrics) = match args.metrics.format {
        Format::Text => ("text/plain; version=0.0.4; charset=utf-8", false),
        Format::Openmetrics => ("application/openmetrics-text; version=1.0.0; charset=utf-8", true),
        Format::Json => return Err(bad("--format", "json", "a scraper reads text or openmetrics").into()),
    };
    let input = args.input.repeatable()?;
    let failed = |error: std::io::Error| {
        Error::new(FailureKind::Output, format!("cannot listen on {address}"))
            .with_source(error)
            .with_hint("is another program listening there? choose another port")
    };
    let exporter = Exporter::bind(address).map_err(failed)?;
    let url = format!("http://{}/metrics", exporter.address().map_err(failed)?);
    signals::leave_ending_to_caller();
    session.log("info", &format!("serving {url}"));
    let report_timeout = session.settings.needed_seconds(&variables::TIMEOUT)?;
    let config = ExporterConfig {
        content_type,
        min_interval: Duration::from_secs(args.metrics.serve.min_interval.unwrap_or(MIN_INTERVAL_S).into()),
        scrape_timeout: report_timeout.saturating_add(SCRAPE_TIMEOUT_MARGIN),
    };
    let mut last_success = LastSuccess::default();
    // The collecting thread has its own session: the clock of a session stands still during a report.
    let mut session_of_scrapes = Session {
        name: session.name.clone(),
        settings: session.settings.clone(),
        out: Output::nowhere(),
        now: session.now,
        old_script: session.old_script,
    };
    let collect =
        move || collect(&gatherer, &input, &mut last_success, is_openmetrics, &mut session_of_scrapes);
    exporter.serve(config, collect).map_err(failed)?;
    session.log("info", "stopped");
    Ok(Exit::Done)
}

/// Makes the report of one scrape.
fn collect(
    gatherer: &Gatherer,
    input: &InputArgs,
    last_success: &mut LastSuccess,
    is_openmetrics: bool,
    session: &mut Session,
) -> Scrape {
    session.now = now();
    let mut page = Page::new(Layout::of(session, gatherer.lang(), false));
    let (records, _) = gatherer.gather(input, session, Some(&mut page)).map_err(|error| {
        let why = chain(&error);
        session.log("error", &why);
        why
    })?;
    last_success.merge(LastSuccess::load(session));
    let records = gatherer.label(records, last_success);
    last_success.save(session);
    let exposition = gatherer.exposition(records, session);
    let mut body = Vec::new();
    let render = if is_openmetrics { exposition::openmetrics } else { exposition::text };
    render(&exposition, &mut body).map_err(|error| error.to_string())?;
    Ok(Arc::new(Served { metrics: body, page: page.finish().into_bytes() }))
}
