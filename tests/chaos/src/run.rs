//! Runs a case with the real tools on a devnet of its own.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use serde_json::{Value, json};
use testkit::{Devnet, LOTTERY, Way, tool};

use crate::case::{Case, Pipeline, TRANSPORTS};
use crate::oracle::{CANARY, Seen, fleet, limit_ms};

/// The variable by which processes of a run are found again.
const MARK: &str = "DVRF_CHAOS_RUN";
static RUNS: AtomicU64 = AtomicU64::new(0);

/// What was seen, and the truth; `lie` turns the truth around, so that whoever doubts the judge can see it object.
pub(crate) fn run(case: &Case, lie: bool) -> (Seen, Value) {
    let (choices, clients) = (case.seed.to_string(), case.clients.to_string());
    let mut words = vec![
        "--seed",
        &choices,
        "--clients",
        &clients,
        "--scenario",
        &case.scenario,
        "--interface",
        &case.interface,
        "--node",
        &case.node,
        "--api",
        &case.api,
    ];
    if !case.abi {
        words.push("--no-abi");
    }
    let devnet = Devnet::start(&words);
    // An order that the devnet cannot read would be a case of nothing.
    for fault in &case.faults {
        devnet.control(&json!({"fault": fault}));
    }
    let mark = format!("{}-{}", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
    let seen = std::thread::scope(|scope| {
        if let Some((after_ms, faults)) = &case.turn {
            let devnet = &devnet;
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(*after_ms));
                devnet.control(&json!({"faults": {}}));
                for fault in faults {
                    devnet.control(&json!({"fault": fault}));
                }
            });
        }
        watch(case, &devnet, &mark)
    });
    let mut truth = devnet.call("GET", "/devnet/state", "");
    if lie {
        turn_around(&mut truth);
    }
    (seen, truth)
}

fn turn_around(truth: &mut Value) {
    let paused = truth["paused"].as_bool().unwrap_or_default();
    truth["paused"] = json!(!paused);
    for client in truth["clients"].as_array_mut().into_iter().flatten() {
        client["balance"] = json!(format!("1{}", client["balance"].as_str().unwrap_or_default()));
        client["at_minimum"] = json!(!client["at_minimum"].as_bool().unwrap_or_default());
    }
}

fn watch(case: &Case, devnet: &Devnet, mark: &str) -> Seen {
    let started = Instant::now();
    let mut seen = steps(case, devnet, mark);
    seen.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    if case.transport != "rpc" {
        seen.left = left(mark);
    }
    seen
}

fn steps(case: &Case, devnet: &Devnet, mark: &str) -> Seen {
    let limit = Duration::from_millis(limit_ms(case));
    let asking = |name: &str, words: &[&str]| {
        let way = match case.transport.as_str() {
            "rpc" => Way::Rpc,
            cli => Way::Cli(TRANSPORTS.iter().copied().find(|known| *known == cli).unwrap_or("v11")),
        };
        let mut command = devnet.tool(name, way);
        command.args(words).args(["--retries", &case.retries.to_string(), "--jobs", &case.jobs.to_string()]);
        command.args([
            "--timeout",
            &seconds(case.timeout_ms),
            "--call-timeout",
            &seconds(case.call_timeout_ms),
        ]);
        if !case.detail.is_empty() {
            command.args(["--detail", &case.detail]);
        }
        command
            .env("DVRF_DEVNET_CLI_NOISE", &case.noise)
            .env(MARK, mark)
            .env("DVRF_RPC_HEADERS", format!("X-Key: {CANARY}"));
        if case.transport == "rpc" && case.seed % 2 == 1 {
            command.env("SUPRA_RPC_URL", devnet.url.replacen("://", &format!("://user:{CANARY}@"), 1));
        }
        command.env("MONITOR_WEBHOOK_URL", format!("https://example.invalid/{CANARY}")).timeout(limit);
        command
    };
    let judged = |first: Seen| {
        let second = finish(tool("dvrf-check").env(MARK, mark).timeout(limit).write_stdin(first.out));
        // A first stage that died leaves nothing to judge.
        Seen { code: first.code.and(second.code), err: format!("{}{}", first.err, second.err), ..second }
    };
    match case.pipeline {
        Pipeline::Piped => judged(finish(&mut asking("dvrf-json", &["--live"]))),
        Pipeline::Check => finish(&mut asking("dvrf-check", &["--live"])),
        Pipeline::Ready => finish(&mut asking("dvrf-draw", &["ready", "--live"])),
        Pipeline::Prom => finish(&mut asking("dvrf-prom", &["--live"])),
        Pipeline::Text => finish(&mut asking("dvrf-check", &["--live", "--format", "text"])),
        fleet => {
            let order: &[&str] = if case.unordered { &["--unordered"] } else { &[] };
            let mut command = match fleet {
                Pipeline::FleetCheck => asking("dvrf-check", order),
                Pipeline::FleetReady => asking("dvrf-draw", &["ready"]),
                Pipeline::FleetProm => asking("dvrf-prom", &[]),
                _ => asking("dvrf-json", order),
            };
            let seen = finish(command.env_remove("LOTTERY_ADDR").write_stdin(stream(devnet)));
            if fleet == Pipeline::Fleet { judged(seen) } else { seen }
        }
    }
}

fn stream(devnet: &Devnet) -> String {
    let truth = devnet.call("GET", "/devnet/state", "");
    let target = |address: &str| {
        // The lottery's own subscription comes with its lottery.
        let lottery = Some(LOTTERY).filter(|lottery| *lottery == address);
        format!("{}\n", json!({"client_addr": address, "lottery_addr": lottery}))
    };
    fleet(&truth).into_iter().map(target).collect()
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

fn finish(command: &mut Command) -> Seen {
    match command.output() {
        Ok(output) => Seen {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            ..Seen::default()
        },
        Err(error) => Seen { err: error.to_string(), ..Seen::default() },
    }
}

/// The command lines of processes that still carry the mark, after a moment to end in.
fn left(mark: &str) -> Vec<String> {
    let wanted = format!("{MARK}={mark}");
    let mut found = Vec::new();
    for _ in 0..40 {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        found = processes
            .filter(|process| {
                let environ = fs::read(process.path().join("environ")).unwrap_or_default();
                environ.split(|byte| *byte == 0).any(|pair| pair == wanted.as_bytes())
            })
            .map(|process| {
                let words = fs::read(process.path().join("cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&words).replace('\0', " ")
            })
            .collect();
        if found.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    found
}
