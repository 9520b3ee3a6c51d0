//! The clock of a run, which never jumps, and the parser of spans.

use std::time::Duration;

use jiff::Timestamp;

use crate::amount::Decimal;
use crate::lang::Lang;

/// An instant of the clock that runs on while the host is suspended.
#[derive(Debug, Clone, Copy)]
pub struct BootInstant(Duration);

impl BootInstant {
    /// This instant.
    pub fn now() -> Self {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Self(Duration::try_from(now).unwrap_or_default())
    }

    /// How long ago it was.
    pub fn elapsed(self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

/// A wall clock that is read once, at the start of the run, and advanced by the clock of the boot.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Timestamp,
    started: BootInstant,
}

impl Clock {
    /// Starts a clock at the given time.
    pub fn starting(start: Timestamp) -> Self {
        Self { start, started: BootInstant::now() }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        let elapsed = jiff::SignedDuration::try_from(self.started.elapsed()).unwrap_or_default();
        self.start.checked_add(elapsed).unwrap_or(self.start)
    }

    /// The time now in seconds since 1970.
    pub fn now_s(&self) -> i64 {
        self.now().as_second()
    }
}

/// Parses a span such as `30`, `0.25`, `90s`, `5m`, `2h`, `7d` or `2w`; a number without a unit is in seconds. Parts of a
/// millisecond are cut off.
pub fn parse_span(text: &str) -> Option<Duration> {
    let text = text.trim();
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_ms = match &text[number.len()..] {
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    };
    if number.ends_with(char::is_whitespace) {
        return None;
    }
    let milliseconds = number.parse::<Decimal>().ok()?.of(unit_ms).ok()?;
    u64::try_from(milliseconds).ok().map(Duration::from_millis)
}

/// Parses a span like [`parse_span`], in whole seconds; a span with a fraction of a second is refused.
pub fn parse_span_s(text: &str) -> Option<i64> {
    let span = parse_span(text).filter(|span| span.subsec_nanos() == 0)?;
    i64::try_from(span.as_secs()).ok()
}

/// Formats a span with its two largest units: `2 d 3 h`, `5 min`, `40 s`.
pub fn format_span(seconds: u64, lang: Lang) -> String {
    let units = [
        (86_400, lang.pick("d", "д")),
        (3600, lang.pick("h", "ч")),
        (60, lang.pick("min", "мин")),
        (1, lang.pick("s", "с")),
    ];
    let first = units.iter().position(|(length, _)| seconds >= *length).unwrap_or(3);
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (length, word) in units.iter().skip(first).take(2) {
        let count = rest / length;
        rest %= length;
        if count > 0 || parts.is_empty() {
            parts.push(format!("{count} {word}"));
        }
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::bare_seconds("30", 30_000)]
    #[case::fraction("0.25", 250)]
    #[case::below_a_millisecond("0.0009", 0)]
    #[case::zero("0", 0)]
    #[case::zero_with_unit("0s", 0)]
    #[case::seconds("90s", 90_000)]
    #[case::minutes("5m", 300_000)]
    #[case::hours("2h", 7_200_000)]
    #[case::half_an_hour("0.5h", 1_800_000)]
    #[case::days("7d", 604_800_000)]
    #[case::weeks("2w", 1_209_600_000)]
    #[case::surrounding_space(" 5m\n", 300_000)]
    fn spans(#[case] text: &str, #[case] milliseconds: u64) {
        assert_eq!(parse_span(text), Some(Duration::from_millis(milliseconds)));
    }

    #[rstest]
    #[case::empty("")]
    #[case::unit_alone("m")]
    #[case::negative("-5m")]
    #[case::inner_space("5 m")]
    #[case::two_units("1h30m")]
    #[case::capital_unit("5M")]
    #[case::unknown_unit("5y")]
    #[case::not_ascii("5é")]
    #[case::not_a_number("nan")]
    #[case::too_large("999999999999999999w")]
    fn not_a_span(#[case] text: &str) {
        assert_eq!(parse_span(text), None);
        assert_eq!(parse_span_s(text), None);
    }

    #[test]
    fn whole_seconds_have_no_fraction() {
        assert_eq!(parse_span_s("1.5m"), Some(90));
        assert_eq!(parse_span_s("1.5"), None);
    }

    #[rstest]
    #[case::zero(0, "0 s")]
    #[case::seconds(59, "59 s")]
    #[case::minute(60, "1 min")]
    #[case::two_units(3725, "1 h 2 min")]
    #[case::day(86_400, "1 d")]
    #[case::day_and_hour(90_061, "1 d 1 h")]
    fn spans_for_people(#[case] seconds: u64, #[case] text: &str) {
        assert_eq!(format_span(seconds, Lang::En), text);
    }
}
