//! The `dvrf-calc` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    dvrf_calc::main()
}
