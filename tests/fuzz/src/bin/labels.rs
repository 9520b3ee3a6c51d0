//! The Prometheus text formats: a reader of the format finds exactly the labels and values that were written.

#![no_main]

use dvrf_prom::exposition;
use dvrf_prom::metrics::label::{Labels, is_name, parse, put, value_text};
use dvrf_prom::metrics::packed::Packed;
use dvrf_prom::metrics::{self, Exposition, Value, catalogue};
use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;

type Sample = (String, Vec<(String, String)>, String);

/// Parses a sample line by the format's grammar.
fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"")?;
            let mut value = String::new();
            let mut chars = after.char_indices();
            let close = loop {
                match chars.next()? {
                    (at, '"') => break at,
                    (_, '\\') => value.push(match chars.next()?.1 {
                        'n' => '\n',
                        c @ ('\\' | '"') => c,
                        _ => return None,
                    }),
                    (_, c) => value.push(c),
                }
            };
            labels.push((label.to_owned(), value));
            rest = &after[close + 1..];
            match rest.split_at_checked(1)? {
                (",", more) => rest = more,
                ("}", more) => {
                    rest = more;
                    break;
                }
                _ => return None,
            }
        }
    }
    Some((name.to_owned(), labels, rest.strip_prefix(' ')?.to_owned()))
}

fuzz_target!(|data: &[u8]| {
    let mut u = Unstructured::new(data);
    let mut samples = Vec::new();
    for _ in 0..u.int_in_range(1..=4).unwrap_or(1) {
        let mut labels = Labels::new();
        for name in ["subscription", "code", "x_1"].iter().take(u.int_in_range(0..=3).unwrap_or(0)) {
            let given = oracle::text(&mut u);
            let value = value_text(&given);
            assert!(value.len() <= 315, "{} bytes", value.len());
            oracle::plain_lines(&value);
            if !given.contains(oracle::is_hidden) && given.len() < 300 {
                assert_eq!(value, given, "a label is kept as it is");
            }
            put(&mut labels, *name, value);
        }
        samples.push((labels, Value::from(oracle::number(&mut u))));
    }
    let given = oracle::text(&mut u);
    if let Ok((name, value)) = parse(&given) {
        assert!(is_name(&name) && !name.starts_with("__") && given.trim_start().starts_with(&name));
        oracle::plain_lines(&value);
        samples.push((vec![(name.into(), value.into())], Value::from(true)));
    }
    // A series that occurs twice is written once.
    let mut seen = std::collections::BTreeSet::new();
    samples.retain(|(labels, _): &(Labels, Value)| seen.insert(labels.clone()));
    let of = |family| {
        let sample = move |(labels, value): &(Labels, Value)| metrics::Sample {
            family,
            labels: labels.clone(),
            value: value.clone(),
        };
        samples.iter().map(sample)
    };
    let both: Vec<metrics::Sample> = of(&catalogue::BALANCE).chain(of(&catalogue::UP)).collect();
    let all = Exposition::of(vec![(Labels::new(), Packed::of(&both, catalogue::ALL))], catalogue::ALL, "p");
    for openmetrics in [false, true] {
        let mut out = Vec::new();
        if openmetrics {
            exposition::openmetrics(&all, &mut out).expect("memory");
        } else {
            exposition::text(&all, &mut out).expect("memory");
        }
        let page = String::from_utf8(out).expect("UTF-8");
        // Only a newline ends a line.
        let lines: Vec<&str> = page.strip_suffix('\n').expect("ends with a newline").split('\n').collect();
        let read: Vec<Sample> = lines
            .iter()
            .filter(|line| !line.starts_with('#'))
            .map(|line| sample(line).unwrap_or_else(|| panic!("{line:?}")))
            .collect();
        let wanted: Vec<Sample> = ["p_up", "p_deposit_balance_quants"]
            .iter()
            .flat_map(|name| {
                let of = |(labels, value): &(Labels, Value)| {
                    let labels = labels.iter().map(|(name, value)| (name.to_string(), value.to_string()));
                    ((*name).to_owned(), labels.collect(), value.to_string())
                };
                samples.iter().map(of).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(read, wanted);
        assert_eq!(lines.iter().filter(|line| **line == "# EOF").count(), usize::from(openmetrics));
    }
});
