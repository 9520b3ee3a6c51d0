//! Probes the settings of a report and the chain: the formula, the target, the node, and every value.

use dvrf_cli::connect::{TargetReader, calculation, open};
use dvrf_cli::http::proxies;
use dvrf_cli::settings::{Settings, variables};
use dvrf_cli::text::plain;
use dvrf_cli::{CliError, Session, target};
use supra_core::address::Address;
use supra_core::failure::{Failure, FailureKind};
use supra_core::record::Record;
use supra_core::state::Chain;
use supra_core::target::Target;
use supra_core::view::catalogue::{CATALOGUE, Place};
use supra_core::view_report::{ViewReport, Views};

use crate::probe::Probes;

/// A node this far behind does not follow the chain.
const LAG_SECONDS_MAX: i64 = 300;

pub(crate) fn probe(session: &Session, probes: &mut Probes) -> Result<(), CliError> {
    gas_settings(&session.settings, probes);
    let target = match target::resolve(&session.settings, None) {
        Ok((target, _)) => {
            let lottery = target
                .lottery
                .map_or_else(|| "no lottery".to_owned(), |address| format!("lottery {}", address.short()));
            let found = format!(
                "{lottery}, client {}, dVRF contract {}",
                target.client.short(),
                target.deposit.short()
            );
            probes.ok("target", found);
            if target.chain_id.is_none() {
                let fix = "set DVRF_NETWORK or DVRF_CHAIN_ID";
                probes.warning("chain id", "any chain is accepted", Some(fix));
            }
            target
        }
        Err(failure) => {
            probes.failed("target", &failure);
            return Ok(());
        }
    };
    let reader = match TargetReader::open(&session.settings) {
        Ok(reader) => reader,
        Err(failure) => {
            probes.failed("transport", &failure);
            return Ok(());
        }
    };
    let identity = reader.client.identity();
    let through = identity.split([' ', ',']).find_map(|place| proxied(&session.settings, place));
    probes.ok("transport", format!("{identity}{}", through.unwrap_or_default()));
    nodes(&session.settings, session.now.as_second(), probes);
    match reader.fill(&mut Record::new(), session.now)? {
        Ok(filled) => {
            let chain = filled.report.state.unwrap_or_default().chain;
            // One wrong setting fails all values; it is said once.
            match filled
                .report
                .views
                .values()
                .filter_map(|view| view.error.as_ref())
                .find(|failure| is_config(failure))
            {
                Some(failure) => probes.failed("chain", failure.clone()),
                None => node(&chain, session.now.as_second(), probes),
            }
            values(&filled.report.views, &target, probes);
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
            probes.warning("gas settings", "the gas settings are not set (optional)", Some(fix));
        }
        Err(failure) => probes.failed("gas settings", &failure),
    }
}

/// The proxy through which a node is called, in words.
fn proxied(settings: &Settings, url: &str) -> Option<String> {
    let proxy = proxies(settings).ok()?.endpoint_of(url)?;
    Some(format!(" through the proxy {proxy}"))
}

/// Probes each REST node: its version, its height and its clock. `now_s` is our clock in Unix time.
fn nodes(settings: &Settings, now_s: i64, probes: &mut Probes) {
    let urls = settings.text(&variables::RPC_URL).unwrap_or_default().split(',').map(str::trim);
    let urls: Vec<Option<&str>> = urls.map(|url| Some(url).filter(|url| !url.is_empty())).collect();
    for url in &urls {
        let mut own = settings.clone();
        own.set_flag(&variables::RPC_URL, *url);
        let Ok(client) = open(&own) else { continue };
        let Some(info) = client.node_info() else { continue };
        let place = client.identity().trim_start_matches("rpc ").to_owned();
        let place = format!("{place}{}", proxied(settings, &place).unwrap_or_default());
        let version = info.version.unwrap_or_else(|| "a version that it does not tell".to_owned());
        let Some(tip) = info.tip else {
            probes.warning("node", format!("{place}: {version}, no latest block"), None);
            continue;
        };
        let lag = now_s.saturating_sub(i64::try_from(tip.time_us / 1_000_000).unwrap_or(i64::MAX));
        let found = format!("{place}: {version}, block {}, {lag} s behind this machine's clock", tip.height);
        if urls.len() > 1 && lag > LAG_SECONDS_MAX {
            probes.warning("node", found, Some("it is behind and is asked last: replace it"));
        } else {
            probes.ok("node", found);
        }
    }
}

/// Probes whether the node answers and follows the chain. `now_s` is our clock in Unix time.
fn node(chain: &Chain, now_s: i64, probes: &mut Probes) {
    let silent_fix = "check the node's URL, or the CLI and its profile";
    match (chain.id, chain.time_us) {
        (Some(id), Some(time)) => {
            let time_s = i64::try_from(time.get() / 1_000_000).unwrap_or(i64::MAX);
            let lag = now_s.saturating_sub(time_s);
            let found = format!("chain id {id}, its clock is {lag} s behind this machine's");
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
fn values(views: &Views, target: &Target, probes: &mut Probes) {
    let lottery =
        target.lottery.and_then(|account| missing(views, Place::Lottery, account, &target.lottery_module));
    let deposit = missing(views, Place::Deposit, target.deposit, &target.deposit_module);
    for (place, module) in [(Place::Lottery, &lottery), (Place::Deposit, &deposit)] {
        if let Some(found) = module {
            let (setting, flag, address) = match place {
                Place::Lottery => ("DVRF_LOTTERY_MODULE", "--lottery-module", "LOTTERY_ADDR"),
                _ => ("DVRF_DEPOSIT_MODULE", "--deposit-module", "DEPOSIT_ADDR"),
            };
            let fix = format!("name another with {setting} or {flag}, or correct {address}");
            probes.wrong("module", found.clone(), fix);
        }
    }
    let is_said = |key: &str| match place_of(key) {
        Some(Place::Lottery) => lottery.is_some(),
        Some(Place::Deposit) => deposit.is_some(),
        _ => false,
    };
    for (key, view) in views.iter().filter(|(key, _)| !is_said(key)) {
        let name = format!("value {key}");
        match &view.error {
            None => {
                let function = view.function.as_deref().map(plain).unwrap_or_default();
                match &view.note {
                    Some(note) => probes.warning(&name, format!("{function}; {}", plain(note)), None),
                    None => probes.ok(&name, function),
                }
            }
            // Each version of dVRF lacks some of the values.
            Some(failure) if failure.kind == FailureKind::Unsupported => {
                probes.warning(&name, "this chain does not have it", None);
            }
            Some(failure) if is_config(failure) => {}
            Some(failure) => probes.failed(&name, failure.clone()),
        }
    }
}

fn is_config(failure: &Failure) -> bool {
    failure.kind == FailureKind::Config
}

fn place_of(key: &str) -> Option<Place> {
    CATALOGUE.iter().find(|entry| entry.key == key).map(|entry| entry.place)
}

/// Says that a module is missing: none of its values can be read, because the chain has no function for any.
fn missing(views: &Views, place: Place, account: Address, module: &str) -> Option<String> {
    let mut of_place = views.iter().filter(|(key, _)| place_of(key) == Some(place)).map(|(_, view)| view);
    let unsupported =
        |view: &ViewReport| view.error.as_ref().is_some_and(|error| error.kind == FailureKind::Unsupported);
    let mut keys = views.keys().filter(|key| place_of(key) == Some(place)).peekable();
    if keys.peek().is_none() || !of_place.clone().all(unsupported) {
        return None;
    }
    let linker = |view: &ViewReport| {
        view.error.as_ref().and_then(|error| error.help.as_deref()) == Some("docs/fix.md#said-linker_error")
    };
    let or = if of_place.any(linker) { "" } else { ", or has none of the functions that are known" };
    Some(format!("{}::{module} is not on this chain{or}", account.short()))
}
