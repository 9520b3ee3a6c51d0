//! How every tool behaves as a Unix process.

use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};

use testkit::{Devnet, Way, binary, program, run, tool};

const TOOLS: [&str; 5] = ["dvrf-status", "dvrf-json", "dvrf-check", "dvrf-prom", "dvrf-calc"];
const FILTERS: [&str; 3] = ["dvrf-status", "dvrf-json", "dvrf-check"];

fn records(count: usize) -> String {
    "{\"state\":{\"deposit\":{\"balance\":\"100\",\"min_balance\":\"10\",\"client_whitelisted\":true}},\"views\":{}}\n".repeat(count)
}

#[test]
fn help_and_version_work_with_a_broken_environment() {
    for name in TOOLS {
        let broken = [
            ("MAX_GAS_PRICE", "x"),
            ("MIN_BALANCE_WINDOW", "-"),
            ("DVRF_TIMEOUT", "soon"),
            ("DVRF_LANG", "??"),
        ];
        let help = run(tool(name).arg("--help").envs(broken));
        assert_eq!((help.code, help.err.as_str()), (0, ""), "{help}");
        assert!(help.out.contains("Exit codes:\n  0   fine"), "{help}");
        let version = run(tool(name).arg("--version").envs(broken));
        assert_eq!((version.code, version.out), (0, format!("{name} 0.1.0\n")));
        let unknown = run(tool(name).arg("--no-such-flag"));
        assert_eq!((unknown.code, unknown.out.as_str()), (2, ""), "{unknown}");
    }
}

#[test]
fn completions_and_man_pages() {
    for name in TOOLS {
        for kind in ["man", "bash", "zsh", "fish"] {
            let page = run(tool(name).args(["--generate", kind]));
            assert!(page.code == 0 && page.out.contains(name), "{name} {kind}: {page}");
        }
    }
}

#[test]
fn a_closed_pipe_is_quiet_and_keeps_the_verdict() {
    let low = records(1).replace("\"100\"", "\"1\"");
    let input = format!("{low}{}", records(20_000));
    for (name, code) in [("dvrf-check", 1), ("dvrf-json", 0), ("dvrf-status", 0)] {
        let mut child = Command::new(binary(name))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut stdin = child.stdin.take().unwrap();
        let input = input.clone();
        let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(code), &b""[..]), "{name}");
    }
}

#[test]
fn a_full_disk_is_an_error() {
    for name in FILTERS.into_iter().chain(["dvrf-prom"]) {
        let output = Command::new(binary(name))
            .env_clear()
            .arg("--input")
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(File::options().write(true).open("/dev/full").unwrap())
            .stderr(Stdio::piped())
            .spawn()
            .and_then(|mut child| {
                child.stdin.take().unwrap().write_all(records(1).as_bytes()).unwrap();
                child.wait_with_output()
            })
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert_eq!(
            said,
            format!("[error] {name}: cannot write stdout: No space left on device (os error 28)\n")
        );
    }
}

#[test]
fn an_upstream_that_said_nothing_is_an_error() {
    for name in FILTERS {
        let outcome = run(tool(name).write_stdin(""));
        assert_eq!(outcome.code, 2, "{name}: {outcome}");
        assert!(outcome.err.contains("the upstream command produced no record"), "{name}: {outcome}");
        assert_eq!(outcome.json()["error"]["kind"], "input", "{name}");
    }
}

#[test]
fn files_dash_and_missing_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.json");
    std::fs::write(&path, records(2)).unwrap();
    for name in FILTERS {
        let file = run(tool(name).arg("--input").arg(&path));
        assert_eq!((file.code, file.out.lines().count()), (0, 2), "{name}: {file}");
        let dash = run(tool(name).args(["--input", "-"]).write_stdin(records(3)));
        assert_eq!(dash.out.lines().count(), 3, "{name}: {dash}");
        let none = run(tool(name).args(["--input", "/nonexistent"]));
        assert_eq!(none.code, 2);
        assert!(
            none.err.starts_with(&format!("[error] {name}: cannot open /nonexistent: No such file")),
            "{none}"
        );
    }
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
    let output = live.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(record["state"]["deposit"]["balance"], "78750000000");
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
    let output = program("bash").args(["-mc", &line]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<&str> = said.split_whitespace().collect();
    assert_eq!(numbers.first(), Some(&"130"), "{said}");
    let left: u32 = numbers.last().unwrap().parse().unwrap();
    assert_eq!(left, 0, "children of the CLI are left: {said}");
}

#[test]
fn little_is_enough() {
    let devnet = Devnet::start(&[]);
    // No HOME, no PATH, no cache.
    let mut bare = devnet.tool("dvrf-json", Way::Rpc);
    bare.env_remove("PATH").env_remove("DVRF_CACHE_DIR").arg("--live");
    assert_eq!(run(&mut bare).code, 0);
    let mut unwritable = devnet.tool("dvrf-json", Way::Rpc);
    unwritable.env("DVRF_CACHE_DIR", "/proc/nowhere").arg("--live");
    let outcome = run(&mut unwritable);
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome}");
}
