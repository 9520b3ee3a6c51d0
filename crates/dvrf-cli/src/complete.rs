//! Completes a command line for a shell: subcommands, flags, and the values of flags.

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command};

use crate::CliError;
use crate::exit::Exit;
use crate::stdio::Output;

/// What the shell is to offer.
#[derive(Debug, PartialEq, Eq)]
pub enum Offer {
    /// Words with their meanings, which may be empty.
    Words(Vec<(String, String)>),
    /// Names of files.
    Files,
    /// Names of directories.
    Directories,
}

/// What may stand for the last of the words, which follow the program's name.
pub fn offer(command: &Command, words: &[String]) -> Offer {
    let mut command = command.clone();
    command.build();
    let Some((current, before)) = words.split_last() else { return Offer::Words(Vec::new()) };
    let (mut at, mut awaiting): (&Command, Option<&Arg>) = (&command, None);
    for word in before {
        // bash splits `--flag=value` into three words.
        if word == "=" && awaiting.is_some() {
            continue;
        }
        if awaiting.take().is_some() {
            continue;
        }
        if word == "--" {
            return Offer::Files;
        }
        if let Some(flag) = word.strip_prefix("--") {
            awaiting = find(at, flag).filter(|arg| takes_value(arg));
        } else if let Some(inner) = at.find_subcommand(word) {
            at = inner;
        }
    }
    if let Some(arg) = awaiting {
        return values(arg, if current == "=" { "" } else { current }, "");
    }
    if let Some((flag, typed)) = current.strip_prefix("--").and_then(|text| text.split_once('=')) {
        return find(at, flag)
            .map_or(Offer::Words(Vec::new()), |arg| values(arg, typed, &format!("--{flag}=")));
    }
    Offer::Words(words_at(at).filter(|(word, _)| word.starts_with(current.as_str())).collect())
}

fn find<'a>(command: &'a Command, flag: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(flag))
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

/// Subcommands, the values of positional arguments, and flags.
fn words_at(command: &Command) -> impl Iterator<Item = (String, String)> {
    let meaning = |text: Option<&clap::builder::StyledStr>| {
        let text = text.map(ToString::to_string).unwrap_or_default();
        text.split(" [variable").next().unwrap_or_default().lines().next().unwrap_or_default().to_owned()
    };
    let subcommands = command
        .get_subcommands()
        .filter(|inner| inner.get_name() != "help")
        .map(move |inner| (inner.get_name().to_owned(), meaning(inner.get_about())));
    let positional = command
        .get_positionals()
        .flat_map(Arg::get_possible_values)
        .map(move |value| (value.get_name().to_owned(), meaning(value.get_help())));
    let flags = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set())
        .filter_map(move |arg| Some((format!("--{}", arg.get_long()?), meaning(arg.get_help()))));
    subcommands.chain(positional).chain(flags)
}

/// The values of a flag that begin with what is typed; `before` precedes them in the same word.
fn values(arg: &Arg, typed: &str, before: &str) -> Offer {
    let possible = arg.get_possible_values();
    if possible.is_empty() {
        return match arg.get_value_names().and_then(<[_]>::first).map_or("", |name| name.as_str()) {
            "FILE" => Offer::Files,
            "DIR" => Offer::Directories,
            _ => Offer::Words(Vec::new()),
        };
    }
    let help = |value: &PossibleValue| value.get_help().map(ToString::to_string).unwrap_or_default();
    let words = possible.iter().map(|value| (value.get_name().to_owned(), help(value)));
    let (earlier, begun) = match (arg.get_value_delimiter(), typed.rfind(',')) {
        (Some(','), Some(comma)) => typed.split_at(comma + 1),
        _ => ("", typed),
    };
    let fitting = words.filter(|(word, _)| word.starts_with(begun));
    Offer::Words(fitting.map(|(word, help)| (format!("{before}{earlier}{word}"), help)).collect())
}

impl Offer {
    /// One line a word, its meaning after a tab; `:files` or `:directories` for names that the shell knows.
    pub fn text(&self) -> String {
        match self {
            Self::Files => ":files\n".to_owned(),
            Self::Directories => ":directories\n".to_owned(),
            Self::Words(words) => {
                words.iter().fold(String::new(), |text, (word, help)| text + &format!("{word}\t{help}\n"))
            }
        }
    }
}

/// Writes what may stand for the last of the words.
pub(crate) fn write(command: &Command, words: &[String], out: &mut Output) -> Result<Exit, CliError> {
    out.text(&offer(command, words).text())?;
    Ok(Exit::Done)
}
