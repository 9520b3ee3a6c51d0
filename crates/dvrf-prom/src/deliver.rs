//! The sinks of one run: a textfile, a push, the deletion of a group, or only saying what would be done.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::output::{PromArgs, labels};
use crate::sinks::push::{Destination, push};
use crate::sinks::textfile;
use dvrf_cli::Session;
use dvrf_cli::channel::args::fetch;
use dvrf_cli::channel::parse::SecretSource;
use dvrf_cli::exit::Exit;
use dvrf_cli::settings::{Settings, variables};
use supra_core::failure::{Failure, FailureKind};
use supra_core::http::{Http, Method, Roots};
use supra_core::secret::Secret;

/// Where the series of one run go.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Metrics")]
pub(super) struct SinkArgs {
    /// Replace this file for node-exporter's textfile collector instead of printing
    #[arg(long, value_name = "FILE")]
    pub(super) textfile: Option<PathBuf>,
    /// Label of the Pushgateway group beside its job (repeatable)
    #[arg(long, value_name = "NAME=VALUE")]
    push_group: Vec<String>,
    /// Delete the Pushgateway group; nothing is read
    #[arg(long)]
    pub(super) delete: bool,
    /// Print, and say what would be written and pushed
    #[arg(long)]
    pub(super) dry_run: bool,
}

struct Push {
    http: Http,
    destination: Destination,
    method: Method,
    total: Duration,
}

/// Where the series of a run go beside stdout.
pub(super) struct Sinks {
    textfile: Option<PathBuf>,
    push: Option<Push>,
    dry_run: bool,
}

impl Sinks {
    pub(super) fn new(args: &PromArgs, session: &Session) -> Result<Self, Failure> {
        let push = push_of(args, session)?;
        let settings = &session.settings;
        if args.sinks.delete && settings.text(&variables::PUSH_JOB).is_none() {
            return Err(Settings::missing(&variables::PUSH_JOB));
        }
        if push.is_none() && (args.sinks.delete || settings.is_given(&variables::PUSH_JOB)) {
            return Err(Settings::missing(&variables::PUSH_URL));
        }
        if let Some(path) = args.sinks.textfile.as_deref().filter(|path| !textfile::is_collected(path)) {
            let sentence =
                format!("{} does not end in .prom: node-exporter will not read it", path.display());
            session.say("warning", &sentence);
        }
        Ok(Self { textfile: args.sinks.textfile.clone(), push, dry_run: args.sinks.dry_run })
    }

    /// Whether stdout is all there is.
    pub(super) fn is_empty(&self) -> bool {
        self.textfile.is_none() && self.push.is_none()
    }

    /// Writes and pushes; each failure is said, and none keeps the other sink from being served.
    pub(super) fn deliver(&self, body: &[u8], session: &Session) -> Exit {
        let mut results: Vec<Result<(), Failure>> = Vec::new();
        if let Some(path) = &self.textfile {
            if self.dry_run {
                session.say("info", &format!("would write {} bytes to {}", body.len(), path.display()));
            } else {
                results.push(textfile::replace(path, body).map_err(Failure::from));
            }
        }
        if let Some(target) = &self.push {
            results.push(self.send(target, target.method, body, session));
        }
        fold(results, session)
    }

    /// Deletes the group.
    pub(super) fn delete(&self, session: &Session) -> Result<Exit, dvrf_cli::CliError> {
        let target = Settings::needed(self.push.as_ref(), &variables::PUSH_URL)?;
        Ok(fold(vec![self.send(target, Method::Delete, &[], session)], session))
    }

    fn send(&self, target: &Push, method: Method, body: &[u8], session: &Session) -> Result<(), Failure> {
        if self.dry_run {
            let what = if method == Method::Delete { "delete a group at" } else { "push to" };
            session.say("info", &format!("would {what} {}", target.destination.shown()));
            return Ok(());
        }
        push(&target.http, &target.destination, method, body, target.total)
    }
}

fn fold(results: Vec<Result<(), Failure>>, session: &Session) -> Exit {
    results.into_iter().fold(Exit::Done, |exit, result| match result {
        Ok(()) => exit,
        Err(failure) => {
            session.say_failure(&failure);
            exit.and(Exit::CannotAnswer)
        }
    })
}

fn push_of(args: &PromArgs, session: &Session) -> Result<Option<Push>, Failure> {
    let settings = &session.settings;
    let Some(url) = push_url(settings)? else { return Ok(None) };
    if args.settings.given(&variables::PUSH_URL).is_some_and(|url| url.contains(['@', '?'])) {
        let sentence = "the push URL on the command line is in the process list: MONITOR_PUSH_URL or --push-url-file keeps it out";
        session.say("warning", sentence);
    }
    let wrong =
        |error| Failure::new(FailureKind::Config, format!("{} is ***: {error}", variables::PUSH_URL.name));
    let mut destination = Destination::new(&url).map_err(wrong)?;
    let job = settings.text(&variables::PUSH_JOB);
    let grouping = labels("--push-group", &args.sinks.push_group, |name| name == "job")?;
    if let Some(job) = job {
        destination = destination.group(job, grouping.iter().map(|(name, value)| (&**name, &**value)));
    } else if !grouping.is_empty() {
        return Err(Settings::missing(&variables::PUSH_JOB));
    }
    let words = &[("POST", Method::Post), ("PUT", Method::Put)];
    // A PUT replaces a whole group: what is no longer sent must not live on in it.
    let default = if job.is_some() { Method::Put } else { Method::Post };
    Ok(Some(Push {
        http: Http::new(1, &Roots::of(settings.text(&variables::TLS_ROOTS))?),
        destination,
        method: settings.choice(&variables::PUSH_METHOD, words)?.unwrap_or(default),
        total: settings.needed_seconds(&variables::PUSH_TIMEOUT)?,
    }))
}

/// The URL of the setting or of its file, not both; else of the credential that systemd gives.
fn push_url(settings: &Settings) -> Result<Option<Secret>, Failure> {
    let source = match (settings.text(&variables::PUSH_URL), settings.text(&variables::PUSH_URL_FILE)) {
        (Some(_), Some(_)) => {
            let message =
                format!("{} and {} are both given", variables::PUSH_URL.name, variables::PUSH_URL_FILE.name);
            return Err(
                Failure::new(FailureKind::Config, message).with_hint("give the push URL in one place")
            );
        }
        (Some(url), None) => return Ok(Some(Secret::new(url))),
        (None, Some(path)) => SecretSource::File(path),
        (None, None) => SecretSource::Credential("push-url"),
    };
    fetch(&source, settings)
        .map_err(|why| Failure::new(FailureKind::Config, format!("the push URL cannot be read: {why}")))
}
