//! Clocks that jump, with `faketime`: reminders, the textfile's times, the age of a chain, a draw's cool-down.

use std::os::unix::fs::PermissionsExt;

use testkit::{Devnet, needs};

use super::{civil, record, shell};

/// A record that says when it was read, as the tool before it would.
fn read_at(time: &str, balance: &str) -> String {
    record("p", &format!("\"{balance}\"")).replacen('{', &format!("{{\"timestamp\":\"{time}\","), 1)
}

/// A clock that is set back does not silence reminders, and one that is set forward sends one, not many.
#[test]
#[needs("faketime")]
fn reminders_survive_a_clock_that_jumps() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().display().to_string();
    let run_at = |time: &str| {
        let line = format!(
            "printf '%s\\n' \"$R\" | exec faketime -f '@{time}' dvrf-notify --channel generic,url=http://127.0.0.1:9/x --notify-timeout 0.1 --repeat-every 4h --state-dir \"$S\""
        );
        let outcome = shell(&line, &[("S", &state), ("R", &record("p", "\"5\"")), ("TZ", "UTC")]);
        civil(&outcome);
        let record: serde_json::Value =
            serde_json::from_str(outcome.out.trim()).unwrap_or_else(|error| panic!("{error}: {outcome}"));
        let told = record["notifications"].as_array().unwrap_or_else(|| panic!("{outcome}")).clone();
        let mut events: Vec<String> =
            told.iter().map(|one| one["event"].as_str().unwrap_or_default().to_owned()).collect();
        // What waits in the outbox is tried again in order; the last one is this run's.
        events.dedup();
        events.last().cloned().unwrap_or_default()
    };
    assert_eq!(run_at("2026-03-01 12:00:00"), "firing");
    assert_eq!(run_at("2026-03-01 13:00:00"), "firing", "nothing new is told, the first still waits");
    assert_eq!(run_at("2026-03-01 16:00:01"), "reminder");
    // A year back: the next reminder is four hours from then, not a year.
    assert_ne!(run_at("2025-03-01 12:00:00"), "");
    assert_eq!(run_at("2025-03-01 16:00:01"), "reminder");
    // Twenty years on: one reminder.
    assert_eq!(run_at("2045-01-01 00:00:00"), "reminder");
    let memory = std::fs::read_dir(folder.path())
        .unwrap()
        .map(Result::unwrap)
        .find(|entry| entry.path().extension().is_some_and(|extension| extension == "json"));
    let text = std::fs::read_to_string(memory.unwrap().path()).unwrap();
    assert!(text.len() < 20_000, "the outbox does not grow with the jump: {} bytes", text.len());
}

/// Times of metrics are the run's own, and a report of the future or of long ago is judged by its own time.
#[test]
#[needs("faketime")]
fn metrics_carry_the_time_that_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.prom");
    let shown = path.display().to_string();
    for (clock, read, seconds) in [
        ("2026-03-01 12:00:00", "2026-03-01T12:00:00+00:00", "1772366400"),
        ("2020-01-01 00:00:00", "2026-03-01T12:00:00+00:00", "1772366400"),
        ("2038-01-19 03:14:09", "2038-01-19T03:14:09+00:00", "2147483649"),
        ("1970-01-02 00:00:00", "1970-01-02T00:00:00+00:00", "86400"),
    ] {
        let line = format!("printf '%s\\n' \"$R\" | exec faketime -f '@{clock}' dvrf-prom --textfile \"$F\"");
        let outcome = shell(&line, &[("F", &shown), ("R", &read_at(read, "100")), ("TZ", "UTC")]);
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{clock}: {outcome}");
        let text = std::fs::read_to_string(&path).unwrap();
        let wanted = format!("supra_dvrf_last_run_timestamp_seconds{{subscription=\"p\"}} {seconds}\n");
        assert!(text.contains(&wanted), "{clock}: {text}");
    }
}

/// A host whose clock is more than five minutes behind or ahead of the chain's has no verdict.
#[test]
#[needs("faketime")]
fn a_chain_is_judged_by_a_clock_that_may_be_wrong() {
    let devnet = Devnet::start(&["--start-time", "1772366400"]);
    for (clock, code) in [
        ("2026-03-01 12:00:10", 0),
        ("2026-03-01 11:56:00", 0),
        ("2026-03-01 11:00:00", 2),
        ("2026-03-01 13:00:00", 2),
        ("2099-01-01 00:00:00", 2),
    ] {
        let line = format!("exec faketime -f '@{clock}' dvrf-check --live");
        let mut variables = super::live(&devnet.url);
        variables.push(("TZ", "UTC"));
        let outcome = shell(&line, &variables);
        assert_eq!(outcome.code, code, "{clock}: {outcome}");
        assert_eq!(outcome.out.contains("CHAIN_STALE"), code == 2, "{clock}: {outcome}");
        civil(&outcome);
    }
}

/// A clock that is set back during a cool-down rests for one cool-down, not until it has caught up; set forward it
/// still draws a round once.
#[test]
#[needs("faketime")]
fn a_cool_down_survives_a_clock_that_jumps() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state").display().to_string();
    let refusing = folder.path().join("refusing");
    std::fs::write(&refusing, "#!/bin/sh\necho \"error: unexpected argument '--x' found\" >&2\nexit 2\n")
        .unwrap();
    std::fs::set_permissions(&refusing, std::fs::Permissions::from_mode(0o755)).unwrap();
    let auto = |cli: &std::path::Path, offset: &str| {
        let cli = cli.display().to_string();
        let line = format!(
            "exec faketime -f '{offset}' dvrf-draw auto --execute --assume-yes --cool-down 3600 --max-lag 0 --state-dir \"$S\""
        );
        let mut variables = super::live(&devnet.url);
        variables.extend([("SUPRA_CLI_BIN", cli.as_str()), ("DVRF_DEVNET_URL", &devnet.url), ("S", &state)]);
        let outcome = shell(&line, &variables);
        civil(&outcome);
        let status = outcome.json()["status"].as_str().unwrap_or_default().to_owned();
        (status, outcome)
    };
    let drawn = || devnet.call("GET", "/devnet/state", "")["lottery"]["rng_request_count"].clone();
    let before = drawn();
    // The CLI refuses its words: nothing is sent, and it rests all the same.
    let (status, outcome) = auto(&refusing, "+0");
    assert_eq!(status, "manual_draw_failed", "{outcome}");
    let (status, outcome) = auto(&devnet.cli, "-30d");
    assert!(status == "not_ready" && outcome.out.contains("COOLING_DOWN"), "{outcome}");
    assert!(outcome.out.contains("rests for another 3600 s"), "one cool-down, not a month: {outcome}");
    assert_eq!(drawn(), before, "{outcome}");
    let (status, outcome) = auto(&devnet.cli, "+2h");
    assert_eq!(status, "executed", "{outcome}");
    assert_ne!(drawn(), before, "{outcome}");
    let after = drawn();
    for offset in ["-30d", "+3h", "+9000d"] {
        let (status, outcome) = auto(&devnet.cli, offset);
        assert_eq!((status.as_str(), drawn()), ("not_ready", after.clone()), "{offset}: {outcome}");
    }
}
