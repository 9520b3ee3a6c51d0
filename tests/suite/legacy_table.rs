//! The old commands on every kind of chain, against the description of the old scripts: exit codes, keys with their types
//! and order, what stderr begins with, and what is asked. Where safety forbids the old behaviour, a comment says so.

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use predicates::prelude::*;
use predicates::str::{contains, is_empty, starts_with};
use rstest::rstest;
use serde_json::{Value, json};
use testkit::mock_receiver::{MockReceiver, ScriptedResponse};
use testkit::{DEPOSIT, Devnet, LOTTERY, Printed, root, tool};

/// An old command with the variables of the old template, as cron runs it.
fn old(words: &[&str], devnet: &Devnet) -> Command {
    let mut command = tool("dvrf");
    let variables = [
        ("PROFILE", "my_profile"),
        ("LOTTERY_ADDR", LOTTERY),
        ("DEPOSIT_ADDR", DEPOSIT),
        ("SUPRA_CLI_BIN", devnet.cli.to_str().unwrap()),
        ("DVRF_DEVNET_URL", devnet.url.as_str()),
        ("DVRF_CACHE_DIR", "off"),
        ("DVRF_RETRIES", "0"),
        ("MAX_GAS_PRICE", "1000"),
        ("MAX_GAS_LIMIT", "500000"),
        ("VERIFICATION_GAS_VALUE", "25000"),
        ("MIN_BALANCE_MARGIN", "0.15"),
        ("MIN_BALANCE_WINDOW", "30"),
        ("MONITOR_TITLE", "Supra dVRF"),
    ];
    command.envs(variables).args(words);
    command
}

const HOOK: [&str; 4] = ["monitor-slack", "--dry-run", "--webhook-url", "http://127.0.0.1:1/x"];
const HOOK_LOW: [&str; 5] =
    ["monitor-slack", "--dry-run", "--webhook-url", "http://127.0.0.1:1/x", "--fail-on-low"];

/// Every old command, and its exit codes on these chains: healthy, 127 % of the minimum, 150 %, at the minimum, below it,
/// unreachable, with an unreadable lottery, with a client that is not whitelisted, without a callback sender, and ready.
///
/// The old check, which read nothing of the lottery, does not mind that it is unreadable. At exactly the minimum the chain
/// refuses requests, so that is low (the old report called it fine). A crash of the old programs ended with 1, which is 2.
#[rstest]
#[case::check(&["monitor-check"], [0, 0, 0, 1, 1, 2, 0, 1, 0, 0])]
#[case::status(&["status-report"], [0, 0, 0, 0, 0, 2, 2, 2, 0, 0])]
#[case::json(&["monitor-json"], [0, 0, 0, 0, 0, 2, 2, 2, 0, 0])]
#[case::json_low(&["monitor-json", "--fail-on-low"], [0, 0, 0, 1, 1, 2, 2, 2, 0, 0])]
#[case::prometheus(&["monitor-prometheus"], [0, 0, 0, 0, 0, 2, 2, 2, 0, 0])]
#[case::prometheus_low(&["monitor-prometheus", "--fail-on-low"], [0, 0, 0, 1, 1, 2, 2, 2, 0, 0])]
#[case::slack(&HOOK, [0, 0, 0, 0, 0, 2, 2, 2, 0, 0])]
#[case::slack_low(&HOOK_LOW, [0, 0, 0, 1, 1, 2, 2, 2, 0, 0])]
#[case::readiness(&["draw-readiness"], [1, 1, 1, 1, 1, 2, 2, 2, 1, 0])]
#[case::manual(&["manual-draw", "--dry-run"], [1, 1, 1, 1, 1, 2, 2, 2, 1, 0])]
#[case::auto(&["auto-draw"], [0, 0, 0, 0, 0, 2, 2, 2, 0, 0])]
fn exit_codes(#[case] words: &[&str], #[case] codes: [i32; 10]) {
    let devnet = Devnet::start(&[]);
    let check = |chain: &str, code: i32, gone: bool| {
        let mut command = old(words, &devnet);
        if chain == "half" {
            // The resources of this profile's account do not show the lottery's status in place of the view.
            command.env("PROFILE", "player1");
        }
        if gone {
            command.env("DVRF_DEVNET_URL", "http://127.0.0.1:1");
        }
        let done = command.assert().append_context("chain", chain.to_owned()).code(code);
        let lines = String::from_utf8(done.get_output().stderr.clone()).unwrap();
        let has_level =
            |line: &str| ["[info]", "[warning]", "[error]"].iter().any(|level| line.starts_with(level));
        assert!(lines.lines().all(has_level), "{chain}: {lines}");
        if code == 2 {
            assert!(lines.contains("[error]"), "{chain}: {lines}");
        }
    };
    let [healthy, tier_127, tier_150, at, below, gone, half, unknown, no_sender, ready] = codes;
    check("healthy", healthy, false);
    devnet.control(&json!({"balance": "20000000000"}));
    check("127 %", tier_127, false);
    for (scenario, code) in [
        ("low", tier_150),
        ("at-minimum", at),
        ("below-minimum", below),
        ("not-whitelisted", unknown),
        ("no-aggregator", no_sender),
        ("ready", ready),
    ] {
        devnet.enter(scenario);
        check(scenario, code, false);
    }
    devnet.enter("healthy");
    check("unreachable", gone, true);
    devnet.fault("view:get_lottery_status=garbage");
    check("half", half, false);
}

/// How often each old command starts the Supra CLI on a healthy chain (a draw: on one that is ready), and how often the old
/// script did. The old ones started one after another; these are up to eight at a time. Nothing is read twice, and what more
/// is read keeps a draw from being sent to a lottery that would refuse it. The old check needs no view of the lottery.
#[rstest]
#[case::check(&["monitor-check"], 3, 5)]
#[case::status(&["status-report"], 10, 8)]
#[case::json(&["monitor-json"], 11, 8)]
#[case::prometheus(&["monitor-prometheus"], 11, 8)]
#[case::slack(&HOOK, 11, 8)]
#[case::readiness(&["draw-readiness"], 11, 8)]
#[case::manual(&["manual-draw", "--dry-run"], 11, 8)]
#[case::auto(&["auto-draw"], 11, 8)]
#[case::draw(&["manual-draw", "--assume-yes"], 12, 15)]
#[case::skipped(&["manual-draw", "--assume-yes", "--skip-readiness"], 1, 15)]
#[case::auto_draw(&["auto-draw", "--execute", "--assume-yes"], 23, 15)]
#[case::calc(&["calc-min-balance", "--max-gas-price", "1", "--max-gas-limit", "1", "--verification-gas", "1"], 0, 0)]
fn starts_of_the_cli(#[case] words: &[&str], #[case] old_script: usize, #[case] today: usize) {
    let devnet = Devnet::start(&["--scenario", "ready", "--block-ms", "20"]);
    let place = tempfile::tempdir().unwrap();
    let (cli, log) = (place.path().join("supra"), place.path().join("starts"));
    let script =
        format!("#!/bin/sh\necho start >>'{}'\nexec '{}' \"$@\"\n", log.display(), devnet.cli.display());
    std::fs::write(&cli, script).unwrap();
    std::fs::set_permissions(&cli, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = old(words, &devnet);
    command.env("SUPRA_CLI_BIN", &cli).env("HOME", place.path()).assert().code(0);
    let starts = std::fs::read_to_string(&log).unwrap_or_default().lines().count();
    assert_eq!(starts, today, "the old script: {old_script}");
}

/// A view that the old check did not read cannot keep it from an answer.
#[rstest]
#[case::paused("is_contract_paused")]
#[case::modules("get_client_modules_info")]
#[case::status("get_lottery_status")]
#[case::whitelist("get_whitelist_status")]
#[case::gas("get_vrf_gas_config")]
#[case::floor("check_min_balance_supra_v2")]
#[case::chain("chain_id::get")]
fn the_check_asks_for_the_deposit_alone(#[case] view: &str) {
    let devnet = Devnet::start(&[]);
    devnet.fault(&format!("view:{}=garbage", view.rsplit(':').next().unwrap()));
    old(&["monitor-check"], &devnet).assert().code(0);
}

/// The settings that the old scripts could not work without, with their codes.
#[rstest]
#[case::check("monitor-check", &["PROFILE", "LOTTERY_ADDR", "DEPOSIT_ADDR", "MAX_GAS_PRICE", "MAX_GAS_LIMIT", "VERIFICATION_GAS_VALUE"], 1)]
#[case::status("status-report", &["PROFILE", "LOTTERY_ADDR", "DEPOSIT_ADDR"], 1)]
#[case::json("monitor-json", &["PROFILE", "LOTTERY_ADDR", "DEPOSIT_ADDR", "MAX_GAS_PRICE", "MAX_GAS_LIMIT", "VERIFICATION_GAS_VALUE"], 2)]
#[case::prometheus("monitor-prometheus", &["PROFILE", "DEPOSIT_ADDR", "MAX_GAS_LIMIT"], 2)]
#[case::slack("monitor-slack", &["PROFILE", "LOTTERY_ADDR", "VERIFICATION_GAS_VALUE"], 2)]
#[case::readiness("draw-readiness", &["PROFILE", "LOTTERY_ADDR", "MAX_GAS_PRICE"], 2)]
#[case::manual("manual-draw", &["PROFILE", "LOTTERY_ADDR", "DEPOSIT_ADDR", "MAX_GAS_PRICE"], 2)]
#[case::auto("auto-draw", &["PROFILE", "LOTTERY_ADDR", "DEPOSIT_ADDR", "MAX_GAS_PRICE"], 2)]
fn missing_settings_are_named(#[case] name: &str, #[case] needed: &[&str], #[case] code: i32) {
    let devnet = Devnet::start(&[]);
    for variable in needed {
        let mut command = old(&[name], &devnet);
        let expected = format!(": these settings are needed: {variable}\n");
        command.env(variable, "").assert().code(code).stdout(is_empty()).stderr(contains(expected));
    }
    assert_eq!(devnet.requests()["total"], 0, "nothing is asked");
}

#[test]
fn a_manual_draw_without_readiness_needs_no_deposit_and_no_gas() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let mut command = old(&["manual-draw", "--skip-readiness", "--dry-run", "--json-result"], &devnet);
    command.env("DEPOSIT_ADDR", "").env("MAX_GAS_PRICE", "");
    let result = command.assert().code(0).document();
    assert_eq!((&result["ready"], &result["readiness_skipped"]), (&json!(true), &json!(true)), "{result}");
}

/// The type of each key, in order: a text, a number, a flag, a list, an object, or null.
fn shape(value: &Value) -> Vec<String> {
    let kind = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "flag",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    value.as_object().unwrap().iter().map(|(key, value)| format!("{key}:{}", kind(value))).collect()
}

/// The shape of the document at a pointer begins with these keys; others follow.
#[rstest]
#[case::report(
    "monitor-json",
    "",
    "timestamp:text profile:text lottery_addr:text deposit_addr:text client_addr:text calculation:object lottery:object deposit:object"
)]
#[case::calculation(
    "monitor-json",
    "/calculation",
    "max_gas_price:text max_gas_limit:text verification_gas_value:text per_request_fee:text min_balance:text recommended_deposit:text margin_ratio:number request_window:number"
)]
#[case::lottery("monitor-json", "/lottery", "status:list vrf_request_config:list whitelist_status:list")]
#[case::check(
    "monitor-check",
    "",
    "profile:text lottery_addr:text client_addr:text deposit_module:text monitor_margin:number request_window:number calc:object onchain:object checks:object status:text"
)]
#[case::onchain(
    "monitor-check",
    "/onchain",
    "checkClientFund:text available_quants:text min_balance_client:text isMinimumBalanceReached:flag"
)]
#[case::checks(
    "monitor-check",
    "/checks",
    "available_quants:text min_balance_onchain:text min_balance_expected:text recommended_deposit:text violations:list"
)]
#[case::readiness(
    "draw-readiness --json-summary --include-report",
    "",
    "ready:flag reasons:list ticket_count:number min_tickets_required:number draw_scheduled:flag pending_request:flag min_balance_reached:flag aggregators:list"
)]
#[case::expected("draw-readiness --json-summary --expect-aggregator 0xa6", "/expected_aggregators", "")]
#[case::manual(
    "manual-draw --dry-run --json-result",
    "",
    "ready:flag readiness:object readiness_skipped:flag command:list executed:flag dry_run:flag returncode:null stdout:null stderr:null"
)]
#[case::auto(
    "auto-draw",
    "",
    "timestamp:text execute:flag commands:object readiness:object manual_draw:null status:text stderr:text readiness_exit_code:number exit_code:number"
)]
#[case::auto_readiness("auto-draw", "/readiness", "ready:flag reasons:list")]
#[case::auto_report("auto-draw", "/readiness/report", "timestamp:text profile:text")]
fn documents(#[case] line: &str, #[case] pointer: &str, #[case] keys: &str) {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let words: Vec<&str> = line.split(' ').collect();
    let document = old(&words, &devnet).assert().code(0).document();
    let part = document.pointer(pointer).unwrap();
    if keys.is_empty() {
        assert!(part.is_array(), "{part}");
        return;
    }
    let found = shape(part).join(" ");
    assert!(found.starts_with(keys), "{found}");
}

#[test]
fn an_unreadable_deposit_leaves_every_key_of_the_check() {
    let devnet = Devnet::start(&[]);
    let mut command = old(&["monitor-check"], &devnet);
    command.env("DVRF_DEVNET_URL", "http://127.0.0.1:1");
    let document = command.assert().code(2).document();
    assert_eq!(
        shape(&document["onchain"]).join(" "),
        "checkClientFund:null available_quants:null min_balance_client:null isMinimumBalanceReached:null"
    );
    assert_eq!((&document["checks"]["violations"], &document["status"]), (&json!([]), &json!("unknown")));
}

/// What is wrong with a deposit is a violation under its old name; everything else is a warning.
#[rstest]
#[case::at(
    "at-minimum",
    "[\"DEPOSIT_AT_OR_BELOW_MIN_BALANCE\"]",
    "[\"available_below_recommended_deposit\"]"
)]
#[case::below(
    "below-minimum",
    "[\"DEPOSIT_AT_OR_BELOW_MIN_BALANCE\",\"AVAILABLE_BELOW_CALCULATED_MIN_BALANCE\"]",
    "[\"available_below_recommended_deposit\"]"
)]
#[case::tier("low", "[]", "[\"DEPOSIT_BELOW_WARN_TIER\"]")]
// The old check read nothing of the lottery.
#[case::sender("no-aggregator", "[]", "null")]
#[case::healthy("healthy", "[]", "null")]
fn violations_and_warnings(#[case] scenario: &str, #[case] violations: &str, #[case] warnings: &str) {
    let devnet = Devnet::start(&["--scenario", scenario]);
    let document = old(&["monitor-check"], &devnet).assert().document();
    assert_eq!(document["checks"]["violations"].to_string(), violations);
    assert_eq!(document["checks"]["warnings"].to_string(), warnings);
}

#[test]
fn readiness_has_sentences_and_addresses_as_the_chain_has_them() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let summary = old(&["draw-readiness", "--json-s"], &devnet).assert().code(1).document();
    assert_eq!(summary["reasons"], json!(["no draw is scheduled", "3 tickets are sold, 5 are needed"]));
    assert_eq!(summary["findings"][1]["code"], "TOO_FEW_TICKETS");
    assert_eq!(summary["aggregators"], json!(["0xa6"]));
    // Both are demanded, and the chain has one.
    devnet.enter("ready");
    let both = ["draw-readiness", "--expect-aggregator", "0xa6", "--expect-aggregator", "0xa7"];
    old(&both, &devnet).assert().code(1).stdout(contains("the callback sender is 0xa6, another is expected"));
    old(&both[..3], &devnet).assert().code(0);
}

#[test]
fn an_automatic_draw_shows_its_arguments_and_errors_as_texts() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let words = ["auto-draw", "--require-aggregator", "--expect-aggregator", "0xa6", "--min-tickets", "3"];
    let line = old(&words, &devnet).assert().code(0).json();
    let command = |key: &str| {
        line["commands"][key]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert!(
        command("readiness")
            .starts_with(&format!("dvrf draw-readiness --profile my_profile --lottery-addr {LOTTERY} "))
    );
    let last =
        " --min-tickets 3 --require-aggregator --expect-aggregator 0xa6 --json-summary --include-report";
    assert!(command("readiness").ends_with(last), "{line}");
    assert!(command("manual_draw").ends_with(" --expect-aggregator 0xa6 --json-result"), "{line}");
    let time = line["timestamp"].as_str().unwrap();
    assert_eq!((time.len(), &time[19..20], &time[26..]), (27, ".", "Z"), "{time}");
    assert_eq!(line["stderr"], "");
    let mut gone = old(&["auto-draw"], &devnet);
    let line = gone.env("DVRF_DEVNET_URL", "http://127.0.0.1:1").assert().code(2).json();
    assert!(line["error"].is_string() && line["failure"]["code"].is_string(), "{line}");
}

/// The line of a draw begins with its brace, and the tools of today read it.
#[test]
fn a_sent_draw_is_one_clean_line() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let home = tempfile::tempdir().unwrap();
    let mut command = old(&["auto-draw", "--execute", "--assume-yes"], &devnet);
    let done = command.env("HOME", home.path()).assert().code(0).stdout(starts_with("{\"timestamp\""));
    let line = done.json();
    assert_eq!(
        (&line["status"], &line["manual_draw"]["returncode"]),
        (&json!("executed"), &json!(0)),
        "{line}"
    );
    let readiness = &line["manual_draw"]["readiness"];
    assert_eq!((&readiness["ready"], &readiness["reasons"]), (&json!(true), &json!([])), "{line}");
    assert!(readiness["report"].is_null() && line["readiness"]["report"].is_object(), "{line}");
    let mut notify = tool("dvrf-notify");
    notify.args(["--dry-run", "--format", "text"]).write_stdin(line.to_string());
    notify.assert().code(0).stdout(contains("the draw was requested"));
}

/// `sed -n '/\[view\] NAME/,/^$/p' | sed 1d | jq` finds the answer of a view.
#[rstest]
#[case::status("get_lottery_status", "/result/0/ticket_count", json!("3"))]
#[case::snapshot("get_client_whitelist_snapshot", "/result/0/vec/0/min_balance_limit", json!("15750000000"))]
#[case::minimum("checkMinBalanceClient", "/result/0", json!("15750000000"))]
#[case::fund("checkClientFund", "/result/0", json!("78750000000"))]
#[case::reached("isMinimumBalanceReached", "/result/0", json!(false))]
fn the_views_of_the_status_report(#[case] name: &str, #[case] pointer: &str, #[case] expected: Value) {
    let devnet = Devnet::start(&[]);
    let text = old(&["status-report"], &devnet).assert().code(0).text();
    assert_eq!(text.matches("\n[view] ").count(), 10, "{text}");
    let block = text.split(&format!("[view] {name}\n")).nth(1).and_then(|rest| rest.split("\n\n").next());
    let answer: Value = serde_json::from_str(block.unwrap()).unwrap();
    assert_eq!(answer.pointer(pointer), Some(&expected), "{answer}");
}

#[test]
fn metrics_carry_the_exit_code_and_describe_nothing_of_their_own() {
    let devnet = Devnet::start(&["--scenario", "at-minimum"]);
    let page = |words: &[&str], code: i32| old(words, &devnet).assert().code(code).text();
    let low = page(&["monitor-prometheus", "--fail-on-low", "--metric-prefix", "job:dvrf"], 1);
    let exit = |page: &str| {
        page.lines()
            .find(|line| line.contains("monitor_exit_code{"))
            .unwrap()
            .rsplit(' ')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(exit(&low), "1");
    assert!(low.contains("\njob:dvrf_monitor_exit_code{"), "{low}");
    assert_eq!(exit(&page(&["monitor-prometheus"], 0)), "0");
    // What is described is described as on the page of today, so that both fit on one gateway.
    let today = old(&["prom", "--live"], &devnet).assert().text();
    let described = page(&["monitor-prometheus"], 0);
    let described: Vec<&str> = described.lines().filter(|line| line.starts_with('#')).collect();
    assert!(!described.is_empty() && described.iter().all(|line| today.contains(*line)), "{described:?}");
}

/// Any success of a receiver is a success, whatever it answers.
#[rstest]
#[case::ok("slack", 200, "ok", 0)]
#[case::compatible("slack", 200, "{\"success\":true}", 0)]
#[case::empty("slack", 204, "", 0)]
#[case::generic("generic", 201, "<html>thanks</html>", 0)]
#[case::relay("generic", 202, "", 0)]
#[case::refused("slack", 200, "invalid_payload", 2)]
#[case::not_found("generic", 404, "nothing here", 2)]
fn webhooks(#[case] kind: &str, #[case] status: u16, #[case] answer: &str, #[case] code: i32) {
    let devnet = Devnet::start(&[]);
    let receiver =
        MockReceiver::open(Vec::new(), ScriptedResponse::Reply(status, String::new(), answer.to_owned()));
    let mut command = old(&["monitor-slack", "--webhook-type", kind, "--include-json"], &devnet);
    let done = command.env("MONITOR_WEBHOOK_URL", receiver.url("hook")).assert().code(code);
    if status >= 400 {
        done.stderr(contains(format!("HTTP {status}")));
    }
    let request = &receiver.requests()[0];
    let sent = request.json();
    let report = if kind == "slack" { sent["text"].to_string() } else { sent["data"].to_string() };
    assert!(report.contains("my_profile") && report.contains("request_window"), "{sent}");
}

/// Where the CLI is installed nowhere and a compose file is, it runs in its container: one start for all views.
#[test]
fn a_host_with_docker_alone_keeps_working() {
    use std::os::unix::fs::PermissionsExt;
    let devnet = Devnet::start(&[]);
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("compose.yaml"), "services: {supra_cli: {image: supra}}\n").unwrap();
    let docker = place.path().join("docker");
    // Runs what follows `-lc`, and notes that it was started.
    let script = format!(
        "#!/bin/sh\necho start >>'{0}/starts'\nfor word; do last=$word; done\nexec bash -c \"$(printf %s \"$last\" | sed \"s#/supra/supra#{1}#g\")\"\n",
        place.path().display(),
        devnet.cli.display()
    );
    std::fs::write(&docker, script).unwrap();
    std::fs::set_permissions(&docker, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", place.path().display(), testkit::requirements::path());
    let mut command = old(&["monitor-check"], &devnet);
    command.env_remove("SUPRA_CLI_BIN").env("PATH", path).current_dir(place.path());
    let document = command.assert().code(0).document();
    assert_eq!(document["onchain"]["available_quants"], "78750000000");
    let starts = std::fs::read_to_string(place.path().join("starts")).unwrap();
    assert!((1..=3).contains(&starts.lines().count()), "{starts}");
}

#[rstest]
#[case::flag(&["monitor-json", "--nope"], "[error] dvrf-json: unknown flag --nope")]
#[case::both(&["auto-draw", "--execute", "--dry-run"], "[error] dvrf-draw: --execute cannot be used with --dry-run")]
#[case::alone(&["draw-readiness", "--include-report"], "[error] dvrf-draw: --include-report needs --json-summary")]
fn usage_errors_have_a_level(#[case] words: &[&str], #[case] begins: &'static str) {
    let devnet = Devnet::start(&[]);
    old(words, &devnet).assert().code(2).stdout(is_empty()).stderr(starts_with(begins));
}

#[test]
fn the_old_entry_point_lists_the_old_programs() {
    let list: fn(Assert) -> String = |done| done.code(0).text();
    let list = list(tool("dvrf").args(["--list", "--old"]).assert());
    let names: Vec<&str> =
        list.lines().step_by(2).filter_map(|line| line.split("->").next()).map(str::trim).collect();
    let expected = [
        "auto-draw",
        "calc-min-balance",
        "draw-readiness",
        "manual-draw",
        "monitor-json",
        "monitor-prometheus",
        "monitor-slack",
    ];
    assert_eq!(names, expected);
    assert!(list.lines().skip(1).step_by(2).all(|line| line.starts_with("    ")), "{list}");
}

/// A target that is piped in is drawn for, or nothing is.
#[test]
fn a_piped_target_is_never_passed_over() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let auto = |stdin: &str| old(&["draw", "auto"], &devnet).write_stdin(stdin).assert();
    let line = auto("[{\"lottery_addr\":\"0x5\"}]").json();
    assert_eq!((&line["lottery_addr"], &line["client_addr"]), (&json!("0x5"), &json!("0x5")), "{line}");
    assert_ne!(line["status"], "ready_dry_run");
    assert_eq!(auto("").code(0).json()["lottery_addr"], LOTTERY);
    for refused in ["{\"lottery_addr\":\"0x5\"}\n{\"lottery_addr\":\"0x6\"}\n", "{\"name\":\"x\"}", "noise"] {
        assert_eq!(auto(refused).code(2).json()["status"], "error", "{refused}");
    }
}

/// Every command line of the old guide that starts a program is one of those above.
#[test]
fn the_migration_page_names_every_old_program() {
    let page = std::fs::read_to_string(root().join("docs/migrate.md")).unwrap();
    for name in [
        "monitor-json",
        "monitor-check",
        "status-report",
        "monitor-slack",
        "monitor-prometheus",
        "draw-readiness",
        "manual-draw",
        "auto-draw",
        "calc-min-balance",
    ] {
        assert!(predicate::str::contains(format!("dvrf {name}")).eval(&page), "{name}");
    }
}
