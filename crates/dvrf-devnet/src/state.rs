//! The state that one transaction may change: the contracts, and the open randomness requests.

mod requests;

pub(crate) use requests::{Asker, Callback, FREE_NODE, OpenRequest};

use crate::address::Address;
use crate::core_layout::CoreLayout;
use crate::deposit::Deposit;
use crate::dice::Dice;
use crate::lottery::Lottery;
use crate::multi::Multi;
use crate::names::Names;
use crate::treasury::Treasury;
use crate::wheel::Wheel;
use std::collections::BTreeMap;

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
    pub(crate) open: Vec<OpenRequest>,
    pub(crate) core: Option<CoreLayout>,
    pub(crate) wheel: Option<Wheel>,
    pub(crate) dice: Option<Dice>,
    pub(crate) multi: Option<Multi>,
    pub(crate) answers: Answers,
    pub(crate) callback_aborts: bool,
    /// The fee is taken in a transaction of its own, so that an aborted callback costs it too.
    pub(crate) charges_aborted: bool,
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

    /// Moves an amount between accounts; `false` when the first does not own that much.
    pub(crate) fn transfer(&mut self, from: Address, to: Address, amount: u128) -> bool {
        let paid = self.pay(from, amount);
        if paid {
            let total = self.wallet(to).saturating_add(amount);
            self.wallets.insert(to, total);
        }
        paid
    }
}
