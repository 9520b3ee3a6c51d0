//! A message: verdict, findings with remedies, numbers, and a link. Pure. Its sentences are written once, so that a
//! message that waited in the outbox still describes the time at which it was created.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::escape::{self, Escape};
use super::truncate::{truncate, utf16_len, whole_lines};
use crate::notification::EventKind;
use dvrf_cli::text::both;
use supra_core::amount::Quants;
use supra_core::check::remediation::remedy;
use supra_core::check::{Checks, Finding, Policy, Severity, Status};
use supra_core::failure::quote;
use supra_core::lang::Lang;
use supra_core::state::State;
use supra_core::time::format_span;

/// The longest title, and the longest name of a subscription, in UTF-16 units.
const NAME_UNITS_MAX: usize = 80;
/// The longest sentence of a finding, in UTF-16 units.
const SENTENCE_UNITS_MAX: usize = 500;
/// The most findings that are listed; further ones are only counted.
const FINDINGS_MAX: usize = 12;
/// The most subscriptions that are listed; further ones are only counted.
const NAMES_MAX: usize = 20;

/// A message, independent of the channels that it is sent to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Message {
    /// The id of this message, the same on every channel and for every attempt.
    pub id: String,
    /// The id that all messages of an incident share.
    pub incident: String,
    /// The problem that it is about; empty if it is about several, or about none.
    pub problem: String,
    /// The event that it reports.
    pub event: EventKind,
    /// The status of the subscription.
    pub status: Status,
    /// The highest severity.
    pub severity: Option<Severity>,
    /// The severity before, if it changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<Severity>,
    /// The language of the sentences.
    pub lang: Lang,
    /// The title, the same for all messages.
    pub title: String,
    /// The subscription's name.
    pub subscription: String,
    /// The names of all subscriptions, if a cause concerns several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shared_by: Vec<String>,
    /// The alerts as Alertmanager keeps them, one per incident.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Alert>,
    /// The network's name, if it is configured.
    pub network: Option<String>,
    /// Whether it concerns an unknown status instead of a problem.
    #[serde(rename = "blind")]
    pub is_unknown: bool,
    /// When it was created, in seconds since 1970.
    pub at_s: i64,
    /// When the incident began, in seconds since 1970.
    pub since_s: Option<i64>,
    /// The findings.
    pub items: Vec<Item>,
    /// Numbers with their labels.
    pub numbers: Vec<(String, String)>,
    /// The document about the first finding.
    pub link: Option<String>,
    /// The record, for channels that attach it.
    #[serde(rename = "report", skip_serializing_if = "Option::is_none")]
    pub record: Option<Value>,
}

/// A finding of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The stable code.
    pub code: String,
    /// The severity.
    pub severity: Severity,
    /// The problem, in a sentence.
    pub sentence: String,
    /// What to do about it, in a sentence.
    #[serde(rename = "advice")]
    pub remedy: String,
    /// The document about it.
    pub link: String,
}

/// An alert for Alertmanager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The problem that it is about.
    pub problem: String,
    /// Its worst finding: code and severity are labels.
    pub item: Item,
    /// When it began, in seconds since 1970.
    pub since_s: i64,
    /// When it ended, in seconds since 1970.
    pub ended_s: Option<i64>,
}

/// What all messages of a run have in common.
#[derive(Debug, Clone, Default)]
pub struct MessageTemplate {
    /// The title.
    pub title: String,
    /// The language.
    pub lang: Lang,
    /// The base URL of links to the documents; links are relative if it is empty.
    pub runbook_base: String,
    /// The network's name.
    pub network: Option<String>,
}

impl MessageTemplate {
    fn link(&self, help: &str) -> String {
        let base = self.runbook_base.trim_end_matches('/');
        if base.is_empty() { help.to_owned() } else { format!("{base}/{help}") }
    }

    /// The message of `dvrf-notify test`.
    pub fn test_message(&self, id: String, at_s: i64) -> Message {
        let sentence = self.lang.pick(
            "This is a test. Nothing is wrong; if you can read this, the channel works.",
            "Это проверка. Всё в порядке; если вы это читаете, канал работает.",
        );
        let item = Item {
            code: "TEST".to_owned(),
            severity: Severity::Info,
            sentence,
            remedy: self.lang.pick("Do nothing.", "Ничего делать не нужно."),
            link: self.link("docs/notify.md#test"),
        };
        Message {
            incident: id.clone(),
            id,
            event: EventKind::Test,
            status: Status::Ok,
            lang: self.lang,
            title: truncate(&quote(&self.title), NAME_UNITS_MAX, escape::verbatim),
            subscription: "test".to_owned(),
            at_s,
            link: Some(item.link.clone()),
            items: vec![item],
            ..Message::default()
        }
    }

    /// A finding as messages show it.
    pub fn item(&self, finding: &Finding) -> Item {
        Item {
            code: finding.code.name().to_owned(),
            severity: finding.severity,
            sentence: truncate(&quote(&finding.message), SENTENCE_UNITS_MAX, escape::verbatim),
            remedy: remedy(finding.code, self.lang),
            link: self.link(&finding.help),
        }
    }

    /// A message without event, ids, times and numbers, which the caller adds.
    pub fn message(&self, name: &str, checks: &Checks, items: Vec<Item>) -> Message {
        Message {
            status: checks.status,
            severity: checks.severity,
            network: self.network.clone(),
            lang: self.lang,
            title: truncate(&quote(&self.title), NAME_UNITS_MAX, escape::verbatim),
            subscription: truncate(&quote(name), NAME_UNITS_MAX, escape::verbatim),
            link: items.first().map(|item| item.link.clone()),
            items,
            ..Message::default()
        }
    }
}

/// The numbers of a verdict with their labels; unknown values are left out.
pub fn numbers(
    checks: &Checks,
    state: Option<&State>,
    hours_left: Option<u128>,
    policy: &Policy,
) -> Vec<(String, String)> {
    let lang = policy.lang;
    let mut numbers = Vec::new();
    let mut add = |en: &str, ru: &str, value: Option<String>| {
        if let Some(value) = value {
            numbers.push((lang.pick(en, ru), value));
        }
    };
    add("Deposit", "Депозит", checks.available_quants.map(both));
    add("Minimum", "Минимум", checks.min_balance_onchain.map(both));
    add("Expected minimum", "Ожидаемый минимум", checks.min_balance_expected.map(both));
    add("Deposit / minimum", "Депозит / минимум", checks.ratio.clone());
    let missing = |(balance, minimum): (Quants, Quants)| {
        let wanted = policy.plan.of(minimum.get()).ok()?.checked_sub(balance.get())?;
        (wanted > 0 && checks.status == Status::Alert).then(|| both(Quants(wanted)))
    };
    let percent = policy.plan.as_percent();
    add(
        &format!("To reach {percent} %"),
        &format!("До {percent} % не хватает"),
        checks.available_quants.zip(checks.min_balance_onchain).and_then(missing),
    );
    add("Grant left", "Остаток гранта", checks.grant_remaining.map(both));
    add("Requests left", "Осталось запросов", checks.requests_left.map(|count| count.to_string()));
    add(
        "Hours left at the recent rate",
        "Осталось часов при нынешнем темпе",
        hours_left.map(|h| h.to_string()),
    );
    if let Some(lottery) = state.map(|state| &state.lottery) {
        let yes_or_no = |flag: Option<bool>| {
            flag.map(|flag| lang.pick(if flag { "yes" } else { "no" }, if flag { "да" } else { "нет" }))
        };
        add("Tickets", "Билетов", lottery.ticket_count.map(|count| count.to_string()));
        add("Draw scheduled", "Розыгрыш назначен", yes_or_no(lottery.draw_scheduled));
        add("Request pending", "Запрос ожидает ответа", yes_or_no(lottery.pending_request));
    }
    numbers
}

impl Message {
    /// The icon in front of the headline.
    fn icon(&self) -> &'static str {
        match (self.event, self.status, self.severity) {
            (EventKind::Test, ..) => "🔔",
            (EventKind::Resolved, ..) | (_, Status::Ok, _) => "✅",
            (_, Status::Unknown, _) => "❔",
            (_, Status::Alert, Some(Severity::Critical)) => "🚨",
            (_, Status::Alert, _) => "⚠️",
        }
    }

    /// The status in a few words.
    fn status_text(&self) -> String {
        let lang = self.lang;
        let of_severity = |severity: Option<Severity>| match severity {
            Some(Severity::Critical) => lang.pick("CRITICAL", "КРИТИЧНО"),
            Some(Severity::Info) => lang.pick("notice", "внимание"),
            _ => lang.pick("warning", "предупреждение"),
        };
        let status = match self.status {
            Status::Ok => lang.pick("ok", "в порядке"),
            Status::Unknown => lang.pick("cannot be judged", "нельзя оценить"),
            Status::Alert => of_severity(self.severity),
        };
        let lasted = format_span(self.lasted_s(), lang);
        match self.event {
            EventKind::Report | EventKind::Firing => status,
            EventKind::Worse => lang.pick(format!("worse: {status}"), format!("стало хуже: {status}")),
            EventKind::Better if self.was == self.severity => {
                lang.pick(format!("better: still {status}"), format!("стало лучше: всё ещё {status}"))
            }
            EventKind::Better => {
                let was = of_severity(self.was);
                lang.pick(
                    format!("better: only a {status} now, was {was}"),
                    format!("стало лучше: теперь {status}, было {was}"),
                )
            }
            EventKind::Reminder => {
                lang.pick(format!("still {status}, for {lasted}"), format!("всё ещё {status}, уже {lasted}"))
            }
            EventKind::Resolved if self.since_s.is_none() => lang.pick("no problem", "проблем нет"),
            EventKind::Resolved if self.is_unknown => lang.pick(
                format!("can be judged again after {lasted}"),
                format!("снова можно оценить через {lasted}"),
            ),
            EventKind::Resolved => {
                lang.pick(format!("resolved after {lasted}"), format!("проблема устранена, длилась {lasted}"))
            }
            EventKind::Test => lang.pick("test", "проверка"),
        }
    }

    /// The first line: icon, title, subscription and status.
    pub fn headline(&self) -> String {
        format!("{} {} · {}: {}", self.icon(), self.title, self.subscription, self.status_text())
    }

    /// Findings and their remedies, in lines.
    pub fn findings(&self) -> Vec<String> {
        let is_over = self.event == EventKind::Resolved && self.since_s.is_some();
        let item_lines = |item: &Item| match item.remedy.as_str() {
            _ if is_over => {
                vec![
                    self.lang.pick(format!("• was: {}", item.sentence), format!("• было: {}", item.sentence)),
                ]
            }
            "" => vec![format!("• {}", item.sentence)],
            remedy => vec![format!("• {}", item.sentence), format!("  → {remedy}")],
        };
        let mut lines: Vec<String> = self.items.iter().take(FINDINGS_MAX).flat_map(item_lines).collect();
        if let Some(more) = self.items.len().checked_sub(FINDINGS_MAX).filter(|more| *more > 0) {
            lines.push(self.lang.pick(format!("… and {more} more"), format!("… и ещё {more}")));
        }
        if !self.shared_by.is_empty() {
            let mut names = self.shared_by.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
            if let Some(more) = self.shared_by.len().checked_sub(NAMES_MAX).filter(|more| *more > 0) {
                names.push_str(&self.lang.pick(format!(" and {more} more"), format!(" и ещё {more}")));
            }
            lines.push(self.lang.pick(format!("Concerns: {names}"), format!("Затронуты: {names}")));
        }
        lines
    }

    /// Numbers, the time at which the incident began, and the link, in lines.
    pub fn facts(&self) -> Vec<String> {
        let mut lines: Vec<String> =
            self.numbers.iter().map(|(label, value)| format!("{label}: {value}")).collect();
        if let (Some(since), true) = (self.since(), self.event != EventKind::Report) {
            lines.push(self.lang.pick(format!("Since: {since}"), format!("С: {since}")));
        }
        if let Some(link) = self.link.as_ref().filter(|_| self.event != EventKind::Resolved) {
            lines.push(self.lang.pick(format!("What to do: {link}"), format!("Что делать: {link}")));
        }
        lines
    }

    /// How long the incident has lasted, in seconds.
    fn lasted_s(&self) -> u64 {
        self.since_s.map_or(0, |since| u64::try_from(self.at_s.saturating_sub(since)).unwrap_or(0))
    }

    /// When the incident began, in RFC 3339.
    fn since(&self) -> Option<String> {
        Some(jiff::Timestamp::from_second(self.since_s?).ok()?.to_string())
    }

    /// Findings and facts, escaped and at most `limit` UTF-16 units long. Findings are cut before facts.
    pub fn body(&self, limit: usize, escape: Escape) -> String {
        let escaped = |lines: Vec<String>| -> Vec<String> {
            lines.iter().map(|line| truncate(line, usize::MAX, escape)).collect()
        };
        let facts = escaped(self.facts()).join("\n");
        let room = limit.saturating_sub(utf16_len(&facts) + 3);
        let (mut lines, all) = whole_lines(&escaped(self.findings()), room);
        if !all {
            lines.push("…".to_owned());
        }
        let findings = lines.join("\n");
        let text = if findings.is_empty() { facts } else { format!("{findings}\n\n{facts}") };
        // Facts alone have a few hundred units, but a smaller limit holds too.
        if utf16_len(&text) > limit { truncate(&text, limit, escape::verbatim) } else { text }
    }

    /// The message as plain text, as `--format text` prints it.
    pub fn text(&self) -> String {
        format!("{}\n\n{}\n", self.headline(), self.body(usize::MAX / 2, escape::verbatim))
    }
}

#[cfg(test)]
mod tests;
