//! The asserts of the entry functions, in the order and with the codes the contract has.

use super::run;
use crate::abort::{Abort, CallError};
use crate::address::Address;
use crate::call::{Args, Transaction};
use crate::names::Names;
use crate::scenario::{Start, player, state};
use crate::state::State;
use serde_json::{Value, json};

fn names() -> Names {
    Names {
        dvrf: Address::small(0xd),
        deposit_module: "deposit".into(),
        vrf_module: "supra_vrf".into(),
        lottery: Address::small(0xe),
        lottery_module: "main_v2".into(),
        treasury_module: "treasury_v1".into(),
        client: Address::small(0xe),
    }
}

fn start(scenario: &str) -> State {
    let start = Start {
        names: names(),
        now_us: 1_000_000_000,
        past_draws: 4,
        extra_clients: 0,
        answer_ms: Some(10),
        seed: 1,
        core: None,
        wheel: None,
        dice: None,
        multi: None,
        old_names: false,
    };
    state(scenario, start)
}

fn call(
    state: &mut State,
    sender: Address,
    function: &str,
    args: &[Value],
) -> Result<Vec<String>, CallError> {
    let mut tx = Transaction { sender, now_us: 1_000_000_000, height: 9, events: Vec::new() };
    run(state, &mut tx, function, &Args { values: args, types: &[] })?;
    Ok(tx.events.into_iter().map(|(kind, _)| kind).collect())
}

fn code(result: Result<Vec<String>, CallError>) -> (String, u64) {
    match result {
        Err(CallError::Abort(Abort { module, code, .. })) => (module, code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn manual_draw_asserts_in_the_contracts_order() {
    type Break = fn(&mut State);
    // Each step breaks one condition more, later ones first, so that the earliest assert must win.
    let steps: [(Break, &str, u64); 10] = [
        (|w| w.deposit.paused = true, "deposit", 0x5_0005),
        (|w| w.deposit.clients[0].balance = 1, "supra_vrf", 0x2_0005),
        (|w| w.deposit.clients.clear(), "supra_vrf", 0x5_0004),
        (|w| w.lottery.as_mut().unwrap().next_client_seed = u64::MAX, "main_v2", 19),
        (|w| w.lottery.as_mut().unwrap().consumers.clear(), "main_v2", 23),
        (|w| w.lottery.as_mut().unwrap().aggregator = None, "main_v2", 20),
        (|w| w.lottery.as_mut().unwrap().max_gas_price = 0, "main_v2", 16),
        (|w| w.lottery.as_mut().unwrap().pending = Some(7), "main_v2", 6),
        (|w| w.lottery.as_mut().unwrap().tickets.clear(), "main_v2", 3),
        (|w| w.lottery.as_mut().unwrap().draw_scheduled = false, "main_v2", 4),
    ];
    let mut state = start("ready");
    for (break_it, module, number) in steps {
        break_it(&mut state);
        assert_eq!(
            code(call(&mut state, Address::small(0xe), "manual_draw", &[])),
            (module.to_owned(), number)
        );
    }
    assert_eq!(code(call(&mut state, player(1), "manual_draw", &[])), ("main_v2".to_owned(), 1));
}

#[test]
fn a_draw_is_answered_once_and_clears_the_round() {
    let mut state = start("ready");
    let events = call(&mut state, Address::small(0xe), "manual_draw", &[]).unwrap();
    assert_eq!(events, ["0xd::supra_vrf::RequestEvent", "0xe::main_v2::DrawRequestedEvent"]);
    assert_eq!(state.lottery.as_ref().unwrap().pending, Some(5));
    let mut tx =
        Transaction { sender: Address::small(0xe), now_us: 2_000_000_000, height: 10, events: Vec::new() };
    let request = state.open[0].clone();
    state.answer(&mut tx, &request).unwrap();
    let lottery = state.lottery.as_ref().unwrap();
    assert_eq!((lottery.pending, lottery.responses, lottery.jackpot, lottery.tickets.len()), (None, 5, 0, 0));
    assert_eq!(tx.events[0].1["prize"], json!("50000000"));
    // The grant pays before the deposit does.
    assert_eq!(
        (state.deposit.clients[0].grant, state.deposit.clients[0].balance),
        (499_000_000, 78_750_000_000)
    );
}

#[test]
fn the_fifth_ticket_schedules_the_draw() {
    let mut state = start("healthy");
    for (sold, scheduled) in [(4, false), (5, true)] {
        call(&mut state, player(9), "buy_ticket", &[]).unwrap();
        let lottery = state.lottery.as_ref().unwrap();
        assert_eq!((lottery.tickets.len(), lottery.draw_scheduled), (sold, scheduled));
    }
    assert_eq!(code(call(&mut state, Address::small(0x77), "buy_ticket", &[])), ("main_v2".to_owned(), 13));
}

#[test]
fn configuration_refuses_what_the_contract_refuses() {
    let admin = Address::small(0xe);
    let text = |n: u64| json!(n.to_string());
    let mut state = start("healthy");
    let cases: [(&str, Vec<Value>, u64); 6] = [
        ("configure_vrf_request", vec![json!(2), text(9)], 26),
        ("configure_vrf_request", vec![json!(1), text(1)], 27),
        ("record_client_whitelist_snapshot", vec![text(1000), text(500_000), text(15_375_000_000)], 24),
        ("record_consumer_whitelist_snapshot", vec![text(1), text(1)], 25),
        ("whitelist_consumer", vec![json!("0xe")], 22),
        ("remove_consumer", vec![json!("0xe")], 37),
    ];
    for (function, args, number) in cases {
        assert_eq!(
            code(call(&mut state, admin, function, &args)),
            ("main_v2".to_owned(), number),
            "{function}"
        );
    }
    let exact = vec![text(1000), text(500_000), text(15_750_000_000)];
    assert!(call(&mut state, admin, "record_client_whitelist_snapshot", &exact).is_ok());
}
