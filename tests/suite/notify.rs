//! `dvrf-notify`: what receivers get, what is remembered, and what happens when either breaks.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod notify_channels;
mod notify_draws;
mod notify_levels;
mod notify_mail;
mod notify_real;
mod notify_state;

use std::ops::Range;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use assert_cmd::assert::OutputAssertExt as _;
use predicates::prelude::*;
use predicates::str::{contains, starts_with};
use rstest::rstest;
use serde_json::{Value, json};
use testkit::mock_receiver::{MockReceiver, ReceivedRequest, ScriptedResponse};
use testkit::{
    Devnet, Outcome, Printed, Way, binary, healthy_report, json_at, needs, program, report, rounds, run, tool,
};

/// A report whose chain could not be read.
fn unread() -> String {
    let mut record = healthy_report();
    record["state"]["deposit"] = json!({});
    record["error"] = json!({"kind": "unreachable", "message": "no answer", "view": "balance"});
    record.to_string()
}

fn notify(channels: &[String]) -> Command {
    let mut command = tool("dvrf-notify");
    command.env("DVRF_NOTIFY_CHANNELS", channels.join(";"));
    command
}

fn tell(channels: &[String], words: &[&str], record: &str) -> Outcome {
    run(notify(channels).args(words).write_stdin(record))
}

fn slack(inbox: &MockReceiver) -> Vec<String> {
    vec![format!("slack,url={}", inbox.url("services/T0/SECRET-path"))]
}

fn generic(inbox: &MockReceiver) -> Vec<String> {
    vec![format!("generic,url={}", inbox.url("hook/SECRET-path"))]
}

fn of(outcome: &Outcome, field: &str) -> Vec<Value> {
    let record = outcome.json();
    record["notifications"].as_array().unwrap().iter().map(|told| told[field].clone()).collect()
}

fn ids(letters: &[ReceivedRequest]) -> Vec<String> {
    letters.iter().map(|letter| letter.header("webhook-id").unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_pipe_of_three_tells_and_passes_on() {
    let inbox = MockReceiver::friendly();
    let devnet = Devnet::start(&["--scenario", "low"]);
    let judged =
        run(tool("dvrf-check").write_stdin(run(devnet.tool("dvrf-json", Way::Rpc).arg("--live")).out));
    let passed = judged.out.trim_end().strip_suffix('}').unwrap().to_owned();
    notify(&slack(&inbox))
        .write_stdin(judged.out)
        .assert()
        .code(0)
        .stdout(starts_with(passed + ",\"notifications\":[{\"channel\":\"slack\",\"id\":\""))
        .stdout(json_at("/notifications/0/outcome", "delivered"))
        .stdout(json_at("/notifications/0/attempts", 1))
        .stderr("");
    let letters = inbox.requests();
    assert_eq!(letters.len(), 1);
    let text = letters[0].json()["text"].as_str().unwrap().to_owned();
    assert!(
        text.starts_with(
            "⚠️ devnet (testnet): deposit is getting low\nDo: Deposit 236.25 SUPRA (23625000000 quants)"
        ),
        "{text}"
    );
}

/// A headline names the network of the record, else that of the chain that was read, else that of the settings.
#[rstest]
#[case::of_the_record(Some("devnet"), Some(6), "devnet")]
#[case::of_the_chain(None, Some(6), "testnet")]
#[case::of_the_settings(None, None, "mainnet")]
fn the_network_of_a_headline(#[case] named: Option<&str>, #[case] chain: Option<u8>, #[case] network: &str) {
    let inbox = MockReceiver::friendly();
    let mut record: Value = serde_json::from_str(&report(150)).unwrap();
    record["network"] = json!(named);
    record["state"]["chain"]["id"] = json!(chain);
    record["deposit_addr"] = Value::Null;
    let outcome = run(notify(&slack(&inbox)).env("DVRF_NETWORK", "mainnet").write_stdin(record.to_string()));
    let text = inbox.requests()[0].json()["text"].as_str().unwrap().to_owned();
    assert!(text.lines().next().unwrap().contains(&format!(" ({network}): ")), "{text} {outcome}");
}

#[rstest]
#[case::well(&[], report(500), 0)]
#[case::low(&[], report(150), 0)]
#[case::fail_when_well(&["--fail-on-low"], report(500), 0)]
#[case::fail_when_low(&["--fail-on-low"], report(150), 1)]
#[case::unread(&["--fail-on-low"], unread(), 2)]
#[case::noise(&[], "noise".to_owned(), 2)]
fn exits_are_the_verdicts(#[case] words: &[&str], #[case] record: String, #[case] code: i32) {
    let inbox = MockReceiver::friendly();
    notify(&slack(&inbox)).args(words).write_stdin(record).assert().code(code);
}

#[test]
fn exits_are_2_for_what_nobody_heard() {
    let gone = MockReceiver::open(Vec::new(), status(404));
    notify(&slack(&gone)).arg("--fail-on-low").write_stdin(report(150)).assert().code(2);
    tool("dvrf-notify").write_stdin(report(150)).assert().code(2);
}

#[test]
fn the_old_command_line_still_works() {
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let url = inbox.url("hook");
    let mut old = tool("dvrf-notify");
    old.args(["--webhook-url", &url, "--webhook-type", "generic", "--title", "Night", "--include-json"]);
    old.args(["--format", "text"])
        .write_stdin(report(50))
        .assert()
        .code(0)
        .stdout(starts_with(
            "🚨 Night · devnet (testnet): deposit below the minimum – draws are refused\n\nDo: 1. Deposit 393.75 SUPRA",
        ))
        .stderr(starts_with("[warning] dvrf-notify: the secret after --webhook-url can be seen"))
        .stderr(contains("\n").count(1));
    let sent = inbox.requests()[0].json();
    let keys: Vec<&String> = sent.as_object().unwrap().keys().take(3).collect();
    assert_eq!(keys, ["message", "data", "status"]);
    assert_eq!((&sent["status"], &sent["data"]["profile"]), (&json!(1), &json!("devnet")));
    // By the old variables, without a word on the command line.
    let mut old = tool("dvrf-notify");
    old.env("MONITOR_WEBHOOK_URL", &url).env("MONITOR_WEBHOOK_TYPE", "generic").env("MONITOR_TITLE", "Night");
    old.write_stdin(report(500)).assert().code(0).stderr("");
    assert_eq!(inbox.requests()[1].json()["status"], 0);
    // A dry run needs no webhook and prints what would be sent.
    let mut dry = tool("dvrf-notify");
    dry.args(["--dry-run", "--format", "text"]).write_stdin(report(150));
    dry.assert().code(0).stdout(contains("getting low"));
    assert_eq!(inbox.requests().len(), 2);
}

#[test]
fn secrets_come_from_files_credentials_and_variables_but_one_way_at_a_time() {
    let inbox = MockReceiver::friendly();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("webhook-url");
    std::fs::write(&file, inbox.url("from-file") + "\n").unwrap();
    let by = |command: &mut Command| command.write_stdin(report(150)).assert();
    by(tool("dvrf-notify").arg("--webhook-url-file").arg(&file)).code(0);
    by(tool("dvrf-notify").env("CREDENTIALS_DIRECTORY", folder.path())).code(0);
    std::fs::write(folder.path().join("night-url"), inbox.url("from-credential")).unwrap();
    let mut named = tool("dvrf-notify");
    named.env("CREDENTIALS_DIRECTORY", folder.path()).args(["--channel", "slack,name=night"]);
    std::fs::remove_file(&file).unwrap();
    by(&mut named).code(0);
    let paths: Vec<String> = inbox.requests().into_iter().map(|letter| letter.path).collect();
    assert_eq!(paths, ["/from-file", "/from-file", "/from-credential"]);
    let mut both = tool("dvrf-notify");
    both.env("MONITOR_WEBHOOK_URL", inbox.url("x")).arg("--webhook-url-file").arg(&file);
    by(&mut both).code(2).stdout("").stderr(contains("--webhook-url-file are both given"));
}

fn ok() -> ScriptedResponse {
    ScriptedResponse::body("ok")
}

fn status(code: u16) -> ScriptedResponse {
    ScriptedResponse::status(code)
}

fn retry_after(wait: &str) -> ScriptedResponse {
    ScriptedResponse::with(429, &format!("Retry-After: {wait}"))
}

/// The HTTP date three seconds from now.
fn soon() -> String {
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3);
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&soon).unwrap()
}

fn redirect() -> ScriptedResponse {
    ScriptedResponse::with(302, "Location: http://127.0.0.1:1/SECRET-path")
}

/// The answers in turn, the time that the tool has, what becomes of the message, after how many tries and with which
/// status, and the seconds that it takes.
#[rstest]
#[case::throttled_for_seconds(vec![retry_after("1"), ok()], "9", "delivered", 2, json!(200), 1.0..3.0)]
#[case::throttled_to_a_date(vec![retry_after(&soon()), ok()], "9", "delivered", 2, json!(200), 0.0..6.0)]
#[case::throttled_for_longer_than_there_is(vec![retry_after("60")], "9", "failed", 1, json!(429), 0.0..1.0)]
#[case::unavailable_twice(vec![status(503), status(503), ok()], "9", "delivered", 3, json!(200), 0.0..3.0)]
#[case::unavailable(vec![status(503); 9], "9", "failed", 4, json!(503), 0.0..5.0)]
#[case::cut(vec![ScriptedResponse::Cut, ok()], "9", "delivered", 2, json!(200), 0.0..3.0)]
#[case::redirect(vec![redirect()], "9", "failed", 1, json!(302), 0.0..1.0)]
#[case::missing(vec![status(404)], "9", "failed", 1, json!(404), 0.0..1.0)]
#[case::gone(vec![status(410)], "9", "failed", 1, json!(410), 0.0..1.0)]
#[case::bad_body(vec![ScriptedResponse::body("no_team")], "9", "failed", 1, json!(200), 0.0..1.0)]
#[case::markup_refused(vec![status(400), ok()], "9", "delivered", 2, json!(200), 0.0..1.0)]
#[case::refused(vec![status(400), status(400)], "9", "rejected", 2, json!(400), 0.0..1.0)]
#[case::hang(vec![ScriptedResponse::Hang], "1", "failed", 1, Value::Null, 1.0..3.0)]
#[case::slow_body(vec![ScriptedResponse::Slow], "1", "failed", 1, Value::Null, 1.0..3.0)]
fn faults_are_met_with_the_right_number_of_tries(
    #[case] script: Vec<ScriptedResponse>,
    #[case] timeout: &str,
    #[case] end: &str,
    #[case] attempts: usize,
    #[case] status: Value,
    #[case] seconds: Range<f64>,
) {
    let inbox = MockReceiver::open(script, ok());
    let record = report(150);
    let start = Instant::now();
    let delivered = end == "delivered";
    let outcome = notify(&slack(&inbox))
        .args(["--notify-timeout", timeout])
        .write_stdin(record)
        .assert()
        .code(if delivered { 0 } else { 2 })
        .stdout(json_at("/notifications/0/outcome", end))
        .stdout(json_at("/notifications/0/attempts", attempts))
        .stdout(json_at("/notifications/0/status", status))
        .stdout(contains("SECRET-path").not())
        .stderr(contains("SECRET-path").not());
    let took = start.elapsed().as_secs_f64();
    assert!(seconds.contains(&took), "{took} s");
    assert_eq!(outcome.get_output().stderr.is_empty(), delivered, "{outcome}");
    assert_eq!(inbox.requests().len(), attempts);
}

#[test]
#[needs("python3")]
fn attempts_share_an_id_and_each_is_signed() {
    let inbox = MockReceiver::open(
        vec![ScriptedResponse::with(503, "Retry-After: 1")],
        ScriptedResponse::status(204),
    );
    let key = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";
    let channel = format!("{},secret={key}", generic(&inbox)[0]);
    assert_eq!(tell(&[channel], &[], &report(150)).code, 0);
    let letters = inbox.requests();
    assert_eq!(letters.len(), 2);
    assert_eq!(ids(&letters)[0], ids(&letters)[1]);
    assert!(letters[1].at - letters[0].at >= Duration::from_secs(1));
    let header = |index: usize, name: &str| letters[index].header(name).unwrap().to_owned();
    assert_ne!(header(0, "webhook-timestamp"), header(1, "webhook-timestamp"));
    assert_ne!(header(0, "webhook-signature"), header(1, "webhook-signature"));
    // An independent implementation of the scheme agrees.
    let check = "import base64,hashlib,hmac,sys;k,i,t,s=sys.argv[1:];b=sys.stdin.buffer.read();\
        d=hmac.new(base64.b64decode(k[6:]),f'{i}.{t}.'.encode()+b,hashlib.sha256).digest();\
        sys.exit(s!='v1,'+base64.b64encode(d).decode())";
    let mut python = assert_cmd::Command::from_std(program("python3"));
    python.args(["-c", check, key, &header(1, "webhook-id"), &header(1, "webhook-timestamp")]);
    python.arg(header(1, "webhook-signature")).write_stdin(letters[1].body.clone());
    python.assert().code(0);
}

#[test]
fn what_cannot_be_delivered_waits_in_order_and_is_sent_once() {
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(503));
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let words = ["--state-dir", state, "--notify-timeout", "0.2", "--resolve-after", "1"];
    let first = tell(&generic(&inbox), &words, &report(150));
    assert_eq!((first.code, of(&first, "outcome")), (2, vec![json!("queued")]), "{first}");
    assert!(first.err.contains("the firing message waits in the outbox"), "{first}");
    let second = tell(&generic(&inbox), &words, &report(500));
    assert_eq!(of(&second, "event"), ["firing", "resolved"]);
    assert_eq!(of(&second, "error")[1], "a message before it has to wait");
    let waiting = of(&second, "id");
    inbox.reset(Vec::new(), ScriptedResponse::status(200));
    let third = tell(&generic(&inbox), &words, &report(500));
    assert_eq!((third.code, of(&third, "outcome")), (0, vec![json!("delivered"); 2]), "{third}");
    assert_eq!(
        ids(&inbox.requests()),
        waiting.iter().map(|id| id.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    );
    let fourth = tell(&generic(&inbox), &words, &report(500));
    assert_eq!((fourth.code, of(&fourth, "id")), (0, vec![]));
    assert_eq!(inbox.requests().len(), 2);
}

#[test]
fn a_closed_address_is_said_every_run_and_called_never_again() {
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(410));
    let folder = tempfile::tempdir().unwrap();
    let words = ["--state-dir", folder.path().to_str().unwrap()];
    let first = tell(&slack(&inbox), &words, &report(150));
    assert!(first.err.contains("HTTP 410; the receiver closed this address: make a new one"), "{first}");
    let second = tell(&slack(&inbox), &words, &report(150));
    assert_eq!((second.code, inbox.requests().len()), (2, 1), "{second}");
    assert_eq!(of(&second, "outcome"), ["queued"]);
    // A new address gets what waited.
    let other = MockReceiver::friendly();
    let third = tell(&slack(&other), &words, &report(150));
    assert_eq!((third.code, other.requests().len()), (0, 1), "{third}");
    // A missing one is tried and said in every run.
    let missing = MockReceiver::open(Vec::new(), ScriptedResponse::status(404));
    let words = ["--state-dir", folder.path().to_str().unwrap(), "--repeat-every", "1s"];
    std::thread::sleep(Duration::from_millis(1100));
    let said = |outcome: Outcome| (outcome.code, outcome.err.lines().count());
    assert_eq!(said(tell(&slack(&missing), &words, &report(150))), (2, 1));
    assert_eq!(said(tell(&slack(&missing), &words, &report(150))), (2, 1));
    assert_eq!(missing.requests().len(), 2);
}

/// 200 runs, ten minutes apart by a clock of their own, over a balance that zig-zags around the limit.
#[test]
#[needs("faketime")]
fn a_zig_zag_of_200_runs_is_one_alert_with_reminders_and_one_end() {
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let folder = tempfile::tempdir().unwrap();
    let (high, zig, zag) = (report(500), report(205), report(195));
    let start = jiff::Timestamp::from_second(1_800_000_000).unwrap();
    let mut events = Vec::new();
    for number in 0..200_i64 {
        let record = match number {
            0..10 | 180.. => &high,
            n if n % 2 == 0 => &zag,
            _ => &zig,
        };
        let time = start + jiff::SignedDuration::from_mins(10 * number);
        let mut at = assert_cmd::Command::from_std(program("faketime"));
        at.env_clear().env("TZ", "UTC").env("DVRF_NOTIFY_CHANNELS", generic(&inbox).join(";"));
        at.args(["--exclude-monotonic", "-f", &format!("@{}", time.strftime("%Y-%m-%d %H:%M:%S"))]);
        at.arg(binary("dvrf-notify")).args(["--max-age", "0", "--state-dir"]).arg(folder.path());
        let outcome = run(at.write_stdin(record.clone()));
        assert_eq!(outcome.code, 0, "{number}: {outcome}");
        events.extend(of(&outcome, "event").iter().map(|event| (number, event.as_str().unwrap().to_owned())));
    }
    // Every four hours, at the next run that is bad: 24 runs are four hours.
    let expected: Vec<(i64, String)> = std::iter::once((10, "firing".to_owned()))
        .chain([34, 58, 82, 106, 130, 154, 178].map(|number| (number, "reminder".to_owned())))
        .chain([(181, "resolved".to_owned())])
        .collect();
    assert_eq!(events, expected);
    assert_eq!(inbox.requests().len(), expected.len());
    let last = inbox.requests().pop().unwrap().json();
    assert!(last["message"].as_str().unwrap().contains("resolved after 1 d 4 h"), "{last}");
}

#[test]
fn killed_at_any_point_nothing_is_lost_and_nothing_is_news_twice() {
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let mut repeated = 0;
    for round in 0..rounds(25, 350) {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().to_str().unwrap().to_owned();
        inbox.reset(Vec::new(), ScriptedResponse::status(204));
        let words = ["--state-dir", &state, "--resolve-after", "1"];
        for record in [report(50), report(150), report(500)] {
            let mut child = std::process::Command::new(binary("dvrf-notify"))
                .env_clear()
                .env("DVRF_NOTIFY_CHANNELS", generic(&inbox).join(";"))
                .args(words)
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
            // The child may be gone before it has read everything.
            drop(std::io::Write::write_all(&mut child.stdin.take().unwrap(), record.as_bytes()));
            // A run takes some milliseconds; these spread over it evenly.
            std::thread::sleep(Duration::from_micros(200 * (round as u64 * 37 % 100)));
            child.kill().unwrap();
            child.wait().unwrap();
            let outcome = tell(&generic(&inbox), &words, &record);
            assert_eq!(outcome.code, 0, "{outcome}");
        }
        let letters = inbox.requests();
        let mut news: Vec<(String, String)> = Vec::new();
        for (letter, id) in letters.iter().zip(ids(&letters)) {
            let event = letter.json()["event"].as_str().unwrap().to_owned();
            // A kill between the receiver's yes and our note of it: sent again, under the same id.
            if news.contains(&(event.clone(), id.clone())) {
                repeated += 1;
            } else {
                news.push((event, id));
            }
        }
        let events: Vec<&str> = news.iter().map(|(event, _)| event.as_str()).collect();
        assert_eq!(events, ["firing", "better", "resolved"], "round {round}");
    }
    println!("sent again under the same id: {repeated}");
}

#[test]
fn ten_at_once_tell_once() {
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let events: Vec<Vec<Value>> = std::thread::scope(|scope| {
        let one = || of(&tell(&generic(&inbox), &["--state-dir", state], &report(150)), "event");
        let threads: Vec<_> = (0..10).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(events.concat(), ["firing"]);
    assert_eq!(inbox.requests().len(), 1);
}

#[test]
fn a_memory_that_is_damaged_is_put_aside_and_one_that_cannot_be_kept_is_no_reason_for_silence() {
    let inbox = MockReceiver::friendly();
    let folder = tempfile::tempdir().unwrap();
    let words = ["--state-dir", folder.path().to_str().unwrap()];
    assert_eq!(of(&tell(&slack(&inbox), &words, &report(150)), "event"), ["firing"]);
    let file = |end: &str| {
        let entries = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let ours =
            |path: &std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("notify-");
        entries.into_iter().filter(ours).find(|path| path.to_str().unwrap().ends_with(end)).unwrap()
    };
    for damage in ["{\"schema\":\"dvrf.notify/1\",\"sub", "{\"schema\":\"dvrf.notify/0\"}", "\u{0}\u{0}"] {
        std::fs::write(file(".json"), damage).unwrap();
        let outcome = tell(&slack(&inbox), &words, &report(150));
        assert_eq!((outcome.code, of(&outcome, "event")), (0, vec![json!("firing")]), "{outcome}");
        assert!(outcome.err.starts_with("[warning] dvrf-notify: the memory cannot be read ("), "{outcome}");
        assert_eq!(std::fs::read_to_string(file(".corrupt")).unwrap(), damage);
    }
    // A link laid in its place is neither followed nor a reason for silence.
    std::fs::remove_file(file(".json")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", file(".lock").with_extension("json")).unwrap();
    let outcome = tell(&slack(&inbox), &words, &report(150));
    assert_eq!((outcome.code, of(&outcome, "event")), (2, vec![json!("report")]), "{outcome}");
    assert!(outcome.err.contains("it is a symbolic link"), "{outcome}");
    let mut nowhere = notify(&slack(&inbox));
    nowhere.args(["--state-dir", "/proc/nowhere"]).write_stdin(report(150));
    nowhere
        .assert()
        .code(2)
        .stdout(json_at("/notifications/0/event", "report").and(contains("\"event\":").count(1)))
        .stderr(contains("cannot make the state directory /proc/nowhere"));
}

#[test]
fn a_dead_mans_switch_hears_the_start_and_the_end() {
    let inbox = MockReceiver::friendly();
    let channel = [format!("ping,url={}", inbox.url("uuid-SECRET"))];
    let signals = |record: &str, code: i32| {
        inbox.reset(Vec::new(), ScriptedResponse::body("OK"));
        assert_eq!(tell(&channel, &[], record).code, code);
        let letters = inbox.requests();
        let runs: Vec<&str> =
            letters.iter().filter_map(|letter| letter.path.split_once("?rid=")).map(|(_, run)| run).collect();
        assert!(runs.len() == 2 && runs[0] == runs[1] && runs[0].len() == 36, "{runs:?}");
        letters.iter().map(|letter| letter.path.split('?').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(signals(&report(500), 0), ["/uuid-SECRET/start", "/uuid-SECRET"]);
    assert_eq!(signals(&report(150), 0), ["/uuid-SECRET/start", "/uuid-SECRET/fail"]);
    assert_eq!(signals("noise", 2), ["/uuid-SECRET/start", "/uuid-SECRET/fail"]);
    // A switch that cannot be reached changes no verdict and is no secret's end.
    let down = [String::from("ping,url=http://127.0.0.1:1/uuid-SECRET")];
    let said = "[warning] dvrf-notify: channel ping: the ping was not taken: the connection failed: Connection refused (os error 111)\n";
    notify(&down).arg("--fail-on-low").write_stdin(report(150)).assert().code(1).stderr(said);
}

#[test]
fn test_marks_its_message_and_config_shows_mistakes() {
    let inbox = MockReceiver::friendly();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let mut test = notify(&slack(&inbox));
    test.args(["test", "--state-dir", state]);
    test.assert()
        .code(0)
        .stdout(json_at("/notifications/0/event", "test").and(contains("\"event\":").count(1)));
    assert!(inbox.requests()[0].body.contains("This is a test. Nothing is wrong"));
    assert_eq!(std::fs::read_dir(state).unwrap().count(), 0, "the memory is not touched");
    let to = inbox.url("***");
    let channel =
        json!({"name": "slack", "kind": "slack", "min": "ok", "resolved": true, "to": to, "signed": false});
    let mut config = notify(&slack(&inbox));
    config.arg("config").assert().code(0).stdout(json_at("/notify/channels/0", channel)).stderr("");
    let mut wrong = tool("dvrf-notify");
    wrong.args(["config", "--channel", "teams", "--channel", "slak"]);
    assert_eq!(wrong.assert().code(2).json()["notify"]["problems"].as_array().unwrap().len(), 2);
    tool("dvrf-notify").arg("config").assert().stdout(json_at("/notify/problems/0/channel", "none"));
}

/// Canaries in every URL, key and header; then everything a run leaves behind is searched.
#[test]
fn no_canary_is_ever_seen() {
    const CANARY: &str = "CANARY7f3a";
    let folder = tempfile::tempdir().unwrap();
    let echo = ScriptedResponse::Reply(
        404,
        format!("Location: http://{CANARY}\r\n"),
        format!("no hook {CANARY}/path-{CANARY}"),
    );
    let hostile = MockReceiver::open(Vec::new(), echo);
    let hang = MockReceiver::open(Vec::new(), ScriptedResponse::Hang);
    let address = |inbox: &MockReceiver| inbox.url(&format!("{CANARY}/path-{CANARY}?key={CANARY}"));
    let mut channels: Vec<String> = ["slack", "teams", "discord", "generic", "ping"]
        .iter()
        .flat_map(|kind| [&hostile, &hang].map(|inbox| (kind, inbox)))
        .enumerate()
        .map(|(n, (kind, inbox))| format!("{kind},name={kind}{n},url={}", address(inbox)))
        .collect();
    channels.push(format!("telegram,chat=1,token={CANARY}:path-{CANARY},url={}", hostile.url("")));
    channels.push(format!("pagerduty,key={CANARY},url={}", hostile.url("")));
    channels.push(format!("generic,name=bad,url=http://user:{CANARY}@127.0.0.1:1/{CANARY}"));
    let mut seen = String::new();
    for words in
        [&["--state-dir", folder.path().to_str().unwrap()][..], &["test"], &["config"], &["--dry-run"]]
    {
        let mut child = std::process::Command::new(binary("dvrf-notify"))
            .env_clear()
            .env("DVRF_NOTIFY_CHANNELS", channels.join(";"))
            .env("RUST_BACKTRACE", "full")
            .args(words)
            .args(["--notify-timeout", "1"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(std::io::Write::write_all(&mut child.stdin.take().unwrap(), report(150).as_bytes()));
        seen += &std::fs::read_to_string(format!("/proc/{}/cmdline", child.id())).unwrap();
        let output = child.wait_with_output().unwrap();
        seen += &format!(
            "{:?}{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        seen += &format!("{}{}", path.display(), std::fs::read_to_string(&path).unwrap());
    }
    assert!(seen.contains("\"outbox\":[{"), "the outbox was written");
    assert!(seen.contains("no hook ***"), "an answer that repeats the address is shown without it: {seen}");
    assert!(
        !seen.contains(CANARY),
        "{}",
        seen[seen.find(CANARY).unwrap().saturating_sub(300)..].chars().take(400).collect::<String>()
    );
}

#[test]
#[needs("node", "adaptivecards")]
fn published_types_accept_the_chat_payloads() {
    let modules = testkit::requirements::node_modules();
    let inbox = MockReceiver::friendly();
    let teams = MockReceiver::open(Vec::new(), ScriptedResponse::status(202));
    let channels = [slack(&inbox)[0].clone(), format!("teams,url={}", teams.url("x"))];
    for words in [&[][..], &["--include-json"], &["--lang", "ru"]] {
        for record in [report(500), report(150), report(50), unread()] {
            tell(&channels, words, &record);
        }
    }
    run(notify(&channels).arg("test"));
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, inbox: &MockReceiver| {
        let all: Vec<Value> = inbox.requests().iter().map(ReceivedRequest::json).collect();
        assert_eq!(all.len(), 13);
        std::fs::write(folder.path().join(name), Value::from(all).to_string()).unwrap();
        folder.path().join(name)
    };
    let mut node = program("node");
    node.arg(testkit::root().join("tests/payloads/check.js")).arg(&modules);
    node.arg(write("slack.json", &inbox)).arg(write("teams.json", &teams)).assert().code(0);
}
