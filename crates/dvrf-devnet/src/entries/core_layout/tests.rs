//! The asserts of the core layout, in the order and with the codes that the contracts have.

use super::run;
use crate::abort::{Abort, CallError};
use crate::address::Address;
use crate::call::{Args, Transaction};
use crate::core_layout::{CoreLayout, HubRequest, Lottery, Pool, Round};
use crate::scenario::{self, player};
use crate::state::{Asker, State};
use serde_json::{Value, json};

const CORE: Address = Address::small(0xc);
/// The scenarios' callback sender.
const ANSWERER: Address = Address::small(0xa6);
const RANDOM: &str = "0x0102030405060708";

fn start() -> State {
    scenario::for_tests("healthy")
}

fn core(state: &mut State) -> &mut CoreLayout {
    state.core.as_mut().unwrap()
}

fn lottery(state: &mut State) -> &mut Lottery {
    core(state).lotteries.get_mut(&1).unwrap()
}

fn round(state: &mut State) -> &mut Round {
    lottery(state).round.as_mut().unwrap()
}

/// Runs a function, and answers with the names of its events.
fn call(state: &mut State, sender: Address, function: &str, args: &[Value]) -> Result<Vec<String>, String> {
    let (module, function) = function.split_once("::").unwrap();
    let mut copy = state.clone();
    let mut tx = Transaction { sender, now_us: 5_000_000, height: 9, events: Vec::new() };
    match run(&mut copy, &mut tx, module, function, &Args { values: args, types: &[] }) {
        Ok(()) => *state = copy,
        Err(CallError::Abort(Abort { module, code, .. })) => return Err(format!("{module} {code}")),
        Err(other) => panic!("{other:?}"),
    }
    Ok(tx.events.into_iter().map(|(kind, _)| kind.trim_start_matches("0xc::").to_owned()).collect())
}

/// Sells two tickets of the first lottery and asks for its draw.
fn asked() -> State {
    let mut state = start();
    for number in [1, 2] {
        call(&mut state, player(number), "core_rounds::buy_ticket", &[json!("1")]).unwrap();
    }
    call(&mut state, CORE, "core_rounds::schedule_draw", &[json!("1")]).unwrap();
    call(&mut state, CORE, "core_rounds::request_randomness", &[json!("1"), json!("0xaa")]).unwrap();
    state
}

type Break = fn(&mut State);

/// Breaks one condition more with each step, the last assert's first, so that the earliest broken one must win.
fn fails_in_order(
    mut state: State,
    sender: Address,
    function: &str,
    args: &[Value],
    steps: &[(Break, &str)],
) {
    for (index, (break_it, expected)) in steps.iter().enumerate() {
        break_it(&mut state);
        let result = call(&mut state, sender, function, args);
        assert_eq!(result, Err((*expected).to_owned()), "{function}, step {index}");
    }
}

#[test]
fn a_request_is_made_and_answered() {
    let mut state = asked();
    let hub = core(&mut state);
    assert_eq!(hub.requests.keys().copied().collect::<Vec<_>>(), [1]);
    assert_eq!(hub.lotteries[&1].round.as_ref().unwrap().pending, Some(1));
    let open = state.request_of(Asker::Core).unwrap();
    assert_eq!((open.id, open.asked_us, open.due_us), (1, 5_000_000, Some(5_010_000)));
    let answer = [json!("1"), json!(RANDOM)];
    let events = call(&mut state, ANSWERER, "core_rounds::fulfill_draw", &answer).unwrap();
    assert_eq!(
        events,
        [
            "hub::RandomnessFulfilledEvent",
            "core_treasury_multi::PrizePaidEvent",
            "core_rounds::DrawFulfilledEvent",
            "core_rounds::RoundSnapshotUpdatedEvent"
        ]
    );
    assert!(state.open.is_empty());
    let hub = core(&mut state);
    assert!(hub.requests.is_empty());
    let lottery = &hub.lotteries[&1];
    let (round, pool) = (lottery.round.as_ref().unwrap(), lottery.pool.as_ref().unwrap());
    assert_eq!((round.pending, round.tickets.len(), round.next_ticket_id), (None, 0, 0));
    // Of two tickets 70 % went to the prize, 20 % to the jackpot and 10 % to the operations.
    assert_eq!((pool.prize, pool.operations, hub.jackpot_balance), (0, 2_000_000, 4_000_000));
    assert_eq!((hub.history_queue, hub.purchase_queue), (1, 2));
}

#[test]
fn a_reset_leaves_an_orphan_in_the_hub() {
    let mut state = asked();
    let events = call(&mut state, CORE, "core_rounds::reset_round", &[json!("1")]).unwrap();
    assert_eq!(events, ["core_rounds::RoundResetEvent", "core_rounds::RoundSnapshotUpdatedEvent"]);
    assert_eq!(round(&mut state).pending, None);
    assert_eq!(core(&mut state).requests.keys().copied().collect::<Vec<_>>(), [1]);
    let answer = [json!("1"), json!(RANDOM)];
    let late = call(&mut state, ANSWERER, "core_rounds::fulfill_draw", &answer);
    assert_eq!(late, Err("core_rounds 9".to_owned()));
}

#[test]
fn the_jackpot_shares_the_hub_with_the_rounds() {
    let mut state = asked();
    call(&mut state, CORE, "rewards_jackpot::grant_ticket", &[json!("0x5")]).unwrap();
    call(&mut state, CORE, "rewards_jackpot::schedule_draw", &[]).unwrap();
    let events = call(&mut state, CORE, "rewards_jackpot::request_randomness", &[json!("0x")]).unwrap();
    assert_eq!(
        events,
        [
            "hub::RandomnessRequestedEvent",
            "rewards_jackpot::JackpotRequestIssuedEvent",
            "rewards_jackpot::JackpotSnapshotUpdatedEvent"
        ]
    );
    let hub = core(&mut state);
    assert_eq!((hub.answering_module(1), hub.answering_module(2)), ("core_rounds", "rewards_jackpot"));
    let answer = [json!("2"), json!(RANDOM)];
    // A round does not take the jackpot's answer.
    let wrong = call(&mut state, ANSWERER, "core_rounds::fulfill_draw", &answer);
    assert_eq!(wrong, Err("core_rounds 11".to_owned()));
    call(&mut state, ANSWERER, "rewards_jackpot::fulfill_draw", &answer).unwrap();
    let hub = core(&mut state);
    assert_eq!((hub.jackpot.pending, hub.jackpot_balance), (None, 0));
    assert_eq!(hub.requests.keys().copied().collect::<Vec<_>>(), [1]);
}

#[test]
fn a_request_asserts_in_the_contracts_order() {
    let mut state = asked();
    *round(&mut state) = Round { tickets: vec![CORE], draw_scheduled: true, ..Round::default() };
    let steps: [(Break, &str); 8] = [
        (|s| lottery(s).hub_active = false, "hub 7"),
        (|s| round(s).tickets.clear(), "core_rounds 7"),
        (|s| round(s).pending = Some(8), "core_rounds 6"),
        (|s| lottery(s).instance_active = false, "core_rounds 12"),
        (|s| round(s).draw_scheduled = false, "core_rounds 8"),
        (|s| lottery(s).round = None, "core_rounds 4"),
        (|s| core(s).lotteries.clear(), "core_rounds 4"),
        (|s| core(s).initialized = false, "core_rounds 2"),
    ];
    let args = [json!("1"), json!("0x")];
    let stranger = call(&mut state, player(1), "core_rounds::request_randomness", &args);
    assert_eq!(stranger, Err("core_rounds 3".to_owned()));
    fails_in_order(state, CORE, "core_rounds::request_randomness", &args, &steps);
}

#[test]
fn an_answer_asserts_in_the_contracts_order() {
    let short = [json!("1"), json!("0x01020304050607")];
    let steps: [(Break, &str); 8] = [
        (|_| (), "core_rounds 10"),
        (|s| round(s).tickets.clear(), "core_rounds 7"),
        (|s| round(s).pending = Some(8), "core_rounds 11"),
        (|s| round(s).pending = None, "core_rounds 9"),
        (|s| core(s).requests.clear(), "hub 4"),
        (|s| core(s).callback_sender = Some(CORE), "hub 6"),
        (|s| core(s).callback_sender = None, "hub 5"),
        (|s| core(s).initialized = false, "hub 8"),
    ];
    fails_in_order(asked(), ANSWERER, "core_rounds::fulfill_draw", &short, &steps);
    let answer = [json!("1"), json!(RANDOM)];
    let steps: [(Break, &str); 1] = [(|s| lottery(s).pool = None, "core_treasury_multi 6")];
    fails_in_order(asked(), ANSWERER, "core_rounds::fulfill_draw", &answer, &steps);
    let steps: [(Break, &str); 3] = [
        (|_| (), "rewards_jackpot 8"),
        (|s| core(s).jackpot.pending = Some(8), "rewards_jackpot 9"),
        (
            |s| {
                let request = HubRequest { lottery_id: 2, payload: "0x".into(), payload_hash: "0x".into() };
                core(s).requests.insert(1, request);
            },
            "rewards_jackpot 13",
        ),
    ];
    fails_in_order(asked(), ANSWERER, "rewards_jackpot::fulfill_draw", &answer, &steps);
}

#[test]
fn tickets_and_switches_assert_in_the_contracts_order() {
    let steps: [(Break, &str); 6] = [
        (|s| lottery(s).pool = None, "core_treasury_multi 6"),
        (|s| lottery(s).round = Some(Round { pending: Some(4), ..Round::default() }), "core_rounds 6"),
        (|s| round(s).draw_scheduled = true, "core_rounds 5"),
        (|s| lottery(s).instance_active = false, "core_rounds 12"),
        (|s| core(s).lotteries.clear(), "core_rounds 4"),
        (|s| core(s).initialized = false, "core_rounds 2"),
    ];
    fails_in_order(start(), player(1), "core_rounds::buy_ticket", &[json!("1")], &steps);
    let cases = [
        (CORE, "hub::set_lottery_active", json!("9"), "hub 3"),
        (player(1), "hub::set_lottery_active", json!("1"), "hub 1"),
        (CORE, "core_instances::set_instance_active", json!("9"), "core_instances 5"),
        (player(1), "core_instances::set_instance_active", json!("1"), "core_instances 3"),
    ];
    for (sender, function, id, expected) in cases {
        let result = call(&mut start(), sender, function, &[id, json!(false)]);
        assert_eq!(result, Err(expected.to_owned()), "{function} {expected}");
    }
    let mut state = start();
    call(&mut state, CORE, "hub::set_lottery_active", &[json!("2"), json!(false)]).unwrap();
    let lottery = &core(&mut state).lotteries[&2];
    assert!(!lottery.hub_active && lottery.instance_active);
}

#[test]
fn views_before_initialisation_answer_abort_or_miss() {
    let layout = CoreLayout::new(CORE, false, Some(ANSWERER));
    let values = [json!("1")];
    let view =
        |module: &str, function: &str| layout.view(module, function, &Args { values: &values, types: &[] });
    let none = json!({"vec": []});
    for (module, function, expected) in [
        ("hub", "is_initialized", Ok(json!(false))),
        ("hub", "callback_sender", Err(8)),
        ("core_rounds", "get_round_snapshot", Ok(none.clone())),
        ("core_rounds", "history_queue_length", Ok(json!("0"))),
        ("core_rounds", "admin", Err(2)),
        ("core_instances", "get_instance_snapshot", Ok(none.clone())),
        ("core_instances", "is_instance_active", Err(2)),
        ("core_treasury_multi", "jackpot_balance", Err(3)),
        ("rewards_jackpot", "pending_request", Ok(none)),
        ("rewards_jackpot", "lottery_id", Err(3)),
    ] {
        let expected = expected.map(|value| vec![value]).map_err(|code| layout.abort(module, code));
        assert_eq!(view(module, function), expected, "{module}::{function}");
    }
    let missing = CallError::MissingData { address: CORE, module: "core_treasury_multi".to_owned() };
    assert_eq!(view("core_treasury_multi", "get_pool"), Err(missing));
    assert_eq!(layout.resources(), []);
}

#[test]
fn tables_can_be_read_inside_the_resources() {
    let mut state = asked();
    core(&mut state).lotteries.get_mut(&2).unwrap().pool = None;
    core(&mut state).lotteries.get_mut(&3).unwrap().pool = Some(Pool { prize: 7, operations: 8 });
    let resources = core(&mut state).resources();
    let of = |name: &str| resources.iter().find(|(known, _)| known == name).unwrap().1.clone();
    let hub = of("0xc::hub::HubState");
    assert_eq!(hub["pending_request_ids"], json!(["1"]));
    assert_eq!(hub["next_request_id"], json!("2"));
    assert_eq!(hub["lottery_ids"], json!(["1", "2", "3"]));
    assert_eq!(hub["callback_sender"], json!({"vec": ["0xa6"]}));
    assert_eq!(hub["requests"]["keys"], json!(["1"]));
    assert_eq!(hub["requests"]["values"][0]["payload"], "0xaa");
    let rounds = of("0xc::core_rounds::RoundCollection")["rounds"].clone();
    assert_eq!(rounds["values"][0]["pending_request"], json!({"vec": ["1"]}));
    let pools = of("0xc::core_treasury_multi::TreasuryState")["pools"].clone();
    assert_eq!(pools["keys"], json!(["1", "3"]));
    assert_eq!(pools["values"][1], json!({"prize_balance": "7", "operations_balance": "8"}));
}
