//! JSON in the output of a CLI: a result between log lines is found whole, only printed JSON is found, and a receipt
//! never turns a failure into a success.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use supra_core::submit::outcome::{Output, SubmitOutcome, outcome};
use supra_core::submit::receipt::receipt;

// The module is private, so its source is included.
#[path = "../../../../crates/supra-core/src/transport/cli/extract.rs"]
mod extract;
use extract::{Found, documents, find};

fuzz_target!(|data: &[u8]| {
    let output = String::from_utf8_lossy(data);
    let found = find(&output);
    let pages = documents(&output);
    assert!(pages.iter().all(|page| page.is_object() || page.is_array()));
    match &found {
        Found::Nothing => {}
        Found::Refusal(text) => assert!(!pages.is_empty() && text.len() <= output.len() * 6),
        Found::Result(_) => assert!(!pages.is_empty()),
    }

    // The documents read back the same when they are printed again.
    let written: Vec<String> = pages.iter().map(Value::to_string).collect();
    if !written.iter().any(|text| text.contains('\u{feff}')) {
        assert_eq!(documents(&written.join("\nINFO next\r\n")), pages);
    }

    // A result between log lines is found unchanged.
    let (noise, rest) = output.split_at(output.find('\n').unwrap_or(output.len()));
    let noise: String = noise.chars().filter(|c| !"{[".contains(*c)).collect();
    if let Ok(value) = serde_json::from_str::<Value>(rest.trim())
        && value.get("result").is_none()
        && !rest.contains('\u{feff}')
    {
        for key in ["result", "Result"] {
            let printed = format!("{noise}\n\u{1b}[32mINFO\u{1b}[0m {{x\n{{\"{key}\":{value}}}\r\n{noise}");
            assert_eq!(find(&printed), Found::Result(value.clone()), "{printed:?}");
        }
        let refused = format!("{noise}\n{{\"message\":\"no\"}}\n{noise}");
        assert_eq!(find(&refused), Found::Refusal("no".to_owned()), "{refused:?}");
    }

    let read = receipt(&pages);
    for code in [None, Some(0), Some(1), Some(2)] {
        match outcome(&read, &Output { stdout: &output, stderr: "", code, incomplete: None }) {
            SubmitOutcome::Accepted => {
                assert_eq!(read.success, Some(true));
                let status = read.vm_status.as_deref();
                assert!(status.is_none_or(|status| status.eq_ignore_ascii_case("executed successfully")));
            }
            SubmitOutcome::Refused(failure) => {
                assert!(read.hash.is_none() && code.is_some());
                oracle::one_plain_line(&failure.message(), 1000);
            }
            SubmitOutcome::Failed(failure) => {
                assert_eq!(read.success, Some(false));
                oracle::one_plain_line(&failure.message(), 1000);
            }
            // Reading an output cannot find that the CLI was not started.
            SubmitOutcome::NotSent(failure) => panic!("{failure}"),
            SubmitOutcome::Unknown(failure) => oracle::one_plain_line(&failure.message(), 1000),
        }
    }
});
