//! The chain: the contracts' state, the history of blocks, and the transactions that change them.

mod history;
mod replica;
pub(crate) mod transact;
pub(crate) mod view;

use crate::abort::Node;
use crate::address::Address;
use crate::clock::Clock;
use crate::fault::{BadFault, Faults};
use crate::functions::{self, Function, Set};
use crate::options::{ChainOptions, Consumer};
use crate::scenario::{self, Start};
use crate::state::{Asker, State};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
pub(crate) struct EventRow {
    pub(crate) kind: String,
    pub(crate) data: Value,
    pub(crate) height: u64,
    pub(crate) hash: String,
}

#[derive(Clone, Debug)]
pub(crate) struct TxRow {
    pub(crate) hash: String,
    pub(crate) height: u64,
    pub(crate) sender: Address,
    pub(crate) sequence: u64,
    pub(crate) function: String,
    pub(crate) types: Vec<String>,
    pub(crate) arguments: Vec<Value>,
    pub(crate) events: Vec<(String, Value)>,
    /// `None` is success.
    pub(crate) failure: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) options: ChainOptions,
    pub(crate) scenario: String,
    pub(crate) api: Vec<String>,
    pub(crate) clock: Clock,
    pub(crate) state: State,
    pub(crate) events: Vec<EventRow>,
    pub(crate) transactions: Vec<TxRow>,
    pub(crate) faults: Faults,
    pub(crate) requests: BTreeMap<String, u64>,
    /// Requests of the node answered so far, the step of the fault plan.
    pub(crate) served: u64,
    /// Transactions that were sent, whatever became of them.
    pub(crate) submissions: u64,
    /// Deposits that were executed.
    pub(crate) deposits: u64,
    /// Transactions that wait.
    pub(crate) mempool: Vec<transact::Held>,
    /// Earlier states, for replicas that are behind.
    pub(crate) past: Vec<replica::Past>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum BadOptions {
    #[error("bad --fault")]
    Fault(#[from] BadFault),
    #[error("--interface `{0}` is not made of v3, v2 and camel")]
    Interface(String),
    #[error("--api `{0}` is not one of v1, v2, v3, v4")]
    Api(String),
}

/// A module that the chain emulates; the kind decides what its functions do.
pub(crate) struct Module<'a> {
    pub(crate) kind: &'static str,
    pub(crate) address: Address,
    pub(crate) name: &'a str,
    functions: &'static [Function],
}

impl Chain {
    pub(crate) fn new(options: ChainOptions) -> Result<Self, BadOptions> {
        let mut faults = Faults::default();
        faults.merge(&options.fault)?;
        if !options.interface.split('+').all(|part| matches!(part, "v3" | "v2" | "camel")) {
            return Err(BadOptions::Interface(options.interface));
        }
        let api = match (options.api.is_empty(), options.node) {
            (false, _) => options.api.clone(),
            (true, Node::V6) => vec!["v1".to_owned(), "v2".to_owned()],
            (true, _) => vec!["v1".to_owned(), "v2".to_owned(), "v3".to_owned()],
        };
        if let Some(bad) = api.iter().find(|v| !matches!(v.as_str(), "v1" | "v2" | "v3" | "v4")) {
            return Err(BadOptions::Api(bad.clone()));
        }
        let clock = Clock::new(options.blocks, options.block_ms, options.start_time);
        let scenario = options.scenario.clone();
        let state = Self::start_state(&options, &clock, &scenario);
        let mut chain = Self {
            api,
            clock,
            state,
            scenario,
            faults,
            options,
            events: Vec::new(),
            transactions: Vec::new(),
            requests: BTreeMap::new(),
            served: 0,
            submissions: 0,
            deposits: 0,
            mempool: Vec::new(),
            past: Vec::new(),
        };
        chain.fill_history();
        Ok(chain)
    }

    fn start_state(options: &ChainOptions, clock: &Clock, scenario: &str) -> State {
        scenario::state(
            scenario,
            Start {
                names: options.names(),
                now_us: clock.now_us(),
                past_draws: if scenario == "empty" { 0 } else { options.history_events / 3 },
                extra_clients: options.clients,
                answer_ms: options.answer_ms,
                seed: options.seed,
                core: options.address(Consumer::Core),
                wheel: options.address(Consumer::Wheel),
                dice: options.address(Consumer::Dice),
                multi: options.address(Consumer::Multi),
                old_names: options.core_old_names,
            },
        )
    }

    /// Restarts in another scenario without resetting the clock.
    pub(crate) fn enter(&mut self, scenario: &str) {
        scenario.clone_into(&mut self.scenario);
        self.state = Self::start_state(&self.options, &self.clock, scenario);
        self.events.clear();
        self.transactions.clear();
        self.deposits = 0;
        self.mempool.clear();
        self.past.clear();
        self.fill_history();
    }

    pub(crate) fn chain_id(&self) -> u8 {
        self.faults.chain_id.unwrap_or(self.options.chain_id)
    }

    /// The time a block shows, behind by what the stale fault says.
    pub(crate) fn shown_us(&self, height: u64) -> u64 {
        self.clock.time_of(height).saturating_sub(self.faults.stale_seconds.saturating_mul(1_000_000))
    }

    /// Every emulated module.
    pub(crate) fn modules(&self) -> Vec<Module<'_>> {
        let names = &self.state.names;
        let module = |kind, address, name, functions| Module { kind, address, name, functions };
        let mut all = vec![
            module("deposit", names.dvrf, names.deposit_module.as_str(), functions::DEPOSIT),
            module("vrf", names.dvrf, &names.vrf_module, functions::VRF),
            module("lottery", names.lottery, &names.lottery_module, functions::LOTTERY),
            module("treasury", names.lottery, &names.treasury_module, functions::TREASURY),
        ];
        if let Some(core) = &self.state.core {
            let published = functions::CORE_LAYOUT;
            all.extend(
                published.map(|(kind, functions)| module(kind, core.address, core.name(kind), functions)),
            );
        }
        if let Some(wheel) = &self.state.wheel {
            let name = crate::wheel::MODULE;
            all.push(module(name, wheel.address, name, functions::WHEEL));
        }
        if let Some(dice) = &self.state.dice {
            let name = crate::dice::MODULE;
            all.push(module(name, dice.address, name, functions::DICE));
        }
        if let Some(multi) = &self.state.multi {
            let published = functions::MULTI;
            all.extend(published.map(|(name, functions)| module(name, multi.address, name, functions)));
        }
        all
    }

    /// The published functions of an emulated module, with the name of its kind.
    pub(crate) fn module(
        &self,
        address: Address,
        module: &str,
    ) -> Option<(&'static str, Vec<&'static Function>)> {
        let found = self.modules().into_iter().find(|known| known.address == address && known.name == module);
        let Module { kind, functions: table, .. } = found?;
        let has = |wanted: &str| self.options.interface.split('+').any(|part| part == wanted);
        // The camelCase package is the EVM contract's surface: no snake_case beside it unless asked for.
        let published = table.iter().filter(|function| match function.set {
            Set::Any => kind != "deposit" || has("v3") || has("v2"),
            Set::V3 => has("v3"),
            Set::V2 => has("v2"),
            Set::Camel => has("camel"),
        });
        Some((kind, published.collect()))
    }

    /// The true state, whatever the faults make the node answer.
    pub(crate) fn truth(&self) -> Value {
        let state = &self.state;
        let clients: Vec<Value> = state.deposit.clients.iter().map(|c| json!({
            "address": c.address.to_string(), "balance": c.balance.to_string(), "grant": c.grant.to_string(),
            "min_balance": c.min().to_string(), "at_minimum": c.at_minimum(),
            "modules_enabled": c.modules.iter().all(|m| m.enabled), "contracts": c.contracts.len(),
        })).collect();
        let mut per_kind: BTreeMap<&str, u64> = BTreeMap::new();
        for event in &self.events {
            *per_kind.entry(event.kind.rsplit("::").next().unwrap_or_default()).or_default() += 1;
        }
        let draws: Vec<Value> = self
            .events
            .iter()
            .filter(|event| event.kind.ends_with("::DrawRequestedEvent"))
            .map(|event| json!({"nonce": event.data["nonce"], "height": event.height, "hash": event.hash}))
            .collect();
        json!({
            "scenario": self.scenario, "owner": state.names.lottery.to_string(), "chain_id": self.options.chain_id, "height": self.clock.height(),
            "time_us": self.clock.now_us(), "paused": state.deposit.paused, "clients": clients,
            "lottery": state.lottery.as_ref().map(crate::lottery::Lottery::resource),
            "core": state.core_json(), "wheel": state.wheel_json(), "dice": state.dice_json(), "multi": state.multi_json(),
            "pending": state.request_of(Asker::Lottery).map(|r| json!({"nonce": r.id, "asked_us": r.asked_us, "due_us": r.due_us})),
            "events": per_kind, "draws": draws, "transactions": self.transactions.len(),
            "submissions": self.submissions, "deposits": self.deposits,
            "signer_wallet": state.wallet(state.names.lottery).to_string(), "mempool": self.mempool.len(), "requests": self.served,
            "faults": self.faults,
        })
    }
}
