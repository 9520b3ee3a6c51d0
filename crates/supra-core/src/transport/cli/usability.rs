//! Whether the CLI can be used at all: the first call finds out for all that a run makes.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::Error;
use crate::failure::FailureKind;
use crate::transport::Deadline;

/// How long the other calls wait for the end of the first: a wrong profile or a missing program shows at once.
const HEAD_START: Duration = Duration::from_millis(500);

/// What the calls so far say about the CLI.
#[derive(Default)]
pub(super) struct Usability {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Whether a call was started that will tell.
    begun: bool,
    /// How many calls said nothing about the others.
    turn: u64,
    /// Whether a call ended otherwise than by a wrong setting.
    proven: bool,
    /// Why no call can succeed, and until when this is believed: the deadline of the run that met it.
    broken: Option<(Deadline, Error)>,
}

impl State {
    /// Whether a call is under way whose end is worth waiting for.
    fn is_open(&self) -> bool {
        self.begun && !self.proven && self.broken().is_none()
    }

    fn broken(&self) -> Option<&Error> {
        self.broken.as_ref().filter(|(until, _)| !until.is_expired()).map(|(_, failure)| failure)
    }
}

impl Usability {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call start. The first one starts at once, the others after it or after [`HEAD_START`].
    ///
    /// # Errors
    /// When a call has found that none can succeed.
    pub(super) fn enter(&self, deadline: Deadline) -> Result<(), Error> {
        let mut state = self.lock();
        loop {
            let turn = state.turn;
            let open = |state: &mut State| state.turn == turn && state.is_open();
            let wait = HEAD_START.min(deadline.remaining());
            let (now, waited) =
                self.changed.wait_timeout_while(state, wait, open).unwrap_or_else(PoisonError::into_inner);
            state = now;
            // After a call that said nothing, the next one gets a head start of its own.
            if waited.timed_out() || !state.is_open() {
                break;
            }
        }
        if let Some(failure) = state.broken() {
            return Err(failure.clone());
        }
        state.begun = true;
        Ok(())
    }

    /// Notes that a call ended and says nothing about others: another one is the first.
    pub(super) fn note_nothing(&self) {
        let mut state = self.lock();
        state.begun = state.proven;
        state.turn += 1;
        drop(state);
        self.changed.notify_all();
    }

    /// Notes how a call of a run with this deadline ended.
    pub(super) fn note(&self, failure: Option<&Error>, deadline: Deadline) {
        let broken = failure.filter(|failure| failure.kind() == FailureKind::Config);
        let mut state = self.lock();
        (state.begun, state.proven) = (broken.is_none(), broken.is_none());
        state.broken = broken.map(|failure| (deadline, failure.clone()));
        drop(state);
        self.changed.notify_all();
    }
}
