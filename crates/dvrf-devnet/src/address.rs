//! Addresses as this emulator keeps and prints them; its own code, so that it can contradict the tools.

/// Padded and lower case, or nothing if it is no address.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let digits = text.trim().strip_prefix("0x").unwrap_or(text.trim());
    let good = (1..=64).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    good.then(|| format!("0x{:0>64}", digits.to_ascii_lowercase()))
}

/// As nodes print it: leading zeros stripped.
pub(crate) fn short(address: &str) -> String {
    let digits = address.trim_start_matches("0x").trim_start_matches('0');
    format!("0x{}", if digits.is_empty() { "0" } else { digits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert_eq!(canonical("0xAb").as_deref().map(short).as_deref(), Some("0xab"));
        assert_eq!(canonical("1").unwrap().len(), 66);
        for text in ["", "0x", "0xg", &"1".repeat(65)] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }
}
