//! Writes what was read into a record: first the keys of the old report, unchanged, then the new ones.

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::{Map, Value, json};

use super::Collected;
use crate::failure::{Failure, FailureKind};
use crate::record::{Record, RecordError, SCHEMA};
use crate::target::{GivenAddresses, Target};
use crate::view::catalogue::Wanted;

/// The values without which a report cannot be checked.
const NEEDED: [(&str, &str); 3] = [
    ("balance", "the balance"),
    ("min_balance", "the minimum balance"),
    ("lottery_status", "the lottery's status"),
];

impl Collected {
    /// Why the report is incomplete: the first required value that could not be read.
    pub fn failure(&self) -> Option<(&'static str, Failure)> {
        let deposit = &self.state.deposit;
        if let Some(report) = self.views.get("chain_id")
            && let Some(failure) =
                report.error.as_ref().filter(|failure| failure.kind == FailureKind::WrongChain)
        {
            return Some(("chain_id", failure.clone()));
        }
        NEEDED.into_iter().find_map(|(key, name)| {
            let report = self.views.get(key)?;
            let known = match key {
                // A client that the module does not know has no amounts; the report is complete without them.
                "balance" | "min_balance" if deposit.client_whitelisted == Some(false) => true,
                "balance" => deposit.balance.is_some(),
                "min_balance" => deposit.min_balance.is_some() || deposit.at_or_below_minimum.is_some(),
                _ => report.error.is_none(),
            };
            if known {
                return None;
            }
            let mut failure = report.error.clone()?;
            failure.message = format!("{name} could not be read: {}", failure.message);
            Some((key, failure))
        })
    }

    /// Writes the report into a record: a new one, or the one that named the target.
    pub fn write(
        &self,
        record: &mut Record,
        target: &Target,
        given: &GivenAddresses,
        calculation: &Value,
        now: Timestamp,
    ) -> Result<(), RecordError> {
        record.set("timestamp", &timestamp(now))?;
        record.set("profile", &target.profile)?;
        record.set("lottery_addr", &given.lottery)?;
        record.set("deposit_addr", &given.deposit)?;
        record.set("client_addr", &given.client)?;
        record.set("calculation", calculation)?;
        record.set("lottery", &self.lottery_keys())?;
        record.set("deposit", &self.deposit_keys())?;
        record.set("schema", SCHEMA)?;
        record.set("target", target)?;
        record.set("state", &self.state)?;
        record.set("views", &self.views)?;
        if let Some((view, failure)) = self.failure() {
            record.set("error", &error_object(&failure, Some(view)))?;
        }
        Ok(())
    }

    fn lottery_keys(&self) -> Value {
        json!({
            "status": self.raw(Wanted::LotteryStatus),
            "vrf_request_config": self.raw(Wanted::VrfRequestConfig),
            "whitelist_status": self.raw(Wanted::WhitelistStatus),
        })
    }

    fn deposit_keys(&self) -> Value {
        let mut keys = Map::new();
        for (key, wanted) in [
            ("balance", Wanted::Balance),
            ("min_balance", Wanted::MinBalance),
            ("min_balance_reached", Wanted::MinBalanceReached),
        ] {
            keys.insert(key.to_owned(), unwrapped(self.raw(wanted)));
        }
        for (key, wanted) in [
            ("contract_details", Wanted::ContractDetails),
            ("subscription_info", Wanted::SubscriptionInfo),
            ("whitelisted_contracts", Wanted::WhitelistedContracts),
        ] {
            keys.insert(key.to_owned(), self.raw(wanted).clone());
        }
        for (key, wanted) in [("max_gas_price", Wanted::MaxGasPrice), ("max_gas_limit", Wanted::MaxGasLimit)]
        {
            keys.insert(key.to_owned(), unwrapped(self.raw(wanted)));
        }
        Value::Object(keys)
    }

    fn raw(&self, wanted: Wanted) -> &Value {
        self.raw.get(&wanted).unwrap_or(&Value::Null)
    }
}

/// Replaces a list of one element by the element, as the old report did.
fn unwrapped(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.len() == 1 => items[0].clone(),
        other => other.clone(),
    }
}

/// `2025-10-05T15:00:00.123456+00:00`, as the old report wrote it.
pub fn timestamp(now: Timestamp) -> String {
    let date = Offset::UTC.to_datetime(now);
    match now.subsec_microsecond() {
        0 => format!("{date:.0}+00:00"),
        _ => format!("{date:.6}+00:00"),
    }
}

/// The record's `error` object.
pub fn error_object(failure: &Failure, view: Option<&str>) -> Value {
    let mut object = json!({"kind": failure.kind.name(), "message": failure.message});
    if let (Some(fields), Some(view)) = (object.as_object_mut(), view) {
        fields.insert("view".to_owned(), json!(view));
    }
    if let (Some(fields), Some(hint)) = (object.as_object_mut(), &failure.hint) {
        fields.insert("hint".to_owned(), json!(hint));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_as_python_wrote_them() {
        let at = |text: &str| timestamp(text.parse().unwrap());
        assert_eq!(at("2025-10-05T15:00:00Z"), "2025-10-05T15:00:00+00:00");
        assert_eq!(at("2025-10-05T15:00:00.000012Z"), "2025-10-05T15:00:00.000012+00:00");
        assert_eq!(at("2025-10-05T15:00:00.9999999Z"), "2025-10-05T15:00:00.999999+00:00");
    }

    #[test]
    fn one_element_lists_are_unwrapped_once() {
        assert_eq!(unwrapped(&json!(["5"])), json!("5"));
        assert_eq!(unwrapped(&json!([["5"]])), json!(["5"]));
        assert_eq!(unwrapped(&json!(["5", true])), json!(["5", true]));
    }
}
