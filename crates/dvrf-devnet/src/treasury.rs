//! The lottery's token: stores, supply, and the views of `treasury_v1`.

use crate::abort::{Abort, CallError};
use crate::address::Address;
use crate::call::Args;
use crate::move_json::{num, option};
use crate::names::Names;
use serde_json::{Value, json};

pub(crate) const BPS_KEYS: [&str; 7] =
    ["bp_jackpot", "bp_prize", "bp_treasury", "bp_marketing", "bp_community", "bp_team", "bp_partners"];

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) name: String,
    pub(crate) symbol: String,
    pub(crate) decimals: u8,
    pub(crate) icon_uri: String,
    pub(crate) project_uri: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub(crate) owner: Address,
    pub(crate) balance: u64,
    pub(crate) frozen: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Treasury {
    pub(crate) token: Option<Token>,
    pub(crate) stores: Vec<Store>,
    pub(crate) bps: [u64; 7],
    pub(crate) recipients: Vec<Address>,
}

fn store_address(owner: Address) -> Address {
    let mut label = String::from("store");
    label.push_str(&owner.padded());
    Address::from_bytes(crate::digest::bytes(&label, 0, 0))
}

impl Treasury {
    pub(crate) fn new(lottery: Address) -> Self {
        Self {
            token: None,
            stores: Vec::new(),
            bps: [5000, 2000, 1500, 800, 400, 200, 100],
            recipients: vec![lottery; 5],
        }
    }

    fn store(&self, owner: Address) -> Option<&Store> {
        self.stores.iter().find(|store| store.owner == owner)
    }

    pub(crate) fn store_mut(&mut self, owner: Address) -> Option<&mut Store> {
        self.stores.iter_mut().find(|store| store.owner == owner)
    }

    pub(crate) fn registered(&self, owner: Address) -> bool {
        self.store(owner).is_some()
    }

    pub(crate) fn register(&mut self, owner: Address, balance: u64) {
        if !self.registered(owner) {
            self.stores.push(Store { owner, balance, frozen: false });
        }
    }

    pub(crate) fn pay(
        &mut self,
        names: &Names,
        from: Address,
        to: Address,
        amount: u64,
    ) -> Result<(), CallError> {
        let asset = |code| {
            CallError::Abort(Abort { address: Address::small(1), module: "fungible_asset".to_owned(), code })
        };
        let unregistered = || CallError::Abort(names.at_treasury(4));
        let source = self.store_mut(from).ok_or_else(unregistered)?;
        if source.frozen {
            return Err(asset(0x5_0003));
        }
        source.balance = source.balance.checked_sub(amount).ok_or_else(|| asset(0x1_0004))?;
        let target = self.store_mut(to).ok_or_else(unregistered)?;
        target.balance = target.balance.saturating_add(amount);
        Ok(())
    }

    pub(crate) fn view(
        &self,
        names: &Names,
        function: &str,
        args: &Args<'_>,
    ) -> Result<Vec<Value>, CallError> {
        let missing = || CallError::Abort(names.at_treasury(3));
        let balance = |owner| self.store(owner).map_or(0, |store| store.balance).to_string();
        let token = || self.token.as_ref().ok_or_else(missing);
        let shown = |owner| option(self.store(owner).map(|_| store_address(owner).to_string().into()));
        Ok(match function {
            "treasury_balance" => token().map(|_| vec![json!(balance(names.lottery))])?,
            "balance_of" => token().and_then(|_| Ok(vec![json!(balance(args.address(0)?))]))?,
            "primary_store_address" => {
                token().and_then(|_| Ok(vec![json!(store_address(args.address(0)?).to_string())]))?
            }
            "total_supply" => {
                token().map(|_| vec![num(self.stores.iter().map(|store| u128::from(store.balance)).sum())])?
            }
            "metadata_address" => {
                token().map(|_| vec![json!(store_address(Address::small(0)).to_string())])?
            }
            "metadata_summary" => {
                let t = token()?;
                vec![
                    json!(t.name),
                    json!(t.symbol),
                    json!(t.decimals),
                    json!(t.icon_uri),
                    json!(t.project_uri),
                ]
            }
            "store_registered" => vec![json!(self.registered(args.address(0)?))],
            "store_frozen" => vec![json!(self.store(args.address(0)?).is_some_and(|store| store.frozen))],
            "account_status" => {
                let owner = args.address(0)?;
                vec![json!(self.registered(owner)), shown(owner), json!(balance(owner))]
            }
            "account_extended_status" => {
                let owner = args.address(0)?;
                let frozen = self.store(owner).is_some_and(|store| store.frozen);
                vec![json!(self.registered(owner)), json!(frozen), shown(owner), json!(balance(owner))]
            }
            "is_initialized" => vec![json!(self.token.is_some())],
            "get_config" => self.bps.iter().map(|value| json!(value.to_string())).collect(),
            "get_recipients" => self.recipients.iter().map(|address| json!(address.to_string())).collect(),
            other => return Err(CallError::not_a_view(other)),
        })
    }
}
