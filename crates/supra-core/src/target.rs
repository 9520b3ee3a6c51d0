//! What is watched: one subscription and the lottery behind it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Address;

/// One subscription and its lottery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// The CLI profile, and the subscription's name in reports.
    pub profile: Option<String>,
    /// The lottery contract; without one only the subscription is watched.
    pub lottery: Option<Address>,
    /// The layout of the contract, where it is not the lottery's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// The contract, where it has another layout than the lottery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<Address>,
    /// The dVRF package.
    pub deposit: Address,
    /// The account whose deposit pays.
    pub client: Address,
    /// Module of the lottery contract.
    pub lottery_module: String,
    /// Module of the deposit contract.
    pub deposit_module: String,
    /// Chain id the answers must come from.
    pub chain_id: Option<u8>,
}

/// The addresses as they were given: the old keys of a report repeat them to the letter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GivenAddresses {
    /// `lottery_addr`.
    pub lottery: Option<String>,
    /// `deposit_addr`.
    pub deposit: Option<String>,
    /// `client_addr`.
    pub client: Option<String>,
}

impl Target {
    /// A lottery that pays for itself, in the modules that the contracts usually have, on any chain.
    pub fn of_lottery(lottery: Address, deposit: Address) -> Self {
        Self {
            profile: None,
            lottery: Some(lottery),
            layout: None,
            consumer: None,
            deposit,
            client: lottery,
            lottery_module: "main_v2".to_owned(),
            deposit_module: "deposit".to_owned(),
            chain_id: None,
        }
    }
}
