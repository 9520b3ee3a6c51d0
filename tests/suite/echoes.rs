//! Nodes, gateways and CLIs that echo our secrets: none of them reaches an output, whichever tool reads the chain.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rstest::rstest;
use testkit::mock_receiver::{MockReceiver, ScriptedResponse};
use testkit::{DEPOSIT, LOTTERY, run, tool};

/// What every secret of this test contains, also in base64.
const CANARIES: [&str; 2] = ["CANARY", "OkNBTkFSWV"];

/// Everything that a gateway could repeat: path, header, key, user and password.
const ECHO: &str = "Cannot POST /CANARY-path/rpc/v3/view; Invalid API key: CANARY-key (Bearer CANARY-key), \
    x-api-key CANARY-header, user:CANARY-password, Basic dXNlcjpDQU5BUlktcGFzc3dvcmQ=, http://n/CANARY%2Dpath";

/// A subscription and a node that is asked once, with every kind of secret.
fn command(words: &[&str], node: &str, folder: &Path) -> assert_cmd::Command {
    let mut command = tool(words[0]);
    let file = |name: &str| folder.join(name).display().to_string();
    let words = words[1..].iter().map(|word| word.replace("FOLDER", &folder.display().to_string()));
    command.args(words).envs([
        ("LOTTERY_ADDR", LOTTERY.to_owned()),
        ("DEPOSIT_ADDR", DEPOSIT.to_owned()),
        ("SUPRA_RPC_URL", node.to_owned()),
        ("DVRF_RPC_HEADERS", "X-Api-Key: CANARY-header".to_owned()),
        ("NODE_API_KEY", "CANARY-key".to_owned()),
        ("DVRF_RETRIES", "0".to_owned()),
        ("DVRF_CACHE_DIR", file("cache")),
        ("DVRF_RECORD_DIR", file("recording")),
        ("DVRF_STATE_DIR", file("state")),
    ]);
    command
}

/// The text of all files below a folder.
fn files(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = entries.map(|path| {
        if path.is_dir() {
            files(&path)
        } else {
            String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
        }
    });
    texts.collect()
}

const TOOLS: [&[&str]; 13] = [
    &["dvrf-json", "--live"],
    &["dvrf-status", "--live", "--format", "values"],
    &["dvrf-check", "--live"],
    &["dvrf-check", "--live", "--format", "text"],
    &["dvrf-check", "--live", "--nagios"],
    &["dvrf-notify", "--live"],
    &["dvrf-prom", "--live"],
    &["dvrf-prom", "--live", "--textfile", "FOLDER/a.prom"],
    &["dvrf-draw", "ready", "--live"],
    &["dvrf-draw", "auto", "--execute", "--assume-yes", "--log-file", "FOLDER/log"],
    &[
        "dvrf-fund",
        "--execute",
        "--assume-yes",
        "--max-amount",
        "1",
        "--max-per-day",
        "1",
        "--max-per-month",
        "1",
        "--reserve",
        "1",
        "--state-dir",
        "FOLDER/state",
    ],
    &["dvrf-events", "list", "--since", "1h"],
    &["dvrf-doctor"],
];

/// Runs every tool and fails if a secret is in what it prints, writes or sends.
fn all_tools_keep_secrets(node: &str, transport: &str, cli: &str) {
    let receiver = MockReceiver::friendly();
    for words in TOOLS {
        let folder = tempfile::tempdir().unwrap();
        let outcome = run(command(words, node, folder.path())
            .env("DVRF_TRANSPORT", transport)
            .env("SUPRA_CLI_BIN", cli)
            .env("PROFILE", "p")
            .env("DVRF_NOTIFY_CHANNELS", format!("slack,url={}", receiver.url("hook"))));
        let messages: String = receiver.requests().into_iter().map(|request| request.body).collect();
        for canary in CANARIES {
            let written = files(folder.path());
            for (place, text) in [
                ("stdout", &outcome.out),
                ("stderr", &outcome.err),
                ("a file", &written),
                ("a message", &messages),
            ] {
                assert!(!text.contains(canary), "{words:?} shows a secret in {place}: {text}");
            }
        }
    }
}

#[rstest]
#[case::message_400(400, "application/json", r#"{"message":"ECHO"}"#)]
#[case::key_refused_401(401, "application/json", r#"{"error":"ECHO"}"#)]
#[case::text_403(403, "text/plain", "ECHO")]
#[case::page_403(403, "text/html", "<html>ECHO</html>")]
#[case::text_404(404, "text/plain", "ECHO")]
#[case::message_404(404, "application/json", r#"{"message":"ECHO"}"#)]
#[case::throttled_429(429, "text/plain", "ECHO")]
#[case::message_500(500, "application/json", r#"{"message":"ECHO"}"#)]
#[case::abort_500(
    500,
    "application/json",
    r#"{"message":"Move abort in 0x1::CANARY-path: CANARY-header(0x1): ECHO"}"#
)]
#[case::page_502(502, "text/html", "<html>ECHO</html>")]
#[case::redirect_302(302, "text/plain", "ECHO")]
#[case::page_200(200, "text/html", "<html>ECHO</html>")]
#[case::text_200(200, "text/plain", "ECHO")]
#[case::object_200(200, "application/json", r#"{"error":"ECHO"}"#)]
#[case::value_200(200, "application/json", r#"{"result":["ECHO"]}"#)]
fn a_gateway_that_echoes_secrets(#[case] status: u16, #[case] kind: &str, #[case] body: &str) {
    let header = format!("Content-Type: {kind}\r\nLocation: /CANARY-path/x\r\n");
    let answer = ScriptedResponse::Reply(status, header, body.replace("ECHO", ECHO));
    let gateway = MockReceiver::open(Vec::new(), answer);
    let node = gateway.url("CANARY-path").replace("http://", "http://user:CANARY-password@");
    all_tools_keep_secrets(&node, "rpc", "/nonexistent/supra");
    let requests = gateway.requests();
    assert!(requests.iter().any(|request| request.path.starts_with("/CANARY-path/rpc/")));
    assert!(requests.iter().all(|request| request.header("x-api-key") == Some("CANARY-header")));
}

#[rstest]
#[case::refused("exit 1", "2")]
#[case::message_of_v9("exit 0", "1")]
fn a_cli_that_echoes_its_url(#[case] end: &str, #[case] stream: &str) {
    let folder = tempfile::tempdir().unwrap();
    let cli = folder.path().join("supra");
    let script = format!("#!/bin/sh\necho '{{\"message\": \"{ECHO}\"}}' >&{stream}\n{end}\n");
    fs::write(&cli, script).unwrap();
    fs::set_permissions(&cli, fs::Permissions::from_mode(0o755)).unwrap();
    let node = "http://user:CANARY-password@127.0.0.1:9/CANARY-path";
    all_tools_keep_secrets(node, "cli", &cli.display().to_string());
}
