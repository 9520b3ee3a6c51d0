//! Labels: which names are allowed, and what a value may hold.

use crate::failure::{QUOTED_BYTES_MAX, is_hidden};

/// Names and values, sorted by name.
pub type Labels = Vec<(String, String)>;

/// Why a `--label`, a prefix or a grouping label cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// No `=`.
    #[error("a label is written NAME=VALUE")]
    NoValue,
    /// Not a label name.
    #[error("a name of ASCII letters, digits and _ is needed that begins with no digit and not with __")]
    Name,
    /// A name that our own series use.
    #[error("this name is used by the metrics themselves")]
    Taken,
}

/// Whether a text can name a metric or a label (`[a-zA-Z_][a-zA-Z0-9_]*`; a colon is for recording rules).
pub fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// `NAME=VALUE`, split at the first `=`, both sides trimmed.
pub fn parse(text: &str) -> Result<(String, String), LabelError> {
    let (name, value) = text.split_once('=').ok_or(LabelError::NoValue)?;
    let name = name.trim();
    if !is_name(name) || name.starts_with("__") {
        return Err(LabelError::Name);
    }
    Ok((name.to_owned(), value_text(value.trim())))
}

/// Foreign text as a label value: bounded, with hidden characters spelled out. A newline stays: the formats escape it.
pub fn value_text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if shown.len() >= QUOTED_BYTES_MAX {
            shown.push('…');
            break;
        }
        if c != '\n' && is_hidden(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Puts a label over others of its name.
pub fn put(labels: &mut Labels, name: &str, value: &str) {
    match labels.binary_search_by(|(known, _)| known.as_str().cmp(name)) {
        Ok(position) => value.clone_into(&mut labels[position].1),
        Err(position) => {
            // Most series have one or two labels, and a fleet has a million series.
            labels.reserve_exact(1);
            labels.insert(position, (name.to_owned(), value.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_sides_trimmed() {
        assert_eq!(parse(" env = a=b "), Ok(("env".to_owned(), "a=b".to_owned())));
        assert_eq!(parse("env="), Ok(("env".to_owned(), String::new())));
        assert_eq!(parse("env"), Err(LabelError::NoValue));
        for bad in ["=x", "1a=x", "a-b=x", "__name__=x", "ä=x", "a:b=x"] {
            assert_eq!(parse(bad), Err(LabelError::Name), "{bad}");
        }
    }

    #[test]
    fn values_keep_what_the_formats_can_escape() {
        assert_eq!(value_text("a\"b\\c\nd"), "a\"b\\c\nd");
        assert_eq!(value_text("\u{1b}[2J\r\u{202e}"), "\\u{1b}[2J\\u{d}\\u{202e}");
        assert!(value_text(&"é".repeat(5000)).len() <= QUOTED_BYTES_MAX + 4);
    }

    #[test]
    fn labels_stay_sorted_and_the_last_wins() {
        let mut labels = Labels::new();
        for (name, value) in [("b", "1"), ("a", "2"), ("b", "3")] {
            put(&mut labels, name, value);
        }
        assert_eq!(labels, [("a".to_owned(), "2".to_owned()), ("b".to_owned(), "3".to_owned())]);
    }
}
