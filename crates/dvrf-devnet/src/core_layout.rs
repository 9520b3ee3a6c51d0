//! The core layout: several lotteries in rounds, and the hub whose requests an account answers.

mod resources;
mod views;

pub(crate) use views::round_snapshot;

use crate::abort::{Abort, CallError};
use crate::address::Address;
use std::collections::BTreeMap;

/// Price of a ticket, in the project's own token.
pub(crate) const TICKET_PRICE: u64 = 10_000_000;
/// What a ticket adds to the prize, to the jackpot and to the operations, in hundredths of a percent.
pub(crate) const SHARES: [u64; 3] = [7000, 2000, 1000];

/// A request in the hub.
#[derive(Clone, Debug)]
pub(crate) struct HubRequest {
    pub(crate) lottery_id: u64,
    /// In hex.
    pub(crate) payload: String,
    pub(crate) payload_hash: String,
}

/// Tickets and the open request of one lottery, or of the jackpot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Round {
    pub(crate) tickets: Vec<Address>,
    pub(crate) draw_scheduled: bool,
    pub(crate) next_ticket_id: u64,
    pub(crate) pending: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Pool {
    pub(crate) prize: u64,
    pub(crate) operations: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Lottery {
    pub(crate) hub_active: bool,
    pub(crate) instance_active: bool,
    pub(crate) tickets_sold: u64,
    pub(crate) jackpot_accumulated: u64,
    /// `None` until somebody buys a ticket.
    pub(crate) round: Option<Round>,
    pub(crate) pool: Option<Pool>,
}

#[derive(Clone, Debug)]
pub(crate) struct CoreLayout {
    /// Of the modules and of their resources; the administrator too.
    pub(crate) address: Address,
    pub(crate) initialized: bool,
    /// The modules have the names that the project's scripts still use: `rounds` for `core_rounds`.
    pub(crate) old_names: bool,
    pub(crate) callback_sender: Option<Address>,
    pub(crate) next_request_id: u64,
    pub(crate) requests: BTreeMap<u64, HubRequest>,
    pub(crate) lotteries: BTreeMap<u64, Lottery>,
    /// The jackpot belongs to the first lottery.
    pub(crate) jackpot: Round,
    pub(crate) jackpot_balance: u64,
    pub(crate) history_queue: u64,
    pub(crate) purchase_queue: u64,
}

/// The lottery that the jackpot was initialised with.
pub(crate) const JACKPOT_LOTTERY: u64 = 1;
/// Lotteries of a new chain; their ids begin with 1.
const LOTTERIES: u64 = 3;

impl CoreLayout {
    pub(crate) fn new(address: Address, initialized: bool, callback_sender: Option<Address>) -> Self {
        let lottery = Lottery {
            hub_active: true,
            instance_active: true,
            tickets_sold: 0,
            jackpot_accumulated: 0,
            round: None,
            pool: Some(Pool { prize: 0, operations: 0 }),
        };
        Self {
            address,
            initialized,
            old_names: false,
            callback_sender: callback_sender.filter(|_| initialized),
            next_request_id: 1,
            requests: BTreeMap::new(),
            lotteries: (1..=LOTTERIES).filter(|_| initialized).map(|id| (id, lottery.clone())).collect(),
            jackpot: Round::default(),
            jackpot_balance: 0,
            history_queue: 0,
            purchase_queue: 0,
        }
    }

    /// The published name of a module.
    pub(crate) fn name<'a>(&self, module: &'a str) -> &'a str {
        let old = module.strip_prefix("core_").or_else(|| module.strip_prefix("rewards_"));
        old.filter(|_| self.old_names).unwrap_or(module)
    }

    pub(crate) fn abort(&self, module: &str, code: u64) -> CallError {
        CallError::Abort(Abort { address: self.address, module: self.name(module).to_owned(), code })
    }

    pub(crate) fn check(&self, module: &str, holds: bool, code: u64) -> Result<(), CallError> {
        if holds { Ok(()) } else { Err(self.abort(module, code)) }
    }

    /// The full name of a struct or a function.
    pub(crate) fn full_name(&self, module: &str, name: &str) -> String {
        format!("{}::{}::{name}", self.address, self.name(module))
    }

    /// The module whose `fulfill_draw` answers a request: the jackpot's where it waits for that request.
    pub(crate) fn answering_module(&self, request: u64) -> &'static str {
        if self.jackpot.pending == Some(request) { "rewards_jackpot" } else { "core_rounds" }
    }
}
