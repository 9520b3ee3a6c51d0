//! `dvrf-fund`: what is missing, what stands against a top-up, and one top-up for one shortage.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod fund_guard;

use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use assert_cmd::Command;
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{Devnet, LOTTERY, MINIMUM, Outcome, Way, program, run, tool};

/// What an account owns on a new devnet, and the gas of a transaction.
pub(crate) const WALLET: u128 = 500_000_000_000;
const GAS: u128 = 8_700_000;
/// How a run at a terminal asks.
const QUESTION: &str = "Type the last four digits";
/// What the scenario `low` lacks to 300 % of the minimum.
const MISSING: u128 = 23_625_000_000;
/// Limits that allow one such top-up, and not two in a day.
pub(crate) const LIMITS: [&str; 8] = [
    "--max-amount=400SUPRA",
    "--max-per-day=400SUPRA",
    "--max-per-month=2000SUPRA",
    "--reserve=10SUPRA",
    "--cool-down=0",
    "--new-journal",
    "--confirm-timeout=2",
    // Some tests set the chain's clock forward.
    "--max-lag=0",
];

/// A tool that reads over REST and signs with the CLI as the lottery's owner.
pub(crate) fn fund(devnet: &Devnet, words: &[&str]) -> Command {
    let mut command = devnet.tool("dvrf-fund", Way::Rpc);
    command.env("SUPRA_CLI_BIN", &devnet.cli).env("DVRF_DEVNET_URL", &devnet.url);
    command.env("XDG_STATE_HOME", devnet.cli.parent().unwrap().join("state"));
    command.env("DVRF_SENDER_ACCOUNT", LOTTERY);
    command.args(words);
    command
}

fn execute(devnet: &Devnet, words: &[&str]) -> Outcome {
    run(fund(devnet, &["--execute", "--live"]).args(LIMITS).args(words))
}

fn wallet(devnet: &Devnet) -> u128 {
    devnet.call("GET", "/devnet/state", "")["signer_wallet"].as_str().unwrap().parse().unwrap()
}

pub(crate) fn deposits(devnet: &Devnet) -> u64 {
    devnet.call("GET", "/devnet/state", "")["deposits"].as_u64().unwrap()
}

#[test]
fn dry_says_what_is_missing_and_the_command_of_check() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let outcome = run(&mut fund(&devnet, &["--live"]));
    assert_eq!((outcome.code, outcome.err.as_str()), (1, ""), "{outcome}");
    let record = outcome.json();
    let funding = &record["funding"];
    let seen = ["missing", "low", "amount", "target", "balance", "minimum", "signer_balance", "payable"];
    assert_eq!(
        seen.map(|key| funding[key].clone()),
        [
            json!(true),
            json!(true),
            json!("23625000000"),
            json!("47250000000"),
            json!("23625000000"),
            json!(MINIMUM.to_string()),
            json!("500000000000"),
            json!(true)
        ],
        "{funding}"
    );
    let checked = run(devnet.tool("dvrf-check", Way::Rpc).arg("--live")).json();
    assert_eq!(funding["remedy"], checked["checks"]["findings"][0]["remedy"]);
    assert_eq!(deposits(&devnet), 0);
    let text = run(&mut fund(&devnet, &["--live", "--format", "text"]));
    assert!(text.out.contains("missing   236.25 SUPRA to reach 472.5\n"), "{text}");
    assert!(text.out.contains("has 5000 SUPRA: enough\n"), "{text}");
    assert!(text.out.contains("u64:23625000000"), "{text}");
    let russian = run(&mut fund(&devnet, &["--live", "--format", "text", "--lang", "ru"]));
    assert!(russian.out.contains("нужно"), "{russian}");
}

#[rstest]
#[case::ratio("300%", 1, "23625000000")]
#[case::amount("500SUPRA", 1, "26375000000")]
#[case::quants("23625000001", 1, "1")]
#[case::still_low("236.25SUPRA", 1, "0")]
fn a_target_is_a_ratio_or_an_amount(#[case] to: &str, #[case] code: i32, #[case] amount: &str) {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let outcome = run(&mut fund(&devnet, &["--live", "--to", to]));
    assert_eq!((outcome.code, &outcome.json()["funding"]["amount"]), (code, &json!(amount)), "{outcome}");
}

/// A dry run says when --execute would send nothing, and why.
#[rstest]
#[case::limit("low", "--max-amount=5SUPRA", "236.25 SUPRA is more")]
#[case::not_low("healthy", "--to=900%", "the deposit is not low")]
fn a_dry_run_says_what_execute_would_not_do(#[case] scenario: &str, #[case] flag: &str, #[case] why: &str) {
    let devnet = Devnet::start(&["--scenario", scenario]);
    let text = run(&mut fund(&devnet, &["--live", "--format", "text", flag]));
    let line = format!("  but       --execute would send nothing: {why}");
    assert!(text.code == 1 && text.out.contains(&line), "{text}");
}

/// Writes a history of this many days in which one SUPRA an hour was spent.
fn spend_a_supra_an_hour(memory: &Path, days: u32) {
    let files = std::fs::read_dir(memory).unwrap().map(|entry| entry.unwrap().path());
    let path = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "ndjson")).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, last) = text.trim_end().rsplit_once('\n').unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    let now: jiff::Timestamp = last["at"].as_str().unwrap().parse().unwrap();
    let balance: u64 = last["balance"].as_str().unwrap().parse().unwrap();
    let point = |hours: u32| {
        let mut point = last.clone();
        point["at"] = json!((now - jiff::SignedDuration::from_hours(hours.into())).to_string());
        point["balance"] = json!((balance + u64::from(hours) * 100_000_000).to_string());
        format!("{point}\n")
    };
    let points: String = (0..=days * 24).rev().map(point).collect();
    std::fs::write(&path, format!("{head}\n{points}")).unwrap();
}

#[test]
fn a_target_in_time_needs_a_week_of_history() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let memory = tempfile::tempdir().unwrap();
    let folder = memory.path().to_str().unwrap();
    let words = ["--live", "--for", "30d", "--state-dir", folder];
    let unknown = run(&mut fund(&devnet, &words));
    let funding = unknown.json()["funding"].clone();
    assert_eq!((unknown.code, &funding["missing"]), (2, &Value::Null), "{unknown}");
    assert_eq!(
        funding["reasons"][0]["message"],
        "how fast the deposit is spent is not known well enough for --for"
    );
    spend_a_supra_an_hour(memory.path(), 20);
    let outcome = run(&mut fund(&devnet, &words));
    // 720 SUPRA for 30 days, above the minimum of 157.5; 236.25 are there. What is deposited is a whole number of SUPRA.
    let funding = outcome.json()["funding"].clone();
    assert_eq!((outcome.code, &funding["amount"]), (1, &json!("64200000000")), "{outcome}");
    let remedy = funding["remedy"]["text"].as_str().unwrap();
    assert!(remedy.contains("to reach 30 days at the recent rate"), "{remedy}");
}

#[test]
fn records_get_the_key_in_a_pipe() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let report = run(devnet.tool("dvrf-json", Way::Rpc).arg("--live")).out;
    let outcome = run(tool("dvrf-fund").write_stdin(report.clone()));
    assert_eq!((outcome.code, &outcome.json()["funding"]["payable"]), (1, &Value::Null), "{outcome}");
    assert!(outcome.out.starts_with(report.trim_end().strip_suffix('}').unwrap()));
    devnet.enter("healthy");
    let report = run(devnet.tool("dvrf-json", Way::Rpc).arg("--live")).out;
    let outcome = run(tool("dvrf-fund").write_stdin(report));
    assert_eq!((outcome.code, &outcome.json()["funding"]["missing"]), (0, &json!(false)), "{outcome}");
}

#[test]
fn one_shortage_is_topped_up_once() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let outcome = execute(&devnet, &[]);
    let line = outcome.json();
    assert_eq!(
        (outcome.code, &line["status"], &line["schema"]),
        (0, &json!("topped_up"), &json!("dvrf.fund/1"))
    );
    assert_eq!(line["top_up"]["amount"], "23625000000", "{outcome}");
    let printed: Value = serde_json::from_str(line["top_up"]["stdout"].as_str().unwrap()).unwrap();
    assert_eq!((&printed["hash"], &line["top_up"]["stderr"]), (&line["top_up"]["tx_hash"], &json!("")));
    assert_eq!(line["top_up"]["returncode"], 0, "{outcome}");
    assert_eq!(line["top_up"]["balance_before"], "23625000000", "{outcome}");
    assert_eq!(
        (&line["top_up"]["balance_after"], &line["top_up"]["fees"]),
        (&json!("47250000000"), &json!("0"))
    );
    assert_eq!((&line["spent_day"], &line["event"]), (&json!("23625000000"), &json!("fund.topped_up")));
    assert_eq!(wallet(&devnet), WALLET - MISSING - GAS);
    let again = execute(&devnet, &[]);
    assert_eq!((again.code, &again.json()["status"]), (0, &json!("enough")), "{again}");
    assert_eq!(deposits(&devnet), 1);
    let history = run(&mut fund(&devnet, &["history"]));
    let lines: Vec<Value> = history.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["amount"]), (2, &json!("23625000000")), "{history}");
    assert_eq!((&lines[1]["spent"], &lines[1]["top_ups"]), (&json!("23625000000"), &json!(1)));
    assert_eq!(lines[0]["tx_hash"], line["top_up"]["tx_hash"]);
    let russian = run(&mut fund(&devnet, &["history", "--format", "text", "--lang", "ru"]));
    assert!(russian.out.contains("пополнений: 1, 236.25 SUPRA; за 24 ч 236.25 SUPRA"), "{russian}");
    let text = run(&mut fund(&devnet, &["history", "--format", "text"]));
    assert!(
        text.out.ends_with("1 top-up, 236.25 SUPRA; last 24 h 236.25 SUPRA, last 30 days 236.25 SUPRA\n"),
        "{text}"
    );
}

#[rstest]
#[case::max_amount("low", &["--max-amount=236SUPRA"], "MAX_AMOUNT")]
#[case::max_per_day("low", &["--max-per-day=23624999999"], "MAX_PER_DAY")]
#[case::max_per_month("low", &["--max-per-month=1SUPRA"], "MAX_PER_MONTH")]
#[case::reserve("low", &["--reserve=4763SUPRA"], "RESERVE")]
#[case::target("low", &["--to=240SUPRA"], "TARGET_TOO_LOW")]
#[case::paused("paused", &["--to=900SUPRA", "--warn=6"], "DEPOSIT_PAUSED")]
fn what_stands_against_it_is_said_and_not_sent(
    #[case] scenario: &str,
    #[case] words: &[&str],
    #[case] code: &str,
) {
    let devnet = Devnet::start(&["--scenario", scenario]);
    let outcome = execute(&devnet, words);
    let line = outcome.json();
    let words: (&Value, &Value) = (&line["status"], &line["error"]["code"]);
    assert_eq!((outcome.code, words), (1, (&json!("refused"), &json!(code))), "{outcome}");
    let state = devnet.call("GET", "/devnet/state", "");
    assert_eq!((&state["deposits"], &state["submissions"]), (&json!(0), &json!(0)));
}

#[test]
fn a_run_without_a_person_needs_every_limit_and_a_signer() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    for missing in ["--max-amount", "--max-per-day", "--max-per-month", "--reserve"] {
        let given = LIMITS.iter().filter(|word| !word.starts_with(&format!("{missing}=")));
        let outcome = run(fund(&devnet, &["--execute", "--live"]).args(given));
        let line = outcome.json();
        assert_eq!((outcome.code, &line["error"]["code"]), (1, &json!("LIMIT_MISSING")), "{outcome}");
        assert!(outcome.err.contains(&format!("{missing} is not set")), "{outcome}");
    }
    let outcome = run(fund(&devnet, &["--execute", "--live"]).args(LIMITS).env_remove("DVRF_SENDER_ACCOUNT"));
    assert_eq!((outcome.code, &outcome.json()["error"]["code"]), (1, &json!("SIGNER_UNKNOWN")), "{outcome}");
    assert_eq!(deposits(&devnet), 0);
}

#[test]
fn the_reserve_holds_to_the_quant() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    // The amount, 1 SUPRA for gas, and the reserve.
    let exact = MISSING + 100_000_000 + 1_000_000_000;
    devnet.control(&json!({"wallet": (exact - 1).to_string()}));
    assert_eq!(execute(&devnet, &[]).json()["error"]["code"], "RESERVE");
    devnet.control(&json!({"wallet": exact.to_string()}));
    assert_eq!(execute(&devnet, &[]).json()["status"], "topped_up");
    assert!(wallet(&devnet) >= 1_000_000_000);
}

#[test]
fn limits_hold_over_several_shortages() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    assert_eq!(execute(&devnet, &[]).json()["status"], "topped_up");
    devnet.control(&json!({"balance": "23625000000"}));
    let line = execute(&devnet, &[]).json();
    assert_eq!(line["error"]["code"], "MAX_PER_DAY", "{line}");
    let more = ["--max-per-day=500SUPRA"];
    let resting = execute(&devnet, &["--max-per-day=500SUPRA", "--cool-down=1h"]);
    assert_eq!((resting.code, &resting.json()["error"]["code"]), (0, &json!("COOLING_DOWN")), "{resting}");
    assert_eq!(execute(&devnet, &more).json()["status"], "topped_up");
    assert_eq!(deposits(&devnet), 2);
}

#[test]
fn a_chain_where_only_the_client_can_deposit_is_named() {
    let devnet = Devnet::start(&["--scenario", "low", "--interface", "v2"]);
    let outcome = execute(&devnet, &[]);
    assert_eq!((outcome.code, &outcome.json()["error"]["code"]), (1, &json!("OWN_FUNCTION")), "{outcome}");
    assert!(outcome.err.contains("the wrapper of the contract that is the client"), "{outcome}");
}

#[rstest]
#[case::unreachable("5xx_rate=100")]
#[case::unknown_fund("view:check_client_fund=missing,view:get_balance_of_client_v2=missing")]
#[case::other_chain("wrong_chain_id=8")]
fn nothing_is_sent_on_what_is_not_known(#[case] fault: &str) {
    let devnet = Devnet::start(&["--scenario", "low"]);
    devnet.fault(fault);
    let outcome = execute(&devnet, &["--retries=0", "--chain-id=6"]);
    assert_eq!((outcome.code, &outcome.json()["status"]), (2, &json!("error")), "{outcome}");
    assert_eq!(devnet.call("GET", "/devnet/state", "")["submissions"], 0);
}

#[test]
fn a_fee_that_is_taken_meanwhile_is_allowed_for() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    devnet.fault("fee_with_deposit=525000000");
    let line = execute(&devnet, &[]).json();
    assert_eq!(
        (&line["status"], &line["top_up"]["fees"]),
        (&json!("topped_up"), &json!("525000000")),
        "{line}"
    );
}

#[test]
fn a_client_that_is_not_there_gets_nothing() {
    let devnet = Devnet::start(&["--scenario", "not-whitelisted"]);
    let outcome = execute(&devnet, &[]);
    let words = (outcome.code, &outcome.json()["error"]["code"]) == (1, &json!("CLIENT_NOT_WHITELISTED"));
    assert!(words, "{outcome}");
    assert_eq!(devnet.call("GET", "/devnet/state", "")["submissions"], 0);
}

#[test]
fn one_target_is_taken_from_stdin() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let target = format!("{{\"client_addr\":\"{LOTTERY}\"}}\n");
    let two = run(fund(&devnet, &["--execute"]).args(LIMITS).write_stdin(target.repeat(2)));
    assert_eq!((two.code, &two.json()["error"]["code"]), (2, &json!("INPUT")), "{two}");
    let torn = run(fund(&devnet, &["--execute"]).args(LIMITS).write_stdin("{\"client_addr\":"));
    assert_eq!((torn.code, &torn.json()["error"]["code"]), (2, &json!("INPUT")), "{torn}");
    let named = target.replace('{', "{\"name\":\"main\",");
    let one = run(fund(&devnet, &["--execute"]).args(LIMITS).write_stdin(named));
    // The line is about the same subscription as the records of the other tools.
    assert_eq!((&one.json()["status"], &one.json()["name"]), (&json!("topped_up"), &json!("main")), "{one}");
}

/// A record of a subscription of the settings file is topped up within that subscription's own limits.
#[rstest]
#[case::within(&["main", LOTTERY], 0, "")]
#[case::above(&["small", LOTTERY], 1, "MAX_AMOUNT")]
#[case::another_target(&["other", LOTTERY], 2, "CONFIG")]
#[case::unknown_name(&["third", LOTTERY], 0, "")]
#[case::chosen(&["third", LOTTERY, "--only", "small"], 1, "MAX_AMOUNT")]
fn a_record_has_the_limits_of_its_subscription(
    #[case] given: &[&str],
    #[case] code: i32,
    #[case] error: &str,
) {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dvrf.toml");
    let subscription = |name: &str, client: &str, more: &str| {
        format!(
            "[[subscription]]\nname = \"{name}\"\nclient = \"{client}\"\ndeposit = \"{}\"\n{more}",
            testkit::DEPOSIT
        )
    };
    let text = subscription("main", LOTTERY, "")
        + &subscription("small", LOTTERY, "[subscription.fund]\nmax_amount = \"1SUPRA\"\n")
        + &subscription("other", "0x9", "");
    std::fs::write(&file, "[fund]\nmax_amount = \"400SUPRA\"\n".to_owned() + &text).unwrap();
    let record = json!({"name": given[0], "client_addr": given[1]}).to_string();
    let mut command = fund(&devnet, &["--execute", "--config", file.to_str().unwrap()]);
    let limits = LIMITS.iter().filter(|limit| !limit.starts_with("--max-amount"));
    command.args(limits).args(&given[2..]).env_remove("LOTTERY_ADDR").write_stdin(record);
    let outcome = run(&mut command);
    let line = outcome.json();
    assert_eq!(
        (outcome.code, line["error"]["code"].as_str().unwrap_or_default()),
        (code, error),
        "{outcome}"
    );
    assert_eq!(deposits(&devnet), u64::from(code == 0), "{outcome}");
    let refused =
        outcome.err.contains("the record other is about another target than the subscription other of ");
    assert_eq!(refused, given[0] == "other", "{outcome}");
}

/// Nothing but the settings file says what is watched, who signs, and what a top-up may cost.
#[test]
fn each_subscription_of_the_file_has_its_own_limits() {
    const WHEEL: &str = "0xc0";
    let devnet = Devnet::start(&["--scenario", "low", "--consumer", "wheel", "--wheel-addr", WHEEL]);
    let folder = tempfile::tempdir().unwrap();
    // What is missing to either is 236.25 SUPRA.
    let write = |limits_of_wheel: &str| {
        let text = format!(
            "network = \"testnet\"\nrpc_url = \"{}\"\ntransport = \"rpc\"\nprofile = \"devnet\"\nsupra_cli_bin = \"{}\"\n\
             deposit_addr = \"{}\"\nstate_dir = \"state\"\n[draw]\nsender_account = \"{LOTTERY}\"\nconfirm_timeout = 2\n\
             [fund]\nmax_amount = \"300SUPRA\"\nmax_per_day = \"300SUPRA\"\nmax_per_month = \"2000SUPRA\"\n\
             reserve = \"10SUPRA\"\ncool_down = 0\n[[subscription]]\nname = \"main\"\nlottery = \"{LOTTERY}\"\n\
             [[subscription]]\nname = \"wheel\"\nclient = \"{WHEEL}\"\nfund = {{ {limits_of_wheel} }}\n",
            devnet.url,
            devnet.cli.display(),
            testkit::DEPOSIT
        );
        std::fs::write(folder.path().join("dvrf.toml"), text).unwrap();
    };
    let run_of = |name: &str, more: &[&str]| {
        let mut command = tool("dvrf-fund");
        command.env_clear().env("DVRF_DEVNET_URL", &devnet.url).env("DVRF_CACHE_DIR", "off");
        command.current_dir(folder.path()).args([
            "--execute",
            "--live",
            "--new-journal",
            "--config=dvrf.toml",
        ]);
        let outcome = run(command.args(["--only", name]).args(more));
        let line = outcome.json();
        assert_eq!(line["name"], name, "{outcome}");
        let error = line["error"]["code"].as_str().unwrap_or_default().to_owned();
        (outcome.code, line["status"].as_str().unwrap().to_owned(), error)
    };
    let refused = |code: &str| (1, "refused".to_owned(), code.to_owned());
    let topped_up = (0, "topped_up".to_owned(), String::new());
    write("max_amount = \"236SUPRA\"");
    assert_eq!(run_of("wheel", &[]), refused("MAX_AMOUNT"));
    // A flag narrows what the file allows.
    assert_eq!(run_of("main", &["--max-amount=236SUPRA"]), refused("MAX_AMOUNT"));
    assert_eq!(run_of("main", &["--reserve=4763SUPRA"]), refused("RESERVE"));
    assert_eq!(deposits(&devnet), 0);
    assert_eq!(run_of("main", &[]), topped_up);
    devnet.control(&json!({"balance": "23625000000"}));
    assert_eq!(run_of("main", &[]), refused("MAX_PER_DAY"));
    // What was spent for one is not counted for the other.
    write("max_per_day = \"236.25SUPRA\"");
    assert_eq!(run_of("wheel", &[]), topped_up);
    assert_eq!(run_of("wheel", &[]), (0, "enough".to_owned(), String::new()));
    assert_eq!(deposits(&devnet), 2);
}

/// A transaction goes to the node of the settings, so that a target of another network is not topped up there.
#[rstest]
#[case::another("mainnet", 2, "error", "CONFIG")]
#[case::the_same("testnet", 0, "topped_up", "")]
fn a_record_of_another_network_is_refused(
    #[case] network: &str,
    #[case] code: i32,
    #[case] status: &str,
    #[case] error: &str,
) {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let record = json!({"network": network, "client_addr": LOTTERY}).to_string();
    let outcome = run(fund(&devnet, &["--execute"]).args(LIMITS).write_stdin(record));
    let line = outcome.json();
    assert_eq!((outcome.code, &line["status"]), (code, &json!(status)), "{outcome}");
    assert_eq!(line["error"]["code"].as_str().unwrap_or_default(), error, "{outcome}");
    let refused = outcome.err.contains("the record is about mainnet, and the settings are about testnet");
    assert_eq!((refused, deposits(&devnet)), (code != 0, u64::from(code == 0)), "{outcome}");
}

#[test]
fn a_node_that_answers_is_read_and_sent_by() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let nodes = format!("http://127.0.0.1:9,{}", devnet.url);
    let outcome =
        run(fund(&devnet, &["--execute", "--live", "--retries=0"]).args(LIMITS).env("SUPRA_RPC_URL", nodes));
    let line = outcome.json();
    assert_eq!((outcome.code, &line["status"]), (0, &json!("topped_up")), "{outcome}");
    let command: Vec<&str> =
        line["top_up"]["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert!(command.windows(2).any(|words| words == ["--rpc-url", &devnet.url]), "{command:?}");
}

/// A node that stands still shows what the fund was: that must not hold top-ups up forever.
#[test]
fn a_node_that_stands_still_does_not_hold_a_top_up_back() {
    let devnet = Devnet::start(&["--scenario", "healthy", "--replicas", "1"]);
    let state = devnet.call("GET", "/devnet/state", "");
    devnet.replica(0, &json!({"stuck_at": state["height"]}));
    devnet.control(&json!({"advance_blocks": 1000, "balance": "23625000000"}));
    let nodes = format!("{},{}", devnet.replicas[0], devnet.url);
    let outcome = run(fund(&devnet, &["--execute", "--live"]).args(LIMITS).env("SUPRA_RPC_URL", nodes));
    assert_eq!((outcome.code, &outcome.json()["status"]), (0, &json!("topped_up")), "{outcome}");
}

#[rstest]
#[case::without("--retry=0", 2, "error")]
#[case::with("--retry=5", 0, "topped_up")]
fn the_first_look_is_tried_again_too(#[case] retry: &str, #[case] code: i32, #[case] status: &str) {
    let devnet = Devnet::start(&["--scenario", "low"]);
    // The first look asks three times.
    devnet.fault("5xx=9");
    let outcome = execute(&devnet, &["--retries=0", "--retry-delay=0", retry]);
    assert_eq!((outcome.code, &outcome.json()["status"]), (code, &json!(status)), "{outcome}");
}

#[test]
fn a_log_that_cannot_be_written_is_said_once() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let outcome = execute(&devnet, &["--log-file=/dev/full"]);
    assert_eq!((outcome.code, &outcome.json()["error"]["code"]), (2, &json!("LOG")), "{outcome}");
    assert_eq!(outcome.err.matches("cannot append to /dev/full").count(), 1, "{outcome}");
    assert_eq!(deposits(&devnet), 0);
}

#[test]
fn a_cli_that_may_run_for_hours_is_refused() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let outcome = execute(&devnet, &["--submit-timeout=601"]);
    assert_eq!((outcome.code, &outcome.json()["error"]["code"]), (2, &json!("CONFIG")), "{outcome}");
    assert!(
        outcome.err.contains("--submit-timeout is \"601\": a top-up is given up after at most 600 s"),
        "{outcome}"
    );
}

/// A run at a terminal, what happens after the question, and what a person types then.
fn attended(devnet: &Devnet, typed: &str, meanwhile: impl Fn(), words: &[&str]) -> (Option<i32>, String) {
    let inner = fund(devnet, &[]);
    let line =
        format!("{} --execute --live --format json {}", inner.get_program().display(), words.join(" "));
    let mut script = program("script");
    script.args(["-qec", &line, "/dev/null"]).env_clear();
    for (name, value) in inner.get_envs() {
        script.env(name, value.unwrap_or_default());
    }
    script.env("PATH", testkit::requirements::path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = script.spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut said, mut bytes) = (String::new(), [0; 4096]);
    while let Ok(count @ 1..) = stdout.read(&mut bytes) {
        let was_asked = said.contains(QUESTION);
        said.push_str(&String::from_utf8_lossy(&bytes[..count]));
        if said.contains(QUESTION) && !was_asked {
            meanwhile();
            stdin.write_all(format!("{typed}\n").as_bytes()).unwrap();
        }
    }
    (child.wait().unwrap().code(), said)
}

/// What a person confirms is read again when that took too long, and is not asked twice.
#[test]
fn a_person_is_asked_once_and_does_not_make_an_old_reading_fresh() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let slowly = || std::thread::sleep(Duration::from_millis(1200));
    let words = ["--max-reading-age=1", "--retry-delay=0", "--new-journal", "--cool-down=0", "--max-lag=0"];
    let (code, said) = attended(&devnet, "4490", slowly, &words);
    assert_eq!((code, deposits(&devnet)), (Some(0), 1), "{said}");
    assert_eq!(said.matches(QUESTION).count(), 1, "{said}");
    assert!(said.contains("\"status\":\"topped_up\""), "{said}");
    // Where every reading takes longer than it may be old, nothing is sent, person or not.
    devnet.control(&json!({"balance": "23625000000"}));
    devnet.fault("latency=600ms");
    let (code, said) = attended(&devnet, "4490", slowly, &words);
    assert_eq!((code, deposits(&devnet)), (Some(2), 1), "{said}");
    assert!(said.contains("\"code\":\"READING_OLD\""), "{said}");
}

/// Where nobody would see the question, nobody is there to be asked.
#[test]
fn a_person_who_does_not_see_stderr_is_not_asked() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let (code, said) = attended(&devnet, "", || {}, &["--new-journal", "--max-lag=0", "2>/dev/null"]);
    assert_eq!((code, deposits(&devnet)), (Some(1), 0), "{said}");
    assert!(said.contains("\"code\":\"LIMIT_MISSING\""), "{said}");
}

#[test]
fn what_somebody_else_deposits_meanwhile_is_not_deposited_again() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let others_deposit = || devnet.control(&json!({"balance": "23625000001"}));
    let (code, said) = attended(&devnet, "4490", others_deposit, &["--new-journal", "--max-lag=0"]);
    assert_eq!((code, deposits(&devnet)), (Some(0), 0), "{said}");
    assert!(said.contains("\"code\":\"TOPPED_UP_MEANWHILE\""), "{said}");
    assert!(said.contains("the fund rose to 236.25000001 SUPRA meanwhile: nothing was sent"), "{said}");
}

#[test]
fn a_new_journal_waits_for_a_person_too() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let (code, said) = attended(&devnet, "4490", || (), &["--max-lag=0"]);
    assert_eq!((code, deposits(&devnet)), (Some(0), 0), "{said}");
    assert!(said.contains("\"code\":\"JOURNAL_NEW\"") && !said.contains(QUESTION), "{said}");
    let (code, said) = attended(&devnet, "0000", || (), &["--max-lag=0", "--new-journal"]);
    assert_eq!((code, deposits(&devnet)), (Some(1), 0), "{said}");
    assert!(said.contains("\"code\":\"DECLINED\""), "{said}");
}

/// The wheel of a devnet with dVRF 2, where only the contract's own function can deposit for it.
fn wheel(words: &[&str]) -> (Devnet, impl Fn(&Devnet, &[&str]) -> Command) {
    const WHEEL: &str = "0xc0de";
    let devnet = Devnet::start(
        &[&["--scenario", "low", "--interface", "v2", "--consumer", "wheel", "--wheel-addr", WHEEL], words]
            .concat(),
    );
    let tool = |devnet: &Devnet, words: &[&str]| {
        let mut command = fund(devnet, words);
        command.env("LOTTERY_ADDR", WHEEL).env("CLIENT_ADDR", WHEEL);
        command.env("DVRF_LAYOUT", testkit::root().join("tests/fixtures/layouts/wheel.toml"));
        command
    };
    (devnet, tool)
}

/// A layout's `[fund]` is what dry runs and `check` print, and what `--execute` sends, once.
#[test]
fn a_contract_deposits_by_its_own_function() {
    let (devnet, tool) = wheel(&[]);
    let without = run(tool(&devnet, &["--live"]).env("DVRF_LAYOUT", "deposit-only")).json();
    assert_eq!(without["funding"]["reasons"][0]["code"], "OWN_FUNCTION", "{without}");
    assert_eq!(without["funding"]["remedy"].get("command"), None, "{without}");
    let dry = run(&mut tool(&devnet, &["--live"])).json();
    assert_eq!(dry["funding"]["reasons"], json!([]), "{dry}");
    let amount = dry["funding"]["amount"].as_str().unwrap();
    let command = dry["funding"]["remedy"]["command"].as_str().unwrap();
    let own = format!("::supra_wheel::deposit_to_supra --args u64:{amount}");
    assert!(command.ends_with(&own), "{command}");
    // What `check` says of the same deposit.
    let mut check = devnet.tool("dvrf", Way::Rpc);
    check.env("LOTTERY_ADDR", "0xc0de").env("CLIENT_ADDR", "0xc0de").args(["check", "--live"]);
    check.env("DVRF_LAYOUT", testkit::root().join("tests/fixtures/layouts/wheel.toml"));
    let findings = run(&mut check).json()["checks"]["findings"].clone();
    let remedies = findings.as_array().unwrap().iter().map(|finding| finding["remedy"]["command"].clone());
    assert!(remedies.collect::<Vec<_>>().contains(&json!(command)), "{findings}");
    let execute = || run(tool(&devnet, &["--execute", "--live"]).args(LIMITS));
    let sent = execute();
    assert_eq!((sent.code, &sent.json()["status"]), (0, &json!("topped_up")), "{sent}");
    assert_eq!(deposits(&devnet), 1);
    assert_eq!(execute().json()["status"], "enough");
    assert_eq!(deposits(&devnet), 1);
}

/// Who signs and what is called is the layout's to say; dVRF's own function is not called instead.
#[rstest]
#[case::another_signer("[\"u64:{amount}\"]\nsigner = \"consumer\"", "is signed by 0x")]
#[case::no_call("[\"u64:{amount}\", \"u64:{client}\"]", "does not name a call that can be sent")]
fn a_fund_section_that_does_not_fit_is_refused(#[case] args: &str, #[case] message: &str) {
    let (devnet, tool) = wheel(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.toml");
    let text = std::fs::read_to_string(testkit::root().join("tests/fixtures/layouts/wheel.toml")).unwrap();
    std::fs::write(&path, text.replace("[\"u64:{amount}\"]", args)).unwrap();
    let outcome = run(tool(&devnet, &["--execute", "--live"]).args(LIMITS).env("DVRF_LAYOUT", &path));
    let error = &outcome.json()["error"];
    assert_eq!((outcome.code, &error["code"]), (1, &json!("OWN_FUNCTION")), "{outcome}");
    assert!(error["message"].as_str().unwrap().contains(message), "{outcome}");
    assert_eq!(deposits(&devnet), 0);
}
