//! The flags of the check policy.

use std::fmt::Display;
use std::str::FromStr;

use clap::Args;

use super::parse::{bad, number, parsed};
use crate::settings::{Settings, variables};
use crate::target::expected_chain_id;
use supra_core::amount::{Decimal, GasPrice, GasUnits, Quants};
use supra_core::check::{ExpectedEvent, Policy, Severity};
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::time::parse_span_s;

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
    /// Expect one of these callback senders (repeatable)
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
    /// Report an unknown status when the chain's clock is further behind; 0 disables the rule [default 300]
    #[arg(long, value_name = "SECONDS")]
    max_lag: Option<u32>,
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
            Some(other) => return Err(bad("--fail-on", other, "one of info, warning, critical is needed")),
        };
        let policy = Policy {
            plan: ratio("--plan", self.plan.as_ref(), default.plan)?,
            warn: ratio("--warn", self.warn.as_ref(), default.warn)?,
            critical: ratio("--critical", self.critical.as_ref(), default.critical)?,
            min_balance_limit: limit.map(Quants),
            aggregators: all("--expect-aggregator", &self.expect_aggregator)?,
            consumers: all("--expect-consumer", &self.expect_consumer)?,
            modules: all("--expect-module", &self.expect_module)?,
            max_gas_price: given("--expect-max-gas-price", self.expect_max_gas_price.as_ref())?.map(GasPrice),
            max_gas_limit: given("--expect-max-gas-limit", self.expect_max_gas_limit.as_ref())?.map(GasUnits),
            chain_id: expected_chain_id(settings, super::args::network(settings)?)?,
            max_lag_s: match self.max_lag {
                Some(0) => None,
                Some(seconds) => Some(seconds),
                None => default.max_lag_s,
            },
            max_age_s: Some(seconds("--max-age", self.max_age.as_ref(), default.max_age_s.unwrap_or(0))?)
                .filter(|seconds| *seconds > 0),
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
        Ok(policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
