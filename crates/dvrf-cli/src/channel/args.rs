//! The flags and variables that configure channels, and the files and credentials that hold their secrets.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use clap::Args;
use serde::Serialize;

use super::parse::{self, Problem, ReadSecret, SecretSource, WebhookUrl, parse};
use super::{Channel, ChannelKind};
use crate::settings::{Settings, variables};
use crate::{Session, setting_flags};
use supra_core::failure::{Failure, FailureKind, quote};
use supra_core::secret::Secret;

/// A secret is a line; a longer file is another one.
const SECRET_BYTES_MAX: u64 = 16 << 10;

setting_flags! {
    /// The single webhook of the old script.
    WebhookArgs, "Channels", {
        webhook_url = WEBHOOK_URL "URL"
        webhook_url_file = WEBHOOK_URL_FILE "FILE"
        webhook_type = WEBHOOK_TYPE "KIND"
    }
}

/// The flags of channels.
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

/// The configured channels and the mistakes in their configuration.
#[derive(Debug, Default)]
pub struct Channels {
    /// The channels that can be used.
    pub list: Vec<Channel>,
    /// The mistakes in the others.
    pub problems: Vec<Problem>,
    /// Secrets that other users can see, one sentence each.
    pub warnings: Vec<String>,
}

impl From<&Problem> for Failure {
    fn from(problem: &Problem) -> Self {
        Self::new(FailureKind::Config, problem.to_string()).with_hint(problem.fix.as_str())
    }
}

/// A channel as `dvrf-notify config` prints it, without its secrets.
#[derive(Debug, Serialize)]
pub struct ChannelSummary {
    name: String,
    kind: &'static str,
    min: &'static str,
    resolved: bool,
    to: String,
    signed: bool,
}

impl ChannelSummary {
    /// Summarises a channel.
    pub fn of(channel: &Channel) -> Self {
        Self {
            name: channel.name.clone(),
            kind: channel.kind.name(),
            min: channel.min.name(),
            resolved: channel.resolved,
            to: channel.redacted_url(),
            signed: !channel.signing_keys.is_empty(),
        }
    }
}

impl ChannelArgs {
    /// Lets the flags override the variables.
    pub fn fill(&self, settings: &mut Settings) {
        self.webhook.fill(settings);
    }

    /// Resolves all channels; every mistake is collected, so that all can be reported at once.
    pub fn resolve(&self, session: &Session) -> Channels {
        let settings = &session.settings;
        let read_secret = |source: &SecretSource| fetch(source, settings);
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
        if let Some(webhook) = webhook(settings, &read_secret) {
            add(webhook);
        }
        let variable = settings.text(&variables::NOTIFY_CHANNELS).unwrap_or_default();
        let in_variable = variable.split([';', '\n']).map(str::trim).filter(|spec| !spec.is_empty());
        let in_flags: Vec<&str> = self.channel.iter().map(String::as_str).collect();
        let specs = if in_flags.is_empty() { in_variable.collect() } else { in_flags };
        for spec in specs {
            add(parse(spec, &read_secret));
        }
        if self.webhook.given(&variables::WEBHOOK_URL).is_some() {
            found.warnings.push(visible_secret("--webhook-url", "--webhook-url-file"));
        }
        let has_secret = |spec: &String| {
            let kind = spec.split(',').next().and_then(|kind| ChannelKind::parse(kind.trim()));
            let key = |part: &str| {
                matches!(part.trim().split('=').next(), Some("url" | "token" | "key" | "secret"))
            };
            kind.is_some_and(ChannelKind::address_is_secret) && spec.split(',').any(key)
        };
        if self.channel.iter().any(has_secret) {
            found.warnings.push(visible_secret("--channel", "url-file=, token-file= or key-file="));
        }
        found
    }
}

fn visible_secret(flag: &str, instead: &str) -> String {
    format!("the secret after {flag} can be seen in the process list; use {instead} or a credential")
}

/// The single webhook of the old flags and variables, or of the credential `webhook-url`; `None` if there is none.
fn webhook(settings: &Settings, read_secret: ReadSecret) -> Option<Result<Channel, Problem>> {
    const CREDENTIAL: &str = "webhook-url";
    let problem = |problem: &str, fix: &str| {
        Some(Err(Problem { channel: "webhook".to_owned(), problem: problem.to_owned(), fix: fix.to_owned() }))
    };
    let url = settings.text(&variables::WEBHOOK_URL);
    let file = settings.text(&variables::WEBHOOK_URL_FILE);
    let url = match (url, file) {
        (Some(_), Some(_)) => {
            return problem(
                "MONITOR_WEBHOOK_URL (--webhook-url) and --webhook-url-file are both given",
                "keep the file",
            );
        }
        (Some(url), None) => WebhookUrl::Given(url),
        (None, Some(path)) => WebhookUrl::File(path),
        (None, None) => match read_secret(&SecretSource::Credential(CREDENTIAL)) {
            Ok(None) => return None,
            _ => WebhookUrl::Credential(CREDENTIAL),
        },
    };
    let kind = settings.text(&variables::WEBHOOK_TYPE).unwrap_or("slack");
    let known = ChannelKind::parse(kind)
        .filter(|kind| !matches!(kind, ChannelKind::Telegram | ChannelKind::Pagerduty));
    let Some(kind) = known else {
        return problem(
            &format!("MONITOR_WEBHOOK_TYPE is {:?}", quote(kind)),
            "use slack, generic, teams, discord, alertmanager or ping, or write a --channel",
        );
    };
    Some(parse::webhook(kind, url, read_secret))
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
