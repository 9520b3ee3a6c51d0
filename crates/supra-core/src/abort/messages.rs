//! Error messages of the CLI and of nodes that we know, and what to do (`facts/supra.md` §4.6).

/// A text that an error contains, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownText {
    /// The text.
    pub text: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

const fn known(text: &'static str, remedy: &'static str) -> KnownText {
    KnownText { text, remedy }
}

/// Every text that we know.
pub const KNOWN: &[KnownText] = &[
    known("MODULE_ADDRESS_DOES_NOT_MATCH_SENDER", "activate the profile of the package's account"),
    known("EPACKAGE_DEP_MISSING", "publish the dependency first, or correct its address"),
    known(
        "FUNCTION_RESOLUTION_FAILURE",
        "correct the name, or let the tools choose it: dvrf-status shows which answered",
    ),
    known("LINKER_ERROR", "correct the address and the network"),
    known("TYPE_MISMATCH", "compare the arguments with the module's ABI"),
    known("NUMBER_OF_ARGUMENTS_MISMATCH", "compare the arguments with the module's ABI"),
    known("TYPE_RESOLUTION_FAILURE", "correct the marker type of the module"),
    known("INVALID_MAIN_FUNCTION_SIGNATURE", "name a view function"),
    known("OUT_OF_GAS", "raise it with --max-gas"),
    known("INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE", "top up the signer's account"),
    known("SEQUENCE_NUMBER_TOO_OLD", "see whether that one did the work before trying again"),
    known("SEQUENCE_NUMBER_TOO_NEW", "wait for it, or send it"),
    known("TRANSACTION_EXPIRED", "send it again, with a later expiration"),
    known("SENDING_ACCOUNT_DOES_NOT_EXIST", "fund the account first, and check the network"),
    known("BAD_CHAIN_ID", "choose the profile or URL of the right network"),
    known("Failed to reset to latest Git state", "use --skip-fetch-latest-git-deps, or look at the network"),
    known("daemon is not running", "start Docker, or name a CLI outside of it"),
    known("unexpected argument", "set DVRF_CLI_GENERATION to the version of the CLI"),
    known("no active profile", "name one with --profile, or activate one"),
    known("profile not found", "see supra profile -l"),
];

impl KnownText {
    /// The place in the documents that explains it.
    pub fn help(&self) -> String {
        format!("docs/errors.md#{}", super::anchor(&format!("said {}", self.text)))
    }
}

/// The first known text in an error.
pub fn lookup(error: &str) -> Option<&'static KnownText> {
    KNOWN.iter().find(|known| error.contains(known.text))
}
