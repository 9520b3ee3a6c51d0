//! What a run has planned for a verdict, and what came of it.

use crate::alert_state::AlertState;
use crate::message::Message;
use crate::notification::Notification;
use crate::outbox::OutboxEntry;
use dvrf_cli::channel::Level;
use supra_core::state_dir::LockedState;

/// The result of notifying the channels of one verdict.
#[derive(Debug, Default)]
pub(crate) struct NotifyReport {
    /// The new messages, or those that a dry run would send.
    pub messages: Vec<Message>,
    /// The result of each message on each channel.
    pub notifications: Vec<Notification>,
    /// Whether a channel was not notified, or the alert state could not be used.
    pub has_failed: bool,
}

/// A verdict whose messages are planned and, with alert state, saved.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    /// The locked file of the subscription and its state.
    pub(super) memory: Option<(LockedState, AlertState)>,
    /// The subscription, and the time of its verdict.
    pub(super) name: String,
    pub(super) now_s: i64,
    pub(crate) level: Option<Level>,
    /// The messages that can be sent now.
    pub(super) due: Vec<OutboxEntry>,
    pub report: NotifyReport,
}

impl Planned {
    /// Whether there is a message to send.
    pub(crate) fn has_messages(&self) -> bool {
        !self.due.is_empty()
    }

    /// Notes the exit code of the old script in the messages that can be sent now.
    pub(crate) fn set_old_exit(&mut self, code: u8) {
        self.due.iter_mut().for_each(|entry| entry.message.old_exit = Some(code));
    }
}
