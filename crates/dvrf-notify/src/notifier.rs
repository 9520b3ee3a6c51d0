//! The notifier: applies each verdict to the alert state, delivers the messages, and reports the results.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::alert_state::{AlertRules, AlertState, RefusedAddress};
use crate::delivery::{WebhookSender, deliver_all};
use crate::heartbeat::Heartbeat;
use crate::message::{Message, MessageTemplate};
use crate::notification::{DeliveryOutcome, Notification};
use crate::outbox::OutboxEntry;
use crate::planner::{Planner, Verdict};
use crate::response::is_gone;
use dvrf_cli::Session;
use dvrf_cli::channel::{Channel, ChannelKind};
use dvrf_cli::checker::Checked;
use dvrf_cli::settings::{Settings, variables};
use supra_core::check::Policy;
use supra_core::delivery::{Attempt, Disposition};
use supra_core::failure::{Failure, FailureKind, quote};
use supra_core::record::Record;
use supra_core::report::SubscriptionId;
use supra_core::stable_id::stable_id;
use supra_core::state_dir::{LockedState, StateDir, StateError};

/// The longest wait that a receiver can ask for, in seconds.
const HOLD_S_MAX: i64 = 3600;

/// The result of notifying the channels of one verdict.
#[derive(Debug, Default)]
pub(crate) struct NotifyReport {
    /// The new messages, or those that a dry run would send.
    pub messages: Vec<Message>,
    /// The result of each message on each channel.
    pub notifications: Vec<Notification>,
    /// Whether another run kept the alert state locked for too long.
    pub is_busy: bool,
    /// Whether a channel was not notified, or the alert state could not be saved.
    pub has_failed: bool,
    /// Channels whose refused address was logged by an earlier run.
    known_refusals: BTreeSet<String>,
}

/// Notifies the channels of a run.
pub(crate) struct Notifier {
    pub(super) channels: Vec<Channel>,
    pub(super) template: MessageTemplate,
    pub(super) policy: Policy,
    pub(super) rules: AlertRules,
    pub(super) state_dir: Option<StateDir>,
    pub(super) expire_after_s: i64,
    pub(super) dry_run: bool,
    pub(super) include_json: bool,
    /// The time that is left for the deliveries of this run.
    pub(super) remaining: Duration,
    pub(super) sender: WebhookSender,
    /// The longest wait for a dead man's switch: an unreachable one must not delay the run.
    pub(super) ping_timeout: Duration,
    pub(super) run_id: String,
}

/// The identity of a subscription. Settings stand in for addresses that the report lacks, so that a run that could not
/// read the chain finds the same state.
fn subscription_key(id: &SubscriptionId, settings: &Settings) -> String {
    let part = |read: &Option<String>, variable| {
        read.clone().or_else(|| settings.text(variable).map(str::to_owned)).unwrap_or_else(|| "-".to_owned())
    };
    let lottery = part(&id.lottery, &variables::LOTTERY_ADDR);
    let client = match part(&id.client, &variables::CLIENT_ADDR) {
        client if client == "-" => lottery.clone(),
        client => client,
    };
    format!("{} {lottery} {client}", part(&id.deposit, &variables::DEPOSIT_ADDR))
}

impl Notifier {
    fn planner(&self) -> Planner<'_> {
        Planner {
            channels: &self.channels,
            template: &self.template,
            policy: &self.policy,
            rules: &self.rules,
            include_json: self.include_json,
        }
    }

    /// Notifies the channels of a verdict.
    pub(crate) fn notify(&mut self, record: &Record, checked: &Checked, session: &Session) -> NotifyReport {
        let id = &checked.report.id;
        let key = subscription_key(id, &session.settings);
        // A record that is nested too deeply to attach must not prevent the notification.
        let document = self.planner().needs_record().then(|| record.to_value().unwrap_or(Value::Null));
        let verdict = Verdict {
            key: &key,
            name: id.label(),
            checks: &checked.checks,
            state: checked.report.state.as_ref(),
            record: document.as_ref(),
            now_s: session.now.as_second(),
        };
        let state_dir = self.state_dir.as_ref().filter(|_| !self.dry_run);
        let report = match state_dir.map(|state_dir| self.load(state_dir, &verdict, session)) {
            None => self.notify_without_state(&verdict),
            Some(Ok((file, state))) => self.notify_with_state(&file, state, &verdict, session),
            Some(Err(error @ StateError::Busy { .. })) => {
                session.log("warning", &format!("{error}; that run sends the alerts, this one does not"));
                NotifyReport { is_busy: true, ..NotifyReport::default() }
            }
            // Without usable state the run fails, but the channels are still notified.
            Some(Err(error)) => {
                session.log_failure(&error.into());
                session.log("warning", "the memory cannot be used: this run notifies as if there were none");
                NotifyReport { has_failed: true, ..self.notify_without_state(&verdict) }
            }
        };
        let is_new = |notification: &&Notification| !report.known_refusals.contains(&notification.channel);
        for notification in report.notifications.iter().filter(is_new) {
            log(notification, session);
        }
        report
    }

    /// Locks and reads the alert state of a subscription. An unusable file is moved aside and replaced by a new state.
    fn load(
        &self,
        state_dir: &StateDir,
        verdict: &Verdict,
        session: &Session,
    ) -> Result<(LockedState, AlertState), StateError> {
        let name = format!("notify-{}", stable_id(&[verdict.key]));
        // Another run may hold the lock for as long as its deliveries may take.
        let file = state_dir.lock(&name, self.remaining + Duration::from_secs(1))?;
        let Some(bytes) = file.read("json")? else { return Ok((file, AlertState::new(verdict.key))) };
        let state = match AlertState::parse(&bytes, verdict.key) {
            Ok(state) => state,
            Err(why) => {
                let aside = file.quarantine("json")?;
                let (why, aside) = (quote(&why), aside.display());
                let text =
                    format!("the memory cannot be read ({why}); it is now {aside}, and a new one is begun");
                session.log("warning", &text);
                AlertState::new(verdict.key)
            }
        };
        Ok((file, state))
    }

    fn notify_without_state(&mut self, verdict: &Verdict) -> NotifyReport {
        let (message, entries) = self.planner().report(verdict, &self.run_id);
        let notifications = self.deliver_once(&entries);
        let has_failed = notifications.iter().any(|notification| notification.outcome.is_failure());
        NotifyReport { messages: vec![message], notifications, has_failed, ..NotifyReport::default() }
    }

    fn notify_with_state(
        &mut self,
        file: &LockedState,
        mut state: AlertState,
        verdict: &Verdict,
        session: &Session,
    ) -> NotifyReport {
        let messages = self.planner().update(&mut state, verdict);
        let expired = state.outbox.expire(verdict.now_s, self.expire_after_s);
        let why = "it could not be delivered in time";
        let mut notifications: Vec<_> =
            expired.iter().map(|entry| unsent(entry, DeliveryOutcome::Expired, Some(why))).collect();
        // The outbox is on disk before its first message is sent, so that no message is lost.
        let mut has_failed = !save(file, &state, session);
        let due = self.due(&state, verdict.now_s, &mut notifications);
        let mut known_refusals = BTreeSet::new();
        let clock = self.sender.clock;
        self.deliver(&due, |channel, message, attempt| {
            if apply_delivery(&mut state, channel, message, &attempt, clock.now_s()) {
                known_refusals.insert(channel.name.clone());
            }
            // Only the first failure is logged: a full disk fails every time.
            has_failed = has_failed || !save(file, &state, session);
            notifications.push(notification(channel, message, attempt, DeliveryOutcome::Queued));
        });
        for entry in &due {
            let is_tried = |sent: &Notification| sent.channel == entry.channel && sent.id == entry.message.id;
            if !notifications.iter().any(is_tried) {
                let why = "a message before it has to wait";
                notifications.push(unsent(entry, DeliveryOutcome::Queued, Some(why)));
            }
        }
        has_failed |= notifications.iter().any(|notification| notification.outcome.is_failure());
        NotifyReport { messages, notifications, is_busy: false, has_failed, known_refusals }
    }

    /// The messages of the outbox that can be sent now; for the others, a notification explains why not.
    fn due(&self, state: &AlertState, now_s: i64, notifications: &mut Vec<Notification>) -> Vec<OutboxEntry> {
        let mut due = Vec::new();
        for entry in state.outbox.iter() {
            let Some(channel) = self.channels.iter().find(|channel| channel.name == entry.channel) else {
                let why = "the channel is no longer configured";
                notifications.push(unsent(entry, DeliveryOutcome::Queued, Some(why)));
                continue;
            };
            let refused = state.refused_addresses.get(&channel.name);
            let is_gone =
                refused.is_some_and(|refused| refused.gone && refused.address_hash == channel.address_hash());
            // If the clock was set back, the remaining wait is unknown, and the message is sent.
            let held = entry.not_before_s.filter(|until| now_s < *until && now_s >= entry.queued_at_s);
            match (is_gone, held) {
                (true, _) => {
                    let why = "the receiver closed this address for good (410): give a new one";
                    notifications.push(unsent(entry, DeliveryOutcome::Queued, Some(why)));
                }
                (_, Some(until)) => {
                    let wait_s = until.saturating_sub(now_s);
                    let why = format!("the receiver asked to wait for another {wait_s} s");
                    notifications.push(unsent(entry, DeliveryOutcome::Queued, Some(&why)));
                }
                _ => due.push(entry.clone()),
            }
        }
        due
    }

    /// Delivers within the time that is left.
    fn deliver(&mut self, entries: &[OutboxEntry], on_attempt: impl FnMut(&Channel, &Message, Attempt)) {
        let messages = |channel: &Channel| -> Vec<Message> {
            let entries = entries.iter().filter(|entry| entry.channel == channel.name);
            entries.map(|entry| entry.message.clone()).collect()
        };
        let queues: Vec<_> = self
            .channels
            .iter()
            .map(|channel| (channel, messages(channel)))
            .filter(|(_, messages)| !messages.is_empty())
            .collect();
        let start = Instant::now();
        let sender = WebhookSender { deadline: start + self.remaining, ..self.sender.clone() };
        deliver_all(&sender, &queues, on_attempt);
        self.remaining = self.remaining.saturating_sub(start.elapsed());
    }

    /// Delivers messages that are not kept for a later run; a dry run only lists them.
    fn deliver_once(&mut self, entries: &[OutboxEntry]) -> Vec<Notification> {
        if self.dry_run {
            return entries.iter().map(|entry| unsent(entry, DeliveryOutcome::DryRun, None)).collect();
        }
        let mut notifications = Vec::new();
        self.deliver(entries, |channel, message, attempt| {
            notifications.push(notification(channel, message, attempt, DeliveryOutcome::Failed));
        });
        notifications
    }

    /// Sends a test message to every channel. The alert state does not change.
    pub(crate) fn send_test(&mut self, session: &Session) -> Vec<Notification> {
        let message = self.template.test_message(stable_id(&["test", &self.run_id]), session.now.as_second());
        let entry = |channel: &Channel| OutboxEntry {
            channel: channel.name.clone(),
            message: message.clone(),
            queued_at_s: message.at_s,
            not_before_s: None,
        };
        let entries: Vec<OutboxEntry> = self.channels.iter().map(entry).collect();
        let notifications = self.deliver_once(&entries);
        for notification in &notifications {
            log(notification, session);
        }
        notifications
    }

    /// Starts the pings of the dead man's switches; there are none in a dry run.
    pub(crate) fn start_heartbeat(&self) -> Heartbeat {
        let is_pinged = |channel: &&Channel| channel.kind == ChannelKind::Ping && !self.dry_run;
        let channels = self.channels.iter().filter(is_pinged).cloned().collect();
        Heartbeat::start(channels, self.sender.clone(), self.ping_timeout, self.run_id.clone())
    }
}

/// Saves the alert state, and logs a failure; whether it succeeded.
fn save(file: &LockedState, state: &AlertState, session: &Session) -> bool {
    let failure: Failure = match serde_json::to_vec(state) {
        Ok(bytes) => match file.replace("json", &bytes) {
            Ok(()) => return true,
            Err(error) => error.into(),
        },
        Err(error) => Failure::new(FailureKind::Output, error.to_string()),
    };
    session.log_failure(&failure);
    false
}

/// Applies the result of a delivery to the alert state. Returns whether the address was already known to be refused.
fn apply_delivery(
    state: &mut AlertState,
    channel: &Channel,
    message: &Message,
    attempt: &Attempt,
    now_s: i64,
) -> bool {
    match attempt.disposition {
        Disposition::Accepted => {
            state.outbox.remove(&channel.name, &message.id);
            state.refused_addresses.remove(&channel.name);
        }
        Disposition::Rejected => state.outbox.remove(&channel.name, &message.id),
        Disposition::Retry { after } => {
            if let Some(after) = after {
                let wait_s = i64::try_from(after.as_secs()).unwrap_or(HOLD_S_MAX).min(HOLD_S_MAX);
                state.outbox.hold(&channel.name, now_s.saturating_add(wait_s));
            }
        }
        Disposition::Unauthorized => {
            let address_hash = channel.address_hash();
            let known = state.refused_addresses.get(&channel.name);
            let known = known.filter(|known| known.address_hash == address_hash);
            let (is_known, since_s) = (known.is_some(), known.map_or(now_s, |known| known.since_s));
            let refused = RefusedAddress { since_s, address_hash, gone: is_gone(attempt) };
            state.refused_addresses.insert(channel.name.clone(), refused);
            return is_known;
        }
    }
    false
}

/// The result of a message that was sent; `undelivered` is the outcome if it can still be delivered later.
fn notification(
    channel: &Channel,
    message: &Message,
    attempt: Attempt,
    undelivered: DeliveryOutcome,
) -> Notification {
    let (outcome, error) = match attempt.disposition {
        Disposition::Accepted => (DeliveryOutcome::Delivered, attempt.reason),
        Disposition::Rejected => (DeliveryOutcome::Rejected, attempt.reason),
        Disposition::Retry { .. } | Disposition::Unauthorized => (undelivered, attempt.reason),
    };
    Notification {
        channel: channel.name.clone(),
        id: message.id.clone(),
        event: message.event,
        outcome,
        attempts: attempt.tries,
        status: attempt.status,
        error,
    }
}

/// The result of a message that was not sent in this run.
fn unsent(entry: &OutboxEntry, outcome: DeliveryOutcome, why: Option<&str>) -> Notification {
    Notification {
        channel: entry.channel.clone(),
        id: entry.message.id.clone(),
        event: entry.message.event,
        outcome,
        attempts: 0,
        status: None,
        error: why.map(str::to_owned),
    }
}

/// Logs a message that was not delivered.
fn log(notification: &Notification, session: &Session) {
    let Notification { channel, event, outcome, attempts, error, .. } = notification;
    let Some(error) = error.as_ref().filter(|_| outcome.is_failure()) else { return };
    let what = match outcome {
        DeliveryOutcome::Queued => "waits in the outbox",
        DeliveryOutcome::Expired => "was given up",
        _ => "was not delivered",
    };
    let event = event.name();
    session.log(
        "error",
        &format!("channel {channel}: the {event} message {what} after {attempts} attempts: {error}"),
    );
}
