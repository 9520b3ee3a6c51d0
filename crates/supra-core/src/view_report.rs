//! Where every value came from: the `views` object of a record.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// How one wanted value was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ViewReport {
    /// The function or resource that answered, or the last one that was tried; `null` when none was.
    pub function: Option<String>,
    /// Wall-clock milliseconds spent on it, retries included.
    pub duration_ms: u64,
    /// How often the chain was asked.
    pub attempts: u32,
    /// Why there is no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// What is odd about the answer, where something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// All of them, by the value's catalogue name (`balance`, `min_balance`, `lottery_status`, …).
pub type Views = BTreeMap<String, ViewReport>;

/// The keys of the values of a consumer contract that could not be read.
pub(crate) fn failed_reads(views: &Views) -> impl Iterator<Item = &String> {
    let failed =
        |(key, report): &(&String, &ViewReport)| key.starts_with("consumer.") && report.error.is_some();
    views.iter().filter(failed).map(|(key, _)| key)
}
