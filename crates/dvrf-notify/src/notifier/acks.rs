//! Forgets the acknowledgements of problems that have ended: the next problem of the same name is a new one.

use super::Notifier;
use crate::alert_state::{AlertState, Incident};
use crate::planner::{Verdict, names};
use dvrf_cli::Session;
use dvrf_cli::silence::{change, is_ack_of};
use supra_core::check::silence::Silence;
use supra_core::state_dir::StateDir;

impl Notifier {
    /// Forgets the acknowledgements of these incidents of a subscription, except those that also cover an open one.
    pub(super) fn forget_acks(&self, resolved: &[(String, Incident)], verdict: &Verdict, session: &Session) {
        let Some(state_dir) = &self.state_dir else { return };
        let is_over = |ack: &&Silence| {
            let is_of = |(key, incident): &(String, Incident)| acknowledges(ack, verdict.name, key, incident);
            resolved.iter().any(is_of) && !covers_an_open_one(ack, verdict, state_dir)
        };
        let over: Vec<&Silence> = self.silences.0.iter().filter(is_over).collect();
        if over.is_empty() {
            return;
        }
        let forget = |silences: &mut Vec<Silence>| silences.retain(|silence| !over.contains(&silence));
        if let Err(error) = change(state_dir, verdict.now_s, forget) {
            session.log_error(&error);
        }
    }
}

fn acknowledges(ack: &Silence, name: &str, key: &str, incident: &Incident) -> bool {
    is_ack_of(ack, name, &names(key, &incident.items), incident.since_s)
}

/// Whether an acknowledgement covers an open incident of this subscription, its draws and top-ups, or, where it names no
/// subscription, of any other.
fn covers_an_open_one(ack: &Silence, verdict: &Verdict, state_dir: &StateDir) -> bool {
    let files = state_dir.names("notify-", "json").unwrap_or_default();
    let states = files.iter().filter_map(|name| {
        let bytes = state_dir.read(name, "json").ok()??;
        serde_json::from_slice::<AlertState>(&bytes).ok()
    });
    let is_same = |state: &AlertState| addresses(&state.subscription) == addresses(verdict.key);
    states.filter(|state| ack.subscription.is_none() || is_same(state)).any(|state| {
        state.open().iter().any(|(key, incident)| acknowledges(ack, verdict.name, key, incident))
    })
}

/// The identity of a subscription without the prefix of its draws or top-ups.
fn addresses(key: &str) -> &str {
    ["draw ", "fund "].iter().find_map(|prefix| key.strip_prefix(prefix)).unwrap_or(key)
}
