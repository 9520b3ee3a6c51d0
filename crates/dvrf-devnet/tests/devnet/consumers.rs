//! The further consumers over HTTP: what a reader of their layouts asks a node.

use crate::{BIN, DVRF, Devnet, LOTTERY};
use serde_json::{Value, json};
use std::process::Command;

const CORE: &str = "0xbc959517601034979f21fa2f2f41862219ea38554be27c2fdb4fd9a392caafe0";
const DICE: &str = "0xd1ce4f8a26b7903ec51d68f27a0b94e3c6d85f1027ae3b964c80d5f71e29a3b6";
const WHEEL: &str = "0x7ee1b1a6c0f3d24e95a8074c13d6f2b05e89a7c4d1f3602b8e5c97a04d2f6b13";

fn all(options: &[&str]) -> Devnet {
    Devnet::start(&[&["--consumer", "core", "--consumer", "wheel", "--consumer", "dice"], options].concat())
}

impl Devnet {
    /// The answer of a view of a further consumer.
    fn read(&self, function: &str, arguments: &Value) -> Value {
        let answer = self.view(function, arguments);
        assert_eq!(answer.status, 200, "{function}: {}", answer.body);
        answer.json()["result"].clone()
    }

    fn core(&self, function: &str, arguments: &Value) -> Value {
        self.read(&format!("{CORE}::{function}"), arguments)[0].clone()
    }

    fn wheel(&self, function: &str, nonce: &str) -> Value {
        self.read(&format!("{WHEEL}::supra_wheel::{function}"), &json!([nonce]))[0]["vec"].clone()
    }

    /// The id of the request that a lottery waits for, and those in the hub.
    fn pending(&self) -> (Value, Value) {
        let round = self.core("core_rounds::get_round_snapshot", &json!(["1"]));
        (
            round["vec"][0]["pending_request_id"]["vec"].clone(),
            self.core("hub::list_pending_request_ids", &json!([])),
        )
    }

    fn call(&self, function: &str, arguments: &Value) -> Value {
        let body = json!({"function": function, "arguments": arguments}).to_string();
        self.ask("POST", "/devnet/run", &body).unwrap().json()
    }

    fn call_core(&self, function: &str, arguments: &Value) {
        let transaction = self.call(&format!("{CORE}::{function}"), arguments);
        assert_eq!(transaction["status"], "Success", "{function}: {transaction}");
    }

    /// Plays the first lottery up to its request.
    fn request_draw(&self) {
        self.call_core("core_rounds::schedule_draw", &json!(["1"]));
        self.call_core("core_rounds::request_randomness", &json!(["1", "0xaa"]));
    }

    /// Every event of a type with its height.
    fn events(&self, kind: &str) -> Vec<(u64, Value)> {
        let answer = self.get(&format!("/rpc/v3/events/{kind}?start_height=0&limit=100")).json();
        let row = |row: &Value| (row["block_height"].as_u64().unwrap(), row["event"]["data"].clone());
        answer["data"].as_array().unwrap().iter().map(row).collect()
    }

    fn refusal(&self, order: &Value) -> String {
        let answer = self.ask("POST", "/devnet/control", &order.to_string()).unwrap();
        assert_eq!(answer.status, 400, "{order}");
        answer.json()["message"].as_str().unwrap().to_owned()
    }
}

#[test]
fn consumers_are_hosted_only_when_asked_for() {
    let lottery = Devnet::start(&[]);
    let view = lottery.view(&format!("{CORE}::hub::lottery_count"), &json!([]));
    assert!(view.status == 400 && view.body.contains("can't be found"), "{}", view.body);
    assert_eq!(lottery.get(&format!("/rpc/v3/accounts/{CORE}/modules")).json(), json!([]));
    assert_eq!(lottery.refusal(&json!({"core": {"history_queue": 1}})), "no --consumer core");
    let devnet = all(&[]);
    assert_eq!(devnet.printed, [format!("core {CORE}"), format!("wheel {WHEEL}"), format!("dice {DICE}")]);
    let names = |address: &str| {
        let modules = devnet.get(&format!("/rpc/v3/accounts/{address}/modules")).json();
        let name = |module: &Value| module["abi"]["name"].as_str().unwrap().to_owned();
        modules.as_array().unwrap().iter().map(name).collect::<Vec<_>>()
    };
    let core = ["hub", "core_rounds", "core_instances", "core_treasury_multi", "rewards_jackpot"];
    assert_eq!(names(CORE), core);
    assert_eq!((names(WHEEL), names(DICE)), (vec!["supra_wheel".to_owned()], vec!["dice_roll".to_owned()]));
    assert_eq!(names(LOTTERY), ["main_v2", "treasury_v1"]);
}

#[test]
fn every_listed_view_answers_and_others_are_missing() {
    let devnet = all(&[]);
    for address in [CORE, WHEEL] {
        for module in devnet.get(&format!("/rpc/v3/accounts/{address}/modules")).json().as_array().unwrap() {
            let home = format!("{address}::{}", module["abi"]["name"].as_str().unwrap());
            for function in module["abi"]["exposed_functions"].as_array().unwrap() {
                let arguments = function["params"].as_array().unwrap().iter();
                let arguments = arguments.map(|kind| if kind == "address" { "0xb001" } else { "1" });
                let name = format!("{home}::{}", function["name"].as_str().unwrap());
                let answer = devnet.view(&name, &arguments.collect());
                let results = answer.json()["result"].as_array().map_or(0, Vec::len);
                let expected = function["return"].as_array().unwrap().len();
                assert_eq!(results, expected, "{name}: {}", answer.body);
                assert_eq!(answer.status == 200, function["is_view"] == true, "{name}: {}", answer.body);
            }
            let missing = devnet.view(&format!("{home}::nope"), &json!([]));
            assert!(missing.body.contains("could not find entry function by"), "{}", missing.body);
        }
    }
}

#[test]
fn scenarios_decide_what_a_lottery_waits_for() {
    let devnet = all(&[]);
    let age =
        |event: &str| devnet.events(&format!("{CORE}::{event}")).last().map(|(height, _)| 100_000 - height);
    let sender = || devnet.core("hub::callback_sender", &json!([]))["vec"].clone();
    let scheduled =
        || devnet.core("core_rounds::get_round_snapshot", &json!(["1"]))["vec"][0]["draw_scheduled"].clone();
    for (scenario, pending, blocks, set, due) in [
        ("healthy", json!([]), None, json!(["0xa6"]), false),
        ("ready", json!([]), None, json!(["0xa6"]), true),
        ("pending", json!(["5"]), Some(10), json!(["0xa6"]), true),
        ("stuck", json!(["5"]), Some(21_600), json!(["0xa6"]), true),
        ("no-aggregator", json!(["5"]), Some(120), json!([]), true),
    ] {
        devnet.control(&json!({"scenario": scenario}));
        assert_eq!(devnet.pending(), (pending.clone(), pending), "{scenario}");
        assert_eq!((sender(), scheduled()), (set, json!(due)), "{scenario}");
        if blocks.is_some() {
            assert_eq!(age("core_rounds::DrawRequestIssuedEvent"), blocks, "{scenario}");
        }
        let queues = ["history_queue_length", "purchase_queue_length"];
        let queues = queues.map(|name| devnet.core(&format!("core_rounds::{name}"), &json!([])));
        assert_eq!(queues, [json!("0"), json!("0")], "{scenario}");
    }
    devnet.control(&json!({"scenario": "empty"}));
    let state = devnet.get(&format!("/rpc/v3/accounts/{CORE}/resources/{CORE}::hub::HubState"));
    assert_eq!(state.status, 404);
    let refused = devnet.view(&format!("{CORE}::hub::list_lottery_ids"), &json!([]));
    assert!(refused.body.contains("sub status 8 at location Module"), "{}", refused.body);
    let missing = devnet.view(&format!("{CORE}::core_treasury_multi::get_pool"), &json!(["1"]));
    assert!(missing.status == 400 && missing.body.contains("MISSING_DATA at location"), "{}", missing.body);
}

#[test]
fn an_account_answers_a_request_of_the_hub() {
    let devnet = all(&[]);
    devnet.request_draw();
    assert_eq!(devnet.pending(), (json!(["5"]), json!(["5"])));
    devnet.control(&json!({"advance_blocks": 4}));
    assert_eq!(devnet.pending(), (json!([]), json!([])));
    let answered = devnet.events(&format!("{CORE}::core_rounds::DrawFulfilledEvent"));
    let (height, data) = answered.last().unwrap();
    assert_eq!((*height, &data["request_id"], &data["payload"]), (100_004, &json!("5"), &json!("0xaa")));
    assert_eq!(data["prize_amount"], "21000000");
    // Nothing of it is dVRF's.
    let package = devnet.events(&format!("{DVRF}::supra_vrf::RequestEvent"));
    assert!(package.iter().all(|(height, data)| *height < 100_000 && data["callback_address"] != CORE));
    assert_eq!(devnet.core("core_rounds::history_queue_length", &json!([])), "1");
}

#[test]
fn a_withdrawn_request_stays_in_the_hub() {
    let devnet = all(&[]);
    devnet.request_draw();
    devnet.call_core("core_rounds::reset_round", &json!(["1"]));
    assert_eq!(devnet.pending(), (json!([]), json!(["5"])));
    let withdrawn = devnet.events(&format!("{CORE}::core_rounds::RoundResetEvent"));
    assert_eq!(withdrawn, [(100_000, json!({"lottery_id": "1", "tickets_cleared": "3"}))]);
    devnet.control(&json!({"advance_blocks": 10}));
    assert_eq!(devnet.pending(), (json!([]), json!(["5"])));
    // The account's answer has failed.
    let sent = devnet.get("/rpc/v3/accounts/0xa6/transactions?count=1").json()[0].clone();
    assert_eq!(sent["payload"]["Move"]["arguments"][0], "5");
    assert_eq!(
        sent["output"]["Move"]["vm_status"],
        format!("Move abort in {CORE}::core_rounds: E_NO_PENDING_REQUEST(0x9): ")
    );
}

#[test]
fn orders_break_what_entry_functions_cannot() {
    let devnet = all(&["--scenario", "stuck"]);
    devnet.control(&json!({"core": {"swallow": "5"}}));
    assert_eq!(devnet.pending(), (json!(["5"]), json!([])));
    assert_eq!(devnet.refusal(&json!({"core": {"swallow": "5"}})), "the hub has no request 5");
    let order = json!({"id": "2", "hub_active": false, "pool": "", "draw_scheduled": true, "tickets": 2});
    devnet.control(&json!({"core": {"callback_sender": "", "history_queue": 51, "lottery": order}}));
    let ids = json!(["2"]);
    assert_eq!(devnet.core("hub::is_lottery_active", &ids), false);
    assert_eq!(devnet.core("core_instances::is_instance_active", &ids), true);
    assert_eq!(devnet.core("core_treasury_multi::get_pool", &ids), json!({"vec": []}));
    let round = devnet.core("core_rounds::get_round_snapshot", &ids)["vec"][0].clone();
    assert_eq!((&round["ticket_count"], &round["draw_scheduled"]), (&json!("2"), &json!(true)));
    assert_eq!(devnet.core("hub::callback_sender", &json!([])), json!({"vec": []}));
    assert_eq!(devnet.core("core_rounds::history_queue_length", &json!([])), "51");
    for (order, text) in [
        (json!({"core": {"lottery": {"id": "9"}}}), "there is no lottery 9"),
        (json!({"core": {"callback_sender": "zz"}}), "`zz` is not an address of 1 to 64 hex digits"),
        (json!({"wheel": {"forget": "77"}}), "the wheel has no spin 77"),
        (json!({"client": "zz"}), "`zz` is not an address of 1 to 64 hex digits"),
    ] {
        assert_eq!(devnet.refusal(&order), text);
    }
}

#[test]
fn a_spin_shows_in_the_wheels_events_and_in_those_of_dvrf() {
    let devnet = all(&["--history-events", "0"]);
    let spin = || devnet.call(&format!("{WHEEL}::supra_wheel::spin"), &json!([]))["status"].clone();
    for (nonce, outcome, event) in
        [("1", "win", Some("WinEvent")), ("2", "refund", Some("RefundEvent")), ("3", "payment-error", None)]
    {
        devnet.control(&json!({"wheel": {"outcome": outcome}}));
        assert_eq!(spin(), "Success");
        assert_eq!(devnet.wheel("get_pending_spin_info", nonce)[0]["fee_paid"], "10000000");
        devnet.control(&json!({"advance_blocks": 4}));
        assert_eq!(devnet.wheel("get_pending_spin_info", nonce), json!([]));
        assert_eq!(devnet.wheel("get_spin_result", nonce)[0]["is_win"], outcome == "win");
        for name in ["WinEvent", "RefundEvent"] {
            let events = devnet.events(&format!("{WHEEL}::supra_wheel::{name}"));
            let shown = events.iter().any(|(_, data)| data["nonce"] == nonce);
            assert_eq!(shown, event == Some(name), "{outcome}: {name}");
        }
    }
    assert_eq!(
        devnet.events(&format!("{WHEEL}::supra_wheel::RefundEvent"))[0].1["reason"],
        "Prize pool too small"
    );
    for (name, expected) in [
        ("supra_vrf::RequestEvent", 3),
        ("supra_vrf::VerifyCallbackEvent", 3),
        ("deposit::SupraCollected", 3),
    ] {
        assert_eq!(devnet.events(&format!("{DVRF}::{name}")).len(), expected, "{name}");
    }
    // Nobody can tell what has become of a spin whose result was deleted.
    devnet.control(&json!({"wheel": {"forget": "3"}}));
    assert_eq!(devnet.wheel("get_spin_result", "3"), json!([]));
    devnet.control(&json!({"wheel": {"paused": true}}));
    let config = devnet.read(&format!("{WHEEL}::supra_wheel::get_game_config"), &json!([]));
    assert_eq!(config, json!(["10000000", true, WHEEL, WHEEL]));
    assert_eq!(spin(), "Fail");
}

#[test]
fn a_callback_that_aborts_leaves_the_spin_pending() {
    let devnet = all(&["--scenario", "callback-aborts", "--history-events", "0"]);
    devnet.call(&format!("{WHEEL}::supra_wheel::spin"), &json!([]));
    devnet.control(&json!({"advance_blocks": 4}));
    assert_eq!(devnet.wheel("get_pending_spin_info", "1").as_array().unwrap().len(), 1);
    assert_eq!(devnet.events(&format!("{DVRF}::supra_vrf::VerifyCallbackEvent")), []);
    let sent = devnet.get("/rpc/v3/accounts/0xf2/transactions?count=1").json()[0].clone();
    assert_eq!(sent["payload"]["Move"]["function"], format!("{WHEEL}::supra_wheel::fulfill_randomness"));
    assert_eq!(sent["payload"]["Move"]["arguments"][0], "1");
    assert_eq!(sent["output"]["Move"]["vm_status"], format!("Move abort in {WHEEL}::supra_wheel: 0xa"));
}

#[test]
fn an_aborted_callback_may_be_charged() {
    let devnet = all(&["--scenario", "callback-aborts", "--history-events", "0"]);
    devnet.control(&json!({"charges_aborted": true}));
    for function in [format!("{WHEEL}::supra_wheel::spin"), format!("{LOTTERY}::main_v2::manual_draw")] {
        assert_eq!(devnet.call(&function, &json!([]))["status"], "Success", "{function}");
    }
    devnet.request_draw();
    devnet.control(&json!({"advance_blocks": 4}));
    let package = |name: &str| devnet.events(&format!("{DVRF}::{name}")).into_iter().map(|(_, data)| data);
    assert_eq!(package("supra_vrf::VerifyCallbackEvent").count(), 0);
    let collected =
        |client: &str, nonce: &str| json!({"client_address": client, "amount": "1000000", "nonce": nonce});
    assert_eq!(
        package("deposit::SupraCollected").collect::<Vec<_>>(),
        [collected(WHEEL, "1"), collected(LOTTERY, "2")]
    );
    assert_eq!(devnet.wheel("get_pending_spin_info", "1").as_array().unwrap().len(), 1);
    // The hub has no fee, and its answer does not abort.
    assert_eq!(devnet.pending(), (json!([]), json!([])));
}

#[test]
fn events_are_in_order_although_a_held_transaction_is_executed_first() {
    let devnet = all(&["--history-events", "0"]);
    let spin = format!("{WHEEL}::supra_wheel::spin");
    devnet.call(&spin, &json!([]));
    devnet.control(&json!({"fault": "hold_blocks=8"}));
    assert_eq!(devnet.call(&spin, &json!([]))["status"], "Pending");
    devnet.control(&json!({"advance_blocks": 10}));
    let heights: Vec<u64> = devnet
        .get("/devnet/events")
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["height"].as_u64().unwrap())
        .collect();
    assert!(heights.is_sorted(), "{heights:?}");
    let range =
        format!("/rpc/v3/events/{WHEEL}::supra_wheel::WinEvent?start_height=100000&end_height=100008");
    assert_eq!(devnet.get(&range).json()["data"][0]["block_height"], 100_004);
}

#[test]
fn each_consumer_has_a_deposit_of_its_own() {
    let devnet = all(&["--scenario", "low"]);
    let fund = |client: &str| {
        devnet.read(&format!("{DVRF}::deposit::check_client_fund"), &json!([client]))[0].clone()
    };
    assert_eq!(
        [LOTTERY, CORE, WHEEL].map(fund),
        [json!("23625000000"), json!("23625000000"), json!("23625000000")]
    );
    devnet.control(&json!({"client": WHEEL, "balance": "7", "module": {"enabled": false}}));
    assert_eq!([LOTTERY, CORE, WHEEL].map(fund), [json!("23625000000"), json!("23625000000"), json!("7")]);
    let modules = devnet.read(&format!("{DVRF}::deposit::get_client_modules_info"), &json!([WHEEL]));
    assert_eq!(modules[0][0]["module_type_info"], format!("{WHEEL}::supra_wheel::WheelClient"));
    assert_eq!(modules[0][0]["enabled"], false);
}

#[test]
fn the_emulated_cli_reads_consumers_and_their_players_sign() {
    let devnet = all(&[]);
    let view = ["move", "tool", "view", "--function-id", &format!("{CORE}::hub::list_lottery_ids")];
    let output = devnet.supra("v9", &view);
    let ids: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(ids, json!({"result": [["1", "2", "3"]]}));
    let function = format!("{WHEEL}::supra_wheel::spin");
    let run = ["move", "tool", "run", "--function-id", &function, "--profile", "player4"];
    let spun: Value = serde_json::from_slice(&devnet.supra("v9", &run).stdout).unwrap();
    assert_eq!(spun["output"]["Move"]["events"][1]["data"]["player"], "0xb004");
}

#[test]
fn exec_and_env_name_the_addresses() {
    let script = "echo \"$LOTTERY_ADDR $WHEEL_ADDR ${CORE_ADDR-unset}\"";
    let output = Command::new(BIN)
        .args(["exec", "--consumer", "wheel", "--wheel-addr", "0x77", "--", "sh", "-c", script])
        .env_remove("CORE_ADDR")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{LOTTERY} 0x77 unset\n"));
    let output = Command::new(BIN)
        .args(["env", "--url", "http://127.0.0.1:1", "--consumer", "core"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("export CORE_ADDR='{CORE}'\n")) && !text.contains("WHEEL_ADDR"), "{text}");
}

#[test]
fn a_roll_is_pending_until_dvrf_resolves_it() {
    let devnet = all(&["--history-events", "0", "--scenario", "pending"]);
    let result = |id: &str| devnet.view(&format!("{DICE}::dice_roll::get_dice_result"), &json!([id]));
    let rolls = devnet.events(&format!("{DICE}::dice_roll::DiceRollEvent"));
    // The lottery and the wheel have asked before.
    assert_eq!(rolls, [(99_990, json!({"user_address": "0xb001", "request_id": "3", "dice_range": "6"}))]);
    assert_eq!(result("3").json()["result"], json!([false, "0"]));
    let unknown = result("4");
    assert!(unknown.body.contains("sub status 25863 at location Module 0x1::table"), "{}", unknown.body);
    let roll = || devnet.call(&format!("{DICE}::dice_roll::roll_dice"), &json!(["20"]));
    let rolled = roll();
    assert_eq!(rolled["output"]["Move"]["events"][0]["data"]["nonce"], "4");
    devnet.control(&json!({"advance_blocks": 4}));
    assert_eq!(result("4").json()["result"][0], true);
    assert_eq!(devnet.events(&format!("{DICE}::dice_roll::DiceResultEvent"))[0].1["request_id"], "4");
    assert_eq!(result("3").json()["result"][0], false);
    // Who rolls is the client.
    devnet.control(&json!({"client": "0xb001", "balance": "15750000000"}));
    let refused = roll()["output"]["Move"]["vm_status"].clone();
    assert_eq!(
        refused,
        format!("Move abort in {DVRF}::supra_vrf: EMIN_BALANCE_REACHED(0x20005): Minimum balance reached")
    );
}

#[test]
fn the_core_layout_exists_with_its_old_names_and_beside_the_single_lottery() {
    let devnet = Devnet::start(&[
        "--consumer",
        "core",
        "--core-old-names",
        "--lottery-module",
        "core_main_v2",
        "--lottery-addr",
        CORE,
        "--scenario",
        "pending",
        "--answer-ms",
        "1000",
    ]);
    let modules = devnet.get(&format!("/rpc/v3/accounts/{CORE}/modules")).json();
    let names: Vec<&str> =
        modules.as_array().unwrap().iter().map(|module| module["abi"]["name"].as_str().unwrap()).collect();
    let single = ["core_main_v2", "treasury_v1"];
    assert_eq!(names, [&single[..], &["hub", "rounds", "instances", "treasury_multi", "jackpot"]].concat());
    let resources = devnet.get(&format!("/rpc/v3/accounts/{CORE}/resources")).json();
    let kinds: Vec<&str> =
        resources.as_array().unwrap().iter().map(|row| row["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[1], format!("{CORE}::core_main_v2::LotteryData"));
    assert_eq!(kinds[3], format!("{CORE}::rounds::RoundCollection"));
    // The request of the scenario is answered under these names.
    assert_eq!(devnet.core("rounds::pending_request_id", &json!(["1"])), json!({"vec": ["5"]}));
    devnet.control(&json!({"advance_blocks": 2}));
    assert_eq!(devnet.core("rounds::pending_request_id", &json!(["1"])), json!({"vec": []}));
    assert_eq!(devnet.events(&format!("{CORE}::rounds::DrawFulfilledEvent")).len(), 5);
    // One subscription pays for both.
    assert_eq!(devnet.get("/devnet/state").json()["clients"].as_array().unwrap().len(), 1);
}
