//! Decoding Move values out of a node's or CLI's JSON: every encoding seen, nothing guessed.
//!
//! The table is `facts/supra.md` §3 (node OpenAPI, *MoveValue*): u64 and wider are decimal strings, small integers
//! numbers, `vector<u8>` hex, `Option` is `{"vec":[…]}`. Older tools wrapped values (`{"u64":"5"}`,
//! `{"struct":{…}}`); the wrappers are opened only where the wanted type says which one to expect.

use serde_json::Value;

use crate::address::Address;
use crate::amount::parse_u128;
use crate::failure::quote;

/// The longest Move string that is kept.
pub const TEXT_BYTES_MAX: usize = 4096;

/// A value, and where inside the answer it stands.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    value: &'a Value,
    at: String,
}

/// Why a value is not what was wanted, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {wanted} is wanted, this is {found}")]
pub struct DecodeError {
    /// The place, as a path such as `[0].aggregator`.
    pub at: String,
    /// The type that was wanted.
    pub wanted: String,
    /// What stands there, bounded and escaped.
    pub found: String,
}

type Decoded<T> = Result<T, DecodeError>;

impl<'a> Node<'a> {
    /// The whole answer.
    pub fn root(value: &'a Value) -> Self {
        Self { value, at: String::new() }
    }

    /// The JSON itself.
    pub fn json(&self) -> &'a Value {
        self.value
    }

    fn at(&self, value: &'a Value, step: &str) -> Self {
        Self { value, at: format!("{}{step}", self.at) }
    }

    /// The error that this is no `wanted`.
    pub fn mismatch(&self, wanted: impl Into<String>) -> DecodeError {
        let at = if self.at.is_empty() { "answer".to_owned() } else { self.at.clone() };
        let found = match self.value {
            Value::Null => "null".to_owned(),
            Value::Array(items) if items.len() > 4 => format!("a list of {}", items.len()),
            Value::Object(fields) if fields.len() > 4 => format!("an object of {} fields", fields.len()),
            other => quote(&other.to_string()),
        };
        DecodeError { at, wanted: wanted.into(), found }
    }

    /// The value inside a single-key wrapper of one of these names, in any case.
    fn unwrapped(&self, names: &[&str]) -> Self {
        if let Value::Object(fields) = self.value {
            if fields.len() == 1 {
                if let Some((key, inner)) = fields.iter().next()
                    && names.iter().any(|name| name.eq_ignore_ascii_case(key))
                {
                    return self.at(inner, &format!(".{key}"));
                }
            } else if let (Some(Value::String(kind)), Some(inner), 2) =
                (fields.get("type"), fields.get("value"), fields.len())
                && names.iter().any(|name| name.eq_ignore_ascii_case(kind))
            {
                return self.at(inner, ".value");
            }
        }
        self.clone()
    }

    fn integer(&self, wanted: &str) -> Decoded<u128> {
        let node = self.unwrapped(&["u8", "u16", "u32", "u64", "u128", "u256"]);
        let text = match node.value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(self.mismatch(wanted)),
        };
        parse_u128(&text).map_err(|_| self.mismatch(wanted))
    }

    /// A `u128`, or any narrower integer.
    pub fn u128(&self) -> Decoded<u128> {
        self.integer("an unsigned integer of at most 128 bits")
    }

    /// A `u64`.
    pub fn u64(&self) -> Decoded<u64> {
        u64::try_from(self.integer("a u64")?).map_err(|_| self.mismatch("a u64"))
    }

    /// A `u8`.
    pub fn u8(&self) -> Decoded<u8> {
        u8::try_from(self.integer("a u8")?).map_err(|_| self.mismatch("a u8"))
    }

    /// A `bool`; the texts true, yes, 1, false, no and 0 in any case and the numbers 1 and 0 are accepted.
    pub fn bool(&self) -> Decoded<bool> {
        let is_one_of =
            |text: &str, words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        match self.unwrapped(&["bool"]).value {
            Value::Bool(flag) => Ok(*flag),
            Value::String(text) if is_one_of(text, ["true", "yes", "1"]) => Ok(true),
            Value::String(text) if is_one_of(text, ["false", "no", "0"]) => Ok(false),
            Value::Number(number) if number.as_u64() == Some(1) => Ok(true),
            Value::Number(number) if number.as_u64() == Some(0) => Ok(false),
            _ => Err(self.mismatch("a bool")),
        }
    }

    /// An `address` or `Object<T>`.
    pub fn address(&self) -> Decoded<Address> {
        match self.unwrapped(&["address", "inner", "signer"]).value {
            Value::String(text) => text.parse().map_err(|_| self.mismatch("an address")),
            _ => Err(self.mismatch("an address")),
        }
    }

    /// A `0x1::string::String`, cut to [`TEXT_BYTES_MAX`].
    pub fn text(&self) -> Decoded<String> {
        match self.unwrapped(&["string"]).value {
            Value::String(text) => {
                let cut = (0..=TEXT_BYTES_MAX.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
                Ok(text[..cut.unwrap_or(0)].to_owned())
            }
            _ => Err(self.mismatch("a string")),
        }
    }

    /// A `vector<u8>`: hex text, or a list of small numbers.
    pub fn bytes(&self) -> Decoded<Vec<u8>> {
        let wrong = || self.mismatch("a vector<u8> in hex");
        match self.unwrapped(&["bytes", "hex", "vector"]).value {
            Value::String(text) => {
                let digits = text.strip_prefix("0x").ok_or_else(wrong)?;
                // `from_str_radix` would take a sign for a digit.
                if digits.len() % 2 != 0 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(wrong());
                }
                (0..digits.len())
                    .step_by(2)
                    .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).map_err(|_| wrong()))
                    .collect()
            }
            Value::Array(_) => self.items()?.iter().map(Node::u8).collect(),
            _ => Err(wrong()),
        }
    }

    /// A `vector<T>` of anything but bytes. Text is never split into characters.
    pub fn items(&self) -> Decoded<Vec<Node<'a>>> {
        let node = self.unwrapped(&["vector", "vec"]);
        match node.value {
            Value::Array(items) => {
                Ok(items.iter().enumerate().map(|(i, item)| node.at(item, &format!("[{i}]"))).collect())
            }
            _ => Err(self.mismatch("a vector")),
        }
    }

    /// An `Option<T>`: `{"vec":[…]}`, `{"vec":"0x01"}` for `Option<u8>`, `null`, or the bare value.
    pub fn option(&self) -> Decoded<Option<Node<'a>>> {
        let node = self.unwrapped(&["option"]);
        let Value::Object(fields) = node.value else {
            return Ok(if node.value.is_null() { None } else { Some(node) });
        };
        match (fields.len(), fields.get("vec")) {
            (1, Some(Value::Array(items))) => match &items[..] {
                [] => Ok(None),
                [one] => Ok(Some(node.at(one, ".vec[0]"))),
                _ => Err(self.mismatch("an Option, of none or one")),
            },
            (1, Some(Value::String(hex))) if hex == "0x" => Ok(None),
            (1, Some(inner @ Value::String(_))) => Ok(Some(node.at(inner, ".vec"))),
            (1, Some(_)) | (0, _) => Err(self.mismatch("an Option")),
            _ => Ok(Some(node)),
        }
    }

    /// An `Option<u8>`, whose inner vector is a `vector<u8>` and therefore hex.
    pub fn option_u8(&self) -> Decoded<Option<u8>> {
        let Some(inner) = self.option()? else { return Ok(None) };
        if let Value::String(text) = inner.value
            && text.starts_with("0x")
        {
            return match inner.bytes()?[..] {
                [byte] => Ok(Some(byte)),
                _ => Err(self.mismatch("an Option<u8>")),
            };
        }
        inner.u8().map(Some)
    }

    /// A struct's field. Opens `{"struct":{"fields":[{"name","value"}]}}` and `{"fields":{…}}`.
    pub fn field(&self, name: &str) -> Decoded<Node<'a>> {
        self.optional_field(name)?.ok_or_else(|| self.mismatch(format!("a struct with the field `{name}`")))
    }

    /// A struct's field, if it is there; an error if this is not a struct.
    pub fn optional_field(&self, name: &str) -> Decoded<Option<Node<'a>>> {
        let node = self.unwrapped(&["struct"]);
        let Value::Object(fields) = node.value else {
            return Err(self.mismatch(format!("a struct with the field `{name}`")));
        };
        if let Some(value) = fields.get(name) {
            return Ok(Some(node.at(value, &format!(".{name}"))));
        }
        match fields.get("fields") {
            Some(Value::Object(inner)) => {
                Ok(inner.get(name).map(|value| node.at(value, &format!(".fields.{name}"))))
            }
            Some(Value::Array(list)) => Ok(list.iter().enumerate().find_map(|(i, entry)| {
                let named = entry.get("name").and_then(Value::as_str) == Some(name);
                entry
                    .get("value")
                    .filter(|_| named)
                    .map(|value| node.at(value, &format!(".fields[{i}].value")))
            })),
            _ => Ok(None),
        }
    }

    /// The `index`-th return value of a view: the answer is an array of them, or a single bare value.
    pub fn returned(&self, index: usize) -> Decoded<Node<'a>> {
        match self.value {
            Value::Array(items) => match items.get(index) {
                Some(item) => Ok(self.at(item, &format!("[{index}]"))),
                None => Err(self.mismatch(format!("at least {} return values", index + 1))),
            },
            Value::Null => Err(self.mismatch("a return value")),
            _ if index == 0 => Ok(self.clone()),
            _ => Err(self.mismatch(format!("at least {} return values", index + 1))),
        }
    }

    /// The only return value of a view that returns a vector, given as `[[…]]` or, by old tools, as `[…]`.
    pub fn returned_items(&self) -> Decoded<Vec<Node<'a>>> {
        match self.value {
            Value::Array(items) => match &items[..] {
                [inner @ (Value::Array(_) | Value::Object(_))] => {
                    let inner = self.at(inner, "[0]");
                    inner
                        .items()
                        .or_else(|error| if inner.value.is_object() { self.items() } else { Err(error) })
                }
                _ => self.items(),
            },
            _ => self.items(),
        }
    }
}

#[cfg(test)]
mod tests;
