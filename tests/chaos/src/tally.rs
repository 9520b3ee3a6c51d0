//! What came of the cases: verdicts, faults met, failures.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use crate::case::Case;
use crate::oracle::{Said, Seen};

/// A case whose run said something wrong.
pub(crate) struct Failure {
    /// Its number.
    pub(crate) number: u64,
    /// The case.
    pub(crate) case: Case,
    /// What is wrong.
    pub(crate) wrong: Vec<String>,
    /// What the tools said on stderr.
    pub(crate) err: String,
}

/// The counts of a run; they do not grow with it.
pub(crate) struct Tally {
    begun: Instant,
    cases: u64,
    said: BTreeMap<Said, u64>,
    by_transport: BTreeMap<String, u64>,
    by_fault: BTreeMap<String, u64>,
    /// What went wrong.
    pub(crate) failures: Vec<Failure>,
}

impl Tally {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            cases: 0,
            said: BTreeMap::new(),
            by_transport: BTreeMap::new(),
            by_fault: BTreeMap::new(),
            failures: Vec::new(),
        }
    }

    /// One more.
    pub(crate) fn add(
        &mut self,
        number: u64,
        case: &Case,
        result: Result<Vec<Said>, (Vec<String>, Seen)>,
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
            Ok(said) => said.into_iter().for_each(|verdict| *self.said.entry(verdict).or_default() += 1),
            Err((wrong, seen)) => {
                self.failures.push(Failure { number, case: case.clone(), wrong, err: seen.err });
            }
        }
        if self.cases.is_multiple_of(50) && io::stderr().is_terminal() {
            // A line on a terminal that nobody sees is no error.
            let _ = write!(io::stderr(), "\r\x1b[K{} of {all}, {} wrong", self.cases, self.failures.len());
        }
    }

    /// The summary.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let listed = |counts: &BTreeMap<String, u64>| {
            counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
        };
        let said = |verdict| self.said.get(&verdict).copied().unwrap_or_default();
        writeln!(out, "transports: {}", listed(&self.by_transport))?;
        writeln!(out, "faults: {}", listed(&self.by_fault))?;
        writeln!(
            out,
            "{} cases in {} s: {} ok, {} alert, {} unknown, {} wrong",
            self.cases,
            self.begun.elapsed().as_secs(),
            said(Said::Ok),
            said(Said::Alert),
            said(Said::Unknown),
            self.failures.len()
        )
    }
}
