//! The verdict of the old scripts: only a deposit at or below a minimum is an alert.

use super::code::Code;
use super::{Checks, Policy, Severity, Status};
use crate::amount::Quants;
use crate::report::Report;

/// What the old check listed as violations, and a client that the deposit module does not know, on which it failed.
const VIOLATIONS: [Code; 4] = [
    Code::DepositAtOrBelowMinBalance,
    Code::AvailableBelowExpectedMinBalance,
    Code::AvailableBelowCalculatedMinBalance,
    Code::ClientNotWhitelisted,
];

/// Findings that say that nothing read of the chain is about this subscription as it is now.
const UNTRUSTED: [Code; 3] = [Code::WrongChain, Code::ChainStale, Code::ReportStale];

impl Checks {
    /// The same findings judged as the old scripts did. The status is unknown only where the deposit or the chain's minimum
    /// could not be read, or the node cannot be trusted.
    #[must_use]
    pub fn by_old_rules(self, report: &Report, policy: &Policy) -> Self {
        let is_violation = |code: &Code| VIOLATIONS.contains(code);
        let codes = || self.findings.iter().filter(|finding| finding.severity != Severity::Unknown);
        let list = |wanted: bool| {
            codes()
                .map(|finding| finding.code)
                .filter(|code| is_violation(code) == wanted)
                .collect::<Vec<_>>()
        };
        let (mut violations, mut warnings) = (list(true), list(false));
        // Today one finding says that the deposit is low; the old check compared it with each limit.
        let is_below = |limit: Option<Quants>| {
            self.available_quants.zip(limit).is_some_and(|(held, limit)| held < limit)
        };
        let expected = match policy.min_balance_limit {
            Some(_) => Code::AvailableBelowExpectedMinBalance,
            None => Code::AvailableBelowCalculatedMinBalance,
        };
        if is_below(self.min_balance_expected) && !violations.contains(&expected) {
            violations.push(expected);
        }
        let recommended = Code::AvailableBelowRecommendedDeposit;
        if is_below(self.recommended_deposit) && !warnings.contains(&recommended) {
            warnings.push(recommended);
        }
        let deposit = report.state.as_ref().map(|state| &state.deposit);
        let is_known = deposit.is_some_and(|deposit| {
            let compared = deposit.at_or_below_minimum.or_else(|| deposit.is_at_minimum());
            deposit.balance.is_some() && compared.is_some()
        });
        let is_untrusted = self.findings.iter().any(|finding| UNTRUSTED.contains(&finding.code));
        let status = if !violations.is_empty() {
            Status::Alert
        } else if is_known && !is_untrusted {
            Status::Ok
        } else {
            Status::Unknown
        };
        Self { status, violations, warnings, ..self }
    }
}
