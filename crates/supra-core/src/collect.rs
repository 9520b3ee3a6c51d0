//! One run over one target: ask, fall back, decode, and say for every value where it came from.

mod abort_names;
mod asked;
pub mod cache;
pub mod decode;
mod derive;
pub mod legacy_report;
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
use asked::{asked, chain_id_of};
use cache::{Cache, Choices};
use resolve::{Availability, Knowledge, Overrides, Source, abi_functions, home};
use rows::ClientRow;

/// How much of a target is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Every value of the catalogue by its own view.
    Full,
    /// What verdicts need, in as few calls as answer it.
    Lean,
}

/// What a run works with besides its target.
pub struct Collector<'a> {
    /// The source to the chain.
    pub transport: &'a dyn Transport,
    /// When everything must have ended.
    pub deadline: Deadline,
    /// Availability chosen by hand.
    pub overrides: &'a Overrides,
    /// Availability that answered before.
    pub cache: &'a Cache,
    /// How much is asked.
    pub detail: Detail,
    /// The client's row, if it was read together with others.
    pub row: Option<&'a ClientRow>,
    /// When the run started.
    pub now: Timestamp,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Collected {
    /// The answers as they came, by value.
    pub raw: BTreeMap<Wanted, Value>,
    /// The typed picture.
    pub state: State,
    /// Where every value came from, or why it is missing.
    pub views: Views,
}

/// A value on its source: what may still be asked, and what came of the last question.
struct Search {
    entry: &'static Entry,
    sources: std::vec::IntoIter<Source>,
    current: Option<Source>,
    report: ViewReport,
    /// Set once the value is read or given up.
    settled: bool,
    /// Not asked yet, for it may follow from other values.
    held: bool,
    answered_by: Option<String>,
    /// The first refusal in words that nobody knows: whether the chain lacks the function is not certain then.
    doubt: Option<Failure>,
    availability: Availability,
}

impl Search {
    /// Goes on to the next source, or gives up with the last failure.
    fn next_source(&mut self) {
        self.current = self.sources.next();
        self.settled = self.current.is_none();
        if self.settled
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
        let mut asked = CATALOGUE.iter().filter(|entry| {
            home(entry.place, target).is_some()
                && !(lean && matches!(entry.fleet, FleetMode::Skipped | FleetMode::Derived))
        });
        let known = asked.all(|entry| remembered.contains_key(entry.key));
        let abis = if known { Vec::new() } else { self.abis(target) };
        let batches = self.transport.offers_abi();
        let knowledge = Knowledge { overrides: Some(self.overrides), remembered, abis, batches, lean };
        let mut searches: Vec<Search> = CATALOGUE
            .iter()
            .filter(|entry| home(entry.place, target).is_some())
            .map(|entry| match entry.fleet {
                FleetMode::Skipped if lean => Search::left(entry),
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
        if release(&mut searches) {
            self.rounds(target, &mut searches, &mut collected, false);
            fill_in(&mut collected.state, &mut searches);
        }
        self.remember(&knowledge, &searches);
        collected
            .views
            .extend(searches.into_iter().map(|search| (search.entry.key.to_owned(), search.report)));
        collected
    }

    /// Asks until everything that may be asked is settled.
    fn rounds(
        &self,
        target: &Target,
        searches: &mut [Search],
        collected: &mut Collected,
        mut first_round: bool,
    ) {
        // Every round settles a value or uses up one of its sources, of which there are at most five.
        while first_round || searches.iter().any(Search::is_open) {
            self.round(target, searches, collected, first_round);
            first_round = false;
        }
    }

    /// The ABIs of both modules, where the transport gives them. A fleet's lotteries are read by their resource,
    /// which needs no names.
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

    /// Asks for everything that is not settled, each question once however many values wait for it.
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
            chain_id_of(reply, target, collected);
        }
        for (index, position) in waiting {
            let (Some(request), Some(reply)) = (requests.get(position), replies.get(position)) else {
                continue;
            };
            searches[index].take(request, reply, target, collected);
        }
    }

    /// Keeps what answered. What nothing answered is kept only where the ABI rules it out, or no ABI can be had and no
    /// verdict depends on it.
    fn remember(&self, knowledge: &Knowledge, searches: &[Search]) {
        let needed = [Wanted::Balance, Wanted::MinBalance, Wanted::MinBalanceReached, Wanted::LotteryStatus];
        // What answered before and is denied now may have been upgraded away: the next run reads the ABI again.
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
            // What was not asked says nothing about the chain, nor does a refusal that nobody understands; what the ABI
            // lacks does.
            if (search.held || search.report.note.is_some()) && !ruled_out {
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

/// Fills in what follows from other values.
fn fill_in(state: &mut State, searches: &mut [Search]) {
    derive::fill_in(state, &mut searches.iter_mut().map(|s| (s.entry, &mut s.report)).collect::<Vec<_>>());
}

/// Lets those be asked that did not follow from the others, of contracts that answered anything at all.
fn release(searches: &mut [Search]) -> bool {
    let answered =
        |place| searches.iter().any(|search| search.entry.place == place && search.answered_by.is_some());
    let places: Vec<Place> = [Place::Deposit, Place::Lottery].into_iter().filter(|p| answered(*p)).collect();
    let mut any = false;
    let open = |search: &&mut Search| search.held && !search.settled && search.report.error.is_some();
    for search in searches.iter_mut().filter(open) {
        search.held = !places.contains(&search.entry.place);
        any |= search.is_open();
    }
    any
}

impl Search {
    /// A value that is not read at all.
    fn left(entry: &'static Entry) -> Self {
        let mut search = Self::new(entry, Vec::new(), true);
        let left = "not asked for in a stream of targets; --detail full asks for it";
        search.report.error = Some(Failure::new(FailureKind::Unsupported, left));
        search
    }

    fn is_open(&self) -> bool {
        !self.settled && !self.held
    }

    fn new(entry: &'static Entry, sources: Vec<Source>, held: bool) -> Self {
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
            settled: false,
            held,
            answered_by: None,
            doubt: None,
            availability: Availability::Unknown,
        };
        search.next_source();
        search
    }

    fn take(&mut self, request: &Request, reply: &Reply, target: &Target, collected: &mut Collected) {
        let Some(source) = self.current.clone() else { return };
        self.report.function = Some(asked(request));
        self.report.attempts = self.report.attempts.saturating_add(reply.attempts);
        self.report.duration_ms = self.report.duration_ms.saturating_add(reply.elapsed_ms());
        let batch = matches!(source, Source::Known(Candidate::Row(..) | Candidate::LotteryData));
        let answer = match &reply.result {
            Ok(answer) => answer,
            Err(error) => {
                let failure = Failure::from(error);
                let mut said = failure.clone();
                // A node that denies what is there is not to be believed: it may be behind, or not serve this route.
                let vouched = self.availability != Availability::Unknown && source.is_function();
                if vouched && failure.kind == FailureKind::Unsupported {
                    self.availability = Availability::Contradicted;
                    said.kind = FailureKind::Unreachable;
                    said.message += ", although the module has it";
                }
                self.report.error = Some(said);
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
                // A batch that aborts or is missing says nothing about the single views.
                if failure.kind == FailureKind::Unsupported || unrecognised || (batch && !passing) {
                    self.next_source();
                } else {
                    self.settled = true;
                }
                return;
            }
        };
        match keep(self.entry.wanted, &source, answer, target, collected) {
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
        self.settled = true;
    }
}

/// Decodes an answer into the state and keeps it raw for the old keys.
fn keep(
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
