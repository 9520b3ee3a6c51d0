//! Mistakes in `[[request]]`.

use super::Dangling;
use crate::layout::file::{KeyKind, LayoutFile, ReadRule, RequestRule};
use crate::state::consumer::By;

impl LayoutFile {
    pub(super) fn wrong_request(&self, request: &RequestRule) -> Option<Dangling> {
        let name = &request.name.0;
        let here = format!("request {name}");
        let mistake = |text: &str, message: String| Some(Dangling { text: text.to_owned(), message });
        if self.request.iter().filter(|other| other.name == request.name).count() > 1 {
            return mistake(name, format!("two requests are called {name}"));
        }
        if let Some(each) = request.each.as_ref().filter(|each| !self.list.contains_key(*each)) {
            return mistake(each, format!("{here} is for each {each}, and there is no [list.{each}]"));
        }
        if let Some(value) = request.answerer.as_ref().filter(|value| !self.value.contains_key(*value)) {
            return mistake(value, format!("{here}: answerer is {value}, which [value] does not have"));
        }
        if request.by == By::Account && request.answerer.is_none() {
            return mistake(name, format!("{here} is answered by an account: answerer must name its value"));
        }
        if request.asked.is_none() && request.pending.is_none() {
            return mistake(name, format!("{here} needs asked or pending"));
        }
        if request.key == KeyKind::None
            && request.pending.as_ref().is_none_or(|pending| pending.flag.is_none())
        {
            return mistake(name, format!("{here} has no key: pending needs a flag"));
        }
        if let Some(asked) = request.asked.as_ref().filter(|asked| asked.key.is_none()) {
            return mistake(&asked.event.to_string(), format!("{here}: asked needs the field with the key"));
        }
        for event in request.events() {
            if let Some(list) = event.label.keys().find(|list| !self.list.contains_key(*list)) {
                return mistake(list, format!("{here}: label has {list}, and there is no [list.{list}]"));
            }
            if let Some(address) = event.matches.values().find(|address| !self.has_address(address)) {
                return mistake(
                    address,
                    format!("{here}: match has {address}, which [address] does not have"),
                );
            }
        }
        for event in &request.withdrawn {
            if event.key.is_none() && event.label.is_empty() {
                let text = event.event.to_string();
                return mistake(&text, format!("{here}: withdrawn needs a key or a label"));
            }
        }
        let pending = request.pending.clone().unwrap_or_default();
        let paths = [&pending.one, &pending.list, &pending.flag, &pending.epoch];
        let flags = request.answered_by.as_ref().map(|rule| &rule.flag);
        for path in paths.into_iter().flatten().chain(flags) {
            if let Some(found) = self.wrong_path(&here, path) {
                return Some(found);
            }
            let of = &self.read[&path.read].each;
            if of.is_some() && *of != request.each {
                let text = path.to_string();
                return mistake(
                    &text,
                    format!("{here}: {text} is for each element, so the request must be too"),
                );
            }
        }
        let probes = pending.probe.iter().chain(request.settled.as_ref().map(|rule| &rule.probe));
        for probe in probes {
            if !self.read.get(probe).is_some_and(ReadRule::is_probe) {
                return mistake(probe, format!("{here}: {probe} is not a read with {{key}}"));
            }
        }
        let kinds =
            [&pending.one, &pending.list].into_iter().flatten().count() + pending.probe.iter().count();
        if request.pending.is_some() && kinds == 0 && pending.flag.is_none() {
            return mistake(name, format!("{here}: pending needs one, list, flag or probe"));
        }
        if kinds > 1 {
            return mistake(name, format!("{here}: pending has one of one, list and probe"));
        }
        if request.warn.zip(request.critical).is_some_and(|(warn, critical)| warn.0 > critical.0) {
            return mistake(name, format!("{here}: warn is longer than critical"));
        }
        None
    }
}
