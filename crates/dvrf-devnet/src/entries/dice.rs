//! The entry functions of the dice.

use crate::abort::CallError;
use crate::call::{Args, Transaction};
use crate::dice::Roll;
use crate::lottery::text;
use crate::state::{Asker, State};
use serde_json::json;

#[cfg(test)]
mod tests;

/// Runs one entry function; the caller discards the state when it aborts.
pub(crate) fn run(
    state: &mut State,
    tx: &mut Transaction,
    function: &str,
    args: &Args<'_>,
) -> Result<(), CallError> {
    if function == "roll_dice" {
        return roll(state, tx, args.u64(0)?);
    }
    // `resolve_dice_roll`
    let nonce = state.verify_callback(tx, args)?;
    answer(state, tx, nonce);
    state.close(Asker::Dice, nonce);
    Ok(())
}

/// The player asks dVRF in their own name, and so must be a client.
fn roll(state: &mut State, tx: &mut Transaction, range: u64) -> Result<(), CallError> {
    let Some(dice) = &state.dice else { return Ok(()) };
    if !dice.initialized {
        return Err(dice.missing());
    }
    let (player, seed) = (tx.sender, dice.rolls.len() as u64 + 1);
    let nonce = state.rng_request(tx, Asker::Dice, seed)?;
    let Some(dice) = &mut state.dice else { return Ok(()) };
    dice.rolls.insert(nonce, Roll { player, range, number: None });
    let data =
        json!({"user_address": player.to_string(), "request_id": text(nonce), "dice_range": text(range)});
    tx.emit(dice.event("DiceRollEvent"), data);
    Ok(())
}

/// `resolve_dice_roll` after the check of the signature.
fn answer(state: &mut State, tx: &mut Transaction, nonce: u64) {
    let seed = state.seed;
    let Some(dice) = &mut state.dice else { return };
    let Some(roll) = dice.rolls.get_mut(&nonce) else { return };
    let number = crate::digest::number("dice", seed, nonce) % roll.range.max(1) + 1;
    roll.number = Some(number);
    let data = json!({"user_address": roll.player.to_string(), "request_id": text(nonce), "rolled_number": text(number)});
    tx.emit(dice.event("DiceResultEvent"), data);
}
