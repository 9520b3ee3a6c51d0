//! Compares what a run printed with the devnet's state. It uses none of the product's code, so that the two cannot be
//! wrong together. Every verdict must be right or unknown.

use serde_json::{Value, json};
use testkit::LOTTERY;

use crate::case::{Case, Pipeline};

/// What a run of the tools gave.
#[derive(Debug, Clone, Default)]
pub(crate) struct Run {
    /// The exit code of the last tool; `None` when a signal or the time limit ended it.
    pub(crate) code: Option<i32>,
    /// Its stdout.
    pub(crate) out: String,
    /// The stderr of all tools.
    pub(crate) err: String,
    /// Wall-clock milliseconds.
    pub(crate) took_ms: u64,
    /// The command lines of processes that outlived the run.
    pub(crate) left: Vec<String>,
}

/// A secret that the tools are given and must not print.
pub(crate) const SECRET: &str = "canary-7f3a91";

/// A tool's answer about one subscription. `ready` counts as `Ok`, a refused draw as `Alert`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// Nothing is wrong.
    Ok,
    /// A problem was found.
    Alert,
    /// Something could not be read.
    Unknown,
}

impl Verdict {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "ok" => Some(Self::Ok),
            "alert" => Some(Self::Alert),
            "unknown" => Some(Self::Unknown),
            _ => None,
        }
    }

    fn of_code(code: Option<i32>) -> Option<Self> {
        match code? {
            0 => Some(Self::Ok),
            1 => Some(Self::Alert),
            _ => Some(Self::Unknown),
        }
    }
}

/// The verdicts of a run, or everything that is wrong with it.
pub(crate) fn judge(case: &Case, truth: &Value, run: &Run) -> Result<Vec<Verdict>, Vec<String>> {
    let mut oracle = Oracle { case, truth, run, verdicts: Vec::new(), wrong: Vec::new() };
    oracle.process();
    match case.pipeline {
        Pipeline::Prom | Pipeline::FleetProm => oracle.metrics(),
        Pipeline::Text => oracle.text(),
        Pipeline::Ready | Pipeline::FleetReady => oracle.readiness(),
        Pipeline::Piped | Pipeline::Check | Pipeline::Fleet | Pipeline::FleetCheck => oracle.checks(),
    }
    if oracle.wrong.is_empty() { Ok(oracle.verdicts) } else { Err(oracle.wrong) }
}

/// The longest time a run may take: its own limits, and a margin for a loaded machine.
pub(crate) fn limit_ms(case: &Case) -> u64 {
    let rounds = u64::from((case.clients + 1).div_ceil(case.jobs.max(1)));
    // A fleet's read-ahead has a limit of 3 s; the CLI's children have a grace period.
    rounds * case.timeout_ms + 3_000 + 12_000
}

/// The addresses of a fleet: the lottery's own, even if the deposit module does not know it, then all others.
pub(crate) fn fleet(truth: &Value) -> Vec<&str> {
    let others = items(&truth["clients"]).iter().filter_map(|client| client["address"].as_str());
    std::iter::once(LOTTERY).chain(others.filter(|address| *address != LOTTERY)).collect()
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn quants(value: &Value) -> Option<u128> {
    value.as_str()?.parse().ok()
}

fn codes(record: &Value) -> String {
    let codes = items(&record["checks"]["findings"]).iter().filter_map(|finding| finding["code"].as_str());
    codes.collect::<Vec<_>>().join(" ")
}

struct Oracle<'a> {
    case: &'a Case,
    /// The devnet's state after the run.
    truth: &'a Value,
    run: &'a Run,
    verdicts: Vec<Verdict>,
    wrong: Vec<String>,
}

impl<'a> Oracle<'a> {
    /// What holds for every run: no panic, no secret, no missed deadline, no process left.
    fn process(&mut self) {
        let run = self.run;
        for (name, text) in [("stdout", &run.out), ("stderr", &run.err)] {
            for never in ["panicked", "RUST_BACKTRACE", "internal error", SECRET] {
                if text.contains(never) {
                    self.wrong.push(format!("{name} has {never:?}"));
                }
            }
        }
        if run.code.is_none() {
            self.wrong.push("the run was ended by a signal or by its time limit".to_owned());
        }
        let limit = limit_ms(self.case);
        if run.took_ms > limit {
            self.wrong.push(format!("it took {} ms, the limit is {limit} ms", run.took_ms));
        }
        self.wrong.extend(run.left.iter().map(|process| format!("left behind: {process}")));
    }

    fn client(&self, address: &Value) -> &'a Value {
        let mut clients = items(&self.truth["clients"]).iter();
        clients.find(|client| client["address"] == *address).unwrap_or(&Value::Null)
    }

    fn targets(&self) -> Vec<&'a str> {
        if self.case.pipeline.is_fleet() { fleet(self.truth) } else { vec![LOTTERY] }
    }

    /// The verdicts, besides unknown, that are right for the lottery's own subscription.
    fn right(&self, client: &Value) -> &'static [Verdict] {
        const ALERT: &[Verdict] = &[Verdict::Alert];
        const EITHER: &[Verdict] = &[Verdict::Ok, Verdict::Alert];
        if !client.is_object() {
            return ALERT;
        }
        // A fault that hides a function from the tools may hide the problem too.
        let hidden = self.case.all_faults().any(|fault| fault.ends_with("=missing"));
        match self.case.scenario.as_str() {
            "at-minimum" | "below-minimum" | "low" | "stuck" => ALERT,
            // Only dVRF 3 has a view of these.
            "paused" | "module-disabled" if hidden || !self.case.interface.contains("v3") => EITHER,
            "empty" | "no-aggregator" | "consumer-missing" | "gas-drift" if hidden => EITHER,
            "paused" | "module-disabled" | "empty" | "no-aggregator" | "consumer-missing" | "gas-drift" => {
                ALERT
            }
            _ => &[Verdict::Ok],
        }
    }

    /// The same for any client. A scenario concerns the lottery's own; the seed makes the others healthy or low.
    fn allowed(&self, client: &Value) -> &'static [Verdict] {
        if client["address"] == LOTTERY || !client.is_object() {
            return self.right(client);
        }
        let low = match (quants(&client["balance"]), quants(&client["min_balance"])) {
            // An alert begins below twice the minimum.
            (Some(balance), Some(minimum)) => balance < minimum.saturating_mul(2),
            _ => true,
        };
        match self.case.scenario.as_str() {
            _ if low || client["at_minimum"] == true => &[Verdict::Alert],
            // These concern the whole deposit module.
            "paused" | "module-disabled" => &[Verdict::Ok, Verdict::Alert],
            _ => &[Verdict::Ok],
        }
    }

    /// The records of stdout, which must be one for each target, in the order of the targets.
    fn records(&mut self) -> Vec<Value> {
        let mut records = Vec::new();
        for line in self.run.out.lines() {
            match serde_json::from_str::<Value>(line) {
                Ok(record) => records.push(record),
                Err(error) => self.wrong.push(format!("stdout is not JSON: {error}")),
            }
        }
        let mut targets = self.targets();
        if records.len() != targets.len() {
            self.wrong.push(format!("{} records for {} targets", records.len(), targets.len()));
            return records;
        }
        let mut answered: Vec<&str> =
            records.iter().filter_map(|record| record["client_addr"].as_str()).collect();
        if self.case.unordered {
            targets.sort_unstable();
            answered.sort_unstable();
        }
        if self.case.pipeline.is_fleet() && answered != targets {
            self.wrong.push(format!("the records are about {answered:?}, the targets are {targets:?}"));
        }
        records
    }

    /// Records with `checks`.
    fn checks(&mut self) {
        for (index, record) in self.records().iter().enumerate() {
            let client = self.client(&record["client_addr"]);
            let Some(verdict) = record["checks"]["status"].as_str().and_then(Verdict::parse) else {
                self.wrong.push(format!("record {index} has no verdict"));
                continue;
            };
            self.verdicts.push(verdict);
            if verdict != Verdict::Unknown && !self.allowed(client).contains(&verdict) {
                self.wrong
                    .push(format!("record {index} says {verdict:?}, which is wrong: {}", codes(record)));
            }
            if verdict == Verdict::Unknown && self.case.must_be_known() {
                self.wrong.push(format!("record {index} is unknown without a cause: {}", codes(record)));
            }
            self.values(client, record, index);
        }
        let code = match &self.verdicts {
            verdicts if verdicts.contains(&Verdict::Alert) => 1,
            verdicts if verdicts.contains(&Verdict::Unknown) => 2,
            _ => 0,
        };
        if let Some(found) = self.run.code.filter(|found| *found != code) {
            self.wrong.push(format!("the exit code is {found}, the records require {code}"));
        }
    }

    /// Every value in `state` is the truth, or `null` with a reason.
    fn values(&mut self, client: &Value, record: &Value, index: usize) {
        let state = &record["state"];
        if !state.is_object() {
            if !record["error"].is_object() {
                self.wrong.push(format!("record {index} has neither state nor error"));
            }
            return;
        }
        let lottery = &self.truth["lottery"];
        let known = client.is_object();
        let or = |value: &Value, none: Value| if value.is_null() { none } else { value.clone() };
        let zero = || json!("0");
        // The views of dVRF 2 and 3 return u64; the devnet answers its maximum for more.
        let balance = match quants(&client["balance"]) {
            Some(amount) if self.case.interface != "camel" => json!(amount.min(u64::MAX.into()).to_string()),
            _ => or(&client["balance"], zero()),
        };
        let mut expected = vec![
            ("/deposit/balance", balance),
            ("/deposit/client_whitelisted", json!(known)),
            ("/deposit/paused", self.truth["paused"].clone()),
            ("/lottery/ticket_count", json!(items(&lottery["tickets"]).len().to_string())),
            ("/lottery/draw_scheduled", or(&lottery["draw_scheduled"], json!(false))),
            ("/lottery/pending_request", json!(!items(&lottery["pending_request"]["vec"]).is_empty())),
            ("/lottery/jackpot_amount", or(&lottery["jackpot_amount"], zero())),
            ("/lottery/rng_request_count", or(&lottery["rng_request_count"], zero())),
            ("/lottery/rng_response_count", or(&lottery["rng_response_count"], zero())),
            ("/lottery/gas/max_gas_price", or(&lottery["max_gas_price"], zero())),
            ("/lottery/gas/verification_gas_value", or(&lottery["verification_gas_value"], zero())),
        ];
        if known {
            expected.extend([
                ("/deposit/min_balance", client["min_balance"].clone()),
                ("/deposit/at_or_below_minimum", client["at_minimum"].clone()),
                ("/deposit/grant_remaining", client["grant"].clone()),
            ]);
        }
        for (place, right) in expected {
            let found = state.pointer(place).unwrap_or(&Value::Null);
            if !found.is_null() && *found != right {
                self.wrong.push(format!("record {index}: state{place} is {found}, the truth is {right}"));
            }
        }
        for (place, view) in [
            ("/deposit/balance", "balance"),
            ("/deposit/min_balance", "min_balance"),
            ("/deposit/at_or_below_minimum", "min_balance_reached"),
        ] {
            let missing = state.pointer(place).is_none_or(Value::is_null);
            if missing && record["views"][view]["error"].is_null() {
                self.wrong
                    .push(format!("record {index}: state{place} is null without an error in views.{view}"));
            }
        }
    }

    /// Records with `readiness`.
    fn readiness(&mut self) {
        let records = self.records();
        let mut all_ready = true;
        for (index, record) in records.iter().enumerate() {
            let ready = record["readiness"]["ready"] == true;
            all_ready &= ready;
            let accepted = self.case.scenario == "ready" && record["client_addr"] == LOTTERY;
            if ready && !accepted {
                self.wrong.push(format!("record {index} calls a draw ready that the contract would refuse"));
            }
            if !ready && accepted && self.case.must_be_known() {
                self.wrong.push(format!("record {index} is not ready without a cause"));
            }
            self.values(self.client(&record["client_addr"]), record, index);
        }
        if all_ready != (self.run.code == Some(0)) {
            self.wrong.push(format!("the exit code is {:?} and ready is {all_ready}", self.run.code));
        }
        // Exit code 1 means that the chain gave a reason.
        if self.run.code == Some(1) && self.case.scenario == "ready" && records.len() == 1 {
            self.wrong.push("the exit code is 1 for a draw that is ready".to_owned());
        }
        self.verdicts.extend(Verdict::of_code(self.run.code));
    }

    /// The text for people begins with the verdict, which is the exit code's too.
    fn text(&mut self) {
        let glyph = self.run.out.split_whitespace().next().unwrap_or_default();
        let (word, verdict) = match glyph {
            "✔" => ("ok", Verdict::Ok),
            "▲" | "✖" => ("alert", Verdict::Alert),
            "?" => ("unknown", Verdict::Unknown),
            _ => {
                self.wrong.push(format!("the text begins with {glyph:?}, which is not a verdict"));
                return;
            }
        };
        if Verdict::of_code(self.run.code) != Some(verdict) {
            self.wrong.push(format!("the text says {word} and the exit code is {:?}", self.run.code));
        }
        let client = self.client(&json!(LOTTERY));
        if verdict != Verdict::Unknown && !self.right(client).contains(&verdict) {
            self.wrong.push(format!("the text says {word}, which is wrong"));
        }
        if verdict == Verdict::Unknown && self.case.must_be_known() {
            self.wrong.push("the text says unknown without a cause".to_owned());
        }
        self.verdicts.push(verdict);
    }

    fn metrics(&mut self) {
        for address in self.targets() {
            self.series(address);
        }
    }

    /// The series of one subscription.
    fn series(&mut self, address: &str) {
        // A single target has the name of its settings instead of its address.
        let label = if self.case.pipeline.is_fleet() { format!("/{address}\"") } else { String::new() };
        let lines = |name: &str| -> Vec<&str> {
            let lines = self.run.out.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
            lines.filter(|line| line.contains(&label)).collect()
        };
        let value = |name: &str| lines(name).first().and_then(|line| line.rsplit(' ').next());
        let states = lines("supra_dvrf_state");
        let is_set = |state: &&str| {
            let label = format!("state=\"{state}\"");
            states.iter().any(|line| line.contains(&label) && line.ends_with(" 1"))
        };
        let set: Vec<Verdict> =
            ["ok", "alert", "unknown"].into_iter().filter(is_set).filter_map(Verdict::parse).collect();
        let ([verdict], 3) = (&set[..], states.len()) else {
            self.wrong.push(format!("{address}: {} of {} state series are 1", set.len(), states.len()));
            return;
        };
        let client = self.client(&json!(address));
        let balance = value("supra_dvrf_deposit_balance_quants");
        let up = value("supra_dvrf_up") == Some("1");
        if *verdict != Verdict::Unknown && !self.allowed(client).contains(verdict) {
            self.wrong.push(format!("{address}: the metrics say {verdict:?}, which is wrong"));
        }
        if *verdict == Verdict::Unknown && self.case.must_be_known() {
            self.wrong.push(format!("{address}: the metrics say unknown without a cause"));
        }
        if let Some(found) = balance.and_then(|text| text.parse::<u128>().ok())
            && found != quants(&client["balance"]).unwrap_or(0)
            && self.case.scenario != "u128-max"
        {
            self.wrong.push(format!("{address}: the balance is {found}, the truth is {}", client["balance"]));
        }
        if up && balance.is_none() && client.is_object() {
            self.wrong.push(format!("{address}: up is 1 without a balance"));
        }
        self.verdicts.push(*verdict);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(scenario: &str) -> Case {
        let mut case = Case::of(1, 1);
        (case.scenario, case.interface) = (scenario.to_owned(), "v3".to_owned());
        (case.pipeline, case.faults, case.later) = (Pipeline::Piped, vec!["hang".to_owned()], None);
        case
    }

    fn truth() -> Value {
        json!({"clients": [{"address": LOTTERY, "balance": "5", "min_balance": "7", "grant": "0", "at_minimum": true}],
            "paused": false, "lottery": null})
    }

    fn run(balance: &Value, status: &str, code: i32) -> Run {
        let record = json!({"client_addr": LOTTERY, "checks": {"status": status, "findings": []},
            "state": {"deposit": {"balance": balance, "min_balance": "7", "at_or_below_minimum": true}},
            "views": {"balance": {"error": null}}});
        Run { code: Some(code), out: format!("{record}\n"), ..Run::default() }
    }

    fn complaint(run: &Run) -> String {
        judge(&case("at-minimum"), &truth(), run).err().unwrap_or_default().join("; ")
    }

    #[test]
    fn right_and_unknown_pass() {
        assert_eq!(
            judge(&case("at-minimum"), &truth(), &run(&json!("5"), "alert", 1)),
            Ok(vec![Verdict::Alert])
        );
        assert_eq!(
            judge(&case("at-minimum"), &truth(), &run(&json!("5"), "unknown", 2)),
            Ok(vec![Verdict::Unknown])
        );
    }

    #[test]
    fn a_fleet_keeps_its_order() {
        let mut fleet = case("healthy");
        (fleet.pipeline, fleet.unordered) = (Pipeline::FleetCheck, false);
        let client = |address: &str, balance: &str| json!({"address": address, "balance": balance, "min_balance": "7", "at_minimum": false});
        let truth = json!({"clients": [client(LOTTERY, "90"), client("0xa", "90"), client("0xb", "13")]});
        let line = |address: &str, status: &str| {
            let record = json!({"client_addr": address, "checks": {"status": status}, "error": {}});
            format!("{record}\n")
        };
        let run = |lines: [String; 3], code| Run { code: Some(code), out: lines.concat(), ..Run::default() };
        let good = [line(LOTTERY, "ok"), line("0xa", "ok"), line("0xb", "alert")];
        assert_eq!(judge(&fleet, &truth, &run(good, 1)), Ok(vec![Verdict::Ok, Verdict::Ok, Verdict::Alert]));
        let swapped = || [line(LOTTERY, "ok"), line("0xb", "alert"), line("0xa", "ok")];
        let wrong = judge(&fleet, &truth, &run(swapped(), 1)).unwrap_err();
        assert!(wrong[0].starts_with("the records are about"), "{wrong:?}");
        fleet.unordered = true;
        assert!(judge(&fleet, &truth, &run(swapped(), 1)).is_ok());
        let twice = [line(LOTTERY, "ok"), line("0xa", "ok"), line("0xa", "ok")];
        let wrong = judge(&fleet, &truth, &run(twice, 0)).unwrap_err();
        assert!(wrong[0].starts_with("the records are about"), "{wrong:?}");
        let low = [line(LOTTERY, "ok"), line("0xa", "ok"), line("0xb", "ok")];
        assert_eq!(
            judge(&fleet, &truth, &run(low, 0)),
            Err(vec!["record 2 says Ok, which is wrong: ".to_owned()])
        );
    }

    #[test]
    fn text_metrics_and_readiness_are_judged() {
        let mut case = case("at-minimum");
        let mut wrong = |pipeline, out: &str, code| {
            case.pipeline = pipeline;
            let run = Run { code: Some(code), out: out.to_owned(), ..Run::default() };
            judge(&case, &truth(), &run).err().unwrap_or_default().join("; ")
        };
        assert_eq!(wrong(Pipeline::Text, "✖ devnet\n", 1), "");
        assert_eq!(wrong(Pipeline::Text, "✔ devnet\n", 0), "the text says ok, which is wrong");
        assert!(
            wrong(Pipeline::Text, "? devnet\n", 1).starts_with("the text says unknown and the exit code")
        );
        assert_eq!(wrong(Pipeline::Text, "", 2), "the text begins with \"\", which is not a verdict");
        let states = |ok, alert| {
            format!(
                "supra_dvrf_state{{state=\"ok\"}} {ok}\nsupra_dvrf_state{{state=\"alert\"}} {alert}\n\
                supra_dvrf_state{{state=\"unknown\"}} 0\nsupra_dvrf_deposit_balance_quants 5\n"
            )
        };
        assert_eq!(wrong(Pipeline::Prom, &states(0, 1), 0), "");
        assert!(wrong(Pipeline::Prom, &states(1, 0), 0).contains("the metrics say Ok, which is wrong"));
        assert!(wrong(Pipeline::Prom, &states(1, 1), 0).contains("2 of 3 state series are 1"));
        assert!(wrong(Pipeline::Prom, &states(0, 1).replace(" 5", " 6"), 0).contains("the balance is 6"));
        let ready = json!({"client_addr": LOTTERY, "readiness": {"ready": true}, "error": {}}).to_string();
        assert_eq!(
            wrong(Pipeline::Ready, &ready, 0),
            "record 0 calls a draw ready that the contract would refuse"
        );
        assert!(wrong(Pipeline::Ready, &ready.replace("true", "false"), 0).contains("ready is false"));
    }

    #[test]
    fn every_kind_of_error_is_caught() {
        assert_eq!(complaint(&run(&json!("5"), "ok", 0)), "record 0 says Ok, which is wrong: ");
        assert_eq!(
            complaint(&run(&json!("6"), "alert", 1)),
            "record 0: state/deposit/balance is \"6\", the truth is \"5\""
        );
        assert_eq!(
            complaint(&run(&Value::Null, "alert", 1)),
            "record 0: state/deposit/balance is null without an error in views.balance"
        );
        assert_eq!(complaint(&run(&json!("5"), "alert", 0)), "the exit code is 0, the records require 1");
        let good = run(&json!("5"), "alert", 1);
        assert_eq!(
            complaint(&Run { out: String::new(), code: Some(0), ..good.clone() }),
            "0 records for 1 targets"
        );
        assert_eq!(
            complaint(&Run { err: format!("url {SECRET}"), ..good.clone() }),
            format!("stderr has {SECRET:?}")
        );
        assert_eq!(
            complaint(&Run { err: "thread 'main' panicked".into(), ..good.clone() }),
            "stderr has \"panicked\""
        );
        assert_eq!(complaint(&Run { left: vec!["supra".into()], ..good.clone() }), "left behind: supra");
        assert!(complaint(&Run { took_ms: 10_000_000, ..good.clone() }).starts_with("it took 10000000 ms"));
        assert_eq!(
            complaint(&Run { code: None, ..good }),
            "the run was ended by a signal or by its time limit"
        );
    }
}
