//! The command lines that users of the old scripts have in their cron files, job runners and pipelines: by a bare
//! environment, in the old tree, with the old template filled in and nothing else.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use assert_cmd::Command;
use predicates::str::contains;
use rstest::rstest;
use testkit::mock_receiver::MockReceiver;
use testkit::{DEPOSIT, Devnet, LOTTERY, Printed, needs, program, root};

/// An old installation: its tree, the folder of `python` and of the program that a job runner alerts with.
struct Place {
    folder: tempfile::TempDir,
    receiver: MockReceiver,
}

impl Place {
    fn new(devnet: &Devnet) -> Self {
        let (folder, receiver) = (tempfile::tempdir().unwrap(), MockReceiver::friendly());
        let tree = folder.path().join("old");
        let mut install = Command::new(root().join("scripts/install"));
        install.arg("--legacy").arg(&tree).arg(crate::legacy::prefix()).assert().code(0);
        for name in ["old/logs", "old/autofi-artifacts", "bin", "home"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let bin = folder.path().join("bin");
        symlink(program("python3").get_program(), bin.join("python")).unwrap();
        let alert = bin.join("supra-alert");
        fs::write(&alert, "#!/bin/sh\necho \"alert: $*\"\n").unwrap();
        fs::set_permissions(&alert, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(tree.join("supra/scripts/testnet_env"), filled(&tree, devnet, &receiver)).unwrap();
        Self { folder, receiver }
    }

    /// Runs lines of bash after those that load the variables, and shows what they wrote into a file.
    fn run(&self, lines: &str, file: &str) -> assert_cmd::assert::Assert {
        let text = format!(
            "cd {} && set -a && source supra/scripts/testnet_env && set +a &&\n{lines}\ncode=$?\n{}exit $code",
            self.folder.path().join("old").display(),
            if file.is_empty() { String::new() } else { format!("cat {file}\n") },
        );
        let mut shell = Command::from_std(program("env"));
        let bin = self.folder.path().join("bin");
        shell.args(["-i", &format!("PATH={}:{}", bin.display(), testkit::requirements::path())]);
        shell.arg(format!("HOME={}", self.folder.path().join("home").display()));
        shell.args(["bash", "-c", &text]).timeout(std::time::Duration::from_secs(60)).assert()
    }
}

/// The old template with every line in force.
fn filled(tree: &Path, devnet: &Devnet, receiver: &MockReceiver) -> String {
    let template = fs::read_to_string(tree.join("supra/scripts/testnet_env.example")).unwrap();
    let is_setting = |line: &str| {
        line.split_once('=').is_some_and(|(name, value)| {
            name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') && value.starts_with('\'')
        })
    };
    let line = |line: &str| match line.strip_prefix('#') {
        Some(setting) if is_setting(setting) => setting.to_owned(),
        _ => line.to_owned(),
    };
    let text = template.lines().map(line).collect::<Vec<_>>().join("\n");
    assert_eq!(text.lines().filter(|line| is_setting(line)).count(), 32);
    let text = text
        .replace("0xYOUR_LOTTERY", LOTTERY)
        .replace("0xYOUR_DEPOSIT", DEPOSIT)
        .replace("'/supra/supra'", &format!("'{}'", devnet.cli.display()))
        .replace("https://hooks.slack.com/services/YOUR/WEB/HOOK", &receiver.url("hook"));
    format!("{text}\nDVRF_DEVNET_URL='{}'\n", devnet.url)
}

/// Lines, the chain that they run on, their exit code, the file that they write, and what is in it and on stdout.
#[rstest]
#[case::check_log(
    "./supra/scripts/testnet_monitor_check.sh >> logs/supra_monitor.log 2>&1",
    "healthy",
    0,
    "logs/supra_monitor.log",
    "\"status\": \"ok\""
)]
#[case::check_low(
    "./supra/scripts/testnet_monitor_check.sh >> logs/supra_monitor.log 2>&1",
    "at-minimum",
    1,
    "logs/supra_monitor.log",
    "\"DEPOSIT_AT_OR_BELOW_MIN_BALANCE\""
)]
#[case::status_log(
    "./supra/scripts/testnet_status_report.sh >> logs/supra_status.log 2>&1",
    "healthy",
    0,
    "logs/supra_status.log",
    "\n[view] getContractDetails\n"
)]
#[case::json_file(
    "python supra/scripts/testnet_monitor_json.py --pretty > logs/supra_monitor.json",
    "healthy",
    0,
    "logs/supra_monitor.json",
    "\n    \"balance\": \"78750000000\","
)]
#[case::json_low(
    "python supra/scripts/testnet_monitor_json.py --pretty --fail-on-low",
    "at-minimum",
    1,
    "",
    "\n}\n"
)]
#[case::slack_log(
    "./supra/scripts/testnet_monitor_slack.py --fail-on-low >> logs/supra_slack.log 2>&1",
    "at-minimum",
    1,
    "logs/supra_slack.log",
    "157.5 SUPRA"
)]
#[case::metrics_log(
    "python supra/scripts/testnet_monitor_prometheus.py --metric-prefix supra_dvrf --label env=test >> logs/supra.prom 2>&1",
    "healthy",
    0,
    "logs/supra.prom",
    "supra_dvrf_monitor_exit_code{"
)]
#[case::metrics_low(
    "python supra/scripts/testnet_monitor_prometheus.py --metric-prefix supra_dvrf --label env=test --fail-on-low",
    "at-minimum",
    1,
    "",
    "env=\"test\""
)]
#[case::job_fine(
    "./supra/scripts/testnet_monitor_check.sh >/dev/null || supra-alert \"Deposit below minimum\"",
    "healthy",
    0,
    "",
    ""
)]
#[case::job_low(
    "./supra/scripts/testnet_monitor_check.sh >/dev/null || supra-alert \"Deposit below minimum\"",
    "at-minimum",
    0,
    "",
    "alert: Deposit below minimum\n"
)]
#[case::job_slack(
    "./supra/scripts/testnet_monitor_slack.py --include-json --fail-on-low || supra-alert \"Slack webhook error\"",
    "healthy",
    0,
    "",
    "787.5 SUPRA"
)]
#[case::job_readiness(
    "python supra/scripts/testnet_draw_readiness.py || supra-alert \"Draw readiness failed\"",
    "healthy",
    0,
    "",
    "\nalert: Draw readiness failed\n"
)]
#[case::job_ready(
    "python supra/scripts/testnet_draw_readiness.py || supra-alert \"Draw readiness failed\"",
    "ready",
    0,
    "",
    "READY"
)]
#[case::job_draw_not_ready(
    "python -m supra.scripts auto-draw --execute || supra-alert \"Auto draw failed\"",
    "healthy",
    0,
    "",
    "\"status\": \"not_ready\""
)]
#[case::job_draw(
    "python -m supra.scripts auto-draw --execute || supra-alert \"Auto draw failed\"",
    "ready",
    0,
    "",
    "\"status\": \"executed\""
)]
#[case::artifact(
    "python supra/scripts/testnet_monitor_json.py --pretty > autofi-artifacts/dvrf_status.json",
    "healthy",
    0,
    "autofi-artifacts/dvrf_status.json",
    "\"calculation\": {"
)]
#[case::pipeline_draw(
    "python supra/scripts/testnet_manual_draw.py --json-result",
    "healthy",
    1,
    "",
    "\"executed\": false"
)]
#[case::pipeline_summary(
    "python supra/scripts/testnet_draw_readiness.py --json-summary --include-report",
    "healthy",
    1,
    "",
    "\"min_tickets_required\": 5"
)]
#[case::pipeline_limit(
    "python supra/scripts/calc_min_balance.py --max-gas-price \"$MAX_GAS_PRICE\" --max-gas-limit $MAX_GAS_LIMIT --verification-gas $VERIFICATION_GAS_VALUE --json",
    "healthy",
    0,
    "",
    "\"min_balance\": \"15750000000\""
)]
#[case::pipeline_smoke(
    "supra/scripts/testnet_smoke_test.sh $PROFILE $LOTTERY_ADDR $LOTTERY_ADDR",
    "healthy",
    0,
    "",
    "\"passed\""
)]
#[case::readiness_only(
    "python -m supra.scripts auto-draw \\\n  --profile $PROFILE \\\n  --lottery-addr $LOTTERY_ADDR \\\n  --deposit-addr $DEPOSIT_ADDR > logs/auto_draw.log",
    "ready",
    0,
    "logs/auto_draw.log",
    "\"status\": \"ready_dry_run\""
)]
#[case::draw_log(
    "python -m supra.scripts auto-draw --execute \\\n  --profile $PROFILE \\\n  --lottery-addr $LOTTERY_ADDR \\\n  --deposit-addr $DEPOSIT_ADDR \\\n  --assume-yes >> logs/auto_draw.jsonl",
    "ready",
    0,
    "logs/auto_draw.jsonl",
    "\"manual_draw_exit_code\": 0"
)]
#[case::list("python -m supra.scripts --list", "healthy", 0, "", "\nmonitor-slack ")]
#[needs("python3")]
fn old_lines(
    #[case] lines: &str,
    #[case] scenario: &str,
    #[case] code: i32,
    #[case] file: &str,
    #[case] shown: &'static str,
) {
    let devnet = Devnet::start(&["--scenario", scenario, "--block-ms", "20"]);
    let done = Place::new(&devnet).run(lines, file).code(code).stdout(contains(shown));
    let low = usize::from(scenario == "at-minimum");
    let errors = String::from_utf8(done.get_output().stderr.clone()).unwrap();
    assert!(errors.lines().count() <= low, "{errors}");
}

/// The generic payload says in `status` what the old script ended with, and the message is there in three keys.
#[rstest]
#[case::fine("", "healthy", 0)]
#[case::low("", "at-minimum", 0)]
#[case::low_fails("--fail-on-low", "at-minimum", 1)]
#[needs("python3")]
fn the_generic_payload(#[case] flag: &str, #[case] scenario: &str, #[case] code: i32) {
    let devnet = Devnet::start(&["--scenario", scenario]);
    let place = Place::new(&devnet);
    place
        .run(&format!("MONITOR_WEBHOOK_TYPE=generic ./supra/scripts/testnet_monitor_slack.py {flag}"), "")
        .code(code);
    let sent = place.receiver.requests()[0].json();
    assert_eq!(sent["status"], code, "{sent}");
    assert!(sent["message"].as_str().unwrap().contains("157.5 SUPRA"), "{sent}");
    assert_eq!(sent["data"]["profile"], "my_profile", "{sent}");
}

/// Every line of the log of draws is one document with a status.
#[test]
#[needs("python3")]
fn a_log_of_draws_grows_by_one_line_a_run() {
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let place = Place::new(&devnet);
    let twice = "for run in 1 2; do python -m supra.scripts auto-draw >> logs/auto_draw.jsonl; done";
    let text = place.run(twice, "logs/auto_draw.jsonl").code(0).text();
    let statuses: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["status"].clone())
        .collect();
    assert_eq!(statuses, ["not_ready", "not_ready"]);
}
