//! `dvrf config`: the settings in effect, where each one comes from, and every mistake in them.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use dvrf_cli::args::LiveArgs;
use dvrf_cli::channel::args::{ChannelArgs, ChannelSummary};
use dvrf_cli::connect;
use dvrf_cli::exit::Exit;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::settings::file::keys::{SUBSCRIPTION_KEYS, flag_key, key};
use dvrf_cli::settings::variables::{self, Variable};
use dvrf_cli::settings::{DEFAULT, Settings};
use dvrf_cli::text::plain;
use dvrf_cli::{CliError, Session};
use supra_core::error::Error;
use supra_core::http::redact_url;

/// Shows the settings in effect and where each one comes from, without secrets, and reports every mistake
#[derive(Parser)]
#[command(name = "dvrf-config")]
struct Args {
    /// Also show the defaults
    #[arg(short, long, help_heading = "Output")]
    verbose: bool,
    /// Print the JSON schema of dvrf.toml, for editors
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
    match (variable.secret, variable.is_url()) {
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
        if origin == DEFAULT && !verbose {
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
    let several = settings.targets().iter().map(AsRef::as_ref);
    for subscription in several.chain(settings.subscription()) {
        text.push_str(&format!("\n[[subscription]] {}\n", plain(&subscription.name)));
        for (name, value) in &subscription.values {
            let known = SUBSCRIPTION_KEYS.iter().find(|(.., variable)| variable.name == *name);
            let key = known.map_or_else(|| flag_key(name), |(key, ..)| (*key).to_owned());
            text.push_str(&format!("{key:16}  {}  {}\n", redact(&value.text), place(&value.by)));
        }
    }
}

/// The mistakes that a run would find only when it uses the setting: those of every tool, for the whole file and for each
/// subscription that differs from it.
fn mistakes(policy: &PolicyArgs, settings: &Settings) -> Vec<Error> {
    let connection = [connect::open(settings).map(drop), connect::calculation(settings).map(drop)];
    let mut errors: Vec<Error> = connection.into_iter().filter_map(Result::err).collect();
    for variable in [&variables::TIMEOUT, &variables::CALL_TIMEOUT, &variables::NOTIFY_TIMEOUT] {
        errors.extend(settings.seconds(variable).err());
    }
    errors.extend(dvrf_prom::mistakes(settings));
    let mut of = |settings: &Settings| {
        errors.extend(policy.policy(settings).err());
        errors.extend(dvrf_notify::mistakes(settings));
        errors.extend(dvrf_draw::mistakes(settings));
        errors.extend(dvrf_fund::mistakes(settings));
    };
    of(settings);
    for subscription in settings.targets() {
        of(&settings.of_subscription(subscription));
    }
    // One wrong value may be used more than once.
    let mut seen = std::collections::BTreeSet::new();
    errors.retain(|error| seen.insert(error.message()));
    errors
}

/// Runs the command on the words of a command line, of which the first is the program's name.
pub(crate) fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}
