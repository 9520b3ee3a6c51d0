//! Limits the requests in flight over all targets that share a transport.

use std::sync::{Condvar, Mutex, PoisonError};

use super::Deadline;

/// A counting semaphore whose waits have a deadline.
#[derive(Debug)]
pub(crate) struct Semaphore {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A permit; dropping it returns it.
#[derive(Debug)]
pub(crate) struct Permit<'a>(&'a Semaphore);

impl Semaphore {
    /// Creates a semaphore with this number of permits, at least one.
    pub(crate) fn new(permits: usize) -> Self {
        Self { free: Mutex::new(permits.max(1)), freed: Condvar::new() }
    }

    /// Returns how many requests are worth sending at the same time: the free permits, at least one. More threads would
    /// only wait for permits.
    pub(crate) fn parallelism(&self) -> usize {
        (*self.free.lock().unwrap_or_else(PoisonError::into_inner)).max(1)
    }

    /// Waits for a permit; `None` if the deadline passes first.
    pub(crate) fn acquire(&self, deadline: Deadline) -> Option<Permit<'_>> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            let left = deadline.remaining();
            if left.is_zero() {
                return None;
            }
            free = self.freed.wait_timeout(free, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *free -= 1;
        Some(Permit(self))
    }
}

impl Drop for Permit<'_> {
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
    fn permits_are_returned_and_waits_end() {
        let semaphore = Semaphore::new(2);
        let soon = || Deadline::after(Duration::from_millis(5));
        assert_eq!(semaphore.parallelism(), 2);
        let first = semaphore.acquire(soon());
        let second = semaphore.acquire(soon());
        assert!(first.is_some() && second.is_some());
        assert!(semaphore.acquire(soon()).is_none());
        assert_eq!(semaphore.parallelism(), 1);
        drop(first);
        assert!(semaphore.acquire(soon()).is_some());
    }

    #[test]
    fn a_waiting_thread_is_woken() {
        let semaphore = Semaphore::new(1);
        let held = semaphore.acquire(Deadline::after(Duration::ZERO));
        std::thread::scope(|scope| {
            let waiting =
                scope.spawn(|| semaphore.acquire(Deadline::after(Duration::from_secs(60))).is_some());
            drop(held);
            assert!(waiting.join().unwrap());
        });
    }
}
