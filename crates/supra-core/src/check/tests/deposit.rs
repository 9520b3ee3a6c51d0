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
