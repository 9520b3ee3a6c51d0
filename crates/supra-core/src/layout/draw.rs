//! `[draw]` of a layout for one target: what is called, what counts its requests, and whether its conditions hold.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Layout;
use super::file::{DrawRule, LayoutFile, ReadyRule, ReadyTest};
use super::readings::{Reading, decode};
use super::resolver::Resolver;
use crate::address::Address;
use crate::amount::Count;
use crate::check::consumer::in_words;
use crate::error::Error;
use crate::failure::{Failure, FailureKind, quote};
use crate::lang::Lang;
use crate::state::Lottery;
use crate::state::consumer::{Consumer, ConsumerRequest};
use crate::target::Target;
use crate::transport::Request;
use crate::view::{Argument, FunctionId};

/// A condition of a layout's `[draw]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Condition {
    /// As the layout has it.
    pub text: String,
    /// Whether it holds; `null` where a value was not read.
    pub holds: Option<bool>,
    /// The value that it looks at.
    pub found: Value,
}

impl Condition {
    /// The value that it looks at, for people.
    pub(crate) fn found(&self, lang: Lang) -> String {
        quote(&in_words(&self.found, lang))
    }

    /// Whether it holds, and the value, for people.
    pub fn sentence(&self, lang: Lang) -> String {
        let (text, found) = (&self.text, self.found(lang));
        match self.holds {
            Some(true) => lang.pick(format!("{text} holds ({found})"), format!("{text}: да ({found})")),
            Some(false) => {
                lang.pick(format!("{text} does not hold ({found})"), format!("{text}: нет ({found})"))
            }
            None => lang.pick(format!("{text} is not known"), format!("{text}: неизвестно")),
        }
    }
}

/// What a layout lets an operator draw, for one target.
#[derive(Debug, Clone)]
pub struct LayoutDraw {
    layout: Arc<Layout>,
    target: Target,
    rule: DrawRule,
}

impl LayoutDraw {
    /// The draw of a layout; `None` where it allows none.
    pub fn of(layout: &Arc<Layout>, target: &Target) -> Option<Self> {
        let rule = layout.file().draw.clone()?;
        Some(Self { layout: Arc::clone(layout), target: target.clone(), rule })
    }

    fn names(&self) -> Resolver<'_> {
        Resolver::new(&self.layout, &self.target)
    }

    fn file(&self) -> &LayoutFile {
        self.layout.file()
    }

    /// The layout's name.
    pub fn layout(&self) -> &str {
        self.layout.name()
    }

    /// The entry function.
    ///
    /// # Errors
    /// When the target lacks an address.
    pub fn function(&self) -> Result<FunctionId, Error> {
        Ok(self.names().function(&self.rule.run)?)
    }

    /// The arguments of the entry function.
    ///
    /// # Errors
    /// When the target lacks an address.
    pub fn arguments(&self) -> Result<Vec<Argument>, Error> {
        let names = self.names();
        let arguments = self.rule.args.iter().map(|argument| names.argument(argument, ""));
        Ok(arguments.collect::<Result<_, Failure>>()?)
    }

    /// The account that must sign; `None` where anybody may.
    ///
    /// # Errors
    /// When the target lacks the address.
    pub fn signer(&self) -> Result<Option<Address>, Error> {
        let names = self.names();
        Ok(self.rule.signer.as_ref().map(|signer| names.address(signer)).transpose()?)
    }

    /// Whether the layout has a value that counts the answers.
    pub fn counts_answers(&self) -> bool {
        self.rule.answered.is_some()
    }

    /// The request that reads the counters.
    pub(crate) fn counters(&self) -> Result<Request, Error> {
        let unread = || Failure::new(FailureKind::Config, "the counter of [draw] is not read by a request");
        let value = self.file().value.get(&self.rule.counter).and_then(|value| value.from.first());
        let read = value.and_then(|path| self.file().read.get(&path.read)).ok_or_else(unread)?;
        Ok(self.names().request(read, "").ok_or_else(unread)??)
    }

    /// Reads the counters out of the answer to that request, as the lottery has them.
    pub(crate) fn counted(&self, answer: &Value) -> Lottery {
        Lottery {
            rng_request_count: self.count_in(answer, &self.rule.counter),
            rng_response_count: self.rule.answered.as_ref().and_then(|name| self.count_in(answer, name)),
            ..Lottery::default()
        }
    }

    fn count_in(&self, answer: &Value, name: &str) -> Option<Count> {
        let rule = self.file().value.get(name)?;
        let path = rule.from.first()?;
        let take = self.file().read.get(&path.read)?.take.as_ref();
        let taken = take.map_or_else(|| Reading::Known(answer.clone()), |take| take.follow(answer).into());
        let Reading::Known(taken) = taken else { return None };
        let Reading::Known(found) = path.follow(&taken).into() else { return None };
        count(&decode(rule, &found)?)
    }

    /// The number of the round that a draw would begin: the requests ever made.
    pub fn round(&self, consumer: &Consumer) -> Option<Count> {
        count(consumer.values.get(&self.rule.counter)?)
    }

    /// The requests of the kind that the draw starts.
    pub(crate) fn requests<'a>(
        &'a self,
        consumer: &'a Consumer,
    ) -> impl Iterator<Item = &'a ConsumerRequest> {
        consumer.requests.iter().filter(|request| request.request == self.rule.request)
    }

    /// The conditions, each with whether it holds by what was read.
    pub fn conditions(&self, consumer: &Consumer) -> Vec<Condition> {
        let condition = |rule: &ReadyRule| {
            let found = consumer.values.get(&rule.value).cloned().unwrap_or(Value::Null);
            Condition { text: rule.to_string(), holds: self.holds(rule, &found), found }
        };
        self.rule.ready.iter().map(condition).collect()
    }

    /// Whether a condition holds for a value as records have it; `None` where that is not known.
    fn holds(&self, rule: &ReadyRule, found: &Value) -> Option<bool> {
        let value = self.file().value.get(&rule.value)?;
        let is_set = match (self.file().is_option(value), found) {
            (true, Value::Array(items)) => match items.as_slice() {
                [] => None,
                [item] => Some(item),
                _ => return None,
            },
            (true, _) | (false, Value::Null) => return None,
            (false, found) => Some(found),
        };
        // What is not set is neither large nor small, and has nothing.
        let Some(known) = is_set else { return Some(rule.test == ReadyTest::HoldsNot) };
        let is_on = match known {
            Value::Bool(on) => Some(*on),
            Value::Array(items) => Some(!items.is_empty()),
            Value::String(_) => Some(true),
            _ => None,
        };
        let number = || known.as_str()?.parse::<u128>().ok();
        match &rule.test {
            ReadyTest::Holds => is_on,
            ReadyTest::HoldsNot => is_on.map(|on| !on),
            ReadyTest::Above(limit) => number().map(|number| number > *limit),
            ReadyTest::Below(limit) => number().map(|number| number < *limit),
            ReadyTest::Has(name) => {
                let name = match self.rule.signer.as_ref() {
                    Some(signer) if name == "signer" => signer,
                    _ => name,
                };
                let wanted = self.names().address(name).ok()?;
                let items = known.as_array()?;
                let addresses = items.iter().map(|item| item.as_str()?.parse::<Address>().ok());
                addresses.collect::<Option<Vec<_>>>().map(|addresses| addresses.contains(&wanted))
            }
        }
    }
}

fn count(value: &Value) -> Option<Count> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests;
