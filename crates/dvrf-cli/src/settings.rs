//! Settings: a flag overrides the variable, which overrides the default. Errors name the source of a bad value.

pub mod variables;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::parse::{nearest, supra_hint};
use supra_core::address::Address;
use supra_core::amount::{Decimal, parse_u128_typed};
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::time::parse_span;
use variables::Variable;

/// The settings of a run. A value is parsed when it is read, so that an invalid variable that the run does not use
/// does not stop it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    environment: BTreeMap<&'static str, String>,
    flags: BTreeMap<&'static str, String>,
}

/// A value and the flag, variable or default that it comes from.
struct Given<'a> {
    text: &'a str,
    by: &'a str,
}

impl Settings {
    /// Settings from an environment, before any flag.
    pub fn new(environment: BTreeMap<&'static str, String>) -> Self {
        Self { environment, flags: BTreeMap::new() }
    }

    /// Sets a flag's value.
    pub fn set_flag(&mut self, variable: &Variable, value: Option<&str>) {
        if let Some(value) = value {
            self.flags.insert(variable.name, value.to_owned());
        }
    }

    /// Forgets a value, whether a flag, a variable or the default gave it.
    pub fn unset(&mut self, variable: &Variable) {
        self.flags.remove(variable.name);
        self.environment.remove(variable.name);
    }

    fn given<'a>(&'a self, variable: &'a Variable) -> Option<Given<'a>> {
        if let Some(text) = self.flags.get(variable.name) {
            return Some(Given { text, by: variable.flag.unwrap_or(variable.name) });
        }
        let by_name = |name: &'a str| self.environment.get(name).map(|text| Given { text, by: name });
        by_name(variable.name)
            .or_else(|| variable.also.and_then(by_name))
            .or_else(|| variable.default.map(|text| Given { text, by: "the default" }))
    }

    fn parsed<T, E: std::fmt::Display>(
        &self,
        variable: &Variable,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Error> {
        let Some(Given { text, by }) = self.given(variable) else { return Ok(None) };
        parse(text).map(Some).map_err(|error| {
            let shown = if variable.secret { "***".to_owned() } else { quote(text) };
            Error::new(FailureKind::Config, format!("{by} is {shown:?}: {error}"))
        })
    }

    /// The value as text, trimmed; `None` when it is unset or empty.
    pub fn text<'a>(&'a self, variable: &'a Variable) -> Option<&'a str> {
        self.given(variable).map(|given| given.text.trim()).filter(|text| !text.is_empty())
    }

    /// The flag or variable that sets the value, or the setting's name where nothing does.
    pub fn source<'a>(&'a self, variable: &'a Variable) -> &'a str {
        self.given(variable).map_or(variable.name, |given| given.by)
    }

    /// Whether a flag or a variable sets the value, rather than the default.
    pub fn is_given(&self, variable: &Variable) -> bool {
        self.given(variable).is_some_and(|given| given.by != "the default")
    }

    /// The value as a whole number from 0.
    pub fn number(&self, variable: &Variable) -> Result<Option<u128>, Error> {
        let parsed = self.parsed(variable, parse_u128_typed);
        let text =
            self.given(variable).map(|given| given.text).filter(|_| variable.meaning.contains("quants"));
        match text.and_then(supra_hint) {
            Some(hint) => parsed.map_err(|error| error.with_hint(hint)),
            None => parsed,
        }
    }

    /// The value as a whole number from 1 to `most`.
    pub fn bounded(&self, variable: &Variable, most: u32) -> Result<Option<u32>, Error> {
        self.parsed(variable, |text| match parse_u128_typed(text).ok().and_then(|n| u32::try_from(n).ok()) {
            Some(number) if (1..=most).contains(&number) => Ok(number),
            _ => Err(format!("a whole number from 1 to {most} is needed")),
        })
    }

    /// The value as an exact decimal such as `0.15`.
    pub fn decimal(&self, variable: &Variable) -> Result<Option<Decimal>, Error> {
        self.parsed(variable, str::parse)
    }

    /// The value as an account address.
    pub fn address(&self, variable: &Variable) -> Result<Option<Address>, Error> {
        self.parsed(variable, str::parse)
    }

    /// The value as a span of at least a millisecond and at most a day.
    pub fn seconds(&self, variable: &Variable) -> Result<Option<Duration>, Error> {
        self.parsed(variable, |text| {
            let bounds = Duration::from_millis(1)..=Duration::from_secs(86_400);
            parse_span(text)
                .filter(|span| bounds.contains(span))
                .ok_or("seconds from 0.001 to 86400 are needed")
        })
    }

    /// A duration that must be set.
    pub fn needed_seconds(&self, variable: &Variable) -> Result<Duration, Error> {
        Self::needed(self.seconds(variable)?, variable)
    }

    /// The value that belongs to one of a few words; letter case does not matter.
    pub fn choice<T: Copy>(&self, variable: &Variable, words: &[(&str, T)]) -> Result<Option<T>, Error> {
        let parsed = self.parsed(variable, |text| {
            let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.trim()));
            found.map(|(_, value)| *value).ok_or_else(|| {
                let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                format!("one of {} is needed", known.join(", "))
            })
        });
        let typed = self.given(variable).map_or("", |given| given.text);
        match nearest(typed, words.iter().map(|(word, _)| *word)) {
            Some(near) if !variable.secret => {
                parsed.map_err(|error| error.with_hint(format!("did you mean {near}?")))
            }
            _ => parsed,
        }
    }

    /// A value that must be set.
    pub fn needed<T>(value: Option<T>, variable: &Variable) -> Result<T, Error> {
        value.ok_or_else(|| Self::missing(variable))
    }

    /// The error for a required setting that is not set.
    pub fn missing(variable: &Variable) -> Error {
        let flag = variable.flag.map(|flag| format!(" or {flag}")).unwrap_or_default();
        Error::new(FailureKind::Config, format!("{}{flag} is needed", variable.name))
            .with_hint(variable.meaning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(environment: &[(&'static str, &str)], flag: Option<(&Variable, &str)>) -> Settings {
        let environment = environment.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
        let mut settings = Settings::new(environment);
        if let Some((variable, text)) = flag {
            settings.set_flag(variable, Some(text));
        }
        settings
    }

    #[test]
    fn flag_then_variable_then_default() {
        let window = |environment: &[_], flag| {
            settings(environment, flag).number(&variables::WINDOW).map_err(|failure| failure.message())
        };
        assert_eq!(window(&[], None), Ok(Some(30)));
        assert_eq!(window(&[("REQUEST_WINDOW", "7")], None), Ok(Some(7)));
        assert_eq!(window(&[("REQUEST_WINDOW", "7"), ("MIN_BALANCE_WINDOW", "8")], None), Ok(Some(8)));
        assert_eq!(
            window(&[("MIN_BALANCE_WINDOW", "x")], Some((&variables::WINDOW, "1_000"))),
            Ok(Some(1000))
        );
        assert_eq!(
            window(&[("REQUEST_WINDOW", "seven")], None),
            Err("REQUEST_WINDOW is \"seven\": a whole number of ASCII digits is needed, this contains 's'"
                .into())
        );
        assert_eq!(
            window(&[], Some((&variables::WINDOW, "-1"))),
            Err("--window is \"-1\": a whole number of ASCII digits is needed, this contains '-'".into())
        );
    }

    #[test]
    fn secrets_are_not_quoted() {
        let failure = settings(&[("SUPRA_RPC_URL", "http://secret")], None)
            .choice::<()>(&variables::RPC_URL, &[])
            .unwrap_err();
        assert!(!failure.message().contains("secret"), "{}", failure.message());
    }

    #[test]
    fn spans_and_bounds() {
        let span =
            |text| settings(&[("DVRF_TIMEOUT", text)], None).seconds(&variables::TIMEOUT).ok().flatten();
        assert_eq!(span("0.25"), Some(Duration::from_millis(250)));
        assert_eq!(span("86400"), Some(Duration::from_secs(86_400)));
        assert_eq!(span("1.5m"), Some(Duration::from_secs(90)));
        assert_eq!(span("86401"), None);
        assert_eq!(span("0"), None);
        assert_eq!(span("nan"), None);
        let jobs =
            |text| settings(&[("DVRF_JOBS", text)], None).bounded(&variables::JOBS, 256).ok().flatten();
        assert_eq!(jobs("256"), Some(256));
        assert_eq!(jobs("0"), None);
        assert_eq!(jobs("257"), None);
    }
}
