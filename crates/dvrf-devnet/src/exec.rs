//! `exec -- CMD`: a chain for as long as one command runs.

use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::ValueEnum;

use crate::environment;
use crate::world::Genesis;

/// How the command shall reach the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    /// `SUPRA_RPC_URL`.
    Rpc,
    /// `SUPRA_CLI_BIN`.
    Cli,
    /// Both variables.
    Both,
}

/// The variables that point the tools at a chain.
pub(crate) fn variables(genesis: &Genesis, url: &str) -> Vec<(&'static str, String)> {
    vec![
        (environment::URL, url.to_owned()),
        ("PROFILE", "devnet".to_owned()),
        ("LOTTERY_ADDR", genesis.lottery.clone()),
        ("DEPOSIT_ADDR", genesis.deposit.clone()),
        ("CLIENT_ADDR", genesis.client.clone()),
        ("DVRF_CHAIN_ID", genesis.chain_id.to_string()),
        ("MAX_GAS_PRICE", "1000".to_owned()),
        ("MAX_GAS_LIMIT", "500000".to_owned()),
        ("VERIFICATION_GAS_VALUE", "25000".to_owned()),
    ]
}

/// Runs the command and passes its code on.
pub(crate) fn run(
    genesis: &Genesis,
    url: &str,
    transport: Transport,
    words: &[String],
) -> Result<ExitCode, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("cannot make a temporary folder: {error}"))?;
    let Some((program, arguments)) = words.split_first() else {
        return Err("a command is needed after --".to_owned());
    };
    let mut command = Command::new(program);
    command.args(arguments).envs(variables(genesis, url));
    command.env_remove("SUPRA_RPC_URL").env_remove("SUPRA_CLI_BIN");
    if transport != Transport::Cli {
        command.env("SUPRA_RPC_URL", url);
    }
    if transport != Transport::Rpc {
        let here: PathBuf =
            std::env::current_exe().map_err(|error| format!("cannot find myself: {error}"))?;
        let link = folder.path().join("supra");
        symlink(here, &link).map_err(|error| format!("cannot link the CLI: {error}"))?;
        command.env("SUPRA_CLI_BIN", link);
    }
    let status = command.status().map_err(|error| format!("cannot run {program}: {error}"))?;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
