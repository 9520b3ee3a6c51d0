//! stdout: buffered, flushed once, quiet when its reader has gone, loud when the disk is full.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};

use super::CliError;
use supra_core::record::Record;

/// stdout of a tool.
pub struct Output {
    sink: Box<dyn Write + Send>,
    line_by_line: bool,
    closed: bool,
}

impl Output {
    /// The process's stdout. A terminal and a slow pipe see every record as it comes.
    pub fn stdout() -> Self {
        let line_by_line = io::stdout().is_terminal();
        // std's stdout flushes at every newline; the descriptor itself does not. Closed on exec: a grandchild of the
        // CLI that lives on must not hold our reader.
        let sink: Box<dyn Write + Send> = match rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3) {
            Ok(descriptor) => Box::new(BufWriter::with_capacity(1 << 16, File::from(descriptor))),
            // A stdout closed by the caller: std writes to nowhere, as it does for every program.
            Err(_) => Box::new(io::stdout()),
        };
        Self { sink, line_by_line, closed: false }
    }

    /// For work whose answer leaves by another way.
    pub fn nowhere() -> Self {
        Self { sink: Box::new(io::sink()), line_by_line: false, closed: false }
    }

    /// Whether the reader has gone; there is no need to go on for its sake.
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

    /// Writes with a renderer.
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

    /// Writes a record.
    pub fn record(&mut self, record: &Record, pretty: bool) -> Result<(), CliError> {
        self.with(|out| record.write(out, pretty))
    }

    /// Writes text as it is.
    pub fn text(&mut self, text: &str) -> Result<(), CliError> {
        self.with(|out| out.write_all(text.as_bytes()))
    }

    /// Sends on what is buffered, before a wait.
    pub fn flush(&mut self) -> Result<(), CliError> {
        if self.closed {
            return Ok(());
        }
        let result = self.sink.flush();
        self.keep(result)
    }

    /// Flushes for good: a full disk shows here at the latest.
    pub fn finish(&mut self) -> Result<(), CliError> {
        self.flush()
    }
}
