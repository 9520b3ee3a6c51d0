//! Answers as nodes, CLIs and old tests give them, and the state they become.

use super::*;
use serde_json::json;

fn read(wanted: Wanted, answer: &Value) -> (State, Option<String>) {
    let mut state = State::default();
    let error = view(wanted, answer, &mut state).err().map(|error| error.to_string());
    (state, error)
}

#[test]
fn amounts() {
    for answer in
        [json!(["600"]), json!("600"), json!([600]), json!([{"u64": "600"}]), json!([{"available": "600"}])]
    {
        assert_eq!(read(Wanted::Balance, &answer).0.deposit.balance, Some(Quants(600)), "{answer}");
    }
    for answer in
        [json!(null), json!([]), json!([null]), json!([true]), json!(["x"]), json!([{"other": "1"}])]
    {
        let (state, error) = read(Wanted::Balance, &answer);
        assert_eq!(state.deposit.balance, None, "{answer}");
        assert!(error.is_some());
    }
    let most = json!([u128::MAX.to_string()]);
    assert_eq!(read(Wanted::MinBalance, &most).0.deposit.min_balance, Some(Quants(u128::MAX)));
}

#[test]
fn lottery_status_real_old_and_partial() {
    let real = json!([{"ticket_count":"3","draw_scheduled":false,"pending_request":false,"jackpot_amount":"30000000",
        "rng_request_count":"2","rng_response_count":"1"}]);
    let (state, error) = read(Wanted::LotteryStatus, &real);
    assert_eq!(error, None);
    assert_eq!(state.lottery.ticket_count, Some(Count(3)));
    assert_eq!((state.lottery.draw_scheduled, state.lottery.pending_request), (Some(false), Some(false)));

    let old = json!({"tickets": 7, "draw_scheduled": "true", "pending_request": {"vec": ["4"]}});
    let (state, error) = read(Wanted::LotteryStatus, &old);
    assert_eq!(state.lottery.ticket_count, Some(Count(7)));
    assert_eq!((state.lottery.draw_scheduled, state.lottery.pending_request), (Some(true), Some(true)));
    assert_eq!(state.lottery.rng_request_count, None);
    assert!(error.unwrap().contains("rng_request_count"));

    let without_jackpot = json!([{"ticket_count":"3","draw_scheduled":false,"pending_request":false,
        "rng_request_count":"2","rng_response_count":"1"}]);
    let (state, error) = read(Wanted::LotteryStatus, &without_jackpot);
    assert_eq!(
        (error, state.lottery.jackpot_amount, state.lottery.ticket_count),
        (None, None, Some(Count(3)))
    );

    let empty = json!([{"ticket_count": 0, "draw_scheduled": 2, "pending_request": {"vec": []}}]);
    let (state, _) = read(Wanted::LotteryStatus, &empty);
    assert_eq!(state.lottery.ticket_count, Some(Count(0)));
    assert_eq!((state.lottery.draw_scheduled, state.lottery.pending_request), (None, Some(false)));
}

#[test]
fn whitelists() {
    for (answer, aggregator, consumers) in [
        (json!([{"aggregator":{"vec":["0x7"]},"consumers":["0x1"]}]), Some("0x7"), Some(1)),
        (json!([{"aggregator":{"vec":[]},"consumers":[]}]), Some(""), Some(0)),
        (json!({"aggregators":["0x7"],"consumers":["0x1","0x2"]}), Some("0x7"), Some(2)),
        (json!({"aggregators":["0x7","0x8"],"consumers":[]}), Some("0x7 0x8"), Some(0)),
        (json!({"aggregators":[],"consumers":[]}), Some(""), Some(0)),
        (json!([{"aggregators":"0x7","consumers":["0x1"]}]), None, Some(1)),
        (json!([{"aggregator":{"vec":["0x7"]},"consumers":"0x1"}]), Some("0x7"), None),
    ] {
        let (state, _) = read(Wanted::WhitelistStatus, &answer);
        let found = state
            .lottery
            .aggregator
            .map(|list| list.iter().map(crate::address::Address::short).collect::<Vec<_>>().join(" "));
        assert_eq!(found.as_deref(), aggregator, "{answer}");
        assert_eq!(state.lottery.consumers.map(|list| list.len()), consumers, "{answer}");
    }
}

#[test]
fn options_of_structs() {
    let (state, _) = read(Wanted::VrfRequestConfig, &json!([{"vec":[{"rng_count":1,"client_seed":"9"}]}]));
    let config = VrfRequestConfig { rng_count: 1, client_seed: Count(9) };
    assert_eq!(state.lottery.vrf_request_config, Some(Maybe(Some(config))));
    let (state, _) = read(Wanted::VrfRequestConfig, &json!([{"vec":[]}]));
    assert_eq!(state.lottery.vrf_request_config, Some(Maybe(None)));
    let (state, error) = read(Wanted::ClientSnapshot, &json!([{"vec":[{"max_gas_price":"1000"}]}]));
    assert_eq!(state.lottery.client_snapshot, None);
    assert!(error.unwrap().starts_with("[0].vec[0]: a struct with the field `max_gas_limit` is wanted"));
}

#[test]
fn modules_and_subscriptions() {
    let rows = json!([[{"module_type_info":"0xbc95::game::Marker","max_callback_txn_fee":"1000000",
        "min_balance_limit":"30000000","balance":"20000000000","enabled":true,"current_grant":"100000000"}]]);
    let (state, error) = read(Wanted::Modules, &rows);
    assert_eq!(error, None);
    assert_eq!(state.deposit.modules.unwrap()[0].max_callback_txn_fee, Quants(1_000_000));
    for answer in [json!([{"start_date":"1","end_date":"99"}]), json!(["99", true])] {
        assert_eq!(read(Wanted::SubscriptionInfo, &answer).0.deposit.subscription_ends_at_s, Some(Count(99)));
    }
    for active in [true, false] {
        let (state, error) = read(Wanted::SubscriptionInfo, &json!([{"active": active}]));
        assert_eq!((error, state.deposit.subscription_active), (None, Some(active)));
        assert_eq!(state.deposit.subscription_ends_at_s, None);
    }
    assert!(read(Wanted::SubscriptionInfo, &json!([{"start_date": "1"}])).1.is_some());
}

#[test]
fn the_resource_replaces_views() {
    let resource = json!({"pending_request":{"vec":["17"]},"max_gas_price":"1000","max_gas_limit":"500000",
        "client_whitelist_snapshot":{"vec":[{"max_gas_price":"1000","max_gas_limit":"500000","min_balance_limit":"15750000000"}]}});
    let mut state = State::default();
    for wanted in [Wanted::PendingNonce, Wanted::VrfGasConfig, Wanted::MinBalanceSnapshot] {
        lottery_data(wanted, &resource, &mut state).unwrap();
    }
    assert_eq!(state.lottery.pending_nonce, Some(Maybe(Some(Count(17)))));
    assert_eq!(state.lottery.gas.max_gas_limit, Some(GasUnits(500_000)));
    assert_eq!(state.lottery.min_balance_snapshot, Some(Maybe(Some(Quants(15_750_000_000)))));
    let error = lottery_data(Wanted::VerificationGas, &resource, &mut state).unwrap_err();
    assert!(error.to_string().contains("verification_gas_value"));
}
