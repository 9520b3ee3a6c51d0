//! Contract events over REST: v1 with at most ten blocks a call, v3 with pages and a cursor.

use serde_json::{Value, json};

use super::{message, reply};
use crate::address::canonical;
use crate::server::Response;
use crate::world::{Event, World};

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

fn number(query: &str, name: &str) -> Result<Option<u64>, Response> {
    let parsed = parameter(query, name).map(str::parse).transpose();
    parsed.map_err(|_| message(400, format!("invalid {name}")))
}

fn body(event: &Event, version: &str) -> Value {
    let guid = json!({"creation_number": "0", "account_address": "0x0"});
    let inner = json!({"guid": guid, "sequence_number": "0", "type": event.tag, "data": event.data});
    if version == "v1" {
        return inner;
    }
    json!({"event": inner, "block_height": event.height, "transaction_hash": event.hash})
}

/// Answers `/events/{tag}`.
pub(crate) fn answer(world: &World, version: &str, tag: &str, query: &str) -> Response {
    page(world, version, tag, query).unwrap_or_else(|refused| refused)
}

fn page(world: &World, version: &str, tag: &str, query: &str) -> Result<Response, Response> {
    let wanted =
        tag.split_once("::").and_then(|(address, name)| Some(format!("{}::{name}", canonical(address)?)));
    let wanted = wanted.ok_or_else(|| message(400, "invalid event type"))?;
    let keys = if version == "v1" { ("start", "end") } else { ("start_height", "end_height") };
    // In v1 both are heights; in v3 `start` is the cursor.
    let (start, end) = (number(query, keys.0)?, number(query, keys.1)?);
    if let (Some(start), Some(end)) = (start, end)
        && end <= start
    {
        return Err(message(400, "`end` must be greater than `start`"));
    }
    let inside = |height: u64| height >= start.unwrap_or(0) && end.is_none_or(|end| height < end);
    let found =
        world.events.iter().enumerate().filter(|(_, event)| event.tag == wanted && inside(event.height));
    if version == "v1" {
        let (Some(start), Some(end)) = (start, end) else {
            return Err(message(400, "start and end are required"));
        };
        if end - start > 10 {
            return Err(message(400, "at most 10 blocks"));
        }
        let list: Vec<Value> = found.map(|(_, event)| body(event, version)).collect();
        return Ok(reply(200, &json!({"data": list})));
    }
    let limit = usize::try_from(number(query, "limit")?.unwrap_or(20).min(100)).unwrap_or(100);
    let after = match parameter(query, "start") {
        None | Some("") => None,
        Some(cursor) => Some(usize::from_str_radix(cursor, 16).map_err(|_| message(400, "invalid cursor"))?),
    };
    let page: Vec<_> =
        found.filter(|(index, _)| after.is_none_or(|after| *index > after)).take(limit).collect();
    // The cursor names the last event of the page, also on the last page; it is empty for an empty one.
    let cursor = page.last().map(|(index, _)| format!("{index:016x}")).unwrap_or_default();
    let list: Vec<Value> = page.iter().map(|(_, event)| body(event, version)).collect();
    let mut response = reply(200, &json!({"data": list}));
    response.headers.push(("x-supra-cursor", cursor));
    Ok(response)
}
