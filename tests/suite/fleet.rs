//! Streams of targets: few calls, order kept, no one held by a slow one, the same answers as one by one.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::assert::OutputAssertExt as _;
use predicates::prelude::*;
use predicates::str::{contains, ends_with};
use serde_json::{Value, json};
use testkit::{DEPOSIT, Devnet, LOTTERY, Outcome, Way, binary, program, run};

/// A fleet of all clients of a devnet.
struct Fleet {
    devnet: Devnet,
    clients: Vec<String>,
}

fn fleet(clients: u32, words: &[&str]) -> Fleet {
    let count = clients.to_string();
    let devnet = Devnet::start(&[&["--clients", &count], words].concat());
    let state = devnet.call("GET", "/devnet/state", "");
    let listed = state["clients"].as_array().unwrap();
    let clients = listed.iter().map(|client| client["address"].as_str().unwrap().to_owned()).collect();
    Fleet { devnet, clients }
}

fn target(client: &str) -> String {
    format!("{{\"client_addr\":\"{client}\"}}\n")
}

impl Fleet {
    fn stream(&self) -> String {
        self.clients.iter().map(|client| target(client)).collect()
    }

    fn run(&self, name: &str, words: &[&str], input: impl Into<Vec<u8>>) -> Outcome {
        let mut command = self.devnet.tool(name, Way::Rpc);
        run(command.env_remove("LOTTERY_ADDR").args(words).write_stdin(input))
    }
}

fn records(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn clients_of(stdout: &str) -> Vec<String> {
    records(stdout).iter().map(|record| record["client_addr"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_fleet_needs_two_calls_for_each_and_gives_the_truth_in_order() {
    let fleet = fleet(300, &[]);
    let truth = fleet.devnet.call("GET", "/devnet/state", "");
    fleet.devnet.forget();
    let out = fleet.run("dvrf-json", &["--jobs", "8"], fleet.stream());
    assert_eq!((out.code, out.err.as_str()), (0, ""));
    let requests = fleet.devnet.requests();
    // Two for each, a row call for every hundred, a few about the chain, and three more readings of 7 calls of each of the
    // first three low deposits: after those the nodes are known to keep in step.
    let total = requests["total"].as_u64().unwrap();
    assert!((602..=630 + 3 * 3 * 7).contains(&total), "{requests}");
    assert_eq!(clients_of(&out.out), fleet.clients);
    for (record, client) in records(&out.out).iter().zip(truth["clients"].as_array().unwrap()) {
        assert_eq!(record["state"]["deposit"]["balance"], client["balance"]);
        assert_eq!(record["state"]["deposit"]["client_whitelisted"], true);
        assert_eq!(record["error"], Value::Null);
    }
}

#[test]
fn a_stream_says_what_one_by_one_says() {
    for interface in ["v3", "v2", "camel", "v3+v2"] {
        let fleet = fleet(3, &["--scenario", "gas-drift", "--interface", interface]);
        let lottery = format!("{{\"lottery_addr\":\"{}\"}}\n", testkit::LOTTERY);
        let stream = format!("{lottery}{}", fleet.stream());
        let many = fleet.run("dvrf-json", &[], stream.clone());
        let full = fleet.run("dvrf-json", &["--detail", "full"], stream);
        assert_eq!((many.code, full.code), (0, 0), "{interface}: {}", many.err);
        for (lean, full) in records(&many.out).into_iter().zip(records(&full.out)) {
            let (mut lean, mut full) = (lean["state"].clone(), full["state"].clone());
            for state in [&mut lean, &mut full] {
                state["chain"]["time_us"].take();
                // What no verdict depends on is not asked for, nor what a newer interface replaces.
                for key in ["grant_total", "contracts", "subscription_ends_at_s"] {
                    if key == "grant_total" || interface == "v3+v2" {
                        state["deposit"][key].take();
                    }
                }
            }
            assert_eq!(lean, full, "{interface}");
        }
    }
}

#[test]
fn a_client_without_a_row_is_asked_about() {
    let fleet = fleet(2, &[]);
    let stranger = format!("0x{}", "9".repeat(64));
    let stream = format!("{}{}{}", target(&fleet.clients[1]), target(&stranger), target(&fleet.clients[2]));
    let out = fleet.run("dvrf-json", &[], stream);
    assert_eq!(out.code, 0, "{}", out.err);
    let whitelisted: Vec<Value> =
        records(&out.out).iter().map(|r| r["state"]["deposit"]["client_whitelisted"].clone()).collect();
    assert_eq!(whitelisted, [json!(true), json!(false), json!(true)]);
}

#[test]
fn a_slow_one_holds_nobody() {
    let fleet = fleet(60, &[]);
    let slow = fleet.clients[0].trim_start_matches("0x").to_owned();
    fleet.devnet.fault(&format!("hang,path={slow}"));
    let words = ["--jobs", "8", "--call-timeout", "2", "--timeout", "2", "--unordered"];
    let out = fleet.run("dvrf-json", &words, fleet.stream());
    assert_eq!(out.code, 2);
    let found = records(&out.out);
    assert_eq!(found.len(), 61);
    let position = found.iter().position(|record| record["client_addr"] == *fleet.clients[0]).unwrap();
    assert_eq!(position, 60, "the slow one comes last");
    assert_eq!(found[60]["error"]["kind"], "timeout");
    // A row call that hangs for one of its clients is given up; all the others are asked about alone.
    assert!(found[..60].iter().all(|record| record["state"]["deposit"]["balance"].is_string()));
    assert_eq!(out.err.lines().count(), 1, "{}", out.err);
    let ordered = fleet.run("dvrf-json", &words[..6], fleet.stream());
    assert_eq!(clients_of(&ordered.out), fleet.clients);
}

#[test]
fn a_dead_node_ends_a_fleet_soon() {
    let fleet = fleet(300, &[]);
    let started = Instant::now();
    let out = fleet.run("dvrf-json", &["--rpc-url", "http://127.0.0.1:1", "--jobs", "8"], fleet.stream());
    assert_eq!(out.code, 2);
    let found = records(&out.out);
    assert_eq!(found.len(), 301);
    assert!(found.iter().all(|record| record["error"]["kind"] == "unreachable"));
    // With every target's own waits between tries it would be minutes.
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[test]
fn a_mixed_stream_keeps_its_order_and_loses_nothing() {
    let fleet = fleet(2, &[]);
    let stream = format!(
        "{{\"state\":{{}},\"n\":1}}\n{}not json\n{{\"error\":{{\"kind\":\"timeout\",\"message\":\"late\"}}}}\n{{\"x\":1}}\n{}{{\"client_addr\":\"0xzz\"}}\n{{\"state\":{{}},\"n\":2}}\n",
        target(&fleet.clients[1]),
        target(&fleet.clients[2])
    );
    for name in ["dvrf-json", "dvrf-check"] {
        let out = fleet.run(name, &[], stream.clone());
        let found = records(&out.out);
        let shown: Vec<Value> = found
            .iter()
            .map(|r| {
                if r["n"].is_number() {
                    r["n"].clone()
                } else if r["error"].is_object() {
                    r["error"]["kind"].clone()
                } else {
                    r["client_addr"].clone()
                }
            })
            .collect();
        let wanted = json!([1, fleet.clients[1], "input", "timeout", "input", fleet.clients[2], "config", 2]);
        assert_eq!(json!(shown), wanted, "{name}");
        assert_eq!(out.code, 2, "{name}");
        assert!(out.err.contains("line 3: a record is a JSON object, this begins \"not json\""), "{name}");
        assert!(out.err.contains("client_addr is \"0xzz\""), "{name}");
    }
}

/// Without what differs from run to run.
fn steady(mut record: Value) -> Value {
    let fields = record.as_object_mut().unwrap();
    fields.remove("timestamp");
    fields.remove("views");
    fields["state"]["chain"].take();
    record
}

#[test]
fn every_tool_takes_the_stream() {
    let fleet = fleet(4, &[]);
    let stream = fleet.stream();
    let reports = fleet.run("dvrf-json", &[], stream.clone()).out;
    let piped = fleet.run("dvrf-check", &[], reports);
    let own = fleet.run("dvrf-check", &[], stream.clone());
    assert_eq!((own.code, own.err.as_str()), (piped.code, ""));
    let (own, piped) = (records(&own.out), records(&piped.out));
    assert_eq!(own.len(), 5);
    for (own, piped) in own.into_iter().zip(piped) {
        assert_eq!(steady(own), steady(piped));
    }
    let told = fleet.run("dvrf-notify", &["--dry-run"], stream.clone());
    assert_eq!((told.code, clients_of(&told.out)), (0, fleet.clients.clone()), "{}", told.err);
    let metrics = fleet.run("dvrf-prom", &[], stream.clone());
    let balances = metrics.out.lines().filter(|line| line.starts_with("supra_dvrf_deposit_balance_quants{"));
    assert_eq!((metrics.code, balances.count()), (0, 5), "{}", metrics.err);
    let lottery = format!("{{\"lottery_addr\":\"{}\"}}\n", testkit::LOTTERY);
    fleet.devnet.enter("ready");
    let ready = fleet.run("dvrf-draw", &["ready", "--jobs", "2"], lottery.repeat(2));
    let found: Vec<Value> =
        records(&ready.out).iter().map(|record| record["readiness"]["ready"].clone()).collect();
    assert_eq!((ready.code, found), (0, vec![json!(true); 2]), "{}", ready.err);
}

#[test]
fn parts_of_a_file_are_the_whole() {
    let fleet = fleet(10, &[]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), fleet.stream()).unwrap();
    let mut found = Vec::new();
    for part in 1..=3 {
        let cut = program("split").arg(format!("--number=r/{part}/3")).arg(file.path()).output().unwrap();
        let out = fleet.run("dvrf-json", &[], cut.stdout);
        assert_eq!(out.code, 0, "{}", out.err);
        found.extend(clients_of(&out.out));
    }
    let mut wanted = fleet.clients.clone();
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
}

#[test]
fn an_answer_does_not_wait_for_the_next_question() {
    let fleet = fleet(2, &[]);
    for name in ["dvrf-json", "dvrf-check"] {
        let mut child = Command::new(binary(name))
            .env_clear()
            .env("SUPRA_RPC_URL", &fleet.devnet.url)
            .env("DEPOSIT_ADDR", DEPOSIT)
            .env("DVRF_CACHE_DIR", "off")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in [target(&fleet.clients[1]), "{\"state\":{}}\n".to_owned(), target(&fleet.clients[2])] {
            stdin.write_all(line.as_bytes()).unwrap();
            // Would wait for ever if the answer stayed in a buffer.
            let answer: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            assert!(answer["state"].is_object(), "{name}");
        }
        drop(stdin);
        assert!(lines.next().is_none());
        child.wait().unwrap();
    }
}

#[test]
fn check_reads_the_chain_without_any_other_binary() {
    let fleet = fleet(1, &[]);
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("dvrf-check");
    std::fs::copy(binary("dvrf-check"), &alone).unwrap();
    let check = |words: &[&str], input: &str| {
        let mut command = assert_cmd::Command::new(&alone);
        command.env_clear().env("SUPRA_RPC_URL", &fleet.devnet.url).env("DEPOSIT_ADDR", DEPOSIT);
        command.env("LOTTERY_ADDR", LOTTERY).env("DVRF_CACHE_DIR", "off");
        run(command.timeout(Duration::from_secs(30)).args(words).write_stdin(input))
    };
    let live = check(&["--live"], "");
    assert_eq!((live.code, &live.json()["checks"]["status"], live.err.as_str()), (0, &json!("ok"), ""));
    let stream = check(&[], &format!("{{\"state\":{{}}}}\n{}", target(&fleet.clients[0])));
    assert_eq!((stream.code, records(&stream.out).len(), stream.err.as_str()), (2, 2, ""));
}

/// A record that cannot be read back, and a verdict of another time: neither costs or decides anything.
#[test]
fn one_bad_record_costs_only_itself() {
    let fleet = fleet(2, &["--scenario", "at-minimum"]);
    let (first, second) = (target(&fleet.clients[0]), target(&fleet.clients[1]));
    // Its own earlier verdict does not outlive the new reading.
    let judged = first.replace('}', ",\"checks\":{\"status\":\"ok\"},\"note\":7}");
    let out = fleet.run("dvrf-json", &[], judged);
    let record = &records(&out.out)[0];
    assert_eq!((out.code, &record["checks"], &record["note"]), (0, &Value::Null, &json!(7)));
    // Neither flag of dvrf-json lets one record end the others.
    let stream = format!("{{\"state\":7}}\n{{\"state\":{{}},\"client_addr\":\"zzz\"}}\n{first}{second}");
    for words in [&["--fail-on-low"][..], &["--events", "1h"]] {
        let out = fleet.run("dvrf-json", words, stream.clone());
        let found = records(&out.out);
        assert_eq!(found.len(), 4, "{words:?}: {out}");
        assert!(out.code != 0 && found[2]["state"].is_object() && found[3]["state"].is_object(), "{out}");
    }
    // A record that was read from the chain may become longer than one that is read may be.
    let long = "x".repeat((16 << 20) - 200);
    let long = second.replace('}', &format!(",\"note\":\"{long}\"}}"));
    let out = fleet.run("dvrf-check", &[], format!("{first}{long}{first}"));
    let found = records(&out.out);
    assert_eq!(found.len(), 3, "{}", out.err);
    let kinds: Vec<&Value> = found.iter().map(|record| &record["checks"]["status"]).collect();
    assert_eq!(kinds, ["alert", "ok", "alert"]);
}

#[test]
fn a_terminal_sees_how_far_it_is() {
    let fleet = fleet(20, &["--fault", "latency=100ms"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.jsonl");
    std::fs::write(&file, fleet.stream()).unwrap();
    // util-linux's script(1) gives a terminal.
    let line = format!(
        "{} --input {} --jobs 2 --detail lean > {}",
        binary("dvrf-json").display(),
        file.display(),
        folder.path().join("out").display()
    );
    program("script")
        .args(["-qec", &line, "/dev/null"])
        .env("SUPRA_RPC_URL", &fleet.devnet.url)
        .env("DEPOSIT_ADDR", DEPOSIT)
        .env("DVRF_CACHE_DIR", "off")
        .env("TERM", "xterm")
        .assert()
        .code(0)
        .stdout(contains("[info] dvrf-json: ").and(contains(" waiting, 100 % read")))
        // The line is taken away.
        .stdout(ends_with("\r\u{1b}[2K"));
    let lines = std::fs::read_to_string(folder.path().join("out")).unwrap();
    let mut seen = BTreeMap::new();
    for client in clients_of(&lines) {
        *seen.entry(client).or_insert(0) += 1;
    }
    assert!(seen.len() == 21 && seen.values().all(|count| *count == 1));
}
