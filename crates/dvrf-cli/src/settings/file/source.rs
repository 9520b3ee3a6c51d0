//! The text of a settings file: where each value stands, and the errors that say so.

use std::ops::Range;

use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::FileValue;
use crate::parse::did_you_mean;

/// A settings file as it was read.
pub(super) struct Source<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a str,
    /// The mode, if others can read the file.
    pub(super) open_mode: Option<u32>,
    /// Where its lines end.
    line_ends: Vec<usize>,
}

/// A key and its value.
pub(super) struct Item<'t> {
    /// As it is written.
    pub(super) key: &'t str,
    /// The same with `_` for `-`: both spellings are known.
    pub(super) name: String,
    pub(super) at: usize,
    pub(super) value: &'t Spanned<DeValue<'t>>,
}

/// The items of a table, in the order of the file.
pub(super) fn items<'t>(table: &'t DeTable<'t>) -> Vec<Item<'t>> {
    let item = |(key, value): (&'t Spanned<std::borrow::Cow<'t, str>>, &'t Spanned<DeValue<'t>>)| Item {
        key: key.get_ref(),
        name: key.get_ref().replace('-', "_"),
        at: key.span().start,
        value,
    };
    let mut items: Vec<Item> = table.iter().map(item).collect();
    items.sort_by_key(|item| item.at);
    items
}

impl<'a> Source<'a> {
    pub(super) fn new(path: &'a str, text: &'a str, open_mode: Option<u32>) -> Self {
        let line_ends = text.match_indices('\n').map(|(at, _)| at).collect();
        Self { path, text, open_mode, line_ends }
    }

    /// `PATH:LINE` of a byte.
    pub(super) fn place(&self, at: usize) -> String {
        let line = 1 + self.line_ends.partition_point(|end| *end < at);
        format!("{}:{line}", self.path)
    }

    pub(super) fn error(&self, at: usize, message: impl AsRef<str>, hint: impl Into<String>) -> Error {
        let message = format!("{}: {}", self.place(at), message.as_ref());
        Error::new(FailureKind::Config, message).with_hint(hint)
    }

    /// The tree of the file.
    pub(super) fn parse(&self) -> Result<Spanned<DeTable<'_>>, Error> {
        DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span: Range<usize>| span.start);
            let message = quote(error.message());
            self.error(at, format!("this is not TOML: {message}"), "write key = \"value\", one a line")
        })
    }

    /// The text of a string, a number or a boolean.
    fn scalar(&self, value: &Spanned<DeValue>) -> Option<String> {
        match value.get_ref() {
            DeValue::String(text) => Some(text.trim().to_owned()),
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
                self.text.get(value.span()).map(str::to_owned)
            }
            _ => None,
        }
    }

    /// A value; a list is joined where the setting may be one. An empty value counts as unset, as in the environment.
    pub(super) fn value(&self, item: &Item, separator: Option<&str>) -> Result<FileValue, Error> {
        let by = format!("{}: {}", self.place(item.at), item.key);
        if let Some(text) = self.scalar(item.value) {
            return Ok(FileValue { text, by });
        }
        let wrong = || {
            let (what, hint) = match separator {
                Some(_) => ("a string or a list of strings", "write KEY = [\"…\", \"…\"]"),
                None => ("a string or a number", "write KEY = \"…\""),
            };
            let message = format!("{} is {}: {what} is needed", item.key, kind_of(item.value.get_ref()));
            self.error(item.at, message, hint.replace("KEY", item.key))
        };
        let (Some(list), Some(separator)) = (item.value.get_ref().as_array(), separator) else {
            return Err(wrong());
        };
        let texts: Option<Vec<String>> = list.iter().map(|value| self.scalar(value)).collect();
        let mut texts = texts.ok_or_else(wrong)?;
        texts.retain(|text| !text.is_empty());
        Ok(FileValue { text: texts.join(separator), by })
    }

    /// The table behind a key; `header` is how it is written.
    pub(super) fn table<'t>(&self, item: &Item<'t>, header: &str) -> Result<&'t DeTable<'t>, Error> {
        item.value.get_ref().as_table().ok_or_else(|| {
            let message = format!("{} is {}: a table is needed", item.key, kind_of(item.value.get_ref()));
            self.error(item.at, message, format!("begin it with {header}"))
        })
    }

    /// The tables behind a key that is written once for each of them.
    pub(super) fn tables<'t>(&self, item: &Item<'t>) -> Result<Vec<(usize, &'t DeTable<'t>)>, Error> {
        let wrong = || {
            let message =
                format!("{} is {}: a list of tables is needed", item.key, kind_of(item.value.get_ref()));
            self.error(item.at, message, format!("begin each of them with [[{}]]", item.key))
        };
        let list = item.value.get_ref().as_array().ok_or_else(wrong)?;
        let table = |value: &'t Spanned<DeValue<'t>>| {
            let table = value.get_ref().as_table()?;
            Some((value.span().start, table))
        };
        list.iter().map(table).collect::<Option<Vec<_>>>().ok_or_else(wrong)
    }

    /// The error for a key that a table does not have.
    pub(super) fn unknown(&self, item: &Item, known: &[String], home: Option<&str>) -> Error {
        let hint = match (home, did_you_mean(&item.name, known.iter().map(String::as_str))) {
            (Some(home), _) => format!("write it under {home}"),
            (None, Some(hint)) => hint,
            (None, None) => match synonym(&item.name) {
                Some(other) => format!("did you mean {other}?"),
                None if known.len() <= 12 => format!("known here: {}", known.join(", ")),
                None => {
                    let near = three_nearest(&item.name, known).join(", ");
                    format!("the nearest are {near}; dvrf help settings lists all")
                }
            },
        };
        self.error(item.at, format!("the key {:?} is not known", quote(item.key)), hint)
    }

    /// Refuses a secret in a file that others can read.
    pub(super) fn guard_secret(&self, item: &Item) -> Result<(), Error> {
        let Some(mode) = self.open_mode else { return Ok(()) };
        let (key, path) = (item.key, self.path);
        let message = format!("{key} is a secret, and other users can read this file (mode {mode:04o})");
        Err(self.error(item.at, message, format!("chmod o-r {path}, or give {key}_file or {key}_env")))
    }
}

/// What a word of people is called in the file.
fn synonym(name: &str) -> Option<&'static str> {
    match name {
        "check" | "checks" | "policy" => Some("[thresholds]"),
        "alert" | "notify" | "notifications" => Some("[alerts]"),
        "lottery_addr" => Some("lottery, under [[subscription]]"),
        "client_addr" => Some("client, under [[subscription]]"),
        _ => None,
    }
}

fn three_nearest<'a>(name: &str, known: &'a [String]) -> Vec<&'a str> {
    let mut near: Vec<&str> = known.iter().map(String::as_str).collect();
    near.sort_by_key(|word| strsim::damerau_levenshtein(word, name));
    near.truncate(3);
    near
}

fn kind_of(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
