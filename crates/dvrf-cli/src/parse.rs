//! Parsers for flag values, with errors that name the flag and quote what was typed.

use std::fmt::Display;
use std::str::FromStr;

use supra_core::amount::parse_u128_typed;
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};

/// The error for a flag value that cannot be used.
pub fn bad(flag: &str, text: &str, why: impl Display) -> Error {
    Error::new(FailureKind::Config, format!("{flag} is {:?}: {why}", quote(text)))
}

/// Parses any type with `FromStr`.
pub fn parsed<T: FromStr<Err: Display>>(flag: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|error| bad(flag, text, error))
}

/// Parses a whole number from 0; `_` may separate groups of digits.
pub fn number(flag: &str, text: &str) -> Result<u128, Error> {
    parse_u128_typed(text).map_err(|error| bad(flag, text, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_name_flag_and_text() {
        assert_eq!(number("--gas", "1_000"), Ok(1000));
        assert_eq!(
            number("--gas", "-5").unwrap_err().message(),
            "--gas is \"-5\": a whole number of ASCII digits is needed, this contains '-'"
        );
        let margin = parsed::<supra_core::amount::Decimal>("--margin", "nan").unwrap_err().message();
        assert!(margin.starts_with("--margin is \"nan\": a decimal number such as 0.15"), "{margin}");
    }
}
