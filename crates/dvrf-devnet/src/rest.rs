//! The REST routes, in the shape of the requested API version.

mod accounts;
mod blocks;
mod events;

use crate::abort::Words;
use crate::call::FunctionId;
use crate::chain::Chain;
use crate::http::{Request, Response};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
    V3,
}

#[derive(Deserialize)]
struct ViewBody {
    function: String,
    #[serde(default)]
    type_arguments: Vec<String>,
    #[serde(default)]
    arguments: Vec<Value>,
}

/// The function a view body names, for counters and fault selection.
pub(crate) fn called_function(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<ViewBody>(body).ok().map(|body| body.function)
}

pub(crate) fn answer(chain: &Chain, request: &Request) -> Response {
    let parts: Vec<&str> = request.path.split('/').filter(|part| !part.is_empty()).collect();
    let ["rpc", version, route @ ..] = parts.as_slice() else { return Response::no_route() };
    let number = match *version {
        "v1" => Version::V1,
        "v2" => Version::V2,
        // v4 adds proofs, which nobody asks for here.
        "v3" | "v4" => Version::V3,
        _ => return Response::no_route(),
    };
    if !chain.api.iter().any(|known| known == version) {
        return Response::no_route();
    }
    match (request.method.as_str(), route) {
        ("GET", ["transactions", "chain_id"]) => Response::json(200, &json!(chain.chain_id())),
        ("GET", ["transactions", "parameters"]) => {
            Response::json(200, &json!({"max_transaction_time_to_live_seconds": 600}))
        }
        ("GET", ["transactions", "estimate_gas_price"]) => Response::json(
            200,
            &json!({
                "mean_gas_price": 100_000, "max_gas_price": 200_000, "median_gas_price": 100_000, "min_configured_gas_price": 100_000,
            }),
        ),
        ("GET", ["transactions", hash]) => {
            let hash = hash.to_ascii_lowercase();
            chain
                .transaction(&hash)
                .map_or_else(|| missing(chain, "Transaction not found"), |tx| Response::json(200, &tx))
        }
        ("GET", ["version"]) if number == Version::V3 => {
            Response::json(200, &json!({"tag": "dvrf-devnet", "commit": env!("CARGO_PKG_VERSION")}))
        }
        ("GET", ["block"]) => blocks::latest(chain, number),
        ("GET", ["block", "height", height]) => blocks::at(chain, number, height, request),
        ("POST", ["view"]) => view(chain, &request.body),
        ("POST", ["tables", handle, "item"]) => table_item(chain, number, handle, &request.body),
        ("GET", ["events", kind]) => match number {
            Version::V1 => events::v1(chain, kind, request),
            Version::V2 => Response::no_route(),
            Version::V3 => events::v3(chain, kind, request),
        },
        ("GET", ["accounts", address, rest @ ..]) => accounts::answer(chain, number, address, rest, request),
        _ => Response::no_route(),
    }
}

/// What is asked for is not there.
fn missing(chain: &Chain, invented: &str) -> Response {
    let recorded = chain.options.words == Words::Recorded;
    Response::message(404, if recorded { "Information not available" } else { invented })
}

fn view(chain: &Chain, body: &[u8]) -> Response {
    let call: ViewBody = match serde_json::from_slice(body) {
        Ok(call) => call,
        Err(error) => return Response::message(400, &format!("Json deserialize error: {error}")),
    };
    let Some(id) = FunctionId::parse(&call.function) else {
        return Response::message(400, &format!("Invalid function identifier: {}", call.function));
    };
    if let Some(body) = chain.faults.views.get(&id.name).and_then(|fault| raw(fault)) {
        return Response {
            status: 200,
            headers: vec![("content-type", "application/json".to_owned())],
            body,
        };
    }
    match chain.view(&id, &call.type_arguments, &call.arguments) {
        Ok(result) => Response::json(200, &json!({"result": result})),
        Err(error) => {
            let dialect = chain.options.dialect();
            Response::message(error.status(dialect), &error.message(dialect, &call.function))
        }
    }
}

#[derive(Deserialize)]
struct ItemBody {
    key_type: String,
    value_type: String,
    key: Value,
}

/// An item of a table, of which only `lottery_multi` has some.
fn table_item(chain: &Chain, version: Version, handle: &str, body: &[u8]) -> Response {
    let body: ItemBody = match serde_json::from_slice(body) {
        Ok(body) => body,
        Err(error) => return Response::message(400, &format!("Json deserialize error: {error}")),
    };
    let multi = chain.state.multi.as_ref();
    let long = |text: &str| {
        let id = FunctionId::parse(text);
        id.map_or_else(|| text.to_owned(), |id| format!("{}::{}::{}", id.address, id.module, id.name))
    };
    let found =
        multi.and_then(|multi| multi.item(handle, &body.key_type, &long(&body.value_type), &body.key));
    match found {
        None => missing(chain, &format!("Table Item not found by key: {}", body.key)),
        Some(item) if version == Version::V1 => Response::json(200, &json!({"result": [item]})),
        Some(item) => Response::json(200, &item),
    }
}

/// Answers that no honest node writes, byte for byte.
fn raw(fault: &str) -> Option<Vec<u8>> {
    let many = |text: &str, count: usize| text.repeat(count);
    Some(match fault {
        "deep" => format!("{{\"result\":{}{}}}", many("[", 100_000), many("]", 100_000)).into_bytes(),
        "digits" => format!("{{\"result\":[\"{}\"]}}", many("9", 100_000)).into_bytes(),
        "exponent" => b"{\"result\":[1e400]}".to_vec(),
        "negative" => b"{\"result\":[\"-1\"]}".to_vec(),
        "u128+1" => b"{\"result\":[\"340282366920938463463374607431768211456\"]}".to_vec(),
        "bytes" => b"{\"result\":[\"\xff\xfe\"]}".to_vec(),
        "nul" => b"{\"result\":[\"1\\u0000\"]}".to_vec(),
        "surrogate" => b"{\"result\":[\"\\ud800\"]}".to_vec(),
        _ => return None,
    })
}
