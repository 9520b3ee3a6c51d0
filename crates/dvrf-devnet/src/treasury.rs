//! Decides who holds how many lottery tokens: stores, supply, and the `treasury_v1` views and entries.

use crate::abort::{Abort, CallError};
use crate::addr::Addr;
use crate::world::{Args, Names, Tx, World, num, option};
use serde_json::{Value, json};

const BPS_KEYS: [&str; 7] =
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
    pub(crate) owner: Addr,
    pub(crate) balance: u64,
    pub(crate) frozen: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Treasury {
    pub(crate) token: Option<Token>,
    pub(crate) stores: Vec<Store>,
    pub(crate) bps: [u64; 7],
    pub(crate) recipients: Vec<Addr>,
}

fn store_address(owner: Addr) -> Addr {
    let mut label = String::from("store");
    label.push_str(&owner.padded());
    Addr::from_bytes(crate::digest::bytes(&label, 0, 0))
}

impl Treasury {
    pub(crate) fn new(lottery: Addr) -> Self {
        Self {
            token: None,
            stores: Vec::new(),
            bps: [5000, 2000, 1500, 800, 400, 200, 100],
            recipients: vec![lottery; 5],
        }
    }

    fn store(&self, owner: Addr) -> Option<&Store> {
        self.stores.iter().find(|store| store.owner == owner)
    }

    fn store_mut(&mut self, owner: Addr) -> Option<&mut Store> {
        self.stores.iter_mut().find(|store| store.owner == owner)
    }

    pub(crate) fn registered(&self, owner: Addr) -> bool {
        self.store(owner).is_some()
    }

    pub(crate) fn register(&mut self, owner: Addr, balance: u64) {
        if !self.registered(owner) {
            self.stores.push(Store { owner, balance, frozen: false });
        }
    }

    pub(crate) fn pay(&mut self, names: &Names, from: Addr, to: Addr, amount: u64) -> Result<(), CallError> {
        let asset = |code| {
            CallError::Abort(Abort { address: Addr::small(1), module: "fungible_asset".to_owned(), code })
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
            "metadata_address" => token().map(|_| vec![json!(store_address(Addr::small(0)).to_string())])?,
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
            other => return Err(CallError::Arguments(format!("{other} is not a view function"))),
        })
    }
}

pub(crate) fn run(world: &mut World, tx: &mut Tx, function: &str, args: &Args<'_>) -> Result<(), CallError> {
    let names = world.names.clone();
    let fail = |code| CallError::Abort(names.at_treasury(code));
    if function != "register_store" && tx.sender != names.lottery {
        return Err(fail(1));
    }
    let treasury = &mut world.treasury;
    if function == "init_token" {
        if treasury.token.is_some() {
            return Err(fail(2));
        }
        let decimals = u8::try_from(args.number(3)?).map_err(|_| fail(2))?;
        treasury.token = Some(Token {
            name: args.text(1)?,
            symbol: args.text(2)?,
            decimals,
            icon_uri: args.text(4)?,
            project_uri: args.text(5)?,
        });
        treasury.register(names.lottery, 0);
        return Ok(());
    }
    if function == "set_config" {
        return set_config(world, tx, args);
    }
    if treasury.token.is_none() {
        return Err(fail(3));
    }
    match function {
        "register_store" => treasury.register(tx.sender, 0),
        "register_store_for" => treasury.register(args.address(0)?, 0),
        "register_stores_for" => args.addresses(0)?.into_iter().for_each(|owner| treasury.register(owner, 0)),
        "mint_to" | "burn_from" => {
            let (owner, amount) = (args.address(0)?, args.u64(1)?);
            let store = treasury.store_mut(owner).ok_or_else(|| fail(4))?;
            let next = if function == "mint_to" {
                store.balance.checked_add(amount)
            } else {
                store.balance.checked_sub(amount)
            };
            store.balance = next.ok_or_else(|| {
                CallError::Abort(Abort {
                    address: Addr::small(1),
                    module: "fungible_asset".to_owned(),
                    code: 0x1_0004,
                })
            })?;
        }
        "transfer_between" => treasury.pay(&names, args.address(0)?, args.address(1)?, args.u64(2)?)?,
        "set_store_frozen" => {
            let store = treasury.store_mut(args.address(0)?).ok_or_else(|| fail(4))?;
            store.frozen = args.flag(1)?;
        }
        "set_recipients" => {
            let list: Vec<Addr> = (0..5).map(|index| args.address(index)).collect::<Result<_, _>>()?;
            if !list.iter().all(|owner| treasury.registered(*owner)) {
                return Err(fail(7));
            }
            treasury.recipients = list;
        }
        other => return Err(CallError::Arguments(format!("{other} is not an entry function"))),
    }
    Ok(())
}

fn set_config(world: &mut World, tx: &mut Tx, args: &Args<'_>) -> Result<(), CallError> {
    let mut bps = [0; 7];
    for (index, value) in bps.iter_mut().enumerate() {
        *value = args.u64(index)?;
    }
    let sum = bps.iter().try_fold(0_u64, |sum, value| sum.checked_add(*value));
    if sum != Some(10_000) {
        return Err(CallError::Abort(world.names.at_treasury(6)));
    }
    world.treasury.bps = bps;
    let data: serde_json::Map<_, _> =
        BPS_KEYS.iter().zip(bps).map(|(key, value)| ((*key).to_owned(), json!(value.to_string()))).collect();
    let kind = format!("{}::{}::ConfigUpdatedEvent", world.names.lottery, world.names.treasury_module);
    tx.emit(kind, Value::Object(data));
    Ok(())
}
