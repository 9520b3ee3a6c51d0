//! Metrics that readers fetch: a small HTTP server with bounded connections, heads, waits and a clean stop.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};

/// Prometheus opens one; more than this is a mistake or an attack.
const CONNECTIONS_MAX: usize = 64;
/// A scrape's head is some 300 bytes.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// How long a request may take to arrive, and an answer to leave.
const TRANSFER: Duration = Duration::from_secs(5);
/// How long a reader may take to close after its answer.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long answers that are on their way may take once we are to stop.
const GRACE: Duration = Duration::from_secs(3);

/// What a scrape gets: the text, or why there is none.
pub(crate) type Scrape = Result<Arc<Vec<u8>>, String>;

/// How scrapes are answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Serving {
    /// The media type of what is collected.
    pub content_type: &'static str,
    /// How long a collection's result is given to later scrapes too.
    pub min_interval: Duration,
    /// How long a scrape waits for its collection.
    pub patience: Duration,
}

struct Ticket {
    asked: Instant,
    answer: Sender<Scrape>,
}

/// A bound server that does not answer yet.
#[derive(Debug)]
pub(crate) struct Exporter {
    listener: TcpListener,
}

impl Exporter {
    /// Binds.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address)? })
    }

    /// Where it listens; the port is the real one.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until SIGTERM or SIGINT. `collect` runs on one thread, never twice at once.
    pub(crate) fn serve(
        self,
        serving: Serving,
        collect: impl FnMut() -> Scrape + Send + 'static,
    ) -> io::Result<()> {
        let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT])?;
        let (tickets, waiting) = channel();
        spawn("collect", move || answer_tickets(&waiting, serving.min_interval, collect))?;
        let open = Arc::new(AtomicUsize::new(0));
        let tickets = Arc::new(Mutex::new(tickets));
        let (listener, counter) = (self.listener, Arc::clone(&open));
        spawn("accept", move || accept(&listener, &counter, &tickets, serving))?;
        // Ends at the first signal; the threads end with the process.
        signals.forever().next();
        let stop = Instant::now();
        while open.load(Ordering::SeqCst) > 0 && stop.elapsed() < GRACE {
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

/// Collects for whoever waits. A scrape that was asked before a collection ended shares its result; later ones share
/// it until it is `min_interval` old.
fn answer_tickets(waiting: &Receiver<Ticket>, min_interval: Duration, mut collect: impl FnMut() -> Scrape) {
    let mut last: Option<(Instant, Scrape)> = None;
    while let Ok(ticket) = waiting.recv() {
        let shared =
            last.as_ref().filter(|(ended, _)| ticket.asked < *ended || ended.elapsed() < min_interval);
        let scrape = if let Some((_, scrape)) = shared {
            scrape.clone()
        } else {
            let scrape = collect();
            last = Some((Instant::now(), scrape.clone()));
            scrape
        };
        // Who asked may have given up.
        drop(ticket.answer.send(scrape));
    }
}

fn accept(
    listener: &TcpListener,
    open: &Arc<AtomicUsize>,
    tickets: &Arc<Mutex<Sender<Ticket>>>,
    serving: Serving,
) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // Out of descriptors: wait for some to be closed rather than spin.
            std::thread::sleep(Duration::from_millis(50));
            continue;
        };
        if open.fetch_add(1, Ordering::SeqCst) >= CONNECTIONS_MAX {
            open.fetch_sub(1, Ordering::SeqCst);
            continue;
        }
        let tickets = tickets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let counter = Arc::clone(open);
        let spawned = spawn("connection", move || {
            // A reader that has gone needs no answer.
            drop(converse(stream, &tickets, serving));
            counter.fetch_sub(1, Ordering::SeqCst);
        });
        if spawned.is_err() {
            open.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

struct Response {
    status: &'static str,
    content_type: &'static str,
    body: Arc<Vec<u8>>,
}

impl Response {
    fn plain(status: &'static str, text: &str) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            body: Arc::new(format!("{text}\n").into_bytes()),
        }
    }
}

/// One request a connection.
fn converse(mut stream: TcpStream, tickets: &Sender<Ticket>, serving: Serving) -> io::Result<()> {
    stream.set_write_timeout(Some(TRANSFER))?;
    let head = read_head(&mut stream)?;
    let (response, with_body) = match head.as_deref().map(request_line) {
        Some(Some((method @ ("GET" | "HEAD"), path))) => (respond(path, tickets, serving), method == "GET"),
        Some(Some(_)) => (Response::plain("405 Method Not Allowed", "only GET and HEAD"), true),
        Some(None) | None => (Response::plain("400 Bad Request", "not a request"), true),
    };
    let head = format!(
        "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        response.status,
        response.content_type,
        response.body.len()
    );
    stream.write_all(head.as_bytes())?;
    if with_body {
        stream.write_all(&response.body)?;
    }
    stream.shutdown(std::net::Shutdown::Write)?;
    drain(&mut stream)
}

/// Reads what is left of the request: a close with bytes unread would reset the connection under the answer.
fn drain(stream: &mut TcpStream) -> io::Result<()> {
    let start = Instant::now();
    let mut chunk = [0_u8; 4096];
    while let Some(left) = FAREWELL.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
        stream.set_read_timeout(Some(left))?;
        if stream.read(&mut chunk)? == 0 {
            break;
        }
    }
    Ok(())
}

/// Everything up to the empty line; `None` where it is too long, is cut off or takes too long.
fn read_head(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let start = Instant::now();
    let mut head = Vec::new();
    let mut chunk = [0_u8; 2048];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let left = TRANSFER.saturating_sub(start.elapsed());
        if left.is_zero() || head.len() > HEAD_BYTES_MAX {
            return Ok(None);
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(None),
            Ok(length) => head.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(head))
}

/// Method and path of `METHOD PATH HTTP/1.x`; a query is left out.
fn request_line(head: &[u8]) -> Option<(&str, &str)> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !version.starts_with("HTTP/1.") {
        return None;
    }
    Some((method, target.split('?').next().unwrap_or(target)))
}

fn respond(path: &str, tickets: &Sender<Ticket>, serving: Serving) -> Response {
    match path {
        "/metrics" => match scrape(tickets, serving.patience) {
            Ok(body) => Response { status: "200 OK", content_type: serving.content_type, body },
            Err(why) => Response::plain("503 Service Unavailable", &why),
        },
        "/-/healthy" => Response::plain("200 OK", "dvrf-prom is alive"),
        "/" => Response::plain("200 OK", "dvrf-prom: see /metrics and /-/healthy"),
        _ => Response::plain("404 Not Found", "see /metrics and /-/healthy"),
    }
}

fn scrape(tickets: &Sender<Ticket>, patience: Duration) -> Scrape {
    let (answer, answered) = channel();
    let gone = || "the collector has ended".to_owned();
    tickets.send(Ticket { asked: Instant::now(), answer }).map_err(|_| gone())?;
    answered.recv_timeout(patience).unwrap_or_else(|error| match error {
        RecvTimeoutError::Timeout => Err(format!("no report within {patience:?}")),
        RecvTimeoutError::Disconnected => Err(gone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_lines() {
        assert_eq!(request_line(b"GET /metrics?x=1 HTTP/1.1\r\nHost: h\r\n\r\n"), Some(("GET", "/metrics")));
        for wrong in
            ["GET /metrics\r\n\r\n", "GET  /metrics HTTP/1.1\r\n", "GET / HTTP/2\r\n", "\r\n", "\u{ff}"]
        {
            assert_eq!(request_line(wrong.as_bytes()), None, "{wrong:?}");
        }
    }

    /// Runs the collector over tickets of the given ages, and gives the number of the collection each got.
    fn collections(min_interval: Duration, gaps: &[Duration]) -> Vec<String> {
        let (tickets, waiting) = channel();
        let mut count = 0;
        let collector = std::thread::spawn(move || {
            answer_tickets(&waiting, min_interval, || {
                count += 1;
                std::thread::sleep(Duration::from_millis(50));
                Ok(Arc::new(vec![count]))
            });
        });
        let mut answers = Vec::new();
        for gap in gaps {
            std::thread::sleep(*gap);
            let (answer, answered) = channel();
            tickets.send(Ticket { asked: Instant::now(), answer }).unwrap();
            answers.push(answered);
        }
        drop(tickets);
        collector.join().unwrap();
        answers.into_iter().map(|answered| answered.recv().unwrap().unwrap()[0].to_string()).collect()
    }

    #[test]
    fn scrapes_that_meet_share_a_collection() {
        let (at_once, later) = (Duration::ZERO, Duration::from_millis(300));
        assert_eq!(collections(Duration::ZERO, &[at_once, at_once, later]), ["1", "1", "2"]);
        assert_eq!(collections(Duration::from_secs(60), &[at_once, later, later]), ["1", "1", "1"]);
    }
}
