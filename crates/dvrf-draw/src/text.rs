//! Readiness for people.

use std::io::{self, Write};

use dvrf_cli::text::plain;
use supra_core::lang::Lang;
use supra_core::readiness::Readiness;

/// One line when ready, else a heading and one line a reason.
pub(crate) fn text(found: &Readiness, name: &str, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    let unknown = || lang.pick("unknown", "неизвестно");
    let flag = |value: Option<bool>| {
        value.map_or_else(unknown, |value| {
            lang.pick(if value { "yes" } else { "no" }, if value { "да" } else { "нет" })
        })
    };
    let name = plain(name);
    if found.ready && !found.conditions.is_empty() {
        let held: Vec<String> = found.conditions.iter().map(|condition| condition.sentence(lang)).collect();
        return writeln!(out, "{name}: {} ({})", lang.pick("READY", "ГОТОВО"), plain(&held.join(", ")));
    }
    if found.ready {
        let tickets = found.ticket_count.map_or_else(unknown, |count| count.to_string());
        return writeln!(
            out,
            "{}",
            lang.pick(
                format!(
                    "{name}: READY (tickets {tickets}, draw scheduled {}, pending request {})",
                    flag(found.draw_scheduled),
                    flag(found.pending_request)
                ),
                format!(
                    "{name}: ГОТОВО (билетов {tickets}, розыгрыш назначен {}, запрос ожидает {})",
                    flag(found.draw_scheduled),
                    flag(found.pending_request)
                ),
            )
        );
    }
    let heading = if found.is_unknown() {
        lang.pick("not ready, as far as is known", "не готово, насколько известно")
    } else {
        lang.pick("NOT READY", "НЕ ГОТОВО")
    };
    writeln!(out, "{name}: {heading}")?;
    for reason in &found.reasons {
        writeln!(out, " - {}: {}", plain(&reason.code), plain(&reason.message))?;
    }
    Ok(())
}
