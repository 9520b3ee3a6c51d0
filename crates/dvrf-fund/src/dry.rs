//! `dvrf-fund` without `--execute`: what is missing, whether it can be paid, and the command to run by hand.

use dvrf_cli::card::{Layout, card_of, nothing_to_watch};
use dvrf_cli::connect::TargetReader;
use dvrf_cli::exit::Exit;
use dvrf_cli::nodes::LIMIT;
use dvrf_cli::pipeline::each;
use dvrf_cli::settings::variables;
use dvrf_cli::{CliError, Session};
use supra_core::address::Address;
use supra_core::amount::Quants;
use supra_core::fund::{FundCode, FundError, Funding};

use crate::args::{Format, FundArgs, FundLimits, checker, goal};
use crate::assess::assess;
use crate::runner::{check_amount, gas_allowance};
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
        if let Some(signer) = signer.filter(|_| funding.missing == Some(true)) {
            let balance = owned.get_or_insert_with(|| owned_by(signer, session)).clone();
            add_signer(&mut funding, signer, balance, &limits, gas);
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

/// Adds the signer, what it owns, and the limits that it would break.
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
            let against = check_amount(amount, balance, (0, 0), limits, gas);
            funding.payable = Some(!against.iter().any(|reason| reason.code == FundCode::Reserve));
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
