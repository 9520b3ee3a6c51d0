//! One run of `dvrf-draw`: locks, the journal, and the chain, read before anything is sent.

use std::time::Duration;

use crate::args::DrawArgs;
use crate::nodes::{LotteryNodes, pin};
use crate::sender::sender;
use dvrf_cli::checker::{Checked, RecordChecker};
use dvrf_cli::connect::fail;
use dvrf_cli::layout;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::submit::{self, journal_place};
use dvrf_cli::{CliError, Session};
use supra_core::amount::Count;
use supra_core::client::ChainClient;
use supra_core::draw::{DrawError, DrawErrorCode};
use supra_core::error::{Error, chain};
use supra_core::failure::{Failure, FailureKind};
use supra_core::layout::LayoutDraw;
use supra_core::record::Record;
use supra_core::report::Report;
use supra_core::state::State;
use supra_core::state_dir::{StateDir, StateError};
use supra_core::submit::command::RunWords;
use supra_core::submit::guard::{GuardError, GuardedSender, LockedJournal};
use supra_core::submit::journal::{Journal, JournalError, Moment};
use supra_core::target::Target;
use supra_core::time::{BootInstant, Clock};

/// What a run read from the chain before a draw.
pub(crate) struct Reading {
    /// The record, for output.
    pub(crate) record: Record,
    /// The report and its verdict.
    pub(crate) checked: Checked,
    /// Why the report is incomplete.
    pub(crate) failure: Option<Failure>,
    /// When it was begun.
    pub(crate) read_at: BootInstant,
    /// The contract's counter of requests.
    pub(crate) round: Option<Count>,
}

impl Reading {
    /// The typed picture, where the chain could be read.
    pub(crate) fn state(&self) -> Option<&State> {
        self.checked.report.state.as_ref()
    }

    /// The chain's clock as it was read, seconds since 1970.
    pub(crate) fn chain_s(&self) -> Option<i64> {
        let time = self.state()?.chain.time_us?;
        i64::try_from(time.get() / 1_000_000).ok()
    }
}

/// Everything that an attempt needs.
pub(crate) struct DrawRunner {
    pub(crate) nodes: LotteryNodes,
    pub(crate) target: Target,
    /// The draw of a contract that has another layout than the lottery's.
    pub(crate) layout: Option<LayoutDraw>,
    pub(crate) checker: RecordChecker,
    pub(crate) clock: Clock,
    pub(crate) guarded: GuardedSender,
    /// The CLI's arguments for the draw.
    pub(crate) words: RunWords,
    pub(crate) simulate_first: bool,
    pub(crate) cool_down_s: i64,
    pub(crate) max_attempts: u32,
    /// What was read longer ago is not acted on.
    pub(crate) reading_age_max: Duration,
    pub(crate) wait_handled: Option<Duration>,
    pub(crate) confirm_timeout: Duration,
    /// The module of the lottery's token.
    pub(crate) treasury_module: String,
}

/// The error for a lock that could not be taken, or for a state directory that cannot be used.
fn lock_error(error: StateError) -> DrawError {
    match error {
        StateError::Busy { .. } => DrawError::new(DrawErrorCode::Busy, error.to_string()),
        other => DrawError::from(&Error::from(other)),
    }
}

/// The error for a journal that cannot be used, with what to do.
pub(crate) fn journal_error(error: &JournalError) -> DrawError {
    let hint = match error {
        JournalError::State(_) => {
            "free some space, or give another --state-dir; without its journal no draw is sent"
        }
        JournalError::Damaged { .. } => {
            "look on the chain whether a draw is under way; then move the file away"
        }
    };
    DrawError::new(DrawErrorCode::Journal, chain(error)).with_hint(hint)
}

/// The error for a draw that the guard refused, with what to do.
pub(crate) fn guard_error(error: &GuardError) -> DrawError {
    let (code, hint) = match error {
        GuardError::RoundDrawn(_) => (
            DrawErrorCode::RoundDrawn,
            "ask another node; for a lottery that was redeployed, accept it once with --lottery-redeployed",
        ),
        GuardError::IntentOpen(_) => {
            (DrawErrorCode::IntentOpen, "dvrf-draw auto --execute decides about it first")
        }
        GuardError::ReadingOld => (DrawErrorCode::ReadingOld, "run again to read the chain again"),
        GuardError::Journal(error) => return journal_error(error),
    };
    DrawError::new(code, error.to_string()).with_hint(hint)
}

impl DrawRunner {
    /// Takes the locks and reads the journal. `sends` is whether a draw may be sent.
    pub(crate) fn open(
        args: &DrawArgs,
        policy: &PolicyArgs,
        sends: bool,
        session: &Session,
    ) -> Result<Self, DrawError> {
        let failed = |error: Error| DrawError::from(&error);
        let settings = &session.settings;
        let (target, _) = dvrf_cli::target::resolve(settings, None).map_err(failed)?;
        let layout = layout::draw(&target, settings).map_err(failed)?;
        let (sender, words) = sender(args, &target, layout.as_ref(), settings).map_err(failed)?;
        // One wait for both locks.
        let (lock, remaining) = args.guards.lock.take().map_err(lock_error)?;
        let nodes = LotteryNodes::open(settings, &target, ChainClient::draw_sight).map_err(failed)?;
        let contract = contract(&target, layout.as_ref()).map_err(failed)?;
        let journal = if sends { journal(&contract, &nodes, remaining, session)? } else { None };
        let token_module =
            Settings::needed(settings.text(&variables::TREASURY_MODULE), &variables::TREASURY_MODULE);
        let mut runner = Self {
            nodes,
            checker: RecordChecker::new(policy, session).map_err(failed)?,
            clock: Clock::starting(session.now),
            guarded: GuardedSender { sender, journal, lock, checkpoint: variables::fault_point },
            words,
            simulate_first: args.confirm.simulate_first,
            cool_down_s: args.guards.cool_down.into(),
            max_attempts: args.guards.max_attempts,
            reading_age_max: args.guards.lock.reading_age_max(),
            wait_handled: args.guards.wait_handled.map(|span| Duration::from_secs(span.into())),
            treasury_module: token_module.map_err(failed)?.to_owned(),
            confirm_timeout: settings.needed_seconds(&variables::CONFIRM_TIMEOUT).map_err(failed)?,
            target,
            layout,
        };
        if args.guards.lottery_redeployed {
            runner.change_journal(Journal::forget_rounds)?;
        }
        Ok(runner)
    }

    /// Reads everything that a draw depends on.
    pub(crate) fn read(&self, session: &Session) -> Result<Reading, DrawError> {
        let read_at = BootInstant::now();
        pin(&self.nodes)?;
        Ok(self.try_read(read_at, session)?)
    }

    fn try_read(&self, read_at: BootInstant, session: &Session) -> Result<Reading, CliError> {
        let mut record = Record::new();
        let now = self.clock.now();
        let (report, failure) = match self.nodes.reader().fill(&mut record, now)? {
            Ok(filled) => (filled.report, filled.failure),
            Err(error) => {
                let failure = Failure::from(error);
                fail(&mut record, &failure, now)?;
                (Report::of(&record)?, Some(failure))
            }
        };
        let round = report.state.as_ref().and_then(|state| match &self.layout {
            Some(draw) => draw.round(state.consumer.as_ref()?),
            None => state.lottery.rng_request_count,
        });
        Ok(Reading { record, checked: self.checker.check_report(report, session), failure, read_at, round })
    }

    /// Has the CLI send by the node that this run reads.
    pub(crate) fn follow_node(&mut self) {
        submit::follow(self.nodes.reader(), &mut self.words, &mut self.guarded.sender);
    }

    /// Now, by both clocks: the chain's as it was read, moved on.
    pub(crate) fn moment(&self, reading: &Reading) -> Moment {
        let passed = i64::try_from(reading.read_at.elapsed().as_secs()).unwrap_or(0);
        let chain_s = reading.chain_s().map(|read| read.saturating_add(passed));
        Moment { wall_s: self.clock.now_s(), chain_s }
    }

    /// What was spent on tickets in the last day; 0 without a journal.
    pub(crate) fn spent(&self, reading: &Reading) -> u128 {
        let now = self.moment(reading);
        self.guarded.journal.as_ref().map_or(0, |locked| locked.journal.spent(now))
    }

    /// Notes a purchase, before it is sent.
    pub(crate) fn spend(&mut self, amount: u128, reading: &Reading) -> Result<(), DrawError> {
        let now = self.moment(reading);
        self.change_journal(|journal| journal.spend(amount, now))
    }

    /// Takes back a purchase that was not sent.
    pub(crate) fn give_back(&mut self, amount: u128) -> Result<(), DrawError> {
        self.change_journal(|journal| journal.give_back(amount))
    }

    /// Refuses a flag that is about the lottery `main_v2` alone, where a layout says what is drawn.
    pub(crate) fn refuse_with_layout(&self, flag: &str, why: &str) -> Result<(), DrawError> {
        let Some(draw) = &self.layout else { return Ok(()) };
        let message = format!("{flag} is not for contracts of a layout ({}): {why}", draw.layout());
        Err(DrawError::from(&Error::new(FailureKind::Config, message)))
    }

    fn change_journal(&mut self, change: impl FnOnce(&mut Journal)) -> Result<(), DrawError> {
        let Some(locked) = &mut self.guarded.journal else { return Ok(()) };
        change(&mut locked.journal);
        locked.write().map_err(|error| journal_error(&error))
    }

    /// The CLI's command line for the draw, without secrets.
    pub(crate) fn command(&self) -> Vec<String> {
        self.guarded.sender.shown(&self.words)
    }
}

/// The contract that a draw changes. A lottery that is drawn by a layout has the journal that it has by code.
fn contract(target: &Target, layout: Option<&LayoutDraw>) -> Result<String, Error> {
    let Some(draw) = layout else {
        let lottery = target.lottery.map(|address| format!("{address}::{}", target.lottery_module));
        return Ok(lottery.unwrap_or_default());
    };
    let function = draw.function()?;
    Ok(format!("{}::{}", function.address, function.module))
}

/// The journal of a contract on its chain, locked by this run.
fn journal(
    contract: &str,
    nodes: &LotteryNodes,
    wait: Duration,
    session: &Session,
) -> Result<Option<LockedJournal>, DrawError> {
    let Some(place) = journal_place(&session.settings) else {
        session
            .log("warning", "there is no --state-dir and no HOME: this draw is guarded by the chain alone");
        return Ok(None);
    };
    let chain_id = nodes.chain_id().map_err(|failure| DrawError::of(DrawErrorCode::Unknown, &failure))?;
    let state = StateDir::open(&place).map_err(lock_error)?;
    LockedJournal::open(&state, contract, chain_id, wait).map(Some).map_err(|error| match error {
        JournalError::State(busy @ StateError::Busy { .. }) => lock_error(busy),
        // Scripts know a journal that cannot be read as `OUTPUT`, the code that earlier versions gave it.
        error => DrawError { code: DrawErrorCode::Failure(FailureKind::Output), ..journal_error(&error) },
    })
}
