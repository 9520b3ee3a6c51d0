//! Silences: problems about which no messages are sent for a while. They change neither the verdict nor the exit code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::key;
use super::{Checks, Finding};

/// What a silence does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SilenceKind {
    /// No message is sent about the problem, except that it is over.
    Mute,
    /// Somebody works on the problem: no reminder of it is sent, and it is not escalated.
    Ack,
    /// A mute by a window of the settings file.
    Maintenance,
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Silence {
    /// What it does.
    pub kind: SilenceKind,
    /// The name of the subscription; all of them where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<String>,
    /// The code or the name of the problem; all of them where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// When it began, in seconds since 1970.
    pub since_s: i64,
    /// When it ends, in seconds since 1970.
    pub until_s: i64,
    /// Who asked for it, or the line of the window.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Silence {
    /// Returns whether it covers a problem of a subscription. `names` are the problem's key and the codes of its findings.
    pub fn covers(&self, subscription: &str, names: &[&str]) -> bool {
        let is_it = |wanted: &str, name: &str| {
            let kind = name.split(' ').next().unwrap_or_default();
            name.eq_ignore_ascii_case(wanted) || kind.eq_ignore_ascii_case(wanted)
        };
        self.subscription.as_deref().is_none_or(|wanted| wanted == subscription)
            && self.problem.as_deref().is_none_or(|wanted| names.iter().any(|name| is_it(wanted, name)))
    }

    /// Returns whether it covers the problem of a finding or, without a finding, the whole subscription.
    pub fn covers_finding(&self, subscription: &str, finding: Option<&Finding>) -> bool {
        match finding {
            Some(finding) => self.covers(subscription, &[&key(finding), finding.code.name()]),
            None => self.covers(subscription, &[]),
        }
    }

    /// Returns whether it covers the whole subscription or one of the findings. An acknowledgement needs a finding.
    fn concerns(&self, subscription: &str, findings: &[Finding]) -> bool {
        let is_whole = self.kind != SilenceKind::Ack && self.covers_finding(subscription, None);
        is_whole || findings.iter().any(|finding| self.covers_finding(subscription, Some(finding)))
    }
}

impl Checks {
    /// Notes which of these silences concern the subscription; without any, those of an earlier stage are kept.
    pub fn note_silences(&mut self, subscription: &str, silences: &[Silence]) {
        let concerned: Vec<Silence> = silences
            .iter()
            .filter(|silence| silence.concerns(subscription, &self.findings))
            .cloned()
            .collect();
        if !concerned.is_empty() {
            self.silences = concerned;
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::Map;

    use super::*;
    use crate::check::code::Code;
    use crate::check::{Severity, Status};
    use crate::lang::Lang;

    fn silence(kind: SilenceKind, subscription: Option<&str>, problem: Option<&str>) -> Silence {
        Silence {
            kind,
            subscription: subscription.map(str::to_owned),
            problem: problem.map(str::to_owned),
            since_s: 100,
            until_s: 200,
            by: "ann".to_owned(),
            reason: String::new(),
        }
    }

    #[rstest]
    #[case::all(None, None, true)]
    #[case::subscription(Some("main"), None, true)]
    #[case::other_subscription(Some("asia"), None, false)]
    #[case::key(None, Some("request"), true)]
    #[case::whole_key(None, Some("request 7"), true)]
    #[case::other_request(None, Some("request 8"), false)]
    #[case::code_in_other_case(Some("main"), Some("request_stuck"), true)]
    #[case::other_code(Some("main"), Some("REQUEST_PENDING"), false)]
    fn a_silence_covers_what_it_names(
        #[case] subscription: Option<&str>,
        #[case] problem: Option<&str>,
        #[case] expected: bool,
    ) {
        let names = ["request 7", "REQUEST_STUCK"];
        let silence = silence(SilenceKind::Mute, subscription, problem);
        assert_eq!(silence.covers("main", &names), expected);
    }

    /// A mute of the whole subscription is noted also where nothing is wrong; another silence where its problem is there.
    #[rstest]
    #[case::whole(SilenceKind::Mute, Some("main"), None, [true, true])]
    #[case::window(SilenceKind::Maintenance, None, None, [true, true])]
    #[case::other(SilenceKind::Mute, Some("asia"), None, [false, false])]
    #[case::problem(SilenceKind::Mute, None, Some("deposit"), [true, false])]
    #[case::code(SilenceKind::Maintenance, None, Some("DEPOSIT_BELOW_WARN_TIER"), [true, false])]
    #[case::other_problem(SilenceKind::Mute, Some("main"), Some("request"), [false, false])]
    #[case::ack(SilenceKind::Ack, Some("main"), None, [true, false])]
    fn what_concerns_a_verdict_is_noted_and_changes_nothing_else(
        #[case] kind: SilenceKind,
        #[case] subscription: Option<&str>,
        #[case] problem: Option<&str>,
        #[case] expected: [bool; 2],
    ) {
        let code = Code::DepositBelowWarnTier;
        let finding = Finding::new(code, Severity::Warning, String::new(), Map::new(), Lang::En);
        let low = Checks { status: Status::Alert, findings: vec![finding], ..Checks::default() };
        let fine = Checks { status: Status::Ok, ..Checks::default() };
        let all = [silence(kind, subscription, problem)];
        for (checks, expected) in [low, fine].into_iter().zip(expected) {
            let mut noted = checks.clone();
            noted.note_silences("main", &all);
            assert_eq!(noted.silences.len(), usize::from(expected));
            noted.silences.clear();
            assert_eq!(noted, checks);
        }
    }
}
