//! The `dvrf-json` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    dvrf_json::main()
}
