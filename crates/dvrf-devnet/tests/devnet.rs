//! The emulator through its real sockets and processes, spoken to by a client of a few lines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "devnet/consumers.rs"]
mod consumers;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const LOTTERY: &str = "0x9a969d3b77941cec267f03b9bbb323c0333fa63d0e9e15204edabc415f134490";
const DVRF: &str = "0x186ba2ba88f4a14ca51f6ce42702c7ebdf6bfcf738d897cc98b986ded6f1219e";
const BIN: &str = env!("CARGO_BIN_EXE_dvrf-devnet");

struct Devnet {
    child: Child,
    url: String,
    /// What it has printed besides the URL: a line for each further consumer.
    printed: Vec<String>,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Devnet {
    fn start(options: &[&str]) -> Self {
        let frozen = ["serve", "--block-ms", "0", "--start-time", "1759676400", "--blocks", "100000"];
        let mut child = Command::new(BIN).args(frozen).args(options).stdout(Stdio::piped()).spawn().unwrap();
        let count = 1 + options.iter().filter(|option| **option == "--consumer").count();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(count);
        let mut printed: Vec<String> = lines.map(Result::unwrap).collect();
        Self { child, url: printed.remove(0), printed }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> std::io::Result<Answer> {
        let mut stream = TcpStream::connect(self.url.strip_prefix("http://").unwrap())?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| std::io::Error::other("no head"))?;
        let status = head.get(9..12).unwrap().parse().unwrap();
        Ok(Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() })
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").unwrap()
    }

    fn view(&self, function: &str, arguments: &Value) -> Answer {
        let body = json!({"function": function, "type_arguments": [], "arguments": arguments}).to_string();
        self.ask("POST", "/rpc/v3/view", &body).unwrap()
    }

    fn deposit(&self, function: &str) -> Value {
        let answer = self.view(&format!("{DVRF}::deposit::{function}"), &json!([LOTTERY]));
        assert_eq!(answer.status, 200, "{function}: {}", answer.body);
        answer.json()["result"].clone()
    }

    fn control(&self, order: &Value) {
        let answer = self.ask("POST", "/devnet/control", &order.to_string()).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    fn supra(&self, generation: &str, args: &[&str]) -> Output {
        let mut command = Command::new(BIN);
        command.arg("supra").args(args).env("DVRF_DEVNET_URL", &self.url).env("DVRF_DEVNET_CLI", generation);
        command.stdin(Stdio::null()).output().unwrap()
    }

    fn run(&self, function: &str, profile: &str) -> Value {
        let id = format!("{LOTTERY}::main_v2::{function}");
        let output = self.supra("v9", &["move", "tool", "run", "--function-id", &id, "--profile", profile]);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn scenarios_have_the_documented_figures() {
    let devnet = Devnet::start(&["--interface", "v3+camel"]);
    let table = [
        ("healthy", "78750000000", false),
        ("warn", "39375000000", false),
        ("low", "23625000000", false),
        ("at-minimum", "15750000000", true),
        ("below-minimum", "12600000000", true),
    ];
    for (scenario, fund, reached) in table {
        devnet.control(&json!({"scenario": scenario}));
        assert_eq!(devnet.deposit("check_client_fund"), json!([fund]), "{scenario}");
        assert_eq!(devnet.deposit("checkClientFund"), json!([fund]), "{scenario}");
        assert_eq!(devnet.deposit("check_min_balance_client_v2"), json!(["15750000000"]));
        assert_eq!(devnet.deposit("has_minimum_balance_reached_v2"), json!([reached]), "{scenario}");
    }
    devnet.control(&json!({"scenario": "u128-max"}));
    assert_eq!(devnet.deposit("checkClientFund"), json!(["340282366920938463463374607431768211455"]));
    assert_eq!(devnet.deposit("check_client_fund"), json!(["18446744073709551615"]));
    devnet.control(&json!({"scenario": "not-whitelisted"}));
    assert_eq!(devnet.deposit("check_client_fund"), json!(["0"]));
    let refused = devnet.view(&format!("{DVRF}::deposit::check_min_balance_client_v2"), &json!([LOTTERY]));
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("sub status 393217 at location Module"), "{}", refused.body);
    devnet.control(&json!({"scenario": "empty"}));
    let status = devnet.view(&format!("{LOTTERY}::main_v2::get_lottery_status"), &json!([])).json();
    assert_eq!(status["result"][0]["pending_request"], json!(false));
    assert_eq!(
        devnet.get(&format!("/rpc/v3/accounts/{LOTTERY}/resources/{LOTTERY}::main_v2::LotteryData")).status,
        404
    );
}

#[test]
fn node_generations_differ_in_status_words_and_blocks() {
    let function = format!("{DVRF}::deposit::check_min_balance_client_v2");
    for (node, api, status, words) in [
        ("v11.7", "v3", 400, "ABORTED with sub status 393217"),
        ("v11.5", "v3", 500, "ABORTED with sub status 393217"),
        ("v6", "v1", 500, "sub_status: Some(393217)"),
    ] {
        let devnet = Devnet::start(&["--node", node, "--scenario", "not-whitelisted"]);
        let body = json!({"function": function, "type_arguments": [], "arguments": [LOTTERY]}).to_string();
        let answer = devnet.ask("POST", &format!("/rpc/{api}/view"), &body).unwrap();
        assert_eq!(answer.status, status, "{node}");
        assert!(answer.body.contains(words), "{}", answer.body);
    }
    let devnet = Devnet::start(&["--api", "v1,v3"]);
    assert_eq!(
        devnet.get("/rpc/v3/block").json()["header"]["timestamp"]["microseconds_since_unix_epoch"],
        json!(1_759_676_400_000_000_u64)
    );
    assert_eq!(devnet.get("/rpc/v1/block").json()["height"], json!(100_000));
    let absent = devnet.get("/rpc/v2/block");
    assert_eq!((absent.status, absent.body.as_str()), (404, ""));
}

#[test]
fn the_abi_lists_exactly_what_can_be_called() {
    for (interface, present, absent) in [
        ("v3", "has_minimum_balance_reached_v2", "isMinimumBalanceReached"),
        ("v2", "has_minimum_balance_reached", "has_minimum_balance_reached_v2"),
        ("camel", "isMinimumBalanceReached", "check_client_fund"),
    ] {
        let devnet = Devnet::start(&["--interface", interface]);
        let module = devnet.get(&format!("/rpc/v3/accounts/{DVRF}/modules/deposit")).json();
        let functions = module["abi"]["exposed_functions"].as_array().unwrap();
        let listed = |name: &str| {
            functions.iter().any(|function| function["name"] == name && function["is_view"] == true)
        };
        assert!(listed(present) && !listed(absent), "{interface}");
        assert_eq!(devnet.view(&format!("{DVRF}::deposit::{present}"), &json!([LOTTERY])).status, 200);
        let missing = devnet.view(&format!("{DVRF}::deposit::{absent}"), &json!([LOTTERY]));
        assert!(missing.body.contains("could not find entry function by"), "{}", missing.body);
    }
}

#[test]
fn recorded_words_are_those_of_testnet_and_invented_ones_their_opposite() {
    let view = |devnet: &Devnet, module: &str, arguments: &Value| {
        let answer = devnet.view(&format!("{LOTTERY}::{module}"), arguments);
        (answer.status, answer.json()["message"].as_str().unwrap().to_owned())
    };
    let module = format!("/rpc/v3/accounts/{LOTTERY}/modules/main_v2");
    let recorded = Devnet::start(&["--node", "v11.5"]);
    let (status, text) = view(&recorded, "other::f", &json!([]));
    assert!(status == 500 && text.ends_with("name: Identifier(\"other\") } can't be found"), "{text}");
    let (status, text) = view(&recorded, "main_v2::get_ticket_price", &json!(["1"]));
    assert!(status == 400 && text.starts_with("expected 0 arguments [], but got 1"), "{text}");
    let answer = recorded.get(&module).json();
    assert_eq!(answer["abi"]["structs"][0].get("is_event"), None);
    // The key and the first event, in hex.
    for text in ["aptos::metadata_v1", "TicketBought"] {
        let hex = text.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert!(answer["bytecode"].as_str().unwrap().contains(&hex), "{text}");
    }
    let flat = recorded.get(&module.replace("v3", "v1")).json();
    assert_eq!(flat["exposed_functions"], answer["abi"]["exposed_functions"]);
    let gone = recorded.get(&module.replace("main_v2", "other"));
    assert_eq!((gone.status, gone.json()["message"].clone()), (404, json!("Information not available")));
    let invented = Devnet::start(&["--words", "invented", "--node", "v11.5"]);
    let (status, text) = view(&invented, "other::f", &json!([]));
    assert!(status == 400 && text.contains("LINKER_ERROR"), "{text}");
    assert_eq!(invented.get(&module).json()["abi"]["structs"][0]["is_event"], true);
    let events = format!(
        "/rpc/v3/events/{LOTTERY}::main_v2::DrawRequestedEvent?start_height=0&end_height=99990&limit=100"
    );
    let rows = |words: &str| {
        let devnet = Devnet::start(&["--words", words, "--history-events", "900"]);
        devnet.get(&events).json()["data"].as_array().unwrap().len()
    };
    assert_eq!((rows("recorded"), rows("invented")), (40, 100));
}

#[test]
fn a_round_is_played_drawn_and_answered() {
    let devnet = Devnet::start(&["--answer-ms", "1000"]);
    assert_eq!(
        devnet.run("manual_draw", "devnet")["output"]["Move"]["vm_status"],
        json!(format!("Move abort in {LOTTERY}::main_v2: E_DRAW_NOT_SCHEDULED(0x4): "))
    );
    for _ in 0..2 {
        assert_eq!(devnet.run("buy_ticket", "player1")["status"], "Success");
    }
    let draw = devnet.run("manual_draw", "devnet");
    assert_eq!(draw["status"], "Success");
    let hash = draw["hash"].as_str().unwrap();
    let stored = devnet.get(&format!("/rpc/v3/transactions/{hash}")).json();
    assert_eq!(stored["output"]["Move"]["events"][1]["data"]["nonce"], "5");
    let pending = || {
        devnet.view(&format!("{LOTTERY}::main_v2::is_vrf_request_pending"), &json!([])).json()["result"][0]
            .clone()
    };
    assert_eq!(pending(), json!(true));
    devnet.control(&json!({"advance_blocks": 2}));
    assert_eq!(pending(), json!(false));
    let path =
        format!("/rpc/v3/events/{LOTTERY}::main_v2::DrawHandledEvent?start_height=100000&end_height=100003");
    let events = devnet.get(&path).json();
    assert_eq!(events["data"][0]["event"]["data"], json!({"nonce": "5", "success": true}));
    assert_eq!(events["data"][0]["block_height"], json!(100_002));
    assert_eq!(devnet.get("/devnet/state").json()["clients"][0]["grant"], "499000000");
}

#[test]
fn events_page_to_their_end_and_keep_the_height_rules() {
    let devnet = Devnet::start(&["--history-events", "5000", "--oldest-block", "10", "--index-lag", "5"]);
    let base = format!("/rpc/v3/events/{LOTTERY}::main_v2::DrawRequestedEvent");
    let (mut cursor, mut nonces) = (String::new(), Vec::new());
    loop {
        let page = devnet.get(&format!("{base}?start_height=10&end_height=99990&limit=100&start={cursor}"));
        let rows = page.json()["data"].as_array().unwrap().clone();
        nonces.extend(
            rows.iter().map(|row| row["event"]["data"]["nonce"].as_str().unwrap().parse::<u64>().unwrap()),
        );
        if rows.is_empty() {
            break;
        }
        cursor = page.head.lines().find_map(|line| line.strip_prefix("x-supra-cursor: ")).unwrap().to_owned();
    }
    let first = nonces[0];
    assert!(nonces.len() > 1600, "{}", nonces.len());
    assert!(nonces.iter().copied().eq(first..first + nonces.len() as u64), "each event once, in order");
    for (query, status) in [
        ("start_height=5&end_height=50", 410),
        ("start_height=50&end_height=50", 400),
        ("start_height=50&end_height=99999", 404),
        ("start_height=50&end_height=60&limit=101", 400),
    ] {
        assert_eq!(devnet.get(&format!("{base}?{query}")).status, status, "{query}");
    }
    let v1 = format!("/rpc/v1/events/{LOTTERY}::main_v2::DrawRequestedEvent");
    assert_eq!(devnet.get(&format!("{v1}?start=50&end=61")).status, 400);
    assert_eq!(devnet.get(&format!("{v1}?start=50&end=60")).status, 200);
}

#[test]
fn faults_break_the_node_but_not_the_control_endpoint() {
    let devnet = Devnet::start(&["--fault", "429=1,retry_after=7"]);
    let throttled = devnet.get("/rpc/v3/block");
    assert_eq!(throttled.status, 429);
    assert!(throttled.head.contains("retry-after: 7"), "{}", throttled.head);
    assert_eq!(devnet.get("/rpc/v3/block").status, 200);
    for (fault, status, part) in
        [("html", 502, "<html>"), ("5xx=9", 503, "unavailable"), ("garbage", 200, "{\"result\": [")]
    {
        devnet.control(&json!({"faults": {}, "fault": fault, "reset_requests": true}));
        let answer = devnet.get("/rpc/v3/block");
        assert_eq!(answer.status, status, "{fault}");
        assert!(answer.body.contains(part), "{}", answer.body);
    }
    devnet.control(&json!({"faults": {}, "fault": "reset"}));
    assert!(devnet.ask("GET", "/rpc/v3/block", "").is_err());
    devnet.control(&json!({"faults": {}, "fault": "truncate"}));
    assert!(serde_json::from_str::<Value>(&devnet.get("/rpc/v3/block").body).is_err());
    devnet.control(&json!({"faults": {}, "fault": "wrong_chain_id=9,stale=60,view:check_client_fund=null"}));
    assert_eq!(devnet.get("/rpc/v3/transactions/chain_id").body, "9");
    assert_eq!(
        devnet.view("0x1::timestamp::now_microseconds", &json!([])).json()["result"][0],
        "1759676340000000"
    );
    assert_eq!(devnet.deposit("check_client_fund"), json!([null]));
    devnet.control(&json!({"faults": {}, "fault": "latency=60ms"}));
    let begin = Instant::now();
    devnet.get("/rpc/v3/block");
    assert!(begin.elapsed() >= Duration::from_millis(60));
    assert_eq!(devnet.ask("POST", "/devnet/control", "{\"nonsense\":1}").unwrap().status, 400);
}

#[test]
fn the_emulated_cli_prints_what_its_generation_prints() {
    let devnet = Devnet::start(&[]);
    let good = format!("{LOTTERY}::main_v2::get_ticket_price");
    let bad = format!("{LOTTERY}::main_v2::nope");
    let view = |generation, function: &str| {
        devnet.supra(generation, &["move", "tool", "view", "--function-id", function])
    };
    let price = "{\n  \"result\": [\n    \"10000000\"\n  ]\n}\n";
    assert_eq!(String::from_utf8(view("v9", &good).stdout).unwrap(), price);
    assert_eq!(
        String::from_utf8(view("v6", &good).stdout).unwrap(),
        format!("URL: {}/rpc/v1/view\n{price}", devnet.url)
    );
    for (generation, code) in [("v6", 1), ("v9", 0), ("v10", 0), ("v11", 1)] {
        let output = view(generation, &bad);
        assert_eq!(output.status.code(), Some(code), "{generation}");
        let text = if code == 0 { &output.stdout } else { &output.stderr };
        assert!(String::from_utf8_lossy(text).contains("could not find entry function by"), "{generation}");
    }
    let list = ["move", "tool", "list", "--query", "resources"];
    let listed = |generation, more: &[&str]| -> Value {
        let output = devnet.supra(generation, &[&list, more].concat());
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let of_account = listed("v11", &["--account", LOTTERY]);
    assert_eq!(of_account["Result"][0]["data"]["key_rotation_events"]["guid"]["id"]["addr"], LOTTERY);
    assert_eq!(of_account["Result"][1]["type"], format!("{LOTTERY}::main_v2::LotteryData"));
    // Before v11 the account is that of the profile.
    assert_eq!(listed("v9", &["--profile", "devnet"]), of_account);
    assert_eq!(listed("v9", &["--profile", "player1"]), json!({"Result": []}));
    let refused = devnet.supra("v9", &[&list[..], &["--account", LOTTERY]].concat());
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn exec_sets_the_variables_and_passes_the_code_on() {
    let script = "echo \"$SUPRA_RPC_URL|$DEPOSIT_ADDR|$MAX_GAS_LIMIT\"; test -x \"$SUPRA_CLI_BIN\" && \"$SUPRA_CLI_BIN\" profile -l; exit 7";
    let output = Command::new(BIN)
        .args(["exec", "--transport", "cli", "--", "sh", "-c", script])
        .env("SUPRA_RPC_URL", "http://elsewhere")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(7));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, format!("|{DVRF}|500000\n* devnet (active)\n  player1\n  player2\n"));
}

#[test]
fn bad_options_end_with_2_and_name_themselves() {
    for (args, part) in [
        (["serve", "--listen", "0.0.0.0:0"], "is not a loopback address"),
        (["serve", "--interface", "v9"], "--interface `v9`"),
        (["serve", "--fault", "nonsense=1"], "--fault"),
        (["serve", "--api", "v7"], "--api `v7`"),
    ] {
        let output = Command::new(BIN).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(part), "{args:?}");
    }
}
