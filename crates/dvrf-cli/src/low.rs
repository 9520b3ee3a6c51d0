//! `--fail-on-low`: the exit for a deposit at or below a minimum.

use supra_core::amount::Quants;
use supra_core::error::Error;
use supra_core::report::Report;

use crate::Session;
use crate::args::lang;
use crate::exit::Exit;

/// The exit for `--fail-on-low`; a low deposit is also logged. An unknown deposit is neither low nor healthy.
pub fn low_exit(report: &Report, is_low: Option<bool>, session: &Session) -> Result<Exit, Error> {
    match is_low {
        Some(false) => Ok(Exit::Done),
        Some(true) => {
            let shown =
                |quants: Option<Quants>| quants.map_or_else(|| "?".to_owned(), |quants| quants.to_string());
            let deposit = report.state.as_ref().map(|state| &state.deposit);
            let held = shown(deposit.and_then(|deposit| deposit.balance));
            let least = shown(deposit.and_then(|deposit| deposit.min_balance));
            let sentence = lang(&session.settings)?.pick("the deposit is low", "депозит мал");
            let name = report.id.label();
            session.log("error", &format!("{name}: {sentence}: {held} quants, minimum {least}"));
            Ok(Exit::No)
        }
        None => Ok(Exit::CannotAnswer),
    }
}
