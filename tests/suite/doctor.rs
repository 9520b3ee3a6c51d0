//! `dvrf doctor`: what is well, what is wrong, and what to do about it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::{Duration, Instant};

use predicates::prelude::*;
use predicates::str::contains;
use rstest::rstest;
use serde_json::Value;
use testkit::mock_receiver::MockReceiver;
use testkit::{DEPOSIT, Devnet, LOTTERY, Printed, Way, binary, needs, program, run};

fn doctor(devnet: &Devnet, way: Way, more: &[(&str, &str)]) -> (Option<i32>, Vec<Value>) {
    let mut command = devnet.tool("dvrf-doctor", way);
    command.env("DVRF_STATE_DIR", devnet.cli.parent().unwrap().join("state")).args(["--format", "json"]);
    for (name, value) in more {
        command.env(name, value);
    }
    let silent = || contains("SECRET").not();
    let outcome = command.assert().stdout(silent()).stderr(silent());
    (outcome.get_output().status.code(), outcome.json()["doctor"].as_array().unwrap().clone())
}

/// The trials of one health, with what to do.
fn of<'a>(trials: &'a [Value], health: &str) -> Vec<(&'a str, &'a str)> {
    let text = |trial: &'a Value, key: &str| trial[key].as_str().unwrap_or_default();
    let those = trials.iter().filter(|trial| trial["health"] == health);
    those.map(|trial| (text(trial, "name"), text(trial, "fix"))).collect()
}

#[rstest]
fn a_good_setup_is_well_in_every_generation(
    #[values(Way::Rpc, Way::Cli("v6"), Way::Cli("v9"), Way::Cli("v11"))] way: Way,
) {
    let inbox = MockReceiver::friendly();
    let channel = format!("slack,url={}", inbox.url("SECRET-path"));
    let gas = [("MAX_GAS_PRICE", "1000"), ("MAX_GAS_LIMIT", "500000"), ("VERIFICATION_GAS_VALUE", "25000")];
    let devnet = Devnet::start(&[]);
    let (code, trials) = doctor(&devnet, way, &[&gas[..], &[("DVRF_NOTIFY_CHANNELS", &channel)]].concat());
    assert_eq!((code, of(&trials, "wrong")), (Some(0), vec![]));
    let ok: Vec<&str> = of(&trials, "ok").into_iter().map(|(name, _)| name).collect();
    let common = ["gas settings", "target", "transport", "chain", "value balance", "channel slack"];
    let cli = (way != Way::Rpc).then_some("supra cli");
    for name in common.into_iter().chain(["state directory"]).chain(cli) {
        assert!(ok.contains(&name), "{name}: {trials:?}");
    }
    assert_eq!(inbox.requests().len(), 0, "nothing is sent");
}

#[test]
fn every_problem_has_its_fix() {
    let devnet = Devnet::start(&[]);
    let wrong = [
        ("DVRF_CLI_GENERATION", "v9"),
        ("DVRF_NOTIFY_CHANNELS", "teams;slack,url=http://127.0.0.1:1/SECRET-path"),
        ("MAX_GAS_PRICE", "1000"),
        ("DVRF_STATE_DIR", "/proc/nowhere"),
        ("MONITOR_PUSH_URL", "http://user:SECRET-pw@127.0.0.1:1/"),
    ];
    let (code, trials) = doctor(&devnet, Way::Cli("v11"), &wrong);
    let wrong = of(&trials, "wrong");
    let names: Vec<&str> = wrong.iter().map(|(name, _)| *name).collect();
    for name in ["gas settings", "supra cli", "channel teams", "channel slack", "push url", "state directory"]
    {
        assert!(names.contains(&name), "{name}: {trials:?}");
    }
    assert_eq!(code, Some(1));
    assert!(wrong.iter().all(|(_, fix)| !fix.is_empty()), "{wrong:?}");
    assert!(wrong.contains(&("supra cli", "set DVRF_CLI_GENERATION to v11")), "{wrong:?}");
    let (code, trials) =
        doctor(&devnet, Way::Rpc, &[("SUPRA_RPC_URL", "http://127.0.0.1:1"), ("DVRF_RETRIES", "0")]);
    assert_eq!((code, of(&trials, "wrong")[0].0), (Some(1), "chain"), "{trials:?}");
}

#[test]
fn text_is_short_and_says_whether_one_can_go_on() {
    let devnet = Devnet::start(&[]);
    let last = |text: &str| text.lines().last().unwrap_or_default().to_owned();
    let ready = devnet.tool("dvrf-doctor", Way::Rpc).assert().code(0).text();
    assert!(ready.lines().count() <= 10 && ready.starts_with("✔ settings"), "{ready}");
    assert!(last(&ready).starts_with("Ready to watch. "), "{ready}");
    let mut gone = devnet.tool("dvrf-doctor", Way::Rpc);
    let gone =
        gone.env("SUPRA_RPC_URL", "http://127.0.0.1:1").args(["--retries", "0"]).assert().code(1).text();
    assert!(gone.lines().count() <= 10 && last(&gone).starts_with("Not ready: "), "{gone}");
    let all = devnet.tool("dvrf-doctor", Way::Rpc).arg("-v").assert().code(0).text();
    assert!(all.contains("ok       value balance: "), "{all}");
}

/// The lookup of the system would go on for minutes.
#[test]
#[needs("mount", "unshare", "root", "mount-namespace")]
fn a_name_server_that_does_not_answer_is_given_up() {
    let devnet = Devnet::start(&[]);
    // Nobody reads what this socket receives.
    let silent = std::net::UdpSocket::bind("127.7.7.7:53").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let resolver = folder.path().join("resolv.conf");
    std::fs::write(&resolver, "nameserver 127.7.7.7\noptions timeout:30 attempts:5\n").unwrap();
    let script = format!(
        "mount --bind {} /etc/resolv.conf && exec {} --format json",
        resolver.display(),
        binary("dvrf-doctor").display()
    );
    let mut shell = program("unshare");
    shell.args(testkit::requirements::mount_namespace()).args(["sh", "-c", &script]);
    shell.env("DVRF_NOTIFY_CHANNELS", "email,server=mail.dvrf.test,from=a@b.test,to=c@d.test");
    shell.env("SUPRA_RPC_URL", &devnet.url).env("LOTTERY_ADDR", LOTTERY).env("DEPOSIT_ADDR", DEPOSIT);
    let start = Instant::now();
    let outcome = run(&mut shell);
    let trials = outcome.json()["doctor"].as_array().unwrap().clone();
    let mail = trials.iter().find(|trial| trial["name"] == "channel email").unwrap();
    let found = mail["found"].as_str().unwrap();
    assert!(found.ends_with("cannot be reached: the name lookup timed out after 5s"), "{outcome}");
    assert!(start.elapsed() < Duration::from_secs(25), "{:?}", start.elapsed());
    drop(silent);
}
