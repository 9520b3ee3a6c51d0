//! A verdict as text for people.

use std::io::{self, Write};

use dvrf_cli::text::{Style, both, plain};
use supra_core::check::{Checks, Status};
use supra_core::lang::Lang;

/// Writes the status, the amounts, and every finding with a link to its explanation.
pub fn text(checks: &Checks, name: &str, lang: Lang, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let word = match checks.status {
        Status::Ok => lang.pick("OK", "В ПОРЯДКЕ"),
        Status::Alert => lang.pick("ALERT", "ТРЕВОГА"),
        Status::Unknown => lang.pick("UNKNOWN", "НЕИЗВЕСТНО"),
    };
    writeln!(out, "{}  {}", style.status(checks.status, &word), plain(name))?;
    let unknown = lang.pick("unknown", "неизвестно");
    let amount = |quants: Option<_>| quants.map_or_else(|| unknown.clone(), both);
    writeln!(out, "  {}: {}", lang.pick("deposit", "депозит"), amount(checks.available_quants))?;
    writeln!(out, "  {}: {}", lang.pick("minimum", "минимум"), amount(checks.min_balance_onchain))?;
    if let Some(expected) = checks.min_balance_expected {
        writeln!(out, "  {}: {}", lang.pick("expected minimum", "ожидаемый минимум"), both(expected))?;
    }
    if let Some(ratio) = &checks.ratio {
        writeln!(out, "  {}: {ratio}", lang.pick("deposit / minimum", "депозит / минимум"))?;
    }
    if let Some(grant) = checks.grant_remaining {
        writeln!(out, "  {}: {}", lang.pick("grant left", "остаток гранта"), both(grant))?;
    }
    if let Some(requests) = checks.requests_left {
        writeln!(out, "  {}: {requests}", lang.pick("requests left", "осталось запросов"))?;
    }
    for finding in &checks.findings {
        let severity = style.severity(finding.severity, finding.severity.name());
        writeln!(out, "  {severity} {}: {}", finding.code.name(), plain(&finding.message))?;
        writeln!(out, "    {}", finding.help)?;
    }
    Ok(())
}
