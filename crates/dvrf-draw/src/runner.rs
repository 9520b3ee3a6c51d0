//! One run of `dvrf-draw`: locks, the journal, and the chain, read before anything is sent.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::args::DrawArgs;
use crate::sender::sender;
use dvrf_cli::checker::{Checked, RecordChecker};
use dvrf_cli::connect::{Reader, fail};
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::{CliError, Session};
use supra_core::draw::{DrawError, DrawErrorCode};
use supra_core::error::{Error, chain};
use supra_core::failure::Failure;
use supra_core::record::Record;
use supra_core::report::Report;
use supra_core::stable_id::stable_id;
use supra_core::state::State;
use supra_core::state_dir::{Lock, StateDir, StateError};
use supra_core::submit::command::RunWords;
use supra_core::submit::guard::{GuardError, GuardedSender, LockedJournal};
use supra_core::submit::journal::JournalError;
use supra_core::target::Target;
use supra_core::time::Clock;

/// What a run read from the chain before a draw.
pub(crate) struct Reading {
    /// The record, for output.
    pub(crate) record: Record,
    /// The report and its verdict.
    pub(crate) checked: Checked,
    /// Why the report is incomplete.
    pub(crate) failure: Option<Failure>,
}

impl Reading {
    /// The typed picture, where the chain could be read.
    pub(crate) fn state(&self) -> Option<&State> {
        self.checked.report.state.as_ref()
    }
}

/// Everything that an attempt needs.
pub(crate) struct DrawRunner {
    pub(crate) reader: Reader,
    pub(crate) target: Target,
    pub(crate) checker: RecordChecker,
    pub(crate) clock: Clock,
    pub(crate) guarded: GuardedSender,
    /// The CLI's arguments for the draw.
    pub(crate) words: RunWords,
    pub(crate) simulate_first: bool,
    pub(crate) cool_down_s: i64,
    pub(crate) max_attempts: u32,
    pub(crate) wait_handled: Option<Duration>,
    pub(crate) confirm_timeout: Duration,
    /// The module of the lottery's token.
    pub(crate) treasury_module: String,
}

/// Where draws are journalled: `--state-dir`, else the user's own directory of state.
fn journal_place(settings: &Settings) -> Option<PathBuf> {
    let under = |variable, rest: &str| {
        settings
            .text(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .map(|path| path.join(rest))
    };
    let given = settings.text(&variables::STATE_DIR).map(PathBuf::from);
    given
        .or_else(|| under(&variables::XDG_STATE_HOME, "dvrf"))
        .or_else(|| under(&variables::HOME, ".local/state/dvrf"))
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
            "ask another node; for a lottery that was redeployed, move its draw journal away",
        ),
        GuardError::IntentOpen(_) => {
            (DrawErrorCode::IntentOpen, "dvrf-draw auto --execute decides about it first")
        }
        GuardError::Journal(error) => return journal_error(error),
    };
    DrawError::new(code, error.to_string()).with_hint(hint)
}

/// The error of anything else that ends a run.
pub(crate) fn cli_error(error: CliError) -> DrawError {
    match error {
        CliError::Core(error) => DrawError::from(&error),
        other => DrawError::new(DrawErrorCode::Output, chain(&other)),
    }
}

impl DrawRunner {
    /// Takes the locks and reads the journal; nothing is asked yet. `sends` is whether a draw may be sent.
    pub(crate) fn open(
        args: &DrawArgs,
        policy: &PolicyArgs,
        sends: bool,
        session: &Session,
    ) -> Result<Self, DrawError> {
        let failed = |error: Error| DrawError::from(&error);
        let settings = &session.settings;
        let (target, _) = dvrf_cli::target::resolve(settings, None).map_err(failed)?;
        let (sender, words) = sender(args, &target, settings).map_err(failed)?;
        let wait = Duration::from_secs(args.guards.lock_wait.into());
        let start = Instant::now();
        let lock = args.guards.lock_file.as_ref().map(|path| Lock::take(path, wait));
        let lock = lock.transpose().map_err(lock_error)?;
        // One wait for both locks.
        let remaining = wait.saturating_sub(start.elapsed());
        let journal = if sends { journal(&target, remaining, session)? } else { None };
        let token_module =
            Settings::needed(settings.text(&variables::TREASURY_MODULE), &variables::TREASURY_MODULE);
        Ok(Self {
            reader: Reader::open(settings).map_err(failed)?,
            checker: RecordChecker::new(policy, session).map_err(failed)?,
            clock: Clock::starting(session.now),
            guarded: GuardedSender { sender, journal, lock, checkpoint: variables::fault_point },
            words,
            simulate_first: args.confirm.simulate_first,
            cool_down_s: args.guards.cool_down.into(),
            max_attempts: args.guards.max_attempts,
            wait_handled: args.guards.wait_handled.map(|span| Duration::from_secs(span.into())),
            treasury_module: token_module.map_err(failed)?.to_owned(),
            confirm_timeout: settings.needed_seconds(&variables::CONFIRM_TIMEOUT).map_err(failed)?,
            target,
        })
    }

    /// Reads everything that a draw depends on.
    pub(crate) fn read(&self, session: &Session) -> Result<Reading, DrawError> {
        self.try_read(session).map_err(cli_error)
    }

    fn try_read(&self, session: &Session) -> Result<Reading, CliError> {
        let mut record = Record::new();
        let now = self.clock.now();
        let (report, failure) = match self.reader.fill(&mut record, now)? {
            Ok(filled) => (filled.report, filled.failure),
            Err(error) => {
                let failure = Failure::from(error);
                fail(&mut record, &failure, now)?;
                (Report::of(&record)?, Some(failure))
            }
        };
        Ok(Reading { record, checked: self.checker.check_report(report, session), failure })
    }

    /// The CLI's command line for the draw, without secrets.
    pub(crate) fn command(&self) -> Vec<String> {
        self.guarded.sender.shown(&self.words)
    }
}

/// The journal of the target's lottery, locked by this run.
fn journal(target: &Target, wait: Duration, session: &Session) -> Result<Option<LockedJournal>, DrawError> {
    let Some(place) = journal_place(&session.settings) else {
        session
            .log("warning", "there is no --state-dir and no HOME: this draw is guarded by the chain alone");
        return Ok(None);
    };
    let lottery = target.lottery.map(|address| format!("{address}::{}", target.lottery_module));
    let lottery = lottery.unwrap_or_default();
    let state = StateDir::open(&place).map_err(lock_error)?;
    let held = state.lock(&format!("draw-{}", stable_id(&[&lottery])), wait).map_err(lock_error)?;
    // Scripts know a journal that cannot be read as `OUTPUT`, the code that earlier versions gave it.
    LockedJournal::read(held, &lottery).map(Some).map_err(|error| {
        let error = journal_error(&error);
        DrawError { code: DrawErrorCode::Output, ..error }
    })
}
