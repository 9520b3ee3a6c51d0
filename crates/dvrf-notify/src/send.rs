//! `dvrf-notify send`: reads records, notifies the channels of each verdict, and passes the records on.

use crate::args::{NotifyArgs, OutputFormat};
use crate::notifier::NotifyReport;
use dvrf_cli::channel::Level;
use dvrf_cli::checker::RecordChecker;
use dvrf_cli::exit::Exit;
use dvrf_cli::input::InputArgs;
use dvrf_cli::pipeline::each;
use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::text::plain_lines;
use dvrf_cli::{CliError, Session};
use supra_core::record::Record;

/// The most text of messages that is sent to dead man's switches.
const PING_TEXT_BYTES_MAX: usize = 64 << 10;

pub(crate) fn send(
    args: &NotifyArgs,
    input: &InputArgs,
    policy: &PolicyArgs,
    session: &mut Session,
) -> Result<Exit, CliError> {
    let checker = RecordChecker::new(policy, session)?;
    let mut notifier = args.notifier(checker.checker.policy.clone(), session)?;
    let heartbeat = notifier.start_heartbeat();
    let mut level = Level::Ok;
    let mut messages = String::new();
    let mut has_failed = false;
    let result = each(input, session, |item, session| {
        let verdict = checker.checks(item, session)?;
        let report = notifier.notify(&item.record, &verdict, session);
        let checks = &verdict.checks;
        level = level.max(Level::of(checks.status, checks.severity));
        has_failed |= report.has_failed;
        if messages.len() < PING_TEXT_BYTES_MAX {
            report.messages.iter().for_each(|message| messages.push_str(&message.text()));
        }
        output(args, &mut item.record, &report, session)?;
        let is_muted = verdict.exit == Exit::No && !args.output.fail_on_low;
        let exit = if is_muted { Exit::Done } else { verdict.exit };
        Ok(if report.is_busy { Exit::Busy } else { exit })
    });
    // An aborted run is pinged as a failure.
    let exit = result.as_ref().map_or(Exit::CannotAnswer, |exit| *exit);
    let exit = if has_failed { Exit::CannotAnswer } else { exit };
    heartbeat.finish(level, exit, &messages, session);
    result.map(|_| exit)
}

fn output(
    args: &NotifyArgs,
    record: &mut Record,
    report: &NotifyReport,
    session: &mut Session,
) -> Result<(), CliError> {
    match args.output.format {
        OutputFormat::Json => {
            record.set("notifications", &report.notifications)?;
            session.out.record(record, args.output.pretty)
        }
        OutputFormat::Text => {
            for message in &report.messages {
                session.out.text(&plain_lines(&message.text()))?;
                if args.output.include_json {
                    session.out.record(record, true)?;
                }
            }
            Ok(())
        }
    }
}
