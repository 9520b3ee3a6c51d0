//! Reading a stream of records: NDJSON, indented, run together or in an array, in memory bounded by one record.

use std::io::{self, BufRead, BufReader, Read};

use memchr::{memchr_iter, memchr2};

use super::{Record, RecordError};
use crate::failure::quote;

/// The longest record that is read; a report has some 6 kB.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

/// Why a piece of the stream is not a record. The reader goes on after it.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The stream itself failed; nothing follows.
    #[error("the input cannot be read")]
    Io(#[source] io::Error),
    /// Something that is not an object stands where a record should.
    #[error("line {line}: a record is a JSON object, this begins {begins:?}")]
    NotRecord {
        /// Where it begins, counted from 1.
        line: u64,
        /// Its first characters.
        begins: String,
    },
    /// An object that is not JSON.
    #[error("line {line}: the record is not JSON")]
    Json {
        /// Where the record begins, counted from 1.
        line: u64,
        /// What the parser found.
        #[source]
        source: serde_json::Error,
    },
    /// The stream ends inside a record.
    #[error("line {line}: the input ends inside this record")]
    Cut {
        /// Where the record begins, counted from 1.
        line: u64,
    },
    /// A record above [`RECORD_BYTES_MAX`].
    #[error("line {line}: the record is longer than {RECORD_BYTES_MAX} bytes")]
    TooLong {
        /// Where the record begins, counted from 1.
        line: u64,
    },
    /// A record of another schema.
    #[error("line {line}: the record cannot be used")]
    Schema {
        /// Where the record begins, counted from 1.
        line: u64,
        /// Which.
        #[source]
        source: RecordError,
    },
}

impl ReadError {
    /// Whether nothing can follow it.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Cut { .. })
    }
}

/// An iterator over the records of a stream.
pub struct RecordReader<R> {
    input: R,
    line: u64,
    taken: u64,
    buffer: Vec<u8>,
    ended: bool,
    /// Whether an array is open, whose elements are the records.
    in_array: bool,
}

/// Finds the end of a top-level object byte by byte: quotes, escapes and depth are all it needs to know.
#[derive(Default)]
struct Framer {
    depth: u32,
    in_string: bool,
    escaped: bool,
}

impl Framer {
    /// The number of bytes of `chunk` up to and including the end of the object, if it ends there.
    fn advance(&mut self, chunk: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < chunk.len() {
            if self.in_string {
                if self.escaped {
                    self.escaped = false;
                    at += 1;
                    continue;
                }
                // Most of a record is text, which is passed over at the speed of memory.
                at += memchr2(b'"', b'\\', &chunk[at..])?;
                match chunk[at] {
                    b'"' => self.in_string = false,
                    _ => self.escaped = true,
                }
            } else {
                match chunk[at] {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                    b'}' | b']' => {
                        self.depth = self.depth.saturating_sub(1);
                        if self.depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
            }
            at += 1;
        }
        None
    }
}

/// How much is read at once: most records lie in it whole.
const CHUNK: usize = 1 << 16;

impl<R: Read> RecordReader<BufReader<R>> {
    /// Reads from `source`.
    pub fn buffered(source: R) -> Self {
        Self::new(BufReader::with_capacity(CHUNK, source))
    }

    /// Whether the next record may have to be waited for: nothing but the end of the last one's line is here.
    pub fn may_wait(&self) -> bool {
        self.input.buffer().iter().all(|byte| byte.is_ascii_whitespace() || *byte == b']')
    }
}

impl<R: BufRead> RecordReader<R> {
    /// Reads from `input`.
    pub fn new(input: R) -> Self {
        Self { input, line: 1, taken: 0, buffer: Vec::new(), ended: false, in_array: false }
    }

    /// The bytes of the stream that are read and gone.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    fn consume(&mut self, count: usize) {
        self.input.consume(count);
        self.taken += count as u64;
    }

    fn next_record(&mut self) -> Result<Option<Record>, ReadError> {
        let Some(first) = self.skip_blank()? else {
            return if self.in_array { Err(ReadError::Cut { line: self.line }) } else { Ok(None) };
        };
        let line = self.line;
        if first != b'{' {
            self.in_array = false;
            let begins = self.skip_line()?;
            return Err(ReadError::NotRecord { line, begins });
        }
        self.buffer.clear();
        let mut framer = Framer::default();
        loop {
            let chunk = self.input.fill_buf().map_err(ReadError::Io)?;
            if chunk.is_empty() {
                return Err(ReadError::Cut { line });
            }
            let (end, taken) = match framer.advance(chunk) {
                Some(length) => (true, length),
                None => (false, chunk.len()),
            };
            // The whole record lies in the input's buffer: parse it there instead of copying it first.
            if end && self.buffer.is_empty() {
                let parsed = parse(&chunk[..taken], line);
                self.line += newlines(&chunk[..taken]);
                self.consume(taken);
                return parsed.map(Some);
            }
            self.buffer.extend_from_slice(&chunk[..taken]);
            self.line += newlines(&chunk[..taken]);
            self.consume(taken);
            if self.buffer.len() > RECORD_BYTES_MAX {
                if !end {
                    self.skip_line()?;
                }
                return Err(ReadError::TooLong { line });
            }
            if end {
                return parse(&self.buffer, line).map(Some);
            }
        }
    }

    /// Skips white space, a byte order mark, and what is around the elements of an array; the next byte stays.
    fn skip_blank(&mut self) -> Result<Option<u8>, ReadError> {
        loop {
            let chunk = self.input.fill_buf().map_err(ReadError::Io)?;
            let Some(&first) = chunk.first() else {
                return Ok(None);
            };
            match first {
                b'\n' => self.line += 1,
                // 0x1e separates records in JSON text sequences (RFC 7464).
                b' ' | b'\t' | b'\r' | 0x1e => {}
                b'[' if !self.in_array => self.in_array = true,
                b']' if self.in_array => self.in_array = false,
                b',' if self.in_array => {}
                0xef if chunk.starts_with(b"\xef\xbb\xbf") => self.consume(2),
                other => return Ok(Some(other)),
            }
            self.consume(1);
        }
    }

    /// Drops the rest of the line, so that the records after a bad one are still read; returns its beginning.
    fn skip_line(&mut self) -> Result<String, ReadError> {
        const SHOWN: usize = 40;
        let mut begins = Vec::new();
        loop {
            let chunk = self.input.fill_buf().map_err(ReadError::Io)?;
            let end = chunk.iter().position(|&byte| byte == b'\n');
            let taken = end.unwrap_or(chunk.len());
            begins.extend(chunk[..taken].iter().take(SHOWN - begins.len().min(SHOWN)));
            let ended = end.is_some() || chunk.is_empty();
            self.consume(taken);
            if ended {
                return Ok(quote(&String::from_utf8_lossy(&begins)));
            }
        }
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    u64::try_from(memchr_iter(b'\n', bytes).count()).unwrap_or(u64::MAX)
}

fn parse(bytes: &[u8], line: u64) -> Result<Record, ReadError> {
    let record: Record = serde_json::from_slice(bytes).map_err(|source| ReadError::Json { line, source })?;
    record.check_schema().map_err(|source| ReadError::Schema { line, source })?;
    Ok(record)
}

impl<R: BufRead> Iterator for RecordReader<R> {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.next_record();
        self.ended = matches!(next, Ok(None) | Err(ReadError::Io(_) | ReadError::Cut { .. }));
        next.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads with buffers of several sizes, so that every split of a record is met.
    fn check(input: &str, expect: &[&str]) {
        for size in [3, 4, 7, 8192] {
            let found: Vec<String> = RecordReader::new(BufReader::with_capacity(size, input.as_bytes()))
                .map(|item| match item {
                    Ok(record) => {
                        let mut out = Vec::new();
                        record.write(&mut out, false).unwrap();
                        String::from_utf8(out).unwrap().trim_end().to_owned()
                    }
                    Err(error) => format!("! {error}"),
                })
                .collect();
            assert_eq!(found, expect, "buffer of {size}");
        }
    }

    #[test]
    fn any_layout() {
        check("", &[]);
        check(" \n\n", &[]);
        check("{\"a\":1}\n{\"b\":2}\n", &["{\"a\":1}", "{\"b\":2}"]);
        check("{\"a\":1}{\"b\":2}", &["{\"a\":1}", "{\"b\":2}"]);
        check("\u{feff}{\"a\":1}", &["{\"a\":1}"]);
        check("{\n  \"a\": {\n    \"b\": \"}\\\"{\"\n  }\n}\r\n", &["{\"a\":{\"b\":\"}\\\"{\"}}"]);
    }

    #[test]
    fn the_elements_of_an_array_are_records() {
        check("[]", &[]);
        check("[{\"a\":1}]", &["{\"a\":1}"]);
        check("[\n  {\"a\": [1]},\n  {\"b\": 2}\n]\n{\"c\":3}", &["{\"a\":[1]}", "{\"b\":2}", "{\"c\":3}"]);
        check("[{\"a\":1},", &["{\"a\":1}", "! line 1: the input ends inside this record"]);
        check(
            "[[{\"a\":1}]]\n{\"b\":2}",
            &["! line 1: a record is a JSON object, this begins \"[{\\\"a\\\":1}]]\"", "{\"b\":2}"],
        );
    }

    #[test]
    fn a_bad_line_loses_only_itself() {
        check(
            "{\"a\":1}\nhello\n{\"b\":2}\n[1]\n{\"c\":}\n{\"d\":4}\n{\"schema\":\"dvrf.record/9\"}\n{\"e\":",
            &[
                "{\"a\":1}",
                "! line 2: a record is a JSON object, this begins \"hello\"",
                "{\"b\":2}",
                "! line 4: a record is a JSON object, this begins \"1]\"",
                "! line 5: the record is not JSON",
                "{\"d\":4}",
                "! line 7: the record cannot be used",
                "! line 8: the input ends inside this record",
            ],
        );
    }

    #[test]
    fn a_long_record_is_refused_and_passed() {
        let input = format!("{{\"a\":\"{}\"}}\n{{\"b\":1}}\n", "x".repeat(RECORD_BYTES_MAX));
        let found: Vec<_> = RecordReader::new(BufReader::new(input.as_bytes())).collect();
        assert!(matches!(found[..], [Err(ReadError::TooLong { line: 1 }), Ok(_)]));
    }

    #[test]
    fn bad_utf8_is_an_error_not_a_crash() {
        let found: Vec<_> = RecordReader::new(b"{\"a\":\"\xff\"}".as_slice()).collect();
        assert!(matches!(found[..], [Err(ReadError::Json { line: 1, .. })]));
    }

    #[test]
    fn deep_nesting_is_bounded() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let found: Vec<_> = RecordReader::new(deep.as_bytes()).collect();
        assert_eq!(found.len(), 1);
    }
}
