//! `dvrf-json`: the old keys to the letter, the settings by precedence, failures by name.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::{contains, ends_with, starts_with};
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{DEPOSIT, Devnet, LOTTERY, Printed, Way, json_at};

const GAS: [(&str, &str); 3] =
    [("MAX_GAS_PRICE", "1000"), ("MAX_GAS_LIMIT", "500000"), ("VERIFICATION_GAS_VALUE", "25000")];

fn live(devnet: &Devnet) -> Command {
    let mut command = devnet.tool("dvrf-json", Way::Rpc);
    command.arg("--live");
    command
}

/// With the addresses of the devnet and nothing to ask.
fn addressed() -> Command {
    let mut command = testkit::tool("dvrf-json");
    command.env("LOTTERY_ADDR", LOTTERY).env("DEPOSIT_ADDR", DEPOSIT);
    command
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_old_report_then_ours() {
    let devnet = Devnet::start(&["--interface", "camel"]);
    let report = live(&devnet).envs(GAS).assert().code(0).stderr("").json();
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

#[rstest]
#[case("healthy", 0)]
#[case("low", 0)]
#[case("at-minimum", 1)]
#[case("below-minimum", 1)]
#[case("not-whitelisted", 1)]
fn low_is_said_by_code_and_on_stderr(#[case] scenario: &str, #[case] code: i32) {
    let devnet = Devnet::start(&["--scenario", scenario]);
    live(&devnet)
        .arg("--fail-on-low")
        .assert()
        .code(code)
        .stderr(contains("the deposit is low").count(usize::from(code == 1)));
    live(&devnet).assert().code(0);
}

#[rstest]
#[case::node("SUPRA_RPC_URL", "http://127.0.0.1:9", "unreachable")]
#[case::cli("SUPRA_CLI_BIN", "/nonexistent/supra", "config")]
fn an_unreachable_chain_is_two_and_a_record(#[case] name: &str, #[case] value: &str, #[case] kind: &str) {
    addressed()
        .env(name, value)
        .args(["--live", "--fail-on-low", "--retries", "0"])
        .assert()
        .code(2)
        .stdout(json_at("/error/kind", kind))
        .stdout(json_at("/error/view", "balance"))
        .stdout(json_at("/deposit/balance", Value::Null))
        .stdout(json_at("/state/deposit/balance", Value::Null))
        .stderr(starts_with("[error] dvrf-json: the balance could not be read"));
}

#[test]
fn flags_win_and_mistakes_are_named() {
    let devnet = Devnet::start(&[]);
    live(&devnet)
        .env("MAX_GAS_PRICE", "1e3")
        .assert()
        .code(2)
        .stdout(json_at("/error/kind", "config"))
        .stderr(contains("MAX_GAS_PRICE is \"1e3\": a whole number of ASCII digits is needed"));
    live(&devnet)
        .args(["--max-gas-price=2_000", "--max-gas-limit", "5", "--verification-gas", "5"])
        .envs([("MAX_GAS_PRICE", "bad"), ("MONITOR_MARGIN", ""), ("REQUEST_WINDOW", "10")])
        .assert()
        .code(0)
        .stdout(json_at("/calculation/min_balance", "200000"))
        .stdout(json_at("/calculation/request_window", 10));
    // Unambiguous prefixes were always accepted.
    live(&devnet)
        .args(["--lottery-a", "0x5"])
        .env("CLIENT_ADDR", LOTTERY)
        .assert()
        .stdout(json_at("/lottery_addr", "0x5"));
}

#[test]
fn targets_become_reports_and_reports_pass() {
    let devnet = Devnet::start(&["--clients", "2"]);
    let (first, first_balance) = devnet.client(1);
    let lines = format!(
        "{{\"name\":\"a\",\"client_addr\":\"{first}\"}}\n{{\"client_addr\":\"nonsense\"}}\nnoise\n{{\"x\":1}}\n{{\"state\":{{}},\"y\":1e400}}\n"
    );
    let outcome = devnet.tool("dvrf-json", Way::Rpc).write_stdin(lines).assert().code(2);
    let records = outcome.stdout(ends_with("{\"state\":{},\"y\":1e400}\n")).records();
    assert_eq!(records.len(), 5);
    assert_eq!((&records[0]["name"], &records[0]["deposit"]["balance"]), (&json!("a"), &first_balance));
    let kinds: Vec<&Value> = records[1..4].iter().map(|record| &record["error"]["kind"]).collect();
    assert_eq!(kinds, [&json!("config"), &json!("input"), &json!("input")]);
}

#[test]
fn a_recording_replays_as_the_chain_answered() {
    let devnet = Devnet::start(&["--scenario", "stuck"]);
    let folder = tempfile::tempdir().unwrap();
    let recorded = live(&devnet).arg("--record").arg(folder.path()).assert().code(0).json();
    drop(devnet);
    addressed()
        .args(["--live", "--replay"])
        .arg(folder.path())
        .assert()
        .code(0)
        .stdout(json_at("/state", recorded["state"].clone()))
        .stdout(json_at("/state/lottery/pending_nonce", vec!["5"]));
}

#[test]
fn no_key_is_ever_shown() {
    addressed()
        .env("SUPRA_RPC_URL", "http://user:canary@127.0.0.1:9/canary?key=canary")
        .env("DVRF_RPC_HEADERS", "X-Key: canary")
        .env("NODE_API_KEY", "canary")
        .args(["--live", "--retries", "0"])
        .assert()
        .code(2)
        .stdout(contains("canary").not())
        .stderr(contains("canary").not());
}

/// The profile of the lottery's owner.
const OWNER: &str = "devnet";

/// Calls of a report: of the first run of a day, which looks at the modules and finds out what the chain has, and of later
/// ones. A call by the CLI is a process of its own; before v11 the CLI lists the resources of its profile's account alone.
#[rstest]
#[case::rpc(Way::Rpc, "v3", OWNER, 10, 8)]
#[case::rpc_old_chain(Way::Rpc, "camel", OWNER, 18, 18)]
#[case::cli_v11(Way::Cli("v11"), "v3", OWNER, 10, 8)]
#[case::cli_v9(Way::Cli("v9"), "v3", OWNER, 8, 8)]
#[case::cli_v9_of_another_account(Way::Cli("v9"), "v3", "player1", 16, 15)]
#[case::cli_v9_old_chain(Way::Cli("v9"), "camel", OWNER, 29, 18)]
fn one_run_asks_no_more_than_it_must(
    #[case] way: Way,
    #[case] interface: &str,
    #[case] profile: &str,
    #[case] cold: u64,
    #[case] warm: u64,
) {
    let devnet = Devnet::start(&["--interface", interface]);
    for calls in [cold, warm] {
        devnet.forget();
        devnet.tool("dvrf-json", way).arg("--live").env("PROFILE", profile).assert().code(0);
        let counts = devnet.requests();
        let by = counts["counts"].as_object().unwrap();
        // The latest block frames the values.
        let is_once = |(path, count): (&String, &Value)| {
            *count == json!(if path == "GET /rpc/v3/block" { 2 } else { 1 })
        };
        assert!(by.iter().all(is_once), "{counts}");
        assert_eq!(counts["total"], calls, "{counts:#}");
    }
}
