//! The keys of findings, and what an incomplete verdict says.

use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn finding(code: Code, severity: Severity, evidence: &Value) -> Finding {
    let evidence = evidence.as_object().cloned().unwrap_or_default();
    Finding::new(code, severity, "m".to_owned(), evidence, supra_core::lang::Lang::En)
}

#[rstest]
#[case::blocked(Code::DepositAtOrBelowMinBalance, json!({"balance": "1"}), "deposit")]
#[case::tier(Code::DepositBelowWarnTier, json!({"threshold": 2}), "deposit")]
#[case::expected(Code::AvailableBelowExpectedMinBalance, json!({}), "deposit")]
#[case::module(Code::ModuleDisabled, json!({"module": "0x1::m"}), "MODULE_DISABLED 0x1::m")]
#[case::stuck(Code::RequestStuck, json!({"nonce": "5", "requested_at": null}), "request 5")]
#[case::undated(Code::RequestPending, json!({"nonce": null}), "request")]
#[case::setting(Code::GasLimitsDrifted, json!({"setting": "max_gas_price"}), "GAS_LIMITS_DRIFTED max_gas_price")]
#[case::paused(Code::DepositPaused, json!({}), "DEPOSIT_PAUSED")]
fn keys(#[case] code: Code, #[case] evidence: Value, #[case] expected: &str) {
    assert_eq!(key(&finding(code, Severity::Warning, &evidence)), expected);
}

#[test]
fn unknown_findings_are_one_problem() {
    let findings = vec![
        finding(Code::ModuleDisabled, Severity::Critical, &json!({"module": "a"})),
        finding(Code::ValueUnknown, Severity::Unknown, &json!({"value": "paused"})),
        finding(Code::ChainStale, Severity::Unknown, &json!({})),
        finding(Code::DepositBelowPlanTier, Severity::Info, &json!({})),
    ];
    let checks = Checks { status: Status::Alert, findings, ..Checks::default() };
    let template = MessageTemplate::default();
    let found = problems(&checks, Severity::Warning, &template);
    let keys: Vec<_> = found.iter().map(|problem| (problem.key.as_str(), problem.items.len())).collect();
    assert_eq!(keys, [("MODULE_DISABLED a", 1), ("unknown", 2)]);
    // A policy that alerts on less sees the deposit too, and a verdict by such a policy is believed.
    assert_eq!(problems(&checks, Severity::Info, &template).len(), 3);
    let low = Checks { findings: checks.findings[3..].to_vec(), ..checks };
    assert_eq!(problems(&low, Severity::Warning, &template).len(), 1);
    let fine = Checks { status: Status::Ok, ..low };
    assert_eq!(problems(&fine, Severity::Warning, &template), []);
}

#[test]
fn the_higher_limit_counts() {
    let limits = |percent, expected| Limits { ratio: Some(Decimal::percent(percent)), expected };
    let both = limits(100, true).and(limits(200, false));
    assert_eq!(both, limits(200, true));
    assert_eq!(Limits::default().and(both), both);
    assert_eq!(both.and(Limits::default()), both);
}
