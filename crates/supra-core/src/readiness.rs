//! Decides whether a draw may be requested now, by the contract's own asserts, in their order, and the operator's
//! requirements. Pure.
//!
//! A value that is not known is a reason against a draw. The order of the asserts is that of `manual_draw` (Lottery.move) and
//! of `supra_vrf::rng_request`, which it calls. A contract of another layout has the conditions of its `[draw]` instead.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::amount::Count;
use crate::check::code::Code;
use crate::check::{Checks, Severity};
use crate::failure::quote;
use crate::lang::Lang;
use crate::layout::{Condition, LayoutDraw};
use crate::state::State;
use crate::state::consumer::{Consumer, RequestOutcome};
use crate::view_report::{Views, failed_reads};

/// What a draw needs besides the contract's asserts.
#[derive(Debug, Clone)]
pub struct DrawPolicy {
    /// Fewer tickets are too few.
    pub min_tickets: u64,
    /// Do not ask whether a draw is due.
    pub skip_draw_scheduled: bool,
    /// A pending request does not forbid a draw.
    pub allow_pending: bool,
    /// A low deposit does not forbid a draw.
    pub skip_min_balance: bool,
    /// The account that will sign, where it is known.
    pub sender: Option<Address>,
    /// The account that alone may draw: the lottery's own, or the one that `[draw]` names.
    pub signer: Option<Address>,
    /// The draw of a contract that has another layout than the lottery's.
    pub layout: Option<LayoutDraw>,
    /// Expected callback senders, for the summary.
    pub expected_aggregators: Vec<String>,
    /// The language of messages.
    pub lang: Lang,
}

/// A reason against a draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// Stable; `docs/draw.md` explains each.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// Whether the obstacle itself is known; `false`: something could not be read.
    pub known: bool,
}

/// Whether a draw may be requested. The keys up to `expected_aggregators` are the old summary's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Readiness {
    /// Whether a draw may be requested.
    pub ready: bool,
    /// Everything that stands against a draw, in the contract's order.
    pub reasons: Vec<Reason>,
    /// Tickets sold.
    pub ticket_count: Option<u64>,
    /// Tickets that a draw needs.
    pub min_tickets_required: u64,
    /// Whether a draw is due.
    pub draw_scheduled: Option<bool>,
    /// Whether a request waits for its answer.
    pub pending_request: Option<bool>,
    /// Whether the deposit is at or below its minimum, so that the chain refuses requests.
    pub min_balance_reached: Option<bool>,
    /// The whitelisted callback sender, as a list of none or one.
    pub aggregators: Option<Vec<String>>,
    /// The expected ones, where some were named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected_aggregators: Vec<String>,
    /// Requests ever made: the number of the round that a draw would begin.
    pub round: Option<Count>,
    /// The conditions of the layout, where the contract has another than the lottery.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The report that was judged, with `--include-report`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Value>,
}

impl Readiness {
    /// Returns whether values that are not known are the only reasons against a draw.
    pub fn is_unknown(&self) -> bool {
        !self.ready && self.reasons.iter().all(|reason| !reason.known)
    }

    /// Adds a known reason, such as a cool-down.
    pub fn object(&mut self, code: &str, message: String) {
        self.ready = false;
        self.reasons.push(Reason { code: code.to_owned(), message, known: true });
    }
}

/// Findings of `check` that stand against a draw, whatever the operator's alert level is.
const BLOCKING: [Code; 15] = [
    Code::WrongChain,
    Code::ChainStale,
    Code::ReportStale,
    Code::GasNotConfigured,
    Code::AggregatorNotSet,
    Code::AggregatorUnexpected,
    Code::ConsumersEmpty,
    Code::ConsumerMissing,
    Code::ClientNotWhitelisted,
    Code::DepositAtOrBelowMinBalance,
    Code::DepositPaused,
    Code::SubscriptionEnded,
    Code::ModuleDisabled,
    Code::NoConsumer,
    Code::ConsumerNotReady,
];

/// Judges a report and its verdict.
pub fn readiness(state: Option<&State>, views: &Views, checks: &Checks, policy: &DrawPolicy) -> Readiness {
    let empty = State::default();
    let state = state.unwrap_or(&empty);
    let lang = policy.lang;
    let mut reasons = Reasons { list: Vec::new(), lang };

    if let (Some(sender), Some(owner)) = (policy.sender, policy.signer)
        && sender != owner
    {
        let (en, ru) = match policy.layout {
            None => ("the lottery's account", "счёт лотереи"),
            Some(_) => ("the account that [draw] names,", "счёт, названный в [draw]:"),
        };
        reasons.known(
            "NOT_OWNER",
            &format!("the signer {} is not {en} {}", sender.short(), owner.short()),
            &format!("подписывает {}, а не {ru} {}", sender.short(), owner.short()),
        );
    }
    let mut found = match (&policy.layout, &state.consumer) {
        (None, None) => {
            let found = of_lottery(state, policy, &mut reasons);
            counters(state, views, checks, policy, &mut reasons);
            found
        }
        (Some(draw), Some(consumer)) if consumer.layout == draw.layout() => {
            of_layout(draw, consumer, views, policy, &mut reasons)
        }
        (Some(_), _) => {
            reasons.unknown("what the contract of the layout holds", "состояние контракта этой раскладки");
            Readiness::default()
        }
        (None, Some(consumer)) => {
            let layout = quote(&consumer.layout);
            reasons.known(
                "NO_DRAW",
                &format!("the layout {layout} has no draw that may be started"),
                &format!("в раскладке {layout} нет розыгрыша, который можно запустить"),
            );
            Readiness::default()
        }
    };
    findings(checks, policy, &mut reasons);
    if !policy.skip_min_balance && !deposit_is_known(state) {
        reasons.unknown("whether the deposit is above its minimum", "выше ли депозит минимума");
    }
    reasons.list.dedup_by(|a, b| a.code == b.code && a.message == b.message);
    found.ready = reasons.list.is_empty();
    found.reasons = reasons.list;
    found.min_balance_reached = reached(state);
    found.expected_aggregators.clone_from(&policy.expected_aggregators);
    found
}

/// Judges by the lottery's own asserts.
fn of_lottery(state: &State, policy: &DrawPolicy, reasons: &mut Reasons) -> Readiness {
    let lottery = &state.lottery;
    if !policy.skip_draw_scheduled {
        match lottery.draw_scheduled {
            Some(true) => {}
            Some(false) => {
                reasons.known("DRAW_NOT_SCHEDULED", "no draw is scheduled", "розыгрыш не назначен");
            }
            None => reasons.unknown("whether a draw is scheduled", "назначен ли розыгрыш"),
        }
    }
    let tickets = lottery.ticket_count.map(Count::get);
    match tickets {
        Some(count) if count < u128::from(policy.min_tickets).max(1) => {
            let least = policy.min_tickets.max(1);
            reasons.known(
                "TOO_FEW_TICKETS",
                &format!("{count} tickets are sold, {least} are needed"),
                &format!("билетов продано {count}, нужно {least}"),
            );
        }
        Some(_) => {}
        None => reasons.unknown("the number of tickets", "число билетов"),
    }
    reasons.pending(lottery.pending_request, policy);
    Readiness {
        ticket_count: tickets.map(|count| u64::try_from(count).unwrap_or(u64::MAX)),
        min_tickets_required: policy.min_tickets,
        draw_scheduled: lottery.draw_scheduled,
        pending_request: lottery.pending_request,
        aggregators: lottery.aggregator.as_ref().map(|known| known.iter().map(Address::to_string).collect()),
        round: lottery.rng_request_count,
        ..Readiness::default()
    }
}

/// Judges by the conditions of a layout and by open requests of the kind that its draw starts.
fn of_layout(
    draw: &LayoutDraw,
    consumer: &Consumer,
    views: &Views,
    policy: &DrawPolicy,
    reasons: &mut Reasons,
) -> Readiness {
    let conditions = draw.conditions(consumer);
    // Of a contract that is not initialised nothing else was read; a finding says so.
    let is_ready = consumer.ready != Some(false);
    for condition in conditions.iter().filter(|_| is_ready) {
        let text = &condition.text;
        match condition.holds {
            Some(true) => {}
            Some(false) => {
                let found = condition.found(policy.lang);
                reasons.known(
                    "CONDITION_NOT_MET",
                    &format!("{text} does not hold: the value is {found}"),
                    &format!("не выполнено {text}: значение – {found}"),
                );
            }
            None => reasons.unknown(&format!("whether {text} holds"), &format!("выполнено ли {text}")),
        }
    }
    let is_whole = failed_reads(views).next().is_none();
    let has = |outcome| draw.requests(consumer).any(|request| request.outcome == outcome);
    let pending = if has(RequestOutcome::Pending) {
        Some(true)
    } else if has(RequestOutcome::NotConfirmed) || !is_whole {
        None
    } else {
        Some(false)
    };
    if is_ready {
        reasons.pending(pending, policy);
    }
    Readiness {
        pending_request: pending.filter(|_| is_ready),
        round: draw.round(consumer),
        conditions,
        ..Readiness::default()
    }
}

/// The chain's own verdict, or else its numbers; equal is reached, because the chain refuses at `≤`.
fn reached(state: &State) -> Option<bool> {
    let deposit = &state.deposit;
    match (deposit.at_or_below_minimum, deposit.is_at_minimum()) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (flag, numbers) => flag.or(numbers),
    }
}

fn deposit_is_known(state: &State) -> bool {
    state.deposit.client_whitelisted == Some(false) || reached(state).is_some()
}

/// The asserts on counters and on who may request, which no finding of `check` covers.
fn counters(state: &State, views: &Views, checks: &Checks, policy: &DrawPolicy, reasons: &mut Reasons) {
    let lottery = &state.lottery;
    // The old script's reports say nothing of what they never asked for; a live report asks for everything.
    let asked = |key: &str| views.is_empty() || views.contains_key(key);
    // A view that failed has a finding, which says why.
    let said = |key: &str| {
        let unknown = checks.findings.iter().filter(|finding| finding.severity == Severity::Unknown);
        unknown.flat_map(|finding| finding.unread_values()).any(|value| value == key)
    };
    let most = Count(u64::MAX.into());
    if let (Some(consumers), Some(owner)) = (&lottery.consumers, policy.signer)
        && !consumers.is_empty()
        && !consumers.contains(&owner)
    {
        reasons.known(
            "CONSUMER_NOT_WHITELISTED",
            "the lottery's own account is not among its whitelisted consumers",
            "счёт лотереи не входит в её белый список потребителей",
        );
    }
    if (lottery.aggregator.is_none() || lottery.consumers.is_none()) && !said("whitelist_status") {
        reasons.unknown("the lottery's whitelists", "белые списки лотереи");
    }
    let gas_is_unknown = lottery.gas.max_gas_price.is_none() || lottery.gas.max_gas_limit.is_none();
    if gas_is_unknown && asked("vrf_gas_config") && !said("vrf_gas_config") {
        reasons.unknown("the lottery's gas settings", "настройки газа лотереи");
    }
    if lottery.next_client_seed == Some(most) {
        reasons.known(
            "CLIENT_SEED_EXHAUSTED",
            "the client seed is at its end",
            "исчерпаны значения client seed",
        );
    }
    if lottery.rng_request_count == Some(most) {
        reasons.known(
            "REQUEST_COUNTER_EXHAUSTED",
            "the counter of requests is at its end",
            "исчерпан счётчик запросов",
        );
    }
}

fn findings(checks: &Checks, policy: &DrawPolicy, reasons: &mut Reasons) {
    for finding in &checks.findings {
        let about_money = finding.code == Code::DepositAtOrBelowMinBalance;
        match finding.code {
            Code::ValueUnknown
            | Code::NodeUnreachable
            | Code::NodeThrottled
            | Code::NodesDisagree
            | Code::NotANode
            | Code::NoContract
            | Code::CliFailed => {
                let values = finding.unread_values();
                let money = ["balance", "min_balance", "supra_min_balance"];
                let about_money = !values.is_empty() && values.iter().all(|value| money.contains(value));
                if !(about_money && policy.skip_min_balance) {
                    reasons.push(finding.code.name(), finding.message.clone(), false);
                }
            }
            Code::ModuleDisabled if finding.severity == Severity::Info => {}
            code if BLOCKING.contains(&code) && !(about_money && policy.skip_min_balance) => {
                // A wrong or stale chain says nothing about this lottery.
                let known = !matches!(code, Code::WrongChain | Code::ChainStale | Code::ReportStale);
                reasons.push(code.name(), finding.message.clone(), known);
            }
            _ => {}
        }
    }
}

struct Reasons {
    list: Vec<Reason>,
    lang: Lang,
}

impl Reasons {
    fn push(&mut self, code: &str, message: String, known: bool) {
        self.list.push(Reason { code: code.to_owned(), message, known });
    }

    fn known(&mut self, code: &str, en: &str, ru: &str) {
        self.push(code, self.lang.pick(en, ru), true);
    }

    fn pending(&mut self, pending: Option<bool>, policy: &DrawPolicy) {
        match pending {
            _ if policy.allow_pending => {}
            Some(false) => {}
            Some(true) => self.known(
                "REQUEST_PENDING",
                "a randomness request is pending",
                "запрос случайных чисел ожидает ответа",
            ),
            None => self.unknown("whether a request is pending", "ожидает ли запрос ответа"),
        }
    }

    fn unknown(&mut self, en: &str, ru: &str) {
        let message = self.lang.pick(format!("{en} is not known"), format!("неизвестно: {ru}"));
        self.push(Code::ValueUnknown.name(), message, false);
    }
}

#[cfg(test)]
mod tests;
