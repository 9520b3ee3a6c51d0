//! The views of the core layout.

use super::{CoreLayout, JACKPOT_LOTTERY, Lottery, Pool, Round, SHARES, TICKET_PRICE};
use crate::abort::CallError;
use crate::call::Args;
use crate::lottery::text;
use crate::move_json::option;
use serde_json::{Value, json};

/// What a view does while its module is not initialised.
enum Uninitialized {
    Answers,
    Aborts(u64),
    /// It borrows a resource that is not there.
    Misses,
}

fn uninitialized(module: &str, function: &str) -> Uninitialized {
    match (module, function) {
        (_, "is_initialized" | "is_core_control_initialized")
        | ("core_instances", "get_instance_snapshot" | "get_instances_snapshot") => Uninitialized::Answers,
        ("hub", _) => Uninitialized::Aborts(8),
        ("core_rounds", "admin") | ("core_instances", _) => Uninitialized::Aborts(2),
        ("core_treasury_multi", "get_config" | "get_pool" | "get_lottery_summary") => Uninitialized::Misses,
        ("core_treasury_multi", _) | ("rewards_jackpot", "admin" | "lottery_id") => Uninitialized::Aborts(3),
        _ => Uninitialized::Answers,
    }
}

fn ids(list: impl Iterator<Item = u64>) -> Value {
    list.map(text).collect()
}

pub(super) fn shares() -> Value {
    json!({"prize_bps": text(SHARES[0]), "jackpot_bps": text(SHARES[1]), "operations_bps": text(SHARES[2])})
}

pub(super) fn pool(pool: &Pool) -> Value {
    json!({"prize_balance": text(pool.prize), "operations_balance": text(pool.operations)})
}

/// A `RoundSnapshot`.
pub(crate) fn round_snapshot(round: &Round) -> Value {
    json!({
        "ticket_count": text(round.tickets.len() as u64), "draw_scheduled": round.draw_scheduled,
        "has_pending_request": round.pending.is_some(), "next_ticket_id": text(round.next_ticket_id),
        "pending_request_id": option(round.pending.map(text)),
    })
}

impl CoreLayout {
    pub(crate) fn view(
        &self,
        module: &str,
        function: &str,
        args: &Args<'_>,
    ) -> Result<Vec<Value>, CallError> {
        if !self.initialized {
            match uninitialized(module, function) {
                Uninitialized::Answers => {}
                Uninitialized::Aborts(code) => return Err(self.abort(module, code)),
                Uninitialized::Misses => {
                    return Err(CallError::MissingData {
                        address: self.address,
                        module: self.name(module).to_owned(),
                    });
                }
            }
        }
        match module {
            "hub" => self.hub_view(function, args),
            "core_rounds" => self.rounds_view(function, args),
            "core_instances" => self.instances_view(function, args),
            "core_treasury_multi" => self.treasury_view(function, args),
            _ => self.jackpot_view(function),
        }
    }

    fn lottery(&self, args: &Args<'_>) -> Result<Option<&Lottery>, CallError> {
        Ok(self.lotteries.get(&args.u64(0)?))
    }

    fn admin(&self) -> Value {
        json!(self.address.to_string())
    }

    fn ids_of(&self, which: impl Fn(&Lottery) -> bool) -> Value {
        ids(self.lotteries.iter().filter(|(_, lottery)| which(lottery)).map(|(id, _)| *id))
    }

    fn sender(&self) -> Value {
        option(self.callback_sender.map(|sender| sender.to_string().into()))
    }

    fn hub_view(&self, function: &str, args: &Args<'_>) -> Result<Vec<Value>, CallError> {
        Ok(vec![match function {
            "is_initialized" => json!(self.initialized),
            "admin" => self.admin(),
            "peek_next_lottery_id" => text(self.lotteries.len() as u64 + 1),
            "is_lottery_active" => json!(self.lottery(args)?.is_some_and(|lottery| lottery.hub_active)),
            "get_registration" => option(self.lottery(args)?.map(|lottery| self.registration(lottery))),
            "lottery_count" => text(self.lotteries.len() as u64),
            "list_lottery_ids" => self.ids_of(|_| true),
            "list_active_lottery_ids" => self.ids_of(|lottery| lottery.hub_active),
            "callback_sender" => self.sender(),
            "get_callback_sender_status" => json!({"sender": self.sender()}),
            "get_request" => option(self.requests.get(&args.u64(0)?).map(super::HubRequest::json)),
            "list_pending_request_ids" => ids(self.requests.keys().copied()),
            other => return Err(CallError::not_a_view(other)),
        }])
    }

    fn rounds_view(&self, function: &str, args: &Args<'_>) -> Result<Vec<Value>, CallError> {
        let round = || Ok::<_, CallError>(self.lottery(args)?.and_then(|lottery| lottery.round.as_ref()));
        Ok(vec![match function {
            "is_initialized"
            | "is_core_control_initialized"
            | "history_cap_available"
            | "autopurchase_cap_available" => json!(self.initialized),
            "admin" => self.admin(),
            "list_lottery_ids" => self.ids_of(|lottery| lottery.round.is_some()),
            "get_round_snapshot" => option(round()?.map(round_snapshot)),
            "pending_request_id" => option(round()?.and_then(|round| round.pending).map(text)),
            "history_queue_length" => text(self.history_queue),
            "purchase_queue_length" => text(self.purchase_queue),
            other => return Err(CallError::not_a_view(other)),
        }])
    }

    fn instances_view(&self, function: &str, args: &Args<'_>) -> Result<Vec<Value>, CallError> {
        let owner = || json!(self.address.to_string());
        Ok(vec![match function {
            "is_initialized" => json!(self.initialized),
            "hub_address" => owner(),
            "instance_count" => text(self.lotteries.len() as u64),
            "contains_instance" => json!(self.lottery(args)?.is_some()),
            "get_lottery_info" => option(self.lottery(args)?.map(|_| {
                json!({"owner": owner(), "lottery": owner(), "blueprint": {"ticket_price": text(TICKET_PRICE),
                    "jackpot_share_bps": SHARES[1]}})
            })),
            "get_instance_stats" => option(self.lottery(args)?.map(|lottery| {
                json!({"tickets_sold": text(lottery.tickets_sold), "jackpot_accumulated": text(lottery.jackpot_accumulated),
                    "active": lottery.instance_active})
            })),
            "list_lottery_ids" => self.ids_of(|_| true),
            "list_active_lottery_ids" => self.ids_of(|lottery| lottery.instance_active),
            "is_instance_active" => json!(self.lottery(args)?.is_some_and(|lottery| lottery.instance_active)),
            "get_instance_snapshot" => {
                let id = args.u64(0)?;
                option(self.lotteries.get(&id).map(|lottery| self.instance(id, lottery)))
            }
            "get_instances_snapshot" => {
                let all = self.lotteries.iter().map(|(id, lottery)| self.instance(*id, lottery));
                let all = json!({"admin": owner(), "hub": owner(), "instances": all.collect::<Vec<_>>()});
                option(Some(all).filter(|_| self.initialized))
            }
            other => return Err(CallError::not_a_view(other)),
        }])
    }

    fn treasury_view(&self, function: &str, args: &Args<'_>) -> Result<Vec<Value>, CallError> {
        let funded = || Ok::<_, CallError>(self.lottery(args)?.and_then(|lottery| lottery.pool.as_ref()));
        let status = || {
            let owner = self.address.to_string();
            json!({"recipient": owner, "registered": true, "frozen": false, "store": option(Some(json!(owner))), "balance": "0"})
        };
        Ok(vec![match function {
            "get_config" => option(self.lottery(args)?.map(|_| shares())),
            "get_pool" => option(funded()?.map(pool)),
            "get_lottery_summary" => {
                option(funded()?.map(|found| json!({"config": shares(), "pool": pool(found)})))
            }
            "get_recipients" => return Ok(vec![self.admin(), self.admin()]),
            "get_recipient_statuses" => return Ok(vec![status(), status()]),
            "jackpot_balance" => text(self.jackpot_balance),
            "list_lottery_ids" => self.ids_of(|lottery| lottery.pool.is_some()),
            "is_core_control_initialized" => json!(self.initialized),
            other => return Err(CallError::not_a_view(other)),
        }])
    }

    fn jackpot_view(&self, function: &str) -> Result<Vec<Value>, CallError> {
        Ok(vec![match function {
            "is_initialized" | "caps_ready" => json!(self.initialized),
            "admin" => self.admin(),
            "lottery_id" => text(JACKPOT_LOTTERY),
            "get_snapshot" => option(Some(self.jackpot_snapshot()).filter(|_| self.initialized)),
            "pending_request" => option(self.jackpot.pending.map(text)),
            other => return Err(CallError::not_a_view(other)),
        }])
    }

    pub(crate) fn jackpot_snapshot(&self) -> Value {
        let round = &self.jackpot;
        json!({"admin": self.admin(), "lottery_id": text(JACKPOT_LOTTERY), "ticket_count": text(round.tickets.len() as u64),
            "draw_scheduled": round.draw_scheduled, "has_pending_request": round.pending.is_some(),
            "pending_request_id": option(round.pending.map(text))})
    }
}
