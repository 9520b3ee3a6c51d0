//! Writes metrics in Prometheus text format 0.0.4 or in OpenMetrics 1.0. No sample carries a timestamp.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::metrics::catalogue;
use crate::metrics::label::Labels;
use crate::metrics::packed::PackedSample;
use crate::metrics::{Exposition, Family, Kind};

/// Writes text format 0.0.4.
pub fn text(exposition: &Exposition, out: &mut dyn Write) -> io::Result<()> {
    exposition.each_family(|family, name, samples| {
        // Where a name means a metric of today too, both pages must describe it alike: a Pushgateway refuses, and the
        // node exporter drops, what has two types or two descriptions. The old script described nothing.
        let described = match family.kind {
            Kind::Untyped => catalogue::ALL.iter().copied().find(|today| today.name == family.name),
            _ => Some(family),
        };
        if let Some(family) = described {
            writeln!(out, "# HELP {name} {}", help(family, false))?;
            writeln!(out, "# TYPE {name} {}", family.kind.text())?;
        }
        write_samples(name, samples, out)
    })
}

/// Writes OpenMetrics 1.0.
pub fn openmetrics(exposition: &Exposition, out: &mut dyn Write) -> io::Result<()> {
    exposition.each_family(|family, name, samples| {
        let suffix = match family.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Untyped => "",
        };
        let base = name.strip_suffix(suffix).unwrap_or(name);
        writeln!(out, "# TYPE {base} {}", family.kind.openmetrics())?;
        if !family.unit.is_empty() {
            writeln!(out, "# UNIT {base} {}", family.unit)?;
        }
        writeln!(out, "# HELP {base} {}", help(family, true))?;
        write_samples(name, samples, out)
    })?;
    out.write_all(b"# EOF\n")
}

fn write_samples(name: &str, samples: &[(&Labels, PackedSample)], out: &mut dyn Write) -> io::Result<()> {
    for (shared, sample) in samples {
        out.write_all(name.as_bytes())?;
        let mut before = "{";
        for (label, text) in sample.labels(shared) {
            for part in [before, label, "=\"", escaped(text, true).as_ref(), "\""] {
                out.write_all(part.as_bytes())?;
            }
            before = ",";
        }
        for part in [if before == "," { "} " } else { " " }, sample.value, "\n"] {
            out.write_all(part.as_bytes())?;
        }
    }
    Ok(())
}

/// Escapes a HELP text. OpenMetrics escapes quotes in it too, text format 0.0.4 does not.
fn help(family: &Family, quotes: bool) -> Cow<'_, str> {
    escaped(family.help, quotes)
}

fn escaped(text: &str, quotes: bool) -> Cow<'_, str> {
    if !text.bytes().any(|byte| matches!(byte, b'\\' | b'\n' | b'"')) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '"' if quotes => escaped.push_str("\\\""),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads an escaped label value as Prometheus does; `None` where it would be refused.
    fn unescaped(text: &str) -> Option<String> {
        let mut plain = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' | '\n' => return None,
                '\\' => plain.push(match chars.next()? {
                    'n' => '\n',
                    other @ ('"' | '\\') => other,
                    _ => return None,
                }),
                c => plain.push(c),
            }
        }
        Some(plain)
    }

    proptest! {
        #[test]
        fn escaped_label_values_round_trip(text in "(?s).*") {
            prop_assert_eq!(unescaped(&escaped(&text, true)), Some(text));
        }
    }
}
