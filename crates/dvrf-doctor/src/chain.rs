//! Probes the settings of a report and the chain: the formula, the target, the node, and every value.

use dvrf_cli::connect::{Reader, calculation};
use dvrf_cli::settings::Settings;
use dvrf_cli::text::plain;
use dvrf_cli::{CliError, Session, target};
use supra_core::failure::FailureKind;
use supra_core::record::Record;
use supra_core::state::Chain;
use supra_core::view_report::Views;

use crate::probe::Probes;

/// A node this far behind does not follow the chain.
const LAG_SECONDS_MAX: i64 = 300;

pub(crate) fn probe(session: &Session, probes: &mut Probes) -> Result<(), CliError> {
    gas_settings(&session.settings, probes);
    match target::resolve(&session.settings, None) {
        Ok((target, _)) => {
            let lottery = target
                .lottery
                .map_or_else(|| "no lottery".to_owned(), |address| format!("lottery {}", address.short()));
            let found =
                format!("{lottery}, client {}, dVRF {}", target.client.short(), target.deposit.short());
            probes.ok("target", found);
        }
        Err(failure) => {
            probes.failed("target", &failure);
            return Ok(());
        }
    }
    let reader = match Reader::open(&session.settings) {
        Ok(reader) => reader,
        Err(failure) => {
            probes.failed("transport", &failure);
            return Ok(());
        }
    };
    probes.ok("transport", reader.client.identity());
    match reader.fill(&mut Record::new(), session.now)? {
        Ok(filled) => {
            let chain = filled.report.state.unwrap_or_default().chain;
            node(&chain, session.now.as_second(), probes);
            values(&filled.report.views, probes);
        }
        Err(failure) => probes.failed("chain", &failure),
    }
    Ok(())
}

fn gas_settings(settings: &Settings, probes: &mut Probes) {
    match calculation(settings) {
        Ok(Some(result)) => {
            let found = format!("minimum by the formula: {} SUPRA", result.min_balance.supra());
            probes.ok("gas settings", found);
        }
        Ok(None) => {
            let fix = "set MAX_GAS_PRICE, MAX_GAS_LIMIT and VERIFICATION_GAS_VALUE to compare the chain with your own formula";
            probes.warning("gas settings", "none are set", Some(fix));
        }
        Err(failure) => probes.failed("gas settings", &failure),
    }
}

/// Probes whether the node answers and follows the chain. `now_s` is our clock in Unix time.
fn node(chain: &Chain, now_s: i64, probes: &mut Probes) {
    let silent_fix = "check the node's URL, or the CLI and its profile";
    match (chain.id, chain.time_us) {
        (Some(id), Some(time)) => {
            let time_s = i64::try_from(time.get() / 1_000_000).unwrap_or(i64::MAX);
            let lag = now_s.saturating_sub(time_s);
            let found = format!("chain id {id}, its clock is {lag} s behind ours");
            if lag > LAG_SECONDS_MAX {
                probes.wrong("chain", found, "the node does not follow the chain: use another");
            } else {
                probes.ok("chain", found);
            }
        }
        (Some(id), None) => {
            probes.wrong("chain", format!("chain id {id}, its clock is not known"), silent_fix);
        }
        (None, _) => probes.wrong("chain", "the node does not answer", silent_fix),
    }
}

/// Probes every value: which function gives it, or why it could not be read.
fn values(views: &Views, probes: &mut Probes) {
    for (key, view) in views {
        let name = format!("value {key}");
        match &view.error {
            None => probes.ok(&name, view.function.as_deref().map(plain).unwrap_or_default()),
            // Each version of dVRF lacks some of the values.
            Some(failure) if failure.kind == FailureKind::Unsupported => {
                probes.warning(&name, "this chain does not have it", None);
            }
            Some(failure) => probes.failed(&name, failure),
        }
    }
}
