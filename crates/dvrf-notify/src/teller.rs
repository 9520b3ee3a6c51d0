//! Telling one verdict after another: the memory's file, the deliveries, the dead man's switches.

use std::collections::BTreeSet;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::alert_state::{AlertRules, AlertState, RefusedAddress};
use crate::delivery::{WebhookSender, deliver_all};
use crate::message::{Message, MessageTemplate};
use crate::notification::{Notification, Outcome};
use crate::outbox::Entry;
use crate::payload::ping::{Signal, signal};
use crate::planner::{Planner, Verdict};
use crate::response::{address_remedy, is_gone};
use dvrf_cli::Session;
use dvrf_cli::channel::{Channel, ChannelKind};
use dvrf_cli::checker::Checked;
use dvrf_cli::exit::Exit;
use dvrf_cli::settings::{Settings, variables};
use supra_core::check::Policy;
use supra_core::delivery::{Attempt, Disposition};
use supra_core::failure::{Failure, FailureKind, quote};
use supra_core::record::Record;
use supra_core::report::SubscriptionId;
use supra_core::stable_id::stable_id;
use supra_core::state_dir::{LockedState, StateDir, StateError};

/// A receiver that asks for more is asked again after this.
const HOLD_S_MAX: i64 = 3600;

/// What telling one record came to.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// What was said, or would be.
    pub messages: Vec<Message>,
    /// What became of it.
    pub notifications: Vec<Notification>,
    /// Whether another run held the memory for too long.
    pub busy: bool,
    /// Whether somebody who should have been told was not, or the memory could not be kept.
    pub failed: bool,
}

/// Tells the verdicts of a run.
pub(crate) struct Teller {
    pub(super) channels: Vec<Channel>,
    pub(super) template: MessageTemplate,
    pub(super) policy: Policy,
    pub(super) rules: AlertRules,
    pub(super) state: Option<StateDir>,
    pub(super) expiry_s: i64,
    pub(super) dry_run: bool,
    pub(super) include_json: bool,
    /// What is left of the time for deliveries.
    pub(super) budget: Duration,
    pub(super) sender: WebhookSender,
    /// The longest wait for a dead man's switch: one that does not answer must not hold up a monitor.
    pub(super) ping_limit: Duration,
    pub(super) run: String,
    /// Channels whose refusal was said in an earlier run.
    pub(super) quiet: BTreeSet<String>,
    pub(super) started: Vec<JoinHandle<Option<String>>>,
}

/// The identity of a subscription: the same in every run, also in one that could not read the chain.
fn key_of(id: &SubscriptionId, settings: &Settings) -> String {
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

impl Teller {
    fn planner(&self) -> Planner<'_> {
        Planner {
            channels: &self.channels,
            template: &self.template,
            policy: &self.policy,
            rules: &self.rules,
            include_json: self.include_json,
        }
    }

    /// Tells of one verdict.
    pub(crate) fn tell(&mut self, record: &Record, checked: &Checked, session: &Session) -> Told {
        self.quiet.clear();
        let id = &checked.report.id;
        let key = key_of(id, &session.settings);
        // A foreign key too deep to carry is no reason to be silent.
        let document = self.planner().needs_record().then(|| record.to_value().unwrap_or(Value::Null));
        let verdict = Verdict {
            key: &key,
            name: id.label(),
            checks: &checked.checks,
            state: checked.report.state.as_ref(),
            record: document.as_ref(),
            now_s: session.now.as_second(),
        };
        let memory =
            self.state.as_ref().filter(|_| !self.dry_run).map(|state| self.recall(state, &verdict, session));
        let told = match memory {
            None => self.report(&verdict),
            Some(Ok((held, memory))) => self.remember(&held, memory, &verdict, session),
            Some(Err(error @ StateError::Busy { .. })) => {
                session.say("warning", &format!("{error}; that run tells, this one does not"));
                Told { busy: true, ..Told::default() }
            }
            // A memory that cannot be used is a failure, but no reason to be silent.
            Some(Err(error)) => {
                session.say_failure(&error.into());
                session.say("warning", "the memory cannot be used: this run tells as if there were none");
                Told { failed: true, ..self.report(&verdict) }
            }
        };
        for notification in told.notifications.iter().filter(|told| !self.quiet.contains(&told.channel)) {
            say(notification, session);
        }
        told
    }

    fn recall(
        &self,
        state: &StateDir,
        verdict: &Verdict,
        session: &Session,
    ) -> Result<(LockedState, AlertState), StateError> {
        // A run before us may be delivering; its time is bounded by the same limit.
        let name = format!("notify-{}", stable_id(&[verdict.key]));
        let held = state.lock(&name, self.budget + Duration::from_secs(1))?;
        let Some(bytes) = held.read("json")? else { return Ok((held, AlertState::new(verdict.key))) };
        let memory = match AlertState::parse(&bytes, verdict.key) {
            Ok(memory) => memory,
            Err(why) => {
                let aside = held.quarantine("json")?;
                let (why, aside) = (quote(&why), aside.display());
                let text =
                    format!("the memory cannot be read ({why}); it is now {aside}, and a new one is begun");
                session.say("warning", &text);
                AlertState::new(verdict.key)
            }
        };
        Ok((held, memory))
    }

    fn report(&mut self, verdict: &Verdict) -> Told {
        let (message, entries) = self.planner().report(verdict, &self.run);
        if self.dry_run {
            let notifications = entries.iter().map(|entry| waiting(entry, Outcome::DryRun, None)).collect();
            return Told { messages: vec![message], notifications, ..Told::default() };
        }
        let mut notifications = Vec::new();
        self.deliver(&entries, |channel, message, attempt| {
            notifications.push(notification(channel, message, attempt, Outcome::Failed));
        });
        let failed = notifications.iter().any(|told| told.outcome.is_failure());
        Told { messages: vec![message], notifications, busy: false, failed }
    }

    fn remember(
        &mut self,
        held: &LockedState,
        mut memory: AlertState,
        verdict: &Verdict,
        session: &Session,
    ) -> Told {
        let messages = self.planner().update(&mut memory, verdict);
        let expired = memory.outbox.expire(verdict.now_s, self.expiry_s);
        let why = "it could not be delivered in time";
        let mut notifications: Vec<_> =
            expired.iter().map(|entry| waiting(entry, Outcome::Expired, Some(why))).collect();
        // What is to be told is on disk before the first byte of it is sent.
        let mut failed = !save(held, &memory, session);
        let due = self.due(&memory, verdict.now_s, &mut notifications);
        let mut quiet = BTreeSet::new();
        let clock = self.sender.clock;
        self.deliver(&due, |channel, message, attempt| {
            if apply_delivery(&mut memory, channel, message, &attempt, clock.now_s()) {
                quiet.insert(channel.name.clone());
            }
            // Said once: a disk that is full stays full.
            failed = failed || !save(held, &memory, session);
            notifications.push(notification(channel, message, attempt, Outcome::Queued));
        });
        for entry in &due {
            let tried = |told: &Notification| told.channel == entry.channel && told.id == entry.message.id;
            if !notifications.iter().any(tried) {
                let why = "a message before it has to wait";
                notifications.push(waiting(entry, Outcome::Queued, Some(why)));
            }
        }
        self.quiet = quiet;
        failed |= notifications.iter().any(|told| told.outcome.is_failure());
        Told { messages, notifications, busy: false, failed }
    }

    /// What the outbox holds for channels that may be called now; the rest is noted as waiting.
    fn due(&self, memory: &AlertState, now_s: i64, notifications: &mut Vec<Notification>) -> Vec<Entry> {
        let mut due = Vec::new();
        for entry in memory.outbox.iter() {
            let Some(channel) = self.channels.iter().find(|channel| channel.name == entry.channel) else {
                let why = "the channel is not configured any more";
                notifications.push(waiting(entry, Outcome::Queued, Some(why)));
                continue;
            };
            let closed = memory.refused_addresses.get(&channel.name);
            let closed =
                closed.is_some_and(|broken| broken.gone && broken.address_hash == channel.address_hash());
            // A clock that was set back cannot know how long to wait.
            let held = entry.not_before_s.filter(|until| now_s < *until && now_s >= entry.queued_at_s);
            match (closed, held) {
                (true, _) => {
                    let why = "the receiver closed this address for good (410): give a new one";
                    notifications.push(waiting(entry, Outcome::Queued, Some(why)));
                }
                (_, Some(until)) => {
                    let left = until - now_s;
                    let why = format!("the receiver asked to be left alone for another {left} s");
                    notifications.push(waiting(entry, Outcome::Queued, Some(&why)));
                }
                _ => due.push(entry.clone()),
            }
        }
        due
    }

    /// Delivers within what is left of the time.
    fn deliver(&mut self, entries: &[Entry], on_attempt: impl FnMut(&Channel, &Message, Attempt)) {
        let of = |channel: &Channel| -> Vec<Message> {
            let mine = entries.iter().filter(|entry| entry.channel == channel.name);
            mine.map(|entry| entry.message.clone()).collect()
        };
        let queues: Vec<_> = self
            .channels
            .iter()
            .map(|channel| (channel, of(channel)))
            .filter(|(_, messages)| !messages.is_empty())
            .collect();
        let start = Instant::now();
        let sender = WebhookSender { deadline: start + self.budget, ..self.sender.clone() };
        deliver_all(&sender, &queues, on_attempt);
        self.budget = self.budget.saturating_sub(start.elapsed());
    }

    /// Tells every channel that this is a test, without touching the memory.
    pub(crate) fn test(&mut self, session: &Session) -> Vec<Notification> {
        let message = self.template.test_message(stable_id(&["test", &self.run]), session.now.as_second());
        let entries: Vec<Entry> = self
            .channels
            .iter()
            .map(|channel| Entry {
                channel: channel.name.clone(),
                message: message.clone(),
                queued_at_s: message.at_s,
                not_before_s: None,
            })
            .collect();
        if self.dry_run {
            return entries.iter().map(|entry| waiting(entry, Outcome::DryRun, None)).collect();
        }
        let mut notifications = Vec::new();
        self.deliver(&entries, |channel, message, attempt| {
            notifications.push(notification(channel, message, attempt, Outcome::Failed));
        });
        for told in &notifications {
            say(told, session);
        }
        notifications
    }

    /// Tells the dead man's switches that a run began, beside the run itself.
    pub(crate) fn begin(&mut self) {
        if self.dry_run {
            return;
        }
        for channel in self.channels.iter().filter(|channel| channel.kind == ChannelKind::Ping) {
            let (sender, channel, run) = (self.pinger(), channel.clone(), self.run.clone());
            let start = move || ping(&sender, &channel, Signal::Start, &run, "");
            // Where the system gives no more threads only the end is told.
            self.started.extend(std::thread::Builder::new().spawn(start));
        }
    }

    fn pinger(&self) -> WebhookSender {
        WebhookSender { deadline: Instant::now() + self.ping_limit, ..self.sender.clone() }
    }

    /// Tells them how it ended. That a switch cannot be reached changes no verdict: its silence is its alarm.
    pub(crate) fn end(
        &mut self,
        level: dvrf_cli::channel::Level,
        exit: Exit,
        lines: &str,
        session: &Session,
    ) {
        let mut troubles: Vec<String> =
            self.started.drain(..).filter_map(|start| start.join().ok().flatten()).collect();
        if !self.dry_run {
            for channel in self.channels.iter().filter(|channel| channel.kind == ChannelKind::Ping) {
                let bad = level >= channel.min || exit == Exit::CannotAnswer || exit == Exit::Busy;
                let signal = if bad { Signal::Fail } else { Signal::Ok };
                troubles.extend(ping(&self.pinger(), channel, signal, &self.run, lines));
            }
        }
        troubles.dedup();
        for trouble in troubles {
            session.say("warning", &trouble);
        }
    }
}

fn ping(sender: &WebhookSender, channel: &Channel, sign: Signal, run: &str, lines: &str) -> Option<String> {
    let reason = sender.call(channel, &signal(channel, sign, run, lines)).reason?;
    Some(format!("channel {}: the ping was not taken: {reason}", channel.name))
}

/// Writes the memory; whether that worked.
fn save(held: &LockedState, memory: &AlertState, session: &Session) -> bool {
    let failure: Failure = match serde_json::to_vec(memory) {
        Ok(bytes) => match held.replace("json", &bytes) {
            Ok(()) => return true,
            Err(error) => error.into(),
        },
        Err(error) => Failure::new(FailureKind::Output, error.to_string()),
    };
    session.say_failure(&failure);
    false
}

/// Applies the result of a delivery to the state; whether the address was already known to be refused.
fn apply_delivery(
    memory: &mut AlertState,
    channel: &Channel,
    message: &Message,
    attempt: &Attempt,
    now_s: i64,
) -> bool {
    match attempt.disposition {
        Disposition::Accepted => {
            memory.outbox.remove(&channel.name, &message.id);
            memory.refused_addresses.remove(&channel.name);
        }
        Disposition::Rejected => memory.outbox.remove(&channel.name, &message.id),
        Disposition::Retry { after } => {
            if let Some(after) = after {
                let until = now_s.saturating_add_unsigned(after.as_secs());
                memory.outbox.hold(&channel.name, until.min(now_s.saturating_add(HOLD_S_MAX)));
            }
        }
        Disposition::Unauthorized => {
            let address = channel.address_hash();
            let known =
                memory.refused_addresses.get(&channel.name).filter(|broken| broken.address_hash == address);
            let (was_known, since_s) = (known.is_some(), known.map_or(now_s, |broken| broken.since_s));
            memory.refused_addresses.insert(
                channel.name.clone(),
                RefusedAddress { since_s, address_hash: address, gone: is_gone(attempt) },
            );
            return was_known;
        }
    }
    false
}

fn notification(channel: &Channel, message: &Message, attempt: Attempt, kept: Outcome) -> Notification {
    let outcome = match attempt.disposition {
        Disposition::Accepted => Outcome::Delivered,
        Disposition::Rejected => Outcome::Rejected,
        Disposition::Retry { .. } | Disposition::Unauthorized => kept,
    };
    let error = match attempt.disposition {
        Disposition::Unauthorized => {
            let remedy = address_remedy(&attempt);
            attempt.reason.map(|reason| format!("{reason}; {remedy}"))
        }
        _ => attempt.reason,
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

fn waiting(entry: &Entry, outcome: Outcome, why: Option<&str>) -> Notification {
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

fn say(told: &Notification, session: &Session) {
    let Some(error) = told.error.as_ref().filter(|_| told.outcome.is_failure()) else { return };
    let what = match told.outcome {
        Outcome::Queued => "waits in the outbox",
        Outcome::Expired => "was given up",
        _ => "was not delivered",
    };
    let (channel, event, attempts) = (&told.channel, told.event.name(), told.attempts);
    session.say(
        "error",
        &format!("channel {channel}: the {event} message {what} after {attempts} attempts: {error}"),
    );
}
