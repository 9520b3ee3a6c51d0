//! A pending request is dated by its event, unasked: one that waits too long is never ok.

use rstest::rstest;
use serde_json::json;
use testkit::{Devnet, Way, json_at, run, tool};

#[test]
fn a_live_check_dates_a_request_and_finds_it_stuck() {
    let devnet = Devnet::start(&["--scenario", "stuck"]);
    let check = |words: &[&str]| run(devnet.tool("dvrf-check", Way::Rpc).arg("--live").args(words));
    let outcome = check(&[]);
    assert_eq!(outcome.code, 1, "{outcome}");
    let finding = &outcome.json()["checks"]["findings"][0];
    assert_eq!(
        (finding["code"].as_str(), finding["severity"].as_str()),
        (Some("REQUEST_STUCK"), Some("critical"))
    );
    assert!(finding["evidence"]["age_seconds"].as_u64().unwrap() >= 3 * 3600, "{finding}");
    let nagios = check(&["--nagios"]);
    assert_eq!(nagios.code, 2, "{nagios}");
    assert!(nagios.out.contains("a randomness request has waited for 3 h"), "{nagios}");
}

#[test]
fn a_request_older_than_the_events_that_were_read_is_stuck() {
    let devnet = Devnet::start(&["--scenario", "stuck"]);
    let report = run(devnet.tool("dvrf-json", Way::Rpc).args(["--live", "--events", "2h"]));
    assert_eq!(report.code, 0, "{report}");
    let outcome = run(tool("dvrf-check").write_stdin(report.out));
    assert_eq!(outcome.code, 1, "{outcome}");
    let message = outcome.json()["checks"]["findings"][0]["message"].clone();
    assert!(message.as_str().unwrap().contains("has waited for at least 2 h"), "{message}");
}

#[test]
fn a_fresh_request_is_no_alert() {
    let devnet = Devnet::start(&["--scenario", "pending"]);
    devnet
        .tool("dvrf-check", Way::Rpc)
        .arg("--live")
        .assert()
        .code(0)
        .stdout(json_at("/checks/findings/0/code", "REQUEST_PENDING"));
}

/// A node that has pruned the request's block shows that it is older than what it has, and no more.
#[rstest]
#[case::seconds("pending", "99995", 0, "info", "a randomness request is pending")]
#[case::minutes_of_three_hours(
    "stuck",
    "99000",
    1,
    "warning",
    "a randomness request has waited for at least 8 min"
)]
fn a_pruned_node_dates_a_request_by_what_it_has(
    #[case] scenario: &str,
    #[case] oldest: &str,
    #[case] code: i32,
    #[case] severity: &str,
    #[case] said: &str,
) {
    let devnet = Devnet::start(&["--scenario", scenario, "--oldest-block", oldest]);
    let outcome = run(devnet.tool("dvrf-check", Way::Rpc).args(["--live", "--format", "json"]));
    let finding = &outcome.json()["checks"]["findings"][0];
    assert_eq!((outcome.code, &finding["severity"]), (code, &json!(severity)), "{outcome}");
    assert!(finding["message"].as_str().unwrap().starts_with(said), "{outcome}");
}
