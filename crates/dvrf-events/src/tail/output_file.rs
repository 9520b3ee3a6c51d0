//! The file of `--output`. It shows after a kill which events have been printed.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use supra_core::error::Error;
use supra_core::events::Event;
use supra_core::failure::FailureKind;

use crate::tail::checkpoint::Checkpoint;

/// A line longer than any event; the rest of such a file is cut off.
const LINE_BYTES_MAX: u64 = 1 << 24;

/// A file of event lines that is only appended to.
pub(super) struct OutputFile {
    file: File,
    path: String,
}

impl OutputFile {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let path_text = path.display().to_string();
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
        let file = file.map_err(|error| {
            Error::new(FailureKind::Output, format!("cannot open {path_text}")).with_source(error)
        })?;
        Ok(Self { file, path: path_text })
    }

    /// Cuts off an incomplete last line, and adds to the checkpoint which events of the blocks that are read again the
    /// file already has.
    pub(super) fn recover(&mut self, checkpoint: &mut Checkpoint, rescan: u64) -> Result<(), Error> {
        let failed = |error: std::io::Error| {
            Error::new(FailureKind::Output, format!("cannot read {}", self.path)).with_source(error)
        };
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut reader = BufReader::new(&self.file);
        let (mut length, mut lowest, mut highest) = (0_u64, None, 0_u64);
        let first = checkpoint.next.saturating_sub(rescan);
        loop {
            let mut text = Vec::new();
            let read = reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut text).map_err(failed)?;
            if read == 0 || !text.ends_with(b"\n") {
                break;
            }
            length += read as u64;
            if let Ok(event) = serde_json::from_slice::<Event>(&text) {
                highest = highest.max(event.height);
                lowest.get_or_insert(event.height);
                if event.height >= first {
                    checkpoint.printed.insert(event.id(), event.height);
                }
            }
        }
        // Without a checkpoint the file shows where the last run stopped. Its last block may be incomplete.
        if checkpoint.start.is_none() && lowest.is_some() {
            (checkpoint.start, checkpoint.next) = (lowest, highest);
        }
        self.file.set_len(length).map_err(failed)?;
        self.file.seek(SeekFrom::Start(length)).map_err(failed)?;
        Ok(())
    }

    /// Appends lines and syncs them to the disk.
    pub(super) fn append(&mut self, text: &str) -> Result<(), Error> {
        if text.is_empty() {
            return Ok(());
        }
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| {
            Error::new(FailureKind::Output, format!("cannot write {}", self.path)).with_source(error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(height: u64) -> String {
        format!(
            r#"{{"schema":"dvrf.event/1","height":{height},"index":0,"tx":"0x{height}","type":"0x1::a::B","name":"B","data":{{}}}}"#
        ) + "\n"
    }

    #[test]
    fn a_torn_line_is_cut_and_printed_events_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let whole = event(5) + &event(9);
        std::fs::write(&path, whole.clone() + "{\"height\":1").unwrap();
        let mut output = OutputFile::open(&path).unwrap();
        let mut fresh = Checkpoint::default();
        output.recover(&mut fresh, 20).unwrap();
        assert_eq!((fresh.start, fresh.next, fresh.printed.len()), (Some(5), 9, 2));
        let mut later = Checkpoint { start: Some(1), next: 10, ..Checkpoint::default() };
        output.recover(&mut later, 3).unwrap();
        assert_eq!((later.start, later.next), (Some(1), 10));
        assert_eq!(later.printed.into_values().collect::<Vec<_>>(), [9]);
        output.append(&event(11)).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole + &event(11));
    }
}
