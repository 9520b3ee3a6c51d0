//! How every tool begins, speaks and ends: parse, act, one line for an error, one exit code.

pub mod args;
pub mod channel;
pub mod checker;
pub mod connect;
pub mod exit;
mod fleet;
mod generate;
pub mod input;
pub mod nagios;
pub mod parse;
pub mod pipeline;
pub mod policy;
mod progress;
pub mod settings;
pub mod signals;
pub mod stdio;
pub mod stream;
pub mod target;
pub mod text;

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{ArgMatches, Parser};
use jiff::Timestamp;

use crate::exit::Exit;
use crate::nagios::{Host, PluginState};
use crate::settings::variables::Variable;
use crate::settings::{Settings, variables};
use crate::text::{plain, plain_lines};
use stdio::Output;
use supra_core::failure::Failure;
use supra_core::record::RecordError;
use supra_core::record::reader::ReadError;

/// What ends a run without an answer. The chain of sources is printed once, here.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A setting is wrong, or the chain did not answer.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The input is no stream of records.
    #[error("cannot read {from}")]
    Read {
        /// stdin or the file.
        from: String,
        /// Where and why.
        #[source]
        source: ReadError,
    },
    /// A record of the stream lacks or garbles what this tool reads.
    #[error("cannot use a record")]
    Record(#[from] RecordError),
    /// stdout or a file is full, or gone otherwise than by a closed pipe.
    #[error("cannot write {to}")]
    Write {
        /// stdout or the file.
        to: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file that was named cannot be opened.
    #[error("cannot open {path}")]
    Open {
        /// The path as given.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What a tool works with: its settings, its output, and the time it started.
pub struct Session {
    /// The program's name, as in messages.
    pub name: String,
    /// Settings from the environment; the tool adds its flags.
    pub settings: Settings,
    /// stdout.
    pub out: Output,
    /// When the run started, or when the record at hand was read: the only reading of the clock that judging sees.
    pub now: Timestamp,
}

impl Session {
    /// Says something on stderr, on one line whatever text it quotes; that nobody listens is no error.
    pub fn say(&self, level: &str, sentence: &str) {
        say(&self.name, level, sentence);
    }

    /// Says a failure and, where we know it, what to do.
    pub fn say_failure(&self, failure: &Failure) {
        say_failure(&self.name, failure);
    }

    /// Whether stdout may be coloured: a terminal, `NO_COLOR` unset, and not a dumb one.
    pub fn colour(&self) -> bool {
        io::stdout().is_terminal()
            && !self.settings.is_given(&variables::NO_COLOR)
            && self.settings.text(&variables::TERM) != Some("dumb")
    }
}

fn say(name: &str, level: &str, sentence: &str) {
    // On one line that does nothing to a terminal, whatever text it quotes. In one write, so that the lines of a pipe's
    // tools do not mix; a closed stderr must not change what is answered.
    let line = format!("[{level}] {name}: {}\n", plain(sentence));
    let _ = io::stderr().write_all(line.as_bytes());
}

fn say_failure(name: &str, failure: &Failure) {
    say(name, "error", &failure.message);
    if let Some(hint) = &failure.hint {
        say(name, "info", hint);
    }
}

/// The error and its causes in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// Runs a tool on the words of its command line, of which the first is the program's name.
pub fn run<A: Parser>(words: &[OsString], act: fn(&A, &mut Session) -> Result<Exit, CliError>) -> ExitCode {
    let command = A::command()
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(exit::HELP)
        .mut_subcommands(|inner| inner.after_help(exit::HELP))
        .infer_long_args(true)
        .args_override_self(true)
        .max_term_width(100);
    let mut session = Session {
        name: command.get_name().to_owned(),
        settings: Settings::new(variables::read()),
        out: Output::stdout(),
        now: now(),
    };
    let result = match generate::wanted(words) {
        Some(kind) => generate::write(kind, command, &mut session.out),
        None => match command.try_get_matches_from(words).and_then(|found| {
            warn_of_typed_secrets(&found, &session);
            A::from_arg_matches(&found)
        }) {
            Ok(args) => act(&args, &mut session),
            Err(error) => usage(&error, words, &mut session),
        },
    };
    let result = result.and_then(|exit| session.out.finish().map(|()| exit));
    let exit = result.unwrap_or_else(|error| {
        match &error {
            CliError::Failure(failure) => session.say_failure(failure),
            other => session.say("error", &chain(other)),
        }
        Exit::CannotAnswer
    });
    ExitCode::from(exit.code())
}

/// What everybody on the machine can read in the process list, and how to say it otherwise.
fn warn_of_typed_secrets(found: &ArgMatches, session: &Session) {
    let typed = |variable: &Variable| {
        let id = variable.flag?.trim_start_matches('-').replace('-', "_");
        found.try_get_one::<String>(&id).ok().flatten()
    };
    for (variable, seen) in [
        (&variables::RPC_HEADERS, typed(&variables::RPC_HEADERS).is_some()),
        (&variables::RPC_URL, typed(&variables::RPC_URL).is_some_and(|url| url.contains('@'))),
    ] {
        if let Some(flag) = variable.flag.filter(|_| seen) {
            let name = variable.name;
            let sentence = format!("the secret after {flag} can be seen in the process list; use {name}");
            session.say("warning", &sentence);
        }
    }
    if let Some((_, inner)) = found.subcommand() {
        warn_of_typed_secrets(inner, session);
    }
}

/// Help and version go to stdout and are no error; everything else goes to stderr and is 2. A monitoring host reads
/// one line of stdout and would take 2 for critical.
fn usage(error: &clap::Error, words: &[OsString], session: &mut Session) -> Result<Exit, CliError> {
    let text = plain_lines(&error.render().to_string());
    if !error.use_stderr() {
        session.out.text(&text)?;
        return Ok(Exit::Done);
    }
    // A closed stderr must not change the code.
    let _ = io::stderr().write_all(text.as_bytes());
    if words.iter().any(|word| word == "--nagios") {
        let first = text.lines().next().unwrap_or_default();
        session.out.with(|out| nagios::write(&[Host::failed(first, PluginState::Unknown)], out))?;
        return Ok(Exit::Passed(PluginState::Unknown.code()));
    }
    Ok(Exit::CannotAnswer)
}

/// The time by the system's clock.
pub fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the clock is read here, once, and passed down")]
    let now = std::time::SystemTime::now();
    Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH)
}
