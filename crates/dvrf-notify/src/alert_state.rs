//! The alert state of a subscription between runs, and the alert events that a new verdict causes. Pure.
//!
//! A subscription has at most one incident at a time. It opens after `fire_after` bad runs in a row. While it is open,
//! its severity can rise but not fall, and its findings are added but not removed. It closes after `resolve_after` good
//! runs in a row with the deposit clear of the limit that it fell below. A run with an unknown status changes none of
//! these counts. After `unknown_after` such runs in a row, the unknown status is alerted itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::outbox::Outbox;
use crate::notification::EventKind;
use crate::runway::RequestHistory;
use supra_core::amount::{Decimal, Quants};
use supra_core::check::code::Code;
use supra_core::check::{Checks, Finding, Severity, Status};

/// The value of `schema` in the state file.
pub const SCHEMA: &str = "dvrf.notify/1";

/// When alerts are sent.
#[derive(Debug, Clone)]
pub struct AlertRules {
    /// Seconds between reminders; `None` disables them.
    pub repeat_every_s: Option<i64>,
    /// Bad runs in a row that open an incident.
    pub fire_after: u32,
    /// Good runs in a row that close an incident.
    pub resolve_after: u32,
    /// Runs in a row with an unknown status that are alerted.
    pub unknown_after: u32,
    /// How far the deposit must be above a limit to count as clear of it, as a share of the limit.
    pub clear_margin: Decimal,
}

impl Default for AlertRules {
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

/// The alert state of one subscription.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertState {
    /// The version of the file's format.
    pub schema: String,
    /// The subscription's full identity; the file's name is only its hash.
    pub subscription: String,
    /// The number of messages so far, from which each new one gets an id of its own.
    pub sequence: u64,
    /// The open incident.
    pub incident: Option<Incident>,
    /// The open alert about an unknown status.
    #[serde(rename = "blind")]
    pub unknown: Option<OpenAlert>,
    /// The last incident that was resolved; Alertmanager is notified of it repeatedly.
    #[serde(rename = "ended")]
    pub resolved: Option<ResolvedIncident>,
    bad_runs: u32,
    good_runs: u32,
    unknown_runs: u32,
    /// The request count over time.
    #[serde(rename = "usage")]
    pub request_history: RequestHistory,
    /// The messages that are still to be delivered.
    pub outbox: Outbox,
    /// The refused addresses, by channel.
    #[serde(rename = "broken")]
    pub refused_addresses: BTreeMap<String, RefusedAddress>,
}

/// An alert that has been sent and is not resolved yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAlert {
    /// When it began, in seconds since 1970.
    pub since_s: i64,
    /// When it was last sent, in seconds since 1970.
    #[serde(rename = "last_told_s")]
    pub last_sent_s: i64,
    /// The channels that received it: they also receive the resolved message.
    pub channels: BTreeSet<String>,
}

/// An open incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// The alert about it.
    #[serde(flatten)]
    pub alert: OpenAlert,
    /// The highest severity that has been sent.
    pub severity: Severity,
    /// Every finding that has been sent, one per code, in its latest form.
    pub findings: Vec<Finding>,
    /// Bad runs in a row with a severity or finding that has not been sent yet.
    worse_runs: u32,
    /// The multiple of the chain's minimum that the deposit fell below.
    clear_ratio: Option<Decimal>,
    /// Whether the deposit fell below the expected minimum.
    clear_expected: bool,
}

/// An incident that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedIncident {
    /// When it was resolved, in seconds since 1970.
    pub at_s: i64,
    /// The incident.
    pub incident: Incident,
}

/// A channel's address that the receiver refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedAddress {
    /// Since when, in seconds since 1970.
    pub since_s: i64,
    /// A hash of the address, so that a changed address is tried at once.
    #[serde(rename = "address")]
    pub address_hash: String,
    /// Whether the receiver asked never to be called again (410).
    pub gone: bool,
}

/// A change of the alert state that is sent to channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertEvent {
    /// What happened.
    pub kind: EventKind,
    /// Whether it concerns an unknown status instead of a problem.
    pub is_unknown: bool,
    /// The highest severity of the alert.
    pub severity: Severity,
    /// When the alert began, in seconds since 1970.
    pub since_s: i64,
    /// For a resolved alert: the channels that received it.
    pub channels: Option<BTreeSet<String>>,
    /// For a resolved alert: its findings.
    pub findings: Vec<Finding>,
}

impl AlertState {
    /// The state of a subscription without alerts.
    pub fn new(subscription: &str) -> Self {
        Self { schema: SCHEMA.to_owned(), subscription: subscription.to_owned(), ..Self::default() }
    }

    /// Parses a state file. The error is a sentence that explains why the file cannot be used.
    pub fn parse(bytes: &[u8], subscription: &str) -> Result<Self, String> {
        let state: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if state.schema != SCHEMA {
            return Err(format!("its schema is {:?}, this version writes {SCHEMA}", state.schema));
        }
        if state.subscription != subscription {
            return Err("it belongs to another subscription".to_owned());
        }
        Ok(state)
    }

    /// Applies the verdict of a run and returns the alert events that it causes.
    pub fn step(&mut self, checks: &Checks, now_s: i64, rules: &AlertRules) -> Vec<AlertEvent> {
        self.limit_times(now_s);
        let known_again = if checks.status == Status::Unknown { None } else { self.end_unknown() };
        let event = match checks.status {
            Status::Unknown => self.on_unknown(now_s, rules),
            Status::Alert => self.on_alert(checks, now_s, rules),
            Status::Ok => self.on_ok(checks, now_s, rules),
        };
        known_again.into_iter().chain(event).collect()
    }

    /// Moves times in the future back to now: a clock that was set back must not suppress reminders until it catches up.
    fn limit_times(&mut self, now_s: i64) {
        let alerts =
            self.incident.iter_mut().map(|incident| &mut incident.alert).chain(self.unknown.as_mut());
        for alert in alerts {
            alert.last_sent_s = alert.last_sent_s.min(now_s);
            alert.since_s = alert.since_s.min(now_s);
        }
        self.request_history.drop_after(now_s);
        if let Some(resolved) = &mut self.resolved {
            resolved.at_s = resolved.at_s.min(now_s);
        }
    }

    fn on_unknown(&mut self, now_s: i64, rules: &AlertRules) -> Option<AlertEvent> {
        self.unknown_runs = self.unknown_runs.saturating_add(1);
        let alert_event = |kind, since_s| AlertEvent {
            kind,
            is_unknown: true,
            severity: Severity::Unknown,
            since_s,
            channels: None,
            findings: Vec::new(),
        };
        match &mut self.unknown {
            None if self.unknown_runs >= rules.unknown_after => {
                self.unknown =
                    Some(OpenAlert { since_s: now_s, last_sent_s: now_s, channels: BTreeSet::new() });
                Some(alert_event(EventKind::Firing, now_s))
            }
            Some(alert) if is_reminder_due(alert, now_s, rules) => {
                alert.last_sent_s = now_s;
                Some(alert_event(EventKind::Reminder, alert.since_s))
            }
            _ => None,
        }
    }

    /// Resolves the alert about an unknown status, whatever the status is now.
    fn end_unknown(&mut self) -> Option<AlertEvent> {
        self.unknown_runs = 0;
        let alert = self.unknown.take()?;
        Some(AlertEvent {
            kind: EventKind::Resolved,
            is_unknown: true,
            severity: Severity::Unknown,
            since_s: alert.since_s,
            channels: Some(alert.channels),
            findings: Vec::new(),
        })
    }

    fn on_alert(&mut self, checks: &Checks, now_s: i64, rules: &AlertRules) -> Option<AlertEvent> {
        self.good_runs = 0;
        self.bad_runs = self.bad_runs.saturating_add(1);
        let alerting = alerting(checks);
        let severity = alerting.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Info);
        let alert_event = |kind, incident: &Incident| AlertEvent {
            kind,
            is_unknown: false,
            severity: incident.severity,
            since_s: incident.alert.since_s,
            channels: None,
            findings: Vec::new(),
        };
        let Some(incident) = &mut self.incident else {
            if self.bad_runs < rules.fire_after {
                return None;
            }
            let alert = OpenAlert { since_s: now_s, last_sent_s: now_s, channels: BTreeSet::new() };
            let mut incident = Incident {
                alert,
                severity,
                findings: Vec::new(),
                worse_runs: 0,
                clear_ratio: None,
                clear_expected: false,
            };
            incident.add(&alerting);
            let event = alert_event(EventKind::Firing, &incident);
            self.incident = Some(incident);
            return Some(event);
        };
        let is_new = |finding: &Finding| incident.findings.iter().all(|known| known.code != finding.code);
        if severity > incident.severity || alerting.iter().any(is_new) {
            incident.worse_runs = incident.worse_runs.saturating_add(1);
            if incident.worse_runs >= rules.fire_after {
                incident.worse_runs = 0;
                incident.severity = incident.severity.max(severity);
                incident.alert.last_sent_s = now_s;
                incident.add(&alerting);
                return Some(alert_event(EventKind::Worse, incident));
            }
        } else {
            incident.worse_runs = 0;
            incident.add(&alerting);
        }
        if is_reminder_due(&incident.alert, now_s, rules) {
            incident.alert.last_sent_s = now_s;
            return Some(alert_event(EventKind::Reminder, incident));
        }
        None
    }

    fn on_ok(&mut self, checks: &Checks, now_s: i64, rules: &AlertRules) -> Option<AlertEvent> {
        self.bad_runs = 0;
        let incident = self.incident.as_mut()?;
        incident.worse_runs = 0;
        self.good_runs = if incident.is_clear(checks, rules) { self.good_runs.saturating_add(1) } else { 0 };
        if self.good_runs < rules.resolve_after {
            return None;
        }
        self.good_runs = 0;
        let incident = self.incident.take()?;
        self.resolved = Some(ResolvedIncident { at_s: now_s, incident: incident.clone() });
        Some(AlertEvent {
            kind: EventKind::Resolved,
            is_unknown: false,
            severity: incident.severity,
            since_s: incident.alert.since_s,
            channels: Some(incident.alert.channels),
            findings: incident.findings,
        })
    }

    /// Records that a channel receives this event, so that it also receives the resolved message.
    pub fn add_channel(&mut self, event: &AlertEvent, channel: &str) {
        let alert = if event.is_unknown {
            self.unknown.as_mut()
        } else {
            self.incident.as_mut().map(|incident| &mut incident.alert)
        };
        if let Some(alert) = alert {
            alert.channels.insert(channel.to_owned());
        }
    }
}

fn is_reminder_due(alert: &OpenAlert, now_s: i64, rules: &AlertRules) -> bool {
    rules.repeat_every_s.is_some_and(|every| now_s.saturating_sub(alert.last_sent_s) >= every)
}

/// The findings that cause an alert: those from warning up, or all of them if the policy alerts on less.
pub fn alerting(checks: &Checks) -> Vec<Finding> {
    let at_least = |least: Severity| -> Vec<Finding> {
        checks.findings.iter().filter(|finding| finding.severity >= least).cloned().collect()
    };
    let severe = at_least(Severity::Warning);
    if severe.is_empty() { at_least(Severity::Info) } else { severe }
}

impl Incident {
    /// Adds findings, or updates them by their codes, and keeps the limits that the deposit fell below.
    fn add(&mut self, alerting: &[Finding]) {
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
        let is_higher = |known: Decimal| {
            ratio.of(1_000_000).unwrap_or(u128::MAX) > known.of(1_000_000).unwrap_or(u128::MAX)
        };
        if self.clear_ratio.is_none_or(is_higher) {
            self.clear_ratio = Some(ratio);
        }
    }

    /// Whether the deposit is above the limits that it fell below, by the margin.
    fn is_clear(&self, checks: &Checks, rules: &AlertRules) -> bool {
        let above = |limit: Option<Quants>, ratio: Decimal| {
            // An unknown limit does not keep the incident open, because the verdict is ok.
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
