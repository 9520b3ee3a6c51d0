//! The judge: what a run may say, given what the devnet knows. Right or unknown; never the opposite.

use serde_json::{Value, json};
use testkit::LOTTERY;

use crate::case::{Case, Pipeline};

/// What a run gave.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// The exit code of the last tool; none when a signal or the time limit ended it.
    pub(crate) code: Option<i32>,
    /// Its stdout.
    pub(crate) out: String,
    /// The stderr of all tools.
    pub(crate) err: String,
    /// Wall-clock milliseconds.
    pub(crate) took_ms: u64,
    /// Processes of the run that outlived it.
    pub(crate) left: Vec<String>,
}

/// A text that must not leave the process that was given it.
pub(crate) const CANARY: &str = "canary-7f3a91";

/// What a run of a case said, for the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Said {
    /// Right.
    Ok,
    /// Right.
    Alert,
    /// Unknown.
    Unknown,
}

impl Said {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "ok" => Some(Self::Ok),
            "alert" => Some(Self::Alert),
            "unknown" => Some(Self::Unknown),
            _ => None,
        }
    }
}

/// Everything that is wrong with what was seen; the verdicts when nothing is.
pub(crate) fn judge(case: &Case, truth: &Value, seen: &Seen) -> Result<Vec<Said>, Vec<String>> {
    let mut wrong = Vec::new();
    let mut said = Vec::new();
    manners(case, seen, &mut wrong);
    match case.pipeline {
        Pipeline::Prom => metrics(case, truth, seen, &mut said, &mut wrong),
        Pipeline::Ready => readiness(case, truth, seen, &mut said, &mut wrong),
        _ => verdicts(case, truth, seen, &mut said, &mut wrong),
    }
    if wrong.is_empty() { Ok(said) } else { Err(wrong) }
}

/// How long a run may take at most: its own limits, and what a loaded machine adds.
pub(crate) fn limit_ms(case: &Case) -> u64 {
    let rounds = u64::from((case.clients + 1).div_ceil(case.jobs.max(1)));
    // Reading ahead has three seconds of its own; the CLI's children have a grace to die in.
    rounds * case.timeout_ms + 3_000 + 12_000
}

fn manners(case: &Case, seen: &Seen, wrong: &mut Vec<String>) {
    for (name, text) in [("stdout", &seen.out), ("stderr", &seen.err)] {
        for never in ["panicked", "RUST_BACKTRACE", "internal error", CANARY] {
            if text.contains(never) {
                wrong.push(format!("{name} has {never:?}"));
            }
        }
    }
    if seen.code.is_none() {
        wrong.push("the run was ended by a signal or by its time limit".to_owned());
    }
    if seen.took_ms > limit_ms(case) {
        wrong.push(format!("it took {} ms, {} are allowed", seen.took_ms, limit_ms(case)));
    }
    wrong.extend(seen.left.iter().map(|process| format!("left behind: {process}")));
}

fn records(seen: &Seen, wrong: &mut Vec<String>) -> Vec<Value> {
    let parsed =
        seen.out.lines().map(|line| serde_json::from_str::<Value>(line).map_err(|error| error.to_string()));
    parsed
        .filter_map(|record| record.map_err(|error| wrong.push(format!("stdout is not JSON: {error}"))).ok())
        .collect()
}

/// What a verdict may be besides unknown.
fn right(case: &Case, client: &Value) -> &'static [Said] {
    if !client.is_object() {
        return &[Said::Alert];
    }
    let low = ["at-minimum", "below-minimum", "low"].contains(&case.scenario.as_str());
    // Only dVRF 3 has these views; elsewhere nobody can know. So it is where the chain denies to have one of them.
    let visible =
        case.interface.contains("v3") && !case.all_faults().any(|fault| fault.ends_with("=missing"));
    let lottery =
        ["empty", "no-aggregator", "consumer-missing", "gas-drift"].contains(&case.scenario.as_str());
    match case.scenario.as_str() {
        _ if low => &[Said::Alert],
        "paused" | "module-disabled" if visible => &[Said::Alert],
        "paused" | "module-disabled" => &[Said::Ok, Said::Alert],
        _ if lottery && case.all_faults().any(|fault| fault.ends_with("=missing")) => {
            &[Said::Ok, Said::Alert]
        }
        _ if lottery => &[Said::Alert],
        _ => &[Said::Ok],
    }
}

fn client_of<'a>(truth: &'a Value, address: &Value) -> &'a Value {
    let clients = truth["clients"].as_array().map(Vec::as_slice).unwrap_or_default();
    clients.iter().find(|client| client["address"] == *address).unwrap_or(&Value::Null)
}

fn verdicts(case: &Case, truth: &Value, seen: &Seen, said: &mut Vec<Said>, wrong: &mut Vec<String>) {
    let found = records(seen, wrong);
    let wanted = if case.pipeline == Pipeline::Fleet { fleet(truth).len() } else { 1 };
    if found.len() != wanted {
        wrong.push(format!("{} records for {wanted} targets", found.len()));
    }
    for (index, record) in found.iter().enumerate() {
        let client = client_of(truth, &record["client_addr"]);
        // Only the lottery's own is the one that the scenario is about; the others are healthy or low by seed.
        let own = record["client_addr"] == LOTTERY;
        let Some(verdict) = record["checks"]["status"].as_str().and_then(Said::parse) else {
            wrong.push(format!("record {index} has no verdict"));
            continue;
        };
        said.push(verdict);
        let allowed: &[Said] = match (own, client["at_minimum"].as_bool()) {
            (true, _) => right(case, client),
            (false, Some(true)) => &[Said::Alert],
            (false, _) => &[Said::Ok, Said::Alert],
        };
        if verdict != Said::Unknown && !allowed.contains(&verdict) {
            wrong.push(format!("record {index} says {verdict:?}, which is wrong: {}", codes(record)));
        }
        if verdict == Said::Unknown && must_be_known(case) {
            wrong.push(format!("record {index} is unknown although nothing went wrong: {}", codes(record)));
        }
        values(case, truth, client, record, index, wrong);
    }
    let worst = |verdict| said.contains(&verdict);
    let code = if worst(Said::Alert) { 1 } else { i32::from(worst(Said::Unknown)) * 2 };
    if seen.code.is_some_and(|found| found != code) {
        wrong.push(format!("the exit code is {:?}, {code} is what the records say", seen.code));
    }
}

/// Without any fault there is no excuse.
fn must_be_known(case: &Case) -> bool {
    case.faults.is_empty() && case.turn.is_none() && case.timeout_ms >= 10_000
}

/// The addresses of a fleet: the lottery's own, whether the deposit module knows it or not, then all others.
pub(crate) fn fleet(truth: &Value) -> Vec<&str> {
    let listed = truth["clients"].as_array().map(Vec::as_slice).unwrap_or_default();
    let others = listed.iter().filter_map(|client| client["address"].as_str()).filter(|own| *own != LOTTERY);
    std::iter::once(LOTTERY).chain(others).collect()
}

fn codes(record: &Value) -> String {
    let findings = record["checks"]["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    findings.iter().filter_map(|finding| finding["code"].as_str()).collect::<Vec<_>>().join(" ")
}

/// Every value is the truth or `null` with a reason.
fn values(case: &Case, truth: &Value, client: &Value, record: &Value, index: usize, wrong: &mut Vec<String>) {
    let state = &record["state"];
    if !state.is_object() {
        if !record["error"].is_object() {
            wrong.push(format!("record {index} has neither state nor error"));
        }
        return;
    }
    let lottery = &truth["lottery"];
    let known = client.is_object();
    // Views of u64 cannot show more; the devnet answers the most.
    let shown = |value: &Value| match value.as_str().and_then(|text| text.parse::<u128>().ok()) {
        Some(amount) if case.interface != "camel" => json!(amount.min(u64::MAX.into()).to_string()),
        _ => value.clone(),
    };
    let or = |value: Value, none: Value| if value.is_null() { none } else { value };
    let some = |option: &Value| option["vec"].as_array().map_or(json!([]), |items| json!(items));
    let count = |list: &Value| json!(list.as_array().map_or(0, Vec::len).to_string());
    let expected = [
        ("/deposit/balance", or(shown(&client["balance"]), json!("0"))),
        ("/deposit/client_whitelisted", json!(known)),
        ("/deposit/paused", truth["paused"].clone()),
        ("/lottery/ticket_count", count(&lottery["tickets"])),
        ("/lottery/draw_scheduled", or(lottery["draw_scheduled"].clone(), json!(false))),
        ("/lottery/pending_request", json!(some(&lottery["pending_request"]) != json!([]))),
        ("/lottery/jackpot_amount", or(lottery["jackpot_amount"].clone(), json!("0"))),
        ("/lottery/rng_request_count", or(lottery["rng_request_count"].clone(), json!("0"))),
        ("/lottery/rng_response_count", or(lottery["rng_response_count"].clone(), json!("0"))),
        ("/lottery/gas/max_gas_price", or(lottery["max_gas_price"].clone(), json!("0"))),
        ("/lottery/gas/verification_gas_value", or(lottery["verification_gas_value"].clone(), json!("0"))),
    ];
    let of_client = [
        ("/deposit/min_balance", client["min_balance"].clone()),
        ("/deposit/at_or_below_minimum", client["at_minimum"].clone()),
        ("/deposit/grant_remaining", client["grant"].clone()),
    ];
    let both = expected.into_iter().chain(if known { of_client.to_vec() } else { Vec::new() });
    for (place, right) in both {
        let found = state.pointer(place).unwrap_or(&Value::Null);
        if !found.is_null() && *found != right {
            wrong.push(format!("record {index}: state{place} is {found}, the truth is {right}"));
        }
    }
    for (place, view) in [
        ("/deposit/balance", "balance"),
        ("/deposit/min_balance", "min_balance"),
        ("/deposit/at_or_below_minimum", "min_balance_reached"),
    ] {
        let missing = state.pointer(place).is_none_or(Value::is_null);
        if missing && record["views"][view]["error"].is_null() {
            wrong.push(format!("record {index}: state{place} is null and views.{view} does not say why"));
        }
    }
}

fn readiness(case: &Case, truth: &Value, seen: &Seen, said: &mut Vec<Said>, wrong: &mut Vec<String>) {
    let found = records(seen, wrong);
    let [record] = &found[..] else {
        wrong.push(format!("{} records for one target", found.len()));
        return;
    };
    let ready = record["readiness"]["ready"].as_bool();
    if ready == Some(true) && case.scenario != "ready" {
        wrong.push("it calls a draw ready that the contract would refuse".to_owned());
    }
    if ready == Some(true) && seen.code != Some(0) || ready != Some(true) && seen.code == Some(0) {
        wrong.push(format!("the exit code is {:?} and ready is {ready:?}", seen.code));
    }
    if ready != Some(true) && case.scenario == "ready" && must_be_known(case) {
        wrong.push("the draw is ready and nothing went wrong".to_owned());
    }
    // A plain no needs a reason that the chain gave.
    if seen.code == Some(1) && case.scenario == "ready" {
        wrong.push("it says no to a draw that is ready".to_owned());
    }
    values(case, truth, client_of(truth, &record["client_addr"]), record, 0, wrong);
    said.push(match seen.code {
        Some(0) => Said::Ok,
        Some(1) => Said::Alert,
        _ => Said::Unknown,
    });
}

fn metrics(case: &Case, truth: &Value, seen: &Seen, said: &mut Vec<Said>, wrong: &mut Vec<String>) {
    let value = |name: &str| {
        let line = seen.out.lines().find(|line| line.split(['{', ' ']).next() == Some(name))?;
        line.rsplit(' ').next()
    };
    let held = |state: &str| {
        let label = format!("state=\"{state}\"");
        let mut lines = seen.out.lines().filter(|line| line.starts_with("supra_dvrf_state{"));
        lines.any(|line| line.contains(&label) && line.ends_with(" 1"))
    };
    let verdicts: Vec<Said> =
        ["ok", "alert", "unknown"].into_iter().filter(|s| held(s)).filter_map(Said::parse).collect();
    let [verdict] = verdicts[..] else {
        wrong.push(format!("{} verdicts hold at once", verdicts.len()));
        return;
    };
    let client = client_of(truth, &json!(LOTTERY));
    if verdict != Said::Unknown && !right(case, client).contains(&verdict) {
        wrong.push(format!("the metrics say {verdict:?}, which is wrong"));
    }
    let amount = |value: &Value| value.as_str().and_then(|text| text.parse::<u128>().ok()).unwrap_or(0);
    if let Some(found) = value("supra_dvrf_deposit_balance_quants")
        && found.parse::<u128>().ok().is_some_and(|found| found != amount(&client["balance"]))
        && case.scenario != "u128-max"
    {
        wrong.push(format!("the balance is {found}, the truth is {}", client["balance"]));
    }
    if value("supra_dvrf_up") == Some("1")
        && value("supra_dvrf_deposit_balance_quants").is_none()
        && client.is_object()
    {
        wrong.push("up is 1 without a balance".to_owned());
    }
    said.push(verdict);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(scenario: &str) -> Case {
        let mut case = Case::of(1, 1);
        (case.scenario, case.interface) = (scenario.to_owned(), "v3".to_owned());
        (case.pipeline, case.faults, case.turn) = (Pipeline::Piped, vec!["hang".to_owned()], None);
        case
    }

    fn truth() -> Value {
        json!({"clients": [{"address": LOTTERY, "balance": "5", "min_balance": "7", "grant": "0", "at_minimum": true}],
            "paused": false, "lottery": null})
    }

    fn seen(balance: &Value, status: &str, code: i32) -> Seen {
        let record = json!({"client_addr": LOTTERY, "checks": {"status": status, "findings": []},
            "state": {"deposit": {"balance": balance, "min_balance": "7", "at_or_below_minimum": true}},
            "views": {"balance": {"error": null}}});
        Seen { code: Some(code), out: format!("{record}\n"), ..Seen::default() }
    }

    fn complaint(seen: &Seen) -> String {
        judge(&case("at-minimum"), &truth(), seen).err().unwrap_or_default().join("; ")
    }

    #[test]
    fn right_and_unknown_pass() {
        assert_eq!(
            judge(&case("at-minimum"), &truth(), &seen(&json!("5"), "alert", 1)),
            Ok(vec![Said::Alert])
        );
        assert_eq!(
            judge(&case("at-minimum"), &truth(), &seen(&json!("5"), "unknown", 2)),
            Ok(vec![Said::Unknown])
        );
    }

    #[test]
    fn every_kind_of_lie_is_seen() {
        assert_eq!(complaint(&seen(&json!("5"), "ok", 0)), "record 0 says Ok, which is wrong: ");
        assert_eq!(
            complaint(&seen(&json!("6"), "alert", 1)),
            "record 0: state/deposit/balance is \"6\", the truth is \"5\""
        );
        assert_eq!(
            complaint(&seen(&Value::Null, "alert", 1)),
            "record 0: state/deposit/balance is null and views.balance does not say why"
        );
        assert_eq!(
            complaint(&seen(&json!("5"), "alert", 0)),
            "the exit code is Some(0), 1 is what the records say"
        );
        let good = seen(&json!("5"), "alert", 1);
        assert_eq!(
            complaint(&Seen { out: String::new(), code: Some(0), ..good.clone() }),
            "0 records for 1 targets"
        );
        assert_eq!(
            complaint(&Seen { err: format!("url {CANARY}"), ..good.clone() }),
            format!("stderr has {CANARY:?}")
        );
        assert_eq!(
            complaint(&Seen { err: "thread 'main' panicked".into(), ..good.clone() }),
            "stderr has \"panicked\""
        );
        assert_eq!(complaint(&Seen { left: vec!["supra".into()], ..good.clone() }), "left behind: supra");
        assert!(complaint(&Seen { took_ms: 10_000_000, ..good.clone() }).starts_with("it took 10000000 ms"));
        assert_eq!(
            complaint(&Seen { code: None, ..good }),
            "the run was ended by a signal or by its time limit"
        );
    }
}
