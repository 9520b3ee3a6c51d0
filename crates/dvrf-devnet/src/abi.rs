//! Module ABIs as a node publishes them.

use serde_json::{Value, json};

use crate::world::World;
use crate::world::deposit::signatures;
use crate::world::lottery::Lottery;

fn function(name: &str, params: &[&str], returns: &[&str], view: bool) -> Value {
    json!({
        "name": name,
        "visibility": "public",
        "is_entry": !view,
        "is_view": view,
        "generic_type_params": [],
        "params": params,
        "return": returns,
    })
}

/// The ABI of a module; `None` where the account has no such module.
pub(crate) fn of(world: &World, account: &str, module: &str) -> Option<Value> {
    let genesis = &world.genesis;
    let (functions, structs): (Vec<Value>, Vec<Value>) = if account == genesis.deposit && module == "deposit"
    {
        let views = signatures(genesis.interface);
        (
            views.iter().map(|(name, params, returns)| function(name, params, returns, true)).collect(),
            Vec::new(),
        )
    } else if account == genesis.lottery && module == genesis.lottery_module {
        let views = Lottery::VIEWS.iter().map(|name| function(name, &[], &["u64"], true));
        let entries = ["buy_ticket", "manual_draw"].map(|name| function(name, &["&signer"], &[], false));
        let event = |name: &str| json!({"name": name, "is_native": false, "is_event": true, "abilities": ["drop", "store"], "generic_type_params": [], "fields": []});
        let events = ["TicketBought", "DrawRequestedEvent", "DrawHandledEvent"].map(event);
        (views.chain(entries).collect(), events.to_vec())
    } else {
        return None;
    };
    Some(json!({
        "address": account,
        "name": module,
        "friends": [],
        "exposed_functions": functions,
        "structs": structs,
    }))
}
