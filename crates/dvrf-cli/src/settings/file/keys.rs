//! Which keys the settings file has, and which setting each of them is.

use supra_core::network::Network;

use crate::settings::variables::{self, Variable};

/// The tables of the file. The keys before the first header are in the table without a name.
pub(crate) const TOP: &str = "";
const PROM: &str = "prom";
const DRAW: &str = "draw";
pub(crate) const FUND: &str = "fund";
/// The flags of the policy.
pub const THRESHOLDS: &str = "thresholds";
/// The flags of `dvrf notify` that say when alerts are sent.
pub const ALERTS: &str = "alerts";
pub(crate) const MAINTENANCE: &str = "maintenance";
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

/// The flags that are keys of a table without their dashes.
pub(crate) fn flags_of(table: &str) -> &'static [&'static str] {
    match table {
        THRESHOLDS => &[
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
        ],
        ALERTS => &[
            "--repeat-every",
            "--fire-after",
            "--resolve-after",
            "--unknown-after",
            "--clear-margin",
            "--expire-after",
        ],
        _ => &[],
    }
}

/// The keys of `[[maintenance]]` that take lists.
pub(crate) const LISTS: [&str; 2] = ["only", "problems"];

/// The flags of these tables that take lists.
pub(crate) const REPEATABLE_FLAGS: [&str; 4] =
    ["--expect-aggregator", "--expect-consumer", "--expect-module", "--expect-event"];

/// The keys of `[[subscription]]`, those of its record, and their settings.
pub const SUBSCRIPTION_KEYS: [(&str, &str, &Variable); 6] = [
    ("network", "network", &variables::NETWORK),
    ("profile", "profile", &variables::PROFILE),
    ("lottery", "lottery_addr", &variables::LOTTERY_ADDR),
    ("client", "client_addr", &variables::CLIENT_ADDR),
    ("deposit", "deposit_addr", &variables::DEPOSIT_ADDR),
    ("layout", "layout", &variables::LAYOUT),
];

/// The key of a variable: its flag without dashes, else its name in lower case.
pub fn key(variable: &Variable) -> String {
    flag_key(variable.flag.unwrap_or(variable.name)).to_lowercase()
}

/// What the node of a network is called among the values of the file.
pub(crate) fn rpc_key(network: Network) -> &'static str {
    match network {
        Network::Testnet => "rpc_urls.testnet",
        Network::Mainnet => "rpc_urls.mainnet",
        Network::Devnet => "rpc_urls.devnet",
    }
}

/// The key of a flag: its name without dashes before it, with `_` in it.
pub fn flag_key(flag: &str) -> String {
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
        variables::RPC_URL | variables::RPC_API | variables::FUNCTIONS | variables::LAYOUT_FILES => Some(","),
        variables::RPC_HEADERS => Some("\n"),
        _ => None,
    }
}

/// Whether the value of a key may be a list.
pub fn takes_list(name: &str) -> bool {
    let is_it = |variable: &&&Variable| key(variable) == name && list_separator(variable).is_some();
    let is_repeatable = REPEATABLE_FLAGS.iter().any(|flag| flag_key(flag) == name);
    let is_network = Network::WORDS.iter().any(|(network, _)| *network == name);
    is_repeatable
        || is_network
        || LISTS.contains(&name)
        || variables::ALL.iter().any(|variable| is_it(&variable))
}

/// Every key of a table, for the hint about an unknown one.
pub fn known(table: &str) -> Vec<String> {
    let mut keys: Vec<String> = match table {
        THRESHOLDS | ALERTS => flags_of(table).iter().map(|flag| flag_key(flag)).collect(),
        SUBSCRIPTION => {
            let keys = SUBSCRIPTION_KEYS.iter().map(|(key, ..)| *key);
            ["name"].into_iter().chain(keys).chain([THRESHOLDS, ALERTS, FUND]).map(str::to_owned).collect()
        }
        MAINTENANCE => {
            ["from", "to", "daily", "weekly", "only", "problems", "reason"].map(str::to_owned).to_vec()
        }
        RPC_URLS => Network::WORDS.iter().map(|(name, _)| (*name).to_owned()).collect(),
        _ => variables_of(table).map(key).collect(),
    };
    if table == TOP {
        let tables = [RPC_URLS, PROM, DRAW, FUND, THRESHOLDS, ALERTS, SUBSCRIPTION, CHANNEL, MAINTENANCE];
        keys.extend(tables.map(str::to_owned));
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
        (ALERTS, "[alerts]"),
        (PROM, "[prom]"),
        (DRAW, "[draw]"),
        (FUND, "[fund]"),
    ]
    .into_iter()
    .find(|(table, _)| has(table))
    .map(|(_, header)| header)
}
