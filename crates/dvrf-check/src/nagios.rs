//! One plugin line with performance data, as the monitoring-plugins guidelines define it.

use std::collections::BTreeSet;
use std::io::{self, Write};

use supra_core::amount::{Count, Decimal, Quants};
use supra_core::check::{Checks, Policy, Severity, Status};
use supra_core::failure::is_hidden;

/// The state that a plugin reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginState {
    /// Exit 0.
    Ok,
    /// Exit 1.
    Warning,
    /// Exit 2.
    Critical,
    /// Exit 3.
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

    /// The worse of two states, in the order critical, warning, unknown, ok.
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

    /// The state of a verdict; an unknown one counts as `unanswered`.
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

/// What one record contributes to the plugin's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    name: String,
    state: PluginState,
    summary: String,
    balance: Option<u128>,
    minimum: Option<u128>,
    requests_left: Option<u128>,
    warn: Option<u128>,
    critical: Option<u128>,
}

impl Host {
    /// The result of a checked record.
    pub fn new(name: &str, checks: &Checks, state: PluginState, policy: &Policy) -> Self {
        let gravest = checks.findings.first().filter(|_| checks.status != Status::Ok);
        let summary = match (gravest, &checks.ratio) {
            (Some(finding), _) => {
                let nonce = finding.evidence.get("nonce").and_then(|nonce| nonce.as_str());
                let nonce = nonce.map(|nonce| format!(", nonce {nonce}")).unwrap_or_default();
                format!("{} ({}{nonce})", finding.message, finding.code.name())
            }
            (None, Some(ratio)) => format!("{ratio}x minimum"),
            (None, None) => "deposit above the minimum".to_owned(),
        };
        let minimum = checks.min_balance_onchain.map(Quants::get);
        let threshold = |tier: Decimal| minimum.and_then(|minimum| tier.of(minimum).ok());
        Self {
            name: label(name),
            state,
            summary: line(&summary),
            balance: checks.available_quants.map(Quants::get),
            minimum,
            requests_left: checks.requests_left.map(Count::get),
            warn: threshold(policy.warn),
            critical: threshold(policy.critical),
        }
    }

    /// The result of a run that checked no record.
    pub fn failed(why: &str, state: PluginState) -> Self {
        Self {
            name: String::new(),
            state,
            summary: line(why),
            balance: None,
            minimum: None,
            requests_left: None,
            warn: None,
            critical: None,
        }
    }

    /// Performance data. An unknown value is `U`; the range `limit:` alerts below the limit.
    fn perfdata(&self, prefix: &str) -> String {
        let number = |value: Option<u128>| value.map_or_else(|| "U".to_owned(), |value| value.to_string());
        let range = |limit: Option<u128>| limit.map_or_else(String::new, |limit| format!("{limit}:"));
        format!(
            "'{prefix}balance'={};{};{};0; '{prefix}min_balance'={};;;0; '{prefix}requests_left'={};;;0;",
            number(self.balance),
            range(self.warn),
            range(self.critical),
            number(self.minimum),
            number(self.requests_left),
        )
    }
}

/// Replaces bars and hidden characters in the plugin line: a bar would begin the performance data.
fn line(text: &str) -> String {
    text.chars().map(|c| if c == '|' || is_hidden(c) { ' ' } else { c }).collect()
}

/// Replaces what a performance-data label must not contain, such as quotes and `=`.
fn label(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || "-_.:@/".contains(c) { c } else { '_' }).collect()
}

/// Numbers the second and further of the same names: a monitoring system keeps one series per label.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut label = |name: &str| {
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let mut free =
            std::iter::once(name.to_owned()).chain(numbered).filter(|label| taken.insert(label.clone()));
        free.next().unwrap_or_default()
    };
    names.map(&mut label).collect()
}

/// The worst state of a run.
pub fn worst(hosts: &[Host]) -> PluginState {
    hosts.iter().fold(PluginState::Ok, |worst, host| worst.worse(host.state))
}

/// Writes the plugin's output: one line for one record; for several records a summary line, then a line for each.
pub fn write(hosts: &[Host], out: &mut dyn Write) -> io::Result<()> {
    let word = worst(hosts).word();
    if let [host] = hosts {
        return writeln!(out, "DVRF {word} - {} | {}", host.summary, host.perfdata(""));
    }
    let states = [PluginState::Critical, PluginState::Warning, PluginState::Unknown, PluginState::Ok];
    let counts: Vec<String> = states
        .into_iter()
        .map(|state| (state, hosts.iter().filter(|host| host.state == state).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| format!("{count} {}", state.word().to_lowercase()))
        .collect();
    let labels = distinct(hosts.iter().map(|host| host.name.as_str()));
    let perfdata: Vec<String> =
        hosts.iter().zip(labels).map(|(host, label)| host.perfdata(&format!("{label}_"))).collect();
    writeln!(out, "DVRF {word} - {} | {}", counts.join(", "), perfdata.join(" "))?;
    for host in hosts {
        writeln!(out, "{} {}: {}", host.state.word(), host.name, host.summary)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_distinct() {
        let labels = |names: &[&str]| distinct(names.iter().copied());
        assert_eq!(labels(&["a", "b"]), ["a", "b"]);
        assert_eq!(labels(&["a", "a_2", "a", "a"]), ["a", "a_2", "a_3", "a_4"]);
    }
    use supra_core::check::evaluate_failure;
    use supra_core::report::ReportError;

    fn render(checks: &Checks) -> String {
        let mut out = Vec::new();
        let state = PluginState::of(checks, PluginState::Unknown);
        write(&[Host::new("x", checks, state, &Policy::default())], &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines() {
        let mut checks = {
            let error =
                ReportError { kind: "timeout".into(), message: "a | b".into(), view: None, hint: None };
            evaluate_failure(&error, &Policy::default())
        };
        assert_eq!(
            render(&checks),
            "DVRF UNKNOWN - nothing could be judged: a   b (VALUE_UNKNOWN) | 'balance'=U;;;0; 'min_balance'=U;;;0; 'requests_left'=U;;;0;\n"
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
    fn several_records_have_one_first_line() {
        let host = |name: &str, state| Host { name: label(name), ..Host::failed("why", state) };
        let hosts =
            [host("a", PluginState::Ok), host("b's=", PluginState::Critical), host("c", PluginState::Ok)];
        let mut out = Vec::new();
        write(&hosts, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0].split(" | ").next(), Some("DVRF CRITICAL - 1 critical, 2 ok"));
        assert!(lines[0].contains(" 'b_s__balance'=U;;;0; "), "{text}");
        assert_eq!(&lines[1..], ["OK a: why", "CRITICAL b_s_: why", "OK c: why"]);
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
