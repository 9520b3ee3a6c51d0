//! Sending a transaction by the Supra CLI: its words, its password, its output without our secrets.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use crate::args::DrawArgs;
use dvrf_cli::channel::args::secret_file;
use dvrf_cli::connect::submitter;
use dvrf_cli::parse::{bad, parsed};
use dvrf_cli::settings::{Settings, variables};
use supra_core::failure::Failure;
use supra_core::secret::{Secret, redact};
use supra_core::submit::command::{RunWords, shown};
use supra_core::submit::receipt::{Receipt, SubmitOutcome, outcome, receipt};
use supra_core::target::Target;
use supra_core::transport::Deadline;
use supra_core::transport::cli::{CliConfig, Finished, Generation, documents, run};
use supra_core::view::{Argument, FunctionId};

/// Of the CLI's output this much is kept in results and logs.
const OUTPUT_BYTES_MAX: usize = 16 << 10;

/// How transactions are sent.
pub(super) struct Sender {
    process: CliConfig,
    /// The words of the draw.
    pub(super) words: RunWords,
    pub(super) simulate_first: bool,
    pub(super) timeout: Duration,
    password: Option<(String, Secret)>,
}

/// What the CLI answered to a transaction, without our secrets.
pub(super) struct Sent {
    /// What it means.
    pub(super) outcome: SubmitOutcome,
    pub(super) receipt: Receipt,
    /// Its exit code; that of a signal is negative, and there is none when it had to be stopped.
    pub(super) returncode: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Sender {
    pub(super) fn open(args: &DrawArgs, target: &Target, settings: &Settings) -> Result<Self, Failure> {
        let process = submitter(settings)?;
        let lottery = Settings::needed(target.lottery, &variables::LOTTERY_ADDR)?;
        let function = match settings.text(&variables::FUNCTION_ID) {
            Some(text) => parsed("--function-id", text)?,
            None => FunctionId {
                address: lottery,
                module: target.lottery_module.clone(),
                name: "manual_draw".to_owned(),
            },
        };
        let confirm = match settings.text(&variables::CONFIRM_FLAG) {
            _ if !args.confirm.assume_yes => None,
            Some("off") => None,
            Some(flag) => Some(flag.to_owned()),
            None => Some(RunWords::confirm_flag(process.generation).to_owned()),
        };
        let sender = settings.address(&variables::SENDER_ACCOUNT)?.map(|address| address.to_string());
        let words = RunWords {
            profile: Some(Settings::needed(process.profile.clone(), &variables::PROFILE)?),
            function,
            arguments: Vec::new(),
            generation: process.generation,
            confirm,
            rpc_url: process.rpc_url.as_ref().map(|url| url.reveal().to_owned()),
            gas_price: settings.number(&variables::GAS_UNIT_PRICE)?,
            max_gas: settings.number(&variables::MAX_GAS)?,
            expiration_s: settings.bounded(&variables::EXPIRATION, 600)?,
            sender,
            simulate: false,
        };
        if args.confirm.simulate_first && process.generation < Generation::V11 {
            return Err(bad("--simulate-first", "yes", "only a CLI of v11 or later simulates"));
        }
        Ok(Self {
            words,
            simulate_first: args.confirm.simulate_first,
            timeout: settings.needed_seconds(&variables::SUBMIT_TIMEOUT)?,
            password: password(settings, process.generation)?,
            process,
        })
    }

    /// The same with another function, for the steps of `smoke`.
    pub(super) fn with(&self, function: FunctionId, arguments: Vec<Argument>) -> RunWords {
        RunWords { function, arguments, ..self.words.clone() }
    }

    /// The command as it may be shown.
    pub(super) fn shown(&self, words: &RunWords) -> Vec<String> {
        let command = self.process.command(&words.words());
        let command: Vec<String> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        shown(&command)
    }

    /// Runs the CLI with these words and reads its answer; an error says that it could not even be started.
    pub(super) fn send(&self, words: &RunWords) -> Result<Sent, Failure> {
        let finished = self.run(words)?;
        let (stdout, stderr) = (self.safe(&finished.stdout), self.safe(&finished.stderr));
        let receipt = receipt(&documents(&String::from_utf8_lossy(&finished.stdout)));
        let ended = finished.status.filter(|_| !finished.timed_out);
        let returncode =
            ended.and_then(|status| status.code().or_else(|| status.signal().map(|signal| -signal)));
        let outcome = outcome(&receipt, returncode, &stdout, &stderr);
        Ok(Sent { outcome, receipt, returncode, stdout, stderr })
    }

    fn run(&self, words: &RunWords) -> Result<Finished, Failure> {
        let argv: Vec<OsString> = self.process.command(&words.words());
        let password =
            self.password.as_ref().map(|(name, secret)| (name.as_str(), secret.reveal().to_owned()));
        let environment: Vec<(&str, String)> =
            self.process.environment().into_iter().chain(password).collect();
        run(&argv, &environment, self.process.env_remove, Deadline::after(self.timeout))
    }

    /// Blots what a CLI printed of our secrets.
    fn safe(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        let url = self.words.rpc_url.as_deref().unwrap_or_default();
        let password = self.password.as_ref().map_or("", |(_, secret)| secret.reveal());
        let safe = redact(&text, &[url, password]);
        let mut end = safe.len().min(OUTPUT_BYTES_MAX);
        while !safe.is_char_boundary(end) {
            end -= 1;
        }
        safe[..end].trim().to_owned()
    }
}

fn password(settings: &Settings, generation: Generation) -> Result<Option<(String, Secret)>, Failure> {
    let Some(path) = settings.text(&variables::PASSWORD_FILE) else { return Ok(None) };
    let secret = secret_file(path)?;
    let name =
        settings.text(&variables::PASSWORD_VARIABLE).unwrap_or(RunWords::password_variable(generation));
    Ok(Some((name.to_owned(), secret)))
}
