//! `scripts/report-chaos`: reads reports through a load balancer that sends each request to one of two nodes, of which one is
//! 20 minutes behind and has other values, and compares the verdicts with that of the fresh node alone.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chaos::play_all;
use clap::Parser;
use fastrand::Rng;
use serde_json::{Value, json};
use testkit::{Devnet, Way, run};

/// Reads reports through a load balancer over two nodes that differ, and checks their verdicts
#[derive(Parser)]
#[command(name = "report-chaos")]
struct Args {
    /// Number of reports of each kind
    #[arg(default_value_t = 200)]
    count: u64,
    /// Seed of the load balancers [default: random]
    #[arg(long)]
    seed: Option<u64>,
    /// Percentage of the requests that the node answers which is behind [default: random for each series]
    #[arg(long)]
    behind: Option<u64>,
    /// Forget after each report that nodes differed
    #[arg(long)]
    forget: bool,
    /// Reports in parallel
    #[arg(long, default_value_t = 4)]
    jobs: u64,
}

/// Reports that follow each other, as from cron, with one cache.
const SERIES: u64 = 10;
/// By how much the node is behind.
const BEHIND_S: u64 = 1200;

/// What has happened in these 20 minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// The deposit was topped up and a request was answered.
    Better,
    /// The deposit was spent and a request has got stuck.
    Worse,
    /// A request has got stuck.
    Stuck,
}

impl Change {
    const ALL: [Self; 3] = [Self::Better, Self::Worse, Self::Stuck];

    /// The fresh node and the one that is behind.
    fn nodes(self) -> (Devnet, Devnet) {
        let bad = |behind_s, is_low| {
            let node = node("stuck", behind_s);
            if is_low {
                node.control(&json!({"balance": "100"}));
            }
            node
        };
        match self {
            Self::Better => (node("healthy", 0), bad(BEHIND_S, true)),
            Self::Worse => (bad(0, true), node("healthy", BEHIND_S)),
            Self::Stuck => (bad(0, false), node("healthy", BEHIND_S)),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the nodes follow the machine's clock")]
fn node(scenario: &str, behind_s: u64) -> Devnet {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let start = (now - behind_s).to_string();
    Devnet::start(&["--scenario", scenario, "--block-ms", "500", "--start-time", &start])
}

/// A load balancer in front of two nodes.
struct Balancer {
    url: String,
    /// How many requests each of them answered.
    answered: Arc<[AtomicU64; 2]>,
}

impl Balancer {
    fn open(nodes: [String; 2], seed: u64, behind: u64) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let answered = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let counts = Arc::clone(&answered);
        std::thread::spawn(move || {
            let mut rng = Rng::with_seed(seed);
            for stream in listener.incoming().flatten() {
                let index = usize::from(rng.u64(0..100) < behind);
                counts[index].fetch_add(1, Ordering::Relaxed);
                let node = nodes[index].clone();
                // A client that gives up closes the connection.
                std::thread::spawn(move || drop(pass(&stream, &node)));
            }
        });
        Ok(Self { url, answered })
    }

    /// Whether both nodes have answered since the last call.
    fn mixed(&self) -> bool {
        self.answered.iter().all(|count| count.swap(0, Ordering::Relaxed) > 0)
    }
}

/// Passes one request to a node and closes the connection, so that the next one may go elsewhere.
fn pass(stream: &TcpStream, node: &str) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line.trim_end().is_empty() {
            break;
        }
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if name == "content-length" {
            length = line.trim_end().rsplit(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0);
        }
        if name != "connection" {
            head += &line;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut upstream = TcpStream::connect(node.trim_start_matches("http://"))?;
    upstream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    upstream.write_all(&body)?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    let first_line = answer.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut out = stream;
    out.write_all(&answer[..first_line])?;
    out.write_all(b"Connection: close\r\n")?;
    out.write_all(&answer[first_line..])?;
    out.shutdown(Shutdown::Both)
}

/// What a report says: its exit code, its gravest finding, the balance and whether a request waits.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Verdict {
    code: i32,
    finding: Value,
    balance: Value,
    pending: Value,
}

fn check(node: &Devnet, url: &str, cache: &std::path::Path) -> Verdict {
    let mut check = node.tool("dvrf-check", Way::Rpc);
    check.arg("--live").env("SUPRA_RPC_URL", url).env("DVRF_CACHE_DIR", cache);
    let outcome = run(&mut check);
    let record: Value = serde_json::from_str(&outcome.out).unwrap_or_default();
    let part = |path: &str| record.pointer(path).cloned().unwrap_or_default();
    Verdict {
        code: outcome.code,
        finding: part("/checks/findings/0/code"),
        balance: part("/state/deposit/balance"),
        pending: part("/state/lottery/pending_request"),
    }
}

#[derive(Default)]
struct Summary {
    /// By change and ending.
    endings: BTreeMap<(&'static str, &'static str), u64>,
    wrong: Vec<String>,
    /// Why series could not be played.
    failed: Vec<String>,
}

impl Summary {
    fn count(&self, change: Change, ending: &'static str) -> u64 {
        self.endings.get(&(name_of(change), ending)).copied().unwrap_or_default()
    }
}

fn name_of(change: Change) -> &'static str {
    match change {
        Change::Better => "better",
        Change::Worse => "worse",
        Change::Stuck => "stuck",
    }
}

/// One series of reports through one load balancer.
fn play(change: Change, number: u64, seed: u64, args: &Args) -> io::Result<Summary> {
    let mut rng = Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(number));
    let behind = args.behind.unwrap_or_else(|| [10, 25, 33, 50, 75, 90][rng.usize(0..6)]);
    let (fresh, late) = change.nodes();
    let cache = fresh.cli.with_file_name("caches");
    let truth = check(&fresh, &fresh.url, &cache.join("truth"));
    let balancer = Balancer::open([fresh.url.clone(), late.url.clone()], rng.u64(..), behind)?;
    let mut summary = Summary::default();
    for step in 0..SERIES {
        let cache = cache.join(if args.forget { step.to_string() } else { String::new() });
        let said = check(&fresh, &balancer.url, &cache);
        let mixed = balancer.mixed();
        // A value that is not known is null.
        let is_true = |said: &Value, fact: &Value| said.is_null() || said == fact;
        let has_true_values =
            is_true(&said.balance, &truth.balance) && is_true(&said.pending, &truth.pending);
        let ending = if said.code == 2 {
            if mixed { "unknown" } else { "unknown of one node" }
        } else if said == truth {
            "right"
        } else if said.code == 0 {
            "false ok"
        } else if said.code == truth.code && has_true_values {
            "right"
        } else {
            "false alert"
        };
        if ending.starts_with("false") {
            let place = format!("series {number}, report {step}, {behind} % behind");
            summary.wrong.push(format!("{ending} ({change:?}, {place}): {said:?}, not {truth:?}"));
        }
        *summary.endings.entry((name_of(change), ending)).or_default() += 1;
    }
    Ok(summary)
}

fn main() -> ExitCode {
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let series = args.count.div_ceil(SERIES);
    let played = |number: u64| {
        // The series of one change follow those of another.
        let index = usize::try_from(number / series).unwrap_or_default();
        play(Change::ALL[index], number, seed, &args)
    };
    let add = |all: &mut Summary, _, one: io::Result<Summary>| {
        match one {
            Ok(one) => {
                all.wrong.extend(one.wrong);
                for (ending, count) in one.endings {
                    *all.endings.entry(ending).or_default() += count;
                }
            }
            Err(error) => all.failed.push(error.to_string()),
        }
        ControlFlow::Continue(())
    };
    let all = play_all(0..3 * series, args.jobs, played, add);
    match report(seed, &all, &mut io::stdout()) {
        Ok(()) if all.failed.is_empty() && all.count(Change::Better, "false alert") == 0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn report(seed: u64, all: &Summary, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} reports from --seed {seed}", all.endings.values().sum::<u64>())?;
    for change in Change::ALL {
        let words = ["right", "unknown", "unknown of one node", "false ok", "false alert"];
        let counts = words.map(|ending| format!("{ending} {}", all.count(change, ending)));
        writeln!(out, "{}: {}", name_of(change), counts.join(", "))?;
    }
    all.failed.iter().try_for_each(|failed| writeln!(out, "\nfailed: {failed}"))?;
    all.wrong.iter().try_for_each(|wrong| writeln!(out, "\nwrong: {wrong}"))
}
