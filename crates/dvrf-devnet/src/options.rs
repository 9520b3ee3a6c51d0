//! The flags a chain starts with.

use clap::{Args, ValueEnum};

use crate::address::canonical;
use crate::fault::Faults;
use crate::world::scenario::Scenario;
use crate::world::{Genesis, Interface};

/// The dVRF package's address on the public testnet, kept here so that defaults work unchanged.
const DEPOSIT: &str = "0x186ba2ba88f4a14ca51f6ce42702c7ebdf6bfcf738d897cc98b986ded6f1219e";
const LOTTERY: &str = "0xbc959517601034979f21fa2f2f41862219ea38554be27c2fdb4fd9a392caafe0";

/// How nodes of a generation word and shape their answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NodeGeneration {
    /// Aborts are 400 with the new text.
    #[value(name = "v11.7")]
    V11_7,
    /// Aborts are 500 with the new text.
    #[value(name = "v11.5")]
    V11_5,
    /// Aborts are 500 with a debug dump; REST v1 and v2 only.
    V6,
}

/// The flags of `serve` and `exec`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ChainArgs {
    /// The situation to start in
    #[arg(long, value_enum, default_value_t = Scenario::Healthy)]
    scenario: Scenario,
    /// Which functions the deposit module has
    #[arg(long, value_enum, default_value_t = Interface::V3)]
    interface: Interface,
    /// How the node words and shapes its answers
    #[arg(long, value_enum, default_value_t = NodeGeneration::V11_7)]
    pub(crate) node: NodeGeneration,
    /// REST versions to serve, comma separated [default: v1,v2,v3; v1,v2 for node v6]
    #[arg(long)]
    api: Option<String>,
    /// Serve no module ABIs
    #[arg(long)]
    pub(crate) no_abi: bool,
    /// Chain id
    #[arg(long, default_value_t = 6)]
    chain_id: u8,
    /// Milliseconds from block to block; 0 freezes clock and height
    #[arg(long, default_value_t = 500)]
    block_ms: u64,
    /// Height at the start
    #[arg(long, default_value_t = 1000)]
    blocks: u64,
    /// Further clients with subscriptions of their own
    #[arg(long, default_value_t = 0)]
    clients: u32,
    /// Milliseconds until a randomness request is answered; `never` leaves it open
    #[arg(long, default_value = "1000")]
    answer_ms: String,
    /// Module of the lottery
    #[arg(long, default_value = "main_v2")]
    lottery_module: String,
    /// Address of the lottery
    #[arg(long, default_value = LOTTERY)]
    lottery_addr: String,
    /// Address of the dVRF package
    #[arg(long, default_value = DEPOSIT)]
    deposit_addr: String,
    /// Address of the client; the lottery's when unset
    #[arg(long)]
    client_addr: Option<String>,
    /// Faults to start with, such as `latency=50,fail.check_client_fund=abort`
    #[arg(long, value_name = "NAME=VALUE,…")]
    fault: Vec<String>,
    /// Seed of everything that is drawn by chance
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

impl ChainArgs {
    /// What the chain starts from.
    pub(crate) fn genesis(&self) -> Result<Genesis, String> {
        let address = |flag: &str, text: &str| {
            canonical(text).ok_or_else(|| format!("{flag} is {text:?}: an address is needed"))
        };
        let lottery = address("--lottery-addr", &self.lottery_addr)?;
        let client = self.client_addr.as_deref().unwrap_or(&self.lottery_addr);
        let answer_ms = match self.answer_ms.as_str() {
            "never" => None,
            text => Some(
                text.parse()
                    .map_err(|_| format!("--answer-ms is {text:?}: milliseconds or never are needed"))?,
            ),
        };
        Ok(Genesis {
            chain_id: self.chain_id,
            interface: self.interface,
            block_ms: self.block_ms,
            height: self.blocks,
            deposit: address("--deposit-addr", &self.deposit_addr)?,
            client: address("--client-addr", client)?,
            lottery,
            lottery_module: self.lottery_module.clone(),
            clients: self.clients,
            answer_ms,
            scenario: self.scenario,
        })
    }

    /// The faults to start with.
    pub(crate) fn faults(&self) -> Result<Faults, String> {
        Faults::parse(&self.fault.join(","))
    }

    /// The REST versions to serve.
    pub(crate) fn versions(&self) -> Vec<String> {
        let default = if self.node == NodeGeneration::V6 { "v1,v2" } else { "v1,v2,v3" };
        self.api.as_deref().unwrap_or(default).split(',').map(|version| version.trim().to_owned()).collect()
    }
}

/// A frozen chain with everything at its default.
#[cfg(test)]
pub(crate) fn genesis_for_tests() -> Genesis {
    Genesis {
        chain_id: 6,
        interface: Interface::V3,
        block_ms: 0,
        height: 1000,
        lottery: canonical(LOTTERY).unwrap(),
        deposit: canonical(DEPOSIT).unwrap(),
        client: canonical(LOTTERY).unwrap(),
        lottery_module: "main_v2".to_owned(),
        clients: 0,
        answer_ms: None,
        scenario: Scenario::Healthy,
    }
}
