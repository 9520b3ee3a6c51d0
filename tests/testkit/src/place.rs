//! A chain, and a folder for the state and the log of a tool that sends: for tests in which runs are killed.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use assert_cmd::Command;
use serde_json::{Value, json};

use crate::{Devnet, Outcome, program, run};

/// A devnet in a scenario, and what a tool keeps between runs.
pub struct Place {
    /// The chain.
    pub devnet: Devnet,
    folder: tempfile::TempDir,
    scenario: &'static str,
    tool: fn(&Devnet) -> Command,
    words: &'static [&'static str],
}

impl Place {
    /// Starts a devnet in the scenario. `tool` is the tool pointed at it, and `words` are those of every run; the places of
    /// the state and of the log are added.
    ///
    /// # Panics
    /// When it does not start.
    pub fn new(scenario: &'static str, tool: fn(&Devnet) -> Command, words: &'static [&'static str]) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        Self { devnet: Devnet::start(&["--scenario", scenario]), folder, scenario, tool, words }
    }

    /// Starts the scenario again, with nothing remembered.
    pub fn again(&self) {
        for name in ["state", "log", "lock"] {
            let path = self.path(name);
            drop(std::fs::remove_dir_all(&path));
            drop(std::fs::remove_file(path));
        }
        self.devnet.enter(self.scenario);
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The words of a run.
    pub fn words(&self) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        let mut words: Vec<String> = self.words.iter().map(|word| (*word).to_owned()).collect();
        words.extend(["--state-dir".to_owned(), path("state"), "--log-file".to_owned(), path("log")]);
        words
    }

    /// A run.
    pub fn command(&self) -> Command {
        let mut command = (self.tool)(&self.devnet);
        command.args(self.words());
        command
    }

    /// A run that is killed by the test, or kills itself.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn spawn(&self, environment: &[(&str, &str)]) -> Child {
        let inner = self.command();
        let mut command = std::process::Command::new(inner.get_program());
        command.env_clear().args(inner.get_args());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        for (name, value) in inner.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.envs(environment.iter().copied());
        command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    /// A run after an accident, as soon as nothing of the killed run holds the lock any more: its CLI may, on a slow machine
    /// for a while.
    pub fn first_run(&self) -> Value {
        let mut first = run(&mut self.command()).json();
        for _ in 0..20 {
            if first["status"] != "busy" {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
            first = run(&mut self.command()).json();
        }
        first
    }

    /// A run some hours later by the chain's clock and by ours. The test declares `faketime`.
    pub fn later(&self, hours: u32, more: &[&str]) -> Outcome {
        self.devnet.control(&json!({"advance_blocks": 7200 * hours}));
        let inner = self.command();
        let mut later = program("faketime");
        later.args(["--exclude-monotonic", "-f", &format!("+{hours}h")]).arg(inner.get_program());
        later.args(inner.get_args()).args(more).env_clear();
        for (name, value) in inner.get_envs() {
            later.env(name, value.unwrap_or_default());
        }
        run(&mut later)
    }

    /// Every line of the log, parsed.
    ///
    /// # Panics
    /// When a line is not JSON.
    pub fn log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("log")).unwrap_or_default();
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        text.lines().map(parse).collect()
    }

    /// The journal of the tool.
    ///
    /// # Panics
    /// When there is none.
    pub fn journal(&self) -> PathBuf {
        let files = std::fs::read_dir(self.path("state")).into_iter().flatten().flatten();
        let mut files = files.map(|entry| entry.path());
        let journal = files.find(|path| path.extension().is_some_and(|end| end == "json"));
        journal.unwrap_or_else(|| panic!("no journal in {}", self.path("state").display()))
    }
}
