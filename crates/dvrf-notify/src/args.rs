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
use dvrf_cli::setting_flags;
use dvrf_cli::settings::{Settings, variables};
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
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Alerts")]
struct AlertArgs {
    #[command(flatten)]
    state: StateArgs,
    /// Send a reminder this often while the problem lasts, such as 90m, 4h or 1d; 0 disables reminders
    #[arg(long, value_name = "SPAN", default_value = "4h", value_parser = span_s)]
    repeat_every: i64,
    /// Alert after this many bad runs in a row
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    fire_after: u32,
    /// Send "resolved" after this many good runs in a row
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1000))]
    resolve_after: u32,
    /// Alert after this many runs in a row with an unknown status
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    unknown_after: u32,
    /// Treat a deposit as recovered when it is this share above the limit that it fell below
    #[arg(long, value_name = "SHARE", default_value = "0.1")]
    clear_margin: Decimal,
    /// Drop a message that could not be delivered for this long
    #[arg(long, value_name = "SPAN", default_value = "1d", value_parser = span_s)]
    expire_after: i64,
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
fn span_s(text: &str) -> Result<i64, &'static str> {
    const SPAN_S_MAX: i64 = 366 * 86_400;
    let span = parse_span_s(text).filter(|span| *span <= SPAN_S_MAX);
    span.ok_or("a span such as 90m, 4h or 1d is needed")
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

    pub(crate) fn rules(&self) -> AlertRules {
        AlertRules {
            repeat_every_s: Some(self.alerts.repeat_every).filter(|every| *every > 0),
            fire_after: self.alerts.fire_after,
            resolve_after: self.alerts.resolve_after,
            unknown_after: self.alerts.unknown_after,
            clear_margin: self.alerts.clear_margin,
        }
    }

    pub(crate) fn expire_after_s(&self) -> i64 {
        self.alerts.expire_after
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
            rules: self.rules(),
            policy,
            state_dir: None,
            is_memory_unusable: false,
            broken: channels.problems.iter().map(|problem| problem.channel.clone()).collect(),
            expire_after_s: self.expire_after_s(),
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
