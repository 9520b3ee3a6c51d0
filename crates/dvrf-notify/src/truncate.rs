//! Escapes and truncates text in one pass, so that the cut never falls inside an escape or a character.
//!
//! Lengths are in UTF-16 units, which chat services count; that is never less than the number of characters.

use crate::escape::Escape;

/// The length in UTF-16 units.
pub(crate) fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Escapes a text and truncates it to `limit` units; `…` marks the cut.
pub(crate) fn truncate(text: &str, limit: usize, escape: Escape) -> String {
    let mut out = String::new();
    let (mut used, mut keep) = (0, 0);
    for c in text.chars() {
        let before = out.len();
        escape(c, &mut out);
        used += utf16_len(&out[before..]);
        if used > limit {
            out.truncate(keep);
            if limit > 0 {
                out.push('…');
            }
            return out;
        }
        // Up to here there is room for the mark.
        if used < limit {
            keep = out.len();
        }
    }
    out
}

/// The first lines that fit into `limit` units with their line ends, and whether these are all.
pub(crate) fn whole_lines(all: &[String], limit: usize) -> (Vec<String>, bool) {
    let mut used = 0;
    let mut taken = Vec::new();
    for line in all {
        used += utf16_len(line) + 1;
        if used > limit {
            return (taken, false);
        }
        taken.push(line.clone());
    }
    (taken, true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::escape::{html, markdown, slack, verbatim};

    #[rstest]
    #[case::fits("abcd", 4, verbatim, "abcd")]
    #[case::too_long("abcde", 4, verbatim, "abc…")]
    #[case::no_half_escape("a&b", 5, html, "a…")]
    #[case::escape_fits("a&", 6, html, "a&amp;")]
    #[case::no_half_surrogate_pair("🚨🚨", 3, verbatim, "🚨…")]
    #[case::no_room("abc", 0, verbatim, "")]
    fn truncates(#[case] text: &str, #[case] limit: usize, #[case] escape: Escape, #[case] expected: &str) {
        assert_eq!(truncate(text, limit, escape), expected);
    }

    #[rstest]
    #[case::all(5, &["ab", "c"], true)]
    #[case::first(4, &["ab"], false)]
    fn keeps_whole_lines(#[case] limit: usize, #[case] expected: &[&str], #[case] complete: bool) {
        let lines = ["ab".to_owned(), "c".to_owned()];
        assert_eq!(
            whole_lines(&lines, limit),
            (expected.iter().map(|&line| line.to_owned()).collect(), complete)
        );
    }

    proptest! {
        #[test]
        fn never_longer_and_never_half_an_escape(text in "\\PC{0,60}", limit in 0usize..80) {
            for escape in [verbatim, slack, html, markdown] {
                let cut = truncate(&text, limit, escape);
                prop_assert!(utf16_len(&cut) <= limit);
                let whole = truncate(&text, usize::MAX, escape);
                let kept = cut.strip_suffix('…').unwrap_or(&cut);
                prop_assert!(whole.starts_with(kept));
                // The kept part is the escaped form of a prefix of the text.
                let mut begin = String::new();
                let mut found = kept.is_empty();
                for c in text.chars() {
                    escape(c, &mut begin);
                    found |= begin == kept;
                }
                prop_assert!(found);
            }
        }
    }
}
