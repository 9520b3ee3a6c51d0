//! The `dvrf-fund` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    dvrf_fund::main()
}
