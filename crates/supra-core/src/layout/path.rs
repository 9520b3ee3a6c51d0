//! Where a value stands in an answer: `round.0?.ticket_count`.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::move_value::Node;
use crate::view::is_identifier;

/// A read and the steps into its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The name of the read.
    pub read: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// `.name`
    Field(String),
    /// `.0`
    Item(usize),
    /// `?`
    Unwrap,
    /// `#`
    Length,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<'a> {
    /// The answer has no such place: nothing is known.
    Nothing,
    /// A Move `Option` on the way is empty: known to be unset.
    Unset,
    /// The value.
    Value(&'a Value),
    /// The length of the list.
    Length(usize),
}

/// Why a text is not a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a path: NAME, then .field, .0, ? (unwraps an Option) or # (length, at the end)")]
pub struct PathError(String);

impl Path {
    /// Whether an `Option` is unwrapped on the way.
    pub fn unwraps(&self) -> bool {
        self.steps.contains(&Step::Unwrap)
    }

    /// Follows the steps into the answer of the read.
    pub fn follow<'a>(&self, answer: &'a Value) -> Found<'a> {
        follow(&self.steps, answer)
    }
}

/// Steps without a read in front: `0?`, `state.status`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps(Vec<Step>);

impl Steps {
    /// Follows the steps into a value.
    pub fn follow<'a>(&self, value: &'a Value) -> Found<'a> {
        follow(&self.0, value)
    }

    /// Whether an `Option` is unwrapped on the way.
    pub fn unwraps(&self) -> bool {
        self.0.contains(&Step::Unwrap)
    }
}

fn follow<'a>(steps: &[Step], value: &'a Value) -> Found<'a> {
    let mut at = value;
    for step in steps {
        let next = match step {
            Step::Field(name) => at.get(name),
            Step::Item(index) => at.get(index),
            Step::Unwrap => match Node::root(at).option() {
                Ok(None) => return Found::Unset,
                Ok(Some(inner)) => Some(inner.json()),
                Err(_) => None,
            },
            Step::Length => return at.as_array().map_or(Found::Nothing, |items| Found::Length(items.len())),
        };
        match next {
            Some(next) => at = next,
            None => return Found::Nothing,
        }
    }
    Found::Value(at)
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let end = text.find(['.', '?', '#']).unwrap_or(text.len());
        let (read, rest) = text.split_at(end);
        let steps = steps(rest).filter(|_| is_identifier(read));
        steps.map(|steps| Self { read: read.to_owned(), steps }).ok_or_else(|| PathError(text.to_owned()))
    }
}

impl FromStr for Steps {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let dotted = if text.starts_with(['?', '#']) { text.to_owned() } else { format!(".{text}") };
        steps(&dotted).filter(|_| !text.is_empty()).map(Self).ok_or_else(|| PathError(text.to_owned()))
    }
}

fn steps(mut rest: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    while let Some(first) = rest.chars().next() {
        rest = &rest[first.len_utf8()..];
        match first {
            '?' => steps.push(Step::Unwrap),
            '#' if rest.is_empty() => steps.push(Step::Length),
            '.' => {
                let end = rest.find(['.', '?', '#']).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                steps.push(match name.parse() {
                    Ok(index) => Step::Item(index),
                    Err(_) if is_identifier(name) => Step::Field(name.to_owned()),
                    Err(_) => return None,
                });
                rest = after;
            }
            _ => return None,
        }
    }
    Some(steps)
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.read)?;
        for step in &self.steps {
            match step {
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Item(index) => write!(f, ".{index}")?,
                Step::Unwrap => f.write_str("?")?,
                Step::Length => f.write_str("#")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::field("a.b", json!({"b": "7"}), Found::Value(&Value::Null), "\"7\"")]
    #[case::item("a.1", json!(["x", "y"]), Found::Value(&Value::Null), "\"y\"")]
    #[case::whole("a", json!(5), Found::Value(&Value::Null), "5")]
    #[case::set_option("a.0?.n", json!([{"vec": [{"n": "3"}]}]), Found::Value(&Value::Null), "\"3\"")]
    #[case::bare_option("a?", json!("3"), Found::Value(&Value::Null), "\"3\"")]
    #[case::unset_option("a.0?.n", json!([{"vec": []}]), Found::Unset, "")]
    #[case::not_an_option("a?", json!({"vec": ["1", "2"]}), Found::Nothing, "")]
    #[case::no_field("a.c", json!({"b": "7"}), Found::Nothing, "")]
    #[case::no_item("a.2", json!(["x"]), Found::Nothing, "")]
    #[case::field_of_a_number("a.b", json!(7), Found::Nothing, "")]
    #[case::length("a.b#", json!({"b": [1, 2, 3]}), Found::Length(3), "")]
    #[case::length_of_text("a#", json!("text"), Found::Nothing, "")]
    fn paths(#[case] path: &str, #[case] answer: Value, #[case] kind: Found<'_>, #[case] value: &str) {
        let parsed: Path = path.parse().unwrap();
        assert_eq!(parsed.to_string(), path);
        match (parsed.follow(&answer), kind) {
            (Found::Value(found), Found::Value(_)) => assert_eq!(found.to_string(), value),
            (found, expected) => assert_eq!(found, expected),
        }
    }

    #[rstest]
    #[case::empty("")]
    #[case::no_read(".a")]
    #[case::empty_step("a..b")]
    #[case::ends_in_a_dot("a.")]
    #[case::length_inside("a#.b")]
    #[case::blank("a b")]
    #[case::not_ascii("a.é")]
    #[case::not_ascii_after_an_option("a?/é")]
    #[case::wide_after_an_option("a?\u{fffd}")]
    #[case::sign("a.-1")]
    fn not_a_path(#[case] text: &str) {
        assert!(text.parse::<Path>().is_err());
    }

    #[test]
    fn steps_alone() {
        let answer = json!([{"vec": [{"state": {"status": 1}}]}]);
        let follow = |text: &str| text.parse::<Steps>().unwrap().follow(&answer) == Found::Value(&json!(1));
        assert!(follow("0?.state.status"));
        assert!("".parse::<Steps>().is_err() && "a b".parse::<Steps>().is_err());
    }
}
