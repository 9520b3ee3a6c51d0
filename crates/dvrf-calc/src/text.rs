//! The lines of the old calculator, for pipes, and its keys as JSON.

use std::io::{self, Write};

use dvrf_cli::text::grouped;
use supra_core::amount::{Decimal, QUANTS_PER_SUPRA, Quants};
use supra_core::min_balance::{Calculation, FeeCalculation};

/// Formats `N quants (~X SUPRA)`, cut after six decimals.
fn amount(quants: Quants) -> String {
    let (whole, rest) = (quants.get() / QUANTS_PER_SUPRA, quants.get() % QUANTS_PER_SUPRA);
    format!("{} quants (~{whole}.{:06} SUPRA)", grouped(quants.get()), rest / 100)
}

/// Formats a percentage such as `15.0`, cut after one decimal.
pub(crate) fn percent(margin: Decimal) -> String {
    let tenths = margin.of(1000).unwrap_or(u128::MAX);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn recommended(margin: Decimal, deposit: Quants, out: &mut dyn Write) -> io::Result<()> {
    if margin.is_zero() {
        return writeln!(out, "  Recommended deposit: equal to the minimum (no margin)");
    }
    writeln!(out, "  Recommended deposit (+{} %): {}", percent(margin), amount(deposit))
}

/// Writes the result of the gas formula.
pub(crate) fn gas(calculation: &Calculation, out: &mut dyn Write) -> io::Result<()> {
    let c = calculation;
    writeln!(out, "Gas settings:")?;
    writeln!(out, "  max_gas_price: {}", grouped(c.max_gas_price.get()))?;
    writeln!(out, "  max_gas_limit: {}", grouped(c.max_gas_limit.get()))?;
    writeln!(out, "  verification_gas_value: {}", grouped(c.verification_gas_value.get()))?;
    writeln!(out)?;
    writeln!(out, "Values for record_client_whitelist_snapshot:")?;
    let gas = c.max_gas_limit.get().saturating_add(c.verification_gas_value.get());
    let formula = format!("{} x {}", grouped(c.max_gas_price.get()), grouped(gas));
    writeln!(out, "  Fee per request ({formula}) = {}", amount(c.per_request_fee))?;
    writeln!(out, "  Minimum balance ({} requests) = {}", c.request_window, amount(c.min_balance))?;
    recommended(c.margin_ratio, c.recommended_deposit, out)
}

/// Writes the result of the fee formula of Supra L1.
pub(crate) fn fee(calculation: &FeeCalculation, out: &mut dyn Write) -> io::Result<()> {
    let c = calculation;
    writeln!(out, "Fee settings:")?;
    writeln!(out, "  max_txn_fee: {}", grouped(c.max_txn_fee.get()))?;
    writeln!(out, "  min_request_count: {}", grouped(c.min_request_count.get()))?;
    writeln!(out)?;
    writeln!(out, "Values for the deposit module:")?;
    writeln!(out, "  Minimum balance ({} requests) = {}", c.min_request_count, amount(c.min_balance))?;
    recommended(c.margin_ratio, c.recommended_deposit, out)
}

/// Writes either result as the old calculator's JSON: indented, in its key order.
pub(crate) fn json<T: serde::Serialize>(calculation: &T, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, calculation)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use supra_core::amount::{Count, GasPrice, GasUnits};

    #[test]
    fn the_gas_formula_prints_nine_lines() {
        let calculate = |margin: &str| {
            let margin = margin.parse().unwrap();
            Calculation::from_gas(GasPrice(1000), GasUnits(500_000), GasUnits(25_000), margin, 30).unwrap()
        };
        let text = |margin: &str| {
            let mut out = Vec::new();
            gas(&calculate(margin), &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            text("0.15"),
            "Gas settings:\n  max_gas_price: 1 000\n  max_gas_limit: 500 000\n  verification_gas_value: 25 000\n\n\
             Values for record_client_whitelist_snapshot:\n\
             \x20 Fee per request (1 000 x 525 000) = 525 000 000 quants (~5.250000 SUPRA)\n\
             \x20 Minimum balance (30 requests) = 15 750 000 000 quants (~157.500000 SUPRA)\n\
             \x20 Recommended deposit (+15.0 %): 18 112 500 000 quants (~181.125000 SUPRA)\n"
        );
        assert!(text("0").ends_with("  Recommended deposit: equal to the minimum (no margin)\n"));
        assert!(text("0.1239").contains("(+12.3 %)"));
    }

    #[test]
    fn the_fee_formula_prints_the_minimum() {
        let calculation =
            FeeCalculation::from_fee(Quants(1_000_000), Count(30), "0.15".parse().unwrap()).unwrap();
        let mut out = Vec::new();
        fee(&calculation, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("  Minimum balance (30 requests) = 30 000 000 quants (~0.300000 SUPRA)\n"),
            "{text}"
        );
    }
}
