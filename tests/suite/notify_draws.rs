//! Draws: `dvrf-draw auto | dvrf-notify`, with and without a memory.

use serde_json::{Value, json};
use testkit::mock_receiver::{MockReceiver, ScriptedResponse};
use testkit::{Devnet, Outcome, Way, run};

use super::{generic, of, tell};

/// A line of `auto` as a run on this devnet writes it.
fn line(devnet: &Devnet, state: &std::path::Path, words: &[&str]) -> Value {
    let mut draw = devnet.tool("dvrf-draw", Way::Rpc);
    draw.env("SUPRA_CLI_BIN", &devnet.cli).env("DVRF_DEVNET_URL", &devnet.url);
    draw.args(["auto", "--execute", "--assume-yes", "--cool-down", "0", "--state-dir"]).arg(state);
    run(draw.args(words)).json()
}

fn tell_line(inbox: &MockReceiver, words: &[&str], line: &Value) -> Outcome {
    tell(&generic(inbox), words, &line.to_string())
}

/// What receivers got: event, problem and headline.
fn told(inbox: &MockReceiver) -> Vec<(String, String, String)> {
    let text = |sent: &Value, key: &str| sent[key].as_str().unwrap_or_default().to_owned();
    let of = |sent: &Value| {
        let message = text(sent, "message");
        let headline = message.lines().next().unwrap_or_default();
        // How long it lasted depends on the machine.
        let headline = match headline
            .split_once("resolved after ")
            .map(|(before, rest)| (before, rest.split_once(": ")))
        {
            Some((before, Some((_, problem)))) => format!("{before}resolved after …: {problem}"),
            _ => headline.to_owned(),
        };
        (text(sent, "event"), text(sent, "problem"), headline)
    };
    inbox.requests().iter().map(|letter| of(&letter.json())).collect()
}

#[test]
fn a_real_draw_is_told_with_its_numbers() {
    let devnet = Devnet::start(&["--scenario", "ready", "--block-ms", "100", "--answer-ms", "300"]);
    let folder = tempfile::tempdir().unwrap();
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let executed = line(&devnet, &folder.path().join("draws"), &["--wait-handled", "20"]);
    assert_eq!(executed["status"], "executed", "{executed}");
    let memory = folder.path().join("memory").display().to_string();
    for words in [&[][..], &["--state-dir", &memory]] {
        inbox.reset(Vec::new(), ScriptedResponse::status(204));
        let outcome = tell_line(&inbox, words, &executed);
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome}");
        assert_eq!(of(&outcome, "event"), ["report"]);
        let sent = inbox.requests()[0].json();
        let text = sent["message"].as_str().unwrap();
        assert!(text.contains("the draw was requested and answered in "), "{text}");
        assert!(text.contains("Nonce: ") && text.contains("Transaction: 0x"), "{text}");
        assert_eq!((&sent["verdict"], &sent["status"]), (&json!("ok"), &json!(0)));
    }
    // The next run finds nothing to draw, and has nothing to tell.
    let idle = line(&devnet, &folder.path().join("draws"), &[]);
    assert_eq!(idle["status"], "not_ready");
    for words in [&[][..], &["--state-dir", &memory]] {
        let outcome = tell_line(&inbox, words, &idle);
        assert_eq!((outcome.code, of(&outcome, "event")), (0, vec![]), "{outcome}");
    }
}

/// Failures, exhausted attempts, locks that are held and answers that do not come: each is one incident.
#[test]
fn what_goes_wrong_with_draws_is_an_incident() {
    let devnet = Devnet::start(&["--scenario", "ready", "--block-ms", "100", "--answer-ms", "300"]);
    let folder = tempfile::tempdir().unwrap();
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let memory = folder.path().join("memory").display().to_string();
    let good = line(&devnet, &folder.path().join("draws"), &[]);
    let with = |status: &str, added: Value| {
        let mut line = good.clone();
        line["status"] = json!(status);
        for (key, value) in added.as_object().unwrap() {
            line[key] = value.clone();
        }
        line
    };
    let failed = with(
        "manual_draw_failed",
        json!({"manual_draw": {"executed": true, "error": {"code": "TRANSACTION_FAILED", "message": "E_NOT_OWNER", "hint": "Use the owner's profile."}}}),
    );
    let mut exhausted = with("error", json!({"manual_draw": null}));
    exhausted["readiness"]["ready"] = json!(false);
    exhausted["readiness"]["reasons"] =
        json!([{"code": "ATTEMPTS_EXHAUSTED", "message": "this round was tried 3 times", "known": true}]);
    let busy = with("busy", json!({"manual_draw": null}));
    let late = with(
        "executed",
        json!({"manual_draw": {"nonce": "9", "handled": {"handled": false, "waited_ms": 60000}}}),
    );
    let words = ["--state-dir", memory.as_str()];
    for line in [&failed, &exhausted, &exhausted, &busy, &busy, &busy, &late, &good] {
        assert_eq!(tell_line(&inbox, &words, line).code, 0);
    }
    let expected = [
        ("firing", "draw", "🚨 devnet: the draw failed: E_NOT_OWNER"),
        ("worse", "draw", "🚨 devnet: worse: this round was tried 3 times"),
        ("firing", "draw_busy", "⚠\u{fe0f} devnet: another run holds the lock of the draw"),
        ("resolved", "draw", "✅ devnet: resolved after …: this round was tried 3 times"),
        ("resolved", "draw_busy", "✅ devnet: resolved after …: another run holds the lock of the draw"),
        (
            "firing",
            "draw_unanswered",
            "⚠\u{fe0f} devnet: the draw was requested, and its answer did not come within 60.0 s",
        ),
        (
            "resolved",
            "draw_unanswered",
            "✅ devnet: resolved after …: the draw was requested, and its answer did not come within 60.0 s",
        ),
        ("report", "", "✅ devnet: the draw was requested"),
    ];
    let expected =
        expected.map(|(event, problem, text)| (event.to_owned(), problem.to_owned(), text.to_owned()));
    assert_eq!(told(&inbox), expected);
    // Without a memory each line is told by its level, and --fail-on-low makes a failure of it.
    assert_eq!(tell_line(&inbox, &["--fail-on-low"], &failed).code, 1);
    assert_eq!(
        tell_line(
            &inbox,
            &["--fail-on-low"],
            &with("error", json!({"error": {"code": "UNKNOWN", "message": "no answer"}}))
        )
        .code,
        2
    );
}

/// `dvrf-draw auto | dvrf-prom`: the outcome and the latency as metrics.
#[test]
fn a_line_becomes_metrics() {
    let devnet = Devnet::start(&["--scenario", "ready", "--block-ms", "100", "--answer-ms", "300"]);
    let folder = tempfile::tempdir().unwrap();
    let executed = line(&devnet, folder.path(), &["--wait-handled", "20"]);
    let printed = run(testkit::tool("dvrf-prom").arg("--fail-on-low").write_stdin(executed.to_string()));
    assert_eq!((printed.code, printed.err.as_str()), (0, ""), "{printed}");
    for (status, value) in [("executed", 1), ("manual_draw_failed", 0), ("busy", 0), ("error", 0)] {
        let sample =
            format!("supra_dvrf_draw_outcome{{status=\"{status}\",subscription=\"devnet\"}} {value}\n");
        assert!(printed.out.contains(&sample), "{sample}: {printed}");
    }
    assert!(printed.out.contains("\nsupra_dvrf_draw_answered{subscription=\"devnet\"} 1\n"), "{printed}");
    assert!(printed.out.contains("\nsupra_dvrf_draw_answer_seconds{subscription=\"devnet\"} "), "{printed}");
    assert!(printed.out.contains("\nsupra_dvrf_draw_run_timestamp_seconds{"), "{printed}");
    // Nothing that the line does not say: neither that the chain was read nor a deposit.
    assert!(!printed.out.contains("supra_dvrf_up") && !printed.out.contains("balance"), "{printed}");
}

/// Low, told, topped up, told, resolved: by the tools in a pipe, with one memory.
#[test]
fn a_low_deposit_is_told_topped_up_and_resolved() {
    let devnet = Devnet::start(&["--scenario", "low"]);
    let folder = tempfile::tempdir().unwrap();
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let memory = folder.path().join("memory").display().to_string();
    let tell = |line: &Value| {
        tell_line(&inbox, &["--state-dir", &memory, "--resolve-after", "1"], line);
        let told = told(&inbox);
        inbox.reset(Vec::new(), ScriptedResponse::status(204));
        told.into_iter()
            .map(|(event, problem, _)| format!("{event} {problem}").trim().to_owned())
            .collect::<Vec<_>>()
    };
    let report = || run(devnet.tool("dvrf-json", Way::Rpc).arg("--live")).json();
    let fund = |limit: &str| {
        let mut fund = devnet.tool("dvrf-fund", Way::Rpc);
        fund.env("SUPRA_CLI_BIN", &devnet.cli).env("DVRF_DEVNET_URL", &devnet.url);
        fund.args([
            "--execute",
            "--live",
            "--new-journal",
            "--sender-account",
            testkit::LOTTERY,
            "--reserve=1SUPRA",
        ]);
        fund.args(["--max-per-day=900SUPRA", "--max-per-month=900SUPRA", limit, "--state-dir"]);
        run(fund.arg(folder.path().join("funds"))).json()
    };
    assert_eq!(tell(&report()), ["firing deposit"]);
    let refused = fund("--max-amount=1SUPRA");
    assert_eq!(
        (refused["status"].as_str(), tell(&refused)),
        (Some("refused"), vec!["firing fund".to_owned()])
    );
    let done = fund("--max-amount=300SUPRA");
    assert_eq!(done["status"], "topped_up", "{done}");
    tell_line(&inbox, &["--state-dir", &memory], &done);
    let messages: Vec<String> =
        inbox.requests().iter().map(|sent| sent.json()["message"].as_str().unwrap().to_owned()).collect();
    let all = messages.concat();
    assert!(all.contains("topped up 236.25 SUPRA") && all.contains("resolved after"), "{messages:?}");
    assert!(all.contains("472.5 SUPRA") && all.contains("Transaction: 0x"), "{messages:?}");
    inbox.reset(Vec::new(), ScriptedResponse::status(204));
    assert_eq!(tell(&report()), ["resolved deposit"]);
    let printed = run(testkit::tool("dvrf-prom").write_stdin(done.to_string()));
    assert!(
        printed.out.contains("fund_outcome{status=\"topped_up\",subscription=\"devnet\"} 1\n"),
        "{printed}"
    );
    assert!(
        printed.out.contains("fund_spent_quants{span=\"day\",subscription=\"devnet\"} 23625000000\n"),
        "{printed}"
    );
}

/// What keeps a top-up from being decided is reported once it lasts, and a top-up in doubt never with a command to deposit.
#[test]
fn a_top_up_that_is_not_decided_is_an_incident() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = MockReceiver::open(Vec::new(), ScriptedResponse::status(204));
    let memory = folder.path().join("memory").display().to_string();
    let line = |status: &str, code: &str| {
        json!({"timestamp": "2026-03-01T12:00:00Z", "status": status, "spent_day": null, "spent_month": null,
            "funding": {"low": true, "remedy": {"text": "Deposit 236.25 SUPRA.", "command": "supra move tool run"}},
            "top_up": {"amount": "23625000000", "balance_before": "1"}, "exit_code": 0, "schema": "dvrf.fund/1",
            "error": {"code": code, "message": "why"}, "run_id": "r", "level": "info", "event": "fund.x",
            "profile": "devnet"})
    };
    let mut enough = line("enough", "");
    enough["error"] = Value::Null;
    let (doubt, open, busy) =
        (line("failed", "NOT_CONFIRMED"), line("error", "INTENT_OPEN"), line("busy", "BUSY"));
    let lines = [&doubt, &open, &open, &open, &busy, &busy, &busy, &enough];
    let codes = lines.map(|line| tell_line(&inbox, &["--state-dir", &memory], line).code);
    assert_eq!(codes, [0, 2, 2, 2, 0, 0, 0, 0]);
    let events: Vec<String> =
        told(&inbox).iter().map(|(event, problem, _)| format!("{event} {problem}")).collect();
    let expected = ["firing fund", "firing unknown", "firing fund_busy"];
    assert_eq!(events[..3], expected, "{events:?}");
    let mut ends = events[3..].to_vec();
    ends.sort();
    assert_eq!(ends, ["resolved fund", "resolved fund_busy", "resolved unknown"]);
    for sent in inbox.requests() {
        let text = sent.json()["message"].as_str().unwrap().to_owned();
        assert!(!text.contains("supra move tool run") && !text.contains("Deposit 236.25"), "{text}");
    }
}
