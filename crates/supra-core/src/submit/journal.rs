//! What is kept on disk about draws: the open intent, and how often a round was tried. Pure but for its two calls of
//! the store.

use serde::{Deserialize, Serialize};

use super::LIFETIME_S_MAX;
use crate::amount::Count;
use crate::state_dir::{LockedState, StateError};

/// The value of the file's `schema`.
pub const SCHEMA: &str = "dvrf.draw-journal/1";
const KIND: &str = "json";

/// The file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// Which version wrote it.
    pub schema: String,
    /// The lottery, in full: file names are only hashes.
    pub lottery: String,
    /// A draw that was about to be sent, and of which the outcome is not known.
    pub intent: Option<Intent>,
    /// The round tried last.
    pub tried: Option<Tried>,
    /// The last round that was drawn: a node that is behind must not have it drawn again.
    #[serde(default)]
    pub drawn: Option<Count>,
}

/// A draw that was about to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The run that was about to send it.
    pub run_id: String,
    /// When, seconds since 1970.
    pub at_s: i64,
    /// Until when the chain can still accept it.
    pub expires_s: i64,
    /// The count of requests before it.
    pub round: Count,
}

/// How often a round was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// The count of requests before it.
    pub round: Count,
    /// How often something was sent, or may have been.
    pub attempts: u32,
    /// When last.
    pub last_s: i64,
}

/// What the chain says of an open intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentStatus {
    /// The draw was requested.
    Requested,
    /// It was not, and never will be.
    Lost,
    /// It was not yet, and may still be until this second.
    Open {
        /// When that is over.
        until_s: i64,
    },
}

impl Intent {
    /// An intent of now; `expiration_s` is what the CLI was told, if anything.
    pub fn new(run_id: &str, at_s: i64, expiration_s: Option<u32>, submit_s: i64, round: Count) -> Self {
        // The CLI signs at any moment until it is stopped; clocks differ by some seconds.
        let lifetime = expiration_s.map_or(LIFETIME_S_MAX, i64::from);
        let expires_s = at_s.saturating_add(lifetime).saturating_add(submit_s).saturating_add(30);
        Self { run_id: run_id.to_owned(), at_s, expires_s, round }
    }

    /// Decides by the chain: `round` is its count of requests now, `chain_s` its clock where it was read.
    pub fn status(&self, round: Count, chain_s: Option<i64>, now_s: i64) -> IntentStatus {
        if round > self.round {
            return IntentStatus::Requested;
        }
        // The slower of both clocks: neither a wall clock that jumped nor a node that lags ends a wait too early.
        let time = chain_s.map_or(now_s, |chain| chain.min(now_s));
        if time >= self.expires_s {
            IntentStatus::Lost
        } else {
            IntentStatus::Open { until_s: self.expires_s }
        }
    }
}

impl Journal {
    /// Reads the file. One that cannot be understood is an error: a draw may hang on it.
    pub fn read(held: &LockedState, lottery: &str) -> Result<Self, JournalError> {
        let new = Self { schema: SCHEMA.to_owned(), lottery: lottery.to_owned(), ..Self::default() };
        let Some(bytes) = held.read(KIND)? else { return Ok(new) };
        let path = || held.path(KIND).display().to_string();
        let journal: Self = serde_json::from_slice(&bytes)
            .map_err(|error| JournalError::Damaged { path: path(), why: error.to_string() })?;
        if journal.schema != SCHEMA || journal.lottery != lottery {
            let why = "it was written by another version, or for another lottery".to_owned();
            return Err(JournalError::Damaged { path: path(), why });
        }
        Ok(journal)
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
        self.tried =
            Some(Tried { round: intent.round, attempts: before.saturating_add(1), last_s: intent.at_s });
        self.intent = Some(intent);
    }

    /// Closes the intent: nothing came of it.
    pub fn close(&mut self) {
        self.intent = None;
    }

    /// Closes the intent: the round is drawn.
    pub fn close_drawn(&mut self, round: Count) {
        self.intent = None;
        self.drawn = self.drawn.max(Some(round));
    }

    /// Whether this round, or a later one, is known to be drawn.
    pub fn is_drawn(&self, round: Count) -> bool {
        self.drawn.is_some_and(|drawn| round <= drawn)
    }

    /// How often this round was tried, and for how many more seconds it should rest.
    pub fn rest(&self, round: Count, cool_down_s: i64, now_s: i64) -> (u32, Option<i64>) {
        let Some(tried) = self.tried.filter(|tried| tried.round == round) else { return (0, None) };
        let passed = now_s.saturating_sub(tried.last_s);
        // A clock that was set back rests for one cool-down, not until it has caught up.
        let left = if passed < 0 { cool_down_s } else { cool_down_s - passed };
        (tried.attempts, Some(left).filter(|left| *left > 0))
    }
}

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk or the directory.
    #[error(transparent)]
    State(#[from] StateError),
    /// The content.
    #[error("the draw journal {path} cannot be read: {why}")]
    Damaged {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::state_dir::StateDir;

    #[test]
    fn the_chain_decides_about_an_intent() {
        let intent = Intent::new("r", 1000, Some(60), 20, Count(7));
        assert_eq!(intent.expires_s, 1110);
        for (round, chain, now, status_of) in [
            (8, None, 1001, IntentStatus::Requested),
            (9, Some(0), 0, IntentStatus::Requested),
            (7, None, 1109, IntentStatus::Open { until_s: 1110 }),
            (7, None, 1110, IntentStatus::Lost),
            (7, Some(1109), 5000, IntentStatus::Open { until_s: 1110 }),
            (7, Some(5000), 1109, IntentStatus::Open { until_s: 1110 }),
            (7, Some(1110), 1110, IntentStatus::Lost),
            // A counter that fell is another chain's: wait, then give the intent up.
            (0, None, 1001, IntentStatus::Open { until_s: 1110 }),
        ] {
            assert_eq!(intent.status(Count(round), chain, now), status_of, "{round} {chain:?} {now}");
        }
        assert_eq!(Intent::new("r", 0, None, 0, Count(0)).expires_s, 630);
    }

    #[test]
    fn attempts_are_counted_per_round() {
        let mut journal = Journal::default();
        assert_eq!(journal.rest(Count(7), 60, 1000), (0, None));
        journal.open(Intent::new("a", 1000, None, 0, Count(7)));
        journal.close();
        assert_eq!(journal.rest(Count(7), 60, 1010), (1, Some(50)));
        assert_eq!(journal.rest(Count(7), 60, 1060), (1, None));
        assert_eq!(journal.rest(Count(7), 60, 10), (1, Some(60)));
        journal.open(Intent::new("b", 1060, None, 0, Count(7)));
        assert_eq!(journal.rest(Count(7), 60, 2000), (2, None));
        assert_eq!(journal.rest(Count(8), 60, 1061), (0, None));
        journal.close_drawn(Count(7));
        assert_eq!([6, 7, 8].map(|round| journal.is_drawn(Count(round))), [true, true, false]);
        assert_eq!(journal.intent, None);
    }

    #[test]
    fn a_damaged_journal_is_an_error_and_not_a_new_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let held = StateDir::open(folder.path()).unwrap().lock("draw", Duration::ZERO).unwrap();
        let mut journal = Journal::read(&held, "0x9").unwrap();
        journal.open(Intent::new("a", 1000, None, 0, Count(7)));
        journal.write(&held).unwrap();
        assert_eq!(Journal::read(&held, "0x9").unwrap(), journal);
        assert!(Journal::read(&held, "0x8").unwrap_err().to_string().contains("another lottery"));
        held.replace("json", b"{\"schema\":").unwrap();
        let error = Journal::read(&held, "0x9").unwrap_err().to_string();
        assert!(error.starts_with("the draw journal ") && error.contains("cannot be read: EOF"), "{error}");
    }
}
