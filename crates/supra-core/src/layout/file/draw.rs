//! `[draw]`: what `dvrf-draw` may start, and when.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;

use super::text::{ArgumentRule, Ref, written_as_text};
use crate::view::is_identifier;

/// `[draw]`: what `dvrf-draw` may start.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DrawRule {
    /// The entry function.
    pub run: Ref,
    /// Its arguments: literals and addresses.
    #[serde(default)]
    pub args: Vec<ArgumentRule>,
    /// The address that must sign; anybody may where it is not given.
    pub signer: Option<String>,
    /// The kind of request that it starts.
    #[serde(default)]
    pub request: String,
    /// The value that counts the requests ever made. It tells one draw from the next.
    #[serde(default)]
    pub counter: String,
    /// The value that counts the answers, for `--wait-handled`.
    pub answered: Option<String>,
    /// The conditions, all of which must hold.
    #[serde(default)]
    pub ready: Vec<ReadyRule>,
}

/// A condition of `[draw]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyRule {
    /// The value that it looks at.
    pub value: String,
    /// What is asked of it.
    pub test: ReadyTest,
}

/// What a condition of `[draw]` asks of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadyTest {
    /// `NAME`: it is true, an `Option` that is set, or a list with items.
    Holds,
    /// `!NAME`: it is false, an `Option` that is not set, or an empty list.
    HoldsNot,
    /// `NAME > 5`
    Above(u128),
    /// `NAME < 5`
    Below(u128),
    /// `NAME has ADDRESS`: the list has the address of `[address]`, or the signer's.
    Has(String),
}

written_as_text!(ReadyRule);

impl FromStr for ReadyRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let number = |text: &str| text.parse::<u128>().ok();
        let found = match words.as_slice() {
            [name] => match name.strip_prefix('!') {
                Some(name) => Some((name, ReadyTest::HoldsNot)),
                None => Some((*name, ReadyTest::Holds)),
            },
            [name, ">", limit] => number(limit).map(|limit| (*name, ReadyTest::Above(limit))),
            [name, "<", limit] => number(limit).map(|limit| (*name, ReadyTest::Below(limit))),
            [name, "has", address] if is_identifier(address) => {
                Some((*name, ReadyTest::Has((*address).to_owned())))
            }
            _ => None,
        };
        let found = found.filter(|(name, _)| is_identifier(name));
        found.map(|(name, test)| Self { value: name.to_owned(), test }).ok_or_else(|| {
            format!(
                "{text:?} is not a condition of [draw]: \"NAME\", \"!NAME\", \"NAME > 5\", \"NAME < 5\" and \
                 \"NAME has ADDRESS\" are"
            )
        })
    }
}

impl fmt::Display for ReadyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = &self.value;
        match &self.test {
            ReadyTest::Holds => f.write_str(value),
            ReadyTest::HoldsNot => write!(f, "!{value}"),
            ReadyTest::Above(limit) => write!(f, "{value} > {limit}"),
            ReadyTest::Below(limit) => write!(f, "{value} < {limit}"),
            ReadyTest::Has(address) => write!(f, "{value} has {address}"),
        }
    }
}
