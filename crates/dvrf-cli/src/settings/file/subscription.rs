//! `[[subscription]]`: what is watched, and the settings that differ from those of the whole file.

use supra_core::address::Address;
use supra_core::error::Error;
use supra_core::failure::quote;
use supra_core::record::{Record, RecordError};
use toml::de::DeTable;

use super::keys::{self, ALERTS, FUND, SUBSCRIPTION, SUBSCRIPTION_KEYS, THRESHOLDS};
use super::source::{Source, items};
use super::{FileValue, Values, flags, insert, section};
use crate::parse::{bad, network, parsed};
use crate::settings::is_same_network;
use crate::settings::variables::{self, Variable};

/// A `[[subscription]]`.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// Its name, unique in the file.
    pub name: String,
    /// Its network and addresses, and the settings that differ from those of the whole file.
    pub values: Values,
}

impl Subscription {
    /// The target of the subscription. A profile in a flag is not overridden by its own.
    pub fn target(&self, has_profile_flag: bool) -> Result<Record, RecordError> {
        let mut record = Record::new();
        record.set("name", &self.name)?;
        for (_, key, variable) in SUBSCRIPTION_KEYS {
            let is_overridden = has_profile_flag && *variable == variables::PROFILE;
            if let Some(value) = self.values.get(variable.name).filter(|_| !is_overridden) {
                record.set(key, &value.text)?;
            }
        }
        Ok(record)
    }

    /// Its network, else that of the whole file.
    pub fn network(&self) -> Option<&str> {
        self.values.get(variables::NETWORK.name).map(|value| value.text.as_str())
    }

    /// Whether it has a setting of this table of its own.
    pub fn has_own(&self, table: &str) -> bool {
        keys::flags_of(table).iter().any(|flag| self.values.contains_key(flag))
    }

    /// Takes network and package of the whole file where it gives none of its own.
    pub(super) fn inherit(&mut self, top: &Values) {
        let network = top.get(variables::NETWORK.name);
        let is_same = match (self.network(), network) {
            (Some(own), Some(top)) => is_same_network(own, &top.text),
            (own, top) => own.is_none() || top.is_none(),
        };
        let deposit = top.get(variables::DEPOSIT_ADDR.name).filter(|_| is_same);
        for (variable, value) in [(&variables::NETWORK, network), (&variables::DEPOSIT_ADDR, deposit)] {
            if let Some(value) = value {
                self.values.entry(variable.name).or_insert_with(|| value.clone());
            }
        }
    }
}

pub(super) fn subscription(source: &Source, at: usize, table: &DeTable) -> Result<Subscription, Error> {
    let (mut name, mut values) = (None, Values::new());
    for item in items(table) {
        match item.name.as_str() {
            "name" => name = Some(source.value(&item, None)?).filter(|name| !name.text.is_empty()),
            table @ (THRESHOLDS | ALERTS) => flags(source, table, &item, &mut values)?,
            FUND => section(source, FUND, &item, &mut values)?,
            key => {
                let Some((_, _, variable)) = SUBSCRIPTION_KEYS.iter().find(|(known, ..)| *known == key)
                else {
                    return Err(source.unknown(&item, &keys::known(SUBSCRIPTION), None));
                };
                let value = source.value(&item, None)?;
                if !value.text.is_empty() {
                    check_target(variable, &value)?;
                }
                insert(source, &item, variable.name, value, &mut values)?;
            }
        }
    }
    let Some(FileValue { text: name, by }) = name else {
        return Err(source.error(at, "this subscription has no name", "add name = \"…\", such as \"main\""));
    };
    check_name(&by, &name)?;
    if ![variables::LOTTERY_ADDR, variables::CLIENT_ADDR].iter().any(|key| values.contains_key(key.name)) {
        let message = format!("the subscription {} has no address", quote(&name));
        return Err(source.error(
            at,
            message,
            "add lottery = \"0x…\", or client = \"0x…\" where there is no lottery",
        ));
    }
    Ok(Subscription { name, values })
}

/// Checks the name of a subscription; `by` is what the error names.
pub fn check_name(by: &str, name: &str) -> Result<(), Error> {
    if (1..=100).contains(&name.len()) && !name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Ok(());
    }
    Err(bad(by, name, "at most 100 characters without blanks are needed")
        .with_hint("use letters, digits, - and _"))
}

/// Checks the values that every tool needs, so that a mistake is found before anything runs.
fn check_target(variable: &Variable, value: &FileValue) -> Result<(), Error> {
    let FileValue { text, by } = value;
    if *variable == variables::NETWORK {
        network(by, text).map(drop).map_err(|error| error.with_hint("write network = \"testnet\""))
    } else if *variable == variables::PROFILE {
        Ok(())
    } else {
        let address = parsed::<Address>(by, text).map(drop);
        address.map_err(|error| error.with_hint("write the address as 0x and hex digits"))
    }
}
