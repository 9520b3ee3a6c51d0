//! `dvrf-events` against the emulator's truth: both API generations, faults, kills; and why a request is stuck.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::{Value, json};
use testkit::{Devnet, Way, needs, program, root, rounds, run};

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// Height, transaction, type and fields of every event, in one order.
fn told(events: &[Value]) -> Vec<String> {
    let of = |event: &Value| {
        let height = event["height"].as_u64().unwrap();
        format!(
            "{height:012} {} {} {} {}",
            event["transaction_hash"],
            event["type"],
            event["data"],
            event["time_us"].to_string().trim_matches('"')
        )
    };
    let mut all: Vec<String> = events.iter().map(of).collect();
    all.sort();
    all
}

fn truth(devnet: &Devnet) -> Vec<String> {
    told(devnet.call("GET", "/devnet/events", "").as_array().unwrap())
}

const ALL: &str = "draw-requested,draw-handled,WinnerSelected";

#[test]
fn the_list_is_the_truth_on_both_generations_with_faults() {
    let (blocks, events) = (rounds(2000, 100_000).to_string(), rounds(150, 5000).to_string());
    for api in ["v3", "v1"] {
        let devnet = Devnet::start(&["--blocks", &blocks, "--history-events", &events, "--api", api]);
        devnet.forget();
        let list = || {
            let mut command = devnet.tool("dvrf-events", Way::Rpc);
            command
                .args(["list", "--retries", "9", "--type", ALL])
                .timeout(std::time::Duration::from_secs(600));
            run(&mut command)
        };
        let clean = list();
        assert_eq!(clean.code, 0, "{}", clean.err);
        let found = lines(&clean.out);
        assert_eq!(told(&found), truth(&devnet), "{api}");
        let heights: Vec<u64> = found.iter().map(|event| event["height"].as_u64().unwrap()).collect();
        assert!(heights.is_sorted());
        let made = devnet.requests()["total"].as_u64().unwrap();
        let least = least(api, blocks.parse().unwrap(), &found);
        assert!(made * 10 <= least * 12, "{api}: {made} requests, {least} are the least");
        devnet.fault("429_rate=2,retry_after=0,5xx_rate=2,truncate,rate=2");
        let faulty = list();
        assert_eq!((faulty.code, told(&lines(&faulty.out))), (0, truth(&devnet)), "{api}: {}", faulty.err);
    }
}

/// The tip, a page for every hundred events of a type or every window of ten blocks and the halvings in those that hold
/// any, and one block for the time of each height.
fn least(api: &str, blocks: u64, found: &[Value]) -> u64 {
    let heights: BTreeSet<u64> = found.iter().map(|event| event["height"].as_u64().unwrap()).collect();
    let types: BTreeSet<&str> = found.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let asked: u64 = types
        .iter()
        .map(|kind| {
            let count = found.iter().filter(|event| event["type"] == *kind).count() as u64;
            if api == "v3" {
                return count / 100 + 1;
            }
            let places: BTreeSet<u64> = found
                .iter()
                .filter(|event| event["type"] == *kind)
                .map(|event| event["height"].as_u64().unwrap())
                .collect();
            // One of ten blocks takes three halvings at the least.
            (blocks + 1).div_ceil(10) + 3 * places.len() as u64
        })
        .sum();
    1 + asked + heights.len() as u64
}

#[test]
fn ranges_limits_and_the_edges_of_history() {
    let devnet = Devnet::start(&[
        "--blocks",
        "2000",
        "--history-events",
        "150",
        "--oldest-block",
        "500",
        "--index-lag",
        "7",
    ]);
    let list = |words: &[&str]| {
        let outcome = run(devnet.tool("dvrf-events", Way::Rpc).args(["list", "--type", ALL]).args(words));
        assert_eq!(outcome.code, 0, "{outcome}");
        (told(&lines(&outcome.out)), outcome.err)
    };
    let between = |low: u64, high: u64| -> Vec<String> {
        let range = format!("{low:012}")..format!("{high:012}");
        truth(&devnet).into_iter().filter(|event| range.contains(&event[..12].to_owned())).collect()
    };
    let (all, said) = list(&[]);
    assert_eq!(all, between(500, 1994));
    assert!(
        said.contains("blocks 0 to 499 are pruned")
            && said.contains("blocks 1994 to 2000 are not indexed yet"),
        "{said}"
    );
    assert_eq!(list(&["--since", "700", "--until", "900"]).0, between(700, 900));
    assert_eq!(list(&["--since", "700", "--limit", "5"]).0, between(700, 1994)[..5]);
    let newest = between(500, 1994);
    assert_eq!(list(&["--last", "5"]).0, newest[newest.len() - 5..]);
    // A block is half a second: five minutes are 600 blocks, and some pass on the real clock.
    let (found, _) = list(&["--since", "5m"]);
    assert!(found.len() >= between(1410, 1994).len() && found.len() <= between(1390, 1994).len());
}

#[test]
fn what_cannot_be_read_is_said() {
    let devnet = Devnet::start(&["--blocks", "100"]);
    for (words, way, said) in [
        (vec!["list", "--since", "soon"], Way::Rpc, "--since is \"soon\""),
        (vec!["list", "--type", "nothing"], Way::Rpc, "is not an event type"),
        (vec!["list"], Way::Cli("v9"), "the Supra CLI reads neither blocks nor events"),
    ] {
        let outcome = run(devnet.tool("dvrf-events", way).args(&words));
        assert_eq!(outcome.code, 2, "{outcome}");
        assert!(outcome.err.contains(said), "{outcome}");
        assert!(outcome.json()["error"]["message"].as_str().unwrap().contains(said));
    }
}

#[test]
fn tail_tells_every_event_once_over_kills() {
    let devnet = Devnet::start(&["--blocks", "3000", "--history-events", "600", "--block-ms", "5"]);
    let folder = tempfile::tempdir().unwrap();
    let (state, file) = (folder.path().join("state"), folder.path().join("events.jsonl"));
    let tail = |last: &str| {
        let tool = devnet.tool("dvrf-events", Way::Rpc);
        let mut command = std::process::Command::new(tool.get_program());
        command.envs(tool.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.args(["tail", "--since", "0", "--poll", "1", "--type", ALL, "--for", last]);
        command.arg("--state-dir").arg(&state).arg("--output").arg(&file).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    for round in 0..rounds(12, 200) {
        let mut child = tail("60s");
        std::thread::sleep(std::time::Duration::from_millis(5 + (round as u64 * 37) % 400));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(tail("2s").wait().unwrap().success());
    let found = told(&lines(&std::fs::read_to_string(&file).unwrap()));
    assert_eq!(found, truth(&devnet));
}

#[test]
fn tail_goes_on_with_another_node_when_one_dies() {
    // Two nodes of one chain: the same history, and a clock that stands still.
    let words = ["--blocks", "3000", "--history-events", "600", "--start-time", "1800000000"];
    let (first, second) = (Devnet::start(&words), Devnet::start(&words));
    let expected = truth(&second);
    assert_eq!(truth(&first), expected, "they are one chain");
    first.fault("latency=20ms");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    let mut tool = second.tool("dvrf-events", Way::Rpc);
    tool.env("SUPRA_RPC_URL", format!("{},{}", first.url, second.url));
    tool.args(["tail", "--since", "0", "--poll", "1", "--type", ALL, "--for", "6s"]);
    tool.arg("--state-dir").arg(folder.path().join("state")).arg("--output").arg(&file);
    let outcome = std::thread::scope(|scope| {
        let tail = scope.spawn(|| run(&mut tool));
        std::thread::sleep(std::time::Duration::from_millis(300));
        drop(first);
        tail.join().unwrap()
    });
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_eq!(told(&lines(&std::fs::read_to_string(&file).unwrap())), expected);
}

/// What `dvrf-json --events | dvrf-check` finds.
fn findings(devnet: &Devnet, words: &[&str]) -> Vec<Value> {
    let json = run(devnet.tool("dvrf-json", Way::Rpc).args(["--live", "--events", "6h"]));
    assert_eq!(json.code, 0, "{json}");
    let checked = run(devnet.tool("dvrf-check", Way::Rpc).args(words).write_stdin(json.out));
    checked.json()["checks"]["findings"].as_array().unwrap().clone()
}

fn cause(devnet: &Devnet) -> String {
    let all = findings(devnet, &["--pending-warn", "1s"]);
    let stuck = all.iter().find(|finding| finding["code"] == "REQUEST_STUCK");
    let stuck = stuck.unwrap_or_else(|| panic!("not stuck: {all:?}"));
    stuck["evidence"]["diagnosis"].as_str().unwrap().to_owned()
}

#[test]
fn stuck_requests_are_diagnosed() {
    let devnet = Devnet::start(&["--blocks", "50000"]);
    for (wanted, order) in [
        ("unknown", json!({})),
        ("paused", json!({"paused": true})),
        ("deposit_low", json!({"balance": "100"})),
        ("module_disabled", json!({"module": {"enabled": false}})),
        ("aggregator_not_set", json!({"lottery": {"aggregator": ""}})),
        ("consumer_missing", json!({"lottery": {"consumers": []}})),
        ("consumer_missing", json!({"lottery": {"consumers": ["0x77"]}})),
        ("node_lagging", json!({"fault": "stale=200"})),
    ] {
        devnet.control(&json!({"scenario": "stuck", "faults": {}, "paused": false}));
        devnet.control(&order);
        assert_eq!(cause(&devnet), wanted, "{order}");
    }
    devnet.control(&json!({"scenario": "callback-aborts", "faults": {}}));
    draw(&devnet);
    devnet.control(&json!({"advance_blocks": 20}));
    let all = findings(&devnet, &["--pending-warn", "0s"]);
    let stuck = all.iter().find(|finding| finding["code"] == "REQUEST_STUCK").unwrap();
    assert_eq!(stuck["evidence"]["diagnosis"], "callback_aborts");
    assert_eq!(stuck["evidence"]["abort"], "E_INVALID_CALLBACK_PAYLOAD");
    assert_eq!(stuck["evidence"]["abort_help"], "docs/fix.md#main_v2-e_invalid_callback_payload");
    // One answered draw shows what a callback costs; then the limit falls below it.
    devnet.enter("ready");
    draw(&devnet);
    devnet.control(&json!({"advance_blocks": 20}));
    devnet.control(&json!({"answer_ms": 9_000_000, "module": {"max_callback_txn_fee": 999_999}, "lottery": {"tickets": 5, "draw_scheduled": true}}));
    draw(&devnet);
    let all = findings(&devnet, &["--pending-warn", "0s"]);
    let stuck = all.iter().find(|finding| finding["code"] == "REQUEST_STUCK").unwrap();
    assert_eq!(stuck["evidence"]["diagnosis"], "callback_fee_too_low");
}

fn draw(devnet: &Devnet) {
    let body = json!({"function": format!("{}::main_v2::manual_draw", testkit::LOTTERY)}).to_string();
    let done = devnet.call("POST", "/devnet/run", &body);
    assert_eq!(done["status"], "Success", "{done}");
}

#[test]
fn healthy_requests_are_no_finding() {
    let devnet = Devnet::start(&["--blocks", "50000"]);
    for scenario in [
        "healthy",
        "warn",
        "low",
        "gas-drift",
        "ready",
        "no-aggregator",
        "module-disabled",
        "paused",
        "at-minimum",
        "pending",
    ] {
        devnet.enter(scenario);
        let all = findings(&devnet, &["--expect-event", "draw-handled/1d"]);
        let about = ["REQUEST_STUCK", "REQUESTS_UNANSWERED", "WHITELIST_CHANGED", "EVENT_MISSING"];
        let wrong: Vec<_> =
            all.iter().filter(|finding| about.iter().any(|code| finding["code"] == *code)).collect();
        assert!(wrong.is_empty(), "{scenario}: {wrong:?}");
    }
}

#[test]
#[needs("jq")]
fn the_readme_pipe_runs() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let line = readme.lines().find(|line| line.trim().starts_with("dvrf events list --since 24h")).unwrap();
    let devnet = Devnet::start(&["--blocks", "50000", "--history-events", "60"]);
    let tool = devnet.tool("dvrf-events", Way::Rpc);
    let folder = testkit::binary("dvrf").parent().unwrap().to_owned();
    let mut shell = assert_cmd::Command::from_std(program("bash"));
    shell.env_clear().envs(tool.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let path = format!("{}:{}", folder.display(), testkit::requirements::path());
    let outcome = run(shell.env("PATH", path).args(["-o", "pipefail", "-c", line.trim()]));
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome}");
    let summary: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!((&summary["answered"], &summary["pending"]), (&json!(20), &json!(0)));
}

/// Two requests and an answer without its request, as `list` prints them.
fn kept() -> String {
    let event = |name: &str, nonce: u64, height: u64, time: &str, us: u64| {
        json!({"schema": "dvrf.event/1", "height": height, "time": time, "time_us": us.to_string(),
            "transaction_hash": "0xe9e7bcbe953478a0b0660c02e1f1dcbe225dd11ba653db0025b8a08bb8d55f2f", "index": 0,
            "type": format!("0x1::main_v2::{name}"), "name": name, "data": {"nonce": nonce.to_string()}})
        .to_string()
    };
    [
        event("DrawHandledEvent", 3, 90, "2026-11-25T05:50:00Z", 1_795_585_800_000_000),
        event("DrawRequestedEvent", 4, 100, "2026-11-25T05:53:00Z", 1_795_585_980_000_000),
        event("DrawHandledEvent", 4, 112, "2026-11-25T05:53:06.5Z", 1_795_585_986_500_000),
    ]
    .join("\n")
}

#[test]
fn pairs_for_people() {
    let pair = |words: &[&str]| {
        let mut command = testkit::tool("dvrf-events");
        run(command.arg("pair").args(["--format", "text"]).args(words).write_stdin(kept()))
    };
    let outcome = pair(&[]);
    assert_eq!(
        (outcome.code, outcome.out.as_str()),
        (
            0,
            "? nonce 3      2026-11-25 05:50:00 UTC  answered; the request is older than the blocks that were read\n\
             ✔ nonce 4      2026-11-25 05:53:00 UTC  answered after 6.5 s\n\
             1 of 1 answered · 0 waiting · 1 to older requests\n"
        )
    );
    assert_eq!(
        pair(&["--summary", "--lang", "ru"]).out,
        "отвечено 1 из 1 · ждут 0 · на более старые запросы: 1\n"
    );
}

#[test]
fn a_table_of_events_for_people() {
    let devnet = Devnet::start(&["--history-events", "6", "--block-ms", "0"]);
    let mut list = devnet.tool("dvrf-events", Way::Rpc);
    let outcome = run(list.args(["list", "--type", "draw-handled", "--format", "text"]));
    let shown: Vec<&str> = outcome.out.lines().collect();
    assert_eq!((outcome.code, shown.len()), (0, 4), "{outcome}");
    let head: Vec<&str> = shown[0].split_whitespace().collect();
    assert_eq!(head, ["TIME", "EVENT", "NONCE", "BLOCK", "TRANSACTION"]);
    assert_eq!(shown[3], "events: 2");
    for row in &shown[1..3] {
        assert!(
            row.contains(" UTC  DrawHandledEvent  ") && row.contains('…') && row.chars().count() <= 80,
            "{row}"
        );
    }
}
