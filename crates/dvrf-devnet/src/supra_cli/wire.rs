//! The connection to the devnet: plain HTTP/1.1, kept open.

use serde_json::Value;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub(super) struct Wire {
    stream: TcpStream,
    host: String,
}

fn bad(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.to_owned())
}

impl Wire {
    pub(super) fn connect(url: &str) -> io::Result<Self> {
        let rest = url.strip_prefix("http://").ok_or_else(|| bad("only http:// is served"))?;
        let host = rest.split('/').next().unwrap_or(rest).to_owned();
        let stream = TcpStream::connect(&host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { stream, host })
    }

    pub(super) fn get(&mut self, path: &str) -> io::Result<(u16, Value)> {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.host))
    }

    pub(super) fn post(&mut self, path: &str, body: &Value) -> io::Result<(u16, Value)> {
        let body = body.to_string();
        self.exchange(&format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        ))
    }

    /// An answer that is not JSON, such as a gateway's page, becomes null.
    fn exchange(&mut self, request: &str) -> io::Result<(u16, Value)> {
        self.stream.write_all(request.as_bytes())?;
        let mut bytes = Vec::new();
        let mut chunk = [0_u8; 16384];
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let mut response = httparse::Response::new(&mut headers);
            if let Ok(httparse::Status::Complete(head)) = response.parse(&bytes) {
                let length = response.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length"));
                let length = length
                    .and_then(|h| std::str::from_utf8(h.value).ok())
                    .and_then(|text| text.parse::<usize>().ok());
                let length = length.ok_or_else(|| bad("answer without a length"))?;
                if let Some(body) = bytes.get(head..head.saturating_add(length)) {
                    let status = response.code.unwrap_or(0);
                    return Ok((status, serde_json::from_slice(body).unwrap_or(Value::Null)));
                }
            }
            match self.stream.read(&mut chunk)? {
                0 => return Err(bad("connection closed before the answer was complete")),
                read => bytes.extend_from_slice(chunk.get(..read).unwrap_or_default()),
            }
        }
    }
}
