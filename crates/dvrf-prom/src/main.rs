//! The `dvrf-prom` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    dvrf_prom::main()
}
