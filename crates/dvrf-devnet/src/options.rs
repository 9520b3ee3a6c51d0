//! The flags that describe a chain.

use crate::abort::{Dialect, Node, Words};
use crate::address::Address;
use crate::names::Names;

/// The dVRF package of Supra testnet.
const DVRF: &str = "0x186ba2ba88f4a14ca51f6ce42702c7ebdf6bfcf738d897cc98b986ded6f1219e";
/// One of the two published lottery addresses.
const LOTTERY: &str = "0x9a969d3b77941cec267f03b9bbb323c0333fa63d0e9e15204edabc415f134490";

/// The address of the lottery's later layout on testnet.
const CORE: &str = "0xbc959517601034979f21fa2f2f41862219ea38554be27c2fdb4fd9a392caafe0";
/// An invented one: no address of the wheel is public.
const WHEEL: &str = "0x7ee1b1a6c0f3d24e95a8074c13d6f2b05e89a7c4d1f3602b8e5c97a04d2f6b13";

/// An invented one: the template is published by whoever uses it.
const DICE: &str = "0xd1ce4f8a26b7903ec51d68f27a0b94e3c6d85f1027ae3b964c80d5f71e29a3b6";

/// An invented one: no deployment of the package is known.
const MULTI: &str = "0x3a17c5e80f92d46b7ae50c81f3d69b24e7105a8cd2f4b693e08d71a5c6429f0b";

/// A contract of another layout than the lottery's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Consumer {
    Core,
    Wheel,
    Dice,
    Multi,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ChainOptions {
    /// Starting state, docs/internals/devnet.md has the figures
    #[arg(long, default_value = "healthy", value_parser = clap::builder::PossibleValuesParser::new(crate::scenario::NAMES))]
    pub(crate) scenario: String,
    /// Published `deposit` functions: v3, v2, camel, joined with `+`
    #[arg(long, hide_short_help = true, default_value = "v3")]
    pub(crate) interface: String,
    /// Node generation: status and words of failures
    #[arg(long, hide_short_help = true, default_value = "v11.7")]
    pub(crate) node: Node,
    /// Words of failures, and with `recorded` short pages of events and ABIs without `is_event`, as on testnet
    #[arg(long, hide_short_help = true, default_value = "recorded")]
    pub(crate) words: Words,
    /// Served REST prefixes; default v1,v2,v3 (v6: v1,v2)
    #[arg(long, hide_short_help = true, value_delimiter = ',')]
    pub(crate) api: Vec<String>,
    /// The chain id that the node answers: 6 is testnet, 8 mainnet
    #[arg(long, default_value_t = 6)]
    pub(crate) chain_id: u8,
    /// Height of the tip at the start
    #[arg(long, hide_short_help = true, default_value_t = 100_000)]
    pub(crate) blocks: u64,
    /// Milliseconds between blocks; 0 freezes height and time
    #[arg(long, default_value_t = 500)]
    pub(crate) block_ms: u64,
    /// Unix seconds of the tip at the start; default now
    #[arg(long, hide_short_help = true)]
    pub(crate) start_time: Option<u64>,
    /// Events of past draws spread over the history, three per draw
    #[arg(long, hide_short_help = true, default_value_t = 12)]
    pub(crate) history_events: u64,
    /// Blocks below this are pruned (410)
    #[arg(long, hide_short_help = true, default_value_t = 0)]
    pub(crate) oldest_block: u64,
    /// Blocks below the tip that events do not know yet (404)
    #[arg(long, hide_short_help = true, default_value_t = 0)]
    pub(crate) index_lag: u64,
    /// Subscribed clients besides the main one
    #[arg(long, hide_short_help = true, default_value_t = 0)]
    pub(crate) clients: u32,
    /// Delay of a VRF answer; default 2000, and never for the requests `stuck` and `pending` begin with
    #[arg(long)]
    pub(crate) answer_ms: Option<u64>,
    /// A further consumer, at an address of its own: `core` has many lotteries behind a hub, `wheel` and `dice` are games that ask dVRF, `multi` is read through tables
    #[arg(long)]
    pub(crate) consumer: Vec<Consumer>,
    /// Modules answer without an ABI
    #[arg(long, hide_short_help = true)]
    pub(crate) no_abi: bool,
    /// Faults, e.g. `latency=50ms,jitter=20ms,429=2,retry_after=1`
    #[arg(long, default_value = "")]
    pub(crate) fault: String,
    /// Every random choice follows from it
    #[arg(long, hide_short_help = true, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Further nodes of the same chain, each with a URL and a `/devnet/control` of its own
    #[arg(long, hide_short_help = true, default_value_t = 0)]
    pub(crate) replicas: u8,
    #[arg(long, hide_short_help = true, default_value = DVRF)]
    pub(crate) dvrf_addr: Address,
    #[arg(long, hide_short_help = true, default_value = LOTTERY)]
    pub(crate) lottery_addr: Address,
    /// The modules of `--consumer core` have their names before the rename: `rounds`, `instances`, `treasury_multi`, `jackpot`
    #[arg(long, hide_short_help = true)]
    pub(crate) core_old_names: bool,
    #[arg(long, hide_short_help = true, default_value = CORE)]
    pub(crate) core_addr: Address,
    #[arg(long, hide_short_help = true, default_value = WHEEL)]
    pub(crate) wheel_addr: Address,
    #[arg(long, hide_short_help = true, default_value = DICE)]
    pub(crate) dice_addr: Address,
    #[arg(long, hide_short_help = true, default_value = MULTI)]
    pub(crate) multi_addr: Address,
    /// Default: the lottery's address
    #[arg(long, hide_short_help = true)]
    pub(crate) client_addr: Option<Address>,
    #[arg(long, hide_short_help = true, default_value = "deposit")]
    pub(crate) deposit_module: String,
    #[arg(long, hide_short_help = true, default_value = "supra_vrf")]
    pub(crate) vrf_module: String,
    #[arg(long, hide_short_help = true, default_value = "main_v2")]
    pub(crate) lottery_module: String,
    #[arg(long, hide_short_help = true, default_value = "treasury_v1")]
    pub(crate) treasury_module: String,
}

impl ChainOptions {
    pub(crate) fn dialect(&self) -> Dialect {
        Dialect { node: self.node, words: self.words }
    }

    pub(crate) fn names(&self) -> Names {
        Names {
            dvrf: self.dvrf_addr,
            deposit_module: self.deposit_module.clone(),
            vrf_module: self.vrf_module.clone(),
            lottery: self.lottery_addr,
            lottery_module: self.lottery_module.clone(),
            treasury_module: self.treasury_module.clone(),
            client: self.client_addr.unwrap_or(self.lottery_addr),
        }
    }

    /// Where a further consumer is hosted, if it is.
    pub(crate) fn address(&self, consumer: Consumer) -> Option<Address> {
        let address = match consumer {
            Consumer::Core => self.core_addr,
            Consumer::Wheel => self.wheel_addr,
            Consumer::Dice => self.dice_addr,
            Consumer::Multi => self.multi_addr,
        };
        self.consumer.contains(&consumer).then_some(address)
    }

    /// The name, the variable and the address of each further consumer.
    pub(crate) fn consumers(&self) -> Vec<(&'static str, &'static str, Address)> {
        let all = [
            ("core", "CORE_ADDR", Consumer::Core),
            ("wheel", "WHEEL_ADDR", Consumer::Wheel),
            ("dice", "DICE_ADDR", Consumer::Dice),
            ("multi", "MULTI_ADDR", Consumer::Multi),
        ];
        let hosted = all.into_iter();
        hosted
            .filter_map(|(name, variable, consumer)| Some((name, variable, self.address(consumer)?)))
            .collect()
    }

    /// The variables for a process that watches this chain, besides those that reach it.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let names = self.names();
        let mut variables = vec![
            ("PROFILE", "devnet".to_owned()),
            ("LOTTERY_ADDR", names.lottery.to_string()),
            ("DEPOSIT_ADDR", names.dvrf.to_string()),
            ("CLIENT_ADDR", names.client.to_string()),
            ("DVRF_CHAIN_ID", self.chain_id.to_string()),
            ("MAX_GAS_PRICE", "1000".to_owned()),
            ("MAX_GAS_LIMIT", "500000".to_owned()),
            ("VERIFICATION_GAS_VALUE", "25000".to_owned()),
            // An alert that is tried out must not reach the channels of the operator's own file.
            ("DVRF_CONFIG", "/dev/null".to_owned()),
        ];
        let further = self.consumers().into_iter();
        variables.extend(further.map(|(_, variable, address)| (variable, address.to_string())));
        variables
    }
}
