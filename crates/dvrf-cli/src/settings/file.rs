//! The settings file, `dvrf.toml`: defaults of settings, subscriptions, thresholds and channels. Its errors name the line.

pub mod keys;
mod source;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use supra_core::address::Address;
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::network::Network;
use supra_core::record::{Record, RecordError};
use toml::de::DeTable;

use self::keys::{
    CHANNEL, RPC_URLS, SUBSCRIPTION, SUBSCRIPTION_KEYS, THRESHOLD_FLAGS, THRESHOLDS, TOP, threshold_key,
};
use self::source::{Item, Source, items};
use super::variables::{self, Variable};
use crate::channel::ChannelKind;
use crate::channel::args::secret_file;

/// A file with ten thousand subscriptions has about a megabyte.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// Where the file of the whole host is.
const SYSTEM_FILE: &str = "/etc/dvrf/dvrf.toml";

/// A value, and where it stands: `PATH:LINE: KEY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileValue {
    /// The value as the flag or the variable would have it.
    pub text: String,
    /// What an error names.
    pub by: String,
}

/// Values by the name of their variable, or by their flag where there is no variable.
pub type Values = BTreeMap<&'static str, FileValue>;

/// A `[[subscription]]`.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// Its name, unique in the file.
    pub name: String,
    /// Its network, addresses and thresholds.
    pub values: Values,
}

/// A `[[channel]]`.
#[derive(Debug, Clone)]
pub struct ChannelEntry {
    /// `PATH:LINE`.
    pub place: String,
    /// The kind, not yet parsed.
    pub kind: String,
    /// The options, as in `--channel`.
    pub options: Vec<(String, String)>,
}

/// What the settings file holds; empty where there is none.
#[derive(Debug, Clone, Default)]
pub struct ConfigFile {
    /// The file.
    pub path: Option<String>,
    /// The settings of the whole file.
    pub values: Values,
    /// The subscriptions.
    pub subscriptions: Vec<Subscription>,
    /// The channels.
    pub channels: Vec<ChannelEntry>,
}

impl Subscription {
    /// The target of the subscription.
    pub fn target(&self) -> Result<Record, RecordError> {
        const KEYS: [(&str, &Variable); 5] = [
            ("network", &variables::NETWORK),
            ("profile", &variables::PROFILE),
            ("lottery_addr", &variables::LOTTERY_ADDR),
            ("client_addr", &variables::CLIENT_ADDR),
            ("deposit_addr", &variables::DEPOSIT_ADDR),
        ];
        let mut record = Record::new();
        record.set("name", &self.name)?;
        for (key, variable) in KEYS {
            if let Some(value) = self.values.get(variable.name) {
                record.set(key, &value.text)?;
            }
        }
        Ok(record)
    }

    /// Whether it has thresholds of its own.
    pub fn has_thresholds(&self) -> bool {
        self.values.keys().any(|key| key.starts_with("--"))
    }
}

/// Finds and reads the file: the one that is named, else the user's, else the host's. Nothing is read where there is none.
pub fn load(named: Option<&str>, config_home: Option<&str>, home: Option<&str>) -> Result<ConfigFile, Error> {
    if let Some(path) = named {
        return read(path);
    }
    let of_user = match (config_home, home) {
        (Some(base), _) if Path::new(base).is_absolute() => Some(Path::new(base).join("dvrf/dvrf.toml")),
        (_, Some(home)) if Path::new(home).is_absolute() => {
            Some(Path::new(home).join(".config/dvrf/dvrf.toml"))
        }
        _ => None,
    };
    let found = of_user.into_iter().chain([PathBuf::from(SYSTEM_FILE)]).find(|path| path.exists());
    found.map_or_else(|| Ok(ConfigFile::default()), |path| read(&path.display().to_string()))
}

fn read(path: &str) -> Result<ConfigFile, Error> {
    let failed = |error: io::Error| {
        Error::new(FailureKind::Config, format!("the settings file {} cannot be read", quote(path)))
            .with_source(error)
            .with_hint("name another with --config, or none with --config /dev/null")
    };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidData, "it is longer than 16 MiB")));
    }
    parse(&Source { path, text: &text, open_mode: Some(mode).filter(|mode| mode & 0o004 != 0) })
}

fn parse(source: &Source) -> Result<ConfigFile, Error> {
    let tree = source.parse()?;
    let mut file = ConfigFile { path: Some(source.path.to_owned()), ..ConfigFile::default() };
    for item in items(tree.get_ref()) {
        match item.key {
            SUBSCRIPTION => {
                for (at, table) in source.tables(&item)? {
                    let found = subscription(source, at, table)?;
                    if file.subscriptions.iter().any(|other| other.name == found.name) {
                        let message = format!("the name {:?} is used twice", quote(&found.name));
                        return Err(source.error(at, message, "give each subscription its own name"));
                    }
                    file.subscriptions.push(found);
                }
            }
            CHANNEL => {
                for (at, table) in source.tables(&item)? {
                    file.channels.push(channel(source, at, table)?);
                }
            }
            THRESHOLDS => thresholds(source, &item, &mut file.values)?,
            RPC_URLS => rpc_urls(source, &item, &mut file.values)?,
            name if keys::is_section(name) => {
                for inner in items(source.table(&item, &format!("[{name}]"))?) {
                    setting(source, name, &inner, &mut file.values)?;
                }
            }
            _ => setting(source, TOP, &item, &mut file.values)?,
        }
    }
    Ok(file)
}

/// Reads a setting of a table. A secret can also be given as `KEY_file` or `KEY_env`.
fn setting(source: &Source, table: &str, item: &Item, values: &mut Values) -> Result<(), Error> {
    let find = |name: &str| keys::variables_of(table).find(|variable| keys::key(variable) == name);
    let (variable, value) = if let Some(variable) = find(item.key) {
        let value = source.value(item, keys::list_separator(variable))?;
        // The address of a public node is none; what comes before an @ is.
        let is_address = [variables::RPC_URL, variables::PUSH_URL].contains(variable);
        if variable.secret && (!is_address || value.text.contains('@')) {
            source.guard_secret(item)?;
        }
        (variable, value)
    } else {
        let secret_of = |ending| item.key.strip_suffix(ending).and_then(find).filter(|found| found.secret);
        let (by_file, by_env) = (secret_of("_file"), secret_of("_env"));
        let Some(variable) = by_file.or(by_env) else {
            let home = if table == TOP { keys::home_of(item.key) } else { None };
            return Err(source.unknown(item, &keys::known(table), home));
        };
        let FileValue { text, by } = source.value(item, None)?;
        let secret = if by_file.is_some() {
            secret_file(&text).map_err(|error| {
                source.error(item.at, error.message(), "name a file that this user can read")
            })?
        } else {
            let found = variables::named(&text).ok_or_else(|| {
                let message = format!("the variable {} is not set", quote(&text));
                source.error(item.at, message, "set it where this tool is started")
            })?;
            supra_core::secret::Secret::new(&found)
        };
        (variable, FileValue { text: secret.reveal().trim().to_owned(), by })
    };
    if value.text.is_empty() {
        return Ok(());
    }
    if let Some(earlier) = values.insert(variable.name, value) {
        let key = earlier.by.rsplit(' ').next().unwrap_or_default().to_owned();
        let message = format!("{} and {key} are both given", item.key);
        return Err(source.error(item.at, message, "keep one of them"));
    }
    Ok(())
}

fn rpc_urls(source: &Source, item: &Item, values: &mut Values) -> Result<(), Error> {
    for inner in items(source.table(item, "[rpc_urls]")?) {
        let Some((_, network)) = Network::WORDS.iter().find(|(name, _)| *name == inner.key) else {
            return Err(source.unknown(&inner, &keys::known(RPC_URLS), None));
        };
        let value = source.value(&inner, Some(","))?;
        if value.text.contains('@') {
            source.guard_secret(&inner)?;
        }
        if !value.text.is_empty() {
            values.insert(keys::rpc_key(*network), value);
        }
    }
    Ok(())
}

fn thresholds(source: &Source, item: &Item, values: &mut Values) -> Result<(), Error> {
    for inner in items(source.table(item, "[thresholds]")?) {
        let Some(flag) = THRESHOLD_FLAGS.into_iter().find(|flag| threshold_key(flag) == inner.key) else {
            return Err(source.unknown(&inner, &keys::known(THRESHOLDS), None));
        };
        let separator = matches!(
            flag,
            "--expect-aggregator" | "--expect-consumer" | "--expect-module" | "--expect-event"
        );
        let value = source.value(&inner, separator.then_some("\n"))?;
        if !value.text.is_empty() {
            values.insert(flag, value);
        }
    }
    Ok(())
}

fn subscription(source: &Source, at: usize, table: &DeTable) -> Result<Subscription, Error> {
    let (mut name, mut values) = (None, Values::new());
    for item in items(table) {
        match item.key {
            "name" => name = Some(source.value(&item, None)?).filter(|name| !name.text.is_empty()),
            THRESHOLDS => thresholds(source, &item, &mut values)?,
            key => {
                let Some((_, variable)) = SUBSCRIPTION_KEYS.iter().find(|(known, _)| *known == key) else {
                    return Err(source.unknown(&item, &keys::known(SUBSCRIPTION), None));
                };
                let value = source.value(&item, None)?;
                if !value.text.is_empty() {
                    check_target(source, &item, variable, &value)?;
                    values.insert(variable.name, value);
                }
            }
        }
    }
    let Some(FileValue { text: name, by }) = name else {
        return Err(source.error(at, "this subscription has no name", "add name = \"…\", such as \"main\""));
    };
    if name.len() > 100 || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        let message = format!("{by} is {:?}: at most 100 characters without blanks are needed", quote(&name));
        return Err(Error::new(FailureKind::Config, message).with_hint("use letters, digits, - and _"));
    }
    if ![variables::LOTTERY_ADDR, variables::CLIENT_ADDR].iter().any(|key| values.contains_key(key.name)) {
        let message = format!("the subscription {} has no address", quote(&name));
        return Err(source.error(
            at,
            message,
            "add lottery = \"0x…\", or client = \"0x…\" where there is no lottery",
        ));
    }
    Ok(Subscription { name, values })
}

/// Checks the values that every tool needs, so that a mistake is found before anything runs.
fn check_target(source: &Source, item: &Item, variable: &Variable, value: &FileValue) -> Result<(), Error> {
    let shown = quote(&value.text);
    let wrong = |why: String, hint: &str| {
        Err(source.error(item.at, format!("{} is {shown:?}: {why}", item.key), hint))
    };
    if *variable == variables::NETWORK {
        let names: Vec<&str> = Network::WORDS.iter().map(|(name, _)| *name).collect();
        if !names.iter().any(|name| name.eq_ignore_ascii_case(&value.text)) {
            return wrong(format!("one of {} is needed", names.join(", ")), "write network = \"testnet\"");
        }
    } else if *variable != variables::PROFILE
        && let Err(error) = value.text.parse::<Address>()
    {
        return wrong(error.to_string(), "write the address as 0x and hex digits");
    }
    Ok(())
}

fn channel(source: &Source, at: usize, table: &DeTable) -> Result<ChannelEntry, Error> {
    let (mut kind, mut options) = (None, Vec::new());
    let all = items(table);
    for item in &all {
        let FileValue { text, .. } = source.value(item, None)?;
        if item.key == "kind" {
            kind = Some(text);
            continue;
        }
        let text = match text.as_str() {
            "true" => "yes".to_owned(),
            "false" => "no".to_owned(),
            _ => text,
        };
        options.push((item.key.replace('_', "-"), text));
    }
    let known: Vec<String> = ChannelKind::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    let Some(kind) = kind else {
        let hint = format!("add kind = \"…\", one of {}", known.join(", "));
        return Err(source.error(at, "this channel has no kind", hint));
    };
    let Some(parsed) = ChannelKind::parse(&kind) else {
        let hint = keys::nearest(&kind, &known).map_or_else(
            || format!("use one of {}", known.join(", ")),
            |near| format!("did you mean {near}?"),
        );
        return Err(source.error(at, format!("the kind {:?} is not known", quote(&kind)), hint));
    };
    for item in all.iter().filter(|item| parsed.is_secret(item.key)) {
        source.guard_secret(item)?;
    }
    Ok(ChannelEntry { place: source.place(at), kind, options })
}
