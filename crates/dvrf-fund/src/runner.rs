//! One run of `--execute`: locks, the journal, and the chain, read before anything is sent.

use std::time::Duration;

use dvrf_cli::checker::{Checked, RecordChecker};
use dvrf_cli::parse::bad;
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::submit::{self, Tries, journal_place};
use dvrf_cli::text::plain;
use dvrf_cli::{CliError, Session};
use supra_core::amount::Quants;
use supra_core::client::ChainClient;
use supra_core::error::{Error, chain};
use supra_core::failure::{Failure, FailureKind, quote};
use supra_core::fund::{FundCode, FundError};
use supra_core::record::Record;
use supra_core::report::Report;
use supra_core::state_dir::{StateDir, StateError};
use supra_core::submit::command::RunWords;
use supra_core::submit::fund_journal::{FundJournal, LockedFundJournal, SUBMIT_S_MAX};
use supra_core::submit::guard::{GuardError, GuardedSender};
use supra_core::submit::journal::{Fate, IntentStatus, JournalError, Moment};
use supra_core::target::Target;
use supra_core::time::{BootInstant, Clock};
use supra_core::view::{Argument, FunctionId};

use crate::args::{FundArgs, FundLimits, checker};
use crate::nodes::{FundNodes, highest};

/// What the gas of a top-up is taken to cost where `--max-gas` and `--gas-unit-price` do not say: 1 SUPRA.
const GAS_ALLOWANCE: Quants = Quants(100_000_000);

/// What a run read from the chain.
pub(crate) struct Reading {
    pub(crate) checked: Checked,
    /// Why the report is incomplete.
    pub(crate) failure: Option<Failure>,
    read_at: BootInstant,
}

impl Reading {
    /// How long ago it was begun.
    pub(crate) fn age(&self) -> Duration {
        self.read_at.elapsed()
    }
}

/// Everything that a top-up needs.
pub(crate) struct FundRunner {
    pub(crate) nodes: FundNodes,
    pub(crate) target: Target,
    pub(crate) checker: RecordChecker,
    pub(crate) clock: Clock,
    pub(crate) guarded: GuardedSender<LockedFundJournal>,
    /// The CLI's words; each try sets the function and its arguments.
    pub(crate) words: RunWords,
    pub(crate) limits: FundLimits,
    pub(crate) confirm_timeout: Duration,
    /// The amount that the person at the terminal has confirmed.
    pub(crate) confirmed: Option<Quants>,
    /// Whether the log says already that something is about to be sent.
    pub(crate) is_announced: bool,
}

/// The error for a lock that could not be taken, or for a state directory that cannot be used.
pub(crate) fn lock_error(error: StateError) -> FundError {
    match error {
        StateError::Busy { .. } => FundError::new(FundCode::Busy, error.to_string()),
        other => FundError::of(FundCode::Journal, &Error::from(other)),
    }
}

/// The error for a journal that cannot be used, with what to do.
pub(crate) fn journal_error(error: JournalError) -> FundError {
    let hint = match error {
        JournalError::State(busy @ StateError::Busy { .. }) => return lock_error(busy),
        JournalError::State(_) => {
            "free some space, or give another --state-dir; without its journal nothing is sent"
        }
        JournalError::Damaged { .. } => {
            "check on the chain whether a top-up is under way; then move the file away"
        }
    };
    FundError::new(FundCode::Journal, chain(&error)).with_hint(hint)
}

/// The error of a top-up that the guard refused, with what to do.
pub(crate) fn guard_error(error: GuardError) -> FundError {
    match error {
        GuardError::Journal(error) => journal_error(error),
        GuardError::ReadingOld => FundError::new(FundCode::ReadingOld, error.to_string())
            .with_hint("run again to read the chain again"),
        other => FundError::new(FundCode::IntentOpen, other.to_string()),
    }
}

/// dVRF's own call that deposits an amount of quants for the client.
pub(crate) fn deposit_fund(target: &Target, amount: u64) -> (FunctionId, Vec<Argument>) {
    let function = FunctionId {
        address: target.deposit,
        module: target.deposit_module.clone(),
        name: "deposit_fund_v2".to_owned(),
    };
    (function, vec![Argument::Address(target.client), Argument::U64(amount)])
}

/// The most that the gas of a top-up costs.
pub(crate) fn gas_allowance(settings: &Settings) -> Result<Quants, Error> {
    let price = settings.quants(&variables::GAS_UNIT_PRICE)?;
    let most = settings.number(&variables::MAX_GAS)?;
    Ok(price.zip(most).map_or(GAS_ALLOWANCE, |(price, most)| Quants(price.saturating_mul(most))))
}

/// The limits that an amount would break; `spent` is what the last day and the last 30 days cost.
pub(crate) fn check_limits(amount: Quants, spent: (u128, u128), limits: &FundLimits) -> Vec<FundError> {
    let mut reasons = Vec::new();
    let mut cap = |code, limit: Option<Quants>, before: u128, flag: &str| {
        let total = before.saturating_add(amount.get());
        let Some(limit) = limit.filter(|limit| total > limit.get()) else { return };
        let after = if before > 0 {
            format!(", after {} SUPRA before,", Quants(before).supra())
        } else {
            String::new()
        };
        let text = format!("{} SUPRA{after} is more than {flag} {} SUPRA", amount.supra(), limit.supra());
        reasons.push(FundError::new(code, text).with_hint(format!("deposit by hand, or raise {flag}")));
    };
    cap(FundCode::MaxAmount, limits.max_amount, 0, "--max-amount");
    cap(FundCode::MaxPerDay, limits.max_per_day, spent.0, "--max-per-day");
    cap(FundCode::MaxPerMonth, limits.max_per_month, spent.1, "--max-per-month");
    reasons
}

/// Why the signer cannot pay an amount, if it cannot.
pub(crate) fn check_signer(
    amount: Quants,
    owned: Quants,
    limits: &FundLimits,
    gas: Quants,
) -> Option<FundError> {
    let reserve = limits.reserve.unwrap_or_default();
    let needed = amount.get().saturating_add(gas.get()).saturating_add(reserve.get());
    (owned.get() < needed).then(|| {
        let text = format!(
            "the signer has {} SUPRA; {} SUPRA, up to {} SUPRA of gas and a reserve of {} SUPRA are more",
            owned.supra(),
            amount.supra(),
            gas.supra(),
            reserve.supra()
        );
        FundError::new(FundCode::Reserve, text).with_hint("send coins to the signer")
    })
}

/// The rest after the last top-up, if it is not over.
pub(crate) fn cooling_down(journal: &FundJournal, cool_down_s: i64, now: Moment) -> Option<FundError> {
    let left = journal.rest(cool_down_s, now)?;
    let text = format!("the last top-up was a short time ago; the next may be sent in {left} s");
    Some(FundError::new(FundCode::CoolingDown, text))
}

impl FundRunner {
    /// Takes the locks and reads the journal.
    ///
    /// # Errors
    /// When a setting is wrong, another run holds a lock, the journal cannot be used, or no node answers in any of the tries.
    pub(crate) fn open(args: &FundArgs, tries: &mut Tries, session: &Session) -> Result<Self, FundError> {
        let failed = |error: Error| FundError::from(&error);
        let settings = &session.settings;
        let (target, _) = dvrf_cli::target::resolve(settings, None).map_err(failed)?;
        let (function, arguments) = deposit_fund(&target, 0);
        let (sender, words) = submit::sender(function, arguments, true, settings).map_err(failed)?;
        if sender.timeout.as_secs() > SUBMIT_S_MAX.unsigned_abs() {
            let wrong = bad(
                settings.source(&variables::SUBMIT_TIMEOUT),
                settings.text(&variables::SUBMIT_TIMEOUT).unwrap_or_default(),
                format!("a top-up is given up after at most {SUBMIT_S_MAX} s"),
            );
            return Err(failed(wrong));
        }
        // One wait for both locks.
        let (lock, remaining) = args.guards.lock.take().map_err(lock_error)?;
        let nodes = FundNodes::open(settings, &target, ChainClient::fund_sight).map_err(failed)?;
        let clock = Clock::starting(session.now);
        let (sight, chain_id) = loop {
            let looked = highest(&nodes).and_then(|sight| {
                let unknown = || Error::new(FailureKind::Undecodable, "no node says which chain it serves");
                let chain_id = target.chain_id.or(sight.chain_id).ok_or_else(unknown);
                Ok((sight, chain_id.map_err(|error| error.with_hint("name the chain with DVRF_NETWORK"))?))
            });
            match looked {
                Ok(found) => break found,
                Err(error) => {
                    if !tries.take() {
                        return Err(FundError::of(FundCode::Unknown, &error));
                    }
                    session.log("warning", &format!("the chain is read again: {}", error.message()));
                }
            }
        };
        let Some(place) = journal_place(settings) else {
            let text = "there is no --state-dir and no HOME: without a journal nothing is sent";
            return Err(FundError::new(FundCode::Journal, text).with_hint("give a --state-dir"));
        };
        let state = StateDir::open(&place).map_err(lock_error)?;
        let now = Moment { wall_s: clock.now_s(), chain_s: sight.chain_s };
        let whose = (target.deposit, target.client, chain_id);
        let journal = LockedFundJournal::open(&state, whose, now, remaining).map_err(journal_error)?;
        Ok(Self {
            nodes,
            checker: checker(args, session).map_err(failed)?,
            clock,
            guarded: GuardedSender {
                sender,
                journal: Some(journal),
                lock,
                checkpoint: variables::fault_point,
            },
            words,
            limits: FundLimits::of(settings).map_err(failed)?,
            confirm_timeout: settings.needed_seconds(&variables::CONFIRM_TIMEOUT).map_err(failed)?,
            confirmed: None,
            is_announced: false,
            target,
        })
    }

    /// Reads the report that the decision depends on, from a node that answers, by which the CLI then sends.
    pub(crate) fn read(&mut self, session: &Session) -> Result<Reading, FundError> {
        let mut record = Record::new();
        let read_at = BootInstant::now();
        if !self.nodes.is_single() {
            self.nodes.pin(&self.nodes.survey(), |_| true);
        }
        submit::follow(self.nodes.reader(), &mut self.words, &mut self.guarded.sender);
        let filled = self.nodes.reader().fill(&mut record, self.clock.now());
        let (report, failure) = match filled.map_err(CliError::from)? {
            Ok(filled) => (filled.report, filled.failure),
            Err(error) => return Err(FundError::from(&error)),
        };
        Ok(Reading { checked: self.checker.check_report(report, session), failure, read_at })
    }

    /// Now, by both clocks: the chain's as it was read, moved on.
    pub(crate) fn moment(&self, reading: &Reading) -> Moment {
        let passed = i64::try_from(reading.age().as_secs()).unwrap_or(0);
        let chain_s = chain_s(&reading.checked.report).map(|read| read.saturating_add(passed));
        Moment { wall_s: self.clock.now_s(), chain_s }
    }

    /// What the last day and the last 30 days cost.
    pub(crate) fn spent(&self, now: Moment) -> (u128, u128) {
        self.guarded.journal.as_ref().map_or((0, 0), |locked| locked.journal.spent(now))
    }

    /// Settles a top-up that an earlier run left open, by the chain. `true`: it is on the chain, or
    /// counts as spent because nothing shows whether it is.
    ///
    /// # Errors
    /// While it may still be accepted: nothing is sent before that is over.
    pub(crate) fn reconcile(&mut self, now: Moment, session: &Session) -> Result<bool, FundError> {
        let Some(locked) = &mut self.guarded.journal else { return Ok(false) };
        let Some(open) = &mut locked.journal.intent else { return Ok(false) };
        let (run, plan) = (open.intent.run_id.clone(), open.plan);
        let fate = open.intent.hash.as_deref().and_then(|hash| self.nodes.fate(hash));
        let status = open.intent.status(open.intent.round, fate.as_ref(), now);
        let amount = plan.amount.supra();
        let (confirmed, text) = match status {
            IntentStatus::Requested => {
                (Some(true), format!("the top-up of run {run} is on the chain: {amount} SUPRA"))
            }
            IntentStatus::Failed(words) => {
                (None, format!("the top-up of run {run} failed and cost nothing but gas: {}", quote(&words)))
            }
            IntentStatus::Open { left_s, .. } => {
                // A wait that no clock could measure has begun again.
                locked.write().map_err(journal_error)?;
                let text =
                    format!("the top-up of run {run} ({amount} SUPRA) may still be accepted for {left_s} s");
                return Err(FundError::new(FundCode::IntentOpen, text)
                    .with_hint("run again after that; nothing is sent before"));
            }
            IntentStatus::Lost => {
                // A fund that did not rise proves nothing by itself: fees may have taken the deposit again.
                let seen =
                    || highest(&self.nodes).map_err(|error| FundError::of(FundCode::IntentOpen, &error));
                let is_unsent = fate == Some(Fate::Absent) && seen()?.value <= plan.balance;
                if is_unsent {
                    (None, format!("the top-up of run {run} was never accepted"))
                } else {
                    let text = format!(
                        "whether the top-up of run {run} ({amount} SUPRA) arrived is not known; it counts as spent"
                    );
                    (Some(false), text)
                }
            }
        };
        locked.journal.close(confirmed, now.chain_s);
        locked.write().map_err(journal_error)?;
        session.log("info", &plain(&text));
        Ok(confirmed.is_some())
    }
}

/// The chain's clock of a report, seconds since 1970.
pub(crate) fn chain_s(report: &Report) -> Option<i64> {
    let time = report.state.as_ref()?.chain.time_us?;
    i64::try_from(time.get() / 1_000_000).ok()
}
