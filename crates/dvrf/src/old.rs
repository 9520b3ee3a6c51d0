//! The command names of the old scripts: their flags, which may be abbreviated, and what they mean today.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

/// A command name of the old scripts.
pub(crate) struct OldName {
    pub(crate) name: &'static str,
    /// The module of the old program, as the old list named it; the shell scripts had none.
    module: Option<&'static str>,
    about: &'static str,
    /// The words that make the tool behave like the old command, given the user's own. They go before the user's.
    pub(crate) added_words: fn(&[OsString]) -> &'static [&'static str],
    /// Runs the tool as the old script did.
    pub(crate) run: fn(&[OsString]) -> ExitCode,
    flags: &'static [&'static [OldFlag]],
}

/// A flag without its dashes, and whether a value follows it.
type OldFlag = (&'static str, bool);

const TARGET: &[OldFlag] = &[
    ("profile", true),
    ("lottery-addr", true),
    ("deposit-addr", true),
    ("client-addr", true),
    ("supra-cli-bin", true),
    ("supra-config", true),
];
const CALCULATION: &[OldFlag] = &[
    ("max-gas-price", true),
    ("max-gas-limit", true),
    ("verification-gas", true),
    ("margin", true),
    ("window", true),
];
const READINESS: &[OldFlag] = &[
    ("min-tickets", true),
    ("skip-draw-scheduled", false),
    ("allow-pending-request", false),
    ("skip-min-balance", false),
    ("require-aggregator", false),
    ("expect-aggregator", true),
];

pub(crate) static OLD_NAMES: [OldName; 9] = [
    OldName {
        name: "auto-draw",
        module: Some("supra.automation.auto_draw_runner"),
        about: "Checks the readiness and requests the draw, one JSON line a run",
        added_words: |_| &["auto"],
        run: dvrf_draw::run_old,
        flags: &[
            TARGET,
            CALCULATION,
            READINESS,
            &[("execute", false), ("dry-run", false), ("assume-yes", false), ("function-id", true)],
        ],
    },
    OldName {
        name: "calc-min-balance",
        module: Some("supra.scripts.calc_min_balance"),
        about: "Calculates the minimum balance and the recommended deposit",
        added_words: |_| &[],
        run: dvrf_calc::run,
        flags: &[CALCULATION, &[("json", false)]],
    },
    OldName {
        name: "draw-readiness",
        module: Some("supra.scripts.testnet_draw_readiness"),
        about: "Says whether a draw may be requested",
        added_words: draw_readiness,
        run: dvrf_draw::run_old,
        flags: &[
            TARGET,
            CALCULATION,
            READINESS,
            &[("print-json", false), ("json-summary", false), ("include-report", false)],
        ],
    },
    OldName {
        name: "manual-draw",
        module: Some("supra.scripts.testnet_manual_draw"),
        about: "Requests a draw if everything is ready",
        added_words: |_| &["run"],
        run: dvrf_draw::run_old,
        flags: &[
            TARGET,
            CALCULATION,
            READINESS,
            &[
                ("print-json", false),
                ("skip-readiness", false),
                ("json-result", false),
                ("assume-yes", false),
                ("dry-run", false),
                ("function-id", true),
            ],
        ],
    },
    OldName {
        name: "monitor-check",
        module: None,
        about: "Checks the deposit against its minimums",
        added_words: |_| &["--live", "--format", "legacy"],
        run: dvrf_check::run_old,
        flags: &[],
    },
    OldName {
        name: "monitor-json",
        module: Some("supra.scripts.testnet_monitor_json"),
        about: "Prints the report as JSON",
        added_words: |_| &["--live"],
        run: dvrf_json::run_old,
        flags: &[TARGET, CALCULATION, &[("fail-on-low", false), ("pretty", false)]],
    },
    OldName {
        name: "monitor-prometheus",
        module: Some("supra.scripts.testnet_monitor_prometheus"),
        about: "Prints and pushes the report as metrics",
        added_words: |_| &["--live", "--compat"],
        run: dvrf_prom::run_old,
        flags: &[
            TARGET,
            CALCULATION,
            &[
                ("fail-on-low", false),
                ("metric-prefix", true),
                ("label", true),
                ("push-url", true),
                ("push-method", true),
                ("push-timeout", true),
                ("dry-run", false),
            ],
        ],
    },
    OldName {
        name: "monitor-slack",
        module: Some("supra.scripts.testnet_monitor_slack"),
        about: "Sends the report to a webhook",
        added_words: |_| &["--live", "--format", "text"],
        run: dvrf_notify::run_old,
        flags: &[
            TARGET,
            CALCULATION,
            &[
                ("fail-on-low", false),
                ("webhook-url", true),
                ("webhook-type", true),
                ("title", true),
                ("dry-run", false),
                ("include-json", false),
            ],
        ],
    },
    OldName {
        name: "status-report",
        module: None,
        about: "Prints the answers of ten view functions",
        added_words: |_| &["--live", "--format", "legacy"],
        run: dvrf_status::run_old,
        flags: &[],
    },
];

/// The old command printed text by default, and its summary as indented JSON.
fn draw_readiness(words: &[OsString]) -> &'static [&'static str] {
    if words.iter().any(|word| word == "--json-summary") {
        &["ready", "--live", "--pretty"]
    } else {
        &["ready", "--live", "--format", "text"]
    }
}

impl OldName {
    /// The words with every abbreviated flag written out: the old parser took any prefix that belonged to one of its flags,
    /// which today may be a prefix of several, or a flag of its own.
    pub(crate) fn expanded(&self, words: &[OsString]) -> Vec<OsString> {
        let mut expanded = Vec::with_capacity(words.len());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let written = word.to_str().and_then(|text| self.expand(text));
            let takes_next = written.as_ref().is_some_and(|(_, takes_next)| *takes_next);
            expanded.push(written.map_or_else(|| word.clone(), |(text, _)| text.into()));
            if takes_next {
                expanded.extend(words.next().cloned());
            }
            if word == OsStr::new("--") {
                expanded.extend(words.by_ref().cloned());
            }
        }
        expanded
    }

    /// An old flag in full, and whether its value is the next word; `None` for any other word.
    fn expand(&self, word: &str) -> Option<(String, bool)> {
        let text = word.strip_prefix("--").filter(|text| !text.is_empty())?;
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let flags = || self.flags.iter().copied().flatten();
        let exact = flags().find(|(flag, _)| *flag == name);
        let mut near = flags().filter(|(flag, _)| flag.starts_with(name));
        let (flag, takes_value) = match (exact, near.next(), near.next()) {
            (Some(flag), ..) | (None, Some(flag), None) => *flag,
            _ => return None,
        };
        Some(match value {
            Some(value) => (format!("--{flag}={value}"), false),
            None => (format!("--{flag}"), takes_value),
        })
    }
}

/// The old list: the name, its module and, on the next line, what it does.
pub(crate) fn old_list() -> String {
    let programs = OLD_NAMES.iter().filter_map(|old| Some((old.name, old.module?, old.about)));
    programs.fold(String::new(), |list, (name, module, about)| {
        list + &format!("{name:18} -> {module}\n    {about}\n")
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::own("monitor-json", "--profile p --pretty", "--profile p --pretty")]
    #[case::prefix("monitor-json", "--lottery 0x1 --deposit=0x2", "--lottery-addr 0x1 --deposit-addr=0x2")]
    #[case::todays_flag("monitor-slack", "--fail-on --title --fail-on", "--fail-on-low --title --fail-on")]
    #[case::function("auto-draw", "--function 0x1::m::f", "--function-id 0x1::m::f")]
    #[case::ambiguous("draw-readiness", "--max-gas 5", "--max-gas 5")]
    #[case::unknown("monitor-json", "--rpc-url x", "--rpc-url x")]
    #[case::summary("draw-readiness", "--json-s", "--json-summary")]
    #[case::end("monitor-json", "--pret -- --pret", "--pretty -- --pret")]
    fn abbreviations(#[case] name: &str, #[case] words: &str, #[case] expected: &str) {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        let old = OLD_NAMES.iter().find(|old| old.name == name).unwrap();
        assert_eq!(old.expanded(&words).join(" ".as_ref()), expected);
    }

    #[test]
    fn the_old_list() {
        let list = old_list();
        assert!(list.starts_with("auto-draw          -> supra.automation.auto_draw_runner\n    "), "{list}");
        assert_eq!(list.lines().count(), 14);
    }
}
