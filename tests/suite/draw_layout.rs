//! Draws of a contract that a layout file describes: the lottery, judged and drawn once by code and once by its file.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::str::contains;
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{Devnet, LOTTERY, Outcome, Way, needs, root, run};

use crate::{draw, draw_by_layout, ready_chain};

fn requests(devnet: &Devnet) -> Value {
    devnet.call("GET", "/devnet/state", "")["lottery"]["rng_request_count"].clone()
}

/// The lottery's file with one line replaced.
fn changed(folder: &Path, from: &str, to: &str) -> PathBuf {
    let text = std::fs::read_to_string(root().join("tests/fixtures/layouts/lottery.toml")).unwrap();
    assert!(text.contains(from), "{from}");
    let path = folder.join("changed.toml");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    path
}

/// `ready` by code and by the file.
fn both(devnet: &Devnet) -> [Outcome; 2] {
    let words = ["ready", "--live", "--retries", "0", "--format", "json"];
    [draw(devnet, Way::Rpc, &words), draw_by_layout(devnet, Way::Rpc, &words)].map(|mut tool| run(&mut tool))
}

fn reasons(outcome: &Outcome) -> Vec<String> {
    let reasons = outcome.json()["readiness"]["reasons"].as_array().unwrap().clone();
    reasons.iter().map(|reason| reason["code"].as_str().unwrap().to_owned()).collect()
}

#[rstest]
#[case::ready("ready", json!({}), 0, &[])]
#[case::not_due("ready", json!({"draw_scheduled": false}), 1, &["CONDITION_NOT_MET"])]
#[case::few_tickets("ready", json!({"tickets": 3}), 1, &["CONDITION_NOT_MET"])]
#[case::pending("pending", json!({"tickets": 5, "draw_scheduled": true}), 1, &["CONDITION_NOT_MET", "REQUEST_PENDING"])]
#[case::no_gas("ready", json!({"gas": "0"}), 1, &["CONDITION_NOT_MET", "CONDITION_NOT_MET"])]
#[case::nobody_answers("ready", json!({"aggregator": ""}), 1, &["CONDITION_NOT_MET"])]
#[case::no_money("at-minimum", json!({"tickets": 5, "draw_scheduled": true}), 1, &["DEPOSIT_AT_OR_BELOW_MIN_BALANCE"])]
#[case::paused("paused", json!({"tickets": 5, "draw_scheduled": true}), 1, &["DEPOSIT_PAUSED"])]
fn judged_alike(#[case] scenario: &str, #[case] lottery: Value, #[case] exit: i32, #[case] by_file: &[&str]) {
    let devnet = Devnet::start(&["--scenario", scenario]);
    devnet.control(&json!({"lottery": lottery}));
    let [code, file] = both(&devnet);
    assert_eq!((code.code, file.code), (exit, exit), "{code} {file}");
    assert_eq!(reasons(&file), by_file, "{file}");
    assert_eq!(code.json()["readiness"]["round"], file.json()["readiness"]["round"]);
}

/// What could not be read is neither ready nor a reason that is known.
#[rstest]
#[case::a_value("path=LotteryData,view:get_whitelist_status=missing")]
#[case::the_counter("view:get_lottery_status=missing")]
#[case::everything("5xx_rate=100")]
fn what_is_not_known_is_not_ready(#[case] fault: &str) {
    let devnet = ready_chain();
    let state = tempfile::tempdir().unwrap();
    devnet.fault(fault);
    let [_, file] = both(&devnet);
    assert_eq!(file.code, 2, "{file}");
    assert_eq!(file.json()["readiness"]["ready"], false);
    let mut auto = draw_by_layout(&devnet, Way::Rpc, &["auto", "--execute", "--retries", "0", "--state-dir"]);
    let outcome = run(auto.arg(state.path()));
    assert_eq!((outcome.code, requests(&devnet)), (2, json!("4")), "{outcome}");
}

#[test]
fn the_card_has_the_conditions() {
    let devnet = ready_chain();
    let card = |devnet: &Devnet| {
        let mut tool = draw_by_layout(devnet, Way::Rpc, &["ready", "--live", "--format", "text"]);
        run(&mut tool).out
    };
    let shown = card(&devnet);
    assert!(shown.contains("ready: a draw may be requested\n"), "{shown}");
    assert!(shown.contains("  condition ticket_count > 4 holds (5)\n"), "{shown}");
    devnet.control(&json!({"lottery": {"tickets": 3}}));
    let shown = card(&devnet);
    let why = "  why       ticket_count > 4 does not hold: the value is 3   (CONDITION_NOT_MET)\n";
    assert!(shown.contains(why), "{shown}");
    assert!(shown.contains("  condition ticket_count > 4 does not hold (3)\n"), "{shown}");
}

/// `run` and `auto` by the file send what the code sends, and wait for the answer by the file's counter.
#[test]
fn drawn_and_answered() {
    let devnet = ready_chain();
    devnet.control(&json!({"answer_ms": 0}));
    let words = ["run", "--json-result", "--wait-handled", "20"];
    let outcome = run(&mut draw_by_layout(&devnet, Way::Rpc, &words));
    let result: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!((outcome.code, &result["round"]), (0, &json!("4")), "{outcome}");
    assert_eq!(result["handled"]["handled"], true, "{outcome}");
    let function = format!("{LOTTERY}::main_v2::manual_draw");
    assert!(result["command"].as_array().unwrap().contains(&json!(function)), "{outcome}");
    assert_eq!(requests(&devnet), "5");
}

fn auto(tool: fn(&Devnet, Way, &[&str]) -> Command, devnet: &Devnet, state: &Path) -> Command {
    let words = ["auto", "--execute", "--cool-down", "0", "--max-lag", "0", "--confirm-timeout", "1"];
    let mut command = tool(devnet, Way::Rpc, &words);
    command.arg("--state-dir").arg(state);
    command
}

/// The journal belongs to the contract: an operator who changes from code to a file, or back, draws no round twice.
#[rstest]
#[case::to_the_file(draw, draw_by_layout)]
#[case::to_code(draw_by_layout, draw)]
fn the_journal_is_shared(
    #[case] first: fn(&Devnet, Way, &[&str]) -> Command,
    #[case] second: fn(&Devnet, Way, &[&str]) -> Command,
) {
    let devnet = ready_chain();
    let state = tempfile::tempdir().unwrap();
    assert_eq!(run(&mut auto(first, &devnet, state.path())).json()["status"], "executed");
    // The chain as a node shows it that is behind.
    devnet.enter("ready");
    let line = run(&mut auto(second, &devnet, state.path())).json();
    assert_eq!(line["readiness"]["reasons"][0]["code"], "ROUND_DRAWN", "{line}");
    assert_eq!(requests(&devnet), "4", "nothing was sent to it");
}

#[rstest]
#[case::to_the_file(draw, draw_by_layout)]
#[case::to_code(draw_by_layout, draw)]
#[needs("faketime")]
fn an_open_intent_is_shared(
    #[case] first: fn(&Devnet, Way, &[&str]) -> Command,
    #[case] second: fn(&Devnet, Way, &[&str]) -> Command,
) {
    let devnet = ready_chain();
    let state = tempfile::tempdir().unwrap();
    auto(first, &devnet, state.path()).env("DVRF_TEST_KILL_AT", "after_intent").assert().interrupted();
    let line = run(&mut auto(second, &devnet, state.path())).json();
    assert_eq!(line["error"]["code"], "INTENT_OPEN", "{line}");
    assert_eq!(requests(&devnet), "4");
}

/// A node that lags does not decide, and the counter of the file is asked of all.
#[test]
fn all_nodes_are_asked() {
    let devnet = Devnet::start(&["--scenario", "ready", "--replicas", "2"]);
    let state = tempfile::tempdir().unwrap();
    devnet.replica(0, &json!({"stuck_at": devnet.call("GET", "/devnet/state", "")["height"]}));
    devnet.control(&json!({"advance_blocks": 10}));
    let manual_draw = json!({"function": format!("{LOTTERY}::main_v2::manual_draw")});
    devnet.call("POST", "/devnet/run", &manual_draw.to_string());
    devnet.control(&json!({"advance_blocks": 10}));
    let (stuck, other) = (devnet.replicas[0].as_str(), devnet.replicas[1].as_str());
    let dry = run(draw_by_layout(&devnet, Way::Rpc, &["auto"]).env("SUPRA_RPC_URL", stuck));
    assert_eq!(dry.json()["status"], "ready_dry_run", "{dry}");
    let nodes = [stuck, other].join(",");
    let outcome = run(auto(draw_by_layout, &devnet, state.path()).env("SUPRA_RPC_URL", nodes));
    assert_eq!(outcome.json()["status"], "not_ready", "{outcome}");
    assert_eq!(devnet.call("GET", "/devnet/state", "")["submissions"], 1);
}

/// Only what `[draw]` of a file that the operator names allows can be drawn, and only under its conditions.
#[rstest]
#[case::no_draw("[draw]\nrun = \"main::manual_draw\"", "[draw]\nrun = \"main::other\"", &["auto"], "")]
#[case::another_function("", "", &["auto", "--function-id", "0x9::main_v2::manual_draw"],
    "--function-id: [draw] of the layout lottery says what is called")]
#[case::conditions_are_not_skipped("", "", &["run", "--skip-readiness"],
    "--skip-readiness is not for contracts of a layout (lottery): its conditions may be all that stands between two draws")]
#[case::no_condition_is_skipped("", "", &["auto", "--skip-draw-scheduled"],
    "--skip-draw-scheduled: [draw] of the layout lottery says when a draw may be started")]
#[case::no_tickets("", "", &["auto", "--fill-tickets", "--max-spend", "5"],
    "--fill-tickets is not for contracts of a layout (lottery): only the lottery main_v2 has tickets to buy")]
#[case::no_round("", "", &["smoke"], "smoke is not for contracts of a layout (lottery)")]
#[case::no_counter_of_answers("answered = \"answered_ever\"\n", "", &["auto", "--wait-handled", "5"],
    "--wait-handled: [draw] of the layout lottery has no answered, which counts the answers")]
fn refused(#[case] from: &str, #[case] to: &str, #[case] words: &[&str], #[case] message: &str) {
    let devnet = ready_chain();
    let folder = tempfile::tempdir().unwrap();
    let mut command = draw(&devnet, Way::Rpc, words);
    command.env("DVRF_LAYOUT", changed(folder.path(), from, to));
    if message.is_empty() {
        // The function that the file names, and no other: the chain has none of this name.
        let outcome = run(command.arg("--execute"));
        assert_eq!(outcome.json()["status"], "manual_draw_failed", "{outcome}");
    } else {
        command.assert().code(2).stderr(contains(message));
    }
    assert_eq!(requests(&devnet), "4");
}

/// A record names a layout, and that alone makes nothing drawable: the file is the operator's.
#[rstest]
#[case::built_in("core", false, "the layout core has no draw that may be started")]
#[case::unknown(
    "lottery",
    false,
    "layout is \"lottery\": one of main_v2, deposit-only, core, generic, multi is needed"
)]
#[case::of_the_operator("lottery", true, "")]
fn layouts_of_records(#[case] layout: &str, #[case] is_named: bool, #[case] message: &str) {
    let devnet = ready_chain();
    let target = json!({"lottery_addr": LOTTERY, "layout": layout}).to_string();
    let mut command = draw(&devnet, Way::Rpc, &["auto", "--execute"]);
    if is_named {
        command.env("DVRF_LAYOUT_FILES", root().join("tests/fixtures/layouts/lottery.toml"));
    }
    let outcome = run(command.write_stdin(target));
    let expected = if is_named { (0, json!("5")) } else { (2, json!("4")) };
    assert_eq!((outcome.code, requests(&devnet)), expected, "{outcome}");
    assert!(outcome.err.contains(message), "{outcome}");
}

/// `ready` over records judges each by its own layout; one without `[draw]` is not ready.
#[test]
fn records_of_a_layout_without_a_draw() {
    let devnet = Devnet::start(&["--scenario", "healthy", "--consumer", "core"]);
    let core = "0xbc959517601034979f21fa2f2f41862219ea38554be27c2fdb4fd9a392caafe0";
    let target = json!({"lottery_addr": core, "layout": "core"}).to_string();
    let outcome = run(draw(&devnet, Way::Rpc, &["ready"]).write_stdin(target));
    assert_eq!((outcome.code, reasons(&outcome)), (1, vec!["NO_DRAW".to_owned()]), "{outcome}");
}
