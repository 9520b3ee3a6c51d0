//! Values as Move JSON writes them.

use crate::address::Address;
use serde_json::{Map, Value, json};

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

/// The event handles of a resource, each as the key and value of its field.
pub(crate) fn handles(owner: Address, names: &[&str]) -> Map<String, Value> {
    let handle = |(number, name): (usize, &&str)| {
        let id = json!({"addr": owner.to_string(), "creation_num": (number + 4).to_string()});
        ((*name).to_owned(), json!({"counter": "0", "guid": {"id": id}}))
    };
    names.iter().enumerate().map(handle).collect()
}
