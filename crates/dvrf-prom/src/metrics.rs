//! Metrics: families, samples and their labels. `observe` converts a checked record to samples; an unknown value has none.

pub mod catalogue;
pub(crate) mod compat;
pub(crate) mod identity;
pub mod label;
pub(crate) mod observe;

use std::collections::HashSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use label::Series;
use supra_core::amount::Quants;

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A value that goes up and down.
    Gauge,
    /// A value that only goes up. The chain counts it, so it survives a restart of the exporter.
    Counter,
    /// Always 1; the labels carry the information.
    Info,
    /// A metric of the old script, which declared no types.
    Untyped,
}

impl Kind {
    /// The type's name in text format 0.0.4, which has no info metrics.
    pub fn text(self) -> &'static str {
        match self {
            Self::Gauge | Self::Info => "gauge",
            Self::Counter => "counter",
            Self::Untyped => "untyped",
        }
    }

    /// The type's name in OpenMetrics.
    pub fn openmetrics(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Info => "info",
            Self::Untyped => "unknown",
        }
    }
}

/// A metric without its samples.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// The name after the prefix and its `_`.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
    /// The unit that the name ends in; empty where it has none.
    pub unit: &'static str,
    /// Its labels beyond `subscription` and those of `--label`.
    pub labels: &'static [&'static str],
    /// The HELP text: one sentence.
    pub help: &'static str,
}

/// A sample's value as it is printed, with every digit and without an exponent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(Digits);

/// Most values are short: a fleet has a million of them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Digits {
    Short(u8, [u8; SHORT]),
    Long(Box<str>),
}

/// The longest text that needs no memory of its own.
const SHORT: usize = 22;

impl Digits {
    fn of(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(text.as_bytes());
                Self::Short(length, bytes)
            }
            _ => Self::Long(text.into()),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Short(length, bytes) => bytes
                .get(..usize::from(*length))
                .and_then(|bytes| std::str::from_utf8(bytes).ok())
                .unwrap_or_default(),
            Self::Long(text) => text,
        }
    }
}

impl Value {
    /// The value of a number whose `Display` is exact.
    pub fn decimal(text: impl fmt::Display) -> Self {
        Self(Digits::of(&text.to_string()))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.text())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self(Digits::of(if flag { "1" } else { "0" }))
    }
}

impl From<u128> for Value {
    fn from(number: u128) -> Self {
        Self::decimal(number)
    }
}

impl From<Quants> for Value {
    fn from(quants: Quants) -> Self {
        Self::decimal(quants)
    }
}

/// One value of one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The metric.
    pub family: &'static Family,
    /// The labels.
    pub series: Series,
    /// The value.
    pub value: Value,
}

/// A sample as `--format json` writes it into the record's `metrics`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    /// The full name.
    pub name: String,
    /// `gauge`, `counter`, `info` or `unknown`.
    pub r#type: String,
    /// All labels.
    pub labels: std::collections::BTreeMap<String, String>,
    /// The value, as text so that no digit is lost.
    pub value: String,
}

/// Converts the samples of one record to JSON.
pub fn json(samples: &[Sample], prefix: &str) -> Vec<Metric> {
    let metric = |sample: &Sample| Metric {
        name: format!("{prefix}_{}", sample.family.name),
        r#type: sample.family.kind.openmetrics().to_owned(),
        labels: sample.series.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        value: sample.value.to_string(),
    };
    samples.iter().map(metric).collect()
}

/// The samples of a run, grouped by family in the order of the catalogue.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Exposition {
    /// The prefix of every name.
    pub prefix: String,
    /// Families that have samples.
    pub families: Vec<(&'static Family, Vec<(Series, Value)>)>,
    /// How many samples were left out because a later one has the same name and labels.
    pub repeated: usize,
}

impl Exposition {
    /// Groups samples by family. Prometheus refuses a series that occurs twice, so only its last sample is kept.
    pub fn of(samples: impl IntoIterator<Item = Sample>, order: &[&'static Family], prefix: &str) -> Self {
        let mut exposition = Self { prefix: prefix.to_owned(), ..Self::default() };
        let mut slots: Vec<Vec<(Series, Value)>> = order.iter().map(|_| Vec::new()).collect();
        for sample in samples {
            if let Some(position) = order.iter().position(|family| family.name == sample.family.name) {
                let slot = &mut slots[position];
                if slot.len() == slot.capacity() {
                    // Doubling would leave half of a fleet's memory unused.
                    slot.reserve_exact(slot.len() / 8 + 8);
                }
                slot.push((sample.series, sample.value));
            }
        }
        for (family, mut samples) in order.iter().zip(slots) {
            let all = samples.len();
            if all > 1 {
                let mut seen = HashSet::with_capacity(all);
                let mut last: Vec<bool> =
                    samples.iter().rev().map(|(series, _)| seen.insert(series)).collect();
                samples.retain(|_| last.pop().unwrap_or(true));
            }
            exposition.repeated += all - samples.len();
            if !samples.is_empty() {
                exposition.families.push((family, samples));
            }
        }
        exposition
    }
}

#[cfg(test)]
mod tests;
