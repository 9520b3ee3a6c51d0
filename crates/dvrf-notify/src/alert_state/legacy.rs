//! State files of the first format, `dvrf.notify/1`: one incident per subscription, whose findings were only added.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{AlertState, EarlierAlert, Incident, incident_id};
use crate::message::{Item, MessageTemplate};
use crate::outbox::Outbox;
use crate::problem::{Gravity, Limits, Problem, UNKNOWN, key};
use supra_core::check::code::Code;
use supra_core::check::{Finding, Severity};
use supra_core::stable_id::stable_id;

pub(super) const SCHEMA: &str = "dvrf.notify/1";

#[derive(Default, Deserialize)]
#[serde(default)]
struct OldState {
    subscription: String,
    sequence: u64,
    incident: Option<OldIncident>,
    blind: Option<OldAlert>,
    outbox: Outbox,
    broken: BTreeMap<String, OldAddress>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OldAlert {
    since_s: i64,
    last_told_s: i64,
    channels: BTreeSet<String>,
}

#[derive(Deserialize)]
struct OldIncident {
    #[serde(flatten)]
    alert: OldAlert,
    severity: Severity,
    findings: Vec<Finding>,
    #[serde(flatten)]
    limits: Limits,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OldAddress {
    address: String,
    gone: bool,
}

/// Reads an old file. Its incident becomes one per problem; the first keeps the id that pagers know.
pub(super) fn parse(bytes: &[u8]) -> Result<AlertState, serde_json::Error> {
    let old: OldState = serde_json::from_slice(bytes)?;
    let mut state = AlertState::new(&old.subscription);
    state.sequence = old.sequence;
    state.outbox = old.outbox;
    let closed = old.broken.into_iter().filter(|(_, address)| address.gone);
    state.closed = closed.map(|(channel, address)| (channel, address.address)).collect();
    if let Some(incident) = old.incident {
        let id = stable_id(&[&old.subscription, "incident", &incident.alert.since_s.to_string()]);
        add(&mut state, &incident, &id);
    }
    if let Some(alert) = old.blind {
        let gravity = Severity::Unknown.into();
        let problem =
            Problem { key: UNKNOWN.to_owned(), gravity, items: Vec::new(), limits: Limits::default() };
        let mut incident = open(&old.subscription, &problem, &alert);
        incident.id = stable_id(&[&old.subscription, "blind", &alert.since_s.to_string()]);
        state.incidents.insert(problem.key, incident);
    }
    Ok(state)
}

/// An open incident that channels were notified of.
fn open(subscription: &str, problem: &Problem, alert: &OldAlert) -> Incident {
    let mut incident = Incident::new(subscription, problem, alert.since_s);
    incident.is_open = true;
    incident.last_sent_s = alert.last_told_s;
    incident.channels.clone_from(&alert.channels);
    incident
}

fn add(state: &mut AlertState, old: &OldIncident, id: &str) {
    let template = MessageTemplate::default();
    let mut by_key: BTreeMap<String, Vec<Item>> = BTreeMap::new();
    let mut first_key = None;
    for finding in &old.findings {
        let key = key(finding);
        first_key.get_or_insert_with(|| key.clone());
        by_key.entry(key).or_default().push(template.item(finding));
    }
    for (key, mut items) in by_key {
        items.sort_by_key(|item| Reverse(item.severity));
        let severity = items.first().map_or(old.severity, |item| item.severity);
        let is_blocked = items.iter().any(|item| item.code == Code::DepositAtOrBelowMinBalance.name());
        let gravity = Gravity { severity, is_blocked };
        // Each finding was an alert in Alertmanager; from now on, only the first one is.
        let ended_s = old.alert.last_told_s;
        let earlier = items.split_off(1).into_iter().map(|item| EarlierAlert { item, ended_s }).collect();
        let problem = Problem { key, gravity, items, limits: old.limits };
        let mut incident = open(&state.subscription, &problem, &old.alert);
        incident.earlier = earlier;
        if first_key.as_ref() == Some(&problem.key) {
            id.clone_into(&mut incident.id);
        } else {
            incident.id = incident_id(&state.subscription, &problem.key);
        }
        state.incidents.insert(problem.key, incident);
    }
}
