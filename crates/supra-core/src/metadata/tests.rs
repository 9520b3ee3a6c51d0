//! Metadata that is put together here byte by byte, and bytes that are none.

use proptest::prelude::{any, prop, prop_assert};

use super::*;

fn uleb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [uleb(text.len()), text.as_bytes().to_vec()].concat()
}

fn value(aborts: &[(u64, &str, &str)], structs: &[(&str, u8)], functions: &[(&str, u8)]) -> Vec<u8> {
    let abort = |(code, name, what): &(u64, &str, &str)| {
        [code.to_le_bytes().to_vec(), text(name), text(what)].concat()
    };
    // One attribute with one argument.
    let marks =
        |(name, kind): &(&str, u8)| [text(name), uleb(1), vec![*kind], uleb(1), text("argument")].concat();
    [
        uleb(aborts.len()),
        aborts.iter().flat_map(abort).collect(),
        uleb(structs.len()),
        structs.iter().flat_map(marks).collect(),
        uleb(functions.len()),
        functions.iter().flat_map(marks).collect(),
    ]
    .concat()
}

/// A module with another table before the metadata and another key before its value.
fn module(key: &str, value: &[u8]) -> Vec<u8> {
    let table = [text("other"), text("xyz"), text(key), uleb(value.len()), value.to_vec()].concat();
    let header = [vec![1], uleb(0), uleb(3), vec![0x10], uleb(3), uleb(table.len())].concat();
    [MAGIC.to_vec(), vec![6, 0, 0, 0], uleb(2), header, b"abc".to_vec(), table, b"the rest".to_vec()].concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

fn sample() -> Vec<u8> {
    value(
        &[(1, "EXPECTED_RNG_COUNT", ""), (4, "E_DRAW_NOT_SCHEDULED", "Too early")],
        &[("Drawn", KIND_EVENT), ("Group", 2)],
        &[("get", KIND_VIEW), ("random", 5)],
    )
}

#[test]
fn events_views_and_abort_names() {
    let found = Metadata::parse(&module("aptos::metadata_v1", &sample())).unwrap();
    assert_eq!(found.events.into_iter().collect::<Vec<_>>(), ["Drawn"]);
    assert_eq!(found.views.into_iter().collect::<Vec<_>>(), ["get"]);
    // What does not look like the module's other names is a constant.
    let named = (4, ("E_DRAW_NOT_SCHEDULED".to_owned(), "Too early".to_owned()));
    assert_eq!(found.aborts.into_iter().collect::<Vec<_>>(), [named]);
    let old = Metadata::parse(&module("aptos::metadata_v0", &value(&[(1, "ENOT", "")], &[], &[]))).unwrap();
    assert_eq!((old.aborts.len(), old.events.len()), (1, 0));
}

#[test]
fn an_abi_is_completed_and_never_contradicted() {
    let bytecode = hex(&module("aptos::metadata_v1", &sample()));
    let abi = json!({"structs": [{"name": "Drawn"}, {"name": "Data"}], "exposed_functions": [{"name": "get"}, {"name": "set"}]});
    let answer = module_abi(json!({"bytecode": bytecode, "abi": abi})).unwrap();
    assert_eq!(
        answer["structs"],
        json!([{"name": "Drawn", "is_event": true}, {"name": "Data", "is_event": false}])
    );
    assert_eq!(answer["exposed_functions"][0]["is_view"], true);
    assert_eq!(abort_name(&answer, 4), Some(("E_DRAW_NOT_SCHEDULED", "Too early")));
    assert_eq!(abort_name(&answer, 0x30004), Some(("E_DRAW_NOT_SCHEDULED", "Too early")));
    assert_eq!(abort_name(&answer, 5), None);
    let said = json!({"structs": [{"name": "Drawn", "is_event": false}], "exposed_functions": []});
    assert_eq!(module_abi(json!({"bytecode": bytecode, "abi": said})).unwrap()["structs"], said["structs"]);
    // REST v1 answers with the ABI itself.
    let flat_abi = || json!({"name": "m", "exposed_functions": []});
    assert_eq!(module_abi(flat_abi()), Some(flat_abi()));
    assert_eq!(module_abi(json!({"bytecode": "0x"})), None);
    let malformed = module_abi(json!({"bytecode": "0xzz", "abi": {"a": 1}})).unwrap();
    assert_eq!(malformed["a"], 1);
    assert_ne!(bytecode_id(&malformed), bytecode_id(&answer));
    assert_eq!(bytecode_id(&module_abi(flat_abi()).unwrap()), None);
}

#[test]
fn what_is_malformed_is_none() {
    let good = module("aptos::metadata_v1", &sample());
    let end = good.len() - "the rest".len();
    for cut in 0..end {
        assert_eq!(Metadata::parse(&good[..cut]), None, "{cut}");
    }
    let huge = module("aptos::metadata_v1", &vec![0; METADATA_BYTES_MAX]);
    assert_eq!(Metadata::parse(&huge), None);
    // A count that the bytes cannot hold, and a number of more than five bytes.
    for value in [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0x80, 0x80, 0x80, 0x80, 0x80, 0x01], &[0xff; 5]] {
        assert_eq!(Metadata::parse(&module("aptos::metadata_v1", value)), None, "{value:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..2000), at in 0_usize..200, byte in any::<u8>()) {
        let _ = Metadata::parse(&bytes);
        let _ = Metadata::parse(&[&MAGIC[..], &bytes].concat());
        let mut spoiled = module("aptos::metadata_v1", &sample());
        let length = spoiled.len();
        spoiled[at % length] = byte;
        if let Some(found) = Metadata::parse(&spoiled) {
            prop_assert!(found.aborts.len() + found.events.len() + found.views.len() <= spoiled.len());
        }
    }
}
