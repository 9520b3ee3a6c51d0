//! The flags of drawing, shared by `ready`, `run`, `auto` and `smoke`.

use std::time::Duration;

use clap::Args;

use dvrf_cli::args::{LiveArgs, StateArgs};
use dvrf_cli::setting_flags;
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::submit::{LockArgs, SubmitArgs};
use supra_core::address::Address;
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::lang::Lang;
use supra_core::layout::LayoutDraw;
use supra_core::readiness::DrawPolicy;
use supra_core::target::Target;

/// What is demanded before a draw.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Readiness")]
pub(crate) struct ReadinessArgs {
    /// Fewer tickets are too few
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) min_tickets: u64,
    /// Do not ask whether a draw is scheduled; the contract still does
    #[arg(long)]
    pub(crate) skip_draw_scheduled: bool,
    #[command(flatten)]
    pub(crate) waived: WaivedArgs,
}

/// What the contract asserts all the same.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Readiness")]
pub(crate) struct WaivedArgs {
    /// Ignore a pending request (the contract will still reject the draw)
    #[arg(long)]
    pub(crate) allow_pending_request: bool,
    /// Ignore a deposit at or below its minimum (the chain will still refuse the request)
    #[arg(long)]
    pub(crate) skip_min_balance: bool,
    /// Require a whitelisted callback sender; the contract requires one anyway
    #[arg(long)]
    pub(crate) require_aggregator: bool,
}

setting_flags! {
    /// What a draw calls.
    FunctionArgs, "Transaction", {
        function_id = FUNCTION_ID "FUNCTION"
        treasury_module = TREASURY_MODULE "NAME"
    }
}

/// What keeps a draw from happening twice.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Guards")]
pub(crate) struct GuardArgs {
    #[command(flatten)]
    pub(crate) state: StateArgs,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    /// Rest this long between two attempts in one round
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub(crate) cool_down: u32,
    /// Attempts in one round, after which the next waits for an hour, then two, up to a day
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) max_attempts: u32,
    /// Accept a redeployed lottery: forget the rounds of the old one, once
    #[arg(long)]
    pub(crate) lottery_redeployed: bool,
    /// After the draw wait this long for its answer
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) wait_handled: Option<u32>,
}

/// Everything that `run` and `auto` share.
#[derive(Debug, Clone, Args)]
pub(crate) struct DrawArgs {
    #[command(flatten)]
    pub(crate) readiness: ReadinessArgs,
    #[command(flatten)]
    function: FunctionArgs,
    #[command(flatten)]
    submit: SubmitArgs,
    #[command(flatten)]
    pub(crate) confirm: ConfirmArgs,
    #[command(flatten)]
    pub(crate) guards: GuardArgs,
    #[command(flatten)]
    pub(crate) live: LiveArgs,
}

/// What the CLI is told besides.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Transaction")]
pub(crate) struct ConfirmArgs {
    /// Have the CLI ask nothing
    #[arg(long)]
    pub(crate) assume_yes: bool,
    /// Simulate before sending (v11 and later); a simulation that fails ends the attempt
    #[arg(long)]
    pub(crate) simulate_first: bool,
}

impl DrawArgs {
    /// Puts the flags over the variables.
    pub(crate) fn fill(&self, settings: &mut Settings) {
        self.live.fill(settings);
        self.function.fill(settings);
        self.submit.fill(settings);
        self.guards.state.fill(settings);
    }
}

impl DrawArgs {
    /// Refuses what is about the lottery `main_v2` alone, where a layout says what is drawn.
    pub(crate) fn refuse_of_lottery(&self, draw: &LayoutDraw, settings: &Settings) -> Result<(), Error> {
        let name = draw.layout();
        let refused = |what: &str, why: &str| {
            Err(Error::new(FailureKind::Config, format!("{what}: {why}")).with_hint("leave it out"))
        };
        if settings.is_given(&variables::FUNCTION_ID) {
            let what = settings.source(&variables::FUNCTION_ID);
            return refused(what, &format!("[draw] of the layout {name} says what is called"));
        }
        if self.readiness.skip_draw_scheduled {
            let why = format!("[draw] of the layout {name} says when a draw may be started");
            return refused("--skip-draw-scheduled", &why);
        }
        if self.guards.wait_handled.is_some() && !draw.counts_answers() {
            let why = format!("[draw] of the layout {name} has no answered, which counts the answers");
            return refused("--wait-handled", &why);
        }
        Ok(())
    }
}

impl ReadinessArgs {
    pub(crate) fn demand(
        &self,
        target: Option<&Target>,
        layout: Option<&LayoutDraw>,
        lang: Lang,
        settings: &Settings,
    ) -> Result<DrawPolicy, Error> {
        let sender: Option<Address> = settings.address(&variables::SENDER_ACCOUNT)?;
        let signer = match layout {
            Some(layout) => layout.signer()?,
            None => target.and_then(|target| target.lottery),
        };
        Ok(DrawPolicy {
            min_tickets: self.min_tickets,
            skip_draw_scheduled: self.skip_draw_scheduled,
            allow_pending: self.waived.allow_pending_request,
            skip_min_balance: self.waived.skip_min_balance,
            sender,
            signer,
            layout: layout.cloned(),
            expected_aggregators: Vec::new(),
            lang,
        })
    }
}

pub(crate) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
