//! The Supra CLI as scripts meet it: the flags, styles, noise and bad habits of its generations.

use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use crate::environment;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Generation {
    V6,
    V9,
    V10,
    V11,
}

/// What a command said: its streams and its code.
struct Said {
    out: String,
    err: String,
    code: u8,
}

fn said(out: String) -> Said {
    Said { out, err: String::new(), code: 0 }
}

fn failed(text: &str, code: u8) -> Said {
    Said { out: String::new(), err: format!("Error: {text}\n"), code }
}

/// Runs the persona with the words after `supra`.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let generation = match environment::get(environment::CLI).as_deref() {
        Some("v6") => Generation::V6,
        Some("v10") => Generation::V10,
        Some("v11") => Generation::V11,
        _ => Generation::V9,
    };
    let fault = environment::get(environment::CLI_FAULT).unwrap_or_default();
    let result = misbehave(&fault).unwrap_or_else(|| act(generation, words));
    let noise = environment::get(environment::CLI_NOISE).unwrap_or_default();
    let mut out = result.out;
    if matches!(noise.as_str(), "log" | "all") {
        out = format!("INFO supra_logger: Starting console-logger runtime at localhost:40001…\n{out}");
    }
    if matches!(noise.as_str(), "ansi" | "all") {
        out = format!("\u{1b}[32mINFO\u{1b}[0m supra::common::verbose: Log level INFO enabled.\n{out}");
    }
    if matches!(noise.as_str(), "crlf" | "all") {
        out = out.replace('\n', "\r\n");
    }
    // Nobody may be listening; a CLI does not mind.
    let _ = io::stderr().write_all(result.err.as_bytes());
    let _ = io::stdout().write_all(out.as_bytes());
    ExitCode::from(result.code)
}

/// The CLI's own misbehaviour, whatever it was asked.
fn misbehave(fault: &str) -> Option<Said> {
    match fault {
        "hang" => {
            std::thread::sleep(Duration::from_secs(120));
            Some(failed("hung", 1))
        }
        "grandchild" => {
            // A background process that keeps the pipe open after the CLI has ended.
            drop(std::process::Command::new("sleep").arg("20").spawn());
            None
        }
        "exit" => Some(failed("connection refused", 1)),
        "garbage" => Some(said("Segmentation fault {".to_owned())),
        "stderr" => {
            let _ = io::stderr().write_all(&vec![b'x'; 1 << 20]);
            None
        }
        "prompt" => {
            let mut line = String::new();
            let read = io::stdin().lock().read_line(&mut line).unwrap_or(0);
            (read == 0).then(|| failed("no password given", 1))
        }
        _ => None,
    }
}

/// The words of a command, split into flags with their values.
struct Words<'a> {
    flags: Vec<(&'a str, Vec<&'a str>)>,
}

impl<'a> Words<'a> {
    fn parse(words: &'a [String], known: &[&str]) -> Result<Self, Said> {
        let mut flags: Vec<(&str, Vec<&str>)> = Vec::new();
        for word in words {
            if word.starts_with("--") {
                if !known.contains(&word.as_str()) {
                    let err = format!(
                        "error: unexpected argument '{word}' found\n\nUsage: supra move tool [OPTIONS]\n"
                    );
                    return Err(Said { out: String::new(), err, code: 2 });
                }
                flags.push((word, Vec::new()));
            } else if let Some((_, values)) = flags.last_mut() {
                values.push(word);
            }
        }
        Ok(Self { flags })
    }

    fn all(&self, flag: &str) -> Vec<&'a str> {
        self.flags.iter().filter(|(name, _)| *name == flag).flat_map(|(_, values)| values.clone()).collect()
    }

    fn one(&self, flag: &str) -> Option<&'a str> {
        self.all(flag).first().copied()
    }
}

fn act(generation: Generation, words: &[String]) -> Said {
    let plain: Vec<&str> = words.iter().map(String::as_str).collect();
    let url_flag = if generation == Generation::V6 { "--url" } else { "--rpc-url" };
    let mut known = vec!["--function-id", "--args", "--type-args", "--profile", url_flag];
    if generation == Generation::V11 {
        known.extend(["--network", "--accept-defaults", "--account", "--simulate"]);
    } else {
        known.extend(["--assume-yes", "--assume-no"]);
    }
    let url_of = |words: &Words| {
        words
            .one(url_flag)
            .map(str::to_owned)
            .or_else(|| environment::get(environment::URL))
            .unwrap_or_default()
    };
    match plain[..] {
        ["move", "tool", "view", ..] => match Words::parse(&words[3..], &known) {
            Ok(words) => view(generation, &words, &url_of(&words)),
            Err(refused) => refused,
        },
        ["move", "tool", "run", ..] => {
            known.extend(["--gas-unit-price", "--max-gas", "--expiration-secs", "--sender-account"]);
            match Words::parse(&words[3..], &known) {
                Ok(words) => transaction(generation, &words, &url_of(&words)),
                Err(refused) => refused,
            }
        }
        ["move", "tool", "list" | "show", ..] => {
            known.extend(["--query", "--name"]);
            match Words::parse(&words[3..], &known) {
                Ok(words) => account(&words, &url_of(&words)),
                Err(refused) => refused,
            }
        }
        ["profile", "-l" | "list", ..] => said("* devnet\n".to_owned()),
        _ => failed("unrecognized subcommand", 2),
    }
}

/// `TYPE:VALUE` as the REST API takes it.
fn argument(word: &str) -> Value {
    let (kind, value) = word.split_once(':').unwrap_or(("string", word));
    if let Some(list) = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return list.split(',').filter(|item| !item.is_empty()).collect();
    }
    match kind {
        "bool" => json!(value == "true"),
        "u8" | "u16" | "u32" => value.parse::<u32>().map_or_else(|_| json!(value), |number| json!(number)),
        _ => json!(value),
    }
}

fn pretty(value: &Value) -> String {
    format!("{}\n", serde_json::to_string_pretty(value).unwrap_or_default())
}

/// What a generation makes of a node's answer.
fn show(generation: Generation, url: &str, path: &str, answer: Result<(u16, String), String>) -> Said {
    let (status, body) = match answer {
        Ok(answer) => answer,
        Err(error) => return failed(&error, 1),
    };
    let parsed: Option<Value> = serde_json::from_str(&body).ok();
    let message = parsed.as_ref().and_then(|body| body.get("message")).and_then(Value::as_str);
    match (parsed.as_ref(), message, generation) {
        // These pass a node's error on as if it were an answer.
        (Some(body), Some(_), Generation::V9 | Generation::V10) => said(pretty(body)),
        (_, Some(message), _) => failed(message, 1),
        (Some(body), None, _) if (200..300).contains(&status) => {
            let text = pretty(body);
            said(if generation == Generation::V6 { format!("URL: {url}{path}\n{text}") } else { text })
        }
        _ => failed(&format!("unexpected response {status}: {body}"), 1),
    }
}

fn view(generation: Generation, words: &Words, url: &str) -> Said {
    let Some(function) = words.one("--function-id") else { return failed("--function-id is required", 2) };
    let arguments: Vec<Value> = words.all("--args").into_iter().map(argument).collect();
    let body =
        json!({"function": function, "type_arguments": words.all("--type-args"), "arguments": arguments});
    let path = if generation == Generation::V6 { "/rpc/v1/view" } else { "/rpc/v3/view" };
    let mut answer = call(url, "POST", path, &body.to_string());
    if matches!(&answer, Ok((404, body)) if body.is_empty()) {
        answer = call(url, "POST", "/rpc/v2/view", &body.to_string());
    }
    show(generation, url, path, answer)
}

fn transaction(generation: Generation, words: &Words, url: &str) -> Said {
    let Some(function) = words.one("--function-id") else { return failed("--function-id is required", 2) };
    let arguments: Vec<Value> = words.all("--args").into_iter().map(argument).collect();
    let body = json!({"function": function, "arguments": arguments, "sender": words.one("--sender-account")});
    show(generation, url, "/rpc/v3/transactions/submit", call(url, "POST", "/devnet/run", &body.to_string()))
}

fn account(words: &Words, url: &str) -> Said {
    let Some(account) = words.one("--account") else { return failed("no active profile", 1) };
    let path = match (words.one("--query"), words.one("--name")) {
        (Some("resources"), _) => format!("/rpc/v3/accounts/{account}/resources"),
        (Some("module"), Some(name)) => format!("/rpc/v3/accounts/{account}/modules/{name}"),
        _ => return failed("--query is resources or module", 2),
    };
    match call(url, "GET", &path, "") {
        Ok((200, body)) => {
            said(pretty(&json!({"Result": serde_json::from_str::<Value>(&body).unwrap_or_default()})))
        }
        Ok((_, body)) => said(pretty(&json!({"Error": body}))),
        Err(error) => failed(&error, 1),
    }
}

/// One HTTP call with nothing but a socket: a persona must start in a millisecond.
fn call(url: &str, method: &str, path: &str, body: &str) -> Result<(u16, String), String> {
    let host = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
    let refused = |error: &dyn std::fmt::Display| format!("error sending request to the node: {error}");
    let mut stream = TcpStream::connect(host).map_err(|error| refused(&error))?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).map_err(|error| refused(&error))?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).map_err(|error| refused(&error))?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(|error| refused(&error))?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").ok_or("the node hung up")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse::<usize>().ok());
    if length.is_some_and(|length| length > body.len()) {
        return Err(refused(&"the body was cut"));
    }
    Ok((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        assert_eq!(argument("address:0x1"), json!("0x1"));
        assert_eq!(argument("address:[0x1,0x2]"), json!(["0x1", "0x2"]));
        assert_eq!(argument("u64:5"), json!("5"));
        assert_eq!(argument("u8:5"), json!(5));
        assert_eq!(argument("bool:true"), json!(true));
    }

    #[test]
    fn flags_of_another_generation_are_refused() {
        let words = ["move", "tool", "view", "--url", "http://127.0.0.1:1"].map(str::to_owned);
        let refused = act(Generation::V9, &words);
        assert_eq!(
            (refused.code, refused.err.lines().next()),
            (2, Some("error: unexpected argument '--url' found"))
        );
        let words = ["move", "tool", "run", "--assume-yes"].map(str::to_owned);
        assert_eq!(act(Generation::V11, &words).code, 2);
    }
}
