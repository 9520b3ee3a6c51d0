//! The `dvrf-notify` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    dvrf_notify::main()
}
