//! Errors of the command line, worded like those of settings: one sentence about what was typed, one about what to type.

use std::error::Error as _;
use std::num::ParseIntError;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::network::Network;
use supra_core::view::is_identifier;

use crate::parse::{bad, did_you_mean, near_or};

/// What clap writes around the names of values.
const BRACKETS: [char; 4] = ['[', ']', '<', '>'];

/// The error for a command line that clap refused; `command` is what it was parsed with.
pub(crate) fn usage_error(error: &clap::Error, command: &Command) -> Error {
    worded(error, command).unwrap_or_else(|| {
        let text = error.render().to_string();
        refused(text.lines().next().unwrap_or_default().trim_start_matches("error: "))
    })
}

fn worded(error: &clap::Error, command: &Command) -> Option<Error> {
    let named = words(error, ContextKind::InvalidArg);
    let first = named.first().map(|arg| flag(arg));
    Some(match error.kind() {
        ErrorKind::UnknownArgument => unknown(first?, command),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            refused(format!("a subcommand is needed: {}", subcommands(command).join(", ")))
                .with_hint("-h shows what each does")
        }
        ErrorKind::InvalidSubcommand => {
            let typed = words(error, ContextKind::InvalidSubcommand).into_iter().next()?;
            let known = subcommands(command);
            let hint = near_or(&typed, known.iter().copied(), || {
                format!("the subcommands are {}", known.join(", "))
            });
            refused(format!("unknown subcommand {:?}", quote(&typed))).with_hint(hint)
        }
        ErrorKind::ValueValidation => {
            let source = error.source()?;
            let is_number = source.is::<ParseIntError>();
            let why = match named.first()?.contains("SECONDS") {
                true if is_number => "whole seconds are needed, such as 120".to_owned(),
                _ if is_number => "a whole number is needed, such as 5".to_owned(),
                _ => of_range(source.to_string()),
            };
            bad(first?, &typed_value(error)?, why)
        }
        ErrorKind::InvalidValue => match typed_value(error)? {
            typed if typed.is_empty() => {
                let known = words(error, ContextKind::ValidValue);
                if !known.is_empty() {
                    return Some(refused(format!("{} needs a value: one of {}", first?, known.join(", "))));
                }
                let value = named.first()?.split_once(' ').map_or("a value", |(_, value)| value);
                refused(format!("{} needs a value: {}", first?, value.trim_matches(BRACKETS)))
            }
            typed => {
                let known = words(error, ContextKind::ValidValue);
                let refused = bad(first?, &typed, format!("one of {} is needed", known.join(", ")));
                let near = did_you_mean(&typed, known.iter().map(String::as_str));
                near.into_iter().fold(refused, Error::with_hint)
            }
        },
        ErrorKind::TooManyValues => {
            let typed = typed_value(error)?;
            refused(format!("{} takes no value, but {:?} was given", first?, quote(&typed)))
        }
        ErrorKind::MissingRequiredArgument => {
            let verb = if named.len() == 1 { "is" } else { "are" };
            let needed = refused(format!("{} {verb} needed", named.join(", ")));
            match error.get(ContextKind::Usage) {
                Some(ContextValue::StyledStr(usage)) => needed.with_hint(usage.to_string()),
                _ => needed,
            }
        }
        ErrorKind::ArgumentConflict => {
            let prior = words(error, ContextKind::PriorArg);
            let prior: Vec<&str> = prior.iter().map(|arg| flag(arg)).collect();
            refused(format!("{} cannot be used with {}", first?, prior.join(" and ")))
        }
        _ => return None,
    })
}

/// The range of a number in words; clap writes `900 is not in 0..=255`.
fn of_range(why: String) -> String {
    match why.split_once(" is not in ").and_then(|(_, range)| range.split_once("..=")) {
        Some((least, most)) => format!("a whole number from {least} to {most} is needed"),
        None => why,
    }
}

/// The error for an argument that the command does not have.
fn unknown(typed: &str, command: &Command) -> Error {
    if !typed.starts_with('-') {
        let inner = command.get_subcommands().flat_map(longs);
        let has_target = longs(command).chain(inner).any(|long| long == "--network");
        let hint = if !has_target {
            "-h shows how to use it".to_owned()
        } else if Network::named(typed).is_some() {
            format!("did you mean --network {typed}?")
        } else if typed.starts_with("0x") {
            "did you mean --lottery-addr or --client-addr?".to_owned()
        } else if is_identifier(&typed.replace('-', "_")) {
            format!("a subscription of dvrf.toml is chosen by --only {typed}")
        } else {
            "flags name the subscription, such as --network testnet --lottery-addr 0x…: dvrf help settings"
                .to_owned()
        };
        return refused(format!("unexpected argument {:?}", quote(typed))).with_hint(hint);
    }
    let sentence = refused(format!("unknown flag {}", quote(typed)));
    let has = |inner: &&Command| longs(inner).any(|long| long == typed);
    let owners: Vec<&str> = command.get_subcommands().filter(has).map(Command::get_name).collect();
    if !owners.is_empty() {
        return sentence.with_hint(format!("it is a flag of {}", owners.join(" and ")));
    }
    let known: Vec<String> = longs(command).chain(command.get_subcommands().flat_map(longs)).collect();
    let otherwise = || "-h shows the usual flags, --help all of them".to_owned();
    sentence.with_hint(near_or(typed, known.iter().map(String::as_str), otherwise))
}

fn subcommands(command: &Command) -> Vec<&str> {
    command.get_subcommands().map(Command::get_name).filter(|name| *name != "help").collect()
}

fn longs(command: &Command) -> impl Iterator<Item = String> {
    command.get_arguments().filter_map(|arg| arg.get_long()).map(|long| format!("--{long}"))
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(FailureKind::Config, message)
}

/// The flag without the names of its values, or the name of a positional argument.
fn flag(argument: &str) -> &str {
    let name = argument.split(' ').next().unwrap_or(argument);
    name.trim_matches(BRACKETS)
}

fn typed_value(error: &clap::Error) -> Option<String> {
    words(error, ContextKind::InvalidValue).into_iter().next()
}

fn words(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(word)) => vec![word.clone()],
        Some(ContextValue::Strings(words)) => words.clone(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction};
    use rstest::rstest;

    use super::*;

    fn tool() -> Command {
        let auto = Command::new("auto")
            .arg(Arg::new("fill").long("fill-tickets").action(ArgAction::SetTrue).requires("spend"))
            .arg(Arg::new("spend").long("max-spend").value_name("AMOUNT"))
            .arg(Arg::new("dry").long("dry-run").action(ArgAction::SetTrue).conflicts_with("fill"));
        let ready = Command::new("ready")
            .arg(Arg::new("format").long("format").value_name("FORMAT").value_parser(["json", "text"]))
            .arg(Arg::new("network").long("network"))
            .arg(Arg::new("limit").long("limit").value_parser(clap::value_parser!(u8)));
        Command::new("draw").subcommand_required(true).subcommand(auto).subcommand(ready)
    }

    #[rstest]
    #[case::unknown_flag(
        "auto --frob",
        "unknown flag --frob",
        "-h shows the usual flags, --help all of them"
    )]
    #[case::mistyped_flag("auto --max-spned", "unknown flag --max-spned", "did you mean --max-spend?")]
    #[case::flag_before_subcommand("--format json", "unknown flag --format", "it is a flag of ready")]
    #[case::mistyped_subcommand("redy", r#"unknown subcommand "redy""#, "did you mean ready?")]
    #[case::no_such_subcommand("smoke", r#"unknown subcommand "smoke""#, "the subcommands are auto, ready")]
    #[case::no_subcommand("", "a subcommand is needed: auto, ready", "-h shows what each does")]
    #[case::no_value("ready --format", "--format needs a value: one of json, text", "")]
    #[case::no_free_value("auto --max-spend", "--max-spend needs a value: AMOUNT", "")]
    #[case::no_such_value("ready --format xml", r#"--format is "xml": one of json, text is needed"#, "")]
    #[case::mistyped_value(
        "ready --format jsn",
        r#"--format is "jsn": one of json, text is needed"#,
        "did you mean json?"
    )]
    #[case::switch_with_value("auto --dry-run=yes", r#"--dry-run takes no value, but "yes" was given"#, "")]
    #[case::missing(
        "auto --fill-tickets",
        "--max-spend <AMOUNT> is needed",
        "Usage: draw auto --max-spend <AMOUNT> --fill-tickets"
    )]
    #[case::contradiction(
        "auto --fill-tickets --dry-run --max-spend 1",
        "--fill-tickets cannot be used with --dry-run",
        ""
    )]
    #[case::address(
        "auto 0x9",
        r#"unexpected argument "0x9""#,
        "did you mean --lottery-addr or --client-addr?"
    )]
    #[case::name(
        "ready main-2",
        r#"unexpected argument "main-2""#,
        "a subscription of dvrf.toml is chosen by --only main-2"
    )]
    #[case::network("ready testnet", r#"unexpected argument "testnet""#, "did you mean --network testnet?")]
    #[case::no_number("ready --limit five", r#"--limit is "five": a whole number is needed, such as 5"#, "")]
    #[case::value("ready --limit 900", r#"--limit is "900": a whole number from 0 to 255 is needed"#, "")]
    fn mistakes(#[case] words: &str, #[case] message: &str, #[case] hint: &str) {
        let mut tool = tool();
        let typed = std::iter::once("draw").chain(words.split_whitespace());
        let error = usage_error(&tool.try_get_matches_from_mut(typed).unwrap_err(), &tool);
        assert_eq!((error.message().as_str(), error.hint().unwrap_or_default()), (message, hint));
    }
}
