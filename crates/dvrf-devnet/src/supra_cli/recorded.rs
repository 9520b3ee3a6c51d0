//! How a real `move tool run` ends: in the words of testnet recordings.
//!
//! `simulate` is what the CLI does by itself: a transaction that would fail is not sent. The other words are endings.

use super::args::{Call, Parsed};
use super::output::Printer;
use super::wire::Wire;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;

pub(super) fn run(
    word: &str,
    parsed: &Parsed,
    wire: &mut Wire,
    printer: &mut Printer,
) -> io::Result<ExitCode> {
    let Call::Run { function, types, args, sender, .. } = &parsed.call else { return Ok(ExitCode::from(1)) };
    let mut post = |simulate: bool| {
        let body = json!({"function": function, "type_arguments": types, "arguments": args, "sender": sender, "simulate": simulate});
        wire.post("/devnet/run", &body)
    };
    match word {
        "profile" => return aborted("CliProfile: KeyNotFound(\"lottery\")"),
        "terminal" => {
            return aborted(
                "CliProfile: StdIoError(Os { code: 6, kind: Uncategorized, message: \"No such device or address\" })",
            );
        }
        "tty" => {
            return aborted(
                "Command Aborted Reason(The input device is not a TTY), Action(Please try again.)",
            );
        }
        "account" => {
            return aborted(
                "General: Received an unexpected result AccountResource(Response { status: 404, body: None })",
            );
        }
        "fee" => {
            printer.json(&json!({"message": "INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE"}))?;
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    if word == "simulate" {
        let (status, simulated) = post(true)?;
        let words = simulated.pointer("/output/Move/vm_status").or_else(|| simulated.get("message"));
        let words = words.and_then(Value::as_str).unwrap_or_default();
        if status != 200 || words != "Executed successfully" {
            return aborted(&dump(words));
        }
    }
    let (status, sent) = post(false)?;
    if status != 200 {
        return printer.server_error(&sent);
    }
    let hash = sent["hash"].as_str().unwrap_or_default().trim_start_matches("0x").to_owned();
    let state = sent["status"].as_str().unwrap_or_default();
    if word == "die" {
        // As if it was killed after it had sent.
        return Ok(ExitCode::from(137));
    }
    if word == "unfinalized" || state == "Pending" {
        return aborted(&format!("Tx {hash} was not finalized within its expiration timestamp"));
    }
    if state == "Fail" {
        return aborted(&format!(
            "Command Aborted Reason(Tx {hash} was finalized with status different from Success. Status: Fail), Action(TransactionInfo(V3, {hash}))"
        ));
    }
    printer.json(&sent)?;
    Ok(ExitCode::SUCCESS)
}

fn aborted(text: &str) -> io::Result<ExitCode> {
    writeln!(io::stderr(), "{text}")?;
    Ok(ExitCode::from(1))
}

/// The Rust dump of a simulated transaction; its VM status is far behind.
fn dump(words: &str) -> String {
    let address = "0".repeat(64);
    let event = format!(
        "Event {{ guid: EventGuid {{ creation_number: U64(0), account_address: Address({address}) }}, sequence_number: U64(0), typ: Struct(MoveStructTag {{ address: Address({address}), module: IdentifierWrapper(Identifier(\"transaction_fee\")), name: IdentifierWrapper(Identifier(\"FeeStatement\")), generic_type_params: [] }}), data: Object {{\"execution_gas_units\": String(\"5\"), \"total_charge_gas_units\": String(\"6\")}} }}"
    );
    format!(
        "Command Aborted Reason(Some(Move(MoveTransactionOutput {{ gas_used: 6, events: [{event}], vm_status: {words:?} }}))), Action(Please try again.)"
    )
}
