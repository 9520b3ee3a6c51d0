//! The old command lines, unchanged, under the shims: same exit codes, same keys.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use predicates::prelude::*;
use predicates::str::{contains, starts_with};
use rstest::rstest;
use serde_json::Value;
use testkit::{DEPOSIT, Devnet, LOTTERY, Printed, binary, needs, program, root, tool};

/// A directory as an operator has it: the old tree, and the programs under a prefix.
static PLACE: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let place = tempfile::tempdir().unwrap();
    let bin = place.path().join("prefix/bin");
    std::fs::create_dir_all(&bin).unwrap();
    for name in [
        "dvrf",
        "dvrf-json",
        "dvrf-check",
        "dvrf-status",
        "dvrf-notify",
        "dvrf-prom",
        "dvrf-draw",
        "dvrf-calc",
    ] {
        std::os::unix::fs::symlink(binary(name), bin.join(name)).unwrap();
    }
    let mut install = Command::new(root().join("scripts/install"));
    install.arg("--legacy").arg(place.path().join("old")).arg(place.path().join("prefix"));
    install.assert().code(0);
    place
});

/// Where the programs of this place are.
pub(crate) fn prefix() -> PathBuf {
    PLACE.path().join("prefix")
}

/// The old tree of this place.
pub(crate) fn tree() -> PathBuf {
    PLACE.path().join("old")
}

/// A line as cron runs it: by /bin/sh, in the old tree, with nothing but these variables.
pub(crate) fn line(text: &str, devnet: &Devnet, more: &[(&str, &str)]) -> Assert {
    let mut shell = Command::from_std(program("env"));
    let path = format!("PATH={}", testkit::requirements::path());
    shell.args(["-i", &path]);
    let cli = devnet.cli.display().to_string();
    let fixed = [
        ("PROFILE", "my_profile"),
        ("LOTTERY_ADDR", LOTTERY),
        ("DEPOSIT_ADDR", DEPOSIT),
        ("SUPRA_CLI_BIN", cli.as_str()),
        ("DVRF_DEVNET_URL", devnet.url.as_str()),
        ("DVRF_CACHE_DIR", "off"),
        ("MAX_GAS_PRICE", "1000"),
        ("MAX_GAS_LIMIT", "500000"),
        ("VERIFICATION_GAS_VALUE", "25000"),
    ];
    for (name, value) in fixed.iter().chain(more) {
        shell.arg(format!("{name}={value}"));
    }
    shell.args(["/bin/sh", "-c", text]).current_dir(tree());
    shell.timeout(std::time::Duration::from_secs(60)).assert()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().map(|fields| fields.keys().map(String::as_str).collect()).unwrap_or_default()
}

const REPORT: [&str; 8] = [
    "timestamp",
    "profile",
    "lottery_addr",
    "deposit_addr",
    "client_addr",
    "calculation",
    "lottery",
    "deposit",
];

/// An old line, and its exit codes on a healthy, a low, an unreachable and a ready chain.
#[rstest]
#[case::json("python3 supra/scripts/testnet_monitor_json.py --fail-on-low --pretty", [0, 1, 2, 0])]
#[case::json_module("python3 -m supra.scripts monitor-json", [0, 0, 2, 0])]
#[case::check("supra/scripts/testnet_monitor_check.sh", [0, 1, 2, 0])]
#[case::status("supra/scripts/testnet_status_report.sh", [0, 0, 2, 0])]
#[case::prometheus("python3 supra/scripts/testnet_monitor_prometheus.py --fail-on-low --label env=test", [0, 1, 2, 0])]
#[case::slack(
    "python3 -m supra.scripts monitor-slack --webhook-url http://127.0.0.1:1/x --dry-run --fail-on-low",
    [0, 1, 2, 0]
)]
#[case::ready("python3 supra/scripts/testnet_draw_readiness.py --json-summary", [1, 1, 2, 0])]
#[case::ready_module("python3 -m supra.scripts draw-readiness --min-tickets 5", [1, 1, 2, 0])]
#[case::draw("python3 supra/scripts/testnet_manual_draw.py --dry-run --assume-yes --json-result", [1, 1, 2, 0])]
#[case::auto_draw("python3 -m supra.scripts auto-draw", [0, 0, 2, 0])]
#[case::auto_draw_module("python3 -m supra.automation.auto_draw_runner", [0, 0, 2, 0])]
#[case::calc(
    "python3 supra/scripts/calc_min_balance.py --max-gas-price 1000 --max-gas-limit 500000 --verification-gas 25000 --json",
    [0; 4]
)]
#[needs("python3")]
fn old_lines_end_as_they_should(#[case] text: &str, #[case] codes: [i32; 4]) {
    let gone = [("DVRF_DEVNET_URL", "http://127.0.0.1:1")];
    let chains = [("healthy", &[][..]), ("at-minimum", &[][..]), ("healthy", &gone[..]), ("ready", &[][..])];
    for ((scenario, more), code) in chains.into_iter().zip(codes) {
        let devnet = Devnet::start(&["--scenario", scenario]);
        line(text, &devnet, more)
            .append_context("chain", format!("{scenario} {more:?}"))
            .code(code)
            .stderr(contains("Traceback").not());
    }
}

#[test]
#[needs("python3")]
fn old_outputs_have_their_keys_in_their_order() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let json = |text: &str| line(text, &devnet, &[]).document();
    assert_eq!(keys(&json("python3 supra/scripts/testnet_monitor_json.py"))[..8], REPORT);
    let check = json("supra/scripts/testnet_monitor_check.sh");
    assert_eq!(
        keys(&check)[..8],
        [
            "profile",
            "lottery_addr",
            "client_addr",
            "deposit_module",
            "monitor_margin",
            "request_window",
            "calc",
            "onchain"
        ]
    );
    let summary = json("python3 supra/scripts/testnet_draw_readiness.py --json-summary");
    assert_eq!(
        keys(&summary)[..8],
        [
            "ready",
            "reasons",
            "ticket_count",
            "min_tickets_required",
            "draw_scheduled",
            "pending_request",
            "min_balance_reached",
            "aggregators"
        ]
    );
    let result = json("python3 supra/scripts/testnet_manual_draw.py --dry-run --json-result");
    assert_eq!(keys(&result)[..5], ["ready", "readiness", "readiness_skipped", "command", "executed"]);
    let auto = json("python3 supra/automation/auto_draw_runner.py");
    assert_eq!(keys(&auto)[..6], ["timestamp", "execute", "commands", "readiness", "manual_draw", "status"]);
    let calc = json(
        "python3 -m supra.scripts calc-min-balance --max-gas-price 1000 --max-gas-limit 500000 --verification-gas 25000 --json",
    );
    assert_eq!(
        keys(&calc)[..5],
        ["max_gas_price", "max_gas_limit", "verification_gas_value", "per_request_fee", "min_balance"]
    );
    line("python3 -m supra.scripts monitor-prometheus", &devnet, &[])
        .stdout(contains("supra_dvrf_deposit_balance_quants{"));
}

#[test]
fn the_dispatcher_lists_suggests_and_passes_on() {
    let dvrf = |words: &[&str]| tool("dvrf").args(words).assert();
    dvrf(&["--list"]).code(0).stdout(predicate::function(|list: &str| list.contains("\nSet up:\n")));
    let near = "[error] dvrf: unknown command \"chek\"; did you mean check?";
    dvrf(&["chek"]).code(2).stdout("").stderr(starts_with(near));
    dvrf(&[]).code(2);
    dvrf(&["--verbose", "json"]).code(2);
    let gas = ["--max-gas-price", "1", "--max-gas-limit", "1", "--verification-gas", "0"];
    dvrf(&[&["calc-min-balance", "--"], &gas[..]].concat()).code(0);
    tool("dvrf").arg("check").write_stdin("noise").assert().code(2);
    dvrf(&["../bin/sh"]).code(2);
}

#[test]
fn shims_of_a_missing_prefix_are_refused() {
    Command::new(root().join("scripts/install"))
        .args(["--legacy", "/nonexistent/old", "/nonexistent/prefix"])
        .assert()
        .code(2)
        .stderr(contains("there is no /nonexistent/prefix/bin/dvrf"));
    assert!(!Path::new("/nonexistent").exists());
}
