//! The `main_v2` lottery: its resource, its views, the winner of an answered draw.

use crate::abort::CallError;
use crate::address::Address;
use crate::call::Transaction;
use crate::move_json::{num, option};
use crate::names::Names;
use serde_json::{Value, json};

/// Constant price of a ticket, in the project's own token.
pub(crate) const TICKET_PRICE: u64 = 10_000_000;
/// Tickets that schedule a draw.
pub(crate) const DRAW_AT: usize = 5;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientSnapshot {
    pub(crate) max_gas_price: u128,
    pub(crate) max_gas_limit: u128,
    pub(crate) min_balance_limit: u128,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Lottery {
    pub(crate) tickets: Vec<Address>,
    pub(crate) jackpot: u64,
    pub(crate) draw_scheduled: bool,
    pub(crate) next_ticket_id: u64,
    pub(crate) pending: Option<u64>,
    pub(crate) max_gas_fee: u64,
    pub(crate) max_gas_price: u128,
    pub(crate) max_gas_limit: u128,
    pub(crate) callback_gas_price: u128,
    pub(crate) callback_gas_limit: u128,
    pub(crate) verification_gas_value: u128,
    pub(crate) requests: u64,
    pub(crate) responses: u64,
    pub(crate) payload_hash: Option<String>,
    pub(crate) last_requester: Option<Address>,
    pub(crate) next_client_seed: u64,
    pub(crate) consumers: Vec<Address>,
    pub(crate) aggregator: Option<Address>,
    pub(crate) client_snapshot: Option<ClientSnapshot>,
    /// Callback gas price and limit.
    pub(crate) consumer_snapshot: Option<(u128, u128)>,
    /// Count of random words and the client seed.
    pub(crate) request_config: Option<(u8, u64)>,
}

pub(crate) fn addresses(list: &[Address]) -> Value {
    list.iter().map(|address| Value::from(address.to_string())).collect()
}

pub(crate) fn text(value: u64) -> Value {
    Value::String(value.to_string())
}

impl Lottery {
    fn client_snapshot_json(&self) -> Value {
        option(self.client_snapshot.as_ref().map(|s| {
            json!({"max_gas_price": num(s.max_gas_price), "max_gas_limit": num(s.max_gas_limit),
                "min_balance_limit": num(s.min_balance_limit)})
        }))
    }

    fn consumer_snapshot_json(&self) -> Value {
        option(self.consumer_snapshot.map(
            |(price, limit)| json!({"callback_gas_price": num(price), "callback_gas_limit": num(limit)}),
        ))
    }

    fn request_config_json(&self) -> Value {
        option(
            self.request_config.map(|(count, seed)| json!({"rng_count": count, "client_seed": text(seed)})),
        )
    }

    /// The resource `LotteryData`.
    pub(crate) fn resource(&self) -> Value {
        json!({
            "tickets": addresses(&self.tickets),
            "jackpot_amount": text(self.jackpot),
            "draw_scheduled": self.draw_scheduled,
            "next_ticket_id": text(self.next_ticket_id),
            "pending_request": option(self.pending.map(text)),
            "max_gas_fee": text(self.max_gas_fee),
            "max_gas_price": num(self.max_gas_price),
            "max_gas_limit": num(self.max_gas_limit),
            "callback_gas_price": num(self.callback_gas_price),
            "callback_gas_limit": num(self.callback_gas_limit),
            "verification_gas_value": num(self.verification_gas_value),
            "rng_request_count": text(self.requests),
            "rng_response_count": text(self.responses),
            "last_request_payload_hash": option(self.payload_hash.clone().map(Value::from)),
            "last_requester": option(self.last_requester.map(|a| a.to_string().into())),
            "next_client_seed": text(self.next_client_seed),
            "whitelisted_consumers": addresses(&self.consumers),
            "whitelisted_callback_sender": option(self.aggregator.map(|a| a.to_string().into())),
            "client_whitelist_snapshot": self.client_snapshot_json(),
            "consumer_whitelist_snapshot": self.consumer_snapshot_json(),
            "vrf_request_config": self.request_config_json(),
        })
    }

    /// Before `init` the views answer for an empty lottery; they never abort.
    pub(crate) fn view(&self, function: &str) -> Result<Vec<Value>, CallError> {
        Ok(match function {
            "get_ticket_price" => vec![text(TICKET_PRICE)],
            "get_ticket_count" => vec![num(self.tickets.len() as u128)],
            "get_jackpot_amount" => vec![text(self.jackpot)],
            "get_max_gas_fee" => vec![text(self.max_gas_fee)],
            "is_vrf_request_pending" => vec![json!(self.pending.is_some())],
            "get_vrf_gas_config" => vec![num(self.max_gas_price), num(self.max_gas_limit)],
            "get_verification_gas_value" => vec![num(self.verification_gas_value)],
            "get_callback_gas_config" => vec![num(self.callback_gas_price), num(self.callback_gas_limit)],
            "get_rng_counters" => vec![text(self.requests), text(self.responses)],
            "get_lottery_status" => vec![json!({
                "ticket_count": num(self.tickets.len() as u128), "draw_scheduled": self.draw_scheduled,
                "pending_request": self.pending.is_some(), "jackpot_amount": text(self.jackpot),
                "rng_request_count": text(self.requests), "rng_response_count": text(self.responses),
            })],
            "get_registered_tickets" => vec![addresses(&self.tickets)],
            "get_whitelist_status" => vec![json!({
                "aggregator": option(self.aggregator.map(|a| a.to_string().into())), "consumers": addresses(&self.consumers),
            })],
            "get_client_whitelist_snapshot" => vec![self.client_snapshot_json()],
            "get_min_balance_limit_snapshot" => {
                vec![option(self.client_snapshot.as_ref().map(|s| num(s.min_balance_limit)))]
            }
            "get_consumer_whitelist_snapshot" => vec![self.consumer_snapshot_json()],
            "get_vrf_request_config" => vec![self.request_config_json()],
            other => return Err(CallError::not_a_view(other)),
        })
    }

    /// A verified answer: picks the winner, pays the jackpot out, opens the next round.
    pub(crate) fn receive(&mut self, names: &Names, tx: &mut Transaction, nonce: u64, seed: u64) {
        let count = self.tickets.len() as u64;
        if let Some(index) = crate::digest::number("draw", seed, nonce).checked_rem(count)
            && let Some(winner) = usize::try_from(index).ok().and_then(|index| self.tickets.get(index))
        {
            tx.emit(
                names.lottery_event("WinnerSelected"),
                json!({"winner": winner.to_string(), "prize": text(self.jackpot)}),
            );
        }
        tx.emit(names.lottery_event("DrawHandledEvent"), json!({"nonce": text(nonce), "success": true}));
        self.responses += 1;
        self.pending = None;
        self.tickets.clear();
        self.jackpot = 0;
        self.draw_scheduled = false;
    }
}
