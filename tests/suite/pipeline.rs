//! What the tools do together, in real shells. Tests named `jq_…` need jq; `scripts/test` leaves them out, and says
//! so, where it is not installed.

use testkit::{Devnet, binary, needs, program, root};

/// Runs a line in bash with our binaries first on the path.
fn bash(line: &str) -> (Option<i32>, String, String) {
    let folder = binary("dvrf-json").parent().unwrap().display().to_string();
    let path = format!("{folder}:{}", testkit::requirements::path());
    let output = program("bash").args(["-o", "pipefail", "-c", line]).env("PATH", path).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
#[needs("jq")]
fn from_chain_to_verdict_in_one_pipe() {
    for transport in ["rpc", "cli"] {
        let line = format!(
            "dvrf-devnet exec --transport {transport} --scenario at-minimum -- sh -c 'dvrf-json --live | dvrf-check | jq -r .checks.status'"
        );
        assert_eq!(bash(&line), (Some(0), "alert\n".to_owned(), String::new()), "{transport}");
    }
}

#[test]
#[needs("jq")]
fn numbers_survive() {
    let line = "dvrf-devnet exec --scenario u128-max --interface camel -- sh -c 'dvrf-json --live | jq -c . | dvrf-check | jq -r .checks.available_quants'";
    assert_eq!(bash(line).1, format!("{}\n", u128::MAX));
}

#[test]
fn head_takes_one() {
    let line = "for i in 1 2 3; do echo '{\"state\":{}}'; done | dvrf-json | head -1";
    assert_eq!(bash(line), (Some(0), "{\"state\":{}}\n".to_owned(), String::new()));
}

#[test]
#[needs("jq")]
fn a_fleet_is_a_file_of_lines() {
    let devnet = Devnet::start(&["--clients", "20"]);
    let targets: Vec<String> = (0..=20)
        .map(|index| {
            format!(
                "{{\"client_addr\":\"{}\"}}
",
                devnet.client(index).0
            )
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let fleet = folder.path().join("fleet.jsonl");
    std::fs::write(&fleet, targets.concat()).unwrap();
    let line = format!(
        "dvrf-json --rpc-url {} --deposit-addr {} < {} | dvrf-check | jq -r .state.deposit.client_whitelisted | sort | uniq -c | tr -s ' '",
        devnet.url,
        testkit::DEPOSIT,
        fleet.display()
    );
    assert_eq!(bash(&line).1, " 21 true\n");
}

#[test]
fn the_demo_tells_its_story() {
    let output = program("bash")
        .arg(root().join("scripts/demo"))
        .env("DVRF_DEMO_BIN", binary("dvrf-json").parent().unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    for part in [
        "Subscription",
        "DEPOSIT_AT_OR_BELOW_MIN_BALANCE",
        "'balance'=15750000000",
        "DVRF OK - ",
        "supra_dvrf_deposit_to_min_balance_ratio{subscription=",
    ] {
        assert!(said.contains(part), "{part} is missing:\n{said}");
    }
}
