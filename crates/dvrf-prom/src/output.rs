//! What `dvrf-prom` does with its flags: gather records once or for every scrape, and hand their series to the sinks.

use std::sync::Arc;

use clap::{Args, ValueEnum};

use crate::deliver::{SinkArgs, Sinks};
use crate::exposition;
use crate::listen::ListenArgs;
use crate::metrics::catalogue::is_taken;
use crate::metrics::label::{self, LabelError, Labels, is_name, put};
use crate::metrics::{self, Exposition};
use dvrf_cli::args::StateArgs;
use dvrf_cli::checker::RecordChecker;
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::parse::bad;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::setting_flags;
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::{CliError, Session};
use supra_core::failure::{Failure, FailureKind, quote};
use supra_core::record::Record;

setting_flags! {
    /// Names of metrics, and where they are pushed to.
    MetricsArgs, "Metrics", {
        metric_prefix = METRIC_PREFIX "PREFIX"
        push_url = PUSH_URL "URL"
        push_url_file = PUSH_URL_FILE "FILE"
        push_method = PUSH_METHOD "METHOD"
        push_timeout = PUSH_TIMEOUT "SECONDS"
        push_job = PUSH_JOB "JOB"
    }
}

/// The flags of metrics.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Metrics")]
pub(crate) struct PromArgs {
    /// Prefix and push settings.
    #[command(flatten)]
    pub(crate) settings: MetricsArgs,
    /// How to print: Prometheus text 0.0.4, OpenMetrics 1.0, or the records with `metrics`
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Names, labels and order of the old script
    #[arg(long)]
    pub(crate) compat: bool,
    /// Add a label to every series (repeatable)
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) label: Vec<String>,
    /// Exit with 1 when the deposit is at or below a minimum
    #[arg(long)]
    pub(crate) fail_on_low: bool,
    /// Indent the JSON
    #[arg(long)]
    pub(crate) pretty: bool,
    /// Sinks of one run.
    #[command(flatten)]
    pub(crate) sinks: SinkArgs,
    /// Serving.
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    /// When a report was last complete.
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Prometheus text 0.0.4
    Text,
    /// OpenMetrics 1.0
    Openmetrics,
    /// Records with `metrics`
    Json,
}

/// How series are made, read from flags and settings once.
pub(crate) struct Plan {
    pub(crate) checker: RecordChecker,
    pub(crate) prefix: String,
    pub(crate) labels: Labels,
    pub(crate) compat: bool,
    pub(crate) fail_on_low: bool,
    pub(crate) keeps_records: bool,
}

impl PromArgs {
    /// Runs the tool.
    pub(crate) fn act(
        &self,
        input: &InputArgs,
        policy: &PolicyArgs,
        session: &mut Session,
    ) -> Result<Exit, CliError> {
        self.settings.fill(&mut session.settings);
        self.state.fill(&mut session.settings);
        if let Some(address) = self.listen.address() {
            return crate::listen::listen(self, address, input, self.plan(policy, session)?, session);
        }
        let sinks = Sinks::new(self, session)?;
        if self.sinks.delete {
            return sinks.delete(session);
        }
        let plan = self.plan(policy, session)?;
        let (seen, exit) = plan.gather(input, session)?;
        let mut memory = crate::gather::Memory::load(session);
        let mut points = plan.points(seen, &mut memory);
        memory.save(session);
        if self.format == Format::Json {
            for (record, points) in &mut points {
                record.set("metrics", &metrics::json(points, &plan.prefix))?;
                session.out.record(record, self.pretty)?;
            }
        }
        let exposition = plan.exposition(points, session);
        let printed = self.sinks.textfile.is_none() || self.sinks.dry_run;
        match self.format {
            Format::Text if printed => session.out.with(|out| exposition::text(&exposition, out))?,
            Format::Openmetrics if printed => {
                session.out.with(|out| exposition::openmetrics(&exposition, out))?;
            }
            _ => {}
        }
        // Printed first, as the old script did: a push that fails or waits hides nothing.
        session.out.flush()?;
        if sinks.is_empty() {
            return Ok(exit);
        }
        let mut body = Vec::new();
        exposition::text(&exposition, &mut body)
            .map_err(|source| CliError::Write { to: "memory".to_owned(), source })?;
        Ok(exit.and(sinks.deliver(&body, session)))
    }

    fn plan(&self, policy: &PolicyArgs, session: &Session) -> Result<Plan, Failure> {
        let settings = &session.settings;
        let prefix = Settings::needed(settings.text(&variables::METRIC_PREFIX), &variables::METRIC_PREFIX)?;
        if !is_name(prefix) {
            let message =
                format!("METRIC_PREFIX is {:?}: ASCII letters, digits and _ are needed", quote(prefix));
            return Err(Failure::new(FailureKind::Config, message));
        }
        Ok(Plan {
            checker: RecordChecker::new(policy, session)?,
            prefix: prefix.to_owned(),
            labels: labels("--label", &self.label, |name| !self.compat && is_taken(name))?,
            compat: self.compat,
            fail_on_low: self.fail_on_low,
            keeps_records: self.format == Format::Json,
        })
    }
}

/// Labels of a repeatable flag; the last of a name wins, an empty item is none.
pub(crate) fn labels(
    flag: &str,
    texts: &[String],
    is_taken: impl Fn(&str) -> bool,
) -> Result<Labels, Failure> {
    let mut labels = Labels::new();
    for text in texts.iter().filter(|text| !text.trim().is_empty()) {
        let parsed = label::parse(text).and_then(|(name, value)| {
            if is_taken(&name) { Err(LabelError::Taken) } else { Ok((name, value)) }
        });
        let (name, value) = parsed.map_err(|error| bad(flag, text, error))?;
        put(&mut labels, name, value);
    }
    Ok(labels)
}

impl Plan {
    /// All series of the run; says when records repeated each other.
    pub(crate) fn exposition(
        &self,
        points: Vec<(Record, Vec<metrics::Point>)>,
        session: &Session,
    ) -> Exposition {
        let order = if self.compat { metrics::catalogue::OLD } else { metrics::catalogue::ALL };
        let build = (!self.compat).then(|| {
            let mut build = metrics::observe::build();
            build.series.share(&Arc::new(self.labels.clone()));
            build
        });
        let all = points.into_iter().flat_map(|(_, points)| points).chain(build);
        let exposition = Exposition::of(all, order, &self.prefix);
        if exposition.repeated > 0 {
            let sentence = format!(
                "{} samples are left out: several records are about one subscription, the last one counts",
                exposition.repeated
            );
            session.say("warning", &sentence);
        }
        exposition
    }
}
