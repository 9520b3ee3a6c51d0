//! Finds mistakes in `[draw]` and `[fund]`, above all the lack of what the guards of a transaction need.

use super::Dangling;
use crate::layout::file::{
    ArgumentRule, ArgumentValue, DrawRule, FundRule, LayoutFile, OneOrMany, ReadyRule, ReadyTest, Ref,
    ValueRule, ValueType,
};

impl LayoutFile {
    pub(super) fn wrong_draw(&self, draw: &DrawRule) -> Option<Dangling> {
        let mistake = |text: &str, message: String| Some(Dangling { text: text.to_owned(), message });
        let lacks = |what: &str, why: &str| mistake("[draw]", format!("[draw] needs {what}: {why}"));
        let wrong = self.wrong_call("[draw]", draw.signer.as_ref(), &draw.run, &draw.args);
        if wrong.is_some() {
            return wrong;
        }
        if draw.request.is_empty() {
            return lacks("request", "the kind of request that the draw starts");
        }
        let Some(request) = self.request.iter().find(|request| request.name.0 == draw.request) else {
            let name = &draw.request;
            return mistake(name, format!("[draw] starts a request {name}, and no [[request]] is called so"));
        };
        if request.each.is_some() || request.optional {
            let name = &draw.request;
            return mistake(
                name,
                format!(
                    "[draw]: request {name} is optional or of a list; one that every such contract has is needed"
                ),
            );
        }
        if draw.counter.is_empty() {
            return lacks(
                "counter",
                "the value that counts the requests ever made; without it one draw cannot be told from the next",
            );
        }
        let counters = [Some(&draw.counter), draw.answered.as_ref()];
        let wrong = counters.into_iter().flatten().find_map(|name| self.wrong_counter(name, draw));
        if wrong.is_some() {
            return wrong;
        }
        if draw.ready.is_empty() {
            return lacks("ready", "at least one condition under which a draw may be started");
        }
        draw.ready.iter().find_map(|rule| self.wrong_condition(rule, draw))
    }

    pub(super) fn wrong_fund(&self, fund: &FundRule) -> Option<Dangling> {
        let (amounts, others): (Vec<_>, Vec<_>) = fund.args.iter().partition(|argument| argument.is_amount());
        if amounts.len() != 1 {
            let message = "[fund] needs u64:{amount} once among args: the deposit in quants";
            return Some(Dangling { text: "[fund]".to_owned(), message: message.to_owned() });
        }
        self.wrong_call("[fund]", fund.signer.as_ref(), &fund.run, others)
    }

    /// Finds a mistake in the signer, the function or the arguments of a transaction.
    fn wrong_call<'a>(
        &self,
        table: &str,
        signer: Option<&String>,
        run: &Ref,
        args: impl IntoIterator<Item = &'a ArgumentRule>,
    ) -> Option<Dangling> {
        let mistake = |text: &str, message: String| Some(Dangling { text: text.to_owned(), message });
        if let Some(signer) = signer.filter(|signer| !self.has_address(signer)) {
            return mistake(signer, format!("{table} is signed by {signer}, which [address] does not have"));
        }
        if let Some(found) = self.wrong_module_of(table, run, "run") {
            return Some(found);
        }
        let mut names = args.into_iter().filter_map(|argument| match &argument.value {
            ArgumentValue::Literal(_) => None,
            ArgumentValue::Key => Some("key"),
            ArgumentValue::Name(name) => Some(name.as_str()),
        });
        let unknown = names.find(|name| !self.has_address(name))?;
        let text = format!("{{{unknown}}}");
        mistake(&text, format!("{table}: {text} is not an address of [address]"))
    }

    /// A call that is sent, and a read that nodes are compared by, must have one name, known before the first read.
    fn wrong_module_of(&self, table: &str, of: &Ref, what: &str) -> Option<Dangling> {
        let text = of.to_string();
        let Some(rule) = self.module.get(&of.alias) else {
            let message = format!("{table}: {what} is {of}, which is of no module of [module]");
            return Some(Dangling { text, message });
        };
        let is_several = matches!(rule.names(), OneOrMany::Many(names) if names.len() > 1);
        let alias = &of.alias;
        let message =
            format!("{table}: {what} is {of}, and the module {alias} has several names; one is needed");
        is_several.then_some(Dangling { text, message })
    }

    /// Each node is asked for the counters with one request, so a counter comes from one place.
    fn wrong_counter(&self, name: &str, draw: &DrawRule) -> Option<Dangling> {
        let mistake = |text: &str, message: String| Some(Dangling { text: text.to_owned(), message });
        let Some(value) = self.value.get(name) else {
            return mistake(name, format!("[draw] counts by {name}, which [value] does not have"));
        };
        let place = |value: &ValueRule| value.from.first().map(|path| path.read.clone());
        let (Some(read), [path]) =
            (place(value).and_then(|read| self.read.get(&read)), value.from.as_slice())
        else {
            return mistake(&format!("{name} ="), format!("value {name}: a counter of [draw] has one place"));
        };
        let is_plain = read.each.is_none() && !read.is_probe() && read.table.is_none() && !read.optional;
        if value.kind != ValueType::Count || self.is_option(value) || !is_plain || read.exists.is_some() {
            return mistake(
                &format!("{name} ="),
                format!("value {name}: a counter of [draw] is a count in a plain view or resource"),
            );
        }
        let of = read.view.as_ref().or(read.resource.as_ref());
        if let Some(found) =
            of.and_then(|of| self.wrong_module_of("[draw]", of, &format!("the read of {name}")))
        {
            return Some(found);
        }
        let first = self.value.get(&draw.counter).and_then(place);
        let message = format!("value {name}: both counters of [draw] come from one read, {path} does not");
        (place(value) != first).then(|| Dangling { text: path.to_string(), message })
    }

    fn wrong_condition(&self, rule: &ReadyRule, draw: &DrawRule) -> Option<Dangling> {
        let text = rule.to_string();
        let mistake = |message: String| Some(Dangling { text: text.clone(), message });
        let name = &rule.value;
        let Some(value) = self.value.get(name) else {
            return mistake(format!("[draw]: {text:?} looks at {name}, which [value] does not have"));
        };
        if self.list_of(value).is_some() {
            return mistake(format!("[draw]: {text:?}: {name} is a value of each element of a list"));
        }
        let kind = value.kind;
        let is_list = matches!(kind, ValueType::Addresses | ValueType::Counts);
        let fits = match &rule.test {
            ReadyTest::Holds | ReadyTest::HoldsNot => {
                kind == ValueType::Bool || is_list || self.is_option(value)
            }
            ReadyTest::Above(_) | ReadyTest::Below(_) => kind.is_number(),
            ReadyTest::Has(_) => kind == ValueType::Addresses,
        };
        if !fits {
            return mistake(format!(
                "[draw]: {text:?} can never hold; look at the type and the path of {name}"
            ));
        }
        let ReadyTest::Has(address) = &rule.test else { return None };
        let is_known = if address == "signer" { draw.signer.is_some() } else { self.has_address(address) };
        if is_known {
            return None;
        }
        mistake(format!("[draw]: {text:?}: {address} is neither an address of [address] nor the signer"))
    }
}
