//! `[[request]]`: how a kind of request begins, waits and ends.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{Name, Ref, Span};
use crate::layout::path::{Path, Steps};
use crate::state::consumer::By;

/// What joins a request and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// The nonce of dVRF.
    Nonce,
    /// The client seed.
    Seed,
    /// A number of the contract's own.
    Own,
    /// Nothing: one request at a time.
    None,
}

/// What has become of a request that is neither pending nor answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// It was answered.
    Answered,
    /// It was withdrawn.
    Withdrawn,
    /// That is not known.
    #[default]
    Unknown,
}

/// `[[request]]`: one kind of request for randomness.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestRule {
    /// Its name.
    pub name: Name,
    /// What joins it with its answer.
    pub key: KeyKind,
    /// Who answers it.
    #[serde(default)]
    pub by: By,
    /// The value that is the answering account.
    pub answerer: Option<String>,
    /// The list whose elements have requests of this kind.
    pub each: Option<String>,
    /// Whether a contract without it is complete.
    #[serde(default)]
    pub optional: bool,
    /// The functions that take the answer.
    #[serde(default)]
    pub callback: Vec<Ref>,
    /// The event of the request.
    pub asked: Option<EventRule>,
    /// The events of the answer.
    #[serde(default)]
    pub answered: Vec<EventRule>,
    /// The events of a withdrawal.
    #[serde(default)]
    pub withdrawn: Vec<EventRule>,
    /// What shows that it waits.
    pub pending: Option<PendingRule>,
    /// What shows that it is settled.
    pub settled: Option<ProbeRule>,
    /// What shows that the last one was answered, where there is no key.
    pub answered_by: Option<FlagRule>,
    /// What has become of one that is neither pending nor answered.
    #[serde(default)]
    pub gone: Gone,
    /// The age of a warning.
    pub warn: Option<Span>,
    /// The age of an alarm.
    pub critical: Option<Span>,
}

/// An event of a request or of its end.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventRule {
    /// Its type.
    pub event: Ref,
    /// The field with the key.
    pub key: Option<String>,
    /// The field with the account that asked.
    pub who: Option<String>,
    /// Whether the answer was a success.
    pub ok: Option<OkRule>,
    /// Fields that name elements of lists.
    #[serde(default)]
    pub label: BTreeMap<String, String>,
    /// Fields that must hold these addresses; for events that several consumers share.
    #[serde(default, rename = "match")]
    pub matches: BTreeMap<String, String>,
}

/// `"no"`, or a field and the values that mean success.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "\"yes\", \"no\" or { field = …, is = […] }")]
pub enum OkRule {
    /// Always or never.
    Fixed(YesNo),
    /// By a field.
    Field(FieldRule),
}

/// `yes` or `no`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum YesNo {
    /// It was a success.
    Yes,
    /// It was none.
    No,
}

/// A field and its good values.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldRule {
    /// The field.
    pub field: Steps,
    /// The values.
    pub is: Vec<Scalar>,
}

/// A value to compare with; numbers of the chain are text or numbers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "true, false, a number or a text")]
pub enum Scalar {
    /// `true`
    Bool(bool),
    /// `1`
    Number(u64),
    /// `"x"`
    Text(String),
}

/// `pending`: what shows that a request waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PendingRule {
    /// The key of the only pending request.
    pub one: Option<Path>,
    /// Values of `one` that mean none.
    pub unless: Vec<Scalar>,
    /// The keys of all pending requests.
    pub list: Option<Path>,
    /// A flag or a state.
    pub flag: Option<Path>,
    /// The values of the flag, or of the probe's field, that mean pending; `true` where not given.
    pub is: Vec<Scalar>,
    /// What tells two requests without a key apart.
    pub epoch: Option<Path>,
    /// A read for each key.
    pub probe: Option<String>,
    /// The field of the probe's answer.
    pub field: Option<Steps>,
    /// When the request was made.
    pub since: Option<SinceRule>,
}

/// `since`: the field of the probe's answer with the time of the request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinceRule {
    /// The field.
    pub field: Steps,
    /// Its unit.
    pub unit: Unit,
}

/// The unit of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
}

/// `settled`: what shows that a request is settled.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeRule {
    /// A read for each key.
    pub probe: String,
    /// The field of its answer.
    pub field: Option<Steps>,
    /// The values that mean settled; any answer where not given.
    #[serde(default)]
    pub is: Vec<Scalar>,
    /// Whether it was a success.
    pub ok: Option<FieldRule>,
}

/// `answered_by`: the state that a contract without keys has after an answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlagRule {
    /// The state.
    pub flag: Path,
    /// Its values.
    pub is: Vec<Scalar>,
}
impl RequestRule {
    /// All events of the rule.
    pub fn events(&self) -> impl Iterator<Item = &EventRule> {
        self.asked.iter().chain(&self.answered).chain(&self.withdrawn)
    }
}
