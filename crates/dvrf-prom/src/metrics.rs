//! Metrics: families, samples and their labels. `observe` converts a checked record to samples; an unknown value has none.

pub mod catalogue;
pub(crate) mod compat;
pub(crate) mod identity;
pub mod label;
pub(crate) mod observe;
pub mod packed;

use std::{fmt, io};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use label::Labels;
use packed::{ByFamily, Packed, PackedSample};
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
pub struct Value(String);

impl Value {
    /// The value of a number whose `Display` is exact.
    pub fn decimal(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::decimal(u8::from(flag))
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
    /// Its own labels, sorted by name.
    pub labels: Labels,
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

/// Converts the samples of one record, and the labels that they share, to JSON.
pub fn json(shared: &Labels, samples: &Packed, order: &[&'static Family], prefix: &str) -> Vec<Metric> {
    let metric = |(family, sample): (&Family, PackedSample)| Metric {
        name: format!("{prefix}_{}", family.name),
        r#type: family.kind.openmetrics().to_owned(),
        labels: sample.labels(shared).map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        value: sample.value.to_owned(),
    };
    samples.iter(order).map(metric).collect()
}

/// The samples of a run.
#[derive(Debug)]
pub struct Exposition {
    prefix: String,
    order: &'static [&'static Family],
    /// The samples of each record, and the labels that they share.
    records: Vec<(Labels, Packed)>,
    /// How many samples were left out because a later one has the same name and labels.
    pub repeated: usize,
}

impl Exposition {
    /// Takes the records of a run. Prometheus refuses a series that occurs twice, so only its last sample is kept.
    pub fn of(mut records: Vec<(Labels, Packed)>, order: &'static [&'static Family], prefix: &str) -> Self {
        let repeated = packed::drop_repeated(&mut records);
        Self { prefix: prefix.to_owned(), order, records, repeated }
    }

    /// Calls `act` for each family that has samples, with its full name, in the order of the catalogue.
    pub fn each_family(
        &self,
        mut act: impl FnMut(&'static Family, &str, &[(&Labels, PackedSample)]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut by_family = ByFamily::new(&self.records);
        for family in self.order {
            let samples = by_family.take(family, self.order);
            if !samples.is_empty() {
                act(family, &format!("{}_{}", self.prefix, family.name), &samples)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
