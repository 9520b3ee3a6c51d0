//! The table of endings, with what only looks like them.

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::submit::receipt::receipt;

/// What is printed on one stream, with a code.
fn of(stdout: &str, stderr: &str, code: Option<i32>) -> (Receipt, SubmitOutcome) {
    let output = Output { stdout, stderr, code, incomplete: None };
    let mut receipt = receipt(&documents(stdout));
    receipt.hash = receipt.hash.or_else(|| named_hash(&output));
    let outcome = outcome(&receipt, &output);
    (receipt, outcome)
}

fn name(outcome: &SubmitOutcome) -> &'static str {
    match outcome {
        SubmitOutcome::NotSent(_) => "not sent",
        SubmitOutcome::Refused(_) => "refused",
        SubmitOutcome::Failed(_) => "failed",
        SubmitOutcome::Accepted => "accepted",
        SubmitOutcome::Unknown(_) => "unknown",
    }
}

fn simulated(vm_status: &str) -> String {
    let address = "00".repeat(31);
    format!(
        "Command Aborted Reason(Some(Move(MoveTransactionOutput {{ gas_used: 6, events: [Event {{ guid: EventGuid {{ creation_number: U64(0), account_address: Address({address}00) }}, data: Object {{\"total_charge_gas_units\": String(\"6\")}} }}], vm_status: \"{vm_status}\" }}))), Action(Please try again.)"
    )
}

fn finalized(status: &str) -> String {
    let hash = "f1".repeat(32);
    format!(
        "Command Aborted Reason(Tx {hash} was finalized with status different from Success. Status: {status}), Action(TransactionInfo(V3, {hash}))"
    )
}

const ABORT: &str = "Move abort in 0x18::deposit: ECLIENT_NOT_EXIST(0x60001): Client Address does not exist";

#[rstest]
#[case::profile("CliProfile: KeyNotFound(\"lottery\")", "refused")]
#[case::profile_in_other_words("CliProfile: InvalidPassword", "refused")]
#[case::no_terminal(
    "CliProfile: StdIoError(Os { code: 6, kind: Uncategorized, message: \"No such device or address\" })",
    "refused"
)]
#[case::not_a_tty(
    "Command Aborted Reason(The input device is not a TTY), Action(Please try again.)",
    "refused"
)]
#[case::no_account(
    "General: Received an unexpected result AccountResource(Response { status: 404, body: \"\" })",
    "refused"
)]
#[case::active_profile("Error: No active profile", "refused")]
#[case::simulation_words("{\"Error\": \"Simulation failed with status: ABORTED\"}", "refused")]
#[case::abort(&simulated(ABORT), "refused")]
#[case::abort_over_lines(&simulated(ABORT).replace(", ", ",\n    "), "refused")]
#[case::abort_with_quotes(&simulated("Move abort in 0x1::code: E(0x4): say \\\"no\\\" }"), "refused")]
#[case::no_function(&simulated("FUNCTION_RESOLUTION_FAILURE"), "refused")]
#[case::fee_in_simulation(&simulated("INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE"), "refused")]
#[case::with_log_lines(&format!("INFO supra_logger: Starting\n{}", simulated(ABORT)), "refused")]
#[case::with_timed_log_lines(
    "2025-09-17T21:25:05.218390Z  INFO supra::cli: loading\n Container supra_cli  Running\nCliProfile: KeyNotFound(\"x\")",
    "refused"
)]
#[case::password("Enter the password: Error: failed to read the password", "refused")]
#[case::logged_submission(
    "2025-09-17T21:25:05Z  INFO supra::cli: submitted\nCliProfile: KeyNotFound(\"x\")",
    "unknown"
)]
#[case::in_colour("\u{1b}[31mCliProfile: KeyNotFound(\"x\")\u{1b}[0m\r\n", "refused")]
#[case::failed(&finalized("Fail"), "failed")]
#[case::invalid(&finalized("Invalid"), "failed")]
// What only looks like a refusal, or like an end, is none.
#[case::fee_alone("{\n  \"message\": \"INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE\"\n}", "unknown")]
#[case::leading_words("Command Aborted Reason(timed out), Action(Please try again.)", "unknown")]
#[case::simulation_that_succeeded(&simulated("Executed successfully"), "unknown")]
#[case::dump_of_a_sent_one(&simulated(ABORT).replace("Action(Please try again.)", &format!("Action(TransactionInfo(V3, {}))", "f1".repeat(32))), "unknown")]
#[case::dump_cut_off(&simulated(ABORT)[..300], "unknown")]
#[case::pending(&finalized("Pending"), "unknown")]
#[case::not_finalized(&format!("Tx {} was not finalized within its expiration timestamp", "f1".repeat(32)), "unknown")]
#[case::quoted("failed to read the receipt: CliProfile: KeyNotFound(\"x\")", "unknown")]
#[case::after_a_hash(&format!("Tx {} is pending\nCliProfile: KeyNotFound(\"x\")", "f1".repeat(32)), "unknown")]
#[case::after_a_submission(
    "URL: http://n/rpc/v1/transactions/submit\nCliProfile: KeyNotFound(\"x\")",
    "unknown"
)]
#[case::after_a_logged_submission(
    "2026-12-01T00:00:00Z INFO supra::move: Submitting Transaction to the network\nSimulation failed",
    "unknown"
)]
#[case::after_a_logged_hash("2026-12-01T00:00:00Z INFO supra: Hash 0xab\nSimulation failed", "unknown")]
#[case::after_other_words("Sending the transaction\nSimulation failed", "unknown")]
#[case::system_error(
    "CliProfile: StdIoError(Os { code: 5, kind: Uncategorized, message: \"Input/output error\" })",
    "unknown"
)]
#[case::account_unreadable(
    "General: Received an unexpected result AccountResource(Response { status: 503, body: \"\" })",
    "unknown"
)]
#[case::transaction_404(
    "General: Received an unexpected result Transaction(Response { status: 404, body: \"\" })",
    "unknown"
)]
#[case::connection("error sending request for url: connection reset", "unknown")]
#[case::nothing("", "unknown")]
fn the_table(
    #[case] text: &str,
    #[case] expected: &str,
    #[values(0, 1)] code: i32,
    #[values(true, false)] on_stdout: bool,
) {
    let (stdout, stderr) = if on_stdout { (text, "") } else { ("", text) };
    let (_, outcome) = of(stdout, stderr, Some(code));
    assert_eq!(name(&outcome), expected, "{outcome:?}");
    for code in [None, Some(-9), Some(101)] {
        assert_eq!(name(&of(stdout, stderr, code).1), "unknown", "{code:?}");
    }
}

#[rstest]
#[case::usage(2, "error: unexpected argument '--x' found\n\nFor more information, try '--help'.", "refused")]
#[case::usage_value(2, "error: invalid value 'x' for '--max-gas <GAS>': invalid digit", "refused")]
#[case::usage_at_another_code(0, "error: unexpected argument '--x' found", "unknown")]
// serde says the same of a receipt that it cannot read: after sending.
#[case::serde(1, "error: invalid value 'null' at line 1", "unknown")]
#[case::serde_at_2(2, "decoding failed: invalid value: null", "unknown")]
#[case::no_container(1, "Error response from daemon: No such container: supra_cli", "refused")]
#[case::stopped_container(1, "Error response from daemon: container 3f2a is not running", "refused")]
#[case::no_program(
    127,
    "OCI runtime exec failed: exec failed: unable to start container process: exec: \"/supra/supra\": stat /supra/supra: no such file or directory: unknown",
    "refused"
)]
#[case::daemon_gone(1, "error during connect: the docker daemon is not running", "unknown")]
fn codes_of_their_own(#[case] code: i32, #[case] stderr: &str, #[case] expected: &str) {
    assert_eq!(name(&of("", stderr, Some(code)).1), expected);
}

#[test]
fn remedies_and_hashes_are_kept() {
    let failure = |text: &str| match of("", text, Some(1)) {
        (
            receipt,
            SubmitOutcome::Refused(failure)
            | SubmitOutcome::Failed(failure)
            | SubmitOutcome::Unknown(failure),
        ) => (receipt.hash, failure),
        (_, other) => panic!("{other:?}"),
    };
    let (hash, aborted) = failure(&simulated(ABORT));
    assert_eq!((hash, aborted.abort().unwrap().code.clone()), (None, "393217".to_owned()));
    assert!(aborted.hint().unwrap().contains("whitelist the client"));
    let hint = |text: &str| failure(text).1.hint().unwrap_or_default().to_owned();
    assert!(hint("CliProfile: KeyNotFound(\"lottery\")").contains("PROFILE"));
    assert!(hint(&simulated("FUNCTION_RESOLUTION_FAILURE")).contains("LOTTERY_ADDR"));
    assert!(hint("{\"message\": \"INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE\"}").contains("top up"));
    let sent = Some(format!("0x{}", "f1".repeat(32)));
    let (hash, failed) = failure(&finalized("Fail"));
    assert_eq!((hash, failed.kind()), (sent.clone(), FailureKind::Aborted));
    assert_eq!(
        failure(&format!("Tx {} was not finalized within its expiration timestamp", "F1".repeat(32))).0,
        sent
    );
}

#[test]
fn a_cli_that_was_stopped_was_too_slow() {
    let (_, SubmitOutcome::Unknown(failure)) = of("", "", None) else { panic!() };
    assert_eq!(failure.kind(), FailureKind::Timeout);
    assert_eq!(failure.message(), "the Supra CLI did not end in time and was stopped");
}

/// What a CLI logs beside its answer says nothing, unless it is about a transaction.
#[rstest]
#[case::logged("2026-11-25T10:00:00Z  INFO rpc: connected", "")]
#[case::logged_without_a_time("INFO connected\nURL: http://n", "")]
#[case::about_a_transaction("2026-11-25T10:00:00Z  INFO submitted", "2026-11-25T10:00:00Z  INFO submitted")]
#[case::a_number("3 modules are missing\n", "3 modules are missing")]
#[case::a_level_in_a_sentence("the node says WARN to all", "the node says WARN to all")]
#[case::between("INFO a\n\n  error: b  \nWARN c", "error: b")]
fn what_a_stream_says(#[case] stream: &str, #[case] expected: &str) {
    assert_eq!(significant(stream), expected);
}

#[test]
fn far_behind_in_a_dump() {
    let long = simulated(ABORT).replace(
        "events: [",
        &format!("events: [{}", "Event { data: String(\"vm_status: \\\"x\\\"\") }, ".repeat(20_000)),
    );
    let (_, outcome) = of("", &long, Some(1));
    let SubmitOutcome::Refused(failure) = outcome else { panic!() };
    assert_eq!(failure.abort().unwrap().name.as_deref(), Some("ECLIENT_NOT_EXIST"));
}

#[test]
fn receipts_outweigh_everything() {
    let success = json!({"hash": "0xab", "status": "Success"}).to_string();
    for code in [Some(0), Some(1), None] {
        assert_eq!(of(&success, "x", code).1, SubmitOutcome::Accepted);
    }
    let aborted: Value =
        json!({"status": "Fail", "vm_status": "Move abort in 0x9::main_v2: E_DRAW_NOT_SCHEDULED(0x4): "});
    let (_, SubmitOutcome::Failed(failure)) = of(&aborted.to_string(), "", Some(0)) else { panic!() };
    assert_eq!(failure.abort().unwrap().name.as_deref(), Some("E_DRAW_NOT_SCHEDULED"));
    assert_eq!(failure.hint(), Some("wait until five tickets are sold"));
    // A hash in the output: something was sent.
    assert_eq!(name(&of("{\"hash\": \"0xab\"}", "Simulation failed", Some(1)).1), "unknown");
}

#[test]
fn an_incomplete_output_proves_nothing() {
    let text = "CliProfile: KeyNotFound(\"x\")";
    let output =
        Output { stdout: "", stderr: text, code: Some(1), incomplete: Some("it cannot be read: EIO") };
    let found = outcome(&Receipt::default(), &output);
    let SubmitOutcome::Unknown(failure) = found else { panic!("{found:?}") };
    assert_eq!(failure.message(), "the Supra CLI's output is incomplete: it cannot be read: EIO");
}
