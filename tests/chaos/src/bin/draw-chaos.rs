//! `scripts/draw-chaos`: draws rounds over several nodes that disagree, with a CLI that ends in every way, kills, clocks
//! that jump and somebody else who draws too; compares what was sent with the devnet's state.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use chaos::play_all;
use clap::Parser;
use fastrand::Rng;
use serde_json::{Value, json};
use testkit::{Devnet, LOTTERY, Way, binary};

/// Draws rounds under hostile conditions and checks that each is drawn once
#[derive(Parser)]
#[command(name = "draw-chaos")]
struct Args {
    /// Number of rounds
    #[arg(default_value_t = 1000)]
    count: u64,
    /// Seed of all rounds [default: random]
    #[arg(long)]
    seed: Option<u64>,
    /// Number of the first world; one has five rounds
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Delete the journal before each run, to see failures
    #[arg(long)]
    forget: bool,
    /// Worlds in parallel
    #[arg(long, default_value_t = 4)]
    jobs: u64,
}

/// Rounds that follow each other on one chain, with one journal.
const ROUNDS: u64 = 5;
/// A round that is not drawn this long after everything is well again is never drawn.
const NEVER_S: u64 = 3600;
/// Between two runs once everything is well again.
const STEP_S: u64 = 30;

#[derive(Default)]
struct Summary {
    rounds: u64,
    runs: u64,
    /// Seconds from when everything was well again to the draw.
    blocked_s: Vec<u64>,
    endings: BTreeMap<String, u64>,
    wrong: Vec<String>,
}

struct World {
    devnet: Devnet,
    state: std::path::PathBuf,
    rng: Rng,
    start: Instant,
    /// By how much the world's time is ahead of the machine's.
    ahead_s: u64,
    /// The story so far, for a failure.
    story: Vec<String>,
    /// The counter of requests before this round.
    base: u64,
    /// Whether one of our own transactions drew this round.
    drawn_by_us: bool,
    /// Whether the journal is deleted before each run.
    forgets: bool,
}

/// How one run is disturbed.
struct Disturbance {
    nodes: Vec<String>,
    /// Whether a node of the list is up to date and answers always.
    is_solid: bool,
    kill_at: Option<&'static str>,
    kill_after: Option<Duration>,
    wall_shift_s: i64,
    flags: Vec<&'static str>,
    reader: Reader,
}

/// How the chain is read and the CLI started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// Over REST; the CLI sends.
    Rest,
    /// By the CLI alone.
    Cli,
    /// Over REST; the CLI is in a container, where it outlives the program that started it.
    Container,
}

impl World {
    fn new(seed: u64, number: u64, forgets: bool) -> Self {
        let devnet = Devnet::start(&["--scenario", "ready", "--replicas", "2", "--answer-ms", "0"]);
        let state = devnet.cli.with_file_name("journal");
        write_docker(&devnet);
        let rng = Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(number));
        let (start, story) = (Instant::now(), Vec::new());
        Self { devnet, state, rng, start, ahead_s: 0, story, base: 0, drawn_by_us: false, forgets }
    }

    fn truth(&self) -> Value {
        self.devnet.call("GET", "/devnet/state", "")
    }

    fn requests(truth: &Value) -> u64 {
        truth
            .pointer("/lottery/rng_request_count")
            .and_then(Value::as_str)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    }

    /// Moves the world's time on, the chain's with it.
    fn pass(&mut self, seconds: u64) {
        self.ahead_s += seconds;
        // The chain stands still by itself; two blocks are a second.
        let real = self.start.elapsed().as_secs();
        self.start += Duration::from_secs(real);
        self.devnet.control(&json!({"advance_blocks": 2 * (seconds + real)}));
    }

    /// One of many ways in which the CLI ends.
    fn cli(&mut self) -> String {
        match self.rng.u32(0..100) {
            0..30 => "cli_run=send".to_owned(),
            30..42 => "cli_run=simulate".to_owned(),
            42..52 => "cli_run=unfinalized".to_owned(),
            52..62 => "cli_run=die".to_owned(),
            62..66 => "cli_run=profile".to_owned(),
            66..70 => "cli_run=terminal".to_owned(),
            70..75 => "cli_run=fee".to_owned(),
            75..88 => format!("cli_run=send,hold_blocks={}", self.rng.u32(5..900)),
            88..92 => "cli_run=send,hold_blocks=5000".to_owned(),
            92..95 => format!("cli_run=die,hold_blocks={}", self.rng.u32(5..900)),
            95..98 => "cli_garbage,cli_exit_code=1".to_owned(),
            _ => "cli_exit_code=7".to_owned(),
        }
    }

    fn disturb(&mut self) -> Disturbance {
        let mut words = self.cli();
        let height = self.truth()["height"].as_u64().unwrap_or_default();
        let mut nodes = vec![self.devnet.url.clone()];
        let mut is_solid = true;
        if self.rng.u32(0..100) < 30 {
            words += ",5xx_rate=40";
            is_solid = false;
        }
        for index in 0..self.devnet.replicas.len() {
            let order = match self.rng.u32(0..8) {
                0 => json!({}),
                1 => json!({"lag_blocks": self.rng.u32(1..2400)}),
                2 => json!({"stuck_at": height.saturating_sub(self.rng.u64(0..2400))}),
                3 => json!({"fault": "5xx_rate=40"}),
                4 => json!({"fault": "wrong_chain_id=8"}),
                5 => json!({"forked_at": height.saturating_sub(self.rng.u64(1..2400))}),
                // One that answers alone would be believed.
                6 if is_solid => json!({"fork_requests": self.rng.u32(1..3)}),
                _ => json!({"lag_blocks": self.rng.u32(1..30), "fault": "5xx_rate=40"}),
            };
            is_solid |= order == json!({});
            self.story.push(format!("replica {index}: {order}"));
            self.devnet.replica(index, &order);
            nodes.push(self.devnet.replicas[index].clone());
        }
        self.rng.shuffle(&mut nodes);
        let reader = match self.rng.u32(0..100) {
            0..65 => Reader::Rest,
            65..85 => Reader::Cli,
            _ => Reader::Container,
        };
        match reader {
            Reader::Cli => is_solid = !words.contains("5xx"),
            Reader::Container => words += &format!(",cli_latency={}ms", self.rng.u32(0..1500)),
            Reader::Rest => {}
        }
        self.devnet.fault(&words);
        let points = ["before_intent", "after_intent", "after_submit", "after_outcome", "before_log"];
        let kind = self.rng.u32(0..100);
        let kill_at = (kind < 25).then(|| points[self.rng.usize(0..points.len())]);
        let kill_after = (25..35).contains(&kind).then(|| Duration::from_millis(self.rng.u64(20..400)));
        let wall_shift_s =
            if self.rng.u32(0..100) < 8 { [-30, 30][self.rng.usize(0..2)] * 86_400 } else { 0 };
        let flags = if self.rng.u32(0..100) < 60 { vec!["--max-lag", "0"] } else { Vec::new() };
        self.story.push(format!(
            "{reader:?}: {words}, kill at {kill_at:?}, after {kill_after:?}, wall {wall_shift_s:+}"
        ));
        Disturbance { nodes, is_solid, kill_at, kill_after, wall_shift_s, flags, reader }
    }

    /// Runs the tool once, and says what is wrong with it.
    fn run(&mut self, how: &Disturbance) -> Result<String, String> {
        self.pass(0);
        if self.forgets {
            drop(std::fs::remove_dir_all(&self.state));
        }
        let before = self.truth();
        let is_open = Self::requests(&before) == self.base;
        let held = before["mempool"].as_u64().unwrap_or_default();
        let shift = i64::try_from(self.ahead_s).unwrap_or_default() + how.wall_shift_s;
        let mut command = Command::new("faketime");
        command.env_clear().args(["--exclude-monotonic", "-f", &format!("{shift:+}s")]);
        command.arg(binary("dvrf-draw")).args([
            "auto",
            "--execute",
            "--cool-down",
            "1",
            "--max-attempts",
            "1000",
        ]);
        let submit_timeout = if how.reader == Reader::Container { "1" } else { "20" };
        command.args(["--confirm-timeout", "0.3", "--submit-timeout", submit_timeout, "--retries", "1"]);
        command.arg("--state-dir").arg(&self.state).args(&how.flags);
        let way = if how.reader == Reader::Cli { Way::Cli("v9") } else { Way::Rpc };
        let tool = self.devnet.tool("dvrf-draw", way);
        for (name, value) in tool.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.env("PATH", path());
        command.env("DVRF_DEVNET_URL", &self.devnet.url).env("SUPRA_CLI_BIN", self.cli_words(how.reader));
        if how.reader != Reader::Cli {
            command.env("SUPRA_RPC_URL", how.nodes.join(","));
        }
        command.envs(how.kill_at.map(|point| ("DVRF_TEST_KILL_AT", point)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| error.to_string())?;
        if let Some(span) = how.kill_after {
            std::thread::sleep(span);
            kill_children_of(child.id());
        }
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        // The CLI outlives a killed run, and in a container also one that gave it up, and may still send.
        let outlives = match how.reader {
            Reader::Container => 1300,
            _ if how.kill_after.is_some() || how.kill_at.is_some() => 120,
            _ => 0,
        };
        std::thread::sleep(Duration::from_millis(outlives));
        let after = self.truth();
        let sent = after["submissions"].as_u64().unwrap_or_default()
            - before["submissions"].as_u64().unwrap_or_default();
        let line: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let (status, code) =
            (line["status"].as_str().unwrap_or("killed"), &line["manual_draw"]["error"]["code"]);
        let code = if code.is_null() { &line["error"]["code"] } else { code };
        let ending = format!("{status} {}", code.as_str().unwrap_or_default()).trim().to_owned();
        self.story.push(format!("run at +{} s: {ending}, sent {sent}", self.ahead_s));
        if sent > 0 && (self.drawn_by_us || held > 0) {
            return Err("double: sent while an earlier transaction had drawn the round or could".to_owned());
        }
        if sent > 0 && !is_open && how.is_solid {
            return Err("premature: sent for a round that was drawn".to_owned());
        }
        if sent > 1 {
            return Err(format!("double: sent {sent} times in one run"));
        }
        self.drawn_by_us |= is_open && sent == 1 && Self::requests(&after) > self.base;
        if status == "executed" {
            self.devnet.fault("");
            let hash = line["manual_draw"]["tx_hash"].as_str().unwrap_or_default();
            let transaction = self.devnet.call("GET", &format!("/rpc/v3/transactions/{hash}"), "");
            if transaction["status"] != "Success" {
                return Err(format!("asserted: executed, and the transaction is {transaction}"));
            }
        }
        Ok(ending)
    }

    /// The words that start the CLI.
    fn cli_words(&self, reader: Reader) -> String {
        let cli = self.devnet.cli.display();
        match reader {
            Reader::Container => {
                format!("{} exec supra_cli {cli}", self.devnet.cli.with_file_name("docker").display())
            }
            Reader::Rest | Reader::Cli => cli.to_string(),
        }
    }

    fn others_draw(&mut self) {
        self.devnet.fault("");
        let order = json!({"function": format!("{LOTTERY}::main_v2::manual_draw")});
        let answer = self.devnet.call("POST", "/devnet/run", &order.to_string());
        self.story.push(format!("somebody else draws: {}", answer["status"]));
    }

    fn round(&mut self, summary: &mut Summary) -> Result<(), String> {
        self.devnet.fault("");
        self.pass(10);
        self.base = Self::requests(&self.truth());
        self.devnet.control(&json!({"lottery": {"tickets": 5, "draw_scheduled": true}}));
        self.drawn_by_us = false;
        self.story.push(format!("round {}", self.base));
        for _ in 0..self.rng.u32(1..5) {
            if self.rng.u32(0..100) < 8 {
                self.others_draw();
            }
            let how = self.disturb();
            let ending = self.run(&how)?;
            summary.runs += 1;
            *summary.endings.entry(ending).or_default() += 1;
            let step = [0, 5, 60, self.rng.u64(0..900)][self.rng.usize(0..4)];
            self.pass(step);
        }
        self.devnet.fault("cli_run=simulate");
        for index in 0..self.devnet.replicas.len() {
            self.devnet.replica(index, &json!({}));
        }
        let nodes = [vec![self.devnet.url.clone()], self.devnet.replicas.clone()].concat();
        let how = Disturbance {
            nodes,
            is_solid: true,
            kill_at: None,
            kill_after: None,
            wall_shift_s: 0,
            flags: vec!["--max-lag", "0"],
            reader: Reader::Rest,
        };
        let mut waited = 0;
        while Self::requests(&self.truth()) == self.base {
            if waited > NEVER_S {
                return Err(format!("never: not drawn within {NEVER_S} s"));
            }
            let ending = self.run(&how)?;
            summary.runs += 1;
            *summary.endings.entry(ending).or_default() += 1;
            if Self::requests(&self.truth()) == self.base {
                self.pass(STEP_S);
                waited += STEP_S;
            }
        }
        summary.rounds += 1;
        summary.blocked_s.push(waited);
        Ok(())
    }
}

/// Writes a `docker` whose `exec` starts a program that does not end with it.
fn write_docker(devnet: &Devnet) {
    let path = devnet.cli.with_file_name("docker");
    let script = "#!/bin/sh\n[ \"$1\" = exec ] || exit 125\nshift 2\nsetsid \"$@\" &\nwait $!\n";
    let is_written = std::fs::write(&path, script).is_ok()
        && std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).is_ok();
    assert!(is_written, "cannot write {}", path.display());
}

/// Kills what faketime started; faketime itself has semaphores to remove.
fn kill_children_of(id: u32) {
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    for child in children.split_whitespace() {
        // It may have ended by itself.
        let line = format!("kill -KILL {child}");
        drop(Command::new("sh").args(["-c", &line]).stderr(Stdio::null()).status());
    }
}

/// Where the caller's programs are, among them faketime.
#[expect(clippy::disallowed_methods, reason = "a setting of the harness, not of the tools")]
fn path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

fn play(seed: u64, number: u64, forgets: bool) -> Summary {
    let mut summary = Summary::default();
    let mut world = World::new(seed, number, forgets);
    for _ in 0..ROUNDS {
        if let Err(what) = world.round(&mut summary) {
            let story = world.story.join("\n  ");
            summary.wrong.push(format!(
                "{what}\n  {story}\nrepeat: scripts/draw-chaos {ROUNDS} --seed {seed} --first {number}"
            ));
            break;
        }
    }
    summary
}

fn main() -> ExitCode {
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let worlds = args.first..args.first + args.count.div_ceil(ROUNDS);
    let add = |all: &mut Summary, _, one: Summary| {
        all.rounds += one.rounds;
        all.runs += one.runs;
        all.blocked_s.extend(one.blocked_s);
        all.wrong.extend(one.wrong);
        for (ending, count) in one.endings {
            *all.endings.entry(ending).or_default() += count;
        }
        ControlFlow::Continue(())
    };
    let mut all = play_all(worlds, args.jobs, |number| play(seed, number, args.forget), add);
    match report(seed, &mut all, &mut io::stdout()) {
        Ok(()) if all.wrong.is_empty() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn report(seed: u64, all: &mut Summary, out: &mut dyn Write) -> io::Result<()> {
    all.blocked_s.sort_unstable();
    let at = |share: usize| {
        let index = (all.blocked_s.len() * share / 100).min(all.blocked_s.len().saturating_sub(1));
        all.blocked_s.get(index).copied().unwrap_or_default()
    };
    let count = |kind: &str| all.wrong.iter().filter(|wrong| wrong.starts_with(kind)).count();
    writeln!(out, "{} rounds, {} runs from --seed {seed}", all.rounds, all.runs)?;
    writeln!(
        out,
        "double {}, premature {}, never {}, falsely asserted {}",
        count("double"),
        count("premature"),
        count("never"),
        count("asserted")
    )?;
    writeln!(out, "blocked: p50 {} s, p95 {} s, max {} s", at(50), at(95), at(100))?;
    for (ending, count) in &all.endings {
        writeln!(out, "  {count:6} {ending}")?;
    }
    all.wrong.iter().try_for_each(|wrong| writeln!(out, "\nwrong: {wrong}"))
}
