//! Files in the state directory with arbitrary content: an accepted file is written back the same, no time overflows, the
//! outbox stays bounded, and every message has its own id.

#![no_main]

use std::collections::BTreeSet;

use dvrf_cli::channel::parse;
use dvrf_notify::alert_state::{AlertRules, AlertState};
use dvrf_notify::message::MessageTemplate;
use dvrf_notify::outbox::ENTRIES_MAX;
use dvrf_notify::planner::{Planner, Verdict};
use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use supra_core::amount::Count;
use supra_core::check::code::Code;
use supra_core::check::{Checks, Finding, Policy, Status};
use supra_core::lang::Lang;
use supra_core::readiness::Readiness;
use supra_core::state::State;
use supra_core::submit::journal::{Intent, IntentStatus, Journal, Moment};

const KEY: &str = "0x1 0x2";

fn verdict(u: &mut Unstructured) -> Checks {
    let status = *u.choose(&[Status::Ok, Status::Alert, Status::Unknown]).unwrap_or(&Status::Ok);
    let mut checks = Checks { status, ..Checks::default() };
    if status == Status::Alert {
        let row = u.choose(Code::ALL).unwrap_or(&Code::ALL[0]);
        let evidence = serde_json::Map::new();
        checks.findings.push(Finding::new(
            row.0,
            row.2,
            "m".to_owned(),
            evidence,
            supra_core::lang::Lang::En,
        ));
        checks.severity = Some(row.2);
    }
    checks
}

fn memory(text: &[u8], u: &mut Unstructured) {
    let mut memory = match AlertState::parse(text, KEY) {
        Ok(memory) => memory,
        Err(why) => {
            assert!(!why.is_empty());
            AlertState::new(KEY)
        }
    };
    let held = memory.outbox.iter().count();
    let channels: Vec<_> =
        ["slack,name=s,url=https://h.example/T/B/x", "alertmanager,name=a,url=http://h.example"]
            .iter()
            .map(|given| parse::parse(given, &|_| Ok(None)).unwrap_or_else(|problem| panic!("{problem}")))
            .collect();
    let template = MessageTemplate {
        title: "t".into(),
        lang: Lang::En,
        runbook_base: String::new(),
        network: None,
        host: String::new(),
    };
    let (policy, rules, state) = (Policy::default(), AlertRules::default(), State::default());
    let planner = Planner {
        silences: &dvrf_cli::silence::Silences::default(),
        channels: &channels,
        template: &template,
        policy: &policy,
        rules: &rules,
        include_json: false,
    };
    let mut ids = BTreeSet::new();
    let sequence = memory.sequence;
    for _ in 0..4 {
        let checks = verdict(u);
        let now_s = u.int_in_range(-10i64..=4_000_000_000).unwrap_or(0);
        let case = Verdict {
            key: KEY,
            name: "n",
            checks: &checks,
            state: Some(&state),
            draw: None,
            record: None,
            now_s,
        };
        for message in planner.update(&mut memory, &case).messages {
            assert!(ids.insert(message.id.clone()), "an id stands for one message");
            assert!(!message.text().is_empty());
        }
        let oldest =
            memory.outbox.iter().next().map(|entry| (entry.channel.clone(), entry.message.id.clone()));
        if let Some((channel, id)) = oldest {
            memory.outbox.expire(&channel, &id, now_s, 3600);
        }
        let bytes = serde_json::to_vec(&memory).expect("what we hold can be written");
        let again = AlertState::parse(&bytes, KEY).expect("what we wrote can be read");
        assert!(again == memory, "a memory is written back the same");
    }
    assert!(memory.outbox.iter().count() <= held + 2 * ENTRIES_MAX);
    assert!(memory.sequence >= sequence || sequence > u64::MAX - 100);
}

fn journal(text: &[u8], u: &mut Unstructured) {
    let mut journal = Journal::parse(text).unwrap_or_default();
    let bytes = serde_json::to_vec(&journal).expect("what we hold can be written");
    assert_eq!(Journal::parse(&bytes).expect("can be read"), journal);
    let round = Count(oracle::number(u));
    let now = Moment {
        wall_s: u.arbitrary().unwrap_or(0i64),
        chain_s: u.arbitrary::<Option<i64>>().unwrap_or(None),
    };
    if let Some(mut intent) = journal.intent.clone() {
        let before = intent.clone();
        match intent.status(round, None, now) {
            // Only when it has expired by both clocks.
            IntentStatus::Lost => {
                let passed = now.since(Moment { wall_s: before.at_s, chain_s: before.chain_s });
                let span = before.expires_s.saturating_sub(before.at_s);
                assert!(passed.is_none_or(|passed| passed >= span));
            }
            IntentStatus::Open { left_s, .. } => assert!(left_s > 0),
            other => panic!("decided without the transaction: {other:?}"),
        }
    }
    let cool_down = u.int_in_range(0i64..=86_400).unwrap_or(60);
    let attempts_max = u.int_in_range(1u32..=9).unwrap_or(3);
    let (attempts, rest) = journal.rest(round, cool_down, attempts_max, now);
    assert!(rest.is_none_or(|left| left > 0), "{rest:?}");
    let intent = Intent::new("r", now, u.arbitrary().unwrap_or(None), 120, round);
    assert!(intent.expires_s >= now.wall_s);
    journal.open(intent);
    assert_eq!(journal.rest(round, cool_down, attempts_max, now).0, attempts.saturating_add(1));
    journal.close_drawn(round, now.chain_s);
    assert!(journal.is_drawn(round) && journal.intent.is_none());
    assert!(!journal.is_another_lottery(round, None));
    let spent = journal.spent(now);
    journal.spend(5, now);
    assert!(journal.spent(now) >= spent.min(u128::MAX - 5));
    drop(serde_json::from_slice::<Readiness>(text));
}

fuzz_target!(|data: &[u8]| {
    // The first line is the file, the rest makes the events.
    let (text, events) = data.split_at(data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len()));
    let mut u = Unstructured::new(events);
    memory(text, &mut u);
    journal(text, &mut u);
});
