//! The channels of a run: the old webhook flags, `--channel` words, and where their secrets are.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use clap::Args;
use serde::Serialize;

use super::parse::{Problem, SecretSource, parse};
use super::{Channel, Kind};
use crate::settings::{Settings, variables};
use crate::{Session, setting_flags};
use supra_core::failure::{Failure, FailureKind, quote};
use supra_core::secret::Secret;

/// A secret is a line; a longer file is another one.
const SECRET_BYTES_MAX: u64 = 16 << 10;

setting_flags! {
    /// The old script's webhook.
    WebhookArgs, "Channels", {
        webhook_url = WEBHOOK_URL "URL"
        webhook_url_file = WEBHOOK_URL_FILE "FILE"
        webhook_type = WEBHOOK_TYPE "KIND"
    }
}

/// Where messages go.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Channels")]
pub struct ChannelArgs {
    #[command(flatten)]
    webhook: WebhookArgs,
    /// A channel, `KIND[,option=value]…` (repeatable); kinds: slack, teams, discord, telegram, pagerduty, alertmanager,
    /// generic, ping; docs/notify.md lists the options [variable `DVRF_NOTIFY_CHANNELS`, several separated by `;`]
    #[arg(long, value_name = "CHANNEL")]
    channel: Vec<String>,
}

/// The channels and what is wrong with them.
#[derive(Debug, Default)]
pub struct Channels {
    /// Those that can be used.
    pub list: Vec<Channel>,
    /// What is wrong with the others.
    pub problems: Vec<Problem>,
    /// What is unwise, in sentences.
    pub warnings: Vec<String>,
}

impl From<&Problem> for Failure {
    fn from(problem: &Problem) -> Self {
        Self::new(FailureKind::Config, problem.to_string()).with_hint(problem.fix.as_str())
    }
}

/// A channel as `dvrf-notify config` shows it.
#[derive(Debug, Serialize)]
pub struct Shown {
    name: String,
    kind: &'static str,
    min: &'static str,
    resolved: bool,
    to: String,
    signed: bool,
}

impl Shown {
    /// Without its secrets.
    pub fn of(channel: &Channel) -> Self {
        Self {
            name: channel.name.clone(),
            kind: channel.kind.name(),
            min: channel.min.name(),
            resolved: channel.resolved,
            to: channel.shown(),
            signed: !channel.signing.is_empty(),
        }
    }
}

impl ChannelArgs {
    /// Puts the flags over the variables.
    pub fn fill(&self, settings: &mut Settings) {
        self.webhook.fill(settings);
    }

    /// Finds every channel and every mistake.
    pub fn resolve(&self, session: &Session) -> Channels {
        let settings = &session.settings;
        let fetch = |source: &SecretSource| fetch(source, settings);
        let mut found = Channels::default();
        let mut add = |result: Result<Channel, Problem>| match result {
            Err(problem) => found.problems.push(problem),
            Ok(channel) if found.list.iter().any(|other| other.name == channel.name) => {
                found.problems.push(Problem {
                    channel: channel.name,
                    problem: "its name is used twice".to_owned(),
                    fix: "give each its own with name=".to_owned(),
                });
            }
            Ok(channel) => found.list.push(channel),
        };
        if let Some(webhook) = webhook(settings, &fetch) {
            add(webhook);
        }
        let variable = settings.text(&variables::NOTIFY_CHANNELS).unwrap_or_default();
        let listed = variable.split([';', '\n']).map(str::trim).filter(|words| !words.is_empty());
        // Flags go before the variable as everywhere.
        let typed: Vec<&str> = self.channel.iter().map(String::as_str).collect();
        let words = if typed.is_empty() { listed.collect() } else { typed };
        for words in words {
            add(parse(words, &fetch));
        }
        if self.webhook.given(&variables::WEBHOOK_URL).is_some() {
            found.warnings.push(seen("--webhook-url", "--webhook-url-file"));
        }
        let secret_typed = |words: &String| {
            let kind = words.split(',').next().and_then(|word| Kind::parse(word.trim()));
            let key = |part: &str| {
                matches!(part.trim().split('=').next(), Some("url" | "token" | "key" | "secret"))
            };
            kind.is_some_and(Kind::address_is_secret) && words.split(',').any(key)
        };
        if self.channel.iter().any(secret_typed) {
            found.warnings.push(seen("--channel", "url-file=, token-file= or key-file="));
        }
        found
    }
}

fn seen(flag: &str, instead: &str) -> String {
    format!("the secret after {flag} can be seen in the process list; use {instead} or a credential")
}

/// The old script's one webhook, by the old flags and variables or the credential `webhook-url`.
fn webhook(
    settings: &Settings,
    fetch: &dyn Fn(&SecretSource) -> Result<Option<Secret>, String>,
) -> Option<Result<Channel, Problem>> {
    let value = settings.text(&variables::WEBHOOK_URL);
    let file = settings.text(&variables::WEBHOOK_URL_FILE);
    let kind = settings.text(&variables::WEBHOOK_TYPE).unwrap_or("slack");
    if value.is_none()
        && file.is_none()
        && matches!(fetch(&SecretSource::Credential("webhook-url")), Ok(None))
    {
        return None;
    }
    let problem = |problem: &str, fix: &str| {
        let (problem, fix) = (problem.to_owned(), fix.to_owned());
        Some(Err(Problem { channel: "webhook".to_owned(), problem, fix }))
    };
    if value.is_some() && file.is_some() {
        return problem(
            "MONITOR_WEBHOOK_URL (--webhook-url) and --webhook-url-file are both given",
            "keep the file",
        );
    }
    // The address goes by the fetcher, so that a comma in it is no separator.
    let known = Kind::parse(kind).filter(|kind| !matches!(kind, Kind::Telegram | Kind::Pagerduty));
    let Some(kind) = known else {
        return problem(
            &format!("MONITOR_WEBHOOK_TYPE is {:?}", supra_core::failure::quote(kind)),
            "use slack, generic, teams, discord, alertmanager or ping, or write a --channel",
        );
    };
    let fetch = |source: &SecretSource| match (source, value, file) {
        (SecretSource::File("value"), Some(value), _) => Ok(Some(Secret::new(value))),
        (SecretSource::File("value"), _, Some(path)) => fetch(&SecretSource::File(path)),
        (SecretSource::File("value"), ..) => fetch(&SecretSource::Credential("webhook-url")),
        (other, ..) => fetch(other),
    };
    Some(parse(&format!("{},name=webhook,url-file=value", kind.name()), &fetch))
}

/// A secret from where it is kept; `None` where there is no such credential.
pub fn fetch(source: &SecretSource, settings: &Settings) -> Result<Option<Secret>, String> {
    match source {
        SecretSource::File(path) => read(Path::new(path)).map(Some).map_err(|error| error.to_string()),
        SecretSource::Credential(name) => {
            let Some(directory) = settings.text(&variables::CREDENTIALS_DIRECTORY) else { return Ok(None) };
            if name.contains('/') || name.starts_with('.') {
                return Err("a credential's name is no path".to_owned());
            }
            match read(&Path::new(directory).join(name)) {
                Ok(secret) => Ok(Some(secret)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error.to_string()),
            }
        }
    }
}

/// The one secret of a file that was named.
pub fn secret_file(path: &str) -> Result<Secret, Failure> {
    let secret = read(Path::new(path)).map_err(|error| {
        Failure::new(FailureKind::Config, format!("{} cannot be read: {error}", quote(path)))
    })?;
    if secret.reveal().is_empty() {
        return Err(Failure::new(FailureKind::Config, format!("{} is empty", quote(path))));
    }
    Ok(secret)
}

fn read(path: &Path) -> std::io::Result<Secret> {
    let mut text = String::new();
    File::open(path)?.take(SECRET_BYTES_MAX).read_to_string(&mut text)?;
    Ok(Secret::new(&text))
}
