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
        let value = self.data.get(field)?;
        value.as_str().map_or_else(|| value.as_u64().map(u128::from), |text| text.parse().ok())
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

/// The event types in the ABIs of the modules; empty for a module whose ABI names none.
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
    /// Returns the event structs of an ABI.
    pub fn names(abi: &Value) -> Vec<String> {
        let structs = abi.get("structs").and_then(Value::as_array).into_iter().flatten();
        let events = structs.filter(|item| item.get("is_event") == Some(&Value::Bool(true)));
        events.filter_map(|item| item.get("name")?.as_str().map(str::to_owned)).collect()
    }
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
        let tag =
            |name: String| place.map(|(address, module)| format!("{}::{module}::{name}", address.short()));
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
    let base = word.split('<').next().unwrap_or(word);
    if let Ok(id) = base.parse::<FunctionId>() {
        let rest = &word[base.len()..];
        return Ok(format!("{}::{}::{}{rest}", id.address.short(), id.module, id.name));
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

    #[test]
    fn the_abi_goes_before_our_list() {
        let abi = serde_json::json!({"structs": [{"name": "A", "is_event": true}, {"name": "B", "is_event": false}]});
        let published = Published { deposit: Published::names(&abi), ..Published::default() };
        assert_eq!(types(&["deposit"], &published).unwrap(), ["0xb::deposit::A"]);
    }
}
