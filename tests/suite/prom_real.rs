//! What the real programs say: promtool, Prometheus, Pushgateway and node-exporter, on loopback. Tests named `real_…`
//! need them; `scripts/test` leaves them out, and says so, where they are not installed.

use std::io::Write;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::receivers::{Receiver, eventually, get};
use testkit::{Devnet, Way, needs, program, root, run, tool};

use crate::prom_serve::Served;

/// A busy machine scrapes late.
const SCRAPED: Duration = Duration::from_secs(30);

fn promtool(words: &[&str], input: &str) -> (Option<i32>, String) {
    let mut child = program("promtool")
        .args(words)
        .current_dir(root().join("scripts/prometheus"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.code(), said.concat())
}

/// Label values that every format has to escape.
const ODD: &str = "a\"b\\c\nd";

#[test]
#[needs("promtool")]
fn promtool_finds_nothing_to_say() {
    let scenarios =
        ["healthy", "low", "stuck", "not-whitelisted", "empty", "u128-max", "gas-drift", "module-disabled"];
    for interface in ["v3", "v2", "camel"] {
        let devnet = Devnet::start(&["--interface", interface]);
        for scenario in scenarios {
            devnet.enter(scenario);
            for words in [&[][..], &["--label", &format!("odd={ODD}")]] {
                let outcome = run(devnet.tool("dvrf-prom", Way::Rpc).arg("--live").args(words));
                let said = promtool(&["check", "metrics"], &outcome.out);
                assert_eq!(said, (Some(0), String::new()), "{interface} {scenario} {words:?}: {outcome}");
            }
            // The old script described nothing, and its own names still have no description.
            let old = run(devnet.tool("dvrf-prom", Way::Rpc).args(["--live", "--compat"]));
            let (_, said) = promtool(&["check", "metrics"], &old.out);
            assert!(
                said.lines().all(|line| line.ends_with(" no help text")),
                "{interface} {scenario}: {said}"
            );
        }
    }
    let failed = run(tool("dvrf-prom").write_stdin("noise"));
    assert_eq!(promtool(&["check", "metrics"], &failed.out), (Some(0), String::new()));
}

#[test]
#[needs("promtool")]
fn promtool_checks_and_tests_the_rules() {
    let (code, said) = promtool(&["check", "config", "federation.yml"], "");
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = promtool(&["check", "rules", "rules.yml"], "");
    assert!(code == Some(0) && said.contains("SUCCESS: "), "{said}");
    let (code, said) = promtool(&["test", "rules", "tests.yml"], "");
    assert!(code == Some(0) && said.contains("SUCCESS"), "{said}");
}

#[test]
#[needs("prometheus-node-exporter")]
fn node_exporter_reads_a_file_that_is_rewritten_all_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dvrf.prom");
    let devnet = Devnet::start(&["--scenario", "low"]);
    let report = run(devnet.tool("dvrf-json", Way::Rpc).arg("--live")).out;
    let write = || {
        let outcome = run(tool("dvrf-prom").arg("--textfile").arg(&file).write_stdin(report.clone()));
        assert_eq!(outcome.code, 0, "{outcome}");
    };
    write();
    let exporter = Receiver::node_exporter(folder.path());
    let done = AtomicBool::new(false);
    let scrapes = std::thread::scope(|scope| {
        let reader =
            scope.spawn(|| {
                let mut scrapes = 0;
                while !done.load(Ordering::SeqCst) {
                    let reply = exporter.get("/metrics");
                    assert!(reply.body.contains("\nnode_textfile_scrape_error 0\n"), "{}", reply.body);
                    assert!(reply.body.contains(
                        "\nsupra_dvrf_deposit_balance_quants{subscription=\"devnet\"} 2.3625e+10\n"
                    ));
                    scrapes += 1;
                }
                scrapes
            });
        (0..1000).for_each(|_| write());
        done.store(true, Ordering::SeqCst);
        reader.join().unwrap()
    });
    assert!(scrapes > 50, "only {scrapes} scrapes");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    println!("{scrapes} scrapes during 1000 rewrites");
}

#[test]
#[needs("prometheus", "prometheus-pushgateway")]
fn prometheus_scrapes_the_exporter_and_the_pushgateway() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let served = Served::start(&devnet, Way::Rpc, &["--min-interval", "0", "--label", &format!("odd={ODD}")]);
    let gateway = Receiver::pushgateway();
    let push = |words: &[&str]| {
        let mut prom = devnet.tool("dvrf-prom", Way::Rpc);
        prom.env("PROFILE", "pushed").env("MONITOR_PUSH_URL", format!("http://{}", gateway.address));
        let outcome =
            run(prom.args(["--live", "--push-job", "dvrf/eu", "--push-group", "instance="]).args(words));
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome}");
    };
    push(&["--label", &format!("odd={ODD}")]);
    let prometheus = Receiver::prometheus(&[&served.address, &gateway.address]);
    let balance = "supra_dvrf_deposit_balance_quants";
    let found = eventually(SCRAPED, || {
        let found = prometheus.query(balance);
        (found.len() == 2).then_some(found)
    });
    let mut found =
        found.unwrap_or_else(|| panic!("{}\n{}", prometheus.log(), prometheus.get("/api/v1/targets").body));
    found.sort_by_key(|(labels, _)| labels["subscription"].to_string());
    assert_eq!(
        found,
        [
            (
                json!({"__name__": balance, "job": "dvrf", "instance": served.address, "subscription": "devnet", "odd": ODD}),
                "23625000000".to_owned()
            ),
            (
                json!({"__name__": balance, "job": "dvrf/eu", "subscription": "pushed", "odd": ODD}),
                "23625000000".to_owned()
            ),
        ]
    );
    // What is no longer known leaves the group, and so does the alert's ground.
    devnet.enter("not-whitelisted");
    push(&[]);
    let text = get(&gateway.address, "/metrics").body;
    assert!(text.contains("supra_dvrf_client_whitelisted{") && !text.contains(balance), "{text}");
    let gone = eventually(SCRAPED, || prometheus.query(balance).is_empty().then_some(()));
    assert!(gone.is_some(), "{:?}", prometheus.query(balance));
    assert!(prometheus.query("supra_dvrf_up == 1").len() == 2);
    push(&["--delete"]);
    // The gateway accepts a deletion before it carries it out.
    let metrics = || get(&gateway.address, "/metrics").body;
    let is_gone = eventually(SCRAPED, || (!metrics().contains("supra_dvrf_")).then_some(()));
    assert!(is_gone.is_some(), "{}", metrics());
}

#[test]
#[needs("prometheus-pushgateway")]
fn pushgateway_keeps_nothing_that_a_put_drops_and_all_that_a_post_drops() {
    let gateway = Receiver::pushgateway();
    let known = |balance: &str| {
        format!(
            "{{\"profile\":\"p\",\"state\":{{\"deposit\":{{\"client_whitelisted\":true{balance}}}}},\"views\":{{}}}}"
        )
    };
    let push = |method: &str, record: String| {
        let url = format!("http://{}", gateway.address);
        let words = ["--push-job", "x", "--push-method", method, "--push-url", &url];
        let outcome = run(tool("dvrf-prom").args(words).write_stdin(record));
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome}");
        get(&gateway.address, "/metrics").body.contains("supra_dvrf_deposit_balance_quants{")
    };
    assert!(push("PUT", known(",\"balance\":\"7\"")));
    assert!(push("POST", known("")));
    assert!(!push("PUT", known("")));
}

#[test]
#[needs("prometheus")]
fn prometheus_reads_openmetrics() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let served =
        Served::start(&devnet, Way::Rpc, &["--format", "openmetrics", "--label", &format!("odd={ODD}")]);
    let prometheus = Receiver::prometheus(&[&served.address]);
    let start = Instant::now();
    let found = eventually(SCRAPED, || prometheus.query("supra_dvrf_draw_requests_total").pop());
    let (labels, value) = found.unwrap_or_else(|| panic!("{}", prometheus.get("/api/v1/targets").body));
    assert_eq!((labels["odd"].as_str(), value.as_str()), (Some(ODD), "4"), "{:?}", start.elapsed());
    let metadata = prometheus.get("/api/v1/metadata?metric=supra_dvrf_subscription");
    assert!(metadata.body.contains("\"type\":\"info\""), "{metadata:?}");
}

#[test]
#[needs("prometheus")]
fn prometheus_answers_every_panel_and_raises_the_alert() {
    let devnet = Devnet::start(&["--scenario", "low", "--fault", "view:check_min_balance_supra_v2=garbage"]);
    let served = Served::start(&devnet, Way::Rpc, &["--min-interval", "0"]);
    let prometheus = Receiver::prometheus(&[&served.address]);
    let pending =
        "ALERTS{alertname=\"SupraDvrfDepositLow\", alertstate=\"pending\", subscription=\"devnet\"}";
    assert!(eventually(SCRAPED, || prometheus.query(pending).pop()).is_some(), "{}", prometheus.log());
    for silent in
        ["SupraDvrfDepositBlocked", "SupraDvrfDepositCritical", "SupraDvrfProbeFailing", "SupraDvrfMissing"]
    {
        // Before the first scrape everything is missing.
        let alerts = || prometheus.query(&format!("ALERTS{{alertname=\"{silent}\"}}"));
        assert!(eventually(SCRAPED, || alerts().is_empty().then_some(())).is_some(), "{:?}", alerts());
    }
    let text = std::fs::read_to_string(root().join("scripts/prometheus/dashboard.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut asked = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().unwrap().replace("$subscription", ".*");
            // There is no history to forecast from; no draw was tried, no event read.
            let is_silent = ["runway", "draw_outcome", "draw_ready", "failed_callbacks"];
            if !is_silent.iter().any(|part| expression.contains(part)) {
                let answered = eventually(SCRAPED, || prometheus.query(&expression).pop());
                assert!(answered.is_some(), "{}: {expression}", panel["title"]);
            }
            asked += 1;
        }
    }
    assert!(asked > 25, "{asked}");
}
