//! `dvrf-check`: verdicts, codes, formats, and what it does with a stream that is not all good.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod report_chaos;

use assert_cmd::assert::Assert;
use predicates::prelude::*;
use predicates::str::{contains, starts_with};
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{Devnet, LOTTERY, Printed, Way, json_at, run, tool};

fn report(scenario: &str) -> String {
    let devnet = Devnet::start(&["--scenario", scenario]);
    run(devnet.tool("dvrf-json", Way::Rpc).arg("--live")).out
}

/// Checks these records.
fn check(words: &[&str], records: impl Into<Vec<u8>>) -> Assert {
    tool("dvrf-check").args(words).write_stdin(records).assert()
}

#[test]
fn the_verdict_is_added_and_nothing_else_changes() {
    let input = report("low");
    let before = input.trim_end().strip_suffix('}').unwrap().to_owned();
    check(&[], input)
        .code(1)
        .stderr("")
        .stdout(starts_with(before + ",\"checks\":{\"status\":\"alert\",\"severity\":\"warning\""))
        .stdout(json_at("/checks/findings/0/code", "DEPOSIT_BELOW_WARN_TIER"))
        .stdout(json_at("/checks/ratio", "1.50"))
        .stdout(json_at("/checks/warnings", vec!["DEPOSIT_BELOW_WARN_TIER"]))
        .stdout(json_at("/checks/violations", json!([])));
}

#[rstest]
#[case::good("ggg", 0)]
#[case::one_bad("gbg", 1)]
#[case::noise("gng", 2)]
#[case::noise_and_bad("nb", 1)]
fn a_stream_ends_with_its_worst(#[case] stream: &str, #[case] code: i32) {
    let (good, bad) = (report("healthy"), report("at-minimum"));
    let lines = stream.chars().map(|kind| match kind {
        'g' => good.as_str(),
        'b' => &bad,
        _ => "noise\n",
    });
    check(&[], lines.collect::<String>()).code(code);
}

#[rstest]
#[case::defaults(&[], 0)]
#[case::warn_in_percent(&["--warn", "500%"], 0)]
#[case::warn_above_the_ratio(&["--warn", "5.01"], 1)]
#[case::expected_parties(&["--expect-aggregator", "0xA6", "--expect-consumer", LOTTERY], 0)]
#[case::another_consumer(&["--expect-consumer", "0x7"], 1)]
#[case::gas_price(&["--expect-max-gas-price", "1000"], 0)]
#[case::another_gas_price(&["--expect-max-gas-price", "1001"], 1)]
#[case::no_ratio(&["--warn", "400 quants"], 2)]
#[case::no_address(&["--expect-aggregator", "0xzz"], 2)]
fn thresholds_and_expectations(#[case] words: &[&str], #[case] code: i32) {
    check(words, report("healthy")).code(code);
}

#[test]
fn the_expected_minimum_of_the_environment() {
    let limit = |text: &str| {
        tool("dvrf-check").env("MIN_BALANCE_LIMIT", text).write_stdin(report("healthy")).assert()
    };
    limit("78750000000").stdout(json_at("/checks/violations", vec!["AVAILABLE_BELOW_EXPECTED_MIN_BALANCE"]));
    limit("0").code(2);
}

#[test]
fn the_old_checks_document() {
    let gas = ["--max-gas-price", "1000", "--max-gas-limit", "500000", "--verification-gas", "25000"];
    let outcome = check(&[&["--format", "legacy"], &gas[..]].concat(), report("at-minimum")).code(1);
    let document = outcome.stdout(starts_with("{\n  \"profile\": \"devnet\",\n")).document();
    assert_eq!(document["status"], "alert");
    assert_eq!(document["onchain"]["isMinimumBalanceReached"], true);
    assert_eq!(document["onchain"]["available_quants"], "15750000000");
    assert_eq!(
        document["checks"]["violations"],
        json!(["DEPOSIT_AT_OR_BELOW_MIN_BALANCE", "AVAILABLE_BELOW_CALCULATED_MIN_BALANCE"])
    );
}

#[rstest]
#[case("healthy", 0, "DVRF OK - 5.00x minimum | 'balance'=78750000000;31500000000:;15750000000:;0;")]
#[case("low", 1, "DVRF WARNING - ")]
#[case("below-minimum", 2, "DVRF CRITICAL - ")]
fn a_plugin_line(#[case] scenario: &str, #[case] code: i32, #[case] begins: &str) {
    let one_line = predicate::function(|text: &str| text.lines().count() == 1);
    check(&["--nagios"], report(scenario)).code(code).stdout(starts_with(begins).and(one_line));
}

#[rstest]
#[case::unreachable(&[], 3, "'balance'=U")]
#[case::unreachable_is_critical(&["--timeout-state", "critical"], 2, "'balance'=U")]
#[case::unknown_flag(&["--no-such-flag"], 3, "DVRF UNKNOWN - ")]
#[case::bad_value(&["--warn", "much"], 3, "DVRF UNKNOWN - ")]
fn a_plugin_line_without_an_answer(#[case] words: &[&str], #[case] code: i32, #[case] said: &str) {
    tool("dvrf-check")
        .env("LOTTERY_ADDR", LOTTERY)
        .env("DEPOSIT_ADDR", "0x1")
        .env("SUPRA_RPC_URL", "http://127.0.0.1:9")
        .args(["--live", "--nagios", "--retries", "0"])
        .args(words)
        .assert()
        .code(code)
        .stdout(starts_with("DVRF ").and(contains(said)));
}

/// What the old script wrote: the report without what came after it.
fn old(scenario: &str) -> String {
    let mut record: Value = serde_json::from_str(&report(scenario)).unwrap();
    for key in ["schema", "target", "state", "views"] {
        record.as_object_mut().unwrap().shift_remove(key);
    }
    record.to_string()
}

#[rstest]
#[case("healthy", 0, "ok")]
#[case("at-minimum", 1, "alert")]
#[case("no-aggregator", 1, "alert")]
fn old_reports_are_read_as_far_as_they_go(#[case] scenario: &str, #[case] code: i32, #[case] status: &str) {
    check(&[], old(scenario)).code(code).stdout(json_at("/checks/status", status));
}

#[rstest]
#[case("ready", 0)]
#[case("healthy", 1)]
#[case("at-minimum", 1)]
fn old_reports_are_ready_for_a_draw_or_not(#[case] scenario: &str, #[case] code: i32) {
    tool("dvrf-draw").arg("ready").write_stdin(old(scenario)).assert().code(code);
}

#[test]
fn an_old_report_of_nulls_is_unknown() {
    check(&[], "{\"deposit\":{\"balance\":null}}\n").code(2).stdout(json_at("/checks/status", "unknown"));
}

/// The age of a pending request is counted on through runs that could not read its nonce.
#[test]
fn an_unread_nonce_does_not_make_a_request_young() {
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "--max-lag",
        "0",
        "--max-age",
        "0",
        "--pending-critical",
        "30m",
        "--state-dir",
        folder.path().to_str().unwrap(),
    ];
    let mut record: Value = serde_json::from_str(&report("stuck")).unwrap();
    record.as_object_mut().unwrap().remove("requests");
    let nonce = record["state"]["lottery"]["pending_nonce"].take();
    let mut stuck = |minute: &str, nonce: &Value| {
        record["timestamp"] = json!(format!("2025-10-05T15:{minute}:00+00:00"));
        record["state"]["lottery"]["pending_nonce"] = nonce.clone();
        let violations = &check(&words, record.to_string()).json()["checks"]["violations"];
        violations.to_string().contains("REQUEST_STUCK")
    };
    assert!(!stuck("00", &nonce));
    assert!(!stuck("15", &Value::Null));
    assert!(!stuck("20", &nonce));
    assert!(stuck("31", &nonce));
    assert!(!stuck("32", &json!(["77"])), "another request");
    assert!(!stuck("33", &Value::Null), "its age goes on");
}

#[test]
fn the_card_says_what_to_do() {
    let amount = "deposit 236.25 SUPRA (23625000000 quants) for client 0x9a96…4490";
    let command = format!("--args address:{LOTTERY} u64:23625000000\n");
    check(&["--format", "text"], report("low"))
        .code(1)
        .stdout(starts_with(
            "▲ devnet  testnet   deposit is getting low\n  deposit   236.25 SUPRA   1.5 × minimum (157.5)\n",
        ))
        .stdout(contains(amount).and(contains(command)))
        .stdout(contains("(dvrf explain DEPOSIT_BELOW_WARN_TIER)"));
}

#[test]
fn several_subscriptions_are_a_table_with_the_worst_first() {
    let names = predicate::function(|table: &str| {
        let glyphs = table.lines().skip(2).filter_map(|line| line.chars().find(|c| "✖▲?✔".contains(*c)));
        glyphs.collect::<String>() == "✖▲✔✖"
    });
    check(&["--format", "text"], report("healthy") + &report("low") + &report("at-minimum"))
        .code(1)
        .stdout(names.and(contains("3 subscriptions: 1 ✖  1 ▲  1 ✔\n")));
}

/// Nothing was asked: that is no verdict.
#[rstest]
#[case::check("dvrf-check", "dvrf check", &[])]
#[case::status("dvrf-status", "dvrf status", &[])]
#[case::a_network_is_known("dvrf-check", "dvrf check", &["--network", "testnet"])]
fn nothing_to_watch_yet(#[case] name: &str, #[case] shown: &str, #[case] words: &[&str]) {
    let needed = if words.is_empty() {
        "DVRF_NETWORK (testnet or mainnet) and LOTTERY_ADDR or CLIENT_ADDR are not set."
    } else {
        "LOTTERY_ADDR or CLIENT_ADDR is not set."
    };
    let text = format!(
        "{shown}: nothing to watch yet.\n  {needed}\n  Try:  DVRF_NETWORK=testnet LOTTERY_ADDR=0x… {shown}\n"
    );
    tool(name).args(["--live", "--format", "text"]).args(words).assert().code(2).stdout("").stderr(text);
}

#[test]
fn a_mistyped_lottery_address_is_unknown() {
    let devnet = Devnet::start(&[]);
    devnet
        .tool("dvrf-check", Way::Rpc)
        .env("LOTTERY_ADDR", "0x7777")
        .args(["--live", "--format", "text"])
        .assert()
        .code(2)
        .stdout(contains("cannot tell: there is no contract at that address").and(contains("NO_CONTRACT")));
}

#[test]
fn chain_text_cannot_paint_a_terminal() {
    let state = json!({"deposit": {"balance": "9", "min_balance": "1", "client_whitelisted": true, "modules": [
        {"module_type": "\u{1b}[2Jx\u{202e}", "max_callback_txn_fee": "1", "min_balance_limit": "1", "enabled": false}]}});
    let record = json!({"profile": "\u{1b}]0;title\u{7}", "state": state});
    let outcome = check(&["--format", "text"], record.to_string()).code(1);
    for painted in ['\u{1b}', '\u{202e}', '\u{7}'] {
        assert!(!outcome.text().contains(painted), "{outcome}");
    }
}
