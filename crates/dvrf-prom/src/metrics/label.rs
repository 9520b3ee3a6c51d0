//! Labels: which names are allowed, what a value may hold, and which a series has.

use std::borrow::Cow;
use std::sync::Arc;

use supra_core::failure::{QUOTED_BYTES_MAX, is_hidden};

/// A name or a value. Most are words of our own.
pub type Text = Cow<'static, str>;

/// Names and values, sorted by name.
pub type Labels = Vec<(Text, Text)>;

/// The labels of one series: its own, and those that all series of its record have. No name is in both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Series {
    own: Labels,
    // A fleet has a million series.
    shared: Option<Arc<Labels>>,
}

impl Series {
    /// Its own labels, sorted by name.
    pub fn own(own: Labels) -> Self {
        Self { own, shared: None }
    }

    /// Puts the labels of its record over its own of their names.
    pub fn share(&mut self, shared: &Arc<Labels>) {
        self.own.retain(|(name, _)| shared.iter().all(|(other, _)| other != name));
        self.shared = Some(Arc::clone(shared));
    }

    /// All names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut own = self.own.iter().peekable();
        let mut shared = self.shared.iter().flat_map(|labels| labels.iter()).peekable();
        std::iter::from_fn(move || {
            let theirs = match (own.peek(), shared.peek()) {
                (Some((name, _)), Some((other, _))) => other < name,
                (mine, _) => mine.is_none(),
            };
            let (name, value) = if theirs { shared.next() } else { own.next() }?;
            Some((&**name, &**value))
        })
    }
}

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
pub fn put(labels: &mut Labels, name: impl Into<Text>, value: impl Into<Text>) {
    let (name, value) = (name.into(), value.into());
    match labels.binary_search_by(|(known, _)| known.cmp(&name)) {
        Ok(position) => labels[position].1 = value,
        Err(position) => {
            // Most series have one label of their own.
            labels.reserve_exact(1);
            labels.insert(position, (name, value));
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
        assert_eq!(labels, [("a".into(), "2".into()), ("b".into(), "3".into())]);
    }

    #[test]
    fn shared_labels_stand_in_their_order_and_go_over_own_ones() {
        let labels = |given: &[(&'static str, &'static str)]| {
            given.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect::<Labels>()
        };
        let mut series = Series::own(labels(&[("b", "own"), ("d", "own"), ("e", "own")]));
        assert_eq!(series.iter().collect::<Vec<_>>(), [("b", "own"), ("d", "own"), ("e", "own")]);
        series.share(&Arc::new(labels(&[("a", "all"), ("c", "all"), ("d", "all")])));
        let expected = [("a", "all"), ("b", "own"), ("c", "all"), ("d", "all"), ("e", "own")];
        assert_eq!(series.iter().collect::<Vec<_>>(), expected);
        let mut bare = Series::default();
        bare.share(&Arc::new(labels(&[("a", "all")])));
        assert_eq!(bare.iter().collect::<Vec<_>>(), [("a", "all")]);
    }
}
