//! The minimum balance: the formula of the old scripts and the EVM contracts, and the one of dVRF on Supra L1.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::amount::{AmountError, Count, Decimal, GasPrice, GasUnits, Quants};

/// The minimum and the recommended deposit from gas limits, with the keys of the old calculator in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Calculation {
    /// Highest price per gas unit, in quants.
    pub max_gas_price: GasPrice,
    /// Highest gas of a request.
    pub max_gas_limit: GasUnits,
    /// Gas of the signature verification.
    pub verification_gas_value: GasUnits,
    /// `max_gas_price × (max_gas_limit + verification_gas_value)`, in quants.
    pub per_request_fee: Quants,
    /// `request_window × per_request_fee`, in quants.
    pub min_balance: Quants,
    /// `min_balance × (1 + margin_ratio)`, in quants, rounded down.
    pub recommended_deposit: Quants,
    /// The margin.
    pub margin_ratio: Decimal,
    /// Requests that the minimum covers.
    pub request_window: u32,
}

/// Why no minimum could be calculated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MinBalanceError {
    /// A zero would make every balance enough.
    #[error("{0} must be above 0")]
    Zero(&'static str),
    /// The product does not fit.
    #[error("the {0} does not fit 128 bits: lower the gas settings, the window or the margin")]
    TooLarge(&'static str, #[source] AmountError),
}

fn product(what: &'static str, a: u128, b: u128) -> Result<u128, MinBalanceError> {
    a.checked_mul(b).ok_or(MinBalanceError::TooLarge(what, AmountError::Overflow))
}

impl Calculation {
    /// The formula of the lottery and of the EVM contracts: `30 × price × (limit + verification)`.
    pub fn from_gas(
        price: GasPrice,
        limit: GasUnits,
        verification: GasUnits,
        margin: Decimal,
        window: u32,
    ) -> Result<Self, MinBalanceError> {
        for (name, value) in
            [("the gas price", price.get()), ("the gas limit", limit.get()), ("the window", window.into())]
        {
            if value == 0 {
                return Err(MinBalanceError::Zero(name));
            }
        }
        let gas = limit.get().checked_add(verification.get());
        let gas = gas.ok_or(MinBalanceError::TooLarge("gas sum", AmountError::Overflow))?;
        let fee = product("fee per request", price.get(), gas)?;
        let minimum = product("minimum balance", fee, window.into())?;
        let recommended = margin
            .added_to(minimum)
            .map_err(|error| MinBalanceError::TooLarge("recommended deposit", error))?;
        Ok(Self {
            max_gas_price: price,
            max_gas_limit: limit,
            verification_gas_value: verification,
            per_request_fee: Quants(fee),
            min_balance: Quants(minimum),
            recommended_deposit: Quants(recommended),
            margin_ratio: margin,
            request_window: window,
        })
    }

    /// Whether the lottery contract, which keeps the minimum in a u64, would abort on it (`E_MIN_BALANCE_OVERFLOW`).
    pub fn exceeds_contract(&self) -> bool {
        self.min_balance.get() > u64::MAX.into()
    }
}

/// The minimum on Supra L1 (docs, *gas configurations*): one fee limit times the requests it must cover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeeCalculation {
    /// The highest fee of one callback, in quants.
    pub max_txn_fee: Quants,
    /// Requests that the minimum covers; 30 on the public networks.
    pub min_request_count: Count,
    /// `max_txn_fee × min_request_count`, in quants.
    pub min_balance: Quants,
    /// `min_balance × (1 + margin_ratio)`, in quants, rounded down.
    pub recommended_deposit: Quants,
    /// The margin.
    pub margin_ratio: Decimal,
}

impl FeeCalculation {
    /// Multiplies, exactly.
    pub fn from_fee(fee: Quants, requests: Count, margin: Decimal) -> Result<Self, MinBalanceError> {
        for (name, value) in [("the fee", fee.get()), ("the request count", requests.get())] {
            if value == 0 {
                return Err(MinBalanceError::Zero(name));
            }
        }
        let minimum = product("minimum balance", fee.get(), requests.get())?;
        let recommended = margin
            .added_to(minimum)
            .map_err(|error| MinBalanceError::TooLarge("recommended deposit", error))?;
        Ok(Self {
            max_txn_fee: fee,
            min_request_count: requests,
            min_balance: Quants(minimum),
            recommended_deposit: Quants(recommended),
            margin_ratio: margin,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn margin(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn gas(
        price: u128,
        limit: u128,
        verification: u128,
        by: &str,
        window: u32,
    ) -> Result<Calculation, String> {
        Calculation::from_gas(GasPrice(price), GasUnits(limit), GasUnits(verification), margin(by), window)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_reference_values() {
        let calculation = gas(1000, 500_000, 25_000, "0.15", 30).unwrap();
        assert_eq!(
            serde_json::to_string(&calculation).unwrap(),
            "{\"max_gas_price\":\"1000\",\"max_gas_limit\":\"500000\",\"verification_gas_value\":\"25000\",\
             \"per_request_fee\":\"525000000\",\"min_balance\":\"15750000000\",\
             \"recommended_deposit\":\"18112500000\",\"margin_ratio\":0.15,\"request_window\":30}"
        );
        let back: Calculation = serde_json::from_str(&serde_json::to_string(&calculation).unwrap()).unwrap();
        assert_eq!(back, calculation);
        let fee = FeeCalculation::from_fee(Quants(1_000_000), Count(30), margin("0.15")).unwrap();
        assert_eq!((fee.min_balance.get(), fee.recommended_deposit.get()), (30_000_000, 34_500_000));
    }

    #[test]
    fn the_edges() {
        assert_eq!(gas(1, u128::MAX, 0, "0", 1).unwrap().min_balance.get(), u128::MAX);
        assert_eq!(
            gas(1, u128::MAX, 1, "0", 1).unwrap_err(),
            "the gas sum does not fit 128 bits: lower the gas settings, the window or the margin"
        );
        for (price, window, by, what) in [
            (2, 1, "0", "fee per request"),
            (1, 2, "0", "minimum balance"),
            (1, 1, "0.01", "recommended deposit"),
        ] {
            assert!(
                gas(price, u128::MAX, 0, by, window)
                    .unwrap_err()
                    .starts_with(&format!("the {what} does not fit"))
            );
        }
        assert_eq!(gas(0, 1, 1, "0", 1).unwrap_err(), "the gas price must be above 0");
        assert_eq!(gas(1, 1, 1, "0", 0).unwrap_err(), "the window must be above 0");
        assert!(!gas(1, u64::MAX.into(), 0, "0", 1).unwrap().exceeds_contract());
        assert!(gas(2, u64::MAX.into(), 0, "0", 1).unwrap().exceeds_contract());
    }

    proptest! {
        #[test]
        fn more_of_anything_never_needs_less(price in 1u64.., limit in 1u64.., window in 1u32..1000) {
            let one = gas(price.into(), limit.into(), 0, "0.15", window);
            let more = gas(u128::from(price) + 1, limit.into(), 0, "0.15", window);
            if let (Ok(one), Ok(more)) = (one, more) {
                prop_assert!(one.min_balance < more.min_balance);
                prop_assert!(one.recommended_deposit >= one.min_balance);
            }
        }
    }
}
