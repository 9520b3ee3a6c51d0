//! Faults: one seeded plan per request, so that a run can be repeated.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Every fault is off at its default; percentages are of the requests `path` selects.
#[expect(clippy::struct_excessive_bools, reason = "each switch is one fault of its own, in any combination")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Faults {
    pub(crate) latency_ms: u64,
    pub(crate) jitter_ms: u64,
    pub(crate) first_429: u64,
    pub(crate) rate_429: u64,
    /// Seconds, or `date` for an HTTP date one second ahead.
    pub(crate) retry_after: Option<String>,
    pub(crate) first_5xx: u64,
    pub(crate) rate_5xx: u64,
    /// 0 means 503.
    pub(crate) status_5xx: u16,
    pub(crate) html: bool,
    pub(crate) truncate: bool,
    pub(crate) reset: bool,
    pub(crate) hang: bool,
    pub(crate) garbage: bool,
    pub(crate) wrong_content: bool,
    /// Pause before each of eight pieces of the body.
    pub(crate) slow_ms: u64,
    /// White space put in front of the body.
    pub(crate) huge_bytes: usize,
    /// Share of requests the switches above hit; 0 means all.
    pub(crate) rate: u64,
    /// Only requests whose path or body (a view's function and arguments) contains this.
    pub(crate) path: Option<String>,
    pub(crate) chain_id: Option<u8>,
    pub(crate) stale_seconds: u64,
    /// Function name → `abort:CODE`, `missing`, `garbage`, `null`, `type`, `hostile`, `hostile-value`, or a raw answer.
    pub(crate) views: BTreeMap<String, String>,
    pub(crate) cli_hang: bool,
    pub(crate) cli_grandchild: bool,
    pub(crate) cli_latency_ms: u64,
    pub(crate) cli_exit_code: u8,
    pub(crate) cli_garbage: bool,
    pub(crate) cli_big_stderr: usize,
    pub(crate) cli_timeout_after_accept: bool,
    pub(crate) cli_password: bool,
    /// How `move tool run` ends, in recorded words: see [`crate::supra_cli`].
    pub(crate) cli_run: Option<String>,
    /// A transaction waits this many blocks before it is executed; one that would wait for more than 1200 expires.
    pub(crate) hold_blocks: u64,
    /// A fee that is taken from the client with each deposit, in quants.
    pub(crate) fee_with_deposit: u64,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum BadFault {
    #[error("fault `{0}` is not key=value")]
    Form(String),
    #[error("unknown or malformed fault")]
    Value(#[from] serde_json::Error),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Pass,
    Throttle,
    Broken(u16),
    Html,
    Truncate,
    Reset,
    Hang,
    Garbage,
    WrongContent,
}

pub(crate) struct Plan {
    pub(crate) delay_ms: u64,
    pub(crate) action: Action,
    pub(crate) slow_ms: u64,
    pub(crate) huge_bytes: usize,
    pub(crate) retry_after: Option<String>,
}

fn key_of(short: &str) -> &str {
    match short {
        "latency" => "latency_ms",
        "jitter" => "jitter_ms",
        "429" => "first_429",
        "429_rate" => "rate_429",
        "5xx" => "first_5xx",
        "5xx_rate" => "rate_5xx",
        "5xx_status" => "status_5xx",
        "slow" => "slow_ms",
        "huge" => "huge_bytes",
        "stale" => "stale_seconds",
        "wrong_chain_id" => "chain_id",
        "cli_latency" => "cli_latency_ms",
        other => other,
    }
}

fn value_of(key: &str, text: &str) -> Value {
    if ["retry_after", "path", "cli_run"].contains(&key) {
        return Value::from(text);
    }
    let plain = text.strip_suffix("ms").or_else(|| text.strip_suffix(['s', '%'])).unwrap_or(text);
    let scale = if key.ends_with("_ms") && text.ends_with('s') && !text.ends_with("ms") { 1000 } else { 1 };
    match (plain.parse::<u64>(), text) {
        (Ok(number), _) => Value::from(number.saturating_mul(scale)),
        (_, "" | "true" | "on") => Value::from(true),
        (_, "false" | "off") => Value::from(false),
        _ => Value::from(text),
    }
}

impl Faults {
    /// Adds `latency=50ms,429=2,view:check_client_fund=abort:393217,hang` to what is set.
    pub(crate) fn merge(&mut self, text: &str) -> Result<(), BadFault> {
        let mut object = serde_json::to_value(&*self)?.as_object().cloned().unwrap_or_default();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (key, value) = item.split_once('=').unwrap_or((item, "true"));
            if key.is_empty() {
                return Err(BadFault::Form(item.to_owned()));
            }
            if let Some(view) = key.strip_prefix("view:") {
                let views = object.entry("views").or_insert_with(|| Value::Object(Map::new()));
                if let Some(views) = views.as_object_mut() {
                    views.insert(view.to_owned(), Value::from(value));
                }
                continue;
            }
            let key = key_of(key);
            object.insert(key.to_owned(), value_of(key, value));
        }
        *self = serde_json::from_value(Value::Object(object))?;
        Ok(())
    }

    /// `served`: requests of the node answered before this one.
    pub(crate) fn plan(&self, seed: u64, served: u64, subject: &str) -> Plan {
        let roll = |label: &str| crate::digest::number(label, seed, served) % 100;
        let jitter = match self.jitter_ms {
            0 => 0,
            most => crate::digest::number("jitter", seed, served) % (most + 1),
        };
        let selected = self.path.as_ref().is_none_or(|part| subject.contains(part.as_str()));
        let hit = selected && (self.rate == 0 || roll("rate") < self.rate);
        let action = if !selected {
            Action::Pass
        } else if served < self.first_429 || roll("429") < self.rate_429 {
            Action::Throttle
        } else if served < self.first_5xx || roll("5xx") < self.rate_5xx {
            Action::Broken(if self.status_5xx == 0 { 503 } else { self.status_5xx })
        } else if !hit {
            Action::Pass
        } else {
            let switches = [
                (self.reset, Action::Reset),
                (self.hang, Action::Hang),
                (self.html, Action::Html),
                (self.truncate, Action::Truncate),
                (self.garbage, Action::Garbage),
                (self.wrong_content, Action::WrongContent),
            ];
            switches.into_iter().find(|(on, _)| *on).map_or(Action::Pass, |(_, action)| action)
        };
        Plan {
            delay_ms: if selected { self.latency_ms + jitter } else { 0 },
            action,
            slow_ms: if hit { self.slow_ms } else { 0 },
            huge_bytes: if hit { self.huge_bytes } else { 0 },
            retry_after: self.retry_after.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Faults};

    #[test]
    fn text_reads_units_switches_and_views() {
        let mut faults = Faults::default();
        faults.merge("latency=50ms,jitter=1s,429=2,html,view:f=abort:7,path=view").unwrap();
        assert_eq!((faults.latency_ms, faults.jitter_ms, faults.first_429, faults.html), (50, 1000, 2, true));
        assert_eq!(faults.views["f"], "abort:7");
        for bad in ["nonsense=1", "latency=soon", "=1"] {
            assert!(faults.merge(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_same_seed_repeats_and_the_first_requests_are_throttled() {
        let mut faults = Faults::default();
        faults.merge("429=2,5xx_rate=50").unwrap();
        let run = |seed| (0..40).map(|n| faults.plan(seed, n, "/x").action).collect::<Vec<_>>();
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        assert_eq!(run(1)[..2], [Action::Throttle, Action::Throttle]);
        let broken = run(1).iter().filter(|action| **action == Action::Broken(503)).count();
        assert!((10..30).contains(&broken), "{broken}");
    }
}
