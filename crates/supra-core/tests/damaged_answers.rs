//! Damaged answers of a node: whatever is missing or malformed, a subscription with a problem is never `ok`, and a
//! healthy one never an alert.
//!
//! The answers are damaged so that they no longer have the documented form; a valid answer with another value would be
//! another chain.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};
use supra_core::check::{Checker, Policy, Status};
use supra_core::client::{ChainClient, ClientOptions};
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::record::Record;
use supra_core::report::Report;
use supra_core::target::{GivenAddresses, Target};
use supra_core::transport::{Deadline, Reply, Request, Transport};

/// Damaged runs of each situation: 20,000 in all.
const RUNS: u64 = 2_000;
const NOW_S: i64 = 1_800_000_000;

type Answers = BTreeMap<String, Result<Value, Error>>;

struct Chain(Answers);

impl Transport for Chain {
    fn ask(&self, requests: &[Request], _: Deadline) -> Vec<Reply> {
        let missing = || Err(Error::new(FailureKind::Unsupported, "could not find it"));
        let reply = |request: &Request| Reply {
            result: self.0.get(&name_of(request)).cloned().unwrap_or_else(missing),
            elapsed: Duration::ZERO,
            attempts: 1,
        };
        requests.iter().map(reply).collect()
    }

    fn identity(&self) -> String {
        "damaged".to_owned()
    }

    fn reaches_node(&self) -> bool {
        true
    }

    fn offers_abi(&self) -> bool {
        true
    }
}

fn name_of(request: &Request) -> String {
    match request {
        Request::View(call) => call.function.name.clone(),
        Request::Resource { .. } => "LotteryData".to_owned(),
        Request::ModuleAbi { module, .. } => format!("module {module}"),
        Request::ChainId => "chain id".to_owned(),
        Request::Block { .. } => "block".to_owned(),
        other => panic!("{other:?}"),
    }
}

/// What a chain is like. Every view says the same as the resource and the row that replace it.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that may be wrong")]
struct Situation {
    balance: u64,
    supra_minimum: u64,
    is_paused: bool,
    is_module_enabled: bool,
    has_callback_sender: bool,
    is_pending: bool,
    behind_s: i64,
    chain_id: u8,
}

const HEALTHY: Situation = Situation {
    balance: 78_750_000_000,
    supra_minimum: 100_000_000,
    is_paused: false,
    is_module_enabled: true,
    has_callback_sender: true,
    is_pending: false,
    behind_s: 0,
    chain_id: 6,
};

const MINIMUM: u64 = 15_750_000_000;

/// A lottery on dVRF 3.
fn answers(situation: Situation) -> BTreeMap<String, Value> {
    let Situation { balance, supra_minimum, behind_s, chain_id, .. } = situation;
    let text = |number: u64| number.to_string();
    let some = |value: Value| json!({"vec": [value]});
    let time_us = (NOW_S - behind_s) * 1_000_000;
    let sender = if situation.has_callback_sender { some(json!("0xa6")) } else { json!({"vec": []}) };
    let pending = if situation.is_pending { some(json!("5")) } else { json!({"vec": []}) };
    let requests = if situation.is_pending { "5" } else { "4" };
    let data = json!({
        "tickets": ["0x1", "0x2"], "draw_scheduled": false, "pending_request": pending, "jackpot_amount": "9",
        "rng_request_count": requests, "rng_response_count": "4", "next_client_seed": "5",
        "max_gas_price": "10", "max_gas_limit": "500000", "callback_gas_price": "10", "callback_gas_limit": "150000",
        "verification_gas_value": "25000", "whitelisted_consumers": ["0xa1"], "whitelisted_callback_sender": sender,
        "vrf_request_config": some(json!({"rng_count": 1, "client_seed": "1"})),
        "client_whitelist_snapshot": some(json!({"max_gas_price": "10", "max_gas_limit": "500000",
            "min_balance_limit": text(MINIMUM)})),
        "consumer_whitelist_snapshot": some(json!({"callback_gas_price": "10", "callback_gas_limit": "150000"})),
    });
    let status = json!([{"ticket_count": "2", "draw_scheduled": false, "pending_request": situation.is_pending,
        "jackpot_amount": "9", "rng_request_count": requests, "rng_response_count": "4"}]);
    let row = json!([[{"client_address": "0xa1", "min_balance_limit": text(MINIMUM), "balance": text(balance),
        "current_grant": "500000000", "max_txn_fee": "525000000"}]]);
    let module = json!([[{"module_type_info": "0xa1::main_v2::T", "max_callback_txn_fee": "1000000",
        "min_balance_limit": "30000000", "enabled": situation.is_module_enabled}]]);
    let mut answers: BTreeMap<String, Value> = [
        ("block", json!({"height": 5, "time_us": time_us, "chain_id": chain_id})),
        ("chain id", json!(chain_id)),
        ("now_microseconds", json!([time_us.to_string()])),
        ("LotteryData", data),
        ("get_lottery_status", status),
        ("get_whitelist_status", json!([{"aggregator": sender, "consumers": ["0xa1"]}])),
        ("get_balance_of_client_v2", row),
        ("check_client_fund", json!([text(balance)])),
        ("check_min_balance_client_v2", json!([text(MINIMUM)])),
        ("has_minimum_balance_reached_v2", json!([balance <= MINIMUM.max(supra_minimum)])),
        ("get_client_modules_info", module),
        ("check_min_balance_supra_v2", json!([text(supra_minimum)])),
        ("is_contract_paused", json!([situation.is_paused])),
        ("is_client_whitelisted_v2", json!([true])),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let parameters = |name: &str| match name {
        "get_balance_of_client_v2" => json!(["vector<address>"]),
        "check_min_balance_supra_v2"
        | "is_contract_paused"
        | "get_lottery_status"
        | "get_whitelist_status" => {
            json!([])
        }
        _ => json!(["address"]),
    };
    let functions: Vec<Value> =
        answers.keys().map(|name| json!({"name": name, "params": parameters(name)})).collect();
    for module in ["module deposit", "module main_v2"] {
        answers.insert(module.to_owned(), json!({"exposed_functions": functions}));
    }
    answers
}

fn status(answers: Answers) -> Status {
    let target =
        Target { chain_id: Some(6), ..Target::of_lottery("0xa1".parse().unwrap(), "0xd".parse().unwrap()) };
    let now = Timestamp::from_second(NOW_S).unwrap();
    let client = ChainClient::new(Box::new(Chain(answers)), ClientOptions::default());
    let collected = client.collect(&target, now);
    let mut record = Record::new();
    let given = GivenAddresses { lottery: None, deposit: None, client: None };
    collected.write(&mut record, &target, &given, &Value::Null, now).unwrap();
    let report = Report::of(&record).unwrap();
    // A request that is pending has been so for three hours.
    let seen = Timestamp::from_second(NOW_S - 3 * 3600).unwrap();
    let checker = Checker { policy: Policy { chain_id: Some(6), ..Policy::default() }, calculation: None };
    checker.check(&report, Some(seen), now).status
}

/// Damages one place of an answer, so that it no longer has its form.
fn damage(value: &mut Value, random: &mut Rng) {
    match value {
        Value::Array(items) if !items.is_empty() && random.u8(..4) > 0 => {
            let place = random.usize(..items.len());
            damage(&mut items[place], random);
        }
        Value::Object(fields) if !fields.is_empty() && random.u8(..5) > 0 => {
            let place = random.usize(..fields.len());
            let key = fields.keys().nth(place).unwrap().clone();
            if random.u8(..4) == 0 {
                fields.remove(&key);
            } else {
                damage(&mut fields[&key], random);
            }
        }
        place => {
            // `null` is how some nodes write an option without a value.
            let is_option = place.get("vec").is_some();
            let forms = [
                if is_option { json!(-1) } else { json!(null) },
                json!("a web page"),
                json!({"message": "internal"}),
                json!([null, [null]]),
                json!(-1),
                json!(1.5),
                json!("12 345"),
                json!("340282366920938463463374607431768211457"),
                json!(""),
            ];
            place.clone_from(&forms[random.usize(..forms.len())]);
        }
    }
}

fn damaged(mut value: Value, random: &mut Rng) -> Result<Value, Error> {
    let failed = |kind| Err(Error::new(kind, "somewhere on the way"));
    match random.u8(..8) {
        0 => failed(FailureKind::Unreachable),
        1 => failed(FailureKind::Timeout),
        2 => failed(FailureKind::Throttled),
        3 => failed(FailureKind::Undecodable),
        _ => {
            damage(&mut value, random);
            Ok(value)
        }
    }
}

#[rstest]
#[case::healthy(HEALTHY, Status::Ok)]
#[case::at_the_minimum(Situation { balance: MINIMUM, ..HEALTHY }, Status::Alert)]
#[case::low(Situation { balance: 20_000_000_000, ..HEALTHY }, Status::Alert)]
#[case::below_supras_minimum(Situation { supra_minimum: 80_000_000_000, ..HEALTHY }, Status::Alert)]
#[case::paused(Situation { is_paused: true, ..HEALTHY }, Status::Alert)]
#[case::module_disabled(Situation { is_module_enabled: false, ..HEALTHY }, Status::Alert)]
#[case::no_callback_sender(Situation { has_callback_sender: false, ..HEALTHY }, Status::Alert)]
#[case::stuck(Situation { is_pending: true, ..HEALTHY }, Status::Alert)]
#[case::frozen(Situation { behind_s: 1200, ..HEALTHY }, Status::Unknown)]
#[case::another_chain(Situation { chain_id: 8, ..HEALTHY }, Status::Unknown)]
fn damage_makes_nothing_ok_and_no_false_alert(#[case] situation: Situation, #[case] expected: Status) {
    let answers = answers(situation);
    let whole = || answers.iter().map(|(name, value)| (name.clone(), Ok(value.clone())));
    assert_eq!(status(whole().collect()), expected, "undamaged");
    for seed in 0..RUNS {
        let mut random = Rng::with_seed(seed);
        let mut broken: Answers = whole().collect();
        let names: Vec<String> = broken.keys().cloned().collect();
        let mut what = Vec::new();
        // One denial at most: a node that denies a function and its module has neither.
        if random.bool() {
            let name = &names[random.usize(..names.len())];
            broken.remove(name);
            what.push(format!("{name}: denied"));
        }
        for _ in 0..random.usize(1..4) {
            let name = &names[random.usize(..names.len())];
            if let Some(Ok(value)) = broken.get(name).cloned() {
                let new = damaged(value, &mut random);
                what.push(format!("{name}: {new:?}"));
                broken.insert(name.clone(), new);
            }
        }
        let found = status(broken);
        let is_false = if expected == Status::Ok { found == Status::Alert } else { found == Status::Ok };
        assert!(!is_false, "seed {seed}: {found:?} after {what:#?}");
    }
}
