//! The guard around a sender: nothing is sent without an intent on disk, and an intent stays open until the chain decides.

use super::command::RunWords;
use super::journal::{Intent, Journal, JournalError};
use super::sender::{CliSender, Submission};
use crate::amount::Count;
use crate::state_dir::{Lock, LockedState};

/// The journal of one contract, and the lock that excludes other runs.
pub struct LockedJournal {
    held: LockedState,
    /// What is kept on disk.
    pub journal: Journal,
}

impl LockedJournal {
    /// Reads the journal of `contract` from a state that this run has locked.
    pub fn read(held: LockedState, contract: &str) -> Result<Self, JournalError> {
        let journal = Journal::read(&held, contract)?;
        Ok(Self { held, journal })
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

    /// Writes the intent to disk, then sends. The intent stays open: [`Self::close`] or [`Self::close_drawn`] ends it.
    ///
    /// # Errors
    /// When the journal forbids the round or cannot be written; nothing was sent then.
    pub fn submit(
        &mut self,
        words: &RunWords,
        round: Count,
        run_id: &str,
        now_s: i64,
    ) -> Result<Submission, GuardError> {
        (self.checkpoint)("before_intent");
        self.open_intent(words, round, run_id, now_s)?;
        (self.checkpoint)("after_intent");
        self.share_locks();
        let submission = self.sender.send(words);
        (self.checkpoint)("after_submit");
        Ok(submission)
    }

    fn open_intent(
        &mut self,
        words: &RunWords,
        round: Count,
        run_id: &str,
        now_s: i64,
    ) -> Result<(), GuardError> {
        let submit_s = i64::try_from(self.sender.timeout.as_secs()).unwrap_or(i64::MAX);
        let Some(locked) = &mut self.journal else { return Ok(()) };
        if locked.journal.is_drawn(round) {
            return Err(GuardError::RoundDrawn(round));
        }
        if let Some(open) = &locked.journal.intent {
            return Err(GuardError::IntentOpen(open.run_id.clone()));
        }
        locked.journal.open(Intent::new(run_id, now_s, words.expiration_s, submit_s, round));
        Ok(locked.write()?)
    }

    /// Closes the intent: its transaction was not accepted.
    pub fn close(&mut self) -> Result<(), JournalError> {
        let Some(locked) = &mut self.journal else { return Ok(()) };
        locked.journal.close();
        locked.write()
    }

    /// Closes the intent: the round has been drawn.
    pub fn close_drawn(&mut self, round: Count) -> Result<(), JournalError> {
        let Some(locked) = &mut self.journal else { return Ok(()) };
        locked.journal.close_drawn(round);
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
