//! Which channels receive which messages.

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::json;

use super::recipients::is_due;
use super::*;
use crate::notifier::apply::apply;
use dvrf_cli::channel::parse::parse;
use supra_core::amount::Quants;
use supra_core::check::Finding;
use supra_core::check::code::Code;
use supra_core::check::silence::{Silence, SilenceKind};
use supra_core::delivery::{Attempt, Disposition};
use supra_core::lang::Lang;

fn channel(spec: &str) -> Channel {
    parse(spec, &|_| Ok(None)).unwrap_or_else(|problem| panic!("{problem}"))
}

fn checks(status: Status, code: Option<Code>) -> Checks {
    let findings: Vec<Finding> = code
        .map(|code| {
            Finding::new(code, code.severity(), code.name().to_owned(), serde_json::Map::new(), Lang::En)
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
    silences: Silences,
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
                host: String::new(),
            },
            policy: Policy::default(),
            rules: AlertRules { resolve_after: 1, ..AlertRules::default() },
            silences: Silences::default(),
        }
    }

    fn planner(&self) -> Planner<'_> {
        Planner {
            channels: &self.channels,
            template: &self.template,
            policy: &self.policy,
            rules: &self.rules,
            silences: &self.silences,
            include_json: false,
        }
    }

    /// A receiver's answer to a waiting message.
    fn answer(&self, state: &mut AlertState, entry: &OutboxEntry, disposition: Disposition, now_s: i64) {
        let channel = self.channels.iter().find(|channel| channel.name == entry.channel).unwrap();
        let attempt = Attempt { disposition, reason: None, status: None, tries: 1 };
        apply(state, channel, &entry.message.id, &attempt, now_s, 86_400);
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
            self.answer(state, entry, Disposition::Accepted, now_s);
        }
        entries.into_iter().map(|e| (e.channel, e.message.event.name(), e.message.status)).collect()
    }
}

fn verdict(checks: &Checks, now_s: i64) -> Verdict<'_> {
    static RECORD: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| json!({"r": 1}));
    Verdict { key: "k", name: "n", checks, state: None, draw: None, record: Some(&RECORD), now_s }
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
            to("pagerduty", "resolved", Ok),
            to("slack", "resolved", Ok),
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
            fixture.answer(&mut state, entry, Disposition::Accepted, now_s);
        }
        seen.push((entries[0].message.incident.clone(), entries[0].message.id.clone()));
    }
    let incidents: Vec<_> = seen.iter().map(|(incident, _)| incident).collect();
    // The next incident of the problem has the same id: a pager can resolve it even if the state is lost.
    assert!(incidents[0] == incidents[1] && incidents[1] == incidents[2] && incidents[2] == incidents[3]);
    let ids: BTreeSet<_> = seen.iter().map(|(_, id)| id).collect();
    assert_eq!(ids.len(), 4);
}

fn critical() -> Checks {
    checks(Status::Alert, Some(Code::DepositAtOrBelowMinBalance))
}

/// A pager is not called by an improvement, and its incident ends when it falls below the pager's level.
#[test]
fn a_pager_is_called_by_what_gets_worse() {
    let fixture = Fixture::new(&[
        "pagerduty,name=all,key=k",
        "pagerduty,name=night,key=k,min=critical",
        "slack,url=http://h,min=critical",
        "slack,name=day,url=http://h",
    ]);
    let mut state = AlertState::new("k");
    let mut run = |checks: &Checks, now_s| {
        let sent = fixture.notified(&mut state, checks, now_s);
        sent.into_iter().map(|(channel, event, _)| format!("{channel} {event}")).collect::<Vec<_>>()
    };
    assert_eq!(run(&critical(), 0), ["all firing", "night firing", "slack firing", "day firing"]);
    assert_eq!(run(&low(), 600), ["night better", "slack better", "day better"]);
    assert_eq!(run(&low(), 1200), Vec::<String>::new());
    assert_eq!(run(&critical(), 1800), ["all worse", "night worse", "slack worse", "day worse"]);
    assert_eq!(run(&low(), 2400), ["night better", "slack better", "day better"]);
    // The night pager's incident is over already.
    assert_eq!(run(&ok(), 3000), ["all resolved", "slack resolved", "day resolved"]);
}

/// The end is sent to every channel that was notified, and to no other.
#[test]
fn only_the_notified_are_notified_of_the_end() {
    let fixture = Fixture::new(&["slack,url=http://h", "teams,url=http://h", "discord,url=http://h"]);
    let mut state = AlertState::new("k");
    let planner = fixture.planner();
    planner.update(&mut state, &verdict(&low(), 0));
    let entries: Vec<_> = state.outbox.iter().cloned().collect();
    let retry = Disposition::Retry { after: None };
    for (entry, answer) in entries.iter().zip([Disposition::Accepted, Disposition::Rejected, retry]) {
        fixture.answer(&mut state, entry, answer, 0);
    }
    // Teams refused the content, Discord has not taken it yet: every run says so.
    let behind: Vec<_> = planner.not_taken(&state, "n", 0).into_iter().collect();
    assert_eq!(behind, ["discord", "teams"]);
    planner.update(&mut state, &verdict(&ok(), 600));
    let waiting: Vec<_> =
        state.outbox.iter().map(|e| format!("{} {}", e.channel, e.message.event.name())).collect();
    assert_eq!(waiting, ["discord firing", "slack resolved", "discord resolved"]);
    // Discord refuses the alert for good, so it gets no "resolved".
    let entries: Vec<_> = state.outbox.iter().cloned().collect();
    fixture.answer(&mut state, &entries[0], Disposition::Rejected, 600);
    let waiting: Vec<_> = state.outbox.iter().map(|e| e.channel.clone()).collect();
    assert_eq!(waiting, ["slack"]);
}

/// An open incident reaches a channel that is added or repaired later; one that refused it is tried with new content only.
#[test]
fn an_open_incident_reaches_new_channels() {
    let mut fixture = Fixture::new(&["slack,url=http://h"]);
    let mut state = AlertState::new("k");
    fixture.notified(&mut state, &low(), 0);
    fixture.channels.push(channel("teams,url=http://h"));
    fixture.channels.push(channel("discord,url=http://h,min=critical"));
    assert_eq!(fixture.notified(&mut state, &low(), 600), [("teams".to_owned(), "firing", Status::Alert)]);
    assert_eq!(fixture.notified(&mut state, &low(), 1200), []);
    // What was given up after a day is sent again, with the content of the run.
    fixture.channels.push(channel("generic,url=http://h"));
    fixture.planner().update(&mut state, &verdict(&low(), 1800));
    let entry = state.outbox.iter().next().cloned().unwrap();
    fixture.answer(&mut state, &entry, Disposition::Unauthorized, 1800 + 86_401);
    assert_eq!(state.outbox.iter().count(), 0);
    let late = fixture.notified(&mut state, &low(), 1801 + 86_401);
    assert!(late.iter().any(|(channel, event, _)| channel == "generic" && *event != "resolved"), "{late:?}");
}

fn with_modules(names: &[&str]) -> Checks {
    let finding = |name: &&str| {
        let evidence = json!({"module": name}).as_object().cloned().unwrap();
        let message = format!("the module {name} is disabled");
        Finding::new(Code::ModuleDisabled, Severity::Critical, message, evidence, Lang::En)
    };
    let findings: Vec<Finding> = names.iter().map(finding).collect();
    Checks { findings, severity: Some(Severity::Critical), ..low() }
}

#[test]
fn nineteen_modules_are_nineteen_alerts_and_pages() {
    let fixture = Fixture::new(&["alertmanager,url=http://h", "pagerduty,key=k"]);
    let mut state = AlertState::new("k");
    let names: Vec<String> = (0..19).map(|n| format!("0x1::m{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    fixture.planner().update(&mut state, &verdict(&with_modules(&names), 0));
    let entries: Vec<_> = state.outbox.iter().cloned().collect();
    let pages: BTreeSet<_> =
        entries.iter().filter(|e| e.channel == "pagerduty").map(|e| &e.message.incident).collect();
    assert_eq!(pages.len(), 19);
    let alerts = &entries.iter().find(|e| e.channel == "alertmanager").unwrap().message.alerts;
    let problems: BTreeSet<_> = alerts.iter().map(|alert| &alert.problem).collect();
    assert_eq!((alerts.len(), problems.len()), (19, 19));
}

/// The level is a label: the alert of the old level ends when the new one begins.
#[test]
fn an_alert_of_an_earlier_level_ends() {
    let fixture = Fixture::new(&["alertmanager,url=http://h"]);
    let mut state = AlertState::new("k");
    let mut alerts = |checks: &Checks, now_s| {
        state.outbox = crate::outbox::Outbox::default();
        fixture.planner().update(&mut state, &verdict(checks, now_s));
        let alerts = state.outbox.iter().next().map(|e| e.message.alerts.clone()).unwrap_or_default();
        alerts.into_iter().map(|a| (a.item.severity.name(), a.ended_s)).collect::<Vec<_>>()
    };
    assert_eq!(alerts(&critical(), 0), [("critical", None)]);
    assert_eq!(alerts(&low(), 60), [("critical", Some(60)), ("warning", None)]);
    assert_eq!(alerts(&critical(), 120), [("critical", None), ("warning", Some(120))]);
    assert_eq!(alerts(&ok(), 180), [("critical", Some(180)), ("warning", Some(120))]);
    assert_eq!(alerts(&ok(), 180 + 901), []);
}

/// Without a usable state, a pager gets each problem under the id that it has with one, and what is over is resolved.
#[test]
fn the_fallback_calls_pagers_per_problem() {
    let fixture = Fixture::new(&["slack,url=http://h", "pagerduty,key=k"]);
    let planner = fixture.planner();
    let both =
        Checks { findings: [with_modules(&["a"]).findings, low().findings].concat(), ..with_modules(&[]) };
    let (_, entries) = planner.fallback(&verdict(&both, 0), "run");
    let pages: Vec<_> =
        entries.iter().filter(|e| e.channel == "pagerduty").map(|e| e.message.incident.clone()).collect();
    assert_eq!(pages, [incident_id("k", "MODULE_DISABLED a"), incident_id("k", "deposit")]);
    assert_eq!(entries.len(), 3);
    // Chats are not sent "ok" by each run that cannot remember.
    let (_, entries) = planner.fallback(&verdict(&ok(), 0), "run");
    assert!(entries.iter().all(|e| e.channel == "pagerduty" && e.message.event == EventKind::Resolved));
    assert!(entries.iter().any(|e| e.message.incident == incident_id("k", "deposit")));
    assert!(entries.len() > 20);
}

#[test]
fn a_draw_that_was_not_due_is_not_reported() {
    let fixture = Fixture::new(&["slack,url=http://h,min=ok"]);
    let sent = |draw: &DrawOutcome| {
        let checks = ok();
        let verdict = Verdict { draw: Some(draw), ..verdict(&checks, 0) };
        let (message, entries) = fixture.planner().report(&verdict, "run");
        (message.numbers, entries.len())
    };
    let numbers = vec![("Round".to_owned(), "7".to_owned())];
    let silent = DrawOutcome { numbers: numbers.clone(), ..DrawOutcome::default() };
    assert_eq!(sent(&silent), (numbers.clone(), 0));
    let news = problems(&low(), Severity::Warning, &fixture.template).remove(0).items.pop();
    assert_eq!(sent(&DrawOutcome { news, ..silent }), (numbers, 1));
}

/// That a draw was requested is said once, to people who want to know of everything.
#[test]
fn a_requested_draw_is_news_to_people() {
    let specs = [
        "slack,url=http://h,min=ok",
        "teams,url=http://h,min=critical",
        "pagerduty,key=k,min=ok",
        "ping,url=http://h",
    ];
    let mut fixture = Fixture::new(&specs);
    let news = problems(&low(), Severity::Warning, &fixture.template).remove(0).items.pop();
    let draw = DrawOutcome { news, checks: ok(), ..DrawOutcome::default() };
    let told = |fixture: &Fixture| {
        let (checks, mut state) = (ok(), AlertState::new("k"));
        let plan =
            fixture.planner().update(&mut state, &Verdict { draw: Some(&draw), ..verdict(&checks, 0) });
        assert!(plan.messages.iter().all(|message| message.severity == Some(Severity::Info)));
        state.outbox.iter().map(|entry| entry.channel.clone()).collect::<Vec<_>>()
    };
    assert_eq!(told(&fixture), ["slack"]);
    fixture.silences = silence(SilenceKind::Mute, None, Some("draw"), 0);
    assert_eq!(told(&fixture), [""; 0]);
}

/// An alert says when it will be said again.
#[rstest]
#[case::every_hour(Some(3600), Some(3600))]
#[case::at_once(Some(0), None)]
#[case::never(None, None)]
fn the_next_reminder_is_named(#[case] every_s: Option<i64>, #[case] expected: Option<u64>) {
    let mut fixture = Fixture::new(&["slack,url=http://h"]);
    fixture.rules.repeat_every_s = every_s;
    let mut state = AlertState::new("k");
    let mut reminder_in_s = |checks: &Checks, now_s| {
        let plan = fixture.planner().update(&mut state, &verdict(checks, now_s));
        (plan.messages[0].event, plan.messages[0].reminder_in_s)
    };
    assert_eq!(reminder_in_s(&low(), 0), (EventKind::Firing, expected));
    assert_eq!(reminder_in_s(&ok(), 60), (EventKind::Resolved, None));
}

#[rstest]
#[case::at_once("slack,url=http://h", false, true, 0, true)]
#[case::not_yet("slack,url=http://h,after=30m", false, false, 1799, false)]
#[case::by_now("slack,url=http://h,after=30m", false, false, 1800, true)]
#[case::somebody_works_on_it("slack,url=http://h,after=30m", false, true, 1800, false)]
#[case::knows_of_it("slack,url=http://h,after=30m", true, true, 0, true)]
fn when_a_channel_is_to_know(
    #[case] spec: &str,
    #[case] knows: bool,
    #[case] is_acknowledged: bool,
    #[case] age_s: i64,
    #[case] expected: bool,
) {
    let fixture = Fixture::new(&[spec]);
    let mut state = AlertState::new("k");
    fixture.planner().update(&mut state, &verdict(&low(), 1000));
    let incident = state.incidents.values_mut().next().unwrap();
    incident.channels = knows.then(|| "slack".to_owned()).into_iter().collect();
    assert_eq!(is_due(&fixture.channels[0], incident, is_acknowledged, 1000 + age_s), expected);
}

/// A record is read into a value for each run only where a channel sends it along.
#[rstest]
#[case::generic("generic,url=http://h", false, true)]
#[case::slack("slack,url=http://h", false, false)]
#[case::slack_with_json("slack,url=http://h", true, true)]
#[case::pager_with_json("pagerduty,key=k", true, false)]
fn the_record_is_needed(#[case] spec: &str, #[case] include_json: bool, #[case] needed: bool) {
    let fixture = Fixture::new(&[spec]);
    assert_eq!(Planner { include_json, ..fixture.planner() }.needs_record(), needed);
}

/// An incident that ended is remembered while a message about it waits, whatever else waits.
#[test]
fn an_incident_is_forgotten_after_its_last_message() {
    let fixture = Fixture::new(&["slack,url=http://h"]);
    let mut state = AlertState::new("k");
    let run = |state: &mut AlertState, checks: &Checks, now_s| {
        fixture.planner().update(state, &verdict(checks, now_s));
        state.incidents.keys().cloned().collect::<Vec<_>>()
    };
    let both = with_modules(&["a"]);
    assert_eq!(run(&mut state, &low(), 0), ["deposit"]);
    run(&mut state, &both, 600);
    let (deposit, module): (Vec<_>, Vec<_>) =
        state.outbox.iter().cloned().partition(|entry| entry.message.problem == "deposit");
    assert!(!deposit.is_empty() && !module.is_empty(), "{:?}", state.outbox);
    assert!(run(&mut state, &both, 3600).contains(&"deposit".to_owned()));
    for entry in &deposit {
        fixture.answer(&mut state, entry, Disposition::Accepted, 3600);
    }
    assert!(!run(&mut state, &both, 7200).contains(&"deposit".to_owned()));
}

/// After a damaged file, receivers with an alert that nobody remembers get an end.
#[test]
fn a_lost_state_is_resolved_outside() {
    let fixture = Fixture::new(&["slack,url=http://h", "pagerduty,key=k", "ping,url=http://h"]);
    let mut state = AlertState::lost("k");
    fixture.planner().update(&mut state, &verdict(&ok(), 600));
    let entries: Vec<_> = state.outbox.iter().cloned().collect();
    assert!(entries[0].message.text().starts_with("✅ t · n: no problem\n\nNo problem is open."));
    let is_deposit = |entry: &&OutboxEntry| entry.message.incident == incident_id("k", "deposit");
    let of_deposit: Vec<_> = entries.iter().filter(is_deposit).collect();
    assert_eq!((of_deposit.len(), of_deposit[0].message.problem.as_str()), (1, "deposit"));
    assert!(entries.iter().all(|entry| entry.channel != "ping"), "{entries:?}");
}

fn silence(kind: SilenceKind, subscription: Option<&str>, problem: Option<&str>, since_s: i64) -> Silences {
    Silences(vec![Silence {
        kind,
        subscription: subscription.map(str::to_owned),
        problem: problem.map(str::to_owned),
        since_s,
        until_s: i64::MAX,
        by: "ann".to_owned(),
        reason: String::new(),
    }])
}

#[test]
fn a_muted_problem_is_said_when_the_mute_ends() {
    let mut fixture = Fixture::new(&["slack,url=http://h", "alertmanager,url=http://h"]);
    let mut state = AlertState::new("k");
    fixture.silences = silence(SilenceKind::Mute, Some("n"), None, 0);
    assert_eq!(fixture.notified(&mut state, &low(), 0), []);
    assert!(fixture.planner().not_taken(&state, "n", 0).is_empty());
    fixture.silences = Silences::default();
    let told = fixture.notified(&mut state, &low(), 60);
    assert_eq!(told[0], ("slack".to_owned(), "firing", Status::Alert));
    assert_eq!(told[1].0, "alertmanager");
}

#[rstest]
#[case::subscription(Some("n"), None, true)]
#[case::code(None, Some("deposit_below_warn_tier"), true)]
#[case::problem(None, Some("deposit"), true)]
#[case::other_subscription(Some("other"), None, false)]
#[case::other_problem(Some("n"), Some("request"), false)]
fn a_mute_is_about_what_it_names(
    #[case] subscription: Option<&str>,
    #[case] problem: Option<&str>,
    #[case] is_muted: bool,
) {
    let mut fixture = Fixture::new(&ALL);
    fixture.silences = silence(SilenceKind::Maintenance, subscription, problem, 0);
    let level = if is_muted { Level::Ok } else { Level::From(Severity::Warning) };
    assert_eq!(fixture.planner().level(&verdict(&low(), 0)), level);
    let expected: &[&str] = if is_muted { &[] } else { &["slack", "pagerduty", "alertmanager"] };
    assert_eq!(fixture.reported(&low()), expected);
    let fallback = low();
    let (_, entries) = fixture.planner().fallback(&verdict(&fallback, 0), "run");
    assert_eq!(entries.is_empty(), is_muted);
}

#[test]
fn what_changes_under_a_mute_is_said_once_when_it_ends() {
    let mut fixture = Fixture::new(&["slack,url=http://h", "teams,url=http://h,min=critical"]);
    let mut state = AlertState::new("k");
    assert_eq!(fixture.notified(&mut state, &low(), 0), [("slack".to_owned(), "firing", Status::Alert)]);
    fixture.silences = silence(SilenceKind::Mute, None, Some("deposit"), 0);
    assert_eq!(fixture.notified(&mut state, &critical(), 60), []);
    fixture.silences = Silences::default();
    assert_eq!(
        fixture.notified(&mut state, &critical(), 120),
        [("slack".to_owned(), "reminder", Status::Alert), ("teams".to_owned(), "firing", Status::Alert)]
    );
    assert_eq!(fixture.notified(&mut state, &critical(), 180), []);
}

#[test]
fn the_end_of_a_muted_problem_reaches_those_who_know_of_it() {
    let mut fixture = Fixture::new(&["slack,url=http://h"]);
    let mut state = AlertState::new("k");
    fixture.notified(&mut state, &low(), 0);
    fixture.silences = silence(SilenceKind::Mute, Some("n"), None, 0);
    assert_eq!(fixture.notified(&mut state, &ok(), 60), [("slack".to_owned(), "resolved", Status::Ok)]);
    assert_eq!(fixture.notified(&mut state, &low(), 120), []);
    assert_eq!(fixture.notified(&mut state, &ok(), 180), []);
}

#[test]
fn an_acknowledged_problem_has_no_reminder_until_it_comes_again() {
    let mut fixture = Fixture::new(&["slack,url=http://h"]);
    let mut state = AlertState::new("k");
    let hours = |n: i64| n * 3600;
    fixture.notified(&mut state, &low(), 0);
    fixture.silences = silence(SilenceKind::Ack, Some("n"), None, 60);
    assert_eq!(fixture.notified(&mut state, &low(), hours(5)), []);
    let worse = fixture.planner().update(&mut state, &verdict(&critical(), hours(6)));
    assert_eq!(worse.messages[0].event.name(), "worse");
    assert_eq!(worse.messages[0].numbers[0], ("Acknowledged".to_owned(), "ann".to_owned()));
    fixture.notified(&mut state, &ok(), hours(7));
    assert_eq!(
        fixture.notified(&mut state, &low(), hours(8)),
        [("slack".to_owned(), "firing", Status::Alert)]
    );
    assert_eq!(
        fixture.notified(&mut state, &low(), hours(13)),
        [("slack".to_owned(), "reminder", Status::Alert)]
    );
}

/// Acknowledgements are forgotten with the problems that a plan says have ended.
#[test]
fn only_what_has_ended_is_planned_as_resolved() {
    let fixture = Fixture::new(&["slack,url=http://h"]);
    let mut state = AlertState::new("k");
    let mut resolved = |checks: &Checks, now_s| -> Vec<String> {
        let plan = fixture.planner().update(&mut state, &verdict(checks, now_s));
        plan.resolved.into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(resolved(&low(), 0), [""; 0]);
    assert_eq!(resolved(&critical(), 600), [""; 0]);
    assert_eq!(resolved(&ok(), 1200), ["deposit"]);
}

#[test]
fn a_problem_that_lasts_is_escalated_unless_it_is_acknowledged() {
    let mut fixture = Fixture::new(&["slack,url=http://h", "pagerduty,key=k,after=30m"]);
    let mut state = AlertState::new("k");
    let channels = |told: Vec<(String, &'static str, Status)>| -> Vec<String> {
        told.into_iter().map(|(channel, ..)| channel).collect()
    };
    assert_eq!(channels(fixture.notified(&mut state, &low(), 0)), ["slack"]);
    assert!(fixture.planner().not_taken(&state, "n", 1799).is_empty());
    assert_eq!(channels(fixture.notified(&mut state, &low(), 1799)), [""; 0]);
    let acknowledged = silence(SilenceKind::Ack, Some("n"), None, 60);
    let unacknowledged = std::mem::replace(&mut fixture.silences, acknowledged);
    assert_eq!(channels(fixture.notified(&mut state, &low(), 1800)), [""; 0]);
    fixture.silences = unacknowledged;
    assert_eq!(fixture.planner().not_taken(&state, "n", 1800), ["pagerduty".to_owned()].into());
    assert_eq!(channels(fixture.notified(&mut state, &low(), 1800)), ["pagerduty"]);
    assert_eq!(channels(fixture.notified(&mut state, &ok(), 1860)), ["slack", "pagerduty"]);
}
