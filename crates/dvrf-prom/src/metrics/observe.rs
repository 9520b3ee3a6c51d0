//! One judged record as points. A value that is not known gives no point; what another chain or a stale node said is
//! not known.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::catalogue as name;
use super::label::{Labels, Series, Text, put, value_text};
use super::{Family, Point, Value};
use supra_core::amount::{Count, GasPrice, GasUnits, Quants, quotient};
use supra_core::check::code::Code;
use supra_core::check::{Checks, Policy, Severity, Status};
use supra_core::failure::FailureKind;
use supra_core::min_balance::Calculation;
use supra_core::report::ReportError;
use supra_core::report::SubscriptionId;
use supra_core::requests::Requests;
use supra_core::state::{Deposit, Lottery, State};
use supra_core::view_report::Views;

/// Everything that one record says.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// Who it is about.
    pub identity: &'a SubscriptionId,
    /// The typed picture.
    pub state: Option<&'a State>,
    /// Where its values came from.
    pub views: &'a Views,
    /// The verdict.
    pub checks: &'a Checks,
    /// Why the record is no answer.
    pub error: Option<&'a ReportError>,
    /// The formula's result.
    pub calculation: Option<&'a Calculation>,
    /// What the events say, where they were read.
    pub requests: Option<&'a Requests>,
    /// What was demanded.
    pub policy: &'a Policy,
    /// When the report was made.
    pub read_at: Option<Timestamp>,
}

/// More consumer modules than any client has; what is above would only cost the reader memory.
const MODULES_MAX: usize = 100;

/// Kinds of failure that mean a value should have been read and was not.
const REASONS: [FailureKind; 9] = [
    FailureKind::Aborted,
    FailureKind::Config,
    FailureKind::Input,
    FailureKind::Output,
    FailureKind::Throttled,
    FailureKind::Timeout,
    FailureKind::Undecodable,
    FailureKind::Unreachable,
    FailureKind::WrongChain,
];

/// What a chain of this version does not have, or has not for this client: an answer, not an error.
const NO_ERROR: [FailureKind; 2] = [FailureKind::Unsupported, FailureKind::NotWhitelisted];

#[derive(Default)]
struct Points(Vec<Point>);

impl Points {
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
        self.0.push(Point { family, series: Series::own(own), value });
    }
}

impl Observation<'_> {
    /// Whether everything that the verdict needs was read.
    pub fn is_up(&self) -> bool {
        let unknown = self.checks.findings.iter().any(|finding| finding.severity == Severity::Unknown);
        self.state.is_some() && self.error.is_none() && !unknown && self.checks.status != Status::Unknown
    }

    /// Whether the values are those of the chain that was meant, as it is now.
    pub(super) fn is_trusted(&self) -> bool {
        !self.finds(Code::WrongChain) && !self.finds(Code::ChainStale)
    }

    fn finds(&self, code: Code) -> bool {
        self.checks.findings.iter().any(|finding| finding.code == code)
    }

    /// The record's points, without the labels that all of them share, and without [`last_success`].
    pub fn points(&self) -> Vec<Point> {
        let mut points = Points::default();
        self.probe(&mut points);
        self.verdict(&mut points);
        let calculation = self.calculation;
        points.add(&name::CALCULATED_MIN, calculation.map(|c| c.min_balance));
        points.add(&name::RECOMMENDED, calculation.map(|c| c.recommended_deposit));
        points.add(&name::PER_REQUEST, calculation.map(|c| c.per_request_fee));
        points.add(&name::WINDOW, calculation.map(|c| u128::from(c.request_window)));
        points.add(&name::OWN_LIMIT, self.policy.min_balance_limit);
        if let Some(state) = self.state.filter(|_| self.is_trusted()) {
            self.deposit(&state.deposit, &mut points);
            draws(&state.lottery, self.requests, &mut points);
            self.whitelists(state, &mut points);
            gas(state, &mut points);
        }
        points.0
    }

    fn probe(&self, points: &mut Points) {
        points.add(&name::UP, Some(self.is_up()));
        points.add(&name::LAST_RUN, self.read_at.map(seconds));
        let slowest = self.views.values().map(|report| report.duration_ms).max();
        points.add(&name::PROBE_DURATION, slowest.map(thousandths));
        let mut failed: BTreeMap<&'static str, u128> = REASONS.iter().map(|kind| (kind.name(), 0)).collect();
        let kinds = self.views.values().filter_map(|report| report.error.as_ref()).map(|error| error.kind);
        for kind in kinds.filter(|kind| !NO_ERROR.contains(kind)) {
            *failed.entry(kind.name()).or_default() += 1;
        }
        // The record's own error repeats a view's, unless there was nothing to read it from.
        if let Some(error) = self.error.filter(|_| failed.values().all(|count| *count == 0)) {
            let known = REASONS.iter().find(|kind| kind.name() == error.kind);
            *failed.entry(known.map_or("other", |kind| kind.name())).or_default() += 1;
        }
        for (reason, count) in failed {
            points.with(&name::PROBE_ERRORS, [("reason", reason)], Some(count));
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
        // An empty label is the same as none.
        let known = labels.into_iter().filter(|(_, value)| !value.is_empty());
        points.with(&name::SUBSCRIPTION, known, Some(true));
        let time = self.state.and_then(|state| state.chain.time_us);
        points.add(&name::CHAIN_TIME, time.map(|us| us.get() / 1_000_000));
    }

    fn verdict(&self, points: &mut Points) {
        for (status, text) in [(Status::Ok, "ok"), (Status::Alert, "alert"), (Status::Unknown, "unknown")] {
            points.with(&name::STATE, [("state", text)], Some(status == self.checks.status));
        }
        let findings = &self.checks.findings;
        for severity in [Severity::Critical, Severity::Warning, Severity::Unknown, Severity::Info] {
            let count = findings.iter().filter(|finding| finding.severity == severity).count();
            points.with(&name::FINDINGS, [("severity", severity.name())], Some(count as u128));
        }
        let mut said: Vec<(Code, Severity)> = findings.iter().map(|f| (f.code, f.severity)).collect();
        said.sort_unstable();
        said.dedup();
        for (code, severity) in said {
            let labels = [("code", code.name()), ("severity", severity.name())];
            points.with(&name::FINDING, labels, Some(true));
        }
        let tiers = [
            (Severity::Critical, self.policy.critical),
            (Severity::Warning, self.policy.warn),
            (Severity::Info, self.policy.plan),
        ];
        for (severity, tier) in tiers {
            let labels = [("severity", severity.name())];
            points.with(&name::THRESHOLD, labels, Some(Value::decimal(tier)));
        }
    }

    fn deposit(&self, deposit: &Deposit, points: &mut Points) {
        points.add(&name::CLIENT_WHITELISTED, deposit.client_whitelisted);
        points.add(&name::PAUSED, deposit.paused);
        points.add(&name::SUBSCRIPTION_END, deposit.subscription_ends_at_s.map(Count::get));
        for module in deposit.modules.iter().flatten().take(MODULES_MAX) {
            let labels = [("module", value_text(&module.module_type))];
            points.with(&name::MODULE_ENABLED, labels, Some(module.enabled));
        }
        // A client that the module does not know has zeros, not amounts.
        if deposit.client_whitelisted == Some(false) {
            return;
        }
        points.add(&name::BALANCE, deposit.balance);
        points.add(&name::MIN_BALANCE, deposit.min_balance);
        points.add(&name::AT_OR_BELOW, deposit.at_or_below_minimum);
        points.add(&name::RATIO, ratio(deposit.balance, deposit.min_balance));
        points.add(&name::EFFECTIVE, deposit.effective_balance);
        points.add(&name::GRANT_REMAINING, deposit.grant_remaining);
        points.add(&name::GRANT_TOTAL, deposit.grant_total);
        points.add(&name::MAX_TXN_FEE, deposit.max_txn_fee);
        points.add(&name::MIN_REQUESTS, deposit.min_request_count.map(Count::get));
        points.add(&name::REQUESTS_LEFT, self.checks.requests_left.map(Count::get));
    }

    fn whitelists(&self, state: &State, points: &mut Points) {
        let (deposit, lottery) = (&state.deposit, &state.lottery);
        let length = |length: usize| length as u128;
        let missing = |codes: &[Code]| {
            self.checks.findings.iter().filter(|finding| codes.contains(&finding.code)).count() as u128
        };
        let lists = [
            (
                "aggregator",
                lottery.aggregator.as_ref().map(|found| u128::from(found.0.is_some())),
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
            points.with(&name::WHITELIST_ENTRIES, labels, entries);
            points.with(&name::WHITELIST_MISSING, labels, entries.map(|_| missing));
        }
        let contracts = deposit.contracts.as_ref().map(|list| length(list.len()));
        points.with(&name::WHITELIST_ENTRIES, [("kind", "contract")], contracts);
    }
}

fn draws(lottery: &Lottery, requests: Option<&Requests>, points: &mut Points) {
    points.add(&name::TICKETS, lottery.ticket_count.map(Count::get));
    points.add(&name::DRAW_SCHEDULED, lottery.draw_scheduled);
    points.add(&name::PENDING, lottery.pending_request);
    points.add(&name::REQUESTS, lottery.rng_request_count.map(Count::get));
    points.add(&name::HANDLED, lottery.rng_response_count.map(Count::get));
    if let Some(read) = requests.filter(|requests| requests.error.is_none()) {
        let time = |text: &Option<String>| text.as_ref()?.parse::<Timestamp>().ok().map(seconds);
        points.add(&name::EVENTS_REQUESTED, Some(u128::from(read.requested)));
        points.add(&name::EVENTS_HANDLED, Some(u128::from(read.handled)));
        points.add(&name::EVENTS_PENDING, u128::try_from(read.pending.len()).ok());
        points.add(&name::PENDING_START, read.pending.first().and_then(|first| time(&first.requested_at)));
        points.add(&name::LAST_HANDLED, time(&read.last_handled_at));
    }
    let config = lottery.vrf_request_config.as_ref().and_then(|config| config.0.as_ref());
    points.add(&name::WORDS, config.map(|config| u128::from(config.rng_count)));
}

fn gas(state: &State, points: &mut Points) {
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
        points.with(family, [("source", source)], value);
    }
    points.add(&name::VERIFICATION_GAS, gas.verification_gas_value.map(GasUnits::get));
}

/// When a report was last complete, which may have been in an earlier run.
pub fn last_success(at: Timestamp) -> Point {
    Point { family: &name::LAST_SUCCESS, series: Series::default(), value: seconds(at) }
}

/// The point that is not about any subscription.
pub fn build() -> Point {
    let version = ("version".into(), env!("CARGO_PKG_VERSION").into());
    Point { family: &name::BUILD, series: Series::own(vec![version]), value: true.into() }
}

/// `part / whole` with six decimals; none where the whole is 0 or either is not known.
pub(super) fn ratio(part: Option<Quants>, whole: Option<Quants>) -> Option<Value> {
    part.zip(whole).and_then(|(part, whole)| quotient(part.get(), whole.get(), 6)).map(Value::decimal)
}

fn seconds(at: Timestamp) -> Value {
    Value::decimal(at.as_second())
}

/// Milliseconds as seconds.
fn thousandths(ms: u64) -> Value {
    Value::decimal(format_args!("{}.{:03}", ms / 1000, ms % 1000))
}
