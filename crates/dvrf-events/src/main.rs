//! The `dvrf-events` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    dvrf_events::main()
}
