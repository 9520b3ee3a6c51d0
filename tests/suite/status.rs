//! `dvrf-status`: every view with its answer, in JSON and for people.

use serde_json::json;
use testkit::{Devnet, Way, run};

#[test]
fn one_failed_view_does_not_hide_the_others() {
    let devnet = Devnet::start(&["--fault", "view:get_client_total_grant=abort:327685"]);
    let outcome = run(devnet.tool("dvrf-status", Way::Rpc).args(["--live", "--format", "text"]));
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(outcome.out.starts_with("Chain: 6\n\nSubscription\n  deposit "), "{outcome}");
    assert!(outcome.out.contains("787.5 SUPRA (78 750 000 000 quants)\n"), "{outcome}");
    let line = outcome.out.lines().find(|line| line.contains("grant in total")).unwrap();
    assert!(line.contains("unknown [aborted] the function aborted with ECONTRACT_IS_PAUSED"), "{line}");
    assert!(outcome.out.contains("callback sender             0xa6"), "{outcome}");
    assert!(!outcome.out.contains('\u{1b}'), "a pipe gets no colours");
    let json = run(devnet.tool("dvrf-status", Way::Rpc).arg("--live")).json();
    assert_eq!(json["views"]["grant_total"]["error"]["kind"], "aborted");
    assert_eq!(json["state"]["deposit"]["grant_total"], json!(null));
    assert_eq!(json["state"]["deposit"]["grant_remaining"], "500000000");
}

#[test]
fn russian() {
    let devnet = Devnet::start(&[]);
    let outcome =
        run(devnet.tool("dvrf-status", Way::Rpc).args(["--live", "--format", "text", "--lang", "ru"]));
    assert!(outcome.out.contains("\nПодписка\n  депозит "), "{outcome}");
    assert!(outcome.out.contains("\nЛотерея\n"), "{outcome}");
}

#[test]
fn a_subscription_without_a_lottery() {
    let devnet = Devnet::start(&["--clients", "1"]);
    let mut tool = devnet.tool("dvrf-status", Way::Rpc);
    tool.env_remove("LOTTERY_ADDR").env("CLIENT_ADDR", devnet.client(1).0);
    let outcome = run(tool.args(["--live", "--format", "text"]));
    assert_eq!(outcome.code, 0, "{outcome}");
    assert!(!outcome.out.contains("\nLottery\n"), "{outcome}");
}
