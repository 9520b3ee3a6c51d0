//! Values of variables, flags and channels: each is read exactly or refused with the name of its source, and a secret is
//! never repeated.

#![no_main]

use dvrf_cli::channel::parse;
use dvrf_cli::settings::{Settings, variables};
use libfuzzer_sys::fuzz_target;
use oracle::one_plain_line;
use supra_core::error::Error;

fn refused(failure: &Error, name: &str) {
    assert!(failure.message().starts_with(name), "{}", failure.message());
    one_plain_line(&failure.message(), 2000);
}

/// The number of these digits; `None` for other characters or an overflow.
fn natural(digits: &str) -> Option<u128> {
    digits.bytes().try_fold(0u128, |sum, byte| {
        if !byte.is_ascii_digit() {
            return None;
        }
        sum.checked_mul(10)?.checked_add(u128::from(byte - b'0'))
    })
}

/// `(units, places)` of a decimal without trailing zeros.
fn plain_decimal(text: &str) -> Option<(u128, usize)> {
    let text = text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = part.trim_end_matches('0');
    Some((natural(&format!("{whole}{part}"))?, part.len()))
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut settings = Settings::new([("MAX_GAS_PRICE", text.to_owned())].into());
    for variable in [
        &variables::MARGIN,
        &variables::TIMEOUT,
        &variables::JOBS,
        &variables::LOTTERY_ADDR,
        &variables::TRANSPORT,
        &variables::RPC_URL,
    ] {
        settings.set_flag(variable, Some(text));
    }

    match settings.number(&variables::MAX_GAS_PRICE) {
        Ok(number) => assert_eq!(number, natural(&text.trim().replace('_', "")), "{text:?}"),
        Err(failure) => {
            let typed = text.trim().replace('_', "");
            assert!(typed.is_empty() || natural(&typed).is_none(), "{text:?}");
            refused(&failure, "MAX_GAS_PRICE is ");
        }
    }
    match settings.decimal(&variables::MARGIN) {
        Ok(decimal) => {
            let decimal = decimal.expect("a flag");
            let (units, places) = plain_decimal(text).expect("a decimal");
            let scale = 10u128.pow(u32::try_from(places).expect("few"));
            assert_eq!(decimal.of(scale), Ok(units), "{text:?}");
            assert_eq!(plain_decimal(&decimal.to_string()), Some((units, places)), "{text:?}");
        }
        Err(failure) => refused(&failure, "--margin is "),
    }
    match settings.seconds(&variables::TIMEOUT) {
        Ok(span) => {
            let milliseconds = span.expect("a flag").as_millis();
            assert!((1..=86_400_000).contains(&milliseconds));
            let typed = text.trim();
            let units_ms =
                [("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];
            let with_unit = units_ms.iter().find_map(|(unit, ms)| Some((typed.strip_suffix(unit)?, *ms)));
            let (number, unit_ms) = with_unit.unwrap_or((typed, 1000));
            let (units, places) = plain_decimal(number).expect("a decimal");
            let scale = 10u128.pow(u32::try_from(places).expect("few"));
            assert_eq!(milliseconds, units * unit_ms / scale, "{text:?}");
        }
        Err(failure) => refused(&failure, "--timeout is "),
    }
    match settings.bounded(&variables::JOBS, 256) {
        Ok(jobs) => assert!((1..=256).contains(&jobs.expect("a flag"))),
        Err(failure) => refused(&failure, "--jobs is "),
    }
    match settings.address(&variables::LOTTERY_ADDR) {
        Ok(address) => {
            let shown = address.expect("a flag").to_string();
            let digits = text.trim().to_ascii_lowercase();
            let digits = digits.strip_prefix("0x").unwrap_or(&digits);
            assert_eq!(shown, format!("0x{digits:0>64}"), "{text:?}");
        }
        Err(failure) => refused(&failure, "--lottery-addr is "),
    }
    match settings.choice(&variables::TRANSPORT, &[("rpc", 1), ("cli", 2)]) {
        Ok(choice) => {
            let word = ["rpc", "cli"][choice.expect("a flag") - 1];
            assert_eq!(text.trim().to_ascii_lowercase(), word);
        }
        Err(failure) => refused(&failure, "--transport is "),
    }
    let secret = settings.choice::<()>(&variables::RPC_URL, &[]).expect_err("no word is known");
    assert_eq!(secret.message(), "--rpc-url is \"***\": one of  is needed");

    // Channels: a refused one never repeats its secret.
    for entry in text.split(';') {
        match parse::parse(entry, &|_| Ok(None)) {
            Ok(channel) => {
                assert!(channel.redacted_url().chars().all(|c| !oracle::is_hidden(c)));
                assert!(channel.every_s > 0);
            }
            Err(problem) => {
                for said in [problem.to_string(), problem.fix] {
                    one_plain_line(&said, 2000);
                    assert!(!said.contains("s3cr3t-path"), "{said:?}");
                }
            }
        }
        let hook = format!("{entry},url=https://user:s3cr3t-path@h.example/s3cr3t-path");
        if let Err(problem) = parse::parse(&hook, &|_| Ok(None)) {
            assert!(!problem.to_string().contains("s3cr3t-path"), "{problem}");
            assert!(!problem.fix.contains("s3cr3t-path"), "{}", problem.fix);
        }
    }
    if let Some(span) = supra_core::time::parse_span_s(text) {
        assert!(span >= 0);
    }
});
