//! The title of a finding: the problem in at most eight words.

use serde_json::{Map, Value};

use super::code::Code;
use crate::amount::parse_u128;
use crate::lang::Lang;
use crate::time::format_span;

/// The title for a finding. The evidence supplies its level, its age or its direction.
pub(super) fn title(code: Code, evidence: &Map<String, Value>, lang: Lang) -> String {
    match code {
        Code::DepositAtOrBelowMinBalance => at_minimum(evidence, lang),
        Code::RequestStuck => stuck(evidence, lang),
        Code::GasLimitsDrifted => {
            let name = evidence.get("setting").and_then(Value::as_str).unwrap_or("gas");
            lang.pick(
                format!("gas setting {name} differs between places"),
                format!("расходится настройка газа {name}"),
            )
        }
        Code::ChainStale if is_negative(evidence, "lag_seconds") => {
            lang.pick("the chain's clock is ahead of ours", "часы сети спешат относительно наших")
        }
        Code::ConsumerWatch => {
            let title = evidence.get("title").and_then(Value::as_str);
            title.filter(|title| is_plain(title)).map_or_else(|| fixed_in(code, lang), str::to_owned)
        }
        Code::DepositRunsOutSoon => runs_out(evidence, lang),
        Code::ReportStale if is_negative(evidence, "age_seconds") => {
            lang.pick("the report is dated in the future", "отчёт датирован будущим временем")
        }
        code => fixed_in(code, lang),
    }
}

/// Whether the title of a layout's condition is words and nothing else: it begins messages, where marks would be markup.
pub(crate) fn is_plain(title: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || " ,.;:'’%()+-–/".contains(c);
    (1..=120).contains(&title.len()) && title.chars().all(is_word) && title.starts_with(char::is_alphanumeric)
}

fn fixed_in(code: Code, lang: Lang) -> String {
    let (en, ru) = fixed(code);
    lang.pick(en, ru)
}

fn at_minimum(evidence: &Map<String, Value>, lang: Lang) -> String {
    let amount = |key: &str| evidence.get(key).and_then(Value::as_str).and_then(|text| parse_u128(text).ok());
    match (amount("balance"), amount("min_balance")) {
        (Some(balance), Some(minimum)) if balance < minimum => lang.pick(
            "deposit below the minimum – draws are refused",
            "депозит ниже минимума – розыгрыши отклоняются",
        ),
        _ => lang.pick(
            "deposit at the minimum – draws are refused",
            "депозит опустился до минимума – розыгрыши отклоняются",
        ),
    }
}

fn stuck(evidence: &Map<String, Value>, lang: Lang) -> String {
    let Some(age) = evidence.get("age_seconds").and_then(Value::as_u64) else {
        return lang
            .pick("draw request unanswered for too long", "запрос розыгрыша слишком долго без ответа");
    };
    let span = format_span(age, lang);
    lang.pick(format!("draw request unanswered for {span}"), format!("запрос розыгрыша без ответа {span}"))
}

fn runs_out(evidence: &Map<String, Value>, lang: Lang) -> String {
    let Some(seconds) = evidence.get("runway_seconds").and_then(Value::as_u64) else {
        return lang.pick("deposit runs out soon", "депозит скоро закончится");
    };
    let span = format_span(seconds, lang);
    lang.pick(format!("deposit lasts about {span}"), format!("депозита хватит примерно на {span}"))
}

/// Whether a number in the evidence, written as a number or as text, is below zero.
fn is_negative(evidence: &Map<String, Value>, key: &str) -> bool {
    let value = evidence.get(key);
    let number = value.and_then(Value::as_i64);
    number.or_else(|| value?.as_str()?.parse().ok()).is_some_and(|number| number < 0)
}

/// The titles that do not depend on the evidence, in English and Russian.
fn fixed(code: Code) -> (&'static str, &'static str) {
    use Code as C;
    match code {
        C::DepositAtOrBelowMinBalance | C::RequestStuck | C::GasLimitsDrifted | C::DepositRunsOutSoon => {
            ("", "")
        }
        C::AvailableBelowExpectedMinBalance => {
            ("deposit is at or below your own limit", "депозит не выше заданного вами предела")
        }
        C::AvailableBelowCalculatedMinBalance => {
            ("deposit is at or below the calculated minimum", "депозит не выше расчётного минимума")
        }
        C::DepositBelowCriticalTier => ("deposit is critically low", "депозит критически мал"),
        C::DepositBelowWarnTier => ("deposit is getting low", "депозит заканчивается"),
        C::DepositBelowPlanTier => ("it is time to plan a deposit", "пора запланировать пополнение депозита"),
        C::AvailableBelowRecommendedDeposit => {
            ("deposit is below the recommended amount", "депозит меньше рекомендуемого")
        }
        C::DepositViewsDisagree => {
            ("the chain contradicts itself about the deposit", "данные сети о депозите противоречивы")
        }
        C::MinBalanceZero => ("the minimum balance is 0", "минимальный баланс равен 0"),
        C::MinBalanceDrifted => {
            ("the minimum is higher than you assume", "минимум выше, чем заложено в настройках")
        }
        C::ClientNotWhitelisted => (
            "client is not whitelisted – draws are refused",
            "клиента нет в белом списке – розыгрыши отклоняются",
        ),
        C::DepositPaused => ("Supra has paused the deposit module", "Supra приостановила модуль депозита"),
        C::SubscriptionEnded => ("the subscription has ended", "подписка закончилась"),
        C::SubscriptionEndsSoon => ("the subscription ends soon", "подписка скоро закончится"),
        C::ModuleDisabled => ("a consumer module is disabled", "модуль-потребитель отключён"),
        C::ModuleFeeAboveLimit => {
            ("callback fee is above the client's limit", "плата за обратный вызов выше предела клиента")
        }
        C::ModuleMissing => {
            ("an expected consumer module is not registered", "модуль-потребитель не зарегистрирован")
        }
        C::NoConsumer => ("the client has no consumer", "у клиента нет потребителя"),
        C::AggregatorNotSet => {
            ("callback sender is not whitelisted", "отправителя обратного вызова нет в белом списке")
        }
        C::AggregatorUnexpected => {
            ("callback sender is not the expected one", "отправитель обратного вызова не тот, что ожидается")
        }
        C::ConsumersEmpty => ("no consumer is whitelisted", "ни одного потребителя нет в белом списке"),
        C::ConsumerMissing => {
            ("an expected consumer is not whitelisted", "ожидаемого потребителя нет в белом списке")
        }
        C::GasNotConfigured => ("gas settings are zero", "настройки газа равны нулю"),
        C::RequestConfigNotSet => {
            ("the randomness request is not configured", "запрос случайных чисел не настроен")
        }
        C::RequestPending => ("a draw request waits for its answer", "запрос розыгрыша ждёт ответа"),
        C::RequestsUnanswered => {
            ("earlier draw requests were never answered", "прежние запросы розыгрыша остались без ответа")
        }
        C::EventMissing => ("an expected event is missing", "нет ожидаемого события"),
        C::WhitelistChanged => ("a whitelist was changed", "изменён белый список"),
        C::RequestFailed => ("a request was answered without success", "на запрос ответили отказом"),
        C::RequestNotConfirmed => {
            ("what became of a request is not known", "неизвестно, что стало с запросом")
        }
        C::ConsumerNotReady => ("the contract is not initialised", "контракт не инициализирован"),
        C::CallbackSenderNotSet => {
            ("no account may answer the waiting requests", "ни один счёт не вправе ответить на запросы")
        }
        C::HubOrphan => ("the hub keeps a request nobody waits for", "в хабе запрос, которого никто не ждёт"),
        C::HubLost => ("a lottery waits for a lost request", "лотерея ждёт утраченный запрос"),
        C::LotterySwitchesDiffer => ("the lottery's two switches differ", "переключатели лотереи расходятся"),
        C::PoolMissing => {
            ("the scheduled draw has no prize pool", "у назначенного розыгрыша нет призового фонда")
        }
        C::HistoryBacklog => ("draws are not copied to the history", "розыгрыши не переносятся в историю"),
        C::PurchaseBacklog => ("purchases are not copied to the rewards", "покупки не переносятся в награды"),
        C::RequestsPaused => ("the contract has paused its requests", "контракт приостановил запросы"),
        C::DepositGateStale => {
            ("the contract's copy of the deposit is old", "копия депозита в контракте устарела")
        }
        C::VrfAttempts => ("the lottery is about to be cancelled", "лотерея вот-вот будет отменена"),
        C::ConsumerPaused => ("the contract is paused", "контракт приостановлен владельцем"),
        C::ConsumerWatch => ("a condition of the layout holds", "выполнено условие раскладки"),
        C::ContractUpgraded => ("a contract was upgraded", "контракт обновлён"),
        C::WrongChain => ("the node serves another chain", "узел обслуживает другую сеть"),
        C::ChainStale => ("the node is behind the chain", "узел отстаёт от сети"),
        C::ReportStale => ("the report is too old", "отчёт устарел"),
        C::NoContract => ("there is no contract at that address", "по этому адресу нет контракта"),
        C::NodeUnreachable => ("the node does not answer", "узел не отвечает"),
        C::NodeThrottled => ("the node limits our requests", "узел ограничивает число запросов"),
        C::NodesDisagree => ("the nodes behind the URL disagree", "узлы за этим адресом расходятся"),
        C::NotANode => ("what answers is not a Supra node", "отвечает не узел Supra"),
        C::CliFailed => ("the Supra CLI is not set up", "Supra CLI не настроен"),
        C::ViewFailed => ("some optional values could not be read", "не прочитаны необязательные значения"),
        C::ValueUnknown => ("some needed values could not be read", "не прочитаны нужные значения"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_title_is_short_and_in_both_languages() {
        for (code, name, ..) in Code::ALL {
            let (en, ru) = (title(*code, &Map::new(), Lang::En), title(*code, &Map::new(), Lang::Ru));
            assert!(
                !en.is_empty() && en.split_whitespace().filter(|word| *word != "–").count() <= 8,
                "{name}: {en}"
            );
            assert!(
                !ru.is_empty() && ru.split_whitespace().filter(|word| *word != "–").count() <= 8,
                "{name}: {ru}"
            );
            assert!(!en.ends_with('.') && !ru.ends_with('.') && en != ru, "{name}");
        }
    }

    #[rstest]
    #[case::below(Code::DepositAtOrBelowMinBalance, json!({"balance": "1", "min_balance": "2"}), "deposit below the minimum – draws are refused")]
    #[case::at(Code::DepositAtOrBelowMinBalance, json!({"balance": "2", "min_balance": "2"}), "deposit at the minimum – draws are refused")]
    #[case::stuck(Code::RequestStuck, json!({"age_seconds": 10_800}), "draw request unanswered for 3 h")]
    #[case::lasts(Code::DepositRunsOutSoon, json!({"runway_seconds": 183_600}), "deposit lasts about 2 d 3 h")]
    #[case::behind(Code::ChainStale, json!({"lag_seconds": "400"}), "the node is behind the chain")]
    #[case::ahead(Code::ChainStale, json!({"lag_seconds": "-400"}), "the chain's clock is ahead of ours")]
    #[case::of_a_layout(Code::ConsumerWatch, json!({"title": "the pool's balance is below 5 %"}), "the pool's balance is below 5 %")]
    #[case::markup(Code::ConsumerWatch, json!({"title": "```x``` @everyone"}), "a condition of the layout holds")]
    #[case::link(Code::ConsumerWatch, json!({"title": "see <http://e>"}), "a condition of the layout holds")]
    #[case::future(Code::ReportStale, json!({"age_seconds": -400}), "the report is dated in the future")]
    fn titles_by_evidence(#[case] code: Code, #[case] evidence: Value, #[case] expected: &str) {
        assert_eq!(title(code, evidence.as_object().unwrap(), Lang::En), expected);
    }
}
