//! The table of commands: every tool with its entry point, and the command names of the old scripts.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::old::{OLD_NAMES, OldName};

/// A tool of this program.
pub(crate) struct Tool {
    /// The command; the tool's own binary is `dvrf-NAME`.
    pub(crate) name: &'static str,
    group: Group,
    about: &'static str,
    /// Runs the tool on a command line, of which the first word is the program's name.
    pub(crate) run: fn(&[OsString]) -> ExitCode,
    old_names: &'static [&'static str],
}

/// What a tool is for; the list of commands is in this order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Watch,
    Tell,
    Act,
    SetUp,
}

impl Group {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Watch, "Watch"), (Self::Tell, "Tell"), (Self::Act, "Act"), (Self::SetUp, "Set up")];
}

/// Commands that are not tools.
const OTHERS: [(Group, &str, &str); 1] =
    [(Group::SetUp, "help", "shows the help of a command, or the shared settings")];

/// A command with its words, ready to run.
pub(crate) struct Command {
    /// The tool's name today.
    pub(crate) tool: &'static str,
    run: fn(&[OsString]) -> ExitCode,
    /// The words after the program's name.
    words: Vec<OsString>,
}

impl Command {
    /// Runs the tool.
    pub(crate) fn run(self) -> ExitCode {
        // The first word is what the tool's usage text calls the program.
        let program = OsString::from(format!("dvrf {}", self.tool));
        (self.run)(&[vec![program], self.words].concat())
    }
}

static TOOLS: [Tool; 15] = [
    Tool {
        name: "status",
        group: Group::Watch,
        about: "shows subscriptions: a card, a table, or every value",
        run: dvrf_status::run,
        old_names: &["status-report"],
    },
    Tool {
        name: "json",
        group: Group::Watch,
        about: "prints the report as JSON records",
        run: dvrf_json::run,
        old_names: &["monitor-json"],
    },
    Tool {
        name: "check",
        group: Group::Watch,
        about: "says whether a subscription is fine, and what to do",
        run: dvrf_check::run,
        old_names: &["monitor-check"],
    },
    Tool {
        name: "notify",
        group: Group::Tell,
        about: "sends one alert per incident, reminders, and a \"resolved\"",
        run: dvrf_notify::run,
        old_names: &["monitor-slack"],
    },
    Tool {
        name: "prom",
        group: Group::Tell,
        about: "exports Prometheus metrics",
        run: dvrf_prom::run,
        old_names: &["monitor-prometheus"],
    },
    Tool {
        name: "draw",
        group: Group::Act,
        about: "says whether a draw may be requested, and requests it once",
        run: dvrf_draw::run,
        old_names: &["auto-draw", "draw-readiness", "manual-draw"],
    },
    Tool {
        name: "fund",
        group: Group::Act,
        about: "tops a deposit up, capped, and never twice",
        run: dvrf_fund::run,
        old_names: &[],
    },
    Tool {
        name: "events",
        group: Group::Watch,
        about: "lists contract events and pairs requests with answers",
        run: dvrf_events::run,
        old_names: &[],
    },
    Tool {
        name: "calc",
        group: Group::SetUp,
        about: "calculates the minimum balance and the recommended deposit",
        run: dvrf_calc::run,
        old_names: &["calc-min-balance"],
    },
    Tool {
        name: "doctor",
        group: Group::SetUp,
        about: "checks everything that a run needs and suggests fixes",
        run: dvrf_doctor::run,
        old_names: &[],
    },
    Tool {
        name: "init",
        group: Group::SetUp,
        about: "writes dvrf.toml: asks four questions and tries each answer",
        run: crate::init::run,
        old_names: &[],
    },
    Tool {
        name: "config",
        group: Group::SetUp,
        about: "shows the settings in effect and where each one comes from",
        run: crate::config::run,
        old_names: &[],
    },
    Tool {
        name: "layout",
        group: Group::SetUp,
        about: "lists and checks the layouts by which contracts are read",
        run: crate::layout::run,
        old_names: &[],
    },
    Tool {
        name: "devnet",
        group: Group::SetUp,
        about: "emulates a Supra node and CLI, for demos and tests",
        run: dvrf_devnet::run,
        old_names: &[],
    },
    Tool {
        name: "explain",
        group: Group::SetUp,
        about: "says what a code means and what to do",
        run: crate::explain::run,
        old_names: &[],
    },
];

/// The tool of a command name of today.
pub(crate) fn tool(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

/// The command of a name of today or of the old scripts, with the user's words.
pub(crate) fn command(name: &str, words: &[OsString]) -> Option<Command> {
    if let Some(tool) = tool(name) {
        return Some(Command { tool: tool.name, run: tool.run, words: words.to_vec() });
    }
    let (tool, old) = old_names().find(|(_, old)| old.name == name)?;
    let words = old.expanded(words);
    let added = (old.added_words)(&words).iter().map(OsString::from).collect();
    Some(Command { tool: tool.name, run: old.run, words: [added, words].concat() })
}

fn old_names() -> impl Iterator<Item = (&'static Tool, &'static OldName)> {
    let old = |name: &&str| OLD_NAMES.iter().find(|old| old.name == *name);
    TOOLS.iter().flat_map(move |tool| tool.old_names.iter().filter_map(old).map(move |old| (tool, old)))
}

/// Words that people try, and the commands that they mean.
const SYNONYMS: &[(&str, &str)] = &[
    ("topup", "fund"),
    ("top-up", "fund"),
    ("deposit", "fund"),
    ("monitor", "check"),
    ("alert", "notify"),
    ("balance", "status"),
];

/// The command name nearest to a mistyped one, if one is near.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    if let Some((_, command)) = SYNONYMS.iter().find(|(word, _)| *word == name) {
        return Some(command);
    }
    let others = OTHERS.iter().map(|(_, name, _)| *name);
    let names = TOOLS.iter().map(|tool| tool.name).chain(others).chain(old_names().map(|(_, old)| old.name));
    dvrf_cli::parse::nearest(name, names)
}

/// The names of all commands of today, with what each does.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    let others = OTHERS.iter().map(|(_, name, about)| (*name, *about));
    TOOLS.iter().map(|tool| (tool.name, tool.about)).chain(others)
}

/// The commands of today by what they are for, one aligned line each.
pub(crate) fn list() -> String {
    let width = names().map(|(name, _)| name.len()).max().unwrap_or(0);
    Group::ALL.iter().fold(String::new(), |list, (group, title)| {
        let tools = TOOLS.iter().filter(|tool| tool.group == *group).map(|tool| (tool.name, tool.about));
        let others =
            OTHERS.iter().filter(|(other, ..)| other == group).map(|(_, name, about)| (*name, *about));
        let list = list + &format!("{title}:\n");
        tools.chain(others).fold(list, |list, (name, about)| list + &format!("  {name:width$}  {about}\n"))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::status("status-report", "", "status --live --format legacy")]
    #[case::json("monitor-json", "--fail-on-low --pretty", "json --live --fail-on-low --pretty")]
    #[case::check("monitor-check", "", "check --live --format legacy")]
    #[case::notify("monitor-slack", "--webhook-url u", "notify --live --format text --webhook-url u")]
    #[case::prom("monitor-prometheus", "--label a=b", "prom --live --compat --label a=b")]
    #[case::readiness("draw-readiness", "--min-tickets 3", "draw ready --live --format text --min-tickets 3")]
    #[case::summary("draw-readiness", "--json-s", "draw ready --live --pretty --json-summary")]
    #[case::draw("manual-draw", "--assume-yes", "draw run --assume-yes")]
    #[case::auto("auto-draw", "--execute", "draw auto --execute")]
    #[case::calc("calc-min-balance", "--json", "calc --json")]
    #[case::today("check", "--pretty", "check --pretty")]
    fn command_lines_of_today(#[case] name: &str, #[case] words: &str, #[case] expected: &str) {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        let command = command(name, &words).unwrap();
        let line = [&[OsString::from(command.tool)], command.words.as_slice()].concat();
        assert_eq!(line.join(" ".as_ref()), expected);
    }

    #[rstest]
    #[case::tool("chek", Some("check"))]
    #[case::old_name("monitor-jsn", Some("monitor-json"))]
    #[case::synonym("topup", Some("fund"))]
    #[case::nothing_near("frobnicate", None)]
    fn mistyped_names(#[case] name: &str, #[case] expected: Option<&str>) {
        assert_eq!(nearest(name), expected);
    }

    #[test]
    fn the_list_is_aligned_and_has_every_command() {
        let list = list();
        let lines: Vec<_> = list.lines().filter(|line| line.starts_with("  ")).collect();
        assert_eq!(
            (lines.len(), list.lines().count()),
            (names().count(), names().count() + Group::ALL.len())
        );
        for (line, ..) in lines.iter().map(|line| line.split_at(11)) {
            assert!(line.ends_with("  "), "{list}");
        }
    }
}
