//! One draw a round: however many runs, however they die, and whatever disk is full.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Outcome, Place, Way, binary, needs, program, rounds, run};

use crate::{draw, draw_by_layout};

/// Requests that the lottery of the scenario `ready` has seen before any draw.
const BEFORE: u64 = 4;

/// The words of every run. Some tests set the chain's clock forward.
const WORDS: [&str; 8] =
    ["auto", "--execute", "--cool-down", "0", "--confirm-timeout", "2", "--max-lag", "0"];

/// A chain with a draw that is due.
fn place() -> Place {
    Place::new("ready", |devnet| draw(devnet, Way::Rpc, &[]), &WORDS)
}

/// The same, drawn by code and by a layout file.
fn places() -> [Place; 2] {
    [place(), Place::new("ready", |devnet| draw_by_layout(devnet, Way::Rpc, &[]), &WORDS)]
}

fn draws(place: &Place) -> u64 {
    let state = place.devnet.call("GET", "/devnet/state", "");
    let requests = state["lottery"]["rng_request_count"].as_str().unwrap().parse::<u64>().unwrap();
    requests - BEFORE
}

/// The statuses of the runs after an accident: a plain one, and if the accident's transaction might still come, one a day
/// later.
fn recover(place: &Place) -> Vec<String> {
    let first = place.first_run();
    let mut statuses = vec![first["status"].as_str().unwrap().to_owned()];
    if first["error"]["code"] == "INTENT_OPEN" {
        statuses.push(place.later(24, &[]).json()["status"].as_str().unwrap().to_owned());
    }
    statuses
}

/// One draw, and every run that may have sent something is in the log.
fn assert_one_draw(place: &Place, what: &str, statuses: &[String]) {
    let log = place.log();
    assert_eq!(draws(place), 1, "{what}: {statuses:?} {log:?}");
    let submitting: Vec<&Value> = log.iter().filter(|line| line["status"] == "submitting").collect();
    assert!(!submitting.is_empty(), "{what}: {log:?}");
    // A run that sent and was not killed has a line with the end too.
    for run in submitting.iter().map(|line| &line["run_id"]) {
        let ends = log.iter().filter(|line| &line["run_id"] == run && line["status"] != "submitting").count();
        assert!(ends <= 1, "{what}: {log:?}");
    }
}

#[test]
fn twenty_at_once_are_one_draw() {
    places().iter().for_each(twenty_at_once);
}

fn twenty_at_once(place: &Place) {
    let lock = place.path("lock").display().to_string();
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20)
            .map(|number| {
                let (place, lock) = (place, &lock);
                scope.spawn(move || {
                    let mut command = if number % 2 == 0 {
                        let mut command = place.command();
                        command.args(["--lock-file", lock]);
                        command
                    } else {
                        // The lock of the shell's own tool, on the same file.
                        let inner = place.command();
                        let mut command = assert_cmd::Command::from_std(program("flock"));
                        command
                            .args(["-n", "-E", "75", lock])
                            .arg(inner.get_program())
                            .args(inner.get_args());
                        command.env_clear().env("PATH", testkit::requirements::path());
                        for (name, value) in inner.get_envs() {
                            command.env(name, value.unwrap_or_default());
                        }
                        command
                    };
                    run(&mut command)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(draws(place), 1);
    let status = |outcome: &Outcome| match outcome.out.trim() {
        "" => "flock".to_owned(),
        line => serde_json::from_str::<Value>(line).unwrap()["status"].as_str().unwrap().to_owned(),
    };
    for outcome in &outcomes {
        let code = match status(outcome).as_str() {
            "executed" | "not_ready" => 0,
            "busy" | "flock" => 75,
            other => panic!("{other}: {outcome}"),
        };
        assert_eq!(outcome.code, code, "{outcome}");
    }
    assert_eq!(outcomes.iter().filter(|outcome| status(outcome) == "executed").count(), 1);
}

#[test]
#[needs("faketime")]
fn killed_at_every_point_it_is_still_one_draw() {
    places().iter().for_each(killed_at_every_point);
}

fn killed_at_every_point(place: &Place) {
    for point in ["before_intent", "after_intent", "after_submit", "after_outcome", "before_log"] {
        place.again();
        let killed = place.spawn(&[("DVRF_TEST_KILL_AT", point)]).wait().unwrap();
        assert_eq!(killed.code(), None, "{point}: it was not killed");
        let drawn = draws(place);
        assert_eq!(drawn, u64::from(!matches!(point, "before_intent" | "after_intent")), "{point}");
        let statuses = recover(place);
        let expected: &[&str] = match point {
            "before_intent" => &["executed"],
            // Nothing shows that it was not sent: its time has to be over first.
            "after_intent" => &["error", "executed"],
            "after_submit" => &["reconciled"],
            _ => &["not_ready"],
        };
        assert_eq!(statuses, expected, "{point}");
        assert_one_draw(place, point, &statuses);
    }
}

#[test]
#[needs("faketime")]
fn killed_at_random_it_is_still_one_draw() {
    let place = place();
    let mut endings = std::collections::BTreeMap::<String, usize>::new();
    for round in 0..rounds(20, 300) {
        place.again();
        // The CLI takes its time, so that many kills fall while it runs.
        place.devnet.fault("cli_latency=20ms");
        let mut child = place.spawn(&[]);
        // A run takes about 100 ms here; the kills are spread over it.
        std::thread::sleep(Duration::from_micros(1000 * (round as u64 * 37 % 101)));
        drop(child.kill());
        child.wait().unwrap();
        place.devnet.fault("");
        // The CLI has a process group of its own and outlives a SIGKILL of ours; it may still send.
        std::thread::sleep(Duration::from_millis(60));
        let statuses = recover(&place);
        assert_one_draw(&place, &format!("round {round}"), &statuses);
        *endings.entry(statuses.join(", then ")).or_default() += 1;
    }
    println!("what the plain runs after the kills found: {endings:?}");
}

#[test]
fn a_cli_that_hangs_after_the_chain_accepted_is_no_second_draw() {
    places().iter().for_each(cli_hangs);
}

fn cli_hangs(place: &Place) {
    place.devnet.fault("cli_timeout_after_accept");
    let outcome = run(place.command().args(["--submit-timeout", "1"]));
    let line = outcome.json();
    assert_eq!((outcome.code, &line["status"]), (0, &json!("executed")), "{outcome}");
    assert_eq!(line["manual_draw"]["returncode"], Value::Null, "{outcome}");
    place.devnet.fault("");
    assert_eq!(run(&mut place.command()).json()["status"], "not_ready");
    assert_eq!(draws(place), 1);
}

#[test]
fn a_node_that_is_behind_cannot_have_a_round_drawn_again() {
    places().iter().for_each(node_is_behind);
}

fn node_is_behind(place: &Place) {
    assert_eq!(run(&mut place.command()).json()["status"], "executed");
    // The chain as it was before the draw: what a node that is behind shows.
    place.devnet.enter("ready");
    let line = run(&mut place.command()).json();
    assert_eq!(
        (&line["status"], &line["readiness"]["reasons"][0]["code"]),
        (&json!("not_ready"), &json!("ROUND_DRAWN"))
    );
    assert_eq!(draws(place), 0, "nothing was sent to it");
}

#[test]
#[needs("faketime")]
fn a_cli_that_outlives_a_killed_run_keeps_others_out() {
    let place = place();
    place.devnet.fault("cli_latency=2500ms");
    let mut child = place.spawn(&[]);
    std::thread::sleep(Duration::from_millis(1200));
    child.kill().unwrap();
    child.wait().unwrap();
    let busy = run(&mut place.command());
    let line = busy.json();
    assert_eq!((busy.code, &line["status"], &line["level"]), (75, &json!("busy"), &json!("warn")), "{busy}");
    std::thread::sleep(Duration::from_millis(2500));
    place.devnet.fault("");
    let statuses = recover(&place);
    assert_eq!(statuses, ["reconciled"]);
    assert_one_draw(&place, "orphan", &statuses);
}

#[test]
#[needs("unshare", "mount", "mount-namespace")]
fn a_full_disk_stops_before_anything_is_sent() {
    let place = place();
    let in_full = |log: &Path, stdout: &str| {
        let mut shell = program("sh");
        let plain = place.command();
        shell.env_clear().env("PATH", testkit::requirements::path());
        for (name, value) in plain.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let words = place.words();
        let words: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .filter(|word| *word != place.path("log").to_str().unwrap())
            .collect();
        let line =
            format!("exec {} {} {} >{stdout}", binary("dvrf-draw").display(), words.join(" "), log.display());
        run(shell.args(["-c", &line]))
    };
    let log = in_full(Path::new("/dev/full"), "/dev/stdout");
    assert_eq!((log.code, draws(&place)), (2, 0), "{log}");
    assert!(log.err.contains("cannot append to /dev/full: No space left on device"), "{log}");
    assert_eq!(log.json()["error"]["code"], "LOG", "{log}");
    let stdout = in_full(&place.path("log"), "/dev/full");
    assert_eq!((stdout.code, draws(&place)), (2, 0), "{stdout}");
    assert!(stdout.err.contains("cannot write stdout: No space left on device"), "{stdout}");
    // A disk of its own for the journal, with nothing left on it.
    let full = place.path("full");
    std::fs::create_dir(&full).unwrap();
    let mut shell = program("unshare");
    let plain = place.command();
    shell.args(testkit::requirements::mount_namespace()).args(["sh", "-c"]).env_clear();
    shell.env("PATH", testkit::requirements::path());
    for (name, value) in plain.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    let full = full.display();
    let tool = binary("dvrf-draw");
    let script = format!(
        "mount -t tmpfs -o size=8k tmpfs {full} && mkdir {full}/state && head -c 100000 /dev/zero >{full}/fill 2>/dev/null; exec {} auto --execute --state-dir {full}/state",
        tool.display()
    );
    let journal = run(shell.arg(script));
    assert_eq!((journal.code, draws(&place)), (2, 0), "{journal}");
    assert!(format!("{journal}").contains("No space left on device"), "{journal}");
    // And with room again the draw is made.
    assert_eq!(run(&mut place.command()).json()["status"], "executed");
}

#[test]
fn a_damaged_journal_is_looked_at_by_people() {
    let place = place();
    assert_eq!(run(&mut place.command()).json()["status"], "executed");
    let journal = std::fs::read_dir(place.path("state")).unwrap().map(|entry| entry.unwrap().path());
    let journal = journal.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    std::fs::write(&journal, "{\"schema\":").unwrap();
    place.devnet.enter("ready");
    let outcome = run(&mut place.command());
    assert_eq!((outcome.code, draws(&place)), (2, 0), "{outcome}");
    assert!(outcome.err.contains("cannot be read: EOF"), "{outcome}");
    assert!(outcome.err.contains("look on the chain whether a draw is under way"), "{outcome}");
}

#[test]
fn attempts_are_few_and_rest_between_them() {
    let place = place();
    let lottery = |tickets: u64| json!({"lottery": {"tickets": tickets, "draw_scheduled": true}});
    let place_state = place.path("state").display().to_string();
    let auto = |words: &[&str]| run(place.command().args(words)).json();
    // The CLI refuses its words: nothing is sent, and it does not count as an attempt.
    place.devnet.control(&lottery(5));
    let refuse = ["--confirm-flag=--no-such-flag", "--assume-yes"];
    let with = |words: &[&'static str]| auto(&[&refuse[..], words].concat());
    let line = with(&["--cool-down", "600"]);
    assert_eq!(
        (&line["status"], &line["manual_draw"]["error"]["code"]),
        (&json!("manual_draw_failed"), &json!("NOT_SENT"))
    );
    let line = with(&["--cool-down", "600"]);
    assert_eq!(line["readiness"]["reasons"][0]["code"], "COOLING_DOWN", "{line}");
    for _ in 0..4 {
        let line = with(&["--cool-down", "0"]);
        assert_eq!(line["manual_draw"]["error"]["code"], "NOT_SENT", "{line}");
    }
    // A transaction that fails is one, and rests.
    place.devnet.fault("cli_run=send");
    place.devnet.control(&json!({"lottery": {"next_client_seed": u64::MAX.to_string()}}));
    let fails = |words: &[&'static str]| {
        let skip = ["--skip-readiness", "--json-result", "--state-dir", place_state.as_str()];
        run(draw(&place.devnet, Way::Rpc, &["run"]).args(skip).args(words))
    };
    let failed: Value = serde_json::from_str(&fails(&[]).out).unwrap();
    assert_eq!(failed["error"]["code"], "TRANSACTION_FAILED", "{failed}");
    place.devnet.control(&json!({"lottery": {"next_client_seed": "5"}}));
    let line = auto(&["--cool-down", "600"]);
    assert_eq!(
        (&line["status"], &line["readiness"]["reasons"][0]["code"]),
        (&json!("not_ready"), &json!("COOLING_DOWN"))
    );
    let spent = run(place.command().args(["--cool-down", "0", "--max-attempts", "1"]));
    let line = spent.json();
    assert_eq!(
        (spent.code, &line["status"], &line["level"]),
        (2, &json!("error"), &json!("error")),
        "{spent}"
    );
    assert_eq!(line["error"]["code"], "ATTEMPTS_EXHAUSTED", "{line}");
    assert!(line["error"]["hint"].as_str().unwrap().contains("--max-attempts"), "{line}");
    assert_eq!(draws(&place), 0);
    // What provably was not sent may be tried again within one run.
    place.again();
    place.devnet.fault("");
    let line = with(&["--retry", "2", "--retry-delay", "0"]);
    assert_eq!((&line["status"], draws(&place)), (&json!("manual_draw_failed"), 0));
    assert_eq!(auto(&["--max-attempts", "4"])["status"], "executed");
}

#[test]
#[needs("rsyslogd")]
fn log_shippers_read_the_log() {
    let place = place();
    run(&mut place.command());
    run(&mut place.command());
    let (folder, out) = (place.path("").display().to_string(), place.path("shipped"));
    let config = format!(
        "global(workDirectory=\"{folder}\")\nmodule(load=\"imfile\")\nmodule(load=\"mmjsonparse\")\n\
         input(type=\"imfile\" File=\"{folder}/log\" Tag=\"dvrf:\" ruleset=\"dvrf\")\n\
         template(name=\"line\" type=\"string\" string=\"%$!run_id% %$!status% %$!exit_code% %parsesuccess%\\n\")\n\
         ruleset(name=\"dvrf\") {{ action(type=\"mmjsonparse\" cookie=\"\") action(type=\"omfile\" file=\"{}\" template=\"line\") }}\n",
        out.display()
    );
    std::fs::write(place.path("rsyslog.conf"), config).unwrap();
    let mut daemon = program("rsyslogd")
        .args(["-n", "-f", &format!("{folder}/rsyslog.conf"), "-i", &format!("{folder}/pid")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let log = place.log();
    let read = testkit::receivers::eventually(Duration::from_secs(20), || {
        let text = std::fs::read_to_string(&out).unwrap_or_default();
        (text.lines().count() == log.len()).then_some(text)
    });
    drop(daemon.kill());
    drop(daemon.wait());
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let expected: Vec<String> = log
        .iter()
        .map(|line| format!("{} {} {} OK", text(&line["run_id"]), text(&line["status"]), line["exit_code"]))
        .collect();
    let read = read.unwrap_or_default();
    assert_eq!(
        (log.len(), read.lines().collect::<Vec<_>>()),
        (3, expected.iter().map(String::as_str).collect())
    );
}
