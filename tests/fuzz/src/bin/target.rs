//! Targets of a fleet: an accepted line gives exactly the addresses in it, and a refused one is refused with the key.

#![no_main]

use dvrf_cli::settings::Settings;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use supra_core::address::Address;
use supra_core::check::module::ModuleName;
use supra_core::record::Record;
use supra_core::view::{FunctionId, is_identifier};

/// The keys of a record that say what is read.
const KEYS: [&str; 6] = ["lottery_addr", "deposit_addr", "client_addr", "profile", "network", "layout"];

/// An address: optional `0x`, 1 to 64 hex digits.
fn padded(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    let is_hex = !digits.is_empty() && digits.len() <= 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex.then(|| format!("0x{digits:0>64}"))
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(function) = text.parse::<FunctionId>() {
        assert!(is_identifier(&function.module) && is_identifier(&function.name));
        assert_eq!(function.to_string().parse::<FunctionId>(), Ok(function));
    }
    if let Ok(module) = text.parse::<ModuleName>() {
        assert_eq!(module.to_string().parse::<ModuleName>(), Ok(module));
    }
    if let Ok(address) = text.parse::<Address>() {
        assert_eq!(Some(address.to_string()), padded(text));
        assert_eq!(address.short().parse::<Address>(), Ok(address));
    }

    let Ok(record) = serde_json::from_str::<Record>(text) else { return };
    let Ok(tree) = serde_json::from_str::<Value>(text) else { return };
    let own = |key: &str| tree.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let garbled =
        KEYS.iter().any(|key| tree.get(*key).is_some_and(|value| !value.is_string() && !value.is_null()));
    let pairs = [
        ("DEPOSIT_ADDR", "0x2".to_owned()),
        ("CLIENT_ADDR", "0x3".to_owned()),
        ("LOTTERY_ADDR", "0x4".to_owned()),
        ("PROFILE", "p".to_owned()),
    ];
    match dvrf_cli::target::resolve(&Settings::new(pairs.into()), Some(&record)) {
        Ok((target, given)) => {
            assert!(!garbled, "{text:?}");
            let lottery = own("lottery_addr").unwrap_or("0x4");
            let client = own("client_addr").or(own("lottery_addr")).unwrap_or("0x3");
            let deposit = own("deposit_addr").unwrap_or("0x2");
            // Which contract the address is of depends on the layout.
            let layout = own("layout").map(str::trim);
            let contract = padded(lottery).filter(|_| layout != Some("deposit-only"));
            assert_eq!(target.lottery.or(target.consumer).map(|a| a.to_string()), contract);
            let is_other = !matches!(layout, None | Some("main_v2" | "deposit-only"));
            assert_eq!(target.consumer.is_some(), is_other, "{text:?}");
            assert_eq!(Some(target.client.to_string()), padded(client));
            // A network has its own deposit module.
            if own("network").is_none() || own("deposit_addr").is_some() {
                assert_eq!(Some(target.deposit.to_string()), padded(deposit));
            }
            assert_eq!(target.profile.as_deref(), Some(own("profile").unwrap_or("p")));
            assert_eq!(given.lottery.as_deref(), Some(lottery));
        }
        Err(failure) => {
            oracle::one_plain_line(&failure.message(), 2000);
            assert!(KEYS.iter().any(|key| failure.message().contains(key)), "{}", failure.message());
        }
    }
});
