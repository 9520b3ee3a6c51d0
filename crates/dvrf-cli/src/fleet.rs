//! Reads a stream of targets in parallel and returns the records in input order or as they finish.

mod queue;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use supra_core::collect::rows::{CLIENTS_MAX, ClientRow};
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::record::Record;
use supra_core::time::Clock;

use crate::connect::{self, TargetReader};
use crate::input::{Progress, Records};
use crate::legacy::OldScript;
use crate::pipeline::{PAUSE, Sink};
use crate::progress::Line;
use crate::settings::file::Subscription;
use crate::settings::variables;
use crate::stream::{ReportItem, StreamItem, next, unusable};
use crate::{CliError, Session};
use queue::{Job, Output, Queue, Turn};

/// How many client rows are read together per worker. Smaller groups cost more calls; in larger ones rows become too old.
const ROWS_PER_WORKER: usize = 8;
/// How often the progress line is redrawn.
const REDRAW: Duration = Duration::from_millis(200);

/// Reads the target of the settings.
pub(crate) fn one(session: &Session) -> ReportItem {
    let settings = &session.settings;
    let target = |subscription: &Subscription| subscription.target(settings.has_flag(&variables::PROFILE));
    let record = match settings.subscription().map(target).transpose() {
        Ok(record) => record.unwrap_or_default(),
        Err(error) => return ReportItem::refused(Record::new(), unusable(&error), session.now),
    };
    match TargetReader::open(&session.settings) {
        Ok(reader) => {
            let mut item = ask(&reader, record, None, session.now);
            if session.old_script == Some(OldScript::Check) {
                // The old check read nothing of the lottery.
                item.forgive("lottery_status");
            }
            item
        }
        Err(error) => ReportItem::refused(record, error.into(), session.now),
    }
}

/// Reads `first` and every target after it.
pub(crate) fn all(
    first: Record,
    mut rest: Records,
    session: &mut Session,
    sink: &mut Sink,
) -> Result<(), CliError> {
    match TargetReader::open_for_fleet(&session.settings) {
        Ok(reader) => run(reader, first, rest, session, sink),
        Err(error) => refuse_targets(&error, first, &mut rest, session, sink),
    }
}

/// Adds the error to every target of the stream and passes the other records on.
fn refuse_targets(
    error: &Error,
    first: Record,
    rest: &mut Records,
    session: &mut Session,
    sink: &mut Sink,
) -> Result<(), CliError> {
    let mut turn = Some(StreamItem::Target(first));
    while let Some(next_one) = turn {
        let (filled, last) = match next_one {
            StreamItem::Target(record) => (ReportItem::refused(record, error.into(), session.now), false),
            StreamItem::Report(filled, last) => (filled, last),
        };
        if !sink.take(filled, session)? || last {
            break;
        }
        turn = next(rest, session.now);
    }
    Ok(())
}

/// Reads one target.
fn ask(reader: &TargetReader, mut record: Record, row: Option<&ClientRow>, now: Timestamp) -> ReportItem {
    match reader.fill_with_row(&mut record, row, now) {
        Ok(Ok(filled)) => ReportItem::filled(record, filled.report, filled.failure),
        Ok(Err(error)) => ReportItem::refused(record, error.into(), now),
        Err(error) => ReportItem::refused(record, unusable(&error), now),
    }
}

fn run(
    reader: TargetReader,
    first: Record,
    mut rest: Records,
    session: &mut Session,
    sink: &mut Sink,
) -> Result<(), CliError> {
    let jobs = connect::jobs(&session.settings)?;
    let clock = Clock::starting(session.now);
    let queue = Arc::new(Queue::new(rest.ordered(), jobs, CLIENTS_MAX.min(jobs * ROWS_PER_WORKER)));
    let progress = rest.progress();
    let no_thread =
        |error: io::Error| Error::new(FailureKind::Config, "no thread can be started").with_source(error);
    let reader = Arc::new(reader);
    let start_worker = |_| {
        let (queue, reader) = (Arc::clone(&queue), Arc::clone(&reader));
        thread::Builder::new().spawn(move || work(&queue, &reader, clock))
    };
    let workers = match (0..jobs).map(start_worker).collect::<io::Result<Vec<_>>>() {
        Ok(workers) => workers,
        Err(error) => {
            queue.stop();
            return refuse_targets(&no_thread(error), first, &mut rest, session, sink);
        }
    };
    start_reader(Arc::clone(&queue), first, rest, clock).map_err(no_thread)?;
    let result = write_output(&queue, &progress, &clock, session, sink);
    queue.stop();
    // Workers end by their own deadlines. The reader is not joined: it may wait for input without limit.
    for worker in workers {
        // In a release build a panic aborts the process.
        let _ = worker.join();
    }
    result
}

/// Starts the thread that reads the stream into the queue.
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

fn work(queue: &Queue, reader: &TargetReader, clock: Clock) {
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

/// Passes finished records to the sink and draws the progress line while it waits.
fn write_output(
    queue: &Queue,
    progress: &Progress,
    clock: &Clock,
    session: &mut Session,
    sink: &mut Sink,
) -> Result<(), CliError> {
    let mut line = Line::new(&session.name);
    loop {
        let mut filled = queue.try_output();
        if filled.is_none() {
            line.suspend(|| session.out.flush())?;
            if sink.holds() && queue.unfinished_count() == 0 {
                match queue.next_output(Some(PAUSE)) {
                    Output::Record(record) => filled = Some(record),
                    Output::End => break,
                    Output::Timeout => line.suspend(|| sink.finish_held(session))?,
                }
            }
        }
        if filled.is_none() {
            filled = wait_for_output(queue, progress, &line);
        }
        let Some(filled) = filled else { break };
        line.count(filled.failure.is_some());
        session.now = clock.now();
        if !line.suspend(|| sink.take(filled, session))? {
            break;
        }
    }
    Ok(())
}

/// Waits for the next record and redraws the progress line where there is a terminal.
fn wait_for_output(queue: &Queue, progress: &Progress, line: &Line) -> Option<ReportItem> {
    let redraw = io::stderr().is_terminal().then_some(REDRAW);
    loop {
        match queue.next_output(redraw) {
            Output::Record(filled) => return Some(filled),
            Output::End => return None,
            Output::Timeout => line.draw(progress.percent(), queue.unfinished_count()),
        }
    }
}
