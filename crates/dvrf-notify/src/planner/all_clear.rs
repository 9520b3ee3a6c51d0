//! The end of alerts that nobody remembers, because their state was lost.

use super::recipients::is_told;
use super::{Plan, Planner, Verdict};
use crate::alert_state::{AlertState, incident_id};
use crate::message::{Item, Message};
use crate::notification::EventKind;
use crate::outbox::OutboxEntry;
use crate::problem::keys_without_subject;
use dvrf_cli::channel::Channel;
use supra_core::check::{Severity, Status};
use supra_core::failure::quote;
use supra_core::stable_id::stable_id;

impl Planner<'_> {
    /// Alerts of which the alert state was lost are over: chats get one message, pagers one event per possible problem.
    pub(super) fn all_clear(&self, state: &mut AlertState, verdict: &Verdict, plan: &mut Plan) {
        state.sequence = state.sequence.saturating_add(1);
        let sequence = state.sequence.to_string();
        let lang = self.template.lang;
        let item = Item {
            code: "ALERT_STATE_LOST".to_owned(),
            severity: Severity::Info,
            sentence: lang.pick(
                "No problem is open. The file that remembers alerts was damaged, so earlier alerts may have had no end: they are over.",
                "Открытых проблем нет. Файл с памятью об оповещениях был повреждён, поэтому прежние оповещения могли остаться без завершения: они больше не действуют.",
            ),
            title: String::new(),
            cause: String::new(),
            remedy: String::new(),
            command: None,
            link: String::new(),
        };
        let mut message = self.template.message(verdict.name, verdict.checks, vec![item]);
        message.id = stable_id(&[verdict.key, "all_clear", &verdict.now_s.to_string(), &sequence]);
        message.incident = stable_id(&[verdict.key, "incident"]);
        (message.event, message.status, message.link) = (EventKind::Resolved, Status::Ok, None);
        message.at_s = verdict.now_s;
        for channel in self.channels.iter().filter(|channel| channel.resolved && is_told(channel)) {
            let entries = if channel.kind.is_pager() {
                self.resolve_all(channel, &message, verdict)
            } else {
                vec![self.entry(channel, &message, verdict)]
            };
            for entry in entries {
                plan.dropped.extend(state.outbox.push(entry, channel.kind));
            }
        }
        plan.messages.push(message);
    }

    /// Resolves every problem that a pager may know of.
    pub(super) fn resolve_all(
        &self,
        channel: &Channel,
        message: &Message,
        verdict: &Verdict,
    ) -> Vec<OutboxEntry> {
        let modules = verdict.state.and_then(|state| state.deposit.modules.as_deref()).unwrap_or_default();
        let of_modules =
            modules.iter().map(|module| format!("MODULE_DISABLED {}", quote(&module.module_type)));
        let entry = |key: String| {
            let incident = incident_id(verdict.key, &key);
            let id = stable_id(&[&message.id, &key]);
            let resolved =
                Message { id, incident, problem: key, event: EventKind::Resolved, ..message.clone() };
            self.entry(channel, &resolved, verdict)
        };
        keys_without_subject().chain(of_modules).map(entry).collect()
    }
}
