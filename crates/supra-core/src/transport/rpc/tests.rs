//! Real sockets: a node that answers a script of responses, one a connection, and counts what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use rstest::rstest;

use super::*;

const RESULT: &str = "{\"result\":[\"1\"]}";

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Starts a node; each connection gets the next response, the last one again and again. An empty response hangs up.
fn node(responses: &[String]) -> (Secret, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Secret::new(&format!("http://{}", listener.local_addr().unwrap()));
    let log = Arc::new(Mutex::new(Vec::new()));
    let (seen, responses) = (log.clone(), responses.to_vec());
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            reader.read_line(&mut head).unwrap();
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) <= 2 {
                    break;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            seen.lock().unwrap().push(head.split(' ').nth(1).unwrap_or("").to_owned());
            let response = &responses[number.min(responses.len() - 1)];
            if response == "hang" {
                std::thread::sleep(Duration::from_secs(3));
            }
            let _ = stream.write_all(response.as_bytes());
        }
    });
    (url, log)
}

fn config(urls: Vec<Secret>) -> RpcConfig {
    RpcConfig {
        roots: Roots::default(),
        proxies: Proxies::default(),
        urls,
        headers: vec![],
        versions: ["v3", "v2", "v1"].map(str::to_owned).to_vec(),
        call_timeout: Duration::from_secs(1),
        jobs: 4,
        retries: 2,
        body_bytes_max: 10_000,
        chain_id: Some(6),
    }
}

fn view() -> Request {
    let function = "0x1::deposit::check_client_fund".parse().unwrap();
    Request::View(crate::view::ViewCall { function, type_arguments: vec![], arguments: vec![] })
}

fn ask(config: RpcConfig) -> Reply {
    let transport = RpcTransport::new(config).unwrap();
    transport.ask(&[view()], Deadline::after(Duration::from_secs(4))).pop().unwrap()
}

fn ask_one(responses: &[String]) -> (Result<Value, FailureKind>, Vec<String>) {
    let (url, log) = node(responses);
    let reply = ask(config(vec![url]));
    let log = log.lock().unwrap().clone();
    (reply.result.map_err(|failure| failure.kind()), log)
}

#[test]
fn versions_are_tried_down_to_the_one_that_is_served() {
    let missing = answer("404", "", "");
    let (result, log) = ask_one(&[missing.clone(), missing.clone(), answer("200", "", RESULT)]);
    assert_eq!(result, Ok(serde_json::json!(["1"])));
    assert_eq!(log, ["/rpc/v3/view", "/rpc/v2/view", "/rpc/v1/view"]);
    assert_eq!(ask_one(&[missing]).0, Err(FailureKind::Unsupported));
}

#[test]
fn the_path_of_the_api_may_be_part_of_the_url() {
    for (typed, base) in [
        ("https://h", "https://h"),
        (" https://h/ ", "https://h"),
        ("https://h/rpc", "https://h"),
        ("https://h/rpc/v1/", "https://h"),
        ("https://h/key/rpc/v3", "https://h/key"),
        ("https://h/v1", "https://h/v1"),
        ("https://h/myrpc", "https://h/myrpc"),
        ("https://rpc", "https://rpc"),
    ] {
        assert_eq!(base_url(typed), base, "{typed}");
    }
}

#[test]
fn a_version_that_no_node_serves_is_not_waited_for() {
    let (url, log) = node(&[answer("404", "", "")]);
    let transport = RpcTransport::new(config(vec![url])).unwrap();
    let request = Request::Events { type_tag: "0x1::m::E".into(), from: 0, to: 9, cursor: None };
    let reply = transport.ask(&[request], Deadline::after(Duration::from_secs(4))).pop().unwrap();
    assert_eq!(reply.result.map_err(|failure| failure.kind()), Err(FailureKind::Unsupported));
    assert_eq!(log.lock().unwrap().len(), 1);
}

/// An item of a table is absent only where a node has looked.
#[test]
fn a_node_that_serves_no_tables_has_no_items_to_deny() {
    let request = || Request::TableItem {
        handle: "0x1".parse().unwrap(),
        key_type: "u64".into(),
        value_type: "u64".into(),
        key: "5".into(),
    };
    let kind = |answers: &[String]| {
        let transport = RpcTransport::new(config(vec![node(answers).0])).unwrap();
        let reply = transport.ask(&[request()], Deadline::after(Duration::from_secs(4))).pop().unwrap();
        reply.result.unwrap_err().kind()
    };
    assert_eq!(kind(&[answer("404", "", ""), answer("404", "", "")]), FailureKind::Config);
    assert_eq!(kind(&[answer("404", "", "{\"message\":\"not found\"}")]), FailureKind::Unsupported);
}

#[test]
fn final_failures_are_not_retried() {
    for (status, body, kind) in [
        (
            "400",
            "{\"message\":\"ABORTED with sub status 393217 at location Module 0x1::deposit\"}",
            FailureKind::NotWhitelisted,
        ),
        (
            "500",
            "{\"message\":\"sub_status: Some(131077), name: Identifier(\\\"supra_vrf\\\")\"}",
            FailureKind::Aborted,
        ),
        ("400", "{\"message\":\"FUNCTION_RESOLUTION_FAILURE\"}", FailureKind::Unsupported),
        ("404", "{\"message\":\"Module not found\"}", FailureKind::Unsupported),
        ("200", "{\"result\":7}", FailureKind::Undecodable),
        ("410", "{\"message\":\"pruned\"}", FailureKind::Undecodable),
    ] {
        let (result, log) = ask_one(&[answer(status, "", body)]);
        assert_eq!((result, log.len()), (Err(kind), 1), "{status} {body}");
    }
}

/// Gateways repeat a wrong key, escaped as their language escapes it.
#[rstest]
#[case::as_it_is("401", r#"{"message":"Invalid API key: Zq3+9/aé"}"#)]
#[case::php("401", r#"{"message":"Invalid API key: Zq3+9\/a\u00e9"}"#)]
#[case::every_character(
    "403",
    r#"{"message":"Invalid API key: \u005a\u0071\u0033\u002b\u0039\u002f\u0061\u00e9"}"#
)]
#[case::absent("404", r#"{"message":"Invalid API key: Zq3+9\/a\u00E9"}"#)]
#[case::in_passing("503", r#"{"error":"Invalid API key: Zq3+9\/a\u00e9"}"#)]
#[case::as_a_name("500", r#"{"Invalid API key: Zq3+9\/a\u00e9":true}"#)]
fn an_echoed_key_is_redacted(#[case] status: &str, #[case] body: &str) {
    let answers = [answer(status, "", body)];
    let headers = vec![("x-api-key".to_owned(), Secret::new("Zq3+9/aé"))];
    let config = RpcConfig { headers, retries: 0, ..config(vec![node(&answers).0]) };
    let failure = ask(config).result.unwrap_err().to_string();
    assert!(failure.contains("Invalid API key: ***"), "{failure}");
}

#[test]
fn temporary_failures_are_retried() {
    let good = answer("200", "", RESULT);
    for bad in [
        answer("429", "Retry-After: 0\r\n", ""),
        answer("500", "", "{\"message\":\"internal\"}"),
        answer("502", "Content-Type: text/html\r\n", "<html>bad gateway"),
        answer("503", "", "{\"message\":\"archive\"}"),
        answer("200", "", "{\"result\":[\"1\""),
        answer("200", "", "<html>login</html>"),
        answer("200", "", &"x".repeat(20_000)),
        String::new(),
        "garbage\r\n\r\n".to_owned(),
    ] {
        let (result, log) = ask_one(&[bad.clone(), good.clone()]);
        assert_eq!((result, log.len()), (Ok(serde_json::json!(["1"])), 2), "{bad}");
    }
}

#[test]
fn passing_failures_end_with_their_kind() {
    for (bad, kind) in [
        (answer("429", "Retry-After: 0\r\n", ""), FailureKind::Throttled),
        (answer("503", "Content-Type: text/html\r\n", "<html>"), FailureKind::Throttled),
        (answer("502", "", ""), FailureKind::Unreachable),
        (answer("501", "Content-Type: text/html\r\n", "<!DOCTYPE HTML>"), FailureKind::Undecodable),
        (answer("404", "Content-Type: text/html\r\n", "<!DOCTYPE HTML>"), FailureKind::Undecodable),
        (
            answer("404", "Content-Type: text/html\r\n", "{\"message\":\"not found\"}"),
            FailureKind::Undecodable,
        ),
        (answer("404", "", "Cannot POST /rpc/v3/view"), FailureKind::Undecodable),
        (answer("501", "", "{\"message\":\"not implemented\"}"), FailureKind::Undecodable),
        (answer("200", "", "{"), FailureKind::Undecodable),
        (answer("200", "x-supra-chain-id: 8\r\n", RESULT), FailureKind::WrongChain),
    ] {
        let (result, log) = ask_one(std::slice::from_ref(&bad));
        assert_eq!((result, log.len()), (Err(kind), 3), "{bad}");
    }
}

#[test]
fn retry_after_is_respected() {
    let started = Instant::now();
    let (result, _) = ask_one(&[answer("429", "Retry-After: 1\r\n", ""), answer("200", "", RESULT)]);
    assert!(result.is_ok());
    assert!(started.elapsed() >= Duration::from_secs(1));
    let started = Instant::now();
    let (result, log) = ask_one(&[answer("429", "Retry-After: 100\r\n", "")]);
    assert_eq!((result, log.len()), (Err(FailureKind::Throttled), 1));
    assert!(started.elapsed() < Duration::from_secs(1), "a wait beyond the deadline is not begun");
}

#[test]
fn a_node_that_throttles_is_not_dead() {
    let busy = answer("429", "Retry-After: 0\r\n", "");
    let mut script = vec![busy; 3 * DEAD_AFTER];
    script.push(answer("200", "", RESULT));
    let (url, _) = node(&script);
    let patient = RpcConfig { jobs: 1, retries: 20, ..config(vec![url]) };
    assert_eq!(ask(patient).result, Ok(serde_json::json!(["1"])));
}

#[test]
fn fail_over_prefers_the_node_that_answered() {
    let (bad, bad_log) = node(&[answer("502", "", "")]);
    let (good, good_log) = node(&[answer("200", "x-supra-chain-id: 6\r\n", RESULT)]);
    let transport = RpcTransport::new(config(vec![bad, good])).unwrap();
    for _ in 0..3 {
        let mut replies = transport.ask(&[view()], Deadline::after(Duration::from_secs(2)));
        assert!(replies.pop().unwrap().result.is_ok());
    }
    // Both were asked for their latest block first.
    assert_eq!((bad_log.lock().unwrap().len(), good_log.lock().unwrap().len()), (1, 4));
}

#[test]
fn time_runs_out_for_a_call_and_for_all() {
    let (url, _) = node(&["hang".to_owned()]);
    let started = Instant::now();
    let transport = RpcTransport::new(config(vec![url])).unwrap();
    let mut replies = transport.ask(&[view()], Deadline::after(Duration::from_millis(700)));
    assert_eq!(replies.pop().unwrap().result.unwrap_err().kind(), FailureKind::Timeout);
    assert!(started.elapsed() < Duration::from_millis(1500));
}

#[test]
fn no_message_holds_a_key() {
    let (url, _) = node(&[answer("502", "", "")]);
    let url = Secret::new(&format!("{}/canary?key=canary", url.reveal()));
    let failure = ask(config(vec![url, Secret::new("http://canary@127.0.0.1:1/canary")])).result.unwrap_err();
    assert!(!format!("{failure} {failure:?}").contains("canary"), "{failure}");
    let failure = RpcTransport::new(config(vec![Secret::new("ftp://canary")])).err().unwrap();
    assert!(!failure.message().contains("canary"));
}

#[test]
fn headers_are_sent_and_hidden() {
    let mut config = config(vec![node(&[answer("200", "", RESULT)]).0]);
    config.headers = vec![("Authorization".to_owned(), Secret::new("Bearer canary"))];
    assert!(!format!("{config:?}").contains("canary"));
    assert!(ask(config).result.is_ok());
}
