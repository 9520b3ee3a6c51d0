//! `dvrf.toml`: what it sets, what wins over it, and one sentence for each mistake.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, starts_with};
use rstest::rstest;
use testkit::mock_receiver::MockReceiver;
use testkit::{DEPOSIT, Devnet, LOTTERY};

const DVRF: &str = env!("CARGO_BIN_EXE_dvrf");
const CLIENT: &str = "0x9c";

/// A folder with this settings file, which only its owner can read.
fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dvrf.toml"), text).unwrap();
    fs::set_permissions(folder.path().join("dvrf.toml"), Permissions::from_mode(0o600)).unwrap();
    folder
}

fn dvrf(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(DVRF);
    command.env_clear().env("DVRF_CONFIG", "dvrf.toml").env("DVRF_CACHE_DIR", "off");
    command.current_dir(folder).args(words);
    command
}

/// A file with two subscriptions on this node: one that exists, and one that the deposit module does not know.
fn two(devnet: &Devnet, more: &str) -> tempfile::TempDir {
    folder(&format!(
        "network = \"testnet\"\nrpc_url = \"{}\"\nretries = 0\n\n\
         [[subscription]]\nname = \"main\"\nlottery = \"{LOTTERY}\"\ndeposit = \"{DEPOSIT}\"\n\n\
         [[subscription]]\nname = \"asia\"\nclient = \"{CLIENT}\"\ndeposit = \"{DEPOSIT}\"\n{more}",
        devnet.url
    ))
}

/// Every mistake is one sentence with its line, and most have a fix.
#[rstest]
#[case::address(
    "[[subscription]]\nname = \"a\"\nlottery = \"0xzz\"",
    "dvrf.toml:3: lottery is \"0xzz\": an address is hex digits, this contains 'z'",
    "write the address as 0x and hex digits"
)]
#[case::blank_name(
    "[[subscription]]\nname = \"a b\"\nlottery = \"0x1\"",
    "dvrf.toml:2: name is \"a b\": at most 100 characters without blanks are needed",
    "use letters, digits, - and _"
)]
#[case::channel_text(
    "channel = \"slack\"",
    "dvrf.toml:1: channel is a string: a list of tables is needed",
    "begin each of them with [[channel]]"
)]
#[case::channel_twice(
    "[[channel]]\nkind = \"slack\"\nurl = \"https://h.example/x\"\n\n[[channel]]\nkind = \"slack\"\nurl = \"https://h.example/y\"",
    "channel slack: its name is used twice (dvrf.toml:5)",
    "give each its own with name="
)]
#[case::elsewhere(
    "lottery = \"0x1\"",
    "dvrf.toml:1: the key \"lottery\" is not known",
    "write it under [[subscription]]"
)]
#[case::empty_name(
    "[[subscription]]\nname = \"\"\nlottery = \"0x1\"",
    "dvrf.toml:1: this subscription has no name",
    "add name = \"…\", such as \"main\""
)]
#[case::alerts(
    "[alerts]\nrepeat_every = \"often\"",
    "dvrf.toml:2: repeat_every is \"often\": a span such as 90m, 4h or 1d is needed",
    ""
)]
#[case::alerts_of_one(
    "network = \"testnet\"\n[[subscription]]\nname = \"a\"\nlottery = \"0x1\"\nalerts = { fire_after = 0 }",
    "dvrf.toml:5: fire_after is \"0\": a whole number from 1 to 1000 is needed",
    ""
)]
#[case::draw_function(
    "[draw]\nfunction_id = \"manual_draw\"",
    "dvrf.toml:2: function_id is \"manual_draw\": a function is written ADDRESS::module::name",
    ""
)]
#[case::draw_expiration(
    "[draw]\nexpiration_secs = 601",
    "dvrf.toml:2: expiration_secs is \"601\": a whole number from 1 to 600 is needed",
    ""
)]
#[case::draw_password(
    "[draw]\npassword_file = \"/nowhere/password\"",
    "dvrf.toml:2: password_file is \"/nowhere/password\": /nowhere/password cannot be read: No such file or directory (os error 2)",
    "name a file that this user can read and that holds the password"
)]
#[case::draw_sender(
    "[draw]\nsender_account = \"0xzz\"",
    "dvrf.toml:2: sender_account is \"0xzz\": an address is hex digits, this contains 'z'",
    ""
)]
#[case::fund_amount(
    "[fund]\nmax_amount = \"150.5\"",
    "dvrf.toml:2: max_amount is \"150.5\": a whole number of ASCII digits is needed, this contains '.'; or SUPRA with the unit, such as 150.5SUPRA",
    ""
)]
#[case::fund_of_one(
    "network = \"testnet\"\n[[subscription]]\nname = \"a\"\nlottery = \"0x1\"\nfund = { reserve = \"some\" }",
    "dvrf.toml:5: reserve is \"some\": a whole number of ASCII digits is needed, this contains 's'; or SUPRA with the unit, such as 150.5SUPRA",
    ""
)]
#[case::fund_span(
    "[fund]\ncool_down = \"later\"",
    "dvrf.toml:2: cool_down is \"later\": a span such as 90s, 5m or 1h is needed",
    ""
)]
#[case::fund_two_targets(
    "[fund]\nto = \"300%\"\nfor = \"30d\"",
    "dvrf.toml:2: to is \"300%\": dvrf.toml:3: for is given too, and a top-up has one target: leave one out",
    ""
)]
#[case::prom_prefix(
    "[prom]\nmetric_prefix = \"my-prefix\"",
    "dvrf.toml:2: metric_prefix is \"my-prefix\": ASCII letters, digits and _ are needed",
    ""
)]
#[case::prom_url(
    "[prom]\npush_url = \"ftp://h\"",
    "dvrf.toml:2: push_url is ***: the URL does not begin with http:// or https://",
    ""
)]
#[case::two_spellings(
    "call_timeout = 5\ncall-timeout = 6",
    "dvrf.toml:2: call-timeout and call_timeout are both given",
    "keep one of them"
)]
#[case::threshold_in_two_spellings(
    "[thresholds]\nmax-lag = \"5m\"\nmax_lag = \"6m\"",
    "dvrf.toml:3: max_lag and max-lag are both given",
    "keep one of them"
)]
#[case::option_in_two_spellings(
    "[[channel]]\nkind = \"slack\"\nurl-file = \"/a\"\nurl_file = \"/b\"",
    "channel slack: url-file is given twice (dvrf.toml:1)",
    "keep one of them"
)]
#[case::maintenance_key(
    "[[maintenance]]\nform = \"x\"",
    "dvrf.toml:2: the key \"form\" is not known",
    "did you mean from?"
)]
#[case::maintenance_time(
    "[[maintenance]]\nfrom = 2026-12-01T02:00:00\nto = 2026-12-01T03:00:00Z",
    "dvrf.toml:1: from is \"2026-12-01T02:00:00\": a time with its offset is needed",
    "write from = 2026-12-01T02:00:00Z"
)]
#[case::maintenance_of_nobody(
    "[[subscription]]\nname = \"main\"\nlottery = \"0x1\"\n[[maintenance]]\ndaily = \"02:00-03:00\"\nonly = [\"mian\"]",
    "dvrf.toml:4: only has \"mian\": there is no such subscription",
    "did you mean main?"
)]
#[case::after(
    "[[channel]]\nkind = \"slack\"\nurl = \"https://h.example/x\"\nafter = \"later\"",
    "channel slack: after is \"later\" (dvrf.toml:1)",
    "use a span such as 10m or 1h"
)]
#[case::near_option(
    "[[channel]]\nkind = \"slack\"\nurl_flie = \"/a\"",
    "channel slack: unknown option \"url-flie\" (dvrf.toml:1)",
    "did you mean url_file?"
)]
#[case::fail_on(
    "[thresholds]\nfail_on = \"loud\"",
    "dvrf.toml:2: fail_on is \"loud\": one of info, warning, critical is needed",
    ""
)]
#[case::far_key(
    "[prom]\nfrobnicate = 1",
    "dvrf.toml:2: the key \"frobnicate\" is not known",
    "known here: metric_prefix, push_url, push_url_file, push_method, push_timeout, push_job"
)]
#[case::synonym(
    "[check]\nwarn = 2",
    "dvrf.toml:1: the key \"check\" is not known",
    "did you mean [thresholds]?"
)]
#[case::far_key_of_many(
    "frobnicate = 1",
    "dvrf.toml:1: the key \"frobnicate\" is not known",
    "the nearest are profile, function, transport; dvrf help settings lists all"
)]
#[case::far_kind(
    "[[channel]]\nkind = \"carrier-pigeon\"",
    "dvrf.toml:1: the kind \"carrier-pigeon\" is not known",
    "use one of slack, teams, discord, telegram, pagerduty, opsgenie, mattermost, rocketchat, matrix, ntfy, email, alertmanager, generic, ping"
)]
#[case::gas(
    "network = \"testnet\"\nmax_gas_price = \"150.5\"",
    "dvrf.toml:2: max_gas_price is \"150.5\": a whole number of ASCII digits is needed, this contains '.'",
    "150.5 SUPRA are 15050000000 quants"
)]
#[case::jobs("jobs = 0", "dvrf.toml:1: jobs is \"0\": a whole number from 1 to 256 is needed", "")]
#[case::key_of_one(
    "[[subscription]]\nname = \"a\"\nlotery = \"0x1\"",
    "dvrf.toml:3: the key \"lotery\" is not known",
    "did you mean lottery?"
)]
#[case::key_twice(
    "network = \"testnet\"\nnetwork = \"mainnet\"",
    "dvrf.toml:2: this is not TOML: duplicate key",
    "write key = \"value\", one a line"
)]
#[case::level(
    "[[channel]]\nkind = \"slack\"\nurl = \"https://h.example/x\"\nmin = \"loud\"",
    "channel slack: min is \"loud\" (dvrf.toml:1)",
    "use one of ok, info, unknown, warning, critical"
)]
#[case::list_for_text(
    "network = [\"testnet\"]",
    "dvrf.toml:1: network is a list: a string or a number is needed",
    "write network = \"…\""
)]
#[case::list_of_tables(
    "rpc_url = [{ a = 1 }]",
    "dvrf.toml:1: rpc_url is a list: a string or a list of strings is needed",
    "write rpc_url = [\"…\", \"…\"]"
)]
#[case::name_twice(
    "[[subscription]]\nname = \"a\"\nlottery = \"0x1\"\n\n[[subscription]]\nname = \"a\"\nlottery = \"0x2\"",
    "dvrf.toml:5: the name \"a\" is used twice",
    "give each subscription its own name"
)]
#[case::near_key(
    "netwrok = \"testnet\"",
    "dvrf.toml:1: the key \"netwrok\" is not known",
    "did you mean network?"
)]
#[case::near_kind(
    "[[channel]]\nkind = \"slak\"",
    "dvrf.toml:1: the kind \"slak\" is not known",
    "did you mean slack?"
)]
#[case::near_table(
    "[threshold]\nwarn = 2",
    "dvrf.toml:1: the key \"threshold\" is not known",
    "did you mean thresholds?"
)]
#[case::network(
    "network = \"tesnet\"",
    "dvrf.toml:1: network is \"tesnet\": one of testnet, mainnet, devnet is needed",
    "did you mean testnet?"
)]
#[case::network_of_one(
    "[[subscription]]\nname = \"a\"\nlottery = \"0x1\"\nnetwork = \"tesnet\"",
    "dvrf.toml:4: network is \"tesnet\": one of testnet, mainnet, devnet is needed",
    "write network = \"testnet\""
)]
#[case::no_address(
    "[[subscription]]\nname = \"a\"",
    "dvrf.toml:1: the subscription a has no address",
    "add lottery = \"0x…\", or client = \"0x…\" where there is no lottery"
)]
#[case::no_equals(
    "network testnet",
    "dvrf.toml:1: this is not TOML: key with no value, expected `=`",
    "write key = \"value\", one a line"
)]
#[case::no_file(
    "[[channel]]\nkind = \"slack\"\nurl_file = \"/nowhere/url\"",
    "channel slack: url cannot be read: /nowhere/url: No such file or directory (os error 2) (dvrf.toml:1)",
    "name a file that this user can read"
)]
#[case::no_kind(
    "[[channel]]\nurl_file = \"/x\"",
    "dvrf.toml:1: this channel has no kind",
    "add kind = \"…\", one of slack, teams, discord, telegram, pagerduty, opsgenie, mattermost, rocketchat, matrix, ntfy, email, alertmanager, generic, ping"
)]
#[case::no_name(
    "[[subscription]]\nlottery = \"0x1\"",
    "dvrf.toml:1: this subscription has no name",
    "add name = \"…\", such as \"main\""
)]
#[case::no_url(
    "[[channel]]\nkind = \"teams\"",
    "channel teams: url is needed (dvrf.toml:1)",
    "add url_file=PATH, or the credential teams-url"
)]
#[case::no_variable(
    "[[channel]]\nkind = \"slack\"\nurl_env = \"NOT_SET\"",
    "channel slack: the variable \"NOT_SET\" is not set (dvrf.toml:1)",
    "set it, or give a file"
)]
#[case::number_table(
    "network = { name = \"testnet\" }",
    "dvrf.toml:1: network is a table: a string or a number is needed",
    "write network = \"…\""
)]
#[case::one_bracket(
    "[subscription]\nname = \"a\"",
    "dvrf.toml:1: subscription is a table: a list of tables is needed",
    "begin each of them with [[subscription]]"
)]
#[case::open_string(
    "network = \"testnet",
    "dvrf.toml:1: this is not TOML: invalid basic string, expected `\"`",
    "write key = \"value\", one a line"
)]
#[case::option(
    "[[channel]]\nkind = \"slack\"\ncolour = \"red\"",
    "channel slack: unknown option \"colour\" (dvrf.toml:1)",
    "slack takes name, min, resolved, after, mention, mention_min, url, url_file, url_credential, url_env"
)]
#[case::order(
    "[thresholds]\nplan = 1.5\nwarn = 2",
    "dvrf.toml:2: plan (1.5) must be at least dvrf.toml:3: warn (2)",
    "raise dvrf.toml:2: plan or lower dvrf.toml:3: warn"
)]
#[case::ratio("[thresholds]\nwarn = \"two\"", "dvrf.toml:2: warn is \"two\": 2 or 200% is needed", "")]
#[case::rpc_urls(
    "[rpc_urls]\ntestnett = \"http://a\"",
    "dvrf.toml:2: the key \"testnett\" is not known",
    "did you mean testnet?"
)]
#[case::secret_twice(
    "rpc_url = \"http://a\"\nrpc_url_env = \"DVRF_TEST_SECRET\"",
    "dvrf.toml:2: rpc_url_env and rpc_url are both given",
    "keep one of them"
)]
#[case::secret_variable(
    "node_api_key_env = \"NOT_SET\"",
    "dvrf.toml:1: the variable NOT_SET is not set",
    "set it where this tool is started"
)]
#[case::span(
    "timeout = \"soon\"",
    "dvrf.toml:1: timeout is \"soon\": seconds from 0.001 to 86400 are needed",
    ""
)]
#[case::threshold_key(
    "[thresholds]\nwarm = 2",
    "dvrf.toml:2: the key \"warm\" is not known",
    "did you mean warn?"
)]
#[case::two_brackets(
    "[[prom]]\npush_job = \"a\"",
    "dvrf.toml:1: prom is a list: a table is needed",
    "begin it with [prom]"
)]
fn wrong_files(#[case] text: &str, #[case] message: &str, #[case] hint: &str) {
    let folder = folder(text);
    let hint = if hint.is_empty() { String::new() } else { format!("[info] dvrf-config: {hint}\n") };
    let expected = format!("[error] dvrf-config: {message}\n{hint}");
    dvrf(folder.path(), &["config"]).env("DVRF_TEST_SECRET", "x").assert().code(2).stderr(expected);
}

#[test]
fn both_spellings_are_known_and_empty_values_are_unset() {
    let folder = folder(
        "call-timeout = 5\njobs = \"\"\nrpc_url = [\"\", \"http://a\"]\nrpc_url_file = \"\"\nprofile = \" \"\n\
         [thresholds]\nmax-lag = \"9m\"\nwarn = \"\"\n[[subscription]]\nname = \"a\"\nclient = \"0x1\"\nlottery = \"\"\n\
         [[channel]]\nkind = \"alertmanager\"\nurl = \"http://h\"\nurl-file = \"\"\nmin = \"\"\n",
    );
    let seen = dvrf(folder.path(), &["config"]).assert().success().stderr("");
    seen.stdout(
        "# dvrf.toml\n\
         config        dvrf.toml  DVRF_CONFIG\n\
         client_addr   0x1        dvrf.toml:11\n\
         rpc_url       http://a   dvrf.toml:3\n\
         call_timeout  5          dvrf.toml:1\n\
         cache_dir     off        DVRF_CACHE_DIR\n\
         max_lag       9m         dvrf.toml:7\n\n\
         [[subscription]] a\n\
         client            0x1  dvrf.toml:11\n\n\
         [[channel]] alertmanager\n\
         kind              alertmanager\nmin               ok\nresolved          yes\nto                http://h\n",
    );
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let folder = folder("[[channel]]\nkind = \"slack\"\nurl = \"https://h.example/SECRET\"\n");
    dvrf(folder.path(), &["config"]).assert().success().stderr("").stdout(contains("SECRET").not());
    fs::set_permissions(folder.path().join("dvrf.toml"), Permissions::from_mode(0o644)).unwrap();
    dvrf(folder.path(), &["config"]).assert().code(2).stdout("").stderr(
        "[error] dvrf-config: dvrf.toml:3: url is a secret, and other users can read this file (mode 0644)\n\
         [info] dvrf-config: chmod o-r dvrf.toml, or give url_file or url_env\n",
    );
}

#[test]
fn a_named_file_must_be_there() {
    let folder = folder("");
    dvrf(folder.path(), &["check", "--config", "none.toml", "--nagios"]).assert().code(3).stderr(
        "[error] dvrf-check: the settings file none.toml cannot be read: No such file or directory (os error 2)\n\
         [info] dvrf-check: name another with --config, or none with --config /dev/null\n",
    );
}

/// Flag, variable, file, default.
#[test]
fn what_wins() {
    let folder = folder("network = \"testnet\"\njobs = 4\nretries = 1\ntimeout = \"20s\"\n");
    dvrf(folder.path(), &["config", "--jobs", "2", "-v"])
        .env("DVRF_RETRIES", "5")
        .env("DVRF_JOBS", "3")
        .assert()
        .success()
        .stderr("")
        .stdout(starts_with("# dvrf.toml\n"))
        .stdout(contains("\njobs             2             --jobs\n"))
        .stdout(contains(" DVRF_RETRIES\n"))
        .stdout(contains("  dvrf.toml:4\n"))
        .stdout(contains("  the default\n"));
}

#[test]
fn every_tool_works_over_all_subscriptions() {
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let folder = two(&devnet, "");
    let names = |words: &[&str]| {
        let output = dvrf(folder.path(), words).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let name = |line: &str| Some(line.split("\"name\":\"").nth(1)?.split('"').next()?.to_owned());
        (output.status.code().unwrap(), text.lines().filter_map(name).collect::<Vec<_>>())
    };
    let both = vec!["main".to_owned(), "asia".to_owned()];
    for tool in ["json", "status"] {
        assert_eq!(names(&[tool, "--live"]).1, both, "{tool}");
    }
    assert_eq!(names(&["check", "--live"]).1, both);
    assert_eq!(names(&["draw", "ready", "--live"]).1, both);
    assert_eq!(names(&["check", "--live", "--only", "main"]), (0, vec!["main".to_owned()]));
    dvrf(folder.path(), &["prom", "--live"]).assert().stdout(contains("main").and(contains("asia")));
    dvrf(folder.path(), &["doctor"]).assert().stdout(starts_with("main\n").and(contains("\nasia\n")));
    dvrf(folder.path(), &["events", "list"]).assert().code(2).stderr(
        "[error] dvrf-events: dvrf.toml has 2 subscriptions, and this needs one\n\
         [info] dvrf-events: choose one: --only main\n",
    );
    dvrf(folder.path(), &["events", "list", "--only", "main", "--last", "1"]).assert().success();
    dvrf(folder.path(), &["check", "--only", "mian"]).assert().code(2).stderr(
        "[error] dvrf-check: --only is \"mian\": dvrf.toml has no such subscription\n\
         [info] dvrf-check: did you mean main?\n",
    );
}

/// A target in a variable or a flag is the only one; the file still gives the node.
#[test]
fn a_target_of_the_environment_wins() {
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let folder = two(&devnet, "");
    let one = |command: &mut Command| {
        let output = command.env("DEPOSIT_ADDR", DEPOSIT).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert_eq!((text.lines().count(), text.contains("\"name\"")), (1, false), "{text}");
    };
    one(dvrf(folder.path(), &["check", "--live"]).env("LOTTERY_ADDR", LOTTERY));
    one(&mut dvrf(folder.path(), &["check", "--live", "--lottery-addr", LOTTERY]));
    // --only is a flag too.
    dvrf(folder.path(), &["check", "--live", "--only", "main"])
        .env("LOTTERY_ADDR", "0x77")
        .assert()
        .success()
        .stdout(contains("\"name\":\"main\"").and(contains("0x77").not()));
}

#[test]
fn old_names_read_no_file() {
    let folder = folder("this is wrong");
    dvrf(folder.path(), &["monitor-json"])
        .assert()
        .stderr(contains("these settings are needed").and(contains("dvrf.toml").not()));
}

/// Where no file is named, the user's goes before the host's.
#[test]
fn the_file_of_the_user_is_found() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join(".config/dvrf")).unwrap();
    fs::write(home.path().join(".config/dvrf/dvrf.toml"), "jobs = 4\n").unwrap();
    let place = format!("{}/.config/dvrf/dvrf.toml:1\n", home.path().display());
    let mut command = Command::new(DVRF);
    command.env_clear().env("HOME", home.path()).arg("config").assert().success().stdout(contains(place));
}

#[test]
fn thresholds_of_one_subscription_are_its_own() {
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let folder = two(&devnet, "");
    let text = fs::read_to_string(folder.path().join("dvrf.toml")).unwrap();
    let own = text.replacen("name = \"main\"\n", "name = \"main\"\nthresholds = { warn = 40 }\n", 1);
    fs::write(folder.path().join("dvrf.toml"), own).unwrap();
    let main = |words: &[&str]| {
        let output = dvrf(folder.path(), words).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().next().unwrap().to_owned()
    };
    assert!(main(&["check", "--live"]).contains("DEPOSIT_BELOW_WARN_TIER"));
    assert!(main(&["check", "--live", "--only", "main"]).contains("DEPOSIT_BELOW_WARN_TIER"));
    assert!(!main(&["check", "--live", "--warn", "2"]).contains("DEPOSIT_BELOW_WARN_TIER"));
}

/// Each network has its own node, and messages name it.
#[test]
fn subscriptions_of_several_networks() {
    let (testnet, mainnet) = (Devnet::start(&["--scenario", "low"]), Devnet::start(&["--scenario", "low"]));
    let inbox = MockReceiver::friendly();
    let folder = two(&testnet, "network = \"mainnet\"\n");
    let text = fs::read_to_string(folder.path().join("dvrf.toml")).unwrap();
    let more = format!(
        "\n[rpc_urls]\nmainnet = \"{}\"\n\n[[channel]]\nkind = \"slack\"\nurl_env = \"SLACK\"\n",
        mainnet.url
    );
    fs::write(folder.path().join("dvrf.toml"), text + &more).unwrap();
    let url = inbox.url("secret");
    let output = dvrf(folder.path(), &["notify", "--live"]).env("SLACK", url).output().unwrap();
    let bodies: String = inbox.requests().iter().map(|request| request.json().to_string()).collect();
    assert!(bodies.contains("main (testnet)"), "{bodies}");
    // The emulated chain is the testnet.
    assert!(bodies.contains("asia (mainnet)"), "{bodies} {}", String::from_utf8_lossy(&output.stderr));
}

/// A subscription on another network than the first one is read from its node and judged by its chain id, whether it is
/// chosen or one of several, and whatever the environment says.
#[test]
fn a_network_has_its_node_and_chain_id() {
    let testnet = Devnet::start(&["--scenario", "healthy"]);
    let mainnet = Devnet::start(&["--scenario", "healthy", "--chain-id", "8"]);
    let text = format!(
        "network = \"testnet\"\nrpc_url = \"{}\"\nretries = 0\n[rpc_urls]\nmainnet = \"{}\"\n\
         [[subscription]]\nname = \"main\"\nlottery = \"{LOTTERY}\"\n\
         [[subscription]]\nname = \"game\"\nnetwork = \"mainnet\"\nlottery = \"{LOTTERY}\"\ndeposit = \"{DEPOSIT}\"\n",
        testnet.url, mainnet.url
    );
    let folder = folder(&text);
    let statuses = |words: &[&str], environment: &[(&str, &str)]| {
        let mut command = dvrf(folder.path(), &[&["check", "--live"], words].concat());
        let output = command.envs(environment.iter().copied()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let value = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        let found = text.lines().map(value).map(|record| {
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let [name, network] = ["name", "network"].map(|key| text(&record[key]));
            (name, network, text(&record["checks"]["status"]), record["state"]["chain"]["id"].clone())
        });
        found.collect::<Vec<_>>()
    };
    let of = |name: &str, network: &str, id: u8| {
        (name.to_owned(), network.to_owned(), "ok".to_owned(), serde_json::json!(id))
    };
    let (main, game) = (of("main", "testnet", 6), of("game", "mainnet", 8));
    let environment = [("DVRF_NETWORK", "mainnet"), ("DVRF_CHAIN_ID", "50"), ("DEPOSIT_ADDR", "0x77")];
    for environment in [&[][..], &environment] {
        assert_eq!(statuses(&[], environment), [main.clone(), game.clone()]);
        assert_eq!(statuses(&["--only", "game"], environment), std::slice::from_ref(&game));
        assert_eq!(statuses(&["--only", "main"], environment), std::slice::from_ref(&main));
    }
    dvrf(folder.path(), &["check", "--live", "--only", "main", "--network", "mainnet"]).assert().code(2).stdout("").stderr(
        "[error] dvrf-check: --network is given, but the subscription main of dvrf.toml says which network and addresses are meant\n\
         [info] dvrf-check: leave --network out, or leave --only out and name the whole target by flags\n",
    );
    // What is piped in is not about the file's subscriptions.
    let piped = format!("{{\"lottery_addr\":\"{LOTTERY}\",\"deposit_addr\":\"{DEPOSIT}\"}}");
    let mut command = dvrf(folder.path(), &["json", "--network", "mainnet", "--rpc-url", &mainnet.url]);
    command.write_stdin(piped).assert().success().stderr("").stdout(contains("\"id\":8"));
}

/// Loading takes linear time: it took minutes where each value counted the lines before it.
#[test]
fn thousands_of_subscriptions_are_loaded_in_seconds() {
    let entry = |n: usize| {
        format!("[[subscription]]\nname = \"s{n}\"\nlottery = \"0x{n:x}\"\nthresholds = {{ warn = 3 }}\n")
    };
    let text: String = (1..=5000).map(entry).collect();
    let folder = folder(&format!("network = \"testnet\"\n{text}"));
    let mut command = dvrf(folder.path(), &["config"]);
    command
        .timeout(std::time::Duration::from_secs(30))
        .assert()
        .success()
        .stdout(contains("\n[[subscription]] s5000\n"));
}

/// Nobody named the file that this user cannot read.
#[test]
fn an_unreadable_file_that_was_not_named_is_a_warning() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(".config/dvrf/dvrf.toml");
    fs::create_dir_all(&path).unwrap();
    let mut command = Command::new(DVRF);
    command.env_clear().env("HOME", home.path()).arg("config").assert().success().stderr(format!(
        "[warning] dvrf-config: the settings file {} cannot be read: is a directory\n",
        path.display()
    ));
    command.args(["--config", path.to_str().unwrap()]).assert().code(2).stderr(starts_with(format!(
        "[error] dvrf-config: the settings file {} cannot be read: is a directory\n",
        path.display()
    )));
}

/// The example of the page is a file that can be used.
#[test]
fn the_example_is_right() {
    let text = fs::read_to_string(testkit::root().join("env/dvrf.toml.example")).unwrap();
    let folder = folder(&text);
    dvrf(folder.path(), &["config"])
        .env("SLACK_WEBHOOK_URL", "https://hooks.example/T0/B0/secret")
        .assert()
        .success()
        .stderr("")
        .stdout(contains("\n[[subscription]] main-lottery\n").and(contains("\n[[channel]] slack\n")));
}

/// `dvrf config --schema >docs/schema/dvrf.toml.schema.json` writes it.
#[test]
fn the_schema_for_editors_is_the_table() {
    let page = fs::read_to_string(testkit::root().join("docs/schema/dvrf.toml.schema.json")).unwrap();
    dvrf(folder("").path(), &["config", "--schema"]).assert().success().stderr("").stdout(page);
}
