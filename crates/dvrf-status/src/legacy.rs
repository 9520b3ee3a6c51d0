//! The report of the old shell script: a line `[view] NAME` and the answer as JSON, for each of ten views.

use dvrf_cli::exit::Exit;
use dvrf_cli::settings::variables;
use dvrf_cli::stream::ReportItem;
use dvrf_cli::{CliError, Session, chain};
use serde::Serialize;
use serde_json::{Value, json};
use supra_core::failure::FailureKind;
use supra_core::record::Record;
use supra_core::report::Report;
use supra_core::state::Maybe;

/// Where the answer of a view is found.
enum Answer {
    /// In the record, under this key of this object, as the chain gave it.
    Record(&'static str, &'static str),
    ClientSnapshot,
    ConsumerSnapshot,
}

/// The views in the old order, and the keys of the values that come from them.
const VIEWS: [(&str, &str, Answer); 10] = [
    ("get_lottery_status", "lottery_status", Answer::Record("lottery", "status")),
    ("get_whitelist_status", "whitelist_status", Answer::Record("lottery", "whitelist_status")),
    ("get_vrf_request_config", "vrf_request_config", Answer::Record("lottery", "vrf_request_config")),
    ("get_client_whitelist_snapshot", "client_snapshot", Answer::ClientSnapshot),
    ("get_consumer_whitelist_snapshot", "consumer_snapshot", Answer::ConsumerSnapshot),
    ("checkMinBalanceClient", "min_balance", Answer::Record("deposit", "min_balance")),
    ("checkClientFund", "balance", Answer::Record("deposit", "balance")),
    ("isMinimumBalanceReached", "min_balance_reached", Answer::Record("deposit", "min_balance_reached")),
    (
        "listAllWhitelistedContractByClient",
        "whitelisted_contracts",
        Answer::Record("deposit", "whitelisted_contracts"),
    ),
    ("getContractDetails", "contract_details", Answer::Record("deposit", "contract_details")),
];

/// Prints the lines that the old report began with.
pub(crate) fn begin(session: &mut Session) -> Result<(), CliError> {
    let settings = &session.settings;
    let lines = [&variables::PROFILE, &variables::LOTTERY_ADDR, &variables::DEPOSIT_ADDR].map(|variable| {
        let value = settings.text(variable).unwrap_or("-");
        format!("[info] {}: {}\n", variable.name, dvrf_cli::text::plain(value))
    });
    session.out.text(&lines.concat())
}

/// Prints the views of a record. A view that failed shows its error in place of the answer, and the exit is 2.
pub(crate) fn print(item: &mut ReportItem, session: &mut Session) -> Result<Exit, CliError> {
    let report = match item.report() {
        // A record that holds only an error has been logged already.
        Ok(Report { state: None, .. }) => return Ok(Exit::CannotAnswer),
        Ok(report) => report,
        Err(error) => {
            session.log("error", &chain(&error));
            return Ok(Exit::CannotAnswer);
        }
    };
    let mut exit = Exit::Done;
    for (name, key, answer) in &VIEWS {
        let failure = report.views.get(*key).and_then(|view| view.error.as_ref());
        let shown = match failure {
            Some(failure) => {
                if failure.kind != FailureKind::Unsupported {
                    session.log("error", &format!("{name}: {}", failure.message));
                    exit = Exit::CannotAnswer;
                }
                json!({"error": {"kind": failure.kind.name(), "message": failure.message}})
            }
            None => json!({"result": result(answer, &item.record, &report)}),
        };
        let shown = serde_json::to_string_pretty(&shown).unwrap_or_default();
        session.out.text(&format!("\n[view] {name}\n{shown}\n"))?;
    }
    session.out.text("\n[info] report complete\n")?;
    Ok(exit)
}

/// The list of return values of a view.
fn result(answer: &Answer, record: &Record, report: &Report) -> Value {
    let lottery = report.state.as_ref().map(|state| &state.lottery);
    match answer {
        Answer::Record(part, key) => {
            let part = record.get::<Value>(part).ok().flatten().unwrap_or_default();
            match part.get(*key) {
                Some(list @ Value::Array(_)) => list.clone(),
                // The record holds a single value without its list.
                Some(value) => json!([value]),
                None => json!([null]),
            }
        }
        Answer::ClientSnapshot => option(lottery.and_then(|lottery| lottery.client_snapshot.as_ref())),
        Answer::ConsumerSnapshot => option(lottery.and_then(|lottery| lottery.consumer_snapshot.as_ref())),
    }
}

/// An `Option` as the chain writes it.
fn option<T: Serialize>(value: Option<&Maybe<T>>) -> Value {
    match value {
        Some(Maybe(Some(value))) => json!([{"vec": [value]}]),
        Some(Maybe(None)) => json!([{"vec": []}]),
        None => json!([null]),
    }
}
