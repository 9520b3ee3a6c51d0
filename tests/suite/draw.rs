//! `dvrf-draw`: every assert of the contract before and after, the old outputs, and a whole round.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod draw_chaos;
mod draw_guard;
mod draw_layout;
mod draw_nodes;
mod draw_words;

use assert_cmd::Command;
use serde_json::{Value, json};
use testkit::{Devnet, Outcome, Way, run, tool};

/// A chain whose lottery is ready for a draw.
fn ready_chain() -> Devnet {
    Devnet::start(&["--scenario", "ready"])
}

/// A tool that reads by one way and always signs with the CLI.
pub(crate) fn draw(devnet: &Devnet, way: Way, words: &[&str]) -> Command {
    let mut command = devnet.tool("dvrf-draw", way);
    command.env("SUPRA_CLI_BIN", &devnet.cli).env("DVRF_DEVNET_URL", &devnet.url);
    command.env("XDG_STATE_HOME", devnet.cli.parent().unwrap().join("state"));
    command.args(words);
    command
}

/// The same lottery by a layout file, which the operator names.
pub(crate) fn draw_by_layout(devnet: &Devnet, way: Way, words: &[&str]) -> Command {
    let mut command = draw(devnet, way, words);
    command.env("DVRF_LAYOUT", testkit::root().join("tests/fixtures/layouts/lottery.toml"));
    command
}

/// Another chain: what was drawn on the old one says nothing about it.
fn anew(devnet: &Devnet, scenario: &str) {
    drop(std::fs::remove_dir_all(devnet.cli.parent().unwrap().join("state")));
    devnet.enter(scenario);
}

fn ready(devnet: &Devnet, words: &[&str]) -> Outcome {
    run(draw(devnet, Way::Rpc, &["ready", "--live"]).args(words))
}

fn codes(outcome: &Outcome) -> Vec<String> {
    let record: Value = serde_json::from_str(&outcome.out).unwrap();
    let reasons = record.pointer("/readiness/reasons").or_else(|| record.get("reasons")).unwrap();
    reasons.as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn ready_in_a_pipe_and_by_the_old_flags() {
    let devnet = ready_chain();
    let report = run(devnet.tool("dvrf-json", Way::Rpc).arg("--live")).out;
    let outcome = run(tool("dvrf-draw").arg("ready").write_stdin(report.clone()));
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome}");
    assert_eq!(outcome.json()["readiness"]["ready"], true);
    let added = outcome.out.strip_prefix(report.trim_end().strip_suffix('}').unwrap()).unwrap();
    assert!(
        added.starts_with(",\"readiness\":{\"ready\":true,\"reasons\":[],\"ticket_count\":5,"),
        "{added}"
    );
    let summary = run(tool("dvrf-draw").args(["ready", "--json-summary"]).write_stdin(report.clone())).json();
    let keys: Vec<&String> = summary.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "ready",
            "reasons",
            "ticket_count",
            "min_tickets_required",
            "draw_scheduled",
            "pending_request",
            "min_balance_reached",
            "aggregators",
            "round",
            "findings"
        ]
    );
    assert_eq!((&summary["ticket_count"], &summary["min_balance_reached"]), (&json!(5), &json!(false)));
    let whole = run(tool("dvrf-draw")
        .args(["ready", "--json-summary", "--include-report"])
        .write_stdin(report.clone()));
    assert_eq!(whole.json()["report"]["profile"], "devnet");
    let text = run(tool("dvrf-draw").args(["ready", "--format", "text"]).write_stdin(report.clone()));
    assert_eq!(
        text.out,
        "✔ devnet  testnet   ready: a draw may be requested\n  tickets   5 sold, 5 needed\n  draw      scheduled · no request waits\n  deposit   787.5 SUPRA\n  do        dvrf draw run --profile devnet\n"
    );
    let many =
        run(tool("dvrf-draw").args(["ready", "--min-tickets", "6", "--format", "text"]).write_stdin(report));
    assert_eq!(
        (many.code, many.out.as_str()),
        (
            1,
            "✖ devnet  testnet   not ready: a draw would be refused\n  why       5 tickets are sold, 6 are needed   (TOO_FEW_TICKETS)\n  tickets   5 sold, 6 needed\n  draw      scheduled · no request waits\n  deposit   787.5 SUPRA\n"
        )
    );
}

#[test]
fn what_is_not_known_is_not_ready_and_has_a_code_of_its_own() {
    let devnet = ready_chain();
    devnet.fault("5xx_rate=100");
    let outcome = ready(&devnet, &["--retries", "0"]);
    assert_eq!((outcome.code, outcome.json()["readiness"]["ready"].clone()), (2, json!(false)), "{outcome}");
    devnet.fault("5xx_rate=0,garbage,path=LotteryData,view:get_whitelist_status=missing");
    let outcome = ready(&devnet, &["--retries", "0"]);
    assert_eq!((outcome.code, codes(&outcome)), (2, vec!["VALUE_UNKNOWN".to_owned()]), "{outcome}");
    let garbage = run(tool("dvrf-draw").arg("ready").write_stdin("{\"state\":{}}"));
    assert_eq!((garbage.code, garbage.json()["readiness"]["ready"].clone()), (2, json!(false)), "{garbage}");
}

/// One row an assert of `manual_draw` (facts, the contract's order): how the chain is brought there, what `ready` says
/// beforehand, and the constant that `run` names afterwards.
fn asserts() -> Vec<(&'static str, Value, &'static [&'static str], &'static str, &'static str)> {
    let lottery = |change: Value| json!({"lottery": change});
    vec![
        ("ready", json!({}), &["--sender-account", "0x77"], "NOT_OWNER", "E_NOT_OWNER"),
        (
            "ready",
            lottery(json!({"draw_scheduled": false})),
            &[],
            "DRAW_NOT_SCHEDULED",
            "E_DRAW_NOT_SCHEDULED",
        ),
        ("ready", lottery(json!({"tickets": 0})), &[], "TOO_FEW_TICKETS", "E_NO_TICKETS_AVAILABLE"),
        (
            "pending",
            lottery(json!({"tickets": 5, "draw_scheduled": true})),
            &[],
            "REQUEST_PENDING",
            "E_PENDING_REQUEST_STATE",
        ),
        ("ready", lottery(json!({"gas": "0"})), &[], "GAS_NOT_CONFIGURED", "E_GAS_CONFIG_NOT_SET"),
        ("ready", lottery(json!({"aggregator": ""})), &[], "AGGREGATOR_NOT_SET", "E_CALLBACK_SOURCE_NOT_SET"),
        (
            "ready",
            lottery(json!({"consumers": ["0x77"]})),
            &[],
            "CONSUMER_NOT_WHITELISTED",
            "E_CONSUMER_NOT_WHITELISTED",
        ),
        (
            "ready",
            lottery(json!({"next_client_seed": u64::MAX.to_string()})),
            &[],
            "CLIENT_SEED_EXHAUSTED",
            "E_CLIENT_SEED_OVERFLOW",
        ),
        (
            "ready",
            json!({"balance": "15750000000"}),
            &[],
            "DEPOSIT_AT_OR_BELOW_MIN_BALANCE",
            "EMIN_BALANCE_REACHED",
        ),
        ("ready", json!({"paused": true}), &[], "DEPOSIT_PAUSED", "ECONTRACT_IS_PAUSED"),
        (
            "ready",
            lottery(json!({"requests": u64::MAX.to_string()})),
            &[],
            "REQUEST_COUNTER_EXHAUSTED",
            "E_RNG_REQUEST_OVERFLOW",
        ),
    ]
}

#[test]
fn every_assert_is_explained_before_and_after() {
    let devnet = ready_chain();
    for (scenario, change, words, before, after) in asserts() {
        anew(&devnet, scenario);
        devnet.control(&change);
        let outcome = ready(&devnet, words);
        assert_eq!(outcome.code, 1, "{before}: {outcome}");
        assert!(codes(&outcome).iter().any(|code| code == before), "{before}: {outcome}");
        let mut forced =
            draw(&devnet, Way::Rpc, &["run", "--skip-readiness", "--json-result", "--cool-down", "0"]);
        let outcome = run(forced.args(words).args(["--max-attempts", "1000", "--confirm-timeout", "0.5"]));
        let result: Value = serde_json::from_str(&outcome.out).unwrap();
        assert_eq!((outcome.code, &result["executed"]), (1, &json!(true)), "{after}: {outcome}");
        assert_eq!(result["error"]["code"], "TRANSACTION_FAILED", "{after}: {outcome}");
        let said = format!("{} {}", result["error"]["message"], result["vm_status"]);
        assert!(said.contains(after), "{after}: {said}");
        assert!(result["error"]["hint"].is_string(), "{after}: {outcome}");
        assert_eq!(result["confirmed_by"], Value::Null);
    }
}

#[test]
fn run_sends_once_and_shows_what_the_chain_shows() {
    let devnet = ready_chain();
    let dry = run(&mut draw(&devnet, Way::Rpc, &["run", "--dry-run", "--assume-yes"]));
    let command = dry.out.lines().nth(1).unwrap();
    assert!(dry.code == 0 && command.contains(" move tool run --profile devnet --function-id 0x"), "{dry}");
    assert!(command.ends_with("--assume-yes"), "{dry}");
    let done = run(&mut draw(&devnet, Way::Rpc, &["run", "--assume-yes", "--json-result"]));
    let result: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{done}");
    let keys: Vec<&String> = result.as_object().unwrap().keys().take(9).collect();
    assert_eq!(
        keys,
        [
            "ready",
            "readiness",
            "readiness_skipped",
            "command",
            "executed",
            "dry_run",
            "returncode",
            "stdout",
            "stderr"
        ]
    );
    assert_eq!(
        (&result["confirmed_by"], &result["nonce"], &result["round"]),
        (&json!("event"), &json!("5"), &json!("4"))
    );
    assert!(result["tx_hash"].as_str().unwrap().starts_with("0x"));
    let again = run(&mut draw(&devnet, Way::Rpc, &["run"]));
    assert_eq!(again.code, 1, "{again}");
    assert!(again.out.contains(" - REQUEST_PENDING: "), "{again}");
}

#[test]
fn the_cli_of_every_generation_draws() {
    for generation in ["v6", "v9", "v10", "v11"] {
        let devnet = ready_chain();
        let mut command = draw(
            &devnet,
            Way::Cli(generation),
            &["run", "--json-result", "--assume-yes", "--gas-unit-price", "100000"],
        );
        command.args(["--max-gas", "5000", "--expiration-secs", "60"]);
        if generation == "v11" {
            command.arg("--simulate-first");
        }
        let outcome = run(&mut command);
        let result: Value = serde_json::from_str(&outcome.out).unwrap();
        assert_eq!(
            (outcome.code, &result["vm_status"]),
            (0, &json!("Executed successfully")),
            "{generation}: {outcome}"
        );
        assert_eq!(result["confirmed_by"], "event", "{generation}: {outcome}");
    }
}

#[test]
fn the_clis_exit_code_alone_proves_nothing() {
    let devnet = ready_chain();
    // It ends with 0 although the transaction failed, as CLIs before v11 do.
    devnet.control(&json!({"lottery": {"draw_scheduled": false}}));
    let failed = run(&mut draw(&devnet, Way::Rpc, &["run", "--skip-readiness", "--json-result"]));
    let result: Value = serde_json::from_str(&failed.out).unwrap();
    assert_eq!((failed.code, &result["returncode"]), (1, &json!(0)), "{failed}");
    assert!(failed.err.contains("wait until five tickets are sold"), "{failed}");
    // It ends with another code although the draw was accepted.
    anew(&devnet, "ready");
    devnet.fault("cli_exit_code=7");
    let done = run(&mut draw(&devnet, Way::Rpc, &["run", "--json-result", "--cool-down", "0"]));
    let result: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((done.code, &result["confirmed_by"]), (0, &json!("event")), "{done}");
    // It prints garbage and nothing was sent: unclear until the chain has been watched, and the code is passed on.
    anew(&devnet, "ready");
    devnet.fault("cli_garbage,cli_exit_code=7");
    let lost = run(&mut draw(
        &devnet,
        Way::Rpc,
        &["run", "--json-result", "--cool-down", "0", "--confirm-timeout", "0.5"],
    ));
    let result: Value = serde_json::from_str(&lost.out).unwrap();
    assert_eq!((lost.code, &result["error"]["code"]), (7, &json!("NOT_CONFIRMED")), "{lost}");
    // The intent is open now: nothing is sent before its time is over.
    devnet.fault("");
    let held = run(&mut draw(&devnet, Way::Rpc, &["run", "--json-result", "--cool-down", "0"]));
    let result: Value = serde_json::from_str(&held.out).unwrap();
    assert_eq!(
        (held.code, &result["error"]["code"], &result["executed"]),
        (2, &json!("INTENT_OPEN"), &json!(false)),
        "{held}"
    );
}

#[test]
fn auto_has_the_old_keys_and_every_status() {
    let devnet = ready_chain();
    let auto = |words: &[&str]| {
        let outcome = run(draw(&devnet, Way::Rpc, &["auto"]).args(words));
        (outcome.code, outcome.json(), outcome.err)
    };
    let (code, line, _) = auto(&[]);
    assert_eq!((code, &line["status"], &line["execute"]), (0, &json!("ready_dry_run"), &json!(false)));
    let keys: Vec<&String> = line.as_object().unwrap().keys().take(8).collect();
    assert_eq!(
        keys,
        [
            "timestamp",
            "execute",
            "commands",
            "readiness",
            "manual_draw",
            "status",
            "stderr",
            "readiness_exit_code"
        ]
    );
    assert_eq!(line["readiness"].get("report"), None);
    let (_, line, _) = auto(&["--include-report"]);
    assert_eq!(line["readiness"]["report"]["state"]["lottery"]["ticket_count"], "5", "{line}");
    devnet.control(&json!({"answer_ms": 0}));
    let (code, line, _) = auto(&["--execute"]);
    assert_eq!(
        (code, &line["status"], &line["manual_draw_exit_code"]),
        (0, &json!("executed"), &json!(0)),
        "{line}"
    );
    let (code, line, _) = auto(&["--execute"]);
    assert_eq!(
        (code, &line["status"], &line["readiness_exit_code"]),
        (0, &json!("not_ready"), &json!(1)),
        "{line}"
    );
    anew(&devnet, "ready");
    devnet.fault("5xx_rate=100");
    let (code, line, _) = auto(&["--execute", "--retries", "0"]);
    assert_eq!(
        (code, &line["status"], &line["error"]["code"]),
        (2, &json!("error"), &json!("UNKNOWN")),
        "{line}"
    );
    devnet.fault("cli_garbage,cli_exit_code=9");
    let (code, line, _) = auto(&["--execute", "--confirm-timeout", "0.3", "--cool-down", "0"]);
    assert_eq!(
        (code, &line["status"], &line["exit_code"]),
        (9, &json!("manual_draw_failed"), &json!(9)),
        "{line}"
    );
    let both = run(&mut draw(&devnet, Way::Rpc, &["auto", "--execute", "--dry-run"]));
    assert_eq!((both.code, both.out.as_str()), (2, ""), "{both}");
}

#[test]
fn missing_tickets_are_bought_within_the_limit() {
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let auto =
        |words: &[&str]| run(draw(&devnet, Way::Rpc, &["auto", "--execute", "--fill-tickets"]).args(words));
    let dear = auto(&["--max-spend", "19_999_999"]);
    assert_eq!((dear.code, dear.json()["error"]["code"].clone()), (2, json!("MAX_SPEND")), "{dear}");
    let done = auto(&["--max-spend", "20000000"]);
    assert_eq!((done.code, done.json()["status"].clone()), (0, json!("executed")), "{done}");
    assert_eq!(done.json()["tickets_bought"], 2);
}

#[test]
fn an_answer_is_waited_for_and_its_absence_told() {
    let devnet = Devnet::start(&["--scenario", "ready", "--block-ms", "100", "--answer-ms", "300"]);
    let done = run(&mut draw(&devnet, Way::Rpc, &["run", "--json-result", "--wait-handled", "20"]));
    let result: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((done.code, &result["handled"]["handled"]), (0, &json!(true)), "{done}");
    anew(&devnet, "callback-aborts");
    let mut stuck =
        draw(&devnet, Way::Rpc, &["run", "--json-result", "--wait-handled", "1", "--cool-down", "0"]);
    let stuck = run(&mut stuck);
    let result: Value = serde_json::from_str(&stuck.out).unwrap();
    assert_eq!((stuck.code, &result["handled"]["handled"]), (1, &json!(false)), "{stuck}");
    assert!(result["handled"]["waited_ms"].as_u64().unwrap() >= 1000);
}

#[test]
fn a_whole_round_on_both_transports_and_one_whose_answer_never_comes() {
    let devnet = Devnet::start(&["--scenario", "healthy", "--block-ms", "100", "--answer-ms", "200"]);
    let steps = |outcome: &Outcome| -> Vec<Value> {
        outcome.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    for way in [Way::Rpc, Way::Cli("v9")] {
        let outcome = run(&mut draw(&devnet, way, &["smoke", "--cool-down", "0"]));
        let lines = steps(&outcome);
        assert_eq!((outcome.code, outcome.err.as_str(), lines.len()), (0, "", 11), "{way:?}: {outcome}");
        assert!(lines[..10].iter().all(|line| line["status"] == "ok"), "{outcome}");
        let events = lines[8..10]
            .iter()
            .filter(|line| line["found"].as_str().unwrap().contains("the chain has the event"));
        assert_eq!(events.count(), if way == Way::Rpc { 2 } else { 0 }, "{outcome}");
        assert_eq!(lines[10], json!({"smoke": "passed", "done": lines[10]["done"], "not_done": []}));
    }
    devnet.control(&json!({"callback_aborts": true}));
    let outcome = run(&mut draw(&devnet, Way::Rpc, &["smoke", "--handled-timeout", "1", "--cool-down", "0"]));
    let lines = steps(&outcome);
    assert_eq!((outcome.code, lines[9]["error"]["code"].clone()), (1, json!("NOT_HANDLED")), "{outcome}");
    assert!(outcome.err.contains("did not come within 1 s"), "{outcome}");
    assert_eq!(lines[10]["not_done"], json!(["draw_handled"]));
    let plan = run(&mut draw(&devnet, Way::Rpc, &["smoke", "--plan"]));
    let names: Vec<Value> = steps(&plan).iter().map(|line| line["name"].clone()).collect();
    assert_eq!((plan.code, names.len(), &names[9]), (0, 10, &json!("draw_handled")));
    // A player of its own, whose purse holds a hundred tickets: what is missing is minted.
    anew(&devnet, "healthy");
    let player = ["--player-profile", "player9", "--player", "0xb009", "--tickets", "101"];
    let outcome = run(draw(&devnet, Way::Rpc, &["smoke", "--cool-down", "0"]).args(player));
    assert_eq!(outcome.code, 0, "{outcome}");
    let lines = steps(&outcome);
    assert_eq!(lines[2]["found"], "minted 10000000: 1000000000 became 1010000000", "{outcome}");
    assert_eq!(lines[4]["found"], "3 became 104", "{outcome}");
}

#[test]
fn no_secret_is_in_the_line_or_the_log() {
    const CANARY: &str = "CANARY7f3a";
    let devnet = ready_chain();
    let folder = tempfile::tempdir().unwrap();
    let (log, password) = (folder.path().join("log"), folder.path().join("password"));
    std::fs::write(&password, format!("{CANARY}-password\n")).unwrap();
    let mut command = draw(&devnet, Way::Rpc, &["auto", "--execute"]);
    command.env("SUPRA_RPC_URL", format!("{}/?key={CANARY}-key", devnet.url));
    command.arg("--log-file").arg(&log).arg("--password-file").arg(&password);
    let outcome = run(&mut command);
    let mut seen = format!("{outcome}{}", std::fs::read_to_string(&log).unwrap());
    let state = devnet.cli.parent().unwrap().join("state/dvrf");
    for entry in std::fs::read_dir(state).unwrap() {
        seen += &std::fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    assert!(seen.contains("manual_draw") && !seen.contains(CANARY), "{seen}");
}
