//! The main loop that the tools share: reads records, fills bare targets from the chain, combines the exits.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::{Resource, getrlimit};
use supra_core::record::Record;

use crate::exit::Exit;
use crate::fleet;
use crate::input::{InputArgs, Records, Source};
use crate::stream::{ReportItem, StreamItem, next};
use crate::{CliError, Session};

/// How long the input must be silent before held records are finished.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// How many records may be held if each of them keeps a file open: at most 200, and a quarter of the open files that this
/// process may have.
pub fn held_max() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit / 4).unwrap_or(usize::MAX).clamp(1, 200)
}

/// Consumes the records of a run.
pub trait Consumer {
    /// Takes a record; returns the exit that it implies.
    fn take(&mut self, item: ReportItem, session: &mut Session) -> Result<Exit, CliError>;

    /// Finishes the records that were taken and held back. Called at the end, and when no other record is there for now.
    fn finish_held(&mut self, _session: &mut Session) -> Result<(), CliError> {
        Ok(())
    }

    /// Whether records are ever held back.
    fn holds(&self) -> bool {
        false
    }
}

/// A consumer of single records.
struct Each<F>(F);

impl<F: FnMut(&mut ReportItem, &mut Session) -> Result<Exit, CliError>> Consumer for Each<F> {
    fn take(&mut self, mut item: ReportItem, session: &mut Session) -> Result<Exit, CliError> {
        (self.0)(&mut item, session)
    }
}

/// A consumer, and the exit of the records that it took.
pub(crate) struct Sink<'a> {
    consumer: &'a mut dyn Consumer,
    exit: Exit,
}

impl Sink<'_> {
    /// Passes a record on; returns `false` if no other is wanted.
    pub(crate) fn take(&mut self, item: ReportItem, session: &mut Session) -> Result<bool, CliError> {
        if let Some(failure) = &item.failure {
            session.log_failure(failure);
        }
        self.exit = self.exit.and(item.exit).and(self.consumer.take(item, session)?);
        Ok(!session.out.closed())
    }

    /// As [`Consumer::finish_held`].
    pub(crate) fn finish_held(&mut self, session: &mut Session) -> Result<(), CliError> {
        self.consumer.finish_held(session)?;
        session.out.flush()
    }

    /// As [`Consumer::holds`].
    pub(crate) fn holds(&self) -> bool {
        self.consumer.holds()
    }
}

/// Calls `act` for every record of the run.
///
/// A record that cannot be read is logged on stderr and passed to `act` as a record with `error`; the others go on.
pub fn each(
    input: &InputArgs,
    session: &mut Session,
    act: impl FnMut(&mut ReportItem, &mut Session) -> Result<Exit, CliError>,
) -> Result<Exit, CliError> {
    consume(input, session, &mut Each(act))
}

/// Passes every record of the run to the consumer, as [`each`] does. Held records are finished even if the run fails.
pub fn consume(
    input: &InputArgs,
    session: &mut Session,
    consumer: &mut dyn Consumer,
) -> Result<Exit, CliError> {
    let mut sink = Sink { consumer, exit: Exit::Done };
    let result = read(input, session, &mut sink);
    let finished = sink.finish_held(session);
    result.and(finished).map(|()| sink.exit)
}

fn read(input: &InputArgs, session: &mut Session, sink: &mut Sink) -> Result<(), CliError> {
    let source = match input.open(session)? {
        Source::Live => input.subscriptions(&session.settings)?.map_or(Source::Live, Source::Records),
        records @ Source::Records(_) => records,
    };
    match source {
        Source::Live => {
            let filled = fleet::one(session);
            sink.take(filled, session).map(drop)
        }
        Source::Records(records) if sink.holds() => match read_ahead(records, session.now) {
            Ok(steps) => take_steps(&steps, session, sink),
            Err(records) => take_records(records, session, sink),
        },
        Source::Records(records) => take_records(records, session, sink),
    }
}

fn take_records(mut records: Records, session: &mut Session, sink: &mut Sink) -> Result<(), CliError> {
    loop {
        if records.may_wait() {
            sink.finish_held(session)?;
        }
        match next(&mut records, session.now) {
            None => return Ok(()),
            Some(StreamItem::Target(first)) => return fleet::all(first, records, session, sink),
            Some(StreamItem::Report(filled, last)) => {
                if !sink.take(filled, session)? || last {
                    return Ok(());
                }
            }
        }
    }
}

/// What a thread that reads ahead finds.
enum Step {
    Report(ReportItem),
    /// The first bare target, and the rest of the stream.
    Targets(Record, Records),
}

/// Reads the stream in a thread, so that a silent input can be noticed. Without a thread the stream is returned.
fn read_ahead(records: Records, now: Timestamp) -> Result<Receiver<Step>, Records> {
    let (sender, steps) = sync_channel(1);
    let shared = Arc::new(Mutex::new(Some(records)));
    let of_thread = Arc::clone(&shared);
    let take = |shared: &Mutex<Option<Records>>| shared.lock().unwrap_or_else(PoisonError::into_inner).take();
    let read = move || {
        let Some(mut records) = take(&of_thread) else { return };
        while let Some(item) = next(&mut records, now) {
            let (step, last) = match item {
                StreamItem::Report(filled, last) => (Step::Report(filled), last),
                StreamItem::Target(first) => {
                    let _ = sender.send(Step::Targets(first, records));
                    return;
                }
            };
            if sender.send(step).is_err() || last {
                return;
            }
        }
    };
    match std::thread::Builder::new().spawn(read) {
        Ok(_) => Ok(steps),
        Err(_) => take(&shared).map_or(Ok(steps), Err),
    }
}

fn take_steps(steps: &Receiver<Step>, session: &mut Session, sink: &mut Sink) -> Result<(), CliError> {
    loop {
        let step = match steps.recv_timeout(PAUSE) {
            Ok(step) => step,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                sink.finish_held(session)?;
                let Ok(step) = steps.recv() else { return Ok(()) };
                step
            }
        };
        match step {
            Step::Targets(first, records) => return fleet::all(first, records, session, sink),
            Step::Report(filled) => {
                if !sink.take(filled, session)? {
                    return Ok(());
                }
            }
        }
    }
}
