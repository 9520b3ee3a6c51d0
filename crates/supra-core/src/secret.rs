//! Secrets, and the redaction of text that may contain them.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

/// A secret such as a webhook URL, a token or an API key. `Debug` and `Display` print `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret without trailing newlines and without the byte-order mark that some editors put first.
    pub fn new(text: &str) -> Self {
        Self(text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']).to_owned())
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

/// Replaces secrets in text by `***`. Servers repeat URLs, headers and keys in their error messages.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first: replacing a part first would leave the rest of the whole visible.
    parts: Vec<String>,
}

/// The shortest part of a URL's path or query that is redacted wherever it occurs; shorter ones could be ordinary words.
const URL_PART_BYTES_MIN: usize = 8;
/// The shortest key, password or delimited path segment that is redacted.
const KEY_BYTES_MIN: usize = 4;

impl Redactor {
    /// Redacts these secrets: keys, header values such as `Bearer KEY`, and of URLs everything but the host. Each is
    /// recognised as written, percent-encoded, percent-decoded and as a JSON string spells it.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut parts = Vec::new();
        for secret in secrets {
            let plain = match secret.split_once("://") {
                Some((_, rest)) => url_parts(secret, rest),
                None => key_parts(secret),
            };
            for part in plain {
                parts.push(percent_decode_str(&part).decode_utf8_lossy().into_owned());
                parts.extend(spellings(&part));
                parts.push(part);
            }
        }
        parts.retain(|part| part.len() >= KEY_BYTES_MIN);
        parts.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        parts.dedup();
        Self { parts }
    }

    /// Returns the text with every secret replaced.
    pub fn redact(&self, text: &str) -> String {
        self.parts.iter().fold(text.to_owned(), |text, part| {
            let shown = if part.starts_with('/') { "/***" } else { "***" };
            if text.contains(part.as_str()) { text.replace(part.as_str(), shown) } else { text }
        })
    }

    /// Redacts every string in a JSON value, but no keys.
    pub fn redact_json(&self, value: &mut Value) {
        match value {
            Value::String(text) if self.parts.iter().any(|part| text.contains(part.as_str())) => {
                *text = self.redact(text);
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_json(item)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.redact_json(field)),
            _ => {}
        }
    }

    /// Returns whether there is nothing to redact.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

/// What JavaScript's `encodeURIComponent` encodes.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// How servers write a secret: percent-encoded with digits in either case, and in a JSON string, with or without `\/`.
fn spellings(part: &str) -> Vec<String> {
    let upper = [NON_ALPHANUMERIC, COMPONENT].map(|set| utf8_percent_encode(part, set).to_string());
    let lower = upper.each_ref().map(|text| {
        let digits = |(at, piece): (usize, &str)| match piece.split_at_checked(2) {
            Some((hex, rest)) if at > 0 => hex.to_ascii_lowercase() + rest,
            _ => piece.to_owned(),
        };
        text.split('%').enumerate().map(digits).collect::<Vec<_>>().join("%")
    });
    let quoted = Value::from(part).to_string();
    let json = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(part);
    let slashes = json.replace('/', "\\/");
    upper.into_iter().chain(lower).chain([json.to_owned(), slashes]).collect()
}

/// A key, and what follows the scheme of an authorization header.
fn key_parts(key: &str) -> Vec<String> {
    let credentials = key.rsplit(' ').next().unwrap_or_default();
    let pieces = credentials.split(':').filter(|piece| piece.len() >= URL_PART_BYTES_MIN);
    [key, credentials].into_iter().chain(pieces).map(str::to_owned).collect()
}

/// The whole URL, user and password, the path with its segments, and the query with its values.
fn url_parts(url: &str, rest: &str) -> Vec<String> {
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut parts = Vec::new();
    if let Some((user, _)) = host.rsplit_once('@') {
        parts.extend(user.split(':').chain([user]).map(str::to_owned));
    }
    // A URL without a path is only a host, which messages name.
    if !path.is_empty() || !parts.is_empty() {
        parts.push(url.to_owned());
    }
    let pieces = path.split(['/', '?', '&', '=', ':', '#']).chain([path]);
    parts.extend(pieces.filter(|piece| piece.len() >= URL_PART_BYTES_MIN).map(str::to_owned));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let short = path.split('/').filter(|piece| (KEY_BYTES_MIN..URL_PART_BYTES_MIN).contains(&piece.len()));
    parts.extend(short.map(|piece| format!("/{piece}")));
    parts.extend(query.split('&').map(str::to_owned));
    parts
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_do_not_print() {
        let secret = Secret::new("token\n");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.reveal(), "token");
        assert_eq!(Secret::new("\u{feff}token\r\n").reveal(), "token", "as Windows editors save it");
    }

    #[rstest]
    #[case::url(
        "https://user:password@h.example/T0/B0000001?key=12345678",
        "password, B0000001, T0 and 12345678 at h.example",
        "***, ***, T0 and *** at h.example"
    )]
    #[case::whole_url("https://h.example/x", "no hook at https://h.example/x", "no hook at ***")]
    #[case::host_only(
        "https://h.example",
        "https://h.example does not answer",
        "https://h.example does not answer"
    )]
    #[case::short_segment(
        "https://h.example/k3y9",
        "Cannot POST /k3y9/rpc/v3/view",
        "Cannot POST /***/rpc/v3/view"
    )]
    #[case::short_query("https://h.example/?k=a1", "bad query k=a1", "bad query ***")]
    #[case::short_password("http://u:pw12@h.example", "user u, password pw12", "user u, password ***")]
    #[case::encoded("https://h.example/a%2Fsecret-key", "no a/secret-key, a%2Fsecret-key", "no ***, ***")]
    #[case::key("s3cr", "Invalid API key: s3cr", "Invalid API key: ***")]
    #[case::bearer("Bearer abcd1234", "token abcd1234; Bearer abcd1234", "token ***; ***")]
    #[case::encoded_key("a+b/c=d8", "key a%2Bb%2Fc%3Dd8 and a+b/c=d8", "key *** and ***")]
    #[case::encoded_by_javascript("a+b/c-d_8", "key a%2Bb%2Fc-d_8 and a%2bb%2fc-d_8", "key *** and ***")]
    #[case::encoded_in_lower_case("a+b/c-d8", "key a%2bb%2fc%2dd8", "key ***")]
    #[case::in_json("a/b\"c=d8", r#"key a\/b\"c=d8 and a/b\"c=d8"#, "key *** and ***")]
    #[case::in_json_with_a_quote_at_the_end("a/b=c8\"", r#"{"key":"a/b=c8\""}"#, r#"{"key":"***"}"#)]
    #[case::telegram("TOKEN:abcdefgh", "TOKEN:abcdefgh, abcdefgh", "***, ***")]
    fn echoed_secrets_are_redacted(#[case] secret: &str, #[case] text: &str, #[case] expected: &str) {
        assert_eq!(Redactor::new([secret]).redact(text), expected);
    }

    #[test]
    fn json_keeps_its_keys() {
        let mut value = json!({"s3cr": ["s3cr", 5, {"message": "key s3cr"}]});
        Redactor::new(["s3cr"]).redact_json(&mut value);
        assert_eq!(value, json!({"s3cr": ["***", 5, {"message": "key ***"}]}));
    }
}
