//! The layout file, `dvrf.layout/1`: what its keys mean, as TOML spells them.

mod draw;
mod mistakes;
mod request;
mod text;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::path::{Path, Steps};
use crate::check::Severity;
pub use draw::{DrawRule, ReadyRule, ReadyTest};
pub use request::{
    EventRule, FieldRule, FlagRule, Gone, KeyKind, OkRule, PendingRule, ProbeRule, RequestRule, Scalar,
    SinceRule, Unit, YesNo,
};
pub use text::{AddressText, ArgumentKind, ArgumentRule, ArgumentValue, Name, Ref, Span, When};

/// The value of the key `layout`.
pub const SCHEMA: &str = "dvrf.layout/1";

/// The most elements that a list may have.
pub const LIST_MAX: usize = 1000;
/// How many elements of a list are read where the file does not say.
pub const LIST_DEFAULT: usize = 200;

/// One value or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a text or a list of texts")]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several, the first that the node has.
    Many(Vec<String>),
}

impl OneOrMany {
    /// The values in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(one) => std::slice::from_ref(one).iter(),
            Self::Many(many) => many.iter(),
        }
        .map(String::as_str)
    }
}

/// A value of `[address]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "\"0x…\", the name of another address, or { env = \"VARIABLE\", else = … }")]
pub enum AddressRule {
    /// A literal or a name.
    Text(AddressText),
    /// A variable, and what holds where it is unset.
    Variable(VariableRule),
}

/// `{ env = "HUB_ADDR", else = "consumer" }`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariableRule {
    /// The variable.
    pub env: String,
    /// What holds where it is unset.
    #[serde(rename = "else")]
    pub fallback: Option<AddressText>,
}

/// A value of `[module]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a module's name, a list of names, or { name = …, at = \"ADDRESS\" }")]
pub enum ModuleRule {
    /// At the consumer's address.
    Names(OneOrMany),
    /// At another address.
    Placed(PlacedModule),
}

/// `{ name = "hub", at = "hub" }`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlacedModule {
    /// The name or names.
    pub name: OneOrMany,
    /// A key of `[address]`.
    pub at: String,
}

impl ModuleRule {
    /// The names in order.
    pub fn names(&self) -> &OneOrMany {
        match self {
            Self::Names(names) => names,
            Self::Placed(placed) => &placed.name,
        }
    }

    /// The name of the address that published it.
    pub fn at(&self) -> &str {
        match self {
            Self::Names(_) => "consumer",
            Self::Placed(placed) => &placed.at,
        }
    }
}

/// `[marker]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Marker {
    /// Types that the client must have registered with dVRF 3.
    pub types: Vec<Ref>,
}

/// `[require]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Require {
    /// The modules by which the layout is recognised.
    pub modules: Vec<String>,
    /// The resource without which the contract is not initialised.
    pub ready: Option<Ref>,
}

/// `[list.NAME]`: what `{NAME}` and `each = "NAME"` range over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ListRule {
    /// Where the chain lists the elements; the first that can be read.
    pub from: Vec<Path>,
    /// A variable that lists them, separated by commas, and goes first.
    pub env: Option<String>,
    /// The elements themselves.
    #[serde(rename = "static")]
    pub fixed: Vec<String>,
    /// Consecutive numbers.
    pub range: Option<RangeRule>,
    /// How many are read.
    pub max: Option<usize>,
}

/// `{ first = 1, last = "PATH" }`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RangeRule {
    /// The first number.
    pub first: u64,
    /// Where the chain says the last one.
    pub last: Path,
}

/// `[read.NAME]`: one request to the chain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReadRule {
    /// A view function.
    pub view: Option<Ref>,
    /// The arguments of the view.
    pub args: Vec<ArgumentRule>,
    /// The type arguments of the view.
    pub types: Vec<Ref>,
    /// A resource.
    pub resource: Option<Ref>,
    /// A resource whose presence is the answer: `true` or `false`.
    pub exists: Option<Ref>,
    /// The handle of a table, of which one item is read.
    pub table: Option<Path>,
    /// The Move type of the table's keys.
    pub key_type: Option<String>,
    /// The type of the table's values: a struct of a module, or a Move type.
    pub value_type: Option<String>,
    /// The item's key, such as `{lottery}`.
    pub key: Option<String>,
    /// The account that has the resource; the consumer where it is not given.
    pub at: Option<String>,
    /// Which part of the answer the read is.
    pub take: Option<Steps>,
    /// The list for whose elements it is read.
    pub each: Option<String>,
    /// Whether it is read for each open request; `{key}` in an argument says it too.
    pub probe: bool,
    /// Whether a contract without it is complete.
    pub optional: bool,
}

/// The type of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// `true` or `false`.
    Bool,
    /// A number.
    Count,
    /// An amount in quants.
    Quants,
    /// Quants per unit of gas.
    GasPrice,
    /// Units of gas.
    GasUnits,
    /// An address.
    Address,
    /// A list of addresses.
    Addresses,
    /// A list of numbers.
    Counts,
    /// Text.
    #[default]
    Text,
    /// Seconds since 1970.
    TimeS,
    /// Microseconds since 1970.
    TimeUs,
}

/// `[value]`: a value of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValueRule {
    /// Where it stands; the first place that can be read.
    pub from: Vec<Path>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ValueType,
    /// What is subtracted from a number.
    #[serde(default)]
    pub minus: u64,
}
/// `[[watch]]`: a condition that becomes a finding.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WatchRule {
    /// Its code.
    pub code: String,
    /// The value.
    pub value: String,
    /// The condition.
    pub when: When,
    /// The values to compare with.
    #[serde(default)]
    pub other: Vec<String>,
    /// A value that must be true as well.
    #[serde(rename = "while")]
    pub while_: Option<String>,
    /// How long it must hold.
    #[serde(rename = "for")]
    pub for_: Option<Span>,
    /// How bad it is.
    pub severity: Severity,
    /// The problem in a few words.
    pub title: Option<String>,
}

/// `[fund]`: the contract's own function that deposits for the client.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FundRule {
    /// The entry function.
    pub run: Ref,
    /// Its arguments: literals, addresses, and once `u64:{amount}`, the deposit in quants.
    pub args: Vec<ArgumentRule>,
    /// The address that must sign; anybody may where it is not given.
    pub signer: Option<String>,
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LayoutFile {
    /// `dvrf.layout/1`.
    pub layout: String,
    /// The layout's name.
    pub name: Name,
    /// What it is for.
    #[serde(default)]
    pub title: String,
    /// Addresses besides the consumer's and the client's, which the target has.
    #[serde(default)]
    pub address: BTreeMap<String, AddressRule>,
    /// The modules.
    #[serde(default)]
    pub module: BTreeMap<String, ModuleRule>,
    /// Types that the client must have registered.
    #[serde(default)]
    pub marker: Marker,
    /// How the layout is recognised, and when the contract is ready.
    #[serde(default)]
    pub require: Require,
    /// The lists.
    #[serde(default)]
    pub list: BTreeMap<String, ListRule>,
    /// The requests to the chain.
    #[serde(default)]
    pub read: BTreeMap<String, ReadRule>,
    /// The values.
    #[serde(default)]
    pub value: BTreeMap<String, ValueRule>,
    /// The kinds of requests.
    #[serde(default)]
    pub request: Vec<RequestRule>,
    /// The conditions.
    #[serde(default)]
    pub watch: Vec<WatchRule>,
    /// What `dvrf-draw` may start.
    pub draw: Option<DrawRule>,
    /// How `dvrf-fund` deposits, where `deposit_fund_v2` of dVRF does not do.
    pub fund: Option<FundRule>,
    /// Names of abort codes by module.
    #[serde(default)]
    pub errors: BTreeMap<String, BTreeMap<String, String>>,
}
impl LayoutFile {
    /// The list of a value, if it has one for each element.
    pub(super) fn list_of(&self, value: &ValueRule) -> Option<&str> {
        value.from.first().and_then(|path| self.read.get(&path.read)?.each.as_deref())
    }

    /// Whether a value may be a Move `Option`, which records hold as a list of none or one.
    pub(super) fn is_option(&self, value: &ValueRule) -> bool {
        let takes = |path: &Path| self.read.get(&path.read)?.take.as_ref().map(Steps::unwraps);
        value.from.iter().any(|path| path.unwraps() || takes(path) == Some(true))
    }
}

impl ValueType {
    /// Whether it is a number.
    pub fn is_number(self) -> bool {
        matches!(
            self,
            Self::Count | Self::Quants | Self::GasPrice | Self::GasUnits | Self::TimeS | Self::TimeUs
        )
    }
}

impl ReadRule {
    /// Whether it is read once for each open request.
    pub fn is_probe(&self) -> bool {
        self.probe || self.placeholders().contains(&"key")
    }

    /// The names in braces.
    fn placeholders(&self) -> Vec<&str> {
        let in_args = self.args.iter().filter_map(|argument| match &argument.value {
            ArgumentValue::Literal(_) => None,
            ArgumentValue::Key => Some("key"),
            ArgumentValue::Name(name) => Some(name.as_str()),
        });
        let in_key = self.key.as_deref().and_then(|key| key.strip_prefix('{')?.strip_suffix('}'));
        in_args.chain(in_key).collect()
    }
}
