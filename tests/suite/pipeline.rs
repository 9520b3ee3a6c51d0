//! What the tools do together, in real shells.

use assert_cmd::assert::{Assert, OutputAssertExt as _};
use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;
use serde_json::json;
use testkit::{Devnet, Way, binary, needs, program, root, run, tool};

/// Runs a line in bash with our binaries first on the path.
fn bash(line: &str) -> Assert {
    let folder = binary("dvrf-json").parent().unwrap().display().to_string();
    let path = format!("{folder}:{}", testkit::requirements::path());
    program("bash").args(["-o", "pipefail", "-c", line]).env("PATH", path).assert()
}

#[rstest]
#[needs("jq")]
fn from_chain_to_verdict_in_one_pipe(#[values("rpc", "cli")] transport: &str) {
    let line = format!(
        "dvrf-devnet exec --transport {transport} --scenario at-minimum -- sh -c 'dvrf-json --live | dvrf-check | jq -r .checks.status'"
    );
    bash(&line).code(0).stdout("alert\n").stderr("");
}

#[test]
#[needs("jq")]
fn numbers_survive() {
    let line = "dvrf-devnet exec --scenario u128-max --interface camel -- sh -c 'dvrf-json --live | jq -c . | dvrf-check | jq -r .checks.available_quants'";
    bash(line).stdout(format!("{}\n", u128::MAX));
}

#[test]
fn head_takes_one() {
    let line = "for i in 1 2 3; do echo '{\"state\":{}}'; done | dvrf-json | head -1";
    bash(line).code(0).stdout("{\"state\":{}}\n").stderr("");
}

#[test]
#[needs("jq")]
fn a_fleet_is_a_file_of_lines() {
    let devnet = Devnet::start(&["--clients", "20"]);
    let target = |index| format!("{{\"client_addr\":\"{}\"}}\n", devnet.client(index).0);
    let folder = tempfile::tempdir().unwrap();
    let fleet = folder.path().join("fleet.jsonl");
    std::fs::write(&fleet, (0..=20).map(target).collect::<String>()).unwrap();
    let line = format!(
        "dvrf-json --rpc-url {} --deposit-addr {} < {} | dvrf-check | jq -r .state.deposit.client_whitelisted | sort | uniq -c | tr -s ' '",
        devnet.url,
        testkit::DEPOSIT,
        fleet.display()
    );
    bash(&line).stdout(" 21 true\n");
}

#[test]
fn the_demo_tells_its_story() {
    program("bash")
        .arg(root().join("scripts/demo"))
        .env("DVRF_DEMO_BIN", binary("dvrf-json").parent().unwrap())
        .assert()
        .code(0)
        .stdout(contains("5.0 × minimum (157.5)").and(contains("DEPOSIT_AT_OR_BELOW_MIN_BALANCE")))
        .stdout(
            contains("cannot tell: the node does not answer")
                .and(contains("draw request unanswered for 3 h")),
        )
        .stdout(
            contains("not set up: a draw would abort")
                .and(contains("⚠️ devnet (testnet): deposit is getting low")),
        )
        .stdout(contains("\"status\":\"executed\"").and(contains("\"handled\":true")));
}

/// A verdict is no younger than the report that it is about.
#[test]
fn a_verdict_about_an_old_report_is_replaced() {
    let devnet = Devnet::start(&[]);
    let report = run(devnet.tool("dvrf-json", Way::Rpc).arg("--live")).out;
    let judged = run(tool("dvrf-check").args(["--format", "json"]).write_stdin(report)).json();
    assert_eq!(judged["checks"]["status"], "ok");
    let now = jiff::Timestamp::now();
    let passed_on = |age_s: i64, words: &[&str]| {
        let mut old = judged.clone();
        old["timestamp"] = json!((now - jiff::SignedDuration::from_secs(age_s)).to_string());
        let notify = ["--dry-run", "--webhook-url", "http://127.0.0.1:9/"];
        run(tool("dvrf-notify").args(notify).args(words).write_stdin(old.to_string()))
    };
    for (age_s, words, code, status) in
        [(3500, &[] as &[&str], 0, "ok"), (3700, &[], 2, "unknown"), (3700, &["--max-age", "2h"], 0, "ok")]
    {
        let outcome = passed_on(age_s, words);
        assert_eq!((outcome.code, &outcome.json()["checks"]["status"]), (code, &json!(status)), "{outcome}");
    }
    let stale = passed_on(3700, &[]).json();
    assert_eq!(stale["checks"]["findings"][0]["code"], "REPORT_STALE", "{stale}");
}
