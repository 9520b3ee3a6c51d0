//! The queue between the thread that reads the stream, the workers, and the thread that writes records.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::stream::{ReportItem, StreamItem};
use supra_core::collect::rows::ClientRow;
use supra_core::record::Record;

/// The largest number of records between the reader and the writer. It limits memory, and how many records can wait
/// behind a slow target in ordered output.
const RECORDS_MAX: usize = 4096;
/// The largest number of targets that wait for a worker.
const ARRIVED_MAX: usize = 512;
/// How long a worker waits for more targets before it reads the rows of a group.
const LINGER: Duration = Duration::from_millis(5);
/// A group whose rows take longer than this is not waited for: a slow target delays its own group only.
const LATE: Duration = Duration::from_millis(500);

/// A target with its position in the stream.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) number: u64,
    pub(super) record: Record,
    /// The client's row, if one was read with the job's group.
    pub(super) row: Option<ClientRow>,
}

/// What a worker does next.
pub(super) enum Turn {
    /// Read the rows of these clients in one call.
    ReadRows(Vec<Job>),
    /// Read this target.
    Ask(Job),
}

/// What the writer receives.
pub(super) enum Output {
    /// The next record.
    Record(ReportItem),
    /// No record within the timeout.
    Timeout,
    /// The end of the stream.
    End,
}

/// The queue between the reader, the workers and the writer.
pub(super) struct Queue {
    inner: Mutex<Inner>,
    /// Signals the reader that there is room.
    room: Condvar,
    /// Signals workers that there is work, or that there will be none.
    work: Condvar,
    /// Signals the writer that a record is finished.
    filled: Condvar,
    ordered: bool,
    /// Below this number of ready targets the rows of further ones are read.
    low_water: usize,
    /// The largest number of targets whose rows are read together.
    group_max: usize,
}

#[derive(Default)]
struct Inner {
    arrived: VecDeque<Job>,
    ready: VecDeque<Job>,
    filled: BTreeMap<u64, ReportItem>,
    pushed: u64,
    output: u64,
    /// The number of the next record in ordered output.
    next: u64,
    is_group_forming: bool,
    /// Groups whose rows are being read: the number of the first target, the start, and the size.
    reading: Vec<(u64, Instant, usize)>,
    ended: bool,
    stopped: bool,
}

impl Inner {
    fn unfinished(&self) -> usize {
        usize::try_from(self.pushed - self.output).unwrap_or(usize::MAX)
    }

    /// The number of targets that will be ready soon.
    fn arriving_soon(&self) -> usize {
        let soon = self.reading.iter().filter(|(_, since, _)| since.elapsed() < LATE);
        soon.map(|(_, _, count)| count).sum()
    }

    fn take(&mut self, ordered: bool) -> Option<ReportItem> {
        let found = if ordered {
            let filled = self.filled.remove(&self.next)?;
            self.next += 1;
            filled
        } else {
            self.filled.pop_first()?.1
        };
        self.output += 1;
        Some(found)
    }
}

impl Queue {
    /// Creates an empty queue for this number of workers and this size of groups.
    pub(super) fn new(ordered: bool, workers: usize, group_max: usize) -> Self {
        Self {
            inner: Mutex::default(),
            room: Condvar::new(),
            work: Condvar::new(),
            filled: Condvar::new(),
            ordered,
            low_water: workers,
            group_max,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the next record of the stream, after waiting for room; returns `false` once the queue is stopped.
    pub(super) fn push(&self, next: StreamItem) -> bool {
        let mut inner = self.lock();
        while (inner.unfinished() >= RECORDS_MAX || inner.arrived.len() >= ARRIVED_MAX) && !inner.stopped {
            inner = self.room.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        if inner.stopped {
            return false;
        }
        let number = inner.pushed;
        inner.pushed += 1;
        match next {
            StreamItem::Target(record) => {
                inner.arrived.push_back(Job { number, record, row: None });
                self.work.notify_one();
            }
            StreamItem::Report(filled, _) => {
                inner.filled.insert(number, filled);
                self.filled.notify_one();
            }
        }
        true
    }

    /// Marks the end of the stream.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.work.notify_all();
        self.filled.notify_one();
    }

    /// Stops the queue and wakes all waiting threads so that they exit.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.work.notify_all();
        self.room.notify_all();
    }

    /// Waits for a worker's next task; `None` at the end of the work.
    pub(super) fn next_turn(&self) -> Option<Turn> {
        let mut inner = self.lock();
        loop {
            if inner.stopped {
                return None;
            }
            // Rows that are being read count as well: rows that wait too long are useless.
            let scarce = inner.ready.len() + inner.arriving_soon() < self.low_water;
            if scarce && !inner.is_group_forming && !inner.arrived.is_empty() {
                return Some(Turn::ReadRows(self.take_group(inner)));
            }
            if let Some(job) = inner.ready.pop_front() {
                return Some(Turn::Ask(job));
            }
            let idle = inner.ended && inner.arrived.is_empty() && inner.filled.len() == inner.unfinished();
            if idle {
                return None;
            }
            inner = if inner.arrived.is_empty() || inner.reading.is_empty() {
                self.work.wait(inner).unwrap_or_else(PoisonError::into_inner)
            } else {
                self.work.wait_timeout(inner, LATE).unwrap_or_else(PoisonError::into_inner).0
            };
        }
    }

    /// Takes a group of waiting targets, after a short wait for more: a group costs one call, whatever its size.
    fn take_group(&self, mut inner: MutexGuard<'_, Inner>) -> Vec<Job> {
        let most = self.group_max;
        inner.is_group_forming = true;
        let until = Instant::now() + LINGER;
        while inner.arrived.len() < most && !inner.ended && !inner.stopped {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            inner = self.work.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        inner.is_group_forming = false;
        let count = inner.arrived.len().min(most);
        let group: Vec<_> = inner.arrived.drain(..count).collect();
        if let Some(first) = group.first() {
            inner.reading.push((first.number, Instant::now(), count));
        }
        // Workers that new targets have woken during the wait went back to sleep.
        self.work.notify_one();
        self.room.notify_one();
        group
    }

    /// Returns a group whose rows were read.
    pub(super) fn ready(&self, group: Vec<Job>) {
        let mut inner = self.lock();
        if let Some(first) = group.first() {
            inner.reading.retain(|(number, ..)| *number != first.number);
        }
        inner.ready.extend(group);
        drop(inner);
        self.work.notify_all();
    }

    /// Stores a finished record.
    pub(super) fn done(&self, number: u64, filled: ReportItem) {
        let mut inner = self.lock();
        inner.filled.insert(number, filled);
        let last = inner.ended && inner.filled.len() == inner.unfinished();
        drop(inner);
        self.filled.notify_one();
        if last {
            self.work.notify_all();
        }
    }

    /// Returns a record if one can be written now.
    pub(super) fn try_output(&self) -> Option<ReportItem> {
        let filled = self.lock().take(self.ordered);
        if filled.is_some() {
            self.room.notify_one();
        }
        filled
    }

    /// Waits for the next record to write, no longer than `timeout` if there is one.
    pub(super) fn next_output(&self, timeout: Option<Duration>) -> Output {
        let mut inner = self.lock();
        let mut waited = false;
        loop {
            if let Some(filled) = inner.take(self.ordered) {
                self.room.notify_one();
                return Output::Record(filled);
            }
            if inner.ended && inner.unfinished() == 0 {
                return Output::End;
            }
            if waited && timeout.is_some() {
                return Output::Timeout;
            }
            inner = match timeout {
                None => self.filled.wait(inner).unwrap_or_else(PoisonError::into_inner),
                Some(span) => self.filled.wait_timeout(inner, span).unwrap_or_else(PoisonError::into_inner).0,
            };
            waited = true;
        }
    }

    /// The number of records that were read and not yet written.
    pub(super) fn unfinished_count(&self) -> usize {
        self.lock().unfinished()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: usize) -> Record {
        let mut record = Record::new();
        record.set("n", &number).unwrap();
        record
    }

    fn number(filled: &ReportItem) -> usize {
        filled.record.get("n").unwrap().unwrap()
    }

    /// Sends `count` targets through; every `slow`th takes 2 ms.
    fn through(ordered: bool, count: usize, slow: usize) -> (Vec<usize>, usize) {
        let queue = Queue::new(ordered, 4, 10);
        let groups = Mutex::new(0);
        let mut given = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                (0..count).for_each(|n| assert!(queue.push(StreamItem::Target(record(n)))));
                queue.end();
            });
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Some(turn) = queue.next_turn() {
                        match turn {
                            Turn::ReadRows(targets) => {
                                assert!((1..=10).contains(&targets.len()));
                                *groups.lock().unwrap() += 1;
                                queue.ready(targets);
                            }
                            Turn::Ask(job) => {
                                if job.number % slow as u64 == 0 {
                                    std::thread::sleep(Duration::from_millis(2));
                                }
                                queue.done(job.number, ReportItem::whole(job.record));
                            }
                        }
                    }
                });
            }
            while let Output::Record(filled) = queue.next_output(None) {
                given.push(number(&filled));
            }
        });
        (given, groups.into_inner().unwrap())
    }

    #[test]
    fn order_is_kept_and_groups_are_full() {
        let (given, groups) = through(true, 500, 7);
        assert_eq!(given, (0..500).collect::<Vec<_>>());
        assert!((50..=100).contains(&groups), "{groups}");
    }

    #[test]
    fn unordered_output_is_complete_and_does_not_wait_for_a_slow_target() {
        let (mut given, _) = through(false, 200, 200);
        assert_ne!(given[0], 0);
        given.sort_unstable();
        assert_eq!(given, (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn the_reader_waits_for_room() {
        let queue = Queue::new(true, 1, 1);
        let whole = |n| StreamItem::Report(ReportItem::whole(record(n)), false);
        (0..RECORDS_MAX).for_each(|n| assert!(queue.push(whole(n))));
        std::thread::scope(|scope| {
            let late = scope.spawn(|| queue.push(whole(RECORDS_MAX)));
            assert_eq!(number(&queue.try_output().unwrap()), 0);
            assert!(late.join().unwrap());
            let refused = scope.spawn(|| queue.push(whole(0)));
            queue.stop();
            assert!(!refused.join().unwrap());
        });
        assert_eq!(queue.unfinished_count(), RECORDS_MAX);
    }

    /// Otherwise idle workers would read the rows of all waiting targets at the start.
    #[test]
    fn no_more_rows_are_read_than_the_workers_need() {
        let queue = Queue::new(true, 4, 10);
        (0..40).for_each(|n| assert!(queue.push(StreamItem::Target(record(n)))));
        let Some(Turn::ReadRows(targets)) = queue.next_turn() else { panic!("nothing is ready") };
        assert_eq!(targets.len(), 10);
        std::thread::scope(|scope| {
            let second = scope.spawn(|| queue.next_turn());
            std::thread::sleep(Duration::from_millis(20));
            assert!(!second.is_finished(), "ten are on their way to four workers");
            queue.ready(targets);
            assert!(matches!(second.join().unwrap(), Some(Turn::Ask(Job { number: 0, .. }))));
        });
        (1..7).for_each(|n| assert!(matches!(queue.next_turn(), Some(Turn::Ask(job)) if job.number == n)));
        assert!(matches!(queue.next_turn(), Some(Turn::ReadRows(targets)) if targets.len() == 10));
    }

    /// A target that hangs delays only its own group.
    #[test]
    fn a_slow_group_is_not_waited_for() {
        let queue = Queue::new(true, 4, 10);
        (0..20).for_each(|n| assert!(queue.push(StreamItem::Target(record(n)))));
        assert!(matches!(queue.next_turn(), Some(Turn::ReadRows(_))));
        let before = Instant::now();
        assert!(matches!(queue.next_turn(), Some(Turn::ReadRows(targets)) if targets[0].number == 10));
        assert!(before.elapsed() + LINGER >= LATE);
    }

    #[test]
    fn an_empty_stream_ends() {
        let queue = Queue::new(true, 1, 1);
        assert!(matches!(queue.next_output(Some(Duration::ZERO)), Output::Timeout));
        queue.end();
        assert!(matches!(queue.next_output(None), Output::End));
        assert!(queue.next_turn().is_none());
    }
}
