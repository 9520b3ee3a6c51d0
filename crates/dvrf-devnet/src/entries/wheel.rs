//! The entry functions of the wheel.

use crate::abort::{Abort, CallError};
use crate::address::Address;
use crate::call::{Args, Transaction};
use crate::entries::deposit;
use crate::lottery::text;
use crate::state::{Asker, State};
use crate::wheel::{FEE, Finished, Outcome, PAUSED, PRIZE, Spin};
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
    if function == "spin" {
        return spin(state, tx);
    }
    if function == "deposit_to_supra" {
        // Anybody pays for the wheel, which is the client.
        let client = state.wheel.as_ref().map_or(tx.sender, |wheel| wheel.address);
        return deposit::fund(state, tx.sender, client, args.u64(0)?.into());
    }
    // `fulfill_randomness`
    let nonce = state.verify_callback(tx, args)?;
    answer(state, tx, nonce);
    state.close(Asker::Wheel, nonce);
    Ok(())
}

fn spin(state: &mut State, tx: &mut Transaction) -> Result<(), CallError> {
    let Some(wheel) = &state.wheel else { return Ok(()) };
    if !wheel.initialized {
        return Err(wheel.missing());
    }
    if wheel.paused {
        return Err(wheel.abort(PAUSED));
    }
    let (address, player) = (wheel.address, tx.sender);
    let seed = wheel.nonces.values().map(Vec::len).sum::<usize>() as u64 + 1;
    if !state.transfer(player, address, u128::from(FEE)) {
        let coin = Abort { address: Address::small(1), module: "coin".to_owned(), code: 0x1_0006 };
        return Err(CallError::Abort(coin));
    }
    let nonce = state.rng_request(tx, Asker::Wheel, seed)?;
    let Some(wheel) = &mut state.wheel else { return Ok(()) };
    wheel.pending.insert(nonce, Spin { player, seconds: tx.now_us / 1_000_000 });
    wheel.nonces.entry(player).or_default().push(nonce);
    let data = json!({"player": player.to_string(), "nonce": text(nonce), "fee": text(FEE)});
    tx.emit(wheel.event("SpinEvent"), data);
    Ok(())
}

/// `fulfill_randomness` after the check of the signature. An unknown nonce is not an error.
fn answer(state: &mut State, tx: &mut Transaction, nonce: u64) {
    let Some(mut wheel) = state.wheel.take() else { return };
    if let Some(spin) = wheel.pending.remove(&nonce) {
        let (address, player) = (wheel.address, spin.player);
        let mut event = |name: &str, key: &str, value: &str, amount: u64| {
            let data = json!({"player": player.to_string(), "nonce": text(nonce), key: value, "amount": text(amount)});
            tx.emit(wheel.event(name), data);
        };
        let (is_win, prize, amount) = match wheel.outcome {
            Outcome::Win if state.transfer(address, player, u128::from(PRIZE)) => {
                event("WinEvent", "prize_desc", "Double", PRIZE);
                (true, "Double", PRIZE)
            }
            Outcome::Refund if state.transfer(address, player, u128::from(FEE)) => {
                event("RefundEvent", "reason", "Prize pool too small", FEE);
                (false, "REFUND", 0)
            }
            _ => (false, "PAYMENT_ERROR", 0),
        };
        wheel
            .completed
            .insert(nonce, Finished { player, seconds: tx.now_us / 1_000_000, is_win, prize, amount });
    }
    state.wheel = Some(wheel);
}
