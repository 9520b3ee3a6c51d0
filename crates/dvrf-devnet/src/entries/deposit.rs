//! The entry functions of the dVRF package's `deposit` module.

use crate::abort::CallError;
use crate::address::Address;
use crate::call::Args;
use crate::state::State;

pub(crate) fn run(
    state: &mut State,
    sender: Address,
    function: &str,
    args: &Args<'_>,
) -> Result<(), CallError> {
    let names = state.names.clone();
    let fail = |code| CallError::Abort(names.at_deposit(code));
    let marker = if matches!(function, "enable_module" | "disable_module") {
        Some(args.type_argument(0)?)
    } else {
        None
    };
    let owner = if function == "deposit_fund_v2" { args.address(0)? } else { sender };
    if state.deposit.paused {
        return Err(fail(crate::deposit::ECONTRACT_IS_PAUSED));
    }
    let client = state.deposit.client_mut(owner).ok_or_else(|| fail(crate::deposit::ECLIENT_NOT_EXIST))?;
    match function {
        "deposit_fund_v2" => {
            let amount = args.u64(1)?;
            if amount == 0 {
                return Err(fail(0x1_0007));
            }
            client.balance = client.balance.saturating_add(u128::from(amount));
        }
        "withdraw_fund" => {
            client.balance = client.balance.checked_sub(args.number(0)?).ok_or_else(|| fail(0x5_0004))?;
        }
        "update_max_txn_fee" => client.max_txn_fee = args.number(0)?,
        "enable_module" | "disable_module" => {
            for module in
                client.modules.iter_mut().filter(|module| Some(&module.type_info) == marker.as_ref())
            {
                module.enabled = function == "enable_module";
            }
        }
        _ => return Err(fail(0x6_0002)),
    }
    Ok(())
}
