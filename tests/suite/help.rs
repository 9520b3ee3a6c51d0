//! Help of every tool and subcommand: `-h` is one screen with three examples that the tools accept, `--help` has the rest,
//! and the man pages have the usual sections.

use std::collections::BTreeSet;

use predicates::str::{contains, starts_with};
use rstest::rstest;
use testkit::tool;

/// Every tool, and every subcommand.
pub(crate) const COMMANDS: [&str; 22] = [
    "status",
    "json",
    "check",
    "notify",
    "prom",
    "draw",
    "draw ready",
    "draw run",
    "draw auto",
    "draw smoke",
    "fund",
    "fund history",
    "events",
    "events list",
    "events tail",
    "events pair",
    "calc",
    "doctor",
    "explain",
    "devnet serve",
    "devnet exec",
    "devnet env",
];

fn help(command: &str, flag: &str) -> String {
    let output = tool("dvrf").args(command.split(' ')).arg(flag).env("COLUMNS", "80").output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{command} {flag}");
    String::from_utf8(output.stdout).unwrap()
}

/// The command lines of the examples.
fn examples(help: &str) -> Vec<String> {
    let examples = help.split("Examples:\n").nth(1).unwrap_or_default();
    let lines = examples.lines().take_while(|line| line.starts_with("  "));
    lines.map(str::trim).filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn a_brief_help_is_one_screen_with_three_examples() {
    for command in COMMANDS {
        let text = help(command, "-h");
        assert!(text.lines().count() <= 40, "{command} -h has {} lines:\n{text}", text.lines().count());
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{command} -h is too wide:\n{text}");
        assert_eq!(examples(&text).len(), 3, "{text}");
        assert!(text.contains("All flags: --help"), "{text}");
    }
}

#[test]
fn examples_are_accepted() {
    let mut lines: BTreeSet<String> =
        COMMANDS.into_iter().flat_map(|command| examples(&help(command, "-h"))).collect();
    lines.extend(examples(&help("help", "help")));
    assert!(lines.len() > 50, "{lines:?}");
    for line in lines {
        // The commands of a pipe; variables before them, and a shell's quotes around a jq program, are not ours.
        let ours = line.split(" | ").filter_map(|part| part.find("dvrf ").map(|at| &part[at + 5..]));
        for words in ours {
            let words = words.trim_end_matches(['"', ')']).split(" -- ").next().unwrap_or_default();
            // What precedes --help is parsed first.
            let asked = tool("dvrf").args(words.split(' ')).arg("--help").output().unwrap();
            let stderr = String::from_utf8_lossy(&asked.stderr).into_owned();
            assert_eq!((asked.status.code(), stderr.as_str()), (Some(0), ""), "{line}");
        }
    }
}

#[test]
fn a_flag_of_the_page_is_a_flag_of_the_command() {
    for page in dvrf_cli::help::PAGES {
        let long = help(page.command.trim_start_matches("dvrf-"), "--help");
        for flag in page.flags {
            let is_there =
                long.contains(&format!("--{flag}")) || long.contains(&format!("[{}]", flag.to_uppercase()));
            assert!(is_there, "{}: {flag}", page.command);
        }
    }
}

#[rstest]
#[case::tool(&["help", "check"], &["check", "--help"])]
#[case::subcommand(&["help", "draw", "ready"], &["draw", "ready", "--help"])]
#[case::itself(&["help"], &["--help"])]
fn help_by_its_other_name(#[case] words: &[&str], #[case] same: &[&str]) {
    let expected = tool("dvrf").args(same).output().unwrap();
    tool("dvrf").args(words).assert().code(0).stdout(String::from_utf8(expected.stdout).unwrap()).stderr("");
}

#[test]
fn the_shared_settings_have_a_page() {
    let page = tool("dvrf").args(["help", "settings"]).assert().code(0).stderr("");
    page.stdout(starts_with("The settings that the tools share"))
        .stdout(contains("--rpc-url <URL[,URL…]>"))
        .stdout(contains("DVRF_NETWORK]"))
        .stdout(contains("--state-dir <DIR>"));
}

#[test]
fn without_a_command_the_help_is_printed_and_nothing_is_fine() {
    let expected = tool("dvrf").arg("--help").output().unwrap();
    tool("dvrf").assert().code(2).stdout(String::from_utf8(expected.stdout).unwrap()).stderr("");
}

#[test]
fn the_list_is_in_groups_and_old_names_have_their_own() {
    let list = tool("dvrf").arg("--list").assert().code(0).stderr("");
    list.stdout(starts_with("Watch:\n  status"))
        .stdout(contains("\nTell:\n  notify"))
        .stdout(contains("\nAct:\n  draw"))
        .stdout(contains("\nSet up:\n  "));
    tool("dvrf").args(["--list", "--old"]).assert().code(0).stdout(contains("monitor-json"));
}

#[rstest]
fn man_pages_have_the_usual_sections(
    #[values("status", "json", "check", "notify", "prom", "draw", "events", "calc", "doctor")] name: &str,
) {
    let page = testkit::run(tool("dvrf").args(["--generate", "man", name])).out;
    for section in ["NAME", "SYNOPSIS", "EXAMPLES", "ENVIRONMENT", "FILES", "\"EXIT STATUS\"", "\"SEE ALSO\""]
    {
        let heading = format!(".SH {section}");
        assert!(page.lines().any(|line| line == heading), "{name} has no {section}:\n{page}");
    }
    for example in examples(&help(name, "-h")) {
        assert!(page.replace('\\', "").contains(&example), "{name}: {example}\n{page}");
    }
    // What follows is in the page of the shared settings.
    let settings = testkit::run(tool("dvrf").args(["--generate", "man", "settings"])).out;
    assert!(settings.contains(".TH dvrf-settings 7") && settings.contains("DVRF_NETWORK"), "{settings}");
}
