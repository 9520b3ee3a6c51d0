//! Every variable the tools read, in one table, and the only place that reads the environment.

use std::collections::BTreeMap;

/// One setting: its variable, its flag, its default and what it means.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    /// The variable, and the setting's name in messages.
    pub name: &'static str,
    /// An older name of the same setting, used when the first is unset.
    pub also: Option<&'static str>,
    /// The flag that wins over the variable.
    pub flag: Option<&'static str>,
    /// What holds when neither is given.
    pub default: Option<&'static str>,
    /// The heading in the example files.
    pub group: &'static str,
    /// One sentence for the example files.
    pub meaning: &'static str,
    /// Whether the value must never be shown.
    pub secret: bool,
}

impl Variable {
    /// Whether the value is a URL, or several: without its secrets it can be shown.
    pub fn is_url(&self) -> bool {
        [RPC_URL, PUSH_URL].contains(self)
    }

    /// Whether this value is a secret: the address of a public node is none, what comes before an `@` is.
    pub fn is_secret_value(&self, text: &str) -> bool {
        self.secret && (!self.is_url() || text.contains('@'))
    }
}

macro_rules! variables {
    ($($group:literal { $($id:ident $name:literal $(also $also:literal)? $(flag $flag:literal)? $(default $default:literal)? $(is $secret:ident)? : $meaning:literal)* })*) => {
        $($(
            #[doc = concat!("`", $name, "`, as its `meaning` says.")]
            pub const $id: Variable = Variable {
                name: $name,
                also: variables!(@opt $($also)?),
                flag: variables!(@opt $($flag)?),
                default: variables!(@opt $($default)?),
                group: $group,
                meaning: $meaning,
                secret: variables!(@is $($secret)?),
            };
        )*)*
        /// The whole table, in the order of the example files.
        pub const ALL: &[&Variable] = &[$($(&$id),*),*];
    };
    (@opt) => { None };
    (@opt $value:literal) => { Some($value) };
    (@is) => { false };
    (@is secret) => { true };
}

variables! {
    "Settings file" {
        CONFIG "DVRF_CONFIG" flag "--config": "Settings file; unset: dvrf/dvrf.toml under XDG_CONFIG_HOME or ~/.config, else /etc/dvrf/dvrf.toml, where there is one."
    }
    "What is watched" {
        NETWORK "DVRF_NETWORK" flag "--network": "testnet, mainnet or devnet: fills in RPC URL, chain id and, but for devnet, deposit address where they are not given."
        PROFILE "PROFILE" flag "--profile": "Profile of the Supra CLI; also names the subscription in reports."
        LOTTERY_ADDR "LOTTERY_ADDR" flag "--lottery-addr": "Address of the lottery contract."
        DEPOSIT_ADDR "DEPOSIT_ADDR" flag "--deposit-addr": "Address of the dVRF package that holds the deposit module."
        CLIENT_ADDR "CLIENT_ADDR" flag "--client-addr": "Address whose deposit pays; the lottery's address when unset."
        LOTTERY_MODULE "DVRF_LOTTERY_MODULE" flag "--lottery-module" default "main_v2": "Module of the lottery contract."
        LAYOUT "DVRF_LAYOUT" flag "--layout": "Layout of the contract: main_v2, core, multi, generic, deposit-only, one of the layout files, or the path of a file; unset: main_v2."
        LAYOUT_FILES "DVRF_LAYOUT_FILES" flag "--layout-files": "Layout files whose names targets may have as their layout, separated by commas."
        DEPOSIT_MODULE "DVRF_DEPOSIT_MODULE" flag "--deposit-module" default "deposit": "Module of the deposit contract."
        FUNCTIONS "DVRF_FUNCTIONS" flag "--function": "View functions to use instead of the known ones: value=function, comma separated (dvrf-status lists the values)."
    }
    "How the chain is asked" {
        TRANSPORT "DVRF_TRANSPORT" flag "--transport": "rpc, cli or replay; unset: replay when DVRF_REPLAY_DIR is set, rpc when SUPRA_RPC_URL is set or DVRF_NETWORK without a CLI, the CLI otherwise."
        RPC_URL "SUPRA_RPC_URL" flag "--rpc-url" is secret: "RPC node, or several separated by commas: the next is asked when one fails."
        RPC_HEADERS "DVRF_RPC_HEADERS" flag "--rpc-header" is secret: "Extra request headers, Name: value, one a line."
        NODE_API_KEY "NODE_API_KEY" is secret: "Key of a private node, sent as Authorization: Bearer."
        RPC_API "DVRF_RPC_API" flag "--rpc-api" default "v3,v2,v1,v4": "REST versions to try, in order."
        TLS_ROOTS "DVRF_TLS_ROOTS" flag "--tls-roots": "Certificate authorities to trust instead of Mozilla's, for nodes, webhooks and push addresses: a PEM file, system for the system's store; +FILE and system+FILE add a file."
        CHAIN_ID "DVRF_CHAIN_ID" flag "--chain-id": "Chain id the node must have: 8 mainnet, 6 testnet, 50 devnet."
        CLI_BIN "SUPRA_CLI_BIN" flag "--supra-cli-bin" default "/supra/supra": "The Supra CLI, or words that run it, such as: docker exec supra_cli /supra/supra."
        SUPRA_CONFIG "SUPRA_CONFIG" flag "--supra-config": "Exported to the CLI as SUPRA_CONFIG."
        CLI_GENERATION "DVRF_CLI_GENERATION" flag "--cli-generation" default "v9": "Flag set of the CLI: v6, v9, v10 or v11."
        CLI_COMPOSE "DVRF_CLI_COMPOSE" flag "--cli-compose": "Docker compose service to run the CLI in; all views go into one container start."
        REPLAY_DIR "DVRF_REPLAY_DIR" flag "--replay": "Directory of recorded answers to read instead of a chain."
        RECORD_DIR "DVRF_RECORD_DIR" flag "--record": "Directory to record the chain's answers in, for tests and bug reports."
    }
    "Limits" {
        TIMEOUT "DVRF_TIMEOUT" flag "--timeout" default "30": "Seconds for all questions of one run."
        CALL_TIMEOUT "DVRF_CALL_TIMEOUT" flag "--call-timeout" default "10": "Seconds for one question."
        JOBS "DVRF_JOBS" flag "--jobs" default "8": "Requests in flight at once, over all targets of a stream."
        DETAIL "DVRF_DETAIL" flag "--detail" default "lean": "lean: in as few calls as possible; full: every value by its own view; deposit: nothing but the deposit."
        RETRIES "DVRF_RETRIES" flag "--retries" default "3": "How often a question that failed in passing is repeated."
        CACHE_DIR "DVRF_CACHE_DIR" flag "--cache-dir": "Where resolved function names are kept; unset: dvrf under XDG_CACHE_HOME or ~/.cache; off: nowhere."
    }
    "Minimum balance" {
        MAX_GAS_PRICE "MAX_GAS_PRICE" flag "--max-gas-price": "Highest gas price of a request, in quants."
        MAX_GAS_LIMIT "MAX_GAS_LIMIT" flag "--max-gas-limit": "Highest gas of a request."
        VERIFICATION_GAS "VERIFICATION_GAS_VALUE" flag "--verification-gas": "Gas of the signature verification."
        MARGIN "MIN_BALANCE_MARGIN" also "MONITOR_MARGIN" flag "--margin" default "0.15": "Share added to the minimum for the recommended deposit."
        WINDOW "MIN_BALANCE_WINDOW" also "REQUEST_WINDOW" flag "--window" default "30": "Requests that the minimum covers."
        MIN_BALANCE_LIMIT "MIN_BALANCE_LIMIT" flag "--min-balance-limit": "Own lower limit of the balance, in quants."
    }
    "Drawing" {
        FUNCTION_ID "DVRF_FUNCTION_ID" flag "--function-id": "Entry function that requests the draw; unset: manual_draw of the lottery."
        TREASURY_MODULE "DVRF_TREASURY_MODULE" flag "--treasury-module" default "treasury_v1": "Module of the lottery's token."
        SENDER_ACCOUNT "DVRF_SENDER_ACCOUNT" flag "--sender-account": "Account that signs, where the profile does not say; passed to the CLI and checked before a draw."
        CONFIRM_FLAG "DVRF_CONFIRM_FLAG" flag "--confirm-flag": "Flag that --assume-yes passes on; unset: the one of the CLI's generation; off: none."
        GAS_UNIT_PRICE "DVRF_GAS_UNIT_PRICE" flag "--gas-unit-price": "Gas price of transactions, in quants; unset: the CLI's own."
        MAX_GAS "DVRF_MAX_GAS" flag "--max-gas": "Most gas of a transaction; unset: the CLI's own."
        EXPIRATION "DVRF_EXPIRATION_SECS" flag "--expiration-secs": "Seconds until a transaction that was not accepted is void; unset: the CLI's own, and 600 are waited for."
        PASSWORD_FILE "DVRF_PASSWORD_FILE" flag "--password-file": "File with the profile's password, given to the CLI in its variable."
        PASSWORD_VARIABLE "DVRF_PASSWORD_VARIABLE" flag "--password-variable": "The variable that the CLI reads the password from; unset: the one of its generation."
        SUBMIT_TIMEOUT "DVRF_SUBMIT_TIMEOUT" flag "--submit-timeout" default "120": "Seconds for the CLI to send a transaction and print its receipt."
        CONFIRM_TIMEOUT "DVRF_CONFIRM_TIMEOUT" flag "--confirm-timeout" default "30": "Seconds for the chain to show what a transaction changed."
    }
    "Funding" {
        FUND_FOR "DVRF_FUND_FOR" flag "--for": "How long the deposit is to last at the recent rate, such as 30d; needs the history of a week under --state-dir, and replaces --to."
        FUND_TO "DVRF_FUND_TO" flag "--to": "What a top-up reaches: a multiple of the minimum such as 300%, or an amount such as 500SUPRA; unset: what dvrf-check recommends."
        FUND_MAX_AMOUNT "DVRF_FUND_MAX_AMOUNT" flag "--max-amount": "Most that one top-up may cost, in quants or as 500SUPRA."
        FUND_MAX_PER_DAY "DVRF_FUND_MAX_PER_DAY" flag "--max-per-day": "Most that the top-ups of 24 hours may cost."
        FUND_MAX_PER_MONTH "DVRF_FUND_MAX_PER_MONTH" flag "--max-per-month": "Most that the top-ups of 30 days may cost."
        FUND_RESERVE "DVRF_FUND_RESERVE" flag "--reserve": "What the signer keeps after a top-up and its gas."
        FUND_COOL_DOWN "DVRF_FUND_COOL_DOWN" flag "--cool-down" default "1h": "Time between two top-ups: 90s, 5m, 1h."
    }
    "Memory" {
        STATE_DIR "DVRF_STATE_DIR" flag "--state-dir": "Directory where runs remember alerts, history and journals; unset: every run stands alone."
    }
    "Telling" {
        WEBHOOK_URL "MONITOR_WEBHOOK_URL" flag "--webhook-url" is secret: "Webhook to tell; on the command line it can be seen by others, so prefer a file."
        WEBHOOK_URL_FILE "DVRF_WEBHOOK_URL_FILE" flag "--webhook-url-file": "File that holds the webhook's URL; unset: the credential webhook-url, if there is one."
        WEBHOOK_TYPE "MONITOR_WEBHOOK_TYPE" flag "--webhook-type" default "slack": "What the webhook is: slack, generic, teams, discord, alertmanager or ping."
        NOTIFY_CHANNELS "DVRF_NOTIFY_CHANNELS" is secret: "Channels as for --channel, separated by semicolons."
        TITLE "MONITOR_TITLE" flag "--title" default "Supra dVRF": "Title of messages."
        RUNBOOK_BASE "DVRF_RUNBOOK_BASE" flag "--runbook-base": "What links to these documents begin with, such as the URL of your copy."
        NOTIFY_TIMEOUT "DVRF_NOTIFY_TIMEOUT" flag "--notify-timeout" default "30": "Seconds for all deliveries of one run."
    }
    "Metrics" {
        METRIC_PREFIX "METRIC_PREFIX" flag "--metric-prefix" default "supra_dvrf": "What the names of metrics begin with."
        PUSH_URL "MONITOR_PUSH_URL" flag "--push-url" is secret: "Where to push metrics: any URL, or a Pushgateway's base URL together with a job."
        PUSH_URL_FILE "DVRF_PUSH_URL_FILE" flag "--push-url-file": "File that holds the push URL; unset: the credential push-url, if there is one."
        PUSH_METHOD "MONITOR_PUSH_METHOD" flag "--push-method": "POST or PUT; unset: PUT for a Pushgateway group, POST otherwise."
        PUSH_TIMEOUT "MONITOR_PUSH_TIMEOUT" flag "--push-timeout" default "10": "Seconds for the push, repeated attempts included."
        PUSH_JOB "DVRF_PUSH_JOB" flag "--push-job": "Job of the Pushgateway group to replace."
    }
    "Output" {
        LANGUAGE "DVRF_LANG" flag "--lang": "en or ru for sentences; unset: the locale's language."
        NO_COLOR "NO_COLOR": "Set to anything: no colours."
    }
    "Set by the system" {
        LC_ALL "LC_ALL": "Locale, for the language of sentences."
        LC_MESSAGES "LC_MESSAGES": "Locale, for the language of sentences."
        LANG "LANG": "Locale, for the language of sentences."
        COLUMNS "COLUMNS": "Width of help texts; 0 means unknown."
        TERM "TERM": "dumb: no colours."
        XDG_CONFIG_HOME "XDG_CONFIG_HOME": "Base directory of settings files."
        XDG_CACHE_HOME "XDG_CACHE_HOME": "Base directory of caches."
        XDG_STATE_HOME "XDG_STATE_HOME": "Base directory of state: draws are journalled in dvrf under it where no --state-dir is given."
        HOME "HOME": "Home directory."
        USER "USER": "Name of the user, noted in mutes and acknowledgements."
        HTTP_PROXY_LOWER "http_proxy" is secret: "Proxy for http:// URLs."
        HTTP_PROXY "HTTP_PROXY" is secret: "Proxy for http:// URLs."
        HTTPS_PROXY_LOWER "https_proxy" is secret: "Proxy for https:// URLs."
        HTTPS_PROXY "HTTPS_PROXY" is secret: "Proxy for https:// URLs."
        ALL_PROXY_LOWER "all_proxy" is secret: "Proxy for URLs that have no other."
        ALL_PROXY "ALL_PROXY" is secret: "Proxy for URLs that have no other."
        NO_PROXY_LOWER "no_proxy": "Hosts that are called without a proxy, as curl reads the list."
        NO_PROXY "NO_PROXY": "Hosts that are called without a proxy, as curl reads the list."
        SSL_CERT_FILE "SSL_CERT_FILE": "PEM file of certificate authorities, as for OpenSSL: trusted where DVRF_TLS_ROOTS names no others."
        CREDENTIALS_DIRECTORY "CREDENTIALS_DIRECTORY": "Where systemd puts the files of LoadCredential=."
    }
}

/// Variables of the old scripts that hold secrets and that no child process needs.
pub const NOT_FOR_CHILDREN: &[&str] =
    &["MONITOR_WEBHOOK_URL", "DVRF_NOTIFY_CHANNELS", "MONITOR_PUSH_URL", "DVRF_RPC_HEADERS", "NODE_API_KEY"];

/// Reads every variable of the table. An empty one counts as unset; one that is not UTF-8 is kept with
/// replacement characters, so that the setting that needs it can refuse it by name.
pub fn read() -> BTreeMap<&'static str, String> {
    ALL.iter()
        .flat_map(|variable| [Some(variable.name), variable.also])
        .flatten()
        .filter_map(|name| {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
            let value = std::env::var_os(name)?;
            Some((name, value.to_string_lossy().into_owned())).filter(|(_, text)| !text.is_empty())
        })
        .collect()
}

/// A variable that the settings file names for a secret.
pub fn named(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    let value = std::env::var(name).ok()?;
    Some(value).filter(|text| !text.trim().is_empty())
}

/// Where programs are looked for.
pub fn path() -> Option<std::ffi::OsString> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    std::env::var_os("PATH")
}

/// A place at which the suite kills a debug build, by `DVRF_TEST_KILL_AT`; a release build has none.
pub fn fault_point(name: &str) {
    #[cfg(debug_assertions)]
    {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
        let wanted = std::env::var_os("DVRF_TEST_KILL_AT");
        if wanted.is_some_and(|wanted| wanted == name) {
            // What is left of us is what a power cut leaves.
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
    }
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_and_flags_are_unique() {
        let names: Vec<_> = ALL.iter().flat_map(|v| [Some(v.name), v.also]).flatten().collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        let flags: Vec<_> = ALL.iter().filter_map(|v| v.flag).collect();
        assert_eq!(flags.iter().collect::<BTreeSet<_>>().len(), flags.len());
    }
}
