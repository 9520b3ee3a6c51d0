//! Sends a transaction by running the Supra CLI; what it prints is kept without our secrets.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use super::command::{RunWords, shown};
use super::outcome::{Output, SubmitOutcome, named_hash, outcome, vm_status};
use super::receipt::{Receipt, receipt};
use crate::secret::Secret;
use crate::transport::Deadline;
use crate::transport::cli::{CliConfig, documents, run};

/// This much of the CLI's output is kept in results and logs.
const OUTPUT_BYTES_MAX: usize = 16 << 10;

/// How transactions are sent.
pub struct CliSender {
    /// How the CLI is run.
    pub cli: CliConfig,
    /// How long it may take to send and to print the receipt.
    pub timeout: Duration,
    /// The variable that the CLI reads the profile's password from, and the password.
    pub password: Option<(String, Secret)>,
}

/// What the CLI answered to a transaction, without our secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// What became of the transaction.
    pub outcome: SubmitOutcome,
    /// What the CLI printed about it.
    pub receipt: Receipt,
    /// The CLI's exit code; that of a signal is negative, and there is none when it was not started or had to be
    /// stopped.
    pub returncode: Option<i32>,
    /// What the CLI printed on stdout; `None` when it was not started.
    pub stdout: Option<String>,
    /// What the CLI printed on stderr; `None` when it was not started.
    pub stderr: Option<String>,
}

impl CliSender {
    /// The command line as it may be shown, without secrets.
    pub fn shown(&self, words: &RunWords) -> Vec<String> {
        let command = self.cli.command(&words.words());
        let command: Vec<String> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        shown(&command)
    }

    /// Runs the CLI once with these words and reads its answer.
    pub fn send(&self, words: &RunWords) -> Submission {
        let argv: Vec<OsString> = self.cli.command(&words.words());
        let password =
            self.password.as_ref().map(|(name, secret)| (name.as_str(), secret.reveal().to_owned()));
        let environment: Vec<(&str, String)> = self.cli.environment().into_iter().chain(password).collect();
        let finished = match run(&argv, &environment, self.cli.env_remove, Deadline::after(self.timeout)) {
            Ok(finished) => finished,
            Err(failure) => {
                return Submission {
                    outcome: SubmitOutcome::NotSent(failure),
                    receipt: Receipt::default(),
                    returncode: None,
                    stdout: None,
                    stderr: None,
                };
            }
        };
        // Everything is read before anything is cut: what counts may be far behind in a dump.
        let (stdout, stderr) = (self.redacted(&finished.stdout), self.redacted(&finished.stderr));
        let ended = finished.status.filter(|_| !finished.timed_out);
        let returncode =
            ended.and_then(|status| status.code().or_else(|| status.signal().map(|signal| -signal)));
        let incomplete = finished.incomplete.as_deref();
        let output = Output { stdout: &stdout, stderr: &stderr, code: returncode, incomplete };
        let mut receipt = receipt(&documents(&stdout));
        receipt.hash = receipt.hash.or_else(|| named_hash(&output));
        receipt.vm_status = receipt.vm_status.or_else(|| vm_status(&stderr).or_else(|| vm_status(&stdout)));
        let outcome = outcome(&receipt, &output);
        Submission {
            outcome,
            receipt,
            returncode,
            stdout: Some(shortened(&stdout)),
            stderr: Some(shortened(&stderr)),
        }
    }

    /// The CLI's output with our secrets redacted.
    fn redacted(&self, bytes: &[u8]) -> String {
        let password = self.password.as_ref().map(|(_, secret)| secret);
        self.cli.redactor(password).redact(&String::from_utf8_lossy(bytes))
    }
}

/// The beginning of a text, up to a bound.
fn shortened(text: &str) -> String {
    let mut end = text.len().min(OUTPUT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim().to_owned()
}
