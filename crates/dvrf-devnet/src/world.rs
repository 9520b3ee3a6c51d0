//! The living state: clock, clients, lottery, events, transactions. Everything a node would answer comes from here.

pub(crate) mod deposit;
pub(crate) mod lottery;
pub(crate) mod scenario;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::address::{canonical, short};
use lottery::Lottery;

/// Which functions the deposit module has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Interface {
    /// dVRF 3 with the views of its documentation.
    V3,
    /// dVRF 3, only what the published interface file lists.
    Published,
    /// dVRF 2, older snake case.
    V2,
    /// The camel-case names of the EVM contract, as the lottery's scripts called them.
    Camel,
}

/// A subscription.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) balance: u128,
    pub(crate) grant: u128,
    pub(crate) grant_total: u128,
    pub(crate) max_txn_fee: u128,
    pub(crate) modules: Vec<Module>,
    pub(crate) contracts: Vec<String>,
    pub(crate) subscription: (u64, u64),
    pub(crate) max_gas: (u128, u128),
}

/// A consumer module of a client.
#[derive(Debug, Clone)]
pub(crate) struct Module {
    pub(crate) marker: String,
    pub(crate) fee: u128,
    pub(crate) enabled: bool,
}

/// A Move abort: where and with which code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Abort {
    pub(crate) address: String,
    pub(crate) module: String,
    pub(crate) code: u64,
    pub(crate) name: &'static str,
}

/// Why a view has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    Abort(Abort),
    /// No such function, module or resource.
    Missing,
    /// Wrong number or type of arguments.
    Arguments,
}

/// An event as the chain keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) height: u64,
    pub(crate) hash: String,
    pub(crate) tag: String,
    pub(crate) data: Value,
}

/// What a chain starts from.
#[derive(Debug, Clone)]
pub(crate) struct Genesis {
    pub(crate) chain_id: u8,
    pub(crate) interface: Interface,
    pub(crate) block_ms: u64,
    pub(crate) height: u64,
    pub(crate) lottery: String,
    pub(crate) deposit: String,
    pub(crate) client: String,
    pub(crate) lottery_module: String,
    pub(crate) clients: u32,
    pub(crate) answer_ms: Option<u64>,
    pub(crate) scenario: scenario::Scenario,
}

/// The whole chain.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) genesis: Genesis,
    started: Instant,
    started_us: u64,
    /// Seconds the chain's clock stands behind, as a stuck node's does.
    pub(crate) stale_s: u64,
    pub(crate) clients: BTreeMap<String, Client>,
    pub(crate) paused: bool,
    pub(crate) min_request_count: u128,
    pub(crate) lottery: Lottery,
    pub(crate) events: Vec<Event>,
    pub(crate) transactions: BTreeMap<String, Value>,
    /// Answers on their way: nonce and when they are due.
    pub(crate) answers: Vec<(u64, Instant)>,
    pub(crate) callback_aborts: bool,
    pub(crate) draws: u64,
}

/// The machine's clock: what the chain's own starts from.
pub(crate) fn wall_clock() -> SystemTime {
    #[expect(clippy::disallowed_methods, reason = "a living chain keeps the time of day")]
    SystemTime::now()
}

impl World {
    pub(crate) fn new(genesis: Genesis) -> Self {
        let since = wall_clock().duration_since(UNIX_EPOCH).unwrap_or_default();
        let lottery = Lottery::new(&genesis);
        let scenario = genesis.scenario;
        let mut world = Self {
            started: Instant::now(),
            started_us: u64::try_from(since.as_micros()).unwrap_or(0),
            stale_s: 0,
            clients: BTreeMap::new(),
            paused: false,
            min_request_count: 30,
            lottery,
            events: Vec::new(),
            transactions: BTreeMap::new(),
            answers: Vec::new(),
            callback_aborts: false,
            draws: 0,
            genesis,
        };
        scenario.apply(&mut world);
        world
    }

    fn elapsed_us(&self) -> u64 {
        if self.genesis.block_ms == 0 {
            return 0;
        }
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(0)
    }

    /// The chain's clock.
    pub(crate) fn time_us(&self) -> u64 {
        (self.started_us + self.elapsed_us()).saturating_sub(self.stale_s * 1_000_000)
    }

    /// The height of the latest block; blocks are computed, not kept.
    pub(crate) fn height(&self) -> u64 {
        let passed = self.elapsed_us().checked_div(self.genesis.block_ms * 1000).unwrap_or(0);
        (self.genesis.height + passed).saturating_sub(self.stale_s)
    }

    /// The time of a block.
    pub(crate) fn time_of(&self, height: u64) -> u64 {
        let step = self.genesis.block_ms.max(1) * 1000;
        let start = self.started_us.saturating_sub(self.genesis.height * step);
        start + height * step
    }

    /// Lets due answers arrive.
    pub(crate) fn advance(&mut self) {
        let now = Instant::now();
        let due: Vec<u64> =
            self.answers.iter().filter(|(_, at)| *at <= now).map(|(nonce, _)| *nonce).collect();
        self.answers.retain(|(_, at)| *at > now);
        for nonce in due {
            self.answer(nonce);
        }
    }

    /// A randomness answer: charges the client and calls the lottery back.
    fn answer(&mut self, nonce: u64) {
        if self.callback_aborts || self.lottery.pending != Some(nonce) {
            return;
        }
        let client_address = self.genesis.client.clone();
        if let Some(client) = self.clients.get_mut(&client_address) {
            let fee = client.max_txn_fee / 10;
            let from_grant = fee.min(client.grant);
            client.grant -= from_grant;
            client.balance = client.balance.saturating_sub(fee - from_grant);
        }
        self.lottery.pending = None;
        self.lottery.responses += 1;
        self.lottery.tickets.clear();
        self.lottery.jackpot = 0;
        self.lottery.draw_scheduled = false;
        let hash = self.hash(nonce + 1_000_000);
        let data = json!({"nonce": nonce.to_string(), "success": true});
        self.emit("DrawHandledEvent", data, &hash);
    }

    /// Sends a request on its way.
    pub(crate) fn request_answer(&mut self, nonce: u64) {
        if let Some(delay) = self.genesis.answer_ms {
            self.answers.push((nonce, Instant::now() + Duration::from_millis(delay)));
        }
    }

    pub(crate) fn emit(&mut self, name: &str, data: Value, hash: &str) {
        let tag = format!("{}::{}::{name}", self.genesis.lottery, self.genesis.lottery_module);
        let height = self.height();
        self.events.push(Event { height, hash: hash.to_owned(), tag, data });
    }

    /// A transaction hash: no cryptography, only unlike the others of this chain.
    pub(crate) fn hash(&self, salt: u64) -> String {
        let mix = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ 0x5bd1_e995;
        let a = mix(salt ^ self.started_us);
        format!("0x{:016x}{:016x}{:016x}{:016x}", a, mix(a), mix(a ^ salt), mix(salt))
    }

    /// Answers a view function.
    pub(crate) fn view(&self, function: &str, arguments: &[Value]) -> Result<Vec<Value>, Refused> {
        let parts: Vec<&str> = function.split("::").collect();
        let [address, module, name] = parts[..] else { return Err(Refused::Arguments) };
        let address = canonical(address).ok_or(Refused::Arguments)?;
        let framework = canonical("0x1").unwrap_or_default();
        if address == framework {
            return match (module, name) {
                ("timestamp", "now_microseconds") => Ok(vec![json!(self.time_us().to_string())]),
                ("chain_id", "get") => Ok(vec![json!(self.genesis.chain_id)]),
                _ => Err(Refused::Missing),
            };
        }
        if address == self.genesis.deposit && module == "deposit" {
            return deposit::view(self, name, arguments);
        }
        if address == self.genesis.lottery && module == self.genesis.lottery_module {
            return self.lottery.view(name);
        }
        Err(Refused::Missing)
    }

    /// The oracle: what is true, whatever faults are on.
    pub(crate) fn truth(&self) -> Value {
        let client = self.clients.get(&self.genesis.client);
        let minimum = client.map(|client| client.max_txn_fee * self.min_request_count);
        json!({
            "height": self.height(),
            "balance": client.map(|client| client.balance.to_string()),
            "min_balance": minimum.map(|minimum| minimum.to_string()),
            "at_or_below_minimum": client.zip(minimum).map(|(client, minimum)| client.balance <= minimum),
            "whitelisted": client.is_some(),
            "paused": self.paused,
            "tickets": self.lottery.tickets.len(),
            "pending_nonce": self.lottery.pending.map(|nonce| nonce.to_string()),
            "requests": self.lottery.requests.to_string(),
            "responses": self.lottery.responses.to_string(),
            "draws": self.draws,
            "events": self.events.len(),
            "client": short(&self.genesis.client),
        })
    }
}
