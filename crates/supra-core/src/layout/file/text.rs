//! The texts of a layout file that have a form of their own: names, references, arguments, conditions.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::address::Address;
use crate::layout::path::{Path, Steps};
use crate::time::parse_span;
use crate::view::{Argument, is_identifier};

/// Types that are written as text; the error names what is wrong with it.
macro_rules! written_as_text {
    ($($name:ident),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string"})
            }
        }
    )*};
}
pub(super) use written_as_text;

written_as_text!(Path, Steps, Name, Ref, ArgumentRule, When, Span, AddressText);

/// A name of the file: a Move identifier, so that it can stand in paths and placeholders.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(pub String);

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_name = |part: &str| is_identifier(part);
        if text.split('-').all(is_name) && text.len() <= 64 {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("{text:?} is not a name: letters, digits, _ and - are"))
        }
    }
}

/// `alias::name`: a function or a struct of a module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ref {
    /// A key of `[module]`, or `dvrf` or `deposit`.
    pub alias: String,
    /// The function or the struct.
    pub name: String,
}

impl FromStr for Ref {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("::") {
            Some((alias, name)) if is_identifier(alias) && is_identifier(name) => {
                Ok(Self { alias: alias.to_owned(), name: name.to_owned() })
            }
            _ => Err(format!("{text:?} is not MODULE::NAME, where MODULE is a key of [module]")),
        }
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.alias, self.name)
    }
}

/// A span such as `5m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_span(text).map(Self).ok_or_else(|| format!("{text:?} is not a span such as 90s, 5m or 2h"))
    }
}

/// A literal address or the name of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressText {
    /// `0x…`
    Literal(Address),
    /// Another key of `[address]`.
    Name(String),
}

impl FromStr for AddressText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("0x") {
            return text.parse().map(Self::Literal).map_err(|error| format!("{text:?}: {error}"));
        }
        if is_identifier(text) {
            return Ok(Self::Name(text.to_owned()));
        }
        Err(format!("{text:?} is neither an address nor a name of [address]"))
    }
}

/// An argument of a view, `u64:{lottery}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentRule {
    /// The Move type.
    pub kind: ArgumentKind,
    /// What is passed.
    pub value: ArgumentValue,
}

impl ArgumentRule {
    /// Whether it is `u64:{amount}`, the deposit of `[fund]`.
    pub fn is_amount(&self) -> bool {
        self.kind == ArgumentKind::U64 && self.value == ArgumentValue::Name("amount".to_owned())
    }
}

/// The Move types that arguments may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentKind {
    /// `address`
    Address,
    /// `u64`
    U64,
    /// `u8`
    U8,
}

impl ArgumentKind {
    /// A text as an argument of this type.
    pub fn argument(self, text: &str) -> Option<Argument> {
        match self {
            Self::Address => text.parse().map(Argument::Address).ok(),
            Self::U64 => text.parse().map(Argument::U64).ok(),
            Self::U8 => text.parse().map(Argument::U8).ok(),
        }
    }
}

/// A value, or the placeholder of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgumentValue {
    /// As it is written.
    Literal(String),
    /// `{key}`: the key of an open request.
    Key,
    /// `{NAME}`: a list's element or an address.
    Name(String),
}

impl FromStr for ArgumentRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is not TYPE:VALUE, where TYPE is address, u64 or u8");
        let (kind, value) = text.split_once(':').ok_or_else(bad)?;
        let kind = match kind {
            "address" => ArgumentKind::Address,
            "u64" => ArgumentKind::U64,
            "u8" => ArgumentKind::U8,
            _ => return Err(bad()),
        };
        let placeholder = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let fits = kind.argument(value).is_some();
        let value = match placeholder {
            Some("key") => ArgumentValue::Key,
            Some(name) if is_identifier(name) => ArgumentValue::Name(name.to_owned()),
            None if fits => ArgumentValue::Literal(value.to_owned()),
            _ => return Err(bad()),
        };
        Ok(Self { kind, value })
    }
}

/// The condition of a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// A Move `Option` that is not set.
    Unset,
    /// A list without items.
    Empty,
    /// The number 0.
    Zero,
    /// `true`
    True,
    /// `false`
    False,
    /// More than a number.
    Above(u128),
    /// Less than a number.
    Below(u128),
    /// Not the value of `other`.
    Differs,
    /// An item that is not among those of `other`.
    NotIn,
    /// A time that is longer ago than a span.
    OlderThan(Duration),
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |rest: &str| rest.trim().parse::<u128>().ok();
        let found = match text {
            "none" => Some(Self::Unset),
            "empty" => Some(Self::Empty),
            "zero" => Some(Self::Zero),
            "true" => Some(Self::True),
            "false" => Some(Self::False),
            "!=" => Some(Self::Differs),
            "not in" => Some(Self::NotIn),
            _ => None,
        };
        found
            .or_else(|| text.strip_prefix('>').and_then(number).map(Self::Above))
            .or_else(|| text.strip_prefix('<').and_then(number).map(Self::Below))
            .or_else(|| text.strip_prefix("older than ").and_then(parse_span).map(Self::OlderThan))
            .ok_or_else(|| {
                format!(
                    "{text:?} is not a condition: none, empty, zero, true, false, \"> 5\", \"< 5\", \"!=\", \
                     \"not in\" and \"older than 15m\" are"
                )
            })
    }
}
