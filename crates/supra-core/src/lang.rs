//! The languages that sentences for people exist in.

use serde::{Deserialize, Serialize};

/// A language of sentences; codes, keys and names stay English.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}

impl Lang {
    /// The sentence in this language. Both must be given: a missing translation does not compile.
    pub fn pick(self, en: impl Into<String>, ru: impl Into<String>) -> String {
        match self {
            Self::En => en.into(),
            Self::Ru => ru.into(),
        }
    }
}
