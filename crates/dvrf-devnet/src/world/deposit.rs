//! The `deposit` module: which views an interface has, and what they answer.

use serde_json::{Value, json};

use super::{Abort, Client, Interface, Refused, World};
use crate::address::{canonical, short};

/// A view function: name, parameter types, return types.
pub(crate) type Signature = (&'static str, &'static [&'static str], &'static [&'static str]);

const CLIENT: &[&str] = &["address"];

const PUBLISHED: &[Signature] = &[
    ("is_client_whitelisted_v2", CLIENT, &["bool"]),
    ("check_client_fund", CLIENT, &["u64"]),
    ("check_min_balance_client_v2", CLIENT, &["u64"]),
    ("check_max_txn_fee_client_v2", CLIENT, &["u64"]),
    ("get_client_remaining_grant", CLIENT, &["u64"]),
    ("get_client_modules_info", CLIENT, &["vector<ClientModuleInfo>"]),
];

const DOCUMENTED: &[Signature] = &[
    ("check_effective_balance_v2", CLIENT, &["u64"]),
    ("has_minimum_balance_reached_v2", CLIENT, &["bool"]),
    ("get_client_total_grant", CLIENT, &["u64"]),
    ("min_request_count", &[], &["u64"]),
    ("is_contract_paused", &[], &["bool"]),
    ("get_balance_of_client_v2", &["vector<address>"], &["vector<ClientFundInfo>"]),
];

const V2: &[Signature] = &[
    ("is_client_whitelisted", CLIENT, &["bool"]),
    ("check_client_fund", CLIENT, &["u64"]),
    ("check_min_balance", CLIENT, &["u64"]),
    ("check_min_balance_client", CLIENT, &["u64"]),
    ("check_effective_balance", CLIENT, &["u64"]),
    ("has_minimum_balance_reached", CLIENT, &["bool"]),
    ("get_clients_contract", CLIENT, &["vector<address>"]),
    ("get_subscription_by_client", CLIENT, &["SubscriptionPeriod"]),
    ("is_contract_eligible", &["address", "address"], &["bool"]),
];

const CAMEL: &[Signature] = &[
    ("checkClientFund", CLIENT, &["u128"]),
    ("checkMinBalanceClient", CLIENT, &["u128"]),
    ("isMinimumBalanceReached", CLIENT, &["bool"]),
    ("getContractDetails", CLIENT, &["u128", "u128"]),
    ("getSubscriptionInfoByClient", CLIENT, &["u64", "bool"]),
    ("listAllWhitelistedContractByClient", CLIENT, &["vector<address>"]),
    ("countTotalWhitelistedContractByClient", CLIENT, &["u64"]),
    ("checkMaxGasPriceClient", CLIENT, &["u128"]),
    ("checkMaxGasLimitClient", CLIENT, &["u128"]),
];

/// The views of an interface.
pub(crate) fn signatures(interface: Interface) -> Vec<Signature> {
    match interface {
        Interface::V3 => [PUBLISHED, DOCUMENTED].concat(),
        Interface::Published => PUBLISHED.to_vec(),
        Interface::V2 => V2.to_vec(),
        Interface::Camel => CAMEL.to_vec(),
    }
}

fn address(value: Option<&Value>) -> Result<String, Refused> {
    value.and_then(Value::as_str).and_then(canonical).ok_or(Refused::Arguments)
}

/// Answers a view of the module.
pub(crate) fn view(world: &World, name: &str, arguments: &[Value]) -> Result<Vec<Value>, Refused> {
    let known = signatures(world.genesis.interface);
    let (_, parameters, _) = known.iter().find(|(known, ..)| *known == name).ok_or(Refused::Missing)?;
    if arguments.len() != parameters.len() {
        return Err(Refused::Arguments);
    }
    match name {
        "min_request_count" => return one(world.min_request_count.to_string()),
        "is_contract_paused" => return one(world.paused),
        "get_balance_of_client_v2" => return rows(world, arguments),
        "getContractDetails" => {
            address(arguments.first())?;
            return Ok(vec![
                json!(world.lottery.callback_gas.0.to_string()),
                json!(world.lottery.callback_gas.1.to_string()),
            ]);
        }
        _ => {}
    }
    let client = address(arguments.first())?;
    match (world.clients.get(&client), name) {
        (found, "is_client_whitelisted_v2" | "is_client_whitelisted") => one(found.is_some()),
        // An unknown client has a fund of 0 here; every other view aborts.
        (None, "check_client_fund" | "checkClientFund") => one("0"),
        (None, _) => Err(Refused::Abort(Abort {
            address: world.genesis.deposit.clone(),
            module: "deposit".to_owned(),
            code: 0x60001,
            name: "ECLIENT_NOT_EXIST",
        })),
        (Some(found), _) => of_client(world, found, name, arguments),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every arm of a view ends in a list of return values")]
fn one(value: impl Into<Value>) -> Result<Vec<Value>, Refused> {
    Ok(vec![value.into()])
}

fn of_client(world: &World, client: &Client, name: &str, arguments: &[Value]) -> Result<Vec<Value>, Refused> {
    let minimum = client.max_txn_fee.saturating_mul(world.min_request_count);
    match name {
        "check_client_fund" | "checkClientFund" => one(client.balance.to_string()),
        "check_min_balance_client_v2"
        | "check_min_balance"
        | "check_min_balance_client"
        | "checkMinBalanceClient" => one(minimum.to_string()),
        "check_effective_balance_v2" | "check_effective_balance" => {
            one(client.balance.saturating_sub(minimum).to_string())
        }
        "has_minimum_balance_reached_v2" | "has_minimum_balance_reached" | "isMinimumBalanceReached" => {
            one(client.balance <= minimum)
        }
        "check_max_txn_fee_client_v2" => one(client.max_txn_fee.to_string()),
        "get_client_remaining_grant" => one(client.grant.to_string()),
        "get_client_total_grant" => one(client.grant_total.to_string()),
        "get_client_modules_info" => one(modules(world, client)),
        "get_clients_contract" | "listAllWhitelistedContractByClient" => {
            one(client.contracts.iter().map(|contract| short(contract)).collect::<Vec<_>>())
        }
        "countTotalWhitelistedContractByClient" => one(client.contracts.len().to_string()),
        "get_subscription_by_client" => {
            let (start, end) = client.subscription;
            one(json!({"start_date": start.to_string(), "end_date": end.to_string()}))
        }
        "getSubscriptionInfoByClient" => Ok(vec![json!(client.subscription.1.to_string()), json!(false)]),
        "checkMaxGasPriceClient" => one(client.max_gas.0.to_string()),
        "checkMaxGasLimitClient" => one(client.max_gas.1.to_string()),
        "is_contract_eligible" => one(client.contracts.contains(&address(arguments.get(1))?)),
        _ => Err(Refused::Missing),
    }
}

fn modules(world: &World, client: &Client) -> Value {
    let row = |module: &super::Module| {
        json!({
            "module_type_info": module.marker,
            "max_callback_txn_fee": module.fee.to_string(),
            "min_balance_limit": module.fee.saturating_mul(world.min_request_count).to_string(),
            "balance": client.balance.to_string(),
            "enabled": module.enabled,
            "current_grant": client.grant.to_string(),
        })
    };
    client.modules.iter().map(row).collect()
}

/// Rows of several clients; an unknown one gets zeros.
fn rows(world: &World, arguments: &[Value]) -> Result<Vec<Value>, Refused> {
    let asked = arguments.first().and_then(Value::as_array).ok_or(Refused::Arguments)?;
    if asked.is_empty() {
        let (address, module) = (world.genesis.deposit.clone(), "deposit".to_owned());
        return Err(Refused::Abort(Abort { address, module, code: 0x10000, name: "empty list" }));
    }
    let mut rows = Vec::new();
    for client in asked {
        let client = address(Some(client))?;
        let found = world.clients.get(&client);
        let number = |of: fn(&Client) -> u128| found.map_or(0, of).to_string();
        rows.push(json!({
            "client_address": short(&client),
            "min_balance_limit": number(|client| client.max_txn_fee * 30),
            "balance": number(|client| client.balance),
            "current_grant": number(|client| client.grant),
            "max_txn_fee": number(|client| client.max_txn_fee),
        }));
    }
    one(rows)
}
