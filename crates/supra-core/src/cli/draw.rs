//! The flags of drawing, shared by `ready`, `run`, `auto` and `smoke`.

mod attempt;
pub mod auto;
mod engine;
pub mod ready;
pub mod run;
mod sender;
pub mod smoke;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::args::{LiveArgs, StateArgs, setting_flags};
use crate::address::Address;
use crate::config::{Settings, env};
use crate::failure::Failure;
use crate::lang::Lang;
use crate::readiness::Demand;
use crate::target::Target;

/// What is demanded before a draw.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Readiness")]
pub struct ReadinessArgs {
    /// Fewer tickets are too few
    #[arg(long, value_name = "N", default_value_t = 5)]
    min_tickets: u64,
    /// Do not ask whether a draw is scheduled; the contract still does
    #[arg(long)]
    skip_draw_scheduled: bool,
    #[command(flatten)]
    waived: WaivedArgs,
}

/// What the contract asserts all the same.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Readiness")]
struct WaivedArgs {
    /// Do not mind a pending request; the contract still does
    #[arg(long)]
    allow_pending_request: bool,
    /// Do not mind a deposit at or below its minimum; the chain still does
    #[arg(long)]
    skip_min_balance: bool,
    /// Demand a whitelisted callback sender; the contract demands one anyway
    #[arg(long)]
    require_aggregator: bool,
}

setting_flags! {
    /// How transactions are sent.
    SubmitArgs, "Transaction", {
        function_id = FUNCTION_ID "FUNCTION"
        treasury_module = TREASURY_MODULE "NAME"
        sender_account = SENDER_ACCOUNT "ADDRESS"
        confirm_flag = CONFIRM_FLAG "FLAG"
        gas_unit_price = GAS_UNIT_PRICE "QUANTS"
        max_gas = MAX_GAS "GAS"
        expiration_secs = EXPIRATION "SECONDS"
        password_file = PASSWORD_FILE "FILE"
        password_variable = PASSWORD_VARIABLE "NAME"
        submit_timeout = SUBMIT_TIMEOUT "SECONDS"
        confirm_timeout = CONFIRM_TIMEOUT "SECONDS"
    }
}

/// What keeps a draw from happening twice.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Guards")]
pub struct GuardArgs {
    #[command(flatten)]
    state: StateArgs,
    /// Lock this file; it excludes other runs and flock(1)
    #[arg(long, value_name = "FILE")]
    lock_file: Option<PathBuf>,
    /// Wait this long for locks that others hold
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=3600))]
    lock_wait: u32,
    /// Rest this long between two attempts in one round
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    cool_down: u32,
    /// Attempts in one round, after which somebody must look
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_attempts: u32,
    /// After the draw wait this long for its answer
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    wait_handled: Option<u32>,
}

/// Everything that `run` and `auto` share.
#[derive(Debug, Clone, Args)]
pub struct DrawArgs {
    #[command(flatten)]
    readiness: ReadinessArgs,
    #[command(flatten)]
    submit: SubmitArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    guards: GuardArgs,
    #[command(flatten)]
    live: LiveArgs,
}

/// What the CLI is told besides.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Transaction")]
pub struct ConfirmArgs {
    /// Have the CLI ask nothing
    #[arg(long)]
    assume_yes: bool,
    /// Simulate before sending (v11 and later); a simulation that fails ends the attempt
    #[arg(long)]
    simulate_first: bool,
}

impl DrawArgs {
    /// Puts the flags over the variables.
    pub fn fill(&self, settings: &mut Settings) {
        self.live.fill(settings);
        self.submit.fill(settings);
        self.guards.state.fill(settings);
    }
}

impl ReadinessArgs {
    fn demand(&self, target: Option<&Target>, lang: Lang, settings: &Settings) -> Result<Demand, Failure> {
        let sender: Option<Address> = settings.address(&env::SENDER_ACCOUNT)?;
        Ok(Demand {
            min_tickets: self.min_tickets,
            skip_draw_scheduled: self.skip_draw_scheduled,
            allow_pending: self.waived.allow_pending_request,
            skip_min_balance: self.waived.skip_min_balance,
            sender,
            lottery: target.and_then(|target| target.lottery),
            expected_aggregators: Vec::new(),
            lang,
        })
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
