//! What a parsed layout file cannot mean: references that lead nowhere, and rules that say nothing.

mod draw;
mod requests;

use std::collections::BTreeSet;

use super::{
    AddressRule, AddressText, LIST_MAX, LayoutFile, ListRule, ReadRule, Ref, SCHEMA, ValueRule, ValueType,
    WatchRule, When,
};
use crate::check::Severity;
use crate::check::title::is_plain;
use crate::layout::path::Path;
use crate::view::is_identifier;

/// Something that the file refers to and does not have, with the text that refers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::layout) struct Dangling {
    /// The text in the file.
    pub(in crate::layout) text: String,
    /// What is wrong.
    pub(in crate::layout) message: String,
}

const BUILT_IN_MODULES: [&str; 2] = ["dvrf", "deposit"];
const BUILT_IN_ADDRESSES: [&str; 3] = ["consumer", "client", "deposit"];
impl LayoutFile {
    /// Finds the first reference that leads nowhere, or a rule that says nothing.
    pub(in crate::layout) fn first_mistake(&self) -> Option<Dangling> {
        let mistake = |text: &str, message: String| Some(Dangling { text: text.to_owned(), message });
        if self.layout != SCHEMA {
            return mistake(
                &self.layout,
                format!("layout is {:?}, this version reads {SCHEMA}", self.layout),
            );
        }
        self.wrong_names()
            .or_else(|| self.wrong_addresses())
            .or_else(|| self.refs().into_iter().find_map(|of| self.wrong_ref(of)))
            .or_else(|| self.read.iter().find_map(|(name, read)| self.wrong_read(name, read)))
            .or_else(|| self.list.iter().find_map(|(name, list)| self.wrong_list(name, list)))
            .or_else(|| self.value.iter().find_map(|(name, value)| self.wrong_value(name, value)))
            .or_else(|| self.request.iter().find_map(|request| self.wrong_request(request)))
            .or_else(|| self.watch.iter().find_map(|watch| self.wrong_watch(watch)))
            .or_else(|| self.draw.as_ref().and_then(|draw| self.wrong_draw(draw)))
            .or_else(|| self.fund.as_ref().and_then(|fund| self.wrong_fund(fund)))
            .or_else(|| {
                let unknown = self.errors.keys().find(|alias| !self.has_module(alias))?;
                mistake(unknown, format!("[errors] has {unknown}, which [module] does not"))
            })
            .or_else(|| {
                let unknown = self.require.modules.iter().find(|alias| !self.module.contains_key(*alias))?;
                mistake(unknown, format!("[require] has {unknown}, which [module] does not"))
            })
    }

    fn wrong_names(&self) -> Option<Dangling> {
        let keys = [
            self.address.keys().collect::<Vec<_>>(),
            self.module.keys().collect(),
            self.list.keys().collect(),
            self.read.keys().collect(),
            self.value.keys().collect(),
        ];
        let bad = keys.into_iter().flatten().find(|key| !is_identifier(key))?;
        Some(Dangling {
            text: bad.clone(),
            message: format!("{bad:?} is not a name: letters, digits and _ are"),
        })
    }

    fn wrong_addresses(&self) -> Option<Dangling> {
        let of_address = self.address.values().filter_map(|rule| match rule {
            AddressRule::Variable(variable) => Some(&variable.env),
            AddressRule::Text(_) => None,
        });
        let of_list = self.list.values().filter_map(|list| list.env.as_ref());
        // A layout that somebody else wrote must not read a secret.
        let is_harmless = |name: &str| name.ends_with("_ADDR") || name.ends_with("_IDS");
        if let Some(env) = of_address.chain(of_list).find(|env| !is_harmless(env)) {
            let message = format!("env is {env:?}: the variables of a layout end in _ADDR or _IDS");
            return Some(Dangling { text: env.clone(), message });
        }
        for (name, rule) in &self.address {
            let text = match rule {
                AddressRule::Text(text) => Some(text),
                AddressRule::Variable(variable) => variable.fallback.as_ref(),
            };
            let Some(AddressText::Name(other)) = text else { continue };
            let message = if !self.has_address(other) {
                format!("address {name} is {other}, which [address] does not have")
            } else if other == name || self.is_circular(name) {
                format!("address {name} leads back to itself")
            } else {
                continue;
            };
            return Some(Dangling { text: other.clone(), message });
        }
        for (alias, rule) in &self.module {
            if !self.has_address(rule.at()) {
                let at = rule.at();
                let message = format!("module {alias} is at {at}, which [address] does not have");
                return Some(Dangling { text: at.to_owned(), message });
            }
            if let Some(bad) = rule.names().iter().find(|name| !is_identifier(name)) {
                let message = format!("module {alias} is {bad:?}, which is not a Move identifier");
                return Some(Dangling { text: bad.to_owned(), message });
            }
            if rule.names().iter().next().is_none() {
                let message = format!("module {alias} has no name");
                return Some(Dangling { text: alias.clone(), message });
            }
            if BUILT_IN_MODULES.contains(&alias.as_str()) {
                let message = format!("{alias} is a module of the dVRF package; choose another name");
                return Some(Dangling { text: alias.clone(), message });
            }
        }
        None
    }

    fn is_circular(&self, start: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut at = start;
        while let Some(rule) = self.address.get(at) {
            if !seen.insert(at) {
                return true;
            }
            let text = match rule {
                AddressRule::Text(text) => Some(text),
                AddressRule::Variable(variable) => variable.fallback.as_ref(),
            };
            let Some(AddressText::Name(next)) = text else { return false };
            at = next;
        }
        false
    }

    fn has_address(&self, name: &str) -> bool {
        self.address.contains_key(name) || BUILT_IN_ADDRESSES.contains(&name)
    }

    fn has_module(&self, alias: &str) -> bool {
        self.module.contains_key(alias) || BUILT_IN_MODULES.contains(&alias)
    }

    /// Every function, struct and event of the file.
    fn refs(&self) -> Vec<&Ref> {
        let mut refs: Vec<&Ref> = self.marker.types.iter().chain(&self.require.ready).collect();
        for read in self.read.values() {
            refs.extend(read.view.iter().chain(&read.resource).chain(&read.exists).chain(&read.types));
        }
        for request in &self.request {
            refs.extend(&request.callback);
            refs.extend(request.events().map(|event| &event.event));
        }
        refs.extend(self.draw.iter().map(|draw| &draw.run));
        refs.extend(self.fund.iter().map(|fund| &fund.run));
        refs
    }

    fn wrong_ref(&self, of: &Ref) -> Option<Dangling> {
        let message = format!("{of} is of the module {}, which [module] does not have", of.alias);
        (!self.has_module(&of.alias)).then(|| Dangling { text: of.to_string(), message })
    }

    fn wrong_read(&self, name: &str, read: &ReadRule) -> Option<Dangling> {
        let mistake = |text: &str, message: String| Some(Dangling { text: text.to_owned(), message });
        let here = format!("[read.{name}]");
        let kinds =
            [read.view.is_some(), read.resource.is_some(), read.exists.is_some(), read.table.is_some()];
        if kinds.iter().filter(|is| **is).count() != 1 {
            return mistake(&here, format!("{here} needs one of view, resource, exists and table"));
        }
        if read.table.is_some()
            != (read.key.is_some() && read.key_type.is_some() && read.value_type.is_some())
        {
            return mistake(
                &here,
                format!("{here}: key, key_type and value_type go with table, and only there"),
            );
        }
        if !read.args.is_empty() && read.view.is_none() {
            return mistake(&here, format!("{here} has args without a view"));
        }
        if let Some(at) = read.at.as_ref().filter(|at| !self.has_address(at)) {
            return mistake(at, format!("{here} is at {at}, which [address] does not have"));
        }
        if let Some(each) = read.each.as_ref().filter(|each| !self.list.contains_key(*each)) {
            return mistake(each, format!("{here} is for each {each}, and there is no [list.{each}]"));
        }
        if read.each.is_some() && read.is_probe() {
            return mistake(
                &here,
                format!("{here} is for each element and for each key; one of them is possible"),
            );
        }
        if let Some(path) = &read.table {
            if let Some(found) = self.wrong_path(&here, path) {
                return Some(found);
            }
            if self
                .read
                .get(&path.read)
                .is_some_and(|of| of.each.is_some() || of.is_probe() || of.table.is_some())
            {
                return mistake(
                    &path.to_string(),
                    format!("{here}: the handle of a table comes from a plain read"),
                );
            }
        }
        for placeholder in read.placeholders() {
            let is_known = match placeholder {
                "key" => true,
                other => self.has_address(other) || read.each.as_deref() == Some(other),
            };
            if !is_known {
                let text = format!("{{{placeholder}}}");
                let why = if self.list.contains_key(placeholder) {
                    format!("needs each = {placeholder:?}")
                } else {
                    "is neither key, an address nor the list of each".to_owned()
                };
                return mistake(&text, format!("{here}: {text} {why}"));
            }
        }
        None
    }

    fn wrong_path(&self, here: &str, path: &Path) -> Option<Dangling> {
        let text = path.to_string();
        let message =
            format!("{here}: {text} begins with {}, and there is no [read.{}]", path.read, path.read);
        (!self.read.contains_key(&path.read)).then_some(Dangling { text, message })
    }

    fn wrong_list(&self, name: &str, list: &ListRule) -> Option<Dangling> {
        let here = format!("[list.{name}]");
        let mistake = |text: &str, message: String| Some(Dangling { text: text.to_owned(), message });
        let paths = list.from.iter().chain(list.range.as_ref().map(|range| &range.last));
        for path in paths {
            if let Some(found) = self.wrong_path(&here, path) {
                return Some(found);
            }
            let read = &self.read[&path.read];
            if read.each.is_some() || read.is_probe() || read.table.is_some() {
                return mistake(&path.to_string(), format!("{here}: a list comes from a plain read"));
            }
        }
        if list.from.is_empty() && list.env.is_none() && list.fixed.is_empty() && list.range.is_none() {
            return mistake(&here, format!("{here} needs from, range, static or env"));
        }
        if list.max.is_some_and(|max| max == 0 || max > LIST_MAX) {
            return mistake(&here, format!("{here}: max is between 1 and {LIST_MAX}"));
        }
        None
    }

    fn wrong_value(&self, name: &str, value: &ValueRule) -> Option<Dangling> {
        let mistake = |text: &str, message: String| Some(Dangling { text: text.to_owned(), message });
        if value.from.is_empty() {
            return mistake(&format!("{name} ="), format!("value {name} needs at least one path in from"));
        }
        let here = format!("value {name}");
        let wrong = value.from.iter().find_map(|path| self.wrong_path(&here, path));
        if wrong.is_some() {
            return wrong;
        }
        if let Some(path) = value.from.iter().find(|path| self.read[&path.read].is_probe()) {
            return mistake(
                &path.to_string(),
                format!("{here}: {} is read per request; a value cannot be", path.read),
            );
        }
        let lists: BTreeSet<&Option<String>> =
            value.from.iter().map(|path| &self.read[&path.read].each).collect();
        if lists.len() > 1 {
            return mistake(&value.from[0].to_string(), format!("{here}: its places are of different lists"));
        }
        if value.minus > 0 && !value.kind.is_number() {
            return mistake(&format!("{name} ="), format!("{here}: minus needs a number"));
        }
        None
    }

    fn wrong_watch(&self, watch: &WatchRule) -> Option<Dangling> {
        let code = &watch.code;
        let here = format!("watch {code}");
        let mistake = |text: &str, message: String| Some(Dangling { text: text.to_owned(), message });
        let is_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        if code.is_empty() || code.len() > 64 || !code.bytes().all(is_code) {
            return mistake(code, format!("{code:?} is not a code: capital letters, digits and _ are"));
        }
        if let Some(title) = watch.title.as_ref().filter(|title| !is_plain(title)) {
            return mistake(title, format!("{here}: title is a few words without marks, at most 120 bytes"));
        }
        let names = [&watch.value].into_iter().chain(&watch.other).chain(&watch.while_);
        for name in names {
            if !self.value.contains_key(name) {
                return mistake(name, format!("{here}: {name} is not a value"));
            }
        }
        let compares = matches!(watch.when, When::Differs | When::NotIn);
        if compares == watch.other.is_empty() {
            return mistake(code, format!("{here}: other goes with \"!=\" and \"not in\", and only there"));
        }
        if watch.severity == Severity::Unknown {
            return mistake(code, format!("{here}: severity is info, warning or critical"));
        }
        let kind = self.value[&watch.value].kind;
        let fits = match watch.when {
            When::Unset => self.is_option(&self.value[&watch.value]),
            When::Empty => matches!(kind, ValueType::Addresses | ValueType::Counts),
            When::Zero | When::Above(_) | When::Below(_) => kind.is_number(),
            When::True | When::False => kind == ValueType::Bool,
            When::OlderThan(_) => matches!(kind, ValueType::TimeS | ValueType::TimeUs),
            When::Differs | When::NotIn => true,
        };
        if !fits {
            let value = &watch.value;
            return mistake(code, format!("{here}: {value} can never be so; look at its type and paths"));
        }
        let switch = watch.while_.as_ref().filter(|name| self.value[*name].kind != ValueType::Bool);
        switch.and_then(|name| mistake(name, format!("{here}: while needs a bool, and {name} is not one")))
    }
}
