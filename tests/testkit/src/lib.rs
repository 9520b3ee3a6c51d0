//! The harness of the suite: where things are, how a tool is run, how a devnet is started.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::OnceLock;

use assert_cmd::Command;

pub mod authority;
pub mod mock_receiver;
mod outcome;
mod place;
pub mod receivers;
mod reports;
pub mod requirements;

pub use needs::needs;
pub use outcome::{Outcome, Printed, Run, json_at, run};
pub use place::Place;
pub use reports::{MINIMUM, healthy_report, report};
pub use requirements::program;

/// The workspace's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// The folder that cargo builds into, of the profile of the running test.
///
/// # Panics
/// When the running program is not one that cargo built.
pub fn target() -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    let folder =
        test.ancestors().find(|folder| folder.join("deps").is_dir() && folder.join("build").is_dir());
    folder.unwrap_or_else(|| panic!("{} was not built by cargo", test.display())).to_owned()
}

/// The path of one of our binaries, which is built if it is not up to date.
///
/// # Panics
/// When it cannot be built.
pub fn binary(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(build);
    let path = target().join(name);
    assert!(path.exists(), "no crate of the workspace builds {name}");
    path
}

/// Builds the binaries of all crates, unless the caller of this test has done so.
fn build() {
    #[expect(clippy::disallowed_methods, reason = "a setting of the harness, not of the tools")]
    let is_built = std::env::var_os("DVRF_SUITE_BUILT").is_some();
    if is_built {
        return;
    }
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.current_dir(root()).args(["build", "--workspace", "--bins", "--quiet"]);
    let built = cargo.status().is_ok_and(|status| status.success());
    assert!(built, "{cargo:?} failed");
}

/// A tool with an empty environment, so that a developer's own settings change nothing; only `PATH` stays.
pub fn tool(name: &str) -> Command {
    let mut command = Command::new(binary(name));
    command.env_clear();
    command.env("PATH", requirements::path());
    command.timeout(std::time::Duration::from_secs(60));
    command
}

/// What a CLI says that cannot send, because it does not know the profile.
pub const REFUSAL: &str = "CliProfile: KeyNotFound(\"x\")";

/// A served devnet; it ends with the test.
pub struct Devnet {
    child: Child,
    /// Where it listens.
    pub url: String,
    /// Further nodes of the same chain, with `--replicas`.
    pub replicas: Vec<String>,
    /// The emulated CLI: a link named `supra` to the emulator.
    pub cli: PathBuf,
    folder: tempfile::TempDir,
}

/// How a tool reaches the devnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// REST.
    Rpc,
    /// The emulated CLI of a generation.
    Cli(&'static str),
}

impl Devnet {
    /// Serves a chain with these words after `serve`; the clock stands still unless they say otherwise.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(words: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let cli = folder.path().join("supra");
        std::os::unix::fs::symlink(binary("dvrf-devnet"), &cli)
            .unwrap_or_else(|error| panic!("no link: {error}"));
        let mut child = std::process::Command::new(binary("dvrf-devnet"))
            .arg("serve")
            .args(["--block-ms", "0"].iter().filter(|_| !words.contains(&"--block-ms")))
            .args(words)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("no devnet: {error}"));
        let replicas = words.iter().skip_while(|word| **word != "--replicas").nth(1);
        let nodes = 1 + replicas.and_then(|count| count.parse().ok()).unwrap_or(0);
        let lines = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        // It prints a line for each node and for each further contract, and must not find the pipe closed.
        let contracts = words.iter().filter(|word| **word == "--consumer").count();
        let lines = lines.into_iter().flatten().take(nodes + contracts).map(Result::unwrap_or_default);
        let mut urls = lines.filter(|line| line.starts_with("http"));
        let url = urls.next().unwrap_or_default();
        assert!(url.starts_with("http://"), "the devnet printed {url:?}");
        let replicas = urls.collect();
        Self { child, url, replicas, cli, folder }
    }

    /// A tool pointed at the chain, with a cache of its own.
    pub fn tool(&self, name: &str, way: Way) -> Command {
        let mut command = tool(name);
        command
            .env("LOTTERY_ADDR", LOTTERY)
            .env("DEPOSIT_ADDR", DEPOSIT)
            .env("PROFILE", "devnet")
            .env("DVRF_CHAIN_ID", "6")
            .env("DVRF_CACHE_DIR", self.folder.path().join("cache"));
        match way {
            Way::Rpc => command.env("SUPRA_RPC_URL", &self.url),
            Way::Cli(generation) => command
                .env("SUPRA_CLI_BIN", &self.cli)
                .env("DVRF_DEVNET_URL", &self.url)
                .env("DVRF_DEVNET_CLI", generation)
                .env("DVRF_CLI_GENERATION", generation),
        };
        command
    }

    /// Sends an order to the control endpoint.
    ///
    /// # Panics
    /// When the devnet refuses it.
    pub fn control(&self, order: &serde_json::Value) {
        let answer = self.call("POST", "/devnet/control", &order.to_string());
        assert!(answer["ok"] == true, "the devnet refused {order}: {answer}");
    }

    /// Makes a replica differ from the chain: `lag_blocks`, `stuck_at`, `fault`.
    ///
    /// # Panics
    /// When the devnet refuses it.
    pub fn replica(&self, index: usize, order: &serde_json::Value) {
        let answer = call(&self.replicas[index], "POST", "/devnet/control", &order.to_string());
        assert!(answer["ok"] == true, "the devnet refused {order}: {answer}");
    }

    /// The address of the `index`-th client and its balance as JSON; 0 is the lottery's own.
    pub fn client(&self, index: usize) -> (String, serde_json::Value) {
        let client = &self.call("GET", "/devnet/state", "")["clients"][index];
        (client["address"].as_str().unwrap_or_default().to_owned(), client["balance"].clone())
    }

    /// A CLI that is a shell script: `$CLI` is the emulated one, `$URL` this chain. It notes each start.
    ///
    /// # Panics
    /// When the script cannot be written.
    pub fn scripted_cli(&self, script: &str) -> String {
        let (path, runs) = (self.folder.path().join("scripted"), self.folder.path().join("starts"));
        let (cli, url, runs) = (self.cli.display(), &self.url, runs.display());
        let text = format!("CLI={cli}\nURL={url}\nRUNS={runs}\necho >>$RUNS\n{script}\n");
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("no script: {error}"));
        format!("sh {}", path.display())
    }

    /// One that works when a test of `$(wc -l <$RUNS)`, the number of its starts, is true, and otherwise refuses to send.
    ///
    /// # Panics
    /// When the script cannot be written.
    pub fn cli_that_works_when(&self, test: &str) -> String {
        self.scripted_cli(&format!(
            "[ $(wc -l <$RUNS) {test} ] && exec $CLI \"$@\"\necho '{REFUSAL}' >&2\nexit 1"
        ))
    }

    /// How often the scripted CLI was started.
    pub fn cli_starts(&self) -> usize {
        let starts = std::fs::read_to_string(self.folder.path().join("starts"));
        starts.unwrap_or_default().lines().count()
    }

    /// Starts the chain again, in this situation.
    pub fn enter(&self, scenario: &str) {
        self.control(&serde_json::json!({"scenario": scenario}));
    }

    /// Puts these faults, in the words of `--fault`, in the place of all others and counts requests from 0.
    pub fn fault(&self, words: &str) {
        self.control(&serde_json::json!({"faults": {}, "fault": words, "reset_requests": true}));
    }

    /// How many requests there were since the last [`Devnet::forget`], by function or path.
    pub fn requests(&self) -> serde_json::Value {
        self.call("GET", "/devnet/requests", "")
    }

    /// Sets the counts to nothing.
    pub fn forget(&self) {
        self.control(&serde_json::json!({"reset_requests": true}));
    }

    /// One call to the devnet's own endpoints.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn call(&self, method: &str, path: &str, body: &str) -> serde_json::Value {
        call(&self.url, method, path, body)
    }
}

/// One call to a node's own endpoints.
fn call(url: &str, method: &str, path: &str, body: &str) -> serde_json::Value {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap_or_else(|error| panic!("no connection: {error}"));
    let head =
        format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap_or_else(|error| panic!("{error}"));
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

impl Drop for Devnet {
    fn drop(&mut self) {
        // It may have been killed by the test already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The address of the devnet's lottery.
pub const LOTTERY: &str = "0x9a969d3b77941cec267f03b9bbb323c0333fa63d0e9e15204edabc415f134490";
/// The address of the devnet's dVRF package.
pub const DEPOSIT: &str = "0x186ba2ba88f4a14ca51f6ce42702c7ebdf6bfcf738d897cc98b986ded6f1219e";

/// Sends a signal such as `-TERM` to a child.
///
/// # Panics
/// When that fails.
pub fn kill(child: &Child, signal: &str) {
    let line = format!("kill {signal} {}", child.id());
    let sent = program("sh").args(["-c", &line]).status().is_ok_and(|status| status.success());
    assert!(sent, "{line}");
}

/// The command lines of all running processes, with spaces between the words.
pub fn command_lines() -> Vec<String> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).trim_end_matches('\0').replace('\0', " ")).collect()
}

/// How often a test of luck is repeated: `few` in the suite, `many` when it was built with `DVRF_SOAK=1`.
pub fn rounds(few: usize, many: usize) -> usize {
    if option_env!("DVRF_SOAK").is_some() { many } else { few }
}
