//! One top-up for one shortage: however many runs, however they die, and whatever the CLI or a node does.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use assert_cmd::Command;
use serde_json::{Value, json};
use testkit::{Devnet, Outcome, binary, needs, program, rounds, run};

use crate::{LIMITS, WALLET, deposits, fund};

/// A chain with a low deposit, a place for state, and a log.
struct Place {
    devnet: Devnet,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { devnet: Devnet::start(&["--scenario", "low"]), folder: tempfile::tempdir().unwrap() }
    }

    /// The chain anew, and nothing remembered.
    fn again(&self) {
        for name in ["state", "log", "lock"] {
            let path = self.path(name);
            drop(std::fs::remove_dir_all(&path));
            drop(std::fs::remove_file(path));
        }
        self.devnet.enter("low");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn journal(&self) -> PathBuf {
        let mut files = std::fs::read_dir(self.path("state")).unwrap().map(|entry| entry.unwrap().path());
        files.find(|path| path.extension().is_some_and(|end| end == "json")).unwrap()
    }

    fn words(&self) -> Vec<String> {
        let mut words: Vec<String> =
            ["--execute", "--live"].iter().chain(&LIMITS).map(|word| (*word).to_owned()).collect();
        let path = |name: &str| self.path(name).display().to_string();
        words.extend(["--state-dir".to_owned(), path("state"), "--log-file".to_owned(), path("log")]);
        words
    }

    fn fund(&self) -> Command {
        let mut command = fund(&self.devnet, &[]);
        command.args(self.words());
        command
    }

    /// A run that is killed by the test, or kills itself.
    fn spawn(&self, environment: &[(&str, &str)]) -> Child {
        let mut command = std::process::Command::new(binary("dvrf-fund"));
        command.env_clear().args(self.words());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        for (name, value) in self.fund().get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.envs(environment.iter().copied());
        command.spawn().unwrap()
    }

    /// A plain run after an accident; if the accident's transaction might still come, one after its time.
    fn recover(&self) -> Vec<String> {
        let mut first = run(&mut self.fund()).json();
        // The CLI of a killed run may still hold the lock, on a slow machine for a while.
        for _ in 0..20 {
            if first["status"] != "busy" {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
            first = run(&mut self.fund()).json();
        }
        let mut statuses = vec![first["status"].as_str().unwrap().to_owned()];
        let is_open = first["error"]["code"] == "INTENT_OPEN";
        // Where nothing shows what came of it, it counts as spent: the next one may be sent after the day of the limit.
        for hours in [1, 26].into_iter().take_while(|_| is_open) {
            statuses.push(self.later(hours, &[]).json()["status"].as_str().unwrap().to_owned());
        }
        statuses
    }

    /// A run some hours later by the chain's clock and by ours.
    fn later(&self, hours: u32, more: &[&str]) -> Outcome {
        self.devnet.control(&json!({"advance_blocks": 7200 * hours}));
        let mut later = program("faketime");
        later.args(["--exclude-monotonic", "-f", &format!("+{hours}h")]).arg(binary("dvrf-fund"));
        later.args(self.words()).args(more);
        later.env_clear();
        for (name, value) in self.fund().get_envs() {
            later.env(name, value.unwrap_or_default());
        }
        run(&mut later)
    }

    /// One top-up on the chain, paid once, and every run that may have sent something is in the log.
    fn assert_one(&self, what: &str, statuses: &[String]) {
        let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
        let state = self.devnet.call("GET", "/devnet/state", "");
        assert_eq!(state["deposits"], 1, "{what}: {statuses:?} {log}");
        let wallet: u128 = state["signer_wallet"].as_str().unwrap().parse().unwrap();
        assert!(wallet > WALLET - 24_000_000_000, "{what}: {wallet}");
        assert!(log.contains("\"status\":\"submitting\""), "{what}: {log}");
    }
}

#[test]
fn twenty_at_once_are_one_top_up() {
    let place = Place::new();
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(|| run(&mut place.fund()))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(deposits(&place.devnet), 1);
    for outcome in &outcomes {
        let line = outcome.json();
        let code = match line["status"].as_str().unwrap() {
            "topped_up" | "enough" | "waiting" => 0,
            "busy" => 75,
            other => panic!("{other}: {outcome}"),
        };
        assert_eq!(outcome.code, code, "{outcome}");
    }
    let done = |outcome: &&Outcome| outcome.json()["status"] == "topped_up";
    assert_eq!(outcomes.iter().filter(done).count(), 1);
}

#[test]
#[needs("faketime")]
fn killed_at_every_point_it_is_still_one_top_up() {
    let place = Place::new();
    for point in ["before_intent", "after_intent", "after_submit", "after_outcome", "before_log"] {
        place.again();
        let killed = place.spawn(&[("DVRF_TEST_KILL_AT", point)]).wait().unwrap();
        assert_eq!(killed.code(), None, "{point}: it was not killed");
        let sent = deposits(&place.devnet);
        assert_eq!(sent, u64::from(!matches!(point, "before_intent" | "after_intent")), "{point}");
        let statuses = place.recover();
        let expected: &[&str] = match point {
            "before_intent" => &["topped_up"],
            // Nothing shows that it was not sent: its time has to be over first.
            "after_intent" => &["error", "reconciled", "topped_up"],
            "after_submit" => &["reconciled"],
            _ => &["enough"],
        };
        assert_eq!(statuses, expected, "{point}");
        place.assert_one(point, &statuses);
    }
}

#[test]
#[needs("faketime")]
fn a_top_up_in_doubt_counts_as_spent() {
    let place = Place::new();
    place.spawn(&[("DVRF_TEST_KILL_AT", "after_intent")]).wait().unwrap();
    let settled = place.later(1, &[]);
    let line = settled.json();
    assert_eq!((settled.code, &line["status"]), (0, &json!("reconciled")), "{settled}");
    assert_eq!(line["spent_day"], "23625000000", "{settled}");
    assert!(settled.err.contains("arrived is not known; it counts as spent"), "{settled}");
    let more = "--max-per-day=900SUPRA";
    for (words, code) in [(&[][..], "MAX_PER_DAY"), (&[more, "--cool-down=1d"], "COOLING_DOWN")] {
        let line = place.later(2, words).json();
        assert_eq!(line["error"]["code"], code, "{line}");
    }
    assert_eq!(deposits(&place.devnet), 0);
    let next = place.later(3, &[more]).json();
    assert_eq!(next["status"], "topped_up", "{next}");
    place.assert_one("in doubt", &[]);
}

#[test]
#[needs("faketime")]
fn a_deposit_that_was_spent_already_is_not_taken_for_unsent() {
    let place = Place::new();
    place.spawn(&[("DVRF_TEST_KILL_AT", "after_submit")]).wait().unwrap();
    let mut journal: Value = serde_json::from_slice(&std::fs::read(place.journal()).unwrap()).unwrap();
    journal["intent"]["intent"]["hash"] = Value::Null;
    std::fs::write(place.journal(), journal.to_string()).unwrap();
    place.devnet.control(&json!({"balance": "20000000000"}));
    let settled = place.later(1, &[]);
    assert_eq!((settled.code, &settled.json()["status"]), (0, &json!("reconciled")), "{settled}");
    assert_eq!(place.later(2, &[]).json()["error"]["code"], "MAX_PER_DAY");
    place.assert_one("spent already", &[]);
}

#[test]
#[needs("faketime")]
fn killed_at_random_it_is_still_one_top_up() {
    let place = Place::new();
    let mut endings = std::collections::BTreeMap::<String, usize>::new();
    for round in 0..rounds(20, 500) {
        place.again();
        // The CLI takes its time, so that many kills fall while it runs.
        place.devnet.fault("cli_latency=20ms");
        let mut child = place.spawn(&[]);
        std::thread::sleep(Duration::from_micros(1000 * (round as u64 * 37 % 101)));
        drop(child.kill());
        child.wait().unwrap();
        place.devnet.fault("");
        // The CLI has a process group of its own and outlives a SIGKILL of ours; it may still send.
        std::thread::sleep(Duration::from_millis(60));
        let statuses = place.recover();
        place.assert_one(&format!("round {round}"), &statuses);
        *endings.entry(statuses.join(", then ")).or_default() += 1;
    }
    println!("what the plain runs after the kills found: {endings:?}");
}

#[test]
fn a_cli_that_hangs_after_the_chain_accepted_is_no_second_top_up() {
    let place = Place::new();
    place.devnet.fault("cli_timeout_after_accept");
    let outcome = run(place.fund().args(["--submit-timeout", "1"]));
    assert_eq!((outcome.code, &outcome.json()["status"]), (0, &json!("topped_up")), "{outcome}");
    place.devnet.fault("");
    assert_eq!(run(&mut place.fund()).json()["status"], "enough");
    place.assert_one("hang", &[]);
}

#[test]
fn what_is_accepted_late_is_waited_for() {
    let place = Place::new();
    // Two minutes of blocks.
    place.devnet.fault("hold_blocks=240");
    let outcome = run(&mut place.fund());
    assert_eq!((outcome.code, &outcome.json()["error"]["code"]), (2, &json!("NOT_CONFIRMED")), "{outcome}");
    let open = run(&mut place.fund());
    assert_eq!((open.code, &open.json()["error"]["code"]), (2, &json!("INTENT_OPEN")), "{open}");
    place.devnet.control(&json!({"advance_blocks": 241}));
    place.devnet.fault("hold_blocks=0");
    let found = run(&mut place.fund());
    assert_eq!((found.code, &found.json()["status"]), (0, &json!("reconciled")), "{found}");
    assert_eq!(run(&mut place.fund()).json()["status"], "enough");
    place.assert_one("late", &[]);
}

#[test]
#[needs("faketime")]
fn a_lost_journal_waits_for_what_it_may_have_sent() {
    let place = Place::new();
    place.devnet.fault("hold_blocks=240");
    assert_eq!(run(&mut place.fund()).json()["error"]["code"], "NOT_CONFIRMED");
    std::fs::remove_dir_all(place.path("state")).unwrap();
    place.devnet.fault("hold_blocks=0");
    let words: Vec<String> = place.words().into_iter().filter(|word| word != "--new-journal").collect();
    let new = run(fund(&place.devnet, &[]).args(&words));
    assert_eq!((new.code, &new.json()["error"]["code"]), (0, &json!("JOURNAL_NEW")), "{new}");
    assert_eq!(place.later(1, &[]).json()["status"], "enough");
    place.assert_one("lost", &[]);
}

#[test]
fn a_node_that_is_behind_cannot_have_it_sent_again() {
    let place = Place::new();
    assert_eq!(run(&mut place.fund()).json()["status"], "topped_up");
    // The chain as it was: what a node that is behind shows.
    place.devnet.enter("low");
    place.devnet.fault("stale=30");
    let behind = run(place.fund().args(["--max-per-day=900SUPRA"]));
    assert_eq!((behind.code, &behind.json()["error"]["code"]), (2, &json!("NODE_BEHIND")), "{behind}");
    place.devnet.fault("stale=0");
    let resting = run(place.fund().args(["--max-per-day=900SUPRA", "--cool-down=1h"]));
    assert_eq!(resting.json()["error"]["code"], "COOLING_DOWN", "{resting}");
    assert_eq!(deposits(&place.devnet), 0, "nothing was sent to it");
}

#[test]
fn another_host_is_seen_by_the_chain() {
    let place = Place::new();
    assert_eq!(run(&mut place.fund()).json()["status"], "topped_up");
    let other = place.path("other").display().to_string();
    let second = run(place.fund().args(["--state-dir", &other]));
    assert_eq!((second.code, &second.json()["status"]), (0, &json!("enough")), "{second}");
    place.assert_one("two hosts", &[]);
}

#[test]
fn a_cli_that_refuses_has_sent_nothing_and_is_asked_again() {
    let place = Place::new();
    place.devnet.fault("cli_run=profile");
    let outcome = run(&mut place.fund());
    assert_eq!((outcome.code, &outcome.json()["error"]["code"]), (2, &json!("NOT_SENT")), "{outcome}");
    let line: Value = run(place.fund().args(["--retry", "2", "--retry-delay", "0"])).json();
    assert_eq!((&line["status"], &line["spent_day"]), (&json!("failed"), &json!("0")), "{line}");
    place.devnet.fault("cli_run=simulate");
    assert_eq!(run(&mut place.fund()).json()["status"], "topped_up");
    place.assert_one("refused", &[]);
}

#[test]
fn a_damaged_journal_is_looked_at_by_people() {
    let place = Place::new();
    assert_eq!(run(&mut place.fund()).json()["status"], "topped_up");
    std::fs::write(place.journal(), "{\"schema\":").unwrap();
    place.devnet.enter("low");
    let outcome = run(&mut place.fund());
    assert_eq!((outcome.code, &outcome.json()["error"]["code"]), (2, &json!("JOURNAL")), "{outcome}");
    assert!(outcome.err.contains("check on the chain whether a top-up is under way"), "{outcome}");
    assert_eq!(deposits(&place.devnet), 0);
}
