//! `dvrf-json`: the old keys to the letter, the settings by precedence, failures by name.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::{Value, json};
use testkit::{DEPOSIT, Devnet, LOTTERY, Way, run};

const GAS: [(&str, &str); 3] =
    [("MAX_GAS_PRICE", "1000"), ("MAX_GAS_LIMIT", "500000"), ("VERIFICATION_GAS_VALUE", "25000")];

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_old_report_then_ours() {
    let devnet = Devnet::start(&["--interface", "camel"]);
    let outcome = run(devnet.tool("dvrf-json", Way::Rpc).arg("--live").envs(GAS));
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome}");
    let report = outcome.json();
    assert_eq!(
        keys(&report),
        [
            "timestamp",
            "profile",
            "lottery_addr",
            "deposit_addr",
            "client_addr",
            "calculation",
            "lottery",
            "deposit",
            "schema",
            "target",
            "state",
            "views"
        ]
    );
    assert_eq!(keys(&report["lottery"]), ["status", "vrf_request_config", "whitelist_status"]);
    assert_eq!(report["lottery_addr"], LOTTERY);
    assert_eq!(report["deposit_addr"], DEPOSIT);
    assert_eq!(report["profile"], "devnet");
    assert_eq!(report["calculation"]["min_balance"], "15750000000");
    let deposit = &report["deposit"];
    assert_eq!(
        keys(deposit),
        [
            "balance",
            "min_balance",
            "min_balance_reached",
            "contract_details",
            "subscription_info",
            "whitelisted_contracts",
            "max_gas_price",
            "max_gas_limit"
        ]
    );
    assert_eq!(
        (&deposit["balance"], &deposit["min_balance_reached"]),
        (&json!("78750000000"), &json!(false))
    );
    assert_eq!(deposit["contract_details"], json!(["100", "150000"]));
    assert_eq!((&deposit["max_gas_price"], &deposit["max_gas_limit"]), (&json!("1000"), &json!("500000")));
    assert_eq!(report["lottery"]["status"][0]["ticket_count"], "3");
    assert_eq!(report["views"]["balance"]["function"], format!("{DEPOSIT}::deposit::checkClientFund"));
    let moment = report["timestamp"].as_str().unwrap();
    assert!(moment.ends_with("+00:00") && moment.len() >= 25, "{moment}");
}

#[test]
fn low_is_said_by_code_and_on_stderr() {
    for (scenario, code) in
        [("healthy", 0), ("low", 0), ("at-minimum", 1), ("below-minimum", 1), ("not-whitelisted", 1)]
    {
        let devnet = Devnet::start(&["--scenario", scenario]);
        let outcome = run(devnet.tool("dvrf-json", Way::Rpc).args(["--live", "--fail-on-low"]));
        assert_eq!(outcome.code, code, "{scenario}: {outcome}");
        assert_eq!(outcome.err.contains("the deposit is low"), code == 1, "{scenario}: {outcome}");
        let relaxed = run(devnet.tool("dvrf-json", Way::Rpc).arg("--live"));
        assert_eq!(relaxed.code, 0, "{scenario}: {relaxed}");
    }
}

#[test]
fn an_unreachable_chain_is_two_and_a_record() {
    let mut outcomes = Vec::new();
    for (name, value) in [("SUPRA_RPC_URL", "http://127.0.0.1:9"), ("SUPRA_CLI_BIN", "/nonexistent/supra")] {
        let mut tool = testkit::tool("dvrf-json");
        tool.env("LOTTERY_ADDR", LOTTERY).env("DEPOSIT_ADDR", DEPOSIT).env(name, value);
        tool.args(["--live", "--fail-on-low", "--retries", "0"]);
        outcomes.push((run(&mut tool), if name == "SUPRA_RPC_URL" { "unreachable" } else { "config" }));
    }
    for (outcome, kind) in outcomes {
        assert_eq!(outcome.code, 2, "{outcome}");
        let report = outcome.json();
        assert_eq!((&report["error"]["kind"], &report["error"]["view"]), (&json!(kind), &json!("balance")));
        assert_eq!(report["deposit"]["balance"], Value::Null);
        assert_eq!(report["state"]["deposit"]["balance"], Value::Null);
        assert!(outcome.err.starts_with("[error] dvrf-json: the balance could not be read"), "{outcome}");
    }
}

#[test]
fn flags_win_and_mistakes_are_named() {
    let devnet = Devnet::start(&[]);
    let bad = run(devnet.tool("dvrf-json", Way::Rpc).arg("--live").env("MAX_GAS_PRICE", "1e3"));
    assert_eq!(bad.code, 2);
    assert!(bad.err.contains("MAX_GAS_PRICE is \"1e3\": a whole number of ASCII digits is needed"), "{bad}");
    assert_eq!(bad.json()["error"]["kind"], "config");
    let flag = run(devnet
        .tool("dvrf-json", Way::Rpc)
        .args(["--live", "--max-gas-price=2_000", "--max-gas-limit", "5", "--verification-gas", "5"])
        .env("MAX_GAS_PRICE", "bad")
        .env("MONITOR_MARGIN", "")
        .env("REQUEST_WINDOW", "10"));
    assert_eq!(flag.code, 0, "{flag}");
    let calculation = &flag.json()["calculation"];
    assert_eq!((&calculation["min_balance"], &calculation["request_window"]), (&json!("200000"), &json!(10)));
    let old = run(devnet
        .tool("dvrf-json", Way::Rpc)
        .args(["--live", "--lottery-a", "0x5"])
        .env("CLIENT_ADDR", LOTTERY));
    assert_eq!(old.json()["lottery_addr"], "0x5", "unambiguous prefixes were always accepted: {old}");
}

#[test]
fn targets_become_reports_and_reports_pass() {
    let devnet = Devnet::start(&["--clients", "2"]);
    let (first, first_balance) = devnet.client(1);
    let lines = format!(
        "{{\"name\":\"a\",\"client_addr\":\"{first}\"}}\n{{\"client_addr\":\"nonsense\"}}\nnoise\n{{\"x\":1}}\n{{\"state\":{{}},\"y\":1e400}}\n"
    );
    let outcome = run(devnet.tool("dvrf-json", Way::Rpc).write_stdin(lines));
    assert_eq!(outcome.code, 2, "{outcome}");
    let records: Vec<Value> = outcome.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 5, "{outcome}");
    assert_eq!((&records[0]["name"], &records[0]["deposit"]["balance"]), (&json!("a"), &first_balance));
    let kinds: Vec<&Value> = records[1..4].iter().map(|record| &record["error"]["kind"]).collect();
    assert_eq!(kinds, [&json!("config"), &json!("input"), &json!("input")]);
    assert!(outcome.out.ends_with("{\"state\":{},\"y\":1e400}\n"), "{outcome}");
}

#[test]
fn a_recording_replays_as_the_chain_answered() {
    let devnet = Devnet::start(&["--scenario", "stuck"]);
    let folder = tempfile::tempdir().unwrap();
    let recorded = run(devnet.tool("dvrf-json", Way::Rpc).arg("--live").arg("--record").arg(folder.path()));
    assert_eq!(recorded.code, 0, "{recorded}");
    drop(devnet);
    let mut tool = testkit::tool("dvrf-json");
    tool.env("LOTTERY_ADDR", LOTTERY)
        .env("DEPOSIT_ADDR", DEPOSIT)
        .arg("--live")
        .arg("--replay")
        .arg(folder.path());
    let replayed = run(&mut tool);
    assert_eq!(replayed.code, 0, "{replayed}");
    assert_eq!(replayed.json()["state"], recorded.json()["state"]);
    assert_eq!(replayed.json()["state"]["lottery"]["pending_nonce"], json!(["5"]));
}

#[test]
fn no_key_is_ever_shown() {
    let mut tool = testkit::tool("dvrf-json");
    tool.env("LOTTERY_ADDR", LOTTERY)
        .env("DEPOSIT_ADDR", DEPOSIT)
        .env("SUPRA_RPC_URL", "http://user:canary@127.0.0.1:9/canary?key=canary")
        .env("DVRF_RPC_HEADERS", "X-Key: canary")
        .env("NODE_API_KEY", "canary")
        .args(["--live", "--retries", "0"]);
    let outcome = run(&mut tool);
    assert_eq!(outcome.code, 2);
    assert!(!outcome.out.contains("canary") && !outcome.err.contains("canary"), "{outcome}");
}

#[test]
fn one_run_asks_no_more_than_it_must() {
    let devnet = Devnet::start(&[]);
    run(devnet.tool("dvrf-json", Way::Rpc).arg("--live"));
    devnet.forget();
    run(devnet.tool("dvrf-json", Way::Rpc).arg("--live"));
    let counts = devnet.requests();
    let by = counts["counts"].as_object().unwrap();
    assert!(by.values().all(|count| *count == json!(1)), "{counts}");
    assert_eq!(counts["total"], 15, "{counts}");
}
