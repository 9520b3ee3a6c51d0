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

/// Longest that a signed transaction can still be accepted, seconds (`facts/supra.md` §2.7: TTL ≤ 600 s).
pub const LIFETIME_S_MAX: i64 = 600;
