//! Real children: small shell scripts that behave as the CLI does, well and badly.

use std::fs;
use std::process::Command;

use rstest::rstest;

use super::*;
use crate::view::Argument;

fn script(folder: &Path, text: &str) -> OsString {
    let path = folder.join("supra");
    executable(&path, text);
    path.into_os_string()
}

/// Writes a shell script. Another process writes it: a child that another test starts meanwhile would inherit the open
/// file, and what is open for writing cannot be run.
fn executable(path: &Path, text: &str) {
    let mut shell = Command::new("sh");
    shell.args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$1\" >\"$0\" && chmod 755 \"$0\""]).arg(path).arg(text);
    assert!(shell.status().unwrap().success());
}

fn config(program: OsString) -> CliConfig {
    CliConfig {
        program: vec![program],
        profile: Some("p".to_owned()),
        rpc_url: None,
        secrets: Vec::new(),
        supra_config: None,
        generation: Generation::V9,
        env_remove: &["MONITOR_WEBHOOK_URL"],
        call_timeout: Duration::from_millis(1500),
        jobs: 8,
        compose: None,
    }
}

fn view(name: &str) -> Request {
    let function = format!("0x1::deposit::{name}").parse().unwrap();
    let arguments = vec![Argument::Address(Address::FRAMEWORK)];
    Request::View(ViewCall { function, type_arguments: vec![], arguments })
}

fn ask(text: &str) -> Result<Value, Error> {
    let folder = tempfile::tempdir().unwrap();
    let transport = CliTransport::new(config(script(folder.path(), text))).unwrap();
    let mut replies = transport.ask(&[view("f")], Deadline::after(Duration::from_secs(5)));
    replies.pop().unwrap().result
}

fn kind(text: &str) -> FailureKind {
    ask(text).unwrap_err().kind()
}

#[test]
fn words_in_the_old_order() {
    let echo = "printf '{\"result\":[\"%s\"]}' \"$*\"";
    let one = Address::FRAMEWORK;
    assert_eq!(
        ask(echo).unwrap()[0],
        format!("move tool view --profile p --function-id {one}::deposit::f --args address:{one}")
    );
}

#[test]
fn words_by_generation() {
    let words = |generation, request: &Request| {
        let config =
            CliConfig { generation, rpc_url: Some(Secret::new("http://n")), ..config("supra".into()) };
        CliTransport::new(config).unwrap().words(request).map(|words| words.join(" "))
    };
    assert!(words(Generation::V6, &view("f")).unwrap().ends_with("--url http://n"));
    assert!(words(Generation::V9, &view("f")).unwrap().ends_with("--rpc-url http://n"));
    assert!(!words(Generation::V11, &view("f")).unwrap().contains("--profile"));
    let resource = Request::Resource { account: Address::FRAMEWORK, type_tag: "0x1::m::S".into() };
    let before_v11 = "move tool list --query resources --profile p --rpc-url http://n";
    assert_eq!(words(Generation::V10, &resource).unwrap(), before_v11);
    let module = Request::ModuleAbi { account: Address::FRAMEWORK, module: "m".into() };
    assert_eq!(words(Generation::V10, &module).unwrap_err().kind(), FailureKind::Unsupported);
    assert!(
        words(Generation::V11, &resource)
            .unwrap()
            .starts_with("move tool list --query resources --account 0x")
    );
}

const OF_FIVE: &str =
    r#"{"0x1::account::Account": {"key_rotation_events": {"guid": {"id": {"addr": "0x05"}}}}}"#;
const OF_SIX: &str = r#"{"type": "0x1::account::Account", "data": {"key_rotation_events": {"guid": {"id": {"addr": "0x6"}}}}}"#;

/// Before v11 the list is that of the profile's account: it is used where it says that this is the account asked about.
#[rstest]
#[case::of_the_account(Generation::V9, &[OF_FIVE, r#"{"0x5::m::S": {"n": "1"}}"#], true)]
#[case::with_a_long_address(Generation::V9, &[OF_FIVE, r#"{"type": "0x0005::m::S", "data": {"n": "1"}}"#], true)]
#[case::without_the_type(Generation::V9, &[OF_FIVE, r#"{"0x5::m::T": {"n": "1"}}"#], false)]
#[case::of_another_account(Generation::V9, &[OF_SIX, r#"{"0x5::m::S": {"n": "1"}}"#], false)]
#[case::of_an_unknown_account(Generation::V9, &[r#"{"0x5::m::S": {"n": "1"}}"#], false)]
#[case::of_the_account_by_flag(Generation::V11, &[r#"{"0x5::m::S": {"n": "1"}}"#], true)]
fn a_resource_is_one_of_its_account(
    #[case] generation: Generation,
    #[case] listed: &[&str],
    #[case] found: bool,
) {
    let folder = tempfile::tempdir().unwrap();
    let program = script(folder.path(), &format!("echo '{{\"Result\": [{}]}}'", listed.join(", ")));
    let transport = CliTransport::new(CliConfig { generation, ..config(program) }).unwrap();
    let five = "0x5".parse().unwrap();
    let request = Request::Resource { account: five, type_tag: format!("{five}::m::S") };
    let mut replies = transport.ask(&[request], Deadline::after(Duration::from_secs(5)));
    let answer = replies.pop().unwrap().result;
    let expected = if found { Ok(serde_json::json!({"n": "1"})) } else { Err(FailureKind::Unsupported) };
    assert_eq!(answer.map_err(|error| error.kind()), expected);
}

/// Before v11 views answer what a list fails to answer, for whatever reason.
#[rstest]
#[case::unreachable("echo 'connection refused' >&2; exit 1", FailureKind::Unreachable)]
#[case::cut("head -c 9000000 /dev/zero", FailureKind::Unreachable)]
#[case::late("sleep 60", FailureKind::Timeout)]
#[case::no_profile("echo 'CliProfile: KeyNotFound(x)' >&2; exit 1", FailureKind::Unsupported)]
fn a_list_that_fails(#[case] text: &str, #[case] kind: FailureKind) {
    let folder = tempfile::tempdir().unwrap();
    let program = script(folder.path(), text);
    let request = Request::Resource { account: Address::FRAMEWORK, type_tag: "0x1::m::S".into() };
    let kinds = [Generation::V9, Generation::V11].map(|generation| {
        let transport = CliTransport::new(CliConfig { generation, ..config(program.clone()) }).unwrap();
        let mut replies =
            transport.ask(std::slice::from_ref(&request), Deadline::after(Duration::from_secs(5)));
        replies.pop().unwrap().result.unwrap_err().kind()
    });
    assert_eq!(kinds, [FailureKind::Unsupported, kind]);
}

#[test]
fn a_node_without_its_password() {
    let node = |url: &str| CliConfig::node(url).map(|url| url.reveal().to_owned()).ok();
    assert_eq!(node(" https://me:p%40ss@h:1/key?a=b ").as_deref(), Some("https://h:1/key?a=b"));
    assert_eq!(node("h:26000").as_deref(), Some("h:26000"), "left to the CLI");
    assert_eq!(node("me:secret@h"), None);
}

#[test]
fn endings() {
    assert_eq!(kind("echo 'Error: no route' >&2; exit 1"), FailureKind::Unreachable);
    assert_eq!(
        kind("echo '{\"message\":\"sub status 393217 at location Module 0x1::deposit\"}'"),
        FailureKind::NotWhitelisted
    );
    assert_eq!(kind("echo hello"), FailureKind::Undecodable);
    assert_eq!(kind("printf '\\377\\376'"), FailureKind::Undecodable);
    assert_eq!(kind(":"), FailureKind::Undecodable);
    assert_eq!(kind("kill -9 $$"), FailureKind::Unreachable);
    // A result printed by a CLI that then failed is not trusted.
    assert_eq!(kind("echo '{\"result\":[\"1\"]}'; exit 3"), FailureKind::Unreachable);
    let refused = ask("echo \"error: unexpected argument '--profile' found\" >&2; exit 2").unwrap_err();
    assert_eq!(refused.kind(), FailureKind::Config);
    assert!(refused.hint().unwrap().contains("DVRF_CLI_GENERATION"));
}

/// The same words on either stream, with either exit code, in JSON or not, mean the same.
#[rstest]
#[case::missing("could not find entry function by 0x1::deposit::f", FailureKind::Unsupported)]
#[case::arguments("expected 0 arguments [], but got 1 ([String(x)])", FailureKind::Unsupported)]
#[case::abort(
    "Move abort in 0x1::deposit: ECLIENT_NOT_EXIST(0x60001): Client Address does not exist",
    FailureKind::NotWhitelisted
)]
#[case::gas("Failed to execute view function: OUT_OF_GAS", FailureKind::Aborted)]
#[case::profile("CliProfile: KeyNotFound(x)", FailureKind::Config)]
#[case::docker("Cannot connect to the Docker daemon", FailureKind::Config)]
#[case::network("error sending request for url: connection refused", FailureKind::Unreachable)]
fn words_count_wherever_they_are(#[case] words: &str, #[case] expected: FailureKind) {
    for noise in ["", "echo INFO supra_logger: Starting >&2;", "echo URL: http://n/rpc/v1/view;"] {
        for shown in
            [words.to_owned(), format!("{{\"message\": \"{words}\"}}"), format!("Error: General: {words}")]
        {
            for redirect in ["", " >&2"] {
                for code in [0, 1] {
                    let text = format!("{noise} echo '{shown}'{redirect}; exit {code}");
                    assert_eq!(kind(&text), expected, "{text}");
                }
            }
        }
    }
}

#[test]
fn words_that_nobody_knows_are_marked() {
    let said = |text: &str| crate::abort::is_unrecognised(&ask(text).unwrap_err().into());
    assert!(said("echo 'Error: the gnomes refuse' >&2; exit 1"));
    assert!(said("echo '{\"message\": \"the gnomes refuse\"}'"));
    for text in ["kill -9 $$", "exit 137", "echo '{\"result\": [\"12'", "echo '{\"result\": [1]}'; exit 1"] {
        assert!(!said(text), "{text}");
    }
}

#[test]
fn a_cli_that_cannot_be_used_is_not_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "echo x >> {}/log; echo 'CliProfile: KeyNotFound(\"p\")' >&2; exit 1",
        folder.path().display()
    );
    let transport = CliTransport::new(config(script(folder.path(), &text))).unwrap();
    let requests: Vec<Request> = (0..20).map(|index| view(&format!("f{index}"))).collect();
    let deadline = Deadline::after(Duration::from_millis(900));
    for _ in 0..2 {
        let replies = transport.ask(&requests, deadline);
        assert!(replies.iter().all(|reply| reply.result.as_ref().unwrap_err().kind() == FailureKind::Config));
    }
    let runs = || fs::read_to_string(folder.path().join("log")).unwrap().lines().count();
    assert_eq!(runs(), 1);
    // The next run may find it repaired.
    std::thread::sleep(deadline.remaining());
    script(folder.path(), "echo '{\"result\": [\"1\"]}'");
    let replies = transport.ask(&requests, Deadline::after(Duration::from_secs(5)));
    assert!(replies.iter().all(|reply| reply.result.is_ok()));
}

#[test]
fn a_binary_that_cannot_run_is_a_configuration_error() {
    let folder = tempfile::tempdir().unwrap();
    for program in [folder.path().join("none").into_os_string(), folder.path().to_owned().into_os_string()] {
        let transport = CliTransport::new(config(program)).unwrap();
        let mut replies = transport.ask(&[view("f")], Deadline::after(Duration::from_secs(5)));
        let failure = replies.pop().unwrap().result.unwrap_err();
        assert_eq!(failure.kind(), FailureKind::Config, "{failure}");
        assert!(failure.hint().unwrap().contains("SUPRA_CLI_BIN"));
    }
}

#[test]
fn a_hanging_call_is_stopped_with_its_children() {
    let started = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let text = format!("sleep 30 & echo $! > {}/child; wait", folder.path().display());
    assert_eq!(kind(&text), FailureKind::Timeout);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(ends(folder.path()), "the grandchild lives");
}

/// Whether the process that wrote its number into `child` ends; the kernel delivers the kill in its own time.
fn ends(folder: &std::path::Path) -> bool {
    let pid = fs::read_to_string(folder.join("child")).unwrap();
    (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        state.is_empty() || state.contains(") Z ")
    })
}

#[test]
fn a_grandchild_that_holds_the_pipe_neither_holds_us_nor_lives_on() {
    let started = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let text =
        format!("sleep 60 & echo $! > {}/child; echo '{{\"result\":[\"1\"]}}'", folder.path().display());
    assert_eq!(ask(&text).unwrap()[0], "1");
    assert!(started.elapsed() < Duration::from_secs(4));
    assert!(ends(folder.path()), "what it left in the background lives on");
}

#[test]
fn noise_does_not_block() {
    let noisy = "head -c 1000000 /dev/zero | tr '\\0' x >&2; head -c 200000 /dev/zero | tr '\\0' ' '; echo '{\"result\":[\"1\"]}'";
    assert_eq!(ask(noisy).unwrap()[0], "1");
}

#[test]
fn stdin_is_empty_and_secrets_stay_here() {
    assert_eq!(ask("read -r line; printf '{\"result\":[\"%s\"]}' \"$line\"").unwrap()[0], "");
}

#[test]
fn compose_starts_one_container_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let supra = script(folder.path(), "printf '{\"result\":[\"%s\"]}' \"$7\"");
    let docker = folder.path().join("docker");
    let log = folder.path().join("log");
    let text = format!("echo start >> {}\nfor last; do :; done\nexec bash -c \"$last\"", log.display());
    executable(&docker, &text);
    let compose = Some(Compose { docker: docker.into_os_string(), service: "supra_cli".into() });
    let transport = CliTransport::new(CliConfig { compose, ..config(supra) }).unwrap();
    let requests =
        [view("f"), Request::ModuleAbi { account: Address::FRAMEWORK, module: "m".into() }, view("g")];
    let replies = transport.ask(&requests, Deadline::after(Duration::from_secs(5)));
    assert_eq!(replies[0].result.as_ref().unwrap()[0], format!("{}::deposit::f", Address::FRAMEWORK));
    assert_eq!(replies[1].result.as_ref().unwrap_err().kind(), FailureKind::Unsupported);
    assert_eq!(replies[2].result.as_ref().unwrap()[0], format!("{}::deposit::g", Address::FRAMEWORK));
    assert_eq!(fs::read_to_string(log).unwrap(), "start\n");
}
