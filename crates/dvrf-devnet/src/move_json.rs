//! Values as Move JSON writes them.

use serde_json::{Value, json};

/// A u128 the way Move JSON writes it.
pub(crate) fn num(value: u128) -> Value {
    Value::String(value.to_string())
}

/// The same for a u64 return: the published interface cannot show more than `u64::MAX`.
pub(crate) fn opt64(value: u128) -> Value {
    num(value.min(u128::from(u64::MAX)))
}

/// `Option<T>`.
pub(crate) fn option(value: Option<Value>) -> Value {
    json!({"vec": value.into_iter().collect::<Vec<_>>()})
}
