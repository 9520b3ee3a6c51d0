//! The answer of `ready` as a card, in the form of the cards of `dvrf check`.

use dvrf_cli::card::{Layout, abbreviated, line, network_of};
use dvrf_cli::checker::Checked;
use dvrf_cli::text::plain;
use supra_core::check::{Severity, Status};
use supra_core::lang::Lang;
use supra_core::readiness::Readiness;

/// The card: whether a draw may be requested, every reason against it with what to do, and what was read.
pub(crate) fn card(found: &Readiness, checked: &Checked, profile: Option<&str>, layout: &Layout) -> String {
    let lang = layout.lang;
    let mut card = headline(found, checked, layout);
    for reason in &found.reasons {
        let code = plain(&reason.code);
        let text = format!("{}   ({code})", plain(&reason.message));
        card.push_str(&line(&lang.pick("why", "почему"), &text, layout.width));
        let finding = checked.checks.findings.iter().find(|finding| finding.code.name() == reason.code);
        let remedy = finding
            .map(|finding| abbreviated(&plain(finding.remedy.text.lines().next().unwrap_or_default())));
        if let Some(remedy) = remedy.filter(|remedy| !remedy.is_empty()) {
            card.push_str(&line(&lang.pick("do", "сделать"), &remedy, layout.width));
        }
    }
    if found.conditions.is_empty() {
        card.push_str(&line(&lang.pick("tickets", "билеты"), &tickets(found, lang), layout.width));
        card.push_str(&line(&lang.pick("draw", "розыгрыш"), &draw(found, lang), layout.width));
    } else {
        for condition in &found.conditions {
            let text = plain(&condition.sentence(lang));
            card.push_str(&line(&lang.pick("condition", "условие"), &text, layout.width));
        }
        card.push_str(&line(&lang.pick("draw", "розыгрыш"), &pending(found, lang), layout.width));
    }
    if let Some(balance) = checked.checks.available_quants {
        card.push_str(&line(
            &lang.pick("deposit", "депозит"),
            &format!("{} SUPRA", balance.supra()),
            layout.width,
        ));
    }
    if found.ready {
        let profile = profile.map(|name| format!(" --profile {}", plain(name))).unwrap_or_default();
        card.push_str(&line(&lang.pick("do", "сделать"), &format!("dvrf draw run{profile}"), layout.width));
    }
    card
}

fn headline(found: &Readiness, checked: &Checked, layout: &Layout) -> String {
    let lang = layout.lang;
    let count = found.reasons.len();
    let (glyph, text) = if found.ready {
        (
            layout.style.status(Status::Ok, "✔"),
            lang.pick("ready: a draw may be requested", "готово: розыгрыш можно запросить"),
        )
    } else if found.is_unknown() {
        let text = lang
            .pick("cannot tell whether a draw may be requested", "неизвестно, можно ли запросить розыгрыш");
        (layout.style.status(Status::Unknown, "?"), text)
    } else {
        let text = match count {
            1 => lang.pick("not ready: a draw would be refused", "не готово: розыгрыш будет отклонён"),
            _ => lang.pick(
                format!("not ready: a draw would be refused ({count} reasons)"),
                format!("не готово: розыгрыш будет отклонён (причин: {count})"),
            ),
        };
        (layout.style.severity(Severity::Critical, "✖"), text)
    };
    let name = abbreviated(&plain(checked.report.id.label()));
    let network = network_of(&checked.report).unwrap_or_default();
    format!("{glyph} {}   {text}\n", format!("{name}  {network}").trim_end())
}

fn tickets(found: &Readiness, lang: Lang) -> String {
    let needed = found.min_tickets_required;
    match found.ticket_count {
        Some(sold) => {
            lang.pick(format!("{sold} sold, {needed} needed"), format!("продано {sold}, нужно {needed}"))
        }
        None => lang.pick("not known", "неизвестно"),
    }
}

fn draw(found: &Readiness, lang: Lang) -> String {
    let scheduled = match found.draw_scheduled {
        Some(true) => lang.pick("scheduled", "назначен"),
        Some(false) => lang.pick("not scheduled", "не назначен"),
        None => lang.pick("not known whether scheduled", "неизвестно, назначен ли"),
    };
    format!("{scheduled} · {}", pending(found, lang))
}

fn pending(found: &Readiness, lang: Lang) -> String {
    match found.pending_request {
        Some(true) => lang.pick("1 request waits for its answer", "1 запрос ждёт ответа"),
        Some(false) => lang.pick("no request waits", "ни один запрос не ждёт ответа"),
        None => lang.pick("not known whether a request waits", "неизвестно, ждёт ли запрос ответа"),
    }
}
