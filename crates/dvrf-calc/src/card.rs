//! The result as people read it on a terminal: the deposit first, then how it comes about.

use dvrf_cli::card::line;
use supra_core::amount::{Decimal, Quants};
use supra_core::check::Policy;
use supra_core::lang::Lang;
use supra_core::min_balance::{Calculation, FeeCalculation};

use crate::text::percent;

/// The card of the gas formula.
pub(crate) fn gas(c: &Calculation, lang: Lang, width: usize) -> String {
    let (price, limit, verification) =
        (c.max_gas_price.get(), c.max_gas_limit.get(), c.verification_gas_value.get());
    let formula = lang.pick(
        format!("gas price {price} × gas ({limit} + {verification} to verify)"),
        format!("цена газа {price} × газ ({limit} + {verification} на проверку)"),
    );
    let deposit = deposit(c.recommended_deposit, c.margin_ratio, lang);
    card(&deposit, c.min_balance, u128::from(c.request_window), c.per_request_fee, &formula, lang, width)
}

/// The card of the fee formula of Supra L1.
pub(crate) fn fee(c: &FeeCalculation, lang: Lang, width: usize) -> String {
    let formula = lang.pick("the highest fee of a callback", "наибольшая комиссия обратного вызова");
    let deposit = deposit(c.recommended_deposit, c.margin_ratio, lang);
    card(&deposit, c.min_balance, c.min_request_count.get(), c.max_txn_fee, &formula, lang, width)
}

fn deposit(recommended: Quants, margin: Decimal, lang: Lang) -> String {
    let amount = lang.pick(
        format!("{} SUPRA ({recommended} quants)", recommended.supra()),
        format!("{} SUPRA ({recommended} квантов)", recommended.supra()),
    );
    if margin.is_zero() {
        return lang.pick(format!("{amount}: the minimum"), format!("{amount}: минимум"));
    }
    let percent = percent(margin);
    let percent = percent.trim_end_matches(".0");
    lang.pick(format!("{amount}: the minimum and {percent} %"), format!("{amount}: минимум и {percent} %"))
}

fn card(
    deposit: &str,
    minimum: Quants,
    requests: u128,
    fee: Quants,
    formula: &str,
    lang: Lang,
    width: usize,
) -> String {
    let warn = Policy::default().warn;
    let low = warn.of(minimum.get()).ok().map(|low| {
        let (low, percent) = (Quants(low).supra(), warn.as_percent());
        lang.pick(
            format!("below {low} SUPRA: {percent} % of the minimum"),
            format!("предупреждение ниже {low} SUPRA: {percent} % минимума"),
        )
    });
    let (minimum, fee) = (minimum.supra(), fee.supra());
    let minimum = lang.pick(
        format!("{minimum} SUPRA: {requests} requests × {fee} SUPRA"),
        format!("{minimum} SUPRA: запросов {requests} × {fee} SUPRA"),
    );
    let fee = format!("{fee} SUPRA: {formula}");
    [
        (lang.pick("deposit", "депозит"), Some(deposit)),
        (lang.pick("minimum", "минимум"), Some(&minimum)),
        (lang.pick("request", "запрос"), Some(&fee)),
        (lang.pick("alerts", "порог"), low.as_deref()),
    ]
    .iter()
    .filter_map(|(label, text)| Some(line(label, (*text)?, width)))
    .collect()
}

#[cfg(test)]
mod tests {
    use supra_core::amount::{Count, GasPrice, GasUnits};

    use super::*;

    fn of_gas(margin: &str, lang: Lang) -> String {
        let margin = margin.parse().unwrap();
        let calculation =
            Calculation::from_gas(GasPrice(1000), GasUnits(500_000), GasUnits(25_000), margin, 30).unwrap();
        gas(&calculation, lang, 80)
    }

    #[test]
    fn the_deposit_stands_first() {
        assert_eq!(
            of_gas("0.15", Lang::En),
            "  deposit   181.125 SUPRA (18112500000 quants): the minimum and 15 %\n\
             \x20 minimum   157.5 SUPRA: 30 requests × 5.25 SUPRA\n\
             \x20 request   5.25 SUPRA: gas price 1000 × gas (500000 + 25000 to verify)\n\
             \x20 alerts    below 315 SUPRA: 200 % of the minimum\n"
        );
        assert_eq!(
            of_gas("0.125", Lang::Ru),
            "  депозит   177.1875 SUPRA (17718750000 квантов): минимум и 12.5 %\n\
             \x20 минимум   157.5 SUPRA: запросов 30 × 5.25 SUPRA\n\
             \x20 запрос    5.25 SUPRA: цена газа 1000 × газ (500000 + 25000 на проверку)\n\
             \x20 порог     предупреждение ниже 315 SUPRA: 200 % минимума\n"
        );
        let first = "  deposit   157.5 SUPRA (15750000000 quants): the minimum\n";
        assert!(of_gas("0", Lang::En).starts_with(first));
    }

    #[test]
    fn a_fee_limit_needs_no_gas() {
        let calculation =
            FeeCalculation::from_fee(Quants(1_000_000), Count(30), "0".parse().unwrap()).unwrap();
        assert_eq!(
            fee(&calculation, Lang::En, 80),
            "  deposit   0.3 SUPRA (30000000 quants): the minimum\n\
             \x20 minimum   0.3 SUPRA: 30 requests × 0.01 SUPRA\n\
             \x20 request   0.01 SUPRA: the highest fee of a callback\n\
             \x20 alerts    below 0.6 SUPRA: 200 % of the minimum\n"
        );
    }
}
