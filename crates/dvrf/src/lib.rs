//! All tools in one program: `dvrf COMMAND`, the old command names, and links named like a tool.

mod commands;
mod explain;
mod old;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// What the old entry point, `python -m supra.scripts`, calls this program.
const OLD_PROGRAM: &str = "supra.scripts";

const USAGE: &str = "Usage: dvrf COMMAND [ARGUMENT…]\n       dvrf explain CODE\n       dvrf --list [--old] | --help | --version\n";

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
        return refuse("a command is needed");
    };
    match first.as_str() {
        "--list" if program == Some(OLD_PROGRAM) || rest.iter().any(|word| word == "--old") => {
            print(&old::old_list())
        }
        "--list" => print(&commands::list()),
        "-h" | "--help" | "help" => print(&format!("{USAGE}\n{}", commands::list())),
        "-V" | "--version" => print(concat!("dvrf ", env!("CARGO_PKG_VERSION"), "\n")),
        "explain" => explain(rest.get(1..).unwrap_or_default()),
        flag if flag.starts_with('-') => refuse(&format!("{flag:?} is not known before a command")),
        name => run(name, rest.get(1..).unwrap_or_default()),
    }
}

/// Prints the section about a code.
fn explain(words: &[OsString]) -> ExitCode {
    let [name] = words else { return refuse("explain needs one code, such as DEPOSIT_BELOW_WARN_TIER") };
    let name = name.to_string_lossy();
    match (explain::explain(&name), explain::nearest(&name)) {
        (Some(text), _) => print(&text),
        (None, Some(near)) => refuse(&format!("there is no code {name:?}; did you mean {near}?")),
        (None, None) => refuse(&format!("there is no code {name:?}; docs/checks.md lists all")),
    }
}

fn run(name: &str, words: &[OsString]) -> ExitCode {
    // The old entry point dropped a leading `--`.
    let words = words.strip_prefix(&[OsString::from("--")]).unwrap_or(words);
    match commands::command(name, words) {
        Some(command) => command.run(),
        None => refuse(&match commands::nearest(name) {
            Some(near) => format!("there is no command {name:?}; did you mean {near}?"),
            None => format!("there is no command {name:?}"),
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
    let _ = write!(io::stderr(), "[error] dvrf: {sentence}\n{USAGE}See dvrf --list.\n");
    ExitCode::from(2)
}
