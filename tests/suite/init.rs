//! `dvrf init`: its questions, what it tries, the file that it writes, and the schedules.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, starts_with};
use rstest::rstest;
use testkit::mock_receiver::MockReceiver;
use testkit::{DEPOSIT, Devnet, LOTTERY, binary, program, root, run};

const DVRF: &str = env!("CARGO_BIN_EXE_dvrf");

fn init(folder: &Path, devnet: &Devnet, words: &[&str]) -> Command {
    let mut command = Command::new(DVRF);
    command.env_clear().env("HOME", folder).env("DVRF_CACHE_DIR", "off").current_dir(folder);
    command.args(["init", "--to", "dvrf.toml", "--rpc-url", &devnet.url]).args(words);
    command
}

/// The answers are typed into a pipe, and every one is tried.
#[test]
fn questions_are_answered_over_a_pipe() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let inbox = MockReceiver::friendly();
    let folder = tempfile::tempdir().unwrap();
    let url = inbox.url("secret");
    let answers = format!("testnet\n{LOTTERY}\nmain-lottery\nslack\n{url}\n");
    let seen = init(folder.path(), &devnet, &[]).write_stdin(answers).assert().success();
    seen.stderr(starts_with(
        "Network (testnet, mainnet or devnet): Lottery address (empty if there is no lottery): Name of the subscription: \
         Where alerts go (slack, teams, discord, telegram, pagerduty, opsgenie, mattermost, rocketchat, matrix, ntfy, email, alertmanager, generic, ping or none): \
         slack url (or url-file=PATH): ",
    ))
    .stdout(contains("deposit at the minimum").or(contains("deposit")))
    .stdout(contains("/dvrf.toml (readable only by you).\nNext: dvrf status"));
    let path = folder.path().join("dvrf.toml");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let home = folder.path().display();
    assert_eq!(
        fs::read_to_string(&path).unwrap().replace("/var/lib/dvrf", &format!("{home}/.local/state/dvrf")),
        format!(
            "# Written by dvrf init. All keys: docs/reference/settings.md\nnetwork = \"testnet\"\nrpc_url = \"{}\"\n\
             state_dir = \"{home}/.local/state/dvrf\"\n\n[[subscription]]\nname = \"main-lottery\"\n\
             lottery = \"{LOTTERY}\"\n\n[[channel]]\nkind = \"slack\"\nurl = \"{url}\"\n",
            devnet.url
        )
    );
    assert_eq!(inbox.requests().len(), 1);
    // What is there stays.
    init(folder.path(), &devnet, &[]).assert().code(2).stdout("").stderr(format!(
        "[error] dvrf-init: {} already exists and was not changed\n\
         [info] dvrf-init: edit it, or name another file with --to\n",
        path.display()
    ));
}

/// A chain id names the network, and the card has the name that was given.
#[test]
fn what_is_known_is_not_asked() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let folder = tempfile::tempdir().unwrap();
    let words = ["--lottery-addr", LOTTERY, "--name", "main-lottery", "--tell", "none"];
    let seen = init(folder.path(), &devnet, &words).env("DVRF_CHAIN_ID", "6").assert().success();
    seen.stderr("").stdout(contains(" main-lottery  testnet "));
    let written = fs::read_to_string(folder.path().join("dvrf.toml")).unwrap();
    assert!(written.contains("network = \"testnet\"\n"), "{written}");
}

#[rstest]
#[case::no_answer(&[], "", "no answer to \"Network (testnet, mainnet or devnet)\"\n[info] dvrf-init: answer it with --network\n")]
#[case::network(&["--network", "tesnet"], "", "--network is \"tesnet\": one of testnet, mainnet, devnet is needed\n")]
#[case::address(&["--network", "testnet", "--lottery-addr", "main"], "", "--lottery-addr is \"main\": ")]
#[case::kind(
    &["--network", "testnet", "--lottery-addr", LOTTERY, "--name", "a", "--tell", "slak"],
    "",
    "channel \"slak\": unknown kind\n"
)]
fn wrong_answers_write_nothing(#[case] words: &[&str], #[case] input: &str, #[case] message: &'static str) {
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let folder = tempfile::tempdir().unwrap();
    let seen = init(folder.path(), &devnet, words).write_stdin(input).assert().code(2);
    seen.stderr(contains(message));
    assert!(!folder.path().join("dvrf.toml").exists());
}

#[test]
fn a_subscription_that_cannot_be_read_is_not_written() {
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "--network",
        "testnet",
        "--lottery-addr",
        LOTTERY,
        "--name",
        "a",
        "--tell",
        "none",
        "--retries",
        "0",
    ];
    let dead = [&words[..], &["--rpc-url", "http://127.0.0.1:1"]].concat();
    init(folder.path(), &devnet, &dead).assert().code(2).stderr(contains("Connection refused"));
    assert!(!folder.path().join("dvrf.toml").exists());
    init(folder.path(), &devnet, &[&dead[..], &["--untested"]].concat()).assert().success().stderr("");
    assert!(folder.path().join("dvrf.toml").exists());
}

#[rstest]
#[case::cron("--cron", "*/10 * * * * ", " notify --live --config FOLDER/dvrf.toml >/dev/null\n")]
#[case::systemd("--systemd", "# /etc/systemd/system/dvrf-notify.service\n", "OnCalendar=*:0/10\n")]
#[case::kubernetes(
    "--k8s",
    "# kubectl create secret generic dvrf --from-file=dvrf.toml=FOLDER/dvrf.toml\n",
    "kind: CronJob\n"
)]
fn schedules_name_the_whole_path(#[case] flag: &str, #[case] start: &str, #[case] part: &str) {
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dvrf.toml"), "").unwrap();
    let seen = init(folder.path(), &devnet, &[flag]).assert().success().stderr("");
    let here = folder.path().display().to_string();
    let [start, part] = [start, part].map(|text| text.replace("FOLDER", &here));
    seen.stdout(starts_with(start).and(contains(part)));
}

/// What an installed file says answers no question of `init`, and `DVRF_CONFIG` is where the new one goes.
#[test]
fn no_settings_file_is_read_for_the_answers() {
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let folder = tempfile::tempdir().unwrap();
    let installed = folder.path().join(".config/dvrf/dvrf.toml");
    fs::create_dir_all(installed.parent().unwrap()).unwrap();
    fs::write(&installed, "network = \"mainnet\"\nthis is wrong").unwrap();
    let new = folder.path().join("new.toml");
    let mut command = Command::new(DVRF);
    command.env_clear().env("HOME", folder.path()).env("DVRF_CACHE_DIR", "off").env("DVRF_CONFIG", &new);
    command.args([
        "init",
        "--lottery-addr",
        LOTTERY,
        "--name",
        "a",
        "--tell",
        "none",
        "--rpc-url",
        &devnet.url,
    ]);
    command.write_stdin("").assert().code(2).stderr(contains("answer it with --network"));
    command.args(["--network", "testnet"]).assert().success().stderr("");
    assert!(fs::read_to_string(new).unwrap().contains("network = \"testnet\""));
}

/// What the other tools would refuse is not written.
#[rstest]
#[case::name("a b", "none", "--name is \"a b\": at most 100 characters without blanks are needed")]
#[case::channel("a", "slack,url=https://h.example/x,min=loud", "channel slack: min is \"loud\"")]
fn the_finished_text_is_checked(#[case] name: &str, #[case] tell: &str, #[case] message: &'static str) {
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let folder = tempfile::tempdir().unwrap();
    let words = ["--network", "testnet", "--lottery-addr", LOTTERY, "--name", name, "--tell", tell];
    init(folder.path(), &devnet, &words).assert().code(2).stderr(contains(message));
    assert!(!folder.path().join("dvrf.toml").exists());
}

/// In /etc/dvrf, as the package makes it, the service's group reads the file.
#[rstest]
#[case::of_a_group(0o2750, 0o640, "(readable only by you and its group).")]
#[case::open(0o2755, 0o600, "(readable only by you).")]
#[case::usual(0o750, 0o600, "(readable only by you).")]
fn who_reads_the_file(#[case] directory: u32, #[case] file: u32, #[case] said: &'static str) {
    let devnet = Devnet::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(directory)).unwrap();
    let flags = ["--network", "testnet", "--lottery-addr", LOTTERY, "--name", "main", "--tell", "none"];
    init(folder.path(), &devnet, &flags).assert().success().stdout(contains(said));
    let mode = fs::metadata(folder.path().join("dvrf.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, file);
}

/// The commands of docs/start.md, but for the first and the last, which change the host.
#[test]
fn the_start_page_leads_to_an_alert() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let inbox = MockReceiver::friendly();
    let folder = tempfile::tempdir().unwrap();
    let page = fs::read_to_string(root().join("docs/start.md")).unwrap();
    let commands: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    assert!((4..=6).contains(&commands.len()), "{commands:?}");
    let settings = folder.path().join("settings/dvrf.toml");
    for command in &commands[1..5] {
        let filled = command
            .replace("https://hooks.slack.com/services/…", &inbox.url("secret"))
            .replace(
                "--network testnet",
                &format!("--network testnet --rpc-url {} --to {}", devnet.url, settings.display()),
            )
            .replace("0x…", LOTTERY)
            .replace("--live", &format!("--live --config {}", settings.display()));
        let mut shell = program("sh");
        let tools = binary("dvrf").parent().unwrap().display().to_string();
        shell.env_clear().env("PATH", format!("{tools}:{}", testkit::requirements::path()));
        shell.env("DVRF_CACHE_DIR", "off").env("HOME", folder.path()).current_dir(folder.path());
        // Root's would be the host's.
        shell.env("DVRF_STATE_DIR", folder.path().join("state"));
        let outcome = run(shell.args(["-c", &filled]));
        assert!((0..=1).contains(&outcome.code), "{filled}\n{outcome}");
    }
    // The test message and the alert.
    let bodies: Vec<String> = inbox.requests().iter().map(|request| request.json().to_string()).collect();
    assert!(bodies.len() >= 2 && bodies[1].contains("main-lottery (testnet)"), "{bodies:?}");
    assert!(DEPOSIT.starts_with("0x186b"), "the emulator has the testnet's address");
}
