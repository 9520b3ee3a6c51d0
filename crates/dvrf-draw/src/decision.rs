//! Whether a draw may be sent: an earlier draw's outcome, the contract's readiness, and what the journal says.

use supra_core::amount::Count;
use supra_core::draw::{DrawError, DrawErrorCode};
use supra_core::readiness::Readiness;
use supra_core::submit::journal::{Intent, IntentStatus};

use crate::args::ReadinessArgs;
use crate::ready;
use crate::runner::{DrawRunner, Reading, cli_error, journal_error};
use dvrf_cli::Session;

/// Proof that a draw may be sent. Only a decision makes one, and sending takes it.
pub(crate) struct ReadyToken {
    round: Count,
    was_pending: Option<bool>,
}

impl ReadyToken {
    /// The token of `smoke`, which has asserted the lottery's state step by step.
    pub(crate) fn asserted(round: Count) -> Self {
        Self { round, was_pending: None }
    }

    /// The round that the draw begins: the count of requests before it.
    pub(crate) fn round(&self) -> Count {
        self.round
    }

    /// Whether a request was pending when the decision was made.
    pub(crate) fn was_pending(&self) -> Option<bool> {
        self.was_pending
    }
}

/// What a run found before a draw.
pub(crate) enum Decision {
    /// An earlier run's draw turned out to be requested.
    Reconciled(Intent),
    /// The contract, the policy or the journal forbids a draw now, or a value is not known.
    NotReady(Readiness),
    /// A draw may be sent. The token is absent in a dry run.
    Ready(Readiness, Option<ReadyToken>),
}

/// What became of an earlier run's intent.
enum Reconciliation {
    /// There was none.
    Nothing,
    /// It was void; the sentence says so.
    Void(String),
    /// Its draw was requested.
    Requested(Intent),
}

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
        if let Some(intent) = self.settle_earlier(reading, session)? {
            return Ok(Decision::Reconciled(intent));
        }
        let policy = &self.checker.checker.policy;
        let target = Some(&self.target);
        let mut readiness =
            ready::decide(&reading.checked, target, args, policy, session).map_err(cli_error)?;
        if sends {
            self.object(&mut readiness, session);
        }
        if !readiness.ready {
            return Ok(Decision::NotReady(readiness));
        }
        let token = if sends { Some(token(readiness.round, reading)?) } else { None };
        Ok(Decision::Ready(readiness, token))
    }

    /// The token of a run that was told to skip the readiness checks; the contract still asserts them.
    pub(crate) fn skip_readiness(
        &mut self,
        reading: &Reading,
        session: &Session,
    ) -> Result<ReadyToken, DrawError> {
        if let Some(intent) = self.settle_earlier(reading, session)? {
            session.log("info", &requested(&intent));
        }
        token(reading.state().and_then(|state| state.lottery.rng_request_count), reading)
    }

    /// The earlier draw that the chain shows as requested, if there is one. A void one is logged.
    pub(crate) fn settle_earlier(
        &mut self,
        reading: &Reading,
        session: &Session,
    ) -> Result<Option<Intent>, DrawError> {
        match self.reconcile(reading)? {
            Reconciliation::Nothing => Ok(None),
            Reconciliation::Void(text) => {
                session.log("info", &text);
                Ok(None)
            }
            Reconciliation::Requested(intent) => Ok(Some(intent)),
        }
    }

    /// Decides by the chain about an intent that an earlier run left open.
    fn reconcile(&mut self, reading: &Reading) -> Result<Reconciliation, DrawError> {
        let Some(locked) = &mut self.guarded.journal else { return Ok(Reconciliation::Nothing) };
        let Some(intent) = locked.journal.intent.clone() else { return Ok(Reconciliation::Nothing) };
        let state = reading.state();
        let Some(round) = state.and_then(|state| state.lottery.rng_request_count) else {
            let text = format!(
                "the draw of run {} has no outcome yet, and the lottery's counter cannot be read",
                intent.run_id
            );
            return Err(DrawError::new(DrawErrorCode::IntentOpen, text)
                .with_hint("ask again when the chain answers; nothing is sent before"));
        };
        let chain_s = state
            .and_then(|state| state.chain.time_us)
            .and_then(|time| i64::try_from(time.get() / 1_000_000).ok());
        let earlier = match intent.status(round, chain_s, self.clock.now_s()) {
            IntentStatus::Open { until_s } => {
                let left =
                    until_s.saturating_sub(chain_s.map_or(self.clock.now_s(), |s| s.min(self.clock.now_s())));
                let text = format!("the draw of run {} may still be accepted for {left} s", intent.run_id);
                return Err(DrawError::new(DrawErrorCode::IntentOpen, text)
                    .with_hint("run again after that; nothing is sent before"));
            }
            IntentStatus::Requested => Reconciliation::Requested(intent),
            IntentStatus::Lost => {
                Reconciliation::Void(format!("the draw of run {} was never accepted", intent.run_id))
            }
        };
        match &earlier {
            Reconciliation::Requested(intent) => locked.journal.close_drawn(intent.round),
            _ => locked.journal.close(),
        }
        locked.write().map_err(|error| journal_error(&error))?;
        Ok(earlier)
    }

    /// Adds what the journal has against another attempt.
    fn object(&self, readiness: &mut Readiness, session: &Session) {
        let (Some(locked), Some(round)) = (&self.guarded.journal, readiness.round) else { return };
        if locked.journal.is_drawn(round) {
            let text = self.checker.checker.policy.lang.pick(
                format!("round {round} is drawn already: the node is behind"),
                format!("раунд {round} уже разыгран: узел отстаёт"),
            );
            readiness.object("ROUND_DRAWN", text);
            return;
        }
        let (attempts, rest) = locked.journal.rest(round, self.cool_down_s, self.clock.now_s());
        let lang = self.checker.checker.policy.lang;
        if attempts >= self.max_attempts {
            let text = lang.pick(
                format!("this round was tried {attempts} times: look why, then raise --max-attempts"),
                format!(
                    "в этом раунде было попыток: {attempts}; выясните причину, затем увеличьте --max-attempts"
                ),
            );
            session.log("error", &text);
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

/// The sentence for an earlier draw that the chain shows.
pub(crate) fn requested(intent: &Intent) -> String {
    format!("the draw of run {} was requested; the chain shows it", intent.run_id)
}

fn token(round: Option<Count>, reading: &Reading) -> Result<ReadyToken, DrawError> {
    let round = round.ok_or_else(|| {
        let text =
            "the lottery's counter of requests cannot be read: one draw could not be told from the next";
        DrawError::new(DrawErrorCode::RoundUnknown, text)
    })?;
    Ok(ReadyToken { round, was_pending: reading.state().and_then(|state| state.lottery.pending_request) })
}
