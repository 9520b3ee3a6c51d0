//! The record reader: any bytes give records or errors, and a record is written as one line that reads back the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use supra_core::record::Record;
use supra_core::record::reader::RecordReader;
use supra_core::state::State;

fn line(record: &Record) -> Vec<u8> {
    let mut out = Vec::new();
    record.write(&mut out, false).expect("memory can be written");
    out
}

fuzz_target!(|data: &[u8]| {
    for record in RecordReader::new(data).flatten() {
        let _ = record.get::<State>("state");
        let first = line(&record);
        assert_eq!(first.iter().filter(|byte| **byte == b'\n').count(), 1);
        let again =
            RecordReader::new(&first[..]).next().expect("a record").expect("what we wrote can be read");
        assert_eq!(line(&again), first);
    }
});
