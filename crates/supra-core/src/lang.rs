//! The languages that sentences for people exist in.

/// A language of sentences; codes, keys and names stay English.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}
