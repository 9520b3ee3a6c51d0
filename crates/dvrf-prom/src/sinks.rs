//! Delivers the metrics of one run: replaces a textfile, pushes to a server, or deletes a Pushgateway group.

mod push;
mod textfile;

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use dvrf_cli::channel::args::fetch;
use dvrf_cli::channel::parse::SecretSource;
use dvrf_cli::exit::Exit;
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::{CliError, Session};
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::http::{Http, Method};
use supra_core::secret::Secret;

use crate::MetricsArgs;
use crate::metrics::label::parse_flag;
use crate::sinks::push::Destination;

#[derive(Args)]
#[command(next_help_heading = "Metrics")]
pub(crate) struct SinkArgs {
    /// Replace this file for node-exporter's textfile collector instead of printing
    #[arg(long, value_name = "FILE")]
    textfile: Option<PathBuf>,
    /// Label of the Pushgateway group beside its job (repeatable)
    #[arg(long, value_name = "NAME=VALUE")]
    push_group: Vec<String>,
    /// Delete the Pushgateway group; nothing is read
    #[arg(long)]
    pub(crate) delete: bool,
    /// Print the metrics, and log what would be written and pushed
    #[arg(long)]
    dry_run: bool,
}

/// The sinks of a run other than stdout.
pub(crate) struct Sinks {
    textfile: Option<PathBuf>,
    push: Option<PushTarget>,
    dry_run: bool,
}

pub(crate) struct PushTarget {
    http: Http,
    destination: Destination,
    method: Method,
    /// How long all attempts together may take.
    timeout: Duration,
}

impl Sinks {
    pub(crate) fn new(args: &MetricsArgs, session: &Session) -> Result<Self, Error> {
        let push = push_target(args, session)?;
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
            session.log("warning", &sentence);
        }
        Ok(Self { textfile: args.sinks.textfile.clone(), push, dry_run: args.sinks.dry_run })
    }

    /// Whether the metrics are printed on stdout.
    pub(crate) fn prints(&self) -> bool {
        self.textfile.is_none() || self.dry_run
    }

    /// Whether stdout is the only sink.
    pub(crate) fn is_empty(&self) -> bool {
        self.textfile.is_none() && self.push.is_none()
    }

    /// Writes the textfile and pushes. Each failure is logged, and does not stop the other sink.
    pub(crate) fn deliver(&self, body: &[u8], session: &Session) -> Exit {
        let mut results: Vec<Result<(), Error>> = Vec::new();
        if let Some(path) = &self.textfile {
            if self.dry_run {
                session.log("info", &format!("would write {} bytes to {}", body.len(), path.display()));
            } else {
                results.push(textfile::replace(path, body).map_err(Error::from));
            }
        }
        if let Some(target) = &self.push {
            results.push(self.send(target, target.method, body, session));
        }
        exit_of(results, session)
    }

    /// Deletes the Pushgateway group.
    pub(crate) fn delete_group(&self, session: &Session) -> Result<Exit, CliError> {
        let target = Settings::needed(self.push.as_ref(), &variables::PUSH_URL)?;
        Ok(exit_of([self.send(target, Method::Delete, &[], session)], session))
    }

    fn send(&self, target: &PushTarget, method: Method, body: &[u8], session: &Session) -> Result<(), Error> {
        if self.dry_run {
            let what = if method == Method::Delete { "delete a group at" } else { "push to" };
            session.log("info", &format!("would {what} {}", target.destination.shown()));
            return Ok(());
        }
        push::push(&target.http, &target.destination, method, body, target.timeout)
    }
}

/// Logs the failures and returns the exit of all deliveries.
fn exit_of(results: impl IntoIterator<Item = Result<(), Error>>, session: &Session) -> Exit {
    results.into_iter().fold(Exit::Done, |exit, result| match result {
        Ok(()) => exit,
        Err(failure) => {
            session.log_error(&failure);
            exit.and(Exit::CannotAnswer)
        }
    })
}

/// Reads where to push to; `None` where no push URL is set.
fn push_target(args: &MetricsArgs, session: &Session) -> Result<Option<PushTarget>, Error> {
    let grouping = parse_flag("--push-group", &args.sinks.push_group, |name| name == "job")?;
    let target = target(&session.settings, &grouping)?;
    if args.settings.given(&variables::PUSH_URL).is_some_and(|url| url.contains(['@', '?'])) {
        let sentence = "the push URL on the command line is in the process list: MONITOR_PUSH_URL or --push-url-file keeps it out";
        session.log("warning", sentence);
    }
    Ok(target)
}

/// Where the settings say to push to.
pub(crate) fn target(
    settings: &Settings,
    grouping: &[(Cow<str>, Cow<str>)],
) -> Result<Option<PushTarget>, Error> {
    let Some(url) = push_url(settings)? else { return Ok(None) };
    let wrong = |error| {
        Error::new(FailureKind::Config, format!("{} is ***: {error}", settings.source(&variables::PUSH_URL)))
    };
    let mut destination = Destination::new(&url).map_err(wrong)?;
    let job = settings.text(&variables::PUSH_JOB);
    if let Some(job) = job {
        destination = destination.group(job, grouping.iter().map(|(name, value)| (&**name, &**value)));
    } else if !grouping.is_empty() {
        return Err(Settings::missing(&variables::PUSH_JOB));
    }
    let methods = &[("POST", Method::Post), ("PUT", Method::Put)];
    // A PUT replaces the whole group, so that a series that is no longer sent disappears from it.
    let default = if job.is_some() { Method::Put } else { Method::Post };
    Ok(Some(PushTarget {
        http: dvrf_cli::http::client(settings, 1)?,
        destination,
        method: settings.choice(&variables::PUSH_METHOD, methods)?.unwrap_or(default),
        timeout: settings.needed_seconds(&variables::PUSH_TIMEOUT)?,
    }))
}

/// Reads the push URL from the setting, else from the file that a setting names, else from the systemd credential.
fn push_url(settings: &Settings) -> Result<Option<Secret>, Error> {
    let source = match (settings.text(&variables::PUSH_URL), settings.text(&variables::PUSH_URL_FILE)) {
        (Some(_), Some(_)) => {
            let message =
                format!("{} and {} are both given", variables::PUSH_URL.name, variables::PUSH_URL_FILE.name);
            return Err(Error::new(FailureKind::Config, message).with_hint("give the push URL in one place"));
        }
        (Some(url), None) => return Ok(Some(Secret::new(url))),
        (None, Some(path)) => SecretSource::File(path),
        (None, None) => SecretSource::Credential("push-url"),
    };
    fetch(&source, settings)
        .map_err(|why| Error::new(FailureKind::Config, format!("the push URL cannot be read: {why}")))
}
