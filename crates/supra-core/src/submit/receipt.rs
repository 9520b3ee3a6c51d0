//! What the Supra CLI's answer to a transaction says about it. Pure.

use serde_json::Value;

use crate::amount::Count;
use crate::failure::quote;

/// What the CLI printed about a transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Its hash.
    pub hash: Option<String>,
    /// Whether it succeeded, where that is said.
    pub success: Option<bool>,
    /// The VM's words.
    pub vm_status: Option<String>,
    /// The nonce of the `DrawRequestedEvent` among its events.
    pub nonce: Option<Count>,
}

/// Reads the receipt out of the JSON documents of an output: the last that looks like one.
pub fn receipt(documents: &[Value]) -> Receipt {
    documents.iter().rev().map(unwrapped).find_map(read).unwrap_or_default()
}

/// `{"Result": …}` and `{"result": …}` are wrappers.
fn unwrapped(document: &Value) -> &Value {
    ["Result", "result"].iter().find_map(|key| document.get(key)).unwrap_or(document)
}

fn read(document: &Value) -> Option<Receipt> {
    let text = |keys: &[&str]| {
        let found = keys.iter().find_map(|key| document.pointer(key)?.as_str());
        found.filter(|text| !text.is_empty()).map(quote)
    };
    let named = text(&["/hash", "/transaction_hash", "/txn_hash"]);
    let hash = named.and_then(|text| hash(&text).or_else(|| text.starts_with("0x").then_some(text)));
    let vm_status = text(&["/vm_status", "/output/Move/vm_status", "/output/vm_status"]);
    let status = text(&["/status"]);
    if hash.is_none() && vm_status.is_none() && status.is_none() {
        return None;
    }
    let flag = document.get("success").and_then(Value::as_bool);
    let by_status = status.as_deref().and_then(|status| match status {
        "Success" => Some(true),
        "Fail" | "Invalid" => Some(false),
        // Pending and Unexecuted are neither.
        _ => None,
    });
    let by_vm = vm_status.as_deref().map(|status| status.eq_ignore_ascii_case("executed successfully"));
    let said = [flag, by_status, by_vm];
    // One voice for failure outweighs any for success.
    let success = if said.contains(&Some(false)) { Some(false) } else { said.into_iter().flatten().next() };
    let pending = status.as_deref().is_some_and(|status| status.starts_with("Pending"));
    let events = ["/events", "/output/Move/events", "/output/events"];
    let events = events.iter().find_map(|key| document.pointer(key)?.as_array());
    let nonce = events.into_iter().flatten().find_map(|event| {
        let kind = event.get("type")?.as_str()?;
        kind.ends_with("::DrawRequestedEvent")
            .then(|| event.pointer("/data/nonce")?.as_str()?.parse().ok())?
    });
    Some(Receipt { hash, success: success.filter(|_| !pending), vm_status, nonce })
}

/// The hashes of transactions that a text names, such as `Tx f1f1… was finalized` or `…/transactions/f1f1…`; other
/// numbers of this length are addresses and keys.
pub(super) fn hash_in(text: &str) -> Vec<String> {
    const BEFORE: [&str; 6] = ["Tx ", "/transactions/", "TransactionInfo(", "hash: ", "hash=", "hash "];
    let after =
        |sign: &'static str| text.match_indices(sign).filter_map(move |(at, _)| text.get(at + sign.len()..));
    let rests = BEFORE.into_iter().flat_map(after);
    rests.filter_map(|rest| hash(rest.trim_start_matches("V3, ").trim_start_matches(['"', '`']))).collect()
}

/// The hash at the beginning of a text, with `0x` and in lower case.
pub(crate) fn hash(text: &str) -> Option<String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
    (end == 64).then(|| format!("0x{}", digits[..end].to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn success() -> Value {
        json!({"hash": "0xab", "status": "Success", "output": {"Move": {"vm_status": "Executed successfully", "events": [
            {"type": "0x9::main_v2::Other", "data": {"nonce": "1"}},
            {"type": "0x9::main_v2::DrawRequestedEvent", "data": {"nonce": "17"}}]}}})
    }

    #[test]
    fn receipts_of_every_shape() {
        let whole = Receipt {
            hash: Some("0xab".into()),
            success: Some(true),
            vm_status: Some("Executed successfully".into()),
            nonce: Some(Count(17)),
        };
        assert_eq!(receipt(&[json!({"x": 1}), success()]), whole);
        assert_eq!(receipt(&[json!({"Result": success()}), json!({"log": "done"})]), whole);
        let flat = json!({"transaction_hash": "0xcd", "success": true, "vm_status": "Executed successfully"});
        assert_eq!(receipt(&[json!({"Result": flat})]).success, Some(true));
        assert_eq!(receipt(&[json!({"status": "PendingAfterExecution", "hash": "0xab"})]).success, None);
        assert_eq!(receipt(&[json!({"message": "no"})]), Receipt::default());
        assert_eq!(receipt(&[]), Receipt::default());
    }

    #[test]
    fn one_voice_for_failure_is_enough() {
        for document in [
            json!({"status": "Fail", "hash": "0xab"}),
            json!({"success": true, "vm_status": "Move abort in 0x9::main_v2: 0x4"}),
            json!({"status": "Success", "success": false}),
            json!({"status": "Success", "output": {"Move": {"vm_status": "OUT_OF_GAS"}}}),
        ] {
            assert_eq!(receipt(std::slice::from_ref(&document)).success, Some(false), "{document}");
        }
    }

    #[test]
    fn hashes_are_told_from_addresses() {
        let (tx, other) = ("f1".repeat(32), "a0".repeat(32));
        for text in [
            format!("Tx {tx} was not finalized within its expiration timestamp"),
            format!("Action(TransactionInfo(V3, {tx}))"),
            format!("account: {other}\nURL: http://n/rpc/v1/transactions/{tx}"),
            format!("transaction hash: 0x{}", tx.to_uppercase()),
        ] {
            assert_eq!(hash_in(&text), [format!("0x{tx}")], "{text}");
        }
        assert_eq!(hash_in(&format!("account: {other} Address({tx}) Tx abc {tx}")), Vec::<String>::new());
    }
}
