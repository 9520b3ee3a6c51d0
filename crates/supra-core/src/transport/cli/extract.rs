//! Finds JSON in the output of the CLI, between log lines, colours and prompts.

use serde_json::Value;

/// The largest number of positions that are tried as the start of a JSON value.
const ATTEMPTS_MAX: usize = 10_000;

/// The result of a search.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// The value of `result` or `Result`, or a bare array.
    Result(Value),
    /// The text of an error document.
    Refusal(String),
    /// No known JSON document.
    Nothing,
}

/// Finds the last object with a result, else the last error, else a bare array on lines of its own.
pub(super) fn find(output: &str) -> Found {
    let plain = strip(output);
    let mut refusal = None;
    let mut bare = None;
    let mut result = None;
    for (value, alone) in values(&plain) {
        let key = |names: &[&str]| names.iter().find_map(|name| value.get(*name)).cloned();
        if let Some(inner) = key(&["result", "Result"]) {
            // The CLI wraps the node's response: `{"Result": {"result": […]}}`.
            let nested = inner.get("result").cloned();
            result = Some(nested.unwrap_or(inner));
        } else if let Some(text) = key(&["message", "Error", "error"]) {
            refusal = Some(text.as_str().map_or_else(|| text.to_string(), str::to_owned));
        } else if value.is_array() && alone {
            bare = Some(value);
        }
    }
    match (result, refusal) {
        (None, Some(text)) => Found::Refusal(text),
        (result, _) => result.or(bare).map_or(Found::Nothing, Found::Result),
    }
}

/// Returns every top-level object and array.
pub(super) fn documents(output: &str) -> Vec<Value> {
    values(&strip(output)).into_iter().map(|(value, _)| value).collect()
}

/// Removes ANSI sequences, carriage returns and byte order marks.
fn strip(output: &str) -> String {
    let mut plain = String::with_capacity(output.len());
    let mut chars = output.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' if chars.peek() == Some(&'[') => {
                chars.next();
                // A control sequence ends with a byte from `@` to `~`.
                chars.by_ref().find(|c| matches!(c, '@'..='~'));
            }
            '\u{1b}' | '\r' | '\u{feff}' => {}
            c => plain.push(c),
        }
    }
    plain
}

/// Parses the top-level objects and arrays of a text, in order, with whether nothing else is on their lines.
fn values(text: &str) -> Vec<(Value, bool)> {
    let mut found = Vec::new();
    let mut rest = text;
    for _ in 0..ATTEMPTS_MAX {
        let Some(start) = rest.find(['{', '[']) else { break };
        rest = &rest[start..];
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value)) => {
                let before = text[..text.len() - rest.len()].rsplit('\n').next();
                rest = &rest[stream.byte_offset()..];
                let blank = |part: Option<&str>| part.is_none_or(|part| part.trim().is_empty());
                found.push((value, blank(before) && blank(rest.split('\n').next())));
            }
            _ => rest = &rest[1..],
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_style() {
        let one = || Found::Result(json!(["1"]));
        for output in [
            "{\n  \"result\": [\n    \"1\"\n  ]\n}\n",
            "URL: https://rpc-testnet.supra.com/rpc/v1/view\n{ \"result\": [\"1\"] }",
            "\u{feff}{\"result\":[\"1\"]}\r\n",
            "\u{1b}[32mINFO\u{1b}[0m supra_logger: [main] {starting}\n{\"result\":[\"1\"]}\ndone.",
            "{\"Result\": [\"1\"]}",
            "{\"Result\": {\"result\": [\"1\"]}}",
            "{\"message\":\"simulated\"} {\"result\":[\"1\"]}",
            "{\"result\":[\"0\"]}\n{\"result\":[\"1\"]}",
            "INFO [\"x\nnoise\n[\"1\"]",
        ] {
            assert_eq!(find(output), one(), "{output:?}");
        }
        assert_eq!(find("{\"result\": 600}"), Found::Result(json!(600)));
        assert_eq!(find("{\"result\": null}"), Found::Result(json!(null)));
        assert_eq!(
            find("{\n \"message\": \"no such function\"\n}"),
            Found::Refusal("no such function".into())
        );
        assert_eq!(find("{\"Error\": {\"code\": 3}}"), Found::Refusal("{\"code\":3}".into()));
        // A list inside a sentence is not an answer.
        for output in ["expected 0 arguments [], but got 1", "generic_type_params: []"] {
            assert_eq!(find(output), Found::Nothing, "{output:?}");
        }
        for output in
            ["", "hello", "{\"result\": [\"1\"", "NaN", "{\"other\":1}", "<html>{</html>", "\"text\"", "7"]
        {
            assert_eq!(find(output), Found::Nothing, "{output:?}");
        }
    }

    #[test]
    fn hostile_pages_end() {
        assert_eq!(find(&"[".repeat(200_000)), Found::Nothing);
        assert_eq!(find(&"{\"a\":".repeat(100_000)), Found::Nothing);
        assert_eq!(find(&format!("{{\"result\":{}", "[".repeat(5000))), Found::Nothing);
    }
}
