//! An embedded Supra node and `supra` CLI emulator.
fn main() {}
