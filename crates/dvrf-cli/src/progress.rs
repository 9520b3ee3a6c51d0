//! The line on a terminal that shows how far a stream is. A crate for bars would outweigh the tools that show one.

use std::io::{self, Write};
use std::time::Instant;

/// The line.
pub(crate) struct Line {
    name: String,
    begun: Instant,
    done: u64,
    failed: u64,
    drawn: bool,
}

impl Line {
    /// Nothing is drawn yet: a short run shows none.
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), begun: Instant::now(), done: 0, failed: 0, drawn: false }
    }

    /// One more is done, and is about to be spoken of: the line makes room.
    pub(crate) fn count(&mut self, failed: bool) {
        self.done += 1;
        self.failed += u64::from(failed);
        self.clear();
    }

    /// Redraws the line.
    pub(crate) fn draw(&mut self, percent: Option<u64>, waiting: usize) {
        let text = text(self.done, self.failed, percent, waiting, self.begun.elapsed().as_secs());
        // A failure to show the progress does not matter.
        let _ = write!(io::stderr(), "\r\x1b[K[info] {}: {text}", self.name);
        self.drawn = true;
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.clear();
    }
}

fn text(done: u64, failed: u64, percent: Option<u64>, waiting: usize, seconds: u64) -> String {
    let mut text = format!("{done} done");
    if failed > 0 {
        text.push_str(&format!(", {failed} failed"));
    }
    text.push_str(&format!(", {waiting} waiting"));
    if let Some(percent) = percent {
        text.push_str(&format!(", {percent} % read"));
    }
    if let Some(rate) = done.checked_div(seconds) {
        text.push_str(&format!(", {rate} a second"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_line_says() {
        assert_eq!(text(0, 0, None, 1, 0), "0 done, 1 waiting");
        assert_eq!(text(300, 2, Some(30), 48, 3), "300 done, 2 failed, 48 waiting, 30 % read, 100 a second");
    }
}
