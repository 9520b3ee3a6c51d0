//! Which channels receive which messages.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use dvrf_cli::channel::parse::parse;
use supra_core::amount::Quants;
use supra_core::check::code::Code;
use supra_core::lang::Lang;

fn channel(spec: &str) -> Channel {
    parse(spec, &|_| Ok(None)).unwrap_or_else(|problem| panic!("{problem}"))
}

fn checks(status: Status, code: Option<Code>) -> Checks {
    let findings: Vec<Finding> = code
        .map(|code| Finding {
            code,
            severity: code.severity(),
            message: code.name().to_owned(),
            evidence: serde_json::Map::new(),
            help: code.help(),
        })
        .into_iter()
        .collect();
    Checks {
        status,
        severity: findings.first().map(|finding| finding.severity),
        findings,
        available_quants: Some(Quants(1)),
        ..Checks::default()
    }
}

fn low() -> Checks {
    checks(Status::Alert, Some(Code::DepositBelowWarnTier))
}

fn ok() -> Checks {
    checks(Status::Ok, None)
}

fn unknown() -> Checks {
    checks(Status::Unknown, Some(Code::ValueUnknown))
}

struct Fixture {
    channels: Vec<Channel>,
    template: MessageTemplate,
    policy: Policy,
    rules: AlertRules,
}

impl Fixture {
    fn new(specs: &[&str]) -> Self {
        Self {
            channels: specs.iter().map(|spec| channel(spec)).collect(),
            template: MessageTemplate {
                title: "t".into(),
                lang: Lang::En,
                runbook_base: String::new(),
                network: None,
            },
            policy: Policy::default(),
            rules: AlertRules { resolve_after: 1, ..AlertRules::default() },
        }
    }

    fn planner(&self) -> Planner<'_> {
        Planner {
            channels: &self.channels,
            template: &self.template,
            policy: &self.policy,
            rules: &self.rules,
            include_json: false,
        }
    }

    fn reported(&self, checks: &Checks) -> Vec<String> {
        let (_, entries) = self.planner().report(&verdict(checks, 0), "run");
        entries.into_iter().map(|entry| entry.channel).collect()
    }

    /// The channels and events of one run, all of which are delivered.
    fn notified(
        &self,
        state: &mut AlertState,
        checks: &Checks,
        now_s: i64,
    ) -> Vec<(String, &'static str, Status)> {
        self.planner().update(state, &verdict(checks, now_s));
        let entries: Vec<_> = state.outbox.iter().cloned().collect();
        for entry in &entries {
            state.outbox.remove(&entry.channel, &entry.message.id);
        }
        entries.into_iter().map(|e| (e.channel, e.message.event.name(), e.message.status)).collect()
    }
}

fn verdict(checks: &Checks, now_s: i64) -> Verdict<'_> {
    static RECORD: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| json!({"r": 1}));
    Verdict { key: "k", name: "n", checks, state: None, record: Some(&RECORD), now_s }
}

const ALL: [&str; 5] = [
    "slack,url=http://h",
    "teams,url=http://h,min=critical",
    "pagerduty,key=k,min=warning",
    "alertmanager,url=http://h",
    "ping,url=http://h",
];

#[test]
fn without_state_every_run_notifies_by_level() {
    let fixture = Fixture::new(&ALL);
    assert_eq!(fixture.reported(&ok()), ["slack", "pagerduty"]);
    assert_eq!(fixture.reported(&low()), ["slack", "pagerduty", "alertmanager"]);
    assert_eq!(fixture.reported(&unknown()), ["slack", "alertmanager"]);
    let critical = checks(Status::Alert, Some(Code::DepositAtOrBelowMinBalance));
    assert_eq!(fixture.reported(&critical), ["slack", "teams", "pagerduty", "alertmanager"]);
    // Ids are stable within a run and differ between runs.
    let id = |run| fixture.planner().report(&verdict(&low(), 0), run).0.id;
    assert_eq!(id("1"), id("1"));
    assert_ne!(id("1"), id("2"));
}

#[test]
fn with_state_channels_get_changes_and_alertmanager_every_run() {
    use Status::{Alert, Ok, Unknown};
    let fixture = Fixture::new(&ALL);
    let mut state = AlertState::new("k");
    let mut run = |checks: &Checks, now_s| fixture.notified(&mut state, checks, now_s);
    let am = |event, status| ("alertmanager".to_owned(), event, status);
    let to = |channel: &str, event, status| (channel.to_owned(), event, status);
    assert_eq!(run(&ok(), 0), []);
    assert_eq!(
        run(&low(), 600),
        [to("slack", "firing", Alert), to("pagerduty", "firing", Alert), am("reminder", Alert)]
    );
    assert_eq!(run(&low(), 1200), [am("reminder", Alert)]);
    // An unknown status keeps the alert active.
    assert_eq!(run(&unknown(), 1800), [am("reminder", Alert)]);
    assert_eq!(run(&unknown(), 2400), [am("reminder", Alert)]);
    // The third in a row is sent to the channels whose level it reaches.
    assert_eq!(run(&unknown(), 3000), [to("slack", "firing", Unknown), am("reminder", Alert)]);
    assert_eq!(
        run(&ok(), 3600),
        [
            to("slack", "resolved", Ok),
            to("slack", "resolved", Ok),
            to("pagerduty", "resolved", Ok),
            am("resolved", Ok)
        ]
    );
    assert_eq!(run(&ok(), 4200), [am("resolved", Ok)]);
    assert_eq!(run(&ok(), 4800), []);
}

#[test]
fn resolved_messages_can_be_switched_off() {
    let fixture = Fixture::new(&["slack,url=http://h,resolved=no", "teams,url=http://h"]);
    let mut state = AlertState::new("k");
    let channels =
        |run: Vec<(String, &str, Status)>| run.into_iter().map(|(channel, ..)| channel).collect::<Vec<_>>();
    assert_eq!(channels(fixture.notified(&mut state, &low(), 0)), ["slack", "teams"]);
    assert_eq!(channels(fixture.notified(&mut state, &ok(), 600)), ["teams"]);
}

#[test]
fn an_incident_keeps_its_id_and_every_message_has_its_own() {
    let fixture = Fixture::new(&["generic,url=http://h", "slack,url=http://h"]);
    let mut state = AlertState::new("k");
    let mut seen = Vec::new();
    for (checks, now_s) in [(low(), 0), (low(), 4 * 3600), (ok(), 5 * 3600), (low(), 6 * 3600)] {
        fixture.planner().update(&mut state, &verdict(&checks, now_s));
        let entries: Vec<_> = state.outbox.iter().cloned().collect();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].message.id, entries[1].message.id);
        assert_eq!(entries[0].message.record, Some(json!({"r": 1})));
        assert_eq!(entries[1].message.record, None);
        for entry in &entries {
            state.outbox.remove(&entry.channel, &entry.message.id);
        }
        seen.push((entries[0].message.incident.clone(), entries[0].message.id.clone()));
    }
    let incidents: Vec<_> = seen.iter().map(|(incident, _)| incident).collect();
    assert!(incidents[0] == incidents[1] && incidents[1] == incidents[2] && incidents[2] != incidents[3]);
    let ids: BTreeSet<_> = seen.iter().map(|(_, id)| id).collect();
    assert_eq!(ids.len(), 4);
}
