//! The emulator's commands.

use clap::{Parser, Subcommand};

use crate::exec;
use crate::options::ChainArgs;

/// An emulator of a Supra node and the `supra` CLI with a living lottery. Not a node: written from public facts,
/// for demos, tests and alert drills; it listens on loopback only
#[derive(Parser)]
#[command(name = "dvrf-devnet", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve a chain and print its URL
    Serve {
        /// Where to listen; port 0 takes a free one
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: String,
        #[command(flatten)]
        chain: Box<ChainArgs>,
    },
    /// Serve a chain while a command runs, with the tools' variables set
    Exec {
        /// How the command shall reach the chain
        #[arg(long, value_enum, default_value_t = exec::Transport::Rpc)]
        transport: exec::Transport,
        #[command(flatten)]
        chain: Box<ChainArgs>,
        /// The command and its words
        #[arg(last = true, required = true)]
        words: Vec<String>,
    },
    /// Print the variables that point the tools at a chain served at a URL
    Env {
        /// The URL that serve printed
        #[arg(long)]
        url: String,
        #[command(flatten)]
        chain: Box<ChainArgs>,
    },
    /// Be the Supra CLI (also when started under the name supra)
    #[command(disable_help_flag = true)]
    Supra {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}
