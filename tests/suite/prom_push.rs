//! Pushing with `dvrf-prom`: methods, retries, deadlines, and that no URL is ever shown.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use testkit::{Devnet, Way, run, tool};

const RECORD: &str = "{\"profile\":\"p\",\"state\":{\"deposit\":{\"balance\":\"100\",\"min_balance\":\"10\",\"client_whitelisted\":true}},\"views\":{}}\n";

/// A server that gives these answers in turn, one a connection, and tells what it was asked. An empty answer hangs.
fn server(answers: &'static [&'static str]) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, requests) = channel();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            loop {
                let length = stream.read(&mut chunk).unwrap_or(0);
                request.extend_from_slice(&chunk[..length]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else {
                    assert!(length > 0, "cut off: {text}");
                    continue;
                };
                let wanted = head
                    .to_ascii_lowercase()
                    .split("content-length: ")
                    .nth(1)
                    .map_or(0, |rest| rest.lines().next().unwrap().trim().parse::<usize>().unwrap());
                if body.len() >= wanted || length == 0 {
                    tell.send(text).unwrap();
                    break;
                }
            }
            if answer.is_empty() {
                held.push(stream);
            } else {
                drop(stream.write_all(
                    format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes(),
                ));
            }
        }
        // Hanging connections stay open as long as the test runs.
        std::thread::sleep(Duration::from_secs(30));
        drop(held);
    });
    (url, requests)
}

#[test]
fn printed_and_posted_as_before() {
    let (url, requests) = server(&["202 Accepted"]);
    let mut prom = tool("dvrf-prom");
    prom.env("MONITOR_PUSH_URL", format!("{url}/import?token=canary"));
    let outcome = run(prom.write_stdin(RECORD));
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome}");
    let request = requests.recv().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /import?token=canary HTTP/1.1\r\n"), "{head}");
    assert!(
        head.to_ascii_lowercase().contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{head}"
    );
    assert_eq!(body, outcome.out);
}

#[test]
fn a_group_is_put_and_deleted_with_credentials_in_a_header() {
    let (url, requests) = server(&["200 OK", "202 Accepted"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("push-url");
    std::fs::write(&file, format!("{}\n", url.replace("://", "://me:canary@"))).unwrap();
    let group = ["--push-job", "dvrf/eu", "--push-group", "instance=a"];
    let put = run(tool("dvrf-prom").args(group).arg("--push-url-file").arg(&file).write_stdin(RECORD));
    assert_eq!((put.code, put.err.as_str()), (0, ""), "{put}");
    let delete =
        run(tool("dvrf-prom").args(group).arg("--delete").env("CREDENTIALS_DIRECTORY", folder.path()));
    assert_eq!((delete.code, delete.out.as_str(), delete.err.as_str()), (0, "", ""), "{delete}");
    for verb in ["PUT", "DELETE"] {
        let request = requests.recv().unwrap();
        assert!(
            request.starts_with(&format!("{verb} /metrics/job@base64/ZHZyZi9ldQ/instance/a HTTP/1.1\r\n")),
            "{request}"
        );
        assert!(request.to_ascii_lowercase().contains("authorization: basic bwu6y2fuyxj5"), "{request}");
    }
}

#[test]
fn a_passing_fault_is_tried_again_and_a_lasting_one_is_said_without_the_url() {
    let (url, requests) = server(&["503 Busy", "429 Slow\r\nRetry-After: 1", "200 OK"]);
    let start = Instant::now();
    let outcome = run(tool("dvrf-prom").env("MONITOR_PUSH_URL", format!("{url}/canary")).write_stdin(RECORD));
    assert_eq!((outcome.code, requests.iter().take(3).count()), (0, 3), "{outcome}");
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
    for (answer, said) in [
        ("302 Found\r\nLocation: http://127.0.0.1:9/", "status 302"),
        ("400 Bad", "status 400"),
        ("404 None", "status 404"),
    ] {
        let (url, requests) = server(Vec::from([answer]).leak());
        let outcome =
            run(tool("dvrf-prom").env("MONITOR_PUSH_URL", format!("{url}/canary")).write_stdin(RECORD));
        assert_eq!((outcome.code, requests.iter().take(1).count()), (2, 1), "{outcome}");
        assert!(outcome.err.contains(said) && outcome.err.contains("POST to http://127.0.0.1:"), "{outcome}");
        assert!(!outcome.err.contains("canary") && !outcome.out.contains("canary"), "{outcome}");
        assert!(outcome.out.contains("supra_dvrf_up{"), "printed first: {outcome}");
    }
}

#[test]
fn a_server_that_hangs_costs_no_more_than_the_time_given() {
    let (url, _requests) = server(&[""]);
    let start = Instant::now();
    let outcome =
        run(tool("dvrf-prom").args(["--push-timeout", "1", "--push-url", &url]).write_stdin(RECORD));
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(outcome.err.contains("failed: no answer within"), "{outcome}");
}

#[test]
fn a_failed_push_does_not_hide_a_low_deposit() {
    let devnet = Devnet::start(&["--scenario", "below-minimum"]);
    let mut prom = devnet.tool("dvrf-prom", Way::Rpc);
    prom.env("MONITOR_PUSH_URL", "http://me:canary@127.0.0.1:9/canary").env("MONITOR_PUSH_TIMEOUT", "1");
    let outcome = run(prom.args(["--live", "--fail-on-low"]));
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.err.contains("POST to http://127.0.0.1:9/*** failed"), "{outcome}");
    assert!(!outcome.err.contains("canary"), "{outcome}");
}

#[test]
fn a_dry_run_pushes_nothing() {
    let outcome = run(tool("dvrf-prom")
        .args(["--dry-run", "--push-url", "http://127.0.0.1:9/canary"])
        .write_stdin(RECORD));
    assert_eq!(outcome.code, 0, "{outcome}");
    assert_eq!(outcome.err, "[info] dvrf-prom: would push to http://127.0.0.1:9/***\n");
    let secret =
        run(tool("dvrf-prom").args(["--dry-run", "--push-url", "http://u:canary@h/"]).write_stdin(RECORD));
    assert!(secret.err.contains("[warning] dvrf-prom: the push URL on the command line"), "{secret}");
    assert!(!secret.err.contains("canary"), "{secret}");
}

#[test]
fn no_secret_in_metrics_messages_memory_or_the_process_list() {
    let folder = tempfile::tempdir().unwrap();
    let (file, textfile) = (folder.path().join("push-url"), folder.path().join("a.prom"));
    let (url, requests) = server(&[""]);
    std::fs::write(&file, url.replace("://", "://me:canary@") + "/canary?t=canary").unwrap();
    let mut prom = tool("dvrf-prom");
    prom.env("SUPRA_RPC_URL", "http://canary:canary@127.0.0.1:9/canary")
        .env("DVRF_RPC_HEADERS", "X-Key: canary")
        .env("NODE_API_KEY", "canary")
        .env("LOTTERY_ADDR", "0x1")
        .env("DEPOSIT_ADDR", "0x2");
    prom.args(["--live", "--retries", "0", "--format", "json", "--push-timeout", "2", "--push-url-file"])
        .arg(&file);
    prom.arg("--textfile").arg(&textfile).arg("--state-dir").arg(folder.path().join("state"));
    let running = std::thread::spawn(move || run(&mut prom));
    requests.recv_timeout(Duration::from_secs(20)).unwrap();
    // The push hangs now: the process is alive, and its words can be read.
    let mut words = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        if line.contains(&file.display().to_string()) {
            words.push(line);
        }
    }
    let outcome = running.join().unwrap();
    assert_eq!(outcome.code, 2, "{outcome}");
    assert!(!words.is_empty() && words.iter().all(|line| !line.contains("canary")), "{words:?}");
    let kept =
        [textfile, folder.path().join("state/prom.json")].map(|path| std::fs::read_to_string(path).unwrap());
    for text in [&outcome.out, &outcome.err, &kept[0], &kept[1]] {
        assert!(!text.contains("canary"), "{text}");
    }
    assert!(outcome.err.contains("POST to http://127.0.0.1:"), "{outcome}");
}

#[test]
fn a_reader_that_has_gone_is_no_reason_not_to_push() {
    use std::process::{Command, Stdio};
    let (url, requests) = server(&["200 OK"]);
    let mut child = Command::new(testkit::binary("dvrf-prom"))
        .env_clear()
        .env("MONITOR_PUSH_URL", url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(RECORD.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    assert!(requests.recv().unwrap().contains("supra_dvrf_up{"));
}
