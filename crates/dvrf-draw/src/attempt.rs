//! One draw: intent, CLI, receipt, and what the chain shows afterwards.

use std::time::{Duration, Instant};

use crate::args::milliseconds;
use crate::decision::ReadyToken;
use crate::runner::{DrawRunner, guard_error, journal_error};
use dvrf_cli::settings::variables::fault_point;
use supra_core::amount::Count;
use supra_core::draw::{ConfirmedBy, DrawError, DrawErrorCode, DrawResult, Handled};
use supra_core::error::Error;
use supra_core::failure::quote;
use supra_core::stable_id::stable_id;
use supra_core::state::Lottery;
use supra_core::submit::command::RunWords;
use supra_core::submit::receipt::{Receipt, SubmitOutcome};
use supra_core::submit::sender::Submission;

/// How often the chain is asked whether it shows a draw.
const POLL: Duration = Duration::from_millis(500);

impl DrawRunner {
    /// Sends the draw, once, and follows it until the chain shows it.
    pub(crate) fn draw(&mut self, token: &ReadyToken) -> DrawResult {
        let round = token.round();
        let mut result =
            DrawResult { command: Some(self.command()), round: Some(round), ..DrawResult::default() };
        if self.simulate_first
            && let Err(error) = self.simulate(&mut result)
        {
            result.error = Some(error);
            return result;
        }
        let now_s = self.clock.now_s();
        let run_id = stable_id(&["draw", &now_s.to_string(), &std::process::id().to_string()]);
        let submission = match self.guarded.submit(&self.words, round, &run_id, now_s) {
            Ok(submission) => submission,
            Err(error) => {
                result.error = Some(guard_error(&error));
                return result;
            }
        };
        result.executed = !matches!(submission.outcome, SubmitOutcome::NotSent(_));
        let submitted = note(submission, &mut result);
        self.settle(submitted, token, &mut result);
        fault_point("after_outcome");
        if result.error.is_none()
            && let Some(limit) = self.wait_handled
        {
            result.handled = Some(self.wait_for_answer(round, limit));
        }
        result
    }

    fn simulate(&self, result: &mut DrawResult) -> Result<(), DrawError> {
        let words = RunWords { simulate: true, ..self.words.clone() };
        match note(self.guarded.sender.send(&words), result).0 {
            SubmitOutcome::Accepted => Ok(()),
            SubmitOutcome::NotSent(failure)
            | SubmitOutcome::Refused(failure)
            | SubmitOutcome::Failed(failure)
            | SubmitOutcome::Unknown(failure) => Err(not_sent(&failure)),
        }
    }

    /// Finds out what the chain says, and closes the intent when that is known.
    fn settle(
        &mut self,
        (outcome, receipt): (SubmitOutcome, Receipt),
        token: &ReadyToken,
        result: &mut DrawResult,
    ) {
        let closed = match &outcome {
            SubmitOutcome::NotSent(failure) | SubmitOutcome::Refused(failure) => Some(not_sent(failure)),
            // A failed transaction changes nothing, so the round is still open and may be tried again.
            SubmitOutcome::Failed(failure) => Some(DrawError::of(DrawErrorCode::TransactionFailed, failure)),
            SubmitOutcome::Accepted | SubmitOutcome::Unknown(_) => None,
        };
        if let Some(error) = closed {
            let journal = self.guarded.close().err();
            result.error = Some(journal.map_or(error, |error| journal_error(&error)));
            return;
        }
        match self.wait_until_shown(token) {
            Ok(()) => {
                let by_event = outcome == SubmitOutcome::Accepted && receipt.nonce.is_some();
                result.confirmed_by = Some(if by_event { ConfirmedBy::Event } else { ConfirmedBy::State });
                result.nonce = receipt.nonce;
                let closed = self.guarded.close_drawn(token.round());
                result.error = closed.err().map(|error| journal_error(&error));
            }
            Err(why) => {
                let why = match &outcome {
                    SubmitOutcome::Unknown(failure) => format!("{}; {why}", failure.message()),
                    _ => format!("the receipt says success; {why}"),
                };
                let hint = "the next run decides by the chain before it sends anything";
                result.error = Some(DrawError::new(DrawErrorCode::NotConfirmed, why).with_hint(hint));
            }
        }
    }

    /// Asks until the counter of requests has moved.
    fn wait_until_shown(&self, token: &ReadyToken) -> Result<(), String> {
        let shows = |now: &Lottery| {
            let counted = now.rng_request_count.map(|count| count > token.round());
            counted.unwrap_or(now.pending_request == Some(true) && token.was_pending() == Some(false))
        };
        match self.watch(self.confirm_timeout, shows) {
            Ok(_) => Ok(()),
            Err(Some(error)) => Err(format!("the chain cannot be asked: {}", error.message())),
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
    pub(crate) fn watch(
        &self,
        limit: Duration,
        satisfies: impl Fn(&Lottery) -> bool,
    ) -> Result<Lottery, Option<Error>> {
        let start = Instant::now();
        loop {
            let failure = match self.reader.client.lottery_status(&self.target) {
                Ok(status) if satisfies(&status) => return Ok(status),
                Ok(_) => None,
                Err(failure) => Some(failure),
            };
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(failure);
            }
            std::thread::sleep(POLL.min(left));
        }
    }
}

/// Puts what the CLI printed into the result.
fn note(submission: Submission, result: &mut DrawResult) -> (SubmitOutcome, Receipt) {
    result.returncode = submission.returncode;
    result.tx_hash.clone_from(&submission.receipt.hash);
    result.vm_status.clone_from(&submission.receipt.vm_status);
    result.stdout = submission.stdout;
    result.stderr = submission.stderr;
    (submission.outcome, submission.receipt)
}

/// The error of a transaction that provably was not sent.
fn not_sent(failure: &Error) -> DrawError {
    let error = DrawError::of(DrawErrorCode::NotSent, failure);
    DrawError { message: quote(&error.message), ..error }
}
