//! A bounded part of `scripts/report-chaos`: reports through a load balancer of which one node is 20 minutes behind.

use testkit::{binary, rounds, run};

#[test]
fn what_nodes_that_take_turns_said_together_is_no_alert() {
    let count = rounds(40, 1000).to_string();
    let mut chaos = std::process::Command::new(binary("report-chaos"));
    let outcome = run(chaos.args([&count, "--seed", "7", "--jobs", "4"]));
    assert_eq!(outcome.code, 0, "{outcome}");
    let better = outcome.out.lines().find(|line| line.starts_with("better: ")).unwrap_or_default();
    assert!(better.ends_with("false ok 0, false alert 0"), "{outcome}");
    println!("{}", outcome.out);
}
