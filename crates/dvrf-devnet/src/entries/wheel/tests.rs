//! What becomes of a spin.

use super::{answer, run};
use crate::abort::{Abort, CallError};
use crate::address::Address;
use crate::call::{Args, Transaction};
use crate::scenario::{self, for_tests as start, player};
use crate::state::{Asker, CALLBACK_FEE, State, WALLET};
use crate::wheel::{FEE, Outcome, PRIZE};
use serde_json::{Value, json};

const WHEEL: Address = Address::small(0xf);

const NO_ARGS: Args<'_> = Args { values: &[], types: &[] };

fn transaction(sender: Address) -> Transaction {
    Transaction { sender, now_us: 7_000_000, height: 9, events: Vec::new() }
}

fn spin(state: &mut State) -> Result<Vec<String>, CallError> {
    let mut tx = transaction(player(1));
    run(state, &mut tx, "spin", &NO_ARGS).map(|()| names(&tx))
}

fn names(tx: &Transaction) -> Vec<String> {
    tx.events.iter().map(|(kind, _)| kind.clone()).collect()
}

fn view(state: &State, function: &str, value: Value) -> Value {
    let values = [value];
    let args = Args { values: &values, types: &[] };
    state.wheel.as_ref().unwrap().view(function, &args).unwrap()[0]["vec"].clone()
}

#[test]
fn a_spin_asks_dvrf_in_the_name_of_the_wheel() {
    let mut state = start("healthy");
    let mut tx = transaction(player(1));
    run(&mut state, &mut tx, "spin", &NO_ARGS).unwrap();
    assert_eq!(names(&tx), ["0xd::supra_vrf::RequestEvent", "0xf::supra_wheel::SpinEvent"]);
    let asked = &tx.events[0].1;
    let of = |key: &str| asked[key].as_str().unwrap();
    assert_eq!((of("nonce"), of("client_seed"), of("caller_address")), ("1", "1", "0xf"));
    assert_eq!(
        (of("callback_address"), of("callback_module"), of("callback_function")),
        ("0xf", "supra_wheel", "fulfill_randomness")
    );
    assert_eq!(tx.events[1].1, json!({"player": "0xb001", "nonce": "1", "fee": "10000000"}));
    assert_eq!(
        view(&state, "get_pending_spin_info", json!("1")),
        json!([{"player": "0xb001", "fee_paid": "10000000", "timestamp": "7"}])
    );
    assert_eq!(view(&state, "get_spin_result", json!("1")), json!([]));
    assert_eq!(state.wallet(player(1)), WALLET - u128::from(FEE));
}

#[test]
fn each_outcome_shows_in_events_results_and_money() {
    let (fee, prize) = (u128::from(FEE), u128::from(PRIZE));
    for (outcome, event, is_win, description, amount, received) in [
        (Outcome::Win, Some("WinEvent"), true, "Double", "20000000", prize),
        (Outcome::Refund, Some("RefundEvent"), false, "REFUND", "0", fee),
        (Outcome::PaymentError, None, false, "PAYMENT_ERROR", "0", 0),
    ] {
        let mut state = start("healthy");
        state.wheel.as_mut().unwrap().outcome = outcome;
        spin(&mut state).unwrap();
        let request = state.request_of(Asker::Wheel).unwrap().clone();
        let mut tx = Transaction { now_us: 9_000_000, ..transaction(Address::small(0xf2)) };
        state.answer(&mut tx, &request).unwrap();
        let own = event.map(|name| format!("0xf::supra_wheel::{name}"));
        let [verified, processed, collected] =
            ["supra_vrf::VerifyCallbackEvent", "supra_vrf::NonceProcessedEvent", "deposit::SupraCollected"]
                .map(|name| Some(format!("0xd::{name}")));
        let expected: Vec<String> = [verified, own, processed, collected].into_iter().flatten().collect();
        assert_eq!(names(&tx), expected, "{outcome:?}");
        let result = view(&state, "get_spin_result", json!("1"));
        assert_eq!(
            result,
            json!([{"nonce": "1", "player": "0xb001", "is_win": is_win, "prize_description": description,
                "amount_won": amount, "timestamp": "9"}])
        );
        assert_eq!(view(&state, "get_pending_spin_info", json!("1")), json!([]));
        assert_eq!(state.wallet(player(1)), WALLET - fee + received, "{outcome:?}");
        let collected = &tx.events.last().unwrap().1;
        assert_eq!(collected, &json!({"client_address": "0xf", "amount": "1000000", "nonce": "1"}));
        // The grant pays first; the lottery's client pays nothing.
        let grants = [WHEEL, state.names.client].map(|client| state.deposit.client(client).unwrap().grant);
        assert_eq!(grants, [scenario::GRANT - CALLBACK_FEE, scenario::GRANT]);
        assert!(state.open.is_empty());
    }
}

#[test]
fn a_prize_that_the_wheel_cannot_pay_is_a_payment_error() {
    let mut state = start("healthy");
    state.wallets.insert(WHEEL, 0);
    spin(&mut state).unwrap();
    let mut tx = transaction(Address::small(0xf2));
    answer(&mut state, &mut tx, 1);
    assert_eq!(names(&tx), Vec::<String>::new());
    assert_eq!(view(&state, "get_spin_result", json!("1"))[0]["prize_description"], "PAYMENT_ERROR");
    assert_eq!(state.wallet(WHEEL), u128::from(FEE));
}

#[test]
fn a_forgotten_spin_is_neither_pending_nor_finished() {
    let mut state = start("healthy");
    spin(&mut state).unwrap();
    assert!(state.wheel.as_mut().unwrap().forget(1));
    assert!(!state.wheel.as_mut().unwrap().forget(1));
    let mut tx = transaction(Address::small(0xf2));
    answer(&mut state, &mut tx, 1);
    assert_eq!(names(&tx), Vec::<String>::new());
    for function in ["get_pending_spin_info", "get_spin_result"] {
        assert_eq!(view(&state, function, json!("1")), json!([]), "{function}");
    }
    // These two are never pruned.
    assert_eq!(view(&state, "get_last_pending_nonce", json!("0xb001")), json!(["1"]));
}

#[test]
fn a_spin_is_refused_by_the_wheel_or_by_dvrf() {
    type Break = fn(&mut State);
    let refused: [(&str, Break, &str, u64); 7] = [
        ("healthy", |s| s.wheel.as_mut().unwrap().paused = true, "supra_wheel", 3),
        ("healthy", |s| _ = s.wallets.insert(player(1), 9_999_999), "coin", 0x1_0006),
        ("at-minimum", |_| (), "supra_vrf", 0x2_0005),
        ("not-whitelisted", |_| (), "supra_vrf", 0x5_0004),
        ("module-disabled", |_| (), "supra_vrf", 0x5_0004),
        ("consumer-missing", |_| (), "supra_vrf", 0x5_0004),
        ("paused", |_| (), "deposit", 0x5_0005),
    ];
    for (scenario, break_it, module, code) in refused {
        let mut state = start(scenario);
        break_it(&mut state);
        match spin(&mut state) {
            Err(CallError::Abort(abort)) => {
                assert_eq!((abort.module.as_str(), abort.code), (module, code), "{scenario}");
            }
            other => panic!("{scenario}: {other:?}"),
        }
    }
    let missing = CallError::MissingData { address: WHEEL, module: "supra_wheel".to_owned() };
    assert_eq!(spin(&mut start("empty")), Err(missing));
}

#[test]
fn a_signature_is_good_for_every_call_of_its_nonce() {
    let mut state = start("healthy");
    spin(&mut state).unwrap();
    let callback = state.callback(state.request_of(Asker::Wheel).unwrap());
    let call = |state: &mut State, changed: Option<usize>| {
        let mut values = callback.arguments.clone();
        if let Some(index) = changed {
            values[index] = json!("0x00");
        }
        let mut tx = transaction(player(5));
        run(state, &mut tx, "fulfill_randomness", &Args { values: &values, types: &[] }).map(|()| names(&tx))
    };
    for (changed, code) in [(1, 0x1_0003), (2, 0xB_0002)] {
        let abort = Abort { address: Address::small(0xd), module: "supra_vrf".to_owned(), code };
        assert_eq!(call(&mut state, Some(changed)), Err(CallError::Abort(abort)));
    }
    let verified = "0xd::supra_vrf::VerifyCallbackEvent".to_owned();
    assert_eq!(call(&mut state, None), Ok(vec![verified.clone(), "0xf::supra_wheel::WinEvent".to_owned()]));
    assert!(state.open.is_empty());
    // The wheel has no such spin any more.
    assert_eq!(call(&mut state, None), Ok(vec![verified]));
}
