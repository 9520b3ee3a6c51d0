//! Cutting and escaping in one pass: a cut never falls inside an escape or a character.
//!
//! Lengths are UTF-16 units, which is what chat services count; it is never less than the number of characters.

/// How a channel wants a character written.
pub(crate) type Escape = fn(char, &mut String);

/// As it is.
pub(crate) fn verbatim(c: char, out: &mut String) {
    out.push(c);
}

/// Slack's three control characters; without them neither a mention nor a link can begin.
pub(crate) fn slack(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        c => out.push(c),
    }
}

/// Telegram's HTML mode.
pub(crate) fn html(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        c => out.push(c),
    }
}

/// Markdown as Teams and Discord read it: every mark that could begin something is quoted.
pub(crate) fn markdown(c: char, out: &mut String) {
    if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~') {
        out.push('\\');
    }
    out.push(c);
}

/// The length that limits are counted in.
pub(crate) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The text escaped, at most `limit` units long, with `…` where it was cut.
pub(crate) fn clip(text: &str, limit: usize, escape: Escape) -> String {
    let mut out = String::new();
    let (mut used, mut keep) = (0, 0);
    for c in text.chars() {
        let before = out.len();
        escape(c, &mut out);
        used += units(&out[before..]);
        if used > limit {
            out.truncate(keep);
            if limit > 0 {
                out.push('…');
            }
            return out;
        }
        // Where the mark still fits behind.
        if used < limit {
            keep = out.len();
        }
    }
    out
}

/// As many whole lines as fit into `limit` units, and whether all did.
pub(crate) fn lines(all: &[String], limit: usize) -> (Vec<String>, bool) {
    let mut used = 0;
    let mut taken = Vec::new();
    for line in all {
        used += units(line) + 1;
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

    use super::*;

    #[test]
    fn escapes() {
        let of = |escape: Escape| clip("<!channel> & a_b [x](y) \"q\"", 500, escape);
        assert_eq!(of(slack), "&lt;!channel&gt; &amp; a_b [x](y) \"q\"");
        assert_eq!(of(html), "&lt;!channel&gt; &amp; a_b [x](y) &quot;q&quot;");
        assert_eq!(of(markdown), "\\<!channel\\> & a\\_b \\[x\\](y) \"q\"");
    }

    #[test]
    fn cuts() {
        assert_eq!(clip("abcd", 4, verbatim), "abcd");
        assert_eq!(clip("abcde", 4, verbatim), "abc…");
        assert_eq!(clip("a&b", 5, html), "a…");
        assert_eq!(clip("a&", 6, html), "a&amp;");
        assert_eq!(clip("🚨🚨", 3, verbatim), "🚨…");
        assert_eq!(clip("abc", 0, verbatim), "");
        assert_eq!(lines(&["ab".into(), "c".into()], 5), (vec!["ab".into(), "c".into()], true));
        assert_eq!(lines(&["ab".into(), "c".into()], 4), (vec!["ab".into()], false));
    }

    proptest! {
        #[test]
        fn never_longer_and_never_half_an_escape(text in "\\PC{0,60}", limit in 0usize..80) {
            for escape in [verbatim, slack, html, markdown] {
                let cut = clip(&text, limit, escape);
                prop_assert!(units(&cut) <= limit);
                let whole = clip(&text, usize::MAX, escape);
                let kept = cut.strip_suffix('…').unwrap_or(&cut);
                prop_assert!(whole.starts_with(kept));
                // What was kept is the escaped form of some beginning of the text.
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
