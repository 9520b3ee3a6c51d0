//! Accounts, resources and modules as JSON of each API version.

use super::{Version, missing};
use crate::abort::Words;
use crate::address::Address;
use crate::call::FunctionId;
use crate::chain::Chain;
use crate::functions::module_json;
use crate::http::{Request, Response};
use serde_json::{Value, json};

pub(super) fn answer(
    chain: &Chain,
    version: Version,
    address: &str,
    rest: &[&str],
    request: &Request,
) -> Response {
    let Ok(address) = address.parse::<Address>() else {
        return Response::message(400, "Invalid account address");
    };
    match rest {
        [] => account(chain, version, address),
        ["resources"] => list(version, "Resources", "resources", resources(chain, address)),
        ["resources", kind] => resource(chain, version, address, kind),
        ["modules"] => {
            let all = chain.modules().into_iter().filter(|known| known.address == address);
            let modules = all.filter_map(|known| module(chain, address, known.name)).collect();
            list(version, "Modules", "modules", modules)
        }
        ["modules", name] => match (module(chain, address, name), version) {
            (None, _) => missing(chain, &format!("Module not found: {address}::{name}")),
            // v1 answers with the ABI itself.
            (Some(mut found), Version::V1)
                if chain.options.words == Words::Recorded && found.get("abi").is_some() =>
            {
                Response::json(200, &found["abi"].take())
            }
            (Some(found), Version::V1) => Response::json(200, &json!({"result": [found]})),
            (Some(found), _) => Response::json(200, &found),
        },
        ["transactions"] => transactions(chain, version, address, request),
        _ => Response::no_route(),
    }
}

fn known(chain: &Chain, address: Address) -> bool {
    address == Address::small(1)
        || chain.modules().iter().any(|known| known.address == address)
        || chain.state.deposit.client(address).is_some()
}

fn account(chain: &Chain, version: Version, address: Address) -> Response {
    if !known(chain, address) {
        return match version {
            Version::V1 => Response::json(200, &Value::Null),
            _ => Response::message(404, "Resource not found: 0x1::account::Account"),
        };
    }
    let sequence = chain.transactions.iter().filter(|row| row.sender == address).count();
    Response::json(
        200,
        &json!({"sequence_number": sequence, "authentication_key": format!("0x{}", address.padded())}),
    )
}

pub(crate) fn resources(chain: &Chain, address: Address) -> Vec<Value> {
    let names = &chain.state.names;
    let mut found = Vec::new();
    if known(chain, address) || address == names.lottery {
        let handle = |number: u8| json!({"counter": "0", "guid": {"id": {"addr": address.to_string(), "creation_num": number.to_string()}}});
        let data = json!({"authentication_key": format!("0x{}", address.padded()), "coin_register_events": handle(0), "guid_creation_num": "4", "key_rotation_events": handle(1)});
        found.push(json!({"type": "0x1::account::Account", "data": data}));
    }
    if address == names.lottery
        && let Some(lottery) = &chain.state.lottery
    {
        found.push(json!({"type": names.lottery_event("LotteryData"), "data": lottery.resource()}));
    }
    if let Some(core) = chain.state.core.as_ref().filter(|core| core.address == address) {
        let shown = |(name, data)| json!({"type": name, "data": data});
        found.extend(core.resources().into_iter().map(shown));
    }
    if let Some(multi) = chain.state.multi.as_ref().filter(|multi| multi.address == address) {
        let now_s = chain.clock.now_us() / 1_000_000;
        let shown = |(name, data)| json!({"type": name, "data": data});
        found.extend(multi.resources(now_s).into_iter().map(shown));
    }
    if let Some(wheel) =
        chain.state.wheel.as_ref().filter(|wheel| wheel.address == address && wheel.initialized)
    {
        found.push(json!({"type": wheel.event("WheelState"), "data": wheel.resource()}));
    }
    if let Some(dice) = chain.state.dice.as_ref().filter(|dice| dice.address == address && dice.initialized) {
        found.push(json!({"type": dice.event("DiceMapper"), "data": crate::dice::Dice::resource()}));
    }
    if address == Address::small(1) {
        let now = chain.shown_us(chain.clock.height() / 14_400 * 14_400);
        found.push(json!({"type": "0x1::reconfiguration::Configuration", "data": {"epoch": "7", "last_reconfiguration_time": now.to_string()}}));
        found.push(json!({"type": "0x1::block::BlockResource", "data": {"epoch_interval": "7200000000", "height": chain.clock.height().to_string()}}));
    }
    let config = Address::from_bytes(crate::digest::bytes("get_config_object_address", 0, 0));
    if address == config {
        let kind = format!("{}::{}::Config", names.dvrf, names.vrf_module);
        found.push(json!({"type": kind, "data": {"nonce": (chain.state.next_nonce - 1).to_string(), "instance_id": chain.options.chain_id.to_string()}}));
    }
    found
}

fn resource(chain: &Chain, version: Version, address: Address, kind: &str) -> Response {
    let Some(id) = FunctionId::parse(kind) else { return Response::message(400, "Invalid struct tag") };
    let wanted = format!("{}::{}::{}", id.address, id.module, id.name);
    match resources(chain, address).into_iter().find(|resource| resource["type"] == wanted.as_str()) {
        None => missing(chain, &format!("Resource not found: {wanted}")),
        Some(found) if version == Version::V1 => Response::json(200, &json!({"result": [found["data"]]})),
        Some(found) => Response::json(200, &found),
    }
}

fn module(chain: &Chain, address: Address, name: &str) -> Option<Value> {
    let (kind, published) = chain.module(address, name)?;
    Some(module_json(&format!("{address}::{name}"), &published, kind, &chain.options))
}

fn list(version: Version, old: &str, middle: &str, items: Vec<Value>) -> Response {
    match version {
        Version::V1 => Response::json(200, &json!({old: items})),
        Version::V2 => Response::json(200, &json!({middle: items, "cursor": ""})),
        Version::V3 => Response::json(200, &Value::Array(items)).with("x-supra-cursor", String::new()),
    }
}

fn transactions(chain: &Chain, version: Version, address: Address, request: &Request) -> Response {
    let count = request.query("count").and_then(|count| count.parse().ok()).unwrap_or(20_usize).min(100);
    let start = request.query("start").and_then(|start| start.parse::<u64>().ok());
    let mut rows: Vec<_> = chain.transactions.iter().filter(|row| row.sender == address).collect();
    // With a start the order flips from newest first to ascending.
    match start {
        None => rows.reverse(),
        Some(start) => rows.retain(|row| row.sequence >= start),
    }
    let shown: Vec<Value> = rows.into_iter().take(count).map(|row| chain.transaction_json(row)).collect();
    match version {
        Version::V3 => Response::json(200, &Value::Array(shown)),
        _ => Response::json(200, &json!({"record": shown})),
    }
}
