//! A message: verdict, findings with remedies, numbers, and a link. Pure. Its sentences are written once, so that a
//! message that waited in the outbox still describes the time at which it was created.

mod render;

pub use render::{CommandMarkup, Line, plain_command};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::escape;
use super::truncate::truncate;
use crate::notification::EventKind;
use dvrf_cli::card::trend::lasts_until;
use dvrf_cli::text::minute;
use supra_core::amount::Quants;
use supra_core::check::code::Code;
use supra_core::check::remediation::remedy;
use supra_core::check::requests::Cause;
use supra_core::check::{Checks, Finding, Policy, Severity, Status};
use supra_core::failure::quote;
use supra_core::lang::Lang;
use supra_core::state::State;

/// The longest title, and the longest name of a subscription, in UTF-16 units.
const NAME_UNITS_MAX: usize = 80;
/// The longest sentence of a finding, in UTF-16 units.
const SENTENCE_UNITS_MAX: usize = 500;
/// The most findings that are listed; further ones are only counted.
const FINDINGS_MAX: usize = 12;
/// The most steps of a remedy.
const STEPS_MAX: usize = 5;
/// The most numbers of a message.
const NUMBERS_MAX: usize = 4;
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
    /// The network's name, where it is known.
    pub network: Option<String>,
    /// The name of the host that sends it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Seconds until the next reminder, where one is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reminder_in_s: Option<u64>,
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
    /// The exit code of the old script, for a message that was sent under its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_exit: Option<u8>,
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
    /// The problem in a few words; empty where the sentence says it best.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Why, where the title does not say it; empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// What to do about it, one step per line.
    #[serde(rename = "advice")]
    pub remedy: String,
    /// The command for the first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The document about it.
    pub link: String,
}

impl Item {
    /// The steps of the remedy, numbered where there are several.
    pub(crate) fn steps(&self) -> Vec<(String, &str)> {
        let steps: Vec<&str> = self.remedy.lines().filter(|step| !step.is_empty()).collect();
        let is_list = steps.len() > 1;
        let number = |position| if is_list { format!("{}. ", position + 1) } else { String::new() };
        steps.into_iter().enumerate().map(|(position, step)| (number(position), step)).collect()
    }
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
    /// The name of this host.
    pub host: String,
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
            title: String::new(),
            cause: String::new(),
            command: None,
            remedy: self.lang.pick("Nothing: it was only a test.", "Ничего: это только проверка."),
            link: self.link("docs/reference/notify.md#test"),
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
        let line = |text: &str| truncate(&quote(text), SENTENCE_UNITS_MAX, escape::verbatim);
        // A verdict of an earlier version has no title and no remedy.
        let steps: Vec<String> = finding.remedy.text.lines().take(STEPS_MAX).map(line).collect();
        let general = || remedy(finding.code, self.lang);
        Item {
            code: finding.code.name().to_owned(),
            severity: finding.severity,
            sentence: line(&finding.message),
            title: line(&finding.title),
            cause: self.cause(finding).as_deref().map(line).unwrap_or_default(),
            remedy: if steps.is_empty() { general() } else { steps.join("\n") },
            command: finding.remedy.command.as_deref().map(quote).filter(|command| !command.ends_with('…')),
            link: self.link(&finding.help),
        }
    }

    /// Why, where the title does not say it already.
    fn cause(&self, finding: &Finding) -> Option<String> {
        match finding.code {
            code if (code.is_deposit_level() || code.is_setup()) && !finding.title.is_empty() => None,
            Code::RequestStuck => Cause::of(finding).map(|cause| cause.in_words(self.lang)),
            _ if finding.title.is_empty() || finding.message == finding.title => None,
            _ => Some(finding.message.clone()),
        }
    }

    /// A message without event, ids, times and numbers, which the caller adds.
    pub fn message(&self, name: &str, checks: &Checks, items: Vec<Item>) -> Message {
        Message {
            status: checks.status,
            severity: checks.severity,
            network: self.network.clone(),
            host: truncate(&quote(&self.host), NAME_UNITS_MAX, escape::verbatim),
            lang: self.lang,
            title: truncate(&quote(&self.title), NAME_UNITS_MAX, escape::verbatim),
            subscription: truncate(&quote(name), NAME_UNITS_MAX, escape::verbatim),
            link: items.first().map(|item| item.link.clone()),
            items,
            ..Message::default()
        }
    }
}

/// The four numbers that matter most for the verdict's worst problem, with their labels; unknown values are left out.
pub fn numbers(checks: &Checks, state: Option<&State>, policy: &Policy) -> Vec<(String, String)> {
    let lang = policy.lang;
    let supra = |quants: Quants| format!("{} SUPRA", quants.supra());
    let balance = checks.available_quants.map(|balance| match (&checks.ratio, checks.min_balance_onchain) {
        (Some(ratio), Some(_)) => lang.pick(
            format!("{} = {ratio} × minimum", supra(balance)),
            format!("{} = {ratio} × минимум", supra(balance)),
        ),
        _ => supra(balance),
    });
    let lottery = state.map(|state| &state.lottery);
    let yes_or_no = |flag: Option<bool>| {
        flag.map(|flag| lang.pick(if flag { "yes" } else { "no" }, if flag { "да" } else { "нет" }))
    };
    let runway = checks.runway.as_ref().map(|runway| lasts_until(runway, lang));
    let deposit = [
        (("Deposit", "Депозит"), balance),
        (("Lasts at the recent rate", "Хватит при нынешнем темпе"), runway),
        (("Minimum", "Минимум"), checks.min_balance_onchain.map(supra)),
        (("Expected minimum", "Ожидаемый минимум"), checks.min_balance_expected.map(supra)),
        (("Requests left", "Хватит на запросов"), checks.requests_left.map(|count| count.to_string())),
        (("Grant left", "Остаток гранта"), checks.grant_remaining.map(supra)),
    ];
    let draws = [
        (("Tickets", "Билетов"), lottery.and_then(|l| l.ticket_count).map(|count| count.to_string())),
        (("Request pending", "Запрос ждёт ответа"), yes_or_no(lottery.and_then(|l| l.pending_request))),
        (("Draw scheduled", "Розыгрыш назначен"), yes_or_no(lottery.and_then(|l| l.draw_scheduled))),
    ];
    let first = checks.findings.first();
    if let Some(stuck) = first.filter(|finding| finding.code == Code::RequestStuck) {
        let [(label, balance), ..] = deposit;
        let at = stuck.evidence.get("requested_at").and_then(Value::as_str).and_then(|at| at.parse().ok());
        let rows = [(label, balance), (("Requested", "Запрошен"), at.map(minute))];
        return rows.into_iter().filter_map(|((en, ru), value)| Some((lang.pick(en, ru), value?))).collect();
    }
    let about_deposit = first.is_none_or(|finding| finding.code.is_deposit_level());
    let (first, second) = if about_deposit { (6, 3) } else { (1, 3) };
    let rest = deposit.iter().skip(first);
    let rows = deposit.iter().take(first).chain(draws.iter().take(second)).chain(rest);
    let known = rows.filter_map(|((en, ru), value)| Some((lang.pick(*en, *ru), value.clone()?)));
    known.take(NUMBERS_MAX).collect()
}

#[cfg(test)]
mod tests;
