//! Contract events and their types.

pub mod scan;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::error::Error;
use crate::failure::{FailureKind, quote};
use crate::view::FunctionId;

/// The `schema` of an event line.
pub const SCHEMA: &str = crate::record::EVENT_SCHEMA;

/// One event: a line of `dvrf-events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// `dvrf.event/1`.
    pub schema: String,
    /// The height of its block.
    pub height: u64,
    /// The time of its block, UTC; `null` if it was not requested.
    pub time: Option<String>,
    /// The time of its block in microseconds since 1970, as text.
    pub time_us: Option<String>,
    /// The transaction that emitted it.
    pub transaction_hash: Option<String>,
    /// Its number among the events of its type in its transaction, from 0.
    pub index: u32,
    /// The full type, `0x…::module::Event`.
    #[serde(rename = "type")]
    pub type_tag: String,
    /// The last part of the type.
    pub name: String,
    /// The fields as the chain decoded them: u64 and u128 are text.
    pub data: Value,
}

impl Event {
    /// The identity of the event, which no other event has.
    pub fn id(&self) -> String {
        let hash = self.transaction_hash.as_deref().unwrap_or("-");
        format!("{}:{hash}:{}:{}", self.height, self.type_tag, self.index)
    }

    /// Returns a field that is a u64 or u128.
    pub fn number(&self, field: &str) -> Option<u128> {
        number(&self.data, field)
    }

    /// Returns a field that is an address.
    pub fn address(&self, field: &str) -> Option<Address> {
        self.data.get(field)?.as_str()?.parse().ok()
    }

    /// [`Self::time_us`] as a number.
    pub fn micros(&self) -> Option<u64> {
        self.time_us.as_deref()?.parse().ok()
    }
}

/// Returns a field of an event's data that is a u64 or u128. Nodes write small ones as JSON numbers too.
fn number(data: &Value, field: &str) -> Option<u128> {
    let value = data.get(field)?;
    value.as_str().map_or_else(|| value.as_u64().map(u128::from), |text| text.parse().ok())
}

/// The event types of the lottery.
pub const LOTTERY: &[&str] = &[
    "TicketBought",
    "WinnerSelected",
    "SubscriptionConfiguredEvent",
    "MinimumBalanceUpdatedEvent",
    "ClientWhitelistRecordedEvent",
    "ConsumerWhitelistSnapshotRecordedEvent",
    "VrfRequestConfigUpdatedEvent",
    "GasConfigUpdatedEvent",
    "AggregatorWhitelistedEvent",
    "AggregatorRevokedEvent",
    "ConsumerWhitelistedEvent",
    "ConsumerRemovedEvent",
    "DrawRequestedEvent",
    "DrawHandledEvent",
    "FundsWithdrawnEvent",
];
/// The event types of the deposit module in dVRF 2.
pub const DEPOSIT: &[&str] = &[
    "ClientWhitelistedEvent",
    "ContractWhitelistedEvent",
    "ContractsDeletedFromWhitelist",
    "ClientRemoveEvent",
    "SupraCollected",
    "MinimumBalanceSet",
];
/// The event types of the randomness module in dVRF 2.
pub const VRF: &[&str] =
    &["RequestEvent", "NonceProcessedEvent", "VerifyCallbackEvent", "UpdatePublicKeyEvent"];
/// The name of the randomness module, which has the same account as the deposit module.
pub const VRF_MODULE: &str = "supra_vrf";
/// The words that `--type` accepts besides type names and full types.
pub const WORDS: &[&str] =
    &["draw-requested", "draw-handled", "whitelist", "deposit", "vrf", "lottery", "all"];

/// The modules that publish events.
#[derive(Debug, Clone)]
pub struct Places {
    /// The lottery's account and module.
    pub lottery: Option<(Address, String)>,
    /// The dVRF package and its deposit module.
    pub deposit: (Address, String),
}

/// The event types in the ABIs of the modules: names, or full types where another module defines them. Empty for a
/// module whose ABI shows none.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// Those of the lottery.
    pub lottery: Vec<String>,
    /// Those of the deposit module.
    pub deposit: Vec<String>,
    /// Those of the randomness module.
    pub vrf: Vec<String>,
}

impl Published {
    /// Returns the event types of an ABI: the structs marked as events, and what the event handles in its structs carry.
    pub fn names(abi: &Value) -> Vec<String> {
        let items =
            |of: &Value, key: &str| of.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |item: &Value, key: &str| item.get(key)?.as_str().map(str::to_owned);
        let (mut marked, mut carried) = (Vec::new(), Vec::new());
        for item in items(abi, "structs") {
            if item.get("is_event") == Some(&Value::Bool(true)) {
                marked.extend(text(&item, "name"));
            }
            let types =
                items(&item, "fields").iter().filter_map(|field| text(field, "type")).collect::<Vec<_>>();
            carried.extend(types.iter().filter_map(|of| carried_type(of)));
        }
        let address = text(abi, "address").and_then(|address| address.parse::<Address>().ok());
        let own = address
            .zip(text(abi, "name"))
            .map(|(address, module)| format!("{}::{module}::", address.short()));
        let short = |tag: String| {
            own.as_ref().and_then(|own| tag.strip_prefix(own)).map_or(tag.clone(), str::to_owned)
        };
        marked.extend(carried.into_iter().map(short));
        let mut seen = BTreeSet::new();
        marked.retain(|name| seen.insert(name.clone()));
        marked
    }
}

/// Returns the full type `T` of an `0x1::event::EventHandle<T>`. Such a type need not be marked as an event.
fn carried_type(field: &str) -> Option<String> {
    let (handle, carried) = field.strip_suffix('>')?.split_once('<')?;
    let handle: FunctionId = handle.parse().ok()?;
    let is_handle =
        handle.address.short() == "0x1" && handle.module == "event" && handle.name == "EventHandle";
    is_handle.then(|| full_type(carried)).flatten()
}

/// Returns a full type with its address in short form; `None` for anything else.
fn full_type(text: &str) -> Option<String> {
    let base = text.split('<').next().unwrap_or(text);
    let id: FunctionId = base.parse().ok()?;
    Some(format!("{}::{}::{}{}", id.address.short(), id.module, id.name, &text[base.len()..]))
}

fn concerns_whitelist(name: &str) -> bool {
    name.contains("Whitelist")
        || matches!(name, "AggregatorRevokedEvent" | "ConsumerRemovedEvent" | "ClientRemoveEvent")
}

/// Returns whether these words stand for types that an ABI lists.
pub fn needs_abi(words: &[String]) -> bool {
    words.iter().any(|word| ["whitelist", "deposit", "vrf", "lottery", "all"].contains(&word.as_str()))
}

/// Resolves words to full types, each once, in the order of the words.
pub fn resolve(words: &[String], places: &Places, published: &Published) -> Result<Vec<String>, Error> {
    let known = |published: &[String], list: &[&str]| -> Vec<String> {
        if published.is_empty() {
            list.iter().map(|name| (*name).to_owned()).collect()
        } else {
            published.to_vec()
        }
    };
    let group = |place: Option<(Address, &str)>, names: Vec<String>| -> Vec<String> {
        let tag = |name: String| match place {
            _ if full_type(&name).is_some() => Some(name),
            place => place.map(|(address, module)| format!("{}::{module}::{name}", address.short())),
        };
        names.into_iter().filter_map(tag).collect()
    };
    let lottery_place = places.lottery.as_ref().map(|(address, module)| (*address, module.as_str()));
    let deposit_place = Some((places.deposit.0, places.deposit.1.as_str()));
    let lottery = group(lottery_place, known(&published.lottery, LOTTERY));
    let deposit = group(deposit_place, known(&published.deposit, DEPOSIT));
    let vrf = group(Some((places.deposit.0, VRF_MODULE)), known(&published.vrf, VRF));
    let one = |name: &str| {
        let (address, module) = lottery_place.ok_or_else(|| {
            Error::new(
                FailureKind::Config,
                format!("{name} is an event of the lottery, and no lottery is named"),
            )
            .with_hint("set LOTTERY_ADDR or --lottery-addr")
        })?;
        Ok::<_, Error>(vec![format!("{}::{module}::{name}", address.short())])
    };
    let last = |tag: &String| tag.rsplit("::").next().unwrap_or_default().to_owned();
    let mut found = Vec::new();
    for word in words {
        found.extend(match word.as_str() {
            "draw-requested" => one("DrawRequestedEvent")?,
            "draw-handled" => one("DrawHandledEvent")?,
            "whitelist" => {
                lottery.iter().chain(&deposit).filter(|tag| concerns_whitelist(&last(tag))).cloned().collect()
            }
            "deposit" => deposit.clone(),
            "vrf" => vrf.clone(),
            "lottery" => lottery.clone(),
            "all" => [lottery.clone(), deposit.clone(), vrf.clone()].concat(),
            other => vec![type_of(other, [&lottery, &deposit, &vrf], lottery_place)?],
        });
    }
    let mut seen = BTreeSet::new();
    found.retain(|tag| seen.insert(tag.clone()));
    Ok(found)
}

/// Resolves a full type, the name of a known type, or the name of a type that the lottery may have.
fn type_of(word: &str, groups: [&Vec<String>; 3], lottery: Option<(Address, &str)>) -> Result<String, Error> {
    if let Some(tag) = full_type(word) {
        return Ok(tag);
    }
    let ends = |tag: &&String| tag.rsplit("::").next() == Some(word);
    if let Some(tag) = groups.into_iter().flatten().find(ends) {
        return Ok(tag.clone());
    }
    match lottery {
        Some((address, module))
            if crate::view::is_identifier(word) && word.starts_with(char::is_uppercase) =>
        {
            Ok(format!("{}::{module}::{word}", address.short()))
        }
        _ => Err(Error::new(
            FailureKind::Config,
            format!(
                "{:?} is not an event type: {}, a name or 0x…::module::Event",
                quote(word),
                WORDS.join(", ")
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn places() -> Places {
        Places {
            lottery: Some(("0x0a".parse().unwrap(), "main_v2".to_owned())),
            deposit: ("0xb".parse().unwrap(), "deposit".to_owned()),
        }
    }

    fn types(words: &[&str], published: &Published) -> Result<Vec<String>, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        resolve(&words, &places(), published).map_err(|failure| failure.message())
    }

    #[test]
    fn words_names_and_full_types() {
        let none = Published::default();
        assert_eq!(types(&["draw-requested"], &none).unwrap(), ["0xa::main_v2::DrawRequestedEvent"]);
        assert_eq!(types(&["SupraCollected"], &none).unwrap(), ["0xb::deposit::SupraCollected"]);
        assert_eq!(types(&["Later"], &none).unwrap(), ["0xa::main_v2::Later"]);
        assert_eq!(
            types(&["0x01::coin::Deposit<0x1::a::B>"], &none).unwrap(),
            ["0x1::coin::Deposit<0x1::a::B>"]
        );
        assert_eq!(types(&["all"], &none).unwrap().len(), LOTTERY.len() + DEPOSIT.len() + VRF.len());
        assert_eq!(types(&["whitelist"], &none).unwrap().len(), 10);
        assert_eq!(types(&["all", "draw-handled"], &none).unwrap().len(), 25);
        assert!(types(&["drawn"], &none).unwrap_err().contains("is not an event type"));
    }

    #[rstest]
    #[case::text(serde_json::json!({"nonce": "7"}), Some(7))]
    #[case::number(serde_json::json!({"nonce": 7}), Some(7))]
    #[case::no_number(serde_json::json!({"nonce": "x"}), None)]
    #[case::missing(serde_json::json!({}), None)]
    fn fields_that_are_numbers(#[case] data: Value, #[case] expected: Option<u128>) {
        assert_eq!(number(&data, "nonce"), expected);
    }

    #[test]
    fn the_abi_goes_before_our_list() {
        let abi = serde_json::json!({"structs": [{"name": "A", "is_event": true}, {"name": "B", "is_event": false}]});
        let published = Published { deposit: Published::names(&abi), ..Published::default() };
        assert_eq!(types(&["deposit"], &published).unwrap(), ["0xb::deposit::A"]);
    }

    #[rstest]
    #[case::own("0x1::event::EventHandle<0xa::main::Spin>", &["Drawn", "Spin"])]
    #[case::long_addresses("0x0000000000000000000000000000000000000000000000000000000000000001::event::EventHandle<0x0a::main::Spin>", &["Drawn", "Spin"])]
    #[case::of_another_module("0x1::event::EventHandle<0xa::history::Spin>", &["Drawn", "0xa::history::Spin"])]
    #[case::marked_too("0x1::event::EventHandle<0xa::main::Drawn>", &["Drawn"])]
    #[case::generic("0x1::event::EventHandle<0xa::main::Won<0x1::coin::C>>", &["Drawn", "Won<0x1::coin::C>"])]
    #[case::another_handle("0x2::event::EventHandle<0xa::main::Spin>", &["Drawn"])]
    #[case::no_type("0x1::event::EventHandle<u64>", &["Drawn"])]
    #[case::cut("0x1::event::EventHandle<0xa::main::Spin", &["Drawn"])]
    fn what_event_handles_carry(#[case] field: &str, #[case] names: &[&str]) {
        let abi = serde_json::json!({"address": "0xa", "name": "main", "structs": [
            {"name": "Drawn", "is_event": true, "fields": []},
            {"name": "Store", "is_event": false, "fields": [{"name": "spins", "type": field}]},
        ]});
        assert_eq!(Published::names(&abi), names);
        let published = Published { lottery: Published::names(&abi), ..Published::default() };
        let place = |name: &&str| {
            if name.contains("::h") { (*name).to_owned() } else { format!("0xa::main_v2::{name}") }
        };
        assert_eq!(types(&["lottery"], &published).unwrap(), names.iter().map(place).collect::<Vec<_>>());
    }
}
