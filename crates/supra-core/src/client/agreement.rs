//! Whether the answers of one report come from one state of the chain. Nodes take turns behind a load balancer and in a
//! list of URLs, and one of them may be behind; no answer but a block's header says of which height it is.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::sight::BEHIND_S;
use crate::check::Policy;
use crate::collect::Collected;
use crate::failure::{Failure, FailureKind};
use crate::file::{self, Durability, Temporary};
use crate::lang::Lang;
use crate::stable_id::stable_id;
use crate::state::State;
use crate::state::consumer::RequestOutcome;
use crate::time::format_span;
use crate::transport::Deadline;
use crate::transport::semaphore::Semaphore;

/// How often everything is read again at most.
const READ_AGAIN_MAX: usize = 8;
/// How many readings in a row must agree before bad news is believed.
const AGREEING: usize = 4;
/// The same, once the nodes were seen to differ. With one node in three behind, as the worst case, five readings are all
/// wrong and all dated right in 1 of 14,000 runs.
const AGREEING_OF_DIFFERENT: usize = 5;
/// After this many readings in a row of which none was behind, bad news is believed at once for a minute: a fleet whose
/// deposits are all paused is not read four times. Two nodes of which one is behind show that once in 65,000 times.
const IN_STEP: u64 = 8;
const IN_STEP_S: u64 = 60;
/// How long nodes that differed are remembered.
const REMEMBERED_S: i64 = 3600;

/// What is known about the nodes behind one endpoint.
pub(super) struct Nodes {
    /// The newest clock that any of them has shown.
    newest_us: AtomicU64,
    /// When they were last seen to differ, in seconds since 1970; 0 for never.
    differed_s: AtomicU64,
    /// Where that is kept for the next run.
    file: Option<PathBuf>,
    /// How many readings in a row were not behind.
    in_step: AtomicU64,
    /// When that were enough, in seconds since 1970; 0 for never.
    proven_s: AtomicU64,
    /// Lets one target at a time read its bad news again, so that the others of a fleet can rely on what it finds.
    turn: Semaphore,
}

/// A reading, and when it was begun.
struct Reading {
    collected: Collected,
    started: Instant,
}

impl Nodes {
    pub(super) fn new(identity: &str, cache_directory: Option<&Path>) -> Self {
        let file =
            cache_directory.map(|directory| directory.join(format!("nodes-{}", stable_id(&[identity]))));
        let kept = file.as_ref().and_then(|file| file::read(file, 32).ok());
        let differed_s = kept.and_then(|text| String::from_utf8(text).ok()?.trim().parse().ok());
        Self {
            newest_us: AtomicU64::new(0),
            differed_s: AtomicU64::new(differed_s.unwrap_or(0)),
            file,
            in_step: AtomicU64::new(0),
            proven_s: AtomicU64::new(0),
            turn: Semaphore::new(1),
        }
    }

    /// Returns the first reading, unless it may be mixed of several nodes' answers or looks bad: then what `read` returns
    /// the same several times in a row. Nodes that keep differing fail every value.
    pub(super) fn agree(
        &self,
        first: Collected,
        started: Instant,
        now: Timestamp,
        deadline: Deadline,
        read: impl Fn() -> Collected,
    ) -> Collected {
        let first = Reading { collected: first, started };
        let first_behind_us = self.behind_us(&first);
        if self.differed(now) || first_behind_us.is_some_and(|behind_us| behind_us > 0) {
            return self.read_again(first, now, deadline, read);
        }
        let is_believed = || !looks_bad(&first.collected.state) || self.is_proven(now);
        // An undated reading could not be compared with the next one.
        if first_behind_us.is_none() || is_believed() {
            return first.collected;
        }
        let _turn = self.turn.acquire(deadline);
        if is_believed() { first.collected } else { self.read_again(first, now, deadline, read) }
    }

    fn read_again(
        &self,
        first: Reading,
        now: Timestamp,
        deadline: Deadline,
        read: impl Fn() -> Collected,
    ) -> Collected {
        let differed = self.differed(now);
        let first_behind_us = self.behind_us(&first);
        let mut apart_us = first_behind_us.unwrap_or(0);
        // Where nodes differ, any two values may be of two heights. On a chain of one node a busy contract moves on from
        // one reading to the next, and only what would alert has to stay.
        let is_strict = |apart_us: u64| differed || apart_us > 0;
        let needed = |apart_us: u64| if is_strict(apart_us) { AGREEING_OF_DIFFERENT } else { AGREEING };
        let (mut agreeing, mut changed) = (usize::from(first_behind_us == Some(0)), false);
        let mut kept = first;
        for _ in 0..READ_AGAIN_MAX {
            if deadline.is_expired() {
                break;
            }
            let started = Instant::now();
            let next = Reading { collected: read(), started };
            // A reading that is dated by no clock proves nothing.
            let Some(behind_us) = self.behind_us(&next) else { continue };
            // The next one may show that the node that was read before is behind.
            let kept_behind_us = self.behind_us(&kept);
            apart_us = apart_us.max(behind_us).max(kept_behind_us.unwrap_or(0));
            self.count_step(apart_us == 0, now);
            if (behind_us, kept_behind_us) == (0, Some(0))
                && !contradict(&kept.collected.state, &next.collected.state, is_strict(apart_us))
            {
                agreeing += 1;
                kept.take_clocks(&next);
            } else {
                (agreeing, changed) = (1, true);
                kept = next;
            }
            if agreeing >= needed(apart_us) {
                break;
            }
        }
        if apart_us > 0 {
            self.remember(now);
        }
        // Without time for a second look, one reading has to do.
        let nothing_speaks_against_it = apart_us == 0 && !differed && !changed;
        if agreeing >= needed(apart_us) || nothing_speaks_against_it {
            kept.collected
        } else {
            kept.collected.failed(&failure(apart_us))
        }
    }

    /// By how much the oldest clock of a reading is behind the newest that was seen, if that is too much; else 0. `None`
    /// without a clock.
    fn behind_us(&self, reading: &Reading) -> Option<u64> {
        let Reading { collected, started } = reading;
        let clocks = [collected.state.chain.time_us, collected.last_clock_us];
        let clocks = clocks.into_iter().flatten().filter_map(|clock| u64::try_from(clock.get()).ok());
        let (oldest, newest) = clocks.clone().min().zip(clocks.max())?;
        let newest = newest.max(self.newest_us.fetch_max(newest, Ordering::Relaxed));
        let behind = newest.saturating_sub(oldest);
        // The chain itself moves on while a slow reading goes on.
        let passed_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let allowed = passed_us.saturating_add(BEHIND_S.unsigned_abs() * 1_000_000);
        Some(if behind > allowed { behind } else { 0 })
    }

    fn differed(&self, now: Timestamp) -> bool {
        is_within(&self.differed_s, now, REMEMBERED_S)
    }

    /// Whether the nodes were seen in step less than a minute ago, perhaps by a target whose run began after this one's.
    fn is_proven(&self, now: Timestamp) -> bool {
        let proven_s = self.proven_s.load(Ordering::Relaxed);
        u64::try_from(now.as_second()).unwrap_or(0).abs_diff(proven_s) < IN_STEP_S
    }

    fn count_step(&self, is_in_step: bool, now: Timestamp) {
        if !is_in_step {
            self.in_step.store(0, Ordering::Relaxed);
            self.proven_s.store(0, Ordering::Relaxed);
        } else if self.in_step.fetch_add(1, Ordering::Relaxed) + 1 >= IN_STEP {
            self.in_step.store(0, Ordering::Relaxed);
            self.proven_s.store(u64::try_from(now.as_second()).unwrap_or(0), Ordering::Relaxed);
        }
    }

    fn remember(&self, now: Timestamp) {
        let now_s = u64::try_from(now.as_second()).unwrap_or(0);
        self.differed_s.store(now_s, Ordering::Relaxed);
        if let Some(file) = &self.file {
            let text = format!("{now_s}\n");
            // The next run without it has to see it again.
            drop(file::replace(file, text.as_bytes(), 0o600, Durability::None, Temporary::Unique));
        }
    }
}

impl Reading {
    /// Is dated as a later reading that says the same.
    fn take_clocks(&mut self, later: &Self) {
        self.started = later.started;
        self.collected.state.chain.time_us = later.collected.state.chain.time_us;
        self.collected.last_clock_us = later.collected.last_clock_us;
    }
}

/// Whether a time in seconds since 1970 was less than `span_s` ago.
fn is_within(then_s: &AtomicU64, now: Timestamp, span_s: i64) -> bool {
    let then_s = i64::try_from(then_s.load(Ordering::Relaxed)).unwrap_or(0);
    (0..span_s).contains(&now.as_second().saturating_sub(then_s))
}

fn failure(apart_us: u64) -> Failure {
    let message = if apart_us > 0 {
        let span = format_span(apart_us / 1_000_000, Lang::En);
        format!("the answers come from nodes of which one is {span} behind another")
    } else {
        "the answers change from one reading to the next, as those of nodes that take turns".to_owned()
    };
    Failure::new(FailureKind::NodesDisagree, message)
        .with_hint("name single nodes in SUPRA_RPC_URL in place of a load balancer, and leave out the one that is behind")
}

/// What of a state would alert: each piece of news by whether it holds, `null` where that is not known. The thresholds
/// are the default ones.
fn news(state: &State) -> Value {
    let State { deposit, lottery, consumer, .. } = state;
    let is_low = deposit
        .balance
        .zip(deposit.refusal_minimum())
        .map(|(balance, minimum)| balance.get() < minimum.get().saturating_mul(2));
    let (mut overdue, mut watches) = (Map::new(), Map::new());
    for request in consumer.iter().flat_map(|consumer| &consumer.requests) {
        let warn_s = request.warn_seconds.unwrap_or(Policy::default().pending_warn_s);
        let is_overdue = request.outcome == RequestOutcome::Pending
            && request.age_seconds.is_some_and(|age_s| age_s >= warn_s);
        overdue.insert(request.label(), json!(is_overdue));
    }
    for watch in consumer.iter().flat_map(|consumer| &consumer.watches) {
        watches.insert(watch.label(), json!(watch.holds));
    }
    let pending = lottery.pending_request.map(|is_pending| json!([is_pending, lottery.pending_nonce]));
    json!({
        "low": is_low,
        "refused": deposit.at_or_below_minimum,
        "unlisted": deposit.client_whitelisted.map(|is_listed| !is_listed),
        "paused": deposit.paused,
        "pending": pending,
        "overdue": overdue,
        "watches": watches,
    })
}

/// Whether a state may alert, so that it is worth a second look.
fn looks_bad(state: &State) -> bool {
    fn holds(news: &Value) -> bool {
        match news {
            Value::Bool(holds) => *holds,
            Value::Array(parts) => parts.first().is_some_and(holds),
            Value::Object(parts) => parts.values().any(holds),
            _ => false,
        }
    }
    holds(&news(state))
}

/// Whether two readings have different values where both have one: of everything but the chain's clock, which moves on,
/// or else of the news alone.
fn contradict(a: &State, b: &State, everything: bool) -> bool {
    let parts = |state: &State| serde_json::to_value((&state.deposit, &state.lottery, &state.consumer));
    if !everything {
        return differ(&news(a), &news(b));
    }
    match (parts(a), parts(b)) {
        (Ok(a), Ok(b)) => differ(&a, &b),
        _ => true,
    }
}

fn differ(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::Object(a), Value::Object(b)) => {
            a.iter().any(|(key, value)| b.get(key).is_some_and(|other| differ(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() != b.len() || a.iter().zip(b).any(|(one, other)| differ(one, other))
        }
        _ => a != b,
    }
}

#[cfg(test)]
mod tests;
