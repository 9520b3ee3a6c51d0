//! `dvrf`: every tool by its command, by an old command name, and by the name of a link.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use assert_cmd::Command;
use predicates::str::{contains, starts_with};
use rstest::rstest;

const DVRF: &str = env!("CARGO_BIN_EXE_dvrf");

fn dvrf(words: &[&str]) -> Command {
    let mut command = Command::new(DVRF);
    command.env_clear().args(words);
    command
}

/// Calls the program through a link of this name.
fn through_link(name: &str, words: &[&str]) -> assert_cmd::assert::Assert {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join(name);
    std::os::unix::fs::symlink(DVRF, &link).unwrap();
    Command::new(link).env_clear().args(words).assert()
}

#[rstest]
#[case::command(&["check"], "Usage: dvrf check [OPTIONS]\n")]
#[case::subcommand(&["draw", "ready"], "Usage: dvrf draw ready [OPTIONS]\n")]
#[case::old_name(&["monitor-json"], "Usage: dvrf json [OPTIONS]\n")]
#[case::no_command(&[], "Usage: dvrf COMMAND [ARGUMENT…]\n")]
fn help_names_the_command(#[case] words: &[&str], #[case] usage: &'static str) {
    dvrf(words).arg("--help").assert().success().stdout(contains(usage)).stderr("");
}

#[rstest]
#[case::check("dvrf-check", &["--help"], "Usage: dvrf-check [OPTIONS]\n")]
#[case::draw("dvrf-draw", &["ready", "--help"], "Usage: dvrf-draw ready [OPTIONS]\n")]
#[case::another_name("monitor", &["check", "--help"], "Usage: dvrf check [OPTIONS]\n")]
fn help_through_a_link(#[case] link: &str, #[case] words: &[&str], #[case] usage: &'static str) {
    through_link(link, words).success().stdout(contains(usage)).stderr("");
}

#[rstest]
#[case::dvrf(&[], "dvrf 0.1.0\n")]
#[case::command(&["check"], "dvrf-check 0.1.0\n")]
#[case::old_name(&["monitor-check"], "dvrf-check 0.1.0\n")]
fn versions(#[case] words: &[&str], #[case] expected: &'static str) {
    dvrf(words).arg("--version").assert().success().stdout(expected).stderr("");
}

#[test]
fn the_version_through_a_link() {
    through_link("dvrf-check", &["--version"]).success().stdout("dvrf-check 0.1.0\n").stderr("");
}

#[test]
fn usage_errors_name_the_program() {
    let said = "[error] dvrf-check: unknown flag --nope\n\
        [info] dvrf-check: -h shows the usual flags, --help all of them\n";
    dvrf(&["check", "--nope"]).assert().code(2).stdout("").stderr(said);
    through_link("dvrf-check", &["--nope"]).code(2).stdout("").stderr(said);
}

#[test]
fn a_usage_error_of_the_plugin_is_a_plugin_line() {
    dvrf(&["check", "--nagios", "--nope"])
        .assert()
        .code(3)
        .stdout(starts_with("DVRF UNKNOWN - unknown flag --nope |"));
    // Only dvrf-check is a plugin.
    dvrf(&["json", "--nagios"]).assert().code(2).stdout("");
}

#[rstest]
#[case::command(&["calc"])]
#[case::old_name(&["calc-min-balance"])]
#[case::leading_dashes(&["calc-min-balance", "--"])]
fn the_tool_runs(#[case] words: &[&str]) {
    dvrf(words)
        .args(["--max-txn-fee", "1_000_000", "--json"])
        .assert()
        .success()
        .stdout(contains("\"min_balance\": \"30000000\""));
}

#[test]
fn the_tool_runs_through_a_link() {
    through_link("dvrf-calc", &["--max-txn-fee", "1_000_000", "--json"])
        .success()
        .stdout(contains("\"min_balance\": \"30000000\""));
}

#[test]
fn a_record_is_checked_in_this_process() {
    let record = "{\"state\":{\"deposit\":{\"balance\":\"1\",\"min_balance\":\"10\",\"supra_min_balance\":\"10\",\"client_whitelisted\":true}},\"views\":{}}\n";
    dvrf(&["check"])
        .env("PATH", "/nonexistent")
        .write_stdin(record)
        .assert()
        .code(1)
        .stdout(contains("\"checks\":{\"status\":\"alert\""));
}

#[test]
fn mistakes_are_refused() {
    dvrf(&["chek"])
        .assert()
        .code(2)
        .stderr(starts_with("[error] dvrf: unknown command \"chek\"; did you mean check?\n"));
    through_link("dvrf-chek", &[]).code(2).stdout(contains("Usage: dvrf COMMAND")).stderr("");
}

#[test]
fn the_emulator_and_its_cli_are_in_the_same_file() {
    dvrf(&[
        "devnet",
        "exec",
        "--transport",
        "cli",
        "--",
        "sh",
        "-c",
        "exec \"$SUPRA_CLI_BIN\" move tool view --profile p --function-id 0x1::timestamp::now_microseconds",
    ])
    .env("PATH", testkit::requirements::path())
    .assert()
    .code(0)
    .stdout(contains("\"result\": ["));
}

/// What is tried out on the emulator must not alert through the channels of a file that happens to lie there.
#[rstest]
#[case::usual_place("XDG_CONFIG_HOME", "", "DVRF_CONFIG=/dev/null\n")]
#[case::named("DVRF_CONFIG", "dvrf/dvrf.toml", "DVRF_CONFIG=/tmp")]
fn a_rehearsal_uses_a_settings_file_only_by_name(
    #[case] variable: &str,
    #[case] below: &str,
    #[case] expected: &'static str,
) {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    dvrf(&["devnet", "exec", "--", "sh", "-c", "echo DVRF_CONFIG=$DVRF_CONFIG"])
        .env("PATH", testkit::requirements::path())
        .env(variable, folder.path().join(below))
        .assert()
        .code(0)
        .stdout(starts_with(expected));
}

#[rstest]
#[case::english(&["request_stuck"], "REQUEST_STUCK\nwarning: A randomness request ")]
#[case::russian(&["REQUEST_STUCK", "--lang", "ru"], "REQUEST_STUCK\nwarning: Запрос случайных чисел ")]
fn explain_prints_the_section_of_a_code(#[case] words: &[&str], #[case] begins: &'static str) {
    dvrf(&["explain"]).args(words).assert().code(0).stdout(starts_with(begins)).stderr("");
}

#[test]
fn explain_helps_with_a_broken_settings_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dvrf.toml");
    std::fs::write(&file, "x = [").unwrap();
    let mut explain = dvrf(&["explain", "REQUEST_STUCK"]);
    explain.env("DVRF_CONFIG", &file).assert().code(0).stdout(starts_with("REQUEST_STUCK\n")).stderr("");
}

#[rstest]
#[case::english("en", "unknown code \"REQUEST_STUK\"", "did you mean REQUEST_STUCK?")]
#[case::russian("ru", "неизвестный код \"REQUEST_STUK\"", "возможно, REQUEST_STUCK?")]
fn explain_names_the_nearest_code(#[case] lang: &str, #[case] error: &str, #[case] hint: &str) {
    let said = format!("[error] dvrf-explain: {error}\n[info] dvrf-explain: {hint}\n");
    dvrf(&["explain", "REQUEST_STUK"]).env("DVRF_LANG", lang).assert().code(2).stdout("").stderr(said);
}

/// Otherwise every word has a line of its own.
#[test]
fn a_width_of_zero_means_unknown() {
    let shown = |columns: &str| dvrf(&["check", "--help"]).env("COLUMNS", columns).output().unwrap().stdout;
    assert_eq!(shown("0"), shown("100"));
}
