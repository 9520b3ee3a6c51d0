//! Where a deposit's values are absent, or exactly at a bound.

use super::*;

#[rstest]
#[case::only_the_balance(Some(30), None, &["balance"])]
#[case::the_minimum_too(None, None, &["balance", "min_balance"])]
#[case::but_the_chain_says_that_it_is_above(None, Some(false), &["balance"])]
fn what_is_not_known_is_named_once(
    #[case] minimum: Option<u128>,
    #[case] flag: Option<bool>,
    #[case] expected: &[&str],
) {
    let mut state = healthy();
    state.deposit.balance = None;
    (state.deposit.min_balance, state.deposit.at_or_below_minimum) = (minimum.map(Quants), flag);
    let findings = evaluate_state(&state, &Policy::default()).findings;
    assert_eq!(
        findings.iter().flat_map(Finding::unread_values).collect::<Vec<_>>(),
        expected,
        "{findings:?}"
    );
}

#[test]
fn the_recommended_deposit_is_enough() {
    let (mut state, views, calculation) = (healthy(), views(), gas_calculation());
    let wanted = calculation.recommended_deposit;
    for (balance, is_told) in [(wanted.get(), false), (wanted.get() - 1, true)] {
        state.deposit.balance = Some(Quants(balance));
        let facts = Facts { calculation: Some(&calculation), ..facts(&state, &views) };
        let findings = evaluate(facts, &Policy::default()).findings;
        let told = findings.iter().any(|finding| finding.code == Code::AvailableBelowRecommendedDeposit);
        assert_eq!(told, is_told, "{balance}: {findings:?}");
    }
}

/// A minimum that rose above what the contract or the operator assumed.
#[rstest]
#[case::as_assumed(30_000_000, None, &[])]
#[case::above_the_contracts(29_999_999, None, &[Code::MinBalanceDrifted])]
#[case::above_the_calculated(30_000_000, Some(29_999_999), &[Code::MinBalanceDrifted])]
#[case::below_both(30_000_001, Some(30_000_001), &[])]
fn the_minimum_against_what_was_assumed(
    #[case] snapshot: u128,
    #[case] calculated: Option<u128>,
    #[case] expected: &[Code],
) {
    let (mut state, views) = (healthy(), views());
    state.lottery.min_balance_snapshot = Some(crate::state::Maybe(Some(Quants(snapshot))));
    let calculation =
        calculated.map(|minimum| Calculation { min_balance: Quants(minimum), ..gas_calculation() });
    let facts = Facts { calculation: calculation.as_ref(), ..facts(&state, &views) };
    let findings = evaluate(facts, &Policy::default()).findings;
    let codes = findings.iter().map(|finding| finding.code);
    assert_eq!(codes.filter(|code| *code == Code::MinBalanceDrifted).collect::<Vec<_>>(), expected);
}

#[test]
fn modules_that_were_published_anew_are_named() {
    let mut state = healthy();
    state.chain.upgraded_modules = vec!["0x9::a".to_owned(), "0x9::b\u{1b}".to_owned()];
    let checks = evaluate_state(&state, &Policy::default());
    assert_eq!((checks.status, checks.findings.len()), (Status::Ok, 1));
    let finding = &checks.findings[0];
    assert_eq!((finding.code, finding.severity), (Code::ContractUpgraded, Severity::Info));
    assert_eq!(finding.message, "the bytecode of 0x9::a, 0x9::b\\u{1b} has changed within the last day");
}
