//! The transcript pages are what the tools print, and a node that is down is told briefly.

use testkit::{binary, needs, program, root};

#[test]
#[needs("python3")]
fn the_transcript_is_real() {
    let bin = binary("dvrf-check").parent().unwrap().to_path_buf();
    let said = program("python3")
        .arg(root().join("scripts/transcript"))
        .arg("--check")
        .arg("--bin")
        .arg(bin)
        .output();
    let said = said.unwrap();
    let differences =
        [said.stdout, said.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(said.status.success(), "scripts/transcript rewrites the pages:\n{differences}");
}

/// The parts of a situation: the channel and its text.
fn parts<'a>(page: &'a str, situation: &str) -> Vec<(&'a str, &'a str)> {
    let section = page.split("\n## ").find(|section| section.starts_with(situation)).unwrap();
    let parts = section.split("\n**").skip(1);
    parts.map(|part| part.split_once("**\n\n```text\n").unwrap()).collect()
}

#[test]
fn a_node_that_is_down_is_told_briefly() {
    for (name, situation) in
        [("transcript.md", "The node is down\n"), ("transcript.ru.md", "Узел не отвечает\n")]
    {
        let page = std::fs::read_to_string(root().join("docs/reference").join(name)).unwrap();
        let parts = parts(&page, situation);
        let card = parts[0].1.split("\n```").next().unwrap();
        let lines: Vec<&str> = card.lines().collect();
        assert!(lines.len() <= 6 && lines.iter().all(|line| line.chars().count() <= 80), "{card}");
        for channel in ["Slack", "Telegram"] {
            assert_eq!(parts.iter().filter(|(name, _)| *name == channel).count(), 1, "{channel}");
        }
        assert!(parts.iter().filter(|(name, _)| *name == "Alertmanager").count() <= 1);
    }
}
