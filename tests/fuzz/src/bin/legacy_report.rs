//! Old reports: other keys are unchanged, a typed value is one that the report has, and a value that it does not have is
//! missing instead of zero.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use supra_core::collect::legacy_report::upgrade;
use supra_core::record::Record;
use supra_core::state::State;
use supra_core::view_report::Views;

fuzz_target!(|data: &[u8]| {
    let Ok(mut record) = serde_json::from_slice::<Record>(data) else { return };
    let Ok(before) = record.to_value() else { return };
    if before.get("state").is_some() || before.get("views").is_some() {
        return;
    }
    if upgrade(&mut record).is_err() {
        return;
    }
    let after = record.to_value().expect("what was written");
    let Value::Object(mut rest) = after else { panic!("an object") };
    let state: State =
        serde_json::from_value(rest.shift_remove("state").expect("a state")).expect("our shape");
    let views: Views = serde_json::from_value(rest.shift_remove("views").expect("views")).expect("our shape");
    assert_eq!(Value::Object(rest), before);

    let deposit = before.get("deposit");
    let said = |name: &str| deposit.and_then(|deposit| deposit.get(name)).filter(|value| !value.is_null());
    for (value, name) in [(state.deposit.balance, "balance"), (state.deposit.min_balance, "min_balance")] {
        match (value, said(name)) {
            // The report contains the digits.
            (Some(quants), Some(raw)) => {
                assert!(raw.to_string().contains(&quants.to_string()), "{raw} {quants}")
            }
            (Some(quants), None) => panic!("{name} was not said and is {quants}"),
            (None, Some(raw)) => {
                assert!(
                    views.get(name).is_some_and(|report| report.error.is_some()),
                    "{name} {raw} is missing unsaid"
                );
            }
            (None, None) => {}
        }
    }
    if state.deposit.at_or_below_minimum.is_some() {
        let raw = said("min_balance_reached").expect("was said").to_string().to_lowercase();
        let words = ["true", "false", "yes", "no", "on", "off", "1", "0"];
        assert!(words.iter().any(|word| raw.contains(word)), "{raw}");
    }
    for report in views.values() {
        if let Some(failure) = &report.error {
            oracle::one_plain_line(&failure.message, 3000);
        }
    }
});
