//! What the Supra CLI's answer to a transaction means. Pure; an exit code alone proves nothing either way.

use serde_json::Value;

use crate::abort::classify;
use crate::amount::Count;
use crate::error::Error;
use crate::failure::{Failure, FailureKind, quote};

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

/// What became of a transaction, as far as the CLI's output and exit code prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// The CLI could not be started.
    NotSent(Error),
    /// The CLI refused before it could send: wrong arguments, no profile, a simulation that failed.
    Refused(Error),
    /// The receipt says that the transaction failed; it changed nothing.
    Failed(Error),
    /// The receipt says that the transaction succeeded.
    Accepted,
    /// Anything else: the transaction may have been sent.
    Unknown(Error),
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
    let hash = text(&["/hash", "/transaction_hash", "/txn_hash"]).filter(|hash| hash.starts_with("0x"));
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

/// Decides what became of a transaction.
///
/// `ended` is `None` when the CLI had to be stopped.
pub fn outcome(receipt: &Receipt, ended: Option<i32>, stdout: &str, stderr: &str) -> SubmitOutcome {
    if receipt.success == Some(true) {
        return SubmitOutcome::Accepted;
    }
    let said = if stderr.trim().is_empty() { stdout } else { stderr };
    if receipt.success == Some(false) {
        let words = receipt.vm_status.clone().unwrap_or_else(|| quote(said));
        return SubmitOutcome::Failed(known(&words, "the transaction failed").into());
    }
    let Some(code) = ended else {
        let message =
            format!("the Supra CLI did not end in time and was stopped; it printed: {}", quote(said));
        return SubmitOutcome::Unknown(Error::new(FailureKind::Timeout, message));
    };
    let failure = known(said, &format!("the Supra CLI ended with code {code}"));
    // With a hash in the output something was sent, whatever else is said.
    if receipt.hash.is_none() && refused_before_sending(code, stdout, stderr) {
        return SubmitOutcome::Refused(failure.into());
    }
    SubmitOutcome::Unknown(failure.into())
}

/// Endings of which the CLI's own order of work proves that nothing was sent.
fn refused_before_sending(code: i32, stdout: &str, stderr: &str) -> bool {
    // clap ends with 2 before anything else is done; the same words at another code may be anybody's.
    const USAGE: [&str; 4] = [
        "error: unexpected argument",
        "error: the following required arguments were not provided",
        "error: unrecognized subcommand",
        "error: invalid value '",
    ];
    const BEFORE: [&str; 3] = ["No active profile", "profile not found", "Simulation failed"];
    let says = |words: &str| stderr.contains(words) || stdout.contains(words);
    let usage = code == 2 && USAGE.iter().any(|words| stderr.contains(words));
    usage || (code != 0 && BEFORE.iter().any(|words| says(words)))
}

/// The failure with the abort's name and remedy where we know it.
fn known(words: &str, otherwise: &str) -> Failure {
    let failure = classify(words);
    if failure.abort.is_some() || failure.kind == FailureKind::NotWhitelisted {
        return failure;
    }
    let said = quote(words);
    let colon = if said.is_empty() { "" } else { ": " };
    let mut failure = Failure::new(FailureKind::Aborted, format!("{otherwise}{colon}{said}"));
    if words.contains("unexpected argument") {
        failure.kind = FailureKind::Config;
        failure.hint = Some("set DVRF_CLI_GENERATION to the generation of this CLI".to_owned());
    }
    failure
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

    fn of(document: Option<Value>, ended: Option<i32>, stderr: &str) -> SubmitOutcome {
        let documents: Vec<Value> = document.into_iter().collect();
        outcome(&receipt(&documents), ended, "", stderr)
    }

    #[test]
    fn outcomes() {
        assert_eq!(of(Some(success()), Some(0), ""), SubmitOutcome::Accepted);
        // A success that is on the chain is one even when the CLI hung or failed afterwards.
        assert_eq!(of(Some(success()), None, ""), SubmitOutcome::Accepted);
        assert_eq!(of(Some(success()), Some(1), "x"), SubmitOutcome::Accepted);
        let aborted =
            json!({"status": "Fail", "vm_status": "Move abort in 0x9::main_v2: E_DRAW_NOT_SCHEDULED(0x4): "});
        let SubmitOutcome::Failed(failure) = of(Some(aborted), Some(0), "") else { panic!() };
        assert_eq!(failure.abort().unwrap().name.as_deref(), Some("E_DRAW_NOT_SCHEDULED"));
        assert_eq!(failure.hint(), Some("wait until five tickets are sold"));
        for (code, stderr) in [
            (2, "error: unexpected argument '--assume-yes' found"),
            (1, "Error: No active profile"),
            (1, "{\"Error\": \"Simulation failed with status: ABORTED\"}"),
        ] {
            assert!(matches!(of(None, Some(code), stderr), SubmitOutcome::Refused(_)), "{stderr}");
        }
        for (ended, stderr) in [
            (None, "Enter the password: "),
            (Some(0), ""),
            (Some(1), "error sending request for url: connection reset"),
            (Some(137), ""),
            (Some(0), "error: unexpected argument '--x' found"),
            // serde says the same of a receipt that it cannot read: after sending.
            (Some(1), "error: invalid value 'null' at line 1"),
            (Some(2), "decoding failed: invalid value: null"),
        ] {
            assert!(matches!(of(None, ended, stderr), SubmitOutcome::Unknown(_)), "{stderr}");
        }
        // A hash in the output: something was sent.
        let sent = of(Some(json!({"hash": "0xab"})), Some(1), "Simulation failed");
        assert!(matches!(sent, SubmitOutcome::Unknown(_)));
    }
}
