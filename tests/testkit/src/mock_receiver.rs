//! A receiver on loopback that answers as it is told and keeps what it got.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What it got.
#[derive(Debug, Clone)]
pub struct ReceivedRequest {
    /// When.
    pub at: Instant,
    /// The method.
    pub method: String,
    /// The path and query.
    pub path: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl ReceivedRequest {
    /// The body as JSON; `null` where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// How it answers.
#[derive(Debug, Clone)]
pub enum ScriptedResponse {
    /// A whole answer: status, extra header lines, body.
    Reply(u16, String, String),
    /// Nothing, with the connection open.
    Hang,
    /// The connection is cut in the middle of the head.
    Cut,
    /// A good head, then one byte a second.
    Slow,
}

impl ScriptedResponse {
    /// A bare status.
    pub fn status(code: u16) -> Self {
        Self::Reply(code, String::new(), String::new())
    }

    /// A status with one header.
    pub fn with(code: u16, header: &str) -> Self {
        Self::Reply(code, format!("{header}\r\n"), String::new())
    }

    /// 200 and a body.
    pub fn body(text: &str) -> Self {
        Self::Reply(200, String::new(), text.to_owned())
    }
}

#[derive(Debug)]
struct Shared {
    requests: Vec<ReceivedRequest>,
    script: VecDeque<ScriptedResponse>,
    then: ScriptedResponse,
}

/// The receiver; it ends with the test's process.
#[derive(Debug, Clone)]
pub struct MockReceiver {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

impl MockReceiver {
    /// Answers with the script, one act a request, and then always with the last.
    ///
    /// # Panics
    /// When no port is free.
    pub fn open(script: Vec<ScriptedResponse>, then: ScriptedResponse) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("no port: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
        let shared = Arc::new(Mutex::new(Shared { requests: Vec::new(), script: script.into(), then }));
        let inbox = Self { address, shared: Arc::clone(&shared) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A client that was killed leaves half a request: that is what some tests are about.
                std::thread::spawn(move || drop(answer(&stream, &shared)));
            }
        });
        inbox
    }

    /// Takes everything as Slack does.
    pub fn friendly() -> Self {
        Self::open(Vec::new(), ScriptedResponse::body("ok"))
    }

    /// Its URL with a path that stands for a secret.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// What it got so far.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.shared.lock().map(|shared| shared.requests.clone()).unwrap_or_default()
    }

    /// Forgets what it got and answers from now on like this.
    pub fn reset(&self, script: Vec<ScriptedResponse>, then: ScriptedResponse) {
        if let Ok(mut shared) = self.shared.lock() {
            *shared = Shared { requests: Vec::new(), script: script.into(), then };
        }
    }
}

fn answer(stream: &TcpStream, shared: &Mutex<Shared>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            // Half a head is no letter.
            return Ok(());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let letter = ReceivedRequest {
        at: Instant::now(),
        method,
        path,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let act = {
        let Ok(mut shared) = shared.lock() else { return Ok(()) };
        shared.requests.push(letter);
        shared.script.pop_front().unwrap_or_else(|| shared.then.clone())
    };
    let mut out = stream;
    match act {
        ScriptedResponse::Reply(code, headers, body) => {
            let length = body.len();
            write!(
                out,
                "HTTP/1.1 {code} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
        }
        ScriptedResponse::Hang => {
            std::thread::sleep(Duration::from_secs(30));
            Ok(())
        }
        ScriptedResponse::Cut => write!(out, "HTTP/1.1 20"),
        ScriptedResponse::Slow => {
            write!(out, "HTTP/1.1 200 X\r\nContent-Length: 30\r\n\r\n")?;
            for _ in 0..30 {
                out.write_all(b"x")?;
                std::thread::sleep(Duration::from_secs(1));
            }
            Ok(())
        }
    }
}
