//! The dVRF package: subscriptions, what a request needs, what a callback costs, the `deposit` views.

use crate::abort::{Abort, CallError};
use crate::address::Address;
use crate::call::Args;
use crate::move_json::{num, opt64};
use crate::names::Names;
use serde_json::{Value, json};

/// Requests a minimum balance covers, the on-chain `min_request_count`.
pub(crate) const MIN_REQUEST_COUNT: u128 = 30;
/// The floor of Supra itself, one SUPRA.
pub(crate) const SUPRA_MIN: u128 = 100_000_000;

pub(crate) const ECLIENT_NOT_EXIST: u64 = 0x6_0001;
pub(crate) const EINVALID_CLIENT_CONTRACT: u64 = 0x5_0004;
pub(crate) const EMIN_BALANCE_REACHED: u64 = 0x2_0005;
pub(crate) const ECONTRACT_IS_PAUSED: u64 = 0x5_0005;
/// Both of `supra_vrf::verify_callback`.
pub(crate) const EINVALID_MESSAGE: u64 = 0x1_0003;
pub(crate) const EINVALID_SIGNATURE: u64 = 0xB_0002;
pub(crate) const EMIN_BALANCE: u64 = 0x7_000B;
pub(crate) const EINVALID_AMOUNT: u64 = 0x1_000C;

#[derive(Clone, Debug)]
pub(crate) struct ModuleInfo {
    pub(crate) type_info: String,
    pub(crate) max_callback_txn_fee: u128,
    pub(crate) enabled: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) address: Address,
    pub(crate) balance: u128,
    pub(crate) grant: u128,
    pub(crate) total_grant: u128,
    pub(crate) max_txn_fee: u128,
    pub(crate) contracts: Vec<Address>,
    pub(crate) modules: Vec<ModuleInfo>,
    pub(crate) start_seconds: u64,
    pub(crate) end_seconds: u64,
    pub(crate) max_gas_price: u128,
    pub(crate) max_gas_limit: u128,
    pub(crate) callback_gas_price: u128,
    pub(crate) callback_gas_limit: u128,
}

impl Client {
    pub(crate) fn min(&self) -> u128 {
        self.max_txn_fee.saturating_mul(MIN_REQUEST_COUNT)
    }

    pub(crate) fn at_minimum(&self) -> bool {
        self.balance <= self.min().max(SUPRA_MIN)
    }

    fn module_json(&self, module: &ModuleInfo) -> Value {
        json!({
            "module_type_info": module.type_info,
            "max_callback_txn_fee": opt64(module.max_callback_txn_fee),
            "min_balance_limit": opt64(self.min()),
            "balance": opt64(self.balance),
            "enabled": module.enabled,
            "current_grant": opt64(self.grant),
        })
    }

    /// Spends the grant first, as the public fee pages say; `false` when both together do not cover it.
    pub(crate) fn charge(&mut self, fee: u128) -> bool {
        let granted = fee.min(self.grant);
        let Some(left) = self.balance.checked_sub(fee - granted) else { return false };
        self.grant -= granted;
        self.balance = left;
        true
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Deposit {
    pub(crate) clients: Vec<Client>,
    pub(crate) paused: bool,
}

impl Deposit {
    pub(crate) fn client(&self, address: Address) -> Option<&Client> {
        self.clients.iter().find(|client| client.address == address)
    }

    pub(crate) fn client_mut(&mut self, address: Address) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| client.address == address)
    }

    /// What `rng_request` asserts before it takes a nonce.
    pub(crate) fn admit(&self, names: &Names, requester: Address, consumer: Address) -> Result<(), Abort> {
        let vrf = |code| Abort { address: names.dvrf, module: names.vrf_module.clone(), code };
        let client = self.client(requester).ok_or_else(|| vrf(EINVALID_CLIENT_CONTRACT))?;
        // A client that asks as V2 did has no modules.
        let disabled = !client.modules.is_empty() && client.modules.iter().all(|m| !m.enabled);
        if !client.contracts.contains(&consumer) || disabled {
            return Err(vrf(EINVALID_CLIENT_CONTRACT));
        }
        if client.at_minimum() {
            return Err(vrf(EMIN_BALANCE_REACHED));
        }
        if self.paused {
            return Err(Abort { code: ECONTRACT_IS_PAUSED, ..names.at_deposit(0) });
        }
        Ok(())
    }

    pub(crate) fn view(
        &self,
        names: &Names,
        function: &str,
        args: &Args<'_>,
    ) -> Result<Vec<Value>, CallError> {
        if let Some(constant) = self.constant(function) {
            return Ok(constant);
        }
        if matches!(function, "get_balance_of_client_v2" | "get_balance_of_client") {
            return self.balances(names, function.ends_with("_v2"), args);
        }
        if function == "get_module_info" || function == "is_module_enabled" {
            return self.by_marker(names, function, args);
        }
        if function == "getContractDetails" {
            return self.contract_details(names, args);
        }
        if function == "getMinBalanceLimit" {
            let fee = args.number(0)?.checked_mul(args.number(1)?.saturating_add(25_000));
            let min = fee.and_then(|fee| fee.checked_mul(MIN_REQUEST_COUNT));
            return min.map(|min| vec![num(min)]).ok_or_else(|| CallError::Abort(names.at_deposit(0x2_0001)));
        }
        let address = args.address(0)?;
        let found = self.client(address);
        match function {
            "is_client_whitelisted_v2" | "is_client_whitelisted" => return Ok(vec![json!(found.is_some())]),
            "check_client_fund" => return Ok(vec![opt64(found.map_or(0, |c| c.balance))]),
            "checkClientFund" => return Ok(vec![num(found.map_or(0, |c| c.balance))]),
            _ => {}
        }
        let client = found.ok_or_else(|| CallError::Abort(names.at_deposit(ECLIENT_NOT_EXIST)))?;
        Self::of_client(client, function, args)
    }

    fn constant(&self, function: &str) -> Option<Vec<Value>> {
        Some(vec![match function {
            "is_contract_paused" => json!(self.paused),
            "min_request_count" => num(MIN_REQUEST_COUNT),
            "default_supra_grant" => num(500_000_000),
            "check_min_balance_supra_v2" | "check_min_balance_supra" => num(SUPRA_MIN),
            "get_deposit_management_object_address" => {
                json!(Address::from_bytes(crate::digest::bytes("dmo", 0, 0)).to_string())
            }
            "get_balance_object_address" => {
                json!(Address::from_bytes(crate::digest::bytes("bo", 0, 0)).to_string())
            }
            _ => return None,
        }])
    }

    fn of_client(client: &Client, function: &str, args: &Args<'_>) -> Result<Vec<Value>, CallError> {
        let contracts = || json!(client.contracts.iter().map(ToString::to_string).collect::<Vec<_>>());
        Ok(vec![match function {
            "check_min_balance_client_v2" | "check_min_balance_client" => opt64(client.min()),
            "check_min_balance" => opt64(client.min().max(SUPRA_MIN)),
            "checkMinBalanceClient" => num(client.min()),
            "check_max_txn_fee_client_v2" => opt64(client.max_txn_fee),
            "get_client_remaining_grant" => opt64(client.grant),
            "get_client_total_grant" => opt64(client.total_grant),
            "check_effective_balance_v2" | "check_effective_balance" => {
                opt64(client.balance.saturating_sub(client.min()))
            }
            "checkEffectiveBalance" => num(client.balance.saturating_sub(client.min())),
            "has_minimum_balance_reached_v2" | "has_minimum_balance_reached" | "isMinimumBalanceReached" => {
                json!(client.at_minimum())
            }
            "get_client_modules_info" => {
                json!(client.modules.iter().map(|module| client.module_json(module)).collect::<Vec<_>>())
            }
            "get_clients_contract" | "listAllWhitelistedContractByClient" => contracts(),
            "countTotalWhitelistedContractByClient" => num(client.contracts.len() as u128),
            "is_contract_eligible" => json!(client.contracts.contains(&args.address(1)?)),
            "get_subscription_by_client" => json!({
                "start_date": client.start_seconds.to_string(), "end_date": client.end_seconds.to_string(),
            }),
            "getSubscriptionInfoByClient" => {
                return Ok(vec![json!(client.end_seconds.to_string()), json!(false)]);
            }
            "checkMaxGasPriceClient" => num(client.max_gas_price),
            "checkMaxGasLimitClient" => num(client.max_gas_limit),
            other => return Err(CallError::not_a_view(other)),
        }])
    }

    fn balances(&self, names: &Names, v2: bool, args: &Args<'_>) -> Result<Vec<Value>, CallError> {
        let addresses = args.addresses(0)?;
        if addresses.is_empty() {
            return Err(CallError::Abort(names.at_deposit(0x1_0000)));
        }
        let rows = addresses.into_iter().map(|address| {
            let client = self.client(address);
            let of = |get: fn(&Client) -> u128| opt64(client.map_or(0, get));
            if v2 {
                json!({"client_address": address.to_string(), "min_balance_limit": of(Client::min), "balance": of(|c| c.balance),
                    "current_grant": of(|c| c.grant), "max_txn_fee": of(|c| c.max_txn_fee)})
            } else {
                json!({"client_address": address.to_string(), "min_balance_limit": of(Client::min), "balance": of(|c| c.balance)})
            }
        });
        Ok(vec![rows.collect()])
    }

    fn by_marker(&self, names: &Names, function: &str, args: &Args<'_>) -> Result<Vec<Value>, CallError> {
        let marker = args.type_argument(0)?;
        for client in &self.clients {
            if let Some(module) = client.modules.iter().find(|m| m.type_info == marker) {
                return Ok(vec![if function == "is_module_enabled" {
                    json!(module.enabled)
                } else {
                    client.module_json(module)
                }]);
            }
        }
        Err(CallError::Abort(names.at_deposit(ECLIENT_NOT_EXIST)))
    }

    fn contract_details(&self, names: &Names, args: &Args<'_>) -> Result<Vec<Value>, CallError> {
        let contract = args.address(0)?;
        let client = self.clients.iter().find(|client| client.contracts.contains(&contract));
        let client = client.ok_or_else(|| CallError::Abort(names.at_deposit(0x6_0009)))?;
        Ok(vec![num(client.callback_gas_price), num(client.callback_gas_limit)])
    }
}
