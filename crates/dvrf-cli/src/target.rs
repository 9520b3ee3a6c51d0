//! Resolves the target of a run from settings and from a record.

use std::io;

use supra_core::address::Address;
use supra_core::error::Error;
use supra_core::failure::{FailureKind, quote};
use supra_core::layout::{DEPOSIT_ONLY, MAIN};
use supra_core::network::Network;
use supra_core::record::Record;
use supra_core::target::{GivenAddresses, Target};
use supra_core::view::is_identifier;

use crate::input::{InputArgs, Source, is_silent};
use crate::layout;
use crate::parse::{self, bad, parsed};
use crate::settings::{Settings, variables};
use crate::{CliError, Session};

/// The chain id that the settings require: directly, by the network's name, or by the address of dVRF's package, which
/// other chains have too.
pub fn expected_chain_id(settings: &Settings, network: Option<Network>) -> Result<Option<u8>, Error> {
    let deposit = settings.text(&variables::DEPOSIT_ADDR).and_then(|text| text.parse().ok());
    chain_id_for(settings, network, deposit)
}

fn chain_id_for(
    settings: &Settings,
    network: Option<Network>,
    deposit: Option<Address>,
) -> Result<Option<u8>, Error> {
    let given = settings.bounded(&variables::CHAIN_ID, 255)?.map(|id| u8::try_from(id).unwrap_or(u8::MAX));
    if let (Some(network), Some(id)) = (network, given)
        && network.chain_id() != id
    {
        return Err(contradiction(settings, network, id));
    }
    let network = network.or_else(|| deposit.and_then(Network::of_deposit));
    Ok(given.or(network.map(Network::chain_id)))
}

/// The error for a network and a chain id that do not belong together: either could be the mistake.
fn contradiction(settings: &Settings, network: Network, id: u8) -> Error {
    let (by_network, by_id) = (settings.source(&variables::NETWORK), settings.source(&variables::CHAIN_ID));
    let known = Network::of_chain(id).map(|known| format!(" ({})", known.name())).unwrap_or_default();
    let message = format!(
        "{by_network} is {} (chain {}), but {by_id} is {id}{known}",
        network.name(),
        network.chain_id()
    );
    Error::new(FailureKind::Config, message)
        .with_hint("correct one of them, or leave the chain id out: the network names it")
}

/// The target that the settings describe; keys of a record override them.
pub fn resolve(settings: &Settings, record: Option<&Record>) -> Result<(Target, GivenAddresses), Error> {
    let own = |key: &str| text_of(record, key);
    if record.is_none_or(|record| !record.has("lottery_addr") && !record.has("client_addr")) {
        settings.refuse_ambiguous()?;
    }
    let own_network = other_network(settings, record)?;
    let network = own_network.map_or_else(|| crate::args::network(settings), |own| Ok(Some(own)))?;
    let text = |key: &str, variable| -> Result<Option<String>, Error> {
        Ok(own(key)?.or_else(|| settings.text(variable).map(str::to_owned)))
    };
    let lottery = text("lottery_addr", &variables::LOTTERY_ADDR)?;
    let of_other = own_network.and_then(|own| own.deposit_addr().map(str::to_owned));
    let deposit = own("deposit_addr")?
        .or(of_other)
        .or_else(|| settings.text(&variables::DEPOSIT_ADDR).map(str::to_owned))
        .or_else(|| network.and_then(|network| network.deposit_addr().map(str::to_owned)))
        .ok_or_else(|| {
            let hint =
                "DVRF_NETWORK=testnet (or mainnet) fills it in; try: DVRF_NETWORK=testnet LOTTERY_ADDR=0x…";
            Settings::missing(&variables::DEPOSIT_ADDR).with_hint(hint)
        })?;
    // A record that names a lottery refers to that lottery's own deposit, not to the client of the settings.
    let client = match own("client_addr")? {
        None if own("lottery_addr")?.is_some() => lottery.clone(),
        None => settings.text(&variables::CLIENT_ADDR).map(str::to_owned).or_else(|| lottery.clone()),
        given => given,
    };
    let client = client.ok_or_else(|| {
        let hint = "a subscription without a lottery is named by CLIENT_ADDR or --client-addr";
        Settings::missing(&variables::LOTTERY_ADDR).with_hint(hint)
    })?;
    // A mistake is named by what was typed: a flag, a variable, or the record's key.
    let address = |key: &'static str, variable, text: &str| -> Result<Address, Error> {
        let source = if own(key)?.is_some() { key } else { settings.source(variable) };
        parsed(source, text)
    };
    let deposit_address = address("deposit_addr", &variables::DEPOSIT_ADDR, &deposit)?;
    let contract =
        lottery.as_deref().map(|text| address("lottery_addr", &variables::LOTTERY_ADDR, text)).transpose()?;
    let layout = layout(settings, own("layout")?)?;
    let (is_main, is_bare) = (layout.is_none(), layout.as_deref() == Some(DEPOSIT_ONLY));
    let target = Target {
        profile: own("profile")?
            .map(profile)
            .transpose()?
            .or_else(|| settings.text(&variables::PROFILE).map(str::to_owned)),
        lottery: contract.filter(|_| is_main),
        consumer: contract.filter(|_| !is_main && !is_bare),
        layout,
        deposit: deposit_address,
        client: if own("client_addr")?.is_none() && settings.text(&variables::CLIENT_ADDR).is_none() {
            address("lottery_addr", &variables::LOTTERY_ADDR, &client)?
        } else {
            address("client_addr", &variables::CLIENT_ADDR, &client)?
        },
        lottery_module: identifier(settings, &variables::LOTTERY_MODULE)?,
        deposit_module: identifier(settings, &variables::DEPOSIT_MODULE)?,
        chain_id: match own_network {
            Some(own) => Some(own.chain_id()),
            None => chain_id_for(settings, network, Some(deposit_address))?,
        },
    };
    Ok((target, GivenAddresses { lottery, deposit: Some(deposit), client: Some(client) }))
}

/// Puts the one target that is piped in, if there is one, over the settings: a transaction is sent for it. `keys` are those
/// of which the record needs one. Returns the subscription's name: that of the record, else that of the settings file.
///
/// # Errors
/// When the input holds something other than one target, or stays silent: nothing must be sent for another target than the
/// one that is still to come. A record of another network is refused, because the transaction goes to the settings' node.
pub fn take(input: &InputArgs, keys: &[&str], session: &mut Session) -> Result<Option<String>, CliError> {
    let of_settings = session.settings.subscription().map(|subscription| subscription.name.clone());
    if !input.holds_records() {
        return Ok(of_settings);
    }
    let from = input.input.as_ref().filter(|path| path.as_os_str() != "-");
    let from = from.map_or_else(|| "stdin".to_owned(), |path| path.display().to_string());
    let failed = |message: String| {
        Error::new(FailureKind::Input, message).with_hint("use --live for the target of the settings")
    };
    if input.input.is_none() && is_silent(&io::stdin()) {
        return Err(failed("stdin is open, and no target comes".to_owned()).into());
    }
    let Source::Records(mut records) = input.open(session)? else { return Ok(of_settings) };
    let record = match records.next_record() {
        // Cron gives its jobs an empty pipe.
        Some(Err(CliError::Core(_))) | None if input.input.is_none() => return Ok(of_settings),
        Some(record) => record?,
        None => return Ok(of_settings),
    };
    if !records.may_wait() && records.next_record().is_some() {
        return Err(failed(format!("{from} holds several targets: start one run for each")).into());
    }
    if !keys.iter().any(|key| record.has(key)) {
        let keys = keys.join(" and no ");
        return Err(failed(format!("the record from {from} names no {keys}")).into());
    }
    let name = text_of(Some(&record), "name")?;
    if let Some(own) = subscription_of(&record, name.as_deref(), &session.settings)? {
        session.settings = own;
        return Ok(session.settings.subscription().map(|subscription| subscription.name.clone()));
    }
    apply(&record, &mut session.settings)?;
    Ok(name)
}

/// The settings of the subscription that a record is about, with its own limits: the one of its name, or the chosen one if
/// it is about the same target.
///
/// # Errors
/// When the settings file has a subscription of its name, and that is about another target.
fn subscription_of(
    record: &Record,
    name: Option<&str>,
    settings: &Settings,
) -> Result<Option<Settings>, Error> {
    let named = name.and_then(|name| settings.of_name(name));
    let Some(own) = named.clone().or_else(|| settings.subscription().map(|_| settings.clone())) else {
        return Ok(None);
    };
    let target = |record| resolve(&own, record).map(|(target, _)| target);
    match named {
        None => Ok(target(None).ok().filter(|mine| target(Some(record)).as_ref() == Ok(mine)).map(|_| own)),
        Some(_) if target(Some(record))? == target(None)? => Ok(Some(own)),
        Some(_) => {
            let (name, path) =
                (quote(name.unwrap_or_default()), own.file().path.as_deref().unwrap_or_default());
            let message =
                format!("the record {name} is about another target than the subscription {name} of {path}");
            let hint = "pipe records that were made with this settings file, or rename one of the two";
            Err(Error::new(FailureKind::Config, message).with_hint(hint))
        }
    }
}

/// Sets what the record names; the client of a named lottery is the lottery itself unless the record names another.
fn apply(record: &Record, settings: &mut Settings) -> Result<(), Error> {
    let (target, _) = resolve(settings, Some(record))?;
    if let Some(network) = other_network(settings, Some(record))? {
        match expected_chain_id(settings, crate::args::network(settings)?)? {
            Some(id) if id != network.chain_id() => {
                let known = Network::of_chain(id)
                    .map_or_else(|| format!("chain {id}"), |known| known.name().to_owned());
                let message = format!(
                    "the record is about {}, and the settings are about {known}: nothing is sent",
                    network.name()
                );
                let hint = format!("start this run with the settings for {0}: --network {0}", network.name());
                return Err(Error::new(FailureKind::Config, message).with_hint(hint));
            }
            _ => {
                settings.set_flag(&variables::NETWORK, Some(network.name()));
                settings.set_flag(&variables::DEPOSIT_ADDR, Some(&target.deposit.to_string()));
            }
        }
    }
    let client = text_of(Some(record), "client_addr")?;
    let lottery = text_of(Some(record), "lottery_addr")?;
    for (variable, value) in [
        (&variables::PROFILE, text_of(Some(record), "profile")?),
        (&variables::LAYOUT, text_of(Some(record), "layout")?),
        (&variables::DEPOSIT_ADDR, text_of(Some(record), "deposit_addr")?),
        (&variables::CLIENT_ADDR, client.or_else(|| lottery.clone())),
        (&variables::LOTTERY_ADDR, lottery),
    ] {
        settings.set_flag(variable, value.as_deref());
    }
    Ok(())
}

/// The layout of a target; `None` for the lottery `main_v2`. A record names one that this run knows, never a file.
fn layout(settings: &Settings, own: Option<String>) -> Result<Option<String>, Error> {
    let name = match own {
        Some(name) => {
            layout::check_name(&name, "layout", settings)?;
            Some(name)
        }
        None => layout::chosen(settings)?,
    };
    Ok(name.filter(|name| name != MAIN))
}

/// The text under a record's key; blank is none.
fn text_of(record: Option<&Record>, key: &str) -> Result<Option<String>, Error> {
    let Some(record) = record else { return Ok(None) };
    let value = record.get::<String>(key);
    let value =
        value.map_err(|_| Error::new(FailureKind::Input, format!("the record's `{key}` is not a string")))?;
    Ok(value.filter(|text| !text.trim().is_empty()))
}

/// The network that a record names, if it is another one than that of the settings.
pub fn other_network(settings: &Settings, record: Option<&Record>) -> Result<Option<Network>, Error> {
    let Some(name) = text_of(record, "network")? else { return Ok(None) };
    let network = parse::network("network", &name)?;
    Ok(Some(network).filter(|network| crate::args::network(settings).ok().flatten() != Some(*network)))
}

/// Validates a profile from a record: it becomes an argument of the Supra CLI and must not be taken for a flag.
fn profile(text: String) -> Result<String, Error> {
    if text.starts_with('-') || text.len() > 128 || text.chars().any(char::is_control) {
        return Err(bad("profile", &text, "a name of at most 128 characters without a leading - is needed"));
    }
    Ok(text)
}

fn identifier(settings: &Settings, variable: &'static variables::Variable) -> Result<String, Error> {
    match settings.text(variable) {
        Some(text) if is_identifier(text) => Ok(text.to_owned()),
        other => {
            Err(bad(settings.source(variable), other.unwrap_or_default(), "a Move identifier is needed"))
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn resolve(pairs: &[(&'static str, &str)], record: Option<&str>) -> Result<Target, String> {
        let settings = Settings::new(pairs.iter().map(|(name, text)| (*name, (*text).to_owned())).collect());
        let record = record.map(|text| serde_json::from_str::<Record>(text).unwrap());
        super::resolve(&settings, record.as_ref())
            .map(|(target, _)| target)
            .map_err(|failure| failure.message())
    }

    #[test]
    fn the_lottery_pays_unless_a_client_is_named() {
        let target = resolve(&[("LOTTERY_ADDR", "0x1"), ("DEPOSIT_ADDR", "0x2")], None).unwrap();
        assert_eq!((target.client.short(), target.deposit.short()), ("0x1".into(), "0x2".into()));
        let pairs = [("LOTTERY_ADDR", "0x1"), ("DEPOSIT_ADDR", "0x2"), ("CLIENT_ADDR", "0x3")];
        assert_eq!(resolve(&pairs, None).unwrap().client.short(), "0x3");
        let other = resolve(&pairs, Some(r#"{"lottery_addr":"0x9"}"#)).unwrap();
        assert_eq!((other.client.short(), other.lottery.unwrap().short()), ("0x9".into(), "0x9".into()));
    }

    #[test]
    fn a_network_fills_in() {
        let target = resolve(&[("DVRF_NETWORK", "mainnet"), ("CLIENT_ADDR", "0x3")], None).unwrap();
        assert_eq!((target.chain_id, target.lottery), (Some(8), None));
        assert_eq!(Some(target.deposit.to_string().as_str()), Network::Mainnet.deposit_addr());
        let pairs = [("DVRF_NETWORK", "mainnet"), ("CLIENT_ADDR", "0x3"), ("DVRF_CHAIN_ID", "50")];
        assert_eq!(
            resolve(&pairs, None),
            Err("DVRF_NETWORK is mainnet (chain 8), but DVRF_CHAIN_ID is 50 (devnet)".to_owned())
        );
        let pairs = [("DVRF_NETWORK", "mainnet"), ("CLIENT_ADDR", "0x3"), ("DVRF_CHAIN_ID", "8")];
        assert_eq!(resolve(&pairs, None).unwrap().chain_id, Some(8));
        // The address of dVRF's package names the network too; a record's own address goes before the settings'.
        let testnet = Network::Testnet.deposit_addr().unwrap();
        let pairs = [("LOTTERY_ADDR", "0x1"), ("DEPOSIT_ADDR", testnet)];
        assert_eq!(resolve(&pairs, None).unwrap().chain_id, Some(6));
        assert_eq!(resolve(&pairs, Some(r#"{"deposit_addr":"0x9"}"#)).unwrap().chain_id, None);
    }

    #[rstest]
    #[case::same_name(&[("DVRF_NETWORK", "testnet")], "testnet", Ok((6, true)))]
    #[case::same_chain(&[("DVRF_CHAIN_ID", "6"), ("DEPOSIT_ADDR", "0x2")], "testnet", Ok((6, true)))]
    #[case::not_said_before(&[("DEPOSIT_ADDR", "0x2")], "Mainnet", Ok((8, false)))]
    #[case::other_name(&[("DVRF_NETWORK", "testnet")], "mainnet", Err("testnet"))]
    #[case::other_chain(&[("DVRF_CHAIN_ID", "7"), ("DEPOSIT_ADDR", "0x2")], "mainnet", Err("chain 7"))]
    #[case::other_package(&[("DEPOSIT_ADDR", Network::Testnet.deposit_addr().unwrap())], "mainnet", Err("testnet"))]
    fn nothing_is_sent_for_a_record_of_another_network(
        #[case] pairs: &[(&'static str, &str)],
        #[case] network: &str,
        #[case] expected: Result<(u8, bool), &str>,
    ) {
        let pairs = pairs.iter().map(|(name, text)| (*name, (*text).to_owned()));
        let mut settings = Settings::new(pairs.chain([("CLIENT_ADDR", "0x7".to_owned())]).collect());
        let record = serde_json::json!({"network": network, "lottery_addr": "0x9"});
        let record: Record = serde_json::from_value(record).unwrap();
        let expected = expected.map_err(|known| {
            format!("the record is about mainnet, and the settings are about {known}: nothing is sent")
        });
        let taken = apply(&record, &mut settings).map_err(|error| error.message()).map(|()| {
            let (target, _) = super::resolve(&settings, None).unwrap();
            assert_eq!(
                (target.client.short(), target.lottery.unwrap().short()),
                ("0x9".into(), "0x9".into())
            );
            (target.chain_id.unwrap(), Network::of_deposit(target.deposit) == Some(Network::Testnet))
        });
        assert_eq!(taken, expected);
    }

    #[test]
    fn a_network_of_a_record_is_a_name() {
        let pairs = [("LOTTERY_ADDR", "0x1"), ("DEPOSIT_ADDR", "0x2")];
        let message = |record| resolve(&pairs, Some(record)).unwrap_err();
        assert_eq!(message(r#"{"network":8}"#), "the record's `network` is not a string");
        assert_eq!(
            message(r#"{"network":"0x2"}"#),
            "network is \"0x2\": one of testnet, mainnet, devnet is needed"
        );
        assert_eq!(resolve(&pairs, Some(r#"{"network":" "}"#)).unwrap().chain_id, None);
    }

    #[test]
    fn a_profile_is_no_flag() {
        let pairs = [("LOTTERY_ADDR", "0x1"), ("DEPOSIT_ADDR", "0x2")];
        for bad in ["--rpc-url=http://evil", "-h", "a\u{0}b"] {
            let message =
                resolve(&pairs, Some(&serde_json::json!({"profile": bad}).to_string())).unwrap_err();
            assert!(message.contains("without a leading - is needed"), "{message}");
        }
        assert_eq!(
            resolve(&pairs, Some(r#"{"profile":"my profile"}"#)).unwrap().profile.unwrap(),
            "my profile"
        );
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(resolve(&[], None), Err("DEPOSIT_ADDR or --deposit-addr is needed".into()));
        assert_eq!(
            resolve(&[("DEPOSIT_ADDR", "0x2")], None),
            Err("LOTTERY_ADDR or --lottery-addr is needed".into())
        );
        assert_eq!(
            resolve(&[("DEPOSIT_ADDR", "0x2"), ("LOTTERY_ADDR", "0x1; rm -rf")], None),
            Err("LOTTERY_ADDR is \"0x1; rm -rf\": an address is hex digits, this contains ';'".into())
        );
        assert_eq!(
            resolve(&[("DEPOSIT_ADDR", "0x2")], Some(r#"{"lottery_addr":7}"#)),
            Err("the record's `lottery_addr` is not a string".into())
        );
    }
}
