//! Decides what a test may do to the chain and see of it, beside what a node would show.

use crate::chain::Chain;
use crate::chain::transact::Order;
use crate::fault::Faults;
use crate::http::{Request, Response};
use crate::world::Answers;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Control {
    scenario: Option<String>,
    /// Replaces every fault.
    faults: Option<Faults>,
    /// Adds faults in the words of `--fault`.
    fault: Option<String>,
    advance_blocks: Option<u64>,
    answer_ms: Option<u64>,
    callback_aborts: Option<bool>,
    balance: Option<String>,
    grant: Option<String>,
    paused: Option<bool>,
    #[serde(default)]
    reset_requests: bool,
}

#[derive(Deserialize)]
struct Run {
    function: String,
    #[serde(default)]
    type_arguments: Vec<String>,
    #[serde(default)]
    arguments: Vec<Value>,
    sender: Option<String>,
    #[serde(default)]
    simulate: bool,
}

pub(crate) fn answer(chain: &mut Chain, request: &Request) -> Response {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/devnet/state") => Response::json(200, &chain.truth()),
        ("GET", "/devnet/requests") => {
            Response::json(200, &json!({"total": chain.served, "counts": chain.requests}))
        }
        ("GET", "/devnet/faults") => Response::json(200, &json!(chain.faults)),
        ("POST", "/devnet/control") => match control(chain, &request.body) {
            Ok(()) => Response::json(200, &json!({"ok": true})),
            Err(text) => Response::message(400, &text),
        },
        ("POST", "/devnet/run") => run(chain, &request.body),
        _ => Response::no_route(),
    }
}

fn control(chain: &mut Chain, body: &[u8]) -> Result<(), String> {
    let order: Control = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    // Everything is checked before anything changes.
    let number = |text: &Option<String>| {
        text.as_ref().map(|t| t.parse::<u128>()).transpose().map_err(|error| error.to_string())
    };
    let (balance, grant) = (number(&order.balance)?, number(&order.grant)?);
    let mut faults = order.faults.unwrap_or_else(|| chain.faults.clone());
    if let Some(text) = &order.fault {
        faults.merge(text).map_err(|error| format!("{error}: {text}"))?;
    }
    if let Some(scenario) = &order.scenario {
        if !crate::scenario::NAMES.contains(&scenario.as_str()) {
            return Err(format!("unknown scenario {scenario}"));
        }
        chain.enter(scenario);
    }
    chain.faults = faults;
    chain.clock.advance(order.advance_blocks.unwrap_or(0));
    if let Some(ms) = order.answer_ms {
        chain.world.answers = Answers::AfterMs(ms);
    }
    if let Some(aborts) = order.callback_aborts {
        chain.world.callback_aborts = aborts;
    }
    if let Some(paused) = order.paused {
        chain.world.deposit.paused = paused;
    }
    let address = chain.world.names.client;
    if let Some(client) = chain.world.deposit.client_mut(address) {
        client.balance = balance.unwrap_or(client.balance);
        client.grant = grant.unwrap_or(client.grant);
    }
    if order.reset_requests {
        chain.requests.clear();
        chain.served = 0;
    }
    Ok(())
}

fn run(chain: &mut Chain, body: &[u8]) -> Response {
    let run: Run = match serde_json::from_slice(body) {
        Ok(run) => run,
        Err(error) => return Response::message(400, &error.to_string()),
    };
    let sender = match run.sender.as_deref().map(str::parse).transpose() {
        Ok(sender) => sender.unwrap_or(chain.world.names.lottery),
        Err(_) => return Response::message(400, "Invalid account address"),
    };
    let function = run.function.clone();
    let order = Order {
        sender,
        function: run.function,
        types: run.type_arguments,
        arguments: run.arguments,
        simulate: run.simulate,
    };
    match chain.run(order) {
        Ok(transaction) => Response::json(200, &transaction),
        Err(error) => Response::message(400, &error.message(chain.options.node, &function)),
    }
}
