//! The entry functions of `treasury_v1`.

use crate::abort::{Abort, CallError};
use crate::address::Address;
use crate::call::{Args, Transaction};
use crate::state::State;
use crate::treasury::{BPS_KEYS, Token};
use serde_json::{Value, json};

pub(crate) fn run(
    state: &mut State,
    tx: &mut Transaction,
    function: &str,
    args: &Args<'_>,
) -> Result<(), CallError> {
    let names = state.names.clone();
    let fail = |code| CallError::Abort(names.at_treasury(code));
    if function != "register_store" && tx.sender != names.lottery {
        return Err(fail(1));
    }
    let treasury = &mut state.treasury;
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
        return set_config(state, tx, args);
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
                    address: Address::small(1),
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
            let list: Vec<Address> = (0..5).map(|index| args.address(index)).collect::<Result<_, _>>()?;
            if !list.iter().all(|owner| treasury.registered(*owner)) {
                return Err(fail(7));
            }
            treasury.recipients = list;
        }
        other => return Err(CallError::Arguments(format!("{other} is not an entry function"))),
    }
    Ok(())
}

fn set_config(state: &mut State, tx: &mut Transaction, args: &Args<'_>) -> Result<(), CallError> {
    let mut bps = [0; 7];
    for (index, value) in bps.iter_mut().enumerate() {
        *value = args.u64(index)?;
    }
    let sum = bps.iter().try_fold(0_u64, |sum, value| sum.checked_add(*value));
    if sum != Some(10_000) {
        return Err(CallError::Abort(state.names.at_treasury(6)));
    }
    state.treasury.bps = bps;
    let data: serde_json::Map<_, _> =
        BPS_KEYS.iter().zip(bps).map(|(key, value)| ((*key).to_owned(), json!(value.to_string()))).collect();
    let kind = format!("{}::{}::ConfigUpdatedEvent", state.names.lottery, state.names.treasury_module);
    tx.emit(kind, Value::Object(data));
    Ok(())
}
