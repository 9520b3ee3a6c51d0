//! The flags of `dvrf-notify`, and the notifier that they configure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use crate::alert_state::AlertRules;
use crate::delivery::WebhookSender;
use crate::message::MessageTemplate;
use crate::notifier::Notifier;
use dvrf_cli::Session;
use dvrf_cli::args::StateArgs;
use dvrf_cli::channel::ChannelKind;
use dvrf_cli::channel::args::ChannelArgs;
use dvrf_cli::parse::bad;
use dvrf_cli::setting_flags;
use dvrf_cli::settings::file::keys::ALERTS;
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::silence::Silences;
use supra_core::amount::Decimal;
use supra_core::check::Policy;
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::stable_id::stable_id;
use supra_core::time::{Clock, parse_span_s};

/// The longest wait for one response of a receiver that joins duplicates.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest wait for a dead man's switch.
const PING_TIMEOUT: Duration = Duration::from_secs(5);
/// How many times a message is sent again within a run.
const RETRIES: u32 = 3;

/// How long a message is tried.
const EXPIRE_AFTER_S: i64 = 86_400;

pub(crate) const NO_CHANNEL: &str = "no channel is configured: no alert would be sent";
pub(crate) const NO_CHANNEL_FIX: &str =
    "set MONITOR_WEBHOOK_URL or --webhook-url-file, add --channel, or write [[channel]] in dvrf.toml";

setting_flags! {
    /// The flags of messages.
    MessageArgs, "Message", {
        title = TITLE "TEXT"
        runbook_base = RUNBOOK_BASE "URL"
        notify_timeout = NOTIFY_TIMEOUT "SECONDS"
    }
}

/// The flags of notifications.
#[derive(Debug, Clone, Args)]
pub(crate) struct NotifyArgs {
    #[command(flatten)]
    pub(crate) channels: ChannelArgs,
    #[command(flatten)]
    message: MessageArgs,
    #[command(flatten)]
    alerts: AlertArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// When alerts are sent; all of it needs `--state-dir`.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Alerts")]
struct AlertArgs {
    #[command(flatten)]
    state: StateArgs,
    /// Send a reminder this often while the problem lasts, such as 90m, 4h or 1d; 0 disables reminders [default 4h]
    #[arg(long, value_name = "SPAN", value_parser = span_s)]
    repeat_every: Option<i64>,
    /// Alert after this many bad runs in a row [default 1]
    #[arg(long, value_name = "N", value_parser = runs)]
    fire_after: Option<u32>,
    /// Send "resolved" after this many good runs in a row [default 2]
    #[arg(long, value_name = "N", value_parser = runs)]
    resolve_after: Option<u32>,
    /// Alert after this many runs in a row with an unknown status [default 3]
    #[arg(long, value_name = "N", value_parser = runs)]
    unknown_after: Option<u32>,
    /// Treat a deposit as recovered when it is this share above the limit that it fell below [default 0.1]
    #[arg(long, value_name = "SHARE")]
    clear_margin: Option<Decimal>,
    /// Drop a message that could not be delivered for this long [default 1d]
    #[arg(long, value_name = "SPAN", value_parser = span_s)]
    expire_after: Option<i64>,
}

/// The flags of output.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct OutputArgs {
    /// Print what would be sent; send and save nothing
    #[arg(long)]
    dry_run: bool,
    /// Include the report in messages to Slack and Teams, and the record in --format text
    #[arg(long)]
    pub(crate) include_json: bool,
    /// Exit 1 on an alert
    #[arg(long)]
    pub(crate) fail_on_low: bool,
    /// Format of stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Json)]
    pub(crate) format: OutputFormat,
    /// Indent the JSON
    #[arg(long)]
    pub(crate) pretty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// Records with `notifications`
    Json,
    /// The messages, including those that could not be delivered
    Text,
}

/// Parses a span of whole seconds, at most a leap year.
pub(crate) fn span_s(text: &str) -> Result<i64, &'static str> {
    const SPAN_S_MAX: i64 = 366 * 86_400;
    let span = parse_span_s(text).filter(|span| *span <= SPAN_S_MAX);
    span.ok_or("a span such as 90m, 4h or 1d is needed")
}

/// Parses a number of runs.
fn runs(text: &str) -> Result<u32, &'static str> {
    text.trim()
        .parse()
        .ok()
        .filter(|runs| (1..=1000).contains(runs))
        .ok_or("a whole number from 1 to 1000 is needed")
}

/// The value of a flag, else that of the settings file, else the default.
fn of_flag<T: Copy, E: std::fmt::Display>(
    flag: &str,
    typed: Option<T>,
    settings: &Settings,
    parse: impl Fn(&str) -> Result<T, E>,
    default: T,
) -> Result<T, Error> {
    match (typed, settings.file_value(flag)) {
        (None, Some(value)) => parse(&value.text).map_err(|error| bad(&value.by, &value.text, error)),
        (typed, _) => Ok(typed.unwrap_or(default)),
    }
}

/// The mistakes in the settings of alerts, which a run would find when it uses them.
pub(crate) fn mistakes(settings: &Settings) -> Vec<Error> {
    let none = AlertArgs::default();
    let found = [none.rules(settings).map(drop), none.expire_after_s(settings).map(drop)];
    found.into_iter().filter_map(Result::err).collect()
}

impl AlertArgs {
    fn rules(&self, settings: &Settings) -> Result<AlertRules, Error> {
        let default = AlertRules::default();
        let every = default.repeat_every_s.unwrap_or(0);
        let every = of_flag("--repeat-every", self.repeat_every, settings, span_s, every)?;
        let after = |flag, typed, default| of_flag(flag, typed, settings, runs, default);
        let margin = str::parse::<Decimal>;
        Ok(AlertRules {
            repeat_every_s: Some(every).filter(|every| *every > 0),
            fire_after: after("--fire-after", self.fire_after, default.fire_after)?,
            resolve_after: after("--resolve-after", self.resolve_after, default.resolve_after)?,
            unknown_after: after("--unknown-after", self.unknown_after, default.unknown_after)?,
            clear_margin: of_flag(
                "--clear-margin",
                self.clear_margin,
                settings,
                margin,
                default.clear_margin,
            )?,
        })
    }

    fn expire_after_s(&self, settings: &Settings) -> Result<i64, Error> {
        of_flag("--expire-after", self.expire_after, settings, span_s, EXPIRE_AFTER_S)
    }
}

/// The time for all deliveries of a run.
pub(crate) fn notify_timeout(settings: &Settings) -> Result<Duration, Error> {
    settings.needed_seconds(&variables::NOTIFY_TIMEOUT)
}

impl NotifyArgs {
    /// Lets the flags override the variables.
    pub(crate) fn fill(&self, settings: &mut Settings) {
        self.channels.fill(settings);
        self.message.fill(settings);
        self.alerts.state.fill(settings);
    }

    pub(crate) fn rules(&self, settings: &Settings) -> Result<AlertRules, Error> {
        self.alerts.rules(settings)
    }

    /// The rules of the subscriptions of the settings file that have some of their own, by name.
    fn own_rules(&self, settings: &Settings) -> Result<BTreeMap<String, AlertRules>, Error> {
        let own = settings.file().subscriptions.iter().filter(|subscription| subscription.has_own(ALERTS));
        own.map(|subscription| {
            Ok((subscription.name.clone(), self.rules(&settings.of_subscription(subscription))?))
        })
        .collect()
    }

    pub(crate) fn expire_after_s(&self, settings: &Settings) -> Result<i64, Error> {
        self.alerts.expire_after_s(settings)
    }

    /// Creates the notifier, without alert state. A mistake in the configuration of a channel silences that channel; one in
    /// that of all channels ends the run before anything is read or sent.
    pub(crate) fn notifier(&self, policy: Policy, session: &Session) -> Result<Notifier, Error> {
        let channels = self.channels.resolve(session);
        for warning in &channels.warnings {
            session.log("warning", warning);
        }
        if let Some((last, others)) = channels.problems.split_last() {
            for problem in others {
                session.log_error(&problem.into());
            }
            if channels.list.is_empty() {
                return Err(last.into());
            }
            session.log_error(&last.into());
        }
        if channels.list.is_empty() && !self.output.dry_run {
            return Err(Error::new(FailureKind::Config, NO_CHANNEL).with_hint(NO_CHANNEL_FIX));
        }
        let carries = [ChannelKind::Slack, ChannelKind::Teams, ChannelKind::Generic, ChannelKind::Ping];
        let bare = channels.list.iter().filter(|channel| !carries.contains(&channel.kind));
        for channel in bare.filter(|_| self.output.include_json) {
            let (name, kind) = (&channel.name, channel.kind.name());
            let sentence =
                format!("{name}: messages to {kind} have no room for the report of --include-json");
            session.log("warning", &sentence);
        }
        let settings = &session.settings;
        let text = |variable| settings.text(variable).unwrap_or_default().to_owned();
        let process_id = std::process::id();
        let started = session.now.as_nanosecond().to_string();
        let timeout = notify_timeout(settings)?;
        let network = settings.text(&variables::NETWORK).map(str::to_owned);
        Ok(Notifier {
            template: MessageTemplate {
                title: text(&variables::TITLE),
                lang: policy.lang,
                runbook_base: text(&variables::RUNBOOK_BASE),
                network: network.clone(),
                host: dvrf_cli::host_name(),
            },
            network,
            rules: self.rules(settings)?,
            own_rules: self.own_rules(settings)?,
            policy,
            silences: Silences::default(),
            state_dir: None,
            is_memory_unusable: false,
            broken: channels.problems.iter().map(|problem| problem.channel.clone()).collect(),
            expire_after_s: self.expire_after_s(settings)?,
            dry_run: self.output.dry_run,
            include_json: self.output.include_json,
            ping_timeout: timeout.min(PING_TIMEOUT),
            timeout,
            spent: BTreeMap::new(),
            waited: Duration::ZERO,
            dead: BTreeSet::new(),
            sender: WebhookSender {
                http: dvrf_cli::http::client(settings, channels.list.len().max(1))?,
                deadline: Instant::now(),
                call_timeout: CALL_TIMEOUT,
                retries: RETRIES,
                clock: Clock::starting(session.now),
            },
            channels: channels.list,
            run_id: stable_id(&["run", &started, &process_id.to_string()]),
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::zero("0", 0)]
    #[case::seconds("90s", 90)]
    #[case::hours("4h", 14_400)]
    #[case::leap_year("366d", 366 * 86_400)]
    fn spans(#[case] text: &str, #[case] seconds: i64) {
        assert_eq!(span_s(text), Ok(seconds));
    }

    #[rstest]
    #[case::no_number("soon")]
    #[case::fraction_of_a_second("0.5")]
    #[case::above_a_year("367d")]
    fn bad_spans(#[case] text: &str) {
        assert_eq!(span_s(text), Err("a span such as 90m, 4h or 1d is needed"));
    }
}
