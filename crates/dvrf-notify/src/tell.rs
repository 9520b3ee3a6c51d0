//! The flags of telling, and what they make: the configuration to show, or an open teller.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::teller::{Teller, Told};
use crate::alert_state::AlertRules;
use crate::delivery::WebhookSender;
use crate::message::MessageTemplate;
use crate::notification::Outcome;
use dvrf_cli::args::StateArgs;
use dvrf_cli::channel::Level;
use dvrf_cli::channel::args::{ChannelArgs, ChannelSummary};
use dvrf_cli::channel::parse::Problem;
use dvrf_cli::checker::RecordChecker;
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::pipeline::each;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::setting_flags;
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::text::plain_lines;
use dvrf_cli::{CliError, Session};
use supra_core::amount::Decimal;
use supra_core::check::Policy;
use supra_core::failure::{Failure, FailureKind};
use supra_core::http::{Http, Roots};
use supra_core::record::{Record, SCHEMA};
use supra_core::stable_id::stable_id;
use supra_core::time::{Clock, parse_span_s};

/// The longest wait for one receiver's answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest wait for a dead man's switch.
const PING_LIMIT: Duration = Duration::from_secs(5);
/// How often a message is sent again within a run.
const RETRIES: u32 = 3;
/// What a dead man's switch is told of a run; one fleet's messages must not fill the memory.
const LINES_BYTES_MAX: usize = 64 << 10;

setting_flags! {
    /// The words of every message.
    WordsArgs, "Message", {
        title = TITLE "TEXT"
        runbook_base = RUNBOOK_BASE "URL"
        notify_timeout = NOTIFY_TIMEOUT "SECONDS"
    }
}

/// The flags of telling.
#[derive(Debug, Clone, Args)]
pub(crate) struct TellArgs {
    #[command(flatten)]
    channels: ChannelArgs,
    #[command(flatten)]
    words: WordsArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// When to tell; all of it needs `--state-dir`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "State")]
struct MemoryArgs {
    #[command(flatten)]
    state: StateArgs,
    /// Remind this often while it is still wrong, such as 90m, 4h or 1d; 0 never
    #[arg(long, value_name = "SPAN", default_value = "4h", value_parser = span_s)]
    repeat_every: i64,
    /// Tell after this many bad runs in a row
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    fire_after: u32,
    /// Say resolved after this many good runs in a row
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1000))]
    resolve_after: u32,
    /// Tell after this many runs in a row that could not judge
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    unknown_after: u32,
    /// A deposit counts as recovered when it is this share above the limit it fell below
    #[arg(long, value_name = "SHARE", default_value = "0.1")]
    clear_margin: Decimal,
    /// Give up a message that could not be delivered for this long
    #[arg(long, value_name = "SPAN", default_value = "1d", value_parser = span_s)]
    expire_after: i64,
}

/// What is sent and printed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// Send nothing and remember nothing; say what would be sent
    #[arg(long)]
    dry_run: bool,
    /// Put the record into Slack messages, and into --format text
    #[arg(long)]
    include_json: bool,
    /// Exit 1 when the exit is an alert
    #[arg(long)]
    fail_on_low: bool,
    #[command(flatten)]
    form: FormArgs,
}

#[derive(Debug, Clone, Args)]
struct FormArgs {
    /// What stdout gets
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Indent the JSON
    #[arg(long)]
    pretty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Records with `notifications`
    Json,
    /// The messages, also when they could not be delivered
    Text,
}

/// The configuration as it is in force, without secrets.
#[derive(Debug, Serialize)]
struct Configuration {
    channels: Vec<ChannelSummary>,
    problems: Vec<Problem>,
    warnings: Vec<String>,
    title: String,
    state_dir: Option<String>,
    repeat_every_seconds: Option<i64>,
    fire_after: u32,
    resolve_after: u32,
    unknown_after: u32,
    clear_margin: String,
    expire_after_seconds: i64,
    timeout_seconds: u64,
}

/// Parses a span of whole seconds, at most a leap year.
fn span_s(text: &str) -> Result<i64, &'static str> {
    const SPAN_S_MAX: i64 = 366 * 86_400;
    let span = parse_span_s(text).filter(|span| *span <= SPAN_S_MAX);
    span.ok_or("a span such as 90m, 4h or 1d is needed")
}

impl TellArgs {
    /// Puts the flags over the variables.
    pub(crate) fn fill(&self, settings: &mut Settings) {
        self.channels.fill(settings);
        self.words.fill(settings);
        self.memory.state.fill(settings);
    }

    fn rules(&self) -> AlertRules {
        AlertRules {
            repeat_every_s: Some(self.memory.repeat_every).filter(|every| *every > 0),
            fire_after: self.memory.fire_after,
            resolve_after: self.memory.resolve_after,
            unknown_after: self.memory.unknown_after,
            clear_margin: self.memory.clear_margin,
        }
    }

    fn show(&self, session: &Session) -> Result<Configuration, Failure> {
        let channels = self.channels.resolve(session);
        let rules = self.rules();
        let settings = &session.settings;
        let mut problems = channels.problems;
        if channels.list.is_empty() && problems.is_empty() {
            problems.push(Problem {
                channel: "none".to_owned(),
                problem: "no channel is configured: nobody would be told".to_owned(),
                fix: NO_CHANNEL_FIX.to_owned(),
            });
        }
        Ok(Configuration {
            channels: channels.list.iter().map(ChannelSummary::of).collect(),
            problems,
            warnings: channels.warnings,
            title: settings.text(&variables::TITLE).unwrap_or_default().to_owned(),
            state_dir: settings.text(&variables::STATE_DIR).map(str::to_owned),
            repeat_every_seconds: rules.repeat_every_s,
            fire_after: rules.fire_after,
            resolve_after: rules.resolve_after,
            unknown_after: rules.unknown_after,
            clear_margin: rules.clear_margin.to_string(),
            expire_after_seconds: self.memory.expire_after,
            timeout_seconds: timeout(settings)?.as_secs(),
        })
    }

    fn print(&self, record: &mut Record, told: &Told, session: &mut Session) -> Result<(), CliError> {
        if self.output.form.format == Format::Json {
            record.set("notifications", &told.notifications)?;
            return session.out.record(record, self.output.form.pretty);
        }
        for message in &told.messages {
            session.out.text(&plain_lines(&message.text()))?;
            if self.output.include_json {
                session.out.record(record, true)?;
            }
        }
        Ok(())
    }

    /// Opens the channels; a mistake in their words ends the run before anything is asked or sent.
    fn open(&self, policy: Policy, session: &Session) -> Result<Teller, Failure> {
        let channels = self.channels.resolve(session);
        for warning in &channels.warnings {
            session.say("warning", warning);
        }
        if let Some((last, others)) = channels.problems.split_last() {
            for problem in others {
                session.say_failure(&problem.into());
            }
            return Err(last.into());
        }
        if channels.list.is_empty() && !self.output.dry_run {
            return Err(Failure::new(FailureKind::Config, "no channel is configured: nobody would be told")
                .with_hint(NO_CHANNEL_FIX));
        }
        let settings = &session.settings;
        let text = |variable| settings.text(variable).unwrap_or_default().to_owned();
        let run =
            stable_id(&["run", &session.now.as_nanosecond().to_string(), &std::process::id().to_string()]);
        Ok(Teller {
            quiet: BTreeSet::new(),
            template: MessageTemplate {
                title: text(&variables::TITLE),
                lang: policy.lang,
                runbook_base: text(&variables::RUNBOOK_BASE),
                network: settings.text(&variables::NETWORK).map(str::to_owned),
            },
            rules: self.rules(),
            policy,
            state: StateArgs::open(settings)?,
            expiry_s: self.memory.expire_after,
            dry_run: self.output.dry_run,
            include_json: self.output.include_json,
            ping_limit: timeout(settings)?.min(PING_LIMIT),
            budget: timeout(settings)?,
            sender: WebhookSender {
                http: Http::new(
                    channels.list.len().max(1),
                    &Roots::of(settings.text(&variables::TLS_ROOTS))?,
                ),
                deadline: Instant::now(),
                call_timeout: CALL_TIMEOUT,
                retries: RETRIES,
                clock: Clock::starting(session.now),
                seed: u64::from(std::process::id()),
            },
            channels: channels.list,
            run,
            started: Vec::new(),
        })
    }
}

const NO_CHANNEL_FIX: &str = "set MONITOR_WEBHOOK_URL or --webhook-url-file, or add --channel";

fn timeout(settings: &Settings) -> Result<Duration, Failure> {
    settings.needed_seconds(&variables::NOTIFY_TIMEOUT)
}

/// `dvrf-notify`: every record judged, told and passed on.
pub(crate) fn send(
    tell: &TellArgs,
    input: &InputArgs,
    policy: &PolicyArgs,
    session: &mut Session,
) -> Result<Exit, CliError> {
    let checker = RecordChecker::new(policy, session)?;
    let mut teller = tell.open(checker.checker.policy.clone(), session)?;
    teller.begin();
    let mut level = Level::Ok;
    let mut lines = String::new();
    let mut undelivered = false;
    let result = each(input, session, |item, session| {
        let found = checker.checks(item, session)?;
        let told = teller.tell(&item.record, &found, session);
        let checks = &found.checks;
        level = level.max(Level::of(checks.status, checks.severity));
        undelivered |= told.failed;
        if lines.len() < LINES_BYTES_MAX {
            told.messages.iter().for_each(|message| lines.push_str(&message.text()));
        }
        tell.print(&mut item.record, &told, session)?;
        let is_muted = found.exit == Exit::No && !tell.output.fail_on_low;
        let exit = if is_muted { Exit::Done } else { found.exit };
        Ok(if told.busy { Exit::Busy } else { exit })
    });
    // The switches hear of a run that broke off too.
    let exit = result.as_ref().map_or(Exit::CannotAnswer, |exit| *exit);
    let exit = if undelivered { Exit::CannotAnswer } else { exit };
    teller.end(level, exit, &lines, session);
    result.map(|_| exit)
}

/// `dvrf-notify test`.
pub(crate) fn test(tell: &TellArgs, policy: &PolicyArgs, session: &mut Session) -> Result<Exit, CliError> {
    let mut teller = tell.open(policy.policy(&session.settings)?, session)?;
    let notifications = teller.test(session);
    for told in notifications.iter().filter(|told| told.outcome == Outcome::Delivered) {
        session.say("info", &format!("channel {}: taken; look whether the message is there", told.channel));
    }
    let failed = notifications.iter().any(|told| told.outcome.is_failure());
    let mut record = Record::new();
    record.set("schema", SCHEMA)?;
    record.set("notifications", &notifications)?;
    session.out.record(&record, tell.output.form.pretty)?;
    Ok(if failed { Exit::CannotAnswer } else { Exit::Done })
}

/// `dvrf-notify config`.
pub(crate) fn config(tell: &TellArgs, session: &mut Session) -> Result<Exit, CliError> {
    let shown = tell.show(session)?;
    let is_good = shown.problems.is_empty();
    let mut record = Record::new();
    record.set("notify", &shown)?;
    session.out.record(&record, tell.output.form.pretty)?;
    for problem in &shown.problems {
        session.say_failure(&problem.into());
    }
    Ok(if is_good { Exit::Done } else { Exit::CannotAnswer })
}
