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
pub mod to_record;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::abort::is_unrecognised;
use crate::failure::{Failure, FailureKind, quote};
use crate::move_value::{DecodeError, Node};
use crate::state::State;
use crate::target::Target;
use crate::transport::{Deadline, Reply, Request, Transport};
use crate::view::catalogue::{CATALOGUE, Candidate, Entry, FleetMode, Place, Wanted};
use crate::view_report::{ViewReport, Views};
use cache::{Cache, Choices};
use request_name::{read_chain_id, request_name};
use resolve::{Availability, Knowledge, Overrides, Source, abi_functions, home};
use rows::ClientRow;

/// How much of a target is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Every value of the catalogue by its own view.
    Full,
    /// The values that checks need, in as few calls as possible.
    Lean,
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
}

/// The search for one value: the sources that are left, and the result of the last request.
struct Search {
    entry: &'static Entry,
    sources: std::vec::IntoIter<Source>,
    current: Option<Source>,
    report: ViewReport,
    /// Set once the value has been read or all sources have failed.
    done: bool,
    /// Set while no request is sent because the value may be derived from others.
    deferred: bool,
    answered_by: Option<String>,
    /// The first refusal with an unknown text, after which it is not certain that the chain lacks the function.
    doubt: Option<Failure>,
    availability: Availability,
}

impl Search {
    /// Moves on to the next source; after the last one, the last failure stays.
    fn next_source(&mut self) {
        self.current = self.sources.next();
        self.done = self.current.is_none();
        if self.done
            && let Some(doubt) = self.doubt.take()
        {
            self.report.error = Some(doubt);
        }
    }
}

impl Collector<'_> {
    /// Reads every value of the catalogue. A value that fails does not hide the others.
    pub fn run(&self, target: &Target) -> Collected {
        let remembered = self.cache.load(self.now);
        let lean = self.detail == Detail::Lean;
        let mut wanted = CATALOGUE.iter().filter(|entry| {
            home(entry.place, target).is_some()
                && !(lean && matches!(entry.fleet, FleetMode::Skipped | FleetMode::Derived))
        });
        let known = wanted.all(|entry| remembered.contains_key(entry.key));
        let abis = if known { Vec::new() } else { self.abis(target) };
        let batches = self.transport.offers_abi();
        let knowledge = Knowledge { overrides: Some(self.overrides), remembered, abis, batches, lean };
        let mut searches: Vec<Search> = CATALOGUE
            .iter()
            .filter(|entry| home(entry.place, target).is_some())
            .map(|entry| match entry.fleet {
                FleetMode::Skipped if lean => Search::skipped(entry),
                how => {
                    let sources = knowledge.sources(entry, target);
                    let functions = knowledge.functions(entry, &sources);
                    Search {
                        availability: functions,
                        ..Search::new(entry, sources, lean && how == FleetMode::Derived)
                    }
                }
            })
            .collect();
        let mut collected = Collected::default();
        self.rounds(target, &mut searches, &mut collected, true);
        let failures = searches.iter_mut().filter_map(|search| search.report.error.as_mut());
        abort_names::complete(failures.collect(), self.transport, self.deadline);
        fill_in(&mut collected.state, &mut searches);
        if resume_deferred(&mut searches) {
            self.rounds(target, &mut searches, &mut collected, false);
            fill_in(&mut collected.state, &mut searches);
        }
        self.remember(&knowledge, &searches);
        collected
            .views
            .extend(searches.into_iter().map(|search| (search.entry.key.to_owned(), search.report)));
        collected
    }

    /// Sends requests until all values that are not deferred are done.
    fn rounds(
        &self,
        target: &Target,
        searches: &mut [Search],
        collected: &mut Collected,
        mut first_round: bool,
    ) {
        // Each round finishes a value or uses up one of its sources, of which there are at most five.
        while first_round || searches.iter().any(Search::is_open) {
            self.round(target, searches, collected, first_round);
            first_round = false;
        }
    }

    /// Reads the ABIs of both modules, if the transport offers them. In a fleet, lotteries are read as a resource, which
    /// needs no function names.
    fn abis(&self, target: &Target) -> Vec<(Place, Vec<resolve::AbiFunction>)> {
        if !self.transport.offers_abi() {
            return Vec::new();
        }
        let places: Vec<Place> = [Place::Deposit, Place::Lottery]
            .into_iter()
            .filter(|place| home(*place, target).is_some())
            .filter(|place| *place == Place::Deposit || self.detail == Detail::Full)
            .collect();
        let requests: Vec<Request> = places
            .iter()
            .filter_map(|place| home(*place, target))
            .map(|(account, module)| Request::ModuleAbi { account, module: module.to_owned() })
            .collect();
        let replies = self.transport.ask(&requests, self.deadline);
        let pairs = places.into_iter().zip(replies);
        let listed = pairs.filter_map(|(place, reply)| Some((place, abi_functions(&reply.result.ok()?))));
        listed.filter(|(_, functions)| !functions.is_empty()).collect()
    }

    /// Sends one request for each open value; values with the same request share it.
    fn round(&self, target: &Target, searches: &mut [Search], collected: &mut Collected, first: bool) {
        let mut requests: Vec<Request> = Vec::new();
        let mut position_of = |request: Request| {
            if let Some(position) = requests.iter().position(|known| *known == request) {
                position
            } else {
                requests.push(request);
                requests.len() - 1
            }
        };
        let mut waiting: Vec<(usize, usize)> = Vec::new();
        for (index, search) in searches.iter_mut().enumerate().filter(|(_, search)| search.is_open()) {
            match search.current.as_ref().and_then(|source| source.request(search.entry.place, target)) {
                Some(request) => waiting.push((index, position_of(request))),
                None => search.next_source(),
            }
        }
        let chain_id = first.then(|| position_of(Request::ChainId));
        let row = self.row.filter(|_| first);
        let replies = rows::ask_with_row(self.transport, &requests, target, row, self.deadline);
        if let Some(reply) = chain_id.and_then(|position| replies.get(position)) {
            read_chain_id(reply, target, collected);
        }
        for (index, position) in waiting {
            let (Some(request), Some(reply)) = (requests.get(position), replies.get(position)) else {
                continue;
            };
            searches[index].on_reply(request, reply, target, collected);
        }
    }

    /// Caches the functions that answered. A value that no function answered is cached only if the ABI excludes it, or if
    /// there is no ABI and no check needs the value.
    fn remember(&self, knowledge: &Knowledge, searches: &[Search]) {
        let needed = [Wanted::Balance, Wanted::MinBalance, Wanted::MinBalanceReached, Wanted::LotteryStatus];
        // A function that answered before and is denied now may have been removed: the next run reads the ABI again.
        let denied = |search: &Search| search.availability == Availability::Contradicted;
        let known = |search: &Search| knowledge.remembered.contains_key(search.entry.key);
        if searches.iter().any(|search| denied(search) && known(search)) {
            return self.cache.save(&Choices::new(), self.now);
        }
        let abi_less = !self.transport.offers_abi();
        let mut choices: Choices = knowledge.remembered.clone();
        for search in searches.iter().filter(|search| !denied(search)) {
            let unsupported =
                search.report.error.as_ref().is_some_and(|failure| failure.kind == FailureKind::Unsupported);
            let ruled_out = search.availability == Availability::NotInAbi;
            // A value that was not requested, or was refused with an unknown text, says nothing about the chain; a
            // function that the ABI lacks does.
            if (search.deferred || search.report.note.is_some()) && !ruled_out {
                continue;
            }
            if let Some(label) = &search.answered_by {
                choices.insert(search.entry.key.to_owned(), Some(label.clone()));
            } else if ruled_out || (abi_less && unsupported && !needed.contains(&search.entry.wanted)) {
                choices.insert(search.entry.key.to_owned(), None);
            }
        }
        if choices != knowledge.remembered {
            self.cache.save(&choices, self.now);
        }
    }
}

/// Derives missing values from others.
fn fill_in(state: &mut State, searches: &mut [Search]) {
    derive::fill_in(state, &mut searches.iter_mut().map(|s| (s.entry, &mut s.report)).collect::<Vec<_>>());
}

/// Resumes deferred values that could not be derived, if their contract has answered any request. Returns whether there
/// are any.
fn resume_deferred(searches: &mut [Search]) -> bool {
    let answered =
        |place| searches.iter().any(|search| search.entry.place == place && search.answered_by.is_some());
    let places: Vec<Place> = [Place::Deposit, Place::Lottery].into_iter().filter(|p| answered(*p)).collect();
    let mut any = false;
    let open = |search: &&mut Search| search.deferred && !search.done && search.report.error.is_some();
    for search in searches.iter_mut().filter(open) {
        search.deferred = !places.contains(&search.entry.place);
        any |= search.is_open();
    }
    any
}

impl Search {
    /// A value that is not read.
    fn skipped(entry: &'static Entry) -> Self {
        let mut search = Self::new(entry, Vec::new(), true);
        let left = "not asked for in a stream of targets; --detail full asks for it";
        search.report.error = Some(Failure::new(FailureKind::Unsupported, left));
        search
    }

    fn is_open(&self) -> bool {
        !self.done && !self.deferred
    }

    fn new(entry: &'static Entry, sources: Vec<Source>, deferred: bool) -> Self {
        let names: Vec<&str> =
            entry.candidates.iter().filter_map(|c| c.function()).map(|(name, _)| name).collect();
        let none = format!("this chain has none of the functions that answer it ({})", names.join(", "));
        let mut search = Self {
            entry,
            sources: sources.into_iter(),
            current: None,
            report: ViewReport {
                error: Some(Failure::new(FailureKind::Unsupported, none)),
                ..ViewReport::default()
            },
            done: false,
            deferred,
            answered_by: None,
            doubt: None,
            availability: Availability::Unknown,
        };
        search.next_source();
        search
    }

    fn on_reply(&mut self, request: &Request, reply: &Reply, target: &Target, collected: &mut Collected) {
        let Some(source) = self.current.clone() else { return };
        self.report.function = Some(request_name(request));
        self.report.attempts = self.report.attempts.saturating_add(reply.attempts);
        self.report.duration_ms = self.report.duration_ms.saturating_add(reply.elapsed_ms());
        let batch = matches!(source, Source::Known(Candidate::Row(..) | Candidate::LotteryData));
        let answer = match &reply.result {
            Ok(answer) => answer,
            Err(error) => {
                let failure = Failure::from(error);
                let mut reported = failure.clone();
                // A node that denies a function that the module has may be behind, or may not serve this route.
                let vouched = self.availability != Availability::Unknown && source.is_function();
                if vouched && failure.kind == FailureKind::Unsupported {
                    self.availability = Availability::Contradicted;
                    reported.kind = FailureKind::Unreachable;
                    reported.message += ", although the module has it";
                }
                self.report.error = Some(reported);
                let passing = matches!(
                    failure.kind,
                    FailureKind::Unreachable
                        | FailureKind::Throttled
                        | FailureKind::Timeout
                        | FailureKind::WrongChain
                );
                let unrecognised = is_unrecognised(&failure) && !vouched;
                if unrecognised && self.doubt.is_none() {
                    self.doubt = Some(failure.clone());
                }
                // A call for many values that fails says nothing about the single views.
                if failure.kind == FailureKind::Unsupported || unrecognised || (batch && !passing) {
                    self.next_source();
                } else {
                    self.done = true;
                }
                return;
            }
        };
        match store_answer(self.entry.wanted, &source, answer, target, collected) {
            Ok(()) => self.report.error = None,
            Err(error) => {
                self.report.error = Some(Failure::new(FailureKind::Undecodable, error.to_string()));
                if batch {
                    return self.next_source();
                }
            }
        }
        self.report.note = self.doubt.take().map(|doubt| {
            format!("another function was refused in words that are not known: {}", quote(&doubt.message))
        });
        self.answered_by = Some(source.label());
        self.done = true;
    }
}

/// Decodes an answer into the state, and stores it undecoded for the keys of the old report.
fn store_answer(
    wanted: Wanted,
    source: &Source,
    answer: &Value,
    target: &Target,
    collected: &mut Collected,
) -> Result<(), DecodeError> {
    match source {
        Source::Known(Candidate::LotteryData) => decode::lottery_data(wanted, answer, &mut collected.state),
        Source::Known(Candidate::Row(_, field)) => {
            let rows = Node::root(answer).returned_items()?;
            let mine =
                |row: &&Node| row.field("client_address").and_then(|a| a.address()) == Ok(target.client);
            let row =
                rows.iter().find(mine).ok_or_else(|| Node::root(answer).mismatch("a row of the client"))?;
            let value = row.field(field)?.json();
            decode::view(wanted, value, &mut collected.state)?;
            collected.raw.insert(wanted, value.clone());
            Ok(())
        }
        Source::Known(Candidate::View(..)) | Source::Own(..) => {
            collected.raw.insert(wanted, answer.clone());
            decode::view(wanted, answer, &mut collected.state)
        }
    }
}

#[cfg(test)]
mod tests;
