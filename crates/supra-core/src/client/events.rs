//! Reads a target's events and derives its randomness requests from them.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::ChainClient;
use crate::address::Address;
use crate::amount::{Count, Quants, parse_u128};
use crate::error::Error;
use crate::events::scan::block_point::BlockPoint;
use crate::events::scan::{EventQuery, Scanner, rfc3339};
use crate::events::{Event, Places};
use crate::failure::quote;
use crate::layout::lottery;
use crate::requests::{CallbackFailure, Requests};
use crate::target::Target;
use crate::transport::Deadline;

/// The number of blocks after a request that are searched for an aborted callback.
const ANSWER_BLOCKS: u64 = 120;

/// How far back a pending request is looked for, in microseconds.
const PENDING_WINDOW_US: u64 = 24 * 3600 * 1_000_000;

/// The time for looking a pending request up.
const PENDING_TIMEOUT: Duration = Duration::from_secs(10);

/// The event types that the record's `requests` is derived from.
const TYPES: [&str; 4] = ["draw-requested", "draw-handled", "whitelist", "SupraCollected"];

/// How many of [`TYPES`] are the lottery's own.
const DRAW_TYPES: usize = 2;

/// Returns the modules that publish a target's events.
pub fn places(target: &Target) -> Places {
    Places {
        lottery: target.lottery.map(|address| (address, target.lottery_module.clone())),
        deposit: (target.deposit, target.deposit_module.clone()),
    }
}

impl ChainClient {
    /// Returns a scanner of this chain's events.
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner::new(&*self.transport, self.options.timeout)
    }

    /// Reads a target's requests since a point in time; `error` in the result names a failure.
    pub fn requests(&self, target: &Target, since: &str, more: &[String], now: Timestamp) -> Requests {
        let found = self.read_requests(target, since, more, now);
        found.unwrap_or_else(|failure| Requests { error: Some(failure.into()), ..Requests::default() })
    }

    /// Reads the draw requests of the last 24 hours and their answers, to date a pending one. `None` if they
    /// cannot be read.
    ///
    /// `spent` is how much of the client's time-out has passed; the look-up takes no longer than the rest.
    pub fn pending_request(&self, target: &Target, now: Timestamp, spent: Duration) -> Option<Requests> {
        let types = ["draw-requested", "draw-handled"].map(str::to_owned);
        let now_us = u64::try_from(now.as_microsecond()).unwrap_or(0);
        let when = BlockPoint::Micros(now_us.saturating_sub(PENDING_WINDOW_US));
        let left = self.options.timeout.saturating_sub(spent).min(PENDING_TIMEOUT);
        let scanner = self.scanner().brief(Deadline::after(left));
        Some(read_pairs(&scanner, target, when, &types, now).ok()?.0)
    }

    fn read_requests(
        &self,
        target: &Target,
        since: &str,
        more: &[String],
        now: Timestamp,
    ) -> Result<Requests, Error> {
        let when = BlockPoint::parse("--events", since, now)?;
        // The requests of a layout are read with its values.
        let words = if target.layout.is_some() { &TYPES[DRAW_TYPES..] } else { &TYPES };
        let mut names: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        names.extend_from_slice(more);
        let (mut requests, tip) = read_pairs(&self.scanner(), target, when, &names, now)?;
        if let Some(first) = requests.pending.first().map(|pending| pending.height) {
            let callback = |account| (account, format!("{}::{}", target.lottery_module, lottery().callback));
            let callbacks: Vec<_> = target.lottery.map(callback).into_iter().collect();
            requests.callback_failures = aborted_callbacks(&self.scanner(), &callbacks, first, tip)?;
        }
        Ok(requests)
    }
}

/// Reads these events and pairs requests with answers; also returns the height of the tip.
fn read_pairs(
    scanner: &Scanner,
    target: &Target,
    when: BlockPoint,
    names: &[String],
    now: Timestamp,
) -> Result<(Requests, u64), Error> {
    let types = scanner.types(names, &places(target))?;
    let tip = scanner.tip()?;
    let (from, since_us) = match when {
        BlockPoint::Height(height) => (height, None),
        BlockPoint::Micros(micros) => {
            let (from, since_us) = scanner.first_at(micros, &tip)?;
            (from, Some(since_us))
        }
    };
    let wanted = EventQuery { types: &types, from, to: tip.next_height(), limit: None, times: true };
    let mut scan = scanner.read(&wanted)?;
    // The deposit module publishes the events of all clients.
    scan.events.retain(|event| event.address("client_address").is_none_or(|client| client == target.client));
    let now_us = u64::try_from(now.as_microsecond()).unwrap_or(0);
    let mut requests = Requests::of(&scan.events, &types, now_us);
    (requests.since_height, requests.until_height) = (scan.from, scan.to.saturating_sub(1));
    requests.since = since_us.and_then(rfc3339);
    requests.notes = scan.notes;
    Ok((requests, tip.height))
}

/// Finds failed transactions that called one of these callbacks, each an account and `module::function`, within
/// [`ANSWER_BLOCKS`] after a request.
pub(crate) fn aborted_callbacks(
    scanner: &Scanner,
    callbacks: &[(Address, String)],
    from: u64,
    tip: u64,
) -> Result<Vec<CallbackFailure>, Error> {
    if callbacks.is_empty() {
        return Ok(Vec::new());
    }
    let heights: BTreeSet<u64> = (from..=tip.min(from.saturating_add(ANSWER_BLOCKS))).collect();
    let blocks = scanner.blocks(&heights, true)?;
    let is_callback = |transaction: &Value| {
        let function = transaction.pointer("/payload/Move/function").and_then(Value::as_str);
        let split = function.and_then(|function| function.split_once("::"));
        split.is_some_and(|(address, rest)| {
            callbacks.iter().any(|(account, callback)| rest == callback && address.parse() == Ok(*account))
        })
    };
    let mut found = Vec::new();
    for (height, block) in blocks {
        for transaction in block.transactions.iter().filter(|transaction| is_callback(transaction)) {
            let text = |path: &str| transaction.pointer(path).and_then(Value::as_str);
            if text("/status") != Some("Fail") {
                continue;
            }
            let status = text("/output/Move/vm_status").unwrap_or_default();
            let failure = crate::abort::classify(status);
            found.push(CallbackFailure {
                height,
                transaction_hash: text("/hash").map(str::to_owned),
                // The first argument of every callback of dVRF.
                nonce: text("/payload/Move/arguments/0").and_then(|nonce| parse_u128(nonce).ok()).map(Count),
                status: quote(status),
                abort: failure.abort,
                help: failure.help,
            });
        }
    }
    Ok(found)
}

/// The fee that was taken from a client for the answer to a nonce, within [`ANSWER_BLOCKS`] after its request. `None` proves
/// nothing: a fee that is taken in the transaction of an aborted callback is given back.
pub(crate) fn callback_fee(
    scanner: &Scanner,
    type_tag: &str,
    (nonce, client): (u128, Address),
    from: u64,
    tip: u64,
) -> Result<Option<Quants>, Error> {
    let types = [type_tag.to_owned()];
    let to = tip.min(from.saturating_add(ANSWER_BLOCKS)).saturating_add(1);
    let query = EventQuery { types: &types, from, to, limit: None, times: false };
    let is_its = |event: &&Event| {
        event.number("nonce") == Some(nonce) && event.address("client_address") == Some(client)
    };
    let events = scanner.read(&query)?.events;
    Ok(events.iter().find(is_its).and_then(|event| event.number("amount")).map(Quants))
}

/// Serialises an event as one line of JSON.
pub fn line(event: &Event) -> Result<String, Error> {
    let text = serde_json::to_string(event);
    text.map(|text| text + "\n")
        .map_err(|error| Error::new(crate::failure::FailureKind::Output, error.to_string()))
}
