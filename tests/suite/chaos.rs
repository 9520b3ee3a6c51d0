//! The chaos suite itself: a case repeats from its line, and a falsified expectation is caught.

use assert_cmd::Command;
use testkit::{Outcome, binary, run};

const CALM: &str = r#"{"seed":1,"transport":"rpc","noise":"none","interface":"v3","node":"v11.7","api":"v1,v2,v3","abi":true,"scenario":"healthy","pipeline":"piped","clients":0,"jobs":24,"retries":0,"timeout_ms":30000,"call_timeout_ms":10000,"detail":"","faults":[],"later":null}"#;

fn chaos(words: &[&str]) -> Outcome {
    run(Command::new(binary("chaos")).args(words))
}

#[test]
fn a_case_repeats_from_its_line() {
    let out = chaos(&["--case", CALM]);
    assert_eq!((out.code, out.out.as_str(), out.err.as_str()), (0, "right: [Ok]\n", ""));
}

#[test]
fn a_falsified_expectation_is_caught_shrunk_and_repeatable() {
    let out = chaos(&["--case", CALM, "--falsify"]);
    assert_eq!(out.code, 1);
    for wanted in [
        r#"state/deposit/balance is "78750000000", the truth is "178750000000""#,
        "state/deposit/at_or_below_minimum is false, the truth is true",
        "state/deposit/paused is false, the truth is true",
    ] {
        assert!(out.out.contains(wanted), "{}", out.out);
    }
    let out = chaos(&["1", "--seed", "7", "--first", "1", "--falsify"]);
    assert_eq!(out.code, 1, "{}", out.out);
    for wanted in ["repeat: scripts/chaos 1 --seed 7 --first ", "scripts/chaos --case '{\"seed\":1,"] {
        assert!(out.out.contains(wanted), "{}", out.out);
    }
    let line = out.out.lines().find_map(|line| line.split_once("--case '")).unwrap().1;
    assert_eq!(chaos(&["--case", line.trim_end_matches('\''), "--falsify"]).code, 1, "{line}");
}

#[test]
fn a_line_that_is_no_case_is_refused() {
    let out = chaos(&["--case", "{\"seed\":1}"]);
    assert_eq!(out.code, 2);
    assert!(out.err.contains("missing field"), "{}", out.err);
}
