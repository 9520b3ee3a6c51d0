//! A small HTTP/1.1 server on loopback. The socket is ours, because faults cut, reset and stall it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::fault::Strike;
use crate::rest::Node;

const HEAD_BYTES_MAX: usize = 16 << 10;
const BODY_BYTES_MAX: usize = 1 << 20;
const CONNECTIONS_MAX: usize = 512;
/// A peer that says nothing for so long is gone.
const IDLE: Duration = Duration::from_secs(30);
/// How long a hang lasts: longer than any client should wait.
const HANG: Duration = Duration::from_secs(120);

/// A parsed request.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// Binds to a loopback address; any other is refused, for this is no node to be reached from outside.
pub(crate) fn bind(listen: &str) -> Result<TcpListener, String> {
    let address: SocketAddr =
        listen.parse().map_err(|_| format!("--listen is {listen:?}: ADDRESS:PORT is needed"))?;
    if !address.ip().is_loopback() {
        return Err(format!("--listen is {listen}: only loopback addresses are served"));
    }
    TcpListener::bind(address).map_err(|error| format!("cannot listen on {listen}: {error}"))
}

/// Serves for ever; a thread a connection, up to a bound.
pub(crate) fn serve(listener: &TcpListener, node: &Arc<Node>) {
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        if open.load(Ordering::Relaxed) >= CONNECTIONS_MAX {
            continue;
        }
        open.fetch_add(1, Ordering::Relaxed);
        let (node, open) = (Arc::clone(node), Arc::clone(&open));
        std::thread::spawn(move || {
            // A broken connection concerns only its peer.
            drop(converse(stream, &node));
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

fn converse(mut stream: TcpStream, node: &Node) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(IDLE))?;
    let mut buffer = Vec::new();
    while let Some((request, keep)) = read(&mut stream, &mut buffer)? {
        let control = request.path.starts_with("/devnet/");
        let (strike, delay) = if control { (Strike::None, Duration::ZERO) } else { node.fate(&request) };
        std::thread::sleep(delay);
        let response = node.answer(&request);
        if !write(&mut stream, node, response, strike)? || !keep {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads one request; `None` at the end of the connection.
fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<(Request, bool)>> {
    let bad = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(head) = parsed.parse(buffer).map_err(|_| bad("not HTTP"))? {
            let header = |name: &str| {
                let found = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
                found.and_then(|header| std::str::from_utf8(header.value).ok())
            };
            let length: usize =
                header("content-length").map_or(Ok(0), str::parse).map_err(|_| bad("length"))?;
            let keep = !header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
            if length > BODY_BYTES_MAX {
                return Err(bad("body too long"));
            }
            let target = parsed.path.unwrap_or("/");
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let (method, path, query) =
                (parsed.method.unwrap_or("").to_owned(), decode(path), query.to_owned());
            while buffer.len() < head + length {
                if !fill(stream, buffer)? {
                    return Err(bad("cut body"));
                }
            }
            let body = buffer[head..head + length].to_vec();
            buffer.drain(..head + length);
            return Ok(Some((Request { method, path, query, body }, keep)));
        }
        if buffer.len() > HEAD_BYTES_MAX {
            return Err(bad("head too long"));
        }
        if !fill(stream, buffer)? {
            return Ok(None);
        }
    }
}

fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let mut chunk = [0; 8192];
    let length = stream.read(&mut chunk)?;
    buffer.extend_from_slice(&chunk[..length]);
    Ok(length > 0)
}

/// `%3C` and its like.
fn decode(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| first == b'%');
        rest = if byte.is_some() { &after[2..] } else { after };
        bytes.push(byte.unwrap_or(first));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Writes the response as the strike says; false when the connection is to be closed.
fn write(stream: &mut TcpStream, node: &Node, response: Response, strike: Strike) -> io::Result<bool> {
    let plain = |status: u16, kind: &str, body: &str| Response {
        status,
        headers: vec![("Content-Type", kind.to_owned())],
        body: body.as_bytes().to_vec(),
    };
    let response = match strike {
        Strike::None | Strike::Truncate => response,
        Strike::Throttle => {
            let mut slow = plain(429, "application/json", "{\"message\":\"too many requests\"}");
            slow.headers.extend(node.retry_after().map(|value| ("Retry-After", value)));
            slow
        }
        Strike::Error => plain(node.error_status(), "application/json", "{\"message\":\"internal error\"}"),
        Strike::Html => plain(200, "text/html", "<html><body>login</body></html>"),
        Strike::Garbage => plain(200, "application/json", "{\"result\": [\"12"),
        Strike::Huge => Response { body: vec![b' '; 64 << 20], ..response },
        Strike::Hang => {
            std::thread::sleep(HANG);
            return Ok(false);
        }
        Strike::Reset => {
            // A zero linger turns the close into a reset.
            rustix::net::sockopt::set_socket_linger(&*stream, Some(Duration::ZERO))?;
            return Ok(false);
        }
    };
    let mut head = format!("HTTP/1.1 {} {}\r\n", response.status, reason(response.status));
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", response.body.len()));
    let mut bytes = head.into_bytes();
    let cut = strike == Strike::Truncate;
    let length = if cut { response.body.len() / 2 } else { response.body.len() };
    bytes.extend_from_slice(&response.body[..length]);
    stream.write_all(&bytes)?;
    Ok(!cut)
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        410 => "Gone",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        _ => "Status",
    }
}
