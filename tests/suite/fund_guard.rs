//! One top-up for one shortage: however many runs, however they die, and whatever the CLI or a node does.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use testkit::{LOTTERY, Outcome, Place, needs, rounds, run};

use crate::{LIMITS, WALLET, deposits, fund};

/// A chain with a low deposit. The limits of every run allow one top-up, and not two in a day.
fn place() -> Place {
    Place::new("low", |devnet| fund(devnet, &["--execute", "--live"]), &LIMITS)
}

/// The statuses of the runs after an accident: a plain one, and if the accident's transaction might still come, later ones.
fn recover(place: &Place) -> Vec<String> {
    let first = place.first_run();
    let mut statuses = vec![first["status"].as_str().unwrap().to_owned()];
    let is_open = first["error"]["code"] == "INTENT_OPEN";
    // Where nothing shows what came of it, it counts as spent: the next one may be sent after the day of the limit.
    for hours in [1, 26].into_iter().take_while(|_| is_open) {
        statuses.push(place.later(hours, &[]).json()["status"].as_str().unwrap().to_owned());
    }
    statuses
}

/// One top-up on the chain, paid once, and every run that may have sent something is in the log.
fn assert_one(place: &Place, what: &str, statuses: &[String]) {
    let log = place.log();
    let state = place.devnet.call("GET", "/devnet/state", "");
    assert_eq!(state["deposits"], 1, "{what}: {statuses:?} {log:?}");
    let wallet: u128 = state["signer_wallet"].as_str().unwrap().parse().unwrap();
    assert!(wallet > WALLET - 24_000_000_000, "{what}: {wallet}");
    assert!(log.iter().any(|line| line["status"] == "submitting"), "{what}: {log:?}");
}

/// Lets an accident happen several times, each time on a new chain, and prints how often it did for `scripts/fund-soak`.
#[expect(clippy::print_stdout, reason = "scripts/fund-soak reads it")]
fn repeat(accident: &str, times: usize, mut happen: impl FnMut(&Place, usize)) {
    let place = place();
    for round in 0..times {
        place.again();
        happen(&place, round);
    }
    println!("figure: {accident}: {times}");
}

#[test]
fn twenty_at_once_are_one_top_up() {
    repeat("20 runs at once", rounds(1, 25), |place, _| twenty_at_once(place));
}

fn twenty_at_once(place: &Place) {
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(|| run(&mut place.command()))).collect();
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
    let points = ["before_intent", "after_intent", "after_submit", "after_outcome", "before_log"];
    repeat("killed at one of the five fault points", 5 * rounds(1, 20), |place, round| {
        let point = points[round % points.len()];
        let killed = place.spawn(&[("DVRF_TEST_KILL_AT", point)]).wait().unwrap();
        assert_eq!(killed.code(), None, "{point}: it was not killed");
        let sent = deposits(&place.devnet);
        assert_eq!(sent, u64::from(!matches!(point, "before_intent" | "after_intent")), "{point}");
        let statuses = recover(place);
        let expected: &[&str] = match point {
            "before_intent" => &["topped_up"],
            // Nothing shows that it was not sent: its time has to be over first.
            "after_intent" => &["error", "reconciled", "topped_up"],
            "after_submit" => &["reconciled"],
            _ => &["enough"],
        };
        assert_eq!(statuses, expected, "{point}");
        assert_one(place, point, &statuses);
    });
}

#[test]
#[needs("faketime")]
fn a_top_up_in_doubt_counts_as_spent() {
    let place = place();
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
    assert_one(&place, "in doubt", &[]);
}

#[test]
#[needs("faketime")]
fn a_deposit_that_was_spent_already_is_not_taken_for_unsent() {
    let place = place();
    place.spawn(&[("DVRF_TEST_KILL_AT", "after_submit")]).wait().unwrap();
    let mut journal: Value = serde_json::from_slice(&std::fs::read(place.journal()).unwrap()).unwrap();
    journal["intent"]["intent"]["hash"] = Value::Null;
    std::fs::write(place.journal(), journal.to_string()).unwrap();
    place.devnet.control(&json!({"balance": "20000000000"}));
    let settled = place.later(1, &[]);
    assert_eq!((settled.code, &settled.json()["status"]), (0, &json!("reconciled")), "{settled}");
    assert_eq!(place.later(2, &[]).json()["error"]["code"], "MAX_PER_DAY");
    assert_one(&place, "spent already", &[]);
}

#[test]
#[needs("faketime")]
fn killed_at_random_it_is_still_one_top_up() {
    let mut endings = std::collections::BTreeMap::<String, usize>::new();
    repeat("killed (SIGKILL) at a random instant", rounds(20, 500), |place, round| {
        // The CLI takes its time, so that many kills fall while it runs.
        place.devnet.fault("cli_latency=20ms");
        let mut child = place.spawn(&[]);
        std::thread::sleep(Duration::from_micros(1000 * (round as u64 * 37 % 101)));
        drop(child.kill());
        child.wait().unwrap();
        place.devnet.fault("");
        // The CLI has a process group of its own and outlives a SIGKILL of ours; it may still send.
        std::thread::sleep(Duration::from_millis(60));
        let statuses = recover(place);
        assert_one(place, &format!("round {round}"), &statuses);
        *endings.entry(statuses.join(", then ")).or_default() += 1;
    });
    println!("what the plain runs after the kills found: {endings:?}");
}

#[test]
fn a_cli_that_hangs_after_the_chain_accepted_is_no_second_top_up() {
    repeat("the CLI hangs after the chain accepted the deposit", rounds(1, 20), |place, _| {
        place.devnet.fault("cli_timeout_after_accept");
        let outcome = run(place.command().args(["--submit-timeout", "1"]));
        assert_eq!((outcome.code, &outcome.json()["status"]), (0, &json!("topped_up")), "{outcome}");
        place.devnet.fault("");
        assert_eq!(run(&mut place.command()).json()["status"], "enough");
        assert_one(place, "hang", &[]);
    });
}

#[test]
fn what_is_accepted_late_is_waited_for() {
    repeat("the chain accepts the deposit two minutes late", rounds(1, 20), |place, _| {
        // Two minutes of blocks.
        place.devnet.fault("hold_blocks=240");
        let outcome = run(&mut place.command());
        assert_eq!(
            (outcome.code, &outcome.json()["error"]["code"]),
            (2, &json!("NOT_CONFIRMED")),
            "{outcome}"
        );
        let open = run(&mut place.command());
        assert_eq!((open.code, &open.json()["error"]["code"]), (2, &json!("INTENT_OPEN")), "{open}");
        place.devnet.control(&json!({"advance_blocks": 241}));
        place.devnet.fault("hold_blocks=0");
        let found = run(&mut place.command());
        assert_eq!((found.code, &found.json()["status"]), (0, &json!("reconciled")), "{found}");
        assert_eq!(run(&mut place.command()).json()["status"], "enough");
        assert_one(place, "late", &[]);
    });
}

#[test]
#[needs("faketime")]
fn a_lost_journal_waits_for_what_it_may_have_sent() {
    repeat("the journal is lost while a transaction is under way", rounds(1, 20), |place, _| {
        place.devnet.fault("hold_blocks=240");
        assert_eq!(run(&mut place.command()).json()["error"]["code"], "NOT_CONFIRMED");
        std::fs::remove_dir_all(place.path("state")).unwrap();
        place.devnet.fault("hold_blocks=0");
        let words: Vec<String> = place.words().into_iter().filter(|word| word != "--new-journal").collect();
        let new = run(fund(&place.devnet, &["--execute", "--live"]).args(&words));
        assert_eq!((new.code, &new.json()["error"]["code"]), (0, &json!("JOURNAL_NEW")), "{new}");
        assert_eq!(place.later(1, &[]).json()["status"], "enough");
        assert_one(place, "lost", &[]);
    });
}

#[test]
fn a_node_that_is_behind_cannot_have_it_sent_again() {
    repeat("the node is behind and shows the old deposit", rounds(1, 20), |place, _| {
        assert_eq!(run(&mut place.command()).json()["status"], "topped_up");
        // The chain as it was: what a node that is behind shows.
        place.devnet.enter("low");
        place.devnet.fault("stale=30");
        let behind = run(place.command().args(["--max-per-day=900SUPRA"]));
        assert_eq!((behind.code, &behind.json()["error"]["code"]), (2, &json!("NODE_BEHIND")), "{behind}");
        place.devnet.fault("stale=0");
        let resting = run(place.command().args(["--max-per-day=900SUPRA", "--cool-down=1h"]));
        assert_eq!(resting.json()["error"]["code"], "COOLING_DOWN", "{resting}");
        assert_eq!(deposits(&place.devnet), 0, "nothing was sent to it");
    });
}

#[test]
fn another_host_is_seen_by_the_chain() {
    repeat("another host with a journal of its own", rounds(1, 20), |place, _| {
        assert_eq!(run(&mut place.command()).json()["status"], "topped_up");
        let other = place.path("other").display().to_string();
        let second = run(place.command().args(["--state-dir", &other]));
        assert_eq!((second.code, &second.json()["status"]), (0, &json!("enough")), "{second}");
        assert_one(place, "two hosts", &[]);
    });
}

#[test]
fn a_cli_that_refuses_has_sent_nothing_and_is_asked_again() {
    repeat("the CLI refuses, and is asked again", rounds(1, 20), |place, _| {
        place.devnet.fault("cli_run=profile");
        let outcome = run(&mut place.command());
        assert_eq!((outcome.code, &outcome.json()["error"]["code"]), (2, &json!("NOT_SENT")), "{outcome}");
        let line: Value = run(place.command().args(["--retry", "2", "--retry-delay", "0"])).json();
        assert_eq!((&line["status"], &line["spent_day"]), (&json!("failed"), &json!("0")), "{line}");
        place.devnet.fault("cli_run=simulate");
        assert_eq!(run(&mut place.command()).json()["status"], "topped_up");
        assert_one(place, "refused", &[]);
    });
}

/// A CLI that sends something else, which the chain refuses.
const REFUSED: &str =
    "$CLI move tool run --profile devnet --function-id $LOTTERY::main_v2::manual_draw --rpc-url $URL";

#[rstest]
#[case::it_says_failure_of_a_success("", "$CLI \"$@\" | sed s/Success/Fail/g", 0, "")]
#[case::it_says_success_of_nothing(
    "",
    "echo '{\"hash\": \"0xab\", \"status\": \"Success\"}'",
    2,
    "NOT_CONFIRMED"
)]
#[case::it_says_failure("cli_run=send", REFUSED, 2, "TRANSACTION_FAILED")]
#[case::it_says_no_reason("cli_run=send", &format!("{REFUSED} 2>&1 | sed s/E_DRAW_NOT_SCHEDULED.*/Fail/"), 2, "TRANSACTION_FAILED")]
#[case::it_gave_up_waiting("cli_run=unfinalized", "exec $CLI \"$@\"", 0, "")]
#[case::it_gave_up_waiting_for_a_failure("cli_run=unfinalized", REFUSED, 2, "TRANSACTION_FAILED")]
fn the_chain_decides_whatever_the_cli_says(
    #[case] fault: &str,
    #[case] script: &str,
    #[case] code: i32,
    #[case] error: &str,
) {
    let place = place();
    place.devnet.fault(fault);
    let cli = place.devnet.scripted_cli(&format!("LOTTERY={LOTTERY}\n{script}"));
    let outcome = run(place.command().env("SUPRA_CLI_BIN", cli));
    let line = outcome.json();
    assert_eq!(
        (outcome.code, line["error"]["code"].as_str().unwrap_or_default()),
        (code, error),
        "{outcome}"
    );
    if error == "TRANSACTION_FAILED" {
        let hint = &line["error"]["hint"];
        assert_eq!((hint, &line["spent_day"]), (&json!("wait until five tickets are sold"), &json!("0")));
        let status = line["top_up"]["vm_status"].as_str().unwrap();
        assert!(status.contains("::main_v2: E_DRAW_NOT_SCHEDULED(0x4)"), "read from the chain: {outcome}");
        let next = run(&mut place.command()).json();
        let said = if fault == "cli_run=send" { json!("Executed successfully") } else { Value::Null };
        assert_eq!((&next["status"], &next["top_up"]["vm_status"]), (&json!("topped_up"), &said), "{next}");
    }
    assert_eq!(deposits(&place.devnet), u64::from(error != "NOT_CONFIRMED"), "{outcome}");
}

#[rstest]
#[case::not_often_enough("--retry=1", "failed", 2)]
#[case::often_enough("--retry=2", "topped_up", 3)]
fn what_was_not_sent_is_tried_again_in_the_same_run(
    #[case] retry: &str,
    #[case] status: &str,
    #[case] tries: usize,
) {
    let place = place();
    let cli = place.devnet.cli_that_works_when("-gt 2");
    let outcome = run(place.command().args([retry, "--retry-delay=0"]).env("SUPRA_CLI_BIN", cli));
    assert_eq!(outcome.json()["status"], status, "{outcome}");
    assert_eq!(place.devnet.cli_starts(), tries);
}

#[test]
fn a_damaged_journal_is_looked_at_by_people() {
    let place = place();
    assert_eq!(run(&mut place.command()).json()["status"], "topped_up");
    std::fs::write(place.journal(), "{\"schema\":").unwrap();
    place.devnet.enter("low");
    let outcome = run(&mut place.command());
    assert_eq!((outcome.code, &outcome.json()["error"]["code"]), (2, &json!("JOURNAL")), "{outcome}");
    assert!(outcome.err.contains("check on the chain whether a top-up is under way"), "{outcome}");
    assert_eq!(deposits(&place.devnet), 0);
}

/// A dry run reads the journal too: it names what `--execute` would refuse, and while a top-up is under way it gives no command
/// to deposit by hand, which could be a second one.
#[test]
fn a_dry_run_knows_what_was_sent() {
    let place = place();
    let dry = || {
        let state = place.path("state").display().to_string();
        let words =
            ["--live", "--state-dir", &state, "--max-per-day=400SUPRA", "--cool-down=1h", "--max-lag=0"];
        run(&mut fund(&place.devnet, &words))
    };
    let codes = |funding: &Value| {
        let reasons = funding["reasons"].as_array().unwrap().iter();
        reasons.map(|reason| reason["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = dry().json()["funding"].clone();
    assert_eq!((codes(&first), first["remedy"].is_null()), (vec![], false), "{first}");
    place.devnet.fault("hold_blocks=240");
    assert_eq!(run(&mut place.command()).json()["error"]["code"], "NOT_CONFIRMED");
    let open = dry();
    let funding = open.json()["funding"].clone();
    assert_eq!(
        (open.code, codes(&funding)),
        (1, vec!["MAX_PER_DAY".to_owned(), "INTENT_OPEN".to_owned()]),
        "{open}"
    );
    assert!(funding["remedy"].is_null(), "{open}");
    // It has arrived, and is spent again.
    place.devnet.control(&json!({"advance_blocks": 241}));
    place.devnet.fault("hold_blocks=0");
    assert_eq!(run(&mut place.command()).json()["status"], "reconciled");
    place.devnet.control(&json!({"balance": "23625000000"}));
    let funding = dry().json()["funding"].clone();
    assert_eq!(
        (codes(&funding), funding["remedy"].is_null()),
        (vec!["MAX_PER_DAY".to_owned(), "COOLING_DOWN".to_owned()], false)
    );
}
