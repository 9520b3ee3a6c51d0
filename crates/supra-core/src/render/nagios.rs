//! One plugin line with performance data, by the monitoring-plugins guidelines.

use std::io::{self, Write};

use crate::check::{Checks, Policy, Severity, Status};

/// What a plugin says about a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginState {
    /// 0.
    Ok,
    /// 1.
    Warning,
    /// 2.
    Critical,
    /// 3.
    Unknown,
}

impl PluginState {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// The worse of two hosts: critical, warning, unknown, ok.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let rank = |state: Self| match state {
            Self::Ok => 0,
            Self::Unknown => 1,
            Self::Warning => 2,
            Self::Critical => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }

    /// The state of a verdict; `unanswered` is what an unknown one counts as.
    pub fn of(checks: &Checks, unanswered: PluginState) -> Self {
        match (checks.status, checks.severity) {
            (Status::Ok, _) => Self::Ok,
            (Status::Unknown, _) => unanswered,
            (Status::Alert, Some(Severity::Critical)) => Self::Critical,
            (Status::Alert, _) => Self::Warning,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// Writes the line.
pub fn line(checks: &Checks, state: PluginState, policy: &Policy, out: &mut dyn Write) -> io::Result<()> {
    let gravest = checks.findings.first().filter(|_| checks.status != Status::Ok);
    let summary = match (gravest, &checks.ratio) {
        (Some(finding), _) => finding.message.clone(),
        (None, Some(ratio)) => format!("{ratio}x minimum"),
        (None, None) => "deposit above the minimum".to_owned(),
    };
    // A bar begins the performance data, so it cannot stand in the text.
    let summary: String =
        summary.chars().map(|c| if c == '|' || crate::failure::is_hidden(c) { ' ' } else { c }).collect();
    let number = |quants: Option<u128>| quants.map_or_else(|| "U".to_owned(), |quants| quants.to_string());
    let minimum = checks.min_balance_onchain.map(super::super::amount::Quants::get);
    let threshold = |by: crate::amount::Decimal| minimum.and_then(|minimum| by.of(minimum).ok());
    let range = |limit: Option<u128>| limit.map_or_else(String::new, |limit| format!("{limit}:"));
    writeln!(
        out,
        "DVRF {} - {summary} | 'balance'={};{};{};0; 'min_balance'={};;;0; 'requests_left'={};;;0;",
        state.word(),
        number(checks.available_quants.map(super::super::amount::Quants::get)),
        range(threshold(policy.warn)),
        range(threshold(policy.critical)),
        number(minimum),
        number(checks.requests_left.map(super::super::amount::Count::get)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount::{Count, Quants};
    use crate::check::evaluate_failure;

    fn render(checks: &Checks) -> String {
        let mut out = Vec::new();
        line(checks, PluginState::of(checks, PluginState::Unknown), &Policy::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines() {
        let mut checks = evaluate_failure("timeout", "a | b", &Policy::default());
        assert_eq!(
            render(&checks),
            "DVRF UNKNOWN - nothing could be judged: a   b | 'balance'=U;;;0; 'min_balance'=U;;;0; 'requests_left'=U;;;0;\n"
        );
        checks.status = Status::Ok;
        checks.findings.clear();
        checks.available_quants = Some(Quants(100));
        checks.min_balance_onchain = Some(Quants(30));
        checks.requests_left = Some(Count(70));
        checks.ratio = Some("3.33".to_owned());
        assert_eq!(
            render(&checks),
            "DVRF OK - 3.33x minimum | 'balance'=100;60:;30:;0; 'min_balance'=30;;;0; 'requests_left'=70;;;0;\n"
        );
    }

    #[test]
    fn the_worse_of_every_pair() {
        use PluginState::{Critical, Ok, Unknown, Warning};
        let ordered = [Ok, Unknown, Warning, Critical];
        for (i, &low) in ordered.iter().enumerate() {
            for &high in &ordered[i..] {
                assert_eq!((low.worse(high), high.worse(low)), (high, high));
            }
        }
        assert_eq!([Ok, Warning, Critical, Unknown].map(PluginState::code), [0, 1, 2, 3]);
    }
}
