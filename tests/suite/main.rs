//! The end-to-end suite: one module per tool, `pipeline` for what they do together, `tidy` for the house rules.

mod tidy;
