//! `dvrf`: runs `dvrf-CMD`, and knows every old command name.

mod commands;

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use commands::{Kind, known};

const USAGE: &str = "Usage: dvrf COMMAND [ARGUMENT…]\n       dvrf --list | --help | --version\n";

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let Some(first) = words.first().map(|word| word.to_string_lossy().into_owned()) else {
        return refuse("a command is needed");
    };
    match first.as_str() {
        "--list" => say(&commands::list()),
        "-h" | "--help" | "help" => say(&format!("{USAGE}\n{}", commands::list())),
        "-V" | "--version" => say(concat!("dvrf ", env!("CARGO_PKG_VERSION"), "\n")),
        flag if flag.starts_with('-') => refuse(&format!("{flag:?} is not known before a command")),
        name => run(name, words.get(1..).unwrap_or_default()),
    }
}

/// Becomes the tool: its streams, signals and exit code are its own.
fn run(name: &str, rest: &[OsString]) -> ExitCode {
    // The old entry point dropped a leading `--`.
    let rest = rest.strip_prefix(&[OsString::from("--")]).unwrap_or(rest);
    let (tool, words) = match known(name).map(|command| &command.kind) {
        Some(Kind::Old { tool, translate, .. }) => ((*tool).to_owned(), translate(rest)),
        _ => (format!("dvrf-{name}"), rest.to_vec()),
    };
    let Some(path) = supra_core::cli::sibling::path_of(&tool) else {
        return refuse(&match commands::nearest(name) {
            Some(near) => format!("there is no command {name:?}; did you mean {near}?"),
            None => format!("there is no command {name:?}"),
        });
    };
    let error = Command::new(&path).args(words).exec();
    refuse(&format!("{} cannot be run: {error}", path.display()))
}

fn say(text: &str) -> ExitCode {
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
