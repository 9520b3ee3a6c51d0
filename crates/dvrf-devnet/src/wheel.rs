//! The wheel game: its resource, its views, what becomes of an answered spin.

use crate::abort::{Abort, CallError};
use crate::address::Address;
use crate::call::Args;
use crate::lottery::text;
use crate::move_json::{num, option};
use crate::state::State;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) const MODULE: &str = "supra_wheel";
/// Price of a spin, in quants.
pub(crate) const FEE: u64 = 10_000_000;
/// What a spin wins, in quants.
pub(crate) const PRIZE: u64 = 20_000_000;

/// The code of a spin while the wheel is paused. The wheel's codes are not public.
pub(crate) const PAUSED: u64 = 3;
/// What the next answers bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Win,
    /// The fee is paid back.
    Refund,
    /// The prize cannot be paid: no event, only a result.
    PaymentError,
}

#[derive(Clone, Debug)]
pub(crate) struct Spin {
    pub(crate) player: Address,
    pub(crate) seconds: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) player: Address,
    /// When dVRF answered.
    pub(crate) seconds: u64,
    pub(crate) is_win: bool,
    pub(crate) prize: &'static str,
    pub(crate) amount: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Wheel {
    pub(crate) address: Address,
    pub(crate) initialized: bool,
    pub(crate) paused: bool,
    pub(crate) outcome: Outcome,
    pub(crate) pending: BTreeMap<u64, Spin>,
    pub(crate) completed: BTreeMap<u64, Finished>,
    /// Every nonce that a player ever had: the contract never prunes them.
    pub(crate) nonces: BTreeMap<Address, Vec<u64>>,
}

impl Wheel {
    pub(crate) fn new(address: Address, initialized: bool) -> Self {
        Self {
            address,
            initialized,
            paused: false,
            outcome: Outcome::Win,
            pending: BTreeMap::new(),
            completed: BTreeMap::new(),
            nonces: BTreeMap::new(),
        }
    }

    pub(crate) fn abort(&self, code: u64) -> CallError {
        CallError::Abort(Abort { address: self.address, module: MODULE.to_owned(), code })
    }

    /// The full name of one of its structs.
    pub(crate) fn event(&self, name: &str) -> String {
        format!("{}::{MODULE}::{name}", self.address)
    }

    /// What `borrow_global` of the missing state ends with.
    pub(crate) fn missing(&self) -> CallError {
        CallError::MissingData { address: self.address, module: MODULE.to_owned() }
    }

    /// The resource `WheelState`. The names of the fee's and the switch's field are not public.
    pub(crate) fn resource(&self) -> Value {
        let table = |label| json!({"handle": crate::digest::id(label, 0, 0)});
        let mut data = json!({
            "admin": self.address.to_string(), "recipient": self.address.to_string(), "spin_fee": text(FEE),
            "is_paused": self.paused, "vrf_permit": option(Some(json!({"dummy_field": false}))),
            "pending_spins": table("pending_spins"), "completed_spins": table("completed_spins"),
            "player_active_nonces": table("player_active_nonces"),
        });
        if let Some(fields) = data.as_object_mut() {
            fields.extend(crate::move_json::handles(self.address, crate::functions::WHEEL_HANDLES));
        }
        data
    }

    pub(crate) fn view(&self, function: &str, args: &Args<'_>) -> Result<Vec<Value>, CallError> {
        if !self.initialized {
            return Err(self.missing());
        }
        Ok(vec![match function {
            "get_game_config" => {
                let owner = json!(self.address.to_string());
                return Ok(vec![text(FEE), json!(self.paused), owner.clone(), owner]);
            }
            "get_pending_spin_info" => option(self.pending.get(&args.u64(0)?).map(|spin| {
                json!({"player": spin.player.to_string(), "fee_paid": text(FEE), "timestamp": text(spin.seconds)})
            })),
            "get_spin_result" => {
                let nonce = args.u64(0)?;
                option(self.completed.get(&nonce).map(|done| {
                    json!({"nonce": text(nonce), "player": done.player.to_string(), "is_win": done.is_win,
                        "prize_description": done.prize, "amount_won": text(done.amount), "timestamp": text(done.seconds)})
                }))
            }
            "get_last_pending_nonce" => {
                option(self.nonces.get(&args.address(0)?).and_then(|list| list.last()).copied().map(text))
            }
            "get_all_active_nonces_for_player" => {
                self.nonces.get(&args.address(0)?).into_iter().flatten().copied().map(text).collect()
            }
            other => return Err(CallError::not_a_view(other)),
        }])
    }

    /// Removes a spin and its result without an event; `false` when there is neither.
    pub(crate) fn forget(&mut self, nonce: u64) -> bool {
        let (pending, completed) = (self.pending.remove(&nonce), self.completed.remove(&nonce));
        pending.is_some() || completed.is_some()
    }
}

impl State {
    /// The wheel as `/devnet/state` shows it.
    pub(crate) fn wheel_json(&self) -> Option<Value> {
        self.wheel.as_ref().map(|wheel| {
            json!({"address": wheel.address.to_string(), "paused": wheel.paused,
                "pending": wheel.pending.keys().copied().map(text).collect::<Vec<_>>(),
                "balance": num(self.wallet(wheel.address))})
        })
    }
}
