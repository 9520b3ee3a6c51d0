//! The notifier: applies verdicts to the alert states, delivers the messages of a batch, and reports the results.
//!
//! A batch is planned and saved first, and then delivered: so each channel is called for all subscriptions in one go, the
//! worst first, and a channel that fails does not delay the others.

mod acks;
pub(crate) mod apply;
pub(crate) mod log;
mod memory;
mod planned;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;

use self::apply::{apply, notification, unsent};
use self::log::log;
pub(crate) use self::memory::{draw_key, subscription_key};
use self::memory::{load, save, state_name};
pub(crate) use self::planned::{NotifyReport, Planned};
use crate::alert_state::{AlertRules, AlertState};
use crate::delivery::{Queue, WebhookSender, deliver_all, must_wait};
use crate::draw::DrawOutcome;
use crate::heartbeat::Heartbeat;
use crate::merge::{Parcel, parcels};
use crate::message::{Message, MessageTemplate};
use crate::notification::{DeliveryOutcome, Notification};
use crate::outbox::OutboxEntry;
use crate::planner::{Planner, Verdict};
use dvrf_cli::Session;
use dvrf_cli::card::network_of;
use dvrf_cli::channel::{Channel, ChannelKind};
use dvrf_cli::checker::Checked;
use dvrf_cli::settings::variables;
use dvrf_cli::silence::Silences;
use supra_core::check::Policy;
use supra_core::delivery::Attempt;
use supra_core::record::Record;
use supra_core::report::SubscriptionId;
use supra_core::state_dir::{LockedState, StateDir, StateError};

pub(crate) const MEMORY_UNUSABLE: &str = "the memory cannot be used: this run notifies as if there were none";

/// Notifies the channels of a run.
pub(crate) struct Notifier {
    pub(super) channels: Vec<Channel>,
    /// The channels whose configuration has a mistake; their messages wait.
    pub(super) broken: BTreeSet<String>,
    pub(super) template: MessageTemplate,
    /// The network of the settings, for records that name none and were not read from a chain.
    pub(super) network: Option<String>,
    pub(super) policy: Policy,
    pub(super) rules: AlertRules,
    /// The rules of subscriptions that have some of their own, by name.
    pub(super) own_rules: BTreeMap<String, AlertRules>,
    pub(super) silences: Silences,
    pub(super) state_dir: Option<StateDir>,
    /// Whether the configured state directory cannot be used.
    pub(super) is_memory_unusable: bool,
    pub(super) expire_after_s: i64,
    pub(super) dry_run: bool,
    pub(super) include_json: bool,
    /// The time for the deliveries of this run to one channel.
    pub(super) timeout: Duration,
    /// How much of it each channel has used.
    pub(super) spent: BTreeMap<String, Duration>,
    /// How long this run has waited for locks.
    pub(super) waited: Duration,
    /// The channels that failed in this run: they are not called again.
    pub(super) dead: BTreeSet<String>,
    pub(super) sender: WebhookSender,
    /// The longest wait for a dead man's switch: an unreachable one must not delay the run.
    pub(super) ping_timeout: Duration,
    pub(super) run_id: String,
}

impl Notifier {
    fn planner(&self) -> Planner<'_> {
        self.planner_of("")
    }

    fn planner_of(&self, name: &str) -> Planner<'_> {
        Planner {
            channels: &self.channels,
            template: &self.template,
            policy: &self.policy,
            silences: &self.silences,
            rules: self.own_rules.get(name).unwrap_or(&self.rules),
            include_json: self.include_json,
        }
    }

    /// Plans the messages about a verdict. `is_fault_logged` says that the checker has logged why the state directory cannot
    /// be used.
    pub(crate) fn plan(
        &mut self,
        key: &str,
        record: &Record,
        checked: &Checked,
        is_fault_logged: bool,
        session: &Session,
    ) -> Planned {
        let of_chain = || network_of(&checked.report);
        self.template.network = own_network(record).or_else(of_chain).or_else(|| self.network.clone());
        let document = self.document(record);
        let verdict = Verdict {
            key,
            name: checked.report.id.label(),
            checks: &checked.checks,
            state: checked.report.state.as_ref(),
            draw: None,
            record: document.as_ref(),
            now_s: session.now.as_second(),
        };
        self.plan_verdict(&verdict, is_fault_logged, session)
    }

    /// Plans the messages about a line of `dvrf-draw auto`.
    pub(crate) fn plan_draw(
        &mut self,
        key: &str,
        record: &Record,
        draw: &DrawOutcome,
        session: &Session,
    ) -> Planned {
        self.template.network = own_network(record).or_else(|| self.network.clone());
        let id = SubscriptionId::of(record);
        let document = self.document(record);
        let fallback = session.settings.text(&variables::PROFILE).unwrap_or("-");
        let verdict = Verdict {
            key,
            name: Some(id.label()).filter(|label| *label != "-").unwrap_or(fallback),
            checks: &draw.checks,
            state: None,
            draw: Some(draw),
            record: document.as_ref(),
            now_s: session.now.as_second(),
        };
        self.plan_verdict(&verdict, false, session)
    }

    /// The record for channels that attach it. One that is nested too deeply must not prevent the notification.
    fn document(&self, record: &Record) -> Option<Value> {
        self.planner().needs_record().then(|| record.to_value().unwrap_or(Value::Null))
    }

    fn plan_verdict(&mut self, verdict: &Verdict, is_fault_logged: bool, session: &Session) -> Planned {
        let planned = if self.dry_run {
            let (message, entries) = self.planner_of(verdict.name).report(verdict, &self.run_id);
            let notifications =
                entries.iter().map(|entry| unsent(entry, DeliveryOutcome::DryRun, None)).collect();
            let report = NotifyReport { messages: vec![message], notifications, has_failed: false };
            Planned { report, ..Planned::default() }
        } else {
            match self.load(verdict, is_fault_logged, session) {
                Ok(Some((file, state))) => self.plan_with_memory(file, state, verdict, session),
                Ok(None) => {
                    let (message, due) = self.planner_of(verdict.name).report(verdict, &self.run_id);
                    planned(message, due, false)
                }
                // The channels are notified all the same, but the run fails.
                Err(()) => {
                    let (message, due) = self.planner_of(verdict.name).fallback(verdict, &self.run_id);
                    planned(message, due, true)
                }
            }
        };
        Planned { level: Some(self.planner().level(verdict)), ..planned }
    }

    /// Whether a run holds the lock of this subscription at the moment.
    pub(crate) fn is_locked(&self, key: &str) -> bool {
        let lock = |state_dir: &StateDir| state_dir.lock(&state_name(key), Duration::ZERO);
        matches!(self.state_dir.as_ref().map(lock), Some(Err(StateError::Busy { .. })))
    }

    /// Locks and reads the alert state of a subscription; `None` without a state directory, an error if it cannot be used,
    /// which is logged once.
    fn load(
        &mut self,
        verdict: &Verdict,
        is_fault_logged: bool,
        session: &Session,
    ) -> Result<Option<(LockedState, AlertState)>, ()> {
        let Some(state_dir) = self.state_dir.clone() else {
            return if self.is_memory_unusable { Err(()) } else { Ok(None) };
        };
        // Another run may hold the lock for as long as its deliveries may take.
        let wait = (self.timeout + Duration::from_secs(1)).saturating_sub(self.waited);
        let start = Instant::now();
        let result = load(&state_dir, wait, verdict, session);
        self.waited += start.elapsed();
        result.map(Some).map_err(|error| {
            if !std::mem::replace(&mut self.is_memory_unusable, true) {
                if !is_fault_logged {
                    session.log_error(&error.into());
                }
                session.log("warning", MEMORY_UNUSABLE);
            }
        })
    }

    fn plan_with_memory(
        &self,
        file: LockedState,
        mut state: AlertState,
        verdict: &Verdict,
        session: &Session,
    ) -> Planned {
        let plan = self.planner_of(verdict.name).update(&mut state, verdict);
        let mut notifications = Vec::new();
        for entry in &plan.dropped {
            let why = "too many messages wait for this channel; newer ones about the same problem are kept";
            notifications.push(unsent(entry, DeliveryOutcome::Dropped, Some(why)));
        }
        let due = self.due(&mut state, verdict.now_s, &mut notifications);
        // The outbox is on disk before its first message is sent, so that no message is lost.
        let has_failed = !save(&file, &state, session);
        self.forget_acks(&plan.resolved, verdict, session);
        let report = NotifyReport { messages: plan.messages, notifications, has_failed };
        Planned {
            memory: Some((file, state)),
            name: verdict.name.to_owned(),
            now_s: verdict.now_s,
            due,
            report,
            ..Planned::default()
        }
    }

    /// The messages of the outbox that can be sent now; for the others, a notification explains why not.
    fn due(
        &self,
        state: &mut AlertState,
        now_s: i64,
        notifications: &mut Vec<Notification>,
    ) -> Vec<OutboxEntry> {
        let mut due = Vec::new();
        let entries: Vec<OutboxEntry> = state.outbox.iter().cloned().collect();
        for entry in entries {
            let mut waits = |why: &str| {
                notifications.push(unsent(&entry, DeliveryOutcome::Queued, Some(why)));
            };
            let Some(channel) = self.channels.iter().find(|channel| channel.name == entry.channel) else {
                if self.broken.contains(&entry.channel) {
                    waits("the channel's configuration has a mistake");
                } else if state.outbox.expire(&entry.channel, &entry.message.id, now_s, self.expire_after_s) {
                    let why = "the channel is no longer configured";
                    notifications.push(unsent(&entry, DeliveryOutcome::Expired, Some(why)));
                } else {
                    waits("the channel is no longer configured");
                }
                continue;
            };
            if state.closed.get(&channel.name) == Some(&channel.address_hash()) {
                waits("the receiver closed this address for good (410): give a new one");
            } else if let Some(until) = entry.not_before_s.filter(|until| now_s < *until) {
                waits(&format!("the receiver asked to wait for another {} s", until.saturating_sub(now_s)));
            } else {
                due.push(entry);
            }
        }
        due
    }

    /// Delivers the messages of a batch, worst first, and completes the reports.
    pub(crate) fn deliver(&mut self, batch: &mut [Planned], session: &Session) {
        let mut order: Vec<usize> = (0..batch.len()).collect();
        order.sort_by_key(|number| std::cmp::Reverse(batch.get(*number).and_then(|planned| planned.level)));
        let due: Vec<(usize, OutboxEntry)> = order
            .iter()
            .filter_map(|number| Some((*number, std::mem::take(&mut batch.get_mut(*number)?.due))))
            .flat_map(|(number, due)| due.into_iter().map(move |entry| (number, entry)))
            .collect();
        let (clock, expire_after_s) = (self.sender.clock, self.expire_after_s);
        let mut reached = BTreeSet::new();
        self.send(&due, |channel, parcel, attempt| {
            let mut numbers = BTreeSet::new();
            for (number, id) in &parcel.members {
                let Some(planned) = batch.get_mut(*number) else { continue };
                reached.insert((channel.name.clone(), id.clone()));
                let mut outcome = DeliveryOutcome::Failed;
                if let Some((file, state)) = &mut planned.memory {
                    outcome = apply(state, channel, id, attempt, clock.now_s(), expire_after_s);
                    // Only the first failure is logged: a full disk fails every time.
                    planned.report.has_failed = planned.report.has_failed || !save(file, state, session);
                }
                // A message that stands for several is one notification of the record.
                if numbers.insert(*number) {
                    let told = notification(channel, &parcel.message, attempt, outcome);
                    planned.report.notifications.push(told);
                }
            }
        });
        for (number, entry) in &due {
            if let Some(planned) = batch.get_mut(*number)
                && !reached.contains(&(entry.channel.clone(), entry.message.id.clone()))
            {
                let is_kept = planned.memory.is_some();
                let outcome = if is_kept { DeliveryOutcome::Queued } else { DeliveryOutcome::Failed };
                let why = "a message before it has to wait";
                planned.report.notifications.push(unsent(entry, outcome, Some(why)));
            }
        }
        self.complete(batch, session);
    }

    /// Marks the records of which a channel was not notified, and logs each reason once per channel.
    fn complete(&self, batch: &mut [Planned], session: &Session) {
        let mut behind: BTreeSet<String> = BTreeSet::new();
        for planned in batch.iter_mut() {
            let not_taken = planned
                .memory
                .as_ref()
                .map(|(_, state)| self.planner().not_taken(state, &planned.name, planned.now_s));
            let not_taken = not_taken.unwrap_or_default();
            let failed = planned.report.notifications.iter().any(|told| told.outcome.is_failure());
            planned.report.has_failed |= failed || !not_taken.is_empty();
            // Channels answer in any order; the record has one.
            let place = |told: &Notification| self.channels.iter().position(|c| c.name == told.channel);
            planned.report.notifications.sort_by_key(place);
            behind.extend(not_taken);
        }
        let notifications: Vec<&Notification> =
            batch.iter().flat_map(|planned| &planned.report.notifications).collect();
        log(&notifications, session);
        for channel in behind {
            let is_said = |told: &&Notification| told.channel == channel && told.outcome.is_failure();
            if !notifications.iter().any(is_said) {
                let text = format!(
                    "channel {channel}: it refused the message about a problem that is still open; see docs/reference/notify.md"
                );
                session.log("error", &text);
            }
        }
    }

    /// Sends messages, each channel within the time that it has left. A channel that fails is not called again.
    pub(crate) fn send(
        &mut self,
        due: &[(usize, OutboxEntry)],
        mut on_attempt: impl FnMut(&Channel, &Parcel, &Attempt),
    ) {
        let start = Instant::now();
        let (spent, dead) = (&mut self.spent, &mut self.dead);
        let mut queues = Vec::new();
        for channel in self.channels.iter().filter(|channel| !dead.contains(&channel.name)) {
            let of_channel = due.iter().filter(|(_, entry)| entry.channel == channel.name);
            let entries: Vec<_> = of_channel.map(|(number, entry)| (*number, entry)).collect();
            let used = spent.get(&channel.name).copied().unwrap_or_default();
            let sender =
                WebhookSender { deadline: start + self.timeout.saturating_sub(used), ..self.sender.clone() };
            queues.push(Queue { channel, sender, parcels: parcels(channel.kind, &entries) });
        }
        queues.retain(|queue| !queue.parcels.is_empty());
        // Where no thread can be started, one channel comes after another: those that failed before are the last.
        let newest = due.iter().map(|(_, entry)| entry.queued_at_s).max().unwrap_or_default();
        queues.sort_by_key(|queue| queue.parcels.iter().any(|parcel| parcel.message.at_s < newest));
        deliver_all(&queues, |channel, parcel, attempt| {
            *spent.entry(channel.name.clone()).or_default() = start.elapsed();
            if must_wait(&attempt) {
                dead.insert(channel.name.clone());
            }
            on_attempt(channel, parcel, &attempt);
        });
    }

    /// Starts the pings of the dead man's switches; there are none in a dry run.
    pub(crate) fn start_heartbeat(&self) -> Heartbeat {
        let is_pinged = |channel: &&Channel| channel.kind == ChannelKind::Ping && !self.dry_run;
        let channels = self.channels.iter().filter(is_pinged).cloned().collect();
        Heartbeat::start(channels, self.sender.clone(), self.ping_timeout, self.run_id.clone())
    }
}

/// The network that a record names.
fn own_network(record: &Record) -> Option<String> {
    record.get("network").ok().flatten()
}

fn planned(message: Message, due: Vec<OutboxEntry>, has_failed: bool) -> Planned {
    let report = NotifyReport { messages: vec![message], notifications: Vec::new(), has_failed };
    Planned { due, report, ..Planned::default() }
}
