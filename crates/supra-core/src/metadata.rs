//! What the compiler leaves in a module's bytecode: which structs are events, which functions are views, and the names of
//! aborts (measured on five modules of testnet; `facts/consumers.md` §C.3).
//!
//! Bytecode is chain text: every length is checked against what is left, and malformed metadata counts as absent.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::stable_id::stable_id;

/// The largest metadata that is read, in bytes.
pub const METADATA_BYTES_MAX: usize = 64 << 10;
const MAGIC: [u8; 4] = [0xa1, 0x1c, 0xeb, 0x0b];
const TABLE_OF_METADATA: u8 = 0x10;
const KIND_VIEW: u8 = 1;
const KIND_EVENT: u8 = 4;
/// The key of an ABI under which [`module_abi`] adds the names of aborts: `{"CODE": ["NAME", "sentence"]}`.
const ABORT_NAMES: &str = "abort_names";

/// The key of an ABI under which [`module_abi`] adds a digest of the bytecode.
const BYTECODE_ID: &str = "bytecode_id";

/// The metadata of a module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Event structs.
    pub events: BTreeSet<String>,
    /// View functions.
    pub views: BTreeSet<String>,
    /// Names and sentences of aborts, by code.
    pub aborts: BTreeMap<u64, (String, String)>,
}

/// Bytes that are read from the front; `None` where they end early.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    /// An unsigned number of seven bits a byte, of at most five bytes.
    fn uleb(&mut self) -> Option<usize> {
        let mut value = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).ok()?.try_into().ok();
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a str> {
        let count = self.uleb()?;
        std::str::from_utf8(self.take(count)?).ok()
    }

    /// A map: every entry takes bytes, so that a count beyond the end ends early.
    fn entries(&mut self, mut entry: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        (0..self.uleb()?).try_for_each(|_| entry(self))
    }
}

impl Metadata {
    /// Reads the metadata out of a module's bytecode.
    pub fn parse(bytecode: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytecode);
        if bytes.take(4)? != MAGIC {
            return None;
        }
        // The version; later ones keep this layout.
        bytes.take(4)?;
        let mut place = None;
        bytes.entries(|bytes| {
            let (kind, offset, length) = (bytes.byte()?, bytes.uleb()?, bytes.uleb()?);
            if kind == TABLE_OF_METADATA {
                place = Some((offset, length));
            }
            Some(())
        })?;
        let (offset, length) = place?;
        // Contents begin after the last header.
        let end = offset.checked_add(length).filter(|_| length <= METADATA_BYTES_MAX)?;
        let mut table = Bytes(bytes.0.get(offset..end)?);
        let mut old = None;
        while !table.0.is_empty() {
            let key_length = table.uleb()?;
            let key = table.take(key_length)?;
            let value_length = table.uleb()?;
            let value = table.take(value_length)?;
            match key {
                b"aptos::metadata_v1" => return Self::of_value(value, true),
                b"aptos::metadata_v0" => old = Self::of_value(value, false),
                _ => {}
            }
        }
        old
    }

    fn of_value(value: &[u8], attributes: bool) -> Option<Self> {
        let mut bytes = Bytes(value);
        let mut found = Self::default();
        bytes.entries(|bytes| {
            let (code, name, sentence) = (bytes.u64()?, bytes.text()?, bytes.text()?);
            found.aborts.insert(code, (name.to_owned(), sentence.to_owned()));
            Some(())
        })?;
        if attributes {
            found.events = marked(&mut bytes, KIND_EVENT)?;
            found.views = marked(&mut bytes, KIND_VIEW)?;
        }
        found.keep_abort_names();
        Some(found)
    }

    /// Drops constants that are not abort codes: the compiler takes every u64 that begins with `E`, and of two with one
    /// number keeps one.
    fn keep_abort_names(&mut self) {
        let underscored = self.aborts.values().any(|(name, _)| name.starts_with("E_"));
        self.aborts.retain(|_, (name, _)| match name.strip_prefix('E') {
            Some(rest) if underscored => rest.starts_with('_'),
            Some(rest) => rest.starts_with(|c: char| c.is_ascii_uppercase()),
            None => false,
        });
    }
}

/// The names that have an attribute of this kind: a map of names to lists of attributes with arguments.
fn marked(bytes: &mut Bytes, wanted: u8) -> Option<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    bytes.entries(|bytes| {
        let name = bytes.text()?;
        bytes.entries(|bytes| {
            if bytes.byte()? == wanted {
                names.insert(name.to_owned());
            }
            bytes.entries(|bytes| bytes.text().map(drop))
        })
    })?;
    Some(names)
}

/// The ABI in a node's or the CLI's answer about a module, which before REST v2 is the answer itself. What it does not
/// say of events, views and aborts is added from the bytecode.
pub fn module_abi(mut answer: Value) -> Option<Value> {
    let Some(mut abi) = answer.get_mut("abi").filter(|abi| abi.is_object()).map(Value::take) else {
        return Some(answer).filter(|abi| abi.get("exposed_functions").is_some_and(Value::is_array));
    };
    let bytecode = answer.get("bytecode").and_then(Value::as_str);
    if let (Some(bytecode), Some(fields)) = (bytecode, abi.as_object_mut()) {
        fields.insert(BYTECODE_ID.to_owned(), stable_id(&[bytecode]).into());
    }
    if let Some(metadata) = bytecode.and_then(of_hex) {
        add_marks(&mut abi, "structs", "is_event", &metadata.events);
        add_marks(&mut abi, "exposed_functions", "is_view", &metadata.views);
        let names =
            metadata.aborts.into_iter().map(|(code, (name, text))| (code.to_string(), json!([name, text])));
        let names: Map<String, Value> = names.collect();
        if let Some(fields) = abi.as_object_mut().filter(|_| !names.is_empty()) {
            fields.insert(ABORT_NAMES.to_owned(), names.into());
        }
    }
    Some(abi)
}

/// The digest of the bytecode that a completed ABI has; `None` from REST v1, which shows no bytecode.
pub(crate) fn bytecode_id(abi: &Value) -> Option<&str> {
    abi.get(BYTECODE_ID)?.as_str()
}

/// The name and the sentence that a completed ABI has for an abort code.
pub(crate) fn abort_name(abi: &Value, code: u64) -> Option<(&str, &str)> {
    let names = abi.get(ABORT_NAMES)?;
    // The constant is the reason, below the category.
    let entry = names.get(code.to_string()).or_else(|| names.get((code & 0xFFFF).to_string()))?;
    Some((entry.get(0)?.as_str()?, entry.get(1)?.as_str()?))
}

fn of_hex(text: &str) -> Option<Metadata> {
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    Metadata::parse(&bytes?)
}

/// Sets a mark where no item of a list has it: absent everywhere is not false.
fn add_marks(abi: &mut Value, list: &str, mark: &str, names: &BTreeSet<String>) {
    let Some(items) = abi.get_mut(list).and_then(Value::as_array_mut) else { return };
    if items.iter().any(|item| item.get(mark).is_some()) {
        return;
    }
    for item in items {
        let has = item.get("name").and_then(Value::as_str).is_some_and(|name| names.contains(name));
        if let Some(fields) = item.as_object_mut() {
            fields.insert(mark.to_owned(), Value::Bool(has));
        }
    }
}

#[cfg(test)]
mod tests;
