//! `scripts/package`: what the Debian package and the archive hold. `scripts/package --check` installs it.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;
use testkit::mock_receiver::MockReceiver;
use testkit::{DEPOSIT, Devnet, LOTTERY, binary, needs, program, root, run};

use crate::deploy::{deploy, read, said};

/// The program of a command line, where it was built.
fn built() -> String {
    format!("{} ", binary("dvrf").display())
}

/// The package's units, which read dvrf.toml.
#[test]
#[needs("systemd-analyze")]
fn package_units_have_little_exposure() {
    let folder = tempfile::tempdir().unwrap();
    let mut copies = Vec::new();
    let own = fs::read_dir(deploy("package")).unwrap().map(|entry| entry.unwrap().path());
    for unit in own.chain([deploy("systemd/dvrf-failed@.service")]) {
        if unit.extension().is_some_and(|ending| ending == "service" || ending == "timer") {
            let copy = folder.path().join(unit.file_name().unwrap());
            fs::write(&copy, read(&unit).replace("/usr/bin/dvrf ", &built())).unwrap();
            copies.push(copy);
        }
    }
    copies.sort();
    assert_eq!(copies.len(), 8);
    let outcome = said(program("systemd-analyze").args(["verify", "--man=no"]).args(&copies));
    assert_eq!(outcome, (Some(0), String::new()));
    for service in copies.iter().filter(|copy| copy.extension().is_some_and(|e| e == "service")) {
        let words = ["security", "--offline=true", "--threshold=20", "--no-pager"];
        let (code, text) = said(program("systemd-analyze").args(words).arg(service));
        assert_eq!(code, Some(0), "{text}");
    }
}

/// The unit's line for one of two subscriptions: low, topped up within its limits, reported once.
#[test]
fn package_the_unit_of_top_ups_tops_up_its_subscription() {
    let (inbox, devnet) = (MockReceiver::friendly(), Devnet::start(&["--scenario", "low"]));
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().display().to_string();
    let text = format!(
        "network = \"testnet\"\nrpc_url = \"{}\"\ntransport = \"rpc\"\nprofile = \"devnet\"\nsupra_cli_bin = \"{}\"\ndeposit_addr = \"{DEPOSIT}\"\n\
         [draw]\nsender_account = \"{LOTTERY}\"\n[fund]\nmax_amount = \"400SUPRA\"\nmax_per_day = \"400SUPRA\"\n\
         max_per_month = \"2000SUPRA\"\nreserve = \"10SUPRA\"\n[[channel]]\nkind = \"slack\"\nurl_file = \"{here}/slack\"\n\
         [[subscription]]\nname = \"main-lottery\"\nlottery = \"{LOTTERY}\"\n\
         [[subscription]]\nname = \"other\"\nclient = \"0x9\"\n",
        devnet.url,
        devnet.cli.display()
    );
    fs::write(folder.path().join("dvrf.toml"), text).unwrap();
    fs::write(folder.path().join("slack"), inbox.url("services/T0/SECRET")).unwrap();
    let unit = read(&deploy("package/dvrf-fund@.service"));
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let line = line.replace("/usr/bin/dvrf ", &built()).replace("%i", "main-lottery");
    let line = line.replace("%S", &here).replace("%L", &here);
    fs::create_dir(folder.path().join("dvrf-fund")).unwrap();
    let start = |line: &str| {
        let mut shell = assert_cmd::Command::from_std(program("sh"));
        shell.env_clear().env("PATH", testkit::requirements::path()).env("DVRF_CACHE_DIR", "off");
        shell.env("DVRF_CONFIG", folder.path().join("dvrf.toml")).env("DVRF_DEVNET_URL", &devnet.url);
        run(shell.args(["-c", line]))
    };
    // As shipped it waits first, because a journal may have been lost; then it tops up, and then nothing is missing.
    let waits = start(&line);
    assert_eq!((waits.code, waits.err.as_str(), inbox.requests().len()), (0, "", 0), "{waits}");
    let accepted = line.replace("--execute ", "--execute --new-journal ");
    for _ in 0..2 {
        let done = start(&accepted);
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{done}");
    }
    let log = read(&folder.path().join("dvrf-fund/main-lottery.jsonl"));
    let event = |line| serde_json::from_str::<Value>(line).unwrap()["event"].as_str().unwrap().to_owned();
    let events: Vec<String> = log.lines().map(event).collect();
    assert_eq!(events, ["fund.waiting", "fund.submitting", "fund.topped_up", "fund.enough"]);
    let bodies: Vec<String> = inbox.requests().into_iter().map(|sent| sent.body).collect();
    assert!(bodies.len() == 1 && bodies[0].contains("main-lottery (testnet)"), "{bodies:#?}");
    assert_eq!(devnet.call("GET", "/devnet/state", "")["deposits"], 1);
}

/// What is in the package and in the archive; `scripts/package --check` installs it.
#[test]
#[needs("objdump", "strip")]
fn package_holds_one_program_and_its_links() {
    let folder = tempfile::tempdir().unwrap();
    let made = said(
        Command::new(root().join("scripts/package"))
            .arg("--binary")
            .arg(binary("dvrf"))
            .arg("--out")
            .arg(folder.path()),
    );
    assert_eq!(made.0, Some(0), "{}", made.1);
    let files: Vec<&str> = made.1.lines().filter(|line| line.starts_with('/')).collect();
    let [package, archive] = files.as_slice() else { panic!("{}", made.1) };
    let depends = said(Command::new("dpkg-deb").args(["--field", package, "Depends"])).1;
    let glibc = made.1.lines().find_map(|line| line.strip_prefix("the program needs glibc ")).unwrap();
    assert!(
        depends.starts_with(&format!("libc6 (>= {glibc}), ")) && depends.ends_with("passwd\n"),
        "{depends}"
    );
    let paths = |text: String| -> BTreeSet<String> {
        let lines = text.lines().map(|line| line.split_whitespace().skip(5).collect::<Vec<_>>().join(" "));
        lines.filter(|path| !path.ends_with('/')).collect()
    };
    let in_package = paths(said(Command::new("dpkg-deb").args(["--contents", package])).1);
    let in_archive = paths(said(program("tar").args(["-tvzf", archive])).1);
    let only: Vec<&String> = in_package.symmetric_difference(&in_archive).collect();
    assert_eq!(only, ["./usr/share/doc/dvrf/changelog.Debian.gz"]);
    for path in [
        "./usr/bin/dvrf",
        "./usr/bin/dvrf-check -> dvrf",
        "./usr/bin/dvrf-fund -> dvrf",
        "./lib/systemd/system/dvrf-notify.timer",
        "./lib/systemd/system/dvrf-prom.service",
        "./lib/systemd/system/dvrf-draw@.service",
        "./lib/systemd/system/dvrf-fund@.timer",
        "./etc/logrotate.d/dvrf-fund",
        "./usr/lib/sysusers.d/dvrf.conf",
        "./usr/lib/tmpfiles.d/dvrf.conf",
        "./usr/share/man/man1/dvrf-notify.1.gz",
        "./usr/share/bash-completion/completions/dvrf",
        "./etc/dvrf/dvrf.toml.example",
    ] {
        assert!(in_package.contains(path), "{path} is missing: {in_package:#?}");
    }
}
