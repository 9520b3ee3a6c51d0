//! The values the tools want, and for each the functions that may answer it, in order of preference.
//!
//! Official snake_case names of dVRF 3 come first, then the older snake_case set, then the camelCase names of the
//! EVM contract that the old scripts used. The first one is asked; if the chain denies it, the module's ABI narrows the
//! rest, and without an ABI they are asked in turn.

/// Which contract holds a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// The dVRF `deposit` module.
    Deposit,
    /// The lottery's module.
    Lottery,
    /// `0x1::timestamp`, and what a node says of the chain itself.
    Chain,
}

/// What a function is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Nothing: no argument.
    Nothing,
    /// The client's address.
    Client,
    /// A list with the client's address.
    ClientList,
    /// The lottery's address, as the consuming contract.
    Consumer,
}

/// One way to get a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Candidate {
    /// A view function of its own.
    View(&'static str, Subject),
    /// A field of the client's row in a view that answers several values at once.
    Row(&'static str, &'static str),
    /// A part of the lottery's `LotteryData` resource, which replaces about ten views.
    LotteryData,
    /// A part of the latest block's header.
    Block,
    /// The node's answer to the question for the chain id.
    ChainId,
}

/// A value that is wanted from the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "a variant is its view; the typed field in `state` documents the value")]
pub enum Wanted {
    LotteryStatus,
    VrfRequestConfig,
    WhitelistStatus,
    Balance,
    MinBalance,
    SupraMinBalance,
    MinBalanceReached,
    ContractDetails,
    SubscriptionInfo,
    WhitelistedContracts,
    MaxGasPrice,
    MaxGasLimit,
    ChainTime,
    EffectiveBalance,
    GrantRemaining,
    GrantTotal,
    MaxTxnFee,
    MinRequestCount,
    ClientWhitelisted,
    Paused,
    Modules,
    Contracts,
    PendingNonce,
    VrfGasConfig,
    CallbackGasConfig,
    VerificationGas,
    ClientSnapshot,
    ConsumerSnapshot,
    MinBalanceSnapshot,
    ChainId,
}

impl Wanted {
    /// Returns whether a verdict depends on the value. Such a value is asked for in every run, even if no function
    /// answered it before: a chain that denied it once may have been a node with a bad moment.
    pub fn decides(self) -> bool {
        !matches!(
            self,
            Self::ContractDetails
                | Self::WhitelistedContracts
                | Self::MaxGasPrice
                | Self::MaxGasLimit
                | Self::EffectiveBalance
                | Self::GrantRemaining
                | Self::GrantTotal
                | Self::MaxTxnFee
                | Self::MinRequestCount
                | Self::VrfRequestConfig
                | Self::VerificationGas
                | Self::ClientSnapshot
                | Self::ConsumerSnapshot
                | Self::MinBalanceSnapshot
        )
    }

    /// Returns whether the value says how the client's deposit compares with its minimum, or whether the node that says so
    /// can be trusted.
    pub fn is_of_deposit_verdict(self) -> bool {
        matches!(
            self,
            Self::Balance
                | Self::MinBalance
                | Self::SupraMinBalance
                | Self::MinBalanceReached
                | Self::MaxTxnFee
                | Self::GrantRemaining
                | Self::ClientWhitelisted
                | Self::ChainId
                | Self::ChainTime
        )
    }
}

/// How a value is read.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Which value.
    pub wanted: Wanted,
    /// Its key in the record's `views`.
    pub key: &'static str,
    /// The contract that holds it.
    pub place: Place,
    /// The ways to get it, best first; none for the lottery, whose layout has them.
    pub(crate) candidates: &'static [Candidate],
    /// How it is read where calls count, which is the default.
    pub lean: LeanMode,
}

/// How a value is read in as few calls as possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeanMode {
    /// By its own candidates.
    Same,
    /// This way first: one call answers it together with other values or for other clients.
    Batched(Candidate),
    /// Asked only where it does not follow from the others.
    Derived,
    /// Asked only where this value of a newer interface is not answered.
    Replaced(Wanted),
    /// Not read: no verdict depends on it.
    Skipped,
}

use Candidate::{Block, ChainId, LotteryData, Row, View};
use LeanMode::{Batched, Derived, Replaced, Skipped};
use Subject::{Client, ClientList, Consumer, Nothing};

/// The row view of dVRF 3 that answers several values of a client in one call.
pub const CLIENT_ROWS: &str = "get_balance_of_client_v2";

const fn entry(wanted: Wanted, key: &'static str, place: Place, candidates: &'static [Candidate]) -> Entry {
    Entry { wanted, key, place, candidates, lean: LeanMode::Same }
}

/// A value of the lottery, whose layout names the ways to get it.
const fn of_lottery(wanted: Wanted, key: &'static str) -> Entry {
    entry(wanted, key, Place::Lottery, &[])
}

impl Entry {
    const fn lean(mut self, lean: LeanMode) -> Self {
        self.lean = lean;
        self
    }
}

/// The whole catalogue. The first eleven are the old report's, in its order.
pub const CATALOGUE: &[Entry] = &[
    of_lottery(Wanted::LotteryStatus, "lottery_status").lean(Batched(LotteryData)),
    of_lottery(Wanted::VrfRequestConfig, "vrf_request_config").lean(Batched(LotteryData)),
    of_lottery(Wanted::WhitelistStatus, "whitelist_status").lean(Batched(LotteryData)),
    entry(
        Wanted::Balance,
        "balance",
        Place::Deposit,
        &[Row(CLIENT_ROWS, "balance"), View("check_client_fund", Client), View("checkClientFund", Client)],
    ),
    entry(
        Wanted::MinBalance,
        "min_balance",
        Place::Deposit,
        &[
            View("check_min_balance_client_v2", Client),
            // The larger of the client's and Supra's minimum, where check_min_balance_client is only the client's.
            View("check_min_balance", Client),
            View("check_min_balance_client", Client),
            View("checkMinBalanceClient", Client),
        ],
    )
    .lean(Batched(Row(CLIENT_ROWS, "min_balance_limit"))),
    entry(
        Wanted::MinBalanceReached,
        "min_balance_reached",
        Place::Deposit,
        &[
            View("has_minimum_balance_reached_v2", Client),
            View("has_minimum_balance_reached", Client),
            View("isMinimumBalanceReached", Client),
        ],
    ),
    entry(
        Wanted::ContractDetails,
        "contract_details",
        Place::Deposit,
        &[View("get_client_modules_info", Client), View("getContractDetails", Consumer)],
    ),
    entry(
        Wanted::SubscriptionInfo,
        "subscription_info",
        Place::Deposit,
        &[View("get_subscription_by_client", Client), View("getSubscriptionInfoByClient", Client)],
    )
    .lean(Replaced(Wanted::Modules)),
    entry(
        Wanted::WhitelistedContracts,
        "whitelisted_contracts",
        Place::Deposit,
        &[
            View("get_client_modules_info", Client),
            View("get_clients_contract", Client),
            View("listAllWhitelistedContractByClient", Client),
        ],
    ),
    entry(
        Wanted::SupraMinBalance,
        "supra_min_balance",
        Place::Deposit,
        &[
            View("check_min_balance_supra_v2", Nothing),
            View("check_min_balance_supra", Nothing),
            // The larger of the client's and Supra's minimum.
            View("check_min_balance", Client),
        ],
    ),
    entry(Wanted::MaxGasPrice, "max_gas_price", Place::Deposit, &[View("checkMaxGasPriceClient", Client)])
        .lean(Replaced(Wanted::MaxTxnFee)),
    entry(Wanted::MaxGasLimit, "max_gas_limit", Place::Deposit, &[View("checkMaxGasLimitClient", Client)])
        .lean(Replaced(Wanted::MaxTxnFee)),
    entry(Wanted::ChainId, "chain_id", Place::Chain, &[Block, ChainId]),
    entry(Wanted::ChainTime, "chain_time", Place::Chain, &[Block, View("now_microseconds", Nothing)]),
    entry(
        Wanted::EffectiveBalance,
        "effective_balance",
        Place::Deposit,
        &[View("check_effective_balance_v2", Client), View("check_effective_balance", Client)],
    )
    .lean(Derived),
    entry(
        Wanted::GrantRemaining,
        "grant_remaining",
        Place::Deposit,
        &[Row(CLIENT_ROWS, "current_grant"), View("get_client_remaining_grant", Client)],
    ),
    entry(Wanted::GrantTotal, "grant_total", Place::Deposit, &[View("get_client_total_grant", Client)])
        .lean(Skipped),
    entry(
        Wanted::MaxTxnFee,
        "max_txn_fee",
        Place::Deposit,
        &[Row(CLIENT_ROWS, "max_txn_fee"), View("check_max_txn_fee_client_v2", Client)],
    ),
    entry(
        Wanted::MinRequestCount,
        "min_request_count",
        Place::Deposit,
        &[View("min_request_count", Nothing)],
    )
    .lean(Derived),
    entry(
        Wanted::ClientWhitelisted,
        "client_whitelisted",
        Place::Deposit,
        &[View("is_client_whitelisted_v2", Client), View("is_client_whitelisted", Client)],
    )
    .lean(Derived),
    entry(Wanted::Paused, "paused", Place::Deposit, &[View("is_contract_paused", Nothing)]),
    entry(Wanted::Modules, "modules", Place::Deposit, &[View("get_client_modules_info", Client)]),
    entry(
        Wanted::Contracts,
        "contracts",
        Place::Deposit,
        &[View("get_clients_contract", Client), View("listAllWhitelistedContractByClient", Client)],
    )
    .lean(Replaced(Wanted::Modules)),
    of_lottery(Wanted::PendingNonce, "pending_nonce"),
    of_lottery(Wanted::VrfGasConfig, "vrf_gas_config"),
    of_lottery(Wanted::CallbackGasConfig, "callback_gas_config"),
    of_lottery(Wanted::VerificationGas, "verification_gas_value"),
    of_lottery(Wanted::ClientSnapshot, "client_snapshot"),
    of_lottery(Wanted::ConsumerSnapshot, "consumer_snapshot"),
    of_lottery(Wanted::MinBalanceSnapshot, "min_balance_snapshot").lean(Derived),
];

impl Subject {
    /// The parameter types that a module ABI shows for a function asked about this.
    pub fn abi_params(self) -> &'static [&'static str] {
        match self {
            Nothing => &[],
            Client | Consumer => &["address"],
            ClientList => &["vector<address>"],
        }
    }
}

impl Candidate {
    /// The function's name and parameters, where the candidate is a function.
    pub fn function(self) -> Option<(&'static str, Subject)> {
        match self {
            View(name, subject) => Some((name, subject)),
            Row(name, _) => Some((name, ClientList)),
            LotteryData | Block | ChainId => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn keys_and_values_are_unique() {
        let keys: BTreeSet<_> = CATALOGUE.iter().map(|entry| entry.key).collect();
        let values: BTreeSet<_> = CATALOGUE.iter().map(|entry| entry.wanted).collect();
        assert_eq!((keys.len(), values.len()), (CATALOGUE.len(), CATALOGUE.len()));
    }

    #[test]
    fn names_are_identifiers() {
        for entry in CATALOGUE.iter().filter(|entry| entry.place != Place::Lottery) {
            assert!(!entry.candidates.is_empty());
            for (name, _) in entry.candidates.iter().filter_map(|candidate| candidate.function()) {
                assert!(crate::view::is_identifier(name), "{name}");
            }
        }
    }
}
