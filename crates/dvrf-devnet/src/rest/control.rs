//! What no node has: the truth, the counts, faults and situations to order, transactions without a signature.

use serde_json::{Value, json};

use super::{Node, lock, message, reply};
use crate::address::canonical;
use crate::fault::Faults;
use crate::server::{Request, Response};
use crate::world::scenario::Scenario;
use crate::world::{Refused, World, lottery};

/// Answers `/devnet/…`.
pub(crate) fn answer(node: &Node, request: &Request, rest: &[&str]) -> Response {
    match (request.method.as_str(), rest) {
        ("GET", ["state"]) => {
            let mut world = lock(&node.world);
            world.advance();
            reply(200, &world.truth())
        }
        ("GET", ["requests"]) => {
            let counts = lock(&node.counts);
            reply(200, &json!({"total": counts.values().sum::<u64>(), "by": *counts}))
        }
        ("POST", ["requests", "reset"]) => {
            lock(&node.counts).clear();
            node.number.store(0, std::sync::atomic::Ordering::Relaxed);
            reply(200, &json!({}))
        }
        ("POST", ["control"]) => control(node, &request.body).unwrap_or_else(|why| message(400, why)),
        ("POST", ["run"]) => run(node, &request.body),
        _ => message(404, "no such control"),
    }
}

/// `{"scenario": …, "faults": {…}}`; faults replace the ones in force, a scenario starts the chain anew.
fn control(node: &Node, body: &[u8]) -> Result<Response, String> {
    let order: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    if let Some(name) = order.get("scenario") {
        let name = name.as_str().ok_or("`scenario` is a name")?;
        let scenario: Scenario = clap::ValueEnum::from_str(name, false)?;
        let mut world = lock(&node.world);
        let mut genesis = world.genesis.clone();
        genesis.scenario = scenario;
        *world = World::new(genesis);
    }
    if let Some(faults) = order.get("faults") {
        let faults: Faults = serde_json::from_value(faults.clone()).map_err(|error| error.to_string())?;
        *lock(&node.faults) = faults;
    }
    let stale = lock(&node.faults).stale;
    lock(&node.world).stale_s = stale;
    Ok(reply(200, &json!({"faults": *lock(&node.faults)})))
}

/// Runs an entry function and answers the transaction, as `supra move tool run` prints it.
fn run(node: &Node, body: &[u8]) -> Response {
    let Ok(call) = serde_json::from_slice::<Value>(body) else { return message(400, "malformed request") };
    let text = |key: &str| call.get(key).and_then(Value::as_str).unwrap_or_default();
    let arguments = call.get("arguments").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut world = lock(&node.world);
    world.advance();
    let parts: Vec<&str> = text("function").split("::").collect();
    let [address, module, name] = parts[..] else { return message(400, "invalid function id") };
    if canonical(address).as_ref() != Some(&world.genesis.lottery) || module != world.genesis.lottery_module {
        return message(400, "FUNCTION_RESOLUTION_FAILURE");
    }
    let sender = canonical(text("sender")).unwrap_or_else(|| world.genesis.lottery.clone());
    let number = world.transactions.len() as u64;
    let hash = world.hash(number);
    let before = world.events.len();
    let (status, vm_status) = match lottery::run(&mut world, name, &arguments, &sender, &hash) {
        Ok(()) => ("Success", "Executed successfully".to_owned()),
        Err(Refused::Abort(abort)) => {
            let place = format!("{}::{}", abort.address, abort.module);
            ("Fail", format!("Move abort in {place}: {}({:#x}): aborted", abort.name, abort.code))
        }
        Err(Refused::Missing) => return message(400, format!("FUNCTION_RESOLUTION_FAILURE {name}")),
        Err(Refused::Arguments) => return message(400, "NUMBER_OF_ARGUMENTS_MISMATCH"),
    };
    let guid = json!({"creation_number": "0", "account_address": "0x0"});
    let event = |event: &crate::world::Event| json!({"guid": guid, "sequence_number": "0", "type": event.tag, "data": event.data});
    let events: Vec<Value> = world.events[before..].iter().map(event).collect();
    let transaction = json!({
        "txn_type": "user",
        "hash": hash,
        "header": {"chain_id": world.genesis.chain_id, "sender": {"Move": sender}, "sequence_number": number,
            "gas_unit_price": 100_000, "max_gas_amount": 5_000},
        "payload": {"Move": {"type": "entry_function_payload", "function": text("function"), "type_arguments": [],
            "arguments": arguments}},
        "output": {"Move": {"gas_used": 87, "events": events, "vm_status": vm_status}},
        "status": status,
    });
    world.transactions.insert(hash, transaction.clone());
    reply(200, &transaction)
}
