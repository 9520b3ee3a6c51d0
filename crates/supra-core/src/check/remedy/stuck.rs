//! What to do about a request that is not answered.

use serde_json::Value;

use super::super::Finding;
use super::super::code::Code;
use super::super::requests::Cause;
use super::{Context, Remedy};
use crate::address::Address;
use crate::network::Network;

/// After this many seconds an answer that usually takes some seconds is not waited for any longer.
const OVERDUE_S: u64 = 3600;

impl Context<'_> {
    pub(super) fn stuck(&self, finding: &Finding) -> Remedy {
        let text = |key: &str| finding.evidence.get(key).and_then(Value::as_str);
        let mut steps = vec![self.lang.pick(
            "Do not request another draw: the contract refuses it while this one waits.",
            "Не запрашивайте новый розыгрыш: контракт отклонит его, пока ждёт этот.",
        )];
        let (code, of_callback) = match Cause::of(finding) {
            Some(Cause::Paused) => (Some(Code::DepositPaused), false),
            Some(Cause::ClientNotWhitelisted) => (Some(Code::ClientNotWhitelisted), false),
            Some(Cause::ModuleDisabled) => (Some(Code::ModuleDisabled), false),
            Some(Cause::DepositLow) => (Some(Code::DepositBelowWarnTier), false),
            Some(Cause::CallbackFeeTooLow) => (Some(Code::ModuleFeeAboveLimit), false),
            Some(Cause::AggregatorNotSet) => (Some(Code::AggregatorNotSet), false),
            Some(Cause::ConsumerMissing) => (Some(Code::ConsumersEmpty), false),
            Some(Cause::NodeLagging) => (Some(Code::ChainStale), false),
            Some(Cause::CallbackAborts) => (None, true),
            Some(Cause::Unknown) | None => (None, false),
        };
        let mut command = None;
        if let Some(code) = code {
            let specific = if code.is_deposit_level() { self.deposit(code) } else { None };
            let specific = specific.unwrap_or_else(|| Remedy::general(code, self.lang));
            command = specific.command;
            steps.insert(0, specific.text);
        } else if of_callback {
            let why = text("abort").map(|name| format!(" ({name})")).unwrap_or_default();
            steps.insert(
                0,
                self.lang.pick(
                    format!("Fix the lottery's callback: it aborts the answer{why}."),
                    format!("Исправьте обратный вызов лотереи: он прерывает ответ{why}."),
                ),
            );
        }
        steps.push(self.report_to_supra(finding));
        Remedy { text: steps.join("\n"), command }
    }

    /// The step that gives a request to Supra, with what Supra needs to find it.
    fn report_to_supra(&self, finding: &Finding) -> String {
        let lang = self.lang;
        let named = |en: &str, ru: &str, text: Option<String>| {
            text.map(|text| format!("{} {text}", lang.pick(en, ru)))
        };
        let text = |key: &str| finding.evidence.get(key).and_then(Value::as_str).map(str::to_owned);
        let network = self.report.state.as_ref().and_then(|state| state.chain.id).and_then(Network::of_chain);
        let contract = self.report.id.lottery.as_ref().and_then(|text| text.parse::<Address>().ok());
        let known = [
            network.map(|network| network.name().to_owned()),
            named("contract", "контракт", contract.map(|account| account.to_string())),
            named("nonce", "nonce", text("nonce")),
            named("transaction", "транзакция", text("transaction_hash")),
        ];
        let known = known.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let age = finding.evidence.get("age_seconds").and_then(Value::as_u64);
        let is_overdue = age.is_some_and(|age| age >= OVERDUE_S);
        match (is_overdue, known.is_empty()) {
            (true, false) => {
                lang.pick(format!("Send Supra's support this: {known}."), format!("Отправьте в поддержку Supra: {known}."))
            }
            (false, false) => lang.pick(
                format!("If it is unanswered after an hour, send Supra's support this: {known}."),
                format!("Если ответа нет больше часа, отправьте в поддержку Supra: {known}."),
            ),
            (true, true) => lang.pick(
                "Ask Supra's support about it: give the contract's address and the time of the request.",
                "Обратитесь в поддержку Supra: укажите адрес контракта и время запроса.",
            ),
            (false, true) => lang.pick(
                "If it is unanswered after an hour, ask Supra's support about it: give the contract's address and the time of the request.",
                "Если ответа нет больше часа, обратитесь в поддержку Supra: укажите адрес контракта и время запроса.",
            ),
        }
    }
}
