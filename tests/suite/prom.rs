//! `dvrf-prom`: formats, labels, names, sinks and exits, without any program but ours.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod prom_push;
mod prom_real;
mod prom_serve;

use std::os::unix::fs::PermissionsExt;

use assert_cmd::assert::Assert;
use predicates::prelude::*;
use predicates::str::{contains, ends_with};
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{Devnet, Printed, Way, json_at, root, run, tool};

fn report(scenario: &str) -> String {
    let devnet = Devnet::start(&["--scenario", scenario]);
    run(devnet.tool("dvrf-json", Way::Rpc).arg("--live")).out
}

fn gas(command: &mut assert_cmd::Command) -> &mut assert_cmd::Command {
    command.envs([
        ("MAX_GAS_PRICE", "1000"),
        ("MAX_GAS_LIMIT", "500000"),
        ("VERIFICATION_GAS_VALUE", "25000"),
    ])
}

/// The value of a series, written as it is printed.
fn value<'a>(text: &'a str, series: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))
}

/// Whether a series has this value.
fn sample(series: &str, value: &str) -> impl Predicate<str> + use<> {
    contains(format!("\n{series} {value}\n"))
}

/// Whether a metric has this many series.
fn series(metric: &str, count: usize) -> impl Predicate<str> + use<> {
    contains(format!("\n{metric}{{")).count(count)
}

fn prom(words: &[&str], records: impl Into<Vec<u8>>) -> Assert {
    tool("dvrf-prom").args(words).write_stdin(records).assert()
}

#[test]
fn one_report_in_text() {
    let finding = "{code=\"DEPOSIT_BELOW_WARN_TIER\",severity=\"warning\",subscription=\"devnet\"}";
    prom(&[], report("low"))
        .code(0)
        .stdout(sample("supra_dvrf_up{subscription=\"devnet\"}", "1"))
        .stdout(sample("supra_dvrf_state{state=\"alert\",subscription=\"devnet\"}", "1"))
        .stdout(sample("supra_dvrf_state{state=\"ok\",subscription=\"devnet\"}", "0"))
        .stdout(sample("supra_dvrf_deposit_balance_quants{subscription=\"devnet\"}", "23625000000"))
        .stdout(sample("supra_dvrf_deposit_to_min_balance_ratio{subscription=\"devnet\"}", "1.500000"))
        .stdout(sample("supra_dvrf_deposit_needed_quants{subscription=\"devnet\"}", "23625000000"))
        .stdout(sample("supra_dvrf_findings_by_severity{severity=\"warning\",subscription=\"devnet\"}", "1"))
        .stdout(sample(&format!("supra_dvrf_finding{finding}"), "1"))
        .stdout(sample("supra_dvrf_build_info{version=\"0.1.0\"}", "1"))
        .stdout(ends_with("\n").and(contains("\r").not()))
        .stderr("");
}

#[rstest]
#[case::enough("ready", "deposit_needed_quants", "0")]
#[case::may_draw("ready", "draw_ready", "1")]
#[case::may_not_draw("stuck", "draw_ready", "0")]
fn what_is_needed_and_whether_a_draw_may_be_requested(
    #[case] scenario: &str,
    #[case] metric: &str,
    #[case] value: &str,
) {
    let ready = tool("dvrf-draw").args(["ready", "--format", "json"]).write_stdin(report(scenario)).output();
    let record = ready.unwrap().stdout;
    prom(&[], record)
        .code(0)
        .stdout(sample(&format!("supra_dvrf_{metric}{{subscription=\"devnet\"}}"), value));
}

#[rstest]
#[case::undecodable("view:get_balance_of_client_v2=garbage,view:check_client_fund=garbage", "undecodable")]
#[case::throttled("429_rate=100", "throttled")]
#[case::html("html", "unreachable")]
#[case::wrong_chain("wrong_chain_id=9", "wrong_chain")]
#[case::stale("stale=9000", "")]
fn what_is_unknown_is_absent_and_never_low(#[case] fault: &str, #[case] reason: &str) {
    let devnet = Devnet::start(&["--scenario", "low", "--fault", fault]);
    let outcome = devnet
        .tool("dvrf-prom", Way::Rpc)
        .args(["--live", "--retries", "0"])
        .assert()
        .stdout(sample("supra_dvrf_up{subscription=\"devnet\"}", "0"))
        .stdout(sample("supra_dvrf_state{state=\"unknown\",subscription=\"devnet\"}", "1"))
        .stdout(series("supra_dvrf_deposit_balance_quants", 0))
        .stdout(series("supra_dvrf_deposit_to_min_balance_ratio", 0))
        .stdout(series("supra_dvrf_last_success_timestamp_seconds", 0));
    if !reason.is_empty() {
        let errors = format!("supra_dvrf_probe_errors{{reason=\"{reason}\",subscription=\"devnet\"}}");
        let counted =
            predicate::function(move |text: &str| value(text, &errors).is_some_and(|count| count != "0"));
        outcome.code(2).stdout(counted);
    }
}

#[rstest]
#[case::node("TERM", "x")]
#[case::transport("DVRF_TRANSPORT", "pigeon")]
#[case::address("DEPOSIT_ADDR", "0xzz")]
fn a_dead_node_and_a_bad_setting_are_still_the_same_subscription(#[case] name: &str, #[case] text: &str) {
    let mut prom = tool("dvrf-prom");
    prom.env("PROFILE", "eu").env("LOTTERY_ADDR", "0x1").env("DEPOSIT_ADDR", "0x2");
    prom.env("SUPRA_RPC_URL", "http://127.0.0.1:9").env(name, text).args(["--live", "--retries", "0"]);
    prom.assert().code(2).stdout(sample("supra_dvrf_up{subscription=\"eu\"}", "0"));
}

#[test]
fn a_stream_is_one_exposition() {
    let (low, healthy) = (report("low"), report("healthy"));
    let named_eu = low.replacen('{', "{\"name\":\"eu\",", 1);
    let mut outcome = prom(&[], format!("{named_eu}{healthy}noise\n")).code(2);
    for name in ["eu", "devnet", "-"] {
        outcome = outcome.stdout(contains(format!("\nsupra_dvrf_up{{subscription=\"{name}\"}} ")));
    }
    outcome.stdout(contains("# TYPE supra_dvrf_up gauge\n").count(1));
    prom(&[], format!("{low}{healthy}"))
        .stdout(series("supra_dvrf_up", 1))
        .stdout(sample("supra_dvrf_deposit_balance_quants{subscription=\"devnet\"}", "78750000000"))
        .stderr(contains("several records are about one subscription, the last one counts"));
}

#[test]
fn the_verdict_in_the_record_counts() {
    let mut check = tool("dvrf-check");
    let checked = check.args(["--warn", "1.2", "--plan", "1.2"]).write_stdin(report("low")).assert().text();
    prom(&[], checked).stdout(sample("supra_dvrf_state{state=\"ok\",subscription=\"devnet\"}", "1"));
}

#[test]
fn json_is_the_record_with_metrics() {
    let input = report("low");
    let outcome = prom(&["--format", "json"], input.clone());
    let record = outcome.json();
    assert_eq!(record["state"], serde_json::from_str::<Value>(&input).unwrap()["state"]);
    let metrics = record["metrics"].as_array().unwrap();
    let balance =
        metrics.iter().find(|metric| metric["name"] == "supra_dvrf_deposit_balance_quants").unwrap();
    assert_eq!(
        *balance,
        json!({"name": "supra_dvrf_deposit_balance_quants", "type": "gauge",
            "labels": {"subscription": "devnet"}, "value": "23625000000"})
    );
    prom(&["--format", "json"], outcome.text()).stdout(json_at("/metrics", metrics.clone()));
}

#[test]
fn openmetrics_ends_and_types() {
    prom(&["--format", "openmetrics"], report("low"))
        .stdout(ends_with("\n# EOF\n"))
        .stdout(contains("# TYPE supra_dvrf_draw_requests counter\n"))
        .stdout(contains("# TYPE supra_dvrf_subscription info\n"))
        .stdout(contains("# UNIT supra_dvrf_min_balance_quants quants\n"));
}

#[test]
fn the_old_script_to_the_letter() {
    let devnet = Devnet::start(&["--scenario", "low", "--interface", "camel"]);
    let mut prom = devnet.tool("dvrf-prom", Way::Rpc);
    let words = ["--live", "--compat", "--label", "env = prod", "--label", "profile=mine", "--fail-on-low"];
    let outcome = gas(&mut prom).args(words).assert().code(0);
    let (lottery, deposit) = (testkit::LOTTERY, testkit::DEPOSIT);
    let labels = format!(
        "client_addr=\"{lottery}\",deposit_addr=\"{deposit}\",env=\"prod\",lottery_addr=\"{lottery}\",profile=\"mine\""
    );
    let expected = [
        ("deposit_balance_quants", "23625000000"),
        ("min_balance_quants", "15750000000"),
        ("recommended_deposit_quants", "18112500000"),
        ("per_request_fee_quants", "525000000"),
        ("request_window_requests", "30"),
        ("balance_ratio", "1.500000"),
        ("min_balance_reached", "0"),
        ("max_gas_price", "1000"),
        ("max_gas_limit", "500000"),
        ("draw_scheduled", "0"),
        ("pending_request", "0"),
        ("ticket_count", "3"),
        ("rng_count", "1"),
        ("monitor_exit_code", "0"),
    ];
    let expected = expected.map(|(name, value)| format!("supra_dvrf_{name}{{{labels}}} {value}"));
    let text = outcome.text();
    let found: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(found[..expected.len()], expected, "{outcome}");
    devnet.enter("below-minimum");
    let alarm = predicate::function(|text: &str| {
        let mut lines = text.lines().filter(|line| line.starts_with("supra_dvrf_monitor_exit_code{"));
        lines.any(|line| line.ends_with("} 1"))
    });
    let mut prom = devnet.tool("dvrf-prom", Way::Rpc);
    gas(&mut prom).args(["--live", "--compat", "--fail-on-low"]).assert().code(1).stdout(alarm);
    devnet.tool("dvrf-prom", Way::Rpc).args(["--live", "--compat"]).assert().code(0);
}

#[rstest]
#[case::label_without_value(&["--label", "x"], "--label is \"x\": a label is written NAME=VALUE")]
#[case::label_name(&["--label", "1x=2"], "--label is \"1x=2\": a name of ASCII letters")]
#[case::reserved_label(&["--label", "state=2"], "--label is \"state=2\": this name is used by the metrics themselves")]
#[case::prefix(&["--metric-prefix", "a-b"], "--metric-prefix is \"a-b\": ASCII letters, digits and _ are needed")]
#[case::scheme(&["--push-url", "ftp://h"], "--push-url is ***: the URL does not begin with http:// or https://")]
#[case::method(&["--push-url", "http://h", "--push-method", "BREW"], "--push-method is \"BREW\": one of POST, PUT is needed")]
#[case::timeout(&["--push-url", "http://h", "--push-timeout", "nan"], "--push-timeout is \"nan\": seconds from 0.001")]
#[case::two_urls(&["--push-url", "http://h", "--push-url-file", "x"], "MONITOR_PUSH_URL and DVRF_PUSH_URL_FILE are both given")]
#[case::group_without_job(&["--push-url", "http://h", "--push-group", "a=b"], "DVRF_PUSH_JOB or --push-job is needed")]
#[case::job_without_url(&["--push-job", "j"], "MONITOR_PUSH_URL or --push-url is needed")]
#[case::delete_without_job(&["--delete", "--push-url", "http://h"], "DVRF_PUSH_JOB or --push-job is needed")]
#[case::port(&["--listen", "9877"], "--listen is \"9877\": an IP address and a port")]
#[case::json_for_scrapers(&["--listen", "127.0.0.1:0", "--format", "json"], "--format is \"json\": a scraper reads")]
#[case::stdin_for_scrapers(&["--listen", "127.0.0.1:0", "--input", "-"], "--input is \"-\": stdin can be read only once")]
fn mistakes_are_named_before_anything_is_asked(#[case] words: &[&str], #[case] said: &str) {
    prom(words, "{\"state\":{}}").code(2).stdout("").stderr(contains(said));
}

#[test]
fn a_textfile_is_written_also_when_nothing_could_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dvrf.prom");
    let to = ["--textfile", path.to_str().unwrap()];
    prom(&to, report("low")).code(0).stdout("").stderr("");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    assert!(std::fs::read_to_string(&path).unwrap().contains("supra_dvrf_deposit_balance_quants{"));
    prom(&to, "noise").code(2);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("supra_dvrf_up{subscription=\"-\"} 0\n") && !text.contains("deposit_balance"),
        "{text}"
    );
    prom(&["--dry-run", "--textfile", "/none/x.prom"], report("low"))
        .code(0)
        .stdout(contains("supra_dvrf_up{"))
        .stderr(contains("would write").and(contains("/none/x.prom")));
    prom(&["--textfile", "/none/x.prom"], report("low"))
        .code(2)
        .stderr(contains("[error] dvrf-prom: cannot write /none/x.prom"));
    prom(&["--textfile", folder.path().join("x.txt").to_str().unwrap()], report("low"))
        .code(0)
        .stderr(contains("does not end in .prom"));
}

#[test]
fn the_last_success_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let ask = || {
        let mut prom = devnet.tool("dvrf-prom", Way::Rpc);
        prom.args(["--live", "--retries", "0", "--state-dir"]).arg(&state).assert()
    };
    let success = "supra_dvrf_last_success_timestamp_seconds{subscription=\"devnet\"}";
    let first = value(&ask().text(), success).unwrap().to_owned();
    devnet.fault("429_rate=100");
    ask().code(2).stdout(sample(success, &first));
    std::fs::write(state.join("prom.json"), "{").unwrap();
    ask()
        .stdout(series("supra_dvrf_last_success_timestamp_seconds", 0))
        .stderr(contains("the memory of prom was not readable"));
    assert!(state.join("prom.json.corrupt").exists());
}

/// The rows of the table of `docs/reference/metrics.md` under a heading, as cells.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let section = page.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    lines.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn the_page_of_metrics_is_the_table_of_the_code() {
    use dvrf_prom::metrics::catalogue::{ALL, OLD};
    let page = std::fs::read_to_string(root().join("docs/reference/metrics.md")).unwrap();
    let expected = |table: &[&dvrf_prom::metrics::Family]| -> Vec<Vec<String>> {
        let code = |text: &str| format!("`{text}`");
        let row = |family: &&dvrf_prom::metrics::Family| {
            let labels: Vec<String> = family.labels.iter().map(|label| code(label)).collect();
            vec![
                code(&format!("supra_dvrf_{}", family.name)),
                family.kind.text().to_owned(),
                labels.join(" "),
                family.help.to_owned(),
            ]
        };
        table.iter().map(row).collect()
    };
    assert_eq!(rows(&page, "Metrics"), expected(ALL));
    assert_eq!(rows(&page, "Old names"), expected(OLD));
}

/// The names that begin with our prefix in a text, without the recording rules'.
fn names_in(text: &str) -> std::collections::BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    words.filter(|word| word.starts_with("supra_dvrf_")).map(str::to_owned).collect()
}

fn shipped(name: &str) -> String {
    std::fs::read_to_string(root().join("scripts/prometheus").join(name)).unwrap()
}

#[test]
fn rules_and_dashboard_use_only_what_is_printed() {
    use dvrf_prom::metrics::catalogue::ALL;
    let known: Vec<String> = ALL.iter().map(|family| format!("supra_dvrf_{}", family.name)).collect();
    let rules = shipped("rules.yml");
    let expressions: String = rules.lines().filter(|line| !line.contains("- name:")).collect();
    let dashboard: Value = serde_json::from_str(&shipped("dashboard.json")).unwrap();
    for (file, text) in [
        ("rules.yml", expressions),
        ("dashboard.json", dashboard.to_string()),
        ("tests.yml", shipped("tests.yml")),
    ] {
        let unknown: Vec<String> = names_in(&text).into_iter().filter(|name| !known.contains(name)).collect();
        assert!(unknown.is_empty(), "{file} uses {unknown:?}");
    }
    let recorded: Vec<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- record: ")).collect();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            for word in expression.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
                assert!(!word.starts_with("subscription:") || recorded.contains(&word), "{expression}");
            }
        }
    }
}

#[test]
fn labels_in_the_rules_are_those_of_the_metrics() {
    use dvrf_prom::metrics::catalogue::ALL;
    let texts = [shipped("rules.yml"), shipped("dashboard.json").replace("\\\"", "\"")];
    let mut seen = 0;
    for text in &texts {
        for rest in text.split("supra_dvrf_").skip(1) {
            let Some((name, selector)) = rest.split_once('{') else { continue };
            let Some(family) = ALL.iter().find(|family| family.name == name) else { continue };
            for pair in selector.split('}').next().unwrap().split(',') {
                let label = pair.trim().split(['=', '!']).next().unwrap();
                assert!(label == "subscription" || family.labels.contains(&label), "{name} has no {label}");
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn every_alert_is_tested_graded_and_explained() {
    let (rules, tests) = (shipped("rules.yml"), shipped("tests.yml"));
    let runbook = std::fs::read_to_string(root().join("docs/fix.md")).unwrap();
    let sections: Vec<&str> = runbook
        .lines()
        .filter_map(|line| line.strip_prefix("### ").filter(|name| name.starts_with("SupraDvrf")))
        .collect();
    let alerts: Vec<(&str, &str)> =
        rules.split("- alert: ").skip(1).map(|rest| rest.split_once('\n').unwrap()).collect();
    assert_eq!(alerts.iter().map(|(name, _)| *name).collect::<Vec<_>>(), sections);
    for (name, body) in alerts {
        let anchor = format!("runbook_url: docs/fix.md#{}\n", name.to_ascii_lowercase());
        assert!(body.contains(&anchor), "{name}");
        let graded = ["info", "warning", "critical", "\"{{ $labels.severity }}\""]
            .iter()
            .any(|grade| body.contains(&format!("severity: {grade}\n")));
        assert!(graded && body.contains("summary: ") && body.contains("description: "), "{name}");
        assert!(tests.contains(&format!("alertname: {name}\n")), "{name} has no test");
    }
}
