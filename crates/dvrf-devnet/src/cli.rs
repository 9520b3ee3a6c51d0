//! The command line: serve, exec, env, or the emulated `supra` CLI by the program's name.

use crate::chain::Chain;
use crate::failure::Failure;
use crate::options::ChainOptions;
use crate::{exec, server, supra_cli};
use clap::{CommandFactory as _, Parser};
use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

const EXAMPLES: &str = "\
Examples:
  # A chain that is fine
  dvrf devnet exec -- dvrf check --live
  # A chain whose deposit is low, for your own client
  dvrf devnet serve --scenario low --listen 127.0.0.1:9800
  # The variables for it
  dvrf devnet env --url http://127.0.0.1:9800
All flags: --help";
const SERVE: &str = "\
Examples:
  # A chain that is fine, on a port of the system's choice
  dvrf devnet serve
  # A deposit that is low
  dvrf devnet serve --scenario low --listen 127.0.0.1:9800
  # A node that refuses every second request
  dvrf devnet serve --fault 429=2
All flags: --help";
const EXEC: &str = "\
Examples:
  # What does a healthy subscription look like?
  dvrf devnet exec -- dvrf status --live
  # What does an unanswered draw look like?
  dvrf devnet exec --scenario stuck -- dvrf check --live
  # The same through the emulated Supra CLI
  dvrf devnet exec --transport cli -- dvrf check --live
All flags: --help";
const ENV: &str = "\
Examples:
  # What to set for a chain that is being served
  dvrf devnet env --url http://127.0.0.1:9800
  # Set it in this shell
  eval \"$(dvrf devnet env --url http://127.0.0.1:9800)\"
  # For another chain id
  dvrf devnet env --url http://127.0.0.1:9800 --chain-id 8
All flags: --help";

/// Emulates a Supra RPC node, its dVRF package, a lottery and the `supra` CLI on loopback.
///
/// Written from public facts for tests and demonstrations. It is not a node: it executes no Move,
/// checks no signature and its hashes mean nothing. See docs/internals/devnet.md.
#[derive(Parser)]
#[command(name = "dvrf-devnet", version, after_help = EXAMPLES)]
enum Command {
    /// Serve until SIGTERM or SIGINT; the only line on stdout is the URL, with one more for each replica and each `--consumer` (its name and address)
    #[command(after_help = SERVE)]
    Serve {
        /// Where to listen; port 0 lets the system choose
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        #[command(flatten)]
        chain: Box<ChainOptions>,
    },
    /// Start a chain, run CMD with its variables set, stop, pass CMD's exit code on
    #[command(after_help = EXEC)]
    Exec {
        /// How CMD reaches the chain
        #[arg(long, default_value = "rpc")]
        transport: exec::Transport,
        #[command(flatten)]
        chain: Box<ChainOptions>,
        #[arg(last = true, required = true, value_name = "CMD")]
        command: Vec<OsString>,
    },
    /// Print shell exports for a running chain
    #[command(after_help = ENV)]
    Env {
        /// The URL that `serve` has printed
        #[arg(long)]
        url: String,
        #[command(flatten)]
        chain: Box<ChainOptions>,
    },
    /// The emulated `supra` CLI; also what this program is when called `supra`
    #[command(disable_help_flag = true)]
    Supra {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

pub(crate) fn command() -> clap::Command {
    Command::command()
}

pub(crate) fn main(words: &[OsString]) -> ExitCode {
    let name = words.first().cloned().unwrap_or_default();
    if Path::new(&name).file_name().is_some_and(|name| name == "supra") {
        let args: Vec<String> = words.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
        return supra_cli::main(&args);
    }
    let command = match Command::try_parse_from(words) {
        Ok(command) => command,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match run(command) {
        Ok(code) => code,
        Err(failure) => {
            let mut text = format!("dvrf-devnet: {failure}");
            let mut source = std::error::Error::source(&failure);
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            let _ = writeln!(io::stderr(), "{text}");
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve { listen, chain } => {
            let mut signals = signal_hook::iterator::Signals::new([
                signal_hook::consts::SIGTERM,
                signal_hook::consts::SIGINT,
            ])?;
            let (replicas, consumers) = (chain.replicas, chain.consumers());
            let chain = Arc::new(Mutex::new(Chain::new(*chain)?));
            let url = server::start(listen, Arc::clone(&chain))?;
            writeln!(io::stdout(), "{url}")?;
            for _ in 0..replicas {
                let url = server::start_replica(listen, Arc::clone(&chain))?;
                writeln!(io::stdout(), "{url}")?;
            }
            for (name, _, address) in consumers {
                writeln!(io::stdout(), "{name} {address}")?;
            }
            io::stdout().flush()?;
            signals.forever().next();
            Ok(ExitCode::SUCCESS)
        }
        Command::Exec { transport, chain, command } => exec::run(transport, *chain, &command),
        Command::Env { url, chain } => {
            let mut text = format!("export DVRF_DEVNET_URL='{url}'\nexport SUPRA_RPC_URL='{url}'\n");
            for (key, value) in chain.environment() {
                text = format!("{text}export {key}='{value}'\n");
            }
            io::stdout().write_all(text.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Supra { args } => Ok(supra_cli::main(&args)),
    }
}
