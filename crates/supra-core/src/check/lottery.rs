//! Checks the lottery contract: whitelists, gas settings, the configuration of requests.

use serde_json::{Value, json};

use super::code::Code;
use super::{Facts, Findings, Policy};
use crate::address::Address;
use crate::amount::{Count, GasPrice, GasUnits};
use crate::failure::FailureKind;
use crate::state::Lottery;
use crate::view::catalogue::{CATALOGUE, Place};
use crate::view_report::ViewReport;

/// Checks that a contract answers at the lottery's address: otherwise the address is probably mistyped, and neither the
/// lottery nor a client of the same address can be checked.
pub(super) fn check_presence(facts: &Facts, findings: &mut Findings) {
    let lottery = CATALOGUE.iter().filter(|entry| entry.place == Place::Lottery);
    let read: Vec<_> = lottery.filter_map(|entry| facts.views.get(entry.key)).collect();
    let is_absent = |report: &&ViewReport| {
        report.error.as_ref().is_some_and(|failure| failure.kind == FailureKind::Unsupported)
    };
    if !facts.views.contains_key("lottery_status") || !read.iter().all(is_absent) {
        return;
    }
    let message = findings.lang.pick(
        "no lottery contract answers at that address: is it the right one?",
        "по этому адресу не отвечает контракт лотереи: верен ли он?",
    );
    findings.add(Code::NoContract, message, json!({"value": "lottery_status", "error": "unsupported"}));
}

pub(super) fn check(facts: &Facts, policy: &Policy, findings: &mut Findings) {
    let lottery = &facts.state.lottery;
    // Without a lottery address nothing was read, which only matters if the policy expects something of it.
    if !facts.views.contains_key("lottery_status") {
        let expected = !policy.aggregators.is_empty()
            || !policy.consumers.is_empty()
            || policy.max_gas_price.is_some()
            || policy.max_gas_limit.is_some();
        if expected {
            findings.add_unknown(
                "lottery_status",
                "the lottery, of which something is expected,",
                "лотерея, от которой что-то ожидается",
            );
        }
        return;
    }
    if findings.has(Code::NoContract) {
        return;
    }
    if lottery.pending_request.is_none() && lottery.draw_scheduled.is_none() && lottery.ticket_count.is_none()
    {
        findings.add_unknown("lottery_status", "the lottery's status", "состояние лотереи");
    }
    check_whitelist(lottery, policy, findings);
    check_gas(facts, policy, findings);
    // An answered draw uses the configuration up.
    let has_drawn = lottery.rng_response_count.is_some_and(|count| count > Count(0));
    if !has_drawn && lottery.vrf_request_config.as_ref().is_some_and(|config| config.0.is_none()) {
        let message = findings
            .lang
            .pick("the randomness request is not configured", "запрос случайных чисел не настроен");
        findings.add(Code::RequestConfigNotSet, message, json!({}));
    }
}

fn check_whitelist(lottery: &Lottery, policy: &Policy, findings: &mut Findings) {
    let is_unexpected = |found: &[Address]| {
        if policy.all_aggregators {
            policy.aggregators.iter().any(|wanted| !found.contains(wanted))
        } else {
            !policy.aggregators.is_empty() && !policy.aggregators.iter().any(|wanted| found.contains(wanted))
        }
    };
    match lottery.aggregator.as_deref() {
        None if !policy.aggregators.is_empty() => {
            findings.add_unknown("whitelist_status", "the callback sender", "отправитель обратного вызова");
        }
        Some([]) => {
            let message = findings.lang.pick(
                "no callback sender is whitelisted; a draw would abort",
                "отправителя обратного вызова нет в белом списке; розыгрыш будет прерван",
            );
            let code = if policy.aggregators.is_empty() {
                Code::AggregatorNotSet
            } else {
                Code::AggregatorUnexpected
            };
            findings.add(code, message, json!({"expected": policy.aggregators}));
        }
        Some(found) if is_unexpected(found) => {
            let listed = found.iter().map(Address::short).collect::<Vec<_>>().join(", ");
            let message = findings.lang.pick(
                format!("the callback sender is {listed}, another is expected"),
                format!("отправитель обратного вызова {listed}, ожидается другой"),
            );
            let evidence = match found {
                [one] => json!({"found": one, "expected": policy.aggregators}),
                several => json!({"found": several, "expected": policy.aggregators}),
            };
            findings.add(Code::AggregatorUnexpected, message, evidence);
        }
        _ => {}
    }
    match &lottery.consumers {
        None if !policy.consumers.is_empty() => {
            findings.add_unknown("whitelist_status", "the list of consumers", "список потребителей");
        }
        None => {}
        Some(found) => {
            for wanted in policy.consumers.iter().filter(|wanted| !found.contains(wanted)) {
                let message = findings.lang.pick(
                    format!("the consumer {} is not whitelisted", wanted.short()),
                    format!("потребитель {} не в белом списке", wanted.short()),
                );
                findings.add(Code::ConsumerMissing, message, json!({"consumer": wanted}));
            }
            if found.is_empty() && policy.consumers.is_empty() {
                let message = findings.lang.pick(
                    "no consumer is whitelisted; a draw would abort",
                    "нет потребителей в белом списке; розыгрыш будет прерван",
                );
                findings.add(Code::ConsumersEmpty, message, json!({}));
            }
        }
    }
}

/// A gas setting in each place that has it; `None` where the place does not have it or could not be read.
struct Setting {
    name: &'static str,
    view: &'static str,
    configured: Option<u128>,
    contract: Option<u128>,
    snapshot: Option<u128>,
    client: Option<u128>,
    expected: Option<u128>,
}

fn gas_settings(facts: &Facts, policy: &Policy) -> [Setting; 6] {
    let (lottery, deposit, calculation) = (&facts.state.lottery, &facts.state.deposit, facts.calculation);
    let client = lottery.client_snapshot.as_ref().and_then(|snapshot| snapshot.0.as_ref());
    let consumer = lottery.consumer_snapshot.as_ref().and_then(|snapshot| snapshot.0.as_ref());
    let gas = &lottery.gas;
    let setting = |name, view| Setting {
        name,
        view,
        configured: None,
        contract: None,
        snapshot: None,
        client: None,
        expected: None,
    };
    [
        Setting {
            configured: calculation.map(|c| c.max_gas_price.get()),
            contract: gas.max_gas_price.map(GasPrice::get),
            snapshot: client.map(|s| s.max_gas_price.get()),
            client: deposit.max_gas_price.map(GasPrice::get),
            expected: policy.max_gas_price.map(GasPrice::get),
            ..setting("max_gas_price", "vrf_gas_config")
        },
        Setting {
            configured: calculation.map(|c| c.max_gas_limit.get()),
            contract: gas.max_gas_limit.map(GasUnits::get),
            snapshot: client.map(|s| s.max_gas_limit.get()),
            client: deposit.max_gas_limit.map(GasUnits::get),
            expected: policy.max_gas_limit.map(GasUnits::get),
            ..setting("max_gas_limit", "vrf_gas_config")
        },
        Setting {
            configured: calculation.map(|c| c.verification_gas_value.get()),
            contract: gas.verification_gas_value.map(GasUnits::get),
            ..setting("verification_gas_value", "verification_gas_value")
        },
        Setting {
            contract: gas.callback_gas_price.map(GasPrice::get),
            snapshot: consumer.map(|s| s.callback_gas_price.get()),
            ..setting("callback_gas_price", "callback_gas_config")
        },
        Setting {
            contract: gas.callback_gas_limit.map(GasUnits::get),
            snapshot: consumer.map(|s| s.callback_gas_limit.get()),
            ..setting("callback_gas_limit", "callback_gas_config")
        },
        Setting {
            configured: calculation.map(|c| c.min_balance.get()),
            snapshot: client.map(|s| s.min_balance_limit.get()),
            ..setting("min_balance_limit", "client_snapshot")
        },
    ]
}

fn check_gas(facts: &Facts, policy: &Policy, findings: &mut Findings) {
    let settings = gas_settings(facts, policy);
    let asserted = [settings[0].contract, settings[1].contract, settings[2].contract];
    if asserted.iter().flatten().any(|value| *value == 0) {
        let message = findings.lang.pick(
            "the lottery's gas settings are zero; a draw would abort",
            "параметры газа лотереи равны нулю; розыгрыш будет прерван",
        );
        findings.add(Code::GasNotConfigured, message, json!({}));
        return;
    }
    for setting in settings {
        if setting.expected.is_some() && setting.contract.is_none() {
            findings.add_unknown(setting.view, setting.name, setting.name);
        }
        let places = [
            ("expected", setting.expected),
            ("configured", setting.configured),
            ("contract", setting.contract),
            ("snapshot", setting.snapshot),
            ("client", setting.client),
        ];
        let known: Vec<(&str, u128)> =
            places.into_iter().filter_map(|(place, value)| Some((place, value?))).collect();
        let Some((_, first)) = known.first() else { continue };
        if known.iter().all(|(_, value)| value == first) {
            continue;
        }
        let listed: Vec<String> = known.iter().map(|(place, value)| format!("{place} {value}")).collect();
        let message = findings.lang.pick(
            format!("{} differs: {}", setting.name, listed.join(", ")),
            format!("расхождение {}: {}", setting.name, listed.join(", ")),
        );
        let mut evidence = json!({"setting": setting.name});
        if let Value::Object(fields) = &mut evidence {
            fields
                .extend(known.into_iter().map(|(place, value)| (place.to_owned(), json!(value.to_string()))));
        }
        findings.add(Code::GasLimitsDrifted, message, evidence);
    }
}
