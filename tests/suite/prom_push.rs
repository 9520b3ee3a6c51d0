//! Pushing with `dvrf-prom`: methods, retries, deadlines, and that no URL is ever shown.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use assert_cmd::assert::OutputAssertExt as _;
use predicates::prelude::*;
use predicates::str::{contains, starts_with};
use rstest::rstest;
use testkit::mock_receiver::{MockReceiver, ScriptedResponse};
use testkit::receivers::eventually;
use testkit::{Devnet, Printed, Way, tool};

const RECORD: &str = "{\"profile\":\"p\",\"state\":{\"deposit\":{\"balance\":\"100\",\"min_balance\":\"10\",\"supra_min_balance\":\"10\",\"client_whitelisted\":true}},\"views\":{}}\n";

/// Pushes a record to the address of the environment.
fn push(url: &str) -> Command {
    let mut prom = tool("dvrf-prom");
    prom.env("MONITOR_PUSH_URL", url).write_stdin(RECORD);
    prom
}

#[test]
fn printed_and_posted_as_before() {
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(202));
    let outcome = push(&inbox.url("import?token=canary")).assert().code(0).stderr("");
    let request = &inbox.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/import?token=canary"));
    assert_eq!(request.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(request.body, outcome.text());
}

#[test]
fn a_group_is_put_and_deleted_with_credentials_in_a_header() {
    let inbox = MockReceiver::open(vec![ScriptedResponse::status(200)], ScriptedResponse::status(202));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("push-url");
    std::fs::write(&file, format!("{}\n", inbox.url("").replace("://", "://me:canary@"))).unwrap();
    let group = ["--push-job", "dvrf/eu", "--push-group", "instance=a"];
    let mut put = tool("dvrf-prom");
    put.args(group).arg("--push-url-file").arg(&file).write_stdin(RECORD).assert().code(0).stderr("");
    let mut delete = tool("dvrf-prom");
    delete.args(group).arg("--delete").env("CREDENTIALS_DIRECTORY", folder.path());
    delete.assert().code(0).stdout("").stderr("");
    let requests = inbox.requests();
    let methods: Vec<&str> = requests.iter().map(|request| request.method.as_str()).collect();
    assert_eq!(methods, ["PUT", "DELETE"]);
    for request in &requests {
        assert_eq!(request.path, "/metrics/job@base64/ZHZyZi9ldQ/instance/a");
        assert_eq!(request.header("authorization"), Some("Basic bWU6Y2FuYXJ5"));
    }
}

#[test]
fn a_passing_fault_is_tried_again() {
    let faults = vec![ScriptedResponse::status(503), ScriptedResponse::with(429, "Retry-After: 1")];
    let inbox = MockReceiver::open(faults, ScriptedResponse::status(200));
    let start = Instant::now();
    push(&inbox.url("canary")).assert().code(0);
    assert_eq!(inbox.requests().len(), 3);
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
}

#[rstest]
#[case::redirect(ScriptedResponse::with(302, "Location: http://127.0.0.1:9/"), "status 302")]
#[case::refused(ScriptedResponse::status(400), "status 400")]
#[case::missing(ScriptedResponse::status(404), "status 404")]
fn a_lasting_fault_is_said_without_the_url(#[case] answer: ScriptedResponse, #[case] said: &str) {
    let inbox = MockReceiver::open(Vec::new(), answer);
    push(&inbox.url("canary"))
        .assert()
        .code(2)
        // Printed first.
        .stdout(contains("supra_dvrf_up{").and(contains("canary").not()))
        .stderr(contains(said).and(contains("POST to http://127.0.0.1:")).and(contains("canary").not()));
    assert_eq!(inbox.requests().len(), 1);
}

#[test]
fn a_server_that_hangs_costs_no_more_than_the_time_given() {
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::Hang);
    let start = Instant::now();
    push(&inbox.url(""))
        .args(["--push-timeout", "1"])
        .assert()
        .code(2)
        .stderr(contains("failed: no answer within"));
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

#[test]
fn a_failed_push_does_not_hide_a_low_deposit() {
    let devnet = Devnet::start(&["--scenario", "below-minimum"]);
    let mut prom = devnet.tool("dvrf-prom", Way::Rpc);
    prom.env("MONITOR_PUSH_URL", "http://me:canary@127.0.0.1:9/canary").env("MONITOR_PUSH_TIMEOUT", "1");
    prom.args(["--live", "--fail-on-low"])
        .assert()
        .code(1)
        .stderr(contains("POST to http://127.0.0.1:9/*** failed").and(contains("canary").not()));
}

#[test]
fn a_dry_run_pushes_nothing() {
    let dry = |url: &str| {
        tool("dvrf-prom").args(["--dry-run", "--push-url", url]).write_stdin(RECORD).assert().code(0)
    };
    dry("http://127.0.0.1:9/canary").stderr("[info] dvrf-prom: would push to http://127.0.0.1:9/***\n");
    let warned = starts_with("[warning] dvrf-prom: the push URL on the command line");
    dry("http://u:canary@h/").stderr(warned.and(contains("canary").not()));
}

#[test]
fn no_secret_in_metrics_messages_memory_or_the_process_list() {
    let folder = tempfile::tempdir().unwrap();
    let (file, textfile) = (folder.path().join("push-url"), folder.path().join("a.prom"));
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::Hang);
    std::fs::write(&file, inbox.url("canary?t=canary").replace("://", "://me:canary@")).unwrap();
    let mut prom = tool("dvrf-prom");
    prom.env("SUPRA_RPC_URL", "http://canary:canary@127.0.0.1:9/canary")
        .env("DVRF_RPC_HEADERS", "X-Key: canary")
        .env("NODE_API_KEY", "canary")
        .env("LOTTERY_ADDR", "0x1")
        .env("DEPOSIT_ADDR", "0x2");
    prom.args(["--live", "--retries", "0", "--format", "json", "--push-timeout", "2", "--push-url-file"])
        .arg(&file);
    prom.arg("--textfile").arg(&textfile).arg("--state-dir").arg(folder.path().join("state"));
    let running = std::thread::spawn(move || prom.assert());
    let pushed = eventually(Duration::from_secs(20), || inbox.requests().pop());
    // The push hangs now: the process is alive, and its words can be read.
    let ours = file.display().to_string();
    let words: Vec<String> =
        testkit::command_lines().into_iter().filter(|line| line.contains(&ours)).collect();
    assert!(pushed.is_some() && !words.is_empty());
    assert!(words.iter().all(|line| !line.contains("canary")), "{words:?}");
    let silent = || contains("canary").not();
    let said = contains("POST to http://127.0.0.1:").and(silent());
    running.join().unwrap().code(2).stdout(silent()).stderr(said);
    for kept in [textfile, folder.path().join("state/prom.json")] {
        let text = std::fs::read_to_string(kept).unwrap();
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn a_reader_that_has_gone_is_no_reason_not_to_push() {
    let inbox = MockReceiver::friendly();
    let mut child = std::process::Command::new(testkit::binary("dvrf-prom"))
        .env_clear()
        .env("MONITOR_PUSH_URL", inbox.url(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(RECORD.as_bytes()).unwrap();
    child.wait_with_output().unwrap().assert().code(0).stderr("");
    assert!(inbox.requests()[0].body.contains("supra_dvrf_up{"));
}
