//! Converts the records of a run to samples: checks them, names their subscriptions, and adds the labels they share.

use dvrf_cli::checker::{Checked, RecordChecker};
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::legacy::unknown_client;
use dvrf_cli::low::low_exit;
use dvrf_cli::page::Page;
use dvrf_cli::pipeline::each;
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::stream::ReportItem;
use dvrf_cli::{CliError, Session};
use jiff::Timestamp;
use supra_core::check::Checks;
use supra_core::draw::AutoLine;
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::fund::FundLine;
use supra_core::lang::Lang;
use supra_core::readiness::Readiness;
use supra_core::record::{DRAW_SCHEMA, FUND_SCHEMA, Record};
use supra_core::report::{Report, SubscriptionId};

use crate::last_success::LastSuccess;
use crate::metrics::identity::{Identity, subscriptions};
use crate::metrics::label::{Labels, is_name, parse_flag, put};
use crate::metrics::observe::{self, Observation};
use crate::metrics::packed::Packed;
use crate::metrics::{Exposition, Family, Sample, catalogue, compat};
use crate::{Format, MetricsArgs, PromArgs};

/// Gathers the metrics of a run as the flags and settings say.
pub(crate) struct Gatherer {
    checker: RecordChecker,
    prefix: String,
    labels: Labels,
    compat: bool,
    fail_on_low: bool,
    keeps_records: bool,
}

/// A record's samples. The labels that depend on the other records of the run are not in them yet.
pub(crate) struct Gathered {
    record: Record,
    identity: Identity,
    complete_at: Option<Timestamp>,
    is_draw: bool,
    samples: Packed,
}

struct CheckedRecord {
    record: Record,
    checked: Checked,
    /// The samples of a line of `dvrf-draw auto`, which says nothing about the deposit.
    draw: Option<Vec<Sample>>,
    /// What `dvrf-draw ready` has added to the record.
    ready: Option<Sample>,
    is_low: Option<bool>,
    /// The exit that it means for the process.
    exit: Exit,
}

/// What the names of metrics begin with. The old script took any prefix, and a colon is valid in a name.
pub(crate) fn prefix(settings: &Settings, compat: bool) -> Result<&str, Error> {
    let prefix = Settings::needed(settings.text(&variables::METRIC_PREFIX), &variables::METRIC_PREFIX)?;
    if is_name(&if compat { prefix.replace(':', "_") } else { prefix.to_owned() }) {
        return Ok(prefix);
    }
    let source = settings.source(&variables::METRIC_PREFIX);
    let message = format!("{source} is {:?}: ASCII letters, digits and _ are needed", quote(prefix));
    Err(Error::new(FailureKind::Config, message))
}

impl Gatherer {
    pub(crate) fn new(args: &PromArgs, session: &Session) -> Result<Self, Error> {
        let settings = &session.settings;
        let compat = args.metrics.compat;
        let prefix = prefix(settings, compat)?;
        let MetricsArgs { fail_on_low, format, ref label, .. } = args.metrics;
        let is_taken = |name: &str| !compat && catalogue::is_taken(name);
        Ok(Self {
            checker: RecordChecker::new(&args.policy, session)?.with_history(session),
            prefix: prefix.to_owned(),
            labels: parse_flag("--label", label, is_taken)?,
            compat,
            fail_on_low,
            keeps_records: format == Format::Json,
        })
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The families in the order of the output.
    pub(crate) fn order(&self) -> &'static [&'static Family] {
        if self.compat { catalogue::OLD } else { catalogue::ALL }
    }

    /// The language of the page.
    pub(crate) fn lang(&self) -> Lang {
        self.checker.checker.policy.lang
    }

    /// Reads and checks all records of the run, and adds their cards to the page.
    pub(crate) fn gather(
        &self,
        input: &InputArgs,
        session: &mut Session,
        mut page: Option<&mut Page>,
    ) -> Result<(Vec<Gathered>, Exit), CliError> {
        let mut all = Vec::new();
        // Only the latest record waits for its conversion: the reports of a fleet would fill the memory.
        let mut latest = None;
        let exit = each(input, session, |item, session| {
            let mut checked = self.check(item, session)?;
            if let Some(page) = page.as_deref_mut().filter(|_| checked.draw.is_none()) {
                page.add(&checked.checked.report, &checked.checked.checks, &checked.checked.history);
            }
            let exit = self.exit_of(&checked, session)?;
            checked.exit = item.exit().and(exit);
            all.extend(latest.replace(checked).map(|previous| self.convert(previous, session.now)));
            Ok(exit)
        })?;
        if let Some(mut latest) = latest {
            // A run that failed before it knew its target is about the one that the settings name.
            if all.is_empty() && latest.checked.report.id == SubscriptionId::default() {
                latest.checked.report.id = id_of_settings(&session.settings);
            }
            all.push(self.convert(latest, session.now));
        }
        Ok((all, exit))
    }

    fn check(&self, item: &mut ReportItem, session: &Session) -> Result<CheckedRecord, CliError> {
        let draw = draw_line(&item.record);
        let checked = match &draw {
            Some(_) => {
                let report = Report::readable(&item.record);
                Checked { report, checks: Checks::default(), history: Vec::new(), exit: Exit::Done }
            }
            None => self.checker.checks(item, session)?,
        };
        let is_low = if draw.is_some() { Some(false) } else { self.checker.checker.is_low(&checked.report) };
        let readiness = item.record.get::<Readiness>("readiness").ok().flatten();
        Ok(CheckedRecord {
            ready: readiness.as_ref().and_then(observe::draw_ready),
            is_low,
            exit: Exit::Done,
            checked,
            draw,
            record: if self.keeps_records { std::mem::take(&mut item.record) } else { Record::new() },
        })
    }

    fn exit_of(&self, record: &CheckedRecord, session: &Session) -> Result<Exit, CliError> {
        let report = &record.checked.report;
        if let Some(exit) = unknown_client(report, session) {
            return Ok(exit);
        }
        if !self.fail_on_low {
            return Ok(Exit::Done);
        }
        Ok(low_exit(report, record.is_low, session)?)
    }

    fn convert(&self, record: CheckedRecord, now: Timestamp) -> Gathered {
        let CheckedRecord { record, checked: Checked { report, checks, .. }, draw, ready, exit, .. } = record;
        let identity = Identity::from(&report.id);
        if let Some(samples) = draw {
            // The old script knew no metrics of draws: its catalogue has none of them.
            let samples = self.pack(samples);
            return Gathered { complete_at: None, is_draw: true, record, identity, samples };
        }
        let observation = Observation {
            identity: &report.id,
            state: report.state.as_ref(),
            views: &report.views,
            checks: &checks,
            error: report.error.as_ref(),
            calculation: self.checker.checker.calculation(&report),
            requests: report.requests.as_ref(),
            policy: &self.checker.checker.policy,
            read_at: report.read_at,
        };
        let is_up = observation.is_up();
        let mut samples =
            if self.compat { compat::samples(&observation, exit.code(), now) } else { observation.samples() };
        samples.extend(ready);
        Gathered {
            complete_at: report.read_at.filter(|_| is_up),
            is_draw: false,
            record,
            identity,
            samples: self.pack(samples),
        }
    }

    /// Packs the samples of a record. The labels of `--label` replace own ones of the same names.
    fn pack(&self, mut samples: Vec<Sample>) -> Packed {
        for sample in &mut samples {
            sample.labels.retain(|(name, _)| !self.labels.iter().any(|(other, _)| other == name));
        }
        Packed::of(&samples, self.order())
    }

    /// Adds the labels and samples that need the whole run: the subscription's name, and when it last succeeded.
    pub(crate) fn label(
        &self,
        gathered: Vec<Gathered>,
        last_success: &mut LastSuccess,
    ) -> Vec<(Record, Labels, Packed)> {
        let names = subscriptions(gathered.iter().map(|gathered| &gathered.identity));
        let label = |(gathered, name): (Gathered, String)| {
            let Gathered { record, mut samples, complete_at, is_draw, .. } = gathered;
            let last_success = if is_draw { None } else { last_success.update(&name, complete_at) };
            let mut shared = self.labels.clone();
            if let Some(at) = last_success {
                samples.insert(&observe::last_success(at), self.order());
            }
            if !self.compat {
                put(&mut shared, "subscription", name);
            }
            (record, shared, samples)
        };
        gathered.into_iter().zip(names).map(label).collect()
    }

    /// Groups the samples of the run by family, and warns of records that are about the same subscription.
    pub(crate) fn exposition(&self, records: Vec<(Record, Labels, Packed)>, session: &Session) -> Exposition {
        let mut records: Vec<_> = records.into_iter().map(|(_, shared, samples)| (shared, samples)).collect();
        records.push((self.labels.clone(), self.pack(vec![observe::build()])));
        let exposition = Exposition::of(records, self.order(), &self.prefix);
        if exposition.repeated > 0 {
            let sentence = format!(
                "{} samples are left out: several records are about one subscription, the last one counts",
                exposition.repeated
            );
            session.log("warning", &sentence);
        }
        exposition
    }
}

/// The samples of a line of `dvrf-draw auto` or of `dvrf-fund --execute`; `None` for another record.
fn draw_line(record: &Record) -> Option<Vec<Sample>> {
    if record.get::<String>("schema").ok()?.as_deref() == Some(FUND_SCHEMA) {
        let line: FundLine = serde_json::from_value(record.to_value().ok()?).ok()?;
        return Some(observe::fund_line(&line));
    }
    if record.get::<String>("schema").ok()?.as_deref() != Some(DRAW_SCHEMA) {
        return None;
    }
    let line = AutoLine::from_value(record.to_value().ok()?).ok()?;
    Some(observe::draw_line(&line))
}

fn id_of_settings(settings: &Settings) -> SubscriptionId {
    let text = |variable| settings.text(variable).map(str::to_owned);
    SubscriptionId {
        name: None,
        profile: text(&variables::PROFILE),
        lottery: text(&variables::LOTTERY_ADDR),
        deposit: text(&variables::DEPOSIT_ADDR),
        client: text(&variables::CLIENT_ADDR).or_else(|| text(&variables::LOTTERY_ADDR)),
    }
}
