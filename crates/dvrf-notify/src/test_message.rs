//! `dvrf-notify test`: sends a test message to every channel.

use crate::args::{NotifyArgs, OutputFormat};
use crate::notification::{DeliveryOutcome, Notification};
use crate::notifier::Notifier;
use crate::notifier::apply::{notification, unsent};
use crate::notifier::log::log;
use crate::outbox::OutboxEntry;
use dvrf_cli::channel::Channel;
use dvrf_cli::exit::Exit;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::{CliError, Session};
use supra_core::record::{Record, SCHEMA};
use supra_core::stable_id::stable_id;

pub(crate) fn send_test(
    args: &NotifyArgs,
    policy: &PolicyArgs,
    session: &mut Session,
) -> Result<Exit, CliError> {
    let mut notifier = args.notifier(policy.policy(&session.settings)?, session)?;
    let notifications = notifier.send_test(session);
    for sent in notifications.iter().filter(|sent| sent.outcome == DeliveryOutcome::Delivered) {
        session.log(
            "info",
            &format!("channel {}: accepted the test message; check that it arrived", sent.channel),
        );
    }
    let has_failed = notifications.iter().any(|sent| sent.outcome.is_failure());
    if args.output.format == OutputFormat::Json {
        let mut record = Record::new();
        record.set("schema", SCHEMA)?;
        record.set("notifications", &notifications)?;
        session.out.record(&record, args.output.pretty)?;
    }
    Ok(if has_failed { Exit::CannotAnswer } else { Exit::Done })
}

impl Notifier {
    /// Sends a test message to every channel. The alert state does not change.
    fn send_test(&mut self, session: &Session) -> Vec<Notification> {
        let message = self.template.test_message(stable_id(&["test", &self.run_id]), session.now.as_second());
        let entry = |channel: &Channel| OutboxEntry {
            channel: channel.name.clone(),
            message: message.clone(),
            queued_at_s: message.at_s,
            not_before_s: None,
        };
        let entries: Vec<_> = self.channels.iter().map(|channel| (0, entry(channel))).collect();
        if self.dry_run {
            let dry = |(_, entry): &(usize, OutboxEntry)| unsent(entry, DeliveryOutcome::DryRun, None);
            return entries.iter().map(dry).collect();
        }
        let mut notifications = Vec::new();
        self.send(&entries, |channel, parcel, attempt| {
            notifications.push(notification(channel, &parcel.message, attempt, DeliveryOutcome::Failed));
        });
        log(&notifications.iter().collect::<Vec<_>>(), session);
        notifications
    }
}
