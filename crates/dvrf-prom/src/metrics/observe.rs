//! Converts a checked record to samples. An unknown value gives no sample, and the values of a wrong chain or of a stale
//! node count as unknown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::catalogue as name;
use super::label::{Labels, Text, put, value_text};
use super::{Family, Sample, Value};
use supra_core::amount::{Count, GasPrice, GasUnits, Quants, quotient};
use supra_core::check::code::Code;
use supra_core::check::remedy::deposit_needed;
use supra_core::check::{Checks, Finding, Policy, Severity, Status};
use supra_core::draw::{AutoLine, AutoStatus};
use supra_core::failure::FailureKind;
use supra_core::fund::{FundLine, FundStatus};
use supra_core::min_balance::Calculation;
use supra_core::readiness::Readiness;
use supra_core::report::ReportError;
use supra_core::report::SubscriptionId;
use supra_core::requests::Requests;
use supra_core::state::consumer::{Consumer, ConsumerRequest, RequestOutcome};
use supra_core::state::{Deposit, Lottery, State};
use supra_core::view_report::Views;

/// A checked record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observation<'a> {
    /// The subscription.
    pub(crate) identity: &'a SubscriptionId,
    /// The values that were read.
    pub(crate) state: Option<&'a State>,
    /// How each value was read.
    pub(crate) views: &'a Views,
    /// The verdict.
    pub(crate) checks: &'a Checks,
    /// Why the report failed.
    pub(crate) error: Option<&'a ReportError>,
    /// The result of the minimum-balance formula.
    pub(crate) calculation: Option<&'a Calculation>,
    /// The draw requests, if events were read.
    pub(crate) requests: Option<&'a Requests>,
    /// The thresholds.
    pub(crate) policy: &'a Policy,
    /// When the report was made.
    pub(crate) read_at: Option<Timestamp>,
}

/// More consumer modules than any client has. A node must not make the time series database grow beyond that.
const MODULES_MAX: usize = 100;

/// The kinds of failure that `probe_errors` counts: the value should have been read and was not.
const REASONS: [FailureKind; 10] = [
    FailureKind::Aborted,
    FailureKind::Config,
    FailureKind::Input,
    FailureKind::NodesDisagree,
    FailureKind::Output,
    FailureKind::Throttled,
    FailureKind::Timeout,
    FailureKind::Undecodable,
    FailureKind::Unreachable,
    FailureKind::WrongChain,
];

/// The kinds that are answers and not errors: this version of dVRF, or this client, does not have the value.
const NO_ERROR: [FailureKind; 2] = [FailureKind::Unsupported, FailureKind::NotWhitelisted];

#[derive(Default)]
struct Samples(Vec<Sample>);

impl Samples {
    fn add(&mut self, family: &'static Family, value: Option<impl Into<Value>>) {
        self.push(family, Labels::new(), value.map(Into::into));
    }

    fn with<T: Into<Text>>(
        &mut self,
        family: &'static Family,
        own: impl IntoIterator<Item = (&'static str, T)>,
        value: Option<impl Into<Value>>,
    ) {
        let mut labels = Labels::new();
        for (name, value) in own {
            put(&mut labels, name, value);
        }
        self.push(family, labels, value.map(Into::into));
    }

    fn push(&mut self, family: &'static Family, own: Labels, value: Option<Value>) {
        let Some(value) = value else { return };
        debug_assert!(own.iter().all(|(name, _)| family.labels.contains(&&**name)), "{}", family.name);
        self.0.push(Sample { family, labels: own, value });
    }
}

impl Observation<'_> {
    /// Whether everything that the verdict needs was read.
    pub(crate) fn is_up(&self) -> bool {
        let unknown = self.checks.findings.iter().any(|finding| finding.severity == Severity::Unknown);
        self.state.is_some() && self.error.is_none() && !unknown && self.checks.status != Status::Unknown
    }

    /// Whether the values are current and come from the right chain.
    pub(super) fn is_trusted(&self) -> bool {
        ![Code::WrongChain, Code::ChainStale, Code::ReportStale].iter().any(|code| self.finds(*code))
    }

    fn finds(&self, code: Code) -> bool {
        self.checks.findings.iter().any(|finding| finding.code == code)
    }

    /// The record's samples, without the labels that all of them share and without [`last_success`].
    pub(crate) fn samples(&self) -> Vec<Sample> {
        let mut samples = Samples::default();
        self.probe(&mut samples);
        self.verdict(&mut samples);
        let calculation = self.calculation;
        samples.add(&name::CALCULATED_MIN, calculation.map(|c| c.min_balance));
        samples.add(&name::RECOMMENDED, calculation.map(|c| c.recommended_deposit));
        samples.add(&name::PER_REQUEST, calculation.map(|c| c.per_request_fee));
        samples.add(&name::WINDOW, calculation.map(|c| u128::from(c.request_window)));
        samples.add(&name::OWN_LIMIT, self.policy.min_balance_limit);
        if let Some(state) = self.state.filter(|_| self.is_trusted()) {
            self.deposit(&state.deposit, &mut samples);
            draws(&state.lottery, self.requests, &mut samples);
            self.whitelists(state, &mut samples);
            gas(state, &mut samples);
            if let Some(consumer) = &state.consumer {
                self.contract(consumer, &mut samples);
            }
        }
        samples.0
    }

    fn contract(&self, consumer: &Consumer, samples: &mut Samples) {
        let outcomes = [
            (RequestOutcome::Pending, "pending"),
            (RequestOutcome::Answered, "answered"),
            (RequestOutcome::Withdrawn, "withdrawn"),
            (RequestOutcome::NotConfirmed, "not_confirmed"),
        ];
        let kinds: BTreeSet<&String> = consumer.requests.iter().map(|request| &request.request).collect();
        for kind in kinds.into_iter().take(MODULES_MAX) {
            let of_kind = || consumer.requests.iter().filter(|request| request.request == *kind);
            for (outcome, name) in outcomes {
                let count = of_kind().filter(|request| request.outcome == outcome).count() as u128;
                let labels = [("request", kind.clone()), ("outcome", name.to_owned())];
                samples.with(&name::CONSUMER_REQUESTS, labels, Some(count));
            }
            let now = self.read_at.map(Timestamp::as_second);
            let since = |request: &ConsumerRequest| {
                let seen: Timestamp = request.first_seen.as_ref()?.parse().ok()?;
                u64::try_from(now? - seen.as_second()).ok()
            };
            let waiting = of_kind().filter(|request| request.outcome == RequestOutcome::Pending);
            let oldest = waiting.filter_map(|request| request.age_seconds.or_else(|| since(request))).max();
            samples.with(&name::CONSUMER_OLDEST, [("request", kind.clone())], oldest.map(u128::from));
        }
        let single = consumer.values.iter().map(|(name, value)| (name, "", value));
        let of_lists = consumer.lists.values().flat_map(|list| list.elements.iter().take(MODULES_MAX));
        let of_elements = of_lists.flat_map(|element| {
            element.values.iter().map(|(name, value)| (name, element.id.as_str(), value))
        });
        for (name, element, value) in single.chain(of_elements) {
            // A Move `Option` is a list of none or one.
            let value = value.as_array().map_or(Some(value), |items| items.first());
            let number = value.and_then(|value| match value {
                serde_json::Value::Bool(on) => Some(u128::from(*on)),
                serde_json::Value::String(text) => text.parse::<u128>().ok(),
                _ => None,
            });
            let labels = [("name", name.clone()), ("element", element.to_owned())];
            samples.with(&name::CONSUMER_VALUE, labels, number);
        }
    }

    fn probe(&self, samples: &mut Samples) {
        samples.add(&name::UP, Some(self.is_up()));
        samples.add(&name::LAST_RUN, self.read_at.map(seconds));
        let slowest = self.views.values().map(|report| report.duration_ms).max();
        samples.add(&name::PROBE_DURATION, slowest.map(thousandths));
        let mut failed: BTreeMap<&'static str, u128> = REASONS.iter().map(|kind| (kind.name(), 0)).collect();
        let kinds = self.views.values().filter_map(|report| report.error.as_ref()).map(|error| error.kind);
        for kind in kinds.filter(|kind| !NO_ERROR.contains(kind)) {
            *failed.entry(kind.name()).or_default() += 1;
        }
        // The record's error repeats the error of a value, unless no value was read at all.
        if let Some(error) = self.error.filter(|_| failed.values().all(|count| *count == 0)) {
            let known = REASONS.iter().find(|kind| kind.name() == error.kind);
            *failed.entry(known.map_or("other", |kind| kind.name())).or_default() += 1;
        }
        for (reason, count) in failed {
            samples.with(&name::PROBE_ERRORS, [("reason", reason)], Some(count));
        }
        let text = |text: &Option<String>| value_text(text.as_deref().unwrap_or_default());
        let chain = self.state.and_then(|state| state.chain.id).map(|id| id.to_string()).unwrap_or_default();
        let identity = self.identity;
        let labels = [
            ("chain_id", chain),
            ("client_addr", text(&identity.client)),
            ("deposit_addr", text(&identity.deposit)),
            ("lottery_addr", text(&identity.lottery)),
            ("profile", text(&identity.profile)),
        ];
        // Prometheus treats an empty label like an absent one.
        let known = labels.into_iter().filter(|(_, value)| !value.is_empty());
        samples.with(&name::SUBSCRIPTION, known, Some(true));
        let time = self.state.and_then(|state| state.chain.time_us);
        samples.add(&name::CHAIN_TIME, time.map(|us| us.get() / 1_000_000));
    }

    fn verdict(&self, samples: &mut Samples) {
        for (status, text) in [(Status::Ok, "ok"), (Status::Alert, "alert"), (Status::Unknown, "unknown")] {
            samples.with(&name::STATE, [("state", text)], Some(status == self.checks.status));
        }
        let findings = &self.checks.findings;
        for severity in [Severity::Critical, Severity::Warning, Severity::Unknown, Severity::Info] {
            let count = findings.iter().filter(|finding| finding.severity == severity).count();
            samples.with(&name::FINDINGS, [("severity", severity.name())], Some(count as u128));
        }
        let mut codes: Vec<(Code, Severity)> = findings.iter().map(|f| (f.code, f.severity)).collect();
        codes.extend(findings.iter().flat_map(Finding::also).map(|code| (code, code.severity())));
        codes.sort_unstable();
        codes.dedup();
        for (code, severity) in codes {
            let labels = [("code", code.name()), ("severity", severity.name())];
            samples.with(&name::FINDING, labels, Some(true));
        }
        let tiers = [
            (Severity::Critical, self.policy.critical),
            (Severity::Warning, self.policy.warn),
            (Severity::Info, self.policy.plan),
        ];
        for (severity, tier) in tiers {
            let labels = [("severity", severity.name())];
            samples.with(&name::THRESHOLD, labels, Some(Value::decimal(tier)));
        }
    }

    fn deposit(&self, deposit: &Deposit, samples: &mut Samples) {
        samples.add(&name::CLIENT_WHITELISTED, deposit.client_whitelisted);
        samples.add(&name::PAUSED, deposit.paused);
        samples.add(&name::SUBSCRIPTION_END, deposit.subscription_ends_at_s.map(Count::get));
        for module in deposit.modules.iter().flatten().take(MODULES_MAX) {
            let labels = [("module", value_text(&module.module_type))];
            samples.with(&name::MODULE_ENABLED, labels, Some(module.enabled));
        }
        // The module returns zeros for a client that it does not know. They are not amounts.
        if deposit.client_whitelisted == Some(false) {
            return;
        }
        samples.add(&name::BALANCE, deposit.balance);
        samples.add(&name::MIN_BALANCE, deposit.refusal_minimum());
        samples.add(&name::AT_OR_BELOW, deposit.at_or_below_minimum);
        samples.add(&name::RATIO, ratio(deposit.balance, deposit.refusal_minimum()));
        samples.add(&name::EFFECTIVE, deposit.effective_balance);
        samples.add(&name::DEPOSIT_NEEDED, deposit_needed(self.checks, self.policy));
        samples.add(&name::GRANT_REMAINING, deposit.grant_remaining);
        samples.add(&name::GRANT_TOTAL, deposit.grant_total);
        samples.add(&name::MAX_TXN_FEE, deposit.max_txn_fee);
        samples.add(&name::MIN_REQUESTS, deposit.min_request_count.map(Count::get));
        samples.add(&name::REQUESTS_LEFT, self.checks.requests_left.map(Count::get));
        samples.add(&name::RUNWAY, self.checks.runway.as_ref().map(|runway| u128::from(runway.seconds)));
    }

    fn whitelists(&self, state: &State, samples: &mut Samples) {
        let (deposit, lottery) = (&state.deposit, &state.lottery);
        let length = |length: usize| length as u128;
        let missing = |codes: &[Code]| {
            self.checks.findings.iter().filter(|finding| codes.contains(&finding.code)).count() as u128
        };
        let lists = [
            (
                "aggregator",
                lottery.aggregator.as_ref().map(|found| found.len() as u128),
                missing(&[Code::AggregatorNotSet, Code::AggregatorUnexpected]),
            ),
            (
                "consumer",
                lottery.consumers.as_ref().map(|list| length(list.len())),
                missing(&[Code::ConsumerMissing, Code::ConsumersEmpty]),
            ),
            (
                "module",
                deposit.modules.as_ref().map(|list| length(list.len())),
                missing(&[Code::ModuleMissing]),
            ),
        ];
        for (kind, entries, missing) in lists {
            let labels = [("kind", kind)];
            samples.with(&name::WHITELIST_ENTRIES, labels, entries);
            samples.with(&name::WHITELIST_MISSING, labels, entries.map(|_| missing));
        }
        let contracts = deposit.contracts.as_ref().map(|list| length(list.len()));
        samples.with(&name::WHITELIST_ENTRIES, [("kind", "contract")], contracts);
    }
}

fn draws(lottery: &Lottery, requests: Option<&Requests>, samples: &mut Samples) {
    samples.add(&name::TICKETS, lottery.ticket_count.map(Count::get));
    samples.add(&name::DRAW_SCHEDULED, lottery.draw_scheduled);
    samples.add(&name::PENDING, lottery.pending_request);
    samples.add(&name::REQUESTS, lottery.rng_request_count.map(Count::get));
    samples.add(&name::HANDLED, lottery.rng_response_count.map(Count::get));
    if let Some(read) = requests.filter(|requests| requests.error.is_none()) {
        let time = |text: &Option<String>| text.as_ref()?.parse::<Timestamp>().ok().map(seconds);
        samples.add(&name::EVENTS_REQUESTED, Some(u128::from(read.requested)));
        samples.add(&name::EVENTS_HANDLED, Some(u128::from(read.handled)));
        samples.add(&name::EVENTS_PENDING, u128::try_from(read.pending.len()).ok());
        samples.add(&name::FAILED_CALLBACKS, u128::try_from(read.callback_failures.len()).ok());
        samples.add(&name::PENDING_START, read.pending.first().and_then(|first| time(&first.requested_at)));
        samples.add(&name::LAST_HANDLED, time(&read.last_handled_at));
    }
    let config = lottery.vrf_request_config.as_ref().and_then(|config| config.0.as_ref());
    samples.add(&name::WORDS, config.map(|config| u128::from(config.rng_count)));
}

fn gas(state: &State, samples: &mut Samples) {
    let (deposit, lottery) = (&state.deposit, &state.lottery);
    let (gas, client) = (&lottery.gas, lottery.client_snapshot.as_ref().and_then(|s| s.0.as_ref()));
    let consumer = lottery.consumer_snapshot.as_ref().and_then(|snapshot| snapshot.0.as_ref());
    let rows: [(&'static Family, &'static str, Option<u128>); 10] = [
        (&name::MAX_GAS_PRICE, "contract", gas.max_gas_price.map(GasPrice::get)),
        (&name::MAX_GAS_PRICE, "snapshot", client.map(|s| s.max_gas_price.get())),
        (&name::MAX_GAS_PRICE, "client", deposit.max_gas_price.map(GasPrice::get)),
        (&name::MAX_GAS_LIMIT, "contract", gas.max_gas_limit.map(GasUnits::get)),
        (&name::MAX_GAS_LIMIT, "snapshot", client.map(|s| s.max_gas_limit.get())),
        (&name::MAX_GAS_LIMIT, "client", deposit.max_gas_limit.map(GasUnits::get)),
        (&name::CALLBACK_GAS_PRICE, "contract", gas.callback_gas_price.map(GasPrice::get)),
        (&name::CALLBACK_GAS_PRICE, "snapshot", consumer.map(|s| s.callback_gas_price.get())),
        (&name::CALLBACK_GAS_LIMIT, "contract", gas.callback_gas_limit.map(GasUnits::get)),
        (&name::CALLBACK_GAS_LIMIT, "snapshot", consumer.map(|s| s.callback_gas_limit.get())),
    ];
    for (family, source, value) in rows {
        samples.with(family, [("source", source)], value);
    }
    samples.add(&name::VERIFICATION_GAS, gas.verification_gas_value.map(GasUnits::get));
}

/// The sample for when a report was last complete, in this run or an earlier one.
pub(crate) fn last_success(at: Timestamp) -> Sample {
    Sample { family: &name::LAST_SUCCESS, labels: Labels::new(), value: seconds(at) }
}

/// The sample with the version of this program; it belongs to no subscription.
pub(crate) fn build() -> Sample {
    let version = ("version".into(), env!("CARGO_PKG_VERSION").into());
    Sample { family: &name::BUILD, labels: vec![version], value: true.into() }
}

/// `part / whole`, cut after six decimals; `None` where either is unknown or the whole is 0.
pub(super) fn ratio(part: Option<Quants>, whole: Option<Quants>) -> Option<Value> {
    part.zip(whole).and_then(|(part, whole)| quotient(part.get(), whole.get(), 6)).map(Value::decimal)
}

fn seconds(at: Timestamp) -> Value {
    Value::decimal(at.as_second())
}

/// The sample for the answer of `dvrf-draw ready`; none where it could not tell.
pub(crate) fn draw_ready(readiness: &Readiness) -> Option<Sample> {
    let value = (readiness.ready || !readiness.is_unknown()).then_some(readiness.ready)?;
    Some(Sample { family: &name::DRAW_READY, labels: Labels::new(), value: value.into() })
}

/// The samples of a line of `dvrf-draw auto`.
pub(crate) fn draw_line(line: &AutoLine) -> Vec<Sample> {
    use AutoStatus as S;
    const ALL: [AutoStatus; 7] =
        [S::NotReady, S::ReadyDryRun, S::Executed, S::ManualDrawFailed, S::Busy, S::Reconciled, S::Error];
    let mut samples = Samples::default();
    for status in ALL {
        samples.with(&name::DRAW_OUTCOME, [("status", status.name())], Some(status == line.status));
    }
    samples.add(&name::DRAW_RUN, line.timestamp.parse().ok().map(seconds));
    let handled = line.manual_draw.as_ref().and_then(|result| result.handled.as_ref());
    samples.add(&name::DRAW_ANSWER, handled.map(|handled| thousandths(handled.waited_ms)));
    samples.add(&name::DRAW_ANSWERED, handled.map(|handled| handled.handled));
    samples.0
}

/// The samples of a line of `dvrf-fund --execute`.
pub(crate) fn fund_line(line: &FundLine) -> Vec<Sample> {
    let mut samples = Samples::default();
    for status in FundStatus::ALL.into_iter().filter(|status| *status != FundStatus::Submitting) {
        samples.with(&name::FUND_OUTCOME, [("status", status.name())], Some(status == line.status));
    }
    samples.add(&name::FUND_RUN, line.timestamp.parse().ok().map(seconds));
    for (span, spent) in [("day", line.spent_day), ("month", line.spent_month)] {
        samples.with(&name::FUND_SPENT, [("span", span)], spent.map(|spent| Value::from(spent.get())));
    }
    samples.0
}

/// Formats milliseconds as seconds.
fn thousandths(ms: u64) -> Value {
    Value::decimal(format_args!("{}.{:03}", ms / 1000, ms % 1000))
}
