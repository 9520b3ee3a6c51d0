//! A module's bytecode: metadata is read or refused, and what is read fits into the bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use supra_core::metadata::{Metadata, module_abi};

fuzz_target!(|data: &[u8]| {
    let found = Metadata::parse(data);
    let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
    let abi = json!({"structs": [{"name": "A"}], "exposed_functions": [{"name": "f"}]});
    let mut completed = module_abi(json!({"bytecode": hex, "abi": abi})).expect("an ABI stays one");
    // The digest is there whatever the bytecode is.
    completed.as_object_mut().and_then(|fields| fields.shift_remove("bytecode_id")).expect("a digest");
    let Some(found) = found else { return assert_eq!(completed, abi) };
    let names = found.events.iter().chain(&found.views).chain(found.aborts.values().map(|(name, _)| name));
    assert!(names.clone().map(String::len).sum::<usize>() <= data.len());
    assert_eq!(completed["structs"][0]["is_event"], found.events.contains("A"));
    assert_eq!(completed["exposed_functions"][0]["is_view"], found.views.contains("f"));
});
