//! The functions that each module publishes; the ABI and the check of calls use the same table.

mod consumers;

pub(crate) use consumers::{CORE_LAYOUT, DICE, HUB_HANDLES, MULTI, WHEEL, WHEEL_HANDLES, aborts};

use crate::abort::Words;
use crate::bytecode;
use crate::options::ChainOptions;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    Any,
    V3,
    V2,
    Camel,
}

pub(crate) struct Function {
    pub(crate) set: Set,
    pub(crate) name: &'static str,
    pub(crate) generic: bool,
    pub(crate) view: bool,
    /// Space separated.
    params: &'static str,
    returns: &'static str,
}

const fn view(set: Set, name: &'static str, params: &'static str, returns: &'static str) -> Function {
    Function { set, name, generic: false, view: true, params, returns }
}

const fn entry(set: Set, name: &'static str, params: &'static str) -> Function {
    Function { set, name, generic: false, view: false, params, returns: "" }
}

const fn generic(
    set: Set,
    name: &'static str,
    is_view: bool,
    params: &'static str,
    returns: &'static str,
) -> Function {
    Function { set, name, generic: true, view: is_view, params, returns }
}

use Set::{Any, Camel, V2, V3};

pub(crate) const DEPOSIT: &[Function] = &[
    view(V3, "is_client_whitelisted_v2", "address", "bool"),
    view(Any, "check_client_fund", "address", "u64"),
    view(V3, "check_min_balance_client_v2", "address", "u64"),
    view(V3, "check_max_txn_fee_client_v2", "address", "u64"),
    view(V3, "check_effective_balance_v2", "address", "u64"),
    view(V3, "has_minimum_balance_reached_v2", "address", "bool"),
    view(V3, "get_client_remaining_grant", "address", "u64"),
    view(V3, "get_client_total_grant", "address", "u64"),
    view(V3, "get_client_modules_info", "address", "vector<@ClientModuleInfo>"),
    generic(V3, "is_module_enabled", true, "", "bool"),
    generic(V3, "get_module_info", true, "", "@ClientModuleInfo"),
    view(V3, "get_balance_of_client_v2", "vector<address>", "vector<@ClientFundInfo>"),
    view(V3, "is_contract_paused", "", "bool"),
    view(V3, "min_request_count", "", "u64"),
    view(V3, "default_supra_grant", "", "u64"),
    view(V3, "check_min_balance_supra_v2", "", "u64"),
    view(Any, "get_deposit_management_object_address", "", "address"),
    view(V3, "get_balance_object_address", "", "address"),
    view(V2, "is_client_whitelisted", "address", "bool"),
    view(V2, "is_contract_eligible", "address address", "bool"),
    view(V2, "has_minimum_balance_reached", "address", "bool"),
    view(V2, "check_min_balance", "address", "u64"),
    view(V2, "check_min_balance_supra", "", "u64"),
    view(V2, "check_min_balance_client", "address", "u64"),
    view(V2, "check_effective_balance", "address", "u64"),
    view(V2, "get_clients_contract", "address", "vector<address>"),
    view(V2, "get_subscription_by_client", "address", "@SubscriptionPeriod"),
    view(V2, "get_balance_of_client", "vector<address>", "vector<@ClientBalanceInfo>"),
    view(Camel, "checkClientFund", "address", "u128"),
    view(Camel, "checkMinBalanceClient", "address", "u128"),
    view(Camel, "isMinimumBalanceReached", "address", "bool"),
    view(Camel, "checkEffectiveBalance", "address", "u128"),
    view(Camel, "getContractDetails", "address", "u128 u128"),
    view(Camel, "getSubscriptionInfoByClient", "address", "u64 bool"),
    view(Camel, "listAllWhitelistedContractByClient", "address", "vector<address>"),
    view(Camel, "countTotalWhitelistedContractByClient", "address", "u256"),
    view(Camel, "checkMaxGasPriceClient", "address", "u128"),
    view(Camel, "checkMaxGasLimitClient", "address", "u128"),
    view(Camel, "getMinBalanceLimit", "u128 u128", "u128"),
    entry(V3, "deposit_fund_v2", "&signer address u64"),
    entry(V2, "deposit_fund", "&signer u64"),
    entry(Any, "withdraw_fund", "&signer u64"),
    entry(V3, "whitelist_client_address", "&signer u64"),
    entry(V3, "update_max_txn_fee", "&signer u64"),
    generic(V3, "enable_module", false, "&signer", ""),
    generic(V3, "disable_module", false, "&signer", ""),
];

pub(crate) const VRF: &[Function] = &[
    view(Any, "get_dkg_object_address", "", "address"),
    view(Any, "get_config_object_address", "", "address"),
    view(Any, "get_nonce_processed_object_address", "", "address"),
];

pub(crate) const LOTTERY: &[Function] = &[
    view(Any, "get_ticket_price", "", "u64"),
    view(Any, "get_ticket_count", "", "u64"),
    view(Any, "get_jackpot_amount", "", "u64"),
    view(Any, "get_max_gas_fee", "", "u64"),
    view(Any, "is_vrf_request_pending", "", "bool"),
    view(Any, "get_vrf_gas_config", "", "u128 u128"),
    view(Any, "get_verification_gas_value", "", "u128"),
    view(Any, "get_callback_gas_config", "", "u128 u128"),
    view(Any, "get_rng_counters", "", "u64 u64"),
    view(Any, "get_lottery_status", "", "@LotteryStatus"),
    view(Any, "get_registered_tickets", "", "vector<address>"),
    view(Any, "get_whitelist_status", "", "@WhitelistStatus"),
    view(Any, "get_client_whitelist_snapshot", "", "0x1::option::Option<@ClientWhitelistSnapshot>"),
    view(Any, "get_min_balance_limit_snapshot", "", "0x1::option::Option<u128>"),
    view(Any, "get_consumer_whitelist_snapshot", "", "0x1::option::Option<@ConsumerWhitelistSnapshot>"),
    view(Any, "get_vrf_request_config", "", "0x1::option::Option<@VrfRequestConfig>"),
    entry(Any, "init", "&signer"),
    entry(Any, "buy_ticket", "&signer"),
    entry(Any, "create_subscription", "&signer u64"),
    entry(Any, "whitelist_callback_sender", "&signer address"),
    entry(Any, "revoke_callback_sender", "&signer"),
    entry(Any, "whitelist_consumer", "&signer address"),
    entry(Any, "remove_consumer", "&signer address"),
    entry(Any, "set_minimum_balance", "&signer"),
    entry(Any, "configure_vrf_gas", "&signer u128 u128 u128 u128 u128"),
    entry(Any, "record_client_whitelist_snapshot", "&signer u128 u128 u128"),
    entry(Any, "record_consumer_whitelist_snapshot", "&signer u128 u128"),
    entry(Any, "configure_vrf_request", "&signer u8 u64"),
    entry(Any, "withdraw_funds", "&signer u64"),
    entry(Any, "manual_draw", "&signer"),
    entry(Any, "simple_draw", "&signer"),
    entry(Any, "on_random_received", "u64 vector<u8> vector<u8> address u8 u64"),
];

pub(crate) const TREASURY: &[Function] = &[
    view(Any, "treasury_balance", "", "u64"),
    view(Any, "balance_of", "address", "u64"),
    view(Any, "store_registered", "address", "bool"),
    view(Any, "store_frozen", "address", "bool"),
    view(Any, "primary_store_address", "address", "address"),
    view(Any, "total_supply", "", "u128"),
    view(Any, "metadata_address", "", "address"),
    view(
        Any,
        "metadata_summary",
        "",
        "0x1::string::String 0x1::string::String u8 0x1::string::String 0x1::string::String",
    ),
    view(Any, "account_status", "address", "bool 0x1::option::Option<address> u64"),
    view(Any, "account_extended_status", "address", "bool bool 0x1::option::Option<address> u64"),
    view(Any, "is_initialized", "", "bool"),
    view(Any, "get_config", "", "u64 u64 u64 u64 u64 u64 u64"),
    view(Any, "get_recipients", "", "address address address address address"),
    entry(Any, "init_token", "&signer vector<u8> vector<u8> vector<u8> u8 vector<u8> vector<u8>"),
    entry(Any, "register_store", "&signer"),
    entry(Any, "register_store_for", "&signer address"),
    entry(Any, "register_stores_for", "&signer vector<address>"),
    entry(Any, "mint_to", "&signer address u64"),
    entry(Any, "burn_from", "&signer address u64"),
    entry(Any, "transfer_between", "&signer address address u64"),
    entry(Any, "set_store_frozen", "&signer address bool"),
    entry(Any, "set_recipients", "&signer address address address address address"),
    entry(Any, "set_config", "&signer u64 u64 u64 u64 u64 u64 u64"),
];

const LOTTERY_EVENTS: &[&str] = &[
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

impl Function {
    /// Arguments a caller passes: signers are listed in the ABI but never passed.
    pub(crate) fn arity(&self) -> usize {
        self.params.split_whitespace().filter(|param| *param != "&signer").count()
    }

    fn json(&self, home: &str) -> Value {
        let split = |list: &str| -> Vec<String> {
            list.split_whitespace().map(|item| item.replace('@', &format!("{home}::"))).collect()
        };
        json!({
            "name": self.name, "visibility": "public", "is_entry": !self.view, "is_view": self.view,
            "generic_type_params": if self.generic { vec![json!({"constraints": []})] } else { Vec::new() },
            "params": split(self.params), "return": split(self.returns),
        })
    }
}

/// The body of a module answer; `home` is `address::module`. The ABIs of testnet do not mark events; the bytecode does.
pub(crate) fn module_json(home: &str, published: &[&Function], kind: &str, options: &ChainOptions) -> Value {
    let recorded = options.words == Words::Recorded;
    let (address, name) = home.split_once("::").unwrap_or((home, ""));
    let (events, others): (&[&str], &[&str]) = match kind {
        "lottery" => (LOTTERY_EVENTS, &[]),
        "deposit" => (&[], &["ClientModuleInfo", "ClientFundInfo"]),
        "vrf" => (&["RequestEvent", "NonceProcessedEvent", "VerifyCallbackEvent"], &[]),
        "treasury" => (&["ConfigUpdatedEvent", "JackpotDistributedEvent"], &[]),
        other => (consumers::marked_events(other), &[]),
    };
    let views: Vec<&str> = published.iter().filter(|f| f.view).map(|f| f.name).collect();
    let bytecode =
        if recorded { bytecode::module(kind, events, &views) } else { "0xa11ceb0b0600000c".to_owned() };
    let mut body = json!({"bytecode": bytecode});
    if options.no_abi {
        return body;
    }
    let structs = events.iter().map(|event| structure(event, true, recorded));
    let structs = structs.chain(others.iter().map(|name| structure(name, false, recorded)));
    let structs: Vec<Value> = structs.chain(handle_structures(kind, home, recorded)).collect();
    let functions: Vec<Value> = published.iter().map(|function| function.json(home)).collect();
    if let Some(object) = body.as_object_mut() {
        object.insert("abi".to_owned(), json!({
            "address": address, "name": name, "friends": [], "exposed_functions": functions, "structs": structs,
        }));
    }
    body
}

/// The resource of a module that publishes its events through handles, and those events.
fn handle_structures(kind: &str, home: &str, recorded: bool) -> Vec<Value> {
    let Some((resource, handles, events)) = consumers::handle_events(kind) else { return Vec::new() };
    let field = |(name, event): (&&str, &&str)| json!({"name": name, "type": format!("0x1::event::EventHandle<{home}::{event}>")});
    let mut state = structure(resource, false, recorded);
    state["abilities"] = json!(["key"]);
    state["fields"] = handles.iter().zip(events).map(field).collect();
    let events = events.iter().map(|event| {
        let mut event = structure(event, false, recorded);
        event["abilities"] = json!(["drop", "store"]);
        event
    });
    std::iter::once(state).chain(events).collect()
}

fn structure(name: &str, event: bool, recorded: bool) -> Value {
    let abilities = if event { ["drop", "store"] } else { ["copy", "drop"] };
    let mut structure = json!({"name": name, "is_native": false, "abilities": abilities, "generic_type_params": [], "fields": []});
    if !recorded && let Some(fields) = structure.as_object_mut() {
        fields.insert("is_event".to_owned(), Value::Bool(event));
    }
    structure
}
