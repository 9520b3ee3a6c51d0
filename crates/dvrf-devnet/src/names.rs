//! The addresses and module names of the emulated contracts, and the aborts and events named after them.

use crate::abort::Abort;
use crate::address::Address;

#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) dvrf: Address,
    pub(crate) deposit_module: String,
    pub(crate) vrf_module: String,
    pub(crate) lottery: Address,
    pub(crate) lottery_module: String,
    pub(crate) treasury_module: String,
    pub(crate) client: Address,
}

impl Names {
    pub(crate) fn at_deposit(&self, code: u64) -> Abort {
        Abort { address: self.dvrf, module: self.deposit_module.clone(), code }
    }

    pub(crate) fn at_lottery(&self, code: u64) -> Abort {
        Abort { address: self.lottery, module: self.lottery_module.clone(), code }
    }

    pub(crate) fn at_treasury(&self, code: u64) -> Abort {
        Abort { address: self.lottery, module: self.treasury_module.clone(), code }
    }

    pub(crate) fn lottery_event(&self, name: &str) -> String {
        format!("{}::{}::{name}", self.lottery, self.lottery_module)
    }
}
