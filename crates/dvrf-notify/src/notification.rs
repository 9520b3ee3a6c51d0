//! The events that messages report, and the results of their deliveries. Both are part of the record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The event that a message reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The verdict of a run without alert state.
    #[default]
    Report,
    /// A problem began, or the status has been unknown for too long.
    Firing,
    /// Its level rose.
    Worse,
    /// Its level fell, but the problem persists.
    Better,
    /// The problem persists.
    Reminder,
    /// The problem is over.
    Resolved,
    /// `dvrf-notify test`.
    Test,
}

impl EventKind {
    /// The stable name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Firing => "firing",
            Self::Worse => "worse",
            Self::Better => "better",
            Self::Reminder => "reminder",
            Self::Resolved => "resolved",
            Self::Test => "test",
        }
    }

    /// Whether it reports an open incident.
    pub fn is_alert(self) -> bool {
        matches!(self, Self::Firing | Self::Worse | Self::Better | Self::Reminder)
    }
}

/// The result of a message on one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryOutcome {
    /// The receiver accepted it.
    Delivered,
    /// Not accepted yet; it waits in the outbox for the next run.
    Queued,
    /// Not accepted, and without `--state-dir` not kept for the next run.
    Failed,
    /// The receiver refused its content; it is not sent again.
    Rejected,
    /// It waited in the outbox for too long and was dropped.
    Expired,
    /// Too many messages waited for the channel, and a newer one about the same problem replaces it.
    Dropped,
    /// `--dry-run`: nothing was sent.
    DryRun,
}

impl DeliveryOutcome {
    /// Whether the channel was not notified.
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::Delivered | Self::DryRun)
    }
}

/// An element of the record's `notifications`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notification {
    /// The channel's name in the configuration.
    pub channel: String,
    /// The id of the message, the same for every channel, attempt and run.
    pub id: String,
    /// The event that it reports.
    pub event: EventKind,
    /// The result.
    pub outcome: DeliveryOutcome,
    /// How many times it was sent in this run.
    pub attempts: u32,
    /// The last HTTP status, if there was any response.
    pub status: Option<u16>,
    /// Why it was not delivered, without URL and token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
