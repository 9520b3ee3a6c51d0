//! What to do about each finding, in one sentence per code and language. The match is exhaustive, so that a new code
//! without a remedy does not compile.

use crate::check::code::Code;
use crate::failure::FailureKind;
use crate::lang::Lang;

/// The remedy for a finding's code; `docs/fix.md` explains it in detail.
pub fn remedy(code: Code, lang: Lang) -> String {
    use Code as C;
    let (en, ru) = match code {
        C::DepositAtOrBelowMinBalance | C::DepositBelowCriticalTier => (
            "Deposit now: requests are refused at the minimum.",
            "Пополните депозит сейчас: на минимуме запросы отклоняются.",
        ),
        C::AvailableBelowExpectedMinBalance => {
            ("Deposit, or correct MIN_BALANCE_LIMIT.", "Пополните депозит или исправьте MIN_BALANCE_LIMIT.")
        }
        C::AvailableBelowCalculatedMinBalance => {
            ("Deposit, or correct the gas settings.", "Пополните депозит или исправьте настройки газа.")
        }
        C::DepositBelowWarnTier => ("Deposit soon.", "Пополните депозит в ближайшее время."),
        C::DepositRunsOutSoon => ("Deposit before it runs out.", "Пополните депозит, пока он не закончился."),
        C::DepositBelowPlanTier | C::AvailableBelowRecommendedDeposit => {
            ("Plan a deposit.", "Запланируйте пополнение.")
        }
        C::DepositViewsDisagree => (
            "Ask again; if it stays, trust the worse of the two.",
            "Повторите запрос; если не исчезнет, верьте худшему из двух.",
        ),
        C::MinBalanceZero => (
            "Set the client's fee limit (update_max_txn_fee).",
            "Задайте предел комиссии клиента (update_max_txn_fee).",
        ),
        C::MinBalanceDrifted => (
            "Record the snapshot again, or correct the gas settings.",
            "Запишите снимок заново или исправьте настройки газа.",
        ),
        C::ClientNotWhitelisted => (
            "Check the client's address and the network. If both are right, whitelist the client (whitelist_client_address, which the client signs), or ask Supra whether it was removed.",
            "Проверьте адрес клиента и сеть. Если они верны, внесите клиента в белый список (whitelist_client_address, подписывает сам клиент) или узнайте у Supra, не удалён ли он оттуда.",
        ),
        C::DepositPaused => ("Wait, or ask Supra.", "Подождите или спросите Supra."),
        C::SubscriptionEnded | C::SubscriptionEndsSoon => {
            ("Renew the subscription with Supra.", "Продлите подписку у Supra.")
        }
        C::ModuleDisabled => {
            ("Enable the consumer module, or remove it.", "Включите модуль-потребитель или удалите его.")
        }
        C::ModuleFeeAboveLimit => (
            "Lower the module's callback fee, or raise the client's limit.",
            "Снизьте плату модуля за обратный вызов или поднимите лимит клиента.",
        ),
        C::ModuleMissing | C::NoConsumer => (
            "Register the consumer module in the deposit module.",
            "Зарегистрируйте модуль-потребитель в модуле депозита.",
        ),
        C::AggregatorNotSet => (
            "Whitelist the callback sender in the lottery.",
            "Внесите отправителя обратных вызовов в белый список лотереи.",
        ),
        C::AggregatorUnexpected => (
            "Find out who changed the callback sender before the next draw.",
            "Выясните до следующего розыгрыша, кто сменил отправителя обратных вызовов.",
        ),
        C::ConsumersEmpty | C::ConsumerMissing => {
            ("Whitelist the consumer in the lottery.", "Внесите потребителя в белый список лотереи.")
        }
        C::GasNotConfigured => ("Set the lottery's gas settings.", "Задайте настройки газа лотереи."),
        C::GasLimitsDrifted => (
            "Bring your configuration, the contract and its snapshot to the same gas settings.",
            "Приведите конфигурацию, контракт и его снимок к одним настройкам газа.",
        ),
        C::RequestConfigNotSet => {
            ("Configure the randomness request before a draw.", "Настройте запрос случайности до розыгрыша.")
        }
        C::RequestPending => ("Wait for the answer.", "Дождитесь ответа."),
        C::RequestsUnanswered => (
            "Find the unanswered request and why it was not answered.",
            "Найдите запрос без ответа и причину.",
        ),
        C::RequestStuck => (
            "evidence.diagnosis has the cause; docs/fix.md says what to do about it.",
            "Причина в evidence.diagnosis; что делать, сказано в docs/fix.ru.md.",
        ),
        C::EventMissing => {
            ("Look at the scheduler that should have drawn.", "Проверьте планировщик розыгрышей.")
        }
        C::WhitelistChanged => (
            "If nobody of yours did it, look at the transaction and compare the lists.",
            "Если это сделали не вы, проверьте транзакцию и списки.",
        ),
        C::RequestFailed => ("Look at the answer's transaction.", "Посмотрите транзакцию ответа."),
        C::RequestNotConfirmed => (
            "Look the request up in the contract, or let the layout say what a missing one means.",
            "Найдите запрос в контракте или укажите в раскладке, что значит его отсутствие.",
        ),
        C::ConsumerNotReady => (
            "Check the contract's address, the network and the layout.",
            "Проверьте адрес контракта, сеть и раскладку.",
        ),
        C::CallbackSenderNotSet => ("Set the hub's callback sender.", "Задайте отправителя ответов в хабе."),
        C::HubOrphan => (
            "Find out which round was reset while its request waited; nothing will answer it.",
            "Выясните, какой раунд сбросили до ответа; на этот запрос никто не ответит.",
        ),
        C::HubLost => {
            ("Reset the round, and request its draw again.", "Сбросьте раунд и запросите розыгрыш снова.")
        }
        C::LotterySwitchesDiffer => (
            "Set the hub's and the instance's switch to the same state.",
            "Приведите переключатели хаба и экземпляра к одному состоянию.",
        ),
        C::PoolMissing => (
            "Configure the lottery's shares in the treasury before the answer comes.",
            "До ответа настройте доли лотереи в казне.",
        ),
        C::HistoryBacklog => ("Run the history's synchronisation.", "Запустите синхронизацию истории."),
        C::PurchaseBacklog => ("Run the rewards' synchronisation.", "Запустите синхронизацию наград."),
        C::RequestsPaused => (
            "Bring the deposit above the required minimum, then resume requests.",
            "Доведите депозит до требуемого минимума и возобновите запросы.",
        ),
        C::DepositGateStale => {
            ("Start the bot that records the deposit.", "Запустите бота, который записывает депозит.")
        }
        C::VrfAttempts => (
            "Find out why the answers fail before anybody asks again.",
            "До следующего запроса выясните, почему ответы не проходят.",
        ),
        C::ConsumerPaused => {
            ("Nothing, if the pause is intended.", "Ничего не делайте, если пауза намеренная.")
        }
        C::ConsumerWatch => (
            "Look at evidence.watch and the value that it names.",
            "Посмотрите evidence.watch и названное там значение.",
        ),
        C::ContractUpgraded => (
            "If you did not expect it, ask who published it before the next draw.",
            "Если вы этого не ждали, до следующего розыгрыша узнайте, кто опубликовал обновление.",
        ),
        C::WrongChain => {
            ("Correct the RPC URL or the expected chain id.", "Исправьте адрес RPC или ожидаемый chain id.")
        }
        C::ChainStale => ("Use another node.", "Используйте другой узел."),
        C::ReportStale => (
            "Make a new report, or allow its age with --max-age.",
            "Создайте новый отчёт или разрешите его возраст через --max-age.",
        ),
        C::NoContract => (
            "Check LOTTERY_ADDR, the network and the module's name (DVRF_LOTTERY_MODULE).",
            "Проверьте LOTTERY_ADDR, сеть и имя модуля (DVRF_LOTTERY_MODULE).",
        ),
        C::NodeUnreachable => (
            "Run dvrf doctor, or try another node: SUPRA_RPC_URL takes several.",
            "Запустите dvrf doctor или укажите в SUPRA_RPC_URL ещё один узел.",
        ),
        C::NodeThrottled => (
            "Ask less often or with fewer --jobs, or use a node of your own.",
            "Обращайтесь реже, уменьшите --jobs или используйте собственный узел.",
        ),
        C::NodesDisagree => (
            "Name single nodes in SUPRA_RPC_URL in place of the load balancer, and leave out the one that is behind.",
            "Укажите в SUPRA_RPC_URL отдельные узлы вместо балансировщика, без отстающего узла.",
        ),
        C::NotANode => (
            "Check host and path of the RPC URL: a proxy or a login page may have answered.",
            "Проверьте хост и путь в адресе RPC: возможно, ответил прокси или страница входа.",
        ),
        C::CliFailed => (
            "Run dvrf doctor: it names the profile, password or program that is missing.",
            "Запустите dvrf doctor: он назовёт недостающий профиль, пароль или программу.",
        ),
        C::ViewFailed | C::ValueUnknown => (
            "Look at the error, and ask another node if it stays.",
            "Посмотрите на ошибку; если не исчезнет, спросите другой узел.",
        ),
    };
    lang.pick(en, ru)
}

/// The title and the remedy where a value is not known because the user gave something wrong: another node cannot help.
pub(super) fn user_mistake(kind: FailureKind, lang: Lang) -> Option<(String, String)> {
    match kind {
        FailureKind::Config => Some((
            lang.pick("a setting is wrong", "неверная настройка"),
            lang.pick("Correct what the message names.", "Исправьте то, что названо в сообщении."),
        )),
        FailureKind::Input => Some((
            lang.pick("the input cannot be used", "входные данные непригодны"),
            lang.pick(
                "Run the tool that wrote this input again, and look at its errors.",
                "Запустите заново инструмент, записавший эти данные, и посмотрите на его ошибки.",
            ),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_remedy_in_both_languages() {
        for (code, name, ..) in Code::ALL {
            let (en, ru) = (remedy(*code, Lang::En), remedy(*code, Lang::Ru));
            assert!(en.ends_with('.') && en.is_ascii(), "{name}: {en}");
            assert!(ru.ends_with('.') && !ru.is_ascii(), "{name}: {ru}");
        }
    }
}
