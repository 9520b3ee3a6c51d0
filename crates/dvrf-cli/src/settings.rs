//! Settings: a flag overrides the variable, which overrides `dvrf.toml`, which overrides the default. Errors name the
//! source of a bad value.

pub mod file;
mod selection;
pub mod variables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::layout::LayoutFiles;
use crate::parse::{self, did_you_mean, supra_hint};
use file::{ConfigFile, FileValue, Subscription};
pub use selection::{CommandLine, TARGET_FLAGS};
use supra_core::address::Address;
use supra_core::amount::{Decimal, Quants, parse_u128_typed};
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::network::Network;
use supra_core::time::parse_span;
use variables::Variable;

/// The settings that name a target.
const TARGET: [&Variable; 2] = [&variables::LOTTERY_ADDR, &variables::CLIENT_ADDR];

/// The settings of a run. A value is parsed when it is read, so that an invalid variable that the run does not use
/// does not stop it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    environment: BTreeMap<&'static str, String>,
    flags: BTreeMap<&'static str, String>,
    file: Arc<ConfigFile>,
    /// The subscription of the file, or only the network, whose settings these are.
    chosen: Option<Chosen>,
    /// The subscriptions of the file that this run is about, where they are several.
    targets: Vec<Arc<Subscription>>,
    /// Flags that contradict the subscriptions, unless a piped target replaces them.
    conflict: Option<Error>,
    /// The layout files that were read; settings that are made from these share them.
    layout_files: LayoutFiles,
}

/// What overrides the variables: the values of a subscription. Its network decides which other values are about its chain.
#[derive(Debug, Clone)]
struct Chosen {
    subscription: Option<Arc<Subscription>>,
    network: Option<String>,
}

/// What names the origin of a default.
pub const DEFAULT: &str = "the default";

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

    /// The settings file.
    pub fn file(&self) -> &ConfigFile {
        &self.file
    }

    pub(crate) fn layout_files(&self) -> &LayoutFiles {
        &self.layout_files
    }

    /// A value of the settings file, by its variable's name or by its flag. One of the subscription overrides one of the
    /// whole file.
    pub fn file_value(&self, key: &str) -> Option<&FileValue> {
        let own = self.subscription().and_then(|subscription| subscription.values.get(key));
        own.or_else(|| self.file.values.get(key))
    }

    /// The subscriptions that the run is about, where the settings file has several.
    pub fn targets(&self) -> &[Arc<Subscription>] {
        &self.targets
    }

    /// The one subscription of the settings file that the run is about.
    pub fn subscription(&self) -> Option<&Subscription> {
        self.chosen.as_ref()?.subscription.as_deref()
    }

    /// Whether anything names a target: a flag, a variable, or the settings file.
    pub fn names_target(&self) -> bool {
        !self.targets.is_empty() || TARGET.iter().any(|variable| self.text(variable).is_some())
    }

    /// The settings of one subscription of the file.
    #[must_use]
    pub fn of_subscription(&self, subscription: &Arc<Subscription>) -> Self {
        Self { chosen: Some(Chosen::of(subscription)), ..self.without_targets() }
    }

    /// The settings of the subscription of the file that has this name, if there is one.
    #[must_use]
    pub fn of_name(&self, name: &str) -> Option<Self> {
        self.file.find(name).map(|subscription| self.of_subscription(subscription))
    }

    /// The settings for a target on another network: values about the network of these settings do not count.
    #[must_use]
    pub fn of_network(&self, network: Network) -> Self {
        let mut settings = self.without_targets();
        let is_other = |text: &String| !is_same_network(text, network.name());
        if settings.flags.remove(variables::NETWORK.name).as_ref().is_some_and(is_other) {
            settings.flags.remove(variables::RPC_URL.name);
        }
        for variable in [&variables::CHAIN_ID, &variables::DEPOSIT_ADDR] {
            settings.flags.remove(variable.name);
        }
        settings.chosen = Some(Chosen { subscription: None, network: Some(network.name().to_owned()) });
        settings
    }

    fn without_targets(&self) -> Self {
        Self {
            environment: self.environment.clone(),
            flags: self.flags.clone(),
            file: Arc::clone(&self.file),
            layout_files: self.layout_files.clone(),
            ..Self::default()
        }
    }

    /// The value of a variable that a layout file names; such variables hold addresses or ids.
    pub fn address_variable(&self, name: &str) -> Option<String> {
        match variables::ALL.iter().find(|variable| variable.name == name) {
            Some(variable) => self.text(variable).map(str::to_owned),
            None => variables::named(name),
        }
    }

    /// The flag, variable, place in the file or default that a value comes from.
    pub fn origin<'a>(&'a self, variable: &'a Variable) -> Option<&'a str> {
        self.given(variable).map(|given| given.by)
    }

    /// Sets a flag's value. A target in a flag is watched alone.
    pub fn set_flag(&mut self, variable: &Variable, value: Option<&str>) {
        let Some(value) = value else { return };
        self.flags.insert(variable.name, value.to_owned());
        if TARGET.contains(&variable) {
            (self.chosen, self.conflict) = (None, None);
            self.targets.clear();
        }
    }

    /// Whether a flag gives the value.
    pub fn has_flag(&self, variable: &Variable) -> bool {
        self.flags.contains_key(variable.name)
    }

    /// Forgets a value, whether a flag, a variable or the default gave it.
    pub fn unset(&mut self, variable: &Variable) {
        self.flags.remove(variable.name);
        self.environment.remove(variable.name);
        Arc::make_mut(&mut self.file).values.remove(variable.name);
    }

    fn given<'a>(&'a self, variable: &'a Variable) -> Option<Given<'a>> {
        if let Some(text) = self.flags.get(variable.name) {
            return Some(Given { text, by: variable.flag.unwrap_or(variable.name) });
        }
        let of_file = |value: &'a FileValue| Given { text: &value.text, by: &value.by };
        if let Some(value) = self.subscription().and_then(|own| own.values.get(variable.name)) {
            return Some(of_file(value));
        }
        if *variable == variables::NETWORK
            && let Some(network) = self.chosen.as_ref().and_then(|chosen| chosen.network.as_deref())
        {
            return Some(Given { text: network, by: variables::NETWORK.name });
        }
        let (environment, file) = self.outer_levels(variable);
        let by_name = |name: &'a str| self.environment.get(name).map(|text| Given { text, by: name });
        let in_environment = || by_name(variable.name).or_else(|| variable.also.and_then(by_name));
        let in_file = || self.file.values.get(variable.name).map(of_file);
        environment
            .then(in_environment)
            .flatten()
            .or_else(|| file.then(in_file).flatten())
            .or_else(|| variable.default.map(|text| Given { text, by: DEFAULT }))
    }

    /// Whether the environment and the top of the file count for a setting of the chosen subscription. Its target is as the
    /// file says; a node or a chain id that belongs to another network is not its own.
    fn outer_levels(&self, variable: &Variable) -> (bool, bool) {
        let Some(chosen) = &self.chosen else { return (true, true) };
        let Some(network) = chosen.network.as_deref() else {
            // Where the file names no network, the variables do; they never name the addresses.
            return (!TARGET.contains(&variable), true);
        };
        let is_same = |other: &str| is_same_network(other, network);
        let of_file = self.file.values.get(variables::NETWORK.name).map(|value| value.text.as_str());
        let of_environment = self.environment.get(variables::NETWORK.name).map(String::as_str).or(of_file);
        match *variable {
            variables::LOTTERY_ADDR | variables::CLIENT_ADDR | variables::DEPOSIT_ADDR => (false, false),
            variables::LAYOUT => (false, true),
            variables::CHAIN_ID => (false, of_file.is_some_and(is_same)),
            variables::RPC_URL => (of_environment.is_none_or(is_same), of_file.is_none_or(is_same)),
            _ => (true, true),
        }
    }

    /// A directory of this user: what the variable names, else one under the home directory. Only an absolute path counts.
    pub fn user_directory(&self, variable: &Variable, under_home: &str) -> Option<PathBuf> {
        let absolute = |variable| self.text(variable).map(Path::new).filter(|path| path.is_absolute());
        let base = absolute(variable).map(Path::to_owned);
        let base = base.or_else(|| absolute(&variables::HOME).map(|home| home.join(under_home)));
        base.map(|base| base.join("dvrf"))
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
        self.given(variable).is_some_and(|given| given.by != DEFAULT)
    }

    /// The value as a whole number from 0.
    pub fn number(&self, variable: &Variable) -> Result<Option<u128>, Error> {
        self.parsed(variable, parse_u128_typed)
    }

    /// The value as a whole number of quants from 0.
    pub fn quants(&self, variable: &Variable) -> Result<Option<u128>, Error> {
        let hint = self.given(variable).and_then(|given| supra_hint(given.text));
        let number = self.number(variable);
        hint.into_iter().fold(number, |number, hint| number.map_err(|error| error.with_hint(hint)))
    }

    /// The value as an amount: quants, or SUPRA such as `150.5SUPRA`.
    pub fn amount(&self, variable: &Variable) -> Result<Option<Quants>, Error> {
        let Some(Given { text, by }) = self.given(variable) else { return Ok(None) };
        parse::amount(by, text).map(Some)
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
        let near = did_you_mean(typed, words.iter().map(|(word, _)| *word)).filter(|_| !variable.secret);
        near.into_iter().fold(parsed, |parsed, hint| parsed.map_err(|error| error.with_hint(hint)))
    }

    /// A value that must be set.
    pub fn needed<T>(value: Option<T>, variable: &Variable) -> Result<T, Error> {
        value.ok_or_else(|| Self::missing(variable))
    }

    /// The error for a run about one subscription where the settings file has several, or where flags contradict it.
    pub fn refuse_ambiguous(&self) -> Result<(), Error> {
        if let Some(conflict) = &self.conflict {
            return Err(conflict.clone());
        }
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

/// Whether two texts name the same network.
fn is_same_network(one: &str, other: &str) -> bool {
    one.trim().eq_ignore_ascii_case(other.trim())
}

impl Chosen {
    fn of(subscription: &Arc<Subscription>) -> Self {
        Self {
            network: subscription.network().map(str::to_owned),
            subscription: Some(Arc::clone(subscription)),
        }
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
