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
        Pipeline::Prom | Pipeline::FleetProm => metrics(case, truth, seen, &mut said, &mut wrong),
        Pipeline::Text => text(case, truth, seen, &mut said, &mut wrong),
        Pipeline::Ready | Pipeline::FleetReady => readiness(case, truth, seen, &mut said, &mut wrong),
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

/// The same for any client: only the lottery's own is the one that the scenario is about, the others are healthy or
/// low by seed.
fn allowed(case: &Case, client: &Value) -> &'static [Said] {
    if client["address"] == LOTTERY || !client.is_object() {
        return right(case, client);
    }
    let low = match (quants(&client["balance"]), quants(&client["min_balance"])) {
        // An alert begins below twice the minimum.
        (Some(balance), Some(minimum)) => balance < minimum.saturating_mul(2),
        _ => true,
    };
    match case.scenario.as_str() {
        _ if low || client["at_minimum"] == true => &[Said::Alert],
        // These are of the whole deposit module.
        "paused" | "module-disabled" => &[Said::Ok, Said::Alert],
        _ => &[Said::Ok],
    }
}

fn quants(value: &Value) -> Option<u128> {
    value.as_str()?.parse().ok()
}

fn targets<'a>(case: &Case, truth: &'a Value) -> Vec<&'a str> {
    if case.pipeline.is_fleet() { fleet(truth) } else { vec![LOTTERY] }
}

/// The records of stdout, which must be one for each target and in the targets' order.
fn answered(case: &Case, truth: &Value, seen: &Seen, wrong: &mut Vec<String>) -> Vec<Value> {
    let found = records(seen, wrong);
    let mut wanted = targets(case, truth);
    let mut given: Vec<&str> = found.iter().filter_map(|record| record["client_addr"].as_str()).collect();
    if found.len() != wanted.len() {
        wrong.push(format!("{} records for {} targets", found.len(), wanted.len()));
        return found;
    }
    if case.unordered {
        wanted.sort_unstable();
        given.sort_unstable();
    }
    if case.pipeline.is_fleet() && given != wanted {
        wrong.push(format!("the records are of {given:?}, asked was about {wanted:?}"));
    }
    found
}

fn client_of<'a>(truth: &'a Value, address: &Value) -> &'a Value {
    let clients = truth["clients"].as_array().map(Vec::as_slice).unwrap_or_default();
    clients.iter().find(|client| client["address"] == *address).unwrap_or(&Value::Null)
}

fn verdicts(case: &Case, truth: &Value, seen: &Seen, said: &mut Vec<Said>, wrong: &mut Vec<String>) {
    let found = answered(case, truth, seen, wrong);
    for (index, record) in found.iter().enumerate() {
        let client = client_of(truth, &record["client_addr"]);
        let Some(verdict) = record["checks"]["status"].as_str().and_then(Said::parse) else {
            wrong.push(format!("record {index} has no verdict"));
            continue;
        };
        said.push(verdict);
        let allowed = allowed(case, client);
        if verdict != Said::Unknown && !allowed.contains(&verdict) {
            wrong.push(format!("record {index} says {verdict:?}, which is wrong: {}", codes(record)));
        }
        if verdict == Said::Unknown && case.must_be_known() {
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
    let found = answered(case, truth, seen, wrong);
    let mut all_ready = true;
    for (index, record) in found.iter().enumerate() {
        let ready = record["readiness"]["ready"].as_bool();
        all_ready &= ready == Some(true);
        let can = case.scenario == "ready" && record["client_addr"] == LOTTERY;
        if ready == Some(true) && !can {
            wrong.push(format!("record {index} calls a draw ready that the contract would refuse"));
        }
        if ready != Some(true) && can && case.must_be_known() {
            wrong.push(format!("record {index}: the draw is ready and nothing went wrong"));
        }
        values(case, truth, client_of(truth, &record["client_addr"]), record, index, wrong);
    }
    if all_ready != (seen.code == Some(0)) {
        wrong.push(format!("the exit code is {:?} and ready is {all_ready}", seen.code));
    }
    // A plain no needs a reason that the chain gave.
    if seen.code == Some(1) && case.scenario == "ready" && found.len() == 1 {
        wrong.push("it says no to a draw that is ready".to_owned());
    }
    said.extend(by_code(seen.code));
}

fn by_code(code: Option<i32>) -> Option<Said> {
    match code? {
        0 => Some(Said::Ok),
        1 => Some(Said::Alert),
        _ => Some(Said::Unknown),
    }
}

/// The verdict for people is the exit code's.
fn text(case: &Case, truth: &Value, seen: &Seen, said: &mut Vec<Said>, wrong: &mut Vec<String>) {
    let word = seen.out.split_whitespace().next().unwrap_or_default();
    let Some(verdict) = Said::parse(&word.to_lowercase()) else {
        wrong.push(format!("the text begins with {word:?}, which is no verdict"));
        return;
    };
    if by_code(seen.code) != Some(verdict) {
        wrong.push(format!("the text says {word} and the exit code is {:?}", seen.code));
    }
    let client = client_of(truth, &json!(LOTTERY));
    if verdict != Said::Unknown && !right(case, client).contains(&verdict) {
        wrong.push(format!("the text says {word}, which is wrong"));
    }
    if verdict == Said::Unknown && case.must_be_known() {
        wrong.push("the text says unknown although nothing went wrong".to_owned());
    }
    said.push(verdict);
}

fn metrics(case: &Case, truth: &Value, seen: &Seen, said: &mut Vec<Said>, wrong: &mut Vec<String>) {
    for address in targets(case, truth) {
        said.extend(series(case, truth, seen, address, wrong));
    }
}

/// The series of one subscription.
fn series(case: &Case, truth: &Value, seen: &Seen, address: &str, wrong: &mut Vec<String>) -> Option<Said> {
    // One target alone is named as its settings are.
    let of = if case.pipeline.is_fleet() { format!("/{address}\"") } else { String::new() };
    let own = |name: &str| {
        let lines = seen.out.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
        lines.filter(|line| line.contains(&of)).collect::<Vec<_>>()
    };
    let value = |name: &str| own(name).first().and_then(|line| line.rsplit(' ').next());
    let states = own("supra_dvrf_state");
    let holds = |state: &&str| {
        let label = format!("state=\"{state}\"");
        states.iter().any(|line| line.contains(&label) && line.ends_with(" 1"))
    };
    let verdicts: Vec<Said> =
        ["ok", "alert", "unknown"].into_iter().filter(holds).filter_map(Said::parse).collect();
    let ([verdict], 3) = (&verdicts[..], states.len()) else {
        wrong.push(format!("{address}: {} verdicts hold, of {} states", verdicts.len(), states.len()));
        return None;
    };
    let client = client_of(truth, &json!(address));
    if *verdict != Said::Unknown && !allowed(case, client).contains(verdict) {
        wrong.push(format!("{address}: the metrics say {verdict:?}, which is wrong"));
    }
    if *verdict == Said::Unknown && case.must_be_known() {
        wrong.push(format!("{address}: the metrics say unknown although nothing went wrong"));
    }
    let balance = value("supra_dvrf_deposit_balance_quants");
    if let Some(found) = balance.and_then(|text| text.parse::<u128>().ok())
        && found != quants(&client["balance"]).unwrap_or(0)
        && case.scenario != "u128-max"
    {
        wrong.push(format!("{address}: the balance is {found}, the truth is {}", client["balance"]));
    }
    if value("supra_dvrf_up") == Some("1") && balance.is_none() && client.is_object() {
        wrong.push(format!("{address}: up is 1 without a balance"));
    }
    Some(*verdict)
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
    fn a_fleet_has_its_order() {
        let mut fleet = case("healthy");
        (fleet.pipeline, fleet.unordered) = (Pipeline::FleetCheck, false);
        let client = |address: &str, balance: &str| json!({"address": address, "balance": balance, "min_balance": "7", "at_minimum": false});
        let truth = json!({"clients": [client(LOTTERY, "90"), client("0xa", "90"), client("0xb", "13")]});
        let line = |address: &str, status: &str| {
            let record = json!({"client_addr": address, "checks": {"status": status}, "error": {}});
            format!("{record}\n")
        };
        let seen =
            |lines: [String; 3], code| Seen { code: Some(code), out: lines.concat(), ..Seen::default() };
        let good = [line(LOTTERY, "ok"), line("0xa", "ok"), line("0xb", "alert")];
        assert_eq!(judge(&fleet, &truth, &seen(good, 1)), Ok(vec![Said::Ok, Said::Ok, Said::Alert]));
        let turned = || [line(LOTTERY, "ok"), line("0xb", "alert"), line("0xa", "ok")];
        let wrong = judge(&fleet, &truth, &seen(turned(), 1)).unwrap_err();
        assert!(wrong[0].starts_with("the records are of"), "{wrong:?}");
        fleet.unordered = true;
        assert!(judge(&fleet, &truth, &seen(turned(), 1)).is_ok());
        let twice = [line(LOTTERY, "ok"), line("0xa", "ok"), line("0xa", "ok")];
        let wrong = judge(&fleet, &truth, &seen(twice, 0)).unwrap_err();
        assert!(wrong[0].starts_with("the records are of"), "{wrong:?}");
        let low = [line(LOTTERY, "ok"), line("0xa", "ok"), line("0xb", "ok")];
        assert_eq!(
            judge(&fleet, &truth, &seen(low, 0)),
            Err(vec!["record 2 says Ok, which is wrong: ".to_owned()])
        );
    }

    #[test]
    fn text_metrics_and_readiness_are_judged() {
        let mut case = case("at-minimum");
        let mut wrong = |pipeline, out: &str, code| {
            case.pipeline = pipeline;
            let seen = Seen { code: Some(code), out: out.to_owned(), ..Seen::default() };
            judge(&case, &truth(), &seen).err().unwrap_or_default().join("; ")
        };
        assert_eq!(wrong(Pipeline::Text, "ALERT  devnet\n", 1), "");
        assert_eq!(wrong(Pipeline::Text, "OK  devnet\n", 0), "the text says OK, which is wrong");
        assert!(wrong(Pipeline::Text, "UNKNOWN\n", 1).starts_with("the text says UNKNOWN and the exit code"));
        assert_eq!(wrong(Pipeline::Text, "", 2), "the text begins with \"\", which is no verdict");
        let states = |ok, alert| {
            format!(
                "supra_dvrf_state{{state=\"ok\"}} {ok}\nsupra_dvrf_state{{state=\"alert\"}} {alert}\n\
                supra_dvrf_state{{state=\"unknown\"}} 0\nsupra_dvrf_deposit_balance_quants 5\n"
            )
        };
        assert_eq!(wrong(Pipeline::Prom, &states(0, 1), 0), "");
        assert!(wrong(Pipeline::Prom, &states(1, 0), 0).contains("the metrics say Ok, which is wrong"));
        assert!(wrong(Pipeline::Prom, &states(1, 1), 0).contains("2 verdicts hold, of 3 states"));
        assert!(wrong(Pipeline::Prom, &states(0, 1).replace(" 5", " 6"), 0).contains("the balance is 6"));
        let ready = json!({"client_addr": LOTTERY, "readiness": {"ready": true}, "error": {}}).to_string();
        assert_eq!(
            wrong(Pipeline::Ready, &ready, 0),
            "record 0 calls a draw ready that the contract would refuse"
        );
        assert!(wrong(Pipeline::Ready, &ready.replace("true", "false"), 0).contains("ready is false"));
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
