//! The values of a contract: decoded, and as records have them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::file::{FieldRule, LayoutFile, Scalar, ValueRule, ValueType};
use super::path::Found;
use crate::failure::quote;
use crate::move_value::Node;
use crate::state::consumer::List;

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reading {
    /// It could not be read.
    Unknown,
    /// The contract does not have it, and is complete without it.
    Off,
    /// A Move `Option` that is not set.
    Unset,
    /// The value: numbers and addresses are text.
    Known(Value),
}

impl From<Found<'_>> for Reading {
    fn from(found: Found) -> Self {
        match found {
            Found::Value(value) => Self::Known(value.clone()),
            Found::Length(length) => Self::Known(json!(length)),
            Found::Unset => Self::Unset,
            Found::Nothing => Self::Unknown,
        }
    }
}

/// The values of a contract, and of the elements of its lists.
pub(super) struct Readings<'a> {
    pub(super) file: &'a LayoutFile,
    pub(super) lists: BTreeMap<&'a str, List>,
    /// By name and element; a list that could not be read makes its values unknown.
    pub(super) values: BTreeMap<(String, Option<String>), Reading>,
}

static UNKNOWN: Reading = Reading::Unknown;

impl<'a> Readings<'a> {
    /// The elements of a list that were read.
    pub(super) fn elements(&self, list: &str) -> impl Iterator<Item = &str> {
        self.lists
            .get(list)
            .into_iter()
            .flat_map(|list| list.elements.iter().map(|element| element.id.as_str()))
    }

    /// The list of a value, if it has one for each element.
    pub(super) fn list_of(&self, value: &str) -> Option<&'a str> {
        self.file.list_of(self.file.value.get(value)?)
    }

    /// A value; `element` is used where the value has one for each.
    pub(super) fn value(&self, name: &str, element: Option<&str>) -> &Reading {
        let element = element.filter(|_| self.list_of(name).is_some()).map(str::to_owned);
        self.values.get(&(name.to_owned(), element)).unwrap_or(&UNKNOWN)
    }

    /// A value of all elements; one that is cut short has an unknown rest.
    pub(super) fn all(&self, name: &str) -> Vec<&Reading> {
        let Some(list) = self.list_of(name) else { return vec![self.value(name, None)] };
        let Some(found) = self.lists.get(list) else { return vec![&UNKNOWN] };
        let rest = (found.left_out > 0).then_some(&UNKNOWN);
        found.elements.iter().map(|element| self.value(name, Some(&element.id))).chain(rest).collect()
    }

    /// A value as records have it.
    pub(super) fn json(&self, name: &str, element: Option<&str>) -> Value {
        let Some(rule) = self.file.value.get(name) else { return Value::Null };
        to_json(self.value(name, element), self.file.is_option(rule))
    }

    /// How many microseconds the unit of a time has.
    pub(super) fn micros_per_unit(&self, name: &str) -> u128 {
        match self.file.value.get(name).map(|rule| rule.kind) {
            Some(ValueType::TimeS) => 1_000_000,
            _ => 1,
        }
    }
}

fn to_json(reading: &Reading, is_option: bool) -> Value {
    match reading {
        Reading::Unknown | Reading::Off => Value::Null,
        Reading::Unset => json!([]),
        Reading::Known(value) if is_option => json!([value]),
        Reading::Known(value) => value.clone(),
    }
}
/// A key as text: numbers of the chain are numbers or text.
pub(super) fn key_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text)
            if text.len() <= 80 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') =>
        {
            Some(text.clone())
        }
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}

pub(super) fn is_among(value: &Value, scalars: &[Scalar]) -> bool {
    scalars.iter().any(|scalar| match scalar {
        Scalar::Bool(bool) => value.as_bool() == Some(*bool),
        Scalar::Number(number) => key_text(value) == Some(number.to_string()),
        Scalar::Text(text) => value.as_str() == Some(text),
    })
}

pub(super) fn ok_of(rule: &FieldRule, data: &Value) -> Option<bool> {
    match rule.field.follow(data) {
        Found::Value(value) => Some(is_among(value, &rule.is)),
        _ => None,
    }
}

/// Decodes a value; numbers and addresses become text.
pub(super) fn decode(rule: &ValueRule, value: &Value) -> Option<Value> {
    let node = Node::root(value);
    let number = |node: &Node| node.u128().ok().map(|number| json!(number.to_string()));
    let address = |node: &Node| node.address().ok().map(|address| json!(address.to_string()));
    let all = |one: &dyn Fn(&Node) -> Option<Value>| -> Option<Value> {
        node.items().ok()?.iter().map(one).collect::<Option<Vec<_>>>().map(Value::Array)
    };
    match rule.kind {
        ValueType::Bool => node.bool().ok().map(Value::Bool),
        kind if kind.is_number() => {
            let number = node.u128().ok()?.checked_sub(u128::from(rule.minus))?;
            Some(json!(number.to_string()))
        }
        ValueType::Address => address(&node),
        ValueType::Addresses => all(&address),
        ValueType::Counts => all(&number),
        _ => match value {
            Value::String(text) => Some(json!(quote(text))),
            Value::Bool(_) | Value::Number(_) => Some(json!(value.to_string())),
            _ => None,
        },
    }
}
