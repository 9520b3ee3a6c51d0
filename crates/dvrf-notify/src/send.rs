//! `dvrf-notify send`: reads records, notifies the channels of each verdict, and passes the records on.

use std::collections::BTreeSet;

use crate::args::{NotifyArgs, OutputFormat};
use crate::draw::DrawOutcome;
use crate::fund::{fund_key, is_fund_line};
use crate::notifier::{MEMORY_UNUSABLE, Notifier, NotifyReport, Planned, draw_key, subscription_key};
use dvrf_cli::args::StateArgs;
use dvrf_cli::channel::Level;
use dvrf_cli::checker::{Checked, RecordChecker};
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::legacy::unknown_client;
use dvrf_cli::low::low_exit;
use dvrf_cli::pipeline::{Consumer, consume, held_max};
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::stream::ReportItem;
use dvrf_cli::text::plain_lines;
use dvrf_cli::{CliError, Session};
use supra_core::record::Record;
use supra_core::report::SubscriptionId;
use supra_core::time::Clock;

/// The most text of messages that is sent to dead man's switches.
const PING_TEXT_BYTES_MAX: usize = 64 << 10;

pub(crate) fn send(
    args: &NotifyArgs,
    input: &InputArgs,
    policy: &PolicyArgs,
    session: &mut Session,
) -> Result<Exit, CliError> {
    // A state directory that cannot be used is logged and makes the run fail, but it silences nobody.
    let state_dir = StateArgs::open(&session.settings).inspect_err(|error| {
        session.log_error(error);
        session.log("warning", MEMORY_UNUSABLE);
    });
    let is_memory_unusable = state_dir.is_err();
    let state_dir = state_dir.unwrap_or_default();
    let checker = RecordChecker::with_state_dir(policy, session, state_dir.clone())?.with_history(session);
    let mut notifier = args.notifier(checker.checker.policy.clone(), session)?;
    (notifier.state_dir, notifier.is_memory_unusable) = (state_dir, is_memory_unusable);
    let heartbeat = notifier.start_heartbeat();
    let mut run = SendRun {
        args,
        checker,
        has_failed: is_memory_unusable || !notifier.broken.is_empty(),
        notifier,
        clock: Clock::starting(session.now),
        level: Level::Ok,
        messages: String::new(),
        batch: Vec::new(),
        held: BTreeSet::new(),
        batch_max: held_max(),
    };
    let result = consume(input, session, &mut run);
    // An aborted run is pinged as a failure.
    let exit = result.as_ref().map_or(Exit::CannotAnswer, |exit| *exit);
    let exit = if run.has_failed { Exit::CannotAnswer } else { exit };
    heartbeat.finish(run.level, exit, &run.messages, session);
    result.map(|_| exit)
}

/// A run of `send`: its records are held until the messages about all of them can be sent together.
struct SendRun<'a> {
    args: &'a NotifyArgs,
    checker: RecordChecker,
    notifier: Notifier,
    clock: Clock,
    level: Level,
    messages: String,
    has_failed: bool,
    batch: Vec<(Record, Planned)>,
    /// The subscriptions of the batch.
    held: BTreeSet<String>,
    /// The most records of a batch: each holds a lock.
    batch_max: usize,
}

impl SendRun<'_> {
    /// Finishes the batch if it or another run holds the lock of this subscription: a stream may have several records about
    /// one, and a run that waits for a lock must hold none that another waits for.
    fn release(&mut self, key: &str, session: &mut Session) -> Result<(), CliError> {
        if !self.batch.is_empty() && (self.held.contains(key) || self.notifier.is_locked(key)) {
            self.finish_held(session)?;
        }
        self.held.insert(key.to_owned());
        Ok(())
    }
}

impl SendRun<'_> {
    /// The exit of a verdict. The old script returned what the old monitor returned.
    fn exit_of(&self, verdict: &Checked, session: &Session) -> Result<Exit, CliError> {
        if session.old_script.is_none() {
            return Ok(verdict.exit);
        }
        if let Some(exit) = unknown_client(&verdict.report, session) {
            return Ok(exit);
        }
        if !self.args.output.fail_on_low {
            return Ok(Exit::Done);
        }
        let is_low = self.checker.checker.is_low(&verdict.report);
        Ok(low_exit(&verdict.report, is_low, session)?)
    }
}

impl Consumer for SendRun<'_> {
    fn take(&mut self, mut item: ReportItem, session: &mut Session) -> Result<Exit, CliError> {
        session.now = self.clock.now();
        self.notifier.silences = self.checker.silences(session);
        let lang = self.checker.checker.policy.lang;
        let (planned, exit) = if let Some(draw) = DrawOutcome::of(&item.record, lang) {
            let id = SubscriptionId::of(&item.record);
            let key = if is_fund_line(&item.record) {
                fund_key(&subscription_key(&id, &session.settings))
            } else {
                draw_key(&id, &session.settings)
            };
            self.release(&key, session)?;
            (self.notifier.plan_draw(&key, &item.record, &draw, session), draw.exit())
        } else {
            let verdict = self.checker.checks(&mut item, session)?;
            let key = subscription_key(&verdict.report.id, &session.settings);
            self.release(&key, session)?;
            let is_fault_logged = self.checker.state_failed();
            let exit = self.exit_of(&verdict, session)?;
            let mut planned = self.notifier.plan(&key, &item.record, &verdict, is_fault_logged, session);
            // The old payload said 1 for a low deposit that the old script failed on, and 0 otherwise.
            if session.old_script.is_some() {
                planned.set_old_exit(u8::from(exit == Exit::No));
            }
            (planned, exit)
        };
        self.level = self.level.max(planned.level.unwrap_or(Level::Ok));
        // A record without a message is not held, unless an earlier one is.
        let is_held = !self.batch.is_empty() || planned.has_messages();
        self.batch.push((item.record, planned));
        if !is_held || self.batch.len() >= self.batch_max {
            self.finish_held(session)?;
        }
        let is_muted = exit == Exit::No && !self.args.output.fail_on_low;
        Ok(if is_muted { Exit::Done } else { exit })
    }

    fn finish_held(&mut self, session: &mut Session) -> Result<(), CliError> {
        let (mut records, mut planned) = (Vec::new(), Vec::new());
        for (record, plan) in self.batch.drain(..) {
            records.push(record);
            planned.push(plan);
        }
        self.held.clear();
        self.notifier.deliver(&mut planned, session);
        for (mut record, Planned { report, .. }) in records.into_iter().zip(planned) {
            self.has_failed |= report.has_failed;
            if self.messages.len() < PING_TEXT_BYTES_MAX {
                report.messages.iter().for_each(|message| self.messages.push_str(&message.text()));
            }
            output(self.args, &mut record, &report, session)?;
        }
        Ok(())
    }

    fn holds(&self) -> bool {
        true
    }
}

fn output(
    args: &NotifyArgs,
    record: &mut Record,
    report: &NotifyReport,
    session: &mut Session,
) -> Result<(), CliError> {
    match args.output.format {
        OutputFormat::Json => {
            record.set("notifications", &report.notifications)?;
            session.out.record(record, args.output.pretty)
        }
        OutputFormat::Text => {
            for message in &report.messages {
                session.out.text(&plain_lines(&message.text()))?;
                if args.output.include_json {
                    session.out.record(record, true)?;
                }
            }
            Ok(())
        }
    }
}
