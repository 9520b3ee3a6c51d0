//! Secrets, and the redaction of text that may contain them.

use std::fmt;

/// A secret such as a webhook URL, a token or an API key. `Debug` and `Display` print `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret and drops trailing newlines.
    pub fn new(text: &str) -> Self {
        Self(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Returns the secret itself.
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

/// Replaces every secret in a text by `***`, and every part of a secret URL that is at least 8 bytes long. Servers repeat
/// request URLs in their error messages.
pub fn redact(text: &str, secrets: &[&str]) -> String {
    const LENGTH_MIN: usize = 8;
    let mut parts: Vec<&str> = Vec::new();
    for secret in secrets {
        let after_scheme = secret.split_once("://").map_or(*secret, |(_, rest)| rest);
        // The host is not secret, and many messages contain it legitimately.
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
    // Longest first: replacing a part first would leave the rest of the whole visible.
    parts.sort_unstable_by_key(|part| std::cmp::Reverse(part.len()));
    parts.iter().fold(text.to_owned(), |text, part| text.replace(part, "***"))
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
    fn repeated_secrets_are_redacted() {
        let url = "https://user:password@h.example/T0/B0000001?key=12345678";
        let text = "password, B0000001, T0 and 12345678 at h.example, TOKEN:abcdefgh";
        assert_eq!(redact(text, &[url, "TOKEN:abcdefgh"]), "***, ***, T0 and *** at h.example, ***");
        assert_eq!(redact("no hook at https://h.example/x", &["https://h.example/x"]), "no hook at ***");
    }
}
