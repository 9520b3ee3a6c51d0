//! Layouts: what the values and the requests of a consumer contract are and where they stand, as data.
//!
//! A layout is a TOML file, [`file::SCHEMA`]. The dVRF deposit belongs to no layout: it is read by code.

mod collect;
mod draw;
pub mod file;
mod judge;
mod lottery;
pub mod path;
mod readings;
mod resolver;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, LazyLock};

use crate::address::Address;
use crate::failure::is_hidden;
use crate::transport::{Deadline, Request, Transport};
use file::{AddressRule, AddressText, LayoutFile};

pub(crate) use collect::read;
pub use draw::{Condition, LayoutDraw};
pub use lottery::{LotteryNames, lottery};

/// The layout of the lottery, whose values have types of their own: [`lottery()`].
pub const MAIN: &str = "main_v2";
/// The layout of a target without a contract: only its deposit is read.
pub const DEPOSIT_ONLY: &str = "deposit-only";

/// The built-in layout files by name.
const BUILT_IN: [(&str, &str); 3] = [
    ("core", include_str!("layout/core.toml")),
    ("multi", include_str!("layout/multi.toml")),
    ("generic", include_str!("layout/generic.toml")),
];

/// The layouts that are recognised, the latest first.
const RECOGNISED: [&str; 2] = ["multi", "core"];

/// A layout whose references have been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    file: LayoutFile,
    /// The addresses of the file; those that variables named are literal.
    addresses: BTreeMap<String, AddressText>,
    /// The elements of lists that variables named.
    elements: BTreeMap<String, Vec<String>>,
}

/// Why a text is not a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutError {
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LayoutError {}

/// The largest layout file; the built-in ones have a few kilobytes.
pub const FILE_BYTES_MAX: usize = 256 << 10;

impl Layout {
    /// Parses a layout file. `variable` returns the value of an environment variable.
    pub fn parse(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, LayoutError> {
        if text.len() > FILE_BYTES_MAX {
            let message = format!("a layout has at most {FILE_BYTES_MAX} bytes, this has {}", text.len());
            return Err(LayoutError { line: None, message });
        }
        let file: LayoutFile = toml::from_str(text).map_err(|error| LayoutError {
            line: error.span().map(|span| line_of(text, span.start)),
            message: plain(error.message()),
        })?;
        if let Some(mistake) = file.first_mistake() {
            let line = find(text, &mistake.text);
            return Err(LayoutError { line, message: plain(&mistake.message) });
        }
        let mut addresses = BTreeMap::new();
        for (name, rule) in &file.address {
            addresses.insert(name.clone(), resolved(text, name, rule, variable)?);
        }
        let given = file.list.iter().filter_map(|(name, list)| {
            let elements = variable(list.env.as_deref()?)?;
            let elements = elements.split(',').map(str::trim).filter(|text| !text.is_empty());
            Some((name.clone(), elements.map(str::to_owned).collect::<Vec<_>>()))
        });
        let elements = given.filter(|(_, elements)| !elements.is_empty()).collect();
        Ok(Self { file, addresses, elements })
    }

    /// The layout's name.
    pub fn name(&self) -> &str {
        &self.file.name.0
    }

    /// What it is for.
    pub fn title(&self) -> &str {
        &self.file.title
    }

    /// The file.
    pub fn file(&self) -> &LayoutFile {
        &self.file
    }

    /// The possible names of each module by which the layout is recognised.
    fn required(&self) -> Vec<Vec<&str>> {
        let modules = self.file.require.modules.iter().filter_map(|alias| self.file.module.get(alias));
        modules.map(|rule| rule.names().iter().collect()).collect()
    }

    /// The literal address that the file gives a name, if it does.
    fn address(&self, name: &str) -> Option<&AddressText> {
        self.addresses.get(name)
    }
}

/// The layouts that targets may name.
#[derive(Debug, Clone, Default)]
pub struct Layouts(BTreeMap<String, Arc<Layout>>);

impl Layouts {
    /// Those that are built in.
    pub fn built_in() -> Self {
        static BUILT: LazyLock<Layouts> = LazyLock::new(|| {
            let parsed = BUILT_IN.iter().filter_map(|(_, text)| Layout::parse(text, &|_| None).ok());
            let mut layouts = Layouts::default();
            parsed.for_each(|layout| layouts.add(layout));
            layouts
        });
        BUILT.clone()
    }

    /// Adds a layout, or replaces the one of its name.
    pub fn add(&mut self, layout: impl Into<Arc<Layout>>) {
        let layout = layout.into();
        self.0.insert(layout.name().to_owned(), layout);
    }

    /// The layout with this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Layout>> {
        self.0.get(name)
    }

    /// The names that a target may have, those whose values have types of their own first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [MAIN, DEPOSIT_ONLY].into_iter().chain(self.0.keys().map(String::as_str))
    }
}

/// Finds the built-in layout of a contract by the modules that its account has; the latest one where there are several.
/// `None` where no layout fits, or where modules cannot be read.
pub(crate) fn recognise(
    layouts: &Layouts,
    account: Address,
    transport: &dyn Transport,
    deadline: Deadline,
) -> Option<Arc<Layout>> {
    if !transport.offers_abi() {
        return None;
    }
    let known: Vec<&Arc<Layout>> = RECOGNISED.iter().filter_map(|name| layouts.get(name)).collect();
    let names = known.iter().flat_map(|layout| layout.required().into_iter().flatten());
    let names: BTreeSet<String> = names.map(str::to_owned).collect();
    let request = |module: &String| Request::ModuleAbi { account, module: module.clone() };
    let replies = transport.ask(&names.iter().map(request).collect::<Vec<_>>(), deadline);
    let has = names.iter().zip(replies).filter(|(_, reply)| reply.result.is_ok());
    let has: BTreeSet<&str> = has.map(|(name, _)| name.as_str()).collect();
    let fits = |layout: &&&Arc<Layout>| {
        layout.required().iter().all(|names| names.iter().any(|name| has.contains(name)))
    };
    known.iter().find(fits).map(|layout| Arc::clone(layout))
}

/// The text of a built-in layout, for an author who begins with it.
pub fn text_of(name: &str) -> Option<&'static str> {
    let mut files = [(MAIN, lottery::TEXT)].into_iter().chain(BUILT_IN);
    files.find(|(known, _)| *known == name).map(|(_, text)| text)
}

/// The JSON schema of layout files.
pub fn file_schema() -> serde_json::Value {
    schemars::schema_for!(LayoutFile).to_value()
}

fn resolved(
    text: &str,
    name: &str,
    rule: &AddressRule,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<AddressText, LayoutError> {
    let rule = match rule {
        AddressRule::Text(text) => return Ok(text.clone()),
        AddressRule::Variable(rule) => rule,
    };
    let line = find(text, &rule.env);
    let Some(given) = variable(&rule.env).filter(|given| !given.trim().is_empty()) else {
        // The target has these two.
        let of_target = ["consumer", "client"].contains(&name).then(|| AddressText::Name(name.to_owned()));
        return rule.fallback.clone().or(of_target).ok_or_else(|| LayoutError {
            line,
            message: format!("address {name} is taken from {}, which is not set", rule.env),
        });
    };
    let parsed = given.parse::<Address>();
    // The variable may hold anything: its text is not repeated.
    parsed.map(AddressText::Literal).map_err(|error| LayoutError {
        line,
        message: format!("address {name} is taken from {}, which is not an address: {error}", rule.env),
    })
}

/// A message on one line, without hidden characters.
fn plain(message: &str) -> String {
    let lines = message.trim().replace('\n', ", ");
    lines.chars().flat_map(|c| if is_hidden(c) { c.escape_unicode().collect() } else { vec![c] }).collect()
}

/// The line of a byte, counted from 1. What is missing at the end of the file is missing in its last line.
fn line_of(text: &str, at: usize) -> usize {
    let line = text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    line.min(text.lines().count().max(1))
}

/// The first line that has a text in quotes, else the first that has it at all, outside comments.
fn find(text: &str, word: &str) -> Option<usize> {
    let quoted = format!("\"{word}\"");
    find_word(text, &quoted).or_else(|| find_word(text, word))
}

fn find_word(text: &str, word: &str) -> Option<usize> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let has = |line: &str| {
        line.match_indices(word).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + word.len()..].chars().next();
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
    };
    let code = |line: &str| !line.trim_start().starts_with('#') && has(line);
    text.lines().position(code).map(|index| index + 1)
}

#[cfg(test)]
mod tests;
