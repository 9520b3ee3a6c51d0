//! Selects the functions that may answer a value, by override, cache and ABI, in the order in which they are tried.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::address::Address;
use crate::failure::quote;
use crate::target::Target;
use crate::transport::Request;
use crate::view::catalogue::{CATALOGUE, Candidate, Entry, FleetMode, Place, Subject};
use crate::view::{Argument, FunctionId, ViewCall, is_identifier};

/// A source of a value: a candidate of the catalogue, or the function that the user chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// From the catalogue.
    Known(Candidate),
    /// From `--function`; called like the first view of the value.
    Own(FunctionId, Subject),
}

impl Source {
    /// Returns whether the source is a function, which an ABI lists.
    pub(super) fn is_function(&self) -> bool {
        !matches!(self, Self::Known(Candidate::LotteryData))
    }

    /// The name of the source in the cache.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Known(Candidate::View(name, _)) => (*name).to_owned(),
            Self::Known(Candidate::Row(name, field)) => format!("{name}.{field}"),
            Self::Known(Candidate::LotteryData) => "LotteryData".to_owned(),
            Self::Own(id, _) => id.to_string(),
        }
    }

    /// The request to the chain; `None` if the target does not have the contract.
    pub(super) fn request(&self, place: Place, target: &Target) -> Option<Request> {
        let (account, module) = home(place, target)?;
        let (function, subject) = match self {
            Self::Known(Candidate::LotteryData) => {
                let type_tag = format!("{account}::{module}::LotteryData");
                return Some(Request::Resource { account, type_tag });
            }
            Self::Known(candidate) => {
                let (name, subject) = candidate.function()?;
                (FunctionId { address: account, module: module.to_owned(), name: name.to_owned() }, subject)
            }
            Self::Own(id, subject) => (id.clone(), *subject),
        };
        let arguments = match subject {
            Subject::Nothing => vec![],
            Subject::Client => vec![Argument::Address(target.client)],
            Subject::ClientList => vec![Argument::Addresses(vec![target.client])],
            Subject::Consumer => vec![Argument::Address(target.lottery?)],
        };
        Some(Request::View(ViewCall { function, type_arguments: vec![], arguments }))
    }
}

/// The account and module of a place.
pub(super) fn home(place: Place, target: &Target) -> Option<(Address, &str)> {
    match place {
        Place::Deposit => Some((target.deposit, &target.deposit_module)),
        Place::Lottery => Some((target.lottery?, &target.lottery_module)),
        Place::Timestamp => Some((Address::FRAMEWORK, "timestamp")),
    }
}

/// A mistake in the functions that the user chose.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{item:?}: {why}")]
pub struct OverrideError {
    item: String,
    why: &'static str,
}

/// The functions that the user chose, by view key.
#[derive(Debug, Clone, Default)]
pub struct Overrides(BTreeMap<&'static str, String>);

impl Overrides {
    /// Parses `value=function,…`.
    pub fn parse(text: &str) -> Result<Self, OverrideError> {
        let mut overrides = BTreeMap::new();
        for item in text.split(',').filter(|item| !item.trim().is_empty()) {
            let wrong = |why| OverrideError { item: quote(item), why };
            let (key, function) = item.split_once('=').ok_or_else(|| wrong("VALUE=FUNCTION is needed"))?;
            let entry = CATALOGUE.iter().find(|entry| entry.key == key.trim());
            let entry = entry.ok_or_else(|| wrong("no value has this name; see docs/record.md"))?;
            let function = function.trim();
            if !is_identifier(function) && function.parse::<FunctionId>().is_err() {
                return Err(wrong("a function is NAME or ADDRESS::module::NAME"));
            }
            overrides.insert(entry.key, function.to_owned());
        }
        Ok(Self(overrides))
    }

    fn source(&self, entry: &Entry, target: &Target) -> Option<Source> {
        let function = self.0.get(entry.key)?;
        let mut views = entry.candidates.iter().filter_map(|candidate| match candidate {
            Candidate::View(name, subject) => Some((*name, *subject)),
            _ => None,
        });
        // A function of another name has the oldest interface, which scripts were written for.
        let name = function.rsplit("::").next().unwrap_or(function);
        let subject = views.clone().find(|(known, _)| *known == name).or_else(|| views.next_back());
        let id = function.parse().ok().or_else(|| {
            let (address, module) = home(entry.place, target)?;
            Some(FunctionId { address, module: module.to_owned(), name: function.clone() })
        })?;
        Some(Source::Own(id, subject.map_or(Subject::Nothing, |(_, subject)| subject)))
    }
}

/// What is known about a chain's functions before any value is read.
#[derive(Debug, Default)]
pub(super) struct Knowledge<'a> {
    pub(super) overrides: Option<&'a Overrides>,
    /// The functions that answered last time, by view key; `None` for a value that no function answers.
    pub(super) remembered: BTreeMap<String, Option<String>>,
    /// The functions in the ABIs by contract; a contract whose ABI could not be read is absent.
    pub(super) abis: Vec<(Place, Vec<AbiFunction>)>,
    /// Whether the transport reads resources and rows cheaply enough to prefer them to single views.
    pub(super) batches: bool,
    /// Whether sources that answer many values at once come first.
    pub(super) lean: bool,
}

/// A function as a module ABI lists it.
#[derive(Debug)]
pub(super) struct AbiFunction {
    name: String,
    params: Vec<String>,
}

impl AbiFunction {
    /// Returns whether the function has this name and takes this subject.
    pub(super) fn is(&self, name: &str, subject: Subject) -> bool {
        self.name == name && self.params == subject.abi_params()
    }
}

/// Returns the functions of an ABI that can be called as views.
pub(super) fn abi_functions(abi: &Value) -> Vec<AbiFunction> {
    let functions = abi.get("exposed_functions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let listed = functions.iter().filter_map(|function| {
        let name = function.get("name")?.as_str()?.to_owned();
        let params = function.get("params")?.as_array()?;
        let params = params.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        // Modules compiled without metadata do not have `is_view`; only entry functions are excluded then.
        let entry = function.get("is_entry").and_then(Value::as_bool) == Some(true);
        (!entry).then_some(AbiFunction { name, params })
    });
    listed.collect()
}

/// What is known about the functions that answer a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Availability {
    /// Nothing until they are called.
    Unknown,
    /// The ABI lists none.
    NotInAbi,
    /// The ABI lists them, or one of them answered the last time.
    Listed,
    /// The node denies having a function that is listed.
    Contradicted,
}

impl Knowledge<'_> {
    /// The sources of a value, best first; empty if the chain is known to have none.
    pub(super) fn sources(&self, entry: &Entry, target: &Target) -> Vec<Source> {
        if let Some(own) = self.overrides.and_then(|overrides| overrides.source(entry, target)) {
            return vec![own];
        }
        let abi = self.abi(entry);
        let first = match entry.fleet {
            FleetMode::Batched(candidate) if self.lean => Some(candidate),
            _ => None,
        };
        let mut sources: Vec<Source> = first
            .iter()
            .chain(entry.candidates)
            .filter(|candidate| match candidate {
                Candidate::LotteryData => self.batches || entry.candidates.len() == 1,
                // Rows of unknown clients contain zeros and the view is not part of the official interface, so it is used
                // only if it is listed.
                Candidate::Row(name, _) => self.batches && (self.remembers(entry, name) || abi.is_some()),
                Candidate::View(..) => true,
            })
            .filter(|candidate| match (abi, candidate.function()) {
                (Some(functions), Some((name, subject))) => {
                    functions.iter().any(|function| function.is(name, subject))
                }
                _ => true,
            })
            .map(|candidate| Source::Known(*candidate))
            .collect();
        match self.remembered.get(entry.key) {
            Some(Some(label)) => {
                if let Some(position) = sources.iter().position(|source| source.label() == *label) {
                    let best = sources.remove(position);
                    sources.insert(0, best);
                }
            }
            Some(None) if abi.is_none() => sources.clear(),
            _ => {}
        }
        sources
    }

    fn abi(&self, entry: &Entry) -> Option<&[AbiFunction]> {
        self.abis.iter().find(|(place, _)| *place == entry.place).map(|(_, functions)| functions.as_slice())
    }

    /// What is known about the functions of these sources.
    pub(super) fn functions(&self, entry: &Entry, sources: &[Source]) -> Availability {
        let answered_before = matches!(self.remembered.get(entry.key), Some(Some(_)));
        match self.abi(entry).is_some() || answered_before {
            true if sources.is_empty() => Availability::NotInAbi,
            true => Availability::Listed,
            false => Availability::Unknown,
        }
    }

    fn remembers(&self, entry: &Entry, function: &str) -> bool {
        let label = self.remembered.get(entry.key).and_then(Option::as_ref);
        label.is_some_and(|label| label.starts_with(function))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn target() -> Target {
        Target {
            profile: None,
            lottery: Some("0x5".parse().unwrap()),
            deposit: "0x6".parse().unwrap(),
            client: "0x7".parse().unwrap(),
            lottery_module: "main_v2".into(),
            deposit_module: "deposit".into(),
            chain_id: None,
        }
    }

    fn labels(knowledge: &Knowledge, key: &str) -> Vec<String> {
        let entry = CATALOGUE.iter().find(|entry| entry.key == key).unwrap();
        knowledge.sources(entry, &target()).iter().map(Source::label).collect()
    }

    #[test]
    fn without_knowledge_single_views_are_probed_in_order() {
        let knowledge = Knowledge::default();
        assert_eq!(labels(&knowledge, "balance"), ["check_client_fund", "checkClientFund"]);
        assert_eq!(labels(&knowledge, "vrf_gas_config"), ["get_vrf_gas_config"]);
        assert_eq!(labels(&knowledge, "pending_nonce"), ["LotteryData"]);
    }

    #[test]
    fn an_abi_narrows_by_name_and_parameters() {
        let abi = json!({"exposed_functions": [
            {"name": "check_client_fund", "is_view": true, "is_entry": false, "params": ["address"]},
            {"name": "get_balance_of_client_v2", "is_view": true, "params": ["vector<address>"]},
            {"name": "has_minimum_balance_reached_v2", "params": ["address", "u64"]},
            {"name": "has_minimum_balance_reached", "params": ["address"]},
            {"name": "min_request_count", "is_entry": true, "params": []}]});
        let abis = vec![(Place::Deposit, abi_functions(&abi))];
        let knowledge = Knowledge { abis, batches: true, ..Knowledge::default() };
        assert_eq!(labels(&knowledge, "balance"), ["get_balance_of_client_v2.balance", "check_client_fund"]);
        assert_eq!(labels(&knowledge, "min_balance_reached"), ["has_minimum_balance_reached"]);
        assert!(labels(&knowledge, "min_request_count").is_empty());
        assert_eq!(labels(&knowledge, "vrf_gas_config"), ["LotteryData", "get_vrf_gas_config"]);
    }

    #[test]
    fn what_answered_last_time_comes_first() {
        let remembered =
            [("balance".to_owned(), Some("checkClientFund".to_owned())), ("paused".to_owned(), None)];
        let knowledge = Knowledge { remembered: remembered.into(), ..Knowledge::default() };
        assert_eq!(labels(&knowledge, "balance"), ["checkClientFund", "check_client_fund"]);
        assert!(labels(&knowledge, "paused").is_empty());
    }

    #[test]
    fn an_override_is_the_only_way() {
        let overrides = Overrides::parse("balance=my_fund, paused=0x9::other::is_off").unwrap();
        let knowledge = Knowledge { overrides: Some(&overrides), ..Knowledge::default() };
        let own = labels(&knowledge, "balance");
        assert_eq!(own, [format!("{}::deposit::my_fund", target().deposit)]);
        assert!(labels(&knowledge, "paused")[0].ends_with("9::other::is_off"));
        let about = |text: &str| {
            let overrides = Overrides::parse(text).unwrap();
            let entry = CATALOGUE.iter().find(|entry| entry.key == "contract_details").unwrap();
            match overrides.source(entry, &target()) {
                Some(Source::Own(_, subject)) => subject,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(about("contract_details=my_details"), Subject::Consumer);
        assert_eq!(about("contract_details=get_client_modules_info"), Subject::Client);
        for (text, why) in [
            ("balance", "VALUE=FUNCTION is needed"),
            ("money=f", "no value has this name; see docs/record.md"),
            ("balance=a-b", "a function is NAME or ADDRESS::module::NAME"),
        ] {
            let message = Overrides::parse(text).unwrap_err().to_string();
            assert_eq!(message, format!("{text:?}: {why}"));
        }
    }

    #[test]
    fn requests_are_asked_about_the_right_account() {
        let request = Source::Known(Candidate::View("getContractDetails", Subject::Consumer));
        let Some(Request::View(call)) = request.request(Place::Deposit, &target()) else { panic!() };
        assert_eq!(call.arguments, [Argument::Address("0x5".parse().unwrap())]);
        let request = Source::Known(Candidate::LotteryData).request(Place::Lottery, &target());
        assert!(
            matches!(request, Some(Request::Resource { type_tag, .. }) if type_tag.ends_with("5::main_v2::LotteryData"))
        );
        let bare = Target { lottery: None, ..target() };
        assert_eq!(Source::Known(Candidate::LotteryData).request(Place::Lottery, &bare), None);
    }
}
