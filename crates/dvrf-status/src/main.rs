//! The `dvrf-status` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    dvrf_status::main()
}
