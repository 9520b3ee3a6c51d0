//! Runs a case: the real tools against its own devnet.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use serde_json::{Value, json};
use testkit::{Devnet, LOTTERY, Way, tool};

use crate::case::{Case, Pipeline, TRANSPORTS};
use crate::oracle::{Run, SECRET, fleet, limit_ms};

/// The environment variable by which processes of a run are found.
const MARK: &str = "DVRF_CHAOS_RUN";
static RUNS: AtomicU64 = AtomicU64::new(0);

/// The run and the devnet's state after it. `falsify` changes that state, so that every value the tools know is wrong.
pub(crate) fn run(case: &Case, falsify: bool) -> (Run, Value) {
    let (seed, clients) = (case.seed.to_string(), case.clients.to_string());
    let mut args = vec![
        "--seed",
        &seed,
        "--clients",
        &clients,
        "--scenario",
        &case.scenario,
        "--interface",
        &case.interface,
        "--node",
        &case.node,
        "--words",
        &case.words,
        "--api",
        &case.api,
    ];
    if !case.abi {
        args.push("--no-abi");
    }
    let devnet = Devnet::start(&args);
    for fault in &case.faults {
        devnet.control(&json!({"fault": fault}));
    }
    let mark = format!("{}-{}", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
    let run = std::thread::scope(|scope| {
        if let Some((after_ms, faults)) = &case.later {
            let devnet = &devnet;
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(*after_ms));
                devnet.control(&json!({"faults": {}}));
                for fault in faults {
                    devnet.control(&json!({"fault": fault}));
                }
            });
        }
        timed(case, &devnet, &mark)
    });
    let mut truth = devnet.call("GET", "/devnet/state", "");
    if falsify {
        change(&mut truth);
    }
    (run, truth)
}

fn change(truth: &mut Value) {
    let paused = truth["paused"].as_bool().unwrap_or_default();
    truth["paused"] = json!(!paused);
    for client in truth["clients"].as_array_mut().into_iter().flatten() {
        client["balance"] = json!(format!("1{}", client["balance"].as_str().unwrap_or_default()));
        client["at_minimum"] = json!(!client["at_minimum"].as_bool().unwrap_or_default());
    }
}

fn timed(case: &Case, devnet: &Devnet, mark: &str) -> Run {
    let started = Instant::now();
    let mut run = execute(case, devnet, mark);
    run.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    if case.transport != "rpc" {
        run.left = left(mark);
    }
    run
}

fn execute(case: &Case, devnet: &Devnet, mark: &str) -> Run {
    let limit = Duration::from_millis(limit_ms(case));
    let reader = |name: &str, args: &[&str]| {
        let way = match case.transport.as_str() {
            "rpc" => Way::Rpc,
            cli => Way::Cli(TRANSPORTS.iter().copied().find(|known| *known == cli).unwrap_or("v11")),
        };
        let mut command = devnet.tool(name, way);
        command.args(args).args(["--retries", &case.retries.to_string(), "--jobs", &case.jobs.to_string()]);
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
            .env("DVRF_RPC_HEADERS", format!("X-Key: {SECRET}"));
        if case.transport == "rpc" && case.seed % 2 == 1 {
            command.env("SUPRA_RPC_URL", devnet.url.replacen("://", &format!("://user:{SECRET}@"), 1));
        }
        command.env("MONITOR_WEBHOOK_URL", format!("https://example.invalid/{SECRET}")).timeout(limit);
        command
    };
    let checked = |first: Run| {
        let second = finish(tool("dvrf-check").env(MARK, mark).timeout(limit).write_stdin(first.out));
        // A first stage that was killed counts as a killed run.
        Run { code: first.code.and(second.code), err: format!("{}{}", first.err, second.err), ..second }
    };
    match case.pipeline {
        Pipeline::Piped => checked(finish(&mut reader("dvrf-json", &["--live"]))),
        Pipeline::Check => finish(&mut reader("dvrf-check", &["--live"])),
        Pipeline::Ready => finish(&mut reader("dvrf-draw", &["ready", "--live"])),
        Pipeline::Prom => finish(&mut reader("dvrf-prom", &["--live"])),
        Pipeline::Text => finish(&mut reader("dvrf-check", &["--live", "--format", "text"])),
        fleet => {
            let order: &[&str] = if case.unordered { &["--unordered"] } else { &[] };
            let mut command = match fleet {
                Pipeline::FleetCheck => reader("dvrf-check", order),
                Pipeline::FleetReady => reader("dvrf-draw", &["ready"]),
                Pipeline::FleetProm => reader("dvrf-prom", &[]),
                _ => reader("dvrf-json", order),
            };
            let run = finish(command.env_remove("LOTTERY_ADDR").write_stdin(stream(devnet)));
            if fleet == Pipeline::Fleet { checked(run) } else { run }
        }
    }
}

fn stream(devnet: &Devnet) -> String {
    let truth = devnet.call("GET", "/devnet/state", "");
    let target = |address: &str| {
        // The lottery pays for itself: its subscription names the lottery too.
        let lottery = Some(LOTTERY).filter(|lottery| *lottery == address);
        format!("{}\n", json!({"client_addr": address, "lottery_addr": lottery}))
    };
    fleet(&truth).into_iter().map(target).collect()
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

fn finish(command: &mut Command) -> Run {
    match command.output() {
        Ok(output) => Run {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            ..Run::default()
        },
        Err(error) => Run { err: error.to_string(), ..Run::default() },
    }
}

/// The command lines of processes that still have the mark after two seconds.
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
                let args = fs::read(process.path().join("cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&args).replace('\0', " ")
            })
            .collect();
        if found.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    found
}
