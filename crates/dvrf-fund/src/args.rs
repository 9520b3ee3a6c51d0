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
use dvrf_cli::submit::{LockArgs, RetryArgs, SubmitArgs};
use supra_core::amount::{Decimal, QUANTS_PER_SUPRA, Quants};
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
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    #[command(flatten)]
    pub(crate) retry: RetryArgs,
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

impl FundLimits {
    pub(crate) fn of(settings: &Settings) -> Result<Self, Error> {
        let span = settings.text(&variables::FUND_COOL_DOWN).unwrap_or_default();
        let seconds = parse_span_s(span);
        let by = settings.source(&variables::FUND_COOL_DOWN);
        let wrong = || bad(by, span, "a span such as 90s, 5m or 1h is needed");
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

fn limit(settings: &Settings, variable: &Variable) -> Result<Option<Quants>, Error> {
    let Some(text) = settings.text(variable) else { return Ok(None) };
    money(settings.source(variable), text, |text| format!("did you mean {text}SUPRA?")).map(Some)
}

/// Parses an amount. A number without a unit that is less than 1 SUPRA was meant in SUPRA; 0 is 0 in both.
fn money(by: &str, text: &str, hint: impl FnOnce(&str) -> String) -> Result<Quants, Error> {
    let amount = amount(by, text)?;
    let has_unit = text.ends_with(|c: char| c.is_ascii_alphabetic());
    if has_unit || !(1..QUANTS_PER_SUPRA).contains(&amount.get()) {
        return Ok(amount);
    }
    let why = format!("{amount} quants are {} SUPRA", amount.supra());
    Err(bad(by, text, why).with_hint(hint(text)))
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
    let (by_to, by_for) = (settings.source(&variables::FUND_TO), settings.source(&variables::FUND_FOR));
    let Some(text) = settings.text(&variables::FUND_TO) else {
        let wrong = |text| bad(by_for, text, "a span such as 30d or 12h is needed");
        let seconds =
            |text| parse_span_s(text).and_then(|seconds| u64::try_from(seconds).ok()).filter(|s| *s > 0);
        return span.map(|text| seconds(text).map(Goal::Span).ok_or_else(|| wrong(text))).transpose();
    };
    if span.is_some() {
        let why = format!("{by_for} is given too, and a top-up has one target: leave one out");
        return Err(bad(by_to, text, why));
    }
    let Some(percent) = text.trim().strip_suffix('%') else {
        let amount = money(by_to, text, |text| format!("did you mean {text}SUPRA or {text}%?"));
        let with_hint = |error: Error| match error.hint() {
            Some(_) => error,
            None => error.with_hint("a multiple of the minimum is written 300%"),
        };
        return amount.map(Goal::Amount).map(Some).map_err(with_hint);
    };
    let ratio = percent.trim().parse::<Decimal>().and_then(|percent| percent.shifted(2));
    ratio.map(Goal::Ratio).map(Some).map_err(|error| bad(by_to, text, error))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A mistake is named by what was typed, the flag or the variable.
    #[rstest]
    #[case::variable(&variables::FUND_MAX_AMOUNT, false, "x", "DVRF_FUND_MAX_AMOUNT is \"x\": ")]
    #[case::flag(&variables::FUND_RESERVE, true, "x", "--reserve is \"x\": ")]
    #[case::span(&variables::FUND_COOL_DOWN, false, "1x", "DVRF_FUND_COOL_DOWN is \"1x\": a span such as 90s, 5m or 1h is needed")]
    #[case::ratio(&variables::FUND_TO, false, "x%", "DVRF_FUND_TO is \"x%\": ")]
    #[case::amount(&variables::FUND_TO, true, "x", "--to is \"x\": ")]
    #[case::quants(&variables::FUND_TO, true, "500", "--to is \"500\": 500 quants are 0.000005 SUPRA")]
    #[case::quants_limit(&variables::FUND_RESERVE, false, "99_999_999", "DVRF_FUND_RESERVE is \"99_999_999\": 99999999 quants are 0.99999999 SUPRA")]
    #[case::time(&variables::FUND_FOR, false, "0d", "DVRF_FUND_FOR is \"0d\": a span such as 30d or 12h is needed")]
    fn mistakes_name_what_was_typed(
        #[case] variable: &'static Variable,
        #[case] is_flag: bool,
        #[case] text: &str,
        #[case] expected: &str,
    ) {
        let environment = [(variable.name, text.to_owned())].into_iter().filter(|_| !is_flag);
        let mut settings = Settings::new(environment.collect());
        settings.set_flag(variable, is_flag.then_some(text));
        let error = FundLimits::of(&settings).map(drop).and_then(|()| goal(&settings).map(drop));
        let message = error.unwrap_err().message();
        assert!(message.starts_with(expected), "{message}");
    }
}
