//! The `dvrf-doctor` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    dvrf_doctor::main()
}
