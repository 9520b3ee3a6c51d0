//! What lies where a tool wants to read or write: links, fifos, directories, devices, other people's files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use testkit::{Devnet, Way, needs, program, run, tool};

use super::{civil, errors, record, shell};

/// What can lie in a file's place.
const THINGS: [&str; 6] = [
    "a fifo",
    "a directory",
    "a dangling link",
    "a link to a file",
    "a link to a fifo",
    "a link to a directory",
];

fn lay(what: &str, path: &Path, victim: &Path) {
    match what {
        "a fifo" => mkfifo(path),
        "a directory" => fs::create_dir(path).unwrap(),
        "a dangling link" => symlink(victim.with_extension("made"), path).unwrap(),
        "a link to a file" => symlink(victim, path).unwrap(),
        // A fifo stands for every device: the suite runs as root, and a mistake would replace the device itself.
        "a link to a fifo" => {
            let fifo = victim.with_extension("fifo");
            if !fifo.exists() {
                mkfifo(&fifo);
            }
            symlink(fifo, path).unwrap();
        }
        _ => symlink(victim.parent().unwrap(), path).unwrap(),
    }
}

fn mkfifo(path: &Path) {
    let made = program("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

fn is(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == extension)
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into())
        .collect();
    names.sort();
    names
}

/// One run about one record, to a channel where nobody listens.
fn tell(state: &Path) -> testkit::Outcome {
    let mut command = tool("dvrf-notify");
    command.args(["--channel", "generic,url=http://127.0.0.1:9/x", "--notify-timeout", "0.2", "--state-dir"]);
    run(command.arg(state).write_stdin(record("p", "\"5\"")))
}

/// Memory, journal and lock: whatever lies in their place, nothing hangs, nothing behind a link is touched, and a run
/// that cannot remember still tells, and says so.
#[test]
fn whatever_lies_in_the_place_of_state() {
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("first");
    assert_eq!(tell(&first).code, 2, "nobody listens at the channel");
    let names = files(&first);
    assert_eq!(names.len(), 2, "{names:?}");
    for name in &names {
        for what in THINGS {
            let state = folder.path().join(format!("{what} {name}").replace('/', "-"));
            let victim = folder.path().join("victim");
            fs::create_dir(&state).unwrap();
            fs::write(&victim, "theirs").unwrap();
            lay(what, &state.join(name), &victim);
            let outcome = tell(&state);
            assert_eq!(outcome.code, 2, "{what} for {name}: {outcome}");
            assert_eq!(fs::read_to_string(&victim).unwrap(), "theirs", "{what} for {name}");
            assert!(!victim.with_extension("made").exists(), "{what} for {name} was followed");
            assert!(outcome.err.contains("channel generic: the "), "it tells all the same: {outcome}");
            let moved = what == "a fifo" && !is(name, "lock");
            let said = if moved { "it is now " } else { "the memory cannot be used" };
            assert!(outcome.err.contains(said), "{what} for {name}: {outcome}");
            civil(&outcome);
        }
    }
}

/// A state directory that is none.
#[test]
fn whatever_lies_in_the_place_of_the_state_directory() {
    let folder = tempfile::tempdir().unwrap();
    let (file, fifo) = (folder.path().join("file"), folder.path().join("fifo"));
    fs::write(&file, "theirs").unwrap();
    mkfifo(&fifo);
    let link = folder.path().join("link");
    symlink("/nonexistent/x", &link).unwrap();
    for place in [
        file.as_path(),
        &fifo,
        &link,
        Path::new("/dev/null"),
        Path::new("/proc/x"),
        Path::new("/nonexistent\u{1b}[31m/../proc/x/y"),
    ] {
        for (name, words) in [
            ("dvrf-notify", vec!["--channel", "generic,url=http://127.0.0.1:9/x"]),
            ("dvrf-check", vec![]),
            ("dvrf-prom", vec![]),
        ] {
            let mut command = tool(name);
            command.args(words).arg("--state-dir").arg(place).write_stdin(record("p", "\"100\""));
            let outcome = run(&mut command);
            assert_eq!((outcome.code, errors(&outcome)), (2, 1), "{name} {}: {outcome}", place.display());
            assert!(outcome.err.contains("cannot make the state directory"), "{name}: {outcome}");
            assert!(
                outcome.err.contains("give a directory that this user can write to"),
                "{name}: {outcome}"
            );
            civil(&outcome);
        }
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "theirs");
}

/// Old state that anybody could have written is read as what it is: damaged, and set aside, or in the way of a draw.
#[test]
fn state_that_is_damaged_is_set_aside_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("s");
    tell(&state);
    let name = files(&state).into_iter().find(|name| is(name, "json")).unwrap();
    let deep = "[".repeat(100_000);
    for (what, bytes) in [
        ("nothing", &b""[..]),
        ("bytes", b"\xff\xfe\x00"),
        ("half", b"{\"schema\":\"dvrf.notify/1\","),
        ("another version", b"{\"schema\":\"dvrf.notify/9\"}"),
        ("brackets", deep.as_bytes()),
        ("a control sequence", b"{\"schema\":\"\\u001b]0;t\\u0007\"}"),
    ] {
        fs::write(state.join(&name), bytes).unwrap();
        let outcome = tell(&state);
        assert_eq!(outcome.code, 2, "{what}: {outcome}");
        assert!(outcome.err.contains("and a new one is begun"), "{what}: {outcome}");
        assert_eq!(fs::read(state.join(format!("{name}.corrupt"))).unwrap(), bytes, "{what}");
        civil(&outcome);
    }
}

/// A draw without its journal or its lock is not sent.
#[test]
fn a_draw_needs_its_lock_its_journal_and_its_log() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let folder = tempfile::tempdir().unwrap();
    let counted = || devnet.call("GET", "/devnet/state", "")["lottery"]["rng_request_count"].clone();
    let before = counted();
    let attempt = |flag: &str, path: &Path| {
        let mut command = devnet.tool("dvrf-draw", Way::Cli("v9"));
        command.args(["auto", "--execute", "--assume-yes", flag]).arg(path);
        if flag != "--state-dir" {
            command.arg("--state-dir").arg(folder.path().join("state"));
        }
        command.env("HOME", folder.path());
        run(&mut command)
    };
    let (fifo, file) = (folder.path().join("fifo"), folder.path().join("file"));
    mkfifo(&fifo);
    fs::write(&file, "theirs").unwrap();
    for (flag, place) in [
        ("--lock-file", fifo.as_path()),
        ("--lock-file", folder.path()),
        ("--lock-file", Path::new("/dev/null")),
        ("--lock-file", Path::new("/nonexistent/l")),
        ("--log-file", &fifo),
        ("--log-file", folder.path()),
        ("--log-file", Path::new("/dev/full")),
        ("--log-file", Path::new("/nonexistent/l")),
        ("--state-dir", &file),
        ("--state-dir", Path::new("/proc/x")),
    ] {
        let outcome = attempt(flag, place);
        assert_eq!(outcome.code, 2, "{flag} {}: {outcome}", place.display());
        assert!(outcome.err.contains(&place.display().to_string()), "{flag} {}: {outcome}", place.display());
        assert_eq!(outcome.out.lines().count(), 1, "one line is promised: {outcome}");
        assert_eq!(counted(), before, "{flag} {}: a draw was sent: {outcome}", place.display());
        civil(&outcome);
    }
    // The journal of this lottery, damaged: a draw may hang on it.
    let good = attempt("--log-file", &folder.path().join("log"));
    assert_eq!(good.code, 0, "{good}");
    let journal = files(&folder.path().join("state")).into_iter().find(|name| is(name, "json")).unwrap();
    let journal = folder.path().join("state").join(journal);
    for what in ["half", "a directory", "a link to a file", "a fifo"] {
        if journal.is_dir() {
            fs::remove_dir(&journal).unwrap();
        } else {
            fs::remove_file(&journal).unwrap();
        }
        if what == "half" {
            fs::write(&journal, "{\"schema\":").unwrap();
        } else {
            lay(what, &journal, &file);
        }
        devnet.enter("ready");
        let before = counted();
        let outcome = attempt("--log-file", &folder.path().join("log"));
        assert_eq!(outcome.code, 2, "{what}: {outcome}");
        assert_eq!(counted(), before, "{what}: a draw was sent: {outcome}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "theirs", "{what}");
        civil(&outcome);
    }
}

/// The textfile: a link stays a link, and anything else than a file is refused and left as it is.
#[test]
fn whatever_lies_in_the_place_of_a_textfile() {
    let folder = tempfile::tempdir().unwrap();
    for what in THINGS {
        let (path, victim) = (folder.path().join("a.prom"), folder.path().join("real.prom"));
        fs::write(&victim, "old").unwrap();
        lay(what, &path, &victim);
        let outcome = run(tool("dvrf-prom").arg("--textfile").arg(&path).write_stdin(record("p", "\"100\"")));
        let found = fs::symlink_metadata(&path).unwrap();
        match what {
            "a link to a file" => {
                assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome}");
                assert!(found.is_symlink() && fs::read_to_string(&victim).unwrap().contains("supra_dvrf_up"));
                assert_eq!(fs::metadata(&victim).unwrap().permissions().mode() & 0o777, 0o644);
            }
            "a dangling link" => assert!(outcome.code == 0 && found.is_file(), "{outcome}"),
            _ => {
                assert_eq!((outcome.code, errors(&outcome)), (2, 1), "{what}: {outcome}");
                assert!(!fs::metadata(&path).unwrap().is_file(), "{what}");
                assert!(outcome.err.contains("a.prom"), "{what}: {outcome}");
                assert!(!found.is_file() && fs::read_to_string(&victim).unwrap() == "old", "{what}");
            }
        }
        civil(&outcome);
        assert!(!victim.with_extension("made").exists());
        assert!(files(folder.path()).iter().all(|name| !is(name, "new")), "{what}");
        if found.is_dir() { fs::remove_dir(&path).unwrap() } else { fs::remove_file(&path).unwrap() }
    }
}

/// In a shared directory another user's link must not choose what we overwrite, append to or lock.
#[test]
#[needs("root")]
fn a_link_of_another_user_is_not_followed() {
    let (folder, devnet) = (tempfile::tempdir().unwrap(), Devnet::start(&["--scenario", "ready"]));
    let (link, victim) = (folder.path().join("shared.prom"), folder.path().join("victim"));
    fs::write(&victim, "old").unwrap();
    symlink(&victim, &link).unwrap();
    std::os::unix::fs::lchown(&link, Some(64999), None).unwrap();
    let refused = format!("{}: it is a symbolic link of another user", link.display());
    let text = run(tool("dvrf-prom").arg("--textfile").arg(&link).write_stdin(record("p", "\"100\"")));
    assert_eq!(text.code, 2, "{text}");
    assert!(text.err.contains(&refused), "{text}");
    for flag in ["--log-file", "--lock-file"] {
        let draw = run(devnet
            .tool("dvrf-draw", Way::Cli("v11"))
            .args(["auto", "--execute", "--assume-yes", flag])
            .arg(&link));
        assert_eq!(draw.code, 2, "{flag}: {draw}");
        assert!(draw.err.contains(&refused), "{flag}: {draw}");
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "old");
    let report = run(devnet.tool("dvrf-json", Way::Rpc).arg("--live")).json();
    assert_eq!(report["state"]["lottery"]["rng_request_count"], "4", "no draw was sent");
}

/// Files that hold secrets: read once, bounded, never shown.
#[test]
fn secret_files_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("binary");
    fs::write(&binary, b"https://h.example/\xff\xfe").unwrap();
    let spaced = folder.path().join("spaced");
    fs::write(&spaced, "https://h.example/s3cr3t path\n\n").unwrap();
    for place in [
        folder.path(),
        Path::new("/dev/zero"),
        Path::new("/dev/null"),
        Path::new("/nonexistent"),
        &binary,
        &spaced,
    ] {
        for (name, flag) in [("dvrf-notify", "--webhook-url-file"), ("dvrf-prom", "--push-url-file")] {
            let mut command = tool(name);
            command.arg(flag).arg(place).write_stdin(record("p", "\"5\""));
            let outcome = run(&mut command);
            assert!(outcome.code == 2 && errors(&outcome) >= 1, "{name} {}: {outcome}", place.display());
            assert!(!outcome.err.contains("s3cr3t") && !outcome.out.contains("s3cr3t"), "{outcome}");
            civil(&outcome);
        }
    }
}

/// `--input` and stdin that are no stream of records.
#[test]
fn inputs_that_are_no_files() {
    for (name, words) in super::READERS {
        for place in ["/", "/nonexistent/x", "/dev/null/x"] {
            let outcome = run(tool(name).args(words).args(["--input", place]));
            assert_eq!((outcome.code, errors(&outcome)), (2, 1), "{name} {place}: {outcome}");
            assert!(outcome.err.contains(place), "{name}: {outcome}");
            civil(&outcome);
        }
        let empty = run(tool(name).args(words).args(["--input", "/dev/null"]));
        assert!(empty.code == 2 && empty.err.contains("the upstream command produced no record"), "{empty}");
    }
}

/// Root reads everything, so this is tried as another user.
#[test]
#[needs("root")]
fn another_users_files_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let line = r#"
        chmod 755 "$D" && cp "$(command -v dvrf-check)" "$D/tool" && chmod 755 "$D/tool"
        printf '%s\n' "$R" >"$D/mine"; chmod 600 "$D/mine"; mkdir "$D/locked"; chmod 700 "$D/locked"
        as() { setpriv --reuid 64999 --regid 64999 --clear-groups "$@"; }
        as "$D/tool" --input "$D/mine" >/dev/null; echo "$?"
        printf '%s\n' "$R" | as "$D/tool" --state-dir "$D/locked/s" >/dev/null; echo "$?"
    "#;
    let outcome = shell(line, &[("D", &path), ("R", &record("p", "\"100\""))]);
    assert_eq!(outcome.out, "2\n2\n", "{outcome}");
    assert_eq!(outcome.err.matches("Permission denied").count(), 2, "{outcome}");
    civil(&outcome);
}

/// A run with sudo leaves files that the usual user cannot open: the hint says whose they are and what to do.
#[test]
#[needs("root")]
fn state_files_that_root_left_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let line = r#"
        chmod 755 "$D" && cp "$(command -v dvrf-notify)" "$D/tool" && chmod 755 "$D/tool"
        as() { setpriv --reuid 64999 --regid 64999 --clear-groups "$@"; }
        mkdir "$D/state" "$D/own" && chown 64999 "$D/own" && chmod 700 "$D/own"
        for state in "$D/state" "$D/own"; do
            printf '%s\n' "$R" | "$D/tool" --channel generic,url-file="$D/url" --state-dir "$state" >/dev/null; echo "$?"
            printf '%s\n' "$R" | as "$D/tool" --channel generic,url-file="$D/url" --state-dir "$state" >/dev/null; echo "$?"
        done
    "#;
    std::fs::write(folder.path().join("url"), "http://127.0.0.1:1/x").unwrap();
    let outcome = shell(line, &[("D", &path), ("R", &record("p", "\"100\""))]);
    assert_eq!(outcome.out, "0\n2\n0\n2\n", "{outcome}");
    for state in ["state", "own"] {
        let hint = format!(
            "belongs to root, as after a run with sudo: sudo chown -R 64999 {path}/{state}, or give another directory"
        );
        assert!(outcome.err.contains(&hint), "{state}: {outcome}");
    }
    civil(&outcome);
}
