//! `dvrf-calc`: the old calculator's flags, text and JSON.

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::{contains, starts_with};
use rstest::rstest;
use testkit::tool;

const GAS: [&str; 6] =
    ["--max-gas-price", "1000", "--max-gas-limit", "500_000", "--verification-gas", "25000"];

fn calc(words: &[&str]) -> Command {
    let mut command = tool("dvrf-calc");
    command.args(words);
    command
}

#[test]
fn the_reference_values_as_json_and_text() {
    let expected = "{\n  \"max_gas_price\": \"1000\",\n  \"max_gas_limit\": \"500000\",\n  \"verification_gas_value\": \"25000\",\n  \"per_request_fee\": \"525000000\",\n  \"min_balance\": \"15750000000\",\n  \"recommended_deposit\": \"18112500000\",\n  \"margin_ratio\": 0.15,\n  \"request_window\": 30\n}\n";
    calc(&GAS).arg("--json").assert().code(0).stdout(expected).stderr("");
    let lines = predicate::function(|text: &str| text.lines().count() == 9);
    calc(&GAS).assert().code(0).stdout(lines.and(contains("15 750 000 000 quants (~157.500000 SUPRA)")));
}

#[test]
fn the_fee_formula() {
    calc(&["--max-txn-fee", "1000000", "--json", "--margin", "0"])
        .assert()
        .stdout(contains("\"min_balance\": \"30000000\""));
}

#[rstest]
#[case::no_number("--margin", "nan", "--margin is \"nan\": a decimal number such as 0.15 is needed")]
#[case::negative("--margin", "-1", "--margin is \"-1\": a decimal number such as 0.15 is needed")]
#[case::too_many_digits("--margin", "0.1234567890123456789", "--margin is")]
#[case::no_window("--window", "0", "--window is \"0\": a number above 0 is needed")]
#[case::no_price("--max-gas-price", "0", "--max-gas-price is \"0\": a number above 0 is needed")]
#[case::wide_digits(
    "--max-gas-price",
    "１０００",
    "--max-gas-price is \"１０００\": a whole number of ASCII digits is needed"
)]
#[case::overflow(
    "--max-gas-limit",
    "340282366920938463463374607431768211455",
    "the gas sum does not fit 128 bits"
)]
fn mistakes_name_flag_and_value(#[case] flag: &str, #[case] value: &str, #[case] said: &str) {
    let said = format!("[error] dvrf-calc: {said}");
    calc(&GAS).args([flag, value]).assert().code(2).stdout("").stderr(starts_with(said));
}

#[test]
fn a_missing_flag_is_named() {
    calc(&GAS[..4]).assert().code(2).stderr(contains("--verification-gas"));
}

#[test]
fn a_minimum_beyond_the_contract_is_a_warning() {
    calc(&["--max-gas-price", "18446744073709551615", "--max-gas-limit", "2", "--verification-gas", "0"])
        .arg("--json")
        .assert()
        .code(0)
        .stderr(contains("E_MIN_BALANCE_OVERFLOW"));
}
