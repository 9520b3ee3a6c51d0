//! dvrf-check.
fn main() {}
