//! The CLI's output: pretty JSON, log lines around it, colours, line ends, failures.

use crate::environment::{Generation, Noise, Settings};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;

pub(super) struct Printer {
    noise: Noise,
    generation: Generation,
    started: bool,
}

impl Printer {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { noise: settings.noise, generation: settings.generation, started: false }
    }

    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        let mut out = String::new();
        if self.noise.log && !self.started {
            out.push_str("INFO supra_logger: Starting console-logger runtime at localhost:40123\n");
            out.push_str("INFO supra::common::verbose: Log level INFO enabled.\n");
        }
        self.started = true;
        out.push_str(text);
        if self.noise.ansi {
            let lines: Vec<String> = out.lines().map(|line| format!("\u{1b}[32m{line}\u{1b}[0m")).collect();
            out = lines.join("\n") + "\n";
        }
        if self.noise.crlf {
            out = out.replace('\n', "\r\n");
        }
        let mut stdout = io::stdout().lock();
        stdout.write_all(out.as_bytes())?;
        stdout.flush()
    }

    /// v6 shows where it asks before it answers.
    pub(super) fn url_line(&mut self, url: &str) -> io::Result<()> {
        if self.generation == Generation::V6 { self.text(&format!("URL: {url}\n")) } else { Ok(()) }
    }

    pub(super) fn json(&mut self, value: &Value) -> io::Result<()> {
        let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
        self.text(&format!("{text}\n"))
    }

    /// v9 and v10 pass the node's error through and end with 0.
    pub(super) fn server_error(&mut self, answer: &Value) -> io::Result<ExitCode> {
        let message =
            answer.get("message").and_then(Value::as_str).unwrap_or("unexpected response from the RPC node");
        if matches!(self.generation, Generation::V9 | Generation::V10) {
            self.json(&json!({"message": message}))?;
            return Ok(ExitCode::SUCCESS);
        }
        Self::failure(message)
    }

    pub(super) fn failure(text: &str) -> io::Result<ExitCode> {
        writeln!(io::stderr(), "Error: {text}")?;
        Ok(ExitCode::from(1))
    }
}
