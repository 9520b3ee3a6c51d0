//! What guards a draw: locks, the journal, and the chain before anything is sent.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::sender::Sender;
use crate::args::DrawArgs;
use dvrf_cli::checker::{Checked, RecordChecker};
use dvrf_cli::connect::{Reader, fail};
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::{CliError, Session};
use supra_core::draw::Trouble;
use supra_core::failure::{Failure, FailureKind};
use supra_core::readiness::Readiness;
use supra_core::record::Record;
use supra_core::report::Report;
use supra_core::stable_id::stable_id;
use supra_core::state::State;
use supra_core::state_dir::{Lock, LockedState, StateDir, StateError};
use supra_core::submit::journal::{Intent, IntentStatus, Journal, JournalError};
use supra_core::target::Target;
use supra_core::time::Clock;

/// Why there is no engine.
pub(super) enum Stop {
    /// Another run holds a lock.
    Busy(StateError),
    /// Something is wrong.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The journal and the lock that makes it ours.
pub(super) struct Ledger {
    held: LockedState,
    pub(super) journal: Journal,
}

impl Ledger {
    pub(super) fn write(&self) -> Result<(), Trouble> {
        self.journal.write(&self.held).map_err(|error| journal_trouble(&error))
    }
}

fn journal_trouble(error: &JournalError) -> Trouble {
    let hint = match error {
        JournalError::Store(_) => {
            "free some space, or give another --state-dir; without its journal no draw is sent"
        }
        JournalError::Damaged { .. } => {
            "look on the chain whether a draw is under way; then move the file away"
        }
    };
    Trouble::new("JOURNAL", error.to_string()).with_hint(hint)
}

/// What was read before a draw.
pub(super) struct Seen {
    pub(super) record: Record,
    pub(super) checked: Checked,
    pub(super) failure: Option<Failure>,
}

impl Seen {
    pub(super) fn state(&self) -> Option<&State> {
        self.checked.report.state.as_ref()
    }
}

/// What became of an earlier run's intent.
pub(super) enum Earlier {
    /// There was none, or it is void.
    Nothing,
    /// It was void; the sentence says so.
    Void(String),
    /// Its draw was requested.
    Requested(Intent),
    /// It may still be.
    Open(Trouble),
}

/// Everything that an attempt needs.
pub(super) struct Engine {
    pub(super) reader: Reader,
    pub(super) target: Target,
    pub(super) checker: RecordChecker,
    pub(super) clock: Clock,
    pub(super) sender: Sender,
    pub(super) ledger: Option<Ledger>,
    lock: Option<Lock>,
    cool_down_s: i64,
    max_attempts: u32,
    pub(super) wait_handled: Option<Duration>,
    pub(super) confirm_timeout: Duration,
    /// The module of the lottery's token.
    pub(super) treasury_module: String,
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

impl Engine {
    /// Takes the locks and reads the journal; nothing is asked yet. `acts` is whether a draw may be sent.
    pub(super) fn open(
        args: &DrawArgs,
        policy: &PolicyArgs,
        acts: bool,
        session: &Session,
    ) -> Result<Self, Stop> {
        let settings = &session.settings;
        let (target, _) = dvrf_cli::target::resolve(settings, None)?;
        let sender = Sender::open(args, &target, settings)?;
        let wait = Duration::from_secs(args.guards.lock_wait.into());
        let busy = |error: StateError| match error {
            StateError::Busy { .. } => Stop::Busy(error),
            other => Stop::Failed(other.into()),
        };
        let start = Instant::now();
        let lock =
            args.guards.lock_file.as_ref().map(|path| Lock::take(path, wait).map_err(busy)).transpose()?;
        // One wait for both locks.
        let left = wait.saturating_sub(start.elapsed());
        let ledger = if acts { Self::ledger(&target, left, session, busy)? } else { None };
        Ok(Self {
            reader: Reader::open(settings)?,
            checker: RecordChecker::new(policy, session)?,
            clock: Clock::starting(session.now),
            sender,
            ledger,
            lock,
            cool_down_s: args.guards.cool_down.into(),
            max_attempts: args.guards.max_attempts,
            wait_handled: args.guards.wait_handled.map(|span| Duration::from_secs(span.into())),
            treasury_module: Settings::needed(
                settings.text(&variables::TREASURY_MODULE),
                &variables::TREASURY_MODULE,
            )?
            .to_owned(),
            confirm_timeout: settings.needed_seconds(&variables::CONFIRM_TIMEOUT)?,
            target,
        })
    }

    fn ledger(
        target: &Target,
        wait: Duration,
        session: &Session,
        busy: impl Fn(StateError) -> Stop,
    ) -> Result<Option<Ledger>, Stop> {
        let Some(place) = journal_place(&session.settings) else {
            session.say(
                "warning",
                "there is no --state-dir and no HOME: this draw is guarded by the chain alone",
            );
            return Ok(None);
        };
        let lottery = target.lottery.map(|address| format!("{address}::{}", target.lottery_module));
        let lottery = lottery.unwrap_or_default();
        let state = StateDir::open(&place).map_err(&busy)?;
        let held = state.lock(&format!("draw-{}", stable_id(&[&lottery])), wait).map_err(&busy)?;
        let journal = Journal::read(&held, &lottery).map_err(|error| {
            let trouble = journal_trouble(&error);
            let failure = Failure::new(FailureKind::Output, trouble.message);
            failure.with_hint(trouble.hint.unwrap_or_default())
        })?;
        Ok(Some(Ledger { held, journal }))
    }

    /// Lets the CLI hold the locks as long as it lives.
    pub(super) fn share_locks(&self) {
        if let Some(lock) = &self.lock {
            lock.share_with_children();
        }
        if let Some(ledger) = &self.ledger {
            ledger.held.share_with_children();
        }
    }

    /// Whether a lock keeps other runs of this host out.
    pub(super) fn is_guarded(&self) -> bool {
        self.ledger.is_some() || self.lock.is_some()
    }

    /// Asks the chain for everything a draw rests on.
    pub(super) fn read(&self, session: &Session) -> Result<Seen, CliError> {
        let mut record = Record::new();
        let now = self.clock.now();
        let (report, failure) = match self.reader.fill(&mut record, now)? {
            Ok(filled) => (filled.report, filled.failure),
            Err(failure) => {
                fail(&mut record, &failure, now)?;
                (Report::of(&record)?, Some(failure))
            }
        };
        Ok(Seen { record, checked: self.checker.check_report(report, session), failure })
    }

    /// Decides by the chain about an intent that an earlier run left open.
    pub(super) fn reconcile(&mut self, seen: &Seen) -> Earlier {
        let Some(ledger) = &mut self.ledger else { return Earlier::Nothing };
        let Some(intent) = ledger.journal.intent.clone() else { return Earlier::Nothing };
        let state = seen.state();
        let Some(round) = state.and_then(|state| state.lottery.rng_request_count) else {
            let text = format!(
                "the draw of run {} has no outcome yet, and the lottery's counter cannot be read",
                intent.run_id
            );
            return Earlier::Open(
                Trouble::new("INTENT_OPEN", text)
                    .with_hint("ask again when the chain answers; nothing is sent before"),
            );
        };
        let chain_s = state
            .and_then(|state| state.chain.time_us)
            .and_then(|time| i64::try_from(time.get() / 1_000_000).ok());
        let earlier = match intent.status(round, chain_s, self.clock.now_s()) {
            IntentStatus::Open { until_s } => {
                let left =
                    until_s.saturating_sub(chain_s.map_or(self.clock.now_s(), |s| s.min(self.clock.now_s())));
                let text = format!("the draw of run {} may still be accepted for {left} s", intent.run_id);
                return Earlier::Open(
                    Trouble::new("INTENT_OPEN", text)
                        .with_hint("run again after that; nothing is sent before"),
                );
            }
            IntentStatus::Requested => Earlier::Requested(intent),
            IntentStatus::Lost => {
                Earlier::Void(format!("the draw of run {} was never accepted", intent.run_id))
            }
        };
        match &earlier {
            Earlier::Requested(intent) => ledger.journal.close_drawn(intent.round),
            _ => ledger.journal.close(),
        }
        match ledger.write() {
            Ok(()) => earlier,
            Err(trouble) => Earlier::Open(trouble),
        }
    }

    /// Adds what the journal has against another attempt.
    pub(super) fn object(&self, readiness: &mut Readiness, session: &Session) {
        let (Some(ledger), Some(round)) = (&self.ledger, readiness.round) else { return };
        if ledger.journal.is_drawn(round) {
            let text = self.checker.checker.policy.lang.pick(
                format!("round {round} is drawn already: the node is behind"),
                format!("раунд {round} уже разыгран: узел отстаёт"),
            );
            readiness.object("ROUND_DRAWN", text);
            return;
        }
        let (attempts, rest) = ledger.journal.rest(round, self.cool_down_s, self.clock.now_s());
        let lang = self.checker.checker.policy.lang;
        if attempts >= self.max_attempts {
            let text = lang.pick(
                format!("this round was tried {attempts} times: look why, then raise --max-attempts"),
                format!(
                    "в этом раунде было попыток: {attempts}; выясните причину, затем увеличьте --max-attempts"
                ),
            );
            session.say("error", &text);
            readiness.object("ATTEMPTS_EXHAUSTED", text);
        } else if let Some(left) = rest {
            let text = lang.pick(
                format!("the last attempt rests for another {left} s"),
                format!("после последней попытки ждать ещё {left} с"),
            );
            readiness.object("COOLING_DOWN", text);
        }
    }
}
