//! Buffered stdout: a closed pipe ends the output quietly, a full disk is an error.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};

use rustix::fs::{FallocateFlags, FileType, Stat, fallocate, fstat};
use rustix::io::Errno;

use super::CliError;
use super::legacy;
use supra_core::record::Record;

/// The room that a document needs at most; a line of a draw has some 10 kB.
const RESERVED_BYTES: u64 = 64 << 10;

/// stdout of a tool.
pub struct Output {
    sink: Box<dyn Write + Send>,
    line_by_line: bool,
    as_python: bool,
    closed: bool,
}

impl Output {
    /// The process's stdout. Output to a terminal is flushed after every record.
    pub fn stdout() -> Self {
        let line_by_line = io::stdout().is_terminal();
        // std's stdout flushes at every newline, a duplicated descriptor does not. It is closed on exec, so that a
        // surviving grandchild of the Supra CLI does not keep the pipe open.
        let sink: Box<dyn Write + Send> = match rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3) {
            Ok(descriptor) => Box::new(BufWriter::with_capacity(1 << 16, File::from(descriptor))),
            // stdout was closed by the caller: std discards the output, as for every Rust program.
            Err(_) => Box::new(io::stdout()),
        };
        Self { sink, line_by_line, as_python: false, closed: false }
    }

    /// An output that discards everything.
    pub fn nowhere() -> Self {
        Self { sink: Box::new(io::sink()), line_by_line: false, as_python: false, closed: false }
    }

    /// Whether the reader has closed the pipe.
    pub fn closed(&self) -> bool {
        self.closed
    }

    fn keep(&mut self, result: io::Result<()>) -> Result<(), CliError> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(source) => {
                self.closed = true;
                Err(CliError::Write { to: "stdout".to_owned(), source })
            }
            Ok(()) => Ok(()),
        }
    }

    /// Lets a renderer write.
    pub fn with(&mut self, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), CliError> {
        if self.closed {
            return Ok(());
        }
        let mut result = render(&mut *self.sink);
        if result.is_ok() && self.line_by_line {
            result = self.sink.flush();
        }
        self.keep(result)
    }

    /// Writes the one-line JSON of records as Python does.
    #[must_use]
    pub fn as_python(self, as_python: bool) -> Self {
        Self { as_python, ..self }
    }

    /// Writes a record.
    pub fn record(&mut self, record: &Record, pretty: bool) -> Result<(), CliError> {
        if !self.as_python || pretty {
            return self.with(|out| record.write(out, pretty));
        }
        self.with(|out| {
            let mut line = Vec::new();
            record.write(&mut line, false)?;
            out.write_all(legacy::spaced(&String::from_utf8_lossy(&line)).as_bytes())
        })
    }

    /// Writes text unchanged.
    pub fn text(&mut self, text: &str) -> Result<(), CliError> {
        self.with(|out| out.write_all(text.as_bytes()))
    }

    /// Flushes the buffer, for example before a wait.
    pub fn flush(&mut self) -> Result<(), CliError> {
        if self.closed {
            return Ok(());
        }
        let result = self.sink.flush();
        self.keep(result)
    }

    /// Flushes the buffer and finds out, without writing anything, whether there is room for more: before a step that cannot
    /// be taken back. A system that cannot say is trusted.
    pub fn reserve(&mut self) -> Result<(), CliError> {
        self.flush()?;
        if self.closed {
            return Ok(());
        }
        let stdout = io::stdout();
        let is_file = |stat: &Stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        let room = match fstat(&stdout) {
            Ok(stat) if is_file(&stat) => {
                let end = u64::try_from(stat.st_size).unwrap_or(0);
                fallocate(&stdout, FallocateFlags::KEEP_SIZE, end, RESERVED_BYTES)
            }
            // A device such as /dev/full refuses an empty write too.
            Ok(_) => rustix::io::write(&stdout, b"").map(drop),
            Err(error) => Err(error),
        };
        match room {
            Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG | Errno::IO)) => {
                self.keep(Err(error.into()))
            }
            _ => Ok(()),
        }
    }

    /// Flushes at the end of the run, where a full disk shows at the latest.
    pub fn finish(&mut self) -> Result<(), CliError> {
        self.flush()
    }
}
