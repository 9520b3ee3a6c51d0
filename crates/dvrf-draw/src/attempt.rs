//! One draw: intent, CLI, receipt, and what the chain shows afterwards.

use std::time::{Duration, Instant};

use super::engine::Engine;
use super::sender::Sent;
use crate::args::milliseconds;
use dvrf_cli::settings::variables::fault_point;
use supra_core::amount::Count;
use supra_core::draw::{ConfirmedBy, DrawResult, Handled, Trouble};
use supra_core::failure::{Failure, quote};
use supra_core::stable_id::stable_id;
use supra_core::state::Lottery;
use supra_core::submit::command::RunWords;
use supra_core::submit::journal::Intent;
use supra_core::submit::receipt::{Receipt, SubmitOutcome};

/// How often the chain is asked whether it shows a draw.
const POLL: Duration = Duration::from_millis(500);

impl Engine {
    /// Sends the draw, once, and follows it. The caller has judged that it may be sent.
    pub(super) fn draw(&mut self, round: Count, before: Option<&Lottery>) -> DrawResult {
        let mut result = DrawResult {
            command: Some(self.sender.shown(&self.sender.words)),
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
        // A CLI that outlives us may still send: it keeps the locks until it ends.
        self.share_locks();
        let sent = match self.sender.send(&self.sender.words) {
            Ok(sent) => sent,
            Err(failure) => {
                // The CLI could not even be started.
                result.error = Some(not_sent(&failure, self.close_intent()));
                return result;
            }
        };
        fault_point("after_submit");
        result.executed = true;
        let outcome = Self::take_down(sent, &mut result);
        self.settle(outcome, round, before, &mut result);
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
        if ledger.journal.is_drawn(round) {
            let text = format!("round {round} is drawn already: the node is behind");
            let hint = "ask another node; for a lottery that was deployed anew move its draw journal away";
            return Err(Trouble::new("ROUND_DRAWN", text).with_hint(hint));
        }
        if let Some(open) = &ledger.journal.intent {
            let text = format!("the draw of run {} has no outcome yet", open.run_id);
            return Err(Trouble::new("INTENT_OPEN", text)
                .with_hint("dvrf-draw auto --execute decides about it first"));
        }
        let run_id = stable_id(&["draw", &at_s.to_string(), &std::process::id().to_string()]);
        ledger.journal.open(Intent::new(&run_id, at_s, self.sender.words.expiration_s, submit_s, round));
        ledger.write()
    }

    fn close_drawn(&mut self, round: Count) -> Result<(), Trouble> {
        let Some(ledger) = &mut self.ledger else { return Ok(()) };
        ledger.journal.close_drawn(round);
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
        let sent = self.sender.send(&words).map_err(|failure| failed(&failure))?;
        match Self::take_down(sent, result) {
            (SubmitOutcome::Succeeded, _) => Ok(()),
            (
                SubmitOutcome::Failed(failure)
                | SubmitOutcome::NotSent(failure)
                | SubmitOutcome::Unclear(failure),
                _,
            ) => Err(failed(&failure)),
        }
    }

    /// Puts what the CLI printed into the result, and says what it means.
    fn take_down(sent: Sent, result: &mut DrawResult) -> (SubmitOutcome, Receipt) {
        result.returncode = sent.returncode;
        result.tx_hash.clone_from(&sent.receipt.hash);
        result.vm_status.clone_from(&sent.receipt.vm_status);
        result.stdout = Some(sent.stdout);
        result.stderr = Some(sent.stderr);
        (sent.outcome, sent.receipt)
    }

    /// Finds out what the chain says, and closes the intent when that is known.
    fn settle(
        &mut self,
        (outcome, found): (SubmitOutcome, Receipt),
        round: Count,
        before: Option<&Lottery>,
        result: &mut DrawResult,
    ) {
        match outcome {
            SubmitOutcome::NotSent(failure) => {
                result.error = Some(not_sent(&failure, self.close_intent()));
                return;
            }
            SubmitOutcome::Failed(failure) => {
                // A failed transaction changes nothing, so the round is still open and may be tried again.
                let trouble = Trouble::of("TRANSACTION_FAILED", &failure);
                result.error = Some(self.close_intent().err().unwrap_or(trouble));
                return;
            }
            SubmitOutcome::Succeeded | SubmitOutcome::Unclear(_) => {}
        }
        match self.wait_until_shown(round, before) {
            Ok(()) => {
                let by_event = outcome == SubmitOutcome::Succeeded && found.nonce.is_some();
                result.confirmed_by = Some(if by_event { ConfirmedBy::Event } else { ConfirmedBy::State });
                result.nonce = found.nonce;
                result.error = self.close_drawn(round).err();
            }
            Err(why) => {
                let why = match &outcome {
                    SubmitOutcome::Unclear(failure) => format!("{}; {why}", failure.message),
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
        // The counter, where it is known: a node that is behind still says that nothing is pending.
        let answered = |now: &Lottery| {
            let by_flag = now.pending_request == Some(false);
            now.rng_response_count.map_or(by_flag, |count| count > round)
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
            let trouble = match self.reader.client.lottery_status(&self.target) {
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
    let trouble = Trouble::of("NOT_SENT", failure);
    closed.err().unwrap_or(Trouble { message: quote(&trouble.message), ..trouble })
}
