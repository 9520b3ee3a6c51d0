//! The guard around a sender: nothing is sent without an intent on disk, and an intent stays open until the chain decides.

use std::time::Duration;

use super::command::RunWords;
use super::journal::{Intent, Journal, JournalError, Moment, Tried};
use super::outcome::SubmitOutcome;
use super::sender::{CliSender, Submission};
use crate::amount::Count;
use crate::stable_id::stable_id;
use crate::state_dir::{Lock, LockedState, StateDir};

/// The journal of one contract, and the lock that excludes other runs.
pub struct LockedJournal {
    held: LockedState,
    /// What is kept on disk.
    pub journal: Journal,
}

impl LockedJournal {
    /// Locks and reads the journal of a lottery on a chain, waiting no longer than `wait` for the lock. One that an
    /// earlier version kept under the lottery's name alone is taken over.
    pub fn open(state: &StateDir, lottery: &str, chain_id: u8, wait: Duration) -> Result<Self, JournalError> {
        let held = state.lock(&format!("draw-{}", stable_id(&[lottery, &chain_id.to_string()])), wait)?;
        if let Some(journal) = Journal::read(&held, lottery, Some(chain_id))? {
            return Ok(Self { held, journal });
        }
        let name = format!("draw-{}", stable_id(&[lottery]));
        let earlier = if state.has(&name) { Some(state.lock(&name, wait)?) } else { None };
        let found = earlier.as_ref().map(|held| Journal::read(held, lottery, None)).transpose()?.flatten();
        let journal = found.map(|journal| Journal { chain_id: Some(chain_id), ..journal });
        let this = Self { held, journal: journal.unwrap_or_else(|| Journal::new(lottery, chain_id)) };
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

/// Why a transaction was not even tried.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The journal says that this round has been drawn.
    #[error("round {0} is drawn already: the node is behind")]
    RoundDrawn(Count),
    /// An earlier transaction has no outcome yet.
    #[error("the draw of run {0} has no outcome yet")]
    IntentOpen(String),
    /// What was read of the chain is too old to act on.
    #[error("what was read of the chain is too old: nothing was sent")]
    ReadingOld,
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A sender that sends only after its intent is on disk.
pub struct GuardedSender {
    /// What sends.
    pub sender: CliSender,
    /// The journal; without one only the chain keeps a round from being drawn twice.
    pub journal: Option<LockedJournal>,
    /// A further lock, such as a lock file of the user's.
    pub lock: Option<Lock>,
    /// Called between the steps by their names; tests end the process there.
    pub checkpoint: fn(&str),
}

impl GuardedSender {
    /// Whether a lock excludes other runs on this host.
    pub fn is_guarded(&self) -> bool {
        self.journal.is_some() || self.lock.is_some()
    }

    /// Writes the intent to disk, then sends, if `is_fresh` says just before that the decision still holds. The intent
    /// stays open, unless provably nothing was sent: [`Self::close`] or [`Self::close_drawn`] ends it.
    ///
    /// # Errors
    /// When the journal forbids the round or cannot be written, or the decision is too old; nothing was sent then.
    pub fn submit(
        &mut self,
        words: &RunWords,
        round: Count,
        run_id: &str,
        now: Moment,
        is_fresh: impl Fn() -> bool,
    ) -> Result<Submission, GuardError> {
        (self.checkpoint)("before_intent");
        let tried = self.journal.as_ref().and_then(|locked| locked.journal.tried);
        self.open_intent(words, round, run_id, now)?;
        (self.checkpoint)("after_intent");
        self.share_locks();
        if !is_fresh() {
            self.close_unsent(tried)?;
            return Err(GuardError::ReadingOld);
        }
        let submission = self.sender.send(words);
        if matches!(submission.outcome, SubmitOutcome::NotSent(_) | SubmitOutcome::Refused(_)) {
            self.close_unsent(self.without_this())?;
        } else if let (Some(locked), Some(hash)) = (&mut self.journal, &submission.receipt.hash)
            && let Some(intent) = &mut locked.journal.intent
        {
            intent.hash = Some(hash.clone());
            // Without the hash on disk the next run has less to go by, and waits longer.
            let _ = locked.write();
        }
        (self.checkpoint)("after_submit");
        Ok(submission)
    }

    fn open_intent(
        &mut self,
        words: &RunWords,
        round: Count,
        run_id: &str,
        now: Moment,
    ) -> Result<(), GuardError> {
        let submit_s = i64::try_from(self.sender.timeout.as_secs()).unwrap_or(i64::MAX);
        let Some(locked) = &mut self.journal else { return Ok(()) };
        if locked.journal.is_drawn(round) {
            return Err(GuardError::RoundDrawn(round));
        }
        if let Some(open) = &locked.journal.intent {
            return Err(GuardError::IntentOpen(open.run_id.clone()));
        }
        locked.journal.open(Intent::new(run_id, now, words.expiration_s, submit_s, round));
        Ok(locked.write()?)
    }

    /// Closes the intent of which nothing was sent, with what is known of attempts instead.
    fn close_unsent(&mut self, tried: Option<Tried>) -> Result<(), JournalError> {
        let Some(locked) = &mut self.journal else { return Ok(()) };
        locked.journal.close();
        locked.journal.tried = tried;
        locked.write()
    }

    /// What is known of attempts when this one was none; it rests like one.
    fn without_this(&self) -> Option<Tried> {
        let tried = self.journal.as_ref()?.journal.tried?;
        Some(Tried { attempts: tried.attempts.saturating_sub(1), ..tried })
    }

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

    /// Lets the CLI inherit the locks: one that outlives this process may still send, and keeps them until it ends.
    fn share_locks(&self) {
        if let Some(lock) = &self.lock {
            lock.share_with_children();
        }
        if let Some(locked) = &self.journal {
            locked.held.share_with_children();
        }
    }
}
