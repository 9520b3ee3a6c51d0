//! The `dvrf-check` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    dvrf_check::main()
}
