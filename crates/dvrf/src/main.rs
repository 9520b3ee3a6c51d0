//! The `dvrf` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    dvrf::main()
}
