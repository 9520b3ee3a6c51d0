//! Who hears what.

use serde_json::json;

use super::*;
use dvrf_cli::channel::parse::parse;
use supra_core::amount::Quants;
use supra_core::check::code::Code;
use supra_core::lang::Lang;

fn channel(words: &str) -> Channel {
    parse(words, &|_| Ok(None)).unwrap_or_else(|problem| panic!("{problem}"))
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

fn fine() -> Checks {
    checks(Status::Ok, None)
}

fn blind() -> Checks {
    checks(Status::Unknown, Some(Code::ValueUnknown))
}

struct Fixture {
    channels: Vec<Channel>,
    voice: Voice,
    policy: Policy,
    rules: AlertRules,
}

impl Fixture {
    fn new(words: &[&str]) -> Self {
        Self {
            channels: words.iter().map(|words| channel(words)).collect(),
            voice: Voice { title: "t".into(), lang: Lang::En, runbook_base: String::new(), network: None },
            policy: Policy::default(),
            rules: AlertRules { resolve_after: 1, ..AlertRules::default() },
        }
    }

    fn telling(&self) -> Telling<'_> {
        Telling {
            channels: &self.channels,
            voice: &self.voice,
            policy: &self.policy,
            rules: &self.rules,
            include_json: false,
        }
    }

    fn reported(&self, checks: &Checks) -> Vec<String> {
        let (_, entries) = self.telling().report(&case(checks, 0), "run");
        entries.into_iter().map(|entry| entry.channel).collect()
    }

    /// The channels and events of one run, as if all were delivered.
    fn remembered(
        &self,
        memory: &mut AlertState,
        checks: &Checks,
        now_s: i64,
    ) -> Vec<(String, &'static str, Status)> {
        self.telling().remember(memory, &case(checks, now_s));
        let entries: Vec<_> = memory.outbox.iter().cloned().collect();
        for entry in &entries {
            memory.outbox.remove(&entry.channel, &entry.message.id);
        }
        entries.into_iter().map(|e| (e.channel, e.message.event.name(), e.message.status)).collect()
    }
}

fn case(checks: &Checks, now_s: i64) -> Case<'_> {
    static REPORT: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| json!({"r": 1}));
    Case { key: "k", name: "n", checks, state: None, report: Some(&REPORT), now_s }
}

const ALL: [&str; 5] = [
    "slack,url=http://h",
    "teams,url=http://h,min=critical",
    "pagerduty,key=k,min=warning",
    "alertmanager,url=http://h",
    "ping,url=http://h",
];

#[test]
fn without_a_memory_every_run_tells_by_level() {
    let fixture = Fixture::new(&ALL);
    assert_eq!(fixture.reported(&fine()), ["slack", "pagerduty"]);
    assert_eq!(fixture.reported(&low()), ["slack", "pagerduty", "alertmanager"]);
    assert_eq!(fixture.reported(&blind()), ["slack", "alertmanager"]);
    let critical = checks(Status::Alert, Some(Code::DepositAtOrBelowMinBalance));
    assert_eq!(fixture.reported(&critical), ["slack", "teams", "pagerduty", "alertmanager"]);
    // The same run has the same ids, another run others.
    let id = |run| fixture.telling().report(&case(&low(), 0), run).0.id;
    assert_eq!(id("1"), id("1"));
    assert_ne!(id("1"), id("2"));
}

#[test]
fn with_a_memory_news_only_and_alertmanager_always() {
    use Status::{Alert, Ok, Unknown};
    let fixture = Fixture::new(&ALL);
    let mut memory = AlertState::new("k");
    let mut run = |checks: &Checks, now_s| fixture.remembered(&mut memory, checks, now_s);
    let am = |event, status| ("alertmanager".to_owned(), event, status);
    let to = |channel: &str, event, status| (channel.to_owned(), event, status);
    assert_eq!(run(&fine(), 0), []);
    assert_eq!(
        run(&low(), 600),
        [to("slack", "firing", Alert), to("pagerduty", "firing", Alert), am("reminder", Alert)]
    );
    assert_eq!(run(&low(), 1200), [am("reminder", Alert)]);
    // What cannot be judged keeps the alert alive.
    assert_eq!(run(&blind(), 1800), [am("reminder", Alert)]);
    assert_eq!(run(&blind(), 2400), [am("reminder", Alert)]);
    // The third in a row is told to those who hear of unknowns.
    assert_eq!(run(&blind(), 3000), [to("slack", "firing", Unknown), am("reminder", Alert)]);
    assert_eq!(
        run(&fine(), 3600),
        [
            to("slack", "resolved", Ok),
            to("slack", "resolved", Ok),
            to("pagerduty", "resolved", Ok),
            am("resolved", Ok)
        ]
    );
    assert_eq!(run(&fine(), 4200), [am("resolved", Ok)]);
    assert_eq!(run(&fine(), 4800), []);
}

#[test]
fn the_end_is_told_to_those_who_want_it() {
    let fixture = Fixture::new(&["slack,url=http://h,resolved=no", "teams,url=http://h"]);
    let mut memory = AlertState::new("k");
    let told =
        |run: Vec<(String, &str, Status)>| run.into_iter().map(|(channel, ..)| channel).collect::<Vec<_>>();
    assert_eq!(told(fixture.remembered(&mut memory, &low(), 0)), ["slack", "teams"]);
    assert_eq!(told(fixture.remembered(&mut memory, &fine(), 600)), ["teams"]);
}

#[test]
fn one_incident_one_id_and_every_message_its_own() {
    let fixture = Fixture::new(&["generic,url=http://h", "slack,url=http://h"]);
    let mut memory = AlertState::new("k");
    let mut seen = Vec::new();
    for (checks, now_s) in [(low(), 0), (low(), 4 * 3600), (fine(), 5 * 3600), (low(), 6 * 3600)] {
        fixture.telling().remember(&mut memory, &case(&checks, now_s));
        let entries: Vec<_> = memory.outbox.iter().cloned().collect();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].message.id, entries[1].message.id);
        assert_eq!(entries[0].message.report, Some(json!({"r": 1})));
        assert_eq!(entries[1].message.report, None);
        for entry in &entries {
            memory.outbox.remove(&entry.channel, &entry.message.id);
        }
        seen.push((entries[0].message.incident.clone(), entries[0].message.id.clone()));
    }
    let incidents: Vec<_> = seen.iter().map(|(incident, _)| incident).collect();
    assert!(incidents[0] == incidents[1] && incidents[1] == incidents[2] && incidents[2] != incidents[3]);
    let ids: BTreeSet<_> = seen.iter().map(|(_, id)| id).collect();
    assert_eq!(ids.len(), 4);
}
