//! How many questions are in flight at once, over all targets that share a transport.

use std::sync::{Condvar, Mutex, PoisonError};

use super::Deadline;

/// Places for questions in flight.
#[derive(Debug)]
pub(super) struct Semaphore {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place taken; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot<'a>(&'a Semaphore);

impl Semaphore {
    /// So many places, at least one.
    pub(super) fn new(places: usize) -> Self {
        Self { free: Mutex::new(places.max(1)), freed: Condvar::new() }
    }

    /// How many questions of one target are worth asking at the same time: with all places taken by others, one
    /// after the other ends as soon, without a thread for each.
    pub(super) fn worthwhile(&self) -> usize {
        (*self.free.lock().unwrap_or_else(PoisonError::into_inner)).max(1)
    }

    /// Takes a place; `None` where none was given back in time.
    pub(super) fn take(&self, deadline: Deadline) -> Option<Slot<'_>> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            let left = deadline.remaining();
            if left.is_zero() {
                return None;
            }
            free = self.freed.wait_timeout(free, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *free -= 1;
        Some(Slot(self))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_place_is_given_back_and_a_wait_for_one_ends() {
        let slots = Semaphore::new(2);
        let soon = || Deadline::after(Duration::from_millis(5));
        assert_eq!(slots.worthwhile(), 2);
        let first = slots.take(soon());
        let second = slots.take(soon());
        assert!(first.is_some() && second.is_some());
        assert!(slots.take(soon()).is_none());
        assert_eq!(slots.worthwhile(), 1);
        drop(first);
        assert!(slots.take(soon()).is_some());
    }

    #[test]
    fn whoever_waits_is_woken() {
        let slots = Semaphore::new(1);
        let held = slots.take(Deadline::after(Duration::ZERO));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| slots.take(Deadline::after(Duration::from_secs(60))).is_some());
            drop(held);
            assert!(waiting.join().unwrap());
        });
    }
}
