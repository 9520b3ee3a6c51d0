//! Reads a contract by its layout: plain reads, then those of list elements, then events, then probes of open requests.

mod calls;
mod requests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Layout;
use super::file::{ArgumentRule, FundRule, LIST_DEFAULT, LayoutFile, ReadRule, Ref, Scalar, ValueRule};
use super::path::{Path, Steps};
use super::readings::{Reading, Readings, decode, is_among, key_text};
use super::resolver::Resolver;
use super::watch;
use crate::error::Error;
use crate::failure::{Failure, FailureKind, quote};
use crate::state::consumer::{Consumer, Element, List, OwnDeposit, UNUSABLE_FUND};
use crate::target::Target;
use crate::transport::{Deadline, Request, Transport};
use crate::view_report::{ViewReport, Views};

/// The most requests to the chain for one list or one round of probes.
const REQUESTS_MAX: usize = 2000;

/// The answer to one read.
#[derive(Debug, Clone)]
enum Answer {
    Value(Value),
    /// A Move `Option` that is not set, or a table without the item.
    Unset,
    Failed(Failure),
}
/// Reads a contract. The views have the failures of what a verdict needs.
pub(crate) fn read(
    layout: &Layout,
    target: &Target,
    transport: &dyn Transport,
    deadline: Deadline,
    now: Timestamp,
) -> (Consumer, Views) {
    let mut reader = Reader {
        names: Resolver::new(layout, target),
        transport,
        deadline,
        confirmed: BTreeSet::new(),
        answers: BTreeMap::new(),
        views: Views::new(),
        tip: None,
    };
    let now_us = u64::try_from(now.as_microsecond()).unwrap_or(0);
    let file = layout.file();
    let is_plain = |read: &&ReadRule| read.each.is_none() && !read.is_probe() && read.table.is_none();
    let plain = file.read.iter().filter(|(_, read)| is_plain(read));
    reader.ask(plain.map(|(name, _)| (name.as_str(), String::new())).collect());
    let tables = file.read.iter().filter(|(_, read)| read.table.is_some() && read.each.is_none());
    reader.ask(tables.map(|(name, _)| (name.as_str(), String::new())).collect());
    let lists = reader.lists();
    let each = file.read.iter().filter_map(|(name, read)| Some((name.as_str(), read.each.as_ref()?)));
    let of_elements = each.flat_map(|(name, list)| {
        let elements = lists.get(list.as_str()).map(|list| list.elements.as_slice()).unwrap_or_default();
        elements.iter().map(move |element| (name, element.id.clone()))
    });
    reader.ask(of_elements.take(REQUESTS_MAX).collect());
    let readings = reader.readings(lists);
    let mut consumer = Consumer {
        layout: layout.name().to_owned(),
        ready: reader.ready(),
        markers: file.marker.types.iter().map(|marker| reader.names.full_name(marker)).collect(),
        fund: file.fund.as_ref().map(|fund| reader.own_deposit(fund)),
        ..Consumer::default()
    };
    if consumer.ready == Some(false) {
        // Whatever else fails has this one cause.
        return (consumer, Views::new());
    }
    consumer.requests = reader.requests(&readings, now_us);
    consumer.watches = watch::evaluate(file, &readings, now_us);
    let single = |(_, rule): &(&String, &ValueRule)| file.list_of(rule).is_none();
    consumer.values = (file.value.iter().filter(single))
        .map(|(name, _)| (name.clone(), readings.json(name, None)))
        .collect();
    for (name, list) in &readings.lists {
        let of_list = |rule: &ValueRule| file.list_of(rule) == Some(*name);
        let elements = list.elements.iter().map(|element| {
            let values = file.value.iter().filter(|(_, rule)| of_list(rule));
            let values = values.map(|(value, _)| (value.clone(), readings.json(value, Some(&element.id))));
            Element { id: element.id.clone(), values: values.collect() }
        });
        consumer
            .lists
            .insert((*name).to_owned(), List { elements: elements.collect(), left_out: list.left_out });
    }
    (consumer, reader.views)
}

struct Reader<'a> {
    names: Resolver<'a>,
    transport: &'a dyn Transport,
    deadline: Deadline,
    /// The modules of which something was read.
    confirmed: BTreeSet<&'a str>,
    /// The answers by read, and by element or key.
    answers: BTreeMap<(&'a str, String), Answer>,
    views: Views,
    /// The latest block, where events were read.
    tip: Option<u64>,
}

impl<'a> Reader<'a> {
    fn file(&self) -> &'a LayoutFile {
        self.names.file()
    }

    /// Sends these reads at once. Where a module lacks something, its next name is tried.
    fn ask(&mut self, mut wanted: Vec<(&'a str, String)>) {
        while !wanted.is_empty() {
            let mut asked = Vec::new();
            let mut requests = Vec::new();
            for (name, part) in wanted {
                let Some(rule) = self.file().read.get(name) else { continue };
                match self.request(rule, &part) {
                    Ok(request) => {
                        requests.push(request);
                        asked.push((name, part, rule));
                    }
                    Err(failure) => self.note(name, rule, part, Err(failure)),
                }
            }
            if requests.is_empty() {
                return;
            }
            let replies = self.transport.ask(&requests, self.deadline);
            let mut again = Vec::new();
            let mut moved = BTreeSet::new();
            for ((name, part, rule), reply) in asked.into_iter().zip(replies) {
                let alias = rule.of_module().map(|of| of.alias.as_str());
                let absent = reply.result.as_ref().err().map(Error::kind) == Some(FailureKind::Unsupported);
                let next = alias.filter(|alias| absent && self.has_another_name(alias));
                if let Some(alias) = next {
                    moved.insert(alias);
                    again.push((name, part));
                    continue;
                }
                if let (Ok(_), Some(alias)) = (&reply.result, alias) {
                    self.confirmed.insert(alias);
                }
                self.note(name, rule, part, reply.result.map_err(|error| Failure::from(&error)));
            }
            for alias in moved {
                *self.names.candidates.entry(alias).or_default() += 1;
            }
            wanted = again;
        }
    }

    fn has_another_name(&self, alias: &str) -> bool {
        let count = self.file().module.get(alias).map_or(0, |rule| rule.names().iter().count());
        !self.confirmed.contains(alias) && self.names.candidates.get(alias).copied().unwrap_or(0) + 1 < count
    }

    /// Keeps an answer; a failure of what is not optional is reported.
    fn note(&mut self, name: &'a str, rule: &ReadRule, part: String, result: Result<Value, Failure>) {
        let reads_resources = self.transport.offers_abi();
        let result = result.map_err(|mut failure| {
            // A transport that reads no resources does not show that the contract lacks one.
            if failure.kind == FailureKind::Unsupported && rule.view.is_none() && !reads_resources {
                failure.kind = FailureKind::Config;
            }
            failure
        });
        let answer = match result {
            Ok(_) if rule.exists.is_some() => Answer::Value(json!(true)),
            Ok(value) => match rule.take.as_ref().map(|take| take.follow(&value).into()) {
                None => Answer::Value(value),
                Some(Reading::Known(taken)) => Answer::Value(taken),
                Some(Reading::Unset) => Answer::Unset,
                Some(Reading::Unknown | Reading::Off) => {
                    let message =
                        format!("{name}: the answer has no such part: {}", quote(&value.to_string()));
                    Answer::Failed(Failure::new(FailureKind::Undecodable, message))
                }
            },
            Err(failure) if failure.kind == FailureKind::Unsupported && rule.exists.is_some() => {
                Answer::Value(json!(false))
            }
            Err(failure) if failure.kind == FailureKind::Unsupported && rule.table.is_some() => Answer::Unset,
            Err(failure) => Answer::Failed(failure),
        };
        if let Answer::Failed(failure) = &answer
            && !(rule.optional && failure.kind == FailureKind::Unsupported)
            // A probe that fails leaves its request unknown, which is said there.
            && !rule.is_probe()
        {
            self.report(&format!("consumer.{name}"), failure.clone());
        }
        self.answers.insert((name, part), answer);
    }

    fn report(&mut self, key: &str, failure: Failure) {
        let report = ViewReport { error: Some(failure), ..ViewReport::default() };
        self.views.entry(key.to_owned()).or_insert(report);
    }

    /// `[fund]` with the target's addresses. One that names no call is reported and stays, so that dVRF's own function is
    /// not called instead.
    fn own_deposit(&mut self, fund: &FundRule) -> OwnDeposit {
        let resolved = resolved_deposit(fund, &self.names);
        resolved.unwrap_or_else(|cause| {
            let message = format!("{UNUSABLE_FUND}: {}", cause.message);
            self.report("consumer.fund", Failure::new(cause.kind, message));
            OwnDeposit::default()
        })
    }

    /// What stands at a path, undecoded.
    fn find(&self, path: &Path, part: &str) -> Reading {
        let Some(rule) = self.file().read.get(&path.read) else { return Reading::Unknown };
        let part = if rule.each.is_some() || rule.is_probe() { part } else { "" };
        match self.answers.get(&(path.read.as_str(), part.to_owned())) {
            Some(Answer::Value(value)) => path.follow(value).into(),
            Some(Answer::Unset) => Reading::Unset,
            Some(Answer::Failed(failure)) if rule.optional && failure.kind == FailureKind::Unsupported => {
                Reading::Off
            }
            _ => Reading::Unknown,
        }
    }

    /// The elements of every list. One that cannot be read is reported and left out.
    fn lists(&mut self) -> BTreeMap<&'a str, List> {
        let mut lists = BTreeMap::new();
        for (name, rule) in &self.file().list {
            let given = self.names.layout.elements.get(name).cloned();
            let mut found = given.or_else(|| (!rule.fixed.is_empty()).then(|| rule.fixed.clone()));
            let max = rule.max.unwrap_or(LIST_DEFAULT);
            for path in rule.from.iter().filter(|_| rule.fixed.is_empty()) {
                if found.is_none()
                    && let Reading::Known(Value::Array(items)) = self.find(path, "")
                {
                    found = items.iter().map(key_text).collect();
                }
            }
            if let (None, Some(range)) = (&found, &rule.range)
                && let Reading::Known(last) = self.find(&range.last, "")
                && let Some(last) = key_text(&last).and_then(|last| last.parse::<u64>().ok())
            {
                let count =
                    usize::try_from(last.saturating_add(1).saturating_sub(range.first)).unwrap_or(usize::MAX);
                let ids = (range.first..=last)
                    .take(max)
                    .map(|id| Element { id: id.to_string(), ..Element::default() });
                lists.insert(
                    name.as_str(),
                    List { elements: ids.collect(), left_out: count.saturating_sub(max) },
                );
                continue;
            }
            let Some(mut ids) = found else {
                if let Some(path) = rule.from.iter().find(|path| self.lacks_list(path)) {
                    let message = format!("{name}: the answer of {} has no such list", path.read);
                    self.report(&format!("consumer.{name}"), Failure::new(FailureKind::Undecodable, message));
                }
                continue;
            };
            let mut seen = BTreeSet::new();
            ids.retain(|id| seen.insert(id.clone()));
            let left_out = ids.len().saturating_sub(max);
            ids.truncate(max);
            let elements = ids.into_iter().map(|id| Element { id, ..Element::default() }).collect();
            lists.insert(name.as_str(), List { elements, left_out });
        }
        lists
    }

    /// Whether a read has an answer in which no list stands at the path, not even an unset one.
    fn lacks_list(&self, path: &Path) -> bool {
        let answer = self.answers.get(&(path.read.as_str(), String::new()));
        matches!(answer, Some(Answer::Value(_))) && !matches!(self.find(path, ""), Reading::Unset)
    }

    /// Decodes the values. A decoding that fails is reported and leaves the value unknown.
    fn readings(&mut self, lists: BTreeMap<&'a str, List>) -> Readings<'a> {
        let file = self.file();
        let mut values = BTreeMap::new();
        for (name, rule) in &file.value {
            let parts: Vec<Option<String>> = match file.list_of(rule) {
                None => vec![None],
                Some(list) => match lists.get(list) {
                    None => continue,
                    Some(list) => list.elements.iter().map(|element| Some(element.id.clone())).collect(),
                },
            };
            for part in parts {
                let reading = self.typed(name, rule, part.as_deref().unwrap_or_default());
                values.insert((name.clone(), part), reading);
            }
        }
        Readings { file, lists, values }
    }

    fn typed(&mut self, name: &str, rule: &ValueRule, part: &str) -> Reading {
        let mut last = Reading::Unknown;
        for path in &rule.from {
            match self.find(path, part) {
                Reading::Known(value) => {
                    if let Some(value) = decode(rule, &value) {
                        return Reading::Known(value);
                    }
                    let message = format!("{path} is not a value of its type: {}", quote(&value.to_string()));
                    self.report(&format!("consumer.{name}"), Failure::new(FailureKind::Undecodable, message));
                    return Reading::Unknown;
                }
                Reading::Unset => return Reading::Unset,
                Reading::Off => last = Reading::Off,
                Reading::Unknown => {
                    // A read that answered without this place is reported here; one that failed has been.
                    let key = (path.read.as_str(), part_of(self.file(), path, part));
                    if matches!(self.answers.get(&key), Some(Answer::Value(_))) && rule.from.len() == 1 {
                        let failure =
                            Failure::new(FailureKind::Undecodable, format!("the answer has no {path}"));
                        self.report(&format!("consumer.{name}"), failure);
                    }
                }
            }
        }
        last
    }

    /// Whether the contract is initialised.
    fn ready(&mut self) -> Option<bool> {
        let of = self.file().require.ready.as_ref()?;
        let same = |rule: &&ReadRule| {
            rule.each.is_none() && rule.resource.as_ref().or(rule.exists.as_ref()) == Some(of)
        };
        let read = self.file().read.iter().find(|(_, rule)| same(rule)).map(|(name, _)| name.as_str());
        if let Some(name) = read {
            return match self.answers.get(&(name, String::new()))? {
                Answer::Value(value) => Some(*value != json!(false)),
                Answer::Unset => None,
                Answer::Failed(failure) => (failure.kind == FailureKind::Unsupported).then_some(false),
            };
        }
        if !self.transport.offers_abi() {
            return None;
        }
        let account = self.names.module(&of.alias).ok()?.0;
        let request = Request::Resource { account, type_tag: self.names.type_tag(of).ok()? };
        match self.transport.ask(&[request], self.deadline).pop()?.result {
            Ok(_) => Some(true),
            Err(error) if error.kind() == FailureKind::Unsupported => Some(false),
            Err(error) => {
                self.report("consumer.ready", Failure::from(&error));
                None
            }
        }
    }
}

fn resolved_deposit(fund: &FundRule, names: &Resolver) -> Result<OwnDeposit, Failure> {
    let argument = |argument: &ArgumentRule| {
        if argument.is_amount() {
            return Ok("u64:{amount}".to_owned());
        }
        names.argument(argument, "").map(|argument| argument.to_cli())
    };
    Ok(OwnDeposit {
        function: names.function(&fund.run)?.to_string(),
        arguments: fund.args.iter().map(argument).collect::<Result<_, _>>()?,
        signer: fund.signer.as_ref().map(|signer| names.address(signer)).transpose()?,
    })
}

impl ReadRule {
    /// What names the module that answers.
    fn of_module(&self) -> Option<&Ref> {
        self.view.as_ref().or(self.resource.as_ref()).or(self.exists.as_ref())
    }
}
fn part_of(file: &LayoutFile, path: &Path, part: &str) -> String {
    let is_each = file.read.get(&path.read).is_some_and(|rule| rule.each.is_some());
    if is_each { part.to_owned() } else { String::new() }
}

/// Whether a probe's answer has one of these values; any answer counts where there are none.
fn field_is(answer: Option<&Answer>, field: Option<&Steps>, is: &[Scalar]) -> Option<bool> {
    let value = match answer? {
        Answer::Value(value) => value,
        Answer::Unset => return Some(false),
        Answer::Failed(_) => return None,
    };
    let found = match field.map(|field| field.follow(value).into()) {
        None => return Some(is.is_empty() || is_among(value, is)),
        Some(Reading::Known(found)) => found,
        Some(Reading::Unset) => return Some(false),
        Some(Reading::Unknown | Reading::Off) => return None,
    };
    Some(if is.is_empty() { found == json!(true) } else { is_among(&found, is) })
}
