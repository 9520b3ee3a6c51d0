//! The entry functions of `lottery_multi`.

use crate::abort::CallError;
use crate::call::{Args, Transaction};
use crate::lottery::text;
use crate::multi::{
    CANCELED, CLOSING, DRAW_REQUESTED, DRAWN, Draw, E_DRAW_STATUS_INVALID, E_VRF_NONCE_UNKNOWN,
    E_VRF_PENDING, E_VRF_REQUESTS_PAUSED, FULFILLED, Multi, REQUESTED,
};
use crate::state::{Asker, State};
use serde_json::{Value, json};

/// Runs one entry function; the caller discards the state when it aborts.
pub(crate) fn run(
    state: &mut State,
    tx: &mut Transaction,
    function: &str,
    args: &Args<'_>,
) -> Result<(), CallError> {
    match function {
        "request_draw_admin" => request(state, tx, args.u64(0)?),
        "cancel_lottery_admin" => cancel(state, tx, args.u64(0)?),
        // `vrf_callback`
        _ => {
            let nonce = state.verify_callback(tx, args)?;
            answer(state, tx, nonce)?;
            state.close(Asker::Multi, nonce);
            Ok(())
        }
    }
}

/// An event of the module `history`, which all of them begin alike.
fn emit(multi: &Multi, tx: &mut Transaction, name: &str, category: u8, mut data: Value) {
    data["event_version"] = json!(1);
    data["event_category"] = json!(category);
    tx.emit(multi.full_name("history", name), data);
}

fn request(state: &mut State, tx: &mut Transaction, id: u64) -> Result<(), CallError> {
    let Some(multi) = &state.multi else { return Ok(()) };
    if multi.requests_paused {
        return Err(multi.abort("draw", E_VRF_REQUESTS_PAUSED));
    }
    let lottery = multi.lotteries.get(&id);
    let Some(lottery) = lottery.filter(|lottery| matches!(lottery.status, CLOSING | DRAW_REQUESTED)) else {
        return Err(multi.abort("draw", E_DRAW_STATUS_INVALID));
    };
    if lottery.draw.as_ref().is_some_and(|draw| draw.status == REQUESTED) {
        return Err(multi.abort("draw", E_VRF_PENDING));
    }
    let attempt = lottery.draw.as_ref().map_or(0, |draw| draw.attempt) + 1;
    let nonce = state.rng_request(tx, Asker::Multi, id)?;
    let Some(multi) = &mut state.multi else { return Ok(()) };
    let requested_s = tx.now_us / 1_000_000;
    if let Some(lottery) = multi.lotteries.get_mut(&id) {
        lottery.status = DRAW_REQUESTED;
        lottery.draw = Some(Draw { nonce, attempt, status: REQUESTED, requested_s });
    }
    let data = json!({
        "lottery_id": text(id), "request_id": text(nonce), "attempt": attempt, "rng_count": 1,
        "client_seed": text(id), "payload_hash": "0x", "snapshot_hash": "0x", "tickets_sold": "5",
        "closing_block_height": "1", "chain_id": 6, "request_ts": text(requested_s),
    });
    emit(multi, tx, "VrfRequestedEvent", 4, data);
    Ok(())
}

/// `vrf_callback` after the check of the signature. It also demands that the message hashes to its own payload, which that of
/// Supra does not, so that on the real network it aborts with 0x1704; here `callback-aborts` is for that.
fn answer(state: &mut State, tx: &mut Transaction, nonce: u64) -> Result<(), CallError> {
    let Some(multi) = &mut state.multi else { return Ok(()) };
    let Some(id) = multi.lottery_of(nonce) else { return Err(multi.abort("draw", E_VRF_NONCE_UNKNOWN)) };
    let Some(lottery) = multi.lotteries.get_mut(&id) else { return Ok(()) };
    lottery.status = DRAWN;
    let draw = lottery.draw.as_mut();
    let (attempt, asked) = draw.map_or((0, 0), |draw| {
        draw.status = FULFILLED;
        (draw.attempt, draw.requested_s)
    });
    // The contract copies the time of the request.
    let data = json!({
        "lottery_id": text(id), "request_id": text(nonce), "attempt": attempt, "payload_hash": "0x",
        "message_hash": "0x", "rng_count": 1, "client_seed": text(id), "verified_seed_hash": "0x",
        "closing_block_height": "1", "chain_id": 6, "fulfilled_ts": text(asked),
    });
    emit(multi, tx, "VrfFulfilledEvent", 4, data);
    Ok(())
}

/// The state of the request stays as it is.
fn cancel(state: &mut State, tx: &mut Transaction, id: u64) -> Result<(), CallError> {
    let Some(multi) = &mut state.multi else { return Ok(()) };
    let Some(lottery) = multi.lotteries.get_mut(&id) else {
        return Err(multi.abort("lottery_registry", E_DRAW_STATUS_INVALID));
    };
    let previous = std::mem::replace(&mut lottery.status, CANCELED);
    let data = json!({
        "lottery_id": text(id), "previous_status": previous, "reason_code": 1, "tickets_sold": "5",
        "proceeds_accum": "0", "timestamp": text(tx.now_us / 1_000_000),
    });
    emit(multi, tx, "LotteryCanceledEvent", 1, data);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;

    fn code(error: CallError) -> u64 {
        match error {
            CallError::Abort(abort) => abort.code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lottery_is_drawn_once() {
        let mut state = crate::scenario::for_tests("healthy");
        let owner = state.multi.as_ref().unwrap().address;
        let id = state.multi.as_mut().unwrap().create();
        let mut tx = Transaction { sender: owner, now_us: 5_000_000, height: 1, events: Vec::new() };
        let ask = |state: &mut State, tx: &mut Transaction, id: u64| {
            let values = [json!(id.to_string())];
            run(state, tx, "request_draw_admin", &Args { values: &values, types: &[] }).map_err(code)
        };
        assert_eq!(ask(&mut state, &mut tx, 9), Err(E_DRAW_STATUS_INVALID));
        assert_eq!(ask(&mut state, &mut tx, id), Ok(()));
        assert_eq!(ask(&mut state, &mut tx, id), Err(E_VRF_PENDING));
        let nonce = state.open.last().unwrap().id;
        let item = |state: &State, table: &str, key: u64, kind: &str| {
            let multi = state.multi.as_ref().unwrap();
            let kind = if kind == "u64" { kind.to_owned() } else { format!("{owner}::{kind}") };
            multi.item(&crate::digest::id(table, 0, 0), "u64", &kind, &json!(key.to_string()))
        };
        let status = item(&state, "states", id, "draw::DrawState").unwrap()["vrf_state"]["status"].clone();
        assert_eq!(status, REQUESTED);
        assert_eq!(item(&state, "nonce_to_lottery", nonce, "u64"), Some(text(id)));
        assert_eq!(item(&state, "states", id, "draw::Other"), None, "the type is the table's");
        let request = state.open.last().unwrap().clone();
        assert!(state.answer(&mut tx, &request).is_ok());
        assert_eq!(item(&state, "nonce_to_lottery", nonce, "u64"), None);
        assert_eq!(ask(&mut state, &mut tx, id), Err(E_DRAW_STATUS_INVALID));
        state.multi.as_mut().unwrap().requests_paused = true;
        assert_eq!(ask(&mut state, &mut tx, id), Err(E_VRF_REQUESTS_PAUSED));
        assert_eq!(tx.events.iter().filter(|(kind, _)| kind.contains("::history::")).count(), 2);
        assert_ne!(owner, Address::small(0));
    }
}
