//! The Supra REST transport: versions v1 to v4, fail-over between nodes, and retries that respect `Retry-After`.

mod envelope;
mod freshness;
mod path;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::semaphore::Semaphore;
use super::{Absent, Deadline, Reply, Request, Transport, parallel};
use crate::abort::{classify_view, is_unrecognised};
use crate::error::Error;
use crate::failure::{FailureKind, quote};
use crate::http::{Answer, Call, Endpoint, Http, Method, Proxies, Roots, UrlError};
use crate::retry::{Backoff, retry_after};
use crate::secret::{Redactor, Secret};
use freshness::{Freshness, PROBE_TIMEOUT, Tip};

/// Options of the REST transport.
#[derive(Debug, Clone)]
pub struct RpcConfig {
    /// Base URLs in order of preference. They may contain keys.
    pub urls: Vec<Secret>,
    /// Headers of every request.
    pub headers: Vec<(String, Secret)>,
    /// REST versions in order of preference: `v3`, `v2`, `v1`, `v4`.
    pub versions: Vec<String>,
    /// How long one attempt may take.
    pub call_timeout: Duration,
    /// The largest number of requests in flight.
    pub jobs: usize,
    /// How often all nodes are tried again after the first time.
    pub retries: u32,
    /// The largest response body in bytes.
    pub body_bytes_max: u64,
    /// The certificate authorities that are trusted.
    pub roots: Roots,
    /// The proxies that nodes are called through.
    pub proxies: Proxies,
    /// The chain id that a response must have if it names one.
    pub chain_id: Option<u8>,
}

struct Node {
    endpoint: Endpoint,
    headers: Vec<(String, Secret)>,
    /// Index of the REST version that answered last.
    version: AtomicUsize,
}

/// The REST transport.
pub struct RpcTransport {
    config: RpcConfig,
    http: Http,
    /// Gateways repeat URLs, headers and keys in what they answer.
    redactor: Redactor,
    nodes: Vec<Node>,
    semaphore: Semaphore,
    /// Index of the node that answered last.
    preferred: AtomicUsize,
    /// The number of attempts without any response since the last response.
    unanswered: AtomicUsize,
    freshness: Freshness,
}

/// After this many attempts without any response, per node and per request in flight, requests are not repeated until a
/// node responds.
const DEAD_AFTER: usize = 4;

/// How to go on after a failed attempt.
enum Next {
    /// Give up: every node would return the same failure.
    Stop(Error),
    /// Try the next node; after the last one, wait at least this long.
    Again(Error, Option<Duration>),
    /// Try the next node, which may have these blocks; after the last one this is the reply.
    Elsewhere(Absent),
    /// Try the next node, which may serve the one version that the request needs; after the last one give up.
    Unserved(Error),
}

impl RpcTransport {
    /// Checks the options. Sends nothing yet.
    pub fn new(config: RpcConfig) -> Result<Self, Error> {
        let nodes = config.urls.iter().map(|url| {
            let endpoint = Endpoint::parse(base_url(url.reveal())).map_err(|error| match error {
                UrlError::Scheme | UrlError::Character => {
                    let message = "SUPRA_RPC_URL must be an http:// or https:// URL without spaces";
                    Error::new(FailureKind::Config, message)
                        .with_hint("write it as https://HOST or http://HOST:PORT")
                }
                _ => Error::new(FailureKind::Config, format!("SUPRA_RPC_URL is ***: {error}")),
            })?;
            let mut headers = config.headers.clone();
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
                headers.extend(endpoint.headers.iter().cloned());
            }
            Ok::<_, Error>(Node { endpoint, headers, version: AtomicUsize::new(0) })
        });
        let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        if nodes.is_empty() || config.versions.is_empty() {
            return Err(Error::new(
                FailureKind::Config,
                "at least one RPC URL and one REST version are needed",
            ));
        }
        let (http, semaphore) =
            (Http::new(config.jobs, &config.roots, config.proxies.clone()), Semaphore::new(config.jobs));
        let headers = nodes.iter().flat_map(|node| &node.headers).map(|(_, value)| value);
        let redactor = Redactor::new(config.urls.iter().chain(headers).map(Secret::reveal));
        Ok(Self {
            freshness: Freshness::new(nodes.len()),
            config,
            http,
            redactor,
            nodes,
            semaphore,
            preferred: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
        })
    }

    /// Sends one request until it succeeds, fails for good, or the deadline passes.
    fn ask_one(&self, request: &Request, deadline: Deadline) -> Reply {
        let started = Instant::now();
        let mut attempts = 0;
        let mut backoff = Backoff::default();
        let mut last = Error::new(FailureKind::Timeout, "there was no time left to ask");
        for round in 0..=self.config.retries {
            let mut wait = None;
            let mut absent = None;
            let mut unserved = 0;
            for index in self.freshness.order(self.preferred.load(Ordering::Relaxed)) {
                let Some(_permit) = self.semaphore.acquire(deadline).filter(|_| !deadline.is_expired())
                else {
                    return Reply { result: Err(last), elapsed: started.elapsed(), attempts };
                };
                attempts += 1;
                let answer = self.ask_node(&self.nodes[index], request, deadline);
                // A node that throttles or returns garbage is not dead.
                let nothing = |failure: &Error| {
                    matches!(failure.kind(), FailureKind::Unreachable | FailureKind::Timeout)
                };
                if matches!(&answer, Err(Next::Again(failure, None)) if nothing(failure)) {
                    self.unanswered.fetch_add(1, Ordering::Relaxed);
                } else {
                    self.unanswered.store(0, Ordering::Relaxed);
                }
                match answer {
                    Ok(value) => {
                        self.preferred.store(index, Ordering::Relaxed);
                        return Reply { result: Ok(value), elapsed: started.elapsed(), attempts };
                    }
                    Err(Next::Stop(failure)) => {
                        return Reply { result: Err(failure), elapsed: started.elapsed(), attempts };
                    }
                    Err(Next::Again(failure, asked)) => {
                        last = failure;
                        wait = wait.max(asked);
                    }
                    Err(Next::Unserved(failure)) => {
                        last = failure;
                        unserved += 1;
                    }
                    // If one node has pruned the blocks, they exist; the node with the longest history counts.
                    Err(Next::Elsewhere(found)) => {
                        absent = match (absent, found) {
                            (Some(Absent::Pruned(a)), Absent::Pruned(b)) => Some(Absent::Pruned(a.min(b))),
                            (Some(Absent::NotYet), Absent::Pruned(_)) | (None, _) => Some(found),
                            (known, Absent::NotYet) => known,
                        };
                    }
                }
            }
            if let Some(value) = absent.and_then(|absent| serde_json::to_value(absent).ok()) {
                return Reply { result: Ok(value), elapsed: started.elapsed(), attempts };
            }
            let span = wait.unwrap_or_else(|| backoff.next_wait());
            let hopeless = self.all_dead() || unserved == self.nodes.len();
            if round == self.config.retries || span >= deadline.remaining() || hopeless {
                break;
            }
            std::thread::sleep(span);
        }
        Reply { result: Err(last), elapsed: started.elapsed(), attempts }
    }

    /// The time of each node's latest block.
    fn tips(&self, deadline: Deadline) -> Vec<Tip> {
        let request = Request::Block { height: None, transactions: false };
        let deadline = deadline.min_with(PROBE_TIMEOUT);
        let tip = |node: &Node| match self.ask_node(node, &request, deadline) {
            Ok(block) => block.get("time_us").and_then(Value::as_u64).map_or(Tip::Unknown, Tip::At),
            Err(Next::Again(failure, None))
                if matches!(failure.kind(), FailureKind::Unreachable | FailureKind::Timeout) =>
            {
                Tip::Silent
            }
            Err(_) => Tip::Unknown,
        };
        parallel::map(&self.nodes, self.nodes.len(), tip)
    }

    fn all_dead(&self) -> bool {
        self.unanswered.load(Ordering::Relaxed) >= DEAD_AFTER * self.config.jobs * self.nodes.len()
    }

    /// Sends a request to one node and tries the next REST version where a version is not served.
    fn ask_node(&self, node: &Node, request: &Request, deadline: Deadline) -> Result<Value, Next> {
        let versions = &self.config.versions;
        let first = node.version.load(Ordering::Relaxed);
        for step in 0..versions.len() {
            let index = (first + step) % versions.len();
            let only = envelope::only_versions(request);
            if only.is_some_and(|only| !only.contains(&versions[index].as_str())) {
                continue;
            }
            let answer = self.send(node, &versions[index], request, deadline)?;
            if answer.status == 404 && answer.body.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let value = self.interpret(node, request, &answer)?;
            if only.is_none() {
                node.version.store(index, Ordering::Relaxed);
            }
            return Ok(value);
        }
        let message = format!("{} serves none of the REST versions {}", node.endpoint, versions.join(", "));
        // An item is absent where a node says so; one that does not serve tables has not looked.
        let is_item = matches!(request, Request::TableItem { .. });
        let error = Error::new(if is_item { FailureKind::Config } else { FailureKind::Unsupported }, message);
        match envelope::only_versions(request) {
            Some(_) => Err(Next::Unserved(error)),
            None => Err(Next::Again(error, None)),
        }
    }

    fn send(
        &self,
        node: &Node,
        version: &str,
        request: &Request,
        deadline: Deadline,
    ) -> Result<Answer, Next> {
        let base = node.endpoint.url.reveal();
        let url = format!("{base}/rpc/{version}{}", path::of(request));
        let (method, body) = match request {
            Request::View(call) => (Method::Post, call.to_json().to_string().into_bytes()),
            Request::TableItem { key_type, value_type, key, .. } => {
                let body = json!({"key_type": key_type, "value_type": value_type, "key": key});
                (Method::Post, body.to_string().into_bytes())
            }
            _ => (Method::Get, Vec::new()),
        };
        let timeout = self.config.call_timeout.min(deadline.remaining()).max(Duration::from_millis(1));
        let call = Call {
            method,
            url: &url,
            headers: &node.headers,
            body: &body,
            content_type: "application/json",
            timeout,
            body_bytes_max: self.config.body_bytes_max,
        };
        self.http.send(&call).map_err(|error| {
            let kind = error.kind();
            let error = Error::new(kind, node.endpoint.to_string()).with_source(error);
            if kind == FailureKind::Config { Next::Stop(error) } else { Next::Again(error, None) }
        })
    }

    /// Turns a response into a value or decides how to go on, by status and content type.
    fn interpret(&self, node: &Node, request: &Request, answer: &Answer) -> Result<Value, Next> {
        let id = answer.header("x-supra-chain-id").and_then(|text| text.trim().parse::<u8>().ok());
        if let (Some(expected), Some(found)) = (self.config.chain_id, id)
            && expected != found
        {
            let message = format!("{} serves chain {found}, expected is {expected}", node.endpoint);
            return Err(Next::Again(Error::new(FailureKind::WrongChain, message), None));
        }
        let status = answer.status;
        let body = String::from_utf8_lossy(&answer.body);
        // Needless escapes would hide a secret, so a refusal in JSON is written again without them.
        let refusal =
            if matches!(status, 200..=299) { None } else { serde_json::from_str::<Value>(&body).ok() };
        let text = self.redactor.redact(&refusal.as_ref().map_or_else(|| body.to_string(), Value::to_string));
        let html = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"))
            || text.trim_start().starts_with('<');
        let is_of_node = refusal.is_some() && !html;
        let wait = answer.header("retry-after").and_then(retry_after);
        let again = |kind, wait| {
            let message = format!(
                "{} answered {status}: {}",
                node.endpoint,
                if html { "a web page".into() } else { quote(&text) }
            );
            Next::Again(Error::new(kind, message), wait)
        };
        match status {
            200..=299 if html => Err(again(FailureKind::Unreachable, None)),
            200..=299 => {
                let mut body = serde_json::from_slice(&answer.body).map_err(|_| {
                    let message = format!("{} answered what is not JSON: {}", node.endpoint, quote(&text));
                    Next::Again(Error::new(FailureKind::Undecodable, message), None)
                })?;
                self.redactor.redact_json(&mut body);
                let cursor = answer.header("x-supra-cursor").map(str::trim);
                match envelope::open(request, body, cursor) {
                    Ok(Value::Null) => Err(Next::Elsewhere(Absent::NotYet)),
                    opened => opened.map_err(Next::Stop),
                }
            }
            429 => Err(again(FailureKind::Throttled, wait)),
            403 | 503 if html => Err(again(FailureKind::Throttled, wait)),
            408 | 425 | 502 | 503 | 504 => Err(again(FailureKind::Unreachable, wait)),
            // Nodes before v11.7 also return 500 for a view that is wrong in itself, which is final.
            500 if is_unrecognised(&classify_view(&text)) => Err(again(FailureKind::Unreachable, wait)),
            404 if !html && may_be_elsewhere(request) => Err(Next::Elsewhere(Absent::NotYet)),
            410 if is_of_blocks(request) => {
                let oldest = answer.header("x-supra-oldest-block").and_then(|text| text.trim().parse().ok());
                Err(Next::Elsewhere(Absent::Pruned(oldest)))
            }
            404 if is_of_node => {
                let message = format!("{} does not have it: {}", node.endpoint, quote(&message_of(&text)));
                Err(Next::Stop(Error::new(FailureKind::Unsupported, message)))
            }
            // A web server that is not a node, or a gateway that does not know the path.
            404 | 405 if !is_of_node => Err(again(FailureKind::Undecodable, None)),
            501 => Err(again(FailureKind::Undecodable, None)),
            _ if html => Err(again(FailureKind::Unreachable, wait)),
            _ => Err(Next::Stop(classify_view(&message_of(&text)).into())),
        }
    }
}

/// The URL without the path of the API (`/rpc/v1`), which every request adds.
fn base_url(typed: &str) -> &str {
    let url = typed.trim().trim_end_matches('/');
    let is_version = |name: &str| name.strip_prefix('v').is_some_and(|number| number.parse::<u8>().is_ok());
    let without_version =
        url.rsplit_once('/').filter(|(_, name)| is_version(name)).map_or(url, |(base, _)| base);
    without_version.strip_suffix("/rpc").filter(|base| !base.ends_with('/')).unwrap_or(url)
}

/// Whether another node may have what this one does not have.
fn may_be_elsewhere(request: &Request) -> bool {
    is_of_blocks(request) || matches!(request, Request::Transaction { .. })
}

fn is_of_blocks(request: &Request) -> bool {
    matches!(request, Request::Block { .. } | Request::Events { .. } | Request::EventsV1 { .. })
}

/// The message of an error body: the field `message`, else the whole text.
fn message_of(text: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(text).ok();
    let message = parsed.as_ref().and_then(|body| body.get("message")).and_then(Value::as_str);
    message.unwrap_or(text).to_owned()
}

impl Transport for RpcTransport {
    fn ask(&self, requests: &[Request], deadline: Deadline) -> Vec<Reply> {
        self.freshness.compare(|| self.tips(deadline));
        parallel::map(requests, self.semaphore.parallelism(), |request| self.ask_one(request, deadline))
    }

    fn identity(&self) -> String {
        format!(
            "rpc {}",
            self.nodes.iter().map(|node| node.endpoint.to_string()).collect::<Vec<_>>().join(",")
        )
    }

    fn reaches_node(&self) -> bool {
        true
    }

    fn offers_abi(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
