//! A consumer contract as its layout describes it: values, requests and conditions.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::amount::Quants;
use crate::check::Severity;
use crate::layout::file::{ArgumentRule, ArgumentValue};
use crate::requests::CallbackFailure;
use crate::view::{Argument, FunctionId};

/// What was read of a contract by its layout.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Consumer {
    /// The layout's name.
    pub layout: String,
    /// Whether the layout was recognised by the contract's modules, because the target names none.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recognised: bool,
    /// Whether the contract is initialised; `null` where the layout or the node does not say.
    pub ready: Option<bool>,
    /// The values by name. `null` is not known; a Move `Option` is a list of none or one.
    pub values: BTreeMap<String, Value>,
    /// The values of each element of the layout's lists.
    pub lists: BTreeMap<String, List>,
    /// The requests that wait, and the last ones that ended.
    pub requests: Vec<ConsumerRequest>,
    /// The conditions of the layout that hold, or that could not be evaluated.
    pub watches: Vec<Watch>,
    /// The types that the client must have registered with dVRF 3.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub markers: Vec<String>,
    /// The contract's own function that deposits for the client, where the layout names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fund: Option<OwnDeposit>,
}

/// Why a contract's own deposit cannot be sent, where [`OwnDeposit::call`] has none.
pub const UNUSABLE_FUND: &str = "the [fund] section of the layout does not name a call that can be sent";

/// A contract's own function that deposits for the client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OwnDeposit {
    /// The entry function, in full; empty where the layout's `[fund]` could not be resolved for the target.
    pub function: String,
    /// Its arguments as the CLI takes them; `u64:{amount}` is the deposit in quants.
    pub arguments: Vec<String>,
    /// The account that must sign; `null` where anybody may.
    pub signer: Option<Address>,
}

impl OwnDeposit {
    /// The call that deposits an amount of quants; `None` where the record holds no such call.
    pub fn call(&self, amount: u64) -> Option<(FunctionId, Vec<Argument>)> {
        let argument = |text: &String| {
            let rule: ArgumentRule = text.parse().ok()?;
            match &rule.value {
                _ if rule.is_amount() => Some(Argument::U64(amount)),
                ArgumentValue::Literal(text) => rule.kind.argument(text),
                _ => None,
            }
        };
        let arguments = self.arguments.iter().map(argument).collect::<Option<Vec<_>>>()?;
        Some((self.function.parse().ok()?, arguments))
    }
}

/// A list of the contract.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct List {
    /// The elements that were read, in the contract's order.
    pub elements: Vec<Element>,
    /// How many elements were left out, because the layout reads a limited number.
    pub left_out: usize,
}

/// An element of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Element {
    /// Its id.
    pub id: String,
    /// Its values, as [`Consumer::values`].
    pub values: BTreeMap<String, Value>,
}

/// Who answers a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Supra dVRF.
    #[default]
    Dvrf,
    /// An account, by a transaction of its own.
    Account,
}

/// What has become of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestOutcome {
    /// It waits for its answer.
    Pending,
    /// It was answered.
    Answered,
    /// It ended without an answer.
    Withdrawn,
    /// It was made, and nothing that can be read says what became of it.
    #[default]
    NotConfirmed,
}

/// One request for randomness.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ConsumerRequest {
    /// The kind of request, as the layout calls it.
    pub request: String,
    /// What it has in common with its answer, such as the nonce; `null` where the contract does not say.
    pub key: Option<String>,
    /// The element of a list that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element: Option<String>,
    /// What has become of it.
    pub outcome: RequestOutcome,
    /// Whether the answer was a success; `null` where the contract does not say.
    pub ok: Option<bool>,
    /// Who answers it.
    pub by: By,
    /// The account that answers it, where it is an account and known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answerer: Option<String>,
    /// The account that made it.
    pub requester: Option<String>,
    /// The time of its block, UTC.
    pub requested_at: Option<String>,
    /// Its transaction.
    pub transaction_hash: Option<String>,
    /// The answer that the contract's callback aborted, if one was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aborted: Option<CallbackFailure>,
    /// The fee that the deposit paid for its answer, in quants, if it was taken; only looked for with an aborted answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charged_quants: Option<Quants>,
    /// How long it has waited.
    pub age_seconds: Option<u64>,
    /// When an earlier run first saw it waiting, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<String>,
    /// The time of the block that ended it, UTC.
    pub ended_at: Option<String>,
    /// The age of a warning, where the layout has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn_seconds: Option<u64>,
    /// The age of a critical finding, where the layout has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical_seconds: Option<u64>,
}

impl ConsumerRequest {
    /// The name of the request among those of its contract: `round 3 17`.
    pub fn label(&self) -> String {
        let parts = [Some(&self.request), self.element.as_ref(), self.key.as_ref()];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// A condition of the layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Watch {
    /// Its code.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it holds; `null` where a value that it needs is not known.
    pub holds: Option<bool>,
    /// The element of a list that it holds for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<String>,
    /// The value that it looks at.
    pub name: String,
    /// What that value is.
    pub value: Value,
    /// The problem in a few words, where the layout says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How long it must hold before it is a finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_seconds: Option<u64>,
    /// When an earlier run first saw it hold, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<String>,
}

impl Watch {
    /// The name of the condition among those of its contract: `HUB_LOST 3`.
    pub fn label(&self) -> String {
        let parts = [Some(&self.code), self.element.as_ref()];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record may come from another program: only a well-formed function and arguments become a command.
    #[test]
    fn only_plain_calls_are_made() {
        let call = |function: &str, arguments: &[&str]| {
            let arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
            OwnDeposit { function: function.to_owned(), arguments, signer: None }.call(7)
        };
        let (function, arguments) =
            call("0x9::wheel::pay", &["u64:{amount}", "u8:1", "address:0x5"]).unwrap();
        let words: Vec<String> = arguments.iter().map(Argument::to_cli).collect();
        assert_eq!(function.to_string(), format!("{}::wheel::pay", function.address));
        assert_eq!(words[..2], ["u64:7", "u8:1"]);
        for (function, argument) in [
            ("0x9::wheel", "u64:{amount}"),
            ("0x9::wheel::pay;id", "u64:{amount}"),
            ("0x9::wheel::pay", "u64:$(id)"),
            ("0x9::wheel::pay", "u64:{key}"),
            ("0x9::wheel::pay", "address:{client}"),
            ("0x9::wheel::pay", "--help"),
        ] {
            assert_eq!(call(function, &[argument]), None, "{function} {argument}");
        }
    }
}
