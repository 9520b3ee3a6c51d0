//! The remedies of whole verdicts, with the amounts, addresses and commands of their reports.

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::check::{Checker, Policy, Severity};

const CLIENT: &str = "0x9a969d3b77941cec267f03b9bbb323c0333fa63d0e9e15204edabc415f134490";
const DEPOSIT: &str = "0x186ba2ba88f4a14ca51f6ce42702c7ebdf6bfcf738d897cc98b986ded6f1219e";

fn record(balance: &str, more: &Value) -> Value {
    let mut record = json!({
        "profile": "lottery", "lottery_addr": CLIENT, "client_addr": CLIENT, "deposit_addr": DEPOSIT,
        "state": {
            "deposit": {"balance": balance, "min_balance": "15750000000", "supra_min_balance": "1", "at_or_below_minimum": balance <= "15750000000",
                "max_txn_fee": "525000000", "client_whitelisted": true, "paused": false, "modules": []},
            "lottery": {"ticket_count": "3", "draw_scheduled": false, "pending_request": false, "pending_nonce": [],
                "aggregator": ["0x7"], "consumers": ["0x1"]}
        },
        "views": {"balance": {"function": format!("{DEPOSIT}::deposit::check_client_fund")},
            "lottery_status": {"function": format!("{CLIENT}::main_v2::get_lottery_status")}}
    });
    merge(&mut record, more);
    record
}

fn merge(record: &mut Value, more: &Value) {
    match (record, more) {
        (Value::Object(fields), Value::Object(more)) => {
            for (key, value) in more {
                merge(fields.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (place, value) => *place = value.clone(),
    }
}

/// The findings on a record.
fn findings(record: &Value, policy: Policy) -> Vec<Finding> {
    let report = Report::of(&serde_json::from_value(record.clone()).unwrap()).unwrap();
    let checker = Checker { policy, calculation: None };
    checker.check(&report, None, jiff::Timestamp::UNIX_EPOCH).findings
}

#[test]
fn a_refused_deposit_has_its_amount_and_command() {
    let found = findings(&record("15750000000", &json!({})), Policy::default());
    let remedy = &found[0].remedy;
    assert_eq!(found[0].code, Code::DepositAtOrBelowMinBalance);
    assert_eq!(
        remedy.text,
        format!(
            "Deposit 315 SUPRA (31500000000 quants) for client {CLIENT} to reach 300 % of the minimum.\n\
             Request the refused draw again with dvrf draw run; it is not repeated by itself."
        )
    );
    assert_eq!(
        remedy.command.as_deref(),
        Some(
            format!(
                "supra move tool run --profile lottery --function-id {DEPOSIT}::deposit::deposit_fund_v2 --args address:{CLIENT} u64:31500000000"
            )
            .as_str()
        )
    );
}

#[test]
fn russian() {
    let policy = Policy { lang: Lang::Ru, ..Policy::default() };
    let found = findings(&record("23625000000", &json!({})), policy);
    assert_eq!(found[0].title, "депозит заканчивается");
    assert_eq!(
        found[0].remedy.text,
        format!(
            "Пополните депозит клиента {CLIENT} на 236.25 SUPRA (23625000000 квантов) – до 300 % минимума."
        )
    );
}

#[rstest]
#[case::another_generation(json!({"state": {"deposit": {"modules": null, "max_txn_fee": null}}}))]
#[case::no_function(json!({"views": {"balance": {"function": null}}}))]
#[case::another_account(json!({"views": {"balance": {"function": "0xbad::deposit::check_client_fund"}}}))]
#[case::not_a_module(json!({"views": {"balance": {"function": "0x1; rm -rf::deposit::f"}}}))]
fn no_command_where_none_is_known(#[case] more: Value) {
    let found = findings(&record("23625000000", &more), Policy::default());
    let remedy = &found.iter().find(|finding| finding.code == Code::DepositBelowWarnTier).unwrap().remedy;
    assert!(
        remedy.text.starts_with("Deposit 236.25 SUPRA (23625000000 quants) for client 0x9a96"),
        "{remedy:?}"
    );
    assert_eq!(remedy.command, None);
}

#[rstest]
#[case::spaces("my profile")]
#[case::substitution("$(reboot)")]
#[case::flag("--help")]
fn a_profile_that_a_shell_would_read_is_left_out(#[case] profile: &str) {
    let found = findings(&record("23625000000", &json!({"profile": profile})), Policy::default());
    let command = found[0].remedy.command.clone().unwrap();
    assert!(command.starts_with("supra move tool run --function-id 0x186b"), "{command}");
}

#[test]
fn the_deposit_is_one_problem() {
    let policy = Policy { min_balance_limit: Some(Quants(20_000_000_000)), ..Policy::default() };
    let report: crate::record::Record = serde_json::from_value(record("15750000000", &json!({}))).unwrap();
    let checker = Checker { policy, calculation: None };
    let checks = checker.check(&Report::of(&report).unwrap(), None, jiff::Timestamp::UNIX_EPOCH);
    let levels: Vec<_> = checks.findings.iter().filter(|f| f.code.is_deposit_level()).collect();
    assert_eq!(levels.len(), 1);
    assert_eq!(levels[0].also().collect::<Vec<_>>(), [Code::AvailableBelowExpectedMinBalance]);
    assert_eq!(levels[0].evidence["min_balance_expected"], "20000000000");
    assert!(checks.violations.contains(&Code::AvailableBelowExpectedMinBalance));
}

#[test]
fn a_missing_callback_sender_has_its_command_when_the_sender_is_known() {
    let none = json!({"state": {"lottery": {"aggregator": []}}});
    let of = |policy: Policy| {
        let found = findings(&record("78750000000", &none), policy);
        let about =
            |finding: &&Finding| matches!(finding.code, Code::AggregatorNotSet | Code::AggregatorUnexpected);
        found.iter().find(about).unwrap().remedy.clone()
    };
    assert_eq!(of(Policy::default()).command, None);
    let expected = of(Policy { aggregators: vec!["0xa6".parse().unwrap()], ..Policy::default() });
    let sender = "0x00000000000000000000000000000000000000000000000000000000000000a6";
    assert_eq!(
        expected.command,
        Some(format!(
            "supra move tool run --profile lottery --function-id {CLIENT}::main_v2::whitelist_callback_sender --args address:{sender}"
        ))
    );
}

/// The lottery requests its own draws, so that it is the consumer that is missing where none is.
#[test]
fn a_lottery_without_consumers_whitelists_itself() {
    let none = json!({"state": {"lottery": {"consumers": []}}});
    let found = findings(&record("78750000000", &none), Policy::default());
    let remedy = &found.iter().find(|finding| finding.code == Code::ConsumersEmpty).unwrap().remedy;
    assert_eq!(
        remedy.text,
        format!("Whitelist the consumer {CLIENT} in the lottery with {CLIENT}::main_v2::whitelist_consumer.")
    );
    let command = remedy.command.as_deref().unwrap();
    assert!(
        command.ends_with(&format!("{CLIENT}::main_v2::whitelist_consumer --args address:{CLIENT}")),
        "{command}"
    );
}

#[test]
fn a_stuck_request_names_its_nonce_and_transaction() {
    let pending = json!({
        "state": {"chain": {"id": 6}, "lottery": {"pending_request": true, "pending_nonce": ["5"]}},
        "requests": {"pending": [{"nonce": "5", "height": 1, "transaction_hash": "0xe9e7", "requested_at": null,
            "age_seconds": 10_800, "requester": null}]}
    });
    let found = findings(&record("78750000000", &pending), Policy::default());
    let stuck = found.iter().find(|finding| finding.code == Code::RequestStuck).unwrap();
    assert_eq!(stuck.title, "draw request unanswered for 3 h");
    assert_eq!(stuck.evidence["transaction_hash"], "0xe9e7");
    let steps: Vec<&str> = stuck.remedy.text.lines().collect();
    let sent = format!("Send Supra's support this: testnet, contract {CLIENT}, nonce 5, transaction 0xe9e7.");
    assert_eq!(steps.last(), Some(&sent.as_str()));
}

/// A report that names neither the contract nor the request still says whom to ask.
#[rstest]
#[case::new(
    Some(900),
    "If it is unanswered after an hour, ask Supra's support about it: give the contract's address and the time of the request."
)]
#[case::overdue(
    Some(10_800),
    "Ask Supra's support about it: give the contract's address and the time of the request."
)]
fn a_stuck_request_of_which_nothing_is_known(#[case] age: Option<u64>, #[case] expected: &str) {
    let mut evidence = serde_json::Map::new();
    evidence.insert("age_seconds".to_owned(), json!(age));
    let finding = Finding::new(Code::RequestStuck, Severity::Critical, String::new(), evidence, Lang::En);
    let (report, policy) = (Report::default(), Policy::default());
    let remedy = Context::new(&Checks::default(), &report, &policy).stuck(&finding);
    assert_eq!(remedy.text.lines().last(), Some(expected));
}

/// 30 days at 1 SUPRA a day: what the balance above the minimum and a grant beside it do not pay for.
#[rstest]
#[case::without_a_grant("1000000000", None, Some((2_500_000_000, 3_500_000_000)))]
#[case::with_a_grant("1000000000", Some(1_000_000_000), Some((1_500_000_000, 2_500_000_000)))]
#[case::at_the_minimum("500000000", Some(1_000_000_000), Some((2_000_000_000, 2_500_000_000)))]
#[case::the_grant_lasts_longer("1000000000", Some(9_000_000_000), None)]
#[case::only_the_minimum_is_missing("400000000", Some(9_000_000_000), Some((200_000_000, 500_000_001)))]
#[case::lasts("3600000000", None, None)]
fn how_much_lasts_for_a_month(
    #[case] balance: &str,
    #[case] grant: Option<u128>,
    #[case] expected: Option<(u128, u128)>,
) {
    let checks: Checks = serde_json::from_value(json!({
        "status": "ok", "severity": null, "violations": [], "warnings": [], "findings": [],
        "available_quants": balance, "min_balance_onchain": "500000000",
        "runway": {"draws": null, "seconds": 0, "at": null, "per_day": "100000000", "basis": "balance", "confidence": "high",
            "grant": grant.map(|grant| grant.to_string())}
    }))
    .unwrap();
    let found = shortage(&checks, &Policy::default(), Some(Goal::Span(30 * 86_400)));
    assert_eq!(found.map(|found| (found.amount.get(), found.target.get())), expected);
}

#[test]
fn another_chain_is_named() {
    let policy = Policy { chain_id: Some(8), ..Policy::default() };
    let found = findings(&record("78750000000", &json!({"state": {"chain": {"id": 6}}})), policy);
    assert_eq!(found[0].code, Code::WrongChain);
    assert!(
        found[0].remedy.text.contains("chain 6 (testnet), and 8 (mainnet) is expected"),
        "{:?}",
        found[0]
    );
}
