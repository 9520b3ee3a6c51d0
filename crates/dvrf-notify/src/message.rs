//! What is said: the verdict, what and why, the numbers, how long they last, what to do, where to read on. Pure; the
//! sentences are made once, so that a message that waited in the outbox says what was true when it was written.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::escape::{self, Escape};
use super::truncate::{truncate, utf16_len, whole_lines};
use crate::notification::Event;
use dvrf_cli::text::both;
use supra_core::amount::Quants;
use supra_core::check::remediation::remedy;
use supra_core::check::{Checks, Finding, Policy, Severity, Status};
use supra_core::failure::quote;
use supra_core::lang::Lang;
use supra_core::state::State;

/// The longest name of a subscription, and the longest title, in UTF-16 units.
const NAME_UNITS_MAX: usize = 80;
/// The longest sentence of a finding.
const SENTENCE_UNITS_MAX: usize = 500;
/// More findings than this are counted, not listed.
const FINDINGS_MAX: usize = 12;

/// A message, before any channel's form.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Message {
    /// Its own id: the same on every channel and for every attempt.
    pub id: String,
    /// The id that its incident's messages share.
    pub incident: String,
    /// Why it is sent.
    pub event: Event,
    /// The verdict.
    pub status: Status,
    /// The gravest severity.
    pub severity: Option<Severity>,
    /// The language of its sentences.
    pub lang: Lang,
    /// The title of all messages.
    pub title: String,
    /// The subscription's name.
    pub subscription: String,
    /// The network's name, where the settings name one.
    pub network: Option<String>,
    /// Whether it is about not being able to judge.
    pub blind: bool,
    /// When it was written, seconds since 1970.
    pub at_s: i64,
    /// When its incident began.
    pub since_s: Option<i64>,
    /// What was found.
    pub items: Vec<Item>,
    /// Labelled numbers.
    pub numbers: Vec<(String, String)>,
    /// Where to read on.
    pub link: Option<String>,
    /// The record, for channels that carry it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Value>,
}

/// One finding as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its stable code.
    pub code: String,
    /// How grave.
    pub severity: Severity,
    /// What is wrong.
    pub sentence: String,
    /// What to do.
    #[serde(rename = "advice")]
    pub remedy: String,
    /// Where to read on.
    pub link: String,
}

/// What every message of a run has.
#[derive(Debug, Clone)]
pub struct Voice {
    /// The title.
    pub title: String,
    /// The language.
    pub lang: Lang,
    /// What the links to the documents begin with; empty: relative ones.
    pub runbook_base: String,
    /// The network's name.
    pub network: Option<String>,
}

impl Voice {
    fn link(&self, help: &str) -> String {
        let base = self.runbook_base.trim_end_matches('/');
        if base.is_empty() { help.to_owned() } else { format!("{base}/{help}") }
    }

    /// A message of no subscription: `dvrf-notify test`.
    pub fn test(&self, id: String, at_s: i64) -> Message {
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
            event: Event::Test,
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

    /// The message without its event, ids and times, which the caller knows.
    pub fn message(&self, name: &str, checks: &Checks, findings: &[Finding]) -> Message {
        let items: Vec<Item> = findings
            .iter()
            .map(|finding| Item {
                code: finding.code.name().to_owned(),
                severity: finding.severity,
                sentence: truncate(&quote(&finding.message), SENTENCE_UNITS_MAX, escape::verbatim),
                remedy: remedy(finding.code, self.lang),
                link: self.link(&finding.help),
            })
            .collect();
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

/// The labelled numbers of a verdict; what is not known is not listed.
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
    let lacking = |(balance, minimum): (Quants, Quants)| {
        let wanted = policy.plan.of(minimum.get()).ok()?.checked_sub(balance.get())?;
        (wanted > 0 && checks.status == Status::Alert).then(|| both(Quants(wanted)))
    };
    let percent = policy.plan.as_percent();
    add(
        &format!("To reach {percent} %"),
        &format!("До {percent} % не хватает"),
        checks.available_quants.zip(checks.min_balance_onchain).and_then(lacking),
    );
    add("Grant left", "Остаток гранта", checks.grant_remaining.map(both));
    add("Requests left", "Осталось запросов", checks.requests_left.map(|count| count.to_string()));
    add(
        "Hours left at the recent rate",
        "Осталось часов при нынешнем темпе",
        hours_left.map(|h| h.to_string()),
    );
    if let Some(lottery) = state.map(|state| &state.lottery) {
        let word = |flag: Option<bool>| {
            flag.map(|flag| lang.pick(if flag { "yes" } else { "no" }, if flag { "да" } else { "нет" }))
        };
        add("Tickets", "Билетов", lottery.ticket_count.map(|count| count.to_string()));
        add("Draw scheduled", "Розыгрыш назначен", word(lottery.draw_scheduled));
        add("Request pending", "Запрос ожидает ответа", word(lottery.pending_request));
    }
    numbers
}

/// A span for people: `2 d 3 h`, `5 min`, `40 s`.
pub fn span(seconds: i64, lang: Lang) -> String {
    let seconds = seconds.max(0);
    let units = [
        (86_400, lang.pick("d", "д")),
        (3600, lang.pick("h", "ч")),
        (60, lang.pick("min", "мин")),
        (1, lang.pick("s", "с")),
    ];
    let first = units.iter().position(|(length, _)| seconds >= *length).unwrap_or(3);
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (length, word) in units.iter().skip(first).take(2) {
        let count = rest / length;
        rest %= length;
        if count > 0 || parts.is_empty() {
            parts.push(format!("{count} {word}"));
        }
    }
    parts.join(" ")
}

impl Message {
    /// The icon of the verdict, and that of an end.
    pub fn icon(&self) -> &'static str {
        match (self.event, self.status, self.severity) {
            (Event::Test, ..) => "🔔",
            (Event::Resolved, ..) | (_, Status::Ok, _) => "✅",
            (_, Status::Unknown, _) => "❔",
            (_, Status::Alert, Some(Severity::Critical)) => "🚨",
            (_, Status::Alert, _) => "⚠️",
        }
    }

    /// The verdict in a few words.
    pub fn verdict(&self) -> String {
        let lang = self.lang;
        let grave = match (self.status, self.severity) {
            (Status::Ok, _) => lang.pick("ok", "в порядке"),
            (Status::Unknown, _) => lang.pick("cannot be judged", "нельзя оценить"),
            (Status::Alert, Some(Severity::Critical)) => lang.pick("CRITICAL", "КРИТИЧНО"),
            (Status::Alert, Some(Severity::Info)) => lang.pick("notice", "внимание"),
            (Status::Alert, _) => lang.pick("warning", "предупреждение"),
        };
        let lasted = span(self.since_s.map_or(0, |since| self.at_s.saturating_sub(since)), lang);
        match self.event {
            Event::Report | Event::Firing => grave,
            Event::Worse => lang.pick(format!("worse: {grave}"), format!("хуже: {grave}")),
            Event::Reminder => {
                lang.pick(format!("still {grave}, for {lasted}"), format!("всё ещё {grave}, уже {lasted}"))
            }
            Event::Resolved if self.blind => lang.pick(
                format!("can be judged again after {lasted}"),
                format!("снова можно оценить через {lasted}"),
            ),
            Event::Resolved => {
                lang.pick(format!("resolved after {lasted}"), format!("исправлено через {lasted}"))
            }
            Event::Test => lang.pick("test", "проверка"),
        }
    }

    /// The first line.
    pub fn headline(&self) -> String {
        format!("{} {} · {}: {}", self.icon(), self.title, self.subscription, self.verdict())
    }

    /// What was found and what to do, in lines.
    pub fn findings(&self) -> Vec<String> {
        let over = self.event == Event::Resolved;
        let told = |item: &Item| {
            if over {
                vec![
                    self.lang.pick(format!("• was: {}", item.sentence), format!("• было: {}", item.sentence)),
                ]
            } else {
                vec![format!("• {}", item.sentence), format!("  → {}", item.remedy)]
            }
        };
        let mut lines: Vec<String> = self.items.iter().take(FINDINGS_MAX).flat_map(told).collect();
        if let Some(more) = self.items.len().checked_sub(FINDINGS_MAX).filter(|more| *more > 0) {
            lines.push(self.lang.pick(format!("… and {more} more"), format!("… и ещё {more}")));
        }
        lines
    }

    /// Numbers, the beginning and the link, in lines.
    pub fn facts(&self) -> Vec<String> {
        let mut lines: Vec<String> =
            self.numbers.iter().map(|(label, value)| format!("{label}: {value}")).collect();
        if let (Some(since), true) = (self.since(), self.event != Event::Report) {
            lines.push(self.lang.pick(format!("Since: {since}"), format!("С: {since}")));
        }
        if let Some(link) = self.link.as_ref().filter(|_| self.event != Event::Resolved) {
            lines.push(self.lang.pick(format!("What to do: {link}"), format!("Что делать: {link}")));
        }
        lines
    }

    /// When the incident began, RFC 3339.
    pub fn since(&self) -> Option<String> {
        Some(jiff::Timestamp::from_second(self.since_s?).ok()?.to_string())
    }

    /// Everything but the first line, escaped and at most `limit` units long; findings give way to facts.
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
        // Facts alone are some hundred units; a limit below that is still kept.
        if utf16_len(&text) > limit { truncate(&text, limit, escape::verbatim) } else { text }
    }

    /// The whole message as plain text, as `--format text` prints it.
    pub fn text(&self) -> String {
        format!("{}\n\n{}\n", self.headline(), self.body(usize::MAX / 2, escape::verbatim))
    }
}

#[cfg(test)]
mod tests;
