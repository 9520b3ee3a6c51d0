//! The state that one transaction may change: the three contracts, and the open randomness request.

use crate::abort::CallError;
use crate::address::Address;
use crate::call::Transaction;
use crate::deposit::Deposit;
use crate::lottery::Lottery;
use crate::move_json::num;
use crate::names::Names;
use crate::treasury::Treasury;
use serde_json::json;
use std::collections::BTreeMap;

/// A randomness request that has no answer yet.
#[derive(Clone, Debug)]
pub(crate) struct VrfRequest {
    pub(crate) nonce: u64,
    pub(crate) asked_us: u64,
    /// When the answer executes; `None` never.
    pub(crate) due_us: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    AfterMs(u64),
    Never,
}

/// Everything that a transaction can change. A transaction runs on a copy, so that an aborted one changes nothing.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) names: Names,
    pub(crate) deposit: Deposit,
    pub(crate) lottery: Option<Lottery>,
    pub(crate) treasury: Treasury,
    /// What accounts own of the SUPRA coin, where it differs from [`WALLET`].
    pub(crate) wallets: BTreeMap<Address, u128>,
    pub(crate) next_nonce: u64,
    pub(crate) open: Option<VrfRequest>,
    pub(crate) answers: Answers,
    pub(crate) callback_aborts: bool,
    pub(crate) seed: u64,
}

/// What one callback costs the client, in quants.
pub(crate) const CALLBACK_FEE: u128 = 1_000_000;

/// What an account owns before it spends anything: 5000 SUPRA.
pub(crate) const WALLET: u128 = 500_000_000_000;
/// What the gas of any transaction costs its sender: 87 units at 100000 quants.
pub(crate) const GAS_FEE: u128 = 8_700_000;

impl State {
    /// What an account owns of the SUPRA coin.
    pub(crate) fn wallet(&self, owner: Address) -> u128 {
        self.wallets.get(&owner).copied().unwrap_or(WALLET)
    }

    /// Takes an amount out of an account; `false` when it does not own that much.
    pub(crate) fn pay(&mut self, owner: Address, amount: u128) -> bool {
        let left = self.wallet(owner).checked_sub(amount);
        left.map(|left| self.wallets.insert(owner, left)).is_some()
    }

    /// `supra_vrf::rng_request`.
    pub(crate) fn rng_request(&mut self, tx: &mut Transaction, seed: u64) -> Result<u64, CallError> {
        self.deposit.admit(&self.names, self.names.client, self.names.lottery).map_err(CallError::Abort)?;
        let nonce = self.next_nonce;
        self.next_nonce += 1;
        let due_us = match self.answers {
            Answers::AfterMs(ms) => Some(tx.now_us.saturating_add(ms.saturating_mul(1000))),
            Answers::Never => None,
        };
        self.open = Some(VrfRequest { nonce, asked_us: tx.now_us, due_us });
        let kind = format!("{}::{}::RequestEvent", self.names.dvrf, self.names.vrf_module);
        tx.emit(kind, json!({
            "nonce": nonce.to_string(), "instance_id": "6", "caller_address": tx.sender.to_string(),
            "callback_address": self.names.lottery.to_string(), "callback_module": self.names.lottery_module,
            "callback_function": "on_random_received", "rng_count": 1, "client_seed": seed.to_string(),
            "num_confirmations": "1", "block_number": tx.height.to_string(),
        }));
        Ok(nonce)
    }

    /// Runs the callback's transaction; if it aborts, the request stays pending.
    pub(crate) fn answer(&mut self, tx: &mut Transaction) -> Result<(), CallError> {
        let Some(request) = self.open.clone() else { return Ok(()) };
        let names = self.names.clone();
        let Some(lottery) = self.lottery.as_mut() else { return Ok(()) };
        if self.callback_aborts {
            return Err(CallError::Abort(names.at_lottery(14)));
        }
        lottery.receive(&names, tx, request.nonce, self.seed);
        if let Some(client) = self.deposit.client_mut(names.client) {
            client.charge(CALLBACK_FEE);
        }
        self.open = None;
        let vrf = format!("{}::{}", names.dvrf, names.vrf_module);
        let nonce = request.nonce.to_string();
        let time = tx.now_us.to_string();
        tx.emit(format!("{vrf}::VerifyCallbackEvent"), json!({"nonce": nonce, "timestamp": time}));
        tx.emit(
            format!("{vrf}::NonceProcessedEvent"),
            json!({"nonce": nonce, "timestamp": time, "block_number": tx.height.to_string()}),
        );
        tx.emit(
            format!("{}::{}::SupraCollected", names.dvrf, names.deposit_module),
            json!({
                "client_address": names.client.to_string(), "amount": num(CALLBACK_FEE), "nonce": nonce,
            }),
        );
        Ok(())
    }
}
