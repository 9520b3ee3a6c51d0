//! White space of JSON text that is known to be valid: taken out, or put in. Nothing else changes, so that what cannot be
//! decoded, such as half a surrogate pair, passes through too.

use std::io::{self, Write};

use memchr::memchr2;

/// No record of ours is deeper; what is stays on its line, so that brackets alone cannot grow into gigabytes.
const LEVELS_MAX: usize = 32;

/// A piece of JSON text: a string with its quotes, or one byte outside of strings that is no white space.
fn pieces(text: &str) -> impl Iterator<Item = &[u8]> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        let length = if *rest.first()? == b'"' { string(rest) } else { 1 };
        let (piece, after) = rest.split_at(length);
        rest = after;
        Some(piece)
    })
}

/// The length of the string at the beginning, quotes included.
fn string(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = text.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if text[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    text.len()
}

/// Writes the value on one line.
pub(super) fn compact(text: &str, out: &mut dyn Write) -> io::Result<()> {
    pieces(text).try_for_each(|piece| out.write_all(piece))
}

/// Writes the value indented by two spaces a level, itself standing `level` levels deep.
pub(super) fn pretty(text: &str, level: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut level = level;
    let mut opened = false;
    for piece in pieces(text) {
        let closes = matches!(piece, b"}" | b"]");
        if closes {
            level = level.saturating_sub(1);
        }
        // Between the brackets of what is empty there is nothing.
        if opened != closes {
            new_line(level, out)?;
        }
        opened = false;
        out.write_all(piece)?;
        match piece {
            b"{" | b"[" => {
                level += 1;
                opened = true;
            }
            b"," => new_line(level, out)?,
            b":" => out.write_all(b" ")?,
            _ => {}
        }
    }
    Ok(())
}

fn new_line(level: usize, out: &mut dyn Write) -> io::Result<()> {
    if level > LEVELS_MAX {
        return Ok(());
    }
    out.write_all(b"\n")?;
    (0..level).try_for_each(|_| out.write_all(b"  "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn laid(text: &str, layout: impl Fn(&str, &mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        layout(text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_cannot_be_decoded_stays() {
        let text = "[ \"\\ud800\",\n1e400 , \"\\\\\\\" { } [ ]\",{ }, [\r\n], -0.0]";
        let line = "[\"\\ud800\",1e400,\"\\\\\\\" { } [ ]\",{},[],-0.0]";
        assert_eq!(laid(text, compact), line);
        let tall = laid(text, |text, out| pretty(text, 0, out));
        assert_eq!(tall, "[\n  \"\\ud800\",\n  1e400,\n  \"\\\\\\\" { } [ ]\",\n  {},\n  [],\n  -0.0\n]");
        assert_eq!(laid(&tall, compact), line);
    }

    #[test]
    fn depth_costs_no_more_than_its_brackets() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let tall = laid(&deep, |text, out| pretty(text, 0, out));
        assert!(tall.len() < deep.len() + 3000, "{}", tall.len());
        assert_eq!(laid(&tall, compact), deep);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((".{0,3}", inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn as_a_serializer_lays_it_out(value in any_json()) {
            let (line, tall) = (value.to_string(), serde_json::to_string_pretty(&value).unwrap());
            prop_assert_eq!(laid(&tall, compact), line.clone());
            prop_assert_eq!(laid(&line, |text, out| pretty(text, 0, out)), tall);
        }
    }
}
