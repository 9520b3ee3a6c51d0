//! The `dvrf-devnet` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    dvrf_devnet::main()
}
