//! The real programs that read our metrics: started on loopback in a folder of their own, ended with the test.
//!
//! Never as services: each gets a free port, its data in a temporary folder, and a kill when it is dropped.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take to answer for the first time, on a busy machine.
const READY: Duration = Duration::from_secs(60);

/// A running program of the system, and where it listens.
pub struct Receiver {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub address: String,
    folder: tempfile::TempDir,
}

/// An answer to a loopback request.
#[derive(Debug)]
pub struct Reply {
    /// The status code; 0 where there was no answer.
    pub status: u16,
    /// The head, in lower case.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Receiver {
    /// Starts a program with these words, in which `{address}` and `{folder}` stand for its own, and waits until
    /// `ready` answers 200.
    ///
    /// # Panics
    /// When it cannot be started or is not ready in time.
    #[must_use]
    pub fn start(program: &str, ready: &str, files: &[(&str, &str)], words: &[&str]) -> Self {
        Self::start_at(None, program, ready, files, words)
    }

    fn start_at(
        address: Option<&str>,
        program: &str,
        ready: &str,
        files: &[(&str, &str)],
        words: &[&str],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let address = address.map_or_else(free_address, str::to_owned);
        let here = folder.path().display().to_string();
        let filled = |text: &str| text.replace("{address}", &address).replace("{folder}", &here);
        for (name, text) in files {
            std::fs::write(folder.path().join(name), filled(text))
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let log = File::create(folder.path().join("log")).unwrap_or_else(|error| panic!("no log: {error}"));
        let child = crate::program(program)
            .args(words.iter().map(|word| filled(word)))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{program} cannot be started: {error}"));
        let mut receiver = Self { child, address, folder };
        let start = Instant::now();
        while get(&receiver.address, ready).status != 200 {
            let ended = receiver.child.try_wait().unwrap_or_default();
            let late = start.elapsed() > READY;
            assert!(ended.is_none() && !late, "{program} is not ready: {}", receiver.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        receiver
    }

    /// A Pushgateway.
    #[must_use]
    pub fn pushgateway() -> Self {
        Self::start(
            "prometheus-pushgateway",
            "/-/ready",
            &[],
            &["--web.listen-address={address}", "--persistence.file={folder}/data"],
        )
    }

    /// A node-exporter that serves nothing but the textfiles of a directory.
    #[must_use]
    pub fn node_exporter(directory: &Path) -> Self {
        let directory = format!("--collector.textfile.directory={}", directory.display());
        let words = [
            "--web.listen-address={address}",
            "--collector.disable-defaults",
            "--collector.textfile",
            &directory,
        ];
        Self::start("prometheus-node-exporter", "/", &[], &words)
    }

    /// A Prometheus with our rules that scrapes these addresses every half second.
    #[must_use]
    pub fn prometheus(targets: &[&str]) -> Self {
        let targets: Vec<String> = targets.iter().map(|target| format!("'{target}'")).collect();
        let config = format!(
            "global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 1s}}\nrule_files: ['{}']\nscrape_configs: [{{job_name: dvrf, honor_labels: true, static_configs: [{{targets: [{}]}}]}}]\n",
            crate::root().join("scripts/prometheus/rules.yml").display(),
            targets.join(", ")
        );
        let words = [
            "--config.file={folder}/prometheus.yml",
            "--storage.tsdb.path={folder}/data",
            "--web.listen-address={address}",
        ];
        Self::start("prometheus", "/-/ready", &[("prometheus.yml", &config)], &words)
    }

    /// An Alertmanager that posts every change to a URL at once.
    #[must_use]
    pub fn alertmanager(webhook: &str, address: Option<&str>) -> Self {
        let config = format!(
            "route: {{receiver: us, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}\nreceivers: [{{name: us, webhook_configs: [{{url: '{webhook}', send_resolved: true}}]}}]\n"
        );
        let words = [
            "--config.file={folder}/alertmanager.yml",
            "--storage.path={folder}/data",
            "--web.listen-address={address}",
            "--cluster.listen-address=",
        ];
        let files = [("alertmanager.yml", config.as_str())];
        Self::start_at(address, "prometheus-alertmanager", "/-/ready", &files, &words)
    }

    /// Asks it.
    #[must_use]
    pub fn get(&self, path: &str) -> Reply {
        get(&self.address, path)
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it said.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The samples that a Prometheus answers to a query, as label sets and values.
    ///
    /// # Panics
    /// When the answer is no success.
    #[must_use]
    pub fn query(&self, expression: &str) -> Vec<(serde_json::Value, String)> {
        let reply = self.get(&format!("/api/v1/query?query={}", encoded(expression)));
        let answer: serde_json::Value =
            serde_json::from_str(&reply.body).unwrap_or_else(|error| panic!("{error}: {reply:?}"));
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        let samples = answer["data"]["result"].as_array().cloned().unwrap_or_default();
        samples
            .into_iter()
            .map(|sample| {
                (sample["metric"].clone(), sample["value"][1].as_str().unwrap_or_default().to_owned())
            })
            .collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An address that nothing listens on at the moment.
///
/// # Panics
/// When loopback has no free port.
#[must_use]
pub fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("no free port: {error}"));
    listener.local_addr().map(|address| address.to_string()).unwrap_or_default()
}

/// A GET over loopback; status 0 where nobody answers.
#[must_use]
pub fn get(address: &str, path: &str) -> Reply {
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    talk(address, head.as_bytes())
}

/// Sends bytes and reads until the other side closes, at most ten seconds.
#[must_use]
pub fn talk(address: &str, bytes: &[u8]) -> Reply {
    let answer = TcpStream::connect(address).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(bytes)?;
        let mut answer = Vec::new();
        // A reset after the answer is none of ours.
        drop(stream.read_to_end(&mut answer));
        Ok(String::from_utf8_lossy(&answer).into_owned())
    });
    let answer = answer.unwrap_or_default();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let head = head.to_ascii_lowercase();
    let body = if head.contains("transfer-encoding: chunked") { dechunked(body) } else { body.to_owned() };
    Reply { status, head, body }
}

fn dechunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap_or(0);
        let (Some(chunk), true) = (after.get(..length), length > 0) else { break };
        body.push_str(chunk);
        rest = after[length..].trim_start_matches("\r\n");
    }
    body
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        encoded
    })
}

/// Calls `check` until it gives something, for at most `span`.
pub fn eventually<T>(span: Duration, mut check: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        match check() {
            Some(found) => return Some(found),
            None if start.elapsed() > span => return None,
            None => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}
