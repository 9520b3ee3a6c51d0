//! What a finished tool left: exit code, stdout, stderr, and the JSON in them.

use assert_cmd::assert::{Assert, OutputAssertExt as _};
use predicates::Predicate;
use predicates::function::function;
use serde_json::Value;

/// Whether a text is one line of JSON whose value at a pointer such as `/checks/status` is this one.
pub fn json_at(pointer: &'static str, expected: impl Into<Value>) -> impl Predicate<str> {
    let expected = expected.into();
    function(move |text: &str| {
        let record: Option<Value> = serde_json::from_str(text).ok();
        text.lines().count() == 1 && record.is_some_and(|record| record.pointer(pointer) == Some(&expected))
    })
    .fn_name(pointer)
}

/// The stdout of a finished tool.
pub trait Printed {
    /// All of it.
    ///
    /// # Panics
    /// When it is not UTF-8.
    fn text(&self) -> String;

    /// One JSON document, on one line or many.
    ///
    /// # Panics
    /// When it is anything else.
    #[track_caller]
    fn document(&self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Its only line as JSON.
    ///
    /// # Panics
    /// When it is anything else.
    #[track_caller]
    fn json(&self) -> Value {
        only_line(&self.text())
    }

    /// Its lines as JSON.
    ///
    /// # Panics
    /// When one is not JSON.
    #[track_caller]
    fn records(&self) -> Vec<Value> {
        let of = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.text().lines().map(of).collect()
    }
}

impl Printed for Assert {
    fn text(&self) -> String {
        utf8(&self.get_output().stdout)
    }
}

fn utf8(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn only_line(text: &str) -> Value {
    assert_eq!(text.lines().count(), 1, "one line is wanted: {text}");
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What a finished tool left, for assertions that no predicate says more briefly.
pub struct Outcome {
    /// Its exit code.
    pub code: i32,
    /// stdout.
    pub out: String,
    /// stderr.
    pub err: String,
}

impl Outcome {
    /// The only line of stdout as JSON.
    ///
    /// # Panics
    /// When it is anything else.
    #[track_caller]
    pub fn json(&self) -> Value {
        only_line(&self.out)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "code {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.out, self.err)
    }
}

/// A command of the standard library or of `assert_cmd`, which can also write to the child's stdin.
pub trait Run {
    /// Runs it to its end.
    fn finish(&mut self) -> Assert;
}

impl Run for assert_cmd::Command {
    fn finish(&mut self) -> Assert {
        self.assert()
    }
}

impl Run for std::process::Command {
    fn finish(&mut self) -> Assert {
        self.assert()
    }
}

/// Runs a tool to its end.
///
/// # Panics
/// When it cannot be started, does not end, or dies of a signal.
#[track_caller]
pub fn run(command: &mut impl Run) -> Outcome {
    let finished = command.finish();
    let output = finished.get_output();
    let code = output.status.code().unwrap_or_else(|| panic!("{finished}"));
    Outcome { code, out: utf8(&output.stdout), err: utf8(&output.stderr) }
}
