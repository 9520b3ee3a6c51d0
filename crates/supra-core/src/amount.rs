//! Money, gas and ratios as exact integers: how they are read, written and multiplied.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Quants in one SUPRA: the coin has 8 decimals (docs.supra.com, tracking balances).
pub const QUANTS_PER_SUPRA: u128 = 100_000_000;

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// No text at all.
    #[error("a number is needed, this is empty")]
    Empty,
    /// A sign, point, exponent, space or non-ASCII digit.
    #[error("a whole number of ASCII digits is needed, this contains {0:?}")]
    NotDigit(char),
    /// Above 2^128 − 1.
    #[error("a number of at most 2^128 - 1 is needed")]
    TooLarge,
    /// A decimal that is malformed, or longer than 18 places or digits before the point.
    #[error("a decimal number such as 0.15 is needed, with at most 18 digits on either side of the point")]
    NotDecimal,
    /// The result of an exact calculation does not fit 128 bits.
    #[error("the result does not fit 128 bits")]
    Overflow,
}

/// Parses ASCII digits into a `u128`; nothing else is a number on this chain.
pub fn parse_u128(text: &str) -> Result<u128, AmountError> {
    if text.is_empty() {
        return Err(AmountError::Empty);
    }
    if let Some(other) = text.chars().find(|c| !c.is_ascii_digit()) {
        return Err(AmountError::NotDigit(other));
    }
    text.parse().map_err(|_| AmountError::TooLarge)
}

/// Parses what a person types: digits, with `_` between them as a thousands mark.
pub fn parse_u128_typed(text: &str) -> Result<u128, AmountError> {
    parse_u128(&text.trim().replace('_', ""))
}

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl $name {
            /// The bare number.
            pub fn get(self) -> u128 {
                self.0
            }
        }

        impl From<u64> for $name {
            fn from(value: u64) -> Self {
                Self(value.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = AmountError;

            fn from_str(text: &str) -> Result<Self, AmountError> {
                parse_u128(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(WholeNumber).map(Self)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "pattern": "^[0-9]{1,39}$"})
            }
        }
    };
}

amount! {
    /// An amount of SUPRA in quants, its smallest unit; u64 or u128 on chain.
    Quants
}
amount! {
    /// A price in quants per gas unit.
    GasPrice
}
amount! {
    /// A number of gas units.
    GasUnits
}
amount! {
    /// A count or identifier that is u64 or u128 on chain (tickets, nonces, requests) and so a string in JSON.
    Count
}

impl Quants {
    /// The amount in SUPRA, exact, without trailing zeros: `157.5`.
    pub fn supra(self) -> String {
        let (whole, rest) = (self.0 / QUANTS_PER_SUPRA, self.0 % QUANTS_PER_SUPRA);
        if rest == 0 {
            return whole.to_string();
        }
        format!("{whole}.{}", format!("{rest:08}").trim_end_matches('0'))
    }
}

/// An exact non-negative decimal such as a margin (`0.15`) or a tier (`2`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    units: u128,
    places: u32,
}

impl Decimal {
    /// `hundredths` / 100.
    pub const fn percent(hundredths: u64) -> Self {
        Self { units: hundredths as u128, places: 2 }.normalised()
    }

    const fn normalised(mut self) -> Self {
        while self.places > 0 && self.units.is_multiple_of(10) {
            self.units /= 10;
            self.places -= 1;
        }
        self
    }

    const fn scale(self) -> u128 {
        10u128.pow(self.places)
    }

    /// Whether this is exactly zero.
    pub const fn is_zero(self) -> bool {
        self.units == 0
    }

    /// `amount × self`, rounded down; exact up to 2^128 − 1.
    pub fn of(self, amount: u128) -> Result<u128, AmountError> {
        mul_div(amount, self.units, self.scale())
    }

    /// `amount × (1 + self)`, rounded down; exact up to 2^128 − 1.
    pub fn added_to(self, amount: u128) -> Result<u128, AmountError> {
        mul_div(amount, self.units + self.scale(), self.scale())
    }

    /// Whether `part < self × whole`, without rounding and without overflow.
    pub fn exceeds_ratio(self, part: u128, whole: u128) -> bool {
        // floor(self × whole) > part  ⇔  not (self × whole < part + 1)
        match mul_div_ceil(whole, self.units, self.scale()) {
            Ok(limit) => part < limit,
            Err(_) => true,
        }
    }

    /// The number divided by 10^`places`: 250 % is 2.5.
    pub fn shifted(self, places: u32) -> Result<Self, AmountError> {
        if self.places + places > 18 {
            return Err(AmountError::NotDecimal);
        }
        Ok(Self { units: self.units, places: self.places + places }.normalised())
    }

    /// The number times 100, as a percentage text: `15`, `12.5`.
    pub fn as_percent(self) -> String {
        Self { units: self.units * 100, places: self.places }.normalised().to_string()
    }
}

/// `a × b / c` rounded down. `b` and `c` are below 10^19 here, so splitting `a` keeps every product in 128 bits.
fn mul_div(a: u128, b: u128, c: u128) -> Result<u128, AmountError> {
    let high = (a / c).checked_mul(b).ok_or(AmountError::Overflow)?;
    let low = (a % c).checked_mul(b).ok_or(AmountError::Overflow)? / c;
    high.checked_add(low).ok_or(AmountError::Overflow)
}

fn mul_div_ceil(a: u128, b: u128, c: u128) -> Result<u128, AmountError> {
    let floor = mul_div(a, b, c)?;
    let rest = (a % c).checked_mul(b).ok_or(AmountError::Overflow)? % c;
    if rest == 0 { Ok(floor) } else { floor.checked_add(1).ok_or(AmountError::Overflow) }
}

/// `part / whole` as a decimal cut after `places`, without a float and without overflow; none over 0.
pub fn quotient(part: u128, whole: u128, places: u32) -> Option<String> {
    let mut text = part.checked_div(whole)?.to_string();
    let mut rest = part % whole;
    for place in 0..places {
        if place == 0 {
            text.push('.');
        }
        let (digit, left) = next_digit(rest, whole);
        text.push(char::from(b'0' + digit));
        rest = left;
    }
    Some(text)
}

/// The next decimal of `rest / whole` and what is left, by ten additions of which none can overflow.
fn next_digit(rest: u128, whole: u128) -> (u8, u128) {
    let (mut digit, mut sum) = (0, 0);
    for _ in 0..10 {
        let room = whole - rest;
        if sum >= room {
            sum -= room;
            digit += 1;
        } else {
            sum += rest;
        }
    }
    (digit, sum)
}

impl FromStr for Decimal {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let text = text.trim();
        let text = text.strip_prefix('+').unwrap_or(text);
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let fraction = fraction.trim_end_matches('0');
        let whole_digits = whole.trim_start_matches('0');
        if text.is_empty() || text == "." || !digits(whole) || !digits(fraction) {
            return Err(AmountError::NotDecimal);
        }
        if whole_digits.len() > 18 || fraction.len() > 18 || whole_digits.len() + fraction.len() > 18 {
            return Err(AmountError::NotDecimal);
        }
        let units = format!("0{whole_digits}{fraction}").parse().map_err(|_| AmountError::NotDecimal)?;
        let places = u32::try_from(fraction.len()).map_err(|_| AmountError::NotDecimal)?;
        Ok(Self { units, places }.normalised())
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.units / self.scale(), self.units % self.scale());
        if self.places == 0 {
            return write!(f, "{whole}");
        }
        write!(f, "{whole}.{rest:0width$}", width = self.places as usize)
    }
}

impl Serialize for Decimal {
    /// A JSON number with exactly these digits (`margin_ratio` was always a number).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number: serde_json::Number = self.to_string().parse().map_err(serde::ser::Error::custom)?;
        number.serialize(serializer)
    }
}

/// Reads a whole number from a text or, after `jq tonumber`, from a number, of which every digit is kept.
struct WholeNumber;

impl<'de> serde::de::Visitor<'de> for WholeNumber {
    type Value = u128;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<u128, E> {
        parse_u128(text).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<u128, E> {
        Ok(number.into())
    }

    // `serde_json` passes a number whose digits it keeps as a map.
    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<u128, A::Error> {
        let number = serde_json::Number::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        parse_u128(&number.to_string()).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        number.to_string().parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Decimal {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number", "minimum": 0})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_from_texts_and_from_numbers() {
        let read = |text: &str| serde_json::from_str::<Quants>(text).map_err(|error| error.to_string());
        assert_eq!(read("\"340282366920938463463374607431768211455\""), Ok(Quants(u128::MAX)));
        assert_eq!(read("340282366920938463463374607431768211455"), Ok(Quants(u128::MAX)));
        assert_eq!(serde_json::from_value::<Quants>(serde_json::json!(7)).unwrap(), Quants(7));
        for text in ["1.5", "-1", "1e3", "true", "null", "{}", "[1]"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read("1e21").unwrap_err().contains("this contains 'e'"));
    }
    use proptest::prelude::*;

    #[test]
    fn supra_has_eight_decimals() {
        for (quants, supra) in
            [(0, "0"), (1, "0.00000001"), (15_750_000_000, "157.5"), (100_000_000, "1"), (600_000_000, "6")]
        {
            assert_eq!(Quants(quants).supra(), supra);
        }
    }

    #[test]
    fn amounts_are_ascii_digits() {
        assert_eq!(parse_u128("0007"), Ok(7));
        assert_eq!(parse_u128(&u128::MAX.to_string()), Ok(u128::MAX));
        assert_eq!(parse_u128("340282366920938463463374607431768211456"), Err(AmountError::TooLarge));
        for (text, bad) in [("1_000", '_'), ("-1", '-'), ("+1", '+'), ("1.0", '.'), ("٣", '٣'), (" 1", ' ')]
        {
            assert_eq!(parse_u128(text), Err(AmountError::NotDigit(bad)), "{text}");
        }
        assert_eq!(parse_u128(""), Err(AmountError::Empty));
        assert_eq!(parse_u128_typed(" 1_000 "), Ok(1000));
    }

    #[test]
    fn decimals_are_exact() {
        for (text, shown) in
            [("0.15", "0.15"), ("+.5", "0.5"), ("3.", "3"), ("0.150", "0.15"), ("2.00", "2"), ("0", "0")]
        {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), shown, "{text}");
        }
        for text in ["", ".", "nan", "inf", "1e-1", "-0.1", "0,15", "1.2.3", "0.1234567890123456789", "٠.٥"]
        {
            assert_eq!(text.parse::<Decimal>(), Err(AmountError::NotDecimal), "{text}");
        }
        assert_eq!("0.125".parse::<Decimal>().unwrap().as_percent(), "12.5");
        assert_eq!(serde_json::to_string(&"0.15".parse::<Decimal>().unwrap()).unwrap(), "0.15");
    }

    #[test]
    fn margins_do_not_lose_a_quant() {
        let margin = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(margin("0.15").added_to(100), Ok(115));
        assert_eq!(margin("0.57").added_to(100), Ok(157));
        assert_eq!(margin("0").added_to((1 << 53) + 1), Ok((1 << 53) + 1));
        assert_eq!(margin("0").added_to(u128::MAX), Ok(u128::MAX));
        assert_eq!(margin("0.01").added_to(u128::MAX), Err(AmountError::Overflow));
        assert_eq!(margin("0.15").added_to(15_750_000_000), Ok(18_112_500_000));
    }

    #[test]
    fn ratios_compare_at_the_edge() {
        let twice = Decimal::percent(200);
        assert!(twice.exceeds_ratio(199, 100));
        assert!(!twice.exceeds_ratio(200, 100));
        let odd = "1.5".parse::<Decimal>().unwrap();
        assert!(odd.exceeds_ratio(4, 3));
        assert!(!odd.exceeds_ratio(5, 3));
        assert!(twice.exceeds_ratio(u128::MAX, u128::MAX));
    }

    #[test]
    fn quotients_are_cut_not_rounded() {
        assert_eq!(quotient(2 * 15_750_000_000 - 1, 15_750_000_000, 6).unwrap(), "1.999999");
        assert_eq!(quotient(u128::MAX, u128::MAX - 1, 6).unwrap(), "1.000000");
        assert_eq!(quotient(u128::MAX - 1, u128::MAX, 2).unwrap(), "0.99");
        assert_eq!(quotient(7, 2, 0).unwrap(), "3");
        assert_eq!(quotient(1, 0, 6), None);
    }

    proptest! {
        #[test]
        fn a_quotient_is_the_division_of_scaled_numbers(part in any::<u64>(), whole in 1u64..) {
            let scaled = u128::from(part) * 1_000_000 / u128::from(whole);
            let exact = format!("{}.{:06}", scaled / 1_000_000, scaled % 1_000_000);
            prop_assert_eq!(quotient(part.into(), whole.into(), 6), Some(exact));
        }

        #[test]
        fn a_margin_never_lowers(amount in any::<u64>(), units in 0u64..1_000_000, places in 0u32..6) {
            let margin = Decimal { units: units.into(), places };
            let exact = u128::from(amount) * (u128::from(units) + margin.scale()) / margin.scale();
            prop_assert_eq!(margin.added_to(amount.into()), Ok(exact));
            prop_assert!(exact >= u128::from(amount));
        }

        #[test]
        fn decimal_text_round_trips(units in 0u64..1_000_000_000, places in 0u32..9) {
            let decimal = Decimal { units: units.into(), places }.normalised();
            prop_assert_eq!(decimal.to_string().parse::<Decimal>(), Ok(decimal));
        }
    }
}
