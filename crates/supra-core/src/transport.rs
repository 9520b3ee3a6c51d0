//! Asking the chain: the one trait that the CLI, REST and replay transports implement.

pub mod cli;
pub mod parallel;
pub mod replay;
pub mod rpc;
mod semaphore;
pub mod singleflight;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::failure::Failure;
use crate::view::ViewCall;

/// A question to the chain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Request {
    /// A view function; the answer is the array of its return values.
    View(ViewCall),
    /// A resource under an account; the answer is its `data` object.
    Resource {
        /// The account.
        account: Address,
        /// The fully qualified struct, `0x…::main_v2::LotteryData`.
        type_tag: String,
    },
    /// The ABI of a module; the answer is the `abi` object.
    ModuleAbi {
        /// The account that published it.
        account: Address,
        /// The module's name.
        module: String,
    },
    /// The chain id (u8); the answer is a number.
    ChainId,
    /// A block; the answer is a [`Block`], or a [`Absent`] where the node does not have it.
    Block {
        /// Which one; `None` is the latest.
        height: Option<u64>,
        /// Whether its transactions are wanted too.
        transactions: bool,
    },
    /// A page of one event type, REST v3; the answer is an [`EventPage`] or an [`Absent`].
    Events {
        /// The full type, `0x…::module::Event`.
        type_tag: String,
        /// First block.
        from: u64,
        /// The block after the last one.
        to: u64,
        /// Where the page before ended.
        cursor: Option<String>,
    },
    /// All events of one type in at most [`WINDOW_V1`] blocks, REST v1; the answer is an [`EventPage`] whose rows
    /// have neither height nor hash, or an [`Absent`].
    EventsV1 {
        /// The full type.
        type_tag: String,
        /// First block.
        from: u64,
        /// The block after the last one.
        to: u64,
    },
}

/// The most blocks that REST v1 shows events of at once (`facts/supra.md` §2.6).
pub const WINDOW_V1: u64 = 10;
/// The most events of a REST v3 page.
pub const PAGE_V3: usize = 100;

/// A block's header, in one shape for all REST versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Its height.
    pub height: u64,
    /// Its time in microseconds since 1970.
    pub time_us: u64,
    /// Its transactions as the node shows them, where they were asked for.
    #[serde(default)]
    pub transactions: Vec<Value>,
}

impl Block {
    /// The height of the block after this one.
    pub fn next_height(&self) -> u64 {
        self.height.saturating_add(1)
    }
}

/// An event as a node shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Its block; REST v1 does not say.
    pub height: Option<u64>,
    /// Its transaction; REST v1 does not say.
    pub hash: Option<String>,
    /// Its fields.
    pub data: Value,
}

/// One answer of an events route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPage {
    /// In ascending order.
    pub rows: Vec<EventRow>,
    /// Where the next page begins; absent when the node named none.
    pub cursor: Option<String>,
}

/// Why every node lacks the blocks that were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// Not executed or not indexed yet (404).
    NotYet,
    /// Pruned (410); the oldest block that is remaining, where the node says so.
    Pruned(Option<u64>),
}

/// What came back for one request.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The answer, or why there is none.
    pub result: Result<Value, Failure>,
    /// Wall-clock time from first attempt to last.
    pub elapsed: Duration,
    /// How often it was asked; 0 when there was no time remaining to ask.
    pub attempts: u32,
}

impl Reply {
    /// [`Self::elapsed`] in whole milliseconds.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Keeps an absurd timeout from overflowing [`Instant`].
const FURTHEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The moment by which everything must have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// This time from now; a span of more than 100 years counts as 100 years.
    pub fn after(span: Duration) -> Self {
        Self(Instant::now() + span.min(FURTHEST))
    }

    /// Time remaining; zero once the deadline has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether the deadline has passed.
    pub fn is_expired(self) -> bool {
        self.remaining().is_zero()
    }

    /// The earlier of this and `span` from now.
    #[must_use]
    pub fn min_with(self, span: Duration) -> Self {
        self.min(Self::after(span))
    }
}

/// A way to ask the chain.
pub trait Transport: Send + Sync {
    /// Asks everything, in parallel as far as the transport's own bound allows, and returns one reply per
    /// request in the same order. Never later than `deadline` by more than the time to kill a child.
    fn ask(&self, requests: &[Request], deadline: Deadline) -> Vec<Reply>;

    /// The stable name of the transport for the record: `rpc`, `cli` or `replay`.
    fn name(&self) -> &'static str;

    /// What identifies the chain behind it, for caching resolved function names; holds no secret.
    fn identity(&self) -> String;

    /// Whether module ABIs can be asked for cheaply; otherwise names are resolved by probing.
    fn offers_abi(&self) -> bool;
}
