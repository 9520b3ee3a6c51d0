//! The source of records: `--input`, `--live`, or stdin.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat, major, minor};

use super::{CliError, Session};
use crate::parse::bad;
use crate::settings::{Settings, variables};
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::record::Record;
use supra_core::record::reader::RecordReader;

/// How long to wait for the first byte of a pipe before logging a hint.
const SILENCE: Duration = Duration::from_secs(5);

/// The input flags of every tool that reads records.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Input")]
pub struct InputArgs {
    /// Read records from this file, or from stdin with `-`
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    pub input: Option<PathBuf>,
    /// Read the chain instead of records from stdin; without --input and --live, a pipe or file on stdin is read, and a terminal
    /// or /dev/null means --live
    #[arg(long)]
    pub live: bool,
    /// Print results as they finish, not in input order
    #[arg(long)]
    pub unordered: bool,
}

/// The input of one run.
pub enum Source {
    /// Read the chain, for the target of the settings or the subscriptions of the settings file.
    Live,
    /// Read this stream.
    Records(Records),
}

/// An open stream of records.
pub struct Records {
    reader: RecordReader<BufReader<Box<dyn Read + Send>>>,
    from: String,
    any: bool,
    progress: Progress,
    ordered: bool,
}

/// How much of a stream has been read.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    read: Arc<AtomicU64>,
    /// The length of a regular file.
    size: Option<u64>,
}

impl Progress {
    /// The share that has been read, in percent, where the length is known.
    pub fn percent(&self) -> Option<u64> {
        let size = self.size.filter(|size| *size > 0)?;
        Some(self.read.load(Ordering::Relaxed).saturating_mul(100).checked_div(size)?.min(100))
    }
}

impl InputArgs {
    /// Opens the input that the flags and the type of stdin select.
    pub fn open(&self, session: &Session) -> Result<Source, CliError> {
        Ok(match self.source(session)? {
            Source::Records(records) => Source::Records(Records { ordered: !self.unordered, ..records }),
            live @ Source::Live => live,
        })
    }

    /// An input that can be read again and again: the chain or a file.
    pub fn repeatable(&self) -> Result<Self, Error> {
        match &self.input {
            Some(path) if path.as_os_str() == "-" => {
                Err(bad("--input", "-", "stdin can be read only once; name a file, or use --live"))
            }
            Some(path) => Ok(Self { input: Some(path.clone()), live: false, unordered: false }),
            None => Ok(Self { input: None, live: true, unordered: false }),
        }
    }

    /// Whether the chain is read for the target of the settings, and the settings name none.
    pub fn names_nothing(&self, session: &Session) -> bool {
        let is_live = self.live || (self.input.is_none() && !stdin_holds_records());
        is_live && !session.settings.names_target()
    }

    /// The subscriptions of the settings file as a stream of targets, where they are several.
    pub(crate) fn subscriptions(&self, settings: &Settings) -> Result<Option<Records>, CliError> {
        if settings.targets().is_empty() {
            return Ok(None);
        }
        let from = settings.file().path.clone().unwrap_or_default();
        let has_profile = settings.has_flag(&variables::PROFILE);
        let mut lines = Vec::new();
        for subscription in settings.targets() {
            let written = subscription.target(has_profile)?.write(&mut lines, false);
            written.map_err(|source| CliError::Write { to: "memory".to_owned(), source })?;
        }
        let size = u64::try_from(lines.len()).ok();
        let records = Records::new(Box::new(io::Cursor::new(lines)), from, size);
        Ok(Some(Records { ordered: !self.unordered, ..records }))
    }

    /// Whether records are read, rather than the chain.
    pub fn holds_records(&self) -> bool {
        !self.live && (self.input.is_some() || stdin_holds_records())
    }

    fn source(&self, session: &Session) -> Result<Source, CliError> {
        if self.live {
            return Ok(Source::Live);
        }
        match &self.input {
            Some(path) if path.as_os_str() != "-" => {
                let from = path.display().to_string();
                let file =
                    File::open(path).map_err(|source| CliError::Open { path: from.clone(), source })?;
                Ok(Source::Records(Records::of_file(file, from)))
            }
            None if !stdin_holds_records() => Ok(Source::Live),
            _ => {
                hint_when_silent(session);
                let from = "stdin".to_owned();
                Ok(Source::Records(match rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3) {
                    Ok(descriptor) => Records::of_file(File::from(descriptor), from),
                    Err(_) => Records::new(Box::new(io::empty()), from, None),
                }))
            }
        }
    }
}

/// Whether stdin is a pipe, socket or file rather than a terminal or `/dev/null`.
pub(crate) fn stdin_holds_records() -> bool {
    let stdin = io::stdin();
    let Ok(stat) = fstat(&stdin) else { return false };
    match FileType::from_raw_mode(stat.st_mode) {
        // Reading a directory fails with an error that names the mistake.
        FileType::Fifo | FileType::Socket | FileType::RegularFile | FileType::Directory => true,
        FileType::CharacterDevice => {
            let null = (major(stat.st_rdev), minor(stat.st_rdev)) == (1, 3);
            !null && !stdin.is_terminal()
        }
        _ => false,
    }
}

/// Waits a few seconds for the first byte or the end of a pipe; returns whether neither came.
pub fn is_silent(source: &impl AsFd) -> bool {
    let mut fds = [PollFd::new(source, PollFlags::IN)];
    let span = Timespec::try_from(SILENCE).ok();
    matches!(poll(&mut fds, span.as_ref()), Ok(0))
}

/// Waits for the first byte and logs a hint when none arrives, because a forgotten pipe looks like a hang.
fn hint_when_silent(session: &Session) {
    if is_silent(&io::stdin()) {
        session.log("info", "waiting for records on stdin; use --live to ask the chain");
    }
}

impl Records {
    /// Reads records from a byte stream; `from` names it in errors, `size` is its length if known.
    pub fn new(source: Box<dyn Read + Send>, from: String, size: Option<u64>) -> Self {
        Self {
            reader: RecordReader::buffered(source),
            from,
            any: false,
            progress: Progress { read: Arc::default(), size },
            ordered: true,
        }
    }

    fn of_file(file: File, from: String) -> Self {
        let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|found| found.len());
        Self::new(Box::new(file), from, size)
    }

    /// How much of the stream has been read.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Whether results are printed in input order.
    pub fn ordered(&self) -> bool {
        self.ordered
    }

    /// Whether the next read may block.
    pub fn may_wait(&self) -> bool {
        self.reader.may_wait()
    }

    /// The next record. A malformed record is an error after which reading can go on; an empty stream is an error too.
    pub fn next_record(&mut self) -> Option<Result<Record, CliError>> {
        let next = self.reader.next();
        self.progress.read.store(self.reader.taken(), Ordering::Relaxed);
        match next {
            Some(item) => {
                self.any = true;
                let from = || self.from.clone();
                Some(item.map_err(|source| CliError::Read { from: from(), source }))
            }
            None if self.any => None,
            None => {
                self.any = true;
                let silent = "the upstream command produced no record";
                Some(Err(Error::new(FailureKind::Input, silent)
                    .with_hint("use --live to ask the chain")
                    .into()))
            }
        }
    }

    /// Whether an error of [`Self::next_record`] ends the stream.
    pub fn is_final(error: &CliError) -> bool {
        matches!(error, CliError::Read { source, .. } if source.is_final())
    }
}
