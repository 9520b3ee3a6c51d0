//! Reads a report of the old script: its raw answers become the typed state, where they can be decoded.

use serde_json::Value;

use super::decode;
use crate::failure::{Failure, FailureKind};
use crate::record::{Record, RecordError};
use crate::state::State;
use crate::view::catalogue::{CATALOGUE, Wanted};
use crate::view_report::{ViewReport, Views};

/// Where the old report kept what it read.
const KEPT: [(&str, &str, Wanted); 10] = [
    ("lottery", "status", Wanted::LotteryStatus),
    ("lottery", "vrf_request_config", Wanted::VrfRequestConfig),
    ("lottery", "whitelist_status", Wanted::WhitelistStatus),
    ("deposit", "balance", Wanted::Balance),
    ("deposit", "min_balance", Wanted::MinBalance),
    ("deposit", "min_balance_reached", Wanted::MinBalanceReached),
    ("deposit", "subscription_info", Wanted::SubscriptionInfo),
    ("deposit", "whitelisted_contracts", Wanted::Contracts),
    ("deposit", "max_gas_price", Wanted::MaxGasPrice),
    ("deposit", "max_gas_limit", Wanted::MaxGasLimit),
];

/// Adds `state` and `views` to a report of the old script. A value that the report does not contain has no entry in
/// `views`.
pub fn upgrade(record: &mut Record) -> Result<(), RecordError> {
    let parts = [("lottery", record.get::<Value>("lottery")?), ("deposit", record.get::<Value>("deposit")?)];
    let (mut state, mut views) = (State::default(), Views::new());
    for (part, name, wanted) in KEPT {
        let whole = parts.iter().find(|(key, _)| *key == part).and_then(|(_, whole)| whole.as_ref());
        let Some(answer) = whole.and_then(|whole| whole.get(name)) else { continue };
        // dVRF 3 answered the question for whitelisted contracts with modules, which are structs.
        let wanted = match wanted {
            Wanted::Contracts if holds_structs(answer) => Wanted::Modules,
            other => other,
        };
        let Some(entry) = CATALOGUE.iter().find(|entry| entry.wanted == wanted) else { continue };
        let failed = |kind, message: String| Some(Failure::new(kind, message));
        let error = if answer.is_null() {
            failed(FailureKind::Unsupported, format!("the report's {part}.{name} is null"))
        } else {
            let decoded = decode::view(wanted, answer, &mut state);
            decoded.err().and_then(|error| failed(FailureKind::Undecodable, error.to_string()))
        };
        let report =
            ViewReport { function: Some(format!("report: {part}.{name}")), error, ..ViewReport::default() };
        views.insert(entry.key.to_owned(), report);
    }
    record.set("state", &state)?;
    record.set("views", &views)
}

fn holds_structs(answer: &Value) -> bool {
    answer.pointer("/0/0").or_else(|| answer.get(0)).is_some_and(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount::{Count, Quants};

    fn adopted(text: &str) -> (State, Views) {
        let mut record: Record = serde_json::from_str(text).unwrap();
        upgrade(&mut record).unwrap();
        (record.get("state").unwrap().unwrap(), record.get("views").unwrap().unwrap())
    }

    #[test]
    fn answers_of_both_shapes() {
        for status in [
            r#"{"ticket_count":"5","draw_scheduled":true,"pending_request":false,"jackpot_amount":"1","rng_request_count":"2","rng_response_count":"2"}"#,
            r#"[{"tickets":5,"draw_scheduled":"true","pending_request":{"vec":[]},"jackpot_amount":1,"rng_request_count":2,"rng_response_count":2}]"#,
        ] {
            let (state, views) = adopted(&format!(
                r#"{{"lottery":{{"status":{status},"whitelist_status":{{"aggregators":["0xa6"],"consumers":[]}}}},"deposit":{{"balance":"600","min_balance":["500"],"min_balance_reached":"false","max_gas_price":null}}}}"#
            ));
            assert_eq!(
                (state.lottery.ticket_count, state.lottery.draw_scheduled),
                (Some(Count(5)), Some(true)),
                "{status}"
            );
            assert_eq!(state.lottery.pending_request, Some(false), "{status}");
            assert_eq!(
                (state.deposit.balance, state.deposit.min_balance),
                (Some(Quants(600)), Some(Quants(500)))
            );
            assert_eq!(state.deposit.at_or_below_minimum, Some(false));
            assert_eq!(state.lottery.aggregator.unwrap().len(), 1);
            assert!(views["max_gas_price"].error.is_some() && views["balance"].error.is_none());
            assert!(!views.contains_key("vrf_gas_config"), "nobody asked");
        }
    }

    #[test]
    fn consumers_of_both_versions() {
        let module = r#"{"module_type_info":"0x1::m::T","max_callback_txn_fee":"1","min_balance_limit":"2","enabled":true}"#;
        for (answer, modules, contracts) in [
            (format!("[[{module}]]"), Some(1), None),
            (format!("[{module}]"), Some(1), None),
            (r#"[["0x7","0x8"]]"#.to_owned(), None, Some(2)),
            ("[[]]".to_owned(), None, Some(0)),
        ] {
            let (state, views) = adopted(&format!(r#"{{"deposit":{{"whitelisted_contracts":{answer}}}}}"#));
            let deposit = state.deposit;
            assert_eq!(deposit.modules.as_ref().map(Vec::len), modules, "{answer}");
            assert_eq!(deposit.contracts.as_ref().map(Vec::len), contracts, "{answer}");
            assert!(views.values().all(|view| view.error.is_none()), "{answer}: {views:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_missing_and_said() {
        let (state, views) =
            adopted(r#"{"deposit":{"balance":"lots","min_balance":null,"min_balance_reached":7}}"#);
        assert_eq!(state.deposit, crate::state::Deposit::default());
        let kind = |key: &str| views[key].error.as_ref().map(|failure| failure.kind);
        assert_eq!(kind("balance"), Some(FailureKind::Undecodable));
        assert_eq!(kind("min_balance"), Some(FailureKind::Unsupported));
        assert_eq!(kind("min_balance_reached"), Some(FailureKind::Undecodable));
    }
}
