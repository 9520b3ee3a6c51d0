//! The words that nodes, the CLI and docker use, and words like them.

use rstest::rstest;

use super::*;

const AT: &str = "0x186ba2ba88f4a14ca51f6ce42702c7ebdf6bfcf738d897cc98b986ded6f1219e";

/// The heading and kind of a text in which `@` stands for an address.
fn row(text: &str) -> Option<(&'static str, FailureKind)> {
    lookup(&text.replace('@', AT)).map(|known| (known.text, known.kind))
}

#[rstest]
#[case::recorded("could not find entry function by @::deposit::f")]
#[case::in_json("{\"message\":\"Could not find entry function by @::deposit::checkClientFund\"}")]
#[case::json_in_json("Error: {\\\"message\\\":\\\"could not find entry function by @::d::f\\\"}")]
#[case::simulated("Command Aborted Reason(Some(… vm_status: \"FUNCTION_RESOLUTION_FAILURE\" … ))")]
#[case::dump(
    "VMError { major_status: FUNCTION_RESOLUTION_FAILURE, sub_status: None, message: Some(\"x\"), location: Undefined }"
)]
#[case::new_text(
    "Failed to execute view function: FUNCTION_RESOLUTION_FAILURE at location UNDEFINED and message f"
)]
#[case::camel_case("ViewError::FunctionResolutionFailure")]
#[case::prose("Function @::deposit::f does not exist in module")]
#[case::apostrophe("function f can't be found")]
#[case::typographic("The function `f` doesn’t exist")]
#[case::no_view("no view function named f in @::deposit")]
#[case::code("{\"error_code\":\"function_not_found\",\"vm_error_code\":null}")]
#[case::rust_enum("Err(FunctionNotFound { module: \"deposit\", function: \"f\" })")]
#[case::unable("Unable to find function f")]
#[case::unknown("unknown function: @::deposit::f")]
#[case::not_exists("Function not exists: @::deposit::f")]
#[case::locate("could not locate view function f")]
#[case::invalid("Invalid function: @::deposit::f")]
#[case::line_broken("could not\n  find entry\tfunction by f")]
fn functions(#[case] text: &str) {
    assert_eq!(row(text), Some(("FUNCTION_RESOLUTION_FAILURE", FailureKind::Unsupported)));
}

#[rstest]
#[case::node_tests("Module ModuleId { address: 10771e25, name: Identifier(\"main_v2\") } can't be found")]
#[case::escaped("ModuleId { address: 10771e25, name: Identifier(\\\"main_v2\\\") } cannot be found")]
#[case::linker(
    "Failed to execute view function: LINKER_ERROR at location UNDEFINED and message Module not found"
)]
#[case::code("module_not_found")]
#[case::prose("Module @::main_v2 does not exist")]
#[case::published("module @::main_v2 isn't published")]
#[case::verb("cannot find module @::main_v2")]
fn modules(#[case] text: &str) {
    assert_eq!(row(text), Some(("LINKER_ERROR", FailureKind::Unsupported)));
}

#[rstest]
#[case::mainnet("Information not available")]
#[case::account("Resource not found: 0x1::account::Account")]
#[case::account_code("account_not_found")]
#[case::status("Received an unexpected result View(Response { status: 404, body: \"\" })")]
#[case::not_implemented("this endpoint is not implemented")]
fn anything_else_that_is_missing(#[case] text: &str) {
    assert_eq!(row(text), Some(("not found", FailureKind::Unsupported)));
}

#[rstest]
#[case::recorded("expected 0 arguments [], but got 1 ([String(\"0x1\")])", "NUMBER_OF_ARGUMENTS_MISMATCH")]
#[case::types("expected 1 type arguments, got 0", "NUMBER_OF_ARGUMENTS_MISMATCH")]
#[case::types_only("expected 1 type arguments but 0 were given", "NUMBER_OF_ARGUMENTS_MISMATCH")]
#[case::vm("NUMBER_OF_TYPE_ARGUMENTS_MISMATCH", "NUMBER_OF_ARGUMENTS_MISMATCH")]
#[case::missing_one("missing argument 1", "NUMBER_OF_ARGUMENTS_MISMATCH")]
#[case::prose("wrong number of arguments", "NUMBER_OF_ARGUMENTS_MISMATCH")]
#[case::live("parse arguments[0] failed, expect string<address>, caused by error: x", "TYPE_MISMATCH")]
#[case::vm_deserialize("FAILED_TO_DESERIALIZE_ARGUMENT", "TYPE_MISMATCH")]
#[case::not_a_view("@::deposit::f is not a view function", "INVALID_MAIN_FUNCTION_SIGNATURE")]
#[case::attribute("function not marked with #[view]", "INVALID_MAIN_FUNCTION_SIGNATURE")]
fn refused_arguments(#[case] text: &str, #[case] heading: &str) {
    assert_eq!(row(text), Some((heading, FailureKind::Unsupported)));
}

#[rstest]
#[case::recorded("CliProfile: KeyNotFound(\"lottery\")", "profile not found")]
#[case::prose("Error: profile 'lottery' does not exist", "profile not found")]
#[case::bare("Error: KeyNotFound(\"lottery\")", "profile not found")]
#[case::cannot_find("Cannot find profile lottery", "profile not found")]
#[case::passphrase("Error: Password was not provided", "not a TTY")]
#[case::ioctl("Inappropriate ioctl for device (os error 25)", "not a TTY")]
#[case::docker_api(
    "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running",
    "daemon is not running"
)]
#[case::daemon_refuses("Error response from daemon: cannot exec in a stopped state", "no such container")]
#[case::go_flag("unknown shorthand flag: 'x' in -x", "unexpected argument")]
#[case::clap_footer("error: bad\n\nFor more information, try '--help'.", "unexpected argument")]
#[case::none("Error: No active profile", "no active profile")]
#[case::no_terminal(
    "CliProfile: StdIoError(Os { code: 6, kind: Uncategorized, message: \"No such device or address\" })",
    "not a TTY"
)]
#[case::tty("Command Aborted Reason(The input device is not a TTY), Action(Please try again.)", "not a TTY")]
#[case::docker_tty("the input device is not a TTY", "not a TTY")]
#[case::password("Error: failed to read the password", "not a TTY")]
#[case::other_profile_error("CliProfile: DecryptionError", "not a TTY")]
#[case::daemon(
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    "daemon is not running"
)]
#[case::daemon_windows(
    "error during connect: this error may indicate that the docker daemon is not running",
    "daemon is not running"
)]
#[case::docker_socket(
    "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
    "daemon is not running"
)]
#[case::container("Error response from daemon: No such container: supra_cli", "no such container")]
#[case::stopped("Error response from daemon: container 0a1b is not running", "no such container")]
#[case::service("no such service: supra_cli", "no such container")]
#[case::compose_exec("service \"supra_cli\" is not running", "no such container")]
#[case::compose_file("no configuration file provided: not found", "no such container")]
#[case::oci(
    "OCI runtime exec failed: exec failed: unable to start container process: exec: \"/supra/supra\": stat /supra/supra: no such file or directory: unknown",
    "command not found"
)]
#[case::path("exec: \"supra\": executable file not found in $PATH: unknown", "command not found")]
#[case::clap("error: unexpected argument '--profile' found", "unexpected argument")]
#[case::clap_3(
    "error: Found argument '--url' which wasn't expected, or isn't valid in this context",
    "unexpected argument"
)]
#[case::subcommand("error: unrecognized subcommand 'tool'", "unexpected argument")]
fn this_machine(#[case] text: &str, #[case] heading: &str) {
    assert_eq!(row(text), Some((heading, FailureKind::Config)));
}

#[rstest]
#[case("error sending request for url (https://n/rpc/v3/view): connection refused", FailureKind::Unreachable)]
#[case(
    "dns error: failed to lookup address information: Name or service not known",
    FailureKind::Unreachable
)]
#[case("Error: no route to host", FailureKind::Unreachable)]
#[case("<html><head><title>502 Bad Gateway</title>", FailureKind::Unreachable)]
#[case("Failed to execute view function: STORAGE_ERROR", FailureKind::Unreachable)]
#[case("operation timed out", FailureKind::Timeout)]
#[case("HTTP status client error (429 Too Many Requests)", FailureKind::Throttled)]
#[case("Failed to execute view function: OUT_OF_GAS at location UNDEFINED", FailureKind::Aborted)]
#[case("VMError { major_status: EXECUTION_LIMIT_REACHED, sub_status: None }", FailureKind::Aborted)]
#[case("Failed to execute view function: MISSING_DATA at location Module 0x1::m", FailureKind::Aborted)]
#[case("{\"message\": \"INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE\"}", FailureKind::Aborted)]
fn others(#[case] text: &str, #[case] kind: FailureKind) {
    assert_eq!(row(text).map(|(_, kind)| kind), Some(kind));
}

#[rstest]
#[case("")]
#[case("something else")]
#[case("Failed to execute view function: unknown error while executing")]
#[case("Executed successfully")]
#[case("the functional module was found")]
fn not_known(#[case] text: &str) {
    assert_eq!(row(text), None);
}

#[test]
fn long_texts_end() {
    for unit in ["expected ", "could not find ", "function ", "({[\"'", "aA"] {
        let text = unit.repeat(30_000);
        let started = std::time::Instant::now();
        lookup(&text);
        assert!(started.elapsed().as_secs() < 20, "{unit}: {:?}", started.elapsed());
    }
}
