//! Waits between attempts: what the server asks for, else exponential backoff with full jitter.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(10);

/// Random waits below a limit that starts at 250 ms and doubles up to 10 s.
#[derive(Debug)]
pub struct Backoff {
    limit: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { limit: FIRST }
    }
}

impl Backoff {
    /// The next wait, from zero up to the current limit.
    pub fn next_wait(&mut self) -> Duration {
        let wait = self.limit.mul_f64(fastrand::f64());
        self.limit = (self.limit * 2).min(LONGEST);
        wait
    }
}

/// Parses `Retry-After`: seconds, or an HTTP date; a date in the past means no wait. Gateways in a row may have added one
/// each (`2, 2`): the first counts.
pub fn retry_after(value: &str) -> Option<Duration> {
    let first = value.split(',').next().unwrap_or_default();
    if let Ok(seconds) = first.trim().parse::<u32>() {
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
    fn waits_are_random_below_a_growing_limit() {
        let mut backoff = Backoff::default();
        let mut limit = FIRST;
        let mut waits = Vec::new();
        for _ in 0..20 {
            waits.push(backoff.next_wait());
            assert!(waits.last().is_some_and(|wait| *wait <= limit));
            limit = (limit * 2).min(LONGEST);
        }
        waits.dedup();
        assert!(waits.len() > 10, "{waits:?}");
    }

    #[test]
    fn both_forms_of_retry_after() {
        assert_eq!(retry_after(" 2 "), Some(Duration::from_secs(2)));
        assert_eq!(retry_after("2, 2"), Some(Duration::from_secs(2)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        let far = retry_after("Fri, 01 Jan 2100 00:00:00 GMT").unwrap();
        assert!(far > Duration::from_secs(3600));
        assert_eq!(retry_after("soon"), None);
        assert_eq!(retry_after("-1"), None);
    }
}
