//! Help: `-h` is one screen with examples and the usual flags, `--help` has every flag.

mod pages;

use std::ffi::OsString;

use clap::{Args, Command};

use crate::args::{LiveArgs, StateArgs};
use crate::exit;
pub use pages::{PAGES, Page};

const TEMPLATE: &str = "{about-with-newline}\n{usage-heading} {usage}\n\n{before-help}{all-args}{after-help}";
const BRIEF_END: &str = "\
Exit codes: 0 fine, 1 problem found, 2 unknown or failed, 75 another run
All flags: --help. Subscription, node and language: dvrf help settings";

/// The settings that tools share, as a command whose help lists them.
const SETTINGS_ABOUT: &str =
    "The settings that the tools share: which subscription, which node, which language

A flag overrides the variable, the variable overrides the default. An empty variable counts as unset. \
Every tool that reads the chain takes these flags.";

/// Whether the words ask for the long help.
pub(crate) fn is_long(words: &[OsString]) -> bool {
    let is_long = |word: &str| word.len() > 3 && "--help".starts_with(word);
    words.iter().filter_map(|word| word.to_str()).any(is_long)
}

/// Whether the words can ask for help. Laying its pages out takes as long as the rest of a tool's start.
pub(crate) fn may_be_wanted(words: &[OsString]) -> bool {
    let asks = |word: &str| {
        word == "help"
            || word.starts_with("--h")
            || word.starts_with('-') && !word.starts_with("--") && word.contains('h')
    };
    words.iter().skip(1).any(|word| word.to_str().is_none_or(asks))
}

/// Adds examples and exit codes to a tool's help. A brief help shows only the flags of the command's page, without headings.
pub(crate) fn with_pages(command: Command, brief: bool) -> Command {
    let name = command.get_name().to_owned();
    let command = command.mut_subcommands(|inner| {
        let full = format!("{name} {}", inner.get_name());
        with_page(inner, &full, brief)
    });
    with_page(command, &name, brief)
}

fn with_page(command: Command, name: &str, brief: bool) -> Command {
    let command = command.help_template(TEMPLATE);
    let page = PAGES.iter().find(|page| page.command == name);
    let examples = page.map(Page::examples_text).unwrap_or_default();
    if !brief {
        return command.before_help(examples).after_help(exit::HELP);
    }
    let command = match page {
        Some(page) => command.mut_args(|arg| {
            let name = arg.get_long().unwrap_or(arg.get_id().as_str());
            let is_shown = page.flags.contains(&name);
            let help = arg.get_help().map(|help| first_clause(&help.to_string())).unwrap_or_default();
            arg.hide(!is_shown).help_heading(None).help(help)
        }),
        None => command,
    };
    command.before_help(examples).after_help(BRIEF_END)
}

/// The help of a flag up to its first semicolon, without the name of its variable.
fn first_clause(help: &str) -> String {
    let (text, default) = help.split_once(" [").unwrap_or((help, ""));
    let text = text.split("; ").next().unwrap_or_default();
    match default.split_once("default ").and_then(|(_, default)| default.split([']', ',']).next()) {
        Some(default) => format!("{text} [default {default}]"),
        None => text.to_owned(),
    }
}

impl Page {
    /// The examples as a shell would take them, each under a comment that says what it does.
    fn examples_text(&self) -> String {
        let add = |text: String, (what, line): &(&str, &str)| text + &format!("\n  # {what}\n  {line}");
        self.examples.iter().fold("Examples:".to_owned(), add)
    }
}

/// The command whose help and man page describe the settings that tools share.
pub fn settings_command() -> Command {
    let command = Command::new("dvrf-settings").disable_help_flag(true);
    // The groups have descriptions of their own, which would be the command's.
    let command = StateArgs::augment_args(LiveArgs::augment_args(command)).about(SETTINGS_ABOUT);
    command.help_template("{about-with-newline}\n{all-args}").max_term_width(100)
}

/// The text of `dvrf help settings`.
pub fn settings_text() -> String {
    settings_command().render_help().to_string()
}
