//! Event queries: the height rules, page limits and cursor of each API version.

use super::blocks::pruned;
use crate::abort::Words;
use crate::call::FunctionId;
use crate::chain::{Chain, EventRow};
use crate::http::{Request, Response};
use serde_json::{Value, json};

const V1_SPAN: u64 = 10;
/// The most rows of a page behind a gateway, whatever limit was asked for.
const GATEWAY_ROWS: usize = 40;

/// A type tag with its address stripped of zeros, so that spellings compare.
fn tag(text: &str) -> Option<String> {
    FunctionId::parse(text).map(|id| format!("{}::{}::{}", id.address, id.module, id.name))
}

fn height(request: &Request, key: &str) -> Result<Option<u64>, Response> {
    request
        .query(key)
        .map(str::parse)
        .transpose()
        .map_err(|_| Response::message(400, &format!("Invalid query parameter `{key}`")))
}

fn in_range<'a>(
    chain: &'a Chain,
    kind: &'a str,
    start: u64,
    end: u64,
) -> impl Iterator<Item = (usize, &'a EventRow)> {
    let events = &chain.events;
    // Rows are in ascending height, so the window is found without walking the history.
    let first = events.partition_point(|event| event.height < start);
    let last = events.partition_point(|event| event.height < end).max(first);
    events.iter().enumerate().take(last).skip(first).filter(move |(_, event)| event.kind == kind)
}

fn not_indexed() -> Response {
    Response::message(404, "Events of the requested block range are not available yet")
}

pub(super) fn v1(chain: &Chain, kind: &str, request: &Request) -> Response {
    let Some(kind) = tag(kind) else { return Response::message(400, "Invalid event type") };
    let (start, end) = match (height(request, "start"), height(request, "end")) {
        (Ok(Some(start)), Ok(Some(end))) => (start, end),
        (Err(response), _) | (_, Err(response)) => return response,
        _ => return Response::message(400, "Query deserialize error: missing field `start` or `end`"),
    };
    if end <= start {
        return Response::message(400, "`end` must be greater than `start`");
    }
    if end - start > V1_SPAN {
        return Response::message(400, "the block range must not exceed 10 blocks");
    }
    if start < chain.options.oldest_block {
        return pruned(chain);
    }
    if end > (chain.clock.height() + 1).saturating_sub(chain.options.index_lag) {
        return not_indexed();
    }
    let rows: Vec<Value> = in_range(chain, &kind, start, end)
        .map(|(_, event)| Chain::event_json(&event.kind, &event.data))
        .collect();
    Response::json(200, &json!({"data": rows}))
}

pub(super) fn v3(chain: &Chain, kind: &str, request: &Request) -> Response {
    let Some(kind) = tag(kind) else { return Response::message(400, "Invalid event type") };
    let tip = chain.clock.height();
    let (start, end) = match (height(request, "start_height"), height(request, "end_height")) {
        (Ok(start), Ok(end)) => (start.unwrap_or(chain.options.oldest_block), end),
        (Err(response), _) | (_, Err(response)) => return response,
    };
    let known_end = (tip + 1).saturating_sub(chain.options.index_lag);
    let limit = match request.query("limit").map(str::parse::<usize>) {
        None => 20,
        Some(Ok(limit @ 1..=100)) => limit,
        Some(_) => return Response::message(400, "`limit` must be between 1 and 100"),
    };
    if end.is_some_and(|end| end <= start) {
        return Response::message(400, "`end` must be greater than `start`");
    }
    if start < chain.options.oldest_block {
        return pruned(chain);
    }
    if end.is_some_and(|end| end > known_end) {
        return not_indexed();
    }
    // The cursor is the index of the last returned row, exclusive.
    let after = match request.query("start").filter(|cursor| !cursor.is_empty()) {
        None => None,
        Some(cursor) => match cursor.get(..16).and_then(|digits| usize::from_str_radix(digits, 16).ok()) {
            Some(index) => Some(index),
            None => return Response::message(400, "Invalid cursor"),
        },
    };
    let limit = if chain.options.words == Words::Recorded { limit.min(GATEWAY_ROWS) } else { limit };
    let page: Vec<(usize, &EventRow)> = in_range(chain, &kind, start, end.unwrap_or(known_end))
        .filter(|(index, _)| after.is_none_or(|after| *index > after))
        .take(limit)
        .collect();
    let cursor = page.last().map_or_else(String::new, |(index, _)| format!("{index:016x}{:016x}", 0));
    let rows: Vec<Value> = page
        .into_iter()
        .map(|(_, event)| json!({
            "event": Chain::event_json(&event.kind, &event.data), "block_height": event.height, "transaction_hash": event.hash,
        }))
        .collect();
    Response::json(200, &json!({"data": rows})).with("x-supra-cursor", cursor)
}
