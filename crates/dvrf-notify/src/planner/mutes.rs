//! What is not sent because it is muted, and what is said when a mute ends.

use super::{Plan, Planner, Verdict};
use crate::alert_state::{AlertEvent, AlertState, Incident};
use crate::message::Item;
use crate::notification::EventKind;
use crate::problem::Problem;
use dvrf_cli::channel::{Channel, Level};

impl Planner<'_> {
    pub(super) fn is_muted(&self, name: &str, key: &str, items: &[Item]) -> bool {
        self.silences.mute(name, &names(key, items)).is_some()
    }

    /// The problems that are not muted, and the level that channels compare with theirs.
    pub(super) fn unmuted(&self, verdict: &Verdict) -> (Vec<Problem>, Level) {
        let mut found = self.problems(verdict);
        let all = found.len();
        found.retain(|problem| !self.is_muted(verdict.name, &problem.key, &problem.items));
        let highest = found.iter().map(|problem| Level::From(problem.gravity.severity)).max();
        let level = if found.len() < all { highest.unwrap_or(Level::Ok) } else { verdict.level() };
        (found, level)
    }

    /// The level of the problems that are not muted.
    pub fn level(&self, verdict: &Verdict) -> Level {
        self.unmuted(verdict).1
    }

    /// Problems that changed while they were muted are said once when the mute ends.
    pub(super) fn say_withheld(
        &self,
        state: &mut AlertState,
        verdict: &Verdict,
        numbers: &[(String, String)],
        plan: &mut Plan,
    ) {
        let is_over = |key: &str, incident: &Incident| {
            incident.is_withheld && incident.is_open && !self.is_muted(verdict.name, key, &incident.items)
        };
        let over: Vec<(String, Incident)> = state
            .incidents
            .iter_mut()
            .filter(|(key, incident)| is_over(key.as_str(), incident))
            .map(|(key, incident)| {
                incident.is_withheld = false;
                (key.clone(), incident.clone())
            })
            .collect();
        for (key, incident) in over {
            let event = AlertEvent { kind: EventKind::Reminder, key, was: None };
            let is_waiting = |channel: &Channel| state.outbox.is_waiting(&channel.name, &event.key);
            let knows =
                |channel: &&Channel| incident.channels.contains(&channel.name) && !is_waiting(channel);
            let channels: Vec<&Channel> = self.channels.iter().filter(knows).collect();
            let mut message = self.incident_message(state, verdict, &event, &incident);
            message.numbers = numbers.to_vec();
            self.push(state, &channels, &message, verdict, plan);
            plan.messages.push(message);
        }
    }
}

/// What a problem is called: its key and the codes of its findings.
pub(crate) fn names<'a>(key: &'a str, items: &'a [Item]) -> Vec<&'a str> {
    std::iter::once(key).chain(items.iter().map(|item| item.code.as_str())).collect()
}
