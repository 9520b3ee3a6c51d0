//! Blocks as JSON: wrapped in v3, flat in v1 and v2.

use super::Version;
use crate::chain::Chain;
use crate::digest;
use crate::http::{Request, Response};
use serde_json::{Value, json};

impl Chain {
    pub(crate) fn header_json(&self, height: u64) -> Value {
        let seed = self.options.seed;
        let us = self.shown_us(height);
        let utc = i64::try_from(us)
            .ok()
            .and_then(|us| jiff::Timestamp::from_microsecond(us).ok())
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        json!({
            "author": digest::id("author", seed, height % 7), "hash": digest::id("block", seed, height), "height": height,
            "parent": digest::id("block", seed, height.saturating_sub(1)),
            "timestamp": {"microseconds_since_unix_epoch": us, "utc_date_time": format!("{}+00:00", utc.to_string().trim_end_matches('Z'))},
            "view": {"epoch_id": {"chain_id": self.chain_id(), "epoch": height / 14_400}, "round": height % 14_400},
        })
    }

    fn block_json(&self, version: Version, height: u64) -> Value {
        let header = self.header_json(height);
        if version == Version::V3 { json!({"header": header, "execution_statistics": null}) } else { header }
    }
}

pub(super) fn latest(chain: &Chain, version: Version) -> Response {
    Response::json(200, &chain.block_json(version, chain.clock.height()))
}

pub(super) fn at(chain: &Chain, version: Version, height: &str, request: &Request) -> Response {
    let Ok(height) = height.parse::<u64>() else { return Response::message(400, "Invalid block height") };
    if height > chain.clock.height() {
        return Response::message(404, &format!("Block {height} not found"));
    }
    if height < chain.options.oldest_block {
        return pruned(chain);
    }
    let mut block = chain.block_json(version, height);
    if request.query("with_finalized_transactions") == Some("true")
        && let Some(object) = block.as_object_mut()
    {
        object.insert("transactions".to_owned(), Value::Array(transactions(chain, height)));
    }
    Response::json(200, &block)
}

fn transactions(chain: &Chain, height: u64) -> Vec<Value> {
    let mut hashes: Vec<&str> =
        chain.events.iter().filter(|event| event.height == height).map(|event| event.hash.as_str()).collect();
    hashes.extend(chain.transactions.iter().filter(|row| row.height == height).map(|row| row.hash.as_str()));
    hashes.sort_unstable();
    hashes.dedup();
    hashes.into_iter().filter_map(|hash| chain.transaction(hash)).collect()
}

pub(super) fn pruned(chain: &Chain) -> Response {
    let oldest = chain.options.oldest_block;
    Response::message(410, &format!("Requested data is pruned, oldest block is {oldest}"))
        .with("x-supra-oldest-block", oldest.to_string())
}
