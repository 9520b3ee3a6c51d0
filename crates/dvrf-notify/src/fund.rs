//! Lines of `dvrf-fund --execute`: what each says about the top-ups of a deposit. Pure.

use supra_core::amount::Quants;
use supra_core::check::Severity;
use supra_core::failure::quote;
use supra_core::fund::{FundCode, FundLine, FundStatus};
use supra_core::lang::Lang;
use supra_core::record::{FUND_SCHEMA, Record};

use crate::draw::{DrawOutcome, line_item};
use crate::message::Item;
use crate::problem::FUND_BUSY;

/// The key of the problem that a deposit is not topped up.
const FUND: &str = "fund";
const HELP: &str = "docs/fund.md#codes";

/// Whether a record is a line of `dvrf-fund --execute`.
pub(crate) fn is_fund_line(record: &Record) -> bool {
    record.get::<String>("schema").ok().flatten().as_deref() == Some(FUND_SCHEMA)
}

/// The identity of what the tool remembers of a subscription's top-ups.
pub(crate) fn fund_key(subscription: &str) -> String {
    format!("fund {subscription}")
}

/// What such a line says.
pub(crate) fn outcome(record: &Record, lang: Lang) -> DrawOutcome {
    let line = record.to_value().map_err(|error| error.to_string());
    let line = line.and_then(|value| serde_json::from_value(value).map_err(|error| error.to_string()));
    match line {
        Ok(line) => of_line(&line, lang),
        Err(error) => undecided(&format!("the line cannot be read: {}", quote(&error)), None, lang),
    }
}

fn item(code: &str, severity: Severity, sentence: String, remedy: String) -> Item {
    line_item(code, severity, sentence, remedy, HELP)
}

fn of_line(line: &FundLine, lang: Lang) -> DrawOutcome {
    let supra = line.top_up.as_ref().map(|sent| sent.amount.supra()).unwrap_or_default();
    let news = |code, sentence| {
        let news = item(code, Severity::Info, sentence, String::new());
        DrawOutcome { news: Some(news), ..DrawOutcome::fine(true) }
    };
    let outcome = match line.status {
        FundStatus::ToppedUp => news(
            "TOPPED_UP",
            lang.pick(format!("topped up {supra} SUPRA"), format!("депозит пополнен на {supra} SUPRA")),
        ),
        FundStatus::Reconciled => news(
            "TOP_UP_RECONCILED",
            lang.pick(
                "an earlier top-up is settled; nothing was sent",
                "прошлое пополнение учтено; ничего не отправлено",
            ),
        ),
        FundStatus::Enough => DrawOutcome::fine(true),
        FundStatus::Waiting | FundStatus::Submitting => DrawOutcome::fine(false),
        FundStatus::Busy => {
            let sentence = lang.pick(
                "another run holds the lock of the top-up",
                "другой запуск удерживает блокировку пополнения",
            );
            DrawOutcome::busy(FUND_BUSY, "FUND_BUSY", sentence, HELP, lang)
        }
        FundStatus::Refused | FundStatus::Failed => stopped(line, lang),
        // An earlier top-up that may still be accepted is among these: it is reported when it lasts for several runs.
        FundStatus::Error => {
            let error = line.error.as_ref();
            let why = error.map_or("?", |error| error.message.as_str());
            undecided(&quote(why), error.and_then(|error| error.hint.as_deref()), lang)
        }
    };
    DrawOutcome { numbers: numbers(line, lang), ..outcome }
}

/// Nothing was deposited, or the chain does not show it.
fn stopped(line: &FundLine, lang: Lang) -> DrawOutcome {
    let error = line.error.as_ref();
    let why = quote(error.map_or("?", |error| error.message.as_str()));
    let hint = error.and_then(|error| error.hint.as_deref()).map(quote);
    if error.is_some_and(|error| error.code == FundCode::NotConfirmed) {
        return in_doubt(line, &why, hint, lang);
    }
    let sentence = if line.funding.as_ref().and_then(|funding| funding.low) == Some(true) {
        lang.pick(
            format!("the deposit is low and was not topped up: {why}"),
            format!("депозит мал и не пополнен: {why}"),
        )
    } else {
        lang.pick(format!("the deposit was not topped up: {why}"), format!("депозит не пополнен: {why}"))
    };
    let remedy = line.funding.as_ref().and_then(|funding| funding.remedy.as_ref());
    let by_hand = remedy.and_then(|remedy| remedy.text.lines().next()).map(quote);
    let steps: Vec<String> = by_hand.into_iter().chain(hint).collect();
    let code = error.and_then(|error| serde_json::to_value(error.code).ok());
    let code = code.as_ref().and_then(|code| code.as_str()).unwrap_or("NOT_TOPPED_UP").to_owned();
    let mut failed = item(&code, Severity::Critical, sentence, steps.join("\n"));
    failed.command = remedy.and_then(|remedy| remedy.command.clone());
    DrawOutcome::problem(FUND, Severity::Critical.into(), failed)
}

/// The top-up may have arrived: a deposit by hand could be a second one.
fn in_doubt(line: &FundLine, why: &str, hint: Option<String>, lang: Lang) -> DrawOutcome {
    let supra = line.top_up.as_ref().map(|sent| sent.amount.supra()).unwrap_or_default();
    let sentence = lang.pick(
        format!("whether the top-up of {supra} SUPRA arrived is not known: {why}"),
        format!("неизвестно, дошло ли пополнение на {supra} SUPRA: {why}"),
    );
    let wait = lang.pick(
        "Do not deposit by hand until a later run says what became of it.",
        "Не пополняйте вручную, пока следующий запуск не выяснит, что с ним стало.",
    );
    let steps: Vec<String> = [wait].into_iter().chain(hint).collect();
    let doubt = item("NOT_CONFIRMED", Severity::Critical, sentence, steps.join("\n"));
    DrawOutcome::problem(FUND, Severity::Critical.into(), doubt)
}

/// It could not be decided whether to top up.
fn undecided(why: &str, hint: Option<&str>, lang: Lang) -> DrawOutcome {
    let sentence = lang.pick(
        format!("it could not be decided whether to top up: {why}"),
        format!("не удалось решить, пополнять ли депозит: {why}"),
    );
    DrawOutcome::undecided("TOP_UP_UNDECIDED", sentence, hint, HELP, lang)
}

fn numbers(line: &FundLine, lang: Lang) -> Vec<(String, String)> {
    let sent = line.top_up.as_ref();
    let supra = |quants: Option<Quants>| quants.map(|quants| format!("{} SUPRA", quants.supra()));
    let balance = line.funding.as_ref().and_then(|funding| funding.balance);
    let now = sent.and_then(|sent| sent.balance_after).or(balance);
    let rows = [
        (lang.pick("Deposit", "Депозит"), supra(now)),
        (lang.pick("Last 24 h", "За 24 ч"), supra(line.spent_day)),
        (lang.pick("Last 30 days", "За 30 дней"), supra(line.spent_month)),
        (lang.pick("Transaction", "Транзакция"), sent.and_then(|sent| sent.tx_hash.as_deref()).map(quote)),
    ];
    rows.into_iter().filter_map(|(label, value)| Some((label, value?))).collect()
}

#[cfg(test)]
mod tests;
