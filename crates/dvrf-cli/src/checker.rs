//! Checks the records of a stream: applies the policy, dates pending requests, maps verdicts to exits.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use supra_core::amount::Count;
use supra_core::check::{Checker, Checks, Policy, Status, evaluate_failure};
use supra_core::error::Error;
use supra_core::failure::{Failure, FailureKind};
use supra_core::history::{self, LockedHistory, Point};
use supra_core::network::Network;
use supra_core::record::{Record, RecordError};
use supra_core::report::{Report, ReportError, SubscriptionId};
use supra_core::stable_id::stable_id;
use supra_core::state::State;
use supra_core::state::consumer::{Consumer, RequestOutcome};
use supra_core::state_dir::StateDir;

use crate::args::StateArgs;
use crate::exit::Exit;
use crate::policy::PolicyArgs;
use crate::silence::{CurrentSilences, Silences};
use crate::stream::ReportItem;
use crate::{CliError, Session, chain};

/// How long to wait for another run that holds the lock of a pending request.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// How long to wait for another run that adds to a history.
const HISTORY_WAIT: Duration = Duration::from_secs(1);

/// Checks the records of one run; flags and settings are read once.
pub struct RecordChecker {
    /// The rules.
    pub checker: Checker,
    /// The rules of subscriptions that have thresholds of their own, by name.
    own: BTreeMap<String, Checker>,
    /// The network of the settings.
    network: Option<Network>,
    /// Where the time at which a pending request was first seen is kept.
    state_dir: Option<StateDir>,
    silences: RefCell<CurrentSilences>,
    /// Whether it could not be used, which is logged once.
    state_failed: Cell<bool>,
    /// Whether the history of each subscription is read and, where this process reads the chain, written.
    has_history: bool,
}

/// A record's report and verdict.
pub struct Checked {
    /// The typed report; values that could not be read are absent.
    pub report: Report,
    /// The verdict.
    pub checks: Checks,
    /// What earlier runs and this one read, in the order of time; empty without a history.
    pub history: Vec<Point>,
    /// The exit that the verdict maps to.
    pub exit: Exit,
}

/// A pending request that an earlier run has seen.
#[derive(Serialize, Deserialize)]
struct PendingSince {
    nonce: Option<Count>,
    /// The number of requests that the lottery had made.
    #[serde(default)]
    round: Option<Count>,
    /// RFC 3339.
    since: String,
}

impl RecordChecker {
    /// Reads flags and settings.
    pub fn new(args: &PolicyArgs, session: &Session) -> Result<Self, Error> {
        Self::with_state_dir(args, session, StateArgs::open(&session.settings)?)
    }

    /// Reads flags and settings, for a caller that opens the state directory itself.
    pub fn with_state_dir(
        args: &PolicyArgs,
        session: &Session,
        state_dir: Option<StateDir>,
    ) -> Result<Self, Error> {
        let calculation = crate::connect::calculation(&session.settings)?;
        let all_aggregators = session.old_script.is_some();
        let checker = |policy| Checker {
            policy: Policy { all_aggregators, ..policy },
            calculation: calculation.clone(),
        };
        let own = args.of_subscriptions(&session.settings)?;
        Ok(Self {
            own: own.into_iter().map(|(name, policy)| (name, checker(policy))).collect(),
            checker: checker(args.policy(&session.settings)?),
            network: crate::args::network(&session.settings)?,
            state_dir,
            silences: RefCell::default(),
            state_failed: Cell::new(false),
            has_history: false,
        })
    }

    /// The rules of a subscription. One on another network than that of the settings has that network's chain id.
    fn of(&self, id: &SubscriptionId, network: Option<Network>) -> Cow<'_, Checker> {
        let rules = id.name.as_ref().and_then(|name| self.own.get(name)).unwrap_or(&self.checker);
        let expected = network.filter(|_| network != self.network).map(Network::chain_id);
        if expected.is_none() || expected == rules.policy.chain_id {
            return Cow::Borrowed(rules);
        }
        let policy = Policy { chain_id: expected, ..rules.policy.clone() };
        Cow::Owned(Checker { policy, calculation: rules.calculation.clone() })
    }

    /// A checker with the usual policy and a history, for a tool that only shows: a state directory that cannot be used is
    /// logged and left out.
    pub fn to_show(session: &Session) -> Result<Self, Error> {
        let state_dir = StateArgs::open(&session.settings).inspect_err(|error| session.log_error(error));
        let state_dir = state_dir.unwrap_or_default();
        Ok(Self::with_state_dir(&PolicyArgs::default(), session, state_dir)?.with_history(session))
    }

    /// A checker that only adds to histories; `None` without a state directory. Wrong settings are reported where the chain is
    /// read.
    pub fn to_note(session: &Session) -> Option<Self> {
        let state_dir =
            StateArgs::open(&session.settings).inspect_err(|error| session.log_error(error)).ok()?;
        let checker = Self::with_state_dir(&PolicyArgs::default(), session, Some(state_dir?)).ok()?;
        Some(checker.with_history(session))
    }

    /// Lets the checker read the history of each subscription, forecast from it, and add a point for what this process reads
    /// from the chain. The old scripts had none.
    #[must_use]
    pub fn with_history(self, session: &Session) -> Self {
        Self { has_history: session.old_script.is_none(), ..self }
    }

    /// Checks a record. A record whose keys cannot be parsed is logged and gets the status unknown.
    pub fn check(&self, item: &mut ReportItem, session: &Session) -> Checked {
        let is_live = item.live_report().is_some();
        let network = record_network(&item.record);
        match item.report() {
            Ok(report) => self.check_dated(report, network, is_live, session),
            Err(error) => self.unreadable(item, &error, session),
        }
    }

    /// Checks a report that this process read from the chain.
    pub fn check_report(&self, report: Report, session: &Session) -> Checked {
        self.check_dated(report, self.network, true, session)
    }

    fn check_dated(
        &self,
        mut report: Report,
        network: Option<Network>,
        is_live: bool,
        session: &Session,
    ) -> Checked {
        self.remember_consumer(&mut report, session);
        let pending_since =
            report.state.as_ref().and_then(|state| self.pending_since(state, &report, session));
        let (mut history, file) = self.history(&report.id, is_live, session);
        let checker = self.of(&report.id, network);
        let checks = checker.check_with_history(&report, pending_since, &history, session.now);
        let mut checks =
            if session.old_script.is_some() { checks.by_old_rules(&report, &checker.policy) } else { checks };
        self.note_silences(&report.id, &mut checks, session);
        if let Some(file) = file {
            let point = Point::of(&report, &checks, session.now);
            history.push(point.clone());
            if let Err(error) = file.append(point) {
                self.state_has_failed(&error.into(), session);
            }
        }
        Checked { exit: exit_of(&checks), report, checks, history }
    }

    /// Reads the history of a subscription, and locks it if this run adds a point. A history that fails is logged and changes
    /// nothing else.
    fn history(
        &self,
        id: &SubscriptionId,
        is_live: bool,
        session: &Session,
    ) -> (Vec<Point>, Option<LockedHistory>) {
        let Some(directory) = self.state_dir.as_ref().filter(|_| self.has_history) else {
            return (Vec::new(), None);
        };
        let read = if is_live {
            LockedHistory::open(directory, id, HISTORY_WAIT).map(|file| (file.points(), Some(file)))
        } else {
            history::read(directory, id).map(|points| (points, None))
        };
        read.unwrap_or_else(|error| {
            self.state_has_failed(&error.into(), session);
            (Vec::new(), None)
        })
    }

    /// What is silenced now.
    pub fn silences(&self, session: &Session) -> Silences {
        self.silences.borrow_mut().get(self.state_dir.as_ref(), session).clone()
    }

    /// Notes what is silenced now. The old scripts had nothing of the kind.
    fn note_silences(&self, id: &SubscriptionId, checks: &mut Checks, session: &Session) {
        if session.old_script.is_none() {
            checks.note_silences(id.label(), &self.silences(session).0);
        }
    }

    fn state_has_failed(&self, error: &Error, session: &Session) {
        if !self.state_failed.replace(true) {
            session.log_error(error);
        }
    }

    /// The verdict that an earlier stage wrote into the record; without one, checks the record and writes the verdict.
    ///
    /// A verdict of another shape, perhaps of a later version, is replaced, and so is one about a report that is too old or
    /// cannot be read.
    pub fn checks(&self, item: &mut ReportItem, session: &Session) -> Result<Checked, CliError> {
        if let Ok(Some(mut checks)) = item.record.get::<Checks>("checks")
            && let Ok(report) = item.report()
            && !self.checker.is_stale(&report, session.now)
        {
            let (history, _) = self.history(&report.id, false, session);
            self.note_silences(&report.id, &mut checks, session);
            return Ok(Checked { exit: exit_of(&checks), report, checks, history });
        }
        let checked = self.check(item, session);
        item.record.set("checks", &checked.checks)?;
        Ok(checked)
    }

    /// Adds what this process read from the chain to the history of its subscription, for a tool that gives no verdict.
    pub fn note(&self, item: &ReportItem, session: &Session) {
        let Some(report) = item.live_report() else { return };
        let (history, Some(file)) = self.history(&report.id, true, session) else { return };
        let checks = self.checker.check_with_history(report, None, &history, session.now);
        let point = Point { verdict: None, ..Point::of(report, &checks, session.now) };
        if let Err(error) = file.append(point) {
            self.state_has_failed(&error.into(), session);
        }
    }

    /// Whether the state directory could not be used, which has been logged.
    pub fn state_failed(&self) -> bool {
        self.state_failed.get()
    }

    fn unreadable(&self, item: &ReportItem, error: &RecordError, session: &Session) -> Checked {
        let report = Report::readable(&item.record);
        let message = chain(error);
        session.log("error", &format!("{}: {message}", report.id.label()));
        let failure = Failure::new(FailureKind::Input, message);
        let checks = evaluate_failure(&ReportError::new(&failure, None), &self.checker.policy);
        Checked { exit: exit_of(&checks), report, checks, history: Vec::new() }
    }

    /// When the pending request was first seen. A state directory that fails is logged and costs only the age.
    fn pending_since(&self, state: &State, report: &Report, session: &Session) -> Option<Timestamp> {
        let state_dir = self.state_dir.as_ref()?;
        let remembered = remember_pending(state_dir, state, report, session.now);
        remembered.unwrap_or_else(|failure| {
            self.state_has_failed(&failure, session);
            None
        })
    }

    /// Dates what waits in the contract of a layout: requests without a time, and conditions that must last.
    fn remember_consumer(&self, report: &mut Report, session: &Session) {
        let Some(state_dir) = &self.state_dir else { return };
        let name = format!("seen-{}", target_id(&report.id));
        let now = report.read_at.unwrap_or(session.now);
        let is_whole =
            report.views.iter().all(|(key, view)| !key.starts_with("consumer.") || view.error.is_none());
        let Some(consumer) = report.state.as_mut().and_then(|state| state.consumer.as_mut()) else { return };
        if let Err(failure) = remember_seen(state_dir, &name, consumer, is_whole, now) {
            self.state_has_failed(&failure, session);
        }
    }
}

/// Fills in since when requests and conditions have been seen. What is no longer seen is forgotten, unless the contract
/// was not read as a whole.
fn remember_seen(
    state_dir: &StateDir,
    name: &str,
    consumer: &mut Consumer,
    is_whole: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let held = state_dir.lock(name, LOCK_WAIT)?;
    let known =
        held.read("json")?.and_then(|bytes| serde_json::from_slice::<BTreeMap<String, String>>(&bytes).ok());
    let before = known.unwrap_or_default();
    let mut seen = if is_whole { BTreeMap::new() } else { before.clone() };
    let mut date = |label: String| {
        let since =
            before.get(&label).filter(|since| since.parse::<Timestamp>().is_ok_and(|since| since <= now));
        let since = since.cloned().unwrap_or_else(|| now.to_string());
        seen.insert(label, since.clone());
        Some(since)
    };
    for request in consumer.requests.iter_mut().filter(|request| request.outcome == RequestOutcome::Pending) {
        request.first_seen = date(request.label());
    }
    for watch in consumer.watches.iter_mut().filter(|watch| watch.holds == Some(true)) {
        watch.first_seen = date(watch.label());
    }
    if seen != before {
        held.replace("json", &serde_json::to_vec(&seen).unwrap_or_default())?;
    }
    Ok(())
}

fn remember_pending(
    state_dir: &StateDir,
    state: &State,
    report: &Report,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let nonce = state.lottery.pending_nonce.as_ref().and_then(|nonce| nonce.0);
    let Some(pending) = state.lottery.pending_request else { return Ok(None) };
    let held = state_dir.lock(&memory_name(&report.id), LOCK_WAIT)?;
    let known = held.read("json")?.and_then(|bytes| serde_json::from_slice::<PendingSince>(&bytes).ok());
    let round = state.lottery.rng_request_count;
    if known.as_ref().and_then(|seen| seen.round).zip(round).is_some_and(|(seen, found)| found < seen) {
        // The node is behind the one that an earlier run asked.
        return Ok(None);
    }
    if !pending {
        if known.is_some() {
            held.replace("json", b"null")?;
        }
        return Ok(None);
    }
    // A nonce or a counter that could not be read does not start a new age.
    let agrees = |a: Option<Count>, b: Option<Count>| a.is_none() || b.is_none() || a == b;
    let same = |seen: &PendingSince| agrees(seen.nonce, nonce) && agrees(seen.round, round);
    let known = known.filter(same);
    let known_since = known.as_ref().and_then(|seen| seen.since.parse().ok());
    let adds_nothing = |seen: PendingSince| {
        (nonce.is_none() || seen.nonce == nonce) && (round.is_none() || seen.round == round)
    };
    if known.is_some_and(adds_nothing) && known_since.is_some() {
        return Ok(known_since);
    }
    let since = known_since.or(report.read_at).unwrap_or(now);
    let seen = PendingSince { nonce, round, since: since.to_string() };
    held.replace("json", &serde_json::to_vec(&seen).unwrap_or_default())?;
    Ok(Some(since))
}

/// The name of the state file: one for each lottery of each client.
fn memory_name(id: &SubscriptionId) -> String {
    format!("pending-{}", target_id(id))
}

fn target_id(id: &SubscriptionId) -> String {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let target = format!("{} {} {}", text(&id.deposit), text(&id.client), text(&id.lottery));
    stable_id(&[&target])
}

/// The network that a record names.
fn record_network(record: &Record) -> Option<Network> {
    let name = record.get::<String>("network").ok().flatten()?;
    Network::named(&name)
}

fn exit_of(checks: &Checks) -> Exit {
    match checks.status {
        Status::Ok => Exit::Done,
        Status::Alert => Exit::No,
        Status::Unknown => Exit::CannotAnswer,
    }
}
