//! Every situation on every transport, interface and node generation, and every fault: the verdict must be right,
//! or unknown, and nothing unknown may read as low or ok.

use serde_json::json;
use testkit::{Devnet, Outcome, Way, run};

/// Reads and judges through two real processes.
fn verdict(devnet: &Devnet, way: Way, words: &[&str]) -> (i32, String, Outcome) {
    let report = run(devnet.tool("dvrf-json", way).args(["--live", "--retries", "1"]).args(words));
    let outcome = run(testkit::tool("dvrf-check").write_stdin(report.out.clone()));
    let status = outcome.json()["checks"]["status"].as_str().unwrap_or_default().to_owned();
    (outcome.code, status, outcome)
}

fn codes(outcome: &Outcome) -> Vec<String> {
    let json = outcome.json();
    let findings = json["checks"]["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

/// Scenario, verdict, and the gravest finding.
const SITUATIONS: &[(&str, &str, &str)] = &[
    ("healthy", "ok", ""),
    ("warn", "ok", "DEPOSIT_BELOW_PLAN_TIER"),
    ("low", "alert", "DEPOSIT_BELOW_WARN_TIER"),
    ("at-minimum", "alert", "DEPOSIT_AT_OR_BELOW_MIN_BALANCE"),
    ("below-minimum", "alert", "DEPOSIT_AT_OR_BELOW_MIN_BALANCE"),
    ("empty", "alert", "CONSUMERS_EMPTY"),
    ("no-aggregator", "alert", "AGGREGATOR_NOT_SET"),
    ("consumer-missing", "alert", "CONSUMERS_EMPTY"),
    ("gas-drift", "alert", "GAS_LIMITS_DRIFTED"),
    ("ready", "ok", ""),
    ("u128-max", "ok", ""),
];

fn situations(interface: &str, node: &str, way: Way) {
    for words in ["recorded", "invented"] {
        situations_in(words, interface, node, way);
    }
}

fn situations_in(words: &str, interface: &str, node: &str, way: Way) {
    let devnet = Devnet::start(&["--interface", interface, "--node", node, "--words", words]);
    for (scenario, status, code) in SITUATIONS {
        devnet.enter(scenario);
        let (exit, found, outcome) = verdict(&devnet, way, &[]);
        let expected = i32::from(*status != "ok");
        assert_eq!(
            (exit, found.as_str()),
            (expected, *status),
            "{words} {interface} {node} {way:?} {scenario}: {outcome}"
        );
        if !code.is_empty() {
            assert!(
                codes(&outcome).contains(&(*code).to_owned()),
                "{words} {interface} {node} {way:?} {scenario}: {outcome}"
            );
        }
    }
    // Without the events of REST v3 nothing says how long a request has waited.
    devnet.enter("stuck");
    let (exit, _, outcome) = verdict(&devnet, way, &[]);
    let expected =
        if way == Way::Rpc && node != "v6" { (1, "REQUEST_STUCK") } else { (2, "REQUEST_PENDING") };
    assert_eq!((exit, codes(&outcome)[0].as_str()), expected, "{interface} {node} {way:?}: {outcome}");
    devnet.enter("not-whitelisted");
    let (exit, _, outcome) = verdict(&devnet, way, &[]);
    assert_eq!(
        (exit, codes(&outcome)[0].as_str()),
        (1, "CLIENT_NOT_WHITELISTED"),
        "{words} {interface} {node} {way:?}: {outcome}"
    );
}

#[test]
fn v3_over_rest() {
    situations("v3", "v11.7", Way::Rpc);
}

#[test]
fn v3_over_an_older_node() {
    situations("v3", "v11.5", Way::Rpc);
}

#[test]
fn v2_over_the_oldest_node() {
    situations("v2", "v6", Way::Rpc);
}

#[test]
fn camel_case_over_rest() {
    situations("camel", "v11.7", Way::Rpc);
}

#[test]
fn both_interfaces_over_rest() {
    situations("v3+v2", "v11.5", Way::Rpc);
}

#[test]
fn v3_through_the_cli_of_every_generation() {
    situations("v3", "v11.7", Way::Cli("v9"));
    situations("v3", "v6", Way::Cli("v6"));
    situations("camel", "v11.7", Way::Cli("v11"));
}

#[test]
fn v3_situations_of_the_deposit_module() {
    let devnet = Devnet::start(&[]);
    for (scenario, code) in [("paused", "DEPOSIT_PAUSED"), ("module-disabled", "MODULE_DISABLED")] {
        devnet.enter(scenario);
        for way in [Way::Rpc, Way::Cli("v10")] {
            let (exit, _, outcome) = verdict(&devnet, way, &[]);
            assert_eq!((exit, codes(&outcome)), (1, vec![code.to_owned()]), "{scenario} {way:?}");
        }
    }
}

#[test]
fn the_state_is_the_same_from_both_transports() {
    for interface in ["v3", "v2", "camel", "v3+v2"] {
        let devnet = Devnet::start(&["--interface", interface]);
        for scenario in ["healthy", "stuck", "empty", "u128-max"] {
            devnet.enter(scenario);
            let tool = |way| {
                let mut tool = devnet.tool("dvrf-json", way);
                // What an uninitialised lottery lacked is remembered for a day.
                tool.arg("--live").env("DVRF_CACHE_DIR", "off");
                tool
            };
            let state = |way| run(&mut tool(way)).json()["state"].clone();
            let rpc = state(Way::Rpc);
            assert_eq!(state(Way::Cli("v11")), rpc, "{interface} {scenario}");
            if scenario == "u128-max" {
                // Only the camel-case views are u128.
                let most = if interface == "camel" { u128::MAX } else { u64::MAX.into() };
                assert_eq!(rpc["deposit"]["balance"], most.to_string());
            }
            assert_eq!(state(Way::Cli("v9")), rpc, "{interface} {scenario}");
            // A CLI before v11 reads only the resources of its profile's account; only those of the lottery have the nonce of
            // a pending request and the next seed.
            let mut without = rpc.clone();
            without["lottery"]["next_client_seed"] = json!(null);
            if scenario == "stuck" {
                without["lottery"]["pending_nonce"] = json!(null);
            }
            let mut other = tool(Way::Cli("v9"));
            let other = run(other.env("PROFILE", "player1")).json()["state"].clone();
            assert_eq!(other, without, "{interface} {scenario}");
        }
    }
}

#[test]
fn noise_around_the_clis_answers_changes_nothing() {
    let devnet = Devnet::start(&[]);
    let state = |noise: &str| {
        let outcome =
            run(devnet.tool("dvrf-json", Way::Cli("v9")).arg("--live").env("DVRF_DEVNET_CLI_NOISE", noise));
        outcome.json()["state"].clone()
    };
    let quiet = state("none");
    for noise in ["log", "ansi", "crlf", "all"] {
        assert_eq!(state(noise), quiet, "{noise}");
    }
}

#[test]
fn faults_that_pass_leave_the_verdict_right() {
    let devnet = Devnet::start(&["--scenario", "at-minimum"]);
    for fault in
        ["429=3,retry_after=0", "429=2,retry_after=date", "5xx=2", "latency=20ms,jitter=30ms", "slow=2ms"]
    {
        devnet.fault(fault);
        let (exit, status, outcome) = verdict(&devnet, Way::Rpc, &["--retries", "3"]);
        assert_eq!((exit, status.as_str()), (1, "alert"), "{fault}: {outcome}");
    }
}

/// Whatever the node does: never ok on an empty deposit, never low on a full one.
#[test]
fn faults_that_stay_are_unknown_and_never_a_verdict() {
    for (scenario, truth) in [("at-minimum", "alert"), ("healthy", "ok")] {
        let devnet = Devnet::start(&["--scenario", scenario]);
        for (fault, always) in [
            ("5xx_rate=100", true),
            ("5xx_rate=100,5xx_status=500", true),
            ("429_rate=100,retry_after=60", true),
            ("html", true),
            ("truncate", true),
            ("reset", true),
            ("garbage", true),
            ("wrong_content", false),
            ("hang", true),
            ("wrong_chain_id=8", true),
            ("stale=3600", true),
            ("5xx_rate=40", false),
            ("reset,rate=30", false),
            ("html,rate=50", false),
        ] {
            devnet.fault(fault);
            let words = ["--call-timeout", "0.3", "--timeout", "0.8", "--retries", "1"];
            for way in [Way::Rpc, Way::Cli("v9")] {
                let (exit, status, outcome) = verdict(&devnet, way, &words);
                let right = [(0, "ok"), (1, "alert")].contains(&(exit, status.as_str())) && status == truth;
                let unknown = (exit, status.as_str()) == (2, "unknown");
                // The emulated CLI reads no headers, so only REST can see another chain in every answer.
                let certain = always && !(fault.starts_with("wrong_chain") && way != Way::Rpc);
                assert!(unknown || (right && !certain), "{scenario} {fault} {way:?}: {outcome}");
            }
        }
    }
}

#[test]
fn a_needed_view_that_fails_is_unknown_and_an_optional_one_is_not() {
    let devnet = Devnet::start(&[]);
    for kind in ["abort:327685", "missing", "garbage", "null", "type"] {
        for way in [Way::Rpc, Way::Cli("v9")] {
            devnet.fault(&format!("view:get_balance_of_client_v2={kind},view:check_client_fund={kind}"));
            let (exit, status, outcome) = verdict(&devnet, way, &["--timeout", "2"]);
            assert_eq!((exit, status.as_str()), (2, "unknown"), "{kind} {way:?}: {outcome}");
            assert_eq!(outcome.json()["state"]["deposit"]["balance"], json!(null));
            devnet.fault(&format!("view:get_client_total_grant={kind}"));
            let (exit, status, outcome) = verdict(&devnet, way, &["--timeout", "2"]);
            assert_eq!((exit, status.as_str()), (0, "ok"), "{kind} {way:?}: {outcome}");
        }
    }
}

#[test]
fn a_cli_that_misbehaves_is_unknown_in_bounded_time() {
    let devnet = Devnet::start(&[]);
    for (fault, code) in [
        ("cli_hang", 2),
        ("cli_exit_code=3", 2),
        ("cli_garbage", 2),
        ("cli_big_stderr=1000000", 0),
        ("cli_grandchild", 0),
    ] {
        let started = std::time::Instant::now();
        devnet.fault(fault);
        let mut tool = devnet.tool("dvrf-json", Way::Cli("v10"));
        let outcome = run(tool.args(["--live", "--call-timeout", "2", "--timeout", "6"]));
        assert_eq!(outcome.code, code, "{fault}: {outcome}");
        assert!(started.elapsed().as_secs() < 20, "{fault} took {:?}", started.elapsed());
    }
}
