//! The vocabulary of failures: what a caller can do about one decides its kind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What went wrong, by what helps. The names are the stable `error.kind` of records and views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The command line or a variable is wrong: correct it.
    Config,
    /// The document read on stdin or from a file is wrong.
    Input,
    /// No answer from the node or the CLI: retry, or use another endpoint.
    Unreachable,
    /// The node asked us to slow down (429, or 403/503 with HTML).
    Throttled,
    /// The time given for the call ran out.
    Timeout,
    /// The Move function aborted.
    Aborted,
    /// The client is not whitelisted in the deposit module (abort `ECLIENT_NOT_EXIST`).
    NotWhitelisted,
    /// This chain or CLI does not have the function, module, resource or command.
    Unsupported,
    /// An answer came and is not what the chain's documentation says.
    Undecodable,
    /// The node serves another chain than the one expected.
    WrongChain,
    /// The answers come from nodes that are not at the same height: name single nodes.
    NodesDisagree,
    /// stdout or a file could not be written.
    Output,
}

impl FailureKind {
    /// The stable name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Input => "input",
            Self::Unreachable => "unreachable",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::Aborted => "aborted",
            Self::NotWhitelisted => "not_whitelisted",
            Self::Unsupported => "unsupported",
            Self::Undecodable => "undecodable",
            Self::WrongChain => "wrong_chain",
            Self::NodesDisagree => "nodes_disagree",
            Self::Output => "output",
        }
    }
}

/// A Move abort as the VM reported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Abort {
    /// `address::module` where it was raised; codes mean nothing without it.
    pub location: Option<String>,
    /// The sub status: `category << 16 | reason`, or a bare `assert!` code.
    pub code: String,
    /// The constant's name in the contract, if we know it.
    pub name: Option<String>,
}

/// A failed question to the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind of failure, for programs.
    pub kind: FailureKind,
    /// What failed, with what input, for people; chain text in it is bounded and escaped.
    pub message: String,
    /// The abort, where the failure is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort: Option<Abort>,
    /// What to do, where we know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The place in the documents that explains it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Failure {
    /// A failure without abort and hint.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), abort: None, hint: None, help: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The most bytes of foreign text that one message quotes.
pub const QUOTED_BYTES_MAX: usize = 300;

/// Foreign text made safe to quote in a message: one line, bounded, without control or bidi characters.
pub fn quote(text: &str) -> String {
    let mut quoted = String::new();
    for c in text.trim().chars() {
        if quoted.len() >= QUOTED_BYTES_MAX {
            quoted.push('…');
            break;
        }
        match c {
            '\n' | '\r' | '\t' | ' ' => {
                if !quoted.ends_with(' ') {
                    quoted.push(' ');
                }
            }
            c if is_hidden(c) => quoted.extend(c.escape_unicode()),
            c => quoted.push(c),
        }
    }
    quoted
}

/// Whether a character changes how its neighbours look instead of being seen: control, bidi and zero-width ones, soft
/// hyphens, annotations and tags.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}')
        || matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_json_names() {
        for kind in [
            FailureKind::Config,
            FailureKind::Input,
            FailureKind::Unreachable,
            FailureKind::Throttled,
            FailureKind::Timeout,
            FailureKind::Aborted,
            FailureKind::NotWhitelisted,
            FailureKind::Unsupported,
            FailureKind::Undecodable,
            FailureKind::WrongChain,
            FailureKind::NodesDisagree,
            FailureKind::Output,
        ] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }

    #[test]
    fn quoting_is_bounded_and_plain() {
        assert_eq!(quote("a\n\n  b\x1b[31m\u{202e}"), "a b\\u{1b}[31m\\u{202e}");
        for c in "\u{ad}\u{61c}\u{180e}\u{200b}\u{2066}\u{206f}\u{fffb}\u{e0041}\u{85}".chars() {
            assert_eq!(quote(&format!("a{c}b")), format!("a{}b", c.escape_unicode()));
        }
        assert_eq!(quote("⚠\u{fe0f} Депозит 5 ₿"), "⚠\u{fe0f} Депозит 5 ₿");
        assert!(quote(&"x".repeat(5000)).len() <= QUOTED_BYTES_MAX + 4);
    }
}
