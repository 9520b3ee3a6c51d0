//! How transactions are sent, from settings.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, value_parser};
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::secret::Secret;
use supra_core::state_dir::{Lock, StateError};
use supra_core::submit::command::RunWords;
use supra_core::submit::fence;
use supra_core::submit::sender::CliSender;
use supra_core::transport::cli::{CliConfig, Generation};
use supra_core::view::{Argument, FunctionId};

use crate::channel::args::secret_file;
use crate::connect::{TargetReader, cli_config};
use crate::parse::bad;
use crate::setting_flags;
use crate::settings::{Settings, variables};

setting_flags! {
    /// How a transaction is sent.
    SubmitArgs, "Transaction", {
        sender_account = SENDER_ACCOUNT "ADDRESS"
        confirm_flag = CONFIRM_FLAG "FLAG"
        gas_unit_price = GAS_UNIT_PRICE "QUANTS"
        max_gas = MAX_GAS "GAS"
        expiration_secs = EXPIRATION "SECONDS"
        password_file = PASSWORD_FILE "FILE"
        password_variable = PASSWORD_VARIABLE "NAME"
        submit_timeout = SUBMIT_TIMEOUT "SECONDS"
        confirm_timeout = CONFIRM_TIMEOUT "SECONDS"
    }
}

/// What excludes other runs, and how old a reading may be.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Guards")]
pub struct LockArgs {
    /// Lock this file; it excludes other runs and flock(1)
    #[arg(long, value_name = "FILE")]
    pub lock_file: Option<PathBuf>,
    /// Wait this long for locks that others hold
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = value_parser!(u32).range(0..=3600))]
    pub lock_wait: u32,
    /// Read the chain again when what was read is older than this
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = value_parser!(u32).range(1..=3600))]
    pub max_reading_age: u32,
}

impl LockArgs {
    /// Locks the file, if there is one, and returns how long the run may still wait for other locks.
    ///
    /// # Errors
    /// When another run holds the lock for longer than the wait, or the file cannot be locked.
    pub fn take(&self) -> Result<(Option<Lock>, Duration), StateError> {
        let (wait, start) = (Duration::from_secs(self.lock_wait.into()), Instant::now());
        let lock = self.lock_file.as_ref().map(|path| Lock::take(path, wait)).transpose()?;
        Ok((lock, wait.saturating_sub(start.elapsed())))
    }

    /// What was read longer ago than this is not acted on.
    pub fn reading_age_max(&self) -> Duration {
        Duration::from_secs(self.max_reading_age.into())
    }
}

/// How often an unattended run tries again.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Guards")]
pub struct RetryArgs {
    /// Try again this often when the chain cannot be read, or when provably nothing was sent
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = value_parser!(u32).range(0..=100))]
    pub retry: u32,
    /// Wait this long before trying again
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = value_parser!(u32).range(0..=3600))]
    pub retry_delay: u32,
}

/// How often a run reads the chain again because the reading is too old.
const REREAD_MAX: u32 = 3;

impl RetryArgs {
    /// The tries that are left at the start of a run.
    pub fn tries(&self) -> Tries {
        self.of(self.retry)
    }

    /// The same for readings that are too old.
    pub fn rereads(&self) -> Tries {
        self.of(REREAD_MAX)
    }

    fn of(&self, left: u32) -> Tries {
        Tries { left, delay: Duration::from_secs(self.retry_delay.into()) }
    }
}

/// Further tries of a run.
pub struct Tries {
    left: u32,
    delay: Duration,
}

impl Tries {
    /// Takes one and waits before it; `false` when none is left.
    pub fn take(&mut self) -> bool {
        let is_left = self.left > 0;
        if is_left {
            self.left -= 1;
            std::thread::sleep(self.delay);
        }
        is_left
    }
}

/// The sender, and the CLI's words for a transaction. `assume_yes` has the CLI ask nothing.
pub fn sender(
    function: FunctionId,
    arguments: Vec<Argument>,
    assume_yes: bool,
    settings: &Settings,
) -> Result<(CliSender, RunWords), Error> {
    let process = cli_config(settings)?;
    let confirm = match settings.text(&variables::CONFIRM_FLAG) {
        _ if !assume_yes => None,
        Some("off") => None,
        Some(flag) => Some(flag.to_owned()),
        None => Some(RunWords::confirm_flag(process.generation).to_owned()),
    };
    let sender = settings.address(&variables::SENDER_ACCOUNT)?.map(|address| address.to_string());
    let words = RunWords {
        profile: Some(Settings::needed(process.profile.clone(), &variables::PROFILE)?),
        function,
        arguments,
        generation: process.generation,
        confirm,
        rpc_url: process.rpc_url.as_ref().map(|url| url.reveal().to_owned()),
        gas_price: settings.quants(&variables::GAS_UNIT_PRICE)?,
        max_gas: settings.number(&variables::MAX_GAS)?,
        expiration_s: expiration(settings)?,
        sender,
        simulate: false,
    };
    let timeout = settings.needed_seconds(&variables::SUBMIT_TIMEOUT)?;
    let program = match &process.compose {
        Some(_) => [&fence::timeout(timeout), process.program.as_slice()].concat(),
        None => fence::fenced(&process.program, timeout).map_err(|why| {
            bad("SUPRA_CLI_BIN", &process.program.join(" ".as_ref()).to_string_lossy(), why.as_str())
        })?,
    };
    let sender = CliSender {
        timeout,
        password: password(settings, process.generation)?,
        cli: CliConfig { program, ..process },
    };
    Ok((sender, words))
}

/// Has the CLI send by the node that a run reads.
pub fn follow(reader: &TargetReader, words: &mut RunWords, sender: &mut CliSender) {
    if let Some(url) = reader.cli_url() {
        words.rpc_url = Some(url.reveal().to_owned());
        sender.cli.rpc_url = Some(url);
    }
}

fn expiration(settings: &Settings) -> Result<Option<u32>, Error> {
    settings.bounded(&variables::EXPIRATION, 600)
}

/// The mistakes in the settings of transactions, which a run would find when it sends one.
pub fn mistakes(settings: &Settings) -> Vec<Error> {
    let found = [
        settings.address(&variables::SENDER_ACCOUNT).map(drop),
        settings.quants(&variables::GAS_UNIT_PRICE).map(drop),
        settings.number(&variables::MAX_GAS).map(drop),
        expiration(settings).map(drop),
        settings.seconds(&variables::SUBMIT_TIMEOUT).map(drop),
        settings.seconds(&variables::CONFIRM_TIMEOUT).map(drop),
        password(settings, Generation::V9).map(drop),
    ];
    found.into_iter().filter_map(Result::err).collect()
}

fn password(settings: &Settings, generation: Generation) -> Result<Option<(String, Secret)>, Error> {
    let Some(path) = settings.text(&variables::PASSWORD_FILE) else { return Ok(None) };
    let secret = secret_file(path).map_err(|error| {
        let source = settings.source(&variables::PASSWORD_FILE);
        Error::new(FailureKind::Config, format!("{source} is {:?}: {}", quote(path), error.message()))
            .with_hint("name a file that this user can read and that holds the password")
    })?;
    let name =
        settings.text(&variables::PASSWORD_VARIABLE).unwrap_or(RunWords::password_variable(generation));
    Ok(Some((name.to_owned(), secret)))
}

/// Where transactions are journalled: `--state-dir`, else the user's own directory of state.
pub fn journal_place(settings: &Settings) -> Option<PathBuf> {
    let given = settings.text(&variables::STATE_DIR).map(PathBuf::from);
    given.or_else(|| settings.user_directory(&variables::XDG_STATE_HOME, ".local/state"))
}
