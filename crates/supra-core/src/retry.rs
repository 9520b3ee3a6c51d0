//! How long to wait before trying again: what the server says, else exponential with full jitter.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(10);

/// Waits that double up to ten seconds, each drawn from nothing to its full length.
#[derive(Debug)]
pub struct Backoff {
    ceiling: Duration,
    state: u64,
}

impl Backoff {
    /// Waits that begin at a quarter of a second; the seed decides the jitter.
    pub fn new(seed: u64) -> Self {
        Self { ceiling: FIRST, state: seed }
    }

    /// The next wait.
    pub fn next_wait(&mut self) -> Duration {
        // SplitMix64: spread is all that jitter needs.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let ceiling_ms = u64::try_from(self.ceiling.as_millis()).unwrap_or(u64::MAX).max(1);
        self.ceiling = (self.ceiling * 2).min(LONGEST);
        Duration::from_millis((z ^ (z >> 31)) % ceiling_ms)
    }
}

/// `Retry-After` in seconds or as an HTTP date; a date in the past means now.
pub fn retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = DateTimeParser::new().relaxed_weekday(true).parse_timestamp(value.trim()).ok()?;
    #[expect(clippy::disallowed_methods, reason = "an HTTP date is relative to the wall clock")]
    let now = Timestamp::try_from(std::time::SystemTime::now()).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_ceiling() {
        let mut backoff = Backoff::new(1);
        let mut ceiling = FIRST;
        for _ in 0..20 {
            assert!(backoff.next_wait() <= ceiling);
            ceiling = (ceiling * 2).min(LONGEST);
        }
    }

    #[test]
    fn both_forms_of_retry_after() {
        assert_eq!(retry_after(" 2 "), Some(Duration::from_secs(2)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        let far = retry_after("Fri, 01 Jan 2100 00:00:00 GMT").unwrap();
        assert!(far > Duration::from_secs(3600));
        assert_eq!(retry_after("soon"), None);
        assert_eq!(retry_after("-1"), None);
    }
}
