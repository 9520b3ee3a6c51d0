//! The guard around a sender: nothing is sent without an intent on disk, and an intent stays open until the chain decides.

use std::time::Duration;

use super::command::RunWords;
use super::journal::{Intent, Journal, JournalError, Moment, Tried};
use super::outcome::SubmitOutcome;
use super::sender::{CliSender, Submission};
use crate::amount::Count;
use crate::stable_id::stable_id;
use crate::state_dir::{Lock, LockedState, StateDir};

/// A locked journal that holds an intent on disk while a transaction has no outcome.
pub trait IntentJournal {
    /// What is about to be sent.
    type Plan;

    /// Puts the intent on disk.
    ///
    /// # Errors
    /// When the journal forbids the transaction, or cannot be written.
    fn open_intent(&mut self, plan: Self::Plan, times: &IntentTimes) -> Result<(), GuardError>;

    /// Ends the intent of which nothing was sent; `tried` is whether the CLI was asked to.
    ///
    /// # Errors
    /// When the journal cannot be written.
    fn close_unsent(&mut self, tried: bool) -> Result<(), JournalError>;

    /// Notes the intent's transaction. Without it on disk the next run has less to go by, and waits longer.
    fn note_hash(&mut self, hash: &str);

    /// Lets child processes inherit the lock.
    fn share_with_children(&self);
}

/// Who opens an intent, when, and for how long its transaction may be accepted.
#[derive(Debug, Clone)]
pub struct IntentTimes<'a> {
    /// The run.
    pub run_id: &'a str,
    /// Now.
    pub now: Moment,
    /// `--expiration-secs`.
    pub expiration_s: Option<u32>,
    /// How long the CLI may take, seconds.
    pub submit_s: i64,
}

impl IntentTimes<'_> {
    /// The intent of a round.
    pub fn intent(&self, round: Count) -> Intent {
        Intent::new(self.run_id, self.now, self.expiration_s, self.submit_s, round)
    }
}

/// The journal of one contract, and the lock that excludes other runs.
pub struct LockedJournal {
    held: LockedState,
    /// What was known of attempts before the open intent.
    tried_before: Option<Tried>,
    /// What is kept on disk.
    pub journal: Journal,
}

impl LockedJournal {
    /// Locks and reads the journal of a lottery on a chain, waiting no longer than `wait` for the lock. One that an
    /// earlier version kept under the lottery's name alone is taken over.
    pub fn open(state: &StateDir, lottery: &str, chain_id: u8, wait: Duration) -> Result<Self, JournalError> {
        let held = state.lock(&format!("draw-{}", stable_id(&[lottery, &chain_id.to_string()])), wait)?;
        if let Some(journal) = Journal::read(&held, lottery, Some(chain_id))? {
            return Ok(Self { held, tried_before: None, journal });
        }
        let name = format!("draw-{}", stable_id(&[lottery]));
        let earlier = if state.has(&name) { Some(state.lock(&name, wait)?) } else { None };
        let found = earlier.as_ref().map(|held| Journal::read(held, lottery, None)).transpose()?.flatten();
        let journal = found.map(|journal| Journal { chain_id: Some(chain_id), ..journal });
        let this = Self {
            held,
            tried_before: None,
            journal: journal.unwrap_or_else(|| Journal::new(lottery, chain_id)),
        };
        if let Some(earlier) = earlier {
            this.write()?;
            earlier.retire()?;
        }
        Ok(this)
    }

    /// Writes the journal; it is on disk when this returns.
    pub fn write(&self) -> Result<(), JournalError> {
        self.journal.write(&self.held)
    }
}

impl IntentJournal for LockedJournal {
    /// The count of requests before the draw.
    type Plan = Count;

    fn open_intent(&mut self, round: Count, times: &IntentTimes) -> Result<(), GuardError> {
        if self.journal.is_drawn(round) {
            return Err(GuardError::RoundDrawn(round));
        }
        if let Some(open) = &self.journal.intent {
            return Err(GuardError::IntentOpen(open.run_id.clone()));
        }
        self.tried_before = self.journal.tried;
        self.journal.open(times.intent(round));
        Ok(self.write()?)
    }

    fn close_unsent(&mut self, tried: bool) -> Result<(), JournalError> {
        // What was not sent does not count as an attempt, but rests like one if the CLI was asked.
        let without_this = |tried: Tried| Tried { attempts: tried.attempts.saturating_sub(1), ..tried };
        self.journal.close();
        self.journal.tried = if tried { self.journal.tried.map(without_this) } else { self.tried_before };
        self.write()
    }

    fn note_hash(&mut self, hash: &str) {
        if let Some(intent) = &mut self.journal.intent {
            intent.hash = Some(hash.to_owned());
            let _ = self.write();
        }
    }

    fn share_with_children(&self) {
        self.held.share_with_children();
    }
}

/// Why a transaction was not even tried.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The journal says that this round has been drawn.
    #[error("round {0} is drawn already: the node is behind")]
    RoundDrawn(Count),
    /// An earlier transaction has no outcome yet.
    #[error("the transaction of run {0} has no outcome yet")]
    IntentOpen(String),
    /// What was read of the chain is too old to act on.
    #[error("what was read of the chain is too old: nothing was sent")]
    ReadingOld,
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A sender that sends only after its intent is on disk.
pub struct GuardedSender<J = LockedJournal> {
    /// What sends.
    pub sender: CliSender,
    /// The journal; without one only the chain keeps a transaction from being sent twice.
    pub journal: Option<J>,
    /// A further lock, such as a lock file of the user's.
    pub lock: Option<Lock>,
    /// Called between the steps by their names; tests end the process there.
    pub checkpoint: fn(&str),
}

impl<J: IntentJournal> GuardedSender<J> {
    /// Whether a lock excludes other runs on this host.
    pub fn is_guarded(&self) -> bool {
        self.journal.is_some() || self.lock.is_some()
    }

    /// Writes the intent to disk, then sends, if `is_fresh` says just before that the decision still holds. The intent
    /// stays open, unless provably nothing was sent.
    ///
    /// # Errors
    /// When the journal forbids the transaction or cannot be written, or the decision is too old; nothing was sent then.
    pub fn submit(
        &mut self,
        words: &RunWords,
        plan: J::Plan,
        run_id: &str,
        now: Moment,
        is_fresh: impl Fn() -> bool,
    ) -> Result<Submission, GuardError> {
        (self.checkpoint)("before_intent");
        let submit_s = i64::try_from(self.sender.timeout.as_secs()).unwrap_or(i64::MAX);
        let times = IntentTimes { run_id, now, expiration_s: words.expiration_s, submit_s };
        if let Some(journal) = &mut self.journal {
            journal.open_intent(plan, &times)?;
        }
        (self.checkpoint)("after_intent");
        self.share_locks();
        if !is_fresh() {
            self.close_unsent(false)?;
            return Err(GuardError::ReadingOld);
        }
        let submission = self.sender.send(words);
        if matches!(submission.outcome, SubmitOutcome::NotSent(_) | SubmitOutcome::Refused(_)) {
            self.close_unsent(true)?;
        } else if let (Some(journal), Some(hash)) = (&mut self.journal, &submission.receipt.hash) {
            journal.note_hash(hash);
        }
        (self.checkpoint)("after_submit");
        Ok(submission)
    }

    fn close_unsent(&mut self, tried: bool) -> Result<(), JournalError> {
        self.journal.as_mut().map_or(Ok(()), |journal| journal.close_unsent(tried))
    }

    /// Lets the CLI inherit the locks: one that outlives this process may still send, and keeps them until it ends.
    fn share_locks(&self) {
        if let Some(lock) = &self.lock {
            lock.share_with_children();
        }
        if let Some(journal) = &self.journal {
            journal.share_with_children();
        }
    }
}

impl GuardedSender {
    /// Closes the intent: its transaction was not accepted.
    pub fn close(&mut self) -> Result<(), JournalError> {
        let Some(locked) = &mut self.journal else { return Ok(()) };
        locked.journal.close();
        locked.write()
    }

    /// Closes the intent: the round has been drawn.
    pub fn close_drawn(&mut self, round: Count, chain_s: Option<i64>) -> Result<(), JournalError> {
        let Some(locked) = &mut self.journal else { return Ok(()) };
        locked.journal.close_drawn(round, chain_s);
        locked.write()
    }
}

#[cfg(test)]
mod tests;
