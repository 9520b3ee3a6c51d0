//! What makes the dvrf tools one family: settings, flags, streams of records, text, errors and exit codes.

pub mod args;
pub mod card;
pub mod channel;
pub mod checker;
pub mod complete;
pub mod connect;
pub mod exit;
mod fleet;
pub mod generate;
pub mod help;
pub mod http;
pub mod input;
pub mod layout;
pub mod legacy;
pub mod low;
pub mod maintenance;
pub mod nodes;
pub mod page;
pub mod parse;
pub mod pipeline;
pub mod policy;
mod progress;
pub mod screen;
pub mod settings;
pub mod signals;
pub mod silence;
pub mod stdio;
pub mod stream;
pub mod submit;
pub mod target;
pub mod text;
mod usage;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, Parser};
use jiff::Timestamp;

use crate::exit::Exit;
use crate::legacy::OldScript;
use crate::settings::variables::Variable;
use crate::settings::{CommandLine, Settings, TARGET_FLAGS, variables};
use crate::text::{plain, plain_lines};
use stdio::Output;
pub use supra_core::error::chain;
use supra_core::error::{CodedError, Error};
use supra_core::failure::{Failure, FailureKind};
use supra_core::record::RecordError;
use supra_core::record::reader::ReadError;

/// An error that ends a run. Its chain of sources is printed once, by [`run`].
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A setting is invalid, or the chain could not be read.
    #[error(transparent)]
    Core(#[from] Error),
    /// The input is not a stream of records.
    #[error("cannot read {from}")]
    Read {
        /// `stdin` or the file name.
        from: String,
        /// The position and the reason.
        #[source]
        source: ReadError,
    },
    /// A record lacks a key that the tool reads, or the key has another shape.
    #[error("cannot use a record")]
    Record(#[from] RecordError),
    /// An output could not be written, other than because its reader closed the pipe.
    #[error("cannot write {to}")]
    Write {
        /// `stdout` or the file name.
        to: String,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// A file that the user named could not be opened.
    #[error("cannot open {path}")]
    Open {
        /// The path as given.
        path: String,
        /// The reason.
        #[source]
        source: io::Error,
    },
}

impl From<CliError> for Failure {
    fn from(error: CliError) -> Self {
        let kind = match error {
            CliError::Core(error) => return error.into(),
            CliError::Write { .. } => FailureKind::Output,
            CliError::Read { .. } | CliError::Record(_) | CliError::Open { .. } => FailureKind::Input,
        };
        let is_cut = matches!(&error, CliError::Read { source: ReadError::Cut { .. }, .. });
        let hint = is_cut.then(|| "the record is cut off: run the tool that writes it again".to_owned());
        Self { hint, ..Self::new(kind, chain(&error)) }
    }
}

/// The error of a run as a line of output says it.
impl<C: From<FailureKind>> From<CliError> for CodedError<C> {
    fn from(error: CliError) -> Self {
        Self::from(&Error::from(Failure::from(error)))
    }
}

/// The context of one run: settings, output and time.
pub struct Session {
    /// The tool's name, as used in messages.
    pub name: String,
    /// Settings from the environment; each tool adds its flags.
    pub settings: Settings,
    /// Buffered stdout.
    pub out: Output,
    /// The time of the run's start, or of reading the current record. Checks use no other clock.
    pub now: Timestamp,
    /// The old script by whose name the tool was started, which it then judges and prints like.
    pub old_script: Option<OldScript>,
}

impl Session {
    /// Logs one line on stderr. Control characters in quoted text are escaped; a closed stderr is ignored.
    pub fn log(&self, level: &str, sentence: &str) {
        log(&self.name, level, sentence);
    }

    /// Writes several lines to stderr as they are; a closed stderr is ignored.
    pub fn log_text(&self, text: &str) {
        let _ = io::stderr().write_all(plain_lines(text).as_bytes());
    }

    /// Logs an error and its hint, if it has one.
    pub fn log_error(&self, error: &Error) {
        self.log_failure(&error.into());
    }

    /// Logs a failure and its hint, if it has one.
    pub fn log_failure(&self, failure: &Failure) {
        self.log("error", &failure.message);
        if let Some(hint) = &failure.hint {
            self.log("info", hint);
        }
    }

    /// The width of the terminal in columns; 80 where stdout is none.
    pub fn columns(&self) -> usize {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
        size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(80)
    }

    /// Whether people read stdout.
    pub fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Whether stdout may be coloured: it is a terminal, `NO_COLOR` is unset, and `TERM` is not `dumb`.
    pub fn colour(&self) -> bool {
        io::stdout().is_terminal()
            && !self.settings.is_given(&variables::NO_COLOR)
            && self.settings.text(&variables::TERM) != Some("dumb")
    }
}

fn log(name: &str, level: &str, sentence: &str) {
    // One write, so that lines of several tools in a pipe do not interleave.
    let line = format!("[{level}] {name}: {}\n", plain(sentence));
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Runs a tool on the words of its command line, of which the first is the program's name.
pub fn run<A: Parser>(words: &[OsString], act: fn(&A, &mut Session) -> Result<Exit, CliError>) -> ExitCode {
    run_with_usage_hook(words, act, |_, _, _| Ok(Exit::CannotAnswer))
}

/// Runs a tool that reads no settings file.
pub fn run_without_file<A: Parser>(
    words: &[OsString],
    act: fn(&A, &mut Session) -> Result<Exit, CliError>,
) -> ExitCode {
    start(words, FileUse::None, act, |_, _, _| Ok(Exit::CannotAnswer))
}

/// Runs a tool under the name of an old script.
pub fn run_old<A: Parser>(
    words: &[OsString],
    script: OldScript,
    act: fn(&A, &mut Session) -> Result<Exit, CliError>,
) -> ExitCode {
    start(words, FileUse::Old(script), act, |_, _, _| Ok(Exit::CannotAnswer))
}

/// Runs a tool that also answers a usage error: the hook gets the first line of the message on stderr and the words of
/// the command line, and returns the exit.
pub fn run_with_usage_hook<A: Parser>(
    words: &[OsString],
    act: fn(&A, &mut Session) -> Result<Exit, CliError>,
    on_usage_error: fn(&str, &[OsString], &mut Session) -> Result<Exit, CliError>,
) -> ExitCode {
    start(words, FileUse::Read, act, on_usage_error)
}

/// Whether a tool reads the settings file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileUse {
    Read,
    None,
    /// The old scripts had none, and under their names none is read.
    Old(OldScript),
}

fn start<A: Parser>(
    words: &[OsString],
    file_use: FileUse,
    act: fn(&A, &mut Session) -> Result<Exit, CliError>,
    on_usage_error: fn(&str, &[OsString], &mut Session) -> Result<Exit, CliError>,
) -> ExitCode {
    signals::survive_file_size_limit();
    signals::end_as_first_process();
    let command = A::command()
        .version(env!("CARGO_PKG_VERSION"))
        .infer_long_args(true)
        .args_override_self(true)
        .max_term_width(100);
    let environment = variables::read();
    // Some terminals and job runners set the width that they do not know to 0.
    let has_no_width = environment.get(variables::COLUMNS.name).is_some_and(|text| text.trim() == "0");
    let command = if has_no_width { command.term_width(100) } else { command };
    let wanted = generate::wanted(words);
    let is_brief = wanted.is_none() && !help::is_long(words);
    let shows_help = wanted.is_some() || help::may_be_wanted(words);
    let command = if file_use == FileUse::Read { settings_file_flags(command, is_brief) } else { command };
    let mut command = if shows_help { help::with_pages(command, is_brief) } else { command };
    forbid_core_dumps();
    let mut session = Session {
        name: command.get_name().to_owned(),
        settings: Settings::new(environment),
        out: Output::stdout().as_python(matches!(file_use, FileUse::Old(_))),
        now: now(),
        old_script: match file_use {
            FileUse::Old(script) => Some(script),
            FileUse::Read | FileUse::None => None,
        },
    };
    let result = match wanted {
        Some(kind) => generate::write(&kind, command, &mut session.out),
        None => match command.try_get_matches_from_mut(words).and_then(|found| {
            warn_of_typed_secrets(&found, &session);
            Ok((A::from_arg_matches(&found)?, found))
        }) {
            Ok((args, found)) => match load_settings_file(file_use, &found, &mut session) {
                Ok(()) => act(&args, &mut session),
                Err(error) => {
                    session.log_error(&error);
                    on_usage_error(&error.message(), words, &mut session)
                }
            },
            // Help and version go to stdout and are not errors.
            Err(error) if !error.use_stderr() => {
                session.out.text(&plain_lines(&error.render().to_string())).map(|()| Exit::Done)
            }
            Err(error) => {
                let error = usage::usage_error(&error, &command);
                session.log_error(&error);
                on_usage_error(&error.message(), words, &mut session)
            }
        },
    };
    let result = result.and_then(|exit| session.out.finish().map(|()| exit));
    let exit = result.unwrap_or_else(|error| {
        session.log_failure(&error.into());
        Exit::CannotAnswer
    });
    ExitCode::from(exit.code())
}

/// Adds the flags of the settings file, which every tool has. The brief help leaves them out.
fn settings_file_flags(command: Command, is_brief: bool) -> Command {
    const HEADING: &str = "Settings file";
    let config = Arg::new("config").long(args::long(&variables::CONFIG)).value_name("FILE");
    let only = Arg::new("only").long("only").value_name("NAME").action(ArgAction::Append);
    command
        .arg(config.help(args::help(&variables::CONFIG)).help_heading(HEADING).hide(is_brief).global(true))
        .arg(
            only.help("Use only this subscription of the settings file (repeatable)")
                .help_heading(HEADING)
                .global(true),
        )
}

/// Reads the settings file, if the tool does.
fn load_settings_file(file_use: FileUse, found: &ArgMatches, session: &mut Session) -> Result<(), Error> {
    if file_use != FileUse::Read {
        return Ok(());
    }
    let only = found.try_get_many::<String>("only").ok().flatten().into_iter().flatten();
    let inner = found.subcommand().map_or(found, |(_, inner)| inner);
    // A tool may lack the flag.
    let has = |id: &str| inner.try_contains_id(id).is_ok_and(|has| has);
    let is_typed = |variable: &&'static Variable| has(&args::long(variable).replace('-', "_"));
    let is_set = |id: &str| inner.try_get_one::<bool>(id).is_ok_and(|value| value == Some(&true));
    // What reads again and again reads no stdin.
    let reads_stdin = inner.try_contains_id("input").is_ok() && !has("watch") && !has("listen");
    let is_fed = !is_set("live") && (has("input") || reads_stdin && input::stdin_holds_records());
    // Only what reads a stream can print it in another order.
    let is_stream = inner.try_get_one::<bool>("unordered").is_ok() && !is_set("execute");
    let line = CommandLine {
        config: found.try_get_one::<String>("config").ok().flatten().map(String::as_str),
        only: only.map(String::as_str).collect(),
        typed: TARGET_FLAGS.into_iter().chain([&variables::RPC_URL]).filter(is_typed).collect(),
        reads_records: is_fed && is_stream,
        may_take_target: is_fed && !is_stream,
    };
    let warning = session.settings.load_file(&line)?;
    if let Some(warning) = warning {
        session.log("warning", &warning.message());
    }
    Ok(())
}

/// Forbids core dumps of this process and of the Supra CLI, whose memory holds secrets. Where the system refuses, the run
/// goes on.
fn forbid_core_dumps() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // A handler that the kernel pipes dumps to ignores the limit.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Warns about secrets on the command line, which other users can see in the process list.
fn warn_of_typed_secrets(found: &ArgMatches, session: &Session) {
    let typed = |variable: &Variable| {
        let id = variable.flag?.trim_start_matches('-').replace('-', "_");
        found.try_get_one::<String>(&id).ok().flatten()
    };
    for variable in [&variables::RPC_HEADERS, &variables::RPC_URL] {
        let is_seen = typed(variable).is_some_and(|text| variable.is_secret_value(text));
        if let Some(flag) = variable.flag.filter(|_| is_seen) {
            let name = variable.name;
            let sentence = format!("the secret after {flag} can be seen in the process list; use {name}");
            session.log("warning", &sentence);
        }
    }
    if let Some((_, inner)) = found.subcommand() {
        warn_of_typed_secrets(inner, session);
    }
}

/// The name of this host.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The current time by the system clock.
pub fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the clock is read here, once, and passed down")]
    let now = std::time::SystemTime::now();
    Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH)
}
