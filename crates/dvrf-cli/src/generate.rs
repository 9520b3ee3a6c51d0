//! What a tool generates from its flags: its man page, and what a shell offers while a command line is typed.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::Command;
use clap_mangen::{Man, roff};
use roff::{Roff, bold, roman};

use super::CliError;
use super::stdio::Output;
use crate::exit::{self, Exit};
use crate::help::PAGES;
use crate::settings::variables::{self, Variable};

/// What can be generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A man page in roff.
    Man,
    /// What may stand for the last of these words.
    Completion(Vec<String>),
}

const FILES: [(&str, &str); 4] = [
    ("$DVRF_STATE_DIR", "what tools remember between runs: alerts, journals of draws, checkpoints"),
    ("$XDG_STATE_HOME/dvrf, ~/.local/state/dvrf", "journals of draws where no state directory is given"),
    ("$DVRF_CACHE_DIR, ~/.cache/dvrf", "resolved function names; may be deleted"),
    ("$CREDENTIALS_DIRECTORY", "secrets that systemd hands over by LoadCredential="),
];

/// Recognises the hidden arguments `--generate man`, and `--generate complete` with the words of a command line.
pub(crate) fn wanted(words: &[OsString]) -> Option<Kind> {
    match words {
        [_, flag, kind] if flag == "--generate" && kind == "man" => Some(Kind::Man),
        [_, flag, kind, words @ ..] if flag == "--generate" && kind == "complete" => {
            Some(Kind::Completion(words.iter().map(|word| word.to_string_lossy().into_owned()).collect()))
        }
        _ => None,
    }
}

/// Writes the page or the words to stdout.
pub(crate) fn write(kind: &Kind, command: Command, out: &mut Output) -> Result<Exit, CliError> {
    match kind {
        Kind::Man => {
            out.text(
                &man(command).map_err(|source| CliError::Write { to: "the man page".to_owned(), source })?,
            )?;
            Ok(Exit::Done)
        }
        Kind::Completion(words) => crate::complete::write(&command, words, out),
    }
}

/// A tool's man page: every flag of the tool and of its subcommands, examples, variables, files and exit codes.
pub fn man(mut command: Command) -> io::Result<String> {
    command.build();
    let mut page = Vec::new();
    let man = Man::new(command.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    let subcommands = command.get_subcommands().filter(|inner| inner.get_name() != "help");
    for inner in subcommands {
        let name = format!("{} {}", command.get_name(), inner.get_name());
        section(&name.to_uppercase(), &mut page)?;
        let about = inner.get_about().map(ToString::to_string).unwrap_or_default();
        Roff::new().text([roman(about)]).to_writer(&mut page)?;
        let mut options = Vec::new();
        Man::new(inner.clone()).render_options_section(&mut options)?;
        // The options of a subcommand are parts of its section.
        page.write_all(String::from_utf8_lossy(&options).replace("\n.SH ", "\n.SS ").as_bytes())?;
    }
    closing_sections(&command, &mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// The man page of the settings that tools share.
pub fn settings_man() -> io::Result<String> {
    let mut page = Vec::new();
    let man = Man::new(crate::help::settings_command()).section("7");
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn section(name: &str, page: &mut Vec<u8>) -> io::Result<()> {
    Roff::new().control("SH", [name]).to_writer(page)
}

fn entries(list: impl Iterator<Item = (String, String)>, page: &mut Vec<u8>) -> io::Result<()> {
    for (name, text) in list {
        let mut roff = Roff::new();
        roff.control("TP", []).text([bold(name)]).text([roman(text)]);
        roff.to_writer(page)?;
    }
    Ok(())
}

fn closing_sections(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let name = command.get_name();
    let own =
        PAGES.iter().filter(|page| page.command == name || page.command.starts_with(&format!("{name} ")));
    let examples: Vec<_> = own.flat_map(|page| page.examples).collect();
    if !examples.is_empty() {
        section("EXAMPLES", page)?;
        entries(examples.iter().map(|(what, line)| ((*line).to_owned(), format!("{what}."))), page)?;
    }
    section("ENVIRONMENT", page)?;
    let of_tool = |variable: &&&Variable| {
        let is_there = |command: &Command, flag: &str| {
            command.get_arguments().any(|arg| arg.get_long() == flag.strip_prefix("--"))
        };
        variable.flag.is_none_or(|flag| {
            is_there(command, flag) || command.get_subcommands().any(|inner| is_there(inner, flag))
        })
    };
    let meaning = |variable: &Variable| {
        let default = variable.default.map(|text| format!(" Default: {text}.")).unwrap_or_default();
        format!("{}{default}", variable.meaning)
    };
    entries(variables::ALL.iter().filter(of_tool).map(|v| (v.name.to_owned(), meaning(v))), page)?;
    section("FILES", page)?;
    entries(FILES.iter().map(|(name, text)| ((*name).to_owned(), format!("{text}."))), page)?;
    section("EXIT STATUS", page)?;
    let codes = exit::HELP.lines().skip(1).filter_map(|line| line.trim().split_once(' '));
    entries(codes.map(|(code, text)| (code.to_owned(), format!("{}.", text.trim()))), page)?;
    section("SEE ALSO", page)?;
    Roff::new().text([bold("dvrf"), roman("(1), "), bold("dvrf-settings"), roman("(7)")]).to_writer(page)
}
