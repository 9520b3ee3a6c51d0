//! How transactions are sent, from settings.

use std::path::PathBuf;

use supra_core::error::Error;
use supra_core::secret::Secret;
use supra_core::submit::command::RunWords;
use supra_core::submit::fence;
use supra_core::submit::sender::CliSender;
use supra_core::transport::cli::{CliConfig, Generation};
use supra_core::view::{Argument, FunctionId};

use crate::channel::args::secret_file;
use crate::connect::{TargetReader, cli_config};
use crate::parse::bad;
use crate::settings::{Settings, variables};

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
        gas_price: settings.number(&variables::GAS_UNIT_PRICE)?,
        max_gas: settings.number(&variables::MAX_GAS)?,
        expiration_s: settings.bounded(&variables::EXPIRATION, 600)?,
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

fn password(settings: &Settings, generation: Generation) -> Result<Option<(String, Secret)>, Error> {
    let Some(path) = settings.text(&variables::PASSWORD_FILE) else { return Ok(None) };
    let secret = secret_file(path)?;
    let name =
        settings.text(&variables::PASSWORD_VARIABLE).unwrap_or(RunWords::password_variable(generation));
    Ok(Some((name.to_owned(), secret)))
}

/// Where transactions are journalled: `--state-dir`, else the user's own directory of state.
pub fn journal_place(settings: &Settings) -> Option<PathBuf> {
    let under = |variable, rest: &str| {
        settings
            .text(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .map(|path| path.join(rest))
    };
    let given = settings.text(&variables::STATE_DIR).map(PathBuf::from);
    given
        .or_else(|| under(&variables::XDG_STATE_HOME, "dvrf"))
        .or_else(|| under(&variables::HOME, ".local/state/dvrf"))
}
