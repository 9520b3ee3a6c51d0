//! `dvrf-calc`: the minimum balance and the recommended deposit, from gas or fee limits.

mod text;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use dvrf_cli::exit::Exit;
use dvrf_cli::parse::{bad, number, parsed, positive};
use dvrf_cli::{CliError, Session};
use supra_core::amount::{Count, GasPrice, GasUnits, Quants};
use supra_core::failure::{Failure, FailureKind};
use supra_core::min_balance::{Calculation, FeeCalculation, MinBalanceError};

/// The minimum balance and the recommended deposit, from gas or fee limits
#[derive(Parser)]
#[command(name = "dvrf-calc", allow_negative_numbers = true)]
struct Args {
    /// Highest gas price of a request, in quants
    #[arg(long, value_name = "QUANTS", required_unless_present = "max_txn_fee")]
    max_gas_price: Option<String>,
    /// Highest gas of a request
    #[arg(long, value_name = "GAS", required_unless_present = "max_txn_fee")]
    max_gas_limit: Option<String>,
    /// Gas of the signature verification
    #[arg(long, value_name = "GAS", required_unless_present = "max_txn_fee")]
    verification_gas: Option<String>,
    /// Highest fee of one callback on Supra L1, in quants, instead of the gas values
    #[arg(long, value_name = "QUANTS", conflicts_with_all = ["max_gas_price", "max_gas_limit", "verification_gas"])]
    max_txn_fee: Option<String>,
    /// Requests the minimum covers on Supra L1
    #[arg(long, value_name = "REQUESTS", default_value = "30", requires = "max_txn_fee")]
    min_request_count: String,
    /// Share added to the minimum for the recommended deposit
    #[arg(long, value_name = "SHARE", default_value = "0.15")]
    margin: String,
    /// Requests the minimum covers
    #[arg(long, value_name = "REQUESTS", default_value = "30")]
    window: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn act(args: &Args, session: &mut Session) -> Result<Exit, CliError> {
    let margin = parsed("--margin", &args.margin)?;
    let refused = |error: MinBalanceError| Failure::new(FailureKind::Config, error.to_string());
    if let Some(fee) = &args.max_txn_fee {
        let fee = Quants(positive("--max-txn-fee", fee)?);
        let requests = Count(positive("--min-request-count", &args.min_request_count)?);
        let result = FeeCalculation::from_fee(fee, requests, margin).map_err(refused)?;
        session.out.with(|out| if args.json { text::json(&result, out) } else { text::fee(&result, out) })?;
        return Ok(Exit::Done);
    }
    // clap has seen to it that all three are there.
    let price = GasPrice(positive("--max-gas-price", args.max_gas_price.as_deref().unwrap_or_default())?);
    let limit = GasUnits(positive("--max-gas-limit", args.max_gas_limit.as_deref().unwrap_or_default())?);
    let verification =
        GasUnits(number("--verification-gas", args.verification_gas.as_deref().unwrap_or_default())?);
    let window = u32::try_from(positive("--window", &args.window)?)
        .map_err(|_| bad("--window", &args.window, "at most 4294967295 is needed"))?;
    let result = Calculation::from_gas(price, limit, verification, margin, window).map_err(refused)?;
    if result.exceeds_contract() {
        let aborts = "the minimum does not fit u64: the lottery contract aborts with E_MIN_BALANCE_OVERFLOW";
        session.say("warning", aborts);
    }
    session.out.with(|out| if args.json { text::json(&result, out) } else { text::gas(&result, out) })?;
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
