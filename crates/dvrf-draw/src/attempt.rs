//! One draw: intent, CLI, receipt, and what the chain shows afterwards.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::args::milliseconds;
use crate::decision::ReadyToken;
use crate::nodes::{LotteryNodes, first_that, highest, highest_agreed};
use crate::runner::{DrawRunner, guard_error, journal_error};
use dvrf_cli::settings::variables::fault_point;
use supra_core::amount::Count;
use supra_core::draw::{ConfirmedBy, DrawError, DrawErrorCode, DrawResult, Handled};
use supra_core::error::Error;
use supra_core::failure::quote;
use supra_core::stable_id::stable_id;
use supra_core::state::Lottery;
use supra_core::submit::command::RunWords;
use supra_core::submit::journal::Fate;
use supra_core::submit::outcome::{SubmitOutcome, explained};
use supra_core::submit::receipt::Receipt;
use supra_core::submit::sender::Submission;

impl DrawRunner {
    /// Sends the draw, once, and follows it until the chain shows it.
    pub(crate) fn draw(&mut self, token: &ReadyToken) -> DrawResult {
        let round = token.round();
        let mut result =
            DrawResult { command: Some(self.command()), round: Some(round), ..DrawResult::default() };
        if let Err(error) = self.send(token, &mut result) {
            result.error = Some(error);
        }
        fault_point("after_outcome");
        if result.error.is_none()
            && let Some(limit) = self.wait_handled
        {
            result.handled = Some(self.wait_for_answer(round, limit));
        }
        result
    }

    fn send(&mut self, token: &ReadyToken, result: &mut DrawResult) -> Result<(), DrawError> {
        if self.simulate_first {
            self.simulate(result)?;
        }
        self.ask_all(token.round())?;
        let now = token.now(&self.clock);
        let run_id = stable_id(&["draw", &now.wall_s.to_string(), &std::process::id().to_string()]);
        let is_fresh = || token.age() <= self.reading_age_max;
        let submission = self
            .guarded
            .submit(&self.words, token.round(), &run_id, now, is_fresh)
            .map_err(|error| guard_error(&error))?;
        result.executed = !matches!(submission.outcome, SubmitOutcome::NotSent(_));
        let (outcome, receipt) = note(submission, result);
        self.settle(outcome, &receipt, token, result)
    }

    /// Asks all nodes once more whether the round is still open.
    fn ask_all(&self, round: Count) -> Result<(), DrawError> {
        let seen = highest_agreed(&self.nodes, DrawErrorCode::RoundUnknown)?;
        if seen > round {
            let text = format!("round {round} was drawn meanwhile: nothing was sent");
            return Err(DrawError::new(DrawErrorCode::RoundDrawn, text)
                .with_hint("another host or person draws too; run again for the next round"));
        }
        Ok(())
    }

    fn simulate(&self, result: &mut DrawResult) -> Result<(), DrawError> {
        let words = RunWords { simulate: true, ..self.words.clone() };
        match note(self.guarded.sender.send(&words), result).0 {
            SubmitOutcome::Accepted => Ok(()),
            SubmitOutcome::NotSent(failure)
            | SubmitOutcome::Refused(failure)
            | SubmitOutcome::Failed(failure)
            | SubmitOutcome::Unknown(failure) => Err(DrawError::quoted(DrawErrorCode::NotSent, &failure)),
        }
    }

    /// Finds out what the chain says, and closes the intent when that is known.
    fn settle(
        &mut self,
        outcome: SubmitOutcome,
        receipt: &Receipt,
        token: &ReadyToken,
        result: &mut DrawResult,
    ) -> Result<(), DrawError> {
        let (confirmed_by, failure) = match outcome {
            // The guard has closed the intent.
            SubmitOutcome::NotSent(failure) | SubmitOutcome::Refused(failure) => {
                return Err(DrawError::quoted(DrawErrorCode::NotSent, &failure));
            }
            SubmitOutcome::Accepted => {
                self.wait_until_counted(token.round())?;
                let by_event = receipt.nonce.is_some();
                (if by_event { ConfirmedBy::Event } else { ConfirmedBy::State }, None)
            }
            SubmitOutcome::Failed(failure) => match self.fate(receipt, Duration::ZERO) {
                Ok(Fate::Succeeded) => (ConfirmedBy::Transaction, None),
                Ok(Fate::Failed(words)) => (ConfirmedBy::Transaction, Some(failed(&words, result))),
                _ => (ConfirmedBy::Transaction, Some(failure)),
            },
            SubmitOutcome::Unknown(failure) => match self.fate(receipt, self.confirm_timeout) {
                Ok(Fate::Succeeded) => (ConfirmedBy::Transaction, None),
                Ok(Fate::Failed(words)) => (ConfirmedBy::Transaction, Some(failed(&words, result))),
                Ok(_) => return Err(not_confirmed(&failure, "the chain does not show the transaction yet")),
                Err(why) => return Err(not_confirmed(&failure, &why)),
            },
        };
        // A failed transaction changes nothing, so the round is still open and may be tried again.
        if let Some(failure) = failure {
            self.guarded.close().map_err(|error| journal_error(&error))?;
            return Err(DrawError::of(DrawErrorCode::TransactionFailed, &failure));
        }
        result.confirmed_by = Some(confirmed_by);
        result.nonce = receipt.nonce;
        let chain_s = token.now(&self.clock).chain_s;
        self.guarded.close_drawn(token.round(), chain_s).map_err(|error| journal_error(&error))
    }

    /// Waits until the counter of requests has moved, for a transaction of which the receipt says success.
    fn wait_until_counted(&self, round: Count) -> Result<(), DrawError> {
        let counts = |nodes: &LotteryNodes| Ok(Some(highest(nodes)?).filter(|seen| *seen > round));
        self.nodes.until(self.confirm_timeout, counts).map(drop).map_err(|failure| {
            let why = failure.map_or_else(
                || format!("the chain did not show the request within {} s", self.confirm_timeout.as_secs()),
                |failure| format!("the chain cannot be asked: {}", failure.message()),
            );
            later(format!("the receipt says success; {why}"))
        })
    }

    /// Looks the transaction up until it has an end; the inner error says why that is not possible.
    fn fate(&self, receipt: &Receipt, limit: Duration) -> Result<Fate, String> {
        let Some(hash) = &receipt.hash else {
            return Err("the CLI named no transaction that could be looked up".to_owned());
        };
        let last = Cell::new(None);
        let ended = |nodes: &LotteryNodes| {
            let fate = nodes.fate(hash);
            let is_end = matches!(fate, Some(Fate::Succeeded | Fate::Failed(_)));
            last.set(fate.clone());
            Ok(fate.filter(|_| is_end))
        };
        let found = self.nodes.until(limit, ended).ok();
        found.or_else(|| last.take()).ok_or_else(|| "no node can look the transaction up".to_owned())
    }

    fn wait_for_answer(&self, round: Count, limit: Duration) -> Handled {
        let start = Instant::now();
        let handled = self.watch(limit, |lottery| is_answered(lottery, round)).is_ok();
        Handled { handled, waited_ms: milliseconds(start.elapsed()) }
    }

    /// Asks for the lottery's status until a node's satisfies, at least once and for at most `limit`.
    pub(crate) fn watch(
        &self,
        limit: Duration,
        satisfies: impl Fn(&Lottery) -> bool,
    ) -> Result<Lottery, Option<Error>> {
        self.nodes.until(limit, |nodes| first_that(&nodes.survey(), &satisfies))
    }
}

/// Whether the request of a round is answered. By the counter, where it is known: a node that is behind still says that
/// nothing is pending.
fn is_answered(lottery: &Lottery, round: Count) -> bool {
    let is_nothing_pending = lottery.pending_request == Some(false);
    lottery.rng_response_count.map_or(is_nothing_pending, |count| count > round)
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

/// The failure of a transaction that was looked up.
fn failed(words: &str, result: &mut DrawResult) -> Error {
    result.vm_status = Some(quote(words));
    explained(words, "the transaction failed").into()
}

/// The error of a transaction of which the outcome is not known.
fn not_confirmed(failure: &Error, why: &str) -> DrawError {
    let error = later(format!("{}; {why}", failure.message()));
    match failure.hint() {
        Some(hint) => DrawError { hint: Some(format!("{hint}; {LATER}")), ..error },
        None => error,
    }
}

const LATER: &str = "the next run decides by the chain before it sends anything";

fn later(why: String) -> DrawError {
    DrawError::new(DrawErrorCode::NotConfirmed, why).with_hint(LATER)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::by_the_counter(Some(5), Some(true), true)]
    #[case::the_node_is_behind(Some(4), Some(false), false)]
    #[case::by_the_flag(None, Some(false), true)]
    #[case::still_pending(None, Some(true), false)]
    #[case::not_known(None, None, false)]
    fn an_answer(#[case] answers: Option<u128>, #[case] pending: Option<bool>, #[case] expected: bool) {
        let rng_response_count = answers.map(Count);
        let lottery = Lottery { rng_response_count, pending_request: pending, ..Lottery::default() };
        assert_eq!(is_answered(&lottery, Count(4)), expected);
    }
}
