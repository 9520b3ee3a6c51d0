//! The labelled lines of a card: deposit, draws, what is wrong, what to do.

use supra_core::amount::Quants;
use supra_core::check::code::Code;
use supra_core::check::remediation::remedy;
use supra_core::check::requests::Cause;
use supra_core::check::{Checks, Finding, Severity, Status};
use supra_core::history::Point;
use supra_core::lang::Lang;
use supra_core::report::Report;
use supra_core::state::consumer::RequestOutcome;
use supra_core::time::format_span;

use super::trend::{last_seen, lasts_until, sparkline};
use super::{Layout, main_finding, missing_setup, silences};

/// A label and its text.
type Line = (String, String);

/// The lines of a card, in their order.
pub(super) fn lines(report: &Report, checks: &Checks, history: &[Point], layout: &Layout) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let main = main_finding(checks);
    let lang = layout.lang;
    let mut add = |en: &str, ru: &str, text: Option<String>| {
        if let Some(text) = text {
            lines.push((lang.pick(en, ru), text));
        }
    };
    let code = main.map(|finding| finding.code);
    let is_setup = main.is_some_and(|finding| is_setup(finding, checks));
    if code != Some(Code::RequestStuck) && !is_setup {
        let trend = sparkline(history, layout.now);
        let trend = trend.map(|trend| lang.pick(format!("   {trend}  14 d"), format!("   {trend}  14 д")));
        let deposit = deposit(checks, lang);
        add("deposit", "депозит", deposit.map(|deposit| deposit + &trend.unwrap_or_default()));
    }
    if code != Some(Code::DepositAtOrBelowMinBalance) && code != Some(Code::RequestStuck) && !is_setup {
        let needs_history = checks.status == Status::Alert && checks.runway.is_none() && history.is_empty();
        let rate = lang.pick(" · rate unknown (needs --state-dir)", " · темп неизвестен (нужен --state-dir)");
        let rate = if needs_history { rate } else { String::new() };
        add("lasts", "хватит на", lasts(report, checks, lang).map(|lasts| lasts + &rate));
    }
    if checks.status == Status::Ok {
        add("draws", "розыгрыши", draws(report, layout));
    }
    let is_of_contract = main
        .is_some_and(|finding| ["watch", "request"].iter().any(|key| finding.evidence.contains_key(*key)));
    let sentence = main.filter(|_| is_of_contract && checks.status != Status::Unknown);
    add("what", "что", sentence.map(|finding| layout.shown(&finding.message)));
    add("contract", "контракт", contract(report, layout));
    if let Some(finding) = main {
        if finding.code == Code::RequestStuck {
            add("request", "запрос", request(report, finding, layout));
            add("cause", "причина", Cause::of(finding).map(|cause| cause.in_words(lang)));
        } else if checks.status == Status::Unknown {
            let (en, ru) =
                if is_of_node(finding.code) { ("node", "узел") } else { ("cause", "причина") };
            add(en, ru, Some(layout.shown(&why(report, finding))));
            add("last seen", "видели", last_seen(history, checks, layout));
        }
        if is_setup {
            lines.extend(missing_setup(checks).filter_map(|finding| missing(finding, layout)));
            if !layout.verbose && missing_setup(checks).any(|finding| finding.remedy.command.is_some()) {
                let commands = lang.pick("-v shows the commands", "-v показывает команды");
                lines.push((lang.pick("do", "сделать"), commands));
            }
        } else {
            lines.push((lang.pick("do", "сделать"), steps(finding, layout)));
        }
        lines.push((lang.pick("code", "код"), code_line(finding, layout)));
    }
    lines.extend(others(checks, main, layout));
    lines.extend(silences::lines(checks, layout));
    if layout.verbose {
        lines.extend(details(report, checks, layout));
    }
    lines
}

/// Whether the finding is one of several things that the lottery's setup lacks.
fn is_setup(finding: &Finding, checks: &Checks) -> bool {
    missing_setup(checks).count() > 1 && missing_setup(checks).any(|other| other == finding)
}

pub(super) fn deposit(checks: &Checks, lang: Lang) -> Option<String> {
    let balance = checks.available_quants?;
    let minimum = checks.min_balance_onchain.map(Quants::supra);
    let minimum = minimum.map(|minimum| match checks.ratio.as_deref().map(short_ratio) {
        Some(ratio) => {
            lang.pick(format!("{ratio} × minimum ({minimum})"), format!("{ratio} × минимум ({minimum})"))
        }
        None => lang.pick(format!("minimum {minimum}"), format!("минимум {minimum}")),
    });
    let unknown = || lang.pick("minimum not known", "минимум неизвестен");
    Some(format!(
        "{:<14}{}",
        format!("{} SUPRA", balance.supra()),
        format_args!(" {}", minimum.unwrap_or_else(unknown))
    ))
}

/// One decimal place, or two below 1.
fn short_ratio(ratio: &str) -> &str {
    if ratio.starts_with("0.") { ratio } else { ratio.get(..ratio.len().saturating_sub(1)).unwrap_or(ratio) }
}

pub(super) fn lasts(report: &Report, checks: &Checks, lang: Lang) -> Option<String> {
    let left = checks.requests_left?;
    let has_lottery = report.id.lottery.is_some();
    let mut text = match (has_lottery, left.get()) {
        (true, 1) => lang.pick("1 draw", "1 розыгрыш"),
        (true, count) => {
            let word = russian_plural(count, ["розыгрыш", "розыгрыша", "розыгрышей"]);
            lang.pick(format!("{left} draws"), format!("{left} {word}"))
        }
        (false, 1) => lang.pick("1 request", "1 запрос"),
        (false, count) => {
            let word = russian_plural(count, ["запрос", "запроса", "запросов"]);
            lang.pick(format!("{left} requests"), format!("{left} {word}"))
        }
    };
    if let Some(runway) = &checks.runway {
        text.push_str(", ");
        text.push_str(&lasts_until(runway, lang));
    }
    if let Some(grant) = checks.grant_remaining.filter(|grant| grant.get() > 0) {
        let grant = grant.supra();
        text.push_str(
            &lang.pick(format!(" · grant {grant} SUPRA left"), format!(" · осталось гранта {grant} SUPRA")),
        );
    }
    Some(text)
}

/// The form of a Russian noun after a number: 1, 2 to 4, others.
fn russian_plural(count: u128, [one, few, many]: [&str; 3]) -> &str {
    match (count % 10, count % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

pub(super) fn draws(report: &Report, layout: &Layout) -> Option<String> {
    let lottery = &report.state.as_ref()?.lottery;
    let lang = layout.lang;
    let mut parts = Vec::new();
    let requests = report.requests.as_ref().filter(|requests| requests.error.is_none());
    let last = requests.and_then(|requests| requests.last_handled_at.as_deref()?.parse().ok());
    if let Some(last) = last {
        let ago = layout.now.as_second().saturating_sub(jiff::Timestamp::as_second(last));
        let ago = format_span(u64::try_from(ago).unwrap_or(0), lang);
        parts.push(lang.pick(format!("last answered {ago} ago"), format!("последний ответ {ago} назад")));
    } else if let (Some(asked), Some(answered)) = (lottery.rng_request_count, lottery.rng_response_count) {
        parts.push(
            lang.pick(format!("{answered} of {asked} answered"), format!("отвечено {answered} из {asked}")),
        );
    }
    match lottery.pending_request {
        Some(false) => parts.push(lang.pick("none waiting", "ни один не ждёт ответа")),
        Some(true) => parts.push(lang.pick("1 waiting for its answer", "1 ждёт ответа")),
        None => {}
    }
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// The contract of a layout in a few words: how many elements its lists have, and what waits.
fn contract(report: &Report, layout: &Layout) -> Option<String> {
    let consumer = report.state.as_ref()?.consumer.as_ref()?;
    let lang = layout.lang;
    let recognised = if consumer.recognised {
        lang.pick(" (recognised)", " (распознана)")
    } else {
        String::new()
    };
    let mut parts = vec![format!("{}{recognised}", consumer.layout)];
    for (name, list) in &consumer.lists {
        parts.push(format!("{name}: {}", list.elements.len() + list.left_out));
    }
    let count = |outcome| consumer.requests.iter().filter(|request| request.outcome == outcome).count();
    match count(RequestOutcome::Pending) {
        0 => parts.push(lang.pick("no request waits", "запросов без ответа нет")),
        1 => parts.push(lang.pick("1 request waits", "1 запрос ждёт ответа")),
        many => parts.push(lang.pick(format!("{many} requests wait"), format!("ждут ответа: {many}"))),
    }
    let answered = count(RequestOutcome::Answered);
    if answered > 0 {
        parts.push(lang.pick(format!("{answered} answered"), format!("отвечено: {answered}")));
    }
    Some(layout.shown(&parts.join(" · ")))
}

fn request(report: &Report, finding: &Finding, layout: &Layout) -> Option<String> {
    let text = |key: &str| finding.evidence.get(key).and_then(|value| value.as_str());
    let nonce = text("nonce").map(|nonce| format!("nonce {nonce}"));
    let at = text("requested_at").and_then(|at| at.parse().ok()).map(|at| layout.time(at));
    let hash = text("transaction_hash").map(|hash| format!("tx {hash}"));
    let parts: Vec<String> = nonce.into_iter().chain(at).chain(hash).collect();
    let usual = report.requests.as_ref().and_then(|requests| requests.latency.as_ref());
    let usual = usual.map(|latency| format_span(latency.p50_ms / 1000, layout.lang));
    let usual = usual.map(|span| layout.lang.pick(format!(" (usually {span})"), format!(" (обычно {span})")));
    (!parts.is_empty()).then(|| layout.shown(&(parts.join(", ") + &usual.unwrap_or_default())))
}

fn is_of_node(code: Code) -> bool {
    matches!(
        code,
        Code::NodeUnreachable
            | Code::NodeThrottled
            | Code::NodesDisagree
            | Code::NotANode
            | Code::WrongChain
            | Code::ChainStale
    )
}

/// Why something is unknown: the failure of the first value that could not be read, else the finding's sentence.
pub(super) fn why(report: &Report, finding: &Finding) -> String {
    let failure = finding.unread_values().first().and_then(|key| report.views.get(*key)?.error.as_ref());
    match failure {
        Some(failure) if finding.code != Code::NoContract => failure.message.clone(),
        _ => finding.message.clone(),
    }
}

/// The steps of a remedy, numbered if there are several, each with its command.
fn steps(finding: &Finding, layout: &Layout) -> String {
    let general;
    let text = if finding.remedy.text.is_empty() {
        general = remedy(finding.code, layout.lang);
        &general
    } else {
        &finding.remedy.text
    };
    // Supra's support needs whole addresses and hashes.
    let verbose = layout.verbose || finding.code == Code::RequestStuck;
    remedy_steps(text, finding.remedy.command.as_deref(), &Layout { verbose, ..*layout })
}

/// The steps of a remedy, numbered where there are several; the command of the first is shown whole, so that it can be
/// pasted.
pub(super) fn remedy_steps(text: &str, command: Option<&str>, layout: &Layout) -> String {
    let steps: Vec<String> = text.lines().map(|step| layout.shown(&as_item(step))).collect();
    let mut shown = Vec::new();
    for (position, step) in steps.iter().enumerate() {
        let is_first = position == 0;
        let number = if steps.len() > 1 { format!("{}. ", position + 1) } else { String::new() };
        let command = command.filter(|_| is_first);
        shown.push(format!("{number}{step}{}", if command.is_some() { ":" } else { "" }));
        shown.extend(command.map(|command| format!("$ {}", crate::text::plain(command))));
    }
    shown.join("\n")
}

/// The first step of a remedy.
pub(super) fn first_step(finding: &Finding, layout: &Layout) -> String {
    let general = remedy(finding.code, layout.lang);
    let text = if finding.remedy.text.is_empty() { &general } else { &finding.remedy.text };
    layout.shown(&as_item(text.lines().next().unwrap_or_default()))
}

/// A sentence as an item of a list: without its full stop, and with a small first letter unless it begins with a name.
fn as_item(sentence: &str) -> String {
    let sentence = sentence.strip_suffix('.').unwrap_or(sentence);
    let is_name = ["Supra", "SUPRA", "dVRF", "DVRF"].iter().any(|name| sentence.starts_with(name));
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) if !is_name => first.to_lowercase().chain(letters).collect(),
        _ => sentence.to_owned(),
    }
}

fn code_line(finding: &Finding, layout: &Layout) -> String {
    let name = finding.code.name();
    let note = match finding.unread_values().len() {
        values @ 2.. if !layout.verbose => layout.lang.pick(
            format!("{values} values not read (-v lists them)"),
            format!("не прочитано значений: {values} (-v – список)"),
        ),
        _ => format!("(dvrf explain {name})"),
    };
    let both = format!("{name}   {note}");
    if both.chars().count() <= layout.width.saturating_sub(12) { both } else { format!("{name}\n{note}") }
}

fn missing(finding: &Finding, layout: &Layout) -> Option<Line> {
    let lang = layout.lang;
    let (what, en, ru, function) = match finding.code {
        Code::AggregatorNotSet => (
            ("callback sender", "отправитель"),
            "not whitelisted",
            "нет в белом списке",
            "whitelist_callback_sender",
        ),
        Code::ConsumersEmpty => {
            (("consumer", "потребитель"), "not whitelisted", "нет в белом списке", "whitelist_consumer")
        }
        Code::GasNotConfigured => {
            (("gas settings", "настройки газа"), "zero", "равны нулю", "configure_vrf_gas")
        }
        _ => return None,
    };
    let (label, state) = (lang.pick(what.0, what.1), lang.pick(en, ru));
    let text = match &finding.remedy.command {
        Some(command) if layout.verbose => format!("{state}:\n$ {}", crate::text::plain(command)),
        _ => format!("{state:<18} → {function}"),
    };
    Some((format!("{label:<16}"), text))
}

/// The other findings, one line each. Findings of severity info are shown where nothing is wrong, or on demand.
fn others(checks: &Checks, main: Option<&Finding>, layout: &Layout) -> Vec<Line> {
    let in_setup =
        |finding: &Finding| main.is_some_and(|main| is_setup(main, checks)) && is_setup(finding, checks);
    let is_shown = |finding: &&Finding| {
        let optional = finding.severity == Severity::Info && !layout.verbose;
        Some(*finding) != main
            && !in_setup(finding)
            && (!optional || checks.status == Status::Ok)
            // The line about draws says so.
            && !(finding.code == Code::RequestPending && checks.status == Status::Ok && !layout.verbose)
    };
    let label = |finding: &Finding| match finding.severity {
        Severity::Info => layout.lang.pick("note", "заметка"),
        _ => layout.lang.pick("also", "ещё"),
    };
    let text = |finding: &Finding| {
        let title = if finding.title.is_empty() { finding.code.name() } else { &finding.title };
        let step = finding.remedy.text.lines().next().unwrap_or_default();
        let step = if step.is_empty() { String::new() } else { format!(" → {}", as_item(step)) };
        layout.shown(&format!("{title}{step}"))
    };
    checks.findings.iter().filter(is_shown).map(|finding| (label(finding), text(finding))).collect()
}

/// What `-v` adds: addresses, the sentence of every finding, and the values that could not be read.
fn details(report: &Report, checks: &Checks, layout: &Layout) -> Vec<Line> {
    let lang = layout.lang;
    let mut lines = Vec::new();
    for (en, ru, address) in [
        ("lottery", "лотерея", &report.id.lottery),
        ("client", "клиент", &report.id.client),
        ("dVRF", "dVRF", &report.id.deposit),
    ] {
        lines.extend(address.as_ref().map(|address| (lang.pick(en, ru), layout.shown(address))));
    }
    for finding in &checks.findings {
        let sentence = format!("{} {}: {}", finding.severity.name(), finding.code.name(), finding.message);
        lines.push((lang.pick("finding", "находка"), layout.shown(&sentence)));
        let values = finding.unread_values();
        if !values.is_empty() {
            lines.push((lang.pick("values", "значения"), layout.shown(&values.join(", "))));
        }
    }
    lines
}
