//! The Move decoder and the parsers of a node's text: a number or a byte string is read only from its own digits.

#![no_main]

use libfuzzer_sys::fuzz_target;
use supra_core::abort::classify;
use supra_core::amount::{Decimal, parse_u128};
use supra_core::move_value::Node;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let failure = classify(text);
    assert!(failure.message.len() < 2000 && !failure.message.contains('\u{1b}'));
    if let Ok(decimal) = text.parse::<Decimal>() {
        assert_eq!(decimal.to_string().parse::<Decimal>(), Ok(decimal));
    }
    let Ok(json) = serde_json::from_str::<serde_json::Value>(text) else { return };
    let node = Node::root(&json);
    if let Ok(number) = node.u128() {
        // The input contains the digits.
        assert!(
            parse_u128(&number.to_string()).is_ok()
                && text.contains(number.to_string().trim_start_matches('0'))
        );
    }
    if let (Ok(bytes), Some(text)) = (node.bytes(), json.as_str()) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text.to_ascii_lowercase(), format!("0x{hex}"));
    }
    let _ = (node.bool(), node.address(), node.bytes(), node.text(), node.option_u8());
    let _ = (node.returned_items().map(|items| items.len()), node.returned(1).and_then(|inner| inner.u64()));
    if let Ok(Some(inner)) = node.option() {
        let _ = (inner.field("a"), inner.u64());
    }
});
