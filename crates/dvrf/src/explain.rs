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

/// The pages with tables of codes.
const DRAW: &str = include_str!("../../../docs/draw.md");
const FUND: &str = include_str!("../../../docs/fund.md");
const RECORD: &str = include_str!("../../../docs/reference/record.md");

/// The width of what is printed, in columns.
const WIDTH: usize = 80;

/// The page about layouts.
const LAYOUTS: &str = include_str!("../../../docs/reference/layouts.md");

/// What does this code mean, and what is to be done? Prints the section about a finding, an alert or an error
#[derive(Parser)]
#[command(name = "dvrf-explain")]
struct Args {
    /// Code from a message, a card, an alert or an error; or layout, for the format of layouts. Without one, all codes are
    /// listed
    code: Option<String>,
    #[command(flatten)]
    language: LanguageArgs,
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    args.language.fill(&mut session.settings);
    let lang = lang(&session.settings)?;
    let Some(code) = &args.code else {
        session.out.text(&wrapped(&codes().collect::<Vec<_>>().join(" ")))?;
        return Err(none_given(lang).into());
    };
    let text = explain(code, lang).ok_or_else(|| unknown(code, lang))?;
    session.out.text(&text)?;
    Ok(Exit::Done)
}

fn none_given(lang: Lang) -> Error {
    let sentence = lang.pick(
        "a code is needed, such as: dvrf explain REQUEST_STUCK",
        "нужен код, например: dvrf explain REQUEST_STUCK",
    );
    Error::new(FailureKind::Config, sentence)
}

fn unknown(name: &str, lang: Lang) -> Error {
    let quoted = quote(name);
    let sentence = lang.pick(format!("unknown code {quoted:?}"), format!("неизвестный код {quoted:?}"));
    Error::new(FailureKind::Config, sentence).with_hint(match nearest(name) {
        Some(near) => lang.pick(format!("did you mean {near}?"), format!("возможно, {near}?")),
        None => lang.pick("dvrf explain lists all", "все коды перечислит dvrf explain"),
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

/// The rows of a page's tables of codes: the codes of the first cell, and the other cells.
fn rows(page: &'static str) -> impl Iterator<Item = (Vec<&'static str>, Vec<&'static str>)> {
    let tables = page.split("\n\n").map(str::trim_start).filter(|block| {
        ["| code |", "| kind |", "| код |", "| вид |"].iter().any(|head| block.starts_with(head))
    });
    tables.flat_map(|table| table.lines().skip(2)).filter_map(|line| {
        let mut cells = line.trim_matches(['|', ' ']).split(" | ");
        Some((cells.next()?.split('`').skip(1).step_by(2).collect(), cells.collect()))
    })
}

/// The texts with tables of codes: what prints the codes, the page, and its text.
fn tables(lang: Lang) -> [(&'static str, &'static str, &'static str); 3] {
    // The pages themselves are in English; the page with the sections has their tables in Russian.
    let chapter = |name: &str| {
        let rest = RUSSIAN_PAGE.split_once(&format!("\n## {name}\n")).map_or("", |(_, rest)| rest);
        rest.split("\n## ").next().unwrap_or(rest)
    };
    match lang {
        Lang::En => [
            ("dvrf draw", "docs/draw.md", DRAW),
            ("dvrf fund", "docs/fund.md", FUND),
            ("kind of error", "docs/reference/record.md", RECORD),
        ],
        Lang::Ru => {
            ["dvrf draw", "dvrf fund", "вид ошибки"].map(|name| (name, "docs/fix.ru.md", chapter(name)))
        }
    }
}

/// The names of all codes.
pub(crate) fn codes() -> impl Iterator<Item = &'static str> {
    let of_sections = sections(Lang::En).map(|(heading, _)| heading).filter(|heading| !heading.contains(' '));
    let mut of_tables: Vec<&str> =
        [DRAW, FUND].into_iter().flat_map(rows).flat_map(|(codes, _)| codes).collect();
    of_tables.sort_unstable();
    of_tables.dedup();
    of_tables.retain(|code| sections(Lang::En).all(|(heading, _)| heading != *code));
    of_sections.chain(of_tables)
}

/// A heading or a typed name without the differences that do not matter: case, backquotes, the page's address.
fn normalised(name: &str) -> String {
    let name = name.rsplit_once('#').map_or(name, |(_, anchor)| anchor);
    name.trim().replace('`', "").replace([' ', '-'], "_").to_lowercase()
}

/// The section about a code, else the rows of the tables that have it, as plain text.
fn explain(name: &str, lang: Lang) -> Option<String> {
    let wanted = normalised(name);
    if ["layout", "layouts"].contains(&wanted.as_str()) {
        return Some(LAYOUTS.to_owned());
    }
    section(&wanted, lang).or_else(|| of_tables(&wanted, lang))
}

fn section(wanted: &str, lang: Lang) -> Option<String> {
    // An abort is known by its name too, without the module before it.
    let is_abort =
        |heading: &str| heading.split_once(' ').is_some_and(|(_, name)| normalised(name) == wanted);
    let whole = sections(lang).find(|(heading, _)| normalised(heading) == wanted);
    let (heading, text) = whole.or_else(|| sections(lang).find(|(heading, _)| is_abort(heading)))?;
    let heading = match heading.strip_prefix("said ") {
        Some(said) => lang.pick(
            format!("{said} (a text of the Supra CLI or a node)"),
            format!("{said} (текст Supra CLI или узла)"),
        ),
        None => heading.to_owned(),
    };
    Some(format!("{heading}\n{}\n", plain(text.trim_end())))
}

/// What the tables say about a code, each row with the command that prints it.
fn of_tables(wanted: &str, lang: Lang) -> Option<String> {
    let mut found = None;
    let mut text = String::new();
    for (printed_by, path, page) in tables(lang) {
        for (codes, cells) in rows(page) {
            let Some(code) = codes.into_iter().find(|code| normalised(code) == wanted) else { continue };
            found.get_or_insert(code);
            text.push_str(&wrapped(&format!("{} ({printed_by}, {path})", plain(&cells.join("; ")))));
        }
    }
    Some(format!("{}\n{text}", found?.to_uppercase()))
}

/// Words in lines of the usual width.
fn wrapped(text: &str) -> String {
    dvrf_cli::card::wrapped(text, WIDTH).join("\n") + "\n"
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
    let headings: Vec<(String, &str)> = sections(Lang::En)
        .map(|(heading, _)| heading)
        .chain(codes())
        .map(|heading| (normalised(heading), heading))
        .collect();
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

    /// The variants of an enum in a source file, in the upper case of codes.
    fn variants(source: &str, name: &str) -> Vec<String> {
        let body =
            source.split_once(&format!("pub enum {name} {{\n")).unwrap().1.split("\n}").next().unwrap();
        let names = body.lines().filter_map(|line| line.trim().strip_suffix(','));
        let shouted = |name: &str| {
            let broken = name.chars().flat_map(|c| c.is_uppercase().then_some('_').into_iter().chain([c]));
            broken.collect::<String>().trim_start_matches('_').to_uppercase()
        };
        names.filter(|name| name.chars().all(char::is_alphanumeric)).map(shouted).collect()
    }

    /// The codes among the strings of a source file.
    fn strings(source: &str) -> Vec<String> {
        let tests = source.split_once("#[cfg(test)]").map_or(source, |(code, _)| code);
        let is_code =
            |text: &&str| text.len() > 6 && text.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        tests.split('"').filter(is_code).map(str::to_owned).collect()
    }

    const DRAW_SOURCE: &str = include_str!("../../supra-core/src/draw.rs");
    const FUND_SOURCE: &str = include_str!("../../supra-core/src/fund.rs");
    const KINDS: &str = include_str!("../../supra-core/src/failure.rs");
    const READINESS: &str = include_str!("../../supra-core/src/readiness.rs");
    const DECISION: &str = include_str!("../../dvrf-draw/src/decision.rs");

    #[rstest]
    #[case::draw(variants(DRAW_SOURCE, "DrawErrorCode"), 25)]
    #[case::fund(variants(FUND_SOURCE, "FundCode"), 24)]
    #[case::kinds(variants(KINDS, "FailureKind"), 12)]
    #[case::readiness(strings(READINESS), 8)]
    #[case::decision(strings(DECISION), 4)]
    fn every_code_that_a_tool_prints_is_explained(#[case] codes: Vec<String>, #[case] least: usize) {
        assert!(codes.len() >= least, "{codes:?}");
        for code in codes {
            for lang in [Lang::En, Lang::Ru] {
                let text = explain(&code, lang).unwrap_or_default();
                assert!(
                    text.starts_with(&format!("{code}\n")) && text.len() > code.len() + 20,
                    "{code}: {text}"
                );
                assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{code}: {text}");
            }
        }
    }

    #[test]
    fn both_languages_have_the_same_tables() {
        let codes =
            |lang| tables(lang).map(|(.., page)| rows(page).map(|(codes, _)| codes).collect::<Vec<_>>());
        assert_eq!(codes(Lang::Ru), codes(Lang::En));
    }

    #[rstest]
    #[case::draw(
        "too_few_tickets",
        Lang::En,
        "TOO_FEW_TICKETS\nfewer than `--min-tickets` (5) (`E_NO_TICKETS_AVAILABLE`) (dvrf draw,\ndocs/draw.md)\n"
    )]
    #[case::fund(
        "LIMIT_MISSING",
        Lang::En,
        "LIMIT_MISSING\na setting is missing or wrong, or you declined; `refused`, exit 1 (dvrf fund,\ndocs/fund.md)\n"
    )]
    #[case::russian(
        "DECLINED",
        Lang::Ru,
        "DECLINED\nнастройки нет или она неверна, либо вы отказались; `refused`, код 1 (dvrf fund,\ndocs/fix.ru.md)\n"
    )]
    fn rows_of_tables(#[case] name: &str, #[case] lang: Lang, #[case] expected: &str) {
        assert_eq!(explain(name, lang).unwrap(), expected);
    }

    #[rstest]
    #[case::lower_case("request_stuck", "REQUEST_STUCK")]
    #[case::address("docs/fix.md#deposit_paused", "DEPOSIT_PAUSED")]
    #[case::cause("stuck_deposit_low", "stuck_deposit_low")]
    #[case::abort("ECLIENT_NOT_EXIST", "deposit ECLIENT_NOT_EXIST")]
    #[case::text("LINKER_ERROR", "LINKER_ERROR (a text of the Supra CLI or a node)")]
    #[case::words("no such container", "no such container (a text of the Supra CLI or a node)")]
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
