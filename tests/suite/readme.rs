//! Every command block of the README, run as a reader would: on a devnet, with the reader's own values filled in.

use std::os::unix::fs::symlink;
use std::path::Path;

use testkit::mock_receiver::MockReceiver;
use testkit::{Devnet, LOTTERY, binary, needs, program, root, run};

/// The indented blocks, each as one script. What stands between fences is output.
fn blocks(page: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    let mut is_output = false;
    for line in page.lines() {
        is_output ^= line.starts_with("```");
        match line.strip_prefix("    ").filter(|_| !is_output) {
            Some(code) => {
                if let Some(last) = blocks.last_mut() {
                    last.push_str(code);
                    last.push('\n');
                }
            }
            None => blocks.push(String::new()),
        }
    }
    blocks.retain(|block| !block.trim().is_empty());
    blocks
}

/// A block as it can run here; `None` for what the gate runs itself, or what rebuilds everything.
fn runnable(block: &str, folder: &str) -> Option<String> {
    if block.contains("scripts/") && !block.contains("--legacy") && !block.contains("supra/scripts/") {
        return None;
    }
    let filled = block
        .replace("DEPOSIT_ADDR=0x…", &format!("DEPOSIT_ADDR={}", testkit::DEPOSIT))
        .replace("0x…", LOTTERY)
        .replace("/var/lib/dvrf", &format!("{folder}/state"))
        .replace("/etc/dvrf/", &format!("{folder}/"))
        .replace("/opt/SupraLottery", &format!("{folder}/old"))
        .replace("SUPRA_CLI_BIN=/supra/supra", "SUPRA_CLI_BIN=$DEVNET_CLI");
    // A crontab line: what follows the five fields is for the shell.
    let line = filled.split_whitespace().nth(5).filter(|_| filled.starts_with("*/"));
    Some(match line {
        Some(first) => filled[filled.find(&format!(" {first}")).unwrap_or(0)..].to_owned(),
        None => filled,
    })
}

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

/// What the first screen shows is what the tools print.
#[test]
fn the_cards_of_the_readme_are_real() {
    let cards = page("tests/golden/cards.txt");
    for name in ["README.md", "docs/README.ru.md"] {
        let page = page(name);
        let shown = page.split("```text\n").nth(1).and_then(|rest| rest.split("\n```").next()).unwrap();
        assert_eq!(shown.split("\n\n").count(), 2, "{name}");
        for card in shown.split("\n\n") {
            assert!(cards.contains(&format!("columns\n{card}\n")), "{name}: {card}");
        }
    }
}

/// Runs every block of a page in one place; how many there were, and how many messages were sent.
fn run_all(name: &str) -> (usize, usize) {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let inbox = MockReceiver::friendly();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display().to_string();
    std::fs::write(folder.path().join("slack"), inbox.url("secret")).unwrap();
    let settings = [
        ("SUPRA_RPC_URL", devnet.url.as_str()),
        ("LOTTERY_ADDR", LOTTERY),
        ("DEPOSIT_ADDR", testkit::DEPOSIT),
        ("PROFILE", "my_profile"),
        ("DVRF_CHAIN_ID", "6"),
        ("MAX_GAS_PRICE", "1000"),
        ("MAX_GAS_LIMIT", "500000"),
        ("VERIFICATION_GAS_VALUE", "25000"),
    ];
    // As env/testnet.env.example: names and values, nothing exported.
    let lines = settings.map(|(name, value)| format!("{name}={value}\n"));
    std::fs::write(folder.path().join("testnet.env"), lines.concat()).unwrap();
    old_installation(folder.path(), &lines.concat());
    std::fs::create_dir(folder.path().join("state")).unwrap();
    let fleet = format!("{{\"lottery_addr\":\"{LOTTERY}\"}}\n");
    std::fs::write(folder.path().join("fleet.jsonl"), fleet.repeat(2)).unwrap();
    let mut ran = 0;
    for block in blocks(&page(name)).iter().filter_map(|block| runnable(block, &place)) {
        let mut shell = program("sh");
        let tools = binary("dvrf").parent().unwrap().display().to_string();
        shell.env_clear().env("PATH", format!("{tools}:{}", testkit::requirements::path()));
        shell.env("DVRF_DEVNET_URL", &devnet.url).env("DEVNET_CLI", &devnet.cli);
        shell.env("DVRF_CACHE_DIR", "off").env("HOME", folder.path()).current_dir(folder.path());
        if !block.contains("testnet.env") {
            shell.envs(settings);
        }
        // The pipe in the first block is for a terminal, where no stdin means live.
        let outcome = run(shell.args(["-c", &format!("exec </dev/null\n{block}")]));
        // The deposit of this chain is low, and some commands say so by their code.
        assert!((0..=1).contains(&outcome.code), "{block}{outcome}");
        let quiet = block.contains('>') || block.contains("--textfile");
        assert!(quiet || !outcome.out.trim().is_empty(), "{block}{outcome}");
        assert!(!outcome.err.contains("[error]"), "{block}{outcome}");
        ran += 1;
    }
    (ran, inbox.requests().len())
}

/// An old tree with its settings and one original script, and the new programs under `~/.local` beside the sources.
fn old_installation(folder: &Path, settings: &str) {
    let scripts = folder.join("old/supra/scripts");
    std::fs::create_dir_all(&scripts).unwrap();
    std::fs::write(scripts.join("testnet_env"), settings).unwrap();
    std::fs::write(scripts.join("testnet_monitor_check.sh"), "exit 77\n").unwrap();
    std::fs::create_dir_all(folder.join(".local/bin")).unwrap();
    symlink(binary("dvrf"), folder.join(".local/bin/dvrf")).unwrap();
    symlink(root().join("scripts"), folder.join("scripts")).unwrap();
}

#[test]
#[needs("jq", "python3")]
fn every_block_of_the_migration_page_runs() {
    let (ran, told) = run_all("docs/migrate.md");
    assert!(ran >= 10 && told == 1, "{ran} blocks ran, {told} messages were sent");
}

#[test]
#[needs("jq")]
fn every_block_of_the_readme_runs() {
    let (ran, told) = run_all("README.md");
    assert!(ran >= 5 && told == 1, "{ran} blocks ran, {told} messages were sent");
}

#[test]
#[needs("jq", "curl")]
fn every_block_of_the_guide_runs() {
    let (ran, told) = run_all("docs/watch.md");
    assert!(ran >= 12 && told == 2, "{ran} blocks ran, {told} messages were sent");
}

#[test]
#[needs("jq")]
fn every_block_of_the_history_page_runs() {
    assert_eq!(run_all("docs/reference/history.md"), (3, 0));
}

#[test]
fn every_block_of_the_page_about_deposits_runs() {
    assert_eq!(run_all("docs/fund.md"), (3, 0));
}

/// The cells of every table row of a page, without its dashes.
fn rows(page: &str) -> Vec<Vec<&str>> {
    page.lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// `scripts/bench` writes both pages; a figure that was written by hand has no row there.
#[test]
fn every_figure_of_the_readme_was_measured() {
    let (readme, performance) = (page("README.md"), page("docs/internals/performance.md"));
    let figures = readme.split("\n## ").find(|part| part.starts_with("Figures\n")).unwrap();
    let measured = rows(&performance);
    let claimed = rows(figures);
    assert!(claimed.len() >= 8, "{} rows", claimed.len());
    for row in &claimed[1..] {
        let source = measured.iter().find(|found| found[0] == row[0]);
        let source =
            source.unwrap_or_else(|| panic!("docs/internals/performance.md has no row {:?}", row[0]));
        for cell in row.iter().filter(|cell| !cell.is_empty()) {
            assert!(source.contains(cell), "{cell:?} is not in {source:?}: run scripts/bench");
        }
    }
}

/// The Russian pages have the same blocks, so that what runs in one runs in the other.
#[test]
fn translated_pages_have_the_same_blocks() {
    assert_eq!(blocks(&page("docs/watch.ru.md")), blocks(&page("docs/watch.md")));
    assert_eq!(blocks(&page("docs/README.ru.md")), blocks(&page("README.md")));
}
