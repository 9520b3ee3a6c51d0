//! The scenarios: the starting state behind each name.

use crate::address::Address;
use crate::core_layout::CoreLayout;
use crate::deposit::{Client, Deposit, ModuleInfo};
use crate::dice::Dice;
use crate::lottery::{ClientSnapshot, DRAW_AT, Lottery, TICKET_PRICE};
use crate::multi::Multi;
use crate::names::Names;
use crate::state::{Answers, Asker, OpenRequest, State};
use crate::treasury::{Token, Treasury};
use crate::wheel::Wheel;
use std::collections::BTreeMap;

pub(crate) const NAMES: [&str; 17] = [
    "healthy",
    "low",
    "warn",
    "at-minimum",
    "below-minimum",
    "stuck",
    "pending",
    "not-whitelisted",
    "module-disabled",
    "paused",
    "empty",
    "no-aggregator",
    "consumer-missing",
    "gas-drift",
    "ready",
    "callback-aborts",
    "u128-max",
];

/// 30 × 1000 × (500000 + 25000) quants; `max_txn_fee` × 30 gives the same.
pub(crate) const MIN_BALANCE: u128 = 15_750_000_000;
pub(crate) const MAX_TXN_FEE: u128 = 525_000_000;
pub(crate) const GRANT: u128 = 500_000_000;
/// Age of the request in `stuck`.
const STUCK_SECONDS: u64 = 3 * 3600;
const AGGREGATOR: u8 = 0xa6;

pub(crate) fn balance(scenario: &str) -> u128 {
    match scenario {
        "warn" => 39_375_000_000,
        "low" => 23_625_000_000,
        "at-minimum" => MIN_BALANCE,
        "below-minimum" => 12_600_000_000,
        "u128-max" => u128::MAX,
        _ => 78_750_000_000,
    }
}

/// The subscription of a client for one consumer, whose module has a marker type if it asks as V3 does.
fn client(
    address: Address,
    consumer: Address,
    marker: Option<String>,
    scenario: &str,
    now_us: u64,
) -> Client {
    let now = now_us / 1_000_000;
    Client {
        address,
        balance: balance(scenario),
        grant: GRANT,
        total_grant: GRANT,
        max_txn_fee: MAX_TXN_FEE,
        contracts: if scenario == "consumer-missing" { Vec::new() } else { vec![consumer] },
        modules: marker
            .map(|type_info| ModuleInfo {
                type_info,
                max_callback_txn_fee: 1_000_000,
                enabled: scenario != "module-disabled",
            })
            .into_iter()
            .collect(),
        start_seconds: now.saturating_sub(30 * 86_400),
        end_seconds: now.saturating_add(150 * 86_400),
        max_gas_price: 1000,
        max_gas_limit: 500_000,
        callback_gas_price: 100,
        callback_gas_limit: 150_000,
    }
}

pub(crate) fn player(number: u8) -> Address {
    let mut bytes = [0; 32];
    bytes[30] = 0xb0;
    bytes[31] = number;
    Address::from_bytes(bytes)
}

fn lottery(names: &Names, scenario: &str, past_draws: u64) -> Lottery {
    let waiting = matches!(scenario, "stuck" | "pending");
    let count = if waiting || matches!(scenario, "ready" | "callback-aborts") { DRAW_AT } else { 3 };
    let requests = past_draws + u64::from(waiting);
    let huge = scenario == "u128-max";
    let callback_gas_limit = if huge { u128::MAX } else { 150_000 };
    let nonce = past_draws + 1;
    Lottery {
        tickets: (1_u8..).take(count).map(player).collect(),
        jackpot: TICKET_PRICE * count as u64,
        draw_scheduled: count >= DRAW_AT,
        next_ticket_id: past_draws * DRAW_AT as u64 + count as u64,
        pending: waiting.then_some(nonce),
        max_gas_fee: 525_000_000,
        max_gas_price: 1000,
        max_gas_limit: if scenario == "gas-drift" { 600_000 } else { 500_000 },
        callback_gas_price: 100,
        callback_gas_limit,
        verification_gas_value: 25_000,
        requests,
        responses: past_draws,
        payload_hash: (requests > 0).then(|| crate::digest::id("payload", requests, requests)),
        last_requester: (requests > 0).then_some(names.lottery),
        next_client_seed: requests + 1,
        consumers: if scenario == "consumer-missing" { Vec::new() } else { vec![names.lottery] },
        aggregator: (scenario != "no-aggregator").then_some(Address::small(AGGREGATOR)),
        client_snapshot: Some(ClientSnapshot {
            max_gas_price: 1000,
            max_gas_limit: 500_000,
            min_balance_limit: MIN_BALANCE,
        }),
        consumer_snapshot: Some((100, callback_gas_limit)),
        request_config: Some((1, 1)),
    }
}

fn treasury(names: &Names) -> Treasury {
    let mut treasury = Treasury::new(names.lottery);
    treasury.token = Some(Token {
        name: "Supra Lottery Ticket".to_owned(),
        symbol: "SLT".to_owned(),
        decimals: 9,
        icon_uri: String::new(),
        project_uri: String::new(),
    });
    treasury.register(names.lottery, 1_000_000_000_000);
    for number in 1..=9 {
        treasury.register(player(number), 1_000_000_000);
    }
    treasury
}

pub(crate) struct Start {
    pub(crate) names: Names,
    pub(crate) now_us: u64,
    pub(crate) past_draws: u64,
    pub(crate) extra_clients: u32,
    pub(crate) answer_ms: Option<u64>,
    pub(crate) seed: u64,
    /// Where a further consumer is hosted, if it is.
    pub(crate) core: Option<Address>,
    pub(crate) wheel: Option<Address>,
    pub(crate) dice: Option<Address>,
    pub(crate) multi: Option<Address>,
    pub(crate) old_names: bool,
}

/// The age of the open request a scenario begins with, in µs.
pub(crate) fn pending_age_us(scenario: &str) -> Option<u64> {
    match scenario {
        "stuck" => Some(STUCK_SECONDS * 1_000_000),
        "pending" => Some(5_000_000),
        _ => None,
    }
}

/// When the open request a scenario begins with is answered.
pub(crate) fn pending_due_us(scenario: &str, now_us: u64, answer_ms: Option<u64>) -> Option<u64> {
    answer_ms.filter(|_| scenario == "pending").map(|ms| now_us.saturating_add(ms.saturating_mul(1000)))
}

pub(crate) fn state(scenario: &str, start: Start) -> State {
    let Start {
        names,
        now_us,
        past_draws,
        extra_clients,
        answer_ms,
        seed,
        core,
        wheel,
        dice,
        multi,
        old_names,
    } = start;
    let empty = scenario == "empty";
    let of_lottery = |address, scenario: &str| {
        let marker = format!("{}::{}::LotteryMarker", names.lottery, names.lottery_module);
        client(address, names.lottery, Some(marker), scenario, now_us)
    };
    let mut deposit = Deposit { clients: Vec::new(), paused: scenario == "paused" };
    if scenario != "not-whitelisted" {
        deposit.clients.push(of_lottery(names.client, scenario));
    }
    for index in 0..extra_clients {
        let address = Address::from_bytes(crate::digest::bytes("client", seed, u64::from(index)));
        deposit.clients.push(Client {
            balance: u128::from(crate::digest::number("balance", seed, u64::from(index)) % 100_000_000_000),
            ..of_lottery(address, "healthy")
        });
    }
    // The core layout, the package and the wheel are clients themselves; of the dice each player has to be one.
    let further = [
        (core, core, Some("core_rounds::LotteryMarker")),
        (wheel, wheel, Some("supra_wheel::WheelClient")),
        (dice.map(|_| player(1)), dice, None),
        (multi, multi, Some("draw::LotteryMarker")),
    ];
    for (address, consumer, marker) in further {
        if let (Some(address), Some(consumer)) = (address, consumer)
            && scenario != "not-whitelisted"
            && deposit.client(address).is_none()
        {
            let marker = marker.map(|marker| format!("{consumer}::{marker}"));
            deposit.clients.push(client(address, consumer, marker, scenario, now_us));
        }
    }
    let open = pending_age_us(scenario).map(|age| OpenRequest {
        asker: Asker::Lottery,
        caller: names.lottery,
        id: past_draws + 1,
        client_seed: past_draws + 1,
        asked_us: now_us.saturating_sub(age),
        due_us: pending_due_us(scenario, now_us, answer_ms),
    });
    State {
        deposit,
        lottery: (!empty).then(|| lottery(&names, scenario, past_draws)),
        treasury: if empty { Treasury::new(names.lottery) } else { treasury(&names) },
        wallets: BTreeMap::new(),
        next_nonce: past_draws + 1 + u64::from(open.is_some()),
        open: open.into_iter().collect(),
        core: core.map(|address| CoreLayout {
            old_names,
            ..CoreLayout::new(address, !empty, Some(Address::small(AGGREGATOR)))
        }),
        dice: dice.map(|address| Dice::new(address, !empty)),
        wheel: wheel.map(|address| Wheel::new(address, !empty)),
        multi: multi.map(|address| Multi::new(address, !empty)),
        answers: if scenario == "stuck" {
            Answers::Never
        } else {
            Answers::AfterMs(answer_ms.unwrap_or(2000))
        },
        charges_aborted: false,
        callback_aborts: scenario == "callback-aborts",
        seed,
        names,
    }
}

/// A state with every consumer, at short addresses, for tests of the entry functions.
#[cfg(test)]
pub(crate) fn for_tests(scenario: &str) -> State {
    let names = Names {
        dvrf: Address::small(0xd),
        deposit_module: "deposit".into(),
        vrf_module: "supra_vrf".into(),
        lottery: Address::small(0xe),
        lottery_module: "main_v2".into(),
        treasury_module: "treasury_v1".into(),
        client: Address::small(0xe),
    };
    let start = Start {
        names,
        now_us: 0,
        past_draws: 0,
        extra_clients: 0,
        answer_ms: Some(10),
        seed: 1,
        core: Some(Address::small(0xc)),
        wheel: Some(Address::small(0xf)),
        dice: Some(Address::small(0x1d)),
        multi: Some(Address::small(0x2d)),
        old_names: false,
    };
    state(scenario, start)
}
