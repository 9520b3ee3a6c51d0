//! The main loop that the tools share: reads records, fills bare targets from the chain, combines the exits.

use crate::exit::Exit;
use crate::fleet;
use crate::input::{InputArgs, Source};
use crate::stream::{ReportItem, StreamItem, next};
use crate::{CliError, Session};

/// Calls `act` for every record of the run.
///
/// A record that cannot be read is logged on stderr and passed to `act` as a record with `error`; the others go on.
pub fn each(
    input: &InputArgs,
    session: &mut Session,
    mut act: impl FnMut(&mut ReportItem, &mut Session) -> Result<Exit, CliError>,
) -> Result<Exit, CliError> {
    let mut exit = Exit::Done;
    let mut take = |mut filled: ReportItem, session: &mut Session| {
        if let Some(failure) = &filled.failure {
            session.log_failure(failure);
        }
        exit = exit.and(filled.exit).and(act(&mut filled, session)?);
        Ok(!session.out.closed())
    };
    match input.open(session)? {
        Source::Live => {
            let filled = fleet::one(session);
            take(filled, session)?;
        }
        Source::Records(mut records) => loop {
            if records.may_wait() {
                session.out.flush()?;
            }
            match next(&mut records, session.now) {
                None => break,
                Some(StreamItem::Target(first)) => {
                    fleet::all(first, records, session, &mut take)?;
                    break;
                }
                Some(StreamItem::Report(filled, last)) => {
                    if !take(filled, session)? || last {
                        break;
                    }
                }
            }
        },
    }
    Ok(exit)
}
