//! `dvrf-prom`: formats, labels, names, sinks and exits, without any program but ours.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod prom_push;
mod prom_real;
mod prom_serve;

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use testkit::{Devnet, Way, root, run, tool};

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

fn named(text: &str, name: &str) -> usize {
    text.lines().filter(|line| line.starts_with(&format!("{name}{{"))).count()
}

#[test]
fn one_report_in_text() {
    let outcome = run(tool("dvrf-prom").write_stdin(report("low")));
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome}");
    for (series, expected) in [
        ("supra_dvrf_up{subscription=\"devnet\"}", "1"),
        ("supra_dvrf_state{state=\"alert\",subscription=\"devnet\"}", "1"),
        ("supra_dvrf_state{state=\"ok\",subscription=\"devnet\"}", "0"),
        ("supra_dvrf_deposit_balance_quants{subscription=\"devnet\"}", "23625000000"),
        ("supra_dvrf_deposit_to_min_balance_ratio{subscription=\"devnet\"}", "1.500000"),
        (
            "supra_dvrf_finding{code=\"DEPOSIT_BELOW_WARN_TIER\",severity=\"warning\",subscription=\"devnet\"}",
            "1",
        ),
        ("supra_dvrf_build_info{version=\"0.1.0\"}", "1"),
    ] {
        assert_eq!(value(&outcome.out, series), Some(expected), "{series}: {outcome}");
    }
    assert!(outcome.out.ends_with('\n') && !outcome.out.contains('\r'));
}

#[test]
fn what_is_unknown_is_absent_and_never_low() {
    for (fault, reason) in [
        ("view:get_balance_of_client_v2=garbage,view:check_client_fund=garbage", "undecodable"),
        ("429_rate=100", "throttled"),
        ("html", "unreachable"),
        ("wrong_chain_id=9", "wrong_chain"),
        ("stale=9000", ""),
    ] {
        let devnet = Devnet::start(&["--scenario", "low", "--fault", fault]);
        let outcome = run(devnet.tool("dvrf-prom", Way::Rpc).args(["--live", "--retries", "0"]));
        let subscription = "subscription=\"devnet\"";
        assert_eq!(
            value(&outcome.out, &format!("supra_dvrf_up{{{subscription}}}")),
            Some("0"),
            "{fault}: {outcome}"
        );
        assert_eq!(named(&outcome.out, "supra_dvrf_deposit_balance_quants"), 0, "{fault}: {outcome}");
        assert_eq!(named(&outcome.out, "supra_dvrf_deposit_to_min_balance_ratio"), 0, "{fault}: {outcome}");
        assert_eq!(named(&outcome.out, "supra_dvrf_last_success_timestamp_seconds"), 0, "{fault}: {outcome}");
        let unknown = format!("supra_dvrf_state{{state=\"unknown\",{subscription}}}");
        assert_eq!(value(&outcome.out, &unknown), Some("1"), "{fault}: {outcome}");
        if !reason.is_empty() {
            let errors = format!("supra_dvrf_probe_errors{{reason=\"{reason}\",{subscription}}}");
            assert!(value(&outcome.out, &errors).is_some_and(|count| count != "0"), "{fault}: {outcome}");
            assert_eq!(outcome.code, 2, "{fault}: {outcome}");
        }
    }
}

#[test]
fn a_dead_node_and_a_bad_setting_are_still_the_same_subscription() {
    let lost = |name: &str, text: &str| {
        let mut prom = tool("dvrf-prom");
        prom.env("PROFILE", "eu").env("LOTTERY_ADDR", "0x1").env("DEPOSIT_ADDR", "0x2");
        run(prom.env("SUPRA_RPC_URL", "http://127.0.0.1:9").env(name, text).args([
            "--live",
            "--retries",
            "0",
        ]))
    };
    for (name, text) in [("TERM", "x"), ("DVRF_TRANSPORT", "pigeon"), ("DEPOSIT_ADDR", "0xzz")] {
        let outcome = lost(name, text);
        assert_eq!(outcome.code, 2, "{outcome}");
        assert_eq!(value(&outcome.out, "supra_dvrf_up{subscription=\"eu\"}"), Some("0"), "{outcome}");
    }
}

#[test]
fn a_stream_is_one_exposition() {
    let (low, healthy) = (report("low"), report("healthy"));
    let named_eu = low.replacen('{', "{\"name\":\"eu\",", 1);
    let outcome = run(tool("dvrf-prom").write_stdin(format!("{named_eu}{healthy}noise\n")));
    assert_eq!(outcome.code, 2, "{outcome}");
    for name in ["eu", "devnet", "-"] {
        assert!(
            value(&outcome.out, &format!("supra_dvrf_up{{subscription=\"{name}\"}}")).is_some(),
            "{outcome}"
        );
    }
    assert_eq!(outcome.out.matches("# TYPE supra_dvrf_up gauge\n").count(), 1);
    let twice = run(tool("dvrf-prom").write_stdin(format!("{low}{healthy}")));
    assert!(twice.err.contains("several records are about one subscription, the last one counts"), "{twice}");
    assert_eq!(named(&twice.out, "supra_dvrf_up"), 1);
    assert_eq!(
        value(&twice.out, "supra_dvrf_deposit_balance_quants{subscription=\"devnet\"}"),
        Some("78750000000")
    );
}

#[test]
fn the_verdict_in_the_record_counts() {
    let input =
        run(tool("dvrf-check").args(["--warn", "1.2", "--plan", "1.2"]).write_stdin(report("low"))).out;
    let outcome = run(tool("dvrf-prom").write_stdin(input));
    assert_eq!(
        value(&outcome.out, "supra_dvrf_state{state=\"ok\",subscription=\"devnet\"}"),
        Some("1"),
        "{outcome}"
    );
}

#[test]
fn json_is_the_record_with_metrics() {
    let input = report("low");
    let outcome = run(tool("dvrf-prom").args(["--format", "json"]).write_stdin(input.clone()));
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
    let again = run(tool("dvrf-prom").args(["--format", "json"]).write_stdin(outcome.out));
    assert_eq!(again.json()["metrics"], record["metrics"]);
}

#[test]
fn openmetrics_ends_and_types() {
    let outcome = run(tool("dvrf-prom").args(["--format", "openmetrics"]).write_stdin(report("low")));
    assert!(outcome.out.ends_with("\n# EOF\n"), "{outcome}");
    assert!(outcome.out.contains("# TYPE supra_dvrf_draw_requests counter\n"), "{outcome}");
    assert!(outcome.out.contains("# TYPE supra_dvrf_subscription info\n"), "{outcome}");
    assert!(outcome.out.contains("# UNIT supra_dvrf_min_balance_quants quants\n"), "{outcome}");
}

#[test]
fn the_old_script_to_the_letter() {
    let devnet = Devnet::start(&["--scenario", "low", "--interface", "camel"]);
    let mut prom = devnet.tool("dvrf-prom", Way::Rpc);
    let words = ["--live", "--compat", "--label", "env = prod", "--label", "profile=mine", "--fail-on-low"];
    let outcome = run(gas(&mut prom).args(words));
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
    let found: Vec<&str> = outcome.out.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(found[..expected.len()], expected, "{outcome}");
    assert_eq!(outcome.code, 0, "{outcome}");
    devnet.enter("below-minimum");
    let low = run(gas(&mut devnet.tool("dvrf-prom", Way::Rpc)).args(["--live", "--compat", "--fail-on-low"]));
    assert_eq!(low.code, 1, "{low}");
    assert!(
        low.out
            .lines()
            .any(|line| line.starts_with("supra_dvrf_monitor_exit_code{") && line.ends_with("} 1"))
    );
    let silent = run(devnet.tool("dvrf-prom", Way::Rpc).args(["--live", "--compat"]));
    assert_eq!(silent.code, 0, "{silent}");
}

#[test]
fn mistakes_are_named_before_anything_is_asked() {
    for (words, said) in [
        (&["--label", "x"][..], "--label is \"x\": a label is written NAME=VALUE"),
        (&["--label", "1x=2"], "--label is \"1x=2\": a name of ASCII letters"),
        (&["--label", "state=2"], "--label is \"state=2\": this name is used by the metrics themselves"),
        (&["--metric-prefix", "a-b"], "METRIC_PREFIX is \"a-b\": ASCII letters, digits and _ are needed"),
        (
            &["--push-url", "ftp://h"],
            "MONITOR_PUSH_URL is ***: the URL does not begin with http:// or https://",
        ),
        (
            &["--push-url", "http://h", "--push-method", "BREW"],
            "--push-method is \"BREW\": one of POST, PUT is needed",
        ),
        (
            &["--push-url", "http://h", "--push-timeout", "nan"],
            "--push-timeout is \"nan\": seconds from 0.001",
        ),
        (
            &["--push-url", "http://h", "--push-url-file", "x"],
            "MONITOR_PUSH_URL and DVRF_PUSH_URL_FILE are both given",
        ),
        (&["--push-url", "http://h", "--push-group", "a=b"], "DVRF_PUSH_JOB or --push-job is needed"),
        (&["--push-job", "j"], "MONITOR_PUSH_URL or --push-url is needed"),
        (&["--delete", "--push-url", "http://h"], "DVRF_PUSH_JOB or --push-job is needed"),
        (&["--listen", "9877"], "--listen is \"9877\": an IP address and a port"),
        (&["--listen", "127.0.0.1:0", "--format", "json"], "--format is \"json\": a scraper reads"),
        (&["--listen", "127.0.0.1:0", "--input", "-"], "--input is \"-\": stdin can be read only once"),
    ] {
        let outcome = run(tool("dvrf-prom").args(words).write_stdin("{\"state\":{}}"));
        assert_eq!((outcome.code, outcome.out.as_str()), (2, ""), "{words:?}: {outcome}");
        assert!(outcome.err.contains(said), "{words:?}: {outcome}");
    }
}

#[test]
fn a_textfile_is_written_also_when_nothing_could_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dvrf.prom");
    let mut prom = tool("dvrf-prom");
    let outcome = run(prom.arg("--textfile").arg(&path).write_stdin(report("low")));
    assert_eq!((outcome.code, outcome.out.as_str(), outcome.err.as_str()), (0, "", ""), "{outcome}");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    assert!(std::fs::read_to_string(&path).unwrap().contains("supra_dvrf_deposit_balance_quants{"));
    let failed = run(tool("dvrf-prom").arg("--textfile").arg(&path).write_stdin("noise"));
    assert_eq!(failed.code, 2, "{failed}");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("supra_dvrf_up{subscription=\"-\"} 0\n") && !text.contains("deposit_balance"),
        "{text}"
    );
    let dry =
        run(tool("dvrf-prom").args(["--dry-run", "--textfile", "/none/x.prom"]).write_stdin(report("low")));
    assert!(dry.code == 0 && dry.out.contains("supra_dvrf_up{"), "{dry}");
    assert!(dry.err.contains("would write") && dry.err.contains("/none/x.prom"), "{dry}");
    let lost = run(tool("dvrf-prom").args(["--textfile", "/none/x.prom"]).write_stdin(report("low")));
    assert_eq!(lost.code, 2, "{lost}");
    assert!(lost.err.contains("[error] dvrf-prom: cannot write /none/x.prom"), "{lost}");
    let odd =
        run(tool("dvrf-prom").arg("--textfile").arg(folder.path().join("x.txt")).write_stdin(report("low")));
    assert!(odd.code == 0 && odd.err.contains("does not end in .prom"), "{odd}");
}

#[test]
fn the_last_success_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let ask = || {
        run(devnet.tool("dvrf-prom", Way::Rpc).args(["--live", "--retries", "0", "--state-dir"]).arg(&state))
    };
    let series = "supra_dvrf_last_success_timestamp_seconds{subscription=\"devnet\"}";
    let first = value(&ask().out, series).unwrap().to_owned();
    devnet.fault("429_rate=100");
    let outcome = ask();
    assert_eq!((outcome.code, value(&outcome.out, series)), (2, Some(first.as_str())), "{outcome}");
    std::fs::write(state.join("prom.json"), "{").unwrap();
    let corrupt = ask();
    assert!(corrupt.err.contains("the memory of prom was not readable"), "{corrupt}");
    assert_eq!(value(&corrupt.out, series), None);
    assert!(state.join("prom.json.corrupt").exists());
}

/// The rows of the table of `docs/metrics.md` under a heading, as cells.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let section = page.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    lines.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn the_page_of_metrics_is_the_table_of_the_code() {
    use dvrf_prom::metrics::catalogue::{ALL, OLD};
    let page = std::fs::read_to_string(root().join("docs/metrics.md")).unwrap();
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
    let runbook = std::fs::read_to_string(root().join("docs/runbook.md")).unwrap();
    let sections: Vec<&str> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let alerts: Vec<(&str, &str)> =
        rules.split("- alert: ").skip(1).map(|rest| rest.split_once('\n').unwrap()).collect();
    assert_eq!(alerts.iter().map(|(name, _)| *name).collect::<Vec<_>>(), sections);
    for (name, body) in alerts {
        let anchor = format!("runbook_url: docs/runbook.md#{}\n", name.to_ascii_lowercase());
        assert!(body.contains(&anchor), "{name}");
        let graded = ["info", "warning", "critical", "\"{{ $labels.severity }}\""]
            .iter()
            .any(|grade| body.contains(&format!("severity: {grade}\n")));
        assert!(graded && body.contains("summary: ") && body.contains("description: "), "{name}");
        assert!(tests.contains(&format!("alertname: {name}\n")), "{name} has no test");
    }
}
