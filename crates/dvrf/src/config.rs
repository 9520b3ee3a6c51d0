//! `dvrf config`: the settings that a run would use, each with its origin, without secrets.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use dvrf_cli::args::LiveArgs;
use dvrf_cli::channel::args::{ChannelArgs, ChannelSummary};
use dvrf_cli::connect;
use dvrf_cli::exit::Exit;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::settings::Settings;
use dvrf_cli::settings::file::keys::{SUBSCRIPTION_KEYS, key};
use dvrf_cli::settings::variables::{self, Variable};
use dvrf_cli::text::plain;
use dvrf_cli::{CliError, Session};
use supra_core::error::Error;
use supra_core::http::redact_url;

/// The settings that a run would use, each with its origin, without secrets
#[derive(Parser)]
#[command(name = "dvrf-config")]
struct Args {
    /// Show the defaults too
    #[arg(short, long, help_heading = "Output")]
    verbose: bool,
    /// Print the names that dvrf.toml may hold, as a JSON schema for editors
    #[arg(long, help_heading = "Output")]
    schema: bool,
    #[command(flatten)]
    channels: ChannelArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    live: LiveArgs,
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    if args.schema {
        let schema = crate::config_schema::schema();
        session.out.text(&(format!("{schema:#}") + "\n"))?;
        return Ok(Exit::Done);
    }
    args.live.fill(&mut session.settings);
    args.channels.fill(&mut session.settings);
    let mut text = settings(&session.settings, args.verbose);
    subscriptions(&session.settings, &mut text);
    let channels = args.channels.resolve(session);
    for channel in &channels.list {
        let summary = ChannelSummary::of(channel);
        text.push_str(&format!("\n[[channel]] {}\n{}", plain(&channel.name), summary.lines()));
    }
    session.out.text(&text)?;
    let mut exit = Exit::Done;
    let problems = channels.problems.iter().map(Error::from);
    for error in problems.chain(mistakes(&args.policy, &session.settings)) {
        session.log_error(&error);
        exit = Exit::CannotAnswer;
    }
    Ok(exit)
}

/// A value as it can be shown.
fn shown(variable: &Variable, text: &str) -> String {
    let is_address = [variables::RPC_URL, variables::PUSH_URL].contains(variable);
    match (variable.secret, is_address) {
        (true, true) => text.split(',').map(|url| redact_url(url.trim())).collect::<Vec<_>>().join(","),
        (true, false) => "***".to_owned(),
        _ => plain(text),
    }
}

fn settings(settings: &Settings, verbose: bool) -> String {
    let mut lines = Vec::new();
    let path = settings.file().path.as_deref().unwrap_or("no settings file");
    for variable in variables::ALL.iter().filter(|variable| variable.group != "Set by the system") {
        let Some(text) = settings.text(variable) else { continue };
        let origin = settings.origin(variable).unwrap_or_default();
        if origin == "the default" && !verbose {
            continue;
        }
        lines.push((key(variable), shown(variable, text), place(origin)));
    }
    for (key, value) in settings.file().values.iter().filter(|(key, _)| !is_variable(key)) {
        lines.push((flag_key(key), redact(&value.text), place(&value.by)));
    }
    let width = |column: fn(&(String, String, String)) -> &String| {
        lines.iter().map(|line| column(line).chars().count()).max().unwrap_or(0).min(40)
    };
    let (keys, values) = (width(|line| &line.0), width(|line| &line.1));
    let lines = lines.iter().map(|(key, value, place)| format!("{key:keys$}  {value:values$}  {place}\n"));
    format!("# {}\n", plain(path)) + &lines.collect::<String>()
}

fn flag_key(flag: &str) -> String {
    flag.trim_start_matches("--").replace('-', "_")
}

fn is_variable(key: &str) -> bool {
    variables::ALL.iter().any(|variable| variable.name == key)
}

fn redact(text: &str) -> String {
    let one = |text: &str| if text.contains("://") { redact_url(text) } else { plain(text) };
    text.lines().map(one).collect::<Vec<_>>().join(",")
}

/// `PATH:LINE` without the key, which stands before it.
fn place(origin: &str) -> String {
    plain(origin.rsplit_once(": ").map_or(origin, |(place, _)| place))
}

fn subscriptions(settings: &Settings, text: &mut String) {
    for subscription in settings.targets() {
        text.push_str(&format!("\n[[subscription]] {}\n", plain(&subscription.name)));
        for (name, value) in &subscription.values {
            let known = SUBSCRIPTION_KEYS.iter().find(|(_, variable)| variable.name == *name);
            let key = known.map_or_else(|| flag_key(name), |(key, _)| (*key).to_owned());
            text.push_str(&format!("{key:16}  {}  {}\n", redact(&value.text), place(&value.by)));
        }
    }
}

/// The mistakes that a run would find only when it uses the setting.
fn mistakes(policy: &PolicyArgs, settings: &Settings) -> Vec<Error> {
    let seconds = [
        &variables::TIMEOUT,
        &variables::CALL_TIMEOUT,
        &variables::NOTIFY_TIMEOUT,
        &variables::PUSH_TIMEOUT,
        &variables::SUBMIT_TIMEOUT,
        &variables::CONFIRM_TIMEOUT,
    ];
    let found = [
        connect::open(settings).map(drop),
        connect::calculation(settings).map(drop),
        policy.policy(settings).map(drop),
        policy.of_subscriptions(settings).map(drop),
    ];
    let spans = seconds.into_iter().map(|variable| settings.seconds(variable).map(drop));
    let mut errors: Vec<Error> = found.into_iter().chain(spans).filter_map(Result::err).collect();
    // One wrong value may be used more than once.
    errors.dedup_by_key(|error| error.message());
    let mut seen = std::collections::BTreeSet::new();
    errors.retain(|error| seen.insert(error.message()));
    errors
}

/// Runs the command on the words of a command line, of which the first is the program's name.
pub(crate) fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}
