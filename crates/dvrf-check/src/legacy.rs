//! The document that the old check printed, for pipelines that read its keys.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use supra_core::check::{Checks, Status};
use supra_core::record::Record;
use supra_core::report::Report;

/// Builds the document. `status` may also be `unknown`, which the old check reported as ok. A key of the record that
/// cannot be read is null: it must not stop the run, and the verdict reports it.
pub(crate) fn document(record: &Record, report: &Report, checks: &Checks) -> Value {
    let text = |key: &str| record.get::<String>(key).ok().flatten();
    let deposit = report.state.as_ref().map(|state| &state.deposit);
    let balance = deposit.and_then(|deposit| deposit.balance);
    // The old script had every key, null where a value was not known.
    let onchain = json!({
        "checkClientFund": balance,
        "available_quants": balance,
        "min_balance_client": deposit.and_then(|deposit| deposit.min_balance),
        "isMinimumBalanceReached": deposit.and_then(|deposit| deposit.at_or_below_minimum),
    });
    let mut inner = Map::new();
    for (key, value) in [
        ("available_quants", checks.available_quants),
        ("min_balance_onchain", checks.min_balance_onchain),
        ("min_balance_expected", checks.min_balance_expected),
        ("recommended_deposit", checks.recommended_deposit),
    ] {
        inner.insert(key.to_owned(), json!(value));
    }
    inner.insert("violations".to_owned(), json!(checks.violations));
    if !checks.warnings.is_empty() {
        inner.insert("warnings".to_owned(), json!(checks.warnings));
    }
    json!({
        "profile": text("profile"),
        "lottery_addr": text("lottery_addr"),
        "client_addr": text("client_addr"),
        "deposit_module": text("deposit_addr"),
        "monitor_margin": report.calculation.as_ref().map(|calculation| calculation.margin_ratio),
        "request_window": report.calculation.as_ref().map(|calculation| calculation.request_window),
        "calc": report.calculation,
        "onchain": onchain,
        "checks": inner,
        "status": match checks.status {
            Status::Ok => "ok",
            Status::Alert => "alert",
            Status::Unknown => "unknown",
        },
    })
}

/// Writes it indented, as the old check did.
pub(crate) fn write(document: &Value, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    out.write_all(b"\n")
}
