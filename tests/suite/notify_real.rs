//! `dvrf-notify` and a real Alertmanager.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::mock_receiver::{MockReceiver, ScriptedResponse};
use testkit::receivers::{Receiver, eventually, free_address};
use testkit::{Outcome, needs, program, report, run, tool};

fn tell(address: &str, state: &str, profile: &str, percent: u64) -> Outcome {
    let mut record: Value = serde_json::from_str(&report(percent)).unwrap();
    record["profile"] = json!(profile);
    record["client_addr"] = json!(if profile == "devnet" { "0x1" } else { "0x2" });
    let mut notify = tool("dvrf-notify");
    notify.args(["--state-dir", state, "--resolve-after", "1", "--notify-timeout", "2"]);
    notify.args(["--channel", &format!("alertmanager,url=http://{address},every=5m")]);
    run(notify.write_stdin(record.to_string()))
}

fn amtool(address: &str, words: &[&str]) -> String {
    let mut amtool = program("amtool");
    let outcome = run(amtool.arg(format!("--alertmanager.url=http://{address}")).args(words));
    assert_eq!(outcome.code, 0, "amtool {words:?}: {outcome}");
    outcome.out
}

/// The alerts that are neither silenced nor resolved, as code, severity and subscription.
fn firing(address: &str) -> Vec<(String, String, String)> {
    let alerts: Vec<Value> =
        serde_json::from_str(&amtool(address, &["alert", "query", "-o", "json"])).unwrap();
    let label = |alert: &Value, name: &str| alert["labels"][name].as_str().unwrap_or_default().to_owned();
    alerts
        .iter()
        .map(|alert| (label(alert, "code"), label(alert, "severity"), label(alert, "subscription")))
        .collect()
}

/// What the Alertmanager passed on: status and subscription, in order.
fn passed_on(inbox: &MockReceiver) -> Vec<(String, String)> {
    let letters = inbox.requests();
    let alerts =
        letters.iter().flat_map(|letter| letter.json()["alerts"].as_array().cloned().unwrap_or_default());
    alerts
        .map(|alert| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&alert["status"]), text(&alert["labels"]["subscription"]))
        })
        .collect()
}

#[track_caller]
fn soon<T>(check: impl FnMut() -> Option<T>) -> T {
    let found = eventually(Duration::from_secs(20), check);
    assert!(found.is_some(), "it did not happen within 20 s");
    found.unwrap()
}

#[test]
#[needs("prometheus-alertmanager", "amtool")]
fn an_alertmanager_fires_is_silenced_resolves_and_gets_what_it_missed() {
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(200));
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let address = free_address();

    // Down: the alert waits.
    let outcome = tell(&address, state, "devnet", 150);
    assert_eq!(outcome.code, 2, "{outcome}");
    assert_eq!(outcome.json()["notifications"][0]["outcome"], "queued");
    let alertmanager = Receiver::alertmanager(&inbox.url("am"), Some(&address));

    // Up: the next run delivers it, and it is passed on.
    let outcome = tell(&address, state, "devnet", 150);
    assert_eq!((outcome.code, &outcome.json()["notifications"][0]["status"]), (0, &json!(200)), "{outcome}");
    let low = |name: &str| ("DEPOSIT_BELOW_WARN_TIER".to_owned(), "warning".to_owned(), name.to_owned());
    assert_eq!(soon(|| Some(firing(&address)).filter(|alerts| !alerts.is_empty())), [low("devnet")]);
    let first = ("firing".to_owned(), "devnet".to_owned());
    assert_eq!(soon(|| passed_on(&inbox).pop()), first);

    // A silence holds another subscription's alert back; amtool still lists it as suppressed.
    amtool(&address, &["silence", "add", "-a", "us", "-c", "test", "subscription=quiet"]);
    soon(|| (!amtool(&address, &["silence", "query", "-q"]).trim().is_empty()).then_some(()));
    soon(|| {
        // An Alertmanager looks at its silences when it is told: every run tells it.
        assert_eq!(tell(&address, state, "quiet", 50).code, 0);
        amtool(&address, &["alert", "query", "--silenced"]).contains("SupraDvrf").then_some(())
    });
    assert_eq!(firing(&address), [low("devnet")]);

    // A run that repeats itself is no second alert; recovery resolves it.
    assert_eq!(tell(&address, state, "devnet", 150).code, 0);
    assert_eq!(tell(&address, state, "devnet", 500).code, 0);
    soon(|| firing(&address).is_empty().then_some(()));
    let ended =
        soon(|| Some(passed_on(&inbox)).filter(|all| all.iter().any(|(status, _)| status == "resolved")));
    assert_eq!(ended, [first, ("resolved".to_owned(), "devnet".to_owned())]);
    drop(alertmanager);
}

/// Nineteen modules that are disabled are nineteen alerts; eighteen that are enabled again leave one.
#[test]
#[needs("prometheus-alertmanager", "amtool")]
fn every_incident_is_an_alert_of_its_own() {
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(200));
    let folder = tempfile::tempdir().unwrap();
    let alertmanager = Receiver::alertmanager(&inbox.url("am"), None);
    let tell = |disabled: usize| {
        let mut record: Value = serde_json::from_str(&report(500)).unwrap();
        for number in 0..disabled {
            let module = json!({"module_type": format!("0x1::m{number}"), "max_callback_txn_fee": "1",
                "min_balance_limit": "1", "enabled": false});
            record["state"]["deposit"]["modules"].as_array_mut().unwrap().push(module);
        }
        let mut notify = tool("dvrf-notify");
        notify.arg("--state-dir").arg(folder.path()).args(["--resolve-after", "1"]);
        notify.args(["--channel", &format!("alertmanager,url=http://{}", alertmanager.address)]);
        let outcome = run(notify.write_stdin(record.to_string()));
        assert_eq!(outcome.code, 0, "{outcome}");
    };
    tell(19);
    soon(|| (firing(&alertmanager.address).len() == 19).then_some(()));
    tell(1);
    soon(|| (firing(&alertmanager.address).len() == 1).then_some(()));
    tell(0);
    soon(|| firing(&alertmanager.address).is_empty().then_some(()));
}
