//! The settings file, `dvrf.toml`: defaults of settings, subscriptions, thresholds and channels. Its errors name the line.

pub mod keys;
mod source;
mod subscription;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::network::Network;
use toml::de::DeTable;

use self::keys::{ALERTS, CHANNEL, MAINTENANCE, RPC_URLS, SUBSCRIPTION, THRESHOLDS, TOP};
use self::source::{Item, Source, items};
use self::subscription::subscription;
pub use self::subscription::{Subscription, check_name};
use super::variables;
use crate::channel::ChannelKind;
use crate::channel::args::secret_file;
use crate::maintenance::{self, Maintenance};
use crate::parse::near_or;

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
    pub subscriptions: Vec<Arc<Subscription>>,
    /// The channels.
    pub channels: Vec<ChannelEntry>,
    /// When no alerts are sent.
    pub maintenance: Vec<Maintenance>,
    /// The positions of the subscriptions by their names.
    positions: BTreeMap<String, usize>,
}

impl ConfigFile {
    /// The subscription of this name.
    pub fn find(&self, name: &str) -> Option<&Arc<Subscription>> {
        self.subscriptions.get(*self.positions.get(name)?)
    }

    /// The subscriptions of these names, in the order of the file.
    pub(super) fn only(&self, names: &[&str]) -> Result<Vec<Arc<Subscription>>, Error> {
        let Some(path) = &self.path else {
            let error = Error::new(FailureKind::Config, "--only needs a settings file, and there is none");
            return Err(error.with_hint("dvrf init writes one"));
        };
        if let Some(name) = names.iter().find(|name| !self.positions.contains_key(**name)) {
            let message = format!("--only is {:?}: {path} has no such subscription", quote(name));
            let known: Vec<&str> = self.positions.keys().map(String::as_str).collect();
            let otherwise = || format!("it has {}", known.join(", "));
            let hint = near_or(name, known.iter().copied(), otherwise);
            return Err(Error::new(FailureKind::Config, message).with_hint(hint));
        }
        let names: BTreeSet<&str> = names.iter().copied().collect();
        Ok(self.subscriptions.iter().filter(|one| names.contains(one.name.as_str())).cloned().collect())
    }

    fn add(&mut self, found: Subscription) -> Result<(), Subscription> {
        if self.positions.contains_key(&found.name) {
            return Err(found);
        }
        self.positions.insert(found.name.clone(), self.subscriptions.len());
        self.subscriptions.push(Arc::new(found));
        Ok(())
    }
}

/// Finds and reads the file of the user, else that of the host. One that is there and cannot be opened is a warning, since
/// nobody named it.
pub(super) fn find(of_user: Option<PathBuf>) -> Result<(ConfigFile, Option<Error>), Error> {
    let of_user = of_user.map(|directory| directory.join("dvrf.toml"));
    for path in of_user.into_iter().chain([PathBuf::from(SYSTEM_FILE)]) {
        let path = path.display().to_string();
        match open(&path) {
            Ok(file) => return Ok((read_open(file, &path)?, None)),
            Err(error) if is_absent(&error) => {}
            Err(error) => return Ok((ConfigFile::default(), Some(unreadable(&path, error)))),
        }
    }
    Ok((ConfigFile::default(), None))
}

/// Reads the file that a flag or a variable names.
pub(super) fn read(path: &str) -> Result<ConfigFile, Error> {
    read_open(open(path).map_err(|error| unreadable(path, error))?, path)
}

fn open(path: &str) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unreadable(path: &str, error: io::Error) -> Error {
    Error::new(FailureKind::Config, format!("the settings file {} cannot be read", quote(path)))
        .with_source(error)
        .with_hint("name another with --config, or none with --config /dev/null")
}

fn read_open(file: File, path: &str) -> Result<ConfigFile, Error> {
    let failed = |error| unreadable(path, error);
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidData, "it is longer than 16 MiB")));
    }
    parse(path, &text, mode)
}

/// Parses the text of a file with this mode; `path` is what errors call it.
pub fn parse(path: &str, text: &str, mode: u32) -> Result<ConfigFile, Error> {
    // An editor of another system may have written a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = Source::new(path, text, Some(mode).filter(|mode| mode & 0o004 != 0));
    let tree = source.parse()?;
    let mut file = ConfigFile { path: Some(path.to_owned()), ..ConfigFile::default() };
    let mut subscriptions = Vec::new();
    for item in items(tree.get_ref()) {
        match item.name.as_str() {
            SUBSCRIPTION => subscriptions.extend(source.tables(&item)?),
            CHANNEL => {
                for (at, table) in source.tables(&item)? {
                    file.channels.push(channel(&source, at, table)?);
                }
            }
            MAINTENANCE => {
                for (at, table) in source.tables(&item)? {
                    file.maintenance.push(maintenance(&source, at, table)?);
                }
            }
            name @ (THRESHOLDS | ALERTS) => flags(&source, name, &item, &mut file.values)?,
            RPC_URLS => rpc_urls(&source, &item, &mut file.values)?,
            name if keys::is_section(name) => section(&source, name, &item, &mut file.values)?,
            _ => setting(&source, TOP, &item, &mut file.values)?,
        }
    }
    for (at, table) in subscriptions {
        let mut found = subscription(&source, at, table)?;
        found.inherit(&file.values);
        file.add(found).map_err(|found| {
            let message = format!("the name {:?} is used twice", quote(&found.name));
            source.error(at, message, "give each subscription its own name")
        })?;
    }
    for window in &file.maintenance {
        if let Some(name) = window.only.iter().find(|name| file.find(name).is_none()) {
            let message =
                format!("{}: only has {:?}: there is no such subscription", window.place, quote(name));
            let known = file.positions.keys().map(String::as_str);
            let hint = near_or(name, known, || "write the name of a [[subscription]]".to_owned());
            return Err(Error::new(FailureKind::Config, message).with_hint(hint));
        }
    }
    Ok(file)
}

fn section(source: &Source, name: &str, item: &Item, values: &mut Values) -> Result<(), Error> {
    for inner in items(source.table(item, &format!("[{name}]"))?) {
        setting(source, name, &inner, values)?;
    }
    Ok(())
}

/// Adds a value. The same key in two spellings is a mistake.
fn insert(
    source: &Source,
    item: &Item,
    key: &'static str,
    value: FileValue,
    values: &mut Values,
) -> Result<(), Error> {
    if value.text.is_empty() {
        return Ok(());
    }
    if let Some(earlier) = values.insert(key, value) {
        let key = earlier.by.rsplit(' ').next().unwrap_or_default().to_owned();
        let message = format!("{} and {key} are both given", item.key);
        return Err(source.error(item.at, message, "keep one of them"));
    }
    Ok(())
}

/// Reads a setting of a table. A secret can also be given as `KEY_file` or `KEY_env`.
fn setting(source: &Source, table: &str, item: &Item, values: &mut Values) -> Result<(), Error> {
    let find = |name: &str| keys::variables_of(table).find(|variable| keys::key(variable) == name);
    let (variable, value) = if let Some(variable) = find(&item.name) {
        let value = source.value(item, keys::list_separator(variable))?;
        if variable.is_secret_value(&value.text) {
            source.guard_secret(item)?;
        }
        (variable, value)
    } else {
        let secret_of = |ending| item.name.strip_suffix(ending).and_then(find).filter(|found| found.secret);
        let (by_file, by_env) = (secret_of("_file"), secret_of("_env"));
        let Some(variable) = by_file.or(by_env) else {
            let home = if table == TOP { keys::home_of(&item.name) } else { None };
            return Err(source.unknown(item, &keys::known(table), home));
        };
        let FileValue { text, by } = source.value(item, None)?;
        if text.is_empty() {
            return Ok(());
        }
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
    insert(source, item, variable.name, value, values)
}

fn rpc_urls(source: &Source, item: &Item, values: &mut Values) -> Result<(), Error> {
    for inner in items(source.table(item, "[rpc_urls]")?) {
        let Some((_, network)) = Network::WORDS.iter().find(|(name, _)| *name == inner.name) else {
            return Err(source.unknown(&inner, &keys::known(RPC_URLS), None));
        };
        let value = source.value(&inner, Some(","))?;
        if variables::RPC_URL.is_secret_value(&value.text) {
            source.guard_secret(&inner)?;
        }
        insert(source, &inner, keys::rpc_key(*network), value, values)?;
    }
    Ok(())
}

/// Reads a table whose keys are flags of a tool.
fn flags(source: &Source, table: &str, item: &Item, values: &mut Values) -> Result<(), Error> {
    for inner in items(source.table(item, &format!("[{table}]"))?) {
        let found = keys::flags_of(table).iter().find(|flag| keys::flag_key(flag) == inner.name);
        let Some(flag) = found else { return Err(source.unknown(&inner, &keys::known(table), None)) };
        let separator = keys::REPEATABLE_FLAGS.contains(flag).then_some("\n");
        let value = source.value(&inner, separator)?;
        insert(source, &inner, flag, value, values)?;
    }
    Ok(())
}

fn channel(source: &Source, at: usize, table: &DeTable) -> Result<ChannelEntry, Error> {
    let (mut kind, mut options) = (None, Vec::new());
    let all = items(table);
    for item in &all {
        let FileValue { text, .. } = source.value(item, None)?;
        // An empty value counts as unset.
        let text = match text.as_str() {
            "" => continue,
            "true" => "yes".to_owned(),
            "false" => "no".to_owned(),
            _ => text,
        };
        match item.name.as_str() {
            "kind" => kind = Some(text),
            name => options.push((name.replace('_', "-"), text)),
        }
    }
    let known = ChannelKind::ALL.map(|(name, _)| name);
    let Some(kind) = kind else {
        let hint = format!("add kind = \"…\", one of {}", known.join(", "));
        return Err(source.error(at, "this channel has no kind", hint));
    };
    let Some(parsed) = ChannelKind::parse(&kind) else {
        let hint = near_or(&kind, known, || format!("use one of {}", known.join(", ")));
        return Err(source.error(at, format!("the kind {:?} is not known", quote(&kind)), hint));
    };
    for item in all.iter().filter(|item| parsed.is_secret(&item.name)) {
        source.guard_secret(item)?;
    }
    Ok(ChannelEntry { place: source.place(at), kind, options })
}

fn maintenance(source: &Source, at: usize, table: &DeTable) -> Result<Maintenance, Error> {
    let mut given = maintenance::Given::default();
    for item in items(table) {
        let name = item.name.as_str();
        let value = source.value(&item, keys::LISTS.contains(&name).then_some("\n"))?;
        let text = Some(value.text).filter(|text| !text.is_empty());
        let list =
            |text: Option<String>| text.iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
        match name {
            "from" => given.from = text,
            "to" => given.to = text,
            "daily" => given.daily = text,
            "weekly" => given.weekly = text,
            "reason" => given.reason = text,
            "only" => given.only = list(text),
            "problems" => given.problems = list(text),
            _ => return Err(source.unknown(&item, &keys::known(MAINTENANCE), None)),
        }
    }
    Maintenance::new(source.place(at), given).map_err(|(message, hint)| source.error(at, message, hint))
}
