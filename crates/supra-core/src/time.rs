//! Time: the wall clock of a run, as it was at the start and moved on by the clock that never jumps; and spans in words.

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

/// A span such as `90s`, `5m`, `2h`, `7d` or `2w` in seconds.
pub fn span_s(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse::<i64>().ok().filter(|_| plain)?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_one_unit() {
        for (text, seconds) in
            [("90s", 90), ("5m", 300), ("2h", 7200), ("7d", 604_800), ("2w", 1_209_600), ("0s", 0)]
        {
            assert_eq!(span_s(text), Some(seconds), "{text}");
        }
        for text in ["", "5", "m", "-5m", "+5m", "5 m", "1h30m", "5M", "9223372036854775807w", "5é"] {
            assert_eq!(span_s(text), None, "{text}");
        }
    }
}
