//! What is kept on disk about draws: the open intent, how often a round was tried, and what was spent. Pure but for its
//! calls of the store.
//!
//! Every time is kept by both clocks and only compared with itself: a wait ends by elapsed time, so that a wall clock that
//! is a month ahead when it begins, or is set back later, does not prolong it to a month.

use serde::{Deserialize, Serialize};

use super::{DRIFT_S, lifetime_s};
use crate::amount::Count;
use crate::state_dir::{LockedState, StateError};

/// The value of the file's `schema`.
pub const SCHEMA: &str = "dvrf.draw-journal/1";
const KIND: &str = "json";
/// Purchases count together for this long.
pub(super) const DAY_S: i64 = 24 * 3600;
/// Why a journal is refused of which the intent ends before it begins.
pub(super) const EXPIRES_EARLY: &str = "its transaction expires before it begins";
/// The first rest after `--max-attempts`; each further attempt doubles it, up to a day.
const BACK_OFF_S: i64 = 3600;

/// The file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// Which version wrote it.
    pub schema: String,
    /// The lottery, in full: file names are only hashes.
    pub lottery: String,
    /// The chain that the lottery is on; earlier versions did not write it.
    #[serde(default)]
    pub chain_id: Option<u8>,
    /// A draw that was about to be sent, and of which the outcome is not known.
    pub intent: Option<Intent>,
    /// The round tried last.
    pub tried: Option<Tried>,
    /// The last round that was drawn: a node that is behind must not have it drawn again.
    #[serde(default)]
    pub drawn: Option<Count>,
    /// The chain's clock when that was seen, seconds since 1970.
    #[serde(default)]
    pub drawn_chain_s: Option<i64>,
    /// What was spent on tickets in the last day.
    #[serde(default)]
    pub spent: Option<Spent>,
}

/// One instant by both clocks, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// This host's.
    pub wall_s: i64,
    /// The chain's, where it was read.
    pub chain_s: Option<i64>,
}

impl Moment {
    /// The seconds that have passed since `then` by the slower clock: neither a wall clock that jumped nor a node that
    /// is behind ends a wait too early. A wall clock that was set back does not count, and no wall clock proves
    /// anything alone if the chain's clock was read then and not now. `None` where no clock can tell.
    pub fn since(self, then: Moment) -> Option<i64> {
        let wall = Some(self.wall_s.saturating_sub(then.wall_s)).filter(|passed| *passed >= 0);
        match (self.chain_s, then.chain_s) {
            (Some(now), then_s) => {
                let chain = now.saturating_sub(then_s.unwrap_or(then.wall_s));
                wall.map_or(Some(chain).filter(|passed| *passed >= 0), |wall| Some(wall.min(chain.max(0))))
            }
            (None, None) => wall,
            (None, Some(_)) => None,
        }
    }
}

/// A draw that was about to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The run that was about to send it.
    pub run_id: String,
    /// When, by this host's clock, seconds since 1970.
    pub at_s: i64,
    /// Until when the chain can still accept it, by the same clock.
    pub expires_s: i64,
    /// The count of requests before it.
    pub round: Count,
    /// When, by the chain's clock.
    #[serde(default)]
    pub chain_s: Option<i64>,
    /// The transaction, once it is known.
    #[serde(default)]
    pub hash: Option<String>,
    /// The round was drawn, and by which transaction is not known: this one may still be accepted.
    #[serde(default)]
    pub round_drawn: bool,
}

/// How often a round was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// The count of requests before it.
    pub round: Count,
    /// How often something was sent, or may have been.
    pub attempts: u32,
    /// When last, by this host's clock.
    pub last_s: i64,
    /// When last, by the chain's clock.
    #[serde(default)]
    pub chain_s: Option<i64>,
}

/// What was spent on tickets since an instant, in the smallest unit of the lottery's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// The amount.
    pub amount: Count,
    /// Since when, by this host's clock.
    pub since_s: i64,
    /// Since when, by the chain's clock.
    pub chain_s: Option<i64>,
}

/// What the chain says of a transaction that was looked up by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It succeeded.
    Succeeded,
    /// It failed and changed nothing; these are the VM's words.
    Failed(String),
    /// It may still be executed.
    Pending,
    /// No node that answered has it.
    Absent,
}

/// What became of an open intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntentStatus {
    /// Its draw was requested, by its own transaction.
    Requested,
    /// Its transaction failed.
    Failed(String),
    /// It was never accepted, and never will be.
    Lost,
    /// It may still be accepted.
    Open {
        /// For this many seconds more.
        left_s: i64,
        /// The round was drawn all the same, by which transaction is not known.
        round_drawn: bool,
    },
}

impl Intent {
    /// An intent of now; `expiration_s` is what the CLI was told, if anything.
    pub fn new(run_id: &str, at: Moment, expiration_s: Option<u32>, submit_s: i64, round: Count) -> Self {
        let expires_s = at.wall_s.saturating_add(lifetime_s(expiration_s, submit_s));
        Self {
            run_id: run_id.to_owned(),
            at_s: at.wall_s,
            expires_s,
            round,
            chain_s: at.chain_s,
            hash: None,
            round_drawn: false,
        }
    }

    /// Whether it ends before it begins: by elapsed time it would never end.
    pub(super) fn ends_early(&self) -> bool {
        self.expires_s < self.at_s
    }

    /// How long the chain can accept it, in all.
    fn span_s(&self) -> i64 {
        self.expires_s.saturating_sub(self.at_s)
    }

    /// How long the chain can still accept it.
    fn left_s(&mut self, now: Moment) -> i64 {
        if let Some(passed) = now.since(Moment { wall_s: self.at_s, chain_s: self.chain_s }) {
            return self.span_s().saturating_sub(passed).max(0);
        }
        if now.wall_s < self.at_s {
            self.restart(now);
        }
        // No clock shows that it is over.
        self.span_s().saturating_sub(now.wall_s.saturating_sub(self.at_s)).max(1)
    }

    /// Restarts the wait, because no clock can tell how much of it has passed.
    fn restart(&mut self, now: Moment) {
        self.expires_s = now.wall_s.saturating_add(self.span_s());
        // The chain's time of the sending still counts once a node that is not behind can be read again.
        (self.at_s, self.chain_s) = (now.wall_s, now.chain_s.max(self.chain_s));
    }

    /// Decides by the chain: `round` is its count of requests now, `fate` what it says of the transaction, where it could
    /// be asked. Somebody else's draw does not end an intent.
    pub fn status(&mut self, round: Count, fate: Option<&Fate>, now: Moment) -> IntentStatus {
        match fate {
            Some(Fate::Succeeded) => return IntentStatus::Requested,
            Some(Fate::Failed(words)) => return IntentStatus::Failed(words.clone()),
            _ => {}
        }
        let left_s = self.left_s(now);
        if left_s == 0 && fate != Some(&Fate::Pending) {
            return IntentStatus::Lost;
        }
        IntentStatus::Open { left_s, round_drawn: round > self.round }
    }
}

impl Journal {
    /// Reads the file. One that cannot be understood is an error: a draw may hang on it.
    pub fn read(
        held: &LockedState,
        lottery: &str,
        chain_id: Option<u8>,
    ) -> Result<Option<Self>, JournalError> {
        let Some(bytes) = held.read(KIND)? else { return Ok(None) };
        let path = || held.path(KIND).display().to_string();
        let journal = Self::parse(&bytes).map_err(|why| JournalError::Damaged { path: path(), why })?;
        if journal.schema != SCHEMA || journal.lottery != lottery || journal.chain_id != chain_id {
            let why = "it was written by another version, or for another lottery or chain".to_owned();
            return Err(JournalError::Damaged { path: path(), why });
        }
        Ok(Some(journal))
    }

    /// Parses the file's content. An intent that ends before it begins is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let journal: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        match &journal.intent {
            Some(intent) if intent.ends_early() => Err(EXPIRES_EARLY.to_owned()),
            _ => Ok(journal),
        }
    }

    /// An empty one.
    pub fn new(lottery: &str, chain_id: u8) -> Self {
        let (schema, lottery) = (SCHEMA.to_owned(), lottery.to_owned());
        Self { schema, lottery, chain_id: Some(chain_id), ..Self::default() }
    }

    /// Writes the file; on disk when this returns.
    pub fn write(&self, held: &LockedState) -> Result<(), JournalError> {
        let bytes = serde_json::to_vec(self)
            .map_err(|error| JournalError::Damaged { path: "-".to_owned(), why: error.to_string() })?;
        Ok(held.replace(KIND, &bytes)?)
    }

    /// Opens an intent, and counts it as an attempt: a run that is killed was one.
    pub fn open(&mut self, intent: Intent) {
        let before = self.tried.filter(|tried| tried.round == intent.round).map_or(0, |tried| tried.attempts);
        let attempts = before.saturating_add(1);
        let (last_s, chain_s) = (intent.at_s, intent.chain_s);
        self.tried = Some(Tried { round: intent.round, attempts, last_s, chain_s });
        self.intent = Some(intent);
    }

    /// Closes the intent: nothing came of it.
    pub fn close(&mut self) {
        self.intent = None;
    }

    /// Closes the intent: the round is drawn.
    pub fn close_drawn(&mut self, round: Count, chain_s: Option<i64>) {
        self.intent = None;
        self.set_drawn(round, chain_s);
    }

    /// Notes that the round is drawn.
    pub fn set_drawn(&mut self, round: Count, chain_s: Option<i64>) {
        if self.drawn.is_none_or(|drawn| round > drawn) {
            (self.drawn, self.drawn_chain_s) = (Some(round), chain_s);
        }
    }

    /// Whether this round, or a later one, is known to be drawn.
    pub fn is_drawn(&self, round: Count) -> bool {
        self.drawn.is_some_and(|drawn| round <= drawn)
    }

    /// Whether a node that counts `round` requests serves another lottery than the one known: its clock is past the last
    /// draw, and its counter is not.
    pub fn is_another_lottery(&self, round: Count, chain_s: Option<i64>) -> bool {
        let is_past =
            |chain_s: i64| self.drawn_chain_s.is_some_and(|drawn| chain_s > drawn.saturating_add(DRIFT_S));
        self.is_drawn(round) && chain_s.is_some_and(is_past)
    }

    /// Forgets the rounds of a redeployed lottery; an open intent stays.
    pub fn forget_rounds(&mut self) {
        (self.tried, self.drawn, self.drawn_chain_s) = (None, None, None);
    }

    /// How often this round was tried, and for how many more seconds it should rest: `cool_down_s` after each attempt,
    /// and hours from the `max_attempts`-th on.
    pub fn rest(
        &mut self,
        round: Count,
        cool_down_s: i64,
        max_attempts: u32,
        now: Moment,
    ) -> (u32, Option<i64>) {
        let Some(tried) = self.tried.as_mut().filter(|tried| tried.round == round) else { return (0, None) };
        let span_s = match tried.attempts.checked_sub(max_attempts) {
            Some(beyond) => (BACK_OFF_S << beyond.min(5)).min(DAY_S).max(cool_down_s),
            None => cool_down_s,
        };
        // The faster clock: a rest is only a courtesy.
        let wall = now.wall_s.saturating_sub(tried.last_s);
        let chain = now.chain_s.zip(tried.chain_s).map(|(now, then)| now.saturating_sub(then));
        let passed = Some(wall).max(chain).filter(|passed| *passed >= 0);
        let passed = passed.unwrap_or_else(|| {
            (tried.last_s, tried.chain_s) = (now.wall_s, now.chain_s);
            0
        });
        (tried.attempts, Some(span_s.saturating_sub(passed)).filter(|left| *left > 0))
    }

    /// What was spent in the last day.
    pub fn spent(&self, now: Moment) -> u128 {
        let within = |spent: &Spent| {
            let since = Moment { wall_s: spent.since_s, chain_s: spent.chain_s };
            now.since(since).is_none_or(|passed| passed < DAY_S)
        };
        self.spent.filter(within).map_or(0, |spent| spent.amount.get())
    }

    /// Takes a purchase back that was not sent.
    pub fn give_back(&mut self, amount: u128) {
        if let Some(spent) = &mut self.spent {
            spent.amount = Count(spent.amount.get().saturating_sub(amount));
        }
    }

    /// Adds a purchase to what was spent in the last day.
    pub fn spend(&mut self, amount: u128, now: Moment) {
        let before = self.spent(now);
        let since = self.spent.filter(|_| before > 0);
        let (since_s, chain_s) =
            since.map_or((now.wall_s, now.chain_s), |spent| (spent.since_s, spent.chain_s));
        self.spent = Some(Spent { amount: Count(before.saturating_add(amount)), since_s, chain_s });
    }
}

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk or the directory.
    #[error(transparent)]
    State(#[from] StateError),
    /// The content.
    #[error("the journal {path} cannot be read: {why}")]
    Damaged {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
}

#[cfg(test)]
mod tests;
