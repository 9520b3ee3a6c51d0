//! Records as series: what each says, what it is called, and when it was last complete.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::metrics::identity::subscriptions;
use crate::metrics::label::put;
use crate::metrics::observe::{self, Observation};
use crate::metrics::{Point, compat};
use crate::output::Plan;
use dvrf_cli::args::StateArgs;
use dvrf_cli::checker::Checked;
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::pipeline::each;
use dvrf_cli::settings::variables;
use dvrf_cli::stream::ReportItem;
use dvrf_cli::{CliError, Session};
use supra_core::record::Record;
use supra_core::report::SubscriptionId;
use supra_core::state_dir::LockedState;

/// A record and its points, without what needs the others to be known.
pub(super) struct Seen {
    record: Record,
    identity: SubscriptionId,
    complete_at: Option<Timestamp>,
    points: Vec<Point>,
}

/// What a record says.
struct Picture {
    record: Record,
    checked: Checked,
    low: Option<bool>,
}

impl Plan {
    /// Reads all records of the run; a series can only be printed once all of its family are known.
    pub(super) fn gather(
        &self,
        input: &InputArgs,
        session: &mut Session,
    ) -> Result<(Vec<Seen>, Exit), CliError> {
        let mut all = Vec::new();
        let mut last = None;
        let exit = each(input, session, |item, session| {
            let picture = self.picture(item, session)?;
            let exit = if self.fail_on_low { picture.low_exit(session) } else { Exit::Done };
            // A fleet's pictures would fill the memory: only one is kept, until it is known not to be alone.
            all.extend(last.replace(picture).map(|before| self.seen(before, session.now)));
            Ok(exit)
        })?;
        if let Some(mut last) = last {
            // A run that failed before it knew its target is still the one that the settings name.
            if all.is_empty() && last.checked.report.id == SubscriptionId::default() {
                last.checked.report.id = named_by_settings(session);
            }
            all.push(self.seen(last, session.now));
        }
        Ok((all, exit))
    }

    fn picture(&self, item: &mut ReportItem, session: &Session) -> Result<Picture, CliError> {
        let checked = self.checker.checks(item, session)?;
        Ok(Picture {
            low: self.checker.checker.is_low(&checked.report),
            checked,
            // Only the JSON form prints the records.
            record: if self.keeps_records { std::mem::take(&mut item.record) } else { Record::new() },
        })
    }

    fn seen(&self, picture: Picture, now: Timestamp) -> Seen {
        let Picture { record, checked: Checked { report, checks, .. }, low } = picture;
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
        let up = observation.is_up();
        let mut points = if self.compat {
            let exit = if up { u8::from(self.fail_on_low && low == Some(true)) } else { 2 };
            compat::points(&observation, exit, now)
        } else {
            observation.points()
        };
        points.shrink_to_fit();
        Seen { complete_at: report.read_at.filter(|_| up), record, identity: report.id, points }
    }

    /// Every record and its points with the labels that they share.
    pub(super) fn points(&self, seen: Vec<Seen>, memory: &mut Memory) -> Vec<(Record, Vec<Point>)> {
        let names = subscriptions(seen.iter().map(|seen| &seen.identity));
        let whole = |(seen, name): (Seen, String)| {
            let Seen { record, mut points, .. } = seen;
            let last_success = memory.last_success(&name, seen.complete_at);
            let mut shared = self.labels.clone();
            if !self.compat {
                points.reserve_exact(1);
                points.extend(last_success.map(observe::last_success));
                put(&mut shared, "subscription", name);
            }
            let shared = Arc::new(shared);
            for point in &mut points {
                point.series.share(&shared);
            }
            (record, points)
        };
        seen.into_iter().zip(names).map(whole).collect()
    }
}

impl Picture {
    /// Said on stderr and by the code; a deposit that is not known is neither low nor fine.
    fn low_exit(&self, session: &Session) -> Exit {
        match self.low {
            Some(false) => Exit::Done,
            Some(true) => {
                let name = self.checked.report.id.label();
                session.say("error", &format!("{name}: the deposit is low"));
                Exit::No
            }
            None => Exit::CannotAnswer,
        }
    }
}

fn named_by_settings(session: &Session) -> SubscriptionId {
    let text = |variable| session.settings.text(variable).map(str::to_owned);
    SubscriptionId {
        name: None,
        profile: text(&variables::PROFILE),
        lottery: text(&variables::LOTTERY_ADDR),
        deposit: text(&variables::DEPOSIT_ADDR),
        client: text(&variables::CLIENT_ADDR).or_else(|| text(&variables::LOTTERY_ADDR)),
    }
}

/// When each subscription's report was last complete: within a process, or in a state directory.
#[derive(Default)]
pub(super) struct Memory {
    last_success: BTreeMap<String, i64>,
    held: Option<LockedState>,
}

const KIND: &str = "json";

impl Memory {
    /// Reads the state directory. What goes wrong with it is said and costs only the memory: metrics go out.
    pub(super) fn load(session: &Session) -> Self {
        let lock = StateArgs::open(&session.settings).and_then(|directory| {
            Ok(directory.map(|directory| directory.lock("prom", Duration::from_secs(5))).transpose()?)
        });
        let held = match lock {
            Ok(Some(held)) => held,
            Ok(None) => return Self::default(),
            Err(failure) => {
                session.say_failure(&failure);
                return Self::default();
            }
        };
        let last_success = match held.read(KIND) {
            Ok(None) => BTreeMap::new(),
            Ok(Some(bytes)) => serde_json::from_slice(&bytes).unwrap_or_else(|_| {
                if let Ok(aside) = held.quarantine(KIND) {
                    let sentence =
                        format!("the memory of prom was not readable and is now {}", aside.display());
                    session.say("warning", &sentence);
                }
                BTreeMap::new()
            }),
            Err(error) => {
                session.say_failure(&error.into());
                return Self::default();
            }
        };
        Self { last_success, held: Some(held) }
    }

    /// Notes a success, and says when the last one was; a clock that jumped back does not undo a later one.
    fn last_success(&mut self, name: &str, success: Option<Timestamp>) -> Option<Timestamp> {
        if let Some(success) = success {
            let last = self.last_success.entry(name.to_owned()).or_insert(i64::MIN);
            *last = success.as_second().max(*last);
        }
        self.last_success.get(name).and_then(|seconds| Timestamp::from_second(*seconds).ok())
    }

    /// Takes over what another run knows, and its lock.
    pub(super) fn merge(&mut self, other: Self) {
        for (name, seconds) in other.last_success {
            let last = self.last_success.entry(name).or_insert(seconds);
            *last = seconds.max(*last);
        }
        self.held = other.held;
    }

    /// Writes the state directory back and releases it.
    pub(super) fn save(&mut self, session: &Session) {
        let Some(held) = self.held.take() else { return };
        let bytes = serde_json::to_vec(&self.last_success).unwrap_or_default();
        if let Err(error) = held.replace(KIND, &bytes) {
            session.say_failure(&error.into());
        }
    }
}
