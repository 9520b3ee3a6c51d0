//! The outcome of a draw: the lines of `dvrf-draw`.

mod legacy;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::amount::Count;
use crate::error::CodedError;
use crate::failure::FailureKind;
use crate::readiness::Readiness;

/// How one attempt to draw ended: the old script's `--json-result`, then ours.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DrawResult {
    /// Whether the lottery was ready; `null` when that was not asked.
    pub ready: Option<bool>,
    /// Why, or why not.
    pub readiness: Option<Readiness>,
    /// Whether `--skip-readiness` was given.
    pub readiness_skipped: bool,
    /// The words of the Supra CLI; secrets are redacted.
    pub command: Option<Vec<String>>,
    /// Whether the CLI was started.
    pub executed: bool,
    /// Whether it was only a dry run.
    pub dry_run: bool,
    /// The CLI's exit code; that of a signal is negative.
    pub returncode: Option<i32>,
    /// What the CLI printed.
    pub stdout: Option<String>,
    /// What the CLI said.
    pub stderr: Option<String>,
    /// The transaction, where the CLI printed one.
    pub tx_hash: Option<String>,
    /// What the VM said of it.
    pub vm_status: Option<String>,
    /// What shows that the draw was requested: `event` or `state`.
    pub confirmed_by: Option<ConfirmedBy>,
    /// The nonce of the request.
    pub nonce: Option<Count>,
    /// The round that the draw began: the count of requests before it.
    pub round: Option<Count>,
    /// The answer, with `--wait-handled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handled: Option<Handled>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<DrawError>,
    /// The report, with `--print-json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readiness_report: Option<Value>,
}

/// What shows that a draw was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmedBy {
    /// The receipt's `DrawRequestedEvent`, and the contract's counter.
    Event,
    /// The contract's counter alone, after a receipt that says success.
    State,
    /// The transaction, looked up by its hash.
    Transaction,
}

/// Whether the request was answered in the time given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Handled {
    /// Whether it was.
    pub handled: bool,
    /// How long that took, or how long was waited, in milliseconds.
    pub waited_ms: u64,
}

/// Why a draw, or a step of `smoke`, failed. The names are the stable `error.code` of draw lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum DrawErrorCode {
    /// Another run holds the lock.
    Busy,
    /// An earlier draw has no outcome yet.
    IntentOpen,
    /// The journal cannot be read or written.
    Journal,
    /// The log file cannot be written.
    Log,
    /// The journal says that this round has been drawn.
    RoundDrawn,
    /// The lottery's counter of requests cannot be read.
    RoundUnknown,
    /// The transaction was provably not sent.
    NotSent,
    /// The transaction failed on chain and changed nothing.
    TransactionFailed,
    /// The transaction may have been sent, and the chain does not show the request.
    NotConfirmed,
    /// What was read of the chain is too old to act on; nothing was sent.
    ReadingOld,
    /// The round was tried so often that the next attempt waits for hours.
    AttemptsExhausted,
    /// The lottery counts fewer requests than were seen: it was redeployed.
    LotteryRedeployed,
    /// The configured nodes contradict each other.
    NodesDisagree,
    /// A value that the decision needs is not known.
    Unknown,
    /// The tickets cost more than `--max-spend`.
    MaxSpend,
    /// `smoke`: the player's token store does not exist.
    Store,
    /// `smoke`: the tokens were not minted.
    Mint,
    /// `smoke`: the player cannot pay for the tickets.
    Funds,
    /// A ticket was sent for and is not counted.
    Ticket,
    /// `smoke`: the lottery is not ready for a draw.
    Status,
    /// `smoke`: the request is not configured as sent.
    Configure,
    /// `smoke`: an event is missing.
    NoEvent,
    /// `smoke`: the lottery does not count the request.
    NotRequested,
    /// `smoke`: the request was not answered in time.
    NotHandled,
    /// An amount is too large to count.
    Overflow,
    /// A failure of this kind, by the name of the kind.
    #[serde(untagged)]
    Failure(#[serde(with = "failure_code")] FailureKind),
}

/// Names of failure kinds in the upper case of the other codes.
pub(crate) mod failure_code {
    use serde::de::IntoDeserializer;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::failure::FailureKind;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(crate) fn serialize<S: Serializer>(kind: &FailureKind, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&kind.name().to_ascii_uppercase())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<FailureKind, D::Error> {
        let name = String::deserialize(from)?.to_ascii_lowercase();
        FailureKind::deserialize(name.into_deserializer())
    }
}

impl From<FailureKind> for DrawErrorCode {
    fn from(kind: FailureKind) -> Self {
        Self::Failure(kind)
    }
}

/// Why a draw failed, for programs and people.
pub type DrawError = CodedError<DrawErrorCode>;

/// How a run of `auto` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AutoStatus {
    /// Something stands against a draw.
    NotReady,
    /// Ready, and `--execute` was not given.
    ReadyDryRun,
    /// The draw is requested, and the chain shows it.
    Executed,
    /// The CLI failed, the transaction failed, or the chain does not show it.
    ManualDrawFailed,
    /// Another run holds the lock.
    Busy,
    /// An earlier run's draw turned out to be requested; nothing was sent.
    Reconciled,
    /// A line of the log before the CLI is started: a run that has no other line was killed after it.
    Submitting,
    /// Nothing could be decided.
    Error,
}

impl AutoStatus {
    /// The stable name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotReady => "not_ready",
            Self::ReadyDryRun => "ready_dry_run",
            Self::Executed => "executed",
            Self::ManualDrawFailed => "manual_draw_failed",
            Self::Busy => "busy",
            Self::Reconciled => "reconciled",
            Self::Submitting => "submitting",
            Self::Error => "error",
        }
    }
}

/// One line of `auto`: the old keys in their order, then ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "dvrf.draw/1")]
pub struct AutoLine {
    /// When, RFC 3339, UTC.
    pub timestamp: String,
    /// Whether `--execute` was given.
    pub execute: bool,
    /// What is run, without secrets.
    pub commands: Commands,
    /// What stood for or against a draw.
    pub readiness: Option<Readiness>,
    /// The attempt, where there was one.
    pub manual_draw: Option<DrawResult>,
    /// How it ended.
    pub status: AutoStatus,
    /// What was said on stderr.
    pub stderr: Option<String>,
    /// The code that `ready` would have ended with.
    pub readiness_exit_code: Option<u8>,
    /// Why it could not be decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<DrawError>,
    /// The code that `run` would have ended with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual_draw_exit_code: Option<u8>,
    /// The code of this run.
    pub exit_code: u8,
    /// `dvrf.draw/1`.
    pub schema: String,
    /// The same on every line of one run.
    pub run_id: String,
    /// `info`, `warn` or `error`, for log shippers.
    pub level: String,
    /// `auto_draw.` and the status, for log shippers.
    pub event: String,
    /// What `--fill-tickets` bought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tickets_bought: Option<u64>,
    /// The subscription's name, where the record or the settings file has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The profile of the Supra CLI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The lottery, as it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lottery_addr: Option<String>,
    /// The dVRF package, as it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deposit_addr: Option<String>,
    /// The paying client, as it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_addr: Option<String>,
}

/// The commands of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Commands {
    /// What reads the chain.
    pub readiness: Vec<String>,
    /// What requests the draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual_draw: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_upper_case_names() {
        for (code, name) in [
            (DrawErrorCode::TransactionFailed, "TRANSACTION_FAILED"),
            (DrawErrorCode::Failure(FailureKind::NotWhitelisted), "NOT_WHITELISTED"),
            (DrawErrorCode::Failure(FailureKind::Output), "OUTPUT"),
        ] {
            assert_eq!(serde_json::to_value(code).unwrap(), name);
            assert_eq!(serde_json::from_value::<DrawErrorCode>(name.into()).unwrap(), code);
        }
        assert!(serde_json::from_str::<DrawErrorCode>("\"NO_SUCH_CODE\"").is_err());
    }
}
