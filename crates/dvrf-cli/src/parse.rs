//! Parsers for flag values, with errors that name the flag and quote what was typed.

use std::fmt::Display;
use std::str::FromStr;

use supra_core::amount::{Decimal, QUANTS_PER_SUPRA, Quants, parse_u128_typed};
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::http::Endpoint;
use supra_core::network::Network;

/// The error for a flag value that cannot be used.
pub fn bad(flag: &str, text: &str, why: impl Display) -> Error {
    Error::new(FailureKind::Config, format!("{flag} is {:?}: {why}", quote(text)))
}

/// The word nearest to a mistyped one, if one is near.
pub fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.trim().to_lowercase();
    let words: Vec<&str> = words.into_iter().collect();
    let mut begun = words.iter().filter(|word| typed.len() >= 3 && word.to_lowercase().starts_with(&typed));
    if let (Some(word), None) = (begun.next(), begun.next()) {
        return Some(word);
    }
    let distance = |word: &str| strsim::damerau_levenshtein(&word.to_lowercase(), &typed);
    let (distance, word) =
        words.into_iter().map(|word| (distance(word), word)).min_by_key(|(distance, _)| *distance)?;
    (distance * 3 <= word.chars().count()).then_some(word)
}

/// The hint that names the word nearest to a mistyped one.
pub fn did_you_mean<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(typed, words).map(|near| format!("did you mean {near}?"))
}

/// The same hint, or another one where no word is near.
pub fn near_or<'a>(
    typed: &str,
    words: impl IntoIterator<Item = &'a str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    did_you_mean(typed, words).unwrap_or_else(otherwise)
}

/// What an amount of SUPRA is in quants, where somebody typed one for a whole number of quants.
pub fn supra_hint(text: &str) -> Option<String> {
    let typed = text.trim().trim_end_matches("SUPRA").trim_end();
    let quants = typed.parse::<Decimal>().ok()?.of(QUANTS_PER_SUPRA).ok()?;
    let is_amount = typed.contains('.') || typed.len() < text.trim().len();
    is_amount.then(|| format!("{typed} SUPRA are {quants} quants"))
}

/// Parses any type with `FromStr`.
pub fn parsed<T: FromStr<Err: Display>>(flag: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|error| bad(flag, text, error))
}

/// Parses a whole number from 0; `_` may separate groups of digits.
pub fn number(flag: &str, text: &str) -> Result<u128, Error> {
    parse_u128_typed(text).map_err(|error| bad(flag, text, error))
}

/// Parses the name of a network.
pub fn network(flag: &str, text: &str) -> Result<Network, Error> {
    let known: Vec<&str> = Network::WORDS.iter().map(|(name, _)| *name).collect();
    Network::named(text).ok_or_else(|| bad(flag, text, format!("one of {} is needed", known.join(", "))))
}

/// Parses an amount: quants, or SUPRA such as `150.5SUPRA`.
pub fn amount(flag: &str, text: &str) -> Result<Quants, Error> {
    let trimmed = text.trim();
    let number = trimmed
        .len()
        .checked_sub(5)
        .filter(|at| trimmed.is_char_boundary(*at))
        .map(|at| trimmed.split_at(at));
    let Some((number, _)) = number.filter(|(_, unit)| unit.eq_ignore_ascii_case("SUPRA")) else {
        return parse_u128_typed(text).map(Quants).map_err(|error| {
            bad(flag, text, format!("{error}; or SUPRA with the unit, such as 150.5SUPRA"))
        });
    };
    let wrong =
        || bad(flag, text, "an amount such as 150.5SUPRA is needed, with at most 8 digits behind the point");
    let (whole, part) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
    if whole.is_empty() || part.len() > 8 {
        return Err(wrong());
    }
    let digits = format!("{whole}{part:0<8}");
    parse_u128_typed(&digits).map(Quants).map_err(|_| wrong())
}

/// Refuses a text that is not the URL of a node. It is shown only if it is a host without user, path and query, which may hold
/// a key.
pub fn node_url(by: &str, url: &str) -> Result<(), Error> {
    if url.contains('…') {
        let message = format!("{by} still has the … of an example or of a shortened text");
        return Err(Error::new(FailureKind::Config, message).with_hint("write the whole URL"));
    }
    let Err(error) = Endpoint::parse(url) else { return Ok(()) };
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/');
    let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
    let is_public = is_host(host) && port.is_none_or(|port| port.parse::<u16>().is_ok());
    if !is_public {
        return Err(bad(by, "***", error).with_hint("write it as https://HOST or http://HOST:PORT"));
    }
    let scheme = if port.is_some_and(|port| port != "443") { "http" } else { "https" };
    Err(bad(by, url, error).with_hint(format!("did you mean {scheme}://{rest}?")))
}

/// Whether a text looks like the name or the IPv4 address of a host, and not like a key.
fn is_host(text: &str) -> bool {
    let end = text.rsplit('.').next().unwrap_or_default();
    let is_name = text.contains('.')
        && (2..=8).contains(&end.len())
        && end.bytes().all(|byte| byte.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    is_name || text == "localhost" || text.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_and_amounts_are_guessed() {
        let networks = ["testnet", "mainnet", "devnet"];
        assert_eq!(nearest("tesnet", networks), Some("testnet"));
        assert_eq!(nearest("Mainnet ", networks), Some("mainnet"));
        assert_eq!(nearest("elsewhere", networks), None);
        assert_eq!((nearest("test", networks), nearest("te", networks)), (Some("testnet"), None));
        assert_eq!(nearest("draw", ["draw-handled", "draw-requested"]), None);
        assert_eq!(supra_hint("150.5").as_deref(), Some("150.5 SUPRA are 15050000000 quants"));
        assert_eq!(supra_hint("2 SUPRA").as_deref(), Some("2 SUPRA are 200000000 quants"));
        assert_eq!((supra_hint("150"), supra_hint("many")), (None, None));
    }

    #[test]
    fn a_url_that_may_hold_a_key_is_not_shown() {
        let shown = |url| node_url("--rpc-url", url).unwrap_err().message().contains(url);
        for url in ["htp://rpc.example", "127.0.0.1:80", "localhost:80", "rpc.supra.com/"] {
            assert!(shown(url), "{url}");
        }
        for url in
            ["h.example/key", "me:pw@h.example", "eyJh.eyJz.Sf1K", "admin:hunter2", "key", "h.example?k=1"]
        {
            assert!(!shown(url), "{url}");
        }
        assert_eq!(node_url("--rpc-url", "http://h/key"), Ok(()));
    }

    #[test]
    fn amounts_are_quants_or_supra() {
        let parsed = |text: &str| amount("--to", text).map(Quants::get).map_err(|error| error.message());
        for (text, quants) in [
            ("7", 7),
            ("1_000", 1000),
            ("150.5SUPRA", 15_050_000_000),
            ("0.00000001 supra", 1),
            ("2SUPRA", 200_000_000),
        ] {
            assert_eq!(parsed(text), Ok(quants), "{text}");
        }
        for text in ["", "150.5", "-1SUPRA", "SUPRA", "1.000000001SUPRA", "1e3SUPRA", "\u{430}\u{430}\u{430}"]
        {
            assert!(parsed(text).is_err_and(|why| why.contains("150.5SUPRA")), "{text}");
        }
    }

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
