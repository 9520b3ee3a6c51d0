//! What is muted or acknowledged, as cards, tables and the page show it.

use jiff::Timestamp;
use supra_core::check::Checks;
use supra_core::check::silence::{Silence, SilenceKind};

use super::Layout;
use crate::silence;
use crate::text::plain;

/// The most silences below a table; further ones are only counted.
const LISTED_MAX: usize = 10;

/// The silences of a verdict that have not ended since.
pub(crate) fn present<'a>(checks: &'a Checks, layout: &Layout) -> impl Iterator<Item = &'a Silence> {
    let now_s = layout.now.as_second();
    checks.silences.iter().filter(move |silence| silence.until_s > now_s)
}

/// Until when and by whom a subscription is muted, in a sentence without a full stop.
pub(crate) fn sentence(silence: &Silence, layout: &Layout) -> String {
    let lang = layout.lang;
    let time = |seconds| layout.time(Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX));
    let (since, until, by) = (time(silence.since_s), time(silence.until_s), &silence.by);
    let text = match silence.kind {
        SilenceKind::Mute => lang
            .pick(format!("muted until {until} by {by}"), format!("сообщения отключены до {until} ({by})")),
        SilenceKind::Maintenance => lang.pick(
            format!("muted for maintenance until {until} ({by})"),
            format!("сообщения отключены на время обслуживания до {until} ({by})"),
        ),
        SilenceKind::Ack => lang.pick(
            format!("acknowledged at {since} by {by}"),
            format!("проблема взята в работу в {since} ({by})"),
        ),
    };
    let problem = silence.problem.as_ref().map(|problem| format!("{problem}: ")).unwrap_or_default();
    let reason = if silence.reason.is_empty() { String::new() } else { format!(": {}", silence.reason) };
    plain(&format!("{problem}{text}{reason}"))
}

/// The lines of a card.
pub(super) fn lines(checks: &Checks, layout: &Layout) -> Vec<(String, String)> {
    let label = layout.lang.pick("alerts", "тревоги");
    present(checks, layout).map(|silence| (label.clone(), sentence(silence, layout))).collect()
}

/// Each of the silences once, one a line, below a table.
pub(super) fn list<'a>(all: impl Iterator<Item = &'a Silence>, layout: &Layout) -> String {
    let lang = layout.lang;
    let mut lines: Vec<String> = Vec::new();
    for silence in all {
        let line = silence::text(silence, lang);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let more = lines.len().saturating_sub(LISTED_MAX);
    lines.truncate(LISTED_MAX);
    if more > 0 {
        lines.push(lang.pick(
            format!("… and {more} more: dvrf notify mutes"),
            format!("… и ещё {more}: dvrf notify mutes"),
        ));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::Map;
    use supra_core::check::code::Code;
    use supra_core::check::{Finding, Severity, Status};
    use supra_core::lang::Lang;
    use supra_core::report::{Report, SubscriptionId};

    use super::super::{CardPrinter, card};
    use super::*;
    use crate::page::Page;
    use crate::text::Style;

    fn layout(lang: Lang) -> Layout {
        let now = "2026-11-25T08:54:31Z".parse().unwrap();
        Layout { style: Style::default(), width: 80, verbose: false, lang, now }
    }

    fn silence(kind: SilenceKind, problem: Option<&str>, until: &str) -> Silence {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        Silence {
            kind,
            subscription: Some("main".to_owned()),
            problem: problem.map(str::to_owned),
            since_s: at("2026-11-25T08:00:00Z"),
            until_s: at(until),
            by: "ann@ops".to_owned(),
            reason: "new\u{202e} node".to_owned(),
        }
    }

    fn muted(silence: Silence) -> (Report, Checks) {
        let id = SubscriptionId { name: Some("main".to_owned()), ..SubscriptionId::default() };
        let checks = Checks { status: Status::Ok, silences: vec![silence], ..Checks::default() };
        (Report { id, ..Report::default() }, checks)
    }

    const TODAY: &str = "2026-11-25T18:00:00Z";

    #[rstest]
    #[case::mute(
        SilenceKind::Mute,
        None,
        TODAY,
        Lang::En,
        "muted until 18:00 UTC by ann@ops: new\\u{202e} node"
    )]
    #[case::tomorrow(
        SilenceKind::Mute,
        Some("REQUEST_STUCK"),
        "2026-11-26T18:00:00Z",
        Lang::En,
        "REQUEST_STUCK: muted until 2026-11-26 18:00 UTC by ann@ops: new\\u{202e} node"
    )]
    #[case::window(
        SilenceKind::Maintenance,
        None,
        TODAY,
        Lang::En,
        "muted for maintenance until 18:00 UTC (ann@ops): new\\u{202e} node"
    )]
    #[case::ack(
        SilenceKind::Ack,
        None,
        TODAY,
        Lang::En,
        "acknowledged at 08:00 UTC by ann@ops: new\\u{202e} node"
    )]
    #[case::russian(
        SilenceKind::Mute,
        None,
        TODAY,
        Lang::Ru,
        "сообщения отключены до 18:00 UTC (ann@ops): new\\u{202e} node"
    )]
    fn are_on_the_card_and_on_the_page(
        #[case] kind: SilenceKind,
        #[case] problem: Option<&str>,
        #[case] until: &str,
        #[case] lang: Lang,
        #[case] expected: &str,
    ) {
        let (report, checks) = muted(silence(kind, problem, until));
        let card = card(&report, &checks, &[], &layout(lang));
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let label = lang.pick("alerts", "тревоги");
        assert!(words(&card).contains(&format!("{label} {expected}")), "{card}");
        let mut page = Page::new(layout(lang));
        page.add(&report, &checks, &[]);
        assert!(page.finish().contains(&format!("<p class=\"quiet\">{expected}</p>")));
    }

    #[test]
    fn one_that_has_ended_is_gone() {
        let (report, checks) = muted(silence(SilenceKind::Mute, None, "2026-11-25T08:54:31Z"));
        let without = Checks { silences: Vec::new(), ..checks.clone() };
        let card = |checks| card(&report, checks, &[], &layout(Lang::En));
        assert_eq!(card(&checks), card(&without));
    }

    /// A row is muted only if the problem that it shows is.
    #[rstest]
    #[case::whole(SilenceKind::Mute, None, "muted · deposit is getting low")]
    #[case::shown(SilenceKind::Mute, Some("deposit"), "muted · deposit is getting low")]
    #[case::shown_by_its_code(
        SilenceKind::Maintenance,
        Some("DEPOSIT_BELOW_WARN_TIER"),
        "muted · deposit is getting low"
    )]
    #[case::another(SilenceKind::Mute, Some("CONSUMERS_EMPTY"), "deposit is getting low")]
    #[case::ack(SilenceKind::Ack, Some("deposit"), "deposit is getting low")]
    fn a_row_is_muted_with_its_problem(
        #[case] kind: SilenceKind,
        #[case] problem: Option<&str>,
        #[case] expected: &str,
    ) {
        let (report, mut checks) = muted(silence(kind, problem, TODAY));
        checks.status = Status::Alert;
        for code in [Code::DepositBelowWarnTier, Code::ConsumersEmpty] {
            let finding = Finding::new(code, Severity::Warning, String::new(), Map::new(), Lang::En);
            checks.findings.push(finding);
        }
        let mut printer = CardPrinter::new(Layout { width: 120, ..layout(Lang::En) });
        printer.add(&report, &checks, &[], "");
        printer.add(&report, &checks, &[], "");
        let text = printer.finish();
        let row = text.lines().nth(2).unwrap();
        assert!(row.ends_with(&format!("  {expected}")), "{text}");
    }

    #[test]
    fn a_table_marks_the_rows_and_lists_each_once() {
        let mut printer = CardPrinter::new(layout(Lang::En));
        let (mut report, mut checks) = muted(silence(SilenceKind::Maintenance, None, TODAY));
        checks.silences[0].subscription = None;
        printer.add(&report, &checks, &[], "");
        report.id.name = Some("asia".to_owned());
        printer.add(&report, &checks, &[], "");
        let text = printer.finish();
        assert_eq!(text.lines().filter(|line| line.ends_with("muted")).count(), 2, "{text}");
        let list =
            "maintenance: all subscriptions, until 2026-11-25 18:00 UTC (ann@ops: new\\u{202e} node)\n";
        assert!(text.ends_with(&format!("2 subscriptions: 2 ✔\n{list}")), "{text}");
        let mut many = CardPrinter::new(layout(Lang::En));
        for number in 0..12 {
            checks.silences[0].subscription = Some(format!("s{number}"));
            many.add(&report, &checks, &[], "");
        }
        assert!(many.finish().ends_with("\n… and 2 more: dvrf notify mutes\n"));
    }
}
