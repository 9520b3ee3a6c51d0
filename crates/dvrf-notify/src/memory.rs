//! What is remembered between runs, and which event a verdict makes of it. Pure: verdict and time in, events out.
//!
//! One subscription has at most one incident at a time. It opens after `fire_after` bad runs in a row, grows but never
//! shrinks, and closes after `resolve_after` good runs in a row with the deposit clear of the limit it fell below. A
//! run that could not judge moves none of these counts: not knowing is neither better nor worse. Blindness itself is
//! told after `unknown_after` such runs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::outbox::Outbox;
use crate::notification::Event;
use supra_core::amount::{Count, Decimal, Quants};
use supra_core::check::code::Code;
use supra_core::check::{Checks, Finding, Severity, Status};

/// The value of the file's `schema`.
pub const SCHEMA: &str = "dvrf.notify/1";

/// The policy of telling.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Seconds between reminders; `None`: none.
    pub repeat_every_s: Option<i64>,
    /// Bad runs in a row before the first message.
    pub fire_after: u32,
    /// Good runs in a row before all is well.
    pub resolve_after: u32,
    /// Runs in a row that could not judge before that is told.
    pub unknown_after: u32,
    /// How far above a limit the deposit must be to count as clear of it.
    pub clear_margin: Decimal,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            repeat_every_s: Some(4 * 3600),
            fire_after: 1,
            resolve_after: 2,
            unknown_after: 3,
            clear_margin: Decimal::percent(10),
        }
    }
}

/// Everything that is kept about one subscription.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Which version wrote it.
    pub schema: String,
    /// Whose it is, in full: file names are only hashes.
    pub subscription: String,
    /// Counts messages, so that every one has an id of its own.
    pub sequence: u64,
    /// What is wrong now.
    pub incident: Option<Incident>,
    /// Since when nothing could be judged.
    pub blind: Option<Told>,
    /// The last incident that ended: Alertmanager is told for some minutes that it did.
    pub ended: Option<Ended>,
    bad_runs: u32,
    good_runs: u32,
    unknown_runs: u32,
    /// Requests over time, for the runway.
    usage: Vec<Sample>,
    /// What is still to be delivered.
    pub outbox: Outbox,
    /// Channels whose address was refused for good.
    pub broken: BTreeMap<String, Broken>,
}

/// Something that was told, and may be told again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// When it began, seconds since 1970.
    pub since_s: i64,
    /// When it was last told.
    pub last_told_s: i64,
    /// Which channels were told: they are told of the end too.
    pub channels: BTreeSet<String>,
}

/// What is wrong with a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Since when and to whom.
    #[serde(flatten)]
    pub told: Told,
    /// The gravest severity told.
    pub severity: Severity,
    /// Every finding told, by code, as it was last seen.
    pub findings: Vec<Finding>,
    /// Bad runs in a row with something that was not told yet.
    worse_runs: u32,
    /// The multiple of the chain's minimum that the deposit fell below.
    clear_ratio: Option<Decimal>,
    /// Whether it fell below the expected minimum.
    clear_expected: bool,
}

/// An incident that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When, seconds since 1970.
    pub at_s: i64,
    /// What it was.
    pub incident: Incident,
}

/// A channel whose address was refused for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// Since when, seconds since 1970.
    pub since_s: i64,
    /// A hash of the address: another one is tried at once.
    pub address: String,
    /// Whether the receiver asked never to be called again (410).
    pub gone: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Sample {
    at_s: i64,
    requests: Count,
}

/// One event to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// What happened.
    pub event: Event,
    /// Whether it is about not being able to judge.
    pub blind: bool,
    /// How grave it is at its gravest.
    pub severity: Severity,
    /// When it began.
    pub since_s: i64,
    /// For an end: the channels that were told.
    pub channels: Option<BTreeSet<String>>,
    /// For an end: what it was.
    pub findings: Vec<Finding>,
}

impl Memory {
    /// A memory of nothing.
    pub fn new(subscription: &str) -> Self {
        Self { schema: SCHEMA.to_owned(), subscription: subscription.to_owned(), ..Self::default() }
    }

    /// Reads a file; an error says why it cannot be used.
    pub fn parse(bytes: &[u8], subscription: &str) -> Result<Self, String> {
        let memory: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if memory.schema != SCHEMA {
            return Err(format!("its schema is {:?}, this version writes {SCHEMA}", memory.schema));
        }
        if memory.subscription != subscription {
            return Err("it belongs to another subscription".to_owned());
        }
        Ok(memory)
    }

    /// What this run's verdict makes of the past.
    pub fn step(&mut self, checks: &Checks, now_s: i64, rules: &Rules) -> Vec<Occasion> {
        self.mend_clock(now_s);
        match checks.status {
            Status::Unknown => self.unknown(now_s, rules).into_iter().collect(),
            Status::Alert => {
                let seen_again = self.sighted(now_s);
                let told = self.bad(checks, now_s, rules);
                seen_again.into_iter().chain(told).collect()
            }
            Status::Ok => {
                let seen_again = self.sighted(now_s);
                let told = self.good(checks, now_s, rules);
                seen_again.into_iter().chain(told).collect()
            }
        }
    }

    /// A clock that was set back must not silence reminders until it catches up.
    fn mend_clock(&mut self, now_s: i64) {
        let told = self.incident.iter_mut().map(|incident| &mut incident.told).chain(self.blind.as_mut());
        for told in told {
            told.last_told_s = told.last_told_s.min(now_s);
            told.since_s = told.since_s.min(now_s);
        }
        self.usage.retain(|sample| sample.at_s <= now_s);
        if let Some(ended) = &mut self.ended {
            ended.at_s = ended.at_s.min(now_s);
        }
    }

    fn unknown(&mut self, now_s: i64, rules: &Rules) -> Option<Occasion> {
        self.unknown_runs = self.unknown_runs.saturating_add(1);
        let occasion = |event, since_s| Occasion {
            event,
            blind: true,
            severity: Severity::Unknown,
            since_s,
            channels: None,
            findings: Vec::new(),
        };
        match &mut self.blind {
            None if self.unknown_runs >= rules.unknown_after => {
                self.blind = Some(Told { since_s: now_s, last_told_s: now_s, channels: BTreeSet::new() });
                Some(occasion(Event::Firing, now_s))
            }
            Some(told) if due(told, now_s, rules) => {
                told.last_told_s = now_s;
                Some(occasion(Event::Reminder, told.since_s))
            }
            _ => None,
        }
    }

    /// A run that could judge ends blindness, whatever it found.
    fn sighted(&mut self, _now_s: i64) -> Option<Occasion> {
        self.unknown_runs = 0;
        let told = self.blind.take()?;
        Some(Occasion {
            event: Event::Resolved,
            blind: true,
            severity: Severity::Unknown,
            since_s: told.since_s,
            channels: Some(told.channels),
            findings: Vec::new(),
        })
    }

    fn bad(&mut self, checks: &Checks, now_s: i64, rules: &Rules) -> Option<Occasion> {
        self.good_runs = 0;
        self.bad_runs = self.bad_runs.saturating_add(1);
        let alerting = alerting(checks);
        let severity = alerting.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Info);
        let occasion = |event, incident: &Incident| Occasion {
            event,
            blind: false,
            severity: incident.severity,
            since_s: incident.told.since_s,
            channels: None,
            findings: Vec::new(),
        };
        let Some(incident) = &mut self.incident else {
            if self.bad_runs < rules.fire_after {
                return None;
            }
            let told = Told { since_s: now_s, last_told_s: now_s, channels: BTreeSet::new() };
            let mut incident = Incident {
                told,
                severity,
                findings: Vec::new(),
                worse_runs: 0,
                clear_ratio: None,
                clear_expected: false,
            };
            incident.learn(&alerting);
            let occasion = occasion(Event::Firing, &incident);
            self.incident = Some(incident);
            return Some(occasion);
        };
        let is_new = |finding: &Finding| incident.findings.iter().all(|known| known.code != finding.code);
        if severity > incident.severity || alerting.iter().any(is_new) {
            incident.worse_runs = incident.worse_runs.saturating_add(1);
            if incident.worse_runs >= rules.fire_after {
                incident.worse_runs = 0;
                incident.severity = incident.severity.max(severity);
                incident.told.last_told_s = now_s;
                incident.learn(&alerting);
                return Some(occasion(Event::Worse, incident));
            }
        } else {
            incident.worse_runs = 0;
            incident.learn(&alerting);
        }
        if due(&incident.told, now_s, rules) {
            incident.told.last_told_s = now_s;
            return Some(occasion(Event::Reminder, incident));
        }
        None
    }

    fn good(&mut self, checks: &Checks, now_s: i64, rules: &Rules) -> Option<Occasion> {
        self.bad_runs = 0;
        let incident = self.incident.as_mut()?;
        incident.worse_runs = 0;
        self.good_runs = if incident.is_clear(checks, rules) { self.good_runs.saturating_add(1) } else { 0 };
        if self.good_runs < rules.resolve_after {
            return None;
        }
        self.good_runs = 0;
        let incident = self.incident.take()?;
        self.ended = Some(Ended { at_s: now_s, incident: incident.clone() });
        Some(Occasion {
            event: Event::Resolved,
            blind: false,
            severity: incident.severity,
            since_s: incident.told.since_s,
            channels: Some(incident.told.channels),
            findings: incident.findings,
        })
    }

    /// Notes that a channel is told of this occasion, so that it hears of the end too.
    pub fn note_told(&mut self, occasion: &Occasion, channel: &str) {
        let told = if occasion.blind {
            self.blind.as_mut()
        } else {
            self.incident.as_mut().map(|incident| &mut incident.told)
        };
        if let Some(told) = told {
            told.channels.insert(channel.to_owned());
        }
    }

    /// Keeps the count of requests and says for how many hours `left` more will do at the rate of the last week;
    /// `None` until there is an hour with a request in it.
    pub fn hours_left(&mut self, requests: Option<Count>, left: Option<Count>, now_s: i64) -> Option<u128> {
        const HOUR_S: i64 = 3600;
        const SAMPLES_MAX: usize = 7 * 24;
        let requests = requests?;
        // A count that fell is another contract's or a chain made anew.
        if self.usage.last().is_some_and(|last| last.requests > requests) {
            self.usage.clear();
        }
        if self.usage.last().is_none_or(|last| now_s.saturating_sub(last.at_s) >= HOUR_S) {
            self.usage.push(Sample { at_s: now_s, requests });
        }
        let surplus = self.usage.len().saturating_sub(SAMPLES_MAX);
        self.usage.drain(..surplus);
        let first = self.usage.first()?;
        let span_s = u128::try_from(now_s.saturating_sub(first.at_s))
            .ok()
            .filter(|span| *span >= HOUR_S.unsigned_abs().into())?;
        let made = requests.get().checked_sub(first.requests.get()).filter(|made| *made > 0)?;
        left?.get().checked_mul(span_s)?.checked_div(made.checked_mul(3600)?)
    }
}

fn due(told: &Told, now_s: i64, rules: &Rules) -> bool {
    rules.repeat_every_s.is_some_and(|every| now_s.saturating_sub(told.last_told_s) >= every)
}

/// The findings that make the alert: from warning on, or all where the policy alerts on less.
pub fn alerting(checks: &Checks) -> Vec<Finding> {
    let at_least = |least: Severity| -> Vec<Finding> {
        checks.findings.iter().filter(|finding| finding.severity >= least).cloned().collect()
    };
    let grave = at_least(Severity::Warning);
    if grave.is_empty() { at_least(Severity::Info) } else { grave }
}

impl Incident {
    fn learn(&mut self, alerting: &[Finding]) {
        for finding in alerting {
            match finding.code {
                Code::DepositAtOrBelowMinBalance => self.fell_below(Decimal::percent(100)),
                Code::DepositBelowCriticalTier | Code::DepositBelowWarnTier | Code::DepositBelowPlanTier => {
                    let threshold = finding.evidence.get("threshold");
                    let threshold = threshold.and_then(|text| Decimal::deserialize(text).ok());
                    self.fell_below(threshold.unwrap_or(Decimal::percent(100)));
                }
                Code::AvailableBelowExpectedMinBalance | Code::AvailableBelowCalculatedMinBalance => {
                    self.clear_expected = true;
                }
                _ => {}
            }
            match self.findings.iter_mut().find(|known| known.code == finding.code) {
                Some(known) => *known = finding.clone(),
                None => self.findings.push(finding.clone()),
            }
        }
    }

    fn fell_below(&mut self, ratio: Decimal) {
        let higher = |held: Decimal| {
            ratio.of(1_000_000).unwrap_or(u128::MAX) > held.of(1_000_000).unwrap_or(u128::MAX)
        };
        if self.clear_ratio.is_none_or(higher) {
            self.clear_ratio = Some(ratio);
        }
    }

    /// Whether the deposit is above the limits it fell below, by the margin.
    fn is_clear(&self, checks: &Checks, rules: &Rules) -> bool {
        let above = |limit: Option<Quants>, ratio: Decimal| {
            // A limit that is not known now cannot hold the incident open: the verdict itself is ok.
            let (Some(balance), Some(limit)) = (checks.available_quants, limit) else { return true };
            let wanted = ratio.of(limit.get()).and_then(|limit| rules.clear_margin.added_to(limit));
            wanted.is_ok_and(|wanted| balance.get() >= wanted)
        };
        self.clear_ratio.is_none_or(|ratio| above(checks.min_balance_onchain, ratio))
            && (!self.clear_expected || above(checks.min_balance_expected, Decimal::percent(100)))
    }
}

#[cfg(test)]
mod tests;
