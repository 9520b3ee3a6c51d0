//! The history of a subscription: one bounded file in the state directory, a point for each live run.
//!
//! The file `history-ID.ndjson` has a header line and a line for each point, and grows by one line a run. At
//! [`LINES_MAX`] lines it is replaced by a thinned one: a point a quarter of an hour for 14 days, a point a day for a
//! year. A run that is killed while it writes loses at most its own point: a line that cannot be parsed is left out.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::amount::{Count, Quants};
use crate::check::code::Code;
use crate::check::{Checks, Status};
use crate::report::{Report, SubscriptionId};
use crate::stable_id::stable_id;
use crate::state_dir::{LockedState, StateDir, StateError};

mod order;

/// The value of `schema` in the header.
pub const SCHEMA: &str = "dvrf.history/1";
/// The number of points at which the file is thinned.
pub const LINES_MAX: usize = 3000;
/// For how long a point a quarter of an hour is kept, in seconds.
pub const DETAIL_S: i64 = 14 * DAY_S;
/// For how long a point a day is kept, in seconds.
pub const KEPT_S: i64 = 365 * DAY_S;

const DAY_S: i64 = 86_400;
const QUARTER_S: i64 = 900;
/// A run this soon after the last point adds none, unless something has changed.
const SPACING_S: i64 = 60;
/// For how many runs a clock that jumped ahead is tolerated when the file is thinned.
const CLOCK_RUNS: usize = 20;
const KIND: &str = "ndjson";
const PREFIX: &str = "history-";

/// What one run read of a subscription. What it could not read is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Point {
    /// When the chain was read, in seconds since 1970; RFC 3339 in the file.
    #[serde(rename = "at", with = "rfc3339")]
    pub at_s: i64,
    /// The balance in quants.
    #[serde(default)]
    pub balance: Option<Quants>,
    /// The balance at which requests are refused, in quants.
    #[serde(default)]
    pub min_balance: Option<Quants>,
    /// The remaining grant in quants.
    #[serde(default)]
    pub grant: Option<Quants>,
    /// The requests that the contract has made.
    #[serde(default)]
    pub requests: Option<Count>,
    /// Those of them that were answered.
    #[serde(default)]
    pub answered: Option<Count>,
    /// The verdict of the run; `None` from a tool that gives none.
    #[serde(default)]
    pub verdict: Option<Status>,
}

mod rfc3339 {
    use super::{Deserialize, Timestamp};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(super) fn serialize<S: serde::Serializer>(at_s: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        let at = Timestamp::from_second(*at_s).map_err(serde::ser::Error::custom)?;
        serializer.collect_str(&at)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map(Timestamp::as_second).map_err(serde::de::Error::custom)
    }
}

impl Point {
    /// The point of a run. Values of a wrong chain or of a stale node are not those of the subscription.
    pub fn of(report: &Report, checks: &Checks, now: Timestamp) -> Self {
        let untrusted = [Code::WrongChain, Code::ChainStale, Code::ReportStale];
        let is_trusted = !checks.findings.iter().any(|finding| untrusted.contains(&finding.code));
        let lottery = report.state.as_ref().filter(|_| is_trusted).map(|state| &state.lottery);
        Self {
            at_s: report.read_at.unwrap_or(now).as_second(),
            balance: checks.available_quants,
            min_balance: checks.min_balance_onchain,
            grant: checks.grant_remaining,
            requests: lottery.and_then(|lottery| lottery.rng_request_count),
            answered: lottery.and_then(|lottery| lottery.rng_response_count),
            verdict: Some(checks.status),
        }
    }

    /// Whether nothing but the time differs.
    fn repeats(&self, other: &Self) -> bool {
        Self { at_s: other.at_s, ..self.clone() } == *other
    }
}

/// The first line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    schema: String,
    /// The addresses of the dVRF package, the client and the lottery.
    subscription: String,
    /// The subscription's name when the file was last replaced.
    pub name: String,
}

impl Header {
    fn of(id: &SubscriptionId) -> Self {
        Self { schema: SCHEMA.to_owned(), subscription: subscription(id), name: id.label().to_owned() }
    }

    /// Whether this is what the user calls the subscription: its name, or an address of it.
    fn is_called(&self, name: &str) -> bool {
        let address = name.parse::<Address>().map(|address| address.to_string());
        let wanted = address.unwrap_or_else(|_| name.to_owned());
        let mut addresses = self.subscription.split(' ').skip(1);
        self.name == name || addresses.any(|address| !address.is_empty() && address == wanted)
    }
}

/// The addresses of a subscription, which tell its history from others; in one spelling, where they are addresses.
pub fn subscription(id: &SubscriptionId) -> String {
    let text = |part: &Option<String>| {
        let text = part.as_deref().unwrap_or_default();
        text.parse::<Address>().map_or_else(|_| text.to_owned(), |address| address.to_string())
    };
    format!("{} {} {}", text(&id.deposit), text(&id.client), text(&id.lottery))
}

fn file_name(id: &SubscriptionId) -> String {
    format!("{PREFIX}{}", stable_id(&[&subscription(id)]))
}

/// The file's content: its header, and its points in the order in which they were written.
fn parse(bytes: &[u8]) -> Option<(Header, Vec<Point>)> {
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let header: Header = serde_json::from_slice(lines.next()?).ok()?;
    let points = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
    (header.schema == SCHEMA).then_some((header, points))
}

/// Reads the points of a subscription in the order of time, without the lock. A file that is missing or damaged has none.
pub fn read(directory: &StateDir, id: &SubscriptionId) -> Result<Vec<Point>, StateError> {
    let bytes = directory.read(&file_name(id), KIND)?;
    let parsed = bytes.as_deref().and_then(parse);
    let own = parsed.filter(|(header, _)| header.subscription == subscription(id));
    Ok(ordered(own.map(|(_, points)| points).unwrap_or_default()))
}

/// The histories of the directory that have this name or address, each with its points in the order of time.
pub fn find(directory: &StateDir, name: &str) -> Result<Vec<(Header, Vec<Point>)>, StateError> {
    let mut found = Vec::new();
    for file in directory.names(PREFIX, KIND)? {
        let parsed = directory.read(&file, KIND)?.as_deref().and_then(parse);
        if let Some((header, points)) = parsed.filter(|(header, _)| header.is_called(name)) {
            found.push((header, ordered(points)));
        }
    }
    Ok(found)
}

/// The names of all histories of the directory, sorted.
pub fn names(directory: &StateDir) -> Result<Vec<String>, StateError> {
    let mut names = Vec::new();
    for file in directory.names(PREFIX, KIND)? {
        let parsed = directory.read(&file, KIND)?.as_deref().and_then(parse);
        names.extend(parsed.map(|(header, _)| header.name));
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// The history of one subscription, locked for this run.
#[derive(Debug)]
pub struct LockedHistory {
    file: LockedState,
    header: Header,
    /// In the order in which they were written.
    points: Vec<Point>,
    /// Whether the file is there and is ours.
    exists: bool,
    /// Whether the last line is complete.
    is_whole: bool,
}

impl LockedHistory {
    /// Locks and reads the history of a subscription. A file that is not its history is moved to `….corrupt`.
    pub fn open(
        directory: &StateDir,
        id: &SubscriptionId,
        wait: std::time::Duration,
    ) -> Result<Self, StateError> {
        let file = directory.lock(&file_name(id), wait)?;
        let header = Header::of(id);
        let bytes = file.read(KIND)?;
        let is_whole = bytes.as_deref().is_some_and(|bytes| bytes.ends_with(b"\n"));
        let parsed = bytes.as_deref().and_then(parse);
        let own = parsed.filter(|(found, _)| found.subscription == header.subscription);
        // A power failure may leave a new file empty.
        if own.is_none() && bytes.is_some_and(|bytes| !bytes.is_empty()) {
            file.quarantine(KIND)?;
        }
        let exists = own.is_some();
        let points = own.map(|(_, points)| points).unwrap_or_default();
        Ok(Self { file, header, points, exists, is_whole })
    }

    /// The points in the order of time, without those that a clock which jumped has dated.
    pub fn points(&self) -> Vec<Point> {
        ordered(self.points.clone())
    }

    /// Adds a point, unless it repeats the last one within a minute.
    pub fn append(mut self, point: Point) -> Result<(), StateError> {
        let is_repeated = self.points.last().is_some_and(|last| {
            (0..SPACING_S).contains(&point.at_s.saturating_sub(last.at_s)) && point.repeats(last)
        });
        if is_repeated {
            return Ok(());
        }
        if self.points.len() >= LINES_MAX {
            let now_s = point.at_s;
            self.points.push(point);
            return self.replace(&bounded(self.points(), now_s));
        }
        // A new file is not forced to disk either: of 10,000 subscriptions the first points would take a minute.
        let mut text = match (self.exists, self.is_whole) {
            (false, _) => line(&self.header),
            (true, false) => b"\n".to_vec(),
            (true, true) => Vec::new(),
        };
        text.extend(line(&point));
        self.file.append(KIND, &text)
    }

    /// Adds points of earlier runs, and returns how many of them are new and were kept. All points that are there already
    /// stay, unless the file is thinned.
    pub fn import(self, points: Vec<Point>, now_s: i64) -> Result<usize, StateError> {
        let mut known: HashSet<Point> = self.points.iter().cloned().collect();
        let mut all = ordered(self.points.clone());
        all.extend(points.into_iter().filter(|point| known.insert(point.clone())));
        // The sort is stable: the points of one second stay in the order of their runs.
        all.sort_by_key(|point| point.at_s);
        let kept = bounded(all, now_s);
        let before: HashSet<&Point> = self.points.iter().collect();
        let added = kept.iter().filter(|point| !before.contains(point)).count();
        if added > 0 {
            self.replace(&kept)?;
        }
        Ok(added)
    }

    fn replace(&self, points: &[Point]) -> Result<(), StateError> {
        let mut text = line(&self.header);
        for point in points {
            text.extend(line(point));
        }
        self.file.replace(KIND, &text)
    }
}

/// The points that a file keeps, which are in the order of time.
fn bounded(points: Vec<Point>, now_s: i64) -> Vec<Point> {
    if points.len() < LINES_MAX {
        return points;
    }
    // A clock that is far ahead for a few runs must not make all other points too old.
    let earlier = points.iter().rev().nth(CLOCK_RUNS).map_or(now_s, |point| point.at_s);
    order::thin(points, now_s.min(earlier))
}

/// The latest point up to `now` whose balance is known.
pub fn last_known(points: &[Point], now: Timestamp) -> Option<&Point> {
    points.iter().rev().find(|point| point.balance.is_some() && point.at_s <= now.as_second())
}

/// The points in the order of time, without those that a clock which jumped has dated.
pub fn ordered(points: Vec<Point>) -> Vec<Point> {
    order::in_order(points)
}

fn line<T: Serialize>(value: &T) -> Vec<u8> {
    let mut text = serde_json::to_vec(value).unwrap_or_default();
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests;
