//! The line on a terminal that shows how far a stream is.

use std::fmt::Write;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// The line.
pub(crate) struct Line {
    bar: ProgressBar,
    failed: u64,
}

impl Line {
    /// It is hidden until the first wait, so that a short run shows none, and always where stderr is not a terminal.
    pub(crate) fn new(name: &str) -> Self {
        let style = ProgressStyle::with_template("[info] {prefix}: {pos} done{msg}, {rate} a second");
        let rate = |state: &ProgressState, out: &mut dyn Write| {
            // A failure to show the progress does not matter.
            let _ = write!(out, "{:.0}", state.per_sec());
        };
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("rate", rate);
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self { bar: bar.with_style(style).with_prefix(name.to_owned()), failed: 0 }
    }

    /// Counts a record.
    pub(crate) fn count(&mut self, failed: bool) {
        self.failed += u64::from(failed);
        self.bar.inc(1);
    }

    /// Takes the line away while `output` writes.
    pub(crate) fn suspend<T>(&self, output: impl FnOnce() -> T) -> T {
        self.bar.suspend(output)
    }

    /// Redraws the line.
    pub(crate) fn draw(&self, percent: Option<u64>, waiting: usize) {
        if self.bar.is_hidden() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_message(rest(self.failed, percent, waiting));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// What follows the number of finished records.
fn rest(failed: u64, percent: Option<u64>, waiting: usize) -> String {
    let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    let read = percent.map(|percent| format!(", {percent} % read")).unwrap_or_default();
    format!("{failed}, {waiting} waiting{read}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_line_says() {
        assert_eq!(rest(0, None, 1), ", 1 waiting");
        assert_eq!(rest(2, Some(30), 48), ", 2 failed, 48 waiting, 30 % read");
    }
}
