//! The flag groups that tools share; names, defaults and help come from the table of variables.

use std::path::Path;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, ArgMatches, Args, Command};

use crate::channel::ChannelKind;
use crate::connect;
use crate::settings::Settings;
use crate::settings::variables::{self, Variable};
use supra_core::error::Error;
use supra_core::lang::Lang;
use supra_core::network::Network;
use supra_core::state_dir::StateDir;
use supra_core::transport::cli::Generation;

/// The flag of a setting without its dashes.
pub fn long(variable: &'static Variable) -> &'static str {
    variable.flag.map_or(variable.name, |flag| flag.trim_start_matches("--"))
}

/// The help text of a setting's flag: its meaning, its variable and its default.
pub fn help(variable: &Variable) -> String {
    let default = variable.default.map(|text| format!(", default {text}")).unwrap_or_default();
    let also = variable.also.map(|name| format!(" or {name}")).unwrap_or_default();
    format!("{} [variable {}{also}{default}]", variable.meaning.trim_end_matches('.'), variable.name)
}

/// A flag that sets a variable: its id, the variable, and the name of its value in the help text.
pub type SettingFlag = (&'static str, &'static Variable, &'static str);

/// Adds setting flags under a heading.
pub fn add(command: Command, heading: &'static str, flags: &[SettingFlag]) -> Command {
    command.args(flags.iter().map(|(id, variable, value)| {
        Arg::new(*id)
            .long(long(variable))
            .value_name(*value)
            .help(help(variable))
            .help_heading(heading)
            .allow_negative_numbers(true)
            .value_parser(Words(words(variable)))
            .hide_possible_values(true)
    }))
}

/// Parses any text; its words are what completion offers. The setting checks the value, wherever it comes from.
#[derive(Debug, Clone)]
pub struct Words(pub Vec<&'static str>);

impl TypedValueParser for Words {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let values = self.0.iter().map(|word| PossibleValue::new(*word));
        (!self.0.is_empty()).then(|| Box::new(values) as Box<dyn Iterator<Item = PossibleValue>>)
    }
}

/// The words that a setting takes; none where it takes others.
pub fn words(variable: &Variable) -> Vec<&'static str> {
    fn names<T>(words: &[(&'static str, T)]) -> Vec<&'static str> {
        words.iter().map(|(word, _)| *word).collect()
    }
    match *variable {
        variables::NETWORK => names(Network::WORDS),
        variables::TRANSPORT => names(connect::TRANSPORTS),
        variables::DETAIL => names(connect::DETAILS),
        variables::CLI_GENERATION => names(Generation::WORDS),
        variables::LANGUAGE => names(LANGUAGES),
        variables::WEBHOOK_TYPE => ChannelKind::ALL
            .into_iter()
            .filter(|(_, kind)| kind.is_single_webhook())
            .map(|(name, _)| name)
            .collect(),
        variables::PUSH_METHOD => vec!["POST", "PUT"],
        _ => Vec::new(),
    }
}

/// The values that the command line gives for these flags.
pub fn given(matches: &ArgMatches, flags: &[SettingFlag]) -> Vec<(&'static Variable, String)> {
    let text = |id: &str| matches.get_one::<String>(id).cloned();
    flags.iter().filter_map(|(id, variable, _)| Some((*variable, text(id)?))).collect()
}

// Deriving `Args` for these groups would add some 80 kB of code to each tool; this is a table and two loops.
#[macro_export]
macro_rules! setting_flags {
    ($(#[doc = $doc:literal])* $group:ident, $heading:literal, { $($id:ident = $variable:ident $value:literal)* }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Default)]
        pub struct $group(Vec<(&'static $crate::settings::variables::Variable, String)>);

        impl $group {
            const FLAGS: &[$crate::args::SettingFlag] =
                &[$((stringify!($id), &$crate::settings::variables::$variable, $value)),*];

            /// The value that the command line gives for a variable.
            pub fn given(&self, wanted: &$crate::settings::variables::Variable) -> Option<&str> {
                self.0.iter().find(|(variable, _)| *variable == wanted).map(|(_, value)| value.as_str())
            }

            /// Lets these flags override the environment.
            pub fn fill(&self, settings: &mut $crate::settings::Settings) {
                for (variable, value) in &self.0 {
                    settings.set_flag(variable, Some(value));
                }
            }
        }

        impl clap::FromArgMatches for $group {
            fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self($crate::args::given(matches, Self::FLAGS)))
            }

            fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }

        impl clap::Args for $group {
            fn augment_args(command: clap::Command) -> clap::Command {
                $crate::args::add(command, $heading, Self::FLAGS)
            }

            fn augment_args_for_update(command: clap::Command) -> clap::Command {
                Self::augment_args(command)
            }
        }
    };
}

setting_flags! {
    /// Which subscription and lottery are watched.
    TargetArgs, "Target", {
        network = NETWORK "NAME"
        profile = PROFILE "NAME"
        lottery_addr = LOTTERY_ADDR "ADDRESS"
        deposit_addr = DEPOSIT_ADDR "ADDRESS"
        client_addr = CLIENT_ADDR "ADDRESS"
        lottery_module = LOTTERY_MODULE "NAME"
        layout = LAYOUT "NAME|FILE"
        layout_files = LAYOUT_FILES "FILES"
        deposit_module = DEPOSIT_MODULE "NAME"
    }
}

setting_flags! {
    /// How the chain is read.
    ChainArgs, "Chain", {
        transport = TRANSPORT "KIND"
        rpc_url = RPC_URL "URL[,URL…]"
        rpc_api = RPC_API "LIST"
        tls_roots = TLS_ROOTS "ROOTS"
        chain_id = CHAIN_ID "ID"
        supra_cli_bin = CLI_BIN "COMMAND"
        supra_config = SUPRA_CONFIG "FILE"
        cli_generation = CLI_GENERATION "GENERATION"
        cli_compose = CLI_COMPOSE "SERVICE"
        replay = REPLAY_DIR "DIR"
        record = RECORD_DIR "DIR"
        timeout = TIMEOUT "SECONDS"
        call_timeout = CALL_TIMEOUT "SECONDS"
        jobs = JOBS "N"
        detail = DETAIL "HOW"
        retries = RETRIES "N"
        cache_dir = CACHE_DIR "DIR"
    }
}

setting_flags! {
    /// The inputs of the minimum-balance formula.
    CalculationArgs, "Minimum balance", {
        max_gas_price = MAX_GAS_PRICE "QUANTS"
        max_gas_limit = MAX_GAS_LIMIT "GAS"
        verification_gas = VERIFICATION_GAS "GAS"
        margin = MARGIN "SHARE"
        window = WINDOW "REQUESTS"
        min_balance_limit = MIN_BALANCE_LIMIT "QUANTS"
    }
}

setting_flags! {
    /// The language of messages.
    LanguageArgs, "Language", {
        lang = LANGUAGE "LANG"
    }
}

setting_flags! {
    /// Where state is kept between runs.
    StateArgs, "State", {
        state_dir = STATE_DIR "DIR"
    }
}

impl StateArgs {
    /// Opens the state directory and creates it if needed; `None` when no directory is configured.
    pub fn open(settings: &Settings) -> Result<Option<StateDir>, Error> {
        let Some(path) = settings.text(&variables::STATE_DIR) else { return Ok(None) };
        Ok(Some(StateDir::open(Path::new(path))?))
    }
}

/// The flags of every tool that can read the chain.
#[derive(Debug, Clone, Default, Args)]
pub struct LiveArgs {
    /// Which subscription and lottery are watched.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How the chain is read.
    #[command(flatten)]
    pub chain: ChainArgs,
    /// The inputs of the minimum-balance formula.
    #[command(flatten)]
    pub calculation: CalculationArgs,
    /// The language of messages.
    #[command(flatten)]
    pub language: LanguageArgs,
    /// View functions chosen by hand.
    #[arg(long = long(&variables::FUNCTIONS), value_name = "VALUE=FUNCTION", help = help(&variables::FUNCTIONS), help_heading = "Chain")]
    pub function: Vec<String>,
    /// Extra request headers.
    #[arg(long = long(&variables::RPC_HEADERS), value_name = "NAME: VALUE", help = help(&variables::RPC_HEADERS), help_heading = "Chain")]
    pub rpc_header: Vec<String>,
}

impl LiveArgs {
    /// Lets these flags override the environment.
    pub fn fill(&self, settings: &mut Settings) {
        self.target.fill(settings);
        self.chain.fill(settings);
        self.calculation.fill(settings);
        self.language.fill(settings);
        let joined = |list: &[String], by: &str| (!list.is_empty()).then(|| list.join(by));
        settings.set_flag(&variables::FUNCTIONS, joined(&self.function, ",").as_deref());
        settings.set_flag(&variables::RPC_HEADERS, joined(&self.rpc_header, "\n").as_deref());
    }
}

/// The network that the settings name, if any.
pub fn network(settings: &Settings) -> Result<Option<Network>, Error> {
    settings.choice(&variables::NETWORK, Network::WORDS)
}

const LANGUAGES: &[(&str, Lang)] = &[("en", Lang::En), ("ru", Lang::Ru)];

/// The language of messages: the flag, else the variable, else the locale, else English.
pub fn lang(settings: &Settings) -> Result<Lang, Error> {
    if let Some(lang) = settings.choice(&variables::LANGUAGE, LANGUAGES)? {
        return Ok(lang);
    }
    let locale = [&variables::LC_ALL, &variables::LC_MESSAGES, &variables::LANG]
        .into_iter()
        .find_map(|v| settings.text(v));
    Ok(if locale.is_some_and(|text| text.starts_with("ru")) { Lang::Ru } else { Lang::En })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_decides_last() {
        let lang = |pairs: &[(&'static str, &str)]| {
            lang(&Settings::new(pairs.iter().map(|(name, text)| (*name, (*text).to_owned())).collect()))
        };
        assert_eq!(lang(&[]), Ok(Lang::En));
        assert_eq!(lang(&[("LANG", "ru_RU.UTF-8")]), Ok(Lang::Ru));
        assert_eq!(lang(&[("LC_ALL", "C"), ("LANG", "ru_RU.UTF-8")]), Ok(Lang::En));
        assert_eq!(lang(&[("DVRF_LANG", "en"), ("LANG", "ru_RU.UTF-8")]), Ok(Lang::En));
        assert_eq!(lang(&[("DVRF_LANG", "de")]).unwrap_err().kind().name(), "config");
    }
}
