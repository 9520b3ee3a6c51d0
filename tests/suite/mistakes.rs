//! Typical mistakes on the command line, and exactly what is said about them: the tool, what was typed, and what to type
//! instead. `UPDATE_GOLDEN=1 cargo test -p testkit mistakes` rewrites `tests/golden/mistakes.txt`.

use std::fmt::Write;
use std::process::{Command, Stdio};

use assert_cmd::Command as Tool;
use rstest::rstest;
use testkit::{LOTTERY, binary, root};

/// What is typed after `dvrf`. `LOTTERY` is an address; `TESTNET` stands for a whole target.
const LINES: [&str; 66] = [
    // Commands.
    "chek",
    "--nagios",
    "explain",
    "explain REQUEST_STUK",
    "draw",
    "draw redy",
    "events",
    "notify tset",
    "check testnet",
    // Flags.
    "check --nagois",
    "check --format txt",
    "draw auto --execute --dry-run",
    "draw auto --fill-tickets",
    "events list --last 5 --limit 3",
    "fund TESTNET --to lots",
    "fund TESTNET --for soon",
    "fund TESTNET --to 300% --for 30d",
    "fund TESTNET --max-amount 1.5",
    "calc",
    "calc --max-gas-price 1000",
    "calc --max-gas-price 1,000 --max-gas-limit 1 --verification-gas 1",
    "prom --listen 9877",
    // The target.
    "check",
    "check --network testnet",
    "check --network tesnet --lottery-addr LOTTERY",
    "check --network testnet --lottery-addr 0x9a96zz",
    "check --network testnet --client-addr 0x",
    // The node.
    "check TESTNET --rpc-url 127.0.0.1:9",
    "check TESTNET --rpc-url http://127.0.0.1:9",
    "check TESTNET --transport cli",
    "check TESTNET --transport rcp",
    "check TESTNET --replay /nonexistent",
    "check TESTNET --timeout soon",
    "check TESTNET --jobs 0",
    // The policy.
    "check TESTNET --warn two",
    "check TESTNET --warn 50%",
    "check TESTNET --max-lag 300000000",
    "check TESTNET --fail-on critcal",
    "check TESTNET --expect-event draw-handled",
    "check TESTNET --min-balance-limit 150.5",
    "events list TESTNET --since yesterday",
    // Files, channels and sinks.
    "check --input /nonexistent.json",
    "check TESTNET --state-dir /proc/x",
    "notify TESTNET",
    "notify TESTNET --channel slak,url-file=/x",
    "prom TESTNET --push-job dvrf",
    // Synonyms, stray words, and values of another kind.
    "topup",
    "check TESTNET main-2",
    "check --network",
    "check TESTNET --warn 200",
    "check TESTNET --warn 0.5 --critical 2",
    "check TESTNET --fail-on warn",
    "fund TESTNET --to 500",
    "fund TESTNET --max-amount 500",
    "notify mute main --for 2",
    "notify mute REQUEST_STUK --for 2h",
    "draw ready TESTNET --min-tickets five",
    "draw auto --wait-handled 2m",
    "calc --max-txn-fee 5.25SUPRA",
    // Contradictions, examples and URLs.
    "check --network mainnet --chain-id 6 --lottery-addr LOTTERY",
    "check --network testnet --lottery-addr 0x9a96…4490",
    "check TESTNET --rpc-url htp://rpc.example",
    "check TESTNET --rpc-url 127.0.0.1:19811",
    "check TESTNET --rpc-url rpc-testnet.supra.com",
    "check TESTNET --rpc-url https://…",
    "check TESTNET --rpc-url rpc.example/v1/key123",
];

#[test]
fn a_mistake_is_named_with_what_to_type_instead() {
    let mut said = String::new();
    for line in LINES {
        let target = format!("--network testnet --lottery-addr {LOTTERY}");
        let words = line.replace("TESTNET", &target).replace("LOTTERY", LOTTERY);
        // With /dev/null on stdin the chain is asked, as on a terminal.
        let mut dvrf = Command::new(binary("dvrf"));
        dvrf.env_clear().env("DVRF_CACHE_DIR", "off").env("DVRF_RETRIES", "0").args(words.split(' '));
        let output = dvrf.stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.starts_with("[error] dvrf"), "{line}: {stderr}");
        assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
        writeln!(said, "$ dvrf {line}\n{stderr}").unwrap();
    }
    let path = root().join("tests/golden/mistakes.txt");
    if option_env!("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &said).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == said, "tests/golden/mistakes.txt differs; what is said now:\n{said}");
}

/// What a record and a card say to do about a mistake of the user: never to ask another node.
#[rstest]
#[case::setting(
    "check --network testnet --lottery-addr 0x9zz",
    "",
    "a setting is wrong",
    "Correct what the message names."
)]
#[case::hint(
    "check --network testnet",
    "",
    "a setting is wrong",
    "a subscription without a lottery is named by CLIENT_ADDR or --client-addr"
)]
#[case::cut(
    "check",
    "{\"state\":",
    "the input cannot be used",
    "the record is cut off: run the tool that writes it again"
)]
#[case::no_record("check", "\n", "the input cannot be used", "use --live to ask the chain")]
fn a_record_says_what_to_correct(
    #[case] words: &str,
    #[case] input: &str,
    #[case] title: &str,
    #[case] remedy: &str,
) {
    let mut tool = Tool::new(binary("dvrf"));
    tool.env_clear().env("DVRF_CACHE_DIR", "off").args(words.split(' '));
    if input.is_empty() {
        tool.arg("--live");
    }
    let output = tool.write_stdin(input).output().unwrap();
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding = &record["checks"]["findings"][0];
    assert_eq!((&finding["title"], &finding["remedy"]["text"]), (&title.into(), &remedy.into()), "{record}");
    assert_eq!((output.status.code(), finding["code"].as_str()), (Some(2), Some("VALUE_UNKNOWN")));
}
