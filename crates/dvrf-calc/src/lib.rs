//! `dvrf-calc`: calculates the minimum balance and the recommended deposit from gas limits or a fee limit.

mod card;
mod text;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use dvrf_cli::args::lang;
use dvrf_cli::exit::Exit;
use dvrf_cli::parse::supra_hint;
use dvrf_cli::{CliError, Session};
use supra_core::amount::{AmountError, Count, Decimal, GasPrice, GasUnits, Quants, parse_u128_typed};
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::min_balance::{Calculation, FeeCalculation, MinBalanceError};

/// How much must be deposited? Calculates the minimum and the recommended deposit from gas or fee limits
#[derive(Parser)]
#[command(name = "dvrf-calc", allow_negative_numbers = true)]
struct Args {
    /// Highest gas price of a request, in quants
    #[arg(long, value_name = "QUANTS", required_unless_present = "max_txn_fee", value_parser = |text: &str| quants(text).map(GasPrice))]
    max_gas_price: Option<GasPrice>,
    /// Highest gas of a request
    #[arg(long, value_name = "GAS", required_unless_present = "max_txn_fee", value_parser = |text: &str| positive(text).map(GasUnits))]
    max_gas_limit: Option<GasUnits>,
    /// Gas of the signature verification
    #[arg(long, value_name = "GAS", required_unless_present = "max_txn_fee", value_parser = |text: &str| parse_u128_typed(text).map(GasUnits))]
    verification_gas: Option<GasUnits>,
    /// Highest fee of one callback on Supra L1, in quants, instead of the gas values
    #[arg(long, value_name = "QUANTS", conflicts_with_all = ["max_gas_price", "max_gas_limit", "verification_gas"], value_parser = |text: &str| quants(text).map(Quants))]
    max_txn_fee: Option<Quants>,
    /// Requests the minimum covers on Supra L1
    #[arg(long, value_name = "N", default_value = "30", requires = "max_txn_fee", value_parser = |text: &str| positive(text).map(Count))]
    min_request_count: Count,
    /// Share added to the minimum for the recommended deposit
    #[arg(long, value_name = "SHARE", default_value = "0.15")]
    margin: Decimal,
    /// Requests the minimum covers
    #[arg(long, value_name = "N", default_value = "30", value_parser = window)]
    window: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Why a flag's number cannot be used.
#[derive(Debug, thiserror::Error)]
enum NumberError {
    #[error(transparent)]
    Amount(#[from] AmountError),
    #[error("a number above 0 is needed")]
    Zero,
    #[error("at most {} is needed", u32::MAX)]
    TooLarge,
}

/// Parses a whole number above 0, with `_` as a thousands mark.
fn positive(text: &str) -> Result<u128, NumberError> {
    match parse_u128_typed(text)? {
        0 => Err(NumberError::Zero),
        number => Ok(number),
    }
}

/// Parses a number of quants above 0; an amount of SUPRA is refused with what it is in quants.
fn quants(text: &str) -> Result<u128, String> {
    positive(text).map_err(|error| match supra_hint(text) {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    })
}

fn window(text: &str) -> Result<u32, NumberError> {
    u32::try_from(positive(text)?).map_err(|_| NumberError::TooLarge)
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    let refused = |error: MinBalanceError| Error::new(FailureKind::Config, error.to_string());
    let lang = lang(&session.settings)?;
    let card_width = (session.is_terminal() && !args.json).then(|| session.columns());
    match (args.max_txn_fee, args.max_gas_price, args.max_gas_limit, args.verification_gas) {
        (Some(fee), ..) => {
            let result = FeeCalculation::from_fee(fee, args.min_request_count, args.margin);
            let result = result.map_err(refused)?;
            session.out.with(|out| match card_width {
                Some(width) => out.write_all(card::fee(&result, lang, width).as_bytes()),
                None if args.json => text::json(&result, out),
                None => text::fee(&result, out),
            })?;
        }
        (None, Some(price), Some(limit), Some(verification)) => {
            let result = Calculation::from_gas(price, limit, verification, args.margin, args.window);
            let result = result.map_err(refused)?;
            if result.exceeds_contract() {
                let sentence =
                    "the minimum does not fit u64: the lottery contract aborts with E_MIN_BALANCE_OVERFLOW";
                session.log("warning", sentence);
            }
            session.out.with(|out| match card_width {
                Some(width) => out.write_all(card::gas(&result, lang, width).as_bytes()),
                None if args.json => text::json(&result, out),
                None => text::gas(&result, out),
            })?;
        }
        // The command line has been checked for this already.
        (None, ..) => {
            let message =
                "--max-gas-price, --max-gas-limit and --verification-gas are needed, or --max-txn-fee";
            return Err(Error::new(FailureKind::Config, message).into());
        }
    }
    Ok(Exit::Done)
}

/// Runs the tool on the process's command line.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>())
}

/// Runs the tool on the words of a command line, of which the first is the program's name.
pub fn run(words: &[OsString]) -> ExitCode {
    dvrf_cli::run(words, act)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::thousands_mark("1_000", Ok(1000))]
    #[case::zero("0", Err("a number above 0 is needed"))]
    #[case::sign("-5", Err("a whole number of ASCII digits is needed, this contains '-'"))]
    #[case::largest("4294967295", Ok(u32::MAX))]
    #[case::too_large("4294967296", Err("at most 4294967295 is needed"))]
    fn windows(#[case] text: &str, #[case] expected: Result<u32, &str>) {
        assert_eq!(window(text).map_err(|error| error.to_string()), expected.map_err(str::to_owned));
    }
}
