//! The lottery contract `main_v2`: views, the `LotteryData` resource, entry functions with their asserts in order.

use serde_json::{Value, json};

use super::{Abort, Genesis, Refused, World};
use crate::address::{canonical, short};

/// Tickets after which a draw is due.
const DRAW_AT: usize = 5;

/// The contract's storage.
#[derive(Debug, Clone)]
pub(crate) struct Lottery {
    address: String,
    module: String,
    pub(crate) tickets: Vec<String>,
    pub(crate) jackpot: u128,
    pub(crate) draw_scheduled: bool,
    pub(crate) next_ticket: u64,
    pub(crate) pending: Option<u64>,
    pub(crate) max_gas: (u128, u128),
    pub(crate) callback_gas: (u128, u128),
    pub(crate) verification_gas: u128,
    pub(crate) requests: u64,
    pub(crate) responses: u64,
    pub(crate) aggregator: Option<String>,
    pub(crate) consumers: Vec<String>,
    pub(crate) client_snapshot: Option<(u128, u128, u128)>,
    pub(crate) consumer_snapshot: Option<(u128, u128)>,
    pub(crate) request_config: Option<(u8, u64)>,
    pub(crate) client_seed: u64,
}

fn option(inner: Option<Value>) -> Value {
    json!({"vec": inner.into_iter().collect::<Vec<_>>()})
}

impl Lottery {
    pub(crate) fn new(genesis: &Genesis) -> Self {
        Self {
            address: genesis.lottery.clone(),
            module: genesis.lottery_module.clone(),
            tickets: Vec::new(),
            jackpot: 0,
            draw_scheduled: false,
            next_ticket: 1,
            pending: None,
            max_gas: (0, 0),
            callback_gas: (0, 0),
            verification_gas: 0,
            requests: 0,
            responses: 0,
            aggregator: None,
            consumers: Vec::new(),
            client_snapshot: None,
            consumer_snapshot: None,
            request_config: None,
            client_seed: 1,
        }
    }

    fn client_snapshot_json(&self) -> Value {
        option(self.client_snapshot.map(|(price, limit, minimum)| {
            json!({"max_gas_price": price.to_string(), "max_gas_limit": limit.to_string(), "min_balance_limit": minimum.to_string()})
        }))
    }

    fn consumer_snapshot_json(&self) -> Value {
        option(self.consumer_snapshot.map(|(price, limit)| {
            json!({"callback_gas_price": price.to_string(), "callback_gas_limit": limit.to_string()})
        }))
    }

    fn request_config_json(&self) -> Value {
        option(
            self.request_config
                .map(|(count, seed)| json!({"rng_count": count, "client_seed": seed.to_string()})),
        )
    }

    fn aggregator_json(&self) -> Value {
        option(self.aggregator.as_deref().map(|address| json!(short(address))))
    }

    /// The names of the views, for the ABI.
    pub(crate) const VIEWS: &'static [&'static str] = &[
        "get_ticket_price",
        "get_ticket_count",
        "get_jackpot_amount",
        "is_vrf_request_pending",
        "get_vrf_gas_config",
        "get_verification_gas_value",
        "get_callback_gas_config",
        "get_rng_counters",
        "get_lottery_status",
        "get_registered_tickets",
        "get_whitelist_status",
        "get_client_whitelist_snapshot",
        "get_min_balance_limit_snapshot",
        "get_consumer_whitelist_snapshot",
        "get_vrf_request_config",
    ];

    /// Answers a view; none of them aborts.
    pub(crate) fn view(&self, name: &str) -> Result<Vec<Value>, Refused> {
        let text = |number: u128| json!(number.to_string());
        let list = |addresses: &[String]| addresses.iter().map(|address| short(address)).collect::<Vec<_>>();
        Ok(match name {
            "get_ticket_price" => vec![json!("10000000")],
            "get_ticket_count" => vec![json!(self.tickets.len().to_string())],
            "get_jackpot_amount" => vec![text(self.jackpot)],
            "is_vrf_request_pending" => vec![json!(self.pending.is_some())],
            "get_vrf_gas_config" => vec![text(self.max_gas.0), text(self.max_gas.1)],
            "get_verification_gas_value" => vec![text(self.verification_gas)],
            "get_callback_gas_config" => vec![text(self.callback_gas.0), text(self.callback_gas.1)],
            "get_rng_counters" => vec![json!(self.requests.to_string()), json!(self.responses.to_string())],
            "get_lottery_status" => vec![json!({
                "ticket_count": self.tickets.len().to_string(),
                "draw_scheduled": self.draw_scheduled,
                "pending_request": self.pending.is_some(),
                "jackpot_amount": self.jackpot.to_string(),
                "rng_request_count": self.requests.to_string(),
                "rng_response_count": self.responses.to_string(),
            })],
            "get_registered_tickets" => vec![json!(list(&self.tickets))],
            "get_whitelist_status" => {
                vec![json!({"aggregator": self.aggregator_json(), "consumers": list(&self.consumers)})]
            }
            "get_client_whitelist_snapshot" => vec![self.client_snapshot_json()],
            "get_min_balance_limit_snapshot" => {
                vec![option(self.client_snapshot.map(|(_, _, minimum)| text(minimum)))]
            }
            "get_consumer_whitelist_snapshot" => vec![self.consumer_snapshot_json()],
            "get_vrf_request_config" => vec![self.request_config_json()],
            _ => return Err(Refused::Missing),
        })
    }

    /// The `LotteryData` resource; missing while the contract is not initialised.
    pub(crate) fn resource(&self) -> Option<Value> {
        if self.consumers.is_empty() && self.max_gas == (0, 0) {
            return None;
        }
        let list = |addresses: &[String]| addresses.iter().map(|address| short(address)).collect::<Vec<_>>();
        Some(json!({
            "tickets": list(&self.tickets),
            "jackpot_amount": self.jackpot.to_string(),
            "draw_scheduled": self.draw_scheduled,
            "next_ticket_id": self.next_ticket.to_string(),
            "pending_request": option(self.pending.map(|nonce| json!(nonce.to_string()))),
            "max_gas_fee": (self.max_gas.0.saturating_mul(self.max_gas.1)).to_string(),
            "max_gas_price": self.max_gas.0.to_string(),
            "max_gas_limit": self.max_gas.1.to_string(),
            "callback_gas_price": self.callback_gas.0.to_string(),
            "callback_gas_limit": self.callback_gas.1.to_string(),
            "verification_gas_value": self.verification_gas.to_string(),
            "rng_request_count": self.requests.to_string(),
            "rng_response_count": self.responses.to_string(),
            "last_request_payload_hash": option(None),
            "last_requester": option(None),
            "next_client_seed": self.client_seed.to_string(),
            "whitelisted_consumers": list(&self.consumers),
            "whitelisted_callback_sender": self.aggregator_json(),
            "client_whitelist_snapshot": self.client_snapshot_json(),
            "consumer_whitelist_snapshot": self.consumer_snapshot_json(),
            "vrf_request_config": self.request_config_json(),
        }))
    }

    fn abort(&self, code: u64, name: &'static str) -> Refused {
        Refused::Abort(Abort { address: self.address.clone(), module: self.module.clone(), code, name })
    }
}

/// What the dVRF package itself asserts when a request is made.
fn request_allowed(world: &World) -> Result<(), Refused> {
    let abort = |module: &str, code, name| {
        Refused::Abort(Abort {
            address: world.genesis.deposit.clone(),
            module: module.to_owned(),
            code,
            name,
        })
    };
    let Some(client) = world.clients.get(&world.genesis.client) else {
        return Err(abort("supra_vrf", 0x50004, "EINVALID_CLIENT_CONTRACT"));
    };
    if world.paused {
        return Err(abort("deposit", 0x50005, "ECONTRACT_IS_PAUSED"));
    }
    if client.balance <= client.max_txn_fee.saturating_mul(world.min_request_count) {
        return Err(abort("supra_vrf", 0x20005, "EMIN_BALANCE_REACHED"));
    }
    Ok(())
}

/// `manual_draw`, with the contract's asserts in their order.
fn manual_draw(world: &mut World, sender: &str, hash: &str) -> Result<(), Refused> {
    let lottery = &world.lottery;
    for (holds, code, name) in [
        (sender == lottery.address, 1, "E_NOT_OWNER"),
        (lottery.draw_scheduled, 4, "E_DRAW_NOT_SCHEDULED"),
        (!lottery.tickets.is_empty(), 3, "E_NO_TICKETS_AVAILABLE"),
        (lottery.pending.is_none(), 6, "E_PENDING_REQUEST_STATE"),
        (lottery.max_gas.0 > 0 && lottery.max_gas.1 > 0, 16, "E_GAS_CONFIG_NOT_SET"),
        (lottery.aggregator.is_some(), 20, "E_CALLBACK_SOURCE_NOT_SET"),
        (lottery.consumers.iter().any(|consumer| consumer == sender), 23, "E_CONSUMER_NOT_WHITELISTED"),
    ] {
        if !holds {
            return Err(lottery.abort(code, name));
        }
    }
    request_allowed(world)?;
    let lottery = &mut world.lottery;
    lottery.requests += 1;
    let nonce = lottery.requests + 16;
    lottery.pending = Some(nonce);
    lottery.client_seed += 1;
    let data = json!({
        "nonce": nonce.to_string(),
        "client_seed": (lottery.client_seed - 1).to_string(),
        "request_hash": hash,
        "callback_gas_price": lottery.callback_gas.0.to_string(),
        "callback_gas_limit": lottery.callback_gas.1.to_string(),
        "requester": short(sender),
    });
    world.draws += 1;
    world.emit("DrawRequestedEvent", data, hash);
    world.request_answer(nonce);
    Ok(())
}

fn buy_ticket(world: &mut World, sender: &str, hash: &str) {
    let lottery = &mut world.lottery;
    lottery.tickets.push(sender.to_owned());
    lottery.jackpot += 10_000_000;
    let id = lottery.next_ticket;
    lottery.next_ticket += 1;
    lottery.draw_scheduled |= lottery.tickets.len() >= DRAW_AT;
    let data = json!({"buyer": short(sender), "ticket_id": id.to_string(), "amount": "10000000"});
    world.emit("TicketBought", data, hash);
}

/// Runs an entry function of the lottery.
pub(crate) fn run(
    world: &mut World,
    name: &str,
    arguments: &[Value],
    sender: &str,
    hash: &str,
) -> Result<(), Refused> {
    let number = |index: usize| {
        let value = arguments.get(index).and_then(Value::as_str);
        value.and_then(|text| text.parse::<u128>().ok()).ok_or(Refused::Arguments)
    };
    let account = |index: usize| {
        arguments.get(index).and_then(Value::as_str).and_then(canonical).ok_or(Refused::Arguments)
    };
    let owner = world.lottery.address.clone();
    if !matches!(name, "buy_ticket" | "manual_draw") && sender != owner {
        return Err(world.lottery.abort(1, "E_NOT_OWNER"));
    }
    match name {
        "manual_draw" => return manual_draw(world, sender, hash),
        "buy_ticket" => buy_ticket(world, sender, hash),
        "whitelist_callback_sender" => {
            let aggregator = account(0)?;
            world.lottery.aggregator = Some(aggregator.clone());
            world.emit("AggregatorWhitelistedEvent", json!({"aggregator": short(&aggregator)}), hash);
        }
        "revoke_callback_sender" => world.lottery.aggregator = None,
        "whitelist_consumer" => {
            let consumer = account(0)?;
            if world.lottery.consumers.contains(&consumer) {
                return Err(world.lottery.abort(22, "E_CONSUMER_ALREADY_WHITELISTED"));
            }
            world.emit("ConsumerWhitelistedEvent", json!({"consumer": short(&consumer)}), hash);
            world.lottery.consumers.push(consumer);
        }
        "remove_consumer" => {
            let consumer = account(0)?;
            if consumer == owner {
                return Err(world.lottery.abort(37, "E_CANNOT_REMOVE_DEFAULT_CONSUMER"));
            }
            world.lottery.consumers.retain(|known| *known != consumer);
        }
        "configure_vrf_gas" => {
            world.lottery.max_gas = (number(0)?, number(1)?);
            world.lottery.callback_gas = (number(2)?, number(3)?);
            world.lottery.verification_gas = number(4)?;
        }
        "configure_vrf_request" => {
            let (count, seed) = (number(0)?, number(1)?);
            if count != 1 {
                return Err(world.lottery.abort(26, "E_INVALID_REQUEST_CONFIG"));
            }
            world.lottery.request_config = Some((1, u64::try_from(seed).map_err(|_| Refused::Arguments)?));
        }
        "record_client_whitelist_snapshot" => {
            let lottery = &world.lottery;
            let fee =
                lottery.max_gas.0.saturating_mul(lottery.max_gas.1.saturating_add(lottery.verification_gas));
            if (number(0)?, number(1)?) != lottery.max_gas || number(2)? != fee.saturating_mul(30) {
                return Err(lottery.abort(24, "E_CLIENT_WHITELIST_SNAPSHOT_MISMATCH"));
            }
            world.lottery.client_snapshot = Some((number(0)?, number(1)?, number(2)?));
        }
        "record_consumer_whitelist_snapshot" => {
            if (number(0)?, number(1)?) != world.lottery.callback_gas {
                return Err(world.lottery.abort(25, "E_CONSUMER_WHITELIST_SNAPSHOT_MISMATCH"));
            }
            world.lottery.consumer_snapshot = Some((number(0)?, number(1)?));
        }
        _ => return Err(Refused::Missing),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Interface;
    use crate::world::scenario::Scenario;

    fn world(scenario: Scenario) -> World {
        World::new(Genesis { scenario, interface: Interface::V3, ..crate::options::genesis_for_tests() })
    }

    fn code(result: Result<(), Refused>) -> Option<(String, u64)> {
        match result {
            Err(Refused::Abort(abort)) => Some((abort.module, abort.code)),
            Ok(()) => None,
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_assert_of_manual_draw_in_order() {
        let draw = |change: fn(&mut World)| {
            let mut world = world(Scenario::Ready);
            change(&mut world);
            let sender = world.genesis.lottery.clone();
            code(manual_draw(&mut world, &sender, "0x1"))
        };
        let main = |code: u64| Some(("main_v2".to_owned(), code));
        assert_eq!(draw(|_| {}), None);
        assert_eq!(draw(|w| w.lottery.draw_scheduled = false), main(4));
        assert_eq!(draw(|w| w.lottery.tickets.clear()), main(3));
        assert_eq!(draw(|w| w.lottery.pending = Some(1)), main(6));
        assert_eq!(draw(|w| w.lottery.max_gas = (0, 0)), main(16));
        assert_eq!(draw(|w| w.lottery.aggregator = None), main(20));
        assert_eq!(draw(|w| w.lottery.consumers.clear()), main(23));
        assert_eq!(draw(|w| w.clients.clear()), Some(("supra_vrf".to_owned(), 0x50004)));
        assert_eq!(draw(|w| w.paused = true), Some(("deposit".to_owned(), 0x50005)));
        assert_eq!(
            draw(|w| w.clients.values_mut().for_each(|client| client.balance = client.max_txn_fee * 30)),
            Some(("supra_vrf".to_owned(), 0x20005))
        );
        let mut other = world(Scenario::Ready);
        assert_eq!(code(manual_draw(&mut other, "0xdead", "0x1")), main(1));
    }

    #[test]
    fn five_tickets_schedule_a_draw() {
        let mut world = world(Scenario::Healthy);
        world.lottery.tickets.clear();
        for number in 1..=5 {
            buy_ticket(&mut world, "0xb", "0x1");
            assert_eq!(world.lottery.draw_scheduled, number == 5);
        }
    }
}
