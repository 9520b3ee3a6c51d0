//! The control endpoint: what a test can change and see beyond what a node offers.

mod consumers;

use crate::address::Address;
use crate::call::FunctionId;
use crate::chain::Chain;
use crate::chain::transact::Order;
use crate::fault::Faults;
use crate::http::{Request, Response};
use crate::state::Answers;
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
    charges_aborted: Option<bool>,
    balance: Option<String>,
    grant: Option<String>,
    /// What the lottery owner, who signs, owns of the coin.
    wallet: Option<String>,
    paused: Option<bool>,
    lottery: Option<LotteryOrder>,
    /// The client that `balance`, `grant` and `module` are about; by default the lottery's.
    client: Option<String>,
    core: Option<consumers::CoreOrder>,
    wheel: Option<consumers::WheelOrder>,
    multi: Option<consumers::MultiOrder>,
    /// Sets the client's consumer modules.
    module: Option<ModuleOrder>,
    #[serde(default)]
    reset_requests: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModuleOrder {
    enabled: Option<bool>,
    max_callback_txn_fee: Option<u64>,
}

/// Puts the lottery into a state that its entry functions reach only after years, or never.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LotteryOrder {
    /// Empties or fills the round with the owner's tickets.
    tickets: Option<usize>,
    draw_scheduled: Option<bool>,
    /// All gas settings.
    gas: Option<String>,
    next_client_seed: Option<String>,
    requests: Option<String>,
    /// An empty text revokes it.
    aggregator: Option<String>,
    consumers: Option<Vec<String>>,
}

impl LotteryOrder {
    fn apply(&self, lottery: &mut crate::lottery::Lottery, owner: Address) -> Result<(), String> {
        let number = |text: &String| text.parse::<u64>().map_err(|error| error.to_string());
        let address =
            |text: &String| text.parse::<Address>().map_err(|_| format!("{text} is not an address"));
        let gas = self.gas.as_ref().map(number).transpose()?.map(u128::from);
        let seed = self.next_client_seed.as_ref().map(number).transpose()?;
        let requests = self.requests.as_ref().map(number).transpose()?;
        let aggregator = self.aggregator.as_ref().filter(|text| !text.is_empty()).map(address).transpose()?;
        let consumers: Option<Vec<_>> =
            self.consumers.as_ref().map(|list| list.iter().map(address).collect()).transpose()?;
        if let Some(count) = self.tickets {
            lottery.tickets = vec![owner; count];
        }
        lottery.draw_scheduled = self.draw_scheduled.unwrap_or(lottery.draw_scheduled);
        if let Some(gas) = gas {
            (lottery.max_gas_price, lottery.max_gas_limit, lottery.verification_gas_value) = (gas, gas, gas);
        }
        lottery.next_client_seed = seed.unwrap_or(lottery.next_client_seed);
        lottery.requests = requests.unwrap_or(lottery.requests);
        if self.aggregator.is_some() {
            lottery.aggregator = aggregator;
        }
        lottery.consumers = consumers.unwrap_or_else(|| std::mem::take(&mut lottery.consumers));
        Ok(())
    }
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
        ("GET", "/devnet/events") => {
            let row = |event: &crate::chain::EventRow| {
                json!({"type": event.kind, "height": event.height, "time_us": chain.clock.time_of(event.height),
                    "transaction_hash": event.hash, "data": event.data})
            };
            Response::json(200, &Value::Array(chain.events.iter().map(row).collect()))
        }
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
    let wallet = number(&order.wallet)?;
    let client = order.client.as_deref().map(str::parse::<Address>).transpose();
    let client = client.map_err(|error| error.to_string())?;
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
        chain.state.answers = Answers::AfterMs(ms);
    }
    if let Some(aborts) = order.callback_aborts {
        chain.state.callback_aborts = aborts;
    }
    if let Some(charges) = order.charges_aborted {
        chain.state.charges_aborted = charges;
    }
    let owner = chain.state.names.lottery;
    if let (Some(change), Some(lottery)) = (&order.lottery, &mut chain.state.lottery) {
        change.apply(lottery, owner)?;
    }
    if let Some(paused) = order.paused {
        chain.state.deposit.paused = paused;
    }
    if let Some(wallet) = wallet {
        chain.state.wallets.insert(owner, wallet);
    }
    if let Some(core) = &order.core {
        core.apply(&mut chain.state)?;
    }
    if let Some(wheel) = &order.wheel {
        wheel.apply(&mut chain.state)?;
    }
    if let Some(multi) = &order.multi {
        multi.apply(&mut chain.state)?;
    }
    let address = client.unwrap_or(chain.state.names.client);
    if let Some(client) = chain.state.deposit.client_mut(address) {
        client.balance = balance.unwrap_or(client.balance);
        client.grant = grant.unwrap_or(client.grant);
        if let Some(change) = &order.module {
            for module in &mut client.modules {
                module.enabled = change.enabled.unwrap_or(module.enabled);
                let fee = change.max_callback_txn_fee.map(u128::from);
                module.max_callback_txn_fee = fee.unwrap_or(module.max_callback_txn_fee);
            }
        }
    }
    if order.reset_requests {
        chain.requests.clear();
        chain.served = 0;
    }
    Ok(())
}

/// Who signs when nobody is named: the administrator of a further consumer or the player of the dice, else the lottery's owner.
fn signer(chain: &Chain, function: &str) -> Address {
    let owner = chain.state.names.lottery;
    let Some(id) = FunctionId::parse(function) else { return owner };
    let further = chain.options.consumers();
    match further.iter().find(|(.., address)| *address == id.address) {
        None => owner,
        Some(("dice", ..)) => crate::scenario::player(1),
        Some((.., address)) => *address,
    }
}

fn run(chain: &mut Chain, body: &[u8]) -> Response {
    let run: Run = match serde_json::from_slice(body) {
        Ok(run) => run,
        Err(error) => return Response::message(400, &error.to_string()),
    };
    let sender = match run.sender.as_deref().map(str::parse).transpose() {
        Ok(sender) => sender.unwrap_or_else(|| signer(chain, &run.function)),
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
    let blocks = chain.faults.hold_blocks;
    chain.submissions += u64::from(!order.simulate);
    if blocks > 0 && !order.simulate {
        return Response::json(200, &chain.hold(order, blocks));
    }
    match chain.run(order) {
        Ok(transaction) => Response::json(200, &transaction),
        Err(error) => Response::message(400, &error.message(chain.options.dialect(), &function)),
    }
}
