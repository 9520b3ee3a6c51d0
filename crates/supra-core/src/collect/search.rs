//! The search for one value: one source after the other until one answers.

use std::collections::VecDeque;

use super::Collected;
use super::decode;
use super::request_name::request_name;
use super::resolve::{AbiFunction, Source, candidates};
use crate::abort::is_unrecognised;
use crate::failure::{Failure, FailureKind, quote};
use crate::move_value::{DecodeError, Node};
use crate::target::Target;
use crate::transport::{Reply, Request};
use crate::view::catalogue::{Candidate, Entry, Place, Wanted};
use crate::view_report::ViewReport;

/// The search for one value: the sources that are left, and the result of the last request.
pub(super) struct Search {
    pub(super) entry: &'static Entry,
    /// The sources that are left, the current one first.
    sources: VecDeque<Source>,
    /// Whether all sources are asked in the same round, because none answered in the last run.
    ask_all: bool,
    pub(super) report: ViewReport,
    /// Set once the value has been read or all sources have failed.
    pub(super) done: bool,
    /// Set while no request is sent because the value may follow from others.
    pub(super) deferred: bool,
    pub(super) answered_by: Option<String>,
    /// The functions that the node denied.
    denied: Vec<Source>,
    /// The first denial after which it is not certain that the chain lacks the function.
    doubt: Option<Failure>,
    pub(super) availability: Availability,
}

/// What is known about the functions that answer a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Availability {
    /// Nothing until they are called.
    Unknown,
    /// The module's ABI has the ones that are left.
    Listed,
    /// The module's ABI has none.
    NotInAbi,
    /// The node denied one that the module has.
    Contradicted,
}

impl Search {
    pub(super) fn new(entry: &'static Entry, sources: Vec<Source>) -> Self {
        Self {
            done: sources.is_empty(),
            entry,
            sources: sources.into(),
            ask_all: false,
            report: ViewReport { error: Some(absent(entry)), ..ViewReport::default() },
            deferred: false,
            answered_by: None,
            denied: Vec::new(),
            doubt: None,
            availability: Availability::Unknown,
        }
    }

    /// Sends no request while the value may follow from others.
    pub(super) fn deferred_if(mut self, deferred: bool) -> Self {
        self.deferred = deferred;
        self
    }

    /// Asks all sources in the first round.
    pub(super) fn all_at_once_if(mut self, ask_all: bool) -> Self {
        self.ask_all = ask_all;
        self
    }

    pub(super) fn is_open(&self) -> bool {
        !self.done && !self.deferred
    }

    /// Whether a function was denied, which the module's ABI may explain.
    pub(super) fn was_denied(&self) -> bool {
        !self.denied.is_empty()
    }

    /// Whether the node denied all functions, in known words.
    pub(super) fn was_denied_by_all(&self) -> bool {
        self.was_denied() && self.sources.is_empty() && self.doubt.is_none() && self.answered_by.is_none()
    }

    /// The requests of the next round; each reply is handed to [`Self::on_reply`] in this order.
    pub(super) fn requests(&mut self, target: &Target) -> Vec<Request> {
        let place = self.entry.place;
        // Some sources need a contract that the target does not have.
        self.sources.retain(|source| source.request(place, target).is_some());
        self.done |= self.sources.is_empty();
        let count = if std::mem::take(&mut self.ask_all) { self.sources.len() } else { 1 };
        self.sources.iter().take(count).filter_map(|source| source.request(place, target)).collect()
    }

    /// Moves on to the next source; after the last one, the last failure stays.
    fn next_source(&mut self) {
        self.sources.pop_front();
        self.done = self.sources.is_empty();
        if self.done
            && let Some(doubt) = &self.doubt
        {
            self.report.error = Some(doubt.clone());
        }
    }

    /// Removes the sources that the module's ABI does not have. A function that it has and that was denied belongs to a
    /// node that is behind, or that does not serve this route.
    pub(super) fn narrow(&mut self, abi: &[AbiFunction]) {
        if self.answered_by.is_some() {
            return;
        }
        self.availability = Availability::Listed;
        self.sources.retain(|source| source.is_listed(abi) != Some(false));
        if self.denied.iter().any(|source| source.is_listed(abi) == Some(true)) {
            self.contradict("although the module has it");
        } else if self.sources.is_empty() {
            self.availability = Availability::NotInAbi;
            self.doubt = None;
            self.report.error = Some(absent(self.entry));
        }
        self.done |= self.sources.is_empty();
    }

    /// As [`Self::narrow`] where the ABI cannot be read: a denial is not believed if the function answered the last time,
    /// or if the module should have shown whether it has it (`None`).
    pub(super) fn contradict_if_denied(&mut self, answered_before: Option<&String>) {
        if self.answered_by.is_some() {
            return;
        }
        match answered_before {
            Some(label) if self.denied.iter().any(|source| source.label() == *label) => {
                self.contradict("although the module has it");
            }
            None if self.was_denied() => self.contradict("and the module's ABI cannot be read"),
            _ => {}
        }
    }

    fn contradict(&mut self, why: &str) {
        self.availability = Availability::Contradicted;
        if self.doubt.is_none()
            && let Some(mut failure) = self.report.error.clone()
        {
            failure.kind = FailureKind::Unreachable;
            failure.message = format!("{}, {why}", failure.message);
            self.doubt = Some(failure);
        }
        self.report.error.clone_from(&self.doubt);
    }

    pub(super) fn on_reply(
        &mut self,
        request: &Request,
        reply: &Reply,
        target: &Target,
        collected: &mut Collected,
    ) {
        let Some(source) = self.sources.front().cloned() else { return };
        self.report.function = Some(request_name(request));
        self.report.attempts = self.report.attempts.saturating_add(reply.attempts);
        self.report.duration_ms = self.report.duration_ms.saturating_add(reply.elapsed_ms());
        let answer = match &reply.result {
            Ok(answer) => answer,
            Err(error) => return self.on_failure(source, Failure::from(error)),
        };
        match store_answer(self.entry.wanted, &source, answer, target, collected) {
            Ok(()) => self.report.error = None,
            Err(failure) => {
                let undecodable = failure.kind == FailureKind::Undecodable;
                self.report.error = Some(failure);
                if undecodable && source.is_batch() {
                    return self.next_source();
                }
            }
        }
        let doubt = self.doubt.take().filter(|_| self.availability != Availability::Contradicted);
        self.report.note = doubt.map(|doubt| {
            format!("another function was refused in words that are not known: {}", quote(&doubt.message))
        });
        self.answered_by = Some(source.label());
        self.done = true;
    }

    fn on_failure(&mut self, source: Source, failure: Failure) {
        self.report.error = Some(failure.clone());
        let passing = matches!(
            failure.kind,
            FailureKind::Unreachable
                | FailureKind::Throttled
                | FailureKind::Timeout
                | FailureKind::WrongChain
        );
        let refused_in_unknown_words = is_unrecognised(&failure);
        let is_denied = failure.kind == FailureKind::Unsupported || refused_in_unknown_words;
        // A call for many values that fails says nothing about the single views.
        if !is_denied && (passing || !source.is_batch()) {
            self.done = true;
            return;
        }
        if refused_in_unknown_words && self.doubt.is_none() {
            self.doubt = Some(failure);
        }
        let is_function = source.is_listed(&[]).is_some();
        let is_everywhere = self.entry.place == Place::Chain;
        if is_denied && is_everywhere {
            self.contradict("although every chain has it");
        } else if is_denied && is_function {
            if self.availability == Availability::Listed {
                self.contradict("although the module has it");
            }
            self.denied.push(source);
        }
        self.next_source();
    }
}

fn absent(entry: &Entry) -> Failure {
    let functions = candidates(entry).iter().filter_map(|candidate| candidate.function());
    let names: Vec<&str> = functions.map(|(name, _)| name).collect();
    let message = if names.is_empty() {
        "only a resource of the lottery has it, and this CLI does not list that resource".to_owned()
    } else {
        format!("this chain has none of the functions that answer it ({})", names.join(", "))
    };
    Failure::new(FailureKind::Unsupported, message)
}

/// Decodes an answer into the state, and stores it undecoded for the keys of the old report.
fn store_answer(
    wanted: Wanted,
    source: &Source,
    answer: &serde_json::Value,
    target: &Target,
    collected: &mut Collected,
) -> Result<(), Failure> {
    decode_answer(wanted, source, answer, target, collected)
        .map_err(|error| Failure::new(FailureKind::Undecodable, error.to_string()))?;
    let id = collected.state.chain.id.filter(|_| wanted == Wanted::ChainId);
    match id.zip(target.chain_id) {
        Some((id, expected)) if id != expected => {
            let message = format!("the node serves chain {id}, expected is {expected}");
            Err(Failure::new(FailureKind::WrongChain, message))
        }
        _ => Ok(()),
    }
}

fn decode_answer(
    wanted: Wanted,
    source: &Source,
    answer: &serde_json::Value,
    target: &Target,
    collected: &mut Collected,
) -> Result<(), DecodeError> {
    match source {
        Source::Known(Candidate::LotteryData) => {
            let view = decode::lottery_data(wanted, answer, &mut collected.state)?;
            collected.raw.extend(view.map(|view| (wanted, view)));
            Ok(())
        }
        Source::Known(Candidate::Block) => decode::block(wanted, answer, &mut collected.state),
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
        Source::Known(Candidate::View(..) | Candidate::ChainId) | Source::Own(..) => {
            collected.raw.insert(wanted, answer.clone());
            decode::view(wanted, answer, &mut collected.state)
        }
    }
}
