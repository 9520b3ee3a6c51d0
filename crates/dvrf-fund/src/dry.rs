//! `dvrf-fund` without `--execute`: what is missing, whether it can be paid, and the command to run by hand.

use std::time::Duration;

use dvrf_cli::card::{Layout, card_of, nothing_to_watch};
use dvrf_cli::checker::Checked;
use dvrf_cli::connect::TargetReader;
use dvrf_cli::exit::Exit;
use dvrf_cli::nodes::LIMIT;
use dvrf_cli::pipeline::each;
use dvrf_cli::settings::variables;
use dvrf_cli::submit::journal_place;
use dvrf_cli::target::resolve;
use dvrf_cli::{CliError, Session};
use supra_core::address::Address;
use supra_core::amount::Quants;
use supra_core::fund::{FundCode, FundError, Funding};
use supra_core::record::Record;
use supra_core::state_dir::StateDir;
use supra_core::submit::fund_journal::{FundJournal, LockedFundJournal};
use supra_core::submit::journal::Moment;

use crate::args::{Format, FundArgs, FundLimits, checker, goal};
use crate::assess::{assess, wrong_signer};
use crate::runner::{check_limits, check_signer, cooling_down, gas_allowance, journal_error, lock_error};
use crate::text::lines;

pub(crate) fn dry(args: &FundArgs, session: &mut Session) -> Result<Exit, CliError> {
    args.fill(&mut session.settings);
    let checker = checker(args, session)?;
    let policy = checker.checker.policy.clone();
    let (goal, limits) = (goal(&session.settings)?, FundLimits::of(&session.settings)?);
    let is_text = args.output.format.map_or(session.is_terminal(), |format| format == Format::Text);
    if is_text && args.input.names_nothing(session) {
        let text = nothing_to_watch(session, "dvrf fund", policy.lang);
        session.log_text(&text);
        return Ok(Exit::CannotAnswer);
    }
    let layout = Layout::of(session, policy.lang, args.output.verbose);
    let signer = session.settings.address(&variables::SENDER_ACCOUNT)?;
    let gas = gas_allowance(&session.settings)?;
    let mut owned: Option<Result<Quants, FundError>> = None;
    each(&args.input, session, |item, session| {
        let judged = checker.check(item, session);
        let mut funding = assess(&judged, &policy, goal);
        if funding.missing == Some(true) {
            let now = Moment { wall_s: session.now.as_second(), chain_s: None };
            let journal = journal_of(&judged, &item.record, session).unwrap_or_else(|error| {
                funding.reasons.push(error);
                None
            });
            let spent = journal.as_ref().map_or((0, 0), |journal| journal.spent(now));
            funding.reasons.extend(check_limits(funding.amount.unwrap_or_default(), spent, &limits));
            if let Some(signer) = signer {
                let balance = owned.get_or_insert_with(|| owned_by(signer, session)).clone();
                add_signer(&mut funding, signer, balance, &limits, gas);
                funding.reasons.extend(wrong_signer(&judged.report, signer));
            }
            if let Some(journal) = &journal {
                add_journal(&mut funding, journal, limits.cool_down_s, now);
            }
        }
        let exit = exit_of(&funding);
        if is_text {
            let card = card_of(&judged.report, &judged.checks, &layout, &lines(&funding, &layout));
            session.out.text(&card)?;
        } else {
            item.record.set("funding", &funding)?;
            session.out.record(&item.record, args.output.pretty)?;
        }
        Ok(exit)
    })
}

/// What an account owns, asked once for a run.
fn owned_by(signer: Address, session: &Session) -> Result<Quants, FundError> {
    let reader = TargetReader::open(&session.settings);
    let balance = reader.and_then(|reader| reader.client.coin_balance(signer, LIMIT));
    balance.map_err(|error| FundError::of(FundCode::Unknown, &error))
}

/// The journal of the target's top-ups, if there is one.
fn journal_of(
    judged: &Checked,
    record: &Record,
    session: &Session,
) -> Result<Option<FundJournal>, FundError> {
    let place = journal_place(&session.settings).filter(|place| place.is_dir());
    let target = resolve(&session.settings, Some(record)).ok().map(|(target, _)| target);
    let (Some(place), Some(target)) = (place, target) else { return Ok(None) };
    let seen = judged.report.state.as_ref().and_then(|state| state.chain.id);
    let Some(chain_id) = target.chain_id.or(seen) else { return Ok(None) };
    let state = StateDir::open(&place).map_err(lock_error)?;
    let whose = (target.deposit, target.client, chain_id);
    LockedFundJournal::read(&state, whose, Duration::ZERO).map_err(journal_error)
}

/// Adds what the journal has against a top-up. While one is under way, a deposit by hand could be a second one.
fn add_journal(funding: &mut Funding, journal: &FundJournal, cool_down_s: i64, now: Moment) {
    if let Some(open) = &journal.intent {
        let (amount, run) = (open.plan.amount.supra(), &open.intent.run_id);
        let text = format!("the top-up of run {run} ({amount} SUPRA) has no outcome yet");
        let hint = "do not deposit by hand; the next run of --execute decides about it";
        funding.reasons.push(FundError::new(FundCode::IntentOpen, text).with_hint(hint));
        funding.remedy = None;
    }
    funding.reasons.extend(cooling_down(journal, cool_down_s, now));
}

/// Adds the signer, what it owns, and why it cannot pay.
fn add_signer(
    funding: &mut Funding,
    signer: Address,
    balance: Result<Quants, FundError>,
    limits: &FundLimits,
    gas: Quants,
) {
    funding.signer = Some(signer);
    match balance {
        Ok(balance) => {
            funding.signer_balance = Some(balance);
            let amount = funding.amount.unwrap_or_default();
            let against = check_signer(amount, balance, limits, gas);
            funding.payable = Some(against.is_none());
            funding.reasons.extend(against);
        }
        Err(error) => funding.reasons.push(error),
    }
}

fn exit_of(funding: &Funding) -> Exit {
    let is_known = funding.missing.is_some()
        || funding.reasons.iter().any(|reason| reason.code == FundCode::ClientNotWhitelisted);
    match (is_known, funding.missing == Some(true) || !funding.reasons.is_empty()) {
        (false, _) => Exit::CannotAnswer,
        (true, true) => Exit::No,
        (true, false) => Exit::Done,
    }
}
