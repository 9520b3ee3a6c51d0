//! The verdict on an arbitrary state: never ok at or below a known minimum, never ok without a value that the verdict
//! needs, and never ready without every condition that the contract asserts.

#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use oracle::{maybe, number, text};
use supra_core::address::Address;
use supra_core::amount::{Count, Decimal, GasPrice, GasUnits, Quants};
use supra_core::check::code::Code;
use supra_core::check::{Checks, Facts, Policy, Severity, Status, evaluate, is_low};
use supra_core::failure::{Abort, Failure, FailureKind};
use supra_core::lang::Lang;
use supra_core::min_balance::Calculation;
use supra_core::readiness::{DrawPolicy, readiness};
use supra_core::report::ReportError;
use supra_core::requests::{CallbackFailure, Change, Pending, Requests};
use supra_core::state::{Chain, Deposit, Gas, Lottery, Maybe, Module, State, VrfRequestConfig};
use supra_core::view::catalogue::CATALOGUE;
use supra_core::view_report::{ViewReport, Views};

const NOW_S: i64 = 1_760_000_000;

fn flag(u: &mut Unstructured) -> Option<bool> {
    maybe(u, |u| u.arbitrary().unwrap_or(false))
}

fn quants(u: &mut Unstructured) -> Option<Quants> {
    maybe(u, |u| Quants(number(u)))
}

fn count(u: &mut Unstructured) -> Option<Count> {
    maybe(u, |u| Count(number(u)))
}

fn address(u: &mut Unstructured) -> Address {
    let digit = u.int_in_range(1u8..=3).unwrap_or(1);
    format!("0x{digit}").parse().expect("an address")
}

fn addresses(u: &mut Unstructured) -> Vec<Address> {
    (0..u.int_in_range(0..=2).unwrap_or(0)).map(|_| address(u)).collect()
}

fn deposit(u: &mut Unstructured) -> Deposit {
    Deposit {
        balance: quants(u),
        min_balance: quants(u),
        supra_min_balance: quants(u),
        at_or_below_minimum: flag(u),
        effective_balance: quants(u),
        grant_remaining: quants(u),
        grant_total: quants(u),
        max_txn_fee: quants(u),
        min_request_count: count(u),
        max_gas_price: maybe(u, |u| GasPrice(number(u))),
        max_gas_limit: maybe(u, |u| GasUnits(number(u))),
        client_whitelisted: flag(u),
        paused: flag(u),
        modules: maybe(u, |u| {
            let module = |u: &mut Unstructured| Module {
                module_type: text(u),
                max_callback_txn_fee: Quants(number(u)),
                min_balance_limit: Quants(number(u)),
                enabled: u.arbitrary().unwrap_or(true),
            };
            (0..u.int_in_range(0..=2).unwrap_or(0)).map(|_| module(u)).collect()
        }),
        contracts: maybe(u, addresses),
        subscription_ends_at_s: count(u),
        subscription_active: flag(u),
    }
}

fn lottery(u: &mut Unstructured) -> Lottery {
    Lottery {
        ticket_count: count(u),
        draw_scheduled: flag(u),
        pending_request: flag(u),
        pending_nonce: maybe(u, |u| Maybe(count(u))),
        next_client_seed: count(u),
        jackpot_amount: count(u),
        rng_request_count: count(u),
        rng_response_count: count(u),
        aggregator: maybe(u, |u| maybe(u, address).into_iter().collect()),
        consumers: maybe(u, addresses),
        vrf_request_config: maybe(u, |u| {
            Maybe(maybe(u, |u| VrfRequestConfig { rng_count: 1, client_seed: Count(number(u)) }))
        }),
        gas: Gas {
            max_gas_price: maybe(u, |u| GasPrice(number(u))),
            max_gas_limit: maybe(u, |u| GasUnits(number(u))),
            callback_gas_price: maybe(u, |u| GasPrice(number(u))),
            callback_gas_limit: maybe(u, |u| GasUnits(number(u))),
            verification_gas_value: maybe(u, |u| GasUnits(number(u))),
        },
        client_snapshot: None,
        consumer_snapshot: None,
        min_balance_snapshot: maybe(u, |u| Maybe(quants(u))),
    }
}

fn views(u: &mut Unstructured) -> Views {
    let kinds = [
        FailureKind::Timeout,
        FailureKind::Unsupported,
        FailureKind::NotWhitelisted,
        FailureKind::WrongChain,
    ];
    let mut views = Views::new();
    for entry in CATALOGUE {
        let error = match u.int_in_range(0u8..=3).unwrap_or(0) {
            0 => continue,
            1 => Some(Failure::new(*u.choose(&kinds).unwrap_or(&kinds[0]), text(u))),
            _ => None,
        };
        views.insert(entry.key.to_owned(), ViewReport { error, ..ViewReport::default() });
    }
    views
}

fn requests(u: &mut Unstructured) -> Requests {
    Requests {
        requested: u.arbitrary().unwrap_or(0),
        handled: u.arbitrary().unwrap_or(0),
        pending: maybe(u, |u| Pending {
            nonce: Count(number(u)),
            height: 1,
            transaction_hash: maybe(u, text),
            requested_at: maybe(u, text),
            age_seconds: maybe(u, |u| u.arbitrary().unwrap_or(0)),
            requester: maybe(u, text),
        })
        .into_iter()
        .collect(),
        whitelist_changes: maybe(u, |u| Change {
            name: text(u),
            height: 1,
            at: None,
            transaction_hash: None,
        })
        .into_iter()
        .collect(),
        callback_fee_quants: quants(u),
        callback_failures: maybe(u, |u| CallbackFailure {
            nonce: maybe(u, |u| Count(number(u))),
            height: 1,
            transaction_hash: None,
            status: text(u),
            abort: maybe(u, |u| Abort { location: maybe(u, text), code: text(u), name: maybe(u, text) }),
            help: None,
        })
        .into_iter()
        .collect(),
        error: maybe(u, |u| Failure::new(FailureKind::Timeout, text(u))),
        ..Requests::default()
    }
}

fn policy(u: &mut Unstructured) -> Policy {
    Policy {
        plan: Decimal::percent(u.int_in_range(100..=600).unwrap_or(300)),
        warn: Decimal::percent(u.int_in_range(100..=400).unwrap_or(200)),
        critical: Decimal::percent(u.int_in_range(100..=200).unwrap_or(100)),
        min_balance_limit: quants(u),
        aggregators: addresses(u),
        consumers: addresses(u),
        chain_id: maybe(u, |u| u.int_in_range(6..=8).unwrap_or(6)),
        max_lag_s: maybe(u, |u| u.int_in_range(0..=1000).unwrap_or(300)),
        fail_on: *u
            .choose(&[Severity::Info, Severity::Warning, Severity::Critical])
            .unwrap_or(&Severity::Warning),
        lang: if u.arbitrary().unwrap_or(false) { Lang::Ru } else { Lang::En },
        ..Policy::default()
    }
}

fn finds(checks: &Checks, code: Code) -> bool {
    checks.findings.iter().any(|finding| finding.code == code)
}

fuzz_target!(|data: &[u8]| {
    let mut u = Unstructured::new(data);
    let u = &mut u;
    let policy = policy(u);
    let chain = Chain {
        id: maybe(u, |u| u.int_in_range(6..=8).unwrap_or(6)),
        time_us: maybe(u, |u| match u.int_in_range(0u8..=3).unwrap_or(0) {
            0 => Count(number(u)),
            _ => Count(u128::from(NOW_S.unsigned_abs()) * 1_000_000),
        }),
        upgraded_modules: Vec::new(),
    };
    let state = State { chain, deposit: deposit(u), lottery: lottery(u), consumer: None };
    let views = views(u);
    let calculation = maybe(u, |u| {
        let (price, limit, gas) = (GasPrice(number(u)), GasUnits(number(u)), GasUnits(number(u)));
        Calculation::from_gas(price, limit, gas, Decimal::percent(15), 30).ok()
    })
    .flatten();
    let error = maybe(u, |u| ReportError {
        kind: text(u),
        message: text(u),
        view: maybe(u, text),
        hint: maybe(u, text),
    });
    let requests = maybe(u, requests);
    let facts = Facts {
        state: &state,
        views: &views,
        error: error.as_ref(),
        calculation: calculation.as_ref(),
        requests: requests.as_ref(),
        pending_since: None,
        history: &[],
        now: Timestamp::from_second(NOW_S).expect("a time"),
    };
    let checks = evaluate(facts, &policy);

    let d = &state.deposit;
    let trusted = !finds(&checks, Code::WrongChain) && !finds(&checks, Code::ChainStale);
    let calculated = calculation.as_ref().map(|calculation| calculation.min_balance);
    let own = policy.min_balance_limit.or(calculated);
    let below =
        |minimum: Option<Quants>| d.balance.zip(minimum).is_some_and(|(balance, least)| balance <= least);
    let low = d.at_or_below_minimum == Some(true) || below(d.refusal_minimum()) || below(own);
    if checks.status == Status::Ok {
        assert!(trusted, "another chain's word is no verdict");
        assert!(!low, "ok at or below a minimum: {d:?}");
        assert!(d.balance.is_some(), "ok without a balance");
        let is_known =
            d.at_or_below_minimum.is_some() || d.refusal_minimum().and(d.supra_min_balance).is_some();
        assert!(is_known, "ok without a minimum: {d:?}");
        let is_dated = state.lottery.pending_request != Some(true)
            || requests.as_ref().is_some_and(|requests| requests.error.is_none());
        assert!(is_dated, "ok with a request that may have waited for days");
        assert!(d.client_whitelisted != Some(false) && d.paused != Some(true));
        assert!(error.is_none(), "ok although the report says that it is incomplete");
        for key in ["client_whitelisted", "paused"] {
            let failed = views.get(key).and_then(|report| report.error.as_ref());
            let known = if key == "paused" { d.paused.is_some() } else { d.client_whitelisted.is_some() };
            let absent = [FailureKind::Unsupported, FailureKind::NotWhitelisted];
            let answered = failed.is_none_or(|failure| absent.contains(&failure.kind)) || known;
            assert!(answered, "ok although {key} was asked for in vain");
        }
        assert!(
            checks.findings.iter().all(|f| f.severity < policy.fail_on || f.severity == Severity::Unknown)
        );
        assert!(checks.findings.iter().all(|f| f.severity != Severity::Unknown));
    }
    if low && trusted && d.client_whitelisted != Some(false) {
        assert_eq!(checks.status, Status::Alert, "low is an alert, whatever else is unknown");
    }
    if low {
        assert_eq!(is_low(&state, calculation.as_ref(), policy.min_balance_limit), Some(true));
    }
    if d.balance.is_none() {
        assert_ne!(is_low(&state, calculation.as_ref(), policy.min_balance_limit), Some(false));
    }
    for finding in &checks.findings {
        oracle::one_plain_line(&finding.message, 20_000);
    }
    if !trusted {
        assert!(checks.status == Status::Unknown && checks.ratio.is_none());
    }
    let written = serde_json::to_string(&checks).expect("JSON");
    assert_eq!(serde_json::from_str::<Checks>(&written).expect("our shape"), checks);

    let demand = DrawPolicy {
        min_tickets: u.int_in_range(0..=5).unwrap_or(5),
        skip_draw_scheduled: false,
        allow_pending: false,
        skip_min_balance: false,
        sender: None,
        signer: None,
        layout: None,
        expected_aggregators: Vec::new(),
        lang: policy.lang,
    };
    let found = readiness(Some(&state), &views, &checks, &demand);
    assert_eq!(found.ready, found.reasons.is_empty());
    if found.ready {
        let l = &state.lottery;
        assert!(trusted && !(d.at_or_below_minimum == Some(true) || below(d.min_balance)));
        assert_eq!((l.draw_scheduled, l.pending_request), (Some(true), Some(false)));
        assert!(l.ticket_count.is_some_and(|count| count.0 >= 1));
        assert!(
            d.balance.is_some() || d.at_or_below_minimum == Some(false),
            "ready without knowing the deposit"
        );
        assert!(d.client_whitelisted != Some(false) && d.paused != Some(true));
    }
});
