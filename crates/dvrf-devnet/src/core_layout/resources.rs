//! The resources of the core layout; its tables are structs with two vectors and can be read inside them.

use super::views::{pool, round_snapshot, shares};
use super::{CoreLayout, HubRequest, JACKPOT_LOTTERY, Lottery, Round, SHARES, TICKET_PRICE};
use crate::address::Address;
use crate::lottery::{addresses, text};
use crate::move_json::{handles, option};
use crate::state::State;
use serde_json::{Value, json};

/// A `vrf_hub::table::Table`.
fn table(rows: impl Iterator<Item = (u64, Value)>) -> Value {
    let (keys, values): (Vec<Value>, Vec<Value>) = rows.map(|(key, value)| (text(key), value)).unzip();
    json!({"keys": keys, "values": values})
}

fn with_handles(mut data: Value, owner: Address, names: &[&str]) -> Value {
    if let Some(fields) = data.as_object_mut() {
        fields.extend(handles(owner, names));
    }
    data
}

fn round(round: &Round) -> Value {
    json!({"tickets": addresses(&round.tickets), "draw_scheduled": round.draw_scheduled,
        "next_ticket_id": text(round.next_ticket_id), "pending_request": option(round.pending.map(text))})
}

impl HubRequest {
    pub(super) fn json(&self) -> Value {
        json!({"lottery_id": text(self.lottery_id), "payload": self.payload, "payload_hash": self.payload_hash})
    }
}

impl CoreLayout {
    /// The hub's row of a lottery.
    pub(super) fn registration(&self, lottery: &Lottery) -> Value {
        let owner = self.address.to_string();
        json!({"owner": owner, "lottery": owner, "metadata": "0x", "active": lottery.hub_active})
    }

    /// The instances' row of a lottery.
    pub(super) fn instance(&self, id: u64, lottery: &Lottery) -> Value {
        let owner = self.address.to_string();
        json!({"lottery_id": text(id), "owner": owner, "lottery": owner, "ticket_price": text(TICKET_PRICE),
            "jackpot_share_bps": SHARES[1], "tickets_sold": text(lottery.tickets_sold),
            "jackpot_accumulated": text(lottery.jackpot_accumulated), "active": lottery.instance_active})
    }

    fn hub_state(&self) -> Value {
        let data = json!({
            "admin": self.address.to_string(), "next_lottery_id": text(self.lotteries.len() as u64 + 1),
            "next_request_id": text(self.next_request_id),
            "lotteries": table(self.lotteries.iter().map(|(id, lottery)| (*id, self.registration(lottery)))),
            "requests": table(self.requests.iter().map(|(id, request)| (*id, request.json()))),
            "lottery_ids": self.lotteries.keys().copied().map(text).collect::<Vec<_>>(),
            "pending_request_ids": self.requests.keys().copied().map(text).collect::<Vec<_>>(),
            "callback_sender": option(self.callback_sender.map(|sender| sender.to_string().into())),
        });
        with_handles(data, self.address, crate::functions::HUB_HANDLES)
    }

    /// Each resource with its full name; none before the modules are initialised.
    pub(crate) fn resources(&self) -> Vec<(String, Value)> {
        if !self.initialized {
            return Vec::new();
        }
        let owner = self.address.to_string();
        let ids = |which: fn(&Lottery) -> bool| {
            let found = self.lotteries.iter().filter(|(_, lottery)| which(lottery));
            found.map(|(id, _)| text(*id)).collect::<Vec<_>>()
        };
        let rounds = self.lotteries.iter().filter_map(|(id, l)| Some((*id, round(l.round.as_ref()?))));
        let pools = self.lotteries.iter().filter_map(|(id, l)| Some((*id, pool(l.pool.as_ref()?))));
        vec![
            (self.full_name("hub", "HubState"), self.hub_state()),
            (
                self.full_name("core_rounds", "RoundCollection"),
                json!({"admin": owner, "rounds": table(rounds), "lottery_ids": ids(|l| l.round.is_some())}),
            ),
            (
                self.full_name("core_instances", "LotteryCollection"),
                json!({
                    "admin": owner, "hub": owner, "lottery_ids": ids(|_| true),
                    "instances": table(self.lotteries.iter().map(|(id, lottery)| (*id, self.instance(*id, lottery)))),
                }),
            ),
            (
                self.full_name("core_treasury_multi", "TreasuryState"),
                json!({
                    "admin": owner, "jackpot_recipient": owner, "operations_recipient": owner,
                    "jackpot_balance": text(self.jackpot_balance), "lottery_ids": ids(|l| l.pool.is_some()),
                    "configs": table(self.lotteries.keys().map(|id| (*id, shares()))), "pools": table(pools),
                }),
            ),
            (
                self.full_name("rewards_jackpot", "JackpotState"),
                json!({"admin": owner, "lottery_id": text(JACKPOT_LOTTERY), "tickets": addresses(&self.jackpot.tickets),
                    "draw_scheduled": self.jackpot.draw_scheduled, "pending_request": option(self.jackpot.pending.map(text))}),
            ),
        ]
    }
}

impl State {
    /// The core layout as `/devnet/state` shows it.
    pub(crate) fn core_json(&self) -> Option<Value> {
        let core = self.core.as_ref()?;
        let lotteries = core.lotteries.iter().map(|(id, lottery)| {
            json!({"id": text(*id), "round": lottery.round.as_ref().map(round_snapshot), "pool": lottery.pool.as_ref().map(pool),
                "hub_active": lottery.hub_active, "instance_active": lottery.instance_active})
        });
        Some(json!({
            "address": core.address.to_string(), "callback_sender": core.callback_sender.map(|sender| sender.to_string()),
            "lotteries": lotteries.collect::<Vec<_>>(), "jackpot": core.jackpot_snapshot(),
            "hub_pending": core.requests.keys().copied().map(text).collect::<Vec<_>>(),
            "history_queue": core.history_queue, "purchase_queue": core.purchase_queue,
        }))
    }
}
