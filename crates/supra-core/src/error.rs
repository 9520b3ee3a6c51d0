//! The error of everything that reads the chain or the settings: its kind, a message, and the cause.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::{Abort, Failure, FailureKind, quote};
use crate::move_value::DecodeError;

/// Why something could not be done. [`Failure`] is the form that records hold.
///
/// `Display` shows the message without the cause, which [`source`](std::error::Error::source) returns; [`chain`] shows
/// both. It can be cloned because several targets share one reply.
#[derive(Clone)]
pub struct Error {
    /// Its message lacks the cause's.
    failure: Box<Failure>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error without cause, abort and hint.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Failure::new(kind, message).into()
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.failure.hint = Some(hint.into());
        self
    }

    /// Adds the cause. The message must not repeat the cause's.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// What kind of error it is.
    pub fn kind(&self) -> FailureKind {
        self.failure.kind
    }

    /// What to do, if that is known.
    pub fn hint(&self) -> Option<&str> {
        self.failure.hint.as_deref()
    }

    /// The abort, if it is one.
    pub fn abort(&self) -> Option<&Abort> {
        self.failure.abort.as_ref()
    }

    /// The message with those of its causes.
    pub fn message(&self) -> String {
        chain(self)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("failure", &self.failure).field("source", &self.source).finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.failure.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // Not derived: `#[source]` of an `Arc` would return the `Arc`, which cannot be downcast to the cause.
        self.source.as_deref().map(|source| source as _)
    }
}

/// Errors are equal if records show them alike.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        Failure::from(self) == Failure::from(other)
    }
}

impl Eq for Error {}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self { message: error.message(), ..(*error.failure).clone() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self { failure: Box::new(failure), source: None }
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::new(FailureKind::Undecodable, error.to_string())
    }
}

/// Why something was not done, as a line of output says it: with a stable code for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message}")]
#[schemars(rename = "CodedError")]
pub struct CodedError<C> {
    /// Stable; the tool's page explains each.
    #[schemars(with = "String")]
    pub code: C,
    /// What is the matter, in one sentence.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl<C> CodedError<C> {
    /// An error without a hint.
    pub fn new(code: C, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// An error under a code of its own, with its hint.
    pub fn of(code: C, error: &Error) -> Self {
        Self { code, message: error.message(), hint: error.hint().map(str::to_owned) }
    }

    /// The same of an error that repeats foreign words: their control characters are escaped.
    pub fn quoted(code: C, error: &Error) -> Self {
        let shown = Self::of(code, error);
        Self { message: quote(&shown.message), ..shown }
    }

    /// The same error with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// An error under the name of its kind.
impl<C: From<FailureKind>> From<&Error> for CodedError<C> {
    fn from(error: &Error) -> Self {
        Self::of(error.kind().into(), error)
    }
}

/// The error and its causes in one line. The causes are quoted, because their texts may come from the chain.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&quote(&next.to_string()));
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::io;

    use super::*;

    #[test]
    fn foreign_words_are_shown_without_their_control_characters() {
        let said = Error::new(FailureKind::Config, "no \u{1b}[31mprofile").with_hint("name one");
        let expected = CodedError::new("C", "no \\u{1b}[31mprofile").with_hint("name one");
        assert_eq!(CodedError::quoted("C", &said), expected);
    }

    #[test]
    fn a_cause_is_kept_and_shown_once() {
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "refused\n\u{202e}twice");
        let error = Error::new(FailureKind::Unreachable, "n").with_hint("try another").with_source(refused);
        let copy = error.clone();
        assert_eq!((copy.to_string(), copy.hint()), ("n".to_owned(), Some("try another")));
        let cause = copy.source().and_then(|source| source.downcast_ref::<io::Error>()).unwrap();
        assert_eq!(cause.kind(), io::ErrorKind::ConnectionRefused);
        let failure = Failure::from(&error);
        assert_eq!(failure.message, "n: refused \\u{202e}twice");
        assert_eq!(error, Error::from(failure));
    }
}
