//! Escapes of single characters, one function per markup.

/// Telegram's HTML mode.
pub(crate) use dvrf_cli::text::html;

/// Appends a character to a text, escaped where the markup requires it.
pub(crate) type Escape = fn(char, &mut String);

/// No markup: every character stands for itself.
pub(crate) fn verbatim(c: char, out: &mut String) {
    out.push(c);
}

/// Slack's mrkdwn: without the first three characters neither a mention nor a link can begin. A backquote, which Slack
/// cannot escape, would turn the rest of a message into code.
pub(crate) fn slack(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '`' => out.push('\''),
        c => out.push(c),
    }
}

/// Markdown as Teams and Discord parse it: every character that could begin markup gets a backslash.
pub(crate) fn markdown(c: char, out: &mut String) {
    if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~') {
        out.push('\\');
    }
    out.push(c);
}

/// Markdown as Mattermost and Rocket.Chat parse it. A backslash does not keep `@all` from notifying everybody there, but an
/// invisible space does.
pub(crate) fn mentions(c: char, out: &mut String) {
    markdown(c, out);
    if c == '@' {
        out.push('\u{200b}');
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::verbatim(verbatim, "<!channel> & a_b [x](y) \"q\"")]
    #[case::slack(slack, "&lt;!channel&gt; &amp; a_b [x](y) \"q\"")]
    #[case::html(html, "&lt;!channel&gt; &amp; a_b [x](y) &quot;q&quot;")]
    #[case::markdown(markdown, "\\<!channel\\> & a\\_b \\[x\\](y) \"q\"")]
    #[case::mentions(mentions, "\\<!channel\\> & a\\_b \\[x\\](y) \"q\"")]
    fn escapes(#[case] escape: Escape, #[case] expected: &str) {
        let mut escaped = String::new();
        "<!channel> & a_b [x](y) \"q\"".chars().for_each(|c| escape(c, &mut escaped));
        assert_eq!(escaped, expected);
    }

    #[test]
    fn a_backquote_begins_no_code_in_slack() {
        let mut escaped = String::new();
        "```x".chars().for_each(|c| slack(c, &mut escaped));
        assert_eq!(escaped, "'''x");
    }

    #[test]
    fn nobody_is_mentioned() {
        let mut escaped = String::new();
        "@all @here".chars().for_each(|c| mentions(c, &mut escaped));
        assert_eq!(escaped, "@\u{200b}all @\u{200b}here");
    }
}
