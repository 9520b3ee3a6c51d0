//! The dice game of the official template: its resource and its view.

use crate::abort::{Abort, CallError};
use crate::address::Address;
use crate::call::Args;
use crate::lottery::text;
use crate::state::State;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) const MODULE: &str = "dice_roll";
/// Of `0x1::table`, for a key that is not there.
const NO_KEY: u64 = 25_863;

#[derive(Clone, Debug)]
pub(crate) struct Roll {
    pub(crate) player: Address,
    pub(crate) range: u64,
    /// `None` until dVRF answers. The row stays.
    pub(crate) number: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Dice {
    pub(crate) address: Address,
    pub(crate) initialized: bool,
    pub(crate) rolls: BTreeMap<u64, Roll>,
}

impl Dice {
    pub(crate) fn new(address: Address, initialized: bool) -> Self {
        Self { address, initialized, rolls: BTreeMap::new() }
    }

    /// The full name of one of its structs.
    pub(crate) fn event(&self, name: &str) -> String {
        format!("{}::{MODULE}::{name}", self.address)
    }

    /// What `borrow_global` of the missing state ends with.
    pub(crate) fn missing(&self) -> CallError {
        CallError::MissingData { address: self.address, module: MODULE.to_owned() }
    }

    /// The resource `DiceMapper`.
    pub(crate) fn resource() -> Value {
        json!({"requests": {"handle": crate::digest::id("requests", 0, 0)}})
    }

    /// `get_dice_result`, the only view.
    pub(crate) fn view(&self, args: &Args<'_>) -> Result<Vec<Value>, CallError> {
        if !self.initialized {
            return Err(self.missing());
        }
        let table = Abort { address: Address::small(1), module: "table".to_owned(), code: NO_KEY };
        let roll = self.rolls.get(&args.u64(0)?).ok_or(CallError::Abort(table))?;
        Ok(vec![json!(roll.number.is_some()), text(roll.number.unwrap_or(0))])
    }
}

impl State {
    /// The dice as `/devnet/state` shows them.
    pub(crate) fn dice_json(&self) -> Option<Value> {
        self.dice.as_ref().map(|dice| {
            let pending = dice.rolls.iter().filter(|(_, roll)| roll.number.is_none());
            json!({"address": dice.address.to_string(), "rolls": dice.rolls.len(),
                "pending": pending.map(|(nonce, _)| text(*nonce)).collect::<Vec<_>>()})
        })
    }
}
