//! Hostile input and hostile surroundings, through the real binaries: every tool ends with the code that its answer
//! has, says what is wrong in one clear line, and loses nothing but what is broken. `docs/internals/reliability.md` lists them.

mod chain;
mod clock;
mod input;
mod limits;
mod places;
mod process;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use testkit::{Outcome, binary, program};

/// Every tool that reads records, with words that make it read them and touch nothing else.
const READERS: [(&str, &[&str]); 6] = [
    ("dvrf-status", &[]),
    ("dvrf-json", &[]),
    ("dvrf-check", &[]),
    ("dvrf-notify", &["--dry-run", "--channel", "generic,url=http://127.0.0.1:9/x"]),
    ("dvrf-prom", &[]),
    ("dvrf-draw", &["ready"]),
];

/// A record that every tool can use; `balance` is JSON.
fn record(name: &str, balance: &str) -> String {
    format!(
        r#"{{"profile":"{name}","client_addr":"0x1","state":{{"deposit":{{"balance":{balance},"min_balance":"10","supra_min_balance":"10","client_whitelisted":true}}}},"views":{{}}}}"#
    )
}

/// Whether a terminal would do something at this character but show it.
fn acts(c: char) -> bool {
    let n = u32::from(c);
    (n < 0x20 && c != '\n')
        || (0x7f..0xa0).contains(&n)
        || matches!(n, 0x61c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff)
}

/// No panic, no backtrace, nothing that acts on a terminal.
#[track_caller]
fn civil(outcome: &Outcome) {
    for word in ["panicked", "RUST_BACKTRACE", "stack backtrace", "unwrap", "Err("] {
        assert!(!outcome.err.contains(word), "{outcome}");
    }
    assert!(!outcome.err.contains(acts), "{outcome}");
}

/// The `[error]` lines, or the usage errors.
fn errors(outcome: &Outcome) -> usize {
    outcome.err.lines().filter(|line| line.starts_with("[error]") || line.starts_with("error:")).count()
}

fn outcome(output: Output) -> Outcome {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap_or_else(|error| panic!("{error}"));
    let code = output.status.code().unwrap_or_else(|| panic!("died: {}", output.status));
    Outcome { code, out: text(output.stdout), err: text(output.stderr) }
}

/// A line for `bash` with the binaries in `PATH` and these variables; it is stopped after half a minute.
fn shell(line: &str, variables: &[(&str, &str)]) -> Outcome {
    let mut child = bash(line, variables).stdin(Stdio::null()).spawn().unwrap();
    drop(child.stdin.take());
    outcome(child.wait_with_output().unwrap())
}

/// The same with this on stdin, as far as it is read.
fn shell_with(line: &str, variables: &[(&str, &str)], input: &[u8]) -> Outcome {
    let mut child = bash(line, variables).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    outcome(output)
}

fn bash(line: &str, variables: &[(&str, &str)]) -> Command {
    let folder = binary("dvrf-json").parent().unwrap().display().to_string();
    let path = testkit::requirements::path();
    let mut command = program("timeout");
    command
        .args(["30", "bash", "-c", line])
        .env_clear()
        .env("PATH", format!("{folder}:{path}"))
        .env("DVRF_CACHE_DIR", "off")
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The variables of a live run against a devnet.
fn live(url: &str) -> Vec<(&'static str, &str)> {
    vec![
        ("SUPRA_RPC_URL", url),
        ("LOTTERY_ADDR", testkit::LOTTERY),
        ("DEPOSIT_ADDR", testkit::DEPOSIT),
        ("PROFILE", "devnet"),
        ("DVRF_CHAIN_ID", "6"),
    ]
}
