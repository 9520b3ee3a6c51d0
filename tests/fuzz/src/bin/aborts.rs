//! A node's text about an abort: code and location are read from the text, and every form of the same abort gives the
//! same result.

#![no_main]

use libfuzzer_sys::fuzz_target;
use supra_core::abort::{classify, find_abort, lookup};
use supra_core::failure::FailureKind;

fn is_in(code: u64, text: &str) -> bool {
    let digits = code.to_string();
    let decimal = text
        .split(|c: char| !c.is_ascii_digit())
        .any(|run| run.trim_start_matches('0') == digits.trim_start_matches('0'));
    let hex = text.match_indices("0x").any(|(at, _)| {
        let run: String = text[at + 2..].chars().take_while(char::is_ascii_hexdigit).collect();
        u64::from_str_radix(&run, 16) == Ok(code)
    });
    decimal || hex
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let failure = classify(text);
    oracle::one_plain_line(&failure.message, 1000);
    assert_eq!(find_abort(text).is_some(), failure.abort.is_some());
    if let Some(abort) = &failure.abort {
        assert!(matches!(failure.kind, FailureKind::Aborted | FailureKind::NotWhitelisted));
        let code: u64 = abort.code.parse().expect("a number");
        assert!(is_in(code, text), "{code} {text:?}");
        if let Some(place) = &abort.location {
            let (address, module) =
                place.strip_prefix("0x").and_then(|p| p.split_once("::")).expect("a location");
            assert!(!address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit()), "{place}");
            assert!(module.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{place}");
            assert!(text.contains(address) && text.contains(module));
        }
        assert!(failure.hint.is_none() || abort.name.is_some());
    }

    // Every form of the same abort, followed by the input.
    let numbers: Vec<u64> =
        data.chunks(8).take(1).map(|chunk| chunk.iter().fold(0, |n, b| n << 8 | u64::from(*b))).collect();
    let code = numbers.first().copied().unwrap_or(4);
    let rest: String = text.chars().filter(|c| !c.is_control() && *c != '(').take(200).collect();
    if ["sub", "abort", "ABORTED", "Module", "location", "status"].iter().any(|word| rest.contains(word)) {
        return;
    }
    for said in [
        format!(
            "Failed to execute view function: ABORTED with sub status {code} at location Module 0xbc95::deposit and message {rest}"
        ),
        format!(
            "VMError {{ major_status: ABORTED, sub_status: Some({code}), location: Module(ModuleId {{ address: bc95, name: Identifier(\"deposit\") }}), {rest}"
        ),
        format!("Move abort in 0xbc95::deposit: {code:#x} {}", rest),
    ] {
        let failure = classify(&said);
        let abort = failure.abort.unwrap_or_else(|| panic!("{said:?}"));
        assert_eq!(abort.code, code.to_string(), "{said:?}");
        assert_eq!(abort.location.as_deref(), Some("0xbc95::deposit"), "{said:?}");
        assert_eq!(abort.name.as_deref(), lookup("deposit", code).map(|known| known.name), "{said:?}");
    }
});
