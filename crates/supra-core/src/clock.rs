//! The wall clock of a run: as it was at the start, moved on by the clock that never jumps.

use std::time::Instant;

use jiff::Timestamp;

/// The clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Timestamp,
    begun: Instant,
}

impl Clock {
    /// A clock that shows `start` now.
    pub fn starting(start: Timestamp) -> Self {
        Self { start, begun: Instant::now() }
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        let passed = jiff::SignedDuration::try_from(self.begun.elapsed()).unwrap_or_default();
        self.start.checked_add(passed).unwrap_or(self.start)
    }

    /// The same in seconds since 1970.
    pub fn now_s(&self) -> i64 {
        self.now().as_second()
    }
}
