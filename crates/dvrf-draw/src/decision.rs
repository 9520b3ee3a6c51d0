//! Whether a draw may be sent: an earlier draw's outcome, the contract's readiness, and what the journal says.

use std::time::Duration;

use supra_core::amount::Count;
use supra_core::draw::{DrawError, DrawErrorCode};
use supra_core::failure::{FailureKind, quote};
use supra_core::readiness::Readiness;
use supra_core::submit::journal::{Fate, IntentStatus, Moment};
use supra_core::time::{BootInstant, Clock};

use crate::args::ReadinessArgs;
use crate::legacy::keep_spelling;
use crate::nodes::highest_agreed;
use crate::ready;
use crate::runner::{DrawRunner, Reading, journal_error};
use dvrf_cli::Session;
use dvrf_cli::legacy::unknown_client;

/// Proof that a draw may be sent. Only a decision makes one, and sending takes it.
pub(crate) struct ReadyToken {
    round: Count,
    moment: Moment,
    read_at: BootInstant,
}

impl ReadyToken {
    /// The token of `smoke`, which has asserted the lottery's state step by step.
    pub(crate) fn asserted(round: Count, runner: &DrawRunner, reading: &Reading) -> Self {
        Self { round, moment: runner.moment(reading), read_at: BootInstant::now() }
    }

    /// The round that the draw begins: the count of requests before it.
    pub(crate) fn round(&self) -> Count {
        self.round
    }

    /// How long ago the chain was read for it.
    pub(crate) fn age(&self) -> Duration {
        self.read_at.elapsed()
    }

    /// Now, by both clocks.
    pub(crate) fn now(&self, clock: &Clock) -> Moment {
        let passed = i64::try_from(self.age().as_secs()).unwrap_or(0);
        let chain_s = self.moment.chain_s.map(|read| read.saturating_add(passed));
        Moment { wall_s: clock.now_s(), chain_s }
    }
}

/// What a run found before a draw.
pub(crate) enum Decision {
    /// An earlier run's round turned out to be drawn; the sentence says by whom.
    Reconciled(String),
    /// The contract, the policy or the journal forbids a draw now, or a value is not known.
    NotReady(Readiness),
    /// A draw may be sent. The token is absent in a dry run.
    Ready(Readiness, Option<ReadyToken>),
}

/// What became of an earlier run's intent.
enum Reconciliation {
    /// Nothing is open any more; the sentence says what became of it, if there was one.
    Nothing(Option<String>),
    /// Its round was drawn.
    Drawn(String),
    /// Its round was drawn, and its transaction may still be accepted: nothing is sent before that is over.
    Fenced(DrawError),
}

/// What the journal has against a draw, which a person should look at.
pub(crate) const FOR_A_PERSON: [(&str, DrawErrorCode, &str); 2] = [
    (
        "ATTEMPTS_EXHAUSTED",
        DrawErrorCode::AttemptsExhausted,
        "see why the attempts failed (manual_draw.error in the lines before); --max-attempts allows more at once",
    ),
    (
        "LOTTERY_REDEPLOYED",
        DrawErrorCode::LotteryRedeployed,
        "if the lottery was redeployed, accept it once with --lottery-redeployed; otherwise ask another node",
    ),
];

impl DrawRunner {
    /// Decides about an earlier draw first, then about this one. `sends` is whether a draw may be sent.
    ///
    /// # Errors
    /// When an earlier draw has no outcome yet, the journal cannot be written, or the round is not known.
    pub(crate) fn decide(
        &mut self,
        reading: &Reading,
        args: &ReadinessArgs,
        sends: bool,
        session: &Session,
    ) -> Result<Decision, DrawError> {
        self.follow_node();
        let fence = match self.reconcile(reading)? {
            Reconciliation::Drawn(text) => return Ok(Decision::Reconciled(text)),
            Reconciliation::Nothing(text) => {
                if let Some(text) = text {
                    session.log("info", &text);
                }
                None
            }
            Reconciliation::Fenced(error) => Some(error),
        };
        let policy = &self.checker.checker.policy;
        let target = Some(&self.target);
        let mut readiness =
            ready::decide(&reading.checked, target, self.layout.as_ref(), args, policy, session)?;
        if session.old_script.is_some() {
            if unknown_client(&reading.checked.report, session).is_some() {
                let code = DrawErrorCode::Failure(FailureKind::NotWhitelisted);
                return Err(DrawError::new(code, "the client is not whitelisted in the deposit module"));
            }
            keep_spelling(&mut readiness, &reading.record);
        }
        if sends {
            self.object(&mut readiness, reading, session)?;
        }
        if !readiness.ready {
            return Ok(Decision::NotReady(readiness));
        }
        if let Some(error) = fence {
            return Err(error);
        }
        let token = if sends { Some(self.token(readiness.round, reading)?) } else { None };
        Ok(Decision::Ready(readiness, token))
    }

    /// The token of a run that was told to skip the readiness checks; the contract still asserts them.
    pub(crate) fn skip_readiness(
        &mut self,
        reading: &Reading,
        session: &Session,
    ) -> Result<ReadyToken, DrawError> {
        self.follow_node();
        self.settle_earlier(reading, session)?;
        self.token(reading.round, reading)
    }

    /// Settles an earlier draw, which is logged.
    ///
    /// # Errors
    /// When it may still be accepted.
    pub(crate) fn settle_earlier(&mut self, reading: &Reading, session: &Session) -> Result<(), DrawError> {
        match self.reconcile(reading)? {
            Reconciliation::Nothing(None) => {}
            Reconciliation::Nothing(Some(text)) | Reconciliation::Drawn(text) => session.log("info", &text),
            Reconciliation::Fenced(error) => return Err(error),
        }
        Ok(())
    }

    /// Decides by the chain about an intent that an earlier run left open.
    fn reconcile(&mut self, reading: &Reading) -> Result<Reconciliation, DrawError> {
        let now = self.moment(reading);
        let Some(locked) = &mut self.guarded.journal else { return Ok(Reconciliation::Nothing(None)) };
        let Some(intent) = &mut locked.journal.intent else { return Ok(Reconciliation::Nothing(None)) };
        let run = intent.run_id.clone();
        let fate = intent.hash.as_deref().and_then(|hash| self.nodes.fate(hash));
        let is_settled = matches!(fate, Some(Fate::Succeeded | Fate::Failed(_)));
        let mut round = reading.round;
        if round.is_none() && !is_settled {
            let text = format!(
                "the draw of run {run} has no outcome yet, and the contract's counter cannot be read"
            );
            return Err(DrawError::new(DrawErrorCode::IntentOpen, text)
                .with_hint("ask again when the chain answers; nothing is sent before"));
        }
        let status = intent.status(round.unwrap_or(intent.round), fate.as_ref(), now);
        let drawn = intent.round;
        let was_seen = std::mem::replace(&mut intent.round_drawn, true);
        let is_ours_unknown = intent.hash.is_none();
        let found = match status {
            IntentStatus::Requested => {
                locked.journal.close_drawn(drawn, now.chain_s);
                Reconciliation::Drawn(format!("the draw of run {run} was requested; the chain shows it"))
            }
            IntentStatus::Open { left_s, round_drawn: true } => {
                locked.journal.set_drawn(drawn, now.chain_s);
                if is_ours_unknown && !was_seen {
                    Reconciliation::Drawn(format!(
                        "the round of run {run} was drawn; whether by its transaction is not known, and nothing more is sent for {left_s} s"
                    ))
                } else {
                    Reconciliation::Fenced(open(&run, left_s))
                }
            }
            IntentStatus::Open { left_s, .. } => {
                intent.round_drawn = false;
                locked.write().map_err(|error| journal_error(&error))?;
                return Err(open(&run, left_s));
            }
            IntentStatus::Failed(words) => {
                locked.journal.close();
                Reconciliation::Nothing(Some(format!("the draw of run {run} failed: {}", quote(&words))))
            }
            IntentStatus::Lost => {
                let seen = highest_agreed(&self.nodes, DrawErrorCode::IntentOpen)?;
                round = round.max(Some(seen));
                locked.journal.close();
                let end = if round > Some(drawn) {
                    "is over: its round was drawn, whether by its transaction is not known"
                } else {
                    "was never accepted"
                };
                Reconciliation::Nothing(Some(format!("the draw of run {run} {end}")))
            }
        };
        if round.is_some_and(|round| round > drawn) {
            locked.journal.set_drawn(drawn, now.chain_s);
        }
        locked.write().map_err(|error| journal_error(&error))?;
        Ok(found)
    }

    /// Adds what the journal has against another attempt.
    fn object(
        &mut self,
        readiness: &mut Readiness,
        reading: &Reading,
        session: &Session,
    ) -> Result<(), DrawError> {
        let now = self.moment(reading);
        let lang = self.checker.checker.policy.lang;
        let (Some(locked), Some(round)) = (&mut self.guarded.journal, readiness.round) else { return Ok(()) };
        let journal = &mut locked.journal;
        if journal.is_another_lottery(round, now.chain_s) {
            let known = journal.drawn.unwrap_or_default();
            let text = lang.pick(
                format!("the contract counts {round} requests, round {known} was drawn: it was redeployed"),
                format!(
                    "счётчик запросов – {round}, но раунд {known} уже разыгран: контракт опубликован заново"
                ),
            );
            readiness.object("LOTTERY_REDEPLOYED", text);
            return Ok(());
        }
        if journal.is_drawn(round) {
            let text = lang.pick(
                format!("round {round} is drawn already: the node is behind"),
                format!("раунд {round} уже разыгран: узел отстаёт"),
            );
            readiness.object("ROUND_DRAWN", text);
            return Ok(());
        }
        let (attempts, rest) = journal.rest(round, self.cool_down_s, self.max_attempts, now);
        let Some(left) = rest else { return Ok(()) };
        // A rest that no clock could measure may have begun again.
        locked.write().map_err(|error| journal_error(&error))?;
        if attempts >= self.max_attempts {
            let text = lang.pick(
                format!("this round was tried {attempts} times; the next attempt is in {left} s"),
                format!("в этом раунде было попыток: {attempts}; следующая через {left} с"),
            );
            session.log("error", &text);
            readiness.object("ATTEMPTS_EXHAUSTED", text);
        } else {
            let text = lang.pick(
                format!("the last attempt rests for another {left} s"),
                format!("после последней попытки ждать ещё {left} с"),
            );
            readiness.object("COOLING_DOWN", text);
        }
        Ok(())
    }

    fn token(&self, round: Option<Count>, reading: &Reading) -> Result<ReadyToken, DrawError> {
        let round = round.ok_or_else(|| {
            let text =
                "the contract's counter of requests cannot be read: one draw could not be told from the next";
            DrawError::new(DrawErrorCode::RoundUnknown, text)
        })?;
        Ok(ReadyToken { round, moment: self.moment(reading), read_at: reading.read_at })
    }
}

fn open(run: &str, left_s: i64) -> DrawError {
    let text = format!("the draw of run {run} may still be accepted for {left_s} s");
    DrawError::new(DrawErrorCode::IntentOpen, text).with_hint("run again after that; nothing is sent before")
}
