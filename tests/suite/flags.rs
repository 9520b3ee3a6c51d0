//! Every flag that a page of the documents names is in some tool's `--help`.

use std::collections::BTreeSet;

use testkit::{root, run, tool};

/// Flags of other programs, which the pages name too.
const FOREIGN: [&str; 19] = [
    // docker and kubectl.
    "--env-file",
    "--from-env-file",
    // scripts/requirements.
    "--install",
    // The Supra CLI.
    "--accept-defaults",
    "--args",
    "--skip-fetch-latest-git-deps",
    "--task-automation-fee-cap",
    "--task-expiry-time-secs",
    "--task-gas-price-cap",
    "--task-max-gas-amount",
    // systemd's tools.
    "--create",
    "--now",
    // scripts/install.
    "--legacy",
    "--single",
    "--systemd",
    "--uninstall",
    // rclone, and the Supra CLI from v11 on.
    "--include",
    "--simulate",
    // scripts/package.
    "--check",
];

const TOOLS: [(&str, &[&str]); 15] = [
    ("chaos", &[""]),
    ("draw-chaos", &[""]),
    ("dvrf", &["", "config", "init"]),
    ("dvrf-calc", &[""]),
    ("dvrf-check", &[""]),
    ("dvrf-devnet", &["", "serve", "exec", "env"]),
    ("dvrf-doctor", &[""]),
    ("dvrf-draw", &["", "ready", "run", "auto", "smoke"]),
    ("dvrf-events", &["", "list", "tail", "pair"]),
    ("dvrf-fund", &["", "history"]),
    ("dvrf-json", &[""]),
    ("dvrf-notify", &[""]),
    ("dvrf-prom", &[""]),
    ("dvrf-status", &[""]),
    ("report-chaos", &[""]),
];

/// The words of a text that look like long flags.
fn flags(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
    let long = words.filter(|word| {
        word.strip_prefix("--").is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
    });
    long.map(|word| word.trim_end_matches('-').to_owned()).collect()
}

#[test]
fn the_documents_name_no_flag_that_is_not_there() {
    let mut known: BTreeSet<String> = FOREIGN.iter().map(|flag| (*flag).to_owned()).collect();
    for (name, actions) in TOOLS {
        for action in actions {
            let words: Vec<&str> = [*action, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
            known.extend(flags(&run(tool(name).args(words)).out));
        }
    }
    let pages = crate::tidy::files("docs", ".md");
    let mut unknown = Vec::new();
    for page in pages.into_iter().chain([root().join("README.md")]) {
        let text = std::fs::read_to_string(&page).unwrap();
        unknown.extend(flags(&text).difference(&known).map(|flag| format!("{}: {flag}", page.display())));
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(known.len() > 100, "the helps were read");
}
