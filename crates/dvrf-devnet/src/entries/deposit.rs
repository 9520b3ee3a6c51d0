//! The entry functions of the dVRF package's `deposit` module.

use crate::abort::CallError;
use crate::address::Address;
use crate::call::Args;
use crate::deposit::{ECLIENT_NOT_EXIST, ECONTRACT_IS_PAUSED, EINVALID_AMOUNT, EMIN_BALANCE, SUPRA_MIN};
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
    if let Some((client, amount)) = match function {
        "deposit_fund_v2" => Some((args.address(0)?, args.u64(1)?)),
        "deposit_fund" => Some((sender, args.u64(0)?)),
        _ => None,
    } {
        return fund(state, sender, client, amount.into());
    }
    if state.deposit.paused {
        return Err(fail(ECONTRACT_IS_PAUSED));
    }
    let client = state.deposit.client_mut(sender).ok_or_else(|| fail(ECLIENT_NOT_EXIST))?;
    match function {
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

/// Moves an amount from the sender's coins into a client's fund, with the asserts of the V2 source in its order. Whether V3
/// still asserts the minimum is not public.
pub(super) fn fund(
    state: &mut State,
    sender: Address,
    client: Address,
    amount: u128,
) -> Result<(), CallError> {
    let names = state.names.clone();
    let fail = |code| Err(CallError::Abort(names.at_deposit(code)));
    if state.deposit.paused {
        return fail(ECONTRACT_IS_PAUSED);
    }
    let wallet = state.wallet(sender);
    let Some(found) = state.deposit.client_mut(client) else { return fail(ECLIENT_NOT_EXIST) };
    if amount == 0 || amount > wallet {
        return fail(EINVALID_AMOUNT);
    }
    let total = found.balance.saturating_add(amount);
    if total <= found.min().max(SUPRA_MIN) {
        return fail(EMIN_BALANCE);
    }
    found.balance = total;
    state.pay(sender, amount);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{self, MIN_BALANCE, Start};
    use crate::state::WALLET;
    use serde_json::json;

    fn start(scenario: &str) -> State {
        let names = crate::names::Names {
            dvrf: Address::small(7),
            deposit_module: "deposit".into(),
            vrf_module: "supra_vrf".into(),
            lottery: Address::small(9),
            lottery_module: "main_v2".into(),
            treasury_module: "treasury_v1".into(),
            client: Address::small(9),
        };
        let start = Start {
            names,
            now_us: 0,
            past_draws: 0,
            extra_clients: 0,
            answer_ms: None,
            seed: 1,
            core: None,
            wheel: None,
            dice: None,
            multi: None,
            old_names: false,
        };
        scenario::state(scenario, start)
    }

    fn deposit(state: &mut State, client: &str, amount: &str) -> Result<(), u64> {
        let values = [json!(client), json!(amount)];
        let args = Args { values: &values, types: &[] };
        run(state, Address::small(5), "deposit_fund_v2", &args).map_err(|error| match error {
            CallError::Abort(abort) => abort.code,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn anybody_may_deposit_for_a_client() {
        let mut state = start("at-minimum");
        assert_eq!(deposit(&mut state, "0x9", "31500000000"), Ok(()));
        assert_eq!(state.deposit.clients[0].balance, MIN_BALANCE + 31_500_000_000);
        assert_eq!(state.wallet(Address::small(5)), WALLET - 31_500_000_000);
        assert_eq!(state.wallet(Address::small(9)), WALLET);
    }

    #[test]
    fn a_deposit_is_refused_in_the_contracts_order() {
        for (scenario, client, amount, code) in [
            ("paused", "0x8", "0", ECONTRACT_IS_PAUSED),
            ("below-minimum", "0x8", "0", ECLIENT_NOT_EXIST),
            ("not-whitelisted", "0x9", "1", ECLIENT_NOT_EXIST),
            ("below-minimum", "0x9", "0", EINVALID_AMOUNT),
            ("below-minimum", "0x9", "500000000001", EINVALID_AMOUNT),
            ("below-minimum", "0x9", "3150000000", EMIN_BALANCE),
            ("at-minimum", "0x9", "500000000001", EINVALID_AMOUNT),
        ] {
            let mut state = start(scenario);
            assert_eq!(deposit(&mut state, client, amount), Err(code), "{scenario} {client} {amount}");
            assert_eq!(state.wallet(Address::small(5)), WALLET, "{scenario}");
        }
    }
}
