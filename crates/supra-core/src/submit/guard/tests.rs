//! What is on disk before, while and after a CLI of one shell command sends.

use std::cell::RefCell;
use std::path::Path;

use rstest::rstest;

use super::*;
use crate::amount::Quants;
use crate::submit::fund_journal::{LockedFundJournal, TopUpPlan};
use crate::submit::journal::IntentStatus;
use crate::transport::cli::{CliConfig, Generation};

const LOTTERY: &str = "0x9::main_v2";
const ROUND: Count = Count(7);

thread_local! {
    static STEPS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn step(name: &str) {
    STEPS.with_borrow_mut(|steps| steps.push(name.to_owned()));
}

fn at(wall_s: i64) -> Moment {
    Moment { wall_s, chain_s: Some(wall_s) }
}

fn open(folder: &Path) -> LockedJournal {
    LockedJournal::open(&StateDir::open(folder).unwrap(), LOTTERY, 6, Duration::ZERO).unwrap()
}

/// A sender whose CLI is this program.
fn sender<J>(program: &[&str], journal: Option<J>) -> GuardedSender<J> {
    let cli = CliConfig {
        program: program.iter().map(Into::into).collect(),
        profile: None,
        rpc_url: None,
        secrets: Vec::new(),
        supra_config: None,
        generation: Generation::V9,
        env_remove: &[],
        call_timeout: Duration::from_secs(10),
        jobs: 1,
        compose: None,
    };
    let sender = CliSender { cli, timeout: Duration::from_secs(20), password: None };
    GuardedSender { sender, journal, lock: None, checkpoint: step }
}

fn words() -> RunWords {
    RunWords {
        profile: None,
        function: "0x9::main_v2::manual_draw".parse().unwrap(),
        arguments: Vec::new(),
        generation: Generation::V9,
        confirm: None,
        rpc_url: None,
        gas_price: None,
        max_gas: None,
        expiration_s: Some(60),
        sender: None,
        simulate: false,
    }
}

fn send(guarded: &mut GuardedSender, is_fresh: bool) -> Result<Submission, GuardError> {
    guarded.submit(&words(), ROUND, "run", at(1000), || is_fresh)
}

#[test]
fn an_accepted_draw_stays_open_until_the_chain_decides() {
    let folder = tempfile::tempdir().unwrap();
    let receipt = format!(r#"echo '{{"hash":"0x{}","status":"Success"}}'"#, "ab".repeat(32));
    let mut guarded = sender(&["sh", "-c", &receipt, "supra"], Some(open(folder.path())));
    assert!(guarded.is_guarded());
    assert_eq!(send(&mut guarded, true).unwrap().outcome, SubmitOutcome::Accepted);
    assert_eq!(STEPS.take(), ["before_intent", "after_intent", "after_submit"]);
    drop(guarded);
    let mut locked = open(folder.path());
    let mut intent = locked.journal.intent.clone().unwrap();
    assert_eq!((intent.run_id.as_str(), intent.round), ("run", ROUND));
    assert_eq!(intent.hash, Some(format!("0x{}", "ab".repeat(32))));
    // 60 s of the transaction, 20 s of the CLI, 30 s between the clocks.
    let left = IntentStatus::Open { left_s: 110, round_drawn: false };
    assert_eq!(intent.status(ROUND, None, at(1000)), left);
    assert_eq!(locked.journal.tried.unwrap().attempts, 1);
    let times = IntentTimes { run_id: "second", now: at(1001), expiration_s: None, submit_s: 1 };
    let error = locked.open_intent(ROUND, &times).unwrap_err();
    assert!(matches!(error, GuardError::IntentOpen(run) if run == "run"));
}

#[rstest]
#[case::refused(&["sh", "-c", "echo 'CliProfile: KeyNotFound(\"x\")'; exit 1", "supra"])]
#[case::not_started(&["/nonexistent/supra"])]
fn what_was_not_sent_costs_no_attempt_and_rests(#[case] program: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let mut guarded = sender(program, Some(open(folder.path())));
    let outcome = send(&mut guarded, true).unwrap().outcome;
    assert!(matches!(outcome, SubmitOutcome::Refused(_) | SubmitOutcome::NotSent(_)), "{outcome:?}");
    drop(guarded);
    let mut journal = open(folder.path()).journal;
    assert_eq!(journal.intent, None);
    assert_eq!(journal.rest(ROUND, 60, 3, at(1010)), (0, Some(50)));
}

#[test]
fn an_old_reading_starts_no_cli_and_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let sign = folder.path().join("started");
    let program = format!("touch {}", sign.display());
    let mut guarded = sender(&["sh", "-c", &program, "supra"], Some(open(folder.path())));
    assert!(matches!(send(&mut guarded, false), Err(GuardError::ReadingOld)));
    drop(guarded);
    let journal = open(folder.path()).journal;
    assert_eq!((journal.intent, journal.tried, sign.exists()), (None, None, false));
}

#[test]
fn a_drawn_round_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let sign = folder.path().join("started");
    let program = format!("touch {}", sign.display());
    let mut guarded = sender(&["sh", "-c", &program, "supra"], Some(open(folder.path())));
    guarded.close_drawn(ROUND, Some(900)).unwrap();
    assert!(matches!(send(&mut guarded, true), Err(GuardError::RoundDrawn(ROUND))));
    assert!(!sign.exists());
    drop(guarded);
    let journal = open(folder.path()).journal;
    assert_eq!((journal.drawn, journal.drawn_chain_s, journal.intent), (Some(ROUND), Some(900), None));
}

#[test]
fn a_closed_intent_is_closed_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut guarded = sender(&["false"], Some(open(folder.path())));
    let times = IntentTimes { run_id: "run", now: at(1000), expiration_s: None, submit_s: 0 };
    guarded.journal.as_mut().unwrap().open_intent(ROUND, &times).unwrap();
    guarded.close().unwrap();
    drop(guarded);
    assert_eq!(open(folder.path()).journal.intent, None);
}

/// The files that are open in a CLI started under this journal and a lock file.
fn inherited<J: IntentJournal>(folder: &Path, journal: J, plan: J::Plan) -> String {
    let list = folder.join("descriptors");
    let program = format!("readlink /proc/$$/fd/* > {}", list.display());
    let mut guarded = sender(&["sh", "-c", &program, "supra"], Some(journal));
    guarded.lock = Some(Lock::take(&folder.join("own"), Duration::ZERO).unwrap());
    guarded.submit(&words(), plan, "run", at(1000), || true).unwrap();
    std::fs::read_to_string(list).unwrap()
}

#[test]
fn the_cli_inherits_both_locks() {
    let folder = tempfile::tempdir().unwrap();
    let held = inherited(folder.path(), open(folder.path()), ROUND);
    assert!(held.lines().any(|path| path.ends_with("/own")), "{held}");
    assert!(held.lines().any(|path| path.contains("/draw-")), "{held}");
    let whose = ("0xd".parse().unwrap(), "0xc".parse().unwrap(), 6);
    let state = StateDir::open(folder.path()).unwrap();
    let journal = LockedFundJournal::open(&state, whose, at(1000), Duration::ZERO).unwrap();
    let held = inherited(folder.path(), journal, TopUpPlan { amount: Quants(1), balance: Quants(2) });
    assert!(held.lines().any(|path| path.contains("/fund-")), "{held}");
}

#[test]
fn without_a_journal_only_a_lock_guards() {
    let folder = tempfile::tempdir().unwrap();
    let mut guarded = sender(&["true"], None);
    assert!(!guarded.is_guarded());
    assert!(matches!(send(&mut guarded, true).unwrap().outcome, SubmitOutcome::Unknown(_)));
    guarded.lock = Some(Lock::take(&folder.path().join("own"), Duration::ZERO).unwrap());
    assert!(guarded.is_guarded());
}

#[test]
fn an_earlier_versions_journal_is_taken_over_once() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::open(folder.path()).unwrap();
    let name = format!("draw-{}", stable_id(&[LOTTERY]));
    let earlier = Journal { chain_id: None, drawn: Some(ROUND), ..Journal::new(LOTTERY, 6) };
    earlier.write(&state.lock(&name, Duration::ZERO).unwrap()).unwrap();
    let locked = open(folder.path());
    assert_eq!(locked.journal, Journal { chain_id: Some(6), ..earlier });
    assert!(!state.has(&name), "it is moved away");
    drop(locked);
    assert_eq!(open(folder.path()).journal.drawn, Some(ROUND), "and written under the new name");
}
