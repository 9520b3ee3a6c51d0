//! Where records come from: `--input`, `--live`, or whatever stdin is.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat, major, minor};

use super::{CliError, Session};
use supra_core::failure::{Failure, FailureKind};
use supra_core::record::Record;
use supra_core::record::reader::Reader;

/// How long a pipe may stay silent before we say that we are waiting for it.
const SILENCE: Duration = Duration::from_secs(5);

/// The input flags of every tool that reads records.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Input")]
pub struct InputArgs {
    /// Read records from this file, or from stdin with `-`
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    pub input: Option<PathBuf>,
    /// Ask the chain instead of reading records; without --input and --live a pipe or file on stdin is read, and a
    /// terminal or /dev/null means live
    #[arg(long)]
    pub live: bool,
    /// Give records on as they are filled, not in the order they came in
    #[arg(long)]
    pub unordered: bool,
}

/// The records of one run.
pub enum Source {
    /// Ask the chain about the target of the settings.
    Live,
    /// Read these.
    Records(Records),
}

/// An open stream of records.
pub struct Records {
    reader: Reader<BufReader<Box<dyn Read + Send>>>,
    from: String,
    any: bool,
    progress: Progress,
    ordered: bool,
}

/// How much of a stream is read.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    read: Arc<AtomicU64>,
    /// Of a regular file.
    size: Option<u64>,
}

impl Progress {
    /// In percent, where the length is known.
    pub fn percent(&self) -> Option<u64> {
        let size = self.size.filter(|size| *size > 0)?;
        Some(self.read.load(Ordering::Relaxed).saturating_mul(100).checked_div(size)?.min(100))
    }
}

impl InputArgs {
    /// Opens what the flags and stdin say.
    pub fn open(&self, session: &Session) -> Result<Source, CliError> {
        Ok(match self.source(session)? {
            Source::Records(records) => Source::Records(Records { ordered: !self.unordered, ..records }),
            live @ Source::Live => live,
        })
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

/// A pipe, socket or file does; a terminal and `/dev/null` do not.
fn stdin_holds_records() -> bool {
    let stdin = io::stdin();
    let Ok(stat) = fstat(&stdin) else { return false };
    match FileType::from_raw_mode(stat.st_mode) {
        // A directory is somebody's mistake, which reading it will say.
        FileType::Fifo | FileType::Socket | FileType::RegularFile | FileType::Directory => true,
        FileType::CharacterDevice => {
            let null = (major(stat.st_rdev), minor(stat.st_rdev)) == (1, 3);
            !null && !stdin.is_terminal()
        }
        _ => false,
    }
}

/// Waits a little for the first byte and says so when none comes: a forgotten pipe looks like a hang.
fn hint_when_silent(session: &Session) {
    let stdin = io::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    let span = Timespec::try_from(SILENCE).ok();
    if let Ok(0) = poll(&mut fds, span.as_ref()) {
        session.say("info", "waiting for records on stdin; use --live to ask the chain");
    }
}

impl Records {
    /// Reads what a program of ours writes.
    pub fn new(source: Box<dyn Read + Send>, from: String, size: Option<u64>) -> Self {
        Self {
            reader: Reader::buffered(source),
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

    /// How much of it is read.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Whether they must leave in the order they came.
    pub fn ordered(&self) -> bool {
        self.ordered
    }

    /// Whether the next record may have to be waited for.
    pub fn may_wait(&self) -> bool {
        self.reader.may_wait()
    }

    /// The next record. A bad one is an error after which reading goes on; silence from upstream is an error too.
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
                Some(Err(Failure::new(FailureKind::Input, silent)
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
