//! Values that must never be shown, and URLs as far as they may be shown.

use std::fmt;

use crate::http::Endpoint;

/// A secret: a webhook URL, a token, an API key. Its `Debug` and `Display` say only that it is set.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret, without the newline that files and variables end in.
    pub fn new(text: &str) -> Self {
        Self(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// The secret itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The text with every secret in it, and every part of one that is long enough to be a secret itself, redacted: a
/// receiver may repeat our address in its answer.
pub fn redact(text: &str, secrets: &[&str]) -> String {
    const LENGTH_MIN: usize = 8;
    let mut parts: Vec<&str> = Vec::new();
    for secret in secrets {
        let after_scheme = secret.split_once("://").map_or(*secret, |(_, rest)| rest);
        // A host is shown anyway, and is part of many an honest answer.
        let (host, path) = if secret.contains("://") {
            after_scheme.split_once('/').unwrap_or((after_scheme, ""))
        } else {
            ("", after_scheme)
        };
        let user = host.rsplit_once('@').map_or("", |(user, _)| user);
        parts.extend([*secret, path]);
        parts.extend([path, user].into_iter().flat_map(|text| text.split(['/', '?', '&', '=', ':', '#'])));
    }
    parts.retain(|part| part.len() >= LENGTH_MIN);
    // The longest first, so that no part of one is left behind.
    parts.sort_unstable_by_key(|part| std::cmp::Reverse(part.len()));
    parts.iter().fold(text.to_owned(), |text, part| text.replace(part, "***"))
}

/// Scheme, host and port of a URL; `***` for a text that is not an HTTP URL.
pub fn redact_url(url: &str) -> String {
    Endpoint::parse(url).map_or_else(|_| "***".to_owned(), |endpoint| endpoint.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        let secret = Secret::new("token\n");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.reveal(), "token");
    }

    #[test]
    fn answers_that_repeat_a_secret_are_blotted() {
        let url = "https://user:password@h.example/T0/B0000001?key=12345678";
        let said = "password, B0000001, T0 and 12345678 at h.example, TOKEN:abcdefgh";
        assert_eq!(redact(said, &[url, "TOKEN:abcdefgh"]), "***, ***, T0 and *** at h.example, ***");
        assert_eq!(redact("no hook at https://h.example/x", &["https://h.example/x"]), "no hook at ***");
    }

    #[test]
    fn urls_keep_only_the_host() {
        for (url, shown) in [
            ("https://rpc.example:8080", "https://rpc.example:8080"),
            ("https://rpc.example/", "https://rpc.example"),
            ("https://rpc.example/v1/key123", "https://rpc.example/***"),
            ("https://user:pw@rpc.example", "https://rpc.example/***"),
            ("https://rpc.example?key=1", "https://rpc.example/***"),
            ("no-scheme/secret", "***"),
            ("http://a b/secret", "***"),
        ] {
            assert_eq!(redact_url(url), shown, "{url}");
        }
    }
}
