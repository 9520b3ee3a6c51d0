//! Records replies in a directory with one file per request, and replays them, for tests and bug reports.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Deadline, Reply, Request, Transport};
use crate::error::Error;
use crate::failure::{Failure, FailureKind};
use crate::file::{self, Durability, Temporary};

/// A request and its reply. Neither contains a URL, a header or a key.
#[derive(Debug, Serialize, Deserialize)]
struct Recorded {
    question: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
}

/// The request as text, which identifies it in a recording.
fn question(request: &Request) -> String {
    match request {
        Request::View(call) => {
            let arguments: Vec<String> = call.arguments.iter().map(crate::view::Argument::to_cli).collect();
            let words =
                [vec![format!("view {}", call.function)], call.type_arguments.clone(), arguments].concat();
            words.join(" ")
        }
        Request::Resource { account, type_tag } => format!("resource {account} {type_tag}"),
        Request::TableItem { handle, key_type, value_type, key } => {
            format!("table {handle} {key_type} {value_type} {key}")
        }
        Request::ModuleAbi { account, module } => format!("module {account} {module}"),
        Request::ChainId => "chain_id".to_owned(),
        Request::NodeVersion => "version".to_owned(),
        Request::Transaction { hash } => format!("transaction {hash}"),
        Request::Block { height, transactions } => {
            let height = height.map_or_else(|| "latest".to_owned(), |height| height.to_string());
            format!("block {height}{}", if *transactions { " transactions" } else { "" })
        }
        Request::Events { type_tag, from, to, cursor } => {
            format!("events {type_tag} {from} {to} {}", cursor.as_deref().unwrap_or("-"))
        }
        Request::EventsV1 { type_tag, from, to } => format!("events v1 {type_tag} {from} {to}"),
    }
}

/// A file name of a unique number and the name of what is requested.
fn file_name(number: usize, request: &Request) -> String {
    let name = match request {
        Request::View(call) => call.function.name.as_str(),
        Request::Resource { .. } => "resource",
        Request::TableItem { .. } => "table",
        Request::ModuleAbi { module, .. } => module,
        Request::ChainId => "chain_id",
        Request::NodeVersion => "version",
        Request::Transaction { .. } => "transaction",
        Request::Block { .. } => "block",
        Request::Events { .. } | Request::EventsV1 { .. } => "events",
    };
    format!("{number:03}-{name}.json")
}

/// The largest file of a recording in bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// Replies from a recording.
pub struct ReplayTransport {
    directory: PathBuf,
    answers: BTreeMap<String, Recorded>,
}

impl ReplayTransport {
    /// Reads all files of a recording.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let broken = |what: &Path| {
            Error::new(FailureKind::Config, format!("the recording {} cannot be read", what.display()))
        };
        let listed = fs::read_dir(directory).map_err(|error| broken(directory).with_source(error))?;
        let mut answers = BTreeMap::new();
        for entry in listed {
            let path = entry.map_err(|error| broken(directory).with_source(error))?.path();
            if path.extension().is_none_or(|ending| ending != "json") {
                continue;
            }
            let text =
                file::read(&path, ANSWER_BYTES_MAX).map_err(|error| broken(&path).with_source(error))?;
            let recorded: Recorded =
                serde_json::from_slice(&text).map_err(|error| broken(&path).with_source(error))?;
            answers.insert(recorded.question.clone(), recorded);
        }
        if answers.is_empty() {
            let message =
                format!("the recording {} cannot be read: it holds no answers", directory.display());
            return Err(Error::new(FailureKind::Config, message));
        }
        Ok(Self { directory: directory.to_owned(), answers })
    }
}

impl Transport for ReplayTransport {
    fn ask(&self, requests: &[Request], _: Deadline) -> Vec<Reply> {
        let answer = |request: &Request| {
            let recorded = self.answers.get(&question(request));
            match recorded.map(|recorded| (&recorded.answer, &recorded.failure)) {
                Some((_, Some(failure))) => Err(failure.clone().into()),
                Some((Some(value), None)) => Ok(value.clone()),
                Some((None, None)) => Ok(Value::Null),
                None => {
                    Err(Error::new(FailureKind::Unsupported, "the recording does not hold this question"))
                }
            }
        };
        requests
            .iter()
            .map(|request| Reply { result: answer(request), elapsed: Duration::ZERO, attempts: 1 })
            .collect()
    }

    fn identity(&self) -> String {
        format!("replay {}", self.directory.display())
    }

    fn reaches_node(&self) -> bool {
        self.answers.contains_key(&question(&Request::Block { height: None, transactions: false }))
    }

    fn offers_abi(&self) -> bool {
        self.reaches_node() || self.answers.keys().any(|question| question.starts_with("module "))
    }

    fn offers_resources(&self) -> bool {
        self.offers_abi() || self.answers.keys().any(|question| question.starts_with("resource "))
    }
}

/// Passes requests on and writes the replies to a directory.
pub struct Recorder {
    inner: Box<dyn Transport>,
    directory: PathBuf,
    written: std::sync::Mutex<BTreeMap<String, usize>>,
}

impl Recorder {
    /// Records into a directory, which is created. Files of an earlier recording are replaced one by one.
    pub fn new(inner: Box<dyn Transport>, directory: &Path) -> Result<Self, Error> {
        fs::create_dir_all(directory).map_err(|error| {
            let message = format!("the recording {} cannot be written", directory.display());
            Error::new(FailureKind::Output, message).with_source(error)
        })?;
        Ok(Self { inner, directory: directory.to_owned(), written: std::sync::Mutex::default() })
    }

    fn write(&self, request: &Request, reply: &Reply) -> std::io::Result<()> {
        let question = question(request);
        let mut written = self.written.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let next = written.len();
        let number = *written.entry(question.clone()).or_insert(next);
        let recorded = Recorded {
            question,
            answer: reply.result.clone().ok(),
            failure: reply.result.as_ref().err().map(Failure::from),
        };
        let mut text = serde_json::to_vec_pretty(&recorded)?;
        text.push(b'\n');
        let path = self.directory.join(file_name(number, request));
        file::replace(&path, &text, 0o600, Durability::None, Temporary::Unique)
    }
}

impl Transport for Recorder {
    fn ask(&self, requests: &[Request], deadline: Deadline) -> Vec<Reply> {
        let mut replies = self.inner.ask(requests, deadline);
        for (request, reply) in requests.iter().zip(&mut replies) {
            if let Err(error) = self.write(request, reply) {
                // An incomplete recording would replay as a different chain, so the reply becomes a failure.
                let message = format!("the recording {} cannot be written", self.directory.display());
                reply.result = Err(Error::new(FailureKind::Output, message).with_source(error));
            }
        }
        replies
    }

    fn identity(&self) -> String {
        self.inner.identity()
    }

    fn reaches_node(&self) -> bool {
        self.inner.reaches_node()
    }

    fn offers_abi(&self) -> bool {
        self.inner.offers_abi()
    }

    fn offers_resources(&self) -> bool {
        self.inner.offers_resources()
    }
}

#[cfg(test)]
mod tests {
    use super::super::FakeTransport;
    use super::*;
    use serde_json::json;

    fn fixed(request: &Request) -> Result<Value, Error> {
        match request {
            Request::ChainId => Ok(json!(6)),
            _ => Err(Error::new(FailureKind::Timeout, "slow")),
        }
    }

    #[test]
    fn a_recording_replays_the_same_replies() {
        let folder = tempfile::tempdir().unwrap();
        let deadline = Deadline::after(Duration::from_secs(1));
        let module = Request::ModuleAbi { account: crate::address::Address::FRAMEWORK, module: "m".into() };
        let asked = [Request::ChainId, module.clone(), Request::ChainId];
        Recorder::new(Box::new(FakeTransport(fixed)), folder.path()).unwrap().ask(&asked, deadline);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        let replay = ReplayTransport::open(folder.path()).unwrap();
        let results: Vec<_> = replay.ask(&asked, deadline).into_iter().map(|reply| reply.result).collect();
        assert_eq!(results[0], Ok(json!(6)));
        assert_eq!(results[1], Err(Error::new(FailureKind::Timeout, "slow")));
        let other = Request::ModuleAbi { account: crate::address::Address::FRAMEWORK, module: "n".into() };
        let result = replay.ask(&[other], deadline).pop().unwrap().result;
        assert_eq!(result.unwrap_err().kind(), FailureKind::Unsupported);
    }

    #[test]
    fn an_invalid_recording_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(ReplayTransport::open(folder.path()).is_err());
        fs::write(folder.path().join("a.json"), "{").unwrap();
        let failure = ReplayTransport::open(folder.path()).err().unwrap();
        assert_eq!(failure.kind(), FailureKind::Config);
        assert!(failure.message().contains("a.json"));
    }
}
