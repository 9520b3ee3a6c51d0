//! The flags of `dvrf-fund`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use dvrf_cli::Session;
use dvrf_cli::args::{LiveArgs, StateArgs};
use dvrf_cli::checker::RecordChecker;
use dvrf_cli::input::InputArgs;
use dvrf_cli::parse::{amount, bad};
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::setting_flags;
use dvrf_cli::settings::Settings;
use dvrf_cli::settings::variables::{self, Variable};
use supra_core::amount::{Decimal, Quants};
use supra_core::check::remedy::Goal;
use supra_core::error::Error;
use supra_core::fund::{FundCode, FundError};
use supra_core::time::parse_span_s;

setting_flags! {
    /// What a top-up reaches.
    GoalArgs, "Amount", {
        to = FUND_TO "RATIO|AMOUNT"
        for_span = FUND_FOR "SPAN"
    }
}

setting_flags! {
    /// What a top-up may cost.
    LimitArgs, "Limits", {
        max_amount = FUND_MAX_AMOUNT "AMOUNT"
        max_per_day = FUND_MAX_PER_DAY "AMOUNT"
        max_per_month = FUND_MAX_PER_MONTH "AMOUNT"
        reserve = FUND_RESERVE "AMOUNT"
        cool_down = FUND_COOL_DOWN "SPAN"
    }
}

setting_flags! {
    /// How the top-up is sent.
    SubmitArgs, "Transaction", {
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

/// The flags of the tool itself.
#[derive(Debug, Clone, Args)]
pub(crate) struct FundArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    goal: GoalArgs,
    /// Send the top-up, within the limits; on a terminal it is asked first
    #[arg(long, help_heading = "Guards")]
    pub(crate) execute: bool,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    pub(crate) guards: GuardArgs,
    #[command(flatten)]
    submit: SubmitArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What keeps money from being sent twice.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Guards")]
pub(crate) struct GuardArgs {
    /// Do not ask at the terminal; all limits are needed then, as without a terminal
    #[arg(long)]
    pub(crate) assume_yes: bool,
    /// Accept that the journal is new; otherwise a new one waits until no transaction of a lost one can be under way
    #[arg(long)]
    pub(crate) new_journal: bool,
    /// Lock this file; it excludes other runs and flock(1)
    #[arg(long, value_name = "FILE")]
    pub(crate) lock_file: Option<PathBuf>,
    /// Wait this long for locks that others hold
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=3600))]
    pub(crate) lock_wait: u32,
    /// Read the chain again when what was read is older than this
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(crate) max_reading_age: u32,
    /// Try again this often when the chain cannot be read, or when provably nothing was sent
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(crate) retry: u32,
    /// Wait this long before trying again
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=3600))]
    pub(crate) retry_delay: u32,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Output format; unset: text on a terminal, json otherwise
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Show whole addresses
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// Indent the JSON
    #[arg(long)]
    pub(crate) pretty: bool,
    /// Append the line of --execute to this file too, synced
    #[arg(long, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Records with `funding`
    Json,
    /// A card for people
    Text,
}

impl FundArgs {
    /// Puts the flags over the variables.
    pub(crate) fn fill(&self, settings: &mut Settings) {
        self.goal.fill(settings);
        self.limits.fill(settings);
        self.submit.fill(settings);
        self.live.fill(settings);
        self.state.fill(settings);
    }
}

/// What a top-up may cost. Without a limit it is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FundLimits {
    pub(crate) max_amount: Option<Quants>,
    pub(crate) max_per_day: Option<Quants>,
    pub(crate) max_per_month: Option<Quants>,
    pub(crate) reserve: Option<Quants>,
    pub(crate) cool_down_s: i64,
}

/// An amount of a setting.
fn limit(settings: &Settings, variable: &Variable) -> Result<Option<Quants>, Error> {
    let flag = variable.flag.unwrap_or(variable.name);
    settings.text(variable).map(|text| amount(flag, text)).transpose()
}

impl FundLimits {
    pub(crate) fn of(settings: &Settings) -> Result<Self, Error> {
        let span = settings.text(&variables::FUND_COOL_DOWN).unwrap_or_default();
        let seconds = parse_span_s(span);
        let wrong = || bad("--cool-down", span, "a span such as 90s, 5m or 1h is needed");
        Ok(Self {
            max_amount: limit(settings, &variables::FUND_MAX_AMOUNT)?,
            max_per_day: limit(settings, &variables::FUND_MAX_PER_DAY)?,
            max_per_month: limit(settings, &variables::FUND_MAX_PER_MONTH)?,
            reserve: limit(settings, &variables::FUND_RESERVE)?,
            cool_down_s: seconds.ok_or_else(wrong)?,
        })
    }

    /// The first limit that a run without a person lacks.
    pub(crate) fn missing(&self) -> Option<FundError> {
        let all = [
            (self.max_amount, &variables::FUND_MAX_AMOUNT),
            (self.max_per_day, &variables::FUND_MAX_PER_DAY),
            (self.max_per_month, &variables::FUND_MAX_PER_MONTH),
            (self.reserve, &variables::FUND_RESERVE),
        ];
        let (_, variable) = all.into_iter().find(|(limit, _)| limit.is_none())?;
        let flag = variable.flag.unwrap_or(variable.name);
        let text = format!("{flag} is not set: without a person at a terminal every limit is needed");
        Some(
            FundError::new(FundCode::LimitMissing, text)
                .with_hint(format!("set {flag} or {}", variable.name)),
        )
    }
}

/// The checker; a target in time needs the history of the subscription.
pub(crate) fn checker(args: &FundArgs, session: &Session) -> Result<RecordChecker, Error> {
    let checker = RecordChecker::new(&args.policy, session)?;
    let is_in_time = matches!(goal(&session.settings)?, Some(Goal::Span(_)));
    Ok(if is_in_time { checker.with_history(session) } else { checker })
}

/// What a top-up reaches, where the settings say so.
pub(crate) fn goal(settings: &Settings) -> Result<Option<Goal>, Error> {
    let span = settings.text(&variables::FUND_FOR);
    let Some(text) = settings.text(&variables::FUND_TO) else {
        let wrong = |text| bad("--for", text, "a span such as 30d or 12h is needed");
        let seconds =
            |text| parse_span_s(text).and_then(|seconds| u64::try_from(seconds).ok()).filter(|s| *s > 0);
        return span.map(|text| seconds(text).map(Goal::Span).ok_or_else(|| wrong(text))).transpose();
    };
    if span.is_some() {
        return Err(bad("--to", text, "--for is given too, and a top-up has one target: leave one out"));
    }
    let Some(percent) = text.trim().strip_suffix('%') else {
        let amount = amount("--to", text)
            .map_err(|error| error.with_hint("a multiple of the minimum is written 300%"))?;
        return Ok(Some(Goal::Amount(amount)));
    };
    let ratio = percent.trim().parse::<Decimal>().and_then(|percent| percent.shifted(2));
    ratio.map(Goal::Ratio).map(Some).map_err(|error| bad("--to", text, error))
}
