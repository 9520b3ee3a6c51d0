//! Findings: the results of single checks, and the list that the rules add them to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::code::Code;
use super::remediation::user_mistake;
use super::remedy::Remedy;
use super::title::title;
use crate::failure::{FailureKind, quote};
use crate::lang::Lang;
use crate::view_report::Views;

/// How severe a finding is. `Unknown` means that something could not be checked, not that it is severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// It could not be checked.
    Unknown,
    /// Act soon.
    Warning,
    /// Act now.
    Critical,
}

impl Severity {
    /// The stable name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// A result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The stable code of the finding.
    pub code: Code,
    /// How severe it is.
    pub severity: Severity,
    /// The problem in at most eight words.
    #[serde(default)]
    pub title: String,
    /// A sentence for people.
    pub message: String,
    /// The values that it is based on.
    pub evidence: Map<String, Value>,
    /// The section of the documentation that says what to do.
    pub help: String,
    /// What to do, with the amounts and addresses of this report.
    #[serde(default)]
    pub remedy: Remedy,
}

impl Finding {
    /// A finding with the title and the general remedy of its code.
    pub fn new(
        code: Code,
        severity: Severity,
        message: String,
        evidence: Map<String, Value>,
        lang: Lang,
    ) -> Self {
        let kind = evidence.get("error").filter(|_| code == Code::ValueUnknown);
        let kind = kind.and_then(|kind| FailureKind::deserialize(kind).ok());
        let mistake = kind.and_then(|kind| user_mistake(kind, lang));
        let (title, remedy) = mistake.map_or_else(
            || (title(code, &evidence, lang), Remedy::general(code, lang)),
            |(title, text)| (title, Remedy { text, command: None }),
        );
        Self { code, severity, title, message, evidence, help: code.help(), remedy }
    }

    /// The codes of the lower levels of the same problem, which this finding covers.
    pub fn also(&self) -> impl Iterator<Item = Code> {
        let codes = self.evidence.get("also").and_then(Value::as_array).map(Vec::as_slice);
        codes.unwrap_or_default().iter().filter_map(|code| Code::of_name(code.as_str()?))
    }

    /// The keys of the values that could not be read, if the finding is about such values.
    pub fn unread_values(&self) -> Vec<&str> {
        let one = self.evidence.get("value").and_then(Value::as_str);
        let many = self.evidence.get("values").and_then(Value::as_array).map(Vec::as_slice);
        one.into_iter().chain(many.unwrap_or_default().iter().filter_map(Value::as_str)).collect()
    }
}

/// Collects findings.
pub(super) struct Findings<'a> {
    pub(super) list: Vec<Finding>,
    pub(super) lang: Lang,
    pub(super) views: &'a Views,
}

impl Findings<'_> {
    pub(super) fn add(&mut self, code: Code, message: String, evidence: Value) {
        self.add_as(code, code.severity(), message, evidence);
    }

    pub(super) fn add_as(&mut self, code: Code, severity: Severity, message: String, evidence: Value) {
        let evidence = if let Value::Object(fields) = evidence { fields } else { Map::new() };
        self.list.push(Finding::new(code, severity, message, evidence, self.lang));
    }

    /// Returns whether reading a value failed. A value that the chain does not have has not failed.
    pub(super) fn has_failed(&self, key: &str) -> bool {
        let absent = [FailureKind::Unsupported, FailureKind::NotWhitelisted];
        let failure = self.views.get(key).and_then(|report| report.error.as_ref());
        failure.is_some_and(|failure| !absent.contains(&failure.kind))
    }

    /// Whether the verdict has this finding already.
    pub(super) fn has(&self, code: Code) -> bool {
        self.list.iter().any(|finding| finding.code == code)
    }

    /// Whether a finding says that the settings are wrong.
    pub(super) fn has_config_error(&self) -> bool {
        let config = Some(FailureKind::Config.name());
        self.list.iter().any(|finding| finding.evidence.get("error").and_then(Value::as_str) == config)
    }

    /// Adds the finding that a required value is not known, with the reason from the views.
    pub(super) fn add_unknown(&mut self, key: &str, en: &str, ru: &str) {
        let failure = self.views.get(key).and_then(|report| report.error.as_ref());
        // One wrong setting leaves every value unknown: it is said once.
        if failure.is_some_and(|failure| failure.kind == FailureKind::Config) && self.has_config_error() {
            return;
        }
        let why = failure.map(|failure| format!(": {}", quote(&failure.message))).unwrap_or_default();
        let message = self.lang.pick(format!("{en} is not known{why}"), format!("неизвестно: {ru}{why}"));
        let kind = failure.map(|failure| failure.kind.name());
        self.add(Code::ValueUnknown, message, serde_json::json!({"value": key, "error": kind}));
    }
}
