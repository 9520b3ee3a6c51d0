//! The typed picture of one subscription and its lottery: what every tool after the collector reads.
//!
//! `null` is *not known*, never zero; the record's `views` say why. A Move `Option` that was read is a list of
//! none or one, so that "known to be unset" and "unknown" stay apart.

pub mod consumer;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::consumer::Consumer;
use crate::address::Address;
use crate::amount::{Count, GasPrice, GasUnits, Quants};

/// The answer to an `Option<T>` on chain, written as a list of none or one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maybe<T>(pub Option<T>);

impl<T: Serialize> Serialize for Maybe<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut items = Vec::<T>::deserialize(deserializer)?;
        match items.len() {
            0 => Ok(Self(None)),
            1 => Ok(Self(items.pop())),
            many => Err(serde::de::Error::invalid_length(many, &"a list of none or one")),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Maybe<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Maybe_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let item = generator.subschema_for::<T>();
        schemars::json_schema!({"type": "array", "items": item, "maxItems": 1})
    }
}

/// Everything that was read from the chain in one run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct State {
    /// The chain itself.
    pub chain: Chain,
    /// The subscription in the dVRF `deposit` module.
    pub deposit: Deposit,
    /// The lottery contract.
    pub lottery: Lottery,
    /// A contract of another layout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer: Option<Consumer>,
}

/// Which chain answered, and how fresh it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Chain {
    /// Chain id: 8 mainnet, 6 testnet, 50 devnet.
    pub id: Option<u8>,
    /// The chain's own clock in microseconds since 1970 (`0x1::timestamp::now_microseconds`).
    pub time_us: Option<Count>,
    /// The modules `ADDRESS::module` whose bytecode differs from that of the day before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upgraded_modules: Vec<String>,
}

/// The prepaid subscription of one client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Deposit {
    /// The client's fund in quants (`check_client_fund`). Whether it includes the grant is not documented.
    pub balance: Option<Quants>,
    /// The client's minimum in quants (`check_min_balance_client_v2`); see [`Deposit::refusal_minimum`].
    pub min_balance: Option<Quants>,
    /// Supra's own minimum for all clients in quants, or the larger of both minimums on chains that only answer that
    /// (`check_min_balance_supra_v2`).
    pub supra_min_balance: Option<Quants>,
    /// The chain's own verdict, `true` is bad (`has_minimum_balance_reached_v2`).
    pub at_or_below_minimum: Option<bool>,
    /// What is left above the minimum (`check_effective_balance_v2`, else `balance − min_balance`, not below 0).
    pub effective_balance: Option<Quants>,
    /// The grant left; callback fees take it before the deposit (`get_client_remaining_grant`).
    pub grant_remaining: Option<Quants>,
    /// The grant ever given (`get_client_total_grant`).
    pub grant_total: Option<Quants>,
    /// The highest fee one callback may cost, in quants (`check_max_txn_fee_client_v2`).
    pub max_txn_fee: Option<Quants>,
    /// How many callbacks the minimum must cover (`min_request_count`).
    pub min_request_count: Option<Count>,
    /// The client's gas price limit on chains that have one (`checkMaxGasPriceClient`).
    pub max_gas_price: Option<GasPrice>,
    /// The client's gas limit on chains that have one (`checkMaxGasLimitClient`).
    pub max_gas_limit: Option<GasUnits>,
    /// Whether the client is whitelisted (`is_client_whitelisted_v2`).
    pub client_whitelisted: Option<bool>,
    /// Whether Supra paused the deposit module (`is_contract_paused`).
    pub paused: Option<bool>,
    /// The client's consumer modules (dVRF 3, `get_client_modules_info`).
    pub modules: Option<Vec<Module>>,
    /// The client's whitelisted contracts (dVRF 2, `get_clients_contract`).
    pub contracts: Option<Vec<Address>>,
    /// When a dVRF 2 subscription ends, seconds since 1970 (`get_subscription_by_client`).
    pub subscription_ends_at_s: Option<Count>,
    /// Whether a dVRF 2 subscription is active, on chains that say so (`getSubscriptionInfoByClient`).
    pub subscription_active: Option<bool>,
}

impl Deposit {
    /// The balance in quants at or below which requests are refused: the larger of the client's and Supra's minimum.
    ///
    /// It is too small if [`Self::supra_min_balance`] is not known.
    pub fn refusal_minimum(&self) -> Option<Quants> {
        self.min_balance.map(|minimum| minimum.max(self.supra_min_balance.unwrap_or_default()))
    }

    /// Whether the balance is at or below the minimum by the numbers; `None` if that is not certain.
    pub fn is_at_minimum(&self) -> Option<bool> {
        let (balance, minimum) = self.balance.zip(self.refusal_minimum())?;
        let is_low = balance <= minimum;
        (is_low || self.supra_min_balance.is_some()).then_some(is_low)
    }
}

/// A consumer module of the client (`deposit::ClientModuleInfo`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Module {
    /// The marker type `0x…::module::T`.
    pub module_type: String,
    /// The callback fee limit of the module, in quants.
    pub max_callback_txn_fee: Quants,
    /// The minimum balance that the chain computed for it, in quants.
    pub min_balance_limit: Quants,
    /// Whether requests of this module are answered.
    pub enabled: bool,
}

/// The lottery contract (`main_v2`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Lottery {
    /// Tickets sold in this round.
    pub ticket_count: Option<Count>,
    /// Whether a draw is due: true from the fifth ticket on.
    pub draw_scheduled: Option<bool>,
    /// Whether a randomness request waits for its answer.
    pub pending_request: Option<bool>,
    /// The nonce of the pending request; only the `LotteryData` resource has it.
    pub pending_nonce: Option<Maybe<Count>>,
    /// The client seed of the next request; only the `LotteryData` resource has it.
    pub next_client_seed: Option<Count>,
    /// The jackpot in units of the lottery's own token.
    pub jackpot_amount: Option<Count>,
    /// Randomness requests ever made.
    pub rng_request_count: Option<Count>,
    /// Randomness answers ever handled.
    pub rng_response_count: Option<Count>,
    /// The whitelisted callback senders: none or one, and several on some older contracts.
    pub aggregator: Option<Vec<Address>>,
    /// Accounts that may request a draw.
    pub consumers: Option<Vec<Address>>,
    /// How randomness is requested.
    pub vrf_request_config: Option<Maybe<VrfRequestConfig>>,
    /// The gas settings in force.
    pub gas: Gas,
    /// What the client whitelisting was recorded with.
    pub client_snapshot: Option<Maybe<ClientSnapshot>>,
    /// What the consumer whitelisting was recorded with.
    pub consumer_snapshot: Option<Maybe<ConsumerSnapshot>>,
    /// The recorded minimum balance in quants.
    pub min_balance_snapshot: Option<Maybe<Quants>>,
}

/// The lottery's gas settings (`get_vrf_gas_config`, `get_callback_gas_config`, `get_verification_gas_value`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Gas {
    /// Highest price per gas unit.
    pub max_gas_price: Option<GasPrice>,
    /// Highest gas of one request.
    pub max_gas_limit: Option<GasUnits>,
    /// Price per gas unit of the callback.
    pub callback_gas_price: Option<GasPrice>,
    /// Gas limit of the callback.
    pub callback_gas_limit: Option<GasUnits>,
    /// Gas of the signature verification.
    pub verification_gas_value: Option<GasUnits>,
}

/// `VrfRequestConfig` of the lottery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VrfRequestConfig {
    /// Random words per request.
    pub rng_count: u8,
    /// The client seed of the next request.
    pub client_seed: Count,
}

/// `ClientWhitelistSnapshot` of the lottery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientSnapshot {
    /// Gas price at whitelisting.
    pub max_gas_price: GasPrice,
    /// Gas limit at whitelisting.
    pub max_gas_limit: GasUnits,
    /// Minimum balance at whitelisting, in quants.
    pub min_balance_limit: Quants,
}

/// `ConsumerWhitelistSnapshot` of the lottery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsumerSnapshot {
    /// Callback gas price at whitelisting.
    pub callback_gas_price: GasPrice,
    /// Callback gas limit at whitelisting.
    pub callback_gas_limit: GasUnits,
}
