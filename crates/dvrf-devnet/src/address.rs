//! Account addresses: parsed with any zero padding, written in the node's stripped form.

use std::fmt;
use std::str::FromStr;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Address([u8; 32]);

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an address of 1 to 64 hex digits")]
pub(crate) struct BadAddr(String);

impl Address {
    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn small(last: u8) -> Self {
        let mut bytes = [0; 32];
        bytes[31] = last;
        Self(bytes)
    }

    /// All 64 digits without `0x`, as Rust Debug dumps of old nodes show module addresses.
    pub(crate) fn padded(&self) -> String {
        crate::digest::hex(&self.0)
    }
}

impl FromStr for Address {
    type Err = BadAddr;

    fn from_str(text: &str) -> Result<Self, BadAddr> {
        let bad = || BadAddr(text.to_owned());
        let digits = text.strip_prefix("0x").unwrap_or(text);
        if digits.is_empty() || digits.len() > 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad());
        }
        let padded = format!("{digits:0>64}");
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            let pair = padded.get(index * 2..index * 2 + 2).ok_or_else(bad)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let padded = self.padded();
        let digits = padded.trim_start_matches('0');
        write!(f, "0x{}", if digits.is_empty() { "0" } else { digits })
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn padding_and_case_do_not_matter_and_output_is_stripped() {
        for (text, shown) in [("0x1", "0x1"), ("1", "0x1"), ("0x00Ab", "0xab"), ("0x0", "0x0")] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown);
        }
        for bad in ["", "0x", "0xg", "0x1 ", &"1".repeat(65)] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
