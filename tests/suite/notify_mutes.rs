//! Mutes, acknowledgements and maintenance windows: what is not sent, until when, and where it is seen.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, starts_with};
use rstest::rstest;
use serde_json::json;
use testkit::mock_receiver::MockReceiver;
use testkit::{DEPOSIT, Devnet, LOTTERY, report, tool};

/// A folder with a settings file about one low subscription, `main`, which tells this receiver.
fn folder(devnet: &Devnet, inbox: &MockReceiver, more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "network = \"testnet\"\nrpc_url = \"{}\"\nretries = 0\nstate_dir = \"state\"\n\
         [[subscription]]\nname = \"main\"\nlottery = \"{LOTTERY}\"\ndeposit = \"{DEPOSIT}\"\n\
         [[channel]]\nkind = \"generic\"\nurl_env = \"HOOK\"\n{more}",
        devnet.url
    );
    fs::write(folder.path().join("dvrf.toml"), text).unwrap();
    fs::write(folder.path().join("hook"), inbox.url("hook")).unwrap();
    folder
}

fn run(name: &str, folder: &Path, words: &[&str]) -> Command {
    let mut command = tool(name);
    let hook = fs::read_to_string(folder.join("hook")).unwrap();
    command.env_clear().env("DVRF_CONFIG", "dvrf.toml").env("DVRF_CACHE_DIR", "off").env("HOOK", hook);
    command.env("USER", "ann").current_dir(folder).args(words);
    command
}

/// The events that a run sends.
fn sent(folder: &Path, inbox: &MockReceiver) -> Vec<String> {
    let before = inbox.requests().len();
    run("dvrf-notify", folder, &["--live"]).assert().success();
    let event = |request: &testkit::mock_receiver::ReceivedRequest| {
        request.json()["event"].as_str().unwrap_or_default().to_owned()
    };
    inbox.requests().iter().skip(before).map(event).collect()
}

#[test]
fn a_mute_is_seen_and_ends_with_an_alert() {
    let (devnet, inbox) = (Devnet::start(&["--scenario", "low"]), MockReceiver::friendly());
    let folder = folder(&devnet, &inbox, "");
    let notify = |words: &[&str]| run("dvrf-notify", folder.path(), words);
    let words = ["mute", "main", "--for", "2h", "--reason", "new node", "--format", "text"];
    notify(&words).assert().success().stderr("").stdout(
        starts_with("muted: main, until 20").and(contains(" UTC (ann@").and(contains(": new node)\n"))),
    );
    assert_eq!(sent(folder.path(), &inbox), [""; 0]);
    let listed = || notify(&["mutes"]).output().unwrap().stdout;
    let list: serde_json::Value = serde_json::from_slice(&listed()).unwrap();
    let mute = &list["silences"][0];
    assert_eq!((&mute["kind"], &mute["subscription"]), (&"mute".into(), &"main".into()));
    let span = mute["until_s"].as_i64().unwrap() - mute["since_s"].as_i64().unwrap();
    assert_eq!((span, mute.get("problem"), mute["reason"].as_str()), (7200, None, Some("new node")));
    run("dvrf-status", folder.path(), &["--live", "--format", "text"])
        .assert()
        .stdout(starts_with("▲ main").or(starts_with("✖ main")).and(contains("\n  alerts    muted until ")));
    notify(&["unmute", "main", "--format", "text"]).assert().success().stdout(starts_with("muted: main, "));
    assert_eq!(listed(), b"{\"silences\":[]}\n");
    assert_eq!(sent(folder.path(), &inbox), ["firing"]);
}

#[test]
fn a_mute_ends_by_itself() {
    let (devnet, inbox) = (Devnet::start(&["--scenario", "low"]), MockReceiver::friendly());
    let folder = folder(&devnet, &inbox, "");
    run("dvrf-notify", folder.path(), &["mute", "deposit", "--for", "1s"]).assert().success();
    let deadline = Instant::now() + Duration::from_secs(20);
    while run("dvrf-notify", folder.path(), &["mutes"]).output().unwrap().stdout != b"{\"silences\":[]}\n" {
        assert!(Instant::now() < deadline, "the mute does not end");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(sent(folder.path(), &inbox), ["firing"]);
}

#[test]
fn an_acknowledged_problem_is_not_repeated() {
    let (devnet, inbox) = (Devnet::start(&["--scenario", "low"]), MockReceiver::friendly());
    // Every run is a reminder.
    let folder = folder(&devnet, &inbox, "[alerts]\nrepeat_every = 1\n");
    assert_eq!(sent(folder.path(), &inbox), ["firing"]);
    let deadline = Instant::now() + Duration::from_secs(20);
    while sent(folder.path(), &inbox) != ["reminder"] {
        assert!(Instant::now() < deadline, "there is no reminder");
        std::thread::sleep(Duration::from_millis(50));
    }
    run("dvrf-notify", folder.path(), &["ack", "main", "deposit", "--format", "text"])
        .assert()
        .success()
        .stdout(starts_with("acknowledged: main deposit, until 20"));
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        assert_eq!(sent(folder.path(), &inbox), [""; 0]);
    }
}

/// The list of mutes and acknowledgements.
fn listed(folder: &Path) -> String {
    String::from_utf8(run("dvrf-notify", folder, &["mutes"]).output().unwrap().stdout).unwrap()
}

/// A new problem is not acknowledged by what was said of the one before.
#[rstest]
#[case::subscription(&["ack", "main"])]
#[case::problem(&["ack", "deposit"])]
#[case::both(&["ack", "main", "deposit", "--for", "7d"])]
fn an_acknowledgement_ends_with_its_problem(#[case] words: &[&str]) {
    let (devnet, inbox) = (Devnet::start(&["--scenario", "low"]), MockReceiver::friendly());
    let folder = folder(&devnet, &inbox, "");
    assert_eq!(sent(folder.path(), &inbox), ["firing"]);
    run("dvrf-notify", folder.path(), words).assert().success();
    let card = || {
        let output = run("dvrf-status", folder.path(), &["--live", "--format", "text"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(card().contains("acknowledged at "), "{}", card());
    devnet.control(&json!({"balance": "900000000000"}));
    assert_eq!(sent(folder.path(), &inbox), [""; 0]);
    assert!(listed(folder.path()).contains("\"ack\""));
    assert_eq!(sent(folder.path(), &inbox), ["resolved"]);
    assert_eq!(listed(folder.path()), "{\"silences\":[]}\n");
    devnet.control(&json!({"balance": "23625000000"}));
    assert_eq!(sent(folder.path(), &inbox), ["firing"]);
    assert!(!card().contains("acknowledged"), "{}", card());
}

/// One without a subscription stays for as long as any subscription has the problem.
#[test]
fn an_acknowledgement_of_several_ends_with_the_last() {
    let (devnet, inbox) = (Devnet::start(&["--scenario", "low"]), MockReceiver::friendly());
    let folder = folder(&devnet, &inbox, "[alerts]\nresolve_after = 1\n");
    let notify = |name: &str, percent: u64| {
        let mut record: serde_json::Value = serde_json::from_str(&report(percent)).unwrap();
        record["name"] = json!(name);
        record["client_addr"] = json!(if name == "main" { "0x1" } else { "0x2" });
        run("dvrf-notify", folder.path(), &["--input", "-"])
            .write_stdin(record.to_string())
            .assert()
            .success();
    };
    notify("main", 150);
    notify("asia", 150);
    run("dvrf-notify", folder.path(), &["ack", "deposit"]).assert().success();
    notify("main", 500);
    assert!(listed(folder.path()).contains("\"ack\""));
    notify("asia", 500);
    assert_eq!(listed(folder.path()), "{\"silences\":[]}\n");
}

/// Windows of a century, and one that is over.
#[rstest]
#[case::all("", "2120", true)]
#[case::subscription("only = [\"main\"]\nreason = \"move\"\n", "2120", true)]
#[case::problem("problems = [\"DEPOSIT_AT_OR_BELOW_MIN_BALANCE\", \"deposit\"]\n", "2120", true)]
#[case::other_problem("problems = [\"request\"]\n", "2120", false)]
#[case::over("", "2021", false)]
fn a_maintenance_window_silences(#[case] about: &str, #[case] year: &str, #[case] is_silent: bool) {
    let (devnet, inbox) = (Devnet::start(&["--scenario", "low"]), MockReceiver::friendly());
    let window =
        format!("[[maintenance]]\n{about}from = 2020-01-01T00:00:00Z\nto = {year}-01-01T00:00:00Z\n");
    let folder = folder(&devnet, &inbox, &window);
    let expected: &[&str] = if is_silent { &[] } else { &["firing"] };
    assert_eq!(sent(folder.path(), &inbox), expected);
}

#[rstest]
#[case::no_name(&["mute", "--for", "2h"], "mute, unmute and ack need the name of a subscription or a code", "such as: dvrf notify mute main")]
#[case::no_span(&["mute", "main"], "mute needs --for, so that it ends by itself", "such as --for 2h")]
#[case::long(&["mute", "main", "--for", "31d"], "--for takes 1s to 30d", "for longer, write a [[maintenance]] in dvrf.toml")]
#[case::near_name(&["ack", "mian"], "there is no subscription and no code \"mian\"", "did you mean main?")]
#[case::near_code(&["ack", "REQUEST_STUK"], "there is no subscription and no code \"REQUEST_STUK\"", "did you mean REQUEST_STUCK?")]
#[case::far_name(&["ack", "frobnicate"], "there is no subscription and no code \"frobnicate\"", "the subscriptions are main; docs/fix.md lists the codes")]
#[case::two_codes(&["ack", "deposit", "REQUEST_STUCK"], "\"REQUEST_STUCK\" is one name or code too many", "give a subscription, a code, or one of each")]
#[case::not_muted(&["unmute", "main"], "\"main\" is not muted or acknowledged", "dvrf notify mutes lists what is")]
#[case::no_place(&["send", "main"], "\"main\" is not expected here", "only mute, unmute and ack take a name or a code")]
fn mistakes(#[case] words: &[&str], #[case] message: &str, #[case] hint: &str) {
    let (devnet, inbox) = (Devnet::start(&["--scenario", "low"]), MockReceiver::friendly());
    let folder = folder(&devnet, &inbox, "");
    let expected = format!("[error] dvrf-notify: {message}\n[info] dvrf-notify: {hint}");
    run("dvrf-notify", folder.path(), words).assert().code(2).stdout("").stderr(starts_with(expected));
}

#[test]
fn mutes_need_a_state_directory() {
    let mut command = tool("dvrf-notify");
    command.env_clear().args(["mute", "main", "--for", "2h"]).assert().code(2).stdout("").stderr(
        "[error] dvrf-notify: DVRF_STATE_DIR or --state-dir is needed\n\
         [info] dvrf-notify: mutes are kept there: name the directory that dvrf notify uses\n",
    );
}

/// What is muted is seen wherever the verdict is, until it ends; the verdict and the exit code stay as they are.
#[test]
fn a_mute_is_seen_everywhere_and_changes_no_verdict() {
    let (devnet, inbox) = (Devnet::start(&["--scenario", "low"]), MockReceiver::friendly());
    let more = "[[subscription]]\nname = \"asia\"\nclient = \"0x7\"\n";
    let folder = folder(&devnet, &inbox, more);
    let of = |name: &str, words: &[&str]| {
        let output = run(name, folder.path(), words).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let check = || {
        let (code, text) = of("dvrf-check", &["--live", "--only", "main", "--format", "json"]);
        (code, serde_json::from_str::<serde_json::Value>(&text).unwrap()["checks"].clone())
    };
    let before = check();
    assert_eq!((before.0, before.1.get("silences")), (Some(1), None));
    let words = ["mute", "main", "--for", "2h", "--reason", "new node"];
    run("dvrf-notify", folder.path(), &words).assert().success();
    let (code, mut checks) = check();
    let silences = checks.as_object_mut().unwrap().remove("silences").unwrap();
    assert_eq!(
        (code, &checks["status"], &checks["findings"]),
        (Some(1), &before.1["status"], &before.1["findings"])
    );
    let listed: serde_json::Value = serde_json::from_str(&of("dvrf-notify", &["mutes"]).1).unwrap();
    assert_eq!(silences, listed["silences"]);
    let (code, card) = of("dvrf-check", &["--live", "--only", "main", "--format", "text", "--lang", "ru"]);
    assert!(code == Some(1) && card.contains("\n  тревоги   сообщения отключены до "), "{card}");
    let table = of("dvrf-status", &["--live", "--format", "text"]).1;
    assert!(table.contains(" muted · ") && table.contains("\nmuted: main, until 20"), "{table}");
    assert_eq!(table.matches("muted · ").count(), 1, "{table}");
    let page = of("dvrf-status", &["--live", "--format", "html"]).1;
    assert!(page.contains("<p class=\"quiet\">muted until ") && page.contains(": new node</p>"), "{page}");
}

/// A run that goes on shows a mute that somebody adds, and its end.
#[test]
fn a_live_table_shows_a_mute_until_it_ends() {
    let (devnet, inbox) = (Devnet::start(&["--scenario", "low"]), MockReceiver::friendly());
    let folder = folder(&devnet, &inbox, "");
    let mut watch = std::process::Command::new(tool("dvrf-status").get_program());
    let hook = fs::read_to_string(folder.path().join("hook")).unwrap();
    watch.env_clear().env("DVRF_CONFIG", "dvrf.toml").env("DVRF_CACHE_DIR", "off").env("HOOK", hook);
    watch.current_dir(folder.path()).args(["--live", "--watch", "1s"]);
    let mut watch = watch.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(watch.stdout.take().unwrap()).lines().map_while(Result::ok);
    // Without a mute, with one, and without it again.
    let mut seen = vec![false];
    let deadline = Instant::now() + Duration::from_secs(60);
    for row in lines.filter(|line| line.starts_with("main")) {
        assert!(Instant::now() < deadline, "{seen:?}: {row}");
        let is_muted = row.contains("  muted · ");
        if seen.last() != Some(&is_muted) {
            seen.push(is_muted);
        }
        match seen.len() {
            1 => run("dvrf-notify", folder.path(), &["mute", "main", "--for", "4s"]).assert().success(),
            2 => continue,
            _ => break,
        };
    }
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert_eq!(seen, [false, true, false]);
}

/// A file that cannot be read silences nothing, and every tool that shows silences says so once.
#[test]
fn damaged_mutes_mute_nothing() {
    let (devnet, inbox) = (Devnet::start(&["--scenario", "low"]), MockReceiver::friendly());
    let folder = folder(&devnet, &inbox, "");
    fs::create_dir(folder.path().join("state")).unwrap();
    fs::write(folder.path().join("state/silences.json"), "{").unwrap();
    for name in ["dvrf-notify", "dvrf-status", "dvrf-check"] {
        let start = format!("[warning] {name}: the mutes cannot be read (");
        let is_said = contains(start).count(1).and(contains("; nothing is muted").count(1));
        run(name, folder.path(), &["--live", "--format", "text"]).assert().stderr(is_said);
    }
    assert_eq!(inbox.requests().len(), 1);
}
