//! `dvrf-calc`: the minimum balance and the recommended deposit, from gas or fee limits.

mod args;

use std::process::ExitCode;

use args::Args;
use supra_core::amount::{Count, Decimal, GasPrice, GasUnits, Quants, parse_u128_typed};
use supra_core::cli::{CliError, Session, run};
use supra_core::exit::Exit;
use supra_core::failure::{Failure, FailureKind, quote};
use supra_core::min_balance::{Calculation, FeeCalculation, MinBalanceError};
use supra_core::render::calc;

fn bad(flag: &str, text: &str, why: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Config, format!("{flag} is {:?}: {why}", quote(text)))
}

fn number(flag: &str, text: Option<&String>) -> Result<u128, Failure> {
    let text = text.map(String::as_str).unwrap_or_default();
    parse_u128_typed(text).map_err(|error| bad(flag, text, error))
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    let margin: Decimal = args.margin.parse().map_err(|error| bad("--margin", &args.margin, error))?;
    let refused = |error: MinBalanceError| Failure::new(FailureKind::Config, error.to_string());
    if args.max_txn_fee.is_some() {
        let fee = Quants(number("--max-txn-fee", args.max_txn_fee.as_ref())?);
        let requests = Count(number("--min-request-count", Some(&args.min_request_count))?);
        let result = FeeCalculation::from_fee(fee, requests, margin).map_err(refused)?;
        return print(session, args.json, &result, |out| calc::fee(&result, out));
    }
    let price = GasPrice(number("--max-gas-price", args.max_gas_price.as_ref())?);
    let limit = GasUnits(number("--max-gas-limit", args.max_gas_limit.as_ref())?);
    let verification = GasUnits(number("--verification-gas", args.verification_gas.as_ref())?);
    let window = number("--window", Some(&args.window))?;
    let window =
        u32::try_from(window).map_err(|_| bad("--window", &args.window, "a smaller number is needed"))?;
    let result = Calculation::from_gas(price, limit, verification, margin, window).map_err(refused)?;
    if result.exceeds_contract() {
        session.say(
            "warning",
            "the minimum does not fit u64: the lottery contract would abort with E_MIN_BALANCE_OVERFLOW",
        );
    }
    print(session, args.json, &result, |out| calc::gas(&result, out))
}

fn print<T: serde::Serialize>(
    session: &mut Session,
    json: bool,
    result: &T,
    text: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
) -> Result<Exit, CliError> {
    session.out.with(|out| if json { calc::json(result, out) } else { text(out) })?;
    Ok(Exit::Done)
}

fn main() -> ExitCode {
    run(act)
}
