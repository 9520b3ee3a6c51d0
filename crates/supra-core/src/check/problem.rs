//! The problem that a finding is about. The key of a problem is the same in every run, whatever its level: the deposit is one
//! problem, and each module, request and setting is one of its own.

use serde_json::Value;

use super::code::Code;
use super::{Finding, Severity};

/// The key of the problem that the status is unknown.
pub const UNKNOWN: &str = "unknown";
/// The key of the problem that the deposit is low.
pub const DEPOSIT: &str = "deposit";

/// The key of a finding's problem.
pub fn key(finding: &Finding) -> String {
    if finding.severity == Severity::Unknown {
        return UNKNOWN.to_owned();
    }
    let code = finding.code.name();
    match (family(finding.code), subject(finding)) {
        (Some(family), None) => family.to_owned(),
        (Some(family), Some(subject)) => format!("{family} {subject}"),
        (None, None) => code.to_owned(),
        (None, Some(subject)) => format!("{code} {subject}"),
    }
}

/// The problem that several codes are levels of.
fn family(code: Code) -> Option<&'static str> {
    match code {
        code if code.is_deposit_level() => Some(DEPOSIT),
        Code::RequestPending | Code::RequestStuck => Some("request"),
        Code::SubscriptionEnded | Code::SubscriptionEndsSoon => Some("subscription"),
        _ => None,
    }
}

/// What a finding is about, where there can be several of its kind: a module, a request, a setting.
fn subject(finding: &Finding) -> Option<String> {
    let names = ["request", "watch", "module", "nonce", "consumer", "setting", "event"];
    let value = names.iter().find_map(|name| finding.evidence.get(*name))?;
    match value {
        Value::String(text) if !text.is_empty() => Some(text.chars().take(200).collect()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The keys of the problems that can occur once per subscription.
pub fn keys_without_subject() -> impl Iterator<Item = String> {
    let mut keys: Vec<String> =
        Code::ALL.iter().map(|(code, name, ..)| family(*code).unwrap_or(name).to_owned()).collect();
    keys.push(UNKNOWN.to_owned());
    keys.sort();
    keys.dedup();
    keys.into_iter()
}
