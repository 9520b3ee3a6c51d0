//! All tools in one program: `dvrf COMMAND`, the old command names, and links named like a tool.

mod commands;
mod completion;
mod config;
mod config_schema;
mod explain;
mod init;
mod layout;
mod old;
mod schedule;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// What the old entry point, `python -m supra.scripts`, calls this program.
const OLD_PROGRAM: &str = "supra.scripts";

const USAGE: &str = "Usage: dvrf COMMAND [ARGUMENT…]";

/// What `dvrf` answers to `dvrf help`, before the list of commands.
const ABOUT: &str = "Watches Supra dVRF subscriptions, tells people, and starts draws.";
const EXAMPLES: &str = "\
Examples:
  # Is everything fine?
  DVRF_NETWORK=testnet LOTTERY_ADDR=0x… dvrf check
  # Is everything there that a run needs?
  dvrf doctor
  # A code in a message: what does it mean?
  dvrf explain DEPOSIT_BELOW_WARN_TIER

Exit codes: 0 fine, 1 problem found, 2 unknown or failed, 75 another run holds the lock
A command's help: dvrf COMMAND -h. The settings they share: dvrf help settings. Old names: dvrf --list --old
";

fn help_text() -> String {
    format!("{ABOUT}\n\n{USAGE}\n\n{}\n{EXAMPLES}", commands::list())
}

/// Runs the program on the process's command line.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let program = words.first().and_then(|word| Path::new(word).file_name()).and_then(OsStr::to_str);
    // `dvrf devnet exec` links itself as the emulated Supra CLI.
    if program == Some("supra") {
        return dvrf_devnet::run(&words);
    }
    // A link named dvrf-check runs as dvrf-check.
    if let Some(tool) = program.and_then(|name| name.strip_prefix("dvrf-")).and_then(commands::tool) {
        return (tool.run)(&words);
    }
    let rest = words.get(1..).unwrap_or_default();
    let Some(first) = rest.first().map(|word| word.to_string_lossy().into_owned()) else {
        // Nothing was done: a script whose command is empty must not take that for "fine".
        let _ = print(&help_text());
        return ExitCode::from(2);
    };
    match first.as_str() {
        "--list" if program == Some(OLD_PROGRAM) || rest.iter().any(|word| word == "--old") => {
            print(&old::old_list())
        }
        "--list" => print(&commands::list()),
        "-h" | "--help" => print(&help_text()),
        "help" => help(rest.get(1..).unwrap_or_default()),
        "-V" | "--version" => print(concat!("dvrf ", env!("CARGO_PKG_VERSION"), "\n")),
        "--generate" => completion::generate(rest.get(1..).unwrap_or_default()),
        flag if flag.starts_with('-') => {
            refuse(&format!("unknown flag {flag:?}; the flags of a command follow it"))
        }
        name => run(name, rest.get(1..).unwrap_or_default()),
    }
}

/// `dvrf help X` is `dvrf X --help`; `dvrf help settings` lists the settings that tools share.
fn help(words: &[OsString]) -> ExitCode {
    match words {
        [] => print(&help_text()),
        [topic] if topic == "settings" => print(&dvrf_cli::help::settings_text()),
        [topic] if topic == "help" => print(&help_text()),
        [name, rest @ ..] => run(&name.to_string_lossy(), &[rest, &["--help".into()]].concat()),
    }
}

fn run(name: &str, words: &[OsString]) -> ExitCode {
    // The old entry point dropped a leading `--`.
    let words = words.strip_prefix(&[OsString::from("--")]).unwrap_or(words);
    match commands::command(name, words) {
        Some(command) => command.run(),
        None => refuse(&match commands::nearest(name) {
            Some(near) => format!("unknown command {name:?}; did you mean {near}?"),
            None => format!("unknown command {name:?}"),
        }),
    }
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            // A closed stderr must not change the code.
            let _ = writeln!(io::stderr(), "[error] dvrf: cannot write stdout: {error}");
            ExitCode::from(2)
        }
        _ => ExitCode::SUCCESS,
    }
}

fn refuse(sentence: &str) -> ExitCode {
    // A closed stderr must not change the code.
    let _ = write!(io::stderr(), "[error] dvrf: {sentence}\n{USAGE}\nSee dvrf --list.\n");
    ExitCode::from(2)
}
