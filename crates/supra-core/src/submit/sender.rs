//! Sends a transaction by running the Supra CLI; what it prints is kept without our secrets.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use super::command::{RunWords, shown};
use super::receipt::{Receipt, SubmitOutcome, outcome, receipt};
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
        let stdout = self.without_secrets(&finished.stdout);
        let stderr = self.without_secrets(&finished.stderr);
        let receipt = receipt(&documents(&String::from_utf8_lossy(&finished.stdout)));
        let ended = finished.status.filter(|_| !finished.timed_out);
        let returncode =
            ended.and_then(|status| status.code().or_else(|| status.signal().map(|signal| -signal)));
        let outcome = outcome(&receipt, returncode, &stdout, &stderr);
        Submission { outcome, receipt, returncode, stdout: Some(stdout), stderr: Some(stderr) }
    }

    /// The CLI's output with our secrets redacted, up to a bound.
    fn without_secrets(&self, bytes: &[u8]) -> String {
        let password = self.password.as_ref().map(|(_, secret)| secret);
        let safe = self.cli.redactor(password).redact(&String::from_utf8_lossy(bytes));
        let mut end = safe.len().min(OUTPUT_BYTES_MAX);
        while !safe.is_char_boundary(end) {
            end -= 1;
        }
        safe[..end].trim().to_owned()
    }
}
