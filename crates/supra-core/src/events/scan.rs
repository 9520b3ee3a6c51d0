//! Reads events over REST: pages of v3 or windows of v1, in one order and without duplicates.

pub mod block_point;
mod order;
mod pages;
mod windows;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Error;
use crate::events::{Event, Places, Published, SCHEMA, VRF_MODULE, needs_abi, resolve};
use crate::failure::FailureKind;
use crate::transport::{Absent, Block, Deadline, Request, Transport};
use crate::view::FunctionId;

/// The number of blocks in the first window when reading back from the tip; each next window is twice as large.
const LOOK_BACK: u64 = 1000;
/// The largest number of requests under one deadline.
const BATCH: usize = 256;

/// A reader of events over one transport.
pub struct Scanner<'a> {
    transport: &'a dyn Transport,
    /// The time for each batch of requests.
    timeout: Duration,
    /// When everything must have ended.
    deadline: Deadline,
    /// Whether REST v1 may be read, which takes a request for every ten blocks.
    reads_v1: bool,
    /// Set once the node has refused v3 and served v1.
    v1_only: Cell<bool>,
}

/// An event without the time of its block.
#[derive(Debug, Clone)]
struct Found {
    height: u64,
    hash: Option<String>,
    /// The index of its type in the query.
    kind: usize,
    index: u32,
    data: Value,
}

/// The result of a query.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// The events in ascending order.
    pub events: Vec<Event>,
    /// The first block that was read.
    pub from: u64,
    /// The block after the last one that was read.
    pub to: u64,
    /// Which of the requested blocks could not be read: those that are pruned or not indexed yet.
    pub notes: Vec<String>,
}

/// Which events to read.
#[derive(Debug, Clone, Copy)]
pub struct EventQuery<'a> {
    /// The full types.
    pub types: &'a [String],
    /// The first block.
    pub from: u64,
    /// The block after the last one.
    pub to: u64,
    /// The largest number of events; the oldest are returned.
    pub limit: Option<usize>,
    /// Whether to read the times of blocks.
    pub times: bool,
}

/// Rows with their blocks, and the range that was read.
struct Rows {
    found: Vec<Found>,
    from: u64,
    to: u64,
    notes: Vec<String>,
}

/// A reply about blocks.
enum Presence<T> {
    Present(T),
    Absent(Absent),
}

fn decode<T: DeserializeOwned>(value: &Value) -> Result<Presence<T>, Error> {
    if let Ok(absent) = Absent::deserialize(value) {
        return Ok(Presence::Absent(absent));
    }
    let there = T::deserialize(value);
    there.map(Presence::Present).map_err(|error| Error::new(FailureKind::Undecodable, error.to_string()))
}

impl<'a> Scanner<'a> {
    /// Creates a scanner that allows `timeout` for each batch of requests.
    pub fn new(transport: &'a dyn Transport, timeout: Duration) -> Self {
        Self {
            transport,
            timeout,
            deadline: Deadline::after(Duration::MAX),
            reads_v1: true,
            v1_only: Cell::new(false),
        }
    }

    /// Also bounds all batches together, and reads only REST v3, in a few requests.
    #[must_use]
    pub fn brief(self, deadline: Deadline) -> Self {
        Self { deadline, reads_v1: false, ..self }
    }

    fn ask(&self, requests: &[Request]) -> Vec<Result<Value, Error>> {
        let mut results = Vec::with_capacity(requests.len());
        for batch in requests.chunks(BATCH) {
            let replies = self.transport.ask(batch, self.deadline.min_with(self.timeout));
            results.extend(replies.into_iter().map(|reply| reply.result));
        }
        results
    }

    fn ask_one(&self, request: Request) -> Result<Value, Error> {
        let nothing = || Err(Error::new(FailureKind::Unreachable, "nothing was asked"));
        self.ask(&[request]).pop().unwrap_or_else(nothing)
    }

    /// Reads the latest block.
    pub fn tip(&self) -> Result<Block, Error> {
        match decode(&self.ask_one(Request::Block { height: None, transactions: false })?)? {
            Presence::Present(block) => Ok(block),
            Presence::Absent(_) => Err(Error::new(FailureKind::Unsupported, "the node has no latest block")),
        }
    }

    /// Resolves words to full types, and reads the ABIs of the modules if the words need them.
    pub fn types(&self, words: &[String], places: &Places) -> Result<Vec<String>, Error> {
        let mut published = Published::default();
        if needs_abi(words) && self.transport.offers_abi() {
            let (account, module) = places.deposit.clone();
            let mut requests = vec![
                Request::ModuleAbi { account, module },
                Request::ModuleAbi { account, module: VRF_MODULE.to_owned() },
            ];
            let lottery = places.lottery.clone();
            requests.extend(lottery.map(|(account, module)| Request::ModuleAbi { account, module }));
            // Without an ABI the known names are used.
            let mut names = self.ask(&requests).into_iter().map(|reply| match reply {
                Ok(abi) => Published::names(&abi),
                Err(_) => Vec::new(),
            });
            let mut next = || names.next().unwrap_or_default();
            published = Published { deposit: next(), vrf: next(), lottery: next() };
        }
        resolve(words, places, &published)
    }

    /// Reads the events of a range of blocks.
    pub fn read(&self, query: &EventQuery) -> Result<Scan, Error> {
        let rows = self.rows(query)?;
        self.with_block_data(query, rows)
    }

    /// Reads the last `count` events before `to`, in windows that go back from there.
    pub fn last(&self, query: &EventQuery, count: usize) -> Result<Scan, Error> {
        let (mut to, mut size) = (query.to, LOOK_BACK);
        let mut all = Rows { found: Vec::new(), from: to, to, notes: Vec::new() };
        while to > query.from && all.found.len() < count {
            let from = to.saturating_sub(size).max(query.from);
            let mut rows = self.rows(&EventQuery { from, to, limit: None, ..*query })?;
            if all.from == all.to {
                all.to = rows.to;
            }
            all.notes.append(&mut rows.notes);
            rows.found.append(&mut all.found);
            all.found = rows.found;
            all.from = rows.from;
            // A window that begins later than requested has reached the pruned blocks.
            to = if rows.from > from { query.from } else { from };
            size = size.saturating_mul(2);
        }
        let extra = all.found.len().saturating_sub(count);
        all.found.drain(..extra);
        self.with_block_data(query, all)
    }

    /// Reads the rows of all types in one order, numbered within their transactions.
    fn rows(&self, query: &EventQuery) -> Result<Rows, Error> {
        if query.from >= query.to || query.types.is_empty() {
            return Ok(Rows { found: Vec::new(), from: query.from, to: query.to, notes: Vec::new() });
        }
        let mut rows = if self.v1_only.get() {
            self.read_windows(query)?
        } else {
            match self.read_pages(query) {
                Err(failure) if self.reads_v1 && failure.kind() == FailureKind::Unsupported => {
                    // A node that does not serve events of v3 may serve those of v1.
                    let rows = self
                        .read_windows(query)
                        .map_err(|old| if old.kind() == FailureKind::Unsupported { failure } else { old })?;
                    self.v1_only.set(true);
                    rows
                }
                other => other?,
            }
        };
        number(&mut rows.found);
        if let Some(limit) = query.limit {
            rows.found.truncate(limit);
        }
        Ok(rows)
    }

    /// Reads blocks by height.
    pub fn blocks(&self, heights: &BTreeSet<u64>, transactions: bool) -> Result<BTreeMap<u64, Block>, Error> {
        let request = |height: &u64| Request::Block { height: Some(*height), transactions };
        let requests: Vec<Request> = heights.iter().map(request).collect();
        let mut blocks = BTreeMap::new();
        for (height, reply) in heights.iter().zip(self.ask(&requests)) {
            match decode::<Block>(&reply?)? {
                Presence::Present(block) => drop(blocks.insert(*height, block)),
                Presence::Absent(_) => {
                    let message = format!("the node has events of block {height} but not the block");
                    return Err(Error::new(FailureKind::Unsupported, message));
                }
            }
        }
        Ok(blocks)
    }

    /// Adds the times of blocks, and the transaction hashes that v1 does not return.
    fn with_block_data(&self, query: &EventQuery, rows: Rows) -> Result<Scan, Error> {
        let hashless = rows.found.iter().any(|found| found.hash.is_none());
        let heights: BTreeSet<u64> = rows.found.iter().map(|found| found.height).collect();
        let blocks = if query.times || hashless { self.blocks(&heights, hashless)? } else { BTreeMap::new() };
        let mut found = rows.found;
        if hashless {
            for (height, block) in &blocks {
                let of_block: Vec<&mut Found> =
                    found.iter_mut().filter(|row| row.height == *height).collect();
                assign_hashes(of_block, block, query.types);
            }
            number(&mut found);
        }
        let event = |row: Found| {
            let block = blocks.get(&row.height);
            let type_tag = query.types.get(row.kind).cloned().unwrap_or_default();
            Event {
                schema: SCHEMA.to_owned(),
                height: row.height,
                time: block.and_then(|block| rfc3339(block.time_us)),
                time_us: block.map(|block| block.time_us.to_string()),
                transaction_hash: row.hash,
                index: row.index,
                name: type_tag.rsplit("::").next().unwrap_or_default().to_owned(),
                type_tag,
                data: row.data,
            }
        };
        let events = found.into_iter().map(event).collect();
        Ok(Scan { events, from: rows.from, to: rows.to, notes: rows.notes })
    }
}

/// Formats microseconds since 1970 as RFC 3339.
pub fn rfc3339(micros: u64) -> Option<String> {
    let time = Timestamp::from_microsecond(i64::try_from(micros).ok()?).ok()?;
    Some(time.to_string())
}

/// Sorts rows and numbers those of one type in one transaction.
fn number(found: &mut [Found]) {
    // Stable: rows of one type keep the node's order.
    found.sort_by_key(|row| (row.height, row.kind));
    for block in found.chunk_by_mut(|a, b| a.height == b.height) {
        order::sort_block(block);
    }
    let mut counts: BTreeMap<(u64, Option<String>, usize), u32> = BTreeMap::new();
    for row in found {
        let count = counts.entry((row.height, row.hash.clone(), row.kind)).or_default();
        row.index = *count;
        *count = count.saturating_add(1);
    }
}

/// Assigns transaction hashes to rows of v1: looks for events with the same type and fields, in the same order, in the
/// transactions of the block.
fn assign_hashes(mut remaining: Vec<&mut Found>, block: &Block, types: &[String]) {
    let same_type = |found: &str, expected: &str| {
        let parsed = || found.parse::<FunctionId>().ok().zip(expected.parse().ok());
        found == expected || parsed().is_some_and(|(a, b)| a == b)
    };
    for transaction in &block.transactions {
        let Some(hash) = transaction.get("hash").and_then(Value::as_str) else { continue };
        let events = transaction.pointer("/output/Move/events").and_then(Value::as_array);
        for event in events.into_iter().flatten() {
            let (Some(tag), Some(data)) = (event.get("type").and_then(Value::as_str), event.get("data"))
            else {
                continue;
            };
            let place = remaining.iter().position(|row| {
                row.data == *data && types.get(row.kind).is_some_and(|expected| same_type(tag, expected))
            });
            if let Some(place) = place {
                remaining.remove(place).hash = Some(hash.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests;
