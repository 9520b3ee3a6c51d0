//! The flags of the check policy.

use std::fmt::Display;
use std::str::FromStr;

use clap::Args;

use super::parse::{bad, nearest, number, parsed};
use crate::settings::{Settings, variables};
use crate::target::expected_chain_id;
use supra_core::amount::{Decimal, GasPrice, GasUnits, Quants};
use supra_core::check::{ExpectedEvent, Policy, Severity};
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::lang::Lang;
use supra_core::time::{format_span, parse_span_s};

/// The flags that set what a check requires.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Policy")]
pub struct PolicyArgs {
    /// Plan a deposit below this multiple of the minimum: 3 or 300% [default 3]
    #[arg(long, value_name = "RATIO")]
    plan: Option<String>,
    /// Warn below this multiple of the minimum [default 2]
    #[arg(long, value_name = "RATIO")]
    warn: Option<String>,
    /// Critical below this multiple of the minimum [default 1]
    #[arg(long, value_name = "RATIO")]
    critical: Option<String>,
    /// Warn when the deposit lasts less long at the recent rate, by the history in --state-dir; 0 disables the rule
    /// [default 7d]
    #[arg(long, value_name = "SPAN")]
    runway_warn: Option<String>,
    /// Expect this callback sender; given several times, any one of them is enough (under the old command names, which had
    /// a list, all of them are demanded)
    #[arg(long, value_name = "ADDRESS")]
    expect_aggregator: Vec<String>,
    /// Expect this consumer to be whitelisted in the lottery (repeatable)
    #[arg(long, value_name = "ADDRESS")]
    expect_consumer: Vec<String>,
    /// Expect this consumer module in the deposit module: its address, `ADDRESS::MODULE` or `ADDRESS::MODULE::TYPE`
    /// (repeatable)
    #[arg(long, value_name = "MODULE")]
    expect_module: Vec<String>,
    /// Expect this gas price in the lottery contract
    #[arg(long, value_name = "QUANTS")]
    expect_max_gas_price: Option<String>,
    /// Expect this gas limit in the lottery contract
    #[arg(long, value_name = "GAS")]
    expect_max_gas_limit: Option<String>,
    /// Report an unknown status when the chain's clock is further behind: 90s, 5m; 0 disables the rule [default 5m]
    #[arg(long, value_name = "SPAN")]
    max_lag: Option<String>,
    /// Report an unknown status for a record that is older; 0 disables the rule [default 1h]
    #[arg(long, value_name = "SPAN")]
    max_age: Option<String>,
    /// Warn of a request that waits longer: 90s, 5m, 2h [default 5m]
    #[arg(long, value_name = "SPAN")]
    pending_warn: Option<String>,
    /// Critical from this age on [default 30m]
    #[arg(long, value_name = "SPAN")]
    pending_critical: Option<String>,
    /// Expect an event of this type within this time, such as draw-handled/2h (repeatable)
    #[arg(long, value_name = "TYPE/WITHIN")]
    expect_event: Vec<String>,
    /// The lowest severity that makes an alert: info, warning or critical [default warning]
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<String>,
}

/// `2`, `2.5` or `250%`.
fn ratio(flag: &str, text: Option<&String>, default: Decimal) -> Result<Decimal, Error> {
    let Some(text) = text else { return Ok(default) };
    let parsed = match text.trim().strip_suffix('%') {
        Some(percent) => percent.parse::<Decimal>().and_then(|percent| percent.shifted(2)),
        None => text.parse(),
    };
    parsed.map_err(|error| bad(flag, text, error))
}

fn given(flag: &str, text: Option<&String>) -> Result<Option<u128>, Error> {
    text.map(|text| number(flag, text)).transpose()
}

fn all<T: FromStr<Err: Display>>(flag: &str, texts: &[String]) -> Result<Vec<T>, Error> {
    texts.iter().map(|text| parsed(flag, text)).collect()
}

fn seconds(flag: &str, text: Option<&String>, default: u64) -> Result<u64, Error> {
    let Some(text) = text else { return Ok(default) };
    let seconds = parse_span_s(text).and_then(|seconds| u64::try_from(seconds).ok());
    seconds.ok_or_else(|| bad(flag, text, "a span such as 90s, 5m or 2h is needed"))
}

/// The longest span that a rule about time accepts: a longer one is a mistake, such as milliseconds.
const RULE_SPAN_MAX_S: u64 = 366 * 86_400;

/// The span of a rule that 0 disables.
fn rule_span(flag: &str, text: Option<&String>, default: Option<u64>) -> Result<Option<u64>, Error> {
    let span = seconds(flag, text, default.unwrap_or(0))?;
    match text {
        Some(text) if span > RULE_SPAN_MAX_S => {
            Err(bad(flag, text, "at most 366d is useful; 0 disables the rule"))
        }
        _ => Ok(Some(span).filter(|span| *span > 0)),
    }
}

fn events(texts: &[String]) -> Result<Vec<ExpectedEvent>, Error> {
    let parse = |text: &String| {
        let wrong = || bad("--expect-event", text, "a type and a span are needed, such as draw-handled/2h");
        let (kind, within) = text.rsplit_once('/').ok_or_else(wrong)?;
        let within_s = seconds("--expect-event", Some(&within.to_owned()), 0)?;
        if kind.trim().is_empty() {
            Err(wrong())
        } else {
            Ok(ExpectedEvent { kind: kind.trim().to_owned(), within_s })
        }
    };
    texts.iter().map(parse).collect()
}

impl PolicyArgs {
    /// The expected callback senders, as they were given.
    pub fn expected_aggregators(&self) -> &[String] {
        &self.expect_aggregator
    }

    /// The policy that flags and settings describe.
    pub fn policy(&self, settings: &Settings) -> Result<Policy, Error> {
        let default = Policy::default();
        let limit = settings.number(&variables::MIN_BALANCE_LIMIT)?;
        if limit == Some(0) {
            return Err(Error::new(
                FailureKind::Config,
                "MIN_BALANCE_LIMIT is 0: a limit of 0 guards nothing",
            ));
        }
        let fail_on = match self.fail_on.as_deref() {
            None => default.fail_on,
            Some("info") => Severity::Info,
            Some("warning") => Severity::Warning,
            Some("critical") => Severity::Critical,
            Some(other) => {
                let hint = nearest(other, ["info", "warning", "critical"]);
                let refused = bad("--fail-on", other, "one of info, warning, critical is needed");
                return Err(hint
                    .into_iter()
                    .fold(refused, |error, near| error.with_hint(format!("did you mean {near}?"))));
            }
        };
        let mut policy = Policy {
            plan: ratio("--plan", self.plan.as_ref(), default.plan)?,
            warn: ratio("--warn", self.warn.as_ref(), default.warn)?,
            critical: ratio("--critical", self.critical.as_ref(), default.critical)?,
            runway_warn_s: rule_span("--runway-warn", self.runway_warn.as_ref(), default.runway_warn_s)?,
            min_balance_limit: limit.map(Quants),
            aggregators: all("--expect-aggregator", &self.expect_aggregator)?,
            all_aggregators: false,
            consumers: all("--expect-consumer", &self.expect_consumer)?,
            modules: all("--expect-module", &self.expect_module)?,
            max_gas_price: given("--expect-max-gas-price", self.expect_max_gas_price.as_ref())?.map(GasPrice),
            max_gas_limit: given("--expect-max-gas-limit", self.expect_max_gas_limit.as_ref())?.map(GasUnits),
            chain_id: expected_chain_id(settings, super::args::network(settings)?)?,
            max_lag_s: rule_span("--max-lag", self.max_lag.as_ref(), default.max_lag_s.map(u64::from))?
                .map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX)),
            max_age_s: rule_span("--max-age", self.max_age.as_ref(), default.max_age_s)?,
            fail_on,
            pending_warn_s: seconds("--pending-warn", self.pending_warn.as_ref(), default.pending_warn_s)?,
            pending_critical_s: seconds(
                "--pending-critical",
                self.pending_critical.as_ref(),
                default.pending_critical_s,
            )?,
            expected_events: events(&self.expect_event)?,
            lang: super::args::lang(settings)?,
        };
        self.order_ratios(&mut policy)?;
        self.order_ages(&mut policy)?;
        Ok(policy)
    }

    /// Checks that the levels of the deposit are in order: plan, warn, critical. A default that a given level exceeds is
    /// raised to it, which loses no alert; a given level below another one is an error.
    fn order_ratios(&self, policy: &mut Policy) -> Result<(), Error> {
        let scaled = |ratio: Decimal| ratio.of(10u128.pow(18)).unwrap_or(u128::MAX);
        if scaled(policy.warn) < scaled(policy.critical) {
            if self.warn.is_some() {
                let critical = Level::ratio("--critical", self.critical.as_ref(), policy.critical);
                return Err(Level::ratio("--warn", self.warn.as_ref(), policy.warn).is_below(&critical));
            }
            policy.warn = policy.critical;
        }
        if scaled(policy.plan) < scaled(policy.warn) {
            if self.plan.is_some() {
                let warn = Level::ratio("--warn", self.warn.as_ref(), policy.warn);
                return Err(Level::ratio("--plan", self.plan.as_ref(), policy.plan).is_below(&warn));
            }
            policy.plan = policy.warn;
        }
        Ok(())
    }

    /// Checks that a request becomes a warning before it becomes critical. Without `--pending-warn` the warning comes no
    /// later than `--pending-critical`.
    fn order_ages(&self, policy: &mut Policy) -> Result<(), Error> {
        if policy.pending_critical_s >= policy.pending_warn_s {
            return Ok(());
        }
        if self.pending_warn.is_none() {
            policy.pending_warn_s = policy.pending_critical_s;
            return Ok(());
        }
        let age = |flag, typed: Option<&String>, seconds| Level {
            flag,
            typed: typed.cloned(),
            default: format_span(seconds, Lang::En).replace(' ', ""),
        };
        let warn = age("--pending-warn", self.pending_warn.as_ref(), policy.pending_warn_s);
        let critical = age("--pending-critical", self.pending_critical.as_ref(), policy.pending_critical_s);
        Err(critical.is_below(&warn))
    }
}

/// A threshold as the user gave it.
struct Level {
    flag: &'static str,
    typed: Option<String>,
    default: String,
}

impl Level {
    fn ratio(flag: &'static str, typed: Option<&String>, value: Decimal) -> Self {
        Self { flag, typed: typed.cloned(), default: format!("{}%", value.as_percent()) }
    }

    /// `--warn is "150%"`, or `--warn is 200% by default`.
    fn shown(&self) -> String {
        match &self.typed {
            Some(typed) => format!("{} is {:?}", self.flag, quote(typed)),
            None => format!("{} is {} by default", self.flag, self.default),
        }
    }

    /// The error that this threshold is below one that it must not be below.
    fn is_below(&self, other: &Self) -> Error {
        let message = format!("{}, but {}: it must not be below it", self.shown(), other.shown());
        let hint = format!("raise {} or lower {}", self.flag, other.flag);
        Error::new(FailureKind::Config, message).with_hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use rstest::rstest;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        policy: PolicyArgs,
    }

    fn policy(words: &str) -> Result<Policy, String> {
        let words = std::iter::once("tool").chain(words.split_whitespace());
        let settings = Settings::new(std::collections::BTreeMap::new());
        Line::parse_from(words).policy.policy(&settings).map_err(|error| error.message())
    }

    #[rstest]
    #[case::warn(
        "--warn 50%",
        "--warn is \"50%\", but --critical is 100% by default: it must not be below it"
    )]
    #[case::plan("--plan 1.5", "--plan is \"1.5\", but --warn is 200% by default: it must not be below it")]
    #[case::both("--plan 2 --warn 3", "--plan is \"2\", but --warn is \"3\": it must not be below it")]
    #[case::ages(
        "--pending-warn 1h",
        "--pending-critical is 30min by default, but --pending-warn is \"1h\": it must not be below it"
    )]
    #[case::milliseconds(
        "--max-lag 300000000",
        "--max-lag is \"300000000\": at most 366d is useful; 0 disables the rule"
    )]
    #[case::runway("--runway-warn 2y", "--runway-warn is \"2y\": a span such as 90s, 5m or 2h is needed")]
    #[case::age("--max-age 2000d", "--max-age is \"2000d\": at most 366d is useful; 0 disables the rule")]
    fn contradictions_name_both_settings(#[case] words: &str, #[case] expected: &str) {
        assert_eq!(policy(words).unwrap_err(), expected);
    }

    #[test]
    fn a_default_gives_way_where_no_alert_is_lost() {
        let raised = policy("--warn 5 --critical 1.5").unwrap();
        assert_eq!((raised.plan, raised.warn), (Decimal::percent(500), Decimal::percent(500)));
        let critical = policy("--critical 4").unwrap();
        assert_eq!((critical.plan, critical.warn), (Decimal::percent(400), Decimal::percent(400)));
        let early = policy("--pending-critical 2m").unwrap();
        assert_eq!((early.pending_warn_s, early.pending_critical_s), (120, 120));
        let spans = policy("--max-lag 10m --max-age 0 --runway-warn 3d").unwrap();
        assert_eq!((spans.max_lag_s, spans.max_age_s, spans.runway_warn_s), (Some(600), None, Some(259_200)));
        assert_eq!(policy("--runway-warn 0").unwrap().runway_warn_s, None);
    }

    #[test]
    fn ratios_in_both_spellings() {
        let of =
            |text: &str| ratio("--warn", Some(&text.to_owned()), Decimal::percent(1)).map(|r| r.to_string());
        assert_eq!(of("2"), Ok("2".to_owned()));
        assert_eq!(of("250%"), Ok("2.5".to_owned()));
        assert_eq!(of("12.5 %"), Ok("0.125".to_owned()));
        assert!(of("two").unwrap_err().message().starts_with("--warn is \"two\": a decimal number"));
    }
}
