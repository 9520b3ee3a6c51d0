//! The situations a chain can start in; `docs/devnet.md` has the table of their figures.

use clap::ValueEnum;

use super::{Client, Module, World};

/// A fee limit whose thirtyfold is the minimum that the lottery's own formula gives: 15 750 000 000 quants.
const FEE: u128 = 525_000_000;
const MINIMUM: u128 = FEE * 30;

/// A named situation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Four times the minimum, everything set.
    Healthy,
    /// Two and a half times the minimum.
    Plan,
    /// A little above the minimum.
    Low,
    /// Exactly the minimum.
    AtMinimum,
    /// Far below the minimum.
    BelowMinimum,
    /// A request that is never answered.
    Stuck,
    /// A request that is answered in time.
    Pending,
    /// The deposit module does not know the client.
    NotWhitelisted,
    /// The consumer module is disabled.
    ModuleDisabled,
    /// Supra paused the deposit module.
    Paused,
    /// The lottery is not initialised.
    Empty,
    /// No callback sender.
    NoAggregator,
    /// The lottery is not among its consumers.
    ConsumerMissing,
    /// Gas settings that differ from their snapshot.
    GasDrift,
    /// Five tickets, everything set: a draw may start.
    Ready,
    /// Answers come, and the lottery's callback aborts.
    CallbackAborts,
    /// The largest numbers there are.
    U128Max,
}

impl Scenario {
    /// Puts a new world into the situation.
    pub(crate) fn apply(self, world: &mut World) {
        initialise(world);
        let client_address = world.genesis.client.clone();
        let lottery = world.genesis.lottery.clone();
        let balance = |world: &mut World, quants: u128| {
            world.clients.values_mut().for_each(|client| client.balance = quants);
        };
        match self {
            Self::Healthy => {}
            Self::Plan => balance(world, MINIMUM * 5 / 2),
            Self::Low => balance(world, MINIMUM + 4_250_000_000),
            Self::AtMinimum => balance(world, MINIMUM),
            Self::BelowMinimum => balance(world, 1_000_000_000),
            Self::Stuck | Self::Pending => {
                world.lottery.requests += 1;
                world.lottery.pending = Some(19);
                if self == Self::Pending {
                    world.request_answer(19);
                }
            }
            Self::NotWhitelisted => {
                world.clients.remove(&client_address);
            }
            Self::ModuleDisabled => {
                world
                    .clients
                    .values_mut()
                    .flat_map(|client| &mut client.modules)
                    .for_each(|module| module.enabled = false);
            }
            Self::Paused => world.paused = true,
            Self::Empty => world.lottery = super::Lottery::new(&world.genesis),
            Self::NoAggregator => world.lottery.aggregator = None,
            Self::ConsumerMissing => world.lottery.consumers.retain(|consumer| *consumer != lottery),
            Self::GasDrift => world.lottery.max_gas = (1_000, 600_000),
            Self::Ready => ready(world),
            Self::CallbackAborts => {
                ready(world);
                world.callback_aborts = true;
            }
            Self::U128Max => {
                balance(world, u128::MAX);
                world.lottery.jackpot = u128::from(u64::MAX);
            }
        }
    }
}

fn ready(world: &mut World) {
    let buyer = world.genesis.lottery.clone();
    world.lottery.tickets = vec![buyer; 5];
    world.lottery.jackpot = 50_000_000;
    world.lottery.next_ticket = 6;
    world.lottery.draw_scheduled = true;
}

fn initialise(world: &mut World) {
    let (lottery, client) = (world.genesis.lottery.clone(), world.genesis.client.clone());
    let now_s = world.time_us() / 1_000_000;
    let one = |contract: &str| Client {
        balance: MINIMUM * 4,
        grant: 1_000_000_000,
        grant_total: 5_000_000_000,
        max_txn_fee: FEE,
        modules: vec![Module {
            marker: format!("{contract}::main_v2::Lottery"),
            fee: FEE / 2,
            enabled: true,
        }],
        contracts: vec![contract.to_owned()],
        subscription: (now_s.saturating_sub(80 * 86_400), now_s + 100 * 86_400),
        max_gas: (1_000, 500_000),
    };
    world.clients.insert(client, one(&lottery));
    for number in 0..world.genesis.clients {
        world.clients.insert(format!("0x{:064x}", 0xc0_0000 + u64::from(number)), one(&lottery));
    }
    let state = &mut world.lottery;
    state.tickets = vec![lottery.clone(); 3];
    state.jackpot = 30_000_000;
    state.next_ticket = 4;
    state.max_gas = (1_000, 500_000);
    state.callback_gas = (100, 150_000);
    state.verification_gas = 25_000;
    state.requests = 2;
    state.responses = 2;
    state.aggregator = Some(lottery.clone());
    state.consumers = vec![lottery];
    state.client_snapshot = Some((1_000, 500_000, MINIMUM));
    state.consumer_snapshot = Some((100, 150_000));
    state.request_config = Some((1, 3));
    state.client_seed = 3;
}
