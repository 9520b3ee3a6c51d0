//! The flags of the check policy.

use std::collections::BTreeMap;

use clap::Args;

use super::args::Words;
use super::parse::{bad, did_you_mean, number, parsed};
use crate::settings::file::keys::THRESHOLDS;
use crate::settings::{Settings, variables};
use crate::target::expected_chain_id;
use supra_core::amount::{Decimal, GasPrice, GasUnits, Quants};
use supra_core::check::{ExpectedEvent, Policy, Severity};
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::lang::Lang;
use supra_core::time::{format_span, parse_span_s};

const FAIL_ON: [(&str, Severity); 3] =
    [("info", Severity::Info), ("warning", Severity::Warning), ("critical", Severity::Critical)];

fn fail_on_words() -> Vec<&'static str> {
    FAIL_ON.map(|(word, _)| word).to_vec()
}

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
    #[arg(
        long,
        value_name = "TYPE/WITHIN",
        value_parser = Words(vec!["draw-requested/", "draw-handled/"]),
        hide_possible_values = true
    )]
    expect_event: Vec<String>,
    /// The lowest severity that makes an alert: info, warning or critical [default warning]
    #[arg(long, value_name = "SEVERITY", value_parser = Words(fail_on_words()), hide_possible_values = true)]
    fail_on: Option<String>,
}

/// A value of the policy and what an error names: the flag, or the place in the settings file.
#[derive(Clone)]
struct Given {
    by: String,
    text: Option<String>,
}

impl Given {
    fn of(flag: &'static str, typed: Option<&String>, settings: &Settings) -> Self {
        match (typed, settings.file_value(flag)) {
            (None, Some(value)) => Self { by: value.by.clone(), text: Some(value.text.clone()) },
            _ => Self { by: flag.to_owned(), text: typed.cloned() },
        }
    }

    /// `2`, `2.5` or `250%`.
    fn ratio(&self, default: Decimal) -> Result<Decimal, Error> {
        let Some(text) = &self.text else { return Ok(default) };
        let percent = text.trim().strip_suffix('%');
        let parsed = match percent {
            Some(percent) => percent.parse::<Decimal>().and_then(|percent| percent.shifted(2)),
            None => text.parse(),
        };
        let ratio = parsed.map_err(|_| bad(&self.by, text, "2 or 200% is needed"))?;
        if ratio.of(100).is_ok_and(|percent| percent <= RATIO_PERCENT_MAX) {
            return Ok(ratio);
        }
        let (means, text) = (format!("this means {} % of the minimum", ratio.as_percent()), text.trim());
        let refused = bad(&self.by, text, format!("{means}, and at most {RATIO_PERCENT_MAX} % is useful"));
        Err(if percent.is_none() { refused.with_hint(format!("did you mean {text}%?")) } else { refused })
    }

    fn number(&self) -> Result<Option<u128>, Error> {
        self.text.as_ref().map(|text| number(&self.by, text)).transpose()
    }

    fn seconds(&self, default: u64) -> Result<u64, Error> {
        let Some(text) = &self.text else { return Ok(default) };
        let seconds = parse_span_s(text).and_then(|seconds| u64::try_from(seconds).ok());
        seconds.ok_or_else(|| bad(&self.by, text, "a span such as 90s, 5m or 2h is needed"))
    }

    /// The span of a rule that 0 disables.
    fn rule_span(&self, default: Option<u64>) -> Result<Option<u64>, Error> {
        let span = self.seconds(default.unwrap_or(0))?;
        match &self.text {
            Some(text) if span > RULE_SPAN_MAX_S => {
                Err(bad(&self.by, text, "at most 366d is useful; 0 disables the rule"))
            }
            _ => Ok(Some(span).filter(|span| *span > 0)),
        }
    }

    fn severity(&self, default: Severity) -> Result<Severity, Error> {
        let Some(text) = &self.text else { return Ok(default) };
        if let Some((_, severity)) = FAIL_ON.iter().find(|(word, _)| word == text) {
            return Ok(*severity);
        }
        let refused = bad(&self.by, text, format!("one of {} is needed", fail_on_words().join(", ")));
        Err(did_you_mean(text, fail_on_words()).into_iter().fold(refused, Error::with_hint))
    }
}

/// The largest threshold: a larger one is a percentage without its sign.
const RATIO_PERCENT_MAX: u128 = 5000;

/// The longest span that a rule about time accepts: a longer one is a mistake, such as milliseconds.
const RULE_SPAN_MAX_S: u64 = 366 * 86_400;

/// Parses every value of a list: those of the flag, else those of the settings file.
fn all<T>(
    flag: &'static str,
    typed: &[String],
    settings: &Settings,
    parse: impl Fn(&str, &str) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    match settings.file_value(flag) {
        Some(value) if typed.is_empty() => value.text.lines().map(|text| parse(&value.by, text)).collect(),
        _ => typed.iter().map(|text| parse(flag, text)).collect(),
    }
}

fn event(by: &str, text: &str) -> Result<ExpectedEvent, Error> {
    let wrong = || bad(by, text, "a type and a span are needed, such as draw-handled/2h");
    let (kind, within) = text.rsplit_once('/').ok_or_else(wrong)?;
    let within_s = Given { by: by.to_owned(), text: Some(within.to_owned()) }.seconds(0)?;
    if kind.trim().is_empty() {
        Err(wrong())
    } else {
        Ok(ExpectedEvent { kind: kind.trim().to_owned(), within_s })
    }
}

impl PolicyArgs {
    /// The expected callback senders, as they were given.
    pub fn expected_aggregators<'a>(&'a self, settings: &'a Settings) -> Vec<&'a str> {
        match settings.file_value("--expect-aggregator") {
            Some(value) if self.expect_aggregator.is_empty() => value.text.lines().collect(),
            _ => self.expect_aggregator.iter().map(String::as_str).collect(),
        }
    }

    /// The policy that flags and settings describe.
    pub fn policy(&self, settings: &Settings) -> Result<Policy, Error> {
        let default = Policy::default();
        let limit = settings.quants(&variables::MIN_BALANCE_LIMIT)?;
        if limit == Some(0) {
            let source = settings.source(&variables::MIN_BALANCE_LIMIT);
            let message = format!("{source} is 0: a limit of 0 guards nothing");
            return Err(Error::new(FailureKind::Config, message));
        }
        let of = |flag, typed: &Option<String>| Given::of(flag, typed.as_ref(), settings);
        let (plan, warn) = (of("--plan", &self.plan), of("--warn", &self.warn));
        let critical = of("--critical", &self.critical);
        let pending_warn = of("--pending-warn", &self.pending_warn);
        let pending_critical = of("--pending-critical", &self.pending_critical);
        let mut policy = Policy {
            plan: plan.ratio(default.plan)?,
            warn: warn.ratio(default.warn)?,
            critical: critical.ratio(default.critical)?,
            runway_warn_s: of("--runway-warn", &self.runway_warn).rule_span(default.runway_warn_s)?,
            min_balance_limit: limit.map(Quants),
            aggregators: all("--expect-aggregator", &self.expect_aggregator, settings, parsed)?,
            all_aggregators: false,
            consumers: all("--expect-consumer", &self.expect_consumer, settings, parsed)?,
            modules: all("--expect-module", &self.expect_module, settings, parsed)?,
            max_gas_price: of("--expect-max-gas-price", &self.expect_max_gas_price).number()?.map(GasPrice),
            max_gas_limit: of("--expect-max-gas-limit", &self.expect_max_gas_limit).number()?.map(GasUnits),
            chain_id: expected_chain_id(settings, super::args::network(settings)?)?,
            max_lag_s: of("--max-lag", &self.max_lag)
                .rule_span(default.max_lag_s.map(u64::from))?
                .map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX)),
            max_age_s: of("--max-age", &self.max_age).rule_span(default.max_age_s)?,
            fail_on: of("--fail-on", &self.fail_on).severity(default.fail_on)?,
            pending_warn_s: pending_warn.seconds(default.pending_warn_s)?,
            pending_critical_s: pending_critical.seconds(default.pending_critical_s)?,
            expected_events: all("--expect-event", &self.expect_event, settings, event)?,
            lang: super::args::lang(settings)?,
        };
        order_ratios(&plan, &warn, &critical, &mut policy)?;
        order_ages(&pending_warn, &pending_critical, &mut policy)?;
        Ok(policy)
    }

    /// The policies of the subscriptions of the settings file that have thresholds of their own, by name.
    pub fn of_subscriptions(&self, settings: &Settings) -> Result<BTreeMap<String, Policy>, Error> {
        let all = settings.file().subscriptions.iter();
        let own = all.filter(|subscription| subscription.has_own(THRESHOLDS));
        own.map(|subscription| {
            Ok((subscription.name.clone(), self.policy(&settings.of_subscription(subscription))?))
        })
        .collect()
    }
}

/// Checks that the levels of the deposit are in order: plan, warn, critical. A default that a given level exceeds is
/// raised to it, which loses no alert; a given level below another one is an error.
fn order_ratios(plan: &Given, warn: &Given, critical: &Given, policy: &mut Policy) -> Result<(), Error> {
    let scaled = |ratio: Decimal| ratio.of(10u128.pow(18)).unwrap_or(u128::MAX);
    if scaled(policy.warn) < scaled(policy.critical) {
        if warn.text.is_some() {
            let critical = Level::ratio(critical, policy.critical);
            return Err(Level::ratio(warn, policy.warn).is_below(&critical));
        }
        policy.warn = policy.critical;
    }
    if scaled(policy.plan) < scaled(policy.warn) {
        if plan.text.is_some() {
            let warn = Level::ratio(warn, policy.warn);
            return Err(Level::ratio(plan, policy.plan).is_below(&warn));
        }
        policy.plan = policy.warn;
    }
    Ok(())
}

/// Checks that a request becomes a warning before it becomes critical. Without `--pending-warn` the warning comes no
/// later than `--pending-critical`.
fn order_ages(warn: &Given, critical: &Given, policy: &mut Policy) -> Result<(), Error> {
    if policy.pending_critical_s >= policy.pending_warn_s {
        return Ok(());
    }
    if warn.text.is_none() {
        policy.pending_warn_s = policy.pending_critical_s;
        return Ok(());
    }
    let age = |given: &Given, seconds| Level {
        given: given.clone(),
        default: format_span(seconds, Lang::En).replace(' ', ""),
    };
    let warn = age(warn, policy.pending_warn_s);
    Err(age(critical, policy.pending_critical_s).is_below(&warn))
}

/// A threshold as the user gave it.
struct Level {
    given: Given,
    default: String,
}

impl Level {
    fn ratio(given: &Given, value: Decimal) -> Self {
        Self { given: given.clone(), default: format!("{}%", value.as_percent()) }
    }

    /// `--warn (150%)`, or `--warn (200% by default)`.
    fn shown(&self) -> String {
        match &self.given.text {
            Some(text) => format!("{} ({})", self.given.by, quote(text)),
            None => format!("{} ({} by default)", self.given.by, self.default),
        }
    }

    /// The error that this threshold is below one that it must not be below.
    fn is_below(&self, other: &Self) -> Error {
        let message = format!("{} must be at least {}", self.shown(), other.shown());
        let hint = format!("raise {} or lower {}", self.given.by, other.given.by);
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
    #[case::warn("--warn 50%", "--warn (50%) must be at least --critical (100% by default)")]
    #[case::plan("--plan 1.5", "--plan (1.5) must be at least --warn (200% by default)")]
    #[case::both("--plan 2 --warn 3", "--plan (2) must be at least --warn (3)")]
    #[case::ages(
        "--pending-warn 1h",
        "--pending-critical (30min by default) must be at least --pending-warn (1h)"
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
        let of = |text: &str| {
            let given = Given { by: "--warn".to_owned(), text: Some(text.to_owned()) };
            given.ratio(Decimal::percent(1)).map(|ratio| ratio.to_string())
        };
        assert_eq!(of("2"), Ok("2".to_owned()));
        assert_eq!(of("250%"), Ok("2.5".to_owned()));
        assert_eq!(of("12.5 %"), Ok("0.125".to_owned()));
        let refused = |text| of(text).map_err(|error| (error.message(), error.hint().map(str::to_owned)));
        assert_eq!(refused("two"), Err(("--warn is \"two\": 2 or 200% is needed".to_owned(), None)));
        let large = "this means 20000 % of the minimum, and at most 5000 % is useful";
        let hint = Some("did you mean 200%?".to_owned());
        assert_eq!(refused("200"), Err((format!("--warn is \"200\": {large}"), hint)));
        assert_eq!(refused("20000%"), Err((format!("--warn is \"20000%\": {large}"), None)));
        assert_eq!(of("50"), Ok("50".to_owned()));
    }
}
