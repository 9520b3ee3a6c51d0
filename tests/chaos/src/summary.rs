//! The counts of verdicts, transports and faults, and the failures.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use crate::case::Case;
use crate::oracle::{Run, Verdict};

/// A case with a wrong run.
pub(crate) struct Failure {
    /// The case's number.
    pub(crate) number: u64,
    /// The case itself.
    pub(crate) case: Case,
    /// What is wrong with the run.
    pub(crate) wrong: Vec<String>,
    /// The stderr of the tools.
    pub(crate) err: String,
}

/// The result of all cases. Only failures take more memory with more cases.
pub(crate) struct Summary {
    started: Instant,
    cases: u64,
    verdicts: BTreeMap<Verdict, u64>,
    by_transport: BTreeMap<String, u64>,
    by_fault: BTreeMap<String, u64>,
    /// Every case with a wrong run.
    pub(crate) failures: Vec<Failure>,
}

impl Default for Summary {
    /// No cases yet.
    fn default() -> Self {
        Self {
            started: Instant::now(),
            cases: 0,
            verdicts: BTreeMap::new(),
            by_transport: BTreeMap::new(),
            by_fault: BTreeMap::new(),
            failures: Vec::new(),
        }
    }
}

impl Summary {
    /// Adds a case and its verdicts, or what is wrong and the run. `all` is the total number of cases.
    pub(crate) fn add(
        &mut self,
        number: u64,
        case: &Case,
        result: Result<Vec<Verdict>, (Vec<String>, Run)>,
        all: u64,
    ) {
        self.cases += 1;
        let transport =
            if case.transport == "rpc" { "rpc".to_owned() } else { format!("cli {}", case.transport) };
        *self.by_transport.entry(transport).or_default() += 1;
        for fault in case.all_faults() {
            let kind = fault.split(['=', ':']).next().unwrap_or_default();
            *self.by_fault.entry(kind.to_owned()).or_default() += 1;
        }
        match result {
            Ok(verdicts) => {
                for verdict in verdicts {
                    *self.verdicts.entry(verdict).or_default() += 1;
                }
            }
            Err((wrong, run)) => {
                self.failures.push(Failure { number, case: case.clone(), wrong, err: run.err });
            }
        }
        if self.cases.is_multiple_of(50) && io::stderr().is_terminal() {
            // The progress line is optional.
            let _ = write!(io::stderr(), "\r\x1b[K{} of {all}, {} wrong", self.cases, self.failures.len());
        }
    }

    /// Writes the counts.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let listed = |counts: &BTreeMap<String, u64>| {
            counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
        };
        let count = |verdict| self.verdicts.get(&verdict).copied().unwrap_or_default();
        writeln!(out, "transports: {}", listed(&self.by_transport))?;
        writeln!(out, "faults: {}", listed(&self.by_fault))?;
        writeln!(
            out,
            "{} cases in {} s: {} ok, {} alert, {} unknown, {} wrong",
            self.cases,
            self.started.elapsed().as_secs(),
            count(Verdict::Ok),
            count(Verdict::Alert),
            count(Verdict::Unknown),
            self.failures.len()
        )
    }
}
