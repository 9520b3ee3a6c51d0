//! Maintenance windows of the settings file: when no alerts are sent, once or again and again, in UTC.

use jiff::Timestamp;

use crate::parse::near_or;

const DAY_S: i64 = 86_400;
/// The days of the week from that of 1970-01-01 on.
const DAYS: [&str; 7] = ["thu", "fri", "sat", "sun", "mon", "tue", "wed"];

/// A `[[maintenance]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintenance {
    /// `PATH:LINE`.
    pub place: String,
    when: When,
    /// The subscriptions that it is about; all where it names none.
    pub only: Vec<String>,
    /// The problems that it is about; all where it names none.
    pub problems: Vec<String>,
    /// Why.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// From one second of Unix time until before another.
    Once { from_s: i64, to_s: i64 },
    /// For `length_s` seconds from second `start_s` of each period.
    Again { period_s: i64, start_s: i64, length_s: i64 },
}

/// The keys of a window as they were written.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The begin of a window that comes once.
    pub from: Option<String>,
    /// Its end.
    pub to: Option<String>,
    /// `02:00-02:30`.
    pub daily: Option<String>,
    /// `sun 02:00-04:00`.
    pub weekly: Option<String>,
    /// The subscriptions.
    pub only: Vec<String>,
    /// The problems.
    pub problems: Vec<String>,
    /// Why.
    pub reason: Option<String>,
}

/// A mistake and its fix.
type Mistake = (String, String);

impl Maintenance {
    /// A window from its keys.
    pub fn new(place: String, given: Given) -> Result<Self, Mistake> {
        let when = match (&given.from, &given.to, &given.daily, &given.weekly) {
            (Some(from), Some(to), None, None) => once(from, to)?,
            (None, None, Some(text), None) => {
                let (start_s, length_s) = hours("daily", text, text)?;
                When::Again { period_s: DAY_S, start_s, length_s }
            }
            (None, None, None, Some(text)) => weekly(text)?,
            (None, None, None, None) => {
                let hint =
                    "add from = … and to = …, daily = \"02:00-02:30\", or weekly = \"sun 02:00-04:00\"";
                return Err(("this window has no time".to_owned(), hint.to_owned()));
            }
            (Some(_), None, None, None) => {
                return Err(("from is given without to".to_owned(), "add to = …".to_owned()));
            }
            (None, Some(_), None, None) => {
                return Err(("to is given without from".to_owned(), "add from = …".to_owned()));
            }
            _ => {
                let message = "this window has several times".to_owned();
                return Err((message, "write a [[maintenance]] for each of them".to_owned()));
            }
        };
        let reason = given.reason.unwrap_or_default();
        Ok(Self { place, when, only: given.only, problems: given.problems, reason })
    }

    /// When the window ends, in seconds of Unix time, if it is open now.
    pub fn open_until(&self, now_s: i64) -> Option<i64> {
        match self.when {
            When::Once { from_s, to_s } => (from_s..to_s).contains(&now_s).then_some(to_s),
            When::Again { period_s, start_s, length_s } => {
                let since_s = now_s.checked_sub(start_s)?.rem_euclid(period_s);
                (since_s < length_s).then(|| now_s.saturating_sub(since_s).saturating_add(length_s))
            }
        }
    }
}

fn once(from: &str, to: &str) -> Result<When, Mistake> {
    let parsed = |key: &str, text: &str| {
        text.replace(' ', "T").parse::<Timestamp>().map(Timestamp::as_second).map_err(|_| {
            let message = format!("{key} is {text:?}: a time with its offset is needed");
            (message, format!("write {key} = 2026-12-01T02:00:00Z"))
        })
    };
    let (from_s, to_s) = (parsed("from", from)?, parsed("to", to)?);
    if from_s < to_s {
        return Ok(When::Once { from_s, to_s });
    }
    Err((format!("to is {to:?}, which is not after from, {from:?}"), "correct one of them".to_owned()))
}

fn weekly(text: &str) -> Result<When, Mistake> {
    let (day, rest) = text.trim().split_once(' ').unwrap_or((text, ""));
    let name: String = day.chars().take(3).collect::<String>().to_lowercase();
    let Some(number) = DAYS.iter().position(|known| *known == name) else {
        let message = format!("weekly is {text:?}: a day of the week is needed");
        let hint = near_or(day, DAYS, || "write weekly = \"sun 02:00-04:00\"".to_owned());
        return Err((message, hint));
    };
    let (start_s, length_s) = hours("weekly", text, rest)?;
    let day_s = i64::try_from(number).unwrap_or(0) * DAY_S;
    Ok(When::Again { period_s: 7 * DAY_S, start_s: day_s + start_s, length_s })
}

/// Start and length of `23:30-00:30`; a window that ends before it begins ends on the next day.
fn hours(key: &str, text: &str, hours: &str) -> Result<(i64, i64), Mistake> {
    let seconds = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let number = |text: &str| text.parse::<i64>().ok().filter(|_| text.len() == 2);
        let (hour, minute) = (number(hour)?, number(minute)?);
        ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some(hour * 3600 + minute * 60)
    };
    let found = hours.split_once('-').and_then(|(from, to)| Some((seconds(from)?, seconds(to)?)));
    let example = if key == "daily" { "02:00-02:30" } else { "sun 02:00-04:00" };
    let hint = format!("write {key} = \"{example}\", in UTC");
    match found {
        Some((from, to)) if from != to => Ok((from, (to - from).rem_euclid(DAY_S))),
        Some(_) => Err((format!("{key} is {text:?}: it ends when it begins"), hint)),
        None => Err((format!("{key} is {text:?}: two times of day are needed"), hint)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn window(from: &str, to: &str, daily: &str, weekly: &str) -> Result<Maintenance, Mistake> {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let given = Given {
            from: some(from),
            to: some(to),
            daily: some(daily),
            weekly: some(weekly),
            ..Given::default()
        };
        Maintenance::new("f:1".to_owned(), given)
    }

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    // 2026-11-29 is a Sunday.
    #[rstest]
    #[case::before_once("2026-12-01T02:00:00Z", "2026-12-01 03:00:00Z", "", "", "2026-12-01T01:59:59Z", None)]
    #[case::once(
        "2026-12-01T02:00:00Z",
        "2026-12-01T04:00:00+01:00",
        "",
        "",
        "2026-12-01T02:30:00Z",
        Some("2026-12-01T03:00:00Z")
    )]
    #[case::after_once("2026-12-01T02:00:00Z", "2026-12-01T03:00:00Z", "", "", "2026-12-01T03:00:00Z", None)]
    #[case::daily("", "", "02:00-02:30", "", "2026-11-29T02:29:59Z", Some("2026-11-29T02:30:00Z"))]
    #[case::daily_over("", "", "02:00-02:30", "", "2026-11-29T02:30:00Z", None)]
    #[case::over_midnight("", "", "23:30-00:30", "", "2026-11-29T00:10:00Z", Some("2026-11-29T00:30:00Z"))]
    #[case::weekly("", "", "", "Sun 02:00-04:00", "2026-11-29T03:00:00Z", Some("2026-11-29T04:00:00Z"))]
    #[case::full_day_name(
        "",
        "",
        "",
        "sunday 02:00-04:00",
        "2026-11-29T03:00:00Z",
        Some("2026-11-29T04:00:00Z")
    )]
    #[case::other_day("", "", "", "mon 02:00-04:00", "2026-11-29T03:00:00Z", None)]
    #[case::into_monday("", "", "", "sun 23:00-01:00", "2026-11-30T00:30:00Z", Some("2026-11-30T01:00:00Z"))]
    #[case::before_1970("", "", "02:00-03:00", "", "1969-12-31T02:30:00Z", Some("1969-12-31T03:00:00Z"))]
    fn windows(
        #[case] from: &str,
        #[case] to: &str,
        #[case] daily: &str,
        #[case] weekly: &str,
        #[case] now: &str,
        #[case] until: Option<&str>,
    ) {
        let window = window(from, to, daily, weekly).unwrap();
        assert_eq!(window.open_until(at(now)), until.map(at));
    }

    #[rstest]
    #[case::nothing("", "", "", "", "this window has no time")]
    #[case::half("2026-12-01T02:00:00Z", "", "", "", "from is given without to")]
    #[case::other_half("", "2026-12-01T02:00:00Z", "", "", "to is given without from")]
    #[case::two("", "", "02:00-03:00", "sun 02:00-03:00", "this window has several times")]
    #[case::no_offset(
        "2026-12-01T02:00:00",
        "2026-12-01T03:00:00Z",
        "",
        "",
        "from is \"2026-12-01T02:00:00\": a time with its offset is needed"
    )]
    #[case::backwards(
        "2026-12-01T02:00:00Z",
        "2026-12-01T01:00:00Z",
        "",
        "",
        "to is \"2026-12-01T01:00:00Z\", which is not after from, \"2026-12-01T02:00:00Z\""
    )]
    #[case::no_hours("", "", "night", "", "daily is \"night\": two times of day are needed")]
    #[case::hour("", "", "24:00-25:00", "", "daily is \"24:00-25:00\": two times of day are needed")]
    #[case::empty("", "", "02:00-02:00", "", "daily is \"02:00-02:00\": it ends when it begins")]
    #[case::no_day("", "", "", "02:00-04:00", "weekly is \"02:00-04:00\": a day of the week is needed")]
    fn mistakes(
        #[case] from: &str,
        #[case] to: &str,
        #[case] daily: &str,
        #[case] weekly: &str,
        #[case] message: &str,
    ) {
        assert_eq!(window(from, to, daily, weekly).unwrap_err().0, message);
    }
}
