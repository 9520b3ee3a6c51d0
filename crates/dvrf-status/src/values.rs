//! The values as text: every value, or why it could not be read.

use std::io::{self, Write};

use dvrf_cli::text::{Style, both, plain};
use supra_core::address::Address;
use supra_core::amount::Quants;
use supra_core::check::Severity;
use supra_core::failure::FailureKind;
use supra_core::lang::Lang;
use supra_core::state::State;
use supra_core::view_report::{ViewReport, Views};

/// A line of the report: its name in English and Russian, the key of its value in `views`, and the value if it is known.
type Line = (&'static str, &'static str, &'static str, Option<String>);

fn amount(quants: Option<Quants>) -> Option<String> {
    quants.map(both)
}

fn shown<T: ToString>(value: Option<&T>) -> Option<String> {
    value.map(ToString::to_string)
}

fn yes(flag: Option<bool>, lang: Lang) -> Option<String> {
    flag.map(|flag| if flag { lang.pick("yes", "да") } else { lang.pick("no", "нет") })
}

fn listed(items: &[String], lang: Lang) -> String {
    if items.is_empty() { lang.pick("none", "нет") } else { items.join(", ") }
}

fn deposit_lines(state: &State, lang: Lang) -> Vec<Line> {
    let d = &state.deposit;
    let contracts = d.contracts.as_ref().map(|list| list.iter().map(Address::short).collect::<Vec<_>>());
    let modules = d.modules.as_ref().map(|list| {
        list.iter()
            .map(|module| {
                let state = if module.enabled {
                    lang.pick("enabled", "включён")
                } else {
                    lang.pick("disabled", "отключён")
                };
                format!("{} ({state}, {} SUPRA)", module.module_type, module.max_callback_txn_fee.supra())
            })
            .collect::<Vec<_>>()
    });
    vec![
        ("deposit", "депозит", "balance", amount(d.balance)),
        ("minimum balance", "минимальный баланс", "min_balance", amount(d.refusal_minimum())),
        (
            "at or below the minimum",
            "минимум достигнут",
            "min_balance_reached",
            yes(d.at_or_below_minimum, lang),
        ),
        ("effective balance", "доступно сверх минимума", "effective_balance", amount(d.effective_balance)),
        ("grant left", "остаток гранта", "grant_remaining", amount(d.grant_remaining)),
        ("grant in total", "грант всего", "grant_total", amount(d.grant_total)),
        ("max callback fee", "предел платы за вызов", "max_txn_fee", amount(d.max_txn_fee)),
        (
            "requests the minimum covers",
            "запросов в минимуме",
            "min_request_count",
            shown(d.min_request_count.as_ref()),
        ),
        ("max gas price", "предел цены газа", "max_gas_price", shown(d.max_gas_price.as_ref())),
        ("max gas limit", "предел газа", "max_gas_limit", shown(d.max_gas_limit.as_ref())),
        (
            "client whitelisted",
            "клиент в белом списке",
            "client_whitelisted",
            yes(d.client_whitelisted, lang),
        ),
        ("deposit module paused", "модуль депозита остановлен", "paused", yes(d.paused, lang)),
        ("consumer modules", "модули-потребители", "modules", modules.map(|list| listed(&list, lang))),
        (
            "whitelisted contracts",
            "контракты в белом списке",
            "contracts",
            contracts.map(|list| listed(&list, lang)),
        ),
        (
            "subscription ends",
            "конец подписки",
            "subscription_info",
            d.subscription_ends_at_s.map(|end| format!("{end} s")),
        ),
    ]
}

fn lottery_lines(state: &State, lang: Lang) -> Vec<Line> {
    let l = &state.lottery;
    let unset = || lang.pick("not set", "не задано");
    let consumers = l.consumers.as_ref().map(|list| list.iter().map(Address::short).collect::<Vec<_>>());
    let nonce = l.pending_nonce.as_ref().map(|nonce| nonce.0.map_or_else(unset, |nonce| nonce.to_string()));
    let config = l.vrf_request_config.as_ref().map(|config| {
        config
            .0
            .as_ref()
            .map_or_else(unset, |c| format!("rng_count {}, client_seed {}", c.rng_count, c.client_seed))
    });
    let aggregator = l.aggregator.as_ref().map(|found| match &found[..] {
        [] => unset(),
        several => several.iter().map(Address::short).collect::<Vec<_>>().join(", "),
    });
    let pair = |a: Option<String>, b: Option<String>| a.zip(b).map(|(a, b)| format!("{a} / {b}"));
    let client = l.client_snapshot.as_ref().map(|snapshot| {
        snapshot.0.as_ref().map_or_else(unset, |s| {
            format!("{} / {}, {}", s.max_gas_price, s.max_gas_limit, both(s.min_balance_limit))
        })
    });
    let consumer = l.consumer_snapshot.as_ref().map(|snapshot| {
        snapshot
            .0
            .as_ref()
            .map_or_else(unset, |s| format!("{} / {}", s.callback_gas_price, s.callback_gas_limit))
    });
    let minimum = l.min_balance_snapshot.as_ref().map(|snapshot| snapshot.0.map_or_else(unset, both));
    let gas = &l.gas;
    vec![
        ("tickets", "билеты", "lottery_status", shown(l.ticket_count.as_ref())),
        ("draw scheduled", "розыгрыш назначен", "lottery_status", yes(l.draw_scheduled, lang)),
        ("request pending", "запрос ожидает", "lottery_status", yes(l.pending_request, lang)),
        ("pending nonce", "номер запроса", "pending_nonce", nonce),
        ("jackpot", "джекпот", "lottery_status", shown(l.jackpot_amount.as_ref())),
        (
            "requests / answers",
            "запросы / ответы",
            "lottery_status",
            pair(shown(l.rng_request_count.as_ref()), shown(l.rng_response_count.as_ref())),
        ),
        ("callback sender", "отправитель вызова", "whitelist_status", aggregator),
        ("consumers", "потребители", "whitelist_status", consumers.map(|list| listed(&list, lang))),
        ("request config", "настройка запроса", "vrf_request_config", config),
        (
            "gas price / limit",
            "цена / предел газа",
            "vrf_gas_config",
            pair(shown(gas.max_gas_price.as_ref()), shown(gas.max_gas_limit.as_ref())),
        ),
        (
            "callback gas price / limit",
            "цена / предел газа вызова",
            "callback_gas_config",
            pair(shown(gas.callback_gas_price.as_ref()), shown(gas.callback_gas_limit.as_ref())),
        ),
        (
            "verification gas",
            "газ проверки",
            "verification_gas_value",
            shown(gas.verification_gas_value.as_ref()),
        ),
        ("client snapshot", "снимок клиента", "client_snapshot", client),
        ("consumer snapshot", "снимок потребителя", "consumer_snapshot", consumer),
        ("minimum balance snapshot", "снимок минимума", "min_balance_snapshot", minimum),
    ]
}

/// Writes the report.
pub(crate) fn text(
    state: &State,
    views: &Views,
    lang: Lang,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let chain = state.chain.id.map_or_else(|| lang.pick("unknown", "неизвестно"), |id| id.to_string());
    writeln!(out, "{}: {chain}", lang.pick("Chain", "Сеть"))?;
    for (title, lines) in [
        (lang.pick("Subscription", "Подписка"), deposit_lines(state, lang)),
        (lang.pick("Lottery", "Лотерея"), lottery_lines(state, lang)),
    ] {
        if !lines.iter().any(|(_, _, key, _)| views.contains_key(*key)) {
            continue;
        }
        writeln!(out, "\n{title}")?;
        let name = |en: &'static str, ru: &'static str| lang.pick(en, ru);
        let width = lines.iter().map(|(en, ru, ..)| name(en, ru).chars().count()).max().unwrap_or(0);
        for (en, ru, key, value) in lines {
            let name = name(en, ru);
            let pad = " ".repeat(width - name.chars().count());
            let value = value.map_or_else(
                || style.severity(Severity::Warning, &missing(views.get(key), lang)),
                |value| plain(&value),
            );
            writeln!(out, "  {name}{pad}  {value}")?;
        }
    }
    Ok(())
}

fn missing(report: Option<&ViewReport>, lang: Lang) -> String {
    match report.and_then(|report| report.error.as_ref()) {
        // Each version of dVRF lacks some of the values. People need no reason for it; the record has one.
        Some(failure) if failure.kind == FailureKind::Unsupported => {
            lang.pick("not on this chain", "нет в этой сети")
        }
        // One wrong setting leaves every value unknown; stderr says which.
        Some(failure) if failure.kind == FailureKind::Config => {
            lang.pick("unknown [config]", "неизвестно [config]")
        }
        Some(failure) => format!(
            "{} [{}] {}",
            lang.pick("unknown", "неизвестно"),
            failure.kind.name(),
            plain(&failure.message)
        ),
        None => lang.pick("not read", "не прочитано"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use supra_core::failure::Failure;

    #[test]
    fn known_and_unknown_values() {
        let mut state = State::default();
        state.deposit.balance = Some(Quants(150_000_000));
        let failed = |kind| ViewReport {
            error: Some(Failure::new(kind, "no\u{1b}[2J answer")),
            ..ViewReport::default()
        };
        let views = [
            ("balance".to_owned(), ViewReport::default()),
            ("min_balance".to_owned(), failed(FailureKind::Timeout)),
        ];
        let render = |lang| {
            let mut out = Vec::new();
            text(&state, &views.clone().into(), lang, Style::default(), &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let english = render(Lang::En);
        assert!(english.starts_with("Chain: unknown\n\nSubscription\n"), "{english}");
        assert!(
            english.contains("  deposit                      1.5 SUPRA (150 000 000 quants)\n"),
            "{english}"
        );
        assert!(english.contains("unknown [timeout] no\\u{1b}[2J answer\n"), "{english}");
        assert!(!english.contains("Lottery"));
        assert!(render(Lang::Ru).contains("  минимальный баланс"));
    }
}
