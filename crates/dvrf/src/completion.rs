//! Completion in bash, zsh and fish: one script per shell for all tools, which asks `dvrf --generate complete` at each Tab.

use std::ffi::OsString;
use std::process::ExitCode;

use dvrf_cli::complete::{Offer, offer};

use crate::{commands, explain, print, refuse};

/// Prints a completion script, a man page, or what may stand for the last of the words.
pub(crate) fn generate(words: &[OsString]) -> ExitCode {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let (kind, words) = words.split_first().map_or(("", &[][..]), |(kind, words)| (kind.as_str(), words));
    match kind {
        "bash" => print(&script(include_str!("completion/bash"))),
        "zsh" => print(&script(include_str!("completion/zsh"))),
        "fish" => print(&script(include_str!("completion/fish"))),
        "man" => match words.first().map(String::as_str) {
            None | Some("dvrf") => print(&dvrf_page()),
            Some("settings") => print_page(dvrf_cli::generate::settings_man()),
            Some("devnet") => print_page(dvrf_cli::generate::man(dvrf_devnet::command())),
            Some(name) => commands::tool(name).map_or_else(
                || refuse(&format!("there is no page {name:?}")),
                |tool| (tool.run)(&[tool.name, "--generate", "man"].map(OsString::from)),
            ),
        },
        "complete" => complete(words),
        _ => refuse("--generate takes bash, zsh, fish, man or complete"),
    }
}

/// The script for all programs of the family.
fn script(text: &str) -> String {
    let tools = commands::names().map(|(name, _)| name).filter(|name| commands::tool(name).is_some());
    let programs = tools.fold("dvrf".to_owned(), |list, name| format!("{list} dvrf-{name}"));
    text.replace("PROGRAMS", &programs)
}

fn print_page(page: std::io::Result<String>) -> ExitCode {
    page.map_or_else(|error| refuse(&format!("cannot make the page: {error}")), |page| print(&page))
}

/// The man page of `dvrf` itself: its help as it is.
fn dvrf_page() -> String {
    let commands = commands::names()
        .fold(String::new(), |list, (name, about)| format!("{list}.TP\n\\fB{name}\\fR\n{about}\n"));
    let examples = crate::help_text();
    let examples =
        examples.split("Examples:\n").nth(1).and_then(|text| text.split("\n\n").next()).unwrap_or("");
    format!(
        ".TH dvrf 1 \"\" \"dvrf {}\"\n.SH NAME\ndvrf \\- {}\n.SH SYNOPSIS\n\\fBdvrf\\fR COMMAND [ARGUMENT...]\n.SH COMMANDS\n{commands}\
         .SH EXAMPLES\n.nf\n{examples}\n.fi\n.SH EXIT STATUS\nThat of the command; 2 without one.\n\
         .SH SEE ALSO\n\\fBdvrf-check\\fR(1), \\fBdvrf-settings\\fR(7)\n",
        env!("CARGO_PKG_VERSION"),
        crate::ABOUT,
    )
}

/// Prints what may stand for the last of the words, which follow `dvrf`.
fn complete(words: &[String]) -> ExitCode {
    let words = match words {
        // `dvrf help X` takes the words of `dvrf X`.
        [first, rest @ ..] if first == "help" && !rest.is_empty() => rest,
        words => words,
    };
    let begun = |names: &mut dyn Iterator<Item = (String, String)>, typed: &str| {
        print(&Offer::Words(names.filter(|(name, _)| name.starts_with(typed)).collect()).text())
    };
    match words {
        [] => ExitCode::SUCCESS,
        [typed] => {
            let own = ["--help", "--list", "--version"].map(|flag| (flag.to_owned(), String::new()));
            let names = commands::names().map(|(name, about)| (name.to_owned(), about.to_owned()));
            let settings = ("settings".to_owned(), "the settings that tools share".to_owned());
            begun(&mut names.chain([settings]).chain(own), typed)
        }
        [command, typed] if command == "explain" && !typed.starts_with('-') => {
            begun(&mut explain::codes().map(|code| (code.to_owned(), String::new())), typed)
        }
        [command, rest @ ..] if command == "devnet" => print(&offer(&dvrf_devnet::command(), rest).text()),
        [command, rest @ ..] => commands::tool(command).map_or(ExitCode::SUCCESS, |tool| {
            let asked = [tool.name, "--generate", "complete"].into_iter().map(OsString::from);
            (tool.run)(&asked.chain(rest.iter().map(OsString::from)).collect::<Vec<_>>())
        }),
    }
}
