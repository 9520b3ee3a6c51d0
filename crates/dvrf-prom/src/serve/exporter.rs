//! A small HTTP server for scrapes, with bounds on connections, request sizes and waits, and a clean stop.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};

/// Prometheus opens one connection. More than this is a mistake or an attack.
const CONNECTIONS_MAX: usize = 64;
/// The head of a scrape has about 300 bytes.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// How long a request may take to arrive, and a response to be sent.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may take to close the connection after the response.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long open connections may take after the signal to stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// What one collection serves.
#[derive(Default)]
pub(super) struct Served {
    /// The exposition.
    pub(super) metrics: Vec<u8>,
    /// The page of the subscriptions.
    pub(super) page: Vec<u8>,
}

/// The result of a scrape: the exposition and the page, or why there is none.
pub(super) type Scrape = Result<Arc<Served>, String>;

/// How scrapes are answered.
#[derive(Clone, Copy)]
pub(super) struct ExporterConfig {
    /// The media type of the exposition.
    pub(super) content_type: &'static str,
    /// How long later scrapes get the same result.
    pub(super) min_interval: Duration,
    /// How long a scrape waits for its result.
    pub(super) scrape_timeout: Duration,
}

/// A scrape that waits for the collector.
struct PendingScrape {
    received: Instant,
    reply: Sender<Scrape>,
}

/// A server that is bound to its address, and answers once [`Exporter::serve`] runs.
pub(super) struct Exporter {
    listener: TcpListener,
}

impl Exporter {
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address)? })
    }

    /// The address it listens on, with the real port where port 0 was given.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until SIGTERM or SIGINT. `collect` runs on one thread, so never twice at once.
    pub(super) fn serve(
        self,
        config: ExporterConfig,
        collect: impl FnMut() -> Scrape + Send + 'static,
    ) -> io::Result<()> {
        let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT])?;
        let (scrapes, pending) = channel();
        spawn("collect", move || run_collector(&pending, config.min_interval, collect))?;
        let connections = Arc::new(Connections::default());
        let (listener, accepted) = (self.listener, Arc::clone(&connections));
        spawn("accept", move || accept(&listener, &accepted, &scrapes, config))?;
        // The first signal ends the wait. The threads end with the process.
        signals.forever().next();
        let stop = Instant::now();
        while !connections.lock().open.is_empty() && stop.elapsed() < SHUTDOWN_TIMEOUT {
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

/// Answers pending scrapes. All that arrived before a collection ended share its result; later ones share it until it is
/// `min_interval` old.
fn run_collector(
    pending: &Receiver<PendingScrape>,
    min_interval: Duration,
    mut collect: impl FnMut() -> Scrape,
) {
    let mut last: Option<(Instant, Scrape)> = None;
    while let Ok(request) = pending.recv() {
        let shared =
            last.as_ref().filter(|(ended, _)| request.received < *ended || ended.elapsed() < min_interval);
        let scrape = if let Some((_, scrape)) = shared {
            scrape.clone()
        } else {
            let scrape = collect();
            last = Some((Instant::now(), scrape.clone()));
            scrape
        };
        // The connection may have timed out already.
        drop(request.reply.send(scrape));
    }
}

/// The open connections.
#[derive(Default)]
struct Connections(Mutex<ConnectionTable>);

#[derive(Default)]
struct ConnectionTable {
    accepted: u64,
    /// By the order in which they were accepted.
    open: BTreeMap<u64, Connection>,
}

struct Connection {
    stream: Arc<TcpStream>,
    /// Whether it waits for the client: for the request, or for the close after the response.
    is_idle: bool,
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, ConnectionTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits a connection and returns its number. At the limit the oldest idle one is closed; `None` if none is idle.
    fn admit(&self, stream: &Arc<TcpStream>) -> Option<u64> {
        let mut table = self.lock();
        if table.open.len() >= CONNECTIONS_MAX {
            let (&oldest, _) = table.open.iter().find(|(_, connection)| connection.is_idle)?;
            let evicted = table.open.remove(&oldest)?;
            // Its thread sees the end of the stream and ends.
            drop(evicted.stream.shutdown(Shutdown::Both));
        }
        table.accepted += 1;
        let number = table.accepted;
        table.open.insert(number, Connection { stream: Arc::clone(stream), is_idle: true });
        Some(number)
    }

    fn set_idle(&self, number: u64, is_idle: bool) {
        if let Some(connection) = self.lock().open.get_mut(&number) {
            connection.is_idle = is_idle;
        }
    }

    fn remove(&self, number: u64) {
        self.lock().open.remove(&number);
    }
}

fn accept(
    listener: &TcpListener,
    connections: &Arc<Connections>,
    scrapes: &Sender<PendingScrape>,
    config: ExporterConfig,
) {
    for stream in listener.incoming() {
        let Ok(stream) = stream.map(Arc::new) else {
            // The process has no free file descriptors: wait until some are closed.
            std::thread::sleep(Duration::from_millis(50));
            continue;
        };
        let Some(number) = connections.admit(&stream) else { continue };
        let (scrapes, table) = (scrapes.clone(), Arc::clone(connections));
        let spawned = spawn("connection", move || {
            // A client that closed the connection needs no response.
            drop(handle_connection(&stream, &scrapes, config, |is_idle| table.set_idle(number, is_idle)));
            table.remove(number);
        });
        if spawned.is_err() {
            connections.remove(number);
        }
    }
}

struct Response {
    status: &'static str,
    content_type: &'static str,
    body: Body,
}

enum Body {
    Plain(String),
    Metrics(Arc<Served>),
    Page(Arc<Served>),
}

impl Body {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(text) => text.as_bytes(),
            Self::Metrics(served) => &served.metrics,
            Self::Page(served) => &served.page,
        }
    }
}

impl Response {
    fn plain(status: &'static str, text: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: Body::Plain(format!("{text}\n")) }
    }
}

/// Answers one request and closes the connection. Calls `set_idle` when it starts and stops waiting for the client.
fn handle_connection(
    mut stream: &TcpStream,
    scrapes: &Sender<PendingScrape>,
    config: ExporterConfig,
    set_idle: impl Fn(bool),
) -> io::Result<()> {
    stream.set_write_timeout(Some(TRANSFER_TIMEOUT))?;
    let head = read_head(stream)?;
    set_idle(false);
    let (response, with_body) = match head.as_deref().map(request_line) {
        Some(Some((method @ ("GET" | "HEAD"), path))) => (respond(path, scrapes, config), method == "GET"),
        Some(Some(_)) => (Response::plain("405 Method Not Allowed", "only GET and HEAD"), true),
        Some(None) | None => (Response::plain("400 Bad Request", "not a request"), true),
    };
    let head = format!(
        "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        response.status,
        response.content_type,
        response.body.bytes().len()
    );
    stream.write_all(head.as_bytes())?;
    if with_body {
        stream.write_all(response.body.bytes())?;
    }
    stream.shutdown(Shutdown::Write)?;
    set_idle(true);
    drain(stream)
}

/// Reads the rest of the request: closing with unread bytes would reset the connection before the response arrives.
fn drain(mut stream: &TcpStream) -> io::Result<()> {
    let start = Instant::now();
    let mut chunk = [0_u8; 4096];
    while let Some(remaining) =
        CLOSE_TIMEOUT.checked_sub(start.elapsed()).filter(|remaining| !remaining.is_zero())
    {
        stream.set_read_timeout(Some(remaining))?;
        if stream.read(&mut chunk)? == 0 {
            break;
        }
    }
    Ok(())
}

/// Reads up to the empty line; `None` where the head is too long, incomplete or too slow.
fn read_head(mut stream: &TcpStream) -> io::Result<Option<Vec<u8>>> {
    let start = Instant::now();
    let mut head = Vec::new();
    let mut chunk = [0_u8; 2048];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let remaining = TRANSFER_TIMEOUT.saturating_sub(start.elapsed());
        if remaining.is_zero() || head.len() > HEAD_BYTES_MAX {
            return Ok(None);
        }
        stream.set_read_timeout(Some(remaining))?;
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(None),
            Ok(length) => head.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(head))
}

/// Parses method and path of `METHOD PATH HTTP/1.x`, without the query.
fn request_line(head: &[u8]) -> Option<(&str, &str)> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !version.starts_with("HTTP/1.") {
        return None;
    }
    Some((method, target.split('?').next().unwrap_or(target)))
}

fn respond(path: &str, scrapes: &Sender<PendingScrape>, config: ExporterConfig) -> Response {
    match path {
        "/metrics" => match scrape(scrapes, config.scrape_timeout) {
            Ok(served) => {
                let body = Body::Metrics(served);
                Response { status: "200 OK", content_type: config.content_type, body }
            }
            Err(why) => Response::plain("503 Service Unavailable", &why),
        },
        "/-/healthy" => Response::plain("200 OK", "dvrf-prom is alive"),
        "/" => match scrape(scrapes, config.scrape_timeout) {
            Ok(served) => {
                let body = Body::Page(served);
                Response { status: "200 OK", content_type: "text/html; charset=utf-8", body }
            }
            Err(why) => Response::plain("503 Service Unavailable", &why),
        },
        _ => Response::plain("404 Not Found", "see /metrics and /-/healthy"),
    }
}

fn scrape(scrapes: &Sender<PendingScrape>, timeout: Duration) -> Scrape {
    let (reply, result) = channel();
    let ended = || "the collector has ended".to_owned();
    scrapes.send(PendingScrape { received: Instant::now(), reply }).map_err(|_| ended())?;
    result.recv_timeout(timeout).unwrap_or_else(|error| match error {
        RecvTimeoutError::Timeout => Err(format!("no report within {timeout:?}")),
        RecvTimeoutError::Disconnected => Err(ended()),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::query("GET /metrics?x=1 HTTP/1.1\r\nHost: h\r\n\r\n", Some(("GET", "/metrics")))]
    #[case::no_version("GET /metrics\r\n\r\n", None)]
    #[case::two_spaces("GET  /metrics HTTP/1.1\r\n", None)]
    #[case::another_version("GET / HTTP/2\r\n", None)]
    #[case::empty("\r\n", None)]
    #[case::one_word("\u{ff}", None)]
    fn request_lines(#[case] head: &str, #[case] expected: Option<(&str, &str)>) {
        assert_eq!(request_line(head.as_bytes()), expected);
    }

    /// Runs the collector for scrapes that arrive after the given gaps, and returns which collection each scrape got.
    fn collections(min_interval: Duration, gaps: &[Duration]) -> Vec<String> {
        let (scrapes, pending) = channel();
        let mut count = 0;
        let collector = std::thread::spawn(move || {
            run_collector(&pending, min_interval, || {
                count += 1;
                std::thread::sleep(Duration::from_millis(50));
                Ok(Arc::new(Served { metrics: vec![count], ..Served::default() }))
            });
        });
        let mut results = Vec::new();
        for gap in gaps {
            std::thread::sleep(*gap);
            let (reply, result) = channel();
            scrapes.send(PendingScrape { received: Instant::now(), reply }).unwrap();
            results.push(result);
        }
        drop(scrapes);
        collector.join().unwrap();
        results.into_iter().map(|result| result.recv().unwrap().unwrap().metrics[0].to_string()).collect()
    }

    #[test]
    fn concurrent_scrapes_share_a_collection() {
        let (at_once, later) = (Duration::ZERO, Duration::from_millis(300));
        assert_eq!(collections(Duration::ZERO, &[at_once, at_once, later]), ["1", "1", "2"]);
        assert_eq!(collections(Duration::from_secs(60), &[at_once, later, later]), ["1", "1", "1"]);
    }
}
