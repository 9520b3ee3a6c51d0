//! The typed report about one subscription at one moment: what the stages of a pipe hand to each other.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::failure::{Failure, quote};
use crate::min_balance::Calculation;
use crate::record::{Record, RecordError};
use crate::requests::Requests;
use crate::state::State;
use crate::view_report::Views;

/// How a record names its subscription. Addresses are as they were given, not normalised.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscriptionId {
    /// The `name` of a target.
    pub name: Option<String>,
    /// The profile of the Supra CLI.
    pub profile: Option<String>,
    /// The lottery's address.
    pub lottery: Option<String>,
    /// The dVRF package's address.
    pub deposit: Option<String>,
    /// The paying client's address.
    pub client: Option<String>,
}

impl SubscriptionId {
    /// Reads the keys of a record. A key of another shape counts as absent.
    pub fn of(record: &Record) -> Self {
        let text = |key| record.get::<String>(key).ok().flatten().filter(|text| !text.is_empty());
        Self {
            name: text("name"),
            profile: text("profile"),
            lottery: text("lottery_addr"),
            deposit: text("deposit_addr"),
            client: text("client_addr"),
        }
    }

    /// The best single name: the target's own, the profile, the client, the lottery; `-` without any.
    pub fn label(&self) -> &str {
        let names = [&self.name, &self.profile, &self.client, &self.lottery];
        names.into_iter().flatten().next().map_or("-", String::as_str)
    }

    /// The account that pays: the client, else the lottery.
    pub fn payer(&self) -> Option<&str> {
        self.client.as_deref().or(self.lottery.as_deref())
    }
}

/// The `error` of a record, as the stage that read the chain wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ReportError {
    /// The kind's stable name; a text, so that kinds of later versions are read too.
    pub kind: String,
    /// What failed.
    pub message: String,
    /// The value that could not be read, where it was one.
    pub view: Option<String>,
    /// What to do about it, where the failure said so.
    pub hint: Option<String>,
}

impl ReportError {
    /// The error that a failure makes of a report; `view` names the value that could not be read.
    pub fn new(failure: &Failure, view: Option<&str>) -> Self {
        Self {
            kind: failure.kind.name().to_owned(),
            message: failure.message.clone(),
            view: view.map(str::to_owned),
            hint: failure.hint.clone(),
        }
    }
}

/// What is known of one subscription.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// How the record names its subscription.
    pub id: SubscriptionId,
    /// When the chain was read; `None` for a record that does not say.
    pub read_at: Option<Timestamp>,
    /// The typed picture; `None` where the chain could not be read.
    pub state: Option<State>,
    /// Where each value came from, or why it is missing.
    pub views: Views,
    /// Why the report is incomplete.
    pub error: Option<ReportError>,
    /// The minimum by the formula, where gas settings were given.
    pub calculation: Option<Calculation>,
    /// What the events say about the lottery's requests, where they were read.
    pub requests: Option<Requests>,
}

impl Report {
    /// Reads a record. Keys that are absent are not known; a key of another shape is an error.
    pub fn of(record: &Record) -> Result<Self, RecordError> {
        Ok(Self {
            id: SubscriptionId::of(record),
            read_at: read_at(record)?,
            state: record.get("state")?,
            views: record.get("views")?.unwrap_or_default(),
            error: record.get("error")?,
            calculation: record.get("calculation")?,
            requests: record.get("requests")?,
        })
    }

    /// Reads what can be read of a record: a key of another shape counts as absent.
    pub fn readable(record: &Record) -> Self {
        Self {
            id: SubscriptionId::of(record),
            read_at: read_at(record).ok().flatten(),
            state: record.get("state").ok().flatten(),
            views: record.get("views").ok().flatten().unwrap_or_default(),
            error: record.get("error").ok().flatten(),
            calculation: record.get("calculation").ok().flatten(),
            requests: record.get("requests").ok().flatten(),
        }
    }
}

/// When the chain was read. A time without an offset is UTC, as Python writes it.
fn read_at(record: &Record) -> Result<Option<Timestamp>, RecordError> {
    const KEY: &str = "timestamp";
    let Some(text) = record.get::<String>(KEY)? else { return Ok(None) };
    let civil = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>()?);
    let read_at = text.parse::<Timestamp>().or_else(|_| civil());
    let shape = |error: jiff::Error| serde::de::Error::custom(quote(&error.to_string()));
    read_at.map(Some).map_err(|error| RecordError::Shape { key: KEY.to_owned(), source: shape(error) })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn record(text: &str) -> Record {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_label_is_the_first_name_there_is() {
        for (text, label) in [
            (r#"{"name":"eu","profile":"p","client_addr":"0x1"}"#, "eu"),
            (r#"{"name":"","profile":"p","client_addr":"0x1"}"#, "p"),
            (r#"{"client_addr":"0x1","lottery_addr":"0x2"}"#, "0x1"),
            (r#"{"lottery_addr":"0x2","profile":7}"#, "0x2"),
            ("{}", "-"),
        ] {
            assert_eq!(SubscriptionId::of(&record(text)).label(), label, "{text}");
        }
    }

    #[test]
    fn what_a_record_does_not_say_is_not_known() {
        let report = Report::of(&record("{}")).unwrap();
        assert!(report.state.is_none() && report.read_at.is_none() && report.error.is_none());
        assert!(Report::of(&record(r#"{"state":7}"#)).is_err());
    }

    #[rstest]
    #[case::with_an_offset(json!("2026-11-01T02:00:00.5+02:00"), Some("2026-11-01T00:00:00.5Z"))]
    #[case::of_python_without_one(json!("2026-11-01T00:00:00.25"), Some("2026-11-01T00:00:00.25Z"))]
    #[case::with_a_space(json!("2026-11-01 00:00:00"), Some("2026-11-01T00:00:00Z"))]
    #[case::none(json!(null), None)]
    fn the_time_of_a_record(#[case] timestamp: Value, #[case] expected: Option<&str>) {
        let report = Report::of(&record(&json!({"timestamp": timestamp}).to_string())).unwrap();
        assert_eq!(report.read_at.map(|at| at.to_string()).as_deref(), expected);
    }

    /// Without the time nobody would see how old the record is.
    #[rstest]
    #[case::a_number(json!(1_793_491_200))]
    #[case::no_time(json!("yesterday"))]
    #[case::beyond_all_time(json!("9999-12-31T23:59:59Z"))]
    fn a_time_that_is_none_is_an_error(#[case] timestamp: Value) {
        let record = record(&json!({"timestamp": timestamp}).to_string());
        let error = Report::of(&record).unwrap_err();
        assert_eq!(error.to_string(), "the record's `timestamp` is not what this version writes");
        assert_eq!(Report::readable(&record).read_at, None);
    }
}
