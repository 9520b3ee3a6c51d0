//! What the Supra CLI's words prove about a draw, through the real tool: what was not sent, what failed, and what the
//! chain is asked about.

use std::path::PathBuf;

use assert_cmd::Command;
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{Devnet, LOTTERY, Outcome, REFUSAL, Way, binary, needs, program, run};

use crate::draw;

/// A lottery that is ready, and a tool that draws on it.
struct Round {
    devnet: Devnet,
    folder: tempfile::TempDir,
}

impl Round {
    fn new(cli_run: &str) -> Self {
        let devnet = Devnet::start(&["--scenario", "ready"]);
        devnet.fault(cli_run);
        Self { devnet, folder: tempfile::tempdir().unwrap() }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn tool(&self, words: &[&str]) -> Command {
        let mut command = draw(&self.devnet, Way::Rpc, words);
        command.args(["--confirm-timeout", "0.5", "--max-lag", "0", "--state-dir"]).arg(self.state());
        command
    }

    fn auto(&self, words: &[&str]) -> Outcome {
        run(self.tool(&["auto", "--execute"]).args(words))
    }

    /// Sends whether the lottery is ready or not.
    fn forced(&self, words: &[&str]) -> (Outcome, Value) {
        let outcome = run(self.tool(&["run", "--skip-readiness", "--json-result"]).args(words));
        let result = serde_json::from_str(&outcome.out).unwrap();
        (outcome, result)
    }

    fn truth(&self, key: &str) -> Value {
        self.devnet.call("GET", "/devnet/state", "")[key].clone()
    }

    /// The journal's file.
    fn journal(&self) -> (PathBuf, Value) {
        let entries = std::fs::read_dir(self.state()).unwrap().map(|entry| entry.unwrap().path());
        let path =
            entries.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
        let journal = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        (path, journal)
    }

    fn seconds_later(&self, seconds: u64) {
        self.devnet.control(&json!({"advance_blocks": seconds * 2}));
    }

    fn auto_by(&self, cli: &str, words: &[&str]) -> Outcome {
        run(self.tool(&["auto", "--execute"]).args(words).env("SUPRA_CLI_BIN", cli))
    }

    /// Somebody else draws.
    fn others_draw(&self) {
        let manual_draw = json!({"function": format!("{LOTTERY}::main_v2::manual_draw")});
        let other = self.devnet.call("POST", "/devnet/run", &manual_draw.to_string());
        assert_eq!(other["status"], "Success", "{other}");
    }

    /// Players buy what a draw needs.
    fn make_due(&self) {
        self.devnet.control(&json!({"lottery": {"tickets": 5, "draw_scheduled": true}}));
    }

    /// A run with this host's clock moved.
    fn shifted(&self, shift: &str, words: &[&str]) -> Outcome {
        let plain = self.tool(&["auto", "--execute"]);
        let mut command = program("faketime");
        command.args(["--exclude-monotonic", "-f", shift]).arg(binary("dvrf-draw")).args(plain.get_args());
        command.args(words).env_clear();
        for (name, value) in plain.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        run(&mut command)
    }
}

#[test]
fn what_was_not_sent_leaves_nothing_and_says_the_remedy() {
    for (word, remedy) in [
        ("profile", "name an existing profile with PROFILE"),
        ("terminal", "give it with --password-file"),
        ("tty", "give it with --password-file"),
        ("account", "the signer's account does not exist on this chain"),
    ] {
        let round = Round::new(&format!("cli_run={word}"));
        let outcome = round.auto(&[]);
        let line = outcome.json();
        let error = &line["manual_draw"]["error"];
        assert_eq!(
            (&line["status"], &error["code"]),
            (&json!("manual_draw_failed"), &json!("NOT_SENT")),
            "{outcome}"
        );
        assert!(error["hint"].as_str().unwrap().contains(remedy), "{word}: {outcome}");
        assert!(outcome.err.contains(remedy), "{word}: {outcome}");
        let (_, journal) = round.journal();
        let left = (&journal["intent"], &journal["tried"]["attempts"]);
        assert_eq!(left, (&Value::Null, &json!(0)), "{word}: {journal}");
        round.devnet.fault("");
        let drawn = round.auto(&["--cool-down", "0", "--max-attempts", "1"]);
        assert_eq!(drawn.json()["status"], "executed", "{word}: {drawn}");
        assert_eq!(round.truth("submissions"), 1, "{word}");
    }
}

#[test]
fn a_failed_simulation_was_not_sent_and_a_finalized_failure_was() {
    let round = Round::new("cli_run=simulate");
    round.devnet.control(&json!({"lottery": {"draw_scheduled": false}}));
    let (outcome, result) = round.forced(&[]);
    assert_eq!(result["error"]["code"], "NOT_SENT", "{outcome}");
    assert_eq!(result["error"]["hint"], "wait until five tickets are sold", "{outcome}");
    assert!(outcome.err.contains("wait until five tickets are sold"), "{outcome}");
    assert_eq!((&result["tx_hash"], round.truth("submissions")), (&Value::Null, json!(0)), "{outcome}");
    round.devnet.fault("cli_run=send");
    let (outcome, result) = round.forced(&[]);
    assert_eq!(result["error"]["code"], "TRANSACTION_FAILED", "{outcome}");
    assert_eq!(result["error"]["hint"], "wait until five tickets are sold", "{outcome}");
    assert!(result["tx_hash"].as_str().unwrap().starts_with("0x"), "{outcome}");
    assert!(
        result["vm_status"].as_str().unwrap().contains("::main_v2: E_DRAW_NOT_SCHEDULED(0x4)"),
        "read from the chain: {outcome}"
    );
    let (_, journal) = round.journal();
    assert_eq!((&journal["intent"], &journal["tried"]["attempts"]), (&Value::Null, &json!(1)));
}

#[test]
fn an_unknown_end_is_looked_up_by_its_hash() {
    for version in ["v3", "v2", "v1"] {
        let round = Round::new("cli_run=unfinalized");
        let outcome = round.auto(&["--rpc-api", version]);
        let line = outcome.json();
        assert_eq!((outcome.code, &line["status"]), (0, &json!("executed")), "{version}: {outcome}");
        assert_eq!(line["manual_draw"]["confirmed_by"], "transaction", "{version}: {outcome}");
        assert_eq!(line["manual_draw"]["returncode"], 1, "{version}: {outcome}");
    }
    // Without a hash nothing can be looked up, and a remedy is said all the same.
    let round = Round::new("cli_run=fee");
    let line = round.auto(&[]).json();
    let error = &line["manual_draw"]["error"];
    assert_eq!(error["code"], "NOT_CONFIRMED", "{line}");
    assert!(error["hint"].as_str().unwrap().starts_with("top up the signer's account; "), "{line}");
    assert_eq!(round.auto(&[]).json()["error"]["code"], "INTENT_OPEN");
}

#[test]
fn a_transaction_that_waits_keeps_its_intent_and_its_hash() {
    let round = Round::new("cli_run=send,hold_blocks=100");
    let line = round.auto(&[]).json();
    assert_eq!(line["manual_draw"]["error"]["code"], "NOT_CONFIRMED", "{line}");
    let (_, journal) = round.journal();
    assert_eq!(journal["intent"]["hash"], line["manual_draw"]["tx_hash"], "{line}");
    assert_eq!(round.auto(&[]).json()["error"]["code"], "INTENT_OPEN");
    round.seconds_later(60);
    let line = round.auto(&[]).json();
    assert_eq!(line["status"], "reconciled", "{line}");
    assert_eq!((round.journal().1["intent"].clone(), round.truth("submissions")), (Value::Null, json!(1)));
}

#[test]
fn somebody_elses_draw_does_not_close_an_intent() {
    let round = Round::new("cli_run=send,hold_blocks=100");
    round.auto(&[]);
    round.devnet.fault("");
    round.others_draw();
    let line = round.auto(&[]).json();
    assert_eq!(line["status"], "not_ready", "{line}");
    assert!(round.journal().1["intent"].is_object(), "ours may still be accepted");
    // A new round is due while ours still waits: nothing is sent.
    round.seconds_later(10);
    round.make_due();
    let outcome = round.auto(&[]);
    assert_eq!(
        (outcome.code, outcome.json()["error"]["code"].clone()),
        (2, json!("INTENT_OPEN")),
        "{outcome}"
    );
    // Ours is executed now, and draws that round.
    round.seconds_later(60);
    let line = round.auto(&[]).json();
    assert_eq!(line["status"], "reconciled", "{line}");
    assert_eq!(round.truth("submissions"), 2, "ours and the other");
}

#[test]
fn a_forced_draw_settles_an_earlier_one_first() {
    let round = Round::new("cli_run=send,hold_blocks=100");
    assert_eq!(round.auto(&[]).json()["manual_draw"]["error"]["code"], "NOT_CONFIRMED");
    let (outcome, result) = round.forced(&[]);
    assert_eq!((outcome.code, &result["error"]["code"]), (2, &json!("INTENT_OPEN")), "{outcome}");
    // It is executed, and then answered.
    round.seconds_later(60);
    round.seconds_later(60);
    round.devnet.fault("");
    round.make_due();
    let (outcome, result) = round.forced(&[]);
    assert_eq!((outcome.code, &result["executed"]), (0, &json!(true)), "{outcome}");
    assert!(outcome.err.contains(" was requested; the chain shows it\n"), "{outcome}");
    assert_eq!(round.truth("submissions"), 2);
}

/// A lost transaction's round may have been drawn by somebody else: it is not drawn again, by whatever node.
#[rstest]
#[case::open(false, "was never accepted", "executed")]
#[case::drawn(true, "is over: its round was drawn, whether by its transaction is not known", "not_ready")]
#[needs("faketime")]
fn a_lost_transaction_has_one_end(#[case] by_others: bool, #[case] end: &str, #[case] status: &str) {
    let round = Round::new("cli_run=die,hold_blocks=5000");
    assert_eq!(round.auto(&[]).json()["manual_draw"]["error"]["code"], "NOT_CONFIRMED");
    round.devnet.fault("");
    if by_others {
        round.others_draw();
    }
    round.seconds_later(900);
    let outcome = round.shifted("+900s", &[]);
    assert_eq!(outcome.json()["status"], status, "{outcome}");
    assert!(outcome.err.starts_with("[info] dvrf-draw: the draw of run "), "{outcome}");
    assert!(outcome.err.contains(&format!(" {end}\n")), "{outcome}");
    assert_eq!(round.journal().1["drawn"], "4", "{outcome}");
    assert_eq!(round.truth("submissions"), 2, "{outcome}");
}

/// Where the counter cannot be read, the transaction itself may still say what became of it.
#[test]
fn a_transaction_is_enough_to_settle_its_draw() {
    let round = Round::new("cli_run=send,hold_blocks=100");
    assert_eq!(round.auto(&[]).json()["manual_draw"]["error"]["code"], "NOT_CONFIRMED");
    let blind = || round.auto(&["--retries", "0"]);
    round.devnet.fault("hold_blocks=100,5xx_rate=100,path=main_v2");
    let outcome = blind();
    let error = &outcome.json()["error"];
    assert_eq!((outcome.code, &error["code"]), (2, &json!("INTENT_OPEN")), "{outcome}");
    assert!(
        error["message"].as_str().unwrap().ends_with("the contract's counter cannot be read"),
        "{outcome}"
    );
    round.seconds_later(60);
    let outcome = blind();
    assert_eq!((outcome.code, outcome.json()["status"].clone()), (0, json!("reconciled")), "{outcome}");
    assert_eq!(round.journal().1["intent"], Value::Null);
}

#[test]
fn a_receipt_that_says_failure_is_compared_with_the_chain() {
    let round = Round::new("");
    let cli = round.devnet.scripted_cli("$CLI \"$@\" | sed s/Success/Fail/g");
    let outcome = round.auto_by(&cli, &[]);
    let line = outcome.json();
    assert_eq!((outcome.code, &line["status"]), (0, &json!("executed")), "{outcome}");
    assert_eq!(line["manual_draw"]["confirmed_by"], "transaction", "{outcome}");
}

#[test]
fn a_receipt_that_says_success_is_compared_with_the_chain() {
    let round = Round::new("");
    let cli = round.devnet.scripted_cli("echo '{\"hash\": \"0xab\", \"status\": \"Success\"}'");
    let outcome = round.auto_by(&cli, &["--retry", "1", "--retry-delay", "0"]);
    let line = outcome.json();
    assert_eq!(line["status"], "manual_draw_failed", "only what was not sent is tried again: {outcome}");
    assert_eq!(line["manual_draw"]["error"]["code"], "NOT_CONFIRMED", "{outcome}");
    let message = line["manual_draw"]["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("the receipt says success; the chain did not show the request"), "{outcome}");
    assert!(round.journal().1["intent"].is_object(), "{outcome}");
}

#[test]
fn what_was_not_sent_is_tried_again_in_the_same_run() {
    let round = Round::new("");
    let cli = round.devnet.cli_that_works_when("-gt 2");
    let outcome = round.auto_by(&cli, &["--retry", "1", "--retry-delay", "0"]);
    let line = outcome.json();
    assert_eq!(line["manual_draw"]["error"]["code"], "NOT_SENT", "{outcome}");
    assert_eq!(line["stderr"], REFUSAL, "{outcome}");
    let outcome = round.auto_by(&cli, &["--cool-down", "0"]);
    let line = outcome.json();
    assert_eq!((&line["status"], &line["stderr"]), (&json!("executed"), &Value::Null), "{outcome}");
    assert_eq!(round.truth("submissions"), 1);
}

#[test]
fn only_what_nothing_guards_is_warned_of() {
    let round = Round::new("");
    let unguarded = |words: &[&str]| {
        let mut command = draw(&round.devnet, Way::Rpc, &["auto", "--execute"]);
        run(command.args(words).env_remove("XDG_STATE_HOME")).err
    };
    let lock = round.folder.path().join("lock").display().to_string();
    let nothing =
        "[warning] dvrf-draw: there is no --state-dir and no HOME: this draw is guarded by the chain alone\n";
    let others = "[warning] dvrf-draw: neither a journal nor a --lock-file keeps another run of this host from drawing too\n";
    assert_eq!(unguarded(&["--lock-file", &lock]), nothing);
    assert_eq!(unguarded(&[]), format!("{nothing}{others}"));
    assert_eq!(round.auto(&[]).err, "");
}

#[test]
fn an_output_without_an_end_is_never_a_refusal() {
    let round = Round::new("");
    let cli = round.devnet.scripted_cli(
        "$CLI \"$@\" >/dev/null 2>&1\nhead -c 9000000 /dev/zero\necho 'CliProfile: KeyNotFound(\"x\")' >&2\nexit 1\n",
    );
    let outcome = round.auto_by(&cli, &[]);
    let error = &outcome.json()["manual_draw"]["error"];
    assert_eq!(error["code"], "NOT_CONFIRMED", "{outcome}");
    assert!(error["message"].as_str().unwrap().contains("longer than 8388608 bytes"), "{outcome}");
    assert_eq!(round.truth("submissions"), 1);
}

#[test]
#[needs("faketime")]
fn attempts_come_back_after_hours() {
    let round = Round::new("cli_run=send");
    round.devnet.control(&json!({"lottery": {"next_client_seed": u64::MAX.to_string()}}));
    assert_eq!(round.forced(&[]).1["error"]["code"], "TRANSACTION_FAILED");
    round.devnet.control(&json!({"lottery": {"next_client_seed": "5"}}));
    let outcome = round.auto(&["--max-attempts", "1"]);
    let line = outcome.json();
    assert_eq!(
        (outcome.code, &line["status"], &line["level"]),
        (2, &json!("error"), &json!("error")),
        "{outcome}"
    );
    assert_eq!(line["error"]["code"], "ATTEMPTS_EXHAUSTED", "{outcome}");
    round.seconds_later(3601);
    assert_eq!(round.shifted("+3605s", &["--max-attempts", "1"]).json()["status"], "executed");
}

#[test]
#[needs("faketime")]
fn a_clock_that_was_a_month_ahead_blocks_for_the_expiry() {
    let round = Round::new("cli_run=die,hold_blocks=5000");
    let line = round.shifted("+30d", &[]).json();
    assert_eq!(line["manual_draw"]["error"]["code"], "NOT_CONFIRMED", "{line}");
    round.devnet.fault("");
    let line = round.auto(&[]).json();
    assert_eq!(line["error"]["code"], "INTENT_OPEN", "{line}");
    round.seconds_later(900);
    assert_eq!(round.auto(&[]).json()["status"], "executed");
}

#[test]
fn a_journal_of_an_earlier_version_is_taken_over() {
    let round = Round::new("");
    let lottery = format!("{LOTTERY}::main_v2");
    let old = round.state().join(format!("draw-{}.json", supra_core::stable_id::stable_id(&[&lottery])));
    std::fs::create_dir_all(round.state()).unwrap();
    let journal = json!({"schema": "dvrf.draw-journal/1", "lottery": lottery, "intent": null, "tried": null, "drawn": "4"});
    std::fs::write(&old, journal.to_string()).unwrap();
    let line = round.auto(&[]).json();
    assert_eq!(line["readiness"]["reasons"][0]["code"], "ROUND_DRAWN", "{line}");
    let (path, journal) = round.journal();
    assert_eq!((&journal["chain_id"], &journal["drawn"]), (&json!(6), &json!("4")));
    assert!(path != old && !old.exists());
    assert_eq!(round.truth("submissions"), 0);
}

#[test]
fn a_lottery_that_was_published_anew_is_accepted_by_a_person() {
    let round = Round::new("");
    assert_eq!(round.auto(&[]).json()["status"], "executed");
    round.seconds_later(600);
    round.devnet.enter("ready");
    let outcome = round.auto(&[]);
    let line = outcome.json();
    assert_eq!((outcome.code, &line["error"]["code"]), (2, &json!("LOTTERY_REDEPLOYED")), "{outcome}");
    assert!(line["error"]["hint"].as_str().unwrap().contains("--lottery-redeployed"), "{outcome}");
    assert_eq!(round.auto(&["--lottery-redeployed"]).json()["status"], "executed");
}

#[test]
fn purchases_of_all_runs_count_together() {
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let fill = |limit: &str| {
        let words = [
            "auto",
            "--execute",
            "--fill-tickets",
            "--max-spend",
            limit,
            "--cool-down",
            "0",
            "--max-lag",
            "0",
        ];
        run(&mut draw(&devnet, Way::Rpc, &words))
    };
    assert_eq!(fill("25000000").json()["tickets_bought"], 2);
    devnet.control(&json!({"advance_blocks": 20}));
    devnet.control(&json!({"lottery": {"tickets": 4}}));
    let refused = fill("25000000");
    assert_eq!((refused.code, refused.json()["error"]["code"].clone()), (2, json!("MAX_SPEND")), "{refused}");
    assert!(refused.err.contains("after 20000000 in the last 24 h"), "{refused}");
    let bought = fill("30000000");
    assert_eq!(bought.json()["tickets_bought"], 1, "{bought}");
}

/// The contract refuses a second request, whatever is allowed here.
#[test]
fn no_tickets_are_bought_while_a_request_is_pending() {
    let round = Round::new("");
    round.devnet.enter("pending");
    round.devnet.control(&json!({"lottery": {"tickets": 3, "draw_scheduled": false}}));
    let outcome = round.auto(&["--fill-tickets", "--max-spend", "20000000", "--allow-pending-request"]);
    let line = outcome.json();
    assert_eq!((&line["status"], &line["tickets_bought"]), (&json!("not_ready"), &json!(0)), "{outcome}");
    assert_eq!(round.truth("submissions"), 0, "{outcome}");
}

#[test]
fn a_purchase_that_is_not_sent_costs_nothing() {
    let round = Round::new("");
    round.devnet.control(&json!({"lottery": {"tickets": 3, "draw_scheduled": false}}));
    let cli = round.devnet.cli_that_works_when("-lt 2");
    let fill = |limit: &str| round.auto_by(&cli, &["--fill-tickets", "--max-spend", limit]);
    let dear = fill("19999999").json();
    assert_eq!(
        dear["error"]["message"],
        "the missing tickets (2 at 10000000 each) cost more than --max-spend 19999999: none were bought",
        "{dear}"
    );
    // Tickets are not bought for a draw that something else forbids.
    round.devnet.control(&json!({"paused": true}));
    let line = fill("20000000").json();
    assert_eq!((&line["status"], &line["tickets_bought"]), (&json!("not_ready"), &Value::Null), "{line}");
    round.devnet.control(&json!({"paused": false}));
    let outcome = fill("20000000");
    let error = &outcome.json()["error"];
    assert_eq!((outcome.code, &error["code"]), (2, &json!("NOT_SENT")), "{outcome}");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("1 of 2 tickets were bought, then: the Supra CLI refused to send"),
        "{outcome}"
    );
    // The one that was bought is all that is spent.
    let spent = fill("19999999").json();
    assert_eq!(
        spent["error"]["message"],
        "the missing tickets (1 at 10000000 each) cost, after 10000000 in the last 24 h, more than --max-spend 19999999: none were bought",
        "{spent}"
    );
}

#[test]
fn a_cli_in_a_container_ends_there() {
    let round = Round::new("cli_latency=4000ms");
    let bin = round.folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    // As docker does: what runs inside does not end with the client.
    let script = "#!/bin/sh\n[ \"$1\" = exec ] || exit 125\nshift 2\nsetsid \"$@\" &\nwait\n";
    std::fs::write(bin.join("docker"), script).unwrap();
    run(program("chmod").arg("755").arg(bin.join("docker")));
    let path = format!("{}:{}", bin.display(), testkit::requirements::path());
    let with = |cli: &str| {
        let mut command = round.tool(&["auto", "--execute", "--submit-timeout", "1"]);
        run(command.env("PATH", &path).env("SUPRA_CLI_BIN", cli))
    };
    let cli = round.devnet.cli.display();
    let refused = with(&format!("docker run --rm image {cli}"));
    assert_eq!((refused.code, refused.json()["error"]["code"].clone()), (2, json!("CONFIG")), "{refused}");
    assert!(refused.err.contains("could send after this run has ended"), "{refused}");
    let outcome = with(&format!("docker exec supra_cli {cli}"));
    let line = outcome.json();
    assert_eq!(line["manual_draw"]["error"]["code"], "NOT_CONFIRMED", "{outcome}");
    let words: Vec<&str> =
        line["manual_draw"]["command"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(words[1..7], ["exec", "supra_cli", "timeout", "-s", "KILL", "1"], "{outcome}");
    std::thread::sleep(std::time::Duration::from_secs(5));
    assert_eq!(round.truth("submissions"), 0, "what was left inside did not send");
}
