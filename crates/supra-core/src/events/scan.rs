//! Reading events over REST: pages of v3, windows of v1, one order, no event twice.

pub mod block_point;
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

/// Blocks of one window when we look back from the tip; it doubles.
const LOOK_BACK: u64 = 1000;
/// How many questions go into one batch under one deadline.
const BATCH: usize = 256;

/// A reader of events over one transport.
pub struct Scanner<'a> {
    transport: &'a dyn Transport,
    /// Time for each batch of questions.
    timeout: Duration,
    /// Set once a node turned out to have only the v1 route.
    old: Cell<bool>,
}

/// An event without its block's time.
#[derive(Debug, Clone)]
struct Found {
    height: u64,
    hash: Option<String>,
    /// Its place in the list of wanted types.
    kind: usize,
    index: u32,
    data: Value,
}

/// What a reading found.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// In ascending order.
    pub events: Vec<Event>,
    /// The first block that was read.
    pub from: u64,
    /// The block after the last one that was read.
    pub to: u64,
    /// What the reader should know: blocks that are pruned or not indexed yet.
    pub notes: Vec<String>,
}

/// What is read.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Full types.
    pub types: &'a [String],
    /// First block.
    pub from: u64,
    /// The block after the last one.
    pub to: u64,
    /// At most so many, the oldest.
    pub limit: Option<usize>,
    /// Whether the blocks' times are asked for; REST v1 has no transaction hash without them.
    pub times: bool,
}

/// A batch of rows that were located, and what was covered.
struct Rows {
    found: Vec<Found>,
    from: u64,
    to: u64,
    notes: Vec<String>,
}

/// An answer about blocks: there, or not.
enum There<T> {
    Yes(T),
    No(Absent),
}

fn decoded<T: DeserializeOwned>(value: &Value) -> Result<There<T>, Error> {
    if let Ok(absent) = Absent::deserialize(value) {
        return Ok(There::No(absent));
    }
    let there = T::deserialize(value);
    there.map(There::Yes).map_err(|error| Error::new(FailureKind::Undecodable, error.to_string()))
}

impl<'a> Scanner<'a> {
    /// A reader whose every batch of questions has this time.
    pub fn new(transport: &'a dyn Transport, timeout: Duration) -> Self {
        Self { transport, timeout, old: Cell::new(false) }
    }

    fn ask(&self, requests: &[Request]) -> Vec<Result<Value, Error>> {
        let mut results = Vec::with_capacity(requests.len());
        for batch in requests.chunks(BATCH) {
            let replies = self.transport.ask(batch, Deadline::after(self.timeout));
            results.extend(replies.into_iter().map(|reply| reply.result));
        }
        results
    }

    fn one(&self, request: Request) -> Result<Value, Error> {
        let nothing = || Err(Error::new(FailureKind::Unreachable, "nothing was asked"));
        self.ask(&[request]).pop().unwrap_or_else(nothing)
    }

    /// The latest block.
    pub fn tip(&self) -> Result<Block, Error> {
        match decoded(&self.one(Request::Block { height: None, transactions: false })?)? {
            There::Yes(block) => Ok(block),
            There::No(_) => Err(Error::new(FailureKind::Unsupported, "the node has no latest block")),
        }
    }

    /// The full types that words mean; modules are asked for their ABI where the words need it.
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
            // A module without an ABI leaves us the known names.
            let mut names = self.ask(&requests).into_iter().map(|reply| match reply {
                Ok(abi) => Published::names(&abi),
                Err(_) => Vec::new(),
            });
            let mut next = || names.next().unwrap_or_default();
            published = Published { deposit: next(), vrf: next(), lottery: next() };
        }
        resolve(words, places, &published)
    }

    /// Reads events of a range of blocks.
    pub fn read(&self, wanted: &Wanted) -> Result<Scan, Error> {
        let rows = self.rows(wanted)?;
        self.dressed(wanted, rows)
    }

    /// Reads the last `count` events before `to`, in windows back from there.
    pub fn last(&self, wanted: &Wanted, count: usize) -> Result<Scan, Error> {
        let (mut to, mut size) = (wanted.to, LOOK_BACK);
        let mut all = Rows { found: Vec::new(), from: to, to, notes: Vec::new() };
        while to > wanted.from && all.found.len() < count {
            let from = to.saturating_sub(size).max(wanted.from);
            let mut rows = self.rows(&Wanted { from, to, limit: None, ..*wanted })?;
            if all.from == all.to {
                all.to = rows.to;
            }
            all.notes.append(&mut rows.notes);
            rows.found.append(&mut all.found);
            all.found = rows.found;
            all.from = rows.from;
            // A window that begins later than asked ends at the pruned past.
            to = if rows.from > from { wanted.from } else { from };
            size = size.saturating_mul(2);
        }
        let extra = all.found.len().saturating_sub(count);
        all.found.drain(..extra);
        self.dressed(wanted, all)
    }

    /// Rows of all types in one order, numbered within their transactions.
    fn rows(&self, wanted: &Wanted) -> Result<Rows, Error> {
        if wanted.from >= wanted.to || wanted.types.is_empty() {
            return Ok(Rows { found: Vec::new(), from: wanted.from, to: wanted.to, notes: Vec::new() });
        }
        let mut rows = if self.old.get() {
            self.windows(wanted)?
        } else {
            match self.pages(wanted) {
                Err(failure) if failure.kind() == FailureKind::Unsupported => {
                    // What does not serve v3 events may serve v1's.
                    let rows = self
                        .windows(wanted)
                        .map_err(|old| if old.kind() == FailureKind::Unsupported { failure } else { old })?;
                    self.old.set(true);
                    rows
                }
                other => other?,
            }
        };
        number(&mut rows.found);
        if let Some(limit) = wanted.limit {
            rows.found.truncate(limit);
        }
        Ok(rows)
    }

    /// Blocks by height, several at once.
    pub fn blocks(&self, heights: &BTreeSet<u64>, transactions: bool) -> Result<BTreeMap<u64, Block>, Error> {
        let request = |height: &u64| Request::Block { height: Some(*height), transactions };
        let requests: Vec<Request> = heights.iter().map(request).collect();
        let mut blocks = BTreeMap::new();
        for (height, reply) in heights.iter().zip(self.ask(&requests)) {
            match decoded::<Block>(&reply?)? {
                There::Yes(block) => drop(blocks.insert(*height, block)),
                There::No(_) => {
                    let message = format!("the node has events of block {height} but not the block");
                    return Err(Error::new(FailureKind::Unsupported, message));
                }
            }
        }
        Ok(blocks)
    }

    /// Adds times, and the hashes that v1 does not tell.
    fn dressed(&self, wanted: &Wanted, rows: Rows) -> Result<Scan, Error> {
        let hashless = rows.found.iter().any(|found| found.hash.is_none());
        let heights: BTreeSet<u64> = rows.found.iter().map(|found| found.height).collect();
        let blocks =
            if wanted.times || hashless { self.blocks(&heights, hashless)? } else { BTreeMap::new() };
        let mut found = rows.found;
        if hashless {
            for (height, block) in &blocks {
                let of_block: Vec<&mut Found> =
                    found.iter_mut().filter(|row| row.height == *height).collect();
                name_transactions(of_block, block, wanted.types);
            }
            number(&mut found);
        }
        let event = |row: Found| {
            let block = blocks.get(&row.height);
            let type_tag = wanted.types.get(row.kind).cloned().unwrap_or_default();
            Event {
                schema: SCHEMA.to_owned(),
                height: row.height,
                time: block.and_then(|block| shown(block.time_us)),
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

/// Microseconds since 1970 as RFC 3339.
pub fn shown(micros: u64) -> Option<String> {
    let time = Timestamp::from_microsecond(i64::try_from(micros).ok()?).ok()?;
    Some(time.to_string())
}

/// Puts rows in order and numbers those of one type in one transaction.
fn number(found: &mut [Found]) {
    // Stable: rows of one type in one transaction keep the node's order.
    found.sort_by(|a, b| (a.height, &a.hash, a.kind).cmp(&(b.height, &b.hash, b.kind)));
    let mut counts: BTreeMap<(u64, Option<String>, usize), u32> = BTreeMap::new();
    for row in found {
        let count = counts.entry((row.height, row.hash.clone(), row.kind)).or_default();
        row.index = *count;
        *count = count.saturating_add(1);
    }
}

/// Finds the transactions of v1's rows among those of their block: same type, same fields, same order.
fn name_transactions(mut left: Vec<&mut Found>, block: &Block, types: &[String]) {
    let same_type = |found: &str, wanted: &str| {
        let parsed = || found.parse::<FunctionId>().ok().zip(wanted.parse().ok());
        found == wanted || parsed().is_some_and(|(a, b)| a == b)
    };
    for transaction in &block.transactions {
        let Some(hash) = transaction.get("hash").and_then(Value::as_str) else { continue };
        let events = transaction.pointer("/output/Move/events").and_then(Value::as_array);
        for event in events.into_iter().flatten() {
            let (Some(tag), Some(data)) = (event.get("type").and_then(Value::as_str), event.get("data"))
            else {
                continue;
            };
            let place = left.iter().position(|row| {
                row.data == *data && types.get(row.kind).is_some_and(|wanted| same_type(tag, wanted))
            });
            if let Some(place) = place {
                left.remove(place).hash = Some(hash.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests;
