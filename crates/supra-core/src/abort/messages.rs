//! What nodes, the Supra CLI, its argument parser and docker say when something fails: one table of phrases, what each
//! means for a view, and what to do (`facts/supra.md` §2.5 and §4.6).
//!
//! Texts come in capitals, camelCase, prose, JSON inside JSON and Rust dumps, so phrases are looked for among the words
//! of a text: letters and digits in lower case, everything else is a gap.

use crate::failure::FailureKind;

/// Phrases that mean the same, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownText {
    /// The usual words, which are the heading in `docs/fix.md`.
    pub text: &'static str,
    /// Other words: ` * ` is a wide gap, ` ~ ` a narrow one, and `|` separates alternatives of a part.
    also: &'static [&'static str],
    /// What a view that fails so is.
    pub kind: FailureKind,
    /// What to do about it.
    pub remedy: &'static str,
}

const fn known(
    kind: FailureKind,
    text: &'static str,
    also: &'static [&'static str],
    remedy: &'static str,
) -> KnownText {
    KnownText { text, also, kind, remedy }
}

use FailureKind::{Aborted, Config, Throttled, Timeout, Unreachable, Unsupported, WrongChain};

/// Verbs of a search in vain, before what was searched.
macro_rules! not_finding {
    () => {
        "could not find|couldnt find|cannot find|can not find|cant find|failed to find|unable to find|did not find|could not resolve|failed to resolve|unable to resolve|cannot resolve|could not load|failed to load|unable to load|cannot load|no such|could not locate|cannot locate|failed to locate|unable to locate|has no|does not have|doesnt have|does not contain|doesnt contain"
    };
}

/// What is said of something that is missing, after its name.
macro_rules! not_there {
    () => {
        "not found|cant be found|cannot be found|could not be found|couldnt be found|can not be found|does not exist|doesnt exist|do not exist|not exist|not exists|nonexistent|non existent|is absent|isnt found|isnt available|isnt published|isnt deployed|isnt exposed|is missing|is unknown|not available|not defined|not declared|not exposed|not published|not present|not deployed|not resolved|unresolved|isnt defined|undefined"
    };
}

/// Every text that we know. The first row that fits counts: what is wrong on this machine, then on the way, then what
/// the VM says of a transaction, then what is missing.
pub const KNOWN: &[KnownText] = &[
    // The argument parser (clap 3 and 4) and other parsers of its kind.
    known(
        Config,
        "unexpected argument",
        &[
            "wasnt expected",
            "unrecognized subcommand|unrecognized option|unrecognised option|unrecognized argument|invalid option",
            "unknown option|unknown flag|unknown shorthand|flag provided but not defined|unknown argument|unknown command|unknown subcommand",
            "required arguments were not provided",
            "invalid value * for",
            "a value is required for",
            "cannot be used with",
            "for more information try help",
        ],
        "set DVRF_CLI_GENERATION to the version of the CLI",
    ),
    // Profiles, recorded 2025-09 and from the CLI's source.
    known(
        Config,
        "no active profile",
        &["no profile|no default profile", "profile * not set|is required|not configured|isnt configured"],
        "name one with --profile, or activate one",
    ),
    known(
        Config,
        "profile not found",
        &[
            "cli profile * not found",
            "profile * not found|does not exist|doesnt exist|unknown",
            "unknown profile|no such profile|invalid profile",
            concat!(not_finding!(), " ~ profile|profiles"),
            "key not found",
        ],
        "name one that supra profile -l lists, with PROFILE or --profile",
    ),
    known(
        Config,
        "not a TTY",
        &[
            "cli profile std io error",
            "not a terminal",
            "no such device or address",
            "failed to read|could not read|unable to read|cannot read * password",
            "wrong password|invalid password|incorrect password|password is incorrect|password required|password is required",
            "password|passphrase|keyring|ioctl|tty",
            "cli profile",
        ],
        "set CLI_PROFILE_PASSWORD, or store the password with supra keyring store cli-profile",
    ),
    // Docker and docker compose.
    known(
        Config,
        "daemon is not running",
        &[
            "cannot connect to the docker daemon",
            "is the docker daemon running",
            "error during connect",
            "permission denied * docker",
            "dial unix",
            "docker api|docker sock|docker desktop",
        ],
        "start Docker, or name a CLI outside of it",
    ),
    known(
        Config,
        "no such container",
        &[
            "container * is not running|is stopped|is paused|is restarting",
            "service * is not running|has no container",
            "no such service",
            "no such image|unable to find image",
            "no container found",
            "no configuration file provided",
            "container * has exited|not found|does not exist",
            "error response from daemon",
        ],
        "start the container, or correct SUPRA_CLI_BIN or DVRF_CLI_COMPOSE",
    ),
    // What shells, docker and the system say of a program.
    known(
        Config,
        "command not found",
        &[
            "no such file or directory",
            "executable file not found",
            "exec format error",
            "permission denied",
            "is a directory",
        ],
        "set SUPRA_CLI_BIN to the path of the CLI",
    ),
    known(
        Config,
        "Failed to reset to latest Git state",
        &[],
        "use --skip-fetch-latest-git-deps, or look at the network",
    ),
    // HTTP clients of the CLI.
    known(
        Throttled,
        "too many requests",
        &["rate limit", "status 429", "http 429", "429 too many"],
        "ask less often: fewer jobs, or a node of your own",
    ),
    known(
        Timeout,
        "timed out",
        &["timeout", "deadline has elapsed"],
        "raise DVRF_CALL_TIMEOUT, or use another node",
    ),
    known(
        Unreachable,
        "error sending request",
        &[
            "connection refused|connection reset|connection closed|connection aborted|connection error|connection failed",
            "tcp connect error|connect error",
            "dns error|failed to lookup address|host not found|name or service not known|name resolution",
            "network is unreachable|no route|host is unreachable|host unreachable|host is down",
            "broken pipe|unexpected eof|unexpected end of file|incomplete message",
            "tls handshake|invalid peer certificate|certificate verify failed|unknown issuer",
            "bad gateway|service unavailable",
            "storage error|invariant violation",
            "doctype html|html head|html body",
        ],
        "check the node's URL and the network",
    ),
    // Refused and failed transactions.
    known(
        Config,
        "MODULE_ADDRESS_DOES_NOT_MATCH_SENDER",
        &[],
        "activate the profile of the package's account",
    ),
    known(Aborted, "EPACKAGE_DEP_MISSING", &[], "publish the dependency first, or correct its address"),
    known(
        Aborted,
        "OUT_OF_GAS",
        &[
            "execution limit reached|io limit reached|storage limit reached|gas limit exceeded",
            "exceeded ~ gas",
        ],
        "raise it with --max-gas",
    ),
    known(Aborted, "INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE", &[], "top up the signer's account"),
    known(Aborted, "SEQUENCE_NUMBER_TOO_OLD", &[], "see whether that one did the work before trying again"),
    known(Aborted, "SEQUENCE_NUMBER_TOO_NEW", &[], "wait for it, or send it"),
    known(Aborted, "TRANSACTION_EXPIRED", &[], "send it again, with a later expiration"),
    known(
        Unsupported,
        "SENDING_ACCOUNT_DOES_NOT_EXIST",
        &[],
        "fund the account first, and check the network",
    ),
    known(WrongChain, "BAD_CHAIN_ID", &[], "choose the profile or URL of the right network"),
    // The VM ended a function that exists.
    known(Aborted, "MISSING_DATA", &[], "initialise the contract, or correct the address"),
    known(
        Aborted,
        "ARITHMETIC_ERROR",
        &[
            "vector operation error",
            "resource already exists",
            "call stack overflow|execution stack overflow",
            "memory limit exceeded",
        ],
        "report it to the contract's author",
    ),
    // Refused arguments: recorded (`expected N arguments …, but got M`, `parse arguments[N] failed`) and of the VM.
    known(
        Unsupported,
        "NUMBER_OF_ARGUMENTS_MISMATCH",
        &[
            "number of type arguments mismatch|arguments mismatch|argument mismatch",
            "expected|expects|requires|takes ~ arguments|argument|parameters|parameter|args * got|found|given|provided|received|supplied|were",
            "expected|expects|requires|takes ~ type arguments|type argument|type parameters",
            "number of|count of|too many|too few|not enough|missing ~ arguments|argument|parameters|args",
            "arity",
        ],
        "compare the arguments with the module's ABI",
    ),
    known(
        Unsupported,
        "TYPE_MISMATCH",
        &[
            "parse arguments|parse argument",
            "parse|parsing|deserialize|deserialise|deserialization|deserializing|decode|convert|converting ~ argument|arguments|args|parameter",
            "invalid arguments|invalid argument|bad argument|unexpected type|invalid type|incompatible type",
        ],
        "compare the arguments with the module's ABI",
    ),
    known(Unsupported, "TYPE_RESOLUTION_FAILURE", &[], "correct the marker type of the module"),
    known(
        Unsupported,
        "INVALID_MAIN_FUNCTION_SIGNATURE",
        &["not a view|not view|non view|no view attribute|isnt a view|not a valid view", "not marked ~ view"],
        "name a view function",
    ),
    // Missing functions: recorded on testnet 2025-09 (`could not find entry function by …`), and as others say it.
    known(
        Unsupported,
        "FUNCTION_RESOLUTION_FAILURE",
        &[
            concat!(not_finding!(), " ~ function|functions|method"),
            concat!("function|functions|method * ", not_there!()),
            "unknown function|undefined function|invalid function|missing function|no function|no view function|no view|no entry function|no public function",
            "lookup failed",
        ],
        "correct the name, or let the tools choose it: dvrf-status shows which answered",
    ),
    // Missing modules: node tests (`Module ModuleId { … } can't be found`), and as others say it.
    known(
        Unsupported,
        "LINKER_ERROR",
        &[
            concat!(not_finding!(), " ~ module|modules|package"),
            concat!("module|modules|package|module id * ", not_there!()),
            "unknown module|undefined module|missing module|no module|missing dependency",
        ],
        "correct the address and the network, or name another module with DVRF_LOTTERY_MODULE or DVRF_DEPOSIT_MODULE",
    ),
    // Missing accounts, resources and anything else: mainnet quotes (`Information not available`).
    known(
        Unsupported,
        "not found",
        &[
            "information not available|not available",
            not_there!(),
            not_finding!(),
            "no resource|no account|no data",
            "not supported|unsupported|not implemented|unimplemented",
            "status 404|http 404",
        ],
        "correct the address and the network",
    ),
];

/// The largest gap ` * ` inside a phrase in bytes: an address, a module and a function fit.
const WIDE: usize = 400;
/// The largest gap ` ~ `: a few words.
const NARROW: usize = 24;

impl KnownText {
    /// The place in the documents that explains it.
    pub fn help(&self) -> String {
        format!("docs/fix.md#{}", super::anchor(&format!("said {}", self.text)))
    }

    fn is_in(&self, words: &str) -> bool {
        words.contains(&words_of(self.text))
            || self.also.iter().any(|phrase| holds(words, phrase, usize::MAX))
    }
}

/// The first known text in an error.
pub fn lookup(error: &str) -> Option<&'static KnownText> {
    // The beginning of every failed view names a function, which is not what is missing.
    let words = words_of(error).replace(" execute view function ", " ");
    KNOWN.iter().find(|known| known.is_in(&words))
}

/// The words of a text in lower case, between single blanks: `VmError { a_b: "Can't" }` is ` vm error a b cant `.
fn words_of(text: &str) -> String {
    let mut words = String::with_capacity(text.len() + 2);
    words.push(' ');
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '\'' | '’' => continue,
            c if c.is_alphanumeric() => {
                if before.is_lowercase() && c.is_uppercase() {
                    words.push(' ');
                }
                words.extend(c.to_lowercase());
            }
            _ if words.ends_with(' ') => {}
            _ => words.push(' '),
        }
        before = c;
    }
    if !words.ends_with(' ') {
        words.push(' ');
    }
    words
}

/// Whether the parts of a phrase follow each other within its gaps, the first one at most `within` bytes from here.
fn holds(words: &str, phrase: &str, within: usize) -> bool {
    let gap = |mark: &str, most| Some((phrase.find(mark)?, most));
    let next = [gap(" * ", WIDE), gap(" ~ ", NARROW)].into_iter().flatten().min();
    let first = next.map_or(phrase, |(at, _)| &phrase[..at]);
    first.split('|').any(|part| {
        let wanted = format!(" {part} ");
        let end = (within.saturating_add(wanted.len())..words.len()).find(|end| words.is_char_boundary(*end));
        let mut found = words[..end.unwrap_or(words.len())].match_indices(&wanted);
        // The blank after a part is the blank before the next.
        found.any(|(at, _)| {
            next.is_none_or(|(end, most)| holds(&words[at + wanted.len() - 1..], &phrase[end + 3..], most))
        })
    })
}

#[cfg(test)]
mod tests;
