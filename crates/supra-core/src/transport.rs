//! The [`Transport`] trait, which the CLI, REST and replay transports implement, and its request types.

pub mod cli;
pub mod parallel;
pub mod replay;
pub mod rpc;
pub(crate) mod semaphore;
pub mod singleflight;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::error::Error;
use crate::view::ViewCall;

/// A request to the chain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Request {
    /// A view function; the reply is the array of its return values.
    View(ViewCall),
    /// A resource under an account; the reply is its `data` object.
    Resource {
        /// The account.
        account: Address,
        /// The full struct type, such as `0x…::main_v2::LotteryData`.
        type_tag: String,
    },
    /// An item of a table; the reply is the item.
    TableItem {
        /// The table's handle.
        handle: Address,
        /// The Move type of its keys.
        key_type: String,
        /// The Move type of its items.
        value_type: String,
        /// The item's key; numbers as decimal text.
        key: String,
    },
    /// The ABI of a module; the reply is the `abi` object.
    ModuleAbi {
        /// The account that published it.
        account: Address,
        /// The module's name.
        module: String,
    },
    /// The chain id (u8); the reply is a number.
    ChainId,
    /// The node's build; the reply is an object, such as `{"tag": …, "commit": …}`.
    NodeVersion,
    /// A block; the reply is a [`Block`], or an [`Absent`] if the node does not have it.
    Block {
        /// Its height; `None` is the latest block.
        height: Option<u64>,
        /// Whether the reply includes the transactions.
        transactions: bool,
    },
    /// A transaction; the reply is an object, or an [`Absent`] if no node has it.
    Transaction {
        /// Its hash, with `0x`.
        hash: String,
    },
    /// A page of one event type, REST v3; the reply is an [`EventPage`] or an [`Absent`].
    Events {
        /// The full type, such as `0x…::module::Event`.
        type_tag: String,
        /// The first block.
        from: u64,
        /// The block after the last one.
        to: u64,
        /// The cursor that came with the previous page.
        cursor: Option<String>,
    },
    /// All events of one type in at most [`WINDOW_V1`] blocks, REST v1; the reply is an [`EventPage`] whose rows have
    /// neither height nor hash, or an [`Absent`].
    EventsV1 {
        /// The full type.
        type_tag: String,
        /// The first block.
        from: u64,
        /// The block after the last one.
        to: u64,
    },
}

/// The largest number of blocks in one REST v1 request for events.
pub const WINDOW_V1: u64 = 10;
/// The largest number of events in a REST v3 page.
pub const PAGE_V3: usize = 100;

/// A block, in the same form for all REST versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// The height.
    pub height: u64,
    /// The time in microseconds since 1970.
    pub time_us: u64,
    /// The id of the chain, if the header has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<u8>,
    /// The transactions as the node returns them; empty unless they were requested.
    #[serde(default)]
    pub transactions: Vec<Value>,
}

impl Block {
    /// The height of the block after this one.
    pub fn next_height(&self) -> u64 {
        self.height.saturating_add(1)
    }
}

/// An event as a node returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// The height of its block; `None` from REST v1.
    pub height: Option<u64>,
    /// The hash of its transaction; `None` from REST v1.
    pub hash: Option<String>,
    /// The fields.
    pub data: Value,
}

/// One page of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPage {
    /// The events in ascending order.
    pub rows: Vec<EventRow>,
    /// The cursor of the next page, if the node returned one; empty after the last page.
    pub cursor: Option<String>,
}

/// Why no node has the requested blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// Not executed or not indexed yet (status 404).
    NotYet,
    /// Pruned (status 410), with the oldest remaining block if the node names it.
    Pruned(Option<u64>),
}

/// The outcome of one request.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The value, or the failure of the last attempt.
    pub result: Result<Value, Error>,
    /// The wall-clock time from the first attempt to the last.
    pub elapsed: Duration,
    /// The number of attempts; 0 if there was no time left for one.
    pub attempts: u32,
}

impl Reply {
    /// Returns [`Self::elapsed`] in whole milliseconds.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The largest span of a deadline, so that it does not overflow [`Instant`].
const FURTHEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The time by which an operation must have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// Returns the deadline `span` from now; a span of more than 100 years counts as 100 years.
    pub fn after(span: Duration) -> Self {
        Self(Instant::now() + span.min(FURTHEST))
    }

    /// Returns the remaining time; zero once the deadline has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Returns whether the deadline has passed.
    pub fn is_expired(self) -> bool {
        self.remaining().is_zero()
    }

    /// Returns the earlier of this deadline and `span` from now.
    #[must_use]
    pub fn min_with(self, span: Duration) -> Self {
        self.min(Self::after(span))
    }
}

/// A connection to a chain.
pub trait Transport: Send + Sync {
    /// Sends all requests, in parallel within the transport's limit, and returns one reply per request in the same
    /// order. Returns by `deadline`, or later by the time that it takes to kill a child process.
    fn ask(&self, requests: &[Request], deadline: Deadline) -> Vec<Reply>;

    /// Returns a key of the chain for the cache of resolved function names; contains no secret.
    fn identity(&self) -> String;

    /// Returns whether a node answers the requests itself, which can then tell its version and its latest block.
    fn reaches_node(&self) -> bool {
        false
    }

    /// Returns the transport behind one that shares replies between targets.
    fn unshared(&self) -> Option<&dyn Transport> {
        None
    }

    /// Returns whether resources and the ABIs of modules can be read; otherwise function names are found by trying them.
    fn offers_abi(&self) -> bool {
        false
    }

    /// Returns whether the resources of some accounts can be read at least.
    fn offers_resources(&self) -> bool {
        self.offers_abi()
    }
}

/// A chain for tests that answers each request by a function.
#[cfg(test)]
pub(crate) struct FakeTransport<F>(pub(crate) F);

#[cfg(test)]
impl<F: Fn(&Request) -> Result<Value, Error> + Send + Sync> Transport for FakeTransport<F> {
    fn ask(&self, requests: &[Request], _: Deadline) -> Vec<Reply> {
        let reply = |request| Reply { result: (self.0)(request), elapsed: Duration::ZERO, attempts: 1 };
        requests.iter().map(reply).collect()
    }

    fn identity(&self) -> String {
        "fake".to_owned()
    }
}
