//! All tools in one file: `dvrf CMD`, a tool's own name as the program's name, and every old command name.

mod commands;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use commands::{Kind, known};

const USAGE: &str = "Usage: dvrf COMMAND [ARGUMENT…]\n       dvrf --list | --help | --version\n";

/// A tool's entry: its command line in, its exit code out.
type Run = fn(&[OsString]) -> ExitCode;

/// The tools by the names of their binaries.
const TOOLS: [(&str, Run); 9] = [
    ("dvrf-calc", dvrf_calc::run),
    ("dvrf-check", dvrf_check::run),
    ("dvrf-doctor", dvrf_doctor::run),
    ("dvrf-draw", dvrf_draw::run),
    ("dvrf-events", dvrf_events::run),
    ("dvrf-json", dvrf_json::run),
    ("dvrf-notify", dvrf_notify::run),
    ("dvrf-prom", dvrf_prom::run),
    ("dvrf-status", dvrf_status::run),
];

/// Runs the program on the process's command line.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let name = words.first().and_then(|word| Path::new(word).file_name()).and_then(OsStr::to_str);
    // A link named like a tool is that tool.
    if let Some(run) = name.and_then(tool) {
        return run(&words);
    }
    let rest = words.get(1..).unwrap_or_default();
    let Some(first) = rest.first().map(|word| word.to_string_lossy().into_owned()) else {
        return refuse("a command is needed");
    };
    match first.as_str() {
        "--list" => print(&commands::list()),
        "-h" | "--help" | "help" => print(&format!("{USAGE}\n{}", commands::list())),
        "-V" | "--version" => print(concat!("dvrf ", env!("CARGO_PKG_VERSION"), "\n")),
        flag if flag.starts_with('-') => refuse(&format!("{flag:?} is not known before a command")),
        name => command(name, rest.get(1..).unwrap_or_default()),
    }
}

fn tool(name: &str) -> Option<Run> {
    TOOLS.iter().find(|(known, _)| *known == name).map(|(_, run)| *run)
}

fn command(name: &str, rest: &[OsString]) -> ExitCode {
    // The old entry point dropped a leading `--`.
    let rest = rest.strip_prefix(&[OsString::from("--")]).unwrap_or(rest);
    let (tool_name, words) = match known(name).map(|command| &command.kind) {
        Some(Kind::Old { tool, translate, .. }) => ((*tool).to_owned(), translate(rest)),
        _ => (format!("dvrf-{name}"), rest.to_vec()),
    };
    match tool(&tool_name) {
        Some(run) => run(&[vec![OsString::from(tool_name)], words].concat()),
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
