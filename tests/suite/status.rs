//! `dvrf-status`: every view with its answer, in JSON and for people.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod status_page;
mod status_watch;

use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use predicates::prelude::*;
use predicates::str::{contains, starts_with};
use serde_json::json;
use testkit::{Devnet, Way, json_at, rounds, run, tool};

#[test]
fn one_failed_view_does_not_hide_the_others() {
    let devnet = Devnet::start(&["--fault", "view:is_contract_paused=abort:327685"]);
    devnet
        .tool("dvrf-status", Way::Rpc)
        .args(["--live", "--format", "values"])
        .assert()
        .code(0)
        .stdout(starts_with("Chain: 6\n\nSubscription\n  deposit "))
        .stdout(contains("787.5 SUPRA (78 750 000 000 quants)\n"))
        .stdout(contains("\n  deposit module paused        unknown [aborted] the function aborted with ECONTRACT_IS_PAUSED"))
        .stdout(contains("callback sender             0xa6"))
        // A pipe gets no colours.
        .stdout(contains('\u{1b}').not());
    devnet
        .tool("dvrf-status", Way::Rpc)
        .arg("--live")
        .assert()
        .stdout(json_at("/views/paused/error/kind", "aborted"))
        .stdout(json_at("/state/deposit/paused", json!(null)))
        .stdout(json_at("/state/deposit/grant_remaining", "500000000"));
}

#[test]
fn russian() {
    Devnet::start(&[])
        .tool("dvrf-status", Way::Rpc)
        .args(["--live", "--format", "values", "--lang", "ru"])
        .assert()
        .stdout(contains("\nПодписка\n  депозит ").and(contains("\nЛотерея\n")));
}

#[test]
fn a_subscription_without_a_lottery() {
    let devnet = Devnet::start(&["--clients", "1"]);
    let mut tool = devnet.tool("dvrf-status", Way::Rpc);
    tool.env_remove("LOTTERY_ADDR").env("CLIENT_ADDR", devnet.client(1).0);
    tool.args(["--live", "--format", "values"]).assert().code(0).stdout(contains("\nLottery\n").not());
}

#[test]
fn a_card_and_every_value_with_verbose() {
    let devnet = Devnet::start(&[]);
    let status = |words: &[&str]| {
        devnet.tool("dvrf-status", Way::Rpc).args(["--live", "--format", "text"]).args(words).assert().code(0)
    };
    status(&[]).stdout(starts_with("✔ devnet  testnet ").and(contains("5.0 × minimum (157.5)")));
    status(&["-v"]).stdout(starts_with("✔ devnet").and(contains("\nSubscription\n  deposit ")));
    // The exit says whether the values were read; judging is for dvrf-check.
    devnet.enter("at-minimum");
    status(&[]).stdout(starts_with("✖ devnet  testnet   deposit at the minimum"));
}

#[test]
fn live_runs_leave_a_history_and_records_do_not() {
    let devnet = Devnet::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let history =
        |name: &str| run(tool("dvrf-status").args(["--history", name]).env("DVRF_STATE_DIR", folder.path()));
    let none = history("devnet");
    assert_eq!((none.code, none.out.as_str()), (2, ""), "{none}");
    assert!(
        none.err.contains("there is no history of \"devnet\"") && none.err.contains("a live run"),
        "{none}"
    );
    let live =
        |name: &str| run(devnet.tool(name, Way::Rpc).args(["--live", "--state-dir"]).arg(folder.path()));
    let report = live("dvrf-json");
    assert_eq!(report.code, 0, "{report}");
    let of = |found: &testkit::Outcome| -> Vec<serde_json::Value> {
        found.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let first = of(&history("devnet"));
    assert_eq!(first.len(), 1);
    assert_eq!((&first[0]["name"], &first[0]["balance"]), (&json!("devnet"), &json!("78750000000")));
    assert_eq!((&first[0]["grant"], &first[0]["verdict"]), (&json!("500000000"), &json!(null)));
    // The verdict is new; the next run within the minute repeats it.
    assert_eq!((live("dvrf-check").code, live("dvrf-check").code), (0, 0));
    let checked = of(&history("devnet"));
    assert_eq!((checked.len(), &checked[1]["verdict"]), (2, &json!("ok")));
    // A record was read by another run.
    run(tool("dvrf-check").env("DVRF_STATE_DIR", folder.path()).write_stdin(report.out));
    assert_eq!(of(&history(testkit::LOTTERY)).len(), 2);
    // What cannot be read is not known; the last known value is shown.
    let mut gone = devnet.tool("dvrf-check", Way::Rpc);
    gone.env("SUPRA_RPC_URL", "http://127.0.0.1:1").args(["--live", "--retries", "0", "--format", "text"]);
    let card = run(gone.arg("--state-dir").arg(folder.path()));
    assert_eq!(card.code, 2, "{card}");
    assert!(card.out.contains("ago): 787.5 SUPRA, 5.0 × minimum, ok\n"), "{card}");
    let unread = of(&history("devnet")).pop().unwrap();
    assert_eq!((&unread["balance"], &unread["verdict"]), (&json!(null), &json!("unknown")));
    let unknown = history("other");
    assert!(unknown.err.contains("known are: devnet"), "{unknown}");
    let without = run(tool("dvrf-status").args(["--history", "devnet"]));
    assert!(without.code == 2 && without.err.contains("--state-dir"), "{without}");
}

#[test]
fn imported_records_make_a_forecast() {
    let devnet = Devnet::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let report = run(devnet.tool("dvrf-json", Way::Rpc).arg("--live")).json();
    let now: jiff::Timestamp = report["timestamp"].as_str().unwrap().parse().unwrap();
    let mut log = String::new();
    for quarter in (1..=56_u32).rev() {
        let mut old = report.clone();
        old["timestamp"] =
            json!((now - jiff::SignedDuration::from_hours(i64::from(quarter) * 6)).to_string());
        // 63000000000 quants above the minimum, and a quarter of a sixth of it in six hours: six days are left.
        let balance = 78_750_000_000_u64 + u64::from(quarter) * 2_625_000_000;
        old["state"]["deposit"]["balance"] = json!(balance.to_string());
        old["state"]["deposit"]["effective_balance"] = json!(null);
        old["state"]["chain"]["time_us"] = json!(null);
        log.push_str(&format!("{old}\n"));
    }
    let import = || {
        let mut tool = tool("dvrf-status");
        tool.arg("--import-history").env("DVRF_STATE_DIR", folder.path()).write_stdin(log.clone());
        run(&mut tool)
    };
    assert_eq!(import().out, "devnet: points added: 56\n");
    assert_eq!(import().out, "devnet: points added: 0\n");
    let check = |words: &[&str]| {
        run(devnet
            .tool("dvrf-check", Way::Rpc)
            .arg("--live")
            .args(words)
            .env("DVRF_STATE_DIR", folder.path()))
    };
    let soon = check(&[]);
    assert_eq!(soon.code, 1, "{soon}");
    let checks = &soon.json()["checks"];
    let runway = &checks["runway"];
    let seconds = runway["seconds"].as_u64().unwrap();
    assert!((517_000..=519_000).contains(&seconds), "{runway}");
    assert_eq!((&runway["basis"], &runway["confidence"]), (&json!("balance"), &json!("high")));
    assert!(runway["at"].as_str().is_some(), "{runway}");
    let finding = &checks["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["severity"]),
        (&json!("DEPOSIT_RUNS_OUT_SOON"), &json!("warning"))
    );
    assert!(
        finding["remedy"]["text"].as_str().unwrap().contains("to reach 30 days at the recent rate"),
        "{finding}"
    );
    assert_eq!(check(&["--runway-warn", "5d"]).code, 0);
    assert_eq!(check(&["--runway-warn", "0"]).code, 0);
    let card = check(&["--format", "text", "--lang", "ru"]);
    assert!(card.out.contains("▇") && card.out.contains("  14 д\n") && card.out.contains(", ≈ "), "{card}");
    let metrics = run(devnet.tool("dvrf-prom", Way::Rpc).arg("--live").env("DVRF_STATE_DIR", folder.path()));
    assert!(metrics.out.contains("supra_dvrf_deposit_runway_seconds{"), "{metrics}");
}

/// One subscription in two spellings is one; what cannot be read is said, bounded, and keeps the rest.
#[test]
fn what_an_import_leaves_out_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let record = |client: &str, minute: u32, more: serde_json::Value| {
        let mut record = json!({
            "name": "eu-1", "client_addr": client, "deposit_addr": "0xd",
            "timestamp": format!("2026-11-25T08:{minute:02}:00Z"), "views": {},
            "state": {"chain": {"id": 6}, "deposit": {"balance": "500", "min_balance": "100", "client_whitelisted": true}}
        });
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        format!("{record}\n")
    };
    let import = |log: String| {
        let mut tool = tool("dvrf-status");
        tool.arg("--import-history").env("DVRF_STATE_DIR", folder.path()).write_stdin(log);
        run(&mut tool)
    };
    let log = record("0xc", 1, json!({}))
        + "{\"client_addr\": \"0xc\"}\n"
        + "{\"schema\": \"dvrf.record/1\", \"error\": {\"kind\": \"config\", \"message\": \"m\"}}\n"
        + &"not a record\n".repeat(7)
        + &record("0xc", 2, json!({"state": 7}))
        + &record("0x000c", 3, json!({}));
    let found = import(log);
    assert_eq!((found.code, found.out.as_str()), (2, "eu-1: points added: 2\n"), "{found}");
    let line = |number: u32| {
        format!(
            "[error] dvrf-status: cannot read stdin: line {number}: a record is a JSON object, this begins \"not a record\"\n"
        )
    };
    let expected: String = (4..=8).map(line).collect::<String>()
        + "[info] dvrf-status: records without values of a subscription, left out: 2\n\
           [error] dvrf-status: records that cannot be read, left out: 8\n";
    assert_eq!(found.err, expected);
    let fine = import(record("0xc", 1, json!({})) + &record("0xc", 4, json!({})));
    assert_eq!((fine.code, fine.out.as_str(), fine.err.as_str()), (0, "eu-1: points added: 1\n", ""));
    let refused =
        run(tool("dvrf-status").args(["--import-history", "--live"]).env("DVRF_STATE_DIR", folder.path()));
    assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{refused}");
    assert!(
        refused.err.contains("there are no records to import") && refused.err.contains("--input"),
        "{refused}"
    );
}

/// A run that is killed at any instant loses at most its own point, and breaks no later one.
#[test]
fn kills_lose_at_most_the_last_point() {
    let devnet = Devnet::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let report = run(devnet.tool("dvrf-json", Way::Rpc).arg("--live")).json();
    let mut log = String::new();
    for hour in 1..=2990_i64 {
        let mut old = report.clone();
        let now: jiff::Timestamp = report["timestamp"].as_str().unwrap().parse().unwrap();
        old["timestamp"] = json!((now - jiff::SignedDuration::from_mins(6 * hour)).to_string());
        old["state"]["chain"]["time_us"] = json!(null);
        log.push_str(&format!("{old}\n"));
    }
    run(tool("dvrf-status").arg("--import-history").env("DVRF_STATE_DIR", folder.path()).write_stdin(log));
    let points = || -> Vec<String> {
        let found =
            run(tool("dvrf-status").args(["--history", "devnet"]).env("DVRF_STATE_DIR", folder.path()));
        assert_eq!(found.code, 0, "{found}");
        found.out.lines().map(str::to_owned).collect()
    };
    let mut before = points();
    assert_eq!(before.len(), 2990);
    for round in 0..rounds(15, 200) {
        // The balance of every run differs, so that each adds a point; some of them thin the file.
        devnet.control(&json!({"balance": (78_750_000_000_u64 - round as u64).to_string()}));
        let tool = devnet.tool("dvrf-json", Way::Rpc);
        let mut command = std::process::Command::new(tool.get_program());
        command.envs(tool.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.arg("--live").env("DVRF_STATE_DIR", folder.path());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis((round as u64 * 7) % 60));
        child.kill().unwrap();
        child.wait().unwrap();
        let after = points();
        let is_thinned = after.len() < before.len();
        let kept = if is_thinned { after.last() >= before.last() } else { after.starts_with(&before) };
        assert!(kept && after.len() > 1000, "round {round}: {} points, {} before", after.len(), before.len());
        before = after;
    }
}

#[test]
fn a_page_replaces_the_earlier_one() {
    let devnet = Devnet::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.html");
    std::fs::write(&path, "an earlier page").unwrap();
    let page = |words: &[&str]| {
        run(devnet.tool("dvrf-status", Way::Rpc).args(["--live", "--format", "html"]).args(words))
    };
    let printed = page(&[]);
    assert_eq!(printed.code, 0, "{printed}");
    assert!(
        printed.out.starts_with("<!DOCTYPE html>\n<html lang=\"en\">")
            && printed.out.contains(">devnet <span"),
        "{printed}"
    );
    let written = page(&["--lang", "ru", "--output", path.to_str().unwrap()]);
    assert_eq!((written.code, written.out.as_str()), (0, ""), "{written}");
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(kept.contains("<html lang=\"ru\">") && kept.ends_with("</html>\n"), "{kept}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let nowhere = page(&["--output", "/nonexistent/index.html"]);
    assert!(nowhere.code == 2 && nowhere.err.contains("cannot write /nonexistent/index.html"), "{nowhere}");
    let text = run(devnet.tool("dvrf-status", Way::Rpc).args(["--live", "--output", "x"]));
    assert!(text.code == 2 && text.err.contains("--format html"), "{text}");
}

/// A tool whose output is read while it runs.
struct Running {
    child: Child,
    output: Receiver<Vec<u8>>,
    /// What it has written so far.
    written: String,
}

impl Running {
    fn start(command: &mut std::process::Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let Some(mut stdout) = child.stdout.take() else { panic!("no stdout") };
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut chunk) {
                if sender.send(chunk[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, output, written: String::new() }
    }

    fn send(&mut self, keys: &str) {
        self.written.clear();
        let sent = self.child.stdin.as_mut().is_some_and(|stdin| stdin.write_all(keys.as_bytes()).is_ok());
        assert!(sent, "{keys:?}");
    }

    /// Waits until all of this has been written since the last key.
    fn shows(&mut self, texts: &[&str]) {
        let start = Instant::now();
        while !texts.iter().all(|text| self.written.contains(text)) {
            assert!(start.elapsed() < Duration::from_secs(20), "{texts:?} is not in {}", self.written);
            if let Ok(chunk) = self.output.recv_timeout(Duration::from_millis(100)) {
                self.written.push_str(&String::from_utf8_lossy(&chunk));
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Two subscriptions, the second one unreadable.
fn fleet(folder: &std::path::Path) -> std::path::PathBuf {
    let path = folder.join("fleet.jsonl");
    let second = "{\"name\":\"second\",\"client_addr\":\"0xfade\"}";
    let written = std::fs::write(
        &path,
        format!("{{\"name\":\"first\",\"lottery_addr\":\"{}\"}}\n{second}\n", testkit::LOTTERY),
    );
    assert!(written.is_ok(), "{written:?}");
    path
}

fn watching(devnet: &Devnet, folder: &std::path::Path, program: &str) -> std::process::Command {
    let tool = devnet.tool("dvrf-status", Way::Rpc);
    let mut command = std::process::Command::new(program);
    command.env_clear().envs(tool.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("TERM", "xterm").env("DVRF_RPC_RETRIES", "0").env_remove("LOTTERY_ADDR");
    let line =
        format!("exec '{}' --watch 1s --input '{}'", tool.get_program().display(), fleet(folder).display());
    match program {
        "script" => command.args(["-qec", &line, "/dev/null"]),
        _ => command.args(["-c", &line]),
    };
    command
}

#[test]
fn the_live_table_on_a_terminal() {
    let devnet = Devnet::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let mut watch = Running::start(&mut watching(&devnet, folder.path(), "script"));
    watch.shows(&[
        "\u{1b}[?1049h",
        "reading …",
        "every 1 s",
        "first",
        "second",
        "2 subscriptions:",
        "Enter card",
    ]);
    watch.shows(&["read 0 s ago"]);
    // The worst comes first.
    watch.send("\u{1b}[B\r");
    watch.shows(&["first  testnet", "Esc back"]);
    watch.send("\u{1b}");
    watch.shows(&["Enter card"]);
    // A node that goes and comes back: what was seen last stays, in parentheses.
    devnet.fault("html=true");
    watch.send("x");
    watch.shows(&["(787.5)"]);
    devnet.fault("latency_ms=0");
    watch.send("x");
    watch.shows(&[" 787.5 ", "read "]);
    watch.send("q");
    watch.shows(&["\u{1b}[?1049l"]);
    assert!(watch.child.wait().unwrap().success());
}

#[test]
fn the_live_table_elsewhere_is_printed_again() {
    let devnet = Devnet::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let mut watch = Running::start(&mut watching(&devnet, folder.path(), "sh"));
    for _ in 0..2 {
        watch.shows(&["NAME ", "first", "2 subscriptions:"]);
        assert!(!watch.written.contains('\u{1b}'), "{}", watch.written);
        watch.written.clear();
    }
    let refused = |words: &[&str]| run(devnet.tool("dvrf-status", Way::Rpc).args(words));
    let short = refused(&["--live", "--watch", "0"]);
    assert!(short.code == 2 && short.err.contains("--watch is \"0\": a span from 1s to 1d"), "{short}");
    let stdin = refused(&["--input", "-", "--watch", "5s"]);
    assert!(stdin.code == 2 && stdin.err.contains("stdin can be read only once"), "{stdin}");
}
