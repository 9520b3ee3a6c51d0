//! The generated past: events of earlier draws, spread over the blocks by the seed.

mod consumers;

use super::{Chain, EventRow};
use crate::digest;
use crate::scenario;
use crate::state::Asker;
use serde_json::json;

/// Blocks between a past request and its answer.
const ANSWER_BLOCKS: u64 = 12;

/// When the past request of a number, from 1 on, was made and answered.
fn past_heights(tip: u64, count: u64, seed: u64, number: u64) -> (u64, u64) {
    let slot = (tip / (count + 1)).max(1);
    let jitter = digest::number("history", seed, number) % (slot / 2).max(1);
    let asked = ((number - 1) * slot + jitter + 1).min(tip);
    (asked, (asked + ANSWER_BLOCKS.min(slot / 2)).min(tip))
}

impl Chain {
    pub(super) fn fill_history(&mut self) {
        if self.scenario == "empty" {
            return;
        }
        let (count, seed) = (self.options.history_events / 3, self.options.seed);
        let tip = self.clock.height();
        for draw in 0..count {
            let nonce = draw + 1;
            let (height, answered) = past_heights(tip, count, seed, nonce);
            let hash = digest::id("draw", seed, nonce);
            self.past_event("DrawRequestedEvent", height, &hash, json!({
                "nonce": nonce.to_string(), "client_seed": nonce.to_string(), "request_hash": digest::id("payload", nonce, nonce),
                "callback_gas_price": "100", "callback_gas_limit": "150000", "requester": self.state.names.lottery.to_string(),
            }));
            let height = answered;
            let hash = digest::id("answer", seed, nonce);
            let winner =
                scenario::player(u8::try_from(digest::number("winner", seed, nonce) % 9).unwrap_or(0) + 1);
            self.past_event(
                "WinnerSelected",
                height,
                &hash,
                json!({"winner": winner.to_string(), "prize": "50000000"}),
            );
            self.past_event(
                "DrawHandledEvent",
                height,
                &hash,
                json!({"nonce": nonce.to_string(), "success": true}),
            );
        }
        if let Some(request) = self.state.request_of(Asker::Lottery) {
            let (nonce, height) = (request.id, self.clock.height_at(request.asked_us));
            let hash = digest::id("draw", seed, nonce);
            self.past_event("DrawRequestedEvent", height, &hash, json!({
                "nonce": nonce.to_string(), "client_seed": nonce.to_string(), "request_hash": digest::id("payload", nonce, nonce),
                "callback_gas_price": "100", "callback_gas_limit": "150000", "requester": self.state.names.lottery.to_string(),
            }));
        }
        self.fill_consumers();
        self.events.sort_by_key(|event| event.height);
    }

    fn past_event(&mut self, name: &str, height: u64, hash: &str, data: serde_json::Value) {
        let kind = self.state.names.lottery_event(name);
        self.events.push(EventRow { kind, data, height, hash: hash.to_owned() });
    }
}
