//! Whole outputs over recorded chains, compared to the letter. After `cargo build --workspace`,
//! `UPDATE_GOLDEN=1 cargo test -p testkit golden` rewrites
//! them; the recordings under `tests/fixtures` were made with `dvrf-json --record` on a frozen devnet.

use testkit::{DEPOSIT, LOTTERY, root, run, tool};

/// A text without the time at the end of a line, which is that of the run.
fn without_time(text: &str) -> String {
    let cut = |line: &str| match line.strip_suffix(" UTC") {
        Some(rest) => rest[..rest.len() - "2026-01-01 00:00".len()].trim_end().to_owned() + "\n",
        None => format!("{line}\n"),
    };
    text.lines().map(cut).collect()
}

/// Reads a recording, optionally judges it, and compares what a person sees.
fn check(recording: &str, name: &str, words: &[&str]) {
    let mut report = tool("dvrf-json");
    report.env("LOTTERY_ADDR", LOTTERY).env("DEPOSIT_ADDR", DEPOSIT).env("PROFILE", "devnet").arg("--live");
    let report = run(report.arg("--replay").arg(root().join("tests/fixtures").join(recording)));
    let shown = run(tool(words[0]).args(&words[1..]).write_stdin(report.out)).out;
    let shown = without_time(&shown);
    let path = root().join("tests/golden").join(name);
    if option_env!("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &shown).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == shown, "tests/golden/{name} differs; the output is\n{shown}");
}

#[test]
fn the_status_report() {
    check("healthy-v3", "status-v3.txt", &["dvrf-status", "--format", "values"]);
    check("at-minimum-camel", "status-camel-ru.txt", &["dvrf-status", "--format", "values", "--lang", "ru"]);
}

#[test]
fn the_verdict() {
    let words = ["dvrf-check", "--format", "text", "--max-lag", "0"];
    check("healthy-v3", "check-healthy.txt", &words);
    check("at-minimum-camel", "check-at-minimum.txt", &words);
    check("at-minimum-camel", "check-legacy.json", &["dvrf-check", "--format", "legacy", "--max-lag", "0"]);
}
