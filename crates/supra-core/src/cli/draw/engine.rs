//! One guarded attempt: locks, journal, the chain before, the CLI, the chain after.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{Clock, DrawArgs, milliseconds};
use crate::amount::Count;
use crate::check::Checks;
use crate::cli::judge::Judge;
use crate::cli::policy::PolicyArgs;
use crate::cli::{CliError, Session};
use crate::config::Settings;
use crate::config::env::{self, fault_point};
use crate::draw::command::{RunWords, shown};
use crate::draw::journal::{Fate, Intent, Journal, JournalError};
use crate::draw::receipt::{Receipt, Standing, receipt, standing};
use crate::draw::{ConfirmedBy, DrawResult, Handled, Trouble};
use crate::failure::{Failure, quote};
use crate::live::{Live, fail, submitter};
use crate::notify::stable_id;
use crate::readiness::Readiness;
use crate::record::Record;
use crate::secret::Secret;
use crate::state::{Lottery, State};
use crate::store::{Held, Lock, StateDir, StoreError};
use crate::target::Target;
use crate::transport::Deadline;
use crate::transport::process::{Finished, Generation, ProcessConfig, documents, run};
use crate::view::{Argument, FunctionId};

/// How often the chain is asked whether it shows a draw.
const POLL: Duration = Duration::from_millis(500);
/// Of the CLI's output this much is kept in results and logs.
const OUTPUT_BYTES_MAX: usize = 16 << 10;

/// Why there is no engine.
pub(super) enum Stop {
    /// Another run holds a lock.
    Busy(StoreError),
    /// Something is wrong.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The journal and the lock that makes it ours.
struct Ledger {
    held: Held,
    journal: Journal,
}

impl Ledger {
    fn write(&self) -> Result<(), Trouble> {
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
    pub(super) state: Option<State>,
    pub(super) checks: Checks,
    pub(super) failure: Option<Failure>,
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
    pub(super) live: Live,
    pub(super) target: Target,
    pub(super) judge: Judge,
    pub(super) clock: Clock,
    sender: Sender,
    ledger: Option<Ledger>,
    lock: Option<Lock>,
    cool_down_s: i64,
    max_attempts: u32,
    wait_handled: Option<Duration>,
    confirm_timeout: Duration,
    /// The module of the lottery's token.
    pub(super) treasury_module: String,
}

/// How transactions are sent.
pub(super) struct Sender {
    process: ProcessConfig,
    words: RunWords,
    simulate_first: bool,
    timeout: Duration,
    password: Option<(String, Secret)>,
}

fn needed<T>(value: Option<T>, variable: &'static env::Variable) -> Result<T, Failure> {
    value.ok_or_else(|| Settings::missing(variable))
}

impl Sender {
    pub(super) fn open(args: &DrawArgs, target: &Target, settings: &Settings) -> Result<Self, Failure> {
        let process = submitter(settings)?;
        let lottery = needed(target.lottery, &env::LOTTERY_ADDR)?;
        let function = match settings.text(&env::FUNCTION_ID) {
            Some(text) => crate::cli::typed::parsed("--function-id", text)?,
            None => FunctionId {
                address: lottery,
                module: target.lottery_module.clone(),
                name: "manual_draw".to_owned(),
            },
        };
        let confirm = match settings.text(&env::CONFIRM_FLAG) {
            _ if !args.confirm.assume_yes => None,
            Some("off") => None,
            Some(flag) => Some(flag.to_owned()),
            None => Some(RunWords::confirm_flag(process.generation).to_owned()),
        };
        let sender = settings.address(&env::SENDER_ACCOUNT)?.map(|address| address.to_string());
        let words = RunWords {
            profile: Some(needed(process.profile.clone(), &env::PROFILE)?),
            function,
            arguments: Vec::new(),
            generation: process.generation,
            confirm,
            rpc_url: process.rpc_url.as_ref().map(|url| url.reveal().to_owned()),
            gas_price: settings.number(&env::GAS_UNIT_PRICE)?,
            max_gas: settings.number(&env::MAX_GAS)?,
            expiration_s: settings.bounded(&env::EXPIRATION, 600)?,
            sender,
            simulate: false,
        };
        if args.confirm.simulate_first && process.generation < Generation::V11 {
            return Err(crate::cli::typed::bad(
                "--simulate-first",
                "yes",
                "only a CLI of v11 or later simulates",
            ));
        }
        Ok(Self {
            words,
            simulate_first: args.confirm.simulate_first,
            timeout: needed(settings.seconds(&env::SUBMIT_TIMEOUT)?, &env::SUBMIT_TIMEOUT)?,
            password: password(settings, process.generation)?,
            process,
        })
    }

    /// The same with another function, for the steps of `smoke`.
    pub(super) fn with(&self, function: FunctionId, arguments: Vec<Argument>) -> RunWords {
        RunWords { function, arguments, ..self.words.clone() }
    }

    pub(super) fn draw(&self) -> &RunWords {
        &self.words
    }

    /// The command as it may be shown.
    pub(super) fn shown(&self, words: &RunWords) -> Vec<String> {
        let command = self.process.command(&words.words());
        let command: Vec<String> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        shown(&command)
    }

    pub(super) fn run(&self, words: &RunWords) -> Result<Finished, Failure> {
        let argv: Vec<OsString> = self.process.command(&words.words());
        let password =
            self.password.as_ref().map(|(name, secret)| (name.as_str(), secret.reveal().to_owned()));
        let environment: Vec<(&str, String)> =
            self.process.environment().into_iter().chain(password).collect();
        run(&argv, &environment, self.process.env_remove, Deadline::after(self.timeout))
    }

    /// Blots what a CLI printed of our secrets.
    pub(super) fn safe(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        let url = self.words.rpc_url.as_deref().unwrap_or_default();
        let password = self.password.as_ref().map_or("", |(_, secret)| secret.reveal());
        let safe = crate::secret::blot(&text, &[url, password]);
        let mut end = safe.len().min(OUTPUT_BYTES_MAX);
        while !safe.is_char_boundary(end) {
            end -= 1;
        }
        safe[..end].trim().to_owned()
    }
}

fn password(settings: &Settings, generation: Generation) -> Result<Option<(String, Secret)>, Failure> {
    let Some(path) = settings.text(&env::PASSWORD_FILE) else { return Ok(None) };
    let secret = crate::cli::channels::secret_file(path)?;
    let name = settings.text(&env::PASSWORD_VARIABLE).unwrap_or(RunWords::password_variable(generation));
    Ok(Some((name.to_owned(), secret)))
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
    let given = settings.text(&env::STATE_DIR).map(PathBuf::from);
    given.or_else(|| under(&env::XDG_STATE_HOME, "dvrf")).or_else(|| under(&env::HOME, ".local/state/dvrf"))
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
        let (target, _) = Target::resolve(settings, None)?;
        let sender = Sender::open(args, &target, settings)?;
        let wait = Duration::from_secs(args.guards.lock_wait.into());
        let busy = |error: StoreError| match error {
            StoreError::Busy { .. } => Stop::Busy(error),
            other => Stop::Failed(other.into()),
        };
        let lock =
            args.guards.lock_file.as_ref().map(|path| Lock::take(path, wait).map_err(busy)).transpose()?;
        let ledger = if acts { Self::ledger(&target, wait, session, busy)? } else { None };
        Ok(Self {
            live: Live::open(settings)?,
            judge: Judge::new(policy, session)?,
            clock: Clock::of(session),
            sender,
            ledger,
            lock,
            cool_down_s: args.guards.cool_down.into(),
            max_attempts: args.guards.max_attempts,
            wait_handled: args.guards.wait_handled.map(|span| Duration::from_secs(span.into())),
            treasury_module: needed(settings.text(&env::TREASURY_MODULE), &env::TREASURY_MODULE)?.to_owned(),
            confirm_timeout: needed(settings.seconds(&env::CONFIRM_TIMEOUT)?, &env::CONFIRM_TIMEOUT)?,
            target,
        })
    }

    fn ledger(
        target: &Target,
        wait: Duration,
        session: &Session,
        busy: impl Fn(StoreError) -> Stop,
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
            let failure = Failure::new(crate::failure::FailureKind::Output, trouble.message);
            failure.with_hint(trouble.hint.unwrap_or_default())
        })?;
        Ok(Some(Ledger { held, journal }))
    }

    pub(super) fn sender(&self) -> &Sender {
        &self.sender
    }

    pub(super) fn confirm_timeout(&self) -> Duration {
        self.confirm_timeout
    }

    /// Whether a lock keeps other runs of this host out.
    pub(super) fn is_guarded(&self) -> bool {
        self.ledger.is_some() || self.lock.is_some()
    }

    /// Asks the chain for everything a draw rests on.
    pub(super) fn read(&self, session: &Session) -> Result<Seen, CliError> {
        let mut record = Record::new();
        let failure = match self.live.fill(&mut record, self.clock.now())? {
            Ok(collected) => collected.failure().map(|(_, failure)| failure),
            Err(failure) => {
                fail(&mut record, &failure, self.clock.now())?;
                Some(failure)
            }
        };
        let mut judged = record.clone();
        let (checks, _) = self.judge.judge(&mut judged, session)?;
        let state = record.get("state").ok().flatten();
        Ok(Seen { record, state, checks, failure })
    }

    /// Decides by the chain about an intent that an earlier run left open.
    pub(super) fn reconcile(&mut self, seen: &Seen) -> Earlier {
        let Some(ledger) = &mut self.ledger else { return Earlier::Nothing };
        let Some(intent) = ledger.journal.intent.clone() else { return Earlier::Nothing };
        let state = seen.state.as_ref();
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
        let earlier = match intent.fate(round, chain_s, self.clock.now_s()) {
            Fate::Open { until_s } => {
                let left =
                    until_s.saturating_sub(chain_s.map_or(self.clock.now_s(), |s| s.min(self.clock.now_s())));
                let text = format!("the draw of run {} may still be accepted for {left} s", intent.run_id);
                return Earlier::Open(
                    Trouble::new("INTENT_OPEN", text)
                        .with_hint("run again after that; nothing is sent before"),
                );
            }
            Fate::Requested => Earlier::Requested(intent),
            Fate::Lost => Earlier::Void(format!("the draw of run {} was never accepted", intent.run_id)),
        };
        ledger.journal.close();
        match ledger.write() {
            Ok(()) => earlier,
            Err(trouble) => Earlier::Open(trouble),
        }
    }

    /// Adds what the journal has against another attempt.
    pub(super) fn object(&self, readiness: &mut Readiness, session: &Session) {
        let (Some(ledger), Some(round)) = (&self.ledger, readiness.round) else { return };
        let (attempts, rest) = ledger.journal.rest(round, self.cool_down_s, self.clock.now_s());
        let lang = self.judge.policy.lang;
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

    /// Sends the draw, once, and follows it. The caller has judged that it may be sent.
    pub(super) fn draw(&mut self, round: Count, before: Option<&Lottery>) -> DrawResult {
        let mut result = DrawResult {
            command: Some(self.sender.shown(self.sender.draw())),
            round: Some(round),
            ..DrawResult::default()
        };
        if self.sender.simulate_first
            && let Err(trouble) = self.simulate(&mut result)
        {
            result.error = Some(trouble);
            return result;
        }
        fault_point("before_intent");
        if let Err(trouble) = self.open_intent(round) {
            result.error = Some(trouble);
            return result;
        }
        fault_point("after_intent");
        let finished = match self.sender.run(self.sender.draw()) {
            Ok(finished) => finished,
            Err(failure) => {
                // The CLI could not even be started.
                result.error = Some(not_sent(&failure, self.close_intent()));
                return result;
            }
        };
        fault_point("after_submit");
        result.executed = true;
        let standing = self.take_down(&finished, &mut result);
        self.settle(standing, round, before, &mut result);
        fault_point("after_outcome");
        if result.error.is_none()
            && let Some(limit) = self.wait_handled
        {
            result.handled = Some(self.wait_for_answer(round, limit));
        }
        result
    }

    fn open_intent(&mut self, round: Count) -> Result<(), Trouble> {
        let (at_s, submit_s) =
            (self.clock.now_s(), i64::try_from(self.sender.timeout.as_secs()).unwrap_or(0));
        let Some(ledger) = &mut self.ledger else { return Ok(()) };
        let run_id = stable_id(&["draw", &at_s.to_string(), &std::process::id().to_string()]);
        ledger.journal.open(Intent::new(&run_id, at_s, self.sender.words.expiration_s, submit_s, round));
        ledger.write()
    }

    fn close_intent(&mut self) -> Result<(), Trouble> {
        let Some(ledger) = &mut self.ledger else { return Ok(()) };
        ledger.journal.close();
        ledger.write()
    }

    fn simulate(&self, result: &mut DrawResult) -> Result<(), Trouble> {
        let words = RunWords { simulate: true, ..self.sender.words.clone() };
        let failed = |failure: &Failure| not_sent(failure, Ok(()));
        let finished = self.sender.run(&words).map_err(|failure| failed(&failure))?;
        match self.take_down(&finished, result) {
            (Standing::Succeeded, _) => Ok(()),
            (Standing::Failed(failure) | Standing::NotSent(failure) | Standing::Unclear(failure), _) => {
                Err(failed(&failure))
            }
        }
    }

    /// Puts what the CLI printed into the result, and says what it means.
    fn take_down(&self, finished: &Finished, result: &mut DrawResult) -> (Standing, Receipt) {
        use std::os::unix::process::ExitStatusExt;
        let (stdout, stderr) = (self.sender.safe(&finished.stdout), self.sender.safe(&finished.stderr));
        let found = receipt(&documents(&String::from_utf8_lossy(&finished.stdout)));
        let ended = finished.status.filter(|_| !finished.timed_out);
        result.returncode =
            ended.and_then(|status| status.code().or_else(|| status.signal().map(|signal| -signal)));
        let standing = standing(&found, result.returncode, &stdout, &stderr);
        result.tx_hash.clone_from(&found.hash);
        result.vm_status.clone_from(&found.vm_status);
        result.stdout = Some(stdout);
        result.stderr = Some(stderr);
        (standing, found)
    }

    /// Finds out what the chain says, and closes the intent when that is known.
    fn settle(
        &mut self,
        (standing, found): (Standing, Receipt),
        round: Count,
        before: Option<&Lottery>,
        result: &mut DrawResult,
    ) {
        match standing {
            Standing::NotSent(failure) => {
                result.error = Some(not_sent(&failure, self.close_intent()));
                return;
            }
            Standing::Failed(failure) => {
                // A failed transaction changes nothing, so the round is still open and may be tried again.
                let closed = self.close_intent();
                let mut trouble = Trouble::new("TRANSACTION_FAILED", failure.message);
                trouble.hint = failure.hint;
                result.error = Some(closed.err().unwrap_or(trouble));
                return;
            }
            Standing::Succeeded | Standing::Unclear(_) => {}
        }
        match self.wait_until_shown(round, before) {
            Ok(()) => {
                let by_event = standing == Standing::Succeeded && found.nonce.is_some();
                result.confirmed_by = Some(if by_event { ConfirmedBy::Event } else { ConfirmedBy::State });
                result.nonce = found.nonce;
                result.error = self.close_intent().err();
            }
            Err(why) => {
                let why = match &standing {
                    Standing::Unclear(failure) => format!("{}; {why}", failure.message),
                    _ => format!("the receipt says success; {why}"),
                };
                let hint = "the next run decides by the chain before it sends anything";
                result.error = Some(Trouble::new("NOT_CONFIRMED", why).with_hint(hint));
            }
        }
    }

    /// Asks until the counter of requests has moved.
    fn wait_until_shown(&self, round: Count, before: Option<&Lottery>) -> Result<(), String> {
        let was_pending = before.and_then(|lottery| lottery.pending_request);
        let shows = |now: &Lottery| {
            let counted = now.rng_request_count.map(|count| count > round);
            counted.unwrap_or(now.pending_request == Some(true) && was_pending == Some(false))
        };
        match self.watch(self.confirm_timeout, shows) {
            Ok(_) => Ok(()),
            Err(Some(failure)) => Err(format!("the chain cannot be asked: {}", failure.message)),
            Err(None) => {
                Err(format!("the chain did not show the request within {} s", self.confirm_timeout.as_secs()))
            }
        }
    }

    fn wait_for_answer(&self, round: Count, limit: Duration) -> Handled {
        let answered = |now: &Lottery| {
            now.rng_response_count.is_some_and(|count| count > round) || now.pending_request == Some(false)
        };
        let start = Instant::now();
        let handled = self.watch(limit, answered).is_ok();
        Handled { handled, waited_ms: milliseconds(start.elapsed()) }
    }

    /// Asks for the lottery's status until it satisfies, at least once and for at most `limit`.
    pub(super) fn watch(
        &self,
        limit: Duration,
        satisfies: impl Fn(&Lottery) -> bool,
    ) -> Result<Lottery, Option<Failure>> {
        let start = Instant::now();
        loop {
            let trouble = match self.live.lottery_status(&self.target) {
                Ok(status) if satisfies(&status) => return Ok(status),
                Ok(_) => None,
                Err(failure) => Some(failure),
            };
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(trouble);
            }
            std::thread::sleep(POLL.min(left));
        }
    }
}

fn not_sent(failure: &Failure, closed: Result<(), Trouble>) -> Trouble {
    let mut trouble = Trouble::new("NOT_SENT", quote(&failure.message));
    trouble.hint.clone_from(&failure.hint);
    closed.err().unwrap_or(trouble)
}
