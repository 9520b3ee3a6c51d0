//! Which keys the settings file has, and which setting each of them is.

use supra_core::network::Network;

use crate::settings::variables::{self, Variable};

/// The tables of the file. The keys before the first header are in the table without a name.
pub(crate) const TOP: &str = "";
const PROM: &str = "prom";
const DRAW: &str = "draw";
const FUND: &str = "fund";
pub(crate) const THRESHOLDS: &str = "thresholds";
pub(crate) const SUBSCRIPTION: &str = "subscription";
pub(crate) const CHANNEL: &str = "channel";
/// The node of each network.
pub(crate) const RPC_URLS: &str = "rpc_urls";

/// The groups of variables whose settings are keys of each table.
const GROUPS: [(&str, &str); 10] = [
    (TOP, "What is watched"),
    (TOP, "How the chain is asked"),
    (TOP, "Limits"),
    (TOP, "Minimum balance"),
    (TOP, "Memory"),
    (TOP, "Telling"),
    (TOP, "Output"),
    (PROM, "Metrics"),
    (DRAW, "Drawing"),
    (FUND, "Funding"),
];

/// What `[[subscription]]` and `[[channel]]` say instead.
const NOT_KEYS: [&Variable; 8] = [
    &variables::LOTTERY_ADDR,
    &variables::CLIENT_ADDR,
    &variables::WEBHOOK_URL,
    &variables::WEBHOOK_URL_FILE,
    &variables::WEBHOOK_TYPE,
    &variables::NOTIFY_CHANNELS,
    &variables::NO_COLOR,
    &variables::REPLAY_DIR,
];

/// The flags of the policy, which are keys of `[thresholds]` without their dashes.
pub(crate) const THRESHOLD_FLAGS: [&str; 15] = [
    "--plan",
    "--warn",
    "--critical",
    "--runway-warn",
    "--pending-warn",
    "--pending-critical",
    "--max-lag",
    "--max-age",
    "--fail-on",
    "--expect-aggregator",
    "--expect-consumer",
    "--expect-module",
    "--expect-max-gas-price",
    "--expect-max-gas-limit",
    "--expect-event",
];

/// The keys of `[[subscription]]` and their settings.
pub const SUBSCRIPTION_KEYS: [(&str, &Variable); 5] = [
    ("network", &variables::NETWORK),
    ("profile", &variables::PROFILE),
    ("lottery", &variables::LOTTERY_ADDR),
    ("client", &variables::CLIENT_ADDR),
    ("deposit", &variables::DEPOSIT_ADDR),
];

/// The key of a variable: its flag without dashes, else its name in lower case.
pub fn key(variable: &Variable) -> String {
    let name = variable.flag.map_or(variable.name, |flag| flag.trim_start_matches("--"));
    name.replace('-', "_").to_lowercase()
}

/// What the node of a network is called among the values of the file.
pub(crate) fn rpc_key(network: Network) -> &'static str {
    match network {
        Network::Testnet => "rpc_urls.testnet",
        Network::Mainnet => "rpc_urls.mainnet",
        Network::Devnet => "rpc_urls.devnet",
    }
}

/// The key of a flag of the policy.
pub(crate) fn threshold_key(flag: &str) -> String {
    flag.trim_start_matches("--").replace('-', "_")
}

/// The variables whose settings are keys of a table.
pub fn variables_of(table: &str) -> impl Iterator<Item = &'static Variable> {
    let is_in = move |variable: &&&Variable| {
        GROUPS.contains(&(table, variable.group)) && !NOT_KEYS.contains(*variable)
    };
    variables::ALL.iter().filter(is_in).copied()
}

/// The separator of the values of a setting that may be a list.
pub(crate) fn list_separator(variable: &Variable) -> Option<&'static str> {
    match *variable {
        variables::RPC_URL | variables::RPC_API | variables::FUNCTIONS => Some(","),
        variables::RPC_HEADERS => Some("\n"),
        _ => None,
    }
}

/// Every key of a table, for the hint about an unknown one.
pub fn known(table: &str) -> Vec<String> {
    let mut keys: Vec<String> = match table {
        THRESHOLDS => THRESHOLD_FLAGS.map(threshold_key).to_vec(),
        SUBSCRIPTION => {
            let keys = SUBSCRIPTION_KEYS.iter().map(|(key, _)| *key);
            ["name"].into_iter().chain(keys).chain([THRESHOLDS]).map(str::to_owned).collect()
        }
        RPC_URLS => Network::WORDS.iter().map(|(name, _)| (*name).to_owned()).collect(),
        _ => variables_of(table).map(key).collect(),
    };
    if table == TOP {
        keys.extend([RPC_URLS, PROM, DRAW, FUND, THRESHOLDS, SUBSCRIPTION, CHANNEL].map(str::to_owned));
    }
    keys
}

/// Whether a key of the top level is a table of settings.
pub(crate) fn is_section(name: &str) -> bool {
    [PROM, DRAW, FUND].contains(&name)
}

/// The header under which a key belongs that stands elsewhere.
pub(crate) fn home_of(name: &str) -> Option<&'static str> {
    let has = |table: &str| known(table).iter().any(|key| key == name);
    [
        (SUBSCRIPTION, "[[subscription]]"),
        (THRESHOLDS, "[thresholds]"),
        (PROM, "[prom]"),
        (DRAW, "[draw]"),
        (FUND, "[fund]"),
    ]
    .into_iter()
    .find(|(table, _)| has(table))
    .map(|(_, header)| header)
}

/// The known key nearest to a mistyped one, if one is near.
pub(crate) fn nearest(name: &str, known: &[String]) -> Option<String> {
    crate::parse::nearest(name, known.iter().map(String::as_str)).map(str::to_owned)
}
