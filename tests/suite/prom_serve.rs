//! `dvrf-prom --listen`: one report a scrape, shared and bounded, and a clean end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use testkit::receivers::{Reply, eventually, get, talk};
use testkit::{Devnet, Way, tool};

/// A serving `dvrf-prom`; killed with the test.
pub(crate) struct Served {
    child: Child,
    stderr: BufReader<ChildStderr>,
    pub(crate) address: String,
}

impl Served {
    pub(crate) fn start(devnet: &Devnet, way: Way, words: &[&str]) -> Self {
        let prepared = devnet.tool("dvrf-prom", way);
        let mut command = Command::new(prepared.get_program());
        command.env_clear();
        for (name, value) in prepared.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.args(["--listen", "127.0.0.1:0", "--retries", "0"]).args(words);
        Self::of(&mut command)
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        stderr.read_line(&mut said).unwrap();
        let address =
            said.trim().strip_prefix("[info] dvrf-prom: serving http://").unwrap_or_else(|| panic!("{said}"));
        let address = address.strip_suffix("/metrics").unwrap().to_owned();
        Self { child, stderr, address }
    }

    pub(crate) fn metrics(&self) -> Reply {
        get(&self.address, "/metrics")
    }

    fn signal(&self, signal: &str) {
        testkit::kill(&self.child, signal);
    }

    /// The exit code within five seconds, and what was said since the start.
    fn ended(mut self) -> (Option<i32>, String) {
        let status = eventually(Duration::from_secs(5), || self.child.try_wait().unwrap());
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        (status.and_then(|status| status.code()), said)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn balance(text: &str) -> Option<&str> {
    text.lines()
        .find_map(|line| line.strip_prefix("supra_dvrf_deposit_balance_quants{subscription=\"devnet\"} "))
}

#[test]
fn each_scrape_reads_the_chain() {
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let served = Served::start(&devnet, Way::Rpc, &["--min-interval", "0"]);
    let first = served.metrics();
    assert_eq!((first.status, balance(&first.body)), (200, Some("78750000000")), "{first:?}");
    assert!(first.head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{first:?}");
    devnet.enter("low");
    assert_eq!(balance(&served.metrics().body), Some("23625000000"));
    devnet.fault("429_rate=100");
    let lost = served.metrics();
    assert!(
        lost.status == 200 && lost.body.contains("supra_dvrf_up{subscription=\"devnet\"} 0\n"),
        "{lost:?}"
    );
    assert!(
        balance(&lost.body).is_none() && lost.body.contains("supra_dvrf_last_success_timestamp_seconds{"),
        "{lost:?}"
    );
}

#[test]
fn scrapes_within_the_interval_share_one_report() {
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let served = Served::start(&devnet, Way::Rpc, &["--min-interval", "60"]);
    let count = || devnet.requests().to_string();
    assert_eq!(served.metrics().status, 200);
    let once = count();
    let address = served.address.clone();
    let threads: Vec<_> =
        (0..20).map(|_| address.clone()).map(|a| std::thread::spawn(move || get(&a, "/metrics"))).collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap().status, 200);
    }
    assert_eq!(count(), once);
}

#[test]
fn other_paths_methods_and_noise() {
    let devnet = Devnet::start(&[]);
    let served = Served::start(&devnet, Way::Rpc, &["--format", "openmetrics"]);
    let status = |request: &str| talk(&served.address, request.as_bytes()).status;
    assert_eq!(get(&served.address, "/-/healthy").status, 200);
    let page = get(&served.address, "/");
    assert_eq!(page.status, 200);
    assert!(page.head.contains("content-type: text/html; charset=utf-8"), "{page:?}");
    assert!(page.body.starts_with("<!DOCTYPE html>") && page.body.contains(">devnet <span"), "{page:?}");
    assert_eq!(get(&served.address, "/etc/passwd").status, 404);
    assert_eq!(status("POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), 405);
    assert_eq!(status("noise\r\n\r\n"), 400);
    assert_eq!(status(&format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20_000))), 400);
    let head = talk(&served.address, b"HEAD /metrics HTTP/1.1\r\n\r\n");
    assert_eq!((head.status, head.body.as_str()), (200, ""), "{head:?}");
    assert!(head.head.contains("application/openmetrics-text; version=1.0.0"), "{head:?}");
    assert!(served.metrics().body.ends_with("\n# EOF\n"));
}

#[test]
fn silent_connections_do_not_keep_others_out() {
    let devnet = Devnet::start(&[]);
    let served = Served::start(&devnet, Way::Rpc, &[]);
    let mut silent: Vec<TcpStream> = Vec::new();
    for _ in 0..3 {
        silent.extend((0..64).map(|_| TcpStream::connect(&served.address).unwrap()));
        assert_eq!(get(&served.address, "/-/healthy").status, 200);
    }
    // The oldest was closed for a newer one; the newest still gets its answer.
    assert_eq!(silent[0].read(&mut [0]).unwrap(), 0);
    let newest = silent.last_mut().unwrap();
    newest.write_all(b"GET /-/healthy HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    newest.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[test]
fn memory_with_secrets_is_not_dumped() {
    let devnet = Devnet::start(&[]);
    let served = Served::start(&devnet, Way::Rpc, &[]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", served.child.id())).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>(), ["0", "0", "bytes"]);
}

#[test]
fn a_signal_ends_it_cleanly_also_in_the_middle_of_a_scrape() {
    let devnet = Devnet::start(&[]);
    for (way, signal) in [(Way::Rpc, "-TERM"), (Way::Rpc, "-INT"), (Way::Cli("v11"), "-TERM")] {
        let served = Served::start(&devnet, way, &[]);
        assert_eq!(served.metrics().status, 200);
        served.signal(signal);
        assert_eq!(served.ended(), (Some(0), "[info] dvrf-prom: stopped\n".to_owned()));
    }
    let stuck = Devnet::start(&["--fault", "cli_hang"]);
    let served = Served::start(&stuck, Way::Cli("v11"), &[]);
    let address = served.address.clone();
    let scrape = std::thread::spawn(move || get(&address, "/metrics"));
    let cli = format!("{} move", stuck.cli.display());
    let children = || testkit::command_lines().iter().filter(|line| line.starts_with(&cli)).count();
    assert!(eventually(Duration::from_secs(10), || (children() > 0).then_some(())).is_some());
    served.signal("-TERM");
    assert_eq!(served.ended().0, Some(0));
    assert!(eventually(Duration::from_secs(2), || (children() == 0).then_some(())).is_some());
    scrape.join().unwrap();
    let served = Served::start(&devnet, Way::Rpc, &[]);
    devnet.fault("hang");
    let address = served.address.clone();
    let scrape = std::thread::spawn(move || get(&address, "/metrics"));
    std::thread::sleep(Duration::from_millis(300));
    let start = Instant::now();
    served.signal("-TERM");
    assert_eq!(served.ended().0, Some(0));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(scrape.join().unwrap().status, 0);
}

#[test]
fn a_file_is_read_again_and_a_taken_port_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let record = |balance: u32| {
        format!(
            "{{\"profile\":\"devnet\",\"state\":{{\"deposit\":{{\"balance\":\"{balance}\",\"min_balance\":\"1\"}}}},\"views\":{{}}}}\n"
        )
    };
    std::fs::write(&file, record(1)).unwrap();
    let devnet = Devnet::start(&[]);
    let words = ["--min-interval", "0", "--input", file.to_str().unwrap()];
    let served = Served::start(&devnet, Way::Rpc, &words);
    assert_eq!(balance(&served.metrics().body), Some("1"));
    std::fs::write(&file, record(2)).unwrap();
    assert_eq!(balance(&served.metrics().body), Some("2"));
    std::fs::remove_file(&file).unwrap();
    let gone = served.metrics();
    assert!(gone.status == 503 && gone.body.starts_with("cannot open "), "{gone:?}");
    let taken = testkit::run(tool("dvrf-prom").args(["--listen", &served.address]));
    assert_eq!(taken.code, 2, "{taken}");
    assert!(
        taken.err.contains(&format!("cannot listen on {}: Address already in use", served.address)),
        "{taken}"
    );
}
