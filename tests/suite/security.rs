//! What `docs/internals/security.md` promises that no other module holds: TLS with real certificates, redirects, what a record
//! cannot choose, file modes; and the page itself.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};

use rstest::rstest;
use serde_json::json;
use testkit::authority::Authority;
use testkit::mock_receiver::{MockReceiver, ScriptedResponse};
use testkit::{DEPOSIT, Devnet, LOTTERY, Outcome, Way, binary, needs, program, root, run, tool};

/// A TLS server in front of a plain one.
struct TlsProxy {
    child: Child,
    port: String,
}

impl TlsProxy {
    fn start(authority: &Authority, certificate: &str, to: &str) -> Self {
        let script = r"
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
host, port = sys.argv[3].split(':')
server = socket.create_server(('127.0.0.1', 0))
print(server.getsockname()[1], flush=True)
def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    for end in (a, b):
        try: end.shutdown(socket.SHUT_RDWR)
        except OSError: pass
def serve(raw):
    try: client = context.wrap_socket(raw, server_side=True)
    except OSError: return
    node = socket.create_connection((host, int(port)))
    threading.Thread(target=pump, args=(client, node), daemon=True).start()
    pump(node, client)
while True:
    raw, _ = server.accept()
    threading.Thread(target=serve, args=(raw,), daemon=True).start()
";
        let mut child = program("python3")
            .args(["-c", script])
            .arg(authority.path(&format!("{certificate}.pem")))
            .arg(authority.path(&format!("{certificate}.key")))
            .arg(to.trim_start_matches("http://"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { child, port: port.trim().to_owned() }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }
}

impl Drop for TlsProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn over_tls(devnet: &Devnet, proxy: &TlsProxy, roots: Option<&Path>) -> Outcome {
    let mut command = devnet.tool("dvrf-json", Way::Rpc);
    command.env("SUPRA_RPC_URL", proxy.url()).args(["--live", "--retries", "0", "--timeout", "10"]);
    if let Some(roots) = roots {
        command.arg("--tls-roots").arg(roots);
    }
    run(&mut command)
}

#[test]
#[needs("openssl", "python3")]
fn only_a_certificate_of_a_believed_authority_for_this_host_and_time_is_taken() {
    let (devnet, authority) = (Devnet::start(&[]), Authority::make());
    let ca = authority.path("ca.pem");
    let good = TlsProxy::start(&authority, "good", &devnet.url);
    let taken = over_tls(&devnet, &good, Some(&ca));
    assert_eq!(
        (taken.code, taken.json()["state"]["deposit"]["balance"].clone()),
        (0, json!("78750000000")),
        "{taken}"
    );
    let refused = "the server's certificate is refused: ";
    let stranger = over_tls(&devnet, &good, None);
    let own = format!("{refused}UnknownIssuer; DVRF_TLS_ROOTS=+FILE adds an authority of your own");
    assert!(stranger.code == 2 && stranger.err.contains(&own), "{}", stranger.err);
    for certificate in ["other", "late"] {
        let proxy = TlsProxy::start(&authority, certificate, &devnet.url);
        let outcome = over_tls(&devnet, &proxy, Some(&ca));
        assert!(outcome.code == 2 && outcome.err.contains(refused), "{certificate}: {}", outcome.err);
    }
    // Another authority of the same name.
    let other = Authority::make();
    let outcome = over_tls(&devnet, &good, Some(&other.path("ca.pem")));
    assert!(outcome.code == 2 && outcome.err.contains(refused), "{}", outcome.err);
    let none = over_tls(&devnet, &good, Some(&authority.path("good.key")));
    assert!(none.code == 2 && none.err.contains("hold a private key"), "{none}");
}

#[test]
#[needs("openssl", "python3")]
fn webhooks_and_pushes_believe_the_same_authorities() {
    let (devnet, authority) = (Devnet::start(&["--scenario", "at-minimum"]), Authority::make());
    let inbox = MockReceiver::friendly();
    let proxy = TlsProxy::start(&authority, "good", inbox.url("").trim_end_matches('/'));
    for (name, flag) in [("dvrf-notify", "MONITOR_WEBHOOK_URL"), ("dvrf-prom", "MONITOR_PUSH_URL")] {
        for (roots, code) in [(Some("ca.pem"), 0), (None, 2)] {
            let mut command = devnet.tool(name, Way::Rpc);
            command.arg("--live").env(flag, format!("{}/hook", proxy.url()));
            if name == "dvrf-notify" {
                command.env("DVRF_TIMEOUT", "8");
            } else {
                command.env("MONITOR_PUSH_TIMEOUT", "3");
            }
            if let Some(roots) = roots {
                command.env("DVRF_TLS_ROOTS", authority.path(roots));
            }
            let before = inbox.requests().len();
            let outcome = run(&mut command);
            assert_eq!(outcome.code, code, "{name} {roots:?}: {outcome}");
            assert_eq!(inbox.requests().len() - before, usize::from(code == 0), "{name} {roots:?}");
        }
    }
}

/// Which settings trust an authority of our own, at a server that has its certificate from it.
#[rstest]
#[case::added(&[("DVRF_TLS_ROOTS", "+{ca}")], true)]
#[case::ssl_cert_file(&[("SSL_CERT_FILE", "{ca}")], true)]
#[case::system_is_ssl_cert_file(&[("DVRF_TLS_ROOTS", "system"), ("SSL_CERT_FILE", "{ca}")], true)]
#[case::added_to_system(&[("DVRF_TLS_ROOTS", "system+{ca}"), ("SSL_CERT_FILE", "{other}")], true)]
#[case::setting_wins(&[("DVRF_TLS_ROOTS", "{other}"), ("SSL_CERT_FILE", "{ca}")], false)]
#[case::other_file(&[("SSL_CERT_FILE", "{other}")], false)]
#[case::system_without_it(&[("DVRF_TLS_ROOTS", "system"), ("SSL_CERT_FILE", "{other}")], false)]
#[needs("openssl", "python3")]
fn which_roots_are_trusted(#[case] variables: &[(&str, &str)], #[case] is_trusted: bool) {
    let (devnet, authority, other) = (Devnet::start(&[]), Authority::make(), Authority::make());
    let server = TlsProxy::start(&authority, "good", &devnet.url);
    let path = |authority: &Authority| authority.path("ca.pem").display().to_string();
    let mut json = devnet.tool("dvrf-json", Way::Rpc);
    json.env("SUPRA_RPC_URL", server.url()).args(["--live", "--retries", "0"]);
    for (name, value) in variables {
        json.env(name, value.replace("{ca}", &path(&authority)).replace("{other}", &path(&other)));
    }
    let outcome = run(&mut json);
    if is_trusted {
        assert_eq!(
            (outcome.code, &outcome.json()["state"]["deposit"]["balance"]),
            (0, &json!("78750000000")),
            "{outcome}"
        );
    } else {
        assert_eq!(outcome.code, 2, "{outcome}");
        assert!(outcome.err.contains("the server's certificate is refused: "), "{}", outcome.err);
    }
}

#[rstest]
#[case(&[("SSL_CERT_FILE", "/none")], "the TLS roots /none cannot be read", "SSL_CERT_FILE names a PEM file")]
#[case(&[("DVRF_TLS_ROOTS", "+/none")], "the TLS roots /none cannot be read", "DVRF_TLS_ROOTS names a PEM file")]
#[case(
    &[("DVRF_TLS_ROOTS", "system"), ("SSL_CERT_FILE", "/none")],
    "the system's certificate store cannot be used",
    "install the package ca-certificates"
)]
fn roots_that_cannot_be_read(#[case] variables: &[(&str, &str)], #[case] message: &str, #[case] hint: &str) {
    let mut json = tool("dvrf-json");
    json.env("SUPRA_RPC_URL", "https://127.0.0.1:9")
        .env("DEPOSIT_ADDR", DEPOSIT)
        .env("LOTTERY_ADDR", LOTTERY);
    let outcome = run(json.envs(variables.iter().copied()).arg("--live"));
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(outcome.err.contains(message) && outcome.err.contains(hint), "{}", outcome.err);
}

#[test]
fn a_redirect_is_followed_nowhere() {
    let elsewhere = MockReceiver::friendly();
    for status in [301, 302, 307, 308] {
        let node = MockReceiver::open(
            Vec::new(),
            ScriptedResponse::with(status, &format!("Location: {}", elsewhere.url("/rpc/v3/view"))),
        );
        let mut command = tool("dvrf-json");
        command
            .env("SUPRA_RPC_URL", node.url(""))
            .env("NODE_API_KEY", "key-4711")
            .env("DVRF_CACHE_DIR", "off");
        command.env("DEPOSIT_ADDR", DEPOSIT).env("CLIENT_ADDR", LOTTERY);
        let outcome = run(command.args(["--live", "--retries", "0"]));
        assert_eq!(outcome.code, 2, "{status}: {outcome}");
        assert!(!node.requests().is_empty() && elsewhere.requests().is_empty(), "{status}");
        assert!(!outcome.out.contains("key-4711") && !outcome.err.contains("key-4711"));
    }
}

#[test]
fn a_record_chooses_no_node_no_program_and_no_file() {
    let (devnet, evil) = (Devnet::start(&[]), MockReceiver::friendly());
    let folder = tempfile::tempdir().unwrap();
    let trap = folder.path().join("trap");
    let record = json!({
        "client_addr": LOTTERY, "rpc_url": evil.url("/"), "SUPRA_RPC_URL": evil.url("/"), "supra_cli_bin": format!("touch {}", trap.display()),
        "webhook_url": evil.url("/"), "MONITOR_WEBHOOK_URL": evil.url("/"), "push_url": evil.url("/"), "state_dir": trap, "textfile": trap,
        "channels": [{"url": evil.url("/")}], "notifications": [{"url": evil.url("/")}], "target": {"deposit": "0xbad", "client": "0xbad"},
    });
    for name in ["dvrf-json", "dvrf-status", "dvrf-check", "dvrf-prom"] {
        let outcome =
            run(devnet.tool(name, Way::Rpc).env_remove("LOTTERY_ADDR").write_stdin(record.to_string()));
        assert_eq!(outcome.code, 0, "{name}: {outcome}");
    }
    assert!(evil.requests().is_empty() && !trap.exists());
    // Its profile is a word of the CLI's command line, and no flag of it.
    let flag = json!({"client_addr": LOTTERY, "profile": "--rpc-url=http://127.0.0.1:1"});
    let outcome = run(devnet.tool("dvrf-json", Way::Cli("v9")).write_stdin(flag.to_string()));
    assert_eq!((outcome.code, outcome.json()["error"]["kind"].clone()), (2, json!("config")), "{outcome}");
}

#[test]
fn no_tool_hands_a_secret_to_the_supra_cli() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, seen) = (folder.path().join("supra"), folder.path().join("seen"));
    let script =
        format!("#!/bin/sh\n{{ env; tr '\\0' ' ' < /proc/$$/cmdline; }} >> {}\nexit 1\n", seen.display());
    fs::write(&cli, script).unwrap();
    fs::set_permissions(&cli, fs::Permissions::from_mode(0o755)).unwrap();
    for (name, words) in [
        ("dvrf-json", &["--live"][..]),
        ("dvrf-check", &["--live"]),
        ("dvrf-notify", &["--live", "--dry-run"]),
        ("dvrf-prom", &["--live"]),
        ("dvrf-draw", &["ready", "--live"]),
    ] {
        let mut command = tool(name);
        command
            .args(words)
            .env("SUPRA_CLI_BIN", &cli)
            .env("DEPOSIT_ADDR", DEPOSIT)
            .env("LOTTERY_ADDR", LOTTERY)
            .env("DVRF_TRANSPORT", "cli")
            .env("SUPRA_RPC_URL", "http://me:canary-1@127.0.0.1:9/x,http://127.0.0.1:9/?canary-1");
        for variable in ["MONITOR_WEBHOOK_URL", "MONITOR_PUSH_URL"] {
            command.env(variable, "https://example.invalid/canary-1");
        }
        command
            .env("DVRF_RPC_HEADERS", "X-Key: canary-1")
            .env("NODE_API_KEY", "canary-1")
            .env("DVRF_CACHE_DIR", "off");
        command.env("DVRF_NOTIFY_CHANNELS", "slack,url=https://example.invalid/canary-1");
        let outcome = run(command.args(["--timeout", "5"]));
        assert_eq!(outcome.code, 2, "{name}: {outcome}");
        assert!(!outcome.out.contains("canary-1") && !outcome.err.contains("canary-1"), "{name}: {outcome}");
    }
    let seen = fs::read_to_string(seen).unwrap();
    assert!(seen.contains("move tool view") && seen.contains("--rpc-url http://127.0.0.1:9/x "));
    assert!(seen.contains("\nSUPRA_RPC_URL=http://127.0.0.1:9/x\n") && !seen.contains("canary-1"));
}

#[test]
fn a_secret_that_is_typed_is_warned_of() {
    let warned = |words: &[&str]| {
        let outcome = run(tool("dvrf-json")
            .args(["--live", "--retries", "0"])
            .args(words)
            .env("DVRF_CACHE_DIR", "off"));
        let lines = outcome.err.lines().filter(|line| line.starts_with("[warning]"));
        (lines.map(str::to_owned).collect::<Vec<_>>(), outcome.err.contains("canary-2"))
    };
    let about = |flag: &str, variable: &str| {
        format!(
            "[warning] dvrf-json: the secret after {flag} can be seen in the process list; use {variable}"
        )
    };
    let header = ["--rpc-url", "http://127.0.0.1:9", "--rpc-header", "X: canary-2"];
    assert_eq!(warned(&header), (vec![about("--rpc-header", "DVRF_RPC_HEADERS")], false));
    let login = ["--rpc-url", "http://me:canary-2@127.0.0.1:9"];
    assert_eq!(warned(&login), (vec![about("--rpc-url", "SUPRA_RPC_URL")], false));
    assert_eq!(warned(&["--rpc-url", "http://127.0.0.1:9"]), (vec![], false));
}

#[test]
fn what_is_kept_is_for_its_owner_whatever_the_umask() {
    let (devnet, folder) = (Devnet::start(&["--scenario", "low"]), tempfile::tempdir().unwrap());
    for (umask, textfile_mode) in [("000", 0o644), ("077", 0o644)] {
        let place = folder.path().join(umask);
        let line = format!(
            "umask {umask}; cd {}; {} --live --state-dir {place}/state --dry-run --channel generic,url=http://127.0.0.1:1/x >/dev/null; {} --live --textfile {place}.prom >/dev/null; {} --live --record {place}/replay > /dev/null",
            folder.path().display(),
            binary("dvrf-notify").display(),
            binary("dvrf-prom").display(),
            binary("dvrf-json").display(),
            place = place.display(),
        );
        let mut shell = program("sh");
        fs::create_dir(&place).unwrap();
        shell
            .args(["-c", &line])
            .env("SUPRA_RPC_URL", &devnet.url)
            .env("DEPOSIT_ADDR", DEPOSIT)
            .env("LOTTERY_ADDR", LOTTERY);
        assert!(shell.status().unwrap().success());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let state = place.join("state");
        assert_eq!(mode(&state) & 0o077, 0, "{umask}");
        for entry in fs::read_dir(&state).unwrap().flatten() {
            assert_eq!(mode(&entry.path()) & 0o077, 0, "{umask} {}", entry.path().display());
        }
        assert_eq!(
            mode(&folder.path().join(format!("{umask}.prom"))),
            textfile_mode,
            "node-exporter reads it"
        );
    }
}

#[test]
fn every_threat_of_the_page_is_held_by_a_test_that_exists() {
    let page = fs::read_to_string(root().join("docs/internals/security.md")).unwrap();
    let threats = page.split("## Threats").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: Vec<&str> = threats.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert!(rows.len() >= 20, "{}", rows.len());
    let unheld: Vec<&&str> = rows.iter().filter(|row| !row.contains(".rs::")).collect();
    assert!(unheld.is_empty(), "{unheld:#?}");
    assert_eq!(crate::migrate::missing_tests(&page), Vec::<String>::new());
}

#[test]
fn every_dependency_has_its_reason() {
    let page = fs::read_to_string(root().join("docs/internals/security.md")).unwrap();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let listed =
        manifest.split("[workspace.dependencies]").nth(1).unwrap().split("[workspace.lints").next().unwrap();
    let mut reason = false;
    for line in listed.lines() {
        if let Some((name, value)) = line.split_once(" = ").filter(|(name, _)| !name.starts_with('#')) {
            let own = value.contains("path =");
            assert!(
                own || page.contains(&format!("`{name}`")),
                "docs/internals/security.md does not list {name}"
            );
            assert!(own || reason, "Cargo.toml does not say what {name} is for");
        } else {
            // A reason stands for what follows it up to an empty line.
            reason = line.starts_with('#') || (reason && !line.is_empty());
        }
    }
}
