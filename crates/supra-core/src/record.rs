//! The record: one JSON object per subscription that grows along the pipe.
//!
//! Values are kept as the text they came in, so a stage changes nothing that is not its own: unknown keys, key
//! order and every digit pass through.

pub mod reader;

use std::fmt;
use std::io::{self, Write};

use memchr::memchr2;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The value of the `schema` key; a reader refuses another major number.
pub const SCHEMA: &str = "dvrf.record/1";

/// The value of the `schema` key of an event line, which travels through the same reader.
pub const EVENT_SCHEMA: &str = "dvrf.event/1";

/// The value of the `schema` key of a line of `dvrf-draw auto`, which travels through the same reader.
pub const DRAW_SCHEMA: &str = "dvrf.draw/1";
/// The value of the key `schema` of a line of `dvrf-fund --execute`.
pub const FUND_SCHEMA: &str = "dvrf.fund/1";

/// One record.
#[derive(Debug, Clone, Default)]
pub struct Record {
    entries: Vec<(String, Box<RawValue>)>,
}

/// Why a record cannot be read or extended.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A key that is ours has a value of another shape.
    #[error("the record's `{key}` is not what this version writes")]
    Shape {
        /// The key.
        key: String,
        /// What serde found.
        #[source]
        source: serde_json::Error,
    },
    /// A record of another major version.
    #[error("the record's schema is {0}, this version reads {SCHEMA}")]
    Schema(String),
}

impl Record {
    /// An empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// A record of a struct's fields.
    pub fn from_fields<T: Serialize + ?Sized>(value: &T) -> Result<Self, RecordError> {
        let shape = |source| RecordError::Shape { key: "-".to_owned(), source };
        let text = serde_json::to_string(value).map_err(shape)?;
        serde_json::from_str(&text).map_err(shape)
    }

    /// The text of a key's value.
    pub fn raw(&self, key: &str) -> Option<&RawValue> {
        self.entries.iter().rev().find(|(name, _)| name == key).map(|(_, value)| &**value)
    }

    /// Whether the key is there with anything but `null`.
    pub fn has(&self, key: &str) -> bool {
        self.raw(key).is_some_and(|raw| raw.get() != "null")
    }

    /// A key's value; absent and `null` are both `None`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, RecordError> {
        match self.raw(key) {
            None => Ok(None),
            Some(raw) => serde_json::from_str::<Option<T>>(raw.get())
                .map_err(|source| RecordError::Shape { key: key.to_owned(), source }),
        }
    }

    /// Sets a key: in its place if it is there, at the end otherwise.
    pub fn set<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), RecordError> {
        let raw = serde_json::value::to_raw_value(value)
            .map_err(|source| RecordError::Shape { key: key.to_owned(), source })?;
        match self.entries.iter_mut().rev().find(|(name, _)| name == key) {
            Some((_, value)) => *value = raw,
            None => self.entries.push((key.to_owned(), raw)),
        }
        Ok(())
    }

    /// Takes a key out, if it is there.
    pub fn remove(&mut self, key: &str) {
        self.entries.retain(|(name, _)| name != key);
    }

    /// Refuses a record of another major schema; one without a schema is a target or an old report.
    pub fn check_schema(&self) -> Result<(), RecordError> {
        match self.get::<String>("schema") {
            Ok(None) => Ok(()),
            Ok(Some(schema))
                if [SCHEMA, EVENT_SCHEMA, DRAW_SCHEMA, FUND_SCHEMA].contains(&schema.as_str()) =>
            {
                Ok(())
            }
            Ok(Some(other)) => Err(RecordError::Schema(crate::failure::quote(&other))),
            Err(error) => Err(error),
        }
    }

    /// The record as one tree, to embed it in another document.
    pub fn to_value(&self) -> Result<Value, RecordError> {
        let parsed = |(key, raw): &(String, Box<RawValue>)| {
            let value = serde_json::from_str::<Value>(raw.get());
            let value = value.map_err(|source| RecordError::Shape { key: key.clone(), source })?;
            Ok((key.clone(), value))
        };
        self.entries.iter().map(parsed).collect::<Result<_, _>>().map(Value::Object)
    }

    /// Writes the record and a newline: one line, or indented when `pretty`.
    pub fn write(&self, out: &mut dyn Write, pretty: bool) -> io::Result<()> {
        out.write_all(b"{")?;
        for (position, (key, raw)) in self.entries.iter().enumerate() {
            if position > 0 {
                out.write_all(b",")?;
            }
            if pretty {
                out.write_all(b"\n  ")?;
            }
            serde_json::to_writer(&mut *out, key)?;
            out.write_all(if pretty { b": " } else { b":" })?;
            if pretty {
                out.write_all(indented(raw)?.as_bytes())?;
            } else if memchr2(b'\n', b'\r', raw.get().as_bytes()).is_some() {
                // A record is one line, however it came in.
                out.write_all(one_line(raw)?.as_bytes())?;
            } else {
                out.write_all(raw.get().as_bytes())?;
            }
        }
        if pretty && !self.entries.is_empty() {
            out.write_all(b"\n")?;
        }
        out.write_all(b"}\n")
    }
}

/// The deepest nesting that is laid out; what lies deeper is written as it came.
const DEPTH_MAX: u32 = 64;

/// A value that is written with new line breaks; its keys, strings and digits stay as they are.
struct Layout<'a>(&'a RawValue, u32);

impl Serialize for Layout<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(raw, depth) = *self;
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'{') if depth < DEPTH_MAX => {
                if let Ok(Record { entries }) = serde_json::from_str(text) {
                    return serializer
                        .collect_map(entries.iter().map(|(key, value)| (key, Layout(value, depth + 1))));
                }
            }
            Some(b'[') if depth < DEPTH_MAX => {
                if let Ok(items) = serde_json::from_str::<Vec<Box<RawValue>>>(text) {
                    return serializer.collect_seq(items.iter().map(|item| Layout(item, depth + 1)));
                }
            }
            _ => {}
        }
        raw.serialize(serializer)
    }
}

/// A value's text over several lines, indented as it stands inside a record.
fn indented(raw: &RawValue) -> io::Result<String> {
    // Strings have no line breaks of their own in JSON.
    Ok(serde_json::to_string_pretty(&Layout(raw, 0))?.replace('\n', "\n  "))
}

/// A value's text on one line.
fn one_line(raw: &RawValue) -> io::Result<String> {
    Ok(serde_json::to_string(&Layout(raw, 0))?.replace(['\n', '\r'], ""))
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Record;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record, which is a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
                let mut entries = Vec::with_capacity(24);
                while let Some(entry) = map.next_entry::<String, Box<RawValue>>()? {
                    entries.push(entry);
                }
                Ok(Record { entries })
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Record {
        serde_json::from_str(text).unwrap()
    }

    fn line(record: &Record) -> String {
        let mut out = Vec::new();
        record.write(&mut out, false).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn foreign_keys_keep_order_and_digits() {
        let text =
            r#"{"z":1e400,"a":340282366920938463463374607431768211455,"z2":{"b":0.10,"a":[]},"é":"\u0041"}"#;
        let mut record = record(text);
        record.set("checks", &1).unwrap();
        assert_eq!(line(&record), format!("{},\"checks\":1}}\n", &text[..text.len() - 1]));
    }

    #[test]
    fn setting_replaces_in_place() {
        let mut record = record(r#"{"checks":1,"b":2}"#);
        record.set("checks", "x").unwrap();
        assert_eq!(line(&record), "{\"checks\":\"x\",\"b\":2}\n");
    }

    #[test]
    fn indented_input_becomes_one_line() {
        let record = record("{\n \"a\": {\n  \"n\": 18446744073709551616.0\n }\n}");
        assert_eq!(line(&record), "{\"a\":{\"n\":18446744073709551616.0}}\n");
    }

    #[test]
    fn pretty_keeps_numbers() {
        let mut out = Vec::new();
        record(r#"{"a":1e400,"b":[{"c":null}]}"#).write(&mut out, true).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "{\n  \"a\": 1e400,\n  \"b\": [\n    {\n      \"c\": null\n    }\n  ]\n}\n");
    }

    #[test]
    fn half_a_surrogate_pair_passes_through() {
        let text = "{\"a\":\n[\"\\ud800\"]}";
        assert_eq!(line(&record(text)), "{\"a\":[\"\\ud800\"]}\n");
        let mut out = Vec::new();
        record(text).write(&mut out, true).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\n  \"a\": [\n    \"\\ud800\"\n  ]\n}\n");
    }

    #[test]
    fn other_majors_are_refused() {
        assert!(record(r#"{"schema":"dvrf.record/1"}"#).check_schema().is_ok());
        assert!(record(r#"{"schema":"dvrf.draw/1"}"#).check_schema().is_ok());
        assert!(record(r#"{"lottery_addr":"0x1"}"#).check_schema().is_ok());
        let error = record(r#"{"schema":"dvrf.record/2"}"#).check_schema().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the record's schema is dvrf.record/2, this version reads dvrf.record/1"
        );
    }

    #[test]
    fn nesting_of_any_depth_is_written() {
        let deep = format!("{}\n{}", "[".repeat(100_000), "]".repeat(100_000));
        let record: Record = serde_json::from_str(&format!("{{\"a\":{deep}}}")).unwrap();
        assert_eq!(line(&record), format!("{{\"a\":{}}}\n", deep.replace('\n', "")));
        let mut out = Vec::new();
        record.write(&mut out, true).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().matches('[').count(), 100_000);
    }
}
