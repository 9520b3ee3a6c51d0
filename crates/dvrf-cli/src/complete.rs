//! Completes a command line for a shell: subcommands, flags, and the values of flags.

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

/// The values of flags whose parser does not list them.
const VALUES: &[(&str, &[&str])] = &[
    ("channel", &["slack", "teams", "discord", "telegram", "pagerduty", "alertmanager", "generic", "ping"]),
    ("cli-generation", &["v6", "v9", "v10", "v11"]),
    ("detail", &["lean", "full"]),
    ("event-type", EVENT_TYPES),
    ("expect-event", &["draw-requested/", "draw-handled/"]),
    ("fail-on", &["info", "warning", "critical"]),
    ("lang", &["en", "ru"]),
    ("network", &["testnet", "mainnet", "devnet"]),
    ("push-method", &["POST", "PUT"]),
    ("transport", &["rpc", "cli", "replay"]),
    ("type", EVENT_TYPES),
    ("webhook-type", &["slack", "generic", "teams", "discord", "alertmanager", "ping"]),
];
const EVENT_TYPES: &[&str] =
    &["draw-requested", "draw-handled", "whitelist", "deposit", "vrf", "lottery", "all"];

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
    let known = VALUES.iter().find(|(flag, _)| Some(*flag) == arg.get_long()).map(|(_, values)| *values);
    let words: Vec<(String, String)> = match (possible.is_empty(), known) {
        (false, _) => possible
            .iter()
            .map(|value| {
                let help = value.get_help().map(ToString::to_string).unwrap_or_default();
                (value.get_name().to_owned(), help)
            })
            .collect(),
        (true, Some(known)) => known.iter().map(|word| ((*word).to_owned(), String::new())).collect(),
        (true, None) => {
            let name = arg.get_value_names().and_then(<[_]>::first).map_or("", |name| name.as_str());
            return match name {
                "FILE" => Offer::Files,
                "DIR" => Offer::Directories,
                _ => Offer::Words(Vec::new()),
            };
        }
    };
    let (earlier, begun) = match (arg.get_value_delimiter(), typed.rfind(',')) {
        (Some(','), Some(comma)) => typed.split_at(comma + 1),
        _ => ("", typed),
    };
    let fitting = words.into_iter().filter(|(word, _)| word.starts_with(begun));
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
