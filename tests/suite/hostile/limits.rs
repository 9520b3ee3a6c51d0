//! Little of everything: descriptors, memory, threads, disk, directories, variables.

use testkit::requirements::mount_namespace;
use testkit::{Devnet, needs};

use super::{civil, live, record, shell, shell_with};

/// One live run of every tool that makes one.
const RUNS: [&str; 7] = [
    "dvrf-status --live",
    "dvrf-json --live",
    "dvrf-check --live",
    "dvrf-prom --live",
    "dvrf-draw ready --live",
    "dvrf-events list --since 0",
    "dvrf check --live",
];

#[test]
fn sixteen_descriptors_are_enough() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    for line in RUNS {
        let outcome = shell(&format!("ulimit -n 16; exec {line}"), &live(&devnet.url));
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{line}: {outcome}");
    }
    // With the CLI every question is a process with two pipes.
    let mut cli = live(&devnet.url);
    let path = devnet.cli.display().to_string();
    cli.retain(|(name, _)| *name != "SUPRA_RPC_URL");
    cli.extend([("SUPRA_CLI_BIN", path.as_str()), ("DVRF_DEVNET_URL", &devnet.url), ("DVRF_JOBS", "2")]);
    let outcome = shell("ulimit -n 24; exec dvrf-check --live", &cli);
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome}");
}

/// With too few descriptors to ask at all the answer is unknown, and says why.
#[test]
fn too_few_descriptors_are_said() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let mut variables = live(&devnet.url);
    variables.push(("DVRF_RETRIES", "0"));
    for line in ["dvrf-check --live", "dvrf-json --live"] {
        let outcome = shell(&format!("ulimit -n 4; exec {line}"), &variables);
        assert!(outcome.code == 2 && outcome.err.contains("Too many open files"), "{line}: {outcome}");
        civil(&outcome);
    }
}

/// A limit of threads never causes a panic. One target needs no second thread unless the node's name is looked up; a
/// stream of targets is refused with an error.
#[test]
#[needs("root")]
fn without_a_thread_to_spare() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    // Root has no such limit.
    let prepare = r#"
        as() { setpriv --reuid 64998 --regid 64998 --clear-groups "$@"; }
        chmod 755 "$D" && cp "$(command -v dvrf-json)" "$D/tool" && chmod 755 "$D/tool"
    "#;
    let run = |nproc: u32, url: &str, input: &str| {
        let tool = format!("as prlimit --nproc={nproc} \"$D/tool\" --detail full --retries 0");
        let line = format!("{prepare}{tool}{}", if input.is_empty() { " --live" } else { "" });
        let outcome = shell_with(&line, &[live(url), vec![("D", &path)]].concat(), input.as_bytes());
        civil(&outcome);
        outcome
    };
    let outcome = run(1, &devnet.url, "");
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome}");
    let named = devnet.url.replace("127.0.0.1", "localhost");
    let outcome = run(1, &named, "");
    assert!(outcome.code == 2 && outcome.err.contains("Resource temporarily unavailable"), "{outcome}");
    for nproc in 2..12 {
        assert_eq!(run(nproc, &devnet.url, "").code, 0, "{nproc} threads");
        assert!([0, 2].contains(&run(nproc, &named, "").code), "{nproc} threads");
    }
    let targets = "{\"client_addr\":\"0x1\"}\n{\"client_addr\":\"0x2\"}\n";
    let outcome = run(4, &devnet.url, targets);
    assert!(outcome.code == 2 && outcome.err.contains("no thread can be started"), "{outcome}");
    assert_eq!(outcome.out.lines().filter(|line| line.contains("no thread can be started")).count(), 2);
}

#[test]
fn no_home_no_tmp_and_no_environment() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let nowhere = [
        ("TMPDIR", "/nonexistent"),
        ("HOME", "/nonexistent"),
        ("XDG_CACHE_HOME", "/nonexistent/c"),
        ("XDG_STATE_HOME", "/nonexistent/s"),
        ("PWD", "/nonexistent"),
        ("LANG", "xx_XX.broken"),
        ("TERM", "no-such-terminal"),
    ];
    for line in RUNS {
        let outcome = shell(&format!("exec {line}"), &[live(&devnet.url), nowhere.to_vec()].concat());
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{line}: {outcome}");
    }
    // A cache that can be kept nowhere costs time only.
    let mut cached = live(&devnet.url);
    cached.extend([("HOME", "/proc"), ("DVRF_CACHE_DIR", "/proc/nowhere")]);
    let outcome = shell("exec dvrf-check --live", &cached);
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome}");
    // Nothing at all: an answer that nothing is configured, for each tool.
    for tool in ["dvrf-status", "dvrf-json", "dvrf-check", "dvrf-prom", "dvrf-draw ready", "dvrf-events list"]
    {
        let path = "d=$(dirname \"$(command -v dvrf-json)\"); exec env -i \"$d/\"";
        let outcome = shell(&format!("{path}{tool}"), &[]);
        assert!(
            outcome.code == 2 && outcome.err.contains("DEPOSIT_ADDR or --deposit-addr is needed"),
            "{tool}: {outcome}"
        );
        civil(&outcome);
    }
}

/// A directory that was removed under the run.
#[test]
fn a_working_directory_that_is_gone() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    for line in RUNS {
        let gone = format!("d=$(mktemp -d) && cd \"$d\" && rmdir \"$d\" && exec {line}");
        let outcome = shell(&gone, &live(&devnet.url));
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{line}: {outcome}");
    }
}

/// stdout on a full disk: said, and never 0 or 1, whatever the verdict.
#[test]
fn a_full_disk_is_never_an_answer() {
    let devnet = Devnet::start(&["--scenario", "ready"]);
    let input = format!("{}\n", record("p", "\"5\"")).repeat(2000);
    for line in [
        "dvrf-status",
        "dvrf-json",
        "dvrf-check",
        "dvrf-prom",
        "dvrf-draw ready",
        "dvrf-check --nagios",
        "dvrf-check --format text",
        "dvrf-json --pretty",
        "dvrf-notify --dry-run --channel generic,url=http://127.0.0.1:9/x",
    ] {
        let outcome = shell_with(&format!("exec {line} >/dev/full"), &[], input.as_bytes());
        assert!(outcome.err.contains("cannot write stdout: No space left on device"), "{line}: {outcome}");
        let code = if line.ends_with("--nagios") { 3 } else { 2 };
        assert_eq!(outcome.code, code, "{line}: {outcome}");
        civil(&outcome);
    }
    for line in [
        "dvrf-events list --since 0",
        "dvrf-calc --max-gas-price 1 --max-gas-limit 1 --verification-gas 1",
        "dvrf-doctor",
        "dvrf --list",
        "dvrf-check --help",
        "dvrf-json --generate man",
    ] {
        let outcome = shell(&format!("exec {line} >/dev/full"), &live(&devnet.url));
        assert_eq!(outcome.code, 2, "{line}: {outcome}");
        assert!(outcome.err.contains("No space left on device"), "{line}: {outcome}");
        civil(&outcome);
    }
}

/// Memory and a disk that are really small: state is old or new, never half.
#[test]
#[needs("unshare", "mount", "mount-namespace")]
fn a_state_directory_on_a_full_or_read_only_disk() {
    let line = r#"
        mkdir "$D/disk" && mount -t tmpfs -o size=64k none "$D/disk" || exit 99
        run() { printf '%s\n' "$R" | dvrf-notify --channel generic,url=http://127.0.0.1:9/x --notify-timeout 0.2 --state-dir "$D/disk/s" >/dev/null; }
        run; echo "first $?"
        head -c 100000 /dev/zero >"$D/disk/fill" 2>/dev/null
        before=$(cat "$D"/disk/s/*.json | cksum)
        run; echo "full $?"
        [ "$before" = "$(cat "$D"/disk/s/*.json | cksum)" ] && echo kept
        ls "$D"/disk/s/*.new 2>/dev/null
        mount -o remount,ro "$D/disk"
        run; echo "read-only $?"
        printf '%s\n' "$R" | dvrf-prom --textfile "$D/disk/a.prom"; echo "textfile $?"
    "#;
    let folder = tempfile::tempdir().unwrap();
    let (path, input) = (folder.path().display().to_string(), record("p", "\"5\""));
    let outcome = shell(
        &format!("exec unshare {} bash -c '{}'", mount_namespace().join(" "), line.replace('\'', r"'\''")),
        &[("D", &path), ("R", &input)],
    );
    let said: Vec<&str> = outcome.out.lines().collect();
    assert_eq!(said, ["first 2", "full 2", "kept", "read-only 2", "textfile 2"], "{outcome}");
    assert!(
        outcome.err.contains("No space left on device") && outcome.err.contains("free some space"),
        "{outcome}"
    );
    assert!(outcome.err.contains("Read-only file system"), "{outcome}");
    civil(&outcome);
}
