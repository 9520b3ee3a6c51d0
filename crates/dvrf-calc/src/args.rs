//! The flags of `dvrf-calc`.

use clap::Parser;

/// The minimum balance and the recommended deposit, from gas or fee limits
#[derive(Parser)]
#[command(name = "dvrf-calc")]
pub(crate) struct Args {
    /// Highest gas price of a request, in quants
    #[arg(
        long,
        value_name = "QUANTS",
        required_unless_present = "max_txn_fee",
        allow_negative_numbers = true
    )]
    pub(crate) max_gas_price: Option<String>,
    /// Highest gas of a request
    #[arg(long, value_name = "GAS", required_unless_present = "max_txn_fee", allow_negative_numbers = true)]
    pub(crate) max_gas_limit: Option<String>,
    /// Gas of the signature verification
    #[arg(long, value_name = "GAS", required_unless_present = "max_txn_fee", allow_negative_numbers = true)]
    pub(crate) verification_gas: Option<String>,
    /// Highest fee of one callback on Supra L1, in quants, instead of the gas values
    #[arg(long, value_name = "QUANTS", conflicts_with_all = ["max_gas_price", "max_gas_limit", "verification_gas"])]
    pub(crate) max_txn_fee: Option<String>,
    /// Requests the minimum covers on Supra L1
    #[arg(long, value_name = "REQUESTS", default_value = "30", requires = "max_txn_fee")]
    pub(crate) min_request_count: String,
    /// Share added to the minimum for the recommended deposit
    #[arg(long, value_name = "SHARE", default_value = "0.15", allow_negative_numbers = true)]
    pub(crate) margin: String,
    /// Requests the minimum covers
    #[arg(long, value_name = "REQUESTS", default_value = "30", allow_negative_numbers = true)]
    pub(crate) window: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
