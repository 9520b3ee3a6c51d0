//! Labels: valid names and safe values.

use std::borrow::Cow;

use dvrf_cli::parse::bad;
use supra_core::error::Error;
use supra_core::failure::{QUOTED_BYTES_MAX, is_hidden};

/// A label name or value. Most are static.
pub type Text = Cow<'static, str>;

/// Names and values, sorted by name.
pub type Labels = Vec<(Text, Text)>;

/// Why a `--label`, a prefix or a grouping label cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// There is no `=`.
    #[error("a label is written NAME=VALUE")]
    NoValue,
    /// The name is not a valid label name.
    #[error("a name of ASCII letters, digits and _ is needed that begins with no digit and not with __")]
    Name,
    /// The metrics themselves use the name.
    #[error("this name is used by the metrics themselves")]
    Taken,
}

/// Whether the text is a valid name of a metric or label: `[a-zA-Z_][a-zA-Z0-9_]*`. Colons are for recording rules.
pub fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Parses `NAME=VALUE`: splits at the first `=` and trims both sides.
pub fn parse(text: &str) -> Result<(String, String), LabelError> {
    let (name, value) = text.split_once('=').ok_or(LabelError::NoValue)?;
    let name = name.trim();
    if !is_name(name) || name.starts_with("__") {
        return Err(LabelError::Name);
    }
    Ok((name.to_owned(), value_text(value.trim())))
}

/// Converts untrusted text to a label value: truncated, and with hidden characters escaped. A newline stays, because the
/// formats escape it.
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

/// Sets a label; the labels stay sorted by name.
pub fn put(labels: &mut Labels, name: impl Into<Text>, value: impl Into<Text>) {
    let (name, value) = (name.into(), value.into());
    match labels.binary_search_by(|(known, _)| known.cmp(&name)) {
        Ok(position) => labels[position].1 = value,
        Err(position) => {
            // Most series have one label of their own: do not reserve for four.
            labels.reserve_exact(1);
            labels.insert(position, (name, value));
        }
    }
}

/// Parses the texts of a repeatable `NAME=VALUE` flag. The last value of a name wins; empty texts are ignored.
pub(crate) fn parse_flag(
    flag: &str,
    texts: &[String],
    is_taken: impl Fn(&str) -> bool,
) -> Result<Labels, Error> {
    let mut labels = Labels::new();
    for text in texts.iter().filter(|text| !text.trim().is_empty()) {
        let parsed =
            parse(text).and_then(
                |(name, value)| {
                    if is_taken(&name) { Err(LabelError::Taken) } else { Ok((name, value)) }
                },
            );
        let (name, value) = parsed.map_err(|error| bad(flag, text, error))?;
        put(&mut labels, name, value);
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::spaces(" env = a=b ", Ok(("env", "a=b")))]
    #[case::empty_value("env=", Ok(("env", "")))]
    #[case::no_value("env", Err(LabelError::NoValue))]
    #[case::empty_name("=x", Err(LabelError::Name))]
    #[case::digit_first("1a=x", Err(LabelError::Name))]
    #[case::dash("a-b=x", Err(LabelError::Name))]
    #[case::reserved("__name__=x", Err(LabelError::Name))]
    #[case::not_ascii("ä=x", Err(LabelError::Name))]
    #[case::colon("a:b=x", Err(LabelError::Name))]
    fn parsing(#[case] text: &str, #[case] expected: Result<(&str, &str), LabelError>) {
        assert_eq!(parse(text), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn the_last_value_of_a_repeated_flag_wins() {
        let parse = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            parse_flag("--label", &texts, |name| name == "code").map_err(|failure| failure.message())
        };
        assert_eq!(
            parse(&["b=1", "", "a=2", "b=3"]),
            Ok(vec![("a".into(), "2".into()), ("b".into(), "3".into())])
        );
        assert_eq!(
            parse(&["code=1"]).unwrap_err(),
            "--label is \"code=1\": this name is used by the metrics themselves"
        );
    }

    #[test]
    fn values_are_escaped_and_truncated() {
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
}
