//! The live table in a real terminal: 200 rows, keys, another size, a node that goes and comes back, six situations.

use std::path::PathBuf;
use std::time::Duration;

use assert_cmd::Command;
use testkit::receivers::eventually;
use testkit::{Devnet, Way, needs, program, run};

const WAIT: Duration = Duration::from_secs(30);

/// A tmux server of its own with one window.
struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    /// Runs a command line in a window of this size.
    fn open(folder: &tempfile::TempDir, line: &str, (columns, rows): (usize, usize)) -> Self {
        let terminal = Self { socket: folder.path().join("tmux") };
        let size = ["-x", &columns.to_string(), "-y", &rows.to_string()].map(str::to_owned);
        let mut words = vec!["new-session", "-d"];
        words.extend(size.iter().map(String::as_str));
        words.push(line);
        terminal.tmux(&words);
        terminal
    }

    fn command(&self, words: &[&str]) -> std::process::Command {
        let mut tmux = program("tmux");
        tmux.env_clear().env("PATH", testkit::requirements::path()).env("LC_ALL", "C.UTF-8");
        tmux.args(["-u", "-f", "/dev/null", "-S"]).arg(&self.socket).args(words);
        tmux
    }

    fn tmux(&self, words: &[&str]) -> String {
        let outcome = run(&mut self.command(words));
        assert_eq!(outcome.code, 0, "tmux {words:?}: {outcome}");
        outcome.out
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    fn resize(&self, columns: usize, rows: usize) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// The lines of the screen.
    fn screen(&self) -> Vec<String> {
        self.tmux(&["capture-pane", "-p"]).lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// Waits until the screen is as it should be, and returns it.
    #[track_caller]
    fn shows(&self, what: &str, is_it: impl Fn(&[String]) -> bool) -> Vec<String> {
        let found = eventually(WAIT, || Some(self.screen()).filter(|screen| is_it(screen)));
        found.unwrap_or_else(|| panic!("{what}: the screen is\n{}", self.screen().join("\n")))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already where the tool in its only window has.
        run(&mut self.command(&["kill-server"]));
    }
}

/// The shell's words for a tool with the settings that it has here.
fn shell_words(tool: &Command) -> String {
    let settings = tool.get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?)));
    let settings: Vec<String> = settings.map(|(name, value)| format!("{name}='{value}'")).collect();
    format!("env {} DVRF_RPC_RETRIES=0 '{}'", settings.join(" "), tool.get_program().display())
}

/// The name in the marked row.
fn chosen(screen: &[String]) -> Option<&str> {
    screen.iter().find_map(|line| line.strip_prefix("› ")?.split_whitespace().next())
}

/// How many rows of the table a screen has.
fn rows(screen: &[String]) -> usize {
    screen.iter().filter(|line| line.trim_start_matches(['›', ' ']).starts_with("client-")).count()
}

#[test]
#[needs("tmux")]
fn two_hundred_rows_in_a_terminal() {
    let devnet = Devnet::start(&["--clients", "200"]);
    let folder = tempfile::tempdir().unwrap();
    let clients = devnet.call("GET", "/devnet/state", "")["clients"].clone();
    let target = |number: usize| {
        let address = &clients[number]["address"];
        format!("{{\"name\":\"client-{number:03}\",\"client_addr\":{address}}}\n")
    };
    let fleet = folder.path().join("fleet.jsonl");
    std::fs::write(&fleet, (1..=200).map(target).collect::<String>()).unwrap();
    let mut tool = devnet.tool("dvrf-status", Way::Rpc);
    let line = format!(
        "{} --watch 1s --input '{}'; echo \"ended $?\"; stty -a; cat",
        shell_words(tool.env_remove("LOTTERY_ADDR")),
        fleet.display()
    );
    let mut table = devnet.tool("dvrf-status", Way::Rpc);
    let table = run(table.env_remove("LOTTERY_ADDR").args(["--format", "text", "--input"]).arg(&fleet));
    let name = table.out.lines().nth(201).unwrap().split_whitespace().next().unwrap();
    let terminal = Terminal::open(&folder, &line, (100, 24));
    let sum = |screen: &[String]| screen.iter().any(|line| line.starts_with("200 subscriptions: "));
    let first = terminal.shows("the table", |screen| sum(screen) && rows(screen) == 20);
    assert_eq!((first.len(), chosen(&first).is_some()), (24, true), "{}", first.join("\n"));
    assert!(first.iter().all(|line| line.chars().count() <= 100), "{}", first.join("\n"));

    // The arrows scroll, and another size keeps the chosen row.
    terminal.keys(&["-N", "199", "Down"]);
    let is_chosen = |screen: &[String]| chosen(screen) == Some(name);
    terminal.shows("the last row", |screen| is_chosen(screen) && rows(screen) == 20);
    terminal.resize(140, 50);
    terminal.shows("a larger screen", |screen| is_chosen(screen) && rows(screen) == 46);
    terminal.resize(70, 12);
    terminal.shows("a smaller screen", |screen| is_chosen(screen) && rows(screen) == 8);

    // The card fits the width, also of a screen that became narrower while it was open.
    terminal.resize(110, 24);
    terminal.keys(&["Enter"]);
    let is_card = |screen: &[String], width: usize| {
        let head = screen.iter().find(|line| line.starts_with(&format!("✔ {name} ")));
        head.is_some_and(|head| head.ends_with(" UTC") && head.chars().count() == width - 1)
    };
    terminal.shows("a card", |screen| is_card(screen, 110));
    terminal.resize(70, 24);
    terminal.shows("a narrower card", |screen| is_card(screen, 70));
    terminal.keys(&["Escape"]);

    // A node that goes and comes back: what was seen last stays, in parentheses.
    devnet.fault("html=true");
    let is_gone = |screen: &[String]| {
        is_chosen(screen) && screen.iter().any(|line| line.starts_with('›') && line.contains('('))
    };
    terminal.shows("a node that is gone", is_gone);
    devnet.fault("latency_ms=0");
    terminal.shows("a node that is back", |screen| is_chosen(screen) && !is_gone(screen));

    // ^Z would leave the screen to the shell.
    terminal.keys(&["C-z"]);
    terminal.keys(&["q"]);
    let ended = terminal.shows("the end", |screen| screen.iter().any(|line| line == "ended 0"));
    let modes = terminal.shows("modes", |screen| screen.iter().any(|line| line.contains("echo ")));
    let modes = modes.join(" ");
    assert!(modes.contains(" icanon ") && modes.contains(" echo ") && modes.contains("susp = ^Z"), "{modes}");
    assert_eq!(rows(&ended), 0, "{}", ended.join("\n"));
}

#[test]
#[needs("tmux")]
fn the_six_situations_in_a_terminal() {
    let devnet = Devnet::start(&["--scenario", "healthy"]);
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{} --watch 1s", shell_words(&devnet.tool("dvrf-status", Way::Rpc)));
    let terminal = Terminal::open(&folder, &line, (80, 24));
    let is_row = |screen: &[String]| screen.iter().any(|line| line.starts_with("› ") && line.contains('✔'));
    terminal.shows("a row", is_row);
    terminal.keys(&["Enter"]);
    for (scenario, headline) in [
        ("low", "▲ deposit is getting low"),
        ("at-minimum", "✖ deposit at the minimum"),
        ("stuck", "✖ draw request unanswered for "),
        ("empty", "✖ not set up: a draw would abort"),
        ("healthy", "✔ "),
    ] {
        devnet.enter(scenario);
        let (glyph, words) = headline.split_once(' ').unwrap();
        let is_card = |screen: &[String]| {
            let head = screen.iter().find(|line| line.starts_with(&format!("{glyph} ")));
            head.is_some_and(|head| head.contains(words))
                && screen.iter().all(|line| line.chars().count() <= 80)
        };
        terminal.shows(headline, is_card);
    }
    devnet.fault("html=true");
    terminal.shows("a node that is gone", |screen| screen.iter().any(|line| line.starts_with("? ")));
    terminal.keys(&["q"]);
}
