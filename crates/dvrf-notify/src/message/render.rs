//! The text of a message: headline, cause, steps, facts.

use dvrf_cli::card::abbreviated;
use dvrf_cli::settings::variables;
use dvrf_cli::text::minute;
use supra_core::check::code::Code;
use supra_core::check::{Severity, Status};
use supra_core::time::format_span;

use super::{FINDINGS_MAX, Item, Message, NAMES_MAX};
use crate::escape::{self, Escape};
use crate::notification::EventKind;
use crate::truncate::{truncate, utf16_len, whole_lines};

/// A line of a message's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Text, to be escaped.
    Text(String),
    /// A command, which a channel may set in its markup for code.
    Command(String),
}

/// How a channel writes a command, which is not escaped yet.
pub type CommandMarkup = fn(&str) -> String;

impl Item {
    /// The problem in a few words, else the sentence about it.
    pub fn name(&self) -> &str {
        if self.title.is_empty() { &self.sentence } else { &self.title }
    }
}

impl Message {
    /// The icon in front of the headline.
    fn icon(&self) -> &'static str {
        match (self.event, self.status, self.severity) {
            (EventKind::Test, ..) => "🔔",
            (EventKind::Resolved, ..) | (_, Status::Ok, _) => "✅",
            (_, Status::Unknown, _) => "❔",
            (_, Status::Alert, Some(Severity::Critical)) => "🚨",
            // Every draw aborts, although each finding is only a warning.
            (_, Status::Alert, _) if self.is_setup() => "🚨",
            (_, Status::Alert, _) => "⚠️",
        }
    }

    /// The problem in a few words; the others are counted.
    fn problem_text(&self) -> String {
        let lang = self.lang;
        let Some(first) = self.items.first() else {
            return match self.status {
                Status::Ok => lang.pick("all is well", "всё в порядке"),
                Status::Unknown => lang.pick("status unknown", "состояние неизвестно"),
                Status::Alert => lang.pick("problem found", "найдена проблема"),
            };
        };
        if self.is_setup() {
            let missing = self.items.len();
            return lang.pick(
                format!("not set up: a draw would abort ({missing} things missing)"),
                format!("не настроено: розыгрыш будет прерван (не хватает: {missing})"),
            );
        }
        let name = first.name();
        let name = match (self.status, self.event) {
            (Status::Unknown, event) if event != EventKind::Resolved => {
                lang.pick(format!("status unknown: {name}"), format!("состояние неизвестно: {name}"))
            }
            _ => name.to_owned(),
        };
        match self.items.len() {
            0 | 1 => name,
            many => {
                let more = many - 1;
                lang.pick(format!("{name} (and {more} more)"), format!("{name} (и ещё {more})"))
            }
        }
    }

    /// Whether it is about several things that the setup of a lottery lacks, and about nothing else.
    fn is_setup(&self) -> bool {
        let is_setup = |item: &Item| Code::of_name(&item.code).is_some_and(Code::is_setup);
        self.items.len() > 1 && self.items.iter().all(is_setup)
    }

    /// What happened, in a few words.
    pub(super) fn status_text(&self) -> String {
        let lang = self.lang;
        let problem = self.problem_text();
        let lasted = format_span(self.lasted_s(), lang);
        match self.event {
            EventKind::Report | EventKind::Firing => problem,
            EventKind::Worse => lang.pick(format!("worse: {problem}"), format!("стало хуже: {problem}")),
            EventKind::Better => lang.pick(format!("better: {problem}"), format!("стало лучше: {problem}")),
            EventKind::Reminder => lang.pick(
                format!("still, for {lasted}: {problem}"),
                format!("по-прежнему, уже {lasted}: {problem}"),
            ),
            EventKind::Resolved if self.since_s.is_none() => lang.pick("no problem", "проблем нет"),
            EventKind::Resolved if self.is_unknown => lang.pick(
                format!("status known again after {lasted}"),
                format!("состояние снова известно, было неизвестно {lasted}"),
            ),
            EventKind::Resolved => lang.pick(
                format!("resolved after {lasted}: {problem}"),
                format!("проблема устранена, длилась {lasted}: {problem}"),
            ),
            EventKind::Test => lang.pick("test", "проверка"),
        }
    }

    /// The first line: icon, title if it is not the usual one, subscription, network and problem.
    pub fn headline(&self) -> String {
        let network = self.network.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        // A title of one's own tells apart what several monitors send; the usual one is in the last line.
        let is_own = !self.title.is_empty() && Some(self.title.as_str()) != variables::TITLE.default;
        let title = if is_own { format!("{} · ", self.title) } else { String::new() };
        format!("{} {title}{}{network}: {}", self.icon(), self.subscription, self.status_text())
    }

    /// Causes and steps, in lines.
    pub fn findings(&self) -> Vec<Line> {
        let is_over = self.event == EventKind::Resolved && self.since_s.is_some();
        let mut lines = Vec::new();
        for (position, item) in self.items.iter().take(FINDINGS_MAX).enumerate() {
            if is_over {
                lines.push(self.pick(format!("Was: {}", item.sentence), format!("Было: {}", item.sentence)));
            } else {
                self.add_item(item, position == 0, &mut lines);
            }
        }
        if let Some(more) = self.items.len().checked_sub(FINDINGS_MAX).filter(|more| *more > 0) {
            lines.push(self.pick(format!("… and {more} more"), format!("… и ещё {more}")));
        }
        if !self.shared_by.is_empty() {
            let mut names = self.shared_by.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
            if let Some(more) = self.shared_by.len().checked_sub(NAMES_MAX).filter(|more| *more > 0) {
                names.push_str(&self.lang.pick(format!(" and {more} more"), format!(" и ещё {more}")));
            }
            lines.push(self.pick(format!("Concerns: {names}"), format!("Затронуты: {names}")));
        }
        lines
    }

    fn add_item(&self, item: &Item, is_first: bool, lines: &mut Vec<Line>) {
        let name = item.name();
        // The headline names the first, unless it is about the end of all or a test.
        if self.is_setup() {
            lines.push(Line::Text(format!("– {name}")));
        } else if is_first && !self.headline().contains(name) {
            lines.push(Line::Text(item.sentence.clone()));
        } else if !is_first {
            lines.push(self.pick(format!("Also: {name}"), format!("Ещё: {name}")));
        }
        let cause = &item.cause;
        if !cause.is_empty() {
            lines.push(self.pick(format!("Cause: {cause}"), format!("Причина: {cause}")));
        }
        for (position, (number, step)) in item.steps().into_iter().enumerate() {
            // The command below has the address in full.
            let is_repeated = position == 0 && item.command.is_some();
            let step = if is_repeated { abbreviated(step) } else { step.to_owned() };
            let label =
                if position == 0 { self.lang.pick("Do: ", "Что делать: ") } else { String::new() };
            lines.push(Line::Text(format!("{label}{number}{step}")));
            if position == 0 {
                lines.extend(item.command.clone().map(Line::Command));
            }
        }
    }

    fn pick(&self, en: String, ru: String) -> Line {
        Line::Text(self.lang.pick(en, ru))
    }

    /// The address of the document about the first finding, where a base URL is set.
    pub fn runbook(&self) -> Option<&str> {
        let is_url = |link: &&str| link.starts_with("https://") || link.starts_with("http://");
        self.link.as_deref().filter(is_url).filter(|_| self.event != EventKind::Resolved)
    }

    /// When the incident began, and what was before.
    pub fn since_text(&self) -> Option<String> {
        let since = minute(jiff::Timestamp::from_second(self.since_s?).ok()?);
        let (en, ru) = match self.was {
            Some(Severity::Critical) => (" (was critical)", " (было критично)"),
            Some(Severity::Warning) => (" (was a warning)", " (было предупреждение)"),
            Some(Severity::Info) => (" (was a notice)", " (было замечание)"),
            Some(Severity::Unknown) | None => ("", ""),
        };
        Some(since + &self.lang.pick(en, ru))
    }

    /// What follows the numbers: since when, where to read more, in lines.
    pub fn closing(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let (Some(since), true) = (self.since_text(), self.event != EventKind::Report) {
            lines.push(self.lang.pick(format!("Since: {since}"), format!("С: {since}")));
        }
        if let Some(link) = self.runbook() {
            lines.push(self.lang.pick(format!("Runbook: {link}"), format!("Инструкция: {link}")));
        } else {
            lines.extend(self.explained());
        }
        lines
    }

    /// The command that explains the first finding of a problem that lasts.
    pub fn explained(&self) -> Option<String> {
        let code = self.items.first().and_then(|item| Code::of_name(&item.code))?.name();
        (self.event != EventKind::Resolved).then(|| {
            self.lang.pick(format!("More: dvrf explain {code}"), format!("Подробнее: dvrf explain {code}"))
        })
    }

    /// Numbers, and what closes the message, in lines.
    pub fn facts(&self) -> Vec<String> {
        let numbers = self.numbers.iter().map(|(label, value)| format!("{label}: {value}"));
        numbers.chain(self.closing()).collect()
    }

    /// The last line: title, host, next reminder, and the id by which a duplicate is recognised.
    pub fn footer(&self) -> String {
        let mut parts = vec![self.title.clone()];
        if !self.host.is_empty() {
            let host = &self.host;
            parts.push(self.lang.pick(format!("from {host}"), format!("с узла {host}")));
        }
        if let Some(span) = self.reminder_in_s.map(|seconds| format_span(seconds, self.lang)) {
            parts.push(self.lang.pick(format!("reminder in {span}"), format!("напоминание через {span}")));
        }
        parts.push("dvrf-notify".to_owned());
        parts.push(self.id.clone());
        parts.join(" · ")
    }

    /// How long the incident has lasted, in seconds.
    fn lasted_s(&self) -> u64 {
        self.since_s.map_or(0, |since| u64::try_from(self.at_s.saturating_sub(since)).unwrap_or(0))
    }

    /// Causes and steps, escaped, at most `limit` UTF-16 units long, and cut between lines.
    pub fn steps(&self, limit: usize, escape: Escape, command: CommandMarkup) -> String {
        let shown = |line: &Line| match line {
            Line::Text(text) => truncate(text, usize::MAX, escape),
            Line::Command(text) => command(text),
        };
        let lines: Vec<String> = self.findings().iter().map(shown).collect();
        let (mut lines, all) = whole_lines(&lines, limit);
        if !all {
            lines.push("…".to_owned());
        }
        lines.join("\n")
    }

    /// Causes, steps and facts, escaped and at most `limit` UTF-16 units long. Steps are cut before facts.
    pub fn body(&self, limit: usize, escape: Escape, command: CommandMarkup) -> String {
        let facts: Vec<String> = self.facts().iter().map(|line| truncate(line, usize::MAX, escape)).collect();
        let facts = facts.join("\n");
        let findings = self.steps(limit.saturating_sub(utf16_len(&facts) + 3), escape, command);
        let text = match (findings.is_empty(), facts.is_empty()) {
            (true, _) => facts,
            (false, true) => findings,
            (false, false) => format!("{findings}\n\n{facts}"),
        };
        // Facts alone have a few hundred units, but a smaller limit holds too.
        if utf16_len(&text) > limit { truncate(&text, limit, escape::verbatim) } else { text }
    }

    /// The message as plain text, as `--format text` prints it.
    pub fn text(&self) -> String {
        format!("{}\n\n{}\n", self.headline(), self.body(usize::MAX / 2, escape::verbatim, plain_command))
    }
}

/// A command in plain text: indented.
pub fn plain_command(command: &str) -> String {
    format!("   {command}")
}
