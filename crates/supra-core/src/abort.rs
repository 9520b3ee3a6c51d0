//! Move aborts: reading them out of a node's prose, naming them, saying what to do.
//!
//! Codes are of the dVRF package's published source (V2), the lottery at its 2025-10-05 state and the framework
//! (`facts/supra.md` §8 and §9.4). A code means nothing without its module: 0x50004 is one thing in `deposit` and
//! another in `supra_vrf`.

pub mod messages;

use serde_json::Value;

use crate::failure::{Abort, Failure, FailureKind, quote};
use crate::metadata::abort_name;

/// A known abort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownAbort {
    /// The module that raises it.
    pub module: &'static str,
    /// The abort code.
    pub code: u64,
    /// The constant's name in the contract.
    pub name: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

const fn known(module: &'static str, code: u64, name: &'static str, remedy: &'static str) -> KnownAbort {
    KnownAbort { module, code, name, remedy }
}

/// Every abort we can name.
pub const KNOWN: &[KnownAbort] = &[
    known(
        "deposit",
        0x60001,
        "ECLIENT_NOT_EXIST",
        "whitelist the client address in the deposit module, or correct CLIENT_ADDR",
    ),
    known("deposit", 0x60002, "ECLIENT_ALREADY_EXIST", "the client is whitelisted already; nothing to do"),
    known("deposit", 0x50004, "ENOT_ENOUGH_BALANCE", "deposit more: the amount is above the fund"),
    known("deposit", 0x50005, "ECONTRACT_IS_PAUSED", "Supra paused the deposit module; wait and ask Supra"),
    known("deposit", 0x60006, "EREQUIRED_MORE_MINIMUMBALANCELIMIT", "set a minimum at or above Supra's own"),
    known("deposit", 0x10007, "EAMOUNT_CANNOT_BE_ZERO", "give an amount above 0"),
    known(
        "deposit",
        0x80008,
        "ECONTRACT_ALREADY_EXISTS",
        "the contract is whitelisted already; nothing to do",
    ),
    known("deposit", 0x60009, "ECONTRACT_DOES_NOT_EXIST", "whitelist the contract first"),
    known("deposit", 0x1000A, "EINVALID_END_DATE", "choose an end at least two days ahead"),
    known("deposit", 0x7000B, "EMIN_BALANCE", "deposit more: the total must end above the minimum"),
    known("deposit", 0x1000C, "EINVALID_AMOUNT", "the amount is 0 or above the wallet's balance"),
    known("deposit", 0x3000E, "EINVALID_MULTISIG_ACCOUNT", "only Supra's administrators can do this"),
    known("deposit", 0x10000, "empty client list", "ask about at least one client"),
    known("supra_util", 0x50002, "EUNAUTHORIZED_ACCESS", "sign with the owner's account"),
    known("supra_vrf", 0x40001, "EUNAUTHORIZED_FREE_NODE", "only Supra's nodes may call this"),
    known(
        "supra_vrf",
        0xB0002,
        "EINVALID_SIGNATURE",
        "the answer's signature does not verify; report it to Supra",
    ),
    known(
        "supra_vrf",
        0x10003,
        "EINVALID_MESSAGE",
        "the callback's arguments differ from the request; pass them on unchanged",
    ),
    known("supra_vrf", 0x50004, "EINVALID_CLIENT_CONTRACT", "whitelist the client and its consumer contract"),
    known(
        "supra_vrf",
        0x20005,
        "EMIN_BALANCE_REACHED",
        "deposit more: requests are refused at or below the minimum balance",
    ),
    known("supra_vrf", 0x10006, "EINVALID_RNG_REQUEST", "ask for at least one random number"),
    known("supra_vrf", 0x70007, "ENONCE_ALREADY_EXECUTED", "this request was answered before; nothing to do"),
    known("supra_vrf", 0x50008, "EUNAUTHORIZED_ACCESS", "sign with the authorised account"),
    known("main_v2", 1, "E_NOT_OWNER", "sign with the lottery's own account"),
    known("main_v2", 2, "E_ALREADY_INITIALIZED", "the lottery is initialised already; nothing to do"),
    known("main_v2", 3, "E_NO_TICKETS_AVAILABLE", "sell tickets first"),
    known("main_v2", 4, "E_DRAW_NOT_SCHEDULED", "wait until five tickets are sold"),
    known("main_v2", 6, "E_PENDING_REQUEST_STATE", "wait for the answer to the pending request"),
    known("main_v2", 7, "E_NONCE_MISMATCH", "the answer is for another request"),
    known("main_v2", 8, "E_RANDOM_BYTES_TOO_SHORT", "the answer holds too few random bytes"),
    known("main_v2", 9, "E_INITIAL_DEPOSIT_TOO_LOW", "deposit at least the calculated minimum"),
    known("main_v2", 10, "E_WITHDRAWAL_PENDING_REQUEST", "withdraw after the pending request is answered"),
    known("main_v2", 12, "E_TREASURY_NOT_INITIALIZED", "initialise the treasury's token first"),
    known("main_v2", 13, "E_PLAYER_STORE_NOT_REGISTERED", "register the player's store first"),
    known(
        "main_v2",
        14,
        "E_INVALID_CALLBACK_PAYLOAD",
        "the callback's message is not the lottery's envelope; the contract cannot accept Supra's message",
    ),
    known("main_v2", 15, "E_MIN_BALANCE_OVERFLOW", "lower the gas settings: the minimum does not fit u64"),
    known("main_v2", 16, "E_GAS_CONFIG_NOT_SET", "call configure_vrf_gas first"),
    known("main_v2", 17, "E_REQUEST_STILL_PENDING", "wait for the answer to the pending request"),
    known(
        "main_v2",
        18,
        "E_UNEXPECTED_RNG_COUNT",
        "the answer holds another number of random words than asked",
    ),
    known("main_v2", 19, "E_CLIENT_SEED_OVERFLOW", "set a lower client seed with configure_vrf_request"),
    known("main_v2", 20, "E_CALLBACK_SOURCE_NOT_SET", "call whitelist_callback_sender first"),
    known("main_v2", 21, "E_CALLBACK_CALLER_NOT_ALLOWED", "whitelist the account that answers"),
    known(
        "main_v2",
        22,
        "E_CONSUMER_ALREADY_WHITELISTED",
        "the consumer is whitelisted already; nothing to do",
    ),
    known("main_v2", 23, "E_CONSUMER_NOT_WHITELISTED", "call whitelist_consumer for the account that draws"),
    known(
        "main_v2",
        24,
        "E_CLIENT_WHITELIST_SNAPSHOT_MISMATCH",
        "record the client snapshot with the gas settings in force",
    ),
    known(
        "main_v2",
        25,
        "E_CONSUMER_WHITELIST_SNAPSHOT_MISMATCH",
        "record the consumer snapshot with the callback gas in force",
    ),
    known("main_v2", 26, "E_INVALID_REQUEST_CONFIG", "configure_vrf_request takes exactly one random word"),
    known("main_v2", 27, "E_CLIENT_SEED_REGRESSION", "give a client seed not below the last one"),
    known("main_v2", 28, "E_GAS_MATH_OVERFLOW", "lower the gas settings"),
    known("main_v2", 29, "E_INVALID_GAS_CONFIG", "give gas settings above 0"),
    known("main_v2", 30, "E_INVALID_CALLBACK_SENDER", "give a callback sender that is not 0x0"),
    known("main_v2", 31, "E_INVALID_CONSUMER_ADDRESS", "give a consumer that is not 0x0"),
    known("main_v2", 32, "E_JACKPOT_OVERFLOW", "draw before the jackpot grows further"),
    known("main_v2", 33, "E_TICKET_ID_OVERFLOW", "no ticket numbers are left"),
    known("main_v2", 34, "E_RNG_REQUEST_OVERFLOW", "the request counter is exhausted"),
    known("main_v2", 35, "E_RNG_RESPONSE_OVERFLOW", "the response counter is exhausted"),
    known("main_v2", 36, "E_RANDOM_INDEX_OVERFLOW", "the winning index does not fit"),
    known("main_v2", 37, "E_CANNOT_REMOVE_DEFAULT_CONSUMER", "the lottery itself stays a consumer"),
    known("treasury_v1", 1, "E_NOT_OWNER", "sign with the treasury's account"),
    known("treasury_v1", 2, "E_ALREADY_INITIALIZED", "the token is initialised already; nothing to do"),
    known("treasury_v1", 3, "E_NOT_INITIALIZED", "call init_token first"),
    known("treasury_v1", 4, "E_STORE_NOT_REGISTERED", "register the store first"),
    known("treasury_v1", 5, "E_TREASURY_STORE_NOT_REGISTERED", "register the treasury's store first"),
    known("treasury_v1", 6, "E_INVALID_BASIS_POINTS", "the shares must add up to 10000"),
    known("treasury_v1", 7, "E_RECIPIENT_STORE_NOT_REGISTERED", "register the recipient's store first"),
    known("coin", 0x10006, "EINSUFFICIENT_BALANCE", "top up the signer's account"),
    known("coin", 0x60005, "ECOIN_STORE_NOT_PUBLISHED", "register the coin in the signer's account"),
    known("fungible_asset", 0x10004, "EINSUFFICIENT_BALANCE", "top up the signer's account"),
    known("resource_account", 0x60001, "ECONTAINER_NOT_PUBLISHED", "the resource account does not exist"),
];

impl KnownAbort {
    /// The place in the documents that explains it.
    pub fn help(&self) -> String {
        format!("docs/fix.md#{}", anchor(&format!("{} {}", self.module, self.name)))
    }
}

/// The anchor of a heading.
fn anchor(heading: &str) -> String {
    heading.to_ascii_lowercase().replace(' ', "-")
}

/// The abort of a module and code, if we can name it.
pub fn lookup(module: &str, code: u64) -> Option<&'static KnownAbort> {
    KNOWN.iter().find(|abort| abort.module == module && abort.code == code)
}

/// Where the documents say what words that nobody knows mean: [`is_unrecognised`] tells such a failure by it.
const UNRECOGNISED: &str = "docs/fix.md#words-that-are-not-known";

/// What a node's or CLI's error text says: an abort with its name, a text that we know, or words that we do not.
pub fn classify(text: &str) -> Failure {
    if let Some(said) = said_abort(text) {
        return aborted(&said);
    }
    let known = messages::lookup(text);
    let kind = known.map_or(FailureKind::Undecodable, |known| known.kind);
    let mut failure =
        Failure::new(kind, format!("the chain answered: {}", quote(vm_status(text).unwrap_or(text))));
    failure.hint = known.map(|known| known.remedy.to_owned());
    failure.help = Some(known.map_or_else(|| UNRECOGNISED.to_owned(), messages::KnownText::help));
    failure
}

/// What a node says when it refuses a view: only the function, its arguments and the VM can be at fault.
pub fn classify_view(text: &str) -> Failure {
    let mut failure = classify(text);
    match failure.kind {
        FailureKind::Aborted if failure.help.as_deref() == Some("docs/fix.md#said-out_of_gas") => {
            failure.hint = Some("the node bounds the gas of views: ask another node".to_owned());
        }
        FailureKind::Aborted | FailureKind::NotWhitelisted | FailureKind::Unsupported => {}
        _ => {
            failure.kind = FailureKind::Undecodable;
            (failure.hint, failure.help) = (None, Some(UNRECOGNISED.to_owned()));
        }
    }
    failure
}

/// Whether a function was refused in words that nobody knows, so that another may still answer.
pub fn is_unrecognised(failure: &Failure) -> bool {
    failure.help.as_deref() == Some(UNRECOGNISED)
}

/// The failure of an abort. The chain's name wins over ours, and our remedy is only for what we mean by the code.
fn aborted(said: &SaidAbort) -> Failure {
    let module = said.location.as_deref().and_then(|place| place.rsplit("::").next()).unwrap_or("");
    let known = lookup(module, said.code).filter(|known| said.name.is_none_or(|name| name == known.name));
    let name = said.name.or_else(|| known.map(|known| known.name));
    let shown = name.map_or_else(|| format!("code {}", said.code), str::to_owned);
    let place = said.location.as_deref().map(|place| format!(" in {place}")).unwrap_or_default();
    let sentence = said.sentence.map(|sentence| format!(": {sentence}")).unwrap_or_default();
    let gone = (module, name) == ("deposit", Some("ECLIENT_NOT_EXIST"));
    let kind = if gone { FailureKind::NotWhitelisted } else { FailureKind::Aborted };
    let mut failure =
        Failure::new(kind, quote(&format!("the function aborted with {shown}{place}{sentence}")));
    failure.hint = known.map(|known| known.remedy.to_owned());
    failure.help = known.map(KnownAbort::help);
    failure.abort = Some(Abort {
        location: said.location.clone(),
        code: said.code.to_string(),
        name: name.map(str::to_owned),
    });
    failure
}

/// Names an abort as the module's bytecode does, unless the chain did so.
pub(crate) fn name_by_module(failure: &mut Failure, abi: &Value) {
    let Some(abort) = &failure.abort else { return };
    let Ok(code) = abort.code.parse() else { return };
    let module = abort.location.as_deref().and_then(|place| place.rsplit("::").next()).unwrap_or("");
    // A name that is not of our table is the chain's own.
    if abort.name.is_some() && abort.name.as_deref() != lookup(module, code).map(|known| known.name) {
        return;
    }
    let Some((name, sentence)) = abort_name(abi, code) else { return };
    let sentence = Some(sentence.trim()).filter(|text| !text.is_empty());
    *failure = aborted(&SaidAbort { location: abort.location.clone(), code, name: Some(name), sentence });
}

/// A Move abort as a text tells it.
struct SaidAbort<'a> {
    location: Option<String>,
    code: u64,
    /// The constant's name in the contract, where the node tells it.
    name: Option<&'a str>,
    /// Its documentation there.
    sentence: Option<&'a str>,
}

/// Finds a Move abort in prose: the node's new and old forms and a transaction's `vm_status`.
pub fn find_abort(text: &str) -> Option<Abort> {
    classify(text).abort
}

/// The `vm_status` in JSON or in a Rust dump, however far behind and however often escaped. The fields before it hold
/// text of contracts.
fn vm_status(text: &str) -> Option<&str> {
    let (_, rest) = text.rsplit_once("vm_status")?;
    let rest = rest.trim_start_matches(['"', '\\', ':', ' ']);
    let end = rest.find(['"', '\\', '\n']).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

fn said_abort(text: &str) -> Option<SaidAbort<'_>> {
    let text = vm_status(text).unwrap_or(text);
    if let Some(rest) = after(text, "Move abort") {
        return named_abort(rest, location(text));
    }
    let code = |word| number(after(text, word)?.trim_start_matches([':', ' ']).trim_start_matches("Some("));
    let aborted = || after(text, "ABORTED").and_then(|rest| after(rest, "code"));
    // Other failures of the VM have a sub status too.
    let code = if is_other_status(text) { None } else { code("sub status").or_else(|| code("sub_status")) };
    let code = code.or_else(|| number(aborted()?.trim_start_matches([':', ' '])))?;
    Some(SaidAbort { location: location(text), code, name: None, sentence: None })
}

/// Whether the status that the sub status belongs to is not `ABORTED`.
fn is_other_status(text: &str) -> bool {
    let beside = |text| {
        let (before, _) = str::split_once(text, "sub status")?;
        before.trim_end().trim_end_matches("with").trim_end().rsplit(|c| !is_word(c)).next()
    };
    let status = match after(text, "major_status: ") {
        Some(rest) => leading(rest, is_word),
        None => beside(text),
    };
    let is_status = |word: &&str| word.contains('_') || *word == "ABORTED";
    status.filter(is_status).is_some_and(|status| status != "ABORTED")
}

fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.split_once(word).map(|(_, rest)| rest)
}

/// A decimal or `0x` number at the beginning.
fn number(text: &str) -> Option<u64> {
    if let Some(hex) = text.strip_prefix("0x") {
        let end = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
        return u64::from_str_radix(&hex[..end], 16).ok();
    }
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// `in 0x…::main_v2: E_NAME(0x4): sentence`, or `in 0x…::main_v2: 0x4`.
fn named_abort(rest: &str, location: Option<String>) -> Option<SaidAbort<'_>> {
    let status = rest.split_once(": ").map_or(rest, |(_, status)| status).trim_start();
    if let Some(code) = number(status.trim_start_matches("code ")) {
        return Some(SaidAbort { location, code, name: None, sentence: None });
    }
    let (name, inside) = status.split_once('(')?;
    let code = number(inside.trim_start())?;
    let name = Some(name.trim()).filter(|name| leading(name, is_word) == Some(name));
    let sentence = inside.split_once("): ").and_then(|(_, text)| text.split(['"', '\n']).next());
    let sentence = sentence.map(str::trim).filter(|text| !text.is_empty());
    Some(SaidAbort { location, code, name, sentence })
}

/// `address::module`, from `Module 0x…::m`, `ModuleId { address: …, name: Identifier("m") }` or `in 0x…::m`.
fn location(text: &str) -> Option<String> {
    if let Some(rest) = after(text, "ModuleId { address: ") {
        let address = leading(rest.trim_start_matches("0x"), |c| c.is_ascii_hexdigit())?;
        let module = leading(after(rest, "Identifier(\"")?, is_word)?;
        return Some(format!("0x{address}::{module}"));
    }
    ["Module 0x", "abort in 0x", "location 0x"].iter().find_map(|word| {
        let rest = after(text, word)?;
        let address = leading(rest, |c| c.is_ascii_hexdigit())?;
        let module = leading(rest[address.len()..].strip_prefix("::")?, is_word)?;
        Some(format!("0x{address}::{module}"))
    })
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn leading(text: &str, keep: impl Fn(char) -> bool) -> Option<&str> {
    let end = text.find(|c| !keep(c)).unwrap_or(text.len());
    (1..=128).contains(&end).then(|| &text[..end])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;

    use super::*;

    /// `docs/fix.md` has a section for every abort and text that we know, with its remedy, and no other after "Move aborts".
    #[test]
    fn the_page_lists_every_error() {
        let page = include_str!("../../../docs/fix.md");
        let chapters = page.split("\n## Move aborts\n").nth(1).unwrap();
        let sections: Vec<&str> = chapters.split("\n### ").skip(1).collect();
        let titles: Vec<&str> = sections.iter().filter_map(|section| section.lines().next()).collect();
        let aborts = KNOWN.iter().map(|known| format!("{} {}", known.module, known.name));
        let said = messages::KNOWN.iter().map(|known| format!("said {}", known.text));
        let expected: Vec<String> = aborts.chain(said).collect();
        assert_eq!(titles, expected);
        let codes = KNOWN
            .iter()
            .map(|known| (Some(format!("Code {} ({:#x}).", known.code, known.code)), known.remedy));
        let messages = messages::KNOWN.iter().map(|known| (None, known.remedy));
        for (section, (code, remedy)) in sections.iter().zip(codes.chain(messages)) {
            let text = section.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains(&format!("Remedy: {remedy}.")), "{text}");
            assert!(code.is_none_or(|code| text.contains(&code)), "{text}");
        }
        for help in
            KNOWN.iter().map(KnownAbort::help).chain(messages::KNOWN.iter().map(messages::KnownText::help))
        {
            let wanted = help.trim_start_matches("docs/fix.md#");
            assert!(titles.iter().any(|title| anchor(title) == wanted), "{help}");
        }
    }
    #[test]
    fn codes_are_unique_within_a_module() {
        let keys: BTreeSet<_> = KNOWN.iter().map(|abort| (abort.module, abort.code)).collect();
        assert_eq!(keys.len(), KNOWN.len());
    }

    #[test]
    fn every_form_of_an_abort() {
        for (text, location, code) in [
            (
                "Failed to execute view function: ABORTED with sub status 393217 at location Module 0x186b::deposit and message 0x186b::deposit::f at offset 43",
                Some("0x186b::deposit"),
                "393217",
            ),
            (
                "VMError { major_status: ABORTED, sub_status: Some(131077), message: Some(\"x\"), location: Module(ModuleId { address: 186b, name: Identifier(\"supra_vrf\") }) }",
                Some("0x186b::supra_vrf"),
                "131077",
            ),
            (
                "Move abort in 0xbc95::main_v2: E_DRAW_NOT_SCHEDULED(0x4): too early",
                Some("0xbc95::main_v2"),
                "4",
            ),
            ("Move abort in 0xbc95::main_v2: 0x10", Some("0xbc95::main_v2"), "16"),
            ("… ABORTED … code 23", None, "23"),
            ("VMError { major_status: ABORTED, sub_status: Some(393217), … }", None, "393217"),
        ] {
            let abort = find_abort(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((abort.location.as_deref(), abort.code.as_str()), (location, code), "{text}");
        }
        for text in ["", "FUNCTION_RESOLUTION_FAILURE", "Executed successfully", "sub status x", "Move abort"]
        {
            assert_eq!(find_abort(text), None, "{text}");
        }
    }

    #[rstest]
    #[case::ours(
        "Move abort in 0x1::deposit: ECLIENT_NOT_EXIST(0x60001): Client Address does not exist",
        FailureKind::NotWhitelisted,
        "the function aborted with ECLIENT_NOT_EXIST in 0x1::deposit: Client Address does not exist",
        Some("whitelist the client address in the deposit module, or correct CLIENT_ADDR")
    )]
    #[case::unknown_to_us(
        "Move abort in 0x1::supra_vrf: EMODULE_DISABLED(0x5000C): Module is disabled",
        FailureKind::Aborted,
        "the function aborted with EMODULE_DISABLED in 0x1::supra_vrf: Module is disabled",
        None
    )]
    #[case::our_number_another_name(
        "Move abort in 0x1::deposit: ESOMETHING_ELSE(0x60001): Something else",
        FailureKind::Aborted,
        "the function aborted with ESOMETHING_ELSE in 0x1::deposit: Something else",
        None
    )]
    #[case::without_a_sentence(
        "Move abort in 0x1::main_v2: E_DRAW_NOT_SCHEDULED(0x4): ",
        FailureKind::Aborted,
        "the function aborted with E_DRAW_NOT_SCHEDULED in 0x1::main_v2",
        Some("wait until five tickets are sold")
    )]
    #[case::behind_a_dump_with_text_of_contracts(
        "Reason(Some(Move(Output { data: Object {\"x\": String(\"Move abort in 0x2::evil: EVIL(0x1): no\")}, vm_status: \"Move abort in 0x1::code: EMODULE_MISSING(0x4): Cannot delete it\" }))), Action(x)",
        FailureKind::Aborted,
        "the function aborted with EMODULE_MISSING in 0x1::code: Cannot delete it",
        None
    )]
    #[case::escaped(
        "{\"message\": \"… \\\"vm_status\\\": \\\"Move abort in 0x1::coin: EINSUFFICIENT_BALANCE(0x10006): Not enough coins\\\"\"}",
        FailureKind::Aborted,
        "the function aborted with EINSUFFICIENT_BALANCE in 0x1::coin: Not enough coins",
        Some("top up the signer's account")
    )]
    fn the_chains_own_name_counts(
        #[case] text: &str,
        #[case] kind: FailureKind,
        #[case] message: &str,
        #[case] hint: Option<&str>,
    ) {
        // However much is before it.
        for text in [text.to_owned(), format!("{}{text}", "gas_used: 6, events: [] ".repeat(10_000))] {
            let failure = classify(&text);
            assert_eq!(
                (failure.kind, failure.message.as_str(), failure.hint.as_deref()),
                (kind, message, hint)
            );
        }
    }

    #[test]
    fn a_sub_status_of_another_failure_is_no_abort_code() {
        for text in [
            "VMError { major_status: VECTOR_OPERATION_ERROR, sub_status: Some(1), location: Module(ModuleId { address: 1, name: Identifier(\"main_v2\") }) }",
            "Failed to execute view function: VECTOR_OPERATION_ERROR with sub status 1 at location Module 0x1::main_v2",
        ] {
            let failure = classify(text);
            assert_eq!((failure.kind, failure.abort), (FailureKind::Aborted, None), "{text}");
        }
    }

    #[test]
    fn a_view_beyond_the_nodes_gas_has_no_flag_of_ours() {
        let failure = classify_view("Failed to execute view function: OUT_OF_GAS");
        assert_eq!(failure.hint.as_deref(), Some("the node bounds the gas of views: ask another node"));
        assert_eq!(classify("OUT_OF_GAS").hint.as_deref(), Some("raise it with --max-gas"));
        // What cannot be wrong inside a node is not known.
        assert!(is_unrecognised(&classify_view("profile not found")));
    }

    #[test]
    fn names_need_the_module() {
        let at = |module: &str| {
            classify(&format!("sub status 327684 at location Module 0x1::{module} and")).message
        };
        assert_eq!(at("deposit"), "the function aborted with ENOT_ENOUGH_BALANCE in 0x1::deposit");
        assert_eq!(at("supra_vrf"), "the function aborted with EINVALID_CLIENT_CONTRACT in 0x1::supra_vrf");
        assert_eq!(at("other"), "the function aborted with code 327684 in 0x1::other");
    }

    #[test]
    fn kinds() {
        for (text, kind) in [
            ("ABORTED with sub status 393217 at location Module 0x1::deposit", FailureKind::NotWhitelisted),
            ("ABORTED with sub status 393217 at location Module 0x1::resource_account", FailureKind::Aborted),
            ("FUNCTION_RESOLUTION_FAILURE at …", FailureKind::Unsupported),
            ("Function checkClientFund not found in module", FailureKind::Unsupported),
            ("error: unexpected argument '--url' found", FailureKind::Config),
            ("something else", FailureKind::Undecodable),
        ] {
            assert_eq!(classify(text).kind, kind, "{text}");
        }
    }
}
