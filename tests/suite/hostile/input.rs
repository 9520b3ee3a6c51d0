//! Documents that nobody honest writes, on the stdin of every tool that reads records.

use testkit::{run, tool};

use super::{READERS, civil, errors, record, shell};

/// Documents that are not records: every tool says so, and reads the next one.
#[test]
fn what_is_no_record_costs_only_itself() {
    let good = record("good", "\"100\"");
    let unreadable: [(&str, Vec<u8>, &str); 9] = [
        ("half a number", record("x", "-").into_bytes(), "is not JSON: invalid number"),
        ("a bare NUL", b"\0".to_vec(), "a record is a JSON object, this begins"),
        ("a NUL in a text", record("x", "\"1\0\"").into_bytes(), "is not JSON: control character"),
        ("bytes in a key", b"{\"\xff\xfe\":1}".to_vec(), "is not JSON: invalid unicode code point"),
        (
            "half a surrogate pair in a key",
            b"{\"\\ud800\":1}".to_vec(),
            "is not JSON: unexpected end of hex escape",
        ),
        ("a list", b"[1]".to_vec(), "this begins \"1]\""),
        ("100 000 brackets", "[".repeat(100_000).into_bytes(), "this begins \"[[[["),
        (
            "brackets in an old report",
            format!("{{\"deposit\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes(),
            "recursion limit exceeded",
        ),
        ("a control sequence", b"\x1b]0;title\x07".to_vec(), "this begins \"\\\\u{1b}]0;title"),
    ];
    for (name, words) in READERS {
        for (what, document, said) in &unreadable {
            let input = [document.as_slice(), b"\n", good.as_bytes(), b"\n"].concat();
            let outcome = run(tool(name).args(words).write_stdin(input));
            assert_eq!((outcome.code, errors(&outcome)), (2, 1), "{name}, {what}: {outcome}");
            assert!(outcome.err.contains(said), "{name}, {what}: {outcome}");
            assert!(outcome.out.contains("good"), "the record behind {what} is lost by {name}: {outcome}");
            civil(&outcome);
        }
    }
    // Nothing can be read behind a document that never ends.
    let outcome = run(tool("dvrf-check").write_stdin(format!("{{\"a\":\"\n{good}\n")));
    assert_eq!((outcome.code, errors(&outcome)), (2, 1), "{outcome}");
    assert!(outcome.err.contains("this record"), "{outcome}");
}

/// Records whose numbers are none: never judged ok, and the next one is.
#[test]
fn numbers_that_are_none_are_not_judged() {
    let good = record("good", "\"100\"");
    let digits = "9".repeat(100_000);
    let nines = format!("\"{digits}\"");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (what, balance, said) in [
        ("10^5 digits", nines.as_str(), "a number of at most 2^128 - 1 is needed"),
        ("10^5 digits as a number", digits.as_str(), "a number of at most 2^128 - 1 is needed"),
        ("2^128", "\"340282366920938463463374607431768211456\"", "a number of at most 2^128 - 1 is needed"),
        ("a negative one", "\"-1\"", "this contains '-'"),
        ("an exponent", "\"1e3\"", "this contains 'e'"),
        ("half a surrogate pair", "\"\\ud800\"", "unexpected end of hex escape"),
        ("an escaped NUL", "\"1\\u0000\"", "this contains '\\0'"),
        ("other digits", "\"١٠٠\"", "this contains '١'"),
        ("100 000 brackets", deep.as_str(), "expected a whole number"),
    ] {
        let input = format!("{}\n{good}\n", record("bad", balance));
        let judged = run(tool("dvrf-check").write_stdin(input.clone()));
        assert_eq!((judged.code, errors(&judged)), (2, 1), "{what}: {judged}");
        assert!(judged.err.contains(said) && judged.err.len() < 400, "{what}: {}", judged.err);
        civil(&judged);
        let status = |line: &str| {
            let record: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
            record["checks"]["status"].as_str().map(str::to_owned)
        };
        let statuses: Vec<Option<String>> = judged.out.lines().map(status).collect();
        // Half a surrogate pair passes through, and is not text to this reader.
        assert!(matches!(&statuses[0], None | Some(_)) && statuses[0].as_deref() != Some("ok"), "{what}");
        assert_eq!(statuses[1].as_deref(), Some("ok"), "{what}: {judged}");
        for (name, words) in READERS {
            let outcome = run(tool(name).args(words).write_stdin(input.clone()));
            assert!(outcome.out.contains("good"), "{name}, {what}: {outcome}");
            assert!(name != "dvrf-notify" || !outcome.out.contains("\"status\":\"ok\"") || outcome.code == 2);
            civil(&outcome);
        }
        for form in [["--format", "text"], ["--format", "legacy"]] {
            let outcome = run(tool("dvrf-check").args(form).write_stdin(input.clone()));
            assert_eq!(outcome.code, 2, "{form:?}, {what}: {outcome}");
            assert!(outcome.out.contains("good"), "{form:?}, {what}: {outcome}");
        }
        let plugin = run(tool("dvrf-check").arg("--nagios").write_stdin(input));
        assert!(
            plugin.code == 3 && plugin.out.starts_with("DVRF UNKNOWN - 1 unknown, 1 ok"),
            "{what}: {plugin}"
        );
    }
}

/// What is foreign passes, however deep or odd, on one line and indented.
#[test]
fn foreign_keys_pass_whatever_they_hold() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (what, value) in [
        ("100 000 brackets", deep.as_str()),
        ("half a surrogate pair", "\"\\ud800\""),
        ("bidi", "\"\u{202e}x\""),
        ("a number beyond any", "1e999999"),
        ("10^4 digits", &"7".repeat(10_000)),
    ] {
        let own = record("p", "\"100\"");
        let input = format!("{{\"foreign\":{value},{}\n", &own[1..]);
        for name in ["dvrf-status", "dvrf-json", "dvrf-check"] {
            let line = run(tool(name).write_stdin(input.clone()));
            assert_eq!((line.code, line.err.as_str()), (0, ""), "{name}, {what}");
            assert!(line.out.starts_with(&input[..input.len() - 2]), "{name}, {what}");
            // Indented, and indented again from that: the same record.
            let tall = run(tool(name).arg("--pretty").write_stdin(input.clone()));
            assert_eq!((tall.code, tall.err.as_str()), (0, ""), "{name}, {what}");
            assert!(tall.out.len() < 4 * input.len() + 8000, "{name}, {what}: {} bytes", tall.out.len());
            let again = run(tool(name).write_stdin(tall.out));
            assert_eq!(again.out, line.out, "{name}, {what}");
        }
    }
    let marked = format!("\u{feff}{}\n", record("p", "\"100\""));
    let outcome = run(tool("dvrf-check").write_stdin(marked));
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "a byte order mark: {outcome}");
}

/// A line of 64 MB is refused in the memory of 16, and the next record is read; 1 GB takes no more (by hand, see
/// `docs/internals/reliability.md`).
#[test]
fn a_line_without_end_costs_bounded_memory() {
    for (what, begin, end) in
        [("a record", "{\"a\":\"", "\"}"), ("junk", "x", ""), ("brackets", "{\"a\":", "")]
    {
        let fill = if what == "brackets" { "[" } else { "y" };
        // The shell's own limit on data fails whoever holds the line.
        let line = format!(
            "(printf '%s' '{begin}'; head -c 67108864 /dev/zero | tr '\\0' '{fill}'; printf '%s\\n' '{end}'; printf '%s\\n' '{}') | (ulimit -v 120000; exec dvrf-check)",
            record("behind", "\"100\"")
        );
        let outcome = shell(&line, &[]);
        assert_eq!((outcome.code, errors(&outcome)), (2, 1), "{what}: {outcome}");
        let said = if what == "junk" { "this begins \"xyyy" } else { "is longer than 16777216 bytes" };
        assert!(outcome.err.contains(said), "{what}: {outcome}");
        assert!(outcome.out.contains("\"behind\""), "{what}: {outcome}");
        civil(&outcome);
    }
}
