//! The end-to-end suite: one module per tool, `pipeline` for what they do together, `tidy` for the house rules.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod tidy;
