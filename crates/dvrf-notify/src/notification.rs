//! What happened to an incident, and what became of the message about it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a message is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Without a memory every run tells what it found.
    #[default]
    Report,
    /// Something went wrong, or could not be judged for long enough.
    Firing,
    /// It got worse, or something else went wrong too.
    Worse,
    /// It is still wrong.
    Reminder,
    /// It is right again.
    Resolved,
    /// `dvrf-notify test`.
    Test,
}

impl Event {
    /// The stable name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Firing => "firing",
            Self::Worse => "worse",
            Self::Reminder => "reminder",
            Self::Resolved => "resolved",
            Self::Test => "test",
        }
    }
}

/// What became of a message on one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The receiver took it.
    Delivered,
    /// Not taken yet; kept in the outbox for the next run.
    Queued,
    /// Not taken, and without `--state-dir` not kept.
    Failed,
    /// The receiver refused its content for good; it is not sent again.
    Rejected,
    /// It waited in the outbox for too long.
    Expired,
    /// `--dry-run`: nothing was sent.
    DryRun,
}

impl Outcome {
    /// Whether somebody who should have been told was not.
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::Delivered | Self::DryRun)
    }
}

/// One line of a record's `notifications`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notification {
    /// The channel's name in the configuration.
    pub channel: String,
    /// The message's id: the same for every attempt and every channel, also over runs.
    pub id: String,
    /// Why it was sent.
    pub event: Event,
    /// What became of it.
    pub outcome: Outcome,
    /// How often it was sent in this run.
    pub attempts: u32,
    /// The last HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// Why it was not delivered; no URL, no token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
