//! Layout files and what contracts answer: a wrong file is one plain line, and a contract that was not read as a whole is
//! never fine, nor ready for a draw.

#![no_main]

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use oracle::{one_plain_line, texts};
use serde_json::Value;
use supra_core::check::remedy::own_deposit;
use supra_core::check::{Checker, Policy, Status};
use supra_core::client::{ChainClient, ClientOptions};
use supra_core::error::Error;
use supra_core::failure::FailureKind;
use supra_core::lang::Lang;
use supra_core::layout::{Layout, LayoutDraw, Layouts};
use supra_core::readiness::{DrawPolicy, readiness};
use supra_core::report::Report;
use supra_core::target::Target;
use supra_core::transport::{Block, Deadline, EventPage, EventRow, Reply, Request, Transport};

const NOW_S: i64 = 1_760_000_000;

/// A chain that gives the answers in turn; an answer that is not JSON is a failure.
struct Chain(Arc<Vec<Value>>, std::sync::atomic::AtomicUsize);

impl Chain {
    fn next(&self) -> Option<&Value> {
        let at = self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.0.get(at % self.0.len().max(1))
    }

    fn answer(&self, request: &Request) -> Result<Value, Error> {
        match request {
            Request::Block { height, .. } => {
                let height = height.unwrap_or(NOW_S as u64);
                let block =
                    Block { height, time_us: height * 1_000_000, chain_id: None, transactions: vec![] };
                Ok(serde_json::to_value(block).unwrap())
            }
            Request::Events { .. } => {
                let row = |data: &Value| EventRow {
                    height: Some(NOW_S as u64 - 60),
                    hash: None,
                    data: data.clone(),
                };
                let rows = self.next().map(row).into_iter().collect();
                Ok(serde_json::to_value(EventPage { rows, cursor: None }).unwrap())
            }
            _ => match self.next() {
                None => Err(Error::new(FailureKind::Unreachable, "no answer")),
                Some(Value::Null) => Err(Error::new(FailureKind::Unsupported, "there is none")),
                Some(answer) => Ok(answer.clone()),
            },
        }
    }
}

impl Transport for Chain {
    fn ask(&self, requests: &[Request], _: Deadline) -> Vec<Reply> {
        let reply = |request| Reply { result: self.answer(request), elapsed: Duration::ZERO, attempts: 1 };
        requests.iter().map(reply).collect()
    }

    fn identity(&self) -> String {
        "fuzz".to_owned()
    }

    fn offers_abi(&self) -> bool {
        true
    }
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (file, answers) = text.split_once('\0').unwrap_or((&text, ""));
    let mut layouts = Layouts::built_in();
    let name = match Layout::parse(file, &|_| None) {
        Ok(layout) => {
            let name = layout.name().to_owned();
            layouts.add(layout);
            name
        }
        Err(error) => {
            one_plain_line(&error.message, 8000);
            assert!(error.line.is_none_or(|line| line <= file.lines().count().max(1)), "{error:?}");
            ["core", "multi", "generic"][data.len() % 3].to_owned()
        }
    };
    let answers: Vec<Value> = answers.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let address = "0xc0".parse().unwrap();
    let target = Target {
        lottery: None,
        consumer: Some(address),
        layout: Some(name.clone()),
        ..Target::of_lottery(address, "0xd".parse().unwrap())
    };
    let draw = layouts.get(&name).and_then(|layout| LayoutDraw::of(layout, &target));
    let options = ClientOptions { layouts, timeout: Duration::from_secs(5), ..ClientOptions::default() };
    let client = ChainClient::new(Box::new(Chain(Arc::new(answers), 0.into())), options);
    let now = Timestamp::from_second(NOW_S).unwrap();
    let collected = client.collect(&target, now);
    let is_whole =
        collected.views.iter().all(|(key, view)| !key.starts_with("consumer.") || view.error.is_none());
    let consumer = serde_json::to_value(collected.state.consumer.as_ref().unwrap()).unwrap();
    let report = Report {
        state: Some(collected.state),
        views: collected.views,
        read_at: Some(now),
        ..Report::default()
    };
    let checker = Checker { policy: Policy::default(), calculation: None };
    let checks = checker.check(&report, None, now);
    if !is_whole {
        assert_ne!(checks.status, Status::Ok);
    }
    if let Some(draw) = draw {
        let signer = draw.signer().unwrap_or_default();
        let policy = DrawPolicy {
            min_tickets: 5,
            skip_draw_scheduled: false,
            allow_pending: false,
            skip_min_balance: true,
            sender: None,
            signer,
            layout: Some(draw),
            expected_aggregators: Vec::new(),
            lang: Lang::En,
        };
        let found = readiness(report.state.as_ref(), &report.views, &checks, &policy);
        let hold = found.conditions.iter().all(|condition| condition.holds == Some(true));
        assert!(!found.ready || is_whole && hold, "{found:?}");
        for reason in &found.reasons {
            one_plain_line(&reason.message, 4000);
        }
    }
    if let Some(own) = own_deposit(&report) {
        let is_reported = || report.views.get("consumer.fund").is_some_and(|view| view.error.is_some());
        assert!(own.call(5).is_some() || is_reported(), "{own:?}");
    }
    for finding in &checks.findings {
        one_plain_line(&finding.message, 4000);
    }
    let mut found = Vec::new();
    texts(&consumer, &mut found);
    assert!(found.len() < 100_000);
});
