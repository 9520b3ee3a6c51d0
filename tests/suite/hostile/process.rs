//! What a caller can do to a process: closed descriptors, odd arguments, signals, readers that go away.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::process::Stdio;
use std::time::Duration;

use testkit::receivers::eventually;
use testkit::{Devnet, Way, binary, needs, program, run, tool};

use super::{READERS, acts, civil, live, record, shell, shell_with};

/// Every combination of closed descriptors: the code is the one of the verdict, and nothing is written to a file that a
/// descriptor happens to name afterwards.
#[test]
fn closed_descriptors_change_no_verdict() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.json");
    std::fs::write(&path, record("p", "\"5\"")).unwrap();
    let input = path.display().to_string();
    let state = folder.path().join("state").display().to_string();
    let mut variables = live(&devnet.url);
    variables.extend([("F", input.as_str()), ("S", state.as_str())]);
    for (line, code) in [
        ("dvrf-status --input \"$F\"", 0),
        ("dvrf-json --input \"$F\"", 0),
        ("dvrf-check --input \"$F\" --state-dir \"$S\"", 1),
        ("dvrf-check --nagios --input \"$F\"", 2),
        ("dvrf-check --live", 0),
        (
            "dvrf-notify --input \"$F\" --channel generic,url=http://127.0.0.1:9/x --notify-timeout 0.1 --state-dir \"$S\"",
            2,
        ),
        ("dvrf-prom --input \"$F\" --textfile \"$S.prom\"", 0),
        ("dvrf-draw ready --live", 0),
        ("dvrf-events list --since 0", 0),
        ("dvrf-calc --max-gas-price 1 --max-gas-limit 1 --verification-gas 1", 0),
        ("dvrf check --input \"$F\"", 1),
        ("dvrf --list", 0),
        ("dvrf-doctor", 0),
    ] {
        for closed in ["0<&-", "1>&-", "2>&-", "0<&- 1>&-", "0<&- 2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"] {
            let outcome = shell(&format!("exec {line} {closed}"), &variables);
            assert_eq!(outcome.code, code, "{line} {closed}: {outcome}");
            civil(&outcome);
        }
    }
    // What was opened into the place of a closed descriptor holds only what belongs there.
    assert_eq!(std::fs::read_to_string(&path).unwrap(), record("p", "\"5\""));
    let metrics = std::fs::read_to_string(format!("{state}.prom")).unwrap();
    assert!(
        metrics.lines().all(|line| line.starts_with("supra_dvrf_") || line.starts_with("# ")),
        "{metrics}"
    );
    for entry in std::fs::read_dir(&state).unwrap().map(Result::unwrap) {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        assert!(!text.contains("[error]"), "{}: {text}", entry.path().display());
    }
}

/// Arguments and variables that are not text.
#[test]
fn arguments_that_are_no_text() {
    let odd = || std::ffi::OsString::from_vec(b"\xff\xfe\x1b]0;t\x07".to_vec());
    for name in [
        "dvrf-status",
        "dvrf-json",
        "dvrf-check",
        "dvrf-notify",
        "dvrf-prom",
        "dvrf-draw",
        "dvrf-events",
        "dvrf-calc",
        "dvrf",
        "dvrf-doctor",
    ] {
        for words in [
            vec![odd()],
            vec!["--timeout".into(), odd()],
            vec!["--input".into(), odd()],
            vec![std::ffi::OsString::new()],
            vec!["-".into(), "--".into(), odd()],
        ] {
            let outcome = run(tool(name).args(&words));
            assert_eq!((outcome.code, outcome.out.as_str()), (2, ""), "{name} {words:?}: {outcome}");
            assert!(!outcome.err.is_empty(), "{name} {words:?}");
            civil(&outcome);
        }
        let long = "x".repeat(100_000);
        let outcome = run(tool(name).arg(&long));
        assert_eq!(outcome.code, 2, "{name}");
        civil(&outcome);
    }
    for (name, words) in READERS {
        if name == "dvrf-notify" {
            continue;
        }
        for variable in ["LOTTERY_ADDR", "DEPOSIT_ADDR", "SUPRA_RPC_URL", "DVRF_TIMEOUT", "DVRF_TRANSPORT"] {
            let mut command = tool(name);
            command.envs([
                ("LOTTERY_ADDR", "0x1"),
                ("DEPOSIT_ADDR", "0x2"),
                ("SUPRA_RPC_URL", "http://127.0.0.1:9"),
            ]);
            let outcome = run(command.args(words).arg("--live").env(variable, odd()));
            assert_eq!(outcome.code, 2, "{name} {variable}: {outcome}");
            let named = outcome.err.to_ascii_uppercase();
            assert!(named.contains(variable), "{name} {variable}: {outcome}");
            civil(&outcome);
        }
    }
}

/// A reader that goes away: quiet, with the verdict's code, however stdout is handed down.
#[test]
fn a_reader_that_goes_away_is_quiet() {
    let low = format!("{}\n", record("p", "\"5\""));
    let many = low.repeat(20_000);
    for (line, code) in [
        ("dvrf-check", 1),
        ("dvrf-check --format text", 1),
        ("dvrf-json", 0),
        ("dvrf-json --pretty", 0),
        ("dvrf-status", 0),
        ("dvrf-draw ready", 1),
        ("dvrf check", 1),
    ] {
        let both = format!("{line} | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}");
        let outcome = shell_with(&both, &[], many.as_bytes());
        assert_eq!(
            (outcome.out.as_str(), outcome.err.as_str()),
            (format!("{code}\n").as_str(), ""),
            "{line}"
        );
        // Some shells and supervisors leave SIGPIPE to its default: a tool's own handling must not hang on it.
        let ignored = format!("(trap '' PIPE; {line}; echo $? >&2) 2>&1 >/dev/null | tail -1");
        let outcome = shell_with(&ignored, &[], low.as_bytes());
        assert_eq!(outcome.out, format!("{code}\n"), "{line}: {outcome}");
    }
    for line in [
        "dvrf-prom --input <(printf '%s' '{\"client_addr\":\"0x1\",\"state\":{},\"views\":{}}')",
        "dvrf --list",
        "dvrf-check --help",
        "dvrf-json --generate man",
        "dvrf-doctor",
        "dvrf-calc --max-gas-price 1 --max-gas-limit 1 --verification-gas 1",
    ] {
        let outcome = shell(&format!("{line} | true"), &[]);
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{line}: {outcome}");
    }
}

/// A signal in mid-run ends a tool at once, by that signal; nothing is left that says otherwise.
#[test]
fn a_signal_in_mid_run_ends_it_at_once() {
    let devnet = Devnet::start(&["--fault", "hang,path=view"]);
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().display().to_string();
    let mut variables = live(&devnet.url);
    variables.push(("S", &state));
    for line in [
        "dvrf-status --live",
        "dvrf-json --live",
        "dvrf-check --live --state-dir \"$S\"",
        "dvrf-prom --live --textfile \"$S/a.prom\"",
        "dvrf-draw ready --live",
        "dvrf-doctor",
        "dvrf-notify --live --channel generic,url=http://127.0.0.1:9/x --state-dir \"$S\"",
    ] {
        for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
            let script = format!(
                "set -m; {line} >\"$S/out\" 2>\"$S/err\" & sleep 0.15; kill -{signal} $!; wait $! 2>/dev/null; echo $?; cat \"$S/err\" >&2"
            );
            let started = std::time::Instant::now();
            let outcome = shell(&script, &variables);
            assert_eq!(outcome.out, format!("{code}\n"), "{line} {signal}: {outcome}");
            assert!(started.elapsed().as_secs() < 5, "{line} {signal}: {:?}", started.elapsed());
            let out = std::fs::read_to_string(folder.path().join("out")).unwrap();
            assert_eq!(out, "", "{line} {signal}: half an answer");
            civil(&outcome);
        }
    }
    assert!(!folder.path().join("a.prom").exists(), "no metrics of a run that was stopped");
}

/// `SIGTERM` before and while a draw is sent: a draw is sent once or not at all, and the next run knows.
#[test]
fn a_draw_that_is_stopped_is_reconciled() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().display().to_string();
    let cli = devnet.cli.display().to_string();
    let variables = [
        ("SUPRA_CLI_BIN", cli.as_str()),
        ("DVRF_DEVNET_URL", &devnet.url),
        ("LOTTERY_ADDR", testkit::LOTTERY),
        ("DEPOSIT_ADDR", testkit::DEPOSIT),
        ("PROFILE", "devnet"),
        ("S", &state),
        ("DVRF_CHAIN_ID", "6"),
    ];
    let counted = || devnet.call("GET", "/devnet/state", "")["lottery"]["rng_request_count"].clone();
    let before = counted();
    devnet.fault("cli_latency=400ms");
    for wait in ["0.05", "0.3", "0.9", "1.6"] {
        let script = format!(
            "set -m; dvrf-draw auto --execute --assume-yes --state-dir \"$S\" >/dev/null 2>&1 & sleep {wait}; kill -TERM $!; wait $! 2>/dev/null; echo $?"
        );
        shell(&script, &variables);
    }
    devnet.fault("");
    // An orphaned CLI may still be at it.
    std::thread::sleep(std::time::Duration::from_millis(600));
    for _ in 0..2 {
        let mut command = devnet.tool("dvrf-draw", Way::Cli("v9"));
        let outcome =
            run(command.args(["auto", "--execute", "--assume-yes", "--state-dir"]).arg(folder.path()));
        civil(&outcome);
    }
    let number = |value: &serde_json::Value| {
        value.as_str().and_then(|text| text.parse::<u64>().ok()).or(value.as_u64())
    };
    let (before, after) = (number(&before).unwrap(), number(&counted()).unwrap());
    assert!(after <= before + 1, "{} draws in one round", after - before);
    // Not drawn: then a run says that it waits for what a stopped one may have sent, and does not say that all is well.
    let mut command = devnet.tool("dvrf-draw", Way::Cli("v9"));
    let last = run(command.args(["auto", "--execute", "--assume-yes", "--state-dir"]).arg(folder.path()));
    let status = last.json()["status"].clone();
    let said = if after == before { ["busy", "error"] } else { ["not_ready", "reconciled"] };
    assert!(said.iter().any(|word| status == *word), "{last}");
    assert_eq!(number(&counted()), Some(after), "{last}");
}

/// Text that a terminal would act on, in names of files and of commands.
#[test]
fn names_do_nothing_on_a_terminal() {
    let name = "/nonexistent/\u{1b}]0;title\u{7}\u{202e}x";
    for (tool_name, words) in READERS {
        let outcome = run(tool(tool_name).args(words).args(["--input", name]));
        assert!(outcome.code == 2 && outcome.err.contains("\\u{1b}]0;title"), "{tool_name}: {outcome}");
        civil(&outcome);
    }
    for words in [["\u{1b}]0;t\u{7}", "x"], ["--\u{202e}flag", "x"]] {
        for tool_name in ["dvrf", "dvrf-check", "dvrf-calc", "dvrf-draw"] {
            let outcome = run(tool(tool_name).args(words));
            assert!(outcome.code == 2 && !outcome.err.contains(acts), "{tool_name}: {outcome}");
        }
    }
}

/// The id of a process by its name and its parent.
fn child_of(parent: u32, name: &str) -> Option<String> {
    let named = format!("({name}) ");
    fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let rest = stat.split_once(&named)?.1;
        (rest.split(' ').nth(1)?.parse() == Ok(parent)).then(|| entry.file_name().into_string().unwrap())
    })
}

/// The first process of a container has no default action for signals.
#[test]
#[needs("unshare", "mount-namespace")]
fn the_first_process_of_a_container_ends_by_sigterm() {
    for tool in ["dvrf-check", "dvrf-prom"] {
        let mut container = program("unshare");
        container.args(["--pid", "--fork"]).arg(binary(tool)).stdin(Stdio::piped());
        let mut container = container.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let id = container.id();
        let first = eventually(Duration::from_secs(10), || child_of(id, tool)).unwrap();
        let ended = eventually(Duration::from_secs(20), || {
            let line = format!("kill -TERM {first} 2>/dev/null");
            program("sh").args(["-c", &line]).status().unwrap();
            container.try_wait().unwrap()
        });
        assert_eq!(ended.and_then(|status| status.code()), Some(143), "{tool}");
    }
}
