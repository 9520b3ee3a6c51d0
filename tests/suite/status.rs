//! `dvrf-status`: every view with its answer, in JSON and for people.

use predicates::prelude::*;
use predicates::str::{contains, starts_with};
use serde_json::json;
use testkit::{Devnet, Way, json_at};

#[test]
fn one_failed_view_does_not_hide_the_others() {
    let devnet = Devnet::start(&["--fault", "view:is_contract_paused=abort:327685"]);
    devnet
        .tool("dvrf-status", Way::Rpc)
        .args(["--live", "--format", "values"])
        .assert()
        .code(0)
        .stdout(starts_with("Chain: 6\n\nSubscription\n  deposit "))
        .stdout(contains("787.5 SUPRA (78 750 000 000 quants)\n"))
        .stdout(contains("\n  deposit module paused        unknown [aborted] the function aborted with ECONTRACT_IS_PAUSED"))
        .stdout(contains("callback sender             0xa6"))
        // A pipe gets no colours.
        .stdout(contains('\u{1b}').not());
    devnet
        .tool("dvrf-status", Way::Rpc)
        .arg("--live")
        .assert()
        .stdout(json_at("/views/paused/error/kind", "aborted"))
        .stdout(json_at("/state/deposit/paused", json!(null)))
        .stdout(json_at("/state/deposit/grant_remaining", "500000000"));
}

#[test]
fn russian() {
    Devnet::start(&[])
        .tool("dvrf-status", Way::Rpc)
        .args(["--live", "--format", "values", "--lang", "ru"])
        .assert()
        .stdout(contains("\nПодписка\n  депозит ").and(contains("\nЛотерея\n")));
}

#[test]
fn a_subscription_without_a_lottery() {
    let devnet = Devnet::start(&["--clients", "1"]);
    let mut tool = devnet.tool("dvrf-status", Way::Rpc);
    tool.env_remove("LOTTERY_ADDR").env("CLIENT_ADDR", devnet.client(1).0);
    tool.args(["--live", "--format", "values"]).assert().code(0).stdout(contains("\nLottery\n").not());
}

#[test]
fn a_card_and_every_value_with_verbose() {
    let devnet = Devnet::start(&[]);
    let status = |words: &[&str]| {
        devnet.tool("dvrf-status", Way::Rpc).args(["--live", "--format", "text"]).args(words).assert().code(0)
    };
    status(&[]).stdout(starts_with("✔ devnet  testnet ").and(contains("5.0 × minimum (157.5)")));
    status(&["-v"]).stdout(starts_with("✔ devnet").and(contains("\nSubscription\n  deposit ")));
    // The exit says whether the values were read; judging is for dvrf-check.
    devnet.enter("at-minimum");
    status(&[]).stdout(starts_with("✖ devnet  testnet   deposit at the minimum"));
}
