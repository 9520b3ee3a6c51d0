//! The stable codes of findings; `docs/fix.md` explains each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Severity;

macro_rules! codes {
    ($($name:ident $text:literal $severity:ident : $meaning:literal)*) => {
        /// What a finding is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = concat!("`", $text, "`, as its meaning in `ALL` says.")] #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// Every code with its default severity and meaning, in the order of `docs/fix.md`.
            pub const ALL: &'static [(Code, &'static str, Severity, &'static str)] =
                &[$((Code::$name, $text, Severity::$severity, $meaning)),*];
        }
    };
}

codes! {
    DepositAtOrBelowMinBalance "DEPOSIT_AT_OR_BELOW_MIN_BALANCE" Critical: "The balance is at or below the chain's minimum: new requests are refused."
    AvailableBelowExpectedMinBalance "AVAILABLE_BELOW_EXPECTED_MIN_BALANCE" Critical: "The balance is at or below your own limit (`MIN_BALANCE_LIMIT`)."
    AvailableBelowCalculatedMinBalance "AVAILABLE_BELOW_CALCULATED_MIN_BALANCE" Critical: "The balance is at or below the minimum calculated from your gas settings."
    DepositBelowCriticalTier "DEPOSIT_BELOW_CRITICAL_TIER" Critical: "The balance is below the critical multiple of the minimum."
    DepositBelowWarnTier "DEPOSIT_BELOW_WARN_TIER" Warning: "The balance is below the warning multiple of the minimum: deposit soon."
    DepositRunsOutSoon "DEPOSIT_RUNS_OUT_SOON" Warning: "At the recent rate the balance reaches the minimum soon, whatever multiple of it is left."
    DepositBelowPlanTier "DEPOSIT_BELOW_PLAN_TIER" Info: "The balance is below the planning multiple of the minimum: plan a deposit."
    AvailableBelowRecommendedDeposit "available_below_recommended_deposit" Info: "The balance is below the calculated minimum plus the margin."
    DepositViewsDisagree "DEPOSIT_VIEWS_DISAGREE" Warning: "The chain's own verdict and its numbers contradict each other."
    MinBalanceZero "MIN_BALANCE_ZERO" Warning: "The chain's minimum is 0, so no balance is ever low."
    MinBalanceDrifted "MIN_BALANCE_DRIFTED" Warning: "The chain demands more than the lottery's snapshot or your formula assumes."
    ClientNotWhitelisted "CLIENT_NOT_WHITELISTED" Critical: "The deposit module does not know the client: no request is answered."
    DepositPaused "DEPOSIT_PAUSED" Critical: "Supra paused the deposit module: no request is answered."
    SubscriptionEnded "SUBSCRIPTION_ENDED" Critical: "The dVRF 2 subscription has ended."
    SubscriptionEndsSoon "SUBSCRIPTION_ENDS_SOON" Warning: "The dVRF 2 subscription ends within 14 days."
    ModuleDisabled "MODULE_DISABLED" Critical: "A consumer module is disabled: its requests are refused. Info for one that is not among the expected."
    ModuleFeeAboveLimit "MODULE_FEE_ABOVE_LIMIT" Warning: "A module's callback fee is above the client's fee limit."
    ModuleMissing "MODULE_MISSING" Critical: "An expected consumer module is not registered."
    NoConsumer "NO_CONSUMER" Warning: "The client has neither a consumer module nor a whitelisted contract."
    AggregatorNotSet "AGGREGATOR_NOT_SET" Warning: "The lottery has no whitelisted callback sender: a draw aborts."
    AggregatorUnexpected "AGGREGATOR_UNEXPECTED" Critical: "The lottery's callback sender is not the expected one."
    ConsumersEmpty "CONSUMERS_EMPTY" Warning: "The lottery has no whitelisted consumer: a draw aborts."
    ConsumerMissing "CONSUMER_MISSING" Critical: "An expected consumer is not whitelisted in the lottery."
    GasNotConfigured "GAS_NOT_CONFIGURED" Warning: "The lottery's gas settings are zero: a draw aborts."
    GasLimitsDrifted "GAS_LIMITS_DRIFTED" Warning: "A gas setting differs between your configuration, the contract and its snapshot."
    RequestConfigNotSet "REQUEST_CONFIG_NOT_SET" Info: "The lottery's randomness request is not configured."
    RequestPending "REQUEST_PENDING" Info: "A randomness request waits for its answer."
    RequestsUnanswered "REQUESTS_UNANSWERED" Warning: "More requests were made than answered, beyond the pending one."
    RequestStuck "REQUEST_STUCK" Warning: "A randomness request has waited too long. Critical from 30 minutes on."
    EventMissing "EVENT_MISSING" Warning: "An expected event has not come within its time."
    WhitelistChanged "WHITELIST_CHANGED" Warning: "A whitelist was changed in the blocks that were read."
    RequestFailed "REQUEST_FAILED" Info: "A request was answered without success, such as a refund."
    RequestNotConfirmed "REQUEST_NOT_CONFIRMED" Unknown: "A request was made, and nothing that can be read says what became of it."
    ConsumerNotReady "CONSUMER_NOT_READY" Unknown: "The contract at the consumer's address is not initialised."
    CallbackSenderNotSet "CALLBACK_SENDER_NOT_SET" Critical: "Requests wait, and no account is allowed to answer them."
    HubOrphan "HUB_ORPHAN" Warning: "The hub keeps a request that no lottery waits for."
    HubLost "HUB_LOST" Critical: "A lottery waits for a request that the hub does not have: it can never be answered."
    LotterySwitchesDiffer "LOTTERY_SWITCHES_DIFFER" Warning: "The lottery is on in one place and off in the other."
    PoolMissing "POOL_MISSING" Critical: "A draw is scheduled, and the lottery has no prize pool."
    HistoryBacklog "HISTORY_BACKLOG" Warning: "Draws have waited for more than an hour to be copied to the history."
    PurchaseBacklog "PURCHASE_BACKLOG" Warning: "Purchases have waited for more than an hour to be copied to the rewards."
    RequestsPaused "REQUESTS_PAUSED" Warning: "The contract refuses requests: its own deposit gate is closed."
    DepositGateStale "DEPOSIT_GATE_STALE" Warning: "The contract's own copy of the deposit is more than 15 minutes old."
    VrfAttempts "VRF_ATTEMPTS" Critical: "The request has failed so often that the lottery will soon be cancelled."
    ConsumerPaused "CONSUMER_PAUSED" Info: "The contract's owner has paused it."
    ConsumerWatch "CONSUMER_WATCH" Warning: "A condition of the layout holds."
    ContractUpgraded "CONTRACT_UPGRADED" Info: "The bytecode of a contract has changed within the last day."
    WrongChain "WRONG_CHAIN" Unknown: "The node serves another chain: nothing it says is judged."
    ChainStale "CHAIN_STALE" Unknown: "The chain's clock is too far behind or ahead: nothing it says is judged."
    ReportStale "REPORT_STALE" Unknown: "The report is too old to be judged, or from the future."
    NoContract "NO_CONTRACT" Unknown: "There is no contract at the lottery's address: is it the right one?"
    NodeUnreachable "NODE_UNREACHABLE" Unknown: "The node did not answer: nothing could be read."
    NodeThrottled "NODE_THROTTLED" Unknown: "The node refuses more requests for now: nothing could be read."
    NodesDisagree "NODES_DISAGREE" Unknown: "Answers come from nodes of different heights: nothing they say is judged."
    NotANode "NOT_A_NODE" Unknown: "What answered is not a Supra node: nothing could be read."
    CliFailed "CLI_FAILED" Unknown: "The Supra CLI is not set up: nothing could be read."
    ViewFailed "VIEW_FAILED" Info: "Values that no verdict needs could not be read."
    ValueUnknown "VALUE_UNKNOWN" Unknown: "A value that the verdict needs could not be read."
}

impl Code {
    fn row(self) -> Option<&'static (Code, &'static str, Severity, &'static str)> {
        Self::ALL.iter().find(|(code, ..)| *code == self)
    }

    /// The text in JSON.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |(_, name, ..)| name)
    }

    /// The severity unless a rule says otherwise.
    pub fn severity(self) -> Severity {
        self.row().map_or(Severity::Unknown, |(_, _, severity, _)| *severity)
    }

    /// Whether it is a level of the one problem that the deposit is low.
    pub fn is_deposit_level(self) -> bool {
        matches!(
            self,
            Self::DepositAtOrBelowMinBalance
                | Self::AvailableBelowExpectedMinBalance
                | Self::AvailableBelowCalculatedMinBalance
                | Self::DepositBelowCriticalTier
                | Self::DepositBelowWarnTier
                | Self::DepositRunsOutSoon
                | Self::DepositBelowPlanTier
                | Self::AvailableBelowRecommendedDeposit
        )
    }

    /// Whether it is something that the setup of a lottery lacks, so that a draw would abort.
    pub fn is_setup(self) -> bool {
        matches!(self, Self::AggregatorNotSet | Self::ConsumersEmpty | Self::GasNotConfigured)
    }

    /// The code of a layout's condition.
    pub fn of_watch(name: &str) -> Self {
        const WATCHED: [Code; 11] = [
            Code::CallbackSenderNotSet,
            Code::HubOrphan,
            Code::HubLost,
            Code::LotterySwitchesDiffer,
            Code::PoolMissing,
            Code::HistoryBacklog,
            Code::PurchaseBacklog,
            Code::RequestsPaused,
            Code::DepositGateStale,
            Code::VrfAttempts,
            Code::ConsumerPaused,
        ];
        Self::of_name(name).filter(|code| WATCHED.contains(code)).unwrap_or(Self::ConsumerWatch)
    }

    /// The code with this text in JSON.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, ..)| *known == name).map(|(code, ..)| *code)
    }

    /// The section of the documentation that says what to do.
    pub fn help(self) -> String {
        format!("docs/fix.md#{}", self.name().to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `docs/fix.md` has a section for every code, in this order, with its severity and meaning, and no other under "Codes".
    #[test]
    fn the_page_lists_every_code() {
        let page = include_str!("../../../../docs/fix.md");
        let chapter = page.split("\n## Codes\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
        let sections: Vec<&str> = chapter.split("\n### ").skip(1).collect();
        let listed: Vec<&str> = sections.iter().filter_map(|section| section.lines().next()).collect();
        let codes: Vec<&str> = Code::ALL.iter().map(|(_, name, ..)| *name).collect();
        assert_eq!(listed, codes);
        for (section, (_, name, severity, meaning)) in sections.iter().zip(Code::ALL) {
            let text = section.split_whitespace().collect::<Vec<_>>().join(" ");
            let begins = format!("{name} **{}**: {meaning}", severity.name());
            assert!(text.starts_with(&begins), "{text}\n{begins}");
            assert!(text.len() > begins.len() + 10, "{name} does not say what to do");
        }
    }
}
