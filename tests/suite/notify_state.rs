//! State that cannot be used, is damaged, too full, or from another time: no reason for silence.

use std::fs;
use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::json;
use testkit::mock_receiver::{MockReceiver, ScriptedResponse};
use testkit::{Outcome, binary, needs, program, report, run};

use super::{generic, notify, of, tell};

/// Notifies a chat, a pager and a dead man's switch of a deposit at the minimum; checks that all of them got it.
fn all_are_told(command: &mut Command, receivers: &Receivers, what: &str) {
    receivers.reset();
    command.env("DVRF_NOTIFY_CHANNELS", receivers.channels());
    let outcome = run(command.write_stdin(report(50)));
    assert_eq!(outcome.code, 2, "{what}: {}", outcome.err);
    assert_eq!(of(&outcome, "outcome"), [json!("delivered"), json!("delivered")], "{what}: {}", outcome.err);
    let errors = outcome.err.lines().filter(|line| line.starts_with("[error]")).count();
    assert_eq!(errors, 1, "{what}: said once: {}", outcome.err);
    let text = receivers.chat.requests()[0].json()["text"].as_str().unwrap().to_owned();
    assert!(text.contains("🚨"), "{what}: {text}");
    assert_eq!(receivers.pager.requests()[0].json()["event_action"], "trigger", "{what}");
    let pings: Vec<String> = receivers
        .switch
        .requests()
        .iter()
        .map(|ping| ping.path.split('?').next().unwrap().to_owned())
        .collect();
    assert_eq!(pings, ["/uuid/start", "/uuid/fail"], "{what}");
}

struct Receivers {
    chat: MockReceiver,
    pager: MockReceiver,
    switch: MockReceiver,
}

impl Receivers {
    fn open() -> Self {
        let friendly = MockReceiver::friendly;
        Self { chat: friendly(), pager: friendly(), switch: friendly() }
    }

    fn reset(&self) {
        for inbox in [&self.chat, &self.pager, &self.switch] {
            inbox.reset(Vec::new(), ScriptedResponse::body("ok"));
        }
    }

    fn channels(&self) -> String {
        format!(
            "slack,url={};pagerduty,key=k,url={};ping,url={}",
            self.chat.url("x"),
            self.pager.url(""),
            self.switch.url("uuid")
        )
    }
}

/// The state directory, prepared by a run that remembers nothing bad.
fn prepared(folder: &Path) -> String {
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let state = folder.join("state").display().to_string();
    assert_eq!(tell(&generic(&inbox), &["--state-dir", &state], &report(500)).code, 0);
    state
}

fn file(state: &str, end: &str) -> std::path::PathBuf {
    let mut paths = fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    let is_ours =
        |path: &std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("notify-");
    paths.find(|path| is_ours(path) && path.to_str().unwrap().ends_with(end)).unwrap()
}

#[test]
fn a_state_that_cannot_be_used_silences_nobody() {
    let receivers = Receivers::open();
    let folder = tempfile::tempdir().unwrap();
    let state = prepared(folder.path());
    let place = |name: &str| folder.path().join(name);
    fs::write(place("file"), "theirs").unwrap();
    std::os::unix::fs::symlink("/nonexistent/x", place("dangling")).unwrap();
    let tell_at = |state: &Path, what: &str| {
        let mut command = notify(&[]);
        command.arg("--state-dir").arg(state).args(["--notify-timeout", "1"]);
        all_are_told(&mut command, &receivers, what);
    };
    tell_at(&place("file"), "a file in its place");
    tell_at(&place("file/state"), "below a file");
    tell_at(&place("dangling"), "a dangling link");
    tell_at(Path::new("/proc/none/state"), "a place where none can be made");
    tell_at(Path::new("/dev/full"), "a device in its place");
    let (lock, json) = (file(&state, ".lock"), file(&state, ".json"));
    // Another process that never ends holds the lock.
    let mut holder = program("flock").arg("--no-fork").arg(&lock).args(["sleep", "60"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    tell_at(Path::new(&state), "a lock that is held for ever");
    holder.kill().unwrap();
    holder.wait().unwrap();
    fs::remove_file(&json).unwrap();
    fs::create_dir(&json).unwrap();
    tell_at(Path::new(&state), "a directory in place of the memory");
    fs::remove_dir(&json).unwrap();
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    tell_at(Path::new(&state), "a directory in place of the lock");
    fs::remove_dir(&lock).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &json).unwrap();
    tell_at(Path::new(&state), "a link in place of the memory");
    assert_eq!(fs::read_to_string(place("file")).unwrap(), "theirs");
}

/// A limit on the size of files is an error like a full disk; it does not kill the run.
#[test]
fn a_file_size_limit_silences_nobody() {
    let receivers = Receivers::open();
    let folder = tempfile::tempdir().unwrap();
    let state = prepared(folder.path());
    let mut limited = Command::from_std(program("prlimit"));
    limited.env_clear().args(["--fsize=100", "--"]).arg(binary("dvrf-notify")).args(["--state-dir", &state]);
    all_are_told(&mut limited, &receivers, "a file-size limit");
}

#[test]
#[needs("unshare", "mount", "mount-namespace")]
fn a_full_or_read_only_disk_silences_nobody() {
    let receivers = Receivers::open();
    for (what, prepare) in [
        ("a full disk", "head -c 100000 /dev/zero >\"$D/fill\" 2>/dev/null"),
        ("a read-only disk", "mount -o remount,ro \"$D\""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut namespace = Command::from_std(program("unshare"));
        namespace
            .env("D", folder.path())
            .env("NOTIFY", binary("dvrf-notify"))
            .args(testkit::requirements::mount_namespace());
        let line = format!(
            "mount -t tmpfs -o size=64k none \"$D\" && mkdir \"$D/s\" && {prepare}; exec \"$NOTIFY\" --state-dir \"$D/s\""
        );
        all_are_told(namespace.args(["bash", "-c", &line]), &receivers, what);
    }
}

/// A damaged memory with an open incident: receivers that still show the alert get its end.
#[test]
fn a_damaged_memory_still_resolves_outside() {
    let receivers = Receivers::open();
    let channels = receivers.channels();
    let folder = tempfile::tempdir().unwrap();
    let state = prepared(folder.path());
    let run_with = |percent| {
        let mut command = notify(&[]);
        command.env("DVRF_NOTIFY_CHANNELS", &channels).args(["--state-dir", &state]);
        run(command.write_stdin(report(percent)))
    };
    assert_eq!(run_with(50).code, 0);
    let key = receivers.pager.requests()[0].json()["dedup_key"].clone();
    fs::write(file(&state, ".json"), "{\"schema\":\"dvrf.not").unwrap();
    receivers.reset();
    let damaged = run_with(500);
    assert!(damaged.err.contains("the memory cannot be read"), "{damaged}");
    assert_eq!((damaged.code, receivers.pager.requests().len()), (0, 0), "{damaged}");
    assert_eq!(run_with(500).code, 0);
    let resolved = receivers.pager.requests();
    assert!(resolved.iter().all(|event| event.json()["event_action"] == "resolve"));
    assert!(resolved.iter().any(|event| event.json()["dedup_key"] == key));
    let chat = receivers.chat.requests();
    assert_eq!(chat.len(), 1);
    assert!(chat[0].body.contains("no problem"), "{}", chat[0].body);
    // Once.
    assert_eq!((run_with(500).code, receivers.chat.requests().len()), (0, 1));
}

/// A flapping problem and a receiver that is away: the overflow is said, and the newest state of each problem is kept.
#[test]
fn an_overflow_is_said_and_keeps_the_newest_state() {
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(410));
    let folder = tempfile::tempdir().unwrap();
    let words =
        ["--state-dir", folder.path().to_str().unwrap(), "--resolve-after", "1", "--clear-margin", "0"];
    let mut paused: serde_json::Value = serde_json::from_str(&report(50)).unwrap();
    paused["state"]["deposit"]["paused"] = json!(true);
    let mut fine: serde_json::Value = serde_json::from_str(&report(500)).unwrap();
    fine["state"]["deposit"]["paused"] = json!(true);
    let slack = |inbox: &MockReceiver| [format!("slack,url={}", inbox.url("x"))];
    let mut dropped = None;
    for number in 0..220 {
        let record = if number % 2 == 0 { &paused } else { &fine };
        let outcome = tell(&slack(&inbox), &words, &record.to_string());
        assert_eq!(outcome.code, 2, "{number}");
        if outcome.err.contains("too many messages wait for this channel") {
            assert!(outcome.err.contains("channel slack: "), "{}", outcome.err);
            assert!(of(&outcome, "outcome").contains(&json!("dropped")));
            dropped.get_or_insert(number);
        }
    }
    assert_eq!(dropped, Some(199));
    let other = MockReceiver::friendly();
    assert_eq!(tell(&slack(&other), &words, &fine.to_string()).code, 0);
    let texts: Vec<String> =
        other.requests().iter().map(|letter| letter.json()["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts.len(), 200);
    assert!(texts[0].contains("Supra has paused the deposit module"), "{}", texts[0]);
    assert!(texts[199].contains("resolved after"), "{}", texts[199]);
}

fn tell_at(time: &str, inbox: &MockReceiver, state: &Path, record: &str) -> Outcome {
    let mut at = Command::from_std(program("faketime"));
    at.env_clear().env("TZ", "UTC").env("DVRF_NOTIFY_CHANNELS", generic(inbox).join(";"));
    at.args(["--exclude-monotonic", "-f", &format!("@{time}")]).arg(binary("dvrf-notify"));
    at.args(["--max-age", "0", "--notify-timeout", "0.3", "--resolve-after", "1", "--state-dir"]).arg(state);
    run(at.write_stdin(record.to_owned()))
}

/// Whatever the clock does between two runs, a waiting message is tried before it is given up.
#[test]
#[needs("faketime")]
fn nothing_expires_untried() {
    for (name, first, second) in [
        ("a host that slept for a month", "2026-03-01 12:00:00", "2026-04-01 12:00:00"),
        ("a clock that was wrong by years", "1970-01-02 00:00:00", "2026-03-01 12:00:00"),
        ("a clock that is set back", "2026-03-01 12:00:00", "2026-02-01 12:00:00"),
        ("a battery that died", "2026-03-01 12:00:00", "1970-01-01 00:00:10"),
        ("a clock of the far future", "2026-03-01 12:00:00", "2037-01-01 00:00:00"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::with(503, "Retry-After: 600"));
        let queued = tell_at(first, &inbox, folder.path(), &report(50));
        assert_eq!((queued.code, of(&queued, "outcome")), (2, vec![json!("queued")]), "{name}: {queued}");
        inbox.reset(Vec::new(), ScriptedResponse::status(204));
        let late = tell_at(second, &inbox, folder.path(), &report(500));
        assert_eq!(of(&late, "event"), ["firing", "resolved"], "{name}: {late}");
        assert_eq!((late.code, of(&late, "outcome")), (0, vec![json!("delivered"); 2]), "{name}: {late}");
    }
    // What was tried in vain for longer than a day is given up, and the problem, which is still open, is sent again.
    let folder = tempfile::tempdir().unwrap();
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(503));
    tell_at("2026-03-01 12:00:00", &inbox, folder.path(), &report(50));
    let given_up = tell_at("2026-03-02 12:00:01", &inbox, folder.path(), &report(50));
    assert!(of(&given_up, "outcome").contains(&json!("expired")), "{given_up}");
    inbox.reset(Vec::new(), ScriptedResponse::status(204));
    let told = tell_at("2026-03-02 12:10:00", &inbox, folder.path(), &report(50));
    assert_eq!((told.code, inbox.requests().len()), (0, 1), "{told}");
}
