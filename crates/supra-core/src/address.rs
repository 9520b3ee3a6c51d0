//! Account addresses: what counts as one, and the one way they are written.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A 32-byte Move account address.
///
/// Nodes strip leading zeros and operators paste short or upper-case forms (`facts`: encoding table, row
/// *address*); comparing text would miss equal addresses, comparing `Address` does not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address([u8; 32]);

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing after the optional `0x`.
    #[error("an address needs at least one hex digit")]
    Empty,
    /// More than 64 hex digits.
    #[error("an address has at most 64 hex digits, this has {0}")]
    TooLong(usize),
    /// The mark of a shortened address, or of an example.
    #[error("this is shortened or an example: the whole address is needed, which a card shows with -v")]
    Shortened,
    /// Something other than `0-9a-fA-F`.
    #[error("an address is hex digits, this contains {0:?}")]
    NotHex(char),
}

impl Address {
    /// The framework account `0x1`.
    pub const FRAMEWORK: Address = {
        let mut bytes = [0; 32];
        bytes[31] = 1;
        Address(bytes)
    };

    /// The shortest form, `0x1` for the framework, as nodes print it.
    pub fn short(&self) -> String {
        let long = self.to_string();
        let digits = long[2..].trim_start_matches('0');
        format!("0x{}", if digits.is_empty() { "0" } else { digits })
    }

    /// The form for people, `0x9a96…4490`; a short address is shown whole.
    pub fn abbreviated(&self) -> String {
        let short = self.short();
        match (short.get(..6), short.get(short.len().saturating_sub(4)..)) {
            (Some(head), Some(tail)) if short.len() > 14 => format!("{head}…{tail}"),
            _ => short,
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        if digits.is_empty() {
            return Err(AddressError::Empty);
        }
        if digits.contains('…') || digits.ends_with("...") {
            return Err(AddressError::Shortened);
        }
        if let Some(other) = digits.chars().find(|c| !c.is_ascii_hexdigit()) {
            return Err(AddressError::NotHex(other));
        }
        if digits.len() > 64 {
            return Err(AddressError::TooLong(digits.len()));
        }
        let mut bytes = [0u8; 32];
        for (position, digit) in digits.bytes().rev().enumerate() {
            let nibble = match digit {
                b'0'..=b'9' => digit - b'0',
                _ => digit.to_ascii_lowercase() - b'a' + 10,
            };
            bytes[31 - position / 2] |= nibble << (4 * (position % 2));
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Address {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^0x[0-9a-f]{64}$", "description": "A Move account address, padded, lower case."})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, short: &str) {
        let address: Address = text.parse().unwrap();
        assert_eq!(address.short(), short);
        assert_eq!(address.to_string().len(), 66);
        assert_eq!(address.to_string().parse::<Address>().unwrap(), address);
    }

    #[test]
    fn forms() {
        check("0x1", "0x1");
        check("1", "0x1");
        check(" 0X0AbC ", "0xabc");
        check("0x0", "0x0");
        check(&"f".repeat(64), &format!("0x{}", "f".repeat(64)));
        assert_eq!("0x01".parse::<Address>().unwrap(), Address::FRAMEWORK);
    }

    #[test]
    fn refusals() {
        assert_eq!("0x".parse::<Address>(), Err(AddressError::Empty));
        assert_eq!("0xg".parse::<Address>(), Err(AddressError::NotHex('g')));
        assert_eq!(format!("0x{}", "1".repeat(65)).parse::<Address>(), Err(AddressError::TooLong(65)));
        assert_eq!("0x1; rm".parse::<Address>(), Err(AddressError::NotHex(';')));
    }
}
