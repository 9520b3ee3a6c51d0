//! The `dvrf-draw` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    dvrf_draw::main()
}
