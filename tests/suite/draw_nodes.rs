//! Several nodes that disagree: one that is behind, stuck, broken or of another chain.

use std::path::Path;

use assert_cmd::Command;
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{Devnet, LOTTERY, Outcome, Way, binary, needs, program, run};

use crate::draw;

/// A chain with two replicas.
fn network() -> Devnet {
    let devnet = Devnet::start(&["--scenario", "ready", "--replicas", "2"]);
    devnet.control(&json!({}));
    devnet
}

fn auto(devnet: &Devnet, nodes: &[&str], state: &Path) -> Command {
    let mut command =
        draw(devnet, Way::Rpc, &["auto", "--execute", "--confirm-timeout", "1", "--cool-down", "0"]);
    command.args(["--max-lag", "0", "--retries", "0", "--state-dir"]).arg(state);
    command.env("SUPRA_RPC_URL", nodes.join(","));
    command
}

fn submissions(devnet: &Devnet) -> Value {
    devnet.call("GET", "/devnet/state", "")["submissions"].clone()
}

fn height(devnet: &Devnet) -> Value {
    devnet.call("GET", "/devnet/state", "")["height"].clone()
}

fn others_draw(devnet: &Devnet) {
    let manual_draw = json!({"function": format!("{LOTTERY}::main_v2::manual_draw")});
    devnet.call("POST", "/devnet/run", &manual_draw.to_string());
}

fn reasons(outcome: &Outcome) -> String {
    outcome.json()["readiness"]["reasons"].to_string()
}

#[test]
fn a_stuck_node_does_not_decide() {
    let devnet = network();
    let folder = tempfile::tempdir().unwrap();
    let (stuck, other) = (devnet.replicas[0].as_str(), devnet.replicas[1].as_str());
    devnet.replica(0, &json!({"stuck_at": height(&devnet)}));
    devnet.control(&json!({"advance_blocks": 10}));
    others_draw(&devnet);
    devnet.control(&json!({"advance_blocks": 10}));
    // Alone it shows a round that is due.
    let dry = run(draw(&devnet, Way::Rpc, &["auto"]).env("SUPRA_RPC_URL", stuck));
    assert_eq!(dry.json()["status"], "ready_dry_run", "{dry}");
    let outcome = run(&mut auto(&devnet, &[stuck, other], folder.path()));
    assert_eq!(outcome.json()["status"], "not_ready", "{outcome}");
    assert!(!reasons(&outcome).contains("ROUND_DRAWN"), "it was read from the other node: {outcome}");
    assert_eq!(submissions(&devnet), 1);
}

/// Of two nodes with different counters at the same height one has forked, and nobody can tell which.
#[rstest]
#[case::ahead(json!({"fork_requests": 1}))]
#[case::behind(json!({"forked_at": 100_000}))]
fn forked_nodes_end_the_run(#[case] order: Value) {
    let devnet = network();
    let folder = tempfile::tempdir().unwrap();
    devnet.control(&json!({"advance_blocks": 10}));
    if order.get("forked_at").is_some() {
        others_draw(&devnet);
        devnet.control(&json!({"advance_blocks": 10, "lottery": {"tickets": 5, "draw_scheduled": true}}));
    }
    devnet.replica(0, &order);
    let nodes = [devnet.replicas[0].as_str(), devnet.url.as_str()];
    let outcome = run(&mut auto(&devnet, &nodes, folder.path()));
    assert_eq!((outcome.code, outcome.json()["status"].clone()), (2, json!("error")), "{outcome}");
    assert_eq!(outcome.json()["error"]["code"], "NODES_DISAGREE", "{outcome}");
    let before = submissions(&devnet);
    // Without it the round is drawn, and once.
    let alone = run(&mut auto(&devnet, &nodes[1..], folder.path()));
    assert_eq!(alone.json()["status"], if before == 0 { "executed" } else { "not_ready" }, "{alone}");
}

#[test]
fn a_round_that_is_drawn_meanwhile_is_not_sent_for() {
    let devnet = network();
    let folder = tempfile::tempdir().unwrap();
    // The only node that knows of the other's draw answers late: after the reading, before the sending.
    devnet.replica(0, &json!({"lag_blocks": 20}));
    devnet.control(&json!({"advance_blocks": 5}));
    others_draw(&devnet);
    let (behind, tip) = (devnet.replicas[0].as_str(), devnet.url.as_str());
    devnet.fault("5xx=3");
    let outcome = run(&mut auto(&devnet, &[behind, tip], folder.path()));
    let line = outcome.json();
    assert_eq!(line["manual_draw"]["error"]["code"], "ROUND_DRAWN", "{outcome}");
    assert_eq!(line["manual_draw"]["executed"], false, "{outcome}");
    assert_eq!(submissions(&devnet), 1);
}

#[test]
#[needs("faketime")]
fn an_intent_is_given_up_only_when_no_node_shows_its_draw() {
    let devnet = network();
    let folder = tempfile::tempdir().unwrap();
    let (stuck, fresh) = (devnet.replicas[0].as_str(), devnet.replicas[1].as_str());
    devnet.replica(0, &json!({"stuck_at": height(&devnet)}));
    devnet.control(&json!({"advance_blocks": 10}));
    // The CLI dies after it has sent, and leaves no hash.
    devnet.fault("cli_run=die");
    let line = run(&mut auto(&devnet, &[stuck], folder.path())).json();
    assert_eq!(line["manual_draw"]["error"]["code"], "NOT_CONFIRMED", "{line}");
    devnet.fault("");
    devnet.control(&json!({"advance_blocks": 4000}));
    let plain = auto(&devnet, &[stuck, fresh], folder.path());
    let mut later = program("faketime");
    later
        .args(["--exclude-monotonic", "-f", "+2000s"])
        .arg(binary("dvrf-draw"))
        .args(plain.get_args())
        .env_clear();
    for (name, value) in plain.get_envs() {
        later.env(name, value.unwrap_or_default());
    }
    let outcome = run(&mut later);
    assert_eq!(outcome.json()["status"], "not_ready", "{outcome}");
    assert_eq!(submissions(&devnet), 1, "{outcome}");
}

#[test]
fn broken_nodes_and_another_chain_are_passed_over() {
    let devnet = network();
    let folder = tempfile::tempdir().unwrap();
    devnet.replica(0, &json!({"fault": "wrong_chain_id=8"}));
    devnet.replica(1, &json!({"fault": "5xx_rate=100"}));
    let nodes = [devnet.replicas[0].as_str(), devnet.replicas[1].as_str(), devnet.url.as_str()];
    let outcome = run(&mut auto(&devnet, &nodes, folder.path()));
    assert_eq!(outcome.json()["status"], "executed", "{outcome}");
    devnet.replica(1, &json!({"fault": "wrong_chain_id=8"}));
    devnet.enter("ready");
    let outcome = run(&mut auto(&devnet, &nodes[..2], &folder.path().join("other")));
    assert_eq!((outcome.code, outcome.json()["status"].clone()), (2, json!("error")), "{outcome}");
}

#[test]
fn what_was_read_long_ago_is_read_again() {
    let devnet = network();
    let folder = tempfile::tempdir().unwrap();
    // The simulation, which only v11 has, takes longer than a reading may be old.
    devnet.fault("cli_latency=1500ms");
    let mut command = auto(&devnet, &[&devnet.url], folder.path());
    command.args(["--max-reading-age", "1", "--simulate-first", "--retry-delay", "0"]);
    command.env("SUPRA_CLI_BIN", devnet.scripted_cli("exec $CLI \"$@\""));
    command.env("DVRF_DEVNET_CLI", "v11").env("DVRF_CLI_GENERATION", "v11");
    let outcome = run(&mut command);
    let line = outcome.json();
    assert_eq!(line["manual_draw"]["error"]["code"], "READING_OLD", "{outcome}");
    assert_eq!(devnet.cli_starts(), 4, "read three times more");
    assert_eq!(submissions(&devnet), 0);
    let journals = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let journal =
        journals.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    let journal: Value = serde_json::from_slice(&std::fs::read(journal).unwrap()).unwrap();
    assert_eq!((&journal["intent"], &journal["tried"]), (&Value::Null, &Value::Null), "{journal}");
}
