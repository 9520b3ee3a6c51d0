//! Which subscriptions of the settings file a run is about, and the flags that contradict them.

use std::sync::Arc;

use super::file::{self, ConfigFile, Subscription};
use super::variables::{self, Variable};
use super::{Chosen, Settings, TARGET, is_same_network};
use supra_core::error::Error;
use supra_core::failure::FailureKind;

/// The flags that say what is watched, or which chain it is on. A subscription of the settings file says that itself.
pub const TARGET_FLAGS: [&Variable; 5] = [
    &variables::NETWORK,
    &variables::LOTTERY_ADDR,
    &variables::CLIENT_ADDR,
    &variables::DEPOSIT_ADDR,
    &variables::CHAIN_ID,
];
/// What the command line says about the settings file and the target.
#[derive(Debug, Default)]
pub struct CommandLine<'a> {
    /// `--config`.
    pub config: Option<&'a str>,
    /// `--only`.
    pub only: Vec<&'a str>,
    /// The flags of [`TARGET_FLAGS`] that were typed, and that of the node.
    pub typed: Vec<&'static Variable>,
    /// Whether records are read, so that no subscription of the file is.
    pub reads_records: bool,
    /// Whether a target may come from stdin.
    pub may_take_target: bool,
}

impl Settings {
    /// Reads the settings file and chooses the subscriptions that the run is about: those that `--only` names, else none
    /// where a flag or a variable names the target or records are read, else all. Returns a warning about a file that
    /// nobody named and that cannot be read.
    pub fn load_file(&mut self, line: &CommandLine) -> Result<Option<Error>, Error> {
        let (file, warning) = match line.config.or_else(|| self.text(&variables::CONFIG)) {
            Some(path) => (file::read(path)?, None),
            None => file::find(self.user_directory(&variables::XDG_CONFIG_HOME, ".config"))?,
        };
        self.choose(file, line)?;
        Ok(warning)
    }

    fn choose(&mut self, file: ConfigFile, line: &CommandLine) -> Result<(), Error> {
        self.file = Arc::new(file);
        let names_target =
            TARGET.iter().any(|variable| line.typed.contains(variable) || self.is_given(variable));
        let chosen = if !line.only.is_empty() {
            self.file.only(&line.only)?
        } else if names_target || line.reads_records {
            Vec::new()
        } else {
            self.file.subscriptions.clone()
        };
        if let Some(conflict) = self.conflict(line, &chosen) {
            if !line.may_take_target || !line.only.is_empty() {
                return Err(conflict);
            }
            self.conflict = Some(conflict);
        }
        match chosen.as_slice() {
            [] => {}
            [one] => self.chosen = Some(Chosen::of(one)),
            _ => {
                let network = self.file_value(variables::NETWORK.name).map(|value| value.text.clone());
                self.chosen = network.map(|network| Chosen { subscription: None, network: Some(network) });
                self.targets = chosen;
            }
        }
        Ok(())
    }

    /// The error for flags that say what the chosen subscriptions say already: the run could be about another chain than
    /// the file means.
    fn conflict(&self, line: &CommandLine, chosen: &[Arc<Subscription>]) -> Option<Error> {
        let first = chosen.first()?;
        let path = self.file.path.as_deref().unwrap_or_default();
        let flag = |variable: &Variable| variable.flag.unwrap_or(variable.name);
        if let Some(typed) = TARGET_FLAGS.iter().find(|variable| line.typed.contains(variable)) {
            let flag = flag(typed);
            let which = match chosen {
                [one] => format!("the subscription {} of {path} says", one.name),
                _ => format!("the subscriptions of {path} say"),
            };
            let message = format!("{flag} is given, but {which} which network and addresses are meant");
            let hint = if line.only.is_empty() {
                format!(
                    "leave {flag} out, choose with --only {}, or name a whole target with --lottery-addr or --client-addr",
                    first.name
                )
            } else {
                format!("leave {flag} out, or leave --only out and name the whole target by flags")
            };
            return Some(Error::new(FailureKind::Config, message).with_hint(hint));
        }
        let is_same = |other: &Subscription| match (other.network(), first.network()) {
            (Some(one), Some(other)) => is_same_network(one, other),
            (one, other) => one == other,
        };
        let other = chosen.iter().find(|other| !is_same(other))?;
        if !line.typed.contains(&&variables::RPC_URL) {
            return None;
        }
        let flag = flag(&variables::RPC_URL);
        let message = format!(
            "{flag} is one node, but the subscriptions {} and {} of {path} are on different networks",
            first.name, other.name
        );
        Some(Error::new(FailureKind::Config, message).with_hint(format!(
            "choose with --only {}, or write the nodes under [rpc_urls] in {path}",
            first.name
        )))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use supra_core::network::Network;

    use super::*;

    fn settings(environment: &[(&'static str, &str)]) -> Settings {
        Settings::new(environment.iter().map(|(name, text)| (*name, (*text).to_owned())).collect())
    }

    const FILE: &str = r#"
network = "testnet"
rpc_url = "http://testnet.file"
chain_id = 6
deposit_addr = "0xd1"
profile = "file"

[[subscription]]
name = "main"
lottery = "0x1"

[[subscription]]
name = "game"
network = "mainnet"
client = "0x2"
profile = "own"
"#;

    fn chosen(
        text: &str,
        environment: &[(&'static str, &str)],
        line: &CommandLine,
    ) -> Result<Settings, Error> {
        let mut settings = settings(environment);
        settings.choose(file::parse("f", text, 0o600)?, line)?;
        Ok(settings)
    }

    fn only(name: &str) -> CommandLine<'_> {
        CommandLine { only: vec![name], ..CommandLine::default() }
    }

    /// The value of a setting of one subscription, the same whether it is the only one of its file, chosen by `--only`, or one
    /// of several.
    fn of_game(variable: &Variable, environment: &[(&'static str, &str)]) -> Option<String> {
        let alone = FILE.replace("name = \"main\"\nlottery = \"0x1\"\n\n[[subscription]]\n", "");
        assert!(alone.len() < FILE.len());
        let of_only = chosen(FILE, environment, &only("game")).unwrap();
        let of_one = chosen(&alone, environment, &CommandLine::default()).unwrap();
        let several = chosen(FILE, environment, &CommandLine::default()).unwrap();
        let of_several = several.of_subscription(&several.targets()[1]);
        let values = [of_only, of_one, of_several].map(|found| found.text(variable).map(str::to_owned));
        assert!(values.iter().all(|value| *value == values[0]), "{}: {values:?}", variable.name);
        values.into_iter().next().flatten()
    }

    /// Nothing outside the file leads to another chain or another target than the file says.
    #[rstest]
    #[case::network(&variables::NETWORK, Some("mainnet"))]
    #[case::lottery(&variables::LOTTERY_ADDR, None)]
    #[case::client(&variables::CLIENT_ADDR, Some("0x2"))]
    #[case::deposit_of_the_network(&variables::DEPOSIT_ADDR, None)]
    #[case::chain_id_of_the_network(&variables::CHAIN_ID, None)]
    #[case::node_of_the_network(&variables::RPC_URL, None)]
    #[case::profile(&variables::PROFILE, Some("own"))]
    #[case::other_settings(&variables::JOBS, Some("3"))]
    fn a_subscription_is_what_the_file_says(#[case] variable: &Variable, #[case] expected: Option<&str>) {
        let environment = [
            ("DVRF_CHAIN_ID", "50"),
            ("DVRF_NETWORK", "testnet"),
            ("DEPOSIT_ADDR", "0x9"),
            ("DVRF_JOBS", "3"),
            ("PROFILE", "environment"),
            ("SUPRA_RPC_URL", "http://testnet.environment"),
        ];
        let without_target = if *variable == variables::JOBS { &environment[3..4] } else { &environment };
        assert_eq!(of_game(variable, without_target).as_deref(), expected);
        let is_named = [("LOTTERY_ADDR", "0x77"), ("CLIENT_ADDR", "0x78")];
        let with_target = [&environment[..], &is_named].concat();
        let of_only = chosen(FILE, &with_target, &only("game")).unwrap();
        assert_eq!(of_only.text(variable), expected);
    }

    #[rstest]
    #[case::of_the_file(&[], "main", Some("http://testnet.file"))]
    #[case::of_the_environment(&[("SUPRA_RPC_URL", "http://e")], "main", Some("http://e"))]
    #[case::of_another_network(&[("SUPRA_RPC_URL", "http://e"), ("DVRF_NETWORK", "mainnet")], "main", Some("http://testnet.file"))]
    #[case::of_its_own_network(&[("SUPRA_RPC_URL", "http://e"), ("DVRF_NETWORK", "Mainnet")], "game", Some("http://e"))]
    #[case::of_the_files_network(&[("SUPRA_RPC_URL", "http://e")], "game", None)]
    fn a_node_belongs_to_the_network_beside_it(
        #[case] environment: &[(&'static str, &str)],
        #[case] name: &str,
        #[case] expected: Option<&str>,
    ) {
        let settings = chosen(FILE, environment, &only(name)).unwrap();
        assert_eq!(settings.text(&variables::RPC_URL), expected);
    }

    #[test]
    fn without_a_network_in_the_file_the_variable_counts() {
        let text = "[[subscription]]\nname = \"a\"\nlottery = \"0x1\"\n";
        let environment = [("DVRF_NETWORK", "devnet"), ("DEPOSIT_ADDR", "0x9"), ("DVRF_CHAIN_ID", "50")];
        let settings = chosen(text, &environment, &CommandLine::default()).unwrap();
        let text = |variable| settings.text(variable);
        assert_eq!(text(&variables::NETWORK), Some("devnet"));
        assert_eq!(text(&variables::DEPOSIT_ADDR), Some("0x9"));
        assert_eq!(text(&variables::CHAIN_ID), Some("50"));
        assert_eq!((text(&variables::LOTTERY_ADDR), text(&variables::CLIENT_ADDR)), (Some("0x1"), None));
    }

    #[test]
    fn a_target_outside_the_file_is_watched_alone() {
        let settings = chosen(FILE, &[("CLIENT_ADDR", "0x9")], &CommandLine::default()).unwrap();
        assert!(settings.targets().is_empty() && settings.subscription().is_none());
        assert_eq!(settings.text(&variables::NETWORK), Some("testnet"));
        let mut settings = chosen(FILE, &[], &only("game")).unwrap();
        settings.set_flag(&variables::LOTTERY_ADDR, Some("0x9"));
        assert_eq!(settings.text(&variables::NETWORK), Some("testnet"));
        assert!(settings.subscription().is_none());
        let piped = CommandLine { reads_records: true, ..CommandLine::default() };
        let settings = chosen(FILE, &[("DVRF_NETWORK", "mainnet")], &piped).unwrap();
        assert_eq!((settings.targets().len(), settings.text(&variables::NETWORK)), (0, Some("mainnet")));
    }

    #[rstest]
    #[case::only(
        &["game"],
        &variables::NETWORK,
        "--network is given, but the subscription game of f says which network and addresses are meant",
        "leave --network out, or leave --only out and name the whole target by flags"
    )]
    #[case::lottery(
        &["main"],
        &variables::LOTTERY_ADDR,
        "--lottery-addr is given, but the subscription main of f says which network and addresses are meant",
        "leave --lottery-addr out, or leave --only out and name the whole target by flags"
    )]
    #[case::all(
        &[],
        &variables::CHAIN_ID,
        "--chain-id is given, but the subscriptions of f say which network and addresses are meant",
        "leave --chain-id out, choose with --only main, or name a whole target with --lottery-addr or --client-addr"
    )]
    #[case::one_node(
        &[],
        &variables::RPC_URL,
        "--rpc-url is one node, but the subscriptions main and game of f are on different networks",
        "choose with --only main, or write the nodes under [rpc_urls] in f"
    )]
    fn flags_do_not_contradict_the_file(
        #[case] only: &[&'static str],
        #[case] flag: &'static Variable,
        #[case] message: &str,
        #[case] hint: &str,
    ) {
        let line = CommandLine { only: only.to_vec(), typed: vec![flag], ..CommandLine::default() };
        let error = chosen(FILE, &[], &line).unwrap_err();
        assert_eq!((error.message().as_str(), error.hint()), (message, Some(hint)));
        // A target may still be piped in; only then is it decided.
        let line = CommandLine { may_take_target: true, ..line };
        if only.is_empty() {
            let mut settings = chosen(FILE, &[], &line).unwrap();
            assert_eq!(settings.refuse_ambiguous().unwrap_err().message(), message);
            settings.set_flag(&variables::CLIENT_ADDR, Some("0x9"));
            assert_eq!(settings.refuse_ambiguous(), Ok(()));
        }
    }

    #[test]
    fn one_node_serves_subscriptions_of_one_network() {
        let line = CommandLine { typed: vec![&variables::RPC_URL], ..CommandLine::default() };
        let text = FILE.replace("network = \"mainnet\"", "network = \"Testnet\"");
        assert_eq!(chosen(&text, &[], &line).unwrap().targets().len(), 2);
    }

    #[test]
    fn a_record_of_another_network_has_its_node() {
        let flags = [
            (&variables::NETWORK, "testnet"),
            (&variables::RPC_URL, "http://t"),
            (&variables::CHAIN_ID, "6"),
        ];
        let mut settings = settings(&[("SUPRA_RPC_URL", "http://e"), ("DVRF_NETWORK", "testnet")]);
        for (variable, text) in flags {
            settings.set_flag(variable, Some(text));
        }
        let of_mainnet = settings.of_network(Network::Mainnet);
        let text = |variable| of_mainnet.text(variable);
        assert_eq!(text(&variables::NETWORK), Some("mainnet"));
        assert_eq!((text(&variables::RPC_URL), text(&variables::CHAIN_ID)), (None, None));
    }
}
