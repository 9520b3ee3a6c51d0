//! The problems of a subscription: which findings are about the same thing, and how grave it is today. Pure.
//!
//! The key of a problem is the same in every run, whatever its level: the deposit is one problem, and each module, request
//! and setting is one of its own.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::message::{Item, MessageTemplate};
use supra_core::amount::{Decimal, Quants};
use supra_core::check::code::Code;
pub(crate) use supra_core::check::problem::{DEPOSIT, UNKNOWN, key, keys_without_subject};
use supra_core::check::{Checks, Finding, Severity, Status};

/// The key of the problem that another run holds the lock of the draw.
pub(crate) const DRAW_BUSY: &str = "draw_busy";
/// The key of the problem that another run holds the lock of the top-up.
pub(crate) const FUND_BUSY: &str = "fund_busy";

/// How grave a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gravity {
    /// The highest severity.
    pub severity: Severity,
    /// Whether requests are refused already.
    #[serde(default)]
    pub is_blocked: bool,
}

impl From<Severity> for Gravity {
    fn from(severity: Severity) -> Self {
        Self { severity, is_blocked: false }
    }
}

/// The limits that a deposit is below.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// The multiple of the chain's minimum.
    #[serde(rename = "clear_ratio")]
    pub ratio: Option<Decimal>,
    /// Whether it is below the expected minimum.
    #[serde(rename = "clear_expected")]
    pub expected: bool,
}

impl Limits {
    /// The higher of both limits.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let scaled = |ratio: Option<Decimal>| ratio.map(|ratio| ratio.of(1_000_000).unwrap_or(u128::MAX));
        let ratio = if scaled(other.ratio) > scaled(self.ratio) { other.ratio } else { self.ratio };
        Self { ratio, expected: self.expected || other.expected }
    }

    /// Whether the deposit is above the limits by the margin.
    pub fn is_clear(self, checks: &Checks, margin: Decimal) -> bool {
        let above = |limit: Option<Quants>, ratio: Decimal| {
            // An unknown limit does not keep the incident open, because the verdict is ok.
            let (Some(balance), Some(limit)) = (checks.available_quants, limit) else { return true };
            let wanted = ratio.of(limit.get()).and_then(|limit| margin.added_to(limit));
            wanted.is_ok_and(|wanted| balance.get() >= wanted)
        };
        self.ratio.is_none_or(|ratio| above(checks.min_balance_onchain, ratio))
            && (!self.expected || above(checks.min_balance_expected, Decimal::percent(100)))
    }

    fn of(finding: &Finding) -> Self {
        let expected = finding.also().any(|code| {
            matches!(code, Code::AvailableBelowExpectedMinBalance | Code::AvailableBelowCalculatedMinBalance)
        });
        Self::of_code(finding).and(Self { ratio: None, expected })
    }

    fn of_code(finding: &Finding) -> Self {
        match finding.code {
            Code::DepositAtOrBelowMinBalance => Self { ratio: Some(Decimal::percent(100)), expected: false },
            Code::DepositBelowCriticalTier | Code::DepositBelowWarnTier | Code::DepositBelowPlanTier => {
                let threshold = finding.evidence.get("threshold");
                let threshold = threshold.and_then(|text| Decimal::deserialize(text).ok());
                Self { ratio: Some(threshold.unwrap_or(Decimal::percent(100))), expected: false }
            }
            Code::AvailableBelowExpectedMinBalance | Code::AvailableBelowCalculatedMinBalance => {
                Self { ratio: None, expected: true }
            }
            _ => Self::default(),
        }
    }
}

/// A problem as one run sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is called in every run.
    pub key: String,
    /// How grave it is in this run.
    pub gravity: Gravity,
    /// Its findings in this run, worst first.
    pub items: Vec<Item>,
    /// The limits that the deposit is below.
    pub limits: Limits,
}

/// The problems of a verdict, worst first, else in the order of the findings. `least` is the lowest severity that is a
/// problem; a verdict of another policy that alerts on less counts too.
pub(crate) fn problems(checks: &Checks, least: Severity, template: &MessageTemplate) -> Vec<Problem> {
    let is_alert = checks.status == Status::Alert;
    let reaches =
        |finding: &Finding| is_alert && finding.severity != Severity::Unknown && finding.severity >= least;
    let any = checks.findings.iter().any(reaches);
    let mut found: Vec<Problem> = Vec::new();
    let mut add = |key: String, gravity: Gravity, limits: Limits, item: Option<Item>| match found
        .iter_mut()
        .find(|problem| problem.key == key)
    {
        Some(problem) => {
            problem.gravity = problem.gravity.max(gravity);
            problem.limits = problem.limits.and(limits);
            problem.items.extend(item);
        }
        None => found.push(Problem { key, gravity, limits, items: item.into_iter().collect() }),
    };
    for finding in &checks.findings {
        let counts = finding.severity == Severity::Unknown || reaches(finding) || is_alert && !any;
        if counts {
            let is_blocked = finding.code == Code::DepositAtOrBelowMinBalance;
            let gravity = Gravity { severity: finding.severity, is_blocked };
            add(key(finding), gravity, Limits::of(finding), Some(template.item(finding)));
        }
    }
    if checks.status == Status::Unknown {
        add(UNKNOWN.to_owned(), Severity::Unknown.into(), Limits::default(), None);
    }
    found.sort_by_key(|problem| Reverse(problem.gravity));
    found
}

/// Whether a problem says that another run holds a lock.
pub(crate) fn is_busy(key: &str) -> bool {
    [DRAW_BUSY, FUND_BUSY].contains(&key)
}

/// Whether a problem opens only after `unknown_after` runs in a row, because a single run means little.
pub(crate) fn is_patient(key: &str) -> bool {
    key == UNKNOWN || is_busy(key)
}

/// Whether a single run without a problem ends it.
pub(crate) fn ends_at_once(key: &str) -> bool {
    is_patient(key) || key.starts_with("draw") || key.starts_with("fund")
}

/// Whether this verdict says that a problem which it does not list is over. What could not be read is never healthy.
pub(crate) fn is_judged(key: &str, checks: &Checks) -> bool {
    let unknown: Vec<&Finding> =
        checks.findings.iter().filter(|finding| finding.severity == Severity::Unknown).collect();
    if unknown.is_empty() {
        return checks.status != Status::Unknown;
    }
    if key == DEPOSIT {
        return checks.available_quants.is_some() && checks.min_balance_onchain.is_some();
    }
    let deciding: &[&str] = match key.split(' ').next().unwrap_or_default() {
        "MODULE_DISABLED" | "MODULE_MISSING" => &["modules"],
        "MODULE_FEE_ABOVE_LIMIT" => &["modules", "max_txn_fee"],
        "DEPOSIT_PAUSED" => &["paused"],
        "CLIENT_NOT_WHITELISTED" => &["client_whitelisted"],
        _ => return false,
    };
    // A finding without values is about all of them.
    unknown
        .iter()
        .map(|finding| finding.unread_values())
        .all(|values| !values.is_empty() && !values.iter().any(|value| deciding.contains(value)))
}

#[cfg(test)]
mod tests;
