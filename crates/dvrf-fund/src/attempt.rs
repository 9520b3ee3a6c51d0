//! One top-up: what stands against it, intent, CLI, receipt, and what the chain shows afterwards.

use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use dvrf_cli::Session;
use dvrf_cli::exit::Exit;
use dvrf_cli::nodes::LIMIT;
use dvrf_cli::settings::variables::{self, fault_point};
use dvrf_cli::text::plain;
use supra_core::amount::Quants;
use supra_core::check::remedy::{Goal, own_deposit};
use supra_core::error::Error;
use supra_core::failure::quote;
use supra_core::fund::{FundCode, FundError, FundLine, FundStatus, Funding, TopUpResult};
use supra_core::lang::Lang;
use supra_core::report::Report;
use supra_core::state::consumer::UNUSABLE_FUND;
use supra_core::state_dir::append_line;
use supra_core::submit::fund_journal::TopUpPlan;
use supra_core::submit::journal::{Fate, Moment};
use supra_core::submit::outcome::{SubmitOutcome, explained};
use supra_core::target::Target;
use supra_core::time::format_span;
use supra_core::view::{Argument, FunctionId};

use crate::args::{FundArgs, goal};
use crate::assess::{assess, wrong_signer};
use crate::execute::{finish, text};
use crate::nodes::{FundNodes, highest};
use crate::runner::{
    FundRunner, Reading, check_limits, check_signer, cooling_down, deposit_fund, gas_allowance, guard_error,
    journal_error,
};

/// The fees of this many answered requests may be taken while a top-up is under way.
const FEES_MAX: u128 = 5;

/// Decides about an earlier top-up, then about this one, and sends it where nothing stands against it.
pub(crate) fn attempt(args: &FundArgs, line: &mut FundLine, session: &mut Session) -> Result<(), FundError> {
    let goal = goal(&session.settings).map_err(|error| FundError::from(&error))?;
    let (mut tries, mut rereads) = (args.guards.retry.tries(), args.guards.retry.rereads());
    let mut runner = FundRunner::open(args, &mut tries, session)?;
    if !is_attended(args)
        && let Some(missing) = runner.limits.missing()
    {
        return Err(missing);
    }
    loop {
        let Err(error) = once(args, goal, &mut runner, line, session) else { return Ok(()) };
        // Only what provably was not sent may be sent again, after a new decision.
        let is_again = match error.code {
            FundCode::NotSent | FundCode::Unknown => tries.take(),
            FundCode::ReadingOld => rereads.take(),
            _ => false,
        };
        if !is_again {
            return Err(error);
        }
    }
}

/// Whether a person is there to be asked.
fn is_attended(args: &FundArgs) -> bool {
    !args.guards.assume_yes && io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn once(
    args: &FundArgs,
    goal: Option<Goal>,
    runner: &mut FundRunner,
    line: &mut FundLine,
    session: &mut Session,
) -> Result<(), FundError> {
    // What an earlier try of this run sent or found is out of date.
    (line.top_up, line.funding) = (None, None);
    let reading = runner.read(session)?;
    let now = runner.moment(&reading);
    let reconciled = runner.reconcile(now, session);
    note_spent(runner, now, line);
    if reconciled? {
        line.status = FundStatus::Reconciled;
        line.funding = Some(assess(&reading.checked, &runner.checker.checker.policy, goal));
        return Ok(());
    }
    let mut funding = assess(&reading.checked, &runner.checker.checker.policy, goal);
    let amount = funding.amount.filter(|_| funding.missing == Some(true));
    if let (Some(true), Some(amount)) = (funding.low, amount) {
        object(args, amount, runner, &mut funding, &reading, session)?;
    }
    let (low, balance) = (funding.low, funding.balance);
    let first = funding.reasons.first().cloned();
    line.funding = Some(funding);
    if let Some(failure) = reading.failure.as_ref().filter(|_| low.is_none()) {
        return Err(FundError::new(FundCode::Unknown, failure.message.clone())
            .with_hint("nothing is sent on what is not known"));
    }
    if let (false, Some(reason)) = (low == Some(false), first) {
        return Err(reason);
    }
    let (Some(true), Some(amount), Some(balance)) = (low, amount, balance) else {
        line.status = FundStatus::Enough;
        return Ok(());
    };
    send(args, TopUpPlan { amount, balance }, runner, &reading, line, session)
}

fn note_spent(runner: &FundRunner, now: Moment, line: &mut FundLine) {
    let (day, month) = runner.spent(now);
    (line.spent_day, line.spent_month) = (Some(Quants(day)), Some(Quants(month)));
}

/// Adds what the signer's balance, the limits and the journal have against the top-up.
fn object(
    args: &FundArgs,
    amount: Quants,
    runner: &FundRunner,
    funding: &mut Funding,
    reading: &Reading,
    session: &Session,
) -> Result<(), FundError> {
    let now = runner.moment(reading);
    let failed = |error| FundError::from(&error);
    funding.reasons.extend(check_limits(amount, runner.spent(now), &runner.limits));
    let signer = session.settings.address(&variables::SENDER_ACCOUNT).map_err(failed)?;
    let Some(signer) = signer else {
        let text = "the account that signs is not named: whether it can pay is not known";
        let hint = "give its address with --sender-account";
        funding.reasons.push(FundError::new(FundCode::SignerUnknown, text).with_hint(hint));
        return Ok(());
    };
    let owned = runner.nodes.client().coin_balance(signer, LIMIT);
    let owned = owned.map_err(|error| FundError::of(FundCode::Unknown, &error))?;
    let gas = gas_allowance(&session.settings).map_err(failed)?;
    let against = check_signer(amount, owned, &runner.limits, gas);
    funding.signer = Some(signer);
    funding.signer_balance = Some(owned);
    funding.payable = Some(against.is_none());
    funding.reasons.extend(against);
    funding.reasons.extend(wrong_signer(&reading.checked.report, signer));
    let Some(locked) = &runner.guarded.journal else { return Ok(()) };
    let journal = &locked.journal;
    if journal.is_before_last(now) {
        let text = "the node shows a time before the last top-up: it is behind";
        funding.reasons.push(FundError::new(FundCode::NodeBehind, text).with_hint("ask another node"));
    }
    funding.reasons.extend(cooling_down(journal, runner.limits.cool_down_s, now));
    if let Some(left) = journal.settles_in(now).filter(|_| !args.guards.new_journal) {
        let left = format_span(left.unsigned_abs(), Lang::En);
        let text = format!(
            "no journal of earlier top-ups was found, and one that was sent and lost track of could still arrive for {left}: nothing is sent before that"
        );
        let hint = "run again after that, or accept the new journal with --new-journal";
        funding.reasons.push(FundError::new(FundCode::JournalNew, text).with_hint(hint));
    }
    Ok(())
}

/// Asks the person at the terminal for the end of the client's address.
fn ask(runner: &FundRunner, reading: &Reading, amount: Quants) -> Result<(), FundError> {
    let declined = || FundError::new(FundCode::Declined, "it was not confirmed: nothing was sent");
    let client = runner.target.client.to_string();
    let end = client.get(client.len().saturating_sub(4)..).unwrap_or(&client);
    let own = own_deposit(&reading.checked.report);
    let by = own.map(|own| format!(" by {}", plain(&own.function))).unwrap_or_default();
    let question = format!(
        "Deposit {} SUPRA for the client {client}{by}? Only that client can withdraw it again.\nType the last four digits of its address: ",
        amount.supra()
    );
    let mut stderr = io::stderr();
    stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush()).map_err(|_| declined())?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|_| declined())?;
    if answer.trim().eq_ignore_ascii_case(end) { Ok(()) } else { Err(declined()) }
}

/// The call of a try: the contract's own where the record has one, else dVRF's.
fn call(report: &Report, target: &Target, quants: u64) -> Result<(FunctionId, Vec<Argument>), FundError> {
    let unusable = || FundError::new(FundCode::OwnFunction, UNUSABLE_FUND);
    own_deposit(report)
        .map_or_else(|| Ok(deposit_fund(target, quants)), |own| own.call(quants).ok_or_else(unusable))
}

/// Sends the top-up, once, and follows it until the chain shows it.
fn send(
    args: &FundArgs,
    plan: TopUpPlan,
    runner: &mut FundRunner,
    reading: &Reading,
    line: &mut FundLine,
    session: &mut Session,
) -> Result<(), FundError> {
    let quants = u64::try_from(plan.amount.get())
        .map_err(|_| FundError::new(FundCode::MaxAmount, "the amount does not fit the chain's u64"))?;
    if is_attended(args) && runner.confirmed != Some(plan.amount) {
        ask(runner, reading, plan.amount)?;
        runner.confirmed = Some(plan.amount);
    }
    let call = call(&reading.checked.report, &runner.target, quants)?;
    (runner.words.function, runner.words.arguments) = call;
    // Full disks show here, before anything is sent.
    if let Some(path) = args.output.log_file.as_ref().filter(|_| !runner.is_announced) {
        let mut submitting = FundLine { status: FundStatus::Submitting, ..line.clone() };
        finish(&mut submitting, Exit::Done);
        append_line(path, &text(&submitting)).map_err(|cause| FundError::of(FundCode::Log, &cause.into()))?;
        runner.is_announced = true;
    }
    session.out.reserve()?;
    // Other hosts, and people, top up too: all nodes are asked once more.
    let seen = highest(&runner.nodes).map_err(|error| FundError::of(FundCode::Unknown, &error))?;
    if seen.value > plan.balance {
        let text = format!("the fund rose to {} SUPRA meanwhile: nothing was sent", seen.value.supra());
        return Err(FundError::new(FundCode::ToppedUpMeanwhile, text)
            .with_hint("the next run reads the deposit and decides again"));
    }
    let now = runner.moment(reading);
    let age_max = args.guards.lock.reading_age_max();
    let is_fresh = || reading.age() <= age_max;
    let submitted = runner.guarded.submit(&runner.words, plan, &line.run_id, now, is_fresh);
    let submission = submitted.map_err(guard_error)?;
    let mut result = TopUpResult {
        amount: plan.amount,
        balance_before: plan.balance,
        command: runner.guarded.sender.shown(&runner.words),
        returncode: submission.returncode,
        tx_hash: submission.receipt.hash.clone(),
        vm_status: submission.receipt.vm_status.clone(),
        stdout: submission.stdout,
        stderr: submission.stderr,
        ..TopUpResult::default()
    };
    let fee = reading.checked.report.state.as_ref().and_then(|state| state.deposit.max_txn_fee);
    let fees = fee.map_or(0, Quants::get).saturating_mul(FEES_MAX);
    let settled = settle(runner, submission.outcome, plan, fees, &mut result);
    line.top_up = Some(result);
    fault_point("after_outcome");
    let now = runner.moment(reading);
    note_spent(runner, now, line);
    settled.map(|()| line.status = FundStatus::ToppedUp)
}

/// Finds out what the chain says, and closes the intent when that is known.
fn settle(
    runner: &mut FundRunner,
    outcome: SubmitOutcome,
    plan: TopUpPlan,
    fees: u128,
    result: &mut TopUpResult,
) -> Result<(), FundError> {
    let failure = match outcome {
        // The guard has closed the intent.
        SubmitOutcome::NotSent(failure) | SubmitOutcome::Refused(failure) => {
            return Err(FundError::quoted(FundCode::NotSent, &failure));
        }
        SubmitOutcome::Accepted => None,
        SubmitOutcome::Failed(failure) => match fate(runner, result, Duration::ZERO) {
            Some(Fate::Succeeded) => None,
            Some(Fate::Failed(words)) => Some(failed(&words, result)),
            _ => Some(failure),
        },
        SubmitOutcome::Unknown(failure) => match fate(runner, result, runner.confirm_timeout) {
            Some(Fate::Succeeded) => None,
            Some(Fate::Failed(words)) => Some(failed(&words, result)),
            _ => {
                let why = "the chain does not show the transaction";
                return Err(not_confirmed(format!("{}; {why}", failure.message())));
            }
        },
    };
    if let Some(failure) = failure {
        close(runner, None, None)?;
        return Err(FundError::of(FundCode::TransactionFailed, &failure));
    }
    // Fees of requests that are answered meanwhile may be missing of it.
    let least = plan.balance.get().saturating_add(plan.amount.get().saturating_sub(fees).max(1));
    let risen = |nodes: &FundNodes| Ok(Some(highest(nodes)?).filter(|seen| seen.value.get() >= least));
    let Ok(seen) = runner.nodes.until(runner.confirm_timeout, risen) else {
        let s = runner.confirm_timeout.as_secs();
        return Err(not_confirmed(format!("the transaction succeeded; the fund did not rise within {s} s")));
    };
    let expected = plan.balance.get().saturating_add(plan.amount.get());
    result.balance_after = Some(seen.value);
    result.fees = Some(Quants(expected.saturating_sub(seen.value.get())));
    close(runner, Some(true), seen.chain_s)
}

fn close(
    runner: &mut FundRunner,
    confirmed: Option<bool>,
    seen_chain_s: Option<i64>,
) -> Result<(), FundError> {
    let Some(locked) = &mut runner.guarded.journal else { return Ok(()) };
    locked.journal.close(confirmed, seen_chain_s);
    locked.write().map_err(journal_error)
}

/// Looks the transaction up until it has an end; `None` where that is not possible.
fn fate(runner: &FundRunner, result: &TopUpResult, limit: Duration) -> Option<Fate> {
    let hash = result.tx_hash.as_deref()?;
    let is_end = |fate: &Fate| matches!(fate, Fate::Succeeded | Fate::Failed(_));
    runner.nodes.until(limit, |nodes| Ok(nodes.fate(hash).filter(is_end))).ok()
}

/// The failure of a transaction that was looked up.
fn failed(words: &str, result: &mut TopUpResult) -> Error {
    result.vm_status = Some(quote(words));
    explained(words, "the transaction failed").into()
}

fn not_confirmed(why: String) -> FundError {
    FundError::new(FundCode::NotConfirmed, why)
        .with_hint("the next run decides by the chain before it sends anything")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use supra_core::state::State;
    use supra_core::state::consumer::{Consumer, OwnDeposit};

    use super::*;

    fn own(function: &str) -> OwnDeposit {
        let arguments = ["u64:{amount}", "u8:1"].map(str::to_owned).to_vec();
        OwnDeposit { function: function.to_owned(), arguments, signer: None }
    }

    /// Each try makes the whole call from its own reading.
    #[rstest]
    #[case::official(None, Ok("deposit::deposit_fund_v2 address u64:7"))]
    #[case::own(Some(own("0x9::wheel::pay")), Ok("wheel::pay u64:7 u8:1"))]
    #[case::unresolved(Some(OwnDeposit::default()), Err(UNUSABLE_FUND))]
    #[case::no_call(Some(own("0x9::wheel")), Err(UNUSABLE_FUND))]
    fn what_a_try_calls(#[case] fund: Option<OwnDeposit>, #[case] expected: Result<&str, &str>) {
        let target = Target::of_lottery("0xc".parse().unwrap(), "0xd".parse().unwrap());
        let consumer = Some(Consumer { fund, ..Consumer::default() });
        let report = Report { state: Some(State { consumer, ..State::default() }), ..Report::default() };
        let found = call(&report, &target, 7).map(|(function, arguments)| {
            let arguments = arguments.iter().map(|argument| match argument {
                Argument::Address(_) => "address".to_owned(),
                other => other.to_cli(),
            });
            [vec![format!("{}::{}", function.module, function.name)], arguments.collect()].concat().join(" ")
        });
        assert_eq!(found.map_err(|error| error.message), expected.map(str::to_owned).map_err(str::to_owned));
    }
}
