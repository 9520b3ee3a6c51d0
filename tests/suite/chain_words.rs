//! The words of real chains and CLIs, end to end: what is missing, what is configured wrongly, what nobody knows.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rstest::rstest;
use serde_json::Value;
use testkit::{DEPOSIT, Devnet, LOTTERY, Outcome, Way, run, tool};

/// A `supra` that answers some views of a healthy chain and refuses every other with a command.
struct Cli {
    folder: tempfile::TempDir,
}

impl Cli {
    /// `answers` are `name=JSON` for the functions that the chain has; `refuse` is shell, in which `$fn` is the function.
    fn new(answers: &[(&str, &str)], refuse: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut text = String::from(
            "#!/bin/bash\nwhile [ $# -gt 0 ]; do [ \"$1\" = --function-id ] && fn=$2; shift; done\n",
        );
        text.push_str(&format!("echo \"$fn\" >> {}/log\ncase \"$fn\" in\n", folder.path().display()));
        for (name, json) in answers {
            text.push_str(&format!("*::{name}) printf '{{\"result\": [%s]}}\\n' '{json}'; exit;;\n"));
        }
        text.push_str(
            "*::now_microseconds) printf '{\"result\": [\"%s000000\"]}\\n' \"$(date +%s)\"; exit;;\n",
        );
        text.push_str(&format!("esac\n{refuse}\n"));
        Self::script(folder, &text)
    }

    /// One that refuses everything in these words.
    fn unusable(words: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let text =
            format!("#!/bin/bash\necho call >> {}\ncat >&2 <<'END'\n{words}\nEND\nexit 1\n", log.display());
        Self::script(folder, &text)
    }

    fn script(folder: tempfile::TempDir, text: &str) -> Self {
        let cli = Self { folder };
        fs::write(cli.path(), text).unwrap();
        fs::set_permissions(cli.path(), fs::Permissions::from_mode(0o755)).unwrap();
        cli
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("supra")
    }

    fn run(&self, name: &str, words: &[&str]) -> Outcome {
        let mut command = tool(name);
        command
            .env("LOTTERY_ADDR", LOTTERY)
            .env("DEPOSIT_ADDR", DEPOSIT)
            .env("PROFILE", "p")
            .env("SUPRA_CLI_BIN", self.path())
            .env("DVRF_STATE_DIR", self.folder.path().join("state"))
            .args(words);
        run(&mut command)
    }

    fn check(&self) -> (Outcome, Value) {
        let outcome = self.run("dvrf-check", &["--live"]);
        let record = outcome.json();
        (outcome, record)
    }

    fn calls(&self) -> usize {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default().lines().count()
    }
}

const STATUS: &str = "{\"draw_scheduled\":false,\"jackpot_amount\":\"1\",\"pending_request\":false,\"rng_request_count\":\"2\",\"rng_response_count\":\"2\",\"ticket_count\":\"3\"}";

/// dVRF 2 with the lottery's status only.
const OLD_CHAIN: &[(&str, &str)] = &[
    ("chain_id::get", "6"),
    ("check_client_fund", "\"78750000000\""),
    ("check_min_balance", "\"15750000000\""),
    ("has_minimum_balance_reached", "false"),
    ("is_client_whitelisted", "true"),
    ("get_lottery_status", STATUS),
];

#[rstest]
#[case::recorded("could not find entry function by $fn")]
#[case::module("Module ModuleId { address: 9a96, name: Identifier(\\\"main_v2\\\") } can't be found")]
#[case::arguments("expected 0 arguments [], but got 1 ([String(x)])")]
#[case::account("Information not available")]
#[case::other_words("The function $fn doesn't exist on this chain")]
fn a_healthy_chain_that_lacks_functions_is_ok(#[case] words: &str) {
    for (shown, redirect) in
        [("{\\\"message\\\": \\\"WORDS\\\"}", ""), ("Error: WORDS", ""), ("Error: WORDS", ">&2")]
    {
        for code in [0, 1] {
            let shown = shown.replace("WORDS", words);
            let refuse = format!("echo \"{shown}\" {redirect}; exit {code}");
            let (outcome, record) = Cli::new(OLD_CHAIN, &refuse).check();
            assert_eq!((outcome.code, &record["checks"]["status"]), (0, &"ok".into()), "{refuse}: {outcome}");
            assert_eq!(record["views"]["paused"]["error"]["kind"], "unsupported", "{refuse}");
        }
    }
}

#[test]
fn words_that_nobody_knows_let_the_next_function_answer() {
    let cli = Cli::new(OLD_CHAIN, "echo 'Error: the gnomes refuse' >&2; exit 1");
    let (outcome, record) = cli.check();
    assert_eq!(record["state"]["deposit"]["min_balance"], "15750000000", "{outcome}");
    let note = record["views"]["min_balance"]["note"].as_str().unwrap();
    assert_eq!(
        note,
        "another function was refused in words that are not known: the Supra CLI ended with code 1: Error: the gnomes refuse"
    );
    // What nothing answers is not known to be missing.
    assert_eq!(record["views"]["paused"]["error"]["kind"], "undecodable");
    assert_eq!((outcome.code, &record["checks"]["status"]), (2, &"unknown".into()), "{outcome}");
}

#[rstest]
#[case::profile(
    "CliProfile: KeyNotFound(\"p\")",
    "name one that supra profile -l lists, with PROFILE or --profile"
)]
#[case::terminal(
    "CliProfile: StdIoError(Os { code: 6, kind: Uncategorized, message: \"No such device or address\" })",
    "set CLI_PROFILE_PASSWORD, or store the password with supra keyring store cli-profile"
)]
#[case::docker(
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    "start Docker, or name a CLI outside of it"
)]
#[case::container(
    "Error response from daemon: container 12ab is not running",
    "start the container, or correct SUPRA_CLI_BIN or DVRF_CLI_COMPOSE"
)]
#[case::flag(
    "error: unexpected argument '--profile' found",
    "set DVRF_CLI_GENERATION to the version of the CLI"
)]
fn a_wrong_setting_is_said_once(#[case] words: &str, #[case] remedy: &str) {
    let cli = Cli::unusable(words);
    let (outcome, record) = cli.check();
    assert_eq!(outcome.code, 2, "{outcome}");
    assert_eq!(record["error"]["kind"], "config", "{outcome}");
    assert_eq!(record["checks"]["findings"].as_array().unwrap().len(), 1, "{outcome}");
    assert_eq!(outcome.err.matches(remedy).count(), 1, "{outcome}");
    assert!(cli.calls() <= 2, "{}: a list of resources and a view, not a call for each value", cli.calls());
    let outcome = cli.run("dvrf-doctor", &[]);
    assert_eq!((outcome.code, outcome.out.matches(remedy).count()), (1, 1), "{outcome}");
}

#[test]
fn a_node_that_is_behind_loses_to_one_that_is_not() {
    let stale = Devnet::start(&["--block-ms", "500", "--fault", "stale=900"]);
    let fresh = Devnet::start(&["--block-ms", "500"]);
    for urls in [format!("{},{}", stale.url, fresh.url), format!("{},{}", fresh.url, stale.url)] {
        let mut check = fresh.tool("dvrf-check", Way::Rpc);
        let outcome = run(check.env("SUPRA_RPC_URL", &urls).arg("--live"));
        assert_eq!(outcome.code, 0, "{urls}: {outcome}");
        let outcome = run(fresh.tool("dvrf-doctor", Way::Rpc).env("SUPRA_RPC_URL", &urls).arg("-v"));
        assert!(outcome.out.contains("it is behind and is asked last: replace it"), "{outcome}");
        assert_eq!(outcome.out.matches("node: ").count(), 2, "{outcome}");
        assert!(outcome.out.contains(&format!("{}: dvrf-devnet, block ", fresh.url)), "{outcome}");
    }
    // Better an old answer than none; the verdict says that it is old.
    let urls = format!("{},http://127.0.0.1:1", stale.url);
    let outcome = run(fresh.tool("dvrf-check", Way::Rpc).env("SUPRA_RPC_URL", urls).arg("--live"));
    assert!(outcome.out.contains("CHAIN_"), "{outcome}");
}

#[test]
fn rest_v4_is_asked_where_the_others_are_gone() {
    let devnet = Devnet::start(&["--api", "v4"]);
    let outcome = run(devnet.tool("dvrf-check", Way::Rpc).arg("--live"));
    assert_eq!(outcome.code, 0, "{outcome}");
    let words = ["list", "--type", "draw-requested", "--since", "0"];
    let outcome = run(devnet.tool("dvrf-events", Way::Rpc).args(words));
    assert_eq!((outcome.code, outcome.out.lines().count()), (0, 4), "{outcome}");
}

#[test]
fn the_devnets_name_fills_in_its_chain_id_and_node() {
    let mut doctor = tool("dvrf-doctor");
    let words = ["--network", "devnet", "--timeout", "1", "--retries", "0"];
    doctor.env("LOTTERY_ADDR", LOTTERY).env("HTTPS_PROXY", "http://127.0.0.1:1").args(words);
    let outcome = run(&mut doctor);
    assert!(outcome.out.contains("DEPOSIT_ADDR or --deposit-addr is needed"), "{outcome}");
    let outcome = run(doctor.env("DEPOSIT_ADDR", DEPOSIT));
    assert!(outcome.out.contains("https://rpc-devnet.supra.com: through the proxy"), "{outcome}");
}

#[test]
fn doctor_names_a_missing_module_and_its_setting_in_one_line() {
    let devnet = Devnet::start(&["--lottery-module", "core_main_v2"]);
    for way in [Way::Rpc, Way::Cli("v9"), Way::Cli("v11")] {
        let outcome =
            run(devnet.tool("dvrf-doctor", way).env("DVRF_STATE_DIR", devnet.cli.parent().unwrap()));
        assert_eq!(outcome.code, 1, "{way:?}: {outcome}");
        let wrong: Vec<&str> = outcome.out.lines().filter(|line| line.starts_with('✖')).collect();
        let fix = "name another with DVRF_LOTTERY_MODULE or --lottery-module, or correct LOTTERY_ADDR";
        let expected = format!("✖ chain      module: 0x9a96…4490::main_v2 is not on this chain → {fix}");
        assert_eq!(wrong, [expected], "{way:?}: {outcome}");
    }
}
