//! Bytecode with a header and the compiler's metadata, and no code.

use std::fmt::Write;

/// Abort constants of a module: reason, name, sentence. Of two with one number the compiler keeps one, which need not be
/// an abort's.
fn aborts(kind: &str) -> &'static [(u64, &'static str, &'static str)] {
    match kind {
        "deposit" => &[
            (1, "ECLIENT_NOT_EXIST", "Client Address does not exist"),
            (4, "ENOT_ENOUGH_BALANCE", "Not enough balance"),
            (5, "ECONTRACT_IS_PAUSED", "Contract is paused"),
            (11, "EMIN_BALANCE", "Deposit must be above the minimum balance"),
            (12, "EINVALID_AMOUNT", "Invalid amount"),
        ],
        "vrf" => {
            &[(4, "EINVALID_CLIENT_CONTRACT", ""), (5, "EMIN_BALANCE_REACHED", "Minimum balance reached")]
        }
        "lottery" => &[
            (1, "EXPECTED_RNG_COUNT_U64", ""),
            (3, "E_NO_TICKETS_AVAILABLE", ""),
            (4, "E_DRAW_NOT_SCHEDULED", ""),
            (6, "E_PENDING_REQUEST_STATE", ""),
            (14, "E_INVALID_CALLBACK_PAYLOAD", ""),
        ],
        "treasury" => &[(3, "E_NOT_INITIALIZED", "")],
        other => crate::functions::aborts(other),
    }
}

/// The name and the sentence that a node gives an abort.
pub(crate) fn abort_name(kind: &str, code: u64) -> Option<(&'static str, &'static str)> {
    let found = aborts(kind).iter().find(|(reason, ..)| *reason == code & 0xFFFF);
    found.map(|(_, name, sentence)| (*name, *sentence)).filter(|(name, _)| !name.starts_with("EXPECTED"))
}

/// The bytecode of a module of a kind, in hex.
pub(crate) fn module(kind: &str, events: &[&str], views: &[&str]) -> String {
    let mut value = Vec::new();
    number(&mut value, aborts(kind).len());
    for (code, name, sentence) in aborts(kind) {
        value.extend(code.to_le_bytes());
        text(&mut value, name);
        text(&mut value, sentence);
    }
    marked(&mut value, events, 4);
    marked(&mut value, views, 1);
    let mut metadata = Vec::new();
    text(&mut metadata, "aptos::metadata_v1");
    number(&mut metadata, value.len());
    metadata.extend(value);
    let mut bytes = vec![0xa1, 0x1c, 0xeb, 0x0b, 6, 0, 0, 0];
    let handles = [0_u8; 4];
    number(&mut bytes, 2);
    for (table, offset, length) in [(1, 0, handles.len()), (0x10, handles.len(), metadata.len())] {
        bytes.push(table);
        number(&mut bytes, offset);
        number(&mut bytes, length);
    }
    bytes.extend(handles);
    bytes.extend(metadata);
    bytes.iter().fold("0x".to_owned(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Names that each have one attribute without arguments.
fn marked(bytes: &mut Vec<u8>, names: &[&str], attribute: u8) {
    number(bytes, names.len());
    for name in names {
        text(bytes, name);
        bytes.extend([1, attribute, 0]);
    }
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    number(bytes, text.len());
    bytes.extend(text.as_bytes());
}

/// Seven bits a byte, the lowest first.
fn number(bytes: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
}
