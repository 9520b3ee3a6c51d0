//! The samples of a record in one short text: a fleet has a million of them.

use std::collections::{HashMap, HashSet};
use std::iter::{from_fn, once};

use super::label::{Labels, Text};
use super::{Family, Sample};

/// Ends the name and the value of a label. [`value_text`](super::label::value_text) escapes control characters, so no
/// label has one of these; a value has digits.
const LABEL_END: char = '\0';
const LABELS_END: char = '\u{1}';
const SAMPLE_END: char = '\u{2}';
/// The mark of the first family.
const FIRST: u32 = 32;

/// The samples of one record, sorted by family. A sample is the mark of its family, the names and values of its own labels,
/// and its value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packed(Box<str>);

/// The character that stands for a family of this catalogue.
fn mark(family: &Family, order: &[&'static Family]) -> Option<char> {
    let position = order.iter().position(|known| std::ptr::eq(*known, family))?;
    char::from_u32(FIRST + u32::try_from(position).ok()?)
}

/// The family's mark and the labels of a sample, and its value.
fn split(sample: &str) -> (&str, &str) {
    sample.split_once(LABELS_END).unwrap_or((sample, ""))
}

impl Packed {
    /// Packs samples; those of families that the catalogue does not have are left out.
    pub fn of<'a>(samples: impl IntoIterator<Item = &'a Sample>, order: &[&'static Family]) -> Self {
        let marked = samples.into_iter().filter_map(|sample| Some((mark(sample.family, order)?, sample)));
        let mut marked: Vec<(char, &Sample)> = marked.collect();
        marked.sort_by_key(|(mark, _)| *mark);
        let mut text = String::with_capacity(marked.len() * 24);
        for (mark, sample) in marked {
            text.push(mark);
            for (name, value) in &sample.labels {
                for part in [name, value] {
                    debug_assert!(!part.contains([LABEL_END, LABELS_END, SAMPLE_END]), "{part:?}");
                    text.push_str(part);
                    text.push(LABEL_END);
                }
            }
            text.push(LABELS_END);
            text.push_str(&sample.value.0);
            text.push(SAMPLE_END);
        }
        Self(text.into())
    }

    /// Adds a sample after the others of its family.
    pub fn insert(&mut self, sample: &Sample, order: &[&'static Family]) {
        let Some(mark) = mark(sample.family, order) else { return };
        let before = self.samples().take_while(|known| known.chars().next() <= Some(mark));
        let at = before.map(|known| known.len() + SAMPLE_END.len_utf8()).sum();
        let mut text = std::mem::take(&mut self.0).into_string();
        text.insert_str(at, &Self::of(once(sample), order).0);
        self.0 = text.into();
    }

    /// Each sample without its end.
    fn samples(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split_terminator(SAMPLE_END)
    }

    /// Each sample with its family.
    pub fn iter<'a>(
        &'a self,
        order: &'a [&'static Family],
    ) -> impl Iterator<Item = (&'static Family, PackedSample<'a>)> {
        self.samples().filter_map(|sample| {
            let mark = sample.chars().next()?;
            let family = order.get(usize::try_from(u32::from(mark).checked_sub(FIRST)?).ok()?)?;
            Some((*family, PackedSample::of(sample, mark)))
        })
    }
}

/// One sample of a record.
#[derive(Debug, Clone, Copy)]
pub struct PackedSample<'a> {
    labels: &'a str,
    /// The value as it is printed.
    pub value: &'a str,
}

impl<'a> PackedSample<'a> {
    fn of(sample: &'a str, mark: char) -> Self {
        let (labels, value) = split(sample);
        Self { labels: labels.strip_prefix(mark).unwrap_or(labels), value }
    }

    /// All names and values, sorted by name: its own, and those that all samples of its record share. No name is in both.
    pub fn labels(self, shared: &'a Labels) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut fields = self.labels.split_terminator(LABEL_END);
        let mut own = from_fn(move || Some((fields.next()?, fields.next()?))).peekable();
        let text = |(name, value): &'a (Text, Text)| (&**name, &**value);
        let mut shared = shared.iter().map(text).peekable();
        from_fn(move || match (own.peek(), shared.peek()) {
            (Some((name, _)), Some((other, _))) if other < name => shared.next(),
            (Some(_), _) => own.next(),
            (None, _) => shared.next(),
        })
    }
}

/// The samples of all records, family by family.
pub struct ByFamily<'a> {
    records: &'a [(Labels, Packed)],
    /// What is left of each record.
    rest: Vec<&'a str>,
}

impl<'a> ByFamily<'a> {
    pub(super) fn new(records: &'a [(Labels, Packed)]) -> Self {
        Self { records, rest: records.iter().map(|(_, packed)| &*packed.0).collect() }
    }

    /// The samples of a family with the labels that their records share. Families must be asked for in the order of the
    /// catalogue.
    pub(super) fn take(
        &mut self,
        family: &Family,
        order: &[&'static Family],
    ) -> Vec<(&'a Labels, PackedSample<'a>)> {
        let mut samples = Vec::new();
        let Some(mark) = mark(family, order) else { return samples };
        for ((shared, _), rest) in self.records.iter().zip(&mut self.rest) {
            while let Some((sample, after)) =
                rest.strip_prefix(mark).and_then(|_| rest.split_once(SAMPLE_END))
            {
                samples.push((shared, PackedSample::of(sample, mark)));
                *rest = after;
            }
        }
        samples
    }
}

/// Drops all but the last sample of each series, and returns how many are dropped.
pub(super) fn drop_repeated(records: &mut [(Labels, Packed)]) -> usize {
    let mut users: HashMap<&Labels, usize> = HashMap::new();
    for (shared, _) in &*records {
        *users.entry(shared).or_default() += 1;
    }
    let mut common: HashMap<&Labels, HashSet<&str>> = HashMap::new();
    // A record whose labels no other one has can repeat its own series only.
    let mut alone: HashSet<&str> = HashSet::new();
    let mut repeated = 0;
    let mut replaced = Vec::new();
    for (index, (shared, packed)) in records.iter().enumerate().rev() {
        let seen = if users.get(shared).is_some_and(|users| *users > 1) {
            common.entry(shared).or_default()
        } else {
            alone.clear();
            &mut alone
        };
        let mut kept: Vec<&str> =
            packed.samples().rev().filter(|sample| seen.insert(split(sample).0)).collect();
        let dropped = packed.samples().count() - kept.len();
        if dropped > 0 {
            repeated += dropped;
            kept.reverse();
            let text: String = kept.into_iter().flat_map(|sample| [sample, "\u{2}"]).collect();
            replaced.push((index, Packed(text.into())));
        }
    }
    for (index, packed) in replaced {
        records[index].1 = packed;
    }
    repeated
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::metrics::catalogue::{self, ALL};

    fn labels(given: &[(&'static str, &'static str)]) -> Labels {
        given.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn sample(family: &'static Family, own: &[(&'static str, &'static str)], value: u128) -> Sample {
        Sample { family, labels: labels(own), value: value.into() }
    }

    /// Families, labels and values.
    fn shown(packed: &Packed, shared: &Labels) -> Vec<String> {
        let line = |(family, sample): (&Family, PackedSample)| {
            let labels: Vec<String> =
                sample.labels(shared).map(|(name, value)| format!("{name}={value}")).collect();
            format!("{} {} {}", family.name, labels.join(","), sample.value)
        };
        packed.iter(ALL).map(line).collect()
    }

    #[test]
    fn samples_are_sorted_and_whole() {
        let samples = [
            sample(&catalogue::BUILD, &[("version", "1=,\n")], 1),
            sample(&catalogue::UP, &[], 0),
            sample(&catalogue::PROBE_ERRORS, &[("reason", "b")], u128::MAX),
            sample(&catalogue::PROBE_ERRORS, &[("reason", "")], 3),
            sample(&catalogue::OLD_EXIT, &[], 5),
        ];
        let mut packed = Packed::of(&samples, ALL);
        packed.insert(&sample(&catalogue::LAST_SUCCESS, &[], 7), ALL);
        packed.insert(&sample(&catalogue::BUILD, &[], 8), ALL);
        let shared = labels(&[("subscription", "s")]);
        assert_eq!(
            shown(&packed, &shared),
            [
                "up subscription=s 0",
                "last_success_timestamp_seconds subscription=s 7",
                "probe_errors reason=b,subscription=s 340282366920938463463374607431768211455",
                "probe_errors reason=,subscription=s 3",
                "build_info subscription=s,version=1=,\n 1",
                "build_info subscription=s 8",
            ]
        );
    }

    #[rstest]
    #[case::none(&[], "b=own,d=own")]
    #[case::between(&[("a", "all"), ("c", "all"), ("e", "all")], "a=all,b=own,c=all,d=own,e=all")]
    fn labels_stay_sorted(#[case] shared: &[(&'static str, &'static str)], #[case] expected: &str) {
        let packed = Packed::of(&[sample(&catalogue::UP, &[("b", "own"), ("d", "own")], 1)], ALL);
        assert_eq!(shown(&packed, &labels(shared)), [format!("up {expected} 1")]);
    }

    #[test]
    fn the_last_sample_of_a_series_is_kept() {
        let (one, two) = (labels(&[("subscription", "one")]), labels(&[("subscription", "two")]));
        let packed = |values: &[(&'static str, u128)]| {
            let samples: Vec<Sample> = values
                .iter()
                .map(|(reason, value)| sample(&catalogue::PROBE_ERRORS, &[("reason", reason)], *value))
                .collect();
            Packed::of(&samples, ALL)
        };
        let mut records = [
            (one.clone(), packed(&[("a", 1), ("b", 2)])),
            (two, packed(&[("a", 3), ("a", 4), ("b", 5)])),
            (one, packed(&[("a", 6), ("c", 7)])),
        ];
        assert_eq!(drop_repeated(&mut records), 2);
        let left: Vec<Vec<String>> =
            records.iter().map(|(_, packed)| shown(packed, &Labels::new())).collect();
        assert_eq!(
            left,
            [
                vec!["probe_errors reason=b 2"],
                vec!["probe_errors reason=a 4", "probe_errors reason=b 5"],
                vec!["probe_errors reason=a 6", "probe_errors reason=c 7"]
            ]
        );
    }
}
