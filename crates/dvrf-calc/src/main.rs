//! dvrf-calc.
fn main() {}
