//! How draws are sent, from flags and settings.

use crate::args::DrawArgs;
use dvrf_cli::channel::args::secret_file;
use dvrf_cli::connect::cli_config;
use dvrf_cli::parse::{bad, parsed};
use dvrf_cli::settings::{Settings, variables};
use supra_core::error::Error;
use supra_core::secret::Secret;
use supra_core::submit::command::RunWords;
use supra_core::submit::fence;
use supra_core::submit::sender::CliSender;
use supra_core::target::Target;
use supra_core::transport::cli::{CliConfig, Generation};
use supra_core::view::FunctionId;

/// The sender, and the CLI's arguments for a draw.
pub(crate) fn sender(
    args: &DrawArgs,
    target: &Target,
    settings: &Settings,
) -> Result<(CliSender, RunWords), Error> {
    let process = cli_config(settings)?;
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

fn password(settings: &Settings, generation: Generation) -> Result<Option<(String, Secret)>, Error> {
    let Some(path) = settings.text(&variables::PASSWORD_FILE) else { return Ok(None) };
    let secret = secret_file(path)?;
    let name =
        settings.text(&variables::PASSWORD_VARIABLE).unwrap_or(RunWords::password_variable(generation));
    Ok(Some((name.to_owned(), secret)))
}
