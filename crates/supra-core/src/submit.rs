//! Sending a transaction through the Supra CLI: its command line, its receipt, and the journal that keeps it from being
//! sent twice.
//!
//! A round is named by the contract's own counter of requests. Before anything is sent, the intent to draw in that round
//! is on disk; while it has no outcome, nothing is sent. An intent gets its outcome from the chain: the counter moved, or
//! the transaction's lifetime is over and it did not.

pub mod command;
pub mod fence;
pub mod fund_journal;
pub mod guard;
pub mod journal;
pub mod outcome;
pub mod receipt;
pub mod sender;

/// The longest time that a signed transaction can still be accepted, in seconds: the chain refuses a longer one.
pub const LIFETIME_S_MAX: i64 = 600;
/// How far clocks may differ, in seconds.
const DRIFT_S: i64 = 30;

/// For how many seconds a transaction may still be accepted after its intent was written: `expiration_s` is the lifetime
/// that the CLI was told, if any, and `submit_s` how long the CLI may run, since it signs at any moment until it is stopped.
pub fn lifetime_s(expiration_s: Option<u32>, submit_s: i64) -> i64 {
    expiration_s.map_or(LIFETIME_S_MAX, i64::from).saturating_add(submit_s).saturating_add(DRIFT_S)
}
