//! HTTP/1.1 over a socket that the faults can break at any point.

use crate::fault::{Action, Plan};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const MAX_BODY: usize = 4 << 20;
const MAX_HEAD: usize = 64 << 10;

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Percent-decoded, without the query.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) close: bool,
}

impl Request {
    pub(crate) fn query(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn json(status: u16, value: &serde_json::Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: value.to_string().into_bytes(),
        }
    }

    pub(crate) fn message(status: u16, text: &str) -> Self {
        Self::json(status, &serde_json::json!({"message": text}))
    }

    /// The node's answer to a route it does not have.
    pub(crate) fn no_route() -> Self {
        Self { status: 404, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

pub(crate) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        let hex = (*byte == b'%').then(|| text.get(index + 1..index + 3)).flatten();
        if let Some(value) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(value);
            index += 3;
        } else {
            out.push(*byte);
            index += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn bad(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.to_owned())
}

/// Reads one request; `None` when the peer has closed. `rest` keeps bytes of the next one.
pub(crate) fn read_request(stream: &mut TcpStream, rest: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let mut chunk = [0_u8; 8192];
    loop {
        if let Some((request, head, length)) = parse_head(rest)? {
            while rest.len() < head + length {
                match stream.read(&mut chunk)? {
                    0 => return Err(bad("body cut off")),
                    read => rest.extend_from_slice(chunk.get(..read).unwrap_or_default()),
                }
            }
            let body = rest.get(head..head + length).unwrap_or_default().to_vec();
            rest.drain(..head + length);
            return Ok(Some(Request { body, ..request }));
        }
        match stream.read(&mut chunk)? {
            0 => return Ok(None),
            read => rest.extend_from_slice(chunk.get(..read).unwrap_or_default()),
        }
    }
}

fn parse_head(bytes: &[u8]) -> io::Result<Option<(Request, usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let status = parsed.parse(bytes).map_err(|error| bad(&error.to_string()))?;
    let httparse::Status::Complete(head) = status else {
        return if bytes.len() > MAX_HEAD { Err(bad("head too long")) } else { Ok(None) };
    };
    let header = |name: &str| {
        parsed
            .headers
            .iter()
            .find(|h| h.name.eq_ignore_ascii_case(name))
            .and_then(|h| std::str::from_utf8(h.value).ok())
    };
    let length = header("content-length")
        .map_or(Ok(0), |text| text.trim().parse::<usize>().map_err(|_| bad("bad length")))?;
    if length > MAX_BODY || header("transfer-encoding").is_some() {
        return Err(bad("body too long or chunked"));
    }
    let close = header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
        || parsed.version == Some(0);
    let target = parsed.path.unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decode(key), percent_decode(value))
    });
    let request = Request {
        method: parsed.method.unwrap_or("GET").to_owned(),
        path: percent_decode(path),
        query: query.collect(),
        body: Vec::new(),
        close,
    };
    Ok(Some((request, head, length)))
}

fn head(response: &Response, length: usize) -> String {
    use std::fmt::Write as _;
    let mut text =
        format!("HTTP/1.1 {} {}\r\ncontent-length: {length}\r\n", response.status, reason(response.status));
    for (name, value) in &response.headers {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text.push_str("\r\n");
    text
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        410 => "Gone",
        429 => "Too Many Requests",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

/// Sends the answer with the planned fault; `false` ends the connection.
pub(crate) fn deliver(stream: &mut TcpStream, response: Response, plan: &Plan) -> io::Result<bool> {
    std::thread::sleep(Duration::from_millis(plan.delay_ms));
    let text = |status, kind: &str, body: &str| Response {
        status,
        headers: vec![("content-type", kind.to_owned())],
        body: body.as_bytes().to_vec(),
    };
    let mut response = match plan.action {
        Action::Pass | Action::Truncate => response,
        Action::Throttle => {
            let wait = match plan.retry_after.as_deref() {
                Some("date") => http_date(1),
                Some(seconds) => seconds.to_owned(),
                None => "1".to_owned(),
            };
            Response::message(429, "Too many requests").with("retry-after", wait)
        }
        Action::Broken(status) => Response::message(status, "service temporarily unavailable"),
        Action::Html => {
            text(502, "text/html", "<html><head><title>502 Bad Gateway</title></head><body>502</body></html>")
        }
        Action::Garbage => text(200, "application/json", "{\"result\": [\"1\", "),
        Action::WrongContent => text(200, "text/plain", "Welcome to the captive portal"),
        Action::Reset => {
            // Zero linger turns the close into a reset.
            rustix::net::sockopt::set_socket_linger(&*stream, Some(Duration::ZERO))?;
            return Ok(false);
        }
        Action::Hang => {
            // Until the client gives up, at most two minutes.
            stream.set_read_timeout(Some(Duration::from_secs(120)))?;
            let _ = stream.read(&mut [0_u8; 1]);
            return Ok(false);
        }
    };
    if plan.huge_bytes > 0 {
        let mut body = vec![b' '; plan.huge_bytes];
        body.append(&mut response.body);
        response.body = body;
    }
    let mut bytes = head(&response, response.body.len()).into_bytes();
    if plan.action == Action::Truncate {
        bytes.extend_from_slice(response.body.get(..response.body.len() / 2).unwrap_or_default());
        stream.write_all(&bytes)?;
        return Ok(false);
    }
    if plan.slow_ms > 0 {
        stream.write_all(&bytes)?;
        for piece in response.body.chunks(response.body.len().div_ceil(8).max(1)) {
            std::thread::sleep(Duration::from_millis(plan.slow_ms));
            stream.write_all(piece)?;
        }
        return Ok(true);
    }
    bytes.extend_from_slice(&response.body);
    stream.write_all(&bytes)?;
    Ok(true)
}

fn http_date(ahead_seconds: i64) -> String {
    let at = jiff::Timestamp::now().as_second().saturating_add(ahead_seconds);
    let at = jiff::Timestamp::from_second(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap_or_default()
}
