//! A bounded part of `scripts/draw-chaos`: rounds over nodes that disagree, each drawn once.

use testkit::{binary, needs, rounds, run};

#[test]
#[needs("faketime")]
fn every_round_is_drawn_once_by_hostile_nodes_and_clis() {
    let count = rounds(100, 1000).to_string();
    let mut chaos = std::process::Command::new(binary("draw-chaos"));
    let outcome = run(chaos.args([&count, "--seed", "7", "--jobs", "4"]));
    assert_eq!(outcome.code, 0, "{outcome}");
    let figures: Vec<&str> = outcome.out.lines().collect();
    assert!(figures[0].starts_with(&format!("{count} rounds, ")), "{outcome}");
    assert_eq!(figures[1], "double 0, premature 0, never 0, falsely asserted 0");
    println!("{}", outcome.out);
}

#[test]
#[needs("faketime")]
fn a_tool_without_a_memory_is_caught() {
    let mut chaos = std::process::Command::new(binary("draw-chaos"));
    let outcome = run(chaos.args(["100", "--seed", "7", "--jobs", "4", "--forget"]));
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(outcome.out.contains("wrong: double: "), "{outcome}");
    assert!(outcome.out.contains("repeat: scripts/draw-chaos 5 --seed 7 --first "), "{outcome}");
}
