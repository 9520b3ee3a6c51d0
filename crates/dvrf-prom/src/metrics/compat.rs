//! The metrics of the old script, with its names, labels and order. An unknown value is absent; the old script printed 0.

use jiff::Timestamp;

use super::catalogue as name;
use super::label::{Labels, put, value_text};
use super::observe::{Observation, ratio};
use super::{Family, Sample, Value};
use supra_core::amount::{Count, GasPrice, GasUnits};

/// Converts a record to samples under the old names. `exit` is the exit code that the old monitor would have returned.
pub(crate) fn samples(observation: &Observation, exit: u8, now: Timestamp) -> Vec<Sample> {
    let state = observation.state.filter(|_| observation.is_trusted());
    let deposit = state.map(|state| &state.deposit);
    let known = deposit.filter(|deposit| deposit.client_whitelisted != Some(false));
    let lottery = state.map(|state| &state.lottery);
    let calculation = observation.calculation;
    let balance = known.and_then(|deposit| deposit.balance);
    let config = lottery.and_then(|lottery| lottery.vrf_request_config.as_ref()?.0.as_ref());
    let ends = deposit.and_then(|deposit| deposit.subscription_ends_at_s).map(Count::get);
    let now_s = u128::try_from(now.as_second()).unwrap_or(0);
    let is_active =
        ends.map(|ends| ends > now_s).or_else(|| deposit.and_then(|deposit| deposit.subscription_active));
    let values: [(&'static Family, Option<Value>); 15] = [
        (&name::OLD_BALANCE, balance.map(Value::from)),
        (&name::OLD_MIN_BALANCE, calculation.map(|c| c.min_balance.into())),
        (&name::OLD_RECOMMENDED, calculation.map(|c| c.recommended_deposit.into())),
        (&name::OLD_PER_REQUEST, calculation.map(|c| c.per_request_fee.into())),
        (&name::OLD_WINDOW, calculation.map(|c| u128::from(c.request_window).into())),
        (&name::OLD_RATIO, ratio(balance, calculation.map(|c| c.min_balance))),
        (&name::OLD_REACHED, known.and_then(|d| d.at_or_below_minimum).map(Value::from)),
        (&name::OLD_GAS_PRICE, deposit.and_then(|d| d.max_gas_price).map(GasPrice::get).map(Value::from)),
        (&name::OLD_GAS_LIMIT, deposit.and_then(|d| d.max_gas_limit).map(GasUnits::get).map(Value::from)),
        (&name::OLD_SCHEDULED, lottery.and_then(|l| l.draw_scheduled).map(Value::from)),
        (&name::OLD_PENDING, lottery.and_then(|l| l.pending_request).map(Value::from)),
        (&name::OLD_TICKETS, lottery.and_then(|l| l.ticket_count).map(Count::get).map(Value::from)),
        (&name::OLD_WORDS, config.map(|config| u128::from(config.rng_count).into())),
        (&name::OLD_EXIT, Some(u128::from(exit).into())),
        (&name::OLD_ACTIVE, is_active.map(Value::from)),
    ];
    let labels = labels(observation);
    let sample =
        |(family, value): (_, Option<_>)| Some(Sample { family, labels: labels.clone(), value: value? });
    values.into_iter().filter_map(sample).collect()
}

/// The labels of every sample: profile and addresses as given. The client falls back to the lottery.
fn labels(observation: &Observation) -> Labels {
    let identity = observation.identity;
    let given = [
        ("profile", identity.profile.as_deref().or(Some("unknown"))),
        ("lottery_addr", identity.lottery.as_deref()),
        ("client_addr", identity.payer()),
        ("deposit_addr", identity.deposit.as_deref()),
    ];
    let mut labels = Labels::new();
    for (name, value) in given {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            put(&mut labels, name, value_text(value));
        }
    }
    labels
}
