//! `dvrf-check`: verdicts, codes, formats, and what it does with a stream that is not all good.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::{Value, json};
use testkit::{Devnet, LOTTERY, Way, run, tool};

fn report(scenario: &str) -> String {
    let devnet = Devnet::start(&["--scenario", scenario]);
    run(devnet.tool("dvrf-json", Way::Rpc).arg("--live")).out
}

#[test]
fn the_verdict_is_added_and_nothing_else_changes() {
    let input = report("low");
    let outcome = run(tool("dvrf-check").write_stdin(input.clone()));
    assert_eq!((outcome.code, outcome.err.as_str()), (1, ""), "{outcome}");
    let before = input.trim_end().strip_suffix('}').unwrap();
    let added = outcome.out.strip_prefix(before).unwrap();
    assert!(added.starts_with(",\"checks\":{\"status\":\"alert\",\"severity\":\"warning\""), "{added}");
    let checks = &outcome.json()["checks"];
    assert_eq!(checks["findings"][0]["code"], "DEPOSIT_BELOW_WARN_TIER");
    assert_eq!(checks["ratio"], "1.50");
    assert_eq!(checks["warnings"], json!(["DEPOSIT_BELOW_WARN_TIER"]));
    assert_eq!(checks["violations"], json!([]));
}

#[test]
fn a_stream_ends_with_its_worst() {
    let (good, bad) = (report("healthy"), report("at-minimum"));
    let code = |input: String| run(tool("dvrf-check").write_stdin(input)).code;
    assert_eq!(code(good.repeat(2)), 0);
    assert_eq!(code(format!("{good}{bad}{good}")), 1);
    assert_eq!(code(format!("{good}noise\n{good}")), 2);
    assert_eq!(code(format!("noise\n{bad}")), 1);
}

#[test]
fn thresholds_and_expectations() {
    let input = report("healthy");
    let code = |words: &[&str]| run(tool("dvrf-check").args(words).write_stdin(input.clone())).code;
    assert_eq!(code(&[]), 0);
    assert_eq!(code(&["--warn", "500%"]), 0);
    assert_eq!(code(&["--warn", "5.01"]), 1);
    assert_eq!(code(&["--expect-aggregator", "0xA6", "--expect-consumer", LOTTERY]), 0);
    assert_eq!(code(&["--expect-consumer", "0x7"]), 1);
    assert_eq!(code(&["--expect-max-gas-price", "1000"]), 0);
    assert_eq!(code(&["--expect-max-gas-price", "1001"]), 1);
    assert_eq!(code(&["--warn", "400 quants"]), 2);
    assert_eq!(code(&["--expect-aggregator", "0xzz"]), 2);
    let limit =
        |text: &str| run(tool("dvrf-check").env("MIN_BALANCE_LIMIT", text).write_stdin(input.clone()));
    assert_eq!(
        limit("78750000000").json()["checks"]["violations"],
        json!(["AVAILABLE_BELOW_EXPECTED_MIN_BALANCE"])
    );
    assert_eq!(limit("0").code, 2);
}

#[test]
fn the_old_checks_document() {
    let mut check = tool("dvrf-check");
    check.args([
        "--format",
        "legacy",
        "--max-gas-price",
        "1000",
        "--max-gas-limit",
        "500000",
        "--verification-gas",
        "25000",
    ]);
    let outcome = run(check.write_stdin(report("at-minimum")));
    assert_eq!(outcome.code, 1);
    let document: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(document["status"], "alert");
    assert_eq!(document["onchain"]["isMinimumBalanceReached"], true);
    assert_eq!(document["onchain"]["available_quants"], "15750000000");
    assert_eq!(
        document["checks"]["violations"],
        json!(["DEPOSIT_AT_OR_BELOW_MIN_BALANCE", "AVAILABLE_BELOW_CALCULATED_MIN_BALANCE"])
    );
    assert!(outcome.out.starts_with("{\n  \"profile\": \"devnet\",\n"), "{outcome}");
}

#[test]
fn a_plugin_line() {
    for (scenario, code, begins) in [
        ("healthy", 0, "DVRF OK - 5.00x minimum | 'balance'=78750000000;31500000000:;15750000000:;0;"),
        ("low", 1, "DVRF WARNING - "),
        ("below-minimum", 2, "DVRF CRITICAL - "),
    ] {
        let outcome = run(tool("dvrf-check").arg("--nagios").write_stdin(report(scenario)));
        assert_eq!(outcome.code, code, "{scenario}: {outcome}");
        assert!(outcome.out.starts_with(begins) && outcome.out.lines().count() == 1, "{scenario}: {outcome}");
    }
    let lost = |words: &[&str]| {
        let mut check = tool("dvrf-check");
        check
            .env("LOTTERY_ADDR", LOTTERY)
            .env("DEPOSIT_ADDR", "0x1")
            .env("SUPRA_RPC_URL", "http://127.0.0.1:9");
        run(check.args(["--live", "--nagios", "--retries", "0"]).args(words))
    };
    assert_eq!(lost(&[]).code, 3);
    assert!(lost(&[]).out.contains("'balance'=U"));
    assert_eq!(lost(&["--timeout-state", "critical"]).code, 2);
    for mistake in [&["--no-such-flag"][..], &["--warn", "much"]] {
        let outcome = lost(mistake);
        assert_eq!((outcome.code, outcome.out.starts_with("DVRF UNKNOWN - ")), (3, true), "{outcome}");
    }
}

/// What the old script wrote: the report without what came after it.
fn old(scenario: &str) -> String {
    let mut record: Value = serde_json::from_str(&report(scenario)).unwrap();
    for key in ["schema", "target", "state", "views"] {
        record.as_object_mut().unwrap().shift_remove(key);
    }
    record.to_string()
}

#[test]
fn old_reports_are_read_as_far_as_they_go() {
    let judged = |scenario: &str| {
        let outcome = run(tool("dvrf-check").write_stdin(old(scenario)));
        (outcome.code, outcome.json()["checks"]["status"].as_str().unwrap().to_owned())
    };
    assert_eq!(judged("healthy"), (0, "ok".to_owned()));
    assert_eq!(judged("at-minimum"), (1, "alert".to_owned()));
    assert_eq!(judged("no-aggregator"), (1, "alert".to_owned()));
    let ready = |scenario: &str| run(tool("dvrf-draw").arg("ready").write_stdin(old(scenario))).code;
    assert_eq!((ready("ready"), ready("healthy"), ready("at-minimum")), (0, 1, 1));
    let nulls = run(tool("dvrf-check").write_stdin("{\"deposit\":{\"balance\":null}}\n"));
    assert_eq!((nulls.code, nulls.json()["checks"]["status"].clone()), (2, json!("unknown")), "{nulls}");
}

/// The age of a pending request is counted on through runs that could not read its nonce.
#[test]
fn an_unread_nonce_does_not_make_a_request_young() {
    let folder = tempfile::tempdir().unwrap();
    let mut record: Value = serde_json::from_str(&report("stuck")).unwrap();
    let nonce = record["state"]["lottery"]["pending_nonce"].take();
    let mut stuck = |minute: &str, nonce: &Value| {
        record["timestamp"] = json!(format!("2025-10-05T15:{minute}:00+00:00"));
        record["state"]["lottery"]["pending_nonce"] = nonce.clone();
        let mut check = tool("dvrf-check");
        check.args(["--max-lag", "0", "--pending-critical", "30m", "--state-dir"]).arg(folder.path());
        let outcome = run(check.write_stdin(record.to_string()));
        outcome.json()["checks"]["violations"].to_string().contains("REQUEST_STUCK")
    };
    assert!(!stuck("00", &nonce));
    assert!(!stuck("15", &Value::Null));
    assert!(!stuck("20", &nonce));
    assert!(stuck("31", &nonce));
    assert!(!stuck("32", &json!(["77"])), "another request");
    assert!(!stuck("33", &Value::Null), "its age goes on");
}

#[test]
fn chain_text_cannot_paint_a_terminal() {
    let state = json!({"deposit": {"balance": "9", "min_balance": "1", "client_whitelisted": true, "modules": [
        {"module_type": "\u{1b}[2Jx\u{202e}", "max_callback_txn_fee": "1", "min_balance_limit": "1", "enabled": false}]}});
    let record = json!({"profile": "\u{1b}]0;title\u{7}", "state": state});
    let outcome = run(tool("dvrf-check").args(["--format", "text"]).write_stdin(record.to_string()));
    assert_eq!(outcome.code, 1);
    assert!(
        !outcome.out.contains('\u{1b}')
            && !outcome.out.contains('\u{202e}')
            && !outcome.out.contains('\u{7}')
    );
}
