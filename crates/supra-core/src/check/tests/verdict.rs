//! What a verdict carries: numbers, lists of codes, and whether the deposit is low.

use serde_json::Map;

use super::*;

#[test]
fn a_verdict_has_its_numbers_beside_it() {
    let (mut state, views, calculation) = (healthy(), views(), gas_calculation());
    state.deposit.grant_remaining = Some(Quants(5));
    let facts = Facts { calculation: Some(&calculation), ..facts(&state, &views) };
    let checks = evaluate(facts, &Policy::default());
    assert_eq!(checks.available_quants, Some(Quants(20_000_000_000)));
    assert_eq!(checks.min_balance_onchain, Some(Quants(30_000_000)));
    assert_eq!(checks.ratio, Some("666.66".parse().unwrap()));
    assert_eq!(checks.min_balance_expected, Some(calculation.min_balance));
    assert_eq!(checks.recommended_deposit, Some(calculation.recommended_deposit));
    assert_eq!((checks.grant_remaining, checks.requests_left), (Some(Quants(5)), Some(Count(19_970))));
    let own = evaluate(facts, &Policy { min_balance_limit: Some(Quants(7)), ..Policy::default() });
    assert_eq!(own.min_balance_expected, Some(Quants(7)));
}

/// What is critical is a violation, what is known and less grave a warning.
#[test]
fn findings_are_listed_by_their_weight() {
    let finding = |code: Code, severity| Finding::new(code, severity, "m".to_owned(), Map::new(), Lang::En);
    let all = vec![
        finding(Code::ContractUpgraded, Severity::Info),
        finding(Code::RequestStuck, Severity::Warning),
        finding(Code::ValueUnknown, Severity::Unknown),
        finding(Code::DepositPaused, Severity::Critical),
    ];
    let checks = verdict(all, &Policy::default());
    assert_eq!(checks.violations, [Code::DepositPaused]);
    assert_eq!(checks.warnings, [Code::RequestStuck, Code::ContractUpgraded]);
    assert_eq!((checks.status, checks.severity), (Status::Alert, Some(Severity::Critical)));
}

#[test]
fn low_is_any_minimum_reached() {
    let is_low = |state: State, min_balance_limit: Option<Quants>| {
        let policy = Policy { min_balance_limit, ..Policy::default() };
        let report = Report { state: Some(state), ..Report::default() };
        Checker { policy, calculation: None }.is_low(&report)
    };
    let low = |balance: Option<u128>, minimum: Option<u128>, flag: Option<bool>| {
        let mut state = healthy();
        state.deposit.balance = balance.map(Quants);
        state.deposit.min_balance = minimum.map(Quants);
        state.deposit.at_or_below_minimum = flag;
        is_low(state, None)
    };
    assert_eq!(low(Some(5), Some(5), None), Some(true));
    assert_eq!(low(Some(6), Some(5), None), Some(false));
    assert_eq!(low(Some(6), None, Some(true)), Some(true));
    assert_eq!(low(Some(6), None, None), None);
    assert_eq!(low(None, Some(5), Some(false)), None);
    assert_eq!(low(None, None, Some(true)), Some(true));
    assert_eq!(is_low(healthy(), Some(Quants(20_000_000_000))), Some(true));
}

/// The formula of this run goes before the one that a report came with.
#[rstest]
#[case::of_neither(None, None, false)]
#[case::of_the_report(Some(20_000_000_000), None, true)]
#[case::of_this_run(None, Some(20_000_000_000), true)]
#[case::of_both(Some(20_000_000_000), Some(1), false)]
fn low_by_the_formula(#[case] of_report: Option<u128>, #[case] own: Option<u128>, #[case] expected: bool) {
    let formula = |min_balance| Calculation { min_balance: Quants(min_balance), ..gas_calculation() };
    let report = Report { state: Some(healthy()), calculation: of_report.map(formula), ..Report::default() };
    let checker = Checker { policy: Policy::default(), calculation: own.map(formula) };
    assert_eq!(checker.is_low(&report), Some(expected));
}

#[test]
fn a_report_without_a_state_is_unknown() {
    let failure = Failure::new(FailureKind::Unreachable, "no node answers");
    let report = Report { error: Some(ReportError::new(&failure, Some("balance"))), ..Report::default() };
    let checks = Checker { policy: Policy::default(), calculation: None }.check(&report, None, now());
    let [finding] = checks.findings.as_slice() else { panic!("{checks:?}") };
    assert_eq!((checks.status, finding.code), (Status::Unknown, Code::ValueUnknown));
    assert_eq!(finding.message, "nothing could be judged: no node answers");
    assert_eq!(finding.evidence["value"], "balance");
}
