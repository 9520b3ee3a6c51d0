//! `scripts/deploy`: the real systemd, cron and logrotate take the shipped files, and what they start does its work.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use rstest::rstest;
use serde_json::Value;
use testkit::mock_receiver::MockReceiver;
use testkit::{DEPOSIT, Devnet, LOTTERY, binary, needs, program, root, run, tool};

pub(crate) fn deploy(file: &str) -> PathBuf {
    root().join("scripts/deploy").join(file)
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a program says, both streams, and its exit code.
#[track_caller]
pub(crate) fn said(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.code(), text.concat())
}

/// The lines of the settings that every deployment has, for a devnet.
fn settings(devnet: &Devnet) -> String {
    format!(
        "PROFILE=devnet\nDVRF_CHAIN_ID=6\nLOTTERY_ADDR={LOTTERY}\nDEPOSIT_ADDR={DEPOSIT}\nSUPRA_RPC_URL={}\n\
         DVRF_NOTIFY_CHANNELS=slack\n",
        devnet.url
    )
}

fn units() -> Vec<PathBuf> {
    let entries = fs::read_dir(deploy("systemd")).unwrap().map(|entry| entry.unwrap().path());
    let unit =
        |path: &PathBuf| path.extension().is_some_and(|ending| ending == "service" || ending == "timer");
    let mut units: Vec<PathBuf> = entries.filter(unit).collect();
    units.sort();
    units
}

#[test]
#[needs("systemd-analyze")]
fn deploy_systemd_finds_nothing_to_say_and_little_exposure() {
    // The same files with the programs where they were built, since verify looks for them.
    let folder = tempfile::tempdir().unwrap();
    let built = binary("dvrf-notify").parent().unwrap().display().to_string();
    let mut copies = Vec::new();
    for unit in units() {
        let copy = folder.path().join(unit.file_name().unwrap());
        fs::write(&copy, read(&unit).replace("/usr/local/bin", &built)).unwrap();
        copies.push(copy);
    }
    let outcome = said(program("systemd-analyze").args(["verify", "--man=no"]).args(&copies));
    assert_eq!(outcome, (Some(0), String::new()));
    let services: Vec<_> =
        copies.iter().filter(|copy| copy.extension().is_some_and(|e| e == "service")).collect();
    assert_eq!((copies.len(), services.len()), (9, 5));
    for service in services {
        let words = ["security", "--offline=true", "--threshold=20", "--no-pager"];
        let (code, text) = said(program("systemd-analyze").args(words).arg(service));
        assert_eq!(code, Some(0), "{text}");
    }
    // And verify does complain about a word that is wrong.
    let wrong = folder.path().join("wrong.service");
    fs::write(&wrong, read(copies.first().unwrap()).replace("ProtectHome=yes", "ProtectHome=maybe")).unwrap();
    assert!(!said(program("systemd-analyze").args(["verify", "--man=no"]).arg(wrong)).1.is_empty());
}

#[test]
fn deploy_units_are_installed_twice_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("prefix");
    let install = |word: &str| said(Command::new(root().join("scripts/install")).arg(word).arg(&prefix));
    let found = |place: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(prefix.join(place)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let shipped: BTreeSet<String> =
        units().iter().map(|unit| unit.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    for _ in 0..2 {
        let (code, text) = install("--systemd");
        assert_eq!(code, Some(0), "{text}");
        assert_eq!(found("lib/systemd/system"), shipped);
    }
    let start = format!("exec {}/bin/dvrf-notify --format text", prefix.display());
    assert!(read(&prefix.join("lib/systemd/system/dvrf-notify@.service")).contains(&start));
    assert_eq!(install("--uninstall").0, Some(0));
    for place in ["lib/systemd/system", "lib/sysusers.d", "lib/tmpfiles.d"] {
        assert_eq!(found(place), BTreeSet::new(), "{place}");
    }
}

#[test]
#[needs("systemd-analyze")]
fn deploy_timers_tick_when_their_description_says() {
    for unit in units().iter().filter(|unit| unit.extension().is_some_and(|ending| ending == "timer")) {
        let text = read(unit);
        let calendar = text.lines().find_map(|line| line.strip_prefix("OnCalendar=")).unwrap();
        let words = ["calendar", "--base-time=2026-01-01 00:00:01 UTC", calendar];
        let (code, said) = said(program("systemd-analyze").env("TZ", "UTC").args(words));
        // Top-ups follow the alerts after five minutes.
        let is_tenth = text.contains("every ten minutes") && !text.contains("Top up");
        let minute = if is_tenth { "00:10:00" } else { "00:05:00" };
        assert!(code == Some(0) && said.contains(minute), "{}: {said}", unit.display());
    }
}

/// A unit's only `ExecStart=` with the specifiers filled in and the programs where they were built.
fn start_line(unit: &str, folder: &Path) -> String {
    let text = read(&deploy("systemd").join(unit));
    let line = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let (here, built) = (folder.display().to_string(), binary("dvrf").with_file_name(""));
    line.replace("%S", &here)
        .replace("%L", &here)
        .replace("%i", "testnet")
        .replace("/var/lib/prometheus/node-exporter", &here)
        .replace("/usr/local/bin/", &built.display().to_string())
}

/// The commented line of draws in the cron file, as cron gives it to the shell.
fn draw_job(folder: &Path) -> String {
    let text = read(&deploy("cron/dvrf"));
    let line = text.lines().find_map(|line| line.strip_prefix("#*/5 * * * * dvrf-draw ")).unwrap();
    let (here, built) = (folder.display().to_string(), binary("dvrf").with_file_name(""));
    let line = line.replace("/var/lib", &here).replace("/var/log", &here).replace("/etc/dvrf", &here);
    line.replace("; dvrf-draw auto", &format!("; {}dvrf-draw auto", built.display()))
}

/// A line run by the shell, with the settings of every deployment.
fn shell(line: &str, devnet: &Devnet, folder: &Path) -> testkit::Outcome {
    let mut command = assert_cmd::Command::from_std(program("sh"));
    command.env_clear().env("PATH", testkit::requirements::path());
    for line in settings(devnet).lines() {
        let (name, value) = line.split_once('=').unwrap();
        command.env(name, value);
    }
    // What LoadCredential= and CacheDirectory= give.
    command.env("CREDENTIALS_DIRECTORY", folder).env("DVRF_CACHE_DIR", folder.join("cache"));
    run(command.args(["-c", line]))
}

#[test]
fn deploy_the_units_start_lines_do_their_work() {
    let (inbox, devnet) = (MockReceiver::friendly(), Devnet::start(&["--scenario", "low"]));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("slack-url"), inbox.url("services/T0/SECRET")).unwrap();
    let start = |unit: &str| shell(&start_line(unit, folder.path()), &devnet, folder.path());
    fs::create_dir_all(folder.path().join("dvrf/testnet")).unwrap();
    let told = start("dvrf-notify@.service");
    assert_eq!((told.code, told.err.as_str(), inbox.requests().len()), (0, "", 1), "{told}");
    assert!(told.out.starts_with("⚠️ devnet (testnet): deposit is getting low"), "{told}");
    assert_eq!((start("dvrf-notify@.service").code, inbox.requests().len()), (0, 1));
    let metrics = start("dvrf-prom@.service");
    assert_eq!((metrics.code, metrics.err.as_str(), metrics.out.as_str()), (0, "", ""), "{metrics}");
    let text = read(&folder.path().join("dvrf-testnet.prom"));
    assert!(text.contains("\nsupra_dvrf_up{subscription=\"devnet\"} 1\n"), "{text}");
}

#[rstest]
#[case::unit(|folder: &Path| start_line("dvrf-draw@.service", folder), true)]
#[case::cron(draw_job, false)]
fn deploy_the_line_of_draws_draws_once(#[case] line: impl Fn(&Path) -> String, #[case] prints: bool) {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("dvrf-draw/testnet")).unwrap();
    let cli = format!("SUPRA_CLI_BIN='{}'\nDVRF_DEVNET_URL='{}'\n", devnet.cli.display(), devnet.url);
    fs::write(folder.path().join("testnet.env"), &cli).unwrap();
    // systemd loads the same file.
    let load = format!("set -a; . {}/testnet.env; ", folder.path().display());
    let draw = || shell(&format!("{load}{}", line(folder.path())), &devnet, folder.path());
    let (first, second) = (draw(), draw());
    for outcome in [&first, &second] {
        assert_eq!(
            (outcome.code, outcome.err.as_str(), !outcome.out.is_empty()),
            (0, "", prints),
            "{outcome}"
        );
    }
    let log = read(&folder.path().join("dvrf-draw/testnet.jsonl"));
    let events: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(events, ["auto_draw.submitting", "auto_draw.executed", "auto_draw.not_ready"]);
}

/// The settings that a job which spends needs besides, where the emulated CLI is at `cli`.
fn fund_settings(devnet: &Devnet, cli: &str) -> String {
    format!(
        "SUPRA_CLI_BIN='{cli}'\nDVRF_DEVNET_URL='{}'\nDVRF_TRANSPORT=rpc\nDVRF_SENDER_ACCOUNT={LOTTERY}\n\
         DVRF_FUND_MAX_AMOUNT=400SUPRA\nDVRF_FUND_MAX_PER_DAY=400SUPRA\nDVRF_FUND_MAX_PER_MONTH=2000SUPRA\n\
         DVRF_FUND_RESERVE=10SUPRA\n",
        devnet.url
    )
}

#[test]
fn deploy_the_unit_of_top_ups_tops_up_once_and_says_so() {
    let (inbox, devnet) = (MockReceiver::friendly(), Devnet::start(&["--scenario", "low"]));
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("dvrf-fund/testnet")).unwrap();
    fs::write(folder.path().join("slack-url"), inbox.url("services/T0/SECRET")).unwrap();
    let cli = devnet.cli.display().to_string();
    fs::write(folder.path().join("testnet.env"), fund_settings(&devnet, &cli)).unwrap();
    let load = format!("set -a; . {}/testnet.env; ", folder.path().display());
    let line = start_line("dvrf-fund@.service", folder.path());
    let run = |line: &str| shell(&format!("{load}{line}"), &devnet, folder.path());
    // As shipped it waits first, because a journal may have been lost; then it tops up, and then nothing is missing.
    let waits = run(&line);
    assert_eq!((waits.code, waits.err.as_str(), inbox.requests().len()), (0, "", 0), "{waits}");
    let accepted = line.replace("--execute ", "--execute --new-journal ");
    for _ in 0..2 {
        let done = run(&accepted);
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{done}");
    }
    let log = read(&folder.path().join("dvrf-fund/testnet.jsonl"));
    let events: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(events, ["fund.waiting", "fund.submitting", "fund.topped_up", "fund.enough"]);
    let sent = inbox.requests();
    assert_eq!(sent.len(), 1, "one message for one top-up");
    assert!(sent[0].body.contains("topped up 236.25 SUPRA"), "{}", sent[0].body);
    assert_eq!(devnet.call("GET", "/devnet/state", "")["deposits"], 1);
}

/// The shipped jobs under the real cron: low, told, topped up, resolved.
#[test]
#[needs("cron", "faketime", "mount", "unshare", "useradd", "root", "mount-namespace")]
fn deploy_cron_reports_a_low_deposit_tops_it_up_and_resolves_the_alert() {
    let (inbox, devnet) = (MockReceiver::friendly(), Devnet::start(&["--scenario", "low"]));
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir_all(place("etc/testnet")).unwrap();
    // The emulator is the CLI where its name is that of the CLI.
    std::os::unix::fs::symlink("/usr/local/bin/dvrf-devnet", place("etc/supra")).unwrap();
    let all = settings(&devnet) + &fund_settings(&devnet, "/etc/dvrf/supra");
    fs::write(place("etc/testnet.env"), all).unwrap();
    fs::write(place("etc/testnet/slack-url"), inbox.url("services/T0/SECRET")).unwrap();
    let shipped = read(&deploy("cron/dvrf"));
    // Nothing was ever sent on this chain, so that the new journal need not wait.
    let jobs = shipped
        .replace("#5-59/10 ", "5-59/10 ")
        .replace("--execute --live", "--execute --live --new-journal");
    assert_ne!(jobs, shipped);
    fs::write(place("jobs"), jobs).unwrap();

    let mut cron = program("unshare");
    cron.args(testkit::requirements::mount_namespace());
    cron.args(["--pid", "--fork", "--kill-child"]).arg(root().join("tests/suite/deploy/cron.sh"));
    cron.arg(folder.path()).arg(binary("dvrf-fund").parent().unwrap()).arg(place("jobs")).args(["60", "48"]);
    let (code, said) = said(&mut cron);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(fs::read_to_string(place("mail/mail")).unwrap_or_default(), "", "mail though all went well");
    let messages: Vec<String> = inbox.requests().into_iter().map(|sent| sent.body).collect();
    let parts = ["deposit is getting low", "topped up 236.25 SUPRA", "resolved after"];
    assert_eq!(messages.len(), parts.len(), "{messages:#?}");
    for (message, part) in messages.iter().zip(parts) {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(devnet.call("GET", "/devnet/state", "")["deposits"], 1);
    let log = read(&place("fund-log/testnet.jsonl"));
    let events: Vec<Value> =
        log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].clone()).collect();
    assert!(
        events.starts_with(&["fund.submitting", "fund.topped_up", "fund.enough"].map(Value::from)),
        "{events:?}"
    );
}

#[test]
#[needs("systemd-sysusers", "systemd-tmpfiles", "root")]
fn deploy_users_and_directories_are_made_as_declared() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("root");
    fs::create_dir_all(place.join("etc")).unwrap();
    let flag = format!("--root={}", place.display());
    let outcome = said(program("systemd-sysusers").arg(&flag).arg(deploy("systemd/sysusers.conf")));
    assert_eq!(outcome.0, Some(0), "{}", outcome.1);
    let passwd = read(&place.join("etc/passwd"));
    let homes: Vec<_> = passwd.lines().map(|line| line.split(':').nth(5).unwrap()).collect();
    assert!(passwd.starts_with("dvrf") && passwd.contains("\ndvrf"), "{passwd}");
    for home in ["/var/lib/dvrf", "/var/lib/dvrf-draw", "/var/lib/dvrf-fund"] {
        assert!(homes.contains(&home), "{passwd}");
    }
    // Under cron the signers read the settings, which belong to the monitoring's group.
    let group = read(&place.join("etc/group"));
    assert!(
        group.lines().any(|line| line.starts_with("dvrf:") && line.ends_with(":dvrf-draw,dvrf-fund")),
        "{group}"
    );
    fs::create_dir_all(place.join("var/lib/prometheus/node-exporter")).unwrap();
    let mut tmpfiles = program("systemd-tmpfiles");
    let outcome = said(tmpfiles.args(["--create", &flag]).arg(deploy("systemd/tmpfiles.conf")));
    assert_eq!(outcome.0, Some(0), "{}", outcome.1);
    let modes = [
        ("etc/dvrf", 0o750),
        ("var/lib/dvrf", 0o750),
        ("var/cache/dvrf", 0o750),
        ("var/log/dvrf", 0o750),
        ("var/lib/dvrf-draw", 0o750),
        ("var/log/dvrf-draw", 0o750),
        ("var/lib/dvrf-fund", 0o750),
        ("var/log/dvrf-fund", 0o750),
        ("var/lib/prometheus/node-exporter", 0o775),
    ];
    for (path, mode) in modes {
        let found = fs::metadata(place.join(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(found, mode, "{path}");
    }
}

#[test]
#[needs("cron", "faketime", "mount", "unshare", "useradd", "root", "mount-namespace")]
fn deploy_cron_runs_the_shipped_file_as_it_is() {
    let (inbox, devnet) = (MockReceiver::friendly(), Devnet::start(&["--scenario", "low"]));
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    // The jobs' user has to reach into it.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir_all(place("etc/testnet")).unwrap();
    fs::create_dir_all(place("lib")).unwrap();
    fs::write(place("etc/testnet.env"), settings(&devnet)).unwrap();
    fs::write(place("etc/testnet/slack-url"), inbox.url("services/T0/SECRET")).unwrap();
    let old = place("lib/report-2024-01-01.json");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    fs::File::create(&old).unwrap().set_modified(long_ago).unwrap();

    let mut cron = program("unshare");
    cron.args(testkit::requirements::mount_namespace());
    cron.args(["--pid", "--fork", "--kill-child"]).arg(root().join("tests/suite/deploy/cron.sh"));
    cron.arg(folder.path()).arg(binary("dvrf-notify").parent().unwrap()).arg(deploy("cron/dvrf"));
    cron.args(["60", "33"]);
    let (code, said, mail) = std::thread::scope(|scope| {
        let daemon = scope.spawn(|| said(&mut cron));
        // Midnight and a quarter of an hour pass in twenty seconds; then the node is gone, and somebody gets a mail.
        std::thread::sleep(Duration::from_secs(20));
        let mail = fs::read_to_string(place("mail/mail")).unwrap_or_default();
        drop(devnet);
        let (code, said) = daemon.join().unwrap();
        (code, said, mail)
    });
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(mail, "", "mail though all was well");

    let log = read(&place("log/testnet.jsonl"));
    let records: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let judged: Vec<&str> =
        records.iter().map(|record| record["checks"]["status"].as_str().unwrap()).collect();
    assert!(judged.starts_with(&["alert", "alert"]) && judged.contains(&"unknown"), "{judged:?}");
    assert_eq!(records[0]["requests"]["requested"], 4, "the jobs read the contract's events");
    assert_eq!(inbox.requests().len(), 1, "told once in {} runs", records.len());
    let metrics = read(&place("metrics/dvrf-testnet.prom"));
    assert!(metrics.contains("\nsupra_dvrf_up{subscription=\"devnet\"} 0\n"), "{metrics}");
    let reports: Vec<PathBuf> = fs::read_dir(place("lib"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("/report-"))
        .collect();
    assert_eq!(reports.len(), 1, "the new one of {reports:?}, not {}", old.display());
    let report: Value = serde_json::from_str(&read(&reports[0])).unwrap();
    assert_eq!(report["state"]["deposit"]["balance"], "23625000000");
    let mail = read(&place("mail/mail"));
    assert!(mail.contains("To: root\n") && mail.contains("\n[error] dvrf-json: "), "{mail}");
    assert!(!mail.contains("SECRET"), "{mail}");
}

/// The jobs of an old installation, as cron takes them (it knows no continued lines), an hour of them.
const OLD_CRON: &str = r"SHELL=/bin/bash
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
*/10 * * * * root cd /opt/SupraLottery && set -a && source supra/scripts/testnet_env && set +a && ./supra/scripts/testnet_monitor_check.sh >> /var/log/supra_monitor.log 2>&1
0 * * * * root cd /opt/SupraLottery && set -a && source supra/scripts/testnet_env && set +a && ./supra/scripts/testnet_status_report.sh >> /var/log/supra_status.log 2>&1
30 * * * * root cd /opt/SupraLottery && set -a && source supra/scripts/testnet_env && set +a && python supra/scripts/testnet_monitor_json.py --pretty > /var/log/supra_monitor.json
15 * * * * root cd /opt/SupraLottery && set -a && source supra/scripts/testnet_env && set +a && ./supra/scripts/testnet_monitor_slack.py --fail-on-low >> /var/log/supra_monitor_slack.log 2>&1
45 * * * * root cd /opt/SupraLottery && set -a && source supra/scripts/testnet_env && set +a && python supra/scripts/testnet_monitor_prometheus.py --metric-prefix supra_dvrf --label env=test >> /var/log/supra_monitor.prom 2>&1
20 * * * * root cd /opt/SupraLottery && set -a && source supra/scripts/testnet_env && set +a && python -m supra.scripts auto-draw --profile $PROFILE --lottery-addr $LOTTERY_ADDR --deposit-addr $DEPOSIT_ADDR >> logs/auto_draw.jsonl
";

#[test]
#[needs("cron", "faketime", "mount", "python3", "unshare", "useradd", "root", "mount-namespace")]
fn deploy_cron_runs_the_old_lines_as_they_are() {
    let (inbox, devnet) = (MockReceiver::friendly(), Devnet::start(&["--scenario", "at-minimum"]));
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let prefix = place("prefix/bin");
    for path in [&prefix, &place("logs"), &place("opt/logs")] {
        fs::create_dir_all(path).unwrap();
    }
    std::os::unix::fs::symlink(binary("dvrf"), prefix.join("dvrf")).unwrap();
    let mut install = Command::new(root().join("scripts/install"));
    let (code, text) = said(install.arg("--legacy").arg(place("opt")).arg(place("prefix")));
    assert_eq!(code, Some(0), "{text}");
    // The template of the old tree, filled in.
    let template = read(&place("opt/supra/scripts/testnet_env.example"));
    let filled = template
        .replace("0xYOUR_LOTTERY", LOTTERY)
        .replace("0xYOUR_DEPOSIT", DEPOSIT)
        .replace("#SUPRA_CLI_BIN='/supra/supra'", &format!("SUPRA_CLI_BIN='{}'", devnet.cli.display()))
        .replace(
            "#MONITOR_WEBHOOK_URL='https://hooks.slack.com",
            &format!("MONITOR_WEBHOOK_URL='{}", inbox.url("")),
        )
        .replace("#MONITOR_TITLE=", "MONITOR_TITLE=");
    assert_eq!(filled.matches("\n#").count() + 3, template.matches("\n#").count());
    let emulator = format!("DVRF_DEVNET_URL='{}'\nDVRF_CACHE_DIR='off'\n", devnet.url);
    fs::write(place("opt/supra/scripts/testnet_env"), filled + &emulator).unwrap();
    fs::write(place("cron"), OLD_CRON).unwrap();

    let mut cron = program("unshare");
    cron.args(testkit::requirements::mount_namespace());
    cron.args(["--pid", "--fork", "--kill-child"]).arg(root().join("tests/suite/deploy/cron.sh"));
    cron.arg(folder.path()).arg(binary("dvrf").parent().unwrap()).arg(place("cron")).args(["150", "27"]);
    let (code, text) = said(&mut cron);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(
        fs::read_to_string(place("mail/mail")).unwrap_or_default(),
        "",
        "mail though all was redirected"
    );

    let log = |name: &str| read(&place("logs").join(name));
    let checked = log("supra_monitor.log");
    assert!(checked.matches("\"DEPOSIT_AT_OR_BELOW_MIN_BALANCE\"").count() >= 6, "{checked}");
    assert!(!checked.contains("[error]"), "{checked}");
    let status = log("supra_status.log");
    assert!(status.contains("0xa6") && !status.contains("[error]"), "{status}");
    let report: Value = serde_json::from_str(&log("supra_monitor.json")).unwrap();
    assert_eq!(report["deposit"]["min_balance_reached"], true);
    let sent = inbox.requests();
    assert_eq!(sent.len(), 1, "one message an hour");
    assert!(sent[0].body.contains("Supra dVRF"), "{}", sent[0].body);
    let metrics = log("supra_monitor.prom");
    assert!(
        metrics.contains("supra_dvrf_deposit_balance_quants{") && metrics.contains("env=\"test\""),
        "{metrics}"
    );
    let drawn: Value = serde_json::from_str(&read(&place("opt/logs/auto_draw.jsonl"))).unwrap();
    assert_eq!(drawn["status"], "not_ready");
}

#[test]
fn deploy_cron_lines_are_what_cron_takes() {
    let text = read(&deploy("cron/dvrf"));
    assert!(text.ends_with('\n') && text.contains("\nMAILTO="));
    let lines = text.lines().map(|line| if line.starts_with("#*") { &line[1..] } else { line });
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        assert!(!line.ends_with('\\'), "cron knows no continued lines: {line}");
        let bare = line.match_indices('%').filter(|(at, _)| !line[..*at].ends_with('\\')).count();
        assert_eq!(bare, 0, "a bare % ends the command: {line}");
        assert!(line.len() < 999, "cron's longest line: {line}");
    }
}

#[test]
#[needs("logrotate", "root")]
fn deploy_logrotate_turns_the_logs_without_losing_a_line() {
    ["dvrf", "dvrf-draw", "dvrf-fund"].into_iter().for_each(rotated);
}

fn rotated(user: &str) {
    let folder = tempfile::tempdir().unwrap();
    // A folder that belongs to the one user there surely is, in the place of dvrf.
    let log = folder.path().join("log");
    fs::create_dir(&log).unwrap();
    let text = read(&deploy(&format!("logrotate/{user}")));
    assert!(text.contains(&format!("\n/var/log/{user}/*.jsonl {{\n    su {user} {user}\n")), "{text}");
    let config = folder.path().join("config");
    let here = text.replace(&format!("/var/log/{user}"), &log.display().to_string());
    let here = here.replace(&format!("{user} {user}"), "root root");
    fs::write(&config, here).unwrap();
    let rotate = |words: &[&str]| {
        let state = folder.path().join("state");
        said(program("logrotate").args(words).arg("--state").arg(state).arg(&config))
    };
    let line = format!("{}\n", "{\"a\":1}");
    let append = || {
        let file = fs::OpenOptions::new().create(true).append(true).open(log.join("testnet.jsonl"));
        file.unwrap().write_all(line.as_bytes()).unwrap();
    };
    append();
    let (code, text) = rotate(&["--debug"]);
    assert!(code == Some(0) && text.contains("considering log") && !text.contains("error:"), "{text}");
    assert_eq!(rotate(&["--force"]), (Some(0), String::new()));
    append();
    let mut sizes: Vec<u64> =
        fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [line.len() as u64; 2]);
    let mode = fs::metadata(log.join("testnet.jsonl")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o640);
}

/// `ci/nightly` in a folder of its own.
fn nightly(devnet: &Devnet, folder: &Path, channel: Option<&str>) -> (Option<i32>, String) {
    let mut job = Command::new(deploy("ci/nightly"));
    let path = format!("{}:/usr/bin:/bin", binary("dvrf-json").parent().unwrap().display());
    job.arg(folder).env_clear().env("PATH", path).env("DVRF_CACHE_DIR", folder.join("cache"));
    for line in settings(devnet).lines() {
        let (name, value) = line.split_once('=').unwrap();
        job.env(name, value);
    }
    job.env("DVRF_NOTIFY_CHANNELS", channel.unwrap_or_default());
    said(&mut job)
}

#[test]
fn deploy_a_job_runner_gets_files_and_one_code() {
    let (inbox, devnet) = (MockReceiver::friendly(), Devnet::start(&["--scenario", "healthy"]));
    let folder = tempfile::tempdir().unwrap();
    let channel = format!("slack,url={}", inbox.url("services/T0/SECRET"));
    let files = ["report.json", "verdict.json", "summary.txt", "metrics.prom"];
    for (scenario, fault, code, verdict) in
        [("healthy", "", 0, "ok"), ("low", "", 1, "alert"), ("healthy", "5xx_rate=100", 2, "unknown")]
    {
        devnet.enter(scenario);
        devnet.fault(fault);
        let place = folder.path().join(format!("{code}"));
        let (got, said) = nightly(&devnet, &place, Some(&channel));
        assert_eq!(got, Some(code), "{said}");
        for file in files {
            assert!(!read(&place.join(file)).is_empty(), "{file}");
        }
        let record: Value = serde_json::from_str(&read(&place.join("verdict.json"))).unwrap();
        assert_eq!(record["checks"]["status"], verdict);
        assert!(said.contains(&read(&place.join("summary.txt"))) && !said.contains("SECRET"), "{said}");
    }
    assert_eq!(inbox.requests().len(), 3);
    // Nobody to be told is no failure; somebody who cannot be told is one.
    devnet.fault("");
    devnet.enter("healthy");
    assert_eq!(nightly(&devnet, folder.path(), None).0, Some(0));
    assert_eq!(nightly(&devnet, folder.path(), Some("slack,url=http://127.0.0.1:9/x")).0, Some(2));
    devnet.enter("low");
    assert_eq!(nightly(&devnet, folder.path(), Some("slack,url=http://127.0.0.1:9/x")).0, Some(1));
}

#[test]
fn deploy_a_job_runner_draws_a_whole_round() {
    let devnet = Devnet::start(&["--scenario", "healthy", "--block-ms", "100", "--answer-ms", "200"]);
    let folder = tempfile::tempdir().unwrap();
    let smoke = |network: &str| {
        let mut job = Command::new(deploy("ci/smoke"));
        let path = format!("{}:/usr/bin:/bin", binary("dvrf-draw").parent().unwrap().display());
        job.arg(folder.path().join("smoke")).args(["--handled-timeout", "30"]);
        job.env_clear().env("PATH", path).env("DVRF_CACHE_DIR", "off").env("DVRF_DEVNET_URL", &devnet.url);
        job.env("SUPRA_CLI_BIN", &devnet.cli).env("DVRF_NETWORK", network);
        for line in settings(&devnet).lines() {
            let (name, value) = line.split_once('=').unwrap();
            job.env(name, value);
        }
        said(&mut job)
    };
    let refused = (Some(2), "[error] ci/smoke: this is mainnet\n".to_owned());
    assert_eq!(smoke("mainnet"), refused);
    let (code, text) = smoke("");
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(text, read(&folder.path().join("smoke/smoke.jsonl")));
    assert!(text.contains("\"smoke\":\"passed\""), "{text}");
}

#[test]
fn deploy_the_cluster_job_reads_its_secret() {
    let (inbox, devnet) = (MockReceiver::friendly(), Devnet::start(&["--scenario", "low"]));
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().display();
    let settings = format!(
        "network = \"testnet\"\nrpc_url = \"{}\"\n[[channel]]\nkind = \"slack\"\nurl_file = \"{here}/slack\"\n\
         [[subscription]]\nname = \"main\"\nlottery = \"{LOTTERY}\"\ndeposit = \"{DEPOSIT}\"\n",
        devnet.url
    );
    // A mounted secret is a directory of links.
    fs::create_dir(folder.path().join("..data")).unwrap();
    for (file, text) in [("dvrf.toml", settings), ("slack", inbox.url("services/T0/SECRET"))] {
        fs::write(folder.path().join("..data").join(file), text).unwrap();
        std::os::unix::fs::symlink(format!("..data/{file}"), folder.path().join(file)).unwrap();
    }
    let text = read(&deploy("kubernetes/cronjob.yaml"));
    let line = text.lines().find_map(|line| line.trim().strip_prefix("command: [")).unwrap();
    let words: Vec<&str> = line.trim_end_matches(']').split(", ").collect();
    assert!(text.contains("{name: settings, mountPath: /etc/dvrf, readOnly: true}"), "{text}");
    let mut job = tool(words[0].strip_prefix("/usr/bin/").unwrap());
    // What the image sets, and where the tools look.
    job.env_clear().env("DVRF_CACHE_DIR", "off").env("DVRF_STATE_DIR", folder.path().join("state"));
    job.env("DVRF_CONFIG", folder.path().join("dvrf.toml")).args(&words[1..]);
    for _ in 0..2 {
        let outcome = run(&mut job);
        assert_eq!((outcome.code, inbox.requests().len()), (0, 1), "{outcome}");
    }
}

#[test]
#[needs("rsyslogd")]
fn deploy_rsyslog_sends_every_record_whole() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().display().to_string();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port().to_string();
    let text = read(&deploy("log-shipping/rsyslog.conf"))
        .replace("/var/spool/rsyslog", &here)
        .replace("/var/log/dvrf-draw", &format!("{here}/draw"))
        .replace("/var/log/dvrf", &here)
        .replace("/var/log/supra_", &format!("{here}/supra_"))
        .replace("logs.example", "127.0.0.1")
        .replace("5140", &port);
    let config = folder.path().join("rsyslog.conf");
    fs::write(&config, text).unwrap();
    let (code, told) = said(program("rsyslogd").args(["-N1", "-f"]).arg(&config));
    assert!(code == Some(0) && !told.contains("error"), "{told}");

    let mut job = tool("dvrf-notify");
    for line in settings(&devnet).lines() {
        let (name, value) = line.split_once('=').unwrap();
        job.env(name, value);
    }
    let inbox = MockReceiver::friendly();
    job.env("DVRF_NOTIFY_CHANNELS", format!("slack,url={}", inbox.url("x"))).env("DVRF_CACHE_DIR", "off");
    let record = run(job.args(["--live", "--detail", "full"]));
    assert_eq!(record.code, 0, "{record}");
    assert!(record.out.len() > 8192, "longer than rsyslog's default: {}", record.out.len());
    let mut log = fs::File::create(folder.path().join("testnet.jsonl")).unwrap();
    log.write_all(record.out.as_bytes()).unwrap();

    let mut daemon = program("rsyslogd")
        .args(["-n", "-f"])
        .arg(&config)
        .arg("-i")
        .arg(folder.path().join("pid"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (sender, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let stream = server.accept().unwrap().0;
        // Nobody waits for what comes after the test.
        BufReader::new(stream).lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
    });
    let first = lines.recv_timeout(Duration::from_secs(20));
    log.write_all(record.out.as_bytes()).unwrap();
    let second = lines.recv_timeout(Duration::from_secs(20));
    fs::create_dir_all(folder.path().join("draw")).unwrap();
    fs::write(folder.path().join("draw/testnet.jsonl"), "{\"event\":\"auto_draw.not_ready\"}\n").unwrap();
    let draw = lines.recv_timeout(Duration::from_secs(20));
    let text = "[error] dvrf-json: \"down\"\n[warning] near\n[info] fine\n  \"json\": 1\n";
    fs::write(folder.path().join("supra_monitor.log"), text).unwrap();
    let marked: Vec<Value> = (0..4)
        .filter_map(|_| lines.recv_timeout(Duration::from_secs(20)).ok())
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect();
    drop(daemon.kill());
    drop(daemon.wait());
    assert_eq!((first.as_deref(), second.as_deref()), (Ok(record.out.trim_end()), Ok(record.out.trim_end())));
    assert_eq!(draw.as_deref(), Ok("{\"event\":\"auto_draw.not_ready\"}"));
    let pairs: Vec<_> =
        marked.iter().map(|line| (line["level"].as_str(), line["message"].as_str())).collect();
    assert_eq!(
        pairs,
        [
            (Some("error"), Some("[error] dvrf-json: \"down\"")),
            (Some("warning"), Some("[warning] near")),
            (Some("info"), Some("[info] fine")),
            (Some("info"), Some("  \"json\": 1")),
        ]
    );
    assert_eq!(marked[0]["file"], format!("{here}/supra_monitor.log"));
    assert!(marked[0]["timestamp"].as_str().is_some_and(|time| time.ends_with("+00:00")), "{}", marked[0]);
}

/// What we cannot run here has at least every log and the marks of the text logs.
#[rstest]
#[case::rsyslog("rsyslog.conf")]
#[case::alloy("alloy.config")]
#[case::promtail("promtail.yml")]
#[case::vector("vector.yaml")]
#[case::filebeat("filebeat.yml")]
fn deploy_every_shipper_reads_every_log(#[case] file: &str) {
    let text = read(&deploy("log-shipping").join(file));
    for word in
        ["/var/log/dvrf/*.jsonl", "/var/log/dvrf-draw/*.jsonl", "/var/log/supra_*.log", "error", "warn"]
    {
        assert!(text.contains(word), "{file} lacks {word}");
    }
}
