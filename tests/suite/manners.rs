//! How every tool behaves as a Unix process.

use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::assert::OutputAssertExt as _;
use predicates::function::function;
use predicates::str::{contains, starts_with};
use rstest::rstest;
use testkit::mock_receiver::{MockReceiver, ScriptedResponse};
use testkit::receivers::{eventually, free_address};
use testkit::{DEPOSIT, Devnet, LOTTERY, Way, binary, json_at, needs, program, tool};

fn records(count: usize) -> String {
    "{\"state\":{\"deposit\":{\"balance\":\"100\",\"min_balance\":\"10\",\"supra_min_balance\":\"10\",\"client_whitelisted\":true}},\"views\":{}}\n".repeat(count)
}

#[rstest]
fn help_and_version_work_with_a_broken_environment(
    #[values("dvrf-status", "dvrf-json", "dvrf-check", "dvrf-prom", "dvrf-calc")] name: &str,
) {
    let broken =
        [("MAX_GAS_PRICE", "x"), ("MIN_BALANCE_WINDOW", "-"), ("DVRF_TIMEOUT", "soon"), ("DVRF_LANG", "??")];
    let help = tool(name).arg("--help").envs(broken).assert();
    help.code(0).stdout(contains("Exit codes:\n  0   fine")).stderr("");
    tool(name).arg("--version").envs(broken).assert().code(0).stdout(format!("{name} 0.1.0\n"));
    tool(name).arg("--no-such-flag").assert().code(2).stdout("");
}

#[rstest]
fn completion_and_man_pages(
    #[values("dvrf-status", "dvrf-json", "dvrf-check", "dvrf-prom", "dvrf-calc")] name: &str,
) {
    tool(name).args(["--generate", "man"]).assert().code(0).stdout(contains(name));
    tool(name).args(["--generate", "complete", "--"]).assert().code(0).stdout(contains("--version\t"));
}

#[rstest]
#[case("dvrf-check", 1)]
#[case("dvrf-json", 0)]
#[case("dvrf-status", 0)]
fn a_closed_pipe_is_quiet_and_keeps_the_verdict(#[case] name: &str, #[case] code: i32) {
    let low = records(1).replace("\"100\"", "\"1\"");
    let input = format!("{low}{}", records(20_000));
    let mut child = Command::new(binary(name))
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output.assert().code(code).stderr("");
}

#[rstest]
fn a_full_disk_is_an_error(#[values("dvrf-status", "dvrf-json", "dvrf-check", "dvrf-prom")] name: &str) {
    let mut child = Command::new(binary(name))
        .env_clear()
        .args(["--input", "-"])
        .stdin(Stdio::piped())
        .stdout(File::options().write(true).open("/dev/full").unwrap())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(records(1).as_bytes()).unwrap();
    let said = format!("[error] {name}: cannot write stdout: No space left on device (os error 28)\n");
    child.wait_with_output().unwrap().assert().code(2).stderr(said);
}

#[rstest]
fn an_upstream_that_said_nothing_is_an_error(#[values("dvrf-status", "dvrf-json", "dvrf-check")] name: &str) {
    tool(name)
        .write_stdin("")
        .assert()
        .code(2)
        .stdout(json_at("/error/kind", "input"))
        .stderr(contains("the upstream command produced no record"));
}

#[rstest]
fn files_dash_and_missing_files(#[values("dvrf-status", "dvrf-json", "dvrf-check")] name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.json");
    std::fs::write(&path, records(2)).unwrap();
    let lines = |count: usize| function(move |text: &str| text.lines().count() == count);
    tool(name).arg("--input").arg(&path).assert().code(0).stdout(lines(2));
    tool(name).args(["--input", "-"]).write_stdin(records(3)).assert().code(0).stdout(lines(3));
    let said = format!("[error] {name}: cannot open /nonexistent: No such file");
    tool(name).args(["--input", "/nonexistent"]).assert().code(2).stderr(starts_with(said));
}

#[test]
fn dev_null_means_live() {
    let devnet = Devnet::start(&[]);
    // assert_cmd gives /dev/null where no stdin is written.
    let mut live = Command::new(binary("dvrf-json"));
    live.env_clear().stdin(Stdio::null());
    live.env("SUPRA_RPC_URL", &devnet.url)
        .env("LOTTERY_ADDR", testkit::LOTTERY)
        .env("DEPOSIT_ADDR", testkit::DEPOSIT);
    live.assert().code(0).stdout(json_at("/state/deposit/balance", "78750000000"));
}

#[test]
fn an_interrupt_ends_with_130_and_takes_the_cli_along() {
    let devnet = Devnet::start(&["--fault", "cli_hang"]);
    let line = format!(
        "SUPRA_CLI_BIN={} DVRF_DEVNET_URL={} LOTTERY_ADDR={} DEPOSIT_ADDR={} {} --live & pid=$!; sleep 0.6; kill -INT $pid; wait $pid; echo $?; sleep 0.2; ps -eo args | grep -c '^{} move' || true",
        devnet.cli.display(),
        devnet.url,
        testkit::LOTTERY,
        testkit::DEPOSIT,
        binary("dvrf-json").display(),
        devnet.cli.display(),
    );
    // A shell without job control starts background jobs with SIGINT ignored, so this one has it.
    let numbers = function(|said: &str| {
        let numbers: Vec<&str> = said.split_whitespace().collect();
        // The exit code, and how many children of the CLI are left.
        (numbers.first(), numbers.last()) == (Some(&"130"), Some(&"0"))
    });
    program("bash").args(["-mc", &line]).assert().stdout(numbers);
}

#[test]
fn little_is_enough() {
    let devnet = Devnet::start(&[]);
    // No HOME, no PATH, no cache.
    let mut bare = devnet.tool("dvrf-json", Way::Rpc);
    bare.env_remove("PATH").env_remove("DVRF_CACHE_DIR").arg("--live");
    bare.assert().code(0);
    let mut unwritable = devnet.tool("dvrf-json", Way::Rpc);
    unwritable.env("DVRF_CACHE_DIR", "/proc/nowhere").arg("--live");
    unwritable.assert().code(0).stderr("");
}

/// The first process of a container has no default action for SIGTERM: a tool that ignored it would be killed only at the
/// end of the grace period, also while it waits for the CLI, a node, or forever.
#[rstest]
#[case::cli_child("dvrf-json", &["--live"], "SUPRA_CLI_BIN", 143)]
#[case::node("dvrf-json", &["--live"], "SUPRA_RPC_URL", 143)]
#[case::tail("dvrf-events", &["tail"], "SUPRA_RPC_URL", 143)]
#[case::exporter("dvrf-prom", &["--live", "--listen", "{address}"], "SUPRA_RPC_URL", 0)]
#[needs("unshare", "root")]
fn the_first_process_of_a_container_ends_by_sigterm(
    #[case] name: &str,
    #[case] words: &[&str],
    #[case] source: &str,
    #[case] code: i32,
) {
    let folder = tempfile::tempdir().unwrap();
    let (cli, started) = (folder.path().join("supra"), folder.path().join("started"));
    std::fs::write(&cli, format!("#!/bin/sh\n: >{}\nsleep 60\n", started.display())).unwrap();
    std::fs::set_permissions(&cli, std::fs::Permissions::from_mode(0o755)).unwrap();
    let node = MockReceiver::open(Vec::new(), ScriptedResponse::Hang);
    let value = if source == "SUPRA_CLI_BIN" { cli.display().to_string() } else { node.url("") };
    let mut namespace = program("unshare");
    namespace.args(["--pid", "--fork", "--kill-child"]).arg(binary(name));
    let address = free_address();
    namespace.args(words.iter().map(|word| word.replace("{address}", &address)));
    namespace.env(source, value).env("LOTTERY_ADDR", LOTTERY).env("DEPOSIT_ADDR", DEPOSIT);
    namespace.env("DVRF_CACHE_DIR", "off").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut outside = namespace.spawn().unwrap();
    let waits = || started.exists() || !node.requests().is_empty() || TcpStream::connect(&address).is_ok();
    let has_begun = eventually(Duration::from_secs(20), || waits().then_some(()));
    let children = format!("/proc/{0}/task/{0}/children", outside.id());
    let first = std::fs::read_to_string(children).unwrap();
    assert!(has_begun.is_some(), "{name} asks nothing");
    let start = Instant::now();
    assert!(program("bash").args(["-c", &format!("kill -TERM {first}")]).status().unwrap().success());
    assert_eq!(outside.wait().unwrap().code(), Some(code), "{name} {source}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
