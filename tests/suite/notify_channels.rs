//! Channels that fail beside channels that do not: nobody waits for another, and nobody is silenced by another.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::mock_receiver::{MockReceiver, ReceivedRequest, ScriptedResponse};
use testkit::{Outcome, healthy_report, report, run, tool};

use super::{generic, of, tell, unread};

/// Reports of this many subscriptions, each with its own name and a deposit that is low in its own way.
fn fleet(count: u64, percent: impl Fn(u64) -> u64) -> String {
    let of_number = |number| {
        let mut record: Value = serde_json::from_str(&report(percent(number))).unwrap();
        record["name"] = json!(format!("s{number}"));
        record["client_addr"] = json!(format!("0x{}", number + 1));
        format!("{record}\n")
    };
    (0..count).map(of_number).collect()
}

fn names(letters: &[ReceivedRequest]) -> Vec<String> {
    letters
        .iter()
        .map(|letter| letter.json()["subscription"].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn outcomes(outcome: &Outcome) -> Vec<(String, String)> {
    let records = outcome.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told = records.flat_map(|record| record["notifications"].as_array().cloned().unwrap_or_default());
    let text = |told: &Value, key: &str| told[key].as_str().unwrap_or_default().to_owned();
    told.map(|told| (text(&told, "channel"), text(&told, "outcome"))).collect()
}

#[test]
fn a_hanging_channel_costs_sixty_subscriptions_nothing() {
    let healthy = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let hanging = MockReceiver::open(Vec::new(), ScriptedResponse::Hang);
    let refused = MockReceiver::open(Vec::new(), ScriptedResponse::status(522));
    let channels = [
        format!("slack,name=hanging,url={}", hanging.url("x")),
        format!("slack,name=away,url={}", refused.url("x")),
        generic(&healthy)[0].clone(),
    ];
    let folder = tempfile::tempdir().unwrap();
    let words = ["--state-dir", folder.path().to_str().unwrap(), "--notify-timeout", "2"];
    let stream = fleet(60, |number| 110 + number);
    for run_number in 0..2 {
        let start = Instant::now();
        let outcome = tell(&channels, &words, &stream);
        let took = start.elapsed();
        assert_eq!(outcome.code, 2, "{}", outcome.err);
        assert!(took < Duration::from_secs(15), "{took:?}");
        let queued = outcomes(&outcome).iter().filter(|(_, outcome)| outcome == "queued").count();
        assert_eq!(queued, 120, "run {run_number}: {}", outcome.err);
        // One line a channel for what was tried, and one for the rest.
        assert_eq!(outcome.err.lines().count(), 4, "{}", outcome.err);
        assert!(outcome.err.contains("channel away: 59 messages wait in the outbox"), "{}", outcome.err);
        assert_eq!(hanging.requests().len(), run_number + 1);
    }
    let mut told = names(&healthy.requests());
    told.sort_unstable();
    told.dedup();
    assert_eq!((told.len(), healthy.requests().len()), (60, 60));
    // The receiver is back, and gets what waited.
    refused.reset(Vec::new(), ScriptedResponse::body("ok"));
    hanging.reset(Vec::new(), ScriptedResponse::body("ok"));
    let outcome = tell(&channels, &words, &stream);
    assert_eq!((outcome.code, refused.requests().len()), (0, 60), "{}", outcome.err);
}

#[test]
fn the_worst_is_sent_first() {
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let stream = fleet(6, |number| if number % 3 == 2 { 50 } else { 120 + number });
    assert_eq!(tell(&generic(&inbox), &[], &stream).code, 0);
    assert_eq!(names(&inbox.requests()), ["s2", "s5", "s0", "s1", "s3", "s4"]);
}

/// One node that does not answer is one message, however many subscriptions it serves; so is its return.
#[test]
fn a_shared_cause_is_one_message() {
    let (chat, hook, pager) = (
        MockReceiver::friendly(),
        MockReceiver::open(Vec::new(), ScriptedResponse::status(204)),
        MockReceiver::open(Vec::new(), ScriptedResponse::status(202)),
    );
    let channels = [
        format!("slack,min=info,url={}", chat.url("x")),
        format!("generic,min=info,url={}", hook.url("x")),
        format!("pagerduty,key=k,url={}", pager.url("")),
    ];
    let of_all = |record: &str| {
        let stream = (0..40).map(|number| {
            let mut record: Value = serde_json::from_str(record).unwrap();
            record["name"] = json!(format!("s{number}"));
            record["client_addr"] = json!(format!("0x{}", number + 1));
            format!("{record}\n")
        });
        stream.collect::<String>()
    };
    let folder = tempfile::tempdir().unwrap();
    let words = ["--state-dir", folder.path().to_str().unwrap(), "--unknown-after", "1"];
    let outcome = tell(&channels, &words, &of_all(&unread()));
    assert_eq!(outcome.code, 2, "{}", outcome.err);
    let delivered = outcomes(&outcome).iter().filter(|(_, outcome)| outcome == "delivered").count();
    assert_eq!(delivered, 120, "every record says that its message was delivered");
    assert_eq!((chat.requests().len(), hook.requests().len(), pager.requests().len()), (1, 1, 40));
    let text = chat.requests()[0].json()["text"].as_str().unwrap().to_owned();
    assert!(text.contains("40 subscriptions (testnet): status unknown: "), "{text}");
    assert!(text.contains("Concerns: s0, s1, ") && text.contains("s19 and 20 more"), "{text}");
    assert_eq!(hook.requests()[0].json()["subscriptions"].as_array().unwrap().len(), 40);
    let outcome = tell(&channels, &words, &of_all(&healthy_report().to_string()));
    assert_eq!((outcome.code, chat.requests().len(), pager.requests().len()), (0, 2, 80), "{}", outcome.err);
    let text = chat.requests()[1].json()["text"].as_str().unwrap().to_owned();
    assert!(text.contains("40 subscriptions (testnet): status known again"), "{text}");
}

#[test]
fn a_missing_secret_silences_one_channel() {
    let inbox = MockReceiver::friendly();
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    let channels =
        [format!("slack,name=night,url-file={}", secret.display()), format!("slack,url={}", inbox.url("x"))];
    let state = folder.path().join("state");
    let words = ["--state-dir", state.to_str().unwrap()];
    let outcome = tell(&channels, &words, &report(50));
    assert_eq!((outcome.code, of(&outcome, "outcome")), (2, vec![json!("delivered")]), "{outcome}");
    assert!(outcome.err.contains("channel night: url cannot be read"), "{outcome}");
    // Once it is repaired, the channel gets the problem that is open.
    let night = MockReceiver::friendly();
    std::fs::write(&secret, night.url("y")).unwrap();
    let outcome = tell(&channels, &words, &report(50));
    assert_eq!((outcome.code, night.requests().len(), inbox.requests().len()), (0, 1, 1), "{outcome}");
    // With no channel left, nothing is read.
    std::fs::remove_file(&secret).unwrap();
    assert_eq!(tell(&channels[..1], &words, &report(50)).code, 2);
}

#[test]
fn a_ping_that_meets_an_outage_is_repeated() {
    let switch = MockReceiver::open(
        vec![ScriptedResponse::body("OK"), ScriptedResponse::status(503), ScriptedResponse::status(520)],
        ScriptedResponse::body("OK"),
    );
    let channel = format!("ping,url={}", switch.url("uuid"));
    let outcome = run(tool("dvrf-notify").env("DVRF_NOTIFY_CHANNELS", channel).write_stdin(report(500)));
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome}");
    let paths: Vec<String> =
        switch.requests().iter().map(|letter| letter.path.split('?').next().unwrap().to_owned()).collect();
    assert_eq!(paths, ["/uuid/start", "/uuid", "/uuid", "/uuid"]);
}

/// A problem that a channel has not taken is said by every run, and the end is sent only to those that took it.
#[test]
fn a_refused_problem_is_said_until_it_ends() {
    let refusing = MockReceiver::open(Vec::new(), ScriptedResponse::status(413));
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let channels = [format!("teams,url={}", refusing.url("x")), generic(&inbox)[0].clone()];
    let folder = tempfile::tempdir().unwrap();
    let words = ["--state-dir", folder.path().to_str().unwrap(), "--resolve-after", "1"];
    let first = tell(&channels, &words, &report(50));
    assert_eq!((first.code, of(&first, "outcome")), (2, vec![json!("rejected"), json!("delivered")]));
    for _ in 0..2 {
        let next = tell(&channels, &words, &report(50));
        assert_eq!((next.code, of(&next, "outcome")), (2, vec![]), "{next}");
        assert!(
            next.err.contains("channel teams: it refused the message about a problem that is still open")
        );
    }
    refusing.reset(Vec::new(), ScriptedResponse::status(202));
    let last = tell(&channels, &words, &report(500));
    assert_eq!((last.code, of(&last, "channel")), (0, vec![json!("generic")]), "{last}");
    assert_eq!(refusing.requests().len(), 0);
}

/// Records that come one by one over a pipe that stays open do not wait for its end.
#[test]
fn a_silent_pipe_holds_nothing_back() {
    use std::io::Write;
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let mut child = std::process::Command::new(testkit::binary("dvrf-notify"))
        .env_clear()
        .env("DVRF_NOTIFY_CHANNELS", generic(&inbox).join(";"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for (number, percent) in [50, 150, 500].into_iter().enumerate() {
        writeln!(stdin, "{}", report(percent)).unwrap();
        let came = testkit::receivers::eventually(Duration::from_secs(20), || {
            (inbox.requests().len() == number + 1).then_some(())
        });
        assert!(came.is_some(), "record {number}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

/// A receiver that takes eleven seconds for its answer gets one copy.
#[test]
fn a_slow_receiver_gets_one_copy() {
    use std::io::{BufRead, BufReader, Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let copies = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&copies);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut reader = BufReader::new(&stream);
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap() > 2 {
                let found = line.to_ascii_lowercase();
                length = found.strip_prefix("content-length: ").map_or(length, |n| n.trim().parse().unwrap());
                line.clear();
            }
            reader.read_exact(&mut vec![0; length]).unwrap();
            std::thread::sleep(Duration::from_secs(11));
            (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        }
    });
    let outcome = tell(&[format!("slack,url=http://{address}/x")], &[], &report(50));
    assert_eq!((outcome.code, of(&outcome, "attempts")), (0, vec![json!(1)]), "{outcome}");
    assert_eq!(copies.load(std::sync::atomic::Ordering::SeqCst), 1);
}

/// Few open files: the fleet is notified in smaller batches, with its memory.
#[test]
fn few_open_files_are_smaller_batches() {
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let folder = tempfile::tempdir().unwrap();
    let mut limited = assert_cmd::Command::from_std(testkit::program("prlimit"));
    limited.env_clear().env("DVRF_NOTIFY_CHANNELS", generic(&inbox).join(";"));
    limited.args(["--nofile=32", "--"]).arg(testkit::binary("dvrf-notify"));
    limited.arg("--state-dir").arg(folder.path());
    let outcome = run(limited.write_stdin(fleet(60, |number| 110 + number)));
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{}", outcome.err);
    assert_eq!(inbox.requests().len(), 60);
}

/// A stream may have several records about one subscription: each is a run of its own, in order, and none waits for a lock.
#[test]
fn a_stream_of_one_subscription_is_a_history() {
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let folder = tempfile::tempdir().unwrap();
    let stream: String =
        [500, 150, 50, 150, 500, 500].into_iter().map(|percent| report(percent) + "\n").collect();
    let start = Instant::now();
    let outcome = tell(&generic(&inbox), &["--state-dir", folder.path().to_str().unwrap()], &stream);
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{}", outcome.err);
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    let events: Vec<Value> = inbox.requests().iter().map(|letter| letter.json()["event"].clone()).collect();
    assert_eq!(events, ["firing", "worse", "better", "resolved"]);
}

/// Two runs over one fleet, in opposite orders: neither holds a lock while it waits for another's.
#[test]
fn two_runs_in_opposite_orders_tell_once() {
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let folder = tempfile::tempdir().unwrap();
    let words = ["--state-dir", folder.path().to_str().unwrap(), "--notify-timeout", "5"];
    let forward = fleet(30, |number| 110 + number);
    let backward: String = forward.lines().rev().flat_map(|line| [line, "\n"]).collect();
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let runs = [&forward, &backward].map(|stream| scope.spawn(|| tell(&generic(&inbox), &words, stream)));
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for outcome in outcomes {
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{}", outcome.err);
    }
    assert_eq!(inbox.requests().len(), 30);
}

/// The requests of one incident that gets worse and ends, as method, path and what identifies the message.
#[test]
fn pagers_and_rooms_recognise_a_repetition() {
    let opsgenie = MockReceiver::open(Vec::new(), ScriptedResponse::status(202));
    let matrix = MockReceiver::open(Vec::new(), ScriptedResponse::body("{\"event_id\":\"$1\"}"));
    let ntfy = MockReceiver::open(Vec::new(), ScriptedResponse::body("{\"id\":\"1\",\"event\":\"message\"}"));
    let channels = [
        format!("opsgenie,key=k3y-1234,url={}", opsgenie.url("")),
        format!("matrix,token=t0k-1234,room=!r:h,url={}", matrix.url("")),
        format!("ntfy,url={}", ntfy.url("t0p1c")),
    ];
    let folder = tempfile::tempdir().unwrap();
    let words = ["--state-dir", folder.path().to_str().unwrap(), "--resolve-after", "1"];
    for percent in [150, 50, 500] {
        let outcome = tell(&channels, &words, &report(percent));
        assert_eq!(outcome.code, 0, "{outcome}");
    }
    let methods_and_paths = |receiver: &MockReceiver| {
        let requests = receiver.requests();
        requests.iter().map(|request| (request.method.clone(), request.path.clone())).collect::<Vec<_>>()
    };
    let alias = opsgenie.requests()[0].json()["alias"].as_str().unwrap().to_owned();
    let of_alert = |method: &str, action: &str| {
        (method.to_owned(), format!("/v2/alerts/{alias}/{action}?identifierType=alias"))
    };
    let create = ("POST".to_owned(), "/v2/alerts".to_owned());
    assert_eq!(
        methods_and_paths(&opsgenie),
        [create.clone(), create, of_alert("PUT", "priority"), of_alert("POST", "close")]
    );
    let priorities: Vec<Value> =
        opsgenie.requests().iter().map(|request| request.json()["priority"].clone()).collect();
    assert_eq!(priorities, [json!("P3"), json!("P1"), json!("P1"), Value::Null]);
    assert!(
        opsgenie
            .requests()
            .iter()
            .all(|request| request.header("authorization") == Some("GenieKey k3y-1234"))
    );
    let events = methods_and_paths(&matrix);
    assert_eq!(events.len(), 3);
    let prefix = "/_matrix/client/v3/rooms/%21r%3Ah/send/m.room.message/";
    let ids: std::collections::BTreeSet<&str> =
        events.iter().map(|(_, path)| path.strip_prefix(prefix).unwrap()).collect();
    assert_eq!(ids.len(), 3, "every message has its own transaction id");
    assert!(events.iter().all(|(method, _)| method == "PUT"));
    assert_eq!(methods_and_paths(&ntfy), vec![("POST".to_owned(), "/".to_owned()); 3]);
    assert!(ntfy.requests().iter().all(|request| request.json()["topic"] == "t0p1c"));
    let urgency: Vec<Value> =
        ntfy.requests().iter().map(|request| request.json()["priority"].clone()).collect();
    assert_eq!(urgency, [json!(4), json!(5), json!(3)]);
    let found = std::fs::read_dir(folder.path()).unwrap().flatten();
    let kept: String = found.map(|entry| std::fs::read_to_string(entry.path()).unwrap_or_default()).collect();
    for secret in ["k3y-1234", "t0k-1234", "t0p1c"] {
        assert!(!kept.contains(secret), "{secret} is in the state directory");
    }
}
