//! Runs a command with a chain: starts the chain before it and stops it afterwards.

use crate::chain::Chain;
use crate::environment::names_settings_file;
use crate::failure::Failure;
use crate::options::ChainOptions;
use crate::server;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Transport {
    Rpc,
    Cli,
    Both,
}

pub(crate) fn run(
    transport: Transport,
    options: ChainOptions,
    command: &[OsString],
) -> Result<ExitCode, Failure> {
    let mut environment = options.environment();
    if names_settings_file() {
        environment.retain(|(name, _)| *name != "DVRF_CONFIG");
    }
    let chain = Arc::new(Mutex::new(Chain::new(options)?));
    let url = server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), chain)?;
    let bin = tempfile::tempdir()?;
    let supra = bin.path().join("supra");
    std::os::unix::fs::symlink(std::env::current_exe()?, &supra)?;

    let Some((program, args)) = command.split_first() else { return Ok(ExitCode::from(2)) };
    let mut child = Command::new(program);
    child.args(args).envs(environment).env("DVRF_DEVNET_URL", &url);
    match transport {
        Transport::Rpc => child.env("SUPRA_RPC_URL", &url).env_remove("SUPRA_CLI_BIN"),
        Transport::Cli => child.env_remove("SUPRA_RPC_URL").env("SUPRA_CLI_BIN", &supra),
        Transport::Both => child.env("SUPRA_RPC_URL", &url).env("SUPRA_CLI_BIN", &supra),
    };
    let mut signals =
        signal_hook::iterator::Signals::new([signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT])?;
    let mut child =
        child.spawn().map_err(|error| Failure::Start(program.to_string_lossy().into_owned(), error))?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // Without forwarding, a stop of the wrapper would leave CMD without its chain.
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let signal = if signal == signal_hook::consts::SIGINT { Signal::INT } else { Signal::TERM };
            if let Some(pid) = pid {
                let _ = kill_process(pid, signal);
            }
        }
    });
    let status = child.wait()?;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(2)))
}
