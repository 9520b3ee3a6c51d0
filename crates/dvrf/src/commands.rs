//! The commands, and what the old names and flags are today. Nothing else in the workspace knows them.

use std::ffi::OsString;

/// A command.
pub(crate) struct Known {
    /// Its name after `dvrf`.
    pub(crate) name: &'static str,
    /// What it does, in a line.
    about: &'static str,
    /// What it is.
    pub(crate) kind: Kind,
}

/// What a command is.
pub(crate) enum Kind {
    /// A tool, under its own name.
    Tool,
    /// A name of the old scripts.
    Old {
        /// Today's tool.
        tool: &'static str,
        /// Today's words for the old ones.
        translate: fn(&[OsString]) -> Vec<OsString>,
    },
}

const fn tool(name: &'static str, about: &'static str) -> Known {
    Known { name, about, kind: Kind::Tool }
}

const fn old(
    name: &'static str,
    tool: &'static str,
    translate: fn(&[OsString]) -> Vec<OsString>,
    about: &'static str,
) -> Known {
    Known { name, about, kind: Kind::Old { tool, translate } }
}

/// All of them, as `--list` shows them.
const ALL: [Known; 19] = [
    tool("status", "every view of the lottery and the deposit module"),
    tool("json", "the aggregated report"),
    tool("check", "judges a report: ok, alert or unknown"),
    tool("notify", "tells people"),
    tool("prom", "Prometheus metrics"),
    tool("draw", "requests a draw, exactly once"),
    tool("events", "contract events, and which request has its answer"),
    tool("calc", "the minimum balance and the recommended deposit"),
    tool("doctor", "tries everything a run needs and says what to do"),
    tool("devnet", "an emulator of a Supra node and CLI"),
    old("auto-draw", "dvrf-draw", |rest| with(&["auto"], rest), "old name of: draw auto"),
    old("calc-min-balance", "dvrf-calc", |rest| with(&[], rest), "old name of: calc"),
    old("draw-readiness", "dvrf-draw", readiness, "old name of: draw ready --live --format text"),
    old("manual-draw", "dvrf-draw", |rest| with(&["run"], rest), "old name of: draw run"),
    old(
        "monitor-check",
        "dvrf-check",
        |rest| with(&["--live", "--format", "legacy"], rest),
        "old name of: check --live --format legacy",
    ),
    old("monitor-json", "dvrf-json", |rest| with(&["--live"], rest), "old name of: json --live"),
    old(
        "monitor-prometheus",
        "dvrf-prom",
        |rest| with(&["--live", "--compat"], rest),
        "old name of: prom --live --compat",
    ),
    old(
        "monitor-slack",
        "dvrf-notify",
        |rest| with(&["--live", "--format", "text"], rest),
        "old name of: notify --live --format text",
    ),
    old(
        "status-report",
        "dvrf-status",
        |rest| with(&["--live", "--format", "text"], rest),
        "old name of: status --live --format text",
    ),
];

fn with(first: &[&str], rest: &[OsString]) -> Vec<OsString> {
    first.iter().map(OsString::from).chain(rest.iter().cloned()).collect()
}

/// The summary was indented, and the default was text.
fn readiness(rest: &[OsString]) -> Vec<OsString> {
    let is_summary = |word: &OsString| {
        // Any prefix that names it alone, as the old parser took them.
        word.to_str().is_some_and(|word| word.starts_with("--json") && "--json-summary".starts_with(word))
    };
    let form: &[&str] = if rest.iter().any(is_summary) {
        &["ready", "--live", "--pretty"]
    } else {
        &["ready", "--live", "--format", "text"]
    };
    with(form, rest)
}

/// The command of a name.
pub(crate) fn known(name: &str) -> Option<&'static Known> {
    const { &ALL }.iter().find(|command| command.name == name)
}

/// The name nearest to a mistyped one, if it is near.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    let distance = |command: &&'static Known| strsim::damerau_levenshtein(command.name, name);
    let near = const { &ALL }.iter().min_by_key(distance)?;
    (distance(&near) <= 3).then_some(near.name)
}

/// One line a command, aligned.
pub(crate) fn list() -> String {
    let width = ALL.iter().map(|command| command.name.len()).max().unwrap_or(0);
    ALL.iter()
        .map(|command| format!("{:width$}  {}\n", command.name, command.about))
        .collect::<Vec<_>>()
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today(name: &str, words: &[&str]) -> String {
        let rest: Vec<OsString> = words.iter().map(OsString::from).collect();
        let Some(Known { kind: Kind::Old { tool, translate }, .. }) = known(name) else { panic!("{name}") };
        let words: Vec<String> =
            translate(&rest).iter().map(|word| word.to_string_lossy().into_owned()).collect();
        format!("{tool} {}", words.join(" "))
    }

    #[test]
    fn old_names_with_old_flags() {
        for (name, words, command) in [
            ("monitor-json", &["--fail-on-low", "--pretty"][..], "dvrf-json --live --fail-on-low --pretty"),
            ("monitor-slack", &["--webhook-url", "u"], "dvrf-notify --live --format text --webhook-url u"),
            ("monitor-prometheus", &["--label", "a=b"], "dvrf-prom --live --compat --label a=b"),
            (
                "draw-readiness",
                &["--min-tickets", "3"],
                "dvrf-draw ready --live --format text --min-tickets 3",
            ),
            ("draw-readiness", &["--json-s"], "dvrf-draw ready --live --pretty --json-s"),
            ("manual-draw", &["--assume-yes"], "dvrf-draw run --assume-yes"),
            ("auto-draw", &["--execute"], "dvrf-draw auto --execute"),
            ("calc-min-balance", &["--json"], "dvrf-calc --json"),
        ] {
            assert_eq!(today(name, words), command);
        }
    }

    #[test]
    fn mistyped_names() {
        assert_eq!(nearest("chek"), Some("check"));
        assert_eq!(nearest("monitor-jsn"), Some("monitor-json"));
        assert_eq!(nearest("frobnicate"), None);
    }

    #[test]
    fn the_list_is_aligned_and_has_every_name() {
        let list = list();
        assert_eq!(list.lines().count(), ALL.len());
        let column = list.lines().map(|line| line.find("  ").unwrap_or(0)).collect::<Vec<_>>();
        assert!(column.iter().all(|column| *column > 0), "{list}");
    }
}
