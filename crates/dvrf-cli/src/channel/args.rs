//! The flags and variables that configure channels, and the files and credentials that hold their secrets.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use clap::Args;
use serde::Serialize;

use super::parse::{self, Problem, ReadSecret, SecretSource, WebhookUrl, parse};
use super::{Channel, ChannelKind};
use crate::args::{Words, words};
use crate::settings::{Settings, variables};
use crate::{Session, setting_flags};
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::secret::Secret;

/// The longest secret file. A secret is one line.
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
    /// A channel, `KIND[,option=value]…` (repeatable); kinds: slack, teams, discord, telegram, mattermost, rocketchat,
    /// matrix, ntfy, email, pagerduty, opsgenie, alertmanager, generic, ping; docs/reference/notify.md lists the options [variable `DVRF_NOTIFY_CHANNELS`, several separated by `;`]
    #[arg(long, value_name = "CHANNEL", value_parser = Words(ChannelKind::names()), hide_possible_values = true)]
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

impl From<&Problem> for Error {
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mention: Vec<String>,
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
            mention: channel.mention.clone(),
            to: channel.redacted_url(),
            signed: !channel.signing_keys.is_empty(),
        }
    }

    /// The summary as lines of text.
    pub fn lines(&self) -> String {
        let resolved = if self.resolved { "yes" } else { "no" };
        format!(
            "kind              {}\nmin               {}\nresolved          {resolved}\nto                {}\n",
            self.kind, self.min, self.to
        )
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
        let mut add = |result: Result<Channel, Problem>, place: &str| match result {
            Err(problem) => found.problems.push(problem),
            Ok(channel) if found.list.iter().any(|other| other.name == channel.name) => {
                found.problems.push(Problem {
                    channel: channel.name,
                    problem: format!("its name is used twice{place}"),
                    fix: "give each its own with name=".to_owned(),
                });
            }
            Ok(channel) => found.list.push(channel),
        };
        if let Some(webhook) = webhook(settings, &read_secret) {
            add(webhook, "");
        }
        let variable = settings.text(&variables::NOTIFY_CHANNELS).unwrap_or_default();
        let in_variable = variable.split([';', '\n']).map(str::trim).filter(|spec| !spec.is_empty());
        let in_flags: Vec<&str> = self.channel.iter().map(String::as_str).collect();
        let specs = if in_flags.is_empty() { in_variable.collect() } else { in_flags };
        let is_configured = !specs.is_empty();
        for spec in specs {
            add(parse(spec, &read_secret), "");
        }
        for entry in settings.file().channels.iter().filter(|_| !is_configured) {
            let kind = ChannelKind::parse(&entry.kind).unwrap_or(ChannelKind::Generic);
            let place = format!(" ({})", entry.place);
            let channel = parse::of_options(kind, &entry.options, &read_secret);
            // The file's keys have `_` where the options of a flag have `-`.
            let spelled = |text: &str| {
                ["file", "credential", "env", "min"].iter().fold(text.to_owned(), |text, word| {
                    text.replace(&format!("-{word}"), &format!("_{word}"))
                })
            };
            let placed = |problem: Problem| Problem {
                problem: format!("{}{place}", problem.problem.replace("mention-min", "mention_min")),
                fix: spelled(&problem.fix),
                ..problem
            };
            add(channel.map_err(placed), &place);
        }
        if self.webhook.given(&variables::WEBHOOK_URL).is_some() {
            found.warnings.push(visible_secret("--webhook-url", "--webhook-url-file"));
        }
        let has_secret = |spec: &String| {
            let kind = spec.split(',').next().and_then(|kind| ChannelKind::parse(kind.trim()));
            let is_secret = |kind: ChannelKind, part: &str| {
                part.trim().split('=').next().is_some_and(|option| kind.is_secret(option))
            };
            kind.is_some_and(|kind| spec.split(',').any(|part| is_secret(kind, part)))
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
    let known = ChannelKind::parse(kind).filter(|kind| kind.is_single_webhook());
    let Some(kind) = known else {
        let source = settings.source(&variables::WEBHOOK_TYPE);
        let known = words(&variables::WEBHOOK_TYPE).join(", ");
        return problem(
            &format!("{source} is {:?}", quote(kind)),
            &format!("use one of {known}, or write a --channel"),
        );
    };
    Some(parse::webhook(kind, url, read_secret))
}

/// Reads a secret from its source; `None` if there is no such credential. An error names the file.
pub fn fetch(source: &SecretSource, settings: &Settings) -> Result<Option<Secret>, String> {
    let unreadable =
        |path: &Path, error: &io::Error| format!("{}: {error}", quote(&path.display().to_string()));
    match source {
        SecretSource::File(path) => {
            let path = Path::new(path);
            read(path).map(Some).map_err(|error| unreadable(path, &error))
        }
        SecretSource::Variable(name) => Ok(variables::named(name).map(|text| Secret::new(&text))),
        SecretSource::Credential(name) => {
            let Some(directory) = settings.text(&variables::CREDENTIALS_DIRECTORY) else { return Ok(None) };
            if name.contains('/') || name.starts_with('.') {
                return Err("a credential's name must not be a path".to_owned());
            }
            let path = Path::new(directory).join(name);
            match read(&path) {
                Ok(secret) => Ok(Some(secret)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(unreadable(&path, &error)),
            }
        }
    }
}

/// The one secret of a file that was named.
pub fn secret_file(path: &str) -> Result<Secret, Error> {
    let secret = read(Path::new(path)).map_err(|error| {
        Error::new(FailureKind::Config, format!("{} cannot be read", quote(path))).with_source(error)
    })?;
    if secret.reveal().is_empty() {
        return Err(Error::new(FailureKind::Config, format!("{} is empty", quote(path))));
    }
    Ok(secret)
}

/// Reads a whole file, which may be a pipe. A file that is too long is refused: half a secret would be sent otherwise.
fn read(path: &Path) -> io::Result<Secret> {
    let mut text = String::new();
    File::open(path)?.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > SECRET_BYTES_MAX {
        let why = format!("it is longer than {SECRET_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(Secret::new(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_file_that_is_too_long_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token").display().to_string();
        let limit = usize::try_from(SECRET_BYTES_MAX).unwrap();
        std::fs::write(&path, "x".repeat(limit)).unwrap();
        assert_eq!(secret_file(&path).unwrap().reveal().len(), limit);
        std::fs::write(&path, "x".repeat(limit + 1)).unwrap();
        let message = secret_file(&path).unwrap_err().message();
        assert_eq!(message, format!("{path} cannot be read: it is longer than 16384 bytes"));
        let settings = Settings::new([("CREDENTIALS_DIRECTORY", folder.path().display().to_string())].into());
        for source in [SecretSource::File(&path), SecretSource::Credential("token")] {
            let message = fetch(&source, &settings).unwrap_err();
            assert_eq!(message, format!("{path}: it is longer than 16384 bytes"));
        }
    }
}
