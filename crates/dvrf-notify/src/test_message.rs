//! `dvrf-notify test`: sends a test message to every channel.

use crate::args::NotifyArgs;
use crate::notification::DeliveryOutcome;
use dvrf_cli::exit::Exit;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::{CliError, Session};
use supra_core::record::{Record, SCHEMA};

pub(crate) fn send_test(
    args: &NotifyArgs,
    policy: &PolicyArgs,
    session: &mut Session,
) -> Result<Exit, CliError> {
    let mut notifier = args.notifier(policy.policy(&session.settings)?, session)?;
    let notifications = notifier.send_test(session);
    for sent in notifications.iter().filter(|sent| sent.outcome == DeliveryOutcome::Delivered) {
        session.log("info", &format!("channel {}: taken; look whether the message is there", sent.channel));
    }
    let has_failed = notifications.iter().any(|sent| sent.outcome.is_failure());
    let mut record = Record::new();
    record.set("schema", SCHEMA)?;
    record.set("notifications", &notifications)?;
    session.out.record(&record, args.output.pretty)?;
    Ok(if has_failed { Exit::CannotAnswer } else { Exit::Done })
}
