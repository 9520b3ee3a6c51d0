//! Rules that the targets check results against. They share no code with the product.

use libfuzzer_sys::arbitrary::Unstructured;
use serde_json::Value;

/// Whether a character is invisible or changes how its neighbours are displayed.
pub fn is_hidden(c: char) -> bool {
    let n = u32::from(c);
    n < 0x20
        || (0x7f..0xa0).contains(&n)
        || matches!(n, 0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff)
        || matches!(n, 0xfff9..=0xfffb | 0xe0000..=0xe007f)
}

/// Asserts one line of at most `most` bytes without hidden characters.
#[track_caller]
pub fn one_plain_line(text: &str, most: usize) {
    assert!(!text.contains(is_hidden), "hidden: {text:?}");
    assert!(text.len() <= most, "{} bytes: {text:?}", text.len());
}

/// Asserts lines without hidden characters.
#[track_caller]
pub fn plain_lines(text: &str) {
    assert!(!text.contains(|c| c != '\n' && is_hidden(c)), "hidden: {text:?}");
}

/// Collects every string of a JSON document, keys included.
pub fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.iter().for_each(|(key, item)| {
            found.push(key);
            texts(item, found);
        }),
        _ => {}
    }
}

/// A number, often at a limit or near another one.
pub fn number(u: &mut Unstructured) -> u128 {
    match u.int_in_range(0u8..=9).unwrap_or(0) {
        0 => 0,
        1 => 1,
        2 => u128::MAX,
        3 => u128::from(u64::MAX),
        4 | 5 => u.int_in_range(0u128..=1000).unwrap_or(0),
        6 | 7 => 15_750_000_000 + u.int_in_range(0u128..=4).unwrap_or(0),
        8 => u.int_in_range(0u128..=u128::from(u64::MAX)).unwrap_or(0),
        _ => u.arbitrary().unwrap_or(7),
    }
}

/// `None` in one of four cases.
pub fn maybe<T>(u: &mut Unstructured, make: impl FnOnce(&mut Unstructured) -> T) -> Option<T> {
    if u.ratio(1u8, 4u8).unwrap_or(true) { None } else { Some(make(u)) }
}

/// Any text.
pub fn text(u: &mut Unstructured) -> String {
    u.arbitrary::<&str>().unwrap_or_default().to_owned()
}
