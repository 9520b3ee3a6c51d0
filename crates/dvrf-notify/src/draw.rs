//! Lines of `dvrf-draw auto`: what each says about the draws of a lottery. Pure. Those of `dvrf-fund` are beside it.

use crate::fund::{self, is_fund_line};
use crate::message::Item;
use crate::problem::{DRAW_BUSY, Gravity, Limits, Problem, UNKNOWN};
use dvrf_cli::channel::Level;
use dvrf_cli::exit::Exit;
use supra_core::check::{Checks, Severity, Status};
use supra_core::draw::{AutoLine, AutoStatus, DrawError, DrawErrorCode, DrawResult};
use supra_core::failure::quote;
use supra_core::lang::Lang;
use supra_core::readiness::Reason;
use supra_core::record::{DRAW_SCHEMA, Record};

/// The key of the problem that draws fail.
const DRAW: &str = "draw";
/// The key of the problem that a draw was not answered in time.
const UNANSWERED: &str = "draw_unanswered";
/// Reasons against a draw which say that no earlier one is still to be requested.
const DECIDED: [&str; 3] = ["DRAW_NOT_SCHEDULED", "REQUEST_PENDING", "ROUND_DRAWN"];
const HELP: &str = "docs/draw.md#auto";

/// What a line says.
#[derive(Debug, Clone, Default)]
pub struct DrawOutcome {
    /// The problems, worst first.
    pub problems: Vec<Problem>,
    /// The status of the draws: unknown for a line that does not say whether the last draw was requested.
    pub checks: Checks,
    /// That a draw was requested.
    pub news: Option<Item>,
    /// Numbers with their labels.
    pub numbers: Vec<(String, String)>,
}

impl DrawOutcome {
    /// Reads a record; `None` if it is neither a line of `dvrf-draw auto` nor of `dvrf-fund --execute`.
    pub fn of(record: &Record, lang: Lang) -> Option<Self> {
        if is_fund_line(record) {
            return Some(fund::outcome(record, lang));
        }
        if record.get::<String>("schema").ok()?.as_deref() != Some(DRAW_SCHEMA) {
            return None;
        }
        let line = record.to_value().map_err(|error| error.to_string());
        let line = line.and_then(|value| AutoLine::from_value(value).map_err(|error| error.to_string()));
        Some(match line {
            Ok(line) => of_line(&line, lang),
            Err(error) => undecided(&format!("the line cannot be read: {}", quote(&error)), None, lang),
        })
    }

    /// Whether there is nothing to tell.
    pub fn is_silent(&self) -> bool {
        self.problems.is_empty() && self.news.is_none()
    }

    /// The level of the worst problem; that of a requested draw is info.
    pub fn level(&self) -> Level {
        let news = self.news.as_ref().map(|news| news.severity);
        let worst = self.problems.iter().map(|problem| problem.gravity.severity).chain(news).max();
        worst.map_or(Level::Ok, Level::From)
    }

    /// The exit that the line implies.
    pub(crate) fn exit(&self) -> Exit {
        match self.level() {
            Level::From(Severity::Unknown) => Exit::CannotAnswer,
            Level::From(Severity::Warning | Severity::Critical) => Exit::No,
            _ => Exit::Done,
        }
    }

    pub(crate) fn problem(key: &str, gravity: Gravity, item: Item) -> Self {
        let severity = Some(gravity.severity);
        let status = if gravity.severity == Severity::Unknown { Status::Unknown } else { Status::Alert };
        let problem = Problem { key: key.to_owned(), gravity, items: vec![item], limits: Limits::default() };
        let checks = Checks { status, severity, ..Checks::default() };
        Self { problems: vec![problem], checks, ..Self::default() }
    }

    /// It could not be decided whether to act.
    pub(crate) fn undecided(
        code: &str,
        sentence: String,
        hint: Option<&str>,
        link: &str,
        lang: Lang,
    ) -> Self {
        let advice = lang.pick(
            "Look at the error; dvrf-doctor checks settings and node.",
            "Посмотрите на ошибку; настройки и узел проверит dvrf-doctor.",
        );
        let undecided = line_item(code, Severity::Unknown, sentence, hint.map_or(advice, quote), link);
        Self::problem(UNKNOWN, Severity::Unknown.into(), undecided)
    }

    /// Another run holds the lock; what the last action came to is for that run to say.
    pub(crate) fn busy(key: &str, code: &str, sentence: String, link: &str, lang: Lang) -> Self {
        let remedy =
            lang.pick("Find the run that hangs, and end it.", "Найдите зависший запуск и завершите его.");
        let busy = line_item(code, Severity::Warning, sentence, remedy, link);
        let outcome = Self::problem(key, Severity::Warning.into(), busy);
        Self { checks: Checks { status: Status::Unknown, ..outcome.checks }, ..outcome }
    }

    pub(crate) fn fine(is_decided: bool) -> Self {
        let status = if is_decided { Status::Ok } else { Status::Unknown };
        Self { checks: Checks { status, ..Checks::default() }, ..Self::default() }
    }
}

/// What a line says in one sentence, and what to do; `link` is the page that explains it.
pub(crate) fn line_item(
    code: &str,
    severity: Severity,
    sentence: String,
    remedy: String,
    link: &str,
) -> Item {
    let (code, link) = (code.to_owned(), link.to_owned());
    Item { code, severity, sentence, title: String::new(), cause: String::new(), remedy, command: None, link }
}

fn item(code: &str, severity: Severity, sentence: String, remedy: String) -> Item {
    line_item(code, severity, sentence, remedy, HELP)
}

fn of_line(line: &AutoLine, lang: Lang) -> DrawOutcome {
    let result = line.manual_draw.as_ref();
    let outcome = match line.status {
        AutoStatus::Executed => executed(result, lang),
        AutoStatus::Reconciled => {
            let sentence = lang.pick(
                "the draw of an earlier run was requested after all; nothing was sent",
                "розыгрыш прошлого запуска всё же запрошен; ничего не отправлено",
            );
            let news = item("DRAW_RECONCILED", Severity::Info, sentence, String::new());
            DrawOutcome { news: Some(news), ..DrawOutcome::fine(true) }
        }
        AutoStatus::ManualDrawFailed => failed(result.and_then(|result| result.error.as_ref()), lang),
        AutoStatus::NotReady => not_ready(line, lang),
        AutoStatus::Busy => {
            let sentence = lang.pick(
                "another run holds the lock of the draw",
                "другой запуск удерживает блокировку розыгрыша",
            );
            DrawOutcome::busy(DRAW_BUSY, "DRAW_BUSY", sentence, HELP, lang)
        }
        AutoStatus::Error => {
            if let Some(outcome) = for_a_person(line, lang) {
                return outcome;
            }
            let error = line.error.as_ref();
            let why = error.map_or("?", |error| error.message.as_str());
            undecided(&quote(why), error.and_then(|error| error.hint.as_deref()), lang)
        }
        AutoStatus::ReadyDryRun | AutoStatus::Submitting => DrawOutcome::fine(false),
    };
    DrawOutcome { numbers: numbers(result, lang), ..outcome }
}

fn executed(result: Option<&DrawResult>, lang: Lang) -> DrawOutcome {
    let handled = result.and_then(|result| result.handled.as_ref());
    let seconds = |ms: u64| format!("{}.{}", ms / 1000, ms % 1000 / 100);
    if let Some(waited) = handled.filter(|handled| !handled.handled).map(|handled| handled.waited_ms) {
        let s = seconds(waited);
        let sentence = lang.pick(
            format!("the draw was requested, and its answer did not come within {s} s"),
            format!("розыгрыш запрошен, но за {s} с ответа не было"),
        );
        let remedy = lang.pick(
            "Do not draw again: the contract refuses it while the request waits. If no answer comes, give Supra the nonce and the transaction.",
            "Не запускайте розыгрыш повторно: пока запрос ждёт ответа, контракт его отклонит. Если ответа не будет, передайте Supra nonce и транзакцию.",
        );
        let late = item("DRAW_NOT_HANDLED", Severity::Warning, sentence, remedy);
        return DrawOutcome::problem(UNANSWERED, Severity::Warning.into(), late);
    }
    let sentence = match handled {
        Some(handled) => {
            let s = seconds(handled.waited_ms);
            lang.pick(
                format!("the draw was requested and answered in {s} s"),
                format!("розыгрыш запрошен, ответ получен через {s} с"),
            )
        }
        None => lang.pick("the draw was requested", "розыгрыш запрошен"),
    };
    let news = item("DRAW_EXECUTED", Severity::Info, sentence, String::new());
    DrawOutcome { news: Some(news), ..DrawOutcome::fine(true) }
}

fn failed(error: Option<&DrawError>, lang: Lang) -> DrawOutcome {
    let why = quote(error.map_or("?", |error| error.message.as_str()));
    let sentence = if error.is_some_and(|error| error.code == DrawErrorCode::NotConfirmed) {
        lang.pick(
            format!("whether the draw was requested is not known: {why}"),
            format!("неизвестно, запрошен ли розыгрыш: {why}"),
        )
    } else {
        lang.pick(format!("the draw failed: {why}"), format!("розыгрыш не удался: {why}"))
    };
    let hint = error.and_then(|error| error.hint.as_deref()).map(quote);
    let remedy = hint.unwrap_or_else(|| {
        lang.pick(
            "Look at manual_draw.error; docs/draw.md explains its code.",
            "Посмотрите manual_draw.error; код объяснён в docs/draw.md.",
        )
    });
    let failed = item("MANUAL_DRAW_FAILED", Severity::Critical, sentence, remedy);
    DrawOutcome::problem(DRAW, Severity::Critical.into(), failed)
}

fn not_ready(line: &AutoLine, lang: Lang) -> DrawOutcome {
    for_a_person(line, lang).unwrap_or_else(|| {
        DrawOutcome::fine(reasons(line).iter().any(|reason| DECIDED.contains(&reason.code.as_str())))
    })
}

fn reasons(line: &AutoLine) -> &[Reason] {
    line.readiness.as_ref().map(|readiness| readiness.reasons.as_slice()).unwrap_or_default()
}

/// What keeps draws from being tried until a person has looked.
fn for_a_person(line: &AutoLine, lang: Lang) -> Option<DrawOutcome> {
    reasons(line).iter().find_map(|reason| {
        let remedy = match reason.code.as_str() {
            "ATTEMPTS_EXHAUSTED" => lang.pick(
                "Find out why the attempts failed. The next one waits for hours; --max-attempts allows more at once.",
                "Выясните, почему попытки не удались. Следующая – через несколько часов; --max-attempts разрешает больше сразу.",
            ),
            "LOTTERY_REDEPLOYED" => lang.pick(
                "If the lottery was redeployed, accept it once with --lottery-redeployed; otherwise ask another node.",
                "Если контракт опубликован заново, подтвердите это один раз с --lottery-redeployed; иначе спросите другой узел.",
            ),
            _ => return None,
        };
        let found = item(&reason.code, Severity::Critical, quote(&reason.message), remedy);
        Some(DrawOutcome::problem(DRAW, Gravity { severity: Severity::Critical, is_blocked: true }, found))
    })
}

/// It could not be decided whether to draw.
fn undecided(why: &str, hint: Option<&str>, lang: Lang) -> DrawOutcome {
    let sentence = lang.pick(
        format!("it could not be decided whether to draw: {why}"),
        format!("не удалось решить, запускать ли розыгрыш: {why}"),
    );
    DrawOutcome::undecided("DRAW_UNDECIDED", sentence, hint, HELP, lang)
}

fn numbers(result: Option<&DrawResult>, lang: Lang) -> Vec<(String, String)> {
    let Some(result) = result else { return Vec::new() };
    let rows = [
        (lang.pick("Round", "Раунд"), result.round.map(|round| round.to_string())),
        (lang.pick("Nonce", "Nonce"), result.nonce.map(|nonce| nonce.to_string())),
        (lang.pick("Transaction", "Транзакция"), result.tx_hash.as_deref().map(quote)),
    ];
    rows.into_iter().filter_map(|(label, value)| Some((label, value?))).collect()
}

#[cfg(test)]
mod tests;
