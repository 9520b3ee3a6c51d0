//! From a judged record to series: which metric has which value, and that what is not known has none. Pure.

pub mod catalogue;
pub mod compat;
pub mod identity;
pub mod label;
pub mod observe;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use label::Series;
use supra_core::amount::Quants;

/// What a family's values do over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only goes up; counted by the chain, so it survives our restarts.
    Counter,
    /// Always 1; its labels say something.
    Info,
    /// An old name, whose type nobody promised.
    Untyped,
}

impl Kind {
    /// The word of text format 0.0.4, which has no info metrics.
    pub fn text(self) -> &'static str {
        match self {
            Self::Gauge | Self::Info => "gauge",
            Self::Counter => "counter",
            Self::Untyped => "untyped",
        }
    }

    /// The word of OpenMetrics.
    pub fn openmetrics(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Info => "info",
            Self::Untyped => "unknown",
        }
    }
}

/// One metric: everything about it but its values.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// The name after the prefix and its `_`.
    pub name: &'static str,
    /// What its values do.
    pub kind: Kind,
    /// The unit that the name ends in; empty where it has none.
    pub unit: &'static str,
    /// Its labels beyond `subscription` and those of `--label`.
    pub labels: &'static [&'static str],
    /// One sentence.
    pub help: &'static str,
}

/// A sample's value as it is printed: every digit, no exponent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(Cow<'static, str>);

impl Value {
    /// A decimal that is already exact text.
    pub fn decimal(text: impl fmt::Display) -> Self {
        Self(text.to_string().into())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self(if flag { "1" } else { "0" }.into())
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
pub struct Point {
    /// Of which metric.
    pub family: &'static Family,
    /// Its labels.
    pub series: Series,
    /// Its value.
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

/// The samples of one record, as JSON.
pub fn json(points: &[Point], prefix: &str) -> Vec<Metric> {
    let metric = |point: &Point| Metric {
        name: format!("{prefix}_{}", point.family.name),
        r#type: point.family.kind.openmetrics().to_owned(),
        labels: point.series.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        value: point.value.to_string(),
    };
    points.iter().map(metric).collect()
}

/// All series of a run, family by family in the order of the catalogue.
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
    /// Groups points by family. A reader refuses a series that stands there twice, so the last one is kept.
    pub fn of(points: impl IntoIterator<Item = Point>, order: &[&'static Family], prefix: &str) -> Self {
        let mut exposition = Self { prefix: prefix.to_owned(), ..Self::default() };
        let mut slots: Vec<Vec<(Series, Value)>> = order.iter().map(|_| Vec::new()).collect();
        for point in points {
            if let Some(position) = order.iter().position(|family| family.name == point.family.name) {
                slots[position].push((point.series, point.value));
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
