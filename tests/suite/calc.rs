//! `dvrf-calc`: the old calculator's flags, text and JSON.

use testkit::{run, tool};

const GAS: [&str; 6] =
    ["--max-gas-price", "1000", "--max-gas-limit", "500_000", "--verification-gas", "25000"];

#[test]
fn the_reference_values_as_json_and_text() {
    let outcome = run(tool("dvrf-calc").args(GAS).arg("--json"));
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome}");
    let expected = "{\n  \"max_gas_price\": \"1000\",\n  \"max_gas_limit\": \"500000\",\n  \"verification_gas_value\": \"25000\",\n  \"per_request_fee\": \"525000000\",\n  \"min_balance\": \"15750000000\",\n  \"recommended_deposit\": \"18112500000\",\n  \"margin_ratio\": 0.15,\n  \"request_window\": 30\n}\n";
    assert_eq!(outcome.out, expected);
    let outcome = run(tool("dvrf-calc").args(GAS));
    assert_eq!(outcome.out.lines().count(), 9, "{outcome}");
    assert!(outcome.out.contains("15 750 000 000 quants (~157.500000 SUPRA)"), "{outcome}");
}

#[test]
fn the_fee_formula() {
    let outcome = run(tool("dvrf-calc").args(["--max-txn-fee", "1000000", "--json", "--margin", "0"]));
    assert!(outcome.out.contains("\"min_balance\": \"30000000\""), "{outcome}");
}

#[test]
fn mistakes_name_flag_and_value() {
    for (words, said) in [
        (&["--margin", "nan"][..], "--margin is \"nan\": a decimal number such as 0.15 is needed"),
        (&["--margin", "-1"], "--margin is \"-1\": a decimal number such as 0.15 is needed"),
        (&["--window", "0"], "--window is \"0\": a number above 0 is needed"),
        (
            &["--max-gas-price", "１０００"],
            "--max-gas-price is \"１０００\": a whole number of ASCII digits is needed",
        ),
        (&["--max-gas-price", "0"], "--max-gas-price is \"0\": a number above 0 is needed"),
        (
            &["--max-gas-limit", "340282366920938463463374607431768211455"],
            "the gas sum does not fit 128 bits",
        ),
        (&["--margin", "0.1234567890123456789"], "--margin is"),
    ] {
        let outcome = run(tool("dvrf-calc").args(GAS).args(words));
        assert_eq!((outcome.code, outcome.out.as_str()), (2, ""), "{words:?}: {outcome}");
        assert!(outcome.err.starts_with(&format!("[error] dvrf-calc: {said}")), "{words:?}: {outcome}");
    }
    let outcome = run(tool("dvrf-calc").args(&GAS[..4]));
    assert_eq!(outcome.code, 2);
    assert!(outcome.err.contains("--verification-gas"), "{outcome}");
}

#[test]
fn a_minimum_beyond_the_contract_is_a_warning() {
    let words = [
        "--max-gas-price",
        "18446744073709551615",
        "--max-gas-limit",
        "2",
        "--verification-gas",
        "0",
        "--json",
    ];
    let outcome = run(tool("dvrf-calc").args(words));
    assert_eq!(outcome.code, 0);
    assert!(outcome.err.contains("E_MIN_BALANCE_OVERFLOW"), "{outcome}");
}
