//! A call from outside: the function's name, its arguments, and the transaction that it runs in.

use crate::abort::CallError;
use crate::address::Address;
use serde_json::Value;

/// A split `address::module::name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FunctionId {
    pub(crate) address: Address,
    pub(crate) module: String,
    pub(crate) name: String,
}

impl FunctionId {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, "::");
        let address = parts.next()?.parse().ok()?;
        let module = parts.next()?.to_owned();
        let name = parts.next()?.to_owned();
        let word = |s: &str| !s.is_empty() && !s.contains([':', ' ', '/']);
        (word(&module) && !name.is_empty()).then_some(Self { address, module, name })
    }
}

/// The arguments of one call, decoded on demand so that each function names its own types.
pub(crate) struct Args<'a> {
    pub(crate) values: &'a [Value],
    pub(crate) types: &'a [String],
}

impl Args<'_> {
    fn at(&self, index: usize) -> Result<&Value, CallError> {
        self.values.get(index).ok_or_else(|| {
            CallError::Arguments("Failed to execute view function: NUMBER_OF_ARGUMENTS_MISMATCH".to_owned())
        })
    }

    pub(crate) fn address(&self, index: usize) -> Result<Address, CallError> {
        let value = self.at(index)?;
        value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| Self::wrong(value, "address"))
    }

    pub(crate) fn addresses(&self, index: usize) -> Result<Vec<Address>, CallError> {
        let value = self.at(index)?;
        let items = value.as_array().ok_or_else(|| Self::wrong(value, "vector<address>"))?;
        items
            .iter()
            .map(|item| {
                item.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| Self::wrong(item, "address"))
            })
            .collect()
    }

    pub(crate) fn number(&self, index: usize) -> Result<u128, CallError> {
        let value = self.at(index)?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.parse().map_err(|_| Self::wrong(value, "u128"))
    }

    pub(crate) fn u64(&self, index: usize) -> Result<u64, CallError> {
        u64::try_from(self.number(index)?)
            .map_err(|_| CallError::Arguments("parse arguments[0] failed, expect string<u64>".to_owned()))
    }

    pub(crate) fn flag(&self, index: usize) -> Result<bool, CallError> {
        let value = self.at(index)?;
        value.as_bool().ok_or_else(|| Self::wrong(value, "bool"))
    }

    /// A string, or the text behind a hex string.
    pub(crate) fn text(&self, index: usize) -> Result<String, CallError> {
        let value = self.at(index)?;
        let text = value.as_str().ok_or_else(|| Self::wrong(value, "string"))?;
        let Some(digits) = text.strip_prefix("0x") else { return Ok(text.to_owned()) };
        let bytes: Option<Vec<u8>> = (0..digits.len() / 2)
            .map(|i| digits.get(i * 2..i * 2 + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect();
        Ok(bytes.map_or_else(|| text.to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// A `vector<u8>`, in hex.
    pub(crate) fn hex(&self, index: usize) -> Result<String, CallError> {
        let value = self.at(index)?;
        let text = value.as_str().map(str::to_ascii_lowercase);
        let pairs = |text: &String| {
            text.strip_prefix("0x")
                .is_some_and(|hex| hex.len().is_multiple_of(2) && hex.bytes().all(|b| b.is_ascii_hexdigit()))
        };
        text.filter(pairs).ok_or_else(|| Self::wrong(value, "vector<u8>"))
    }

    pub(crate) fn type_argument(&self, index: usize) -> Result<String, CallError> {
        let text = self.types.get(index).ok_or_else(|| {
            CallError::Arguments(
                "Failed to execute view function: NUMBER_OF_TYPE_ARGUMENTS_MISMATCH".to_owned(),
            )
        })?;
        let id = FunctionId::parse(text)
            .ok_or_else(|| CallError::Arguments(format!("invalid type tag {text}")))?;
        Ok(format!("{}::{}::{}", id.address, id.module, id.name))
    }

    fn wrong(value: &Value, expected: &str) -> CallError {
        CallError::Arguments(format!("parse arguments failed, expect {expected}, found {value}"))
    }
}

/// A running transaction: who signs, when, and what it has emitted so far.
pub(crate) struct Transaction {
    pub(crate) sender: Address,
    pub(crate) now_us: u64,
    pub(crate) height: u64,
    pub(crate) events: Vec<(String, Value)>,
}

impl Transaction {
    pub(crate) fn emit(&mut self, kind: String, data: Value) {
        self.events.push((kind, data));
    }
}
