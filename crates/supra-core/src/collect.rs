//! Reads one target: sends requests, falls back to other functions, decodes the replies, and records the source of each
//! value.

mod abort_names;
pub mod cache;
pub mod decode;
mod derive;
pub mod legacy_report;
mod request_name;
pub mod resolve;
pub mod rows;
mod search;
pub mod to_record;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde_json::Value;

use crate::amount::Count;
use crate::failure::{Failure, FailureKind};
use crate::layout::lottery;
use crate::metadata::bytecode_id;
use crate::state::{Lottery, State};
use crate::target::Target;
use crate::transport::{Deadline, Reply, Request, Transport};
use crate::view::catalogue::{CATALOGUE, Entry, LeanMode, Place, Wanted};
use crate::view_report::Views;
use cache::{Cache, Memory};
use resolve::{Knowledge, Overrides, complete_abi, home};
use rows::ClientRow;
use search::{Availability, Search};

/// How much of a target is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Every value of the catalogue by its own view.
    Full,
    /// The values that checks need, in as few calls as possible.
    Lean,
    /// Of these, the ones that a verdict on the deposit alone needs.
    Deposit,
}

impl Detail {
    fn reads(self, entry: &Entry) -> bool {
        match self {
            Self::Full => true,
            Self::Lean => entry.lean != LeanMode::Skipped,
            Self::Deposit => entry.wanted.is_of_deposit_verdict(),
        }
    }
}

/// The inputs of a run besides its target.
pub struct Collector<'a> {
    /// The connection to the chain.
    pub transport: &'a dyn Transport,
    /// The time by which the run must have ended.
    pub deadline: Deadline,
    /// Functions that the user chose.
    pub overrides: &'a Overrides,
    /// Functions that answered in earlier runs.
    pub cache: &'a Cache,
    /// How much is read.
    pub detail: Detail,
    /// The client's row, if it was read together with others.
    pub row: Option<&'a ClientRow>,
    /// When the run started.
    pub now: Timestamp,
    /// Whether the latest block is asked for once more at the end: not where more of the target is read after this.
    pub repeats_header: bool,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Collected {
    /// The undecoded answers by value.
    pub raw: BTreeMap<Wanted, Value>,
    /// The typed state.
    pub state: State,
    /// The source of each value, or the reason why it is missing.
    pub views: Views,
    /// The chain's clock by the block's header that was asked for last.
    pub(crate) last_clock_us: Option<Count>,
}

impl Collected {
    /// Forgets every value, for this reason.
    #[must_use]
    pub(crate) fn failed(mut self, failure: &Failure) -> Self {
        for report in self.views.values_mut() {
            report.error = Some(failure.clone());
        }
        Self { views: self.views, ..Self::default() }
    }

    /// Whether nothing of the lottery was read because the chain does not have it.
    pub(crate) fn lacks_lottery(&self) -> bool {
        let failure = self.views.get("lottery_status").and_then(|report| report.error.as_ref());
        let is_absent = failure.is_some_and(|failure| failure.kind == FailureKind::Unsupported);
        is_absent && self.state.lottery == Lottery::default()
    }

    /// Drops the failures to read a lottery that is not there.
    pub(crate) fn forget_lottery(&mut self) {
        for entry in CATALOGUE.iter().filter(|entry| entry.place == Place::Lottery) {
            self.views.remove(entry.key);
        }
    }
}

impl Collector<'_> {
    /// Reads every value of the catalogue. A value that fails does not hide the others.
    pub fn run(&self, target: &Target) -> Collected {
        let before = self.cache.load(self.now);
        let mut memory = before.clone();
        let knowledge = Knowledge {
            overrides: Some(self.overrides),
            remembered: before.choices.clone(),
            resources: self.reads_lottery_data(&memory),
            blocks: self.transport.reaches_node(),
            lean: self.detail != Detail::Full,
        };
        let is_read = |entry: &&Entry| home(entry.place, target).is_some() && self.detail.reads(entry);
        let entries = CATALOGUE.iter().filter(is_read);
        let mut searches: Vec<Search> = entries.map(|entry| search(entry, &knowledge, target)).collect();
        let mut run = Rounds {
            collector: self,
            target,
            knowledge: &knowledge,
            looks_at_modules: memory.is_stale && self.transport.offers_abi(),
            repeats_header: self.repeats_header,
            consulted: Vec::new(),
            answered: HashMap::new(),
        };
        let mut collected = Collected::default();
        run.finish(&mut searches, &mut collected);
        let failures = searches.iter_mut().filter_map(|search| search.report.error.as_mut());
        abort_names::complete(failures.collect(), self.transport, self.deadline);
        fill_in(&mut collected.state, &mut searches);
        if resume_deferred(&mut searches) {
            run.finish(&mut searches, &mut collected);
            fill_in(&mut collected.state, &mut searches);
        }
        run.compare_modules(&mut memory);
        collected.state.chain.upgraded_modules.clone_from(&memory.upgraded);
        self.remember(&knowledge, &mut memory, &searches);
        if memory != before {
            self.cache.save(&memory, self.now);
        }
        collected
            .views
            .extend(searches.into_iter().map(|search| (search.entry.key.to_owned(), search.report)));
        collected
    }

    /// Whether `LotteryData` is asked for: a CLI that only lists its profile's account had it the last time, or may have it.
    fn reads_lottery_data(&self, memory: &Memory) -> bool {
        let by_view = |label: &Option<String>| label.as_ref().is_none_or(|label| label != lottery().resource);
        self.transport.offers_abi()
            || (self.transport.offers_resources()
                && !memory.choices.get("vrf_gas_config").is_some_and(by_view))
    }

    /// Notes the functions that answered, and which values have none: because the ABI excludes them, or where there is no
    /// ABI, because all were denied.
    fn remember(&self, knowledge: &Knowledge, memory: &mut Memory, searches: &[Search]) {
        // The function that answered before may have been removed: the next run begins afresh.
        let is_lost = |search: &Search| {
            search.availability == Availability::Contradicted && knowledge.answered_by(search.entry).is_some()
        };
        if searches.iter().any(is_lost) {
            return memory.choices.clear();
        }
        let abi_less = !self.transport.offers_abi();
        for search in searches.iter().filter(|search| search.availability != Availability::Contradicted) {
            if search.availability == Availability::NotInAbi || (abi_less && search.was_denied_by_all()) {
                memory.choices.insert(search.entry.key.to_owned(), None);
            } else if let Some(label) = search.answered_by.as_ref().filter(|_| search.report.note.is_none()) {
                memory.choices.insert(search.entry.key.to_owned(), Some(label.clone()));
            }
        }
    }
}

/// Begins the search for a value.
fn search(entry: &'static Entry, knowledge: &Knowledge, target: &Target) -> Search {
    let may_follow = matches!(entry.lean, LeanMode::Derived | LeanMode::Replaced(_));
    let is_new = !knowledge.remembered.contains_key(entry.key);
    Search::new(entry, knowledge.sources(entry, target))
        .deferred_if(knowledge.lean && may_follow && is_new)
        .all_at_once_if(knowledge.is_absent(entry))
}

/// The rounds of requests of one run.
struct Rounds<'a> {
    collector: &'a Collector<'a>,
    target: &'a Target,
    knowledge: &'a Knowledge<'a>,
    /// Whether the first round asks for the modules too, to notice an upgrade.
    looks_at_modules: bool,
    /// Whether the first round asks for the latest block once more: values that it frames are of one node.
    repeats_header: bool,
    /// The contracts whose ABI was read, or could not be read.
    consulted: Vec<Place>,
    /// The answers and denials, which values of later rounds share.
    answered: HashMap<Request, Reply>,
}

impl Rounds<'_> {
    /// Sends requests until all values that are not deferred are done.
    fn finish(&mut self, searches: &mut [Search], collected: &mut Collected) {
        // Each round finishes a value or uses up one of its sources, of which there are at most five.
        while searches.iter().any(Search::is_open) {
            self.round(searches, collected);
            self.consult_abis(searches);
        }
    }

    /// Sends one request for each open value; values with the same request share it.
    fn round(&mut self, searches: &mut [Search], collected: &mut Collected) {
        let mut waiting: Vec<(usize, Request)> = Vec::new();
        for (index, search) in searches.iter_mut().enumerate().filter(|(_, search)| search.is_open()) {
            waiting.extend(search.requests(self.target).into_iter().map(|request| (index, request)));
        }
        let mut requests: Vec<Request> = Vec::new();
        for (_, request) in &waiting {
            if !requests.contains(request) && !self.answered.contains_key(request) {
                requests.push(request.clone());
            }
        }
        if std::mem::take(&mut self.looks_at_modules) {
            requests
                .extend([Place::Deposit, Place::Lottery].into_iter().filter_map(|place| self.module(place)));
        }
        let header = Request::Block { height: None, transactions: false };
        let is_dated = requests.contains(&header);
        let repeats_header = std::mem::take(&mut self.repeats_header) && is_dated;
        if is_dated {
            requests.retain(|request| *request != header);
            requests.insert(0, header.clone());
        }
        if repeats_header {
            requests.push(header);
        }
        let Collector { transport, row, deadline, .. } = *self.collector;
        let mut replies = if requests.is_empty() {
            Vec::new()
        } else {
            rows::ask_with_row(transport, &requests, self.target, row, deadline)
        };
        if repeats_header {
            requests.pop();
            let reply = replies.pop().and_then(|reply| reply.result.ok());
            collected.last_clock_us = reply.and_then(|block| decode::clock(&block).ok());
        }
        let (answered, failed): (Vec<_>, Vec<_>) =
            requests.into_iter().zip(replies).partition(|(_, reply)| is_final(reply));
        self.answered.extend(answered);
        let failed: HashMap<Request, Reply> = failed.into_iter().collect();
        for (index, request) in waiting {
            let reply = self.answered.get(&request).or_else(|| failed.get(&request));
            if let Some(reply) = reply.filter(|_| searches[index].is_open()) {
                searches[index].on_reply(&request, reply, self.target, collected);
            }
        }
    }

    /// Reads the ABIs of contracts that denied a function which they were not known to lack, and narrows the searches.
    fn consult_abis(&mut self, searches: &mut [Search]) {
        let surprising = |search: &&Search| search.was_denied() && !self.knowledge.is_absent(search.entry);
        let denied: Vec<Place> =
            searches.iter().filter(surprising).map(|search| search.entry.place).collect();
        let places: Vec<Place> = [Place::Deposit, Place::Lottery]
            .into_iter()
            .filter(|place| denied.contains(place) && !self.consulted.contains(place))
            .collect();
        let Collector { transport, deadline, .. } = *self.collector;
        let modules: Vec<(Place, Request)> =
            places.into_iter().filter_map(|place| Some((place, self.module(place)?))).collect();
        let unread =
            modules.iter().map(|(_, request)| request).filter(|request| !self.answered.contains_key(request));
        let unread: Vec<Request> = unread.cloned().collect();
        if transport.offers_abi() && !unread.is_empty() {
            let replies = transport.ask(&unread, deadline);
            self.answered.extend(unread.into_iter().zip(replies));
        }
        for (place, request) in modules {
            let abi = self.answered.get(&request).map(|reply| &reply.result);
            let functions = abi.and_then(|abi| complete_abi(place, abi.as_ref().ok()?));
            // A node that has no such route is believed, as is a CLI that shows no modules.
            let has_abi = abi.is_some_and(|abi| {
                abi.as_ref().err().is_none_or(|error| error.kind() != FailureKind::Unsupported)
            });
            for search in searches.iter_mut().filter(|search| search.entry.place == place) {
                match (&functions, self.knowledge.answered_by(search.entry)) {
                    (Some(functions), _) => search.narrow(functions),
                    (None, _) if has_abi => search.contradict_if_denied(None),
                    (None, Some(label)) => search.contradict_if_denied(Some(label)),
                    (None, None) => {}
                }
            }
            self.consulted.push(place);
        }
    }

    /// The request for a contract's module.
    fn module(&self, place: Place) -> Option<Request> {
        let (account, module) = home(place, self.target)?;
        Some(Request::ModuleAbi { account, module: module.to_owned() })
    }

    /// Compares the bytecode of the modules that were read with what was remembered.
    fn compare_modules(&self, memory: &mut Memory) {
        for place in [Place::Deposit, Place::Lottery] {
            let reply = self.module(place).and_then(|request| self.answered.get(&request));
            let id = reply.and_then(|reply| bytecode_id(reply.result.as_ref().ok()?));
            if let (Some(id), Some((account, module))) = (id, home(place, self.target)) {
                let name = format!("{account}::{module}");
                memory.upgraded.retain(|known| *known != name);
                let before = memory.modules.insert(name.clone(), id.to_owned());
                if before.is_some_and(|before| before != id) {
                    memory.upgraded.push(name);
                }
            }
        }
    }
}

/// Whether the chain has answered or denied a request, so that asking again would give the same.
fn is_final(reply: &Reply) -> bool {
    reply.result.as_ref().err().is_none_or(|error| error.kind() == FailureKind::Unsupported)
}

/// Derives missing values from others.
fn fill_in(state: &mut State, searches: &mut [Search]) {
    derive::fill_in(state, &mut searches.iter_mut().map(|s| (s.entry, &mut s.report)).collect::<Vec<_>>());
}

/// Resumes deferred values that do not follow from others, if their contract has answered any request. Returns whether
/// there are any.
fn resume_deferred(searches: &mut [Search]) -> bool {
    let answered: Vec<(Place, Wanted, &str)> = searches
        .iter()
        .filter(|search| search.answered_by.is_some())
        .map(|search| (search.entry.place, search.entry.wanted, search.entry.key))
        .collect();
    let mut any = false;
    let open = |search: &&mut Search| search.deferred && !search.done && search.report.error.is_some();
    for search in searches.iter_mut().filter(open) {
        let newer = answered.iter().find(|(_, wanted, _)| search.entry.lean == LeanMode::Replaced(*wanted));
        if let Some((_, _, key)) = newer {
            let message = format!("this chain has {key} instead");
            search.report.error = Some(Failure::new(FailureKind::Unsupported, message));
            continue;
        }
        search.deferred = !answered.iter().any(|(place, ..)| *place == search.entry.place);
        any |= search.is_open();
    }
    any
}

#[cfg(test)]
mod tests;
