//! Block heights and times: computed from the clock, never stored.

use std::time::Instant;

/// Spacing of the past when the clock is frozen, in milliseconds.
const FROZEN_SPACING_MS: u64 = 500;

#[derive(Clone)]
pub(crate) struct Clock {
    origin_height: u64,
    origin_us: u64,
    block_ms: u64,
    started: Instant,
    advanced: u64,
    /// Blocks that this view of the chain is behind.
    behind: u64,
}

impl Clock {
    /// `start_seconds`: Unix time of the first tip; `None` is the machine's clock.
    pub(crate) fn new(height: u64, block_ms: u64, start_seconds: Option<u64>) -> Self {
        let now = jiff::Timestamp::now().as_microsecond();
        let origin_us =
            start_seconds.map_or_else(|| u64::try_from(now).unwrap_or(0), |s| s.saturating_mul(1_000_000));
        Self { origin_height: height, origin_us, block_ms, started: Instant::now(), advanced: 0, behind: 0 }
    }

    fn spacing_us(&self) -> u64 {
        if self.block_ms == 0 { FROZEN_SPACING_MS * 1000 } else { self.block_ms.saturating_mul(1000) }
    }

    pub(crate) fn height(&self) -> u64 {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let grown = elapsed.checked_div(self.block_ms).unwrap_or(0);
        let tip = self.origin_height.saturating_add(self.advanced).saturating_add(grown);
        tip.saturating_sub(self.behind)
    }

    /// The same clock that ends at this height, as long as it is not asked again.
    pub(crate) fn up_to(&self, height: u64) -> Self {
        Self { behind: self.behind + self.height().saturating_sub(height), ..self.clone() }
    }

    pub(crate) fn advance(&mut self, blocks: u64) {
        self.advanced = self.advanced.saturating_add(blocks);
    }

    pub(crate) fn time_of(&self, height: u64) -> u64 {
        if height >= self.origin_height {
            self.origin_us.saturating_add((height - self.origin_height).saturating_mul(self.spacing_us()))
        } else {
            self.origin_us.saturating_sub((self.origin_height - height).saturating_mul(self.spacing_us()))
        }
    }

    /// The first block at or after the given time.
    pub(crate) fn height_at(&self, us: u64) -> u64 {
        if us >= self.origin_us {
            self.origin_height.saturating_add((us - self.origin_us).div_ceil(self.spacing_us()))
        } else {
            self.origin_height.saturating_sub((self.origin_us - us) / self.spacing_us())
        }
    }

    pub(crate) fn now_us(&self) -> u64 {
        self.time_of(self.height())
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn heights_and_times_are_inverse_on_a_frozen_clock() {
        let mut clock = Clock::new(1000, 0, Some(1_759_676_400));
        assert_eq!((clock.height(), clock.now_us()), (1000, 1_759_676_400_000_000));
        assert_eq!(clock.time_of(998), 1_759_676_399_000_000);
        assert_eq!(clock.height_at(clock.time_of(3)), 3);
        clock.advance(4);
        assert_eq!((clock.height(), clock.now_us()), (1004, 1_759_676_402_000_000));
    }
}
