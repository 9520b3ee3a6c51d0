//! A chain, or a CLI in front of it, that answers what nobody honest does: unknown, never ok, and nothing of it reaches
//! a terminal, a chat or a label unescaped.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use testkit::{Devnet, Way, run};

use super::{acts, civil, errors};

/// Values that every verdict needs, under their names on the devnet.
const NEEDED: [&str; 2] = ["check_client_fund", "check_min_balance_client_v2"];

const ANSWERS: [&str; 8] = ["deep", "digits", "exponent", "negative", "u128+1", "bytes", "nul", "surrogate"];

#[test]
fn an_answer_that_is_none_is_unknown() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let ask = |tool: &str| {
        let mut command = devnet.tool(tool, Way::Rpc);
        command.env("DVRF_RETRIES", "0");
        command
    };
    for answer in ANSWERS {
        // The balance has two sources on this chain, and so has the minimum.
        let faults: Vec<String> = NEEDED
            .iter()
            .chain(&[
                "get_balance_of_client_v2",
                "check_effective_balance_v2",
                "has_minimum_balance_reached_v2",
            ])
            .map(|view| format!("view:{view}={answer}"))
            .collect();
        devnet.fault(&faults.join(","));
        let outcome = run(ask("dvrf-check").arg("--live"));
        let record = outcome.json();
        assert_eq!(outcome.code, 2, "{answer}: {outcome}");
        assert_eq!(record["checks"]["status"], "unknown", "{answer}: {outcome}");
        assert_eq!(record["state"]["deposit"]["balance"], Value::Null, "{answer}: {outcome}");
        assert_eq!(record["state"]["deposit"]["min_balance"], Value::Null, "{answer}: {outcome}");
        assert_eq!(record["views"]["balance"]["error"]["kind"], "undecodable", "{answer}: {outcome}");
        assert!(errors(&outcome) >= 1 && outcome.err.len() < 2000, "{answer}: {outcome}");
        civil(&outcome);
        let plugin = run(ask("dvrf-check").args(["--live", "--nagios"]));
        assert!(plugin.code == 3 && plugin.out.starts_with("DVRF UNKNOWN - "), "{answer}: {plugin}");
        let ready = run(ask("dvrf-draw").args(["ready", "--live"]));
        assert!(ready.code == 2 && ready.json()["readiness"]["ready"] == false, "{answer}: {ready}");
        let metrics = run(ask("dvrf-prom").arg("--live"));
        assert!(metrics.out.contains("supra_dvrf_up{subscription=\"devnet\"} 0\n"), "{answer}: {metrics}");
        assert!(!metrics.out.contains("supra_dvrf_deposit_balance_quants"), "{answer}: {metrics}");
    }
}

/// Every place that shows chain text, and the marks that mean something there.
#[test]
fn hostile_text_is_shown_and_does_nothing() {
    let devnet = Devnet::start(&[]);
    devnet.fault("view:check_client_fund=hostile,view:get_balance_of_client_v2=hostile,view:is_contract_paused=hostile");
    let check = |words: &[&str]| {
        let outcome = run(devnet.tool("dvrf-check", Way::Rpc).arg("--live").args(words));
        civil(&outcome);
        outcome
    };
    let json = check(&[]);
    assert_eq!((json.code, json.out.lines().count()), (2, 1), "{json}");
    assert!(json.err.contains("\\u{1b}[31mred\\u{1b}]0;title"), "it is shown: {json}");
    for words in [vec!["--format", "text"], vec!["--format", "text", "--lang", "ru"]] {
        let text = check(&words);
        assert!(text.code == 2 && text.out.contains("\\u{202e}") && !text.out.contains(acts), "{text}");
        assert!(!text.out.lines().any(|line| line.starts_with("DVRF OK")), "{text}");
    }
    let plugin = check(&["--nagios"]);
    assert_eq!((plugin.code, plugin.out.lines().count()), (3, 1), "{plugin}");
    assert!(plugin.out.starts_with("DVRF UNKNOWN - ") && plugin.out.matches('|').count() == 1, "{plugin}");
    assert!(!plugin.out.contains(acts), "{plugin}");
    let status = run(devnet.tool("dvrf-status", Way::Rpc).args(["--live", "--format", "values"]));
    civil(&status);
    assert!(!status.out.contains(acts) && status.out.contains("\\u{202e}"), "{status}");
    for format in ["text", "openmetrics"] {
        let metrics = run(devnet.tool("dvrf-prom", Way::Rpc).args(["--live", "--format", format]));
        civil(&metrics);
        assert!(!metrics.out.contains(acts), "{metrics}");
    }
    // What the channels are sent is held by the fuzz target `chat`; here, that it is what the real tool sends.
    for (channel, forbidden) in [
        ("slack,url=http://127.0.0.1:9/x", vec!["<!channel>", "<b>"]),
        ("teams,url=http://127.0.0.1:9/x", vec![" *b*", " _i_", "[x](", "<b>"]),
        ("discord,url=http://127.0.0.1:9/x", vec![" *b*", " _i_", "[x](", " `c`"]),
        (
            "telegram,token=1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,chat=-1,url=http://127.0.0.1:9",
            vec!["<!channel>", "<b>x"],
        ),
    ] {
        let told =
            run(devnet.tool("dvrf-notify", Way::Rpc).args(["--live", "--dry-run", "--channel", channel]));
        let body: String = told.out.clone();
        civil(&told);
        assert!(!body.contains(acts), "{channel}: {told}");
        let sent: Value = serde_json::from_str(body.lines().last().unwrap()).unwrap();
        for mark in forbidden {
            assert!(!sent["notifications"].to_string().contains(mark), "{channel} {mark}: {told}");
        }
    }
}

/// Chain text that is a value and not an error: names of modules.
#[test]
fn hostile_values_are_shown_and_do_nothing() {
    let devnet = Devnet::start(&[]);
    devnet.fault("view:get_client_modules_info=hostile-value,view:get_whitelist_status=hostile-value");
    for (tool, words) in [
        ("dvrf-check", vec!["--format", "text"]),
        ("dvrf-check", vec!["--nagios"]),
        ("dvrf-status", vec!["--format", "values"]),
        ("dvrf-prom", vec![]),
        ("dvrf-draw", vec!["ready", "--format", "text"]),
    ] {
        let mut command = devnet.tool(tool, Way::Rpc);
        let (first, rest) = match words.split_first() {
            Some((first, rest)) if tool == "dvrf-draw" => (Some(*first), rest.to_vec()),
            _ => (None, words.clone()),
        };
        let outcome = run(command.args(first).arg("--live").args(rest));
        civil(&outcome);
        assert!(!outcome.out.contains(acts), "{tool}: {outcome}");
    }
}

/// A CLI whose output is hostile: bounded in size, found or refused, never believed by halves.
#[test]
fn a_hostile_cli_is_bounded() {
    let devnet = Devnet::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("brackets", "head -c 100000 /dev/zero | tr '\\0' '['"),
        ("objects", "yes '{\"a\":' | head -3000"),
        ("64 MB of nothing", "head -c 67108864 /dev/zero"),
        ("no end", "yes '{\"result\":'"),
        ("bytes", "printf '{\"result\":[\"\\377\\376\"]}'"),
        ("a result that is cut", "printf '{\"result\":[\"157500000000'"),
        ("control sequences", "printf '\\033]0;title\\007\\033[2J\\342\\200\\256 no' >&2; exit 1"),
        ("nothing", ":"),
    ];
    // Most of the time is waiting: all at once.
    std::thread::scope(|scope| {
        for (number, (what, script)) in cases.into_iter().enumerate() {
            let (devnet, cli) = (&devnet, folder.path().join(number.to_string()));
            scope.spawn(move || hostile_cli(devnet, &cli, what, script));
        }
    });
}

fn hostile_cli(devnet: &Devnet, cli: &Path, what: &str, script: &str) {
    std::fs::write(cli, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(cli, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = devnet.tool("dvrf-check", Way::Cli("v9"));
    command.env("SUPRA_CLI_BIN", cli).env("DVRF_RETRIES", "0").env("DVRF_CALL_TIMEOUT", "0.5");
    let started = std::time::Instant::now();
    let outcome = run(command.env("DVRF_TIMEOUT", "1").env("DVRF_JOBS", "2").arg("--live"));
    assert_eq!(outcome.code, 2, "{what}: {outcome}");
    assert_eq!(outcome.json()["checks"]["status"], "unknown", "{what}: {outcome}");
    assert!(started.elapsed().as_secs() < 20, "{what}: {:?}", started.elapsed());
    assert!(errors(&outcome) >= 1 && outcome.err.len() < 2000, "{what}: {outcome}");
    civil(&outcome);
}
