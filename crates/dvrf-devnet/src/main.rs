//! `dvrf-devnet`: an emulator of a Supra node and the `supra` CLI with a living lottery, written from public facts.

mod abi;
mod address;
mod commands;
mod environment;
mod exec;
mod fault;
mod options;
mod persona;
mod rest;
mod server;
mod world;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

use commands::{Cli, Command};
use options::ChainArgs;
use rest::Node;
use world::World;

fn start(listen: &str, chain: &ChainArgs) -> Result<(String, Arc<Node>, std::net::TcpListener), String> {
    let listener = server::bind(listen)?;
    let url = listener.local_addr().map_err(|error| error.to_string())?;
    let node = Arc::new(Node::new(World::new(chain.genesis()?), chain.faults()?, chain));
    Ok((format!("http://{url}"), node, listener))
}

fn act(command: Command) -> Result<ExitCode, String> {
    let mut out = io::stdout();
    let cannot_write = |error: io::Error| format!("cannot write stdout: {error}");
    match command {
        Command::Supra { words } => Ok(persona::run(&words)),
        Command::Serve { listen, chain } => {
            let (url, node, listener) = start(&listen, &chain)?;
            writeln!(out, "{url}").and_then(|()| out.flush()).map_err(cannot_write)?;
            server::serve(&listener, &node);
            Ok(ExitCode::SUCCESS)
        }
        Command::Exec { transport, chain, words } => {
            let (url, node, listener) = start("127.0.0.1:0", &chain)?;
            std::thread::spawn(move || server::serve(&listener, &node));
            exec::run(&chain.genesis()?, &url, transport, &words)
        }
        Command::Env { url, chain } => {
            for (name, value) in exec::variables(&chain.genesis()?, &url) {
                writeln!(out, "export {name}='{value}'").map_err(cannot_write)?;
            }
            writeln!(out, "export SUPRA_RPC_URL='{url}'").map_err(cannot_write)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn main() -> ExitCode {
    let mut words = std::env::args();
    if words.next().is_some_and(|name| name == "supra" || name.ends_with("/supra")) {
        return persona::run(&words.collect::<Vec<_>>());
    }
    act(Cli::parse().command).unwrap_or_else(|why| {
        // A closed stderr must not change the code.
        let _ = writeln!(io::stderr(), "[error] dvrf-devnet: {why}");
        ExitCode::from(2)
    })
}
