//! dvrf-status.
fn main() {}
