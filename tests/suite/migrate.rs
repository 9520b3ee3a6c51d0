//! The list of the old scripts' defects, `old-scripts.md`: every letter is answered, every named test exists; and the
//! few edges that no other module holds.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use predicates::str::{contains, starts_with};
use testkit::mock_receiver::{MockReceiver, ScriptedResponse};
use testkit::{Devnet, Printed, Way, json_at, report, root, tool};

/// How many defects each letter has in the recordings of the old scripts.
const DEFECTS: [(char, usize); 8] =
    [('A', 10), ('B', 20), ('C', 8), ('D', 11), ('E', 11), ('F', 13), ('G', 4), ('H', 7)];

fn page() -> String {
    fs::read_to_string(root().join("tests/suite/old-scripts.md")).unwrap()
}

#[test]
fn every_letter_is_answered_once_and_held_by_something() {
    let page = page();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = page.lines().map(cells).filter(|cells| cells.len() == 6).collect();
    let named: Vec<&str> = rows.iter().map(|row| row[1].as_str()).filter(|name| name.len() > 1).collect();
    let wanted = DEFECTS.iter().flat_map(|(letter, most)| (1..=*most).map(move |n| format!("{letter}{n}")));
    assert_eq!(
        named.into_iter().filter(|name| *name != "---").collect::<Vec<_>>(),
        wanted.collect::<Vec<_>>()
    );
    for row in rows.iter().filter(|row| row[1].len() > 1 && row[1] != "---") {
        let verdict = ["repaired", "kept", "open"].iter().any(|word| row[3].starts_with(word));
        assert!(verdict, "{}: {:?} is no verdict", row[1], row[3]);
        assert!(row[3].starts_with("open") || row[4].contains("::"), "{}: held by {:?}", row[1], row[4]);
    }
}

#[test]
fn every_test_that_the_page_names_exists() {
    let page = page();
    assert!(named_tests(&page).len() > 60);
    assert_eq!(missing_tests(&page), Vec::<String>::new());
}

fn named_tests(page: &str) -> BTreeSet<&str> {
    page.split('`').skip(1).step_by(2).filter(|word| word.contains(".rs::")).collect()
}

/// The tests that a page names, as `suite/file.rs::name`, `core/file.rs::name` or `CRATE/file.rs::name`, and that do not exist.
pub(crate) fn missing_tests(page: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for name in named_tests(page) {
        let (file, test) = name.split_once("::").unwrap();
        let path = match file.split_once('/').unwrap() {
            ("suite", rest) => format!("tests/suite/{rest}"),
            ("core", rest) => format!("crates/supra-core/src/{rest}"),
            (name, rest) => format!("crates/{name}/src/{rest}"),
        };
        let source = fs::read_to_string(root().join(&path)).unwrap_or_default();
        if !source.contains(&format!("fn {test}(")) {
            problems.push(format!("{name}: no such test"));
        }
    }
    problems
}

#[test]
fn a8_odd_bytes_after_a_sent_draw() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let folder = tempfile::tempdir().unwrap();
    let cli = folder.path().join("supra");
    let script = format!("#!/bin/sh\nprintf '\\377\\376 noise\\n'\nexec '{}' \"$@\"\n", devnet.cli.display());
    fs::write(&cli, script).unwrap();
    fs::set_permissions(&cli, fs::Permissions::from_mode(0o755)).unwrap();
    let mut draw = devnet.tool("dvrf-draw", Way::Cli("v9"));
    draw.env("SUPRA_CLI_BIN", &cli).args(["run", "--assume-yes", "--json-result", "--state-dir"]);
    let document = draw.arg(folder.path().join("state")).assert().code(0).document();
    assert_eq!(document["executed"], true, "{document}");
    assert!(document["stdout"].as_str().unwrap().starts_with("\u{fffd}\u{fffd} noise"), "{document}");
}

#[test]
fn d10_e9_e11_words_and_locales() {
    tool("dvrf-notify")
        .env("LC_ALL", "C")
        .args(["--dry-run", "--format", "text", "--webhook-type", "slack", "--title", "Ночь"])
        .write_stdin(report(50))
        .assert()
        .code(0)
        .stdout(starts_with("🚨 Ночь · devnet (testnet): deposit below the minimum"));
    let devnet = Devnet::start(&[]);
    let mut named = devnet.tool("dvrf-json", Way::Cli("v9"));
    named.args(["--live", "--profile=-x"]).assert().code(0).stdout(json_at("/profile", "-x"));
}

#[test]
fn f9_f13_types_and_proxies() {
    let inbox = MockReceiver::friendly();
    for kind in ["SLACK", "carrier-pigeon"] {
        let mut notify = tool("dvrf-notify");
        notify.env("MONITOR_WEBHOOK_URL", inbox.url("SECRET")).env("MONITOR_WEBHOOK_TYPE", kind);
        let said = contains(format!("MONITOR_WEBHOOK_TYPE is {kind:?}"));
        notify.write_stdin(report(50)).assert().code(2).stderr(said);
        assert_eq!(inbox.requests().len(), 0);
    }
    let proxy = MockReceiver::open(Vec::new(), ScriptedResponse::status(403));
    let mut notify = tool("dvrf-notify");
    notify
        .env("http_proxy", proxy.url(""))
        .env("DVRF_NOTIFY_CHANNELS", "slack,url=http://hooks.test/x")
        .args(["--notify-timeout", "1"]);
    notify.write_stdin(report(50)).assert().code(2);
    let asked = &proxy.requests()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "http://hooks.test/x"));
}
