//! Topping a deposit up: what is missing, what stands against a top-up, and the lines of `dvrf-fund --execute`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::amount::Quants;
use crate::check::Remedy;
use crate::draw::failure_code;
use crate::error::CodedError;
use crate::failure::FailureKind;

/// What a deposit lacks: the key `funding` of records, and of the lines of `dvrf-fund --execute`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Funding {
    /// Whether something is missing to the target; `null` is not known.
    pub missing: Option<bool>,
    /// Whether the deposit is so low that `--execute` tops it up: a finding of warning or worse.
    pub low: Option<bool>,
    /// The client that is paid for.
    pub client: Option<Address>,
    /// The client's fund, in quants.
    pub balance: Option<Quants>,
    /// The balance at or below which requests are refused, in quants.
    pub minimum: Option<Quants>,
    /// The deposit that is to be reached, in quants.
    pub target: Option<Quants>,
    /// What is missing to it, in quants.
    pub amount: Option<Quants>,
    /// The account that would sign, where it is known.
    pub signer: Option<Address>,
    /// What it owns, in quants.
    pub signer_balance: Option<Quants>,
    /// Whether it can pay the amount, the gas and the reserve; `null` is not known.
    pub payable: Option<bool>,
    /// What to do, and the exact command.
    pub remedy: Option<Remedy>,
    /// What stands against sending it.
    pub reasons: Vec<FundError>,
}

/// Why nothing was sent, or what became of a transaction. The names are the stable `code` of fund lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum FundCode {
    /// Another run holds the lock.
    Busy,
    /// An earlier top-up has no outcome yet.
    IntentOpen,
    /// The journal cannot be read or written.
    Journal,
    /// The journal is new: an earlier one may have been lost while a transaction was under way.
    JournalNew,
    /// The log file cannot be written.
    Log,
    /// The last top-up was too short a time ago.
    CoolingDown,
    /// The amount is above `--max-amount`.
    MaxAmount,
    /// The top-ups of a day would be above `--max-per-day`.
    MaxPerDay,
    /// The top-ups of 30 days would be above `--max-per-month`.
    MaxPerMonth,
    /// The signer would keep less than `--reserve` and the gas.
    Reserve,
    /// A limit that an unattended run needs is not given.
    LimitMissing,
    /// The account that signs is not named, so that its balance is not known.
    SignerUnknown,
    /// Only the client itself, or its own contract, can deposit.
    OwnFunction,
    /// The client is not whitelisted.
    ClientNotWhitelisted,
    /// Supra paused the deposit module.
    DepositPaused,
    /// The target is at or below the level at which a deposit is low.
    TargetTooLow,
    /// The node shows a time before the last top-up.
    NodeBehind,
    /// The fund rose meanwhile.
    ToppedUpMeanwhile,
    /// The person at the terminal did not confirm it.
    Declined,
    /// The transaction was provably not sent.
    NotSent,
    /// The transaction failed on chain and changed nothing.
    TransactionFailed,
    /// The transaction may have been sent, and the chain does not show the deposit.
    NotConfirmed,
    /// What was read of the chain is too old to act on.
    ReadingOld,
    /// A value that the decision needs is not known.
    Unknown,
    /// A failure of this kind, by the name of the kind.
    #[serde(untagged)]
    Failure(#[serde(with = "failure_code")] FailureKind),
}

impl From<FailureKind> for FundCode {
    fn from(kind: FailureKind) -> Self {
        Self::Failure(kind)
    }
}

/// Why nothing was sent, or what became of a transaction, for programs and people.
pub type FundError = CodedError<FundCode>;

/// How a run of `--execute` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FundStatus {
    /// The deposit is not low: nothing to do.
    Enough,
    /// The chain shows the deposit.
    ToppedUp,
    /// An earlier run's top-up is settled: on the chain, or counted as spent. Nothing was sent.
    Reconciled,
    /// The deposit is low, and a top-up has to wait.
    Waiting,
    /// The deposit is low, and a limit or a precondition forbids the top-up.
    Refused,
    /// The CLI failed, the transaction failed, or the chain does not show it.
    Failed,
    /// Another run holds the lock.
    Busy,
    /// A line of the log before the CLI is started: a run that has no other line was killed after it.
    Submitting,
    /// Nothing could be decided.
    Error,
}

impl FundStatus {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Enough,
        Self::ToppedUp,
        Self::Reconciled,
        Self::Waiting,
        Self::Refused,
        Self::Failed,
        Self::Busy,
        Self::Submitting,
        Self::Error,
    ];

    /// The stable name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enough => "enough",
            Self::ToppedUp => "topped_up",
            Self::Reconciled => "reconciled",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Busy => "busy",
            Self::Submitting => "submitting",
            Self::Error => "error",
        }
    }
}

/// What was sent, and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TopUpResult {
    /// The amount, in quants.
    pub amount: Quants,
    /// The client's fund before it, in quants.
    pub balance_before: Quants,
    /// The client's fund after it, in quants.
    pub balance_after: Option<Quants>,
    /// What is missing of the amount: fees that were taken meanwhile, in quants.
    pub fees: Option<Quants>,
    /// The words of the Supra CLI; secrets are redacted.
    pub command: Vec<String>,
    /// The CLI's exit code; that of a signal is negative.
    pub returncode: Option<i32>,
    /// The transaction, where the CLI printed one.
    pub tx_hash: Option<String>,
    /// What the VM said of it.
    pub vm_status: Option<String>,
    /// What the CLI printed.
    pub stdout: Option<String>,
    /// What the CLI said.
    pub stderr: Option<String>,
}

/// One line of `dvrf-fund --execute`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "dvrf.fund/1")]
pub struct FundLine {
    /// When, RFC 3339, UTC.
    pub timestamp: String,
    /// How it ended.
    pub status: FundStatus,
    /// What is missing.
    pub funding: Option<Funding>,
    /// What was sent, where something was.
    pub top_up: Option<TopUpResult>,
    /// What the top-ups of the last 24 hours cost, this one included, in quants.
    pub spent_day: Option<Quants>,
    /// What those of the last 30 days cost, in quants.
    pub spent_month: Option<Quants>,
    /// Why nothing was sent, or what became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<FundError>,
    /// The code of this run.
    pub exit_code: u8,
    /// `dvrf.fund/1`.
    pub schema: String,
    /// The same on every line of one run.
    pub run_id: String,
    /// `info`, `warn` or `error`, for log shippers.
    pub level: String,
    /// `fund.` and the status, for log shippers.
    pub event: String,
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
