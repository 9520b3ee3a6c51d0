//! What the Supra CLI's output about a transaction proves. Pure; an exit code alone proves nothing either way.
//!
//! The table is made from recorded outputs of the testnet CLI (2025-09 and 2025-10) and from the CLI's published source.
//! The CLI simulates before it signs, so a failed simulation was never sent; the account's sequence numbers in the
//! recordings confirm it.

use super::receipt::{Receipt, hash_in};
use crate::abort::classify;
use crate::error::Error;
use crate::failure::{Failure, FailureKind, quote};
use crate::transport::cli::documents;

/// What became of a transaction, as far as the CLI's output proves it. Its hash, where there is one, is in the
/// [`Receipt`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitOutcome {
    /// The CLI was not started.
    NotSent(Error),
    /// The CLI ended before it could send: wrong arguments, no profile, a simulation that failed.
    Refused(Error),
    /// The transaction was sent and failed; it changed nothing.
    Failed(Error),
    /// The receipt says that the transaction succeeded.
    Accepted,
    /// Anything else: the transaction may have been sent.
    Unknown(Error),
}

/// What the CLI printed, and how it ended.
#[derive(Debug, Clone, Copy)]
pub struct Output<'a> {
    /// Its stdout.
    pub stdout: &'a str,
    /// Its stderr.
    pub stderr: &'a str,
    /// Its exit code; that of a signal is negative. `None` when it had to be stopped.
    pub code: Option<i32>,
    /// Why the output may lack something, if so.
    pub incomplete: Option<&'a str>,
}

/// A statement after which nothing was sent.
struct Refusal {
    /// How it begins.
    begins: &'static str,
    /// What else it contains.
    contains: &'static str,
    /// The exit codes that go with it.
    codes: &'static [i32],
    remedy: &'static str,
}

const ENDED: &[i32] = &[0, 1];
const PROFILE: &str = "name an existing profile with PROFILE; `supra profile -l` lists them";
const TERMINAL: &str =
    "the CLI wants the profile's password and has no terminal to ask on: give it with --password-file";
const WORDS: &str = "set DVRF_CLI_GENERATION to the generation of this CLI";
const FUNCTION: &str =
    "the function is not on this chain: correct LOTTERY_ADDR, the module's name or --function-id";
const CONTAINER: &str = "start the container, or correct the command in SUPRA_CLI_BIN";

const fn refusal(
    begins: &'static str,
    contains: &'static str,
    codes: &'static [i32],
    remedy: &'static str,
) -> Refusal {
    Refusal { begins, contains, codes, remedy }
}

const REFUSALS: &[Refusal] = &[
    refusal("CliProfile: StdIoError(Os { code: 6,", "", ENDED, TERMINAL),
    refusal("CliProfile: StdIoError(Os { code: 25,", "", ENDED, TERMINAL),
    refusal("Command Aborted Reason(The input device is not a TTY)", "", ENDED, TERMINAL),
    refusal(
        "General: Received an unexpected result AccountResource(",
        "status: 404",
        ENDED,
        "the signer's account does not exist on this chain: fund it, or correct PROFILE and the node's URL",
    ),
    refusal("Enter the password", "failed to read the password", ENDED, TERMINAL),
    refusal("No active profile", "", ENDED, PROFILE),
    refusal("profile not found", "", ENDED, PROFILE),
    refusal("Simulation failed", "", ENDED, ""),
    // clap reads all words before anything else is done.
    refusal("error: unexpected argument", "", &[2], WORDS),
    refusal("error: the following required arguments were not provided", "", &[2], WORDS),
    refusal("error: unrecognized subcommand", "", &[2], WORDS),
    refusal("error: invalid value '", "' for '", &[2], WORDS),
    // docker refuses before it starts the CLI.
    refusal("Error response from daemon: No such container: ", "", &[1], CONTAINER),
    refusal("Error response from daemon: Container ", " is not running", &[1], CONTAINER),
    refusal(
        "OCI runtime exec failed: exec failed: unable to start container process: exec: ",
        "",
        &[126, 127],
        CONTAINER,
    ),
];

/// Errors of a profile that is read before anything is signed; those of the system may come at any time.
const PROFILE_ERROR: &str = "CliProfile: ";
const SYSTEM_ERROR: &str = "CliProfile: StdIoError";
/// A failed simulation, from its beginning to its end, without white space.
const SIMULATION: &str = "CommandAbortedReason(Some(Move(MoveTransactionOutput{";
const SIMULATION_END: &str = "Action(Pleasetryagain.)";
/// A transaction that the chain finalized, behind its hash.
const FINALIZED: &str = " was finalized with status different from Success. Status: ";

/// Decides what became of a transaction.
pub fn outcome(receipt: &Receipt, output: &Output) -> SubmitOutcome {
    if receipt.success == Some(true) {
        return SubmitOutcome::Accepted;
    }
    let said = if output.stderr.trim().is_empty() { output.stdout } else { output.stderr };
    if receipt.success == Some(false) {
        let words = receipt.vm_status.as_deref().unwrap_or(said);
        return SubmitOutcome::Failed(explained(words, "the transaction failed").into());
    }
    let Some(code) = output.code else {
        let message = "the Supra CLI did not end in time and was stopped";
        return SubmitOutcome::Unknown(
            Failure { kind: FailureKind::Timeout, ..explained(said, message) }.into(),
        );
    };
    if let Some(why) = output.incomplete {
        let message = format!("the Supra CLI's output is incomplete: {why}");
        return SubmitOutcome::Unknown(Error::new(FailureKind::Unreachable, message));
    }
    if receipt.hash.is_none() {
        if let Some(remedy) = refused(output, code) {
            let mut failure = explained(said, "the Supra CLI refused to send");
            if failure.abort.is_none() {
                failure.kind = FailureKind::Config;
                failure.hint = Some(remedy.to_owned()).filter(|text| !text.is_empty()).or(failure.hint);
            }
            return SubmitOutcome::Refused(failure.into());
        }
    } else if finalized_as_failure(output, code) {
        return SubmitOutcome::Failed(explained(said, "the transaction failed").into());
    }
    SubmitOutcome::Unknown(explained(said, &format!("the Supra CLI ended with code {code}")).into())
}

/// Whether the last statement says that the chain finalized the transaction as failed.
fn finalized_as_failure(output: &Output, code: i32) -> bool {
    let statement = statement(output).unwrap_or_default();
    let statement = statement.strip_prefix("Command Aborted Reason(").unwrap_or(&statement);
    let status = statement.strip_prefix("Tx ").and_then(|rest| rest.split_once(FINALIZED));
    ENDED.contains(&code)
        && status.is_some_and(|(_, status)| status.starts_with("Fail)") || status.starts_with("Invalid)"))
}

/// The remedy, where the output proves that nothing was sent. Only a whole statement counts, with nothing but log lines
/// around it: the same words behind a sign of a transaction prove nothing.
fn refused(output: &Output, code: i32) -> Option<&'static str> {
    if [output.stdout, output.stderr].into_iter().any(|text| !hash_in(text).is_empty()) {
        return None;
    }
    let statement = statement(output)?;
    let begins =
        |words: &str| statement.get(..words.len()).is_some_and(|start| start.eq_ignore_ascii_case(words));
    let compact: String = statement.split_whitespace().collect();
    if compact.starts_with(SIMULATION) {
        let vm_status = vm_status(&statement)?;
        let is_failure = !vm_status.eq_ignore_ascii_case("executed successfully");
        let is_missing = ["FUNCTION_RESOLUTION_FAILURE", "LINKER_ERROR"].contains(&vm_status.as_str());
        return (ENDED.contains(&code) && is_failure && compact.ends_with(SIMULATION_END))
            .then_some(if is_missing { FUNCTION } else { "" });
    }
    let row = REFUSALS.iter().find(|row| begins(row.begins) && statement.contains(row.contains));
    if let Some(row) = row {
        let is_whole = code == 2 || !statement.contains('\n');
        return (row.codes.contains(&code) && is_whole).then_some(row.remedy);
    }
    let of_profile = begins(PROFILE_ERROR) && !begins(SYSTEM_ERROR) && !statement.contains('\n');
    (of_profile && ENDED.contains(&code)).then_some(PROFILE)
}

/// The only statement of an output: its text without log lines, colours, the word `Error:` and a JSON wrapper. `None`
/// where stdout and stderr both have one.
fn statement(output: &Output) -> Option<String> {
    let mut found =
        [output.stdout, output.stderr].into_iter().map(significant).filter(|text| !text.is_empty());
    let (text, other) = (found.next()?, found.next());
    if other.is_some() {
        return None;
    }
    let wrapped = documents(&text);
    if let [serde_json::Value::Object(fields)] = wrapped.as_slice()
        && text.starts_with('{')
        && fields.len() == 1
    {
        let inner = ["Error", "error", "message"].iter().find_map(|key| fields.get(*key)?.as_str());
        return inner.map(str::to_owned);
    }
    let text = text
        .strip_prefix("Error: ")
        .filter(|rest| !rest.starts_with("response from daemon"))
        .unwrap_or(&text);
    Some(text.to_owned())
}

/// The lines of a stream that are neither logging nor the echo of an address.
fn significant(stream: &str) -> String {
    const NOISE: [&str; 9] =
        ["INFO ", "WARN ", "DEBUG ", "account: ", "URL: ", "Chain_id = ", "Container ", "Network ", "time="];
    // Behind a time.
    const LEVELS: [&str; 3] = [" INFO ", " WARN ", " DEBUG "];
    const SIGNS: [&str; 4] = ["submit", "transaction", "hash", "tx "];
    let stream = strip_ansi(stream);
    let is_noise = |line: &&str| {
        let line = line.trim();
        let is_logged =
            line.starts_with(|c: char| c.is_ascii_digit()) && LEVELS.iter().any(|level| line.contains(level));
        let quiet = is_logged || NOISE.iter().any(|start| line.starts_with(start)) || line.is_empty();
        let lower = line.to_ascii_lowercase();
        quiet && !SIGNS.iter().any(|sign| lower.contains(sign))
    };
    let lines: Vec<&str> = stream.lines().filter(|line| !is_noise(line)).map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

/// The text without terminal colours.
fn strip_ansi(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(piece.split_once('m').map_or(piece, |(_, rest)| rest));
    }
    out
}

/// The VM's words out of a Rust dump of a transaction, wherever they are in it.
pub(super) fn vm_status(dump: &str) -> Option<String> {
    let (_, rest) = dump.split_once("vm_status: \"")?;
    let mut text = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            c => text.push(c),
        }
    }
}

/// The failure with the abort's name and remedy where the words have them.
pub fn explained(words: &str, otherwise: &str) -> Failure {
    let inner = vm_status(words);
    let words = inner.as_deref().unwrap_or(words);
    let failure = classify(words);
    if failure.abort.is_some() {
        return failure;
    }
    let said = quote(words);
    let colon = if said.is_empty() { "" } else { ": " };
    let kind = FailureKind::Aborted;
    Failure { kind, message: format!("{otherwise}{colon}{said}"), ..failure }
}

/// The hash that an output names, where it names exactly one.
pub(super) fn named_hash(output: &Output) -> Option<String> {
    let mut hashes: Vec<String> = [output.stdout, output.stderr].into_iter().flat_map(hash_in).collect();
    hashes.sort();
    hashes.dedup();
    if hashes.len() == 1 { hashes.pop() } else { None }
}

#[cfg(test)]
mod tests;
