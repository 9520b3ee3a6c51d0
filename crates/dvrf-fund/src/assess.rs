//! What a deposit lacks, and what stands against topping it up, by a report and its verdict.

use dvrf_cli::checker::Checked;
use supra_core::address::Address;
use supra_core::amount::Quants;
use supra_core::check::code::Code;
use supra_core::check::remedy::{Goal, deposit_call, deposit_remedy, own_deposit, shortage};
use supra_core::check::{Checks, Policy, Severity};
use supra_core::forecast::Confidence;
use supra_core::fund::{FundCode, FundError, Funding};
use supra_core::report::Report;
use supra_core::state::consumer::UNUSABLE_FUND;

/// Findings by which the values are not those of the chain now.
const DOUBTS: [Code; 4] = [Code::WrongChain, Code::ChainStale, Code::ReportStale, Code::DepositViewsDisagree];

const RAISE: &str = "raise --to above --warn, or lower --warn";

/// What the report says about topping the deposit up. The signer is not looked at.
pub(crate) fn assess(checked: &Checked, policy: &Policy, goal: Option<Goal>) -> Funding {
    let (report, checks) = (&checked.report, &checked.checks);
    let client = report.id.payer().and_then(|payer| payer.parse().ok());
    let (balance, minimum) = (checks.available_quants, checks.min_balance_onchain);
    let mut funding = Funding { client, balance, minimum, ..Funding::default() };
    if let Some(doubt) = doubt(checked) {
        funding.reasons.push(doubt);
        return funding;
    }
    let deposit = report.state.as_ref().map(|state| &state.deposit);
    let mut against = |code, text: &str, hint: &str| {
        funding.reasons.push(FundError::new(code, text).with_hint(hint));
    };
    if deposit.and_then(|deposit| deposit.client_whitelisted) == Some(false) {
        let hint = "check the client's address and the network: only a whitelisted client has a fund";
        against(FundCode::ClientNotWhitelisted, "the client is not whitelisted in the deposit module", hint);
        return funding;
    }
    let is_low = checks.findings.iter().any(|finding| {
        finding.code.is_deposit_level() && matches!(finding.severity, Severity::Warning | Severity::Critical)
    });
    funding.low = Some(is_low);
    if matches!(goal, Some(Goal::Span(_))) && !is_rate_known(checks) {
        let text = "how fast the deposit is spent is not known well enough for --for";
        let hint = "let the tools write a week of history under --state-dir, or use --to";
        against(FundCode::Unknown, text, hint);
        return funding;
    }
    let missing = shortage(checks, policy, goal);
    funding.missing = Some(missing.is_some());
    let Some(missing) = missing else {
        funding.amount = Some(Quants(0));
        if is_low {
            let text = "the target is reached, and the deposit is still low";
            funding.reasons.push(FundError::new(FundCode::TargetTooLow, text).with_hint(RAISE));
        }
        return funding;
    };
    (funding.amount, funding.target) = (Some(missing.amount), Some(missing.target));
    funding.remedy = deposit_remedy(checks, report, policy, &missing);
    let mut against = |code, text: &str, hint: &str| {
        funding.reasons.push(FundError::new(code, text).with_hint(hint));
    };
    if deposit.and_then(|deposit| deposit.paused) == Some(true) {
        against(FundCode::DepositPaused, "Supra paused the deposit module", "wait, or ask Supra");
    }
    let quants = u64::try_from(missing.amount.get()).unwrap_or(u64::MAX);
    if deposit_call(report, quants).is_none() {
        let (text, hint) = match own_deposit(report) {
            Some(_) => (UNUSABLE_FUND, "correct run, args and signer under [fund] in the layout file"),
            None => (
                "this chain has no deposit_fund_v2 that anybody may call: in dVRF 2 only the client itself can deposit",
                "sign deposit_fund as the client, or use the wrapper of the contract that is the client: [fund] of a layout names it",
            ),
        };
        against(FundCode::OwnFunction, text, hint);
    }
    let is_still_low =
        minimum.is_some_and(|minimum| policy.warn.exceeds_ratio(missing.target.get(), minimum.get()));
    if is_still_low || minimum.is_some_and(|minimum| missing.target <= minimum) {
        let text = format!("the target of {} SUPRA would still be low", missing.target.supra());
        against(FundCode::TargetTooLow, &text, RAISE);
    }
    funding
}

/// Why this account cannot sign the contract's own function.
pub(crate) fn wrong_signer(report: &Report, signer: Address) -> Option<FundError> {
    let needed = own_deposit(report)?.signer.filter(|needed| *needed != signer)?;
    let text = format!("[fund] of the layout is signed by {needed}, and the signer is {signer}");
    Some(FundError::new(FundCode::OwnFunction, text).with_hint("use the profile of that account"))
}

/// Whether the history says how fast money is spent, with more than low confidence.
fn is_rate_known(checks: &Checks) -> bool {
    let runway = checks.runway.as_ref();
    runway.is_some_and(|runway| runway.per_day.is_some() && runway.confidence > Confidence::Low)
}

/// Why the report does not say what is missing.
fn doubt(checked: &Checked) -> Option<FundError> {
    let (report, checks) = (&checked.report, &checked.checks);
    let unknown = |text: String| {
        FundError::new(FundCode::Unknown, text).with_hint("nothing is sent on what is not known")
    };
    let deposit = report.state.as_ref().map(|state| &state.deposit);
    if let Some(finding) = checks.findings.iter().find(|finding| DOUBTS.contains(&finding.code)) {
        return Some(unknown(finding.message.clone()));
    }
    let is_not_there = deposit.and_then(|deposit| deposit.client_whitelisted) == Some(false);
    if checks.available_quants.is_some() && checks.min_balance_onchain.is_some() || is_not_there {
        let is_whitelisted = deposit.and_then(|deposit| deposit.client_whitelisted);
        return is_whitelisted
            .is_none()
            .then(|| unknown("whether the client is whitelisted is not known".to_owned()));
    }
    let why = checks.findings.iter().find(|finding| finding.severity == Severity::Unknown);
    let why = why.map(|finding| format!(": {}", finding.message)).unwrap_or_default();
    Some(unknown(format!("the client's fund or its minimum is not known{why}")))
}

#[cfg(test)]
mod tests {
    use dvrf_cli::exit::Exit;
    use jiff::Timestamp;
    use rstest::rstest;
    use supra_core::amount::Decimal;
    use supra_core::check::Checker;
    use supra_core::forecast::{Basis, Runway};
    use supra_core::report::SubscriptionId;
    use supra_core::state::{Deposit, State};
    use supra_core::view_report::ViewReport;

    use super::*;

    /// The verdict on a deposit, at its minimum but for the change.
    fn assessed(change: impl FnOnce(&mut Deposit), goal: Option<Goal>) -> Funding {
        let mut deposit = Deposit {
            balance: Some(Quants(100)),
            min_balance: Some(Quants(100)),
            supra_min_balance: Some(Quants(1)),
            client_whitelisted: Some(true),
            paused: Some(false),
            modules: Some(Vec::new()),
            ..Deposit::default()
        };
        change(&mut deposit);
        let id = SubscriptionId { client: Some("0xc".into()), ..SubscriptionId::default() };
        let view = ViewReport { function: Some("0xd::deposit::balance".into()), ..ViewReport::default() };
        let report = Report {
            id,
            state: Some(State { deposit, ..State::default() }),
            views: [("balance".to_owned(), view)].into(),
            ..Report::default()
        };
        let policy = Policy::default();
        let checker = Checker { policy: policy.clone(), calculation: None };
        let checks = checker.check(&report, None, Timestamp::UNIX_EPOCH);
        assess(&Checked { report, checks, history: Vec::new(), exit: Exit::Done }, &policy, goal)
    }

    fn codes(funding: &Funding) -> Vec<FundCode> {
        funding.reasons.iter().map(|reason| reason.code).collect()
    }

    #[rstest]
    #[case::at_its_minimum(|_: &mut Deposit| {}, Some(true), Some(200), vec![])]
    #[case::just_low(|deposit: &mut Deposit| deposit.balance = Some(Quants(199)), Some(true), Some(101), vec![])]
    #[case::not_low(|deposit: &mut Deposit| deposit.balance = Some(Quants(200)), Some(false), Some(100), vec![])]
    #[case::at_the_target(|deposit: &mut Deposit| deposit.balance = Some(Quants(300)), Some(false), Some(0), vec![])]
    #[case::paused(|deposit: &mut Deposit| deposit.paused = Some(true), Some(true), Some(200), vec![FundCode::DepositPaused])]
    #[case::no_function(|deposit: &mut Deposit| deposit.modules = None, Some(true), Some(200), vec![FundCode::OwnFunction])]
    #[case::nobody(|deposit: &mut Deposit| deposit.client_whitelisted = Some(false), None, None, vec![FundCode::ClientNotWhitelisted])]
    #[case::nobody_and_nothing(
        |deposit: &mut Deposit| *deposit = Deposit { client_whitelisted: Some(false), ..Deposit::default() },
        None,
        None,
        vec![FundCode::ClientNotWhitelisted]
    )]
    #[case::whose(|deposit: &mut Deposit| deposit.client_whitelisted = None, None, None, vec![FundCode::Unknown])]
    #[case::no_balance(|deposit: &mut Deposit| deposit.balance = None, None, None, vec![FundCode::Unknown])]
    #[case::no_minimum(|deposit: &mut Deposit| deposit.min_balance = None, None, None, vec![FundCode::Unknown])]
    fn what_is_missing(
        #[case] change: fn(&mut Deposit),
        #[case] low: Option<bool>,
        #[case] amount: Option<u128>,
        #[case] reasons: Vec<FundCode>,
    ) {
        let funding = assessed(change, None);
        assert_eq!((funding.low, funding.amount.map(Quants::get)), (low, amount), "{funding:?}");
        assert_eq!(codes(&funding), reasons, "{funding:?}");
        let missing = amount.filter(|_| low.is_some()).map(|amount| amount > 0);
        assert_eq!(funding.missing, missing);
    }

    #[rstest]
    #[case::enough(Goal::Amount(Quants(300)), Some(200), vec![])]
    #[case::no_longer_low(Goal::Ratio(Decimal::percent(200)), Some(100), vec![])]
    #[case::still_low(Goal::Ratio(Decimal::percent(199)), Some(99), vec![FundCode::TargetTooLow])]
    #[case::reached_and_low(Goal::Amount(Quants(100)), Some(0), vec![FundCode::TargetTooLow])]
    #[case::not_known_how_fast(Goal::Span(86_400), None, vec![FundCode::Unknown])]
    fn what_a_goal_lacks(#[case] goal: Goal, #[case] amount: Option<u128>, #[case] reasons: Vec<FundCode>) {
        let funding = assessed(|_| {}, Some(goal));
        assert_eq!((funding.low, funding.amount.map(Quants::get)), (Some(true), amount), "{funding:?}");
        assert_eq!(codes(&funding), reasons, "{funding:?}");
    }

    #[test]
    fn a_doubt_says_what_is_not_known() {
        let funding = assessed(|deposit| deposit.balance = None, None);
        assert_eq!(
            funding.reasons[0].message,
            "the client's fund or its minimum is not known: the balance is not known"
        );
    }

    #[rstest]
    #[case::no_forecast(None, false)]
    #[case::a_direction_without_a_date(Some((true, Confidence::Low)), false)]
    #[case::well_enough(Some((true, Confidence::Medium)), true)]
    #[case::of_requests(Some((false, Confidence::High)), false)]
    fn how_fast_money_is_spent_is_known(
        #[case] forecast: Option<(bool, Confidence)>,
        #[case] expected: bool,
    ) {
        let runway = |(has_rate, confidence): (bool, Confidence)| Runway {
            draws: None,
            seconds: 86_400,
            at: None,
            per_day: has_rate.then_some(Quants(1)),
            grant: None,
            basis: Basis::Balance,
            confidence,
        };
        let checks = Checks { runway: forecast.map(runway), ..Checks::default() };
        assert_eq!(is_rate_known(&checks), expected);
    }
}
