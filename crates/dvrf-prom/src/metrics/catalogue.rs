//! The table of metrics: names, types, units, labels and HELP texts. A test compares `docs/reference/metrics.md` with it.

use super::{Family, Kind};

macro_rules! families {
    ($all:ident: $doc:literal { $($id:ident $kind:ident $name:literal $(unit $unit:literal)? $(by $($label:literal)+)? : $help:literal)* }) => {
        $(
            #[doc = concat!("`", $name, "`: ", $help)]
            pub static $id: Family = Family {
                name: $name,
                kind: Kind::$kind,
                unit: concat!("" $(, $unit)?),
                labels: &[$($($label),+)?],
                help: $help,
            };
        )*
        #[doc = $doc]
        pub static $all: &[&Family] = &[$(&$id),*];
    };
}

families! {
    ALL: "Every metric, in the order of the output." {
        UP Gauge "up": "1 when everything that the verdict needs was read from the chain, 0 otherwise."
        LAST_RUN Gauge "last_run_timestamp_seconds" unit "seconds": "When the report was made, Unix time."
        LAST_SUCCESS Gauge "last_success_timestamp_seconds" unit "seconds": "When a report with up = 1 was last made, Unix time."
        PROBE_DURATION Gauge "probe_duration_seconds" unit "seconds": "How long the slowest value of the report took to read; values are read in parallel."
        PROBE_ERRORS Gauge "probe_errors" by "reason": "Values that could not be read in the last run, by kind of failure."
        SUBSCRIPTION Info "subscription_info" by "chain_id" "client_addr" "deposit_addr" "lottery_addr" "profile": "Addresses behind the subscription label; always 1."
        BUILD Info "build_info" by "version": "Version of dvrf-prom; always 1."
        CHAIN_TIME Gauge "chain_timestamp_seconds" unit "seconds": "The chain's own clock, Unix time."
        STATE Gauge "state" by "state": "The verdict: 1 for the one of ok, alert and unknown that holds, 0 for the others."
        FINDINGS Gauge "findings_by_severity" by "severity": "How many findings the verdict rests on, by severity."
        FINDING Gauge "finding" by "code" "severity": "1 for every finding code that holds; docs/fix.md explains the codes."
        THRESHOLD Gauge "threshold_ratio" unit "ratio" by "severity": "The multiple of the minimum balance below which a finding of this severity is made."
        BALANCE Gauge "deposit_balance_quants" unit "quants": "The client's fund in the deposit module."
        MIN_BALANCE Gauge "min_balance_quants" unit "quants": "The chain's minimum; requests are refused at or below it."
        AT_OR_BELOW Gauge "deposit_at_or_below_minimum": "The chain's own verdict on the fund: 1 is bad, requests are refused."
        RATIO Gauge "deposit_to_min_balance_ratio" unit "ratio": "Fund over minimum, cut after six decimals."
        EFFECTIVE Gauge "effective_balance_quants" unit "quants": "What is left above the minimum."
        DEPOSIT_NEEDED Gauge "deposit_needed_quants" unit "quants": "What to deposit to reach the planning level, or the recommended deposit where that is higher; 0 when nothing is needed."
        GRANT_REMAINING Gauge "grant_remaining_quants" unit "quants": "The grant that is left; fees take it before the fund."
        GRANT_TOTAL Gauge "grant_total_quants" unit "quants": "The grant that was ever given."
        MAX_TXN_FEE Gauge "max_txn_fee_quants" unit "quants": "The highest fee that one callback may cost."
        MIN_REQUESTS Gauge "min_requests" unit "requests": "How many callbacks the chain's minimum covers."
        REQUESTS_LEFT Gauge "requests_left": "How many requests at the highest fee the part above the minimum pays for; the grant is not counted."
        RUNWAY Gauge "deposit_runway_seconds" unit "seconds": "How long the fund lasts at the recent rate, by the history in --state-dir."
        CALCULATED_MIN Gauge "calculated_min_balance_quants" unit "quants": "The minimum by the gas formula of the settings."
        RECOMMENDED Gauge "recommended_deposit_quants" unit "quants": "The calculated minimum plus the margin."
        PER_REQUEST Gauge "per_request_fee_quants" unit "quants": "The calculated fee of one request."
        WINDOW Gauge "request_window_requests" unit "requests": "Requests that the calculated minimum covers."
        OWN_LIMIT Gauge "min_balance_limit_quants" unit "quants": "Your own lower limit of the fund."
        CLIENT_WHITELISTED Gauge "client_whitelisted": "1 when the deposit module knows the client."
        PAUSED Gauge "deposit_paused": "1 while Supra has paused the deposit module."
        SUBSCRIPTION_END Gauge "subscription_end_timestamp_seconds" unit "seconds": "When a dVRF 2 subscription ends, Unix time."
        MODULE_ENABLED Gauge "module_enabled" by "module": "1 when requests of this consumer module are answered."
        WHITELIST_ENTRIES Gauge "whitelist_entries" unit "entries" by "kind": "Entries of the whitelists: aggregator and consumer of the lottery, module and contract of the client."
        WHITELIST_MISSING Gauge "whitelist_missing" by "kind": "Entries that a whitelist should have and has not, by kind."
        TICKETS Gauge "tickets": "Tickets sold in this round."
        DRAW_SCHEDULED Gauge "draw_scheduled": "1 when a draw is due."
        PENDING Gauge "pending_request": "1 while a randomness request waits for its answer."
        REQUESTS Counter "draw_requests_total": "Randomness requests ever made, as the contract counts them."
        HANDLED Counter "draws_handled_total": "Randomness answers ever handled, as the contract counts them."
        EVENTS_REQUESTED Gauge "window_draw_requests": "Requests in the blocks that dvrf-json --events read."
        EVENTS_HANDLED Gauge "window_draws_handled": "Those of them that were answered."
        EVENTS_PENDING Gauge "unanswered_requests": "Those of them that were not answered."
        FAILED_CALLBACKS Gauge "window_failed_callbacks": "Answers in these blocks that the lottery's callback aborted."
        PENDING_START Gauge "pending_request_start_timestamp_seconds" unit "seconds": "When the oldest unanswered request was made, Unix time."
        DRAW_READY Gauge "draw_ready": "1 when dvrf-draw ready said in this record that a draw may be requested, 0 when it said no."
        DRAW_OUTCOME Gauge "draw_outcome" by "status": "A line of dvrf-draw auto: 1 for the status that it has, 0 for the others."
        DRAW_RUN Gauge "draw_run_timestamp_seconds" unit "seconds": "When that line was written, Unix time."
        DRAW_ANSWER Gauge "draw_answer_seconds" unit "seconds": "How long the answer to its request took, or was waited for in vain; see draw_answered."
        DRAW_ANSWERED Gauge "draw_answered": "1 when the request of that line was answered within --wait-handled, 0 when it was not."
        FUND_OUTCOME Gauge "fund_outcome" by "status": "A line of dvrf-fund --execute: 1 for the status that it has, 0 for the others."
        FUND_RUN Gauge "fund_run_timestamp_seconds" unit "seconds": "When that line was written, Unix time."
        FUND_SPENT Gauge "fund_spent_quants" unit "quants" by "span": "What top-ups of the last 24 hours (day) and of the last 30 days (month) cost."
        CONSUMER_REQUESTS Gauge "consumer_requests" by "outcome" "request": "Requests of a contract with a layout in the last report, by kind and outcome: pending, answered, withdrawn, not_confirmed."
        CONSUMER_OLDEST Gauge "consumer_oldest_request_seconds" unit "seconds" by "request": "How long the oldest pending request of this kind has waited; at least, where only its first sight is known."
        CONSUMER_VALUE Gauge "consumer_value" by "element" "name": "A number or a switch of the contract, as its layout names it."
        LAST_HANDLED Gauge "last_draw_handled_timestamp_seconds" unit "seconds": "When the last answer was handled, Unix time."
        WORDS Gauge "random_words_per_request": "Random words that one request asks for."
        MAX_GAS_PRICE Gauge "max_gas_price_quants" unit "quants" by "source": "Highest price of a gas unit, as the contract, its snapshot or the deposit module (client) has it."
        MAX_GAS_LIMIT Gauge "max_gas_limit" by "source": "Highest gas of a request, as the contract, its snapshot or the deposit module (client) has it."
        CALLBACK_GAS_PRICE Gauge "callback_gas_price_quants" unit "quants" by "source": "Price of a gas unit of the callback, as the contract or its snapshot has it."
        CALLBACK_GAS_LIMIT Gauge "callback_gas_limit" by "source": "Gas limit of the callback, as the contract or its snapshot has it."
        VERIFICATION_GAS Gauge "verification_gas": "Gas of the signature verification."
    }
}

families! {
    OLD: "The old script's metrics, in its order." {
        OLD_BALANCE Untyped "deposit_balance_quants": "The client's fund in the deposit module."
        OLD_MIN_BALANCE Untyped "min_balance_quants": "The minimum by the gas formula of the settings."
        OLD_RECOMMENDED Untyped "recommended_deposit_quants": "The calculated minimum plus the margin."
        OLD_PER_REQUEST Untyped "per_request_fee_quants": "The calculated fee of one request."
        OLD_WINDOW Untyped "request_window_requests": "Requests that the calculated minimum covers."
        OLD_RATIO Untyped "balance_ratio": "Fund over calculated minimum."
        OLD_REACHED Untyped "min_balance_reached": "The chain's own verdict on the fund: 1 is bad, requests are refused."
        OLD_GAS_PRICE Untyped "max_gas_price": "The client's gas price limit."
        OLD_GAS_LIMIT Untyped "max_gas_limit": "The client's gas limit."
        OLD_SCHEDULED Untyped "draw_scheduled": "1 when a draw is due."
        OLD_PENDING Untyped "pending_request": "1 while a randomness request waits for its answer."
        OLD_TICKETS Untyped "ticket_count": "Tickets sold in this round."
        OLD_WORDS Untyped "rng_count": "Random words that one request asks for."
        OLD_EXIT Untyped "monitor_exit_code": "0 read, 1 read and low with --fail-on-low, 2 not read."
        OLD_ACTIVE Untyped "subscription_active": "1 until a dVRF 2 subscription ends."
    }
}

/// Whether a metric of the table uses the label, so that `--label` must not set it.
pub fn is_taken(name: &str) -> bool {
    name == "subscription" || ALL.iter().any(|family| family.labels.contains(&name))
}
