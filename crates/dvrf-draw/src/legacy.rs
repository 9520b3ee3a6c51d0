//! What the old programs for draws wrote besides: the callback senders as the chain has them, and their command lines.

use dvrf_cli::policy::PolicyArgs;
use dvrf_cli::settings::{Settings, variables};
use serde_json::Value;
use supra_core::address::Address;
use supra_core::draw::Commands;
use supra_core::readiness::Readiness;
use supra_core::record::Record;

use crate::args::DrawArgs;

/// Writes the callback senders as the chain did: it may leave leading zeros out.
pub(crate) fn keep_spelling(readiness: &mut Readiness, record: &Record) {
    let lottery = record.get::<Value>("lottery").ok().flatten().unwrap_or_default();
    let mut texts = Vec::new();
    collect_texts(&lottery["whitelist_status"], &mut texts);
    for known in readiness.aggregators.iter_mut().flatten() {
        let address = known.parse::<Address>().ok();
        let is_same = |text: &&str| address.is_some() && text.parse::<Address>().ok() == address;
        if let Some(written) = texts.iter().copied().find(is_same) {
            written.clone_into(known);
        }
    }
}

fn collect_texts<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Value::Object(fields) => fields.values().for_each(|item| collect_texts(item, texts)),
        _ => {}
    }
}

/// The command lines that do the two steps of `auto` by the old names, with every setting that is in force.
pub(crate) fn commands(args: &DrawArgs, policy: &PolicyArgs, settings: &Settings) -> Commands {
    let mut words = Vec::new();
    for variable in [
        &variables::PROFILE,
        &variables::LOTTERY_ADDR,
        &variables::DEPOSIT_ADDR,
        &variables::CLIENT_ADDR,
        &variables::CLI_BIN,
        &variables::SUPRA_CONFIG,
        &variables::MAX_GAS_PRICE,
        &variables::MAX_GAS_LIMIT,
        &variables::VERIFICATION_GAS,
        &variables::MARGIN,
        &variables::WINDOW,
    ] {
        if let (Some(flag), Some(value)) = (variable.flag, settings.text(variable)) {
            words.extend([flag.to_owned(), value.to_owned()]);
        }
    }
    words.extend(["--min-tickets".to_owned(), args.readiness.min_tickets.to_string()]);
    let waived = &args.readiness.waived;
    let switches = [
        ("--skip-draw-scheduled", args.readiness.skip_draw_scheduled),
        ("--allow-pending-request", waived.allow_pending_request),
        ("--skip-min-balance", waived.skip_min_balance),
        ("--require-aggregator", waived.require_aggregator),
    ];
    words.extend(switches.into_iter().filter(|(_, is_given)| *is_given).map(|(flag, _)| flag.to_owned()));
    for address in policy.expected_aggregators(settings) {
        words.extend(["--expect-aggregator".to_owned(), address.to_owned()]);
    }
    let line = |name: &str, last: Vec<&str>| -> Vec<String> {
        let first = ["dvrf", name].map(str::to_owned).into_iter();
        first.chain(words.iter().cloned()).chain(last.into_iter().map(str::to_owned)).collect()
    };
    let mut last = vec!["--json-result"];
    if args.confirm.assume_yes {
        last.push("--assume-yes");
    }
    if let Some(function) = settings.text(&variables::FUNCTION_ID) {
        last.extend(["--function-id", function]);
    }
    Commands {
        readiness: line("draw-readiness", vec!["--json-summary", "--include-report"]),
        manual_draw: Some(line("manual-draw", last)),
    }
}
