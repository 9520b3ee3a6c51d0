//! Many targets at once: read ahead, asked about in parallel, returned in input order or as they finish.

mod queue;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use supra_core::collect::rows::{CLIENTS_MAX, ClientRow};
use supra_core::failure::{Failure, FailureKind};
use supra_core::record::Record;
use supra_core::time::Clock;

use crate::connect::{self, Reader};
use crate::input::{Progress, Records};
use crate::progress::Line;
use crate::stream::{ReportItem, StreamItem, next, unusable};
use crate::{CliError, Session};
use queue::{Job, Output, Queue, Turn};

/// How many targets are read ahead for each worker: fewer cost more calls, more grow old before their turn comes.
const ROWS_PER_WORKER: usize = 8;
/// How often the progress line is drawn anew.
const REDRAW: Duration = Duration::from_millis(200);

/// Takes a filled record; `false` when there is no need for more.
pub(crate) type Take<'a> = &'a mut dyn FnMut(ReportItem, &mut Session) -> Result<bool, CliError>;

/// Asks about the target of the settings.
pub(crate) fn one(session: &Session) -> ReportItem {
    let record = Record::new();
    match Reader::open(&session.settings) {
        Ok(reader) => ask(&reader, record, None, session.now),
        Err(failure) => ReportItem::refused(record, failure, session.now),
    }
}

/// Asks about `first` and every target that follows it.
pub(crate) fn all(
    first: Record,
    mut rest: Records,
    session: &mut Session,
    take: Take,
) -> Result<(), CliError> {
    match Reader::open_for_fleet(&session.settings) {
        Ok(reader) => run(reader, first, rest, session, take),
        Err(failure) => refuse_targets(&failure, first, &mut rest, session, take),
    }
}

/// No target can be asked about; the other records of the stream are as good as ever.
fn refuse_targets(
    failure: &Failure,
    first: Record,
    rest: &mut Records,
    session: &mut Session,
    take: Take,
) -> Result<(), CliError> {
    let mut turn = Some(StreamItem::Target(first));
    while let Some(next_one) = turn {
        let (filled, last) = match next_one {
            StreamItem::Target(record) => (ReportItem::refused(record, failure.clone(), session.now), false),
            StreamItem::Report(filled, last) => (filled, last),
        };
        if !take(filled, session)? || last {
            break;
        }
        turn = next(rest, session.now);
    }
    Ok(())
}

/// Asks about one target.
fn ask(reader: &Reader, mut record: Record, row: Option<&ClientRow>, now: Timestamp) -> ReportItem {
    match reader.fill_with_row(&mut record, row, now) {
        Ok(Ok(filled)) => ReportItem::filled(record, filled.report, filled.failure),
        // The record says it already.
        Ok(Err(failure)) => ReportItem::refused(record, failure, now),
        Err(error) => ReportItem::refused(record, unusable(&error), now),
    }
}

fn run(
    reader: Reader,
    first: Record,
    mut rest: Records,
    session: &mut Session,
    take: Take,
) -> Result<(), CliError> {
    let jobs = connect::jobs(&session.settings)?;
    let clock = Clock::starting(session.now);
    let queue = Arc::new(Queue::new(rest.ordered(), jobs, CLIENTS_MAX.min(jobs * ROWS_PER_WORKER)));
    let progress = rest.progress();
    let no_thread =
        |error: io::Error| Failure::new(FailureKind::Config, format!("no thread can be started: {error}"));
    let reader = Arc::new(reader);
    let start_worker = |_| {
        let (queue, reader) = (Arc::clone(&queue), Arc::clone(&reader));
        thread::Builder::new().spawn(move || work(&queue, &reader, clock))
    };
    let workers = match (0..jobs).map(start_worker).collect::<io::Result<Vec<_>>>() {
        Ok(workers) => workers,
        Err(error) => {
            queue.stop();
            return refuse_targets(&no_thread(error), first, &mut rest, session, take);
        }
    };
    start_reader(Arc::clone(&queue), first, rest, clock).map_err(no_thread)?;
    let result = write_output(&queue, &progress, &clock, session, take);
    queue.stop();
    // What is being asked ends within its own time; the reader may wait for its input for ever and is left behind.
    for worker in workers {
        // A worker that panicked has aborted the process.
        let _ = worker.join();
    }
    result
}

/// Reads the stream into the queue.
fn start_reader(queue: Arc<Queue>, first: Record, mut rest: Records, clock: Clock) -> io::Result<()> {
    let read = move || {
        let mut turn = Some(StreamItem::Target(first));
        while let Some(next_one) = turn {
            let last = matches!(next_one, StreamItem::Report(_, true));
            if !queue.push(next_one) || last {
                break;
            }
            turn = next(&mut rest, clock.now());
        }
        queue.end();
    };
    thread::Builder::new().spawn(read).map(drop)
}

fn work(queue: &Queue, reader: &Reader, clock: Clock) {
    while let Some(turn) = queue.next_turn() {
        match turn {
            Turn::ReadRows(mut group) => {
                let rows = reader.read_rows(group.iter().map(|job| &job.record), clock.now());
                for (job, row) in group.iter_mut().zip(rows) {
                    job.row = row;
                }
                queue.ready(group);
            }
            Turn::Ask(Job { number, record, row }) => {
                queue.done(number, ask(reader, record, row.as_ref(), clock.now()));
            }
        }
    }
}

/// Gives on what is filled, and draws the progress while it waits.
fn write_output(
    queue: &Queue,
    progress: &Progress,
    clock: &Clock,
    session: &mut Session,
    take: Take,
) -> Result<(), CliError> {
    let mut line = io::stderr().is_terminal().then(|| Line::new(&session.name));
    loop {
        let mut filled = queue.try_output();
        if filled.is_none() {
            session.out.flush()?;
            filled = wait_for_output(queue, progress, line.as_mut());
        }
        let Some(filled) = filled else { break };
        if let Some(line) = &mut line {
            line.count(filled.failure.is_some());
        }
        session.now = clock.now();
        if !take(filled, session)? {
            break;
        }
    }
    Ok(())
}

/// The next record, with the progress drawn meanwhile where there is a terminal.
fn wait_for_output(queue: &Queue, progress: &Progress, mut line: Option<&mut Line>) -> Option<ReportItem> {
    loop {
        match queue.next_output(line.as_ref().map(|_| REDRAW)) {
            Output::Record(filled) => return Some(filled),
            Output::End => return None,
            Output::Timeout => {
                if let Some(line) = &mut line {
                    line.draw(progress.percent(), queue.unfinished_count());
                }
            }
        }
    }
}
