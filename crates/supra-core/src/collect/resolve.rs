//! Selects the functions that may answer a value, by override, cache and ABI, in the order in which they are tried.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::address::Address;
use crate::failure::quote;
use crate::layout::lottery;
use crate::target::Target;
use crate::transport::Request;
use crate::view::catalogue::{CATALOGUE, Candidate, Entry, LeanMode, Place, Subject, Wanted};
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
    /// Returns whether the source is a function of the catalogue, which an ABI lists if the module has it.
    pub(super) fn is_listed(&self, abi: &[AbiFunction]) -> Option<bool> {
        let Self::Known(candidate) = self else { return None };
        let (name, subject) = candidate.function()?;
        Some(abi.iter().any(|function| function.is(name, subject)))
    }

    /// Returns whether the answer contains other values too, so that a failure says nothing about this one.
    pub(super) fn is_batch(&self) -> bool {
        let Self::Known(candidate) = self else { return false };
        matches!(candidate, Candidate::Row(..) | Candidate::LotteryData | Candidate::Block)
    }

    /// The name of the source in the cache.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Known(Candidate::View(name, _)) => (*name).to_owned(),
            Self::Known(Candidate::Row(name, field)) => format!("{name}.{field}"),
            Self::Known(Candidate::LotteryData) => lottery().resource.to_owned(),
            Self::Known(Candidate::Block) => "block".to_owned(),
            Self::Known(Candidate::ChainId) => "chain id".to_owned(),
            Self::Own(id, _) => id.to_string(),
        }
    }

    /// The request to the chain; `None` if the target does not have the contract.
    pub(super) fn request(&self, place: Place, target: &Target) -> Option<Request> {
        let (account, module) = home(place, target)?;
        let (function, subject) = match self {
            Self::Known(Candidate::LotteryData) => {
                let type_tag = format!("{account}::{module}::{}", lottery().resource);
                return Some(Request::Resource { account, type_tag });
            }
            Self::Known(Candidate::Block) => {
                return Some(Request::Block { height: None, transactions: false });
            }
            Self::Known(Candidate::ChainId) => return Some(Request::ChainId),
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

/// The ways to get a value, best first: from the catalogue, or for the lottery from its layout.
pub fn candidates(entry: &Entry) -> &'static [Candidate] {
    match entry.place {
        Place::Lottery => lottery().candidates(entry.key),
        Place::Deposit | Place::Chain => entry.candidates,
    }
}

/// The account and module of a place.
pub(super) fn home(place: Place, target: &Target) -> Option<(Address, &str)> {
    match place {
        Place::Deposit => Some((target.deposit, &target.deposit_module)),
        Place::Lottery => Some((target.lottery?, &target.lottery_module)),
        Place::Chain => Some((Address::FRAMEWORK, "timestamp")),
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
            let entry = entry.ok_or_else(|| wrong("no value has this name; see docs/reference/record.md"))?;
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
        let mut views = candidates(entry).iter().filter_map(|candidate| match candidate {
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

/// What is known about the chain's functions before any value is read.
#[derive(Debug, Default)]
pub(super) struct Knowledge<'a> {
    pub(super) overrides: Option<&'a Overrides>,
    /// The functions that answered last time, by view key; `None` for a value that no function answered.
    pub(super) remembered: BTreeMap<String, Option<String>>,
    /// Whether the `LotteryData` resource can be read.
    pub(super) resources: bool,
    /// Whether the transport reads blocks.
    pub(super) blocks: bool,
    /// Whether sources that answer many values at once come first.
    pub(super) lean: bool,
}

impl Knowledge<'_> {
    /// The sources of a value, best first; empty if the chain is known to have none.
    pub(super) fn sources(&self, entry: &Entry, target: &Target) -> Vec<Source> {
        if let Some(own) = self.overrides.and_then(|overrides| overrides.source(entry, target)) {
            return vec![own];
        }
        if self.is_absent(entry) && !entry.wanted.decides() {
            return Vec::new();
        }
        let first = match entry.lean {
            LeanMode::Batched(candidate) if self.lean => Some(candidate),
            _ => None,
        };
        let available = |candidate: &&Candidate| match candidate {
            Candidate::LotteryData => self.resources,
            Candidate::Row(..) => self.lean,
            Candidate::Block => self.blocks,
            Candidate::View(..) | Candidate::ChainId => true,
        };
        let mut sources: Vec<Source> = first
            .iter()
            .chain(candidates(entry))
            .filter(available)
            .map(|candidate| Source::Known(*candidate))
            .collect();
        if let Some(label) = self.answered_by(entry)
            && let Some(position) = sources.iter().position(|source| source.label() == *label)
        {
            let best = sources.remove(position);
            sources.insert(0, best);
        }
        sources
    }

    /// The source that answered the last time.
    pub(super) fn answered_by(&self, entry: &Entry) -> Option<&String> {
        self.remembered.get(entry.key)?.as_ref()
    }

    /// Whether no source answered the last time.
    pub(super) fn is_absent(&self, entry: &Entry) -> bool {
        matches!(self.remembered.get(entry.key), Some(None))
    }
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

/// Returns the functions of a module, unless the ABI lacks what every version of the module has: then it says nothing
/// about the others either.
pub(super) fn complete_abi(place: Place, abi: &Value) -> Option<Vec<AbiFunction>> {
    let functions = abi_functions(abi);
    let core = match place {
        Place::Deposit => Wanted::Balance,
        Place::Lottery => Wanted::LotteryStatus,
        Place::Chain => return None,
    };
    let entry = CATALOGUE.iter().find(|entry| entry.wanted == core)?;
    let mut core = candidates(entry).iter().filter_map(|candidate| candidate.function());
    core.any(|(name, subject)| functions.iter().any(|function| function.is(name, subject)))
        .then_some(functions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn target() -> Target {
        Target {
            profile: None,
            lottery: Some("0x5".parse().unwrap()),
            layout: None,
            consumer: None,
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
        assert!(labels(&knowledge, "pending_nonce").is_empty(), "only the resource has it");
    }

    #[test]
    fn an_abi_lists_by_name_and_parameters() {
        let abi = json!({"exposed_functions": [
            {"name": "check_client_fund", "is_view": true, "is_entry": false, "params": ["address"]},
            {"name": "get_balance_of_client_v2", "is_view": true, "params": ["vector<address>"]},
            {"name": "has_minimum_balance_reached_v2", "params": ["address", "u64"]},
            {"name": "has_minimum_balance_reached", "params": ["address"]},
            {"name": "min_request_count", "is_entry": true, "params": []}]});
        let functions = complete_abi(Place::Deposit, &abi).unwrap();
        let listed = |name, subject| Source::Known(Candidate::View(name, subject)).is_listed(&functions);
        assert_eq!(listed("has_minimum_balance_reached_v2", Subject::Client), Some(false));
        assert_eq!(listed("has_minimum_balance_reached", Subject::Client), Some(true));
        assert_eq!(
            listed("min_request_count", Subject::Nothing),
            Some(false),
            "an entry function is not a view"
        );
        let row = Source::Known(Candidate::Row("get_balance_of_client_v2", "balance"));
        assert_eq!(row.is_listed(&functions), Some(true));
        assert_eq!(Source::Known(Candidate::LotteryData).is_listed(&functions), None);
    }

    #[test]
    fn an_abi_without_the_core_functions_says_nothing() {
        for abi in [
            json!({}),
            json!({"exposed_functions": []}),
            json!({"exposed_functions": [{"name": "is_contract_paused", "params": []}]}),
            json!({"exposed_functions": "all"}),
        ] {
            assert!(complete_abi(Place::Deposit, &abi).is_none(), "{abi}");
            assert!(complete_abi(Place::Lottery, &abi).is_none(), "{abi}");
        }
    }

    #[test]
    fn what_answered_last_time_comes_first() {
        let remembered = [
            ("balance".to_owned(), Some("checkClientFund".to_owned())),
            ("paused".to_owned(), None),
            ("grant_total".to_owned(), None),
        ];
        let knowledge = Knowledge { remembered: remembered.into(), ..Knowledge::default() };
        assert_eq!(labels(&knowledge, "balance"), ["checkClientFund", "check_client_fund"]);
        assert_eq!(labels(&knowledge, "paused"), ["is_contract_paused"], "a verdict depends on it");
        assert!(labels(&knowledge, "grant_total").is_empty());
    }

    #[test]
    fn few_calls_where_the_transport_allows_it() {
        let knowledge = Knowledge { resources: true, blocks: true, lean: true, ..Knowledge::default() };
        assert_eq!(
            labels(&knowledge, "balance"),
            ["get_balance_of_client_v2.balance", "check_client_fund", "checkClientFund"]
        );
        assert_eq!(labels(&knowledge, "vrf_gas_config"), ["LotteryData", "get_vrf_gas_config"]);
        assert_eq!(labels(&knowledge, "chain_id"), ["block", "chain id"]);
        assert_eq!(labels(&knowledge, "chain_time"), ["block", "now_microseconds"]);
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
            ("money=f", "no value has this name; see docs/reference/record.md"),
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
