//! `dvrf explain CODE`: the section about a code, from the pages that this program was built with.

/// The page with a section per code: findings, causes of stuck requests, alerts, aborts.
const PAGE: &str = include_str!("../../../docs/fix.md");

/// The page about layouts.
const LAYOUTS: &str = include_str!("../../../docs/reference/layouts.md");

/// The sections of the page: heading and text.
fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    // What precedes the first heading is not a section.
    PAGE.split("\n### ").skip(1).map(|section| {
        let (heading, text) = section.split_once('\n').unwrap_or((section, ""));
        // A section ends where the next chapter begins.
        (heading.trim(), text.split("\n## ").next().unwrap_or(text).trim_start())
    })
}

/// The names of all codes.
pub(crate) fn codes() -> impl Iterator<Item = &'static str> {
    sections().map(|(heading, _)| heading).filter(|heading| !heading.contains(' '))
}

/// A heading or a typed name without the differences that do not matter: case, backquotes, the page's address.
fn normalised(name: &str) -> String {
    let name = name.rsplit_once('#').map_or(name, |(_, anchor)| anchor);
    name.trim().replace('`', "").replace([' ', '-'], "_").to_lowercase()
}

/// The section about a code, as plain text.
pub(crate) fn explain(name: &str) -> Option<String> {
    let wanted = normalised(name);
    if ["layout", "layouts"].contains(&wanted.as_str()) {
        return Some(LAYOUTS.to_owned());
    }
    // An abort is known by its name too, without the module before it.
    let is_abort = |heading: &str| heading.split(' ').nth(1).is_some_and(|name| normalised(name) == wanted);
    let whole = sections().find(|(heading, _)| normalised(heading) == wanted);
    let (heading, text) = whole.or_else(|| sections().find(|(heading, _)| is_abort(heading)))?;
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
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    let headings: Vec<(String, &str)> =
        sections().map(|(heading, _)| (normalised(heading), heading)).collect();
    let near = dvrf_cli::parse::nearest(&normalised(name), headings.iter().map(|(name, _)| name.as_str()))?;
    headings.iter().find(|(name, _)| name == near).map(|(_, heading)| *heading)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use supra_core::check::code::Code;

    use super::*;

    #[test]
    fn every_finding_is_explained() {
        for (_, name, ..) in Code::ALL {
            let text = explain(name).unwrap_or_default();
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
        assert!(explain(name).unwrap().starts_with(&format!("{heading}\n")));
    }

    #[rstest]
    #[case::none("a [0] and (b)", "a [0] and (b)")]
    #[case::links("see [a b](x.md#y) and [c](d), **now**", "see a b and c, now")]
    fn marks(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(plain(text), expected);
    }

    #[test]
    fn the_page_about_layouts() {
        let text = explain("layout").unwrap();
        assert!(text.starts_with("# Layouts: ") && text.contains("\n## Reference\n"), "{text}");
    }

    #[rstest]
    #[case::near("REQUEST_STUK", Some("REQUEST_STUCK"))]
    #[case::far("frobnicate", None)]
    fn mistyped(#[case] name: &str, #[case] expected: Option<&str>) {
        assert_eq!((explain(name), nearest(name)), (None, expected));
    }
}
