//! `scripts/install --legacy` and the files that it puts there: importing one does nothing, originals come back, any path
//! will do, and the smoke test refuses what it cannot do as the old one did.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use predicates::prelude::*;
use predicates::str::{contains, starts_with};
use rstest::rstest;
use testkit::{Devnet, LOTTERY, Printed, binary, needs, root};

use crate::legacy::line;

fn install(words: &[&Path]) -> Assert {
    Command::new(root().join("scripts/install")).args(words).assert()
}

/// A prefix whose `dvrf` is the built one.
fn prefix(at: &Path) -> PathBuf {
    let prefix = at.to_path_buf();
    fs::create_dir_all(prefix.join("bin")).unwrap();
    symlink(binary("dvrf"), prefix.join("bin/dvrf")).unwrap();
    prefix
}

const MODULES: [&str; 8] = [
    "supra.scripts.__main__",
    "supra.scripts.calc_min_balance",
    "supra.scripts.testnet_draw_readiness",
    "supra.scripts.testnet_manual_draw",
    "supra.scripts.testnet_monitor_json",
    "supra.scripts.testnet_monitor_prometheus",
    "supra.scripts.testnet_monitor_slack",
    "supra.automation.auto_draw_runner",
];

/// Imports what the words name, on a chain that is ready for a draw, and expects that nobody was asked anything.
#[rstest]
#[case::one("python3 -c 'import supra.scripts.testnet_manual_draw; print(\"still here\")'", "still here\n")]
#[case::all(
    "python3 -c 'import importlib, sys; [importlib.import_module(m) for m in sys.argv[1:]]; print(\"still here\")' MODULES",
    "still here\n"
)]
#[case::documentation(
    "python3 -m pydoc supra.scripts.testnet_manual_draw | grep -c 'Importing it does nothing'",
    "1\n"
)]
#[case::discovery(
    "python3 -m unittest discover -s supra -t . >found 2>&1; grep -c 'Ran 0 tests' found",
    "1\n"
)]
#[needs("python3")]
fn importing_a_shim_does_nothing(#[case] text: &str, #[case] printed: &'static str) {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    devnet.forget();
    line(&text.replace("MODULES", &MODULES.join(" ")), &devnet, &[("PYTHONDONTWRITEBYTECODE", "1")])
        .code(0)
        .stdout(printed);
    assert_eq!(devnet.requests()["total"], 0);
}

#[test]
#[needs("python3")]
fn every_module_runs_by_name_and_by_path() {
    let devnet = Devnet::start(&[]);
    for module in &MODULES[1..] {
        let path = module.replace('.', "/") + ".py";
        for text in [
            format!("python3 -m {module} --help"),
            format!("python3 {path} --help"),
            format!("{path} --help"),
        ] {
            line(&text, &devnet, &[]).code(0).stderr("").stdout(contains("Usage: dvrf"));
        }
    }
    line("python3 -m supra.scripts --list", &devnet, &[]).code(0).stdout(contains("\nmanual-draw "));
}

#[test]
#[needs("python3")]
fn a_shim_without_its_program_ends_with_two() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("old");
    let prefix = prefix(&folder.path().join("prefix"));
    install(&["--legacy".as_ref(), &tree, &prefix]).code(0);
    fs::remove_file(prefix.join("bin/dvrf")).unwrap();
    for file in ["testnet_monitor_json.py", "testnet_monitor_check.sh", "testnet_smoke_test.sh"] {
        let mut shim = Command::from_std(testkit::program("env"));
        shim.arg(tree.join("supra/scripts").join(file))
            .assert()
            .code(2)
            .stdout("")
            .stderr(starts_with(format!("[error] {file}: cannot start {}/supra/dvrf", tree.display())));
    }
}

#[rstest]
#[case::space("a b")]
#[case::ampersand("a&b")]
#[case::quotes("a'b\"c")]
#[case::delimiter("a|b$HOME")]
#[case::line_break("a\nb")]
#[needs("python3")]
fn any_path_will_do(#[case] name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let prefix = prefix(&folder.path().join(name).join("prefix"));
    let tree = folder.path().join(name).join("old tree");
    install(&["--legacy".as_ref(), &tree, &prefix]).code(0);
    let gas =
        ["--max-gas-price", "1000", "--max-gas-limit", "500000", "--verification-gas", "25000", "--json"];
    let mut calc = Command::from_std(testkit::program("env"));
    calc.arg(tree.join("supra/scripts/calc_min_balance.py")).args(gas);
    assert_eq!(calc.assert().code(0).document()["min_balance"], "15750000000");
    let mut check = Command::from_std(testkit::program("env"));
    check.args(["-u", "PROFILE"]).arg(tree.join("supra/scripts/testnet_monitor_check.sh"));
    check.arg("--help").assert().code(0).stdout(contains("dvrf"));
    // A name of the file elsewhere is followed home.
    let link = folder.path().join("link");
    symlink(tree.join("supra/scripts/calc_min_balance.py"), &link).unwrap();
    Command::from_std(testkit::program("env")).arg(&link).args(gas).assert().code(0);
}

#[test]
fn originals_are_kept_and_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let (prefix, tree) = (prefix(&folder.path().join("prefix")), folder.path().join("old"));
    let scripts = tree.join("supra/scripts");
    fs::create_dir_all(&scripts).unwrap();
    let own = [
        ("testnet_manual_draw.py", "print('the original')\n", 0o755),
        ("__init__.py", "VERSION = 1\n", 0o644),
        ("testnet_env.example", "PROFILE=mine\n", 0o644),
        ("cli.py", "print('not replaced')\n", 0o644),
    ];
    let all = || {
        let mut found: Vec<(String, String, u32)> = Vec::new();
        for entry in fs::read_dir(&scripts).unwrap().map(Result::unwrap) {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            let name = entry.file_name().into_string().unwrap();
            found.push((name, fs::read_to_string(entry.path()).unwrap(), mode));
        }
        found.sort();
        found
    };
    for (name, text, mode) in own {
        fs::write(scripts.join(name), text).unwrap();
        fs::set_permissions(scripts.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let before = all();
    for kept in [1, 0] {
        let said = format!("originals kept as NAME.before-dvrf: {kept}\n");
        install(&["--legacy".as_ref(), &tree, &prefix]).code(0).stdout(predicate::str::ends_with(said));
        for (name, text, _) in &own[1..] {
            assert_eq!(fs::read_to_string(scripts.join(name)).unwrap(), *text, "{name}");
        }
    }
    // A second original in the same place is not lost either.
    fs::write(scripts.join("testnet_manual_draw.py"), "print('another')\n").unwrap();
    install(&["--legacy".as_ref(), &tree, &prefix])
        .code(2)
        .stderr(contains("testnet_manual_draw.py.before-dvrf is another original"));
    fs::write(scripts.join("testnet_manual_draw.py"), own[0].1).unwrap();
    install(&["--legacy".as_ref(), &tree, &prefix]).code(0);
    install(&["--uninstall".as_ref(), "--legacy".as_ref(), &tree])
        .code(0)
        .stdout(predicate::str::ends_with("originals put back: 1\n"));
    assert_eq!(all(), before);
    assert!(!tree.join("supra/dvrf").exists() && !tree.join("supra/automation").exists());
    // Where there was nothing before, nothing stays.
    let empty = folder.path().join("empty");
    install(&["--legacy".as_ref(), &empty, &prefix]).code(0);
    install(&["--uninstall".as_ref(), "--legacy".as_ref(), &empty]).code(0);
    assert!(!empty.join("supra").exists());
}

#[rstest]
#[case::two_commands(&["--systemd", "--legacy", "x"], "--legacy and --systemd are two commands")]
#[case::single_units(&["--single", "--systemd"], "--single and --systemd are two commands")]
#[case::unknown(&["--legcy", "x"], "unknown flag --legcy")]
#[case::two_prefixes(&["--systemd", "/nonexistent/a", "/nonexistent/b"], "one PREFIX is enough")]
#[case::unit_path(&["--systemd", "/nonexistent/a b"], "a unit cannot name a program under /nonexistent/a b")]
fn mistakes_of_install_change_nothing(#[case] words: &[&str], #[case] said: &'static str) {
    Command::new(root().join("scripts/install"))
        .args(words)
        .assert()
        .code(2)
        .stdout("")
        .stderr(contains(said));
    assert!(!Path::new("/nonexistent").exists());
}

const SMOKE: &str = "supra/scripts/testnet_smoke_test.sh";

/// What the smoke test refuses before it sends anything.
#[rstest]
#[case::nothing("", &[], "PROFILE, LOTTERY and ADMIN are needed")]
#[case::two_words("p 0x1", &[], "PROFILE, LOTTERY and ADMIN are needed")]
#[case::no_address("p lottery 0x1", &[], "LOTTERY and ADMIN must be addresses")]
#[case::random_numbers("ALL", &[("RNG_COUNT", "3")], "RNG_COUNT is 3")]
#[case::fund("ALL", &[("TICKET_FUND", "1000")], "TICKET_FUND: ")]
#[case::players("ALL", &[("PLAYER_PROFILES", "p1 p2")], "PLAYER_PROFILES: one player")]
#[case::player("ALL", &[("PLAYER_PROFILES", "p1")], "PLAYER_PROFILES is p1: add its address")]
#[case::seed("ALL", &[("CLIENT_SEED", "x")], "--client-seed")]
#[case::tickets("ALL", &[("TICKETS_REQUIRED", "many")], "--tickets")]
#[case::aggregator("ALL", &[("AGGREGATOR_ADDR", "0xbad")], "AGGREGATOR_ADDR is 0xbad, which is not the whitelisted")]
#[case::consumers("ALL", &[("CONSUMER_ADDRS", "LOTTERY,0xbad")], "CONSUMER_ADDRS is ")]
#[case::unread("ALL", &[("AGGREGATOR_ADDR", "0xbad"), ("DVRF_DEVNET_URL", "http://127.0.0.1:1")], "could not be checked")]
fn the_smoke_test_refuses_by_name(
    #[case] words: &str,
    #[case] variables: &[(&str, &str)],
    #[case] said: &'static str,
) {
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let words = words.replace("ALL", &format!("my_profile {LOTTERY} {LOTTERY}"));
    let variables: Vec<(&str, String)> =
        variables.iter().map(|(name, value)| (*name, value.replace("LOTTERY", LOTTERY))).collect();
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    line(&format!("{SMOKE} {words}"), &devnet, &variables)
        .code(2)
        .stdout("")
        .stderr(starts_with("[error] ").and(contains(said)));
    assert_eq!(devnet.call("GET", "/devnet/state", "")["submissions"], 0);
}

#[test]
fn the_smoke_test_takes_the_old_words_and_variables() {
    let devnet = Devnet::start(&["--scenario", "healthy", "--block-ms", "20"]);
    let state = devnet.call("GET", "/devnet/state", "");
    let aggregator = state["lottery"]["whitelisted_callback_sender"]["vec"][0].as_str().unwrap();
    let done = line(
        &format!("{SMOKE} my_profile {LOTTERY} {LOTTERY} --cool-down 0"),
        &devnet,
        &[
            ("PROFILE", "another"),
            ("LOTTERY_ADDR", "0x1"),
            ("AGGREGATOR_ADDR", aggregator),
            ("CONSUMER_ADDRS", LOTTERY),
            ("TICKETS_REQUIRED", "7"),
            ("CLIENT_SEED", "77"),
            ("RNG_COUNT", "1"),
            ("PLAYER_PROFILES", "my_profile"),
            ("HOME", "/nonexistent"),
            ("XDG_STATE_HOME", &devnet.cli.with_file_name("state").display().to_string()),
        ],
    );
    done.code(0)
        .stderr("")
        .stdout(contains("client seed 77 was sent").and(contains("3 became 10")).and(contains("\"passed\"")));
}
