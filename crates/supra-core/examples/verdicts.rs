//! Reads records on stdin and prints the verdict of each with the default policy.
//!
//!     dvrf-json --live | cargo run -p supra-core --example verdicts

use std::error::Error;
use std::io::{self, Write};

use jiff::Timestamp;
use supra_core::check::{Checker, Policy};
use supra_core::record::reader::RecordReader;
use supra_core::report::Report;

fn main() -> Result<(), Box<dyn Error>> {
    let checker = Checker { policy: Policy::default(), calculation: None };
    let mut out = io::stdout();
    for record in RecordReader::new(io::stdin().lock()) {
        let report = Report::of(&record?)?;
        let checks = checker.check(&report, None, Timestamp::UNIX_EPOCH);
        writeln!(out, "{}: {:?}", report.id.label(), checks.status)?;
        for finding in &checks.findings {
            writeln!(out, "  {:?}: {}", finding.severity, finding.message)?;
        }
    }
    Ok(())
}
