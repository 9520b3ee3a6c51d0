//! Layouts: other contracts than the lottery, read by their files from a devnet that hosts them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use assert_cmd::Command;
use predicates::str::contains;
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{DEPOSIT, Devnet, LOTTERY, program, root};

const DVRF: &str = env!("CARGO_BIN_EXE_dvrf");
/// Where the devnet hosts the further contract.
const CONSUMER: &str = "0xc0de";

fn dvrf(devnet: &Devnet, words: &[&str]) -> Command {
    let mut command = Command::new(DVRF);
    command.env_clear().env("DVRF_CACHE_DIR", "off").env("NO_COLOR", "1");
    command.envs([("SUPRA_RPC_URL", devnet.url.as_str()), ("LOTTERY_ADDR", CONSUMER)]);
    command.envs([("DEPOSIT_ADDR", DEPOSIT), ("DVRF_RETRIES", "0")]);
    command.current_dir(root().join("tests/fixtures/layouts")).args(words);
    command
}

fn devnet(scenario: &str, consumer: &str) -> Devnet {
    let address = format!("--{consumer}-addr");
    Devnet::start(&["--scenario", scenario, "--consumer", consumer, &address, CONSUMER])
}

/// The verdict of `dvrf check`: the status, and the code of each finding with the request or the condition that it is about.
fn verdict(devnet: &Devnet, layout: &str) -> (i32, Vec<String>) {
    let mut command = dvrf(devnet, &["check", "--live", "--layout", layout]);
    if layout.contains("dice") {
        // Who rolls the dice pays for the answer.
        command.env("CLIENT_ADDR", LOTTERY);
    }
    let output = command.output().unwrap();
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = record["checks"]["findings"].as_array().unwrap().iter().map(|finding| {
        let about = finding["evidence"]["request"].as_str().or(finding["evidence"]["watch"].as_str());
        format!("{} {}", finding["code"].as_str().unwrap(), about.unwrap_or_default()).trim().to_owned()
    });
    (output.status.code().unwrap(), findings.collect())
}

#[rstest]
#[case::core_healthy("healthy", "core", "core", 0, &[])]
#[case::core_pending("pending", "core", "core", 0, &["REQUEST_PENDING round 1 5"])]
#[case::core_stuck("stuck", "core", "core", 1, &["REQUEST_STUCK round 1 5"])]
#[case::core_nobody_answers("no-aggregator", "core", "core", 1, &["CALLBACK_SENDER_NOT_SET CALLBACK_SENDER_NOT_SET", "REQUEST_PENDING round 1 5"])]
#[case::core_not_initialised("empty", "core", "core", 2, &["CONSUMER_NOT_READY"])]
#[case::wheel_healthy("healthy", "wheel", "wheel.toml", 0, &[])]
#[case::wheel_pending("pending", "wheel", "wheel.toml", 0, &["REQUEST_PENDING spin 10"])]
#[case::wheel_stuck("stuck", "wheel", "wheel.toml", 1, &["REQUEST_STUCK spin 10"])]
#[case::wheel_not_initialised("empty", "wheel", "wheel.toml", 2, &["CONSUMER_NOT_READY"])]
#[case::dice_pending("pending", "dice", "dice.toml", 0, &["REQUEST_PENDING roll 10"])]
#[case::dice_stuck("stuck", "dice", "dice.toml", 1, &["REQUEST_STUCK roll 10"])]
#[case::generic_healthy("healthy", "wheel", "generic", 0, &[])]
#[case::generic_pending("pending", "wheel", "generic", 0, &["REQUEST_PENDING request 10"])]
#[case::generic_stuck("stuck", "wheel", "generic", 1, &["REQUEST_STUCK request 10"])]
#[case::multi_healthy("healthy", "multi", "multi", 0, &[])]
#[case::multi_pending("pending", "multi", "multi", 0, &["REQUEST_PENDING draw 5 10"])]
#[case::multi_stuck("stuck", "multi", "multi", 1, &["REQUEST_STUCK draw 5 10"])]
#[case::multi_not_initialised("empty", "multi", "multi", 2, &["CONSUMER_NOT_READY"])]
#[case::deposit_only("stuck", "wheel", "deposit-only", 0, &[])]
fn contracts_in_situations(
    #[case] scenario: &str,
    #[case] consumer: &str,
    #[case] layout: &str,
    #[case] exit: i32,
    #[case] findings: &[&str],
) {
    let layout =
        if Path::new(layout).extension().is_some() { format!("./{layout}") } else { layout.to_owned() };
    let (code, found) = verdict(&devnet(scenario, consumer), &layout);
    assert_eq!((code, found), (exit, findings.iter().map(|text| (*text).to_owned()).collect()));
}

#[rstest]
#[case::lost(json!({"core": {"swallow": "5"}}), &["HUB_LOST HUB_LOST 1", "REQUEST_PENDING round 1 5"])]
#[case::backlog(json!({"core": {"history_queue": 51}}), &["HISTORY_BACKLOG HISTORY_BACKLOG", "REQUEST_PENDING round 1 5"])]
#[case::no_pool(json!({"core": {"lottery": {"id": "1", "pool": ""}}}), &["POOL_MISSING POOL_MISSING 1", "REQUEST_PENDING round 1 5"])]
#[case::switches(json!({"core": {"lottery": {"id": "2", "hub_active": false}}}), &["LOTTERY_SWITCHES_DIFFER LOTTERY_SWITCHES_DIFFER 2", "REQUEST_PENDING round 1 5"])]
fn conditions_of_the_core_layout(#[case] order: Value, #[case] expected: &[&str]) {
    let devnet = devnet("pending", "core");
    devnet.control(&order);
    let (_, mut found) = verdict(&devnet, "core");
    found.sort();
    let mut expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
    expected.sort();
    assert_eq!(found, expected);
}

/// The package that only its tables show.
#[rstest]
#[case::paused(json!({"multi": {"requests_paused": true}}), &["REQUESTS_PAUSED REQUESTS_PAUSED", "REQUEST_PENDING draw 5 10"])]
#[case::copy_is_old(json!({"multi": {"gate_age_s": 1000}}), &["DEPOSIT_GATE_STALE DEPOSIT_GATE_STALE", "REQUEST_PENDING draw 5 10"])]
#[case::last_attempt(json!({"multi": {"attempt": 4}}), &["REQUEST_PENDING draw 5 10", "VRF_ATTEMPTS VRF_ATTEMPTS 5"])]
fn conditions_of_the_multi_layout(#[case] order: Value, #[case] expected: &[&str]) {
    let devnet = devnet("pending", "multi");
    devnet.control(&order);
    let (_, mut found) = verdict(&devnet, "multi");
    found.sort();
    assert_eq!(found, expected);
}

/// A lottery that is cancelled withdraws its request.
#[test]
fn a_cancelled_lottery_waits_no_more() {
    let devnet = devnet("pending", "multi");
    let cancel = json!({"function": format!("{CONSUMER}::cancellation::cancel_lottery_admin"), "arguments": ["5", 1, "1"]});
    devnet.call("POST", "/devnet/run", &cancel.to_string());
    devnet.control(&json!({"advance_blocks": 2}));
    let output = dvrf(&devnet, &["check", "--live", "--layout", "multi"]).output().unwrap();
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    let requests = record["state"]["consumer"]["requests"].as_array().unwrap().iter();
    let outcomes: Vec<_> =
        requests.map(|request| (request["key"].clone(), request["outcome"].clone())).collect();
    assert!(outcomes.contains(&(json!("10"), json!("withdrawn"))), "{outcomes:?}");
    assert_eq!(output.status.code(), Some(0), "{record}");
}

/// An answer that the callback aborted is found, and named. Where its fee was taken all the same, that is said.
#[rstest]
#[case::in_one_transaction(false)]
#[case::in_two_transactions(true)]
fn an_aborted_answer_is_the_cause(#[case] is_charged: bool) {
    let devnet = devnet("callback-aborts", "wheel");
    devnet.control(&json!({"charges_aborted": is_charged}));
    let function = format!("{CONSUMER}::supra_wheel::spin");
    let spin = json!({"function": function, "type_arguments": [], "arguments": []}).to_string();
    devnet.call("POST", "/devnet/run", &spin);
    // Ten seconds: the answer comes after two.
    devnet.control(&json!({"advance_blocks": 20}));
    let wheel = std::fs::read_to_string(root().join("tests/fixtures/layouts/wheel.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let hasty = folder.path().join("hasty.toml");
    std::fs::write(&hasty, wheel.replace("gone = \"unknown\"", "warn = \"0s\"\ncritical = \"0s\"")).unwrap();
    let output = dvrf(&devnet, &["check", "--live", "--layout", hasty.to_str().unwrap()]).output().unwrap();
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding = &record["checks"]["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["evidence"]["diagnosis"]),
        (&json!("REQUEST_STUCK"), &json!("callback_aborts"))
    );
    assert_eq!(finding["evidence"]["abort"], "E_NO_PRIZE");
    let request = record["state"]["consumer"]["requests"].as_array().unwrap().iter();
    let request = request.clone().find(|request| request["outcome"] == "pending").unwrap();
    let said = finding["message"].as_str().unwrap();
    let words = ": E_NO_PRIZE; 0.01 SUPRA were taken for an answer that was not delivered";
    assert_eq!(said.ends_with(words), is_charged, "{said}");
    assert_eq!(request.get("charged_quants"), is_charged.then_some(&json!("1000000")), "{request}");
}

/// Without a layout, `core` is recognised by its modules, and the card says so.
#[test]
fn a_layout_is_recognised() {
    let devnet = devnet("healthy", "core");
    let command = &mut dvrf(&devnet, &["status", "--live", "--format", "text"]);
    command
        .assert()
        .success()
        .stdout(contains("contract  core (recognised) · lottery: 3 · no request waits\n"));
}

/// What is asked of the deposit alone, or of events, does not depend on the layout.
#[rstest]
#[case::deposit(&["json", "--live", "--detail", "deposit"], false)]
#[case::events(&["json", "--live", "--events", "2h"], true)]
fn with_other_flags(#[case] words: &[&str], #[case] has_contract: bool) {
    let devnet = devnet("pending", "core");
    let words = [words, &["--layout", "core"]].concat();
    let output = dvrf(&devnet, &words).output().unwrap();
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(record["state"].get("consumer").is_some(), has_contract);
    assert_eq!(record["requests"].get("error"), None);
}

/// A request whose age nothing tells is dated by the first run that sees it.
#[test]
fn first_sight_is_remembered() {
    let devnet = devnet("pending", "core");
    devnet.control(&json!({"core": {"history_queue": 2}}));
    let state = tempfile::tempdir().unwrap();
    let check = || {
        let state = state.path().to_str().unwrap();
        let output =
            dvrf(&devnet, &["check", "--live", "--layout", "core", "--state-dir", state]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    };
    check();
    let seen = || {
        let files = std::fs::read_dir(state.path()).unwrap().map(|file| file.unwrap().path());
        let mut files = files.filter(|path| {
            path.to_string_lossy().contains("seen-") && path.extension().is_some_and(|end| end == "json")
        });
        let file = files.next().unwrap();
        serde_json::from_slice::<Value>(&std::fs::read(file).unwrap()).unwrap()
    };
    let first = seen();
    assert!(first["round 1 5"].is_string() && first["HISTORY_BACKLOG"].is_string(), "{first}");
    check();
    assert_eq!(seen(), first);
    devnet.control(&json!({"core": {"history_queue": 0}}));
    check();
    assert!(seen().get("HISTORY_BACKLOG").is_none());
}

/// A target in a pipe names a layout that this run knows, never a file.
#[rstest]
#[case::known("core", 0, "")]
#[case::unknown(
    "roulette",
    2,
    "layout is \"roulette\": one of main_v2, deposit-only, core, generic, multi is needed"
)]
#[case::file(
    "./wheel.toml",
    2,
    "layout is \"./wheel.toml\": one of main_v2, deposit-only, core, generic, multi is needed"
)]
fn layouts_of_targets(#[case] layout: &str, #[case] exit: i32, #[case] message: &str) {
    let devnet = devnet("healthy", "core");
    let target = json!({"lottery_addr": CONSUMER, "layout": layout}).to_string();
    let command = &mut dvrf(&devnet, &["check"]);
    command.write_stdin(target).assert().code(exit).stderr(contains(message));
}

#[test]
fn files_give_targets_more_names() {
    let devnet = devnet("pending", "wheel");
    let target = json!({"lottery_addr": CONSUMER, "layout": "wheel"}).to_string();
    let command = &mut dvrf(&devnet, &["check", "--layout-files", "wheel.toml,dice.toml"]);
    let output = command.write_stdin(target).assert().success().get_output().stdout.clone();
    let record: Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(record["state"]["consumer"]["layout"], "wheel");
}

/// A draw is for the lottery; nothing is sent to a contract of another layout.
#[test]
fn other_layouts_cannot_be_drawn() {
    let devnet = devnet("healthy", "core");
    let command = &mut dvrf(&devnet, &["draw", "ready", "--live", "--layout", "core"]);
    command.assert().code(2).stderr(contains("the layout core has no draw that may be started"));
}

/// An author sees what a draw would be decided by.
#[test]
fn check_shows_the_conditions_of_a_draw() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let check = || {
        let mut command = dvrf(&devnet, &["layout", "check", "./lottery.toml", "--live"]);
        command.env("LOTTERY_ADDR", LOTTERY);
        command
    };
    let shown = check().assert().success().get_output().stdout.clone();
    let shown = String::from_utf8(shown).unwrap();
    assert!(
        shown.starts_with("lottery: 3 reads, 9 values, 1 kind of request, 0 conditions, a draw\n"),
        "{shown}"
    );
    assert!(shown.contains("  draw        ticket_count > 4 holds (5)\n"), "{shown}");
    devnet.control(&json!({"lottery": {"tickets": 3}}));
    check().assert().success().stdout(contains("  draw        ticket_count > 4 does not hold (3)\n"));
}

/// The lottery's values by code, which takes the names from the layout, and by the whole file under another name.
#[rstest]
#[case::healthy("healthy", "v3")]
#[case::pending("pending", "v3")]
#[case::ready("ready", "camel")]
fn the_lottery_by_its_file(#[case] scenario: &str, #[case] interface: &str) {
    let devnet = Devnet::start(&["--scenario", scenario, "--interface", interface]);
    let shown = dvrf(&devnet, &["layout", "show", "main_v2"]).assert().success().get_output().stdout.clone();
    let file = String::from_utf8(shown).unwrap().replacen("\"main_v2\"", "\"lottery\"", 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lottery.toml");
    std::fs::write(&path, file).unwrap();
    let state = |layout: &str| {
        let mut command = dvrf(&devnet, &["json", "--live", "--layout", layout]);
        let output = command.env("LOTTERY_ADDR", LOTTERY).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["state"].clone()
    };
    let (code, file) =
        (state("main_v2")["lottery"].clone(), state(path.to_str().unwrap())["consumer"].clone());
    let values = file["values"].as_object().unwrap();
    assert_eq!(values.len(), 22, "{file:#}");
    let snapshot =
        |of: &str, field: &str| code[of].as_array().unwrap().iter().map(|s| s[field].clone()).collect();
    for (name, value) in values {
        let expected: Value = match name.as_str() {
            "max_gas_price"
            | "max_gas_limit"
            | "callback_gas_price"
            | "callback_gas_limit"
            | "verification_gas_value" => code["gas"][name].clone(),
            "rng_count" => code["vrf_request_config"]
                .as_array()
                .unwrap()
                .iter()
                .map(|config| json!(config["rng_count"].to_string()))
                .collect(),
            "client_seed" => snapshot("vrf_request_config", "client_seed"),
            "whitelisted_gas_price" => snapshot("client_snapshot", "max_gas_price"),
            "whitelisted_gas_limit" => snapshot("client_snapshot", "max_gas_limit"),
            "whitelisted_callback_gas_price" => snapshot("consumer_snapshot", "callback_gas_price"),
            "whitelisted_callback_gas_limit" => snapshot("consumer_snapshot", "callback_gas_limit"),
            same => code[same].clone(),
        };
        assert_eq!(*value, expected, "{name}");
    }
}

/// The walk through the page, run as it stands there.
#[test]
fn the_page_is_true() {
    let page = std::fs::read_to_string(root().join("docs/reference/layouts.md")).unwrap();
    let devnet = devnet("pending", "dice");
    let folder = tempfile::tempdir().unwrap();
    let blocks = page.split("```console\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let mut count = 0;
    for block in blocks {
        let (mut script, mut expected) = (String::new(), String::new());
        let mut is_input = false;
        for line in block.lines() {
            match line.strip_prefix("$ ") {
                Some(code) => {
                    is_input = code.contains("<<'END'");
                    script.push_str(&format!("{code}\n"));
                }
                None if is_input => {
                    is_input = line != "END";
                    script.push_str(&format!("{line}\n"));
                }
                None => expected.push_str(&format!("{line}\n")),
            }
        }
        let mut bash = program("bash");
        let path = testkit::requirements::path();
        bash.env("PATH", format!("{}:{path}", Path::new(DVRF).parent().unwrap().display()));
        let settings = [("LOTTERY_ADDR", CONSUMER), ("CLIENT_ADDR", LOTTERY), ("DEPOSIT_ADDR", DEPOSIT)];
        bash.envs(settings).envs([
            ("SUPRA_RPC_URL", devnet.url.as_str()),
            ("DVRF_CACHE_DIR", "off"),
            ("NO_COLOR", "1"),
        ]);
        let output = bash.args(["-c", &script]).current_dir(folder.path()).output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        if expected.is_empty() {
            assert!(output.status.success(), "{shown}");
        } else {
            assert_eq!(shown, expected);
        }
        count += 1;
    }
    assert_eq!(count, 5);
}
