//! Text for terminals: colours, escaped chain text, amounts.

use jiff::Timestamp;
use supra_core::amount::Quants;
use supra_core::check::{Severity, Status};
use supra_core::failure::is_hidden;

/// Whether colours may be used; the caller decides for each stream.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// Whether colours may be used.
    pub colour: bool,
}

impl Style {
    /// Colours text by status.
    pub fn status(self, status: Status, text: &str) -> String {
        self.paint(
            match status {
                Status::Ok => "32",
                Status::Alert => "31",
                Status::Unknown => "33",
            },
            text,
        )
    }

    /// Colours text by severity.
    pub fn severity(self, severity: Severity, text: &str) -> String {
        self.paint(
            match severity {
                Severity::Critical => "31",
                Severity::Warning | Severity::Unknown => "33",
                Severity::Info => "36",
            },
            text,
        )
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Makes chain text safe for a terminal: escapes control, bidirectional and invisible characters.
pub fn plain(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if is_hidden(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
        shown
    })
}

/// Appends a character to HTML text or to a quoted attribute.
pub fn html(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        c => out.push(c),
    }
}

/// Escapes as [`plain`] does, but keeps line breaks.
pub fn plain_lines(text: &str) -> String {
    text.split('\n').map(plain).collect::<Vec<_>>().join("\n")
}

/// A time to the minute: `2026-11-25 08:54 UTC`.
pub fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Groups digits in threes: `15 750 000 000`.
pub fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            shown.push(' ');
        }
        shown.push(digit);
    }
    shown
}

/// Shows an amount in both units: `157.5 SUPRA (15 750 000 000 quants)`.
pub fn both(quants: Quants) -> String {
    format!("{} SUPRA ({} quants)", quants.supra(), grouped(quants.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups() {
        for (number, shown) in [(0, "0"), (999, "999"), (1000, "1 000"), (15_750_000_000, "15 750 000 000")] {
            assert_eq!(grouped(number), shown);
        }
        assert_eq!(both(Quants(15_750_000_000)), "157.5 SUPRA (15 750 000 000 quants)");
    }

    #[test]
    fn escapes_cannot_reach_a_terminal() {
        assert_eq!(plain("a\u{1b}[31m\u{202e}b\n"), "a\\u{1b}[31m\\u{202e}b\\u{a}");
    }
}
