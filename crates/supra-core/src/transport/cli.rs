//! The Supra CLI transport. Each call is a child process without a shell, with bounded output, killed with its process
//! group at the deadline.

mod child;
mod compose;
mod extract;
mod resource_list;
mod usability;

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::semaphore::Semaphore;
use super::{Deadline, Reply, Request, Transport, parallel};
use crate::abort::{classify, is_unrecognised};
use crate::address::Address;
use crate::error::Error;
use crate::failure::{Failure, FailureKind, quote};
use crate::http::{Endpoint, UrlError};
use crate::metadata::module_abi;
use crate::secret::{Redactor, Secret};
use crate::view::{FunctionId, ViewCall};
pub use child::{Finished, kill_children, run};
use resource_list::ResourceList;
use usability::Usability;

/// Versions of the Supra CLI with different flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Generation {
    /// v6.3: `--url`.
    V6,
    /// v9: `--rpc-url`.
    V9,
    /// v10: as v9, with a profile password.
    V10,
    /// v11.3.4 and later: views need no profile, and lists take `--account`.
    V11,
}

impl Generation {
    /// The values of `--cli-generation`.
    pub const WORDS: &'static [(&'static str, Generation)] =
        &[("v6", Self::V6), ("v9", Self::V9), ("v10", Self::V10), ("v11", Self::V11)];
}

/// Options of the CLI transport.
#[derive(Debug, Clone)]
pub struct CliConfig {
    /// The program and its first arguments, such as `docker exec supra_cli /supra/supra`.
    pub program: Vec<OsString>,
    /// `--profile`.
    pub profile: Option<String>,
    /// The node's URL without user and password, because command lines are public.
    pub rpc_url: Option<Secret>,
    /// Secrets that the CLI is not given but may know from its own configuration: redacted in its output.
    pub secrets: Vec<Secret>,
    /// Exported as `SUPRA_CONFIG`.
    pub supra_config: Option<String>,
    /// The version, which determines the flags.
    pub generation: Generation,
    /// Environment variables that are not passed to the CLI.
    pub env_remove: &'static [&'static str],
    /// The time for one call.
    pub call_timeout: Duration,
    /// The largest number of calls at the same time.
    pub jobs: usize,
    /// Runs all calls of one [`Transport::ask`] in one container.
    pub compose: Option<Compose>,
}

impl CliConfig {
    /// Returns a URL without user and password, as it may be passed to the CLI.
    pub fn node(url: &str) -> Result<Secret, UrlError> {
        match Endpoint::parse(url) {
            Ok(endpoint) => Ok(endpoint.url),
            // The CLI may accept other forms of URLs.
            Err(_) if !url.contains('@') => Ok(Secret::new(url.trim())),
            Err(error) => Err(error),
        }
    }

    /// Returns what redacts the secrets of this configuration, and this password.
    pub fn redactor(&self, password: Option<&Secret>) -> Redactor {
        let secrets = self.secrets.iter().chain(&self.rpc_url).chain(password);
        Redactor::new(secrets.map(Secret::reveal))
    }

    /// Returns the environment variables to set for the CLI.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let config = self.supra_config.clone().map(|path| ("SUPRA_CONFIG", path));
        // Overrides the inherited variable, which may contain a password.
        let node = self.rpc_url.as_ref().map(|url| ("SUPRA_RPC_URL", url.reveal().to_owned()));
        config.into_iter().chain(node).collect()
    }

    /// Returns the command line for these arguments, inside a container if one is configured.
    pub fn command(&self, words: &[String]) -> Vec<OsString> {
        let whole = self.program.iter().cloned().chain(words.iter().map(OsString::from));
        match &self.compose {
            None => whole.collect(),
            Some(place) => compose::command(place, whole, self.supra_config.as_deref()),
        }
    }
}

/// Returns the JSON documents in the output of a CLI, in order.
pub fn documents(output: &str) -> Vec<Value> {
    extract::documents(output)
}

/// The Docker Compose service that has the CLI.
#[derive(Debug, Clone)]
pub struct Compose {
    /// The docker command.
    pub docker: OsString,
    /// The compose service.
    pub service: String,
}

/// The CLI transport.
pub struct CliTransport {
    config: CliConfig,
    semaphore: Semaphore,
    /// The CLI prints the node's URL, and what a gateway repeats.
    redactor: Redactor,
    usability: Usability,
}

/// Splits a command into words, unless it is the path of an existing file.
pub fn program_words(text: &str) -> Vec<OsString> {
    if Path::new(text).exists() {
        return vec![text.into()];
    }
    text.split_whitespace().map(OsString::from).collect()
}

impl CliTransport {
    /// Checks the options. Runs nothing yet.
    pub fn new(config: CliConfig) -> Result<Self, Error> {
        if config.program.is_empty() {
            return Err(Error::new(FailureKind::Config, "SUPRA_CLI_BIN names no program"));
        }
        Ok(Self {
            semaphore: Semaphore::new(config.jobs),
            redactor: config.redactor(None),
            usability: Usability::default(),
            config,
        })
    }

    /// Returns the arguments for a request; `Err` if this version of the CLI has no such command.
    fn words(&self, request: &Request) -> Result<Vec<String>, Error> {
        let word = |text: &str| text.to_owned();
        let mut words = vec![word("move"), word("tool")];
        match request {
            Request::View(call) => self.view_words(call, &mut words),
            Request::ChainId => {
                let function =
                    FunctionId { address: Address::FRAMEWORK, module: word("chain_id"), name: word("get") };
                let call = ViewCall { function, type_arguments: vec![], arguments: vec![] };
                self.view_words(&call, &mut words);
            }
            Request::Resource { account, .. } => {
                words.extend(["list", "--query", "resources"].map(word));
                if self.lists_any_account() {
                    words.extend([word("--account"), account.to_string()]);
                } else {
                    words.extend(self.profile_words());
                }
            }
            Request::ModuleAbi { account, module } if self.lists_any_account() => {
                words.extend(["show", "--query", "module", "--name", module, "--account"].map(word));
                words.push(account.to_string());
            }
            Request::Transaction { .. } => {
                let message = "the Supra CLI reads no transactions";
                return Err(Error::new(FailureKind::Unsupported, message));
            }
            Request::TableItem { .. } => {
                let message = "the Supra CLI reads no tables";
                return Err(Error::new(FailureKind::Unsupported, message)
                    .with_hint("name a node with SUPRA_RPC_URL or --rpc-url: tables are read over REST"));
            }
            Request::NodeVersion
            | Request::Block { .. }
            | Request::Events { .. }
            | Request::EventsV1 { .. } => {
                let message = "the Supra CLI reads neither blocks nor events";
                return Err(Error::new(FailureKind::Unsupported, message)
                    .with_hint("name a node with SUPRA_RPC_URL or --rpc-url: events are read over REST"));
            }
            Request::ModuleAbi { .. } => {
                let message = "a Supra CLI before v11 shows no modules of an account";
                return Err(Error::new(FailureKind::Unsupported, message));
            }
        }
        if let Some(url) = &self.config.rpc_url {
            let flag = if self.config.generation == Generation::V6 { "--url" } else { "--rpc-url" };
            words.extend([word(flag), url.reveal().to_owned()]);
        }
        Ok(words)
    }

    fn view_words(&self, call: &ViewCall, words: &mut Vec<String>) {
        words.push("view".to_owned());
        // From v11 on a view needs a profile only for the node's URL.
        let profile = self.config.generation < Generation::V11 || self.config.rpc_url.is_none();
        words.extend(self.profile_words().into_iter().filter(|_| profile));
        words.extend(["--function-id".to_owned(), call.function.to_string()]);
        for (flag, values) in [
            ("--type-args", call.type_arguments.clone()),
            ("--args", call.arguments.iter().map(crate::view::Argument::to_cli).collect()),
        ] {
            if !values.is_empty() {
                words.push(flag.to_owned());
                words.extend(values);
            }
        }
    }

    /// Whether lists take `--account`; before v11 they are of the profile's account, and views answer the same.
    fn lists_any_account(&self) -> bool {
        self.config.generation >= Generation::V11
    }

    fn profile_words(&self) -> Vec<String> {
        self.config.profile.iter().flat_map(|name| ["--profile".to_owned(), name.clone()]).collect()
    }

    /// Runs a command of the CLI; its output contains no secret of ours.
    fn run(&self, argv: &[OsString], limit: Deadline) -> Result<Finished, Error> {
        let finished = run(argv, &self.config.environment(), self.config.env_remove, limit)?;
        let redacted = |bytes: &[u8]| self.redactor.redact(&String::from_utf8_lossy(bytes)).into_bytes();
        Ok(Finished { stdout: redacted(&finished.stdout), stderr: redacted(&finished.stderr), ..finished })
    }

    fn ask_one(&self, request: &Request, deadline: Deadline) -> Reply {
        let started = Instant::now();
        let reply = |result, attempts| Reply { result, elapsed: started.elapsed(), attempts };
        let words = match self.words(request) {
            Ok(words) => words,
            Err(failure) => return reply(Err(failure), 0),
        };
        let Some(_permit) = self.semaphore.acquire(deadline).filter(|_| !deadline.is_expired()) else {
            return reply(Err(Error::new(FailureKind::Timeout, "there was no time left to ask")), 0);
        };
        if let Err(failure) = self.usability.enter(deadline) {
            return reply(Err(failure), 0);
        }
        let argv: Vec<OsString> =
            self.config.program.iter().cloned().chain(words.into_iter().map(OsString::from)).collect();
        let limit = deadline.min_with(self.config.call_timeout);
        let result = self.run(&argv, limit).and_then(|finished| self.answer(request, &finished));
        reply(self.noted(request, result, deadline), 1)
    }

    /// Notes what an answer says about the CLI.
    fn noted(
        &self,
        request: &Request,
        result: Result<Value, Error>,
        deadline: Deadline,
    ) -> Result<Value, Error> {
        let is_list = matches!(request, Request::Resource { .. } | Request::ModuleAbi { .. });
        // A flag that only lists have says nothing about views. Before v11, views answer what a list does not.
        let says_nothing = |kind| match kind {
            FailureKind::Unsupported => false,
            FailureKind::Config => is_list,
            _ => is_list && !self.lists_any_account(),
        };
        match result {
            Err(error) if says_nothing(error.kind()) => {
                self.usability.note_nothing();
                Err(Failure { kind: FailureKind::Unsupported, ..Failure::from(&error) }.into())
            }
            result => {
                self.usability.note(result.as_ref().err(), deadline);
                result
            }
        }
    }

    /// The reply, or the failure, of a finished call.
    fn answer(&self, request: &Request, finished: &Finished) -> Result<Value, Error> {
        let absent = || Error::new(FailureKind::Unsupported, "the account does not have it");
        match (request, output(finished)?) {
            (Request::Resource { account, type_tag }, value) => {
                let list = ResourceList::new(&value);
                let is_of = self.lists_any_account() || list.account() == Some(*account);
                list.get(type_tag).filter(|_| is_of).cloned().ok_or_else(absent)
            }
            (Request::ModuleAbi { .. }, value) => module_abi(value).ok_or_else(absent),
            (Request::ChainId, Value::Array(mut items)) if items.len() == 1 => Ok(items.swap_remove(0)),
            (_, value) => Ok(value),
        }
    }
}

/// The result that a finished call printed, or why there is none.
fn output(finished: &Finished) -> Result<Value, Error> {
    if finished.timed_out {
        let stderr = quote(&String::from_utf8_lossy(&finished.stderr));
        let stderr = if stderr.is_empty() { stderr } else { format!("; it printed: {stderr}") };
        return Err(Error::new(
            FailureKind::Timeout,
            format!("the Supra CLI did not end in time and was stopped{stderr}"),
        ));
    }
    let stdout = String::from_utf8_lossy(&finished.stdout);
    let failure = match (extract::find(&stdout), finished.success()) {
        (extract::Found::Result(value), true) => return Ok(value),
        // A result of a CLI that then failed is not trusted, and no refusal either.
        (extract::Found::Result(_), false) => {
            Failure { kind: FailureKind::Unreachable, help: None, ..failed(finished, PROGRAM) }
        }
        (extract::Found::Refusal(text), _) => match classify(&text) {
            failure if is_unrecognised(&failure) => failed(finished, PROGRAM),
            failure => failure,
        },
        (extract::Found::Nothing, _) => match &finished.incomplete {
            Some(why) => {
                Failure::new(FailureKind::Unreachable, format!("the Supra CLI's output is incomplete: {why}"))
            }
            None => failed(finished, PROGRAM),
        },
    };
    Err(failure.into())
}

const PROGRAM: &str = "the Supra CLI";

/// Classifies a failed call by its whole output, because the Supra CLI has no error codes and uses either stream.
fn failed(finished: &Finished, program: &str) -> Failure {
    let streams = [&finished.stderr, &finished.stdout].map(|bytes| String::from_utf8_lossy(bytes));
    let output = streams.join("\n");
    let mut failure = classify(&output);
    let code = finished.status.and_then(|status| status.code());
    // What sh says of a program that it does not find or may not run.
    if matches!(code, Some(126 | 127)) {
        failure = Failure::new(FailureKind::Config, "").with_hint("set SUPRA_CLI_BIN to the path of the CLI");
    }
    // Killed, or half a result: not a refusal.
    if is_unrecognised(&failure) && (code.is_none_or(|code| code > 128) || output.contains("\"result\"")) {
        failure.help = None;
        if !finished.success() {
            failure.kind = FailureKind::Unreachable;
        }
    }
    // Abort and known texts have a message of their own; the rest is shown as it came.
    if failure.abort.is_none() {
        let shown = streams.iter().find(|text| !text.trim().is_empty()).map_or("", |text| text);
        let shown = quote(shown);
        failure.message = if finished.success() {
            format!("{program} printed no JSON result: {shown}")
        } else {
            format!("{program} ended with {}: {shown}", finished.ending())
        };
    }
    failure
}

impl Transport for CliTransport {
    fn ask(&self, requests: &[Request], deadline: Deadline) -> Vec<Reply> {
        match &self.config.compose {
            Some(place) => compose::ask(self, place, requests, deadline),
            None => parallel::map(requests, self.semaphore.parallelism(), |request| {
                self.ask_one(request, deadline)
            }),
        }
    }

    fn offers_abi(&self) -> bool {
        self.lists_any_account()
    }

    fn offers_resources(&self) -> bool {
        true
    }

    fn identity(&self) -> String {
        let program: Vec<_> = self.config.program.iter().map(|word| word.to_string_lossy()).collect();
        let profile = self.config.profile.as_deref().unwrap_or("-");
        let node =
            self.config.rpc_url.as_ref().map(|url| crate::http::redact_url(url.reveal())).unwrap_or_default();
        let place = self.config.compose.as_ref().map(|place| place.service.as_str()).unwrap_or_default();
        format!("cli {} {profile} {node} {place} {:?}", program.join(" "), self.config.generation)
    }
}

#[cfg(test)]
mod tests;
