//! What the tools do together, and what holds for all of them: `pipeline`, `matrix` for every situation on every
//! transport, `manners` for how a Unix process behaves, `tidy` for the house rules. Each tool's own tests are a file
//! beside this one, mounted by its crate.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod chain_words;
mod chaos;
mod completion;
mod dashboard;
mod deploy;
mod echoes;
mod flags;
mod fleet;
mod golden;
mod guide;
mod help;
mod hostile;
mod legacy;
mod legacy_table;
mod manners;
mod matrix;
mod migrate;
mod mistakes;
mod package;
mod pending;
mod pipeline;
mod proxies;
mod readme;
mod schema;
mod security;
mod shims;
mod templates;
mod tidy;
mod transcript;
