//! `scripts/package`: what the Debian package and the archive hold. `scripts/package --check` installs it.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use testkit::{binary, needs, program, root};

use crate::deploy::{deploy, read, said};

/// The package's units, which read dvrf.toml.
#[test]
#[needs("systemd-analyze")]
fn package_units_have_little_exposure() {
    let folder = tempfile::tempdir().unwrap();
    let mut copies = Vec::new();
    for unit in fs::read_dir(deploy("package")).unwrap().map(|entry| entry.unwrap().path()) {
        if unit.extension().is_some_and(|ending| ending == "service" || ending == "timer") {
            let built = format!("{} ", binary("dvrf").display());
            let copy = folder.path().join(unit.file_name().unwrap());
            fs::write(&copy, read(&unit).replace("/usr/bin/dvrf ", &built)).unwrap();
            copies.push(copy);
        }
    }
    copies.sort();
    assert_eq!(copies.len(), 5);
    let outcome = said(program("systemd-analyze").args(["verify", "--man=no"]).args(&copies));
    assert_eq!(outcome, (Some(0), String::new()));
    for service in copies.iter().filter(|copy| copy.extension().is_some_and(|e| e == "service")) {
        let words = ["security", "--offline=true", "--threshold=20", "--no-pager"];
        let (code, text) = said(program("systemd-analyze").args(words).arg(service));
        assert_eq!(code, Some(0), "{text}");
    }
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
        "./lib/systemd/system/dvrf-draw.service",
        "./usr/lib/sysusers.d/dvrf.conf",
        "./usr/lib/tmpfiles.d/dvrf.conf",
        "./usr/share/man/man1/dvrf-notify.1.gz",
        "./usr/share/bash-completion/completions/dvrf",
        "./etc/dvrf/dvrf.toml.example",
    ] {
        assert!(in_package.contains(path), "{path} is missing: {in_package:#?}");
    }
}
