//! Every command block of the documents, run as a reader would: on a devnet, with the reader's own values filled in.

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

/// The first screen shows what the tools print: a golden file holds the cards.
#[test]
#[needs("python3")]
fn the_pictures_show_real_cards() {
    let outcome = run(program("python3").arg(root().join("scripts/picture")).arg("--check"));
    assert_eq!(outcome.code, 0, "{outcome}");
    for name in ["README.md", "docs/README.ru.md"] {
        assert!(
            page(name).lines().take(8).any(|line| line.starts_with("![") && line.contains("cards.")),
            "{name}"
        );
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
    std::fs::write(folder.path().join("fleet.jsonl"), fleet.repeat(12)).unwrap();
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
        assert!((0..=1).contains(&outcome.code), "{name}: {block}{outcome}");
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

/// The pages with command blocks: how many run, and how many messages they send.
const PAGES: [(&str, usize, usize); 14] = [
    ("README.md", 5, 1),
    ("docs/watch.md", 13, 2),
    ("docs/fix.md", 1, 0),
    ("docs/draw.md", 1, 0),
    ("docs/fund.md", 3, 0),
    ("docs/fleet.md", 2, 0),
    ("docs/migrate.md", 10, 1),
    ("docs/reference/events.md", 1, 0),
    ("docs/reference/exit-codes.md", 1, 0),
    ("docs/reference/history.md", 3, 0),
    ("docs/reference/layouts.md", 1, 0),
    ("docs/reference/metrics.md", 1, 0),
    ("docs/reference/notify.md", 1, 2),
    ("docs/reference/settings.md", 1, 0),
];

#[test]
#[needs("jq", "python3")]
fn every_block_of_the_pages_runs() {
    let found: Vec<_> = PAGES.iter().map(|(page, ..)| (*page, run_all(page))).collect();
    let expected: Vec<_> = PAGES.iter().map(|(page, ran, sent)| (*page, (*ran, *sent))).collect();
    assert_eq!(found, expected);
}

/// What cannot run here stands between fences.
#[test]
fn no_other_page_has_blocks() {
    for path in crate::tidy::files("docs", ".md") {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let runs = PAGES.iter().any(|(page, ..)| *page == name.replace(".ru.md", ".md"));
        assert!(
            runs || name == "docs/README.ru.md" || blocks(&page(&name)).is_empty(),
            "{name} is not in PAGES"
        );
    }
}

/// The Russian pages have the same blocks, so that what runs in one runs in the other.
#[test]
fn translated_pages_have_the_same_blocks() {
    assert_eq!(blocks(&page("docs/watch.ru.md")), blocks(&page("docs/watch.md")));
    assert_eq!(blocks(&page("docs/fix.ru.md")), blocks(&page("docs/fix.md")));
    assert_eq!(blocks(&page("docs/README.ru.md")), blocks(&page("README.md")));
    let commands = |page: &str| -> Vec<String> {
        page.lines()
            .filter(|line| line.starts_with("$ ") || line.starts_with("# "))
            .skip(1)
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(commands(&page("docs/start.ru.md")), commands(&page("docs/start.md")));
}
