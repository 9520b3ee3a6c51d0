//! Settings: a flag overrides the variable, which overrides `dvrf.toml`, which overrides the default. Errors name the
//! source of a bad value.

pub mod file;
pub mod variables;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::parse::{nearest, supra_hint};
use file::{ConfigFile, FileValue, Subscription, keys};
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
    /// The settings file, and the values of the one subscription that was chosen in it.
    file: ConfigFile,
    /// The subscriptions of the file that this run is about, where they are several.
    targets: Vec<Subscription>,
    /// The name of the one that it is about, where it is one.
    subscription: Option<String>,
}

/// A value and the flag, variable or default that it comes from.
struct Given<'a> {
    text: &'a str,
    by: &'a str,
}

impl Settings {
    /// Settings from an environment, before any flag.
    pub fn new(environment: BTreeMap<&'static str, String>) -> Self {
        Self { environment, ..Self::default() }
    }

    /// Reads the settings file and chooses the subscriptions that the run is about: those that `--only` names, else none
    /// where a flag or a variable names the target, else all.
    pub fn load_file(
        &mut self,
        config: Option<&str>,
        only: &[String],
        flags_name_target: bool,
    ) -> Result<(), Error> {
        let (config_home, user_home) = (self.text(&variables::XDG_CONFIG_HOME), self.text(&variables::HOME));
        let named = config.or_else(|| self.text(&variables::CONFIG));
        let mut file = file::load(named, config_home, user_home)?;
        let mut chosen = file.subscriptions.clone();
        let target = [&variables::LOTTERY_ADDR, &variables::CLIENT_ADDR];
        if !only.is_empty() {
            for name in only {
                check_name(name, &file)?;
            }
            chosen.retain(|subscription| only.contains(&subscription.name));
            for variable in target.into_iter().chain([&variables::DEPOSIT_ADDR]) {
                self.environment.remove(variable.name);
            }
        } else if flags_name_target || target.iter().any(|variable| self.text(variable).is_some()) {
            chosen.clear();
        }
        if let [one] = chosen.as_slice() {
            file.values.extend(one.values.clone());
            self.subscription = Some(one.name.clone());
            chosen.clear();
        }
        (self.file, self.targets) = (file, chosen);
        Ok(())
    }

    /// The settings file.
    pub fn file(&self) -> &ConfigFile {
        &self.file
    }

    /// A value of the settings file, by its variable's name or by its flag.
    pub fn file_value(&self, key: &str) -> Option<&FileValue> {
        self.file.values.get(key)
    }

    /// The subscriptions that the run is about, where the settings file has several.
    pub fn targets(&self) -> &[Subscription] {
        &self.targets
    }

    /// The name of the one subscription of the settings file that the run is about.
    pub fn subscription(&self) -> Option<&str> {
        self.subscription.as_deref()
    }

    /// The settings of one subscription of the file.
    #[must_use]
    pub fn of_subscription(&self, subscription: &Subscription) -> Self {
        let mut settings = self.clone();
        settings.file.values.extend(subscription.values.clone());
        settings.subscription = Some(subscription.name.clone());
        settings.targets.clear();
        settings
    }

    /// The flag, variable, place in the file or default that a value comes from.
    pub fn origin<'a>(&'a self, variable: &'a Variable) -> Option<&'a str> {
        self.given(variable).map(|given| given.by)
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
        self.file.values.remove(variable.name);
    }

    fn given<'a>(&'a self, variable: &'a Variable) -> Option<Given<'a>> {
        if let Some(text) = self.flags.get(variable.name) {
            return Some(Given { text, by: variable.flag.unwrap_or(variable.name) });
        }
        let by_name = |name: &'a str| self.environment.get(name).map(|text| Given { text, by: name });
        by_name(variable.name)
            .or_else(|| variable.also.and_then(by_name))
            .or_else(|| {
                self.file_value(variable.name).map(|value| Given { text: &value.text, by: &value.by })
            })
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

    /// Whether a flag, a variable or the file sets the value, rather than the default.
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

    /// The error for a run about one subscription where the settings file has several.
    pub fn refuse_several(&self) -> Result<(), Error> {
        let [first, ..] = self.targets.as_slice() else { return Ok(()) };
        let path = self.file.path.as_deref().unwrap_or_default();
        let message = format!("{path} has {} subscriptions, and this needs one", self.targets.len());
        Err(Error::new(FailureKind::Config, message).with_hint(format!("choose one: --only {}", first.name)))
    }

    /// The error for a required setting that is not set.
    pub fn missing(variable: &Variable) -> Error {
        let flag = variable.flag.map(|flag| format!(" or {flag}")).unwrap_or_default();
        Error::new(FailureKind::Config, format!("{}{flag} is needed", variable.name))
            .with_hint(variable.meaning)
    }
}

/// Checks that the file has the subscription that `--only` names.
fn check_name(name: &str, file: &ConfigFile) -> Result<(), Error> {
    let Some(path) = &file.path else {
        let error = Error::new(FailureKind::Config, "--only needs a settings file, and there is none");
        return Err(error.with_hint("dvrf init writes one"));
    };
    let known: Vec<String> =
        file.subscriptions.iter().map(|subscription| subscription.name.clone()).collect();
    if known.iter().any(|other| other == name) {
        return Ok(());
    }
    let message = format!("--only is {:?}: {path} has no such subscription", quote(name));
    let hint = keys::nearest(name, &known)
        .map_or_else(|| format!("it has {}", known.join(", ")), |near| format!("did you mean {near}?"));
    Err(Error::new(FailureKind::Config, message).with_hint(hint))
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
