//! dvrf-json.
fn main() {}
