//! The package `lottery_multi`: it has no views, so that only its resources and the items of its tables answer.

use crate::abort::{Abort, CallError};
use crate::address::Address;
use crate::lottery::text;
use crate::move_json::handles;
use crate::state::State;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The statuses of a lottery that occur here.
pub(crate) const CLOSING: u8 = 2;
pub(crate) const DRAW_REQUESTED: u8 = 3;
pub(crate) const DRAWN: u8 = 4;
pub(crate) const CANCELED: u8 = 7;
/// The statuses of its request.
pub(crate) const REQUESTED: u8 = 1;
pub(crate) const FULFILLED: u8 = 2;

/// Of `draw`: the lottery is not at a point where it may be drawn.
pub(crate) const E_DRAW_STATUS_INVALID: u64 = 0x1210;
/// Of `draw`: a request waits already.
pub(crate) const E_VRF_PENDING: u64 = 0x1701;
/// Of `draw`: the nonce belongs to no lottery.
pub(crate) const E_VRF_NONCE_UNKNOWN: u64 = 0x1703;
/// Of `draw`: the deposit gate is closed.
pub(crate) const E_VRF_REQUESTS_PAUSED: u64 = 0x170D;

#[derive(Clone, Debug)]
pub(crate) struct Lottery {
    pub(crate) status: u8,
    /// The last request, if there was one.
    pub(crate) draw: Option<Draw>,
}

#[derive(Clone, Debug)]
pub(crate) struct Draw {
    pub(crate) nonce: u64,
    pub(crate) attempt: u8,
    pub(crate) status: u8,
    pub(crate) requested_s: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Multi {
    pub(crate) address: Address,
    pub(crate) initialized: bool,
    pub(crate) lotteries: BTreeMap<u64, Lottery>,
    /// Whether the deposit gate is closed.
    pub(crate) requests_paused: bool,
    /// How many seconds ago somebody typed the deposit in.
    pub(crate) gate_age_s: u64,
}

impl Multi {
    pub(crate) fn new(address: Address, initialized: bool) -> Self {
        Self { address, initialized, lotteries: BTreeMap::new(), requests_paused: false, gate_age_s: 60 }
    }

    /// The full name of a struct or a function.
    pub(crate) fn full_name(&self, module: &str, name: &str) -> String {
        format!("{}::{module}::{name}", self.address)
    }

    /// Creates a lottery whose sales are over, and returns its id.
    pub(crate) fn create(&mut self) -> u64 {
        let id = self.lotteries.len() as u64 + 1;
        self.lotteries.insert(id, Lottery { status: CLOSING, draw: None });
        id
    }

    /// The lottery that a nonce belongs to.
    pub(crate) fn lottery_of(&self, nonce: u64) -> Option<u64> {
        let has = |lottery: &Lottery| lottery.draw.as_ref().is_some_and(|draw| draw.nonce == nonce);
        self.lotteries.iter().find(|(_, lottery)| has(lottery)).map(|(id, _)| *id)
    }

    pub(crate) fn abort(&self, module: &str, code: u64) -> CallError {
        CallError::Abort(Abort { address: self.address, module: module.to_owned(), code })
    }

    /// Each resource with its full name; none before the modules are initialised.
    pub(crate) fn resources(&self, now_s: u64) -> Vec<(String, Value)> {
        if !self.initialized {
            return Vec::new();
        }
        let table = |name: &str| json!({"handle": handle(name)});
        let mut ledger = handles(self.address, &["requested_events", "fulfilled_events"]);
        ledger.insert("states".to_owned(), table("states"));
        ledger.insert("nonce_to_lottery".to_owned(), table("nonce_to_lottery"));
        let mut registry = handles(self.address, &["created_events", "canceled_events", "finalized_events"]);
        registry.insert("lotteries".to_owned(), table("lotteries"));
        registry.insert("cancellations".to_owned(), table("cancellations"));
        registry
            .insert("ordered_ids".to_owned(), self.lotteries.keys().copied().map(text).collect::<Value>());
        let typed_in_at = now_s.saturating_sub(self.gate_age_s);
        let mut gate = handles(
            self.address,
            &["snapshot_events", "alert_events", "requests_paused_events", "requests_resumed_events"],
        );
        gate.insert(
            "config".to_owned(),
            json!({"min_balance_multiplier_bps": "15000", "effective_floor": "0"}),
        );
        gate.insert(
            "status".to_owned(),
            json!({
                "total_balance": "78750000000", "minimum_balance": "15750000000", "effective_balance": "78750000000",
                "required_minimum": "23625000000", "last_update_ts": text(typed_in_at),
                "requests_paused": self.requests_paused,
                "paused_since_ts": text(if self.requests_paused { typed_in_at } else { 0 }),
            }),
        );
        vec![
            (self.full_name("draw", "DrawLedger"), ledger.into()),
            (self.full_name("lottery_registry", "Registry"), registry.into()),
            (self.full_name("vrf_deposit", "VrfDepositLedger"), gate.into()),
        ]
    }

    /// An item of a table, if the types are the table's and the key is there.
    pub(crate) fn item(&self, of: &str, key_type: &str, value_type: &str, key: &Value) -> Option<Value> {
        let named = |module: &str, name: &str| value_type == self.full_name(module, name);
        let key: u64 = key.as_str()?.parse().ok().filter(|_| key_type == "u64")?;
        match of {
            _ if of == handle("states") && named("draw", "DrawState") => {
                Some(self.lotteries.get(&key)?.draw.as_ref()?.json())
            }
            _ if of == handle("nonce_to_lottery") && value_type == "u64" => {
                // A successful callback removes it.
                let waits = |draw: &Draw| draw.status == REQUESTED;
                let id = self.lottery_of(key)?;
                self.lotteries.get(&id)?.draw.as_ref().filter(|draw| waits(draw)).map(|_| text(id))
            }
            _ if of == handle("lotteries") && named("lottery_registry", "Lottery") => {
                let status = self.lotteries.get(&key)?.status;
                Some(json!({"id": text(key), "status": status, "primary_type": 1, "tags_mask": "0"}))
            }
            _ => None,
        }
    }
}

/// The handle of one of the tables.
fn handle(table: &str) -> String {
    crate::digest::id(table, 0, 0)
}

impl Draw {
    /// The `DrawState` in the table.
    fn json(&self) -> Value {
        json!({
            "vrf_state": {
                "request_id": text(self.nonce), "payload_hash": crate::digest::id("payload", self.nonce, 0),
                "schema_version": 1, "attempt": self.attempt, "consumed": false, "retry_after_ts": "0",
                "retry_strategy": 0, "closing_block_height": "1", "chain_id": 6, "status": self.status,
            },
            "rng_count": 1, "client_seed": text(self.nonce), "last_request_ts": text(self.requested_s),
            "snapshot_hash": "0x", "total_tickets": "5", "winners_batch_hash": "0x", "checksum_after_batch": "0x",
            "verified_numbers": [], "payload": "0x", "next_client_seed": text(self.nonce + 1),
        })
    }
}

impl State {
    /// The package as `/devnet/state` shows it.
    pub(crate) fn multi_json(&self) -> Option<Value> {
        let multi = self.multi.as_ref()?;
        let lotteries = multi.lotteries.iter().map(|(id, lottery)| {
            let draw = lottery.draw.as_ref();
            json!({"id": text(*id), "status": lottery.status, "nonce": draw.map(|draw| text(draw.nonce)),
                "vrf_status": draw.map(|draw| draw.status)})
        });
        Some(json!({"address": multi.address.to_string(), "requests_paused": multi.requests_paused,
            "lotteries": lotteries.collect::<Vec<_>>()}))
    }
}
