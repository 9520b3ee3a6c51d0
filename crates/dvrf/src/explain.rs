//! `dvrf explain CODE`: the section about a code, from the pages that this program was built with.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use dvrf_cli::args::{LanguageArgs, lang};
use dvrf_cli::exit::Exit;
use dvrf_cli::{CliError, Session};
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::lang::Lang;

/// The page with a section per code: findings, causes of stuck requests, alerts, aborts.
const PAGE: &str = include_str!("../../../docs/fix.md");

/// The same page in Russian.
const RUSSIAN_PAGE: &str = include_str!("../../../docs/fix.ru.md");

/// The page about layouts.
const LAYOUTS: &str = include_str!("../../../docs/reference/layouts.md");

/// What does this code mean, and what is to be done? Prints the section about a finding, an alert or an error
#[derive(Parser)]
#[command(name = "dvrf-explain")]
struct Args {
    /// Code from a message, a card or an alert; or layout, for the format of layouts
    code: String,
    #[command(flatten)]
    language: LanguageArgs,
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    args.language.fill(&mut session.settings);
    let lang = lang(&session.settings)?;
    let text = explain(&args.code, lang).ok_or_else(|| unknown(&args.code, lang))?;
    session.out.text(&text)?;
    Ok(Exit::Done)
}

fn unknown(name: &str, lang: Lang) -> Error {
    let quoted = quote(name);
    let sentence = lang.pick(format!("unknown code {quoted:?}"), format!("неизвестный код {quoted:?}"));
    Error::new(FailureKind::Config, sentence).with_hint(match nearest(name) {
        Some(near) => lang.pick(format!("did you mean {near}?"), format!("возможно, {near}?")),
        None => lang.pick("docs/fix.md lists all", "все коды – в docs/fix.ru.md"),
    })
}

/// Runs the command on the words of a command line, of which the first is the program's name.
pub(crate) fn run(words: &[OsString]) -> ExitCode {
    // It also explains what is wrong with a settings file.
    dvrf_cli::run_without_file(words, act)
}

/// The sections of the page: heading and text. The headings are the same in both languages.
fn sections(lang: Lang) -> impl Iterator<Item = (&'static str, &'static str)> {
    let page = match lang {
        Lang::En => PAGE,
        Lang::Ru => RUSSIAN_PAGE,
    };
    // What precedes the first heading is not a section.
    page.split("\n### ").skip(1).map(|section| {
        let (heading, text) = section.split_once('\n').unwrap_or((section, ""));
        // A section ends where the next chapter begins.
        (heading.trim(), text.split("\n## ").next().unwrap_or(text).trim_start())
    })
}

/// The names of all codes.
pub(crate) fn codes() -> impl Iterator<Item = &'static str> {
    sections(Lang::En).map(|(heading, _)| heading).filter(|heading| !heading.contains(' '))
}

/// A heading or a typed name without the differences that do not matter: case, backquotes, the page's address.
fn normalised(name: &str) -> String {
    let name = name.rsplit_once('#').map_or(name, |(_, anchor)| anchor);
    name.trim().replace('`', "").replace([' ', '-'], "_").to_lowercase()
}

/// The section about a code, as plain text.
fn explain(name: &str, lang: Lang) -> Option<String> {
    let wanted = normalised(name);
    if ["layout", "layouts"].contains(&wanted.as_str()) {
        return Some(LAYOUTS.to_owned());
    }
    // An abort is known by its name too, without the module before it.
    let is_abort = |heading: &str| heading.split(' ').nth(1).is_some_and(|name| normalised(name) == wanted);
    let whole = sections(lang).find(|(heading, _)| normalised(heading) == wanted);
    let (heading, text) = whole.or_else(|| sections(lang).find(|(heading, _)| is_abort(heading)))?;
    Some(format!("{heading}\n{}\n", plain(text.trim_end())))
}

/// A text without the marks of bold words and links, of which the words stay.
fn plain(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((label, after)) = rest.split_once("](") {
        let (before, words) = label.rsplit_once('[').unwrap_or(("", label));
        plain.push_str(before);
        plain.push_str(words);
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    plain.replace("**", "")
}

/// The heading nearest to a mistyped code, if one is near.
fn nearest(name: &str) -> Option<&'static str> {
    let headings: Vec<(String, &str)> =
        sections(Lang::En).map(|(heading, _)| (normalised(heading), heading)).collect();
    let near = dvrf_cli::parse::nearest(&normalised(name), headings.iter().map(|(name, _)| name.as_str()))?;
    headings.iter().find(|(name, _)| name == near).map(|(_, heading)| *heading)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use supra_core::check::code::Code;

    use super::*;

    /// What both languages have in common: severities, commands, flags, codes of aborts.
    fn untranslated(text: &str) -> Vec<&str> {
        let spans = text.split('`').skip(1).step_by(2);
        let words = text.split_whitespace().map(|word| word.trim_end_matches(['.', ':', ',']));
        let mut found: Vec<&str> =
            spans.chain(words.filter(|word| word.starts_with("**") || word.starts_with("(0x"))).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn both_pages_have_the_same_sections() {
        let of = |lang| sections(lang).map(|(heading, text)| (heading, untranslated(text)));
        assert_eq!(of(Lang::Ru).collect::<Vec<_>>(), of(Lang::En).collect::<Vec<_>>());
    }

    #[rstest]
    fn every_finding_is_explained(#[values(Lang::En, Lang::Ru)] lang: Lang) {
        for (_, name, ..) in Code::ALL {
            let text = explain(name, lang).unwrap_or_default();
            assert!(text.starts_with(&format!("{name}\n")) && text.len() > name.len() + 40, "{name}: {text}");
            assert!(!["###", "**", "]("].iter().any(|mark| text.contains(mark)), "{name}: {text}");
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{name}: {text}");
        }
    }

    #[rstest]
    #[case::lower_case("request_stuck", "REQUEST_STUCK")]
    #[case::address("docs/fix.md#deposit_paused", "DEPOSIT_PAUSED")]
    #[case::cause("stuck_deposit_low", "stuck_deposit_low")]
    #[case::abort("ECLIENT_NOT_EXIST", "deposit ECLIENT_NOT_EXIST")]
    #[case::alert("SupraDvrfDepositLow", "SupraDvrfDepositLow")]
    fn names_in_other_spellings(#[case] name: &str, #[case] heading: &str) {
        assert!(explain(name, Lang::En).unwrap().starts_with(&format!("{heading}\n")));
    }

    #[rstest]
    #[case::none("a [0] and (b)", "a [0] and (b)")]
    #[case::links("see [a b](x.md#y) and [c](d), **now**", "see a b and c, now")]
    fn marks(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(plain(text), expected);
    }

    #[test]
    fn the_page_about_layouts() {
        let text = explain("layout", Lang::Ru).unwrap();
        assert!(text.starts_with("# Layouts: ") && text.contains("\n## Reference\n"), "{text}");
    }

    #[rstest]
    #[case::near("REQUEST_STUK", Some("REQUEST_STUCK"))]
    #[case::far("frobnicate", None)]
    fn mistyped(#[case] name: &str, #[case] expected: Option<&str>) {
        assert_eq!((explain(name, Lang::En), nearest(name)), (None, expected));
    }
}
