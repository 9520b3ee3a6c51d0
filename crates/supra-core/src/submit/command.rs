//! The Supra CLI's words for a transaction, by its generation, and the same words as they may be shown. Pure.

use crate::http::redact_url;
use crate::transport::cli::Generation;
use crate::view::{Argument, FunctionId};

/// Everything that a transaction's words are made from.
#[derive(Debug, Clone)]
pub struct RunWords {
    /// `--profile`.
    pub profile: Option<String>,
    /// The entry function.
    pub function: FunctionId,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// The CLI's flag set.
    pub generation: Generation,
    /// The flag by which the CLI asks nothing, where one is wanted.
    pub confirm: Option<String>,
    /// The node's URL.
    pub rpc_url: Option<String>,
    /// `--gas-unit-price`, quants.
    pub gas_price: Option<u128>,
    /// `--max-gas`.
    pub max_gas: Option<u128>,
    /// `--expiration-secs`.
    pub expiration_s: Option<u32>,
    /// `--sender-account`.
    pub sender: Option<String>,
    /// Only simulate; v11 and later.
    pub simulate: bool,
}

impl RunWords {
    /// The words after the program, in the old script's order first.
    pub fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = ["move", "tool", "run"].map(str::to_owned).to_vec();
        let mut option = |flag: &str, value: Option<String>| {
            if let Some(value) = value {
                words.extend([flag.to_owned(), value]);
            }
        };
        option("--profile", self.profile.clone());
        option("--function-id", Some(self.function.to_string()));
        let url = if self.generation == Generation::V6 { "--url" } else { "--rpc-url" };
        option(url, self.rpc_url.clone());
        option("--gas-unit-price", self.gas_price.map(|price| price.to_string()));
        option("--max-gas", self.max_gas.map(|gas| gas.to_string()));
        option("--expiration-secs", self.expiration_s.map(|span| span.to_string()));
        option("--sender-account", self.sender.clone());
        if !self.arguments.is_empty() {
            words.push("--args".to_owned());
            words.extend(self.arguments.iter().map(Argument::to_cli));
        }
        words.extend(self.confirm.clone());
        if self.simulate {
            words.push("--simulate".to_owned());
        }
        words
    }

    /// The flag that a generation knows for asking nothing.
    pub fn confirm_flag(generation: Generation) -> &'static str {
        if generation >= Generation::V11 { "--accept-defaults" } else { "--assume-yes" }
    }

    /// The variable that a generation reads its profile's password from.
    pub fn password_variable(generation: Generation) -> &'static str {
        if generation >= Generation::V10 { "CLI_PROFILE_PASSWORD" } else { "NODE_OPERATOR_KEY_PASSWORD" }
    }
}

/// Words as a log may have them: of a URL scheme and host, of a key nothing.
pub fn shown(words: &[String]) -> Vec<String> {
    const SECRET: [&str; 3] = ["--private-key", "--node-api-key", "--password"];
    let mut hide = false;
    words
        .iter()
        .map(|word| {
            let hidden = std::mem::take(&mut hide);
            hide = SECRET.contains(&word.as_str());
            let flag_with_value = word.split_once('=').filter(|(flag, _)| SECRET.contains(flag));
            match flag_with_value {
                _ if hidden => "***".to_owned(),
                Some((flag, _)) => format!("{flag}=***"),
                None if word.contains("://") => redact_url(word),
                None => word.clone(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(generation: Generation) -> RunWords {
        RunWords {
            profile: Some("p".into()),
            function: "0x9::main_v2::manual_draw".parse().unwrap(),
            arguments: Vec::new(),
            generation,
            confirm: None,
            rpc_url: None,
            gas_price: None,
            max_gas: None,
            expiration_s: None,
            sender: None,
            simulate: false,
        }
    }

    #[test]
    fn the_old_command_and_every_flag() {
        let id = words(Generation::V9).function.to_string();
        let plain = RunWords { confirm: Some("--assume-yes".into()), ..words(Generation::V9) };
        assert_eq!(
            plain.words().join(" "),
            format!("move tool run --profile p --function-id {id} --assume-yes")
        );
        let all = RunWords {
            arguments: vec![Argument::U64(7)],
            rpc_url: Some("http://n".into()),
            gas_price: Some(100),
            max_gas: Some(5000),
            expiration_s: Some(60),
            sender: Some("0x9".into()),
            simulate: true,
            ..words(Generation::V6)
        };
        assert_eq!(
            all.words().join(" "),
            format!(
                "move tool run --profile p --function-id {id} --url http://n --gas-unit-price 100 --max-gas 5000 --expiration-secs 60 --sender-account 0x9 --args u64:7 --simulate"
            )
        );
    }

    #[test]
    fn generations() {
        for (generation, confirm, password) in [
            (Generation::V6, "--assume-yes", "NODE_OPERATOR_KEY_PASSWORD"),
            (Generation::V9, "--assume-yes", "NODE_OPERATOR_KEY_PASSWORD"),
            (Generation::V10, "--assume-yes", "CLI_PROFILE_PASSWORD"),
            (Generation::V11, "--accept-defaults", "CLI_PROFILE_PASSWORD"),
        ] {
            assert_eq!(RunWords::confirm_flag(generation), confirm);
            assert_eq!(RunWords::password_variable(generation), password);
        }
    }

    #[test]
    fn secrets_are_not_logged() {
        let given = ["a", "--rpc-url", "https://u:p@h/key", "--private-key", "0xabc", "--node-api-key=k"];
        let given = given.map(str::to_owned);
        assert_eq!(shown(&given).join(" "), "a --rpc-url https://h/*** --private-key *** --node-api-key=***");
    }
}
