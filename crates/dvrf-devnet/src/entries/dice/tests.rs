//! What becomes of a roll.

use super::run;
use crate::abort::{Abort, CallError};
use crate::address::Address;
use crate::call::{Args, Transaction};
use crate::scenario::{GRANT, for_tests as start, player};
use crate::state::{Asker, CALLBACK_FEE, State};
use serde_json::{Value, json};

fn transaction(sender: Address) -> Transaction {
    Transaction { sender, now_us: 7_000_000, height: 9, events: Vec::new() }
}

fn roll(state: &mut State, sender: Address) -> Result<Vec<(String, Value)>, CallError> {
    let mut tx = transaction(sender);
    let values = [json!("6")];
    run(state, &mut tx, "roll_dice", &Args { values: &values, types: &[] }).map(|()| tx.events)
}

fn result(state: &State, nonce: &str) -> Result<Vec<Value>, CallError> {
    let values = [json!(nonce)];
    state.dice.as_ref().unwrap().view(&Args { values: &values, types: &[] })
}

#[test]
fn a_roll_is_asked_for_by_its_player_and_resolved_by_dvrf() {
    let mut state = start("healthy");
    let events = roll(&mut state, player(1)).unwrap();
    assert_eq!(events[0].0, "0xd::supra_vrf::RequestEvent");
    let asked = |key: &str| events[0].1[key].as_str().unwrap();
    assert_eq!((asked("caller_address"), asked("callback_address")), ("0xb001", "0x1d"));
    assert_eq!((asked("callback_module"), asked("callback_function")), ("dice_roll", "resolve_dice_roll"));
    let rolled = (
        "0x1d::dice_roll::DiceRollEvent",
        json!({"user_address": "0xb001", "request_id": "1", "dice_range": "6"}),
    );
    assert_eq!(events[1], (rolled.0.to_owned(), rolled.1));
    assert_eq!(result(&state, "1"), Ok(vec![json!(false), json!("0")]));
    let request = state.request_of(Asker::Dice).unwrap().clone();
    let callback = state.callback(&request).arguments;
    let mut tx = transaction(Address::small(0xf2));
    state.answer(&mut tx, &request).unwrap();
    assert_eq!(tx.events[0].0, "0xd::supra_vrf::VerifyCallbackEvent");
    let (kind, data) = &tx.events[1];
    assert_eq!((kind.as_str(), &data["request_id"]), ("0x1d::dice_roll::DiceResultEvent", &json!("1")));
    let number = data["rolled_number"].clone();
    assert!((1..=6).contains(&number.as_str().unwrap().parse::<u64>().unwrap()), "{number}");
    // Another call with the same signature resolves it once more.
    let mut again = transaction(player(9));
    let args = Args { values: &callback, types: &[] };
    run(&mut state, &mut again, "resolve_dice_roll", &args).unwrap();
    assert_eq!(again.events[1], tx.events[1]);
    // The row stays.
    assert_eq!(result(&state, "1"), Ok(vec![json!(true), number]));
    // The player's grant has paid.
    assert_eq!(state.deposit.client(player(1)).unwrap().grant, GRANT - CALLBACK_FEE);
    assert_eq!(tx.events.last().unwrap().1["client_address"], "0xb001");
}

#[test]
fn a_roll_is_refused_by_dvrf_and_an_unknown_one_by_the_table() {
    let vrf = |code| {
        Err(CallError::Abort(Abort { address: Address::small(0xd), module: "supra_vrf".into(), code }))
    };
    for (scenario, sender, code) in [
        ("healthy", player(2), 0x5_0004),
        ("not-whitelisted", player(1), 0x5_0004),
        ("consumer-missing", player(1), 0x5_0004),
        ("at-minimum", player(1), 0x2_0005),
    ] {
        assert_eq!(roll(&mut start(scenario), sender), vrf(code), "{scenario} {sender}");
    }
    let missing = CallError::MissingData { address: Address::small(0x1d), module: "dice_roll".into() };
    assert_eq!(roll(&mut start("empty"), player(1)), Err(missing.clone()));
    assert_eq!(result(&start("empty"), "1"), Err(missing));
    let table = Abort { address: Address::small(1), module: "table".into(), code: 25_863 };
    assert_eq!(result(&start("healthy"), "7"), Err(CallError::Abort(table)));
}
